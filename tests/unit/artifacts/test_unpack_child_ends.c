#include "tests/unit/artifacts/child_bench.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "artifacts/unpack_parts.h"
#include "aws/core/cancel.h"

/*
 * However the process that unpacks ends, its caller has a verdict, an empty directory, and no
 * process left. An archive that begins with "play" is no archive, but how the process behaves.
 */

/* --- how it behaves --------------------------------------------------------------------------- */

static void wait_for_ever(void)
{
	static int word;

	for (;;)
		syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL);
}

static void say(const char *text, size_t n)
{
	if (write(CHILD_ANSWER, text, n) < 0)
		_exit(9);
}

static void say_forever(void)
{
	static char text[4096];

	memset(text, 'x', sizeof(text));
	for (;;)
		say(text, sizeof(text));
}

static void leave_something(int dir_fd)
{
	int fd = openat(dir_fd, "rest", O_WRONLY | O_CREAT | O_NOFOLLOW, 0600);

	if (mkdirat(dir_fd, "dir", 0755) || fd < 0)
		_exit(9);
	close(fd);
}

static int play(const char *part, int dir_fd, struct err *err)
{
	int sig = 0;

	leave_something(dir_fd);
	if (!strcmp(part, "wait")) {
		wait_for_ever();
	} else if (!strcmp(part, "deaf")) { /* the pipe ends, the process does not */
		close(CHILD_ANSWER);
		wait_for_ever();
	} else if (!strcmp(part, "noise")) {
		say("terminate called\nwithout \033[31mcause", 35);
		_exit(3);
	} else if (!strcmp(part, "quiet")) {
		_exit(0);
	} else if (!strcmp(part, "chatter")) {
		say("hello", 5); /* and then the outcome */
	} else if (!strcmp(part, "flood")) {
		say_forever();
	} else if (!strcmp(part, "impossible")) {
		return err_set_sys(err, ERR_SYSTEM, ENOENT, "pretend that there is no program");
	} else if (!strcmp(part, "conflict")) {
		return err_set(err, ERR_CONFLICT, "which unpacking does not answer");
	} else if (!strcmp(part, "assert")) {
		fprintf(stderr, "play: something: Assertion `sound' failed.\n");
		abort();
	} else if (sscanf(part, "signal %d", &sig) == 1) {
		syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), sig);
	}
	return 0;
}

static int unpack_or_play(int fd_in, int dir_fd, const struct unpack_limits *limits,
			  struct unpack_stats *stats, struct err *err)
{
	char part[64] = {0};

	if (pread(fd_in, part, sizeof(part) - 1, 0) > 5 && !memcmp(part, "play ", 5))
		return play(part + 5, dir_fd, err);
	return unpack_archive(fd_in, dir_fd, limits, stats, err);
}

/* --- how it ends ------------------------------------------------------------------------------ */

static void other_ends(void **state)
{
	struct bench *b = *state;

	must_fail(b, STR("play noise"), ERR_SYSTEM,
		  "ended with status 3: terminate called?without ?[31mcause");
	must_fail(b, STR("play quiet"), ERR_SYSTEM, "answered nonsense: 0 bytes");
	must_fail(b, STR("play chatter"), ERR_SYSTEM, "answered nonsense");
	must_fail(b, STR("play conflict"), ERR_SYSTEM, "answered nonsense");
	/* nobody talks the caller into doing it itself */
	must_fail(b, STR("play impossible"), ERR_SYSTEM, "pretend that there is no program");
	assert_true(b->report.applied & CONFINE_PROCESS);
	must_fail(b, STR("play deaf"), ERR_SYSTEM, "was ended by SIGKILL");
	must_fail(b, STR("play flood"), ERR_SYSTEM, "was ended by SIGKILL");
	must_fail(b, STR("play assert"), ERR_UNSAFE, "it gave up: play: something: Assertion");
	b->how.program = "/bin/false";
	must_fail(b, STR("PK"), ERR_SYSTEM, "ended with status 1");
	b->how.program = "/bin/true";
	must_fail(b, STR("PK"), ERR_SYSTEM, "did not say how it is confined");
}

