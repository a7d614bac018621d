#include "worker/recorder_rows.h"

#include <math.h>
#include <stdlib.h>

/* The list of rows, and how it gets into the ledger. */

/* Of GUARD and SPLIT: when so many are there they are thinned out; twice as many are refused. */
static size_t limit_of(enum history_kind k)
{
	static const size_t limits[HISTORY_KIND_COUNT] = {
		[HISTORY_ABOUT] = 1,
		[HISTORY_WORKER] = HISTORY_WORKER_ROWS,
		[HISTORY_WATCHED] = HISTORY_WATCHED_ROWS,
		[HISTORY_SPLIT] = (size_t)2 * HISTORY_SPLIT_ROWS,
		[HISTORY_GUARD] = (size_t)2 * HISTORY_GUARDS_ROWS,
		[HISTORY_MOVE] = HISTORY_MOVE_ROWS,
		[HISTORY_ACT] = HISTORY_ACT_ROWS,
		[HISTORY_CALL] = HISTORY_CALL_ROWS,
		[HISTORY_CALLS] = HISTORY_CALLS_ROWS,
		[HISTORY_LOST] = HISTORY_KIND_COUNT,
	};

	return limits[k];
}

struct recorder *recorder_new(void)
{
	struct recorder *r = xcalloc(1, sizeof(*r));

	r->last = &r->first;
	r->guard_limit = HISTORY_GUARD_ROWS;
	return r;
}

static void entry_free(struct entry *e)
{
	free(e->name);
	free(e->word);
	free(e->text);
	free(e->extra);
	free(e);
}

void recorder_free(struct recorder *r)
{
	struct entry *next;

	if (!r)
		return;
	for (struct entry *e = r->first; e; e = next) {
		next = e->next;
		entry_free(e);
	}
	free(r);
}

/* --- rows ------------------------------------------------------------------------------------- */

bool recorder_is_same(const char *a, const char *b)
{
	return !strcmp(a ? a : "", b ? b : "");
}

static char *text_of(const char *s, size_t max)
{
	char *t;

	if (!s || !*s)
		return NULL;
	t = xmalloc(max + 1);
	str_copy(t, max + 1, str_from(s));
	return t;
}

void recorder_replace(char **at, const char **shown, const char *s, size_t max)
{
	char *t = text_of(s, max);

	free(*at);
	*at = t;
	*shown = t;
}

void recorder_touch(struct recorder *r, struct entry *e, struct utc until)
{
	e->row.until = until;
	e->dirty = true;
	e->handed = false;
	if (!r->dirty_since.ms)
		r->dirty_since = until;
}

void recorder_close(struct entry **at)
{
	if (*at)
		(*at)->open = false;
	*at = NULL;
}

/* Drop what is written and closed. */
static void sweep(struct recorder *r)
{
	struct entry **at = &r->first;

	while (*at) {
		struct entry *e = *at;

		if (e->dirty || e->open) {
			at = &e->next;
			continue;
		}
		*at = e->next;
		r->n--;
		entry_free(e);
	}
	r->last = at;
}

static void lose(struct recorder *r, enum history_kind k, struct utc at)
{
	struct history_row row = {.kind = HISTORY_LOST,
				  .at = at,
				  .until = at,
				  .word = history_kind_name(k),
				  .low = (double)NAN,
				  .high = (double)NAN,
				  .last = (double)NAN,
				  .limit = (double)NAN};

	if (k == HISTORY_LOST)
		return;
	if (!r->lost[k])
		r->lost[k] = recorder_add(r, &row);
	else
		r->lost[k]->row.count++;
	if (r->lost[k]) {
		r->lost[k]->open = true;
		recorder_touch(r, r->lost[k], at);
	}
}

static struct entry *append(struct recorder *r, const struct history_row *row)
{
	size_t max = row->kind == HISTORY_ABOUT ? HISTORY_ABOUT_MAX : HISTORY_TEXT_MAX;
	struct entry *e = xcalloc(1, sizeof(*e));

	e->row = *row;
	recorder_replace(&e->name, &e->row.name, row->name, HISTORY_TEXT_MAX);
	recorder_replace(&e->word, &e->row.word, row->word, HISTORY_TEXT_MAX);
	recorder_replace(&e->text, &e->row.text, row->text, max);
	recorder_replace(&e->extra, &e->row.extra, row->extra, HISTORY_TEXT_MAX);
	*r->last = e;
	r->last = &e->next;
	r->n++;
	return e;
}

struct entry *recorder_keep(struct recorder *r, const struct history_row *row)
{
	struct entry *e = append(r, row);

	e->open = true;
	return e;
}

/* A new row; NULL when there are too many. Texts are copied. */
struct entry *recorder_add(struct recorder *r, const struct history_row *row)
{
	struct entry *e;

