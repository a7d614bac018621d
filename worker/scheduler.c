#include "worker/scheduler.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "aws/core/err.h"
#include "aws/core/lock.h"
#include "aws/core/mem.h"

/*
 * A binary heap ordered by due time, one lock, one condition. Threads sleep until the first task is
 * due or somebody adds or wakes one. Tasks that are due but heavy, while heavy_max of them run, are
 * kept aside until a heavy one ends. Only the heap's bookkeeping happens under the lock.
 */
#define THREAD_STACK_BYTES (512u << 10)
#define DUE_TOO_LONG_MS (30 * 1000)	     /* a free thread takes a task within milliseconds */
#define NO_TURN_ENDS_MS (60 * 60 * 1000) /* see scheduler_is_alive() */

struct scheduler {
	struct scheduler_options o;
	struct lock lock;
	struct cond changed;
	struct task **heap;
	size_t n, cap;
	struct task **aside; /* due and heavy, waiting for a heavy one to end */
	size_t n_aside, cap_aside;
	size_t n_running;
	struct mono latest; /* when a turn last began or ended */
	int n_heavy;
	bool stopping;
	pthread_t *threads;
	int n_threads;
};

/* --- heap ----------------------------------------------------------------------------------- */

static void heap_set(struct scheduler *s, size_t i, struct task *t)
{
	s->heap[i] = t;
	t->heap_index = i;
}

static void heap_up(struct scheduler *s, size_t i)
{
	struct task *t = s->heap[i];

	while (i > 0) {
		size_t parent = (i - 1) / 2;

		if (s->heap[parent]->due.ms <= t->due.ms)
			break;
		heap_set(s, i, s->heap[parent]);
		i = parent;
	}
	heap_set(s, i, t);
}

static void heap_down(struct scheduler *s, size_t i)
{
	struct task *t = s->heap[i];

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= s->n)
			break;
		if (child + 1 < s->n && s->heap[child + 1]->due.ms < s->heap[child]->due.ms)
			child++;
		if (t->due.ms <= s->heap[child]->due.ms)
			break;
		heap_set(s, i, s->heap[child]);
		i = child;
	}
	heap_set(s, i, t);
}

static void list_grow(struct task ***list, size_t n, size_t *cap)
{
	if (n < *cap)
		return;
	*cap = *cap ? *cap * 2 : 16;
	*list = xrealloc(*list, *cap * sizeof(**list));
}

static void heap_push(struct scheduler *s, struct task *t)
{
	assert(t->where == TASK_OUT);
	list_grow(&s->heap, s->n, &s->cap);
	t->where = TASK_HEAP;
	heap_set(s, s->n, t);
	s->n++;
	heap_up(s, s->n - 1);
}

static struct task *heap_pop(struct scheduler *s)
{
	struct task *t = s->heap[0];

	s->n--;
	if (s->n > 0) {
		heap_set(s, 0, s->heap[s->n]);
		heap_down(s, 0);
	}
	t->where = TASK_OUT;
	return t;
}

/* --- running -------------------------------------------------------------------------------- */

/* The next task that may run now, marked as running; NULL when none may. Under the lock. */
static struct task *take_due(struct scheduler *s, struct mono now)
{
	while (s->n > 0 && s->heap[0]->due.ms <= now.ms) {
		struct task *t = heap_pop(s);

		if (t->heavy && s->n_heavy >= s->o.heavy_max) {
			list_grow(&s->aside, s->n_aside, &s->cap_aside);
			s->aside[s->n_aside++] = t;
			t->where = TASK_HEAP; /* still ours; only not ordered */
			t->heap_index = SIZE_MAX;
			continue;
		}
		t->where = TASK_RUNNING;
		t->woken = false;
		s->n_running++;
		s->n_heavy += t->heavy;
		return t;
	}
	return NULL;
}

static void release_aside(struct scheduler *s)
{
	while (s->n_aside > 0) {
		struct task *t = s->aside[--s->n_aside];

		t->where = TASK_OUT;
		heap_push(s, t);
	}
}

/* Run one task with the lock dropped; put it back unless it left. Lock held before and after. */
static void run_task(struct scheduler *s, struct task *t, struct mono now)
{
	bool heavy = t->heavy, stays;
	struct mono next = now;

	s->latest = now;
	lock_drop(&s->lock);
	stays = t->run(t, now, &next);
	lock_take(&s->lock);
	s->n_running--;
	s->latest = clock_mono(s->o.clock);
	if (heavy) {
		s->n_heavy--;
		release_aside(s);
	}
	if (stays) { /* otherwise t may be gone */
		t->where = TASK_OUT;
		t->due = t->woken ? now : next;
		heap_push(s, t);
	}
	cond_broadcast(&s->changed);
}

