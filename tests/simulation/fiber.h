#ifndef TESTS_SIMULATION_FIBER_H
#define TESTS_SIMULATION_FIBER_H

#include <stdbool.h>

/*
 * A second stack in one thread: work that can stop in the middle of a call, and go on when its time
 * has come. That is how the turns of several workers overlap though nothing runs at once: who goes
 * on next is the caller's choice, so that a seed decides it.
 */
struct fiber;

struct fiber *fiber_new(void);
void fiber_free(struct fiber *f); /* not while work is under way; NULL does nothing */

/* Begin work on it, and run until that yields or is done. True when it is done. */
bool fiber_begin(struct fiber *f, void (*work)(void *arg), void *arg);
/* Go on where it yielded. True when the work is done. */
bool fiber_go_on(struct fiber *f);
bool fiber_is_busy(const struct fiber *f);

/* From within its work: back to who began it or had it go on. */
void fiber_yield(struct fiber *f);

#endif
