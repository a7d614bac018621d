#include "worker/poller.h"

#include <stdlib.h>
#include <string.h>

#include "worker/worker.h"

#define BATCH_MAX 10		/* jobs asked for in one call; the service states no limit */
#define ACK_DEADLINE_MS 20000	/* an unacknowledged job is handed out again after about 30 s */
#define BACKOFF_MAX_MS 300000	/* while polling is refused: wrong region, missing permission */

struct poller {
	struct task task;
	struct worker *worker;
	int64_t backoff_ms;
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
 * Acknowledge. True when the job is ours. A lost answer is asked for once more: InProgress then says
 * that we own it; InvalidNonce leaves it open whose it is, and the reconciler finds out later.
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
	if (!unknown)
		forget(w, j->id);
	else if (claim(w, j, LEDGER_MAYBE, &ledger_err))
		log_event(w->log, LOG_ERROR, "ledger.failed", LOG_E(&ledger_err));
	return false;
}

static void take(struct worker *w, const struct cp_job *cp, struct arena *a)
{
	struct err err = ERR_INIT;
	struct job *j = job_new(cp, w->clock, &err);

	if (!j) {
		log_event(w->log, LOG_ERROR, "job.unusable", LOG_E(&err), LOG_S("job", cp->id));
		return;
	}
	if (claim(w, j, LEDGER_CLAIMED, &err)) {
		/* without a journal nobody would know about it after a crash: leave it to others */
		log_event(w->log, LOG_ERROR, "ledger.failed", LOG_E(&err));
		job_free(j);
		return;
	}
	if (!acknowledge(w, j, cp->nonce, a)) {
		job_free(j);
		return;
	}
	if (claim(w, j, LEDGER_OWNED, &err)) /* the claim stands: it is found again as claimed */
		log_event(w->log, LOG_ERROR, "ledger.failed", LOG_E(&err));
	rollouts_attach(w, j);
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
		n = 0;
		for (size_t i = 0; i < list.n; i++) {
			if (clock_mono(w->clock).ms - asked.ms > ACK_DEADLINE_MS) {
				log_event(w->log, LOG_WARN, "poll.late",
					  LOG_I("left", (int64_t)(list.n - i)));
				break; /* too late: they are being handed out again */
			}
			take(w, &list.jobs[i], a);
			n++;
		}
	}
	arena_free(a);
	return n;
}

static int64_t jitter(struct worker *w, int64_t ms)
{
	return ms / 2 + (int64_t)rng_below(w->aws->rng, (uint64_t)ms + 1);
}

static bool run(struct task *task, struct mono now, struct mono *next)
{
	struct poller *p = (struct poller *)task;
	struct worker *w = p->worker;
	bool any = false, refused = false;

	for (size_t i = 0; i < w->config->n_action_types && !cancel_is_fired(w->cancel); i++) {
		const struct config_action_type *t = &w->config->action_types[i];
		size_t slots = rollouts_free_slots(w);
		struct err err = ERR_INIT;
		int n;

		if (slots == 0)
			break;
		n = poll_type(w, t, slots, &err);
		any |= n > 0;
		if (n < 0 && err.code != ERR_CANCELED) {
			refused = true;
			log_event(w->log, err_is_retryable(&err) ? LOG_WARN : LOG_ERROR, "poll.failed", LOG_E(&err), LOG_S("provider", t->type.provider),
				LOG_S("version", t->type.version), LOG_S("region", w->client.region));
		}
	}
	if (refused) {
		p->backoff_ms = p->backoff_ms ? p->backoff_ms * 2 : w->config->poll_ms;
		if (p->backoff_ms > BACKOFF_MAX_MS)
			p->backoff_ms = BACKOFF_MAX_MS;
	} else {
		p->backoff_ms = 0;
	}
	if (any && !refused)
		next->ms = now.ms + 1;
	else
		next->ms = now.ms + jitter(w, p->backoff_ms ? p->backoff_ms : w->config->poll_ms);
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
