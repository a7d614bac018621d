#include "worker/rollout/decide_step.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/*
 * The frame of the machine: dispatch, the rules that hold in every phase, and the outcomes a phase
 * can have. What each phase does stands in decide_forward.c and decide_back.c.
 *
 * Two things are done here and nowhere else: a change of phase (move(), the one door, which checks
 * the edge against the phase list) and the count of changes (changed()).
 */
#define RESERVE_MAX_MS (10 * 60 * 1000ll)   /* kept of the budget for going back */
#define WAIT_SEEN_MS 60000ll		    /* how often a wait is written down */
#define NO_TEXT "nothing was said about it" /* by a service, say; a reason is never empty */

static void changed(struct deciding *x)
{
	x->next->seq = x->s->seq + 1;
}

static void move(struct deciding *x, enum phase to)
{
	assert(phase_may_go(x->next->phase, to));
	x->next->phase = to;
	x->next->phase_since = x->now;
	x->next->hold_since.ms = 0;
	changed(x);
}

/* --- texts ------------------------------------------------------------------------------------ */

static void PRINTF_LIKE(2, 0) say(struct deciding *x, const char *fmt, va_list ap)
{
	char raw[REASON_MAX];

	vsnprintf(raw, sizeof(raw), fmt, ap);
	str_copy_clean(x->d->reason, sizeof(x->d->reason), str_from(raw[0] ? raw : NO_TEXT));
}

/* A text for the token: printable ASCII, whatever services and people put into theirs. */
static void keep(struct deciding *x, const char *text)
{
	char *to = x->next->cause_text;
	size_t n = 0;

	for (; text[n] && n < sizeof(x->next->cause_text) - 1; n++)
		to[n] = text[n] >= 0x20 && text[n] < 0x7f ? text[n] : '?';
	to[n] = '\0';
	changed(x);
}

void decide_add(struct deciding *x, const char *text)
{
	char both[CAUSE_TEXT_MAX + 1];
	size_t n = strlen(text), room = n + 2 < CAUSE_TEXT_MAX ? CAUSE_TEXT_MAX - n - 2 : 0;

	if (!x->next->cause_text[0])
		return;
	snprintf(both, sizeof(both), "%.*s; %s", (int)room, x->next->cause_text, text);
	keep(x, both);
}

static void PRINTF_LIKE(3, 0)
	blame(struct deciding *x, enum cause cause, const char *fmt, va_list ap)
{
	char raw[CAUSE_TEXT_MAX + 1];

	vsnprintf(raw, sizeof(raw), fmt, ap);
	x->next->cause = cause;
	keep(x, raw[0] ? raw : NO_TEXT);
}

/* --- time ------------------------------------------------------------------------------------- */

int64_t decide_limit_ms(const struct plan *plan, enum phase p)
{
	if (p == PHASE_PREPARE)
		return plan->prepare_ms;
	if (p == PHASE_VERIFY)
		return plan->verify_ms;
	return phase_limit_ms(p);
}

bool decide_limit_is_over(const struct deciding *x)
{
	int64_t limit = decide_limit_ms(x->plan, x->s->phase);

	return limit > 0 && x->now.ms - x->s->phase_since.ms >= limit;
}

int64_t decide_budget_end_ms(const struct plan *plan, const struct rollout_state *s)
{
	int64_t reserve = plan->max_duration_ms / 10;

	if (plan->max_duration_ms <= 0)
		return 0;
	if (reserve > RESERVE_MAX_MS)
		reserve = RESERVE_MAX_MS;
	return s->started.ms + plan->max_duration_ms - reserve;
}

/* Parked, and no action is held whose budget could run out. */
static bool waits_for_people(const struct deciding *x)
{
	return x->s->phase == PHASE_PARKED && x->o->mode == MODE_DEPLOY;
}

