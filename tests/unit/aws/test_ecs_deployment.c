#include "tests/unit/aws/ecs_check.h"

static const char deployment[] =
	"{\"serviceDeploymentArn\":\"" DEPLOYMENT "\",\"serviceArn\":\"" SERVICE "\","
	"\"createdAt\":1767323045.5,\"status\":\"IN_PROGRESS\",\"statusReason\":\"why\","
	"\"lifecycleStage\":\"PRE_PRODUCTION_TRAFFIC_SHIFT\",\"targetServiceRevision\":{\"arn\":"
	"\"rev2\",\"requestedTaskCount\":4,\"runningTaskCount\":3,\"pendingTaskCount\":1,"
	"\"requestedProductionTrafficWeight\":12.5},\"lifecycleHookDetails\":[{\"hookId\":\"h1\","
	"\"targetType\":\"PAUSE\",\"status\":\"AWAITING_ACTION\"},{\"targetType\":null}],"
	"\"rollback\":{\"reason\":\"alarm\",\"serviceRevisionArn\":\"rev1\"},\"alarms\":{"
	"\"triggeredAlarmNames\":[\"errors\"]}}";

static int describe(struct fake *f, const char *one, struct ecs_service_deployment *d,
		    struct err *err)
{
	fake_again(f);
	*err = ERR_INIT;
	fake_answer(f, 200, NULL,
		    arena_printf(f->arena, "{\"serviceDeployments\":[%s],\"failures\":[]}", one));
	return ecs_describe_service_deployment(&f->client, DEPLOYMENT, f->arena, d, err);
}

static void test_describe_service_deployment(void **state)
{
	struct fake *f = *state;
	struct ecs_service_deployment d;
	struct err err;

	if (describe(f, deployment, &d, &err))
		fail_msg("%s", err.text);
	expect_request(f, 0, "DescribeServiceDeployments",
		       "{\"serviceDeploymentArns\":[\"" DEPLOYMENT "\"]}");
	assert_string_equal(d.arn, DEPLOYMENT);
	assert_string_equal(d.service_arn, SERVICE);
	assert_int_equal(d.status, ECS_DEPLOYMENT_IN_PROGRESS);
	assert_string_equal(d.status_reason, "why");
	assert_string_equal(d.stage, "PRE_PRODUCTION_TRAFFIC_SHIFT");
	assert_int_equal(d.n_hooks, 2);
	assert_string_equal(d.hooks[0].id, "h1");
	assert_string_equal(d.hooks[0].target_type, "PAUSE");
	assert_string_equal(d.hooks[0].status, "AWAITING_ACTION");
	assert_string_equal(d.hooks[1].target_type, "");
	assert_string_equal(d.hooks[1].status, "");
	assert_string_equal(d.revision_arn, "rev2");
	assert_int_equal(d.requested_tasks, 4);
	assert_int_equal(d.running_tasks, 3);
	assert_int_equal(d.pending_tasks, 1);
	assert_true(d.has_weight);
	assert_true(d.weight > 12.49 && d.weight < 12.51);
	assert_string_equal(d.rollback_reason, "alarm");
	assert_string_equal(d.rollback_revision_arn, "rev1");
	assert_string_equal(d.triggered_alarm, "errors");
	assert_true(d.created.ms == 1767323045500);
}

static void test_every_status_has_its_name(void **state)
{
	struct fake *f = *state;
	struct ecs_service_deployment d;
	struct err err;

	for (int i = 0; i < ECS_DEPLOYMENT_OTHER; i++) {
		const char *name = ecs_deployment_status_name((enum ecs_deployment_status)i);

		if (describe(f,
			     arena_printf(f->arena,
					  "{\"serviceDeploymentArn\":\"a\",\"status\":\"%s\"}",
					  name),
			     &d, &err))
			fail_msg("%s", err.text);
		assert_int_equal(d.status, i);
	}
	assert_int_equal(
		describe(f, "{\"serviceDeploymentArn\":\"a\",\"status\":\"NEW\"}", &d, &err), 0);
	assert_int_equal(d.status, ECS_DEPLOYMENT_OTHER);
	assert_false(d.has_weight);
	assert_null(d.stage);
	assert_null(d.triggered_alarm);
	assert_int_equal(d.n_hooks, 0);
	assert_string_equal(ecs_deployment_status_name(ECS_DEPLOYMENT_OTHER), "unknown");
	assert_string_equal(ecs_deployment_status_name((enum ecs_deployment_status)99), "unknown");
}

