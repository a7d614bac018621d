#include "worker/poller.h"

#include <stdlib.h>
#include <string.h>

#include "worker/worker.h"

#define BATCH_MAX 10	      /* jobs asked for in one call; the service states no limit */
#define BACKOFF_MAX_MS 300000 /* while polling is refused: wrong region, no permission */

struct poller {
	struct task task;
	struct worker *worker;
	struct {
		int64_t backoff_ms; /* 0: the last answer was no refusal */
		struct mono due;
	} types[CONFIG_ACTION_TYPES_MAX];
};

static void forget(struct worker *w, const char *job_id)
{
	struct err err = ERR_INIT;

	if (ledger_job_forget(w->ledger, job_id, &err))
		log_event(w->log, LOG_ERROR, "ledger.failed", LOG_E(&err));
}

static int claim(struct worker *w, const struct job *j, enum ledger_job_state state,
		 struct err *err)
{
	struct ledger_job row = {.job_id = j->id,
				 .rollout_id = j->rollout_id,
				 .state = state,
				 .action_type = j->action_type,
				 .pipeline = j->pipeline,
				 .execution_id = j->execution_id,
				 .action = j->action,
				 .action_execution_id = j->action_execution_id,
				 .claimed = clock_utc(w->clock)};

	return ledger_job_put(w->ledger, &row, err);
}

/*
 * Acknowledge. True when the job is ours. A lost answer is asked for once more: InProgress then
 * says that we own it; InvalidNonce leaves it open whose it is, and the reconciler finds out
 * later.
 */
static bool acknowledge(struct worker *w, const struct job *j, const char *nonce, struct arena *a)
{
	enum cp_job_status status = CP_JOB_UNKNOWN;
	struct err err = ERR_INIT, ledger_err = ERR_INIT;
	bool unknown = false;
	int rc = codepipeline_acknowledge(&w->client, j->id, nonce, a, &status, &err);

	if (rc && err.sent) {
		unknown = true;
		rc = codepipeline_acknowledge(&w->client, j->id, nonce, a, &status, &err);
	}
	if (rc == 0 && status == CP_JOB_IN_PROGRESS)
		return true;
	if (rc == 0) {
		log_event(w->log, LOG_WARN, "job.not_ours", LOG_S("job", j->id),
			  LOG_S("status", cp_job_status_name(status)));
		forget(w, j->id);
		return false;
	}
	log_event(w->log, unknown ? LOG_WARN : LOG_DEBUG, "job.not_acknowledged", LOG_E(&err),
		  LOG_S("job", j->id), LOG_B("maybe_ours", unknown));
	/* another has it; or the request arrived twice, and this is the second one's answer */
	unknown |= err.code == ERR_CONFLICT;
	if (!unknown)
		forget(w, j->id);
	else if (claim(w, j, LEDGER_MAYBE, &ledger_err))
		log_event(w->log, LOG_ERROR, "ledger.failed", LOG_E(&ledger_err));
	return false;
}

/*
 * True when the worker is not stopping; then it does not stop before end_take(), so that a job
 * which is being acknowledged finds somebody who reports it.
 */
static bool begin_take(struct worker *w)
{
	bool go;

	lock_take(&w->lock);
	go = !w->stopping;
	w->n_taking += go;
	lock_drop(&w->lock);
	return go;
}

static void end_take(struct worker *w)
{
	lock_take(&w->lock);
	w->n_taking--;
	lock_drop(&w->lock);
}

/* True when the job is ours now. */
static bool take(struct worker *w, const struct cp_job *cp, struct arena *a)
{
	struct err err = ERR_INIT;
	struct job *j = job_new(cp, w->clock, &err);

	if (!j) {
		log_event(w->log, LOG_ERROR, "job.unusable", LOG_E(&err), LOG_S("job", cp->id));
		return false;
	}
	if (claim(w, j, LEDGER_CLAIMED, &err)) {
		/* without a journal nobody would know about it after a crash: leave it to others */
		log_event(w->log, LOG_ERROR, "ledger.failed", LOG_E(&err));
		job_free(j);
		return false;
	}
	if (!acknowledge(w, j, cp->nonce, a)) {
		job_free(j);
		return false;
	}
	if (claim(w, j, LEDGER_OWNED, &err)) /* the claim stands: it is found again as claimed */
		log_event(w->log, LOG_ERROR, "ledger.failed", LOG_E(&err));
	rollouts_attach(w, j);
	return true;
}

