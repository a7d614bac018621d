#include <stdlib.h>

#include "aws/eventbridge.h"
#include "aws/sns.h"
#include "worker/notices.h"
#include "worker/worker.h"

/*
 * Sending notices, with the worker's own credentials. Each place is served by itself: what it does
 * not take holds up what comes after it for this place, so that the order is kept, and nothing
 * else. Between attempts in vain it waits longer and longer. One round takes one thread for a few
 * seconds at most, whatever the place does.
 */
#define BATCH EVENTBRIDGE_ENTRIES_MAX
#define IDLE_MS 60000 /* a notice wakes the task; this is for what is left over */
#define RETRY_LEAST_MS 5000
#define RETRY_MOST_MS (5 * 60 * 1000ll)
#define LOG_EVERY_MS (10 * 60 * 1000ll) /* that a place takes nothing */

struct place {
	enum notice_sink sink;
	const char *name; /* in the log */
	struct aws_client client;
	int failures;	  /* in a row */
	struct mono next; /* not before */
	struct mono logged;
	bool has_logged;
};

struct notices_task {
	struct task task; /* first */
	struct worker *worker;
	struct place topic, bus;
	bool has_tidied; /* once is enough where nobody is told */
};

static void ledger_failed(struct worker *w, const struct err *err)
{
	log_event(w->log, LOG_ERROR, "ledger.failed", LOG_E(err));
}

/* --- what became of one ----------------------------------------------------------------------- */

/* The message itself is refused, and will be whenever it is sent: not the place, nor the way. */
static bool is_hopeless(const struct err *err)
{
	return err->code == ERR_LIMIT ||
	       (err->code == ERR_REJECTED &&
		(!strcmp(err->aws, "InvalidParameter") ||
		 !strcmp(err->aws, "ParameterValueInvalid") ||
		 !strcmp(err->aws, "MalformedDetail") || !strcmp(err->aws, "InvalidArgument")));
}

static void taken(struct worker *w, struct place *p, const struct ledger_notice *x)
{
	struct err err = ERR_INIT;

	metrics_count(&w->metrics, METRIC_NOTICES_SENT);
	log_event(w->log, LOG_DEBUG, "notice.sent", LOG_S("to", p->name),
		  LOG_S("rollout", x->rollout_id), LOG_S("pipeline", x->pipeline),
		  LOG_S("notice", x->event), LOG_S("id", x->id));
	if (ledger_notice_done(w->ledger, x->n, p->sink, &err))
		ledger_failed(w, &err); /* it is sent once more then: that is what the id is for */
	p->failures = 0;
}

/* True when the next one may be tried. */
static bool refused(struct worker *w, struct place *p, const struct ledger_notice *x,
		    const struct err *why)
{
	struct mono now = clock_mono(w->clock);
	struct err err = ERR_INIT;

	if (is_hopeless(why)) {
		metrics_count(&w->metrics, METRIC_NOTICES_DROPPED);
		log_event(w->log, LOG_ERROR, "notice.refused", LOG_E(why), LOG_S("to", p->name),
			  LOG_S("rollout", x->rollout_id), LOG_S("notice", x->event),
			  LOG_S("id", x->id));
		if (ledger_notice_done(w->ledger, x->n, p->sink, &err))
			ledger_failed(w, &err);
		return true;
	}
	metrics_count(&w->metrics, METRIC_NOTICES_FAILED);
	if (why->code != ERR_CANCELED &&
	    (!p->has_logged || now.ms - p->logged.ms >= LOG_EVERY_MS)) {
		log_event(w->log, LOG_WARN, "notice.delayed", LOG_E(why), LOG_S("to", p->name),
			  LOG_S("rollout", x->rollout_id), LOG_S("notice", x->event),
			  LOG_I("attempts", x->attempts + 1));
		p->logged = now;
		p->has_logged = true;
	}
	if (ledger_notice_tried(w->ledger, x->n, why->text, &err))
		ledger_failed(w, &err);
	p->next.ms = now.ms + RETRY_LEAST_MS;
	for (int i = 0; i < p->failures && p->next.ms - now.ms < RETRY_MOST_MS; i++)
		p->next.ms += p->next.ms - now.ms;
	if (p->next.ms - now.ms > RETRY_MOST_MS)
		p->next.ms = now.ms + RETRY_MOST_MS;
	p->failures++;
	return false;
}

/* --- the two places --------------------------------------------------------------------------- */

static bool publish(struct worker *w, struct place *p, const struct ledger_notice *x, size_t n,
		    struct arena *a)
{
	for (size_t i = 0; i < n && !cancel_is_fired(w->cancel); i++) {
		struct sns_attribute attributes[3] = {{"event", x[i].event}};
		struct sns_message m = {.topic_arn = w->config->notify_topic_arn,
					.subject = x[i].subject,
					.body = x[i].detail,
					.attributes = attributes,
					.n_attributes = 1,
					.group = x[i].rollout_id,
					.deduplication = x[i].id};
		struct err err = ERR_INIT;

		if (x[i].pipeline && *x[i].pipeline)
			attributes[m.n_attributes++] =
				(struct sns_attribute){"pipeline", x[i].pipeline};
		if (x[i].target && *x[i].target)
			attributes[m.n_attributes++] =
				(struct sns_attribute){"target", x[i].target};
		if (sns_publish(&p->client, &m, a, &err) == 0)
			taken(w, p, &x[i]);
		else if (!refused(w, p, &x[i], &err))
			return false;
	}
	return true;
}

