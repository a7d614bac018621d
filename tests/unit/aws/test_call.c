#include "aws/call.h"

#include <unistd.h>

#include "aws/retry.h"
#include "tests/unit/aws/fake.h"

static const struct aws_service json_service = {.id = "ECS",
						.endpoint_prefix = "ecs",
						.signing_name = "ecs",
						.target_prefix = "Target",
						.protocol = AWS_JSON_1_1,
						.double_encode = true};
static const struct aws_service query_service = {.id = "STS",
						 .endpoint_prefix = "sts",
						 .signing_name = "sts",
						 .api_version = "2011-06-15",
						 .protocol = AWS_QUERY,
						 .double_encode = true};
static const struct aws_service rest_service = {.id = "Lambda",
						.endpoint_prefix = "lambda",
						.signing_name = "lambda",
						.protocol = AWS_REST_JSON,
						.double_encode = true};
static const struct aws_service s3 = {
	.id = "S3", .endpoint_prefix = "s3", .signing_name = "s3", .protocol = AWS_REST_XML};

struct env {
	struct fake *f;
	struct aws_client client;
	struct aws_response out;
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
	e->err = ERR_INIT;
	return aws_call(&e->client, r, e->f->arena, &e->out, &e->err);
}

static const struct aws_request read_request = {
	.service = &json_service, .operation = "Describe", .resend_safe = true};
static const struct aws_request write_request = {.service = &json_service, .operation = "Update"};

/* --- what is sent ------------------------------------------------------------------------- */

static void test_json_request(void **state)
{
	struct env e = start();
	const struct fake_request *q = &e.f->http.asked[0];

	(void)state;
	fake_reply(e.f, &(struct fake_reply){.status = 200,
					     .headers = {"x-amzn-RequestId", "id-1"},
					     .body = "{\"a\":\"b\"}"});
	assert_int_equal(call(&e, &read_request), 0);
	assert_string_equal(q->method, "POST");
	assert_string_equal(q->url, "https://ecs.eu-west-1.amazonaws.com/");
	assert_string_equal(q->body, "{}");
	assert_string_equal(fake_header(e.f, 0, "host"), "ecs.eu-west-1.amazonaws.com");
	assert_string_equal(fake_header(e.f, 0, "content-type"), "application/x-amz-json-1.1");
	assert_string_equal(fake_header(e.f, 0, "x-amz-target"), "Target.Describe");
	assert_string_equal(fake_header(e.f, 0, "x-amz-date"), "20260102T030405Z");
	assert_string_equal(fake_header(e.f, 0, "x-amz-security-token"), "TOKEN");
	assert_string_equal(fake_header(e.f, 0, "amz-sdk-request"), "attempt=1; max=3");
	assert_int_equal(strlen(fake_header(e.f, 0, "amz-sdk-invocation-id")), 36);
	assert_null(fake_header(e.f, 0, "x-amz-content-sha256"));
	assert_non_null(strstr(fake_header(e.f, 0, "authorization"),
			       "Credential=AK/20260102/eu-west-1/ecs/aws4_request, "
			       "SignedHeaders=amz-sdk-invocation-id;amz-sdk-request;content-type;"
			       "host;x-amz-date;x-amz-security-token;x-amz-target, "));
	assert_string_equal(json_cstr(json_get(e.out.json, "a")), "b");
	assert_true(str_is(e.out.request_id, "id-1"));
	finish(&e);
}

static void test_query_request(void **state)
{
	const struct aws_request r = {.service = &query_service,
				      .operation = "Act",
				      .body = STR("B=2"),
				      .resend_safe = true};
	struct env e = start();
	(void)state;
	e.client.region = "us-east-2";
	fake_body(e.f, 200, "<ActResponse><ActResult><X>1</X></ActResult></ActResponse>");
	assert_int_equal(call(&e, &r), 0);
	assert_string_equal(e.f->http.asked[0].body, "Action=Act&Version=2011-06-15&B=2");
	assert_string_equal(e.f->http.asked[0].url, "https://sts.us-east-2.amazonaws.com/");
	assert_string_equal(fake_header(e.f, 0, "content-type"),
			    "application/x-www-form-urlencoded; charset=utf-8");
	assert_string_equal(xml_cstr(e.out.xml, "ActResult/X"), "1");
	finish(&e);
}

