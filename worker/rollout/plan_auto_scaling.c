#include "worker/rollout/plan_reader.h"

/* An EC2 Auto Scaling group: auto-scaling:GROUP. */

static void defaults(struct plan_target *t)
{
	plan_lb_defaults(&t->lb);
}

static bool parse(struct plan_reader *r, struct str text, const char *place, const char *whole,
		  struct plan_target *t)
{
	(void)text;
	(void)t;
	problem_add(r->problems, place, whole,
		    "this version does not deploy to it; write another target");
	return false;
}

static void read(struct plan_reader *r, const struct yaml *map)
{
	problem_add(r->problems, plan_place(r, map, "target.auto_scaling"), NULL,
		    "this version does not deploy to it; write another target");
}

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
	plan_lb_digest(o, &t->lb);
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
};
