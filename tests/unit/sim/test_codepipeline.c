#include "tests/unit/sim/cptest.h"

static void test_a_job_from_push_to_success(void **state)
{
	char e[RNG_UUID_SIZE];
	struct world *w = started(e);
	const struct json *job = poll(w), *in, *out;
	const struct sim_action *a;
	const char *id;

	(void)state;
	assert_non_null(job);
	id = text(job, "id");
	assert_string_equal(text(job, "accountId"), "111122223333");
	assert_string_equal(text(job, "data.actionTypeId.provider"), "Rollout");
	assert_string_equal(text(job, "data.actionConfiguration.configuration.Strategy"),
			    "canary 5% 10m");
	assert_string_equal(text(job, "data.pipelineContext.pipelineName"), "web");
	assert_string_equal(text(job, "data.pipelineContext.stage.name"), "Deploy");
	assert_string_equal(text(job, "data.pipelineContext.action.name"), "Canary");
	assert_string_equal(text(job, "data.pipelineContext.pipelineExecutionId"), e);
	assert_string_equal(text(job, "data.pipelineContext.pipelineArn"),
			    "arn:aws:codepipeline:eu-central-1:111122223333:web");
	in = json_at(job, "data.inputArtifacts")->first;
	out = json_at(job, "data.outputArtifacts")->first;
	assert_string_equal(text(in, "name"), "Source");
	assert_string_equal(text(out, "name"), "Report");
	assert_string_equal(text(in, "location.s3Location.bucketName"),
			    "codepipeline-eu-central-1-111122223333");
	assert_memory_equal(text(out, "location.s3Location.objectKey"), "web/Report/", 11);
	assert_null(json_at(job, "data.continuationToken"));
	assert_null(json_at(job, "data.encryptionKey"));
	a = sim_action_find(w->sim, "web", "Canary");
	assert_string_equal(a->action_execution_id,
			    text(job, "data.pipelineContext.action.actionExecutionId"));
	assert_string_equal(a->status, "InProgress");

	/* dispatched: nobody else gets it for now, and no report is taken yet */
	assert_null(poll(w));
	assert_int_equal(put(w, SUCCESS, id, ""), 400);
	assert_string_equal(code(w), "InvalidJobStateException");
	assert_int_equal(ack(w, id, text(job, "nonce")), 200);
	sim_advance(w->sim, 120000);
	assert_null(poll(w));
	assert_int_equal(put(w, SUCCESS, id,
			     "\"executionDetails\":{\"summary\":\"done\","
			     "\"externalExecutionId\":\"r-1\",\"percentComplete\":100},"
			     "\"currentRevision\":{\"revision\":\"v2\",\"changeIdentifier\":\"r\"},"
			     "\"outputVariables\":{\"Version\":\"2\"}"),
			 200);
	assert_int_equal(w->res.body.n, 0);
	assert_string_equal(a->status, "Succeeded");
	assert_string_equal(a->summary, "done");
	assert_string_equal(a->external_execution_id, "r-1");
	assert_int_equal(a->percent, 100);
	assert_int_equal(a->n_reports, 1);
	assert_int_equal(a->n_jobs, 1);
	assert_int_equal(a->reports[0].kind, SIM_REPORT_SUCCESS);
	assert_int_equal(a->reports[0].at.ms, 1767607200000 + 120000);
	assert_string_equal(a->reports[0].revision, "v2");
	assert_string_equal(a->output_variables_json, "{\"Version\":\"2\"}");
	assert_string_equal(sim_execution_status(w->sim, e), "Succeeded");
	assert_null(sim_execution_status(w->sim, "none"));
	assert_ptr_equal(sim_action_by_id(w->sim, a->action_execution_id), a);
	assert_null(sim_action_by_id(w->sim, "none"));
	assert_null(sim_action_find(w->sim, "web", "Other"));
	/* reported once, and that is that */
	assert_int_equal(put(w, SUCCESS, id, ""), 400);
	assert_string_equal(code(w), "InvalidJobStateException");
	world_free(w);
}

