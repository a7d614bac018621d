#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aws/call.h"
#include "aws/core/cancel.h"
#include "aws/credentials.h"

/*
 * A program that prints credentials. It gets no shell, no input, and a process group of its own,
 * which is killed when the time is over or somebody cancels. Its output is a secret: it goes into
 * the snapshot and is wiped.
 *
 * It has our environment, as with the AWS CLI and SDKs: programs of that sort find their settings
 * there (HOME, PATH, proxies, AWS_PROFILE), and run as the same user, who may read it anyway.
 * It has none of our files. When we are killed it is not: what it prints then goes into a pipe
 * without a reader, and it ends by itself.
 *
 * Source: "Process credential provider", AWS SDKs and Tools Reference Guide.
 */
#define TIMEOUT_MS 60000
#define OUTPUT_MAX (64u << 10)
#define STDERR_MAX 400 /* what an error message can quote */
#define ARGS_MAX 64
#define SLICE_MS 1000 /* how long to poll before the clock is looked at again */

extern char **environ;

struct process_provider {
	struct credentials_provider base;
	struct aws *aws;
	char *command;
};

/* --- splitting ------------------------------------------------------------------------------- */

/* One word into text; *at moves behind it. False when a quote is not closed. */
static bool next_word(const char **at, struct buf *text)
{
	char quote = '\0';
	const char *p = *at;

	for (; *p && (quote || !strchr(" \t\n", *p)); p++) {
		if (quote && *p == quote)
			quote = '\0';
		else if (!quote && (*p == '\'' || *p == '"'))
			quote = *p;
		else if (*p == '\\' && quote != '\'' && p[1] &&
			 (!quote || p[1] == '"' || p[1] == '\\'))
			buf_addc(text, *++p);
		else
			buf_addc(text, *p);
	}
	*at = p;
	return !quote;
}

/* Words as a POSIX shell would find them, without expansions. NULL-terminated, in the arena. */
static char **split(const char *command, struct arena *a, struct err *err)
{
	char **args = arena_array(a, char *, ARGS_MAX + 1);
	size_t n = 0;

	for (;;) {
		struct buf word;
		bool closed;

		command += strspn(command, " \t\n");
		if (!*command)
			break;
		if (n == ARGS_MAX) {
			err_set(err, ERR_REJECTED, "more than %d words", ARGS_MAX);
			return NULL;
		}
		buf_init(&word, OUTPUT_MAX);
		closed = next_word(&command, &word) && !word.over;
		args[n++] = str_dup(a, buf_str(&word));
		buf_release(&word);
		if (!closed) {
			err_set(err, ERR_REJECTED, "a quote is not closed");
			return NULL;
		}
	}
	if (n)
		return args;
	err_set(err, ERR_REJECTED, "the command is empty");
	return NULL;
}

/* --- running -------------------------------------------------------------------------------- */

enum { FD_OUT, FD_ERR, FD_END, FD_CANCEL, FD_COUNT };

struct run {
	struct aws *aws;
	pid_t pid;
	struct pollfd fds[FD_COUNT]; /* of the child's two pipes, its end, and the cancel */
	struct buf out, err_text;
	int status;
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int spawn(struct run *r, char **args, const int out[2], const int errs[2], struct err *err)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int ret;