	if (r->rows[row->kind] >= limit_of(row->kind) ||
	    (r->n >= RECORDER_ENTRIES_MAX && row->kind != HISTORY_LOST)) {
		lose(r, row->kind, row->until);
		return NULL;
	}
	e = append(r, row);
	e->row.seq = ++r->seq;
	e->row.count = row->count ? row->count : 1;
	r->rows[row->kind]++;
	recorder_touch(r, e, row->until);
	return e;
}

struct history_row recorder_row(enum history_kind k, struct utc now)
{
	return (struct history_row){.kind = k,
				    .at = now,
				    .until = now,
				    .count = 1,
				    .low = (double)NAN,
				    .high = (double)NAN,
				    .last = (double)NAN,
				    .limit = (double)NAN};
}

/* --- writing ---------------------------------------------------------------------------------- */

const struct ledger_history *recorder_collect(struct recorder *r, struct arena *a)
{
	struct history_row *rows;
	struct ledger_history *h;
	size_t n = 0;

	if (!r || !r->begun || !r->dirty_since.ms)
		return NULL;
	rows = arena_array(a, struct history_row, r->n + 1);
	for (struct entry *e = r->first; e; e = e->next) {
		if (!e->dirty)
			continue;
		rows[n++] = e->row;
		e->handed = true;
	}
	if (n == 0)
		return NULL;
	h = arena_new_of(a, struct ledger_history);
	*h = (struct ledger_history){.rows = rows, .n = n};
	return h;
}

void recorder_written(struct recorder *r, bool done)
{
	if (!r)
		return;
	if (done)
		r->dirty_since.ms = 0;
	for (struct entry *e = r->first; e; e = e->next) {
		if (e->handed && done)
			e->dirty = false;
		e->handed = false;
		if (e->dirty && !r->dirty_since.ms) /* it has changed meanwhile */
			r->dirty_since = e->row.until;
	}
	if (done)
		sweep(r);
	else /* and not again in the next turn */
		r->dirty_since.ms += RECORDER_WAIT_MS;
}

bool recorder_is_due(const struct recorder *r, struct utc now)
{
	return r && r->dirty_since.ms && now.ms - r->dirty_since.ms >= RECORDER_WAIT_MS;
}

/* Rows of one kind that are written and closed: of one guard, or of splits. */
static size_t closed_rows(const struct recorder *r, struct history_row *rows, size_t n,
			  int64_t guard)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		bool open = false;

		for (const struct entry *e = r->first; e && !open; e = e->next)
			open = e->row.seq == rows[i].seq;
		if (!open && (guard < 0 || rows[i].a == guard))
			rows[kept++] = rows[i];
	}
	return kept;
}

static void thin(struct recorder *r, struct ledger *l, enum history_kind kind, int64_t guard,
		 struct log *log)
{
	struct arena *a = arena_new();
	struct ledger_history h = {.n = 0};
	struct err err = ERR_INIT;
	struct history_row *rows;
	int64_t *gone;
	size_t n = 0;

	if (ledger_history_get(l, r->rollout_id, kind, a, &rows, &n, &err)) {
		log_event(log, LOG_ERROR, "ledger.failed", LOG_E(&err));
	} else {
		n = closed_rows(r, rows, n, guard);
		gone = arena_array(a, int64_t, n + 1);
		h = (struct ledger_history){.rows = rows, .forget = gone};
		h.n = history_thin(rows, n, gone, &h.n_forget);
		if (h.n_forget && ledger_history_put(l, r->rollout_id, &h, &err)) {
			log_event(log, LOG_ERROR, "ledger.failed", LOG_E(&err));
			h.n_forget = 0;
		}
	}
	r->rows[kind] -= h.n_forget;
	if (guard >= 0)
		r->guard_rows[guard] -= h.n_forget;
	arena_free(a);
}

void recorder_write(struct recorder *r, struct ledger *l, struct arena *a, struct log *log)
{
	const struct ledger_history *h = recorder_collect(r, a);
	struct err err = ERR_INIT;
	int rc = 0;

	if (h) {
		rc = ledger_history_put(l, r->rollout_id, h, &err);
		recorder_written(r, rc == 0);
	}
	if (rc) {
		log_event(log, LOG_ERROR, "ledger.failed", LOG_E(&err));
		return;
	}
	for (int64_t i = 0; r && i < LIMIT_GUARDS; i++)
		if (r->guard_rows[i] > r->guard_limit)
			thin(r, l, HISTORY_GUARD, i, log);
	if (r && r->rows[HISTORY_SPLIT] > HISTORY_SPLIT_ROWS)
		thin(r, l, HISTORY_SPLIT, -1, log);
}
