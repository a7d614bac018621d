#ifndef TESTS_SCENARIOS_WORLD_ECS_H
#define TESTS_SCENARIOS_WORLD_ECS_H

#include "tests/scenarios/world.h"

/*
 * Worlds with ECS: service prod/NAME of two tasks behind the rule NAME:443:10, with target groups
 * NAME-blue, where they are, and NAME-green beside it; traffic, and an alarm NAME-errors on what
 * the targets answer. All of it has been healthy for a while when these return.
 */

/* A service of its own controller, deployed blue/green, and a pipeline that deploys to it. */
void world_ecs(struct world *w, const char *name, const char *strategy);
/* The parts: the load balancer with its rule and alarm; the service, with further words. */
void world_ecs_balancer(struct world *w, const char *name, const char *type);
void world_ecs_service(struct world *w, const char *name, const char *words);
/* A pipeline that says this of the action's configuration: "config.Strategy=..." */
void world_ecs_pipeline(struct world *w, const char *name, const char *configuration);

/*
 * The plan of two services, NAME and NAME-twin, with more members of the target (", retire: keep")
 * and whole further sections ("rollback: ...\n").
 */
const char *world_ecs_two(struct world *w, const char *name, const char *strategy, const char *more,
			  const char *sections);

/*
 * A release of this image, NAME:TAG, which does what the words say. The artifact is a taskdef.json
 * with a placeholder and an imageDetail.json; plan: rollout.yaml, or NULL for none.
 */
void world_ecs_push(struct world *w, const char *name, const char *tag, const char *does,
		    const char *plan);

/* What is live, as ECS and the load balancer say. */
struct world_ecs_live {
	double candidate;	   /* percent of the traffic that reaches NAME-green */
	double running;		   /* tasks of the service */
	const char *definition;	   /* "web:1": what the service wants */
	const char *deployment;	   /* status of its latest deployment */
	const char *stage;	   /* of a native one, or "" */
	bool waits;		   /* at a pause */
	bool has_pauses;	   /* in its configuration */
	const char *configuration; /* deploymentConfiguration, as JSON */
};
struct world_ecs_live world_ecs_look(struct world *w, const char *name);

/* "ACTIVE", "DRAINING", "INACTIVE"; "" when there never was such a service. */
const char *world_ecs_status(struct world *w, const char *name);

/* Until the latest deployment has this status or stage, or waits at a pause ("pause"). */
void world_ecs_until(struct world *w, const char *name, const char *what);
/* Until nothing of the service is in progress and what it wants runs; fails after an hour. */
void world_ecs_until_quiet(struct world *w, const char *name);

#endif
