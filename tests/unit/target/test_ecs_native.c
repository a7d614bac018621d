#include "tests/unit/target/ecs_native_world.h"

/* The service's own controller: what is seen of it. What it is told: test_ecs_native_act.c. */

static const struct {
	struct scene s;
	enum phase phase;
	enum live live;
	int weight_bp;
	bool settled;
	enum candidate_state candidate;
} moments[] = {
	/* coming up, and up: paused before any traffic */
	{{"blue=100 green=0", "PENDING", NULL, 0, "d1", NULL, NULL, NULL, NULL},
	 PHASE_PREPARE,
	 LIVE_BASELINE,
	 0,
	 false,
	 CANDIDATE_PENDING},
	{{"blue=100", "IN_PROGRESS", NULL, 0, "d1", NULL, NULL, NULL, NULL},
	 PHASE_PREPARE,
	 LIVE_BASELINE,
	 0,
	 false,
	 CANDIDATE_PENDING},
	{{"blue=100 green=0", "IN_PROGRESS", "h1", 0, "d1", NULL, NULL, NULL, NULL},
	 PHASE_PREPARE,
	 LIVE_BASELINE,
	 0,
	 true,
	 CANDIDATE_READY},
	{{"blue=100 green=0", "IN_PROGRESS", "h1", 0, "d1", NULL, NULL, NULL, NULL},
	 PHASE_VERIFY,
	 LIVE_BASELINE,
	 0,
	 true,
	 CANDIDATE_READY},
	/* asked for, on its way, in effect at the next pause */
	{{"blue=100 green=0", "IN_PROGRESS", NULL, 5, "d1", NULL, NULL, NULL, NULL},
	 PHASE_SHIFT,
	 LIVE_BASELINE,
	 0,
	 false,
	 CANDIDATE_PENDING},
	{{"blue=95 green=5", "IN_PROGRESS", NULL, 5, "d1", NULL, NULL, NULL, NULL},
	 PHASE_SHIFT,
	 LIVE_SPLIT,
	 500,
	 false,
	 CANDIDATE_PENDING},
	{{"blue=95 green=5", "IN_PROGRESS", "h2", 5, "d1", NULL, NULL, NULL, NULL},
	 PHASE_SHIFT,
	 LIVE_SPLIT,
	 500,
	 true,
	 CANDIDATE_READY},
	{{"blue=667 green=333", "IN_PROGRESS", "h2", 33.3, "d1", NULL, NULL, NULL, NULL},
	 PHASE_WATCH,
	 LIVE_SPLIT,
	 3330,
	 true,
	 CANDIDATE_READY},
	{{"blue=2 green=1", "IN_PROGRESS", "h2", 33.3, "d1", NULL, NULL, NULL, NULL},
	 PHASE_WATCH,
	 LIVE_SPLIT,
	 3330,
	 true,
	 CANDIDATE_READY},
	{{"blue=0 green=100", "IN_PROGRESS", "h3", 100, "d1", NULL, NULL, NULL, NULL},
	 PHASE_WATCH,
	 LIVE_CANDIDATE,
	 10000,
	 true,
	 CANDIDATE_READY},
	{{"blue=0 green=100", "IN_PROGRESS", "h3", 100, "d1", NULL, NULL, NULL, NULL},
	 PHASE_PROMOTE,
	 LIVE_PROMOTED,
	 10000,
	 true,
	 CANDIDATE_READY},
	{{"green", "IN_PROGRESS", NULL, 100, "d1", NULL, NULL, NULL, NULL},
	 PHASE_PROMOTE,
	 LIVE_PROMOTED,
	 10000,
	 false,
	 CANDIDATE_PENDING},
	{{"blue=0 green=100", "SUCCESSFUL", NULL, 0, NULL, NULL, NULL, NULL, NULL},
	 PHASE_PROMOTE,
	 LIVE_PROMOTED,
	 10000,
	 true,
	 CANDIDATE_READY},
	{{"blue=0 green=100", "IN_PROGRESS", "h3", 100, "d1", NULL, NULL, NULL, NULL},
	 PHASE_BAKE,
	 LIVE_PROMOTED,
	 10000,
	 true,
	 CANDIDATE_READY},
	/* somebody moved the weights, not ECS: it is seen, and never settled */
	{{"blue=70 green=30", "IN_PROGRESS", "h2", 5, "d1", NULL, NULL, NULL, NULL},
	 PHASE_WATCH,
	 LIVE_SPLIT,
	 3000,
	 false,
	 CANDIDATE_READY},
	{{"red=1", "IN_PROGRESS", "h2", 5, "d1", NULL, NULL, NULL, NULL},
	 PHASE_WATCH,
	 LIVE_FOREIGN,
	 0,
	 false,
	 CANDIDATE_READY},
	{{"blue=0 green=0", "IN_PROGRESS", "h2", 5, "d1", NULL, NULL, NULL, NULL},
	 PHASE_WATCH,
	 LIVE_FOREIGN,
	 0,
	 false,
	 CANDIDATE_READY},
	/* it goes back by itself */
	{{"blue=95 green=5", "ROLLBACK_REQUESTED", NULL, 5, "d1", NULL, NULL, NULL, NULL},
	 PHASE_WATCH,
	 LIVE_SPLIT,
	 500,
	 false,
	 CANDIDATE_FAILED},
	{{"blue=100 green=0", "ROLLBACK_SUCCESSFUL", NULL, 0, "d1", "web:7", NULL, NULL, NULL},
	 PHASE_WATCH,
	 LIVE_BASELINE,
	 0,
	 true,
	 CANDIDATE_FAILED},
	{{"blue=100 green=0", "STOPPED", NULL, 0, NULL, "web:7", NULL, NULL, NULL},
	 PHASE_PREPARE,
	 LIVE_BASELINE,
	 0,
	 true,
	 CANDIDATE_FAILED},
	{{"blue=95 green=5", "ROLLBACK_FAILED", NULL, 5, NULL, "web:7", NULL, NULL, NULL},
	 PHASE_BAKE,
	 LIVE_SPLIT,
	 500,
	 true,
	 CANDIDATE_FAILED},
	{{"blue=95 green=5", "SOMETHING_NEW", NULL, 5, "d1", NULL, NULL, NULL, NULL},
	 PHASE_WATCH,
	 LIVE_SPLIT,
	 500,
	 false,
	 CANDIDATE_PENDING},
};

