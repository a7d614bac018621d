#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/scenarios/scene.h"

/* Plan files in the artifact, and every kind of guard from the plan to the end of the rollout. */

#define TARGET "target: { lambda: { function: checkout, alias: live } }\n"
#define CANARY \
	"strategy: { canary: { steps: [ { weight: 10, for: 5m }, { weight: 50, for: 5m } ] } }\n"
#define ALARM "  - { alarm: checkout-errors }\n"

/* A release of the code and this plan, for a pipeline that says nothing itself. */
static void push_plan(struct world *w, const char *name, const char *plan, const char *behaviour)
{
	const char *code = arena_printf(w->arena, "# sim: %s\n", behaviour);
	const struct pack_entry files[] = {{.name = name, .bytes = str_from(plan)},
					   {.name = "index.py", .bytes = str_from(code)}};

	world_lambda_function(w, "checkout");
	world_control(w, "codepipeline pipeline checkout action=Canary type=Deploy/Rollout/1");
	world_start(w);
	world_push_files(w, "checkout", files, 2);
}

static const struct sim_action *release(struct world *w, const char *guards, const char *behaviour)
{
	push_plan(w, "rollout.yaml",
		  arena_printf(w->arena, "rollout: 1\n" TARGET CANARY "guards:\n%s", guards),
		  behaviour);
	return scene_end(w, "checkout");
}

static void expect_good(struct world *w, const struct sim_action *a)
{
	scene_expect(a, "Succeeded", NULL, NULL);
	scene_expect_shares(w, scene_alias(w, "checkout"), a, 10., 50., 100., -1.);
	assert_int_equal(world_lambda_live(w, "checkout").version, 2);
	assert_true(world_lambda_live(w, "checkout").is_one);
}

static void expect_restored(struct world *w)
{
	assert_int_equal(world_lambda_live(w, "checkout").version, 1);
	assert_true(world_lambda_live(w, "checkout").is_one);
}

static void a_yaml_plan_is_followed(void **state)
{
	expect_good(*state, release(*state, ALARM, "errors=0.001"));
}

static void a_json_plan_is_followed(void **state)
{
	struct world *w = *state;

	push_plan(w, "rollout.json",
		  "{\"rollout\": 1, \"target\": {\"lambda\": {\"function\": \"checkout\", "
		  "\"alias\": \"live\"}}, \"strategy\": {\"canary\": {\"steps\": ["
		  "{\"weight\": 10, \"for\": \"5m\"}, {\"weight\": 50, \"for\": \"5m\"}]}}, "
		  "\"guards\": [{\"alarm\": \"checkout-errors\"}]}",
		  "errors=0.001");
	expect_good(w, scene_end(w, "checkout"));
}

static void a_plan_that_is_wrong_is_told_with_its_line(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	push_plan(w, "rollout.yaml",
		  "rollout: 1\n" TARGET "strategy:\n  canary:\n    steps:\n"
		  "      - { weight: 50, for: 5m }\n      - { weight: 10, for: 5x }\n"
		  "guards: [ { alarm: checkout-errors, colour: red } ]\n",
		  "errors=0.001");
	a = scene_end(w, "checkout");
	scene_expect(a, "Failed", "ConfigurationError", "rollout.yaml:7", "5x", "rollout.yaml:8",
		     "colour", NULL);
	scene_expect_no_writes(w, a);
}

/* What the pipeline says overrides what the file says. */
static void the_action_overrides_the_file(void **state)
{
	static const char plan[] = "rollout: 1\n" TARGET CANARY "guards:\n" ALARM;
	const struct pack_entry files[] = {{.name = "deploy/plan.yaml", .bytes = str_from(plan)},
					   {.name = "index.py", .bytes = STR("# sim: errors=0")}};
	struct world *w = *state;
	const struct sim_action *a;

	world_lambda_function(w, "checkout");
	world_control(w, "codepipeline pipeline checkout action=Canary type=Deploy/Rollout/1 "
			 "config.Plan=deploy/plan.yaml config.Strategy=\"canary 20%% 3m\" "
			 "config.Overrides=\"bake=4m\"");
	world_start(w);
	world_push_files(w, "checkout", files, 2);
	a = scene_end(w, "checkout");
	scene_expect(a, "Succeeded", NULL, NULL);
	scene_expect_shares(w, scene_alias(w, "checkout"), a, 20., 100., -1.);
	assert_true(a->updated.ms - a->started.ms >= 7 * MINUTE_MS);
}

