#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/scenarios/scene.h"

/* Rollouts to Lambda, strategy by strategy, good and bad. */

#define CANARY "canary 5% 10m, 25% 10m, 50% 10m bake 5m"
#define GOOD "errors=0.001"
#define BAD "errors=0.5"

static const struct sim_action *release(struct world *w, const char *strategy,
					const char *behaviour)
{
	world_lambda(w, "checkout", strategy);
	world_start(w);
	world_push(w, "checkout", behaviour);
	return scene_end(w, "checkout");
}

static void expect_version(struct world *w, int version)
{
	struct world_live live = world_lambda_live(w, "checkout");

	assert_int_equal(live.version, version);
	assert_int_equal(live.additional, 0);
}

static void a_good_release_goes_out_by_canary(void **state)
{
	struct world *w = *state;
	const struct sim_action *a = release(w, CANARY, GOOD);

	scene_expect(a, "Succeeded", NULL, "serves everything", NULL);
	scene_expect_shares(w, scene_alias(w, "checkout"), a, 5., 25., 50., 100., -1.);
	scene_expect_only_reads_before_token(w, a);
	expect_version(w, 2);
	assert_int_equal(a->percent, 100);
	assert_true(a->n_tokens > 5);
	/* no step was shorter than its watch, and the bake time was waited for */
	assert_true(a->updated.ms - a->started.ms >= 35 * MINUTE_MS);
	assert_true(a->updated.ms - a->started.ms < 50 * MINUTE_MS);
}

static void the_success_says_what_went_out(void **state)
{
	struct world *w = *state;
	const struct sim_action *a = release(w, "canary 20% 3m", GOOD);
	const char *id = a->external_execution_id;
	struct err err = ERR_INIT;
	struct json *variables;

	scene_expect(a, "Succeeded", NULL, NULL);
	assert_int_equal(json_parse(w->arena, str_from(a->output_variables_json), &variables, &err),
			 0);
	assert_true(str_is(json_text(json_get(variables, "RolloutId")), id));
	assert_true(str_starts(json_text(json_get(variables, "RolloutHandle")),
			       arena_printf(w->arena, "h1.%s.", id)));
	assert_true(json_text(json_get(variables, "RolloutState")).n > 100);
	assert_true(str_is(json_text(json_get(variables, "Candidate")), "2"));
	assert_true(str_is(json_text(json_get(variables, "Baseline")), "1"));
	assert_true(str_is(json_text(json_get(variables, "Strategy")), "canary"));
}

static void percent_never_falls(void **state)
{
	struct world *w = *state;
	const struct sim_action *a = release(w, CANARY, BAD);
	int percent = 0;

	for (size_t i = 0; i < a->n_reports; i++) {
		if (a->reports[i].percent < 0)
			continue;
		assert_true(a->reports[i].percent >= percent);
		percent = a->reports[i].percent;
	}
	assert_true(percent > 0);
}

static void a_bad_release_is_rolled_back(void **state)
{
	struct world *w = *state;
	const struct sim_action *a = release(w, CANARY, BAD);

	scene_expect(a, "Failed", "JobFailed", "checkout-errors", "with 5% on the candidate",
		     "greater than the threshold (30.0)", "The baseline carries all traffic",
		     "read back", "step 1 of 3", NULL);
	scene_expect_shares(w, scene_alias(w, "checkout"), a, 5., 0., -1.);
	expect_version(w, 1);
}

/* Bad in a way that only shows when much traffic comes. */
static void a_release_can_fail_late(void **state)
{
	struct world *w = *state;
	const struct sim_action *a = release(w, CANARY, "errors=0.03");

	scene_expect(a, "Failed", "JobFailed", "checkout-errors",
		     "The baseline carries all traffic", NULL);
	scene_expect_shares(w, scene_alias(w, "checkout"), a, 5., 25., 0., -1.);
	expect_version(w, 1);
}

/* Nothing is reported before a look has shown it. */
static void a_success_is_read_back(void **state)
{
	struct world *w = *state;
	const struct sim_action *a = release(w, "canary 20% 3m", GOOD);
	const struct sim_call *calls;
	size_t n = sim_call_log(w->sim, &calls);
	int64_t changed = -1, looked = -1;

	scene_expect(a, "Succeeded", NULL, NULL);
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(calls[i].operation, "UpdateAlias"))
			changed = (int64_t)i;
		if (!strcmp(calls[i].operation, "GetAlias"))
			looked = (int64_t)i;
	}
	assert_true(changed >= 0 && looked > changed);
}

static void linear_rises_step_by_step(void **state)
{
	struct world *w = *state;
	const struct sim_action *a = release(w, "linear 20% every 3m bake 3m", GOOD);

	scene_expect(a, "Succeeded", NULL, NULL);
	scene_expect_shares(w, scene_alias(w, "checkout"), a, 20., 40., 60., 80., 100., -1.);
	expect_version(w, 2);
}

