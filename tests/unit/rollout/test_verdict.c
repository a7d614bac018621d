#include "worker/rollout/verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "aws/core/str.h"

static const struct utc NOW = {1700000000000};

static struct verdict at(enum verdict_kind kind, int64_t ms, const char *text)
{
	return verdict_make(kind, (struct utc){ms}, "%s", text);
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(verdict_name(VERDICT_PASS), "Pass");
	assert_string_equal(verdict_name(VERDICT_UNKNOWN), "Unknown");
	assert_string_equal(verdict_name(VERDICT_ERROR), "Error");
	assert_string_equal(verdict_name(VERDICT_FAIL), "Fail");
}

static void test_join_of_nothing_is_unknown(void **state)
{
	struct verdict v = verdict_join(NULL, 0, NOW);

	(void)state;
	assert_int_equal(v.kind, VERDICT_UNKNOWN);
	assert_int_equal(v.at.ms, NOW.ms);
	assert_string_equal(v.text, "no guard was asked");
}

/* Every list of three kinds: the worst wins, whatever the order. */
static void test_join_takes_the_worst(void **state)
{
	(void)state;
	for (int i = 0; i < 64; i++) {
		enum verdict_kind a = (enum verdict_kind)(i & 3);
		enum verdict_kind b = (enum verdict_kind)(i >> 2 & 3);
		enum verdict_kind c = (enum verdict_kind)(i >> 4 & 3);
		struct verdict v[] = {at(a, 30, "a"), at(b, 10, "b"), at(c, 20, "c")};
		struct verdict joined = verdict_join(v, 3, NOW);
		enum verdict_kind worst = a > b ? a : b;

		worst = c > worst ? c : worst;
		assert_int_equal(joined.kind, worst);
		assert_int_equal(joined.at.ms, 10);
		assert_int_equal(joined.kind == VERDICT_PASS,
				 a == VERDICT_PASS && b == VERDICT_PASS && c == VERDICT_PASS);
	}
}

static void test_join_order_of_kinds(void **state)
{
	(void)state;
	assert_true(VERDICT_FAIL > VERDICT_ERROR);
	assert_true(VERDICT_ERROR > VERDICT_UNKNOWN);
	assert_true(VERDICT_UNKNOWN > VERDICT_PASS);
}

static void test_join_text(void **state)
{
	struct verdict v[] = {at(VERDICT_PASS, 5, "ok"), at(VERDICT_FAIL, 6, "first red"),
			      at(VERDICT_UNKNOWN, 7, "none"), at(VERDICT_FAIL, 8, "second red"),
			      at(VERDICT_FAIL, 9, "third red")};

	(void)state;
	assert_string_equal(verdict_join(v, 5, NOW).text, "first red (and 2 more)");
	assert_string_equal(verdict_join(v, 3, NOW).text, "first red");
	assert_string_equal(verdict_join(v, 1, NOW).text, "ok");
	assert_int_equal(verdict_join(v, 5, NOW).at.ms, 5);
}

static void test_join_long_text_keeps_the_count(void **state)
{
	char longest[VERDICT_TEXT_MAX];
	struct verdict v[2];
	struct verdict joined;

	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	v[0] = v[1] = at(VERDICT_FAIL, 1, longest);
	assert_int_equal(strlen(v[0].text), VERDICT_TEXT_MAX - 1);
	joined = verdict_join(v, 2, NOW);
	assert_true(str_ends(str_from(joined.text), "xx (and 1 more)"));
	assert_int_equal(strlen(joined.text), VERDICT_TEXT_MAX - 1);
}

/* What comes from a service goes to logs and terminals: no controls, whole code points. */
static void test_text_is_clean(void **state)
{
	struct verdict v = verdict_make(VERDICT_FAIL, NOW, "a\nb\x1b[31m%s", "\xff\xc3\xa9");
	char raw[VERDICT_TEXT_MAX + 8];

	(void)state;
	assert_string_equal(v.text, "a?b?[31m?\xc3\xa9");
	memset(raw, 'y', sizeof(raw));
	for (size_t i = VERDICT_TEXT_MAX - 2; i + 1 < sizeof(raw); i += 2) {
		raw[i] = (char)0xc3;
		raw[i + 1] = (char)0xa9;
	}
	raw[sizeof(raw) - 1] = '\0';
	v = verdict_make(VERDICT_FAIL, NOW, "%s", raw);
	assert_true(str_is_utf8(str_from(v.text)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_join_of_nothing_is_unknown),
		cmocka_unit_test(test_join_takes_the_worst),
		cmocka_unit_test(test_join_order_of_kinds),
		cmocka_unit_test(test_join_text),
		cmocka_unit_test(test_join_long_text_keeps_the_count),
		cmocka_unit_test(test_text_is_clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