static void a_deployment_is_read_in_the_words_of_the_machine(void **state)
{
	struct world *w = *state;

	ecs_recorded(w, ECS_NATIVE, "", CANDIDATE_8);
	for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
		struct target_observation o = see(w, moments[i].phase, &moments[i].s);

		if (o.live != moments[i].live || o.traffic.weight_bp != moments[i].weight_bp ||
		    o.settled != moments[i].settled || o.candidate != moments[i].candidate)
			fail_msg("case %zu: live %d, weight %d, settled %d, candidate %d: %s", i,
				 o.live, o.traffic.weight_bp, o.settled, o.candidate, o.detail);
	}
}

/* As the health guard asks, in whatever phase: a shift is no illness, dead tasks are one. */
static void its_health_is_that_of_its_targets(void **state)
{
	static const struct {
		struct scene s;
		int64_t changed_at;
		enum candidate_state candidate;
	} cases[] = {
		{{.hook = "h1"}, 0, CANDIDATE_READY},
		{{.hook = "h1", .green = "healthy unhealthy"}, 0, CANDIDATE_PENDING},
		{{.hook = "h1", .green = "initial"}, 0, CANDIDATE_PENDING},
		{{.hook = "h1", .green = "healthy initial"}, 0, CANDIDATE_READY},
		/* not up yet; just told to go on; shifting */
		{{.green = "healthy"}, 0, CANDIDATE_PENDING},
		{{.green = "healthy"}, 1, CANDIDATE_READY},
		{{.green = "unhealthy"}, 1, CANDIDATE_PENDING},
		{{.weight = 5}, 0, CANDIDATE_READY},
		{{.rule = "blue=95 green=5", .weight = 5}, 0, CANDIDATE_READY},
		{{.rule = "blue=95 green=5", .weight = 5, .green = ""}, 0, CANDIDATE_PENDING},
	};
	struct world *w = *state;
	struct target_observation o;

	ecs_recorded(w, ECS_NATIVE, "", CANDIDATE_8);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct scene s = cases[i].s;

		s.status = "IN_PROGRESS";
		s.current = "d1";
		s.rule = s.rule ? s.rule : "blue=100 green=0";
		w->state.changed_at.ms = cases[i].changed_at;
		o = see(w, PHASE_VERIFY, &s);
		if (o.candidate != cases[i].candidate)
			fail_msg("case %zu: %d: %s", i, o.candidate, o.detail);
	}
	set(w, &(struct scene){
		       .rule = "blue=100", .status = "IN_PROGRESS", .hook = "h1", .current = "d1"});
	once(w, "POST", "DescribeTargetHealth", 0, "")->fail = ERR_SYSTEM;
	assert_int_equal(look(w, PHASE_VERIFY).live, LIVE_UNREADABLE);
}

