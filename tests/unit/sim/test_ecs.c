#include "tests/unit/sim/ecs_shop.h"

/* The simulated ECS: task definitions, services, what is refused, and the control commands. */

static void test_task_definitions_are_revisions_of_a_family(void **state)
{
	struct world *w = world_new(NULL);
	const struct json *d;
	(void)state;
	d = ecs_ok(w, "RegisterTaskDefinition",
		   "{\"family\":\"web\",\"cpu\":\"256\",\"runtimePlatform\":{\"cpuArchitecture\":"
		   "\"ARM64\"},\"containerDefinitions\":[{\"name\":\"app\",\"image\":\"web:1\","
		   "\"essential\":true}],\"tags\":[{\"key\":\"team\",\"value\":\"shop\"}]}");
	assert_text(d, "taskDefinition.taskDefinitionArn",
		    "arn:aws:ecs:eu-central-1:111122223333:task-definition/web:1");
	assert_text(json_get(d, "tags")->first, "key", "team");
	/* what only ECS says, and what was registered */
	assert_text(d, "taskDefinition.status", "ACTIVE");
	assert_text(d, "taskDefinition.runtimePlatform.cpuArchitecture", "ARM64");
	assert_non_null(json_at(d, "taskDefinition.requiresAttributes"));
	assert_non_null(json_at(d, "taskDefinition.registeredBy"));
	assert_true(number(d, "taskDefinition.registeredAt") > 1e9);
	assert_null(json_at(d, "taskDefinition.tags"));
	/* the same once more is a new one */
	assert_string_equal(ecs_register(w, "web:1"),
			    "arn:aws:ecs:eu-central-1:111122223333:task-definition/web:2");
	d = ecs_ok(w, "DescribeTaskDefinition",
		   "{\"taskDefinition\":\"web\",\"include\":[\"TAGS\"]}");
	assert_near(number(d, "taskDefinition.revision"), 2, 0);
	assert_null(json_get(d, "tags")->first);
	ecs_ok(w, "DeregisterTaskDefinition", "{\"taskDefinition\":\"web:2\"}");
	ecs_refused(w, "DeregisterTaskDefinition", "{\"taskDefinition\":\"web:2\"}",
		    "InvalidParameterException");
	/* the newest ACTIVE one; an inactive one is still there by number */
	d = ecs_ok(w, "DescribeTaskDefinition", "{\"taskDefinition\":\"web\"}");
	assert_near(number(d, "taskDefinition.revision"), 1, 0);
	d = ecs_ok(w, "DescribeTaskDefinition", "{\"taskDefinition\":\"web:2\"}");
	assert_text(d, "taskDefinition.status", "INACTIVE");
	world_free(w);
}

static void test_a_task_definition_is_checked(void **state)
{
	static const struct {
		const char *json, *code;
	} cases[] = {
		{"{\"family\":\"web\"}", "InvalidParameterException"},
		{"{\"family\":\"a b\",\"containerDefinitions\":[]}", "ClientException"},
		{"{\"family\":\"web\",\"containerDefinitions\":[]}", "ClientException"},
		{"{\"family\":\"web\",\"containerDefinitions\":[{\"name\":\"a\"}]}",
		 "ClientException"},
		{"{\"family\":\"web\",\"containerDefinitions\":[{\"name\":\"a\",\"image\":\"b\","
		 "\"essential\":false}]}",
		 "ClientException"},
		{"{\"family\":\"web\",\"containerDefinitions\":[{\"name\":\"a\",\"image\":\"b\"},"
		 "{\"name\":\"a\",\"image\":\"c\"}]}",
		 "ClientException"},
		{"{\"family\":\"web\",\"revision\":1,\"containerDefinitions\":[{\"name\":\"a\","
		 "\"image\":\"b\"}]}",
		 "InvalidParameterException"}, /* a member that only answers have */
		{"{\"family\":\"web\",\"containerDefinitions\":[{\"name\":\"a\",\"image\":7}]}",
		 "SerializationException"},
		{"{\"family\":\"web\",\"containerDefinitions\":[7]}", "SerializationException"},
		{"{\"family\":\"web\",\"tags\":[{\"key\":\"aws:x\",\"value\":\"y\"}],"
		 "\"containerDefinitions\":[{\"name\":\"a\",\"image\":\"b\"}]}",
		 "InvalidParameterException"},
	};
	struct world *w = world_new(NULL);
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ecs_refused(w, "RegisterTaskDefinition", cases[i].json, cases[i].code);
	ecs_refused(w, "DescribeTaskDefinition", "{\"taskDefinition\":\"web\"}", "ClientException");
	ecs_refused(w, "DescribeTaskDefinition", "{\"taskDefinition\":\"web:x\"}",
		    "ClientException");
	ecs_refused(w, "DeregisterTaskDefinition", "{\"taskDefinition\":\"web\"}",
		    "ClientException");
	world_free(w);
}

