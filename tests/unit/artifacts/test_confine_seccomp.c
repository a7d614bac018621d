#include "tests/unit/artifacts/confine_inside.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

/* The filter of calls: by itself, interpreted here, and by the kernel. */

/* --- the filter, by itself -------------------------------------------------------------------- */

static uint32_t word_of(const struct seccomp_data *d, uint32_t at)
{
	uint32_t w;

	assert_true(at % 4 == 0 && at + 4 <= sizeof(*d));
	memcpy(&w, (const char *)d + at, 4);
	return w;
}

/* Run a classic BPF program as the kernel would, as far as the filter uses it. */
static uint32_t judge(const struct sock_filter *f, size_t n, const struct seccomp_data *d)
{
	uint32_t a = 0;

	for (size_t i = 0; i < n; i++) {
		switch (f[i].code) {
		case BPF_LD | BPF_W | BPF_ABS:
			a = word_of(d, f[i].k);
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= f[i].k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
			i += a == f[i].k ? f[i].jt : f[i].jf;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			i += a >= f[i].k ? f[i].jt : f[i].jf;
			break;
		case BPF_RET | BPF_K:
			return f[i].k;
		default:
			fail_msg("instruction %zu: code %x", i, f[i].code);
		}
	}
	fail_msg("the filter has no end");
	return 0;
}

#if defined(__x86_64__)
#define OUR_ARCH AUDIT_ARCH_X86_64
#define OTHER_ARCH AUDIT_ARCH_I386
#else
#define OUR_ARCH AUDIT_ARCH_AARCH64
#define OTHER_ARCH AUDIT_ARCH_ARM
#endif

static const struct {
	int nr;
	uint64_t args[4];
	uint32_t want;
} CALLS[] = {
	{SYS_write, {1}, SECCOMP_RET_ALLOW},
	{SYS_pread64, {0}, SECCOMP_RET_ALLOW},
	{SYS_exit_group, {0}, SECCOMP_RET_ALLOW},
	{SYS_openat, {3, 0, O_NOFOLLOW}, SECCOMP_RET_ALLOW},
	{SYS_openat, {3, 0, O_WRONLY | O_CREAT | O_NOFOLLOW, 0755}, SECCOMP_RET_ALLOW},
	{SYS_openat, {3, 0, O_RDONLY}, SECCOMP_RET_ERRNO | EACCES},
	{SYS_openat, {3, 0, O_CREAT | O_NOFOLLOW, 04755}, SECCOMP_RET_ERRNO | EACCES},
	{SYS_openat, {3, 0, O_CREAT | O_NOFOLLOW, 01000}, SECCOMP_RET_ERRNO | EACCES},
	{SYS_fchmod, {3, 0755}, SECCOMP_RET_ALLOW},
	{SYS_fchmod, {3, 02755}, SECCOMP_RET_KILL_PROCESS},
	{SYS_mkdirat, {3, 0, 0755}, SECCOMP_RET_ALLOW},
	{SYS_mkdirat, {3, 0, 01777}, SECCOMP_RET_KILL_PROCESS},
	{SYS_mmap, {0, 4096, PROT_READ | PROT_WRITE}, SECCOMP_RET_ALLOW},
	{SYS_mmap, {0, 4096, PROT_READ | PROT_EXEC}, SECCOMP_RET_KILL_PROCESS},
	{SYS_mprotect, {0, 4096, PROT_NONE}, SECCOMP_RET_ALLOW},
	{SYS_mprotect, {0, 4096, PROT_EXEC}, SECCOMP_RET_KILL_PROCESS},
	{SYS_madvise, {0, 4096, MADV_DONTNEED}, SECCOMP_RET_ALLOW},
	{SYS_madvise, {0, 4096, MADV_FREE}, SECCOMP_RET_KILL_PROCESS},
	{SYS_futex, {0, 0}, SECCOMP_RET_ALLOW},
	{SYS_futex, {0, 128 | 1}, SECCOMP_RET_ALLOW},
	{SYS_futex, {0, 3}, SECCOMP_RET_KILL_PROCESS},
	{SYS_futex, {0, 128 | 6}, SECCOMP_RET_KILL_PROCESS},
	{SYS_writev, {2}, SECCOMP_RET_ALLOW},
	{SYS_writev, {1}, SECCOMP_RET_KILL_PROCESS},
	{SYS_tgkill, {4711, 4711, 6}, SECCOMP_RET_ALLOW},
	{SYS_tgkill, {1, 1, 9}, SECCOMP_RET_KILL_PROCESS},
	{SYS_execve, {0}, SECCOMP_RET_KILL_PROCESS},
	{SYS_socket, {0}, SECCOMP_RET_KILL_PROCESS},
	{SYS_openat2, {0}, SECCOMP_RET_KILL_PROCESS},
	{SYS_ptrace, {0}, SECCOMP_RET_KILL_PROCESS},
};