static void test_continuation_is_a_new_job(void **state)
{
	char e[RNG_UUID_SIZE];
	struct world *w = started(e);
	const char *first = take(w);
	const struct json *job;
	const struct sim_action *a;

	(void)state;
	ctl(w, "sim set continuation_delay_max=60s continuation_delay_min=20s");
	assert_int_equal(put(w, SUCCESS, first,
			     TOKEN ",\"executionDetails\":{\"summary\":\"5%\","
				   "\"percentComplete\":10}"),
			 200);
	sim_advance(w->sim, 19000);
	assert_null(poll(w));
	sim_advance(w->sim, 41000);
	job = poll(w);
	assert_non_null(job);
	assert_string_not_equal(text(job, "id"), first);
	assert_string_equal(text(job, "data.continuationToken"), "t1");
	a = sim_action_find(w->sim, "web", NULL);
	assert_string_equal(text(job, "data.pipelineContext.action.actionExecutionId"),
			    a->action_execution_id);
	assert_int_equal(a->n_tokens, 1);
	assert_int_equal(a->n_jobs, 2);
	assert_string_equal(a->status, "InProgress");
	assert_string_equal(a->reports[0].token, "t1");
	assert_int_equal(a->reports[0].kind, SIM_REPORT_CONTINUE);
	/* the finished job can be read for a while, then it is gone */
	assert_int_equal(put(w, "GetJobDetails", first, ""), 200);
	sim_advance(w->sim, 11 * 60000);
	assert_int_equal(put(w, "GetJobDetails", first, ""), 400);
	assert_string_equal(code(w), "JobNotFoundException");
	assert_int_equal(put(w, SUCCESS, first, ""), 400);
	assert_string_equal(code(w), "JobNotFoundException");
	world_free(w);
}

static void test_many_reports_are_kept(void **state)
{
	char e[RNG_UUID_SIZE];
	struct world *w = started(e);
	const struct sim_action *a;

	(void)state;
	for (int i = 0; i < 100; i++) {
		assert_int_equal(put(w, SUCCESS, take(w),
				     arena_printf(w->arena, "\"continuationToken\":\"t%d\"", i)),
				 200);
		sim_advance(w->sim, 1000);
	}
	a = sim_action_find(w->sim, "web", "Canary");
	assert_int_equal(a->n_reports, 100);
	assert_string_equal(a->reports[0].token, "t0");
	assert_string_equal(a->reports[99].token, "t99");
	world_free(w);
}

static void test_redelivery_and_nonces(void **state)
{
	char e[RNG_UUID_SIZE];
	struct world *w = started(e);
	const struct json *one = poll(w), *two;

	(void)state;
	sim_advance(w->sim, 29000);
	assert_null(poll(w));
	sim_advance(w->sim, 1000);
	two = poll(w);
	assert_string_equal(text(one, "id"), text(two, "id"));
	assert_string_equal(text(one, "nonce"), text(two, "nonce"));
	ctl(w, "sim set nonce_moves=true");
	sim_advance(w->sim, 30000);
	two = poll(w);
	assert_string_not_equal(text(one, "nonce"), text(two, "nonce"));
	assert_int_equal(ack(w, text(one, "id"), text(one, "nonce")), 400);
	assert_string_equal(code(w), "InvalidNonceException");
	assert_int_equal(ack(w, text(one, "id"), "x"), 400);
	assert_string_equal(code(w), "InvalidNonceException");
	assert_int_equal(ack(w, text(one, "id"), text(two, "nonce")), 200);
	/* somebody has it now */
	assert_int_equal(ack(w, text(one, "id"), text(two, "nonce")), 400);
	assert_string_equal(code(w), "InvalidNonceException");
	ctl(w, "sim set double_ack_ok=true");
	assert_int_equal(ack(w, text(one, "id"), text(two, "nonce")), 200);
	assert_string_equal(text(body_json(w), "status"), "InProgress");
	assert_int_equal(put(w, FAILURE, text(one, "id"), FAILED), 200);
	assert_int_equal(ack(w, text(one, "id"), text(two, "nonce")), 200);
	assert_string_equal(text(body_json(w), "status"), "Failed");
	world_free(w);
}

static void test_late_ack_after_redelivery_time(void **state)
{
	char e[RNG_UUID_SIZE];
	struct world *w = started(e);
	const struct json *job = poll(w);

	(void)state;
	sim_advance(w->sim, 45000); /* back in the queue, but nobody else has asked */
	assert_int_equal(ack(w, text(job, "id"), text(job, "nonce")), 200);
	assert_string_equal(text(body_json(w), "status"), "InProgress");
	world_free(w);
}

