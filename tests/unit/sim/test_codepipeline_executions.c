#include "tests/unit/sim/cptest.h"

static void test_stop_and_wait(void **state)
{
	char e[RNG_UUID_SIZE];
	struct world *w = started(e);
	const char *id = take(w);

	(void)state;
	ctl(w, "codepipeline action web Prod Second type=Deploy/Rollout/1");
	ctl(w, arena_printf(w->arena, "codepipeline stop %s", e));
	assert_string_equal(sim_execution_status(w->sim, e), "Stopping");
	ctl_refused(w, "codepipeline stop web", "DuplicatedStopRequest");
	/* the action goes on, by continuations too */
	assert_int_equal(put(w, SUCCESS, id, TOKEN), 200);
	assert_int_equal(put(w, SUCCESS, take(w), ""), 200);
	assert_string_equal(sim_execution_status(w->sim, e), "Stopped");
	assert_string_equal(sim_action_find(w->sim, "web", "Canary")->status, "Succeeded");
	assert_null(sim_action_find(w->sim, "web", "Second"));
	ctl_refused(w, "codepipeline stop web", "NotStoppable");
	ctl_refused(w, "codepipeline stop nothing", "nothing");
	world_free(w);
}

static void test_stop_and_abandon_by_api(void **state)
{
	char e[RNG_UUID_SIZE], next[RNG_UUID_SIZE];
	struct world *w = started(e);
	const char *id = take(w);
	const struct sim_action *a = sim_action_find(w->sim, "web", "Canary");

	(void)state;
	assert_int_equal(sim_push(w->sim, "web", STR("v2"), next, &w->err), 0);
	assert_int_equal(cp(w, "StopPipelineExecution",
			    arena_printf(w->arena,
					 "{\"pipelineName\":\"web\",\"pipelineExecutionId\":\"%s\","
					 "\"abandon\":true,\"reason\":\"enough\"}",
					 e)),
			 200);
	assert_string_equal(a->status, "Abandoned");
	assert_string_equal(sim_execution_status(w->sim, e), "Stopped");
	assert_int_equal(put(w, SUCCESS, id, TOKEN), 400);
	assert_string_equal(code(w), "InvalidJobStateException");
	/* the stage is free at once */
	assert_string_equal(sim_action_find(w->sim, "web", "Canary")->execution_id, next);
	assert_non_null(poll(w));
	assert_int_equal(cp(w, "ListActionExecutions",
			    arena_printf(w->arena,
					 "{\"pipelineName\":\"web\",\"filter\":"
					 "{\"pipelineExecutionId\":\"%s\"}}",
					 e)),
			 200);
	assert_string_equal(text(json_get(body_json(w), "actionExecutionDetails")->first, "status"),
			    "Abandoned");
	world_free(w);
}

static void test_stage_retry(void **state)
{
	char e[RNG_UUID_SIZE];
	struct world *w = started(e);
	const struct sim_action *first = sim_action_find(w->sim, "web", "Canary"), *second;
	const struct json *job;

	(void)state;
	ctl_refused(w, "codepipeline retry web", "StageNotRetryable");
	assert_int_equal(put(w, SUCCESS, take(w), TOKEN), 200);
	assert_int_equal(put(w, FAILURE, take(w), FAILED), 200);
	assert_int_equal(cp(w, "RetryStageExecution",
			    arena_printf(w->arena,
					 "{\"pipelineName\":\"web\",\"stageName\":\"Deploy\","
					 "\"pipelineExecutionId\":\"%s\","
					 "\"retryMode\":\"FAILED_ACTIONS\"}",
					 e)),
			 200);
	second = sim_action_find(w->sim, "web", "Canary");
	assert_ptr_not_equal(first, second);
	assert_string_not_equal(first->action_execution_id, second->action_execution_id);
	assert_string_equal(second->execution_id, e);
	job = poll(w);
	assert_null(json_at(job, "data.continuationToken"));
	assert_int_equal(ack(w, text(job, "id"), text(job, "nonce")), 200);
	assert_int_equal(put(w, SUCCESS, text(job, "id"), ""), 200);
	assert_string_equal(sim_execution_status(w->sim, e), "Succeeded");
	ctl_refused(w, "codepipeline retry web all", "StageNotRetryable");
	ctl_refused(w, "codepipeline retry nothing", "nothing");
	world_free(w);
}

