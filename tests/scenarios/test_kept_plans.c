#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/scenarios/people.h"
#include "worker/worker.h"

/*
 * Where the plan of a parked rollout comes from: the worker that started it keeps it in its ledger,
 * any other one reads it from what CodePipeline keeps and the artifact of the action at hand.
 */
#define TARGET "target: { lambda: { function: checkout, alias: live } }\n"

static const char PLAN[] =
	"rollout: 1\n" TARGET
	"strategy: { canary: { steps: [ { weight: 25, for: 3m } ], bake: 3m } }\n"
	"guards: [ { alarm: checkout-errors } ]\n";

/* Start and promote with a plan file; what more the two actions say. */
static void make(struct people *p, const char *start, const char *promote)
{
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
		      "run-order=3 config.Mode=promote config.Handle=#{Canary.RolloutHandle} %s",
		      promote);
}

static void push(struct people *p, const char *plan)
{
	const struct pack_entry files[] = {
		{.name = "rollout.yaml", .bytes = str_from(plan)},
		{.name = "index.py", .bytes = STR("# sim: errors=0.001\n")}};

	world_push_files(&p->w, "checkout", files, 2);
}

static void park(struct people *p, const char *start, const char *promote, const char *plan)
{
	make(p, start, promote);
	world_start(&p->w);
	push(p, plan);
	scene_expect(people_end(p, "Start"), "Succeeded", NULL, "parked at 25%", NULL);
	people_expect_share(p, 25);
}

static void restart(struct people *p, bool lose_ledger)
{
	world_kill(&p->w);
	if (lose_ledger)
		world_lose_ledger(&p->w);
	world_run(&p->w, MINUTE_MS);
	world_start(&p->w);
	world_run(&p->w, MINUTE_MS);
}

/* The guards of the plan file are asked again after a restart. */
static void a_plan_file_is_kept(void **state)
{
	struct people *p = *state;

	park(p, "", "", PLAN);
	restart(p, false);
	assert_int_equal(p->w.workers[0].worker->n_rollouts, 1);
	p->t->turn_bad(&p->w);
	people_expect_share_within(p, 0, 5 * MINUTE_MS);
	people_approve(p);
	scene_expect(people_end(p, "Promote"), "Failed", "JobFailed", "A guard failed", NULL);
	people_expect_nothing_left(p, 0);
}

/* And it is enough to promote by, whatever artifact the action has. */
static void a_kept_plan_needs_no_artifact(void **state)
{
	struct people *p = *state;

	park(p, "", "input=none", PLAN);
	restart(p, false);
	people_approve(p);
	scene_expect(people_end(p, "Promote"), "Succeeded", NULL, NULL);
	people_expect_share(p, 100);
}

static void any_worker_reads_the_plan_again(void **state)
{
	struct people *p = *state;

	park(p, "", "", PLAN);
	restart(p, true);
	people_approve(p);
	scene_expect(people_end(p, "Promote"), "Succeeded", NULL, NULL);
	people_expect_share(p, 100);
	people_expect_nothing_left(p, 0);
}

/* Without plan there is no going on, and nobody to watch the candidate: back. */
static void without_the_artifact_another_worker_goes_back(void **state)
{
	struct people *p = *state;

	park(p, "", "input=none", PLAN);
	restart(p, true);
	people_expect_share(p, 25);
	people_approve(p);
	scene_expect(people_end(p, "Promote"), "Failed", "ConfigurationError",
		     "needs the input artifact of the action that started the rollout",
		     "The baseline carries all traffic", NULL);
	people_expect_share(p, 0);
	people_expect_nothing_left(p, 0);
}

static void another_plan_is_not_followed(void **state)
{
	static const char other[] =
		"rollout: 1\n" TARGET
		"strategy: { canary: { steps: [ { weight: 25, for: 3m } ], bake: 0s } }\n"
		"guards: [ { alarm: checkout-errors } ]\n";
	const struct pack_entry file = {.name = "rollout.yaml", .bytes = str_from(other)};
	struct people *p = *state;

	park(p, "", "", PLAN);
	restart(p, true);
	world_replace_files(&p->w, scene_source_key(&p->w, "checkout"), &file, 1);
	people_approve(p);
	scene_expect(people_end(p, "Promote"), "Failed", "ConfigurationError",
		     "not the one this rollout started with", "The baseline carries all traffic",
		     NULL);
	people_expect_share(p, 0);
}

