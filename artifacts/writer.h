#ifndef ARTIFACTS_WRITER_H
#define ARTIFACTS_WRITER_H

#include <stdbool.h>
#include <stddef.h>

#include "aws/core/err.h"
#include "aws/core/str.h"

/*
 * Writes files and directories below a directory and nowhere else. Paths are in the normal form of
 * path.h and not empty. Missing parents are made. An existing file is never opened: it is an error,
 * as is a link or a file where a directory should be (ERR_UNSAFE).
 */
struct writer;

/* dir_fd is borrowed. plain: without openat2(2), see beneath.h. */
struct writer *writer_new(int dir_fd, bool plain);
void writer_free(struct writer *w); /* closes what is open; NULL does nothing */

/* A directory, mode 0755; it may be there already. */
int writer_dir(struct writer *w, struct str path, struct err *err) MUST_CHECK;

/* Begin a new file, mode 0644 or 0755, and end it. One file is open at a time. */
int writer_open(struct writer *w, struct str path, bool executable, struct err *err) MUST_CHECK;
int writer_write(struct writer *w, const void *p, size_t n, struct err *err) MUST_CHECK;
int writer_close(struct writer *w, struct err *err) MUST_CHECK;

#endif
