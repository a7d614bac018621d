#include "tests/unit/target/ecs_services_world.h"

/* Two services on one load balancer: what is seen of them. The acts: test_ecs_services_act.c. */

static const struct {
	struct scene s;
	enum phase phase;
	enum live live;
	int weight_bp;
	enum candidate_state candidate;
} moments[] = {
	/* 5% of 4 tasks is one */
	{{"blue=100 green=0", 4, NULL, 0, 0, 0, NULL},
	 PHASE_PREPARE,
	 LIVE_BASELINE,
	 0,
	 CANDIDATE_PENDING},
	{{"blue=100", 4, "web:8", 1, 1, 1, NULL},
	 PHASE_PREPARE,
	 LIVE_BASELINE,
	 0,
	 CANDIDATE_ABSENT},
	{{"blue=100 green=0", 4, "web:6", 4, 4, 4, NULL},
	 PHASE_PREPARE,
	 LIVE_BASELINE,
	 0,
	 CANDIDATE_PENDING},
	{{"blue=100 green=0", 4, "web:8", 0, 0, 0, NULL},
	 PHASE_PREPARE,
	 LIVE_BASELINE,
	 0,
	 CANDIDATE_PENDING},
	{{"blue=100 green=0", 4, "web:8", 1, 0, 0, "IN_PROGRESS"},
	 PHASE_PREPARE,
	 LIVE_BASELINE,
	 0,
	 CANDIDATE_PENDING},
	{{"blue=100 green=0", 4, "web:8", 1, 1, 0, NULL},
	 PHASE_PREPARE,
	 LIVE_BASELINE,
	 0,
	 CANDIDATE_PENDING},
	{{"blue=100 green=0", 4, "web:8", 1, 1, 1, "IN_PROGRESS"},
	 PHASE_PREPARE,
	 LIVE_BASELINE,
	 0,
	 CANDIDATE_PENDING},
	{{"blue=100 green=0", 4, "web:8", 1, 1, 1, NULL},
	 PHASE_PREPARE,
	 LIVE_BASELINE,
	 0,
	 CANDIDATE_READY},
	{{"blue=100 green=0", 4, "web:8", 1, 1, 1, NULL},
	 PHASE_VERIFY,
	 LIVE_BASELINE,
	 0,
	 CANDIDATE_READY},
	/* the baseline has grown: SHIFT makes more tasks, VERIFY only looks */
	{{"blue=100 green=0", 40, "web:8", 1, 1, 1, NULL},
	 PHASE_VERIFY,
	 LIVE_BASELINE,
	 0,
	 CANDIDATE_READY},
	{{"blue=100 green=0", 40, "web:8", 1, 1, 1, NULL},
	 PHASE_PREPARE,
	 LIVE_BASELINE,
	 0,
	 CANDIDATE_PENDING},
	/* as the health guard asks while more of them start */
	{{"blue=95 green=5", 4, "web:8", 2, 1, 1, "IN_PROGRESS"},
	 PHASE_VERIFY,
	 LIVE_SPLIT,
	 500,
	 CANDIDATE_READY},
	{{"blue=95 green=5", 4, "web:8", 2, 2, 0, NULL},
	 PHASE_VERIFY,
	 LIVE_SPLIT,
	 500,
	 CANDIDATE_PENDING},
	/* the second step is 50%: two tasks; the act makes them, the look waits for them */
	{{"blue=95 green=5", 4, "web:8", 1, 1, 1, NULL},
	 PHASE_SHIFT,
	 LIVE_SPLIT,
	 500,
	 CANDIDATE_READY},
	{{"blue=95 green=5", 4, "web:8", 2, 1, 1, NULL},
	 PHASE_SHIFT,
	 LIVE_SPLIT,
	 500,
	 CANDIDATE_PENDING},
	{{"blue=95 green=5", 4, "web:8", 2, 2, 1, NULL},
	 PHASE_SHIFT,
	 LIVE_SPLIT,
	 500,
	 CANDIDATE_PENDING},
	{{"blue=95 green=5", 4, "web:8", 2, 2, 2, NULL},
	 PHASE_SHIFT,
	 LIVE_SPLIT,
	 500,
	 CANDIDATE_READY},
	/* the baseline has grown meanwhile: half of 7 are four */
	{{"blue=95 green=5", 7, "web:8", 4, 3, 3, NULL},
	 PHASE_SHIFT,
	 LIVE_SPLIT,
	 500,
	 CANDIDATE_PENDING},
	{{"blue=95 green=5", 7, "web:8", 4, 4, 4, NULL},
	 PHASE_SHIFT,
	 LIVE_SPLIT,
	 500,
	 CANDIDATE_READY},
	/* or shrunk: what it had counts */
	{{"blue=95 green=5", 1, "web:8", 2, 1, 1, NULL},
	 PHASE_SHIFT,
	 LIVE_SPLIT,
	 500,
	 CANDIDATE_PENDING},
	/* all of them before everything */
	{{"blue=50 green=50", 4, "web:8", 4, 3, 3, NULL},
	 PHASE_PROMOTE,
	 LIVE_SPLIT,
	 5000,
	 CANDIDATE_PENDING},
	{{"blue=50 green=50", 4, "web:8", 4, 4, 4, NULL},
	 PHASE_PROMOTE,
	 LIVE_SPLIT,
	 5000,
	 CANDIDATE_READY},
	{{"blue=0 green=100", 4, "web:8", 4, 4, 4, NULL},
	 PHASE_BAKE,
	 LIVE_PROMOTED,
	 10000,
	 CANDIDATE_READY},
	{{"blue=50 green=50", 4, "web:8", 2, 1, 2, "FAILED"},
	 PHASE_WATCH,
	 LIVE_SPLIT,
	 5000,
	 CANDIDATE_FAILED},
	/* somebody was here */
	{{"blue=50 green=50", 4, "web:9", 2, 2, 2, NULL},
	 PHASE_WATCH,
	 LIVE_FOREIGN,
	 5000,
	 CANDIDATE_PENDING},
	{{"blue=50 green=50", 4, NULL, 2, 2, 2, NULL},
	 PHASE_WATCH,
	 LIVE_FOREIGN,
	 5000,
	 CANDIDATE_PENDING},
	{{"blue=50 green=50", -1, "web:8", 2, 2, 2, NULL},
	 PHASE_WATCH,
	 LIVE_FOREIGN,
	 5000,
	 CANDIDATE_PENDING},
	{{"red=1", 4, "web:8", 2, 2, 2, NULL}, PHASE_WATCH, LIVE_FOREIGN, 0, CANDIDATE_READY},
};

