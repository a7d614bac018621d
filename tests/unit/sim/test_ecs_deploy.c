#include "tests/unit/sim/ecs_shop.h"

/* Deployments of the simulated ECS: native ones stage by stage, rolling ones, and back again. */

#define MINUTE 60000

/* deploymentConfiguration with these members, and PAUSE hooks at these stages */
static const char *config(struct world *w, const char *members, const char *stages,
			  const char *timeout)
{
	return arena_printf(w->arena,
			    ",\"deploymentConfiguration\":{%s,\"lifecycleHooks\":[{\"targetType\":"
			    "\"PAUSE\",\"lifecycleStages\":[%s]%s}]}",
			    members, stages, timeout);
}

#define CANARY                                                                      \
	"\"strategy\":\"CANARY\",\"bakeTimeInMinutes\":2,\"canaryConfiguration\":{" \
	"\"canaryPercent\":10,\"canaryBakeTimeInMinutes\":3}"
#define EVERY_STAGE                                                       \
	"\"PRE_SCALE_UP\",\"POST_SCALE_UP\",\"POST_TEST_TRAFFIC_SHIFT\"," \
	"\"PRE_PRODUCTION_TRAFFIC_SHIFT\",\"POST_PRODUCTION_TRAFFIC_SHIFT\""

static double requested(struct world *w, const char *arn)
{
	return number(ecs_deployment(w, arn),
		      "targetServiceRevision.requestedProductionTrafficWeight");
}

/* The changes of the rule's split since this one, "10 100 " */
static const char *shares(struct ecs_shop *s, size_t from)
{
	const struct sim_split *splits;
	size_t n = sim_split_log(s->w->sim, &splits);
	const char *text = "";
	for (size_t i = from; i < n; i++)
		if (strcmp(splits[i].resource, s->rule) == 0 &&
		    strcmp(splits[i].candidate, s->green) == 0)
			text = arena_printf(s->w->arena, "%s%g ", text, splits[i].weight);
	return text;
}

static size_t n_splits(struct ecs_shop *s)
{
	const struct sim_split *splits;
	return sim_split_log(s->w->sim, &splits);
}

static void test_a_canary_goes_through_its_stages(void **state)
{
	static const char *const stages[] = {"PRE_SCALE_UP",
					     "POST_SCALE_UP",
					     "POST_TEST_TRAFFIC_SHIFT",
					     "PRODUCTION_TRAFFIC_SHIFT",
					     "PRODUCTION_TRAFFIC_SHIFT",
					     "POST_PRODUCTION_TRAFFIC_SHIFT"};
	static const double weights[] = {0, 0, 0, 0, 10, 100};
	struct ecs_shop s = ecs_shop_new("strategy=CANARY");
	struct world *w = s.w;
	size_t from = n_splits(&s);
	const char *arn = ecs_update(w, "web:2", config(w, CANARY, EVERY_STAGE, ""));
	(void)state;
	for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
		const struct json *d, *hook;
		ecs_until(w, arn, "hook");
		d = ecs_deployment(w, arn);
		hook = ecs_first(json_get(d, "lifecycleHookDetails"));
		assert_text(d, "status", "IN_PROGRESS");
		assert_text(d, "lifecycleStage", stages[i]);
		assert_near(requested(w, arn), weights[i], 0);
		assert_text(hook, "targetType", "PAUSE");
		assert_text(hook, "timeoutAction", "ROLLBACK");
		assert_near(number(hook, "expiresAt"),
			    (double)sim_now(w->sim).ms / 1000 + 1440 * 60, 2);
		sim_advance(w->sim, 10 * MINUTE); /* it waits */
		assert_near(requested(w, arn), weights[i], 0);
		ecs_continue(w, arn, "CONTINUE");
	}
	assert_near(ecs_live_share(w, "shop:80:5", "green"), 100, 0); /* test traffic */
	ecs_until(w, arn, "BAKE_TIME");
	assert_near(ecs_live_share(w, "shop:80:10", "green"), 100, 0);
	assert_near(number(ecs_service(w), "runningCount"), 4, 0); /* both fleets */
	ecs_until(w, arn, "CLEAN_UP");
	ecs_refused(w, "StopServiceDeployment",
		    arena_printf(w->arena, "{\"serviceDeploymentArn\":\"%s\"}", arn),
		    "ConflictException");
	ecs_until(w, arn, "SUCCESSFUL");
	assert_string_equal(shares(&s, from), "10 100 ");
	assert_near(number(ecs_service(w), "runningCount"), 2, 0);
	assert_int_equal(json_get(ecs_service(w), "deployments")->n, 1);
	assert_text(ecs_service(w), "taskDefinition",
		    "arn:aws:ecs:eu-central-1:111122223333:task-definition/web:2");
	world_free(w);
}

