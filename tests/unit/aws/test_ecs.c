#include "tests/unit/aws/ecs_check.h"

/* Task definitions, tasks, tags. */

#define DEFINITION ARN("task-definition/web:7")

static const char described[] =
	"{\"taskDefinition\":{\"taskDefinitionArn\":\"" DEFINITION "\",\"family\":\"web\","
	"\"revision\":7,\"status\":\"ACTIVE\",\"networkMode\":\"awsvpc\",\"taskRoleArn\":\"arn:t\","
	"\"executionRoleArn\":\"arn:e\",\"cpu\":\"256\",\"requiresAttributes\":[{\"name\":\"a\"}],"
	"\"compatibilities\":[\"EC2\"],\"registeredAt\":1.7e9,\"registeredBy\":\"arn:u\","
	"\"pidMode\":null,\"containerDefinitions\":[{\"name\":\"app\",\"image\":\"i:1\","
	"\"cpu\":0}],\"enableFaultInjection\":false},\"tags\":[{\"key\":\"team\",\"value\":\"x\"},"
	"{\"key\":\"aws:cf\",\"value\":\"y\"},{\"key\":\"rollout\",\"value\":\"old\"}]}";

static void test_describe_task_definition(void **state)
{
	struct fake *f = *state;
	struct ecs_task_definition d;
	struct err err = ERR_INIT;

	fake_answer(f, 200, NULL, described);
	if (ecs_describe_task_definition(&f->client, "web", f->arena, &d, &err))
		fail_msg("%s", err.text);
	expect_request(f, 0, "DescribeTaskDefinition",
		       "{\"taskDefinition\":\"web\",\"include\":[\"TAGS\"]}");
	assert_string_equal(d.arn, DEFINITION);
	assert_string_equal(d.family, "web");
	assert_int_equal(d.revision, 7);
	assert_string_equal(d.status, "ACTIVE");
	assert_string_equal(d.network_mode, "awsvpc");
	assert_string_equal(d.task_role_arn, "arn:t");
	assert_string_equal(d.execution_role_arn, "arn:e");
	assert_int_equal(d.n_tags, 3);
	assert_string_equal(ecs_tag_get(d.tags, d.n_tags, "team"), "x");
	assert_null(ecs_tag_get(d.tags, d.n_tags, "no"));
	assert_string_equal(json_cstr(json_get(d.raw, "cpu")), "256");
}

