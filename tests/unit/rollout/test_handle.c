#include "worker/rollout/handle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "aws/core/digest.h"

#define STATE "{\"v\":1,\"id\":\"r-0f9d8a44\",\"ph\":\"PARKED\"}"

static void test_make_and_parse(void **state)
{
	char text[HANDLE_SIZE], hex[SHA256_HEX_SIZE];
	struct err err = ERR_INIT;
	struct handle h;

	(void)state;
	handle_make("r-0f9d8a44", STR(STATE), text);
	sha256_hex(STR(STATE), hex);
	assert_true(strlen(text) == 3 + 10 + 1 + 32);
	assert_memory_equal(text, "h1.r-0f9d8a44.", 14);
	assert_memory_equal(text + 14, hex, 32);
	assert_int_equal(handle_parse(str_from(text), &h, &err), 0);
	assert_string_equal(h.id, "r-0f9d8a44");
	assert_true(handle_fits(&h, STR(STATE)));
	assert_false(handle_fits(&h, STR("")));
	assert_false(handle_fits(&h, str_sub(STR(STATE), 0, sizeof(STATE) - 2)));
}

static void test_the_longest_fits(void **state)
{
	char id[ROLLOUT_ID_MAX + 1], text[HANDLE_SIZE];
	struct err err = ERR_INIT;
	struct handle h;

	(void)state;
	memset(id, 'x', ROLLOUT_ID_MAX);
	memcpy(id, "r-", 2);
	id[ROLLOUT_ID_MAX] = '\0';
	handle_make(id, STR(STATE), text);
	assert_true(strlen(text) == HANDLE_SIZE - 1);
	assert_true(strlen(text) < 1000); /* a value of an action's configuration */
	assert_int_equal(handle_parse(str_from(text), &h, &err), 0);
	assert_string_equal(h.id, id);
}

static void test_blanks_do_not_count(void **state)
{
	struct err err = ERR_INIT;
	struct handle h;

	(void)state;
	assert_int_equal(
		handle_parse(STR("  h1.r-a.0123456789abcdef0123456789abcdef \n"), &h, &err), 0);
	assert_string_equal(h.id, "r-a");
	assert_string_equal(h.digest, "0123456789abcdef0123456789abcdef");
}

/* A change anywhere makes it none, or one that fits nothing. */
static void test_tampered(void **state)
{
	char text[HANDLE_SIZE], other[HANDLE_SIZE + 1];
	size_t refused = 0;
	struct handle h;

	(void)state;
	handle_make("r-0f9d8a44", STR(STATE), text);
	for (size_t i = 0; text[i]; i++) {
		static const char chars[] = "0aZ.-_ \n\x80\"";

		for (size_t c = 0; c < sizeof(chars) - 1; c++) {
			struct err err = ERR_INIT;
			bool same_id;

			memcpy(other, text, sizeof(text));
			if (other[i] == chars[c])
				continue;
			other[i] = chars[c];
			/* at the end a blank is one character less */
			if (handle_parse(str_from(other), &h, &err)) {
				assert_int_equal(err.code, ERR_REJECTED);
				assert_true(str_is_utf8(str_from(err.text)));
				refused++;
				continue;
			}
			same_id = !strcmp(h.id, "r-0f9d8a44");
			assert_true(!same_id || !handle_fits(&h, STR(STATE)));
		}
	}
	assert_true(refused > 200);
}

static void test_what_is_none(void **state)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{"", "missing"},
		{" ", "missing"},
		{"#{Canary.RolloutHandle}", "was not filled in"},
		{"r-0f9d8a44", "is no handle"},
		{"h1.", "is no handle"},
		{"h1..0123456789abcdef0123456789abcdef", "is no handle"},
		{"h1.r-.0123456789abcdef0123456789abcdef", "is no handle"},
		{"h1.x-a.0123456789abcdef0123456789abcdef", "is no handle"},
		{"h1.r-a b.0123456789abcdef0123456789abcdef", "is no handle"},
		{"h1.r-a.0123456789ABCDEF0123456789abcdef", "is no handle"},
		{"h1.r-a.0123456789abcdef0123456789abcde", "is no handle"},
		{"h1.r-a.0123456789abcdef0123456789abcdef0", "is no handle"},
		{"h1.r-a.0123456789abcdef0123456789abcdef.x", "is no handle"},
		{"h2.r-a.0123456789abcdef0123456789abcdef", "is no handle"},
		{"h1.r-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
		 "0123456789abcdef0123456789abcdef",
		 "is no handle"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct handle h = {.id = "as it was"};
		struct err err = ERR_INIT;

		if (handle_parse(str_from(bad[i].text), &h, &err) == 0)
			fail_msg("%s was taken", bad[i].text);
		assert_int_equal(err.code, ERR_REJECTED);
		if (!strstr(err.text, bad[i].says))
			fail_msg("%s: %s", bad[i].text, err.text);
		assert_string_equal(h.id, "as it was");
	}
}

/* --- modes ------------------------------------------------------------------------------------ */

static void test_modes(void **state)
{
	struct plan_property p[] = {{STR("Target"), STR("t")}, {STR("Mode"), STR(" promote\n")}};
	enum mode m = MODE_DEPLOY;

	(void)state;
	for (int i = MODE_DEPLOY; i <= MODE_ROLLBACK; i++) {
		assert_true(mode_parse(str_from(mode_name((enum mode)i)), &m));
		assert_int_equal(m, i);
	}
	assert_false(mode_parse(STR("Promote"), &m));
	assert_true(mode_of(p, 2, &m));
	assert_int_equal(m, MODE_PROMOTE);
	assert_true(mode_of(p, 1, &m));
	assert_int_equal(m, MODE_DEPLOY);
	p[1].value = STR("later");
	m = MODE_START;
	assert_false(mode_of(p, 2, &m));
	assert_int_equal(m, MODE_DEPLOY);
}

static void test_check(void **state)
{
	const struct plan_property good[] = {
		{STR("Target"), STR("lambda:checkout:live")},
		{STR("Mode"), STR("promote")},
		{STR("Handle"), STR("h1.r-a.0123456789abcdef0123456789abcdef")},
		{STR("Strategy"), STR(" ")},
		{STR("Pool"), STR("prod")},
	};
	const struct plan_property bad[] = {
		{STR("Mode"), STR("rollback")},		{STR("Handle"), STR("x")},
		{STR("Strategy"), STR("canary 5% 1m")}, {STR("MaxDuration"), STR("2h")},
		{STR("Secret"), STR("pa55word")},
	};
	struct arena *a = arena_new();
	struct problems p;

	(void)state;
	problems_init(&p, a);
	handle_check(good, 5, &p);
	assert_int_equal(p.n_errors, 0);
	handle_check(bad, 5, &p);
	assert_int_equal(p.n_errors, 4);
	assert_non_null(strstr(p.first->text, "Handle: \"x\" is no handle"));
	assert_non_null(strstr(p.first->next->text, "Strategy: not with Mode: rollback"));
	assert_non_null(strstr(p.first->next->next->text, "MaxDuration: "));
	for (const struct problem *i = p.first; i; i = i->next)
		assert_null(strstr(i->text, "pa55word"));
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_make_and_parse),
		cmocka_unit_test(test_the_longest_fits),
		cmocka_unit_test(test_blanks_do_not_count),
		cmocka_unit_test(test_tampered),
		cmocka_unit_test(test_what_is_none),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
