#ifndef TESTS_UNIT_ROLLOUT_DECIDE_FIXTURE_H
#define TESTS_UNIT_ROLLOUT_DECIDE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "worker/rollout/decide.h"

/*
 * What the tests of the machine share: a plan written by hand, a state in any phase, a look at a
 * target that is as the state says, and the promises that hold for every single decision.
 */

#define T0 1700000000000ll /* when the rollouts of the tests start */
#define SECOND 1000ll
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)

/* canary 5% 10m, 25% 10m (approved by a person), 50% 10m, bake 15m */
static inline struct plan test_plan(void)
{
	struct plan p = {.strategy = "canary",
			 .n_steps = 3,
			 .n_guards = 2,
			 .bake_ms = 15 * MINUTE,
			 .unknown_hold_ms = 20 * MINUTE,
			 .unknown_then = UNKNOWN_ROLLBACK,
			 .rollback_on_guard = true,
			 .rollback_on_timeout = true,
			 .rollback_on_abandon = true,
			 .max_duration_ms = 23 * HOUR,
			 .prepare_ms = 30 * MINUTE,
			 .verify_ms = 15 * MINUTE};
	static const int weights[] = {500, 2500, 5000};

	for (size_t i = 0; i < p.n_steps; i++)
		p.steps[i] = (struct plan_step){.segment = -1,
						.weight_bp = weights[i],
						.watch_ms = 10 * MINUTE,
						.approve = i == 1};
	p.guards[0] = (struct plan_guard){
		.kind = GUARD_ALARM, .in = GUARD_IN_WATCH | GUARD_IN_BAKE, .name = "errors"};
	p.guards[1] = (struct plan_guard){
		.kind = GUARD_PROBE, .in = GUARD_IN_VERIFY | GUARD_IN_WATCH, .name = "health"};
	for (size_t i = 0; i < sizeof(p.digest) - 1; i++)
		p.digest[i] = "0123456789abcdef"[i % 16];
	return p;
}

/* canary @staff 10m, 5% 10m (approved by a person), @beta 10m; then everybody, bake 15m */
static inline struct plan test_plan_segments(void)
{
	static const int segments[] = {0, -1, 1}, weights[] = {0, 500, 500};
	struct plan p = test_plan();

	p.n_segments = 2;
	p.segments[0] = (struct plan_segment){.name = "staff"};
	p.segments[1] = (struct plan_segment){.name = "beta"};
	for (size_t i = 0; i < p.n_steps; i++) {
		p.steps[i].segment = segments[i];
		p.steps[i].weight_bp = weights[i];
	}
	return p;
}

/* A rollout that has been in this phase since T0 + 1h. */
static inline struct rollout_state test_state(const struct plan *plan, enum phase phase, int step)
{
	struct rollout_state s;

	rollout_begin(plan, "r-test", (struct utc){T0}, &s);
	s.seq = 10;
	s.phase = phase;
	s.step = step;
	s.phase_since.ms = T0 + HOUR;
	s.touched = phase > PHASE_PREPARE;
	str_copy(s.undo, sizeof(s.undo), STR("{\"t\":\"lambda\",\"v\":\"12\"}"));
	if (phase > PHASE_PREPARE)
		str_copy(s.candidate, sizeof(s.candidate), STR("13"));
	return s;
}

/* The target as this state says, read at `now`; everything passes. */
static inline struct observation test_look(const struct plan *plan, const struct rollout_state *s,
					   struct utc now)
{
	static const enum live live[PHASE_COUNT] = {
		[PHASE_INSPECT] = LIVE_BASELINE, [PHASE_PREPARE] = LIVE_BASELINE,
		[PHASE_VERIFY] = LIVE_BASELINE,	 [PHASE_SHIFT] = LIVE_SPLIT,
		[PHASE_WATCH] = LIVE_SPLIT,	 [PHASE_PARKED] = LIVE_SPLIT,
		[PHASE_PROMOTE] = LIVE_SPLIT,	 [PHASE_BAKE] = LIVE_PROMOTED,
		[PHASE_RETIRE] = LIVE_PROMOTED,	 [PHASE_RESTORE] = LIVE_BASELINE,
		[PHASE_PROVE] = LIVE_BASELINE,	 [PHASE_SUCCEEDED] = LIVE_PROMOTED,
		[PHASE_FAILED] = LIVE_BASELINE,
	};
	struct observation o = {.token_held = true, .looked = true};
	int step = (size_t)s->step < plan->n_steps ? s->step : 0;

