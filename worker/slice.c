#include "worker/slice.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "worker/outbox.h"
#include "worker/reconciler.h"

/*
 * The level-triggered loop: observe, decide, act, and observe again. Nothing is assumed from last
 * time. The state decided is on disk before the act that follows from it; the token that
 * CodePipeline keeps is refreshed whenever the job is reported.
 */
#define ROUNDS_MAX 24	      /* acts in one turn; more would be a loop without progress */
#define REPORT_LEAST_MS 15000 /* sooner would be a hot loop of jobs */
/*
 * How soon to look again while something is taking effect: at once at first, and the longer it has
 * taken the less often, up to a tick: a service that takes minutes is not asked every other second.
 */
#define SETTLE_MS 2000
#define OTHERS_TICKS 3 /* between looks at a target that somebody else is at work on */
#define SETTLE_PART 10 /* of the time it has taken so far */

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/*
 * A job of another action has come while one is held: a rollback, say, while the promotion bakes.
 * Both actions have to be told, in turns. False as long as the one that is held cannot go.
 */
static bool make_way(struct turn *t)
{
	struct rollout *r = t->r;
	struct worker *w = r->worker;
	struct err err = ERR_INIT;
	bool is_other;

	lock_take(&w->lock);
	is_other = r->incoming && r->job && r->job->action_execution_id &&
		   r->incoming->action_execution_id &&
		   strcmp(r->incoming->action_execution_id, r->job->action_execution_id) != 0;
	lock_drop(&w->lock);
	if (!is_other)
		return true;
	/* not at once: two actions would hand each other over in a hot loop */
	if (clock_mono(w->clock).ms - r->job->taken.ms < REPORT_LEAST_MS)
		return false;
	if ((!r->opened && slice_take_state(t, &err)) || slice_report_token(t, &err)) {
		log_event(r->log, LOG_ERROR, "report.failed", LOG_E(&err));
		return false;
	}
	lock_take(&w->lock);
	w->n_jobs += !r->holds_job; /* the one that waits has the slot */
	r->holds_job = true;
	lock_drop(&w->lock);
	return true;
}

static void take_incoming(struct turn *t)
{
	struct rollout *r = t->r;
	struct worker *w = r->worker;
	struct job *j;

	if (!make_way(t))
		return;
	lock_take(&w->lock);
	j = r->incoming;
	r->incoming = NULL;
	lock_drop(&w->lock);
	if (!j)
		return;
	if (r->job) { /* a second one for the same action: the older is dead to CodePipeline */
		if (strcmp(r->job->id, j->id) != 0)
			outbox_strike(w, r->job->id);
		slice_drop_job(r);
	}
	lock_take(&w->lock);
	w->n_jobs += !r->holds_job; /* dropping the older one has given its slot back */
	r->holds_job = true;
	lock_drop(&w->lock);
	r->job = j;
	j->watch = recorder_watch(r->recorder);
	r->opened = false;
	r->attached = false;
	r->moved = false;
	r->job_seen = clock_utc(w->clock);
}

static bool is_stopping(struct worker *w)
{
	bool stopping;

	lock_take(&w->lock);
	stopping = w->stopping;
	lock_drop(&w->lock);
	return stopping;
}

/* --- decide --------------------------------------------------------------------------------- */

static void note_phase(struct turn *t, const struct rollout_state *from)
{
	struct rollout *r = t->r;
	const struct rollout_state *s = &r->state;

	if (s->phase == PHASE_RESTORE && from->phase != PHASE_RESTORE)
		metrics_count(&t->w->metrics, METRIC_ROLLBACKS);
	if (s->phase == PHASE_FAILED &&
	    (s->ending == ENDING_UNPROVEN || s->ending == ENDING_UNHEALTHY))
		metrics_count(&t->w->metrics, METRIC_NOT_RESTORED);
	if (s->phase == PHASE_PROVE && from->phase == PHASE_RESTORE)
		metrics_reaction(&t->w->metrics, s->phase_since.ms - from->phase_since.ms);
	log_event(r->log, s->phase == PHASE_RESTORE ? LOG_WARN : LOG_INFO, "rollout.phase",
		  LOG_S("from", phase_name(from->phase)), LOG_S("to", phase_name(s->phase)),
		  LOG_I("step", s->step), LOG_S("reason", r->decision.reason));
	recorder_move(r->recorder, clock_utc(t->w->clock), from, s, r->decision.reason);
}

/*
 * Take over the state decided and put it on disk. False when nothing may be done now: the rollout
 * is parked and this would be a step forward, or the disk refused and this is no step back.
 */
