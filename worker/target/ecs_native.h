#ifndef WORKER_TARGET_ECS_NATIVE_H
#define WORKER_TARGET_ECS_NATIVE_H

#include "worker/target/ecs.h"

/*
 * The native controller. Its service deployment pauses before each shift of production traffic and
 * after the last; at a pause the candidate is "ready", and going on is the answer CONTINUE to that
 * very pause. How much traffic goes where is read from the listener rule, and must be what the
 * deployment says it asked for: the controller has its own idea of the weights.
 *
 *   weight 0, paused     PREPARE is over; a test listener, where there is one, leads to it
 *   weight w, paused     a step of the plan is in effect
 *   weight 100, paused   promoted; letting it go on is RETIRE: the old tasks are stopped
 *
 * Pauses and strategy stay in the service's configuration when the deployment is over, where they
 * would stop, or shape, the next one of anybody: what was there is put back in RETIRE, and on the
 * way back.
 */
struct ecs_native {
	struct ecs_record r;
	struct ecs_candidate c;
	struct ecs_service service;
	bool has_deployment;
	struct ecs_service_deployment d; /* ours */
	const struct ecs_hook *pause;	 /* that awaits our answer, or NULL */
	bool is_redeploying;		 /* the baseline, by a deployment of its own */
	struct lb_forward f;
	int requested_bp, live_bp; /* what the deployment asked for, and what the rule says */
};

/*
 * Everything that is to be known now. ERR_REJECTED, of our own saying, when it is not ours any
 * more: another deployment goes on, or the service is going.
 */
int ecs_native_look(const struct target_env *env, const struct rollout_state *s,
		    struct ecs_native *n, struct err *err) MUST_CHECK;

/* target_ops.observe: what such a look means (ecs_native_look.c). */
int ecs_native_observe(const struct target_env *env, const struct rollout_state *s,
		       struct target_observation *o, struct err *err) MUST_CHECK;

bool ecs_native_is_over(enum ecs_deployment_status s);
bool ecs_native_is_rolling_back(enum ecs_deployment_status s);
/* No pause that would stop the next deployment of anybody, and the strategy it had before. */
bool ecs_native_is_tidy(const struct ecs_native *n);
bool ecs_native_is_quiet(const struct ecs_native *n); /* no deployment goes on */
/* "deployment d1 is IN_PROGRESS at SCALE_UP, paused" */
const char *ecs_native_stage(struct arena *a, const struct ecs_native *n);
const char *ecs_native_id(const char *arn); /* of a deployment. Borrowed */

#endif
