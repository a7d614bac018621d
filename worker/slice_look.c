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

/* Everything a decision needs, by reading only. -1 when the call was canceled. */
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

	*o = (struct observation){.token_held = r->token_held, .mode = mode};
	as.phase = rollout_look_as(r->plan, &r->state);
	lock_take(&t->w->lock);
	o->abandoned = r->abandoned;
	lock_drop(&t->w->lock);
	if (phase_is_final(r->state.phase) && mode != MODE_ROLLBACK)
		return 0;
	if (look_for_command(t, o, err)) {
		log_event(r->log, LOG_ERROR, "ledger.failed", LOG_E(err));
		*err = ERR_INIT;
		/* an operator may have said so: nothing goes forward until that is known */
		o->operator_command = OPERATOR_HOLD;
		o->operator_name = "a ledger that cannot be read";
	}
	if (t->ops->observe(&t->env, &as, &o->target, err))
		return -1;
	for (size_t i = 0; i < r->plan->n_guards; i++)
		o->has_guards |= (r->plan->guards[i].in & in) != 0;
	if (o->has_guards && guards_ask(&guards, &as, &o->target, in, r->state.failures,
					&o->guards, r->verdicts, err))
		return -1;
	if (r->has_act_err)
		o->act_error = &r->act_err;
	r->seen = o->target;
	return 0;
}