static bool take_state(struct turn *t, const struct rollout_state *next)
{
	struct rollout *r = t->r;
	struct rollout_state before = r->state;
	struct err err = ERR_INIT;

	if (!r->job && !phase_goes_back(next->phase) && !phase_is_final(before.phase)) {
		r->state.hold_since = next->hold_since;
		return false;
	}
	if (next->seq == before.seq)
		return true;
	if (!slice_bind(t, next))
		return false;
	r->state = *next;
	if (next->phase != before.phase || next->step != before.step) {
		r->moved = true;
		note_phase(t, &before);
	}
	notices_note(t, &before);
	if (slice_save(t, false, &err)) {
		log_event(r->log, LOG_ERROR, "ledger.failed", LOG_E(&err));
		return phase_goes_back(next->phase);
	}
	return true;
}

/* --- act ------------------------------------------------------------------------------------ */

/* What an act's failure means for the next look: true when it is worth looking again at once. */
static bool act_failed(struct turn *t, const struct decision *d, const struct err *err)
{
	struct rollout *r = t->r;

	log_event(r->log, LOG_WARN, "rollout.act_failed", LOG_E(err),
		  LOG_S("act", slice_act_name(d->kind)), LOG_B("sent", err->sent));
	slice_record_act(t, d, err);
	/* its effect is unknown or the target was busy: only a new look can tell */
	if (err_is_retryable(err) || err->code == ERR_CONFLICT || err->code == ERR_CANCELED ||
	    err->sent)
		return false;
	r->act_err = *err;
	r->has_act_err = true;
	return true;
}

/* --- the turn ------------------------------------------------------------------------------- */

static int64_t pause_of(const struct turn *t)
{
	int64_t tick = t->w->config->tick_ms;
	int64_t taken = clock_utc(t->w->clock).ms - t->r->state.phase_since.ms;
	int64_t settle = taken / SETTLE_PART > SETTLE_MS ? taken / SETTLE_PART : SETTLE_MS;

	switch (t->r->state.phase) {
	case PHASE_PREPARE:
	case PHASE_SHIFT:
	case PHASE_PROMOTE:
	case PHASE_RETIRE:
	case PHASE_RESTORE:
	case PHASE_PROVE:
		return least(settle, tick);
	case PHASE_INSPECT:
		/* each look at a target that others have is many calls */
		return t->r->held.by == HELD_BY_OTHERS ? OTHERS_TICKS * tick : tick;
	case PHASE_VERIFY:
	case PHASE_WATCH:
	case PHASE_PARKED:
	case PHASE_BAKE:
	case PHASE_SUCCEEDED:
	case PHASE_FAILED:
	case PHASE_COUNT:
		break;
	}
	return tick;
}

/* Is it time to report the job with a token? *in_ms: when it will be, if not. */
static bool report_is_due(const struct turn *t, int64_t *in_ms)
{
	const struct rollout *r = t->r;
	int64_t held = clock_mono(t->w->clock).ms - r->job->taken.ms;
	int64_t due =
		r->moved ? least(REPORT_LEAST_MS, t->w->config->hold_ms) : t->w->config->hold_ms;

	*in_ms = due - held;
	return held >= due;
}

enum turn_end { TURN_WAIT, TURN_LEAVE, TURN_ROUND };

static enum turn_end wait_until(struct turn *t, struct utc until, struct mono *next)
{
	struct rollout *r = t->r;
	struct err err = ERR_INIT;
	int64_t pause = pause_of(t), in = 0;
	int64_t left = until.ms - clock_utc(t->w->clock).ms;

	if (until.ms > 0 && left < pause)
		pause = left > 0 ? left : 1;
	if (r->job && report_is_due(t, &in)) {
		if (slice_report_token(t, &err))
			log_event(r->log, LOG_ERROR, "report.failed", LOG_E(&err));
	} else if (r->job) {
		pause = least(pause, in);
	}
	next->ms = clock_mono(t->w->clock).ms + (pause > 0 ? pause : 1);
	return TURN_WAIT;
}

/*
 * The end cannot be told yet: an output cannot be written, or the disk is full. The job must not be
 * held until CodePipeline loses patience; the next one will find the same end.
 */
static enum turn_end end_later(struct turn *t, const struct err *why, struct mono *next)
{
	struct rollout *r = t->r;
	struct err err = ERR_INIT;
	int64_t in;

