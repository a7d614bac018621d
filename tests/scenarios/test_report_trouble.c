#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/faults/disk.h"
#include "tests/scenarios/scene.h"
#include "worker/ledger_sql.h"
#include "worker/report/report.h"
#include "worker/report_files.h"

/*
 * A ledger that refuses history, and a rollout that two workers share: the rollout goes to its
 * right end, and each report says plainly what it does not know.
 */
#define CANARY "canary 5% 10m, 25% 10m, 50% 10m bake 5m"
#define GOOD "errors=0.001"
#define BAD "errors=0.4"

static void begin(struct world *w, const char *behaviour)
{
	world_lambda(w, "checkout", CANARY);
	for (int i = 0; i < 2; i++)
		w->workers[i].config.reports = 10;
	world_start(w);
	world_push(w, "checkout", behaviour);
}

static void sql(struct world *w, const char *text)
{
	assert_int_equal(sqlite3_exec(w->workers[0].ledger->db, text, NULL, NULL, NULL), SQLITE_OK);
}

/* As a disk that has room for a state now and then, but for nothing else. */
static void refuse_history(struct world *w)
{
	sql(w, "CREATE TRIGGER no BEFORE INSERT ON history BEGIN SELECT raise(ABORT, 'no'); END");
}

static const char *render(struct world *w, const struct report *r,
			  void (*form)(const struct report *r, struct buf *out))
{
	const char *text;
	struct buf b;

	buf_init(&b, REPORT_BYTES_MAX);
	form(r, &b);
	text = arena_strdup(w->arena, b.p);
	buf_release(&b);
	return text;
}

static void has(const char *text, const char *what)
{
	if (!strstr(text, what))
		fail_msg("\"%s\" is not in\n%s", what, text);
}

/* All forms say in plain words that something is missing, and of when. */
static void says_what_is_missing(struct world *w, const struct report *r)
{
	const char *page = render(w, r, report_html), *markdown = render(w, r, report_markdown),
		   *json = render(w, r, report_json);

	has(page, "Not all of it is recorded here: nothing is known of ");
	has(markdown, "Not all of it is recorded here: nothing is known of ");
	has(json, "\"missing\":\"Not all of it is recorded here: nothing is known of ");
	has(render(w, r, report_text), "Not all of it is recorded here: nothing is known of ");
	has(markdown, "nobody looked from here, or it was not kept.");
	has(json, "\"gaps\":[{\"from\":");
	assert_true(r->n_gaps >= 1);
}

static const char *file_text(struct world *w, const char *path)
{
	char *text = arena_alloc(w->arena, 1u << 16);
	FILE *f = fopen(path, "r");
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, (1u << 16) - 1, f);
	text[n] = '\0';
	assert_int_equal(fclose(f), 0);
	return text;
}

/* --- a ledger that refuses -------------------------------------------------------------------- */

/* Nothing at all is recorded: nothing is claimed. */
static void a_good_one_without_history(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;
	struct report r;

	begin(w, GOOD);
	refuse_history(w);
	a = scene_end(w, "checkout");
	scene_expect(a, "Succeeded", NULL, NULL);
	scene_expect_shares(w, scene_alias(w, "checkout"), a, 5.0, 25.0, 50.0, 100.0, -1.0);
	scene_report(w, 0, &r);
	has(r.headline, "Succeeded: the candidate serves everything, 36m");
	has(r.headline, "; what its guards said is not recorded here.");
	says_what_is_missing(w, &r);
	assert_int_equal(r.n_gaps, 1);
	assert_int_equal(r.gaps[0].from.ms, r.from.ms);
	assert_int_equal(r.gaps[0].to.ms, r.to.ms);
	/* so does the file, which is there all the same */
	has(file_text(w,
		      arena_printf(w->arena, "%s/reports/%s.md", w->workers[0].dir, r.rollout->id)),
	    "Not all of it is recorded here");
}

/* The cause is in the state, which was written. */
static void a_bad_one_without_history(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;
	struct report r;

	begin(w, BAD);
	refuse_history(w);
	a = scene_end(w, "checkout");
	scene_expect(a, "Failed", "JobFailed", NULL);
	scene_expect_shares(w, scene_alias(w, "checkout"), a, 5.0, 0.0, -1.0);
	scene_report(w, 0, &r);
	has(r.headline, "Rolled back: with 5% on the candidate: alarm checkout-errors is in ALARM");
	has(r.headline, "the baseline has all traffic again and was healthy");
	assert_null(strstr(r.headline, "later"));
	says_what_is_missing(w, &r);
}

/* What was refused for a while is kept in memory, and nothing is missing in the end. */
static void a_while_without_history_costs_nothing(void **state)
{
	struct world *w = *state;
	struct report r;

	begin(w, GOOD);
	scene_run_until_share(w, scene_alias(w, "checkout"), 5);
	refuse_history(w);
	scene_run_until_share(w, scene_alias(w, "checkout"), 50);
	sql(w, "DROP TRIGGER no");
	scene_expect(scene_end(w, "checkout"), "Succeeded", NULL, NULL);
	scene_report(w, 0, &r);
	has(r.headline, ", and no guard ever failed.");
	assert_null(r.missing);
	assert_int_equal(r.n_gaps, 0);
	assert_int_equal(r.of[HISTORY_MOVE].n, 12);
	assert_int_equal(r.of[HISTORY_WATCHED].n, 1);
}

