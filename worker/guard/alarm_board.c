#include <stdlib.h>
#include <string.h>

#include "aws/cloudwatch.h"
#include "aws/core/cancel.h"
#include "aws/core/lock.h"
#include "worker/guard/guard.h"

/*
 * One page an account and region; on it every alarm that somebody wanted lately, with what
 * CloudWatch said last. Who finds the page too old asks for all of it, without the lock; who comes
 * meanwhile waits for that answer instead of asking again.
 */
#define WANTED_MS (10 * 60 * 1000)
#define WAIT_SLICE_MS 100 /* a waiter looks for a fired cancel this often */

struct entry {
	char *name;
	struct utc wanted;
	struct alarm_state state; /* reason is heap-held here */
	char *reason;
	bool asked;
	struct entry *next;
};

struct page {
	char *account, *region;
	struct entry *first;
	bool asking;
	struct page *next;
};

struct alarm_board {
	struct lock lock;
	struct cond answered;
	struct page *first;
};

struct alarm_board *alarm_board_new(void)
{
	struct alarm_board *b = xcalloc(1, sizeof(*b));

	lock_init(&b->lock, LOCK_STATE);
	cond_init(&b->answered);
	return b;
}

static void entry_free(struct entry *e)
{
	free(e->name);
	free(e->reason);
	free(e);
}

void alarm_board_free(struct alarm_board *b)
{
	struct page *p, *next_page;
	struct entry *e, *next;

	if (!b)
		return;
	for (p = b->first; p; p = next_page) {
		next_page = p->next;
		for (e = p->first; e; e = next) {
			next = e->next;
			entry_free(e);
		}
		free(p->account);
		free(p->region);
		free(p);
	}
	cond_release(&b->answered);
	lock_release(&b->lock);
	free(b);
}

static struct page *page_of(struct alarm_board *b, const char *account, const char *region)
{
	struct page *p;

	for (p = b->first; p; p = p->next)
		if (!strcmp(p->account, account) && !strcmp(p->region, region))
			return p;
	p = xcalloc(1, sizeof(*p));
	p->account = xstrdup(account);
	p->region = xstrdup(region);
	p->next = b->first;
	b->first = p;
	return p;
}

static struct entry *entry_of(struct page *p, const char *name)
{
	struct entry *e;

	for (e = p->first; e; e = e->next)
		if (!strcmp(e->name, name))
			return e;
	e = xcalloc(1, sizeof(*e));
	e->name = xstrdup(name);
	e->next = p->first;
	p->first = e;
	return e;
}

/* Mark the names as wanted; true when an answer young enough is there for all of them. */
static bool want(struct page *p, const char *const *names, size_t n, struct utc now,
		 int64_t max_age_ms)
{
	bool fresh = true;

	for (size_t i = 0; i < n; i++) {
		struct entry *e = entry_of(p, names[i]);

		e->wanted = now;
		fresh = fresh && e->asked && now.ms - e->state.asked.ms <= max_age_ms;
	}
	return fresh;
}

static void drop_unwanted(struct page *p, struct utc now)
{
	struct entry **at = &p->first;

	while (*at) {
		struct entry *e = *at;

		if (now.ms - e->wanted.ms <= WANTED_MS) {
			at = &e->next;
			continue;
		}
		*at = e->next;
		entry_free(e);
	}
}

static void take_answer(struct entry *e, const struct cw_alarm *a, struct utc asked)
{
	free(e->reason);
	e->reason = a && a->reason ? xstrdup(a->reason) : NULL;
	e->asked = true;
	e->state = (struct alarm_state){.found = a != NULL, .state = ALARM_OTHER, .asked = asked};
	if (!a)
		return;
	e->state.state = a->state == CW_OK		    ? ALARM_OK
			 : a->state == CW_ALARM		    ? ALARM_ALARM
			 : a->state == CW_INSUFFICIENT_DATA ? ALARM_INSUFFICIENT_DATA
							    : ALARM_OTHER;
	e->state.evaluation_trouble = a->evaluation_state != NULL;
	e->state.transitioned = a->transitioned;
	e->state.updated = a->updated;
	e->state.window_ms = a->period_s * a->evaluation_periods * 1000;
}

/* Ask CloudWatch for everything on the page. Called with the lock, which is dropped meanwhile. */
static int ask(struct alarm_board *b, struct page *p, const struct aws_client *c, struct err *err)
{
	struct arena *a = arena_new();
	struct utc asked = clock_utc(c->aws->clock);
	struct cw_alarm *alarms = NULL;
	const char **names;
	size_t n = 0, n_alarms = 0;
	int rc;

	drop_unwanted(p, asked);
	for (struct entry *e = p->first; e; e = e->next)
		n++;
	names = arena_array(a, const char *, n);
	n = 0;
	for (struct entry *e = p->first; e; e = e->next)
		names[n++] = arena_strdup(a, e->name);
	p->asking = true;
	lock_drop(&b->lock);
	rc = cloudwatch_describe_alarms(c, names, n, a, &alarms, &n_alarms, err);
	lock_take(&b->lock);
	p->asking = false;
	for (size_t i = 0; i < n && rc == 0; i++)
		take_answer(entry_of(p, names[i]), cw_alarm_find(alarms, n_alarms, names[i]), asked);
	cond_broadcast(&b->answered);
	arena_free(a);
	return rc;
}

int alarm_board_read(struct alarm_board *b, const struct aws_client *c, const char *account,
		     const char *const *names, size_t n, int64_t max_age_ms, struct arena *a,
		     struct alarm_state *out, struct err *err)
{
	struct cancel *cancel = c->cancel ? c->cancel : c->aws->cancel;
	struct page *p;
	int rc = 0;

	lock_take(&b->lock);
	p = page_of(b, account, c->region);
	while (rc == 0 && !want(p, names, n, clock_utc(c->aws->clock), max_age_ms)) {
		if (!p->asking)
			rc = ask(b, p, c, err);
		else if (cancel_is_fired(cancel))
			rc = err_set(err, ERR_CANCELED, "canceled while waiting for alarms");
		else
			cond_wait_ms(&b->answered, &b->lock, WAIT_SLICE_MS);
	}
	for (size_t i = 0; i < n && rc == 0; i++) {
		struct entry *e = entry_of(p, names[i]);

		out[i] = e->state;
		out[i].name = names[i];
		out[i].reason = e->reason ? arena_strdup(a, e->reason) : "";
	}
	lock_drop(&b->lock);
	return rc;
}
