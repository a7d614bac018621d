#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "aws/core/str.h"
#include "tests/faults/sweep.h"

/* Groups have eight times the calls of an alias or a rule, and more time to wait for. */
#define THIN 120

/*
 * Every kind of fault at the n-th call, for n from the first to the last call of a rollout, until a
 * run ends untouched. By default every few calls; SWEEP=full takes every one, SWEEP_STRIDE every
 * so many. One run is repeated, with its log, by SWEEP_CASE, SWEEP_KIND, SWEEP_N, SWEEP_TIMES,
 * SWEEP_SEED and VERBOSE=1.
 */
static const struct sweep_case CASES[] = {
	{"lambda-good", &sweep_lambda, NULL, 10, false, 1},
	{"lambda-bad", &sweep_lambda, NULL, 10, true, 1},
	{"load-balancer-good", &sweep_load_balancer, NULL, 10, false, 1},
	{"load-balancer-bad", &sweep_load_balancer, NULL, 10, true, 1},
	{"auto-scaling-copy-good", &sweep_auto_scaling_copy, NULL, 10, false, THIN},
	{"auto-scaling-copy-bad", &sweep_auto_scaling_copy, NULL, 10, true, THIN},
	{"auto-scaling-twin-good", &sweep_auto_scaling_twin, NULL, 10, false, THIN},
	{"auto-scaling-twin-bad", &sweep_auto_scaling_twin, NULL, 10, true, THIN},
};
#define N_CASES (sizeof(CASES) / sizeof(CASES[0]))
#define FAILURES_SHOWN 10
#define N_MAX 2000 /* far more calls than such a rollout makes */

struct totals {
	unsigned runs, hits, problems;
};

static uint64_t number(const char *name, uint64_t fallback)
{
	const char *text = getenv(name);
	uint64_t v;

	if (!text)
		return fallback;
	if (!str_parse_u64(str_from(text), 0, UINT64_MAX, &v)) {
		fprintf(stderr, "%s=%s: not a number\n", name, text);
		exit(2);
	}
	return v;
}

static int log_fd(void)
{
	return getenv("VERBOSE") ? 2 : -1;
}

static void run_one(const struct sweep_run *run, struct totals *t, struct sweep_result *r)
{
	sweep_run(run, log_fd(), r);
	t->runs++;
	t->hits += r->hit;
	if (!r->problem[0])
		return;
	if (t->problems++ < FAILURES_SHOWN)
		fprintf(stderr,
			"# SWEEP_CASE=%s SWEEP_KIND=%s SWEEP_N=%llu SWEEP_TIMES=%d "
			"SWEEP_SEED=%llu\n"
			"#   %s\n#   (%s)\n",
			run->c->name, sweep_kind_name(run->kind), (unsigned long long)run->n,
			run->times, (unsigned long long)run->seed, r->problem, r->status);
}

/* Every stride-th call, a different residue for each kind, so that together they meet all. */
static void sweep(const struct sweep_case *c, int kind, int times, uint64_t stride,
		  struct totals *t)
{
	struct sweep_run run = {.c = c,
				.kind = kind,
				.times = times,
				.seed = number("SWEEP_SEED", 7),
				.n = 1 + (uint64_t)kind % stride};
	struct sweep_result r;

	do {
		run_one(&run, t, &r);
		run.n += stride;
	} while (r.hit && run.n < N_MAX + stride);
	assert_false(r.hit);
}

static bool selected(const char *variable, const char *name)
{
	const char *wanted = getenv(variable);

	return !wanted || !strcmp(wanted, name);
}

static uint64_t stride_of(const struct sweep_case *c, int kind)
{
	bool crash = kind == SIM_FAULT_CRASH_BEFORE || kind == SIM_FAULT_CRASH_AFTER;
	uint64_t stride = (crash ? 1 : 10) * c->thin;

	if (getenv("SWEEP") && !strcmp(getenv("SWEEP"), "full"))
		return 1;
	if (getenv("SWEEP_STRIDE"))
		return number("SWEEP_STRIDE", 1);
	return getenv("SAN") && *getenv("SAN") ? stride * 16 : stride;
}

