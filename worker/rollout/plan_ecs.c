#include "worker/rollout/plan_reader.h"

#include <string.h>

/* A service of ECS: ecs:CLUSTER/SERVICE. */

#define NAME_MAX_ECS 255
#define PATH_LONGEST 1024
#define PAUSE_MARGIN_MS (60 * 60 * 1000ll) /* of a look that is late, or a worker that restarts */
/* A started rollout waits at a pause for as long as CodePipeline lets people take by default. */
#define APPROVAL_MS (7 * 24 * 60 * 60 * 1000ll)
#define PAUSE_MINUTES_MOST 20160	   /* ECS's own limits of a pause: 14 days */
#define MINUTE_MS 60000ll
#define STEP_LEAST_BP 300 /* of LINEAR */

static const char base[] = "target.ecs";

static void defaults(struct plan_target *t)
{
	plan_lb_defaults(&t->lb);
	t->ecs.failed_tasks = 3;
}

static bool parse(struct plan_reader *r, struct str text, const char *place, const char *whole,
		  struct plan_target *t)
{
	const char *slash = text.n ? memchr(text.p, '/', text.n) : NULL;
	size_t at = slash ? (size_t)(slash - text.p) : 0;
	struct str cluster = str_sub(text, 0, at), service = str_sub(text, at + 1, text.n);

	if (!slash || !plan_is_name(cluster, NAME_MAX_ECS) ||
	    !plan_is_name(service, NAME_MAX_ECS)) {
		problem_add(r->problems, place, whole,
			    "write ecs:CLUSTER/SERVICE, for example ecs:prod/web; both are names, "
			    "no ARNs");
		return false;
	}
	t->ecs.cluster = str_dup(r->a, cluster);
	t->ecs.service = str_dup(r->a, service);
	return true;
}

/* --- the file -------------------------------------------------------------------------------- */

static const char *path_of(struct plan_reader *r, const char *key)
{
	return arena_printf(r->a, "%s.%s", base, key);
}

static void read_name(struct plan_reader *r, const struct yaml *map, const char *key,
		      const char **out)
{
	const struct yaml *node = yaml_get(map, key);

	if (plan_text(r, node, path_of(r, key), out) && node &&
	    !plan_is_name(str_from(*out), NAME_MAX_ECS))
		problem_add(r->problems, plan_place(r, node, path_of(r, key)), *out,
			    "a name has 1 to 255 letters, digits, - and _");
}

/* Where it leads is checked when the artifact is there. */
static void read_path(struct plan_reader *r, const struct yaml *node, const char *path,
		      const char **out)
{
	if (plan_text(r, node, path, out) && node &&
	    (!(*out)[0] || strlen(*out) > PATH_LONGEST || (*out)[0] == '/'))
		problem_add(r->problems, plan_place(r, node, path), *out,
			    "write the path of a file in the artifact");
}

/* One of the words, by its place; false, with a problem, when it is none. */
static bool read_word(struct plan_reader *r, const struct yaml *map, const char *key,
		      const char *const *words, unsigned n, unsigned *out)
{
	const struct yaml *node = yaml_get(map, key);
	const char *said = NULL, *list = words[0];

	if (!plan_text(r, node, path_of(r, key), &said) || !node)
		return false;
	for (unsigned i = 0; i < n; i++) {
		if (!strcmp(said, words[i])) {
			*out = i;
			return true;
		}
		if (i)
			list = arena_printf(r->a, "%s%s%s", list, i + 1 < n ? ", " : " or ",
					    words[i]);
	}
	problem_add(r->problems, plan_place(r, node, path_of(r, key)), said, "write %s", list);
	return false;
}

static void read_details(struct plan_reader *r, const struct yaml *map)
{
	struct plan_ecs *e = &r->plan->target.ecs;
	const char *path = path_of(r, "image_details");

	if (!map)
		return;
	if (map->type != YAML_MAP || map->n > PLAN_ECS_IMAGES_MAX) {
		problem_add(r->problems, plan_place(r, map, path), NULL,
			    "write at most %d placeholders with a file each: { IMAGE1_NAME: "
			    "imageDetail.json } for <IMAGE1_NAME>",
			    PLAN_ECS_IMAGES_MAX);
		return;
	}
	yaml_each(item, map) {
		const char *at = arena_printf(r->a, "%s." STR_FMT, path, STR_ARG(item->key));

		if (!plan_is_name(item->key, 64))
			problem_add(
				r->problems, plan_place(r, item, path), str_dup(r->a, item->key),
				"a placeholder has 1 to 64 letters, digits, - and _, and stands "
				"between < and > in the task definition");
		e->image_details[e->n_image_details].placeholder = str_dup(r->a, item->key);
		read_path(r, item, at, &e->image_details[e->n_image_details].path);
		if (e->image_details[e->n_image_details].path)
			e->n_image_details++;
	}
}

