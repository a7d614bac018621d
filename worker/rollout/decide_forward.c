#include "worker/rollout/decide_step.h"

#include <assert.h>
#include <stdio.h>

/*
 * The way forward, one function a phase. Each first asks what would take it back, then whether what
 * is live is what the state says, and only then whether it may go on.
 *
 * A step forward needs a Pass whose evidence is as young as the step demands, from a look of this
 * very turn, at a target that is as the state says. Where reality and state differ, reality is
 * brought to the state, never the other way round.
 */

/* --- rules that several phases share ---------------------------------------------------------- */

static void say_traffic(const struct deciding *x, char out[TRAFFIC_TEXT_SIZE])
{
	struct traffic live = decide_live_traffic(&x->o->target);

	rollout_traffic_text(x->plan, &live, out);
}

static bool has_failed(const struct deciding *x)
{
	return x->o->has_guards && x->o->guards.kind == VERDICT_FAIL;
}

/* A guard's Fail, however old: it is no evidence for going on. */
bool decide_failed_a_guard(struct deciding *x)
{
	const struct target_observation *t = &x->o->target;
	char traffic[TRAFFIC_TEXT_SIZE];

	if (!has_failed(x) || !x->plan->rollback_on_guard)
		return false;
	say_traffic(x, traffic);
	if (t->live == LIVE_UNREADABLE)
		decide_restore(x, CAUSE_GUARD, "while the target cannot be read: %s",
			       x->o->guards.text);
	else if (t->live == LIVE_BASELINE)
		decide_restore(x, CAUSE_GUARD, "with no traffic on the candidate: %s",
			       x->o->guards.text);
	else
		decide_restore(x, CAUSE_GUARD, "with %s on the candidate: %s", traffic,
			       x->o->guards.text);
	return true;
}

/* Where the plan does not go back for a Fail, it does not go on either: a person decides. */
bool decide_is_held_by_guard(struct deciding *x)
{
	if (!has_failed(x))
		return false;
	decide_wait(x, "held, as the plan says: %s", x->o->guards.text);
	return true;
}

bool decide_candidate_failed(struct deciding *x)
{
	const struct target_observation *t = &x->o->target;
	const char *why = t->detail[0] ? t->detail : "it will not come up";
	struct traffic live = decide_live_traffic(t), none = {0};
	char text[TRAFFIC_TEXT_SIZE];

	if (t->candidate != CANDIDATE_FAILED)
		return false;
	say_traffic(x, text);
	if (decide_rises(&none, &live))
		decide_restore(x, CAUSE_CANDIDATE, "with %s on the candidate: %s", text, why);
	else
		decide_restore(x, CAUSE_CANDIDATE, "%s", why);
	return true;
}

bool decide_candidate_is_up(const struct deciding *x)
{
	return x->o->target.candidate == CANDIDATE_READY ||
	       x->o->target.candidate == CANDIDATE_SAME;
}

/* The last act failed: for good, which takes it back, or for now. */
static bool act_failed(struct deciding *x)
{
	const struct err *e = x->o->act_error;

	if (!e)
		return false;
	if (!decide_act_failed(x))
		decide_wait(x, "looking again: %s", e->text);
	else if (e->code == ERR_DENIED)
		decide_restore(x, CAUSE_DENIED, "%s", e->text);
	else if (x->s->phase == PHASE_PREPARE && e->code != ERR_SYSTEM)
		decide_restore(x, CAUSE_CANDIDATE, "%s", e->text);
	else
		decide_restore(x, CAUSE_SYSTEM, "%s", e->text);
	return true;
}

bool decide_is_unreadable(struct deciding *x)
{
	if (x->o->target.live != LIVE_UNREADABLE)
		return false;
	decide_hold(x, VERDICT_ERROR,
		    x->o->target.detail[0] ? x->o->target.detail : "the target cannot be read");
	return true;
}

