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

/* --- PollForJobs ----------------------------------------------------------------------------- */

static const char full_job[] =
	"{\"jobs\":[{\"id\":\"" JOB "\",\"nonce\":\"3\",\"accountId\":\"111122223333\",\"data\":{"
	"\"actionTypeId\":{\"__type\":\"ActionTypeId\",\"category\":\"Deploy\",\"owner\":"
	"\"Custom\","
	"\"provider\":\"Rollout\",\"version\":\"1\"},"
	"\"actionConfiguration\":{\"__type\":\"ActionConfiguration\",\"configuration\":{"
	"\"Target\":\"lambda:checkout:live\",\"Secret\":\"s3cr3t\",\"Empty\":\"\",\"Gone\":null}},"
	"\"pipelineContext\":{\"pipelineName\":\"web\",\"stage\":{\"name\":\"Prod\"},\"action\":{"
	"\"name\":\"Canary\",\"actionExecutionId\":\"0f9d8a44\"},\"pipelineArn\":\"arn:aws:x\","
	"\"pipelineExecutionId\":\"7c1d2e3f\"},"
	"\"inputArtifacts\":[{\"name\":\"Build\",\"revision\":null,\"location\":{\"type\":\"S3\","
	"\"s3Location\":{\"bucketName\":\"bucket\",\"objectKey\":\"web/Build/x.zip\"}}}],"
	"\"outputArtifacts\":[{\"name\":\"Report\",\"revision\":\"r1\",\"location\":null}],"
	"\"artifactCredentials\":{\"accessKeyId\":\"ASIA\",\"secretAccessKey\":\"k\","
	"\"sessionToken\":\"t\",\"expirationTime\":1767323945000},"
	"\"continuationToken\":null,"
	"\"encryptionKey\":{\"id\":\"arn:aws:kms:key\",\"type\":\"KMS\"},\"news\":{\"a\":[1]}}}]}";

static struct cp_job_list poll(struct fake *f, const char *answer)
{
	struct cp_poll q = {.type = ROLLOUT, .n_max = 4};
	struct cp_job_list list;
	struct err err = ERR_INIT;

	fake_answer(f, 200, "x-amzn-RequestId: r1\n", answer);
	if (codepipeline_poll(&f->client, &q, f->arena, &list, &err))
		fail_msg("%s", err.text);
	return list;
}

static void test_poll_reads_everything(void **state)
{
	struct fake *f = *state;
	struct cp_job_list list = poll(f, full_job);
	const struct cp_job *job = &list.jobs[0];

	expect_body(f, 0,
		    "{\"actionTypeId\":{\"category\":\"Deploy\",\"owner\":\"Custom\","
		    "\"provider\":\"Rollout\",\"version\":\"1\"},\"maxBatchSize\":4}");
	api_check(f, 0, "codepipeline", "PollForJobs");
	assert_true(str_is(fake_header(f, 0, "x-amz-target"), "CodePipeline_20150709.PollForJobs"));
	assert_true(str_is(fake_header(f, 0, "content-type"), "application/x-amz-json-1.1"));
	assert_string_equal(fake_sent(f, 0)->url,
			    "https://codepipeline.eu-central-1.amazonaws.com/");

	assert_int_equal(list.n, 1);
	assert_int_equal(list.n_skipped, 0);
	assert_null(job->problem);
	assert_string_equal(job->id, JOB);
	assert_string_equal(job->nonce, "3");
	assert_string_equal(job->account_id, "111122223333");
	assert_string_equal(job->action_type.provider, "Rollout");
	assert_string_equal(job->action_type.version, "1");
	assert_int_equal(job->n_configuration, 3);
	assert_string_equal(cp_job_property(job, "Secret"), "s3cr3t");
	assert_string_equal(cp_job_property(job, "Empty"), "");
	assert_null(cp_job_property(job, "Gone"));
	assert_null(cp_job_property(job, "__type"));
	assert_string_equal(job->pipeline_name, "web");
	assert_string_equal(job->stage_name, "Prod");
	assert_string_equal(job->action_name, "Canary");
	assert_string_equal(job->action_execution_id, "0f9d8a44");
	assert_string_equal(job->pipeline_execution_id, "7c1d2e3f");
	assert_string_equal(job->pipeline_arn, "arn:aws:x");
	assert_int_equal(job->n_inputs, 1);
	assert_string_equal(job->inputs[0].name, "Build");
	assert_null(job->inputs[0].revision);
	assert_string_equal(job->inputs[0].bucket, "bucket");
	assert_string_equal(job->inputs[0].key, "web/Build/x.zip");
	assert_int_equal(job->n_outputs, 1);
	assert_string_equal(job->outputs[0].revision, "r1");
	assert_null(job->outputs[0].bucket);
	assert_true(job->has_credentials);
	assert_string_equal(job->credentials.access_key_id, "ASIA");
	assert_string_equal(job->credentials.secret_access_key, "k");
	assert_string_equal(job->credentials.session_token, "t");
	assert_true(job->credentials.has_expiry);
	assert_int_equal(job->credentials.expires.ms, 1767323945000);
	assert_null(job->continuation_token);
	assert_string_equal(job->encryption_key_id, "arn:aws:kms:key");
}

