#ifndef ARTIFACTS_UNPACK_H
#define ARTIFACTS_UNPACK_H

#include <stdbool.h>
#include <stdint.h>

#include "aws/core/err.h"

struct cancel;

/*
 * Unpack an archive that somebody else made into a directory. Nobody is trusted: whatever the
 * archive says is checked, and on any failure nothing is left behind.
 */
struct unpack_limits {
	int64_t max_bytes;	 /* of all files together, unpacked */
	int64_t max_entries;	 /* directories included */
	int64_t max_entry_bytes; /* of one file, unpacked */
	int64_t max_depth;	 /* segments of a name */

	struct cancel *cancel; /* not a limit, but it ends the work too; NULL: none */
	bool no_openat2;       /* do as on a kernel without openat2(2); for tests */
};

/* The defaults of limits.h, without a cancel. */
struct unpack_limits unpack_limits_default(void);

struct unpack_stats {
	const char *format;	     /* "zip", "tar", "tar + gzip" ...: static text */
	uint64_t files, directories; /* as entries say; implied directories are not counted */
	uint64_t bytes;		     /* written */
};

/*
 * Unpack what fd_in holds, a seekable file (its position may move), into dir_fd, an empty directory
 * that nobody else writes to. Files get mode 0644, or 0755 when their owner may execute them;
 * directories 0755; owners, times and other attributes of the archive are ignored. Nothing is
 * synced to disk.
 *
 * The content decides the format, never a name: zip (stored or deflated), tar as it is or
 * compressed with gzip, bzip2, xz, zstd. Only regular files and directories are accepted: links,
 * devices and set-id files are refused, as are names that path.h refuses, and names that are the
 * same or differ by case only, see names.h (a directory may be named twice). A zip is checked
 * whole, see zip_directory.h, before the first file is written; a tar as it comes.
 *
 * Errors, the text naming the entry where there is one:
 *   ERR_MALFORMED  not an archive, or a damaged one
 *   ERR_LIMIT      larger than the limits allow
 *   ERR_UNSAFE     refused for what it would do here, or because it contradicts itself
 *   ERR_REJECTED   of a kind that is not supported: a full-clone reference instead of an archive,
 *                  encrypted, another compression, sparse; the text says what to change
 *   ERR_CONFLICT   dir_fd is not empty (and is left alone)
 *   ERR_CANCELED ERR_SYSTEM
 *
 * Blocks for as long as it takes; cancel is looked at every 256 KiB or so. Any thread.
 */
int unpack(int fd_in, int dir_fd, const struct unpack_limits *limits, struct unpack_stats *stats,
	   struct err *err) MUST_CHECK;

#endif