/* Entries behind one that was not taken wait for it, though they may have been taken. */
static bool put(struct worker *w, struct place *p, const struct ledger_notice *x, size_t n,
		struct arena *a)
{
	struct eventbridge_entry entries[BATCH];
	struct err err = ERR_INIT;

	for (size_t i = 0; i < n; i++)
		entries[i] = (struct eventbridge_entry){.source = "rollout-worker",
							.detail_type = "Rollout State Change",
							.detail = x[i].detail,
							.time = x[i].at};
	if (eventbridge_put_events(&p->client, w->config->notify_event_bus, entries, n, a, &err))
		/* one of them may be why all are refused: then each by itself */
		return n > 1 && is_hopeless(&err) ? put(w, p, x, 1, a) : refused(w, p, &x[0], &err);
	for (size_t i = 0; i < n; i++) {
		if (entries[i].taken)
			taken(w, p, &x[i]);
		else if (!refused(w, p, &x[i], &entries[i].err))
			return false;
	}
	return true;
}

/* A batch for this place, if it is time. True when there may be more right now. */
static bool serve(struct worker *w, struct place *p)
{
	struct arena *a = arena_new();
	struct ledger_notice *x;
	struct err err = ERR_INIT;
	bool more = false;
	size_t n = 0;

	if ((notices_sinks(w) & p->sink) && clock_mono(w->clock).ms >= p->next.ms) {
		if (ledger_notices(w->ledger, p->sink, BATCH, a, &x, &n, &err))
			ledger_failed(w, &err);
		else if (n > 0)
			more = (p->sink == NOTICE_TOPIC ? publish : put)(w, p, x, n, a);
		else
			p->failures = 0; /* nothing is left to be tried */
	}
	arena_free(a);
	return more && !cancel_is_fired(w->cancel);
}

/* --- the task --------------------------------------------------------------------------------- */

static void expire(struct worker *w)
{
	struct utc before = {clock_utc(w->clock).ms - NOTICES_LIFE_MS};
	struct err err = ERR_INIT;
	size_t n;

	if (ledger_notices_expire(w->ledger, before, notices_sinks(w), &n, &err)) {
		ledger_failed(w, &err);
	} else if (n > 0) {
		metrics_add(&w->metrics, METRIC_NOTICES_DROPPED, n);
		log_event(w->log, LOG_ERROR, "notice.dropped",
			  LOG_S("why", "nobody took them for a day, or nobody is told any more"),
			  LOG_I("notices", (int64_t)n));
	}
}

static bool run(struct task *task, struct mono now, struct mono *next)
{
	struct notices_task *t = (struct notices_task *)task;
	struct place *const places[] = {&t->topic, &t->bus};
	bool more = false;

	next->ms = now.ms + IDLE_MS;
	if (!notices_sinks(t->worker) && t->has_tidied)
		return true;
	expire(t->worker);
	t->has_tidied = true;
	for (size_t i = 0; i < 2; i++) {
		more |= serve(t->worker, places[i]);
		if (places[i]->failures && places[i]->next.ms > now.ms &&
		    places[i]->next.ms < next->ms)
			next->ms = places[i]->next.ms;
	}
	if (more)
		next->ms = clock_mono(t->worker->clock).ms;
	return true;
}

static struct place place_of(struct worker *w, enum notice_sink sink, const char *name,
			     struct str region)
{
	struct place p = {.sink = sink, .name = name, .client = w->client};

	if (region.n)
		p.client.region = xstrndup(region.p, region.n);
	return p;
}

struct task *notices_task_new(struct worker *w)
{
	struct notices_task *t = xcalloc(1, sizeof(*t));
	struct str topic = {"", 0}, bus = {"", 0};

	if (w->config->notify_topic_arn)
		(void)sns_topic_region(str_from(w->config->notify_topic_arn), &topic);
	if (w->config->notify_event_bus)
		(void)eventbridge_bus_parse(str_from(w->config->notify_event_bus), &bus);
	t->task.run = run;
	t->task.name = "notices";
	t->worker = w;
	t->topic = place_of(w, NOTICE_TOPIC, "topic", topic);
	t->bus = place_of(w, NOTICE_BUS, "bus", bus);
	return &t->task;
}

static void forget(struct worker *w, struct place *p)
{
	if (p->client.region != w->client.region)
		free((void *)(uintptr_t)p->client.region);
}

void notices_task_free(struct task *task)
{
	struct notices_task *t = (struct notices_task *)task;

	if (!t)
		return;
	forget(t->worker, &t->topic);
	forget(t->worker, &t->bus);
	free(t);
}