/* The package is a folder of the artifact: what is beside it does not reach Lambda. */
static void a_folder_of_the_artifact_is_the_code(void **state)
{
	static const char plan[] = "rollout: 1\n"
				   "target: { lambda: { function: checkout, alias: live, code: "
				   "build/function } }\n" CANARY "guards:\n" ALARM;
	const struct pack_entry files[] = {
		{.name = "rollout.yaml", .bytes = str_from(plan)},
		{.name = "build/function/index.py", .bytes = STR("# sim: errors=0.001\n")},
		{.name = "tests/broken.py", .bytes = STR("# sim: errors=0.9\n")}};
	struct world *w = *state;

	world_lambda_function(w, "checkout");
	world_control(w, "codepipeline pipeline checkout action=Canary type=Deploy/Rollout/1");
	world_start(w);
	world_push_files(w, "checkout", files, 3);
	expect_good(w, scene_end(w, "checkout"));
}

/* --- metric --------------------------------------------------------------------------------- */

#define METRIC "  - { metric: AWS/Lambda/Errors, at_most: 20, missing: zero }\n"

static void a_metric_of_the_candidate_passes(void **state)
{
	expect_good(*state, release(*state, METRIC, "errors=0.001"));
}

static void a_metric_of_the_candidate_fails(void **state)
{
	struct world *w = *state;
	const struct sim_action *a = release(w, METRIC, "errors=0.5");

	scene_expect(a, "Failed", "JobFailed", "AWS/Lambda/Errors", "at most 20",
		     "10% on the candidate", "The baseline carries all traffic", NULL);
	scene_expect_shares(w, scene_alias(w, "checkout"), a, 10., 0., -1.);
	expect_restored(w);
}

/* Without traffic there is no data; that is no Pass. */
static void a_metric_without_data_does_not_pass(void **state)
{
	struct world *w = *state;
	const struct sim_action *a =
		release(w, "  - { metric: Shop/Nothing, below: 5 }\n", "errors=0.001");

	scene_expect(a, "Failed", "JobFailed", "no Pass for 20m", "Shop/Nothing", NULL);
	scene_expect_shares(w, scene_alias(w, "checkout"), a, 10., 0., -1.);
	expect_restored(w);
}

/* --- probe ---------------------------------------------------------------------------------- */

#define PROBE "  - { probe: \"https://shop.example.com/health\", expect: 200, failures: 3 }\n"

static void a_probe_that_answers_passes(void **state)
{
	struct world *w = *state;

	world_control(w, "web page shop.example.com /health status=200 body=fine");
	expect_good(w, release(w, PROBE, "errors=0.001"));
}

static void a_probe_that_fails_in_a_row_takes_it_back(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	world_control(w, "web page shop.example.com /health status=200 fails_in=5m");
	a = release(w, PROBE, "errors=0.001");
	scene_expect(a, "Failed", "JobFailed", "https://shop.example.com/health",
		     "3 times in a row", "HTTP 500", NULL);
	expect_restored(w);
}

/* Two lost packets are no bad release. */
static void a_probe_may_fail_less_often(void **state)
{
	struct world *w = *state;

	world_control(w, "web page shop.example.com /health status=200 fails_in=5m fails_for=15s");
	expect_good(w, release(w, PROBE, "errors=0.001"));
}

static void a_probe_in_verify_keeps_traffic_away(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	world_control(w, "web page shop.example.com /health status=503");
	a = release(w, PROBE, "errors=0.001");
	scene_expect(a, "Failed", "JobFailed", "HTTP 503", NULL);
	scene_expect_shares(w, scene_alias(w, "checkout"), a, -1.);
	expect_restored(w);
}

/* --- invoke --------------------------------------------------------------------------------- */

static void a_smoke_test_passes_before_traffic(void **state)
{
	struct world *w = *state;

	world_control(w, "lambda function smoke code=\"sim: smoke=ok\"");
	expect_good(w, release(w, ALARM "  - { invoke: smoke, in: verify }\n", "errors=0.001"));
	assert_true(sim_call_count(w->sim, "lambda", "Invoke") >= 1);
}