static void test_failure(void **state)
{
	char e[RNG_UUID_SIZE];
	struct world *w = started(e);
	const char *id = take(w);
	const struct sim_action *a = sim_action_find(w->sim, "web", "Canary");

	(void)state;
	assert_int_equal(put(w, FAILURE, id,
			     "\"failureDetails\":{\"type\":\"Bad\","
			     "\"message\":\"m\"}"),
			 400);
	assert_string_equal(code(w), "ValidationException");
	assert_int_equal(put(w, FAILURE, id, "\"failureDetails\":{\"type\":\"JobFailed\"}"), 400);
	assert_int_equal(
		put(w, FAILURE, id, "\"failureDetails\":{\"type\":\"JobFailed\",\"message\":\"\"}"),
		400);
	assert_string_equal(a->status, "InProgress");
	assert_int_equal(put(w, FAILURE, id,
			     "\"failureDetails\":{\"type\":\"PermissionError\","
			     "\"message\":\"no access\",\"externalExecutionId\":\"r-9\"}"),
			 200);
	assert_int_equal(w->res.body.n, 0);
	assert_string_equal(a->status, "Failed");
	assert_string_equal(a->failure_type, "PermissionError");
	assert_string_equal(a->message, "no access");
	assert_string_equal(a->external_execution_id, "r-9");
	assert_string_equal(sim_execution_status(w->sim, e), "Failed");
	assert_null(poll(w));
	world_free(w);
}

static void test_limits_of_reports(void **state)
{
	static const struct {
		const char *format, *code; /* %s becomes n letters */
		int n;
		int status;
	} cases[] = {
		{"\"continuationToken\":\"%s\"", "ValidationException", 2049, 400},
		{"\"continuationToken\":\"%s\"", "ValidationException", 0, 400},
		{"\"executionDetails\":{\"summary\":\"%s\"}", "ValidationException", 2049, 400},
		{"\"executionDetails\":{\"externalExecutionId\":\"%s\"}", "ValidationException",
		 1501, 400},
		{"\"executionDetails\":{\"percentComplete\":101},\"x\":\"%s\"",
		 "ValidationException", 1, 400},
		{"\"executionDetails\":{\"percentComplete\":\"1\"},\"x\":\"%s\"",
		 "ValidationException", 1, 400},
		{"\"currentRevision\":{\"revision\":\"%s\"}", "ValidationException", 1, 400},
		{"\"currentRevision\":{\"revision\":\"r\",\"changeIdentifier\":\"%s\"}",
		 "ValidationException", 101, 400},
		{"\"outputVariables\":{\"a b\":\"%s\"}", "ValidationException", 1, 400},
		{"\"outputVariables\":{\"A\":1},\"x\":\"%s\"", "ValidationException", 1, 400},
		{"\"outputVariables\":{\"A\":\"%s\"}", "OutputVariablesSizeExceededException",
		 122880, 400},
		{"\"outputVariables\":{\"A\":\"x\"},\"continuationToken\":\"%s\"",
		 "ValidationException", 1, 400},
		{"\"executionDetails\":{\"summary\":\"%s\"},\"outputVariables\":{\"A\":\"v\"}", "",
		 2048, 200},
	};
	char e[RNG_UUID_SIZE];
	struct world *w = started(e);
	const char *id = take(w);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *at = strstr(cases[i].format, "%s");
		struct buf b;

		buf_init(&b, 1u << 20);
		buf_add(&b, cases[i].format, (size_t)(at - cases[i].format));
		for (int n = 0; n < cases[i].n; n++)
			buf_addc(&b, 'x');
		buf_adds(&b, at + 2);
		assert_int_equal(put(w, SUCCESS, id, b.p), cases[i].status);
		if (cases[i].code[0])
			assert_string_equal(code(w), cases[i].code);
		buf_release(&b);
	}
	world_free(w);
}

static void test_characters_not_bytes_are_counted(void **state)
{
	char e[RNG_UUID_SIZE];
	struct world *w = started(e);
	const char *id = take(w);
	struct buf b;

	(void)state;
	buf_init(&b, 65536);
	buf_adds(&b, "\"continuationToken\":\"");
	for (int i = 0; i < 2048; i++)
		buf_adds(&b, "\xc3\xa4");
	buf_adds(&b, "\"");
	assert_int_equal(put(w, SUCCESS, id, b.p), 200);
	buf_release(&b);
	world_free(w);
}

