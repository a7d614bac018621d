#include "worker/rollout/decide.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/*
 * One function a phase. Each looks at what was observed and either moves on through go(), acts, or
 * waits. What may end a rollout from anywhere (somebody else's change, an abandoned execution, an
 * operator, the clock) is looked at first, in before_phase().
 *
 * The rule that everything here serves: a step forward is taken only from a look of this very turn
 * that shows the target as the state says, with a Pass obtained after the step's time was over.
 */
struct ctx {
	const struct plan *plan;
	const struct rollout_state *s;
	const struct observation *o;
	struct utc now;
	struct rollout_state *next;
	struct decision *d;
	bool changed;
};

#define RESERVE_MOST_MS 600000ll /* kept of the budget for going back */

/* --- outcomes ---------------------------------------------------------------------------------- */

static void PRINTF_LIKE(3, 4) decision(struct ctx *c, enum decision_kind kind, const char *fmt, ...)
{
	va_list ap;

	c->d->kind = kind;
	va_start(ap, fmt);
	vsnprintf(c->d->reason, sizeof(c->d->reason), fmt, ap);
	va_end(ap);
}

/* The only door between phases. */
static void go(struct ctx *c, enum phase to)
{
	assert(phase_may_go(c->next->phase, to));
	c->next->phase = to;
	c->next->phase_since = c->now;
	c->next->hold_since.ms = 0;
	c->changed = true;
}

static void go_on(struct ctx *c, enum phase to, const char *why)
{
	go(c, to);
	decision(c, DECIDE_AGAIN, "%s", why);
}

static void sooner(struct ctx *c, int64_t at_ms)
{
	if (at_ms > c->now.ms && (c->d->until.ms == 0 || at_ms < c->d->until.ms))
		c->d->until.ms = at_ms;
}

static enum failure failure_of(enum cause cause)
{
	switch (cause) {
	case CAUSE_DRIFT:
		return FAILURE_REVISION_OUT_OF_SYNC;
	case CAUSE_DENIED:
		return FAILURE_PERMISSION_ERROR;
	case CAUSE_PLAN:
		return FAILURE_CONFIGURATION_ERROR;
	case CAUSE_SYSTEM:
		return FAILURE_SYSTEM_UNAVAILABLE;
	case CAUSE_NONE:
	case CAUSE_GUARD:
	case CAUSE_UNKNOWN:
	case CAUSE_TIMEOUT:
	case CAUSE_CANDIDATE:
	case CAUSE_ABANDON:
	case CAUSE_OPERATOR:
	case CAUSE_COUNT:
		break;
	}
	return FAILURE_JOB_FAILED;
}

static void PRINTF_LIKE(3, 4) set_cause(struct ctx *c, enum cause cause, const char *fmt, ...)
{
	va_list ap;

	c->next->cause = cause;
	va_start(ap, fmt);
	vsnprintf(c->next->cause_text, sizeof(c->next->cause_text), fmt, ap);
	va_end(ap);
	c->changed = true;
}

static void fail(struct ctx *c)
{
	c->d->failure = failure_of(c->next->cause);
	decision(c, DECIDE_FAIL, "%.*s", REASON_MAX - 1, c->next->cause_text);
}

/* End as failed, with the cause and this sentence on how things were left. */
static void PRINTF_LIKE(2, 3) end_failed(struct ctx *c, const char *fmt, ...)
{
	char left[CAUSE_TEXT_MAX + 1];
	size_t n = strlen(c->next->cause_text), room;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(left, sizeof(left), fmt, ap);
	va_end(ap);
	/* how things were left matters most: the cause gives way */
	room = CAUSE_TEXT_MAX - (strlen(left) < CAUSE_TEXT_MAX - 2 ? strlen(left) + 2
								  : CAUSE_TEXT_MAX);
	if (n > room)
		n = room;
	if (n) {
		memcpy(c->next->cause_text + n, "; ", 3);
		n += 2;
	}
	str_copy(c->next->cause_text + n, sizeof(c->next->cause_text) - n, str_from(left));
	go(c, PHASE_FAILED);
	fail(c);
}

