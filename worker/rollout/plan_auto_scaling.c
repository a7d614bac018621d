#include "worker/rollout/plan_reader.h"

#include <string.h>

/*
 * An EC2 Auto Scaling group: auto-scaling:GROUP. In the file:
 *
 *   target:
 *     auto_scaling:
 *       group: shop-blue
 *       twin: shop-green            # left out: a copy is made of the live group
 *       rule: ARN                   # or listener; left out: found by the group's target group
 *       target_groups: [ARN, ARN]   # left out: the rule has both
 *       install: { image: imageDetail.json }
 *       headroom: 1
 *       healthy_for: 30s
 *       retire: delete              # or scale_in, keep; left out: copies that rollouts made are
 *                                   # deleted, groups of other making are scaled in
 *
 * install is image (a file), user_data (a file) or run_command (a file, or script, timeout and
 * later_instances).
 */
#define NAME_MAX 160 /* Auto Scaling takes 255; two names travel in the token */
#define BASE "target.auto_scaling"
#define KEYS                                                                               \
	"group twin listener rule target_groups min_healthy propagation install headroom " \
	"healthy_for retire"

static bool is_group(struct str s)
{
	if (s.n == 0 || s.n > NAME_MAX || str_trim(s).n != s.n)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < ' ' || s.p[i] > '~' || strchr(":\"\\", s.p[i]))
			return false;
	return true;
}

static void defaults(struct plan_target *t)
{
	plan_lb_defaults(&t->lb);
	t->auto_scaling = (struct plan_auto_scaling){.install = ASG_INSTALL_IMAGE,
						     .install_path = "imageDetail.json",
						     .install_timeout_ms = 600000,
						     .headroom = 1,
						     .stable_ms = 30000,
						     .retire = ASG_RETIRE_AUTO};
}

static bool parse(struct plan_reader *r, struct str text, const char *place, const char *whole,
		  struct plan_target *t)
{
	t->auto_scaling.group = str_dup(r->a, text);
	if (is_group(text))
		return true;
	problem_add(r->problems, place, whole,
		    "write auto-scaling:GROUP, for example auto-scaling:shop-blue; a name has 1 to "
		    "%d characters, no ':', quote or backslash",
		    NAME_MAX);
	return false;
}

/* --- the file -------------------------------------------------------------------------------- */

static void read_name(struct plan_reader *r, const struct yaml *map, const char *key,
		      const char **out)
{
	const struct yaml *node = yaml_get(map, key);
	const char *path = arena_printf(r->a, BASE ".%s", key);

	if (plan_text(r, node, path, out) && *out && !is_group(str_from(*out)))
		problem_add(r->problems, plan_place(r, node, path), *out,
			    "write the name of an Auto Scaling group: 1 to %d characters, no ':', "
			    "quote or backslash",
			    NAME_MAX);
}

static void read_target_groups(struct plan_reader *r, const struct yaml *list,
			       struct plan_auto_scaling *t)
{
	static const char path[] = BASE ".target_groups";
	size_t n = 0;

	if (!list)
		return;
	if (list->type != YAML_LIST || list->n != 2) {
		problem_add(r->problems, plan_place(r, list, path), NULL,
			    "two ARNs belong here: [ARN, ARN], the target groups that take turns");
		return;
	}
	for (const struct yaml *item = plan_items(list); item; item = plan_next(list, item), n++)
		if (plan_text(r, item, path, &t->target_groups[n]) && t->target_groups[n] &&
		    !plan_is_target_group(str_from(t->target_groups[n])))
			problem_add(r->problems, plan_place(r, item, path), t->target_groups[n],
				    "write the ARN of a target group");
	if (t->target_groups[0] && plan_same_text(t->target_groups[0], t->target_groups[1]))
		problem_add(r->problems, plan_place(r, list, path), t->target_groups[0],
			    "the two target groups must be different ones");
}

static void read_retire(struct plan_reader *r, const struct yaml *node, struct plan_auto_scaling *t)
{
	static const char *const words[] = {"keep", "scale_in", "delete"};
	static const char path[] = BASE ".retire";
	const char *text = NULL;

	/* a twin is wanted again the next time */
	t->retire = t->twin ? ASG_RETIRE_SCALE_IN : ASG_RETIRE_AUTO;
	if (!plan_text(r, node, path, &text) || !text)
		return;
	for (int i = 0; i < 3; i++) {
		if (strcmp(text, words[i]) != 0)
			continue;
		t->retire = (enum asg_retire)i;
		if (t->twin && i == ASG_RETIRE_DELETE)
			problem_add(r->problems, plan_place(r, node, path), text,
				    "the two groups take turns: write scale_in or keep");
		return;
	}
	problem_add(r->problems, plan_place(r, node, path), text,
		    "write what becomes of the old group: delete, scale_in or keep");
}

/* A file's name, or { script: NAME, timeout: 10m, later_instances: without }. */
static void read_command(struct plan_reader *r, const struct yaml *node,
			 struct plan_auto_scaling *t)
{
	static const char path[] = BASE ".install.run_command";
	const struct yaml *later;
	const char *word = NULL;

