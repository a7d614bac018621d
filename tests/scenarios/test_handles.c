#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/scenarios/people.h"
#include "worker/rollout/handle.h"
#include "worker/worker.h"

/*
 * Handles that are wrong in every way, and what an action may do to a rollout of another one: undo
 * what has ended, or take back what another action goes on with.
 */

/* Promote with this handle: refused, and at that moment nothing has been touched. */
static void expect_refused(struct people *p, const char *handle, const char *target,
			   const char *says)
{
	people_promote_takes(p, handle, target);
	people_approve(p);
	scene_expect(people_end(p, "Promote"), "Failed", "ConfigurationError", says, NULL);
	people_expect_share(p, 25);
	/* the execution has failed by that: the rollout is nobody's now */
	people_expect_share_within(p, 0, 2 * MINUTE_MS);
	world_run(&p->w, MINUTE_MS);
	people_expect_nothing_left(p, 0);
}

static const char *changed(struct people *p, const char *handle, size_t at)
{
	char *copy = arena_strndup(p->w.arena, handle, strlen(handle));

	copy[at] = copy[at] == 'a' ? 'b' : 'a';
	return copy;
}

static void a_handle_of_nobody_is_unknown(void **state)
{
	struct people *p = *state;

	people_park(p);
	expect_refused(p,
		       "h1.r-0f9d8a44-2b57-4c58-8d0c-3f0a7f3c1b22.0123456789abcdef0123456789abcdef",
		       p->t->target(&p->w), "is unknown");
}

static void a_digest_that_was_changed_is_noticed(void **state)
{
	struct people *p = *state;
	const char *handle;

	people_park(p);
	handle = people_variable(p, "Start", "RolloutHandle");
	expect_refused(p, changed(p, handle, strlen(handle) - 1), p->t->target(&p->w),
		       "it is not the one that rollout");
}

static void an_id_that_was_changed_is_noticed(void **state)
{
	struct people *p = *state;

	people_park(p);
	expect_refused(p, changed(p, people_variable(p, "Start", "RolloutHandle"), 8),
		       p->t->target(&p->w), "is unknown");
}

static void a_handle_that_was_not_filled_in_is_explained(void **state)
{
	struct people *p = *state;

	people_park(p);
	expect_refused(p, "#{Nobody.RolloutHandle}", p->t->target(&p->w), "was not filled in");
}

static void no_handle_at_all_is_explained(void **state)
{
	struct people *p = *state;

	people_park(p);
	expect_refused(p, "", p->t->target(&p->w), "Handle: missing");
}

static void another_target_is_refused(void **state)
{
	struct people *p = *state;

	people_park(p);
	expect_refused(p, people_variable(p, "Start", "RolloutHandle"), "lambda:other:live",
		       "Target: \"lambda:other:live\"");
}

static void a_plan_of_its_own_is_refused(void **state)
{
	struct people *p = *state;

	people_park(p);
	world_control(&p->w,
		      "codepipeline action checkout Deploy Promote type=Deploy/Rollout/1 "
		      "run-order=3 config.Mode=promote config.Handle=#{Canary.RolloutHandle} "
		      "config.Strategy=\"canary 50%% 1m\" config.MaxDuration=1h");
	people_approve(p);
	scene_expect(people_end(p, "Promote"), "Failed", "ConfigurationError",
		     "Strategy: not with Mode: promote", "MaxDuration: ", NULL);
	people_expect_share(p, 25);
}

/* The same on a worker that knows nothing but what CodePipeline keeps. */
static void another_worker_refuses_as_well(void **state)
{
	struct people *p = *state;
	const char *handle;

	people_park(p);
	handle = people_variable(p, "Start", "RolloutHandle");
	world_kill(&p->w);
	world_lose_ledger(&p->w);
	world_start_worker(&p->w, 1);
	people_promote_takes(p, changed(p, handle, strlen(handle) - 3), p->t->target(&p->w));
	people_approve(p);
	scene_expect(people_end(p, "Promote"), "Failed", "ConfigurationError",
		     "it is not the one that rollout", NULL);
	people_expect_share(p, 25);
	people_expect_nothing_left(p, 1);
	/* with the right one it goes on, also after that */
	people_promote_takes(p, handle, p->t->target(&p->w));
	world_control(&p->w, "codepipeline retry checkout");
	world_run(&p->w, 1000);
	scene_expect(people_end(p, "Promote"), "Succeeded", NULL, NULL);
	people_expect_share(p, 100);
}

