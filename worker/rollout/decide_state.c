#include "worker/rollout/decide.h"

/* What a state alone says, or is made to say, before anybody has looked at the world. */

void rollout_begin(const struct plan *plan, const char *id, struct utc now, struct rollout_state *s)
{
	*s = (struct rollout_state){
		.seq = 1, .phase = PHASE_INSPECT, .started = now, .phase_since = now};
	str_copy(s->id, sizeof(s->id), str_from(id));
	str_copy(s->plan_digest, sizeof(s->plan_digest), str_from(plan->digest));
}

void rollout_attach(struct rollout_state *s, struct utc now)
{
	/* later than the end, even when another worker's clock was ahead of ours */
	s->started.ms = now.ms > s->phase_since.ms ? now.ms : s->phase_since.ms + 1;
	s->hold_since.ms = 0;
	s->seq++;
}

bool rollout_ended_before(const struct rollout_state *s)
{
	return phase_is_final(s->phase) && s->started.ms > s->phase_since.ms;
}

bool rollout_is_before_traffic(const struct plan *plan, const struct rollout_state *s)
{
	return s->phase == PHASE_PARKED && (size_t)s->step < plan->n_steps &&
	       plan->steps[s->step].weight_bp == 10000;
}

unsigned rollout_guards_of(const struct plan *plan, const struct rollout_state *s, enum mode mode)
{
	if (!rollout_is_before_traffic(plan, s))
		return rollout_guards_in(s->phase);
	return mode == MODE_DEPLOY ? 0 : GUARD_IN_VERIFY;
}

enum phase rollout_look_as(const struct plan *plan, const struct rollout_state *s, enum mode mode)
{
	if (s->phase == PHASE_SUCCEEDED && mode != MODE_ROLLBACK)
		return PHASE_RETIRE;
	if (phase_is_final(s->phase))
		return PHASE_RESTORE;
	if (s->phase != PHASE_PARKED)
		return s->phase;
	return rollout_is_before_traffic(plan, s) ? PHASE_VERIFY : PHASE_WATCH;
}

unsigned rollout_guards_in(enum phase p)
{
	switch (p) {
	case PHASE_VERIFY:
		return GUARD_IN_VERIFY;
	case PHASE_SHIFT: /* propagation takes minutes on some load balancers */
	case PHASE_WATCH:
	case PHASE_PARKED:
	case PHASE_PROMOTE:
		return GUARD_IN_WATCH;
	case PHASE_BAKE:
		return GUARD_IN_BAKE;
	case PHASE_INSPECT:
	case PHASE_PREPARE:
	case PHASE_RETIRE:
	case PHASE_RESTORE:
	case PHASE_PROVE:
	case PHASE_SUCCEEDED:
	case PHASE_FAILED:
	case PHASE_COUNT:
		break;
	}
	return 0;
}
