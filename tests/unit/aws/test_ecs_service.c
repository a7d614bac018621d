#include "tests/unit/aws/ecs_check.h"

#define GROUP "arn:aws:elasticloadbalancing:eu-central-1:111122223333:targetgroup/"

static const char service[] =
	"{\"serviceArn\":\"" SERVICE "\",\"serviceName\":\"web\",\"clusterArn\":\"" ARN(
		"cluster/prod") "\",\"status\":\"ACTIVE\",\"taskDefinition\":\"td7\","
				"\"desiredCount\":4,\"runningCount\":3,\"pendingCount\":1,"
				"\"launchType\":\"FARGATE\",\"platformVersion\":\"LATEST\","
				"\"schedulingStrategy\":\"REPLICA\",\"loadBalancers\":[{"
				"\"targetGroupArn\":\"" GROUP "blue/1\",\"containerName\":\"app\","
				"\"containerPort\":80,\"advancedConfiguration\":{"
				"\"alternateTargetGroupArn\":\"" GROUP
				"green/2\",\"productionListenerRule\":\"arn:rule\","
				"\"testListenerRule\":\"arn:test\",\"roleArn\":\"arn:role\"}}],"
				"\"serviceRegistries\":[],\"capacityProviderStrategy\":[],"
				"\"deploymentController\":{\"type\":\"ECS\"},"
				"\"deploymentConfiguration\":{\"strategy\":\"CANARY\","
				"\"maximumPercent\":200,\"minimumHealthyPercent\":100,"
				"\"bakeTimeInMinutes\":5,\"canaryConfiguration\":{"
				"\"canaryPercent\":10.0},\"deploymentCircuitBreaker\":{\"enable\":"
				"true,\"rollback\":true},\"odd\":null,"
				"\"lifecycleHooks\":[{\"targetType\":\"PAUSE\","
				"\"lifecycleStages\":[\"POST_SCALE_UP\"]},{\"targetType\":"
				"\"AWS_LAMBDA\",\"hookTargetArn\":\"arn:f\",\"lifecycleStages\":["
				"\"PRE_SCALE_UP\"]}]},\"deployments\":[{\"id\":\"old\",\"status\":"
				"\"ACTIVE\",\"taskDefinition\":\"td6\"},{\"id\":\"new\","
				"\"status\":\"PRIMARY\",\"taskDefinition\":\"td7\","
				"\"desiredCount\":4,\"runningCount\":3,\"pendingCount\":1,"
				"\"failedTasks\":2,\"rolloutState\":\"IN_PROGRESS\","
				"\"rolloutStateReason\":\"going on\",\"volumeConfigurations\":[{"
				"\"name\":\"v\"}],\"serviceConnectConfiguration\":{\"enabled\":"
				"true}}],\"currentServiceDeployment\":\"" DEPLOYMENT
				"\",\"currentServiceRevisions\":[{\"arn\":\"rev1\"},{}],"
				"\"events\":[{\"id\":\"e\",\"message\":\"(service web) unable to "
				"place a task\"},{\"message\":\"older\"}],\"tags\":[{\"key\":"
				"\"team\",\"value\":\"x\"},{\"key\":\"aws:cloudformation:stack\","
				"\"value\":\"s\"}],\"networkConfiguration\":{"
				"\"awsvpcConfiguration\":{\"subnets\":[\"s-1\"]}},"
				"\"placementStrategy\":[],\"enableExecuteCommand\":false,"
				"\"roleArn\":\"arn:slr\",\"createdAt\":1.7e9}";

static const char *services(struct fake *f, const char *one)
{
	return arena_printf(f->arena, "{\"services\":[%s],\"failures\":[]}", one);
}

static struct ecs_service describe(struct fake *f, const char *one)
{
	struct ecs_service s;
	struct err err = ERR_INIT;

	fake_answer(f, 200, NULL, services(f, one));
	if (ecs_describe_service(&f->client, "prod", "web", f->arena, &s, &err))
		fail_msg("%s", err.text);
	return s;
}

