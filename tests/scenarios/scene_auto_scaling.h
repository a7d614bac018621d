#ifndef TESTS_SCENARIOS_SCENE_AUTO_SCALING_H
#define TESTS_SCENARIOS_SCENE_AUTO_SCALING_H

#include "tests/scenarios/scene.h"
#include "tests/scenarios/world_auto_scaling.h"

/* What the scenarios of Auto Scaling groups share: a watch over capacity, and how things end. */

/* What one test looks at while time goes by. */
struct asg_look {
	const struct world_asg *g;
	size_t n_splits;
	double share;
	unsigned rises; /* of the candidate's share */
};

/*
 * A world with this shop, watched from now on: a share of the traffic that comes before the healthy
 * instances for it ends the test, as does a baseline that is not whole before the last step.
 */
void asg_begin(struct world *w, struct asg_look *l, const struct world_asg *g);

/* Targets of NAME-blue or NAME-green that are healthy. */
int asg_healthy(struct world *w, const char *name, const char *side);
/* A number of what control shows of a group; -1 when there is none. */
int64_t asg_shown(struct world *w, const char *group, const char *member);

/* The group serves in full, and like the baseline did: sizes, processes. */
void asg_expect_serves(struct world *w, const char *group);
/* All traffic on the candidate's group, which serves. */
void asg_expect_promoted(struct world *w, const struct world_asg *g);
/* All traffic on the baseline, and every group as it was: world_auto_scaling_belongings(). */
void asg_expect_as_before(struct world *w, const struct world_asg *g, const char *before);

#endif
