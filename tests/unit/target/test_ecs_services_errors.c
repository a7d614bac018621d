#include "tests/unit/target/ecs_services_world.h"
#include "tests/unit/target/walk_records.h"

/* Everything that can go wrong with a call, in every state of two services. */

#define N(list) (sizeof(list) / sizeof((list)[0]))

/* A service that is not there is looked at in words of its own. */
#define GONE "DescribeServices=missing"

static const struct walk looks[] = {
	{WALK(OBSERVE, PREPARE), .forgiven = GONE}, {WALK(OBSERVE, VERIFY), .forgiven = GONE},
	{WALK(OBSERVE, SHIFT), .forgiven = GONE},   {WALK(OBSERVE, WATCH), .forgiven = GONE},
	{WALK(OBSERVE, PROMOTE), .forgiven = GONE}, {WALK(OBSERVE, BAKE), .forgiven = GONE},
	{WALK(OBSERVE, RETIRE), .forgiven = GONE},  {WALK(OBSERVE, RESTORE)},
	{WALK(OBSERVE, PROVE), .forgiven = GONE},
};

static const struct walk acts[] = {
	{WALK(PREPARE, PREPARE), .forgiven = "DescribeServices=missing"},
	{WALK(SPLIT, SHIFT), .want = {.weight_bp = 500}},
	{WALK(SPLIT, SHIFT), .want = {.weight_bp = 10000}},
	{WALK(PROMOTE, PROMOTE)},
	{WALK(RESTORE, RESTORE)},
	{WALK(RETIRE, RETIRE), .forgiven = "DeleteService=missing"},
	{WALK(DISCARD, PROVE), .forgiven = "DescribeServices=missing DeleteService=missing"},
};

static const struct scene moments[] = {
	{"blue=100", 4, NULL, 0, 0, 0, NULL},
	{"blue=100 green=0", 4, "web:6", 0, 0, 0, NULL},
	{"blue=100 green=0", 4, "web:8", 1, 1, 1, NULL},
	{"blue=100 green=0", 4, "web:8", 1, 0, 0, "FAILED"},
	{"blue=95 green=5", 4, "web:8", 4, 4, 4, NULL},
	{"blue=0 green=100", 4, "web:8", 4, 4, 4, NULL},
	{"blue=0 green=100", 0, "web:8", 4, 4, 4, NULL},
};

static void set_moment(struct world *w, const struct scene *s)
{
	set(w, s);
	route(w, "POST", STOPPED_TASKS, 200, "{\"taskArns\":[\"t1\"]}");
	route(w, "POST", "\"tasks\":[\"t1\"]", 200,
	      "{\"tasks\":[{\"taskArn\":\"t1\",\"stoppedReason\":\"no\",\"containers\":[{"
	      "\"exitCode\":1,\"reason\":\"r\"}]}]}");
}

static void every_moment_fails_closed(void **state)
{
	static const char *const before[] = {"-1", "0"};
	struct world *w = *state;

	for (size_t k = 0; k < N(before); k++) {
		ecs_recorded(w, ECS_TWO_SERVICES, before[k], CANDIDATE_8);
		for (size_t i = 0; i < N(moments); i++) {
			set_moment(w, &moments[i]);
			walk_faults(w, &target_ecs, looks, N(looks));
			walk_faults(w, &target_ecs, acts, N(acts));
		}
		w->plan.target.ecs.retire = ECS_DELETE;
	}
}

static void odd_answers_get_no_further(void **state)
{
	struct world *w = *state;

	ecs_recorded(w, ECS_TWO_SERVICES, "-1", CANDIDATE_8);
	for (size_t i = 0; i < N(moments); i++) {
		set_moment(w, &moments[i]);
		walk_each(w, &target_ecs, looks + i, 2);
		walk_each(w, &target_ecs, acts, N(acts));
	}
}

/* --- the first look --------------------------------------------------------------------------- */

static const char *serving(struct world *w, const char *group, int desired)
{
	return arena_printf(
		w->f->arena,
		"\"status\":\"ACTIVE\",\"taskDefinition\":\"" TD(
			"web:7") "\",\"desiredCount\":%d,\"deploymentController\":{\"type\":\"ECS\""
				 "},\"schedulingStrategy\":\"REPLICA\",\"loadBalancers\":[{"
				 "\"targetGroupArn\":\"" GROUP(
					 "%s") "\",\"containerName\":\"app\",\"containerPort\":80}]"
					       ",\"deployments\":[{\"status\":\"PRIMARY\"}],"
					       "\"currentServiceDeployment\":\"" DEPLOYMENT(
						       "d2") "\"",
		desired, group);
}

static void the_first_look_fails_closed(void **state)
{
	/* one of the two is made */
	static const struct walk first[] = {
		{WALK(INSPECT, INSPECT)},
		{WALK(CHECK, INSPECT)},
	};
	struct world *w = *state;

	w->plan.target.ecs.method = ECS_TWO_SERVICES;
	w->plan.target.lb.resource_arn = RULE;
	service_is(w, "web", serving(w, "blue", 4));
	service_is(w, "web-twin", serving(w, "green", 0));
	route(w, "POST", "Action=DescribeTargetGroups&", 200,
	      answer(w, "DescribeTargetGroups",
		     "<TargetGroups><member><TargetGroupArn>" GROUP(
			     "blue") "</TargetGroupArn>"
				     "</member><member><TargetGroupArn>" GROUP(
					     "green") "</TargetGroupArn>"
						      "</member></TargetGroups>"));
	route(w, "POST", "Action=DescribeTargetGroupAttributes", 200,
	      answer(w, "DescribeTargetGroupAttributes", "<Attributes/>"));
	rule_is(w, "blue=100 green=0");
	health_is(w, GROUP_URI("blue"), "healthy healthy");
	route(w, "POST", "{\"taskDefinition\":\"" TD("web:7") "\",\"include\"", 200,
	      definition(w, "web:7", PINNED_7, ""));
	deployment_is(w, "d2", "\"status\":\"SUCCESSFUL\"");
	walk_each(w, &target_ecs, first, N(first));
}

/* Counts are multiplied by shares: what would overflow is no count. */
static void counts_have_bounds(void **state)
{
	struct world *w = *state;
	struct ecs_record r;
	struct ecs_service s;

	ecs_recorded(w, ECS_TWO_SERVICES, "9223372036854775807", CANDIDATE_8);
	assert_int_equal(ecs_record_load(w->f->arena, w->state.undo, &r, &w->err), -1);
	assert_int_equal(w->err.code, ERR_MALFORMED);
	service_is(w, "web", "\"status\":\"ACTIVE\",\"desiredCount\":9223372036854775807");
	if (ecs_describe_service(&w->env.client, "prod", "web", w->f->arena, &s, &w->err))
		fail_msg("%s", w->err.text);
	assert_int_equal(s.desired, 0);
}

static void tampered_records_get_no_further(void **state)
{
	struct world *w = *state;

	ecs_recorded(w, ECS_TWO_SERVICES, "0", CANDIDATE_8);
	set_moment(w, &moments[4]);
	walk_records(w, &target_ecs);
	ecs_recorded(w, ECS_TWO_SERVICES, "-1", CANDIDATE_8);
	set_moment(w, &moments[2]);
	walk_records(w, &target_ecs);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, ecs_world_set_up, ecs_world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_moment_fails_closed),       TEST(odd_answers_get_no_further),
		TEST(the_first_look_fails_closed),     TEST(counts_have_bounds),
		TEST(tampered_records_get_no_further),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