static void sweep_case(const struct sweep_case *c)
{
	struct totals t = {0};

	for (int kind = SIM_FAULT_NONE + 1; kind < SWEEP_CHAOS; kind++) {
		bool repeats = kind < SIM_FAULT_CRASH_BEFORE;
		uint64_t stride = stride_of(c, kind);

		if (!selected("SWEEP_KIND", sweep_kind_name(kind)))
			continue;
		if (getenv("SWEEP_N")) {
			struct sweep_run run = {.c = c,
						.kind = kind,
						.n = number("SWEEP_N", 1),
						.times = (int)number("SWEEP_TIMES", 1),
						.seed = number("SWEEP_SEED", 7)};
			struct sweep_result r;

			run_one(&run, &t, &r);
			fprintf(stderr, "# %s\n", r.status);
			continue;
		}
		sweep(c, kind, 1, stride, &t);
		if (repeats)
			sweep(c, kind, 5, stride == 1 ? 1 : stride * 3, &t);
	}
	fprintf(stderr, "# %s: %u runs, %u faults, %u problems\n", c->name, t.runs, t.hits,
		t.problems);
	assert_int_equal(t.problems, 0);
}

static void nothing_goes_wrong_without_a_fault(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_CASES; i++) {
		struct sweep_run run = {
			.c = &CASES[i], .seed = number("SWEEP_SEED", 7), .times = 1};
		struct sweep_result r;
		struct totals t = {0};

		if (!selected("SWEEP_CASE", CASES[i].name) || getenv("SWEEP_N"))
			continue;
		run_one(&run, &t, &r);
		assert_string_equal(r.problem, "");
		assert_true(r.succeeded == !CASES[i].bad);
		fprintf(stderr, "# %s: %llu calls\n", CASES[i].name, (unsigned long long)r.calls);
	}
}

static unsigned chaos_runs(const struct sweep_case *c)
{
	if (getenv("SWEEP") && !strcmp(getenv("SWEEP"), "full"))
		return 1000;
	return getenv("SAN") && *getenv("SAN") ? 4 : c->thin > 1 ? 8 : 40;
}

/* Faults all the way, of all kinds. What succeeds is good, and what fails is restored. */
static void whatever_happens_nothing_is_left_half_done(void **state)
{
	struct totals t = {0};

	(void)state;
	if (!selected("SWEEP_KIND", sweep_kind_name(SWEEP_CHAOS)))
		return;
	for (size_t i = 0; i < N_CASES; i++) {
		struct sweep_run run = {.c = &CASES[i],
					.kind = SWEEP_CHAOS,
					.times = 1,
					.seed = number("SWEEP_SEED", 7)};
		uint64_t first = number("SWEEP_N", 1);
		uint64_t last = getenv("SWEEP_N") ? first : chaos_runs(&CASES[i]);
		struct sweep_result r;

		if (!selected("SWEEP_CASE", CASES[i].name))
			continue;
		for (run.n = first; run.n <= last; run.n++)
			run_one(&run, &t, &r);
	}
	fprintf(stderr, "# chaos: %u runs, %u problems\n", t.runs, t.problems);
	assert_int_equal(t.problems, 0);
}

#define SWEEP_TEST(test, i)                                \
	static void test(void **state)                     \
	{                                                  \
		(void)state;                               \
		if (selected("SWEEP_CASE", CASES[i].name)) \
			sweep_case(&CASES[i]);             \
	}

SWEEP_TEST(a_good_release_to_lambda_survives_every_fault, 0)
SWEEP_TEST(a_bad_release_to_lambda_goes_back_whatever_fails, 1)
SWEEP_TEST(a_good_release_to_a_load_balancer_survives_every_fault, 2)
SWEEP_TEST(a_bad_release_to_a_load_balancer_goes_back_whatever_fails, 3)
SWEEP_TEST(a_good_release_to_a_copied_group_survives_every_fault, 4)
SWEEP_TEST(a_bad_release_to_a_copied_group_goes_back_whatever_fails, 5)
SWEEP_TEST(a_good_release_to_a_twin_survives_every_fault, 6)
SWEEP_TEST(a_bad_release_to_a_twin_goes_back_whatever_fails, 7)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_goes_wrong_without_a_fault),
		cmocka_unit_test(a_good_release_to_lambda_survives_every_fault),
		cmocka_unit_test(a_bad_release_to_lambda_goes_back_whatever_fails),
		cmocka_unit_test(a_good_release_to_a_load_balancer_survives_every_fault),
		cmocka_unit_test(a_bad_release_to_a_load_balancer_goes_back_whatever_fails),
		cmocka_unit_test(a_good_release_to_a_copied_group_survives_every_fault),
		cmocka_unit_test(a_bad_release_to_a_copied_group_goes_back_whatever_fails),
		cmocka_unit_test(a_good_release_to_a_twin_survives_every_fault),
		cmocka_unit_test(a_bad_release_to_a_twin_goes_back_whatever_fails),
		cmocka_unit_test(whatever_happens_nothing_is_left_half_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
