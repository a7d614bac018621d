#include "worker/recorder_rows.h"

#include <math.h>

#include "aws/resource.h"

/* The calls of a rollout: changes and failures one by one, all of them by operation. */

static bool only_reads(const char *operation)
{
	static const char *const words[] = {"Get", "List", "Describe", "Head", "Poll"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strncmp(operation, words[i], strlen(words[i])))
			return true;
	return false;
}

static struct entry *find_call(struct recorder *r, const struct history_row *row)
{
	for (struct entry *e = r->first; e; e = e->next)
		if (e->open && e->row.kind == row->kind && recorder_is_same(e->name, row->name) &&
		    recorder_is_same(e->text, row->text) && recorder_is_same(e->word, row->word))
			return e;
	return NULL;
}

/* Every call is counted, by operation and what it is about. */
static void count_call(struct recorder *r, const struct aws_done *d, const char *name,
		       const char *resource)
{
	struct history_row row = recorder_row(HISTORY_CALLS, d->began);
	struct utc ended = {d->began.ms + d->ms};
	struct entry *e;

	row.until = ended;
	row.name = name;
	row.text = resource;
	e = find_call(r, &row);
	if (e) {
		e->row.count++;
	} else {
		e = recorder_add(r, &row);
		if (!e)
			return;
		e->open = true;
		e->row.low = 0;
	}
	e->row.a += d->ms;
	e->row.b = d->ms > e->row.b ? d->ms : e->row.b;
	e->row.low += d->err != NULL;
	recorder_touch(r, e, ended);
}

void recorder_call_done(void *arg, const struct aws_done *d)
{
	struct recorder *r = arg;
	struct arena *a = arena_new();
	struct history_row row = recorder_row(HISTORY_CALL, d->began);
	bool reads = only_reads(d->request->operation);
	struct entry *e;

	row.name = arena_printf(a, "%s.%s", d->request->service->id, d->request->operation);
	row.text = aws_resource(d->request, a);
	row.until.ms = d->began.ms + d->ms;
	row.word = !d->err ? "ok" : d->err->aws[0] ? d->err->aws : err_code_name(d->err->code);
	row.a = d->attempts;
	row.b = d->status;
	row.extra = d->err ? d->err->request_id : str_dup(a, d->request_id);
	count_call(r, d, row.name, row.text);
	e = reads && d->err ? find_call(r, &row) : NULL;
	if (e) { /* it is asked every tick */
		e->row.count++;
		recorder_replace(&e->extra, &e->row.extra, row.extra, HISTORY_TEXT_MAX);
		recorder_touch(r, e, row.until);
	} else if (!reads || d->err) {
		e = recorder_add(r, &row);
		if (e)
			e->open = reads;
	}
	arena_free(a);
}

const struct aws_watch *recorder_watch(struct recorder *r)
{
	if (!r)
		return NULL;
	r->watch = (struct aws_watch){.done = recorder_call_done, .arg = r};
	return &r->watch;
}
