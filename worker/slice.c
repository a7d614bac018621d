#include "worker/slice.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "worker/reconciler.h"

/*
 * The level-triggered loop: observe, decide, act, and observe again. Nothing is assumed from last
 * time. The state decided is on disk before the act that follows from it; the token that
 * CodePipeline keeps is refreshed whenever the job is reported.
 */
#define ROUNDS_MAX 24	      /* acts in one turn; more would be a loop without progress */
#define REPORT_LEAST_MS 15000 /* sooner would be a hot loop of jobs */
/* Alarm states are shared for a quarter of a tick: of a whole one, a red alarm could be seen a tick
 * late. Calls stay bounded by the tick, whatever the number of rollouts. */
#define SHARED_AGE_PART 4
#define SETTLE_MS 2000 /* how soon to look again while something is taking effect */

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void take_incoming(struct rollout *r)
{
	struct worker *w = r->worker;
	struct err err = ERR_INIT;
	struct job *j;

	lock_take(&w->lock);
	j = r->incoming;
	r->incoming = NULL;
	lock_drop(&w->lock);
	if (!j)
		return;
	if (r->job) { /* a second one for the same action: the older is dead to CodePipeline */
		if (strcmp(r->job->id, j->id) != 0 &&
		    ledger_job_forget(w->ledger, r->job->id, &err))
			log_event(r->log, LOG_ERROR, "ledger.failed", LOG_E(&err));
		slice_drop_job(r);
	}
	lock_take(&w->lock);
	w->n_jobs += !r->holds_job; /* dropping the older one has given its slot back */
	r->holds_job = true;
	lock_drop(&w->lock);
	r->job = j;
	r->opened = false;
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

/* --- observe -------------------------------------------------------------------------------- */

static int look_for_command(struct turn *t, struct observation *o, struct err *err)
{
	struct ledger_command *c;

	if (ledger_command_get(t->w->ledger, t->r->id, t->arena, &c, err))
		return -1;
	if (!c)
		return 0;
	o->operator_name = c->user;
	/* an approval is for the step it was given in, not for those to come */
	if (!strcmp(c->command, "promote") && c->at.ms > t->r->state.phase_since.ms)
		o->operator_command = OPERATOR_PROMOTE;
	else if (!strcmp(c->command, "rollback"))
		o->operator_command = OPERATOR_ROLLBACK;
	else if (!strcmp(c->command, "hold"))
		o->operator_command = OPERATOR_HOLD;
	return 0;
}

/* Everything a decision needs, by reading only. -1 when the call was canceled. */
static int observe(struct turn *t, struct observation *o, struct err *err)
{
	struct rollout *r = t->r;
	unsigned in = rollout_guards_in(r->state.phase);
	struct guard_env guards = {.target = &t->env,
				   .ops = t->ops,
				   .alarms = t->w->alarms,
				   .max_age_ms = t->w->config->tick_ms / SHARED_AGE_PART};

	*o = (struct observation){.token_held = r->token_held};
	lock_take(&t->w->lock);
	o->abandoned = r->abandoned;
	lock_drop(&t->w->lock);
	if (phase_is_final(r->state.phase))
		return 0;
	if (look_for_command(t, o, err)) {
		log_event(r->log, LOG_ERROR, "ledger.failed", LOG_E(err));
		*err = ERR_INIT;
	}
	if (t->ops->observe(&t->env, &r->state, &o->target, err))
		return -1;
	for (size_t i = 0; i < r->plan->n_guards; i++)
		o->has_guards |= (r->plan->guards[i].in & in) != 0;
	if (o->has_guards && guards_ask(&guards, &r->state, &o->target, in, r->state.failures,
					&o->guards, r->verdicts, err))
		return -1;
	if (r->has_act_err)
		o->act_error = &r->act_err;
	r->seen = o->target;
	return 0;
}

/* --- decide --------------------------------------------------------------------------------- */

static bool goes_back(const struct rollout_state *s)
{
	return s->phase == PHASE_RESTORE || s->phase == PHASE_PROVE || s->phase == PHASE_FAILED;
}

static void note_phase(struct turn *t, const struct rollout_state *from)
{
	struct rollout *r = t->r;
	const struct rollout_state *s = &r->state;
	struct err err = ERR_INIT;
	const char *text = arena_printf(t->arena, "%s to %s, step %d: %s", phase_name(from->phase),
					phase_name(s->phase), s->step + 1, r->decision.reason);

	log_event(r->log, s->phase == PHASE_RESTORE ? LOG_WARN : LOG_INFO, "rollout.phase",
		  LOG_S("from", phase_name(from->phase)), LOG_S("to", phase_name(s->phase)),
		  LOG_I("step", s->step), LOG_S("reason", r->decision.reason));
	if (ledger_note(t->w->ledger, r->id, clock_utc(t->w->clock), phase_name(s->phase), text,
			&err))
		log_event(r->log, LOG_ERROR, "ledger.failed", LOG_E(&err));
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

	if (!r->job && !goes_back(next) && !phase_is_final(before.phase)) {
		r->state.hold_since = next->hold_since;
		return false;
	}
	if (next->seq == before.seq)
		return true;
	r->state = *next;
	if (next->phase != before.phase || next->step != before.step) {
		r->moved = true;
		note_phase(t, &before);
	}
	if (slice_save(t, false, &err)) {
		log_event(r->log, LOG_ERROR, "ledger.failed", LOG_E(&err));
		return goes_back(next);
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

	switch (t->r->state.phase) {
	case PHASE_PREPARE:
	case PHASE_SHIFT:
	case PHASE_PROMOTE:
	case PHASE_RETIRE:
	case PHASE_RESTORE:
	case PHASE_PROVE:
		return least(SETTLE_MS, tick);
	case PHASE_INSPECT:
	case PHASE_VERIFY:
	case PHASE_WATCH:
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

/*
 * A parked rollout wants to go back. Between jobs the last word may have been another worker's:
 * what has succeeded there is not taken back here. Only CodePipeline can tell; when it cannot be
 * asked, a guard's Fail counts.
 */
static bool has_succeeded_elsewhere(struct turn *t, const struct rollout_state *next)
{
	struct rollout *r = t->r;
	bool over, succeeded;

	if (r->job)
		return false;
	lock_take(&t->w->lock);
	succeeded = r->succeeded; /* the reconciler has asked already */
	over = r->abandoned;
	lock_drop(&t->w->lock);
	if (succeeded)
		return true;
	return !over && !goes_back(&r->state) && goes_back(next) &&
	       reconciler_ask(t->w, r->pipeline, r->execution_id, r->action_execution_id,
			      t->arena) == FATE_SUCCEEDED;
}

/* It ended without us and has to stay as it is: nothing is left to do but to write that down. */
static enum turn_end leave_as_it_is(struct turn *t)
{
	struct rollout *r = t->r;
	struct err err = ERR_INIT;

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

	if (observe(t, &o, &err))
		return wait_until(t, (struct utc){0}, next);
	rollout_decide(r->plan, &r->state, &o, clock_utc(t->w->clock), &state, &r->decision);
	r->has_act_err = false;
	o.act_error = NULL;
	r->last = o;
	if (has_succeeded_elsewhere(t, &state))
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
		return finish(t, next);
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

	return t->r->has_state && s->phase == PHASE_INSPECT &&
	       clock_utc(t->w->clock).ms - s->started.ms >= phase_limit_ms(PHASE_INSPECT);
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
	if (slice_report_refusal(t, failure, message, &err))
		return end_later(t, &err, next);
	return TURN_LEAVE;
}

static bool is_uninspected(const struct rollout *r)
{
	return r->state.phase == PHASE_INSPECT && !r->state.undo[0];
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
		return TURN_LEAVE;
	}
	next->ms = clock_mono(t->w->clock).ms + 1;
	return TURN_WAIT;
}

/* Open the job and inspect the target where that has not been done; then go round. */
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
	if (!r->plan || (!r->job && is_uninspected(r))) {
		end = without_plan(t, next);
		goto out;
	}
	if (slice_target(t, &err)) {
		end = wait_until(t, (struct utc){0}, next);
		goto out;
	}
	if (is_uninspected(r) && slice_inspect(t, &failure, &message, &err)) {
		end = refuse(t, failure, message.p, &err, next);
		goto out;
	}
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
	struct turn t = {.r = r, .w = r->worker, .arena = arena_new()};
	enum turn_end end = TURN_WAIT;

	next->ms = now.ms + t.w->config->tick_ms;
	take_incoming(r);
	if (!is_stopping(t.w) || (r->job && r->opened) || r->state.phase == PHASE_RESTORE)
		end = turn_run(&t, next);
	if (end != TURN_LEAVE && is_stopping(t.w) && leave_for_stop(&t))
		end = TURN_LEAVE;
	if (end != TURN_LEAVE)
		r->task.heavy = is_heavy(r);
	arena_free(t.arena);
	return end != TURN_LEAVE || !leave(r);
}

void slice_drop_job(struct rollout *r)
{
	struct worker *w = r->worker;

	if (!r->job)
		return;
	job_free(r->job);
	r->job = NULL;
	r->opened = false;
	artifact_close(r->artifact);
	r->artifact = NULL;
	lock_take(&w->lock);
	w->n_jobs -= r->holds_job;
	r->holds_job = false;
	lock_drop(&w->lock);
}