static void test_a_task_definition_that_is_not_there(void **state)
{
	struct fake *f = *state;
	struct ecs_task_definition d;
	struct err err = ERR_INIT;

	fake_refusal(f, "ClientException", "Unable to describe task definition.");
	assert_int_equal(ecs_describe_task_definition(&f->client, "no", f->arena, &d, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	fake_refusal(f, "ClientException", "Something else.");
	assert_int_equal(ecs_describe_task_definition(&f->client, "no", f->arena, &d, &err), -1);
	assert_int_equal(err.code, ERR_REJECTED);
	fake_answer(f, 200, NULL, "{\"taskDefinition\":{\"family\":\"web\"}}");
	assert_int_equal(ecs_describe_task_definition(&f->client, "no", f->arena, &d, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	fake_answer(f, 200, NULL, "{}");
	assert_int_equal(ecs_describe_task_definition(&f->client, "no", f->arena, &d, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
}

/* What is described is registered again without what only AWS writes; the rest survives. */
static void test_register_task_definition(void **state)
{
	struct fake *f = *state;
	struct ecs_tag tag = {"rollout", "r-1"};
	const struct json *root = parsed(f, described);
	struct json *definition = arena_new_of(f->arena, struct json);
	struct json *tags = arena_new_of(f->arena, struct json);
	struct ecs_task_definition d;
	struct err err = ERR_INIT;

	/* as people write it: the tags within */
	*definition = *json_get(root, "taskDefinition");
	*tags = *json_get(root, "tags");
	tags->next = definition->first;
	definition->first = tags;
	definition->n++;
	fake_answer(f, 200, NULL, described);
	if (ecs_register_task_definition(&f->client, definition, &tag, 1, f->arena, &d, &err))
		fail_msg("%s", err.text);
	expect_request(f, 0, "RegisterTaskDefinition",
		       "{\"family\":\"web\",\"networkMode\":\"awsvpc\",\"taskRoleArn\":\"arn:t\","
		       "\"executionRoleArn\":\"arn:e\",\"cpu\":\"256\",\"containerDefinitions\":[{"
		       "\"name\":\"app\",\"image\":\"i:1\",\"cpu\":0}],\"enableFaultInjection\":"
		       "false,\"tags\":[{\"key\":\"team\",\"value\":\"x\"},{\"key\":\"rollout\","
		       "\"value\":\"r-1\"}]}");
	assert_string_equal(d.arn, DEFINITION);
	assert_true(ecs_task_definition_is_read_only(STR("deregisteredAt")));
	assert_false(ecs_task_definition_is_read_only(STR("cpu")));
}

/* Each call would make another revision: nothing is sent again blindly. */
static void test_registering_is_not_repeated(void **state)
{
	struct fake *f = *state;
	const struct json *definition = parsed(f, "{\"family\":\"web\",\"tags\":null}");
	struct ecs_task_definition d;
	struct err err = ERR_INIT;

	fake_fail(f, ERR_TIMEOUT, true);
	assert_int_equal(
		ecs_register_task_definition(&f->client, definition, NULL, 0, f->arena, &d, &err),
		-1);
	assert_true(err.sent);
	assert_int_equal(f->n_requests, 1);
	assert_string_equal(fake_sent(f, 0)->body.p, "{\"family\":\"web\"}");
	fake_answer(f, 200, NULL, "{}");
	err = ERR_INIT;
	assert_int_equal(
		ecs_register_task_definition(&f->client, definition, NULL, 0, f->arena, &d, &err),
		-1);
	assert_int_equal(err.code, ERR_MALFORMED);
	assert_true(err.sent);
	/* a hard quota, although its name is that of throttling */
	fake_refusal(f, "LimitExceededException", "too many");
	err = ERR_INIT;
	assert_int_equal(
		ecs_register_task_definition(&f->client, definition, NULL, 0, f->arena, &d, &err),
		-1);
	assert_int_equal(err.code, ERR_REJECTED);
	assert_int_equal(f->n_requests, 3);
}

static void test_a_definition_that_is_too_long(void **state)
{
	struct fake *f = *state;
	struct json long_text = {.type = JSON_STRING, .key = STR("family")};
	struct json definition = {.type = JSON_OBJECT, .first = &long_text, .n = 1};
	struct ecs_task_definition d;
	struct err err = ERR_INIT;

	long_text.text = str_from(fake_repeat(f->arena, "x", 300000));
	assert_int_equal(
		ecs_register_task_definition(&f->client, &definition, NULL, 0, f->arena, &d, &err),
		-1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_non_null(strstr(err.text, "ECS.RegisterTaskDefinition"));
	assert_int_equal(f->n_requests, 0);
}

static void test_deregister_task_definition(void **state)
{
	struct fake *f = *state;
	struct err err = ERR_INIT;

	fake_answer(f, 200, NULL, described);
	fake_refusal(f, "ClientException", "The specified task definition is inactive.");
	fake_refusal(f, "ClientException", "The specified task definition does not exist.");
	for (int i = 0; i < 3; i++)
		if (ecs_deregister_task_definition(&f->client, "web:7", f->arena, &err))
			fail_msg("%s", err.text);
	expect_request(f, 0, "DeregisterTaskDefinition", "{\"taskDefinition\":\"web:7\"}");
	fake_refusal(f, "AccessDeniedException", "no");
	assert_int_equal(ecs_deregister_task_definition(&f->client, "web:7", f->arena, &err), -1);
	assert_int_equal(err.code, ERR_DENIED);
}

static void test_tag_resource(void **state)
{
	struct fake *f = *state;
	const struct ecs_tag tags[] = {{"a", "1"}, {"b", ""}};
	struct err err = ERR_INIT;

	fake_answer(f, 200, NULL, "{}");
	if (ecs_tag_resource(&f->client, SERVICE, tags, 2, f->arena, &err))
		fail_msg("%s", err.text);
	expect_request(f, 0, "TagResource",
		       "{\"resourceArn\":\"" SERVICE "\",\"tags\":[{\"key\":\"a\",\"value\":\"1\"},"
		       "{\"key\":\"b\",\"value\":\"\"}]}");
	fake_refusal(f, "ResourceNotFoundException", "no");
	assert_int_equal(ecs_tag_resource(&f->client, SERVICE, tags, 2, f->arena, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
}

static void test_describe_tasks(void **state)
{
	struct fake *f = *state;
	struct ecs_task *tasks;
	struct err err = ERR_INIT;
	size_t n;

	fake_answer(f, 200, NULL, "{\"taskArns\":[\"arn:t1\",\"arn:t2\"],\"nextToken\":\"x\"}");
	fake_answer(f, 200, NULL,
		    "{\"tasks\":[{\"taskArn\":\"arn:t1\",\"taskDefinitionArn\":\"d\","
		    "\"lastStatus\":\"STOPPED\",\"healthStatus\":\"UNKNOWN\",\"stopCode\":"
		    "\"EssentialContainerExited\",\"stoppedReason\":\"it ended\",\"containers\":["
		    "{\"name\":\"side\"},{\"name\":\"app\",\"exitCode\":137,\"reason\":\"oom\"},"
		    "{\"exitCode\":0,\"reason\":\"other\"}]}],\"failures\":[{\"arn\":\"arn:t2\","
		    "\"reason\":\"MISSING\"}]}");
	if (ecs_describe_tasks(&f->client, "prod", "web", "STOPPED", f->arena, &tasks, &n, &err))
		fail_msg("%s", err.text);
	expect_request(f, 0, "ListTasks",
		       "{\"cluster\":\"prod\",\"serviceName\":\"web\",\"desiredStatus\":"
		       "\"STOPPED\"}");
	expect_request(f, 1, "DescribeTasks",
		       "{\"cluster\":\"prod\",\"tasks\":[\"arn:t1\",\"arn:t2\"]}");
	assert_int_equal(n, 1);
	assert_string_equal(tasks[0].arn, "arn:t1");
	assert_string_equal(tasks[0].task_definition, "d");
	assert_string_equal(tasks[0].last_status, "STOPPED");
	assert_string_equal(tasks[0].health_status, "UNKNOWN");
	assert_string_equal(tasks[0].stop_code, "EssentialContainerExited");
	assert_string_equal(tasks[0].stopped_reason, "it ended");
	assert_string_equal(tasks[0].container_reason, "oom");
	assert_true(tasks[0].has_exit_code);
	assert_int_equal(tasks[0].exit_code, 137);

	fake_again(f);
	fake_answer(f, 200, NULL, "{\"taskArns\":[]}");
	assert_int_equal(ecs_describe_tasks(&f->client, "prod", "web", "STOPPED", f->arena, &tasks,
					    &n, &err),
			 0);
	assert_int_equal(n, 0);
	assert_int_equal(f->n_requests, 1);
}

static void test_tasks_that_cannot_be_read(void **state)
{
	struct fake *f = *state;
	struct ecs_task *tasks;
	struct err err = ERR_INIT;
	size_t n;

	fake_answer(f, 200, NULL, "{}");
	fake_refusal(f, "ServiceNotFoundException", "no");
	fake_answer(f, 200, NULL, "{\"taskArns\":[\"arn:t1\"]}");
	fake_answer(f, 200, NULL, "{\"tasks\":{}}");
	fake_answer(f, 200, NULL, "{\"taskArns\":[\"arn:t1\"]}");
	fake_refusal(f, "AccessDeniedException", "no");
	for (int i = 0; i < 4; i++) {
		static const enum err_code codes[] = {ERR_MALFORMED, ERR_NOT_FOUND, ERR_MALFORMED,
						      ERR_DENIED};

		assert_int_equal(ecs_describe_tasks(&f->client, "prod", "web", "RUNNING", f->arena,
						    &tasks, &n, &err),
				 -1);
		assert_int_equal(err.code, codes[i]);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_describe_task_definition),
		TEST(test_a_task_definition_that_is_not_there),
		TEST(test_register_task_definition),
		TEST(test_registering_is_not_repeated),
		TEST(test_a_definition_that_is_too_long),
		TEST(test_deregister_task_definition),
		TEST(test_tag_resource),
		TEST(test_describe_tasks),
		TEST(test_tasks_that_cannot_be_read),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
