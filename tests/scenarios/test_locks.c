#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/scenarios/locks.h"
#include "worker/ledger_lock.h"

/* Several rollouts of one Lambda alias at one worker: one after the other, or a clear refusal. */

#define GOOD "errors=0.001"
#define BAD "errors=0.5"
#define CANARY "canary 5% 5m, 50% 5m bake 5m"
#define TARGET "config.Target=\"lambda:checkout:live\" "
#define ARN                                                                                  \
	"config.Target=\"lambda:arn:aws:lambda:eu-central-1:111122223333:function:checkout:" \
	"live\" "
#define STRATEGY "config.Strategy=\"canary 10% 5m bake 5m\" config.Alarms=checkout-errors "

static struct world *world_of(void **state)
{
	struct locks *l = *state;

	return &l->w;
}

/* Pipeline checkout, and another one beside it, which deploys to the same alias. */
static void begin(struct locks *l, const char *words)
{
	struct world *w = &l->w;

	world_lambda(w, "checkout", CANARY);
	locks_pipeline(l, "other", "1", words);
	world_start(w);
	world_push(w, "checkout", GOOD);
	scene_run_until_share(w, scene_alias(w, "checkout"), 5);
	world_push(w, "other", GOOD " latency_ms=20");
}

static const struct sim_action *of(struct world *w, const char *pipeline)
{
	return sim_action_find(w->sim, pipeline, NULL);
}

static void expect_waits(struct world *w, const char *pipeline, const char *holder)
{
	scene_run_until_summary(w, pipeline, "waiting for rollout r-");
	if (!strstr(of(w, pipeline)->summary, arena_printf(w->arena, "of pipeline %s", holder)) ||
	    !strstr(of(w, pipeline)->summary, "which holds lambda:checkout:live since 2026-"))
		fail_msg("%s", of(w, pipeline)->summary);
}

static void expect_nothing_locked(struct world *w)
{
	struct ledger_holder *held;
	struct ledger_wait *waits;
	struct err err = ERR_INIT;
	size_t n = 9;

	assert_int_equal(ledger_locks(w->workers[0].ledger, w->arena, &held, &n, &err), 0);
	assert_int_equal(n, 0);
	assert_int_equal(ledger_waits(w->workers[0].ledger, w->arena, &waits, &n, &err), 0);
	assert_int_equal(n, 0);
}

/* Both have succeeded, the second on top of the first. */
static void expect_one_after_the_other(struct world *w)
{
	const struct sim_action *first = scene_end(w, "checkout"), *second = scene_end(w, "other");

	scene_expect(first, "Succeeded", NULL, NULL);
	scene_expect(second, "Succeeded", NULL, NULL);
	locks_expect_after(first, second);
	assert_true(locks_token_has(second, "\\\"v\\\":\\\"2\\\"")); /* the undo record */
	assert_int_equal(world_lambda_live(w, "checkout").version, 3);
	assert_true(world_lambda_live(w, "checkout").is_one);
	expect_nothing_locked(w);
}

/* --- waiting ---------------------------------------------------------------------------------- */

static void the_second_waits_and_deploys_on_top(void **state)
{
	struct world *w = world_of(state);

	begin(*state, TARGET STRATEGY);
	expect_waits(w, "other", "checkout");
	scene_expect_no_writes_before(w, (struct utc){0});
	expect_one_after_the_other(w);
}

static void another_spelling_is_the_same_target(void **state)
{
	struct world *w = world_of(state);

	begin(*state, ARN STRATEGY);
	expect_waits(w, "other", "checkout");
	expect_one_after_the_other(w);
}

static void so_it_is_through_a_role_of_the_account(void **state)
{
	struct world *w = world_of(state);

	begin(*state, TARGET STRATEGY "config.RoleArn=arn:aws:iam::111122223333:role/deploy");
	expect_waits(w, "other", "checkout");
	expect_one_after_the_other(w);
}

static void two_action_types_share_the_lock(void **state)
{
	struct world *w = world_of(state);

	locks_add_type(*state, 0, "2");
	world_lambda(w, "checkout", CANARY);
	locks_pipeline(*state, "other", "2", TARGET STRATEGY);
	world_start(w);
	world_push(w, "checkout", GOOD);
	scene_run_until_share(w, scene_alias(w, "checkout"), 5);
	world_push(w, "other", GOOD " latency_ms=20");
	expect_waits(w, "other", "checkout");
	expect_one_after_the_other(w);
}

/* Begun at the same moment: whoever is first, the other one finds a target that is whole. */
static void two_at_once(void **state)
{
	struct world *w = world_of(state);
	const struct sim_action *a, *b;

	world_lambda(w, "checkout", CANARY);
	locks_pipeline(*state, "other", "1", TARGET STRATEGY);
	world_push(w, "checkout", GOOD);
	world_push(w, "other", GOOD " latency_ms=20");
	world_start(w);
	a = scene_end(w, "checkout");
	b = scene_end(w, "other");
	scene_expect(a, "Succeeded", NULL, NULL);
	scene_expect(b, "Succeeded", NULL, NULL);
	if (a->updated.ms < b->updated.ms)
		locks_expect_after(a, b);
	else
		locks_expect_after(b, a);
	assert_int_equal(world_lambda_live(w, "checkout").version, 3);
}

