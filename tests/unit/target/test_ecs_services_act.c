#include "tests/unit/target/ecs_services_world.h"

/* Two services: capacity before weight, and what is cleaned up. */

/* --- preparing -------------------------------------------------------------------------------- */

static int prepare(struct world *w)
{
	char candidate[LIMIT_CANDIDATE + 1];
	int rc;

	w->state.phase = PHASE_PREPARE;
	str_copy(candidate, sizeof(candidate), str_from(w->state.candidate));
	rc = target_ecs.prepare(&w->env, &w->state, candidate, &w->err);
	if (rc == 0)
		str_copy(w->state.candidate, sizeof(w->state.candidate), str_from(candidate));
	return rc;
}

static void prepare_once(struct world *w, const struct scene *s, size_t writes)
{
	set(w, s);
	if (prepare(w))
		fail_msg("%s", w->err.text);
	assert_int_equal(all_writes(w), writes);
}

static void a_service_is_created_like_the_one_that_serves(void **state)
{
	struct world *w = *state;
	struct scene s = {"blue=100 green=0", 4, NULL, 0, 0, 0, NULL};
	const char *body, *again;

	ecs_recorded(w, ECS_TWO_SERVICES, "-1", "");
	set(w, &s);
	put_definition(w, PINNED_7);
	definition_is(w, "web:7", "web:7", PINNED_7, "");
	assert_int_equal(prepare(w), 0);
	assert_string_equal(w->state.candidate, "{\"v\":\"web:7\"}");

	ecs_recorded(w, ECS_TWO_SERVICES, "-1", CANDIDATE_8);
	prepare_once(w, &s, 1);
	body = last_body(w, "POST", CREATE);
	assert_non_null(strstr(body, "\"serviceName\":\"web-twin\""));
	assert_non_null(strstr(body, "\"taskDefinition\":\"web:8\",\"desiredCount\":1,"));
	assert_non_null(strstr(body, BALANCER("green", "")));
	assert_non_null(
		strstr(body, "\"tags\":[{\"key\":\"" ECS_ROLLOUT_TAG "\",\"value\":\"r-1\"}]"));
	assert_non_null(strstr(body, "\"type\":\"COUNT\",\"value\":3"));
	/* the same request has the same token, another rollout's another */
	prepare_once(w, &s, 1);
	again = last_body(w, "POST", CREATE);
	assert_string_equal(body, again);
	str_copy(w->state.id, sizeof(w->state.id), STR("r-2"));
	prepare_once(w, &s, 1);
	assert_string_not_equal(strstr(body, CREATE), strstr(last_body(w, "POST", CREATE), CREATE));
	/* the group goes into the action first: ECS refuses one that no load balancer knows */
	s.rule = "blue=100";
	set(w, &s);
	assert_int_equal(prepare(w), 0);
	assert_int_equal(sent(w, "POST", "Action=ModifyRule"), 1);
	for (size_t i = 0; i < w->f->n_requests; i++) {
		if (strstr(w->f->requests[i].body.p, CREATE))
			fail_msg("created first");
		if (strstr(w->f->requests[i].body.p, "Action=ModifyRule"))
			break;
	}
}

static void a_standing_twin_is_rolled(void **state)
{
	struct world *w = *state;
	struct scene s = {"blue=100 green=0", 4, "web:6", 0, 0, 0, NULL};
	const char *body;

	ecs_recorded(w, ECS_TWO_SERVICES, "0", CANDIDATE_8);
	w->plan.target.lb.min_healthy = 2;
	prepare_once(w, &s, 1);
	body = last_body(w, "POST", UPDATE("web-twin"));
	assert_non_null(strstr(body, "\"taskDefinition\":\"web:8\",\"desiredCount\":2,"
				     "\"deploymentConfiguration\":{\"strategy\":\"ROLLING\","
				     "\"deploymentCircuitBreaker\":{\"enable\":true,\"rollback\":"
				     "false,"));
	/* more than is needed is left to it */
	s.desired = 9;
	prepare_once(w, &s, 1);
	assert_non_null(strstr(last_body(w, "POST", UPDATE("web-twin")), "\"desiredCount\":9,"));
	/* on the new definition it is only a count */
	s = (struct scene){"blue=100 green=0", 4, "web:8", 1, 1, 1, NULL};
	prepare_once(w, &s, 1);
	assert_string_equal(last_body(w, "POST", UPDATE("web-twin")),
			    "{\"cluster\":\"prod\",\"service\":\"web-twin\",\"desiredCount\":2}");
	s.desired = 2;
	prepare_once(w, &s, 0);
	/* its name is taken while an old one of that name drains */
	set(w, &s);
	once(w, "POST", DESCRIBE_SERVICE("web-twin"), 200,
	     "{\"services\":[{\"serviceArn\":\"a\",\"serviceName\":\"web-twin\",\"status\":"
	     "\"DRAINING\"}]}");
	assert_int_equal(prepare(w), 0);
	assert_int_equal(all_writes(w), 0);
	set(w, &s);
	once(w, "POST", DESCRIBE_SERVICE("web-twin"), 200,
	     "{\"services\":[{\"serviceArn\":\"a\",\"serviceName\":\"web-twin\",\"status\":"
	     "\"INACTIVE\"}]}");
	assert_int_equal(prepare(w), 0);
	assert_int_equal(sent(w, "POST", CREATE), 1);
}

