#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "artifacts/confine_parts.h"

/*
 * The list of system calls, written down as a table and compiled into a classic BPF program. It was
 * found by tracing every format, small and large, through unpack_archive() with glibc 2.36:
 * nothing is read but by pread64, since the archive is seekable; no directory is read; nothing is
 * removed. A few are there for what seldom happens: abort() with its message, the clock where the
 * vDSO has none.
 *
 * An argument can be looked at only where it is a number. Most that fail the look kill the process
 * as any other call; openat gets EACCES, for a library may try a file and go on without it.
 */
#if defined(__x86_64__) && !defined(__ILP32__)
#define ARCH AUDIT_ARCH_X86_64
#define X32_BIT 0x40000000u
#elif defined(__aarch64__) && !defined(__ILP32__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ARCH AUDIT_ARCH_AARCH64
#endif

#ifdef ARCH

#ifndef SECCOMP_RET_KILL_PROCESS /* Linux 4.14; an older one kills the thread, the only one */
#define SECCOMP_RET_KILL_PROCESS 0x80000000u
#endif
#define REFUSE_EACCES (SECCOMP_RET_ERRNO | EACCES)

#define CHECKS_MAX 2

/* The lower half of an argument, masked, must be this. */
struct check {
	uint32_t mask; /* 0: no check */
	uint32_t want;
	int arg;
};

#define NO_EXEC(n)                                       \
	{                                                \
		.arg = (n), .mask = PROT_EXEC, .want = 0 \
	}
#define PLAIN_MODE(n)                                 \
	{                                             \
		.arg = (n), .mask = ~0777u, .want = 0 \
	}		    /* no set-id, no sticky bit */
#define OWN_PID 0xffffffffu /* stands for the process's own id, which is known at run time only */

static const struct row {
	int nr;
	uint32_t otherwise; /* when a check fails; 0: kill */
	struct check checks[CHECKS_MAX];
} ROWS[] = {
	/* what a file costs: first, since each row that does not match costs an instruction */
	{.nr = SYS_write},
	{.nr = SYS_openat,
	 .otherwise = REFUSE_EACCES,
	 .checks = {{.arg = 2, .mask = O_NOFOLLOW, .want = O_NOFOLLOW}, PLAIN_MODE(3)}},
	{.nr = SYS_close},
	{.nr = SYS_fchmod, .checks = {PLAIN_MODE(1)}},
	{.nr = SYS_pread64},
	{.nr = SYS_mkdirat, .checks = {PLAIN_MODE(2)}},
	{.nr = SYS_newfstatat},
	{.nr = SYS_fstat},
	/* memory */
	{.nr = SYS_brk},
	{.nr = SYS_mmap, .checks = {NO_EXEC(2)}},
	{.nr = SYS_munmap},
	{.nr = SYS_mremap},
	{.nr = SYS_mprotect, .checks = {NO_EXEC(2)}},
	{.nr = SYS_madvise, .checks = {{.arg = 2, .mask = ~0u, .want = MADV_DONTNEED}}},
	/* what libraries do now and then: FUTEX_WAIT and FUTEX_WAKE, private or not */
	{.nr = SYS_futex, .checks = {{.arg = 1, .mask = ~(FUTEX_PRIVATE_FLAG | 1u), .want = 0}}},
	{.nr = SYS_sysinfo}, /* qsort() of a large array: how much memory is there */
	{.nr = SYS_getrandom},
	{.nr = SYS_clock_gettime},
	/* abort(), and what it prints */
	{.nr = SYS_writev, .checks = {{.arg = 0, .mask = ~0u, .want = STDERR_FILENO}}},
	{.nr = SYS_rt_sigprocmask},
	{.nr = SYS_getpid},
	{.nr = SYS_gettid},
	{.nr = SYS_tgkill, .checks = {{.arg = 0, .mask = ~0u, .want = OWN_PID}}},
	/* the end */
	{.nr = SYS_exit_group},
	{.nr = SYS_exit},
};
#define N_ROWS (sizeof(ROWS) / sizeof(ROWS[0]))

/* head and tail, and the longest row each */
_Static_assert(6 + N_ROWS * 3 + 8 * 4 + 1 <= SECCOMP_FILTER_MAX, "the filter has room");

struct program {
	struct sock_filter *out;
	size_t n;
};

static void add(struct program *p, struct sock_filter f)
{
	p->out[p->n++] = f;
}

#define STMT(code, k) ((struct sock_filter)BPF_STMT((code), (k)))
#define JUMP(code, k, yes, no) ((struct sock_filter)BPF_JUMP((code), (k), (yes), (no)))
#define LOAD(member) STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define RETURN(what) STMT(BPF_RET | BPF_K, (what))

/*
 * One call: its checks in turn, each ending the matter when it fails. The accumulator holds the
 * number of the call whenever a row begins, since a row that matched never falls through.
 */
static void add_row(struct program *p, const struct row *r, uint32_t pid)
{
	uint32_t otherwise = r->otherwise ? r->otherwise : SECCOMP_RET_KILL_PROCESS;
	size_t jump = p->n;

	add(p, STMT(0, 0)); /* filled in below, when the length is known */
	for (size_t i = 0; i < CHECKS_MAX && r->checks[i].mask; i++) {
		const struct check *c = &r->checks[i];
		uint32_t want = c->want == OWN_PID ? pid : c->want;

		add(p,
		    STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(offsetof(struct seccomp_data, args) +
							      (size_t)c->arg * sizeof(uint64_t))));
		add(p, STMT(BPF_ALU | BPF_AND | BPF_K, c->mask));
		add(p, JUMP(BPF_JMP | BPF_JEQ | BPF_K, want, 1, 0));
		add(p, RETURN(otherwise));
	}
	add(p, RETURN(SECCOMP_RET_ALLOW));
	p->out[jump] =
		JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)r->nr, 0, (uint8_t)(p->n - jump - 1));
}

size_t seccomp_filter(uint32_t pid, struct sock_filter out[SECCOMP_FILTER_MAX])
{
	struct program p = {.out = out};

	/* numbers mean something else under another ABI of the same processor */
	add(&p, LOAD(arch));
	add(&p, JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0));
	add(&p, RETURN(SECCOMP_RET_KILL_PROCESS));
	add(&p, LOAD(nr));
#ifdef X32_BIT
	add(&p, JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1));
	add(&p, RETURN(SECCOMP_RET_KILL_PROCESS));
#endif
	for (size_t i = 0; i < N_ROWS; i++)
		add_row(&p, &ROWS[i], pid);
	add(&p, RETURN(SECCOMP_RET_KILL_PROCESS));
	return p.n;
}

int confine_seccomp(void)
{
	struct sock_filter filter[SECCOMP_FILTER_MAX];
	struct sock_fprog program = {.filter = filter};

	program.len = (unsigned short)seccomp_filter((uint32_t)getpid(), filter);
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}

#else

size_t seccomp_filter(uint32_t pid, struct sock_filter out[SECCOMP_FILTER_MAX])
{
	(void)pid;
	(void)out;
	return 0;
}

int confine_seccomp(void)
{
	errno = ENOSYS;
	return -1;
}

#endif
