#include "tests/unit/rollout/decide_fixture.h"

/* What people read: percentage, one line, and the message of a failure. */

/* --- helpers ---------------------------------------------------------------------------------- */

static struct decision wait_for(const char *reason)
{
	struct decision d = {.kind = DECIDE_WAIT};

	str_copy(d.reason, sizeof(d.reason), str_from(reason));
	return d;
}

struct text {
	char p[LIMIT_FAILURE_MESSAGE + 1];
};

static struct text summary(const struct plan *plan, const struct rollout_state *s,
			   const struct observation *o, const struct decision *d, struct utc now)
{
	struct text t;
	struct buf out;

	buf_init(&out, LIMIT_SUMMARY);
	rollout_summary(plan, s, o, d, now, &out);
	assert_false(out.over);
	assert_null(strchr(out.p, '\n'));
	str_copy(t.p, sizeof(t.p), buf_str(&out));
	buf_release(&out);
	return t;
}

static struct text message(const struct plan *plan, const struct rollout_state *s,
			   const struct observation *o, const struct decision *d)
{
	struct text t;
	struct buf out;

	buf_init(&out, LIMIT_FAILURE_MESSAGE);
	rollout_failure_message(plan, s, o, d, &out);
	assert_false(out.over);
	str_copy(t.p, sizeof(t.p), buf_str(&out));
	buf_release(&out);
	return t;
}

static void assert_says(struct text t, const char *what)
{
	if (!strstr(t.p, what))
		fail_msg("\"%s\" is not in \"%s\"", what, t.p);
}

/* --- summary ---------------------------------------------------------------------------------- */

static void test_watching(void **state)
{
	struct plan plan = test_plan();
	struct rollout_state s = test_state(&plan, PHASE_WATCH, 1);
	struct utc now = {s.phase_since.ms + 200 * SECOND};
	struct observation o = test_look(&plan, &s, now);
	struct decision d = wait_for("watching: errors is OK");

	(void)state;
	plan.steps[1].approve = false;
	assert_string_equal(
		summary(&plan, &s, &o, &d, now).p,
		"step 2 of 3: 25% on the candidate; Pass (2 guards); next: 50% in 6m40s");
	plan.steps[1].approve = true;
	assert_says(summary(&plan, &s, &o, &d, now), "next: 50%, when approved, in 6m40s");
	s.step = 2;
	assert_says(summary(&plan, &s, &o, &d, now), "step 3 of 3: 50%");
	assert_says(summary(&plan, &s, &o, &d, now), "next: promotion in 6m40s");
	now.ms += HOUR;
	assert_says(summary(&plan, &s, &o, &d, now), "next: promotion as soon as all is well");
	s.step = 3; /* of a plan that had more */
	assert_null(strstr(summary(&plan, &s, &o, &d, now).p, "step"));
}

static void test_holding(void **state)
{
	struct plan plan = test_plan();
	struct rollout_state s = test_state(&plan, PHASE_WATCH, 0);
	struct utc now = {s.phase_since.ms + 5 * MINUTE};
	struct observation o = test_look(&plan, &s, now);
	struct decision d = wait_for("no Pass for 3m: Unknown: no data of errors");

	(void)state;
	s.hold_since.ms = now.ms - 3 * MINUTE;
	o.guards = verdict_make(VERDICT_UNKNOWN, now, "no data of errors");
	assert_string_equal(
		summary(&plan, &s, &o, &d, now).p,
		"step 1 of 3: 5% on the candidate; Unknown (2 guards) for 3m: no data of "
		"errors; no Pass for 3m: Unknown: no data of errors");
	o.guards = verdict_make(VERDICT_PASS, now, "ok");
	o.operator_command = OPERATOR_HOLD;
	d = wait_for("held by ann");
	assert_says(summary(&plan, &s, &o, &d, now), "Pass (2 guards); held by ann");
}

