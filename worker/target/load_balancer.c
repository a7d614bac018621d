#include "worker/target/load_balancer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "aws/elbv2.h"
#include "worker/target/target.h"

/*
 * A load balancer's listener or rule: traffic is split by the weights of its forward action between
 * two target groups, and everything else in the action list stays as it was read. There is no lock
 * on the wire, so each write is preceded by a fresh read that must equal this turn's look.
 *
 * While it goes forward, all traffic on the baseline is LIVE_BASELINE, whether or not the candidate
 * is in the action at weight 0. On the way back only the undo record itself is.
 */
#define NLB_PROPAGATION_MS \
	(10 * 60 * 1000) /* what ECS waits after each change of an NLB's weights */

static void PRINTF_LIKE(2, 3) detail(struct target_observation *o, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(o->detail, sizeof(o->detail), fmt, ap);
	va_end(ap);
}

/* --- inspect ---------------------------------------------------------------------------------- */

static int inspect(const struct target_env *env, char undo[LIMIT_UNDO + 1], bool *first,
		   struct problems *p, struct err *err)
{
	size_t before = p->n_errors;
	struct lb_record r;

	*first = false;
	if (lb_inspect(env, &r, p, err))
		return -1;
	return p->n_errors > before ? 0 : lb_record_store(&r, undo, err);
}

/* --- observe ---------------------------------------------------------------------------------- */

/*
 * In effect when the wait for the data plane is over since the change was made; or, where somebody
 * else made it, since the phase began that found it so.
 */
static bool is_settled(const struct target_env *env, const struct rollout_state *s,
		       const struct lb_record *r)
{
	int64_t wait = env->plan->target.propagation_ms, since = s->phase_since.ms;

	if (r->network && wait < NLB_PROPAGATION_MS)
		wait = NLB_PROPAGATION_MS;
	if (s->changed_at.ms > since)
		since = s->changed_at.ms;
	switch (s->phase) {
	case PHASE_SHIFT:
	case PHASE_PROMOTE:
	case PHASE_RESTORE:
		return clock_utc(env->client.aws->clock).ms - since >= wait;
	case PHASE_INSPECT:
	case PHASE_PREPARE:
	case PHASE_VERIFY:
	case PHASE_WATCH:
	case PHASE_BAKE:
	case PHASE_RETIRE:
	case PHASE_PROVE:
	case PHASE_SUCCEEDED:
	case PHASE_FAILED:
	case PHASE_COUNT:
		break;
	}
	return true;
}

/*
 * Before its promotion a candidate with all traffic is only a step of 100 %; the promotion changes
 * nothing on the wire, as the baseline stays in the action at weight 0 either way.
 */
static enum live everything_on_candidate(enum phase p)
{
	return p == PHASE_PROMOTE || p == PHASE_BAKE || p == PHASE_RETIRE ? LIVE_PROMOTED
									  : LIVE_CANDIDATE;
}

static bool is_going_back(enum phase p)
{
	return p == PHASE_RESTORE || p == PHASE_PROVE;
}

static void read_split(const struct target_env *env, const struct rollout_state *s,
		       const struct lb_record *r, const struct lb_forward *f,
		       struct target_observation *o)
{
	int64_t baseline = lb_weight(f, r->baseline), candidate = lb_weight(f, r->candidate);

	if (!lb_others_agree(r, f)) {
		o->live = LIVE_FOREIGN;
		detail(o, "the other target groups of %s are not as they were", r->resource);
	} else if (baseline == 0 && candidate == 0) {
		o->live = LIVE_FOREIGN;
		detail(o, "%s forwards to neither baseline nor candidate", r->resource);
	} else if (candidate == 0 && is_going_back(s->phase) && !lb_is_undone(r, f)) {
		o->live = LIVE_SPLIT; /* 0 % */
		detail(o, "the target groups of %s are not as they were", r->resource);
	} else if (candidate == 0) {
		o->live = LIVE_BASELINE;
	} else if (baseline == 0) {
		o->live = everything_on_candidate(s->phase);
		o->weight_bp = 10000;
	} else {
		o->live = LIVE_SPLIT;
		o->weight_bp = (int)((candidate * 10000 + (baseline + candidate) / 2) /
				     (baseline + candidate));
	}
	o->settled = is_settled(env, s, r);
	snprintf(o->lock, sizeof(o->lock), "%lld:%lld", (long long)baseline, (long long)candidate);
}

