#include "tests/unit/rollout/decide_fixture.h"
#include "tests/unit/rollout/decide_mode_rules.h"
#include "tests/unit/rollout/decide_rules.h"

/* The rules of decide_rules.h, each edge of the phase list, and what takes more than one look. */

/* --- running a rule --------------------------------------------------------------------------- */

static struct plan plan_of(const struct rule *r)
{
	struct plan p = test_plan();

	if (r->plan & HOLD_ON)
		p.unknown_then = UNKNOWN_HOLD;
	p.rollback_on_guard = !(r->plan & KEEP_ON_GUARD);
	p.rollback_on_timeout = !(r->plan & KEEP_ON_TIMEOUT);
	p.rollback_on_abandon = !(r->plan & LEAVE);
	if (r->plan & NO_BAKE)
		p.bake_ms = 0;
	if (r->plan & LAST_IS_ALL)
		p.steps[2].weight_bp = 10000;
	if (r->plan & KEEP_CANDIDATE)
		p.keep_candidate_ms = HOUR;
	if (r->plan & NO_LIMITS)
		p.prepare_ms = p.verify_ms = 0;
	if (r->plan & FAIL_WHEN_BUSY)
		p.busy_then = BUSY_FAIL;
	if (r->plan & WAIT_5M)
		p.busy_wait_ms = 5 * M;
	if (r->plan & SHORT_BUDGET)
		/* an hour of it is over; 10 minutes are kept, and the steps take 45 */
		p.max_duration_ms = H + 90 * M;
	if (r->plan & START)
		p.mode = MODE_START;
	if (r->plan & ALL_AT_ONCE) {
		p.n_steps = 1;
		p.steps[0].weight_bp = 10000;
	}
	return p;
}

static struct rollout_state state_of(const struct plan *plan, const struct rule *r)
{
	struct rollout_state s = test_state(plan, r->phase, r->step);

	s.ending = r->was;
	if (r->state & ATTACHED)
		rollout_attach(&s,
			       (struct utc){s.phase_since.ms + (phase_is_final(s.phase) ? H : M)});
	s.first = (r->state & FIRST) != 0;
	if (r->state & UNTOUCHED)
		s.touched = false;
	if (r->state & NO_UNDO)
		s.undo[0] = '\0';
	if (r->state & MOVED)
		s.changed_at.ms = s.phase_since.ms - M;
	if (r->state & PROMOTED)
		s.changed_at = s.phase_since;
	if (r->hold_ms)
		s.hold_since.ms = s.phase_since.ms + r->at_ms - r->hold_ms;
	if (r->phase == PHASE_RESTORE || r->phase == PHASE_PROVE) {
		s.cause = CAUSE_GUARD;
		str_copy(s.cause_text, sizeof(s.cause_text), STR("with 5% on it: errors is red"));
	}
	return s;
}

static void set_guards(struct observation *o, const struct rule *r, int64_t since, struct utc now)
{
	static const enum verdict_kind kinds[] = {
		[G_UNKNOWN] = VERDICT_UNKNOWN, [G_ERROR] = VERDICT_ERROR, [G_FAIL] = VERDICT_FAIL};

	o->has_guards = r->guards != G_NONE && (o->has_guards || r->guards != G_PASS);
	if (r->guards == G_UNKNOWN || r->guards == G_ERROR || r->guards == G_FAIL)
		o->guards = verdict_make(kinds[r->guards], now, "errors is red");
	if (r->guards == G_OLD && r->phase == PHASE_WATCH)
		o->guards.at.ms = since + 10 * M - 1;
	else if (r->guards == G_OLD && r->phase == PHASE_BAKE && !(r->plan & NO_BAKE))
		o->guards.at.ms = since + 15 * M - 1;
	else if (r->guards == G_OLD)
		o->guards.at.ms = since + (r->state & ATTACHED ? M : 0) - 1;
	if (r->guards == G_ANCIENT)
		o->guards.at.ms = now.ms - 5 * M - 1;
	if (r->guards == G_FUTURE)
		o->guards.at.ms = now.ms + 1;
}

