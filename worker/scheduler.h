#ifndef WORKER_SCHEDULER_H
#define WORKER_SCHEDULER_H

#include <stdbool.h>
#include <stddef.h>

#include "aws/core/clock.h"

/*
 * Who runs when: one heap of tasks by due time and a fixed pool of threads that run what is due.
 * A task that waits occupies no thread. A task is owned by exactly one place at a time: the heap,
 * or the thread that runs it; so a task's own data needs no lock.
 *
 * With no threads the caller drives: scheduler_step() runs the next due task in the caller's
 * thread. That is how the simulator runs whole fleets in one thread and virtual time.
 */
struct scheduler;

struct task {
	/*
	 * Run once. Set *next to the moment to run again at, or return false to leave the
	 * scheduler: after that the scheduler does not touch the task any more (run may have freed
	 * it). Called with no lock held.
	 */
	bool (*run)(struct task *t, struct mono now, struct mono *next);
	const char *name;  /* for logs */
	/*
	 * Heavy turns (unpacking) are limited to scheduler_options.heavy_max at a time; the task
	 * says what its next turn is before it returns or is added.
	 */
	bool heavy;
	/* private to the scheduler */
	enum { TASK_OUT, TASK_HEAP, TASK_RUNNING } where;
	bool woken;
	struct mono due;
	size_t heap_index;
};

struct scheduler_options {
	struct clock *clock;
	int n_threads;	/* 0: the caller drives with scheduler_step() */
	int heavy_max;	/* at least 1 */
};

struct scheduler *scheduler_new(const struct scheduler_options *o);
void scheduler_free(struct scheduler *s); /* stopped, or never started */

int scheduler_start(struct scheduler *s, struct err *err) MUST_CHECK; /* starts the threads */
bool scheduler_has_threads(const struct scheduler *s); /* n_threads is not 0 */

/* No task is started any more; wait until the running ones have returned. Idempotent. */
void scheduler_stop(struct scheduler *s);

void scheduler_add(struct scheduler *s, struct task *t, struct mono due); /* any thread */

/*
 * Make a task due now. When it is running, it is run again right after, whatever *next it sets.
 * A task that has left is not touched: the caller makes sure that it is still in.
 */
void scheduler_wake(struct scheduler *s, struct task *t);

size_t scheduler_waiting(struct scheduler *s); /* tasks in the heap */
size_t scheduler_running(struct scheduler *s);

/*
 * Is work still being done? For a watchdog; false only when waiting longer would not help: a task
 * has been due for half a minute and a thread is free to run it, or every thread has been in one
 * and the same turn for an hour, when the limits of all calls in it are long over. Threads that
 * wait for slow answers are at work. Where the scheduler's lock is never given back this does not
 * return, which a watchdog notices as well.
 */
bool scheduler_is_alive(struct scheduler *s);

/* --- driven by the caller (n_threads 0) ----------------------------------------------------- */

/* Due time of the next task; false when there is none. */
bool scheduler_next_due(struct scheduler *s, struct mono *due);
/* Run the next task if it is due; false when none is. */
bool scheduler_step(struct scheduler *s);

#endif
