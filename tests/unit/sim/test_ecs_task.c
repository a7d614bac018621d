#include "tests/unit/sim/ecs_shop.h"

/* Tasks of the simulated ECS over time: starting, failing, draining; and rolling deployments. */

#define WEB "{\"cluster\":\"prod\",\"service\":\"web\""

/* The tasks of the service with this desired status, described. */
static const struct json *tasks(struct world *w, const char *desired)
{
	const struct json *list =
		json_get(ecs_ok(w, "ListTasks",
				arena_printf(w->arena,
					     "{\"cluster\":\"prod\",\"serviceName\":\"web\","
					     "\"desiredStatus\":\"%s\"}",
					     desired)),
			 "taskArns");
	const char *names = "";
	json_each(t, list) {
		names = arena_printf(w->arena, "%s%s\"" STR_FMT "\"", names, names[0] ? "," : "",
				     STR_ARG(json_text(t)));
	}
	if (!names[0])
		fail_msg("no task is %s", desired);
	return json_get(
		ecs_ok(w, "DescribeTasks",
		       arena_printf(w->arena, "{\"cluster\":\"prod\",\"tasks\":[%s]}", names)),
		"tasks");
}

static const char *event(struct world *w, const char *word)
{
	json_each(e, json_get(ecs_service(w), "events")) {
		const char *text = json_cstr(json_get(e, "message"));
		if (strstr(text, word))
			return text;
	}
	return NULL;
}

static const char *newest_event(struct world *w)
{
	return json_cstr(json_get(ecs_first(json_get(ecs_service(w), "events")), "message"));
}

/* State of the only target of a group. */
static const char *target_state(struct world *w, const char *group)
{
	const struct json *list =
		json_get(ctl(w, arena_printf(w->arena, "elbv2 show %s", group)), "targets");
	return list->n ? json_cstr(json_get(list->first, "state")) : "";
}

static void test_a_task_starts_over_time(void **state)
{
	struct ecs_shop s = ecs_shop_new("desired=0");
	struct world *w = s.w;
	const struct json *t;
	(void)state;
	ecs_ok(w, "UpdateService", WEB ",\"desiredCount\":1}");
	assert_string_equal(target_state(w, "blue"), "");
	sim_advance(w->sim, 1000);
	t = tasks(w, "RUNNING")->first;
	assert_text(t, "lastStatus", "PROVISIONING");
	assert_text(t, "desiredStatus", "RUNNING");
	assert_text(t, "group", "service:web");
	assert_near(number(ecs_service(w), "pendingCount"), 1, 0);
	sim_advance(w->sim, 5000);
	assert_text(tasks(w, "RUNNING")->first, "lastStatus", "PENDING");
	sim_advance(w->sim, 10000);
	t = tasks(w, "RUNNING")->first;
	assert_text(t, "lastStatus", "RUNNING");
	assert_text(json_get(t, "containers")->first, "lastStatus", "RUNNING");
	assert_near(number(ecs_service(w), "runningCount"), 1, 0);
	assert_string_equal(target_state(w, "blue"), "initial"); /* its address is a target */
	assert_null(strstr(newest_event(w), "steady state"));
	sim_advance(w->sim, 11000);
	assert_string_equal(target_state(w, "blue"), "healthy");
	assert_non_null(strstr(newest_event(w), "steady state"));
	/* and goes by draining first */
	ecs_ok(w, "UpdateService", WEB ",\"desiredCount\":0}");
	sim_advance(w->sim, 1000);
	assert_string_equal(target_state(w, "blue"), "draining");
	t = tasks(w, "STOPPED")->first;
	assert_text(t, "lastStatus", "DEACTIVATING");
	assert_near(number(ecs_service(w), "runningCount"), 0, 0);
	sim_advance(w->sim, 21000);
	assert_string_equal(target_state(w, "blue"), "");
	sim_advance(w->sim, 5000);
	t = tasks(w, "STOPPED")->first;
	assert_text(t, "lastStatus", "STOPPED");
	assert_text(t, "stopCode", "ServiceSchedulerInitiated");
	sim_advance(w->sim, 3700000); /* and is forgotten after an hour */
	assert_int_equal(json_get(ecs_ok(w, "ListTasks",
					 "{\"cluster\":\"prod\",\"desiredStatus\":\"STOPPED\"}"),
				  "taskArns")
				 ->n,
			 0);
	world_free(w);
}

