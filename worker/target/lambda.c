#include "aws/lambda.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "worker/target/lambda_code.h"
#include "worker/target/record.h"
#include "worker/target/target.h"

/*
 * Lambda: the candidate is a published version, traffic is split by the weights of an alias, and the
 * alias's revision id is the lock: what is written is written only if nobody else was there since we
 * looked. Undo record: {"t":"lambda","f":function,"a":alias,"v":version}, "v" empty when the alias
 * did not exist. Candidate: {"s":SHA-256 of the code,"v":version}.
 */
struct names {
	const char *function, *alias, *baseline; /* baseline "": first deployment */
	const char *sha, *candidate;		 /* "" until known */
};

static int read_names(const struct target_env *env, const struct rollout_state *s, struct names *n,
		      struct err *err)
{
	const struct json *undo, *candidate;

	if (record_load(env->arena, s->undo, &undo, err) ||
	    record_load(env->arena, s->candidate, &candidate, err))
		return -1;
	n->function = record_text(undo, "f");
	n->alias = record_text(undo, "a");
	n->baseline = record_text(undo, "v");
	n->sha = record_text(candidate, "s");
	n->candidate = record_text(candidate, "v");
	return 0;
}

static int write_undo(const char *function, const char *alias, const char *version,
		      char undo[LIMIT_UNDO + 1], struct err *err)
{
	struct json_out o;
	struct buf b;
	int rc;

	buf_init(&b, LIMIT_UNDO);
	json_out_init(&o, &b);
	json_out_object(&o);
	json_member_cstr(&o, "t", "lambda");
	json_member_cstr(&o, "f", function);
	json_member_cstr(&o, "a", alias);
	json_member_cstr(&o, "v", version);
	json_out_end(&o);
	rc = record_store(&b, undo, LIMIT_UNDO + 1, "undo record", err);
	buf_release(&b);
	return rc;
}

static int write_candidate(const char *sha, const char *version,
			   char candidate[LIMIT_CANDIDATE + 1], struct err *err)
{
	struct json_out o;
	struct buf b;
	int rc;

	buf_init(&b, LIMIT_CANDIDATE);
	json_out_init(&o, &b);
	json_out_object(&o);
	json_member_cstr(&o, "s", sha);
	json_member_cstr(&o, "v", version);
	json_out_end(&o);
	rc = record_store(&b, candidate, LIMIT_CANDIDATE + 1, "candidate", err);
	buf_release(&b);
	return rc;
}

/* --- inspect ----------------------------------------------------------------------------------- */

static int check_function(const struct target_env *env, struct problems *p, struct err *err)
{
	const struct plan_target *t = &env->plan->target;
	struct lambda_configuration c;

	if (lambda_get_function_configuration(&env->client, t->function, NULL, env->arena, &c, err)) {
		if (err->code != ERR_NOT_FOUND)
			return -1;
		problem_add(p, "Target", t->function,
			    "no such Lambda function in %s, or the role may not see it",
			    env->client.region);
		return 0;
	}
	if (c.package_type && strcmp(c.package_type, "Zip") != 0)
		problem_add(p, "Target", t->function,
			    "its package type is %s; only Zip functions are deployed from an artifact",
			    c.package_type);
	if (c.state == LAMBDA_FAILED)
		problem_add(p, "Target", t->function, "the function is in state Failed: %s",
			    c.state_reason ? c.state_reason : "no reason given");
	return 0;
}

static void check_alias(const struct target_env *env, const struct lambda_alias *a,
			struct problems *p)
{
	const char *alias = env->plan->target.alias;

	if (a->n_weights)
		problem_add(p, "Target", alias,
			    "the alias is weighted already, %.4g%% to version %s: somebody else is "
			    "deploying, or left it so; clear its routing configuration first",
			    a->weights[0].weight * 100, a->weights[0].version);
	if (!strcmp(a->function_version, "$LATEST"))
		problem_add(p, "Target", alias,
			    "the alias points at $LATEST, which cannot share traffic; point it at a "
			    "published version first");
}

/* An alias with provisioned concurrency of its own takes no weights. */
static int check_provisioned(const struct target_env *env, struct problems *p, struct err *err)
{
	const struct plan_target *t = &env->plan->target;
	struct lambda_provisioned pc;

	if (lambda_get_provisioned(&env->client, t->function, t->alias, env->arena, &pc, err) == 0) {
		problem_add(p, "Target", t->alias,
			    "the alias has provisioned concurrency, which does not go with weights; "
			    "put it on versions instead");
		return 0;
	}
	if (err->code == ERR_CANCELED || err_is_retryable(err))
		return -1;
	*err = ERR_INIT; /* none, or not allowed to look: a refused weight will say so */
	return 0;
}