static void test_a_service_that_control_made_is_described(void **state)
{
	struct ecs_shop s = ecs_shop_new("strategy=CANARY");
	struct world *w = s.w;
	const struct json *v = ecs_service(w), *row, *d;
	(void)state;
	assert_text(v, "status", "ACTIVE");
	assert_text(v, "serviceArn", "arn:aws:ecs:eu-central-1:111122223333:service/prod/web");
	assert_text(v, "deploymentController.type", "ECS");
	assert_text(v, "deploymentConfiguration.strategy", "CANARY");
	assert_near(number(v, "deploymentConfiguration.canaryConfiguration.canaryPercent"), 5, 0);
	assert_near(number(v, "runningCount"), 2, 0);
	assert_text(json_get(v, "loadBalancers")->first, "targetGroupArn", s.blue);
	assert_text(json_get(v, "loadBalancers")->first,
		    "advancedConfiguration.productionListenerRule", s.rule);
	row = ecs_first(json_get(v, "deployments"));
	assert_text(row, "status", "PRIMARY");
	assert_text(row, "rolloutState", "COMPLETED");
	assert_true(json_get(v, "events")->n > 0);
	assert_int_equal(json_get(v, "placementConstraints")->n, 0); /* empty, never absent */
	/* the rule refers to both groups, blue serves */
	assert_near(ecs_live_share(w, "shop:80:10", "blue"), 100, 0);
	ecs_ok(w, "DescribeServiceRevisions",
	       arena_printf(w->arena, "{\"serviceRevisionArns\":[\"" STR_FMT "\"]}",
			    STR_ARG(json_text(json_get(
				    ecs_first(json_get(v, "currentServiceRevisions")), "arn")))));
	d = ecs_first(json_get(body_json(w), "serviceRevisions"));
	assert_text(d, "taskDefinition",
		    "arn:aws:ecs:eu-central-1:111122223333:task-definition/web:1");
	assert_text(json_at(d, "resolvedConfiguration.loadBalancers")->first, "targetGroupArn",
		    s.blue);
	assert_text(json_get(d, "containerImages")->first, "image", "web:1");
	v = ecs_first(json_get(ecs_ok(w, "DescribeClusters", "{\"clusters\":[\"prod\",\"x\"]}"),
			       "clusters"));
	assert_near(number(v, "runningTasksCount"), 2, 0);
	assert_near(number(v, "activeServicesCount"), 1, 0);
	world_free(w);
}

