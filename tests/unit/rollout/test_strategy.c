#include "worker/rollout/strategy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#define MINUTE_MS 60000ll

struct fixture {
	struct arena *arena;
	struct plan plan;
	struct problems problems;
};

static int set_up(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	f->arena = arena_new();
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	arena_free(f->arena);
	free(f);
	return 0;
}

static bool parse(struct fixture *f, const char *text)
{
	f->plan = (struct plan){0};
	problems_init(&f->problems, f->arena);
	return strategy_parse(str_from(text), "Strategy", &f->plan, &f->problems);
}

/* "500/10m 2500/10m bake 15m": what a plan's steps look like. */
static const char *shape(const struct fixture *f)
{
	char for_text[DURATION_TEXT_SIZE];
	const char *text;
	struct buf b;

	buf_init(&b, 65536);
	for (size_t i = 0; i < f->plan.n_steps; i++) {
		const struct plan_step *s = &f->plan.steps[i];

		assert_int_equal(s->segment, -1);
		assert_false(s->approve);
		duration_format(s->watch_ms, for_text);
		buf_addf(&b, "%s%d/%s", i ? " " : "", s->weight_bp, for_text);
	}
	duration_format(f->plan.bake_ms, for_text);
	if (f->plan.bake_ms)
		buf_addf(&b, " bake %s", for_text);
	text = arena_strdup(f->arena, b.p);
	buf_release(&b);
	return text;
}

static void expect(struct fixture *f, const char *text, const char *wanted)
{
	if (!parse(f, text))
		fail_msg("%s: %s", text, f->problems.first->text);
	assert_null(f->problems.first);
	if (strcmp(shape(f), wanted) != 0)
		fail_msg("%s: %s, not %s", text, shape(f), wanted);
}

static void one_line_forms_become_steps(void **state)
{
	struct fixture *f = *state;

	expect(f, "canary 5% 10m, 25% 10m, 50% 10m", "500/10m 2500/10m 5000/10m");
	assert_string_equal(f->plan.strategy, "canary");
	expect(f, "canary 5% 10m, 25% 10m bake 15m", "500/10m 2500/10m bake 15m");
	expect(f, "canary 5% 10m, bake 15m", "500/10m bake 15m");
	expect(f, " canary  5 %  10m ,25 10m ", "500/10m 2500/10m");
	expect(f, "canary 0.5%\t1h30m,\n 100% 0s", "50/1h30m 10000/0s");
	expect(f, "linear 10% every 2m",
	       "1000/2m 2000/2m 3000/2m 4000/2m 5000/2m 6000/2m 7000/2m 8000/2m 9000/2m");
	expect(f, "linear 40 % every 2m bake 5m", "4000/2m 8000/2m bake 5m");
	expect(f, "linear 100% every 2m", "10000/2m");
	expect(f, "blue-green", "10000/0s");
	expect(f, "blue-green bake 30m", "10000/0s bake 30m");
	expect(f, "blue/green, bake 30m", "10000/0s bake 30m");
	expect(f, "all-at-once bake 1d", "10000/0s bake 24h");
}