	log_event(r->log, LOG_ERROR, "report.failed", LOG_E(why));
	if (r->job && report_is_due(t, &in) && slice_report_token(t, &err))
		log_event(r->log, LOG_ERROR, "report.failed", LOG_E(&err));
	next->ms = clock_mono(t->w->clock).ms + t->w->config->tick_ms;
	return TURN_WAIT;
}

static enum turn_end finish(struct turn *t, struct mono *next)
{
	struct rollout *r = t->r;
	struct err err = ERR_INIT;
	bool over;

	lock_take(&t->w->lock);
	over = r->abandoned;
	lock_drop(&t->w->lock);
	if (!r->job && !over) /* the next job will be told */
		return wait_until(t, (struct utc){0}, next);
	if (r->job ? slice_report_end(t, &err) : slice_save(t, true, &err))
		return end_later(t, &err, next);
	if (over)
		log_event(r->log, LOG_ERROR, "rollout.abandoned",
			  LOG_S("phase", phase_name(r->state.phase)),
			  LOG_S("reason", r->decision.reason));
	return TURN_LEAVE;
}

/* Its action is told a success, and the rollout stays: another action is to come for it. */
static enum turn_end hand_over(struct turn *t, struct mono *next)
{
	struct err err = ERR_INIT;

	if (slice_report_hand_over(t, &err))
		return end_later(t, &err, next);
	next->ms = clock_mono(t->w->clock).ms + t->w->config->tick_ms;
	return TURN_WAIT;
}

/*
 * A rollout without a job wants to go back. Between jobs the last word may have been another
 * worker's: what has succeeded there is not taken back here. Only CodePipeline can tell; when it
 * cannot be asked, a guard's Fail counts. Nor is there anything to take back for one that is over,
 * has changed nothing, and has lost its target to another rollout: what is seen there is the
 * other's.
 */
static bool has_ended_elsewhere(struct turn *t, const struct rollout_state *next)
{
	struct rollout *r = t->r;
	bool over, succeeded;

	if (r->job)
		return false;
	lock_take(&t->w->lock);
	succeeded = r->succeeded; /* the reconciler has asked already */
	over = r->abandoned;
	lock_drop(&t->w->lock);
	if (succeeded || (over && phase_goes_back(next->phase) && !slice_bind(t, next)))
		return true;
	if (over || phase_goes_back(r->state.phase) || !phase_goes_back(next->phase))
		return false;
	if (r->handed_over)
		return reconciler_ask_later(t->w, r->pipeline, r->execution_id,
					    r->action_execution_id, r->id,
					    t->arena) == FATE_SUCCEEDED;
	return reconciler_ask(t->w, r->pipeline, r->execution_id, r->action_execution_id,
			      t->arena) == FATE_SUCCEEDED;
}

/* It ended without us and has to stay as it is: nothing is left to do but to write that down. */
static enum turn_end leave_as_it_is(struct turn *t)
{
	struct rollout *r = t->r;
	struct err err = ERR_INIT;
	bool succeeded;

	lock_take(&t->w->lock);
	succeeded = r->succeeded;
	lock_drop(&t->w->lock);
	/* two workers were of two minds: a guard failed here after its last Pass there */
	if (succeeded && phase_goes_back(r->state.phase))
		log_event(r->log, LOG_ERROR, "rollout.undone_after_success",
			  LOG_S("phase", phase_name(r->state.phase)),
			  LOG_S("cause", r->state.cause_text));
	else
		log_event(r->log, LOG_INFO, "rollout.ended_elsewhere",
			  LOG_S("phase", phase_name(r->state.phase)));
	if (slice_save(t, true, &err))
		log_event(r->log, LOG_ERROR, "ledger.failed", LOG_E(&err));
	return TURN_LEAVE;
}

/* One time round: observe, decide, act. */
static enum turn_end go_round(struct turn *t, struct mono *next)
{
	struct rollout *r = t->r;
	struct rollout_state state;
	struct observation o;
	struct err err = ERR_INIT;
	bool may_act;