static void test_poll_with_query(void **state)
{
	struct fake *f = *state;
	struct cp_poll q = {
		.type = ROLLOUT, .n_max = 1, .query_name = "Pool", .query_value = "blue"};
	struct cp_job_list list;
	struct err err = ERR_INIT;

	fake_answer(f, 200, NULL, "{}");
	assert_int_equal(codepipeline_poll(&f->client, &q, f->arena, &list, &err), 0);
	expect_body(f, 0,
		    "{\"actionTypeId\":{\"category\":\"Deploy\",\"owner\":\"Custom\","
		    "\"provider\":\"Rollout\",\"version\":\"1\"},\"maxBatchSize\":1,"
		    "\"queryParam\":{\"Pool\":\"blue\"}}");
	api_check(f, 0, "codepipeline", "PollForJobs");
	assert_int_equal(list.n, 0);
}

static void test_no_jobs_in_every_spelling(void **state)
{
	struct fake *f = *state;

	assert_int_equal(poll(f, "{}").n, 0);
	assert_int_equal(poll(f, "{\"jobs\":null}").n, 0);
	assert_int_equal(poll(f, "{\"jobs\":[]}").n, 0);
	assert_int_equal(poll(f, "").n, 0);
}

static void test_more_jobs_than_asked(void **state)
{
	struct fake *f = *state;
	struct cp_job_list list =
		poll(f, "{\"jobs\":[{\"id\":\"a\",\"nonce\":\"1\",\"data\":{}},"
			"{\"id\":\"b\",\"nonce\":\"1\",\"data\":{}},{\"id\":\"c\",\"nonce\":\"1\","
			"\"data\":{}},{\"id\":\"d\",\"nonce\":\"1\",\"data\":{}},"
			"{\"nonce\":\"1\",\"data\":{}},{\"id\":\"e\",\"data\":{}},null,"
			"{\"id\":\"f\",\"nonce\":\"1\",\"data\":{}}]}");

	assert_int_equal(list.n, 5);
	assert_int_equal(list.n_skipped, 3);
	assert_string_equal(list.jobs[4].id, "f");
	assert_null(list.jobs[4].problem);
	assert_null(list.jobs[4].pipeline_name);
	assert_false(list.jobs[4].has_credentials);
}