	o.target.live = rollout_is_before_traffic(plan, s) ? LIVE_BASELINE : live[s->phase];
	if (o.target.live == LIVE_SPLIT)
		o.target.traffic = rollout_traffic(plan, step);
	o.target.settled = true;
	o.target.candidate = CANDIDATE_READY;
	o.target.baseline_health = verdict_make(VERDICT_PASS, now, "version 12 is Active");
	for (size_t i = 0; i < plan->n_guards; i++)
		o.has_guards |= (plan->guards[i].in & rollout_guards_in(s->phase)) != 0;
	if (o.has_guards)
		o.guards = verdict_make(VERDICT_PASS, now, "errors is OK");
	return o;
}

static inline const char *state_text(const struct rollout_state *s, struct buf *b)
{
	struct err err = ERR_INIT;

	buf_clear(b);
	if (token_encode(s, b, &err))
		fail_msg("%s", err.text);
	return b->p;
}

/* A Pass whose evidence is of `since` or later, and not of the future. */
static inline bool is_fresh_pass(const struct observation *o, int64_t since, struct utc now)
{
	return o->has_guards && o->guards.kind == VERDICT_PASS && o->guards.at.ms >= since &&
	       o->guards.at.ms <= now.ms;
}

static inline struct traffic live_traffic(const struct target_observation *t)
{
	if (t->live == LIVE_SPLIT)
		return t->traffic;
	if (t->live == LIVE_CANDIDATE)
		return (struct traffic){10000, t->traffic.segments};
	return (struct traffic){t->live == LIVE_PROMOTED ? 10000 : 0, 0};
}

static inline bool is_step_traffic(const struct plan *plan, int step, const struct traffic *t)
{
	struct traffic wanted = rollout_traffic(plan, step);

	return t->weight_bp == wanted.weight_bp && t->segments == wanted.segments;
}

/* --- promises --------------------------------------------------------------------------------- */

struct turn {
	const struct plan *plan;
	const struct rollout_state *s, *next;
	const struct observation *o;
	const struct decision *d;
	struct utc now;
};

/* What is not kept is said with the whole turn, so that a failing seed can be read. */
static inline void promise(const struct turn *t, bool kept, const char *what)
{
	if (kept)
		return;
	fail_msg("%s: %s to %s, step %d to %d, live %d at %d, segments %x, settled %d, candidate "
		 "%d, guards %d at %+lld, %lld in phase, decision %d: %s",
		 what, phase_name(t->s->phase), phase_name(t->next->phase), t->s->step,
		 t->next->step, t->o->target.live, t->o->target.traffic.weight_bp,
		 t->o->target.traffic.segments, t->o->target.settled, t->o->target.candidate,
		 t->o->has_guards ? (int)t->o->guards.kind : -1,
		 (long long)(t->o->guards.at.ms - t->s->phase_since.ms),
		 (long long)(t->now.ms - t->s->phase_since.ms), t->d->kind, t->d->reason);
}

static inline bool is_act(enum decision_kind k)
{
	return k == DECIDE_PREPARE || k == DECIDE_SPLIT || k == DECIDE_PROMOTE ||
	       k == DECIDE_RETIRE || k == DECIDE_RESTORE || k == DECIDE_DISCARD;
}

/* With Mode start, the last step below 100 %. */
static inline bool parks_after(const struct plan *plan, int step)
{
	return plan->mode == MODE_START && plan->steps[step].weight_bp < 10000 &&
	       ((size_t)step + 1 == plan->n_steps || plan->steps[step + 1].weight_bp == 10000);
}

static inline void promise_unparked(const struct turn *t)
{
	const struct rollout_state *s = t->s;
	const struct observation *o = t->o;
	bool before = rollout_is_before_traffic(t->plan, s);
	int64_t since = s->started.ms > s->phase_since.ms ? s->started.ms : s->phase_since.ms;
	int next = before ? s->step : s->step + 1;
	struct traffic live = live_traffic(&o->target);

	promise(t, o->mode == MODE_PROMOTE, "somebody asked for it");
	promise(t, is_fresh_pass(o, since, t->now) || (before && !o->has_guards),
		"a Pass of after that");
	promise(t, o->operator_command != OPERATOR_HOLD, "not held");
	promise(t, ((size_t)next < t->plan->n_steps) == (t->next->phase == PHASE_SHIFT),
		"what is left of the steps comes first");
	promise(t, t->next->phase != PHASE_SHIFT || t->next->step == next, "the next step");
	promise(t,
		before || is_step_traffic(t->plan, s->step, &live) || live.weight_bp == 10000,
		"traffic is as it was parked");
}

