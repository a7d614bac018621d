#ifndef ARTIFACTS_TAR_HEADER_H
#define ARTIFACTS_TAR_HEADER_H

#include <stdbool.h>
#include <stdint.h>

#include "aws/core/err.h"
#include "aws/core/str.h"

/*
 * The blocks of a tar that describe what follows them. Pure: bytes in, values out.
 *
 * Known are the formats in which tars come today: POSIX ustar, with pax extended headers or without
 * (IEEE Std 1003.1-2017, pax), GNU tar's with its long names (GNU tar manual, "Basic Tar Format"),
 * and that of Seventh Edition Unix. Readers differ where a header is not well-formed, and where two
 * headers say different things about one entry; there a header is refused.
 */
#define TAR_BLOCK 512

enum tar_kind {
	TAR_FILE,
	TAR_DIRECTORY,
	TAR_PAX,	/* extended header for the entry behind it */
	TAR_PAX_GLOBAL, /* and for all behind it */
	TAR_LONG_NAME,	/* GNU: the name of the entry behind it */
	TAR_LONG_LINK,	/* GNU: where that one points to */
	TAR_HARD_LINK,
	TAR_SYMLINK,
	TAR_SPECIAL, /* device or pipe */
	TAR_SPARSE,
	TAR_UNKNOWN,
};

struct tar_header {
	enum tar_kind kind;
	char name[155 + 1 + 100 + 1]; /* NUL-terminated */
	uint64_t size;		      /* bytes that follow, before padding */
	uint32_t mode;		      /* permissions, set-id bits */
};

/* Does the checksum fit? Hardly by accident: so this tells tars from other files. */
bool tar_is_header(const unsigned char p[TAR_BLOCK]);

/* ERR_MALFORMED, ERR_UNSAFE. */
int tar_header_read(const unsigned char p[TAR_BLOCK], struct tar_header *out,
		    struct err *err) MUST_CHECK;

/* What extended headers say about the entry behind them. */
struct tar_extension {
	struct str path; /* NULL: nothing */
	bool has_size;
	uint64_t size;
	bool is_link, is_sparse;
	bool seen; /* there was one */
};

/*
 * The records of a pax header; path points into them. Of a global one nothing is taken, and
 * nothing is accepted that would change entries. ERR_MALFORMED, ERR_UNSAFE.
 */
int tar_pax_read(struct str records, bool global, struct tar_extension *out,
		 struct err *err) MUST_CHECK;

#endif