/* --- of rollouts that have ended ------------------------------------------------------------ */

static void what_has_succeeded_is_not_promoted_again(void **state)
{
	struct people *p = *state;

	people_promote(p);
	people_other(p, "again", "promote", people_variable(p, "Promote", "RolloutHandle"));
	scene_expect(people_other_end(p, "again"), "Failed", "ConfigurationError",
		     "this rollout has succeeded already", NULL);
	people_other(p, "more", "promote", people_variable(p, "Start", "RolloutHandle"));
	scene_expect(people_other_end(p, "more"), "Failed", "ConfigurationError", NULL);
	people_expect_share(p, 100);
	people_expect_nothing_left(p, 0);
}

static void what_has_failed_is_not_promoted(void **state)
{
	struct people *p = *state;

	people_park(p);
	p->t->turn_bad(&p->w);
	people_expect_share_within(p, 0, 5 * MINUTE_MS);
	people_approve(p);
	scene_expect(people_end(p, "Promote"), "Failed", "JobFailed", NULL);
	world_control(&p->w, "codepipeline retry checkout");
	world_run(&p->w, 1000);
	scene_expect(people_end(p, "Promote"), "Failed", "ConfigurationError",
		     "this rollout has failed already", "with 25% on the candidate", NULL);
	people_expect_share(p, 0);
	people_expect_nothing_left(p, 0);
}

static void what_has_ended_is_undone(void **state)
{
	struct people *p = *state;
	const struct sim_action *a;

	people_promote(p);
	world_run(&p->w, 2 * HOUR_MS);
	people_other(p, "undo", "rollback", people_variable(p, "Promote", "RolloutHandle"));
	a = people_other_end(p, "undo");
	scene_expect(a, "Succeeded", NULL, "rolled back", "The baseline carries all traffic", NULL);
	people_expect_share(p, 0);
	people_expect_nothing_left(p, 0);
	/* and once more there is nothing to do; the handle of the start is as good */
	people_other(p, "again", "rollback", people_variable(p, "Start", "RolloutHandle"));
	scene_expect(people_other_end(p, "again"), "Succeeded", NULL, "rolled back already", NULL);
	people_expect_share(p, 0);
}

/* In the pipeline itself, by a worker that has nothing but what CodePipeline keeps. */
static void another_worker_undoes_what_has_ended(void **state)
{
	struct people *p = *state;
	struct world *w = &p->w;

	people_make(p, PEOPLE_CANARY);
	world_control(w, "codepipeline action checkout After Ask type=AWS:Approval/Manual/1");
	world_control(w,
		      "codepipeline action checkout After Undo type=Deploy/Rollout/1 run-order=2 "
		      "config.Mode=rollback config.Handle=#{Canary.RolloutHandle} "
		      "config.Target=\"%s\"",
		      p->t->target(w));
	world_start(w);
	world_push(w, "checkout", "errors=0.001");
	(void)people_end(p, "Start");
	people_approve(p);
	scene_expect(people_end(p, "Promote"), "Succeeded", NULL, NULL);
	world_kill(w);
	world_lose_ledger(w);
	world_start_worker(w, 1);
	world_control(w, "codepipeline approve checkout Ask");
	scene_expect(people_end(p, "Undo"), "Succeeded", NULL, "rolled back",
		     "The baseline carries all traffic", NULL);
	people_expect_share(p, 0);
	people_expect_nothing_left(p, 1);
}