static void names_of_codedeploy_are_known(void **state)
{
	static const struct {
		const char *name, *shape;
	} presets[] = {
		{"LambdaCanary10Percent5Minutes", "1000/5m"},
		{"LambdaCanary10Percent10Minutes", "1000/10m"},
		{"LambdaCanary10Percent15Minutes", "1000/15m"},
		{"LambdaCanary10Percent30Minutes", "1000/30m"},
		{"LambdaLinear10PercentEvery1Minute",
		 "1000/1m 2000/1m 3000/1m 4000/1m 5000/1m 6000/1m 7000/1m 8000/1m 9000/1m"},
		{"LambdaLinear10PercentEvery2Minutes",
		 "1000/2m 2000/2m 3000/2m 4000/2m 5000/2m 6000/2m 7000/2m 8000/2m 9000/2m"},
		{"LambdaLinear10PercentEvery3Minutes",
		 "1000/3m 2000/3m 3000/3m 4000/3m 5000/3m 6000/3m 7000/3m 8000/3m 9000/3m"},
		{"LambdaLinear10PercentEvery10Minutes",
		 "1000/10m 2000/10m 3000/10m 4000/10m 5000/10m 6000/10m 7000/10m 8000/10m "
		 "9000/10m"},
		{"LambdaAllAtOnce", "10000/0s"},
		{"ECSCanary10Percent5Minutes", "1000/5m"},
		{"ECSCanary10Percent15Minutes", "1000/15m"},
		{"ECSLinear10PercentEvery1Minutes",
		 "1000/1m 2000/1m 3000/1m 4000/1m 5000/1m 6000/1m 7000/1m 8000/1m 9000/1m"},
		{"ECSLinear10PercentEvery3Minutes",
		 "1000/3m 2000/3m 3000/3m 4000/3m 5000/3m 6000/3m 7000/3m 8000/3m 9000/3m"},
		{"ECSAllAtOnce", "10000/0s"},
		{"Canary10Percent5Minutes", "1000/5m"},
		{"Linear10PercentEvery1Minute",
		 "1000/1m 2000/1m 3000/1m 4000/1m 5000/1m 6000/1m 7000/1m 8000/1m 9000/1m"},
		{"AllAtOnce", "10000/0s"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(presets) / sizeof(presets[0]); i++) {
		expect(f, presets[i].name, presets[i].shape);
		assert_string_equal(f->plan.strategy, presets[i].name);
		expect(f, arena_printf(f->arena, "CodeDeployDefault.%s", presets[i].name),
		       presets[i].shape);
		expect(f, arena_printf(f->arena, "%s bake 7m", presets[i].name),
		       arena_printf(f->arena, "%s bake 7m", presets[i].shape));
	}
	expect(f, "lambdacanary10percent5minutes", "1000/5m");
}

static void what_is_wrong_is_said_with_the_remedy(void **state)
{
	static const struct {
		const char *text, *words;
	} bad[] = {
		{"canary", "something is missing: write a weight"},
		{"canary 5%", "something is missing: write how long to watch, such as 10m"},
		{"canary 5% 10m,", "something is missing: write a weight"},
		{"canary 0% 10m", "\"0%\" does not fit here: write a weight over 0"},
		{"canary 101% 10m", "\"101%\" does not fit here"},
		{"canary 0.001% 10m", "\"0.001%\" does not fit here"},
		{"canary 5% ten", "\"ten\" does not fit here: write how long"},
		{"canary 5% 10m 25% 10m", "\"25%\" does not fit here: write nothing more, or bake"},
		{"canary 5% 10m bake", "something is missing: write a duration such as 15m"},
		{"canary 5% 10m bake 15m more", "\"more\" does not fit here: write nothing more"},
		{"canary 5% % 10m", "\"%\" does not fit here"},
		{"linear", "something is missing: write the size of a step, such as 10%"},
		{"linear 10%", "something is missing: write every and a duration"},
		{"linear 10% each 2m", "\"each\" does not fit here: write every and a duration"},
		{"linear 10% every", "something is missing: write a duration such as 2m"},
		{"linear 1% every 1m", "more than 64 steps; take larger ones"},
		{"blue-green 30m", "\"30m\" does not fit here: write nothing more, or bake"},
		{"Canary 5% 10m", "\"Canary\" does not fit here: write canary 5% 10m"},
		{"LambdaCanary20Percent5Minutes", "or a CodeDeploy name such as Lambda"},
		{"CodeDeployDefault.", "or a CodeDeploy name"},
		{"", "something is missing: write canary"},
		{",", "something is missing: write canary"},
		{"canary 5\x01% 10m", "\"5?%\" does not fit here"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (parse(f, bad[i].text))
			fail_msg("%s: accepted", bad[i].text);
		assert_int_equal(f->problems.n_errors, 1);
		if (!strstr(f->problems.first->text, bad[i].words) ||
		    strncmp(f->problems.first->text, "Strategy: \"", 11) != 0 ||
		    strchr(f->problems.first->text, '\n'))
			fail_msg("%s: %s", bad[i].text, f->problems.first->text);
	}
}

static void steps_are_limited(void **state)
{
	struct fixture *f = *state;
	struct buf b;

	buf_init(&b, 65536);
	buf_adds(&b, "canary 1% 1s");
	for (int i = 2; i <= LIMIT_STEPS; i++)
		buf_addf(&b, ", %d.%d%% 1s", 1 + i / 10, i % 10);
	assert_true(parse(f, b.p));
	assert_int_equal(f->plan.n_steps, LIMIT_STEPS);
	buf_adds(&b, ", 99% 1s");
	assert_false(parse(f, b.p));
	assert_non_null(strstr(f->problems.first->text, "at most 64 steps"));
	buf_release(&b);
}

static void linear_steps_stay_below_everything(void **state)
{
	struct fixture *f = *state;

	for (int step = 1; step <= 10000; step++) {
		bool fits = strategy_linear(&f->plan, step, MINUTE_MS);

		assert_int_equal(fits, 9999 / step <= LIMIT_STEPS);
		if (!fits)
			continue;
		assert_true(f->plan.n_steps >= 1 && f->plan.n_steps <= LIMIT_STEPS);
		for (size_t i = 0; i < f->plan.n_steps; i++) {
			assert_int_equal(f->plan.steps[i].weight_bp, step * (int)(i + 1));
			assert_int_equal(f->plan.steps[i].watch_ms, MINUTE_MS);
		}
		assert_true(step * (int)(f->plan.n_steps + 1) >= 10000);
	}
	assert_false(strategy_linear(&f->plan, 0, MINUTE_MS));
	assert_false(strategy_linear(&f->plan, -5, MINUTE_MS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_line_forms_become_steps, set_up, tear_down),
		cmocka_unit_test_setup_teardown(names_of_codedeploy_are_known, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_wrong_is_said_with_the_remedy, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(steps_are_limited, set_up, tear_down),
		cmocka_unit_test_setup_teardown(linear_steps_stay_below_everything, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
