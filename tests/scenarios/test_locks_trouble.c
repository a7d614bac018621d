#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/scenarios/locks.h"
#include "tests/scenarios/world_ecs.h"
#include "worker/ledger_lock.h"

/* What becomes of the lock when its holder is parked, crashes, is abandoned or loses its disk. */

#define GOOD "errors=0.001"
#define OTHER GOOD " latency_ms=20"
#define TARGET "config.Target=\"lambda:checkout:live\" "
#define STRATEGY "config.Strategy=\"canary 10% 5m bake 5m\" config.Alarms=checkout-errors "

static struct world *world_of(void **state)
{
	struct locks *l = *state;

	return &l->w;
}

static const struct sim_action *of(struct world *w, const char *pipeline)
{
	return sim_action_find(w->sim, pipeline, "Canary");
}

/* Pipeline checkout is at its first step, and other waits for it. */
static void begin(void **state, const char *words)
{
	struct world *w = world_of(state);

	world_lambda_function(w, "checkout");
	locks_pipeline(*state, "checkout", "1", words);
	locks_pipeline(*state, "other", "1", TARGET STRATEGY);
	world_start(w);
	world_push(w, "checkout", GOOD);
	scene_run_until_share(w, scene_alias(w, "checkout"), 10);
	world_push(w, "other", OTHER);
	scene_run_until_summary(w, "other", "waiting for rollout r-");
}

static void expect_version(struct world *w, int version)
{
	struct world_live live = world_lambda_live(w, "checkout");

	assert_true(live.is_one);
	assert_int_equal(live.version, version);
}

static size_t n_locks(struct world *w, int i)
{
	struct ledger_holder *held;
	struct err err = ERR_INIT;
	size_t n = 9;

	assert_int_equal(ledger_locks(w->workers[i].ledger, w->arena, &held, &n, &err), 0);
	return n;
}

/* --- the holder's process --------------------------------------------------------------------- */

static void the_holder_crashes_and_goes_on(void **state)
{
	struct world *w = world_of(state);

	begin(state, TARGET STRATEGY);
	world_kill(w);
	world_run(w, MINUTE_MS);
	world_start(w);
	scene_expect(scene_end(w, "checkout"), "Succeeded", NULL, NULL);
	scene_expect(scene_end(w, "other"), "Succeeded", NULL, NULL);
	locks_expect_after(of(w, "checkout"), of(w, "other"));
	expect_version(w, 3);
	assert_int_equal(n_locks(w, 0), 0);
}

/* A crash at any moment of the first minutes: of the lock, of the first change, between. */
static void at_any_moment(void **state)
{
	(void)state;
	for (int s = 0; s < 100; s += 9) {
		struct world *w;
		void *other;

		assert_int_equal(locks_set_up(&other), 0);
		w = other;
		world_lambda_function(w, "checkout");
		locks_pipeline(other, "checkout", "1", TARGET STRATEGY);
		locks_pipeline(other, "other", "1", TARGET STRATEGY);
		world_start(w);
		world_push(w, "checkout", GOOD);
		world_push(w, "other", OTHER);
		world_run(w, s * 1000);
		world_kill(w);
		world_run(w, 30000);
		world_start(w);
		scene_expect(scene_end(w, "checkout"), "Succeeded", NULL, NULL);
		scene_expect(scene_end(w, "other"), "Succeeded", NULL, NULL);
		expect_version(w, 3);
		assert_int_equal(n_locks(w, 0), 0);
		assert_int_equal(locks_tear_down(&other), 0);
	}
}

/* Who waits is told by its token, wherever its next job goes. */
static void the_one_that_waits_is_restarted(void **state)
{
	struct world *w = world_of(state);
	const struct sim_action *a;

	begin(state, TARGET "config.Strategy=\"canary 10% 30m\" config.Alarms=checkout-errors");
	world_control(w, "codepipeline pipeline third action=Canary type=Deploy/Rollout/1 " TARGET
			 "config.Strategy=\"canary 10%% 5m\" config.Alarms=checkout-errors "
			 "config.Overrides=busy.wait_at_most=12m");
	world_push(w, "third", GOOD " latency_ms=30");
	for (int i = 0; i < 3; i++) {
		world_run(w, 3 * MINUTE_MS);
		assert_true(world_stop_worker(w, 0, MINUTE_MS));
		world_start(w);
	}
	a = scene_end(w, "third");
	scene_expect(a, "Failed", "RevisionOutOfSync", "waited for 12m", NULL);
	assert_true(a->updated.ms - a->started.ms < 15 * MINUTE_MS);
	scene_expect(scene_end(w, "other"), "Succeeded", NULL, NULL);
	locks_expect_after(of(w, "checkout"), of(w, "other"));
	expect_version(w, 3);
}

