#include "worker/rollout/decide_step.h"

/*
 * Where people come in: a rollout that was started (Mode start) waits here for the action that
 * promotes it, and one that has ended is left again here for an action that takes it back.
 *
 * Nothing goes forward without a job of such an action, and with it only on a Pass of after it
 * came. A Fail goes back at once, whether anybody asks or not.
 */

/* --- parked ----------------------------------------------------------------------------------- */

static struct traffic parked_with(const struct deciding *x)
{
	return rollout_is_before_traffic(x->plan, x->s) ? (struct traffic){0}
							: rollout_traffic(x->plan, x->s->step);
}

/*
 * Traffic is not as it was parked. More of it on the candidate is the work of another worker that
 * promotes, as long as nobody here does; all of it will be ours. Anything else is somebody's hand,
 * or another worker's way back.
 */
static bool has_moved(struct deciding *x)
{
	const struct target_observation *t = &x->o->target;
	struct traffic want = parked_with(x), live = decide_live_traffic(t);
	char is[TRAFFIC_TEXT_SIZE], was[TRAFFIC_TEXT_SIZE];
	bool is_all = live.weight_bp == 10000;

	if (decide_is_same_traffic(&live, &want) || (is_all && x->o->mode == MODE_PROMOTE))
		return false;
	if (t->live == LIVE_BASELINE && decide_is_drifted(x))
		return true;
	if ((is_all || decide_rises(&want, &live)) && x->o->mode == MODE_DEPLOY) {
		decide_wait(x, "parked, and another worker seems to promote it");
		return true;
	}
	rollout_traffic_text(x->plan, &live, is);
	rollout_traffic_text(x->plan, &want, was);
	decide_restore(x, CAUSE_DRIFT,
		       "%s of the traffic was found on the candidate; it was parked with %s", is,
		       was);
	return true;
}

/* On to the step of 100 %, if the plan has one, or to the promotion. */
static void leave_parked(struct deciding *x)
{
	int next = rollout_is_before_traffic(x->plan, x->s) ? x->s->step : x->s->step + 1;

	if (x->o->operator_command == OPERATOR_HOLD)
		decide_wait(x, "held by %s", decide_operator(x));
	else if ((size_t)next < x->plan->n_steps)
		decide_go_step(x, next, "an action with Mode: promote asked for it");
	else
		decide_go(x, PHASE_PROMOTE, "an action with Mode: promote asked for it");
}

static void promote_parked(struct deciding *x)
{
	int64_t since =
		x->s->started.ms > x->s->phase_since.ms ? x->s->started.ms : x->s->phase_since.ms;
	const char *text = "";
	enum look look = LOOK_PASS;

	/* as in VERIFY: with no traffic and nothing to verify it by, being up is enough */
	if (x->o->has_guards || !rollout_is_before_traffic(x->plan, x->s))
		look = decide_look(x, since, &text);
	if (look == LOOK_HOLD) {
		decide_hold(x, decide_hold_kind(x), text);
		return;
	}
	if (look == LOOK_FAIL) {
		decide_is_held_by_guard(x);
		return;
	}
	decide_clear_hold(x);
	if (look == LOOK_SOON)
		decide_wait(x, "waiting for answers of after the promotion was asked for: %s",
			    text);
	else if (!decide_candidate_is_up(x))
		decide_wait(x, "the candidate is not up any more: %s", x->o->target.detail);
	else
		leave_parked(x);
}

void step_parked(struct deciding *x)
{
	const struct target_observation *t = &x->o->target;

	if (decide_candidate_failed(x) || decide_failed_a_guard(x))
		return;
	if (t->live == LIVE_UNREADABLE && x->o->mode == MODE_DEPLOY) {
		decide_wait(x, "parked; the target cannot be read: %s", t->detail);
		return;
	}
	if (decide_is_unreadable(x) || has_moved(x))
		return;
	if (x->o->mode == MODE_PROMOTE) {
		promote_parked(x);
	} else if (x->o->mode == MODE_START) {
		decide_clear_hold(x);
		x->d->kind = DECIDE_HAND_OVER;
		str_copy(x->d->reason, sizeof(x->d->reason), STR("waiting for promote"));
	} else {
		decide_wait(x, "waiting for promote");
	}
}

/* --- ended ------------------------------------------------------------------------------------ */

/* How long a look that shows nothing is waited for before an undo is refused. */
#define UNDO_LOOKS_MS (10 * 60 * 1000ll)

/*
 * May this end be undone? Only when the target is as the rollout left it and what served before can
 * still serve: an undo that ends nowhere would be worse than none.
 */
static void undo(struct deciding *x)
{
	const struct target_observation *t = &x->o->target;
	const struct verdict *health = &t->baseline_health;
	bool is_late = x->now.ms - x->s->started.ms >= UNDO_LOOKS_MS;
	bool is_all = decide_live_weight(t) == 10000;
	/* one that failed may have been left anywhere between */
	bool is_ours =
		is_all || t->live == LIVE_BASELINE ||
		(t->live == LIVE_SPLIT && ((t->traffic.weight_bp == 0 && !t->traffic.segments) ||
					   x->s->phase == PHASE_FAILED));

	if (decide_undo_is_held(x))
		return;
	if (t->live == LIVE_UNREADABLE && is_late)
		decide_refuse(x, t->denied ? FAILURE_PERMISSION_ERROR : FAILURE_SYSTEM_UNAVAILABLE,
			      "it cannot be undone: the target cannot be read: %s", t->detail);
	else if (t->live == LIVE_UNREADABLE)
		decide_wait(x, "the target cannot be read: %s", t->detail);
	else if (!is_ours)
		decide_refuse(x, FAILURE_CONFIGURATION_ERROR,
			      "it cannot be undone: the target is not as this rollout left it, "
			      "somebody deployed or changed it since: %s",
			      t->detail[0] ? t->detail : "traffic is divided");
	else if (t->live == LIVE_BASELINE ||
		 (health->kind == VERDICT_PASS && health->at.ms >= x->s->started.ms))
		decide_restore(x, CAUSE_OPERATOR, "an action with Mode: rollback asked to undo it");
	else if (health->kind == VERDICT_FAIL || is_late)
		decide_refuse(x, FAILURE_CONFIGURATION_ERROR,
			      "it cannot be undone: what served before is not kept any more, or is "
			      "not healthy: %s",
			      health->text);
	else
		decide_wait(x, "looking whether what served before can serve: %s", health->text);
}

void step_ended(struct deciding *x)
{
	const struct rollout_state *s = x->s;
	bool before = rollout_ended_before(s);
	bool is_back = s->ending == ENDING_RESTORED || s->ending == ENDING_UNTOUCHED ||
		       s->ending == ENDING_SAME;

	if (x->o->mode == MODE_ROLLBACK && !is_back && (before || s->phase == PHASE_SUCCEEDED))
		undo(x);
	else if (x->o->mode == MODE_PROMOTE && before && s->phase == PHASE_SUCCEEDED)
		decide_refuse(x, FAILURE_CONFIGURATION_ERROR,
			      "there is nothing to promote: this rollout has succeeded already");
	else if (x->o->mode == MODE_PROMOTE && before)
		decide_refuse(x, FAILURE_CONFIGURATION_ERROR,
			      "there is nothing to promote: this rollout has failed already: %s",
			      s->cause_text[0] ? s->cause_text : "why is not known any more");
	else
		decide_repeat_end(x);
}
