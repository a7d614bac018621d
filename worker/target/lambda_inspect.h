#ifndef WORKER_TARGET_LAMBDA_INSPECT_H
#define WORKER_TARGET_LAMBDA_INSPECT_H

#include "aws/lambda.h"
#include "worker/target/target.h"

/* target_ops.inspect of Lambda. */
int lambda_inspect(const struct target_env *env, char undo[LIMIT_UNDO + 1], bool *first,
		   struct problems *p, struct err *err) MUST_CHECK;

/*
 * How many of an alias's additional versions get traffic; *first is the first of them. A weight of
 * 0 is none. Lambda keeps one additional version at most. Pure.
 */
size_t lambda_weights_in_use(const struct lambda_alias *a, const struct lambda_weight **first);

#endif
