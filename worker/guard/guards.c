#include <assert.h>

#include "worker/guard/guard.h"

/* All guards of a plan, asked in its order and joined. */

void guard_count(struct verdict *v, unsigned failures, int64_t limit)
{
	v->measured.has_value = true;
	v->measured.value = failures;
	v->measured.has_limit = true;
	v->measured.limit = (double)limit;
	v->measured.fails = "at or above";
}

const struct guard_ops *guard_of(enum guard_kind k)
{
	static const struct guard_ops *const table[GUARD_KIND_COUNT] = {
		[GUARD_ALARM] = &guard_alarm,	[GUARD_METRIC] = &guard_metric,
		[GUARD_PROBE] = &guard_probe,	[GUARD_INVOKE] = &guard_invoke,
		[GUARD_HEALTH] = &guard_health,
	};

	assert((unsigned)k < GUARD_KIND_COUNT);
	return table[k];
}

int guards_ask(const struct guard_env *env, const struct rollout_state *s,
	       const struct target_observation *o, unsigned in, uint8_t failures[LIMIT_GUARDS],
	       struct verdict *joined, struct verdict *verdicts, struct err *err)
{
	const struct plan *plan = env->target->plan;
	struct verdict asked[LIMIT_GUARDS];
	size_t n = 0;

	for (size_t i = 0; i < plan->n_guards; i++) {
		const struct plan_guard *g = &plan->guards[i];
		struct verdict v = {.kind = VERDICT_UNKNOWN};

		if (g->in & in) {
			if (guard_of(g->kind)->ask(env, g, s, o, &failures[i], &v, err))
				return -1;
			asked[n++] = v;
		}
		if (verdicts)
			verdicts[i] = v;
	}
	*joined = verdict_join(asked, n, clock_utc(env->target->client.aws->clock));
	return 0;
}
