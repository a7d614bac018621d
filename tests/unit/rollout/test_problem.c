#include "worker/rollout/problem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "aws/core/limits.h"
#include "aws/core/str.h"

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

static void test_empty(void **state)
{
	struct problems p;
	struct buf out;

	problems_init(&p, *state);
	buf_init(&out, 1000);
	problems_format(&p, &out);
	assert_string_equal(out.p, "");
	assert_int_equal(p.n_errors, 0);
	assert_int_equal(p.n_warnings, 0);
	buf_release(&out);
}

static void test_place_value_text(void **state)
{
	struct problems p;

	problems_init(&p, *state);
	problem_add(&p, "rollout.yaml:9: steps[1].weight", "0", "a weight is over %d", 0);
	problem_add(&p, "Target", NULL, "is missing");
	assert_string_equal(p.first->text,
			    "rollout.yaml:9: steps[1].weight: \"0\": a weight is over 0");
	assert_string_equal(p.first->next->text, "Target: is missing");
	assert_null(p.first->next->next);
	assert_int_equal(p.n_errors, 2);
	assert_int_equal(p.n_warnings, 0);
}

static void test_warnings_come_last(void **state)
{
	struct problems p;
	struct buf out;

	problems_init(&p, *state);
	problem_warn(&p, "guards", NULL, "only one");
	problem_add(&p, "Target", "x", "unknown kind");
	problem_warn(&p, "bake", "0s", "short");
	problem_add(&p, "Strategy", NULL, "is missing");
	assert_int_equal(p.n_errors, 2);
	assert_int_equal(p.n_warnings, 2);
	buf_init(&out, LIMIT_FAILURE_MESSAGE);
	problems_format(&p, &out);
	assert_string_equal(out.p, "Target: \"x\": unknown kind\n"
				   "Strategy: is missing\n"
				   "warning: guards: only one\n"
				   "warning: bake: \"0s\": short");
	buf_release(&out);
}

/* What may be over soon is waited for only where nothing else is wrong. */
static void test_what_is_busy(void **state)
{
	struct problems p;

	problems_init(&p, *state);
	assert_false(problems_are_busy(&p));
	problem_warn(&p, "guards", NULL, "only one");
	assert_false(problems_are_busy(&p));
	problem_busy(&p, "Target", "web", "it is %s", "Updating");
	assert_string_equal(p.first->next->text, "Target: \"web\": it is Updating");
	assert_int_equal(p.n_errors, 1);
	assert_true(problems_are_busy(&p));
	problem_busy(&p, "Target", "twin", "it is, too");
	assert_true(problems_are_busy(&p));
	problem_add(&p, "Target", "web", "it has no load balancer");
	assert_int_equal(p.n_busy, 2);
	assert_false(problems_are_busy(&p));
}

static void test_hostile_values(void **state)
{
	char longest[5000];
	struct problems p;

	memset(longest, 'v', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	problems_init(&p, *state);
	problem_add(&p, "Target", "a\nb\x1b[1m\xff", "bad");
	problem_add(&p, "Target", longest, "%s", longest);
	problem_add(&p, "a\nb.yaml:1", NULL, "c\nd");
	assert_string_equal(p.first->text, "Target: \"a?b?[1m?\": bad");
	assert_true(strlen(p.first->next->text) < 900);
	assert_non_null(strstr(p.first->next->text, "vvv...\": vvv"));
	assert_string_equal(p.first->next->next->text, "a?b.yaml:1: c?d");
}

static void test_more_than_fits_is_counted(void **state)
{
	struct problems p;
	struct buf out;

	problems_init(&p, *state);
	for (int i = 0; i < 1000; i++)
		problem_add(&p, "rollout.yaml", NULL, "problem number %d of a long list", i);
	problem_warn(&p, "rollout.yaml", NULL, "x");
	buf_init(&out, LIMIT_FAILURE_MESSAGE);
	problems_format(&p, &out);
	assert_false(out.over);
	assert_true(out.n > LIMIT_FAILURE_MESSAGE - 120);
	assert_true(str_starts(buf_str(&out), "rollout.yaml: problem number 0 of"));
	{
		const char *last = strrchr(out.p, '\n') + 1;
		size_t lines = 0;
		uint64_t more = 0;

		for (const char *c = out.p; *c; c++)
			lines += *c == '\n';
		assert_true(str_parse_u64(str_sub(str_from(last), 4, strlen(last) - 5), 1, 1001,
					  &more));
		assert_int_equal(lines + more, 1001);
	}
	buf_release(&out);
}

static void test_no_room_at_all(void **state)
{
	struct problems p;
	struct buf out;

	problems_init(&p, *state);
	problem_add(&p, "Target", NULL, "is missing, and that is a long text");
	buf_init(&out, 20);
	problems_format(&p, &out);
	assert_string_equal(out.p, "and 1 more");
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_empty, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_place_value_text, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_warnings_come_last, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_is_busy, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_hostile_values, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_more_than_fits_is_counted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_room_at_all, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
