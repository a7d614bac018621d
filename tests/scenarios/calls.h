#ifndef TESTS_SCENARIOS_CALLS_H
#define TESTS_SCENARIOS_CALLS_H

#include "tests/scenarios/world.h"

/* What the simulator's record of calls says about a world's rollouts. */

/*
 * Is it a call of targets and guards: to one of their services, by the worker's own role or one
 * that it assumed? And does it change something there? Everything counts that is no plain question.
 */
bool calls_is_of_target(struct world *w, const struct sim_call *c);
bool calls_is_write(struct world *w, const struct sim_call *c);

/*
 * What `plan` prints is all that a rollout does: every call of targets and guards is one that the
 * plans of this world's pipelines announce, and every right that IAM was asked for, action and
 * resource, is one that `plan --iam` grants. Fails the test with the first that is not. Plans are
 * read from the actions' resolved configuration and their source artifacts; where none of them can
 * be read, nothing is checked.
 */
void calls_check_announced(struct world *w);

#endif
