#ifndef ARTIFACTS_PACK_H
#define ARTIFACTS_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/core/buf.h"
#include "aws/core/err.h"
#include "aws/core/str.h"

struct cancel;

/*
 * Make a zip that every reader takes and that depends on nothing but names, content and the
 * executable bit: entries sorted by name, dated 1980-01-01, deflated, modes 0644 and 0755, no data
 * descriptors, no leading "./", the UTF-8 flag only on names that need it. The same content gives
 * the same bytes, from a directory or from memory. (Another zlib may compress differently.)
 *
 * ERR_LIMIT above 4 GiB or 65,534 entries: zip64 is not written. ERR_UNSAFE for names that path.h
 * refuses, and for anything that is neither file nor directory: links are not followed.
 */

/* One file; a name that ends in '/' is an empty directory. */
struct pack_entry {
	const char *name; /* relative, slashes, in normal form */
	struct str bytes;
	bool executable;
};

/* Pack from memory; the order of the entries does not matter. out is appended to; its ceiling is
 * ERR_LIMIT. */
int pack_entries(const struct pack_entry *entries, size_t n, struct buf *out,
		 struct err *err) MUST_CHECK;

struct pack_dir {
	int dir_fd;
	const char *subfolder; /* pack only what is below it, without its name; NULL or "": all */
	struct cancel *cancel; /* NULL: none */
};

/*
 * Pack a directory. Directories appear in the zip only when they are empty. The directory must not
 * change meanwhile: a file whose size changes is ERR_CONFLICT. ERR_NOT_FOUND: no such subfolder.
 */
int pack_dir(const struct pack_dir *dir, struct buf *out, struct err *err) MUST_CHECK;

/* The same into a file: written from its beginning, which should be its end. *size: its length. */
int pack_dir_file(const struct pack_dir *dir, int fd_out, uint64_t *size,
		  struct err *err) MUST_CHECK;

#endif
