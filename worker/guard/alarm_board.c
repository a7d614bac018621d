#include <stdlib.h>
#include <string.h>

#include "aws/cloudwatch.h"
#include "aws/core/cancel.h"
#include "aws/core/lock.h"
#include "worker/guard/guard.h"

/*
 * One page an account and region; on it every alarm that somebody wanted lately, with what
 * CloudWatch said last. Who finds the page too old asks for all of it, without the lock; who comes
 * meanwhile waits for that answer instead of asking again, and shares its failure, too: or else
 * fifty rollouts would try one after the other while CloudWatch is down.
 */
#define WANTED_MS (10 * 60 * 1000)
#define WAIT_SLICE_MS 100 /* a waiter looks for a fired cancel this often */
#define NAME_MAX_CHARS 255
#define WINDOW_MAX_S (366ll * 86400) /* CloudWatch's own limit is a week */

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
	uint64_t failures; /* flights that failed, counted; the last one's error: */
	struct err err;
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

struct wish {
	const char *const *names;
	size_t n;
	int64_t max_age_ms;
	struct utc since; /* when it was uttered */
};

/*
 * Young enough: or asked since the wish was uttered, however long the answer took. A moment in the
 * future comes from a clock that was set back: it says nothing about age.
 */
static bool is_fresh(const struct entry *e, const struct wish *w, struct utc now)
{
	int64_t age = now.ms - e->state.asked.ms;

	return e->asked && age >= 0 && (age <= w->max_age_ms || e->state.asked.ms >= w->since.ms);
}

/* Mark the names as wanted; true when an answer young enough is there for all of them. */
static bool want(struct page *p, const struct wish *w, struct utc now)
{
	bool fresh = true;

	for (size_t i = 0; i < w->n; i++) {
		struct entry *e = entry_of(p, w->names[i]);

		e->wanted = now;
		fresh = is_fresh(e, w, now) && fresh;
	}
	return fresh;
}

static void drop_unwanted(struct page *p, struct utc now)
{
	struct entry **at = &p->first;

	while (*at) {
		struct entry *e = *at;

		if (llabs(now.ms - e->wanted.ms) <= WANTED_MS) {
			at = &e->next;
			continue;
		}
		*at = e->next;
		entry_free(e);
	}
}

static int64_t window_ms(const struct cw_alarm *a)
{
	if (a->period_s <= 0 || a->evaluation_periods <= 0)
		return 0;
	if (a->evaluation_periods > WINDOW_MAX_S / a->period_s)
		return WINDOW_MAX_S * 1000;
	return a->period_s * a->evaluation_periods * 1000;
}

/* Words for CloudWatch's operators; an alarm on a band of expected values has others. */
static const char *breach(const char *comparison)
{
	static const char *const words[][2] = {{"GreaterThanThreshold", "above"},
					       {"GreaterThanOrEqualToThreshold", "at or above"},
					       {"LessThanThreshold", "below"},
					       {"LessThanOrEqualToThreshold", "at or below"}};

	for (size_t i = 0; comparison && i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(comparison, words[i][0]))
			return words[i][1];
	return NULL;
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
	e->state.has_value = a->has_value;
	e->state.value = a->value;
	e->state.has_threshold = a->has_threshold;
	e->state.threshold = a->threshold;
	e->state.fails = breach(a->comparison);
	e->state.evaluation_trouble = a->evaluation_state != NULL;
	e->state.transitioned = a->transitioned;
	e->state.updated = a->updated;
	e->state.window_ms = window_ms(a);
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
		take_answer(entry_of(p, names[i]), cw_alarm_find(alarms, n_alarms, names[i]),
			    asked);
	if (rc && err->code != ERR_CANCELED) { /* a cancel is the asker's own affair */
		p->failures++;
		p->err = *err;
	}
	cond_broadcast(&b->answered);
	arena_free(a);
	return rc;
}

/* One bad name would spoil the answer for everybody on the page. */
static int check_names(const char *const *names, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		size_t characters = 0;

		for (const char *c = names[i]; *c; c++)
			characters += ((unsigned char)*c & 0xc0) != 0x80;
		if (characters == 0 || characters > NAME_MAX_CHARS)
			return err_set(err, ERR_REJECTED,
				       "\"%.60s\" is no alarm name of 1 to %d characters", names[i],
				       NAME_MAX_CHARS);
	}
	return 0;
}

/* Until the wish is met. Called with the lock. */
static int bring_up_to_date(struct alarm_board *b, struct page *p, const struct aws_client *c,
			    const struct wish *w, struct err *err)
{
	struct cancel *cancel = c->cancel ? c->cancel : c->aws->cancel;
	uint64_t failures = p->failures;

	while (!want(p, w, clock_utc(c->aws->clock))) {
		if (cancel_is_fired(cancel))
			return err_set(err, ERR_CANCELED, "canceled while waiting for alarms");
		if (p->failures != failures) {
			*err = p->err;
			return -1;
		}
		if (p->asking)
			cond_wait_ms(&b->answered, &b->lock, WAIT_SLICE_MS);
		else if (ask(b, p, c, err))
			return -1;
	}
	return 0;
}

int alarm_board_read(struct alarm_board *b, const struct aws_client *c, const char *account,
		     const char *const *names, size_t n, int64_t max_age_ms, struct arena *a,
		     struct alarm_state *out, struct err *err)
{
	struct wish w = {.names = names,
			 .n = n,
			 .max_age_ms = max_age_ms,
			 .since = clock_utc(c->aws->clock)};
	struct page *p;
	int rc;

	if (check_names(names, n, err))
		return -1;
	lock_take(&b->lock);
	p = page_of(b, account, c->region);
	rc = bring_up_to_date(b, p, c, &w, err);
	for (size_t i = 0; i < n && rc == 0; i++) {
		struct entry *e = entry_of(p, names[i]);

		out[i] = e->state;
		out[i].name = names[i];
		out[i].reason = e->reason ? arena_strdup(a, e->reason) : "";
	}
	lock_drop(&b->lock);
	return rc;
}
