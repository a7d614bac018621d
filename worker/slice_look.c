#include "worker/slice.h"

#include <string.h>

/* One look: all that a decision is made from, read and never remembered. */
/* Alarm states are shared for a quarter of a tick: of a whole one, a red alarm could be seen a tick
 * late. Calls stay bounded by the tick, whatever the number of rollouts. */
#define SHARED_AGE_PART 4

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

/*
 * An end needs no look but to be undone; and a success that could not be told in the turn that has
 * decided it, as it may have been taken back since. So does a failure when another worker went
 * forward after it, unless the target is another rollout's by now.
 */
static bool needs_a_look(const struct turn *t, enum mode mode)
{
	const struct rollout_state *s = &t->r->state;

	if (!phase_is_final(s->phase) || mode == MODE_ROLLBACK)
		return true;
	if (s->phase == PHASE_FAILED)
		return t->r->contested && t->r->locked;
	return s->phase == PHASE_SUCCEEDED && t->r->job && !rollout_ended_before(s) &&
	       s->phase_since.ms < t->began.ms;
}

int slice_look(struct turn *t, struct observation *o, struct err *err)
{
	struct rollout *r = t->r;
	enum mode mode = r->job ? r->job->mode : MODE_DEPLOY;
	unsigned in = rollout_guards_of(r->plan, &r->state, mode);
	struct rollout_state as = r->state;
	struct guard_env guards = {.target = &t->env,
				   .ops = t->ops,
				   .alarms = t->w->alarms,
				   .max_age_ms = t->w->config->tick_ms / SHARED_AGE_PART};

	*o = (struct observation){
		.token_held = r->token_held, .mode = mode, .between_jobs = r->job == NULL};
	as.phase = rollout_look_as(r->plan, &r->state, mode);
	lock_take(&t->w->lock);
	o->abandoned = r->abandoned;
	lock_drop(&t->w->lock);
	o->held = r->held;
	if (!needs_a_look(t, mode))
		return 0;
	if (look_for_command(t, o, err)) {
		log_event(r->log, LOG_ERROR, "ledger.failed", LOG_E(err));
		*err = ERR_INIT;
		/* an operator may have said so: nothing goes forward until that is known */
		o->operator_command = OPERATOR_HOLD;
		o->operator_name = "a ledger that cannot be read";
	}
	/* somebody else's target; or there was nothing to look at it by */
	if (o->held.by != HELD_BY_NOBODY || slice_is_blank(&r->state))
		return 0;
	if (t->ops->observe(&t->env, &as, &o->target, err))
		return -1;
	o->looked = true;
	for (size_t i = 0; i < r->plan->n_guards; i++)
		o->has_guards |= (r->plan->guards[i].in & in) != 0;
	if (o->has_guards && guards_ask(&guards, &as, &o->target, in, r->state.failures,
					&o->guards, r->verdicts, err))
		return -1;
	for (size_t i = 0; o->has_guards && i < r->plan->n_guards; i++)
		if (r->plan->guards[i].in & in)
			metrics_verdict(&t->w->metrics, r->plan->guards[i].kind,
					r->verdicts[i].kind);
	if (r->has_act_err)
		o->act_error = &r->act_err;
	r->seen = o->target;
	slice_record_look(t, o, in);
	return 0;
}
