#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/scenarios/scene.h"

/* What is refused before anything is touched, and what people are told then. */

#define CANARY "canary 5% 10m, 25% 10m bake 5m"
#define GOOD "errors=0.001"

/* Start with the world as it is, and expect a refusal that changes nothing. */
static const struct sim_action *expect_refusal(struct world *w, const char *failure)
{
	const struct sim_action *a;

	world_start(w);
	a = scene_end(w, "checkout");
	scene_expect(a, "Failed", failure, NULL);
	world_run(w, 20 * MINUTE_MS);
	scene_expect_no_writes(w, a);
	assert_int_equal(a->n_reports, a->n_tokens + 1);
	return a;
}

static void a_bad_plan_is_told_with_all_its_problems(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	world_lambda_function(w, "checkout");
	world_control(w, "codepipeline pipeline checkout action=Canary type=Deploy/Rollout/1 "
			 "config.Target=\"lambda:checkout\" config.Strategy=\"canary 5%% ten\" "
			 "config.MaxDuration=1m");
	world_push(w, "checkout", GOOD);
	a = expect_refusal(w, "ConfigurationError");
	scene_expect(a, "Failed", "ConfigurationError", "Target", "Strategy", "\"ten\"",
		     "MaxDuration", "no guard at all", NULL);
}

static void a_plan_longer_than_its_budget_is_refused(void **state)
{
	struct world *w = *state;

	world_lambda_function(w, "checkout");
	world_control(w, "codepipeline pipeline checkout action=Canary type=Deploy/Rollout/1 "
			 "config.Target=\"lambda:checkout:live\" "
			 "config.Strategy=\"canary 5%% 40m, 50%% 40m\" "
			 "config.Alarms=checkout-errors config.MaxDuration=1h");
	world_push(w, "checkout", GOOD);
	scene_expect(expect_refusal(w, "ConfigurationError"), "Failed", "ConfigurationError",
		     "longer than the budget of 1h", NULL);
}

static void an_alarm_that_is_red_already_is_refused(void **state)
{
	struct world *w = *state;

	world_lambda(w, "checkout", CANARY);
	world_control(w, "cloudwatch set-state checkout-errors ALARM reason=\"it burns\"");
	world_push(w, "checkout", GOOD);
	scene_expect(expect_refusal(w, "ConfigurationError"), "Failed", "ConfigurationError",
		     "checkout-errors", "red already", "it burns", NULL);
}

static void an_alarm_that_does_not_exist_is_refused(void **state)
{
	struct world *w = *state;

	world_lambda(w, "checkout", CANARY);
	world_control(w, "cloudwatch delete checkout-errors");
	world_push(w, "checkout", GOOD);
	scene_expect(expect_refusal(w, "ConfigurationError"), "Failed", "ConfigurationError",
		     "checkout-errors", "no such alarm", NULL);
}

static void an_alarm_that_is_too_slow_is_refused(void **state)
{
	struct world *w = *state;

	world_lambda(w, "checkout", "canary 5% 5m, 25% 5m");
	world_control(w, "cloudwatch alarm checkout-errors namespace=AWS/Lambda metric=Errors "
			 "period=300 evaluation_periods=3 threshold=30 state=OK");
	world_push(w, "checkout", GOOD);
	scene_expect(expect_refusal(w, "ConfigurationError"), "Failed", "ConfigurationError",
		     "the alarm looks at 15m", NULL);
}

static void several_problems_are_told_at_once(void **state)
{
	struct world *w = *state;

	world_lambda(w, "checkout", CANARY);
	world_control(w, "lambda publish checkout code=\"sim: errors=0.001 latency_ms=5\"");
	world_control(w, "lambda alias checkout live additional=2 weight=0.1");
	world_control(w, "cloudwatch delete checkout-errors");
	world_push(w, "checkout", GOOD);
	scene_expect(expect_refusal(w, "ConfigurationError"), "Failed", "ConfigurationError",
		     "no such alarm", "weighted already, 10% to version 2", NULL);
}