static void test_parked(void **state)
{
	struct plan plan = test_plan();
	struct rollout_state s = test_state(&plan, PHASE_PARKED, 2);
	struct utc now = {s.phase_since.ms + 200 * SECOND};
	struct observation o = test_look(&plan, &s, now);
	struct decision d = wait_for("waiting for promote");

	(void)state;
	plan.mode = MODE_START;
	assert_string_equal(summary(&plan, &s, &o, &d, now).p,
			    "parked at 50%; Pass (2 guards); waiting for promote");
	assert_int_equal(rollout_percent(&plan, &s, now), 66);
	d.kind = DECIDE_HAND_OVER;
	assert_says(summary(&plan, &s, &o, &d, now), "waiting for promote");
	plan.n_steps = 1;
	plan.steps[0].weight_bp = 10000;
	s.step = 0;
	o.has_guards = false;
	assert_string_equal(summary(&plan, &s, &o, &d, now).p,
			    "parked before any traffic; waiting for promote");
	assert_int_equal(rollout_percent(&plan, &s, now), 10);
}

/* What an action with Mode: rollback is told. */
static void test_rolled_back(void **state)
{
	struct plan plan = test_plan();
	struct rollout_state s = test_state(&plan, PHASE_FAILED, 2);
	struct observation o = {.mode = MODE_ROLLBACK};
	struct decision d = {.kind = DECIDE_SUCCEED};
	struct utc now = s.phase_since;

	(void)state;
	s.ending = ENDING_RESTORED;
	s.cause = CAUSE_GUARD;
	str_copy(s.cause_text, sizeof(s.cause_text), STR("errors is red"));
	assert_string_equal(summary(&plan, &s, &o, &d, now).p,
			    "rolled back. The baseline carries all traffic; that was read back, "
			    "and it is healthy.");
	rollout_attach(&s, (struct utc){now.ms + MINUTE});
	assert_string_equal(summary(&plan, &s, &o, &d, now).p,
			    "rolled back already, because (guard): errors is red");
	s.ending = ENDING_UNTOUCHED;
	assert_says(summary(&plan, &s, &o, &d, now), "this rollout changed nothing");
	s.phase = PHASE_SUCCEEDED;
	s.ending = ENDING_SAME;
	assert_says(summary(&plan, &s, &o, &d, now), "this rollout shifted nothing");
}

static void test_segments(void **state)
{
	static const struct {
		enum phase phase;
		int step;
		const char *says;
	} cases[] = {
		{PHASE_SHIFT, 0, "step 1 of 3: segment staff to the candidate"},
		{PHASE_WATCH, 0, "step 1 of 3: segment staff on the candidate"},
		{PHASE_WATCH, 0, "next: 5% in"},
		{PHASE_WATCH, 1, "step 2 of 3: 5% and segment staff on the candidate"},
		{PHASE_WATCH, 1, "next: segment beta, when approved,"},
		{PHASE_WATCH, 2, "step 3 of 3: 5% and segments staff, beta on the candidate"},
		{PHASE_WATCH, 2, "next: promotion"},
	};
	struct plan plan = test_plan_segments();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rollout_state s = test_state(&plan, cases[i].phase, cases[i].step);
		struct observation o = test_look(&plan, &s, s.phase_since);
		struct decision d = {.kind = DECIDE_AGAIN};

		assert_says(summary(&plan, &s, &o, &d, s.phase_since), cases[i].says);
	}
}

/* However many there are and however they are called. */
static void test_traffic_in_words(void **state)
{
	struct plan plan = test_plan();
	char text[TRAFFIC_TEXT_SIZE];

	(void)state;
	plan.n_segments = LIMIT_SEGMENTS;
	for (size_t i = 0; i < LIMIT_SEGMENTS; i++)
		plan.segments[i].name = "a-name-that-is-as-long-as-it-may";
	rollout_traffic_text(&plan, &(struct traffic){0, 0}, text);
	assert_string_equal(text, "0%");
	rollout_traffic_text(&plan, &(struct traffic){9999, 255}, text);
	assert_string_equal(
		text, "99.99% and segments a-name-that-is-as-long-as-it-may, "
		      "a-name-that-is-as-long-as-it-may, a-name-that-is-as-long-as-it-may, "
		      "a-name-that-is-as-long-as-it-may, a-name-that-is-as-long-as-it-may, "
		      "a-name-that-is-as-long-as-it-may, a-name-that-is-as-long-as-it-may, "
		      "a-name-that-is-as-long-as-it-may");
}

