#include "worker/outbox.h"

#include <stdlib.h>

#include "worker/worker.h"

/*
 * A report is final by its job id, so sending it twice does no harm: the second answer is "this job
 * takes no report any more". After an attempt whose outcome was unknown that answer most likely
 * means that the first one counted; either way nothing is left to say about this job.
 */
#define RESEND_MS 5000

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
	if (rc == 0 && ledger_report_done(w->ledger, r->job_id, &ledger_err))
		log_event(w->log, LOG_ERROR, "ledger.failed", LOG_E(&ledger_err));
	arena_free(a);
	return rc == 0;
}

struct outbox_task {
	struct task task;
	struct worker *worker;
};

static bool run(struct task *t, struct mono now, struct mono *next)
{
	struct worker *w = ((struct outbox_task *)t)->worker;
	struct arena *a = arena_new();
	struct ledger_report *reports;
	struct err err = ERR_INIT;
	size_t n = 0, sent = 0;

	if (ledger_reports(w->ledger, a, &reports, &n, &err))
		log_event(w->log, LOG_ERROR, "ledger.failed", LOG_E(&err));
	for (size_t i = 0; i < n && !cancel_is_fired(w->cancel); i++)
		sent += outbox_send(w, &reports[i]);
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
	return &o->task;
}

void outbox_task_free(struct task *t)
{
	free(t);
}
