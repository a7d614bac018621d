#include "worker/rollout/decide_step.h"

/* What the guards' answers are worth: how old a Pass may be, and what is no Pass at all. */

/*
 * How old a Pass may be and still say something about now. The clocks of data are periods long, and
 * CloudWatch is some minutes behind.
 */
#define EVIDENCE_AGE_MS (5 * 60 * 1000ll)

static int64_t evidence_age_max_ms(const struct plan *plan)
{
	int64_t period_ms = 0;

	for (size_t i = 0; i < plan->n_guards; i++)
		if (plan->guards[i].period_ms > period_ms)
			period_ms = plan->guards[i].period_ms;
	return EVIDENCE_AGE_MS + 2 * period_ms;
}

enum look decide_look(const struct deciding *x, int64_t since_ms, const char **text)
{
	const struct verdict *v = &x->o->guards;
	int64_t age_ms = x->now.ms - v->at.ms, max_ms = evidence_age_max_ms(x->plan);

	*text = v->text;
	if (!x->o->has_guards) {
		*text = "no guard is asked in this phase, so nothing speaks for going on";
		return LOOK_HOLD;
	}
	if (v->kind == VERDICT_FAIL)
		return LOOK_FAIL;
	if (v->kind != VERDICT_PASS)
		return LOOK_HOLD;
	if (age_ms > max_ms || age_ms < -max_ms) {
		*text = "the last Pass is too old to mean anything";
		return LOOK_HOLD;
	}
	return v->at.ms >= since_ms && age_ms >= 0 ? LOOK_PASS : LOOK_SOON;
}

enum verdict_kind decide_hold_kind(const struct deciding *x)
{
	return x->o->has_guards && x->o->guards.kind == VERDICT_ERROR ? VERDICT_ERROR
								      : VERDICT_UNKNOWN;
}

/*
 * SHIFT and PROMOTE begin on a Pass. When the change has still not been made by the time at which
 * that Pass means nothing any more (no worker had the job, capacity was long in coming), a newer
 * one is waited for. The first step has none to ask for: there was no traffic yet.
 */
bool decide_is_held_by_age(struct deciding *x)
{
	int64_t max_ms = evidence_age_max_ms(x->plan);
	const char *text;

	if (!x->o->has_guards || x->s->first || x->o->guards.kind == VERDICT_FAIL ||
	    x->now.ms - x->s->phase_since.ms <= max_ms ||
	    (x->s->phase == PHASE_SHIFT && x->s->step == 0) ||
	    decide_look(x, x->now.ms - max_ms, &text) == LOOK_PASS)
		return false;
	decide_hold(x, decide_hold_kind(x), text);
	return true;
}