static void test_other_phases(void **state)
{
	static const struct {
		enum phase phase;
		const char *says;
	} cases[] = {
		{PHASE_INSPECT, "nothing is touched yet"},
		{PHASE_PREPARE, "bringing the candidate up, no traffic yet"},
		{PHASE_VERIFY, "verifying the candidate, no traffic yet; Pass (1 guard)"},
		{PHASE_SHIFT, "step 1 of 3: 5% to the candidate"},
		{PHASE_PROMOTE, "making the candidate the baseline"},
		{PHASE_BAKE, "100% on the candidate, baking; Pass (1 guard); next: done in 15m"},
		{PHASE_RETIRE, "retiring the old version"},
		{PHASE_RESTORE, "going back to the baseline"},
		{PHASE_PROVE, "the baseline has all traffic again"},
		{PHASE_SUCCEEDED, "done: the candidate serves everything"},
		{PHASE_FAILED, "failed"},
	};
	struct plan plan = test_plan();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rollout_state s = test_state(&plan, cases[i].phase, 0);
		struct observation o = test_look(&plan, &s, s.phase_since);
		struct decision d = wait_for("because");

		assert_says(summary(&plan, &s, &o, &d, s.phase_since), cases[i].says);
	}
}

static void test_summary_says_why_it_goes_back(void **state)
{
	struct plan plan = test_plan();
	struct rollout_state s = test_state(&plan, PHASE_RESTORE, 1);
	struct observation o = test_look(&plan, &s, s.phase_since);
	struct decision d = wait_for("looking again");

	(void)state;
	s.cause = CAUSE_GUARD;
	str_copy(s.cause_text, sizeof(s.cause_text), STR("with 25% on the candidate: 7 > 5"));
	assert_string_equal(
		summary(&plan, &s, &o, &d, s.phase_since).p,
		"going back to the baseline, because (guard): with 25% on the candidate: "
		"7 > 5; looking again");
	s.phase = PHASE_FAILED;
	s.ending = ENDING_RESTORED;
	assert_says(summary(&plan, &s, &o, &d, s.phase_since),
		    "7 > 5. The baseline carries all traffic; that was read back");
	s = test_state(&plan, PHASE_SUCCEEDED, 0);
	s.ending = ENDING_SAME;
	assert_says(summary(&plan, &s, &o, &d, s.phase_since), "nothing to shift");
}

static void fill(char *to, size_t size)
{
	memset(to, 'x', size - 1);
	to[size - 1] = '\0';
}

/* The largest texts fit, in every phase, with a plan or without. */
static void test_texts_fit(void **state)
{
	struct plan plan = test_plan(), none = test_plan();

	(void)state;
	none.n_steps = none.n_guards = 0;
	none.strategy = NULL;
	for (unsigned p = 0; p < PHASE_COUNT; p++) {
		for (unsigned e = 0; e < ENDING_COUNT; e++) {
			struct rollout_state s = test_state(&plan, (enum phase)p, LIMIT_STEPS - 1);
			struct observation o = test_look(&plan, &s, s.phase_since);
			struct decision d = wait_for("");

			fill(d.reason, sizeof(d.reason));
			fill(s.cause_text, sizeof(s.cause_text));
			fill(s.undo, sizeof(s.undo));
			fill(s.candidate, sizeof(s.candidate));
			fill(o.target.detail, sizeof(o.target.detail));
			fill(o.guards.text, sizeof(o.guards.text));
			fill(o.target.baseline_health.text, sizeof(o.target.baseline_health.text));
			o.guards.kind = VERDICT_ERROR;
			s.ending = (enum ending)e;
			summary(&plan, &s, &o, &d, s.phase_since);
			message(&plan, &s, &o, &d);
			s.step = 0;
			s.cause = CAUSE_CANDIDATE;
			summary(&plan, &s, &o, &d, s.phase_since);
			message(&plan, &s, &o, &d);
			summary(&none, &s, &o, &d, s.phase_since);
			message(&none, &s, &o, &d);
			rollout_percent(&none, &s, s.phase_since);
		}
	}
}

