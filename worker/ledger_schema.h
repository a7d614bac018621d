#ifndef WORKER_LEDGER_SCHEMA_H
#define WORKER_LEDGER_SCHEMA_H

/*
 * The ledger's schema: what brings a file from each version to the next. For ledger.c alone. A text
 * that was ever released is not changed any more.
 */
#define SCHEMA_VERSION 5

static const char SCHEMA_1[] =
	"CREATE TABLE jobs (job_id TEXT PRIMARY KEY, rollout_id TEXT, state INTEGER NOT NULL,"
	" action_type TEXT, pipeline TEXT, execution_id TEXT, action TEXT,"
	" action_execution_id TEXT, claimed INTEGER NOT NULL) STRICT;"
	"CREATE TABLE rollouts (id TEXT PRIMARY KEY, pipeline TEXT, execution_id TEXT, action TEXT,"
	" action_execution_id TEXT, action_type TEXT, target TEXT, token TEXT, seq INTEGER NOT "
	"NULL,"
	" phase TEXT, summary TEXT, final INTEGER NOT NULL, parked INTEGER NOT NULL,"
	" started INTEGER NOT NULL, updated INTEGER NOT NULL, job_seen INTEGER NOT NULL,"
	" region TEXT, role_arn TEXT, configuration TEXT) STRICT;"
	"CREATE INDEX rollouts_open ON rollouts (final, started);"
	"CREATE TABLE notes (n INTEGER PRIMARY KEY, rollout_id TEXT NOT NULL, at INTEGER NOT NULL,"
	" event TEXT NOT NULL, text TEXT) STRICT;"
	"CREATE INDEX notes_by_rollout ON notes (rollout_id, n);"
	"CREATE TABLE reports (job_id TEXT PRIMARY KEY, rollout_id TEXT, operation TEXT NOT NULL,"
	" body TEXT NOT NULL, final INTEGER NOT NULL, written INTEGER NOT NULL,"
	" attempts INTEGER NOT NULL) STRICT;"
	"CREATE TABLE commands (id INTEGER PRIMARY KEY, rollout_id TEXT NOT NULL,"
	" command TEXT NOT NULL, user TEXT, at INTEGER NOT NULL) STRICT;"
	"PRAGMA user_version = 1;";

/* what an action hands over to another one */
static const char SCHEMA_2[] =
	"ALTER TABLE rollouts ADD COLUMN handle TEXT;"
	"ALTER TABLE rollouts ADD COLUMN handed_over INTEGER NOT NULL DEFAULT 0;"
	"CREATE TABLE plans (rollout_id TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT;"
	"CREATE TABLE handles (handle TEXT PRIMARY KEY, rollout_id TEXT NOT NULL) STRICT;"
	"PRAGMA user_version = 2;";

/* the lock per target; of rollouts of before it is not known whether they have changed theirs */
static const char SCHEMA_3[] =
	"ALTER TABLE rollouts ADD COLUMN touched INTEGER NOT NULL DEFAULT 1;"
	"CREATE TABLE locks (key TEXT PRIMARY KEY, rollout_id TEXT NOT NULL,"
	" taken INTEGER NOT NULL) STRICT;"
	"CREATE INDEX locks_by_rollout ON locks (rollout_id);"
	"CREATE TABLE waits (rollout_id TEXT NOT NULL, key TEXT NOT NULL,"
	" started INTEGER NOT NULL, since INTEGER NOT NULL, asked INTEGER NOT NULL, holder TEXT,"
	" PRIMARY KEY (rollout_id, key)) STRICT;"
	"CREATE INDEX waits_by_key ON waits (key, started);"
	"PRAGMA user_version = 3;";

/* what reports are made of */
static const char SCHEMA_4[] =
	"CREATE TABLE history (rollout_id TEXT NOT NULL, seq INTEGER NOT NULL,"
	" kind INTEGER NOT NULL, at INTEGER NOT NULL, until INTEGER NOT NULL, a INTEGER NOT NULL,"
	" b INTEGER NOT NULL, count INTEGER NOT NULL, low REAL, high REAL, last REAL, bound REAL,"
	" name TEXT, word TEXT, text TEXT, extra TEXT, PRIMARY KEY (rollout_id, seq)) STRICT;"
	"PRAGMA user_version = 4;";

/* what is to be told about rollouts */
static const char SCHEMA_5[] =
	"CREATE TABLE notices (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,"
	" rollout_id TEXT NOT NULL, at INTEGER NOT NULL, event TEXT NOT NULL, pipeline TEXT,"
	" target TEXT, subject TEXT NOT NULL, detail TEXT NOT NULL, sinks INTEGER NOT NULL,"
	" attempts INTEGER NOT NULL, problem TEXT) STRICT;"
	"PRAGMA user_version = 5;";

/* From the version before to this one. */
static const char *const SCHEMAS[SCHEMA_VERSION] = {SCHEMA_1, SCHEMA_2, SCHEMA_3, SCHEMA_4,
							SCHEMA_5};

#endif
