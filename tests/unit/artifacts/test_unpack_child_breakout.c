#include "tests/unit/artifacts/files.h"

#include <linux/futex.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "artifacts/confine_parts.h"
#include "artifacts/unpack_child_parts.h"
#include "artifacts/unpack_parts.h"

/*
 * The process that unpacks, taken over: instead of unpacking, it does what the archive says, which
 * is the name of an attempt below, and an argument. An attempt that fails as it should is
 * "unpacked"; one that gets through is an error that names the line.
 */
extern char **environ;

/* Where the caller keeps what must not be seen; nowhere as it is here. */
#define MARK_XOR 0x55
static const unsigned char MARK[] = {0x13, 0x3c, 0x30, 0x24, 0x30, 0x26, 0x78, 0x34, 0x37,
				     0x31, 0x66, 0x62, 0x78, 0x3a, 0x25, 0x30, 0x3b, 0x78,
				     0x26, 0x30, 0x26, 0x34, 0x38, 0x30, 0x78, 0x6c, 0x6d};
#define MARK_N sizeof(MARK)

#define MUST(condition)                                                                        \
	do {                                                                                   \
		if (!(condition))                                                              \
			return err_set(err, ERR_UNSAFE, "line %d, errno %d", __LINE__, errno); \
	} while (0)

static int open_raw(int at, const char *path, int flags)
{
	return (int)syscall(SYS_openat, at, path, flags | O_NOFOLLOW | O_CLOEXEC,
			    flags & O_CREAT ? 0600 : 0);
}

static bool denied(int at, const char *path, int flags)
{
	int fd = open_raw(at, path, flags);

	if (fd >= 0)
		close(fd);
	return fd < 0 && errno == EACCES;
}

/* --- attempts --------------------------------------------------------------------------------- */

static int see_environment(const char *arg, struct err *err)
{
	char path[64];

	MUST(!environ || !environ[0]);
	MUST(!getenv("PATH") && !getenv("AWS_SECRET_ACCESS_KEY"));
	MUST(denied(AT_FDCWD, "/proc/self/environ", O_RDONLY));
	snprintf(path, sizeof(path), "/proc/%s/environ", arg);
	MUST(denied(AT_FDCWD, path, O_RDONLY));
	snprintf(path, sizeof(path), "/proc/%s/mem", arg);
	MUST(denied(AT_FDCWD, path, O_RDWR));
	return 0;
}

static int see_descriptors(const char *arg, struct err *err)
{
	struct stat st;

	(void)arg;
	for (int fd = CHILD_DESCRIPTORS; fd < 200; fd++)
		MUST(fstat(fd, &st) < 0 && errno == EBADF);
	MUST(fstat(CHILD_ARCHIVE, &st) == 0 && S_ISREG(st.st_mode));
	MUST(fstat(CHILD_DIR, &st) == 0 && S_ISDIR(st.st_mode));
	MUST(fstat(CHILD_ANSWER, &st) == 0 && S_ISFIFO(st.st_mode));
	return 0;
}

static int change_archive(const char *arg, struct err *err)
{
	(void)arg;
	MUST(write(CHILD_ARCHIVE, "x", 1) < 0 && errno == EBADF);
	MUST(open("/proc/self/fd/0", O_RDWR) < 0 && errno == EACCES);
	return 0;
}

/* arg: the path of a directory beside the workspace, that has a file */
static int see_files(const char *arg, struct err *err)
{
	char path[128];
	int fd;

	MUST(denied(AT_FDCWD, "/etc/passwd", O_RDONLY));
	MUST(denied(AT_FDCWD, "/etc", O_RDONLY | O_DIRECTORY));
	MUST(denied(AT_FDCWD, arg, O_RDONLY | O_DIRECTORY));
	snprintf(path, sizeof(path), "%s/file", arg);
	MUST(denied(AT_FDCWD, path, O_RDONLY));
	MUST(denied(AT_FDCWD, path, O_WRONLY));
	snprintf(path, sizeof(path), "..%s/file", strrchr(arg, '/'));
	MUST(denied(CHILD_DIR, path, O_RDONLY));
	snprintf(path, sizeof(path), "..%s/new", strrchr(arg, '/'));
	MUST(denied(CHILD_DIR, path, O_WRONLY | O_CREAT | O_EXCL));
	MUST(mkdirat(CHILD_DIR, path, 0755) < 0 && errno == EACCES);
	MUST(denied(AT_FDCWD, "/dev/null", O_WRONLY));
	MUST(open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES); /* follows links */
	fd = open_raw(CHILD_DIR, "own", O_WRONLY | O_CREAT | O_EXCL);
	MUST(fd >= 0 && write(fd, "x", 1) == 1);
	close(fd);
	MUST(denied(CHILD_DIR, "own", O_RDONLY)); /* nor what it wrote */
	MUST(denied(CHILD_DIR, "own", O_WRONLY | O_TRUNC));
	return 0;
}

