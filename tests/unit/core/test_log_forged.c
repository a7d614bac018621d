#include "aws/core/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aws/core/buf.h"
#include "aws/core/json.h"
#include "aws/core/mem.h"
#include "aws/core/rng.h"

/*
 * No line can be forged: whatever bytes the values of a record hold, it is exactly one line, and
 * who reads that line finds the fields that were written and no others. The values are put together
 * from what would forge something if it were not escaped, and from random bytes.
 */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define RECORDS 2000
#else
#define RECORDS 20000
#endif
#define FIELDS 3
#define VALUE_MAX 80 /* escaped to four times that: never long enough to be cut */
#define LINE_MAX_BYTES 4096

static struct utc fixed_utc(struct clock *c)
{
	(void)c;
	return (struct utc){1767323045678};
}

static struct clock fixed_clock = {.utc = fixed_utc};

#define PIECE(lit) {("" lit), sizeof(lit) - 1}

static const struct str PIECES[] = {
	PIECE("\n"), PIECE("\r\n"), PIECE("\t"), PIECE("\0"), PIECE("\x1b[2K"),
	PIECE("\x1b]0;x\a"), PIECE("\b\b"), PIECE("\x7f"), PIECE("\""), PIECE("\\"),
	PIECE("\\n"), PIECE("\\x0a"), PIECE("="), PIECE(" "), PIECE(" level=error "),
	PIECE("event=forged"), PIECE("{"), PIECE("}"), PIECE(">"), PIECE("<3>"), PIECE(","),
	PIECE("\",\"k\":\""), PIECE("..."), PIECE("u000a"), PIECE("\xc2\x9b"),
	PIECE("\xc2\x85"), PIECE("\xc2\xad"), PIECE("\xd8\x9c"), PIECE("\xe2\x80\x8b"),
	PIECE("\xe2\x80\x8f"), PIECE("\xe2\x80\xa8"), PIECE("\xe2\x80\xae"),
	PIECE("\xe2\x81\xa6"), PIECE("\xef\xbb\xbf"), PIECE("\xf3\xa0\x81\x81"),
	PIECE("\xf0\x9f\x98\x80"), PIECE("\xff"), PIECE("\xc0\x8a"), PIECE("\xed\xa0\x80"),
	PIECE("\xe2\x80"), PIECE("\xc3\xa4"), PIECE("\xe2\x82\xac"), PIECE("plain"),
	PIECE("a/b:c-1.2"),
};


struct record {
	char bytes[FIELDS][VALUE_MAX];
	struct str value[FIELDS];
};

static void make_value(struct rng *r, char *bytes, struct str *out)
{
	size_t n = 0, pieces = rng_below(r, 6);

	for (size_t i = 0; i < pieces; i++) {
		struct str s = PIECES[rng_below(r, sizeof(PIECES) / sizeof(PIECES[0]))];
		char random[8];

		if (rng_below(r, 4) == 0) {
			r->fill(r, random, sizeof(random));
			s = (struct str){random, rng_below(r, sizeof(random))};
		}
		if (n + s.n > VALUE_MAX)
			break;
		if (s.n)
			memcpy(bytes + n, s.p, s.n);
		n += s.n;
	}
	*out = (struct str){bytes, n};
}

/* --- one reader for each form, written from the contract of log.h ----------------------------- */

