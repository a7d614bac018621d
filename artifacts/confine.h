#ifndef ARTIFACTS_CONFINE_H
#define ARTIFACTS_CONFINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Lock the calling process in, for good, before it looks at anything that somebody else made. For a
 * short-lived process of one thread that reads what is open already and writes into one directory.
 *
 * What is locked, in parts, so that it can be said which of them a machine could not do:
 *
 *   process     nothing of another program is in it: a fresh image, no descriptors from `keep` on
 *   privileges  no_new_privs, no capabilities, no core file, not dumpable (so nobody may attach)
 *   limits      of CPU time, memory, descriptors, size of a file; no further processes (which the
 *               kernel does not hold against root: calls does)
 *   files       Landlock: new files and directories beneath dir_fd, opened for writing; no file is
 *               read, nothing else is opened, removed, renamed or executed, wherever it is
 *   network     Landlock from ABI 4 (TCP) or the filter of calls, which allows no socket at all
 *   calls       seccomp: a list of about 25 system calls; anything else kills the process (SIGSYS)
 *
 * What a process that is taken over could still do: write as much as it likes beneath dir_fd, a
 * file up to the limit; ask for the attributes of a file by its path; use its CPU time.
 *
 * Source: landlock(7), seccomp(2), Documentation/userspace-api/{landlock,seccomp_filter}.rst.
 */
enum confine_part {
	CONFINE_PROCESS = 1 << 0,
	CONFINE_PRIVILEGES = 1 << 1,
	CONFINE_LIMITS = 1 << 2,
	CONFINE_FILES = 1 << 3,
	CONFINE_NETWORK = 1 << 4,
	CONFINE_CALLS = 1 << 5,
	CONFINE_ALL = (1 << 6) - 1,
};

struct confine_limits {
	uint64_t file_bytes, memory_bytes;
	uint64_t cpu_s;
	uint64_t descriptors; /* the lowest one that cannot be opened */
};

/* Do as on a machine that lacks something; for tests. Zeroed: nothing is lacking. */
struct confine_without {
	bool landlock, seccomp, close_range, proc;
	int landlock_abi; /* at most this one; 0: what the kernel has */
};

struct confine_report {
	unsigned applied; /* of enum confine_part */
	int landlock_abi; /* 0: no Landlock */
	int sys;	  /* errno of the first thing that did not work; 0: none */
};

/*
 * keep: descriptors from this one on are closed; dir_fd is below. Never fails: what did not work is
 * not in the report, and the caller decides whether that is enough.
 */
void confine(int dir_fd, int keep, const struct confine_limits *limits,
	     const struct confine_without *without, struct confine_report *report);

/* "full", "degraded" when a part is missing, "none" when all are. Static text. */
const char *confine_mode(const struct confine_report *r);

/* "files, calls": the parts that are missing; "" when none is. Returns out. */
#define CONFINE_MISSING_SIZE 64
const char *confine_missing(const struct confine_report *r, char out[CONFINE_MISSING_SIZE]);

#endif
