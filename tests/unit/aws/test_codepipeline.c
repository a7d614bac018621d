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

/* What an action was given and gave out, as it is needed to go on with its rollout. */
static void test_list_reads_input_and_output(void **state)
{
	struct fake *f = *state;
	struct cp_action_query q = {.pipeline_name = "web"};
	const struct cp_action_execution *e;
	struct cp_action_list list;
	struct err err = ERR_INIT;

	fake_answer(f, 200, NULL,
		    "{\"actionExecutionDetails\":["
		    "{\"actionExecutionId\":\"a1\",\"input\":{\"actionTypeId\":{\"category\":"
		    "\"Deploy\","
		    "\"owner\":\"Custom\",\"provider\":\"Rollout\",\"version\":\"1\"},"
		    "\"configuration\":{\"Handle\":\"#{a.b}\"},"
		    "\"resolvedConfiguration\":{\"Handle\":\"h1\",\"Mode\":\"promote\",\"x\":null,"
		    "\"__type\":\"m\"}},"
		    "\"output\":{\"outputVariables\":{\"RolloutState\":\"{}\",\"n\":1}}},"
		    "{\"actionExecutionId\":\"a2\",\"input\":{\"resolvedConfiguration\":null,"
		    "\"configuration\":{\"Target\":\"t\"}},\"output\":{\"outputVariables\":[]}}]}");
	assert_int_equal(codepipeline_list_action_executions(&f->client, &q, f->arena, &list, &err),
			 0);
	assert_int_equal(list.n, 2);
	e = &list.actions[0];
	assert_string_equal(e->type.category, "Deploy");
	assert_string_equal(e->type.owner, "Custom");
	assert_string_equal(e->type.provider, "Rollout");
	assert_string_equal(e->type.version, "1");
	assert_int_equal(e->n_configuration, 2);
	assert_string_equal(e->configuration[0].name, "Handle");
	assert_string_equal(e->configuration[0].value, "h1");
	assert_string_equal(e->configuration[1].value, "promote");
	assert_int_equal(e->n_variables, 1);
	assert_string_equal(cp_action_variable(e, "RolloutState"), "{}");
	assert_null(cp_action_variable(e, "n"));
	e = &list.actions[1];
	assert_null(e->type.provider);
	assert_int_equal(e->n_configuration, 1);
	assert_string_equal(e->configuration[0].value, "t");
	assert_int_equal(e->n_variables, 0);
	assert_null(cp_action_variable(e, "RolloutState"));
}

/* --- GetPipelineExecution -------------------------------------------------------------------- */

static void test_pipeline_execution(void **state)
{
	static const char *const words[] = {"InProgress", "Stopping", "Stopped",   "Succeeded",
					    "Superseded", "Failed",   "Cancelled", "Melted"};
	struct fake *f = *state;
	enum cp_execution_status status = CP_EXECUTION_UNKNOWN;
	struct err err = ERR_INIT;

	for (int i = 0; i < 8; i++) {
		fake_again(f);
		fake_answer(f, 200, NULL,
			    arena_printf(f->arena,
					 "{\"pipelineExecution\":{\"pipelineName\":\"web\","
					 "\"pipelineExecutionId\":\"7c1d\",\"status\":\"%s\"}}",
					 words[i]));
		assert_int_equal(
			codepipeline_execution(&f->client, "web", "7c1d", f->arena, &status, &err),
			0);
		assert_int_equal(status, i);
		assert_string_equal(cp_execution_status_name(status), i < 7 ? words[i] : "unknown");
	}
	expect_body(f, 0, "{\"pipelineName\":\"web\",\"pipelineExecutionId\":\"7c1d\"}");
	api_check(f, 0, "codepipeline", "GetPipelineExecution");

	/* the answer has to be about what was asked */
	fake_again(f);
	fake_answer(f, 200, NULL,
		    "{\"pipelineExecution\":{\"pipelineExecutionId\":\"other\",\"status\":"
		    "\"Failed\"}}");
	status = CP_EXECUTION_IN_PROGRESS;
	assert_int_equal(codepipeline_execution(&f->client, "web", "7c1d", f->arena, &status, &err),
			 -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	assert_int_equal(status, CP_EXECUTION_IN_PROGRESS);
	fake_again(f);
	fake_answer(f, 200, NULL, "{}");
	assert_int_equal(codepipeline_execution(&f->client, "web", "7c1d", f->arena, &status, &err),
			 -1);
	assert_int_equal(err.code, ERR_MALFORMED);

	fake_again(f);
	fake_answer(f, 400, NULL, "{\"__type\":\"PipelineNotFoundException\"}");
	assert_int_equal(codepipeline_execution(&f->client, "web", "7c1d", f->arena, &status, &err),
			 -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
}

/* A request that cannot be built is not sent. */
static void test_oversized_requests(void **state)
{
	struct fake *f = *state;
	struct cp_action_query q = {.pipeline_name = "web"};
	enum cp_execution_status status;
	struct cp_action_list list;
	struct err err = ERR_INIT;

	q.next_token = fake_repeat(f->arena, "x", 20000);
	assert_int_equal(codepipeline_list_action_executions(&f->client, &q, f->arena, &list, &err),
			 -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_int_equal(
		codepipeline_execution(&f->client, q.next_token, "7c1d", f->arena, &status, &err),
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
		TEST(test_list_action_executions),
		TEST(test_list_reads_input_and_output),
		TEST(test_pipeline_execution),
		TEST(test_oversized_requests),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