static struct observation look_of(const struct plan *plan, const struct rollout_state *s,
				  const struct rule *r, struct utc now, const struct err *act)
{
	struct observation o = test_look(plan, s, now);

	if (r->live)
		o.target.live = (enum live)(r->live - 1);
	if (r->bp)
		o.target.traffic.weight_bp = r->bp;
	if (r->candidate)
		o.target.candidate = (enum candidate_state)(r->candidate - 1);
	o.target.settled = !r->unsettled;
	o.target.denied = r->denied;
	o.target.retired = r->retired;
	o.target.leftover = r->leftover;
	o.token_held = !r->no_token;
	o.abandoned = r->abandoned;
	o.operator_command = r->op;
	o.operator_name = r->op ? "ann" : NULL;
	o.act_error = r->act ? act : NULL;
	o.mode = r->mode;
	o.target.unnamed = r->unnamed;
	o.between_jobs = r->between_jobs;
	if (r->held != ALONE)
		o.held = (struct held){.by = r->held == BY_OTHERS ? HELD_BY_OTHERS
								  : HELD_BY_ROLLOUT,
				       .rollout = "r-other",
				       .pipeline = "shop",
				       .target = "lambda:checkout:live",
				       .since = {T0},
				       .waits = r->held == BY_WAITER,
				       .text = "the alias is weighted already"};
	if (s->phase == PHASE_PARKED && r->mode != MODE_DEPLOY) {
		o.has_guards = true;
		o.guards = verdict_make(VERDICT_PASS, now, "errors is OK");
	}
	set_guards(&o, r, s->phase_since.ms, now);
	if (r->health == H_FAIL)
		o.target.baseline_health.kind = VERDICT_FAIL;
	if (r->health == H_OLD)
		o.target.baseline_health.at.ms = s->phase_since.ms - 1;
	return o;
}

static void run_rule(const struct rule *r, struct rollout_state *s, struct rollout_state *next,
		     struct decision *d)
{
	struct plan plan = plan_of(r);
	struct utc now = {T0 + HOUR + r->at_ms};
	struct err act = ERR_INIT;
	struct observation o;

	err_set(&act, r->act, "the call was refused");
	*s = state_of(&plan, r);
	o = look_of(&plan, s, r, now, &act);
	if (r->plan & LOST)
		plan.n_steps = 0;
	decide(&plan, s, &o, now, next, d);
}

#define N_RULES (sizeof(RULES) / sizeof(RULES[0]))
#define N_MODE_RULES (sizeof(MODE_RULES) / sizeof(MODE_RULES[0]))

static const struct rule *rule_at(size_t i)
{
	return i < N_RULES ? &RULES[i] : &MODE_RULES[i - N_RULES];
}

static void test_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_RULES + N_MODE_RULES; i++) {
		const struct rule *r = rule_at(i);
		int to = r->to ? r->to - 1 : (int)r->phase;
		bool backs = r->phase == PHASE_RESTORE || r->phase == PHASE_PROVE;
		struct rollout_state s, next;
		struct decision d;

		run_rule(r, &s, &next, &d);
		if (d.kind != r->then || (int)next.phase != to)
			fail_msg("%s: decision %d, to %s: %s", r->name, d.kind,
				 phase_name(next.phase), d.reason);
		if (next.step != r->to_step || (int)next.cause != (backs ? CAUSE_GUARD : r->cause))
			fail_msg("%s: step %d, cause %s", r->name, next.step,
				 cause_name(next.cause));
		if (r->ending && (int)next.ending != r->ending)
			fail_msg("%s: ending %s", r->name, ending_name(next.ending));
		if (r->failure && (int)d.failure != r->failure - 1)
			fail_msg("%s: failure %d", r->name, d.failure);
		if (r->bp_then && d.traffic.weight_bp != r->bp_then)
			fail_msg("%s: weight %d", r->name, d.traffic.weight_bp);
		if (r->until_ms && d.until.ms != s.phase_since.ms + r->until_ms)
			fail_msg("%s: until %lld", r->name,
				 (long long)(d.until.ms - s.phase_since.ms));
		if (r->says && !strstr(d.reason, r->says))
			fail_msg("%s: \"%s\"", r->name, d.reason);
	}
}