static void test_the_next_deployment_goes_back_into_the_first_group(void **state)
{
	struct ecs_shop s = ecs_shop_new("strategy=BLUE_GREEN");
	struct world *w = s.w;
	const char *arn = ecs_update(w, "web:2", "");
	(void)state;
	ecs_until(w, arn, "SUCCESSFUL");
	assert_near(ecs_live_share(w, "shop:80:10", "green"), 100, 0);
	arn = ecs_update(w, "web:3", "");
	ecs_until(w, arn, "SUCCESSFUL");
	assert_near(ecs_live_share(w, "shop:80:10", "blue"), 100, 0);
	/* what the service says of its load balancer stays as it was given */
	assert_text(json_get(ecs_service(w), "loadBalancers")->first, "targetGroupArn", s.blue);
	world_free(w);
}

static void test_a_linear_deployment_asks_before_every_step(void **state)
{
	static const double weights[] = {0, 40, 80};
	struct ecs_shop s = ecs_shop_new("strategy=LINEAR");
	struct world *w = s.w;
	size_t from = n_splits(&s);
	const char *arn = ecs_update(
		w, "web:2",
		config(w,
		       "\"strategy\":\"LINEAR\",\"linearConfiguration\":{\"stepPercent\":40,"
		       "\"stepBakeTimeInMinutes\":1}",
		       "\"PRE_PRODUCTION_TRAFFIC_SHIFT\"", ""));
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		ecs_until(w, arn, "hook");
		assert_near(requested(w, arn), weights[i], 0);
		ecs_continue(w, arn, "CONTINUE");
	}
	ecs_until(w, arn, "SUCCESSFUL");
	assert_string_equal(shares(&s, from), "40 80 100 ");
	world_free(w);
}

static void test_tenths_of_a_percent(void **state)
{
	struct ecs_shop s = ecs_shop_new("strategy=CANARY");
	struct world *w = s.w;
	size_t from = n_splits(&s);
	const char *arn = ecs_update(w, "web:2",
				     ",\"deploymentConfiguration\":{\"strategy\":\"CANARY\","
				     "\"canaryConfiguration\":{\"canaryPercent\":0.5,"
				     "\"canaryBakeTimeInMinutes\":0}}");
	(void)state;
	ecs_until(w, arn, "SUCCESSFUL");
	assert_string_equal(shares(&s, from), "0.5 100 ");
	world_free(w);
}

static void test_a_hook_can_send_it_back(void **state)
{
	struct ecs_shop s = ecs_shop_new("strategy=CANARY");
	struct world *w = s.w;
	size_t from = n_splits(&s);
	const char *arn =
		ecs_update(w, "web:2", config(w, CANARY, "\"PRE_PRODUCTION_TRAFFIC_SHIFT\"", ""));
	const struct json *d;
	(void)state;
	ecs_until(w, arn, "hook");
	ecs_continue(w, arn, "CONTINUE");
	sim_advance(w->sim, 2000);
	ecs_until(w, arn, "hook");
	assert_near(requested(w, arn), 10, 0);
	ecs_continue(w, arn, "ROLLBACK");
	d = ecs_deployment(w, arn);
	assert_text(d, "status", "ROLLBACK_REQUESTED");
	assert_text(ecs_service(w), "taskDefinition",
		    "arn:aws:ecs:eu-central-1:111122223333:task-definition/web:1");
	ecs_refused(w, "UpdateService", /* not while it goes back */
		    "{\"cluster\":\"prod\",\"service\":\"web\",\"forceNewDeployment\":true}",
		    "InvalidParameterException");
	ecs_until(w, arn, "ROLLBACK_IN_PROGRESS");
	ecs_until(w, arn, "ROLLBACK_SUCCESSFUL");
	d = ecs_deployment(w, arn);
	assert_non_null(json_at(d, "rollback.reason"));
	assert_non_null(json_at(d, "rollback.serviceRevisionArn"));
	assert_string_equal(shares(&s, from), "10 0 ");
	assert_near(ecs_live_share(w, "shop:80:5", "blue"), 100, 0); /* test traffic, too */
	assert_near(number(ecs_service(w), "runningCount"), 2, 0);
	/* the last one that completed is still the first */
	assert_text(ctl(w, "ecs show prod/web"), "completed",
		    "arn:aws:ecs:eu-central-1:111122223333:task-definition/web:1");
	ecs_refused(
		w, "ContinueServiceDeployment",
		arena_printf(w->arena, "{\"serviceDeploymentArn\":\"%s\",\"hookId\":\"x\"}", arn),
		"InvalidParameterException");
	world_free(w);
}