/* One bad job does not spoil the others. */
static void test_unusable_jobs_carry_a_problem(void **state)
{
	static const char *const bad[] = {
		"null",
		"[]",
		"{\"actionConfiguration\":{\"configuration\":[]}}",
		"{\"actionConfiguration\":{\"configuration\":{\"A\":1}}}",
		"{\"inputArtifacts\":{}}",
		"{\"inputArtifacts\":[1,2,3,4,5,6]}",
		"{\"inputArtifacts\":[{}]}",
		"{\"inputArtifacts\":[\"x\"]}",
		"{\"inputArtifacts\":[{\"name\":\"a\",\"location\":{\"type\":\"FTP\"}}]}",
		("{\"outputArtifacts\":[{\"name\":\"a\",\"location\":{\"s3Location\":{"
		 "\"bucketName\":\"b\"}}}]}"),
		"{\"artifactCredentials\":{}}",
		"{\"artifactCredentials\":{\"accessKeyId\":\"a\"}}",
	};
	struct fake *f = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct cp_job_list list = poll(
			f, arena_printf(f->arena,
					"{\"jobs\":[{\"id\":\"a\",\"nonce\":\"1\",\"data\":%s},"
					"{\"id\":\"b\",\"nonce\":\"1\",\"data\":{}}]}",
					bad[i]));

		assert_int_equal(list.n, 2);
		if (!list.jobs[0].problem)
			fail_msg("no problem with %s", bad[i]);
		assert_false(list.jobs[0].has_credentials);
		assert_null(list.jobs[1].problem);
	}
}

