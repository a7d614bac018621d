#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/scenarios/scene.h"

/*
 * Two workers, or a worker and a person, are of two minds about one rollout: what the model in
 * tests/model found, as whole rollouts.
 */
#define CANARY "canary 5% 10m, 25% 10m bake 10m"
#define GOOD "errors=0.001"

static void start_canary(struct world *w)
{
	world_lambda(w, "checkout", CANARY);
	world_start(w);
	world_push(w, "checkout", GOOD);
}

static void expect_version(struct world *w, int version)
{
	struct world_live live = world_lambda_live(w, "checkout");

	assert_int_equal(live.version, version);
	assert_int_equal(live.additional, 0);
}

static void run_until_dead(struct world *w)
{
	for (int i = 0; w->workers[0].worker && i < 3600; i++)
		world_run(w, 1000);
	assert_null(w->workers[0].worker);
}

/* What the first worker left behind; to be closed. */
static struct ledger *ledger_of_the_dead(struct world *w)
{
	struct err err = ERR_INIT;
	struct ledger *l;

	run_until_dead(w);
	l = ledger_open_read(w->workers[0].ledger_path, &err);
	assert_non_null(l);
	return l;
}

static void expect_phase_on_disk(struct world *w, const char *phase)
{
	struct ledger *l = ledger_of_the_dead(w);
	struct ledger_rollout *rows;
	struct err err = ERR_INIT;
	size_t n = 0;

	assert_int_equal(ledger_rollouts(l, true, 10, w->arena, &rows, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_string_equal(rows[0].phase, phase);
	ledger_close(l);
}

/* What somebody else has promoted is neither taken back at once nor built upon. */
static void another_s_promotion_is_held_then_taken_back(void **state)
{
	struct world *w = *state;
	uint64_t writes;

	start_canary(w);
	scene_run_until_share(w, scene_alias(w, "checkout"), 5);
	world_run(w, 3 * MINUTE_MS);
	world_control(w, "lambda alias checkout live version=2 additional=0");
	writes = sim_call_count(w->sim, "lambda", "UpdateAlias");
	world_run(w, 15 * MINUTE_MS);
	assert_int_equal(sim_call_count(w->sim, "lambda", "UpdateAlias"), writes);
	expect_version(w, 2);
	scene_expect(scene_end(w, "checkout"), "Failed", "JobFailed", "has been promoted",
		     "by another worker or by hand", NULL);
	expect_version(w, 1);
}

/* The worker dies with a success on its lips, and before it can tell, that is none any more. */
static void a_success_undone_before_it_was_told_is_none(void **state)
{
	struct world *w = *state;

	start_canary(w);
	w->restart_after_ms = 2 * MINUTE_MS;
	/* while the output artifact is written, which comes before the report */
	world_control(w, "sim fault kind=crash-before n=1 service=s3 operation=PutObject");
	expect_phase_on_disk(w, "SUCCEEDED");
	world_control(w, "lambda alias checkout live version=1 additional=0");
	scene_expect(scene_end(w, "checkout"), "Failed", "RevisionOutOfSync", NULL);
	expect_version(w, 1);
}

/* Which of two workers asks for jobs. */
static void let_poll(struct world *w, int one)
{
	for (int i = 0; i < 2; i++)
		w->workers[i].config.slots = i == one ? 10 : 0;
}

static void run_until_candidate(struct world *w, double percent)
{
	for (int i = 0; i < 900 && world_load_balancer_live(w, "shop").candidate != percent; i++)
		world_run(w, 1000);
	assert_int_equal(world_load_balancer_live(w, "shop").candidate, percent);
}

/*
 * A guard fails while no job is held: one worker takes the traffic back. The next job comes to the
 * other one, which saw no guard fail: to that the step has not taken effect yet, and it is made
 * again. The one after it comes to the first, which has its failure to tell.
 */
static void a_failure_undone_before_it_was_told_is_restored(void **state)
{
	struct world *w = *state;

	world_load_balancer(w, "shop", "canary 20% 10m, 40% 3m", false);
	world_control(w, "sim set continuation_delay_min=90s continuation_delay_max=90s");
	/* so short that a step is told before it has taken effect */
	w->workers[0].config.hold_ms = w->workers[1].config.hold_ms = 8000;
	world_start_worker(w, 0);
	world_start_worker(w, 1);
	let_poll(w, 0);
	world_push(w, "shop", "errors=0");
	run_until_candidate(w, 20);
	scene_run_until_summary(w, "shop", "20% is set, waiting until it is in effect");
	let_poll(w, 1);
	world_control(w, "cloudwatch set-state shop-errors ALARM");
	run_until_candidate(w, 0);
	world_control(w, "cloudwatch set-state shop-errors OK");
	run_until_candidate(w, 20);
	let_poll(w, 0);
	scene_expect(scene_end(w, "shop"), "Failed", "JobFailed", "A guard failed",
		     "The baseline carries all traffic", NULL);
	assert_int_equal(world_load_balancer_live(w, "shop").candidate, 0);
}

/* Both answers to the acknowledgement say nothing: the job is handed back, not worked on. */
static void a_job_that_may_be_another_s_is_handed_back(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	world_lambda(w, "checkout", CANARY);
	world_control(w, "sim fault kind=timeout-after n=1 service=codepipeline "
			 "operation=AcknowledgeJob");
	world_start(w);
	world_push(w, "checkout", GOOD);
	world_run(w, 3 * MINUTE_MS);
	assert_int_equal(sim_call_count(w->sim, "lambda", NULL), 0);
	assert_int_equal(sim_call_count(w->sim, "codepipeline", "PutJobSuccessResult"), 0);
	for (int i = 0; i < 1800 && !sim_call_count(w->sim, "codepipeline", "PutJobSuccessResult");
	     i++)
		world_run(w, 100);
	assert_int_equal(sim_call_count(w->sim, "codepipeline", "GetJobDetails"), 1);
	assert_int_equal(sim_call_count(w->sim, "codepipeline", "PutJobSuccessResult"), 1);
	/* nothing was done for it, not even looked at */
	assert_int_equal(sim_call_count(w->sim, "lambda", NULL), 0);
	a = scene_end(w, "checkout");
	scene_expect(a, "Succeeded", NULL, NULL);
	expect_version(w, 2);
}

/* Acknowledged twice by the network, and only the second answer arrives: InvalidNonce. */
static void a_job_acknowledged_twice_does_not_wait_for_ever(void **state)
{
	struct world *w = *state;

	world_lambda(w, "checkout", CANARY);
	world_control(w, "sim fault kind=duplicated n=1 service=codepipeline "
			 "operation=AcknowledgeJob");
	world_start(w);
	world_push(w, "checkout", GOOD);
	scene_expect(scene_end(w, "checkout"), "Succeeded", NULL, NULL);
	expect_version(w, 2);
}

/* The worker that holds it goes on, and the one that is in doubt cannot move anything. */
static void a_job_in_doubt_that_another_works_on_is_his(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	world_lambda(w, "checkout", "canary 5% 30m bake 10m");
	world_control(w, "sim fault kind=crash-before n=1 service=codepipeline "
			 "operation=AcknowledgeJob");
	w->restart_after_ms = 30 * MINUTE_MS;
	world_start_worker(w, 0);
	world_push(w, "checkout", GOOD);
	run_until_dead(w);
	world_start_worker(w, 1);
	scene_run_until_share(w, scene_alias(w, "checkout"), 5);
	a = scene_end(w, "checkout");
	scene_expect(a, "Succeeded", NULL, NULL);
	scene_expect_shares(w, scene_alias(w, "checkout"), a, 5.0, 100.0, -1.0);
	expect_version(w, 2);
}

/* The worker dies while it acknowledges: its job is on disk, and its action does not time out. */
static void a_claim_is_on_disk_before_it_is_made(void **state)
{
	struct world *w = *state;
	struct err err = ERR_INIT;
	struct ledger_job *jobs;
	struct ledger *l;
	size_t n = 0;

	world_lambda(w, "checkout", CANARY);
	world_control(w, "sim fault kind=crash-after n=1 service=codepipeline "
			 "operation=AcknowledgeJob");
	w->restart_after_ms = MINUTE_MS;
	world_start(w);
	world_push(w, "checkout", GOOD);
	l = ledger_of_the_dead(w);
	assert_int_equal(ledger_jobs(l, w->arena, &jobs, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_int_equal(jobs[0].state, LEDGER_CLAIMED);
	ledger_close(l);
	scene_expect(scene_end(w, "checkout"), "Succeeded", NULL, NULL);
	expect_version(w, 2);
}

/* The worker dies while it reports: what it was saying is on disk, and is said again. */
static void a_report_is_on_disk_before_it_is_sent(void **state)
{
	struct world *w = *state;
	struct ledger_report *reports;
	struct err err = ERR_INIT;
	struct ledger *l;
	size_t n = 0;

	world_lambda(w, "checkout", CANARY);
	world_control(w, "sim fault kind=crash-after n=1 service=codepipeline "
			 "operation=PutJobSuccessResult");
	w->restart_after_ms = MINUTE_MS;
	world_start(w);
	world_push(w, "checkout", GOOD);
	l = ledger_of_the_dead(w);
	assert_int_equal(ledger_reports(l, w->arena, &reports, &n, &err), 0);
	assert_int_equal(n, 1);
	ledger_close(l);
	scene_expect(scene_end(w, "checkout"), "Succeeded", NULL, NULL);
	expect_version(w, 2);
}

int main(void)
{
#define SCENE(f) cmocka_unit_test_setup_teardown(f, scene_set_up, scene_tear_down)
	const struct CMUnitTest tests[] = {
		SCENE(another_s_promotion_is_held_then_taken_back),
		SCENE(a_success_undone_before_it_was_told_is_none),
		SCENE(a_failure_undone_before_it_was_told_is_restored),
		SCENE(a_job_that_may_be_another_s_is_handed_back),
		SCENE(a_job_acknowledged_twice_does_not_wait_for_ever),
		SCENE(a_job_in_doubt_that_another_works_on_is_his),
		SCENE(a_claim_is_on_disk_before_it_is_made),
		SCENE(a_report_is_on_disk_before_it_is_sent),
	};
#undef SCENE

	return cmocka_run_group_tests(tests, NULL, NULL);
}
