#include "tests/unit/worker/recorder_world.h"

/* How what was recorded gets into the ledger, whatever is in the way. */

/* --- on the way to the ledger ----------------------------------------------------------------- */

static const struct ledger_history *collect(struct fixture *f)
{
	return recorder_collect(f->r, f->a);
}

static const struct history_row *find(const struct ledger_history *h, enum history_kind kind)
{
	static const struct history_row none = {.text = ""};

	for (size_t i = 0; i < h->n; i++)
		if (h->rows[i].kind == kind)
			return &h->rows[i];
	fail_msg("no row of %s", history_kind_name(kind));
	return &none;
}

/* What was not written is handed out again, with what has come since. */
static void nothing_is_lost_by_a_refusal(void **state)
{
	struct fixture *f = *state;
	const struct ledger_history *h;

	assert_null(collect(f)); /* nor before it is known whose it is */
	recorder_about(f->r, f->now, "{}");
	assert_null(collect(f));
	begin(f, "new");
	look(f);
	h = collect(f);
	assert_non_null(h);
	assert_int_equal(h->n, 4);
	recorder_written(f->r, false);
	f->now.ms += TICK;
	look(f);
	recorder_move(f->r, f->now, &f->state, &f->state, "moved");
	h = collect(f);
	assert_int_equal(h->n, 5);
	assert_int_equal(find(h, HISTORY_WATCHED)->count, 2);
	assert_string_equal(find(h, HISTORY_MOVE)->text, "moved");
	recorder_written(f->r, true);
	assert_null(collect(f));
	assert_false(recorder_is_due(f->r, (struct utc){f->now.ms + DAY}));
	recorder_about(f->r, f->now, "{}"); /* has not changed */
	assert_null(collect(f));
	recorder_about(f->r, f->now, "{\"a\":1}");
	h = collect(f);
	assert_int_equal(h->n, 1);
	assert_string_equal(h->rows[0].text, "{\"a\":1}");
	recorder_written(f->r, true);
}

/* What changes between the two is written next time, and does not wait for another change. */
static void nothing_is_lost_by_a_change_meanwhile(void **state)
{
	struct fixture *f = *state;
	const struct ledger_history *h;

	begin(f, "new");
	look(f);
	assert_int_equal(collect(f)->n, 3);
	f->now.ms += TICK;
	look(f);
	recorder_move(f->r, f->now, &f->state, &f->state, "moved");
	recorder_written(f->r, true);
	assert_false(recorder_is_due(f->r, f->now));
	assert_true(recorder_is_due(f->r, (struct utc){f->now.ms + RECORDER_WAIT_MS}));
	h = collect(f);
	assert_non_null(h);
	assert_int_equal(h->n, 3);
	assert_int_equal(find(h, HISTORY_SPLIT)->count, 2);
	assert_string_equal(find(h, HISTORY_MOVE)->text, "moved");
	recorder_written(f->r, true);
	assert_null(collect(f));
}

/* A ledger that refuses: memory has its bound, and all that it held is written in the end. */
static void a_ledger_that_refuses_for_hours(void **state)
{
	struct fixture *f = *state;
	int64_t lost = 0, kept = 0;

	guards(f, 2);
	begin(f, "new");
	exec(f, "CREATE TRIGGER no BEFORE INSERT ON history BEGIN SELECT raise(ABORT, 'no'); END");
	for (int64_t t = 0; t < 6 * HOUR; t += TICK) {
		answer(f, 0, t / TICK % 2 ? VERDICT_PASS : VERDICT_FAIL, 1);
		answer(f, 1, VERDICT_PASS, 1);
		tick(f);
		assert_true(collect(f)->n <= 1500 + HISTORY_KIND_COUNT);
		recorder_written(f->r, false);
	}
	assert_int_equal(count(f, HISTORY_KIND_COUNT), 0);
	exec(f, "DROP TRIGGER no");
	write_all(f);
	assert_int_equal(of_guard(f, 1, 6 * HOUR / TICK), 1); /* open ones go on */
	read_rows(f, HISTORY_LOST);
	assert_int_equal(f->n, 1);
	assert_string_equal(f->rows[0].word, "guard");
	lost = f->rows[0].count;
	read_rows(f, HISTORY_GUARD);
	for (size_t i = 0; i < f->n; i++)
		kept += f->rows[i].a == 0 ? f->rows[i].count : 0;
	assert_true(lost > 0 && kept > 0);
	assert_int_equal(kept + lost, 6 * HOUR / TICK);
}

/* A refusal is not repeated at every turn. */
static void a_refusal_is_given_time(void **state)
{
	struct fixture *f = *state;

	begin(f, "new");
	f->now.ms += RECORDER_WAIT_MS;
	assert_true(recorder_is_due(f->r, f->now));
	ledger_freeze(f->l);
	write_all(f);
	assert_false(recorder_is_due(f->r, f->now));
	f->now.ms += RECORDER_WAIT_MS;
	assert_true(recorder_is_due(f->r, f->now));
}

/* --- across processes ------------------------------------------------------------------------- */