	if (slice_look(t, &o, &err))
		return wait_until(t, (struct utc){0}, next);
	rollout_decide(r->plan, &r->state, &o, clock_utc(t->w->clock), &state, &r->decision);
	r->has_act_err = false;
	o.act_error = NULL;
	r->last = o;
	if (has_ended_elsewhere(t, &state))
		return leave_as_it_is(t);
	may_act = take_state(t, &state);
	if (!may_act)
		return wait_until(t, (struct utc){0}, next);
	switch (r->decision.kind) {
	case DECIDE_AGAIN:
		return TURN_ROUND;
	case DECIDE_WAIT:
		return wait_until(t, r->decision.until, next);
	case DECIDE_CHECKPOINT:
		if (r->job && slice_report_token(t, &err))
			log_event(r->log, LOG_ERROR, "report.failed", LOG_E(&err));
		return wait_until(t, (struct utc){0}, next);
	case DECIDE_SUCCEED:
	case DECIDE_FAIL:
	case DECIDE_REFUSE:
		return finish(t, next);
	case DECIDE_HAND_OVER:
		return hand_over(t, next);
	case DECIDE_PREPARE:
	case DECIDE_SPLIT:
	case DECIDE_PROMOTE:
	case DECIDE_RETIRE:
	case DECIDE_RESTORE:
	case DECIDE_DISCARD:
		break;
	}
	/* once is enough in a turn: what has not taken effect by the next look takes its time */
	if (t->has_acted && t->acted == r->decision.kind &&
	    t->acted_for.weight_bp == r->decision.traffic.weight_bp &&
	    t->acted_for.segments == r->decision.traffic.segments)
		return wait_until(t, (struct utc){0}, next);
	t->has_acted = true;
	t->acted = r->decision.kind;
	t->acted_for = r->decision.traffic;
	if (slice_act(t, &r->decision, &o, &err))
		return act_failed(t, &r->decision, &err) ? TURN_ROUND
							 : wait_until(t, (struct utc){0}, next);
	slice_record_act(t, &r->decision, NULL);
	log_event(r->log, LOG_INFO, "rollout.act", LOG_S("act", slice_act_name(r->decision.kind)),
		  LOG_I("weight_bp", r->decision.traffic.weight_bp),
		  LOG_S("reason", r->decision.reason));
	/* preparation takes many small steps, each of which takes its time */
	return r->decision.kind == DECIDE_PREPARE ? wait_until(t, (struct utc){0}, next)
						  : TURN_ROUND;
}

/* How long to try again what stands before the first look. */
static bool tried_long_enough(const struct turn *t)
{
	const struct rollout_state *s = &t->r->state;
	/* while the target is waited for only a look that fails counts */
	int64_t since_ms = s->hold_since.ms ? t->r->trying_since.ms : s->phase_since.ms;

	return t->r->has_state && s->phase <= PHASE_PREPARE && !s->touched && since_ms > 0 &&
	       clock_utc(t->w->clock).ms - since_ms >= phase_limit_ms(PHASE_INSPECT);
}

/* The action is refused, the rollout it named is not its own: where it is known here it stays. */
static enum turn_end refuse_attachment(struct turn *t, enum failure failure, const char *message,
				       struct mono *next)
{
	struct err err = ERR_INIT;

	if (slice_report_job_failure(t, failure, message, &err))
		return end_later(t, &err, next);
	next->ms = clock_mono(t->w->clock).ms + 1;
	return t->r->known ? TURN_WAIT : TURN_LEAVE;
}

/* The job cannot be gone on with: say so, unless trying again may help. */
static enum turn_end refuse(struct turn *t, enum failure failure, const char *message,
			    const struct err *why, struct mono *next)
{
	struct rollout *r = t->r;
	struct err err = ERR_INIT;

	if (why->code == ERR_CANCELED || (err_is_retryable(why) && !tried_long_enough(t))) {
		log_event(r->log, LOG_WARN, "rollout.delayed", LOG_E(why));
		return wait_until(t, (struct utc){0}, next);
	}
	if (job_attaches(r->job) && !r->job->problem)
		return refuse_attachment(t, failure, message, next);
	if (slice_report_refusal(t, failure, message, &err))
		return end_later(t, &err, next);
	return TURN_LEAVE;
}

/*
 * No job, and none was opened or looked at before: nothing to go by until the next one comes.
 * When the action is over meanwhile there will be none; then the undo record alone has to do.
 */
static enum turn_end without_plan(struct turn *t, struct mono *next)
{
	struct rollout *r = t->r;
	struct err err = ERR_INIT;
	bool succeeded, over;

	lock_take(&t->w->lock);
	succeeded = r->succeeded;
	over = r->abandoned;
	lock_drop(&t->w->lock);
	if (!succeeded && !over)
		return wait_until(t, (struct utc){0}, next);
	if (succeeded || !r->state.touched || phase_is_final(r->state.phase))
		return leave_as_it_is(t);
	if (slice_fall_back(t, "the pipeline execution is over", &err)) {
		log_event(r->log, LOG_ERROR, "rollout.stranded", LOG_E(&err),
			  LOG_S("undo", r->state.undo));
		slice_unlock(t); /* what it left is what the target shows */
		return TURN_LEAVE;
	}
	next->ms = clock_mono(t->w->clock).ms + 1;
	return TURN_WAIT;
}