static void test_describe_service(void **state)
{
	struct fake *f = *state;
	struct ecs_service s = describe(f, service);

	expect_request(f, 0, "DescribeServices",
		       "{\"cluster\":\"prod\",\"services\":[\"web\"],\"include\":[\"TAGS\"]}");
	assert_string_equal(s.arn, SERVICE);
	assert_string_equal(s.name, "web");
	assert_string_equal(s.cluster_arn, ARN("cluster/prod"));
	assert_string_equal(s.status, "ACTIVE");
	assert_string_equal(s.task_definition, "td7");
	assert_int_equal(s.desired, 4);
	assert_int_equal(s.running, 3);
	assert_int_equal(s.pending, 1);
	assert_string_equal(s.controller, "ECS");
	assert_string_equal(s.strategy, "CANARY");
	assert_string_equal(s.scheduling, "REPLICA");
	assert_int_equal(s.n_load_balancers, 1);
	assert_string_equal(s.load_balancers[0].target_group_arn, GROUP "blue/1");
	assert_string_equal(s.load_balancers[0].container_name, "app");
	assert_int_equal(s.load_balancers[0].container_port, 80);
	assert_string_equal(s.load_balancers[0].alternate_target_group_arn, GROUP "green/2");
	assert_string_equal(s.load_balancers[0].production_rule, "arn:rule");
	assert_string_equal(s.load_balancers[0].test_rule, "arn:test");
	assert_string_equal(s.load_balancers[0].role_arn, "arn:role");
	assert_string_equal(s.current_deployment, DEPLOYMENT);
	assert_int_equal(s.n_current_revisions, 1);
	assert_string_equal(s.current_revisions[0], "rev1");
	assert_int_equal(s.n_pause_hooks, 1);
	assert_false(s.has_discovery);
	assert_true(s.has_service_connect);
	assert_string_equal(s.last_event, "(service web) unable to place a task");
	assert_string_equal(ecs_tag_get(s.tags, s.n_tags, "team"), "x");
	assert_int_equal(s.n_deployments, 2);
	assert_string_equal(ecs_primary(&s)->id, "new");
	assert_int_equal(ecs_primary(&s)->desired, 4);
	assert_int_equal(ecs_primary(&s)->failed_tasks, 2);
	assert_string_equal(ecs_primary(&s)->rollout_state, "IN_PROGRESS");
	assert_string_equal(ecs_primary(&s)->rollout_state_reason, "going on");
}

/* What is not said has its meaning: the oldest services say least. */
static void test_a_service_that_says_little(void **state)
{
	struct fake *f = *state;
	struct ecs_service s =
		describe(f, "{\"serviceArn\":\"a\",\"serviceName\":\"web\",\"status\":"
			    "\"ACTIVE\",\"loadBalancers\":{},\"deployments\":7,"
			    "\"currentServiceRevisions\":\"\",\"events\":[],\"tags\":null,"
			    "\"serviceRegistries\":[{\"registryArn\":\"r\"}]}");

	assert_string_equal(s.controller, "ECS");
	assert_string_equal(s.strategy, "ROLLING");
	assert_string_equal(s.scheduling, "REPLICA");
	assert_int_equal(s.n_load_balancers, 0);
	assert_int_equal(s.n_deployments, 0);
	assert_int_equal(s.n_current_revisions, 0);
	assert_int_equal(s.n_tags, 0);
	assert_null(s.last_event);
	assert_null(s.current_deployment);
	assert_null(ecs_primary(&s));
	assert_true(s.has_discovery);
	assert_false(s.has_service_connect);
}