static void the_ledger_is_lost(void **state)
{
	struct world *w = world_of(state);

	begin(state, TARGET STRATEGY);
	for (int i = 0; i < 3; i++) {
		assert_true(world_stop_worker(w, 0, MINUTE_MS));
		world_lose_ledger(w);
		world_start(w);
		world_run(w, 2 * MINUTE_MS);
	}
	scene_expect(scene_end(w, "checkout"), "Succeeded", NULL, NULL);
	scene_expect(scene_end(w, "other"), "Succeeded", NULL, NULL);
	expect_version(w, 3);
	assert_int_equal(n_locks(w, 0), 0);
}

/* A disk that refuses lets nothing begin, and keeps nothing from ending. */
static void a_broken_disk_locks_nothing(void **state)
{
	struct world *w = world_of(state);

	world_lambda_function(w, "checkout");
	locks_pipeline(*state, "checkout", "1", TARGET STRATEGY);
	world_start(w);
	ledger_freeze(w->workers[0].ledger);
	world_push(w, "checkout", GOOD);
	world_run(w, 10 * MINUTE_MS);
	scene_expect_no_writes(w, of(w, "checkout"));
}

/* --- its execution ---------------------------------------------------------------------------- */

static void the_holder_is_abandoned(void **state)
{
	struct world *w = world_of(state);

	begin(state, TARGET "config.Strategy=\"canary 10% 3h\" config.Alarms=checkout-errors");
	world_control(w, "codepipeline stop checkout abandon");
	scene_expect(scene_end(w, "other"), "Succeeded", NULL, NULL);
	assert_true(locks_token_has(of(w, "other"), "\\\"v\\\":\\\"1\\\""));
	expect_version(w, 3);
	assert_int_equal(n_locks(w, 0), 0);
}

static void the_one_that_waits_is_abandoned(void **state)
{
	struct world *w = world_of(state);
	struct ledger_wait *waits;
	struct err err = ERR_INIT;
	size_t n = 9;

	begin(state, TARGET "config.Strategy=\"canary 10% 40m\" config.Alarms=checkout-errors");
	world_control(w, "codepipeline stop other abandon");
	world_run(w, 25 * MINUTE_MS);
	assert_int_equal(ledger_waits(w->workers[0].ledger, w->arena, &waits, &n, &err), 0);
	assert_int_equal(n, 0);
	scene_expect(scene_end(w, "checkout"), "Succeeded", NULL, NULL);
	expect_version(w, 2);
}

static size_t n_open(struct world *w)
{
	struct ledger_rollout *rows;
	struct err err = ERR_INIT;
	size_t n = 9;

	assert_int_equal(ledger_rollouts(w->workers[0].ledger, true, 9, w->arena, &rows, &n, &err),
			 0);
	return n;
}

/*
 * It has touched nothing yet, its next job is late, and by its end the target is another's, which
 * does not say whose the traffic is that is seen there.
 */
static void one_that_has_lost_its_target_ends(void **state)
{
	struct world *w = world_of(state);
	const char *words;

	world_load_balancer(w, "shop", "canary 10% 3m", false);
	words = arena_printf(w->arena,
			     "config.Target=load-balancer:%s config.Strategy=\"canary 10%% 1h\" "
			     "config.Alarms=shop-errors",
			     world_rule(w, "shop"));
	locks_pipeline(*state, "checkout", "1", words);
	locks_pipeline(*state, "other", "1", words);
	world_start(w);
	world_push(w, "checkout", GOOD);
	scene_run_until_summary(w, "checkout", "inspecting");
	world_control(w, "sim set continuation_delay_min=2h continuation_delay_max=2h");
	/* for as long as the next job is held, and a little longer */
	world_control(w, "sim fault kind=throttled times=40 service=elasticloadbalancing "
			 "operation=DescribeRules");
	scene_run_until_summary(w, "checkout", "bringing the candidate up");
	world_control(w, "sim set continuation_delay_min=0s continuation_delay_max=10s");
	world_push(w, "other", OTHER);
	scene_run_until_share(w, world_rule(w, "shop"), 10);
	assert_int_equal(n_open(w), 2);
	world_control(w, "codepipeline stop checkout abandon");
	world_run(w, 15 * MINUTE_MS);
	assert_int_equal(n_open(w), 1);
	scene_expect(scene_end(w, "other"), "Succeeded", NULL, NULL);
	assert_int_equal(world_load_balancer_live(w, "shop").candidate, 100);
	assert_int_equal(n_locks(w, 0), 0);
}

