#ifndef ARTIFACTS_PACK_PARTS_H
#define ARTIFACTS_PACK_PARTS_H

#include <stddef.h>
#include <stdint.h>

#include "artifacts/pack.h"

/*
 * Inside of pack: where the bytes of a zip go, and the writer of entries. What is to be packed, and
 * in which order, is decided by the caller.
 */

/* A buffer or a file. Appended to, and changed shortly behind: sizes are known after the data. */
struct pack_sink {
	struct buf *buf; /* NULL: the file */
	size_t base;	 /* what the buffer held before */
	int fd;
	uint64_t at;	  /* bytes handed on */
	unsigned char *p; /* bytes that are not */
	size_t n;
};

void pack_sink_init(struct pack_sink *s, struct buf *buf, int fd);
void pack_sink_release(struct pack_sink *s);
int pack_sink_add(struct pack_sink *s, const void *p, size_t n, struct err *err) MUST_CHECK;
/* Overwrite n bytes that were added before, at an offset within the zip. */
int pack_sink_patch(struct pack_sink *s, uint64_t at, const void *p, size_t n,
		    struct err *err) MUST_CHECK;
int pack_sink_flush(struct pack_sink *s, struct err *err) MUST_CHECK;

/* Content of one entry: from memory, or from a file when fd is not -1. */
struct pack_source {
	struct str bytes;
	int fd;
	uint64_t size; /* of the file, as it was when it was opened */
	struct cancel *cancel;
};

struct pack_zip;

struct pack_zip *pack_zip_new(struct pack_sink *sink);
void pack_zip_free(struct pack_zip *z);
/* Names come sorted. source NULL: an empty directory, whose name ends in '/'. */
int pack_zip_add(struct pack_zip *z, struct str name, bool executable, struct pack_source *source,
		 struct err *err) MUST_CHECK;
/* Write the directory; *size: of the whole zip. */
int pack_zip_end(struct pack_zip *z, uint64_t *size, struct err *err) MUST_CHECK;

#endif