static void test_an_image_that_cannot_be_pulled(void **state)
{
	struct ecs_shop s = ecs_shop_new("strategy=BLUE_GREEN");
	struct world *w = s.w;
	const struct json *t, *row;
	const char *arn;
	(void)state;
	ctl(w, "ecs image web:2 state=Failed");
	arn = ecs_update(w, "web:2", "");
	sim_advance(w->sim, 600000);
	t = tasks(w, "STOPPED")->first;
	assert_text(t, "stopCode", "TaskFailedToStart");
	assert_non_null(strstr(json_cstr(json_get(t, "stoppedReason")), "CannotPullContainer"));
	assert_non_null(strstr(json_cstr(json_get(t, "stoppedReason")), "web:2"));
	assert_non_null(event(w, "unable to start"));
	row = ecs_first(json_get(ecs_service(w), "deployments"));
	assert_true(number(row, "failedTasks") >= 6);
	assert_true(number(row, "failedTasks") < 40); /* it backs off */
	/* no end is in sight: nothing stops a deployment in stages by itself */
	assert_text(ecs_deployment(w, arn), "lifecycleStage", "SCALE_UP");
	assert_near(ecs_live_share(w, "shop:80:10", "blue"), 100, 0);
	world_free(w);
}

static void test_a_task_that_fails_its_checks_is_replaced(void **state)
{
	struct ecs_shop s = ecs_shop_new("desired=1");
	struct world *w = s.w;
	(void)state;
	ctl(w, "ecs image web health=unhealthy"); /* every tag of it */
	sim_advance(w->sim, 12000);
	assert_non_null(event(w, "failed health checks"));
	assert_non_null(strstr(json_cstr(json_get(tasks(w, "STOPPED")->first, "stoppedReason")),
			       "Task failed ELB health checks"));
	ctl(w, "ecs image web:1 health=healthy"); /* the exact name wins */
	sim_advance(w->sim, 120000);
	assert_string_equal(target_state(w, "blue"), "healthy");
	/* a grace period keeps it */
	ecs_ok(w, "UpdateService", WEB ",\"healthCheckGracePeriodSeconds\":600}");
	ctl(w, "ecs image web:1 health=unhealthy");
	ecs_ok(w, "StopTask",
	       arena_printf(w->arena, "{\"cluster\":\"prod\",\"task\":\"" STR_FMT "\"}",
			    STR_ARG(json_text(json_get(tasks(w, "RUNNING")->first, "taskArn")))));
	assert_text(json_get(body_json(w), "task"), "stopCode", "UserInitiated");
	sim_advance(w->sim, 120000);
	assert_text(tasks(w, "RUNNING")->first, "lastStatus", "RUNNING");
	assert_string_equal(target_state(w, "blue"), "unhealthy");
	world_free(w);
}

static void test_tasks_do_what_image_and_environment_say(void **state)
{
	struct ecs_shop s = ecs_shop_new("desired=1");
	struct world *w = s.w;
	const struct json *t;
	(void)state;
	ctl(w, "ecs image web errors=0.5 latency_ms=40");
	t = json_get(ctl(w, "ecs show prod/web"), "tasks")->first;
	assert_near(number(t, "errorRate"), 0.5, 0);
	sim_advance(w->sim, 60000);
	t = json_get(ctl(w, "elbv2 show blue"), "targets")->first;
	assert_near(number(t, "errors") / number(t, "requests"), 0.4, 0.15);
	ecs_ok(w, "RegisterTaskDefinition",
	       "{\"family\":\"web\",\"containerDefinitions\":[{\"name\":\"app\",\"image\":"
	       "\"web@sha256:0123\",\"environment\":[{\"name\":\"SIM\",\"value\":"
	       "\"sim: errors=0.25 nonsense=1\"}]}]}");
	ecs_ok(w, "UpdateService", WEB ",\"taskDefinition\":\"web\"}");
	sim_advance(w->sim, 120000);
	t = json_get(ctl(w, "ecs show prod/web"), "tasks")->first;
	assert_near(number(t, "errorRate"), 0.25, 0);
	world_free(w);
}

