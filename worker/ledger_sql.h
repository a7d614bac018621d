#ifndef WORKER_LEDGER_SQL_H
#define WORKER_LEDGER_SQL_H

#include <sqlite3.h>

#include "aws/core/lock.h"
#include "worker/ledger.h"

/*
 * Between the files of the ledger; nobody else includes this, and with it SQLite. Arguments of a
 * statement follow a string of their types: s text or NULL, i int64_t, d double (NAN: NULL). The
 * text of a statement is a string literal: it is compiled once, and found again by its address.
 */
#define LEDGER_KEPT_MAX 64 /* more than there are; the rest would be compiled each time */

struct ledger {
	sqlite3 *db;
	struct lock lock;
	bool frozen;
	/* statements that are kept, by the text they were made of: a string literal */
	struct {
		const char *sql;
		sqlite3_stmt *st;
	} kept[LEDGER_KEPT_MAX];
	size_t n_kept;
};

int ledger_sql_failed(struct ledger *l, struct err *err, const char *what);

/* Before the connection is closed: no statement is kept any more. */
void ledger_sql_forget(struct ledger *l);

/*
 * Run one writing statement: a transaction of its own, unless one has begun. *changed (may be NULL)
 * gets the number of rows it changed. Call with the lock held.
 */
int ledger_run(struct ledger *l, struct err *err, int *changed, const char *sql, const char *types,
	       ...) MUST_CHECK;

/*
 * Begin a transaction for writing; end it, for good when rc is 0, else as if nothing had been
 * written: also when it could not be begun. ledger_end() returns rc, or -1. With the lock held.
 */
int ledger_begin(struct ledger *l, struct err *err) MUST_CHECK;
int ledger_end(struct ledger *l, int rc, struct err *err) MUST_CHECK;

/* Read rows: add(arg, arena, statement) is called for each. ledger_each() takes the lock itself,
 * ledger_read() is called with it held. */
typedef void ledger_row_fn(void *arg, struct arena *a, sqlite3_stmt *st);
int ledger_each(struct ledger *l, struct arena *a, ledger_row_fn *add, void *arg, struct err *err,
		const char *sql, const char *types, ...) MUST_CHECK;
int ledger_read(struct ledger *l, struct arena *a, ledger_row_fn *add, void *arg, struct err *err,
		const char *sql, const char *types, ...) MUST_CHECK;

const char *ledger_text_at(struct arena *a, sqlite3_stmt *st, int column);
struct utc ledger_utc_at(sqlite3_stmt *st, int column);

/* A growing array in an arena: doubles by copying. */
struct ledger_rows {
	void *p;
	size_t n, cap, size;
};
void *ledger_rows_add(struct ledger_rows *r, struct arena *a);

/* ledger_lock.c: locks and waits of this rollout go; within the caller's transaction. */
int ledger_lock_forget(struct ledger *l, const char *rollout_id, struct err *err) MUST_CHECK;

#endif
