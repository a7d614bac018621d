#ifndef ARTIFACTS_UNPACK_CHILD_H
#define ARTIFACTS_UNPACK_CHILD_H

#include "artifacts/confine.h"
#include "artifacts/unpack.h"
#include "aws/core/clock.h"

/*
 * unpack() in a process of its own that is locked in (confine.h) before it reads the first byte of
 * the archive. It is this program, executed anew with a hidden command, an empty environment and
 * three descriptors: the archive, read-only; the directory; a pipe for its answer, which is also
 * where it complains. So nothing that the caller's memory holds is in it, credentials least of all;
 * a copy by fork() alone would have everything.
 *
 * The answer is not trusted: it has a fixed size, its numbers are held against the limits, its text
 * is cleaned.
 */
#define UNPACK_CHILD_COMMAND "unpack-child"
#define UNPACK_CHILD_SELF "/proc/self/exe" /* the file that runs, even when it was replaced */

/* What is done where the machine cannot lock in all parts. */
enum unpack_confinement {
	UNPACK_CONFINEMENT_OFF,	    /* unpack in this process */
	UNPACK_CONFINEMENT_PREFER,  /* go on without what is missing, down to this process */
	UNPACK_CONFINEMENT_REQUIRE, /* refuse */
};

struct unpack_child {
	enum unpack_confinement confinement;
	const char *program; /* what to execute, UNPACK_CHILD_SELF; NULL: there is nothing */
	struct clock *clock; /* for the limit: a process takes real time, so the system's */
	int64_t limit_ms;    /* 0: what the largest archive allowed may take, see limits.h */
	struct confine_without without; /* for tests */
};

/*
 * As unpack(), with the same errors and texts. The process is killed when limits->cancel fires
 * (ERR_CANCELED), after the limit of time (ERR_LIMIT), and when the calling thread dies. Besides:
 *
 *   ERR_UNSAFE    it crashed, or was killed since it did what it may not
 *   ERR_LIMIT     it was killed since it took too much CPU time or wrote too large a file
 *   ERR_SYSTEM    it could not be started, was killed by somebody else, or answered nonsense
 *   ERR_REJECTED  what UNPACK_CONFINEMENT_REQUIRE asks for is missing here
 *
 * report is written in any case. It says how far the process was locked in; nothing is applied when
 * it was unpacked in this process, or when no report came. SIGCHLD must not be ignored. Any thread.
 */
int unpack_in_child(const struct unpack_child *how, int fd_in, int dir_fd,
		    const struct unpack_limits *limits, struct unpack_stats *stats,
		    struct confine_report *report, struct err *err) MUST_CHECK;

/*
 * What would be locked in, by a process that does nothing else. -1 when unpack_in_child() would
 * refuse; with PREFER, a process that cannot be started is no error, and nothing is applied then.
 */
int unpack_child_probe(const struct unpack_child *how, int dir_fd, struct confine_report *report,
		       struct err *err) MUST_CHECK;

/* The process itself: what main() does when its first argument is UNPACK_CHILD_COMMAND. */
NORETURN void unpack_child_main(int argc, char *const argv[]);

#endif
