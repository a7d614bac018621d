#include "tests/torture/torture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dirent.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "aws/core/str.h"

#define CASES_MAX 16
#define FAILURES_SHOWN 10
#define N_MAX 1000000
#define WAYS_MAX 10
#define HANG_S 60 /* far more than any run takes */

/* One run: what is asked of it and what became of it. Shared with the process that does it. */
struct run {
	enum torture_family family;
	uint64_t n, times; /* n 0: nothing fails */
	unsigned way;

	uint64_t calls[TORTURE_FAMILIES];
	uint64_t hits, soft;
	unsigned ways; /* of the call that was failed last */
	char name[96];
	bool over;  /* it came to its end */
	bool ended; /* the product ended itself on the way */
	char problem[3000];
	char said[2000]; /* the end of what it wrote on standard output and error */
};

static struct run *run;
static _Thread_local int depth;

void (*torture_on_abort)(void);

static const char *const family_names[TORTURE_FAMILIES] = {"file",    "process", "curl",
							   "openssl", "sqlite",	 "archive"};

/* --- in the run ------------------------------------------------------------------------------- */

void torture_in(void)
{
	depth++;
}

void torture_out(void)
{
	depth--;
}

bool torture_is_in(void)
{
	return depth > 0;
}

int torture_pause(void)
{
	int was = depth;

	depth = 0;
	return was;
}

void torture_resume(int was)
{
	depth = was;
}

bool torture_has_said(const char *text)
{
	static char said[1 << 16];
	ssize_t n;

	fflush(stdout);
	n = pread(1, said, sizeof(said), 0);
	return n > 0 && memmem(said, (size_t)n, text, strlen(text));
}

bool torture_hit_any(void)
{
	return run->hits > 0;
}

bool torture_hit_softly(void)
{
	return run->hits == run->soft;
}

const char *torture_hit_name(void)
{
	return run->name;
}

void torture_problem(const char *fmt, ...)
{
	va_list ap;

	if (run->problem[0])
		return;
	va_start(ap, fmt);
	vsnprintf(run->problem, sizeof(run->problem), fmt, ap);
	va_end(ap);
}

static bool names_one(const char *text, const char *attempted)
{
	struct str rest = str_from(attempted), part;

	while (str_next(&rest, '|', &part))
		if (part.n && memmem(text, strlen(text), part.p, part.n))
			return true;
	return false;
}

bool torture_verdict(const char *what, int rc, const struct err *err, const char *attempted)
{
	if (rc == 0)
		return true;
	if (torture_hit_softly())
		torture_problem("%s does not survive: %s", what, err->text);
	else if (!names_one(err->text, attempted))
		torture_problem("%s says only: %s", what, err->text);
	return false;
}

unsigned torture_strike(enum torture_family family, const char *name, unsigned n_ways)
{
	uint64_t n;
	unsigned way;

	if (depth <= 0 || !run)
		return 0;
	n = ++run->calls[family];
	if (!run->n || family != run->family || n < run->n || n - run->n >= run->times)
		return 0;
	way = run->way % n_ways;
	run->hits++;
	run->ways = n_ways;
	snprintf(run->name, sizeof(run->name), "%s, way %u", name, way + 1);
	return way + 1;
}

void torture_ended(void)
{
	run->ended = true;
}

void torture_soft(void)
{
	run->soft++;
}

/* --- one run, in a process of its own --------------------------------------------------------- */

static int count_descriptors(char *text, size_t size)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;
	int n = 0;

	text[0] = '\0';
	while (d && (e = readdir(d))) {
		char path[300], to[300];
		ssize_t len;

		if (e->d_name[0] == '.' || atoi(e->d_name) == dirfd(d))
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%s", e->d_name);
		len = readlink(path, to, sizeof(to) - 1);
		to[len > 0 ? len : 0] = '\0';
		snprintf(text + strlen(text), size - strlen(text), " %s=%s", e->d_name, to);
		n++;
	}
	if (d)
		closedir(d);
	return n;
}

/* AddressSanitizer's; not there without it. */
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

#ifdef COVERAGE
void __gcov_dump(void);
#endif

static _Noreturn void in_child(const struct torture_case *c, int said_fd)
{
	static const int caught[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS}; /* by cmocka */
	static char before[4000], after[4000];
	int n;

	dup2(said_fd, 1);
	dup2(said_fd, 2);
	for (size_t i = 0; i < sizeof(caught) / sizeof(caught[0]); i++)
		signal(caught[i], SIG_DFL);
	alarm(HANG_S);
	n = count_descriptors(before, sizeof(before));
	c->run(c->arg);
	if (depth != 0)
		torture_problem("torture_in() and torture_out() do not match");
	if (!run->ended && count_descriptors(after, sizeof(after)) != n)
		torture_problem("descriptors are left open:%s; before:%s", after, before);
	if (!run->ended && __lsan_do_recoverable_leak_check && __lsan_do_recoverable_leak_check())
		torture_problem("memory is lost");
	run->over = true;
#ifdef COVERAGE
	__gcov_dump(); /* _exit() does not */
#endif
	_exit(0);
}

/* The end of what a run said, on one line or more, each a comment. */
static void keep_words(int fd)
{
	off_t end = lseek(fd, 0, SEEK_END), from = end - (off_t)sizeof(run->said) + 1;
	ssize_t n = pread(fd, run->said, sizeof(run->said) - 1, from > 0 ? from : 0);

	run->said[n > 0 ? n : 0] = '\0';
}