static void test_a_hook_that_nobody_answers_times_out(void **state)
{
	struct ecs_shop s = ecs_shop_new("strategy=CANARY");
	struct world *w = s.w;
	const char *arn =
		ecs_update(w, "web:2",
			   config(w, CANARY, "\"POST_SCALE_UP\"",
				  ",\"timeoutConfiguration\":{\"timeoutInMinutes\":5,\"action\":"
				  "\"CONTINUE\"}"));
	(void)state;
	ecs_until(w, arn, "hook");
	sim_advance(w->sim, 4 * MINUTE);
	assert_string_equal(ecs_status(w, arn), "IN_PROGRESS");
	assert_text(ecs_first(json_get(ecs_deployment(w, arn), "lifecycleHookDetails")), "status",
		    "AWAITING_ACTION");
	ecs_until(w, arn, "SUCCESSFUL");
	arn = ecs_update(w, "web:3",
			 config(w, CANARY, "\"PRE_PRODUCTION_TRAFFIC_SHIFT\"",
				",\"timeoutConfiguration\":{\"timeoutInMinutes\":5}"));
	ecs_until(w, arn, "hook");
	sim_advance(w->sim, 5 * MINUTE + 5000);
	assert_text(ecs_first(json_get(ecs_deployment(w, arn), "lifecycleHookDetails")), "status",
		    "TIMED_OUT");
	ecs_until(w, arn, "ROLLBACK_SUCCESSFUL");
	world_free(w);
}

static void test_it_can_be_stopped_at_any_time(void **state)
{
	static const char *const at[] = {"IN_PROGRESS", "SCALE_UP", "hook", "BAKE_TIME"};
	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		struct ecs_shop s = ecs_shop_new("strategy=BLUE_GREEN");
		struct world *w = s.w;
		const char *arn =
			ecs_update(w, "web:2",
				   config(w, "\"strategy\":\"BLUE_GREEN\",\"bakeTimeInMinutes\":5",
					  "\"POST_TEST_TRAFFIC_SHIFT\"", ""));
		const char *stop = arena_printf(w->arena, "{\"serviceDeploymentArn\":\"%s\"}", arn);
		if (i == 3) {
			ecs_until(w, arn, "hook");
			ecs_continue(w, arn, "CONTINUE");
		}
		ecs_until(w, arn, at[i]);
		assert_near(requested(w, arn), i == 3 ? 100 : 0, 0);
		ecs_ok(w, "StopServiceDeployment", stop);
		ecs_refused(w, "StopServiceDeployment", stop, "ConflictException");
		ecs_until(w, arn, "ROLLBACK_SUCCESSFUL");
		assert_near(ecs_live_share(w, "shop:80:10", "blue"), 100, 0);
		assert_near(number(ecs_service(w), "runningCount"), 2, 0);
		ecs_refused(w, "StopServiceDeployment", stop, "ConflictException");
		world_free(w);
	}
	(void)state;
}

static void test_an_abort_leaves_everything_as_it_is(void **state)
{
	struct ecs_shop s = ecs_shop_new("strategy=CANARY");
	struct world *w = s.w;
	const char *arn =
		ecs_update(w, "web:2", config(w, CANARY, "\"PRE_PRODUCTION_TRAFFIC_SHIFT\"", ""));
	(void)state;
	ecs_until(w, arn, "hook");
	ecs_continue(w, arn, "CONTINUE");
	sim_advance(w->sim, 2000);
	ecs_until(w, arn, "hook");
	ecs_ok(w, "StopServiceDeployment",
	       arena_printf(w->arena, "{\"serviceDeploymentArn\":\"%s\",\"stopType\":\"ABORT\"}",
			    arn));
	assert_string_equal(ecs_status(w, arn), "STOP_REQUESTED");
	ecs_until(w, arn, "STOPPED");
	sim_advance(w->sim, 10 * MINUTE);
	assert_near(ecs_live_share(w, "shop:80:10", "green"), 10, 0.1);
	assert_near(number(ecs_service(w), "runningCount"), 4, 0);
	/* the next deployment tidies up first */
	arn = ecs_update(w, "web:3", ",\"deploymentConfiguration\":{\"lifecycleHooks\":[]}");
	ecs_until(w, arn, "RECONCILE_SERVICE");
	ecs_until(w, arn, "SUCCESSFUL");
	assert_near(ecs_live_share(w, "shop:80:10", "green"), 100, 0);
	assert_near(number(ecs_service(w), "runningCount"), 2, 0);
	world_free(w);
}