static void a_function_that_does_not_exist_is_refused(void **state)
{
	struct world *w = *state;

	world_alarm(w, "checkout");
	world_lambda_pipeline(w, "checkout", CANARY);
	world_push(w, "checkout", GOOD);
	scene_expect(expect_refusal(w, "ConfigurationError"), "Failed", "ConfigurationError",
		     "checkout", "no such Lambda function", NULL);
}

static void an_alias_on_latest_is_refused(void **state)
{
	struct world *w = *state;

	world_lambda(w, "checkout", CANARY);
	world_control(w, "lambda alias checkout live version=0");
	world_push(w, "checkout", GOOD);
	scene_expect(expect_refusal(w, "ConfigurationError"), "Failed", "ConfigurationError",
		     "$LATEST", NULL);
}

static void an_artifact_that_is_gone_is_explained(void **state)
{
	struct world *w = *state;

	world_lambda(w, "checkout", CANARY);
	world_push(w, "checkout", GOOD);
	world_control(w, "s3 delete codepipeline-eu-central-1-111122223333 %s",
		      scene_source_key(w, "checkout"));
	world_start(w);
	/*
	 * a missing object is a 403 to those who may not list the bucket: which of both, nobody
	 * knows
	 */
	scene_expect(scene_end(w, "checkout"), "Failed", NULL, "input artifact Source",
		     scene_source_key(w, "checkout"), NULL);
}

static void push_bytes(struct world *w, const char *bytes)
{
	char execution[RNG_UUID_SIZE];
	struct err err = ERR_INIT;

	assert_int_equal(sim_push(w->sim, "checkout", str_from(bytes), execution, &err), 0);
}

static void an_artifact_that_is_no_archive_is_explained(void **state)
{
	struct world *w = *state;

	world_lambda(w, "checkout", CANARY);
	push_bytes(w, "#!/bin/sh\necho hello\n");
	scene_expect(expect_refusal(w, "ConfigurationError"), "Failed", "ConfigurationError",
		     "not an archive", "#!/bin/sh", NULL);
}

static void a_full_clone_is_explained(void **state)
{
	struct world *w = *state;

	world_lambda(w, "checkout", CANARY);
	push_bytes(w, "{\"ConnectionArn\":\"arn:aws:codestar-connections:eu-central-1:111122223333:"
		      "connection/1\",\"FullRepositoryName\":\"example/shop\",\"CommitId\":"
		      "\"0123456789abcdef0123456789abcdef01234567\",\"BranchName\":\"main\"}");
	scene_expect(expect_refusal(w, "ConfigurationError"), "Failed", "ConfigurationError",
		     "CODEBUILD_CLONE_REF", NULL);
}

static void a_plan_file_that_is_not_there_is_refused(void **state)
{
	struct world *w = *state;

	world_lambda_function(w, "checkout");
	world_control(w, "codepipeline pipeline checkout action=Canary type=Deploy/Rollout/1 "
			 "config.Target=\"lambda:checkout:live\" config.Strategy=\"canary 5%% 5m\" "
			 "config.Alarms=checkout-errors config.Plan=deploy/plan.yaml");
	world_push(w, "checkout", GOOD);
	scene_expect(expect_refusal(w, "ConfigurationError"), "Failed", "ConfigurationError",
		     "deploy/plan.yaml", "no such file", NULL);
}

static void a_plan_without_artifact_is_refused(void **state)
{
	struct world *w = *state;

	world_lambda_function(w, "checkout");
	world_control(w, "codepipeline pipeline checkout action=Canary type=Deploy/Rollout/1 "
			 "input=none config.Target=\"lambda:checkout:live\" "
			 "config.Strategy=\"canary 5%% 5m\" config.Alarms=checkout-errors");
	world_push(w, "checkout", GOOD);
	scene_expect(expect_refusal(w, "ConfigurationError"), "Failed", "ConfigurationError",
		     "artifact", NULL);
}

