#ifndef WORKER_TARGET_BEANSTALK_SHARE_H
#define WORKER_TARGET_BEANSTALK_SHARE_H

#include "worker/target/beanstalk.h"

/*
 * The share of an environment's traffic, 0 to 1, that goes to instances of this version: by the
 * weights of its load balancer's listeners and rules, and by who is in the groups. Where several
 * forward to the environment, the largest counts. ERR_MALFORMED when none does.
 */
int bean_share_read(const struct target_env *env, const char *environment_id, const char *label,
		    const struct bean_fleet *fleet, double *share, struct err *err) MUST_CHECK;

#endif
