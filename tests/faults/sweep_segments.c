#include "tests/faults/sweep.h"

#include <string.h>

/*
 * Segments: the plan file says who they are, the pipeline the rest. A rollout is not where it
 * should be as long as a rule or an alias of one is left, or a statement of its policy.
 */
#define ROLE "arn:aws:iam::111122223333:role/staff"

static void push_segment(struct world *w, const char *staff, bool bad)
{
	const char *plan =
		arena_printf(w->arena, "rollout: 1\nsegments:\n  staff: { %s }\n", staff);
	const char *code = bad ? "# sim: errors=0.4\n" : "# sim: errors=0.001\n";
	const struct pack_entry files[] = {{.name = "rollout.yaml", .bytes = str_from(plan)},
					   {.name = "index.py", .bytes = str_from(code)}};

	world_push_files(w, SWEEP_NAME, files, 2);
}

/* --- Lambda, by IAM ------------------------------------------------------------------------- */

static void set_up_lambda(struct world *w, const char *strategy, bool bad)
{
	sweep_lambda.set_up(w, strategy, bad);
	world_control(w, "lambda caller " SWEEP_NAME " " ROLE " rps=20");
	/* of the function: whatever the alias */
	world_control(w,
		      "cloudwatch alarm " SWEEP_NAME "-errors namespace=AWS/Lambda metric=Errors "
		      "dimensions=\"FunctionName=" SWEEP_NAME "\" stat=Sum period=60 "
		      "threshold=30 evaluation_periods=1 missing=notBreaching state=OK");
}

static void push_lambda(struct world *w, bool bad)
{
	push_segment(w, "principals: \"" ROLE "\"", bad);
}

static const char *lambda_resource(struct world *w)
{
	return sweep_lambda.resource(w);
}

static double lambda_share(const struct sim_split *s)
{
	return sweep_lambda.share_of(s);
}

static struct world_live lambda_live(struct world *w)
{
	const struct json *shown = world_ask(w, "lambda show " SWEEP_NAME);
	struct world_live live = sweep_lambda.live(w);

	live.is_one &= json_get(shown, "aliases")->n == 1 && json_get(shown, "statements")->n == 0;
	return live;
}

const struct sweep_target sweep_lambda_segments = {
	.sparse = 4,
	.name = "lambda-segments",
	.set_up = set_up_lambda,
	.push = push_lambda,
	.resource = lambda_resource,
	.share_of = lambda_share,
	.live = lambda_live,
};

/* --- load balancer -------------------------------------------------------------------------- */

static void set_up_load_balancer(struct world *w, const char *strategy, bool bad)
{
	sweep_load_balancer.set_up(w, strategy, bad);
	world_control(w, "elbv2 listener " SWEEP_NAME " port=443 segment_rps=20");
}

static void push_load_balancer(struct world *w, bool bad)
{
	push_segment(w, "header: { name: X-Team, values: [staff] }", bad);
}

static const char *load_balancer_resource(struct world *w)
{
	return sweep_load_balancer.resource(w);
}

static double load_balancer_share(const struct sim_split *s)
{
	return sweep_load_balancer.share_of(s);
}

static struct world_live load_balancer_live(struct world *w)
{
	struct world_live live = sweep_load_balancer.live(w);

	json_each(rule, json_get(world_ask(w, "elbv2 show " SWEEP_NAME), "rules")) {
		live.is_one &= json_get(rule, "tags")->n == 0;
	}
	return live;
}

const struct sweep_target sweep_load_balancer_segments = {
	.sparse = 4,
	.name = "load-balancer-segments",
	.set_up = set_up_load_balancer,
	.push = push_load_balancer,
	.resource = load_balancer_resource,
	.share_of = load_balancer_share,
	.live = load_balancer_live,
};