	if (node->type != YAML_MAP) {
		plan_text(r, node, path, &t->install_path);
		return;
	}
	plan_keys(r, node, path, "script timeout later_instances");
	if (!yaml_get(node, "script"))
		problem_add(r->problems, plan_place(r, node, path), NULL,
			    "script is needed: a file of the artifact");
	plan_text(r, yaml_get(node, "script"), BASE ".install.run_command.script",
		  &t->install_path);
	plan_duration(r, yaml_get(node, "timeout"), BASE ".install.run_command.timeout", 30000,
		      2 * 3600000, &t->install_timeout_ms);
	later = yaml_get(node, "later_instances");
	if (!plan_text(r, later, BASE ".install.run_command.later_instances", &word) || !word)
		return;
	t->later_without = !strcmp(word, "without");
	if (!t->later_without)
		problem_add(r->problems,
			    plan_place(r, later, BASE ".install.run_command.later_instances"), word,
			    "write \"without\" when instances that start after the rollout may go "
			    "without the script, or leave it out");
}

static void read_install(struct plan_reader *r, const struct yaml *map, struct plan_auto_scaling *t)
{
	static const char path[] = BASE ".install";
	const struct yaml *image, *user_data, *command;

	if (!map || !plan_keys(r, map, path, "image user_data run_command"))
		return;
	image = yaml_get(map, "image");
	user_data = yaml_get(map, "user_data");
	command = yaml_get(map, "run_command");
	if (!!image + !!user_data + !!command != 1) {
		problem_add(r->problems, plan_place(r, map, path), NULL,
			    "exactly one of image, user_data and run_command is needed");
		return;
	}
	if (image && plan_text(r, image, BASE ".install.image", &t->install_path))
		t->install = ASG_INSTALL_IMAGE;
	if (user_data && plan_text(r, user_data, BASE ".install.user_data", &t->install_path))
		t->install = ASG_INSTALL_USER_DATA;
	if (command) {
		t->install = ASG_INSTALL_COMMAND;
		read_command(r, command, t);
	}
}

static void read(struct plan_reader *r, const struct yaml *map)
{
	struct plan_auto_scaling *t = &r->plan->target.auto_scaling;

	if (!plan_keys(r, map, BASE, KEYS))
		return;
	if (!yaml_get(map, "group"))
		problem_add(r->problems, plan_place(r, map, BASE), NULL,
			    "group is needed: { group: shop-blue }");
	read_name(r, map, "group", &t->group);
	read_name(r, map, "twin", &t->twin);
	if (t->twin && plan_same_text(t->twin, t->group))
		problem_add(r->problems, plan_place(r, yaml_get(map, "twin"), BASE ".twin"),
			    t->twin, "group and twin must be two groups");
	if (yaml_get(map, "rule") && yaml_get(map, "listener"))
		problem_add(r->problems, plan_place(r, yaml_get(map, "listener"), BASE), NULL,
			    "write rule or listener, not both");
	plan_lb_read(r, map, BASE, &r->plan->target.lb);
	read_target_groups(r, yaml_get(map, "target_groups"), t);
	read_install(r, yaml_get(map, "install"), t);
	plan_integer(r, yaml_get(map, "headroom"), BASE ".headroom", 0, 1000, &t->headroom);
	plan_duration(r, yaml_get(map, "healthy_for"), BASE ".healthy_for", 0, 600000,
		      &t->stable_ms);
	read_retire(r, yaml_get(map, "retire"), t);
}

/* --- the rest -------------------------------------------------------------------------------- */

static bool same(const struct plan_target *a, const struct plan_target *b)
{
	return plan_same_text(a->auto_scaling.group, b->auto_scaling.group);
}

static const char *text(struct arena *a, const struct plan_target *t)
{
	return arena_strdup(a, t->auto_scaling.group ? t->auto_scaling.group : "");
}

static void digest(struct json_out *o, const struct plan_target *t)
{
	const struct plan_auto_scaling *g = &t->auto_scaling;

	plan_lb_digest(o, &t->lb);
	json_member_cstr(o, "group", g->group);
	json_member_cstr(o, "twin", g->twin);
	json_member_cstr(o, "first", g->target_groups[0]);
	json_member_cstr(o, "second", g->target_groups[1]);
	json_member_i64(o, "install", g->install);
	json_member_cstr(o, "path", g->install_path);
	json_member_i64(o, "timeout", g->install_timeout_ms);
	json_member_bool(o, "without", g->later_without);
	json_member_i64(o, "headroom", g->headroom);
	json_member_i64(o, "stable", g->stable_ms);
	json_member_i64(o, "retire", g->retire);
}

/* What takes longer than the preparation may take could never succeed. */
static void check(struct plan_reader *r)
{
	const struct plan_auto_scaling *t = &r->plan->target.auto_scaling;
	int64_t needed = t->stable_ms;
	char limit[DURATION_TEXT_SIZE], text[DURATION_TEXT_SIZE];

	if (t->install == ASG_INSTALL_COMMAND)
		needed += t->install_timeout_ms;
	if (needed < r->plan->prepare_ms)
		return;
	duration_format(needed, text);
	duration_format(r->plan->prepare_ms, limit);
	problem_add(r->problems, r->target_place, NULL,
		    "the command's timeout and healthy_for together are %s, and bringing the "
		    "candidate up may take %s (limits.prepare): shorten the one, or lengthen the "
		    "other",
		    text, limit);
}

const struct plan_target_kind plan_kind_auto_scaling = {
	.word = "auto-scaling",
	.key = "auto_scaling",
	.form = "auto-scaling:GROUP",
	.defaults = defaults,
	.parse = parse,
	.read = read,
	.same = same,
	.text = text,
	.digest = digest,
	.check = check,
};