/* An end that the product has chosen, because the TLS library or memory failed. */
static bool ended_deliberately(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && run->hits &&
	       (strstr(run->said, "failed in the TLS library") != NULL ||
		strstr(run->said, "out of memory") != NULL);
}

static void do_run(const struct torture_case *c)
{
	int said_fd = memfd_create("said", 0), status = 0;
	pid_t pid;

	assert_true(said_fd >= 0);
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		in_child(c, said_fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	keep_words(said_fd);
	close(said_fd);
	if (ended_deliberately(status))
		return;
	if (WIFSIGNALED(status))
		torture_problem("%s (signal %d)", WTERMSIG(status) == SIGALRM ? "hangs" : "crashes",
				WTERMSIG(status));
	else if (!run->over)
		torture_problem("ended with status %d", WEXITSTATUS(status));
}

/* --- sweeps --------------------------------------------------------------------------------- */

struct totals {
	uint64_t calls, runs, hits, problems;
};

static bool thorough(void)
{
	const char *torture = getenv("TORTURE");

	return torture && !strcmp(torture, "full");
}

static uint64_t number(const char *name, uint64_t fallback)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 10) : fallback;
}

static bool selected(const char *variable, const char *name)
{
	const char *wanted = getenv(variable);

	return !wanted || !strcmp(wanted, name);
}

static bool attempt(const struct torture_case *c, enum torture_family family, uint64_t n,
		    uint64_t times, unsigned way, struct totals *t)
{
	*run = (struct run){.family = family, .n = n, .times = times, .way = way};
	do_run(c);
	t->runs++;
	t->hits += run->hits;
	if (run->problem[0] && t->problems++ < FAILURES_SHOWN)
		fprintf(stderr,
			"# TORTURE_CASE=%s TORTURE_FAMILY=%s TORTURE_N=%llu TORTURE_TIMES=%llu "
			"TORTURE_WAY=%u\n#   %s: %s\n%s\n",
			c->name, family_names[family], (unsigned long long)n,
			(unsigned long long)times, way, run->name, run->problem, run->said);
	return run->hits > 0;
}

static unsigned stride_of(const struct torture_case *c, enum torture_family family)
{
	const char *san = getenv("SAN");

	if (thorough())
		return 1;
	return c->stride[family] * (san && *san ? 10 : 1);
}

/* The n-th call, for n from 1 until nothing is hit any more. */
static void sweep(const struct torture_case *c, enum torture_family family, uint64_t times,
		  unsigned stride, struct totals *t)
{
	bool every_way = thorough() || c->every_way, hit = true;
	unsigned way = 0;

	for (uint64_t n = 1; hit; n += stride, way++) {
		unsigned ways;

		hit = attempt(c, family, n, times, way, t);
		ways = run->ways;
		for (unsigned k = 1; hit && every_way && k < ways; k++)
			attempt(c, family, n, times, way + k, t);
		assert_true(n < N_MAX);
	}
}

static uint64_t sweep_family(const struct torture_case *c, enum torture_family family,
			     uint64_t calls)
{
	struct totals t = {.calls = calls};

	if (getenv("TORTURE_N")) {
		attempt(c, family, number("TORTURE_N", 1), number("TORTURE_TIMES", 1),
			(unsigned)number("TORTURE_WAY", 0), &t);
		fprintf(stderr, "# %s\n%s\n", run->name, run->said);
	} else {
		sweep(c, family, 1, stride_of(c, family), &t);
		if (c->lasting)
			sweep(c, family, c->lasting, stride_of(c, family) * 3, &t);
	}
	fprintf(stderr, "# %s: %s: %llu calls, %llu runs, %llu calls failed, %llu problems\n",
		c->name, family_names[family], (unsigned long long)t.calls,
		(unsigned long long)t.runs, (unsigned long long)t.hits,
		(unsigned long long)t.problems);
	return t.problems;
}

static void every_failure_is_survived_or_told(void **state)
{
	const struct torture_case *c = *state;
	uint64_t calls[TORTURE_FAMILIES], problems = 0;
	struct totals t = {0};

	if (!selected("TORTURE_CASE", c->name))
		return;
	if (attempt(c, TORTURE_FILE, 0, 1, 0, &t) || t.problems)
		fail_msg("without a failure: %s", run->problem);
	memcpy(calls, run->calls, sizeof(calls));
	for (int f = 0; f < TORTURE_FAMILIES; f++) {
		if (!c->stride[f] || !selected("TORTURE_FAMILY", family_names[f]))
			continue;
		if (!calls[f])
			fail_msg("no call of %s is made", family_names[f]);
		problems += sweep_family(c, (enum torture_family)f, calls[f]);
	}
	assert_int_equal(problems, 0);
}

int torture_main(const struct torture_case *cases, unsigned n)
{
	struct CMUnitTest tests[CASES_MAX] = {0};
	struct torture_case copies[CASES_MAX];

	assert_true(n <= CASES_MAX);
	run = mmap(NULL, sizeof(*run), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (run == MAP_FAILED)
		return 1;
	for (unsigned i = 0; i < n; i++) {
		copies[i] = cases[i];
		tests[i] = (struct CMUnitTest)cmocka_unit_test_prestate(
			every_failure_is_survived_or_told, &copies[i]);
		tests[i].name = copies[i].name;
	}
	return _cmocka_run_group_tests("torture", tests, n, NULL, NULL);
}