static void preparing_fails_when_something_does(void **state)
{
	static const char *const words[] = {"Action=DescribeRules", DESCRIBE_SERVICE("web"),
					    DESCRIBE_SERVICE("web-twin"), CREATE};
	struct world *w = *state;
	struct scene s = {"blue=100 green=0", 4, NULL, 0, 0, 0, NULL};

	ecs_recorded(w, ECS_TWO_SERVICES, "-1", CANDIDATE_8);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		set(w, &s);
		once(w, "POST", words[i], 0, "")->fail = ERR_SYSTEM;
		if (prepare(w) == 0)
			fail_msg("%s", words[i]);
	}
	/* the second look at the one to copy from */
	set(w, &s);
	once(w, "POST", DESCRIBE_SERVICE("web"), 200, w->routes[0].body);
	w->routes[0].status = 0;
	w->routes[0].fail = ERR_SYSTEM;
	assert_int_equal(prepare(w), -1);
	ecs_recorded(w, ECS_TWO_SERVICES, "-1", "");
	set(w, &s);
	assert_int_equal(prepare(w), -1); /* no task definition to be read */
	str_copy(w->state.candidate, sizeof(w->state.candidate), STR("["));
	assert_int_equal(prepare(w), -1);
}

/* --- traffic ---------------------------------------------------------------------------------- */

static int split(struct world *w, const struct target_observation *o, int weight_bp)
{
	return target_ecs.split(&w->env, &w->state, o, SHARE(weight_bp), &w->err);
}

static void capacity_comes_before_weight(void **state)
{
	struct world *w = *state;
	struct target_observation o;
	struct scene s = {"blue=95 green=5", 4, "web:8", 1, 1, 1, NULL};

	ecs_recorded(w, ECS_TWO_SERVICES, "-1", CANDIDATE_8);
	o = see(w, PHASE_SHIFT, &s);
	assert_int_equal(split(w, &o, 5000), 0);
	assert_string_equal(last_body(w, "POST", UPDATE("web-twin")),
			    "{\"cluster\":\"prod\",\"service\":\"web-twin\",\"desiredCount\":2}");
	assert_int_equal(all_writes(w), 1);
	/* they start: not yet */
	s.desired = 2;
	set(w, &s);
	assert_int_equal(split(w, &o, 5000), -1);
	assert_int_equal(w->err.code, ERR_CONFLICT);
	assert_non_null(strstr(w->err.text, "has 1 healthy targets; 2 are needed for 50.00%"));
	assert_int_equal(all_writes(w), 0);
	s.running = s.healthy = 2;
	set(w, &s);
	assert_int_equal(split(w, &o, 5000), 0);
	assert_int_equal(all_writes(w), 1);
	assert_int_equal(sent(w, "POST", "Action=ModifyRule"), 1);
	/* the promotion: as many as the baseline has */
	s.rule = "blue=50 green=50";
	o = see(w, PHASE_PROMOTE, &s);
	assert_int_equal(target_ecs.promote(&w->env, &w->state, &o, &w->err), 0);
	assert_non_null(strstr(last_body(w, "POST", UPDATE("web-twin")), "\"desiredCount\":4}"));
	s.desired = s.running = s.healthy = 4;
	set(w, &s);
	assert_int_equal(target_ecs.promote(&w->env, &w->state, &o, &w->err), 0);
	assert_int_equal(sent(w, "POST", "Action=ModifyRule"), 1);
}

static void traffic_does_not_move_onto_what_changed(void **state)
{
	struct world *w = *state;
	struct target_observation o;
	struct scene s = {"blue=95 green=5", 4, "web:8", 2, 2, 2, NULL};

	ecs_recorded(w, ECS_TWO_SERVICES, "-1", CANDIDATE_8);
	o = see(w, PHASE_SHIFT, &s);
	s.twin = "web:9";
	set(w, &s);
	assert_int_equal(split(w, &o, 5000), -1);
	assert_int_equal(w->err.code, ERR_CONFLICT);
	s.twin = NULL;
	set(w, &s);
	assert_int_equal(split(w, &o, 5000), -1);
	s.twin = "web:8";
	s.rule = "blue=90 green=10";
	set(w, &s);
	assert_int_equal(split(w, &o, 5000), -1);
	assert_int_equal(w->err.code, ERR_CONFLICT);
	set(w, &s);
	once(w, "POST", "DescribeTargetHealth", 0, "")->fail = ERR_SYSTEM;
	assert_int_equal(split(w, &o, 5000), -1);
	set(w, &s);
	once(w, "POST", DESCRIBE_SERVICE("web"), 0, "")->fail = ERR_SYSTEM;
	assert_int_equal(split(w, &o, 5000), -1);
	assert_int_equal(all_writes(w), 0);
}

