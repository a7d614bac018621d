#include "aws/core/lock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "aws/core/attr.h"

/*
 * Each thread remembers the ranks it holds, as bits: taking one at or below the highest is a
 * programming error and stops the process, because the next such run might be a deadlock.
 */
static _Thread_local unsigned held_ranks;

static void NORETURN broken(const char *what)
{
	fprintf(stderr, "rollout-worker: lock: %s\n", what);
	abort();
}

static void must(int rc, const char *what)
{
	if (rc)
		broken(what);
}

void lock_init(struct lock *l, enum lock_rank rank)
{
	l->rank = rank;
	l->held = false;
	must(pthread_mutex_init(&l->mutex, NULL), "cannot be made");
}

void lock_release(struct lock *l)
{
	must(pthread_mutex_destroy(&l->mutex), "released while held");
}

static void own(struct lock *l)
{
	l->owner = pthread_self();
	l->held = true;
	held_ranks |= 1u << l->rank;
}

static void disown(struct lock *l)
{
	l->held = false;
	held_ranks &= ~(1u << l->rank);
}

void lock_take(struct lock *l)
{
	if (held_ranks >> l->rank)
		broken("taken out of order");
	must(pthread_mutex_lock(&l->mutex), "cannot be taken");
	own(l);
}

void lock_drop(struct lock *l)
{
	if (!lock_is_mine(l))
		broken("dropped by a thread that does not hold it");
	disown(l);
	must(pthread_mutex_unlock(&l->mutex), "cannot be dropped");
}

/* The rank says that this thread holds some lock of it, before shared fields are looked at. */
bool lock_is_mine(const struct lock *l)
{
	return (held_ranks >> l->rank & 1) && l->held && pthread_equal(l->owner, pthread_self());
}

void lock_assert_none(void)
{
	if (held_ranks)
		broken("held across I/O");
}

void cond_init(struct cond *c)
{
	pthread_condattr_t attr;

	must(pthread_condattr_init(&attr), "condition cannot be made");
	must(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC), "condition cannot be made");
	must(pthread_cond_init(&c->cond, &attr), "condition cannot be made");
	pthread_condattr_destroy(&attr);
}

void cond_release(struct cond *c)
{
	must(pthread_cond_destroy(&c->cond), "condition released while waited for");
}

void cond_wait(struct cond *c, struct lock *l)
{
	disown(l);
	must(pthread_cond_wait(&c->cond, &l->mutex), "condition cannot be waited for");
	own(l);
}

bool cond_wait_ms(struct cond *c, struct lock *l, int64_t ms)
{
	struct timespec ts;
	int rc;

	if (ms < 0)
		ms = 0;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += (time_t)(ms / 1000);
	ts.tv_nsec += (long)(ms % 1000) * 1000000;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_sec++;
		ts.tv_nsec -= 1000000000;
	}
	disown(l);
	rc = pthread_cond_timedwait(&c->cond, &l->mutex, &ts);
	own(l);
	if (rc && rc != ETIMEDOUT)
		broken("condition cannot be waited for");
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