static void no_later_than(struct deciding *x, int64_t at_ms)
{
	if (at_ms > x->now.ms && (x->d->until.ms == 0 || at_ms < x->d->until.ms))
		x->d->until.ms = at_ms;
}

static void set_until(struct deciding *x)
{
	const struct rollout_state *n = x->next;
	int64_t limit = decide_limit_ms(x->plan, n->phase);

	if (limit > 0)
		no_later_than(x, n->phase_since.ms + limit);
	if (n->phase < PHASE_RETIRE && !waits_for_people(x))
		no_later_than(x, decide_budget_end_ms(x->plan, n));
	if (n->hold_since.ms && n->phase != PHASE_INSPECT &&
	    x->plan->unknown_then == UNKNOWN_ROLLBACK)
		no_later_than(x, n->hold_since.ms + x->plan->unknown_hold_ms);
	if (n->phase == PHASE_WATCH && (size_t)n->step < x->plan->n_steps)
		no_later_than(x, n->phase_since.ms + x->plan->steps[n->step].watch_ms);
	if (n->phase == PHASE_BAKE)
		no_later_than(x, n->phase_since.ms + x->plan->bake_ms);
}

/* --- outcomes --------------------------------------------------------------------------------- */

void decide_go(struct deciding *x, enum phase to, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(x, fmt, ap);
	va_end(ap);
	x->d->kind = DECIDE_AGAIN;
	move(x, to);
}

void decide_go_step(struct deciding *x, int step, const char *fmt, ...)
{
	va_list ap;

	assert(step >= 0 && (size_t)step < x->plan->n_steps);
	va_start(ap, fmt);
	say(x, fmt, ap);
	va_end(ap);
	x->d->kind = DECIDE_AGAIN;
	x->next->step = step;
	move(x, PHASE_SHIFT);
}

void decide_wait(struct deciding *x, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(x, fmt, ap);
	va_end(ap);
	x->d->kind = DECIDE_WAIT;
	set_until(x);
}

void decide_act(struct deciding *x, enum decision_kind kind, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(x, fmt, ap);
	va_end(ap);
	x->d->kind = kind;
	set_until(x);
	if (kind == DECIDE_SPLIT || kind == DECIDE_PROMOTE || kind == DECIDE_RESTORE) {
		/*
		 * written down before the act: how long it has been in effect is counted from
		 * here
		 */
		x->next->changed_at = x->now;
		changed(x);
	}
	if (x->next->touched)
		return;
	x->next->touched = true;
	changed(x);
}

