#include "tests/simulation/fiber.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <ucontext.h>

#include "aws/core/mem.h"

/* As much as a thread of the worker's has; AddressSanitizer's frames are several times as large. */
#define STACK_BYTES (512u << 10)

#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif

#ifdef HAS_ASAN
#include <sanitizer/common_interface_defs.h>
#define STACK_SIZE (8 * STACK_BYTES)
#else
#define STACK_SIZE STACK_BYTES
#endif

struct fiber {
	ucontext_t here, there; /* of the work, and of who runs it */
	void (*work)(void *arg);
	void *arg;
	bool busy;
	char *stack;
	const void *outer; /* the caller's stack, for AddressSanitizer */
	size_t outer_size;
};

static void leave_to_fiber(struct fiber *f, void **fake)
{
#ifdef HAS_ASAN
	__sanitizer_start_switch_fiber(fake, f->stack, STACK_SIZE);
#else
	(void)f;
	(void)fake;
#endif
}

static void back_from_fiber(void *fake)
{
#ifdef HAS_ASAN
	__sanitizer_finish_switch_fiber(fake, NULL, NULL);
#else
	(void)fake;
#endif
}

static void arrived_in_fiber(struct fiber *f, void *fake)
{
#ifdef HAS_ASAN
	__sanitizer_finish_switch_fiber(fake, &f->outer, &f->outer_size);
#else
	(void)f;
	(void)fake;
#endif
}

/* fake NULL: for good */
static void leave_fiber(struct fiber *f, void **fake)
{
#ifdef HAS_ASAN
	__sanitizer_start_switch_fiber(fake, f->outer, f->outer_size);
#else
	(void)f;
	(void)fake;
#endif
}

/* makecontext() passes ints only: a pointer comes in two of them. */
static void run(unsigned high, unsigned low)
{
	struct fiber *f = (struct fiber *)(((uintptr_t)high << 32) | low);

	arrived_in_fiber(f, NULL);
	f->work(f->arg);
	f->busy = false;
	leave_fiber(f, NULL);
}

struct fiber *fiber_new(void)
{
	struct fiber *f = xcalloc(1, sizeof(*f));

	f->stack = xmalloc(STACK_SIZE);
	return f;
}

void fiber_free(struct fiber *f)
{
	if (!f)
		return;
	assert(!f->busy);
	free(f->stack);
	free(f);
}

static bool go(struct fiber *f)
{
	void *fake = NULL;
	int rc;

	leave_to_fiber(f, &fake);
	rc = swapcontext(&f->there, &f->here);
	assert(rc == 0);
	back_from_fiber(fake);
	return !f->busy;
}

bool fiber_begin(struct fiber *f, void (*work)(void *arg), void *arg)
{
	uintptr_t self = (uintptr_t)f;
	int rc = getcontext(&f->here);

	assert(rc == 0 && !f->busy);
	f->here.uc_stack.ss_sp = f->stack;
	f->here.uc_stack.ss_size = STACK_SIZE;
	f->here.uc_link = &f->there;
	f->work = work;
	f->arg = arg;
	f->busy = true;
	makecontext(&f->here, (void (*)(void))run, 2, (unsigned)(self >> 32),
		    (unsigned)(self & 0xffffffffu));
	return go(f);
}

bool fiber_go_on(struct fiber *f)
{
	assert(f->busy);
	return go(f);
}

bool fiber_is_busy(const struct fiber *f)
{
	return f->busy;
}

void fiber_yield(struct fiber *f)
{
	void *fake = NULL;
	int rc;

	leave_fiber(f, &fake);
	rc = swapcontext(&f->here, &f->there);
	assert(rc == 0);
	arrived_in_fiber(f, fake);
}