static void test_retry_of_an_outdated_execution(void **state)
{
	char e[RNG_UUID_SIZE], next[RNG_UUID_SIZE];
	struct world *w = started(e);

	(void)state;
	assert_int_equal(put(w, FAILURE, take(w), FAILED), 200);
	assert_int_equal(sim_push(w->sim, "web", STR("v2"), next, &w->err), 0);
	ctl_refused(w, arena_printf(w->arena, "codepipeline retry %s", e),
		    "NotLatestPipelineExecution");
	world_free(w);
}

static void test_stage_rollback(void **state)
{
	char one[RNG_UUID_SIZE], two[RNG_UUID_SIZE];
	struct world *w = started(one);
	const struct json *job;
	const char *key, *made;

	(void)state;
	job = poll(w);
	key = text(json_at(job, "data.inputArtifacts")->first, "location.s3Location.objectKey");
	assert_int_equal(ack(w, text(job, "id"), text(job, "nonce")), 200);
	assert_int_equal(put(w, SUCCESS, text(job, "id"), ""), 200);
	assert_int_equal(sim_push(w->sim, "web", STR("v2"), two, &w->err), 0);
	assert_int_equal(put(w, FAILURE, take(w), FAILED), 200);
	ctl_refused(w, arena_printf(w->arena, "codepipeline rollback web Deploy %s", two),
		    "UnableToRollbackStage");
	ctl_refused(w, "codepipeline rollback web Nowhere x", "stage");
	ctl_refused(w, "codepipeline rollback web Deploy x", "execution");
	assert_int_equal(cp(w, "RollbackStage",
			    arena_printf(w->arena,
					 "{\"pipelineName\":\"web\",\"stageName\":\"Deploy\","
					 "\"targetPipelineExecutionId\":\"%s\"}",
					 one)),
			 200);
	made = text(body_json(w), "pipelineExecutionId");
	job = poll(w);
	assert_string_equal(text(job, "data.pipelineContext.pipelineExecutionId"), made);
	assert_string_equal(
		text(json_at(job, "data.inputArtifacts")->first, "location.s3Location.objectKey"),
		key);
	assert_int_equal(cp(w, "GetPipelineExecution",
			    arena_printf(w->arena,
					 "{\"pipelineName\":\"web\",\"pipelineExecutionId\":"
					 "\"%s\"}",
					 made)),
			 200);
	assert_string_equal(text(body_json(w), "pipelineExecution.executionType"), "ROLLBACK");
	assert_string_equal(text(body_json(w), "pipelineExecution.rollbackMetadata."
					       "rollbackTargetPipelineExecutionId"),
			    one);
	/* a rollback is no target for a rollback */
	assert_int_equal(ack(w, text(job, "id"), text(job, "nonce")), 200);
	assert_int_equal(put(w, SUCCESS, text(job, "id"), ""), 200);
	assert_string_equal(sim_execution_status(w->sim, made), "Succeeded");
	ctl_refused(w, arena_printf(w->arena, "codepipeline rollback web Deploy %s", made),
		    "UnableToRollbackStage");
	world_free(w);
}

