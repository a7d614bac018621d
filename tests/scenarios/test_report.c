#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/scenarios/scene.h"
#include "tests/sim/sim_internal.h"
#include "worker/ledger_history.h"
#include "worker/report_files.h"
#include "worker/rollout/verdict.h"

/*
 * What a report says is what happened: weights are those that the simulator recorded, the failing
 * guard is named with its value, failed calls have their request ids; and a disk that refuses, a
 * crash or a second worker costs history, never the rollout.
 */
#define CANARY "canary 5% 10m, 25% 10m, 50% 10m bake 5m"
#define GOOD "errors=0.001"
#define BAD "errors=0.4"

static const struct sim_action *release(struct world *w, const char *behaviour)
{
	world_lambda(w, "checkout", CANARY);
	w->workers[0].config.reports = 10;
	world_start(w);
	world_push(w, "checkout", behaviour);
	return scene_end(w, "checkout");
}

/* Shares that were read back are those that the service had, in this order. */
static void same_shares(struct world *w, const struct report *r)
{
	const struct report_rows *rows = &r->of[HISTORY_SPLIT];
	const struct sim_split *splits;
	size_t n = sim_split_log(w->sim, &splits), at = 0;
	int64_t last = 0;

	for (size_t i = 0; i < n; i++) {
		int64_t bp = strcmp(splits[i].baseline, "1") != 0
				     ? 10000
				     : (int64_t)(splits[i].weight * 100 + 0.5);

		if (strcmp(splits[i].resource, "lambda:checkout:live") != 0 || bp == last)
			continue;
		last = bp;
		while (at < rows->n && rows->p[at]->b != bp)
			at++;
		if (at == rows->n)
			fail_msg("%lld bp is not in the report", (long long)bp);
		assert_int_equal(rows->p[at]->a, bp);
		/* seen after it was made, and soon */
		assert_true(rows->p[at]->at.ms >= splits[i].at.ms &&
			    rows->p[at]->at.ms < splits[i].at.ms + 15000);
	}
}

static bool has_call(const struct report *r, const char *name, const char *word)
{
	const struct report_rows *calls = &r->of[HISTORY_CALL];

	for (size_t i = 0; i < calls->n; i++)
		if (!strcmp(calls->p[i]->name, name) && !strcmp(calls->p[i]->word, word) &&
		    calls->p[i]->extra && strlen(calls->p[i]->extra) > 8)
			return true;
	return false;
}

static void a_good_release_explains_itself(void **state)
{
	struct world *w = *state;
	struct report r;

	scene_expect(release(w, GOOD), "Succeeded", NULL, NULL);
	scene_report(w, 0, &r);
	assert_true(strstr(r.headline, "Succeeded: version 2 serves everything") != NULL);
	assert_true(strstr(r.headline, "no guard ever failed") != NULL);
	same_shares(w, &r);
	assert_int_equal(r.n_gaps, 0);
	assert_int_equal(r.n_guards, 1);
	assert_string_equal(r.guards[0].about->name, "checkout-errors");
	assert_true(r.guards[0].has_limit && r.guards[0].limit == 30);
	assert_string_equal(r.guards[0].fails, "above");
	assert_true(r.guards[0].answers[VERDICT_PASS] > 100);
	assert_int_equal(r.about.n_steps, 3);
	assert_true(has_call(&r, "Lambda.UpdateAlias", "ok"));
	/* hours without news are few rows */
	assert_true(r.of[HISTORY_GUARD].n < 10 && r.of[HISTORY_SPLIT].n < 20);
	assert_int_equal(r.of[HISTORY_LOST].n, 0);
}

