#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/scenarios/scene.h"

/* Many rollouts at once, several workers, workers that come and go. */

#define GOOD "errors=0.001"
#define BAD "errors=0.5"
#define MANY 50
#define FEW 5

static const char *name_of(struct world *w, int i)
{
	return arena_printf(w->arena, "app%d", i);
}

static bool is_bad(int i)
{
	return i % 2 == 1;
}

static void start_many(struct world *w, int n, const char *strategy)
{
	for (int i = 0; i < n; i++)
		world_lambda(w, name_of(w, i), strategy);
	for (int i = 0; i < n; i++)
		world_push(w, name_of(w, i), is_bad(i) ? BAD : GOOD);
}

static void expect_all_right(struct world *w, int n)
{
	for (int i = 0; i < n; i++) {
		const struct sim_action *a = scene_end(w, name_of(w, i));
		struct world_live live = world_lambda_live(w, name_of(w, i));

		if (is_bad(i))
			scene_expect(a, "Failed", NULL, "The baseline carries all traffic", NULL);
		else
			scene_expect(a, "Succeeded", NULL, NULL);
		assert_true(live.is_one);
		assert_int_equal(live.version, is_bad(i) ? 1 : 2);
	}
}

static void fifty_rollouts_at_once_all_end_right(void **state)
{
	struct world *w = *state;

	start_many(w, MANY, "canary 10% 3m, 50% 3m bake 3m");
	world_start(w);
	expect_all_right(w, MANY);
}

static uint64_t alarm_calls_in_half_an_hour(int n)
{
	struct world *w;
	void *state;
	uint64_t calls;

	scene_set_up(&state);
	w = state;
	start_many(w, n, "canary 10% 20m, 50% 20m");
	world_start(w);
	world_run(w, 30 * MINUTE_MS);
	calls = sim_call_count(w->sim, "monitoring", "DescribeAlarms");
	scene_tear_down(&state);
	return calls;
}

static void questions_about_alarms_do_not_grow_with_the_fleet(void **state)
{
	uint64_t few = alarm_calls_in_half_an_hour(FEW), many = alarm_calls_in_half_an_hour(MANY);

	(void)state;
	/* one in each tick, and one more for each rollout's first look */
	assert_true(few >= 60);
	if (many > few * 2 + MANY)
		fail_msg("%llu calls for %d rollouts, %llu for %d", (unsigned long long)few, FEW,
			 (unsigned long long)many, MANY);
}

static void more_jobs_than_slots_wait_their_turn(void **state)
{
	struct world *w = *state;

	w->workers[0].config.slots = 3;
	start_many(w, 10, "canary 10% 2m bake 2m");
	world_start(w);
	expect_all_right(w, 10);
}

/* --- two workers ---------------------------------------------------------------------------- */

static size_t acknowledged(struct world *w, int i)
{
	size_t n = 0;

	/* what the other one's ledger has never heard of was this one's */
	for (int k = 0; k < 20; k++) {
		const struct sim_action *a = sim_action_find(w->sim, name_of(w, k), NULL);
		struct ledger_rollout *row = NULL;
		struct err err = ERR_INIT;
		char id[ROLLOUT_ID_MAX + 1];

		rollout_id_from(str_from(a->action_execution_id), id);
		assert_int_equal(ledger_rollout_get(w->workers[i].ledger, id, w->arena, &row, &err),
				 0);
		n += row != NULL;
	}
	return n;
}

static void two_workers_share_the_work(void **state)
{
	struct world *w = *state;

	start_many(w, 20, "canary 10% 3m, 50% 3m bake 3m");
	world_start_worker(w, 0);
	world_start_worker(w, 1);
	expect_all_right(w, 20);
	/* both had some of it, and copies that were left parked undo nothing */
	assert_true(acknowledged(w, 0) > 2 && acknowledged(w, 1) > 2);
	world_run(w, 30 * MINUTE_MS);
	expect_all_right(w, 20);
	assert_int_equal(w->workers[0].worker->n_rollouts, 0);
	assert_int_equal(w->workers[1].worker->n_rollouts, 0);
}

static bool holds_job(const struct world_worker *ww)
{
	return ww->worker && ww->worker->n_jobs > 0;
}

