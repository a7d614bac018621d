#include "aws/core/str.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>

#include "aws/core/mem.h"

/* Slices. Nothing here allocates but str_dup(). */

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool str_is(struct str a, const char *b)
{
	return str_eq(a, str_from(b));
}

bool str_is_nocase(struct str a, const char *b)
{
	if (a.n != strlen(b))
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (lower(a.p[i]) != lower(b[i]))
			return false;
	return true;
}

int str_cmp(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n ? memcmp(a.p, b.p, n) : 0;

	if (c)
		return c;
	return (a.n > b.n) - (a.n < b.n);
}

bool str_starts(struct str s, const char *prefix)
{
	size_t n = strlen(prefix);

	return s.n >= n && (n == 0 || memcmp(s.p, prefix, n) == 0);
}

bool str_ends(struct str s, const char *suffix)
{
	size_t n = strlen(suffix);

	return s.n >= n && (n == 0 || memcmp(s.p + s.n - n, suffix, n) == 0);
}

struct str str_trim(struct str s)
{
	while (s.n > 0 && is_space(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

struct str str_sub(struct str s, size_t from, size_t to)
{
	if (to > s.n)
		to = s.n;
	if (from > to)
		from = to;
	return (struct str){from ? s.p + from : s.p, to - from};
}

char *str_dup(struct arena *a, struct str s)
{
	return arena_strndup(a, s.p, s.n);
}

bool str_next(struct str *rest, char sep, struct str *field)
{
	const char *end;

	if (rest->n == 0)
		return false;
	end = memchr(rest->p, sep, rest->n);
	if (!end) {
		*field = *rest;
		*rest = (struct str){NULL, 0};
		return true;
	}
	*field = (struct str){rest->p, (size_t)(end - rest->p)};
	*rest = (struct str){end + 1, rest->n - field->n - 1};
	return true;
}

bool str_parse_u64(struct str s, uint64_t min, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (!is_digit(s.p[i]) || __builtin_mul_overflow(v, 10u, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v))
			return false;
	}
	if (v < min || v > max)
		return false;
	*out = v;
	return true;
}

bool str_parse_i64(struct str s, int64_t min, int64_t max, int64_t *out)
{
	bool negative = s.n > 0 && s.p[0] == '-';
	uint64_t v;
	int64_t value;

	if (!str_parse_u64(str_sub(s, negative, s.n), 0, (uint64_t)INT64_MAX + negative, &v))
		return false;
	value = negative ? (v == 0 ? 0 : -(int64_t)(v - 1) - 1) : (int64_t)v;
	if (value < min || value > max)
		return false;
	*out = value;
	return true;
}

/* Decimal digits, point and exponent: no hex, no words, no white space, no leading '+'. */
static bool looks_like_number(struct str s)
{
	size_t i = 0, digits = 0;

	if (i < s.n && s.p[i] == '-')
		i++;
	for (; i < s.n && is_digit(s.p[i]); i++)
		digits++;
	if (i < s.n && s.p[i] == '.')
		for (i++; i < s.n && is_digit(s.p[i]); i++)
			digits++;
	if (digits == 0)
		return false;
	if (i < s.n && (s.p[i] == 'e' || s.p[i] == 'E')) {
		i++;
		if (i < s.n && (s.p[i] == '-' || s.p[i] == '+'))
			i++;
		for (digits = 0; i < s.n && is_digit(s.p[i]); i++)
			digits++;
		if (digits == 0)
			return false;
	}
	return i == s.n;
}

bool str_parse_double(struct str s, double *out)
{
	char text[512]; /* nobody writes more digits in earnest */
	locale_t c_locale;
	double v;

	if (s.n >= sizeof(text) || !looks_like_number(s))
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0); /* built into glibc, not loaded */
	if (!c_locale)
		return false;
	v = strtod_l(text, NULL, c_locale);
	freelocale(c_locale);
	if (!isfinite(v))
		return false;
	*out = v;
	return true;
}

/* --- UTF-8 (RFC 3629) ------------------------------------------------------------------------ */

/* Length of the well-formed sequence at p, at most n bytes; 0 when there is none. */
static size_t utf8_length(const char *p, size_t n)
{
	const unsigned char *u = (const unsigned char *)p;
	size_t len;

	if (u[0] < 0x80)
		return 1;
	len = u[0] >= 0xc2 && u[0] <= 0xdf   ? 2
	      : (u[0] & 0xf0) == 0xe0	     ? 3
	      : u[0] >= 0xf0 && u[0] <= 0xf4 ? 4
					     : 0;
	if (len == 0 || len > n)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((u[i] & 0xc0) != 0x80)
			return 0;
	if ((u[0] == 0xe0 && u[1] < 0xa0) || (u[0] == 0xed && u[1] > 0x9f) ||
	    (u[0] == 0xf0 && u[1] < 0x90) || (u[0] == 0xf4 && u[1] > 0x8f))
		return 0; /* overlong, surrogate, beyond U+10FFFF */
	return len;
}

bool str_is_utf8(struct str s)
{
	size_t i = 0, len;

	while (i < s.n) {
		len = s.p[i] == '\0' ? 0 : utf8_length(s.p + i, s.n - i);
		if (len == 0)
			return false;
		i += len;
	}
	return true;
}

size_t str_utf8_length(struct str s, size_t i)
{
	return utf8_length(s.p + i, s.n - i);
}

uint32_t str_code_point(struct str sequence)
{
	static const unsigned char first[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	uint32_t c = (unsigned char)sequence.p[0] & first[sequence.n];

	for (size_t i = 1; i < sequence.n; i++)
		c = c << 6 | ((unsigned char)sequence.p[i] & 0x3f);
	return c;
}

bool str_is_shown(struct str sequence)
{
	/* Unicode's categories Cc, Zl and Zp, and what of Cf is invisible or has a direction */
	static const struct {
		uint32_t from, to;
	} hidden[] = {
		{0x00, 0x1f},	  {0x7f, 0x9f},	    {0xad, 0xad},     {0x61c, 0x61c},
		{0x180e, 0x180e}, {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},
		{0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe0fff},
	};
	uint32_t c = str_code_point(sequence);

	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		if (c >= hidden[i].from && c <= hidden[i].to)
			return false;
	return true;
}

static bool copy(char *to, size_t size, struct str s, bool clean)
{
	size_t i = 0, n = 0;

	while (i < s.n) {
		size_t len = utf8_length(s.p + i, s.n - i);
		bool replace = clean && (len == 0 || !str_is_shown(str_sub(s, i, i + len)));
		size_t out;

		if (len == 0)
			len = 1; /* not UTF-8: byte by byte */
		out = replace ? 1 : len;
		if (n + out >= size || (s.p[i] == '\0' && !replace))
			break;
		if (replace)
			to[n] = '?';
		else
			memcpy(to + n, s.p + i, len);
		n += out;
		i += len;
	}
	if (size > 0)
		to[n] = '\0';
	return i == s.n;
}

bool str_copy(char *to, size_t size, struct str s)
{
	return copy(to, size, s, false);
}

bool str_copy_clean(char *to, size_t size, struct str s)
{
	return copy(to, size, s, true);
}
