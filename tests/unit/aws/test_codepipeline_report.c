#include "aws/codepipeline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/aws/api_model.h"

#define JOB "5b0f3c1e-7a52-4d0e-9a51-0c7f5e2b9d11"
#define ROLLOUT                                    \
	{                                          \
		"Deploy", "Custom", "Rollout", "1" \
	}

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

static void expect_body(const struct fake *f, size_t i, const char *body)
{
	assert_true(i < f->n_requests);
	assert_string_equal(fake_sent(f, i)->body.p, body);
}

/* --- reports --------------------------------------------------------------------------------- */

static void expect_success_body(const struct cp_success *s, const char *want)
{
	struct err err = ERR_INIT;
	struct buf b;

	buf_init(&b, CP_REPORT_BODY_MAX);
	if (codepipeline_success_body(&b, s, &err))
		fail_msg("%s", err.text);
	assert_string_equal(b.p, want);
	buf_release(&b);
}

static void expect_refused(const struct cp_success *s, enum err_code code)
{
	struct err err = ERR_INIT;
	struct buf b;

	buf_init(&b, CP_REPORT_BODY_MAX);
	assert_int_equal(codepipeline_success_body(&b, s, &err), -1);
	assert_int_equal(err.code, code);
	assert_int_equal(b.n, 0);
	buf_release(&b);
}

static void test_success_bodies(void **state)
{
	struct cp_variable variables[] = {{"DeploymentId", "d-17"}, {"Colour", "gr\"en"}};

	(void)state;
	expect_success_body(&(struct cp_success){.job_id = JOB, .percent_complete = -1},
			    "{\"jobId\":\"" JOB "\"}");
	expect_success_body(&(struct cp_success){.job_id = JOB,
						 .continuation_token = "{\"v\":1}",
						 .summary = "Canary 20%",
						 .external_execution_id = "d-17",
						 .percent_complete = 40},
			    "{\"jobId\":\"" JOB "\",\"continuationToken\":\"{\\\"v\\\":1}\","
			    "\"executionDetails\":{\"summary\":\"Canary 20%\","
			    "\"externalExecutionId\":\"d-17\",\"percentComplete\":40}}");
	expect_success_body(
		&(struct cp_success){.job_id = JOB,
				     .summary = "",
				     .percent_complete = 0,
				     .current_revision = {.revision = "build-17",
							  .change_identifier = "d-17",
							  .has_created = true,
							  .created = {1735790645000},
							  .summary = "blue to green"},
				     .variables = variables,
				     .n_variables = 2},
		"{\"jobId\":\"" JOB "\",\"executionDetails\":{\"percentComplete\":0},"
		"\"currentRevision\":{\"revision\":\"build-17\",\"changeIdentifier\":\"d-17\","
		"\"created\":1735790645,\"revisionSummary\":\"blue to green\"},"
		"\"outputVariables\":{\"DeploymentId\":\"d-17\",\"Colour\":\"gr\\\"en\"}}");
	expect_success_body(&(struct cp_success){.job_id = JOB,
						 .percent_complete = -1,
						 .current_revision = {.revision = "r",
								      .change_identifier = "c",
								      .has_created = true,
								      .created = {1735790645250}}},
			    "{\"jobId\":\"" JOB "\",\"currentRevision\":{\"revision\":\"r\","
			    "\"changeIdentifier\":\"c\",\"created\":1735790645.25}}");
}

static void test_success_refusals(void **state)
{
	struct fake *f = *state;
	struct cp_variable bad_name = {"a b", "x"}, no_name = {"", "x"},
			   large = {"big", fake_repeat(f->arena, "x", CP_VARIABLES_MAX - 2)};
	struct cp_variable twice[] = {{"a", "1"}, {"a", "2"}};
	struct cp_success s = {.percent_complete = -1};

	expect_refused(&s, ERR_REJECTED);
	s.job_id = JOB;
	s.percent_complete = 101;
	expect_refused(&s, ERR_REJECTED);
	s.percent_complete = -2;
	expect_refused(&s, ERR_REJECTED);
	s.percent_complete = -1;

	/* an empty token would say "done" */
	s.continuation_token = "";
	expect_refused(&s, ERR_REJECTED);
	s.continuation_token = fake_repeat(f->arena, "x", LIMIT_TOKEN + 1);
	expect_refused(&s, ERR_LIMIT);
	s.continuation_token = "t";
	s.variables = twice;
	s.n_variables = 1;
	expect_refused(&s, ERR_REJECTED);
	s.continuation_token = NULL;
	s.n_variables = 2;
	expect_refused(&s, ERR_REJECTED);
	s.n_variables = 1;
	s.variables = &bad_name;
	expect_refused(&s, ERR_REJECTED);
	s.variables = &no_name;
	expect_refused(&s, ERR_REJECTED);
	s.variables = &large;
	expect_refused(&s, ERR_LIMIT);
	s.n_variables = 0;

	s.external_execution_id = fake_repeat(f->arena, "x", 1501);
	expect_refused(&s, ERR_LIMIT);
	s.external_execution_id = NULL;
	s.current_revision.revision = "r";
	expect_refused(&s, ERR_REJECTED);
	s.current_revision.change_identifier = fake_repeat(f->arena, "x", 101);
	expect_refused(&s, ERR_LIMIT);
	s.current_revision.change_identifier = "c";
	s.current_revision.revision = fake_repeat(f->arena, "x", 1501);
	expect_refused(&s, ERR_LIMIT);
}

