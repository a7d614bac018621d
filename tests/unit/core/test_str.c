#include "aws/core/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "aws/core/mem.h"

static const struct str NOTHING = {NULL, 0};

static void assert_str(struct str got, const char *want)
{
	if (!str_is(got, want))
		fail_msg("\"" STR_FMT "\" is not \"%s\"", STR_ARG(got), want);
}

static void test_comparing(void **state)
{
	(void)state;
	assert_true(str_eq(STR("abc"), STR("abc")));
	assert_false(str_eq(STR("abc"), STR("abd")));
	assert_false(str_eq(STR("abc"), STR("ab")));
	assert_true(str_eq(NOTHING, STR("")));
	assert_true(str_is(STR("abc"), "abc"));
	assert_false(str_is(STR("abc\0"), "abc"));
	assert_true(str_is(NOTHING, ""));
	assert_true(str_is_nocase(STR("Content-TYPE"), "content-type"));
	assert_false(str_is_nocase(STR("content-type "), "content-type"));
	assert_false(str_is_nocase(STR("["), "{")); /* apart by the bit that tells cases apart */
	assert_false(str_is_nocase(STR("\xc4"), "\xe4"));
	assert_true(str_is_nocase(NOTHING, ""));
	assert_true(str_cmp(STR("a"), STR("b")) < 0);
	assert_true(str_cmp(STR("b"), STR("a")) > 0);
	assert_true(str_cmp(STR("a"), STR("ab")) < 0);
	assert_true(str_cmp(STR("ab"), STR("a")) > 0);
	assert_true(str_cmp(STR("\xff"), STR("a")) > 0);
	assert_int_equal(str_cmp(NOTHING, STR("")), 0);
	assert_true(str_cmp(NOTHING, STR("a")) < 0);
}

static void test_cutting(void **state)
{
	struct arena *a = arena_new();

	(void)state;
	assert_true(str_starts(STR("arn:aws"), "arn:"));
	assert_false(str_starts(STR("arn"), "arn:"));
	assert_true(str_starts(NOTHING, ""));
	assert_true(str_ends(STR("x.zip"), ".zip"));
	assert_false(str_ends(STR("zip"), ".zip"));
	assert_true(str_ends(NOTHING, ""));
	assert_str(str_trim(STR(" \t\r\n\v\fa b\n ")), "a b");
	assert_str(str_trim(STR("   ")), "");
	assert_str(str_trim(NOTHING), "");
	assert_str(str_sub(STR("abcdef"), 1, 3), "bc");
	assert_str(str_sub(STR("abc"), 2, 99), "c");
	assert_str(str_sub(STR("abc"), 99, 99), "");
	assert_str(str_sub(STR("abc"), 2, 1), "");
	assert_str(str_sub(NOTHING, 1, 2), "");
	assert_string_equal(str_dup(a, STR("abc")), "abc");
	assert_string_equal(str_dup(a, NOTHING), "");
	assert_str(str_from(NULL), "");
	assert_str(str_from("abc"), "abc");
	arena_free(a);
}

static void fields(const char *text, const char *want)
{
	struct str rest = str_from(text), field;
	char got[100];
	size_t n = 0;

	while (str_next(&rest, ',', &field))
		n += (size_t)snprintf(got + n, sizeof(got) - n, "[" STR_FMT "]", STR_ARG(field));
	got[n] = '\0';
	assert_string_equal(got, want);
	assert_false(str_next(&rest, ',', &field));
}

static void test_fields(void **state)
{
	(void)state;
	fields("a,,b", "[a][][b]");
	fields("a", "[a]");
	fields("", "");
	fields(NULL, "");
	fields(",", "[]");
	fields(",a", "[][a]");
	fields("a,", "[a]");
	fields("a,,", "[a][]");
}

