#ifndef WORKER_TARGET_LAMBDA_CODE_H
#define WORKER_TARGET_LAMBDA_CODE_H

#include "worker/target/target.h"

/*
 * The package a Lambda candidate is made of: the artifact itself, a zip inside it, or a folder of
 * it packed by us, as plan->target.lambda.code says.
 */

/* Is there such a package in the artifact? Problems say what is missing. */
int lambda_code_check(const struct target_env *env, struct problems *p, struct err *err) MUST_CHECK;

/*
 * Bring the package into $LATEST. *sha becomes its base64 SHA-256 (in the arena) when it is there
 * or on its way, and NULL when the function is busy and this has to be tried again. Nothing is
 * uploaded when the code is there already.
 */
int lambda_code_upload(const struct target_env *env, const char *function, const char **sha,
		       struct err *err) MUST_CHECK;

#endif
