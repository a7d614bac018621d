#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/scenarios/people.h"
#include "worker/slice.h"

/* Started, parked, looked at by people, and promoted or taken back: on every kind of target. */

/* --- promoted ------------------------------------------------------------------------------- */

static void a_good_release_is_promoted_when_it_is_approved(void **state)
{
	struct people *p = *state;
	const struct sim_action *a;
	const char *handle;

	people_park(p);
	handle = people_variable(p, "Start", "RolloutHandle");
	assert_true(str_starts(str_from(handle), "h1.r-"));
	assert_true(strlen(handle) < 1000);
	assert_string_equal(people_variable(p, "Start", "Strategy"), "canary");
	assert_string_equal(people_row(p)->phase, "PARKED");
	assert_string_equal(people_row(p)->handle, handle);
	assert_int_equal(p->w.workers[0].worker->n_jobs, 0); /* nobody holds a job for it */
	world_run(&p->w, 30 * MINUTE_MS);
	people_expect_share(p, 25);
	people_approve(p);
	a = people_end(p, "Promote");
	scene_expect(a, "Succeeded", NULL, "the candidate serves everything", NULL);
	scene_expect_shares(&p->w, p->t->resource(&p->w), people_action(p, "Start"), 5., 25., 100.,
			    -1.);
	assert_string_equal(a->external_execution_id,
			    people_action(p, "Start")->external_execution_id);
	assert_true(a->updated.ms - a->started.ms >= 5 * MINUTE_MS); /* the bake time */
	assert_string_not_equal(people_variable(p, "Promote", "RolloutHandle"), handle);
	people_expect_share(p, 100);
	people_expect_nothing_left(p, 0);
	world_run(&p->w, 30 * MINUTE_MS);
	people_expect_share(p, 100);
}

/* Parked before any traffic: the candidate can be looked at before the switch. */
static void a_blue_green_start_parks_before_the_switch(void **state)
{
	struct people *p = *state;

	people_begin(p, "blue-green bake 5m");
	scene_expect(people_end(p, "Start"), "Succeeded", NULL, "parked before any traffic", NULL);
	world_run(&p->w, 20 * MINUTE_MS);
	people_expect_share(p, 0);
	people_approve(p);
	scene_expect(people_end(p, "Promote"), "Succeeded", NULL, NULL);
	scene_expect_shares(&p->w, p->t->resource(&p->w), people_action(p, "Start"), 100., -1.);
	people_expect_share(p, 100);
}

/* A last step of 100 % comes after the approval, with its own watch. */
static void what_is_left_of_the_steps_comes_after_the_approval(void **state)
{
	struct people *p = *state;
	const struct sim_action *a;

	people_begin(p, "canary 10% 2m, 100% 20m");
	scene_expect(people_end(p, "Start"), "Succeeded", NULL, "parked at 10%", NULL);
	people_approve(p);
	a = people_end(p, "Promote");
	scene_expect(a, "Succeeded", NULL, NULL);
	assert_true(a->updated.ms - a->started.ms >= 20 * MINUTE_MS);
	people_expect_share(p, 100);
}

/* --- it turns bad --------------------------------------------------------------------------- */

static void what_turns_bad_while_parked_goes_back_at_once(void **state)
{
	struct people *p = *state;
	const struct sim_action *a;

	people_park(p);
	p->t->turn_bad(&p->w);
	people_expect_share_within(p, 0, 5 * MINUTE_MS);
	world_run(&p->w, 10 * MINUTE_MS);
	people_expect_share(p, 0);
	assert_string_equal(people_action(p, "Approve")->status, "InProgress");
	people_approve(p);
	a = people_end(p, "Promote");
	scene_expect(a, "Failed", "JobFailed", "A guard failed", "with 25% on the candidate",
		     "The baseline carries all traffic", NULL);
	scene_expect_shares(&p->w, p->t->resource(&p->w), people_action(p, "Start"), 5., 25., 0.,
			    -1.);
	people_expect_nothing_left(p, 0);
}

static void what_turns_bad_after_the_promotion_goes_back(void **state)
{
	struct people *p = *state;

	people_park(p);
	people_approve(p);
	people_expect_share_within(p, 100, 10 * MINUTE_MS);
	world_run(&p->w, MINUTE_MS);
	p->t->turn_bad(&p->w);
	scene_expect(people_end(p, "Promote"), "Failed", "JobFailed", "with 100% on the candidate",
		     "The baseline carries all traffic", NULL);
	people_expect_share(p, 0);
	people_expect_nothing_left(p, 0);
}

