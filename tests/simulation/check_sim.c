#include <stdio.h>

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aws/core/clock.h"
#include "aws/core/mem.h"
#include "tests/simulation/figures.h"

/*
 * Many seeds, in as many processes as there are processors. Environment: N (runs), SEED (the first
 * one), VERBOSE=1 (a trace of every run, for one or a few), TWICE=1 (every run twice: they have to
 * be the same), JOBS.
 */
#define JOBS_MAX 64
#define FAILURES_SHOWN 40

struct process {
	pid_t pid;
	uint64_t at; /* in shared memory: the seed that is being run */
	uint64_t done;
};

struct many {
	uint64_t first, n;
	unsigned jobs;
	bool twice;
	struct run_options o;
	struct process *shared;
	struct figures *figures;
	uint64_t passed, failed;
	int pipe[2];
};

static uint64_t number(const char *name, uint64_t fallback)
{
	const char *text = getenv(name);
	uint64_t v;

	if (!text || !*text)
		return fallback;
	if (!str_parse_u64(str_from(text), 0, UINT64_MAX, &v)) {
		fprintf(stderr, "%s=%s: not a number\n", name, text);
		exit(2);
	}
	return v;
}

struct message {
	uint64_t seed;
	bool differs;
	struct run_result result;
};
_Static_assert(sizeof(struct message) <= 4096, "a message is written in one piece");

static void run_one(const struct many *m, uint64_t seed)
{
	struct message msg = {.seed = seed};
	struct run_result again;

	run_seed(seed, &m->o, &msg.result);
	if (m->twice) {
		run_seed(seed, &m->o, &again);
		msg.differs = again.digest != msg.result.digest;
	}
	if (write(m->pipe[1], &msg, sizeof(msg)) != (ssize_t)sizeof(msg))
		_exit(3);
}

/* Every jobs-th seed, from `from` on. */
static void child(const struct many *m, unsigned k, uint64_t from)
{
	struct process *p = &m->shared[k];

	for (uint64_t i = from; i < m->n; i += m->jobs) {
		p->at = i;
		run_one(m, m->first + i);
		p->done = i + m->jobs;
	}
	_exit(0);
}

static void start(struct many *m, unsigned k, uint64_t from)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		perror("fork");
		exit(2);
	}
	if (pid == 0)
		child(m, k, from);
	m->shared[k].pid = pid;
}

static void failed(struct many *m, uint64_t seed, const char *what, const char *text)
{
	if (m->failed++ < FAILURES_SHOWN)
		printf("seed %" PRIu64 ": %s: %s\n#   make check-sim SEED=%" PRIu64
		       " N=1 VERBOSE=1\n",
		       seed, what, text, seed);
	fflush(stdout);
}

static void take(struct many *m, const struct message *msg)
{
	const struct run_result *r = &msg->result;

	figures_add(m->figures, r);
	if (msg->differs)
		failed(m, msg->seed, "DETERMINISM", "the same seed ran in two ways");
	else if (r->failed)
		failed(m, msg->seed, invariant_name(r->broken), r->problem);
	else
		m->passed++;
}

/* A process that ended: of its own accord, or in the middle of a run. True when it is done. */
static bool ended(struct many *m, pid_t pid, int status)
{
	for (unsigned k = 0; k < m->jobs; k++) {
		struct process *p = &m->shared[k];
		char text[64];

		if (p->pid != pid)
			continue;
		if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
			return true;
		snprintf(text, sizeof(text), "the process died of %s %d",
			 WIFSIGNALED(status) ? "signal" : "status",
			 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
		failed(m, m->first + p->at, "CRASH", text);
		start(m, k, p->at + m->jobs);
		return false;
	}
	return false;
}

/* The parent keeps the writing end, too, as it may have to start a process again. */
static void run_all(struct many *m)
{
	unsigned left = m->jobs;

	for (unsigned k = 0; k < m->jobs; k++)
		start(m, k, k);
	while (left > 0) {
		struct pollfd fd = {.fd = m->pipe[0], .events = POLLIN};
		struct message msg;
		int status;
		pid_t pid;

		while (poll(&fd, 1, 100) > 0 &&
		       read(m->pipe[0], &msg, sizeof(msg)) == (ssize_t)sizeof(msg))
			take(m, &msg);
		while (left > 0 && (pid = waitpid(-1, &status, WNOHANG)) > 0)
			left -= ended(m, pid, status);
	}
	fcntl(m->pipe[0], F_SETFL, O_NONBLOCK);
	for (struct message msg; read(m->pipe[0], &msg, sizeof(msg)) == (ssize_t)sizeof(msg);)
		take(m, &msg);
}

static void run_here(struct many *m)
{
	for (uint64_t i = 0; i < m->n; i++) {
		struct message msg = {.seed = m->first + i};

		run_seed(msg.seed, &m->o, &msg.result);
		take(m, &msg);
	}
}

int main(void)
{
	struct many m = {
		.first = number("SEED", 1),
		.n = number("N", 10000),
		.twice = number("TWICE", 0) > 0,
		.o = {.verbose = number("VERBOSE", 0) > 0},
		.figures = figures_new(),
	};
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	struct mono begin = clock_mono(clock_system());

	m.jobs = (unsigned)number("JOBS", processors > 0 ? (uint64_t)processors : 1);
	if (m.jobs < 1 || m.jobs > JOBS_MAX)
		m.jobs = 1;
	if (m.o.verbose) {
		run_here(&m);
	} else {
		m.shared = mmap(NULL, JOBS_MAX * sizeof(*m.shared), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (m.shared == MAP_FAILED || pipe(m.pipe)) {
			perror("simulation");
			return 2;
		}
		run_all(&m);
		munmap(m.shared, JOBS_MAX * sizeof(*m.shared));
	}
	figures_print(m.figures, (double)(clock_mono(clock_system()).ms - begin.ms) / 1000);
	figures_free(m.figures);
	printf("%" PRIu64 " passed, %" PRIu64 " failed\n", m.passed, m.failed);
	return m.failed ? 1 : 0;
}
