#include "tests/fuzz/support.h"

#include <string.h>

#include "aws/codepipeline.h"
#include "worker/rollout/token.h"

/*
 * What CodePipeline answers: job documents above all. A job that is called usable has what a worker
 * relies on; its continuation token is read as the worker reads it.
 */
#define ID "11111111-2222-3333-4444-555555555555"

static void check_token(struct arena *a, const char *token)
{
	struct rollout_state s;
	struct err err = ERR_INIT;

	if (token)
		fuzz_check_err(token_decode(a, str_from(token), &s, &err), &err);
}

static void check_job(struct arena *a, const struct cp_job *j)
{
	FUZZ_CHECK(j->id && j->id[0]);
	FUZZ_TEXTS(j->nonce, j->account_id, j->problem);
	FUZZ_CHECK(!j->problem || !strchr(j->problem, '\n'));
	if (j->problem)
		return;
	FUZZ_CHECK(j->n_inputs <= LIMIT_ARTIFACTS && j->n_outputs <= LIMIT_ARTIFACTS);
	for (size_t i = 0; i < j->n_inputs; i++)
		FUZZ_TEXTS(j->inputs[i].name, j->inputs[i].bucket, j->inputs[i].key,
			   j->inputs[i].revision);
	for (size_t i = 0; i < j->n_configuration; i++) {
		FUZZ_CHECK(j->configuration[i].name && j->configuration[i].value);
		FUZZ_CHECK(cp_job_property(j, j->configuration[i].name));
	}
	FUZZ_TEXTS(j->action_type.category, j->action_type.version, j->pipeline_name, j->stage_name,
		   j->action_name, j->pipeline_execution_id, j->action_execution_id,
		   j->encryption_key_id);
	if (j->has_credentials)
		FUZZ_TEXTS(j->credentials.access_key_id, j->credentials.secret_access_key,
			   j->credentials.session_token);
	check_token(a, j->continuation_token);
}

static int poll(struct fuzz_aws *f, struct err *err)
{
	const struct cp_poll q = {.type = {"Deploy", "Custom", "Rollout", "1"}, .n_max = 4};
	struct cp_job_list list;

	if (codepipeline_poll(&f->client, &q, f->arena, &list, err))
		return -1;
	for (size_t i = 0; i < list.n; i++) {
		FUZZ_CHECK(list.jobs[i].nonce && list.jobs[i].nonce[0]);
		check_job(f->arena, &list.jobs[i]);
	}
	return 0;
}

static int details(struct fuzz_aws *f, struct err *err)
{
	struct cp_job job;

	if (codepipeline_job_details(&f->client, ID, f->arena, &job, err))
		return -1;
	check_job(f->arena, &job);
	return 0;
}

static int acknowledge(struct fuzz_aws *f, struct err *err)
{
	enum cp_job_status status;

	if (codepipeline_acknowledge(&f->client, ID, "3", f->arena, &status, err))
		return -1;
	FUZZ_CHECK(status <= CP_JOB_UNKNOWN && cp_job_status_name(status));
	return 0;
}

static int actions(struct fuzz_aws *f, struct err *err)
{
	const struct cp_action_query q = {.pipeline_name = "web", .pipeline_execution_id = ID};
	struct cp_action_list list;

	if (codepipeline_list_action_executions(&f->client, &q, f->arena, &list, err))
		return -1;
	for (size_t i = 0; i < list.n; i++) {
		const struct cp_action_execution *e = &list.actions[i];

		FUZZ_CHECK(e->status <= CP_ACTION_UNKNOWN && cp_action_status_name(e->status));
		FUZZ_TEXTS(e->action_execution_id, e->pipeline_execution_id, e->stage_name,
			   e->action_name, e->external_execution_id, e->summary, e->type.provider);
		for (size_t k = 0; k < e->n_configuration; k++)
			FUZZ_TEXTS(e->configuration[k].name, e->configuration[k].value);
		for (size_t k = 0; k < e->n_variables; k++)
			FUZZ_CHECK(cp_action_variable(e, e->variables[k].name));
		check_token(f->arena, cp_action_variable(e, "RolloutState"));
	}
	FUZZ_TEXTS(list.next_token);
	return 0;
}

static int execution(struct fuzz_aws *f, struct err *err)
{
	enum cp_execution_status status;

	if (codepipeline_execution(&f->client, "web", ID, f->arena, &status, err))
		return -1;
	FUZZ_CHECK(status <= CP_EXECUTION_UNKNOWN && cp_execution_status_name(status));
	return 0;
}

static int report(struct fuzz_aws *f, struct err *err)
{
	const struct cp_failure failure = {.job_id = ID, .message = "it failed"};

	return codepipeline_put_failure(&f->client, &failure, f->arena, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct fuzz_call calls[] = {
		{"PollForJobs", poll},
		{"GetJobDetails", details},
		{"AcknowledgeJob", acknowledge},
		{"ListActionExecutions", actions},
		{"GetPipelineExecution", execution},
		{"PutJobFailureResult", report},
		{NULL, NULL},
	};

	fuzz_run_call(calls, data, size);
	return 0;
}