/* Both know the rollout, and one of them bakes it. */
static bool is_shared_and_baking(struct world *w, void *arg)
{
	const struct sim_action *a = sim_action_find(w->sim, "app0", NULL);

	(void)arg;
	return w->workers[0].worker->n_rollouts == 1 && w->workers[1].worker->n_rollouts == 1 &&
	       strstr(a->summary, "bak") && strcmp(a->status, "InProgress") == 0;
}

/* An alarm that goes off after another worker's success is not this rollout's any more. */
static void a_success_of_another_worker_is_not_taken_back(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	world_lambda(w, "app0", "canary 10% 8m, 50% 8m bake 8m");
	world_push(w, "app0", GOOD);
	world_start_worker(w, 0);
	world_start_worker(w, 1);
	if (!world_run_until(w, is_shared_and_baking, NULL, HOUR_MS))
		fail_msg("only one worker ever had it: choose another seed");
	a = scene_end(w, "app0");
	scene_expect(a, "Succeeded", NULL, NULL);
	for (int i = 0; i < 10; i++) {
		world_control(w, "cloudwatch set-state app0-errors ALARM");
		world_run(w, MINUTE_MS);
	}
	assert_int_equal(world_lambda_live(w, "app0").version, 2);
	world_run(w, 10 * MINUTE_MS);
	assert_int_equal(world_lambda_live(w, "app0").version, 2);
	assert_int_equal(w->workers[0].worker->n_rollouts, 0);
	assert_int_equal(w->workers[1].worker->n_rollouts, 0);
}

/* One worker takes it back between jobs; the other gets the next job and says why. */
static void a_bad_release_is_told_whoever_has_the_job(void **state)
{
	struct world *w = *state;

	start_many(w, 20, "canary 10% 5m, 50% 5m");
	world_start_worker(w, 0);
	world_start_worker(w, 1);
	for (int i = 1; i < 20; i += 2)
		scene_expect(scene_end(w, name_of(w, i)), "Failed", NULL,
			     arena_printf(w->arena, "alarm app%d-errors", i),
			     "The baseline carries all traffic", NULL);
}

/* --- stopping ------------------------------------------------------------------------------- */

static bool first_holds_job(struct world *w, void *arg)
{
	(void)arg;
	return holds_job(&w->workers[0]);
}

static void a_worker_that_stops_hands_its_job_to_another(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;
	unsigned tokens;

	world_lambda(w, "app0", "canary 10% 5m, 50% 5m");
	world_push(w, "app0", GOOD);
	world_start_worker(w, 0);
	scene_run_until_share(w, scene_alias(w, "app0"), 10);
	world_run(w, 2 * MINUTE_MS);
	assert_true(world_run_until(w, first_holds_job, NULL, 2 * MINUTE_MS));
	a = sim_action_find(w->sim, "app0", NULL);
	tokens = a->n_tokens;
	assert_true(world_stop_worker(w, 0, w->workers[0].config.stop_ms));
	assert_int_equal(a->n_tokens, tokens + 1);
	world_start_worker(w, 1);
	scene_expect(scene_end(w, "app0"), "Succeeded", NULL, NULL);
	scene_expect_shares(w, scene_alias(w, "app0"), a, 10., 50., 100., -1.);
}

/* Between jobs there is nothing to hand back. */
static void a_worker_without_job_stops_at_once(void **state)
{
	struct world *w = *state;

	world_start_worker(w, 0);
	world_run(w, 5 * MINUTE_MS);
	assert_true(world_stop_worker(w, 0, 1000));
}