static void a_smoke_test_that_fails_keeps_traffic_away(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	world_control(w, "lambda function smoke code=\"sim: smoke=fail\"");
	a = release(w, ALARM "  - { invoke: smoke, in: verify }\n", "errors=0.001");
	scene_expect(a, "Failed", "JobFailed", "smoke", "The baseline carries all traffic", NULL);
	scene_expect_shares(w, scene_alias(w, "checkout"), a, -1.);
	expect_restored(w);
}

/* The function under test is the target itself: its candidate is invoked, not what serves. */
static void the_candidate_itself_is_invoked(void **state)
{
	struct world *w = *state;
	const struct sim_action *a = release(w, ALARM "  - { invoke: checkout, in: verify }\n",
					     "errors=0.001 smoke=fail");

	scene_expect(a, "Failed", "JobFailed", "checkout", NULL);
	scene_expect_shares(w, scene_alias(w, "checkout"), a, -1.);
	expect_restored(w);
}

static void a_verdict_is_taken_at_its_word(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	world_control(
		w,
		"lambda function smoke code=\"sim: smoke=ok\" "
		"reply=\"{\\\"verdict\\\":\\\"Fail\\\",\\\"text\\\":\\\"prices are wrong\\\"}\"");
	a = release(w, ALARM "  - { invoke: smoke, in: verify }\n", "errors=0.001");
	scene_expect(a, "Failed", "JobFailed", "prices are wrong", NULL);
	expect_restored(w);
}

/* --- health --------------------------------------------------------------------------------- */

static void push_load_balancer(struct world *w)
{
	const char *plan;
	struct pack_entry file = {.name = "rollout.yaml"};

	world_load_balancer(w, "web", "canary 5% 10m", false);
	plan = arena_printf(
		w->arena,
		"rollout: 1\ntarget: { load_balancer: { rule: \"%s\" } }\n" CANARY
		"guards:\n  - { alarm: web-errors }\n  - { health: candidate, failures: 2 }\n",
		world_rule(w, "web"));
	file.bytes = str_from(plan);
	world_control(w, "codepipeline pipeline web action=Canary type=Deploy/Rollout/1");
	world_start(w);
	world_push_files(w, "web", &file, 1);
}

static void a_healthy_candidate_passes(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	push_load_balancer(w);
	a = scene_end(w, "web");
	scene_expect(a, "Succeeded", NULL, NULL);
	scene_expect_shares(w, world_rule(w, "web"), a, 10., 50., 100., -1.);
}

static void a_candidate_that_sickens_is_taken_back(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	push_load_balancer(w);
	scene_run_until_share(w, world_rule(w, "web"), 10);
	world_run(w, MINUTE_MS);
	world_control(w, "elbv2 target web-green i-web-green-2 state=unhealthy");
	a = scene_end(w, "web");
	scene_expect(a, "Failed", "JobFailed", "not healthy", "The baseline carries all traffic",
		     NULL);
	scene_expect_shares(w, world_rule(w, "web"), a, 10., 0., -1.);
}

#define SCENE(f) cmocka_unit_test_setup_teardown(f, scene_set_up, scene_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(a_yaml_plan_is_followed),
		SCENE(a_json_plan_is_followed),
		SCENE(a_plan_that_is_wrong_is_told_with_its_line),
		SCENE(the_action_overrides_the_file),
		SCENE(a_folder_of_the_artifact_is_the_code),
		SCENE(a_metric_of_the_candidate_passes),
		SCENE(a_metric_of_the_candidate_fails),
		SCENE(a_metric_without_data_does_not_pass),
		SCENE(a_probe_that_answers_passes),
		SCENE(a_probe_that_fails_in_a_row_takes_it_back),
		SCENE(a_probe_may_fail_less_often),
		SCENE(a_probe_in_verify_keeps_traffic_away),
		SCENE(a_smoke_test_passes_before_traffic),
		SCENE(a_smoke_test_that_fails_keeps_traffic_away),
		SCENE(the_candidate_itself_is_invoked),
		SCENE(a_verdict_is_taken_at_its_word),
		SCENE(a_healthy_candidate_passes),
		SCENE(a_candidate_that_sickens_is_taken_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