static int make_setid(const char *arg, struct err *err)
{
	int fd = (int)syscall(SYS_openat, CHILD_DIR, "s", O_WRONLY | O_CREAT | O_NOFOLLOW, 04755);

	(void)arg;
	MUST(fd < 0 && errno == EACCES);
	fd = open_raw(CHILD_DIR, "s", O_WRONLY | O_CREAT | O_EXCL);
	MUST(fd >= 0);
	MUST(fchmod(fd, 04755) < 0); /* does not come back */
	return 0;
}

/* arg: number of a call and its first two arguments */
static int make_call(const char *arg, struct err *err)
{
	long n[3] = {0};
	struct str rest = str_from(arg), word;
	int64_t v;

	for (int i = 0; i < 3 && str_next(&rest, ' ', &word); i++)
		if (str_parse_i64(word, INT64_MIN, INT64_MAX, &v))
			n[i] = (long)v;
	return err_set(err, ERR_UNSAFE, "came back with %ld",
		       syscall(n[0], n[1], n[2], 0, 0, 0, 0));
}

static int write_much(const char *arg, struct err *err)
{
	int fd = open_raw(CHILD_DIR, "much", O_WRONLY | O_CREAT | O_EXCL);
	static char block[65536];

	(void)arg;
	MUST(fd >= 0);
	for (int i = 0; i < 1000; i++)
		MUST(write(fd, block, sizeof(block)) == (ssize_t)sizeof(block));
	return 0;
}

static int take_memory(const char *arg, struct err *err)
{
	static void *volatile last; /* or a compiler takes malloc() for one that never fails */
	void *p =
		mmap(NULL, 3ull << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)arg;
	MUST(p == MAP_FAILED && errno == ENOMEM);
	p = mmap(NULL, 1ull << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(p != MAP_FAILED); /* what xz may need */
	while ((last = malloc(1 << 20))) /* and the end of it is an error, no crime */
		;
	while ((last = malloc(1 << 10)))
		;
	while ((last = malloc(16)))
		;
	return 0;
}

static bool has_mark(const unsigned char *p, size_t n)
{
	for (size_t i = 0; i + MARK_N <= n; i++) {
		size_t k = 0;

		while (k < MARK_N && (p[i + k] ^ MARK_XOR) == MARK[k])
			k++;
		if (k == MARK_N)
			return true;
	}
	return false;
}

/* The whole of its own memory; needs Landlock and the filter to be missing. */
static int hunt(const char *arg, struct err *err)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC), seen = 0;
	char line[512];

	(void)arg;
	MUST(maps && mem >= 0);
	while (fgets(line, sizeof(line), maps)) {
		unsigned long from, to;
		unsigned char *copy;
		ssize_t n;

		if (sscanf(line, "%lx-%lx r", &from, &to) != 2 || to - from > 256u << 20 ||
		    strstr(line, "[v"))
			continue;
		copy = malloc(to - from);
		n = pread(mem, copy, to - from, (off_t)from);
		if (n > 0 && has_mark(copy, (size_t)n))
			return err_set(err, ERR_UNSAFE, "the mark is there");
		seen += n > 0;
		free(copy);
	}
	MUST(seen > 10);
	fclose(maps);
	close(mem);
	return 0;
}

static const struct attempt {
	const char *name;
	int (*try)(const char *arg, struct err *err);
} ATTEMPTS[] = {
	{"environment", see_environment},
	{"descriptors", see_descriptors},
	{"archive", change_archive},
	{"files", see_files},
	{"setid", make_setid},
	{"call", make_call},
	{"much", write_much},
	{"memory", take_memory},
	{"hunt", hunt},
};

static int taken_over(int fd_in, int dir_fd, const struct unpack_limits *limits,
		      struct unpack_stats *stats, struct err *err)
{
	char order[256] = {0}, *arg;

	(void)limits;
	(void)stats;
	if (pread(fd_in, order, sizeof(order) - 1, 0) < 1 || dir_fd != CHILD_DIR)
		return err_set(err, ERR_MALFORMED, "no orders");
	arg = strchr(order, ' ');
	if (arg)
		*arg++ = 0;
	for (size_t i = 0; i < sizeof(ATTEMPTS) / sizeof(ATTEMPTS[0]); i++)
		if (!strcmp(ATTEMPTS[i].name, order))
			return ATTEMPTS[i].try(arg ? arg : "", err);
	return err_set(err, ERR_MALFORMED, "no such attempt: %s", order);
}

