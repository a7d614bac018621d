#include "worker/ledger_lock.h"

#include "worker/ledger_sql.h"

/*
 * One row a key in `locks`; one row a rollout and key in `waits`. Everything is asked and written
 * in one transaction, so two turns, or a command beside the daemon, cannot both get a key.
 */
#define OPEN "(SELECT id FROM rollouts WHERE final = 0)"
#define ASKED_MS 30000 /* how often it is written down that somebody waits still */

int ledger_lock_forget(struct ledger *l, const char *rollout_id, struct err *err)
{
	return ledger_run(l, err, NULL, "DELETE FROM locks WHERE rollout_id = ?", "s",
			  rollout_id) ||
			       ledger_run(l, err, NULL, "DELETE FROM waits WHERE rollout_id = ?",
					  "s", rollout_id)
		       ? -1
		       : 0;
}

/* Of rollouts that have ended, or that nobody knows. */
static int forget_stale(struct ledger *l, struct err *err)
{
	return ledger_run(l, err, NULL, "DELETE FROM locks WHERE rollout_id NOT IN " OPEN, "") ||
			       ledger_run(l, err, NULL,
					  "DELETE FROM waits WHERE rollout_id NOT IN " OPEN, "")
		       ? -1
		       : 0;
}

static void add_holder(void *arg, struct arena *a, sqlite3_stmt *st)
{
	struct ledger_holder *h = ledger_rows_add(arg, a);

	h->rollout_id = ledger_text_at(a, st, 0);
	h->pipeline = ledger_text_at(a, st, 1);
	h->action = ledger_text_at(a, st, 2);
	h->key = ledger_text_at(a, st, 3);
	h->since = ledger_utc_at(st, 4);
	h->waits = sqlite3_column_int(st, 5) != 0;
}

/* Who keeps this claim from this key; NULL: nobody. */
static int find_holder(struct ledger *l, const struct ledger_claim *c, const char *key,
		       struct arena *a, struct ledger_holder **holder, struct err *err)
{
	struct ledger_rows rows = {.size = sizeof(struct ledger_holder)};
	int64_t heard_ms = c->now.ms - c->quiet_ms;

	*holder = NULL;
	if (ledger_read(l, a, add_holder, &rows, err,
			"SELECT l.rollout_id, r.pipeline, r.action, l.key, l.taken, 0"
			" FROM locks l JOIN rollouts r ON r.id = l.rollout_id"
			" WHERE l.key = ?1 AND l.rollout_id <> ?2"
			" AND (r.touched <> 0 OR (?3 = 0 AND r.job_seen >= ?4))",
			"ssii", key, c->rollout_id, (int64_t)c->has_changed, heard_ms))
		return -1;
	/* whoever has it already does not queue for it */
	if (rows.n == 0 && !c->has_changed &&
	    ledger_read(l, a, add_holder, &rows, err,
			"SELECT w.rollout_id, r.pipeline, r.action, w.key, w.since, 1"
			" FROM waits w JOIN rollouts r ON r.id = w.rollout_id"
			" WHERE w.key = ?1 AND w.rollout_id <> ?2"
			" AND (w.started < ?3 OR (w.started = ?3 AND w.rollout_id < ?2))"
			" AND w.asked >= ?4 AND NOT EXISTS"
			" (SELECT 1 FROM locks WHERE key = ?1 AND rollout_id = ?2)"
			" ORDER BY w.started, w.rollout_id LIMIT 1",
			"ssii", key, c->rollout_id, c->started.ms, heard_ms))
		return -1;
	if (rows.n)
		*holder = rows.p;
	return 0;
}

static int take_keys(struct ledger *l, const struct ledger_claim *c, bool *fresh, struct err *err)
{
	for (size_t i = 0; i < c->n_keys; i++) {
		int changed = 0;

		if (ledger_run(l, err, &changed,
			       "INSERT INTO locks VALUES (?,?,?) ON CONFLICT (key) DO UPDATE SET"
			       " rollout_id = excluded.rollout_id, taken = excluded.taken"
			       " WHERE locks.rollout_id <> excluded.rollout_id",
			       "ssi", c->keys[i], c->rollout_id, c->now.ms))
			return -1;
		*fresh |= changed > 0;
	}
	return ledger_run(l, err, NULL, "DELETE FROM waits WHERE rollout_id = ?", "s",
			  c->rollout_id);
}