static int inspect(const struct target_env *env, char undo[LIMIT_UNDO + 1], bool *first,
		   struct problems *p, struct err *err)
{
	const struct plan_target *t = &env->plan->target;
	struct lambda_alias alias = {0};

	*first = false;
	if (check_function(env, p, err))
		return -1;
	if (p->n_errors)
		return 0;
	if (lambda_get_alias(&env->client, t->function, t->alias, env->arena, &alias, err)) {
		if (err->code != ERR_NOT_FOUND)
			return -1;
		*err = ERR_INIT;
		*first = true;
		problem_warn(p, "Target", t->alias,
			     "the alias does not exist: it is created by this first deployment, "
			     "without steps, as there is no baseline to share traffic with");
	} else {
		check_alias(env, &alias, p);
		if (check_provisioned(env, p, err))
			return -1;
	}
	if (lambda_code_check(env, p, err))
		return -1;
	return write_undo(t->function, t->alias, *first ? "" : alias.function_version, undo, err);
}

/* --- observe ----------------------------------------------------------------------------------- */

static void PRINTF_LIKE(2, 3) detail(struct target_observation *o, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(o->detail, sizeof(o->detail), fmt, ap);
	va_end(ap);
}

/* What the alias says, in the words of the machine. */
static void read_split(const struct names *n, const struct lambda_alias *a,
		       struct target_observation *o)
{
	const char *main_version = a->function_version;

	o->settled = true; /* an accepted alias routes at once */
	o->live = LIVE_FOREIGN;
	if (n->baseline[0] && !strcmp(main_version, n->baseline)) {
		if (a->n_weights == 0) {
			o->live = LIVE_BASELINE;
		} else if (n->candidate[0] && !strcmp(a->weights[0].version, n->candidate)) {
			o->weight_bp = (int)lround(a->weights[0].weight * 10000);
			o->live = o->weight_bp >= 10000 ? LIVE_CANDIDATE : LIVE_SPLIT;
		} else {
			detail(o, "alias %s gives %.4g%% to version %s, which is neither baseline nor "
			       "candidate", n->alias, a->weights[0].weight * 100,
			       a->weights[0].version);
		}
	} else if (n->candidate[0] && !strcmp(main_version, n->candidate) && a->n_weights == 0) {
		o->live = LIVE_PROMOTED;
	} else {
		detail(o, "alias %s points at version %s%s; expected %s or %s", n->alias, main_version,
		       a->n_weights ? " with weights" : "", n->baseline[0] ? n->baseline : "none",
		       n->candidate[0] ? n->candidate : "none");
	}
}

static int observe_alias(const struct target_env *env, const struct names *n,
			 struct target_observation *o, struct err *err)
{
	struct lambda_alias a;

	if (lambda_get_alias(&env->client, n->function, n->alias, env->arena, &a, err) == 0) {
		str_copy(o->lock, sizeof(o->lock), str_from(a.revision_id));
		read_split(n, &a, o);
		return 0;
	}
	if (err->code == ERR_CANCELED)
		return -1;
	if (err->code == ERR_NOT_FOUND) {
		o->live = n->baseline[0] ? LIVE_FOREIGN : LIVE_BASELINE;
		o->settled = true;
		detail(o, "alias %s does not exist", n->alias);
	} else {
		o->live = LIVE_UNREADABLE;
		o->denied = err->code == ERR_DENIED;
		str_copy_clean(o->detail, sizeof(o->detail), str_from(err->text));
	}
	*err = ERR_INIT;
	return 0;
}

static int observe_candidate(const struct target_env *env, const struct names *n,
			     struct target_observation *o, struct err *err)
{
	struct lambda_configuration c;

	o->candidate = CANDIDATE_PENDING;
	if (lambda_get_function_configuration(&env->client, n->function, n->candidate, env->arena, &c,
					      err)) {
		if (err->code == ERR_CANCELED)
			return -1;
		if (err->code == ERR_NOT_FOUND)
			o->candidate = CANDIDATE_FAILED;
		detail(o, "version %s: %.200s", n->candidate, err->text);
		*err = ERR_INIT;
	} else if (c.state == LAMBDA_ACTIVE || c.state == LAMBDA_STATE_NONE ||
		   c.state == LAMBDA_INACTIVE) {
		o->candidate = CANDIDATE_READY;
	} else if (c.state == LAMBDA_FAILED) {
		o->candidate = CANDIDATE_FAILED;
		detail(o, "version %s failed: %s", n->candidate,
		       c.state_reason ? c.state_reason : "no reason given");
	} else {
		detail(o, "version %s is not active yet", n->candidate);
	}
	return 0;
}