/* The role may not be assumed: said at once, with what is missing. */
static void a_role_that_may_not_be_assumed_is_a_permission_error(void **state)
{
	struct world *w = *state;

	world_lambda_function(w, "checkout");
	world_control(w, "sts role arn:aws:iam::444455556666:role/deploy deny=true");
	world_control(w, "codepipeline pipeline checkout action=Canary type=Deploy/Rollout/1 "
			 "config.Target=\"lambda:checkout:live\" config.Strategy=\"canary 5%% 5m\" "
			 "config.Alarms=checkout-errors "
			 "config.RoleArn=arn:aws:iam::444455556666:role/deploy");
	world_push(w, "checkout", GOOD);
	scene_expect(expect_refusal(w, "PermissionError"), "Failed", "PermissionError",
		     "AssumeRole", NULL);
}

/* The target cannot be read for longer than it is worth waiting: an end, not a silent day. */
static void a_target_that_cannot_be_read_for_an_hour_ends_it(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	world_lambda(w, "checkout", CANARY);
	world_push(w, "checkout", GOOD);
	sim_fault_operation(w->sim, "GetFunctionConfiguration");
	sim_fault_at(w->sim, 1, SIM_FAULT_500, 1000000);
	a = expect_refusal(w, "SystemUnavailable");
	scene_expect(a, "Failed", "SystemUnavailable", "inspect the target", NULL);
	assert_true(a->updated.ms - a->started.ms >= HOUR_MS);
	assert_true(a->updated.ms - a->started.ms < 2 * HOUR_MS);
}

/* But for some minutes it is waited. */
static void a_target_that_cannot_be_read_for_a_while_is_waited_for(void **state)
{
	struct world *w = *state;

	world_lambda(w, "checkout", CANARY);
	world_push(w, "checkout", GOOD);
	sim_fault_operation(w->sim, "GetFunctionConfiguration");
	sim_fault_at(w->sim, 1, SIM_FAULT_500, 50);
	world_start(w);
	scene_expect(scene_end(w, "checkout"), "Succeeded", NULL, NULL);
}

/* That the alarm cannot be read just now says nothing about the plan. */
static void an_alarm_that_cannot_be_read_for_a_while_is_waited_for(void **state)
{
	struct world *w = *state;

	world_lambda(w, "checkout", CANARY);
	world_push(w, "checkout", GOOD);
	sim_fault_operation(w->sim, "DescribeAlarms");
	sim_fault_at(w->sim, 1, SIM_FAULT_THROTTLED, 20);
	world_start(w);
	scene_expect(scene_end(w, "checkout"), "Succeeded", NULL, NULL);
}

#define SCENE(f) cmocka_unit_test_setup_teardown(f, scene_set_up, scene_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(a_bad_plan_is_told_with_all_its_problems),
		SCENE(a_plan_longer_than_its_budget_is_refused),
		SCENE(an_alarm_that_is_red_already_is_refused),
		SCENE(an_alarm_that_does_not_exist_is_refused),
		SCENE(an_alarm_that_is_too_slow_is_refused),
		SCENE(several_problems_are_told_at_once),
		SCENE(a_function_that_does_not_exist_is_refused),
		SCENE(an_alias_on_latest_is_refused),
		SCENE(an_artifact_that_is_gone_is_explained),
		SCENE(an_artifact_that_is_no_archive_is_explained),
		SCENE(a_full_clone_is_explained),
		SCENE(a_plan_file_that_is_not_there_is_refused),
		SCENE(a_plan_without_artifact_is_refused),
		SCENE(a_role_that_may_not_be_assumed_is_a_permission_error),
		SCENE(a_target_that_cannot_be_read_for_an_hour_ends_it),
		SCENE(a_target_that_cannot_be_read_for_a_while_is_waited_for),
		SCENE(an_alarm_that_cannot_be_read_for_a_while_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