bool decide_is_drifted(struct deciding *x)
{
	const struct target_observation *t = &x->o->target;
	char traffic[TRAFFIC_TEXT_SIZE];

	if (t->live == LIVE_BASELINE) {
		/* another worker may have seen a guard fail that is well again without traffic */
		decide_restore(
			x, CAUSE_DRIFT,
			"traffic was found back on the baseline: another worker took it back "
			"for a guard that failed, or somebody did; guards now: %s",
			x->o->has_guards ? x->o->guards.text : "none is asked");
		return true;
	}
	if (decide_is_plan_weight(x->plan, decide_live_weight(t)))
		return false;
	if (t->unnamed && (x->s->phase == PHASE_BAKE || x->s->phase == PHASE_RETIRE)) {
		decide_leave_to_next(x);
		return true;
	}
	say_traffic(x, traffic);
	decide_restore(x, CAUSE_DRIFT,
		       "%s of the traffic was found on the candidate, which is no "
		       "step of the plan",
		       traffic);
	return true;
}

/* Out of time for the phase; `what` did not happen. */
static bool is_late(struct deciding *x, const char *what, const char *detail)
{
	char limit[DURATION_TEXT_SIZE];

	if (!decide_limit_is_over(x))
		return false;
	duration_format(decide_limit_ms(x->plan, x->s->phase), limit);
	decide_restore(x, CAUSE_TIMEOUT, "%s within %s%s%s", what, limit, detail[0] ? ": " : "",
		       detail);
	return true;
}

/*
 * Before SHIFT no traffic may be on the candidate. When some is, another turn has been further than
 * this state knows: back to where the state is, and on from there.
 */
static bool is_ahead(struct deciding *x, const char *what)
{
	if (x->o->target.live == LIVE_BASELINE)
		return false;
	if (!decide_is_drifted(x) && !is_late(x, what, "the candidate had traffic already"))
		decide_act(x, DECIDE_RESTORE,
			   "the candidate has traffic before its time: back to "
			   "the baseline, then on from there");
	return true;
}

const char *decide_operator(const struct deciding *x)
{
	return x->o->operator_name && *x->o->operator_name ? x->o->operator_name : "an operator";
}

/* --- the phases ------------------------------------------------------------------------------- */

/* INSPECT: nothing but reading; the undo record has to be in CodePipeline's hands first. */
static void inspect(struct deciding *x)
{
	const struct err *e = x->o->act_error;

	if (decide_is_held(x))
		return;
	if (x->s->undo[0])
		decide_clear_hold(x);
	if (e && decide_limit_is_over(x))
		decide_fail(x, CAUSE_SYSTEM, ENDING_UNTOUCHED,
			    "the target could not be inspected: %s", e->text);
	else if (e && (err_is_retryable(e) || e->code == ERR_CANCELED))
		decide_wait(x, "inspecting again: %s", e->text);
	else if (e)
		decide_fail(x,
			    e->code == ERR_DENIED     ? CAUSE_DENIED
			    : e->code == ERR_CONFLICT ? CAUSE_DRIFT
			    : e->code == ERR_SYSTEM   ? CAUSE_SYSTEM
						      : CAUSE_PLAN,
			    ENDING_UNTOUCHED, "the target could not be inspected: %s", e->text);
	else if (!x->s->undo[0] && decide_limit_is_over(x))
		decide_fail(x, CAUSE_SYSTEM, ENDING_UNTOUCHED,
			    "the target could not be inspected: out of time");
	else if (!x->s->undo[0])
		decide_wait(x, "the target has not been inspected yet");
	else if (x->o->token_held)
		decide_go(x, PHASE_PREPARE, "CodePipeline holds the undo record");
	else {
		x->d->kind = DECIDE_CHECKPOINT;
		str_copy(x->d->reason, sizeof(x->d->reason),
			 STR("nothing is changed before CodePipeline holds the undo record"));
	}
}