static int queue(struct ledger *l, const struct ledger_claim *c, const char *holder,
		 struct err *err)
{
	if (ledger_run(l, err, NULL, "DELETE FROM locks WHERE rollout_id = ?", "s", c->rollout_id))
		return -1;
	for (size_t i = 0; i < c->n_keys; i++)
		if (ledger_run(l, err, NULL,
			       "INSERT INTO waits VALUES (?1,?2,?3,?4,?4,?5)"
			       " ON CONFLICT (rollout_id, key) DO UPDATE SET"
			       " started = excluded.started, asked = excluded.asked,"
			       " holder = excluded.holder"
			       " WHERE excluded.asked - waits.asked >= ?6"
			       " OR excluded.holder IS NOT waits.holder",
			       "ssiisi", c->rollout_id, c->keys[i], c->started.ms, c->now.ms,
			       holder, (int64_t)ASKED_MS))
			return -1;
	return 0;
}

int ledger_lock_take(struct ledger *l, const struct ledger_claim *c, struct arena *a,
		     struct ledger_holder **holder, bool *fresh, struct err *err)
{
	int rc;

	*holder = NULL;
	*fresh = false;
	lock_take(&l->lock);
	rc = ledger_begin(l, err) || forget_stale(l, err) ? -1 : 0;
	for (size_t i = 0; i < c->n_keys && rc == 0 && !*holder; i++)
		rc = find_holder(l, c, c->keys[i], a, holder, err);
	if (rc == 0)
		rc = *holder ? queue(l, c, (*holder)->rollout_id, err)
			     : take_keys(l, c, fresh, err);
	rc = ledger_end(l, rc, err);
	lock_drop(&l->lock);
	return rc;
}

int ledger_lock_yield(struct ledger *l, const struct ledger_claim *c, struct err *err)
{
	int rc;

	lock_take(&l->lock);
	rc = ledger_begin(l, err) || queue(l, c, NULL, err) ? -1 : 0;
	rc = ledger_end(l, rc, err);
	lock_drop(&l->lock);
	return rc;
}

int ledger_lock_firm(struct ledger *l, const char *rollout_id, size_t n_keys, bool *held,
		     struct err *err)
{
	int changed = 0, rc;

	lock_take(&l->lock);
	rc = ledger_run(l, err, &changed,
			"UPDATE rollouts SET touched = 1 WHERE id = ?1 AND"
			" (SELECT count(*) FROM locks WHERE rollout_id = ?1) >= ?2",
			"si", rollout_id, (int64_t)n_keys);
	*held = rc == 0 && changed > 0;
	lock_drop(&l->lock);
	return rc;
}

int ledger_lock_release(struct ledger *l, const char *rollout_id, struct err *err)
{
	int rc;

	lock_take(&l->lock);
	rc = ledger_begin(l, err) || ledger_lock_forget(l, rollout_id, err) ? -1 : 0;
	rc = ledger_end(l, rc, err);
	lock_drop(&l->lock);
	return rc;
}

/* --- for people ------------------------------------------------------------------------------- */

static void add_wait(void *arg, struct arena *a, sqlite3_stmt *st)
{
	struct ledger_wait *w = ledger_rows_add(arg, a);

	w->rollout_id = ledger_text_at(a, st, 0);
	w->key = ledger_text_at(a, st, 1);
	w->holder = ledger_text_at(a, st, 2);
	w->since = ledger_utc_at(st, 3);
}

int ledger_waits(struct ledger *l, struct arena *a, struct ledger_wait **w, size_t *n,
		 struct err *err)
{
	struct ledger_rows rows = {.size = sizeof(struct ledger_wait)};
	int rc = ledger_each(l, a, add_wait, &rows, err,
			     "SELECT rollout_id, key, holder, since FROM waits"
			     " WHERE rollout_id IN " OPEN " ORDER BY since, rollout_id, key",
			     "");

	*w = rows.p;
	*n = rows.n;
	return rc;
}

int ledger_locks(struct ledger *l, struct arena *a, struct ledger_holder **h, size_t *n,
		 struct err *err)
{
	struct ledger_rows rows = {.size = sizeof(struct ledger_holder)};
	int rc = ledger_each(l, a, add_holder, &rows, err,
			     "SELECT l.rollout_id, r.pipeline, r.action, l.key, l.taken, 0"
			     " FROM locks l JOIN rollouts r ON r.id = l.rollout_id"
			     " WHERE r.final = 0 ORDER BY l.taken, l.key",
			     "");

	*h = rows.p;
	*n = rows.n;
	return rc;
}