static inline void promise_forward(const struct turn *t)
{
	const struct rollout_state *s = t->s, *n = t->next;
	const struct plan_step *step =
		(size_t)s->step < t->plan->n_steps ? &t->plan->steps[s->step] : NULL;
	int64_t end = s->phase_since.ms + (step ? step->watch_ms : 0);
	const struct observation *o = t->o;
	struct traffic live = live_traffic(&o->target);

	if (s->phase == PHASE_VERIFY &&
	    (n->phase == PHASE_SHIFT || n->phase == PHASE_PARKED || n->phase == PHASE_PROMOTE)) {
		promise(t, !o->has_guards || is_fresh_pass(o, s->phase_since.ms, t->now),
			"verified by guards of this phase");
		promise(t, n->phase != PHASE_SHIFT || n->step == 0, "begins with the first step");
		promise(t,
			o->target.candidate == CANDIDATE_READY ||
				o->target.candidate == CANDIDATE_SAME,
			"the candidate is up");
		promise(t, (n->phase == PHASE_PROMOTE) == s->first, "promoted at once when first");
	}
	if (s->phase == PHASE_PARKED && (n->phase == PHASE_SHIFT || n->phase == PHASE_PROMOTE))
		promise_unparked(t);
	if (s->phase == PHASE_WATCH &&
	    (n->step > s->step || n->phase == PHASE_PARKED || n->phase == PHASE_PROMOTE)) {
		promise(t, step && t->now.ms >= end && is_fresh_pass(o, end, t->now),
			"a Pass of after the watch");
		promise(t, is_step_traffic(t->plan, s->step, &live), "the step's traffic is live");
		promise(t, o->operator_command != OPERATOR_HOLD, "not held");
		promise(t, !step->approve || o->operator_command == OPERATOR_PROMOTE, "approved");
		promise(t,
			n->phase == PHASE_PARKED    ? parks_after(t->plan, s->step)
			: n->phase == PHASE_PROMOTE ? (size_t)s->step + 1 == t->plan->n_steps
						    : n->step == s->step + 1,
			"one step on");
		promise(t, n->phase == PHASE_PARKED || !parks_after(t->plan, s->step),
			"people come first");
	} else if (n->step != s->step) {
		promise(t,
			(s->phase == PHASE_VERIFY && n->step == 0) ||
				(s->phase == PHASE_PARKED && n->step == s->step + 1),
			"steps change in WATCH only");
	}
	if (n->phase == PHASE_RETIRE && s->phase != PHASE_RETIRE) {
		end = s->phase_since.ms + t->plan->bake_ms;
		promise(t,
			s->phase == PHASE_BAKE && o->target.live == LIVE_PROMOTED &&
				t->now.ms >= end,
			"baked");
		promise(t,
			is_fresh_pass(o, end, t->now) || (!o->has_guards && t->plan->bake_ms == 0),
			"a Pass of after it");
	}
	if (s->phase == PHASE_BAKE && n->phase == PHASE_PROMOTE)
		promise(t, !o->has_guards || is_fresh_pass(o, s->phase_since.ms, t->now),
			"promoted again on a Pass only");
	if (s->phase == PHASE_INSPECT && n->phase == PHASE_PREPARE)
		promise(t, o->token_held && s->undo[0], "the undo record is safe");
}

static inline void promise_acts(const struct turn *t)
{
	const struct target_observation *seen = &t->o->target;
	enum decision_kind k = t->d->kind;
	struct traffic live = live_traffic(seen);

	if (k == DECIDE_SPLIT) {
		promise(t,
			t->s->phase == PHASE_SHIFT && t->next->phase == PHASE_SHIFT &&
				is_step_traffic(t->plan, t->s->step, &t->d->traffic),
			"the split of the step");
		if (t->d->traffic.weight_bp > live.weight_bp ||
		    (t->d->traffic.segments & ~live.segments)) {
			promise(t,
				seen->candidate == CANDIDATE_READY ||
					seen->candidate == CANDIDATE_SAME,
				"up before more traffic");
			promise(t, !t->o->has_guards || t->o->guards.kind != VERDICT_FAIL,
				"no more traffic on a Fail");
		}
	}
	promise(t,
		k != DECIDE_PROMOTE ||
			(t->s->phase == PHASE_PROMOTE && t->d->traffic.weight_bp == 10000 &&
			 t->d->traffic.segments == 0),
		"promotes in PROMOTE, with no segment apart");
	promise(t,
		k != DECIDE_RETIRE || (t->s->phase == PHASE_RETIRE && seen->live == LIVE_PROMOTED),
		"retires what serves nothing");
	promise(t,
		k != DECIDE_PREPARE ||
			(t->s->phase == PHASE_PREPARE && seen->live == LIVE_BASELINE),
		"prepares before traffic");
	if (is_act(k)) {
		promise(t, t->next->touched, "an act touches");
		promise(t, t->next->phase == t->s->phase, "an act stays");
		promise(t, seen->live != LIVE_UNREADABLE && seen->live != LIVE_FOREIGN,
			"acts on what was read, and is ours");
		promise(t, t->s->phase != PHASE_INSPECT, "INSPECT only reads");
		promise(t,
			t->s->phase != PHASE_WATCH && t->s->phase != PHASE_PARKED &&
				t->s->phase != PHASE_BAKE &&
				(t->s->phase != PHASE_PROVE || k == DECIDE_DISCARD),
			"these only read");
		promise(t,
			k != DECIDE_DISCARD ||
				(t->s->phase == PHASE_PROVE && seen->live == LIVE_BASELINE &&
				 seen->baseline_health.kind == VERDICT_PASS && seen->leftover &&
				 t->plan->keep_candidate_ms == 0),
			"discards after the proof, and what the plan does not keep");
	}
}