static void a_bad_release_explains_itself(void **state)
{
	struct world *w = *state;
	struct report r;

	scene_expect(release(w, BAD), "Failed", "JobFailed", NULL);
	scene_report(w, 0, &r);
	assert_true(strstr(r.headline, "Rolled back: checkout-errors was ") != NULL);
	assert_true(strstr(r.headline,
			   "(threshold 30) at 5%; the baseline had all traffic again") != NULL);
	same_shares(w, &r);
	assert_non_null(r.failed);
	assert_true(r.failed->last > 30 && r.failed->limit == 30);
	assert_int_equal(r.back_from_bp, 500);
	assert_true(r.baseline_at.ms >= r.back_at.ms && r.back_at.ms > 0);
}

static void a_failed_call_has_its_request_id(void **state)
{
	struct world *w = *state;
	struct report r;

	(void)release(w, GOOD);
	scene_report(w, 0, &r);
	for (size_t i = 0; i < r.of[HISTORY_CALL].n; i++) {
		const struct history_row *c = r.of[HISTORY_CALL].p[i];

		if (!strcmp(c->name, "Lambda.GetProvisionedConcurrencyConfig")) {
			assert_string_equal(c->word,
					    "ProvisionedConcurrencyConfigNotFoundException");
			assert_int_equal(c->b, 404);
			assert_true(c->extra && strlen(c->extra) > 8);
			assert_true(strstr(c->text, "checkout") != NULL);
			return;
		}
	}
	fail_msg("the call is not in the report");
}

static bool is_watching(struct world *w, void *arg)
{
	(void)arg;
	return world_lambda_live(w, "checkout").candidate == 5;
}

/* What happened while nobody here looked is a gap, and not a line. */
static void a_crash_is_a_gap(void **state)
{
	struct world *w = *state;
	struct report r;

	world_lambda(w, "checkout", CANARY);
	w->workers[0].config.reports = 10;
	world_start(w);
	world_push(w, "checkout", GOOD);
	assert_true(world_run_until(w, is_watching, NULL, 1200 * 1000));
	world_run(w, 120 * 1000);
	world_kill(w);
	world_run(w, 300 * 1000);
	world_start(w);
	scene_expect(scene_end(w, "checkout"), "Succeeded", NULL, NULL);
	scene_report(w, 0, &r);
	assert_true(r.n_gaps >= 1);
	assert_true(r.gaps[0].to.ms - r.gaps[0].from.ms >= 300 * 1000);
	assert_int_equal(r.of[HISTORY_WORKER].n, 2);
	assert_string_equal(r.of[HISTORY_WORKER].p[1]->word, "again");
	same_shares(w, &r);
}

static bool has_file(struct world *w, const char *name)
{
	return access(arena_printf(w->arena, "%s/reports/%s", w->workers[0].dir, name), R_OK) == 0;
}

/* The object that is not a source, as a file. */
static const char *output_file(struct world *w)
{
	const struct json *objects = world_ask(w, "s3 show");
	const char *path = arena_printf(w->arena, "%s/out.zip", w->dir);

	json_each(o, objects) {
		struct str key = json_text(json_get(o, "key"));
		const struct buf *b = sim_s3_object(w->sim, json_text(json_get(o, "bucket")), key);
		FILE *f;

		if (!b || !strstr(key.p, "/Report/"))
			continue;
		f = fopen(path, "wb");
		assert_non_null(f);
		assert_int_equal(fwrite(b->p, 1, b->n, f), b->n);
		assert_int_equal(fclose(f), 0);
		return path;
	}
	fail_msg("no output artifact");
	return NULL;
}

static bool zip_says(struct world *w, const char *zip, const char *name, const char *text)
{
	return system(arena_printf(w->arena, "unzip -p %s %s | grep -q '%s'", zip, name, text)) ==
	       0;
}