/* --- failure ---------------------------------------------------------------------------------- */

static void test_message_of_a_rollback(void **state)
{
	struct plan plan = test_plan();
	struct rollout_state s = test_state(&plan, PHASE_PROVE, 1), next;
	struct utc now = {s.phase_since.ms + SECOND};
	struct observation o = test_look(&plan, &s, now);
	struct decision d;

	(void)state;
	s.cause = CAUSE_GUARD;
	str_copy(s.cause_text, sizeof(s.cause_text),
		 STR("with 25% on the candidate: alarm errors is in ALARM: 7 > 5"));
	decide(&plan, &s, &o, now, &next, &d);
	assert_string_equal(
		message(&plan, &next, &o, &d).p,
		"A guard failed: with 25% on the candidate: alarm errors is in ALARM: 7 > 5. The "
		"baseline carries all traffic; that was read back, and it is healthy. The last "
		"look: "
		"version 12 is Active. Rollout r-test, strategy canary, step 2 of 3 (25%), "
		"candidate "
		"13, baseline {\"t\":\"lambda\",\"v\":\"12\"}.");
	/* told again after a crash, with nothing to look at */
	o = (struct observation){.token_held = true};
	assert_says(message(&plan, &next, &o, &d), "7 > 5. The baseline carries all traffic");
}

static void test_message_never_claims_more_than_was_seen(void **state)
{
	struct plan plan = test_plan();
	struct rollout_state s = test_state(&plan, PHASE_RESTORE, 1), next;
	struct utc now = {s.phase_since.ms + HOUR};
	struct observation o = test_look(&plan, &s, now);
	struct decision d;
	struct text t;

	(void)state;
	s.cause = CAUSE_GUARD;
	str_copy(s.cause_text, sizeof(s.cause_text), STR("7 > 5"));
	o.target.live = LIVE_UNREADABLE;
	str_copy(o.target.detail, sizeof(o.target.detail), STR("GetAlias: AccessDenied"));
	decide(&plan, &s, &o, now, &next, &d);
	t = message(&plan, &next, &o, &d);
	assert_says(
		t, "could NOT be proved that the baseline carries the traffic: somebody must look");
	assert_says(t, "The last look: GetAlias: AccessDenied.");
	assert_null(strstr(t.p, "carries all traffic"));
	s.ending = ENDING_NONE;
	assert_says(message(&plan, &s, &o, &d), "How the target was left is not known");
}

/* Every cause has a headline and every way of ending badly a sentence of its own. */
static void test_messages_differ(void **state)
{
	struct plan plan = test_plan();
	struct rollout_state s = test_state(&plan, PHASE_FAILED, 0);
	struct observation o = {.token_held = true};
	struct decision d = wait_for("why");
	struct text seen[ENDING_COUNT + CAUSE_COUNT];
	size_t n = 0;

	(void)state;
	for (unsigned e = ENDING_NONE; e <= ENDING_PROMOTED; e++) {
		s.ending = (enum ending)e;
		seen[n++] = message(&plan, &s, &o, &d);
	}
	s.ending = ENDING_RESTORED;
	for (unsigned c = CAUSE_NONE + 1; c < CAUSE_COUNT; c++) {
		s.cause = (enum cause)c;
		seen[n++] = message(&plan, &s, &o, &d);
		assert_says(seen[n - 1], ": why. ");
	}
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(seen[i].p, seen[j].p);
	s.first = true;
	assert_says(message(&plan, &s, &o, &d), "What was there before is there again");
}

