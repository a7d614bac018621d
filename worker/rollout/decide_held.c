#include "worker/rollout/decide_step.h"

#include <stdio.h>

/*
 * A target that is not this rollout's alone: another one of this worker holds it, or the target
 * itself shows that somebody is at work. As long as nothing of it has been changed the plan's
 * policy says whether that is waited for, and until when:
 *
 *   wait_at_most, when it is said; else a rollout that is known as long as the budget lets the plan
 *   still be followed, and what nobody here knows for an hour, as it may be left so for good.
 *
 * Never longer than the budget lets. While it waits phase_since is when a rollout that is known was
 * last seen to be in the way, to the minute; what comes after it has its hour from then.
 *
 * And what another worker's rollout has begun meanwhile, which had not been seen: it is left alone.
 */
#define OTHERS_MS (60 * 60 * 1000ll)

/* Who is in the way, as far as that can be told. */
static void say_who(const struct held *h, char out[REASON_MAX])
{
	char since[UTC_ISO_SIZE];

	if (h->by == HELD_BY_OTHERS) {
		snprintf(out, REASON_MAX, "%s", h->text);
		return;
	}
	utc_format_iso((struct utc){h->since.ms - h->since.ms % 1000}, since);
	snprintf(out, REASON_MAX, "rollout %s of pipeline %s, which %s %s since %s", h->rollout,
		 h->pipeline ? h->pipeline : "?", h->waits ? "waits for" : "holds", h->target,
		 since);
}

/* When there is no more sense in waiting; 0: never. */
static int64_t end_of_wait_ms(const struct deciding *x, int64_t since_ms, int64_t others_since_ms)
{
	const struct plan *plan = x->plan;
	int64_t budget_ms = decide_budget_end_ms(plan, x->s), end_ms = 0;

	if (plan->busy_wait_ms > 0)
		end_ms = since_ms + plan->busy_wait_ms;
	else if (x->o->held.by == HELD_BY_OTHERS)
		end_ms = others_since_ms + OTHERS_MS;
	if (budget_ms == 0)
		return end_ms;
	/* from then on the plan's steps would not fit any more */
	budget_ms -= plan_longest_action_ms(plan);
	return end_ms == 0 || budget_ms < end_ms ? budget_ms : end_ms;
}

static void wake_at(struct deciding *x, int64_t end_ms)
{
	if (end_ms > 0 && (x->d->until.ms == 0 || end_ms < x->d->until.ms))
		x->d->until.ms = end_ms;
}

bool decide_is_held(struct deciding *x)
{
	const struct held *h = &x->o->held;
	int64_t since_ms = x->s->hold_since.ms ? x->s->hold_since.ms : x->now.ms, end_ms;
	int64_t others_ms = x->s->hold_since.ms ? x->s->phase_since.ms : x->now.ms;
	char who[REASON_MAX], waited[DURATION_TEXT_SIZE];

	if (h->by == HELD_BY_NOBODY)
		return false;
	say_who(h, who);
	if (x->plan->busy_then == BUSY_FAIL) {
		decide_fail(x, CAUSE_BUSY, ENDING_UNTOUCHED, "the plan says not to wait for %s",
			    who);
		return true;
	}
	end_ms = end_of_wait_ms(x, since_ms, others_ms);
	if (end_ms > 0 && x->now.ms >= end_ms) {
		duration_format(x->now.ms - since_ms, waited);
		/* nobody may be at work at all: then it is the target that has to be put right */
		decide_fail(x, h->by == HELD_BY_OTHERS ? CAUSE_PLAN : CAUSE_BUSY, ENDING_UNTOUCHED,
			    "waited for %s, and no longer %s: %s", waited,
			    x->plan->busy_wait_ms > 0 && end_ms == since_ms + x->plan->busy_wait_ms
				    ? "as the plan says"
			    : end_ms == others_ms + OTHERS_MS ? "without knowing who it is"
							      : "within the action's budget",
			    who);
		return true;
	}
	decide_note_wait(x, h->by == HELD_BY_ROLLOUT);
	decide_wait(x,
		    h->by == HELD_BY_ROLLOUT ? "waiting for %s"
					     : "waiting until the target is free: %s",
		    who);
	wake_at(x, end_ms);
	return true;
}

bool decide_undo_is_held(struct deciding *x)
{
	const struct held *h = &x->o->held;
	int64_t since_ms = x->s->started.ms, end_ms;
	char who[REASON_MAX];

	if (h->by == HELD_BY_NOBODY)
		return false;
	say_who(h, who);
	end_ms = end_of_wait_ms(x, since_ms, since_ms);
	if (x->plan->busy_then == BUSY_FAIL || (end_ms > 0 && x->now.ms >= end_ms)) {
		decide_refuse(x, FAILURE_REVISION_OUT_OF_SYNC,
			      "it cannot be undone: the target is not free: %s", who);
		return true;
	}
	decide_wait(x, "to be undone, waiting for %s", who);
	wake_at(x, end_ms);
	return true;
}

/* --- whose traffic is it? --------------------------------------------------------------------- */

static void say_traffic(const struct deciding *x, char out[TRAFFIC_TEXT_SIZE])
{
	struct traffic live = decide_live_traffic(&x->o->target);

	rollout_traffic_text(x->plan, &live, out);
}

/*
 * Traffic is on the candidate, this rollout has never given it any, and what is there does not say
 * whose it is: somebody else was faster, another worker's rollout most likely. Between jobs it may
 * be this rollout's own work at another worker.
 */
bool decide_sees_anothers(const struct deciding *x)
{
	struct traffic live = decide_live_traffic(&x->o->target), none = {0};

	return x->o->target.unnamed && !x->o->between_jobs && !x->s->changed_at.ms &&
	       decide_rises(&none, &live);
}

/* It is left alone. */
bool decide_is_anothers(struct deciding *x)
{
	char traffic[TRAFFIC_TEXT_SIZE];

	if (!decide_sees_anothers(x))
		return false;
	say_traffic(x, traffic);
	decide_fail(x, CAUSE_DRIFT, ENDING_FOREIGN,
		    "%s of the traffic was found on the candidate, which this rollout has not "
		    "given it: somebody else is at work on the target",
		    traffic);
	return true;
}

/* It was the baseline already: somebody's next release has begun on top of it. */
void decide_leave_to_next(struct deciding *x)
{
	char traffic[TRAFFIC_TEXT_SIZE];

	say_traffic(x, traffic);
	decide_fail(x, CAUSE_DRIFT, ENDING_FOREIGN,
		    "%s of the traffic is left on the candidate since it was promoted: somebody "
		    "else is at work on the target",
		    traffic);
}

/* It was promoted once in this phase, and has neither that nor what it had before. */
bool decide_is_promoted_over(struct deciding *x)
{
	int live = decide_live_weight(&x->o->target);

	if (!x->o->target.unnamed || x->s->changed_at.ms < x->s->phase_since.ms ||
	    decide_is_plan_weight(x->plan, live))
		return false;
	decide_leave_to_next(x);
	return true;
}

void rollout_wait_is_over(struct rollout_state *s, struct utc now)
{
	if (!s->hold_since.ms)
		return;
	s->hold_since.ms = 0;
	s->phase_since = now;
	s->seq++;
}
