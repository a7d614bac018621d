#include "aws/lambda.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "worker/target/claims.h"
#include "worker/target/lambda_code.h"
#include "worker/target/lambda_inspect.h"
#include "worker/target/lambda_segments.h"
#include "worker/target/record.h"
#include "worker/target/target.h"

/*
 * Lambda: the candidate is a published version, traffic is split by the weights of an alias, and
 * the alias's revision id is the lock: what is written is written only if nobody else was there
 * since we looked. Undo record: {"t":"lambda","f":function,"a":alias,"v":version,"s":true}, without
 * "v" when the alias did not exist, with "s" when there may be aliases of segments. Candidate:
 * {"s":SHA-256 of the code,"v":version}, "v" once published.
 */
struct names {
	const char *function, *alias, *baseline; /* baseline "": first deployment */
	const char *sha, *candidate;		 /* "" until known */
	bool segments;
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
	n->segments = json_bool(json_get(undo, "s"), false);
	if (strcmp(record_text(undo, "t"), "lambda") != 0 || !n->function[0] || !n->alias[0])
		return err_set(err, ERR_MALFORMED, "undo record: not one of a Lambda alias");
	return 0;
}

static struct lambda_place place_of(const struct names *n)
{
	return (struct lambda_place){.function = n->function,
				     .alias = n->alias,
				     .candidate = n->candidate,
				     .segments = n->segments};
}

/* The name alone, where a function may be given by its ARN. */
static const char *name_of(const char *function)
{
	const char *colon = strrchr(function, ':');

	return colon ? colon + 1 : function;
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

static int claims(const struct target_env *env, const char *undo, struct target_claims *c,
		  struct err *err)
{
	const struct plan_lambda *t = &env->plan->target.lambda;
	const struct json *record;

	if (t->function && t->alias)
		claims_add_arn(env, c, "lambda", t->function,
			       arena_printf(env->arena, ":%s", t->alias));
	if (record_load(env->arena, undo, &record, err))
		return -1;
	if (record)
		claims_add_arn(env, c, "lambda", record_text(record, "f"),
			       arena_printf(env->arena, ":%s", record_text(record, "a")));
	return 0;
}

/* --- observe ---------------------------------------------------------------------------------- */

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
	const struct lambda_weight *w = NULL;
	size_t n_weights = lambda_weights_in_use(a, &w);

	o->settled = true; /* an accepted alias routes at once */
	o->live = LIVE_FOREIGN;
	if (n->baseline[0] && !strcmp(main_version, n->baseline)) {
		if (n_weights == 0) {
			o->live = LIVE_BASELINE;
		} else if (n_weights == 1 && n->candidate[0] && !strcmp(w->version, n->candidate)) {
			o->traffic.weight_bp = (int)lround(w->weight * 10000);
			o->live = o->traffic.weight_bp >= 10000 ? LIVE_CANDIDATE : LIVE_SPLIT;
		} else {
			detail(o,
			       "alias %s gives %.4g%% to version %s, which is neither baseline "
			       "nor candidate",
			       n->alias, w->weight * 100, w->version);
		}
	} else if (n->candidate[0] && !strcmp(main_version, n->candidate) && n_weights == 0) {
		o->live = LIVE_PROMOTED;
	} else {
		detail(o, "alias %s points at version %s%s; expected %s or %s", n->alias,
		       main_version, n_weights ? " with weights" : "",
		       n->baseline[0] ? n->baseline : "none",
		       n->candidate[0] ? n->candidate : "none");
	}
}

static int unreadable(struct target_observation *o, struct err *err)
{
	if (err->code == ERR_CANCELED)
		return -1;
	o->live = LIVE_UNREADABLE;
	o->candidate = CANDIDATE_PENDING;
	o->denied = err->code == ERR_DENIED;
	str_copy_clean(o->detail, sizeof(o->detail), str_from(err->text));
	*err = ERR_INIT;
	return 0;
}