static void why_it_went_back_is_told(void **state)
{
	struct world *w = *state;
	struct target_observation o;
	struct scene s = {.rule = "blue=100 green=0",
			  .status = "ROLLBACK_SUCCESSFUL",
			  .definition = "web:7",
			  .more = ",\"statusReason\":\"rolled back\",\"rollback\":{\"reason\":"
				  "\"Service deployment rolled back because of alarm\"},\"alarms\":"
				  "{\"triggeredAlarmNames\":[\"web-errors\"]}"};

	ecs_recorded(w, ECS_NATIVE, "", CANDIDATE_8);
	o = see(w, PHASE_WATCH, &s);
	assert_string_equal(o.detail, "deployment d1 is ROLLBACK_SUCCESSFUL at SOME_STAGE: Service "
				      "deployment rolled back because of alarm: alarm web-errors");
	s.more = ",\"statusReason\":\"a pause timed out\"";
	o = see(w, PHASE_WATCH, &s);
	assert_non_null(strstr(o.detail, "SOME_STAGE: a pause timed out"));
}

/* The controller tries for ever: its own count of failed tasks has a limit of ours. */
static void tasks_that_do_not_stay_up(void **state)
{
	static const char failed[] =
		",\"deployments\":[{\"status\":\"PRIMARY\",\"taskDefinition\":\"" TD(
			"web:8") "\",\"failedTasks\":%d}],\"events\":[{\"message\":\"unable to "
				 "place a task\"}]";
	struct world *w = *state;
	struct target_observation o;
	struct scene s = {.rule = "blue=100 green=0", .status = "IN_PROGRESS", .current = "d1"};

	ecs_recorded(w, ECS_NATIVE, "", CANDIDATE_8);
	s.service = arena_printf(w->f->arena, failed, 2);
	set(w, &s);
	route(w, "POST", STOPPED_TASKS, 200, "{\"taskArns\":[\"arn:t\"]}");
	route(w, "POST", "\"tasks\":[\"arn:t\"]", 200,
	      "{\"tasks\":[{\"stoppedReason\":\"Essential container exited\",\"containers\":[{"
	      "\"exitCode\":137,\"reason\":\"OutOfMemory\"}]}]}");
	o = look(w, PHASE_PREPARE);
	assert_int_equal(o.candidate, CANDIDATE_PENDING);
	assert_string_equal(o.detail, "2 tasks of web:8 failed: Essential container exited: "
				      "OutOfMemory, exit code 137");
	s.service = arena_printf(w->f->arena, failed, 3);
	set(w, &s);
	route(w, "POST", STOPPED_TASKS, 200, "{\"taskArns\":[]}");
	o = look(w, PHASE_PREPARE);
	assert_int_equal(o.candidate, CANDIDATE_FAILED);
	assert_string_equal(o.detail, "3 tasks of web:8 failed: unable to place a task");
	/* what tasks say is for the message only */
	set(w, &s);
	o = look(w, PHASE_PREPARE);
	assert_int_equal(o.candidate, CANDIDATE_FAILED);
	assert_non_null(strstr(o.detail, "unable to place a task"));
	set(w, &s);
	route(w, "POST", STOPPED_TASKS, 0, "")->fail = ERR_CANCELED;
	w->state.phase = PHASE_PREPARE;
	assert_int_equal(target_ecs.observe(&w->env, &w->state, &o, &w->err), -1);
	assert_int_equal(w->err.code, ERR_CANCELED);
}

static void before_there_is_a_deployment(void **state)
{
	struct world *w = *state;
	struct scene s = {.rule = "blue=100 green=0", .definition = "web:7"};

	ecs_recorded(w, ECS_NATIVE, "", "");
	assert_int_equal(see(w, PHASE_PREPARE, &s).candidate, CANDIDATE_ABSENT);
	ecs_recorded(w, ECS_NATIVE, "", CANDIDATE_NO_DEPLOYMENT);
	assert_int_equal(see(w, PHASE_PREPARE, &s).candidate, CANDIDATE_PENDING);
	ecs_recorded(w, ECS_NATIVE, "", "{\"v\":\"web:7\"}");
	assert_int_equal(see(w, PHASE_PREPARE, &s).candidate, CANDIDATE_SAME);
	/* begun, and not written down: that comes first */
	ecs_recorded(w, ECS_NATIVE, "", CANDIDATE_NO_DEPLOYMENT);
	s = (struct scene){
		.rule = "blue=100 green=0", .status = "IN_PROGRESS", .hook = "h1", .current = "d1"};
	assert_int_equal(see(w, PHASE_PREPARE, &s).candidate, CANDIDATE_PENDING);
	assert_int_equal(see(w, PHASE_VERIFY, &s).candidate, CANDIDATE_READY);
}

