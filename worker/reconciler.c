#include "worker/reconciler.h"

#include <stdlib.h>
#include <string.h>

#include "worker/kept_plan.h"
#include "worker/ledger_lock.h"
#include "worker/outbox.h"
#include "worker/poller.h"
#include "worker/slice.h"

#define EVERY_MS 30000
#define GAP_LEAST_MS (3 * 60 * 1000) /* CodePipeline may take a minute to hand out the next job */
#define MAYBE_AFTER_MS (3 * 60 * 1000)
/* from the claim to the end of an acknowledgement, and a minute that our clock may be behind */
#define CLAIM_MS (POLLER_ACK_MS + 60000)

struct reconciler {
	struct task task;
	struct worker *worker;
	/* what is parked may be so for days: it is asked about every other time only */
	unsigned runs;
};

/* --- what became of it? ---------------------------------------------------------------------- */

static enum fate fate_of(enum cp_action_status status)
{
	switch (status) {
	case CP_ACTION_IN_PROGRESS:
		return FATE_IN_PROGRESS;
	case CP_ACTION_SUCCEEDED:
		return FATE_SUCCEEDED;
	case CP_ACTION_ABANDONED:
	case CP_ACTION_FAILED:
		return FATE_OVER;
	case CP_ACTION_UNKNOWN:
		break;
	}
	return FATE_UNKNOWN;
}

/* *updated: when it was last reported on, 0 when that is not known. */
static enum fate ask(struct worker *w, const char *pipeline, const char *execution_id,
		     const char *action_execution_id, struct arena *a, struct utc *updated)
{
	struct cp_action_query q = {.pipeline_name = pipeline,
				    .pipeline_execution_id = execution_id};
	struct err err = ERR_INIT;

	updated->ms = 0;
	if (!pipeline || !action_execution_id)
		return FATE_UNKNOWN;
	do {
		struct cp_action_list list;

		if (codepipeline_list_action_executions(&w->client, &q, a, &list, &err)) {
			log_event(w->log, LOG_WARN, "reconcile.failed", LOG_E(&err),
				  LOG_S("pipeline", pipeline));
			/* pipeline or execution deleted: nobody will ask for this one again */
			return err.code == ERR_NOT_FOUND ? FATE_OVER : FATE_UNKNOWN;
		}
		for (size_t i = 0; i < list.n; i++) {
			const struct cp_action_execution *e = &list.actions[i];

			if (e->action_execution_id &&
			    !strcmp(e->action_execution_id, action_execution_id)) {
				*updated = e->updated;
				return fate_of(e->status);
			}
		}
		q.next_token = list.next_token;
	} while (q.next_token);
	return FATE_UNKNOWN;
}

enum fate reconciler_ask(struct worker *w, const char *pipeline, const char *execution_id,
			 const char *action_execution_id, struct arena *a)
{
	struct utc updated;

	return ask(w, pipeline, execution_id, action_execution_id, a, &updated);
}

/* --- what later actions made of it ------------------------------------------------------------ */

enum fate reconciler_ask_later(struct worker *w, const char *pipeline, const char *execution_id,
			       const char *action_execution_id, const char *rollout_id,
			       struct arena *a)
{
	struct cp_action_query q = {.pipeline_name = pipeline,
				    .pipeline_execution_id = execution_id};
	struct err err = ERR_INIT;

	if (!pipeline || !action_execution_id)
		return FATE_UNKNOWN;
	do {
		struct cp_action_list list;

		if (codepipeline_list_action_executions(&w->client, &q, a, &list, &err)) {
			log_event(w->log, LOG_WARN, "reconcile.failed", LOG_E(&err),
				  LOG_S("pipeline", pipeline));
			return FATE_UNKNOWN;
		}
		for (size_t i = 0; i < list.n; i++) {
			const struct cp_action_execution *e = &list.actions[i];

			if (e->status == CP_ACTION_SUCCEEDED && e->external_execution_id &&
			    e->action_execution_id &&
			    !strcmp(e->external_execution_id, rollout_id) &&
			    strcmp(e->action_execution_id, action_execution_id) != 0)
				return FATE_SUCCEEDED;
		}
		q.next_token = list.next_token;
	} while (q.next_token);
	return FATE_OVER;
}