static void test_s3_request(void **state)
{
	const struct http_header extra = {STR("If-Match"), STR("\"e\"")};
	const struct aws_request r = {.service = &s3,
				      .operation = "GetObject",
				      .method = "GET",
				      .bucket = "b-1",
				      .path = "/a%20b//c",
				      .query = "versionId=7",
				      .headers = &extra,
				      .n_headers = 1,
				      .raw_body = true,
				      .total_ms = 1234,
				      .resend_safe = true};
	struct env e = start();
	(void)state;
	fake_body(e.f, 200, "<not parsed");
	assert_int_equal(call(&e, &r), 0);
	assert_true(str_is(e.out.body, "<not parsed"));
	assert_null(e.out.xml);
	assert_string_equal(e.f->http.asked[0].url,
			    "https://b-1.s3.eu-west-1.amazonaws.com/a%20b//c?versionId=7");
	assert_string_equal(fake_header(e.f, 0, "x-amz-content-sha256"),
			    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_string_equal(fake_header(e.f, 0, "if-match"), "\"e\"");
	assert_non_null(strstr(fake_header(e.f, 0, "authorization"), ";if-match;"));
	assert_null(fake_header(e.f, 0, "content-type"));
	assert_int_equal(e.f->http.asked[0].total_ms, 1234);
	finish(&e);
}

static void test_rest_and_unsigned(void **state)
{
	const struct http_header type = {STR("content-type"), STR("text/plain")};
	struct aws_request r = {.service = &rest_service,
				.operation = "Invoke",
				.path = "/x",
				.body = STR("{}"),
				.unsigned_ = true};
	struct env e = start();
	(void)state;
	e.f->settings.endpoint_url = "http://localhost:4566/base";
	fake_body(e.f, 202, "");
	assert_int_equal(call(&e, &r), 0);
	assert_string_equal(e.f->http.asked[0].url, "http://localhost:4566/base/x");
	assert_true(e.f->http.asked[0].no_proxy);
	assert_null(fake_header(e.f, 0, "authorization"));
	assert_null(fake_header(e.f, 0, "x-amz-security-token"));
	assert_string_equal(fake_header(e.f, 0, "content-type"), "application/json");
	assert_null(e.out.json);
	r.headers = &type;
	r.n_headers = 1;
	fake_body(e.f, 200, "");
	assert_int_equal(call(&e, &r), 0);
	assert_string_equal(fake_header(e.f, 1, "content-type"), "text/plain");
	finish(&e);
}

static void test_query_mode(void **state)
{
	static const struct aws_service cw = {.id = "CloudWatch",
					      .endpoint_prefix = "monitoring",
					      .signing_name = "monitoring",
					      .target_prefix = "G",
					      .protocol = AWS_JSON_1_0,
					      .double_encode = true,
					      .query_compatible = true};
	const struct aws_request r = {.service = &cw, .operation = "X", .resend_safe = true};
	struct env e = start();
	(void)state;
	fake_reply(e.f, &(struct fake_reply){
				.status = 400,
				.headers = {"x-amzn-query-error", "ResourceNotFound;Sender"},
				.body = "{\"__type\":\"a#ResourceNotFoundException\"}"});
	assert_int_equal(call(&e, &r), -1);
	assert_string_equal(fake_header(e.f, 0, "x-amzn-query-mode"), "true");
	assert_string_equal(e.err.aws, "ResourceNotFound");
	assert_int_equal(e.err.code, ERR_NOT_FOUND);
	finish(&e);
}

/* --- retries ------------------------------------------------------------------------------ */

static void test_read_is_retried(void **state)
{
	struct env e = start();
	struct aws_stat stat;
	(void)state;
	fake_failure(e.f, ERR_NETWORK, true);
	fake_body(e.f, 500, "");
	fake_body(e.f, 200, "{}");
	assert_int_equal(call(&e, &read_request), 0);
	assert_int_equal(e.f->clock.sleeps, 2);
	assert_true(e.f->clock.slept_ms <= 3000);
	assert_string_equal(fake_header(e.f, 2, "amz-sdk-request"), "attempt=3; max=3");
	assert_string_equal(fake_header(e.f, 0, "amz-sdk-invocation-id"),
			    fake_header(e.f, 2, "amz-sdk-invocation-id"));
	assert_string_not_equal(fake_header(e.f, 0, "authorization"),
				fake_header(e.f, 2, "authorization"));
	assert_int_equal(aws_stats(e.f->aws, &stat, 1), 1);
	assert_string_equal(stat.operation, "Describe");
	assert_int_equal(stat.calls, 1);
	assert_int_equal(stat.attempts, 3);
	assert_int_equal(stat.failed, 0);
	assert_int_equal(stat.total_ms, e.f->clock.slept_ms);
	finish(&e);
}

static void test_attempts_end(void **state)
{
	struct env e = start();
	struct aws_stat stat;
	(void)state;
	for (int i = 0; i < 3; i++)
		fake_reply(e.f,
			   &(struct fake_reply){.status = 400,
						.headers = {"x-amzn-requestid", "r-9"},
						.body = "{\"__type\":\"ThrottlingException\","
							"\"message\":\"Rate\\u0007 exceeded\"}"});
	assert_int_equal(call(&e, &write_request), -1);
	assert_int_equal(e.err.code, ERR_THROTTLED);
	assert_false(e.err.sent);
	assert_int_equal(e.err.http, 400);
	assert_string_equal(e.err.aws, "ThrottlingException");
	assert_string_equal(e.err.request_id, "r-9");
	assert_string_equal(e.err.text, "ECS.Update (3 attempts): ThrottlingException: "
					"Rate? exceeded (HTTP 400, request r-9)");
	aws_stats(e.f->aws, &stat, 1);
	assert_int_equal(stat.throttled, 3);
	assert_int_equal(stat.failed, 1);
	finish(&e);
}

static void test_unsafe_write(void **state)
{
	struct env e = start();

	(void)state;
	fake_failure(e.f, ERR_NETWORK, true); /* may have arrived: not again */
	assert_int_equal(call(&e, &write_request), -1);
	assert_int_equal(e.err.code, ERR_NETWORK);
	assert_true(e.err.sent);
	fake_body(e.f, 503, "");
	assert_int_equal(call(&e, &write_request), -1);
	assert_int_equal(e.err.code, ERR_UNAVAILABLE);
	assert_true(e.err.sent);
	assert_int_equal(e.f->clock.sleeps, 0);
	fake_failure(e.f, ERR_NETWORK, false); /* never left: again */
	fake_body(e.f, 429, "");
	fake_failure(e.f, ERR_TIMEOUT, true);
	assert_int_equal(call(&e, &write_request), -1);
	assert_int_equal(e.err.code, ERR_TIMEOUT);
	assert_true(e.err.sent);
	fake_body(e.f, 200, "{oops"); /* done, but what was said? */
	assert_int_equal(call(&e, &write_request), -1);
	assert_int_equal(e.err.code, ERR_MALFORMED);
	assert_true(e.err.sent);
	assert_int_equal(e.err.http, 200);
	finish(&e);
}

/* A first attempt that may have worked taints what a later one says. */
static void test_sent_sticks(void **state)
{
	struct aws_request r = write_request;
	struct env e = start();

	(void)state;
	r.resend_safe = true;
	fake_failure(e.f, ERR_TIMEOUT, true);
	fake_body(e.f, 412, "{\"__type\":\"PreconditionFailedException\"}");
	assert_int_equal(call(&e, &r), -1);
	assert_int_equal(e.err.code, ERR_CONFLICT);
	assert_true(e.err.sent);
	finish(&e);
}

static void test_unparsable_read(void **state)
{
	struct env e = start();

	(void)state;
	fake_body(e.f, 200, "{\"cut");
	fake_body(e.f, 200, "{\"a\":1}");
	assert_int_equal(call(&e, &read_request), 0);
	assert_non_null(e.out.json);
	finish(&e);
}

static void test_not_retried(void **state)
{
	static const int statuses[] = {301, 400, 403, 404, 409, 412, 501, 505};
	struct env e = start();

	(void)state;
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		fake_body(e.f, statuses[i], "<html>no</html>");
		assert_int_equal(call(&e, &read_request), -1);
		assert_int_equal(e.err.http, statuses[i]);
		assert_string_equal(e.err.aws, "");
		assert_int_equal(e.out.status, statuses[i]);
		assert_int_equal(e.err.sent, statuses[i] > 500); /* no 4xx had an effect */
	}
	assert_int_equal(e.f->clock.sleeps, 0);
	finish(&e);
}

