#include "aws/call.h"

#include "aws/sigv4.h"
#include "tests/unit/aws/fake.h"

/* What ends a call before anything is sent. */

static void what_is_too_long_to_be_signed_is_not_sent(void **state)
{
	static const struct aws_service service = {.id = "S3",
						   .endpoint_prefix = "s3",
						   .signing_name = "s3",
						   .protocol = AWS_REST_XML};
	struct fake *f = fake_new();
	char *query = arena_alloc(f->arena, SIGV4_TEXT_MAX + 1);
	struct aws_request r = {.service = &service,
				.operation = "ListParts",
				.method = "GET",
				.query = query,
				.resend_safe = true};
	struct aws_client c = {.aws = f->aws, .credentials = fake_credentials("AK")};
	struct aws_response out;
	struct err err = ERR_INIT;

	(void)state;
	memset(query, 'q', SIGV4_TEXT_MAX);
	query[SIGV4_TEXT_MAX] = '\0';
	assert_int_equal(aws_call(&c, &r, f->arena, &out, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_false(err.sent);
	assert_int_equal(out.status, 0);
	assert_int_equal(f->http.n_asked, 0);
	credentials_provider_free(c.credentials);
	fake_free(f);
}

/* What ended for want of usable credentials is counted: none to be had, or none that AWS knows. */
static void want_of_credentials_is_counted(void **state)
{
	static const struct aws_service service = {.id = "ECS",
						   .endpoint_prefix = "ecs",
						   .signing_name = "ecs",
						   .protocol = AWS_JSON_1_1};
	static const struct {
		const char *code;
		uint64_t counted;
	} rows[] = {{"UnrecognizedClientException", 1},
		    {"ExpiredTokenException", 2},
		    {"AccessDeniedException", 2}, /* of the thing, not of the key */
		    {"ThrottlingException", 2}};
	struct fake *f = fake_new();
	const struct aws_request r = {
		.service = &service, .operation = "List", .resend_safe = true, .max_attempts = 1};
	struct aws_client c = {.aws = f->aws, .credentials = fake_credentials("AK")};
	struct aws_response out;
	struct aws_stat stat;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err err = ERR_INIT;

		fake_body(f, 400, arena_printf(f->arena, "{\"__type\":\"%s\"}", rows[i].code));
		assert_int_equal(aws_call(&c, &r, f->arena, &out, &err), -1);
		assert_int_equal(aws_stats(f->aws, &stat, 1), 1);
		assert_int_equal(stat.no_credentials, rows[i].counted);
	}
	credentials_provider_free(c.credentials);
	fake_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(want_of_credentials_is_counted),
		cmocka_unit_test(what_is_too_long_to_be_signed_is_not_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
