#include "aws/ssm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/aws/api_model.h"

static int set_up(void **state)
{
	*state = fake_new();
	return 0;
}

static int tear_down(void **state)
{
	fake_free(*state);
	return 0;
}

static void expect_json(struct fake *f, size_t i, const char *operation, const char *body)
{
	assert_string_equal(fake_sent(f, i)->body.p, body);
	assert_true(str_is(fake_header(f, i, "X-Amz-Target"),
			   arena_printf(f->arena, "AmazonSSM.%s", operation)));
	api_check(f, i, "ssm", operation);
}

static const char *const two[] = {"i-1", "i-2"};

static void test_send(void **state)
{
	struct ssm_command cmd = {.instances = two,
				  .n_instances = 2,
				  .script = STR("#!/bin/sh\necho \"hi\"\n"),
				  .comment = "r-1",
				  .delivery_s = 60,
				  .execution_s = 600};
	struct fake *f = *state;
	struct err err = ERR_INIT;
	const char *id;

	fake_answer(
		f, 200, NULL,
		"{\"Command\":{\"CommandId\":\"c-1\",\"TargetCount\":2,\"Status\":\"Pending\"}}");
	if (ssm_send_command(&f->client, &cmd, f->arena, &id, &err))
		fail_msg("%s", err.text);
	assert_string_equal(id, "c-1");
	expect_json(f, 0, "SendCommand",
		    "{\"DocumentName\":\"AWS-RunShellScript\",\"InstanceIds\":[\"i-1\",\"i-2\"],"
		    "\"Comment\":\"r-1\",\"TimeoutSeconds\":60,\"MaxConcurrency\":\"100%\","
		    "\"MaxErrors\":\"0\",\"Parameters\":{\"commands\":[\"#!/bin/sh\\necho "
		    "\\\"hi\\\"\\n\"],\"executionTimeout\":[\"600\"]}}");

	/* not idempotent: never sent again blindly */
	fake_again(f);
	fake_fail(f, ERR_TIMEOUT, true);
	assert_int_equal(ssm_send_command(&f->client, &cmd, f->arena, &id, &err), -1);
	assert_true(err.sent);
	assert_int_equal(f->n_requests, 1);

	fake_answer(f, 200, NULL, "{\"Command\":{\"CommandId\":\"c-1\",\"TargetCount\":0}}");
	err = ERR_INIT;
	assert_int_equal(ssm_send_command(&f->client, &cmd, f->arena, &id, &err), -1);
	assert_int_equal(err.code, ERR_REJECTED);
	assert_non_null(strstr(err.text, "c-1 has no target"));

	fake_answer(f, 200, NULL, "{}");
	err = ERR_INIT;
	assert_int_equal(ssm_send_command(&f->client, &cmd, f->arena, &id, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	assert_true(err.sent);
}

static void test_send_refusals(void **state)
{
	struct ssm_command cmd = {.instances = two, .script = STR("x")};
	struct fake *f = *state;
	struct err err = ERR_INIT;
	const char *id;

	assert_int_equal(ssm_send_command(&f->client, &cmd, f->arena, &id, &err), -1);
	assert_int_equal(err.code, ERR_REJECTED);
	cmd.n_instances = SSM_TARGETS_MAX + 1;
	assert_int_equal(ssm_send_command(&f->client, &cmd, f->arena, &id, &err), -1);
	cmd.n_instances = 2;
	cmd.script = STR(" \n");
	err = ERR_INIT;
	assert_int_equal(ssm_send_command(&f->client, &cmd, f->arena, &id, &err), -1);
	assert_non_null(strstr(err.text, "empty"));
	cmd.script.p = fake_repeat(f->arena, "x", SSM_SCRIPT_MAX + 1);
	cmd.script.n = SSM_SCRIPT_MAX + 1;
	assert_int_equal(ssm_send_command(&f->client, &cmd, f->arena, &id, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	cmd.script.n = 1;
	cmd.comment = fake_repeat(f->arena, "x", 600u << 10);
	err = ERR_INIT;
	assert_int_equal(ssm_send_command(&f->client, &cmd, f->arena, &id, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_int_equal(f->n_requests, 0);
}

static void test_list(void **state)
{
	static const struct {
		const char *word;
		enum ssm_status status;
	} words[] = {
		{"Pending", SSM_RUNNING}, {"InProgress", SSM_RUNNING}, {"Delayed", SSM_RUNNING},
		{"Success", SSM_SUCCESS}, {"Cancelled", SSM_FAILED},   {"TimedOut", SSM_FAILED},
		{"Failed", SSM_FAILED},	  {"Cancelling", SSM_RUNNING}, {"Other", SSM_RUNNING},
	};
	struct fake *f = *state;
	struct ssm_invocation *all;
	struct err err = ERR_INIT;
	size_t n;

	fake_answer(
		f, 200, NULL,
		"{\"CommandInvocations\":[{\"CommandId\":\"c-1\",\"InstanceId\":\"i-1\","
		"\"Comment\":\"r-1\",\"RequestedDateTime\":1767323045.5,\"Status\":\"TimedOut\","
		"\"StatusDetails\":\"ExecutionTimedOut\"}],\"NextToken\":\"n\"}");
	fake_answer(f, 200, NULL,
		    "{\"CommandInvocations\":[{\"CommandId\":\"c-2\",\"InstanceId\":\"i-2\"}]}");
	if (ssm_list_invocations(&f->client, (struct utc){1767323045000}, f->arena, &all, &n, &err))
		fail_msg("%s", err.text);
	assert_int_equal(n, 2);
	assert_string_equal(all[0].command, "c-1");
	assert_string_equal(all[0].instance, "i-1");
	assert_string_equal(all[0].comment, "r-1");
	assert_string_equal(all[0].details, "ExecutionTimedOut");
	assert_int_equal(all[0].status, SSM_FAILED);
	assert_int_equal(all[0].requested_ms, 1767323045500);
	assert_null(all[1].comment);
	assert_string_equal(all[1].details, "unknown");
	expect_json(f, 0, "ListCommandInvocations",
		    "{\"Filters\":[{\"key\":\"InvokedAfter\",\"value\":\"2026-01-02T03:04:05Z\"}],"
		    "\"MaxResults\":50}");
	assert_non_null(strstr(fake_sent(f, 1)->body.p, "\"NextToken\":\"n\""));

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		fake_again(f);
		fake_answer(f, 200, NULL,
			    arena_printf(f->arena,
					 "{\"CommandInvocations\":[{\"CommandId\":\"c\","
					 "\"InstanceId\":\"i\",\"Status\":\"%s\"}]}",
					 words[i].word));
		assert_int_equal(ssm_list_invocations(&f->client, (struct utc){1767323045000},
						      f->arena, &all, &n, &err),
				 0);
		assert_int_equal(all[0].status, words[i].status);
		assert_string_equal(all[0].details, words[i].word);
	}
}

static void test_list_errors(void **state)
{
	struct fake *f = *state;
	struct ssm_invocation *all;
	struct err err = ERR_INIT;
	size_t n;

	fake_answer(f, 200, NULL, "{}");
	assert_int_equal(ssm_list_invocations(&f->client, (struct utc){1767323045000}, f->arena,
					      &all, &n, &err),
			 -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	fake_answer(f, 200, NULL, "{\"CommandInvocations\":[{\"CommandId\":\"c\"}]}");
	assert_int_equal(ssm_list_invocations(&f->client, (struct utc){1767323045000}, f->arena,
					      &all, &n, &err),
			 -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	fake_fail(f, ERR_DENIED, false);
	assert_int_equal(ssm_list_invocations(&f->client, (struct utc){1767323045000}, f->arena,
					      &all, &n, &err),
			 -1);
	assert_true(fake_done(f));
	fake_answer(f, 200, NULL, "{\"CommandInvocations\":[],\"NextToken\":\"n\"}");
	f->repeat_last = true;
	assert_int_equal(ssm_list_invocations(&f->client, (struct utc){1767323045000}, f->arena,
					      &all, &n, &err),
			 -1);
	assert_int_equal(err.code, ERR_LIMIT);
}

static void test_online(void **state)
{
	struct fake *f = *state;
	struct err err = ERR_INIT;
	bool online[2] = {true, true};

	fake_answer(
		f, 200, NULL,
		"{\"InstanceInformationList\":[{\"InstanceId\":\"i-2\",\"PingStatus\":\"Online\"},"
		"{\"InstanceId\":\"i-9\",\"PingStatus\":\"Online\"}],\"NextToken\":\"n\"}");
	fake_answer(f, 200, NULL,
		    "{\"InstanceInformationList\":[{\"InstanceId\":\"i-1\",\"PingStatus\":"
		    "\"ConnectionLost\"}]}");
	assert_int_equal(ssm_are_online(&f->client, two, 2, f->arena, online, &err), 0);
	assert_false(online[0]);
	assert_true(online[1]);
	expect_json(f, 0, "DescribeInstanceInformation",
		    "{\"Filters\":[{\"Key\":\"InstanceIds\",\"Values\":[\"i-1\",\"i-2\"]}],"
		    "\"MaxResults\":50}");
	assert_true(fake_done(f));

	fake_answer(f, 200, NULL, "{}");
	assert_int_equal(ssm_are_online(&f->client, two, 2, f->arena, online, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	fake_fail(f, ERR_DENIED, false);
	assert_int_equal(ssm_are_online(&f->client, two, 2, f->arena, online, &err), -1);
	assert_int_equal(ssm_are_online(&f->client, two, 0, f->arena, online, &err), -1);
	assert_true(fake_done(f));
	fake_answer(f, 200, NULL, "{\"InstanceInformationList\":[],\"NextToken\":\"n\"}");
	f->repeat_last = true;
	assert_int_equal(ssm_are_online(&f->client, two, 2, f->arena, online, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
}

static void test_errors(void **state)
{
	static const struct {
		int status;
		const char *name;
		enum err_code code;
		size_t attempts;
	} cases[] = {
		{400, "InvalidInstanceId", ERR_REJECTED, 1},
		{400, "InvalidDocument", ERR_REJECTED, 1},
		{400, "AccessDeniedException", ERR_DENIED, 1},
		{400, "ThrottlingException", ERR_THROTTLED, 3},
		{500, "InternalServerError", ERR_UNAVAILABLE, 1}, /* it may have been sent */
	};
	struct ssm_command cmd = {.instances = two, .n_instances = 2, .script = STR("x")};
	struct fake *f = *state;
	const char *id;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = ERR_INIT;

		fake_again(f);
		for (size_t k = 0; k < cases[i].attempts; k++)
			fake_answer(f, cases[i].status, NULL,
				    arena_printf(f->arena, "{\"__type\":\"%s\",\"message\":\"m\"}",
						 cases[i].name));
		assert_int_equal(ssm_send_command(&f->client, &cmd, f->arena, &id, &err), -1);
		if (err.code != cases[i].code)
			fail_msg("%s: %s", cases[i].name, err.text);
		assert_true(fake_done(f));
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_send),	     T(test_send_refusals), T(test_list),
		T(test_list_errors), T(test_online),	    T(test_errors),
	};

	return cmocka_run_group_tests_name("ssm", tests, NULL, NULL);
}
