#include "aws/core/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <float.h>
#include <stdio.h>
#include <stdlib.h>

#include "aws/core/limits.h"

/* --- helpers --------------------------------------------------------------------------------- */

static int set_up(void **state)
{
	*state = arena_new();
	return 0;
}

static int tear_down(void **state)
{
	arena_free(*state);
	return 0;
}

static const struct json *parse(struct arena *a, struct str text)
{
	struct json *root = NULL;
	struct err err = ERR_INIT;

	if (json_parse(a, text, &root, &err))
		fail_msg("%s", err.text);
	return root;
}

static const struct json *parse_c(struct arena *a, const char *text)
{
	return parse(a, str_from(text));
}

static void refused(struct arena *a, struct str text, enum err_code code, const char *words)
{
	struct json *root = NULL;
	struct err err = ERR_INIT;

	if (json_parse(a, text, &root, &err) == 0)
		fail_msg("accepted: " STR_FMT, STR_ARG(str_sub(text, 0, 80)));
	assert_null(root);
	if (err.code != code || !strstr(err.text, words))
		fail_msg("%s: %s", err_code_name(err.code), err.text);
}

static void assert_str(struct str got, const char *want)
{
	if (!str_is(got, want))
		fail_msg("\"" STR_FMT "\" is not \"%s\"", STR_ARG(got), want);
}

/* Parse, write, compare. */
static void round_trip(struct arena *a, const char *text, const char *want)
{
	struct json_out o;
	struct buf b;

	buf_init(&b, 1 << 20);
	json_out_init(&o, &b);
	json_out_node(&o, parse_c(a, text));
	assert_string_equal(b.p, want);
	buf_release(&b);
}

/* --- reading --------------------------------------------------------------------------------- */

static void test_reads_all_types(void **state)
{
	const struct json *root = parse_c(*state, "{\"s\":\"text\",\"n\":-12,\"d\":0.5,\"t\":true,"
						  "\"f\":false,\"z\":null,\"a\":[1,\"two\",[]],"
						  "\"o\":{\"in\":{\"deep\":\"x\"}}}");
	int64_t i = 0;
	double d = 0;

	assert_int_equal(root->type, JSON_OBJECT);
	assert_int_equal(root->n, 8);
	assert_str(json_text(json_get(root, "s")), "text");
	assert_string_equal(json_cstr(json_get(root, "s")), "text");
	assert_true(json_i64(json_get(root, "n"), &i));
	assert_int_equal(i, -12);
	assert_true(json_double(json_get(root, "n"), &d));
	assert_true(d == -12.0);
	assert_true(json_double(json_get(root, "d"), &d));
	assert_true(d == 0.5);
	assert_true(json_bool(json_get(root, "t"), false));
	assert_false(json_bool(json_get(root, "f"), true));
	assert_null(json_get(root, "z"));
	assert_int_equal(json_get(root, "a")->n, 3);
	assert_str(json_text(json_at(root, "o.in.deep")), "x");
	assert_null(json_at(root, "o.in.deep.er"));
	assert_null(json_at(root, "o.out.deep"));
	assert_string_equal(json_get(root, "a")->key.p, "a");
}

static void test_keeps_order(void **state)
{
	const struct json *root = parse_c(*state, " [10, 20 ,30]\n");
	int64_t want = 0;

	json_each(e, root) {
		int64_t got = 0;

		want += 10;
		assert_true(json_i64(e, &got));
		assert_int_equal(got, want);
	}
	assert_int_equal(want, 30);
}

static void test_scalar_documents(void **state)
{
	int64_t i = 0;

	assert_true(json_i64(parse_c(*state, "123"), &i));
	assert_int_equal(i, 123);
	assert_str(json_text(parse_c(*state, "\"\"")), "");
	assert_string_equal(json_cstr(parse_c(*state, "\"\"")), "");
	assert_int_equal(parse_c(*state, "null")->type, JSON_NULL);
	assert_true(json_bool(parse_c(*state, "true"), false));
}

static void test_absent_is_harmless(void **state)
{
	const struct json *text = parse_c(*state, "\"x\"");
	const struct json *number = parse_c(*state, "1");
	int64_t i = 7;
	double d = 7;

	assert_null(json_get(NULL, "a"));
	assert_null(json_get(text, "a"));
	assert_null(json_at(NULL, "a.b"));
	assert_int_equal(json_text(NULL).n, 0);
	assert_int_equal(json_text(number).n, 0);
	assert_null(json_cstr(NULL));
	assert_null(json_cstr(number));
	assert_true(json_bool(NULL, true));
	assert_true(json_bool(number, true));
	assert_false(json_i64(NULL, &i));
	assert_false(json_i64(text, &i));
	assert_false(json_double(NULL, &d));
	assert_false(json_double(text, &d));
	assert_int_equal(i, 7);
	json_each(e, (const struct json *)NULL)
		fail_msg("element of nothing: %p", (const void *)e);
}