static enum failure failure_of(const struct rollout_state *s)
{
	if (s->ending == ENDING_UNPROVEN)
		return FAILURE_SYSTEM_UNAVAILABLE;
	if (s->ending == ENDING_FOREIGN)
		return FAILURE_REVISION_OUT_OF_SYNC;
	switch (s->cause) {
	case CAUSE_DRIFT:
	case CAUSE_BUSY:
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

/* For an action that wanted nothing but the way back, its proved end is a success. */
static void tell_failed(struct deciding *x)
{
	enum ending e = x->next->ending;

	if (x->o->mode == MODE_ROLLBACK && (e == ENDING_RESTORED || e == ENDING_UNTOUCHED)) {
		x->d->kind = DECIDE_SUCCEED;
	} else {
		x->d->kind = DECIDE_FAIL;
		x->d->failure = failure_of(x->next);
	}
}

static void end_failed(struct deciding *x, enum ending ending)
{
	x->next->ending = ending;
	move(x, PHASE_FAILED);
	tell_failed(x);
}

void decide_restore(struct deciding *x, enum cause cause, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(x, fmt, ap);
	va_end(ap);
	if (x->next->cause == CAUSE_NONE) {
		va_start(ap, fmt);
		blame(x, cause, fmt, ap);
		va_end(ap);
	}
	if (x->s->phase == PHASE_INSPECT) {
		end_failed(x, ENDING_UNTOUCHED);
		return;
	}
	x->d->kind = DECIDE_AGAIN;
	x->next->ending = ENDING_NONE; /* an end that is undone is none */
	move(x, PHASE_RESTORE);
}

void decide_fail(struct deciding *x, enum cause cause, enum ending ending, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(x, fmt, ap);
	va_end(ap);
	if (cause != CAUSE_NONE) {
		va_start(ap, fmt);
		blame(x, cause, fmt, ap);
		va_end(ap);
	}
	end_failed(x, ending);
}

void decide_succeed(struct deciding *x, enum ending ending, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(x, fmt, ap);
	va_end(ap);
	x->d->kind = DECIDE_SUCCEED;
	x->next->ending = ending;
	x->next->cause_text[0] = '\0'; /* what hindered for a while does not matter any more */
	move(x, PHASE_SUCCEEDED);
}

void decide_refuse(struct deciding *x, enum failure failure, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(x, fmt, ap);
	va_end(ap);
	x->d->kind = DECIDE_REFUSE;
	x->d->failure = failure;
}

void decide_hold(struct deciding *x, enum verdict_kind kind, const char *what)
{
	const struct target_observation *t = &x->o->target;
	char held[DURATION_TEXT_SIZE];
	int64_t held_ms;

	if (!x->next->hold_since.ms) {
		x->next->hold_since = x->now;
		changed(x);
	}
	held_ms = x->now.ms - x->next->hold_since.ms;
	duration_format(held_ms, held);
	if (held_ms < x->plan->unknown_hold_ms || x->plan->unknown_then == UNKNOWN_HOLD)
		decide_wait(x, "no Pass for %s: %s: %s", held, verdict_name(kind), what);
	else if (t->live == LIVE_UNREADABLE && t->denied)
		decide_restore(x, CAUSE_DENIED, "no Pass for %s: %s: %s", held, verdict_name(kind),
			       what);
	else
		decide_restore(x, CAUSE_UNKNOWN, "no Pass for %s: %s: %s", held, verdict_name(kind),
			       what);
}

void decide_clear_hold(struct deciding *x)
{
	if (!x->next->hold_since.ms)
		return;
	x->next->hold_since.ms = 0;
	changed(x);
}

void decide_note_wait(struct deciding *x, bool is_known)
{
	struct rollout_state *n = x->next;
	bool begins = !n->hold_since.ms;

	if (begins)
		n->hold_since = n->phase_since = x->now;
	else if (is_known && x->now.ms - n->phase_since.ms >= WAIT_SEEN_MS)
		n->phase_since = x->now;
	else
		return;
	changed(x);
}

void decide_note(struct deciding *x, const char *text)
{
	if (x->next->cause == CAUSE_NONE && !x->next->cause_text[0])
		keep(x, text);
}

/* --- questions -------------------------------------------------------------------------------- */

bool decide_act_failed(const struct deciding *x)
{
	const struct err *e = x->o->act_error;

	return e && !err_is_retryable(e) && e->code != ERR_CONFLICT && e->code != ERR_CANCELED;
}

struct traffic decide_live_traffic(const struct target_observation *t)
{
	switch (t->live) {
	case LIVE_SPLIT:
		return t->traffic;
	case LIVE_CANDIDATE:
		return (struct traffic){.weight_bp = 10000, .segments = t->traffic.segments};
	case LIVE_PROMOTED:
		return (struct traffic){.weight_bp = 10000};
	case LIVE_UNREADABLE:
	case LIVE_BASELINE:
	case LIVE_FOREIGN:
		break;
	}
	return (struct traffic){0};
}

int decide_live_weight(const struct target_observation *t)
{
	return decide_live_traffic(t).weight_bp;
}

bool decide_is_same_traffic(const struct traffic *a, const struct traffic *b)
{
	return a->weight_bp == b->weight_bp && a->segments == b->segments;
}

bool decide_rises(const struct traffic *from, const struct traffic *to)
{
	return to->weight_bp > from->weight_bp || (to->segments & ~from->segments) != 0;
}

bool decide_is_plan_weight(const struct plan *plan, int weight_bp)
{
	if (weight_bp == 10000) /* the promotion */
		return true;
	for (size_t i = 0; i < plan->n_steps; i++)
		if (plan->steps[i].weight_bp == weight_bp)
			return true;
	return false;
}

/* --- rules for every phase that goes forward -------------------------------------------------- */

/* The plan of the first turn is gone, or this state is not one of it: only back is left. */
static bool lost_the_plan(struct deciding *x)
{
	/* what is promoted and has passed its bake time needs no steps any more */
	if (x->s->phase == PHASE_RETIRE)
		return false;
	if (x->plan->n_steps == 0)
		decide_restore(x, CAUSE_PLAN, "%s",
			       x->o->act_error ? x->o->act_error->text
					       : "the plan cannot be read any more");
	else if ((size_t)x->s->step >= x->plan->n_steps)
		decide_restore(x, CAUSE_PLAN, "the state names step %d, the plan has %zu",
			       x->s->step + 1, x->plan->n_steps);
	else
		return false;
	return true;
}

static bool is_abandoned(struct deciding *x)
{
	if (!x->o->abandoned)
		return false;
	/* it passed everything: cleaning up is no reason to take it back */
	if (x->s->phase == PHASE_RETIRE && x->o->target.live != LIVE_PROMOTED)
		return false;
	if (x->s->phase == PHASE_RETIRE)
		decide_fail(x, CAUSE_ABANDON, ENDING_PROMOTED,
			    "the pipeline execution was over before the old version was retired");
	else if (x->plan->rollback_on_abandon)
		decide_restore(x, CAUSE_ABANDON, "the pipeline execution is over");
	else
		decide_fail(x, CAUSE_ABANDON,
			    x->s->phase == PHASE_INSPECT ? ENDING_UNTOUCHED : ENDING_LEFT,
			    "the pipeline execution is over");
	return true;
}

static bool is_out_of_budget(struct deciding *x)
{
	int64_t end = decide_budget_end_ms(x->plan, x->s);
	bool waits = x->s->phase == PHASE_WATCH || x->s->phase == PHASE_PARKED ||
		     x->s->phase == PHASE_BAKE;
	char budget[DURATION_TEXT_SIZE];

	if (end == 0 || x->now.ms < end || x->s->phase == PHASE_RETIRE || waits_for_people(x))
		return false;
	if (waits && !x->plan->rollback_on_timeout)
		return false;
	duration_format(x->plan->max_duration_ms, budget);
	decide_restore(x, CAUSE_TIMEOUT,
		       "what is left of the budget of %s is needed to go back in time", budget);
	return true;
}

/* True when one of them has decided. */
static bool common_rules(struct deciding *x)
{
	const struct observation *o = x->o;

	if (o->target.live == LIVE_FOREIGN) {
		decide_fail(x, CAUSE_DRIFT, ENDING_FOREIGN, "somebody else changed the target: %s",
			    o->target.detail);
		return true;
	}
	if (o->operator_command == OPERATOR_ROLLBACK) {
		decide_restore(x, CAUSE_OPERATOR, "%s asked to go back",
			       o->operator_name && *o->operator_name ? o->operator_name
								     : "an operator");
		return true;
	}
	if (o->mode == MODE_ROLLBACK) {
		decide_restore(x, CAUSE_OPERATOR, "an action with Mode: rollback asked to go back");
		return true;
	}
	return is_abandoned(x) || lost_the_plan(x) || is_out_of_budget(x);
}

/*
 * With traffic on the candidate the target has been changed, by another worker of this rollout if
 * not by this one: it is to be restored when the action is over.
 */
static void note_touched(struct deciding *x)
{
	enum live live = x->o->target.live;

	if (x->s->touched || x->s->phase < PHASE_SHIFT || x->s->phase > PHASE_RETIRE ||
	    (live != LIVE_SPLIT && live != LIVE_CANDIDATE && live != LIVE_PROMOTED))
		return;
	x->next->touched = true;
	changed(x);
}

/* --- the frame -------------------------------------------------------------------------------- */

/* How long a look that shows nothing keeps a success from being told: it was read back once. */
#define TELL_LOOKS_MS (10 * 60 * 1000ll)

/*
 * Between the end and the moment in which it can be told lies a crash, an upload, or another
 * worker's way back. What is not so any more is not told. What somebody has deployed on top of it
 * since does not make it untrue: on a target that does not say whose traffic it is, neither does
 * traffic that is divided.
 */
static bool is_success_undone(struct deciding *x)
{
	const struct target_observation *t = &x->o->target;

	if (!x->o->looked || x->s->ending == ENDING_SAME || t->live == LIVE_PROMOTED ||
	    t->live == LIVE_FOREIGN || (t->unnamed && t->live != LIVE_BASELINE &&
					t->live != LIVE_UNREADABLE))
		return false;
	if (t->live != LIVE_UNREADABLE)
		decide_restore(x, CAUSE_DRIFT,
			       "everything had passed, and then, before that was told, the "
			       "candidate did not serve everything any more%s%s",
			       t->detail[0] ? ": " : "", t->detail);
	else if (x->now.ms - x->s->phase_since.ms < TELL_LOOKS_MS)
		decide_wait(x, "looking once more before the success is told: %s", t->detail);
	else
		return false;
	return true;
}

/*
 * A failure is looked at once more where another worker may have gone forward since the baseline
 * had everything: that one did not see the guard fail. It is taken back for the same cause.
 */
static bool is_failure_undone(struct deciding *x)
{
	const struct target_observation *t = &x->o->target;

	if (!x->o->looked || x->o->mode == MODE_ROLLBACK ||
	    (x->s->ending != ENDING_RESTORED && x->s->ending != ENDING_UNTOUCHED))
		return false;
	if (t->live == LIVE_UNREADABLE && x->now.ms - x->s->phase_since.ms < TELL_LOOKS_MS)
		decide_wait(x, "looking once more before the failure is told: %s", t->detail);
	else if (decide_live_weight(t) > 0 || (t->live == LIVE_SPLIT && t->traffic.segments))
		decide_restore(x, CAUSE_DRIFT,
			       "the baseline had everything, and then another worker went "
			       "forward");
	else
		return false;
	return true;
}

void decide_repeat_end(struct deciding *x)
{
	const struct rollout_state *s = x->s;

	if (s->phase == PHASE_SUCCEEDED ? is_success_undone(x) : is_failure_undone(x))
		return;
	if (s->phase == PHASE_SUCCEEDED) {
		x->d->kind = DECIDE_SUCCEED;
		str_copy(x->d->reason, sizeof(x->d->reason),
			 s->ending == ENDING_SAME ? STR("nothing to shift")
						  : STR("the candidate serves everything"));
	} else {
		tell_failed(x);
		str_copy(x->d->reason, sizeof(x->d->reason),
			 str_from(s->cause_text[0] ? s->cause_text : NO_TEXT));
	}
}

void rollout_decide(const struct plan *plan, const struct rollout_state *s,
		    const struct observation *o, struct utc now, struct rollout_state *next,
		    struct decision *d)
{
	struct deciding x = {.plan = plan, .s = s, .o = o, .now = now, .next = next, .d = d};

	assert(next != s);
	*next = *s;
	*d = (struct decision){.kind = DECIDE_WAIT};
	if (phase_is_final(s->phase))
		step_ended(&x);
	else if (s->phase == PHASE_RESTORE || s->phase == PHASE_PROVE)
		step_back(&x);
	else {
		note_touched(&x);
		if (!common_rules(&x))
			step_forward(&x);
	}
	assert(d->reason[0]); /* every path ends in an outcome */
}