static bool take_counted(struct worker *w, const struct cp_job *cp, struct arena *a)
{
	bool taken = take(w, cp, a);

	metrics_count(&w->metrics, taken ? METRIC_JOBS_TAKEN : METRIC_JOBS_MISSED);
	return taken;
}

/* One action type. The number of jobs taken, or -1 with err set. */
static int poll_type(struct worker *w, const struct config_action_type *t, size_t slots,
		     struct err *err)
{
	struct arena *a = arena_new();
	struct cp_poll poll = {.type = t->type,
			       .query_name = t->query_name,
			       .query_value = t->query_value,
			       .n_max = slots < BATCH_MAX ? (int)slots : BATCH_MAX};
	struct cp_job_list list;
	struct mono asked = clock_mono(w->clock);
	int n = -1;

	if (codepipeline_poll(&w->client, &poll, a, &list, err) == 0) {
		metrics_count(&w->metrics, list.n ? METRIC_POLLS_JOBS : METRIC_POLLS_EMPTY);
		n = 0;
		for (size_t i = 0; i < list.n && begin_take(w); i++) {
			if (clock_mono(w->clock).ms - asked.ms <= POLLER_ACK_MS)
				n += take_counted(w, &list.jobs[i], a);
			else /* too late: it is being handed out again */
				log_event(w->log, LOG_WARN, "poll.late",
					  LOG_S("job", list.jobs[i].id));
			end_take(w);
		}
	} else if (err->code != ERR_CANCELED) {
		metrics_count(&w->metrics, METRIC_POLLS_FAILED);
	}
	arena_free(a);
	return n;
}

static int64_t jitter(struct worker *w, int64_t ms)
{
	return ms / 2 + (int64_t)rng_below(w->aws->rng, (uint64_t)ms + 1);
}

/* After this poll: when to ask for this type again. */
static int64_t pause_after(struct poller *p, size_t i, int n)
{
	int64_t *backoff = &p->types[i].backoff_ms, poll = p->worker->config->poll_ms;

	if (n > 0) {
		*backoff = 0;
		return 1; /* there may be more */
	}
	if (n == 0)
		*backoff = 0;
	else if (*backoff)
		*backoff = *backoff * 2 < BACKOFF_MAX_MS ? *backoff * 2 : BACKOFF_MAX_MS;
	else
		*backoff = poll;
	return jitter(p->worker, *backoff ? *backoff : poll);
}

/* A type that is refused backs off alone: it may be misspelt, and the others still want work. */
static bool run(struct task *task, struct mono now, struct mono *next)
{
	struct poller *p = (struct poller *)task;
	struct worker *w = p->worker;

	next->ms = now.ms + w->config->poll_ms;
	for (size_t i = 0; i < w->config->n_action_types && !cancel_is_fired(w->cancel); i++) {
		const struct config_action_type *t = &w->config->action_types[i];
		size_t slots = rollouts_free_slots(w);
		struct err err = ERR_INIT;
		int n;

		if (slots == 0)
			break;
		if (p->types[i].due.ms <= now.ms) {
			n = poll_type(w, t, slots, &err);
			p->types[i].due.ms = clock_mono(w->clock).ms + pause_after(p, i, n);
			if (n < 0 && err.code != ERR_CANCELED)
				log_event(w->log, err_is_retryable(&err) ? LOG_WARN : LOG_ERROR,
					  "poll.failed", LOG_E(&err),
					  LOG_S("provider", t->type.provider),
					  LOG_S("version", t->type.version),
					  LOG_S("region", w->client.region));
		}
		if (p->types[i].due.ms < next->ms)
			next->ms = p->types[i].due.ms;
	}
	return true;
}

struct task *poller_new(struct worker *w)
{
	struct poller *p = xcalloc(1, sizeof(*p));

	p->task.run = run;
	p->task.name = "poller";
	p->worker = w;
	return &p->task;
}

void poller_free(struct task *t)
{
	free(t);
}