/* Open the job, have the target to itself, inspected; then go round. */
static enum turn_end turn_run(struct turn *t, struct mono *next)
{
	struct rollout *r = t->r;
	enum failure failure = FAILURE_CONFIGURATION_ERROR;
	enum turn_end end = TURN_ROUND;
	struct err err = ERR_INIT;
	struct buf message;

	buf_init(&message, LIMIT_FAILURE_MESSAGE);
	if (r->job && !r->opened && slice_open(t, &failure, &message, &err)) {
		end = refuse(t, failure, message.p, &err, next);
		goto out;
	}
	slice_note_held(t);
	r->known |= r->job != NULL;
	slice_record_begin(t);
	if (!r->plan || (!r->job && slice_is_blank(&r->state))) {
		end = without_plan(t, next);
		goto out;
	}
	if (slice_target(t, &err)) {
		end = wait_until(t, (struct utc){0}, next);
		goto out;
	}
	if (slice_begin(t, &failure, &message, &err)) {
		end = refuse(t, failure, message.p, &err, next);
		goto out;
	}
	slice_record_about(t);
	for (int i = 0; i < ROUNDS_MAX && end == TURN_ROUND; i++) {
		/* a safe point; but a restore that has begun is seen through */
		if (is_stopping(t->w) && r->state.phase != PHASE_RESTORE)
			break;
		end = go_round(t, next);
	}
	if (end == TURN_ROUND)
		end = wait_until(t, (struct utc){0}, next);
out:
	buf_release(&message);
	return end;
}

/*
 * At a stop: hand the job back with a token and leave; the ledger remembers the rest. A job that
 * has not been opened goes back with the state it came with.
 */
static bool leave_for_stop(struct turn *t)
{
	struct rollout *r = t->r;
	struct err err = ERR_INIT;

	if (r->job && (slice_take_state(t, &err) || slice_report_token(t, &err))) {
		log_event(r->log, LOG_ERROR, "report.failed", LOG_E(&err));
		return false;
	}
	return true;
}

/* Out of the list, unless a job has come in meanwhile. True when the rollout is gone. */
static bool leave(struct rollout *r)
{
	struct worker *w = r->worker;
	struct rollout **p;
	bool busy;

	lock_take(&w->lock);
	busy = r->incoming != NULL;
	for (p = &w->rollouts; !busy && *p; p = &(*p)->next) {
		if (*p == r) {
			*p = r->next;
			w->n_rollouts--;
			break;
		}
	}
	lock_drop(&w->lock);
	if (busy)
		return false;
	rollout_free(r);
	return true;
}

/* The next turn opens a job: it fetches and unpacks. */
static bool is_heavy(struct rollout *r)
{
	struct worker *w = r->worker;
	bool incoming;

	lock_take(&w->lock);
	incoming = r->incoming != NULL;
	lock_drop(&w->lock);
	return incoming || (r->job && !r->opened);
}

bool slice_run(struct task *task, struct mono now, struct mono *next)
{
	struct rollout *r = (struct rollout *)task;
	struct turn t = {.r = r,
			 .w = r->worker,
			 .arena = arena_new(),
			 .began = clock_utc(r->worker->clock)};
	enum turn_end end = TURN_WAIT;

	next->ms = now.ms + t.w->config->tick_ms;
	take_incoming(&t);
	if (!is_stopping(t.w) || (r->job && r->opened) || r->state.phase == PHASE_RESTORE)
		end = turn_run(&t, next);
	if (end != TURN_LEAVE && is_stopping(t.w) && leave_for_stop(&t))
		end = TURN_LEAVE;
	slice_note_held(&t);
	if (end != TURN_LEAVE)
		r->task.heavy = is_heavy(r);
	slice_record_flush(&t, end == TURN_LEAVE);
	metrics_phase(&t.w->metrics, &r->counted, r->has_state ? r->state.phase : METRICS_NOWHERE);
	metrics_count(&t.w->metrics, METRIC_TURNS);
	metrics_add(&t.w->metrics, METRIC_TURN_MS,
		    (uint64_t)(clock_mono(t.w->clock).ms - now.ms));
	arena_free(t.arena);
	return end != TURN_LEAVE || !leave(r);
}