static void the_pair_is_read_in_the_words_of_the_machine(void **state)
{
	struct world *w = *state;

	ecs_recorded(w, ECS_TWO_SERVICES, "-1", CANDIDATE_8);
	w->plan.n_steps = 2;
	w->plan.steps[1] = (struct plan_step){.segment = -1, .weight_bp = 5000};
	w->state.step = 1;
	for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
		struct target_observation o = see(w, moments[i].phase, &moments[i].s);

		if (o.live != moments[i].live || o.candidate != moments[i].candidate ||
		    o.traffic.weight_bp != moments[i].weight_bp)
			fail_msg("case %zu: live %d, weight %d, candidate %d: %s", i, o.live,
				 o.traffic.weight_bp, o.candidate, o.detail);
		if (o.live == LIVE_FOREIGN || o.candidate == CANDIDATE_FAILED)
			assert_true(o.detail[0]);
	}
	ecs_recorded(w, ECS_TWO_SERVICES, "-1", "");
	assert_int_equal(see(w, PHASE_PREPARE, &moments[0].s).candidate, CANDIDATE_ABSENT);
	ecs_recorded(w, ECS_TWO_SERVICES, "-1", "{\"v\":\"web:7\"}");
	assert_int_equal(see(w, PHASE_PREPARE, &moments[0].s).candidate, CANDIDATE_SAME);
}