static void test_a_newer_deployment_replaces_one_in_progress(void **state)
{
	struct ecs_shop s = ecs_shop_new("strategy=CANARY");
	struct world *w = s.w;
	const char *first = ecs_update(w, "web:2",
				       config(w, CANARY, "\"PRE_PRODUCTION_TRAFFIC_SHIFT\"", "")),
		   *second;
	const struct json *list;
	(void)state;
	ecs_until(w, first, "hook");
	ecs_continue(w, first, "CONTINUE");
	sim_advance(w->sim, 20000);
	ctl(w, "ecs deploy prod/web image=web:9");
	assert_string_equal(ecs_status(w, first), "STOPPED");
	list = json_get(ecs_ok(w, "ListServiceDeployments",
			       "{\"cluster\":\"prod\",\"service\":\"web\",\"status\":["
			       "\"IN_PROGRESS\",\"PENDING\"]}"),
			"serviceDeployments");
	second = json_cstr(json_get(ecs_first(list), "serviceDeploymentArn"));
	ecs_until(w, second, "RECONCILE_SERVICE");
	assert_int_equal(json_get(ecs_deployment(w, second), "sourceServiceRevisions")->n, 2);
	sim_advance(w->sim, 10000);
	assert_near(ecs_live_share(w, "shop:80:10", "blue"), 100, 0);
	ctl(w, "ecs stop prod/web");
	ecs_until(w, second, "ROLLBACK_SUCCESSFUL");
	assert_near(number(ecs_service(w), "runningCount"), 2, 0);
	world_free(w);
}

static void test_a_person_at_the_rule_is_overwritten(void **state)
{
	struct ecs_shop s = ecs_shop_new("strategy=BLUE_GREEN");
	struct world *w = s.w;
	const char *arn =
		ecs_update(w, "web:2",
			   config(w, "\"strategy\":\"BLUE_GREEN\",\"bakeTimeInMinutes\":1",
				  "\"POST_TEST_TRAFFIC_SHIFT\"", ""));
	(void)state;
	ecs_until(w, arn, "hook");
	ctl(w, "elbv2 rule shop:80:10 forward=blue:50,green:50");
	sim_advance(w->sim, 5000);
	assert_near(ecs_live_share(w, "shop:80:10", "green"), 50, 0);
	assert_near(requested(w, arn), 0, 0); /* ECS believes what it wrote itself */
	ecs_continue(w, arn, "CONTINUE");
	ecs_until(w, arn, "BAKE_TIME");
	assert_near(ecs_live_share(w, "shop:80:10", "green"), 100, 0);
	world_free(w);
}

static void test_a_network_load_balancer_takes_ten_minutes_a_shift(void **state)
{
	struct world *w = world_new(NULL);
	const char *arn;
	(void)state;
	ctl(w, "elbv2 load-balancer net type=network");
	ctl(w, "elbv2 target-group blue targets=0 target_type=ip protocol=TCP deregistration_s=5");
	ctl(w, "elbv2 target-group green targets=0 target_type=ip protocol=TCP deregistration_s=5");
	ctl(w, "elbv2 listener net port=80 protocol=TCP forward=blue:1");
	ctl(w, "ecs service prod/web image=web:1 group=blue alternate=green rule=net:80 "
	       "strategy=BLUE_GREEN");
	sim_advance(w->sim, MINUTE);
	arn = ecs_update(w, "web:2", "");
	ecs_until(w, arn, "PRODUCTION_TRAFFIC_SHIFT");
	sim_advance(w->sim, 9 * MINUTE);
	assert_text(ecs_deployment(w, arn), "lifecycleStage", "PRODUCTION_TRAFFIC_SHIFT");
	sim_advance(w->sim, 2 * MINUTE);
	ecs_until(w, arn, "SUCCESSFUL");
	assert_near(ecs_live_share(w, "net:80", "green"), 100, 0);
	world_free(w);
}