/* PREPARE: the target's prepare() takes one step from what it finds, so it can be repeated. */
static void prepare(struct deciding *x)
{
	static const char late[] = "the candidate was not up";
	const struct target_observation *t = &x->o->target;

	if (!x->s->touched && (x->o->held.by != HELD_BY_NOBODY || !x->o->token_held)) {
		decide_go(x, PHASE_INSPECT, "nothing is touched yet, and the target may have "
					    "changed: looking at it again");
		return;
	}
	if (decide_is_anothers(x) || act_failed(x) || decide_candidate_failed(x))
		return;
	if (t->live == LIVE_UNREADABLE) {
		if (!is_late(x, "the target could not be read", t->detail))
			decide_wait(x, "the target cannot be read: %s", t->detail);
		return;
	}
	if (t->candidate == CANDIDATE_SAME &&
	    (t->live == LIVE_BASELINE || t->live == LIVE_PROMOTED)) {
		decide_succeed(x, ENDING_SAME,
			       "nothing to shift: what the artifact brings serves already");
		return;
	}
	if (is_ahead(x, late))
		return;
	if (t->candidate == CANDIDATE_READY)
		decide_go(x, PHASE_VERIFY, "the candidate is up");
	else if (!is_late(x, late, t->detail))
		decide_act(x, DECIDE_PREPARE, "bringing the candidate up%s%s",
			   t->detail[0] ? ": " : "", t->detail);
}

static void leave_verify(struct deciding *x)
{
	if (x->o->operator_command == OPERATOR_HOLD)
		decide_wait(x, "held by %s before any traffic", decide_operator(x));
	else if (x->s->first)
		decide_go(x, PHASE_PROMOTE, "first deployment: there is no baseline to share with");
	else if (x->plan->mode == MODE_START && x->plan->steps[0].weight_bp == 10000)
		decide_go(x, PHASE_PARKED, "the candidate is verified: parked before any traffic");
	else
		decide_go_step(x, 0, "the candidate is verified");
}

/* VERIFY: only reads. */
static void verify(struct deciding *x)
{
	static const char late[] = "the candidate was not verified";
	const struct target_observation *t = &x->o->target;
	const char *text;
	enum look look;

	if (decide_is_anothers(x) || act_failed(x) || decide_candidate_failed(x) ||
	    decide_failed_a_guard(x))
		return;
	if (t->live == LIVE_UNREADABLE) {
		if (!is_late(x, "the target could not be read", t->detail))
			decide_is_unreadable(x);
		return;
	}
	if (is_ahead(x, late))
		return;
	if (!decide_candidate_is_up(x)) {
		if (!is_late(x, "the candidate was not up", t->detail))
			decide_wait(x, "the candidate is not up any more: %s", t->detail);
		return;
	}
	look = x->o->has_guards ? decide_look(x, x->s->phase_since.ms, &text) : LOOK_PASS;
	if (look == LOOK_PASS)
		leave_verify(x);
	else if (is_late(x, late, text))
		return;
	else if (look == LOOK_HOLD)
		decide_hold(x, decide_hold_kind(x), text);
	else if (look == LOOK_FAIL)
		decide_is_held_by_guard(x);
	else {
		decide_clear_hold(x);
		decide_wait(x, "waiting for answers about this candidate: %s", text);
	}
}

/*
 * Promoted, and this state, which is at a step below 100 %, knows nothing of it: another worker is
 * further, or somebody's hand was. Taking that back could undo what has been told a success
 * meanwhile; so nothing is moved until the plan's patience is over, which outlasts the hold of a
 * job that is not ours any more.
 */
static bool is_promoted_elsewhere(struct deciding *x, const struct traffic *want)
{
	if (x->o->target.live != LIVE_PROMOTED || want->weight_bp == 10000)
		return false;
	decide_hold(x, VERDICT_ERROR,
		    "the candidate has been promoted, by another worker or by hand");
	return true;
}

/* SHIFT: split() sets absolute traffic with the look's lock, so it can be repeated. */
static void shift(struct deciding *x)
{
	const struct target_observation *t = &x->o->target;
	struct traffic want = rollout_traffic(x->plan, x->s->step), live = decide_live_traffic(t);
	char text[TRAFFIC_TEXT_SIZE], late[TRAFFIC_TEXT_SIZE + 32];
	bool is_there = decide_is_same_traffic(&live, &want), rises = decide_rises(&live, &want);

	if (decide_is_anothers(x) || act_failed(x) || decide_candidate_failed(x) ||
	    decide_failed_a_guard(x) || decide_is_unreadable(x) ||
	    is_promoted_elsewhere(x, &want) || (rises && decide_is_held_by_age(x)))
		return;
	decide_clear_hold(x);
	/* before the first step the baseline has everything; later somebody gave it back */
	if (t->live == LIVE_BASELINE && x->s->step > 0 && decide_is_drifted(x))
		return;
	rollout_traffic_text(x->plan, &want, text);
	if (is_there && t->settled) {
		decide_go(x, PHASE_WATCH, "step %d of %zu: %s on the candidate, read back",
			  x->s->step + 1, x->plan->n_steps, text);
		return;
	}
	if (rises && decide_is_held_by_guard(x))
		return;
	snprintf(late, sizeof(late), "%s was not in effect", text);
	if (is_late(x, late, t->detail))
		return;
	if (is_there) {
		decide_wait(x, "%s is set, waiting until it is in effect: %s", text, t->detail);
	} else if (rises && !decide_candidate_is_up(x)) {
		decide_wait(x, "the candidate is not up for %s: %s", text, t->detail);
	} else {
		x->d->traffic = want;
		decide_act(x, DECIDE_SPLIT, "step %d of %zu: %s to the candidate", x->s->step + 1,
			   x->plan->n_steps, text);
	}
}