/* --- the other side --------------------------------------------------------------------------- */

struct bench {
	struct temp temp, next;
	struct unpack_child how;
	struct unpack_limits limits;
	struct confine_report report;
	struct err err;
};

static int set_up(void **state)
{
	struct bench *b = xcalloc(1, sizeof(*b));

	temp_make(&b->temp);
	temp_make(&b->next);
	put_file(b->next.fd, "file", STR("secret"), 0644);
	b->how = (struct unpack_child){.confinement = UNPACK_CONFINEMENT_PREFER,
				       .program = UNPACK_CHILD_SELF,
				       .clock = clock_system()};
	b->limits = unpack_limits_default();
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;

	temp_remove(&b->temp);
	temp_remove(&b->next);
	free(b);
	return 0;
}

/* As the worker's own is: without a name, for reading and writing, beside the directory. */
static int order_file(struct bench *b, const char *order)
{
	int fd = openat(b->next.fd, "order", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_int_equal(unlinkat(b->next.fd, "order", 0), 0);
	assert_int_equal(write(fd, order, strlen(order)), strlen(order));
	return fd;
}

static int attempt(struct bench *b, const char *order)
{
	int fd = order_file(b, order), rc;
	struct unpack_stats stats;
	struct err err = ERR_INIT;

	b->err = ERR_INIT;
	rc = unpack_in_child(&b->how, fd, b->temp.fd, &b->limits, &stats, &b->report, &b->err);
	close(fd);
	assert_int_equal(remove_content(b->temp.fd, &err), 0);
	return rc;
}

static void must_fail_inside(struct bench *b, const char *order)
{
	if (attempt(b, order))
		fail_msg("%s: %s", order, b->err.text);
	if (!CONFINE_SANITIZED)
		assert_string_equal(confine_mode(&b->report), "full");
	assert_int_equal(count_in(b->next.fd), 1);
}

static void must_be_killed(struct bench *b, const char *order, const char *signal_name)
{
	char want[64];

	snprintf(want, sizeof(want), "was ended by %s: ", signal_name);
	assert_int_equal(attempt(b, order), -1);
	if (!strstr(b->err.text, want))
		fail_msg("%s: %s; want %s", order, b->err.text, signal_name);
	assert_int_equal(count_in(b->temp.fd), 0);
}

static bool lacks(const char *what, bool is_lacking)
{
	if (is_lacking)
		print_message("skipped: %s\n", what);
	return is_lacking;
}

static bool lacks_landlock(void)
{
	return lacks("this kernel has no Landlock",
		     syscall(444 /* landlock_create_ruleset */, NULL, 0, 1) < 1);
}

static bool lacks_filter(void)
{
	return lacks("no filter of calls under a sanitizer", CONFINE_SANITIZED);
}

static void nothing_of_the_caller_is_seen(void **state)
{
	struct bench *b = *state;
	char order[64];

	if (lacks_landlock())
		return;
	assert_non_null(environ[0]);
	setenv("AWS_SECRET_ACCESS_KEY", "abc", 1);
	snprintf(order, sizeof(order), "environment %d", (int)getpid());
	must_fail_inside(b, order);
	unsetenv("AWS_SECRET_ACCESS_KEY");
}

static void no_descriptor_is_inherited(void **state)
{
	struct bench *b = *state;
	int leaked[30];

	/* as a library might leave them: without O_CLOEXEC */
	for (size_t i = 0; i < 30; i++)
		leaked[i] = open("/etc/passwd", O_RDONLY);
	must_fail_inside(b, "descriptors");
	b->how.without.close_range = true;
	must_fail_inside(b, "descriptors");
	b->how.without.proc = true;
	must_fail_inside(b, "descriptors");
	for (size_t i = 0; i < 30; i++)
		close(leaked[i]);
}

static void the_archive_cannot_be_changed(void **state)
{
	if (!lacks_landlock())
		must_fail_inside(*state, "archive"); /* a file that the caller may write */
}

static void no_other_file_is_reached(void **state)
{
	struct bench *b = *state;
	char order[128];

	if (lacks_landlock())
		return;
	snprintf(order, sizeof(order), "files %s", b->next.path);
	if (!CONFINE_SANITIZED)
		must_fail_inside(b, order);
	for (int abi = 3; abi < 8; abi++) { /* an earlier one lets it truncate what it wrote */
		b->how.without = (struct confine_without){.landlock_abi = abi, .seccomp = true};
		if (attempt(b, order))
			fail_msg("Landlock's ABI %d: %s", abi, b->err.text);
	}
	b->how.without = (struct confine_without){.landlock = true, .seccomp = true};
	assert_int_equal(attempt(b, order), -1); /* the attempts are real */
}

static void no_setid_file(void **state)
{
	if (!lacks_filter())
		must_be_killed(*state, "setid", "SIGSYS");
}

/* A choice, each through the whole of it; test_confine tries every number. */
static void calls_kill(void **state)
{
	struct bench *b = *state;
	const struct {
		const char *name;
		long nr, a, b;
	} calls[] = {
		{"read", SYS_read, 0, 0},
		{"socket", SYS_socket, 2, 1},
		{"connect", SYS_connect, 3, 0},
		{"sendto", SYS_sendto, 2, 0},
		{"clone", SYS_clone, SIGCHLD, 0},
		{"clone3", 435, 0, 0},
		{"execve", SYS_execve, 0, 0},
		{"execveat", SYS_execveat, 0, 0},
		{"kill", SYS_kill, getpid(), 0},
		{"tgkill", SYS_tgkill, getpid(), getpid()},
		{"ptrace", SYS_ptrace, 0, 0},
		{"process_vm_readv", SYS_process_vm_readv, getpid(), 0},
		{"pidfd_open", 434, getpid(), 0},
		{"symlinkat", SYS_symlinkat, 0, 1},
		{"linkat", SYS_linkat, 1, 0},
		{"renameat2", SYS_renameat2, 1, 0},
		{"unlinkat", SYS_unlinkat, 1, 0},
		{"mknodat", SYS_mknodat, 1, 0},
		{"openat2", 437, 1, 0},
		{"ioctl", SYS_ioctl, 2, 0},
		{"prctl", SYS_prctl, 4, 1},
		{"prlimit64", SYS_prlimit64, 0, 4},
		{"setuid", SYS_setuid, 0, 0},
		{"mount", SYS_mount, 0, 0},
		{"unshare", SYS_unshare, 0x10000000, 0},
		{"bpf", SYS_bpf, 0, 0},
		{"io_uring_setup", 425, 1, 0},
		{"userfaultfd", SYS_userfaultfd, 0, 0},
		{"memfd_create", SYS_memfd_create, 0, 0},
		{"futex (requeue)", SYS_futex, 0, FUTEX_CMP_REQUEUE_PI},
	};

	if (lacks_filter())
		return;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		char order[80];

		snprintf(order, sizeof(order), "call %ld %ld %ld", calls[i].nr, calls[i].a,
			 calls[i].b);
		assert_int_equal(attempt(b, order), -1);
		if (b->err.code != ERR_UNSAFE || !strstr(b->err.text, "was ended by SIGSYS"))
			fail_msg("%s: %s", calls[i].name, b->err.text);
	}
}