/* Every edge of the phase list is taken by a rule, and none that is not in it. */
static void test_every_edge_is_taken(void **state)
{
	bool taken[PHASE_COUNT][PHASE_COUNT] = {{false}};

	(void)state;
	for (size_t i = 0; i < N_RULES + N_MODE_RULES; i++) {
		struct rollout_state s, next;
		struct decision d;

		run_rule(rule_at(i), &s, &next, &d);
		if (s.phase != next.phase)
			taken[s.phase][next.phase] = true;
	}
	for (unsigned a = 0; a < PHASE_COUNT; a++)
		for (unsigned b = 0; b < PHASE_COUNT; b++)
			if (taken[a][b] != phase_may_go((enum phase)a, (enum phase)b))
				fail_msg("%s to %s: %s", phase_name((enum phase)a),
					 phase_name((enum phase)b),
					 taken[a][b] ? "not in the list" : "never taken");
}

/* --- what takes more than one look ------------------------------------------------------------ */

/* The hold begins with the first look that is no Pass, survives others, and ends with a Pass. */
static void test_hold_is_remembered(void **state)
{
	struct plan plan = test_plan();
	struct rollout_state s = test_state(&plan, PHASE_WATCH, 0), next;
	struct utc now = {s.phase_since.ms + M};
	struct observation o = test_look(&plan, &s, now);
	struct decision d;

	(void)state;
	o.guards.kind = VERDICT_UNKNOWN;
	decide(&plan, &s, &o, now, &next, &d);
	assert_int_equal(next.hold_since.ms, now.ms);
	s = next;
	now.ms += M;
	o.guards = verdict_make(VERDICT_ERROR, now, "no answer");
	decide(&plan, &s, &o, now, &next, &d);
	assert_int_equal(next.hold_since.ms, now.ms - M);
	assert_true(next.seq == s.seq);
	s = next;
	now.ms += M;
	o.guards = verdict_make(VERDICT_PASS, now, "ok");
	decide(&plan, &s, &o, now, &next, &d);
	assert_int_equal(next.hold_since.ms, 0);
	assert_true(next.seq == s.seq + 1);
}

/* A hold of 0 goes back at the first look that is no Pass, but not for a Pass of a moment ago. */
static void test_no_hold_at_all(void **state)
{
	struct plan plan = test_plan();
	struct rollout_state s = test_state(&plan, PHASE_WATCH, 0), next;
	struct utc now = {s.phase_since.ms};
	struct observation o = test_look(&plan, &s, now);
	struct decision d;

	(void)state;
	plan.unknown_hold_ms = 0;
	o.guards.at.ms = now.ms - 10 * S;
	decide(&plan, &s, &o, now, &next, &d);
	assert_int_equal(next.phase, PHASE_WATCH);
	o.guards.kind = VERDICT_UNKNOWN;
	decide(&plan, &s, &o, now, &next, &d);
	assert_int_equal(next.phase, PHASE_RESTORE);
	assert_int_equal(next.cause, CAUSE_UNKNOWN);
}

/* The data of a metric with long periods is old by nature. */
static void test_age_of_evidence_follows_the_periods(void **state)
{
	struct plan plan = test_plan();
	struct rollout_state s = test_state(&plan, PHASE_WATCH, 0), next;
	struct utc now = {s.phase_since.ms + 9 * M};
	struct observation o = test_look(&plan, &s, now);
	struct decision d;

	(void)state;
	o.guards.at.ms = now.ms - 6 * M;
	decide(&plan, &s, &o, now, &next, &d);
	assert_int_equal(next.hold_since.ms, now.ms);
	plan.guards[0].period_ms = M;
	decide(&plan, &s, &o, now, &next, &d);
	assert_int_equal(next.hold_since.ms, 0);
}

/* A cause that is known already is the one that gets reported. */
static void test_first_cause_stays(void **state)
{
	struct plan plan = test_plan();
	struct rollout_state s = test_state(&plan, PHASE_WATCH, 0), next;
	struct observation o = test_look(&plan, &s, s.phase_since);
	struct decision d;

	(void)state;
	s.cause = CAUSE_GUARD;
	str_copy(s.cause_text, sizeof(s.cause_text), STR("errors was red"));
	o.target.live = LIVE_BASELINE;
	decide(&plan, &s, &o, s.phase_since, &next, &d);
	assert_int_equal(next.phase, PHASE_RESTORE);
	assert_int_equal(next.cause, CAUSE_GUARD);
	assert_string_equal(next.cause_text, "errors was red");
}

