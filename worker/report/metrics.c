#include "worker/report/metrics.h"

#include <assert.h>

const int64_t REACTION_BOUNDS_MS[REACTION_CLASSES - 1] = {500,	 1000,	2500, 5000,
							  10000, 30000, 60000};

static void add(atomic_uint_fast64_t *counter, uint64_t n)
{
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

void metrics_verdict(struct metrics *m, enum guard_kind guard, enum verdict_kind verdict)
{
	assert((unsigned)guard < GUARD_KIND_COUNT && (unsigned)verdict < VERDICT_KINDS);
	add(&m->verdicts[guard][verdict], 1);
}

void metrics_reaction(struct metrics *m, int64_t ms)
{
	size_t class = 0;

	if (ms < 0)
		ms = 0; /* the wall clock was set back meanwhile */
	while (class < REACTION_CLASSES - 1 && ms > REACTION_BOUNDS_MS[class])
		class ++;
	add(&m->reactions[class], 1);
	add(&m->reaction_ms, (uint64_t)ms);
}

void metrics_outbox(struct metrics *m, size_t waiting)
{
	atomic_store_explicit(&m->outbox, (int64_t)waiting, memory_order_relaxed);
}

void metrics_phase(struct metrics *m, enum phase *counted, enum phase now)
{
	assert((unsigned)*counted <= METRICS_NOWHERE && (unsigned)now <= METRICS_NOWHERE);
	if (*counted == now)
		return;
	if (*counted != METRICS_NOWHERE)
		atomic_fetch_sub_explicit(&m->rollouts[*counted], 1, memory_order_relaxed);
	if (now != METRICS_NOWHERE)
		atomic_fetch_add_explicit(&m->rollouts[now], 1, memory_order_relaxed);
	*counted = now;
}

const char *metrics_guard_name(enum guard_kind k)
{
	static const char *const names[GUARD_KIND_COUNT] = {
		[GUARD_ALARM] = "alarm",   [GUARD_METRIC] = "metric", [GUARD_PROBE] = "probe",
		[GUARD_INVOKE] = "invoke", [GUARD_HEALTH] = "health",
	};

	assert((unsigned)k < GUARD_KIND_COUNT);
	return names[k];
}
