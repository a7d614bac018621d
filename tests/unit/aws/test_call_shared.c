#include "aws/call.h"

#include "aws/retry.h"
#include "tests/unit/aws/fake.h"

/*
 * What calls of one service and region share: retry tokens, and the clock skew that is learnt from
 * the Date of answers and mended once when it explains a refusal.
 */
static const struct aws_service json_service = {.id = "ECS",
						.endpoint_prefix = "ecs",
						.signing_name = "ecs",
						.target_prefix = "Target",
						.protocol = AWS_JSON_1_1,
						.double_encode = true};
static const struct aws_request read_request = {
	.service = &json_service, .operation = "Describe", .resend_safe = true};
static const struct aws_request write_request = {.service = &json_service, .operation = "Update"};

struct env {
	struct fake *f;
	struct aws_client client;
	struct err err;
};

static struct env start(void)
{
	struct env e = {.f = fake_new(), .err = ERR_INIT};

	e.client = (struct aws_client){.aws = e.f->aws, .credentials = fake_credentials("AK")};
	return e;
}

static void finish(struct env *e)
{
	credentials_provider_free(e->client.credentials);
	fake_free(e->f);
}

static int call(struct env *e, const struct aws_request *r)
{
	struct aws_response out;

	e->err = ERR_INIT;
	return aws_call(&e->client, r, e->f->arena, &out, &e->err);
}

/* --- tokens -------------------------------------------------------------------------------- */

static struct retry_scope *scope(struct env *e)
{
	return retry_scope_get(e->f->aws->priv, "ECS", "eu-west-1");
}

/* Take all there are; how many that was. */
static int empty(struct env *e)
{
	int n = 0;

	while (retry_take(e->f->aws->priv, scope(e), 1))
		n++;
	return n;
}

static void test_tokens_run_out(void **state)
{
	struct env e = start();

	(void)state;
	assert_int_equal(empty(&e), RETRY_CAPACITY);
	fake_body(e.f, 500, "");
	assert_int_equal(call(&e, &read_request), -1); /* one attempt, no retry */
	assert_int_equal(e.err.code, ERR_UNAVAILABLE);
	retry_refund(e.f->aws->priv, scope(&e), RETRY_COST_TIMEOUT - 1);
	fake_failure(e.f, ERR_TIMEOUT, true); /* a time-out costs more */
	assert_int_equal(call(&e, &read_request), -1);
	fake_body(e.f, 500, ""); /* for this it is enough */
	fake_body(e.f, 500, "");
	assert_int_equal(call(&e, &read_request), -1);
	assert_int_equal(empty(&e), RETRY_COST_TIMEOUT - 1 - RETRY_COST);
	finish(&e);
}

static void test_refunds(void **state)
{
	struct env e = start();

	(void)state;
	empty(&e);
	fake_body(e.f, 200, "{}");
	assert_int_equal(call(&e, &read_request), 0);
	assert_int_equal(empty(&e), RETRY_REFUND_FIRST);
	retry_refund(e.f->aws->priv, scope(&e), 20);
	fake_failure(e.f, ERR_TIMEOUT, true);
	fake_body(e.f, 500, "");
	fake_body(e.f, 200, "{}");
	assert_int_equal(call(&e, &read_request), 0);
	assert_int_equal(empty(&e), 20 - RETRY_COST_TIMEOUT); /* the last cost came back */
	finish(&e);
}

/* --- clock skew ---------------------------------------------------------------------------- */

static void test_skew_repair(void **state)
{
	struct env e = start();

	(void)state;
	fake_reply(e.f, &(struct fake_reply){.status = 403,
					     .headers = {"Date", "Fri, 02 Jan 2026 03:14:05 GMT"},
					     .body = "{\"__type\":\"InvalidSignatureException\"}"});
	fake_body(e.f, 200, "{}");
	assert_int_equal(call(&e, &write_request), 0); /* refused: a write may go again too */
	assert_memory_equal(fake_header(e.f, 1, "x-amz-date"), "20260102T0314", 13);
	/* the offset is remembered; an answer that shows the same is a real refusal */
	e.f->clock.now_ms = FAKE_NOW_MS;
	fake_reply(e.f, &(struct fake_reply){.status = 403,
					     .headers = {"Date", "Fri, 02 Jan 2026 03:14:05 GMT"},
					     .body = "{\"__type\":\"InvalidSignatureException\"}"});
	assert_int_equal(call(&e, &read_request), -1);
	assert_int_equal(e.err.code, ERR_DENIED);
	assert_string_equal(fake_header(e.f, 2, "x-amz-date"), "20260102T031405Z");
	finish(&e);
}

static void expect_no_skew(const char *const headers[4], int64_t takes_ms)
{
	struct env e = start();
	struct fake_reply r = {.status = 403, .body = "{\"__type\":\"AccessDeniedException\"}"};

	for (int i = 0; i < 4; i++)
		r.headers[i] = headers[i];
	e.f->http.takes_ms = takes_ms;
	fake_reply(e.f, &r);
	assert_int_equal(call(&e, &read_request), -1);
	assert_int_equal(e.err.code, ERR_DENIED);
	assert_int_equal(
		retry_skew(e.f->aws->priv, retry_scope_get(e.f->aws->priv, "ECS", "eu-west-1")), 0);
	finish(&e);
}

static void test_skew_distrust(void **state)
{
	const char *const none[4] = {NULL};
	const char *const bad[4] = {"Date", "soon"};
	const char *const cached[4] = {"Date", "Fri, 02 Jan 2026 04:04:05 GMT", "Age", "3600"};
	const char *const slow[4] = {"Date", "Fri, 02 Jan 2026 04:04:05 GMT"};

	(void)state;
	expect_no_skew(none, 0);
	expect_no_skew(bad, 0);
	expect_no_skew(cached, 0);
	expect_no_skew(slow, 15 * 60 * 1000 + 1);
}

static void test_small_skew(void **state)
{
	struct env e = start();

	(void)state; /* exactly 4 minutes: learnt, but no reason to try again */
	fake_reply(e.f, &(struct fake_reply){.status = 403,
					     .headers = {"Date", "Fri, 02 Jan 2026 03:08:05 GMT"},
					     .body = "{\"__type\":\"AccessDeniedException\"}"});
	assert_int_equal(call(&e, &read_request), -1);
	assert_int_equal(
		retry_skew(e.f->aws->priv, retry_scope_get(e.f->aws->priv, "ECS", "eu-west-1")),
		240000);
	finish(&e);
}

/* Who reads the service's own records sees what a call was for. */
static void test_purpose(void **state)
{
	struct env e = start();

	(void)state;
	fake_body(e.f, 200, "{}");
	fake_body(e.f, 200, "{}");
	e.f->aws->user_agent = "worker/1.2 ua/2.1 os/linux";
	assert_int_equal(call(&e, &read_request), 0);
	assert_null(fake_header(e.f, 0, "user-agent")); /* the transport's own */
	e.client.purpose = "lambda";
	assert_int_equal(call(&e, &read_request), 0);
	assert_string_equal(fake_header(e.f, 1, "user-agent"),
			    "worker/1.2 (lambda) ua/2.1 os/linux");
	assert_null(strstr(fake_header(e.f, 1, "authorization"), "user-agent"));
	finish(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tokens_run_out), cmocka_unit_test(test_refunds),
		cmocka_unit_test(test_skew_repair),    cmocka_unit_test(test_skew_distrust),
		cmocka_unit_test(test_small_skew),     cmocka_unit_test(test_purpose),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