static int restore(struct world *w, const struct target_observation *o)
{
	w->state.phase = PHASE_RESTORE;
	return target_ecs.restore(&w->env, &w->state, o, &w->err);
}

static void the_baseline_gets_its_tasks_before_its_traffic(void **state)
{
	struct world *w = *state;
	struct target_observation o;
	struct scene s = {"blue=0 green=100", 0, "web:8", 4, 4, 4, NULL};

	ecs_recorded(w, ECS_TWO_SERVICES, "-1", CANDIDATE_8);
	o = see(w, PHASE_RESTORE, &s);
	assert_int_equal(o.live, LIVE_CANDIDATE);
	assert_int_equal(restore(w, &o), 0);
	assert_string_equal(last_body(w, "POST", UPDATE("web")),
			    "{\"cluster\":\"prod\",\"service\":\"web\",\"desiredCount\":4}");
	assert_int_equal(all_writes(w), 1);
	/* half of them must be there */
	s.baseline = 4;
	set(w, &s);
	once(w, "POST", "DescribeTargetHealth", 200, targets(w, "healthy initial"));
	assert_int_equal(restore(w, &o), -1);
	assert_int_equal(w->err.code, ERR_CONFLICT);
	assert_non_null(strstr(w->err.text, "1 healthy targets, half of 4 are needed"));
	set(w, &s);
	once(w, "POST", "DescribeTargetHealth", 200, targets(w, "healthy healthy initial"));
	assert_int_equal(restore(w, &o), 0);
	assert_int_equal(sent(w, "POST", "Action=ModifyRule"), 1);
	set(w, &s);
	once(w, "POST", "DescribeTargetHealth", 0, "")->fail = ERR_SYSTEM;
	assert_int_equal(restore(w, &o), -1);
	/* what is gone cannot be gone back to */
	set(w, &s);
	once(w, "POST", DESCRIBE_SERVICE("web"), 200,
	     "{\"services\":[{\"serviceArn\":\"a\",\"serviceName\":\"web\",\"status\":"
	     "\"INACTIVE\"}]}");
	assert_int_equal(restore(w, &o), -1);
	assert_int_equal(w->err.code, ERR_REJECTED);
	assert_non_null(strstr(w->err.text, "there is nothing to go back to"));
	s.baseline = -1;
	set(w, &s);
	assert_int_equal(restore(w, &o), -1);
	assert_int_equal(w->err.code, ERR_NOT_FOUND);
}

/* --- cleaning up ------------------------------------------------------------------------------ */

static void the_old_one_is_retired_as_the_plan_says(void **state)
{
	struct world *w = *state;
	struct target_observation o;
	struct scene s = {"blue=0 green=100", 4, "web:8", 4, 4, 4, NULL};

	ecs_recorded(w, ECS_TWO_SERVICES, "-1", CANDIDATE_8);
	o = see(w, PHASE_RETIRE, &s);
	assert_int_equal(o.live, LIVE_PROMOTED);
	assert_false(o.retired);
	assert_string_equal(o.detail, "service web has 4 tasks still");
	assert_int_equal(target_ecs.retire(&w->env, &w->state, &o, &w->err), 0);
	assert_non_null(strstr(last_body(w, "POST", UPDATE("web")), "\"desiredCount\":0}"));
	s.baseline = 0;
	assert_true(see(w, PHASE_RETIRE, &s).retired);

	w->plan.target.ecs.retire = ECS_DELETE;
	s.baseline = 4;
	o = see(w, PHASE_RETIRE, &s);
	assert_false(o.retired);
	assert_int_equal(target_ecs.retire(&w->env, &w->state, &o, &w->err), 0);
	assert_int_equal(sent(w, "POST", DELETE("web")), 1);
	s.baseline = -1;
	assert_true(see(w, PHASE_RETIRE, &s).retired);

	w->plan.target.ecs.retire = ECS_KEEP;
	s.baseline = 4;
	o = see(w, PHASE_RETIRE, &s);
	assert_true(o.retired);
	assert_int_equal(target_ecs.retire(&w->env, &w->state, &o, &w->err), 0);
	assert_int_equal(all_writes(w), 0);

	/* never what serves */
	w->plan.target.ecs.retire = ECS_DELETE;
	s.rule = "blue=1 green=99";
	set(w, &s);
	assert_int_equal(target_ecs.retire(&w->env, &w->state, &o, &w->err), -1);
	assert_int_equal(w->err.code, ERR_CONFLICT);
	forget_routes(w);
	assert_int_equal(target_ecs.retire(&w->env, &w->state, &o, &w->err), -1);
	assert_int_equal(all_writes(w), 0);
}

