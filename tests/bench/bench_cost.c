/*
 * Run a pipeline of commands and print what it took: wall, user and system seconds, and the peak
 * RSS in KiB of its largest process. A small program does this: what a parent holds before exec
 * counts as its child's peak, and an interpreter holds more than what is measured.
 *
 *   bench_cost COMMAND ARG... [/ COMMAND ARG...]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

static double wall_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

/* Start one command; in is its input and is closed. Returns what the next one reads, or -1. */
static int start(char **command, int in, int is_last)
{
	int ends[2] = {-1, -1};
	pid_t child;

	if (!is_last && pipe(ends))
		die("pipe");
	child = fork();
	if (child < 0)
		die("fork");
	if (child == 0) {
		if (in >= 0 && dup2(in, 0) < 0)
			die("dup2");
		if (!is_last && (dup2(ends[1], 1) < 0 || close(ends[0]) || close(ends[1])))
			die("dup2");
		execvp(command[0], command);
		die(command[0]);
	}
	if (in >= 0)
		close(in);
	if (!is_last)
		close(ends[1]);
	return ends[0];
}

int main(int argc, char **argv)
{
	double from = wall_s(), user_s = 0, system_s = 0;
	long rss_kib = 0;
	struct rusage u;
	int status, in = -1, is_last = argc < 2, failed = is_last;

	for (char **at = argv + 1; !is_last;) {
		char **end = at;

		while (*end && strcmp(*end, "/") != 0)
			end++;
		is_last = !*end;
		*end = NULL;
		in = start(at, in, is_last);
		at = end + 1;
	}
	while (wait4(-1, &status, 0, &u) > 0) {
		failed |= !WIFEXITED(status) || WEXITSTATUS(status);
		user_s += seconds(u.ru_utime);
		system_s += seconds(u.ru_stime);
		rss_kib = u.ru_maxrss > rss_kib ? u.ru_maxrss : rss_kib;
	}
	fprintf(stderr, "cost: %.6f %.6f %.6f %ld\n", wall_s() - from, user_s, system_s,
		rss_kib);
	return failed;
}
