#include "worker/target/lambda_inspect.h"

#include <string.h>

#include "worker/target/lambda_code.h"
#include "worker/target/lambda_segments.h"
#include "worker/target/record.h"

/*
 * The first, checking look: whatever would make Lambda refuse a later step, or leave nothing to go
 * back to, is said now, while nothing has been touched.
 */
static int write_undo(const struct plan *plan, const char *version, char undo[LIMIT_UNDO + 1],
		      struct err *err)
{
	struct json_out o;
	struct buf b;
	int rc;

	buf_init(&b, LIMIT_UNDO);
	json_out_init(&o, &b);
	json_out_object(&o);
	json_member_cstr(&o, "t", "lambda");
	json_member_cstr(&o, "f", plan->target.lambda.function);
	json_member_cstr(&o, "a", plan->target.lambda.alias);
	json_member_cstr(&o, "v", version);
	if (plan_segments_used(plan))
		json_member_bool(&o, "s", true);
	json_out_end(&o);
	rc = record_store(&b, undo, LIMIT_UNDO + 1, "undo record", err);
	buf_release(&b);
	return rc;
}

size_t lambda_weights_in_use(const struct lambda_alias *a, const struct lambda_weight **first)
{
	size_t n = 0;

	for (size_t i = a->n_weights; i > 0; i--) {
		if (!(a->weights[i - 1].weight > 0))
			continue;
		*first = &a->weights[i - 1];
		n++;
	}
	return n;
}

/* $LATEST, of which the candidate will be made; *there is false when there is none. */
static int check_function(const struct target_env *env, struct lambda_configuration *c, bool *there,
			  struct problems *p, struct err *err)
{
	const struct plan_lambda *t = &env->plan->target.lambda;

	*there = false;
	if (lambda_get_function_configuration(&env->client, t->function, NULL, env->arena, c,
					      err)) {
		if (err->code != ERR_NOT_FOUND)
			return -1;
		*err = ERR_INIT;
		problem_add(p, "Target", t->function,
			    "no such Lambda function in %s, or the role may not see it",
			    env->client.region);
		return 0;
	}
	*there = true;
	if (c->package_type && strcmp(c->package_type, "Zip") != 0)
		problem_add(p, "Target", t->function,
			    "its package type is %s; only Zip functions are deployed from an "
			    "artifact",
			    c->package_type);
	if (c->state == LAMBDA_FAILED)
		problem_add(p, "Target", t->function, "the function is in state Failed: %s",
			    c->state_reason ? c->state_reason : "no reason given");
	return 0;
}

static bool differs(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") != 0;
}

/* Can it be gone back to, and can it share an alias with what $LATEST becomes? */
static int check_baseline(const struct target_env *env, const struct lambda_configuration *latest,
			  const char *version, struct problems *p, struct err *err)
{
	const struct plan_lambda *t = &env->plan->target.lambda;
	struct lambda_configuration c;

	if (lambda_get_function_configuration(&env->client, t->function, version, env->arena, &c,
					      err)) {
		if (err->code != ERR_NOT_FOUND)
			return -1;
		problem_add(p, "Target", t->alias,
			    "version %s, which serves now, cannot be read: %s", version, err->text);
		*err = ERR_INIT;
		return 0;
	}
	if (c.state == LAMBDA_FAILED)
		problem_add(p, "Target", t->alias,
			    "version %s, which serves now, is in state Failed: there would be "
			    "nothing to go back to",
			    version);
	if (differs(c.role, latest->role))
		problem_add(p, "Target", t->alias,
			    "version %s and the function's code now have different execution "
			    "roles; an alias cannot split traffic between them",
			    version);
	if (differs(c.dead_letter_arn, latest->dead_letter_arn))
		problem_add(p, "Target", t->alias,
			    "version %s and the function's code now have different dead-letter "
			    "queues; an alias cannot split traffic between them",
			    version);
	return 0;
}

static int check_alias(const struct target_env *env, const struct lambda_configuration *latest,
		       const struct lambda_alias *a, struct problems *p, struct err *err)
{
	const char *alias = env->plan->target.lambda.alias;
	const struct lambda_weight *w;

	if (lambda_weights_in_use(a, &w))
		problem_busy(p, "Target", alias,
			     "the alias is weighted already, %.4g%% to version %s: somebody else "
			     "is deploying, or left it so; clear its routing configuration first",
			     w->weight * 100, w->version);
	if (strcmp(a->function_version, "$LATEST") != 0)
		return check_baseline(env, latest, a->function_version, p, err);
	problem_add(p, "Target", alias,
		    "the alias points at $LATEST, which cannot share traffic; point it at a "
		    "published version first");
	return 0;
}

/* An alias with provisioned concurrency of its own takes no weights. */
static int check_provisioned(const struct target_env *env, struct problems *p, struct err *err)
{
	const struct plan_lambda *t = &env->plan->target.lambda;
	struct lambda_provisioned pc;

	if (lambda_get_provisioned(&env->client, t->function, t->alias, env->arena, &pc, err) ==
	    0) {
		problem_add(p, "Target", t->alias,
			    "the alias has provisioned concurrency, which does not go with "
			    "weights; put it on versions instead");
		return 0;
	}
	if (err->code == ERR_CANCELED || err_is_retryable(err))
		return -1;
	if (err->code != ERR_NOT_FOUND)
		problem_warn(p, "Target", t->alias,
			     "whether it has provisioned concurrency, which does not go with "
			     "weights, cannot be read: %s",
			     err->text);
	*err = ERR_INIT;
	return 0;
}

int lambda_inspect(const struct target_env *env, char undo[LIMIT_UNDO + 1], bool *first,
		   struct problems *p, struct err *err)
{
	const struct plan_lambda *t = &env->plan->target.lambda;
	struct lambda_configuration latest;
	struct lambda_alias alias = {0};
	bool there;

	*first = false;
	if (lambda_code_check(env, p, err) || check_function(env, &latest, &there, p, err))
		return -1;
	if (!there)
		return 0;
	if (lambda_get_alias(&env->client, t->function, t->alias, env->arena, &alias, err)) {
		if (err->code != ERR_NOT_FOUND)
			return -1;
		*err = ERR_INIT;
		*first = true;
		problem_warn(p, "Target", t->alias,
			     "the alias does not exist: it is created by this first deployment, "
			     "without steps, as there is no baseline to share traffic with");
	} else if (check_alias(env, &latest, &alias, p, err) || check_provisioned(env, p, err)) {
		return -1;
	}
	if (lambda_segments_inspect(env, p, err))
		return -1;
	return write_undo(env->plan, *first ? "" : alias.function_version, undo, err);
}
