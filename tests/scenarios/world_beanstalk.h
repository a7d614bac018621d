#ifndef TESTS_SCENARIOS_WORLD_BEANSTALK_H
#define TESTS_SCENARIOS_WORLD_BEANSTALK_H

#include "tests/scenarios/world.h"

/*
 * Ready-made Elastic Beanstalk applications. Application and pipeline have one name; environment
 * NAME-blue has the CNAME NAME-prod, where 50 requests a second arrive, and runs version v1 on two
 * instances; an alarm NAME-errors is on its errors. What the simulator's clocks say is made short
 * enough for a release to take a quarter of an hour, and long enough to be waited for.
 */
void world_beanstalk(struct world *w, const char *name, const char *more);
/* The environment NAME-green with CNAME NAME-next beside it, also on v1. */
void world_beanstalk_twin(struct world *w, const char *name, const char *more);
/*
 * Both on one load balancer NAME, each with a group of its own there, and a rule of ours that
 * forwards 50 requests a second to the blue one. Nobody uses their CNAMEs. The alarm is on the
 * load balancer.
 */
void world_beanstalk_shared(struct world *w, const char *name);

/* A pipeline without configuration; a release whose plan is in the artifact. */
void world_beanstalk_pipeline(struct world *w, const char *name);
void world_beanstalk_push(struct world *w, const char *name, const char *plan,
			  const char *behaviour);

/* What `beanstalk show` says of an environment by that key; "" when there is none. */
const char *world_beanstalk_get(struct world *w, const char *environment, const char *key);
/* The environment that has this CNAME prefix, or "". */
const char *world_beanstalk_holder(struct world *w, const char *prefix);
/* All versions that the instances of an environment run: "v1 v1". */
const char *world_beanstalk_fleet(struct world *w, const char *environment);
/*
 * Everything that should be as it was after a rollback: environments with id, version, status,
 * CNAME, options, instances and their versions; templates. Without what is being terminated.
 */
const char *world_beanstalk_snapshot(struct world *w, const char *name);
/* The ARN of the rule of world_beanstalk_shared(). */
const char *world_beanstalk_rule(struct world *w, const char *name);

#endif