/* Go back to the baseline. Where nothing has been touched yet there is nothing to go back from. */
static void PRINTF_LIKE(3, 4) go_back(struct ctx *c, enum cause cause, const char *fmt, ...)
{
	char text[CAUSE_TEXT_MAX + 1];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	set_cause(c, cause, "%s", text);
	if (c->s->phase == PHASE_INSPECT) {
		end_failed(c, "nothing was changed");
		return;
	}
	go(c, PHASE_RESTORE);
	decision(c, DECIDE_AGAIN, "%.*s", REASON_MAX - 1, text);
}

/* --- time -------------------------------------------------------------------------------------- */

static int64_t budget_end(const struct ctx *c)
{
	int64_t total = c->plan->max_duration_ms, reserve = total / 10;

	if (reserve > RESERVE_MOST_MS)
		reserve = RESERVE_MOST_MS;
	return c->s->started.ms + total - reserve;
}

/* Limit of the present phase; 0 when it has none of its own. */
static int64_t limit_end(const struct ctx *c)
{
	int64_t limit = phase_limit_ms(c->s->phase);

	if (c->s->phase == PHASE_PREPARE)
		limit = c->plan->prepare_ms;
	if (c->s->phase == PHASE_VERIFY)
		limit = c->plan->verify_ms;
	return limit ? c->s->phase_since.ms + limit : 0;
}

static bool limit_is_over(const struct ctx *c)
{
	int64_t end = limit_end(c);

	return end && c->now.ms >= end;
}

static void PRINTF_LIKE(2, 3) wait(struct ctx *c, const char *fmt, ...)
{
	va_list ap;

	c->d->kind = DECIDE_WAIT;
	va_start(ap, fmt);
	vsnprintf(c->d->reason, sizeof(c->d->reason), fmt, ap);
	va_end(ap);
	sooner(c, limit_end(c));
	if (c->next->phase < PHASE_RETIRE)
		sooner(c, budget_end(c));
	if (c->next->hold_since.ms && c->plan->unknown_then == UNKNOWN_ROLLBACK)
		sooner(c, c->next->hold_since.ms + c->plan->unknown_hold_ms);
}

/* --- weights ----------------------------------------------------------------------------------- */

static int step_weight(const struct ctx *c)
{
	return c->plan->steps[c->s->step].weight_bp;
}

static int live_weight(const struct target_observation *t)
{
	switch (t->live) {
	case LIVE_SPLIT:
		return t->weight_bp;
	case LIVE_CANDIDATE:
	case LIVE_PROMOTED:
		return 10000;
	case LIVE_BASELINE:
	case LIVE_FOREIGN:
	case LIVE_UNREADABLE:
		break;
	}
	return 0;
}

/* Is the live split one this plan makes? Rounding by the target may cost a hundredth. */
static bool is_our_weight(const struct ctx *c, int bp)
{
	if (bp == 10000)
		return true; /* the promotion */
	for (size_t i = 0; i < c->plan->n_steps; i++)
		if (bp >= c->plan->steps[i].weight_bp - 1 && bp <= c->plan->steps[i].weight_bp + 1)
			return true;
	return false;
}

static bool is_step_weight(const struct ctx *c, int bp)
{
	return bp >= step_weight(c) - 1 && bp <= step_weight(c) + 1;
}

static const char *percent_text(int bp, char out[WEIGHT_TEXT_SIZE])
{
	weight_format(bp, out);
	return out;
}

/* --- judging ----------------------------------------------------------------------------------- */

/* The joined verdict of what counts in this phase: guards, and that the target can be read. */
static struct verdict verdict_of(const struct ctx *c)
{
	const struct observation *o = c->o;

	if (o->has_guards && o->guards.kind == VERDICT_FAIL)
		return o->guards;
	if (o->target.live == LIVE_UNREADABLE)
		return verdict_make(VERDICT_ERROR, c->now, "the target cannot be read: %s",
				    o->target.detail);
	if (!o->has_guards)
		return verdict_make(VERDICT_UNKNOWN, c->now, "no guard is asked in this phase");
	return o->guards;
}

/*
 * Judge. True when the verdict is Pass; then the caller looks at its time. False when the rollout
 * went back or holds, and the decision is made.
 */
