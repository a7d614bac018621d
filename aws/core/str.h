#ifndef AWS_CORE_STR_H
#define AWS_CORE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct arena;

/*
 * A slice of text: borrowed, not NUL-terminated, passed by value. p is never dereferenced when n
 * is 0. NUL-terminated strings exist at the borders only and are made by str_dup().
 */
struct str {
	const char *p;
	size_t n;
};

/* A slice over a string literal, usable in initialisers; and printf support. */
#define STR(lit) ((struct str){("" lit), sizeof(lit) - 1})
#define STR_FMT "%.*s"
#define STR_ARG(s) ((int)(s).n), ((s).n ? (s).p : "")

static inline struct str str_from(const char *s) /* s may be NULL: the empty slice */
{
	return (struct str){s, s ? strlen(s) : 0};
}

bool str_eq(struct str a, struct str b);
bool str_is(struct str a, const char *b);		/* equal to a C string */
bool str_is_nocase(struct str a, const char *b);	/* ASCII only */
int str_cmp(struct str a, struct str b);		/* by bytes, for sorting */
bool str_starts(struct str s, const char *prefix);
bool str_ends(struct str s, const char *suffix);
struct str str_trim(struct str s);			/* ASCII white space at both ends */
struct str str_sub(struct str s, size_t from, size_t to); /* clamped to the slice */
char *str_dup(struct arena *a, struct str s);		/* NUL-terminated, in the arena */

/*
 * Cut the next field off *rest at sep. False when nothing is left. "a,,b" yields "a", "", "b";
 * the empty slice yields nothing, and neither does what follows a separator at the very end.
 */
bool str_next(struct str *rest, char sep, struct str *field);

/*
 * Numbers from outside are read here and nowhere else. The whole slice must be the number, within
 * [min, max]; false otherwise, *out untouched. No sign for u64, no white space, no locale.
 */
bool str_parse_u64(struct str s, uint64_t min, uint64_t max, uint64_t *out);
bool str_parse_i64(struct str s, int64_t min, int64_t max, int64_t *out);
bool str_parse_double(struct str s, double *out); /* finite only; exponents accepted */

/*
 * Copy into a fixed array, cutting whole UTF-8 code points; always NUL-terminated. Returns false
 * when something was cut; a NUL inside s cuts. str_copy_clean also replaces by '?' what is not
 * str_is_shown and bytes that are not UTF-8, for text that people will read.
 */
bool str_copy(char *to, size_t size, struct str s);
bool str_copy_clean(char *to, size_t size, struct str s);

/* True when s is well-formed UTF-8 without NUL. */
bool str_is_utf8(struct str s);

/* Length of the well-formed UTF-8 sequence (RFC 3629) at s.p[i], i < s.n; 0 when there is none. */
size_t str_utf8_length(struct str s, size_t i);
uint32_t str_code_point(struct str sequence); /* of one such sequence */

/*
 * Is this one well-formed sequence a character that shows as itself? Not so are control characters
 * (ASCII's, and U+0080 to U+009F, which terminals obey as well), what ends a line elsewhere, what
 * turns the direction of the text around it ("Trojan Source", CVE-2021-42574), and what is
 * invisible: with these, text from outside can look like text of ours.
 */
bool str_is_shown(struct str sequence);

#endif