/* A weight that cannot be read must not look like none. */
static void test_deployments_that_cannot_be_read(void **state)
{
	struct fake *f = *state;
	struct ecs_service_deployment d;
	struct err err;

	assert_int_equal(describe(f, "{\"status\":\"IN_PROGRESS\"}", &d, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	assert_int_equal(describe(f,
				  "{\"serviceDeploymentArn\":\"a\",\"targetServiceRevision\":{"
				  "\"requestedProductionTrafficWeight\":101}}",
				  &d, &err),
			 -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	assert_int_equal(describe(f, "", &d, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	fake_answer(f, 200, NULL, "{\"failures\":[{\"reason\":\"MISSING\"}]}");
	assert_int_equal(
		ecs_describe_service_deployment(&f->client, DEPLOYMENT, f->arena, &d, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
}

static void test_list_service_deployments(void **state)
{
	struct fake *f = *state;
	struct ecs_deployment_row *rows;
	struct err err = ERR_INIT;
	size_t n;

	fake_answer(f, 200, NULL,
		    "{\"serviceDeployments\":[{\"serviceDeploymentArn\":\"d3\","
		    "\"targetServiceRevisionArn\":\"r3\",\"status\":\"SUCCESSFUL\",\"createdAt\":"
		    "1767323045},{}],\"nextToken\":\"more\"}");
	fake_answer(f, 200, NULL,
		    "{\"serviceDeployments\":[{\"serviceDeploymentArn\":\"d2\"},"
		    "{\"serviceDeploymentArn\":\"d1\"}],\"nextToken\":\"even more\"}");
	if (ecs_list_service_deployments(&f->client, "prod", "web", (struct utc){1767323045250}, 2,
					 f->arena, &rows, &n, &err))
		fail_msg("%s", err.text);
	expect_request(f, 0, "ListServiceDeployments",
		       "{\"cluster\":\"prod\",\"service\":\"web\",\"createdAt\":{\"after\":"
		       "1767323045.25}}");
	expect_request(f, 1, "ListServiceDeployments",
		       "{\"cluster\":\"prod\",\"service\":\"web\",\"createdAt\":{\"after\":"
		       "1767323045.25},\"nextToken\":\"more\"}");
	assert_int_equal(n, 2);
	assert_string_equal(rows[0].arn, "d3");
	assert_string_equal(rows[0].revision_arn, "r3");
	assert_int_equal(rows[0].status, ECS_DEPLOYMENT_SUCCESSFUL);
	assert_true(rows[0].created.ms == 1767323045000);
	assert_string_equal(rows[1].arn, "d2");

	fake_again(f);
	fake_answer(f, 200, NULL, "{\"serviceDeployments\":[]}");
	assert_int_equal(ecs_list_service_deployments(&f->client, NULL, "web", (struct utc){0}, 5,
						      f->arena, &rows, &n, &err),
			 0);
	assert_int_equal(n, 0);
	expect_request(f, 0, "ListServiceDeployments", "{\"service\":\"web\"}");
	fake_answer(f, 200, NULL, "{}");
	assert_int_equal(ecs_list_service_deployments(&f->client, NULL, "web", (struct utc){0}, 5,
						      f->arena, &rows, &n, &err),
			 -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	fake_refusal(f, "ServiceNotFoundException", "no");
	assert_int_equal(ecs_list_service_deployments(&f->client, NULL, "web", (struct utc){0}, 5,
						      f->arena, &rows, &n, &err),
			 -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);

	/* a list that never ends */
	fake_again(f);
	fake_answer(f, 200, NULL, "{\"serviceDeployments\":[],\"nextToken\":\"x\"}");
	f->repeat_last = true;
	assert_int_equal(ecs_list_service_deployments(&f->client, NULL, "web", (struct utc){0}, 5,
						      f->arena, &rows, &n, &err),
			 -1);
	assert_int_equal(err.code, ERR_LIMIT);
}

static void test_continue_and_roll_back(void **state)
{
	struct fake *f = *state;
	struct err err = ERR_INIT;

	fake_answer(f, 200, NULL, "{\"serviceDeploymentArn\":\"" DEPLOYMENT "\"}");
	fake_answer(f, 200, NULL, "{}");
	fake_answer(f, 200, NULL, "{}");
	if (ecs_continue_service_deployment(&f->client, DEPLOYMENT, "h1", false, f->arena, &err) ||
	    ecs_continue_service_deployment(&f->client, DEPLOYMENT, "h1", true, f->arena, &err) ||
	    ecs_roll_back_service_deployment(&f->client, DEPLOYMENT, f->arena, &err))
		fail_msg("%s", err.text);
	expect_request(f, 0, "ContinueServiceDeployment",
		       "{\"serviceDeploymentArn\":\"" DEPLOYMENT
		       "\",\"hookId\":\"h1\",\"action\":\"CONTINUE\"}");
	expect_request(f, 1, "ContinueServiceDeployment",
		       "{\"serviceDeploymentArn\":\"" DEPLOYMENT
		       "\",\"hookId\":\"h1\",\"action\":\"ROLLBACK\"}");
	expect_request(f, 2, "StopServiceDeployment",
		       "{\"serviceDeploymentArn\":\"" DEPLOYMENT "\",\"stopType\":\"ROLLBACK\"}");

	/* neither is repeated: the next pause must not be continued by accident */
	fake_again(f);
	fake_fail(f, ERR_TIMEOUT, true);
	assert_int_equal(ecs_continue_service_deployment(&f->client, DEPLOYMENT, "h1", false,
							 f->arena, &err),
			 -1);
	assert_true(err.sent);
	fake_refusal(f, "ConflictException", "it is over");
	err = ERR_INIT;
	assert_int_equal(ecs_roll_back_service_deployment(&f->client, DEPLOYMENT, f->arena, &err),
			 -1);
	assert_int_equal(err.code, ERR_CONFLICT);
	fake_refusal(f, "ServiceDeploymentNotFoundException", "no");
	assert_int_equal(ecs_roll_back_service_deployment(&f->client, DEPLOYMENT, f->arena, &err),
			 -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_int_equal(f->n_requests, 3);
}

static void test_describe_service_revision(void **state)
{
	struct fake *f = *state;
	struct ecs_service_revision r;
	struct err err = ERR_INIT;

	fake_answer(f, 200, NULL,
		    "{\"serviceRevisions\":[{\"serviceRevisionArn\":\"rev1\",\"taskDefinition\":"
		    "\"td7\",\"loadBalancers\":[{\"targetGroupArn\":\"configured\"}],"
		    "\"resolvedConfiguration\":{\"loadBalancers\":[{\"targetGroupArn\":\"live\","
		    "\"productionListenerRule\":\"rule\"}]}}]}");
	fake_answer(f, 200, NULL,
		    "{\"serviceRevisions\":[{\"serviceRevisionArn\":\"rev1\",\"taskDefinition\":"
		    "\"td7\",\"resolvedConfiguration\":{\"loadBalancers\":[]}}]}");
	if (ecs_describe_service_revision(&f->client, "rev1", f->arena, &r, &err))
		fail_msg("%s", err.text);
	expect_request(f, 0, "DescribeServiceRevisions", "{\"serviceRevisionArns\":[\"rev1\"]}");
	assert_string_equal(r.arn, "rev1");
	assert_string_equal(r.task_definition, "td7");
	assert_string_equal(r.target_group_arn, "live");
	assert_string_equal(r.production_rule, "rule");
	assert_int_equal(ecs_describe_service_revision(&f->client, "rev1", f->arena, &r, &err), 0);
	assert_null(r.target_group_arn);
	fake_answer(f, 200, NULL, "{\"serviceRevisions\":[{\"serviceRevisionArn\":\"rev1\"}]}");
	assert_int_equal(ecs_describe_service_revision(&f->client, "rev1", f->arena, &r, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	fake_answer(f, 200, NULL, "{\"failures\":[{\"reason\":\"MISSING\"}]}");
	assert_int_equal(ecs_describe_service_revision(&f->client, "rev1", f->arena, &r, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_describe_service_deployment),	    TEST(test_every_status_has_its_name),
		TEST(test_deployments_that_cannot_be_read), TEST(test_list_service_deployments),
		TEST(test_continue_and_roll_back),	    TEST(test_describe_service_revision),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
