#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/simulation/run.h"

/* What seeds draw, and that a run is the same each time. */
#define SEEDS 10000
#define RUNS 6

static void every_family_gets_hundreds_of_runs(void **state)
{
	static const char *const families[] = {"lambda", "load balancer", "auto scaling",
					       "beanstalk", "ecs"};
	unsigned runs[5] = {0}, calm = 0, twice = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct script s;
		unsigned seen = 0;

		script_draw(&s, seed);
		calm += s.calm;
		twice += s.n_pipes > s.n_sites;
		assert_in_range(s.n_workers, 1, 3);
		assert_in_range(s.n_pipes, 1, SCRIPT_PIPES_MAX);
		for (int i = 0; i < s.n_sites; i++)
			for (unsigned f = 0; f < 5; f++)
				if (!strcmp(site_traits(s.sites[i].kind)->family, families[f]))
					seen |= 1u << f;
		for (unsigned f = 0; f < 5; f++)
			runs[f] += seen >> f & 1;
	}
	for (unsigned f = 0; f < 5; f++)
		if (runs[f] < 300)
			fail_msg("%s: %u of %d runs", families[f], runs[f], SEEDS);
	assert_in_range(calm, SEEDS / 10, SEEDS / 3);
	assert_in_range(twice, SEEDS / 20, SEEDS / 4);
}

static void every_sort_of_fault_is_on_in_some_runs_and_off_in_most(void **state)
{
	(void)state;
	for (int f = 0; f < FAULT_SORTS; f++) {
		unsigned on = 0;

		for (uint64_t seed = 1; seed <= SEEDS / 10; seed++) {
			struct script s;

			script_draw(&s, seed);
			on += script_is_on(&s, (enum fault_sort)f);
		}
		if (on < 50 || on > 700)
			fail_msg("%s is on in %u of 1000 runs", fault_sort_name((enum fault_sort)f),
				 on);
	}
}

static void a_seed_runs_the_same_way_each_time(void **state)
{
	const struct run_options o = {.verbose = false};
	uint64_t last = 0;

	(void)state;
	for (uint64_t seed = 100; seed < 100 + RUNS; seed++) {
		struct run_result a, b;

		run_seed(seed, &o, &a);
		run_seed(seed, &o, &b);
		assert_int_equal(a.digest, b.digest);
		assert_int_equal(a.calls, b.calls);
		assert_int_not_equal(a.digest, last);
		assert_true(a.calls > 20);
		last = a.digest;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_family_gets_hundreds_of_runs),
		cmocka_unit_test(every_sort_of_fault_is_on_in_some_runs_and_off_in_most),
		cmocka_unit_test(a_seed_runs_the_same_way_each_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
