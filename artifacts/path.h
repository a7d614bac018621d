#ifndef ARTIFACTS_PATH_H
#define ARTIFACTS_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "aws/core/err.h"
#include "aws/core/limits.h"
#include "aws/core/str.h"

/*
 * The names of an archive's entries. Pure: no file system is asked, nothing is allocated.
 *
 * A name becomes its normal form by leaving out empty and "." segments and the slashes around
 * them, so that "./a//b/./c/" is "a/b/c", a directory. "." and "./" are the root of the archive,
 * whose normal form is empty.
 *
 * Refused: an empty name, absolute names, "..", backslashes (APPNOTE 4.4.17.1 wants slashes; some
 * tools read them as separators), drive letters, control characters and NUL, what is not UTF-8,
 * names over LIMIT_ENTRY_NAME bytes, segments over PATH_SEGMENT_MAX.
 */
#define PATH_SEGMENT_MAX 255 /* NAME_MAX of every file system we meet */
#define PATH_SIZE (LIMIT_ENTRY_NAME + 1)

struct path {
	struct str text; /* the normal form, NUL-terminated, in the buffer given */
	size_t depth;	 /* segments; 0: the root */
	bool directory;	 /* the name ended in a slash or "." */
};

/* ERR_UNSAFE or ERR_LIMIT; the text names the entry, escaped. max_depth: segments at most. */
int path_normalize(struct str name, size_t max_depth, char buf[PATH_SIZE], struct path *out,
		   struct err *err) MUST_CHECK;

/*
 * The name as people may read it in one line: quoted, what is not printable ASCII or UTF-8 as \xNN,
 * cut with "..." when it is long. Returns out.
 */
#define PATH_SHOWN_SIZE 200
const char *path_show(struct str name, char out[PATH_SHOWN_SIZE]);

#endif