static void test_failure_types_follow_the_cause(void **state)
{
	static const enum failure types[CAUSE_COUNT] = {
		[CAUSE_GUARD] = FAILURE_JOB_FAILED,
		[CAUSE_UNKNOWN] = FAILURE_JOB_FAILED,
		[CAUSE_TIMEOUT] = FAILURE_JOB_FAILED,
		[CAUSE_CANDIDATE] = FAILURE_JOB_FAILED,
		[CAUSE_OPERATOR] = FAILURE_JOB_FAILED,
		[CAUSE_ABANDON] = FAILURE_JOB_FAILED,
		[CAUSE_DRIFT] = FAILURE_REVISION_OUT_OF_SYNC,
		[CAUSE_DENIED] = FAILURE_PERMISSION_ERROR,
		[CAUSE_PLAN] = FAILURE_CONFIGURATION_ERROR,
		[CAUSE_SYSTEM] = FAILURE_SYSTEM_UNAVAILABLE,
		[CAUSE_BUSY] = FAILURE_REVISION_OUT_OF_SYNC,
	};
	struct plan plan = test_plan();

	(void)state;
	for (unsigned c = CAUSE_GUARD; c < CAUSE_COUNT; c++) {
		struct rollout_state s = test_state(&plan, PHASE_PROVE, 0), next;
		struct utc now = {s.phase_since.ms + S};
		struct observation o = test_look(&plan, &s, now);
		struct decision d;

		s.cause = (enum cause)c;
		decide(&plan, &s, &o, now, &next, &d);
		assert_int_equal(d.kind, DECIDE_FAIL);
		assert_int_equal(d.failure, types[c]);
		assert_int_equal(next.cause, c);
	}
}

/* A report may go out much later, with nothing but the token to tell from. */
static void test_what_is_left_behind_is_kept_in_the_token(void **state)
{
	static const char left[] = "what was made for the candidate is there still: out of time";
	const struct rule r = {"late", PHASE_PROVE, .leftover = true, .at_ms = 30 * M};
	const struct plan plan = test_plan();
	struct rollout_state s, next;
	struct decision d;
	struct err act = ERR_INIT;
	struct observation o;

	(void)state;
	run_rule(&r, &s, &next, &d);
	assert_string_equal(
		next.cause_text,
		"with 5% on it: errors is red; what was made for the candidate is there "
		"still: out of time");
	assert_non_null(strstr(d.reason, left));
	/* a long text is cut for it */
	memset(s.cause_text, 'x', sizeof(s.cause_text) - 1);
	o = look_of(&plan, &s, &r, (struct utc){s.phase_since.ms + r.at_ms}, &act);
	decide(&plan, &s, &o, (struct utc){s.phase_since.ms + r.at_ms}, &next, &d);
	assert_int_equal(strlen(next.cause_text), CAUSE_TEXT_MAX);
	assert_true(str_ends(str_from(next.cause_text), left));
	s.cause_text[0] = '\0'; /* then the reason is what is told */
	decide(&plan, &s, &o, (struct utc){s.phase_since.ms + r.at_ms}, &next, &d);
	assert_string_equal(next.cause_text, "");
}

/* What services and people say goes into the token: it must be made fit for it. */
static void test_cause_text_is_ascii(void **state)
{
	struct plan plan = test_plan();
	struct rollout_state s = test_state(&plan, PHASE_WATCH, 0), next;
	struct utc now = {s.phase_since.ms};
	struct observation o = test_look(&plan, &s, now);
	struct decision d;

	(void)state;
	o.operator_command = OPERATOR_ROLLBACK;
	o.operator_name = "Zo\xc3\xab\n\x1b[31m";
	decide(&plan, &s, &o, now, &next, &d);
	assert_string_equal(next.cause_text, "Zo????[31m asked to go back");
	assert_string_equal(d.reason, "Zo\xc3\xab??[31m asked to go back");
	o.operator_name = NULL;
	decide(&plan, &s, &o, now, &next, &d);
	assert_string_equal(next.cause_text, "an operator asked to go back");
}

