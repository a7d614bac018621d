#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/scenarios/scene.h"
#include "worker/rollout/token.h"

/* What operators say, by the ledger; and plans that are lost or change on the way. */

static const char APPROVED[] =
	"rollout: 1\n"
	"target: { lambda: { function: checkout, alias: live } }\n"
	"strategy: { canary: { steps: [ { weight: 10, for: 2m, approve: true },"
	" { weight: 50, for: 2m, approve: true } ], bake: 2m } }\n"
	"guards: [ { alarm: checkout-errors } ]\n";

static void push(struct world *w, const char *plan)
{
	const struct pack_entry files[] = {
		{.name = "rollout.yaml", .bytes = str_from(plan)},
		{.name = "index.py", .bytes = STR("# sim: errors=0.001\n")}};

	world_lambda_function(w, "checkout");
	world_control(w, "codepipeline pipeline checkout action=Canary type=Deploy/Rollout/1");
	world_start(w);
	world_push_files(w, "checkout", files, 2);
}

static void say(struct world *w, const char *command)
{
	const struct sim_action *a = sim_action_find(w->sim, "checkout", NULL);
	char id[ROLLOUT_ID_MAX + 1];
	struct ledger_command c = {
		.rollout_id = id, .command = command, .user = "operator", .at = sim_now(w->sim)};
	struct err err = ERR_INIT;

	rollout_id_from(str_from(a->action_execution_id), id);
	assert_int_equal(ledger_command_put(w->workers[0].ledger, &c, &err), 0);
	rollouts_wake(w->workers[0].worker, id);
}

static double share(struct world *w)
{
	return world_lambda_live(w, "checkout").candidate;
}

/* An approval is for one step. */
static void each_step_waits_for_its_own_approval(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	push(w, APPROVED);
	scene_run_until_share(w, scene_alias(w, "checkout"), 10);
	world_run(w, 30 * MINUTE_MS);
	assert_true(share(w) == 10);
	say(w, "promote");
	world_run(w, 5 * MINUTE_MS);
	assert_true(share(w) == 50);
	world_run(w, 30 * MINUTE_MS);
	assert_true(share(w) == 50);
	say(w, "promote");
	a = scene_end(w, "checkout");
	scene_expect(a, "Succeeded", NULL, NULL);
	scene_expect_shares(w, scene_alias(w, "checkout"), a, 10., 50., 100., -1.);
}

static void an_operator_can_take_it_back(void **state)
{
	struct world *w = *state;

	push(w, APPROVED);
	scene_run_until_share(w, scene_alias(w, "checkout"), 10);
	world_run(w, MINUTE_MS);
	say(w, "rollback");
	world_run(w, 10000);
	assert_true(share(w) == 0); /* at once, whoever has the job */
	scene_expect(scene_end(w, "checkout"), "Failed", "JobFailed", "operator",
		     "The baseline carries all traffic", NULL);
	assert_true(world_lambda_live(w, "checkout").is_one);
}

static void what_is_held_stays_until_it_is_resumed(void **state)
{
	struct world *w = *state;

	world_lambda(w, "checkout", "canary 10% 3m, 50% 3m");
	world_start(w);
	world_push(w, "checkout", "errors=0.001");
	scene_run_until_share(w, scene_alias(w, "checkout"), 10);
	say(w, "hold");
	world_run(w, 30 * MINUTE_MS);
	assert_true(share(w) == 10);
	say(w, "resume");
	scene_expect(scene_end(w, "checkout"), "Succeeded", NULL, NULL);
}

/* --- plans that are lost -------------------------------------------------------------------- */

static void to_half(struct world *w)
{
	world_lambda(w, "checkout", "canary 10% 3m, 50% 15m bake 3m");
	world_start(w);
	world_push(w, "checkout", "errors=0.001");
	scene_run_until_share(w, scene_alias(w, "checkout"), 50);
	world_run(w, MINUTE_MS);
}

/* Nobody would watch the candidate while the plan cannot be read: that may not last. */
static void a_plan_that_cannot_be_read_any_more_takes_it_back(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	to_half(w);
	world_kill(w);
	sim_fault_service(w->sim, "s3");
	sim_fault_at(w->sim, 1, SIM_FAULT_500, 1000000);
	world_start(w);
	a = scene_end(w, "checkout");
	assert_string_equal(a->status, "Failed");
	scene_expect(a, "Failed", NULL, "The baseline carries all traffic", NULL);
	assert_true(world_lambda_live(w, "checkout").is_one);
	assert_true(share(w) == 0);
}

static void an_artifact_that_cannot_be_read_for_a_while_is_waited_for(void **state)
{
	struct world *w = *state;

	to_half(w);
	world_kill(w);
	sim_fault_service(w->sim, "s3");
	sim_fault_at(w->sim, 1, SIM_FAULT_500, 12);
	world_start(w);
	scene_expect(scene_end(w, "checkout"), "Succeeded", NULL, NULL);
}

/* The pipeline is edited in the middle: what runs is not what was checked. */
static void a_plan_that_changes_on_the_way_takes_it_back(void **state)
{
	static const char other[] = "rollout: 1\n"
				    "target: { lambda: { function: checkout, alias: live } }\n"
				    "strategy: { canary: { steps: [ { weight: 90, for: 1m } ] } }\n"
				    "guards: [ { alarm: checkout-errors } ]\n";
	const struct pack_entry files[] = {{.name = "rollout.yaml", .bytes = str_from(other)}};
	struct world *w = *state;
	const struct sim_action *a;

	push(w, APPROVED);
	scene_run_until_share(w, scene_alias(w, "checkout"), 10);
	world_run(w, MINUTE_MS);
	world_kill(w);
	world_replace_files(w, scene_source_key(w, "checkout"), files, 1);
	world_start(w);
	a = scene_end(w, "checkout");
	scene_expect(a, "Failed", "ConfigurationError", "not the one this rollout started with",
		     "The baseline carries all traffic", NULL);
	assert_true(world_lambda_live(w, "checkout").is_one);
	assert_true(share(w) == 0);
}

static bool is_parked(struct world *w, void *arg)
{
	(void)arg;
	return w->workers[0].worker->n_jobs == 0;
}

/* It went back between jobs, and the process died: the next job needs no artifact to be told. */
static void an_end_is_told_though_the_artifact_is_gone(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	to_half(w);
	assert_true(world_run_until(w, is_parked, NULL, 5 * MINUTE_MS));
	say(w, "rollback");
	world_run(w, 100);
	assert_true(share(w) == 0 && is_parked(w, NULL));
	world_kill(w);
	world_replace_files(w, scene_source_key(w, "checkout"), NULL, 0);
	world_start(w);
	a = scene_end(w, "checkout");
	scene_expect(a, "Failed", "JobFailed", "operator asked", "The baseline carries all traffic",
		     NULL);
}

#define SCENE(f) cmocka_unit_test_setup_teardown(f, scene_set_up, scene_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(each_step_waits_for_its_own_approval),
		SCENE(an_operator_can_take_it_back),
		SCENE(what_is_held_stays_until_it_is_resumed),
		SCENE(a_plan_that_cannot_be_read_any_more_takes_it_back),
		SCENE(an_artifact_that_cannot_be_read_for_a_while_is_waited_for),
		SCENE(a_plan_that_changes_on_the_way_takes_it_back),
		SCENE(an_end_is_told_though_the_artifact_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