/*
 * A rollout that was handed over is nobody's when its pipeline execution is over, however, and no
 * later action has ended it well.
 */
static enum fate fate_of_handed_over(struct worker *w, const struct ledger_rollout *row,
				     struct arena *a)
{
	enum cp_execution_status status;
	struct err err = ERR_INIT;

	if (!row->pipeline || !row->execution_id)
		return FATE_UNKNOWN;
	if (codepipeline_execution(&w->client, row->pipeline, row->execution_id, a, &status,
				   &err)) {
		log_event(w->log, LOG_WARN, "reconcile.failed", LOG_E(&err),
			  LOG_S("pipeline", row->pipeline));
		return err.code == ERR_NOT_FOUND ? FATE_OVER : FATE_UNKNOWN;
	}
	switch (status) {
	case CP_EXECUTION_IN_PROGRESS:
	case CP_EXECUTION_STOPPING:
		return FATE_IN_PROGRESS;
	case CP_EXECUTION_STOPPED:
	case CP_EXECUTION_SUCCEEDED:
	case CP_EXECUTION_SUPERSEDED:
	case CP_EXECUTION_FAILED:
	case CP_EXECUTION_CANCELLED:
		return reconciler_ask_later(w, row->pipeline, row->execution_id,
					    row->action_execution_id, row->id, a);
	case CP_EXECUTION_UNKNOWN:
		break;
	}
	return FATE_UNKNOWN;
}

/* --- parked rollouts ------------------------------------------------------------------------ */

/* The plan as the ledger keeps it; NULL when it does not, or it is not this rollout's. */
static struct plan *kept_plan(struct worker *w, struct arena *a, const struct ledger_rollout *row,
			      const struct rollout_state *s)
{
	struct problems problems;
	struct err err = ERR_INIT;
	struct plan_source src;
	struct plan *plan;
	const char *text;

	problems_init(&problems, a);
	if (ledger_plan_get(w->ledger, row->id, a, &text, &err)) {
		log_event(w->log, LOG_ERROR, "ledger.failed", LOG_E(&err));
		return NULL;
	}
	if (!text || kept_plan_read(a, str_from(text), &src, &err) ||
	    plan_read(a, &src, &plan, &problems) ||
	    strncmp(plan->digest, s->plan_digest, sizeof(s->plan_digest) - 1) != 0)
		return NULL;
	return plan;
}

/*
 * A rollout known from the ledger only, with its plan, or so that it can go back. NULL when neither
 * is possible, or only the latter and it is not to go back.
 */
static struct rollout *revive(struct worker *w, const struct ledger_rollout *row,
			      const struct rollout_state *s, bool is_over, struct err *err)
{
	struct rollout *r = rollout_new(w, row->id);
	struct plan *plan = kept_plan(w, r->arena, row, s);

	if (!plan && !is_over)
		err_set(err, ERR_NOT_FOUND, "the ledger has no plan of rollout %s", row->id);
	if (!plan &&
	    (!is_over || plan_fallback(r->arena, s->undo,
				       row->role_arn ? arena_strdup(r->arena, row->role_arn) : NULL,
				       &plan, err))) {
		rollout_free(r);
		return NULL;
	}
	r->plan = plan;
	r->state = *s;
	r->has_state = r->known = true;
	r->abandoned = is_over;
	r->handed_over = row->handed_over;
	if (row->handle)
		str_copy(r->handle, sizeof(r->handle), str_from(row->handle));
	r->target = row->target ? arena_strdup(r->arena, row->target) : NULL;
	r->role_arn = row->role_arn ? arena_strdup(r->arena, row->role_arn) : NULL;
	r->pipeline = row->pipeline ? arena_strdup(r->arena, row->pipeline) : NULL;
	r->execution_id = row->execution_id ? arena_strdup(r->arena, row->execution_id) : NULL;
	r->action = row->action ? arena_strdup(r->arena, row->action) : NULL;
	r->action_execution_id =
		row->action_execution_id ? arena_strdup(r->arena, row->action_execution_id) : NULL;
	r->action_type = row->action_type ? arena_strdup(r->arena, row->action_type) : "?";
	r->configuration = row->configuration ? arena_strdup(r->arena, row->configuration) : "{}";
	r->job_seen = row->job_seen;
	r->task.heavy = false;
	rollout_name_log(r);
	return r;
}

