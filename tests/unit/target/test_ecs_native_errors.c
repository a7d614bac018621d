#include "tests/unit/target/broken_disk.h"
#include "tests/unit/target/ecs_native_world.h"
#include "tests/unit/target/walk_records.h"

/* Everything that can go wrong with a call, in every state of ECS's own deployment controller. */

#define N(list) (sizeof(list) / sizeof((list)[0]))

static const struct walk looks[] = {
	{WALK(OBSERVE, PREPARE)}, {WALK(OBSERVE, VERIFY)},  {WALK(OBSERVE, SHIFT)},
	{WALK(OBSERVE, WATCH)},	  {WALK(OBSERVE, PROMOTE)}, {WALK(OBSERVE, BAKE)},
	{WALK(OBSERVE, RETIRE)},  {WALK(OBSERVE, RESTORE)}, {WALK(OBSERVE, PROVE)},
};

static const struct walk acts[] = {
	/* a revision that is not there any more is not ours */
	{WALK(PREPARE, PREPARE), .forgiven = "DescribeTaskDefinition=missing"},
	{WALK(SPLIT, SHIFT), .want = {.weight_bp = 500}},
	{WALK(SPLIT, SHIFT), .want = {.weight_bp = 10000}},
	{WALK(PROMOTE, PROMOTE)},
	/* a pause that takes no answer is no reason not to go back: there is another way */
	{WALK(RESTORE, RESTORE), .forgiven = "ContinueServiceDeployment=refused"},
	{WALK(RETIRE, RETIRE)},
	{WALK(DISCARD, PROVE)},
};

#define RUNNING ",\"runningCount\":2,\"desiredCount\":4"
#define FAILING                                                               \
	",\"deployments\":[{\"status\":\"PRIMARY\",\"taskDefinition\":\"" TD( \
		"web:8") "\",\"failedTasks\":3,\"desiredCount\":4,\"runningCount\":0}]"
#define ROLLED_BACK \
	",\"rollback\":{\"reason\":\"an alarm\"},\"alarms\":{\"triggeredAlarmNames\":[\"a\"]}"
#define PAUSED                                                                        \
	",\"deploymentConfiguration\":{\"strategy\":\"CANARY\",\"lifecycleHooks\":[{" \
	"\"targetType\":"                                                             \
	"\"PAUSE\",\"lifecycleStages\":[\"PRE_PRODUCTION_TRAFFIC_SHIFT\"]}]}"

static const struct scene moments[] = {
	{.rule = "blue=100 green=0", .definition = "web:7"},
	{.rule = "blue=100 green=0", .status = "IN_PROGRESS", .current = "d1", .service = FAILING},
	{.rule = "blue=100 green=0", .status = "IN_PROGRESS", .hook = "h1", .current = "d1"},
	{.rule = "blue=95 green=5",
	 .status = "IN_PROGRESS",
	 .hook = "h2",
	 .weight = 5,
	 .current = "d1"},
	{.rule = "blue=0 green=100",
	 .status = "IN_PROGRESS",
	 .hook = "h3",
	 .weight = 100,
	 .current = "d1"},
	{.rule = "blue=0 green=100", .status = "SUCCESSFUL", .weight = 100, .service = PAUSED},
	{.rule = "blue=100 green=0",
	 .status = "ROLLBACK_IN_PROGRESS",
	 .current = "d1",
	 .more = ROLLED_BACK},
	{.rule = "blue=95 green=5", .status = "ROLLBACK_SUCCESSFUL", .definition = "web:7"},
	{.rule = "blue=100 green=0", .status = "STOPPED", .definition = "web:7", .service = PAUSED},
};