static void test_token_at_its_limit(void **state)
{
	struct fake *f = *state;
	struct cp_success s = {.job_id = JOB, .percent_complete = -1};

	s.continuation_token = fake_repeat(f->arena, "x", LIMIT_TOKEN);
	expect_success_body(&s, arena_printf(f->arena,
					     "{\"jobId\":\"" JOB "\",\"continuationToken\":\"%s\"}",
					     s.continuation_token));
}

/* Two-byte and four-byte characters count as what they are, and are never cut in half. */
static void test_summary_is_cut_between_characters(void **state)
{
	struct fake *f = *state;
	struct cp_success s = {.job_id = JOB, .percent_complete = -1};
	const char *head = "{\"jobId\":\"" JOB "\",\"executionDetails\":{\"summary\":\"";

	s.summary = fake_repeat(f->arena, "\xc3\xa4", LIMIT_SUMMARY + 5);
	expect_success_body(&s, arena_printf(f->arena, "%s%s\"}}", head,
					     fake_repeat(f->arena, "\xc3\xa4", LIMIT_SUMMARY)));
	/* outside the basic plane: two UTF-16 units each */
	s.summary = arena_printf(f->arena, "x%s",
				 fake_repeat(f->arena, "\xf0\x9f\x9a\x80", LIMIT_SUMMARY));
	expect_success_body(
		&s, arena_printf(f->arena, "%sx%s\"}}", head,
				 fake_repeat(f->arena, "\xf0\x9f\x9a\x80", LIMIT_SUMMARY / 2 - 1)));
	/* not UTF-8: replaced, and still within the limit */
	s.summary = fake_repeat(f->arena, "\xff", LIMIT_SUMMARY + 5);
	expect_success_body(&s, arena_printf(f->arena, "%s%s\"}}", head,
					     fake_repeat(f->arena, "?", LIMIT_SUMMARY)));
}

static void expect_failure_body(const struct cp_failure *x, const char *want)
{
	struct err err = ERR_INIT;
	struct buf b;

	buf_init(&b, CP_REPORT_BODY_MAX);
	if (codepipeline_failure_body(&b, x, &err))
		fail_msg("%s", err.text);
	assert_string_equal(b.p, want);
	buf_release(&b);
}

/* What a service or an artifact says cannot look like words of ours on the console. */
static void test_texts_show_as_themselves(void **state)
{
	struct cp_success s = {.job_id = JOB,
			       .percent_complete = -1,
			       .summary = "5%\x1b[2K\r100%\xe2\x80\xae \xe2\x82\xac"};
	struct cp_failure x = {.job_id = JOB, .message = "a.yaml:1: \xc2\x9b bad\nb\x7f"};

	(void)state;
	expect_success_body(&s, "{\"jobId\":\"" JOB "\",\"executionDetails\":{\"summary\":"
				"\"5%?[2K?100%? \xe2\x82\xac\"}}");
	expect_failure_body(&x, "{\"jobId\":\"" JOB "\",\"failureDetails\":{\"type\":\"JobFailed\","
				"\"message\":\"a.yaml:1: ? bad\\nb?\"}}");
}