/* With Mode start the last step below 100 % is where people come in. */
static bool is_last_before_parking(const struct deciding *x)
{
	const struct plan_step *step = &x->plan->steps[x->s->step];
	bool is_last = (size_t)x->s->step + 1 == x->plan->n_steps || step[1].weight_bp == 10000;

	return x->plan->mode == MODE_START && step->weight_bp < 10000 && is_last;
}

static void leave_watch(struct deciding *x)
{
	const struct plan_step *step = &x->plan->steps[x->s->step];
	int next = x->s->step + 1;

	if (x->o->operator_command == OPERATOR_HOLD)
		decide_wait(x, "held by %s", decide_operator(x));
	else if (step->approve && x->o->operator_command != OPERATOR_PROMOTE)
		decide_wait(x, "step %d passed, waiting for approval", next);
	else if (is_last_before_parking(x))
		decide_go(x, PHASE_PARKED, "all steps below 100%% passed: parked");
	else if ((size_t)next < x->plan->n_steps)
		decide_go_step(x, next, "step %d of %zu passed", next, x->plan->n_steps);
	else
		decide_go(x, PHASE_PROMOTE, "all %zu steps passed", x->plan->n_steps);
}

/* WATCH: only reads. */
static void watch(struct deciding *x)
{
	const struct plan_step *step = &x->plan->steps[x->s->step];
	struct traffic want = rollout_traffic(x->plan, x->s->step),
		       live = decide_live_traffic(&x->o->target);
	int64_t since = x->s->phase_since.ms, end = since + step->watch_ms;
	bool is_over = x->now.ms >= end;
	const char *text;

	if (act_failed(x) || decide_candidate_failed(x) || decide_failed_a_guard(x) ||
	    decide_is_unreadable(x) || decide_is_drifted(x) || is_promoted_elsewhere(x, &want))
		return;
	if (!decide_is_same_traffic(&live, &want)) {
		decide_go_step(x, x->s->step, "another step's traffic is live: back to this one's");
		return;
	}
	switch (decide_look(x, is_over ? end : since, &text)) {
	case LOOK_HOLD:
		decide_hold(x, decide_hold_kind(x), text);
		return;
	case LOOK_FAIL:
		decide_is_held_by_guard(x);
		return;
	case LOOK_SOON:
		decide_clear_hold(x);
		decide_wait(x, "waiting for newer answers: %s", text);
		return;
	case LOOK_PASS:
		break;
	}
	decide_clear_hold(x);
	if (is_over)
		leave_watch(x);
	else
		decide_wait(x, "watching: %s", text);
}

/* PROMOTE: promote() sets what it wants absolutely, so it can be repeated. */
static void promote(struct deciding *x)
{
	static const char late[] = "the promotion was not in effect";
	const struct target_observation *t = &x->o->target;

	if (act_failed(x) || decide_candidate_failed(x) || decide_failed_a_guard(x) ||
	    decide_is_unreadable(x) || (t->live != LIVE_PROMOTED && decide_is_held_by_age(x)))
		return;
	decide_clear_hold(x);
	if (t->live == LIVE_BASELINE && !x->s->first && decide_is_drifted(x))
		return;
	if (decide_is_promoted_over(x))
		return;
	if (t->live == LIVE_PROMOTED && t->settled)
		decide_go(x, PHASE_BAKE, "the candidate is promoted, read back");
	else if (t->live != LIVE_PROMOTED && decide_is_held_by_guard(x))
		return;
	else if (is_late(x, late, t->detail))
		return;
	else if (t->live == LIVE_PROMOTED)
		decide_wait(x, "promoted, waiting until it is in effect: %s", t->detail);
	else if (!decide_candidate_is_up(x))
		decide_wait(x, "the candidate is not up for all traffic: %s", t->detail);
	else {
		x->d->traffic.weight_bp = 10000;
		decide_act(x, DECIDE_PROMOTE, "making the candidate the baseline");
	}
}

