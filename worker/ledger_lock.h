#ifndef WORKER_LEDGER_LOCK_H
#define WORKER_LEDGER_LOCK_H

#include "worker/ledger.h"

/*
 * The lock per target: what a rollout of this worker holds until it has left its target, across
 * restarts. A key names one thing that a rollout may change, in the one spelling it has
 * (worker/target says them). A lock counts as long as the row of its rollout is open: whose row is
 * final, or not there, holds nothing. Locks go with the row that says so (ledger_rollout_put).
 *
 * Who has not changed its target yet holds weakly: one that has changed it takes the lock away, and
 * anybody does when no job of the holder was seen for quiet_ms, as it may wait at another worker
 * for the very one that wants it. Therefore it takes the lock for good before its first change
 * (ledger_lock_firm). Who waits holds nothing, and the oldest action is served first; so nobody
 * waits in a circle.
 */
struct ledger_claim {
	const char *rollout_id; /* its row is in the ledger already */
	const char *const *keys;
	size_t n_keys;
	struct utc started; /* of the action */
	struct utc now;
	bool has_changed; /* something of its target: it does not queue */
	int64_t quiet_ms; /* who was not heard of for so long, and has changed nothing, is passed */
};

/* Who has it, or was there before. */
struct ledger_holder {
	const char *rollout_id, *pipeline, *action;
	const char *key;
	struct utc since;
	bool waits; /* it has not got it either, but is before us */
};

/*
 * Take all the keys or none, in one transaction. *holder NULL: they are ours, and *fresh when one
 * of them was not before. Else who is in the way; then this rollout has let go of all it had, and
 * stands in the queue.
 */
int ledger_lock_take(struct ledger *l, const struct ledger_claim *c, struct arena *a,
		     struct ledger_holder **holder, bool *fresh, struct err *err) MUST_CHECK;

/* Let go of everything, and stand in the queue: somebody has the target whom no lock names. */
int ledger_lock_yield(struct ledger *l, const struct ledger_claim *c, struct err *err) MUST_CHECK;

/*
 * Before its first change: from here on nobody takes the lock away. *held false: it has been taken
 * away already, of these n_keys at least one.
 */
int ledger_lock_firm(struct ledger *l, const char *rollout_id, size_t n_keys, bool *held,
		     struct err *err) MUST_CHECK;

/* Let go of everything, and leave the queue. */
int ledger_lock_release(struct ledger *l, const char *rollout_id, struct err *err) MUST_CHECK;

/* For people: who waits, longest first, and for whom; and who holds what. */
struct ledger_wait {
	const char *rollout_id, *key;
	const char *holder; /* a rollout, or NULL: what the target itself shows */
	struct utc since;
};
int ledger_waits(struct ledger *l, struct arena *a, struct ledger_wait **w, size_t *n,
		 struct err *err) MUST_CHECK;
int ledger_locks(struct ledger *l, struct arena *a, struct ledger_holder **h, size_t *n,
		 struct err *err) MUST_CHECK;

#endif
