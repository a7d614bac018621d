#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "aws/core/str.h"
#include "tests/faults/sweep_main.h"

#define CASES_MAX 16
#define FAILURES_SHOWN 10
#define N_MAX 10000 /* far more calls than such a rollout makes */

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

/*
 * The first call that meets it. A crash after a call and one before the next leave the same behind,
 * so the two kinds take turns: at a stride of 2 they meet, together, every gap between two calls.
 * Of the other kinds each has a residue of its own, so that together they meet all calls.
 */
static uint64_t first_of(int kind, uint64_t stride)
{
	if (kind == SIM_FAULT_CRASH_BEFORE)
		return 1;
	if (kind == SIM_FAULT_CRASH_AFTER)
		return stride < 2 ? 1 : stride / 2;
	return 1 + (uint64_t)kind % stride;
}

/* Every stride-th call. */
static void sweep(const struct sweep_case *c, int kind, int times, uint64_t stride,
		  struct totals *t)
{
	struct sweep_run run = {.c = c,
				.kind = kind,
				.times = times,
				.seed = number("SWEEP_SEED", 7),
				.n = first_of(kind, stride)};
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

static unsigned sparse_of(const struct sweep_case *c)
{
	return (c->target->sparse ? c->target->sparse : 1) * (c->sparse ? c->sparse : 1);
}

static uint64_t stride_of(const struct sweep_case *c, int kind)
{
	bool crash = kind == SIM_FAULT_CRASH_BEFORE || kind == SIM_FAULT_CRASH_AFTER;
	uint64_t stride = (crash ? 2 : 10) * sparse_of(c);
	const char *sweep = getenv("SWEEP") ? getenv("SWEEP") : "";

	if (!strcmp(sweep, "full"))
		return 1;
	if (getenv("SWEEP_STRIDE"))
		return number("SWEEP_STRIDE", 1);
	if (getenv("SAN") && *getenv("SAN"))
		return stride * 40;
	return !strcmp(sweep, "dense") ? stride : stride * 2;
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

/* Untouched first: what is wrong then needs no fault. */
static void untouched(const struct sweep_case *c)
{
	struct sweep_run run = {.c = c, .seed = number("SWEEP_SEED", 7), .times = 1};
	struct sweep_result r;
	struct totals t = {0};

	run_one(&run, &t, &r);
	if (r.problem[0] || r.succeeded == c->bad)
		fail_msg("without a fault: %s (%s)", r.problem, r.status);
	fprintf(stderr, "# %s: %llu calls\n", c->name, (unsigned long long)r.calls);
}

static void a_release_survives_every_fault(void **state)
{
	const struct sweep_case *c = *state;

	if (!selected("SWEEP_CASE", c->name))
		return;
	if (!getenv("SWEEP_N"))
		untouched(c);
	sweep_case(c);
}

static unsigned chaos_runs(const struct sweep_case *c)
{
	unsigned runs = getenv("SAN") && *getenv("SAN") ? 4 : 40;

	if (getenv("SWEEP") && !strcmp(getenv("SWEEP"), "full"))
		return 1000;
	return 1 + (runs - 1) / sparse_of(c);
}

/* Faults all the way, of all kinds. What succeeds is good, and what fails is restored. */
static void whatever_happens_nothing_is_left_half_done(void **state)
{
	const struct sweep_case *c = *state;
	struct sweep_run run = {
		.c = c, .kind = SWEEP_CHAOS, .times = 1, .seed = number("SWEEP_SEED", 7)};
	uint64_t first = number("SWEEP_N", 1);
	uint64_t last = getenv("SWEEP_N") ? first : chaos_runs(c);
	struct totals t = {0};
	struct sweep_result r;

	if (!selected("SWEEP_CASE", c->name) ||
	    !selected("SWEEP_KIND", sweep_kind_name(SWEEP_CHAOS)))
		return;
	for (run.n = first; run.n <= last; run.n++)
		run_one(&run, &t, &r);
	fprintf(stderr, "# %s: chaos: %u runs, %u problems\n", c->name, t.runs, t.problems);
	assert_int_equal(t.problems, 0);
}

int sweep_main(const struct sweep_case *cases, size_t n)
{
	struct CMUnitTest tests[2 * CASES_MAX] = {0};
	struct sweep_case copies[CASES_MAX];

	assert_true(n <= CASES_MAX);
	for (size_t i = 0; i < n; i++) {
		copies[i] = cases[i];
		tests[2 * i] = (struct CMUnitTest)cmocka_unit_test_prestate(
			a_release_survives_every_fault, &copies[i]);
		tests[2 * i + 1] = (struct CMUnitTest)cmocka_unit_test_prestate(
			whatever_happens_nothing_is_left_half_done, &copies[i]);
	}
	return _cmocka_run_group_tests("sweep", tests, 2 * n, NULL, NULL);
}