static void test_unsigned(void **state)
{
	uint64_t v = 77;
	static const char *const bad[] = {"",
					  "-1",
					  "+1",
					  " 1",
					  "1 ",
					  "1a",
					  "0x1",
					  "1.0",
					  "1e3",
					  "18446744073709551616",
					  "99999999999999999999999"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (str_parse_u64(str_from(bad[i]), 0, UINT64_MAX, &v))
			fail_msg("accepted %s", bad[i]);
	assert_false(str_parse_u64((struct str){"1\0", 2}, 0, 9, &v));
	assert_false(str_parse_u64(NOTHING, 0, UINT64_MAX, &v));
	assert_false(str_parse_u64(STR("4"), 5, 10, &v));
	assert_false(str_parse_u64(STR("11"), 5, 10, &v));
	assert_int_equal(v, 77); /* untouched */
	assert_true(str_parse_u64(STR("5"), 5, 10, &v) && v == 5);
	assert_true(str_parse_u64(STR("0010"), 5, 10, &v) && v == 10);
	assert_true(str_parse_u64(STR("18446744073709551615"), 0, UINT64_MAX, &v));
	assert_true(v == UINT64_MAX);
	assert_true(str_parse_u64((struct str){"123", 2}, 0, 99, &v) && v == 12);
}

static void test_signed(void **state)
{
	int64_t v = 77;
	static const char *const bad[] = {
		"", "-", "--1", "+1", "- 1", "9223372036854775808", "-9223372036854775809", "1-"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (str_parse_i64(str_from(bad[i]), INT64_MIN, INT64_MAX, &v))
			fail_msg("accepted %s", bad[i]);
	assert_false(str_parse_i64(STR("-6"), -5, 5, &v));
	assert_false(str_parse_i64(STR("6"), -5, 5, &v));
	assert_int_equal(v, 77);
	assert_true(str_parse_i64(STR("-5"), -5, 5, &v) && v == -5);
	assert_true(str_parse_i64(STR("-0"), -5, 5, &v) && v == 0);
	assert_true(str_parse_i64(STR("9223372036854775807"), 0, INT64_MAX, &v) && v == INT64_MAX);
	assert_true(str_parse_i64(STR("-9223372036854775808"), INT64_MIN, 0, &v) && v == INT64_MIN);
}

static void test_double(void **state)
{
	static const struct {
		const char *text;
		double want;
	} good[] = {{"0", 0},	      {"-0.5", -0.5},
		    {"12.25", 12.25}, {"1E3", 1000},
		    {"1.0e-5", 1e-5}, {"1e+2", 100},
		    {".5", 0.5},      {"5.", 5},
		    {"007", 7},	      {"1.7976931348623157e308", 1.7976931348623157e308},
		    {"1e-400", 0}};
	static const char *const bad[] = {"",	   "-",	  "+1",	 ".",	     "e5",    "1e",
					  "1e+",   " 1",  "1 ",	 "1,5",	     "0x10",  "inf",
					  "-inf",  "nan", "NAN", "infinity", "1e999", "-1e999",
					  "1.2.3", "1-",  "--1", "0x1p3",    "1f",    "1\n"};
	char longest[600];
	double v = 77;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (str_parse_double(str_from(bad[i]), &v))
			fail_msg("accepted %s", bad[i]);
	assert_false(str_parse_double(NOTHING, &v));
	assert_false(str_parse_double((struct str){"1\0", 2}, &v));
	memset(longest, '1', sizeof(longest));
	assert_false(str_parse_double((struct str){longest, 512}, &v)); /* 1.1e511 anyway */
	memset(longest, '0', sizeof(longest));
	assert_false(str_parse_double((struct str){longest, 512}, &v));
	assert_true(v > 76 && v < 78);
	assert_true(str_parse_double((struct str){longest, 511}, &v) && fabs(v) < 1e-300);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (!str_parse_double(str_from(good[i].text), &v))
			fail_msg("refused %s", good[i].text);
		if (memcmp(&v, &good[i].want, sizeof(v)) != 0)
			fail_msg("%s became %.17g", good[i].text, v);
	}
	assert_true(str_parse_double((struct str){"1234", 2}, &v) && fabs(v - 12) < 1e-9);
}

static void copied(struct str s, size_t size, bool clean, bool fits, const char *want)
{
	char to[32];
	bool all;

	memset(to, 'z', sizeof(to));
	all = clean ? str_copy_clean(to, size, s) : str_copy(to, size, s);
	assert_string_equal(to, want);
	assert_int_equal(all, fits);
	for (size_t i = size; i < sizeof(to); i++)
		assert_int_equal(to[i], 'z');
}

static void test_copy(void **state)
{
	char none = 'z';

	(void)state;
	copied(STR("abc"), 4, false, true, "abc");
	copied(STR("abcd"), 4, false, false, "abc");
	copied(STR("abc"), 1, false, false, "");
	copied(NOTHING, 1, false, true, "");
	copied(STR("a\xe2\x82\xac"), 5, false, true, "a\xe2\x82\xac");
	copied(STR("a\xe2\x82\xac"), 4, false, false, "a");
	copied(STR("a\xe2\x82\xac"), 3, false, false, "a");
	copied(STR("a\nb"), 9, false, true, "a\nb");
	copied(STR("a\0b"), 9, false, false, "a");
	copied(STR("a\xff"), 9, false, true, "a\xff");
	assert_false(str_copy(&none, 0, STR("a")));
	assert_int_equal(none, 'z');
}

static void test_copy_clean(void **state)
{
	(void)state;
	copied(STR("a\nb\x1b[0m\x7f"), 32, true, true, "a?b?[0m?");
	copied(STR("a\0b"), 9, true, true, "a?b");
	copied(STR("a\xc2\x9b"
		   "b\xc2\xa0"),
	       9, true, true, "a?b\xc2\xa0"); /* C1; no-break space */
	copied(STR("\xff\xc0\xaf"), 9, true, true, "???");
	copied(STR("\xe2\x82"), 9, true, true, "??");
	copied(STR("gr\xc3\xbc\xc3\x9f"), 9, true, true, "gr\xc3\xbc\xc3\x9f");
	copied(STR("\xc2\x9b\xc2\x9b"), 2, true, false, "?");
	copied(STR("a\xe2\x80\xae"
		   "b\xe2\x80\xa8\xef\xbb\xbf\xf3\xa0\x81\x81"),
	       32, true, true, "a?b???"); /* right to left; line separator; invisible; a tag */
}

static void test_shown(void **state)
{
	static const char *const hidden[] = {
		"\x01",		"\x1f",		"\x7f",		    "\xc2\x80",
		"\xc2\x9f",	"\xc2\xad",	"\xd8\x9c",	    "\xe1\xa0\x8e",
		"\xe2\x80\x8b", "\xe2\x80\x8f", "\xe2\x80\xa8",	    "\xe2\x80\xae",
		"\xe2\x81\xa0", "\xe2\x81\xaf", "\xef\xbb\xbf",	    "\xef\xbf\xb9",
		"\xef\xbf\xbb", "\xf3\xa0\x80\x80", "\xf3\xa0\xbf\xbf"};
	static const char *const shown[] = {
		" ",		"~",		"\xc2\xa0",	"\xc2\xae",	"\xd8\x9b",
		"\xd8\x9d",	"\xe1\xa0\x8f", "\xe2\x80\x8a", "\xe2\x80\x90", "\xe2\x80\xa7",
		"\xe2\x80\xaf", "\xe2\x81\xb0", "\xef\xbb\xbe", "\xef\xbf\xbc", "\xef\xbf\xbd",
		"\xf3\x9f\xbf\xbf", "\xf3\xa1\x80\x80", "\xf0\x9f\x98\x80"};

	(void)state;
	assert_false(str_is_shown(STR("\0")));
	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		assert_false(str_is_shown(str_from(hidden[i])));
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		assert_true(str_is_shown(str_from(shown[i])));
	assert_int_equal(str_code_point(STR("a")), 'a');
	assert_int_equal(str_code_point(STR("\xc3\xa4")), 0xe4);
	assert_int_equal(str_code_point(STR("\xe2\x82\xac")), 0x20ac);
	assert_int_equal(str_code_point(STR("\xf4\x8f\xbf\xbf")), 0x10ffff);
	assert_int_equal(str_utf8_length(STR("a\xc3\xa4"), 1), 2);
	assert_int_equal(str_utf8_length(STR("a\xc3"), 1), 0);
}

static void test_utf8(void **state)
{
	static const char *const good[] = {"",
					   "abc",
					   "\xc2\x80",
					   "\xdf\xbf",
					   "\xe0\xa0\x80",
					   "\xed\x9f\xbf",
					   "\xee\x80\x80",
					   "\xef\xbf\xbf",
					   "\xf0\x90\x80\x80",
					   "\xf4\x8f\xbf\xbf"};
	static const char *const bad[] = {"\x80",
					  "\xbf",
					  "\xc0\x80",
					  "\xc1\xbf",
					  "\xc2",
					  "\xc2z",
					  "\xe0\x9f\xbf",
					  "\xed\xa0\x80",
					  "\xed\xbf\xbf",
					  "\xe2\x82",
					  "\xe2z\x80",
					  "\xf0\x8f\xbf\xbf",
					  "\xf4\x90\x80\x80",
					  "\xf5\x80\x80\x80",
					  "\xff",
					  "\xf8\x88\x80\x80\x80",
					  "\xf0\x90\x80",
					  "a\xc3"};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(str_is_utf8(str_from(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (str_is_utf8(str_from(bad[i])))
			fail_msg("accepted case %zu", i);
	assert_true(str_is_utf8(NOTHING));
	assert_false(str_is_utf8(STR("a\0b")));
	assert_false(str_is_utf8((struct str){"\xe2\x82\xac", 2}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_comparing), cmocka_unit_test(test_cutting),
		cmocka_unit_test(test_fields),	  cmocka_unit_test(test_unsigned),
		cmocka_unit_test(test_signed),	  cmocka_unit_test(test_double),
		cmocka_unit_test(test_copy),	  cmocka_unit_test(test_copy_clean),
		cmocka_unit_test(test_shown),
		cmocka_unit_test(test_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