/* Only a Pass of after the promotion was asked for counts. */
static void without_a_pass_nothing_is_promoted(void **state)
{
	struct people *p = *state;

	people_park(p);
	world_control(&p->w, "cloudwatch delete checkout-errors");
	world_run(&p->w, 40 * MINUTE_MS); /* nobody wants to go on: it stays */
	people_expect_share(p, 25);
	people_approve(p);
	scene_expect(people_end(p, "Promote"), "Failed", "JobFailed", "no Pass for 20m", NULL);
	scene_expect_shares(&p->w, p->t->resource(&p->w), people_action(p, "Start"), 5., 25., 0.,
			    -1.);
	people_expect_share(p, 0);
}

/* --- taken back ----------------------------------------------------------------------------- */

static void what_is_rejected_goes_back(void **state)
{
	struct people *p = *state;

	people_park(p);
	world_run(&p->w, 10 * MINUTE_MS);
	people_reject(p);
	people_expect_share_within(p, 0, 2 * MINUTE_MS);
	world_run(&p->w, MINUTE_MS);
	people_expect_nothing_left(p, 0);
	assert_string_equal(people_row(p)->phase, "FAILED");
	assert_non_null(strstr(people_row(p)->summary, "abandon"));
}

static void an_approval_that_times_out_takes_it_back(void **state)
{
	struct people *p = *state;

	people_park(p);
	world_run(&p->w, 59 * MINUTE_MS);
	people_expect_share(p, 25);
	world_run(&p->w, 3 * MINUTE_MS);
	people_expect_share(p, 0);
	people_expect_nothing_left(p, 0);
}

static void stop_abandon(struct people *p)
{
	world_control(&p->w, "codepipeline stop checkout abandon");
}

static void stop_and_wait(struct people *p)
{
	world_control(&p->w, "codepipeline stop checkout");
	people_approve(p); /* what waits ends by itself, and then it stops */
}

static void edit(struct people *p)
{
	world_control(&p->w, "codepipeline edit checkout");
}

static void delete_it(struct people *p)
{
	world_control(&p->w, "codepipeline delete checkout");
}

/* However the execution ends without a promotion, the rollout is nobody's. */
static void an_execution_that_is_over_takes_it_back(void **state)
{
	static void (*const ways[])(struct people *) = {stop_abandon, stop_and_wait, edit,
							delete_it};
	void *kind = (void *)(uintptr_t)((struct people *)*state)->t;

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		void *fresh = kind;
		struct people *p;

		people_set_up(&fresh);
		p = fresh;
		people_park(p);
		ways[i](p);
		people_expect_share_within(p, 0, 2 * MINUTE_MS);
		world_run(&p->w, MINUTE_MS);
		people_expect_nothing_left(p, 0);
		people_tear_down(&fresh);
	}
}

/* A pipeline without anybody to promote ends well, and still the rollout is nobody's. */
static void a_start_that_nobody_promotes_goes_back(void **state)
{
	struct people *p = *state;
	struct world *w = &p->w;

	p->t->make(w);
	world_control(w,
		      "codepipeline action checkout Deploy Start type=Deploy/Rollout/1 "
		      "config.Mode=start config.Target=\"%s\" config.Strategy=\"canary 25%% 2m\" "
		      "config.Alarms=checkout-errors",
		      p->t->target(w));
	world_start(w);
	world_push(w, "checkout", "errors=0.001");
	scene_expect(people_end(p, "Start"), "Succeeded", NULL, "parked at 25%", NULL);
	people_expect_share_within(p, 0, 2 * MINUTE_MS);
	world_run(w, MINUTE_MS);
	people_expect_nothing_left(p, 0);
}