static void test_what_is_missing_is_a_failure_with_status_200(void **state)
{
	struct ecs_shop s = ecs_shop_new("");
	const struct json *d;
	(void)state;
	d = ecs_ok(s.w, "DescribeServices",
		   "{\"cluster\":\"prod\",\"services\":[\"web\",\"none\"],\"include\":[\"TAGS\"]}");
	assert_int_equal(json_get(d, "services")->n, 1);
	assert_text(json_get(d, "failures")->first, "reason", "MISSING");
	assert_text(json_get(d, "failures")->first, "arn",
		    "arn:aws:ecs:eu-central-1:111122223333:service/prod/none");
	d = ecs_ok(s.w, "DescribeServiceDeployments", "{\"serviceDeploymentArns\":[\"x\"]}");
	assert_text(json_get(d, "failures")->first, "arn", "x");
	d = ecs_ok(s.w, "DescribeServiceRevisions", "{\"serviceRevisionArns\":[\"x\"]}");
	assert_text(json_get(d, "failures")->first, "reason", "MISSING");
	d = ecs_ok(s.w, "DescribeTasks", "{\"cluster\":\"prod\",\"tasks\":[\"x\"]}");
	assert_text(json_get(d, "failures")->first, "reason", "MISSING");
	d = ecs_ok(s.w, "DescribeClusters", "{}");
	assert_text(json_get(d, "failures")->first, "arn", "default");
	world_free(s.w);
}

#define WEB "{\"cluster\":\"prod\",\"service\":\"web\""

static void test_calls_are_refused_with_their_errors(void **state)
{
	static const struct {
		const char *operation, *json, *code;
	} cases[] = {
		{"DescribeServices", "{\"services\":[\"web\"]}", "ClusterNotFoundException"},
		{"DescribeServices", "{\"cluster\":\"prod\",\"services\":[]}",
		 "InvalidParameterException"},
		{"DescribeServices", "{\"cluster\":\"prod\"}", "InvalidParameterException"},
		{"UpdateService", "{\"cluster\":\"none\",\"service\":\"web\"}",
		 "ClusterNotFoundException"},
		{"UpdateService", "{\"cluster\":\"prod\",\"service\":\"none\"}",
		 "ServiceNotFoundException"},
		{"UpdateService", WEB ",\"taskDefinition\":\"none\"}", "ClientException"},
		{"UpdateService", WEB ",\"desiredCount\":-1}", "InvalidParameterException"},
		{"UpdateService", WEB ",\"desiredCount\":\"2\"}", "SerializationException"},
		{"UpdateService", WEB ",\"launchType\":\"EC2\"}", "InvalidParameterException"},
		{"UpdateService", WEB ",\"deploymentController\":{\"type\":\"EXTERNAL\"}}",
		 "InvalidParameterException"},
		{"DeleteService", WEB "}", "InvalidParameterException"}, /* scaled above 0 */
		{"DeleteService", "{\"cluster\":\"prod\",\"service\":\"none\"}",
		 "ServiceNotFoundException"},
		{"ListServiceDeployments", "{\"cluster\":\"prod\",\"service\":\"none\"}",
		 "ServiceNotFoundException"},
		{"ListServiceDeployments", WEB ",\"maxResults\":0}", "InvalidParameterException"},
		{"ListServiceDeployments", WEB ",\"nextToken\":\"x\"}",
		 "InvalidParameterException"},
		{"DescribeServiceDeployments", "{\"serviceDeploymentArns\":[]}",
		 "InvalidParameterException"},
		{"DescribeServiceRevisions", "{\"serviceRevisionArns\":[]}",
		 "InvalidParameterException"},
		{"ContinueServiceDeployment", "{\"serviceDeploymentArn\":\"x\",\"hookId\":\"y\"}",
		 "ServiceDeploymentNotFoundException"},
		{"StopServiceDeployment", "{\"serviceDeploymentArn\":\"x\"}",
		 "ServiceDeploymentNotFoundException"},
		{"ListTasks", "{\"cluster\":\"prod\",\"serviceName\":\"none\"}",
		 "ServiceNotFoundException"},
		{"ListTasks", "{\"cluster\":\"none\"}", "ClusterNotFoundException"},
		{"ListTasks", "{\"cluster\":\"prod\",\"maxResults\":101}",
		 "InvalidParameterException"},
		{"ListTasks", "{\"cluster\":\"prod\",\"nextToken\":\"x\"}",
		 "InvalidParameterException"},
		{"DescribeTasks", "{\"cluster\":\"prod\",\"tasks\":[]}",
		 "InvalidParameterException"},
		{"StopTask", "{\"cluster\":\"prod\",\"task\":\"x\"}", "InvalidParameterException"},
		{"ListTagsForResource", "{\"resourceArn\":\"x\"}", "InvalidParameterException"},
		{"TagResource", "{\"resourceArn\":\"x\",\"tags\":[]}", "ResourceNotFoundException"},
		{"CreateTaskSet", "{}", "UnsupportedFeatureException"},
	};
	struct ecs_shop s = ecs_shop_new("");
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ecs_refused(s.w, cases[i].operation, cases[i].json, cases[i].code);
	world_free(s.w);
}

