#include "artifacts/unpack_child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "artifacts/unpack_child_parts.h"
#include "artifacts/unpack_parts.h"
#include "aws/core/cancel.h"
#include "aws/core/limits.h"

/*
 * The caller's side: start the process, listen to it, see that it is over, judge what it said. Its
 * end is known by the end of the pipe. Then it is killed all the same: one that is over already
 * does not mind, and one that only closed the pipe must not be waited for.
 */
enum {
	SAID_MAX = 4096,       /* what is kept of the answer: more than it may be */
	NOISE_MAX = 256 << 10, /* what may come instead: a crash can be talkative */
	QUOTED_SIZE = 300,
	SLICE_MS = 1000, /* how long to poll before the clock is looked at again */
};

struct child {
	const struct unpack_child *how;
	const struct unpack_limits *limits;
	int archive, dir, answer; /* its ends, -1 when handed over */
	int from, event;	  /* ours: the answer; the cancel */
	pid_t pid;
	int status;
	int64_t limit_s;
	uint64_t cpu_s;
	char said[SAID_MAX];
	size_t n, heard; /* kept; in all */
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* --- starting --------------------------------------------------------------------------------- */

/* A descriptor that none of the three can stand in the way of. Takes fd. */
static int above_three(int fd)
{
	int moved, saved;

	if (fd < 0 || fd >= CHILD_DESCRIPTORS)
		return fd;
	moved = fcntl(fd, F_DUPFD_CLOEXEC, CHILD_DESCRIPTORS);
	saved = errno;
	close(fd);
	errno = saved;
	return moved;
}

/* The archive, open for reading only: what is unpacked here may be deployed as it is. */
static int open_archive(int fd, struct err *err)
{
	char path[40];
	int again;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = above_three(open(path, O_RDONLY | O_CLOEXEC));
	if (again < 0 && (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY)
		again = fcntl(fd, F_DUPFD_CLOEXEC, CHILD_DESCRIPTORS);
	return again >= 0 ? again : err_set_sys(err, ERR_SYSTEM, errno, "open the archive again");
}

static int make_pipe(struct child *c, struct err *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return err_set_sys(err, ERR_SYSTEM, errno, "create a pipe");
	c->from = ends[0];
	c->answer = above_three(ends[1]);
	if (c->answer < 0 || fcntl(c->from, F_SETFL, O_NONBLOCK))
		return err_set_sys(err, ERR_SYSTEM, errno, "create a pipe");
	c->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return c->event >= 0 ? 0 : err_set_sys(err, ERR_SYSTEM, errno, "eventfd");
}

static void make_request(const struct child *c, bool probe, char out[UNPACK_REQUEST_SIZE])
{
	const struct confine_without *w = &c->how->without;
	struct unpack_request r = {{0}};

	r.n[REQUEST_PARENT] = getpid();
	r.n[REQUEST_PROBE] = probe;
	r.n[REQUEST_REQUIRE] = c->how->confinement == UNPACK_CONFINEMENT_REQUIRE;
	r.n[REQUEST_NO_LANDLOCK] = w->landlock;
	r.n[REQUEST_LANDLOCK_ABI] = w->landlock_abi;
	r.n[REQUEST_NO_SECCOMP] = w->seccomp;
	r.n[REQUEST_NO_CLOSE_RANGE] = w->close_range;
	r.n[REQUEST_NO_PROC] = w->proc;
	r.n[REQUEST_MAX_BYTES] = c->limits->max_bytes;
	r.n[REQUEST_MAX_ENTRIES] = c->limits->max_entries;
	r.n[REQUEST_MAX_ENTRY_BYTES] = c->limits->max_entry_bytes;
	r.n[REQUEST_MAX_DEPTH] = c->limits->max_depth;
	r.n[REQUEST_CPU_S] = (int64_t)c->cpu_s;
	unpack_request_write(&r, out);
}

/* Its three descriptors, or none: one that is missing would be ours of that number. An errno. */
static int hand_over(const struct child *c, posix_spawn_file_actions_t *files)
{
	const int ends[] = {
		[CHILD_ARCHIVE] = c->archive, [CHILD_DIR] = c->dir, [CHILD_ANSWER] = c->answer};
	int rc = 0;

	for (int to = 0; !rc && to < CHILD_DESCRIPTORS; to++)
		rc = posix_spawn_file_actions_adddup2(files, ends[to], to);
	return rc;
}

static int cannot_start(const struct child *c, int sys, struct err *err)
{
	return err_set_sys(err, ERR_SYSTEM, sys, "start the process that unpacks (%s)",
			   c->how->program);
}

/* A session of its own: no terminal reaches it, nor does a signal that is meant for us. */
static int spawn(struct child *c, char *request, struct err *err)
{
	char name[] = "rollout-worker", command[] = UNPACK_CHILD_COMMAND;
	char *args[] = {name, command, request, NULL}, *no_environment[] = {NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int rc;

	sigemptyset(&none);
	sigfillset(&all);
	rc = posix_spawn_file_actions_init(&files);
	if (rc)
		return cannot_start(c, rc, err);
	rc = posix_spawnattr_init(&attr);
	if (rc) {
		posix_spawn_file_actions_destroy(&files);
		return cannot_start(c, rc, err);
	}
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
						POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	rc = hand_over(c, &files);
	if (!rc)
		rc = posix_spawn(&c->pid, c->how->program, &files, &attr, args, no_environment);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	if (!rc)
		return 0;
	c->pid = 0;
	return cannot_start(c, rc, err);
}

static int start(struct child *c, bool probe, int fd_in, int dir_fd, struct err *err)
{
	char request[UNPACK_REQUEST_SIZE];

	make_request(c, probe, request);
	c->archive = open_archive(fd_in, err);
	if (c->archive < 0)
		return -1;
	c->dir = fcntl(dir_fd, F_DUPFD_CLOEXEC, CHILD_DESCRIPTORS);
	if (c->dir < 0)
		return err_set_sys(err, ERR_SYSTEM, errno, "the directory to unpack into");
	if (make_pipe(c, err) || spawn(c, request, err))
		return -1;
	close_fd(&c->archive);
	close_fd(&c->dir);
	close_fd(&c->answer); /* or the end of the pipe would never come */
	return 0;
}

/* --- listening -------------------------------------------------------------------------------- */

/* True at the end of what it says. */
static bool listen_to(struct child *c)
{
	char chunk[SAID_MAX];
	ssize_t n;

	while ((n = read(c->from, chunk, sizeof(chunk))) > 0) {
		size_t room = sizeof(c->said) - c->n, keep = (size_t)n < room ? (size_t)n : room;

		memcpy(c->said + c->n, chunk, keep);
		c->n += keep;
		c->heard += (size_t)n;
		if (c->heard > NOISE_MAX)
			return true;
	}
	return n == 0 || (errno != EAGAIN && errno != EINTR);
}

static void poke(void *arg)
{
	const uint64_t one = 1;
	const int *fd = arg;

	if (write(*fd, &one, sizeof(one)) < 0)
		return; /* only when it was written before: it is readable then */
}

static int wait_end(struct child *c, struct err *err)
{
	struct pollfd fds[] = {{.fd = c->from, .events = POLLIN},
			       {.fd = c->event, .events = POLLIN}};
	struct clock *clock = c->how->clock;
	int64_t limit_ms = c->how->limit_ms ? c->how->limit_ms : c->limit_s * 1000;
	int64_t until = clock_mono(clock).ms + limit_ms;

	for (;;) {
		int64_t left = clock_real_ms(clock, until - clock_mono(clock).ms);

		if (cancel_is_fired(c->limits->cancel))
			return err_set(err, ERR_CANCELED, "unpacking was canceled");
		if (left <= 0)
			return err_set(err, ERR_LIMIT,
				       "unpacking was ended after %lld s: it takes too long",
				       (long long)(limit_ms / 1000));
		if (poll(fds, 2, (int)(left < SLICE_MS ? left : SLICE_MS)) < 0 && errno != EINTR)
			return err_set_sys(err, ERR_SYSTEM, errno, "poll");
		if (fds[0].revents && listen_to(c))
			return 0;
	}
}

static int reap(struct child *c, struct err *err)
{
	pid_t got;

	kill(c->pid, SIGKILL);
	do {
		got = waitpid(c->pid, &c->status, 0);
	} while (got < 0 && errno == EINTR);
	return got == c->pid ? 0
			     : err_set_sys(err, ERR_SYSTEM, errno,
					   "wait for the end of the process that unpacks");
}

/* --- judging ---------------------------------------------------------------------------------- */

static const struct ending {
	int sig;
	enum err_code code;
	const char *means;
} ENDINGS[] = {
	{SIGSYS, ERR_UNSAFE, "it called the system for what unpacking does not need"},
	{SIGSEGV, ERR_UNSAFE, "it crashed"},
	{SIGBUS, ERR_UNSAFE, "it crashed"},
	{SIGILL, ERR_UNSAFE, "it crashed"},
	{SIGFPE, ERR_UNSAFE, "it crashed"},
	{SIGABRT, ERR_UNSAFE, "it gave up"},
	{SIGXCPU, ERR_LIMIT, "it took too much time"},
	{SIGXFSZ, ERR_LIMIT, "it wrote a larger file than it may"},
	{SIGKILL, ERR_SYSTEM, "somebody killed it, perhaps for want of memory"},
};

static int judge_signal(const struct child *c, const char *quoted, struct err *err)
{
	int sig = WTERMSIG(c->status);
	const char *name = sigabbrev_np(sig);
	struct ending e = {sig, ERR_SYSTEM, "somebody ended it"};

	for (size_t i = 0; i < sizeof(ENDINGS) / sizeof(ENDINGS[0]); i++)
		if (ENDINGS[i].sig == sig)
			e = ENDINGS[i];
	return err_set(err, e.code, "the process that unpacks was ended by SIG%s: %s%s%s",
		       name ? name : "?", e.means, *quoted ? ": " : "", quoted);
}

static int judge(const struct child *c, struct str said, bool greeted, struct unpack_stats *stats,
		 struct err *err)
{
	char quoted[QUOTED_SIZE];

	str_copy_clean(quoted, sizeof(quoted), str_trim(said));
	if (WIFSIGNALED(c->status))
		return judge_signal(c, quoted, err);
	if (!WIFEXITED(c->status) || WEXITSTATUS(c->status) != CHILD_OK)
		return err_set(err, ERR_SYSTEM, "the process that unpacks ended with status %d%s%s",
			       WEXITSTATUS(c->status), *quoted ? ": " : "", quoted);
	if (!greeted)
		return err_set(err, ERR_SYSTEM,
			       "the process that unpacks did not say how it is confined%s%s",
			       *quoted ? ": " : "", quoted);
	return unpack_outcome_read(said, c->limits, stats, err);
}

/* --- all of it -------------------------------------------------------------------------------- */

static void init(struct child *c, const struct unpack_child *how,
		 const struct unpack_limits *limits)
{
	*c = (struct child){.how = how,
			    .limits = limits,
			    .archive = -1,
			    .dir = -1,
			    .answer = -1,
			    .from = -1,
			    .event = -1};
	c->cpu_s = LIMIT_UNPACK_BASE_S + (uint64_t)limits->max_bytes / LIMIT_UNPACK_RATE;
	c->limit_s = (int64_t)(2 * c->cpu_s); /* disks make it wait */
}

/* 0: it is over, and may have said something. *started: there was a process. */
static int run(struct child *c, bool probe, int fd_in, int dir_fd, bool *started, struct err *err)
{
	struct cancel_waker waker = {.wake = poke, .arg = &c->event};
	int rc = start(c, probe, fd_in, dir_fd, err);
	struct err ignored = ERR_INIT;

	*started = c->pid > 0;
	if (*started) {
		cancel_attach(c->limits->cancel, &waker);
		rc = wait_end(c, err);
		cancel_detach(c->limits->cancel, &waker);
		if (reap(c, rc ? &ignored : err))
			rc = -1;
	}
	close_fd(&c->archive);
	close_fd(&c->dir);
	close_fd(&c->answer);
	close_fd(&c->from);
	close_fd(&c->event);
	return rc;
}

static int run_and_judge(struct child *c, bool probe, int fd_in, int dir_fd, bool *started,
			 struct unpack_stats *stats, struct confine_report *report, struct err *err)
{
	int rc = run(c, probe, fd_in, dir_fd, started, err);
	struct str said = {c->said, c->n};
	bool greeted = unpack_greeting_read(&said, report);

	return rc ? -1 : judge(c, said, greeted, stats, err);
}

/* It could not be started, and will not be started next time: this is no place for it. */
static bool is_impossible(const struct err *err)
{
	return err->sys == ENOENT || err->sys == EACCES || err->sys == EPERM ||
	       err->sys == ENOSYS || err->sys == ENOTDIR || err->sys == ENOEXEC;
}

static bool may_do_without(const struct unpack_child *how, bool started, const struct err *err)
{
	return how->confinement == UNPACK_CONFINEMENT_PREFER && !started && is_impossible(err);
}

/* 0: there is nothing to start, and that is all right. 1: there is. */
static int has_program(const struct unpack_child *how, struct err *err)
{
	if (how->confinement != UNPACK_CONFINEMENT_OFF && how->program)
		return 1;
	if (how->confinement != UNPACK_CONFINEMENT_REQUIRE)
		return 0;
	return err_set(err, ERR_REJECTED, "there is no program to unpack in a process of its own");
}

int unpack_in_child(const struct unpack_child *how, int fd_in, int dir_fd,
		    const struct unpack_limits *limits, struct unpack_stats *stats,
		    struct confine_report *report, struct err *err)
{
	int program = has_program(how, err), rc;
	struct child c;
	struct stat st;
	bool started;

	*report = (struct confine_report){0};
	*stats = (struct unpack_stats){.format = ""};
	if (program <= 0)
		return program ? -1 : unpack(fd_in, dir_fd, limits, stats, err);
	if (unpack_check_empty(dir_fd, err))
		return -1;
	/* before it is opened again: that of a pipe would wait */
	if (fstat(fd_in, &st))
		return err_set_sys(err, ERR_SYSTEM, errno, "read the archive");
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_SYSTEM, "the archive is not a regular file");
	init(&c, how, limits);
	rc = run_and_judge(&c, false, fd_in, dir_fd, &started, stats, report, err);
	if (rc && may_do_without(how, started, err))
		return unpack(fd_in, dir_fd, limits, stats, err);
	if (rc)
		unpack_undo(dir_fd, err);
	return rc;
}

int unpack_child_probe(const struct unpack_child *how, int dir_fd, struct confine_report *report,
		       struct err *err)
{
	const struct unpack_limits limits = unpack_limits_default();
	int program = has_program(how, err), fd, rc;
	struct unpack_stats stats;
	struct child c;
	bool started;

	*report = (struct confine_report){0};
	if (program <= 0)
		return program;
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set_sys(err, ERR_SYSTEM, errno, "open /dev/null");
	init(&c, how, &limits);
	rc = run_and_judge(&c, true, fd, dir_fd, &started, &stats, report, err);
	close(fd);
	return rc && may_do_without(how, started, err) ? 0 : rc;
}