static void test_a_service_that_is_not_there(void **state)
{
	static const struct {
		int status;
		const char *answer;
		enum err_code code;
	} cases[] = {
		{200, "{\"services\":[],\"failures\":[{\"arn\":\"a\",\"reason\":\"MISSING\"}]}",
		 ERR_NOT_FOUND},
		{200, "{\"failures\":[{\"arn\":\"a\",\"reason\":\"ODD\",\"detail\":\"later\"}]}",
		 ERR_UNAVAILABLE},
		{200, "{\"failures\":[{\"arn\":\"a\"}]}", ERR_UNAVAILABLE},
		{200, "{\"services\":[],\"failures\":[]}", ERR_MALFORMED},
		{200, "{\"services\":{}}", ERR_MALFORMED},
		{200, "{\"services\":[{\"serviceName\":\"web\"}]}", ERR_MALFORMED},
		{400, "{\"__type\":\"ClusterNotFoundException\"}", ERR_NOT_FOUND},
		{400, "{\"__type\":\"AccessDeniedException\"}", ERR_DENIED},
		{400, "{\"__type\":\"InvalidParameterException\"}", ERR_REJECTED},
	};
	struct fake *f = *state;
	struct ecs_service s;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = ERR_INIT;

		fake_answer(f, cases[i].status, NULL, cases[i].answer);
		assert_int_equal(
			ecs_describe_service(&f->client, "prod", "web", f->arena, &s, &err), -1);
		if (err.code != cases[i].code)
			fail_msg("%s: %s: %s", cases[i].answer, err_code_name(err.code), err.text);
	}
}

/* --- UpdateService --------------------------------------------------------------------------- */

#define KEPT "\"maximumPercent\":200,\"minimumHealthyPercent\":100,"
#define FUNCTION_HOOK                                                                            \
	"{\"targetType\":\"AWS_LAMBDA\",\"hookTargetArn\":\"arn:f\",\"lifecycleStages\":[\"PRE_" \
	"SCALE_UP\"]}"

static const char *update(struct fake *f, const struct ecs_service_update *u)
{
	struct ecs_service s;
	struct err err = ERR_INIT;

	fake_again(f);
	fake_answer(f, 200, NULL, arena_printf(f->arena, "{\"service\":%s}", service));
	if (ecs_update_service(&f->client, u, f->arena, &s, &err))
		fail_msg("%s", err.text);
	assert_string_equal(s.arn, SERVICE);
	api_check(f, 0, "ecs", "UpdateService");
	return fake_sent(f, 0)->body.p;
}

static void test_update_service(void **state)
{
	struct fake *f = *state;

	assert_string_equal(
		update(f, &(struct ecs_service_update){.cluster = "prod",
						       .service = "web",
						       .task_definition = "td8",
						       .desired = -1}),
		"{\"cluster\":\"prod\",\"service\":\"web\",\"taskDefinition\":\"td8\"}");
	assert_string_equal(update(f, &(struct ecs_service_update){.cluster = "prod",
								   .service = "web",
								   .desired = 0}),
			    "{\"cluster\":\"prod\",\"service\":\"web\",\"desiredCount\":0}");
}