/* A job that could not be opened yet goes back as well: nothing acknowledged is left silent. */
static void a_job_that_was_not_opened_is_handed_back(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	world_lambda(w, "app0", "canary 10% 5m");
	world_push(w, "app0", GOOD);
	sim_fault_service(w->sim, "s3");
	sim_fault_at(w->sim, 1, SIM_FAULT_500, 1000000);
	world_start_worker(w, 0);
	assert_true(world_run_until(w, first_holds_job, NULL, 2 * MINUTE_MS));
	a = sim_action_find(w->sim, "app0", NULL);
	assert_int_equal(a->n_reports, 0);
	assert_true(world_stop_worker(w, 0, w->workers[0].config.stop_ms));
	assert_int_equal(a->n_reports, 1);
	assert_int_equal(a->reports[0].kind, SIM_REPORT_CONTINUE);
	sim_fault_at(w->sim, 1, SIM_FAULT_NONE, 1);
	world_start_worker(w, 1);
	scene_expect(scene_end(w, "app0"), "Succeeded", NULL, NULL);
	/* that token had no undo record in it: another one had to be accepted first */
	assert_null(strstr(a->reports[0].token, "\"un\""));
	assert_non_null(strstr(a->reports[1].token, "\"un\""));
	scene_expect_no_writes_before(w, a->reports[1].at);
}

/* A report that is not accepted yet keeps the worker from stopping, and is sent before it does. */
static void a_stop_waits_for_reports(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	world_lambda(w, "app0", "canary 10% 5m");
	world_push(w, "app0", GOOD);
	world_start_worker(w, 0);
	scene_run_until_share(w, scene_alias(w, "app0"), 10);
	world_run(w, MINUTE_MS);
	assert_true(world_run_until(w, first_holds_job, NULL, 2 * MINUTE_MS));
	a = sim_action_find(w->sim, "app0", NULL);
	sim_fault_operation(w->sim, "PutJobSuccessResult");
	sim_fault_at(w->sim, 1, SIM_FAULT_500, 4);
	assert_true(world_stop_worker(w, 0, 60000));
	assert_int_equal(a->reports[a->n_reports - 1].kind, SIM_REPORT_CONTINUE);
	world_start_worker(w, 1);
	scene_expect(scene_end(w, "app0"), "Succeeded", NULL, NULL);
}

/* --- losing things -------------------------------------------------------------------------- */

static bool first_is_idle(struct world *w, void *arg)
{
	struct ledger_report *reports;
	struct ledger_job *jobs;
	struct err err = ERR_INIT;
	size_t n_reports = 1, n_jobs = 1;

	(void)arg;
	assert_int_equal(ledger_reports(w->workers[0].ledger, w->arena, &reports, &n_reports, &err),
			 0);
	assert_int_equal(ledger_jobs(w->workers[0].ledger, w->arena, &jobs, &n_jobs, &err), 0);
	return n_reports == 0 && n_jobs == 0;
}

/* The token has everything: without its disk another process goes on where this one was. */
static void a_lost_ledger_costs_nothing_between_jobs(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	world_lambda(w, "app0", "canary 10% 5m, 50% 5m bake 5m");
	world_push(w, "app0", GOOD);
	world_start_worker(w, 0);
	for (int i = 0; i < 4; i++) {
		world_run(w, 3 * MINUTE_MS);
		assert_true(world_run_until(w, first_is_idle, NULL, 3 * MINUTE_MS));
		world_kill_worker(w, 0);
		world_lose_ledger_of(w, 0);
		world_start_worker(w, 0);
	}
	a = scene_end(w, "app0");
	scene_expect(a, "Succeeded", NULL, NULL);
	scene_expect_shares(w, scene_alias(w, "app0"), a, 10., 50., 100., -1.);
}

/* The disk refuses every write: nothing moves forward, and nothing is silent. */
static void a_broken_disk_stops_but_does_not_silence(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;
	unsigned tokens;

	world_lambda(w, "app0", "canary 10% 5m, 50% 5m");
	world_push(w, "app0", GOOD);
	world_start_worker(w, 0);
	scene_run_until_share(w, scene_alias(w, "app0"), 10);
	assert_true(world_run_until(w, first_holds_job, NULL, 5 * MINUTE_MS));
	ledger_freeze(w->workers[0].ledger);
	a = sim_action_find(w->sim, "app0", NULL);
	tokens = a->n_tokens;
	world_run(w, 15 * MINUTE_MS);
	assert_true(a->n_tokens > tokens); /* the job went back */
	assert_true(world_lambda_live(w, "app0").candidate == 10);
	world_start_worker(w, 1);
	scene_expect(scene_end(w, "app0"), "Succeeded", NULL, NULL);
}

