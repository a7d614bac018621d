#include "tests/unit/rollout/decide_fixture.h"

#include "aws/core/rng.h"

/*
 * The machine against chance. First any state meets any look, and the promises of decide_fixture.h
 * must hold. Then whole rollouts run against a small target that obeys, while hands change its
 * weights, answers are lost, the worker crashes back to an older state, and guards say what they
 * like: they end, and the target is as the end says.
 */

/* --- any state, any look ---------------------------------------------------------------------- */

static int pick(struct rng *r, int n)
{
	return (int)rng_below(r, (uint64_t)n);
}

static bool one_in(struct rng *r, int n)
{
	return pick(r, n) == 0;
}

static struct plan random_plan(struct rng *r)
{
	struct plan p = one_in(r, 2) ? test_plan() : test_plan_segments();

	p.n_steps = one_in(r, 50) ? 0 : 1 + rng_below(r, 3);
	if (one_in(r, 3) && p.steps[2].segment < 0)
		p.steps[2].weight_bp = 10000;
	for (size_t i = 0; i < 3; i++) {
		p.steps[i].watch_ms = pick(r, 3) * 5 * MINUTE;
		p.steps[i].approve = one_in(r, 4);
	}
	p.mode = one_in(r, 3) ? MODE_START : MODE_DEPLOY;
	if (p.n_steps == 1 && one_in(r, 3))
		p.steps[0].weight_bp = 10000;
	p.bake_ms = pick(r, 3) * 5 * MINUTE;
	p.unknown_hold_ms = pick(r, 4) * 5 * MINUTE;
	p.unknown_then = one_in(r, 3) ? UNKNOWN_HOLD : UNKNOWN_ROLLBACK;
	p.rollback_on_guard = !one_in(r, 4);
	p.rollback_on_timeout = !one_in(r, 4);
	p.rollback_on_abandon = !one_in(r, 4);
	p.keep_candidate_ms = one_in(r, 4) ? HOUR : 0;
	p.max_duration_ms = one_in(r, 20) ? 0 : (1 + pick(r, 24)) * HOUR;
	p.prepare_ms = pick(r, 3) * 10 * MINUTE;
	p.verify_ms = pick(r, 3) * 10 * MINUTE;
	return p;
}

static int random_weight(struct rng *r)
{
	static const int weights[] = {0, 1, 499, 500, 501, 2500, 5000, 9999, 10000};

	return weights[pick(r, 9)];
}

/* A moment that some rule may care about. */
static int64_t random_moment(struct rng *r)
{
	int64_t ms = pick(r, 5) * 5 * MINUTE + pick(r, 3) - 1;

	if (one_in(r, 8))
		ms = pick(r, 26) * HOUR;
	return ms;
}

static struct observation random_look(struct rng *r, const struct rollout_state *s, struct utc now)
{
	struct observation o = {.token_held = !one_in(r, 3)};
	struct target_observation *t = &o.target;

	t->live = (enum live)pick(r, LIVE_FOREIGN + (one_in(r, 4) ? 1 : 0));
	t->traffic.weight_bp = t->live == LIVE_SPLIT ? random_weight(r) : 0;
	if (t->live == LIVE_SPLIT || t->live == LIVE_CANDIDATE)
		t->traffic.segments = one_in(r, 2) ? (unsigned)pick(r, 4) : 0;
	t->settled = !one_in(r, 3);
	t->candidate =
		one_in(r, 2) ? CANDIDATE_READY : (enum candidate_state)pick(r, CANDIDATE_SAME + 1);
	t->denied = one_in(r, 3);
	t->retired = one_in(r, 2);
	t->leftover = one_in(r, 2);
	t->baseline_health = verdict_make(
		(enum verdict_kind)pick(r, 4),
		(struct utc){s->phase_since.ms + pick(r, 3) * MINUTE - MINUTE}, "baseline");
	str_copy(t->detail, sizeof(t->detail), one_in(r, 2) ? STR("") : STR("a\ndetail \xff"));
	o.has_guards = !one_in(r, 5);
	if (o.has_guards)
		o.guards = verdict_make(
			one_in(r, 2) ? VERDICT_PASS : (enum verdict_kind)pick(r, 4),
			(struct utc){now.ms +
				     (one_in(r, 2) ? 0 : pick(r, 7) * MINUTE - 5 * MINUTE)},
			"%s", one_in(r, 4) ? "" : "guard \"x\" said so");
	o.mode = one_in(r, 2) ? MODE_DEPLOY : (enum mode)pick(r, MODE_ROLLBACK + 1);
	o.abandoned = one_in(r, 12);
	o.operator_command = one_in(r, 3) ? (enum operator_command)pick(r, 4) : OPERATOR_NONE;
	o.operator_name = one_in(r, 2) ? "ann" : NULL;
	return o;
}

