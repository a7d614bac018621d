#ifndef TESTS_SIM_SIM_IAM_H
#define TESTS_SIM_SIM_IAM_H

#include "tests/sim/sim_internal.h"

/*
 * What IAM has to allow for the calls of a worker. Every call that says in its User-Agent what it
 * is for ("rollout-worker/1.2 (lambda)") is translated into the rights that AWS asks for: action,
 * resource, and those keys of the request's context that a policy may put conditions on. Nothing
 * is refused here: who holds a policy against what was needed is tests/iam and the scenarios.
 *
 * Where environment variable IAM_RECORD names a file, each right is appended to it once a process,
 * as a line "purpose TAB action TAB resource {TAB key=value}", whatever else writes to it.
 *
 * Source of actions, resources and keys: "Actions, resources, and condition keys for AWS services",
 * Service Authorization Reference.
 */

/* One call on its way through the table. */
struct sim_iam_call {
	struct sim *s;
	const struct sim_exchange *x;
	struct arena *a;
	struct buf context; /* "TAB key=value" each */
};

/*
 * One right that a call needs: resource() writes the keys of its context and returns the ARN, or
 * NULL when this call does not need it. arg is resource()'s own. A call may need several.
 */
struct sim_iam_row {
	const char *service, *operation; /* operation "*": all others of the service */
	const char *action;		 /* "lambda:UpdateAlias"; NULL: needs nothing */
	const char *(*resource)(struct sim_iam_call *c, const char *arg);
	const char *arg;
};
extern const struct sim_iam_row sim_iam_rows[], sim_iam_beanstalk_rows[];
extern const size_t sim_iam_n_rows, sim_iam_n_beanstalk_rows;
/* What Elastic Beanstalk does with its caller's rights; their purpose is "beanstalk_resources". */
extern const struct sim_iam_row sim_iam_behalf_rows[];
extern const size_t sim_iam_n_behalf_rows;

/* --- for resource() ------------------------------------------------------------------------- */
#define SIM_ARN(service) "arn:aws:" service ":" SIM_REGION ":" SIM_ACCOUNT ":"
void sim_iam_context(struct sim_iam_call *c, const char *key, struct str value);
/* aws:RequestTag/KEY of every tag that the form brings: "Tags.member.N.Key" */
void sim_iam_request_tags(struct sim_iam_call *c);
const char *sim_iam_any(struct sim_iam_call *c, const char *arg); /* "*", or arg */

#endif