/* A bad one is taken back first; then the next one begins from what is live. */
static void after_one_that_failed(void **state)
{
	struct world *w = world_of(state);

	world_lambda(w, "checkout", CANARY);
	/* with an alarm of its own: the first one's is red still */
	locks_pipeline(*state, "other", "1",
		       TARGET "config.Strategy=\"canary 10% 5m\" config.Alarms=calm-errors");
	world_start(w);
	world_alarm(w, "calm");
	world_push(w, "checkout", BAD);
	scene_run_until_share(w, scene_alias(w, "checkout"), 5);
	world_push(w, "other", GOOD);
	scene_expect(scene_end(w, "other"), "Succeeded", NULL, NULL);
	scene_expect(of(w, "checkout"), "Failed", "JobFailed", NULL);
	locks_expect_after(of(w, "checkout"), of(w, "other"));
	assert_true(locks_token_has(of(w, "other"), "\\\"v\\\":\\\"1\\\""));
	assert_int_equal(world_lambda_live(w, "checkout").version, 3);
	expect_nothing_locked(w);
}

/* Those that wait are served in the order in which their actions began. */
static void the_oldest_is_served_first(void **state)
{
	static const char *const names[] = {"other", "third", "fourth"};
	struct world *w = world_of(state);

	begin(*state, TARGET STRATEGY);
	for (int i = 1; i < 3; i++) {
		world_run(w, 45000);
		locks_pipeline(*state, names[i], "1", TARGET STRATEGY);
		world_push(w, names[i], arena_printf(w->arena, GOOD " latency_ms=%d", 30 + i));
	}
	for (int i = 0; i < 3; i++)
		scene_expect(scene_end(w, names[i]), "Succeeded", NULL, NULL);
	locks_expect_after(of(w, "checkout"), of(w, "other"));
	locks_expect_after(of(w, "other"), of(w, "third"));
	locks_expect_after(of(w, "third"), of(w, "fourth"));
	assert_int_equal(world_lambda_live(w, "checkout").version, 5);
	expect_nothing_locked(w);
}

/* Other targets are not waited for. */
static void another_alias_is_another_target(void **state)
{
	struct world *w = world_of(state);

	((struct locks *)*state)->w.watch = NULL;
	world_lambda(w, "checkout", "canary 5% 20m");
	world_control(w, "lambda alias checkout beta version=1");
	locks_pipeline(*state, "other", "1", "config.Target=\"lambda:checkout:beta\" " STRATEGY);
	world_start(w);
	world_push(w, "checkout", GOOD);
	scene_run_until_share(w, scene_alias(w, "checkout"), 5);
	world_push(w, "other", GOOD " latency_ms=20");
	scene_expect(scene_end(w, "other"), "Succeeded", NULL, NULL);
	assert_string_equal(of(w, "checkout")->status, "InProgress");
	scene_expect(scene_end(w, "checkout"), "Succeeded", NULL, NULL);
}

/* --- until when ------------------------------------------------------------------------------- */

static void a_plan_may_say_not_to_wait(void **state)
{
	struct world *w = world_of(state);

	begin(*state, TARGET STRATEGY "config.Overrides=busy.then=fail");
	scene_expect(scene_end(w, "other"), "Failed", "RevisionOutOfSync", "The target is not free",
		     "of pipeline checkout, which holds", "lambda:checkout:live",
		     "Nothing was changed", NULL);
	assert_string_equal(of(w, "checkout")->status, "InProgress");
	scene_expect(scene_end(w, "checkout"), "Succeeded", NULL, NULL);
	assert_int_equal(world_lambda_live(w, "checkout").version, 2);
	expect_nothing_locked(w);
}

static void a_wait_has_an_end(void **state)
{
	struct world *w = world_of(state);
	const struct sim_action *a;

	begin(*state, TARGET STRATEGY "config.Overrides=busy.wait_at_most=4m");
	a = scene_end(w, "other");
	scene_expect(a, "Failed", "RevisionOutOfSync", "waited for 4m", "as the plan says",
		     "of pipeline checkout", NULL);
	assert_true(a->updated.ms - a->started.ms < 7 * MINUTE_MS);
	scene_expect(scene_end(w, "checkout"), "Succeeded", NULL, NULL);
}

/* What is left of the budget must do for the plan. */
static void the_budget_bounds_a_wait(void **state)
{
	struct world *w = world_of(state);
	const struct sim_action *a;

	begin(*state, TARGET STRATEGY "config.MaxDuration=20m");
	a = scene_end(w, "other");
	scene_expect(a, "Failed", "RevisionOutOfSync", "within the action's budget", NULL);
	assert_true(a->updated.ms - a->started.ms < 11 * MINUTE_MS);
	scene_expect(scene_end(w, "checkout"), "Succeeded", NULL, NULL);
}

