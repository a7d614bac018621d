#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/scenarios/scene.h"

/* What people and silence do to a rollout in the middle of it. */

#define CANARY "canary 5% 10m, 25% 10m bake 10m"
#define GOOD "errors=0.001"

static void start_canary(struct world *w)
{
	world_lambda(w, "checkout", CANARY);
	world_start(w);
	world_push(w, "checkout", GOOD);
}

static void to_first_step(struct world *w)
{
	scene_run_until_share(w, scene_alias(w, "checkout"), 5);
	world_run(w, 3 * MINUTE_MS);
}

static void expect_version(struct world *w, int version)
{
	struct world_live live = world_lambda_live(w, "checkout");

	assert_int_equal(live.version, version);
	assert_int_equal(live.additional, 0);
}

/* No rollout is left open, here or on disk. */
static void expect_nothing_left(struct world *w)
{
	struct ledger_rollout *rollouts;
	struct ledger_report *reports;
	struct ledger_job *jobs;
	struct err err = ERR_INIT;
	size_t n = 99;

	assert_int_equal(w->workers[0].worker->n_rollouts, 0);
	assert_int_equal(
		ledger_rollouts(w->workers[0].ledger, true, 10, w->arena, &rollouts, &n, &err), 0);
	assert_int_equal(n, 0);
	assert_int_equal(ledger_jobs(w->workers[0].ledger, w->arena, &jobs, &n, &err), 0);
	assert_int_equal(n, 0);
	assert_int_equal(ledger_reports(w->workers[0].ledger, w->arena, &reports, &n, &err), 0);
	assert_int_equal(n, 0);
}

/* --- the target is changed by hand ---------------------------------------------------------- */

static void an_alias_moved_by_hand_is_left_as_found(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;
	uint64_t writes;

	start_canary(w);
	to_first_step(w);
	world_control(w, "lambda publish checkout code=\"sim: errors=0.001 latency_ms=5\"");
	world_control(w, "lambda alias checkout live version=3 additional=0");
	writes = sim_call_count(w->sim, "lambda", "UpdateAlias");
	a = scene_end(w, "checkout");
	scene_expect(a, "Failed", "RevisionOutOfSync", "version 3", NULL);
	world_run(w, 30 * MINUTE_MS);
	assert_int_equal(sim_call_count(w->sim, "lambda", "UpdateAlias"), writes);
	expect_version(w, 3);
	expect_nothing_left(w);
}

static void a_weight_set_by_hand_takes_it_back(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	start_canary(w);
	to_first_step(w);
	world_control(w, "lambda alias checkout live additional=2 weight=0.17");
	a = scene_end(w, "checkout");
	scene_expect(a, "Failed", "RevisionOutOfSync", "17%", "The baseline carries all traffic",
		     NULL);
	expect_version(w, 1);
}

static void weights_cleared_by_hand_end_it(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	start_canary(w);
	to_first_step(w);
	world_control(w, "lambda alias checkout live additional=0");
	a = scene_end(w, "checkout");
	scene_expect(a, "Failed", "RevisionOutOfSync", "back on the baseline", NULL);
	expect_version(w, 1);
}

/* Somebody is faster than the plan: the step's own weight is set again, and watched again. */
static void another_steps_weight_is_set_back(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	start_canary(w);
	to_first_step(w);
	world_control(w, "lambda alias checkout live additional=2 weight=0.25");
	a = scene_end(w, "checkout");
	scene_expect(a, "Succeeded", NULL, NULL);
	scene_expect_shares(w, scene_alias(w, "checkout"), a, 5., 25., 5., 25., 100., -1.);
	expect_version(w, 2);
}

/* --- guards that say nothing ---------------------------------------------------------------- */

static void silent_alarm(struct world *w, const char *missing)
{
	world_control(w,
		      "cloudwatch alarm checkout-errors namespace=Shop metric=Nothing stat=Sum "
		      "period=60 threshold=30 missing=%s state=OK",
		      missing);
}

static void a_silent_guard_holds_and_then_takes_it_back(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	world_lambda(w, "checkout", CANARY);
	silent_alarm(w, "missing");
	world_start(w);
	world_push(w, "checkout", GOOD);
	a = scene_end(w, "checkout");
	scene_expect(a, "Failed", "JobFailed", "no Pass for 20m", "checkout-errors",
		     "The baseline carries all traffic", NULL);
	scene_expect_shares(w, scene_alias(w, "checkout"), a, 5., 0., -1.);
	expect_version(w, 1);
}