static void test_a_task_that_crashes_after_a_while(void **state)
{
	struct ecs_shop s = ecs_shop_new("desired=1");
	struct world *w = s.w;
	const struct json *t;
	(void)state;
	ctl(w, "ecs image web:1 crash=30s"); /* from now on */
	sim_advance(w->sim, 29000);
	assert_near(number(ecs_service(w), "runningCount"), 1, 0);
	sim_advance(w->sim, 2000);
	t = tasks(w, "STOPPED")->first;
	assert_text(t, "stopCode", "EssentialContainerExited");
	assert_near(number(json_get(t, "containers")->first, "exitCode"), 1, 0);
	/* it had been healthy: such a crash does not count against the deployment */
	assert_near(number(ecs_first(json_get(ecs_service(w), "deployments")), "failedTasks"), 0,
		    0);
	ctl(w, "ecs image web:1 crash=0");
	sim_advance(w->sim, 60000);
	assert_near(number(ecs_service(w), "runningCount"), 1, 0);
	ctl(w, "ecs crash prod/web family=web:1");
	assert_near(number(ecs_service(w), "runningCount"), 0, 0);
	world_free(w);
}

static void test_a_rolling_deployment_replaces_task_by_task(void **state)
{
	struct ecs_shop s = ecs_shop_new("desired=4");
	struct world *w = s.w;
	const char *arn = ecs_update(w, "web:2",
				     ",\"deploymentConfiguration\":{\"maximumPercent\":150,"
				     "\"minimumHealthyPercent\":75}");
	const struct json *d;
	(void)state;
	for (int i = 0; i < 200; i++) {
		double running, pending;
		sim_advance(w->sim, 1000);
		running = number(ecs_service(w), "runningCount");
		pending = number(ecs_service(w), "pendingCount");
		if (running < 3 || running + pending > 6)
			fail_msg("%g running, %g pending", running, pending);
	}
	d = ecs_deployment(w, arn);
	assert_text(d, "status", "SUCCESSFUL");
	assert_null(json_get(d, "lifecycleStage"));
	assert_null(json_at(d, "targetServiceRevision.requestedProductionTrafficWeight"));
	assert_int_equal(json_get(ecs_service(w), "deployments")->n, 1);
	assert_near(ecs_live_share(w, "shop:80:10", "blue"), 100, 0); /* in the same group */
	world_free(w);
}

static void test_the_circuit_breaker(void **state)
{
	static const struct {
		const char *threshold;
		double value;
	} cases[] = {
		{"", 3}, /* half of what is desired, at least 3 */
		{",\"thresholdConfiguration\":{\"type\":\"COUNT\",\"value\":5}", 5},
		{",\"thresholdConfiguration\":{\"type\":\"BOUNDED_PERCENT\",\"value\":50}", 3},
		{",\"thresholdConfiguration\":{\"type\":\"UNBOUNDED_PERCENT\",\"value\":50}", 1},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ecs_shop s = ecs_shop_new("");
		struct world *w = s.w;
		const struct json *d;
		const char *arn;
		ctl(w, "ecs image web:2 state=Failed");
		arn = ecs_update(w, "web:2",
				 arena_printf(w->arena,
					      ",\"deploymentConfiguration\":{"
					      "\"deploymentCircuitBreaker\":{\"enable\":true,"
					      "\"rollback\":%s%s}}",
					      i == 1 ? "false" : "true", cases[i].threshold));
		ecs_until(w, arn, i == 1 ? "STOPPED" : "ROLLBACK_SUCCESSFUL");
		d = ecs_deployment(w, arn);
		assert_text(d, "deploymentCircuitBreaker.status", "TRIGGERED");
		assert_near(number(d, "deploymentCircuitBreaker.threshold"), cases[i].value, 0);
		assert_text(ctl(w, "ecs show prod/web"), "completed",
			    "arn:aws:ecs:eu-central-1:111122223333:task-definition/web:1");
		world_free(w);
	}
	(void)state;
}