/* A wait of hours does not count as the time that looking at the target may take. */
static void a_long_wait_does_not_eat_the_time_to_inspect(void **state)
{
	struct world *w = world_of(state);

	world_lambda(w, "checkout", "canary 5% 70m");
	locks_pipeline(*state, "other", "1", TARGET STRATEGY);
	world_start(w);
	world_push(w, "checkout", GOOD);
	scene_run_until_share(w, scene_alias(w, "checkout"), 5);
	world_push(w, "other", GOOD " latency_ms=20");
	scene_end(w, "checkout");
	assert_string_equal(of(w, "other")->status, "InProgress");
	sim_fault_operation(w->sim, "GetAlias");
	sim_fault_at(w->sim, 1, SIM_FAULT_500, 40);
	expect_one_after_the_other(w);
	/* no hot loop: a job a minute, and nothing asked of the target meanwhile */
	assert_true(of(w, "other")->n_jobs < 120);
	assert_true(sim_call_count(w->sim, "lambda", "GetProvisionedConcurrencyConfig") < 5);
}

/* --- what the target shows -------------------------------------------------------------------- */

static void weigh_by_hand(struct world *w)
{
	world_lambda_function(w, "checkout");
	world_control(w, "lambda publish checkout code=\"sim: errors=0.001 latency_ms=5\"");
	world_control(w, "lambda alias checkout live additional=2 weight=0.2");
	world_start(w);
}

static void somebodys_weights_are_waited_for(void **state)
{
	struct world *w = world_of(state);

	weigh_by_hand(w);
	locks_pipeline(*state, "other", "1", TARGET STRATEGY);
	world_push(w, "other", GOOD " latency_ms=20");
	scene_run_until_summary(w, "other", "waiting until the target is free");
	assert_non_null(strstr(of(w, "other")->summary, "weighted already, 20% to version 2"));
	world_run(w, 20 * MINUTE_MS);
	assert_string_equal(of(w, "other")->status, "InProgress");
	scene_expect_no_writes(w, of(w, "other"));
	world_control(w, "lambda alias checkout live version=2 additional=0");
	scene_expect(scene_end(w, "other"), "Succeeded", NULL, NULL);
	assert_true(locks_token_has(of(w, "other"), "\\\"v\\\":\\\"2\\\""));
	expect_nothing_locked(w);
}

static void weights_that_stay_are_a_wrong_target(void **state)
{
	struct world *w = world_of(state);
	const struct sim_action *a;

	weigh_by_hand(w);
	locks_pipeline(*state, "other", "1", TARGET STRATEGY);
	world_push(w, "other", GOOD " latency_ms=20");
	a = scene_end(w, "other");
	scene_expect(a, "Failed", "ConfigurationError", "waited for 1h",
		     "weighted already, 20% to version 2", "clear its routing configuration",
		     "Nothing was changed", NULL);
	assert_true(a->updated.ms - a->started.ms < 64 * MINUTE_MS);
	scene_expect_no_writes(w, a);
	expect_nothing_locked(w);
}

static void or_are_refused_at_once(void **state)
{
	struct world *w = world_of(state);
	const struct sim_action *a;

	weigh_by_hand(w);
	locks_pipeline(*state, "other", "1", TARGET STRATEGY "config.Overrides=busy.then=fail");
	world_push(w, "other", GOOD " latency_ms=20");
	a = scene_end(w, "other");
	scene_expect(a, "Failed", "RevisionOutOfSync", "The target is not free",
		     "weighted already, 20% to version 2", NULL);
	assert_true(a->updated.ms - a->started.ms < 2 * MINUTE_MS);
}

/* What is wrong beside it does not get right by waiting. */
static void a_wrong_plan_is_refused_at_once(void **state)
{
	struct world *w = world_of(state);
	const struct sim_action *a;

	weigh_by_hand(w);
	locks_pipeline(*state, "other", "1",
		       TARGET "config.Strategy=\"canary 10% 5m\" config.Alarms=nosuch");
	world_push(w, "other", GOOD " latency_ms=20");
	a = scene_end(w, "other");
	scene_expect(a, "Failed", "ConfigurationError", "no such alarm", "weighted already", NULL);
	assert_true(a->updated.ms - a->started.ms < 2 * MINUTE_MS);
	expect_nothing_locked(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOCKS(the_second_waits_and_deploys_on_top),
		LOCKS(another_spelling_is_the_same_target),
		LOCKS(so_it_is_through_a_role_of_the_account),
		LOCKS(two_action_types_share_the_lock),
		LOCKS(two_at_once),
		LOCKS(after_one_that_failed),
		LOCKS(the_oldest_is_served_first),
		LOCKS(another_alias_is_another_target),
		LOCKS(a_plan_may_say_not_to_wait),
		LOCKS(a_wait_has_an_end),
		LOCKS(the_budget_bounds_a_wait),
		LOCKS(a_long_wait_does_not_eat_the_time_to_inspect),
		LOCKS(somebodys_weights_are_waited_for),
		LOCKS(weights_that_stay_are_a_wrong_target),
		LOCKS(or_are_refused_at_once),
		LOCKS(a_wrong_plan_is_refused_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