static bool judge(struct ctx *c, const struct verdict *v)
{
	char weight[WEIGHT_TEXT_SIZE], held[DURATION_TEXT_SIZE];
	int64_t since;

	if (v->kind == VERDICT_PASS) {
		if (c->next->hold_since.ms) {
			c->next->hold_since.ms = 0;
			c->changed = true;
		}
		return true;
	}
	if (v->kind == VERDICT_FAIL && c->plan->rollback_on_guard) {
		if (c->s->phase == PHASE_VERIFY)
			go_back(c, CAUSE_GUARD, "verification failed before any traffic: %s", v->text);
		else
			go_back(c, CAUSE_GUARD, "with %s on the candidate: %s",
				percent_text(live_weight(&c->o->target), weight), v->text);
		return false;
	}
	if (!c->next->hold_since.ms) {
		c->next->hold_since = c->now;
		c->changed = true;
	}
	since = c->now.ms - c->next->hold_since.ms;
	if (since >= c->plan->unknown_hold_ms && c->plan->unknown_then == UNKNOWN_ROLLBACK &&
	    v->kind != VERDICT_FAIL) {
		duration_format(since, held);
		go_back(c, CAUSE_UNKNOWN, "no Pass for %s: %s: %s", held, verdict_name(v->kind),
			v->text);
		return false;
	}
	wait(c, "holding: %s: %s", verdict_name(v->kind), v->text);
	return false;
}

/* A Fail counts also while a split is taking effect. True when it decided. */
static bool failed_meanwhile(struct ctx *c)
{
	if (!c->o->has_guards || c->o->guards.kind != VERDICT_FAIL || !c->plan->rollback_on_guard)
		return false;
	judge(c, &c->o->guards);
	return true;
}

/* --- the phases -------------------------------------------------------------------------------- */

static void inspect(struct ctx *c)
{
	if (limit_is_over(c)) {
		go_back(c, CAUSE_TIMEOUT, "the target could not be inspected in time");
	} else if (!c->s->undo[0]) {
		wait(c, "the target has not been read yet");
	} else if (!c->o->token_held) {
		decision(c, DECIDE_CHECKPOINT,
			 "nothing is changed before CodePipeline holds the undo record");
	} else {
		go_on(c, PHASE_PREPARE, "CodePipeline holds the undo record");
	}
}

static void prepare(struct ctx *c)
{
	const struct target_observation *t = &c->o->target;

	if (t->candidate == CANDIDATE_FAILED) {
		go_back(c, CAUSE_CANDIDATE, "the candidate did not come up: %s", t->detail);
	} else if (limit_is_over(c)) {
		go_back(c, CAUSE_TIMEOUT, "the candidate was not up in time: %s", t->detail);
	} else if (t->live == LIVE_UNREADABLE) {
		wait(c, "the target cannot be read: %s", t->detail);
	} else if (t->candidate == CANDIDATE_SAME &&
		   (t->live == LIVE_BASELINE || t->live == LIVE_PROMOTED)) {
		go(c, PHASE_SUCCEEDED);
		decision(c, DECIDE_SUCCEED,
			 "nothing to shift: what the artifact brings serves already");
	} else if (t->candidate == CANDIDATE_READY) {
		go_on(c, PHASE_VERIFY, "the candidate is up");
	} else {
		if (!c->next->touched) {
			c->next->touched = true;
			c->changed = true;
		}
		decision(c, DECIDE_PREPARE, "bringing the candidate up%s%s", t->detail[0] ? ": " : "",
			 t->detail);
		sooner(c, limit_end(c));
	}
}

static void verify(struct ctx *c)
{
	struct verdict v = verdict_of(c);

	if (limit_is_over(c)) {
		go_back(c, CAUSE_TIMEOUT, "not verified in time: %s: %s", verdict_name(v.kind), v.text);
		return;
	}
	if (c->o->has_guards || c->o->target.live == LIVE_UNREADABLE) {
		if (!judge(c, &v))
			return;
		if (v.at.ms < c->s->phase_since.ms) {
			wait(c, "waiting for answers about this candidate");
			return;
		}
	}
	go_on(c, c->s->first ? PHASE_PROMOTE : PHASE_SHIFT,
	      c->s->first ? "first deployment: there is no baseline to share traffic with"
			  : "the candidate is verified");
}

