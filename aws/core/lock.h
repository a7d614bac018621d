#ifndef AWS_CORE_LOCK_H
#define AWS_CORE_LOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * A mutex that knows its owner and its place in the lock order. Taking a lock while holding one of
 * the same or a higher rank aborts: the order is a fact, not a comment. No lock is held across I/O;
 * the transport asserts that with lock_assert_none().
 */
enum lock_rank { /* the whole process's locks, in the order in which they may be taken */
	LOCK_ROLLOUTS = 1, /* the worker's list of rollouts */
	LOCK_SCHEDULER,
	LOCK_STATE,	  /* a module's own table of things: ledger handle, shared alarm states */
	LOCK_CREDENTIALS, /* pointer swap only */
	LOCK_RETRY,	  /* token buckets and clock skew */
	LOCK_HTTP,	  /* pool of handles */
	LOCK_CANCEL,
	LOCK_LOG
};

struct lock {
	pthread_mutex_t mutex;
	enum lock_rank rank;
	pthread_t owner;
	bool held;
};

void lock_init(struct lock *l, enum lock_rank rank);
void lock_release(struct lock *l); /* destroy; must not be held */
void lock_take(struct lock *l);
void lock_drop(struct lock *l);
bool lock_is_mine(const struct lock *l);
void lock_assert_none(void); /* aborts when the calling thread holds any lock */

/* Condition variable on the monotonic clock. */
struct cond {
	pthread_cond_t cond;
};

void cond_init(struct cond *c);
void cond_release(struct cond *c);
void cond_wait(struct cond *c, struct lock *l);
bool cond_wait_ms(struct cond *c, struct lock *l, int64_t ms); /* false when time ran out */
void cond_signal(struct cond *c);
void cond_broadcast(struct cond *c);

#endif