static void test_stages_run_orders_and_variables(void **state)
{
	char e[RNG_UUID_SIZE];
	struct world *w = world_new(NULL);
	const struct json *jobs, *job;
	const char *a, *b;

	(void)state;
	ctl(w, "codepipeline action-type Deploy Rollout 1");
	ctl(w, "codepipeline pipeline web stage=Canary action=Start type=Deploy/Rollout/1 "
	       "namespace=Canary output=Handle");
	ctl(w, "codepipeline action web Canary Twin type=Deploy/Rollout/1");
	ctl(w, "codepipeline action web Canary Approve type=AWS:Approval/Manual/1 run-order=2");
	ctl(w, "codepipeline action web Prod Promote type=Deploy/Rollout/1 input=Handle "
	       "config.Handle=#{Canary.RolloutHandle} "
	       "config.Run=x#{codepipeline.PipelineExecutionId}y config.Other=#{No.Such}");
	assert_int_equal(sim_push(w->sim, "web", STR("z"), e, &w->err), 0);
	assert_int_equal(cp(w, "PollForJobs", POLL), 200);
	jobs = json_get(body_json(w), "jobs");
	assert_int_equal(jobs->n, 2); /* both of run order 1, at once */
	a = text(jobs->first, "id");
	b = text(jobs->first->next, "id");
	assert_int_equal(ack(w, a, text(jobs->first, "nonce")), 200);
	assert_int_equal(ack(w, b, text(jobs->first->next, "nonce")), 200);
	assert_int_equal(put(w, SUCCESS, a, "\"outputVariables\":{\"RolloutHandle\":\"r-77\"}"),
			 200);
	assert_null(sim_action_find(w->sim, "web", "Approve"));
	assert_int_equal(put(w, SUCCESS, b, ""), 200);
	assert_string_equal(sim_action_find(w->sim, "web", "Approve")->status, "InProgress");
	assert_null(poll(w));
	sim_advance(w->sim, INT64_C(25) * 3600000); /* approvals may take longer than actions */
	ctl_refused(w, "codepipeline approve web Start", "web");
	ctl(w, "codepipeline approve web Approve summary=fine");
	assert_string_equal(sim_action_find(w->sim, "web", "Approve")->status, "Succeeded");
	ctl_refused(w, "codepipeline approve web Approve", "ApprovalAlreadyCompleted");
	job = poll(w);
	assert_string_equal(text(job, "data.pipelineContext.stage.name"), "Prod");
	assert_string_equal(text(job, "data.actionConfiguration.configuration.Handle"), "r-77");
	assert_string_equal(text(job, "data.actionConfiguration.configuration.Other"),
			    "#{No.Such}");
	assert_string_equal(text(job, "data.actionConfiguration.configuration.Run"),
			    arena_printf(w->arena, "x%sy", e));
	assert_string_equal(text(json_at(job, "data.inputArtifacts")->first, "name"), "Handle");
	world_free(w);
}

static void test_approval_by_api(void **state)
{
	char e[RNG_UUID_SIZE];
	struct world *w = world_new(NULL);
	const char *token;

	(void)state;
	ctl(w, "codepipeline pipeline web action=Ask type=AWS:Approval/Manual/1");
	assert_int_equal(sim_push(w->sim, "web", STR("z"), e, &w->err), 0);
	assert_int_equal(cp(w, "GetPipelineState", "{\"name\":\"web\"}"), 200);
	token = text(json_at(json_get(body_json(w), "stageStates")->first, "actionStates")->first,
		     "latestExecution.token");
	assert_int_equal(strlen(token), 36);
	assert_int_equal(cp(w, "PutApprovalResult",
			    "{\"pipelineName\":\"web\",\"stageName\":\"Deploy\",\"actionName\":"
			    "\"Ask\",\"token\":\"no\",\"result\":{\"status\":\"Approved\"}}"),
			 400);
	assert_string_equal(code(w), "InvalidApprovalTokenException");
	assert_int_equal(cp(w, "PutApprovalResult",
			    arena_printf(w->arena,
					 "{\"pipelineName\":\"web\",\"stageName\":\"Deploy\","
					 "\"actionName\":\"Ask\",\"token\":\"%s\",\"result\":"
					 "{\"status\":\"Rejected\",\"summary\":\"not today\"}}",
					 token)),
			 200);
	assert_string_equal(sim_action_find(w->sim, "web", "Ask")->status, "Failed");
	assert_string_equal(sim_action_find(w->sim, "web", "Ask")->message, "not today");
	assert_string_equal(sim_execution_status(w->sim, e), "Failed");
	world_free(w);
}

static void test_approval_times_out(void **state)
{
	char e[RNG_UUID_SIZE];
	struct world *w = world_new(NULL);

	(void)state;
	ctl(w, "codepipeline pipeline web action=Ask type=AWS:Approval/Manual/1 timeout=2h");
	ctl_refused(w, "codepipeline pipeline web action=Ask type=AWS:Approval/Manual/1 timeout=x",
		    "not a time");
	assert_int_equal(sim_push(w->sim, "web", STR("z"), e, &w->err), 0);
	sim_advance(w->sim, INT64_C(7199) * 1000);
	assert_string_equal(sim_execution_status(w->sim, e), "InProgress");
	sim_advance(w->sim, 1000);
	assert_string_equal(sim_execution_status(w->sim, e), "Failed");
	assert_string_equal(sim_action_find(w->sim, "web", "Ask")->failure_type,
			    "ApprovalTimedOut");
	ctl_refused(w, "codepipeline approve web Ask", "AlreadyCompleted");
	world_free(w);
}

