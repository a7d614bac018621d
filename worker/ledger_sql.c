#include "worker/ledger_sql.h"

#include <stdarg.h>
#include <string.h>

/* Statements, transactions and rows: what the files of the ledger are written with. */

int ledger_sql_failed(struct ledger *l, struct err *err, const char *what)
{
	return err_set(err, ERR_SYSTEM, "ledger: %s: %s", what, sqlite3_errmsg(l->db));
}

/* --- statements ------------------------------------------------------------------------------- */

/* Ready to be bound and stepped; with the lock held. NULL: see the connection's error. */
static sqlite3_stmt *statement(struct ledger *l, const char *sql)
{
	sqlite3_stmt *st = NULL;

	for (size_t i = 0; i < l->n_kept; i++)
		if (l->kept[i].sql == sql)
			return l->kept[i].st;
	if (sqlite3_prepare_v2(l->db, sql, -1, &st, NULL) != SQLITE_OK)
		return NULL;
	if (l->n_kept < LEDGER_KEPT_MAX) {
		l->kept[l->n_kept].sql = sql;
		l->kept[l->n_kept++].st = st;
	}
	return st;
}

/* Done with, whatever came of it: it locks nothing and holds no value any more. */
static void put_back(struct ledger *l, sqlite3_stmt *st)
{
	for (size_t i = 0; i < l->n_kept; i++)
		if (l->kept[i].st == st) {
			sqlite3_reset(st);
			sqlite3_clear_bindings(st);
			return;
		}
	sqlite3_finalize(st);
}

void ledger_sql_forget(struct ledger *l)
{
	while (l->n_kept > 0)
		sqlite3_finalize(l->kept[--l->n_kept].st);
}

static int bind_args(sqlite3_stmt *st, const char *types, va_list ap)
{
	int rc = SQLITE_OK;

	for (int i = 1; *types && rc == SQLITE_OK; types++, i++) {
		if (*types == 's')
			rc = sqlite3_bind_text(st, i, va_arg(ap, const char *), -1,
					       SQLITE_TRANSIENT);
		else if (*types == 'd') /* what is no number is bound as NULL */
			rc = sqlite3_bind_double(st, i, va_arg(ap, double));
		else
			rc = sqlite3_bind_int64(st, i, va_arg(ap, int64_t));
	}
	return rc;
}

int ledger_run(struct ledger *l, struct err *err, int *changed, const char *sql, const char *types,
	       ...)
{
	sqlite3_stmt *st;
	va_list ap;
	int rc;

	if (l->frozen)
		return err_set(err, ERR_SYSTEM, "ledger: closed for writing");
	st = statement(l, sql);
	rc = st ? SQLITE_OK : SQLITE_ERROR;
	if (rc == SQLITE_OK) {
		va_start(ap, types);
		rc = bind_args(st, types, ap);
		va_end(ap);
	}
	if (rc == SQLITE_OK && sqlite3_step(st) != SQLITE_DONE)
		rc = SQLITE_ERROR;
	if (rc != SQLITE_OK)
		ledger_sql_failed(l, err, "write");
	else if (changed)
		*changed = sqlite3_changes(l->db);
	put_back(l, st);
	return rc == SQLITE_OK ? 0 : -1;
}

int ledger_begin(struct ledger *l, struct err *err)
{
	return ledger_run(l, err, NULL, "BEGIN IMMEDIATE", "");
}

int ledger_end(struct ledger *l, int rc, struct err *err)
{
	if (rc == 0)
		rc = ledger_run(l, err, NULL, "COMMIT", "");
	/* autocommit: there is none to be ended */
	if (rc && !sqlite3_get_autocommit(l->db))
		sqlite3_exec(l->db, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

/* --- rows ------------------------------------------------------------------------------------- */

static int read_rows(struct ledger *l, struct arena *a, ledger_row_fn *add, void *arg,
		     struct err *err, const char *sql, const char *types, va_list ap)
{
	sqlite3_stmt *st = statement(l, sql);
	int rc = st ? SQLITE_OK : SQLITE_ERROR;

	if (rc == SQLITE_OK)
		rc = bind_args(st, types, ap);
	while (rc == SQLITE_OK || rc == SQLITE_ROW) {
		rc = sqlite3_step(st);
		if (rc == SQLITE_ROW) {
			add(arg, a, st);
			/* text that no memory was found for looks like NULL */
			if (sqlite3_errcode(l->db) == SQLITE_NOMEM)
				rc = SQLITE_NOMEM;
		}
	}
	if (rc != SQLITE_DONE)
		ledger_sql_failed(l, err, "read");
	put_back(l, st);
	return rc == SQLITE_DONE ? 0 : -1;
}

int ledger_read(struct ledger *l, struct arena *a, ledger_row_fn *add, void *arg, struct err *err,
		const char *sql, const char *types, ...)
{
	va_list ap;
	int rc;

	va_start(ap, types);
	rc = read_rows(l, a, add, arg, err, sql, types, ap);
	va_end(ap);
	return rc;
}

int ledger_each(struct ledger *l, struct arena *a, ledger_row_fn *add, void *arg, struct err *err,
		const char *sql, const char *types, ...)
{
	va_list ap;
	int rc;

	lock_take(&l->lock);
	va_start(ap, types);
	rc = read_rows(l, a, add, arg, err, sql, types, ap);
	va_end(ap);
	lock_drop(&l->lock);
	return rc;
}

const char *ledger_text_at(struct arena *a, sqlite3_stmt *st, int column)
{
	const char *s = (const char *)sqlite3_column_text(st, column);

	return s ? arena_strdup(a, s) : NULL;
}

struct utc ledger_utc_at(sqlite3_stmt *st, int column)
{
	return (struct utc){sqlite3_column_int64(st, column)};
}

void *ledger_rows_add(struct ledger_rows *r, struct arena *a)
{
	if (r->n == r->cap) {
		size_t cap = r->cap ? r->cap * 2 : 8;
		void *p = arena_calloc(a, cap, r->size);

		if (r->n)
			memcpy(p, r->p, r->n * r->size);
		r->p = p;
		r->cap = cap;
	}
	return (char *)r->p + r->size * r->n++;
}