static void test_retry_after(void **state)
{
	struct env e = start();

	(void)state;
	fake_reply(e.f, &(struct fake_reply){.status = 503, .headers = {"Retry-After", "7"}});
	fake_body(e.f, 200, "{}");
	assert_int_equal(call(&e, &read_request), 0);
	assert_int_equal(e.f->clock.slept_ms, 7000);
	fake_reply(e.f, &(struct fake_reply){.status = 503, .headers = {"Retry-After", "900"}});
	fake_body(e.f, 200, "{}");
	assert_int_equal(call(&e, &read_request), 0);
	assert_int_equal(e.f->clock.last_sleep_ms, 20000);
	fake_reply(e.f,
		   &(struct fake_reply){.status = 503, .headers = {"x-amz-retry-after", "1500"}});
	fake_body(e.f, 200, "{}");
	assert_int_equal(call(&e, &read_request), 0);
	assert_int_equal(e.f->clock.last_sleep_ms, 1500);
	fake_reply(e.f,
		   &(struct fake_reply){.status = 503, .headers = {"x-amz-retry-after", "-1"}});
	fake_body(e.f, 200, "{}");
	assert_int_equal(call(&e, &read_request), 0);
	assert_true(e.f->clock.last_sleep_ms < 1000);
	finish(&e);
}