static void shift(struct ctx *c)
{
	const struct target_observation *t = &c->o->target;
	char weight[WEIGHT_TEXT_SIZE];

	percent_text(step_weight(c), weight);
	if (failed_meanwhile(c))
		return;
	if (t->live == LIVE_UNREADABLE) {
		struct verdict v = verdict_of(c);

		judge(c, &v);
	} else if (t->live == LIVE_SPLIT && !is_our_weight(c, t->weight_bp)) {
		go_back(c, CAUSE_DRIFT, "somebody set the candidate's weight to %s by hand",
			percent_text(t->weight_bp, weight));
	} else if (limit_is_over(c)) {
		go_back(c, CAUSE_TIMEOUT, "the split of %s did not take effect in time: %s", weight,
			t->detail);
	} else if (!is_step_weight(c, live_weight(t)) || t->live == LIVE_BASELINE) {
		c->d->weight_bp = step_weight(c);
		c->d->segment = c->plan->steps[c->s->step].segment;
		decision(c, DECIDE_SPLIT, "step %d of %zu: %s to the candidate", c->s->step + 1,
			 c->plan->n_steps, weight);
	} else if (!t->settled) {
		wait(c, "%s set; waiting for it to take effect%s%s", weight, t->detail[0] ? ": " : "",
		     t->detail);
	} else {
		go(c, PHASE_WATCH);
		decision(c, DECIDE_AGAIN, "step %d of %zu: %s on the candidate, read back",
			 c->s->step + 1, c->plan->n_steps, weight);
	}
}

/*
 * The live split against what the state says. True when they agree. Behind reality by a crash: back
 * to `again`; changed by somebody: back to the baseline.
 */
static bool split_agrees(struct ctx *c, int wanted_bp, enum phase again)
{
	const struct target_observation *t = &c->o->target;
	int bp = live_weight(t);
	char weight[WEIGHT_TEXT_SIZE];

	if (t->live == LIVE_UNREADABLE)
		return true; /* judged as Error */
	if (t->live == LIVE_BASELINE) {
		go_back(c, CAUSE_DRIFT, "traffic was found back on the baseline");
		return false;
	}
	if (!is_our_weight(c, bp)) {
		go_back(c, CAUSE_DRIFT, "somebody set the candidate's weight to %s by hand",
			percent_text(bp, weight));
		return false;
	}
	if (bp >= wanted_bp - 1 && bp <= wanted_bp + 1 &&
	    (again != PHASE_PROMOTE || t->live == LIVE_PROMOTED))
		return true;
	go_on(c, again, "the live split is another step's; setting it anew");
	return false;
}

static void watch(struct ctx *c)
{
	const struct plan_step *step = &c->plan->steps[c->s->step];
	int64_t end = c->s->phase_since.ms + step->watch_ms;
	bool is_last = (size_t)c->s->step + 1 == c->plan->n_steps;
	struct verdict v = verdict_of(c);

	if (!split_agrees(c, step->weight_bp, PHASE_SHIFT) || !judge(c, &v))
		return;
	if (c->now.ms < end || v.at.ms < end) {
		wait(c, "watching: %s", v.text);
		sooner(c, end);
	} else if (c->o->operator_command == OPERATOR_HOLD) {
		wait(c, "held by %s", c->o->operator_name ? c->o->operator_name : "an operator");
	} else if (step->approve && c->o->operator_command != OPERATOR_PROMOTE) {
		wait(c, "waiting for approval");
	} else if (is_last) {
		go_on(c, PHASE_PROMOTE, "all steps passed");
	} else {
		c->next->step++;
		/* SHIFT of the next step: the edge is WATCH to SHIFT */
		go_on(c, PHASE_SHIFT, "the step passed");
	}
}

static void promote(struct ctx *c)
{
	const struct target_observation *t = &c->o->target;

	if (failed_meanwhile(c))
		return;
	if (t->live == LIVE_UNREADABLE) {
		struct verdict v = verdict_of(c);

		judge(c, &v);
	} else if (limit_is_over(c)) {
		go_back(c, CAUSE_TIMEOUT, "the promotion did not take effect in time: %s", t->detail);
	} else if (t->live == LIVE_SPLIT && !is_our_weight(c, t->weight_bp)) {
		go_back(c, CAUSE_DRIFT, "somebody changed the weights by hand");
	} else if (t->live != LIVE_PROMOTED) {
		c->d->weight_bp = 10000;
		decision(c, DECIDE_PROMOTE, "the candidate becomes the baseline");
	} else if (!t->settled) {
		wait(c, "promoted; waiting for it to take effect");
	} else {
		go_on(c, PHASE_BAKE, "promoted and read back");
	}
}

