#include "aws/s3.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/aws/api_model.h"

#define HOST "https://artifacts.s3.eu-central-1.amazonaws.com"

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

/* --- writes ---------------------------------------------------------------------------------- */

static void test_put(void **state)
{
	struct fake *f = *state;
	struct s3_put put = {.object = {.bucket = "artifacts", .key = "web/Report/y"},
			     .body = STR("hello"),
			     .content_type = "application/zip",
			     .sse_kms = true,
			     .kms_key_id = "arn:aws:kms:eu-central-1:1:key/k"};
	struct s3_written w;
	struct err err = ERR_INIT;

	fake_fail(f, ERR_TIMEOUT, true); /* the same bytes again do no harm */
	fake_answer(f, 200, "ETag: \"e\"\nx-amz-version-id: 7\n", "");
	if (s3_put(&f->client, &put, f->arena, &w, &err))
		fail_msg("%s", err.text);
	assert_string_equal(fake_sent(f, 1)->url, HOST "/web/Report/y");
	assert_string_equal(fake_sent(f, 1)->method, "PUT");
	assert_true(str_is(fake_sent(f, 1)->body, "hello"));
	assert_true(str_is(fake_header(f, 1, "x-amz-server-side-encryption"), "aws:kms"));
	assert_true(str_is(fake_header(f, 1, "x-amz-server-side-encryption-aws-kms-key-id"),
			   "arn:aws:kms:eu-central-1:1:key/k"));
	assert_true(str_is(fake_header(f, 1, "content-type"), "application/zip"));
	assert_true(str_is(fake_header(f, 1, "x-amz-content-sha256"),
			   "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"));
	api_check(f, 1, "s3", "PutObject");
	assert_string_equal(w.etag, "\"e\"");
	assert_string_equal(w.version_id, "7");
	assert_true(fake_done(f));

	fake_again(f);
	fake_answer(f, 200, NULL, "");
	put = (struct s3_put){.object = {.bucket = "artifacts", .key = "k"}};
	assert_int_equal(s3_put(&f->client, &put, f->arena, &w, &err), 0);
	assert_int_equal(fake_header(f, 0, "x-amz-server-side-encryption").n, 0);
	assert_null(w.etag);

	/* the bucket's default key: the header alone */
	fake_again(f);
	fake_answer(f, 200, NULL, "");
	put.sse_kms = true;
	assert_int_equal(s3_put(&f->client, &put, f->arena, &w, &err), 0);
	assert_true(str_is(fake_header(f, 0, "x-amz-server-side-encryption"), "aws:kms"));
	assert_int_equal(fake_header(f, 0, "x-amz-server-side-encryption-aws-kms-key-id").n, 0);
}

static void test_put_only_when_absent(void **state)
{
	struct fake *f = *state;
	struct s3_put put = {.object = {.bucket = "artifacts", .key = "k"}, .if_none_match = true};
	struct s3_written w;
	struct err err = ERR_INIT;

	fake_fail(f, ERR_TIMEOUT, true);
	assert_int_equal(s3_put(&f->client, &put, f->arena, &w, &err), -1);
	assert_true(err.sent);
	assert_true(fake_done(f));
	assert_true(str_is(fake_header(f, 0, "If-None-Match"), "*"));
	api_check(f, 0, "s3", "PutObject");

	fake_again(f);
	fake_answer(f, 412, NULL, "<Error><Code>PreconditionFailed</Code></Error>");
	assert_int_equal(s3_put(&f->client, &put, f->arena, &w, &err), -1);
	assert_int_equal(err.code, ERR_CONFLICT);
}

/* --- multipart ------------------------------------------------------------------------------- */

