#ifndef TESTS_UNIT_BROKEN_CALL_H
#define TESTS_UNIT_BROKEN_CALL_H

#include <assert.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/*
 * A system that refuses some calls, for what is to be tried against the real one: the code runs in
 * a thread of its own under a seccomp filter, which ends with the thread.
 */
enum broken_if {
	BROKEN_ALWAYS,
	BROKEN_EQUAL, /* the argument's lower half is the value */
	BROKEN_BITS,  /* it has one of the value's bits */
};

struct broken_call {
	uint32_t nr; /* SYS_* */
	enum broken_if when;
	unsigned arg; /* from 0 */
	uint32_t value;
};

#define BROKEN_CALLS_MAX 4
#define BROKEN_LOAD(at) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(at))
#define BROKEN_SKIP_UNLESS(test, value, n) BPF_JUMP(BPF_JMP | (test) | BPF_K, (value), 0, (n))

/* For this thread, and what it starts, for good: these calls fail with EIO. */
static inline bool break_calls(const struct broken_call *c, size_t n)
{
	struct sock_filter f[BROKEN_CALLS_MAX * 5 + 1];
	struct sock_fprog program = {0, f};

	assert(n <= BROKEN_CALLS_MAX);
	for (size_t i = 0; i < n; i++, c++) {
		const struct sock_filter one[] = {
			BROKEN_LOAD(offsetof(struct seccomp_data, nr)),
			BROKEN_SKIP_UNLESS(BPF_JEQ, c->nr, 3),
			BROKEN_LOAD(offsetof(struct seccomp_data, args) + 8 * (size_t)c->arg),
			BROKEN_SKIP_UNLESS(c->when == BROKEN_EQUAL  ? BPF_JEQ
					   : c->when == BROKEN_BITS ? BPF_JSET
								    : BPF_JGE,
					   c->when == BROKEN_ALWAYS ? 0 : c->value, 1),
			BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EIO),
		};

		for (size_t k = 0; k < 5; k++)
			f[program.len++] = one[k];
	}
	f[program.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

struct broken_run {
	const struct broken_call *calls;
	size_t n;
	int (*fn)(void *arg);
	void *arg;
	int rc;
	bool is_installed;
};

static inline void *broken_run(void *arg)
{
	struct broken_run *b = arg;

	b->is_installed = break_calls(b->calls, b->n);
	if (b->is_installed)
		b->rc = b->fn(b->arg);
	return NULL;
}

/* fn(arg) where these calls fail: its result. It may not use cmocka's assertions. */
static inline int with_broken_calls(const struct broken_call *calls, size_t n, int (*fn)(void *arg),
				    void *arg)
{
	struct broken_run b = {.calls = calls, .n = n, .fn = fn, .arg = arg};
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, broken_run, &b), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	if (!b.is_installed) {
		printf("skipped: no seccomp filter can be set here\n");
		skip();
	}
	return b.rc;
}

static inline int with_broken_call(struct broken_call call, int (*fn)(void *arg), void *arg)
{
	return with_broken_calls(&call, 1, fn, arg);
}

#endif
