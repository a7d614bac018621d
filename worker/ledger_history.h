#ifndef WORKER_LEDGER_HISTORY_H
#define WORKER_LEDGER_HISTORY_H

#include "worker/ledger.h"
#include "worker/report/history.h"

/*
 * The history of rollouts in the ledger. It is written along with the row of its rollout, or alone
 * when that does not change; losing it costs a report, nothing else.
 */
struct ledger_history {
	const struct history_row *rows; /* each has its seq: a row that is there is replaced */
	size_t n;
	const int64_t *forget; /* the seq of rows that go */
	size_t n_forget;
};

/* One transaction. ERR_SYSTEM as every write. */
int ledger_history_put(struct ledger *l, const char *rollout_id, const struct ledger_history *h,
		       struct err *err) MUST_CHECK;

/* In the order of their seq, in the arena; kind HISTORY_KIND_COUNT: all of them. */
int ledger_history_get(struct ledger *l, const char *rollout_id, enum history_kind kind,
		       struct arena *a, struct history_row **rows, size_t *n,
		       struct err *err) MUST_CHECK;

/*
 * Forget the history and the notes of rollouts that are final, all but of the newest keep of them;
 * at most max at once, so that nobody waits for long. *n: of how many it was.
 */
int ledger_history_prune(struct ledger *l, int64_t keep, int64_t max, size_t *n,
			 struct err *err) MUST_CHECK;

/* The same within a transaction, with the lock held: for ledger.c. */
int ledger_history_run(struct ledger *l, const char *rollout_id, const struct ledger_history *h,
		       struct err *err) MUST_CHECK;

#endif