static void a_broken_disk_does_not_keep_it_from_going_back(void **state)
{
	struct world *w = *state;

	world_lambda(w, "app0", "canary 10% 10m, 50% 5m");
	world_push(w, "app0", BAD);
	world_start_worker(w, 0);
	scene_run_until_share(w, scene_alias(w, "app0"), 10);
	assert_true(world_run_until(w, first_holds_job, NULL, 5 * MINUTE_MS));
	ledger_freeze(w->workers[0].ledger);
	world_run(w, 3 * MINUTE_MS);
	assert_true(world_lambda_live(w, "app0").is_one);
	assert_true(world_lambda_live(w, "app0").candidate == 0);
	/* the job went back with that state in its token: whoever has a disk tells the end */
	world_start_worker(w, 1);
	scene_expect(scene_end(w, "app0"), "Failed", NULL, "The baseline carries all traffic",
		     NULL);
}

/* One that is misspelt, or not made yet, is no reason to ask less often for the others. */
static void an_unknown_action_type_does_not_slow_the_others(void **state)
{
	struct world *w = *state;
	struct config *c = &w->workers[0].config;
	const struct sim_action *a;

	c->action_types[1] = c->action_types[0];
	c->action_types[0].type.provider = "Rolout";
	c->n_action_types = 2;
	world_lambda(w, "app0", "canary 10% 2m");
	world_start_worker(w, 0);
	world_run(w, HOUR_MS);
	world_push(w, "app0", GOOD);
	world_run(w, 30000);
	a = sim_action_find(w->sim, "app0", NULL);
	assert_true(a->n_reports > 0);
	/* and the unknown one is asked for less and less */
	assert_true(sim_call_count(w->sim, "codepipeline", "PollForJobs") < 400);
}

/*
 * An acknowledgement that went wrong, and may have counted, has left a claim behind. The other
 * worker has the job, and many more of that rollout: by the time at which the first one asks, it is
 * long over.
 */
static void a_claim_that_another_worker_has_reported_on_is_given_up(void **state)
{
	struct world *w = *state;
	struct ledger_job *jobs;
	struct err err = ERR_INIT;
	size_t n = 1;

	world_lambda(w, "app0", "canary 10% 5m, 50% 5m bake 5m");
	world_push(w, "app0", GOOD);
	sim_fault_service(w->sim, "codepipeline");
	sim_fault_operation(w->sim, "AcknowledgeJob");
	sim_fault_at(w->sim, 1, SIM_FAULT_500, 6);
	world_start(w);
	while (!sim_fault_hit(w->sim))
		world_run(w, 100);
	world_run(w, 5000);
	sim_fault_at(w->sim, 1, SIM_FAULT_NONE, 1);
	w->workers[0].config.slots = 0; /* it takes nothing else */
	world_start_worker(w, 1);
	scene_expect(scene_end(w, "app0"), "Succeeded", NULL, NULL);
	assert_int_equal(sim_call_count(w->sim, "codepipeline", "GetJobDetails"), 0);
	assert_int_equal(ledger_jobs(w->workers[0].ledger, w->arena, &jobs, &n, &err), 0);
	assert_int_equal(n, 0);
}

#define SCENE(f) cmocka_unit_test_setup_teardown(f, scene_set_up, scene_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(fifty_rollouts_at_once_all_end_right),
		SCENE(more_jobs_than_slots_wait_their_turn),
		cmocka_unit_test(questions_about_alarms_do_not_grow_with_the_fleet),
		SCENE(two_workers_share_the_work),
		SCENE(a_success_of_another_worker_is_not_taken_back),
		SCENE(a_bad_release_is_told_whoever_has_the_job),
		SCENE(a_worker_that_stops_hands_its_job_to_another),
		SCENE(a_worker_without_job_stops_at_once),
		SCENE(a_job_that_was_not_opened_is_handed_back),
		SCENE(a_stop_waits_for_reports),
		SCENE(a_claim_that_another_worker_has_reported_on_is_given_up),
		SCENE(a_lost_ledger_costs_nothing_between_jobs),
		SCENE(a_broken_disk_stops_but_does_not_silence),
		SCENE(a_broken_disk_does_not_keep_it_from_going_back),
		SCENE(an_unknown_action_type_does_not_slow_the_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