static void ends_by_signals(void **state)
{
	static const struct {
		int sig;
		enum err_code code;
		const char *text;
	} rows[] = {
		{SIGKILL, ERR_SYSTEM, "SIGKILL: somebody killed it, perhaps for want of memory"},
		{SIGXCPU, ERR_LIMIT, "SIGXCPU: it took too much time"},
		{SIGXFSZ, ERR_LIMIT, "SIGXFSZ: it wrote a larger file"},
		{SIGSYS, ERR_UNSAFE, "SIGSYS: it called the system for what"},
		{SIGTERM, ERR_SYSTEM, "SIGTERM: somebody ended it"},
		{SIGSEGV, ERR_UNSAFE, "SIGSEGV: it crashed"},
		{SIGBUS, ERR_UNSAFE, "SIGBUS: it crashed"},
	};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char order[40];

		if (CONFINE_SANITIZED && rows[i].code == ERR_UNSAFE)
			continue; /* a sanitizer makes an exit status of it */
		snprintf(order, sizeof(order), "play signal %d", rows[i].sig);
		must_fail(b, str_from(order), rows[i].code, rows[i].text);
	}
}

static void *fire(void *arg)
{
	struct bench *b = arg;

	while (!count_in(b->temp.fd)) /* until it plays */
		sched_yield();
	cancel_fire(b->limits.cancel);
	return NULL;
}

static void a_cancel_kills(void **state)
{
	struct bench *b = *state;
	pthread_t thread;

	b->limits.cancel = cancel_new();
	assert_int_equal(pthread_create(&thread, NULL, fire, b), 0);
	must_fail(b, STR("play wait"), ERR_CANCELED, "unpacking was canceled");
	assert_int_equal(pthread_join(thread, NULL), 0);
	must_fail(b, STR("play wait"), ERR_CANCELED, "unpacking was canceled"); /* stays fired */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	cancel_free(b->limits.cancel);
}

static void time_kills(void **state)
{
	struct bench *b = *state;

	b->how.limit_ms = 50;
	must_fail(b, STR("play wait"), ERR_LIMIT, "it takes too long");
}

/* The caller dies at once: SIGKILL. We take its child over, and see it end. */
static void the_callers_death_kills(void **state)
{
	struct bench *b = *state;
	pid_t caller, got;
	int status;

	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
	caller = fork();
	assert_true(caller >= 0);
	if (!caller)
		_exit(unpack_text(b, STR("play wait")));
	while (!count_in(b->temp.fd))
		sched_yield();
	assert_int_equal(kill(caller, SIGKILL), 0);
	assert_int_equal(waitpid(caller, &status, 0), caller);
	got = waitpid(-1, &status, 0);
	assert_true(got > 0 && got != caller);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0), 0);
	empty(b);
}

static int status_of(const char *request)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		execl(UNPACK_CHILD_SELF, "x", UNPACK_CHILD_COMMAND, request, (char *)NULL);
		_exit(99);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void wrong_requests(void **state)
{
	char text[UNPACK_REQUEST_SIZE];
	struct unpack_request r = {{0}};

	(void)state;
	assert_int_equal(status_of(NULL), CHILD_USAGE);
	assert_int_equal(status_of(""), CHILD_USAGE);
	assert_int_equal(status_of("1,2"), CHILD_USAGE);
	r.n[REQUEST_PARENT] = 1; /* who asked is dead, and somebody else took it over */
	unpack_request_write(&r, text);
	assert_int_equal(status_of(text), CHILD_ORPHANED);
}

/* --- around it -------------------------------------------------------------------------------- */