static void test_poll_refuses_a_wrong_document(void **state)
{
	struct cp_poll q = {.type = ROLLOUT, .n_max = 1};
	struct fake *f = *state;
	struct cp_job_list list;
	struct err err = ERR_INIT;

	fake_answer(f, 200, NULL, "{\"jobs\":\"many\"}");
	assert_int_equal(codepipeline_poll(&f->client, &q, f->arena, &list, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);

	fake_again(f);
	for (int i = 0; i < 3; i++)
		fake_answer(f, 200, NULL, "<html>");
	assert_int_equal(codepipeline_poll(&f->client, &q, f->arena, &list, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	assert_true(fake_done(f));
}

static void test_poll_errors(void **state)
{
	static const struct {
		int status;
		const char *body;
		enum err_code code;
		size_t attempts;
	} cases[] = {
		{400, "{\"__type\":\"ActionTypeNotFoundException\",\"message\":\"gone\"}",
		 ERR_NOT_FOUND, 1},
		{400, "{\"__type\":\"AccessDeniedException\"}", ERR_DENIED, 1},
		{400, "{\"__type\":\"com.amazonaws.codepipeline#ValidationException:\"}",
		 ERR_REJECTED, 1},
		{400, "{\"__type\":\"ThrottlingException\",\"message\":\"Rate exceeded\"}",
		 ERR_THROTTLED, 3},
		{500, "{\"__type\":\"InternalFailure\"}", ERR_UNAVAILABLE, 3},
		{503, "<html>busy</html>", ERR_UNAVAILABLE, 3},
		{400, "{\"__type\":\"LimitExceededException\"}", ERR_REJECTED, 1},
	};
	struct cp_poll q = {.type = ROLLOUT, .n_max = 1};
	struct fake *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cp_job_list list;
		struct err err = ERR_INIT;

		fake_again(f);
		for (size_t k = 0; k < cases[i].attempts; k++)
			fake_answer(f, cases[i].status, "x-amzn-RequestId: r9\n", cases[i].body);
		assert_int_equal(codepipeline_poll(&f->client, &q, f->arena, &list, &err), -1);
		assert_int_equal(err.code, cases[i].code);
		assert_string_equal(err.request_id, "r9");
		assert_true(fake_done(f));
	}
}

/* --- AcknowledgeJob, GetJobDetails ----------------------------------------------------------- */

static void test_acknowledge(void **state)
{
	static const struct {
		const char *body;
		enum cp_job_status status;
	} cases[] = {
		{"{\"status\":\"InProgress\"}", CP_JOB_IN_PROGRESS},
		{"{\"status\":\"Created\"}", CP_JOB_CREATED},
		{"{\"status\":\"Queued\"}", CP_JOB_QUEUED},
		{"{\"status\":\"Dispatched\"}", CP_JOB_DISPATCHED},
		{"{\"status\":\"TimedOut\"}", CP_JOB_TIMED_OUT},
		{"{\"status\":\"Succeeded\"}", CP_JOB_SUCCEEDED},
		{"{\"status\":\"Failed\"}", CP_JOB_FAILED},
		{"{\"status\":\"inprogress\"}", CP_JOB_UNKNOWN},
		{"{\"status\":null}", CP_JOB_UNKNOWN},
		{"{}", CP_JOB_UNKNOWN},
		{"", CP_JOB_UNKNOWN},
	};
	struct fake *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum cp_job_status status = CP_JOB_FAILED;
		struct err err = ERR_INIT;

		fake_again(f);
		fake_answer(f, 200, NULL, cases[i].body);
		assert_int_equal(
			codepipeline_acknowledge(&f->client, JOB, "3", f->arena, &status, &err), 0);
		assert_int_equal(status, cases[i].status);
		expect_body(f, 0, "{\"jobId\":\"" JOB "\",\"nonce\":\"3\"}");
		api_check(f, 0, "codepipeline", "AcknowledgeJob");
	}
	assert_string_equal(cp_job_status_name(CP_JOB_TIMED_OUT), "TimedOut");
	assert_string_equal(cp_job_status_name(CP_JOB_UNKNOWN), "unknown");
}

static void test_acknowledge_lost_answer_is_not_resent(void **state)
{
	struct fake *f = *state;
	enum cp_job_status status;
	struct err err = ERR_INIT;

	fake_fail(f, ERR_TIMEOUT, true);
	assert_int_equal(codepipeline_acknowledge(&f->client, JOB, "3", f->arena, &status, &err),
			 -1);
	assert_int_equal(err.code, ERR_TIMEOUT);
	assert_true(err.sent);
	assert_true(fake_done(f));

	/* never sent: may be tried again, and is */
	fake_again(f);
	fake_fail(f, ERR_NETWORK, false);
	fake_answer(f, 400, NULL, "{\"__type\":\"InvalidNonceException\"}");
	err = ERR_INIT;
	assert_int_equal(codepipeline_acknowledge(&f->client, JOB, "3", f->arena, &status, &err),
			 -1);
	assert_int_equal(err.code, ERR_CONFLICT);
	assert_false(err.sent);
	assert_true(fake_done(f));
}

static void test_job_details(void **state)
{
	struct fake *f = *state;
	struct cp_job job;
	struct err err = ERR_INIT;

	fake_answer(f, 200, NULL,
		    "{\"jobDetails\":{\"id\":\"" JOB "\",\"accountId\":\"111122223333\","
		    "\"data\":{\"continuationToken\":\"tok\",\"artifactCredentials\":{"
		    "\"accessKeyId\":\"a\",\"secretAccessKey\":\"b\"}}}}");
	assert_int_equal(codepipeline_job_details(&f->client, JOB, f->arena, &job, &err), 0);
	expect_body(f, 0, "{\"jobId\":\"" JOB "\"}");
	api_check(f, 0, "codepipeline", "GetJobDetails");
	assert_null(job.nonce);
	assert_string_equal(job.continuation_token, "tok");
	assert_string_equal(job.credentials.session_token, "");
	assert_false(job.credentials.has_expiry);

	fake_again(f);
	fake_answer(f, 200, NULL, "{\"jobDetails\":{\"id\":\"other\",\"data\":{}}}");
	assert_int_equal(codepipeline_job_details(&f->client, JOB, f->arena, &job, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);

	fake_again(f);
	fake_answer(f, 200, NULL, "{}");
	assert_int_equal(codepipeline_job_details(&f->client, JOB, f->arena, &job, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);

	fake_again(f);
	fake_answer(f, 400, NULL, "{\"__type\":\"JobNotFoundException\"}");
	assert_int_equal(codepipeline_job_details(&f->client, JOB, f->arena, &job, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_string_equal(err.aws, "JobNotFoundException");
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

static char *repeat(struct arena *a, const char *what, size_t times)
{
	size_t n = strlen(what);
	char *s = arena_alloc(a, n * times + 1);

	for (size_t i = 0; i < times; i++)
		memcpy(s + i * n, what, n);
	return s;
}

static void test_success_refusals(void **state)
{
	struct fake *f = *state;
	struct cp_variable bad_name = {"a b", "x"}, no_name = {"", "x"},
			   large = {"big", repeat(f->arena, "x", CP_VARIABLES_MAX - 2)};
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
	s.continuation_token = repeat(f->arena, "x", LIMIT_TOKEN + 1);
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

	s.external_execution_id = repeat(f->arena, "x", 1501);
	expect_refused(&s, ERR_LIMIT);
	s.external_execution_id = NULL;
	s.current_revision.revision = "r";
	expect_refused(&s, ERR_REJECTED);
	s.current_revision.change_identifier = repeat(f->arena, "x", 101);
	expect_refused(&s, ERR_LIMIT);
	s.current_revision.change_identifier = "c";
	s.current_revision.revision = repeat(f->arena, "x", 1501);
	expect_refused(&s, ERR_LIMIT);
}

static void test_token_at_its_limit(void **state)
{
	struct fake *f = *state;
	struct cp_success s = {.job_id = JOB, .percent_complete = -1};

	s.continuation_token = repeat(f->arena, "x", LIMIT_TOKEN);
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

	s.summary = repeat(f->arena, "\xc3\xa4", LIMIT_SUMMARY + 5);
	expect_success_body(&s, arena_printf(f->arena, "%s%s\"}}", head,
					     repeat(f->arena, "\xc3\xa4", LIMIT_SUMMARY)));
	/* outside the basic plane: two UTF-16 units each */
	s.summary =
		arena_printf(f->arena, "x%s", repeat(f->arena, "\xf0\x9f\x9a\x80", LIMIT_SUMMARY));
	expect_success_body(
		&s, arena_printf(f->arena, "%sx%s\"}}", head,
				 repeat(f->arena, "\xf0\x9f\x9a\x80", LIMIT_SUMMARY / 2 - 1)));
	/* not UTF-8: replaced, and still within the limit */
	s.summary = repeat(f->arena, "\xff", LIMIT_SUMMARY + 5);
	expect_success_body(&s, arena_printf(f->arena, "%s%s\"}}", head,
					     repeat(f->arena, "\xef\xbf\xbd", LIMIT_SUMMARY)));
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
	x.message = repeat(f->arena, "y", LIMIT_FAILURE_MESSAGE + 1);
	expect_failure_body(&x, arena_printf(f->arena,
					     "{\"jobId\":\"" JOB
					     "\",\"failureDetails\":{\"type\":\"JobFailed\","
					     "\"message\":\"%s\"}}",
					     repeat(f->arena, "y", LIMIT_FAILURE_MESSAGE)));

	buf_init(&b, CP_REPORT_BODY_MAX);
	x.external_execution_id = repeat(f->arena, "x", 1501);
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

/* --- ListActionExecutions -------------------------------------------------------------------- */

static void test_list_action_executions(void **state)
{
	struct fake *f = *state;
	struct cp_action_query q = {.pipeline_name = "web", .pipeline_execution_id = "7c1d"};
	struct cp_action_list list;
	struct err err = ERR_INIT;

	fake_answer(f, 200, NULL,
		    "{\"actionExecutionDetails\":["
		    "{\"actionExecutionId\":\"a1\",\"pipelineExecutionId\":\"7c1d\","
		    "\"stageName\":\"Prod\",\"actionName\":\"Canary\",\"status\":\"InProgress\","
		    "\"output\":{\"executionResult\":{\"externalExecutionId\":\"d-1\","
		    "\"externalExecutionSummary\":\"step 2\"}}},"
		    "{\"actionExecutionId\":\"a2\",\"status\":\"Abandoned\"},"
		    "{\"actionExecutionId\":\"a3\",\"status\":\"Succeeded\"},"
		    "{\"actionExecutionId\":\"a4\",\"status\":\"Failed\"},"
		    "{\"actionExecutionId\":\"a5\",\"status\":\"Melted\"},null],"
		    "\"nextToken\":\"more\"}");
	assert_int_equal(codepipeline_list_action_executions(&f->client, &q, f->arena, &list, &err),
			 0);
	expect_body(f, 0,
		    "{\"pipelineName\":\"web\",\"filter\":{\"pipelineExecutionId\":\"7c1d\"},"
		    "\"maxResults\":100}");
	api_check(f, 0, "codepipeline", "ListActionExecutions");
	assert_int_equal(list.n, 6);
	assert_string_equal(list.next_token, "more");
	assert_string_equal(list.actions[0].action_execution_id, "a1");
	assert_string_equal(list.actions[0].stage_name, "Prod");
	assert_string_equal(list.actions[0].action_name, "Canary");
	assert_string_equal(list.actions[0].external_execution_id, "d-1");
	assert_string_equal(list.actions[0].summary, "step 2");
	for (int i = 0; i < 5; i++)
		assert_int_equal(list.actions[i].status, CP_ACTION_IN_PROGRESS + i);
	assert_null(list.actions[5].action_execution_id);
	assert_int_equal(list.actions[5].status, CP_ACTION_UNKNOWN);
	assert_string_equal(cp_action_status_name(CP_ACTION_ABANDONED), "Abandoned");

	fake_again(f);
	fake_answer(f, 200, NULL, "{}");
	q = (struct cp_action_query){
		.pipeline_name = "web", .next_token = "more", .max_results = 7};
	assert_int_equal(codepipeline_list_action_executions(&f->client, &q, f->arena, &list, &err),
			 0);
	expect_body(f, 0, "{\"pipelineName\":\"web\",\"maxResults\":7,\"nextToken\":\"more\"}");
	api_check(f, 0, "codepipeline", "ListActionExecutions");
	assert_int_equal(list.n, 0);
	assert_null(list.next_token);

	fake_again(f);
	fake_answer(f, 200, NULL, "{\"actionExecutionDetails\":{}}");
	assert_int_equal(codepipeline_list_action_executions(&f->client, &q, f->arena, &list, &err),
			 -1);
	assert_int_equal(err.code, ERR_MALFORMED);

	fake_again(f);
	fake_answer(f, 400, NULL, "{\"__type\":\"PipelineExecutionNotFoundException\"}");
	assert_int_equal(codepipeline_list_action_executions(&f->client, &q, f->arena, &list, &err),
			 -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
}

/* A request that cannot be built is not sent. */
static void test_oversized_requests(void **state)
{
	struct fake *f = *state;
	struct cp_action_query q = {.pipeline_name = "web"};
	struct cp_action_list list;
	struct err err = ERR_INIT;

	q.next_token = repeat(f->arena, "x", 20000);
	assert_int_equal(codepipeline_list_action_executions(&f->client, &q, f->arena, &list, &err),
			 -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_int_equal(f->n_requests, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_poll_reads_everything),
		TEST(test_poll_with_query),
		TEST(test_no_jobs_in_every_spelling),
		TEST(test_more_jobs_than_asked),
		TEST(test_unusable_jobs_carry_a_problem),
		TEST(test_poll_refuses_a_wrong_document),
		TEST(test_poll_errors),
		TEST(test_acknowledge),
		TEST(test_acknowledge_lost_answer_is_not_resent),
		TEST(test_job_details),
		TEST(test_success_bodies),
		TEST(test_success_refusals),
		TEST(test_token_at_its_limit),
		TEST(test_summary_is_cut_between_characters),
		TEST(test_failure_bodies),
		TEST(test_put),
		TEST(test_put_after_a_lost_answer),
		TEST(test_list_action_executions),
		TEST(test_oversized_requests),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
