#include "aws/core/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/core/mem.h"

/*
 * The empty buffer points at a shared empty string, so that p is never NULL and no memory is taken
 * before the first append.
 */
static char EMPTY[1];

void buf_init(struct buf *b, size_t max)
{
	assert(max < SIZE_MAX / 2); /* a ceiling is meant to be reached before the memory's end */
	*b = (struct buf){.p = EMPTY, .max = max};
}

void buf_release(struct buf *b)
{
	if (b->cap)
		free(b->p);
	*b = (struct buf){.p = EMPTY, .max = b->max};
}

void buf_clear(struct buf *b)
{
	b->n = 0;
	b->over = false;
	if (b->cap)
		b->p[0] = '\0';
}

/* Room for n more bytes and the NUL; false, and over, when that passes the ceiling. */
static bool reserve(struct buf *b, size_t n)
{
	size_t need, cap;

	if (b->over || n > b->max - b->n) {
		b->over = true;
		return false;
	}
	need = b->n + n + 1;
	if (need <= b->cap)
		return true;
	cap = b->cap ? b->cap : 64;
	while (cap < need)
		cap *= 2;
	if (cap > b->max)
		cap = b->max + 1; /* at least need */
	b->p = xrealloc(b->cap ? b->p : NULL, cap);
	b->cap = cap;
	return true;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
	if (n == 0 || !reserve(b, n))
		return;
	memcpy(b->p + b->n, p, n);
	b->n += n;
	b->p[b->n] = '\0';
}

void buf_adds(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_addc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_add_str(struct buf *b, struct str s)
{
	buf_add(b, s.p, s.n);
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n <= 0 || !reserve(b, (size_t)n))
		return;
	va_start(ap, fmt);
	vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->n += (size_t)n;
}

void buf_add_uri(struct buf *b, struct str s, bool keep_slash)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		    c == '-' || c == '.' || c == '_' || c == '~' || (c == '/' && keep_slash)) {
			buf_addc(b, (char)c);
		} else {
			char escape[3] = {'%', digits[c >> 4], digits[c & 15]};

			buf_add(b, escape, sizeof(escape));
		}
	}
}

void buf_add_utf16_escape(struct buf *b, struct str sequence)
{
	uint32_t c = str_code_point(sequence);

	if (c < 0x10000)
		buf_addf(b, "\\u%04x", (unsigned)c);
	else
		buf_addf(b, "\\u%04x\\u%04x", 0xd800 + (unsigned)((c - 0x10000) >> 10),
			 0xdc00 + (unsigned)((c - 0x10000) & 0x3ff));
}

void buf_add_shown(struct buf *b, struct str s)
{
	size_t plain = 0; /* start of what can be copied as it is */

	for (size_t i = 0; i < s.n;) {
		size_t n = str_utf8_length(s, i);
		bool keep = n && (s.p[i] == '\n' || str_is_shown(str_sub(s, i, i + n)));

		if (!keep) {
			buf_add_str(b, str_sub(s, plain, i));
			buf_addc(b, '?');
		}
		i += n ? n : 1;
		if (!keep)
			plain = i;
	}
	buf_add_str(b, str_sub(s, plain, s.n));
}

struct str buf_str(const struct buf *b)
{
	return (struct str){b->p, b->n};
}

int buf_check(const struct buf *b, const char *what, struct err *err)
{
	if (b->over)
		return err_set(err, ERR_LIMIT, "%s is larger than %zu bytes", what, b->max);
	return 0;
}

char *buf_take(struct buf *b)
{
	char *p = b->cap ? b->p : xstrdup("");

	*b = (struct buf){.p = EMPTY, .max = b->max};
	return p;
}