/* --- credentials -------------------------------------------------------------------------- */

struct rotating {
	struct credentials_provider base;
	int gets, invalidated;
	struct credentials *current;
	bool fail;
	enum err_code fail_code; /* 0: ERR_TIMEOUT */
};

static struct credentials *rotating_get(struct credentials_provider *p, struct cancel *cancel,
					struct err *err)
{
	struct rotating *r = (struct rotating *)p;
	char key[8];

	(void)cancel;
	if (r->fail) {
		err_set(err, r->fail_code ? r->fail_code : ERR_TIMEOUT, "no credentials today");
		return NULL;
	}
	if (!r->current) {
		assert_true(snprintf(key, sizeof(key), "AK%d", ++r->gets) > 0);
		r->current =
			credentials_new(&(struct credentials_parts){.access_key_id = str_from(key),
								    .secret_access_key = STR("S"),
								    .source = "test"},
					err);
	}
	return credentials_get(r->current);
}

static void rotating_invalidate(struct credentials_provider *p, const struct credentials *s)
{
	struct rotating *r = (struct rotating *)p;

	r->invalidated++;
	if (s == r->current) {
		credentials_put(r->current);
		r->current = NULL;
	}
}

static void rotating_free(struct credentials_provider *p)
{
	credentials_put(((struct rotating *)p)->current);
}