/* What is to be gone back to must be what it was. */
static void a_baseline_that_changed_is_foreign(void **state)
{
	struct world *w = *state;
	struct target_observation o;
	struct scene s = {"blue=95 green=5", 4, "web:8", 1, 1, 1, NULL};

	ecs_recorded(w, ECS_TWO_SERVICES, "-1", CANDIDATE_8);
	set(w, &s);
	once(w, "POST", DESCRIBE_SERVICE("web"), 200,
	     "{\"services\":[{\"serviceArn\":\"a\",\"serviceName\":\"web\",\"status\":\"ACTIVE\","
	     "\"taskDefinition\":\"web:9\"}]}");
	o = look(w, PHASE_WATCH);
	assert_int_equal(o.live, LIVE_FOREIGN);
	assert_string_equal(o.detail, "service web, the baseline, runs web:9");
	set(w, &s);
	once(w, "POST", DESCRIBE_SERVICE("web"), 200,
	     "{\"services\":[{\"serviceArn\":\"a\",\"serviceName\":\"web\",\"status\":"
	     "\"DRAINING\"}]}");
	o = look(w, PHASE_WATCH);
	assert_int_equal(o.live, LIVE_FOREIGN);
	assert_string_equal(o.detail, "service web, the baseline, is DRAINING");
}

static void why_tasks_fail_is_told(void **state)
{
	struct world *w = *state;
	struct target_observation o;
	struct scene s = {"blue=100 green=0", 4, "web:8", 1, 0, 0, "FAILED"};

	ecs_recorded(w, ECS_TWO_SERVICES, "-1", CANDIDATE_8);
	set(w, &s);
	route(w, "POST", STOPPED_TASKS, 200, "{\"taskArns\":[\"arn:t\"]}");
	route(w, "POST", "\"tasks\":[\"arn:t\"]", 200, "{\"tasks\":[{\"stopCode\":\"x\"}]}");
	o = look(w, PHASE_PREPARE);
	assert_int_equal(o.candidate, CANDIDATE_FAILED);
	assert_string_equal(o.detail, "service web-twin: its deployment failed: a task stopped");
	set(w, &s);
	route(w, "POST", STOPPED_TASKS, 0, "")->fail = ERR_CANCELED;
	assert_int_equal(target_ecs.observe(&w->env, &w->state, &o, &w->err), -1);
	assert_int_equal(w->err.code, ERR_CANCELED);
}

static void whatever_cannot_be_read_is_unreadable(void **state)
{
	static const struct {
		const char *words;
		enum phase phase;
	} cases[] = {
		{DESCRIBE_SERVICE("web"), PHASE_WATCH},
		{DESCRIBE_SERVICE("web-twin"), PHASE_WATCH},
		{DESCRIBE_SERVICE("web"), PHASE_RETIRE},
		{DESCRIBE_SERVICE("web-twin"), PHASE_PROVE},
		{"Action=DescribeRules", PHASE_WATCH},
		{"Action=DescribeTargetHealth", PHASE_WATCH},
	};
	struct world *w = *state;
	struct target_observation o;
	struct scene s = {"blue=95 green=5", 4, "web:8", 1, 1, 1, NULL};

	ecs_recorded(w, ECS_TWO_SERVICES, "-1", CANDIDATE_8);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		set(w, &s);
		once(w, "POST", cases[i].words, 0, "")->fail = ERR_SYSTEM;
		if (look(w, cases[i].phase).live != LIVE_UNREADABLE)
			fail_msg("case %zu", i);
		set(w, &s);
		once(w, "POST", cases[i].words, 0, "")->fail = ERR_CANCELED;
		w->state.phase = cases[i].phase;
		assert_int_equal(target_ecs.observe(&w->env, &w->state, &o, &w->err), -1);
	}
	/* a cluster that is gone is not a service that is gone */
	set(w, &s);
	once(w, "POST", DESCRIBE_SERVICE("web"), 400, "{\"__type\":\"ClusterNotFoundException\"}");
	assert_int_equal(look(w, PHASE_WATCH).live, LIVE_FOREIGN);
	str_copy(w->state.candidate, sizeof(w->state.candidate), STR("["));
	assert_int_equal(look(w, PHASE_WATCH).live, LIVE_UNREADABLE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, ecs_world_set_up, ecs_world_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_pair_is_read_in_the_words_of_the_machine),
		TEST(a_baseline_that_changed_is_foreign),
		TEST(why_tasks_fail_is_told),
		TEST(whatever_cannot_be_read_is_unreadable),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