/* Standard descriptors may be closed, and so be given to what is handed over. */
static void any_descriptor_will_do(void **state)
{
	struct bench *b = *state;
	struct str zip = small_zip();

	for (int low = 0; low < 3; low++) {
		int status;
		pid_t pid;

		fflush(NULL);
		pid = fork();
		if (!pid) {
			int fd = file_of(zip);

			for (int i = low; i < 3; i++)
				close(i);
			fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
			if (low < 2)
				b->temp.fd = fcntl(b->temp.fd, F_DUPFD_CLOEXEC, 0);
			_exit(unpack_fd(b, fd) ? 1 : fd == low ? 0 : 2);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		check_file(b->temp.fd, "run", STR("#!"), 0755);
		empty(b);
	}
	free((void *)(uintptr_t)zip.p);
}

static void *unpack_some(void *arg)
{
	struct str zip = *(const struct str *)arg;
	struct bench *b;

	set_up((void **)&b);
	for (int i = 0; i < 5; i++)
		small_must_unpack(b, zip);
	tear_down((void **)&b);
	return NULL;
}

static void several_at_once(void **state)
{
	struct str zip = small_zip();
	pthread_t threads[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, unpack_some, &zip), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	free((void *)(uintptr_t)zip.p);
}

static void copy_program(const char *to)
{
	int in = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	char block[65536];
	ssize_t n;

	assert_true(in >= 0 && out >= 0);
	while ((n = read(in, block, sizeof(block))) > 0)
		assert_int_equal(write(out, block, (size_t)n), n);
	close(in);
	close(out);
}

/* What a copy of this program does: it goes away, and unpacks all the same. */
static int unpack_while_replaced(const char *path, const char *dir)
{
	struct str zip = small_zip();
	struct bench *b;
	int status, fd;

	set_up((void **)&b);
	if (unlink(path) || (fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0755)) < 0)
		return 1;
	close(fd); /* an empty program in its place */
	temp_remove(&b->temp);
	b->temp.fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	status = unpack_text(b, zip) || !b->report.applied ? 2 : 0;
	close(b->temp.fd);
	free(b);
	free((void *)(uintptr_t)zip.p);
	return status;
}

static void a_replaced_program_goes_on(void **state)
{
	struct bench *b = *state;
	char path[128], dir[128];
	int status;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/program", b->temp.path);
	snprintf(dir, sizeof(dir), "%s/dir", b->temp.path);
	copy_program(path);
	assert_int_equal(mkdir(dir, 0700), 0);
	pid = fork();
	if (!pid) {
		execl(path, path, "replaced", path, dir, (char *)NULL);
		_exit(99);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	check_file(b->temp.fd, "dir/run", STR("#!"), 0755);
}

static void children_that_vanish_are_told(void **state)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
	struct bench *b = *state;
	struct str zip = small_zip();

	assert_int_equal(sigaction(SIGCHLD, &ignore, &before), 0);
	must_fail(b, zip, ERR_SYSTEM, "wait for the end of the process that unpacks");
	assert_int_equal(sigaction(SIGCHLD, &before, NULL), 0);
	free((void *)(uintptr_t)zip.p);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		WITH_BENCH(other_ends),
		WITH_BENCH(ends_by_signals),
		WITH_BENCH(a_cancel_kills),
		WITH_BENCH(time_kills),
		WITH_BENCH(the_callers_death_kills),
		cmocka_unit_test(wrong_requests),
		WITH_BENCH(any_descriptor_will_do),
		cmocka_unit_test(several_at_once),
		WITH_BENCH(a_replaced_program_goes_on),
		WITH_BENCH(children_that_vanish_are_told),
	};

	if (argc > 1 && !strcmp(argv[1], UNPACK_CHILD_COMMAND))
		unpack_child_run(argc, argv, unpack_or_play);
	if (argc > 3 && !strcmp(argv[1], "replaced"))
		return unpack_while_replaced(argv[2], argv[3]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
