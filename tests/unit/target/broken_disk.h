#ifndef TESTS_UNIT_TARGET_BROKEN_DISK_H
#define TESTS_UNIT_TARGET_BROKEN_DISK_H

#include <errno.h>
#include <fcntl.h>
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
 * A disk that fails, for what is read from a real one: the call runs in a thread of its own whose
 * system calls of one sort are refused with EIO, by a seccomp filter that ends with the thread.
 */
enum broken {
	BROKEN_READ,	 /* pread() of so many bytes; of any number when size is 0 */
	BROKEN_STAT,	 /* fstat() */
	BROKEN_NEW_FILE, /* a file without a name, on disk or in memory */
};

struct broken_disk {
	enum broken what;
	uint32_t size;
	int (*fn)(void *arg);
	void *arg;
	int rc;
	bool is_installed;
};

#define BROKEN_LOAD(member) \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, member))
#define BROKEN_SKIP_UNLESS(value, n) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (n))
#define BROKEN_REFUSE BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EIO)
#define BROKEN_ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static inline bool broken_install(struct broken_disk *b)
{
	struct sock_filter any[] = {BROKEN_LOAD(nr), BROKEN_SKIP_UNLESS(SYS_pread64, 1),
				    BROKEN_REFUSE, BROKEN_ALLOW};
	struct sock_filter sized[] = {BROKEN_LOAD(nr),	    BROKEN_SKIP_UNLESS(SYS_pread64, 3),
				      BROKEN_LOAD(args[2]), BROKEN_SKIP_UNLESS(b->size, 1),
				      BROKEN_REFUSE,	    BROKEN_ALLOW};
	struct sock_filter stat[] = {BROKEN_LOAD(nr), BROKEN_SKIP_UNLESS(SYS_fstat, 1),
				     BROKEN_REFUSE,   BROKEN_SKIP_UNLESS(SYS_newfstatat, 1),
				     BROKEN_REFUSE,   BROKEN_ALLOW};
	struct sock_filter new_file[] = {
		BROKEN_LOAD(nr),
		BROKEN_SKIP_UNLESS(SYS_memfd_create, 1),
		BROKEN_REFUSE,
		BROKEN_SKIP_UNLESS(SYS_openat, 3),
		BROKEN_LOAD(args[2]),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_TMPFILE & ~O_DIRECTORY, 0, 1),
		BROKEN_REFUSE,
		BROKEN_ALLOW};
	const struct sock_fprog programs[] = {
		[BROKEN_READ] =
			b->size ? (struct sock_fprog){6, sized} : (struct sock_fprog){4, any},
		[BROKEN_STAT] = {6, stat},
		[BROKEN_NEW_FILE] = {8, new_file},
	};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &programs[b->what], 0, 0) == 0;
}

static inline void *broken_run(void *arg)
{
	struct broken_disk *b = arg;

	b->is_installed = broken_install(b);
	if (b->is_installed)
		b->rc = b->fn(b->arg);
	return NULL;
}

/* fn(arg) on such a disk: its result. It may not use cmocka's assertions. */
static inline int on_broken_disk(enum broken what, size_t size, int (*fn)(void *arg), void *arg)
{
	struct broken_disk b = {.what = what, .size = (uint32_t)size, .fn = fn, .arg = arg};
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, broken_run, &b), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	if (!b.is_installed) {
		printf("skipped: no seccomp filter can be set here\n");
		skip();
	}
	return b.rc;
}

#endif