static void test_expired_token(void **state)
{
	struct rotating r = {.base = {rotating_get, rotating_invalidate, rotating_free}};
	struct env e = start();

	(void)state;
	credentials_provider_free(e.client.credentials);
	e.client.credentials = &r.base;
	fake_body(e.f, 400, "{\"__type\":\"ExpiredTokenException\"}");
	fake_body(e.f, 200, "{}");
	assert_int_equal(call(&e, &write_request), 0);
	assert_int_equal(e.f->clock.sleeps, 0); /* at once, and not an attempt of the budget */
	assert_non_null(strstr(fake_header(e.f, 0, "authorization"), "=AK1/"));
	assert_non_null(strstr(fake_header(e.f, 1, "authorization"), "=AK2/"));
	fake_body(e.f, 400, "{\"__type\":\"ExpiredTokenException\"}"); /* once, not for ever */
	fake_body(e.f, 400, "{\"__type\":\"ExpiredTokenException\"}");
	assert_int_equal(call(&e, &write_request), -1);
	assert_int_equal(e.err.code, ERR_DENIED);
	assert_int_equal(r.invalidated, 2);
	r.fail = true;
	assert_int_equal(call(&e, &read_request), -1);
	assert_int_equal(e.err.code, ERR_TIMEOUT);
	assert_false(e.err.sent);
	assert_string_equal(e.err.text, "ECS.Describe: no credentials today");
	finish(&e);
}

/* No role there is not "no such thing here". */
static void test_no_credentials(void **state)
{
	static const struct {
		enum err_code source, call;
	} rows[] = {{ERR_NOT_FOUND, ERR_DENIED}, {ERR_CONFLICT, ERR_DENIED},
		    {ERR_REJECTED, ERR_DENIED}, {ERR_DENIED, ERR_DENIED},
		    {ERR_MALFORMED, ERR_UNAVAILABLE}, {ERR_LIMIT, ERR_UNAVAILABLE},
		    {ERR_UNSAFE, ERR_UNAVAILABLE}, {ERR_THROTTLED, ERR_THROTTLED},
		    {ERR_SYSTEM, ERR_SYSTEM}, {ERR_CANCELED, ERR_CANCELED}};
	struct rotating r = {.base = {rotating_get, rotating_invalidate, rotating_free},
			     .fail = true};
	struct env e = start();

	(void)state;
	credentials_provider_free(e.client.credentials);
	e.client.credentials = &r.base;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		r.fail_code = rows[i].source;
		assert_int_equal(call(&e, &read_request), -1);
		assert_int_equal(e.err.code, rows[i].call);
		assert_false(e.err.sent);
	}
	finish(&e);
}

static void test_expired_static(void **state)
{
	struct env e = start();

	(void)state; /* nothing newer to be had: the refusal stands */
	fake_body(e.f, 400, "{\"__type\":\"ExpiredTokenException\"}");
	assert_int_equal(call(&e, &read_request), -1);
	assert_int_equal(e.err.code, ERR_DENIED);
	finish(&e);
}

/* --- cancel, streaming, misconfiguration -------------------------------------------------- */

static void fire(void *arg)
{
	cancel_fire(arg);
}

static void test_cancel(void **state)
{
	struct env e = start();
	struct cancel *c = cancel_new();

	(void)state;
	e.client.cancel = c;
	fake_reply(e.f, &(struct fake_reply){.status = 500, .before = fire, .arg = c});
	assert_int_equal(call(&e, &read_request), -1); /* while waiting to try again */
	assert_int_equal(e.err.code, ERR_CANCELED);
	assert_true(e.err.sent);
	assert_int_equal(call(&e, &read_request), -1); /* before sending */
	assert_int_equal(e.err.code, ERR_CANCELED);
	assert_false(e.err.sent);
	finish(&e);
	cancel_free(c);
}

struct taker {
	int starts;
	size_t bytes;
	bool refuse;
};

static int take_start(void *arg, int status, const struct http_header *headers, size_t n,
		      struct err *err)
{
	struct taker *t = arg;