static void test_how_it_is_deployed_is_checked(void **state)
{
	static const char *const bad[] = {
		"\"strategy\":\"SUDDEN\"",
		"\"strategy\":\"BLUE_GREEN\"", /* without bakeTimeInMinutes */
		"\"strategy\":\"BLUE_GREEN\",\"bakeTimeInMinutes\":1441",
		"\"strategy\":\"CANARY\",\"canaryConfiguration\":{\"canaryPercent\":0.05}",
		"\"strategy\":\"CANARY\",\"canaryConfiguration\":{\"canaryPercent\":101}",
		"\"strategy\":\"CANARY\",\"linearConfiguration\":{\"stepPercent\":10}",
		"\"strategy\":\"LINEAR\",\"linearConfiguration\":{\"stepPercent\":2.5}",
		"\"strategy\":\"LINEAR\",\"canaryConfiguration\":{\"canaryPercent\":5}",
		"\"strategy\":\"LINEAR\",\"deploymentCircuitBreaker\":{\"enable\":true,"
		"\"rollback\":true}",
		"\"strategy\":\"ROLLING\",\"bakeTimeInMinutes\":5",
		"\"strategy\":\"ROLLING\",\"lifecycleHooks\":[{\"targetType\":\"PAUSE\","
		"\"lifecycleStages\":[\"POST_SCALE_UP\"]}]",
		"\"strategy\":\"CANARY\",\"lifecycleHooks\":[{\"targetType\":\"PAUSE\"}]",
		"\"strategy\":\"CANARY\",\"lifecycleHooks\":[{\"targetType\":\"PAUSE\","
		"\"lifecycleStages\":[\"PRODUCTION_TRAFFIC_SHIFT\"]}]",
		"\"strategy\":\"CANARY\",\"lifecycleHooks\":[{\"targetType\":\"PAUSE\","
		"\"lifecycleStages\":[\"TEST_TRAFFIC_SHIFT\"]}]",
		"\"strategy\":\"CANARY\",\"lifecycleHooks\":[{\"targetType\":\"PAUSE\","
		"\"lifecycleStages\":[\"BAKE_TIME\"]}]",
		"\"strategy\":\"CANARY\",\"lifecycleHooks\":[{\"lifecycleStages\":["
		"\"POST_SCALE_UP\"]}]", /* a Lambda hook without function */
		"\"strategy\":\"CANARY\",\"lifecycleHooks\":[{\"targetType\":\"PAUSE\","
		"\"lifecycleStages\":[\"POST_SCALE_UP\"],\"timeoutConfiguration\":{"
		"\"timeoutInMinutes\":0}}]",
		"\"strategy\":\"CANARY\",\"lifecycleHooks\":[{\"targetType\":\"PAUSE\","
		"\"lifecycleStages\":[\"POST_SCALE_UP\"],\"timeoutConfiguration\":{"
		"\"action\":\"WAIT\"}}]",
		"\"deploymentCircuitBreaker\":{\"enable\":true,\"rollback\":true,"
		"\"thresholdConfiguration\":{\"type\":\"MANY\",\"value\":3}}",
		"\"deploymentCircuitBreaker\":{\"enable\":true}",
		"\"alarms\":{\"alarmNames\":[\"a\"],\"enable\":true}",
		"\"stratagem\":\"CANARY\"",
	};
	struct ecs_shop s = ecs_shop_new("");
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ecs_refused(
			s.w, "UpdateService",
			arena_printf(s.w->arena, WEB ",\"deploymentConfiguration\":{%s}}", bad[i]),
			"InvalidParameterException");
	/* none of it was taken */
	assert_text(ecs_service(s.w), "deploymentConfiguration.strategy", "ROLLING");
	world_free(s.w);
}