static void a_bad_release_does_not_get_past_the_first_linear_step(void **state)
{
	struct world *w = *state;
	const struct sim_action *a = release(w, "linear 20% every 3m bake 3m", BAD);

	scene_expect(a, "Failed", "JobFailed", "checkout-errors", NULL);
	scene_expect_shares(w, scene_alias(w, "checkout"), a, 20., 0., -1.);
	expect_version(w, 1);
}

static void blue_green_switches_and_bakes(void **state)
{
	struct world *w = *state;
	const struct sim_action *a = release(w, "blue-green bake 10m", GOOD);

	scene_expect(a, "Succeeded", NULL, NULL);
	scene_expect_shares(w, scene_alias(w, "checkout"), a, 100., -1.);
	expect_version(w, 2);
	assert_true(a->updated.ms - a->started.ms >= 10 * MINUTE_MS);
}

static void a_bad_release_is_taken_back_while_it_bakes(void **state)
{
	struct world *w = *state;
	const struct sim_action *a = release(w, "blue-green bake 10m", BAD);

	scene_expect(a, "Failed", "JobFailed", "checkout-errors", "100% on the candidate",
		     "The baseline carries all traffic", NULL);
	scene_expect_shares(w, scene_alias(w, "checkout"), a, 100., 0., -1.);
	expect_version(w, 1);
}

static void all_at_once_can_bake(void **state)
{
	struct world *w = *state;
	const struct sim_action *a = release(w, "all-at-once bake 5m", GOOD);

	scene_expect(a, "Succeeded", NULL, NULL);
	expect_version(w, 2);
}

static void a_bad_release_all_at_once_goes_back(void **state)
{
	struct world *w = *state;
	const struct sim_action *a = release(w, "all-at-once bake 5m", BAD);

	scene_expect(a, "Failed", "JobFailed", "checkout-errors", NULL);
	expect_version(w, 1);
}

static void names_of_codedeploy_work(void **state)
{
	struct world *w = *state;
	const struct sim_action *a = release(w, "LambdaCanary10Percent5Minutes", GOOD);

	scene_expect(a, "Succeeded", NULL, NULL);
	scene_expect_shares(w, scene_alias(w, "checkout"), a, 10., 100., -1.);
}

/* No alias yet: there is no baseline, so the alias is made. */
static void the_first_deployment_makes_the_alias(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	world_control(w, "lambda function checkout code=\"sim: errors=0.001\"");
	world_alarm(w, "checkout");
	world_lambda_pipeline(w, "checkout", CANARY);
	world_start(w);
	world_push(w, "checkout", GOOD);
	a = scene_end(w, "checkout");
	scene_expect(a, "Succeeded", NULL, NULL);
	scene_expect_only_reads_before_token(w, a);
	expect_version(w, 2);
	assert_int_equal(sim_call_count(w->sim, "lambda", "CreateAlias"), 1);
}

static void unchanged_code_succeeds_without_moving_anything(void **state)
{
	struct world *w = *state;
	const struct sim_action *a = release(w, "canary 20% 3m", GOOD), *again;
	uint64_t before;

	scene_expect(a, "Succeeded", NULL, NULL);
	before = sim_call_count(w->sim, "lambda", "UpdateAlias");
	world_push(w, "checkout", GOOD);
	world_run(w, 1000);
	again = scene_end(w, "checkout");
	assert_string_not_equal(again->execution_id, a->execution_id);
	scene_expect(again, "Succeeded", NULL, "nothing to shift", NULL);
	assert_int_equal(sim_call_count(w->sim, "lambda", "UpdateAlias"), before);
	expect_version(w, 2);
}

/* One release after the other, the second bad: it goes back to the first, not to the beginning. */
static void a_bad_release_goes_back_to_the_one_before(void **state)
{
	struct world *w = *state;
	const struct sim_action *a =
		release(w, "canary 20% 3m bake 3m", "errors=0.001 latency_ms=21");

	scene_expect(a, "Succeeded", NULL, NULL);
	world_push(w, "checkout", BAD);
	world_run(w, 1000);
	a = scene_end(w, "checkout");
	scene_expect(a, "Failed", "JobFailed", NULL);
	expect_version(w, 2);
}

#define SCENE(f) cmocka_unit_test_setup_teardown(f, scene_set_up, scene_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(a_good_release_goes_out_by_canary),
		SCENE(the_success_says_what_went_out),
		SCENE(percent_never_falls),
		SCENE(a_bad_release_is_rolled_back),
		SCENE(a_release_can_fail_late),
		SCENE(a_success_is_read_back),
		SCENE(linear_rises_step_by_step),
		SCENE(a_bad_release_does_not_get_past_the_first_linear_step),
		SCENE(blue_green_switches_and_bakes),
		SCENE(a_bad_release_is_taken_back_while_it_bakes),
		SCENE(all_at_once_can_bake),
		SCENE(a_bad_release_all_at_once_goes_back),
		SCENE(names_of_codedeploy_work),
		SCENE(the_first_deployment_makes_the_alias),
		SCENE(unchanged_code_succeeds_without_moving_anything),
		SCENE(a_bad_release_goes_back_to_the_one_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
