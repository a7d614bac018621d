#include "tests/unit/rollout/decide_fixture.h"

/*
 * The machine with segments: canary @staff 10m, 5% 10m (approved), @beta 10m. A segment stays on
 * the candidate through what follows, and is taken apart again at the end, either way.
 */
#define STAFF 1u
#define BETA 2u

struct rule {
	const char *name;
	enum phase phase;
	int step;
	enum live live;
	struct traffic traffic;
	enum candidate_state candidate;
	enum verdict_kind guards;
	/* what comes out */
	enum decision_kind then;
	enum phase to;
	struct traffic split;
	const char *says;
};

#define UP CANDIDATE_READY
#define DOWN CANDIDATE_PENDING
#define PASS VERDICT_PASS

static const struct rule RULES[] = {
	{"before its time", PHASE_VERIFY, 0, LIVE_SPLIT, {0, STAFF}, UP, PASS,
	 DECIDE_RESTORE, PHASE_VERIFY, {0, 0}, "before its time"},
	{"a weight that no step has", PHASE_VERIFY, 0, LIVE_SPLIT, {700, STAFF}, UP, PASS,
	 DECIDE_AGAIN, PHASE_RESTORE, {0, 0}, "7% and segment staff of the traffic"},

	{"the first step is a segment", PHASE_SHIFT, 0, LIVE_BASELINE, {0, 0}, UP, PASS,
	 DECIDE_SPLIT, PHASE_SHIFT, {0, STAFF}, "step 1 of 3: segment staff to the candidate"},
	{"not before it is up", PHASE_SHIFT, 0, LIVE_BASELINE, {0, 0}, DOWN, PASS,
	 DECIDE_WAIT, PHASE_SHIFT, {0, 0}, "not up for segment staff"},
	{"it is there", PHASE_SHIFT, 0, LIVE_SPLIT, {0, STAFF}, UP, PASS,
	 DECIDE_AGAIN, PHASE_WATCH, {0, 0}, "segment staff on the candidate, read back"},
	{"and stays with a percentage", PHASE_SHIFT, 1, LIVE_SPLIT, {0, STAFF}, UP, PASS,
	 DECIDE_SPLIT, PHASE_SHIFT, {500, STAFF}, "5% and segment staff to the candidate"},
	{"a percentage alone is not the step", PHASE_SHIFT, 1, LIVE_SPLIT, {500, 0}, UP, PASS,
	 DECIDE_SPLIT, PHASE_SHIFT, {500, STAFF}, "5% and segment staff"},
	{"a segment is more traffic", PHASE_SHIFT, 1, LIVE_SPLIT, {500, 0}, DOWN, PASS,
	 DECIDE_WAIT, PHASE_SHIFT, {0, 0}, "not up for 5% and segment staff"},
	{"another segment", PHASE_SHIFT, 2, LIVE_SPLIT, {500, STAFF}, UP, PASS,
	 DECIDE_SPLIT, PHASE_SHIFT, {500, STAFF | BETA}, "segments staff, beta"},
	{"less needs no candidate", PHASE_SHIFT, 1, LIVE_SPLIT, {500, STAFF | BETA}, DOWN, PASS,
	 DECIDE_SPLIT, PHASE_SHIFT, {500, STAFF}, "5% and segment staff"},
	{"from everything back to a step", PHASE_SHIFT, 1, LIVE_CANDIDATE, {0, STAFF | BETA}, UP,
	 PASS, DECIDE_SPLIT, PHASE_SHIFT, {500, STAFF}, "5% and segment staff"},
	{"a guard fails for the segment", PHASE_SHIFT, 0, LIVE_SPLIT, {0, STAFF}, UP, VERDICT_FAIL,
	 DECIDE_AGAIN, PHASE_RESTORE, {0, 0}, "with segment staff on the candidate: errors"},

	{"watched", PHASE_WATCH, 0, LIVE_SPLIT, {0, STAFF}, UP, PASS,
	 DECIDE_WAIT, PHASE_WATCH, {0, 0}, "watching"},
	{"a segment is removed by hand", PHASE_WATCH, 1, LIVE_SPLIT, {500, 0}, UP, PASS,
	 DECIDE_AGAIN, PHASE_SHIFT, {0, 0}, "another step's traffic"},
	{"one too many", PHASE_WATCH, 1, LIVE_SPLIT, {500, STAFF | BETA}, UP, PASS,
	 DECIDE_AGAIN, PHASE_SHIFT, {0, 0}, "another step's traffic"},
	{"the weight of the step before", PHASE_WATCH, 1, LIVE_SPLIT, {0, STAFF}, UP, PASS,
	 DECIDE_AGAIN, PHASE_SHIFT, {0, 0}, "another step's traffic"},
	{"everything taken back", PHASE_WATCH, 0, LIVE_BASELINE, {0, 0}, UP, PASS,
	 DECIDE_AGAIN, PHASE_RESTORE, {0, 0}, "back on the baseline"},
	{"a guard fails with both", PHASE_WATCH, 1, LIVE_SPLIT, {500, STAFF}, UP, VERDICT_FAIL,
	 DECIDE_AGAIN, PHASE_RESTORE, {0, 0}, "with 5% and segment staff on the candidate"},

	{"promote", PHASE_PROMOTE, 2, LIVE_SPLIT, {500, STAFF | BETA}, UP, PASS,
	 DECIDE_PROMOTE, PHASE_PROMOTE, {10000, 0}, "making the candidate the baseline"},
	{"promoted but for a segment", PHASE_PROMOTE, 2, LIVE_CANDIDATE, {0, BETA}, UP, PASS,
	 DECIDE_PROMOTE, PHASE_PROMOTE, {10000, 0}, "making the candidate the baseline"},
	{"promoted", PHASE_PROMOTE, 2, LIVE_PROMOTED, {0, 0}, UP, PASS,
	 DECIDE_AGAIN, PHASE_BAKE, {0, 0}, "read back"},
	{"a segment comes back", PHASE_BAKE, 2, LIVE_CANDIDATE, {0, STAFF}, UP, PASS,
	 DECIDE_AGAIN, PHASE_PROMOTE, {0, 0}, "promoting again"},

	{"a segment is no baseline", PHASE_RESTORE, 0, LIVE_SPLIT, {0, STAFF}, UP, PASS,
	 DECIDE_RESTORE, PHASE_RESTORE, {0, 0}, "all traffic"},
	{"nor when it is proved", PHASE_PROVE, 0, LIVE_SPLIT, {0, STAFF}, UP, PASS,
	 DECIDE_AGAIN, PHASE_RESTORE, {0, 0}, "does not carry all traffic"},
};

