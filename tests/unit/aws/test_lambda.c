#include "aws/lambda.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "aws/core/digest.h"
#include "tests/unit/aws/api_model.h"

#define HOST "https://lambda.eu-central-1.amazonaws.com"
#define ARN "arn:aws:lambda:eu-central-1:111122223333:function:checkout"
#define ARN_URI "arn%3Aaws%3Alambda%3Aeu-central-1%3A111122223333%3Afunction%3Acheckout"

static const char configuration[] =
	"{\"FunctionName\":\"checkout\",\"FunctionArn\":\"" ARN ":7\",\"Version\":\"7\","
	"\"CodeSha256\":\"c2hh\",\"RevisionId\":\"rev-1\",\"PackageType\":\"Zip\","
	"\"Runtime\":\"nodejs22.x\",\"Handler\":\"i.h\",\"Role\":\"arn:role\","
	"\"Description\":\"d\",\"LastModified\":\"2026-01-02\",\"DeadLetterConfig\":{"
	"\"TargetArn\":\"arn:dlq\"},\"Architectures\":[\"arm64\"],"
	"\"SnapStart\":{\"ApplyOn\":\"PublishedVersions\",\"OptimizationStatus\":\"On\"},"
	"\"CodeSize\":123,\"Timeout\":30,\"MemorySize\":256,\"State\":\"Pending\","
	"\"StateReason\":\"being made\",\"StateReasonCode\":\"Creating\","
	"\"LastUpdateStatus\":\"InProgress\",\"LastUpdateStatusReason\":\"r\","
	"\"LastUpdateStatusReasonCode\":\"c\",\"Environment\":{\"Variables\":{\"K\":\"v\"}},"
	"\"News\":null}";

static int set_up(void **state)
{
	*state = fake_new();
	return 0;
}

static int tear_down(void **state)
{
	fake_free(*state);
	return 0;
}

static void expect_request(struct fake *f, size_t i, const char *url, const char *body,
			   const char *operation)
{
	assert_string_equal(fake_sent(f, i)->url, arena_printf(f->arena, HOST "%s", url));
	assert_string_equal(fake_sent(f, i)->body.p, body);
	api_check(f, i, "lambda", operation);
}

/* --- configuration --------------------------------------------------------------------------- */

static void test_configuration(void **state)
{
	struct fake *f = *state;
	struct lambda_configuration c;
	struct err err = ERR_INIT;

	fake_answer(f, 200, "x-amzn-RequestId: r\n", configuration);
	if (lambda_get_function_configuration(&f->client, ARN, "7", f->arena, &c, &err))
		fail_msg("%s", err.text);
	expect_request(f, 0, "/2015-03-31/functions/" ARN_URI "/configuration?Qualifier=7", "",
		       "GetFunctionConfiguration");
	assert_int_equal(fake_header(f, 0, "content-type").n, 0);
	assert_string_equal(c.function_name, "checkout");
	assert_string_equal(c.function_arn, ARN ":7");
	assert_string_equal(c.version, "7");
	assert_string_equal(c.code_sha256, "c2hh");
	assert_string_equal(c.revision_id, "rev-1");
	assert_string_equal(c.package_type, "Zip");
	assert_string_equal(c.runtime, "nodejs22.x");
	assert_string_equal(c.handler, "i.h");
	assert_string_equal(c.role, "arn:role");
	assert_string_equal(c.description, "d");
	assert_string_equal(c.last_modified, "2026-01-02");
	assert_string_equal(c.dead_letter_arn, "arn:dlq");
	assert_string_equal(c.architecture, "arm64");
	assert_true(c.snap_start);
	assert_int_equal(c.code_size, 123);
	assert_int_equal(c.timeout_s, 30);
	assert_int_equal(c.memory_mb, 256);
	assert_int_equal(c.state, LAMBDA_PENDING);
	assert_string_equal(c.state_reason, "being made");
	assert_string_equal(c.state_reason_code, "Creating");
	assert_int_equal(c.update, LAMBDA_UPDATE_IN_PROGRESS);
	assert_string_equal(c.update_reason, "r");
	assert_string_equal(c.update_reason_code, "c");

	fake_again(f);
	fake_answer(f, 200, NULL, arena_printf(f->arena, "{\"Configuration\":%s}", configuration));
	assert_int_equal(lambda_get_function(&f->client, "checkout", "live", f->arena, &c, &err),
			 0);
	expect_request(f, 0, "/2015-03-31/functions/checkout?Qualifier=live", "", "GetFunction");
	assert_string_equal(c.version, "7");

	fake_again(f);
	fake_answer(f, 200, NULL,
		    "{\"FunctionArn\":\"a\",\"Version\":\"$LATEST\",\"DeadLetterConfig\":{"
		    "\"TargetArn\":\"\"},\"Timeout\":-1,\"Architectures\":\"x\"}");
	assert_int_equal(
		lambda_get_function_configuration(&f->client, "f", NULL, f->arena, &c, &err), 0);
	expect_request(f, 0, "/2015-03-31/functions/f/configuration", "",
		       "GetFunctionConfiguration");
	assert_null(c.dead_letter_arn);
	assert_null(c.architecture);
	assert_int_equal(c.timeout_s, 0);
	assert_int_equal(c.state, LAMBDA_STATE_NONE);
	assert_int_equal(c.update, LAMBDA_UPDATE_NONE);
}