static void a_rollback_action_takes_it_back(void **state)
{
	struct people *p = *state;
	const struct sim_action *a;

	people_make(p, PEOPLE_CANARY);
	world_control(&p->w,
		      "codepipeline action checkout Deploy Promote type=Deploy/Rollout/1 "
		      "run-order=3 config.Mode=rollback config.Handle=#{Canary.RolloutHandle} "
		      "config.Target=\"%s\"",
		      p->t->target(&p->w));
	world_start(&p->w);
	world_push(&p->w, "checkout", "errors=0.001");
	(void)people_end(p, "Start");
	people_expect_share(p, 25);
	people_approve(p);
	a = people_end(p, "Promote");
	scene_expect(a, "Succeeded", NULL, "rolled back", "The baseline carries all traffic", NULL);
	people_expect_share(p, 0);
	people_expect_nothing_left(p, 0);
	world_run(&p->w, 10 * MINUTE_MS);
	people_expect_share(p, 0);
}

/* It was taken back when it was rejected: a rollback that comes then has nothing to do. */
static void a_rollback_after_a_rejection_has_nothing_to_do(void **state)
{
	struct people *p = *state;
	const char *handle;

	people_park(p);
	handle = people_variable(p, "Start", "RolloutHandle");
	people_reject(p);
	people_expect_share_within(p, 0, 2 * MINUTE_MS);
	world_run(&p->w, MINUTE_MS);
	people_other(p, "undo", "rollback", handle);
	scene_expect(people_other_end(p, "undo"), "Succeeded", NULL, "rolled back already",
		     "abandon", NULL);
	people_expect_share(p, 0);
	people_expect_nothing_left(p, 0);
}

/* On the instance: rolled back by an operator while it is parked. */
static void an_operator_takes_a_parked_one_back(void **state)
{
	struct people *p = *state;
	struct err err = ERR_INIT;
	struct ledger_command c = {.command = "rollback", .user = "ann"};

	people_park(p);
	c.rollout_id = people_row(p)->id;
	c.at = sim_now(p->w.sim);
	assert_int_equal(ledger_command_put(p->w.workers[0].ledger, &c, &err), 0);
	people_expect_share_within(p, 0, 2 * MINUTE_MS);
	people_approve(p);
	scene_expect(people_end(p, "Promote"), "Failed", "JobFailed", "ann asked to go back",
		     "The baseline carries all traffic", NULL);
}

/* --- workers come and go -------------------------------------------------------------------- */

static void another_worker_without_a_ledger_promotes(void **state)
{
	struct people *p = *state;

	people_park(p);
	world_kill(&p->w);
	world_lose_ledger(&p->w);
	world_start_worker(&p->w, 1);
	people_approve(p);
	scene_expect(people_end(p, "Promote"), "Succeeded", NULL, "the candidate serves everything",
		     NULL);
	scene_expect_shares(&p->w, p->t->resource(&p->w), people_action(p, "Start"), 5., 25., 100.,
			    -1.);
	people_expect_share(p, 100);
	people_expect_nothing_left(p, 1);
}

/* The one that parked it is still there, and must not take back what another one promoted. */
static void the_worker_that_parked_it_lets_another_one_promote(void **state)
{
	struct people *p = *state;

	people_make(p, PEOPLE_CANARY);
	/* the execution goes on for long after the promotion */
	world_control(&p->w, "codepipeline action checkout After Ask type=AWS:Approval/Manual/1");
	world_start(&p->w);
	world_push(&p->w, "checkout", "errors=0.001");
	(void)people_end(p, "Start");
	p->w.workers[0].config.poll_ms = 10 * HOUR_MS; /* it gets no more jobs */
	world_start_worker(&p->w, 1);
	people_approve(p);
	scene_expect(people_end(p, "Promote"), "Succeeded", NULL, NULL);
	people_expect_share(p, 100);
	/* a Fail of long after is not the rollout's any more */
	world_run(&p->w, 20 * MINUTE_MS);
	assert_int_equal(p->w.workers[0].worker->n_rollouts, 1);
	p->t->turn_bad(&p->w);
	world_run(&p->w, 20 * MINUTE_MS);
	people_expect_share(p, 100);
	assert_string_equal(people_action(p, "Ask")->status, "InProgress");
	people_expect_nothing_left(p, 0);
	people_expect_nothing_left(p, 1);
}