static void a_step_never_ends_on_unknown(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	world_lambda(w, "checkout", CANARY);
	silent_alarm(w, "missing");
	world_start(w);
	world_push(w, "checkout", GOOD);
	/* long after the watch time of ten minutes the step is still the first */
	scene_run_until_share(w, scene_alias(w, "checkout"), 5);
	world_run(w, 18 * MINUTE_MS);
	assert_true(world_lambda_live(w, "checkout").candidate == 5);
	silent_alarm(w, "notBreaching");
	a = scene_end(w, "checkout");
	scene_expect(a, "Succeeded", NULL, NULL);
	scene_expect_shares(w, scene_alias(w, "checkout"), a, 5., 25., 100., -1.);
}

/* An alarm that cannot be asked is no Pass either. */
static void an_alarm_that_cannot_be_asked_holds(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	start_canary(w);
	to_first_step(w);
	sim_fault_operation(w->sim, "DescribeAlarms");
	sim_fault_at(w->sim, 1, SIM_FAULT_500, 1000000);
	a = scene_end(w, "checkout");
	scene_expect(a, "Failed", "JobFailed", "no Pass for 20m",
		     "The baseline carries all traffic", NULL);
	scene_expect_shares(w, scene_alias(w, "checkout"), a, 5., 0., -1.);
}

static void an_alarm_deleted_in_the_middle_does_not_pass(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	start_canary(w);
	to_first_step(w);
	world_control(w, "cloudwatch delete checkout-errors");
	a = scene_end(w, "checkout");
	assert_string_equal(a->status, "Failed");
	scene_expect_shares(w, scene_alias(w, "checkout"), a, 5., 0., -1.);
}

static void the_budget_ends_what_holds(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	world_lambda_function(w, "checkout");
	silent_alarm(w, "missing");
	world_control(w,
		      "codepipeline pipeline checkout action=Canary type=Deploy/Rollout/1 "
		      "config.Target=\"lambda:checkout:live\" config.Strategy=\"canary 5%% 10m\" "
		      "config.Alarms=checkout-errors config.MaxDuration=1h "
		      "config.Overrides=\"unknown.hold_at_most=5h\"");
	world_start(w);
	world_push(w, "checkout", GOOD);
	a = scene_end(w, "checkout");
	scene_expect(a, "Failed", "JobFailed", "budget of 1h", "The baseline carries all traffic",
		     NULL);
	assert_true(a->updated.ms - a->started.ms <= HOUR_MS);
	expect_version(w, 1);
}

/* --- the execution is stopped --------------------------------------------------------------- */

/* Stop and wait lets the action end by itself. */
static void stop_and_wait_lets_it_end(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	start_canary(w);
	to_first_step(w);
	world_control(w, "codepipeline stop checkout");
	a = scene_end(w, "checkout");
	scene_expect(a, "Succeeded", NULL, NULL);
	expect_version(w, 2);
}

static void abandon(struct world *w)
{
	world_control(w, "codepipeline stop checkout abandon");
	world_run(w, 25 * MINUTE_MS);
}

static void expect_restored(struct world *w)
{
	expect_version(w, 1);
	expect_nothing_left(w);
}

static void abandoned_before_anything_was_touched(void **state)
{
	struct world *w = *state;

	start_canary(w);
	scene_run_until_summary(w, "checkout", "");
	abandon(w);
	scene_expect_no_writes(w, sim_action_find(w->sim, "checkout", NULL));
	expect_restored(w);
}

static void abandoned_while_the_candidate_comes_up(void **state)
{
	struct world *w = *state;

	world_lambda(w, "checkout", CANARY);
	world_control(w, "lambda function checkout update_ms=120000");
	world_start(w);
	world_push(w, "checkout", GOOD);
	scene_run_until_summary(w, "checkout", "bringing");
	abandon(w);
	expect_restored(w);
}

static void abandoned_in_the_first_step(void **state)
{
	struct world *w = *state;

	start_canary(w);
	to_first_step(w);
	abandon(w);
	expect_restored(w);
}

static void abandoned_in_the_last_step(void **state)
{
	struct world *w = *state;

	start_canary(w);
	scene_run_until_share(w, scene_alias(w, "checkout"), 25);
	world_run(w, MINUTE_MS);
	abandon(w);
	expect_restored(w);
}