/* What is not ours in the configuration goes back as it was read. */
static void test_deployment_configurations(void **state)
{
	struct fake *f = *state;
	struct ecs_service s = describe(f, service);
	const char *const alarms[] = {"errors", "latency"};
	struct ecs_deployment_configuration d = {
		.base = json_get(s.raw, "deploymentConfiguration"),
		.strategy = "LINEAR",
		.percent = 12.5,
		.pause_stages = {"PRE_PRODUCTION_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT"},
		.n_pause_stages = 2,
		.pause_timeout_minutes = 90,
		.set_alarms = true,
		.alarms = alarms,
		.n_alarms = 2};
	struct ecs_service_update u = {.service = "web", .desired = -1, .configuration = &d};

	assert_string_equal(
		update(f, &u),
		"{\"service\":\"web\",\"deploymentConfiguration\":{" KEPT
		"\"strategy\":\"LINEAR\",\"bakeTimeInMinutes\":0,\"linearConfiguration\":{"
		"\"stepPercent\":12.5,\"stepBakeTimeInMinutes\":0},\"lifecycleHooks\":"
		"[" FUNCTION_HOOK ",{\"targetType\":\"PAUSE\",\"lifecycleStages\":["
		"\"PRE_PRODUCTION_TRAFFIC_SHIFT\",\"POST_PRODUCTION_TRAFFIC_SHIFT\"],"
		"\"timeoutConfiguration\":{\"timeoutInMinutes\":90,\"action\":\"ROLLBACK\"}}],"
		"\"alarms\":{\"alarmNames\":[\"errors\",\"latency\"],\"enable\":true,\"rollback\":"
		"true},\"deploymentCircuitBreaker\":{\"enable\":false,\"rollback\":false}}}");

	d = (struct ecs_deployment_configuration){
		.base = d.base, .strategy = "CANARY", .percent = 5};
	assert_string_equal(
		update(f, &u),
		"{\"service\":\"web\",\"deploymentConfiguration\":{" KEPT
		"\"strategy\":\"CANARY\",\"bakeTimeInMinutes\":0,"
		"\"canaryConfiguration\":{\"canaryPercent\":5,"
		"\"canaryBakeTimeInMinutes\":0},\"lifecycleHooks\":[" FUNCTION_HOOK
		"],\"deploymentCircuitBreaker\":{\"enable\":false,\"rollback\":false}}}");

	/* the pauses alone are taken away */
	d = (struct ecs_deployment_configuration){.base = d.base};
	assert_string_equal(
		update(f, &u),
		"{\"service\":\"web\",\"deploymentConfiguration\":{\"strategy\":\"CANARY\","
		"\"maximumPercent\":200,\"minimumHealthyPercent\":100,\"bakeTimeInMinutes\":5,"
		"\"canaryConfiguration\":{\"canaryPercent\":10.0},\"deploymentCircuitBreaker\":{"
		"\"enable\":true,\"rollback\":true},\"lifecycleHooks\":"
		"[" FUNCTION_HOOK "]}}");

	/* no alarm is written as none, or the old ones would stay */
	d = (struct ecs_deployment_configuration){
		.strategy = "ROLLING", .breaker_count = 3, .set_alarms = true};
	assert_string_equal(
		update(f, &u),
		"{\"service\":\"web\",\"deploymentConfiguration\":{\"strategy\":\"ROLLING\","
		"\"alarms\":{\"alarmNames\":[],\"enable\":false,\"rollback\":false},"
		"\"deploymentCircuitBreaker\":{\"enable\":true,\"rollback\":false,"
		"\"thresholdConfiguration\":{\"type\":\"COUNT\",\"value\":3}}}}");

	d = (struct ecs_deployment_configuration){.strategy = "BLUE_GREEN"};
	assert_string_equal(update(f, &u),
			    "{\"service\":\"web\",\"deploymentConfiguration\":{\"strategy\":"
			    "\"BLUE_GREEN\",\"bakeTimeInMinutes\":0,\"lifecycleHooks\":[],"
			    "\"deploymentCircuitBreaker\":{\"enable\":false,\"rollback\":false}}}");
}

/* Members that nobody knew when this was written survive. */
static void test_an_unknown_member_of_a_configuration(void **state)
{
	struct fake *f = *state;
	struct ecs_deployment_configuration d = {
		.base = parsed(f, "{\"newThing\":{\"a\":[1,null]},\"gone\":null,\"alarms\":{"
				  "\"alarmNames\":[\"theirs\"]}}"),
		.strategy = "BLUE_GREEN"};
	struct ecs_service_update u = {.service = "web", .desired = -1, .configuration = &d};
	struct ecs_service s;
	struct err err = ERR_INIT;

	fake_answer(f, 200, NULL, arena_printf(f->arena, "{\"service\":%s}", service));
	assert_int_equal(ecs_update_service(&f->client, &u, f->arena, &s, &err), 0);
	assert_non_null(strstr(fake_sent(f, 0)->body.p, "{\"newThing\":{\"a\":[1,null]},"));
	assert_null(strstr(fake_sent(f, 0)->body.p, "gone"));
	assert_non_null(strstr(fake_sent(f, 0)->body.p, "{\"alarmNames\":[\"theirs\"]}"));
}

