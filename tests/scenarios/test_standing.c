#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/scenarios/lines.h"
#include "tests/scenarios/scene.h"
#include "worker/report/figures.h"
#include "worker/slice.h"

/* What log and ledger say about where the worker stands, while it works. */
#define FIGURES "worker.figures"

struct standing {
	struct world w; /* first: a scene's world is its own */
	struct lines lines;
	size_t held, parked; /* times that either was seen */
};

static int set_up(void **state)
{
	struct standing *s = xcalloc(1, sizeof(*s));

	world_init(&s->w, 23, -1);
	lines_init(&s->lines, &s->w, false);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct standing *s = *state;

	world_release(&s->w);
	lines_release(&s->lines);
	free(s);
	return 0;
}

/* --- figures ---------------------------------------------------------------------------------- */

/* What is counted adds up over the lines, whatever the number of lines. */
static void figures_add_up_over_a_rollback(void **state)
{
	struct standing *s = *state;
	struct lines *l = &s->lines;
	const struct json *line;
	size_t n;

	world_lambda(&s->w, "checkout", "canary 25% 10m bake 5m");
	world_start(&s->w);
	world_push(&s->w, "checkout", "errors=0.5");
	scene_expect(scene_end(&s->w, "checkout"), "Failed", "JobFailed", "A guard failed", NULL);
	assert_true(world_stop_worker(&s->w, 0, MINUTE_MS));
	n = lines_count(l, FIGURES);
	assert_true(n >= 4);
	line = lines_get(l, FIGURES, 0); /* at once, and nothing has happened yet */
	assert_int_equal(lines_i64(line, "interval_ms"), 0);
	assert_int_equal(lines_i64(line, "turns"), 0);
	for (size_t i = 1; i < n - 1; i++) {
		int64_t interval = lines_i64(lines_get(l, FIGURES, i), "interval_ms");

		/* a turn that sleeps in a call holds the only thread up */
		assert_in_range(interval, FIGURES_EVERY_MS - 30000, FIGURES_EVERY_MS + 30000);
	}
	line = lines_get(l, FIGURES, n - 1); /* the last one, at the stop */
	assert_true(json_bool(json_get(line, "stopping"), false));
	assert_int_equal(lines_sum(l, FIGURES, "interval_ms") / 1000, lines_i64(line, "uptime_s"));
	assert_int_equal(lines_sum(l, FIGURES, "rollbacks"), 1);
	assert_int_equal(lines_sum(l, FIGURES, "ended_failed"), 1);
	assert_int_equal(lines_sum(l, FIGURES, "ended_succeeded"), 0);
	assert_int_equal(lines_sum(l, FIGURES, "not_restored"), 0);
	assert_int_equal(lines_sum(l, FIGURES, "reactions"), 1);
	assert_true(lines_sum(l, FIGURES, "verdicts_fail") >= 1);
	assert_true(lines_sum(l, FIGURES, "verdicts_pass") > 1);
	assert_true(lines_sum(l, FIGURES, "polls") > 10);
	assert_int_equal(lines_sum(l, FIGURES, "polls_failed"), 0);
	assert_true(lines_sum(l, FIGURES, "jobs_taken") > 1);
	assert_int_equal(lines_sum(l, FIGURES, "jobs_taken"),
			 lines_sum(l, FIGURES, "reports_accepted"));
	assert_true(lines_sum(l, FIGURES, "calls") > 50);
	assert_int_equal(lines_sum(l, FIGURES, "credentials_failed"), 0);
	assert_true(lines_i64(line, "ledger_bytes") > 4096);
	assert_int_equal(lines_i64(line, "outbox"), 0);
}

/* Without keys there is no poll, and the log says why; with them back all is well. */
static void figures_tell_of_lost_credentials(void **state)
{
	struct standing *s = *state;
	struct lines *l = &s->lines;
	int64_t polls;

	world_control(&s->w, "imds set off=true");
	world_start(&s->w);
	world_run(&s->w, 10 * MINUTE_MS);
	assert_int_equal(lines_sum(l, FIGURES, "polls"), 0);
	assert_true(lines_sum(l, FIGURES, "polls_failed") >= 5);
	assert_true(lines_sum(l, FIGURES, "credentials_failed") >= 5);
	world_control(&s->w, "imds set off=false");
	world_run(&s->w, 5 * MINUTE_MS);
	polls = lines_sum(l, FIGURES, "credentials_failed");
	world_run(&s->w, 5 * MINUTE_MS);
	assert_int_equal(lines_sum(l, FIGURES, "credentials_failed"), polls);
	assert_true(lines_sum(l, FIGURES, "polls") > 10);
}

/* A report that CodePipeline does not take grows old in the figures. */
static void figures_tell_of_an_outbox_that_grows(void **state)
{
	struct standing *s = *state;
	struct lines *l = &s->lines;
	const struct json *line;

	world_lambda(&s->w, "checkout", "canary 25% 10m bake 5m");
	world_start(&s->w);
	world_push(&s->w, "checkout", "errors=0.001");
	world_run(&s->w, 3 * MINUTE_MS);
	world_control(&s->w, "sim fault kind=500 times=10000 operation=PutJobSuccessResult");
	world_run(&s->w, 6 * MINUTE_MS);
	line = lines_get(l, FIGURES, lines_count(l, FIGURES) - 1);
	assert_int_equal(lines_i64(line, "outbox"), 1);
	assert_in_range(lines_i64(line, "outbox_oldest_s"), 180, 600);
	assert_true(lines_sum(l, FIGURES, "reports_delayed") > 3);
	assert_true(lines_sum(l, FIGURES, "retries") > 3);
	assert_int_equal(lines_i64(line, "in_watch"), 1);
	assert_int_equal(lines_i64(line, "rollouts"), 1);
}

/* --- the row ---------------------------------------------------------------------------------- */

/* Between any two steps the ledger says of a rollout here what is so: held, or between jobs. */
static void watch_row(struct world *w, void *arg)
{
	struct standing *s = arg;
	struct worker *worker = w->workers[0].worker;
	struct err err = ERR_INIT;
	struct ledger_rollout *row;

	for (struct rollout *r = worker ? worker->rollouts : NULL; r; r = r->next) {
		struct arena *a = arena_new();

		assert_int_equal(ledger_rollout_get(worker->ledger, r->id, a, &row, &err), 0);
		if (row && !row->final) {
			assert_int_equal(row->parked, r->job == NULL);
			s->held += !row->parked;
			s->parked += row->parked;
		}
		arena_free(a);
	}
}

static void the_row_says_whether_a_job_is_held(void **state)
{
	struct standing *s = *state;

	s->w.watch = watch_row;
	s->w.watch_arg = s;
	world_lambda(&s->w, "checkout", "canary 25% 10m bake 5m");
	world_start(&s->w);
	world_push(&s->w, "checkout", "errors=0.001");
	world_run(&s->w, 4 * MINUTE_MS);
	world_kill(&s->w); /* and from the ledger, too */
	world_run(&s->w, MINUTE_MS);
	world_start(&s->w);
	scene_expect(scene_end(&s->w, "checkout"), "Succeeded", NULL, NULL);
	assert_true(s->held > 20);
	assert_true(s->parked > 5);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(figures_add_up_over_a_rollback),
		TEST(figures_tell_of_lost_credentials),
		TEST(figures_tell_of_an_outbox_that_grows),
		TEST(the_row_says_whether_a_job_is_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
