#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/scenarios/people.h"
#include "tests/sim/sim_internal.h"
#include "worker/worker.h"

/* People in the loop when something does not answer, is in the way, or was written differently. */

static void to_another_worker(struct people *p)
{
	world_kill(&p->w);
	world_lose_ledger(&p->w);
	world_start_worker(&p->w, 1);
}

/* --- CodePipeline does not answer ----------------------------------------------------------- */

static void an_answer_that_is_none_refuses(void **state)
{
	struct people *p = *state;

	people_park(p);
	sim_fault_operation(p->w.sim, "ListActionExecutions");
	sim_fault_at(p->w.sim, 1, SIM_FAULT_GARBAGE, 1000000);
	to_another_worker(p);
	people_approve(p);
	scene_expect(people_end(p, "Promote"), "Failed", "SystemUnavailable",
		     "could not be read from CodePipeline", NULL);
	people_expect_share(p, 25);
	people_expect_nothing_left(p, 1);
}

/* A worker that knows nothing tries for an hour, and touches nothing meanwhile. */
static void no_answer_for_an_hour_refuses(void **state)
{
	struct people *p = *state;
	const struct sim_action *a;

	people_park(p);
	sim_fault_operation(p->w.sim, "ListActionExecutions");
	sim_fault_at(p->w.sim, 1, SIM_FAULT_500, 1000000);
	to_another_worker(p);
	people_approve(p);
	a = people_end(p, "Promote");
	scene_expect(a, "Failed", "SystemUnavailable", NULL);
	assert_in_range(a->updated.ms - a->started.ms, HOUR_MS, HOUR_MS + 5 * MINUTE_MS);
	scene_expect_no_writes(&p->w, a);
	people_expect_share(p, 25);
}

/* It knows the rollout, but not this handle, which another worker gave out. */
static void a_handle_of_another_worker_needs_codepipeline(void **state)
{
	struct people *p = *state;
	const char *handle;

	people_park(p);
	p->w.workers[0].config.poll_ms = 10 * HOUR_MS;
	world_start_worker(&p->w, 1);
	people_approve(p);
	scene_expect(people_end(p, "Promote"), "Succeeded", NULL, NULL);
	handle = people_variable(p, "Promote", "RolloutHandle");
	world_kill_worker(&p->w, 0);
	world_kill_worker(&p->w, 1);
	p->w.workers[0].config.poll_ms = 15000;
	world_start(&p->w);
	sim_fault_operation(p->w.sim, "ListActionExecutions");
	sim_fault_at(p->w.sim, 1, SIM_FAULT_500, 1000000);
	people_other(p, "undo", "rollback", handle);
	scene_expect(people_other_end(p, "undo"), "Failed", "SystemUnavailable",
		     "could not be read from CodePipeline", NULL);
	people_expect_share(p, 100);
}

/* Whether the execution is over cannot be asked for a while: then nothing is concluded. */
static void a_rejection_is_noticed_when_codepipeline_answers_again(void **state)
{
	static const char *const operations[] = {"GetPipelineExecution", "ListActionExecutions"};
	void *kind = (void *)(uintptr_t)((struct people *)*state)->t;

	for (int i = 0; i < 2; i++) {
		void *fresh = kind;
		struct people *p;

		people_set_up(&fresh);
		p = fresh;
		people_park(p);
		sim_fault_operation(p->w.sim, operations[i]);
		sim_fault_at(p->w.sim, 1, SIM_FAULT_500, 40);
		people_reject(p);
		world_run(&p->w, 2 * MINUTE_MS);
		people_expect_share(p, 25);
		people_expect_share_within(p, 0, 30 * MINUTE_MS);
		assert_true(sim_fault_hit(p->w.sim));
		world_run(&p->w, MINUTE_MS);
		people_expect_nothing_left(p, 0);
		people_tear_down(&fresh);
	}
}