/* What cannot be taken back blocks nobody: the target shows what it is. */
static void an_operator_takes_the_holder_back(void **state)
{
	struct world *w = world_of(state);
	struct ledger_command c = {.command = "rollback", .user = "ann"};
	struct err err = ERR_INIT;

	begin(state, TARGET "config.Strategy=\"canary 10% 3h\" config.Alarms=checkout-errors");
	c.rollout_id = of(w, "checkout")->external_execution_id;
	c.at = sim_now(w->sim);
	assert_int_equal(ledger_command_put(w->workers[0].ledger, &c, &err), 0);
	scene_expect(scene_end(w, "checkout"), "Failed", "JobFailed", "ann", NULL);
	scene_expect(scene_end(w, "other"), "Succeeded", NULL, NULL);
	locks_expect_after(of(w, "checkout"), of(w, "other"));
	expect_version(w, 3);
}

/* --- parked ----------------------------------------------------------------------------------- */

static const char *handle_of(struct world *w, const char *pipeline)
{
	struct err err = ERR_INIT;
	const char *handle;
	struct json *root;

	if (json_parse(w->arena, str_from(of(w, pipeline)->output_variables_json), &root, &err))
		fail_msg("%s gave out nothing", pipeline);
	handle = json_cstr(json_get(root, "RolloutHandle"));
	assert_non_null(handle);
	return handle;
}

static void attach(void **state, const char *name, const char *mode, const char *handle)
{
	struct world *w = world_of(state);

	locks_pipeline(*state, name, "1",
		       arena_printf(w->arena, "config.Mode=%s config.Handle=\"%s\"", mode, handle));
	world_push(w, name, GOOD);
}

static bool has_handed_over(struct world *w, void *arg)
{
	(void)arg;
	return of(w, "checkout") && !strcmp(of(w, "checkout")->status, "Succeeded");
}

/* Started and handed over, its pipeline waiting for a person. */
static void park(void **state)
{
	struct world *w = world_of(state);

	world_lambda_function(w, "checkout");
	locks_pipeline(*state, "checkout", "1",
		       TARGET "config.Strategy=\"canary 10% 3m bake 5m\" "
			      "config.Alarms=checkout-errors config.Mode=start");
	world_control(w, "codepipeline action checkout Deploy Approve type=AWS:Approval/Manual/1 "
			 "run-order=2");
	locks_pipeline(*state, "other", "1", TARGET STRATEGY);
	world_start(w);
	world_push(w, "checkout", GOOD);
	assert_true(world_run_until(w, has_handed_over, NULL, HOUR_MS));
	world_run(w, 30 * MINUTE_MS);
	world_push(w, "other", OTHER);
	scene_run_until_summary(w, "other", "waiting for rollout r-");
	world_run(w, 10 * MINUTE_MS);
	assert_string_equal(of(w, "other")->status, "InProgress");
}

static void a_parked_one_holds_until_it_is_promoted(void **state)
{
	struct world *w = world_of(state);
	const char *handle;

	park(state);
	handle = handle_of(w, "checkout");
	/* across a restart, too */
	world_kill(w);
	world_start(w);
	world_run(w, 10 * MINUTE_MS);
	assert_string_equal(of(w, "other")->status, "InProgress");
	attach(state, "promote", "promote", handle);
	scene_expect(scene_end(w, "promote"), "Succeeded", NULL, NULL);
	scene_expect(scene_end(w, "other"), "Succeeded", NULL, NULL);
	locks_expect_after(of(w, "promote"), of(w, "other"));
	assert_true(locks_token_has(of(w, "other"), "\\\"v\\\":\\\"2\\\""));
	expect_version(w, 3);
	assert_int_equal(n_locks(w, 0), 0);
}

static void a_parked_one_holds_until_it_is_taken_back(void **state)
{
	struct world *w = world_of(state);

	park(state);
	attach(state, "back", "rollback", handle_of(w, "checkout"));
	scene_expect(scene_end(w, "back"), "Succeeded", NULL, NULL);
	scene_expect(scene_end(w, "other"), "Succeeded", NULL, NULL);
	locks_expect_after(of(w, "back"), of(w, "other"));
	assert_true(locks_token_has(of(w, "other"), "\\\"v\\\":\\\"1\\\""));
	expect_version(w, 3);
}

/* It goes back by itself: then it needs its target no more, though nobody has been told. */
static void a_parked_one_that_failed_holds_nothing(void **state)
{
	struct world *w = world_of(state);

	park(state);
	world_control(w, "cloudwatch set-state checkout-errors ALARM");
	world_run(w, 3 * MINUTE_MS);
	scene_expect(scene_end(w, "other"), "Succeeded", NULL, NULL);
	expect_version(w, 3);
	attach(state, "promote", "promote", handle_of(w, "checkout"));
	scene_expect(scene_end(w, "promote"), "Failed", "JobFailed", NULL);
	expect_version(w, 3);
}