	(void)headers;
	(void)n;
	(void)err;
	assert_int_equal(status, 200);
	t->starts++;
	t->bytes = 0;
	return 0;
}

static int take_body(void *arg, const char *p, size_t n, struct err *err)
{
	struct taker *t = arg;

	(void)p;
	t->bytes += n;
	return t->refuse ? err_set(err, ERR_LIMIT, "enough") : 0;
}

static void test_streaming(void **state)
{
	struct taker t = {.starts = 0};
	struct aws_request r = {.service = &s3,
				.operation = "GetObject",
				.method = "GET",
				.bucket = "b-1",
				.path = "/k",
				.resend_safe = true,
				.on_start = take_start,
				.on_body = take_body,
				.on_arg = &t};
	struct env e = start();

	(void)state;
	fake_body(e.f, 503, "<Error><Code>SlowDown</Code></Error>");
	fake_body(e.f, 200, "not xml");
	assert_int_equal(call(&e, &r), 0);
	assert_int_equal(t.starts, 1);
	assert_int_equal(t.bytes, 7);
	t.refuse = true;
	fake_body(e.f, 200, "more");
	assert_int_equal(call(&e, &r), -1); /* the taker's error ends it */
	assert_int_equal(e.err.code, ERR_LIMIT);
	finish(&e);
}

static void test_misconfigured(void **state)
{
	struct env e = start();

	(void)state;
	e.f->settings.region = NULL;
	assert_int_equal(call(&e, &read_request), -1);
	assert_int_equal(e.err.code, ERR_REJECTED);
	assert_non_null(strstr(e.err.text, "ECS.Describe: no region"));
	assert_int_equal(e.out.status, 0);
	finish(&e);
	aws_free(NULL);
}

/* --- the log ------------------------------------------------------------------------------ */

/* One event an attempt, with what is needed to ask AWS about it, and without secrets or bodies. */
static void test_log(void **state)
{
	struct aws_request r = read_request;
	struct env e = start();
	char text[4096] = "";
	struct log *log;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	log = log_new(fds[1], LOG_TEXT, LOG_DEBUG, false, &e.f->clock.clock);
	e.client.log = log;
	r.body = STR("{\"body\":\"private\"}");
	fake_body(e.f, 500, "{\"message\":\"private\"}");
	fake_reply(e.f, &(struct fake_reply){.status = 200,
					     .headers = {"x-amzn-requestid", "id-7"},
					     .body = "{\"body\":\"private\"}"});
	assert_int_equal(call(&e, &r), 0);
	log_free(log);
	assert_true(read(fds[0], text, sizeof(text) - 1) > 0);
	assert_non_null(strstr(text, "aws.call"));
	assert_non_null(strstr(text, "attempt=2"));
	assert_non_null(strstr(text, "id-7"));
	assert_non_null(strstr(text, "unavailable"));
	assert_null(strstr(text, "private"));
	assert_true(!strstr(text, "SECRET") && !strstr(text, "TOKEN"));
	assert_int_equal(close(fds[0]) | close(fds[1]), 0);
	finish(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_request),  cmocka_unit_test(test_query_request),
		cmocka_unit_test(test_s3_request),    cmocka_unit_test(test_rest_and_unsigned),
		cmocka_unit_test(test_query_mode),    cmocka_unit_test(test_read_is_retried),
		cmocka_unit_test(test_attempts_end),  cmocka_unit_test(test_unsafe_write),
		cmocka_unit_test(test_sent_sticks),   cmocka_unit_test(test_unparsable_read),
		cmocka_unit_test(test_not_retried),   cmocka_unit_test(test_retry_after),
		cmocka_unit_test(test_expired_token), cmocka_unit_test(test_expired_static),
		cmocka_unit_test(test_no_credentials),
		cmocka_unit_test(test_cancel),	      cmocka_unit_test(test_streaming),
		cmocka_unit_test(test_misconfigured), cmocka_unit_test(test_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
