#include "worker/ledger_notice.h"

#include "worker/ledger_sql.h"

/* --- writing ---------------------------------------------------------------------------------- */

int ledger_notice_add(struct ledger *l, const struct ledger_notice *x, size_t *dropped,
		      struct err *err)
{
	int over = 0;

	if (ledger_run(l, err, NULL,
		       "INSERT INTO notices (id, rollout_id, at, event, pipeline, target, subject,"
		       " detail, sinks, attempts) VALUES (?,?,?,?,?,?,?,?,?,0)"
		       " ON CONFLICT (id) DO NOTHING",
		       "ssisssssi", x->id, x->rollout_id, x->at.ms, x->event, x->pipeline,
		       x->target, x->subject, x->detail, (int64_t)x->sinks) ||
	    ledger_run(l, err, &over,
		       "DELETE FROM notices WHERE n IN"
		       " (SELECT n FROM notices ORDER BY n DESC LIMIT -1 OFFSET ?)",
		       "i", (int64_t)LEDGER_NOTICES_MAX))
		return -1;
	*dropped += (size_t)over;
	return 0;
}

int ledger_notice_put(struct ledger *l, const struct ledger_notice *notice, size_t *dropped,
		      struct err *err)
{
	int rc;

	*dropped = 0;
	lock_take(&l->lock);
	rc = ledger_begin(l, err);
	if (rc == 0)
		rc = ledger_notice_add(l, notice, dropped, err);
	rc = ledger_end(l, rc, err);
	lock_drop(&l->lock);
	return rc;
}

int ledger_notice_done(struct ledger *l, int64_t n, enum notice_sink sink, struct err *err)
{
	int rc;

	lock_take(&l->lock);
	rc = ledger_begin(l, err);
	if (rc == 0 &&
	    (ledger_run(l, err, NULL,
			"UPDATE notices SET sinks = sinks & ~?2, attempts = 0, problem = NULL"
			" WHERE n = ?1",
			"ii", n, (int64_t)sink) ||
	     ledger_run(l, err, NULL, "DELETE FROM notices WHERE n = ? AND sinks = 0", "i", n)))
		rc = -1;
	rc = ledger_end(l, rc, err);
	lock_drop(&l->lock);
	return rc;
}

int ledger_notice_tried(struct ledger *l, int64_t n, const char *problem, struct err *err)
{
	int rc;

	lock_take(&l->lock);
	rc = ledger_run(l, err, NULL,
			"UPDATE notices SET attempts = attempts + 1, problem = ?2 WHERE n = ?1",
			"is", n, problem);
	lock_drop(&l->lock);
	return rc;
}

int ledger_notices_expire(struct ledger *l, struct utc before, unsigned sinks, size_t *dropped,
			  struct err *err)
{
	int n = 0, rc;

	lock_take(&l->lock);
	rc = ledger_run(l, err, &n, "DELETE FROM notices WHERE at < ? OR sinks & ? = 0", "ii",
			before.ms, (int64_t)sinks);
	lock_drop(&l->lock);
	*dropped = rc == 0 ? (size_t)n : 0;
	return rc;
}

/* --- reading ---------------------------------------------------------------------------------- */

static void add_notice(void *arg, struct arena *a, sqlite3_stmt *st)
{
	struct ledger_notice *x = ledger_rows_add(arg, a);

	x->n = sqlite3_column_int64(st, 0);
	x->id = ledger_text_at(a, st, 1);
	x->rollout_id = ledger_text_at(a, st, 2);
	x->at = ledger_utc_at(st, 3);
	x->event = ledger_text_at(a, st, 4);
	x->pipeline = ledger_text_at(a, st, 5);
	x->target = ledger_text_at(a, st, 6);
	x->subject = ledger_text_at(a, st, 7);
	x->detail = ledger_text_at(a, st, 8);
	x->sinks = (unsigned)sqlite3_column_int64(st, 9);
	x->attempts = sqlite3_column_int64(st, 10);
	x->problem = ledger_text_at(a, st, 11);
}

int ledger_notices(struct ledger *l, enum notice_sink sink, size_t max, struct arena *a,
		   struct ledger_notice **notices, size_t *n, struct err *err)
{
	struct ledger_rows rows = {.size = sizeof(struct ledger_notice)};
	int rc = ledger_each(l, a, add_notice, &rows, err,
			     "SELECT n, id, rollout_id, at, event, pipeline, target, subject,"
			     " detail, sinks, attempts, problem FROM notices"
			     " WHERE sinks & ? <> 0 ORDER BY n LIMIT ?",
			     "ii", (int64_t)sink, (int64_t)max);

	*notices = rows.p;
	*n = rc == 0 ? rows.n : 0;
	return rc;
}

static void take_backlog(void *arg, struct arena *a, sqlite3_stmt *st)
{
	struct ledger_backlog *b = arg;

	b->reports = sqlite3_column_int64(st, 0);
	b->oldest_report = ledger_utc_at(st, 1);
	b->notices = sqlite3_column_int64(st, 2);
	b->oldest_notice = ledger_utc_at(st, 3);
	b->waiting = sqlite3_column_int64(st, 4);
	b->problem = ledger_text_at(a, st, 5);
}

int ledger_backlog(struct ledger *l, struct arena *a, struct ledger_backlog *b, struct err *err)
{
	*b = (struct ledger_backlog){.reports = 0};
	return ledger_each(
		l, a, take_backlog, b, err,
		"SELECT (SELECT count(*) FROM reports), (SELECT min(written) FROM reports),"
		" (SELECT count(*) FROM notices), (SELECT min(at) FROM notices),"
		" (SELECT count(DISTINCT rollout_id) FROM waits WHERE rollout_id IN"
		"  (SELECT id FROM rollouts WHERE final = 0)),"
		" (SELECT problem FROM notices WHERE problem IS NOT NULL ORDER BY n LIMIT 1)",
		"");
}

const char *ledger_path(struct ledger *l)
{
	const char *path = sqlite3_db_filename(l->db, "main");

	return path && *path ? path : NULL;
}
