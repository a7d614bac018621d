#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "worker/ledger_history.h"
#include "worker/ledger_sql.h"
#include "worker/report_files.h"

/* What the ledger keeps of rollouts for their reports, and how it gets rid of it. */

#define NONE ((double)NAN)
#define MINUTE 60000ll

static struct err err;

struct fixture {
	struct ledger *l;
	struct arena *a;
};

static int set_up(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	err = ERR_INIT;
	f->a = arena_new();
	f->l = ledger_open(":memory:", &err);
	*state = f;
	return f->l ? 0 : -1;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	ledger_close(f->l);
	arena_free(f->a);
	free(f);
	return 0;
}

static void exec(struct fixture *f, const char *sql)
{
	assert_int_equal(sqlite3_exec(f->l->db, sql, NULL, NULL, NULL), SQLITE_OK);
}

static struct history_row row(int64_t seq, enum history_kind kind)
{
	return (struct history_row){.seq = seq,
				    .kind = kind,
				    .at = {seq * MINUTE},
				    .until = {seq * MINUTE + 1},
				    .count = 1,
				    .low = NONE,
				    .high = NONE,
				    .last = NONE,
				    .limit = NONE};
}

static int put(struct fixture *f, const char *id, const struct history_row *rows, size_t n)
{
	struct ledger_history h = {.rows = rows, .n = n};

	return ledger_history_put(f->l, id, &h, &err);
}

static size_t get(struct fixture *f, const char *id, enum history_kind kind,
		  struct history_row **rows)
{
	size_t n = 99;

	assert_int_equal(ledger_history_get(f->l, id, kind, f->a, rows, &n, &err), 0);
	return n;
}

static size_t count(struct fixture *f, const char *id)
{
	struct history_row *rows;

	return get(f, id, HISTORY_KIND_COUNT, &rows);
}

static void same_number(double a, double b)
{
	assert_true(isnan(a) ? isnan(b) : a == b);
}

static void same_text(const char *a, const char *b)
{
	if (!a)
		assert_null(b);
	else
		assert_string_equal(a, b);
}

static void same_row(const struct history_row *a, const struct history_row *b)
{
	assert_int_equal(a->seq, b->seq);
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->at.ms, b->at.ms);
	assert_int_equal(a->until.ms, b->until.ms);
	assert_int_equal(a->a, b->a);
	assert_int_equal(a->b, b->b);
	assert_int_equal(a->count, b->count);
	same_number(a->low, b->low);
	same_number(a->high, b->high);
	same_number(a->last, b->last);
	same_number(a->limit, b->limit);
	same_text(a->name, b->name);
	same_text(a->word, b->word);
	same_text(a->text, b->text);
	same_text(a->extra, b->extra);
}

/* --- rows ------------------------------------------------------------------------------------- */

static void what_is_written_is_read(void **state)
{
	struct fixture *f = *state;
	struct history_row rows[] = {row(1, HISTORY_ABOUT), row(2, HISTORY_GUARD),
				     row(3, HISTORY_SPLIT), row(4, HISTORY_GUARD),
				     row(5, HISTORY_LOST)},
			   *got;

	rows[1].a = 7;
	rows[1].b = 1;
	rows[1].low = -0.5;
	rows[1].high = 1e300;
	rows[1].last = 5e-324;
	rows[1].limit = 0;
	rows[1].name = "above";
	rows[1].word = "Pass";
	rows[1].text = "l\xc3\xb6w; DROP TABLE history; '\"";
	rows[2].a = rows[2].b = -1;
	rows[2].extra = "";
	rows[2].count = INT64_MAX;
	rows[3].at.ms = INT64_MIN;
	rows[3].until.ms = INT64_MAX;
	rows[3].a = INT64_MIN;
	assert_int_equal(put(f, "r-1", rows, 5), 0);
	assert_int_equal(get(f, "r-1", HISTORY_KIND_COUNT, &got), 5);
	for (int i = 0; i < 5; i++)
		same_row(&rows[i], &got[i]);
	assert_int_equal(get(f, "r-1", HISTORY_GUARD, &got), 2);
	same_row(&rows[1], &got[0]);
	same_row(&rows[3], &got[1]);
	assert_int_equal(get(f, "r-1", HISTORY_CALL, &got), 0);
	assert_int_equal(count(f, "r-2"), 0);
	assert_int_equal(put(f, "r-1", NULL, 0), 0);
	assert_int_equal(count(f, "r-1"), 5);
}