static void test_states(void **state)
{
	static const struct {
		const char *state, *update;
		enum lambda_state want_state;
		enum lambda_update want_update;
	} cases[] = {
		{"Active", "Successful", LAMBDA_ACTIVE, LAMBDA_UPDATE_SUCCESSFUL},
		{"Inactive", "Failed", LAMBDA_INACTIVE, LAMBDA_UPDATE_FAILED},
		{"Failed", "Melted", LAMBDA_FAILED, LAMBDA_UPDATE_OTHER},
		{"Deleting", "", LAMBDA_STATE_OTHER, LAMBDA_UPDATE_NONE},
		{"", "InProgress", LAMBDA_STATE_NONE, LAMBDA_UPDATE_IN_PROGRESS},
	};
	struct fake *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct lambda_configuration c;
		struct err err = ERR_INIT;

		fake_answer(
			f, 200, NULL,
			arena_printf(f->arena,
				     "{\"FunctionArn\":\"a\",\"Version\":\"1\",\"State\":\"%s\","
				     "\"LastUpdateStatus\":\"%s\"}",
				     cases[i].state, cases[i].update));
		assert_int_equal(lambda_get_function(&f->client, "f", NULL, f->arena, &c, &err),
				 -1);
		assert_int_equal(err.code, ERR_MALFORMED);
		fake_answer(f, 200, NULL, f->steps[f->n_steps - 1].body.p);
		assert_int_equal(lambda_get_function_configuration(&f->client, "f", NULL, f->arena,
								   &c, &err),
				 0);
		assert_int_equal(c.state, cases[i].want_state);
		assert_int_equal(c.update, cases[i].want_update);
	}
}

/* An empty or dotted name would make another path; DELETE of "/functions/" is not to be tried. */
static void test_bad_names_are_not_sent(void **state)
{
	struct fake *f = *state;
	char *long_name = arena_alloc(f->arena, 600);
	const char *bad[] = {NULL, "", ".", "..", long_name};

	memset(long_name, 'x', 599);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct lambda_alias_update u = {.function = bad[i], .name = "live"};
		struct lambda_code code = {.function = bad[i], .zip = STR("z")};
		struct lambda_publish p = {.function = bad[i]};
		struct lambda_invoke in = {.function = bad[i]};
		struct lambda_configuration c;
		struct lambda_alias al, *all;
		struct lambda_invoked out;
		struct err err = ERR_INIT;
		size_t n;

#define REFUSED(call)                                     \
	do {                                              \
		err = ERR_INIT;                           \
		assert_int_equal((call), -1);             \
		assert_int_equal(err.code, ERR_REJECTED); \
	} while (0)
		REFUSED(lambda_get_function(&f->client, bad[i], NULL, f->arena, &c, &err));
		REFUSED(lambda_get_function_configuration(&f->client, bad[i], NULL, f->arena, &c,
							  &err));
		REFUSED(lambda_update_function_code(&f->client, &code, f->arena, &c, &err));
		REFUSED(lambda_publish_version(&f->client, &p, f->arena, &c, &err));
		REFUSED(lambda_delete_function_version(&f->client, bad[i], "1", f->arena, &err));
		REFUSED(lambda_get_alias(&f->client, bad[i], "live", f->arena, &al, &err));
		REFUSED(lambda_get_alias(&f->client, "f", bad[i], f->arena, &al, &err));
		REFUSED(lambda_update_alias(&f->client, &u, f->arena, &al, &err));
		u.function_version = "1";
		REFUSED(lambda_create_alias(&f->client, &u, f->arena, &al, &err));
		u.function = "f";
		u.function_version = bad[i];
		REFUSED(lambda_create_alias(&f->client, &u, f->arena, &al, &err));
		u.function_version = "1";
		u.name = bad[i];
		REFUSED(lambda_create_alias(&f->client, &u, f->arena, &al, &err));
		REFUSED(lambda_update_alias(&f->client, &u, f->arena, &al, &err));
		REFUSED(lambda_list_aliases(&f->client, bad[i], NULL, f->arena, &all, &n, &err));
		REFUSED(lambda_invoke(&f->client, &in, f->arena, &out, &err));
		REFUSED(lambda_put_provisioned(&f->client, bad[i], "1", 1, f->arena, &err));
		REFUSED(lambda_put_provisioned(&f->client, "f", bad[i], 1, f->arena, &err));
		if (bad[i]) {
			REFUSED(lambda_get_function(&f->client, "f", bad[i], f->arena, &c, &err));
			in = (struct lambda_invoke){.function = "f", .qualifier = bad[i]};
			REFUSED(lambda_invoke(&f->client, &in, f->arena, &out, &err));
		}
	}
	assert_int_equal(f->n_requests, 0);
}