static inline void promise_ends(const struct turn *t)
{
	const struct target_observation *seen = &t->o->target;
	bool was_final = phase_is_final(t->s->phase);

	/* a success that has to be looked at once more before it is told */
	bool is_waiting = t->s->phase == PHASE_SUCCEEDED && t->d->kind == DECIDE_WAIT;
	bool has_gone_back =
		t->o->mode == MODE_ROLLBACK && t->next->phase == PHASE_FAILED &&
		(t->next->ending == ENDING_RESTORED || t->next->ending == ENDING_UNTOUCHED);

	promise(t,
		(t->d->kind == DECIDE_SUCCEED) ==
			((t->next->phase == PHASE_SUCCEEDED && !is_waiting) || has_gone_back),
		"success is the phase SUCCEEDED, or to be back when that was asked");
	promise(t,
		(t->d->kind == DECIDE_FAIL) == (t->next->phase == PHASE_FAILED && !has_gone_back),
		"failure is the phase FAILED");
	promise(t,
		t->d->kind != DECIDE_HAND_OVER ||
			(t->s->phase == PHASE_PARKED && t->next->phase == PHASE_PARKED &&
			 t->o->mode == MODE_START),
		"handed over when it is parked");
	promise(t, t->d->kind != DECIDE_REFUSE, "only an end can refuse an action");
	promise(t, was_final || phase_is_final(t->next->phase) == (t->next->ending != ENDING_NONE),
		"an end says how the target was left");
	if (t->next->phase == PHASE_SUCCEEDED && !was_final)
		promise(t,
			(t->s->phase == PHASE_RETIRE && seen->live == LIVE_PROMOTED &&
			 seen->retired) ||
				(t->s->phase == PHASE_PREPARE &&
				 seen->candidate == CANDIDATE_SAME &&
				 (seen->live == LIVE_BASELINE || seen->live == LIVE_PROMOTED)),
			"success is read back");
	if (t->next->ending == ENDING_RESTORED && !was_final)
		promise(t,
			seen->live == LIVE_BASELINE && seen->baseline_health.kind == VERDICT_PASS &&
				seen->baseline_health.at.ms >= t->s->phase_since.ms,
			"what was proved was seen");
	if (t->next->ending == ENDING_PROMOTED && !was_final)
		promise(t,
			t->s->phase == PHASE_RETIRE &&
				(seen->live == LIVE_PROMOTED || seen->live == LIVE_UNREADABLE),
			"promoted as far as was seen");
	if (seen->live == LIVE_FOREIGN && !was_final)
		promise(t,
			t->d->kind == DECIDE_FAIL &&
				t->d->failure == FAILURE_REVISION_OUT_OF_SYNC &&
				t->next->ending == ENDING_FOREIGN,
			"left as found");
	if (t->next->phase == PHASE_RESTORE || t->next->phase == PHASE_FAILED)
		promise(t,
			was_final || t->s->phase == PHASE_RESTORE || t->s->phase == PHASE_PROVE ||
				(t->next->cause != CAUSE_NONE && t->next->cause_text[0]),
			"going back has a cause");
}

