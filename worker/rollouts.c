#include "worker/slice.h"

#include <stdlib.h>
#include <string.h>

/*
 * The list of rollouts. A rollout is found by its id, which all jobs of one action execution share;
 * it is made when its first job comes in and leaves when its end has been reported.
 */

struct rollout *rollout_new(struct worker *w, const char *id)
{
	struct rollout *r = xcalloc(1, sizeof(*r));

	r->task.run = slice_run;
	r->task.name = "rollout";
	r->task.heavy = true; /* its first turn fetches and unpacks */
	r->worker = w;
	r->arena = arena_new();
	r->counted = METRICS_NOWHERE;
	r->recorder = recorder_new();
	str_copy(r->id, sizeof(r->id), str_from(id));
	r->log = log_with(w->log, LOG_S("rollout", r->id));
	return r;
}

static const char *known(const char *s)
{
	return s ? s : "";
}

void rollout_name_log(struct rollout *r)
{
	log_free(r->log);
	r->log = log_with(r->worker->log, LOG_S("rollout", r->id),
			  LOG_S("pipeline", known(r->pipeline)), LOG_S("action", known(r->action)),
			  LOG_S("execution", known(r->execution_id)),
			  LOG_S("target", known(r->target)));
}

void rollout_free(struct rollout *r)
{
	if (!r)
		return;
	metrics_phase(&r->worker->metrics, &r->counted, METRICS_NOWHERE);
	slice_drop_job(r);
	job_free(r->incoming);
	log_free(r->log);
	recorder_free(r->recorder);
	free(r->told);
	arena_free(r->arena);
	free(r);
}

static struct rollout *find(struct worker *w, const char *id)
{
	for (struct rollout *r = w->rollouts; r; r = r->next)
		if (!strcmp(r->id, id))
			return r;
	return NULL;
}

void rollouts_attach(struct worker *w, struct job *job_take)
{
	struct rollout *r;
	struct job *replaced = NULL;

	log_event(w->log, LOG_INFO, "job.taken", LOG_S("job", job_take->id),
		  LOG_S("rollout", job_take->rollout_id), LOG_S("pipeline", job_take->pipeline),
		  LOG_S("action", job_take->action), LOG_B("continued", job_take->token != NULL));
	lock_take(&w->lock);
	if (job_take->account_id)
		str_copy(w->account, sizeof(w->account), str_from(job_take->account_id));
	r = find(w, job_take->rollout_id);
	if (r) {
		replaced = r->incoming;
		r->incoming = job_take;
		scheduler_wake(w->scheduler, &r->task);
	} else {
		r = rollout_new(w, job_take->rollout_id);
		r->incoming = job_take;
		r->next = w->rollouts;
		w->rollouts = r;
		w->n_rollouts++;
		scheduler_add(w->scheduler, &r->task, clock_mono(w->clock));
	}
	if (!r->holds_job) {
		r->holds_job = true;
		w->n_jobs++;
	}
	lock_drop(&w->lock);
	job_free(replaced);
}

void rollouts_adopt(struct worker *w, struct rollout *r_take)
{
	lock_take(&w->lock);
	if (find(w, r_take->id)) { /* a job has come for it meanwhile */
		lock_drop(&w->lock);
		rollout_free(r_take);
		return;
	}
	r_take->next = w->rollouts;
	w->rollouts = r_take;
	w->n_rollouts++;
	scheduler_add(w->scheduler, &r_take->task, clock_mono(w->clock));
	lock_drop(&w->lock);
}

size_t rollouts_free_slots(struct worker *w)
{
	size_t slots = (size_t)w->config->slots, free_slots = 0;

	lock_take(&w->lock);
	if (!w->stopping && w->n_jobs < slots)
		free_slots = slots - w->n_jobs;
	lock_drop(&w->lock);
	return free_slots;
}

bool rollouts_knows(struct worker *w, const char *rollout_id)
{
	bool known;

	lock_take(&w->lock);
	known = find(w, rollout_id) != NULL;
	lock_drop(&w->lock);
	return known;
}

void rollouts_wake(struct worker *w, const char *rollout_id)
{
	struct rollout *r;

	lock_take(&w->lock);
	r = find(w, rollout_id);
	if (r)
		scheduler_wake(w->scheduler, &r->task);
	lock_drop(&w->lock);
}

void rollouts_end(struct worker *w, const char *rollout_id, bool succeeded)
{
	struct rollout *r;

	lock_take(&w->lock);
	r = find(w, rollout_id);
	if (r) {
		r->succeeded = succeeded;
		r->abandoned = !succeeded;
		scheduler_wake(w->scheduler, &r->task);
	}
	lock_drop(&w->lock);
}