static void after_a_way_back_what_was_made_is_removed(void **state)
{
	struct world *w = *state;
	struct target_observation o;
	struct scene s = {"blue=100 green=0", 4, "web:8", 1, 1, 1, NULL};

	/* created by this rollout */
	ecs_recorded(w, ECS_TWO_SERVICES, "-1", CANDIDATE_8);
	o = see(w, PHASE_PROVE, &s);
	assert_int_equal(o.live, LIVE_BASELINE);
	assert_int_equal(o.baseline_health.kind, VERDICT_PASS);
	assert_true(o.leftover);
	assert_int_equal(target_ecs.discard(&w->env, &w->state, &o, &w->err), 0);
	assert_int_equal(sent(w, "POST", DELETE("web-twin")), 1);
	s.twin = NULL;
	assert_false(see(w, PHASE_PROVE, &s).leftover);
	assert_int_equal(target_ecs.discard(&w->env, &w->state, &o, &w->err), 0);
	assert_int_equal(all_writes(w), 0);
	/* made by somebody else meanwhile */
	s.twin = "web:8";
	str_copy(w->state.id, sizeof(w->state.id), STR("r-2"));
	assert_false(see(w, PHASE_PROVE, &s).leftover);
	assert_int_equal(target_ecs.discard(&w->env, &w->state, &o, &w->err), 0);
	assert_int_equal(all_writes(w), 0);

	/* it was standing there: as many tasks as before */
	ecs_recorded(w, ECS_TWO_SERVICES, "0", CANDIDATE_8);
	o = see(w, PHASE_PROVE, &s);
	assert_true(o.leftover);
	assert_int_equal(target_ecs.discard(&w->env, &w->state, &o, &w->err), 0);
	assert_non_null(strstr(last_body(w, "POST", UPDATE("web-twin")), "\"desiredCount\":0}"));
	s.desired = s.running = 0;
	assert_false(see(w, PHASE_PROVE, &s).leftover);
	/* not touched by this rollout yet */
	s.desired = 3;
	s.twin = "web:6";
	assert_false(see(w, PHASE_PROVE, &s).leftover);
	/* never what has traffic */
	s.rule = "blue=95 green=5";
	set(w, &s);
	assert_int_equal(target_ecs.discard(&w->env, &w->state, &o, &w->err), -1);
	assert_int_equal(w->err.code, ERR_CONFLICT);
	assert_int_equal(all_writes(w), 0);
	ecs_recorded(w, ECS_TWO_SERVICES, "-1", CANDIDATE_8);
	s.rule = "blue=100 green=0";
	set(w, &s);
	once(w, "POST", DESCRIBE_SERVICE("web-twin"), 0, "")->fail = ERR_SYSTEM;
	assert_int_equal(target_ecs.discard(&w->env, &w->state, &o, &w->err), -1);
	forget_routes(w);
	assert_int_equal(target_ecs.discard(&w->env, &w->state, &o, &w->err), -1);
}

/* Without its plan a rollout can only go back: nothing of the plan's file is there then. */
static void without_a_plan_it_goes_back(void **state)
{
	struct world *w = *state;
	struct target_observation o;
	struct scene s = {"blue=50 green=50", 4, "web:8", 2, 2, 2, NULL};
	struct plan *plan;

	ecs_recorded(w, ECS_TWO_SERVICES, "-1", CANDIDATE_8);
	assert_int_equal(plan_fallback(w->f->arena, w->state.undo, NULL, &plan, &w->err), 0);
	assert_int_equal(plan->target.kind, TARGET_ECS);
	w->env.plan = plan;
	o = see(w, PHASE_WATCH, &s);
	assert_int_equal(o.live, LIVE_SPLIT);
	o = see(w, PHASE_RESTORE, &s);
	assert_int_equal(restore(w, &o), 0);
	assert_int_equal(sent(w, "POST", "Action=ModifyRule"), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, ecs_world_set_up, ecs_world_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_service_is_created_like_the_one_that_serves),
		TEST(a_standing_twin_is_rolled),
		TEST(preparing_fails_when_something_does),
		TEST(capacity_comes_before_weight),
		TEST(traffic_does_not_move_onto_what_changed),
		TEST(the_baseline_gets_its_tasks_before_its_traffic),
		TEST(the_old_one_is_retired_as_the_plan_says),
		TEST(after_a_way_back_what_was_made_is_removed),
		TEST(without_a_plan_it_goes_back),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