static void test_any_state_meets_any_look(void **state)
{
	unsigned long moves = 0, acts = 0, ends = 0;
	struct rng_seeded seeded;
	struct rng *r = &seeded.rng;

	(void)state;
	rng_seeded_init(&seeded, 7);
	for (int i = 0; i < 100000; i++) {
		struct plan plan = random_plan(r);
		struct rollout_state s = test_state(&plan, (enum phase)pick(r, PHASE_COUNT),
						    pick(r, 3)),
				     next;
		struct utc now = {s.phase_since.ms + random_moment(r)};
		struct observation o = random_look(r, &s, now);
		struct err err = ERR_INIT;
		struct decision d;

		if (one_in(r, 3))
			rollout_attach(&s, (struct utc){s.phase_since.ms + pick(r, 9) * MINUTE});
		if (phase_is_final(s.phase))
			s.ending = (enum ending)(1 + pick(r, ENDING_COUNT - 1));
		s.first = one_in(r, 6);
		s.touched |= one_in(r, 2);
		if (one_in(r, 3))
			s.hold_since.ms = s.phase_since.ms + pick(r, 3) * 5 * MINUTE;
		s.percent = pick(r, 101);
		if (one_in(r, 8)) {
			err_set(&err, (enum err_code)(1 + pick(r, ERR_CODE_COUNT - 1)), "%s",
				one_in(r, 2) ? "" : "refused");
			o.act_error = &err;
		}
		decide(&plan, &s, &o, now, &next, &d);
		moves += next.phase != s.phase;
		acts += is_act(d.kind);
		ends += phase_is_final(next.phase) && !phase_is_final(s.phase);
	}
	printf("# %lu moves, %lu acts, %lu ends\n", moves, acts, ends);
	/* the chances are such that all of it happens often */
	assert_true(moves > 20000 && acts > 5000 && ends > 10000);
}

/* --- whole rollouts --------------------------------------------------------------------------- */

struct world {
	struct rng *r;
	struct plan plan;
	struct utc now;
	bool is_evil; /* hands, losses, crashes and bad guards happen */
	/* the target */
	struct traffic traffic;
	bool promoted, retired, leftover;
	enum candidate_state candidate;
	struct utc changed;
	/* the guards */
	bool is_bad; /* the candidate is: guards see it once it has traffic */
	struct utc last_pass;
	struct traffic most; /* the most the candidate ever had */
	/* the actions: which one has a job now, and which one comes an hour after the hand-over */
	enum mode mode, then;
	struct utc parked;
	struct traffic parked_with;
};

static bool has_traffic(const struct world *w)
{
	return w->traffic.weight_bp > 0 || w->traffic.segments;
}

static struct observation world_look(struct world *w, const struct rollout_state *s)
{
	struct observation o = {.token_held = true, .mode = w->mode};
	struct target_observation *t = &o.target;
	enum verdict_kind kind = w->is_bad && has_traffic(w) ? VERDICT_FAIL : VERDICT_PASS;