static void test_members_of_a_configuration_are_taken_one_by_one(void **state)
{
	struct ecs_shop s = ecs_shop_new("strategy=CANARY");
	const struct json *v;
	(void)state;
	ecs_ok(s.w, "UpdateService",
	       WEB ",\"deploymentConfiguration\":{\"bakeTimeInMinutes\":7,\"canaryConfiguration\":{"
		   "\"canaryPercent\":12.5}}}");
	ecs_ok(s.w, "UpdateService", WEB ",\"deploymentConfiguration\":{\"maximumPercent\":150}}");
	v = json_get(ecs_service(s.w), "deploymentConfiguration");
	assert_text(v, "strategy", "CANARY");
	assert_near(number(v, "bakeTimeInMinutes"), 7, 0);
	assert_near(number(v, "canaryConfiguration.canaryPercent"), 12.5, 0);
	assert_near(number(v, "canaryConfiguration.canaryBakeTimeInMinutes"), 10, 0);
	assert_near(number(v, "maximumPercent"), 150, 0);
	/* and start no deployment */
	assert_int_equal(
		json_get(ecs_ok(s.w, "ListServiceDeployments", WEB "}"), "serviceDeployments")->n,
		1);
	world_free(s.w);
}

#define BALANCER(group, more)                                                             \
	"\"loadBalancers\":[{\"targetGroupArn\":\"" group "\",\"containerName\":\"app\"," \
	"\"containerPort\":80" more "}]"

static void test_load_balancers_are_checked(void **state)
{
	struct ecs_shop s = ecs_shop_new("");
	struct world *w = s.w;
	const char *mixed, *unused, *body;
	(void)state;
	mixed = ecs_arn_of(w, "elbv2 rule shop:80 priority=20 path=/x forward=blue:1 auth=oidc");
	unused = ecs_arn_of(w, "elbv2 target-group other targets=0 target_type=ip");
	body = arena_printf(w->arena,
			    "{\"cluster\":\"prod\",\"serviceName\":\"two\","
			    "\"taskDefinition\":\"web\"," BALANCER("%s", "") "}",
			    unused);
	/* a group that no rule refers to has no load balancer */
	ecs_refused(w, "CreateService", body, "InvalidParameterException");
	body = arena_printf(w->arena,
			    "{\"cluster\":\"prod\",\"serviceName\":\"two\",\"taskDefinition\":"
			    "\"web\",\"loadBalancers\":[{\"targetGroupArn\":\"%s\","
			    "\"containerName\":\"other\",\"containerPort\":80}]}",
			    s.blue);
	ecs_refused(w, "CreateService", body, "InvalidParameterException");
	/* a rule that does more than forward; none; half a configuration; the same group */
	const char *more[] = {
		arena_printf(w->arena,
			     "\"alternateTargetGroupArn\":\"%s\",\"productionListenerRule\":\"%s\","
			     "\"roleArn\":\"r\"",
			     s.green, mixed),
		arena_printf(w->arena,
			     "\"alternateTargetGroupArn\":\"%s\",\"productionListenerRule\":\"x\","
			     "\"roleArn\":\"r\"",
			     s.green),
		arena_printf(w->arena,
			     "\"alternateTargetGroupArn\":\"%s\",\"productionListenerRule\":\"%s\"",
			     s.green, s.rule),
		arena_printf(w->arena,
			     "\"alternateTargetGroupArn\":\"%s\",\"productionListenerRule\":\"%s\","
			     "\"roleArn\":\"r\"",
			     s.blue, s.rule),
	};
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
		body = arena_printf(w->arena,
				    "{\"cluster\":\"prod\",\"serviceName\":\"two\","
				    "\"taskDefinition\":\"web\",\"deploymentConfiguration\":{"
				    "\"strategy\":\"CANARY\"}," BALANCER(
					    "%s", ",\"advancedConfiguration\":{%s}") "}",
				    s.blue, more[i]);
		ecs_refused(w, "CreateService", body, "InvalidParameterException");
	}
	ecs_refused(w, "CreateService",
		    "{\"cluster\":\"prod\",\"serviceName\":\"two\",\"taskDefinition\":\"web\","
		    "\"deploymentConfiguration\":{\"strategy\":\"LINEAR\"}}",
		    "InvalidParameterException"); /* nothing to shift */
	world_free(w);
}