/* The one that parked it sees it fail, and the one that promotes concludes the same. */
static void a_fail_that_one_worker_saw_is_told_by_another(void **state)
{
	struct people *p = *state;

	people_park(p);
	p->t->turn_bad(&p->w);
	people_expect_share_within(p, 0, 5 * MINUTE_MS);
	world_run(&p->w, 10 * MINUTE_MS); /* without traffic the alarm is well again */
	world_kill(&p->w);
	world_lose_ledger(&p->w);
	world_start_worker(&p->w, 1);
	people_approve(p);
	scene_expect(people_end(p, "Promote"), "Failed", "RevisionOutOfSync",
		     "found back on the baseline", "The baseline carries all traffic", NULL);
	people_expect_share(p, 0);
}

static void a_worker_killed_while_parked_watches_again(void **state)
{
	struct people *p = *state;

	people_park(p);
	world_kill(&p->w);
	world_run(&p->w, 10 * MINUTE_MS);
	world_start(&p->w);
	world_run(&p->w, MINUTE_MS);
	assert_int_equal(p->w.workers[0].worker->n_rollouts, 1);
	p->t->turn_bad(&p->w);
	people_expect_share_within(p, 0, 5 * MINUTE_MS);
	world_kill(&p->w); /* and once more, before anybody was told */
	world_start(&p->w);
	people_approve(p);
	scene_expect(people_end(p, "Promote"), "Failed", "JobFailed", "A guard failed",
		     "with 25% on the candidate", NULL);
	people_expect_nothing_left(p, 0);
}

static void a_worker_killed_while_parked_promotes_later(void **state)
{
	struct people *p = *state;

	people_park(p);
	world_kill(&p->w);
	people_approve(p);
	world_run(&p->w, 10 * MINUTE_MS);
	world_start(&p->w);
	scene_expect(people_end(p, "Promote"), "Succeeded", NULL, NULL);
	people_expect_share(p, 100);
}

static void rejected_while_the_worker_was_dead(void **state)
{
	struct people *p = *state;

	people_park(p);
	world_kill(&p->w);
	people_reject(p);
	world_run(&p->w, 10 * MINUTE_MS);
	people_expect_share(p, 25);
	world_start(&p->w);
	people_expect_share_within(p, 0, 2 * MINUTE_MS);
	world_run(&p->w, MINUTE_MS);
	people_expect_nothing_left(p, 0);
}

/* SIGTERM: nothing holds the stop up, and the next process goes on. */
static void a_worker_stops_while_one_is_parked(void **state)
{
	struct people *p = *state;

	people_park(p);
	assert_true(world_stop_worker(&p->w, 0, 30000));
	people_expect_share(p, 25);
	world_start(&p->w);
	world_run(&p->w, 10 * MINUTE_MS);
	people_expect_share(p, 25);
	people_approve(p);
	scene_expect(people_end(p, "Promote"), "Succeeded", NULL, NULL);
	people_expect_share(p, 100);
}

/* --- abandoned anywhere --------------------------------------------------------------------- */

static void abandon_after_a_crash(struct world *w, void *arg)
{
	bool *abandoned = arg;

	if (!w->workers[0].crashed || *abandoned)
		return;
	*abandoned = true;
	if (strcmp(sim_action_find(w->sim, "checkout", NULL)->status, "InProgress") == 0)
		world_control(w, "codepipeline stop checkout abandon");
}

/* Approved as soon as that is asked for; until it is promoted, or abandoned. */
static void approve_and_wait(struct people *p, const bool *abandoned)
{
	int64_t end = sim_now(p->w.sim).ms + 3 * HOUR_MS;
	const struct sim_action *a;

	do {
		world_run(&p->w, 10000);
		a = sim_action_find(p->w.sim, "checkout", "Approve");
		if (a && !strcmp(a->status, "InProgress"))
			people_approve(p);
		a = sim_action_find(p->w.sim, "checkout", "Promote");
	} while (!*abandoned && !(a && strcmp(a->status, "InProgress") != 0) &&
		 sim_now(p->w.sim).ms < end);
}

/*
 * The worker dies at its n-th call, for every so many, and its execution is stopped before it is
 * back: whatever the rollout was doing then, the baseline has everything again.
 */
