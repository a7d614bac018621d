#include "aws/core/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "aws/core/rng.h"
#include "tests/unit/core/aborts.h"

static void test_plain_allocation(void **state)
{
	char *p = xmalloc(0);
	int *n;

	(void)state;
	assert_non_null(p);
	p = xrealloc(p, 10);
	memset(p, 'a', 10);
	p = xrealloc(p, 0);
	assert_non_null(p);
	free(p);
	n = xcalloc(5, sizeof(*n));
	for (int i = 0; i < 5; i++)
		assert_int_equal(n[i], 0);
	free(n);
	n = xcalloc(0, 8);
	assert_non_null(n);
	free(n);
}

static void test_strings(void **state)
{
	char *p = xstrdup("abc");

	(void)state;
	assert_string_equal(p, "abc");
	free(p);
	p = xstrndup("abcdef", 3);
	assert_string_equal(p, "abc");
	free(p);
	p = xstrndup(NULL, 0);
	assert_string_equal(p, "");
	free(p);
	p = xasprintf("%s-%d", "x", 7);
	assert_string_equal(p, "x-7");
	free(p);
}

static void *volatile sink; /* keeps the compiler from leaving the allocations out */
static volatile size_t huge = SIZE_MAX / 4;

static void calloc_overflow(void *arg)
{
	(void)arg;
	sink = xcalloc(huge, 8);
}

static void arena_overflow(void *arg)
{
	sink = arena_array(arg, uint64_t, huge);
}

static void arena_huge(void *arg)
{
	sink = arena_alloc(arg, huge * 3);
}

static void test_overflow_aborts(void **state)
{
	struct arena *a = arena_new();

	(void)state;
	assert_aborts(calloc_overflow, NULL, "out of memory");
	assert_aborts(arena_overflow, a, "out of memory");
	assert_aborts(arena_huge, a, "out of memory");
	arena_free(a);
}

/* Objects of all sizes stand apart from each other, aligned and zeroed, and keep their content. */
static void test_arena_objects_are_apart(void **state)
{
	struct arena *a = arena_new();
	struct rng_seeded r;
	enum { N = 600 };
	static uint8_t *object[N];
	static size_t size[N];

	(void)state;
	rng_seeded_init(&r, 1);
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < N; i++) {
			size[i] = (size_t)rng_below(&r.rng, i % 50 == 0 ? 300000 : 600);
			object[i] = arena_alloc(a, size[i]);
			assert_int_equal((uintptr_t)object[i] % _Alignof(max_align_t), 0);
			for (size_t k = 0; k < size[i]; k++)
				assert_int_equal(object[i][k], 0);
			if (size[i])
				memset(object[i], (int)(i & 0xff), size[i]);
		}
		for (size_t i = 0; i < N; i++)
			for (size_t k = 0; k < size[i]; k++)
				assert_int_equal(object[i][k], i & 0xff);
		arena_clear(a);
	}
	arena_free(a);
	arena_free(NULL);
}

static void test_arena_strings(void **state)
{
	struct arena *a = arena_new();
	char *big;

	(void)state;
	assert_string_equal(arena_strdup(a, "abc"), "abc");
	assert_string_equal(arena_strndup(a, "abcdef", 2), "ab");
	assert_string_equal(arena_strndup(a, NULL, 0), "");
	assert_string_equal(arena_printf(a, "%d/%s", 5, "x"), "5/x");
	assert_string_equal(arena_printf(a, "%s", ""), "");
	big = arena_printf(a, "%100000d", 1);
	assert_int_equal(strlen(big), 100000);
	arena_clear(a);
	arena_clear(a);
	assert_string_equal(arena_strdup(a, "again"), "again");
	arena_free(a);
}

struct pair {
	int64_t a, b;
};

static void test_arena_typed(void **state)
{
	struct arena *a = arena_new();
	struct pair *one = arena_new_of(a, struct pair), *many = arena_array(a, struct pair, 9);

	(void)state;
	assert_int_equal(one->a, 0);
	one->b = 5;
	for (int i = 0; i < 9; i++)
		assert_int_equal(many[i].a + many[i].b, 0);
	many[8].b = 6;
	assert_int_equal(one->b, 5);
	assert_non_null(arena_array(a, struct pair, 0));
	arena_free(a);
}

static void test_secret(void **state)
{
	struct secret s = {0}, t = {0};

	(void)state;
	assert_string_equal(secret_reveal(&s), "");
	secret_set(&s, "hunter2xyz", 7);
	assert_string_equal(secret_reveal(&s), "hunter2");
	assert_int_equal(s.n, 7);
	secret_copy(&t, &s);
	assert_ptr_not_equal(t.p, s.p);
	secret_set(&s, s.p + 2, 3); /* from itself */
	assert_string_equal(secret_reveal(&s), "nte");
	assert_string_equal(secret_reveal(&t), "hunter2");
	secret_copy(&t, &t);
	assert_string_equal(secret_reveal(&t), "hunter2");
	secret_set(&s, "", 0);
	assert_null(s.p);
	assert_string_equal(secret_reveal(&s), "");
	secret_release(&s);
	secret_release(&t);
	secret_release(&t);
	assert_string_equal(secret_reveal(&t), "");
	secret_copy(&s, &t);
	assert_null(s.p);
}

static void test_wipe(void **state)
{
	char text[] = "secret";

	(void)state;
	mem_wipe(text, 3);
	assert_memory_equal(text, "\0\0\0ret", 7);
	mem_wipe(NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_allocation),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_overflow_aborts),
		cmocka_unit_test(test_arena_objects_are_apart),
		cmocka_unit_test(test_arena_strings),
		cmocka_unit_test(test_arena_typed),
		cmocka_unit_test(test_secret),
		cmocka_unit_test(test_wipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