static void test_alarms_of_the_deployment_send_it_back(void **state)
{
	struct ecs_shop s = ecs_shop_new("strategy=CANARY");
	struct world *w = s.w;
	const char *arn;
	const struct json *d;
	(void)state;
	ctl(w, "cloudwatch alarm errors namespace=X metric=Y threshold=1 missing=notBreaching");
	ctl(w, "cloudwatch alarm old namespace=X metric=Z threshold=1 missing=ignore "
	       "state=ALARM");
	arn = ecs_update(w, "web:2",
			 ",\"deploymentConfiguration\":{" CANARY ",\"alarms\":{\"alarmNames\":["
			 "\"errors\",\"old\"],\"enable\":true,\"rollback\":true}}");
	ecs_until(w, arn, "PRODUCTION_TRAFFIC_SHIFT");
	d = ecs_deployment(w, arn); /* one that was red at the start is left out */
	assert_text(d, "alarms.status", "MONITORING");
	ctl(w, "cloudwatch set-state errors ALARM");
	ecs_until(w, arn, "ROLLBACK_SUCCESSFUL");
	d = ecs_deployment(w, arn);
	assert_text(d, "alarms.status", "TRIGGERED");
	assert_true(str_is(json_text(json_at(d, "alarms.triggeredAlarmNames")->first), "errors"));
	world_free(w);
}

static void test_a_rule_that_is_gone_sends_it_back(void **state)
{
	struct ecs_shop s = ecs_shop_new("strategy=CANARY");
	struct world *w = s.w;
	const char *arn =
		ecs_update(w, "web:2", config(w, CANARY, "\"PRE_PRODUCTION_TRAFFIC_SHIFT\"", ""));
	(void)state;
	ecs_until(w, arn, "hook");
	elb(w, arena_printf(w->arena, "DeleteRule&RuleArn=%s", s.rule));
	ecs_continue(w, arn, "CONTINUE");
	ecs_until(w, arn, "ROLLBACK_FAILED"); /* it cannot be written back either */
	world_free(w);
}

static void test_the_stage_before_a_shift_can_be_told(void **state)
{
	struct ecs_shop s = ecs_shop_new("strategy=CANARY");
	struct world *w = s.w;
	const char *arn =
		ecs_update(w, "web:2", config(w, CANARY, "\"PRE_PRODUCTION_TRAFFIC_SHIFT\"", ""));
	(void)state;
	ctl(w, "ecs settings pre_stage=told");
	ecs_until(w, arn, "hook");
	assert_text(ecs_deployment(w, arn), "lifecycleStage", "PRE_PRODUCTION_TRAFFIC_SHIFT");
	world_free(w);
}

static void test_a_lambda_hook_succeeds(void **state)
{
	struct ecs_shop s = ecs_shop_new("strategy=BLUE_GREEN");
	struct world *w = s.w;
	const char *arn = ecs_update(
		w, "web:2",
		",\"deploymentConfiguration\":{\"strategy\":\"BLUE_GREEN\",\"bakeTimeInMinutes\":0,"
		"\"lifecycleHooks\":[{\"hookTargetArn\":\"arn:f\",\"roleArn\":\"arn:r\","
		"\"lifecycleStages\":[\"TEST_TRAFFIC_SHIFT\"]}]}");
	const struct json *hook;
	(void)state;
	ecs_until(w, arn, "TEST_TRAFFIC_SHIFT");
	sim_advance(w->sim, 1000);
	hook = ecs_first(json_get(ecs_deployment(w, arn), "lifecycleHookDetails"));
	assert_text(hook, "targetType", "AWS_LAMBDA");
	assert_text(hook, "targetArn", "arn:f");
	assert_text(hook, "status", "SUCCEEDED");
	ecs_until(w, arn, "SUCCESSFUL");
	world_free(w);
}