static void limits_kill(void **state)
{
	struct bench *b = *state;

	b->limits.max_entry_bytes = 1 << 20;
	must_be_killed(b, "much", "SIGXFSZ");
	assert_int_equal(b->err.code, ERR_LIMIT);
	if (!lacks("no limit of memory under a sanitizer", CONFINE_SANITIZED))
		must_fail_inside(b, "memory");
}

/* What a copy of this process would have. */
static void memory_is_its_own(void **state)
{
	struct bench *b = *state;
	unsigned char *secret;
	pid_t pid;
	int status;

	if (lacks("most of the memory is a sanitizer's own", CONFINE_SANITIZED))
		return;
	secret = xmalloc(MARK_N);
	for (size_t i = 0; i < MARK_N; i++)
		secret[i] = MARK[i] ^ MARK_XOR;
	b->how.without = (struct confine_without){.landlock = true, .seccomp = true};
	if (attempt(b, "hunt"))
		fail_msg("%s", b->err.text);
	pid = fork(); /* where the hunt finds it */
	if (!pid) {
		struct err err = ERR_INIT;

		_exit(hunt("", &err) && !strcmp(err.text, "the mark is there") ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(has_mark(secret, MARK_N));
	free(secret);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_of_the_caller_is_seen, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_descriptor_is_inherited, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_archive_cannot_be_changed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_other_file_is_reached, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_setid_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(calls_kill, set_up, tear_down),
		cmocka_unit_test_setup_teardown(limits_kill, set_up, tear_down),
		cmocka_unit_test_setup_teardown(memory_is_its_own, set_up, tear_down),
	};

	if (argc > 1 && !strcmp(argv[1], UNPACK_CHILD_COMMAND))
		unpack_child_run(argc, argv, taken_over);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
