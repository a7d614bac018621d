#include "aws/core/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "tests/unit/core/aborts.h"

/* The first values of SplitMix64 for the seed 1234567, as its authors' code gives them. */
static void test_known_sequence(void **state)
{
	static const uint64_t want[] = {
		UINT64_C(6457827717110365317), UINT64_C(3203168211198807973),
		UINT64_C(9817491932198370423), UINT64_C(4593380528125082431),
		UINT64_C(16408922859458223821)};
	struct rng_seeded r;

	(void)state;
	rng_seeded_init(&r, 1234567);
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		assert_true(rng_u64(&r.rng) == want[i]);
}

static void test_seed_decides(void **state)
{
	struct rng_seeded a, b, c;
	uint8_t x[45], y[45], z[45];

	(void)state;
	rng_seeded_init(&a, 7);
	rng_seeded_init(&b, 7);
	rng_seeded_init(&c, 8);
	a.rng.fill(&a.rng, x, sizeof(x));
	b.rng.fill(&b.rng, y, sizeof(y));
	c.rng.fill(&c.rng, z, sizeof(z));
	assert_memory_equal(x, y, sizeof(x));
	assert_memory_not_equal(x, z, sizeof(x));
	a.rng.fill(&a.rng, x, 0);
	assert_true(rng_u64(&a.rng) == rng_u64(&b.rng));
}

/* Gives the words it is told to, to show what becomes of the extremes. */
struct scripted {
	struct rng rng;
	const uint64_t *words;
	size_t used;
};

static void scripted_fill(struct rng *r, void *out, size_t n)
{
	struct scripted *s = (struct scripted *)r;

	assert_int_equal(n, sizeof(uint64_t));
	memcpy(out, &s->words[s->used++], n);
}

static void test_below_has_no_bias(void **state)
{
	static const uint64_t words[] = {0, 4, 5, UINT64_MAX};
	/* 2^64 mod 11 is 5: the five lowest words must be thrown away */
	struct scripted s = {.rng = {scripted_fill}, .words = words};

	(void)state;
	assert_int_equal(rng_below(&s.rng, 11), 5);
	assert_int_equal(s.used, 3);
	assert_int_equal(rng_below(&s.rng, 11), UINT64_MAX % 11);
	s.used = 0;
	assert_int_equal(rng_below(&s.rng, 8), 0); /* divides 2^64: nothing is thrown away */
	assert_int_equal(s.used, 1);
	assert_int_equal(rng_below(&s.rng, 1), 0);
}

static void test_below_reaches_everything(void **state)
{
	struct rng_seeded r;
	int seen[10] = {0};

	(void)state;
	rng_seeded_init(&r, 3);
	for (int i = 0; i < 10000; i++)
		seen[rng_below(&r.rng, 10)]++;
	for (int i = 0; i < 10; i++) /* expected 1,000 each, standard deviation 30 */
		assert_in_range(seen[i], 850, 1150);
}

static void below_zero(void *arg)
{
	rng_below(arg, 0);
}

static void test_below_zero_aborts(void **state)
{
	(void)state;
	assert_aborts(below_zero, rng_system(), "n > 0");
}

static void test_unit(void **state)
{
	static const uint64_t words[] = {0, UINT64_MAX, UINT64_C(1) << 63, 2047};
	struct scripted s = {.rng = {scripted_fill}, .words = words};
	double got[4], want[4] = {0, 1 - 0x1p-53, 0.5, 0};

	(void)state;
	for (int i = 0; i < 4; i++)
		got[i] = rng_unit(&s.rng);
	assert_memory_equal(got, want, sizeof(got));
	assert_true(got[1] < 1);
}

static void check_uuid(const char *u)
{
	assert_int_equal(strlen(u), 36);
	for (size_t i = 0; i < 36; i++) {
		if (i == 8 || i == 13 || i == 18 || i == 23)
			assert_int_equal(u[i], '-');
		else
			assert_non_null(strchr("0123456789abcdef", u[i]));
	}
	assert_int_equal(u[14], '4');
	assert_non_null(strchr("89ab", u[19]));
}

static void zeros(struct rng *r, void *out, size_t n)
{
	(void)r;
	memset(out, 0, n);
}

static void ones(struct rng *r, void *out, size_t n)
{
	(void)r;
	memset(out, 0xff, n);
}

static void test_uuid(void **state)
{
	struct rng zero = {zeros}, one = {ones};
	char u[RNG_UUID_SIZE], v[RNG_UUID_SIZE];

	(void)state;
	rng_uuid(&zero, u);
	assert_string_equal(u, "00000000-0000-4000-8000-000000000000");
	rng_uuid(&one, u);
	assert_string_equal(u, "ffffffff-ffff-4fff-bfff-ffffffffffff");
	rng_uuid(rng_system(), u);
	rng_uuid(rng_system(), v);
	check_uuid(u);
	check_uuid(v);
	assert_string_not_equal(u, v);
}

static void *draw(void *out)
{
	rng_system()->fill(rng_system(), out, 32);
	return NULL;
}

static void test_system_in_threads(void **state)
{
	uint8_t out[4][32] = {{0}};
	pthread_t thread[4];

	(void)state;
	assert_ptr_equal(rng_system(), rng_system());
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, draw, out[i]), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
	for (int i = 0; i < 4; i++)
		for (int k = 0; k < i; k++)
			assert_memory_not_equal(out[i], out[k], 32);
	rng_system()->fill(rng_system(), out, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_sequence),
		cmocka_unit_test(test_seed_decides),
		cmocka_unit_test(test_below_has_no_bias),
		cmocka_unit_test(test_below_reaches_everything),
		cmocka_unit_test(test_below_zero_aborts),
		cmocka_unit_test(test_unit),
		cmocka_unit_test(test_uuid),
		cmocka_unit_test(test_system_in_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
