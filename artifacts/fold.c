#include "artifacts/fold.h"

#include <stdint.h>

#include "artifacts/fold_table.h"

/*
 * Each character is replaced by what it folds and decomposes to, by one table; then combining marks
 * are ordered by their class. The iota below a Greek letter is a mark until then, and a letter
 * after.
 */

enum {
	MARK_IOTA = 0x345,
	IOTA = 0x3b9,
	HANGUL = 0xac00, /* syllables are composed by arithmetic: section 3.12 */
	HANGUL_N = 11172,
	HANGUL_T = 28,
	HANGUL_VT = 21 * HANGUL_T,
};

struct marks {
	uint32_t c[FOLD_MARKS];
	uint8_t class[FOLD_MARKS];
	size_t n;
};

static size_t put_utf8(char *out, uint32_t c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

static uint32_t get_utf8(const unsigned char *p, size_t *n)
{
	*n = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (*n == 1)
		return p[0];
	if (*n == 2)
		return (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
	if (*n == 3)
		return (p[0] & 0xfu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
	return (p[0] & 7u) << 18 | (p[1] & 0x3fu) << 12 | (p[2] & 0x3fu) << 6 | (p[3] & 0x3fu);
}

/* Where in a table the character is, or would be. */
#define SEARCH(table, n, field, c)                \
	size_t low = 0;                           \
	for (size_t high = (n); low < high;) {    \
		size_t middle = (low + high) / 2; \
		if ((table)[middle].field < (c))  \
			low = middle + 1;         \
		else                              \
			high = middle;            \
	}

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static uint32_t replace_one(uint32_t c)
{
	const struct fold_run *r;

	SEARCH(fold_runs, COUNT(fold_runs), last, c)
	r = &fold_runs[low];
	if (low == COUNT(fold_runs) || c < r->first || (c - r->first) & r->odd)
		return c;
	return (uint32_t)((int32_t)c + r->add);
}

/* What a character becomes: one to four characters. */
static size_t replace(uint32_t c, uint32_t out[4])
{
	size_t n = 0;

	if (c >= HANGUL && c < HANGUL + HANGUL_N) {
		uint32_t s = c - HANGUL;

		out[0] = 0x1100 + s / HANGUL_VT;
		out[1] = 0x1161 + s % HANGUL_VT / HANGUL_T;
		out[2] = 0x11a7 + s % HANGUL_T;
		return s % HANGUL_T ? 3 : 2;
	}
	SEARCH(fold_many, COUNT(fold_many), from, c)
	if (low == COUNT(fold_many) || fold_many[low].from != c) {
		out[0] = replace_one(c);
		return 1;
	}
	for (; n < 4 && fold_many[low].to[n]; n++)
		out[n] = fold_many[low].to[n];
	return n;
}

static uint8_t class_of(uint32_t c)
{
	SEARCH(fold_classes, COUNT(fold_classes), last, c)
	if (low == COUNT(fold_classes) || c < fold_classes[low].first)
		return 0;
	return (uint8_t)fold_classes[low].class;
}

static size_t flush(struct marks *m, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++)
		n += put_utf8(out + n, m->c[i] == MARK_IOTA ? IOTA : m->c[i]);
	m->n = 0;
	return n;
}

/* One more, behind those of the same class. The iota has the highest class of all. */
static void insert(struct marks *m, uint32_t c, uint8_t class)
{
	size_t at = m->n++;

	for (; at && m->class[at - 1] > class; at--) {
		m->c[at] = m->c[at - 1];
		m->class[at] = m->class[at - 1];
	}
	m->c[at] = c;
	m->class[at] = class;
}

size_t fold(struct str name, char *out)
{
	const unsigned char *p = (const unsigned char *)name.p;
	struct marks marks = {.n = 0};
	size_t n = 0;

	for (size_t i = 0, len; i < name.n; i += len) {
		uint32_t c = get_utf8(p + i, &len), to[4];

		if (c < 0x80) {
			n += flush(&marks, out + n);
			out[n++] = (char)(c >= 'A' && c <= 'Z' ? c + 0x20 : c);
			continue;
		}
		for (size_t k = 0, many = replace(c, to); k < many; k++) {
			uint8_t class = class_of(to[k]);

			if (!class || marks.n == FOLD_MARKS)
				n += flush(&marks, out + n);
			if (class)
				insert(&marks, to[k], class);
			else
				n += put_utf8(out + n, to[k]);
		}
	}
	return n + flush(&marks, out + n);
}
