#include "worker/ledger_history.h"

#include <math.h>

#include "worker/ledger_sql.h"

/* Rows of history: numbers that are not there are NULL, and NAN outside. */

static int put_row(struct ledger *l, const char *rollout_id, const struct history_row *r,
		   struct err *err)
{
	return ledger_run(l, err, NULL,
			  "INSERT OR REPLACE INTO history VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
			  "siiiiiiiddddssss", rollout_id, r->seq, (int64_t)r->kind, r->at.ms,
			  r->until.ms, r->a, r->b, r->count, r->low, r->high, r->last, r->limit,
			  r->name, r->word, r->text, r->extra);
}

int ledger_history_run(struct ledger *l, const char *rollout_id, const struct ledger_history *h,
		       struct err *err)
{
	for (size_t i = 0; i < h->n_forget; i++)
		if (ledger_run(l, err, NULL, "DELETE FROM history WHERE rollout_id = ? AND seq = ?",
			       "si", rollout_id, h->forget[i]))
			return -1;
	for (size_t i = 0; i < h->n; i++)
		if (put_row(l, rollout_id, &h->rows[i], err))
			return -1;
	return 0;
}

int ledger_history_put(struct ledger *l, const char *rollout_id, const struct ledger_history *h,
		       struct err *err)
{
	int rc;

	lock_take(&l->lock);
	rc = ledger_begin(l, err);
	if (rc == 0)
		rc = ledger_history_run(l, rollout_id, h, err);
	rc = ledger_end(l, rc, err);
	lock_drop(&l->lock);
	return rc;
}

static double number_at(sqlite3_stmt *st, int column)
{
	double v = sqlite3_column_double(st, column);

	return sqlite3_column_type(st, column) == SQLITE_NULL || !isfinite(v) ? (double)NAN : v;
}

static void add_row(void *arg, struct arena *a, sqlite3_stmt *st)
{
	int64_t kind = sqlite3_column_int64(st, 1);
	struct history_row *r;

	if (kind < 0 || kind >= HISTORY_KIND_COUNT)
		return;
	r = ledger_rows_add(arg, a);
	r->seq = sqlite3_column_int64(st, 0);
	r->kind = (enum history_kind)kind;
	r->at = ledger_utc_at(st, 2);
	r->until = ledger_utc_at(st, 3);
	r->a = sqlite3_column_int64(st, 4);
	r->b = sqlite3_column_int64(st, 5);
	r->count = sqlite3_column_int64(st, 6);
	r->low = number_at(st, 7);
	r->high = number_at(st, 8);
	r->last = number_at(st, 9);
	r->limit = number_at(st, 10);
	r->name = ledger_text_at(a, st, 11);
	r->word = ledger_text_at(a, st, 12);
	r->text = ledger_text_at(a, st, 13);
	r->extra = ledger_text_at(a, st, 14);
}

int ledger_history_get(struct ledger *l, const char *rollout_id, enum history_kind kind,
		       struct arena *a, struct history_row **rows, size_t *n, struct err *err)
{
	struct ledger_rows found = {.size = sizeof(struct history_row)};
	int rc = ledger_each(l, a, add_row, &found, err,
			     "SELECT seq, kind, at, until, a, b, count, low, high, last, bound,"
			     " name, word, text, extra FROM history"
			     " WHERE rollout_id = ? AND (kind = ? OR ? = 1) ORDER BY seq",
			     "sii", rollout_id, (int64_t)kind,
			     (int64_t)(kind == HISTORY_KIND_COUNT));

	*rows = found.p;
	*n = rc == 0 ? found.n : 0;
	return rc;
}

/* --- what is old ------------------------------------------------------------------------------ */

static void add_id(void *arg, struct arena *a, sqlite3_stmt *st)
{
	const char **id = ledger_rows_add(arg, a);

	*id = ledger_text_at(a, st, 0);
}

static int forget(struct ledger *l, const char *id, struct err *err)
{
	if (ledger_run(l, err, NULL, "DELETE FROM history WHERE rollout_id = ?", "s", id))
		return -1;
	return ledger_run(l, err, NULL, "DELETE FROM notes WHERE rollout_id = ?", "s", id);
}

int ledger_history_prune(struct ledger *l, int64_t keep, int64_t max, size_t *n, struct err *err)
{
	struct ledger_rows ids = {.size = sizeof(const char *)};
	struct arena *a = arena_new();
	int rc;

	*n = 0;
	lock_take(&l->lock);
	rc = ledger_begin(l, err);
	if (rc == 0)
		rc = ledger_read(l, a, add_id, &ids, err,
				 "SELECT id FROM rollouts r WHERE final = 1 AND (EXISTS (SELECT 1"
				 " FROM history h WHERE h.rollout_id = r.id) OR EXISTS (SELECT 1"
				 " FROM notes n WHERE n.rollout_id = r.id))"
				 " ORDER BY updated DESC, id LIMIT ? OFFSET ?",
				 "ii", max, keep);
	for (size_t i = 0; i < ids.n && rc == 0; i++)
		rc = forget(l, ((const char **)ids.p)[i], err);
	rc = ledger_end(l, rc, err);
	lock_drop(&l->lock);
	*n = rc == 0 ? ids.n : 0;
	arena_free(a);
	return rc;
}
