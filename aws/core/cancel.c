#include "aws/core/cancel.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "aws/core/clock.h"
#include "aws/core/lock.h"
#include "aws/core/mem.h"

/* A flag, a list of wakers, and a condition for those who only wait. */
struct cancel {
	atomic_bool fired;
	struct lock lock;
	struct cond changed;
	struct cancel_waker *first;
};

struct cancel *cancel_new(void)
{
	struct cancel *c = xcalloc(1, sizeof(*c));

	lock_init(&c->lock, LOCK_CANCEL);
	cond_init(&c->changed);
	return c;
}

void cancel_free(struct cancel *c)
{
	if (!c)
		return;
	assert(!c->first);
	cond_release(&c->changed);
	lock_release(&c->lock);
	free(c);
}

void cancel_fire(struct cancel *c)
{
	lock_take(&c->lock);
	if (!atomic_exchange(&c->fired, true)) {
		for (struct cancel_waker *w = c->first; w; w = w->next)
			w->wake(w->arg);
		cond_broadcast(&c->changed);
	}
	lock_drop(&c->lock);
}

bool cancel_is_fired(const struct cancel *c)
{
	return c && atomic_load(&c->fired);
}

void cancel_attach(struct cancel *c, struct cancel_waker *w)
{
	if (!c)
		return;
	lock_take(&c->lock);
	w->prev = NULL;
	w->next = c->first;
	if (w->next)
		w->next->prev = w;
	c->first = w;
	if (atomic_load(&c->fired))
		w->wake(w->arg);
	lock_drop(&c->lock);
}

void cancel_detach(struct cancel *c, struct cancel_waker *w)
{
	if (!c)
		return;
	lock_take(&c->lock); /* waits out a wake in progress */
	if (w->prev)
		w->prev->next = w->next;
	else
		c->first = w->next;
	if (w->next)
		w->next->prev = w->prev;
	w->next = w->prev = NULL;
	lock_drop(&c->lock);
}

static int64_t now_ms(void)
{
	return clock_mono(clock_system()).ms;
}

bool cancel_wait(struct cancel *c, int64_t ms)
{
	int64_t start = now_ms(), left = ms;
	bool fired;

	lock_take(&c->lock);
	while (!atomic_load(&c->fired) && left > 0) {
		cond_wait_ms(&c->changed, &c->lock, left);
		left = ms - (now_ms() - start); /* it may have woken for nothing */
	}
	fired = atomic_load(&c->fired);
	lock_drop(&c->lock);
	return fired;
}
