#include "worker/outbox.h"

#include <stdlib.h>
#include <string.h>

#include "worker/worker.h"

/*
 * A report is final by its job id, so sending it twice does no harm: the second answer is "this job
 * takes no report any more". After an attempt whose outcome was unknown that answer most likely
 * means that the first one counted; either way nothing is left to say about this job.
 */
#define RESEND_MS 5000

/*
 * A job about which nothing is left to say, and which the ledger has still: its disk was full when
 * it was to be struck out. While it is full no job is claimed, so there are never more than slots.
 */
struct told {
	struct told *next;
	char *job_id;
};

struct outbox_task {
	struct task task;
	struct worker *worker;
	struct lock lock;  /* LOCK_STATE: what follows */
	struct told *told; /* the task alone takes any out */
};

/* --- jobs that are through ------------------------------------------------------------------ */

static struct outbox_task *outbox_of(const struct worker *w)
{
	return (struct outbox_task *)w->outbox;
}

/* Call with the lock held. */
static bool knows(const struct outbox_task *o, const char *job_id)
{
	for (const struct told *t = o->told; t; t = t->next)
		if (!strcmp(t->job_id, job_id))
			return true;
	return false;
}

bool outbox_is_told(struct worker *w, const char *job_id)
{
	struct outbox_task *o = outbox_of(w);
	bool told;

	lock_take(&o->lock);
	told = knows(o, job_id);
	lock_drop(&o->lock);
	return told;
}

static bool strike(struct worker *w, const char *job_id)
{
	struct err err = ERR_INIT;

	if (ledger_report_done(w->ledger, job_id, &err) == 0)
		return true;
	log_event(w->log, LOG_ERROR, "ledger.failed", LOG_E(&err));
	return false;
}

void outbox_strike(struct worker *w, const char *job_id)
{
	struct outbox_task *o = outbox_of(w);

	if (strike(w, job_id))
		return;
	lock_take(&o->lock);
	if (!knows(o, job_id)) {
		struct told *t = xcalloc(1, sizeof(*t));

		t->job_id = xstrdup(job_id);
		t->next = o->told;
		o->told = t;
	}
	lock_drop(&o->lock);
}

static void free_told(struct told *t)
{
	free(t->job_id);
	free(t);
}

/* Strike out what could not be until now, if there is room again. */
static void strike_again(struct outbox_task *o)
{
	struct told *t, *next, **p;

	lock_take(&o->lock);
	t = o->told;
	lock_drop(&o->lock);
	for (; t && strike(o->worker, t->job_id); t = next) {
		next = t->next;
		lock_take(&o->lock);
		for (p = &o->told; *p != t;)
			p = &(*p)->next;
		*p = next;
		lock_drop(&o->lock);
		free_told(t);
	}
}

/* --- sending -------------------------------------------------------------------------------- */

static bool is_terminal(const struct err *err)
{
	return err->code == ERR_CONFLICT || err->code == ERR_NOT_FOUND || err->code == ERR_REJECTED;
}

/*
 * CodePipeline finds the report itself wrong. The job must not stay silent until it times out: say
 * that it failed, in the plainest form there is.
 */
static int send_minimal(struct worker *w, const struct ledger_report *r, struct arena *a,
			struct err *err)
{
	struct cp_failure f = {.job_id = r->job_id, .type = CP_FAILURE_SYSTEM_UNAVAILABLE};
	struct err why = *err;

	log_event(w->log, LOG_ERROR, "report.rejected", LOG_E(err), LOG_S("job", r->job_id),
		  LOG_S("rollout", r->rollout_id), LOG_S("operation", r->operation));
	f.message = arena_printf(a, "The report of rollout %s was not accepted: %s", r->rollout_id,
				 why.text);
	return codepipeline_put_failure(&w->client, &f, a, err);
}

bool outbox_send(struct worker *w, const struct ledger_report *r)
{
	struct arena *a = arena_new();
	struct err err = ERR_INIT, ledger_err = ERR_INIT;
	int rc = codepipeline_put_raw(&w->client, r->operation, str_from(r->body), a, &err);

	if (rc && err.code == ERR_REJECTED)
		rc = send_minimal(w, r, a, &err);
	if (rc == 0) {
		metrics_count(&w->metrics, METRIC_REPORTS_ACCEPTED);
		log_event(w->log, LOG_INFO, "report.accepted", LOG_S("job", r->job_id),
			  LOG_S("rollout", r->rollout_id), LOG_S("operation", r->operation),
			  LOG_B("final", r->final));
	} else if (is_terminal(&err)) {
		metrics_count(&w->metrics, METRIC_REPORTS_REFUSED);
		/* timed out, stopped, or an earlier attempt of ours got through */
		log_event(w->log, r->final && r->attempts == 0 ? LOG_ERROR : LOG_WARN,
			  "report.refused", LOG_E(&err), LOG_S("job", r->job_id),
			  LOG_S("operation", r->operation), LOG_S("rollout", r->rollout_id),
			  LOG_I("attempts", r->attempts + 1));
		rc = 0;
	} else {
		metrics_count(&w->metrics, METRIC_REPORTS_DELAYED);
		log_event(w->log, LOG_WARN, "report.delayed", LOG_E(&err), LOG_S("job", r->job_id),
			  LOG_S("rollout", r->rollout_id), LOG_I("attempts", r->attempts + 1));
		if (ledger_report_tried(w->ledger, r->job_id, &ledger_err))
			log_event(w->log, LOG_ERROR, "ledger.failed", LOG_E(&ledger_err));
	}
	if (rc == 0)
		outbox_strike(w, r->job_id);
	arena_free(a);
	return rc == 0;
}

bool outbox_is_empty(struct worker *w)
{
	struct arena *a = arena_new();
	struct ledger_report *reports;
	struct err err = ERR_INIT;
	size_t n = 0, left = 0;

	if (ledger_reports(w->ledger, a, &reports, &n, &err))
		n = 0;
	for (size_t i = 0; i < n; i++)
		left += !outbox_is_told(w, reports[i].job_id);
	arena_free(a);
	return left == 0;
}

static bool run(struct task *t, struct mono now, struct mono *next)
{
	struct outbox_task *o = (struct outbox_task *)t;
	struct worker *w = o->worker;
	struct arena *a = arena_new();
	struct ledger_report *reports;
	struct err err = ERR_INIT;
	size_t n = 0, sent = 0;

	strike_again(o);
	if (ledger_reports(w->ledger, a, &reports, &n, &err))
		log_event(w->log, LOG_ERROR, "ledger.failed", LOG_E(&err));
	for (size_t i = 0; i < n && !cancel_is_fired(w->cancel); i++)
		sent += outbox_is_told(w, reports[i].job_id) || outbox_send(w, &reports[i]);
	metrics_outbox(&w->metrics, n - sent);
	arena_free(a);
	next->ms = now.ms + RESEND_MS;
	return true;
}

struct task *outbox_task_new(struct worker *w)
{
	struct outbox_task *o = xcalloc(1, sizeof(*o));

	o->task.run = run;
	o->task.name = "outbox";
	o->worker = w;
	lock_init(&o->lock, LOCK_STATE);
	return &o->task;
}

void outbox_task_free(struct task *t)
{
	struct outbox_task *o = (struct outbox_task *)t;
	struct told *next;

	for (struct told *told = o->told; told; told = next) {
		next = told->next;
		free_told(told);
	}
	lock_release(&o->lock);
	free(o);
}