static void abandoned_at_every_call(void **state)
{
	void *kind = (void *)(uintptr_t)((struct people *)*state)->t;
	bool more = true;
	int trials = 0;

	for (int n = 1; more; n += 5, trials++) {
		bool abandoned = false;
		void *fresh = kind;
		struct people *p;

		people_set_up(&fresh);
		p = fresh;
		people_make(p, "canary 10% 1m, 50% 1m bake 1m");
		p->w.watch = abandon_after_a_crash;
		p->w.watch_arg = &abandoned;
		p->w.restart_after_ms = 60000;
		sim_fault_at(p->w.sim, (uint64_t)n,
			     n % 2 ? SIM_FAULT_CRASH_AFTER : SIM_FAULT_CRASH_BEFORE, 1);
		world_push(&p->w, "checkout", "errors=0.001");
		world_start(&p->w);
		approve_and_wait(p, &abandoned);
		more = abandoned;
		if (abandoned) {
			const struct ledger_rollout *row;
			const char *how;

			world_run(&p->w, 30 * MINUTE_MS);
			row = people_row(p);
			how = row ? row->summary : "it had not begun";

			/* what had passed everything stays */
			if (!strstr(how, "the candidate serves everything") &&
			    !strstr(how, "old version is not retired"))
				people_expect_share(p, 0);
			people_expect_nothing_left(p, 0);
		} else {
			people_expect_share(p, 100);
		}
		people_tear_down(&fresh);
	}
	print_message("# %d trials\n", trials);
	assert_true(trials > 15);
}

/* A crash, a lost answer or a refusal at any call changes nothing about the end. */
static void promoted_whatever_goes_wrong_at_any_call(void **state)
{
	static const enum sim_fault kinds[] = {SIM_FAULT_CRASH_AFTER, SIM_FAULT_TIMEOUT_AFTER,
					       SIM_FAULT_500, SIM_FAULT_CRASH_BEFORE,
					       SIM_FAULT_TIMEOUT_BEFORE};
	void *kind = (void *)(uintptr_t)((struct people *)*state)->t;
	bool never = false, more = true;
	int trials = 0;

	for (int n = 1; more; n += 4, trials++) {
		void *fresh = kind;
		struct people *p;

		people_set_up(&fresh);
		p = fresh;
		people_make(p, "canary 10% 1m, 50% 1m bake 1m");
		sim_fault_at(p->w.sim, (uint64_t)n, kinds[trials % 5], 1);
		world_push(&p->w, "checkout", "errors=0.001");
		world_start(&p->w);
		approve_and_wait(p, &never);
		more = sim_fault_hit(p->w.sim);
		if (strcmp(people_action(p, "Promote")->status, "Succeeded") != 0)
			fail_msg("fault %d at call %d: %s", kinds[trials % 5], n,
				 people_action(p, "Promote")->message);
		people_expect_share(p, 100);
		world_run(&p->w, 10 * MINUTE_MS);
		people_expect_share(p, 100);
		people_expect_nothing_left(p, 0);
		people_tear_down(&fresh);
	}
	print_message("# %d trials\n", trials);
	assert_true(trials > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PEOPLE(a_good_release_is_promoted_when_it_is_approved),
		PEOPLE(a_blue_green_start_parks_before_the_switch),
		PEOPLE(what_is_left_of_the_steps_comes_after_the_approval),
		PEOPLE(what_turns_bad_while_parked_goes_back_at_once),
		PEOPLE(what_turns_bad_after_the_promotion_goes_back),
		PEOPLE(without_a_pass_nothing_is_promoted),
		PEOPLE(what_is_rejected_goes_back),
		PEOPLE(an_approval_that_times_out_takes_it_back),
		PEOPLE(an_execution_that_is_over_takes_it_back),
		PEOPLE(a_start_that_nobody_promotes_goes_back),
		PEOPLE(a_rollback_action_takes_it_back),
		PEOPLE(a_rollback_after_a_rejection_has_nothing_to_do),
		PEOPLE(an_operator_takes_a_parked_one_back),
		PEOPLE(another_worker_without_a_ledger_promotes),
		PEOPLE(the_worker_that_parked_it_lets_another_one_promote),
		PEOPLE(a_fail_that_one_worker_saw_is_told_by_another),
		PEOPLE(a_worker_killed_while_parked_watches_again),
		PEOPLE(a_worker_killed_while_parked_promotes_later),
		PEOPLE(rejected_while_the_worker_was_dead),
		PEOPLE(a_worker_stops_while_one_is_parked),
		PEOPLE(abandoned_at_every_call),
		PEOPLE(promoted_whatever_goes_wrong_at_any_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