/* From a moment on until the end. */
static void an_end_without_history(void **state)
{
	struct world *w = *state;
	struct report r;

	begin(w, GOOD);
	scene_run_until_share(w, scene_alias(w, "checkout"), 25);
	world_run(w, 2 * MINUTE_MS);
	refuse_history(w);
	scene_expect(scene_end(w, "checkout"), "Succeeded", NULL, NULL);
	scene_report(w, 0, &r);
	has(r.headline, "Succeeded: version 2 serves everything, 36m");
	has(r.headline, ", and no guard failed as far as is recorded here.");
	says_what_is_missing(w, &r);
	assert_int_equal(r.n_gaps, 1);
	assert_true(r.gaps[0].to.ms - r.gaps[0].from.ms > 20 * MINUTE_MS);
	assert_int_equal(r.gaps[0].to.ms, r.ended.ms);
}

static bool is_back(struct world *w, void *arg)
{
	struct world_live live = world_lambda_live(w, "checkout");

	(void)arg;
	return live.version == 1 && live.is_one;
}

/* A disk without room keeps nobody from going back; it is told and recorded when there is some. */
static void a_full_disk(void **state)
{
	struct world *w = *state;
	struct disk *disk = disk_new(w->workers[0].dir);
	struct report r;

	begin(w, BAD);
	scene_run_until_share(w, scene_alias(w, "checkout"), 5);
	disk_full(disk, true);
	assert_true(world_run_until(w, is_back, NULL, 10 * MINUTE_MS));
	world_run(w, 5 * MINUTE_MS);
	disk_full(disk, false);
	scene_expect(scene_end(w, "checkout"), "Failed", "JobFailed", NULL);
	scene_report(w, 0, &r);
	has(r.headline, "Rolled back: checkout-errors was ");
	has(r.headline, "at 5%; the baseline had all traffic again");
	assert_int_equal(r.back_from_bp, 500);
	assert_null(r.missing);
	world_kill(w);
	disk_free(disk);
}

/* --- two workers ------------------------------------------------------------------------------ */

/* One goes on where the other has stopped, and back: each tells what it saw and what it missed. */
static void two_share_one(void **state)
{
	struct world *w = *state;
	struct report r;

	begin(w, GOOD);
	scene_run_until_share(w, scene_alias(w, "checkout"), 5);
	world_run(w, 2 * MINUTE_MS);
	assert_true(world_stop_worker(w, 0, MINUTE_MS));
	world_start_worker(w, 1);
	scene_run_until_share(w, scene_alias(w, "checkout"), 25);
	world_run(w, 2 * MINUTE_MS);
	assert_true(world_stop_worker(w, 1, MINUTE_MS));
	world_start_worker(w, 0);
	scene_expect(scene_end(w, "checkout"), "Succeeded", NULL, NULL);
	world_start_worker(w, 1); /* to learn that it is over */
	world_run(w, 2 * MINUTE_MS);

	scene_report(w, 0, &r);
	has(r.headline, "Succeeded: version 2 serves everything, 3");
	has(r.headline, ", and no guard failed as far as is recorded here.");
	says_what_is_missing(w, &r);
	assert_int_equal(r.n_gaps, 1); /* in the middle */
	assert_true(r.gaps[0].to.ms - r.gaps[0].from.ms > 8 * MINUTE_MS);
	assert_string_equal(r.of[HISTORY_WORKER].p[0]->word, "new");
	for (size_t i = 1; i < r.of[HISTORY_WORKER].n; i++)
		assert_string_equal(r.of[HISTORY_WORKER].p[i]->word, "again");

	scene_report(w, 1, &r);
	has(r.headline, "Ended elsewhere: this worker knew last: step 2 of 3");
	says_what_is_missing(w, &r);
	assert_int_equal(r.n_gaps, 1); /* before it came */
	assert_int_equal(r.gaps[0].from.ms, r.from.ms);
	assert_string_equal(r.of[HISTORY_WORKER].p[0]->word, "joined");
	has(render(w, &r, report_html), "what came before is not recorded here");
	has(render(w, &r, report_markdown), "- updated: "); /* when it ended it does not know */
	assert_int_equal(r.ended.ms, 0);
	assert_int_equal(r.about.n_steps, 3);
}

static int tear_down(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < 2; i++)
		assert_int_equal(
			system(arena_printf(w->arena, "rm -rf %s/reports", w->workers[i].dir)), 0);
	return scene_tear_down(state);
}

#define SCENE(f) cmocka_unit_test_setup_teardown(f, scene_set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(a_good_one_without_history),
		SCENE(a_bad_one_without_history),
		SCENE(a_while_without_history_costs_nothing),
		SCENE(an_end_without_history),
		SCENE(a_full_disk),
		SCENE(two_share_one),
	};

	return cmocka_run_group_tests_name("report, in trouble", tests, NULL, NULL);
}