/* Another process takes it up; the calls that open its job come before it is known whose it is. */
static void restart(struct fixture *f, const char *how)
{
	write_all(f);
	recorder_free(f->r);
	f->r = recorder_new();
	f->now.ms += HOUR;
	called(f, "GetAlias", "/early", NULL);
	called(f, "UpdateAlias", "/early", NULL);
	begin(f, how);
}

static void a_restart_writes_over_nothing(void **state)
{
	struct fixture *f = *state;
	size_t before;

	called(f, "GetAlias", "/early", NULL);
	begin(f, "new");
	recorder_about(f->r, f->now, "{}");
	look(f);
	recorder_move(f->r, f->now, &f->state, &f->state, "moved");
	write_all(f);
	before = count(f, HISTORY_KIND_COUNT);
	assert_int_equal(before, 6);
	restart(f, "taken up in WATCH, step 1");
	write_all(f);
	assert_int_equal(count(f, HISTORY_KIND_COUNT), before + 4);
	assert_int_equal(count(f, HISTORY_WORKER), 2);
	assert_string_equal(f->rows[0].word, "new");
	assert_string_equal(f->rows[1].word, "again");
	assert_int_equal(count(f, HISTORY_MOVE), 1);
	/* what a rollout is stands there once, however often it is taken up */
	for (int i = 0; i < 5; i++) {
		recorder_about(f->r, f->now, "{\"b\":2}");
		look(f);
		restart(f, "taken up in WATCH, step 1");
	}
	assert_int_equal(count(f, HISTORY_ABOUT), 1);
	assert_string_equal(f->rows[0].text, "{\"b\":2}");
	assert_int_equal(count(f, HISTORY_WATCHED), 6);
}

static void what_counts_goes_on(void **state)
{
	struct fixture *f = *state;
	int64_t calls = 0;

	begin(f, "new");
	for (int i = 0; i < HISTORY_MOVE_ROWS + 5; i++)
		recorder_move(f->r, f->now, &f->state, &f->state, "moved");
	for (int i = 0; i < 30; i++) {
		called(f, "ListVersionsByFunction", "/f", NULL);
		restart(f, "taken up in WATCH, step 1");
		recorder_move(f->r, f->now, &f->state, &f->state, "moved");
	}
	write_all(f);
	assert_int_equal(count(f, HISTORY_LOST), 1);
	assert_int_equal(f->rows[0].count, 35);
	read_rows(f, HISTORY_CALLS);
	for (size_t i = 0; i < f->n; i++)
		if (!strcmp(f->rows[i].name, "Lambda.ListVersionsByFunction")) {
			assert_int_equal(f->rows[i].count, 30);
			assert_int_equal(f->rows[i].a, 30 * 7);
			calls++;
		}
	assert_int_equal(calls, 1);
}

/* Another worker's rollout: what came before is not recorded here, whatever was called first. */
static void a_stranger_joins(void **state)
{
	struct fixture *f = *state;

	called(f, "GetAlias", "/early", NULL);
	begin(f, "taken up in WATCH, step 1");
	write_all(f);
	assert_int_equal(count(f, HISTORY_WORKER), 1);
	assert_string_equal(f->rows[0].word, "joined");
}

/* Where nothing can be read nothing that is there is written over. */
static void an_unreadable_ledger_is_not_written_over(void **state)
{
	struct fixture *f = *state;

	begin(f, "new");
	look(f);
	write_all(f);
	recorder_free(f->r);
	f->r = recorder_new();
	exec(f, "ALTER TABLE history RENAME TO away");
	f->now.ms += HOUR;
	begin(f, "taken up in WATCH, step 1");
	exec(f, "ALTER TABLE away RENAME TO history");
	look(f);
	write_all(f);
	assert_int_equal(count(f, HISTORY_KIND_COUNT), 6);
	assert_int_equal(f->rows[0].at.ms, START);
	restart(f, "taken up in WATCH, step 1");
	write_all(f);
	assert_int_equal(count(f, HISTORY_WORKER), 3);
}

static void nobody_records_nothing(void **state)
{
	struct fixture *f = *state;

	recorder_free(f->r);
	f->r = NULL;
	begin(f, "new");
	assert_true(recorder_has_begun(NULL));
	recorder_about(NULL, f->now, "{}");
	recorder_move(NULL, f->now, &f->state, &f->state, "x");
	recorder_act(NULL, &(struct recorder_act){.act = "x"});
	recorder_taken_over(NULL, f->now, "x");
	assert_null(recorder_watch(NULL));
	tick(f);
	write_all(f);
	assert_null(collect(f));
	recorder_written(NULL, true);
	assert_int_equal(count(f, HISTORY_KIND_COUNT), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(nothing_is_lost_by_a_refusal),
		T(nothing_is_lost_by_a_change_meanwhile),
		T(a_ledger_that_refuses_for_hours),
		T(a_refusal_is_given_time),
		T(a_restart_writes_over_nothing),
		T(what_counts_goes_on),
		T(a_stranger_joins),
		T(an_unreadable_ledger_is_not_written_over),
		T(nobody_records_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