static int observe_alias(const struct target_env *env, const struct names *n,
			 struct target_observation *o, struct err *err)
{
	struct lambda_alias a;

	if (lambda_get_alias(&env->client, n->function, n->alias, env->arena, &a, err)) {
		if (err->code != ERR_NOT_FOUND)
			return unreadable(o, err);
		o->live = n->baseline[0] ? LIVE_FOREIGN : LIVE_BASELINE;
		o->settled = true;
		detail(o, "alias %s does not exist", n->alias);
		*err = ERR_INIT;
		return 0;
	}
	if (!a.revision_id || !str_copy(o->lock, sizeof(o->lock), str_from(a.revision_id))) {
		o->lock[0] = '\0';
		err_set(err, ERR_MALFORMED, "alias %s has no revision id: it could not be locked",
			n->alias);
		return unreadable(o, err);
	}
	read_split(n, &a, o);
	return 0;
}

/* With a segment apart it is neither all on the baseline nor promoted. */
static int observe_segments(const struct target_env *env, const struct names *n,
			    struct target_observation *o, struct err *err)
{
	struct lambda_place at = place_of(n);
	struct lambda_segments g;

	if (lambda_segments_read(env, &at, &g, err))
		return unreadable(o, err);
	o->traffic.segments = g.there;
	if (g.wrong) {
		o->live = LIVE_FOREIGN;
		detail(o, "%s", g.wrong);
	} else if (g.n && o->live == LIVE_BASELINE) {
		o->live = LIVE_SPLIT;
	} else if (g.n && o->live == LIVE_PROMOTED) {
		o->live = LIVE_CANDIDATE;
		o->traffic.weight_bp = 10000;
	}
	return 0;
}

static int observe_candidate(const struct target_env *env, const struct names *n,
			     struct target_observation *o, struct err *err)
{
	struct lambda_configuration c;

	o->candidate = CANDIDATE_PENDING;
	if (lambda_get_function_configuration(&env->client, n->function, n->candidate, env->arena,
					      &c, err)) {
		if (err->code != ERR_NOT_FOUND)
			return unreadable(o, err);
		o->candidate = CANDIDATE_FAILED;
		detail(o, "version %s does not exist any more", n->candidate);
		*err = ERR_INIT;
	} else if (c.state == LAMBDA_ACTIVE || c.state == LAMBDA_STATE_NONE ||
		   c.state == LAMBDA_INACTIVE) {
		o->candidate = CANDIDATE_READY;
	} else if (c.state == LAMBDA_FAILED) {
		o->candidate = CANDIDATE_FAILED;
		detail(o, "version %s failed: %.200s", n->candidate,
		       c.state_reason ? c.state_reason : "no reason given");
	} else {
		detail(o, "version %s is not active yet", n->candidate);
	}
	return 0;
}

static struct verdict health_of(const char *version, const struct lambda_configuration *c,
				struct utc now)
{
	if (c->state == LAMBDA_ACTIVE || c->state == LAMBDA_STATE_NONE ||
	    c->state == LAMBDA_INACTIVE)
		return verdict_make(VERDICT_PASS, now, "version %s is active", version);
	return verdict_make(c->state == LAMBDA_FAILED ? VERDICT_FAIL : VERDICT_UNKNOWN, now,
			    "version %s is %s", version,
			    c->state == LAMBDA_FAILED ? "in state Failed" : "not active");
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
	if (lambda_get_function_configuration(&env->client, n->function, n->baseline, env->arena,
					      &c, err)) {
		if (err->code == ERR_CANCELED)
			return -1;
		o->baseline_health =
			verdict_make(err->code == ERR_NOT_FOUND ? VERDICT_FAIL : VERDICT_ERROR, now,
				     "version %s: %s", n->baseline, err->text);
		*err = ERR_INIT;
	} else {
		o->baseline_health = health_of(n->baseline, &c, now);
	}
	return 0;
}

