#ifndef WORKER_TARGET_CLAIMS_H
#define WORKER_TARGET_CLAIMS_H

#include "worker/target/target.h"

/*
 * Keys of the lock per target, each in the one spelling it has, whoever says it: of listeners and
 * rules their ARN, of everything else KIND:NAME@REGION/ACCOUNT. The account is that of an ARN where
 * one is given, else of the role that is assumed, else the worker's own; "-" when that is not
 * known.
 */

/* Nothing when text is NULL or "", or the key is there already. Texts are copied. */
void claims_add(const struct target_env *env, struct target_claims *c, const char *text);
/* The same for a name in the account and region that env leads to: "ecs", "prod/web". */
void claims_add_name(const struct target_env *env, struct target_claims *c, const char *kind,
		     const char *name);
/* name may be an ARN, whose last field is the name: then its region and account count. suffix is
 * put behind the name: "lambda", "checkout" or its ARN, ":live". */
void claims_add_arn(const struct target_env *env, struct target_claims *c, const char *kind,
		    const char *name, const char *suffix);

#endif
