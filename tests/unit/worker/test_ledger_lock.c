#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "worker/ledger_lock.h"
#include "worker/ledger_sql.h"

/* Who gets a target, who waits, and what is left of a rollout that has gone. */

#define K1 "lambda:checkout:live@eu-central-1/111122223333"
#define K2 "lambda:search:live@eu-central-1/111122223333"
#define QUIET (10 * 60000)
#define NOW (100 * 60000)

static struct err err;

struct fixture {
	struct ledger *l;
	struct arena *a;
	struct ledger_holder *holder;
	bool fresh;
	int64_t now_ms;
};

static int set_up(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	err = ERR_INIT;
	f->a = arena_new();
	f->l = ledger_open(":memory:", &err);
	f->now_ms = NOW;
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

/* A rollout that began at minute `started`; its job was seen just now. */
static struct ledger_rollout row(const char *id, int started)
{
	return (struct ledger_rollout){.id = id,
				       .pipeline = "shop",
				       .action = "Canary",
				       .token = "{}",
				       .seq = 1,
				       .phase = "INSPECT",
				       .started = {started * 60000},
				       .job_seen = {NOW}};
}

static void put(struct fixture *f, const char *id, int started)
{
	struct ledger_rollout r = row(id, started);

	assert_int_equal(ledger_rollout_put(f->l, &r, &err), 0);
}

static void put_touched(struct fixture *f, const char *id, int started)
{
	struct ledger_rollout r = row(id, started);

	r.touched = true;
	assert_int_equal(ledger_rollout_put(f->l, &r, &err), 0);
}

static struct ledger_claim claim(struct fixture *f, const char *id, int started,
				 const char *const *keys, size_t n)
{
	return (struct ledger_claim){.rollout_id = id,
				     .keys = keys,
				     .n_keys = n,
				     .started = {started * 60000},
				     .now = {f->now_ms},
				     .quiet_ms = QUIET};
}

static const char *const ONE[] = {K1}, *const TWO[] = {K2}, *const BOTH[] = {K1, K2};

/* NULL: it is ours now; else whose it is. */
static const char *take_keys(struct fixture *f, const char *id, int started,
			     const char *const *keys, size_t n)
{
	struct ledger_claim c = claim(f, id, started, keys, n);

	assert_int_equal(ledger_lock_take(f->l, &c, f->a, &f->holder, &f->fresh, &err), 0);
	return f->holder ? f->holder->rollout_id : NULL;
}

static const char *take(struct fixture *f, const char *id, int started)
{
	return take_keys(f, id, started, ONE, 1);
}

static size_t n_locks(struct fixture *f)
{
	struct ledger_holder *h;
	size_t n;

	assert_int_equal(ledger_locks(f->l, f->a, &h, &n, &err), 0);
	return n;
}

static size_t n_waits(struct fixture *f)
{
	struct ledger_wait *w;
	size_t n;

	assert_int_equal(ledger_waits(f->l, f->a, &w, &n, &err), 0);
	return n;
}

static void one_has_it_and_the_other_waits(void **state)
{
	struct fixture *f = *state;
	struct ledger_wait *w;
	struct ledger_holder *h;
	size_t n;

	put(f, "r-1", 1);
	put(f, "r-2", 2);
	assert_null(take(f, "r-1", 1));
	assert_true(f->fresh);
	f->now_ms += 1000;
	assert_null(take(f, "r-1", 1)); /* it has it already */
	assert_false(f->fresh);
	assert_string_equal(take(f, "r-2", 2), "r-1");
	assert_string_equal(f->holder->pipeline, "shop");
	assert_string_equal(f->holder->action, "Canary");
	assert_string_equal(f->holder->key, K1);
	assert_int_equal(f->holder->since.ms, NOW); /* when it was taken first */
	assert_false(f->holder->waits);
	assert_int_equal(ledger_waits(f->l, f->a, &w, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_string_equal(w[0].rollout_id, "r-2");
	assert_string_equal(w[0].holder, "r-1");
	assert_string_equal(w[0].key, K1);
	assert_int_equal(w[0].since.ms, NOW + 1000);
	f->now_ms += 60000;
	assert_string_equal(take(f, "r-2", 2), "r-1");
	assert_int_equal(ledger_waits(f->l, f->a, &w, &n, &err), 0);
	assert_int_equal(w[0].since.ms, NOW + 1000); /* still since then */
	assert_int_equal(ledger_locks(f->l, f->a, &h, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_string_equal(h[0].rollout_id, "r-1");
	assert_null(take_keys(f, "r-2", 2, TWO, 1)); /* another target */
}

/* With the row that says that it has ended, whatever is said of it afterwards. */
static void an_end_lets_go(void **state)
{
	struct fixture *f = *state;
	struct ledger_rollout r = row("r-1", 1);

	put(f, "r-1", 1);
	put(f, "r-2", 2);
	put(f, "r-3", 3);
	assert_null(take(f, "r-1", 1));
	assert_string_equal(take(f, "r-2", 2), "r-1");
	r.seq = 2;
	r.final = true;
	assert_int_equal(ledger_rollout_put(f->l, &r, &err), 0);
	assert_int_equal(n_locks(f), 0);
	assert_null(take(f, "r-2", 2));
	assert_int_equal(n_waits(f), 0);
	/* has left its target, but nobody has been told */
	r = row("r-2", 2);
	r.seq = 2;
	r.lets_go = true;
	assert_int_equal(ledger_rollout_put(f->l, &r, &err), 0);
	assert_int_equal(n_locks(f), 0);
	assert_null(take(f, "r-3", 3));
	/* a waiter that ends leaves the queue */
	assert_string_equal(take(f, "r-2", 2), "r-3");
	r.seq = 3;
	r.final = true;
	assert_int_equal(ledger_rollout_put(f->l, &r, &err), 0);
	assert_int_equal(n_waits(f), 0);
}

/* An older state says nothing about the end. */
static void an_older_row_lets_nothing_go(void **state)
{
	struct fixture *f = *state;
	struct ledger_rollout r = row("r-1", 1);

	r.seq = 5;
	assert_int_equal(ledger_rollout_put(f->l, &r, &err), 0);
	assert_null(take(f, "r-1", 1));
	r.seq = 4;
	r.final = true;
	assert_int_equal(ledger_rollout_put(f->l, &r, &err), 0);
	assert_int_equal(n_locks(f), 1);
}

static void exec(struct fixture *f, const char *sql)
{
	assert_int_equal(sqlite3_exec(f->l->db, sql, NULL, NULL, NULL), SQLITE_OK);
}

/* A lock counts as long as its rollout's row is open, however old it is. */
static void what_is_stale_is_told_by_its_rollout(void **state)
{
	struct fixture *f = *state;

	put(f, "r-2", 2);
	exec(f, "INSERT INTO locks VALUES ('" K1 "', 'r-unknown', 1)");
	exec(f, "INSERT INTO waits VALUES ('r-unknown', '" K1 "', 1, 1, 99999999, NULL)");
	assert_int_equal(n_locks(f), 0);
	assert_int_equal(n_waits(f), 0);
	assert_null(take(f, "r-2", 2));
	put_touched(f, "r-1", 1);
	exec(f, "UPDATE locks SET rollout_id = 'r-1', taken = 1");
	f->now_ms += 365LL * 86400000;
	assert_string_equal(take(f, "r-2", 2), "r-1");
	exec(f, "UPDATE rollouts SET final = 1 WHERE id = 'r-1'"); /* as if it had died then */
	assert_null(take(f, "r-2", 2));
}

static void all_or_nothing(void **state)
{
	struct fixture *f = *state;

	put(f, "r-1", 1);
	put(f, "r-2", 2);
	assert_null(take_keys(f, "r-1", 1, TWO, 1));
	assert_null(take_keys(f, "r-2", 2, ONE, 1));
	/* more of it was learnt: whoever does not get all lets go of what it had */
	assert_string_equal(take_keys(f, "r-2", 2, BOTH, 2), "r-1");
	assert_int_equal(n_locks(f), 1);
	assert_int_equal(n_waits(f), 2);
	assert_null(take_keys(f, "r-1", 1, BOTH, 2));
	assert_true(f->fresh);
	assert_int_equal(n_locks(f), 2);
	assert_string_equal(take_keys(f, "r-2", 2, BOTH, 2), "r-1");
}

static void the_oldest_action_is_first(void **state)
{
	struct fixture *f = *state;

	put(f, "r-1", 1);
	put(f, "r-2", 2);
	put(f, "r-3", 3);
	assert_null(take(f, "r-1", 1));
	assert_string_equal(take(f, "r-3", 3), "r-1");
	assert_string_equal(take(f, "r-2", 2), "r-1");
	assert_int_equal(ledger_lock_release(f->l, "r-1", &err), 0);
	assert_string_equal(take(f, "r-3", 3), "r-2");
	assert_true(f->holder->waits);
	assert_null(take(f, "r-2", 2));
	assert_int_equal(ledger_lock_release(f->l, "r-2", &err), 0);
	/* one that is as old is told by its id; one that has asked for long is not there */
	assert_null(take(f, "r-3", 3));
	put(f, "r-0", 3);
	assert_string_equal(take(f, "r-0", 3), "r-3");
	assert_int_equal(ledger_lock_release(f->l, "r-3", &err), 0);
	assert_string_equal(take(f, "r-3", 3), "r-0");
	f->now_ms += QUIET + 1000;
	assert_null(take(f, "r-3", 3));
}

/* Who has it is not put behind who waits for it. */
static void a_holder_does_not_queue(void **state)
{
	struct fixture *f = *state;

	put(f, "r-1", 1);
	put(f, "r-2", 2);
	assert_null(take(f, "r-2", 2));
	assert_string_equal(take(f, "r-1", 1), "r-2");
	assert_null(take(f, "r-2", 2));
	assert_false(f->fresh);
}

static void who_gives_way_keeps_its_place(void **state)
{
	struct fixture *f = *state;
	struct ledger_claim c = claim(f, "r-1", 1, ONE, 1);
	struct ledger_wait *w;
	size_t n;

	put(f, "r-1", 1);
	put(f, "r-2", 2);
	assert_null(take(f, "r-1", 1));
	assert_int_equal(ledger_lock_yield(f->l, &c, &err), 0);
	assert_int_equal(n_locks(f), 0);
	assert_int_equal(ledger_waits(f->l, f->a, &w, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_null(w[0].holder);
	assert_string_equal(take(f, "r-2", 2), "r-1");
	assert_null(take(f, "r-1", 1));
}

/* --- weak and firm ---------------------------------------------------------------------------- */

static void who_has_changed_nothing_holds_weakly(void **state)
{
	struct fixture *f = *state;
	struct ledger_claim c = claim(f, "r-2", 2, ONE, 1);
	bool held;

	put(f, "r-1", 1);
	put_touched(f, "r-2", 2);
	put_touched(f, "r-3", 3);
	assert_null(take(f, "r-1", 1));
	assert_string_equal(take(f, "r-2", 2), "r-1");
	c.has_changed = true;
	assert_int_equal(ledger_lock_take(f->l, &c, f->a, &f->holder, &f->fresh, &err), 0);
	assert_null(f->holder);
	assert_true(f->fresh);
	/* the first one finds out before it changes anything */
	assert_int_equal(ledger_lock_firm(f->l, "r-1", 1, &held, &err), 0);
	assert_false(held);
	assert_string_equal(take(f, "r-1", 1), "r-2");
	/* of two that have changed it the first keeps it */
	c.rollout_id = "r-3";
	assert_int_equal(ledger_lock_take(f->l, &c, f->a, &f->holder, &f->fresh, &err), 0);
	assert_string_equal(f->holder->rollout_id, "r-2");
}

static void firm_is_for_good(void **state)
{
	struct fixture *f = *state;
	struct ledger_claim c = claim(f, "r-2", 2, ONE, 1);
	struct ledger_rollout *got;
	bool held;

	put(f, "r-1", 1);
	put_touched(f, "r-2", 2);
	assert_int_equal(ledger_lock_firm(f->l, "r-1", 1, &held, &err), 0);
	assert_false(held); /* it has not got it yet */
	assert_null(take(f, "r-1", 1));
	assert_int_equal(ledger_lock_firm(f->l, "r-1", 2, &held, &err), 0);
	assert_false(held); /* not all of it */
	assert_int_equal(ledger_lock_firm(f->l, "r-1", 1, &held, &err), 0);
	assert_true(held);
	assert_int_equal(ledger_rollout_get(f->l, "r-1", f->a, &got, &err), 0);
	assert_true(got->touched);
	put(f, "r-1", 1); /* a row of before does not undo it */
	c.has_changed = true;
	assert_int_equal(ledger_lock_take(f->l, &c, f->a, &f->holder, &f->fresh, &err), 0);
	assert_string_equal(f->holder->rollout_id, "r-1");
	f->now_ms += 10 * QUIET;
	assert_string_equal(take(f, "r-2", 2), "r-1"); /* however long it is silent */
}

/* Two workers that wait for each other's rollouts would do so for ever. */
static void who_is_elsewhere_and_has_changed_nothing_is_passed(void **state)
{
	struct fixture *f = *state;

	put(f, "r-1", 1);
	put(f, "r-2", 2);
	assert_null(take(f, "r-1", 1));
	f->now_ms += QUIET;
	assert_string_equal(take(f, "r-2", 2), "r-1");
	f->now_ms += 1;
	assert_null(take(f, "r-2", 2));
	assert_true(f->fresh);
}

/* --- the file --------------------------------------------------------------------------------- */

static void a_broken_disk_is_no_lock(void **state)
{
	struct fixture *f = *state;
	struct ledger_claim c = claim(f, "r-1", 1, ONE, 1);
	bool held = true;

	put(f, "r-1", 1);
	ledger_freeze(f->l);
	assert_int_equal(ledger_lock_take(f->l, &c, f->a, &f->holder, &f->fresh, &err), -1);
	assert_int_equal(err.code, ERR_SYSTEM);
	assert_int_equal(ledger_lock_yield(f->l, &c, &err), -1);
	assert_int_equal(ledger_lock_release(f->l, "r-1", &err), -1);
	assert_int_equal(ledger_lock_firm(f->l, "r-1", 1, &held, &err), -1);
	assert_false(held);
	assert_int_equal(n_locks(f), 0);
}

/* Half of a transaction is none. */
static void a_failure_leaves_nothing_behind(void **state)
{
	struct fixture *f = *state;
	struct ledger_claim c = claim(f, "r-1", 1, BOTH, 2);

	put(f, "r-1", 1);
	exec(f, "CREATE TRIGGER no BEFORE INSERT ON locks WHEN new.key = '" K2
		"' BEGIN SELECT raise(ABORT, 'no'); END");
	assert_int_equal(ledger_lock_take(f->l, &c, f->a, &f->holder, &f->fresh, &err), -1);
	assert_int_equal(n_locks(f), 0);
	exec(f, "DROP TRIGGER no");
	assert_null(take_keys(f, "r-1", 1, BOTH, 2));
	/* nor is a lock let go of when the end cannot be written */
	exec(f, "CREATE TRIGGER no BEFORE DELETE ON locks BEGIN SELECT raise(ABORT, 'no'); END");
	assert_int_equal(
		ledger_rollout_put(
			f->l, &(struct ledger_rollout){.id = "r-1", .seq = 2, .final = true}, &err),
		-1);
	assert_int_equal(n_locks(f), 2);
	exec(f, "DROP TRIGGER no");
	exec(f, "CREATE TRIGGER no BEFORE INSERT ON waits BEGIN SELECT raise(ABORT, 'no'); END");
	assert_int_equal(ledger_lock_yield(f->l, &c, &err), -1);
	assert_int_equal(n_locks(f), 2);
}

/* As a worker of before the locks left it. */
static void an_older_file_is_brought_up_to_date(void **state)
{
	static const char old[] =
		"DROP TABLE notices; DROP TABLE history; DROP TABLE waits; DROP TABLE locks;"
		" ALTER TABLE rollouts DROP COLUMN touched;"
		"INSERT INTO rollouts (id, seq, phase, final, parked, started, updated, job_seen)"
		" VALUES ('r-old', 7, 'WATCH', 0, 1, 1, 2, 3); PRAGMA user_version = 2;";
	char dir[] = "/tmp/ledger-test-XXXXXX", path[64];
	struct ledger_rollout *got;
	struct fixture f = {.a = arena_new(), .now_ms = NOW};

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/ledger.db", dir);
	f.l = ledger_open(path, &err);
	assert_non_null(f.l);
	exec(&f, old);
	ledger_close(f.l);
	assert_null(ledger_open_read(path, &err));
	assert_non_null(strstr(err.text, "older rollout-worker"));
	f.l = ledger_open(path, &err);
	assert_non_null(f.l);
	assert_int_equal(ledger_rollout_get(f.l, "r-old", f.a, &got, &err), 0);
	assert_int_equal(got->seq, 7);
	assert_true(got->touched); /* it may have been */
	put(&f, "r-2", 2);
	assert_null(take(&f, "r-old", 1));
	assert_string_equal(take(&f, "r-2", 2), "r-old");
	ledger_close(f.l);
	f.l = ledger_open(path, &err); /* across a restart */
	assert_string_equal(take(&f, "r-2", 2), "r-old");
	ledger_close(f.l);
	unlink(path);
	rmdir(dir);
	arena_free(f.a);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(one_has_it_and_the_other_waits),
		T(an_end_lets_go),
		T(an_older_row_lets_nothing_go),
		T(what_is_stale_is_told_by_its_rollout),
		T(all_or_nothing),
		T(the_oldest_action_is_first),
		T(a_holder_does_not_queue),
		T(who_gives_way_keeps_its_place),
		T(who_has_changed_nothing_holds_weakly),
		T(firm_is_for_good),
		T(who_is_elsewhere_and_has_changed_nothing_is_passed),
		T(a_broken_disk_is_no_lock),
		T(a_failure_leaves_nothing_behind),
		cmocka_unit_test(an_older_file_is_brought_up_to_date),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