static void test_polls_that_are_refused(void **state)
{
	char e[RNG_UUID_SIZE];
	struct world *w = started(e);

	(void)state;
	assert_int_equal(cp(w, "PollForJobs",
			    "{\"actionTypeId\":{\"category\":\"Build\",\"owner\":\"AWS\","
			    "\"provider\":\"CodeBuild\",\"version\":\"1\"}}"),
			 400);
	assert_string_equal(code(w), "ValidationException");
	assert_int_equal(cp(w, "PollForJobs",
			    "{\"actionTypeId\":{\"category\":\"Deploy\",\"owner\":\"Custom\","
			    "\"provider\":\"Rollout\",\"version\":\"2\"}}"),
			 400);
	assert_string_equal(code(w), "ActionTypeNotFoundException");
	assert_int_equal(cp(w, "PollForJobs", "{" TYPE ",\"maxBatchSize\":0}"), 400);
	assert_int_equal(cp(w, "PollForJobs", "{" TYPE ",\"queryParam\":{\"Pool\":\"a\"}}"), 400);
	assert_string_equal(code(w), "ValidationException");
	assert_int_equal(ack(w, "5b0f3c1e-7a52-4d0e-9a51-0c7f5e2b9d11", "1"), 400);
	assert_string_equal(code(w), "JobNotFoundException");
	assert_int_equal(cp(w, "AcknowledgeJob", "{}"), 400);
	assert_string_equal(code(w), "ValidationException");
	ctl(w, "codepipeline delete-type Deploy/Rollout/1");
	assert_int_equal(cp(w, "PollForJobs", POLL), 400);
	assert_string_equal(code(w), "ActionTypeNotFoundException");
	world_free(w);
}