static void read_alarms(struct plan_reader *r, const struct yaml *node)
{
	struct plan_ecs *e = &r->plan->target.ecs;
	const char *path = path_of(r, "alarms");

	for (const struct yaml *item = plan_items(node); item; item = plan_next(node, item)) {
		const char *name = NULL;

		if (e->n_alarms == PLAN_ECS_ALARMS_MAX) {
			problem_add(r->problems, plan_place(r, item, path), NULL,
				    "at most %d alarms", PLAN_ECS_ALARMS_MAX);
			return;
		}
		if (!plan_text(r, item, path, &name) || !name)
			continue;
		if (!plan_is_alarm_name(str_from(name)))
			problem_add(r->problems, plan_place(r, item, path), name,
				    "an alarm's name has 1 to 255 characters");
		e->alarms[e->n_alarms++] = name;
	}
}

static void read(struct plan_reader *r, const struct yaml *map)
{
	static const char *const methods[] = {"native", "two_services"};
	static const char *const ends[] = {"scale_in", "delete", "keep"};
	struct plan_ecs *e = &r->plan->target.ecs;
	unsigned word;

	if (!plan_keys(r, map, base,
		       "cluster service method task_definition images image_details failed_tasks "
		       "alarms pause_timeout twin retire " PLAN_LB_KEYS))
		return;
	if (!yaml_get(map, "cluster") || !yaml_get(map, "service"))
		problem_add(r->problems, plan_place(r, map, base), NULL,
			    "cluster and service are both needed: { cluster: prod, service: web }");
	read_name(r, map, "cluster", &e->cluster);
	read_name(r, map, "service", &e->service);
	if (read_word(r, map, "method", methods, 2, &word))
		e->method = (enum ecs_method)word;
	read_path(r, yaml_get(map, "task_definition"), path_of(r, "task_definition"),
		  &e->task_definition);
	read_path(r, yaml_get(map, "images"), path_of(r, "images"), &e->images);
	read_details(r, yaml_get(map, "image_details"));
	read_alarms(r, yaml_get(map, "alarms"));
	plan_integer(r, yaml_get(map, "failed_tasks"), path_of(r, "failed_tasks"), 1, 1000,
		     &e->failed_tasks);
	plan_duration(r, yaml_get(map, "pause_timeout"), path_of(r, "pause_timeout"), MINUTE_MS,
		      PAUSE_MINUTES_MOST * MINUTE_MS, &e->pause_ms);
	read_name(r, map, "twin", &e->twin);
	if (read_word(r, map, "retire", ends, 3, &word))
		e->retire = (enum ecs_retire)word;
	plan_lb_read(r, map, base, &r->plan->target.lb);
}

/* --- what the native controller can do ------------------------------------------------------- */

static bool is_linear(const struct plan *p, int step_bp)
{
	size_t n = p->n_steps;

	/* a last step of 100 % may be shorter than the others, as ECS's own may */
	if (p->steps[n - 1].weight_bp == 10000)
		n--;
	for (size_t i = 0; i < n; i++)
		if (p->steps[i].weight_bp != step_bp * (int)(i + 1))
			return false;
	return step_bp * (int)(n + 1) >= 10000;
}

const char *plan_ecs_strategy(const struct plan *p, int *percent_bp, const char **why)
{
	int first = p->n_steps ? p->steps[0].weight_bp : 0;

	*percent_bp = first;
	for (size_t i = 0; i < p->n_steps; i++) {
		if (p->steps[i].segment >= 0) {
			*why = "ECS's own controller knows no segments of users";
			return NULL;
		}
		if (p->steps[i].weight_bp % 10 != 0) {
			*why = "ECS's own controller knows no percentage finer than 0.1";
			return NULL;
		}
	}
	if (p->n_steps == 1 && first == 10000)
		return "BLUE_GREEN";
	if (p->n_steps == 1 || (p->n_steps == 2 && p->steps[1].weight_bp == 10000))
		return "CANARY";
	if (p->n_steps > 1 && is_linear(p, first)) {
		if (first >= STEP_LEAST_BP)
			return "LINEAR";
		*why = "equal steps of ECS's own controller have 3% at least";
		return NULL;
	}
	*why = "ECS's own controller knows one percentage, equal steps up to 100%, or all at once";
	return NULL;
}

/* The longest that a rollout may stay at one pause when all goes well. */
static int64_t longest_pause_ms(const struct plan *p)
{
	int64_t longest = p->bake_ms > p->verify_ms ? p->bake_ms : p->verify_ms;
	bool waits_for_people = p->mode != MODE_DEPLOY || p->unknown_then == UNKNOWN_HOLD;

	for (size_t i = 0; i < p->n_steps; i++) {
		if (p->steps[i].watch_ms > longest)
			longest = p->steps[i].watch_ms;
		waits_for_people |= p->steps[i].approve;
	}
	longest += p->unknown_hold_ms;
	return waits_for_people && p->max_duration_ms > longest ? p->max_duration_ms : longest;
}