static void filter_judges_calls(void **state)
{
	struct sock_filter f[SECCOMP_FILTER_MAX];
	size_t n = seccomp_filter(4711, f);

	(void)state;
	assert_in_range(n, 1, SECCOMP_FILTER_MAX);
	for (size_t i = 0; i < sizeof(CALLS) / sizeof(CALLS[0]); i++) {
		struct seccomp_data d = {.nr = CALLS[i].nr, .arch = OUR_ARCH};

		memcpy(d.args, CALLS[i].args, sizeof(CALLS[i].args));
		if (judge(f, n, &d) != CALLS[i].want)
			fail_msg("row %zu: call %d: %x, want %x", i, d.nr, judge(f, n, &d),
				 CALLS[i].want);
		d.arch = OTHER_ARCH;
		assert_int_equal(judge(f, n, &d), SECCOMP_RET_KILL_PROCESS);
#if defined(__x86_64__)
		d.arch = OUR_ARCH;
		d.nr |= 0x40000000; /* x32 */
		assert_int_equal(judge(f, n, &d), SECCOMP_RET_KILL_PROCESS);
#endif
	}
}

/* Whether a call can be allowed at all: with arguments that pass every check. */
static bool is_listed(const struct sock_filter *f, size_t n, int nr)
{
	static const uint64_t args[][4] = {
		{0}, {0, 0, O_NOFOLLOW}, {0, 0, MADV_DONTNEED}, {2}, {4711}};

	for (size_t i = 0; i < sizeof(args) / sizeof(args[0]); i++) {
		struct seccomp_data d = {.nr = nr, .arch = OUR_ARCH};

		memcpy(d.args, args[i], sizeof(args[i]));
		if (judge(f, n, &d) == SECCOMP_RET_ALLOW)
			return true;
	}
	return false;
}

#define NR_MAX 1000

static void filter_lists_few(void **state)
{
	struct sock_filter f[SECCOMP_FILTER_MAX];
	size_t n = seccomp_filter(4711, f), listed = 0;

	(void)state;
	for (int nr = -1; nr < NR_MAX; nr++)
		listed += is_listed(f, n, nr);
	assert_int_equal(listed, 25);
}

/* --- by the kernel ---------------------------------------------------------------------------- */

static void *filtered_thread(void *arg)
{
	struct thread *t = arg;
	char byte;

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (confine_seccomp()) {
		t->line = __LINE__;
		return NULL;
	}
	if (open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0 || errno != EACCES)
		t->line = __LINE__;
	if (pread(t->in->next.fd, &byte, 1, 0) >= 0 || errno != EISDIR)
		t->line = __LINE__;
	return NULL;
}

static void filter_holds_for_its_thread(void **state)
{
	struct thread t = {*state, 0, 0, 0};

	if (CONFINE_SANITIZED) {
		print_message("skipped: no filter of calls under a sanitizer\n");
		return;
	}
	in_thread(filtered_thread, &t);
	assert_int_equal(connect_to_nobody(), ECONNREFUSED); /* the others go on */
}

static int one_call(struct inside *in)
{
	return syscall(in->nr, 0, 0, 0, 0, 0, 0) == -1 ? 1 : 2; /* not reached */
}

/* uretprobe and uprobe, which the kernel calls for itself and lets pass every filter */
static bool is_of_uprobes(long nr)
{
#if defined(__x86_64__)
	return nr == 335 || nr == 336;
#else
	return nr < 0;
#endif
}

static void every_other_call_kills(void **state)
{
	struct sock_filter f[SECCOMP_FILTER_MAX];
	size_t n = seccomp_filter(4711, f);
	struct inside *in = *state;
	int tried = 0;

	if (CONFINE_SANITIZED) {
		print_message("skipped: no filter of calls under a sanitizer\n");
		return;
	}
	for (in->nr = 0; in->nr < 480; in->nr++) {
		int status;

		if (is_listed(f, n, (int)in->nr) || is_of_uprobes(in->nr))
			continue;
		status = status_of(in, one_call);
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
			fail_msg("call %ld: wait status %x", in->nr, (unsigned)status);
		tried++;
	}
	assert_true(tried >= 480 - 25 - 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filter_judges_calls),
		cmocka_unit_test(filter_lists_few),
		cmocka_unit_test_setup_teardown(filter_holds_for_its_thread, set_up, tear_down),
		cmocka_unit_test_setup_teardown(every_other_call_kills, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
