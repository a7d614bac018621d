#include <sqlite3.h>
#include <string.h>

#include "tests/torture/wrap.h"

#define FAMILY TORTURE_SQLITE

/* The code of the failure dealt last, until SQLite itself has something to say again. */
static _Thread_local int dealt;

static const int refusals[] = {SQLITE_BUSY, SQLITE_IOERR_READ, SQLITE_FULL, SQLITE_NOMEM,
			       SQLITE_CORRUPT};

/* 0: go on. */
static int deal(const char *name)
{
	unsigned way = torture_strike(FAMILY, name, WAYS(refusals));

	dealt = way ? refusals[way - 1] : 0;
	return dealt;
}

WRAP(int, sqlite3_prepare_v2,
     (sqlite3 * db, const char *sql, int n, sqlite3_stmt **st, const char **tail))
{
	if (!deal("sqlite3_prepare_v2"))
		return REAL(sqlite3_prepare_v2)(db, sql, n, st, tail);
	*st = NULL;
	return dealt;
}

WRAP(int, sqlite3_step, (sqlite3_stmt * st))
{
	return deal("sqlite3_step") ? dealt : REAL(sqlite3_step)(st);
}

/* A rollback is done, whatever else it says. */
WRAP(int, sqlite3_exec,
     (sqlite3 * db, const char *sql, int (*row)(void *, int, char **, char **), void *arg,
      char **text))
{
	int refused = deal("sqlite3_exec");

	if (!refused || !strcmp(sql, "ROLLBACK"))
		return REAL(sqlite3_exec)(db, sql, row, arg, text);
	return refused;
}

WRAP(int, sqlite3_bind_text,
     (sqlite3_stmt * st, int i, const char *text, int n, void (*release)(void *)))
{
	if (!torture_strike(FAMILY, "sqlite3_bind_text", 1))
		return REAL(sqlite3_bind_text)(st, i, text, n, release);
	return dealt = SQLITE_NOMEM;
}

WRAP(int, sqlite3_open_v2, (const char *path, sqlite3 **db, int flags, const char *vfs))
{
	unsigned way = torture_strike(FAMILY, "sqlite3_open_v2", 2);

	dealt = 0;
	if (!way)
		return REAL(sqlite3_open_v2)(path, db, flags, vfs);
	if (way == 1)
		return REAL(sqlite3_open_v2)("/nowhere/at/all", db, flags, vfs);
	*db = NULL;
	return SQLITE_NOMEM;
}

/* Text is converted into memory: NULL when there is none. */
WRAP(const unsigned char *, sqlite3_column_text, (sqlite3_stmt * st, int i))
{
	const unsigned char *text = REAL(sqlite3_column_text)(st, i);

	if (!text || !torture_strike(FAMILY, "sqlite3_column_text", 1))
		return text;
	dealt = SQLITE_NOMEM;
	return NULL;
}

WRAP(const char *, sqlite3_errmsg, (sqlite3 * db))
{
	return dealt ? sqlite3_errstr(dealt) : REAL(sqlite3_errmsg)(db);
}

WRAP(int, sqlite3_errcode, (sqlite3 * db))
{
	return dealt ? dealt : REAL(sqlite3_errcode)(db);
}