static void what_somebody_deployed_over_is_not_undone(void **state)
{
	struct people *p = *state;
	const struct sim_action *a;

	people_promote(p);
	p->t->deploy_else(&p->w);
	people_other(p, "undo", "rollback", people_variable(p, "Promote", "RolloutHandle"));
	a = people_other_end(p, "undo");
	scene_expect(a, "Failed", "ConfigurationError", "it cannot be undone", "since", NULL);
	scene_expect_no_writes(&p->w, a);
	people_expect_nothing_left(p, 0);
}

static void what_served_before_must_be_able_to_serve(void **state)
{
	struct people *p = *state;
	const struct sim_action *a;

	if (!p->t->lose_old) /* versions of a function do not go away by themselves */
		return;
	people_promote(p);
	p->t->lose_old(&p->w);
	people_other(p, "undo", "rollback", people_variable(p, "Promote", "RolloutHandle"));
	a = people_other_end(p, "undo");
	scene_expect(a, "Failed", "ConfigurationError", "it cannot be undone", "not kept any more",
		     NULL);
	scene_expect_no_writes(&p->w, a);
	people_expect_share(p, 100);
}

/* A rollout in one action gives out a handle, too. */
static void a_plain_deployment_is_undone(void **state)
{
	struct people *p = *state;
	struct world *w = &p->w;

	p->t->make(w);
	world_control(w,
		      "codepipeline action checkout Deploy Start type=Deploy/Rollout/1 "
		      "config.Target=\"%s\" config.Strategy=\"canary 25%% 2m\" "
		      "config.Alarms=checkout-errors",
		      p->t->target(w));
	world_start(w);
	world_push(w, "checkout", "errors=0.001");
	scene_expect(people_end(p, "Start"), "Succeeded", NULL, NULL);
	people_expect_share(p, 100);
	people_other(p, "undo", "rollback", people_variable(p, "Start", "RolloutHandle"));
	scene_expect(people_other_end(p, "undo"), "Succeeded", NULL, "rolled back", NULL);
	people_expect_share(p, 0);
	people_expect_nothing_left(p, 0);
}

/*
 * Another worker has promoted it; the one that parked it only knows that it is over. It does not
 * promote on what it remembers, even where CodePipeline does not list it; back it can take it.
 */
static void what_another_worker_has_ended_is_not_promoted(void **state)
{
	struct people *p = *state;
	const char *handle;

	people_park(p);
	handle = people_variable(p, "Start", "RolloutHandle");
	p->w.workers[0].config.poll_ms = 10 * HOUR_MS;
	world_start_worker(&p->w, 1);
	people_approve(p);
	scene_expect(people_end(p, "Promote"), "Succeeded", NULL, NULL);
	world_run(&p->w, 3 * MINUTE_MS);
	world_kill_worker(&p->w, 0);
	world_kill_worker(&p->w, 1);
	p->w.workers[0].config.poll_ms = 15000;
	world_start(&p->w);
	assert_string_equal(people_row(p)->phase, "PARKED");
	people_other(p, "again", "promote", handle);
	scene_expect(people_other_end(p, "again"), "Failed", "ConfigurationError",
		     "by the action of another worker", NULL);
	people_expect_share(p, 100);
	people_other(p, "undo", "rollback", handle);
	scene_expect(people_other_end(p, "undo"), "Succeeded", NULL, "rolled back", NULL);
	people_expect_share(p, 0);
	people_expect_nothing_left(p, 0);
}

/* --- two actions at once -------------------------------------------------------------------- */

/* The promotion bakes, its job held, when somebody takes it back: both actions are told. */
static void a_rollback_takes_a_promotion_back(void **state)
{
	struct people *p = *state;

	p->w.workers[0].config.hold_ms = 10 * MINUTE_MS;
	people_park(p);
	people_approve(p);
	people_expect_share_within(p, 100, 10 * MINUTE_MS);
	people_other(p, "undo", "rollback", people_variable(p, "Start", "RolloutHandle"));
	scene_expect(people_other_end(p, "undo"), "Succeeded", NULL, "rolled back", NULL);
	scene_expect(people_end(p, "Promote"), "Failed", "JobFailed",
		     "an action with Mode: rollback asked to go back",
		     "The baseline carries all traffic", NULL);
	people_expect_share(p, 0);
	world_run(&p->w, MINUTE_MS);
	people_expect_nothing_left(p, 0);
}

