#include "aws/core/lock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "aws/core/attr.h"

/*
 * Every thread remembers which locks it holds, in the order in which it took them. Ranks rise
 * strictly along that list, so it is never longer than there are ranks, its last entry is all that
 * a new lock must be compared with, and the question whose a lock is needs no shared memory.
 */
static _Thread_local struct {
	const struct lock *locks[LOCK_LOG];
	size_t n;
} mine;

static void NORETURN broken(const char *what, int rank, int other)
{
	char text[160];
	int n = snprintf(text, sizeof(text), "rollout-worker: lock of rank %d: %s (rank %d)\n",
			 rank, what, other);

	if (n > 0)
		fputs(text, stderr);
	abort();
}

static void must(int rc, const struct lock *l, const char *what)
{
	if (rc != 0)
		broken(what, l ? (int)l->rank : 0, rc);
}

static void remember(struct lock *l)
{
	mine.locks[mine.n++] = l;
	l->owner = pthread_self();
	l->held = true;
}

/* Locks are mostly dropped last in, first out, but need not be. */
static void forget(struct lock *l)
{
	size_t i = mine.n;

	while (i > 0 && mine.locks[i - 1] != l)
		i--;
	if (i == 0)
		broken("dropped by a thread that does not hold it", (int)l->rank, 0);
	for (; i < mine.n; i++)
		mine.locks[i - 1] = mine.locks[i];
	mine.n--;
	l->held = false;
}

void lock_init(struct lock *l, enum lock_rank rank)
{
	if (rank < LOCK_ROLLOUTS || rank > LOCK_LOG)
		broken("initialised with an unknown rank", (int)rank, 0);
	*l = (struct lock){.rank = rank};
	must(pthread_mutex_init(&l->mutex, NULL), l, "cannot be initialised");
}

void lock_release(struct lock *l)
{
	if (lock_is_mine(l))
		broken("released while held", (int)l->rank, 0);
	must(pthread_mutex_destroy(&l->mutex), l, "released while in use");
}

void lock_take(struct lock *l)
{
	if (mine.n > 0 && mine.locks[mine.n - 1]->rank >= l->rank)
		broken("taken out of order, after one of the same or a higher rank", (int)l->rank,
		       (int)mine.locks[mine.n - 1]->rank);
	must(pthread_mutex_lock(&l->mutex), l, "cannot be taken");
	remember(l);
}

void lock_drop(struct lock *l)
{
	forget(l);
	must(pthread_mutex_unlock(&l->mutex), l, "cannot be dropped");
}

bool lock_is_mine(const struct lock *l)
{
	for (size_t i = 0; i < mine.n; i++)
		if (mine.locks[i] == l)
			return true;
	return false;
}

void lock_assert_none(void)
{
	if (mine.n > 0)
		broken("held where none may be", (int)mine.locks[mine.n - 1]->rank, 0);
}

/* --- conditions ------------------------------------------------------------------------------ */

void cond_init(struct cond *c)
{
	pthread_condattr_t attr;

	must(pthread_condattr_init(&attr), NULL, "no condition attributes");
	must(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC), NULL, "no monotonic clock");
	must(pthread_cond_init(&c->cond, &attr), NULL, "no condition");
	pthread_condattr_destroy(&attr);
}

void cond_release(struct cond *c)
{
	must(pthread_cond_destroy(&c->cond), NULL, "condition released while in use");
}

/* Waiting takes the lock anew at its end, so it must still be the last in the order. */
static void forget_for_wait(struct lock *l)
{
	if (mine.n == 0 || mine.locks[mine.n - 1] != l)
		broken("waited with, but not the last one taken", (int)l->rank, 0);
	forget(l);
}

void cond_wait(struct cond *c, struct lock *l)
{
	int rc;

	forget_for_wait(l);
	rc = pthread_cond_wait(&c->cond, &l->mutex);
	must(rc, l, "waiting failed");
	remember(l);
}

static struct timespec deadline_in(int64_t ms)
{
	const int64_t ms_max = INT64_C(1000) * 3600 * 24 * 365 * 100; /* no sum overflows */
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	if (ms < 0)
		ms = 0;
	if (ms > ms_max)
		ms = ms_max;
	t.tv_sec += (time_t)(ms / 1000);
	t.tv_nsec += (long)(ms % 1000) * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

bool cond_wait_ms(struct cond *c, struct lock *l, int64_t ms)
{
	struct timespec deadline = deadline_in(ms);
	int rc;

	forget_for_wait(l);
	rc = pthread_cond_timedwait(&c->cond, &l->mutex, &deadline);
	if (rc != 0 && rc != ETIMEDOUT)
		must(rc, l, "waiting failed");
	remember(l);
	return rc == 0;
}

void cond_signal(struct cond *c)
{
	pthread_cond_signal(&c->cond);
}

void cond_broadcast(struct cond *c)
{
	pthread_cond_broadcast(&c->cond);
}