static void *thread_main(void *arg)
{
	struct scheduler *s = arg;

	lock_take(&s->lock);
	while (!s->stopping) {
		struct mono now = clock_mono(s->o.clock);
		struct task *t = take_due(s, now);

		if (t) {
			run_task(s, t, now);
		} else if (s->n > 0) {
			int64_t wait = s->heap[0]->due.ms - now.ms;

			cond_wait_ms(&s->changed, &s->lock,
				     clock_real_ms(s->o.clock, wait > 0 ? wait : 0));
		} else {
			cond_wait(&s->changed, &s->lock);
		}
	}
	lock_drop(&s->lock);
	return NULL;
}

struct scheduler *scheduler_new(const struct scheduler_options *o)
{
	struct scheduler *s = xcalloc(1, sizeof(*s));

	assert(o->heavy_max >= 1 && o->n_threads >= 0);
	s->o = *o;
	lock_init(&s->lock, LOCK_SCHEDULER);
	cond_init(&s->changed);
	return s;
}

int scheduler_start(struct scheduler *s, struct err *err)
{
	pthread_attr_t attr;
	int rc;

	assert(!s->threads && s->o.n_threads > 0);
	s->threads = xcalloc((size_t)s->o.n_threads, sizeof(*s->threads));
	rc = pthread_attr_init(&attr);
	assert(rc == 0);
	pthread_attr_setstacksize(&attr, THREAD_STACK_BYTES);
	for (int i = 0; i < s->o.n_threads && rc == 0; i++) {
		rc = pthread_create(&s->threads[i], &attr, thread_main, s);
		s->n_threads += rc == 0;
	}
	pthread_attr_destroy(&attr);
	if (rc == 0)
		return 0;
	scheduler_stop(s);
	return err_set_sys(err, ERR_SYSTEM, rc, "start %d worker threads", s->o.n_threads);
}

bool scheduler_has_threads(const struct scheduler *s)
{
	return s->o.n_threads > 0;
}

void scheduler_stop(struct scheduler *s)
{
	lock_take(&s->lock);
	s->stopping = true;
	cond_broadcast(&s->changed);
	lock_drop(&s->lock);
	for (int i = 0; i < s->n_threads; i++)
		pthread_join(s->threads[i], NULL);
	s->n_threads = 0;
}

void scheduler_free(struct scheduler *s)
{
	if (!s)
		return;
	scheduler_stop(s);
	cond_release(&s->changed);
	lock_release(&s->lock);
	free(s->threads);
	free(s->heap);
	free(s->aside);
	free(s);
}

void scheduler_add(struct scheduler *s, struct task *t, struct mono due)
{
	lock_take(&s->lock);
	t->due = due;
	t->woken = false;
	t->where = TASK_OUT;
	heap_push(s, t);
	cond_broadcast(&s->changed);
	lock_drop(&s->lock);
}

void scheduler_wake(struct scheduler *s, struct task *t)
{
	struct mono now = clock_mono(s->o.clock);

	lock_take(&s->lock);
	if (t->where == TASK_RUNNING) {
		t->woken = true;
	} else if (t->where == TASK_HEAP && t->heap_index != SIZE_MAX && t->due.ms > now.ms) {
		t->due = now;
		heap_up(s, t->heap_index);
		cond_broadcast(&s->changed);
	}
	lock_drop(&s->lock);
}

size_t scheduler_waiting(struct scheduler *s)
{
	size_t n;

	lock_take(&s->lock);
	n = s->n + s->n_aside;
	lock_drop(&s->lock);
	return n;
}

size_t scheduler_running(struct scheduler *s)
{
	size_t n;

	lock_take(&s->lock);
	n = s->n_running;
	lock_drop(&s->lock);
	return n;
}

bool scheduler_is_alive(struct scheduler *s)
{
	struct mono now = clock_mono(s->o.clock);
	bool alive;

	lock_take(&s->lock);
	if (s->n_running >= (size_t)s->o.n_threads)
		alive = clock_real_ms(s->o.clock, now.ms - s->latest.ms) < NO_TURN_ENDS_MS;
	else
		alive = s->n == 0 || s->stopping ||
			clock_real_ms(s->o.clock, now.ms - s->heap[0]->due.ms) < DUE_TOO_LONG_MS;
	lock_drop(&s->lock);
	return alive;
}

bool scheduler_next_due(struct scheduler *s, struct mono *due)
{
	bool any;

	lock_take(&s->lock);
	any = s->n > 0;
	if (any)
		*due = s->heap[0]->due;
	lock_drop(&s->lock);
	return any;
}

bool scheduler_step(struct scheduler *s)
{
	struct mono now = clock_mono(s->o.clock);
	struct task *t;

	assert(s->o.n_threads == 0);
	lock_take(&s->lock);
	t = take_due(s, now);
	if (t)
		run_task(s, t, now);
	lock_drop(&s->lock);
	return t != NULL;
}
