#ifndef WORKER_REPORT_METRICS_H
#define WORKER_REPORT_METRICS_H

#include <stdatomic.h>
#include <stdint.h>

#include "worker/rollout/phase.h"
#include "worker/rollout/plan.h"
#include "worker/rollout/verdict.h"

/*
 * What this process has counted since it started. Counting is one atomic addition: it takes no lock
 * and never waits, so that a turn costs the same whether anybody reads or not. A reader gets each
 * number as it is at that moment, not all of one moment. Calls of AWS are counted where they are
 * made (aws_stats() in aws/call.h).
 */

/* Counters: the family's name without "rollout_worker_", its label, and what it counts. */
#define METRICS(X)                                                                               \
	X(POLLS_JOBS, "polls_total", "result=\"jobs\"", "Polls that have ended.")                \
	X(POLLS_EMPTY, "polls_total", "result=\"empty\"", "")                                    \
	X(POLLS_FAILED, "polls_total", "result=\"failed\"", "")                                  \
	X(JOBS_TAKEN, "jobs_total", "result=\"taken\"", "Jobs that a poll brought.")             \
	X(JOBS_MISSED, "jobs_total", "result=\"missed\"", "")                                    \
	X(REPORTS_ACCEPTED, "reports_total", "result=\"accepted\"", "Attempts to report a job.") \
	X(REPORTS_REFUSED, "reports_total", "result=\"refused\"", "")                            \
	X(REPORTS_DELAYED, "reports_total", "result=\"delayed\"", "")                            \
	X(TURNS, "turns_total", "", "Turns of rollouts that have ended.")                        \
	X(TURN_MS, "turn_milliseconds_total", "", "Time spent in them.")                         \
	X(ENDED_SUCCEEDED, "rollouts_ended_total", "result=\"succeeded\"",                       \
	  "Rollouts whose end was reported here.")                                               \
	X(ENDED_FAILED, "rollouts_ended_total", "result=\"failed\"", "")                         \
	X(ENDED_REFUSED, "rollouts_ended_total", "result=\"refused\"", "")                       \
	X(ROLLBACKS, "rollbacks_total", "", "Times that a rollout began to go back.")            \
	X(NOT_RESTORED, "not_restored_total", "",                                                \
	  "Rollouts that ended without proof that the baseline is well.")                        \
	X(NOTICES_SENT, "notices_total", "result=\"sent\"", "Notices, and what became of them.") \
	X(NOTICES_FAILED, "notices_total", "result=\"delayed\"", "")                             \
	X(NOTICES_DROPPED, "notices_total", "result=\"dropped\"", "")

enum metric {
#define X(name, family, label, help) METRIC_##name,
	METRICS(X)
#undef X
		METRIC_COUNT
};

/*
 * Upper bounds, in milliseconds, of the classes of reaction times: from the decision to go back to
 * the baseline that was read back. The last class has none.
 */
#define REACTION_CLASSES 8
extern const int64_t REACTION_BOUNDS_MS[REACTION_CLASSES - 1];

#define VERDICT_KINDS (VERDICT_FAIL + 1)

/* All zero at the start. */
struct metrics {
	atomic_uint_fast64_t counters[METRIC_COUNT];
	atomic_uint_fast64_t verdicts[GUARD_KIND_COUNT][VERDICT_KINDS];
	atomic_uint_fast64_t reactions[REACTION_CLASSES]; /* in this class alone */
	atomic_uint_fast64_t reaction_ms;		  /* all of them together */
	atomic_int_fast64_t rollouts[PHASE_COUNT];	  /* known now */
	atomic_int_fast64_t outbox;			  /* reports that wait */
};

static inline void metrics_add(struct metrics *m, enum metric what, uint64_t n)
{
	atomic_fetch_add_explicit(&m->counters[what], n, memory_order_relaxed);
}

static inline void metrics_count(struct metrics *m, enum metric what)
{
	metrics_add(m, what, 1);
}

static inline uint64_t metrics_get(const struct metrics *m, enum metric what)
{
	return atomic_load_explicit(&m->counters[what], memory_order_relaxed);
}

void metrics_verdict(struct metrics *m, enum guard_kind guard, enum verdict_kind verdict);
void metrics_reaction(struct metrics *m, int64_t ms);
void metrics_outbox(struct metrics *m, size_t waiting);

/*
 * A rollout is in this phase now. *counted is where it was counted last and belongs to the rollout:
 * METRICS_NOWHERE before the first time; with that as `now` it is counted no more.
 */
#define METRICS_NOWHERE PHASE_COUNT
void metrics_phase(struct metrics *m, enum phase *counted, enum phase now);

const char *metrics_guard_name(enum guard_kind k); /* "alarm" */

#endif