static void test_a_candidate_that_is_kept_is_told(void **state)
{
	static const char kept[] = "The candidate is kept, as the plan says.";
	struct plan plan = test_plan();
	struct rollout_state s = test_state(&plan, PHASE_FAILED, 0);
	struct observation o = test_look(&plan, &s, s.phase_since);
	struct decision d = wait_for("why");

	(void)state;
	s.ending = ENDING_RESTORED;
	plan.keep_candidate_ms = 1;
	assert_null(strstr(message(&plan, &s, &o, &d).p, kept)); /* there is none */
	o.target.leftover = true;
	assert_says(message(&plan, &s, &o, &d), kept);
	plan.keep_candidate_ms = 0;
	assert_null(strstr(message(&plan, &s, &o, &d).p, kept));
	plan.keep_candidate_ms = 1;
	s.ending = ENDING_LEFT; /* it serves */
	assert_null(strstr(message(&plan, &s, &o, &d).p, kept));
}

/* --- percent ---------------------------------------------------------------------------------- */

static void test_percent(void **state)
{
	static const struct {
		enum phase phase;
		int step;
		int64_t at_ms;
		int percent;
	} cases[] = {
		{PHASE_INSPECT, 0, 0, 1},
		{PHASE_PREPARE, 0, 0, 3},
		{PHASE_VERIFY, 0, 0, 6},
		{PHASE_SHIFT, 0, 0, 10},
		{PHASE_WATCH, 0, 0, 10},
		{PHASE_WATCH, 0, 5 * MINUTE, 19},
		{PHASE_WATCH, 0, 10 * MINUTE, 28},
		{PHASE_WATCH, 0, HOUR, 28},
		{PHASE_WATCH, 0, -HOUR, 10},
		{PHASE_SHIFT, 1, HOUR, 28},
		{PHASE_WATCH, 2, 10 * MINUTE, 66},
		{PHASE_PROMOTE, 2, 0, 66},
		{PHASE_BAKE, 2, 0, 66},
		{PHASE_BAKE, 2, HOUR, 95},
		{PHASE_RETIRE, 2, 0, 96},
		{PHASE_SUCCEEDED, 2, 0, 100},
		{PHASE_RESTORE, 2, 0, 0},
		{PHASE_FAILED, 2, 0, 0},
	};
	struct plan plan = test_plan();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rollout_state s = test_state(&plan, cases[i].phase, cases[i].step);
		struct utc now = {s.phase_since.ms + cases[i].at_ms};

		assert_int_equal(rollout_percent(&plan, &s, now), cases[i].percent);
		s.percent = 99;
		assert_in_range(rollout_percent(&plan, &s, now), 99, 100);
	}
}

static void test_percent_without_times(void **state)
{
	struct plan plan = test_plan();
	struct rollout_state s = test_state(&plan, PHASE_SHIFT, 0);

	(void)state;
	for (size_t i = 0; i < plan.n_steps; i++)
		plan.steps[i].watch_ms = 0;
	plan.bake_ms = 0;
	assert_int_equal(rollout_percent(&plan, &s, s.phase_since), 40);
	s.phase = PHASE_BAKE;
	assert_int_equal(rollout_percent(&plan, &s, s.phase_since), 80);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_watching),
		cmocka_unit_test(test_holding),
		cmocka_unit_test(test_parked),
		cmocka_unit_test(test_rolled_back),
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_traffic_in_words),
		cmocka_unit_test(test_other_phases),
		cmocka_unit_test(test_summary_says_why_it_goes_back),
		cmocka_unit_test(test_texts_fit),
		cmocka_unit_test(test_message_of_a_rollback),
		cmocka_unit_test(test_message_never_claims_more_than_was_seen),
		cmocka_unit_test(test_messages_differ),
		cmocka_unit_test(test_a_candidate_that_is_kept_is_told),
		cmocka_unit_test(test_percent),
		cmocka_unit_test(test_percent_without_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