static void set_moment(struct world *w, const struct scene *s)
{
	set(w, s);
	modify_works(w);
	definition_is(w, "web:7", "web:7", PINNED_7, "");
	definition_is(w, "web", "web:7", PINNED_7, "");
	definition_is_missing(w, "web:6");
	definition_is_missing(w, "web:5");
	definition_is_missing(w, "web:4");
	definition_is_missing(w, "web:3");
	route(w, "POST", REGISTER, 200, definition(w, "web:8", PINNED_8, ""));
	route(w, "POST", LIST_DEPLOYMENTS, 200, "{\"serviceDeployments\":[" ROW("d1", "r2") "]}");
	route(w, "POST", STOPPED_TASKS, 200, "{\"taskArns\":[\"t1\"]}");
	route(w, "POST", "\"tasks\":[\"t1\"]", 200,
	      "{\"tasks\":[{\"taskArn\":\"t1\",\"stoppedReason\":\"no\",\"containers\":[{"
	      "\"exitCode\":1,\"reason\":\"r\"}]}]}");
}

static void every_moment_fails_closed(void **state)
{
	static const char *const candidates[] = {CANDIDATE_8, CANDIDATE_NO_DEPLOYMENT};
	struct world *w = *state;

	for (size_t k = 0; k < N(candidates); k++) {
		ecs_recorded(w, ECS_NATIVE, "", candidates[k]);
		for (size_t i = k == 0; i < N(moments); i++) {
			set_moment(w, &moments[i]);
			walk_faults(w, &target_ecs, looks, N(looks));
			walk_faults(w, &target_ecs, acts, N(acts));
		}
	}
	ecs_recorded(w, ECS_NATIVE, "", "");
	set_moment(w, &moments[0]);
	walk_each(w, &target_ecs, looks, 1);
	walk_each(w, &target_ecs, acts, 1);
}

static void odd_answers_get_no_further(void **state)
{
	struct world *w = *state;

	ecs_recorded(w, ECS_NATIVE, "", CANDIDATE_8);
	for (size_t i = 1; i < N(moments); i++) {
		set_moment(w, &moments[i]);
		walk_each(w, &target_ecs, looks + i - 1, 2);
		walk_each(w, &target_ecs, acts, N(acts));
	}
}

/* --- the first look --------------------------------------------------------------------------- */

#define SERVICE                                                                                 \
	"\"status\":\"ACTIVE\",\"taskDefinition\":\"" TD(                                       \
		"web:7") "\",\"desiredCount\":4,\"deploymentController\":{\"type\":\"ECS\"},"   \
			 "\"schedulingStrategy\":\"REPLICA\"," BALANCER(                        \
				 "blue",                                                        \
				 ADVANCED) ",\"deployments\":[{\"status\":\"PRIMARY\","         \
					   "\"rolloutState\":\"COMPLETED\"}],"                  \
					   "\"currentServiceRevisions\":[{\"arn\":\"" REVISION( \
						   "r1") "\"}],"                                \
							 "\"currentServiceDeployment\":"        \
							 "\"" DEPLOYMENT("d2") "\""

static void inspectable(struct world *w)
{
	service_is(w, "web", SERVICE);
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
	revision_is(w, "r1", "web:7", "blue");
	deployment_is(w, "d2", "\"status\":\"SUCCESSFUL\"");
	route(w, "POST", LIST_ALL_DEPLOYMENTS, 200,
	      "{\"serviceDeployments\":[{\"serviceDeploymentArn\":\"" DEPLOYMENT(
		      "d2") "\",\"status\":\"SUCCESSFUL\",\"targetServiceRevisionArn\":"
			    "\"" REVISION("r1") "\"}]}");
}

static void the_first_look_fails_closed(void **state)
{
	static const struct walk first[] = {{WALK(INSPECT, INSPECT)}, {WALK(CHECK, INSPECT)}};
	struct world *w = *state;

	inspectable(w);
	walk_each(w, &target_ecs, first, N(first));
	put_file(w, "imagedefinitions.json", "[{\"name\":\"app\",\"imageUri\":\"" PINNED_8 "\"}]");
	no_file(w, "taskdef.json");
	walk_each(w, &target_ecs, first, N(first));
}

static int inspect(void *arg)
{
	struct world *w = arg;
	char undo[LIMIT_UNDO + 1];
	bool first;

	return target_ecs.inspect(&w->env, undo, &first, &w->problems, &w->err);
}

