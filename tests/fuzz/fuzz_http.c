#include "tests/fuzz/support.h"

#include <string.h>

#include "aws/core/http_answer.h"
#include "aws/reply.h"
#include "aws/sts.h"

/*
 * Answers of a hostile server, from the status line on, to one call of each protocol. The first
 * byte chooses the protocol. No answer makes the call wait longer than it may, lets a header
 * through that is none, or gives an error that cannot be logged in one line.
 *
 * Layers: aws core
 */
static const struct aws_service services[] = {
	{.id = "S3", .endpoint_prefix = "s3", .signing_name = "s3", .protocol = AWS_REST_XML},
	{.id = "Lambda",
	 .endpoint_prefix = "lambda",
	 .signing_name = "lambda",
	 .protocol = AWS_REST_JSON,
	 .double_encode = true},
	{.id = "STS",
	 .endpoint_prefix = "sts",
	 .signing_name = "sts",
	 .api_version = "2011-06-15",
	 .protocol = AWS_QUERY,
	 .double_encode = true},
	{.id = "CloudWatch",
	 .endpoint_prefix = "monitoring",
	 .signing_name = "monitoring",
	 .target_prefix = "GraniteServiceVersion20100801",
	 .protocol = AWS_JSON_1_0,
	 .double_encode = true,
	 .query_compatible = true},
};

static void check_class(const struct aws_service *s, const struct aws_response *out)
{
	struct aws_request r = {.service = s, .operation = "Try"};
	struct aws_response again = {.status = out->status,
				     .headers = out->headers,
				     .n_headers = out->n_headers,
				     .body = out->body};
	struct arena *a = arena_new();
	struct err err = ERR_INIT;
	struct reply_class how;
	int rc = reply_read(&r, a, &again, &how, &err);

	fuzz_check_err(rc, &err);
	FUZZ_CHECK(rc == 0 ? how.code == ERR_OK : how.code == err.code);
	FUZZ_CHECK(rc == 0 || err.http == out->status);
	FUZZ_CHECK(rc == 0 || err.sent == !how.refused);
	FUZZ_CHECK(!how.expired || how.code == ERR_DENIED);
	FUZZ_CHECK(!how.skewed || how.code == ERR_DENIED);
	FUZZ_CHECK(reply_retry_after_ms(&again) >= 0);
	arena_free(a);
}

static int try_call(struct fuzz_aws *f, const struct aws_service *s, struct aws_response *out,
		    struct err *err)
{
	const struct aws_request r = {.service = s, .operation = "Try", .resend_safe = true};

	return aws_call(&f->client, &r, f->arena, out, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct aws_service *s = &services[size ? data[0] % 4 : 0];
	struct fuzz_aws *f =
		fuzz_aws_new(size ? (struct str){(const char *)data + 1, size - 1} : STR(""));
	struct aws_response out;
	struct err err = ERR_INIT;
	int rc = try_call(f, s, &out, &err);

	fuzz_check_err(rc, &err);
	FUZZ_CHECK(rc || (out.status >= 200 && out.status < 300));
	for (size_t i = 0; i < out.n_headers; i++) {
		struct str value = out.headers[i].value;

		FUZZ_CHECK(out.headers[i].name.n > 0);
		FUZZ_CHECK(!value.n || !memchr(value.p, '\n', value.n));
	}
	FUZZ_CHECK(f->now_ms - FUZZ_NOW_MS <= 4 * 20000);
	if (out.status)
		check_class(s, &out);
	fuzz_aws_free(f);
	return 0;
}
