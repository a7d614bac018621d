#include "aws/retry.h"

#include "tests/unit/aws/fake.h"

static void test_tokens(void **state)
{
	struct aws_private *p = aws_private_new();
	struct retry_scope *a = retry_scope_get(p, "S3", "r1"), *b = retry_scope_get(p, "S3", "r2");

	(void)state;
	assert_ptr_equal(retry_scope_get(p, "S3", "r1"), a);
	assert_ptr_not_equal(a, b);
	for (int i = 0; i < RETRY_CAPACITY / RETRY_COST; i++)
		assert_true(retry_take(p, a, RETRY_COST));
	assert_false(retry_take(p, a, RETRY_COST));
	assert_true(retry_take(p, b, RETRY_COST)); /* the other region has its own */
	retry_refund(p, a, RETRY_COST);
	assert_true(retry_take(p, a, RETRY_COST));
	retry_refund(p, b, 10000);
	for (int i = 0; i < RETRY_CAPACITY / RETRY_COST_TIMEOUT; i++)
		assert_true(retry_take(p, b, RETRY_COST_TIMEOUT));
	assert_false(retry_take(p, b, 1));
	retry_skew_set(p, a, -5);
	assert_int_equal(retry_skew(p, a), -5);
	assert_int_equal(retry_skew(p, b), 0);
	for (int i = 0; i < 1000; i++) { /* strangers are bounded */
		char region[16];

		assert_true(snprintf(region, sizeof(region), "x-%d", i) > 0);
		assert_non_null(retry_scope_get(p, "S3", region));
	}
	assert_ptr_equal(retry_scope_get(p, "S3", "r1"), a);
	aws_private_free(p);
}

/* Each scope remembers one key, and never answers with another's. */
static void test_signing_keys(void **state)
{
	struct secret one = {NULL, 0}, two = {NULL, 0};
	struct aws_private *p = aws_private_new();
	struct retry_scope *scopes[] = {retry_scope_get(p, "S3", "r1"),
					retry_scope_get(p, "STS", "r1")};
	struct sigv4_scope sign = {.region = "r1", .service = "s3", .time = {1767323045000}};
	uint8_t expected[SHA256_SIZE], key[SHA256_SIZE];

	(void)state;
	secret_set(&one, "one", 3);
	secret_set(&two, "two", 3);
	for (int i = 0; i < 8; i++) {
		sign.secret_access_key = i & 2 ? &one : &two;
		sigv4_signing_key(&sign, expected);
		retry_signing_key(p, scopes[i & 1], &sign, key);
		assert_memory_equal(key, expected, SHA256_SIZE);
	}
	aws_private_free(p);
	secret_release(&one);
	secret_release(&two);
}

static void test_wait_formula(void **state)
{
	(void)state;
	assert_int_equal(retry_wait_ms(0, 0.5, 0), 500);
	assert_int_equal(retry_wait_ms(3, 0.5, 0), 4000);
	assert_int_equal(retry_wait_ms(4, 0.5, 0), 8000);
	assert_int_equal(retry_wait_ms(5, 0.5, 0), 10000); /* 20 s is the ceiling */
	assert_int_equal(retry_wait_ms(60, 0.5, 0), 10000);
	assert_int_equal(retry_wait_ms(0, 0.5, 3000), 3000);
	assert_int_equal(retry_wait_ms(0, 0.5, 100000), 20000);
}

static void test_stats_bounded(void **state)
{
	struct aws_private *p = aws_private_new();
	struct aws_stat all[AWS_STATS_MAX];
	static char names[AWS_STATS_MAX + 20][8];
	size_t n;

	(void)state;
	for (int i = 0; i < AWS_STATS_MAX + 20; i++) {
		assert_true(snprintf(names[i], sizeof(names[i]), "Op%d", i) > 0);
		retry_count(p, &(struct aws_outcome){.service = "S", .operation = names[i]});
	}
	n = retry_stats(p, all, AWS_STATS_MAX);
	assert_int_equal(n, AWS_STATS_MAX);
	assert_string_equal(all[n - 1].operation, "other");
	assert_int_equal(all[n - 1].calls, 21);
	assert_int_equal(retry_stats(p, all, 0), AWS_STATS_MAX);
	aws_private_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_signing_keys),
		cmocka_unit_test(test_wait_formula),
		cmocka_unit_test(test_stats_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