static void test_multipart(void **state)
{
	struct fake *f = *state;
	struct s3_object o = {.bucket = "artifacts", .key = "k"};
	struct s3_put put = {.object = o, .sse_kms = true, .content_type = "application/zip"};
	struct s3_part parts[2] = {{.number = 1}, {.number = 2}};
	struct s3_upload_part part = {.object = o, .body = STR("p1"), .number = 1};
	struct s3_upload_complete up = {.object = o, .parts = parts, .n = 2};
	struct s3_written w;
	const char *id;
	struct err err = ERR_INIT;

	fake_answer(f, 200, NULL,
		    "<?xml version=\"1.0\"?><InitiateMultipartUploadResult "
		    "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><UploadId>u/1=</UploadId>"
		    "</InitiateMultipartUploadResult>");
	fake_answer(f, 200, "ETag: \"e<1>\"\n", "");
	fake_answer(f, 200, "ETag: \"e2\"\n", "");
	fake_answer(f, 200, "x-amz-version-id: 9\n",
		    "  \n\n <?xml version=\"1.0\"?>\n<CompleteMultipartUploadResult>"
		    "<ETag>&quot;done-2&quot;</ETag></CompleteMultipartUploadResult>");
	if (s3_upload_create(&f->client, &put, f->arena, &id, &err))
		fail_msg("%s", err.text);
	assert_string_equal(id, "u/1=");
	part.upload_id = id;
	assert_int_equal(s3_upload_part(&f->client, &part, f->arena, &parts[0].etag, &err), 0);
	part.number = 2;
	assert_int_equal(s3_upload_part(&f->client, &part, f->arena, &parts[1].etag, &err), 0);
	up.upload_id = id;
	if (s3_upload_complete(&f->client, &up, f->arena, &w, &err))
		fail_msg("%s", err.text);
	assert_string_equal(w.etag, "\"done-2\"");
	assert_string_equal(w.version_id, "9");

	assert_string_equal(fake_sent(f, 0)->url, HOST "/k?uploads=");
	assert_string_equal(fake_sent(f, 0)->method, "POST");
	assert_true(str_is(fake_header(f, 0, "x-amz-server-side-encryption"), "aws:kms"));
	assert_string_equal(fake_sent(f, 1)->url, HOST "/k?partNumber=1&uploadId=u%2F1%3D");
	assert_string_equal(fake_sent(f, 3)->url, HOST "/k?uploadId=u%2F1%3D");
	assert_string_equal(
		fake_sent(f, 3)->body.p,
		"<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
		"<Part><ETag>&quot;e&lt;1&gt;&quot;</ETag><PartNumber>1</PartNumber></Part>"
		"<Part><ETag>&quot;e2&quot;</ETag><PartNumber>2</PartNumber></Part>"
		"</CompleteMultipartUpload>");
	assert_true(fake_sent(f, 3)->total_ms >= 60000);
	api_check(f, 0, "s3", "CreateMultipartUpload");
	api_check(f, 1, "s3", "UploadPart");
	api_check(f, 3, "s3", "CompleteMultipartUpload");
	assert_true(fake_done(f));
}

static void test_success_that_is_a_failure(void **state)
{
	static const struct {
		const char *body;
		enum err_code code;
		const char *aws;
	} cases[] = {
		{" <Error><Code>InternalError</Code><Message>m</Message></Error>", ERR_UNAVAILABLE,
		 "InternalError"},
		{"<Error><Code>SlowDown</Code></Error>", ERR_THROTTLED, "SlowDown"},
		{"<Error><Code>InvalidPart</Code></Error>", ERR_REJECTED, "InvalidPart"},
		{"<Error><Code>NoSuchUpload</Code></Error>", ERR_NOT_FOUND, "NoSuchUpload"},
		{"<Error><Code>AccessDenied</Code></Error>", ERR_DENIED, "AccessDenied"},
		{"<Error/>", ERR_REJECTED, ""},
		{"<Surprise/>", ERR_MALFORMED, ""},
		{"", ERR_MALFORMED, ""},
		{"<CompleteMultipartUploadResult>", ERR_MALFORMED, ""},
	};
	struct fake *f = *state;
	struct s3_part part = {.number = 1, .etag = "e"};
	struct s3_upload_complete up = {.object = {.bucket = "artifacts", .key = "k"},
					.upload_id = "u",
					.parts = &part,
					.n = 1};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct s3_written w;
		struct err err = ERR_INIT;

		fake_again(f);
		fake_answer(f, 200, "x-amz-request-id: r1\n", cases[i].body);
		assert_int_equal(s3_upload_complete(&f->client, &up, f->arena, &w, &err), -1);
		assert_int_equal(err.code, cases[i].code);
		assert_string_equal(err.aws, cases[i].aws);
		assert_true(err.sent);
		assert_true(fake_done(f));
	}
}