static int observe_baseline(const struct target_env *env, const struct names *n,
			    struct target_observation *o, struct err *err)
{
	struct utc now = clock_utc(env->client.aws->clock);
	struct lambda_configuration c;

	if (!n->baseline[0]) {
		o->baseline_health = verdict_make(VERDICT_PASS, now, "nothing served before");
		return 0;
	}
	if (lambda_get_function_configuration(&env->client, n->function, n->baseline, env->arena, &c,
					      err)) {
		if (err->code == ERR_CANCELED)
			return -1;
		o->baseline_health = verdict_make(VERDICT_ERROR, now, "%s", err->text);
		*err = ERR_INIT;
	} else if (c.state == LAMBDA_FAILED) {
		o->baseline_health = verdict_make(VERDICT_FAIL, now, "version %s is in state Failed",
						  n->baseline);
	} else {
		o->baseline_health =
			verdict_make(VERDICT_PASS, now, "version %s is active", n->baseline);
	}
	return 0;
}

static int observe(const struct target_env *env, const struct rollout_state *s,
		   struct target_observation *o, struct err *err)
{
	struct names n;

	*o = (struct target_observation){.candidate = CANDIDATE_READY, .retired = true};
	if (read_names(env, s, &n, err)) {
		o->live = LIVE_UNREADABLE;
		str_copy_clean(o->detail, sizeof(o->detail), str_from(err->text));
		*err = ERR_INIT;
		return 0;
	}
	if (observe_alias(env, &n, o, err))
		return -1;
	if (s->phase == PHASE_PREPARE || s->phase == PHASE_VERIFY) {
		if (!n.candidate[0])
			o->candidate = n.sha[0] ? CANDIDATE_PENDING : CANDIDATE_ABSENT;
		else if (!strcmp(n.candidate, n.baseline))
			o->candidate = CANDIDATE_SAME;
		else if (observe_candidate(env, &n, o, err))
			return -1;
	}
	if (s->phase == PHASE_RESTORE || s->phase == PHASE_PROVE)
		return observe_baseline(env, &n, o, err);
	return 0;
}

/* --- act --------------------------------------------------------------------------------------- */

/* The package is in $LATEST: now a version of exactly this code. */
static int publish(const struct target_env *env, const struct rollout_state *s,
		   const struct names *n, char candidate[LIMIT_CANDIDATE + 1], struct err *err)
{
	char description[128];
	struct lambda_publish p = {.function = n->function,
				   .code_sha256 = n->sha,
				   .description = description};
	struct lambda_configuration c;

	if (lambda_get_function_configuration(&env->client, n->function, NULL, env->arena, &c, err))
		return -1;
	if (c.update == LAMBDA_UPDATE_IN_PROGRESS || c.state == LAMBDA_PENDING)
		return 0; /* looked at again soon */
	if (c.update == LAMBDA_UPDATE_FAILED)
		return err_set(err, ERR_REJECTED, "the update of %s failed: %s", n->function,
			       c.update_reason ? c.update_reason : "no reason given");
	if (!c.code_sha256 || strcmp(c.code_sha256, n->sha) != 0)
		return err_set(err, ERR_REJECTED,
			       "somebody else changed the code of %s while this rollout prepared: "
			       "expected %s, found %s", n->function, n->sha,
			       c.code_sha256 ? c.code_sha256 : "none");
	snprintf(description, sizeof(description), "rollout-worker %s", s->id);
	if (lambda_publish_version(&env->client, &p, env->arena, &c, err))
		return -1;
	return write_candidate(n->sha, c.version, candidate, err);
}

static int prepare(const struct target_env *env, const struct rollout_state *s,
		   char candidate[LIMIT_CANDIDATE + 1], struct err *err)
{
	const char *sha = NULL;
	struct names n;

	if (read_names(env, s, &n, err))
		return -1;
	if (n.candidate[0])
		return 0; /* published; it becomes active by itself */
	if (n.sha[0])
		return publish(env, s, &n, candidate, err);
	if (lambda_code_upload(env, n.function, &sha, err))
		return -1;
	return sha ? write_candidate(sha, "", candidate, err) : 0;
}

