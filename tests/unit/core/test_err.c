#include "aws/core/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "aws/core/str.h"

static struct err full(void)
{
	struct err e = {.code = ERR_THROTTLED, .sys = 4, .http = 429, .sent = true};

	str_copy(e.aws, sizeof(e.aws), STR("ThrottlingException"));
	str_copy(e.request_id, sizeof(e.request_id), STR("r-1"));
	str_copy(e.text, sizeof(e.text), STR("Rate exceeded"));
	return e;
}

static void test_set_replaces_everything(void **state)
{
	struct err e = full();

	(void)state;
	assert_int_equal(err_set(&e, ERR_LIMIT, "%s has %d parts", "plan", 65), -1);
	assert_int_equal(e.code, ERR_LIMIT);
	assert_int_equal(e.sys, 0);
	assert_int_equal(e.http, 0);
	assert_false(e.sent);
	assert_string_equal(e.aws, "");
	assert_string_equal(e.request_id, "");
	assert_string_equal(e.text, "plan has 65 parts");
}

static void test_set_may_quote_the_old_error(void **state)
{
	struct err e = full();

	(void)state;
	err_set(&e, ERR_REJECTED, "gave up after: %s (%s)", e.text, e.aws);
	assert_string_equal(e.text, "gave up after: Rate exceeded (ThrottlingException)");
}

static void test_set_sys_describes_errno(void **state)
{
	struct err e = full();

	(void)state;
	assert_int_equal(err_set_sys(&e, ERR_SYSTEM, ENOENT, "open %s", "plan.json"), -1);
	assert_int_equal(e.code, ERR_SYSTEM);
	assert_int_equal(e.sys, ENOENT);
	assert_int_equal(e.http, 0);
	assert_string_equal(e.aws, "");
	assert_string_equal(e.text, "open plan.json: No such file or directory");
	err_set_sys(&e, ERR_SYSTEM, 99999, "open");
	assert_string_equal(e.text, "open: unknown error");
	assert_int_equal(e.sys, 99999);
}

static void test_wrap_keeps_the_rest(void **state)
{
	struct err e = full();

	(void)state;
	assert_int_equal(err_wrap(&e, "update %s", "web"), -1);
	assert_string_equal(e.text, "update web: Rate exceeded");
	assert_int_equal(err_wrap(&e, "turn"), -1);
	assert_string_equal(e.text, "turn: update web: Rate exceeded");
	assert_int_equal(e.code, ERR_THROTTLED);
	assert_int_equal(e.sys, 4);
	assert_int_equal(e.http, 429);
	assert_true(e.sent);
	assert_string_equal(e.aws, "ThrottlingException");
	assert_string_equal(e.request_id, "r-1");
	err_wrap(&e, "[%s]", e.text);
	assert_string_equal(e.text,
			    "[turn: update web: Rate exceeded]: turn: update web: Rate exceeded");
}

static void test_a_text_is_one_line(void **state)
{
	struct err e;

	(void)state;
	err_set(&e, ERR_MALFORMED, "host %s", "a\x7f\r\nlevel=error \xff\xc3\xa9");
	assert_string_equal(e.text, "host a???level=error ?\xc3\xa9");
	err_wrap(&e, "in\t%s", "x\n");
	assert_string_equal(e.text, "in?x?: host a???level=error ?\xc3\xa9");
	err_set_sys(&e, ERR_SYSTEM, 2, "open %s", "a\nb");
	assert_string_equal(e.text, "open a?b: No such file or directory");
}

static void test_the_tail_is_cut(void **state)
{
	struct err e;
	char big[2000];

	(void)state;
	memset(big, 'b', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	err_set(&e, ERR_LIMIT, "head %s", big);
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
	assert_memory_equal(e.text, "head bbb", 8);
	err_wrap(&e, "front");
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
	assert_memory_equal(e.text, "front: head bbb", 15);
	err_wrap(&e, "%s", big);
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
	assert_null(strchr(e.text, ':'));
	err_set_sys(&e, ERR_SYSTEM, ENOENT, "%s", big);
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
}

/* Whatever the length of what comes before it, a character is there wholly or not at all. */
static void test_characters_are_not_cut_apart(void **state)
{
	struct err e;
	char pad[sizeof(e.text)];

	(void)state;
	for (size_t n = sizeof(e.text) - 8; n < sizeof(e.text); n++) {
		memset(pad, 'x', n);
		pad[n] = '\0';
		err_set(&e, ERR_LIMIT, "%s\xe2\x82\xac\xc3\xa4", pad);
		assert_true(str_is_utf8(str_from(e.text)));
		assert_true(strlen(e.text) >= n);
	}
}

static void test_codes_have_names(void **state)
{
	(void)state;
	for (int a = 0; a < ERR_CODE_COUNT; a++) {
		const char *name = err_code_name((enum err_code)a);

		assert_non_null(name);
		assert_true(strspn(name, "abcdefghijklmnopqrstuvwxyz_") == strlen(name));
		for (int b = 0; b < a; b++)
			assert_string_not_equal(name, err_code_name((enum err_code)b));
	}
	assert_string_equal(err_code_name(ERR_NOT_FOUND), "not_found");
	assert_string_equal(err_code_name(ERR_THROTTLED), "throttled");
	assert_string_equal(err_code_name(ERR_CODE_COUNT), "unknown");
}

static void test_what_is_retryable(void **state)
{
	(void)state;
	for (int code = 0; code < ERR_CODE_COUNT; code++) {
		struct err e = {.code = (enum err_code)code};
		bool want = code == ERR_TIMEOUT || code == ERR_NETWORK || code == ERR_THROTTLED ||
			    code == ERR_UNAVAILABLE;

		assert_int_equal(err_is_retryable(&e), want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set_replaces_everything),
		cmocka_unit_test(test_set_may_quote_the_old_error),
		cmocka_unit_test(test_set_sys_describes_errno),
		cmocka_unit_test(test_wrap_keeps_the_rest),
		cmocka_unit_test(test_a_text_is_one_line),
		cmocka_unit_test(test_the_tail_is_cut),
		cmocka_unit_test(test_characters_are_not_cut_apart),
		cmocka_unit_test(test_codes_have_names),
		cmocka_unit_test(test_what_is_retryable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