static void test_numbers(void **state)
{
	int64_t i = 0;
	double d = 0;

	assert_true(json_i64(parse_c(*state, "9223372036854775807"), &i));
	assert_true(i == INT64_MAX);
	assert_true(json_i64(parse_c(*state, "-9223372036854775808"), &i));
	assert_true(i == INT64_MIN);
	assert_false(json_i64(parse_c(*state, "9223372036854775808"), &i));
	assert_false(json_i64(parse_c(*state, "1.0"), &i));
	assert_false(json_i64(parse_c(*state, "1e3"), &i));
	assert_true(json_double(parse_c(*state, "1e3"), &d));
	assert_true(d == 1000.0);
	assert_true(json_double(parse_c(*state, "-2.5E-1"), &d));
	assert_true(d == -0.25);
	assert_false(json_double(parse_c(*state, "1e999"), &d));
	/* as written, whatever its size */
	assert_str(parse_c(*state, "[123456789012345678901234567890.10]")->first->text,
		   "123456789012345678901234567890.10");
}

static void test_escapes(void **state)
{
	assert_str(json_text(parse_c(*state, "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"")), "\"\\/\b\f\n\r\t");
	assert_str(json_text(parse_c(*state, "\"\\u00e9\\u20AC\"")), "\xC3\xA9\xE2\x82\xAC");
	assert_str(json_text(parse_c(*state, "\"\\uD83D\\uDE00\"")), "\xF0\x9F\x98\x80");
	assert_str(json_text(parse_c(*state, "\"\xF0\x9F\x98\x80\"")), "\xF0\x9F\x98\x80");
	/* an escaped backslash before a u */
	assert_str(json_text(parse_c(*state, "\"\\\\u0000\\\\ud800\"")), "\\u0000\\ud800");
}

static void test_half_pairs_become_replacements(void **state)
{
	static const struct {
		const char *json, *want;
	} cases[] = {
		{"\"\\ud83d\"", "\xEF\xBF\xBD"},
		{"\"\\ud83da\"", "\xEF\xBF\xBD"
				 "a"},
		{"\"\\ud83d\\n\"", "\xEF\xBF\xBD\n"},
		{"\"\\ud83d\\u0041\"", "\xEF\xBF\xBD"
				       "A"},
		{"\"\\ude00x\"", "\xEF\xBF\xBD"
				 "x"},
		{"\"\\ud83d\\ud83d\\ude00\"", "\xEF\xBF\xBD\xF0\x9F\x98\x80"},
		{"\"\\ude00\\ud83d\"", "\xEF\xBF\xBD\xEF\xBF\xBD"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str got = json_text(parse_c(*state, cases[i].json));

		assert_str(got, cases[i].want);
		assert_true(str_is_utf8(got));
	}
}

static void test_nul_is_unsafe(void **state)
{
	refused(*state, STR("{\"a\":\"b\\u0000c\"}"), ERR_UNSAFE, "offset 7");
	refused(*state, STR("{\"a\\u0000\":1}"), ERR_UNSAFE, "NUL");
	refused(*state, (struct str){"\"a\0b\"", 5}, ERR_MALFORMED, "NUL");
}

static void test_refuses_malformed(void **state)
{
	static const char *const bad[] = {
		"{",	    "[1,]",    "{\"a\":1,}",   "{a:1}",
		"[1] 2",    "[1] x",   "nul",	       "01",
		"1.",	    "-",       "+1",	       ".5",
		"\"a",	    "\"\\x\"", "\"\\u12\"",    "'a'",
		"\"a\nb\"", "[NaN]",   "/* c */1",     "[1}",
		"\\u0041",  "{\"a\"}", "[1 // one\n]", "{\"a\":}",
		" ",	    "[]]",     "\"\\ud8\"",    "\xEF\xBB\xBF{}",
		"\v1",	    "[1,\f2]", "{}\"",	       "{}\"x",
		"1\"",	    "[]\\"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refused(*state, str_from(bad[i]), ERR_MALFORMED, "JSON offset ");
	refused(*state, STR(""), ERR_MALFORMED, "empty");
	refused(*state, (struct str){NULL, 0}, ERR_MALFORMED, "empty");
	refused(*state, STR("[1,2 3]"), ERR_MALFORMED, "offset 6:");
}

static void test_refuses_what_is_not_utf8(void **state)
{
	static const char *const bad[] = {
		"\"\xFF\"",	"\"\xC0\x80\"", "\"\xED\xA0\x80\"", "\"\xF5\x80\x80\x80\"",
		"\"\xE2\x82\"",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refused(*state, str_from(bad[i]), ERR_MALFORMED, "UTF-8");
}

static void test_refuses_duplicates(void **state)
{
	struct buf b;

	refused(*state, STR("{\"a\":1,\"b\":2,\"a\":3}"), ERR_MALFORMED, "two members \"a\"");
	refused(*state, STR("[{\"x\":{\"\\u0061\":1,\"a\":null}}]"), ERR_MALFORMED, "\"a\"");
	parse_c(*state, "[{\"a\":1},{\"a\":1},{\"a\":{\"a\":1}}]");

	/* more members than are compared pair by pair */
	buf_init(&b, 1 << 16);
	buf_addc(&b, '{');
	for (int i = 0; i < 100; i++)
		buf_addf(&b, "\"k%d\":%d,", i, i);
	buf_adds(&b, "\"last\":0}");
	assert_int_equal(parse(*state, buf_str(&b))->n, 101);
	b.n -= sizeof("\"last\":0}") - 1;
	buf_adds(&b, "\"k42\":0}");
	refused(*state, buf_str(&b), ERR_MALFORMED, "\"k42\"");
	buf_release(&b);
}

static void fill_levels(struct buf *b, size_t n)
{
	buf_clear(b);
	for (size_t i = 0; i < n; i++)
		buf_adds(b, i % 2 ? "{\"k\":" : "[");
	buf_adds(b, "1");
	for (size_t i = n; i > 0; i--)
		buf_addc(b, (i - 1) % 2 ? '}' : ']');
}

static void test_depth_limit(void **state)
{
	struct json_out o;
	struct buf b, out;

	buf_init(&b, 1 << 16);
	buf_init(&out, 1 << 16);
	fill_levels(&b, LIMIT_DOC_DEPTH);
	json_out_init(&o, &out);
	json_out_node(&o, parse(*state, buf_str(&b)));
	assert_string_equal(out.p, b.p);
	fill_levels(&b, LIMIT_DOC_DEPTH + 1);
	refused(*state, buf_str(&b), ERR_LIMIT, "levels");
	buf_release(&b);
	buf_release(&out);
}

static void test_node_limit(void **state)
{
	struct buf b;

	buf_init(&b, LIMIT_API_BODY);
	buf_addc(&b, '[');
	for (int i = 0; i < LIMIT_DOC_NODES - 2; i++)
		buf_adds(&b, "1,");
	buf_adds(&b, "1]");
	assert_int_equal(parse(*state, buf_str(&b))->n, LIMIT_DOC_NODES - 1);
	b.n--;
	buf_adds(&b, ",1]");
	refused(*state, buf_str(&b), ERR_LIMIT, "values");
	buf_release(&b);
}

static void test_byte_limit(void **state)
{
	char *big = xcalloc(1, LIMIT_API_BODY + 1);

	memset(big, ' ', LIMIT_API_BODY + 1);
	big[0] = '1';
	parse(*state, (struct str){big, LIMIT_API_BODY});
	refused(*state, (struct str){big, LIMIT_API_BODY + 1}, ERR_LIMIT, "larger");
	free(big);
}

/* --- writing --------------------------------------------------------------------------------- */

static void test_writes_compactly(void **state)
{
	struct json_out o;
	struct buf b;

	(void)state;
	buf_init(&b, 1024);
	json_out_init(&o, &b);
	json_out_object(&o);
	json_member_str(&o, "s", STR("a\"b\\c\n\x01/\x7F"));
	json_member_cstr(&o, "c", "x");
	json_member_cstr(&o, "none", NULL);
	json_member_cstr(&o, "empty", "");
	json_member_i64(&o, "i", INT64_MIN);
	json_member_double(&o, "d", 0.1);
	json_member_bool(&o, "t", true);
	json_out_key(&o, "a");
	json_out_array(&o);
	json_out_null(&o);
	json_out_bool(&o, false);
	json_out_cstr(&o, NULL);
	json_out_object(&o);
	json_out_end(&o);
	json_out_array(&o);
	json_out_end(&o);
	json_out_end(&o);
	json_out_key(&o, "n");
	json_out_node(&o, NULL);
	json_out_end(&o);
	assert_string_equal(b.p, "{\"s\":\"a\\\"b\\\\c\\n\\u0001/\\u007f\",\"c\":\"x\","
				 "\"i\":-9223372036854775808,\"d\":0.1,\"t\":true,"
				 "\"a\":[null,false,null,{},[]],\"n\":null}");
	buf_release(&b);
}

static void test_writes_text_as_utf8(void **state)
{
	static const struct {
		struct str text;
		const char *want;
	} cases[] = {
		{{"\xC3\xA9\xF0\x9F\x98\x80", 6}, "\"\xC3\xA9\xF0\x9F\x98\x80\""},
		{{"a\xFF"
		  "b",
		  3},
		 "\"a\xEF\xBF\xBD"
		 "b\""},
		{{"\xC0\x80", 2}, "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},
		{{"\xED\xA0\x80", 3}, "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
		{{"\xE0\x9F\x80", 3}, "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
		{{"\xF0\x80", 2}, "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},
		{{"\xF4\x90\x80\x80", 4}, "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
		{{"\xE2\x82", 2}, "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},
		{{"\xE2\x82\xAC", 3}, "\"\xE2\x82\xAC\""},
		{{"\xE2\x82x", 3}, "\"\xEF\xBF\xBD\xEF\xBF\xBDx\""},
		{{"a\0b", 3}, "\"a\\u0000b\""},
		/* what does not show as itself */
		{{"a\x7f\xC2\x9B", 4}, "\"a\\u007f\\u009b\""},
		{{"\xE2\x80\xAEx", 4}, "\"\\u202ex\""},
		{{"\xF3\xA0\x81\x81", 4}, "\"\\udb40\\udc41\""},
		{{NULL, 0}, "\"\""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct json_out o;
		struct buf b;

		buf_init(&b, 1024);
		json_out_init(&o, &b);
		json_out_str(&o, cases[i].text);
		assert_string_equal(b.p, cases[i].want);
		buf_release(&b);
	}
}

static void test_writes_doubles_shortest(void **state)
{
	static const struct {
		double v;
		const char *want;
	} cases[] = {
		{0, "0"},
		{-0.0, "-0"},
		{5, "5"},
		{0.1, "0.1"},
		{1.0 / 3, "0.3333333333333333"},
		{99.95, "99.95"},
		{1e21, "1e+21"},
		{DBL_MAX, "1.7976931348623157e+308"},
		{0.1 + 0.2, "0.30000000000000004"},
		{1e15 + 0.5, "1000000000000000.5"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct json_out o;
		struct buf b;
		double back = 1;

		buf_init(&b, 1024);
		json_out_init(&o, &b);
		json_out_double(&o, cases[i].v);
		assert_string_equal(b.p, cases[i].want);
		assert_true(json_double(parse(*state, buf_str(&b)), &back));
		assert_memory_equal(&back, &cases[i].v, sizeof(back));
		buf_release(&b);
	}
}

static void test_round_trips(void **state)
{
	round_trip(*state, "[]", "[]");
	round_trip(*state, "{}", "{}");
	round_trip(*state, " \"x\" ", "\"x\"");
	round_trip(*state, "[[],[[]],{},{\"a\":{}}]", "[[],[[]],{},{\"a\":{}}]");
	round_trip(*state,
		   "{\"a\" : [ 1.50 , true, null ], \"b\" : {\"c\":false,\"d\":\"\\u00e9\"}}",
		   "{\"a\":[1.50,true,null],\"b\":{\"c\":false,\"d\":\"\xC3\xA9\"}}");
}

/* A member written alone must not drag its siblings along. */
static void test_writes_a_part_of_a_tree(void **state)
{
	const struct json *root = parse_c(*state, "{\"a\":[1,{\"x\":2}],\"b\":3,\"c\":4}");
	struct json_out o;
	struct buf b;

	buf_init(&b, 1024);
	json_out_init(&o, &b);
	json_out_object(&o);
	json_out_key(&o, "first");
	json_out_node(&o, json_get(root, "a"));
	json_out_key(&o, "second");
	json_out_node(&o, json_get(root, "b"));
	json_out_end(&o);
	assert_string_equal(b.p, "{\"first\":[1,{\"x\":2}],\"second\":3}");
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_reads_all_types, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_keeps_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_scalar_documents, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_absent_is_harmless, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_numbers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_escapes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_half_pairs_become_replacements, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_nul_is_unsafe, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refuses_malformed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refuses_what_is_not_utf8, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refuses_duplicates, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_depth_limit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_node_limit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_byte_limit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_writes_compactly, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_writes_text_as_utf8, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_writes_doubles_shortest, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_round_trips, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_writes_a_part_of_a_tree, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
