#include "tests/faults/sweep.h"

#include <string.h>

#include "tests/scenarios/world_ecs.h"

/* ECS for a sweep: by a service's own controller, and two services on one load balancer. */

#define TWO "canary: { steps: [ { weight: 10, for: 2m }, { weight: 50, for: 2m } ], bake: 2m }"

static const char *does(bool bad)
{
	return bad ? "errors=0.4" : "errors=0.001";
}

static const char *resource(struct world *w)
{
	return world_rule(w, SWEEP_NAME);
}

static double share_of(const struct sim_split *s)
{
	return strstr(s->candidate, "-green/") ? s->weight : -1;
}

static struct world_live live(struct world *w)
{
	return world_load_balancer_live(w, SWEEP_NAME);
}

/* --- native --------------------------------------------------------------------------------- */

static void set_up_native(struct world *w, const char *strategy, bool bad)
{
	(void)bad; /* the image says it */
	world_ecs(w, SWEEP_NAME, strategy);
}

static void push_native(struct world *w, bool bad)
{
	world_ecs_push(w, SWEEP_NAME, "2", does(bad), NULL);
}

static const char *native_belongings(struct world *w)
{
	struct world_ecs_live l = world_ecs_look(w, SWEEP_NAME);

	return arena_printf(w->arena, "%s, %g tasks, %s", l.definition, l.running, l.configuration);
}

const struct sweep_target sweep_ecs_native = {
	.name = "ecs-native",
	.set_up = set_up_native,
	.push = push_native,
	.resource = resource,
	.share_of = share_of,
	.live = live,
	.belongings = native_belongings,
	.sparse = 24,
};

/* --- two services --------------------------------------------------------------------------- */

static void set_up_two(struct world *w, const char *strategy, bool bad)
{
	(void)strategy; /* the plan says it */
	(void)bad;
	world_ecs_balancer(w, SWEEP_NAME, "application");
	world_ecs_service(w, SWEEP_NAME, "desired=2");
	world_ecs_pipeline(w, SWEEP_NAME, "");
}

static void push_two(struct world *w, bool bad)
{
	world_ecs_push(w, SWEEP_NAME, "2", does(bad), world_ecs_two(w, SWEEP_NAME, TWO, "", ""));
}

/* The service that served, and whether there is another one. */
static const char *two_belongings(struct world *w)
{
	struct world_ecs_live l = world_ecs_look(w, SWEEP_NAME);
	bool other = strcmp(world_ecs_status(w, SWEEP_NAME "-twin"), "ACTIVE") == 0;

	return arena_printf(w->arena, "%s, %g tasks%s", l.definition, l.running,
			    other ? ", a second service" : "");
}

const struct sweep_target sweep_ecs_two = {
	.name = "ecs-two",
	.set_up = set_up_two,
	.push = push_two,
	.resource = resource,
	.share_of = share_of,
	.live = live,
	.belongings = two_belongings,
	.sparse = 24,
};