static void test_edit_cancels_what_runs(void **state)
{
	char e[RNG_UUID_SIZE];
	struct world *w = started(e);

	(void)state;
	ctl_refused(w, "codepipeline edit moon", "moon");
	ctl(w, "codepipeline edit web");
	assert_string_equal(sim_execution_status(w->sim, e), "Cancelled");
	assert_string_equal(sim_action_find(w->sim, "web", NULL)->status, "Abandoned");
	ctl_refused(w, "codepipeline stop web abandon", "NotStoppable");
	assert_null(poll(w));
	world_free(w);
}

static void test_missing_input_fails_the_action(void **state)
{
	char e[RNG_UUID_SIZE];
	struct world *w = world_new(NULL);

	(void)state;
	ctl(w, "codepipeline action-type Deploy Rollout 1");
	ctl(w, "codepipeline pipeline web action=A type=Deploy/Rollout/1 input=Nobody");
	assert_int_equal(sim_push(w->sim, "web", STR("z"), e, &w->err), 0);
	assert_string_equal(sim_action_find(w->sim, "web", "A")->failure_type,
			    "ConfigurationError");
	assert_string_equal(sim_execution_status(w->sim, e), "Failed");
	world_free(w);
}

static void modes(const char *mode, const char *second, const char *third)
{
	char e[3][RNG_UUID_SIZE];
	struct world *w = world_new(NULL);

	ctl(w, "codepipeline action-type Deploy Rollout 1");
	ctl(w, arena_printf(w->arena,
			    "codepipeline pipeline web mode=%s action=A "
			    "type=Deploy/Rollout/1",
			    mode));
	for (int i = 0; i < 3; i++)
		assert_int_equal(sim_push(w->sim, "web", STR("z"), e[i], &w->err), 0);
	assert_string_equal(sim_execution_status(w->sim, e[0]), "InProgress");
	assert_string_equal(sim_execution_status(w->sim, e[1]), second);
	assert_string_equal(sim_action_find(w->sim, "web", "A")->execution_id,
			    strcmp(mode, "parallel") == 0 ? e[2] : e[0]);
	assert_int_equal(put(w, SUCCESS, take(w), ""), 200);
	assert_string_equal(sim_execution_status(w->sim, e[0]), "Succeeded");
	if (strcmp(mode, "parallel") != 0)
		assert_string_equal(sim_action_find(w->sim, "web", "A")->execution_id,
				    strcmp(third, "next") == 0 ? e[2] : e[1]);
	world_free(w);
}

static void test_execution_modes(void **state)
{
	(void)state;
	modes("queued", "InProgress", "waits");
	modes("superseded", "Superseded", "next");
	modes("parallel", "InProgress", "runs");
}

static void test_list_action_executions(void **state)
{
	char e[RNG_UUID_SIZE];
	struct world *w = started(e);
	const struct json *list;

	(void)state;
	assert_int_equal(put(w, SUCCESS, take(w),
			     "\"executionDetails\":{\"summary\":\"ok\",\"externalExecutionId\":"
			     "\"r-1\"},\"outputVariables\":{\"V\":\"2\"}"),
			 200);
	assert_int_equal(sim_push(w->sim, "web", STR("v2"), e, &w->err), 0);
	assert_int_equal(sim_push(w->sim, "web", STR("v3"), e, &w->err), 0);
	assert_int_equal(put(w, FAILURE, take(w), FAILED), 200);
	assert_int_equal(cp(w, "ListActionExecutions", "{\"pipelineName\":\"web\"}"), 200);
	list = json_get(body_json(w), "actionExecutionDetails");
	assert_int_equal(list->n, 3);
	assert_string_equal(text(list->first, "status"), "InProgress");
	assert_string_equal(text(list->first->next, "output.executionResult.errorDetails.code"),
			    "JobFailed");
	assert_string_equal(
		text(list->first->next->next, "output.executionResult.externalExecutionId"), "r-1");
	assert_string_equal(text(list->first->next->next, "output.outputVariables.V"), "2");
	assert_string_equal(text(list->first, "input.actionTypeId.provider"), "Rollout");
	assert_string_equal(text(list->first, "input.namespace"), "Canary");
	/* pages */
	assert_int_equal(
		cp(w, "ListActionExecutions", "{\"pipelineName\":\"web\",\"maxResults\":2}"), 200);
	assert_int_equal(json_get(body_json(w), "actionExecutionDetails")->n, 2);
	assert_int_equal(cp(w, "ListActionExecutions",
			    arena_printf(w->arena,
					 "{\"pipelineName\":\"web\",\"maxResults\":2,"
					 "\"nextToken\":\"%s\"}",
					 text(body_json(w), "nextToken"))),
			 200);
	assert_int_equal(json_get(body_json(w), "actionExecutionDetails")->n, 1);
	assert_null(json_get(body_json(w), "nextToken"));
	/* refusals */
	assert_int_equal(cp(w, "ListActionExecutions", "{\"pipelineName\":\"no\"}"), 400);
	assert_string_equal(code(w), "PipelineNotFoundException");
	assert_int_equal(
		cp(w, "ListActionExecutions", "{\"pipelineName\":\"web\",\"nextToken\":\"x\"}"),
		400);
	assert_string_equal(code(w), "InvalidNextTokenException");
	assert_int_equal(
		cp(w, "ListActionExecutions", "{\"pipelineName\":\"web\",\"maxResults\":101}"),
		400);
	assert_int_equal(cp(w, "ListActionExecutions",
			    "{\"pipelineName\":\"web\",\"filter\":{\"pipelineExecutionId\":"
			    "\"x\"}}"),
			 400);
	assert_string_equal(code(w), "PipelineExecutionNotFoundException");
	world_free(w);
}