/* An end is undone only when nobody else is at work; then it is too late for that. */
static void an_undo_waits_for_the_next_one(void **state)
{
	struct world *w = world_of(state);
	const char *handle;

	world_lambda_function(w, "checkout");
	world_control(w, "lambda function checkout publish_ms=240000");
	locks_pipeline(*state, "checkout", "1", TARGET STRATEGY);
	locks_pipeline(*state, "other", "1", TARGET STRATEGY);
	world_start(w);
	world_push(w, "checkout", GOOD);
	scene_expect(scene_end(w, "checkout"), "Succeeded", NULL, NULL);
	handle = handle_of(w, "checkout");
	world_push(w, "other", OTHER);
	scene_run_until_summary(w, "other", "bringing the candidate up");
	attach(state, "back", "rollback", handle);
	scene_run_until_summary(w, "back", "to be undone, waiting for rollout r-");
	expect_version(w, 2);
	scene_expect(scene_end(w, "other"), "Succeeded", NULL, NULL);
	scene_expect(scene_end(w, "back"), "Failed", "ConfigurationError", "cannot be undone",
		     NULL);
	expect_version(w, 3);
	assert_int_equal(n_locks(w, 0), 0);
}

/* --- other targets ---------------------------------------------------------------------------- */

/* A service of ECS and the rule in front of it are one target, which only a look shows. */
static void a_rule_and_the_service_behind_it(void **state)
{
	struct world *w = world_of(state);

	world_ecs(w, "web", "canary 10% 3m");
	locks_pipeline(*state, "rule", "1",
		       arena_printf(w->arena,
				    "config.Target=load-balancer:%s config.Strategy=\"canary 10%% "
				    "3m\" config.Alarms=web-errors config.Overrides="
				    "busy.wait_at_most=5m",
				    world_rule(w, "web")));
	world_start(w);
	world_ecs_push(w, "web", "2", GOOD, NULL);
	scene_run_until_summary(w, "web", "bringing the candidate up");
	world_push(w, "rule", GOOD);
	scene_run_until_summary(w, "rule", "waiting for rollout r-");
	scene_expect(scene_end(w, "rule"), "Failed", "RevisionOutOfSync", "waited for 5m",
		     "of pipeline web", NULL);
	scene_expect(scene_end(w, "web"), "Succeeded", NULL, NULL);
	assert_int_equal(n_locks(w, 0), 0);
}

/* --- two workers of one action type ----------------------------------------------------------- */

/* Jobs of both rollouts go to both workers: nobody waits for ever, and never two at once. */
static void two_workers_share_two_rollouts(void **state)
{
	(void)state;
	for (int k = 0; k < 4; k++) {
		struct world *w;
		void *other;

		assert_int_equal(locks_set_up(&other), 0);
		w = other;
		world_run(w, k * 7000);
		world_lambda_function(w, "checkout");
		locks_pipeline(other, "checkout", "1", TARGET STRATEGY);
		locks_pipeline(other, "other", "1", TARGET STRATEGY);
		world_start_worker(w, 0);
		world_start_worker(w, 1);
		world_push(w, "checkout", GOOD);
		world_push(w, "other", OTHER);
		scene_end(w, "checkout");
		scene_end(w, "other");
		if (strcmp(of(w, "checkout")->status, "Succeeded") != 0 &&
		    strcmp(of(w, "other")->status, "Succeeded") != 0)
			fail_msg("neither: %s / %s", of(w, "checkout")->message,
				 of(w, "other")->message);
		assert_true(world_lambda_live(w, "checkout").is_one);
		world_run(w, 30 * MINUTE_MS);
		assert_int_equal(n_locks(w, 0), 0);
		assert_int_equal(n_locks(w, 1), 0);
		assert_int_equal(locks_tear_down(&other), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOCKS(the_holder_crashes_and_goes_on),
		cmocka_unit_test(at_any_moment),
		LOCKS(the_one_that_waits_is_restarted),
		LOCKS(the_ledger_is_lost),
		LOCKS(a_broken_disk_locks_nothing),
		LOCKS(the_holder_is_abandoned),
		LOCKS(the_one_that_waits_is_abandoned),
		LOCKS(one_that_has_lost_its_target_ends),
		LOCKS(an_operator_takes_the_holder_back),
		LOCKS(a_parked_one_holds_until_it_is_promoted),
		LOCKS(a_parked_one_holds_until_it_is_taken_back),
		LOCKS(a_parked_one_that_failed_holds_nothing),
		LOCKS(an_undo_waits_for_the_next_one),
		LOCKS(a_rule_and_the_service_behind_it),
		cmocka_unit_test(two_workers_share_two_rollouts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
