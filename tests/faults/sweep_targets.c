#include "tests/faults/sweep.h"

#include <string.h>

/* The kinds of target that a sweep knows. */

static void push_code(struct world *w, bool bad)
{
	world_push(w, SWEEP_NAME, bad ? "errors=0.4" : "errors=0.001");
}

/* --- Lambda --------------------------------------------------------------------------------- */

static void set_up_lambda(struct world *w, const char *strategy, bool bad)
{
	(void)bad; /* the code says it */
	world_lambda(w, SWEEP_NAME, strategy);
}

static const char *lambda_resource(struct world *w)
{
	(void)w;
	return "lambda:" SWEEP_NAME ":live";
}

static double lambda_share(const struct sim_split *s)
{
	return strcmp(s->baseline, "1") != 0 ? 100 : s->weight;
}

static struct world_live lambda_live(struct world *w)
{
	return world_lambda_live(w, SWEEP_NAME);
}

const struct sweep_target sweep_lambda = {
	.name = "lambda",
	.set_up = set_up_lambda,
	.push = push_code,
	.resource = lambda_resource,
	.share_of = lambda_share,
	.live = lambda_live,
};

/* --- load balancer -------------------------------------------------------------------------- */

static void set_up_load_balancer(struct world *w, const char *strategy, bool bad)
{
	world_load_balancer(w, SWEEP_NAME, strategy, bad);
}

static const char *load_balancer_resource(struct world *w)
{
	return world_rule(w, SWEEP_NAME);
}

static double load_balancer_share(const struct sim_split *s)
{
	return strstr(s->candidate, "-green/") ? s->weight : -1;
}

static struct world_live load_balancer_live(struct world *w)
{
	return world_load_balancer_live(w, SWEEP_NAME);
}

const struct sweep_target sweep_load_balancer = {
	.name = "load-balancer",
	.sparse = 2,
	.set_up = set_up_load_balancer,
	.push = push_code,
	.resource = load_balancer_resource,
	.share_of = load_balancer_share,
	.live = load_balancer_live,
};