static void test_failure_bodies(void **state)
{
	static const char *const types[] = {
		[CP_FAILURE_JOB_FAILED] = "JobFailed",
		[CP_FAILURE_CONFIGURATION_ERROR] = "ConfigurationError",
		[CP_FAILURE_PERMISSION_ERROR] = "PermissionError",
		[CP_FAILURE_REVISION_OUT_OF_SYNC] = "RevisionOutOfSync",
		[CP_FAILURE_REVISION_UNAVAILABLE] = "RevisionUnavailable",
		[CP_FAILURE_SYSTEM_UNAVAILABLE] = "SystemUnavailable",
	};
	struct fake *f = *state;
	struct cp_failure x = {
		.job_id = JOB, .message = "rolled back", .external_execution_id = "d"};
	struct err err = ERR_INIT;
	struct buf b;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		x.type = (enum cp_failure_type)i;
		expect_failure_body(&x, arena_printf(f->arena,
						     "{\"jobId\":\"" JOB
						     "\",\"failureDetails\":{\"type\":\"%s\","
						     "\"message\":\"rolled back\","
						     "\"externalExecutionId\":\"d\"}}",
						     types[i]));
	}
	x = (struct cp_failure){.job_id = JOB};
	expect_failure_body(&x, "{\"jobId\":\"" JOB "\",\"failureDetails\":{\"type\":\"JobFailed\","
				"\"message\":\"no reason given\"}}");
	x.message = fake_repeat(f->arena, "y", LIMIT_FAILURE_MESSAGE + 1);
	expect_failure_body(&x, arena_printf(f->arena,
					     "{\"jobId\":\"" JOB
					     "\",\"failureDetails\":{\"type\":\"JobFailed\","
					     "\"message\":\"%s\"}}",
					     fake_repeat(f->arena, "y", LIMIT_FAILURE_MESSAGE)));

	buf_init(&b, CP_REPORT_BODY_MAX);
	x.external_execution_id = fake_repeat(f->arena, "x", 1501);
	assert_int_equal(codepipeline_failure_body(&b, &x, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	x = (struct cp_failure){.message = "m"};
	assert_int_equal(codepipeline_failure_body(&b, &x, &err), -1);
	assert_int_equal(err.code, ERR_REJECTED);
	assert_int_equal(b.n, 0);
	buf_release(&b);

	buf_init(&b, 20);
	x = (struct cp_failure){.job_id = JOB};
	assert_int_equal(codepipeline_failure_body(&b, &x, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	buf_release(&b);
}

static void test_put(void **state)
{
	struct fake *f = *state;
	struct cp_variable v = {"A", "b"};
	struct cp_success s = {.job_id = JOB,
			       .summary = "s",
			       .external_execution_id = "e",
			       .percent_complete = 100,
			       .current_revision = {.revision = "r", .change_identifier = "c"},
			       .variables = &v,
			       .n_variables = 1};
	struct cp_failure x = {.job_id = JOB, .message = "m", .external_execution_id = "e"};
	struct err err = ERR_INIT;

	/* an empty body is what the service answers; anything else is not looked at */
	fake_answer(f, 200, NULL, "");
	fake_answer(f, 200, NULL, "{}");
	fake_answer(f, 200, NULL, "not JSON");
	assert_int_equal(codepipeline_put_success(&f->client, &s, f->arena, &err), 0);
	assert_int_equal(codepipeline_put_failure(&f->client, &x, f->arena, &err), 0);
	assert_int_equal(codepipeline_put_raw(&f->client, CP_PUT_FAILURE, STR("{\"jobId\":\"x\"}"),
					      f->arena, &err),
			 0);
	api_check(f, 0, "codepipeline", "PutJobSuccessResult");
	api_check(f, 1, "codepipeline", "PutJobFailureResult");
	expect_body(f, 2, "{\"jobId\":\"x\"}");
	assert_true(str_is(fake_header(f, 2, "x-amz-target"),
			   "CodePipeline_20150709.PutJobFailureResult"));
	assert_true(fake_done(f));

	assert_int_equal(codepipeline_put_raw(&f->client, "StopPipelineExecution", STR("{}"),
					      f->arena, &err),
			 -1);
	assert_int_equal(err.code, ERR_REJECTED);
	s.percent_complete = 200;
	assert_int_equal(codepipeline_put_success(&f->client, &s, f->arena, &err), -1);
	x.job_id = NULL;
	assert_int_equal(codepipeline_put_failure(&f->client, &x, f->arena, &err), -1);
	assert_true(fake_done(f));
}

/* A lost answer is followed by the same bytes; the second answer is then told as it is. */
static void test_put_after_a_lost_answer(void **state)
{
	struct fake *f = *state;
	struct err err = ERR_INIT;

	fake_fail(f, ERR_TIMEOUT, true);
	fake_answer(f, 400, NULL, "{\"__type\":\"InvalidJobStateException\"}");
	assert_int_equal(codepipeline_put_raw(&f->client, CP_PUT_SUCCESS, STR("{\"jobId\":\"x\"}"),
					      f->arena, &err),
			 -1);
	assert_int_equal(err.code, ERR_CONFLICT);
	assert_true(err.sent);
	assert_string_equal(err.aws, "InvalidJobStateException");
	expect_body(f, 1, "{\"jobId\":\"x\"}");
	assert_true(fake_done(f));

	fake_again(f);
	fake_answer(f, 400, NULL, "{\"__type\":\"JobNotFoundException\"}");
	assert_int_equal(codepipeline_put_raw(&f->client, CP_PUT_SUCCESS, STR("{\"jobId\":\"x\"}"),
					      f->arena, &err),
			 -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_false(err.sent);

	fake_again(f);
	fake_answer(f, 400, NULL, "{\"__type\":\"OutputVariablesSizeExceededException\"}");
	assert_int_equal(codepipeline_put_raw(&f->client, CP_PUT_SUCCESS, STR("{\"jobId\":\"x\"}"),
					      f->arena, &err),
			 -1);
	assert_int_equal(err.code, ERR_REJECTED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_texts_show_as_themselves),
		TEST(test_success_bodies),
		TEST(test_success_refusals),
		TEST(test_token_at_its_limit),
		TEST(test_summary_is_cut_between_characters),
		TEST(test_failure_bodies),
		TEST(test_put),
		TEST(test_put_after_a_lost_answer),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
