#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/scenarios/world.h"

#define HOUR_MS 3600000ll

static int log_fd(void)
{
	return getenv("VERBOSE") ? 2 : -1;
}

static void a_good_release_goes_out_by_canary(void **state)
{
	const struct sim_action *a;
	struct world w;

	(void)state;
	world_init(&w, 1, log_fd());
	world_lambda(&w, "checkout", "canary 5% 10m, 25% 10m, 50% 10m bake 5m");
	world_start(&w);
	world_push(&w, "checkout", "errors=0.001");
	a = world_run_action(&w, "checkout", 3 * HOUR_MS);
	assert_non_null(a);
	if (strcmp(a->status, "Succeeded") != 0)
		fprintf(stderr, "%s: %s\n", a->status, a->message);
	assert_string_equal(a->status, "Succeeded");
	assert_true(a->n_tokens > 5);
	world_release(&w);
}

static void a_bad_release_is_rolled_back(void **state)
{
	const struct sim_action *a;
	struct world w;

	(void)state;
	world_init(&w, 2, log_fd());
	world_lambda(&w, "checkout", "canary 5% 10m, 25% 10m, 50% 10m bake 5m");
	world_start(&w);
	world_push(&w, "checkout", "errors=0.5");
	a = world_run_action(&w, "checkout", 3 * HOUR_MS);
	assert_non_null(a);
	assert_string_equal(a->status, "Failed");
	fprintf(stderr, "%s: %s\n", a->failure_type, a->message);
	assert_string_equal(a->failure_type, "JobFailed");
	assert_non_null(strstr(a->message, "checkout-errors"));
	assert_non_null(strstr(a->message, "baseline carries all traffic"));
	world_release(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_release_goes_out_by_canary),
		cmocka_unit_test(a_bad_release_is_rolled_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
