#ifndef WORKER_TARGET_BEANSTALK_OPTIONS_H
#define WORKER_TARGET_BEANSTALK_OPTIONS_H

#include "worker/target/beanstalk.h"

/*
 * The options of an environment that decide how Beanstalk deploys to it: DeploymentPolicy,
 * NewVersionPercent and EvaluationTime. A value of "" is one that is not set.
 */
struct bean_options {
	struct beanstalk_option options[3];
};

/* As the plan wants them for splitting traffic; and as the record says they were. */
void bean_options_of_plan(const struct target_env *env, struct bean_options *w);
void bean_options_before(const struct bean_record *r, struct bean_options *w);

bool bean_are_set(const struct beanstalk_settings *s, const struct bean_options *w); /* pure */

/* Set them; what is to have no value is taken out. The environment is Updating then. */
int bean_set_options(const struct target_env *env, const struct bean_record *r,
		     const struct bean_options *w, struct err *err) MUST_CHECK;

#endif