static void somebody_elses_deployment_is_foreign(void **state)
{
	struct world *w = *state;
	struct target_observation o;
	struct scene s = {.rule = "blue=100 green=0", .definition = "web:7", .current = "d9"};

	/* before ours has begun */
	ecs_recorded(w, ECS_NATIVE, "", "");
	set(w, &s);
	deployment_is(w, "d9",
		      "\"status\":\"IN_PROGRESS\",\"targetServiceRevision\":{\"arn\":\"" REVISION(
			      "r9") "\"}");
	revision_is(w, "r9", "web:9", "green");
	o = look(w, PHASE_PREPARE);
	assert_int_equal(o.live, LIVE_FOREIGN);
	assert_string_equal(o.detail, "service web: another deployment is going on: web:9");
	/* over already: the service has another definition, or its traffic has moved */
	s = (struct scene){.rule = "blue=0 green=100", .definition = "web:9"};
	o = see(w, PHASE_PREPARE, &s);
	assert_int_equal(o.live, LIVE_FOREIGN);
	assert_string_equal(o.detail, "service web: somebody deployed: web:9");
	s.definition = "web:7";
	o = see(w, PHASE_PREPARE, &s);
	assert_int_equal(o.live, LIVE_FOREIGN);
	assert_non_null(strstr(o.detail, "100.00%, and not by this rollout"));
	assert_int_equal(see(w, PHASE_RESTORE, &s).live, LIVE_FOREIGN);
	s = (struct scene){.rule = "blue=100 green=0", .definition = "web:7", .current = "d9"};
	/* in place of ours */
	ecs_recorded(w, ECS_NATIVE, "", CANDIDATE_8);
	s.status = "STOPPED";
	set(w, &s);
	deployment_is(w, "d9",
		      "\"status\":\"IN_PROGRESS\",\"targetServiceRevision\":{\"arn\":\"" REVISION(
			      "r9") "\"}");
	revision_is(w, "r9", "web:7", "green");
	assert_int_equal(look(w, PHASE_WATCH).live, LIVE_FOREIGN);
	/* one that is over does not matter, whatever it brought */
	set(w, &s);
	deployment_is(w, "d9", "\"status\":\"SUCCESSFUL\"");
	assert_int_equal(look(w, PHASE_WATCH).live, LIVE_BASELINE);
	/* one that cannot be told is not known to be ours */
	set(w, &s);
	deployment_is(w, "d9", "\"status\":\"IN_PROGRESS\"");
	assert_int_equal(look(w, PHASE_WATCH).live, LIVE_UNREADABLE);
	/* the service itself */
	forget_routes(w);
	service_is(w, "web", "\"status\":\"DRAINING\"");
	o = look(w, PHASE_WATCH);
	assert_int_equal(o.live, LIVE_FOREIGN);
	assert_string_equal(o.detail, "service web is DRAINING");
	forget_routes(w);
	service_is_missing(w, "web");
	assert_int_equal(look(w, PHASE_WATCH).live, LIVE_FOREIGN);
}

static void whatever_cannot_be_read_is_unreadable(void **state)
{
	static const char *const words[] = {DESCRIBE_SERVICE("web"), DESCRIBE_DEPLOYMENT("d1"),
					    "Action=DescribeRules"};
	struct world *w = *state;
	struct target_observation o;
	struct scene s = {.rule = "blue=95 green=5",
			  .status = "IN_PROGRESS",
			  .hook = "h2",
			  .weight = 5,
			  .current = "d1"};

	ecs_recorded(w, ECS_NATIVE, "", CANDIDATE_8);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		set(w, &s);
		once(w, "POST", words[i], 400, "{\"__type\":\"AccessDeniedException\"}");
		if (i == 2)
			w->routes[w->n_routes - 1].body =
				"<ErrorResponse><Error><Code>AccessDenied</Code></Error>"
				"</ErrorResponse>";
		o = look(w, PHASE_WATCH);
		assert_int_equal(o.live, LIVE_UNREADABLE);
		assert_true(o.denied);
		set(w, &s);
		once(w, "POST", words[i], 0, "")->fail = ERR_CANCELED;
		assert_int_equal(target_ecs.observe(&w->env, &w->state, &o, &w->err), -1);
		assert_int_equal(w->err.code, ERR_CANCELED);
	}
	/* the other deployment, and its revision */
	s.current = "d9";
	assert_int_equal(see(w, PHASE_WATCH, &s).live, LIVE_UNREADABLE);
	set(w, &s);
	deployment_is(w, "d9",
		      "\"status\":\"IN_PROGRESS\",\"targetServiceRevision\":{\"arn\":\"" REVISION(
			      "r9") "\"}");
	assert_int_equal(look(w, PHASE_WATCH).live, LIVE_UNREADABLE);
	str_copy(w->state.candidate, sizeof(w->state.candidate), STR("["));
	assert_int_equal(look(w, PHASE_WATCH).live, LIVE_UNREADABLE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, ecs_world_set_up, ecs_world_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_deployment_is_read_in_the_words_of_the_machine),
		TEST(its_health_is_that_of_its_targets),
		TEST(why_it_went_back_is_told),
		TEST(tasks_that_do_not_stay_up),
		TEST(before_there_is_a_deployment),
		TEST(somebody_elses_deployment_is_foreign),
		TEST(whatever_cannot_be_read_is_unreadable),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
