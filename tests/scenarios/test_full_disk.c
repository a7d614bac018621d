#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tests/faults/disk.h"
#include "tests/scenarios/scene.h"

/*
 * CodePipeline has taken a report, and the disk has no room to strike its job out of the ledger.
 * The job is over all the same: whoever takes it up again works for nobody, beside the one that has
 * the next job of the rollout.
 */
static struct disk *disk;

static int set_up(void **state)
{
	struct world *w;
	int rc = scene_set_up(state);

	w = *state;
	disk = disk_new(w->workers[0].dir);
	return rc;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < WORLD_WORKERS_MAX; i++)
		if (w->workers[i].worker)
			world_kill_worker(w, i);
	disk_free(disk);
	return scene_tear_down(state);
}

/* Reports that CodePipeline has, or has refused. */
static size_t reports(struct world *w, bool accepted)
{
	const struct sim_call *calls;
	size_t n = sim_call_log(w->sim, &calls), found = 0;

	for (size_t i = 0; i < n; i++)
		found += !strcmp(calls[i].operation, "PutJobSuccessResult") &&
			 (calls[i].status == 200) == accepted;
	return found;
}

/* Up to the moment at which the ledger of the first worker holds a job that is over. */
static void report_on_a_full_disk(struct world *w)
{
	size_t before;

	world_lambda(w, "checkout", "canary 5% 10m, 25% 10m bake 10m");
	world_start_worker(w, 0);
	world_push(w, "checkout", "errors=0.001");
	scene_run_until_share(w, scene_alias(w, "checkout"), 5);
	disk_full(disk, true);
	before = reports(w, true);
	for (int i = 0; i < 300 && reports(w, true) == before; i++)
		world_run(w, 1000);
	assert_int_equal(reports(w, true), before + 1);
}

static size_t jobs_left(struct world *w)
{
	struct err err = ERR_INIT;
	struct ledger_job *jobs;
	size_t n = 0;

	assert_int_equal(ledger_jobs(w->workers[0].ledger, w->arena, &jobs, &n, &err), 0);
	return n;
}

static void expect_success(struct world *w)
{
	const struct sim_action *a = scene_end(w, "checkout");

	scene_expect(a, "Succeeded", NULL, NULL);
	scene_expect_shares(w, scene_alias(w, "checkout"), a, 5.0, 25.0, 100.0, -1.0);
	assert_int_equal(world_lambda_live(w, "checkout").version, 2);
}

/* It remembers, and strikes it out as soon as it can; another one goes on meanwhile. */
static void a_job_that_is_told_is_not_taken_up_again(void **state)
{
	struct world *w = *state;
	uint64_t read;

	report_on_a_full_disk(w);
	read = sim_call_count(w->sim, "codepipeline", "GetJobDetails");
	world_start_worker(w, 1);
	scene_run_until_share(w, scene_alias(w, "checkout"), 25);
	assert_int_equal(jobs_left(w), 1);
	assert_int_equal(sim_call_count(w->sim, "codepipeline", "GetJobDetails"), read);
	disk_full(disk, false);
	world_run(w, 10000);
	assert_int_equal(jobs_left(w), 0);
	expect_success(w);
	assert_int_equal(reports(w, false), 0);
}

/* What has died remembers nothing: CodePipeline is asked, and nothing is done for the job. */
static void one_that_was_told_before_a_crash_is_handed_back(void **state)
{
	struct world *w = *state;
	uint64_t calls;

	report_on_a_full_disk(w);
	world_kill_worker(w, 0);
	calls = sim_call_count(w->sim, "lambda", NULL);
	world_start_worker(w, 0);
	world_run(w, 2 * MINUTE_MS);
	assert_int_equal(jobs_left(w), 1);
	assert_int_equal(reports(w, false), 1);
	assert_int_equal(sim_call_count(w->sim, "lambda", NULL), calls);
	disk_full(disk, false);
	expect_success(w);
	assert_int_equal(reports(w, false), 1);
	assert_int_equal(jobs_left(w), 0);
}

int main(void)
{
#define SCENE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		SCENE(a_job_that_is_told_is_not_taken_up_again),
		SCENE(one_that_was_told_before_a_crash_is_handed_back),
	};

	return cmocka_run_group_tests_name("full disk", tests, NULL, NULL);
}