/* RETIRE tells at its end what hindered it on the way; a success forgets it. */
static void test_retire_remembers_what_hindered(void **state)
{
	struct plan plan = test_plan();
	struct rollout_state s = test_state(&plan, PHASE_RETIRE, 2), next;
	struct utc now = {s.phase_since.ms};
	struct observation o = test_look(&plan, &s, now);
	struct err err = ERR_INIT;
	struct decision d;

	(void)state;
	err_set(&err, ERR_DENIED, "DeleteThing was denied");
	o.act_error = &err;
	decide(&plan, &s, &o, now, &next, &d);
	assert_int_equal(d.kind, DECIDE_WAIT);
	s = next;
	o.act_error = NULL;
	now.ms += 30 * M;
	decide(&plan, &s, &o, now, &next, &d);
	assert_int_equal(d.kind, DECIDE_FAIL);
	assert_non_null(strstr(next.cause_text, "DeleteThing was denied"));
	o.target.retired = true;
	decide(&plan, &s, &o, now, &next, &d);
	assert_int_equal(d.kind, DECIDE_SUCCEED);
	assert_string_equal(next.cause_text, "");
}

/* Another action's budget and patience begin when it comes; an end of before is told apart. */
static void test_attach(void **state)
{
	struct plan plan = test_plan();
	struct rollout_state s = test_state(&plan, PHASE_PARKED, 2);

	(void)state;
	s.hold_since.ms = T0 + HOUR;
	rollout_attach(&s, (struct utc){T0 + 9 * HOUR});
	assert_int_equal(s.started.ms, T0 + 9 * HOUR);
	assert_int_equal(s.hold_since.ms, 0);
	assert_int_equal(s.phase_since.ms, T0 + HOUR);
	assert_int_equal(s.seq, 11);
	assert_false(rollout_ended_before(&s));
	s = test_state(&plan, PHASE_FAILED, 2);
	assert_false(rollout_ended_before(&s));
	/* by a clock that is behind the one that saw the end */
	rollout_attach(&s, (struct utc){T0});
	assert_int_equal(s.started.ms, s.phase_since.ms + 1);
	assert_true(rollout_ended_before(&s));
}

/* The action that promotes has a budget of its own, from when it came. */
static void test_budget_of_an_attached_action(void **state)
{
	struct plan plan = test_plan();
	struct rollout_state s = test_state(&plan, PHASE_PARKED, 2), next;
	struct utc now = {T0 + 100 * HOUR};
	struct observation o;
	struct decision d;

	(void)state;
	rollout_attach(&s, now);
	o = test_look(&plan, &s, now);
	o.mode = MODE_PROMOTE;
	o.guards.kind = VERDICT_UNKNOWN;
	decide(&plan, &s, &o, now, &next, &d);
	assert_int_equal(next.phase, PHASE_PARKED);
	now.ms += 22 * HOUR + 50 * MINUTE;
	o.guards = verdict_make(VERDICT_PASS, now, "ok");
	decide(&plan, &s, &o, now, &next, &d);
	assert_int_equal(next.phase, PHASE_RESTORE);
	assert_int_equal(next.cause, CAUSE_TIMEOUT);
}