static void bake(struct ctx *c)
{
	int64_t end = c->s->phase_since.ms + c->plan->bake_ms;
	struct verdict v = verdict_of(c);

	if (!split_agrees(c, 10000, PHASE_PROMOTE))
		return;
	if (c->o->has_guards || c->o->target.live == LIVE_UNREADABLE || c->plan->bake_ms > 0) {
		if (!judge(c, &v))
			return;
		if (c->now.ms < end || v.at.ms < end) {
			wait(c, "baking: %s", v.text);
			sooner(c, end);
			return;
		}
	}
	if (c->o->operator_command == OPERATOR_HOLD)
		wait(c, "held by %s", c->o->operator_name ? c->o->operator_name : "an operator");
	else
		go_on(c, PHASE_RETIRE, "the bake time is over");
}

static void retire(struct ctx *c)
{
	const struct target_observation *t = &c->o->target;

	if (t->live == LIVE_PROMOTED && t->retired) {
		go(c, PHASE_SUCCEEDED);
		decision(c, DECIDE_SUCCEED, "the candidate carries all traffic, read back");
	} else if (limit_is_over(c)) {
		set_cause(c, CAUSE_TIMEOUT, "the old version could not be retired in time");
		end_failed(c, "the candidate is promoted and was left so: %s", t->detail);
	} else if (t->live == LIVE_UNREADABLE) {
		wait(c, "the target cannot be read: %s", t->detail);
	} else if (t->live != LIVE_PROMOTED) {
		go_back(c, CAUSE_DRIFT, "the promotion was undone by somebody");
	} else {
		decision(c, DECIDE_RETIRE, "retiring the old version");
	}
}

static void restore(struct ctx *c)
{
	const struct target_observation *t = &c->o->target;

	if (t->live == LIVE_BASELINE && t->settled) {
		go_on(c, PHASE_PROVE, "the baseline has all traffic, read back");
	} else if (limit_is_over(c)) {
		c->next->cause = CAUSE_SYSTEM;
		end_failed(c,
			   "NOT RESTORED: the baseline could not be given all traffic, or that could "
			   "not be read back: somebody must look now (%s)", t->detail);
	} else if (t->live == LIVE_UNREADABLE) {
		wait(c, "restoring: the target cannot be read: %s", t->detail);
	} else if (t->live == LIVE_BASELINE) {
		wait(c, "restored; waiting for it to take effect");
	} else {
		decision(c, DECIDE_RESTORE, "giving the baseline all traffic: %.*s", REASON_MAX / 2,
			 c->s->cause_text);
	}
}

static void prove(struct ctx *c)
{
	const struct target_observation *t = &c->o->target;

	if (t->live != LIVE_BASELINE && t->live != LIVE_UNREADABLE) {
		go_on(c, PHASE_RESTORE, "the baseline has lost traffic again");
	} else if (t->live == LIVE_BASELINE && t->baseline_health.kind == VERDICT_PASS) {
		end_failed(c, "restored: the baseline carries all traffic, read back, and is healthy "
			   "(%.160s)", t->baseline_health.text);
	} else if (limit_is_over(c)) {
		if (t->live == LIVE_UNREADABLE)
			c->next->cause = CAUSE_SYSTEM;
		end_failed(c, "%s (%.160s)",
			   t->live == LIVE_UNREADABLE
				   ? "restored, but it could not be read back any more: somebody must look"
				   : "restored: the baseline carries all traffic, but it is NOT healthy",
			   t->live == LIVE_UNREADABLE ? t->detail : t->baseline_health.text);
	} else {
		wait(c, "proving: %s",
		     t->live == LIVE_UNREADABLE ? t->detail : t->baseline_health.text);
	}
}

/* --- from anywhere ----------------------------------------------------------------------------- */

static enum cause cause_of(const struct err *err)
{
	switch (err->code) {
	case ERR_DENIED:
		return CAUSE_DENIED;
	case ERR_REJECTED:
	case ERR_NOT_FOUND:
	case ERR_MALFORMED:
	case ERR_LIMIT:
	case ERR_UNSAFE:
		return CAUSE_PLAN;
	case ERR_OK:
	case ERR_CANCELED:
	case ERR_TIMEOUT:
	case ERR_NETWORK:
	case ERR_THROTTLED:
	case ERR_UNAVAILABLE:
	case ERR_CONFLICT:
	case ERR_SYSTEM:
	case ERR_CODE_COUNT:
		break;
	}
	return CAUSE_SYSTEM;
}