static int observe(const struct target_env *env, const struct rollout_state *s,
		   struct target_observation *o, struct err *err)
{
	struct names n;

	*o = (struct target_observation){.candidate = CANDIDATE_READY,
					 .retired = true,
					 .baseline_health.kind = VERDICT_UNKNOWN};
	if (read_names(env, s, &n, err))
		return unreadable(o, err);
	if (observe_alias(env, &n, o, err))
		return -1;
	if (o->live == LIVE_UNREADABLE)
		return 0;
	if (observe_segments(env, &n, o, err))
		return -1;
	if (o->live == LIVE_UNREADABLE)
		return 0;
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

/* --- act -------------------------------------------------------------------------------------- */

/* The package is in $LATEST: now a version of exactly this code. */
static int publish(const struct target_env *env, const struct rollout_state *s,
		   const struct names *n, char candidate[LIMIT_CANDIDATE + 1], struct err *err)
{
	char description[128];
	struct lambda_publish p = {
		.function = n->function, .code_sha256 = n->sha, .description = description};
	struct lambda_configuration c;

	if (lambda_get_function_configuration(&env->client, n->function, NULL, env->arena, &c, err))
		return -1;
	if (c.update == LAMBDA_UPDATE_IN_PROGRESS || c.update == LAMBDA_UPDATE_OTHER ||
	    c.state == LAMBDA_PENDING)
		return 0; /* looked at again soon */
	if (c.state == LAMBDA_FAILED)
		return err_set(err, ERR_REJECTED, "%s is in state Failed: %s", n->function,
			       c.state_reason ? c.state_reason : "no reason given");
	if (c.update == LAMBDA_UPDATE_FAILED)
		return err_set(err, ERR_REJECTED, "the update of %s failed: %s", n->function,
			       c.update_reason ? c.update_reason : "no reason given");
	if (!c.code_sha256 || strcmp(c.code_sha256, n->sha) != 0)
		return err_set(err, ERR_REJECTED,
			       "somebody else changed the code of %s while this rollout prepared: "
			       "expected %s, found %s",
			       n->function, n->sha, c.code_sha256 ? c.code_sha256 : "none");
	snprintf(description, sizeof(description), "rollout-worker %s", s->id);
	if (lambda_publish_version(&env->client, &p, env->arena, &c, err))
		return -1;
	if (!c.version || !strcmp(c.version, "$LATEST"))
		return err_set(err, ERR_MALFORMED, "Lambda published %s without a version",
			       n->function);
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

/*
 * The alias, locked by this turn's look. Without its revision id a write would overwrite whatever
 * somebody else has done meanwhile.
 */
static int update_alias(const struct target_env *env, const struct target_observation *o,
			struct lambda_alias_update *u, struct err *err)
{
	struct lambda_alias after;

	if (!o->lock[0])
		return err_set(err, ERR_CONFLICT, "alias %s of %s was not seen in this turn",
			       u->name, u->function);
	u->revision_id = o->lock;
	return lambda_update_alias(&env->client, u, env->arena, &after, err);
}

/* All traffic to one version; the empty map is sent explicitly, or the weights would stay. */
static struct lambda_alias_update all_to(const struct names *n, const char *version)
{
	return (struct lambda_alias_update){.function = n->function,
					    .name = n->alias,
					    .function_version = version,
					    .set_weights = true};
}

/* Where there are segments, one kind of change a call: the weights, then the segments. */
static int split(const struct target_env *env, const struct rollout_state *s,
		 const struct target_observation *o, const struct traffic *want, struct err *err)
{
	struct lambda_alias_update u;
	struct lambda_weight w;
	struct lambda_place at;
	struct names n;

	if (read_names(env, s, &n, err))
		return -1;
	if (!n.baseline[0] || !n.candidate[0])
		return err_set(err, ERR_REJECTED, "%s: there are no two versions to split between",
			       n.function);
	at = place_of(&n);
	if (n.segments && o->live != LIVE_PROMOTED && o->traffic.weight_bp == want->weight_bp)
		return lambda_segments_write(env, &at, want->segments, err);
	/* the version is said too: going back from a promotion is the same call */
	u = all_to(&n, n.baseline);
	w = (struct lambda_weight){.version = n.candidate, .weight = want->weight_bp / 10000.0};
	u.weights = &w;
	u.n_weights = want->weight_bp > 0;
	return update_alias(env, o, &u, err);
}

/* A look that says LIVE_CANDIDATE may also be a weight of 100 %; the alias tells. */
static bool is_at_candidate(const struct target_env *env, const struct names *n,
			    const struct target_observation *o)
{
	const struct lambda_weight *w;
	struct lambda_alias a;
	struct err err = ERR_INIT;

	return o->live == LIVE_CANDIDATE &&
	       lambda_get_alias(&env->client, n->function, n->alias, env->arena, &a, &err) == 0 &&
	       !strcmp(a.function_version, n->candidate) && lambda_weights_in_use(&a, &w) == 0;
}

static int promote(const struct target_env *env, const struct rollout_state *s,
		   const struct target_observation *o, struct err *err)
{
	struct lambda_alias_update u;
	struct lambda_alias after;
	struct names n;

	if (read_names(env, s, &n, err))
		return -1;
	if (!n.candidate[0])
		return err_set(err, ERR_REJECTED, "%s: there is no version to promote", n.function);
	/* everybody is there: now no segment is apart any more */
	if (n.segments && is_at_candidate(env, &n, o)) {
		struct lambda_place at = place_of(&n);

		return lambda_segments_write(env, &at, 0, err);
	}
	u = all_to(&n, n.candidate);
	if (n.baseline[0] || o->lock[0])
		return update_alias(env, o, &u, err);
	return lambda_create_alias(&env->client, &u, env->arena, &after, err);
}

/*
 * What was before the first deployment is no alias. Deleting takes no revision id: the alias is
 * read again, and must be the one seen.
 */
static int delete_alias(const struct target_env *env, const struct names *n,
			const struct target_observation *o, struct err *err)
{
	struct lambda_alias a;

	if (lambda_get_alias(&env->client, n->function, n->alias, env->arena, &a, err)) {
		if (err->code != ERR_NOT_FOUND)
			return -1;
		*err = ERR_INIT;
		return 0;
	}
	if (!a.revision_id || strcmp(a.revision_id, o->lock) != 0)
		return err_set(err, ERR_CONFLICT,
			       "alias %s of %s was changed by somebody since it was looked at",
			       n->alias, n->function);
	return lambda_delete_alias(&env->client, n->function, n->alias, env->arena, err);
}

static int restore_alias(const struct target_env *env, const struct names *n,
			 const struct target_observation *o, struct err *err)
{
	struct lambda_alias_update u = all_to(n, n->baseline);

	/* only segments are left: the alias is as it was */
	if (n->segments && o->live == LIVE_SPLIT && o->traffic.weight_bp == 0)
		return 0;
	return n->baseline[0] ? update_alias(env, o, &u, err) : delete_alias(env, n, o, err);
}

/* The segments first, but what does not go there does not keep the alias from going back. */
static int restore(const struct target_env *env, const struct rollout_state *s,
		   const struct target_observation *o, struct err *err)
{
	struct err first = ERR_INIT;
	struct lambda_place at;
	struct names n;
	int rc;

	if (read_names(env, s, &n, err))
		return -1;
	at = place_of(&n);
	rc = lambda_segments_write(env, &at, 0, &first);
	if ((!rc || first.code != ERR_CANCELED) && restore_alias(env, &n, o, err))
		return -1;
	if (rc)
		*err = first;
	return rc;
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

/* The segment whose step this is: it has an alias to itself. */
static const struct plan_segment *segment_of_step(const struct plan *plan,
						  const struct rollout_state *s)
{
	bool is_step = s->phase == PHASE_SHIFT || s->phase == PHASE_WATCH;

	if (!is_step || (size_t)s->step >= plan->n_steps || plan->steps[s->step].segment < 0)
		return NULL;
	return &plan->segments[plan->steps[s->step].segment];
}

/*
 * Lambda counts an alias's invocations under its name, and under its name and the version that ran
 * while the alias is weighted. Once promoted the alias is the candidate, whole. In the step of a
 * segment its alias is what there is to see.
 */
static size_t series(const struct target_env *env, const struct rollout_state *s, bool candidate,
		     const char **ns, const char *names[PLAN_DIMENSIONS_MAX],
		     const char *values[PLAN_DIMENSIONS_MAX])
{
	const struct plan_segment *segment;
	struct err err = ERR_INIT;
	const char *alias;
	struct names n;

	*ns = "AWS/Lambda";
	if (read_names(env, s, &n, &err) || !(candidate ? n.candidate : n.baseline)[0])
		return 0;
	segment = candidate ? segment_of_step(env->plan, s) : NULL;
	alias = segment ? lambda_segment_alias(env->arena, n.alias, segment) : n.alias;
	names[0] = "FunctionName";
	values[0] = name_of(n.function);
	names[1] = "Resource";
	values[1] = arena_printf(env->arena, "%s:%s", name_of(n.function), alias);
	names[2] = "ExecutedVersion";
	values[2] = candidate ? n.candidate : n.baseline;
	return segment || (candidate && s->phase == PHASE_BAKE) ? 2 : 3;
}

static void calls(const struct plan *plan, struct arena *a,
		  void (*add)(void *arg, const struct target_call *c), void *arg)
{
	const char *given = plan->target.lambda.function;
	const char *f = str_starts(str_from(given), "arn:")
				? given
				: arena_printf(a, "arn:aws:lambda:*:*:function:%s", given);
	/* a qualifier, version or alias, is part of the resource */
	const char *q = arena_printf(a, "%s:*", f);
	const char *configuration = "GetFunctionConfiguration";
	const char *provisioned = "GetProvisionedConcurrencyConfig";
	const char *may_look = "lambda:GetFunctionConfiguration";
	const struct target_call list[] = {
		{PHASE_INSPECT, "lambda", configuration, may_look, f, false},
		{PHASE_INSPECT, "lambda", configuration, may_look, q, false},
		{PHASE_INSPECT, "lambda", "GetAlias", "lambda:GetAlias", f, false},
		{PHASE_INSPECT, "lambda", provisioned, "lambda:GetProvisionedConcurrencyConfig", q,
		 false},
		{PHASE_PREPARE, "lambda", "UpdateFunctionCode", "lambda:UpdateFunctionCode", f,
		 true},
		{PHASE_PREPARE, "lambda", "PublishVersion", "lambda:PublishVersion", f, true},
		{PHASE_SHIFT, "lambda", "UpdateAlias", "lambda:UpdateAlias", f, true},
		{PHASE_PROMOTE, "lambda", "UpdateAlias", "lambda:UpdateAlias", f, true},
		{PHASE_PROMOTE, "lambda", "CreateAlias", "lambda:CreateAlias", f, true},
		{PHASE_RESTORE, "lambda", "UpdateAlias", "lambda:UpdateAlias", f, true},
		{PHASE_RESTORE, "lambda", "DeleteAlias", "lambda:DeleteAlias", f, true},
		{PHASE_PROVE, "lambda", configuration, may_look, q, false},
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		add(arg, &list[i]);
	lambda_segment_calls(plan, f, a, add, arg);
}

const struct target_ops target_lambda = {
	.name = "lambda",
	.claims = claims,
	.inspect = lambda_inspect,
	.check_artifact = lambda_code_check,
	.observe = observe,
	.prepare = prepare,
	.split = split,
	.promote = promote,
	.restore = restore,
	.retire = retire,
	.series = series,
	.calls = calls,
};