static void test_complete_is_not_resent(void **state)
{
	struct fake *f = *state;
	struct s3_part part = {.number = 1, .etag = "e"};
	struct s3_upload_complete up = {.object = {.bucket = "artifacts", .key = "k"},
					.upload_id = "u",
					.parts = &part,
					.n = 1};
	struct s3_written w;
	struct err err = ERR_INIT;

	fake_fail(f, ERR_TIMEOUT, true);
	assert_int_equal(s3_upload_complete(&f->client, &up, f->arena, &w, &err), -1);
	assert_true(err.sent);
	assert_true(fake_done(f));
}

static void test_multipart_refusals(void **state)
{
	struct fake *f = *state;
	struct s3_object o = {.bucket = "artifacts", .key = "k"};
	struct s3_part parts[2] = {{2, "a"}, {2, "b"}};
	struct s3_upload_complete up = {.object = o, .upload_id = "u"};
	struct s3_upload_part part = {.object = o, .upload_id = "u", .number = 0};
	struct s3_put put = {.object = o};
	struct s3_written w;
	const char *text;
	struct err err = ERR_INIT;

	assert_int_equal(s3_upload_complete(&f->client, &up, f->arena, &w, &err), -1);
	assert_int_equal(err.code, ERR_REJECTED);
	up.parts = parts;
	up.n = 2;
	assert_int_equal(s3_upload_complete(&f->client, &up, f->arena, &w, &err), -1);
	parts[1].number = S3_PARTS_MAX + 1;
	assert_int_equal(s3_upload_complete(&f->client, &up, f->arena, &w, &err), -1);
	parts[0].number = 0;
	assert_int_equal(s3_upload_complete(&f->client, &up, f->arena, &w, &err), -1);
	/* without the id it would be a plain PUT, or a DELETE of the object */
	up.upload_id = "";
	assert_int_equal(s3_upload_complete(&f->client, &up, f->arena, &w, &err), -1);
	assert_int_equal(s3_upload_abort(&f->client, &o, "", f->arena, &err), -1);
	assert_int_equal(s3_upload_abort(&f->client, &o, NULL, f->arena, &err), -1);
	assert_int_equal(s3_upload_part(&f->client, &part, f->arena, &text, &err), -1);
	part.number = S3_PARTS_MAX + 1;
	assert_int_equal(s3_upload_part(&f->client, &part, f->arena, &text, &err), -1);
	part.number = 1;
	part.upload_id = NULL;
	assert_int_equal(s3_upload_part(&f->client, &part, f->arena, &text, &err), -1);
	assert_int_equal(err.code, ERR_REJECTED);
	assert_int_equal(f->n_requests, 0);

	part.upload_id = "u";
	fake_answer(f, 200, NULL, "");
	assert_int_equal(s3_upload_part(&f->client, &part, f->arena, &text, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	fake_answer(f, 200, NULL, "<InitiateMultipartUploadResult/>");
	assert_int_equal(s3_upload_create(&f->client, &put, f->arena, &text, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	fake_answer(f, 200, NULL, "");
	assert_int_equal(s3_upload_create(&f->client, &put, f->arena, &text, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
}

static void test_abort(void **state)
{
	struct fake *f = *state;
	struct s3_object o = {.bucket = "artifacts", .key = "k"};
	struct err err = ERR_INIT;

	fake_answer(f, 204, NULL, "");
	fake_answer(f, 404, NULL, "<Error><Code>NoSuchUpload</Code></Error>");
	assert_int_equal(s3_upload_abort(&f->client, &o, "u", f->arena, &err), 0);
	assert_int_equal(s3_upload_abort(&f->client, &o, "u", f->arena, &err), 0);
	assert_int_equal(err.code, ERR_OK);
	assert_string_equal(fake_sent(f, 0)->url, HOST "/k?uploadId=u");
	assert_string_equal(fake_sent(f, 0)->method, "DELETE");
	api_check(f, 0, "s3", "AbortMultipartUpload");
	fake_answer(f, 403, NULL, "<Error><Code>AccessDenied</Code></Error>");
	assert_int_equal(s3_upload_abort(&f->client, &o, "u", f->arena, &err), -1);
	assert_int_equal(err.code, ERR_DENIED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_put),
		TEST(test_put_only_when_absent),
		TEST(test_multipart),
		TEST(test_success_that_is_a_failure),
		TEST(test_complete_is_not_resent),
		TEST(test_multipart_refusals),
		TEST(test_abort),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
