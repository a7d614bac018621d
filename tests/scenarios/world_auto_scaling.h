#ifndef TESTS_SCENARIOS_WORLD_AUTO_SCALING_H
#define TESTS_SCENARIOS_WORLD_AUTO_SCALING_H

#include "tests/scenarios/world.h"

/*
 * A shop on EC2: an Auto Scaling group of four instances behind a listener with traffic, a second
 * target group, an alarm NAME-errors, and a pipeline NAME that deploys to it.
 */
enum world_install { WORLD_INSTALL_IMAGE, WORLD_INSTALL_USER_DATA, WORLD_INSTALL_COMMAND };

struct world_asg {
	const char *name, *strategy;
	enum world_install install;
	bool twin;	    /* a second, empty group NAME-2; else a copy is made */
	const char *target; /* more lines of target.auto_scaling, "    key: value\n"; or NULL */
	const char *plan;   /* more lines of the plan, "key: value\n"; or NULL */
};
#define WORLD_ASG_SIZE 4

void world_auto_scaling(struct world *w, const struct world_asg *g);
/* Push a release: rollout.yaml, and the image, user data or script, whose code is good or bad. */
void world_auto_scaling_push(struct world *w, const struct world_asg *g, bool bad);

/* Listener NAME:443: the candidate is the group of targets NAME-green. */
struct world_live world_auto_scaling_live(struct world *w, const char *name);
/* The listener's ARN. */
const char *world_auto_scaling_listener(struct world *w, const char *name);

/*
 * Everything that a rollout could leave behind: every group with its sizes, template, processes,
 * target groups and instances. In the world's arena; equal texts mean equal worlds.
 */
const char *world_auto_scaling_belongings(struct world *w);
/* Member of what control shows of a group; NULL when there is no such group. */
const struct json *world_asg_show(struct world *w, const char *group, const char *member);
/* The group, other than NAME and NAME-2, that a rollout made; NULL when there is none. */
const char *world_asg_copy(struct world *w, const char *name);

#endif