/* True when something decided that does not depend on the phase. */
static bool before_phase(struct ctx *c)
{
	const struct observation *o = c->o;
	bool goes_back = c->s->phase == PHASE_RESTORE || c->s->phase == PHASE_PROVE;
	char budget[DURATION_TEXT_SIZE];

	if (o->target.live == LIVE_FOREIGN && c->s->phase != PHASE_INSPECT) {
		if (!goes_back)
			set_cause(c, CAUSE_DRIFT, "somebody changed the target: %s",
				  o->target.detail);
		else
			c->next->cause = CAUSE_DRIFT;
		end_failed(c, "left as found: it is not ours to overwrite%s%s",
			   goes_back ? ": " : "", goes_back ? o->target.detail : "");
		return true;
	}
	if (goes_back)
		return false;
	if (o->abandoned && c->plan->rollback_on_abandon) {
		go_back(c, CAUSE_ABANDON, "the pipeline execution is over");
		return true;
	}
	if (o->operator_command == OPERATOR_ROLLBACK) {
		go_back(c, CAUSE_OPERATOR, "rolled back by %s",
			o->operator_name ? o->operator_name : "an operator");
		return true;
	}
	if (o->act_error && c->s->phase == PHASE_RETIRE) {
		set_cause(c, cause_of(o->act_error), "the old version could not be retired: %s",
			  o->act_error->text);
		end_failed(c, "the candidate is promoted and was left so");
		return true;
	}
	if (o->act_error) {
		go_back(c, cause_of(o->act_error), "%s", o->act_error->text);
		return true;
	}
	if (c->now.ms >= budget_end(c) && c->s->phase != PHASE_RETIRE) {
		duration_format(c->plan->max_duration_ms, budget);
		go_back(c, CAUSE_TIMEOUT, "the action's budget of %s is used up", budget);
		return true;
	}
	return false;
}

void rollout_decide(const struct plan *plan, const struct rollout_state *s,
		    const struct observation *o, struct utc now, struct rollout_state *next,
		    struct decision *d)
{
	static void (*const phases[PHASE_COUNT])(struct ctx *) = {
		[PHASE_INSPECT] = inspect, [PHASE_PREPARE] = prepare, [PHASE_VERIFY] = verify,
		[PHASE_SHIFT] = shift,	   [PHASE_WATCH] = watch,     [PHASE_PROMOTE] = promote,
		[PHASE_BAKE] = bake,	   [PHASE_RETIRE] = retire,   [PHASE_RESTORE] = restore,
		[PHASE_PROVE] = prove,
	};
	struct ctx c = {.plan = plan, .s = s, .o = o, .now = now, .next = next, .d = d};

	assert(next != s);
	*next = *s;
	*d = (struct decision){.segment = -1};
	if (s->phase == PHASE_SUCCEEDED)
		decision(&c, DECIDE_SUCCEED, "succeeded");
	else if (s->phase == PHASE_FAILED)
		fail(&c);
	else if ((size_t)s->step >= plan->n_steps)
		go_back(&c, CAUSE_PLAN, "the state names step %d; the plan has %zu", s->step + 1,
			plan->n_steps);
	else if (!before_phase(&c))
		phases[s->phase](&c);
	if (c.changed)
		next->seq++;
	next->percent = rollout_percent(plan, next, now);
}

void rollout_begin(const struct plan *plan, const char *id, struct utc now, struct rollout_state *s)
{
	*s = (struct rollout_state){.seq = 1,
				    .phase = PHASE_INSPECT,
				    .started = now,
				    .phase_since = now};
	str_copy(s->id, sizeof(s->id), str_from(id));
	str_copy(s->plan_digest, sizeof(s->plan_digest), str_from(plan->digest));
}

unsigned rollout_guards_in(enum phase p)
{
	switch (p) {
	case PHASE_VERIFY:
		return GUARD_IN_VERIFY;
	case PHASE_SHIFT:
	case PHASE_WATCH:
	case PHASE_PROMOTE:
		return GUARD_IN_WATCH;
	case PHASE_BAKE:
		return GUARD_IN_BAKE;
	case PHASE_INSPECT:
	case PHASE_PREPARE:
	case PHASE_RETIRE:
	case PHASE_RESTORE:
	case PHASE_PROVE:
	case PHASE_SUCCEEDED:
	case PHASE_FAILED:
	case PHASE_COUNT:
		break;
	}
	return 0;
}