static void observe_candidate(const struct target_env *env, const struct rollout_state *s,
			      const struct lb_record *r, const struct lb_forward *f,
			      const struct lb_health *h, struct target_observation *o)
{
	int64_t wanted = env->plan->target.min_healthy;
	/* while it is brought up; later a target that is starting is only one more */
	int64_t starting = s->phase == PHASE_PREPARE ? h->initial : 0;

	if (!lb_has_group(f, r->candidate)) {
		o->candidate = CANDIDATE_ABSENT;
		detail(o, "the candidate's target group is not in the action yet");
		return;
	}
	o->candidate = h->healthy >= wanted && starting == 0 && h->unhealthy == 0
			       ? CANDIDATE_READY
			       : CANDIDATE_PENDING;
	if (o->candidate == CANDIDATE_PENDING)
		detail(o,
		       "candidate: %lld healthy of at least %lld, %lld starting, %lld "
		       "unhealthy%s%s",
		       (long long)h->healthy, (long long)wanted, (long long)h->initial,
		       (long long)h->unhealthy, h->reason[0] ? ": " : "", h->reason);
}

static int unreadable(struct target_observation *o, struct err *err)
{
	if (err->code == ERR_CANCELED)
		return -1;
	/* gone, or, of our own saying, not a forward to weighted groups any more */
	if (err->code == ERR_NOT_FOUND || (err->code == ERR_REJECTED && !err->aws[0]))
		o->live = LIVE_FOREIGN;
	else
		o->live = LIVE_UNREADABLE;
	o->candidate = CANDIDATE_PENDING;
	o->denied = err->code == ERR_DENIED;
	str_copy_clean(o->detail, sizeof(o->detail), str_from(err->text));
	*err = ERR_INIT;
	return 0;
}

static int observe_baseline(const struct target_env *env, const struct lb_record *r,
			    struct target_observation *o, struct err *err)
{
	struct utc now = clock_utc(env->client.aws->clock);
	struct lb_health h;

	if (lb_read_health(env, r->baseline, &h, err)) {
		if (err->code == ERR_CANCELED)
			return -1;
		o->baseline_health = verdict_make(VERDICT_ERROR, now, "%s", err->text);
		*err = ERR_INIT;
	} else {
		o->baseline_health =
			verdict_make(h.healthy > 0 ? VERDICT_PASS : VERDICT_FAIL, now,
				     "%lld healthy targets, %lld not", (long long)h.healthy,
				     (long long)(h.unhealthy + h.initial));
	}
	return 0;
}

static int observe(const struct target_env *env, const struct rollout_state *s,
		   struct target_observation *o, struct err *err)
{
	struct lb_forward f;
	struct lb_health h;
	struct lb_record r;

	*o = (struct target_observation){.candidate = CANDIDATE_READY,
					 .retired = true,
					 .baseline_health.kind = VERDICT_UNKNOWN};
	if (lb_record_load(env->arena, s->undo, &r, err) ||
	    lb_read_forward(env, r.resource, &f, err))
		return unreadable(o, err);
	read_split(env, s, &r, &f, o);
	if (s->phase == PHASE_PREPARE || s->phase == PHASE_VERIFY) {
		if (lb_read_health(env, r.candidate, &h, err))
			return unreadable(o, err);
		observe_candidate(env, s, &r, &f, &h, o);
	}
	if (s->phase == PHASE_RESTORE || s->phase == PHASE_PROVE)
		return observe_baseline(env, &r, o, err);
	return 0;
}

/* --- act -------------------------------------------------------------------------------------- */

/* Read again, and only go on when nothing has changed since this turn's look. */
static int load_again(const struct target_env *env, const struct rollout_state *s,
		      const struct target_observation *o, struct lb_record *r, struct lb_forward *f,
		      struct err *err)
{
	char lock[OBSERVATION_LOCK_MAX];

	if (lb_record_load(env->arena, s->undo, r, err) ||
	    lb_read_forward(env, r->resource, f, err))
		return -1;
	snprintf(lock, sizeof(lock), "%lld:%lld", (long long)lb_weight(f, r->baseline),
		 (long long)lb_weight(f, r->candidate));
	if (!lb_others_agree(r, f) || (o && strcmp(lock, o->lock) != 0))
		return err_set(
			err, ERR_CONFLICT,
			"%s was changed by somebody since it was looked at: weights %s, now %s",
			r->resource, o ? o->lock : "", lock);
	return 0;
}

