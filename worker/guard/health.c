#include "worker/guard/guard.h"

/*
 * The target's own view of the candidate: the targets behind a load balancer, a version's state.
 * The question is the target's observe(), asked as if the candidate were being verified, because
 * that is the phase in which it looks at the candidate's health.
 */
static int ask(const struct guard_env *env, const struct plan_guard *g,
	       const struct rollout_state *s, const struct target_observation *o, uint8_t *failures,
	       struct verdict *out, struct err *err)
{
	struct rollout_state as_verify = *s;
	struct target_observation seen;
	struct utc now = clock_utc(env->target->client.aws->clock);

	(void)o;
	as_verify.phase = PHASE_VERIFY;
	if (env->ops->observe(env->target, &as_verify, &seen, err))
		return -1;
	if (seen.live == LIVE_UNREADABLE) {
		*out = verdict_make(VERDICT_ERROR, now, "health: %s", seen.detail);
	} else if (seen.candidate == CANDIDATE_READY || seen.candidate == CANDIDATE_SAME) {
		*failures = 0;
		*out = verdict_make(VERDICT_PASS, now, "the candidate is healthy");
	} else {
		if (*failures < 255)
			(*failures)++;
		*out = verdict_make(*failures >= g->failures ? VERDICT_FAIL : VERDICT_UNKNOWN, now,
				    "the candidate is not healthy, %d looks in a row: %s",
				    *failures, seen.detail);
	}
	guard_count(out, *failures, g->failures);
	return 0;
}

static int check(const struct guard_env *env, const struct plan_guard *g, struct problems *p,
		 struct err *err)
{
	(void)env;
	(void)g;
	(void)p;
	(void)err;
	return 0;
}

static void calls(const struct plan_guard *g, const struct plan *plan, struct arena *a,
		  void (*add)(void *arg, const struct target_call *c), void *arg)
{
	(void)g;
	(void)plan;
	(void)a;
	(void)add;
	(void)arg; /* the target's own reads */
}

const struct guard_ops guard_health = {"health", check, ask, calls};
