#include <string.h>

#include "tests/faults/sweep.h"
#include "tests/scenarios/world_auto_scaling.h"

/* Groups have eight times the calls of an alias or a rule, and more time to wait for. */
#define SPARSE 120

/*
 * Auto Scaling groups under a sweep: more calls than any other kind, and more that could be left
 * behind. Whatever fails, every group has to be what it was.
 */

static const struct world_asg copied = {.name = SWEEP_NAME};
static const struct world_asg twins = {
	.name = SWEEP_NAME, .twin = true, .install = WORLD_INSTALL_COMMAND};

/* The strategy of the world that is being run: sweeps run one world after the other. */
static const char *strategy_of_run;

static struct world_asg with_strategy(const struct world_asg *g)
{
	struct world_asg made = *g;

	made.strategy = strategy_of_run;
	return made;
}

static void set_up(struct world *w, const struct world_asg *g, const char *strategy)
{
	struct world_asg made;

	strategy_of_run = strategy;
	made = with_strategy(g);
	world_auto_scaling(w, &made);
}

static void push(struct world *w, const struct world_asg *g, bool bad)
{
	struct world_asg made = with_strategy(g);

	world_auto_scaling_push(w, &made, bad);
}

static void set_up_copy(struct world *w, const char *strategy, bool bad)
{
	(void)bad; /* the release says it */
	set_up(w, &copied, strategy);
}

static void push_copy(struct world *w, bool bad)
{
	push(w, &copied, bad);
}

static void set_up_twin(struct world *w, const char *strategy, bool bad)
{
	(void)bad;
	set_up(w, &twins, strategy);
}

static void push_twin(struct world *w, bool bad)
{
	push(w, &twins, bad);
}

static const char *resource(struct world *w)
{
	return world_auto_scaling_listener(w, SWEEP_NAME);
}

static double share_of(const struct sim_split *s)
{
	return strstr(s->candidate, "-green/") ? s->weight : -1;
}

static struct world_live live(struct world *w)
{
	return world_auto_scaling_live(w, SWEEP_NAME);
}

const struct sweep_target sweep_auto_scaling_copy = {
	.name = "auto-scaling-copy",
	.set_up = set_up_copy,
	.push = push_copy,
	.resource = resource,
	.share_of = share_of,
	.live = live,
	.belongings = world_auto_scaling_belongings,
	.sparse = SPARSE,
};

const struct sweep_target sweep_auto_scaling_twin = {
	.name = "auto-scaling-twin",
	.set_up = set_up_twin,
	.push = push_twin,
	.resource = resource,
	.share_of = share_of,
	.live = live,
	.belongings = world_auto_scaling_belongings,
	.sparse = SPARSE,
};
