#ifndef WORKER_TARGET_RECORD_H
#define WORKER_TARGET_RECORD_H

#include "aws/core/buf.h"
#include "aws/core/err.h"
#include "aws/core/json.h"
#include "aws/core/mem.h"

/*
 * Undo records and candidates are small JSON objects of text members, which travel in the token.
 * Every undo record has "t", the kind of target.
 */

/* Write the buffer's text into a fixed array of the state; ERR_LIMIT when it does not fit. */
int record_store(const struct buf *b, char *out, size_t size, const char *what, struct err *err)
	MUST_CHECK;

/* Parse a record; an empty text is *root NULL, which every lookup takes. */
int record_load(struct arena *a, const char *text, const struct json **root, struct err *err)
	MUST_CHECK;

/* Eight hex digits that stand for a text, where there is no room for it. */
#define RECORD_MARK_SIZE 9
void record_mark(const char *text, char out[RECORD_MARK_SIZE]);

/* Text member, "" when absent. */
const char *record_text(const struct json *root, const char *key);

#endif