/* The same action has the plan in the ledger: it is the one it began with. */
static void a_kept_plan_stays_the_one_it_began_with(void **state)
{
	const struct pack_entry file = {.name = "rollout.yaml", .bytes = STR("nonsense")};
	struct people *p = *state;

	park(p, "", "", PLAN);
	restart(p, false);
	world_replace_files(&p->w, scene_source_key(&p->w, "checkout"), &file, 1);
	people_approve(p);
	scene_expect(people_end(p, "Promote"), "Succeeded", NULL, NULL);
}

/* Parameters may be secrets: such a plan is not kept, and nobody watches after a restart. */
static void a_plan_with_parameters_is_not_kept(void **state)
{
	static const char plan[] =
		"rollout: 1\n" TARGET
		"strategy: { canary: { steps: [ { weight: 25, for: 3m } ], bake: 3m } }\n"
		"guards: [ { alarm: \"${alarm}\" } ]\n";
	static const char start[] = "config.Overrides=\"param.alarm=checkout-errors\"";
	struct people *p = *state;

	park(p, start, "", plan);
	restart(p, false);
	assert_int_equal(p->w.workers[0].worker->n_rollouts, 0);
	people_approve(p); /* CodePipeline and the artifact have it */
	scene_expect(people_end(p, "Promote"), "Succeeded", NULL, NULL);
	people_expect_share(p, 100);
}

static void what_is_not_kept_can_still_go_back(void **state)
{
	static const char plan[] =
		"rollout: 1\n" TARGET
		"strategy: { canary: { steps: [ { weight: 25, for: 3m } ], bake: 3m } }\n"
		"guards: [ { alarm: \"${alarm}\" } ]\n";
	struct people *p = *state;

	park(p, "config.Overrides=\"param.alarm=checkout-errors\"", "", plan);
	restart(p, false);
	people_reject(p);
	people_expect_share_within(p, 0, 2 * MINUTE_MS);
	world_run(&p->w, MINUTE_MS);
	people_expect_nothing_left(p, 0);
}

/* What the plan says about abandoned rollouts is known after a restart. */
static void a_plan_that_leaves_what_is_abandoned_is_kept(void **state)
{
	static const char plan[] =
		"rollout: 1\n" TARGET
		"strategy: { canary: { steps: [ { weight: 25, for: 3m } ], bake: 3m } }\n"
		"guards: [ { alarm: checkout-errors } ]\n"
		"rollback: { on: [guard, timeout] }\n";
	struct people *p = *state;
	const char *handle;

	park(p, "", "", plan);
	handle = people_variable(p, "Start", "RolloutHandle");
	world_kill(&p->w);
	people_reject(p);
	world_run(&p->w, MINUTE_MS);
	world_start(&p->w);
	world_run(&p->w, 10 * MINUTE_MS);
	people_expect_share(p, 25);
	people_expect_nothing_left(p, 0);
	/* and a rollback that somebody asks for goes back from there */
	people_other(p, "undo", "rollback", handle);
	scene_expect(people_other_end(p, "undo"), "Succeeded", NULL, "rolled back", NULL);
	people_expect_share(p, 0);
}

/* There is nothing to share with, nor to go back to. */
static void a_first_deployment_cannot_be_started(void **state)
{
	struct people *p = *state;
	struct world *w = &p->w;

	world_control(w, "lambda function checkout code=\"sim: errors=0.001\"");
	world_alarm(w, "checkout");
	world_control(w, "codepipeline pipeline checkout action=Start type=Deploy/Rollout/1 "
			 "config.Mode=start config.Target=lambda:checkout:live "
			 "config.Strategy=\"canary 5%% 1m\" config.Alarms=checkout-errors");
	world_start(w);
	world_push(w, "checkout", "errors=0.001");
	scene_expect(people_end(p, "Start"), "Failed", "ConfigurationError",
		     "Mode: \"start\": there is no baseline yet", NULL);
	scene_expect_no_writes(w, people_action(p, "Start"));
}

#define LAMBDA(f)                                                                         \
	{                                                                                 \
#f, f, people_set_up, people_tear_down, (void *)(uintptr_t)&people_lambda \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAMBDA(a_plan_file_is_kept),
		LAMBDA(a_kept_plan_needs_no_artifact),
		LAMBDA(any_worker_reads_the_plan_again),
		LAMBDA(without_the_artifact_another_worker_goes_back),
		LAMBDA(another_plan_is_not_followed),
		LAMBDA(a_kept_plan_stays_the_one_it_began_with),
		LAMBDA(a_plan_with_parameters_is_not_kept),
		LAMBDA(what_is_not_kept_can_still_go_back),
		LAMBDA(a_plan_that_leaves_what_is_abandoned_is_kept),
		LAMBDA(a_first_deployment_cannot_be_started),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