/* --- code and versions ----------------------------------------------------------------------- */

static void test_update_code(void **state)
{
	struct fake *f = *state;
	struct lambda_code code = {.function = "checkout", .zip = STR("PK\x03\x04z")};
	struct lambda_configuration c;
	struct err err = ERR_INIT;

	fake_fail(f, ERR_TIMEOUT, true); /* without a revision id it may be sent again */
	fake_answer(f, 200, NULL, configuration);
	if (lambda_update_function_code(&f->client, &code, f->arena, &c, &err))
		fail_msg("%s", err.text);
	expect_request(f, 1, "/2015-03-31/functions/checkout/code", "{\"ZipFile\":\"UEsDBHo=\"}",
		       "UpdateFunctionCode");
	assert_string_equal(fake_sent(f, 1)->method, "PUT");
	assert_true(str_is(fake_header(f, 1, "content-type"), "application/json"));
	assert_true(fake_done(f));

	fake_again(f);
	code.revision_id = "rev";
	code.dry_run = true;
	fake_fail(f, ERR_TIMEOUT, true); /* with one it may not */
	assert_int_equal(lambda_update_function_code(&f->client, &code, f->arena, &c, &err), -1);
	assert_true(err.sent);
	assert_true(fake_done(f));
	expect_request(f, 0, "/2015-03-31/functions/checkout/code",
		       "{\"ZipFile\":\"UEsDBHo=\",\"DryRun\":true,\"RevisionId\":\"rev\"}",
		       "UpdateFunctionCode");

	fake_again(f);
	code = (struct lambda_code){.function = "checkout",
				    .s3_bucket = "b",
				    .s3_key = "k",
				    .s3_object_version = "v",
				    .revision_id = "rev"};
	fake_answer(f, 200, NULL, configuration);
	assert_int_equal(lambda_update_function_code(&f->client, &code, f->arena, &c, &err), 0);
	expect_request(f, 0, "/2015-03-31/functions/checkout/code",
		       "{\"S3Bucket\":\"b\",\"S3Key\":\"k\",\"S3ObjectVersion\":\"v\","
		       "\"RevisionId\":\"rev\"}",
		       "UpdateFunctionCode");
}