static void abandoned_while_it_bakes(void **state)
{
	struct world *w = *state;

	start_canary(w);
	scene_run_until_share(w, scene_alias(w, "checkout"), 100);
	world_run(w, MINUTE_MS);
	abandon(w);
	expect_restored(w);
}

/* The worker was dead when it was abandoned, and knows the rollout from its disk only. */
static void abandoned_while_the_worker_was_dead(void **state)
{
	struct world *w = *state;

	start_canary(w);
	scene_run_until_share(w, scene_alias(w, "checkout"), 25);
	world_run(w, MINUTE_MS);
	world_kill(w);
	world_control(w, "codepipeline stop checkout abandon");
	world_run(w, 40 * MINUTE_MS);
	world_start(w);
	world_run(w, 10 * MINUTE_MS);
	expect_restored(w);
}

static void a_plan_may_leave_what_is_abandoned(void **state)
{
	static const char plan[] = "rollout: 1\n"
				   "target: { lambda: { function: checkout, alias: live } }\n"
				   "strategy: { canary: { steps: [ { weight: 5, for: 10m } ] } }\n"
				   "guards: [ { alarm: checkout-errors } ]\n"
				   "rollback: { on: [guard, timeout] }\n";
	const struct pack_entry files[] = {
		{.name = "rollout.yaml", .bytes = str_from(plan)},
		{.name = "index.py", .bytes = STR("# sim: errors=0.001")}};
	struct world *w = *state;
	struct world_live live;

	world_lambda_function(w, "checkout");
	world_control(w, "codepipeline pipeline checkout action=Canary type=Deploy/Rollout/1");
	world_start(w);
	world_push_files(w, "checkout", files, 2);
	to_first_step(w);
	abandon(w);
	live = world_lambda_live(w, "checkout");
	assert_int_equal(live.version, 1);
	assert_int_equal(live.additional, 2);
	expect_nothing_left(w);
}

static void a_deleted_pipeline_is_an_abandoned_one(void **state)
{
	struct world *w = *state;

	start_canary(w);
	to_first_step(w);
	world_control(w, "codepipeline delete checkout");
	world_run(w, 25 * MINUTE_MS);
	expect_restored(w);
}

/* A false alarm takes it back; the retry is a new rollout, of the same code, and goes through. */
static void a_stage_that_failed_can_be_retried(void **state)
{
	struct world *w = *state;
	const struct sim_action *a, *again;

	start_canary(w);
	to_first_step(w);
	world_control(w, "cloudwatch set-state checkout-errors ALARM reason=\"a false one\"");
	a = scene_end(w, "checkout");
	scene_expect(a, "Failed", "JobFailed", "a false one", NULL);
	expect_version(w, 1);
	world_run(w, 5 * MINUTE_MS);
	world_control(w, "codepipeline retry checkout");
	world_run(w, 1000);
	again = scene_end(w, "checkout");
	assert_string_not_equal(again->action_execution_id, a->action_execution_id);
	scene_expect(again, "Succeeded", NULL, NULL);
	expect_version(w, 2);
}

#define SCENE(f) cmocka_unit_test_setup_teardown(f, scene_set_up, scene_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(an_alias_moved_by_hand_is_left_as_found),
		SCENE(a_weight_set_by_hand_takes_it_back),
		SCENE(weights_cleared_by_hand_end_it),
		SCENE(another_steps_weight_is_set_back),
		SCENE(a_silent_guard_holds_and_then_takes_it_back),
		SCENE(a_step_never_ends_on_unknown),
		SCENE(an_alarm_that_cannot_be_asked_holds),
		SCENE(an_alarm_deleted_in_the_middle_does_not_pass),
		SCENE(the_budget_ends_what_holds),
		SCENE(stop_and_wait_lets_it_end),
		SCENE(abandoned_before_anything_was_touched),
		SCENE(abandoned_while_the_candidate_comes_up),
		SCENE(abandoned_in_the_first_step),
		SCENE(abandoned_in_the_last_step),
		SCENE(abandoned_while_it_bakes),
		SCENE(abandoned_while_the_worker_was_dead),
		SCENE(a_plan_may_leave_what_is_abandoned),
		SCENE(a_deleted_pipeline_is_an_abandoned_one),
		SCENE(a_stage_that_failed_can_be_retried),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