/* The candidate goes into the action at weight 0: only then is it health-checked. */
static int prepare(const struct target_env *env, const struct rollout_state *s,
		   char candidate[LIMIT_CANDIDATE + 1], struct err *err)
{
	struct lb_forward f;
	struct lb_record r;

	if (load_again(env, s, NULL, &r, &f, err))
		return -1;
	if (!lb_has_group(&f, r.candidate) && lb_write_weights(env, &r, &f, 0, err))
		return -1;
	/* the group's own name; its ARN is in the undo record */
	return lb_candidate_store(&r, candidate, err);
}

static int split(const struct target_env *env, const struct rollout_state *s,
		 const struct target_observation *o, int weight_bp, struct err *err)
{
	struct lb_forward f;
	struct lb_health h;
	struct lb_record r;

	if (lb_record_load(env->arena, s->undo, &r, err) ||
	    lb_read_health(env, r.candidate, &h, err))
		return -1;
	/* there is no failover between weighted groups: a dead one would answer with errors */
	if (h.healthy < env->plan->target.min_healthy)
		return err_set(err, ERR_CONFLICT,
			       "the candidate has %lld healthy targets; %lld are needed before it "
			       "gets traffic (%s)",
			       (long long)h.healthy, (long long)env->plan->target.min_healthy,
			       h.reason);
	/* last, as nothing should come between it and the write */
	if (load_again(env, s, o, &r, &f, err))
		return -1;
	return lb_write_weights(env, &r, &f, weight_bp, err);
}

static int promote(const struct target_env *env, const struct rollout_state *s,
		   const struct target_observation *o, struct err *err)
{
	return split(env, s, o, 10000, err);
}

static int restore(const struct target_env *env, const struct rollout_state *s,
		   const struct target_observation *o, struct err *err)
{
	struct lb_forward f;
	struct lb_record r;

	if (load_again(env, s, o, &r, &f, err))
		return -1;
	return lb_write_undo(env, &r, &f, err);
}

/* The target groups are somebody else's: both stay, the old one reachable at weight 0. */
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
	struct lb_record r;

	if (lb_record_load(env->arena, s->undo, &r, &err))
		return 0;
	*ns = r.network ? "AWS/NetworkELB" : "AWS/ApplicationELB";
	names[0] = "TargetGroup";
	values[0] = str_dup(env->arena,
			    elbv2_target_group_dimension(candidate ? r.candidate : r.baseline));
	names[1] = "LoadBalancer";
	values[1] = lb_load_balancer_dimension(env->arena, r.resource);
	return 2;
}

static void calls(const struct plan *plan, struct arena *a,
		  void (*add)(void *arg, const struct target_call *c), void *arg)
{
	const char *arn = plan->target.resource_arn;
	bool rule = strstr(arn, ":listener-rule/") != NULL;
	const char *describe = rule ? "DescribeRules" : "DescribeListeners";
	const char *modify = rule ? "ModifyRule" : "ModifyListener";
	const char *describe_iam = arena_printf(a, "elasticloadbalancing:%s", describe);
	const char *modify_iam = arena_printf(a, "elasticloadbalancing:%s", modify);
	const struct target_call list[] = {
		{PHASE_INSPECT, "elasticloadbalancing", describe, describe_iam, "*", false},
		{PHASE_INSPECT, "elasticloadbalancing", "DescribeTargetGroups",
		 "elasticloadbalancing:DescribeTargetGroups", "*", false},
		{PHASE_INSPECT, "elasticloadbalancing", "DescribeTargetGroupAttributes",
		 "elasticloadbalancing:DescribeTargetGroupAttributes", "*", false},
		{PHASE_INSPECT, "elasticloadbalancing", "DescribeTargetHealth",
		 "elasticloadbalancing:DescribeTargetHealth", "*", false},
		{PHASE_PREPARE, "elasticloadbalancing", modify, modify_iam, arn, true},
		{PHASE_SHIFT, "elasticloadbalancing", modify, modify_iam, arn, true},
		{PHASE_PROMOTE, "elasticloadbalancing", modify, modify_iam, arn, true},
		{PHASE_RESTORE, "elasticloadbalancing", modify, modify_iam, arn, true},
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		add(arg, &list[i]);
}

const struct target_ops target_load_balancer = {
	.name = "load_balancer",
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