static void close_row(struct worker *w, struct ledger_rollout *row)
{
	struct err err = ERR_INIT;

	row->final = true;
	if (ledger_rollout_put(w->ledger, row, &err))
		log_event(w->log, LOG_ERROR, "ledger.failed", LOG_E(&err));
}

/* A success was told for it elsewhere. When it was on its way back here, somebody has to look. */
static void close_well(struct worker *w, struct ledger_rollout *row)
{
	enum phase phase;

	if (phase_parse(str_from(row->phase), &phase) && phase_goes_back(phase))
		log_event(w->log, LOG_ERROR, "rollout.undone_after_success",
			  LOG_S("rollout", row->id), LOG_S("phase", row->phase));
	close_row(w, row);
}

static bool holds_job(struct worker *w, const char *rollout_id)
{
	bool held = false;

	lock_take(&w->lock);
	for (struct rollout *r = w->rollouts; r && !held; r = r->next)
		held = !strcmp(r->id, rollout_id) && r->holds_job;
	lock_drop(&w->lock);
	return held;
}

/* It cannot be taken back: what it left is what the target shows, and is locked no more. */
static void strand(struct worker *w, const struct ledger_rollout *row,
		   const struct rollout_state *s, const struct err *why)
{
	struct err err = ERR_INIT;

	log_event(w->log, LOG_ERROR, "rollout.stranded", LOG_E(why), LOG_S("rollout", row->id),
		  LOG_S("undo", s->undo));
	if (ledger_lock_release(w->ledger, row->id, &err))
		log_event(w->log, LOG_ERROR, "ledger.failed", LOG_E(&err));
}

/* The action is over, not by us, and nobody here goes on with the rollout. */
static void take_back(struct worker *w, struct ledger_rollout *row, struct arena *a)
{
	struct err err = ERR_INIT;
	struct rollout_state s;
	struct rollout *r;

	if (token_decode(a, str_from(row->token), &s, &err)) {
		log_event(w->log, LOG_ERROR, "ledger.state_unreadable", LOG_E(&err),
			  LOG_S("rollout", row->id));
		close_row(w, row);
	} else if (phase_is_final(s.phase) || !s.touched) {
		close_row(w, row);
	} else {
		r = revive(w, row, &s, true, &err);
		if (r)
			rollouts_adopt(w, r);
		else
			strand(w, row, &s, &err);
	}
}

/*
 * A parked rollout that this process does not know: it is taken up again, so that its guards go on
 * being asked. Without its plan it can only go back, and that it does when its execution is over.
 */
static void watch_again(struct worker *w, const struct ledger_rollout *row, struct arena *a)
{
	struct err err = ERR_INIT;
	struct rollout_state s;
	struct rollout *r = NULL;

	if (token_decode(a, str_from(row->token), &s, &err) == 0)
		r = revive(w, row, &s, false, &err);
	if (!r) {
		log_event(w->log, LOG_WARN, "rollout.unwatched", LOG_E(&err),
			  LOG_S("rollout", row->id));
		return;
	}
	log_event(w->log, LOG_INFO, "rollout.revived", LOG_S("rollout", row->id),
		  LOG_S("phase", row->phase));
	rollouts_adopt(w, r);
}

static void check_handed_over(struct worker *w, struct ledger_rollout *row, struct arena *a)
{
	enum fate fate = fate_of_handed_over(w, row, a);
	bool known = rollouts_knows(w, row->id);

	if (fate == FATE_OVER || fate == FATE_SUCCEEDED)
		log_event(w->log, LOG_WARN, "rollout.over", LOG_S("rollout", row->id),
			  LOG_S("phase", row->phase), LOG_S("pipeline", row->pipeline),
			  LOG_B("succeeded", fate == FATE_SUCCEEDED));
	if (fate == FATE_SUCCEEDED && known)
		rollouts_end(w, row->id, true);
	else if (fate == FATE_SUCCEEDED)
		close_well(w, row);
	else if (fate == FATE_OVER && known)
		rollouts_end(w, row->id, false);
	else if (fate == FATE_OVER)
		take_back(w, row, a);
	else if (!known)
		watch_again(w, row, a);
}