static int hex(char c)
{
	const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* The value in front of *p, which is moved behind it. */
static void read_value(const char **p, struct buf *out)
{
	const char *s = *p;

	buf_clear(out);
	if (*s != '"') {
		while (*s && *s != ' ')
			buf_addc(out, *s++);
		*p = s;
		return;
	}
	for (s++; *s && *s != '"'; s++) {
		if (*s != '\\') {
			buf_addc(out, *s);
			continue;
		}
		s++;
		if (*s == 'x' && hex(s[1]) >= 0 && hex(s[2]) >= 0) {
			buf_addc(out, (char)(hex(s[1]) * 16 + hex(s[2])));
			s += 2;
		} else {
			assert_non_null(*s ? strchr("nrt\"\\", *s) : NULL);
			buf_addc(out, *s == 'n' ? '\n' : *s == 'r' ? '\r' : *s == 't' ? '\t' : *s);
		}
	}
	assert_int_equal(*s, '"');
	*p = s + 1;
}

static void expect_text(const char **p, const char *key, struct str want)
{
	size_t n = strlen(key);
	struct buf got;

	assert_memory_equal(*p, key, n);
	*p += n;
	buf_init(&got, LINE_MAX_BYTES);
	read_value(p, &got);
	if (!str_eq(buf_str(&got), want))
		fail_msg("%s: %s", key, got.p);
	buf_release(&got);
}

static void check_text(const char *line, const struct record *r, bool systemd)
{
	const char *p = line;

	if (systemd) {
		assert_memory_equal(p, "<6>", 3);
		p += 3;
	} else {
		expect_text(&p, "ts=", STR("2026-01-02T03:04:05.678Z"));
		expect_text(&p, " level=", STR("info"));
	}
	expect_text(&p, systemd ? "event=" : " event=", STR("e.test"));
	expect_text(&p, " context=", r->value[0]);
	expect_text(&p, " n=", STR("7"));
	expect_text(&p, " field=", r->value[1]);
	expect_text(&p, " code=", STR("denied"));
	if (r->value[2].n)
		expect_text(&p, " aws=", r->value[2]);
	expect_text(&p, " err=", r->value[2]);
	assert_string_equal(p, "");
}

/* What JSON can carry of these bytes: each that is no UTF-8, and NUL, as U+FFFD. */
static void carried(struct str s, struct buf *out)
{
	buf_clear(out);
	for (size_t i = 0; i < s.n;) {
		size_t n = str_utf8_length(s, i);

		if (n == 0 || s.p[i] == '\0')
			buf_adds(out, "\xef\xbf\xbd");
		else
			buf_add(out, s.p + i, n);
		i += n ? n : 1;
	}
}

static void expect_json(const struct json *root, const char *key, struct str want)
{
	struct buf w;

	buf_init(&w, LINE_MAX_BYTES);
	carried(want, &w);
	if (!str_eq(json_text(json_get(root, key)), buf_str(&w)))
		fail_msg("%s: " STR_FMT, key, STR_ARG(json_text(json_get(root, key))));
	buf_release(&w);
}

static void check_json(struct arena *a, const char *line, const struct record *r, bool systemd)
{
	struct json *root;
	struct err err = ERR_INIT;
	size_t members = 0;

	if (systemd)
		assert_memory_equal(line, "<6>", 3);
	if (json_parse(a, str_from(systemd ? line + 3 : line), &root, &err))
		fail_msg("%s: %s", line, err.text);
	json_each(m, root)
		members++;
	assert_int_equal(members, 7 + (r->value[2].n > 0) + !systemd);
	expect_json(root, "level", STR("info"));
	expect_json(root, "event", STR("e.test"));
	expect_json(root, "context", r->value[0]);
	expect_json(root, "field", r->value[1]);
	expect_json(root, "err", r->value[2]);
}

/* --- the property ----------------------------------------------------------------------------- */

/* What a terminal or a pager would act on, whatever the form. */
static void check_bytes(const char *line, size_t n)
{
	struct str s = {line, n - 1};

	assert_int_equal(line[n - 1], '\n');
	for (size_t i = 0; i < s.n;) {
		size_t len = str_utf8_length(s, i);

		assert_in_range(len, 1, 4);
		if (!str_is_shown(str_sub(s, i, i + len)))
			fail_msg("a byte %02x stands in: %s", (unsigned char)s.p[i], line);
		i += len;
	}
}

static void log_record(struct log *root, const struct record *r)
{
	struct log *child = log_with(root, LOG_STR("context", r->value[0]), LOG_I("n", 7));
	struct err err = {.code = ERR_DENIED};

	memcpy(err.aws, r->value[2].p, r->value[2].n < 63 ? r->value[2].n : 63);
	memcpy(err.text, r->value[2].p, r->value[2].n);
	log_event(child, LOG_INFO, "e.test", LOG_STR("field", r->value[1]), LOG_E(&err));
	log_free(child);
}

static void hold(enum log_format format, bool systemd, uint64_t seed)
{
	char line[LINE_MAX_BYTES + 1];
	struct arena *a = arena_new();
	struct rng_seeded r;
	struct log *log;
	int ends[2];

	rng_seeded_init(&r, seed);
	assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
	log = log_new(ends[1], format, LOG_INFO, systemd, &fixed_clock);
	for (int i = 0; i < RECORDS; i++) {
		struct record rec;
		ssize_t n;

		for (int f = 0; f < FIELDS; f++)
			make_value(&r.rng, rec.bytes[f], &rec.value[f]);
		/* texts of an error end at a NUL, and names of AWS are shorter than it */
		rec.value[2].n = strnlen(rec.bytes[2], rec.value[2].n < 63 ? rec.value[2].n : 63);
		log_record(log, &rec);
		n = read(ends[0], line, LINE_MAX_BYTES);
		assert_in_range(n, 2, LINE_MAX_BYTES);
		check_bytes(line, (size_t)n);
		line[n - 1] = '\0';
		if (format == LOG_TEXT)
			check_text(line, &rec, systemd);
		else
			check_json(a, line, &rec, systemd);
		arena_clear(a);
	}
	log_free(log);
	close(ends[0]);
	close(ends[1]);
	arena_free(a);
}

static void test_text_lines(void **state)
{
	(void)state;
	hold(LOG_TEXT, false, 1);
	hold(LOG_TEXT, true, 2);
}

static void test_json_lines(void **state)
{
	(void)state;
	hold(LOG_JSON, false, 3);
	hold(LOG_JSON, true, 4);
}

/* The text of an error is one line that shows as itself, before anybody logs it. */
static void test_error_texts(void **state)
{
	struct rng_seeded r;

	(void)state;
	rng_seeded_init(&r, 5);
	for (int i = 0; i < RECORDS; i++) {
		struct err err = ERR_INIT;
		struct record rec;
		struct str s;

		make_value(&r.rng, rec.bytes[0], &rec.value[0]);
		make_value(&r.rng, rec.bytes[1], &rec.value[1]);
		if (i % 2)
			err_set_sys(&err, ERR_SYSTEM, 2, "open " STR_FMT, STR_ARG(rec.value[0]));
		else
			err_set(&err, ERR_REJECTED, "no " STR_FMT, STR_ARG(rec.value[0]));
		err_wrap(&err, STR_FMT, STR_ARG(rec.value[1]));
		s = str_from(err.text);
		for (size_t k = 0; k < s.n; k += str_utf8_length(s, k)) {
			assert_in_range(str_utf8_length(s, k), 1, 4);
			assert_true(str_is_shown(str_sub(s, k, k + str_utf8_length(s, k))));
		}
	}
}

/* A value that ends like the head of a line does not swallow the blank before the next field. */
static void test_fields_stay_apart(void **state)
{
	char line[LINE_MAX_BYTES + 1];
	struct log *log;
	int ends[2];
	ssize_t n;

	(void)state;
	assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
	log = log_new(ends[1], LOG_TEXT, LOG_INFO, true, &fixed_clock);
	log_event(log, LOG_INFO, "e", LOG_S("a", "x>"), LOG_S("b", "y{"), LOG_I("c", 1));
	n = read(ends[0], line, LINE_MAX_BYTES);
	assert_in_range(n, 2, LINE_MAX_BYTES);
	line[n] = '\0';
	assert_string_equal(line, "<6>event=e a=x> b=y{ c=1\n");
	log_free(log);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_lines),
		cmocka_unit_test(test_json_lines),
		cmocka_unit_test(test_error_texts),
		cmocka_unit_test(test_fields_stay_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
