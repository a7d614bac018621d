#ifndef WORKER_LEDGER_NOTICE_H
#define WORKER_LEDGER_NOTICE_H

#include "worker/ledger.h"

/*
 * Notices that nobody has taken yet: what is to be told about rollouts to whoever listens (see
 * notices.h). Each is written with the change of state that it tells, so that a crash loses neither
 * or both, and stays until every place it goes to has taken it. There are never more than
 * LEDGER_NOTICES_MAX: the oldest make room.
 */
#define LEDGER_NOTICES_MAX 1000

/* Where a notice goes: a set. */
enum notice_sink { NOTICE_TOPIC = 1 << 0, NOTICE_BUS = 1 << 1 };

struct ledger_notice {
	int64_t n;	     /* given by the ledger: the order in which they were written */
	const char *id;	     /* one for ever: writing a notice again changes nothing */
	const char *rollout_id, *event, *pipeline, *target;
	const char *subject; /* one line for people */
	const char *detail;  /* JSON */
	struct utc at;
	unsigned sinks;	     /* that have not taken it yet */
	int64_t attempts;    /* that failed, and what the last of them said, or NULL */
	const char *problem;
};

/* Write one that comes with no state. */
int ledger_notice_put(struct ledger *l, const struct ledger_notice *notice, size_t *dropped,
		      struct err *err) MUST_CHECK;

/* Those that this sink has not taken, oldest first, at most max. */
int ledger_notices(struct ledger *l, enum notice_sink sink, size_t max, struct arena *a,
		   struct ledger_notice **notices, size_t *n, struct err *err) MUST_CHECK;

/* The sink has taken it, or never will: forget it when it was the last one. */
int ledger_notice_done(struct ledger *l, int64_t n, enum notice_sink sink,
		       struct err *err) MUST_CHECK;
int ledger_notice_tried(struct ledger *l, int64_t n, const char *problem,
			struct err *err) MUST_CHECK;
/* Forget those of sinks that are not in this set, and all that are older than this. */
int ledger_notices_expire(struct ledger *l, struct utc before, unsigned sinks, size_t *dropped,
			  struct err *err) MUST_CHECK;

/* --- what waits to get out: for figures and status -------------------------------------------- */
struct ledger_backlog {
	int64_t reports, notices, waiting; /* waiting: rollouts that want a target to be free */
	struct utc oldest_report, oldest_notice; /* 0: there is none */
	const char *problem; /* of the oldest notice tried in vain, in the arena, or NULL */
};
int ledger_backlog(struct ledger *l, struct arena *a, struct ledger_backlog *b,
		   struct err *err) MUST_CHECK;

/* Its file, or NULL when it is in memory. */
const char *ledger_path(struct ledger *l);

#endif