	t->live = w->promoted && !w->traffic.segments ? LIVE_PROMOTED
		  : !has_traffic(w)		      ? LIVE_BASELINE
		  : w->traffic.weight_bp == 10000     ? LIVE_CANDIDATE
						      : LIVE_SPLIT;
	if (t->live == LIVE_SPLIT || t->live == LIVE_CANDIDATE)
		t->traffic = w->traffic;
	t->settled = w->now.ms - w->changed.ms >= 10 * SECOND;
	t->candidate = w->candidate;
	t->retired = w->retired;
	t->leftover = w->leftover;
	t->baseline_health = verdict_make(VERDICT_PASS, w->now, "healthy");
	o.has_guards = rollout_guards_of(&w->plan, s, w->mode) != 0;
	if (w->is_evil && one_in(w->r, 15))
		t->live = LIVE_UNREADABLE;
	if (w->is_evil && one_in(w->r, 8))
		kind = kind == VERDICT_FAIL ? VERDICT_FAIL : VERDICT_UNKNOWN;
	if (o.has_guards)
		o.guards = verdict_make(kind, w->now, "errors");
	if (w->is_evil && o.has_guards && one_in(w->r, 4))
		o.guards.at.ms -= 30 * SECOND;
	o.operator_command =
		s->phase == PHASE_WATCH && one_in(w->r, 3) ? OPERATOR_PROMOTE : OPERATOR_NONE;
	if (w->is_evil && one_in(w->r, 2000))
		o.operator_command = OPERATOR_ROLLBACK;
	return o;
}

static void world_split(struct world *w, const struct traffic *to, bool promoted)
{
	w->traffic = *to;
	w->promoted = promoted;
	w->changed = w->now;
	if (to->weight_bp > w->most.weight_bp)
		w->most.weight_bp = to->weight_bp;
	w->most.segments |= to->segments;
}

/* As targets do it: one change a call; weights first, then segments one by one. */
static void world_step(struct world *w, const struct traffic *want, bool promoted)
{
	struct traffic to = w->traffic;
	unsigned differ = want->segments ^ to.segments;

	if (to.weight_bp != want->weight_bp || w->promoted != promoted)
		to.weight_bp = want->weight_bp;
	else
		to.segments ^= differ & (~differ + 1);
	world_split(w, &to, promoted);
}

static void world_act(struct world *w, const struct decision *d)
{
	if (w->is_evil && one_in(w->r, 6))
		return; /* lost */
	switch (d->kind) {
	case DECIDE_PREPARE:
		w->candidate = one_in(w->r, 3) ? CANDIDATE_READY : CANDIDATE_PENDING;
		w->leftover = true;
		break;
	case DECIDE_SPLIT:
		world_step(w, &d->traffic, false);
		break;
	case DECIDE_PROMOTE:
		world_step(w, &d->traffic, true);
		break;
	case DECIDE_RESTORE:
		world_step(w, &(struct traffic){0}, false);
		break;
	case DECIDE_RETIRE:
		w->retired = true;
		break;
	case DECIDE_DISCARD:
		w->leftover = false;
		break;
	case DECIDE_WAIT:
	case DECIDE_AGAIN:
	case DECIDE_CHECKPOINT:
	case DECIDE_SUCCEED:
	case DECIDE_FAIL:
	case DECIDE_HAND_OVER:
	case DECIDE_REFUSE:
		break;
	}
}

static void world_hands(struct world *w)
{
	if (!w->is_evil || !one_in(w->r, 300))
		return;
	struct traffic to = rollout_traffic(&w->plan, pick(w->r, 3));

	if (one_in(w->r, 6))
		to.weight_bp = 0;
	if (one_in(w->r, 3))
		to.segments = 0; /* a rule is removed by hand */
	world_split(w, &to, false);
}

/* Between a hand-over and the next action nobody has a job. */
static void world_people(struct world *w, struct rollout_state *s, const struct decision *d)
{
	if (d->kind == DECIDE_HAND_OVER) {
		w->mode = MODE_DEPLOY;
		w->parked = w->now;
		w->parked_with = w->traffic;
	}
	if (w->then != MODE_DEPLOY && w->parked.ms && w->now.ms - w->parked.ms >= HOUR) {
		w->mode = w->then;
		w->parked.ms = 0;
		rollout_attach(s, w->now);
	}
}

struct end {
	struct rollout_state s;
	struct decision d;
	int turns;
};

static struct end run(struct world *w)
{
	struct rollout_state s, older;
	struct end end = {.turns = 0};
	int last_percent = 0;

