#ifndef AWS_CORE_BUF_H
#define AWS_CORE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "aws/core/attr.h"
#include "aws/core/err.h"
#include "aws/core/str.h"

/*
 * A growing byte buffer that cannot exist without a ceiling. What would go past the ceiling is
 * dropped and sets `over`, which is checked once, at the end, by buf_check(). p is NUL-terminated
 * and never NULL. The owner calls buf_release().
 */
struct buf {
	char *p;
	size_t n;    /* bytes held, without the NUL */
	size_t cap;  /* bytes allocated, 0 before the first append */
	size_t max;  /* ceiling for n */
	bool over;   /* something did not fit */
};

void buf_init(struct buf *b, size_t max);
void buf_release(struct buf *b); /* twice is harmless */
void buf_clear(struct buf *b);	 /* empty and not over; keeps the memory */

void buf_add(struct buf *b, const void *p, size_t n);
void buf_adds(struct buf *b, const char *s);
void buf_addc(struct buf *b, char c);
void buf_add_str(struct buf *b, struct str s);
void buf_addf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Percent-encode everything outside A-Za-z0-9-._~ (RFC 3986), and keep '/' when keep_slash. */
void buf_add_uri(struct buf *b, struct str s, bool keep_slash);

/* JSON's notation of one well-formed UTF-8 sequence: "\u202e", "\ud83d\ude00". */
void buf_add_utf16_escape(struct buf *b, struct str sequence);

/* Text for people, as str_copy_clean() does it, but lines are kept. */
void buf_add_shown(struct buf *b, struct str s);

struct str buf_str(const struct buf *b); /* borrowed, until the next change */

/* ERR_LIMIT "<what> is larger than <max> bytes" when something did not fit. */
int buf_check(const struct buf *b, const char *what, struct err *err) MUST_CHECK;

/* Hand the memory over to the caller (free() it); the buffer is empty again. */
char *buf_take(struct buf *b);

#endif
