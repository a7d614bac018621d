#include "worker/rollout/decide_step.h"

#include <stdio.h>

/*
 * The way back. It is not over when a call returns but when a look shows the baseline with all
 * traffic and healthy; a report never claims more than was seen. Nothing but the phases' limits and
 * somebody else's change ends it: no budget, no operator.
 */

static bool is_foreign(struct deciding *x)
{
	/* when the execution is over it may be its own work at a worker that is no more */
	if (decide_sees_anothers(x) && !x->o->abandoned) {
		decide_fail(x, CAUSE_NONE, ENDING_FOREIGN,
			    "left as found: the candidate has traffic that this rollout has not "
			    "given it");
		return true;
	}
	if (x->o->target.live != LIVE_FOREIGN)
		return false;
	decide_fail(x, CAUSE_NONE, ENDING_FOREIGN,
		    "left as found: somebody else changed the target on the way back: %s",
		    x->o->target.detail);
	return true;
}

/* RESTORE: the target's restore() sets what the undo record says, so it can be repeated. */
static void restore(struct deciding *x)
{
	const struct target_observation *t = &x->o->target;

	if (is_foreign(x))
		return;
	if (t->live == LIVE_BASELINE && t->settled)
		decide_go(x, PHASE_PROVE, "the baseline has all traffic, read back");
	else if (decide_limit_is_over(x))
		decide_fail(x, CAUSE_NONE, ENDING_UNPROVEN,
			    "it could NOT be proved that the baseline carries the traffic: %s",
			    t->detail[0] ? t->detail : "out of time");
	else if (x->o->act_error)
		/* trying at once again would be a hot loop; trying again at the next look is not */
		decide_wait(x, "restoring did not work, trying again: %s", x->o->act_error->text);
	else if (t->live == LIVE_UNREADABLE)
		decide_wait(x, "the target cannot be read, looking again before restoring: %s",
			    t->detail);
	else if (t->live == LIVE_BASELINE)
		decide_wait(x, "the baseline has all traffic, waiting until that is in effect: %s",
			    t->detail);
	else
		decide_act(x, DECIDE_RESTORE, "giving the baseline all traffic");
}

/* Nobody will remove it now: that is told, whenever the report goes out. */
static void end_with_leftover(struct deciding *x)
{
	const struct target_observation *t = &x->o->target;
	const struct err *e = x->o->act_error;
	const char *why = e ? e->text : t->detail[0] ? t->detail : "out of time";
	char text[240];

	snprintf(text, sizeof(text), "what was made for the candidate is there still: %.180s", why);
	decide_fail(x, CAUSE_NONE, ENDING_RESTORED,
		    "the baseline carries all traffic and is healthy: %s; %s",
		    t->baseline_health.text, text);
	decide_add(x, text);
}

/* The baseline is proved: what was made for the candidate goes now, unless the plan keeps it. */
static void end_restored(struct deciding *x)
{
	const struct target_observation *t = &x->o->target;
	const struct err *e = x->o->act_error;

	if (!t->leftover || x->plan->keep_candidate_ms > 0)
		/* whether anything was touched may be news to this state: say what was read */
		decide_fail(x, CAUSE_NONE, ENDING_RESTORED,
			    "the baseline carries all traffic and is healthy: %s",
			    t->baseline_health.text);
	else if (decide_act_failed(x) || decide_limit_is_over(x))
		end_with_leftover(x);
	else if (e)
		decide_wait(x, "removing the candidate did not work, trying again: %s", e->text);
	else
		decide_act(x, DECIDE_DISCARD, "restored; removing what was made for the candidate");
}

/* PROVE: only reads, until the proof is there. */
static void prove(struct deciding *x)
{
	const struct target_observation *t = &x->o->target;
	const struct verdict *health = &t->baseline_health;
	bool is_baseline = t->live == LIVE_BASELINE;

	if (is_foreign(x))
		return;
	if (is_baseline && health->kind == VERDICT_PASS && health->at.ms >= x->s->phase_since.ms)
		end_restored(x);
	else if (!is_baseline && t->live != LIVE_UNREADABLE)
		decide_go(x, PHASE_RESTORE, "the baseline does not carry all traffic any more");
	else if (decide_limit_is_over(x) && is_baseline)
		decide_fail(x, CAUSE_NONE, ENDING_UNHEALTHY,
			    "the baseline carries all traffic but is not healthy: %s",
			    health->text);
	else if (decide_limit_is_over(x))
		decide_fail(x, CAUSE_NONE, ENDING_UNPROVEN,
			    "the target could not be read any more: %s", t->detail);
	else if (is_baseline)
		decide_wait(x, "proving that the baseline is healthy: %s: %s",
			    verdict_name(health->kind), health->text);
	else
		decide_wait(x, "the target cannot be read: %s", t->detail);
}

void step_back(struct deciding *x)
{
	if (x->s->phase == PHASE_RESTORE)
		restore(x);
	else
		prove(x);
}
