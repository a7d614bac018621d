#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "worker/kept_plan.h"

static struct err err;

static bool write_plan(struct buf *b, const struct plan_source *src)
{
	buf_init(b, KEPT_PLAN_MAX);
	return kept_plan_write(b, src);
}

static void what_is_kept_reads_the_same(void **state)
{
	const struct plan_property p[] = {
		{STR("Target"), STR("lambda:checkout:live")},
		{STR("Overrides"), STR("bake=5m\nstrategy=canary 5% 1m")},
		{STR("Pool"), STR("")},
	};
	const struct plan_source src = {.properties = p,
					.n_properties = 3,
					.file_name = "deploy/rollout.yaml",
					.file_text =
						STR("rollout: 1\n# \"quoted\" \\ \t\xc3\xa9\n")};
	struct arena *a = arena_new();
	struct plan_source back;
	struct buf b;

	(void)state;
	assert_true(write_plan(&b, &src));
	assert_int_equal(kept_plan_read(a, buf_str(&b), &back, &err), 0);
	assert_int_equal(back.n_properties, 3);
	for (int i = 0; i < 3; i++) {
		assert_true(str_eq(back.properties[i].name, p[i].name));
		assert_true(str_eq(back.properties[i].value, p[i].value));
	}
	assert_string_equal(back.file_name, "deploy/rollout.yaml");
	assert_true(str_eq(back.file_text, src.file_text));
	buf_release(&b);
	arena_free(a);
}

static void there_may_be_no_file(void **state)
{
	const struct plan_property p = {STR("Target"), STR("lambda:checkout:live")};
	const struct plan_source src = {.properties = &p, .n_properties = 1};
	struct arena *a = arena_new();
	struct plan_source back;
	struct buf b;

	(void)state;
	assert_true(write_plan(&b, &src));
	assert_int_equal(kept_plan_read(a, buf_str(&b), &back, &err), 0);
	assert_null(back.file_name);
	assert_int_equal(back.file_text.n, 0);
	buf_release(&b);
	arena_free(a);
}

/* They may be secrets. */
static void parameters_are_not_kept(void **state)
{
	struct plan_property p = {STR("Overrides"), STR("bake=5m\n  param.password=x")};
	const struct plan_source src = {.properties = &p, .n_properties = 1};
	struct buf b;

	(void)state;
	assert_false(write_plan(&b, &src));
	assert_int_equal(b.n, 0);
	buf_release(&b);
	p.value = STR("param.password=x");
	assert_false(write_plan(&b, &src));
	buf_release(&b);
	/* not in another property, where it means nothing */
	p.name = STR("Alarms");
	assert_true(write_plan(&b, &src));
	buf_release(&b);
}

static void what_does_not_fit_is_not_kept(void **state)
{
	const struct plan_source src = {.file_name = "rollout.yaml",
					.file_text = STR("rollout: 1")};
	struct buf b;

	(void)state;
	buf_init(&b, 20);
	assert_false(kept_plan_write(&b, &src));
	buf_release(&b);
}

static void what_others_wrote_is_refused(void **state)
{
	static const char *const bad[] = {"", "x", "[]", "{}", "{\"properties\":{}}"};
	struct arena *a = arena_new();
	struct plan_source back;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err = ERR_INIT;
		assert_int_equal(kept_plan_read(a, str_from(bad[i]), &back, &err), -1);
		assert_int_equal(err.code, ERR_MALFORMED);
	}
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_kept_reads_the_same),
		cmocka_unit_test(there_may_be_no_file),
		cmocka_unit_test(parameters_are_not_kept),
		cmocka_unit_test(what_does_not_fit_is_not_kept),
		cmocka_unit_test(what_others_wrote_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