static void test_update_code_refusals(void **state)
{
	struct fake *f = *state;
	struct lambda_code code = {.function = "checkout", .s3_bucket = "b"};
	struct lambda_configuration c;
	struct err err = ERR_INIT;

	assert_int_equal(lambda_update_function_code(&f->client, &code, f->arena, &c, &err), -1);
	assert_int_equal(err.code, ERR_REJECTED);
	code.zip = (struct str){"x", LAMBDA_ZIP_MAX + 1};
	assert_int_equal(lambda_update_function_code(&f->client, &code, f->arena, &c, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_int_equal(f->n_requests, 0);
}

static void test_publish(void **state)
{
	struct fake *f = *state;
	struct lambda_publish p = {.function = "checkout",
				   .code_sha256 = "c2hh",
				   .revision_id = "rev",
				   .description = "rollout 1"};
	struct lambda_configuration c;
	struct err err = ERR_INIT;

	fake_fail(f, ERR_NETWORK, true);
	fake_answer(f, 201, NULL, configuration);
	if (lambda_publish_version(&f->client, &p, f->arena, &c, &err))
		fail_msg("%s", err.text);
	expect_request(f, 1, "/2015-03-31/functions/checkout/versions",
		       "{\"CodeSha256\":\"c2hh\",\"Description\":\"rollout 1\","
		       "\"RevisionId\":\"rev\"}",
		       "PublishVersion");
	assert_string_equal(c.version, "7");
	assert_true(fake_done(f));

	fake_again(f);
	p = (struct lambda_publish){.function = "checkout"};
	fake_fail(f, ERR_NETWORK, true);
	assert_int_equal(lambda_publish_version(&f->client, &p, f->arena, &c, &err), -1);
	assert_true(err.sent);
	assert_true(fake_done(f));
	expect_request(f, 0, "/2015-03-31/functions/checkout/versions", "{}", "PublishVersion");

	/* the version exists now, only we do not know its number */
	fake_again(f);
	fake_answer(f, 201, NULL, "{\"FunctionName\":\"checkout\"}");
	err = ERR_INIT;
	assert_int_equal(lambda_publish_version(&f->client, &p, f->arena, &c, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	assert_true(err.sent);
}

static void test_delete_version(void **state)
{
	static const char *const bad[] = {
		NULL, "", "$LATEST", "live", "0", "-1", "7 ", "7x", "+7", "99999999999999999999",
	};
	struct fake *f = *state;
	struct err err = ERR_INIT;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err = ERR_INIT;
		assert_int_equal(lambda_delete_function_version(&f->client, "checkout", bad[i],
								f->arena, &err),
				 -1);
		assert_int_equal(err.code, ERR_REJECTED);
	}
	assert_int_equal(f->n_requests, 0);

	fake_answer(f, 204, NULL, "");
	fake_answer(f, 200, NULL, "{\"StatusCode\":200}");
	fake_answer(f, 404, "x-amzn-errortype: ResourceNotFoundException\n", "{}");
	for (int i = 0; i < 3; i++)
		assert_int_equal(
			lambda_delete_function_version(&f->client, "checkout", "7", f->arena, &err),
			0);
	expect_request(f, 0, "/2015-03-31/functions/checkout?Qualifier=7", "", "DeleteFunction");
	assert_string_equal(fake_sent(f, 0)->method, "DELETE");

	fake_answer(f, 409, "x-amzn-errortype: ResourceConflictException:http://x/\n", "{}");
	assert_int_equal(
		lambda_delete_function_version(&f->client, "checkout", "7", f->arena, &err), -1);
	assert_int_equal(err.code, ERR_CONFLICT);
	assert_string_equal(err.aws, "ResourceConflictException");
}

static void test_errors(void **state)
{
	static const struct {
		int status;
		const char *type;
		enum err_code code;
		size_t attempts;
	} cases[] = {
		{400, "InvalidParameterValueException", ERR_REJECTED, 1},
		{404, "ResourceNotFoundException", ERR_NOT_FOUND, 1},
		{409, "ResourceConflictException", ERR_CONFLICT, 1},
		{412, "PreconditionFailedException", ERR_CONFLICT, 1},
		{403, "AccessDeniedException", ERR_DENIED, 1},
		{429, "TooManyRequestsException", ERR_THROTTLED, 3},
		{500, "ServiceException", ERR_UNAVAILABLE, 3},
	};
	struct fake *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct lambda_alias al;
		struct err err = ERR_INIT;

		fake_again(f);
		for (size_t k = 0; k < cases[i].attempts; k++)
			fake_answer(f, cases[i].status,
				    arena_printf(f->arena, "x-amzn-errortype: %s\n", cases[i].type),
				    "{\"message\":\"m\"}");
		assert_int_equal(lambda_get_alias(&f->client, "f", "live", f->arena, &al, &err),
				 -1);
		assert_int_equal(err.code, cases[i].code);
		assert_string_equal(err.aws, cases[i].type);
		assert_true(fake_done(f));
	}
}

/* --- invoking -------------------------------------------------------------------------------- */

static void test_invoke(void **state)
{
	struct fake *f = *state;
	struct lambda_invoke in = {.function = "smoke",
				   .qualifier = "7",
				   .payload = STR("{\"a\":1}"),
				   .timeout_ms = 65000};
	struct lambda_invoked out;
	struct err err = ERR_INIT;

	fake_answer(f, 200, "X-Amz-Executed-Version: 7\nX-Amz-Log-Result: gHN0YXJ0CmEbYg==\n",
		    "not JSON at all");
	if (lambda_invoke(&f->client, &in, f->arena, &out, &err))
		fail_msg("%s", err.text);
	expect_request(f, 0, "/2015-03-31/functions/smoke/invocations?Qualifier=7", "{\"a\":1}",
		       "Invoke");
	assert_true(str_is(fake_header(f, 0, "X-Amz-Invocation-Type"), "RequestResponse"));
	assert_true(str_is(fake_header(f, 0, "X-Amz-Log-Type"), "Tail"));
	assert_int_equal(fake_sent(f, 0)->total_ms, 65000);
	assert_int_equal(out.status, 200);
	assert_null(out.function_error);
	assert_string_equal(out.executed_version, "7");
	assert_true(str_is(out.payload, "not JSON at all"));
	/* begins in the middle of a character, and tries an escape sequence */
	assert_string_equal(out.log_tail, "start\na?b");

	fake_again(f);
	fake_answer(f, 200, "X-Amz-Function-Error: Unhandled\nX-Amz-Log-Result: %%%\n",
		    "{\"errorMessage\":\"x\"}");
	assert_int_equal(lambda_invoke(&f->client, &in, f->arena, &out, &err), 0);
	assert_string_equal(out.function_error, "Unhandled");
	assert_null(out.log_tail);
	assert_null(out.executed_version);

	fake_again(f);
	fake_answer(f, 204, NULL, "");
	in = (struct lambda_invoke){.function = "smoke", .dry_run = true};
	assert_int_equal(lambda_invoke(&f->client, &in, f->arena, &out, &err), 0);
	assert_true(str_is(fake_header(f, 0, "X-Amz-Invocation-Type"), "DryRun"));
	expect_request(f, 0, "/2015-03-31/functions/smoke/invocations", "", "Invoke");
	assert_int_equal(out.status, 204);
}

static void test_log_tail_that_is_no_text(void **state)
{
	struct fake *f = *state;
	struct lambda_invoke in = {.function = "smoke"};
	struct lambda_invoked out;
	struct err err = ERR_INIT;

	/* "a", 0xff, 0x00, 0x7f, tab, "b" */
	fake_answer(f, 200, "X-Amz-Log-Result: Yf8Afwli\n", "");
	assert_int_equal(lambda_invoke(&f->client, &in, f->arena, &out, &err), 0);
	assert_string_equal(out.log_tail, "a???\tb");

	/* more than Lambda ever sends */
	struct buf b;
	char zeros[9000] = {0};

	buf_init(&b, 20000);
	buf_adds(&b, "X-Amz-Log-Result: ");
	base64_encode(&b, zeros, sizeof(zeros));
	fake_answer(f, 200, arena_strdup(f->arena, b.p), "");
	buf_release(&b);
	assert_int_equal(lambda_invoke(&f->client, &in, f->arena, &out, &err), 0);
	assert_null(out.log_tail);
}

static void test_invoke_runs_once(void **state)
{
	struct fake *f = *state;
	struct lambda_invoke in = {.function = "smoke"};
	struct lambda_invoked out;
	struct err err = ERR_INIT;

	fake_fail(f, ERR_TIMEOUT, true);
	assert_int_equal(lambda_invoke(&f->client, &in, f->arena, &out, &err), -1);
	assert_true(err.sent);
	assert_true(fake_done(f));

	fake_again(f);
	fake_answer(f, 502, "x-amzn-errortype: KMSDisabledException\n", "{}");
	assert_int_equal(lambda_invoke(&f->client, &in, f->arena, &out, &err), -1);
	assert_string_equal(err.aws, "KMSDisabledException");
	assert_true(fake_done(f));

	fake_again(f);
	in.resend_safe = true;
	fake_fail(f, ERR_TIMEOUT, true);
	fake_answer(f, 200, NULL, "1");
	assert_int_equal(lambda_invoke(&f->client, &in, f->arena, &out, &err), 0);
	assert_true(fake_done(f));
}

/* --- provisioned concurrency ----------------------------------------------------------------- */

static void test_provisioned(void **state)
{
	static const struct {
		const char *word;
		enum lambda_provisioned_status status;
	} cases[] = {{"IN_PROGRESS", LAMBDA_PROVISIONED_IN_PROGRESS},
		     {"READY", LAMBDA_PROVISIONED_READY},
		     {"FAILED", LAMBDA_PROVISIONED_FAILED},
		     {"ready", LAMBDA_PROVISIONED_OTHER}};
	struct fake *f = *state;
	struct lambda_provisioned p;
	struct err err = ERR_INIT;

	fake_answer(f, 202, NULL, "{\"Status\":\"IN_PROGRESS\"}");
	assert_int_equal(lambda_put_provisioned(&f->client, "f", "7", 5, f->arena, &err), 0);
	expect_request(f, 0, "/2019-09-30/functions/f/provisioned-concurrency?Qualifier=7",
		       "{\"ProvisionedConcurrentExecutions\":5}",
		       "PutProvisionedConcurrencyConfig");

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fake_again(f);
		fake_answer(f, 200, NULL,
			    arena_printf(f->arena,
					 "{\"Status\":\"%s\",\"StatusReason\":\"r\","
					 "\"RequestedProvisionedConcurrentExecutions\":5,"
					 "\"AvailableProvisionedConcurrentExecutions\":3,"
					 "\"AllocatedProvisionedConcurrentExecutions\":4}",
					 cases[i].word));
		assert_int_equal(lambda_get_provisioned(&f->client, "f", "7", f->arena, &p, &err),
				 0);
		assert_int_equal(p.status, cases[i].status);
	}
	expect_request(f, 0, "/2019-09-30/functions/f/provisioned-concurrency?Qualifier=7", "",
		       "GetProvisionedConcurrencyConfig");
	assert_string_equal(p.reason, "r");
	assert_int_equal(p.requested, 5);
	assert_int_equal(p.available, 3);
	assert_int_equal(p.allocated, 4);

	fake_again(f);
	fake_answer(f, 204, NULL, "");
	fake_answer(f, 404, "x-amzn-errortype: ProvisionedConcurrencyConfigNotFoundException\n",
		    "{}");
	assert_int_equal(lambda_delete_provisioned(&f->client, "f", "7", f->arena, &err), 0);
	assert_int_equal(lambda_delete_provisioned(&f->client, "f", "7", f->arena, &err), 0);
	expect_request(f, 0, "/2019-09-30/functions/f/provisioned-concurrency?Qualifier=7", "",
		       "DeleteProvisionedConcurrencyConfig");
	fake_answer(f, 404, "x-amzn-errortype: ResourceNotFoundException\n", "{}");
	assert_int_equal(lambda_delete_provisioned(&f->client, "f", "7", f->arena, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	fake_answer(f, 404, "x-amzn-errortype: ProvisionedConcurrencyConfigNotFoundException\n",
		    "{}");
	assert_int_equal(lambda_get_provisioned(&f->client, "f", "7", f->arena, &p, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
}

static void test_provisioned_refusals(void **state)
{
	struct fake *f = *state;
	struct lambda_provisioned p;
	struct err err = ERR_INIT;

	assert_int_equal(lambda_put_provisioned(&f->client, "f", "7", 0, f->arena, &err), -1);
	assert_int_equal(lambda_put_provisioned(&f->client, "f", NULL, 1, f->arena, &err), -1);
	assert_int_equal(lambda_put_provisioned(&f->client, "f", "$LATEST", 1, f->arena, &err), -1);
	assert_int_equal(lambda_get_provisioned(&f->client, "f", NULL, f->arena, &p, &err), -1);
	assert_int_equal(lambda_delete_provisioned(&f->client, "f", "", f->arena, &err), -1);
	assert_int_equal(err.code, ERR_REJECTED);
	assert_int_equal(f->n_requests, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_configuration),
		TEST(test_states),
		TEST(test_bad_names_are_not_sent),
		TEST(test_update_code),
		TEST(test_update_code_refusals),
		TEST(test_publish),
		TEST(test_delete_version),
		TEST(test_errors),
		TEST(test_invoke),
		TEST(test_log_tail_that_is_no_text),
		TEST(test_invoke_runs_once),
		TEST(test_provisioned),
		TEST(test_provisioned_refusals),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