static void test_states_and_lists(void **state)
{
	char e[RNG_UUID_SIZE];
	struct world *w = started(e);
	const struct json *stage, *action;

	(void)state;
	assert_int_equal(put(w, SUCCESS, take(w),
			     TOKEN ",\"executionDetails\":{\"summary\":\"5%\","
				   "\"percentComplete\":10,\"externalExecutionId\":\"r-5\"},"
				   "\"currentRevision\":{\"revision\":\"v2\","
				   "\"changeIdentifier\":\"c\"}"),
			 200);
	assert_int_equal(cp(w, "GetPipelineState", "{\"name\":\"web\"}"), 200);
	stage = json_get(body_json(w), "stageStates")->first;
	action = json_get(stage, "actionStates")->first;
	assert_string_equal(text(stage, "latestExecution.status"), "InProgress");
	assert_string_equal(text(action, "latestExecution.summary"), "5%");
	assert_string_equal(text(action, "latestExecution.externalExecutionId"), "r-5");
	assert_string_equal(text(action, "currentRevision.revisionId"), "v2");
	assert_string_equal(text(action, "currentRevision.revisionChangeId"), "c");
	assert_non_null(json_at(action, "currentRevision.created"));
	assert_int_equal(cp(w, "GetPipelineState", "{\"name\":\"no\"}"), 400);
	assert_string_equal(code(w), "PipelineNotFoundException");
	assert_int_equal(cp(w, "GetPipelineExecution",
			    "{\"pipelineName\":\"web\",\"pipelineExecutionId\":\"x\"}"),
			 400);
	assert_string_equal(code(w), "PipelineExecutionNotFoundException");
	assert_int_equal(cp(w, "ListPipelineExecutions", "{\"pipelineName\":\"web\"}"), 200);
	assert_string_equal(
		text(json_get(body_json(w), "pipelineExecutionSummaries")->first, "status"),
		"InProgress");
	assert_int_equal(cp(w, "StartPipelineExecution", "{\"name\":\"web\"}"), 200);
	assert_string_not_equal(text(body_json(w), "pipelineExecutionId"), e);
	ctl(w, "codepipeline pipeline empty action=A type=Deploy/Rollout/1");
	assert_int_equal(cp(w, "StartPipelineExecution", "{\"name\":\"empty\"}"), 400);
	assert_string_equal(code(w), "ConflictException");
	world_free(w);
}