static void test_batches_versions_and_queries(void **state)
{
	struct world *w = world_new(NULL);
	char e[RNG_UUID_SIZE];
	const struct json *jobs;

	(void)state;
	ctl(w, "codepipeline action-type Deploy Rollout 1 queryable=Pool");
	ctl(w, "codepipeline action-type Deploy Rollout 2");
	ctl(w, "codepipeline pipeline a action=A type=Deploy/Rollout/1 config.Pool=blue");
	ctl(w, "codepipeline pipeline b action=A type=Deploy/Rollout/1 config.Pool=green");
	ctl(w, "codepipeline pipeline c mode=parallel action=A type=Deploy/Rollout/2");
	assert_int_equal(sim_push(w->sim, "a", STR("z"), e, &w->err), 0);
	assert_int_equal(sim_push(w->sim, "b", STR("z"), e, &w->err), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(sim_push(w->sim, "c", STR("z"), e, &w->err), 0);
	assert_int_equal(cp(w, "PollForJobs", POLL), 400);
	assert_string_equal(code(w), "ValidationException");
	assert_int_equal(cp(w, "PollForJobs",
			    "{" TYPE ",\"maxBatchSize\":9,\"queryParam\":{\"Pool\":\"green\"}}"),
			 200);
	jobs = json_get(body_json(w), "jobs");
	assert_int_equal(jobs->n, 1);
	assert_string_equal(text(jobs->first, "data.pipelineContext.pipelineName"), "b");
	assert_int_equal(cp(w, "PollForJobs",
			    "{\"actionTypeId\":{\"category\":\"Deploy\",\"owner\":\"Custom\","
			    "\"provider\":\"Rollout\",\"version\":\"2\"},\"maxBatchSize\":2}"),
			 200);
	assert_int_equal(json_get(body_json(w), "jobs")->n, 2);
	world_free(w);
}

static void test_job_times_out(void **state)
{
	char e[RNG_UUID_SIZE];
	struct world *w = started(e);
	const char *id = take(w);
	const struct sim_action *a = sim_action_find(w->sim, "web", "Canary");

	(void)state;
	sim_advance(w->sim, 20 * 60000 - 1);
	assert_string_equal(sim_action_find(w->sim, "web", NULL)->status, "InProgress");
	sim_advance(w->sim, 1);
	assert_string_equal(sim_action_find(w->sim, "web", NULL)->status, "Failed");
	assert_string_equal(a->failure_type, "JobTimedOut");
	assert_int_equal(put(w, SUCCESS, id, ""), 400);
	assert_string_equal(code(w), "InvalidJobStateException");
	assert_string_equal(sim_execution_status(w->sim, e), "Failed");
	world_free(w);
}

static void test_action_times_out_over_continuations(void **state)
{
	char e[RNG_UUID_SIZE];
	struct world *w = started(e);
	const struct sim_action *a = sim_action_find(w->sim, "web", "Canary");

	(void)state;
	ctl(w, "sim set action_timeout=1h");
	for (int i = 0; i < 6; i++) {
		assert_int_equal(put(w, SUCCESS, take(w), TOKEN), 200);
		sim_advance(w->sim, 600000);
	}
	assert_null(poll(w));
	assert_string_equal(a->status, "Failed");
	assert_string_equal(a->failure_type, "ActionTimedOut");
	world_free(w);
}

static void test_noise(void **state)
{
	char e[RNG_UUID_SIZE];
	struct world *w = started(e);
	const struct json *job, *n;
	int forms[3] = {0};

	(void)state;
	ctl(w, "sim set noise=true");
	job = poll(w);
	assert_string_equal(text(job, "data.actionTypeId.__type"), "ActionTypeId");
	assert_true(memmem(w->res.body.p, w->res.body.n, "\"continuationToken\":null", 24) != NULL);
	assert_true(memmem(w->res.body.p, w->res.body.n, "\"undeclared\":[null,1]", 21) != NULL);
	assert_non_null(json_at(job, "data.artifactCredentials.expirationTime"));
	for (int i = 0; i < 60; i++) {
		assert_int_equal(cp(w, "PollForJobs", POLL), 200);
		n = body_json(w);
		forms[n->n == 0 ? 0 : n->first->type == JSON_NULL ? 1 : 2]++;
	}
	assert_true(forms[0] && forms[1] && forms[2]);
	world_free(w);
}

static void test_throttling(void **state)
{
	char e[RNG_UUID_SIZE];
	struct world *w = started(e);
	int throttled = 0;

	(void)state;
	ctl(w, "sim set throttle_rate=0.5");
	for (int i = 0; i < 200; i++)
		if (cp(w, "PollForJobs", POLL) == 400) {
			assert_string_equal(code(w), "ThrottlingException");
			assert_string_equal(text(body_json(w), "message"), "Rate exceeded");
			throttled++;
		}
	assert_true(throttled > 60 && throttled < 140);
	world_free(w);
}

static void test_secret_property_is_masked(void **state)
{
	char e[RNG_UUID_SIZE];
	struct world *w = world_new(NULL);

	(void)state;
	ctl(w, "codepipeline action-type Deploy Rollout 1 secret=Password");
	ctl(w, "codepipeline pipeline web kms=arn:aws:kms:k action=A type=Deploy/Rollout/1 "
	       "config.Password=hunter2");
	assert_int_equal(sim_push(w->sim, "web", STR("z"), e, &w->err), 0);
	assert_string_equal(text(poll(w), "data.actionConfiguration.configuration.Password"),
			    "hunter2");
	assert_string_equal(text(json_get(body_json(w), "jobs")->first, "data.encryptionKey.id"),
			    "arn:aws:kms:k");
	assert_int_equal(cp(w, "ListActionExecutions", "{\"pipelineName\":\"web\"}"), 200);
	assert_null(memmem(w->res.body.p, w->res.body.n, "hunter2", 7));
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_job_from_push_to_success),
		cmocka_unit_test(test_continuation_is_a_new_job),
		cmocka_unit_test(test_many_reports_are_kept),
		cmocka_unit_test(test_redelivery_and_nonces),
		cmocka_unit_test(test_late_ack_after_redelivery_time),
		cmocka_unit_test(test_failure),
		cmocka_unit_test(test_limits_of_reports),
		cmocka_unit_test(test_characters_not_bytes_are_counted),
		cmocka_unit_test(test_polls_that_are_refused),
		cmocka_unit_test(test_batches_versions_and_queries),
		cmocka_unit_test(test_job_times_out),
		cmocka_unit_test(test_action_times_out_over_continuations),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_throttling),
		cmocka_unit_test(test_secret_property_is_masked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