	rollout_begin(&w->plan, "r-walk", w->now, &s);
	str_copy(s.undo, sizeof(s.undo), STR("{\"t\":\"lambda\"}"));
	older = s;
	for (end.turns = 0; end.turns < 20000; end.turns++) {
		struct observation o = world_look(w, &s);
		struct rollout_state next;

		decide(&w->plan, &s, &o, w->now, &next, &end.d);
		next.percent = rollout_percent(&w->plan, &next, w->now);
		if (next.seq == s.seq + 1)
			assert_true(next.percent >= last_percent);
		last_percent = next.percent;
		s = next;
		if (phase_is_final(s.phase) && end.d.kind != DECIDE_AGAIN && !w->parked.ms)
			break;
		world_act(w, &end.d);
		world_people(w, &s, &end.d);
		if (!phase_is_final(s.phase))
			world_hands(w);
		if (end.d.kind != DECIDE_AGAIN)
			w->now.ms += 10 * SECOND;
		if (one_in(w->r, 20))
			older = s; /* a checkpoint */
		if (w->is_evil && one_in(w->r, 100)) {
			s = older; /* a crash, the newest state was lost */
			last_percent = s.percent;
		}
	}
	end.s = s;
	return end;
}

static struct world new_world(struct rng *r)
{
	return (struct world){
		.r = r, .plan = test_plan(), .now = {T0}, .candidate = CANDIDATE_ABSENT};
}

/* Even seeds have percentages alone, odd ones segments first and between. */
static struct world world_of(uint64_t seed, struct rng *r)
{
	struct world w = new_world(r);

	if (seed % 2)
		w.plan = test_plan_segments();
	return w;
}

static void test_good_rollouts_succeed(void **state)
{
	struct rng_seeded seeded;

	(void)state;
	for (uint64_t seed = 0; seed < 100; seed++) {
		struct world w;
		struct end end;

		rng_seeded_init(&seeded, seed);
		w = world_of(seed, &seeded.rng);
		end = run(&w);
		assert_int_equal(end.d.kind, DECIDE_SUCCEED);
		assert_int_equal(end.s.ending, ENDING_SERVES);
		assert_true(w.promoted && w.retired && w.traffic.segments == 0);
		assert_int_equal(w.most.segments, seed % 2 ? 3 : 0);
		assert_int_equal(end.s.percent, 100);
		/* three watches and the bake, and not much more */
		assert_in_range(w.now.ms - T0, 45 * MINUTE, 55 * MINUTE);
	}
}

/* A bad candidate is seen at the first step: nobody but its 5%, or the staff, ever met it. */
static void test_bad_rollouts_go_back(void **state)
{
	struct rng_seeded seeded;

	(void)state;
	for (uint64_t seed = 0; seed < 100; seed++) {
		struct world w;
		struct end end;

		rng_seeded_init(&seeded, seed);
		w = world_of(seed, &seeded.rng);
		w.is_bad = true;
		end = run(&w);
		assert_int_equal(end.d.kind, DECIDE_FAIL);
		assert_int_equal(end.d.failure, FAILURE_JOB_FAILED);
		assert_int_equal(end.s.cause, CAUSE_GUARD);
		assert_int_equal(end.s.ending, ENDING_RESTORED);
		assert_false(has_traffic(&w));
		assert_int_equal(w.most.weight_bp, seed % 2 ? 0 : 500);
		assert_int_equal(w.most.segments, seed % 2 ? 1 : 0);
		assert_in_range(w.now.ms - T0, 0, 5 * MINUTE);
	}
}

static struct world new_started(struct rng *r, enum mode then)
{
	struct world w = new_world(r);

	w.plan.mode = w.mode = MODE_START;
	w.then = then;
	return w;
}

static void test_started_rollouts_are_promoted(void **state)
{
	struct rng_seeded seeded;

	(void)state;
	for (uint64_t seed = 0; seed < 60; seed++) {
		struct world w;
		struct end end;

		rng_seeded_init(&seeded, seed);
		w = new_started(&seeded.rng, MODE_PROMOTE);
		if (seed % 3 == 1)
			w.plan.steps[2].weight_bp = 10000;
		if (seed % 3 == 2) {
			w.plan.n_steps = 1;
			w.plan.steps[0].weight_bp = 10000;
		}
		end = run(&w);
		assert_int_equal(end.d.kind, DECIDE_SUCCEED);
		assert_int_equal(end.s.ending, ENDING_SERVES);
		assert_int_equal(w.parked_with.weight_bp, seed % 3 == 0	  ? 5000
							  : seed % 3 == 1 ? 2500
									  : 0);
		assert_in_range(w.now.ms - T0, 85 * MINUTE, 115 * MINUTE);
	}
}