/* Whichever of the files it is. */
static void a_disk_that_fails_is_no_fault_of_the_plan(void **state)
{
	static const char detail[] = "{\"ImageURI\":\"" PINNED_8 "\"}";
	static const char images[] = "[{\"name\":\"app\",\"imageUri\":\"" PINNED_8 "\"}]";
	const size_t sizes[] = {0, sizeof(images) - 1, sizeof(detail) - 1};
	struct world *w = *state;

	inspectable(w);
	put_definition(w, "<IMAGE1_NAME>");
	put_file(w, "imagedefinitions.json", images);
	put_file(w, "imageDetail.json", detail);
	for (size_t i = 0; i < N(sizes); i++) {
		if (i == 2) /* it is for a placeholder that is left */
			no_file(w, "imagedefinitions.json");
		w->err = ERR_INIT;
		assert_int_equal(on_broken_disk(BROKEN_READ, sizes[i], inspect, w), -1);
		assert_int_equal(w->err.code, ERR_SYSTEM);
		assert_int_equal(w->err.sys, EIO);
	}
	w->plan.target.ecs.n_image_details = 1;
	w->plan.target.ecs.image_details[0].placeholder = "IMAGE1_NAME";
	w->plan.target.ecs.image_details[0].path = "imageDetail.json";
	assert_int_equal(on_broken_disk(BROKEN_READ, sizes[2], inspect, w), -1);
	assert_int_equal(w->problems.n_errors, 0);
	w->err = ERR_INIT;
	assert_int_equal(on_broken_disk(BROKEN_STAT, 0, inspect, w), -1);
	assert_int_equal(w->err.code, ERR_SYSTEM);
	assert_int_equal(w->problems.n_errors, 0);
}

/* A definition of a size that ECS does not have is not copied. */
static void a_definition_without_bounds_is_refused(void **state)
{
	struct world *w = *state;

	route(w, "POST", "{\"taskDefinition\":\"" TD("web:7") "\",\"include\"", 200,
	      definition(w, "web:7", fake_repeat(w->f->arena, "0123456789", 60000), ""));
	inspectable(w);
	no_file(w, "taskdef.json");
	put_file(w, "imagedefinitions.json", "[{\"name\":\"app\",\"imageUri\":\"" PINNED_8 "\"}]");
	assert_int_equal(inspect(w), -1);
	assert_int_equal(w->err.code, ERR_LIMIT);
}

/* Both ways read it themselves, too. */
static void a_record_that_is_none_is_refused_by_each_way(void **state)
{
	static const struct target_ops *const ways[] = {&ecs_native_ops, &ecs_services_ops};
	const struct target_observation seen = {.live = LIVE_BASELINE};
	struct target_observation o;
	struct world *w = *state;

	str_copy(w->state.undo, sizeof(w->state.undo), STR("{\"t\":\"lambda\"}"));
	for (size_t i = 0; i < N(ways); i++) {
		assert_int_equal(ways[i]->restore(&w->env, &w->state, &seen, &w->err), -1);
		assert_int_equal(w->err.code, ERR_MALFORMED);
		assert_int_equal(ways[i]->observe(&w->env, &w->state, &o, &w->err), 0);
		assert_int_equal(o.live, LIVE_UNREADABLE);
	}
	assert_int_equal(w->f->n_requests, 0);
}

static void tampered_records_get_no_further(void **state)
{
	struct world *w = *state;

	ecs_recorded(w, ECS_NATIVE, "", CANDIDATE_8);
	for (size_t i = 3; i < 6; i++) {
		set_moment(w, &moments[i]);
		walk_records(w, &target_ecs);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, ecs_world_set_up, ecs_world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_moment_fails_closed),
		TEST(odd_answers_get_no_further),
		TEST(the_first_look_fails_closed),
		TEST(a_disk_that_fails_is_no_fault_of_the_plan),
		TEST(a_definition_without_bounds_is_refused),
		TEST(a_record_that_is_none_is_refused_by_each_way),
		TEST(tampered_records_get_no_further),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
