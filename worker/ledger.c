#include "worker/ledger_sql.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <unistd.h>
#include <errno.h>

#include "aws/core/str.h"
#include "worker/ledger_history.h"
#include "worker/ledger_notice.h"
#include "worker/ledger_schema.h"

/*
 * One connection, one lock, one statement at a time: a turn writes a handful of rows a minute, so
 * there is nothing to gain from more. Statements are compiled once (ledger_sql.c). Every write is a
 * transaction of its own; synchronous=FULL puts it on disk before the call returns. Rows are read
 * into the caller's arena.
 */
#define BUSY_MS 5000 /* `status` and operators' commands write from another process */

/* --- open ----------------------------------------------------------------------------------- */

/* -1 when it cannot be read. */
static int64_t number(struct ledger *l, const char *sql)
{
	sqlite3_stmt *st = NULL;
	int64_t n = -1;

	if (sqlite3_prepare_v2(l->db, sql, -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return n;
}

static int64_t version_of(struct ledger *l)
{
	return number(l, "PRAGMA user_version");
}

/* A view or a trigger would do more than our statements say, and perhaps without end. */
static int refuse_foreign(struct ledger *l, struct err *err)
{
	int64_t n = number(l, "SELECT count(*) FROM sqlite_schema"
			      " WHERE type NOT IN ('table', 'index')");

	if (n < 0)
		return ledger_sql_failed(l, err, "read the schema");
	if (n > 0)
		return err_set(err, ERR_SYSTEM,
			       "ledger: it has views or triggers: no rollout-worker wrote it");
	return 0;
}

/* Another process may be doing the same: the version counts that is found in the transaction. */
static int bring_up_to_date(struct ledger *l, struct err *err)
{
	if (sqlite3_exec(l->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
		return ledger_sql_failed(l, err, "create the schema");
	for (int64_t v = version_of(l); v >= 0 && v < SCHEMA_VERSION; v++)
		if (sqlite3_exec(l->db, SCHEMAS[v], NULL, NULL, NULL) != SQLITE_OK)
			return ledger_sql_failed(l, err, "create the schema");
	if (sqlite3_exec(l->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
		return ledger_sql_failed(l, err, "create the schema");
	return 0;
}

static int set_up(struct ledger *l, bool writable, struct err *err)
{
	int64_t version;

	sqlite3_busy_timeout(l->db, BUSY_MS);
	if (writable && sqlite3_exec(l->db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;",
				     NULL, NULL, NULL) != SQLITE_OK)
		return ledger_sql_failed(l, err, "set up");
	version = version_of(l);
	if (version < 0)
		return ledger_sql_failed(l, err, "read the version of the schema");
	if (refuse_foreign(l, err))
		return -1;
	if (version == SCHEMA_VERSION)
		return 0;
	if (version > SCHEMA_VERSION)
		return err_set(
			err, ERR_SYSTEM,
			"ledger: schema version %lld is newer than this program's %d: a newer "
			"rollout-worker wrote it",
			(long long)version, SCHEMA_VERSION);
	if (!writable && version == 0)
		return err_set(err, ERR_NOT_FOUND, "ledger: empty: no worker has written it yet");
	if (!writable)
		return err_set(err, ERR_SYSTEM,
			       "ledger: an older rollout-worker wrote it; it is brought up to date "
			       "when the worker is started");
	return bring_up_to_date(l, err);
}

static struct ledger *open_with(const char *path, int flags, struct err *err)
{
	struct ledger *l = xcalloc(1, sizeof(*l));

	lock_init(&l->lock, LOCK_STATE);
	if (sqlite3_open_v2(path, &l->db, flags | SQLITE_OPEN_FULLMUTEX, NULL) != SQLITE_OK) {
		err_set(err, ERR_SYSTEM, "ledger: open %s: %s", path,
			l->db ? sqlite3_errmsg(l->db) : "out of memory");
		ledger_close(l);
		return NULL;
	}
	if (set_up(l, flags & SQLITE_OPEN_READWRITE, err)) {
		err_wrap(err, "%s", path);
		ledger_close(l);
		return NULL;
	}
	return l;
}

struct ledger *ledger_open(const char *path, struct err *err)
{
	if (strcmp(path, ":memory:") != 0) {
		/* SQLite would create it with the process's umask; only its owner may read it */
		int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

		if (fd < 0) {
			err_set_sys(err, ERR_SYSTEM, errno, "ledger: open %s", path);
			return NULL;
		}
		close(fd);
	}
	return open_with(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err);
}

struct ledger *ledger_open_read(const char *path, struct err *err)
{
	return open_with(path, SQLITE_OPEN_READONLY, err);
}

void ledger_close(struct ledger *l)
{
	if (!l)
		return;
	ledger_sql_forget(l);
	sqlite3_close(l->db);
	lock_release(&l->lock);
	free(l);
}

void ledger_freeze(struct ledger *l)
{
	lock_take(&l->lock);
	l->frozen = true;
	lock_drop(&l->lock);
}

/* --- jobs ----------------------------------------------------------------------------------- */

int ledger_job_put(struct ledger *l, const struct ledger_job *j, struct err *err)
{
	int rc;

	lock_take(&l->lock);
	rc = ledger_run(l, err, NULL, "INSERT OR REPLACE INTO jobs VALUES (?,?,?,?,?,?,?,?,?)",
		 "ssisssssi", j->job_id, j->rollout_id, (int64_t)j->state, j->action_type,
		 j->pipeline, j->execution_id, j->action, j->action_execution_id, j->claimed.ms);
	lock_drop(&l->lock);
	return rc;
}

int ledger_job_forget(struct ledger *l, const char *job_id, struct err *err)
{
	int rc;

	lock_take(&l->lock);
	rc = ledger_run(l, err, NULL, "DELETE FROM jobs WHERE job_id = ?", "s", job_id);
	lock_drop(&l->lock);
	return rc;
}

static void add_job(void *arg, struct arena *a, sqlite3_stmt *st)
{
	struct ledger_job *j = ledger_rows_add(arg, a);

	j->job_id = ledger_text_at(a, st, 0);
	j->rollout_id = ledger_text_at(a, st, 1);
	j->state = (enum ledger_job_state)sqlite3_column_int(st, 2);
	j->action_type = ledger_text_at(a, st, 3);
	j->pipeline = ledger_text_at(a, st, 4);
	j->execution_id = ledger_text_at(a, st, 5);
	j->action = ledger_text_at(a, st, 6);
	j->action_execution_id = ledger_text_at(a, st, 7);
	j->claimed = ledger_utc_at(st, 8);
}

int ledger_jobs(struct ledger *l, struct arena *a, struct ledger_job **jobs, size_t *n,
		struct err *err)
{
	struct ledger_rows rows = {.size = sizeof(struct ledger_job)};
	int rc = ledger_each(l, a, add_job, &rows, err,
			     "SELECT * FROM jobs ORDER BY claimed, job_id", "");

	*jobs = rows.p;
	*n = rc == 0 ? rows.n : 0;
	return rc;
}

/* --- rollouts ------------------------------------------------------------------------------- */

/* Call with the lock held. */
static int put_rollout(struct ledger *l, const struct ledger_rollout *r, int *changed,
		       struct err *err)
{
	return ledger_run(
		l, err, changed,
		"INSERT INTO rollouts VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
		" ON CONFLICT (id) DO UPDATE SET pipeline=excluded.pipeline,"
		" execution_id=excluded.execution_id, action=excluded.action,"
		" action_execution_id=excluded.action_execution_id,"
		" action_type=excluded.action_type, target=excluded.target,"
		" token=excluded.token, seq=excluded.seq, phase=excluded.phase,"
		" summary=excluded.summary, final=excluded.final, parked=excluded.parked,"
		" started=excluded.started, updated=excluded.updated,"
		" job_seen=excluded.job_seen, region=excluded.region,"
		" role_arn=excluded.role_arn, configuration=excluded.configuration,"
		" handle=excluded.handle, handed_over=excluded.handed_over,"
		" touched=max(touched, excluded.touched)"
		" WHERE excluded.seq >= rollouts.seq",
		"ssssssssissiiiiissssii", r->id, r->pipeline, r->execution_id, r->action,
		r->action_execution_id, r->action_type, r->target, r->token, (int64_t)r->seq,
		r->phase, r->summary, (int64_t)r->final, (int64_t)r->parked, r->started.ms,
		r->updated.ms, r->job_seen.ms, r->region, r->role_arn, r->configuration, r->handle,
		(int64_t)r->handed_over, (int64_t)r->touched);
}

/* What an end takes along, in the transaction that writes it. */
static int forget_what_ended(struct ledger *l, const struct ledger_rollout *r, struct err *err)
{
	if (r->final &&
	    ledger_run(l, err, NULL, "DELETE FROM plans WHERE rollout_id = ?", "s", r->id))
		return -1;
	return ledger_lock_forget(l, r->id, err);
}

/* With its history and notices, or without. Call with the lock held. */
static int put_whole(struct ledger *l, const struct ledger_rollout *r, bool has_more,
		     size_t *dropped, struct err *err)
{
	bool ends = r->final || r->lets_go, many = ends || has_more;
	int changed = 0, rc;

	*dropped = 0;
	rc = many ? ledger_begin(l, err) : 0;
	if (rc == 0)
		rc = put_rollout(l, r, &changed, err);
	if (rc == 0 && ends && changed)
		rc = forget_what_ended(l, r, err);
	if (rc == 0 && has_more && r->history)
		rc = ledger_history_run(l, r->id, r->history, err);
	for (size_t i = 0; has_more && i < r->n_notices && rc == 0; i++)
		rc = ledger_notice_add(l, &r->notices[i], dropped, err);
	return many ? ledger_end(l, rc, err) : rc;
}

int ledger_rollout_save(struct ledger *l, const struct ledger_rollout *r, bool *whole,
			size_t *dropped, struct err *err)
{
	bool has_more = r->history || r->n_notices > 0;
	int rc;

	lock_take(&l->lock);
	rc = put_whole(l, r, has_more, dropped, err);
	*whole = rc == 0;
	if (rc && has_more) {
		*err = ERR_INIT;
		rc = put_whole(l, r, false, dropped, err);
	}
	lock_drop(&l->lock);
	return rc;
}

int ledger_rollout_put(struct ledger *l, const struct ledger_rollout *r, struct err *err)
{
	size_t dropped;
	bool whole;

	return ledger_rollout_save(l, r, &whole, &dropped, err);
}

int ledger_rollout_held(struct ledger *l, const char *id, bool held, struct utc seen,
			struct err *err)
{
	int rc;

	lock_take(&l->lock);
	rc = ledger_run(l, err, NULL,
			"UPDATE rollouts SET parked = ?2, job_seen = max(job_seen, ?3)"
			" WHERE id = ?1 AND final = 0 AND parked <> ?2",
			"sii", id, (int64_t)!held, seen.ms);
	lock_drop(&l->lock);
	return rc;
}

static void add_rollout(void *arg, struct arena *a, sqlite3_stmt *st)
{
	struct ledger_rollout *r = ledger_rows_add(arg, a);

	r->id = ledger_text_at(a, st, 0);
	r->pipeline = ledger_text_at(a, st, 1);
	r->execution_id = ledger_text_at(a, st, 2);
	r->action = ledger_text_at(a, st, 3);
	r->action_execution_id = ledger_text_at(a, st, 4);
	r->action_type = ledger_text_at(a, st, 5);
	r->target = ledger_text_at(a, st, 6);
	r->token = ledger_text_at(a, st, 7);
	r->seq = (uint64_t)sqlite3_column_int64(st, 8);
	r->phase = ledger_text_at(a, st, 9);
	r->summary = ledger_text_at(a, st, 10);
	r->final = sqlite3_column_int(st, 11) != 0;
	r->parked = sqlite3_column_int(st, 12) != 0;
	r->started = ledger_utc_at(st, 13);
	r->updated = ledger_utc_at(st, 14);
	r->job_seen = ledger_utc_at(st, 15);
	r->region = ledger_text_at(a, st, 16);
	r->role_arn = ledger_text_at(a, st, 17);
	r->configuration = ledger_text_at(a, st, 18);
	r->handle = ledger_text_at(a, st, 19);
	r->handed_over = sqlite3_column_int(st, 20) != 0;
	r->touched = sqlite3_column_int(st, 21) != 0;
}

int ledger_rollout_get(struct ledger *l, const char *id, struct arena *a, struct ledger_rollout **r,
		       struct err *err)
{
	struct ledger_rows rows = {.size = sizeof(struct ledger_rollout)};
	int rc = ledger_each(l, a, add_rollout, &rows, err, "SELECT * FROM rollouts WHERE id = ?",
			     "s", id);

	*r = rows.n ? rows.p : NULL;
	return rc;
}

int ledger_rollouts(struct ledger *l, bool open_only, size_t max, struct arena *a,
		    struct ledger_rollout **r, size_t *n, struct err *err)
{
	struct ledger_rows rows = {.size = sizeof(struct ledger_rollout)};
	int rc = ledger_each(l, a, add_rollout, &rows, err,
		      "SELECT * FROM rollouts WHERE final = 0 OR ? = 0"
		      " ORDER BY started DESC, id LIMIT ?",
		      "ii", (int64_t)open_only, (int64_t)max);

	*r = rows.p;
	*n = rc == 0 ? rows.n : 0;
	return rc;
}

int ledger_plan_put(struct ledger *l, const char *rollout_id, const char *text, struct err *err)
{
	int rc;

	lock_take(&l->lock);
	rc = ledger_run(l, err, NULL, "INSERT OR REPLACE INTO plans VALUES (?,?)", "ss",
			rollout_id, text);
	lock_drop(&l->lock);
	return rc;
}

static void take_text(void *arg, struct arena *a, sqlite3_stmt *st)
{
	*(const char **)arg = ledger_text_at(a, st, 0);
}

int ledger_plan_get(struct ledger *l, const char *rollout_id, struct arena *a, const char **text,
		    struct err *err)
{
	*text = NULL;
	return ledger_each(l, a, take_text, text, err,
			   "SELECT text FROM plans WHERE rollout_id = ?",
			   "s", rollout_id);
}

int ledger_handle_put(struct ledger *l, const char *handle, const char *rollout_id, struct err *err)
{
	int rc;

	lock_take(&l->lock);
	rc = ledger_run(l, err, NULL, "INSERT OR REPLACE INTO handles VALUES (?,?)", "ss", handle,
		 rollout_id);
	lock_drop(&l->lock);
	return rc;
}

int ledger_handle_get(struct ledger *l, const char *handle, struct arena *a,
		      const char **rollout_id, struct err *err)
{
	*rollout_id = NULL;
	return ledger_each(l, a, take_text, rollout_id, err,
		    "SELECT rollout_id FROM handles WHERE handle = ?", "s", handle);
}

/* --- history -------------------------------------------------------------------------------- */

int ledger_note(struct ledger *l, const char *rollout_id, struct utc at, const char *event,
		const char *text, struct err *err)
{
	int rc;

	lock_take(&l->lock);
	rc = ledger_run(l, err, NULL, "INSERT INTO notes VALUES (NULL,?,?,?,?)", "siss",
			rollout_id, at.ms, event, text);
	lock_drop(&l->lock);
	return rc;
}

static void add_note(void *arg, struct arena *a, sqlite3_stmt *st)
{
	struct ledger_note *n = ledger_rows_add(arg, a);

	n->at = ledger_utc_at(st, 0);
	n->event = ledger_text_at(a, st, 1);
	n->text = ledger_text_at(a, st, 2);
}

int ledger_notes(struct ledger *l, const char *rollout_id, struct arena *a,
		 struct ledger_note **notes, size_t *n, struct err *err)
{
	struct ledger_rows rows = {.size = sizeof(struct ledger_note)};
	int rc = ledger_each(l, a, add_note, &rows, err,
		      "SELECT at, event, text FROM notes WHERE rollout_id = ? ORDER BY n", "s",
		      rollout_id);

	*notes = rows.p;
	*n = rc == 0 ? rows.n : 0;
	return rc;
}

/* --- outbox --------------------------------------------------------------------------------- */

static void add_report(void *arg, struct arena *a, sqlite3_stmt *st)
{
	struct ledger_report *r = ledger_rows_add(arg, a);

	r->job_id = ledger_text_at(a, st, 0);
	r->rollout_id = ledger_text_at(a, st, 1);
	r->operation = ledger_text_at(a, st, 2);
	r->body = ledger_text_at(a, st, 3);
	r->final = sqlite3_column_int(st, 4) != 0;
	r->written = ledger_utc_at(st, 5);
	r->attempts = sqlite3_column_int64(st, 6);
}

int ledger_report_put(struct ledger *l, const struct ledger_report *r, struct err *err)
{
	int changed = 0, rc;

	lock_take(&l->lock);
	rc = ledger_run(l, err, &changed,
		 "INSERT INTO reports VALUES (?,?,?,?,?,?,0)"
		 " ON CONFLICT (job_id) DO UPDATE SET attempts = attempts"
		 " WHERE operation = excluded.operation AND body = excluded.body",
		 "ssssii", r->job_id, r->rollout_id, r->operation, r->body, (int64_t)r->final,
		 r->written.ms);
	lock_drop(&l->lock);
	if (rc == 0 && changed == 0)
		return err_set(err, ERR_CONFLICT, "ledger: job %s has another report already",
			       r->job_id);
	return rc;
}

int ledger_report_done(struct ledger *l, const char *job_id, struct err *err)
{
	int rc;

	lock_take(&l->lock);
	rc = ledger_begin(l, err);
	if (rc == 0 &&
	    (ledger_run(l, err, NULL, "DELETE FROM reports WHERE job_id = ?", "s", job_id) ||
	     ledger_run(l, err, NULL, "DELETE FROM jobs WHERE job_id = ?", "s", job_id)))
		rc = -1;
	rc = ledger_end(l, rc, err);
	lock_drop(&l->lock);
	return rc;
}

int ledger_report_tried(struct ledger *l, const char *job_id, struct err *err)
{
	int rc;

	lock_take(&l->lock);
	rc = ledger_run(l, err, NULL, "UPDATE reports SET attempts = attempts + 1 WHERE job_id = ?",
			"s", job_id);
	lock_drop(&l->lock);
	return rc;
}

int ledger_reports(struct ledger *l, struct arena *a, struct ledger_report **r, size_t *n,
		   struct err *err)
{
	struct ledger_rows rows = {.size = sizeof(struct ledger_report)};
	int rc = ledger_each(l, a, add_report, &rows, err,
		      "SELECT * FROM reports ORDER BY written, job_id", "");

	*r = rows.p;
	*n = rc == 0 ? rows.n : 0;
	return rc;
}

/* --- operators ------------------------------------------------------------------------------ */

int ledger_command_put(struct ledger *l, const struct ledger_command *c, struct err *err)
{
	int rc;

	lock_take(&l->lock);
	rc = ledger_run(l, err, NULL, "INSERT INTO commands VALUES (NULL,?,?,?,?)", "sssi",
			c->rollout_id, c->command, c->user, c->at.ms);
	lock_drop(&l->lock);
	return rc;
}

static void add_command(void *arg, struct arena *a, sqlite3_stmt *st)
{
	struct ledger_command *c = ledger_rows_add(arg, a);

	c->id = sqlite3_column_int64(st, 0);
	c->rollout_id = ledger_text_at(a, st, 1);
	c->command = ledger_text_at(a, st, 2);
	c->user = ledger_text_at(a, st, 3);
	c->at = ledger_utc_at(st, 4);
}

int ledger_command_get(struct ledger *l, const char *rollout_id, struct arena *a,
		       struct ledger_command **c, struct err *err)
{
	struct ledger_rows rows = {.size = sizeof(struct ledger_command)};
	int rc = ledger_each(l, a, add_command, &rows, err,
		      "SELECT * FROM commands WHERE rollout_id = ? ORDER BY id DESC LIMIT 1", "s",
		      rollout_id);

	*c = rows.n ? rows.p : NULL;
	return rc;
}
