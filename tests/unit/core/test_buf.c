#include "aws/core/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static void test_empty(void **state)
{
	struct buf b;
	struct err err = ERR_INIT;

	(void)state;
	buf_init(&b, 10);
	assert_non_null(b.p);
	assert_string_equal(b.p, "");
	assert_int_equal(b.cap, 0);
	buf_add(&b, NULL, 0);
	buf_adds(&b, "");
	buf_addf(&b, "%s", "");
	buf_add_str(&b, str_from(NULL));
	buf_clear(&b);
	assert_int_equal(b.cap, 0);
	assert_int_equal(buf_str(&b).n, 0);
	assert_int_equal(buf_check(&b, "nothing", &err), 0);
	assert_int_equal(err.code, ERR_OK);
	buf_release(&b);
	buf_release(&b);
}

static void test_adding(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	buf_adds(&b, "ab");
	buf_addc(&b, 'c');
	buf_add(&b, "de\0f", 4);
	buf_add_str(&b, STR("g"));
	buf_addf(&b, "%d-%s", 5, "x");
	assert_int_equal(b.n, 11);
	assert_memory_equal(b.p, "abcde\0fg5-x", 12);
	buf_clear(&b);
	assert_string_equal(b.p, "");
	buf_adds(&b, "new");
	assert_string_equal(b.p, "new");
	assert_true(str_is(buf_str(&b), "new"));
	buf_release(&b);
	assert_string_equal(b.p, "");
	buf_adds(&b, "usable again");
	assert_string_equal(b.p, "usable again");
	buf_release(&b);
}

static void test_growing(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100000);
	for (int i = 0; i < 100000; i++)
		buf_addc(&b, (char)('a' + i % 26));
	assert_false(b.over);
	assert_int_equal(b.n, 100000);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(b.p[i], 'a' + i % 26);
	assert_int_equal(b.p[100000], '\0');
	buf_release(&b);
}

static void test_ceiling(void **state)
{
	struct buf b;
	struct err err = ERR_INIT;

	(void)state;
	buf_init(&b, 5);
	buf_adds(&b, "12345");
	assert_false(b.over);
	assert_int_equal(buf_check(&b, "token", &err), 0);
	buf_addc(&b, '6');
	assert_true(b.over);
	assert_string_equal(b.p, "12345");
	assert_int_equal(buf_check(&b, "token", &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_string_equal(err.text, "token is larger than 5 bytes");

	buf_clear(&b);
	assert_false(b.over);
	buf_adds(&b, "1234");
	buf_addf(&b, "%d", 56);
	assert_true(b.over);
	buf_addc(&b, '5'); /* would fit, but the content has a hole already */
	assert_string_equal(b.p, "1234");
	buf_clear(&b);
	buf_add(&b, "123456", 6);
	assert_true(b.over);
	assert_int_equal(b.n, 0);
	buf_release(&b);

	buf_init(&b, 0);
	buf_adds(&b, "");
	assert_false(b.over);
	buf_addc(&b, 'a');
	assert_true(b.over);
	assert_string_equal(b.p, "");
	buf_release(&b);
	assert_false(b.over);
}

/* Every ceiling around the sizes at which the memory grows is reached exactly. */
static void test_every_ceiling(void **state)
{
	(void)state;
	for (size_t max = 1; max < 300; max++) {
		struct buf b;

		buf_init(&b, max);
		for (size_t i = 0; i < max + 3; i++)
			buf_addc(&b, 'x');
		assert_int_equal(b.n, max);
		assert_int_equal(strlen(b.p), max);
		assert_true(b.over);
		assert_true(b.cap <= max + 1);
		buf_release(&b);
	}
}

static void test_uri(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 200);
	buf_add_uri(&b, STR("AZaz09-._~ /+%\n"), false);
	assert_string_equal(b.p, "AZaz09-._~%20%2F%2B%25%0A");
	buf_clear(&b);
	buf_add_uri(&b, STR("a/b c"), true);
	assert_string_equal(b.p, "a/b%20c");
	buf_clear(&b);
	buf_add_uri(&b, STR("\xe2\x82\xac\0"), false);
	assert_string_equal(b.p, "%E2%82%AC%00");
	buf_release(&b);
	buf_init(&b, 2);
	buf_add_uri(&b, STR(" "), false);
	assert_true(b.over);
	assert_string_equal(b.p, "");
	buf_release(&b);
}

static void test_shown(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	buf_add_shown(&b, STR("a\nb\tc\0\xe2\x80\xae\xff\xe2\x82\xac\x1b[m"));
	assert_string_equal(b.p, "a\nb?c???\xe2\x82\xac?[m");
	buf_clear(&b);
	buf_add_shown(&b, STR(""));
	buf_add_shown(&b, STR("as it is"));
	assert_string_equal(b.p, "as it is");
	buf_clear(&b);
	buf_add_utf16_escape(&b, STR("\0"));
	buf_add_utf16_escape(&b, STR("\xe2\x80\xae"));
	buf_add_utf16_escape(&b, STR("\xf3\xa0\x81\x81"));
	assert_string_equal(b.p, "\\u0000\\u202e\\udb40\\udc41");
	buf_release(&b);
}

static void test_take(void **state)
{
	struct buf b;
	char *p;

	(void)state;
	buf_init(&b, 20);
	p = buf_take(&b);
	assert_string_equal(p, "");
	free(p);
	buf_adds(&b, "mine");
	p = buf_take(&b);
	assert_string_equal(p, "mine");
	assert_string_equal(b.p, "");
	assert_int_equal(b.n, 0);
	buf_adds(&b, "other");
	assert_string_equal(p, "mine");
	assert_string_equal(b.p, "other");
	free(p);
	buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shown),
		cmocka_unit_test(test_empty),	      cmocka_unit_test(test_adding),
		cmocka_unit_test(test_growing),	      cmocka_unit_test(test_ceiling),
		cmocka_unit_test(test_every_ceiling), cmocka_unit_test(test_uri),
		cmocka_unit_test(test_take),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