static void test_a_service_is_created_once_and_deleted(void **state)
{
	static const char body[] =
		"{\"cluster\":\"prod\",\"serviceName\":\"two\",\"taskDefinition\":\"web\","
		"\"desiredCount\":1,\"clientToken\":\"t1\",\"tags\":[{\"key\":\"rollout\","
		"\"value\":\"7\"}]}";
	struct ecs_shop s = ecs_shop_new("");
	struct world *w = s.w;
	const struct json *v;
	(void)state;
	v = ecs_ok(w, "CreateService", body);
	assert_near(number(v, "service.runningCount"), 0, 0);
	v = ecs_ok(w, "CreateService", body); /* the same token */
	assert_text(json_at(v, "service.tags")->first, "value", "7");
	ecs_refused(w, "CreateService",
		    "{\"cluster\":\"prod\",\"serviceName\":\"two\",\"taskDefinition\":\"web\"}",
		    "InvalidParameterException");
	ecs_refused(w, "CreateService", "{\"cluster\":\"prod\",\"serviceName\":\"three\"}",
		    "InvalidParameterException");
	ecs_ok(w, "TagResource",
	       "{\"resourceArn\":\"arn:aws:ecs:eu-central-1:111122223333:service/prod/two\","
	       "\"tags\":[{\"key\":\"rollout\",\"value\":\"8\"}]}");
	v = ecs_ok(w, "ListTagsForResource",
		   "{\"resourceArn\":\"arn:aws:ecs:eu-central-1:111122223333:service/prod/two\"}");
	assert_int_equal(json_get(v, "tags")->n, 1);
	assert_text(json_get(v, "tags")->first, "value", "8");
	sim_advance(w->sim, 30000);
	v = ecs_ok(w, "DeleteService", "{\"cluster\":\"prod\",\"service\":\"two\",\"force\":true}");
	assert_text(v, "service.status", "DRAINING");
	ecs_refused(w, "CreateService", body, "InvalidParameterException"); /* still draining */
	ecs_refused(w, "UpdateService", "{\"cluster\":\"prod\",\"service\":\"two\"}",
		    "ServiceNotActiveException");
	sim_advance(w->sim, 30000);
	v = ecs_ok(w, "DescribeServices", "{\"cluster\":\"prod\",\"services\":[\"two\"]}");
	assert_text(json_get(v, "services")->first, "status", "INACTIVE"); /* visible for a while */
	ecs_refused(w, "DeleteService", "{\"cluster\":\"prod\",\"service\":\"two\"}",
		    "ServiceNotFoundException");
	v = ecs_ok(w, "CreateService", body);
	assert_text(v, "service.status", "ACTIVE");
	world_free(w);
}