	sigemptyset(&none);
	sigfillset(&all);
	ret = posix_spawn_file_actions_init(&files);
	if (ret)
		return err_set_sys(err, ERR_SYSTEM, ret, "start %s", args[0]);
	ret = posix_spawnattr_init(&attr);
	if (ret) {
		posix_spawn_file_actions_destroy(&files);
		return err_set_sys(err, ERR_SYSTEM, ret, "start %s", args[0]);
	}
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
						POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	/* what it prints is a secret: rather not at all than into our own output */
	ret = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	if (!ret)
		ret = posix_spawn_file_actions_adddup2(&files, out[1], 1);
	if (!ret)
		ret = posix_spawn_file_actions_adddup2(&files, errs[1], 2);
	/* ours are closed on exec; a library's, and what we were started with, might not be */
	if (!ret)
		ret = posix_spawn_file_actions_addclosefrom_np(&files, 3);
	if (!ret)
		ret = posix_spawnp(&r->pid, args[0], &files, &attr, args, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	if (ret)
		return err_set_sys(err, ERR_SYSTEM, ret, "start %s", args[0]);
	return 0;
}

static int start(struct run *r, char **args, struct err *err)
{
	int out[2] = {-1, -1}, errs[2] = {-1, -1}, ret = -1;

	if (pipe2(out, O_CLOEXEC) || pipe2(errs, O_CLOEXEC)) {
		err_set_sys(err, ERR_SYSTEM, errno, "create pipes");
		goto out;
	}
	if (fcntl(out[0], F_SETFL, O_NONBLOCK) || fcntl(errs[0], F_SETFL, O_NONBLOCK)) {
		err_set_sys(err, ERR_SYSTEM, errno, "create pipes");
		goto out;
	}
	if (spawn(r, args, out, errs, err))
		goto out;
	r->fds[FD_OUT].fd = out[0];
	r->fds[FD_ERR].fd = errs[0];
	out[0] = errs[0] = -1;
	r->fds[FD_END].fd = (int)syscall(SYS_pidfd_open, r->pid, 0);
	ret = 0;
	if (r->fds[FD_END].fd < 0)
		ret = err_set_sys(err, ERR_SYSTEM, errno, "watch %s", args[0]);
out:
	close_fd(&out[0]);
	close_fd(&out[1]);
	close_fd(&errs[0]);
	close_fd(&errs[1]);
	return ret;
}

/* Read what is there; closes at the end. What does not fit is dropped, so the child goes on. */
static void drain(struct pollfd *p, struct buf *to)
{
	char chunk[4096];
	ssize_t n;

	while (p->fd >= 0 && (n = read(p->fd, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			close_fd(&p->fd);
			break;
		}
		buf_add(to, chunk, (size_t)n);
	}
	if (p->fd >= 0 && n == 0)
		close_fd(&p->fd);
	mem_wipe(chunk, sizeof(chunk));
}

static void poke(void *arg)
{
	uint64_t one = 1;
	const int *fd = arg;

	if (write(*fd, &one, sizeof(one)) < 0)
		return; /* only when it was written before: it is readable then */
}

/* Until the child has ended; grandchildren that keep its output open are not waited for. */
static int wait_end(struct run *r, struct cancel *cancel, struct err *err)
{
	struct clock *clock = r->aws->clock;
	int64_t until = clock_mono(clock).ms + TIMEOUT_MS;

	for (;;) {
		int64_t left = clock_real_ms(clock, until - clock_mono(clock).ms);

		if (cancel_is_fired(cancel))
			return err_set(err, ERR_CANCELED, "canceled while it ran");
		if (left <= 0)
			return err_set(err, ERR_TIMEOUT, "no end after %d s", TIMEOUT_MS / 1000);
		if (poll(r->fds, FD_COUNT, (int)(left < SLICE_MS ? left : SLICE_MS)) < 0 &&
		    errno != EINTR)
			return err_set_sys(err, ERR_SYSTEM, errno, "poll");
		drain(&r->fds[FD_OUT], &r->out);
		drain(&r->fds[FD_ERR], &r->err_text);
		if (r->fds[FD_END].revents)
			break;
	}
	/* what it wrote last, between our read and its end */
	drain(&r->fds[FD_OUT], &r->out);
	drain(&r->fds[FD_ERR], &r->err_text);
	return 0;
}

static int reap(struct run *r, bool kill_it)
{
	pid_t got;

	if (kill_it)
		kill(-r->pid, SIGKILL);
	do {
		got = waitpid(r->pid, &r->status, 0);
	} while (got < 0 && errno == EINTR);
	return got == r->pid ? 0 : -1;
}

static int judge(const struct run *r, struct err *err)
{
	char said[STDERR_MAX];

	str_copy_clean(said, sizeof(said), str_trim(buf_str(&r->err_text)));
	if (WIFSIGNALED(r->status))
		return err_set(err, ERR_REJECTED, "ended by signal %d: %s", WTERMSIG(r->status),
			       said);
	if (!WIFEXITED(r->status) || WEXITSTATUS(r->status))
		return err_set(err, ERR_REJECTED, "exit status %d: %s", WEXITSTATUS(r->status),
			       said);
	return buf_check(&r->out, "its output", err);
}

static int run(struct run *r, char **args, struct cancel *cancel, struct err *err)
{
	int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), ret;
	struct cancel_waker waker = {.wake = poke, .arg = &event};
	bool started;

	if (event < 0)
		return err_set_sys(err, ERR_SYSTEM, errno, "eventfd");
	for (int i = 0; i < FD_COUNT; i++)
		r->fds[i] = (struct pollfd){.fd = -1, .events = POLLIN};
	r->fds[FD_CANCEL].fd = event;
	cancel_attach(cancel, &waker);
	ret = start(r, args, err);
	started = r->pid > 0;
	if (!ret)
		ret = wait_end(r, cancel, err);
	cancel_detach(cancel, &waker);
	if (started && reap(r, ret != 0) && !ret)
		ret = err_set_sys(err, ERR_SYSTEM, errno, "wait for its end");
	for (int i = 0; i < FD_COUNT; i++)
		close_fd(&r->fds[i].fd);
	return ret ? ret : judge(r, err);
}

/* --- the answer ------------------------------------------------------------------------------ */

static struct credentials *read_output(struct str text, struct arena *a, struct err *err)
{
	struct err reason = ERR_INIT;
	struct json *doc;
	int64_t version;

	if (json_parse(a, text, &doc, &reason)) { /* whose text might quote the secret */
		err_set(err, ERR_MALFORMED, "its output is not JSON");
		return NULL;
	}
	if (!json_i64(json_get(doc, "Version"), &version) || version != 1) {
		err_set(err, ERR_MALFORMED, "Version in its output is not 1");
		return NULL;
	}
	return credentials_from_json(doc, "credential_process", err);
}

static struct credentials *process_get(struct credentials_provider *base, struct cancel *cancel,
				       struct err *err)
{
	struct process_provider *p = (struct process_provider *)base;
	struct credentials *got = NULL;
	struct arena *a = arena_new();
	struct run r = {.aws = p->aws};
	char **args;

	buf_init(&r.out, OUTPUT_MAX);
	buf_init(&r.err_text, STDERR_MAX);
	args = split(p->command, a, err);
	if (args && !run(&r, args, cancel, err))
		got = read_output(buf_str(&r.out), a, err);
	if (!got) /* the arguments may be secrets */
		err_wrap(err, "credential_process %s", args ? args[0] : "");
	mem_wipe(r.out.p, r.out.n);
	buf_release(&r.out);
	buf_release(&r.err_text);
	arena_free(a);
	return got;
}

static void process_free(struct credentials_provider *base)
{
	struct process_provider *p = (struct process_provider *)base;

	free(p->command);
	free(p);
}

struct credentials_provider *credentials_process_new(struct aws *aws, const char *command)
{
	struct process_provider *p = xcalloc(1, sizeof(*p));

	p->base.get = process_get;
	p->base.free = process_free;
	p->aws = aws;
	p->command = xstrdup(command);
	return &p->base;
}