/*
 * An open rollout that has had no job for longer than it should: parked here, or left over from a
 * process that died with it. What its row says about parking is of that process's time.
 */
static void check_rollout(struct worker *w, struct ledger_rollout *row, bool patient,
			  struct arena *a)
{
	int64_t gap = 3 * (w->config->hold_ms + 60000);
	enum fate fate;

	if (row->token && row->handed_over && !holds_job(w, row->id)) {
		if (!patient)
			check_handed_over(w, row, a);
		return;
	}
	if (!row->token || holds_job(w, row->id) ||
	    clock_utc(w->clock).ms - row->job_seen.ms < (gap > GAP_LEAST_MS ? gap : GAP_LEAST_MS))
		return;
	fate = reconciler_ask(w, row->pipeline, row->execution_id, row->action_execution_id, a);
	if (fate != FATE_OVER && fate != FATE_SUCCEEDED)
		return;
	log_event(w->log, LOG_WARN, "rollout.over", LOG_S("rollout", row->id),
		  LOG_S("phase", row->phase), LOG_S("pipeline", row->pipeline),
		  LOG_B("succeeded", fate == FATE_SUCCEEDED));
	if (rollouts_knows(w, row->id))
		rollouts_end(w, row->id, fate == FATE_SUCCEEDED);
	else if (fate == FATE_SUCCEEDED)
		close_well(w, row);
	else
		take_back(w, row, a);
}

/* --- jobs ----------------------------------------------------------------------------------- */

static bool has_report(const struct ledger_report *reports, size_t n, const char *job_id)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(reports[i].job_id, job_id))
			return true;
	return false;
}

/*
 * A job that may be another worker's must not be worked on: two would move one target. It goes back
 * with the token it came with, and CodePipeline's answer decides whose it was: ours, and there is a
 * new one for whoever polls next, or no report of us is taken for it.
 */
static void hand_back(struct worker *w, const struct job *j, struct arena *a)
{
	struct job_details d = {.summary = "handed back: it was not known whose job it was",
				.rollout_id = j->rollout_id,
				.percent = 1};
	struct err err = ERR_INIT;
	struct rollout_state s;
	int rc;

	if (j->token && token_decode(a, str_from(j->token), &s, &err) == 0)
		d.percent = s.percent;
	err = ERR_INIT;
	rc = j->token ? job_report_token(w, j, j->token, &d, &err)
		      : job_report_blank(w, j, d.summary, &err);
	log_event(w->log, rc ? LOG_ERROR : LOG_WARN, rc ? "report.failed" : "job.handed_back",
		  LOG_E(&err), LOG_S("job", j->id), LOG_S("rollout", j->rollout_id));
}

/*
 * Read the job again and take it up, or hand it back when it may be another's or be over; forget it
 * when CodePipeline does not know it any more.
 */
static void take_up(struct worker *w, const struct ledger_job *row, bool is_ours, struct arena *a)
{
	struct err err = ERR_INIT, ledger_err = ERR_INIT;
	struct cp_job cp;
	struct job *j;

	if (codepipeline_job_details(&w->client, row->job_id, a, &cp, &err)) {
		log_event(w->log, LOG_WARN, "job.not_recovered", LOG_E(&err),
			  LOG_S("job", row->job_id));
		if (err.code == ERR_NOT_FOUND &&
		    ledger_job_forget(w->ledger, row->job_id, &ledger_err))
			log_event(w->log, LOG_ERROR, "ledger.failed", LOG_E(&ledger_err));
		return;
	}
	j = job_new(&cp, w->clock, &err);
	if (!j) {
		log_event(w->log, LOG_ERROR, "job.unusable", LOG_E(&err),
			  LOG_S("job", row->job_id));
		return;
	}
	if (!is_ours) {
		hand_back(w, j, a);
		job_free(j);
		return;
	}
	log_event(w->log, LOG_INFO, "job.recovered", LOG_S("job", row->job_id),
		  LOG_S("rollout", row->rollout_id));
	rollouts_attach(w, j);
}

/*
 * Is this job still without a report? Asked after nobody was seen to hold it: what reported it did
 * so before it let go of it. And what could not be struck out is asked for before the ledger is
 * read, as it may be struck out just now.
 */