static void leave_bake(struct deciding *x)
{
	if (x->o->operator_command == OPERATOR_HOLD)
		decide_wait(x, "held by %s", decide_operator(x));
	else
		decide_go(x, PHASE_RETIRE, "the candidate passed its bake time");
}

/* BAKE: only reads. */
static void bake(struct deciding *x)
{
	int64_t since = x->s->phase_since.ms, end = since + x->plan->bake_ms;
	bool is_over = x->now.ms >= end;
	bool needs_none = !x->o->has_guards && x->plan->bake_ms == 0;
	const char *text = "";
	enum look look = LOOK_PASS;

	if (act_failed(x) || decide_candidate_failed(x) || decide_failed_a_guard(x) ||
	    decide_is_unreadable(x) || decide_is_drifted(x))
		return;
	if (!needs_none)
		look = decide_look(x, is_over ? end : since, &text);
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
		decide_wait(x, "waiting for newer answers: %s", text);
	else if (x->o->target.live != LIVE_PROMOTED)
		decide_go(x, PHASE_PROMOTE, "the promotion was undone: promoting again");
	else if (is_over)
		leave_bake(x);
	else
		decide_wait(x, "baking: %s", text);
}

/* What serves must not be retired: the promotion has to be there, and seen. */
static bool is_undone(struct deciding *x)
{
	enum live live = x->o->target.live;

	if (live == LIVE_PROMOTED || live == LIVE_UNREADABLE)
		return false;
	if (!decide_is_drifted(x))
		decide_restore(x, CAUSE_DRIFT, "the promotion was undone while retiring");
	return true;
}

/* RETIRE: retire() removes what it finds left, so it can be repeated. */
static void retire(struct deciding *x)
{
	const struct target_observation *t = &x->o->target;
	const char *why = x->s->cause_text[0] ? x->s->cause_text : t->detail;

	if (is_undone(x))
		return;
	if (t->live == LIVE_PROMOTED && t->retired)
		decide_succeed(x, ENDING_SERVES, "the candidate serves everything, read back");
	else if (decide_limit_is_over(x))
		decide_fail(x, CAUSE_TIMEOUT, ENDING_PROMOTED,
			    "promoted, but the old version could not be retired: %s",
			    why[0] ? why : "out of time");
	else if (x->o->act_error) {
		decide_note(x, x->o->act_error->text);
		decide_wait(x, "retiring did not work, trying again: %s", x->o->act_error->text);
	} else if (t->live == LIVE_UNREADABLE)
		decide_wait(x, "the target cannot be read: %s", t->detail);
	else
		decide_act(x, DECIDE_RETIRE, "retiring the old version");
}

void step_forward(struct deciding *x)
{
	assert(x->s->phase < PHASE_RESTORE);
	switch (x->s->phase) {
	case PHASE_INSPECT:
		inspect(x);
		return;
	case PHASE_PREPARE:
		prepare(x);
		return;
	case PHASE_VERIFY:
		verify(x);
		return;
	case PHASE_SHIFT:
		shift(x);
		return;
	case PHASE_WATCH:
		watch(x);
		return;
	case PHASE_PROMOTE:
		promote(x);
		return;
	case PHASE_BAKE:
		bake(x);
		return;
	case PHASE_RETIRE:
		retire(x);
		return;
	case PHASE_PARKED:
		step_parked(x);
		return;
	case PHASE_RESTORE:
	case PHASE_PROVE:
	case PHASE_SUCCEEDED:
	case PHASE_FAILED:
	case PHASE_COUNT:
		return;
	}
}