static void test_alarms_watch_a_rolling_deployment_for_a_while(void **state)
{
	struct ecs_shop s = ecs_shop_new("");
	struct world *w = s.w;
	const char *arn;
	(void)state;
	ctl(w, "cloudwatch alarm errors namespace=X metric=Y threshold=1 missing=notBreaching");
	arn = ecs_update(w, "web:2",
			 ",\"deploymentConfiguration\":{\"alarms\":{\"alarmNames\":[\"errors\"],"
			 "\"enable\":true,\"rollback\":true}}");
	sim_advance(w->sim, 180000);
	assert_near(number(ecs_service(w), "runningCount"), 2, 0);
	assert_string_equal(ecs_status(w, arn), "IN_PROGRESS");
	ctl(w, "cloudwatch set-state errors ALARM");
	ecs_until(w, arn, "ROLLBACK_SUCCESSFUL");
	assert_text(ecs_service(w), "taskDefinition",
		    "arn:aws:ecs:eu-central-1:111122223333:task-definition/web:1");
	arn = ecs_update(w, "web:2", "");
	ecs_until(w, arn, "SUCCESSFUL");
	world_free(w);
}

static void test_desired_counts_follow_during_a_deployment(void **state)
{
	struct ecs_shop s = ecs_shop_new("strategy=BLUE_GREEN");
	struct world *w = s.w;
	const char *arn = ecs_update(
		w, "web:2",
		",\"deploymentConfiguration\":{\"strategy\":\"BLUE_GREEN\",\"bakeTimeInMinutes\":5,"
		"\"lifecycleHooks\":[{\"targetType\":\"PAUSE\",\"lifecycleStages\":["
		"\"POST_SCALE_UP\"]}]}");
	(void)state;
	ecs_until(w, arn, "hook");
	ecs_ok(w, "UpdateService", WEB ",\"desiredCount\":3}"); /* as scaling would */
	sim_advance(w->sim, 60000);
	assert_near(number(ecs_service(w), "runningCount"), 6, 0);
	assert_string_equal(ecs_status(w, arn), "IN_PROGRESS"); /* the same deployment */
	ecs_continue(w, arn, "CONTINUE");
	ecs_until(w, arn, "SUCCESSFUL");
	assert_near(number(ecs_service(w), "runningCount"), 3, 0);
	world_free(w);
}

static void test_tasks_are_listed_in_pages_and_by_family(void **state)
{
	struct ecs_shop s = ecs_shop_new("desired=3");
	struct world *w = s.w;
	const struct json *d;
	(void)state;
	d = ecs_ok(w, "ListTasks", "{\"cluster\":\"prod\",\"maxResults\":2}");
	assert_int_equal(json_get(d, "taskArns")->n, 2);
	d = ecs_ok(w, "ListTasks",
		   arena_printf(w->arena,
				"{\"cluster\":\"prod\",\"maxResults\":2,\"nextToken\":\"" STR_FMT
				"\"}",
				STR_ARG(json_text(json_get(d, "nextToken")))));
	assert_int_equal(json_get(d, "taskArns")->n, 1);
	assert_null(json_get(d, "nextToken"));
	d = ecs_ok(w, "ListTasks", "{\"cluster\":\"prod\",\"family\":\"other\"}");
	assert_int_equal(json_get(d, "taskArns")->n, 0);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_task_starts_over_time),
		cmocka_unit_test(test_an_image_that_cannot_be_pulled),
		cmocka_unit_test(test_a_task_that_fails_its_checks_is_replaced),
		cmocka_unit_test(test_tasks_do_what_image_and_environment_say),
		cmocka_unit_test(test_a_task_that_crashes_after_a_while),
		cmocka_unit_test(test_a_rolling_deployment_replaces_task_by_task),
		cmocka_unit_test(test_the_circuit_breaker),
		cmocka_unit_test(test_alarms_watch_a_rolling_deployment_for_a_while),
		cmocka_unit_test(test_desired_counts_follow_during_a_deployment),
		cmocka_unit_test(test_tasks_are_listed_in_pages_and_by_family),
	};
	return cmocka_run_group_tests_name("sim_ecs_task", tests, NULL, NULL);
}
