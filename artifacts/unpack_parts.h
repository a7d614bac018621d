#ifndef ARTIFACTS_UNPACK_PARTS_H
#define ARTIFACTS_UNPACK_PARTS_H

#include <stddef.h>
#include <stdint.h>

#include "artifacts/unpack.h"
#include "artifacts/writer.h"

/*
 * Inside of unpack: what its parts, one a family of formats, share. A part writes through the
 * writer and counts in stats; whoever calls it removes what it wrote when it fails.
 */
struct unpacking {
	int fd; /* the archive */
	uint64_t size;
	const struct unpack_limits *limits;
	struct unpack_stats *stats;
	struct writer *writer;
};

#define UNPACK_BLOCK (128u << 10) /* read, written and looked at cancel between */

int unpack_zip(struct unpacking *u, struct err *err) MUST_CHECK;
/* begin: of the file, up to a tar's header. */
int unpack_tar(struct unpacking *u, struct str begin, struct err *err) MUST_CHECK;

/* Read exactly n bytes of the archive. */
int unpack_read(const struct unpacking *u, uint64_t at, void *p, size_t n,
		struct err *err) MUST_CHECK;

/* ERR_CANCELED when the cancel has fired. */
int unpack_check_cancel(const struct unpacking *u, struct err *err) MUST_CHECK;

/* The content of a gzip file, piece by piece; *n is the room at first, and 0 at its end. */
struct gunzip;

struct gunzip *gunzip_new(const struct unpacking *u);
void gunzip_free(struct gunzip *g); /* NULL does nothing */
int gunzip_read(struct gunzip *g, void *p, size_t *n, struct err *err) MUST_CHECK;

/* The three steps of unpack(): before, the archive itself, and after that failed. */
int unpack_check_empty(int dir_fd, struct err *err) MUST_CHECK;
int unpack_archive(int fd_in, int dir_fd, const struct unpack_limits *limits,
		   struct unpack_stats *stats, struct err *err) MUST_CHECK;
void unpack_undo(int dir_fd, struct err *err); /* what cannot be removed is added to the text */

/*
 * What a tar is compressed with, if it is: filter_read() gives what lies beneath, *n being the room
 * at first, and 0 at its end. filter_open() sets *out on errors, too. filter_format() is static.
 */
struct filter;

bool filter_is_compressed(struct str begin);
int filter_open(const struct unpacking *u, struct str begin, bool plain, struct filter **out,
		struct err *err) MUST_CHECK;
void filter_free(struct filter *f); /* NULL does nothing */
int filter_read(struct filter *f, void *p, size_t *n, struct err *err) MUST_CHECK;
const char *filter_format(const struct filter *f); /* with "tar" in front */

/* The error for content that is no archive; says how it begins. */
int unpack_not_an_archive(const struct unpacking *u, struct err *err);

#endif