/* It turns bad while it is parked: it goes back at once, and whoever comes then is told. */
static void test_parked_rollouts_go_back(void **state)
{
	struct rng_seeded seeded;

	(void)state;
	for (uint64_t seed = 0; seed < 60; seed++) {
		enum mode then = seed % 2 ? MODE_PROMOTE : MODE_ROLLBACK;
		struct rollout_state s, next;
		struct observation o;
		struct decision d;
		struct world w;

		rng_seeded_init(&seeded, seed);
		w = new_started(&seeded.rng, MODE_DEPLOY);
		s = test_state(&w.plan, PHASE_PARKED, 2);
		w.candidate = CANDIDATE_READY;
		w.traffic.weight_bp = 5000;
		w.is_bad = true;
		w.mode = MODE_DEPLOY;
		w.now.ms = s.phase_since.ms + MINUTE;
		for (int i = 0; i < 20; i++) {
			o = world_look(&w, &s);
			decide(&w.plan, &s, &o, w.now, &next, &d);
			s = next;
			world_act(&w, &d);
			w.now.ms += 5 * SECOND;
		}
		assert_int_equal(s.phase, PHASE_FAILED);
		assert_int_equal(s.cause, CAUSE_GUARD);
		assert_false(has_traffic(&w));
		w.mode = then;
		o = world_look(&w, &s);
		decide(&w.plan, &s, &o, w.now, &next, &d);
		assert_int_equal(d.kind, then == MODE_PROMOTE ? DECIDE_FAIL : DECIDE_SUCCEED);
	}
}

/* Taken back while parked, and again after it had ended well. */
static void test_rollbacks_succeed(void **state)
{
	struct rng_seeded seeded;

	(void)state;
	for (uint64_t seed = 0; seed < 60; seed++) {
		struct world w;
		struct end end;

		rng_seeded_init(&seeded, seed);
		w = new_started(&seeded.rng, MODE_ROLLBACK);
		if (seed % 2) {
			w.plan.mode = w.mode = MODE_DEPLOY;
			w.parked.ms = T0; /* it has ended by the time */
		}
		end = run(&w);
		assert_int_equal(end.d.kind, DECIDE_SUCCEED);
		assert_int_equal(end.s.phase, PHASE_FAILED);
		assert_int_equal(end.s.ending, ENDING_RESTORED);
		assert_int_equal(end.s.cause, CAUSE_OPERATOR);
		assert_false(has_traffic(&w));
	}
}

static void test_evil_worlds(void **state)
{
	int succeeded = 0, restored = 0;
	struct rng_seeded seeded;

	(void)state;
	for (uint64_t seed = 0; seed < 300; seed++) {
		struct world w;
		struct end end;

		rng_seeded_init(&seeded, seed);
		w = world_of(seed, &seeded.rng);
		if (seed % 4 > 1) {
			w.plan.mode = w.mode = MODE_START;
			w.then = MODE_PROMOTE;
		}
		w.is_evil = true;
		w.is_bad = seed % 3 == 0;
		end = run(&w);
		if (!phase_is_final(end.s.phase))
			fail_msg("seed %d does not end", (int)seed);
		if (end.d.kind == DECIDE_SUCCEED) {
			if (!w.promoted || !w.retired || w.is_bad || w.traffic.segments)
				fail_msg("seed %d succeeded wrongly", (int)seed);
			succeeded++;
		} else if (end.s.ending == ENDING_RESTORED) {
			if (has_traffic(&w) || w.leftover)
				fail_msg("seed %d: not restored", (int)seed);
			restored++;
		} else {
			fail_msg("seed %d ended %s", (int)seed, ending_name(end.s.ending));
		}
	}
	printf("# %d succeeded, %d restored\n", succeeded, restored);
	assert_true(succeeded > 50 && restored > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_state_meets_any_look),
		cmocka_unit_test(test_good_rollouts_succeed),
		cmocka_unit_test(test_bad_rollouts_go_back),
		cmocka_unit_test(test_started_rollouts_are_promoted),
		cmocka_unit_test(test_parked_rollouts_go_back),
		cmocka_unit_test(test_rollbacks_succeed),
		cmocka_unit_test(test_evil_worlds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