static void test_look_as(void **state)
{
	struct plan plan = test_plan();
	struct rollout_state s = test_state(&plan, PHASE_PARKED, 2);

	(void)state;
	assert_int_equal(rollout_look_as(&plan, &s, MODE_DEPLOY), PHASE_WATCH);
	assert_int_equal(rollout_guards_of(&plan, &s, MODE_DEPLOY), GUARD_IN_WATCH);
	plan.steps[2].weight_bp = 10000;
	assert_true(rollout_is_before_traffic(&plan, &s));
	assert_int_equal(rollout_look_as(&plan, &s, MODE_DEPLOY), PHASE_VERIFY);
	assert_int_equal(rollout_guards_of(&plan, &s, MODE_DEPLOY), 0);
	assert_int_equal(rollout_guards_of(&plan, &s, MODE_PROMOTE), GUARD_IN_VERIFY);
	s.phase = PHASE_SUCCEEDED;
	assert_int_equal(rollout_look_as(&plan, &s, MODE_DEPLOY), PHASE_RETIRE);
	assert_int_equal(rollout_look_as(&plan, &s, MODE_ROLLBACK), PHASE_RESTORE);
	s.phase = PHASE_FAILED;
	assert_int_equal(rollout_look_as(&plan, &s, MODE_DEPLOY), PHASE_RESTORE);
	assert_int_equal(rollout_guards_of(&plan, &s, MODE_ROLLBACK), 0);
	s.phase = PHASE_BAKE;
	assert_int_equal(rollout_look_as(&plan, &s, MODE_DEPLOY), PHASE_BAKE);
	assert_int_equal(rollout_guards_of(&plan, &s, MODE_DEPLOY), GUARD_IN_BAKE);
}

/* What another worker of this rollout did must be restored by this one, too, when it has to. */
static void test_traffic_is_a_touch(void **state)
{
	static const enum phase phases[] = {PHASE_SHIFT, PHASE_WATCH, PHASE_PROMOTE, PHASE_BAKE};
	struct plan plan = test_plan();

	(void)state;
	for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]); i++) {
		struct rollout_state s = test_state(&plan, phases[i], 0), next;
		struct utc now = {s.phase_since.ms + M};
		struct observation o = test_look(&plan, &s, now);
		struct decision d;

		s.touched = false;
		decide(&plan, &s, &o, now, &next, &d);
		assert_true(next.touched);
		assert_true(next.seq > s.seq);
	}
}

static void test_begin(void **state)
{
	struct plan plan = test_plan();
	struct rollout_state s;

	(void)state;
	rollout_begin(&plan, "r-1", (struct utc){T0}, &s);
	assert_int_equal(s.phase, PHASE_INSPECT);
	assert_string_equal(s.id, "r-1");
	assert_string_equal(s.plan_digest, "0123456789abcdef0123456789abcdef");
	assert_int_equal(s.started.ms, T0);
	assert_int_equal(s.phase_since.ms, T0);
	assert_false(s.touched);
	assert_int_equal(s.percent, 0);
}

static void test_guards_in(void **state)
{
	(void)state;
	assert_int_equal(rollout_guards_in(PHASE_VERIFY), GUARD_IN_VERIFY);
	assert_int_equal(rollout_guards_in(PHASE_WATCH), GUARD_IN_WATCH);
	assert_int_equal(rollout_guards_in(PHASE_SHIFT), GUARD_IN_WATCH);
	assert_int_equal(rollout_guards_in(PHASE_PARKED), GUARD_IN_WATCH);
	assert_int_equal(rollout_guards_in(PHASE_PROMOTE), GUARD_IN_WATCH);
	assert_int_equal(rollout_guards_in(PHASE_BAKE), GUARD_IN_BAKE);
	assert_int_equal(rollout_guards_in(PHASE_INSPECT), 0);
	assert_int_equal(rollout_guards_in(PHASE_RESTORE), 0);
	assert_int_equal(rollout_guards_in(PHASE_FAILED), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_every_edge_is_taken),
		cmocka_unit_test(test_hold_is_remembered),
		cmocka_unit_test(test_no_hold_at_all),
		cmocka_unit_test(test_age_of_evidence_follows_the_periods),
		cmocka_unit_test(test_first_cause_stays),
		cmocka_unit_test(test_failure_types_follow_the_cause),
		cmocka_unit_test(test_what_is_left_behind_is_kept_in_the_token),
		cmocka_unit_test(test_cause_text_is_ascii),
		cmocka_unit_test(test_retire_remembers_what_hindered),
		cmocka_unit_test(test_attach),
		cmocka_unit_test(test_budget_of_an_attached_action),
		cmocka_unit_test(test_look_as),
		cmocka_unit_test(test_traffic_is_a_touch),
		cmocka_unit_test(test_begin),
		cmocka_unit_test(test_guards_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
