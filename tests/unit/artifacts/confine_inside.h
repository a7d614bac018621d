#ifndef TESTS_UNIT_ARTIFACTS_CONFINE_INSIDE_H
#define TESTS_UNIT_ARTIFACTS_CONFINE_INSIDE_H

#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "artifacts/confine.h"
#include "artifacts/confine_parts.h"
#include "tests/unit/artifacts/dump_counters.h"
#include "tests/unit/artifacts/files.h"
#include "tests/unit/broken_call.h"

/*
 * What the tests of confine share: code that runs inside, in a forked process or in a thread, since
 * Landlock and the filter hold for the thread that asks for them.
 */

static const struct confine_limits WIDE = {
	.file_bytes = 1 << 30, .memory_bytes = 1ull << 40, .cpu_s = 600, .descriptors = 256};

struct inside {
	struct temp temp; /* beneath */
	struct temp next; /* a neighbour, with a file */
	struct confine_without without;
	struct confine_limits limits;
	struct confine_report report;
	long nr;     /* for one_call */
	int kernel;  /* its Landlock ABI */
	bool nobody; /* not as root */
	const struct broken_call *broken; /* one that the kernel refuses; NULL: none */
};

/* Nonzero: the line that failed. */
#define TRY(condition)                   \
	do {                             \
		if (!(condition))        \
			return __LINE__; \
	} while (0)

static inline int open_inside(int at, const char *path, int flags)
{
	return (int)syscall(SYS_openat, at, path, flags | O_NOFOLLOW | O_CLOEXEC,
			    flags & O_CREAT ? 0600 : 0);
}

static inline bool denied(int at, const char *path, int flags)
{
	int fd = open_inside(at, path, flags);

	if (fd >= 0)
		close(fd);
	return fd < 0 && errno == EACCES;
}

/* The wait status of a process that is confined, and then runs this. */
static inline int status_of(struct inside *in, int (*fn)(struct inside *in))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		int rc;

		if (in->nobody && getuid() == 0 && setuid(65534))
			_exit(255);
		if (in->broken && !break_calls(in->broken, 1))
			_exit(254);
		confine(in->temp.fd, in->next.fd + 1, &in->limits, &in->without, &in->report);
		rc = fn(in);
		_exit(rc ? 1 + rc % 255 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static inline void must_pass(struct inside *in, int (*fn)(struct inside *in))
{
	int status = status_of(in, fn);

	if (WIFSIGNALED(status))
		fail_msg("ended by signal %d", WTERMSIG(status));
	if (status)
		fail_msg("failed at the line %d (modulo 255)", WEXITSTATUS(status) - 1);
}

static inline void must_die(struct inside *in, int (*fn)(struct inside *in), int sig)
{
	int status = status_of(in, fn);

	if (!WIFSIGNALED(status) || WTERMSIG(status) != sig)
		fail_msg("wait status %x; want the signal %d", (unsigned)status, sig);
}

static inline int kernel_abi(void)
{
	return (int)syscall(444, NULL, 0, 1); /* landlock_create_ruleset */
}

static inline int set_up(void **state)
{
	struct inside *in = calloc(1, sizeof(*in));

	temp_make(&in->temp);
	temp_make(&in->next);
	put_file(in->next.fd, "file", STR("secret"), 0644);
	put_file(in->temp.fd, "own", STR("own"), 0644);
	in->limits = WIDE;
	in->kernel = kernel_abi();
	*state = in;
	return 0;
}

static inline int tear_down(void **state)
{
	struct inside *in = *state;

	temp_remove(&in->temp);
	temp_remove(&in->next);
	free(in);
	return 0;
}

static inline int connect_to_nobody(void)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_port = htons(1)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), error;

	if (fd < 0)
		return errno;
	error = connect(fd, (struct sockaddr *)&a, sizeof(a)) ? errno : 0;
	close(fd);
	return error;
}

struct thread {
	struct inside *in;
	int abi, want_abi;
	int line;
};

static inline void in_thread(void *(*fn)(void *), struct thread *t)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, fn, t), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	if (t->line)
		fail_msg("failed at line %d", t->line);
}

#endif