static void test_other_controllers_let_nobody_change_what_runs(void **state)
{
	struct world *w = world_new(NULL);
	(void)state;
	ctl(w, "ecs service prod/web image=web:1 controller=CODE_DEPLOY");
	ctl(w, "ecs service prod/ext image=web:1 controller=EXTERNAL");
	ecs_refused(w, "UpdateService", WEB ",\"taskDefinition\":\"web\"}",
		    "InvalidParameterException");
	assert_non_null(strstr(w->res.body.p, "CodeDeploy"));
	ecs_refused(w, "UpdateService", WEB ",\"forceNewDeployment\":true}",
		    "InvalidParameterException");
	ecs_ok(w, "UpdateService", WEB ",\"desiredCount\":3}");
	ecs_refused(w, "UpdateService",
		    "{\"cluster\":\"prod\",\"service\":\"ext\",\"taskDefinition\":\"web\"}",
		    "InvalidParameterException");
	ecs_refused(w, "UpdateService",
		    WEB ",\"deploymentConfiguration\":{\"strategy\":\"CANARY\"}}",
		    "InvalidParameterException");
	assert_text(ecs_service(w), "deploymentController.type", "CODE_DEPLOY");
	world_free(w);
}

static void test_commands_are_checked(void **state)
{
	struct ecs_shop s = ecs_shop_new("");
	(void)state;
	ctl_refused(s.w, "ecs nonsense", "nonsense");
	ctl_refused(s.w, "ecs service web", "CLUSTER/NAME");
	ctl_refused(s.w, "ecs service prod/x desired=many", "desired");
	ctl_refused(s.w, "ecs service prod/web image=web:2", "idempotent");
	ctl_refused(s.w, "ecs show prod/none", "prod/none");
	ctl_refused(s.w, "ecs image", "name");
	ctl_refused(s.w, "ecs image web errors=2", "errors");
	ctl_refused(s.w, "ecs image web crash=soon", "crash");
	ctl_refused(s.w, "ecs settings pull=soon", "pull");
	ctl_refused(s.w, "ecs settings pre_stage=maybe", "pre_stage");
	ctl_refused(s.w, "ecs deploy prod/web", "image");
	ctl_refused(s.w, "ecs deploy prod/none image=x", "prod/none");
	ctl_refused(s.w, "ecs update prod/web desiredCount=-1", "desiredCount");
	ctl_refused(s.w, "ecs update prod/web desiredCount={", "offset");
	ctl_refused(s.w, "ecs crash prod/web family=none", "task definition");
	ctl_refused(s.w, "ecs stop prod/web", "ConflictException");
	ctl_refused(s.w, "ecs continue prod/web", "InvalidParameterException");
	ctl_refused(s.w, "ecs delete prod/none", "prod/none");
	ctl(s.w, "ecs cluster other");
	ctl(s.w, "ecs settings provision=1s pull=1s stop=1s stage=1s shift=1s network_shift=1m "
		 "pre_stage=told");
	ctl(s.w, "ecs delete prod/web");
	sim_advance(s.w->sim, 60000);
	assert_text(ctl(s.w, "ecs show prod/web"), "status", "INACTIVE");
	world_free(s.w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_task_definitions_are_revisions_of_a_family),
		cmocka_unit_test(test_a_task_definition_is_checked),
		cmocka_unit_test(test_a_service_that_control_made_is_described),
		cmocka_unit_test(test_what_is_missing_is_a_failure_with_status_200),
		cmocka_unit_test(test_calls_are_refused_with_their_errors),
		cmocka_unit_test(test_how_it_is_deployed_is_checked),
		cmocka_unit_test(test_members_of_a_configuration_are_taken_one_by_one),
		cmocka_unit_test(test_load_balancers_are_checked),
		cmocka_unit_test(test_a_service_is_created_once_and_deleted),
		cmocka_unit_test(test_other_controllers_let_nobody_change_what_runs),
		cmocka_unit_test(test_commands_are_checked),
	};
	return cmocka_run_group_tests_name("sim_ecs", tests, NULL, NULL);
}
