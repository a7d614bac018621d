#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "aws/core/digest.h"
#include "worker/ledger.h"

static struct err err;

static int set_up(void **state)
{
	err = ERR_INIT;
	*state = ledger_open(":memory:", &err);
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	ledger_close(*state);
	return 0;
}

static const struct ledger_job JOB = {
	.job_id = "11111111-1111-4111-8111-111111111111",
	.rollout_id = "r-1",
	.state = LEDGER_OWNED,
	.action_type = "Deploy/Rollout/1",
	.pipeline = "web",
	.execution_id = "e-1",
	.action = "Canary",
	.action_execution_id = "a-1",
	.claimed = {1000},
};

static void jobs_are_kept_and_forgotten(void **state)
{
	struct ledger *l = *state;
	struct arena *a = arena_new();
	struct ledger_job *jobs, claimed = JOB;
	size_t n;

	claimed.state = LEDGER_CLAIMED;
	assert_int_equal(ledger_job_put(l, &claimed, &err), 0);
	assert_int_equal(ledger_job_put(l, &JOB, &err), 0); /* replaces */
	assert_int_equal(ledger_jobs(l, a, &jobs, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_string_equal(jobs[0].job_id, JOB.job_id);
	assert_int_equal(jobs[0].state, LEDGER_OWNED);
	assert_int_equal(jobs[0].claimed.ms, 1000);
	assert_int_equal(ledger_job_forget(l, JOB.job_id, &err), 0);
	assert_int_equal(ledger_jobs(l, a, &jobs, &n, &err), 0);
	assert_int_equal(n, 0);
	arena_free(a);
}

static struct ledger_rollout rollout(const char *id, uint64_t seq, const char *phase)
{
	return (struct ledger_rollout){.id = id,
				       .pipeline = "web",
				       .action = "Canary",
				       .target = "lambda:checkout:live",
				       .token = "{}",
				       .seq = seq,
				       .phase = phase,
				       .started = {5},
				       .updated = {6},
				       .job_seen = {7}};
}

static void an_older_state_never_overwrites_a_newer_one(void **state)
{
	struct ledger *l = *state;
	struct arena *a = arena_new();
	struct ledger_rollout r = rollout("r-1", 7, "WATCH"), *got;

	assert_int_equal(ledger_rollout_put(l, &r, &err), 0);
	r = rollout("r-1", 6, "SHIFT");
	assert_int_equal(ledger_rollout_put(l, &r, &err), 0);
	assert_int_equal(ledger_rollout_get(l, "r-1", a, &got, &err), 0);
	assert_string_equal(got->phase, "WATCH");
	r = rollout("r-1", 8, "SHIFT");
	assert_int_equal(ledger_rollout_put(l, &r, &err), 0);
	assert_int_equal(ledger_rollout_get(l, "r-1", a, &got, &err), 0);
	assert_string_equal(got->phase, "SHIFT");
	assert_null(got->role_arn);
	assert_int_equal(ledger_rollout_get(l, "r-2", a, &got, &err), 0);
	assert_null(got);
	arena_free(a);
}

static void open_rollouts_are_those_not_final(void **state)
{
	struct ledger *l = *state;
	struct arena *a = arena_new();
	struct ledger_rollout r, *list;
	size_t n;

	for (int i = 0; i < 20; i++) {
		r = rollout(arena_printf(a, "r-%02d", i), 1, "WATCH");
		r.final = i % 2 == 0;
		r.started.ms = i;
		assert_int_equal(ledger_rollout_put(l, &r, &err), 0);
	}
	assert_int_equal(ledger_rollouts(l, true, 100, a, &list, &n, &err), 0);
	assert_int_equal(n, 10);
	assert_string_equal(list[0].id, "r-19"); /* newest first */
	assert_int_equal(ledger_rollouts(l, false, 5, a, &list, &n, &err), 0);
	assert_int_equal(n, 5);
	arena_free(a);
}

static void what_is_handed_over_is_kept(void **state)
{
	struct ledger *l = *state;
	struct arena *a = arena_new();
	struct ledger_rollout r = rollout("r-1", 7, "PARKED"), *got;
	const char *text;

	assert_int_equal(ledger_rollout_put(l, &r, &err), 0);
	assert_int_equal(ledger_rollout_get(l, "r-1", a, &got, &err), 0);
	assert_null(got->handle);
	assert_false(got->handed_over);
	r.handle = "h1.r-1.00";
	r.handed_over = true;
	assert_int_equal(ledger_rollout_put(l, &r, &err), 0);
	assert_int_equal(ledger_rollout_get(l, "r-1", a, &got, &err), 0);
	assert_string_equal(got->handle, "h1.r-1.00");
	assert_true(got->handed_over);

	/* every handle that was given out stays known */
	assert_int_equal(ledger_handle_put(l, "h1.r-1.00", "r-1", &err), 0);
	assert_int_equal(ledger_handle_put(l, "h1.r-1.00", "r-1", &err), 0);
	assert_int_equal(ledger_handle_put(l, "h1.r-1.11", "r-1", &err), 0);
	assert_int_equal(ledger_handle_get(l, "h1.r-1.00", a, &text, &err), 0);
	assert_string_equal(text, "r-1");
	assert_int_equal(ledger_handle_get(l, "h1.r-1.22", a, &text, &err), 0);
	assert_null(text);

	/* the plan goes with the end, but not with an older state's */
	assert_int_equal(ledger_plan_put(l, "r-1", "{}", &err), 0);
	assert_int_equal(ledger_plan_put(l, "r-1", "{\"a\":1}", &err), 0);
	assert_int_equal(ledger_plan_get(l, "r-1", a, &text, &err), 0);
	assert_string_equal(text, "{\"a\":1}");
	r.final = true;
	r.seq = 6;
	assert_int_equal(ledger_rollout_put(l, &r, &err), 0);
	assert_int_equal(ledger_plan_get(l, "r-1", a, &text, &err), 0);
	assert_non_null(text);
	r.seq = 8;
	assert_int_equal(ledger_rollout_put(l, &r, &err), 0);
	assert_int_equal(ledger_plan_get(l, "r-1", a, &text, &err), 0);
	assert_null(text);
	arena_free(a);
}

static void a_job_has_one_report(void **state)
{
	struct ledger *l = *state;
	struct arena *a = arena_new();
	struct ledger_report r = {.job_id = JOB.job_id,
				  .rollout_id = "r-1",
				  .operation = "PutJobSuccessResult",
				  .body = "{\"a\":1}",
				  .final = true,
				  .written = {9}};
	struct ledger_report other = r, *list;
	struct ledger_job *jobs;
	size_t n;

	other.body = "{\"a\":2}";
	assert_int_equal(ledger_job_put(l, &JOB, &err), 0);
	assert_int_equal(ledger_report_put(l, &r, &err), 0);
	assert_int_equal(ledger_report_put(l, &r, &err), 0); /* the same again is fine */
	assert_int_equal(ledger_report_put(l, &other, &err), -1);
	assert_int_equal(err.code, ERR_CONFLICT);
	assert_int_equal(ledger_report_tried(l, JOB.job_id, &err), 0);
	assert_int_equal(ledger_reports(l, a, &list, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_string_equal(list[0].body, "{\"a\":1}");
	assert_int_equal(list[0].attempts, 1);
	assert_true(list[0].final);
	assert_int_equal(ledger_report_done(l, JOB.job_id, &err), 0);
	assert_int_equal(ledger_reports(l, a, &list, &n, &err), 0);
	assert_int_equal(n, 0);
	assert_int_equal(ledger_jobs(l, a, &jobs, &n, &err), 0);
	assert_int_equal(n, 0); /* its job went with it */
	arena_free(a);
}

static void notes_and_commands(void **state)
{
	struct ledger *l = *state;
	struct arena *a = arena_new();
	struct ledger_command c = {
		.rollout_id = "r-1", .command = "hold", .user = "ops", .at = {1}};
	struct ledger_command *got;
	struct ledger_note *notes;
	size_t n;

	assert_int_equal(ledger_command_get(l, "r-1", a, &got, &err), 0);
	assert_null(got);
	assert_int_equal(ledger_command_put(l, &c, &err), 0);
	c.command = "rollback";
	assert_int_equal(ledger_command_put(l, &c, &err), 0);
	assert_int_equal(ledger_command_get(l, "r-1", a, &got, &err), 0);
	assert_string_equal(got->command, "rollback");
	assert_string_equal(got->user, "ops");

	for (int i = 0; i < 50; i++)
		assert_int_equal(ledger_note(l, "r-1", (struct utc){i}, "phase",
					     arena_printf(a, "note %d", i), &err),
				 0);
	assert_int_equal(ledger_note(l, "r-2", (struct utc){1}, "phase", NULL, &err), 0);
	assert_int_equal(ledger_notes(l, "r-1", a, &notes, &n, &err), 0);
	assert_int_equal(n, 50);
	assert_string_equal(notes[49].text, "note 49");
	arena_free(a);
}

static void a_frozen_ledger_writes_nothing(void **state)
{
	struct ledger *l = *state;
	struct arena *a = arena_new();
	struct ledger_job *jobs;
	size_t n;

	ledger_freeze(l);
	assert_int_equal(ledger_job_put(l, &JOB, &err), -1);
	assert_int_equal(err.code, ERR_SYSTEM);
	assert_int_equal(ledger_report_done(l, "x", &err), -1);
	assert_int_equal(ledger_jobs(l, a, &jobs, &n, &err), 0);
	assert_int_equal(n, 0);
	arena_free(a);
}

static void the_file_is_private_and_survives(void **state)
{
	char dir[] = "/tmp/ledger-test-XXXXXX", path[64];
	struct arena *a = arena_new();
	struct ledger *l, *reader;
	struct ledger_job *jobs;
	struct stat st;
	size_t n;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/ledger.db", dir);
	assert_null(ledger_open_read(path, &err)); /* nobody has written it */
	l = ledger_open(path, &err);
	assert_non_null(l);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(ledger_job_put(l, &JOB, &err), 0);
	reader = ledger_open_read(path, &err); /* while it is open for writing */
	assert_non_null(reader);
	assert_int_equal(ledger_jobs(reader, a, &jobs, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_int_equal(ledger_job_put(reader, &JOB, &err), -1);
	ledger_close(reader);
	ledger_close(l);
	l = ledger_open(path, &err);
	assert_non_null(l);
	assert_int_equal(ledger_jobs(l, a, &jobs, &n, &err), 0);
	assert_int_equal(n, 1);
	ledger_close(l);
	unlink(path);
	rmdir(dir);
	arena_free(a);
}

static void a_path_that_cannot_be_opened_is_named(void **state)
{
	(void)state;
	assert_null(ledger_open("/nonexistent/dir/ledger.db", &err));
	assert_int_equal(err.code, ERR_SYSTEM);
	assert_non_null(strstr(err.text, "/nonexistent/dir/ledger.db"));
	assert_null(ledger_open_read("/nonexistent/dir/ledger.db", &err));
	assert_null(ledger_open("/dev/null", &err)); /* not a database that can be written */
}

/* What reads it would run what is in it. */
static void a_file_with_views_or_triggers_is_refused(void **state)
{
	static const char *const files[] = {"tests/fuzz/corpus/ledger/file-views",
					    "tests/fuzz/corpus/ledger/file-loop"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_null(ledger_open_read(files[i], &err));
		assert_int_equal(err.code, ERR_SYSTEM);
		assert_non_null(strstr(err.text, "views or triggers"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(jobs_are_kept_and_forgotten, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_older_state_never_overwrites_a_newer_one, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(open_rollouts_are_those_not_final, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(what_is_handed_over_is_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_job_has_one_report, set_up, tear_down),
		cmocka_unit_test_setup_teardown(notes_and_commands, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_frozen_ledger_writes_nothing, set_up, tear_down),
		cmocka_unit_test(the_file_is_private_and_survives),
		cmocka_unit_test(a_path_that_cannot_be_opened_is_named),
		cmocka_unit_test(a_file_with_views_or_triggers_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