/* The output artifact is written before the action succeeds; until then the job is kept alive. */
static void an_output_that_cannot_be_written_delays_the_hand_over(void **state)
{
	struct people *p = *state;

	sim_fault_operation(p->w.sim, "PutObject");
	sim_fault_at(p->w.sim, 1, SIM_FAULT_500, 30);
	people_park(p);
	assert_true(sim_fault_hit(p->w.sim));
	people_approve(p);
	scene_expect(people_end(p, "Promote"), "Succeeded", NULL, NULL);
	people_expect_share(p, 100);
	people_expect_nothing_left(p, 0);
}

/* --- a lot has happened since --------------------------------------------------------------- */

/* More actions have run since the rollout was started than one answer of CodePipeline holds. */
static void the_start_is_found_however_far_back(void **state)
{
	struct people *p = *state;
	struct world *w = &p->w;

	p->t->make(w);
	world_control(w, "codepipeline pipeline checkout mode=parallel");
	world_control(w, "codepipeline action checkout Gate Gate type=AWS:Approval/Manual/1");
	world_control(w,
		      "codepipeline action checkout Deploy Start type=Deploy/Rollout/1 "
		      "namespace=Canary config.Mode=start config.Target=\"%s\" "
		      "config.Strategy=\"%s\" config.Alarms=checkout-errors",
		      p->t->target(w), PEOPLE_CANARY);
	world_control(w, "codepipeline action checkout Deploy Approve type=AWS:Approval/Manual/1 "
			 "run-order=2");
	people_promote_takes(p, "#{Canary.RolloutHandle}", "");
	world_start(w);
	world_push(w, "checkout", "errors=0.001");
	world_control(w, "codepipeline approve checkout Gate");
	scene_expect(people_end(p, "Start"), "Succeeded", NULL, "parked at 25%", NULL);
	for (int i = 0; i < 230; i++)
		world_push(w, "checkout", "errors=0.001"); /* they wait before their gates */
	to_another_worker(p);
	people_approve(p);
	scene_expect(people_end(p, "Promote"), "Succeeded", NULL, NULL);
	people_expect_share(p, 100);
}

/* --- operators ------------------------------------------------------------------------------ */

static void say(struct people *p, const char *command)
{
	struct ledger_command c = {.rollout_id = people_row(p)->id,
				   .command = command,
				   .user = "ann",
				   .at = sim_now(p->w.sim)};
	struct err err = ERR_INIT;

	assert_int_equal(ledger_command_put(p->w.workers[0].ledger, &c, &err), 0);
}

static void what_is_held_is_not_promoted(void **state)
{
	struct people *p = *state;

	people_park(p);
	say(p, "hold");
	people_approve(p);
	world_run(&p->w, 30 * MINUTE_MS);
	people_expect_share(p, 25);
	assert_non_null(strstr(people_action(p, "Promote")->summary, "held by ann"));
	say(p, "resume");
	scene_expect(people_end(p, "Promote"), "Succeeded", NULL, NULL);
	people_expect_share(p, 100);
}

/* --- said differently ----------------------------------------------------------------------- */

#define PLAN                                                                       \
	"rollout: 1\n"                                                             \
	"target: { lambda: { function: checkout, alias: live } }\n"                \
	"strategy: { canary: { steps: [ { weight: 25, for: 2m } ], bake: 1m } }\n" \
	"guards: [ { alarm: checkout-errors } ]\n"

static void park_by_file(struct people *p, const char *start, const char *last)
{
	const struct pack_entry files[] = {
		{.name = "rollout.yaml", .bytes = STR(PLAN)},
		{.name = "index.py", .bytes = STR("# sim: errors=0.001\n")}};
	struct world *w = &p->w;

	p->t->make(w);
	world_control(w,
		      "codepipeline action checkout Deploy Start type=Deploy/Rollout/1 "
		      "namespace=Canary config.Mode=start %s",
		      start);
	world_control(w, "codepipeline action checkout Deploy Approve type=AWS:Approval/Manual/1 "
			 "run-order=2");
	world_control(w,
		      "codepipeline action checkout Deploy Promote type=Deploy/Rollout/1 "
		      "run-order=3 config.Handle=#{Canary.RolloutHandle} %s",
		      last);
	world_start(w);
	world_push_files(w, "checkout", files, 2);
	scene_expect(people_end(p, "Start"), "Succeeded", NULL, "parked at 25%", NULL);
}