/* The same with the rollback at another worker, which knows nothing of the promotion's state. */
static void another_worker_takes_a_promotion_back(void **state)
{
	struct people *p = *state;
	struct world *w = &p->w;

	people_make(p, "canary 25% 3m bake 30m");
	world_control(w,
		      "codepipeline action checkout Deploy Undo type=Deploy/Rollout/1 run-order=3 "
		      "config.Mode=rollback config.Handle=#{Canary.RolloutHandle}");
	world_start(w);
	world_push(w, "checkout", "errors=0.001");
	(void)people_end(p, "Start");
	world_start_worker(w, 1);
	people_approve(p); /* of the next two, any worker may take either */
	scene_expect(people_end(p, "Undo"), "Succeeded", NULL, "rolled back", NULL);
	assert_string_equal(people_end(p, "Promote")->status, "Failed");
	people_expect_share(p, 0);
	world_run(w, 10 * MINUTE_MS);
	people_expect_nothing_left(p, 0);
	people_expect_nothing_left(p, 1);
}

/* --- CodePipeline cannot be asked ----------------------------------------------------------- */

static void what_a_worker_knows_itself_is_enough(void **state)
{
	struct people *p = *state;

	people_park(p);
	sim_fault_operation(p->w.sim, "ListActionExecutions");
	sim_fault_at(p->w.sim, 1, SIM_FAULT_500, 1000000);
	people_approve(p);
	scene_expect(people_end(p, "Promote"), "Succeeded", NULL, NULL);
	people_expect_share(p, 100);
}

static void a_worker_that_knows_nothing_waits_for_codepipeline(void **state)
{
	struct people *p = *state;

	people_park(p);
	world_kill(&p->w);
	world_lose_ledger(&p->w);
	sim_fault_operation(p->w.sim, "ListActionExecutions");
	sim_fault_at(p->w.sim, 1, SIM_FAULT_500, 60);
	world_start_worker(&p->w, 1);
	people_approve(p);
	world_run(&p->w, 2 * MINUTE_MS);
	assert_string_equal(people_action(p, "Promote")->status, "InProgress");
	people_expect_share(p, 25);
	scene_expect(people_end(p, "Promote"), "Succeeded", NULL, NULL);
	people_expect_share(p, 100);
	people_expect_nothing_left(p, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PEOPLE(a_handle_of_nobody_is_unknown),
		PEOPLE(a_digest_that_was_changed_is_noticed),
		PEOPLE(an_id_that_was_changed_is_noticed),
		PEOPLE(a_handle_that_was_not_filled_in_is_explained),
		PEOPLE(no_handle_at_all_is_explained),
		PEOPLE(another_target_is_refused),
		PEOPLE(a_plan_of_its_own_is_refused),
		PEOPLE(another_worker_refuses_as_well),
		PEOPLE(what_has_succeeded_is_not_promoted_again),
		PEOPLE(what_has_failed_is_not_promoted),
		PEOPLE(what_has_ended_is_undone),
		PEOPLE(another_worker_undoes_what_has_ended),
		PEOPLE(what_somebody_deployed_over_is_not_undone),
		PEOPLE(what_served_before_must_be_able_to_serve),
		PEOPLE(a_plain_deployment_is_undone),
		PEOPLE(what_another_worker_has_ended_is_not_promoted),
		PEOPLE(a_rollback_takes_a_promotion_back),
		PEOPLE(another_worker_takes_a_promotion_back),
		PEOPLE(what_a_worker_knows_itself_is_enough),
		PEOPLE(a_worker_that_knows_nothing_waits_for_codepipeline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