/* What belongs to a strategy goes with it; what is put back is written as it is. */
static void test_a_configuration_that_is_put_back(void **state)
{
	struct fake *f = *state;
	struct ecs_deployment_configuration d = {
		.base = parsed(f, "{\"strategy\":\"CANARY\",\"bakeTimeInMinutes\":0,"
				  "\"canaryConfiguration\":{\"canaryPercent\":5},"
				  "\"deploymentCircuitBreaker\":{\"enable\":false,\"rollback\":"
				  "false},\"maximumPercent\":150,\"lifecycleHooks\":[{"
				  "\"targetType\":\"PAUSE\"}]}"),
		.instead = parsed(f, "{\"strategy\":\"ROLLING\",\"deploymentCircuitBreaker\":{"
				     "\"enable\":true,\"rollback\":false}}")};
	struct ecs_service_update u = {.service = "web", .desired = -1, .configuration = &d};

	assert_string_equal(update(f, &u),
			    "{\"service\":\"web\",\"deploymentConfiguration\":{"
			    "\"maximumPercent\":150,\"strategy\":\"ROLLING\","
			    "\"deploymentCircuitBreaker\":{\"enable\":true,\"rollback\":false},"
			    "\"lifecycleHooks\":[]}}");
}

/* A second UpdateService may be a second deployment; a desired count is only said twice. */
static void test_which_updates_are_repeated(void **state)
{
	struct fake *f = *state;
	struct ecs_service_update u = {.service = "web", .task_definition = "td8", .desired = -1};
	struct ecs_service s;
	struct err err = ERR_INIT;

	fake_fail(f, ERR_TIMEOUT, true);
	assert_int_equal(ecs_update_service(&f->client, &u, f->arena, &s, &err), -1);
	assert_true(err.sent);
	assert_int_equal(f->n_requests, 1);

	fake_again(f);
	fake_fail(f, ERR_TIMEOUT, true);
	fake_answer(f, 200, NULL, arena_printf(f->arena, "{\"service\":%s}", service));
	u = (struct ecs_service_update){.service = "web", .desired = 2};
	assert_int_equal(ecs_update_service(&f->client, &u, f->arena, &s, &err), 0);
	assert_int_equal(f->n_requests, 2);

	fake_answer(f, 200, NULL, "{}");
	err = ERR_INIT;
	assert_int_equal(ecs_update_service(&f->client, &u, f->arena, &s, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	assert_true(err.sent);
	fake_refusal(f, "ServiceNotActiveException", "no");
	assert_int_equal(ecs_update_service(&f->client, &u, f->arena, &s, &err), -1);
	assert_int_equal(err.code, ERR_CONFLICT);
}

/* --- CreateService, DeleteService ------------------------------------------------------------ */

static void test_create_service(void **state)
{
	struct fake *f = *state;
	struct ecs_service like = describe(f, service), s;
	struct ecs_tag tag = {"rollout", "r-1"};
	struct ecs_service_create in = {.like = &like,
					.name = "web-twin",
					.task_definition = "td8",
					.desired = 1,
					.target_group_arn = GROUP "green/2",
					.tags = &tag,
					.n_tags = 1,
					.breaker_count = 3,
					.client_token = "token"};
	struct err err = ERR_INIT;

	fake_again(f);
	/* lost and sent again: the client token makes it one */
	fake_fail(f, ERR_TIMEOUT, true);
	fake_answer(f, 200, NULL, arena_printf(f->arena, "{\"service\":%s}", service));
	if (ecs_create_service(&f->client, &in, f->arena, &s, &err))
		fail_msg("%s", err.text);
	expect_request(f, 1, "CreateService",
		       "{\"cluster\":\"" ARN(
			       "cluster/prod") "\",\"serviceName\":\"web-twin\","
					       "\"clientToken\":\"token\",\"taskDefinition\":"
					       "\"td8\",\"desiredCount\":1,"
					       "\"loadBalancers\":[{\"targetGroupArn\":\"" GROUP
					       "green/2\",\"containerName\":"
					       "\"app\",\"containerPort\":80}],\"launchType\":"
					       "\"FARGATE\",\"platformVersion\":"
					       "\"LATEST\",\"schedulingStrategy\":\"REPLICA\","
					       "\"networkConfiguration\":{"
					       "\"awsvpcConfiguration\":{\"subnets\":[\"s-1\"]}},"
					       "\"enableExecuteCommand\":false,"
					       "\"volumeConfigurations\":[{\"name\":\"v\"}],"
					       "\"deploymentConfiguration\":{" KEPT
					       "\"strategy\":\"ROLLING\",\"alarms\":{"
					       "\"alarmNames\":[],\"enable\":false,"
					       "\"rollback\":false},\"deploymentCircuitBreaker\":{"
					       "\"enable\":true,\"rollback\":"
					       "false,\"thresholdConfiguration\":{\"type\":"
					       "\"COUNT\",\"value\":3}}},\"tags\":[{"
					       "\"key\":\"team\",\"value\":\"x\"},{\"key\":"
					       "\"rollout\",\"value\":\"r-1\"}]}");
	assert_string_equal(s.arn, SERVICE);

	fake_answer(f, 200, NULL, "{\"service\":{}}");
	assert_int_equal(ecs_create_service(&f->client, &in, f->arena, &s, &err), -1);
	assert_true(err.sent);
	fake_refusal(f, "InvalidParameterException", "Creation of service was not idempotent.");
	err = ERR_INIT;
	assert_int_equal(ecs_create_service(&f->client, &in, f->arena, &s, &err), -1);
	assert_int_equal(err.code, ERR_REJECTED);
	like.n_load_balancers = 0;
	assert_int_equal(ecs_create_service(&f->client, &in, f->arena, &s, &err), -1);
	assert_int_equal(err.code, ERR_REJECTED);
	assert_int_equal(f->n_requests, 4);
}

/* A launch type and a capacity provider strategy exclude each other. */
static void test_a_service_of_capacity_providers(void **state)
{
	struct fake *f = *state;
	struct ecs_service like =
		describe(f, "{\"serviceArn\":\"a\",\"serviceName\":\"web\",\"status\":\"ACTIVE\","
			    "\"clusterArn\":\"c\",\"launchType\":\"EC2\","
			    "\"capacityProviderStrategy\":[{\"capacityProvider\":\"cp\"}],"
			    "\"loadBalancers\":[{\"targetGroupArn\":\"g\",\"containerName\":"
			    "\"app\",\"containerPort\":80}]}");
	struct ecs_service_create in = {.like = &like,
					.name = "twin",
					.task_definition = "td8",
					.target_group_arn = "g2",
					.client_token = "t"};
	struct ecs_service s;
	struct err err = ERR_INIT;

	fake_again(f);
	fake_answer(f, 200, NULL, arena_printf(f->arena, "{\"service\":%s}", service));
	if (ecs_create_service(&f->client, &in, f->arena, &s, &err))
		fail_msg("%s", err.text);
	api_check(f, 0, "ecs", "CreateService");
	assert_null(strstr(fake_sent(f, 0)->body.p, "launchType"));
	assert_non_null(strstr(fake_sent(f, 0)->body.p, "\"capacityProvider\":\"cp\""));
}

static void test_delete_service(void **state)
{
	struct fake *f = *state;
	struct err err = ERR_INIT;

	fake_answer(f, 200, NULL, arena_printf(f->arena, "{\"service\":%s}", service));
	fake_refusal(f, "ServiceNotFoundException", "gone");
	fake_refusal(f, "ServiceNotActiveException", "going");
	for (int i = 0; i < 3; i++)
		if (ecs_delete_service(&f->client, "prod", "web", f->arena, &err))
			fail_msg("%s", err.text);
	expect_request(f, 0, "DeleteService",
		       "{\"cluster\":\"prod\",\"service\":\"web\",\"force\":true}");
	/* a cluster that is not there may be a mistake of ours */
	fake_refusal(f, "ClusterNotFoundException", "no");
	assert_int_equal(ecs_delete_service(&f->client, "prod", "web", f->arena, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_describe_service),
		TEST(test_a_service_that_says_little),
		TEST(test_a_service_that_is_not_there),
		TEST(test_update_service),
		TEST(test_deployment_configurations),
		TEST(test_an_unknown_member_of_a_configuration),
		TEST(test_a_configuration_that_is_put_back),
		TEST(test_which_updates_are_repeated),
		TEST(test_create_service),
		TEST(test_a_service_of_capacity_providers),
		TEST(test_delete_service),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
