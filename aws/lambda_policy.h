#ifndef AWS_LAMBDA_POLICY_H
#define AWS_LAMBDA_POLICY_H

#include "aws/lambda.h"

/*
 * The resource policy of a version or an alias: who else may invoke it. What is said in lambda.h
 * about memory, threads and errors holds here too. A policy of the function does not cover its
 * aliases, and one of an alias only that alias: the qualifier is never left out here.
 */

struct lambda_permission {
	const char *function, *qualifier;
	const char *statement; /* 1 to 100 of letters, digits, '-', '_'; unique in the policy */
	const char *principal; /* ARN of a role or user, account id, or service */
};

/*
 * AddPermission to lambda:InvokeFunction. Not sent again when the outcome is unknown (err->sent):
 * ERR_CONFLICT says that the policy has a statement of this name, which after a lost answer is our
 * own; lambda_get_policy() tells. ERR_REJECTED: a principal that does not exist.
 */
int lambda_add_permission(const struct aws_client *c, const struct lambda_permission *p,
			  struct arena *a, struct err *err) MUST_CHECK;

/* RemovePermission. One that is gone already, with its alias or without, is success. */
int lambda_remove_permission(const struct aws_client *c, const char *function,
			     const char *qualifier, const char *statement, struct arena *a,
			     struct err *err) MUST_CHECK;

/* One statement, as far as it is understood: anything else is told by `plain` false. */
struct lambda_statement {
	const char *id;	       /* "" when it has none */
	const char *principal; /* NULL: more than one, or none */
	bool plain; /* Allow, of lambda:InvokeFunction, for one principal, without a condition */
};

/* GetPolicy; no policy is success with n 0. */
int lambda_get_policy(const struct aws_client *c, const char *function, const char *qualifier,
		      struct arena *a, struct lambda_statement **out, size_t *n,
		      struct err *err) MUST_CHECK;

#endif