static void test_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(RULES) / sizeof(RULES[0]); i++) {
		const struct rule *r = &RULES[i];
		struct plan plan = test_plan_segments();
		struct rollout_state s = test_state(&plan, r->phase, r->step), next;
		struct observation o = test_look(&plan, &s, s.phase_since);
		struct decision d;

		o.target.live = r->live;
		o.target.traffic = r->traffic;
		o.target.candidate = r->candidate;
		if (o.has_guards)
			o.guards = verdict_make(r->guards, s.phase_since, "errors");
		if (r->phase == PHASE_RESTORE || r->phase == PHASE_PROVE)
			s.cause = CAUSE_GUARD;
		decide(&plan, &s, &o, s.phase_since, &next, &d);
		if (d.kind != r->then || next.phase != r->to ||
		    d.traffic.weight_bp != r->split.weight_bp ||
		    d.traffic.segments != r->split.segments || !strstr(d.reason, r->says))
			fail_msg("%s: %d, %s, %d and %x: %s", r->name, d.kind,
				 phase_name(next.phase), d.traffic.weight_bp, d.traffic.segments,
				 d.reason);
		assert_int_equal(next.step, r->step);
	}
}

/* What each step asks for is what the steps up to it brought. */
static void test_traffic_of_steps(void **state)
{
	static const struct traffic wanted[] = {{0, STAFF}, {500, STAFF}, {500, STAFF | BETA}};
	struct plan plan = test_plan_segments();

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct traffic t = rollout_traffic(&plan, i);

		assert_int_equal(t.weight_bp, wanted[i].weight_bp);
		assert_int_equal(t.segments, wanted[i].segments);
	}
}

/* Where no step is a segment at no weight, nobody's rule at no weight is one of ours. */
static void test_no_weight_is_no_step_without_segments_first(void **state)
{
	struct plan plan = test_plan_segments();
	struct rollout_state s, next;
	struct observation o;
	struct decision d;

	(void)state;
	plan.steps[0] = (struct plan_step){.segment = -1, .weight_bp = 100};
	s = test_state(&plan, PHASE_WATCH, 2);
	o = test_look(&plan, &s, s.phase_since);
	o.target.traffic = (struct traffic){0, BETA};
	decide(&plan, &s, &o, s.phase_since, &next, &d);
	assert_int_equal(next.phase, PHASE_RESTORE);
	assert_int_equal(next.cause, CAUSE_DRIFT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_traffic_of_steps),
		cmocka_unit_test(test_no_weight_is_no_step_without_segments_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
