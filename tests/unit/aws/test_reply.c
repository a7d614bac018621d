#include "aws/reply.h"

#include "tests/unit/aws/fake.h"

static const struct aws_service query = {.id = "EC2", .protocol = AWS_QUERY};
static const struct aws_service json = {.id = "DynamoDB", .protocol = AWS_JSON_1_0};
static const struct aws_service ecs = {.id = "ECS", .protocol = AWS_JSON_1_1};
static const struct aws_service rest = {.id = "Lambda", .protocol = AWS_REST_JSON};
static const struct aws_service s3 = {.id = "S3", .protocol = AWS_REST_XML};

static void test_classes(void **state)
{
	static const struct {
		const char *code;
		int status;
		enum err_code want;
		bool retry, refused;
	} cases[] = {
		{"Throttling", 400, ERR_THROTTLED, true, true},
		{"SlowDown", 503, ERR_THROTTLED, true, true},
		{"", 429, ERR_THROTTLED, true, true},
		{"LimitExceededException", 400, ERR_THROTTLED, true, true},
		{"", 500, ERR_UNAVAILABLE, true, false},
		{"InternalFailure", 500, ERR_UNAVAILABLE, true, false},
		{"", 502, ERR_UNAVAILABLE, true, false},
		{"", 501, ERR_UNAVAILABLE, false, false},
		{"RequestTimeout", 400, ERR_UNAVAILABLE, true, false},
		{"IDPCommunicationError", 400, ERR_UNAVAILABLE, true, false},
		{"AccessDenied", 400, ERR_DENIED, false, true},
		{"ExpiredToken", 400, ERR_DENIED, false, true},
		{"UnauthorizedOperation", 403, ERR_DENIED, false, true},
		{"", 403, ERR_DENIED, false, true},
		{"", 401, ERR_DENIED, false, true},
		{"NoSuchKey", 404, ERR_NOT_FOUND, false, true},
		{"TargetGroupNotFound", 400, ERR_NOT_FOUND, false, true},
		{"InvalidInstanceID.NotFound", 400, ERR_NOT_FOUND, false, true},
		{"JobNotFoundException", 400, ERR_NOT_FOUND, false, true},
		{"DoesNotExistException", 400, ERR_NOT_FOUND, false, true},
		{"", 404, ERR_NOT_FOUND, false, true},
		{"InvalidNonceException", 400, ERR_CONFLICT, false, true},
		{"InvalidJobStateException", 400, ERR_CONFLICT, false, true},
		{"ResourceConflictException", 409, ERR_CONFLICT, false, true},
		{"ResourceInUse", 400, ERR_CONFLICT, false, true},
		{"AlreadyExists", 400, ERR_CONFLICT, false, true},
		{"DuplicateTargetGroupName", 400, ERR_CONFLICT, false, true},
		{"", 412, ERR_CONFLICT, false, true},
		{"ValidationError", 400, ERR_REJECTED, false, true},
		{"PermanentRedirect", 301, ERR_REJECTED, false, true},
		{"", 418, ERR_REJECTED, false, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct reply_class c =
			reply_classify(&json, str_from(cases[i].code), cases[i].status);

		print_message("case %s %d\n", cases[i].code, cases[i].status);
		assert_int_equal(c.code, cases[i].want);
		assert_int_equal(c.retry, cases[i].retry);
		assert_int_equal(c.refused, cases[i].refused);
	}
	/* a quota there, a rate elsewhere */
	assert_int_equal(reply_classify(&ecs, STR("LimitExceededException"), 400).code,
			 ERR_REJECTED);
	assert_true(reply_classify(&json, STR("ExpiredTokenException"), 400).expired);
	assert_true(reply_classify(&json, STR("RequestTimeTooSkewed"), 403).skewed);
	assert_false(reply_classify(&json, STR("AccessDenied"), 403).skewed);
}

struct shape {
	const struct aws_service *service;
	int status;
	const char *name, *value; /* a header */
	const char *body;
	const char *aws, *text, *id;
};

static void test_error_shapes(void **state)
{
	static const struct shape cases[] = {
		{&query, 400, NULL, NULL,
		 "<ErrorResponse xmlns=\"http://x/\"><Error><Type>Sender</Type><Code>RuleNotFound"
		 "</Code><Message> One\nrule </Message></Error><RequestId>q-1</RequestId>"
		 "</ErrorResponse>",
		 "RuleNotFound", "RuleNotFound: One?rule (HTTP 400, request q-1)", "q-1"},
		{&query, 400, NULL, NULL,
		 "<Response><Errors><Error><Code>RequestExpired</Code><Message>m</Message></Error>"
		 "</Errors><RequestID>e-1</RequestID></Response>",
		 "RequestExpired", "RequestExpired: m (HTTP 400, request e-1)", "e-1"},
		{&s3, 403, "x-amz-request-id", "h-1",
		 "<Error><Code>AccessDenied</Code><Message>No</Message><RequestId>b-1</RequestId>"
		 "</Error>",
		 "AccessDenied", "AccessDenied: No (HTTP 403, request h-1)", "h-1"},
		{&s3, 404, NULL, NULL, "", "", "no AWS error code (HTTP 404)", ""},
		{&json, 400, "x-amzn-RequestId", "j-1",
		 "{\"__type\":\"com.x#ThrottlingException:http://y/\",\"Message\":\"slow\"}",
		 "ThrottlingException", "ThrottlingException: slow (HTTP 400, request j-1)", "j-1"},
		{&rest, 404, "X-Amzn-ErrorType", "ResourceNotFoundException:http://z/",
		 "{\"Type\":\"User\",\"message\":\"gone\"}", "ResourceNotFoundException",
		 "ResourceNotFoundException: gone (HTTP 404)", ""},
		{&rest, 400, NULL, NULL, "{\"code\":\"BadThing\"}", "BadThing",
		 "BadThing (HTTP 400)", ""},
		{&json, 503, NULL, NULL, "<html>proxy</html>", "", "no AWS error code (HTTP 503)",
		 ""},
		{&query, 502, NULL, NULL, "{\"not\":\"xml\"}", "", "no AWS error code (HTTP 502)",
		 ""},
		{&json, 400, NULL, NULL, "[1,2]", "", "no AWS error code (HTTP 400)", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct shape *s = &cases[i];
		const struct aws_request r = {.service = s->service, .operation = "Op"};
		struct http_header h = {str_from(s->name), str_from(s->value)};
		struct aws_response out = {.status = s->status,
					   .headers = &h,
					   .n_headers = s->name ? 1 : 0,
					   .body = str_from(s->body)};
		struct arena *a = arena_new();
		struct reply_class how;
		struct err err = ERR_INIT;

		assert_int_equal(reply_read(&r, a, &out, &how, &err), -1);
		assert_string_equal(err.text, s->text);
		assert_string_equal(err.aws, s->aws);
		assert_string_equal(err.request_id, s->id);
		assert_int_equal(err.http, s->status);
		assert_int_equal(err.code, how.code);
		arena_free(a);
	}
}

static void s3_200(const char *body, enum err_code want, bool sent)
{
	const struct aws_request r = {.service = &s3, .operation = "CompleteMultipartUpload"};
	struct aws_response out = {.status = 200, .body = str_from(body)};
	struct arena *a = arena_new();
	struct reply_class how;
	struct err err = ERR_INIT;

	assert_int_equal(reply_read(&r, a, &out, &how, &err), want == ERR_OK ? 0 : -1);
	assert_int_equal(how.code, want);
	assert_int_equal(err.code, want);
	assert_int_equal(err.sent, sent);
	arena_free(a);
}

/* S3 answers 200 before it knows how a long operation ends. */
static void test_error_in_success(void **state)
{
	(void)state;
	s3_200("<CompleteMultipartUploadResult/>", ERR_OK, false);
	s3_200("", ERR_OK, false);
	s3_200("<Error><Code>InternalError</Code></Error>", ERR_UNAVAILABLE, true);
	s3_200("<Error><Code>SlowDown</Code></Error>", ERR_THROTTLED, false);
	s3_200("<Error><Code>NoSuchUpload</Code></Error>", ERR_NOT_FOUND, false);
	s3_200("<Error", ERR_MALFORMED, true);
}

/* Long and hostile text is cut and cleaned, never printed as it came. */
static void test_hostile_text(void **state)
{
	const struct aws_request r = {.service = &json, .operation = "Op"};
	struct aws_response out = {.status = 400};
	struct arena *a = arena_new();
	struct reply_class how;
	struct err err = ERR_INIT;
	struct buf b;

	(void)state;
	buf_init(&b, 1u << 20);
	buf_adds(&b, "{\"__type\":\"");
	for (int i = 0; i < 200; i++)
		buf_adds(&b, "Long");
	buf_adds(&b, "\",\"message\":\"\\u001b[31m\\n");
	for (int i = 0; i < 2000; i++)
		buf_adds(&b, "text ");
	buf_adds(&b, "\"}");
	out.body = buf_str(&b);
	assert_int_equal(reply_read(&r, a, &out, &how, &err), -1);
	for (const char *c = err.text; *c; c++)
		assert_true((unsigned char)*c >= ' ');
	assert_int_equal(strlen(err.aws), sizeof(err.aws) - 1);
	assert_non_null(strstr(err.text, "(HTTP 400)"));
	buf_release(&b);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_error_shapes),
		cmocka_unit_test(test_error_in_success),
		cmocka_unit_test(test_hostile_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