static void the_output_artifact_has_it(void **state)
{
	struct world *w = *state;
	const char *zip;

	world_lambda_function(w, "checkout");
	world_alarm(w, "checkout");
	world_control(w, "codepipeline pipeline checkout action=Rollout type=Deploy/Rollout/1 "
			 "config.Target=lambda:checkout:live config.Strategy=\"canary 50%% 3m\" "
			 "config.Alarms=checkout-errors output=Report");
	world_start(w);
	world_push(w, "checkout", GOOD);
	scene_expect(scene_end(w, "checkout"), "Succeeded", NULL, NULL);
	zip = output_file(w);
	assert_true(zip_says(w, zip, "rollout.json", "\"phase\":\"SUCCEEDED\""));
	assert_true(zip_says(w, zip, "rollout.json", "\"headline\":\"Succeeded: version 2"));
	assert_true(zip_says(w, zip, "rollout.md", "no guard ever failed"));
	assert_true(zip_says(w, zip, "rollout.html", "</html>"));
	assert_int_equal(unlink(zip), 0);
}

/* As if it had been written so many seconds ago. */
static void make_old(struct world *w, const char *id, int seconds)
{
	static const char *const endings[] = {"json", "md", "html"};

	for (int i = 0; i < 3; i++) {
		const char *path = arena_printf(w->arena, "%s/reports/%s.%s", w->workers[0].dir, id,
						endings[i]);
		struct stat st;
		struct timespec times[2];

		assert_int_equal(stat(path, &st), 0);
		times[0] = times[1] = st.st_mtim;
		times[0].tv_sec = times[1].tv_sec -= seconds;
		assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	}
}

/* Files: written at the end, no more than are wanted. */
static void the_disk_has_the_newest(void **state)
{
	struct world *w = *state;
	struct err err = ERR_INIT;
	struct report r;

	scene_expect(release(w, BAD), "Failed", NULL, NULL);
	scene_report(w, 0, &r);
	assert_true(has_file(w, arena_printf(w->arena, "%s.html", r.rollout->id)));
	assert_true(has_file(w, arena_printf(w->arena, "%s.md", r.rollout->id)));
	assert_true(has_file(w, arena_printf(w->arena, "%s.json", r.rollout->id)));
	make_old(w, r.rollout->id, 200);
	w->workers[0].config.reports = 2;
	for (int i = 0; i < 5; i++) {
		struct ledger_rollout other = *r.rollout;
		struct report copy = r;

		other.id = arena_printf(w->arena, "r-%d", i);
		copy.rollout = &other;
		assert_int_equal(report_files_write(&w->workers[0].config, &copy, &err), 0);
		assert_true(has_file(w, arena_printf(w->arena, "r-%d.html", i)));
		make_old(w, other.id, 100 - i);
	}
	assert_false(has_file(w, "r-0.json"));
	assert_false(has_file(w, arena_printf(w->arena, "%s.html", r.rollout->id)));
	r.rollout = &(struct ledger_rollout){.id = "../r-1"};
	assert_int_equal(report_files_write(&w->workers[0].config, &r, &err), -1);
	assert_int_equal(err.code, ERR_UNSAFE);
}

static void old_history_goes(void **state)
{
	struct world *w = *state;
	struct err err = ERR_INIT;
	struct history_row *rows;
	struct report r;
	size_t n;

	scene_expect(release(w, BAD), "Failed", NULL, NULL);
	scene_report(w, 0, &r);
	assert_int_equal(ledger_history_prune(w->workers[0].ledger, 1, 20, &n, &err), 0);
	assert_int_equal(n, 0);
	assert_int_equal(ledger_history_prune(w->workers[0].ledger, 0, 20, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_int_equal(ledger_history_get(w->workers[0].ledger, r.rollout->id, HISTORY_KIND_COUNT,
					    w->arena, &rows, &n, &err),
			 0);
	assert_int_equal(n, 0);
}

static int tear_down(void **state)
{
	struct world *w = *state;

	assert_int_equal(system(arena_printf(w->arena, "rm -rf %s/reports", w->workers[0].dir)), 0);
	return scene_tear_down(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_good_release_explains_itself, scene_set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_bad_release_explains_itself, scene_set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_failed_call_has_its_request_id, scene_set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_crash_is_a_gap, scene_set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_output_artifact_has_it, scene_set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(the_disk_has_the_newest, scene_set_up, tear_down),
		cmocka_unit_test_setup_teardown(old_history_goes, scene_set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