int64_t plan_ecs_pause_minutes(const struct plan *p)
{
	int64_t ms = p->target.ecs.pause_ms ? p->target.ecs.pause_ms
					    : longest_pause_ms(p) + PAUSE_MARGIN_MS;
	int64_t minutes;

	if (!p->target.ecs.pause_ms && p->mode == MODE_START)
		ms += APPROVAL_MS;
	minutes = (ms + MINUTE_MS - 1) / MINUTE_MS;

	return minutes < PAUSE_MINUTES_MOST ? minutes : PAUSE_MINUTES_MOST;
}

/* --- the whole plan -------------------------------------------------------------------------- */

static void check_native(struct plan_reader *r)
{
	const struct plan *p = r->plan;
	const struct plan_ecs *e = &p->target.ecs;
	const char *why = "";
	int percent_bp;

	if (p->n_steps && !plan_ecs_strategy(p, &percent_bp, &why))
		problem_add(r->problems, r->strategy_place, NULL,
			    "%s; change the steps, or write method: two_services under target.ecs",
			    why);
	if (e->pause_ms && e->pause_ms < longest_pause_ms(p))
		problem_add(
			r->problems, r->target_place, NULL,
			"pause_timeout is shorter than what a step, the bake time or a hold may "
			"take: ECS would go back in the middle of it");
	if (e->twin || p->target.lb.resource_arn || p->target.lb.candidate_arn ||
	    p->target.lb.baseline_arn)
		problem_add(r->problems, r->target_place, NULL,
			    "twin, rule, listener, baseline and candidate belong to method: "
			    "two_services; the native controller has its own in the service");
}

static void check_two(struct plan_reader *r)
{
	const struct plan_target *t = &r->plan->target;

	if (!t->lb.resource_arn)
		problem_add(r->problems, r->target_place, NULL,
			    "two services need the rule or listener whose weights are to move");
	else if (t->lb.baseline_arn)
		problem_add(r->problems, r->target_place, t->lb.baseline_arn,
			    "the baseline is the service that has the traffic; leave it out");
	if (t->ecs.twin && plan_same_text(t->ecs.twin, t->ecs.service))
		problem_add(r->problems, r->target_place, t->ecs.twin,
			    "the twin must be another service");
	if (t->ecs.service && !t->ecs.twin && strlen(t->ecs.service) > NAME_MAX_ECS - 5)
		problem_add(r->problems, r->target_place, t->ecs.service,
			    "no room for -twin behind this name; give the twin a name");
	if (t->ecs.n_alarms || t->ecs.pause_ms)
		problem_add(r->problems, r->target_place, NULL,
			    "alarms and pause_timeout are of the native controller; with two "
			    "services write the alarms under guards");
}

static void check(struct plan_reader *r)
{
	const struct plan_ecs *e = &r->plan->target.ecs;

	if (!e->service) /* it has its problem already */
		return;
	if (e->method == ECS_NATIVE)
		check_native(r);
	else
		check_two(r);
}

static bool same(const struct plan_target *a, const struct plan_target *b)
{
	return plan_same_text(a->ecs.cluster, b->ecs.cluster) &&
	       plan_same_text(a->ecs.service, b->ecs.service);
}

static const char *text(struct arena *a, const struct plan_target *t)
{
	return arena_printf(a, "%s/%s", t->ecs.cluster ? t->ecs.cluster : "",
			    t->ecs.service ? t->ecs.service : "");
}

static void digest(struct json_out *o, const struct plan_target *t)
{
	const struct plan_ecs *e = &t->ecs;

	json_member_cstr(o, "cluster", e->cluster);
	json_member_cstr(o, "service", e->service);
	json_member_i64(o, "method", e->method);
	json_member_cstr(o, "task_definition", e->task_definition);
	json_member_cstr(o, "images", e->images);
	json_out_key(o, "image_details");
	json_out_array(o);
	for (size_t i = 0; i < e->n_image_details; i++) {
		json_out_cstr(o, e->image_details[i].placeholder);
		json_out_cstr(o, e->image_details[i].path);
	}
	json_out_end(o);
	json_member_i64(o, "failed_tasks", e->failed_tasks);
	json_out_key(o, "alarms");
	json_out_array(o);
	for (size_t i = 0; i < e->n_alarms; i++)
		json_out_cstr(o, e->alarms[i]);
	json_out_end(o);
	json_member_i64(o, "pause", e->pause_ms);
	json_member_cstr(o, "twin", e->twin);
	json_member_i64(o, "retire", e->retire);
	plan_lb_digest(o, &t->lb);
}

const struct plan_target_kind plan_kind_ecs = {
	.word = "ecs",
	.key = "ecs",
	.form = "ecs:CLUSTER/SERVICE",
	.defaults = defaults,
	.parse = parse,
	.read = read,
	.same = same,
	.text = text,
	.digest = digest,
	.check = check,
};