/* UpdateService has been answered, and nobody is told of the deployment yet. */
static void test_a_deployment_can_be_seen_late(void **state)
{
	struct ecs_shop s = ecs_shop_new("strategy=BLUE_GREEN");
	struct world *w = s.w;
	const char *before = json_cstr(json_get(ecs_service(w), "currentServiceDeployment")), *arn;
	const struct json *list;
	(void)state;
	sim_advance(w->sim, MINUTE);
	ctl(w, "ecs settings hidden=20s");
	assert_string_equal(ecs_update(w, "web:2", ""), before);
	sim_advance(w->sim, 19000);
	list = ecs_ok(w, "ListServiceDeployments", "{\"cluster\":\"prod\",\"service\":\"web\"}");
	assert_int_equal(json_get(list, "serviceDeployments")->n, 1);
	assert_text(ecs_service(w), "taskDefinition",
		    "arn:aws:ecs:eu-central-1:111122223333:task-definition/web:2");
	sim_advance(w->sim, 2000);
	arn = json_cstr(json_get(ecs_service(w), "currentServiceDeployment"));
	assert_string_not_equal(arn, before);
	ecs_until(w, arn, "SUCCESSFUL");
	ctl(w, "ecs settings hidden=1d");
	list = ecs_ok(w, "DescribeServiceDeployments",
		      arena_printf(w->arena, "{\"serviceDeploymentArns\":[\"%s\"]}", arn));
	assert_text(json_get(list, "failures")->first, "reason", "MISSING");
	world_free(w);
}

static void test_deployments_are_listed(void **state)
{
	struct ecs_shop s = ecs_shop_new("strategy=BLUE_GREEN");
	struct world *w = s.w;
	double before = (double)sim_now(w->sim).ms / 1000;
	const char *arn;
	const struct json *d;
	(void)state;
	sim_advance(w->sim, 5000);
	arn = ecs_update(w, "web:2", "");
	d = ecs_ok(w, "ListServiceDeployments",
		   arena_printf(w->arena,
				"{\"cluster\":\"prod\",\"service\":\"web\",\"createdAt\":{"
				"\"after\":%.3f}}",
				before));
	assert_int_equal(json_get(d, "serviceDeployments")->n, 1);
	assert_text(json_get(d, "serviceDeployments")->first, "serviceDeploymentArn", arn);
	d = ecs_ok(w, "ListServiceDeployments",
		   arena_printf(w->arena,
				"{\"cluster\":\"prod\",\"service\":\"web\",\"createdAt\":{"
				"\"before\":%.3f}}",
				before));
	assert_text(json_get(d, "serviceDeployments")->first, "status", "SUCCESSFUL");
	/* newest first, in pages */
	d = ecs_ok(w, "ListServiceDeployments",
		   "{\"cluster\":\"prod\",\"service\":\"web\",\"maxResults\":1}");
	assert_text(json_get(d, "serviceDeployments")->first, "serviceDeploymentArn", arn);
	d = ecs_ok(w, "ListServiceDeployments",
		   arena_printf(w->arena,
				"{\"cluster\":\"prod\",\"service\":\"web\",\"maxResults\":1,"
				"\"nextToken\":\"" STR_FMT "\"}",
				STR_ARG(json_text(json_get(d, "nextToken")))));
	assert_text(json_get(d, "serviceDeployments")->first, "status", "SUCCESSFUL");
	assert_null(json_get(d, "nextToken"));
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_canary_goes_through_its_stages),
		cmocka_unit_test(test_the_next_deployment_goes_back_into_the_first_group),
		cmocka_unit_test(test_a_linear_deployment_asks_before_every_step),
		cmocka_unit_test(test_tenths_of_a_percent),
		cmocka_unit_test(test_a_hook_can_send_it_back),
		cmocka_unit_test(test_a_hook_that_nobody_answers_times_out),
		cmocka_unit_test(test_it_can_be_stopped_at_any_time),
		cmocka_unit_test(test_an_abort_leaves_everything_as_it_is),
		cmocka_unit_test(test_a_newer_deployment_replaces_one_in_progress),
		cmocka_unit_test(test_a_person_at_the_rule_is_overwritten),
		cmocka_unit_test(test_a_network_load_balancer_takes_ten_minutes_a_shift),
		cmocka_unit_test(test_alarms_of_the_deployment_send_it_back),
		cmocka_unit_test(test_a_rule_that_is_gone_sends_it_back),
		cmocka_unit_test(test_the_stage_before_a_shift_can_be_told),
		cmocka_unit_test(test_a_lambda_hook_succeeds),
		cmocka_unit_test(test_a_deployment_can_be_seen_late),
		cmocka_unit_test(test_deployments_are_listed),
	};
	return cmocka_run_group_tests_name("sim_ecs_deploy", tests, NULL, NULL);
}