static inline void promise_frame(const struct turn *t)
{
	struct rollout_state again;
	struct decision d;
	struct buf a, b;
	bool same;

	buf_init(&a, LIMIT_TOKEN);
	buf_init(&b, LIMIT_TOKEN);
	same = strcmp(state_text(t->s, &a), state_text(t->next, &b)) == 0;
	promise(t, t->next->seq == t->s->seq + !same, "seq counts changes");
	if (t->next->phase != t->s->phase || t->next->step != t->s->step) {
		promise(t, phase_may_go(t->s->phase, t->next->phase), "an edge of the list");
		promise(t, t->next->phase_since.ms == t->now.ms && t->next->hold_since.ms == 0,
			"a phase begins now");
		promise(t,
			t->d->kind == DECIDE_AGAIN || t->d->kind == DECIDE_FAIL ||
				t->d->kind == DECIDE_SUCCEED,
			"a move is looked at again");
	}
	promise(t, t->d->until.ms == 0 || t->d->until.ms > t->now.ms, "until is in the future");
	promise(t, t->d->reason[0] && str_is_utf8(str_from(t->d->reason)), "there is a reason");
	promise(t, rollout_percent(t->plan, t->next, t->now) >= t->s->percent,
		"percent never falls");
	promise(t, !t->s->touched || t->next->touched, "touched stays");
	promise(t, strcmp(t->s->undo, t->next->undo) == 0, "the undo record stays");
	/* pure: the same again, and an end is reported again the same way */
	rollout_decide(t->plan, t->s, t->o, t->now, &again, &d);
	promise(t,
		strcmp(state_text(&again, &a), state_text(t->next, &b)) == 0 &&
			d.kind == t->d->kind && d.until.ms == t->d->until.ms &&
			strcmp(d.reason, t->d->reason) == 0,
		"the same question, the same answer");
	if (phase_is_final(t->next->phase) && !rollout_ended_before(t->next) &&
	    t->d->kind != DECIDE_WAIT &&
	    !(t->next->phase == PHASE_SUCCEEDED && t->o->mode == MODE_ROLLBACK)) {
		struct observation nothing = {.token_held = true, .mode = t->o->mode};

		rollout_decide(t->plan, t->next, &nothing, t->now, &again, &d);
		promise(t,
			d.kind == t->d->kind && d.failure == t->d->failure &&
				again.seq == t->next->seq,
			"an end is an end");
	}
	buf_release(&a);
	buf_release(&b);
}

/*
 * An end is left only by an action that was attached to it and asks to go back, or when a success
 * is seen not to be one any more before it was told, or a baseline that had everything not to have.
 */
static inline void promise_ended(const struct turn *t)
{
	enum live live = t->o->target.live;
	bool is_untold = t->s->phase == PHASE_SUCCEEDED && !rollout_ended_before(t->s) &&
			 t->s->ending != ENDING_SAME && t->o->looked && live != LIVE_PROMOTED &&
			 live != LIVE_UNREADABLE && live != LIVE_FOREIGN;
	bool is_undone = t->s->phase == PHASE_FAILED && t->o->looked &&
			 (t->s->ending == ENDING_RESTORED || t->s->ending == ENDING_UNTOUCHED) &&
			 (live == LIVE_SPLIT || live == LIVE_CANDIDATE || live == LIVE_PROMOTED);

	promise(t, !is_act(t->d->kind) && t->d->kind != DECIDE_HAND_OVER, "an end does nothing");
	if (t->next->phase == t->s->phase) {
		promise(t, t->next->ending == t->s->ending && t->next->seq == t->s->seq,
			"it stays as it is");
		return;
	}
	promise(t, t->next->phase == PHASE_RESTORE, "left to go back");
	if ((is_untold || is_undone) && t->o->mode != MODE_ROLLBACK)
		return;
	promise(t, t->o->mode == MODE_ROLLBACK, "because it was asked to");
	promise(t, t->s->phase == PHASE_SUCCEEDED || rollout_ended_before(t->s),
		"not by the action that ended it");
	promise(t, live != LIVE_FOREIGN && live != LIVE_UNREADABLE, "what was read is ours");
	promise(t, live == LIVE_BASELINE || t->o->target.baseline_health.kind == VERDICT_PASS,
		"what served before can serve");
}

/* Decide, and check all that holds for any decision. */
static inline void decide(const struct plan *plan, const struct rollout_state *s,
			  const struct observation *o, struct utc now, struct rollout_state *next,
			  struct decision *d)
{
	struct turn t = {.plan = plan, .s = s, .next = next, .o = o, .d = d, .now = now};

	rollout_decide(plan, s, o, now, next, d);
	promise_frame(&t);
	if (phase_is_final(s->phase)) {
		promise_ended(&t);
		return;
	}
	promise_forward(&t);
	promise_acts(&t);
	promise_ends(&t);
}

#endif
