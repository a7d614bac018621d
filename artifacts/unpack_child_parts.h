#ifndef ARTIFACTS_UNPACK_CHILD_PARTS_H
#define ARTIFACTS_UNPACK_CHILD_PARTS_H

#include "artifacts/unpack_child.h"
#include "aws/core/str.h"

/*
 * Inside of unpack_child: what goes to the process, and what comes back. Both ends are the same
 * program, so that nothing here needs a byte order or a version.
 */
enum { CHILD_ARCHIVE, CHILD_DIR, CHILD_ANSWER, CHILD_DESCRIPTORS };

enum { CHILD_OK, CHILD_USAGE = 2, CHILD_ORPHANED }; /* exit status */

/* --- the request: numbers in an argument, which anybody may see ------------------------------- */

enum unpack_request_number {
	REQUEST_PARENT, /* process id of who asks */
	REQUEST_PROBE,	/* lock in and stop */
	REQUEST_REQUIRE,
	REQUEST_NO_LANDLOCK,
	REQUEST_LANDLOCK_ABI,
	REQUEST_NO_SECCOMP,
	REQUEST_NO_CLOSE_RANGE,
	REQUEST_NO_PROC,
	REQUEST_MAX_BYTES,
	REQUEST_MAX_ENTRIES,
	REQUEST_MAX_ENTRY_BYTES,
	REQUEST_MAX_DEPTH,
	REQUEST_CPU_S,
	REQUEST_COUNT
};

struct unpack_request {
	int64_t n[REQUEST_COUNT]; /* none is negative */
};

#define UNPACK_REQUEST_SIZE (REQUEST_COUNT * 20 + 1)
void unpack_request_write(const struct unpack_request *r, char out[UNPACK_REQUEST_SIZE]);
bool unpack_request_read(struct str text, struct unpack_request *out);

/* --- the answer: a greeting when it is locked in, and the outcome ----------------------------- */

struct unpack_greeting {
	char magic[8];
	uint32_t applied;
	int32_t landlock_abi, sys;
	uint32_t zero;
};

struct unpack_outcome {
	char magic[8];
	uint32_t code; /* enum err_code; ERR_OK: unpacked */
	int32_t sys;
	uint64_t files, directories, bytes;
	char format[32];
	char text[640];
};

void unpack_greeting_make(const struct confine_report *report, struct unpack_greeting *out);
/* err NULL: it went well. */
void unpack_outcome_make(const struct unpack_stats *stats, const struct err *err,
			 struct unpack_outcome *out);

/*
 * Read an answer, which may be anything. The greeting is cut off; false when it is not there, or is
 * not one. An outcome must be the rest: 0 with *stats, or -1 with the error that it brings;
 * ERR_SYSTEM when it is nonsense, quoting it.
 */
bool unpack_greeting_read(struct str *said, struct confine_report *report);
int unpack_outcome_read(struct str said, const struct unpack_limits *limits,
			struct unpack_stats *stats, struct err *err) MUST_CHECK;

/* --- the process ------------------------------------------------------------------------------ */

typedef int (*unpack_archive_fn)(int fd_in, int dir_fd, const struct unpack_limits *limits,
				 struct unpack_stats *stats, struct err *err);

/* unpack_child_main(), but with this in place of unpack_archive(): tests try to break out. */
NORETURN void unpack_child_run(int argc, char *const argv[], unpack_archive_fn work);

#endif