/* Each by its place: written again it is replaced, and others keep theirs. */
static void a_row_has_one_place(void **state)
{
	struct fixture *f = *state;
	struct history_row rows[] = {row(3, HISTORY_GUARD), row(1, HISTORY_GUARD),
				     row(2, HISTORY_GUARD)},
			   *got;
	const int64_t gone[] = {1, 3, 77};
	struct ledger_history h = {.rows = rows, .n = 1, .forget = gone, .n_forget = 3};

	assert_int_equal(put(f, "r-1", rows, 3), 0);
	assert_int_equal(put(f, "r-2", rows, 3), 0);
	rows[0].count = 9;
	assert_int_equal(put(f, "r-1", rows, 1), 0);
	assert_int_equal(get(f, "r-1", HISTORY_GUARD, &got), 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(got[i].seq, i + 1);
	assert_int_equal(got[2].count, 9);
	/* what goes goes first: a row that is written stays */
	assert_int_equal(ledger_history_put(f->l, "r-1", &h, &err), 0);
	assert_int_equal(get(f, "r-1", HISTORY_GUARD, &got), 2);
	assert_int_equal(got[0].seq, 2);
	assert_int_equal(got[1].seq, 3);
	assert_int_equal(get(f, "r-2", HISTORY_GUARD, &got), 3);
	assert_int_equal(got[2].count, 1);
}

/* A ledger is a file: it may hold what this program has never written. */
static void what_is_odd_in_it_is_left_out(void **state)
{
	struct fixture *f = *state;
	struct history_row r = row(1, HISTORY_GUARD), *got;

	r.low = (double)INFINITY;
	r.high = -(double)INFINITY;
	assert_int_equal(put(f, "r-1", &r, 1), 0);
	exec(f, "INSERT INTO history (rollout_id, seq, kind, at, until, a, b, count) VALUES"
		" ('r-1', 2, 10, 1, 1, 0, 0, 1), ('r-1', 3, -1, 1, 1, 0, 0, 1),"
		" ('r-1', 4, 4294967296, 1, 1, 0, 0, 1), ('r-1', 5, 4, -5, -9, 0, 0, -3)");
	assert_int_equal(get(f, "r-1", HISTORY_KIND_COUNT, &got), 2);
	assert_int_equal(got[0].seq, 1);
	assert_true(isnan(got[0].low) && isnan(got[0].high));
	assert_int_equal(got[1].seq, 5);
	assert_int_equal(got[1].count, -3);
	assert_null(got[1].text);
}

/* --- what fails ------------------------------------------------------------------------------- */

#define NO_ROW_2                                                                          \
	"CREATE TRIGGER no BEFORE INSERT ON history WHEN new.seq = 2 BEGIN SELECT raise(" \
	"ABORT, 'no'); END"

static void half_of_it_is_none(void **state)
{
	struct fixture *f = *state;
	struct history_row rows[] = {row(1, HISTORY_GUARD), row(2, HISTORY_GUARD),
				     row(3, HISTORY_GUARD)},
			   *got;
	const int64_t gone[] = {7};
	struct ledger_history h = {.rows = rows, .n = 3, .forget = gone, .n_forget = 1};
	struct history_row old = row(7, HISTORY_GUARD);

	assert_int_equal(put(f, "r-1", &old, 1), 0);
	exec(f, NO_ROW_2);
	assert_int_equal(ledger_history_put(f->l, "r-1", &h, &err), -1);
	assert_int_equal(err.code, ERR_SYSTEM);
	assert_int_equal(get(f, "r-1", HISTORY_KIND_COUNT, &got), 1);
	assert_int_equal(got[0].seq, 7);
	exec(f, "DROP TRIGGER no");
	assert_int_equal(ledger_history_put(f->l, "r-1", &h, &err), 0);
	assert_int_equal(count(f, "r-1"), 3);
	ledger_freeze(f->l);
	assert_int_equal(put(f, "r-1", &old, 1), -1);
	assert_int_equal(count(f, "r-1"), 3);
}

static struct ledger_rollout rollout(const char *id, int updated)
{
	return (struct ledger_rollout){.id = id,
				       .token = "{}",
				       .seq = 1,
				       .phase = "WATCH",
				       .started = {MINUTE},
				       .updated = {updated * MINUTE}};
}

static void check_row(struct fixture *f, const char *id, uint64_t seq, const char *phase)
{
	struct ledger_rollout *got;

	assert_int_equal(ledger_rollout_get(f->l, id, f->a, &got, &err), 0);
	assert_non_null(got);
	assert_int_equal(got->seq, seq);
	assert_string_equal(got->phase, phase);
}

/* History never stops a state from being written, and a part of it is not kept either. */
static void a_state_goes_without(void **state)
{
	struct fixture *f = *state;
	struct history_row rows[] = {row(1, HISTORY_GUARD), row(2, HISTORY_GUARD)};
	struct ledger_history h = {.rows = rows, .n = 2};
	struct ledger_rollout r = rollout("r-1", 1);
	const char *plan = "x";
	size_t dropped = 9;
	bool whole = true;

	exec(f, NO_ROW_2);
	r.history = &h;
	assert_int_equal(ledger_rollout_save(f->l, &r, &whole, &dropped, &err), 0);
	assert_false(whole);
	assert_int_equal(dropped, 0);
	check_row(f, "r-1", 1, "WATCH");
	assert_int_equal(count(f, "r-1"), 0);
	/* so is an end, with all that belongs to it */
	assert_int_equal(ledger_plan_put(f->l, "r-1", "{}", &err), 0);
	r.seq = 2;
	r.phase = "FAILED";
	r.final = true;
	assert_int_equal(ledger_rollout_save(f->l, &r, &whole, &dropped, &err), 0);
	assert_false(whole);
	check_row(f, "r-1", 2, "FAILED");
	assert_int_equal(ledger_plan_get(f->l, "r-1", f->a, &plan, &err), 0);
	assert_null(plan);
	exec(f, "DROP TRIGGER no");
	r.seq = 3;
	assert_int_equal(ledger_rollout_save(f->l, &r, &whole, &dropped, &err), 0);
	assert_true(whole);
	check_row(f, "r-1", 3, "FAILED");
	assert_int_equal(count(f, "r-1"), 2);
}

/* What refuses the state itself refuses all of it. */
static void no_state_no_history(void **state)
{
	struct fixture *f = *state;
	struct history_row r1 = row(1, HISTORY_GUARD);
	struct ledger_history h = {.rows = &r1, .n = 1};
	struct ledger_rollout r = rollout("r-1", 1);
	bool whole = true;
	size_t dropped;

	exec(f, "CREATE TRIGGER no BEFORE INSERT ON rollouts BEGIN SELECT raise(ABORT, 'no'); END");
	r.history = &h;
	assert_int_equal(ledger_rollout_save(f->l, &r, &whole, &dropped, &err), -1);
	assert_false(whole);
	assert_int_equal(err.code, ERR_SYSTEM);
	assert_int_equal(count(f, "r-1"), 0);
	exec(f, "DROP TRIGGER no");
	assert_int_equal(ledger_rollout_save(f->l, &r, &whole, &dropped, &err), 0);
	assert_true(whole);
	/* an older state is not taken; what was seen is, all the same */
	r.seq = 0;
	r.phase = "SHIFT";
	r1.seq = 2;
	assert_int_equal(ledger_rollout_save(f->l, &r, &whole, &dropped, &err), 0);
	assert_true(whole);
	check_row(f, "r-1", 1, "WATCH");
	assert_int_equal(count(f, "r-1"), 2);
}

/* --- what is old ------------------------------------------------------------------------------ */

static size_t notes(struct fixture *f, const char *id)
{
	struct ledger_note *got;
	size_t n;

	assert_int_equal(ledger_notes(f->l, id, f->a, &got, &n, &err), 0);
	return n;
}

/* Three rows and a note. */
static void put_one(struct fixture *f, const char *id, int updated, bool final)
{
	struct history_row rows[] = {row(1, HISTORY_ABOUT), row(2, HISTORY_MOVE),
				     row(3, HISTORY_CALL)};
	struct ledger_rollout r = rollout(id, updated);

	r.final = final;
	assert_int_equal(ledger_rollout_put(f->l, &r, &err), 0);
	assert_int_equal(put(f, id, rows, 3), 0);
	assert_int_equal(ledger_note(f->l, id, (struct utc){MINUTE}, "e", "t", &err), 0);
}

static size_t prune(struct fixture *f, int64_t keep, int64_t max)
{
	size_t n = 99;

	assert_int_equal(ledger_history_prune(f->l, keep, max, &n, &err), 0);
	return n;
}

static void the_newest_are_kept(void **state)
{
	struct fixture *f = *state;
	struct ledger_rollout bare = rollout("r-bare", 100);
	static const char *const ids[] = {"r-1", "r-2", "r-3", "r-4", "r-5", "r-6"};

	for (int i = 0; i < 6; i++)
		put_one(f, ids[i], 10 + i, true);
	put_one(f, "r-open", 1, false); /* older than all of them */
	bare.final = true;		/* has nothing, and takes nobody's place */
	assert_int_equal(ledger_rollout_put(f->l, &bare, &err), 0);
	assert_int_equal(prune(f, 6, 20), 0);
	assert_int_equal(prune(f, 100, 20), 0);
	assert_int_equal(prune(f, 4, 20), 2);
	for (int i = 0; i < 6; i++) {
		assert_int_equal(count(f, ids[i]), i < 2 ? 0 : 3);
		assert_int_equal(notes(f, ids[i]), i < 2 ? 0 : 1);
		check_row(f, ids[i], 1, "WATCH"); /* that it was is known */
	}
	assert_int_equal(prune(f, 4, 20), 0); /* what is gone counts no more */
	assert_int_equal(prune(f, 0, 3), 3);  /* a few at once */
	assert_int_equal(prune(f, 0, 3), 1);
	assert_int_equal(prune(f, 0, 3), 0);
	assert_int_equal(count(f, "r-6"), 0);
	assert_int_equal(count(f, "r-open"), 3); /* it still needs its own */
	assert_int_equal(notes(f, "r-open"), 1);
}

static void all_of_one_goes_or_nothing(void **state)
{
	struct fixture *f = *state;
	size_t n = 99;

	put_one(f, "r-1", 1, true);
	put_one(f, "r-2", 2, true);
	exec(f, "CREATE TRIGGER no BEFORE DELETE ON notes WHEN old.rollout_id = 'r-1'"
		" BEGIN SELECT raise(ABORT, 'no'); END");
	assert_int_equal(ledger_history_prune(f->l, 0, 20, &n, &err), -1);
	assert_int_equal(n, 0);
	assert_int_equal(count(f, "r-1") + count(f, "r-2"), 6);
	exec(f, "DROP TRIGGER no");
	ledger_freeze(f->l);
	assert_int_equal(ledger_history_prune(f->l, 0, 20, &n, &err), -1);
	assert_int_equal(n, 0);
	assert_int_equal(count(f, "r-1") + count(f, "r-2"), 6);
}

/* What is forgotten is not said to have never been. */
static void a_report_of_what_was_forgotten(void **state)
{
	struct fixture *f = *state;
	struct report r;

	put_one(f, "r-1", 5, true);
	assert_int_equal(prune(f, 0, 20), 1);
	assert_int_equal(report_read(f->l, "r-1", (struct utc){9 * MINUTE}, f->a, &r, &err), 0);
	assert_string_equal(r.rollout->id, "r-1");
	assert_int_equal(r.of[HISTORY_MOVE].n, 0);
	assert_int_equal(r.n_notes, 0);
	assert_null(strstr(r.headline, "no guard"));
	assert_int_equal(report_read(f->l, "r-9", (struct utc){0}, f->a, &r, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
}

/* --- the file --------------------------------------------------------------------------------- */

/* As a worker of before reports left it. */
static void an_older_file_has_none(void **state)
{
	char dir[] = "/tmp/ledger-test-XXXXXX", path[64], command[64];
	struct fixture f = {.a = arena_new()};
	struct ledger_rollout old = rollout("r-old", 3);
	struct history_row r1 = row(1, HISTORY_MOVE);
	struct report r;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/ledger.db", dir);
	f.l = ledger_open(path, &err);
	assert_non_null(f.l);
	old.final = true;
	assert_int_equal(ledger_rollout_put(f.l, &old, &err), 0);
	exec(&f, "DROP TABLE notices; DROP TABLE history; PRAGMA user_version = 3");
	ledger_close(f.l);
	/* who only reads changes nothing, and says what is to be done */
	assert_null(ledger_open_read(path, &err));
	assert_int_equal(err.code, ERR_SYSTEM);
	assert_non_null(strstr(err.text, "brought up to date when the worker is started"));
	f.l = ledger_open(path, &err);
	assert_non_null(f.l);
	assert_int_equal(count(&f, "r-old"), 0);
	assert_int_equal(report_read(f.l, "r-old", (struct utc){9 * MINUTE}, f.a, &r, &err), 0);
	assert_int_equal(prune(&f, 0, 20), 0);
	assert_int_equal(put(&f, "r-old", &r1, 1), 0);
	ledger_close(f.l);
	f.l = ledger_open_read(path, &err);
	assert_non_null(f.l);
	assert_int_equal(count(&f, "r-old"), 1);
	assert_int_equal(put(&f, "r-old", &r1, 1), -1); /* it is for reading */
	assert_int_equal(count(&f, "r-old"), 1);
	ledger_close(f.l);
	/* one that has lost the table is refused where it is asked, not taken for empty */
	f.l = ledger_open(path, &err);
	exec(&f, "DROP TABLE history");
	ledger_close(f.l);
	f.l = ledger_open_read(path, &err);
	assert_non_null(f.l);
	assert_int_equal(report_read(f.l, "r-old", (struct utc){0}, f.a, &r, &err), -1);
	assert_int_equal(err.code, ERR_SYSTEM);
	assert_non_null(strstr(err.text, "history"));
	ledger_close(f.l);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	assert_int_equal(system(command), 0);
	arena_free(f.a);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_is_written_is_read),
		T(a_row_has_one_place),
		T(what_is_odd_in_it_is_left_out),
		T(half_of_it_is_none),
		T(a_state_goes_without),
		T(no_state_no_history),
		T(the_newest_are_kept),
		T(all_of_one_goes_or_nothing),
		T(a_report_of_what_was_forgotten),
		cmocka_unit_test(an_older_file_has_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