static void test_action_types_by_api(void **state)
{
	static const char create[] =
		"{\"category\":\"Deploy\",\"provider\":\"Fleet\",\"version\":\"1\","
		"\"inputArtifactDetails\":{\"minimumCount\":1,\"maximumCount\":1},"
		"\"outputArtifactDetails\":{\"minimumCount\":0,\"maximumCount\":1},"
		"\"configurationProperties\":[{\"name\":\"Pool\",\"required\":true,\"key\":true,"
		"\"secret\":false,\"queryable\":true}]}";
	struct world *w = world_new(NULL);

	(void)state;
	assert_int_equal(cp(w, "CreateCustomActionType", create), 200);
	assert_string_equal(text(body_json(w), "actionType.id.owner"), "Custom");
	assert_int_equal(cp(w, "CreateCustomActionType", create), 400);
	assert_string_equal(code(w), "ActionTypeAlreadyExistsException");
	assert_int_equal(cp(w, "CreateCustomActionType",
			    "{\"category\":\"Deploy\",\"provider\":\"F\",\"version\":\"1\"}"),
			 400);
	assert_string_equal(code(w), "ValidationException");
	assert_int_equal(cp(w, "ListActionTypes", "{\"actionOwnerFilter\":\"Custom\"}"), 200);
	assert_int_equal(json_get(body_json(w), "actionTypes")->n, 1);
	assert_int_equal(cp(w, "DeleteCustomActionType",
			    "{\"category\":\"Deploy\",\"provider\":\"Fleet\",\"version\":\"1\"}"),
			 200);
	assert_int_equal(cp(w, "ListActionTypes", "{\"actionOwnerFilter\":\"Custom\"}"), 200);
	assert_int_equal(json_get(body_json(w), "actionTypes")->n, 0);
	assert_int_equal(cp(w, "CreateCustomActionType", create), 200); /* the same revives it */
	world_free(w);
}

static void test_commands(void **state)
{
	char e[RNG_UUID_SIZE];
	struct world *w = started(e);
	const struct json *a;

	(void)state;
	assert_int_equal(put(w, SUCCESS, take(w), TOKEN), 200);
	a = ctl(w, "codepipeline show web");
	a = json_get(a->first, "executions")->first;
	assert_string_equal(text(a, "status"), "InProgress");
	a = json_get(a, "actions")->first;
	assert_string_equal(text(json_get(a, "reports")->first, "token"), "t1");
	assert_string_equal(text(json_get(a, "liveJobs")->first, "state"), "Queued");
	a = ctl(w, "codepipeline push web zip.rollout.yaml=\"rollout: 1\\n\" zip.a/b.txt=x");
	assert_int_equal(strlen(text(a, "executionId")), 36);
	ctl_refused(w, "codepipeline show no", "no");
	ctl_refused(w, "codepipeline push no", "no");
	ctl_refused(w, "codepipeline push web file=/nonexistent", "/nonexistent");
	ctl_refused(w, "codepipeline action-type Deploy", "Deploy");
	ctl_refused(w, "codepipeline pipeline x action=A type=Deploy/No/1", "Deploy/No/1");
	ctl_refused(w, "codepipeline show x", "x");
	ctl_refused(w, "codepipeline pipeline x mode=wild", "wild");
	ctl_refused(w, "codepipeline pipeline", "name");
	ctl_refused(w, "codepipeline action no S A type=Deploy/Rollout/1", "no");
	ctl_refused(w, "codepipeline action web S", "wants");
	ctl_refused(w, "codepipeline action web S A type=nonsense", "nonsense");
	ctl_refused(w, "codepipeline action web S A type=Deploy/Rollout/1 run-order=0",
		    "run-order");
	ctl_refused(w, "codepipeline action web S A type=Deploy/Rollout/1 input=a,b,c,d,e,f",
		    "artifacts");
	ctl_refused(w, "codepipeline delete-type x/y/z", "x/y/z");
	ctl_refused(w, "codepipeline dance", "dance");
	ctl(w, "codepipeline pipeline bare");
	ctl_refused(w, "codepipeline push bare", "no action");
	assert_int_equal(sim_push(w->sim, "no", STR("z"), e, &w->err), -1);
	assert_int_equal(w->err.code, ERR_NOT_FOUND);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stop_and_wait),
		cmocka_unit_test(test_stop_and_abandon_by_api),
		cmocka_unit_test(test_stage_retry),
		cmocka_unit_test(test_retry_of_an_outdated_execution),
		cmocka_unit_test(test_stage_rollback),
		cmocka_unit_test(test_stages_run_orders_and_variables),
		cmocka_unit_test(test_approval_by_api),
		cmocka_unit_test(test_approval_times_out),
		cmocka_unit_test(test_edit_cancels_what_runs),
		cmocka_unit_test(test_missing_input_fails_the_action),
		cmocka_unit_test(test_execution_modes),
		cmocka_unit_test(test_list_action_executions),
		cmocka_unit_test(test_states_and_lists),
		cmocka_unit_test(test_action_types_by_api),
		cmocka_unit_test(test_commands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