static bool is_unreported(struct worker *w, const char *job_id, struct arena *a)
{
	struct ledger_report *reports;
	struct ledger_job *jobs;
	struct err err = ERR_INIT;
	size_t n_jobs = 0, n_reports = 0, i = 0;

	if (outbox_is_told(w, job_id))
		return false;
	if (ledger_jobs(w->ledger, a, &jobs, &n_jobs, &err) ||
	    ledger_reports(w->ledger, a, &reports, &n_reports, &err)) {
		log_event(w->log, LOG_ERROR, "ledger.failed", LOG_E(&err));
		return false;
	}
	while (i < n_jobs && strcmp(jobs[i].job_id, job_id) != 0)
		i++;
	return i < n_jobs && !has_report(reports, n_reports, job_id);
}

/*
 * A job that nobody holds. Ours, from a process that died: its action may be over by now, and then
 * nothing may be moved for it. Perhaps ours (claimed by a process that died before it knew, or
 * acknowledged with a lost answer): once enough time has passed for another worker to have reported
 * it, its action is still in progress, and nobody has reported on that since we claimed it, it is
 * handed back; otherwise it would block the stage until it times out. What somebody has reported on
 * is that one's: this job is over, though CodePipeline goes on describing it for a while.
 *
 * When somebody has reported since a job became ours, that was us: a process that died and could
 * not strike it out, on a full disk. Two clocks say so, and neither is trusted with it: it is
 * handed back, and if it is over, that is refused.
 */
static void check_job(struct worker *w, const struct ledger_job *row, struct arena *a)
{
	bool ours = row->state == LEDGER_OWNED, reported;
	struct err err = ERR_INIT;
	struct utc updated;
	enum fate fate;

	if (holds_job(w, row->rollout_id) || !is_unreported(w, row->job_id, a))
		return;
	if (!ours && clock_utc(w->clock).ms - row->claimed.ms < MAYBE_AFTER_MS + w->config->hold_ms)
		return;
	fate = ask(w, row->pipeline, row->execution_id, row->action_execution_id, a, &updated);
	reported = updated.ms > row->claimed.ms + (ours ? 0 : CLAIM_MS);
	if (ours ? fate == FATE_IN_PROGRESS || fate == FATE_UNKNOWN
		 : fate == FATE_IN_PROGRESS && !reported)
		take_up(w, row, ours && !reported, a);
	else if (fate != FATE_UNKNOWN && ledger_job_forget(w->ledger, row->job_id, &err))
		log_event(w->log, LOG_ERROR, "ledger.failed", LOG_E(&err));
}

static void check_jobs(struct worker *w, bool owned_only)
{
	struct arena *a = arena_new();
	struct ledger_job *jobs;
	struct err err = ERR_INIT;
	size_t n_jobs = 0;

	if (ledger_jobs(w->ledger, a, &jobs, &n_jobs, &err))
		log_event(w->log, LOG_ERROR, "ledger.failed", LOG_E(&err));
	for (size_t i = 0; i < n_jobs && !cancel_is_fired(w->cancel); i++)
		if (!owned_only || jobs[i].state == LEDGER_OWNED)
			check_job(w, &jobs[i], a);
	arena_free(a);
}

void reconciler_recover(struct worker *w)
{
	check_jobs(w, true);
}

static bool run(struct task *t, struct mono now, struct mono *next)
{
	struct reconciler *r = (struct reconciler *)t;
	struct worker *w = r->worker;
	struct arena *a = arena_new();
	struct ledger_rollout *rows;
	struct err err = ERR_INIT;
	size_t n = 0;

	check_jobs(w, false);
	if (ledger_rollouts(w->ledger, true, 10000, a, &rows, &n, &err))
		log_event(w->log, LOG_ERROR, "ledger.failed", LOG_E(&err));
	for (size_t i = 0; i < n && !cancel_is_fired(w->cancel); i++)
		check_rollout(w, &rows[i], r->runs % 2 != 0, a);
	r->runs++;
	arena_free(a);
	next->ms = now.ms + EVERY_MS;
	return true;
}

struct task *reconciler_new(struct worker *w)
{
	struct reconciler *r = xcalloc(1, sizeof(*r));

	r->task.run = run;
	r->task.name = "reconciler";
	r->worker = w;
	return &r->task;
}

void reconciler_free(struct task *t)
{
	free(t);
}
