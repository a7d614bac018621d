#include "worker/target/load_balancer.h"
#include "worker/target/load_balancer_segments.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/*
 * What a load balancer does for every kind of target that moves weights. There is no lock on the
 * wire, so each write is preceded by a fresh read that must equal this turn's look.
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

/* --- observe ---------------------------------------------------------------------------------- */

/*
 * In effect when the wait for the data plane is over since the change was made; or, where somebody
 * else made it, since the phase began that found it so.
 */
static bool is_settled(const struct target_env *env, const struct rollout_state *s,
		       const struct lb_record *r)
{
	int64_t wait = env->plan->target.lb.propagation_ms, since = s->phase_since.ms;

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
	case PHASE_PARKED:
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

/* What this turn saw: what the next write must find again. */
static void write_lock(const struct lb_record *r, const struct lb_forward *f,
		       const struct lb_segments *g, char lock[OBSERVATION_LOCK_MAX])
{
	snprintf(lock, OBSERVATION_LOCK_MAX, "%lld:%lld", (long long)lb_weight(f, r->baseline),
		 (long long)lb_weight(f, r->candidate));
	if (r->segments)
		snprintf(lock + strlen(lock), OBSERVATION_LOCK_MAX - strlen(lock),
			 ", %zu rules of segments (%x)", g->n, g->there);
}

static void read_split(const struct target_env *env, const struct rollout_state *s,
		       const struct lb_record *r, const struct lb_forward *f,
		       const struct lb_segments *g, struct target_observation *o)
{
	int64_t baseline = lb_weight(f, r->baseline), candidate = lb_weight(f, r->candidate);

	o->traffic.segments = g->there;
	if (!lb_others_agree(r, f)) {
		o->live = LIVE_FOREIGN;
		detail(o, "the other target groups of %s are not as they were", r->resource);
	} else if (baseline == 0 && candidate == 0) {
		o->live = LIVE_FOREIGN;
		detail(o, "%s forwards to neither baseline nor candidate", r->resource);
	} else if (g->wrong) {
		o->live = LIVE_FOREIGN;
		detail(o, "%s", g->wrong);
	} else if (candidate == 0 && is_going_back(s->phase) && !lb_is_undone(r, f)) {
		o->live = LIVE_SPLIT; /* 0 % */
		detail(o, "the target groups of %s are not as they were", r->resource);
	} else if (candidate == 0) {
		o->live = g->n ? LIVE_SPLIT : LIVE_BASELINE;
	} else if (baseline == 0) {
		o->live = g->n ? LIVE_CANDIDATE : everything_on_candidate(s->phase);
		o->traffic.weight_bp = 10000;
	} else {
		o->live = LIVE_SPLIT;
		o->traffic.weight_bp = (int)((candidate * 10000 + (baseline + candidate) / 2) /
					     (baseline + candidate));
	}
	o->settled = is_settled(env, s, r);
	o->unnamed = true; /* groups and weights are the same for whoever moves them */
	write_lock(r, f, g, o->lock);
}

static void observe_candidate(const struct target_env *env, const struct rollout_state *s,
			      const struct lb_record *r, const struct lb_forward *f,
			      const struct lb_health *h, struct target_observation *o)
{
	int64_t wanted = env->plan->target.lb.min_healthy;
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

int lb_unreadable(struct target_observation *o, struct err *err)
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

static bool carries_traffic(const struct target_observation *o)
{
	if (o->live == LIVE_SPLIT)
		return o->traffic.weight_bp > 0 || o->traffic.segments != 0;
	return o->live == LIVE_CANDIDATE || o->live == LIVE_PROMOTED;
}

/*
 * Traffic that nobody can serve is failed at once: the load balancer's own 503 is in no metric of
 * the target group, so guards may see nothing of it.
 */
static void judge_serving(const struct lb_health *h, struct target_observation *o)
{
	if (h->healthy > 0)
		return;
	o->candidate = CANDIDATE_FAILED;
	detail(o, "it carries traffic, and none of its targets is healthy: %s",
	       h->reason[0] ? h->reason : "it has none");
}

int lb_observe(const struct target_env *env, const struct rollout_state *s,
	       const struct lb_record *r, struct target_observation *o, struct err *err)
{
	struct lb_segments g;
	struct lb_forward f;
	struct lb_health h;

	*o = (struct target_observation){.candidate = CANDIDATE_READY,
					 .retired = true,
					 .baseline_health.kind = VERDICT_UNKNOWN};
	if (lb_read_forward(env, r->resource, &f, err) || lb_segments_read(env, r, &f, &g, err))
		return lb_unreadable(o, err);
	read_split(env, s, r, &f, &g, o);
	if (s->phase == PHASE_PREPARE || s->phase == PHASE_VERIFY) {
		if (lb_read_health(env, r->candidate, &h, err))
			return lb_unreadable(o, err);
		observe_candidate(env, s, r, &f, &h, o);
	} else if (s->phase < PHASE_RETIRE && carries_traffic(o)) {
		if (lb_read_health(env, r->candidate, &h, err))
			return lb_unreadable(o, err);
		judge_serving(&h, o);
	}
	if (is_going_back(s->phase))
		return observe_baseline(env, r, o, err);
	return 0;
}

/* --- act -------------------------------------------------------------------------------------- */

/* Read again, and only go on when nothing has changed since this turn's look. */
static int read_again(const struct target_env *env, const struct lb_record *r,
		      const struct target_observation *o, struct lb_forward *f,
		      struct lb_segments *g, struct err *err)
{
	char lock[OBSERVATION_LOCK_MAX];

	if (lb_read_forward(env, r->resource, f, err) || lb_segments_read(env, r, f, g, err))
		return -1;
	write_lock(r, f, g, lock);
	if (!lb_others_agree(r, f) || g->wrong || (o && strcmp(lock, o->lock) != 0))
		return err_set(
			err, ERR_CONFLICT,
			"%s was changed by somebody since it was looked at: weights %s, now %s",
			r->resource, o ? o->lock : "", lock);
	return 0;
}

int lb_prepare(const struct target_env *env, const struct lb_record *r, struct err *err)
{
	struct lb_segments g;
	struct lb_forward f;

	if (read_again(env, r, NULL, &f, &g, err))
		return -1;
	return lb_has_group(&f, r->candidate) ? 0 : lb_write_weights(env, r, &f, 0, err);
}

/* There is no failover between weighted groups: a dead one would answer with errors. */
static int check_health(const struct target_env *env, const struct lb_record *r, struct err *err)
{
	int64_t wanted = env->plan->target.lb.min_healthy;
	struct lb_health h;

	if (lb_read_health(env, r->candidate, &h, err))
		return -1;
	if (h.healthy >= wanted)
		return 0;
	return err_set(err, ERR_CONFLICT,
		       "the candidate has %lld healthy targets; %lld are needed before it gets "
		       "traffic (%s)",
		       (long long)h.healthy, (long long)wanted, h.reason);
}

/*
 * Where there are segments, one kind of change a call: the weights, and when they are right, the
 * segments. So at the promotion everybody is on the candidate before a segment is no longer apart.
 */
int lb_split(const struct target_env *env, const struct lb_record *r,
	     const struct target_observation *o, const struct traffic *want, struct err *err)
{
	bool weights = !r->segments || o->traffic.weight_bp != want->weight_bp;
	bool rises = weights || (want->segments & ~o->traffic.segments);
	struct lb_segments g;
	struct lb_forward f;

	if (rises && check_health(env, r, err))
		return -1;
	/* last, as nothing should come between it and the write */
	if (read_again(env, r, o, &f, &g, err))
		return -1;
	return weights ? lb_write_weights(env, r, &f, want->weight_bp, err)
		       : lb_segments_write(env, r, &f, &g, want->segments, err);
}

/* The segments first, but what does not go there does not keep the weights from going back. */
int lb_restore(const struct target_env *env, const struct lb_record *r,
	       const struct target_observation *o, struct err *err)
{
	struct err first = ERR_INIT;
	struct lb_segments g;
	struct lb_forward f;
	int rc;

	if (read_again(env, r, o, &f, &g, err))
		return -1;
	rc = lb_segments_write(env, r, &f, &g, 0, &first);
	if (rc && first.code == ERR_CANCELED) {
		*err = first;
		return -1;
	}
	if (!(r->segments && lb_is_undone(r, &f)) && lb_write_undo(env, r, &f, err))
		return -1;
	if (rc)
		*err = first;
	return rc;
}

/* --- what it is called ------------------------------------------------------------------------ */

size_t lb_series(const struct target_env *env, const struct lb_record *r, bool candidate,
		 const char **ns, const char *names[PLAN_DIMENSIONS_MAX],
		 const char *values[PLAN_DIMENSIONS_MAX])
{
	*ns = r->network ? "AWS/NetworkELB" : "AWS/ApplicationELB";
	names[0] = "TargetGroup";
	values[0] = str_dup(env->arena,
			    elbv2_target_group_dimension(candidate ? r->candidate : r->baseline));
	names[1] = "LoadBalancer";
	values[1] = lb_load_balancer_dimension(env->arena, r->resource);
	return 2;
}

#define ARNS "arn:aws:elasticloadbalancing:*:*:"

/* Listener or rule: which of them is known when the plan says so; else either may be. */
static void add_either(const char *resource, struct arena *a, const struct target_call *c,
		       const char *verb, void (*add)(void *arg, const struct target_call *c),
		       void *arg)
{
	static const char *const things[] = {"Rule", "Listener"};
	bool is_rule = resource && strstr(resource, ":listener-rule/");
	struct target_call call = *c;

	for (int i = 0; i < 2; i++) {
		if (resource && is_rule != (i == 0))
			continue;
		call.operation = arena_printf(a, "%s%s%s", verb, things[i], c->is_write ? "" : "s");
		call.iam_action = arena_printf(a, "elasticloadbalancing:%s", call.operation);
		if (!resource && c->is_write)
			call.resource = i == 0 ? ARNS "listener-rule/app/*" : ARNS "listener/app/*";
		add(arg, &call);
		if (resource || !c->is_write || i == 0)
			continue;
		call.resource = ARNS "listener/net/*";
		add(arg, &call);
	}
}

void lb_calls(const char *resource, struct arena *a,
	      void (*add)(void *arg, const struct target_call *c), void *arg)
{
	static const char *const reads[] = {"DescribeTargetGroups", "DescribeTargetGroupAttributes",
					    "DescribeTargetHealth"};
	static const enum phase writes[] = {PHASE_PREPARE, PHASE_SHIFT, PHASE_PROMOTE,
					    PHASE_RESTORE};
	struct target_call c = {
		.phase = PHASE_INSPECT, .service = "elasticloadbalancing", .resource = "*"};

	add_either(resource, a, &c, "Describe", add, arg);
	for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
		c.operation = reads[i];
		c.iam_action = arena_printf(a, "elasticloadbalancing:%s", reads[i]);
		add(arg, &c);
	}
	c.is_write = true;
	c.resource = resource;
	for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
		c.phase = writes[i];
		add_either(resource, a, &c, "Modify", add, arg);
	}
}