static int split(const struct target_env *env, const struct rollout_state *s,
		 const struct target_observation *o, int weight_bp, struct err *err)
{
	struct lambda_alias after;
	struct lambda_weight w;
	struct names n;

	if (read_names(env, s, &n, err))
		return -1;
	w = (struct lambda_weight){.version = n.candidate, .weight = weight_bp / 10000.0};
	/* the version is said too: going back from a promotion is the same call */
	return lambda_update_alias(&env->client,
				   &(struct lambda_alias_update){.function = n.function,
								 .name = n.alias,
								 .function_version = n.baseline,
								 .set_weights = true,
								 .weights = &w,
								 .n_weights = 1,
								 .revision_id = o->lock},
				   env->arena, &after, err);
}

/* All traffic to one version; the empty map is sent explicitly, or the weights would stay. */
static int point_at(const struct target_env *env, const struct names *n, const char *version,
		    const struct target_observation *o, struct err *err)
{
	struct lambda_alias_update u = {.function = n->function,
					.name = n->alias,
					.function_version = version,
					.set_weights = true,
					.revision_id = o->lock};
	struct lambda_alias after;

	if (!o->lock[0]) /* there is no alias yet */
		return lambda_create_alias(&env->client, &u, env->arena, &after, err);
	return lambda_update_alias(&env->client, &u, env->arena, &after, err);
}

static int promote(const struct target_env *env, const struct rollout_state *s,
		   const struct target_observation *o, struct err *err)
{
	struct names n;

	return read_names(env, s, &n, err) || point_at(env, &n, n.candidate, o, err) ? -1 : 0;
}

static int restore(const struct target_env *env, const struct rollout_state *s,
		   const struct target_observation *o, struct err *err)
{
	struct names n;

	if (read_names(env, s, &n, err))
		return -1;
	if (!n.baseline[0]) /* what was before is: no alias */
		return lambda_delete_alias(&env->client, n.function, n.alias, env->arena, err);
	return point_at(env, &n, n.baseline, o, err);
}

/* Versions cost nothing and are the way back: they stay. */
static int retire(const struct target_env *env, const struct rollout_state *s,
		  const struct target_observation *o, struct err *err)
{
	(void)env;
	(void)s;
	(void)o;
	(void)err;
	return 0;
}

static size_t series(const struct target_env *env, const struct rollout_state *s, bool candidate,
		     const char **ns, const char *names[PLAN_DIMENSIONS_MAX],
		     const char *values[PLAN_DIMENSIONS_MAX])
{
	struct err err = ERR_INIT;
	struct names n;

	*ns = "AWS/Lambda";
	if (read_names(env, s, &n, &err) || !(candidate ? n.candidate : n.baseline)[0])
		return 0;
	names[0] = "FunctionName";
	values[0] = n.function;
	names[1] = "Resource";
	values[1] = arena_printf(env->arena, "%s:%s", n.function, n.alias);
	names[2] = "ExecutedVersion";
	values[2] = candidate ? n.candidate : n.baseline;
	return 3;
}

static void calls(const struct plan *plan, struct arena *a,
		  void (*add)(void *arg, const struct target_call *c), void *arg)
{
	const char *function = arena_printf(a, "arn:aws:lambda:*:*:function:%s",
					    plan->target.function);
	const struct target_call list[] = {
		{PHASE_INSPECT, "lambda", "GetFunctionConfiguration",
		 "lambda:GetFunctionConfiguration", function, false},
		{PHASE_INSPECT, "lambda", "GetAlias", "lambda:GetAlias", function, false},
		{PHASE_INSPECT, "lambda", "GetProvisionedConcurrencyConfig",
		 "lambda:GetProvisionedConcurrencyConfig", function, false},
		{PHASE_PREPARE, "lambda", "UpdateFunctionCode", "lambda:UpdateFunctionCode",
		 function, true},
		{PHASE_PREPARE, "lambda", "PublishVersion", "lambda:PublishVersion", function, true},
		{PHASE_SHIFT, "lambda", "UpdateAlias", "lambda:UpdateAlias", function, true},
		{PHASE_PROMOTE, "lambda", "UpdateAlias", "lambda:UpdateAlias", function, true},
		{PHASE_PROMOTE, "lambda", "CreateAlias", "lambda:CreateAlias", function, true},
		{PHASE_RESTORE, "lambda", "UpdateAlias", "lambda:UpdateAlias", function, true},
		{PHASE_RESTORE, "lambda", "DeleteAlias", "lambda:DeleteAlias", function, true},
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		add(arg, &list[i]);
}

const struct target_ops target_lambda = {
	.name = "lambda",
	.inspect = inspect,
	.observe = observe,
	.prepare = prepare,
	.split = split,
	.promote = promote,
	.restore = restore,
	.retire = retire,
	.series = series,
	.calls = calls,
};