/* The target stands in the plan file alone; the action that promotes has to name the same. */
static void a_target_is_checked_against_the_plan_file(void **state)
{
	struct people *p = *state;

	park_by_file(p, "", "config.Mode=promote config.Target=lambda:checkout:test");
	to_another_worker(p);
	people_approve(p);
	scene_expect(people_end(p, "Promote"), "Failed", "ConfigurationError",
		     "the plan of the rollout names another target", NULL);
	people_expect_share(p, 25);
	world_control(&p->w,
		      "codepipeline action checkout Deploy Promote type=Deploy/Rollout/1 "
		      "run-order=3 config.Handle=#{Canary.RolloutHandle} config.Mode=promote "
		      "config.Target=lambda:checkout:live");
	world_control(&p->w, "codepipeline retry checkout");
	world_run(&p->w, 1000);
	scene_expect(people_end(p, "Promote"), "Succeeded", NULL, NULL);
	people_expect_share(p, 100);
}

/* Without a plan it can only be compared as it was written. */
static void a_target_is_checked_without_a_plan(void **state)
{
	struct people *p = *state;

	park_by_file(p, "config.Target=lambda:checkout:live",
		     "input=none config.Mode=rollback config.Target=lambda:checkout:test");
	to_another_worker(p);
	people_approve(p);
	scene_expect(people_end(p, "Promote"), "Failed", "ConfigurationError",
		     "is one of lambda:checkout:live", NULL);
	people_expect_share(p, 25);
	world_control(&p->w, "codepipeline action checkout Deploy Promote type=Deploy/Rollout/1 "
			     "run-order=3 input=none config.Handle=#{Canary.RolloutHandle} "
			     "config.Mode=rollback config.Target=lambda:checkout:live");
	world_control(&p->w, "codepipeline retry checkout");
	world_run(&p->w, 1000);
	scene_expect(people_end(p, "Promote"), "Succeeded", NULL, "rolled back", NULL);
	people_expect_share(p, 0);
}

/* The undo record alone takes it back, whatever was said of the target. */
static void a_rollback_needs_neither_plan_nor_target(void **state)
{
	struct people *p = *state;

	park_by_file(p, "", "input=none config.Mode=rollback config.Target=lambda:checkout:live");
	to_another_worker(p);
	people_approve(p);
	scene_expect(people_end(p, "Promote"), "Succeeded", NULL, "rolled back", NULL);
	people_expect_share(p, 0);
	people_expect_nothing_left(p, 1);
}

/* The role of the action that started it is the one that any other one works with. */
static void the_role_of_the_start_is_taken(void **state)
{
	struct people *p = *state;
	uint64_t before;

	park_by_file(p, "config.RoleArn=arn:aws:iam::111122223333:role/deploy",
		     "input=none config.Mode=rollback");
	to_another_worker(p);
	before = sim_call_count(p->w.sim, "sts", "AssumeRole");
	people_approve(p);
	scene_expect(people_end(p, "Promote"), "Succeeded", NULL, "rolled back", NULL);
	assert_true(sim_call_count(p->w.sim, "sts", "AssumeRole") > before);
	people_expect_share(p, 0);
}

#define LAMBDA(f)                                                                         \
	{                                                                                 \
#f, f, people_set_up, people_tear_down, (void *)(uintptr_t)&people_lambda \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PEOPLE(an_answer_that_is_none_refuses),
		PEOPLE(no_answer_for_an_hour_refuses),
		PEOPLE(a_handle_of_another_worker_needs_codepipeline),
		PEOPLE(a_rejection_is_noticed_when_codepipeline_answers_again),
		PEOPLE(an_output_that_cannot_be_written_delays_the_hand_over),
		LAMBDA(the_start_is_found_however_far_back),
		PEOPLE(what_is_held_is_not_promoted),
		LAMBDA(a_target_is_checked_against_the_plan_file),
		LAMBDA(a_target_is_checked_without_a_plan),
		LAMBDA(a_rollback_needs_neither_plan_nor_target),
		LAMBDA(the_role_of_the_start_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
