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

static struct s3_get simple_get(void)
{
	return (struct s3_get){.object = {.bucket = "artifacts", .key = "web/Build/x.zip"}};
}

/* --- GetObject ------------------------------------------------------------------------------- */

static void test_get(void **state)
{
	struct fake *f = *state;
	struct s3_get get = simple_get();
	struct s3_info info;
	struct str body;
	struct err err = ERR_INIT;

	get.object.version_id = "v+1";
	get.object.expected_owner = "111122223333";
	get.if_match = "\"e1\"";
	get.body_max = 100;
	get.stall_ms = 7;
	get.total_ms = 8;
	fake_answer(f, 200,
		    "Content-Length: 5\nETag: \"e1\"\nx-amz-version-id: v+1\n"
		    "Content-Type: application/zip\nContent-Encoding: identity\n"
		    "x-amz-server-side-encryption: aws:kms\n"
		    "Last-Modified: Fri, 02 Jan 2026 03:04:05 GMT\n",
		    "<zip>");
	if (s3_get(&f->client, &get, f->arena, &info, &body, &err))
		fail_msg("%s", err.text);
	assert_string_equal(fake_sent(f, 0)->url, HOST "/web/Build/x.zip?versionId=v%2B1");
	assert_string_equal(fake_sent(f, 0)->method, "GET");
	assert_true(str_is(fake_header(f, 0, "If-Match"), "\"e1\""));
	assert_true(str_is(fake_header(f, 0, "x-amz-expected-bucket-owner"), "111122223333"));
	assert_int_equal(fake_header(f, 0, "Range").n, 0);
	assert_int_equal(fake_header(f, 0, "x-amz-content-sha256").n, 64);
	assert_int_equal(fake_sent(f, 0)->body_max, 100);
	assert_int_equal(fake_sent(f, 0)->stall_ms, 7);
	assert_int_equal(fake_sent(f, 0)->total_ms, 8);
	api_check(f, 0, "s3", "GetObject");
	assert_true(str_is(body, "<zip>"));
	assert_int_equal(info.size, 5);
	assert_int_equal(info.length, 5);
	assert_int_equal(info.start, 0);
	assert_string_equal(info.etag, "\"e1\"");
	assert_string_equal(info.version_id, "v+1");
	assert_string_equal(info.content_type, "application/zip");
	assert_string_equal(info.content_encoding, "identity");
	assert_string_equal(info.encryption, "aws:kms");
	assert_true(info.has_modified);
	assert_int_equal(info.modified.ms, 1767323045000);
}

/* Every segment is encoded, the slashes stay, and nothing is tidied up. */
static void test_keys_are_taken_literally(void **state)
{
	static const struct {
		const char *bucket, *key, *url;
	} cases[] = {
		{"artifacts", "a b/c+d=e&f?g#h%", HOST "/a%20b/c%2Bd%3De%26f%3Fg%23h%25"},
		{"artifacts", "//x//y/", HOST "///x//y/"},
		{"artifacts", "\xc3\xa4", HOST "/%C3%A4"},
		{"artifacts", "~-._", HOST "/~-._"},
		{"dotted.name", "k", "https://s3.eu-central-1.amazonaws.com/dotted.name/k"},
	};
	struct fake *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct s3_object o = {.bucket = cases[i].bucket, .key = cases[i].key};
		struct s3_info info;
		struct err err = ERR_INIT;

		fake_again(f);
		fake_answer(f, 200, "Content-Length: 9\n", "");
		if (s3_head(&f->client, &o, f->arena, &info, &err))
			fail_msg("%s", err.text);
		assert_string_equal(fake_sent(f, 0)->url, cases[i].url);
		assert_null(info.etag);
		assert_false(info.has_modified);
	}
}

struct taken {
	struct s3_info info;
	int starts;
	char bytes[64];
	size_t n;
	bool refuse_start, refuse_body;
};

static int on_start(void *arg, const struct s3_info *info, struct err *err)
{
	struct taken *t = arg;

	if (t->refuse_start)
		return err_set(err, ERR_SYSTEM, "no room");
	t->info = *info;
	t->starts++;
	t->n = 0;
	return 0;
}

static int on_body(void *arg, const char *p, size_t n, struct err *err)
{
	struct taken *t = arg;

	if (t->refuse_body)
		return err_set(err, ERR_SYSTEM, "disk full");
	assert_true(t->n + n < sizeof(t->bytes));
	memcpy(t->bytes + t->n, p, n);
	t->n += n;
	return 0;
}

static void test_get_a_range_in_pieces(void **state)
{
	struct fake *f = *state;
	struct taken t = {.starts = 0};
	struct s3_get get = simple_get();
	struct s3_info info;
	struct err err = ERR_INIT;

	get.start = 10;
	get.on_start = on_start;
	get.on_body = on_body;
	get.on_arg = &t;
	/* a failed attempt first: the taker starts over */
	fake_answer(f, 503, NULL, "<Error><Code>SlowDown</Code></Error>");
	fake_answer(f, 206, "Content-Length: 6\nContent-Range: bytes 10-15/16\n", "abcdef");
	if (s3_get(&f->client, &get, f->arena, &info, NULL, &err))
		fail_msg("%s", err.text);
	assert_true(str_is(fake_header(f, 1, "Range"), "bytes=10-"));
	api_check(f, 1, "s3", "GetObject");
	assert_int_equal(t.starts, 1);
	assert_int_equal(t.n, 6);
	assert_memory_equal(t.bytes, "abcdef", 6);
	assert_int_equal(t.info.start, 10);
	assert_int_equal(info.size, 16);
	assert_int_equal(info.length, 6);
	assert_true(fake_done(f));
}

static void test_the_taker_can_refuse(void **state)
{
	struct fake *f = *state;
	struct taken t = {.refuse_start = true};
	struct s3_get get = simple_get();
	struct s3_info info;
	struct err err = ERR_INIT;

	get.on_start = on_start;
	get.on_body = on_body;
	get.on_arg = &t;
	fake_answer(f, 200, "Content-Length: 2\n", "ab");
	assert_int_equal(s3_get(&f->client, &get, f->arena, &info, NULL, &err), -1);
	assert_int_equal(err.code, ERR_SYSTEM);
	assert_non_null(strstr(err.text, "no room"));

	fake_again(f);
	t = (struct taken){.refuse_body = true};
	fake_answer(f, 200, "Content-Length: 2\n", "ab");
	err = ERR_INIT;
	assert_int_equal(s3_get(&f->client, &get, f->arena, &info, NULL, &err), -1);
	assert_int_equal(err.code, ERR_SYSTEM);
	assert_non_null(strstr(err.text, "disk full"));

	/* without on_start the body alone is taken */
	fake_again(f);
	t = (struct taken){.starts = 0};
	get.on_start = NULL;
	fake_answer(f, 200, "Content-Length: 2\n", "ab");
	assert_int_equal(s3_get(&f->client, &get, f->arena, &info, NULL, &err), 0);
	assert_int_equal(t.n, 2);
}

static void test_hostile_lengths_and_ranges(void **state)
{
	static const struct {
		uint64_t start;
		int status;
		const char *headers, *body;
		enum err_code code;
	} cases[] = {
		{0, 200, "", "ab", ERR_MALFORMED},
		{0, 200, "Content-Length: many\n", "ab", ERR_MALFORMED},
		{0, 200, "Content-Length: -2\n", "ab", ERR_MALFORMED},
		{0, 200, "Content-Length: 99999999999999999999\n", "ab", ERR_MALFORMED},
		{0, 200, "Content-Length: 3\n", "ab", ERR_NETWORK},
		/* the whole object although a part was asked for */
		{5, 200, "Content-Length: 2\n", "ab", ERR_MALFORMED},
		{5, 206, "Content-Length: 2\n", "ab", ERR_MALFORMED},
		{5, 206, "Content-Range: bytes 4-5/9\n", "ab", ERR_MALFORMED},
		{5, 206, "Content-Range: bytes 6-5/9\n", "ab", ERR_MALFORMED},
		{5, 206, "Content-Range: bytes 5-6/*\n", "ab", ERR_MALFORMED},
		{5, 206, "Content-Range: bytes 5-6/6\n", "ab", ERR_MALFORMED},
		{5, 206, "Content-Range: bytes 5-6\n", "ab", ERR_MALFORMED},
		{5, 206, "Content-Range: lines 5-6/9\n", "ab", ERR_MALFORMED},
		{5, 206, "Content-Range: bytes 5-6/9\nContent-Length: 3\n", "ab", ERR_MALFORMED},
		{5, 206, "Content-Range: bytes 5-7/9\n", "ab", ERR_NETWORK},
		{5, 206, "Content-Range: bytes 5-6/9\n", "ab", ERR_OK},
	};
	struct fake *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct s3_get get = simple_get();
		struct taken t = {.starts = 0};
		struct s3_info info;
		struct str body;
		struct err err = ERR_INIT;

		get.start = cases[i].start;
		fake_again(f);
		fake_answer(f, cases[i].status, cases[i].headers, cases[i].body);
		(void)!s3_get(&f->client, &get, f->arena, &info, &body, &err);
		if (err.code != cases[i].code)
			fail_msg("%s: %s", cases[i].headers, err.text);

		/* the same in pieces: a wrong answer is stopped before its first byte */
		fake_again(f);
		get.on_start = on_start;
		get.on_body = on_body;
		get.on_arg = &t;
		fake_answer(f, cases[i].status, cases[i].headers, cases[i].body);
		err = ERR_INIT;
		(void)!s3_get(&f->client, &get, f->arena, &info, NULL, &err);
		assert_int_equal(err.code, cases[i].code);
		if (err.code == ERR_MALFORMED)
			assert_int_equal(t.n, 0);
	}
}

static void test_errors(void **state)
{
	static const struct {
		int status;
		const char *body;
		enum err_code code;
		const char *aws;
	} cases[] = {
		{404, "<Error><Code>NoSuchKey</Code><Message>m</Message></Error>", ERR_NOT_FOUND,
		 "NoSuchKey"},
		{404, "", ERR_NOT_FOUND, ""},
		{403, "<Error><Code>AccessDenied</Code></Error>", ERR_DENIED, "AccessDenied"},
		{403, "<Error><Code>InvalidObjectState</Code></Error>", ERR_DENIED,
		 "InvalidObjectState"},
		{412, "<Error><Code>PreconditionFailed</Code></Error>", ERR_CONFLICT,
		 "PreconditionFailed"},
		{409, "<Error><Code>ConditionalRequestConflict</Code></Error>", ERR_CONFLICT,
		 "ConditionalRequestConflict"},
		{416, "<Error><Code>InvalidRange</Code></Error>", ERR_REJECTED, "InvalidRange"},
		{400, "<!DOCTYPE x [<!ENTITY a \"b\">]><Error/>", ERR_REJECTED, ""},
	};
	struct fake *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct s3_get get = simple_get();
		struct s3_info info;
		struct str body;
		struct err err = ERR_INIT;

		fake_again(f);
		fake_answer(f, cases[i].status, "x-amz-request-id: r1\n", cases[i].body);
		assert_int_equal(s3_get(&f->client, &get, f->arena, &info, &body, &err), -1);
		assert_int_equal(err.code, cases[i].code);
		assert_string_equal(err.aws, cases[i].aws);
		assert_string_equal(err.request_id, "r1");
		assert_int_equal(err.http, cases[i].status);
		assert_true(fake_done(f));
	}
}

static int count_body(void *arg, const char *p, size_t n, struct err *err)
{
	(void)p;
	(void)err;
	*(size_t *)arg += n;
	return 0;
}

/* What comes in pieces may be larger than what is kept in memory. */
static void test_a_large_object_in_pieces(void **state)
{
	struct fake *f = *state;
	struct s3_get get = simple_get();
	size_t n = LIMIT_API_BODY + 1, taken = 0;
	char *large = xcalloc(1, n), headers[64];
	struct s3_info info;
	struct err err = ERR_INIT;

	memset(large, 'x', n);
	snprintf(headers, sizeof(headers), "Content-Length: %zu\n", n);
	get.on_body = count_body;
	get.on_arg = &taken;
	fake_answer_str(f, 200, headers, (struct str){large, n});
	if (s3_get(&f->client, &get, f->arena, &info, NULL, &err))
		fail_msg("%s", err.text);
	assert_int_equal(taken, n);
	free(large);
}

static void test_too_large_a_body(void **state)
{
	struct fake *f = *state;
	struct s3_get get = simple_get();
	struct s3_info info;
	struct str body;
	struct err err = ERR_INIT;

	get.body_max = 3;
	fake_answer(f, 200, "Content-Length: 4\n", "abcd");
	assert_int_equal(s3_get(&f->client, &get, f->arena, &info, &body, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
}

static void test_bad_objects_are_not_asked_for(void **state)
{
	struct fake *f = *state;
	char *long_key = arena_alloc(f->arena, 6001);
	struct s3_object bad[] = {
		{.bucket = "", .key = "k"},
		{.bucket = NULL, .key = "k"},
		{.bucket = "b", .key = ""},
		{.bucket = "b", .key = NULL},
		{.bucket = "arn:aws:s3:eu-west-1:1:accesspoint/x", .key = "k"},
		{.bucket = "artifacts", .key = long_key},
		{.bucket = "artifacts", .key = "k", .version_id = long_key},
	};

	memset(long_key, 'x', 6000);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct s3_get get = {.object = bad[i]};
		struct s3_put put = {.object = bad[i]};
		struct s3_part one = {1, "e"};
		struct s3_upload_part part = {.object = bad[i], .upload_id = "u", .number = 1};
		struct s3_upload_complete up = {
			.object = bad[i], .upload_id = "u", .parts = &one, .n = 1};
		enum err_code code = i < 5 ? ERR_REJECTED : ERR_LIMIT;
		struct s3_written w;
		struct s3_info info;
		struct str body;
		const char *text;
		struct err err = ERR_INIT;

		assert_int_equal(s3_head(&f->client, &bad[i], f->arena, &info, &err), -1);
		assert_int_equal(err.code, code);
		assert_int_equal(s3_get(&f->client, &get, f->arena, &info, &body, &err), -1);
		assert_int_equal(s3_put(&f->client, &put, f->arena, &w, &err), -1);
		assert_int_equal(s3_upload_create(&f->client, &put, f->arena, &text, &err), -1);
		assert_int_equal(s3_upload_part(&f->client, &part, f->arena, &text, &err), -1);
		assert_int_equal(s3_upload_complete(&f->client, &up, f->arena, &w, &err), -1);
		assert_int_equal(s3_upload_abort(&f->client, &bad[i], "u", f->arena, &err), -1);
		assert_int_equal(err.code, code);
	}
	assert_int_equal(f->n_requests, 0);
}

static void test_head_of_a_version(void **state)
{
	struct fake *f = *state;
	struct s3_object o = {.bucket = "artifacts", .key = "k", .version_id = "v/1"};
	struct s3_info info;
	struct err err = ERR_INIT;

	fake_answer(f, 200, "Content-Length: 12\n", "");
	if (s3_head(&f->client, &o, f->arena, &info, &err))
		fail_msg("%s", err.text);
	assert_string_equal(fake_sent(f, 0)->url, HOST "/k?versionId=v%2F1");
	api_check(f, 0, "s3", "HeadObject");
	assert_int_equal(info.size, 12);
}

/* --- regions --------------------------------------------------------------------------------- */

static void test_region_from_the_header(void **state)
{
	struct fake *f = *state;
	struct s3_regions *regions = s3_regions_new();
	struct s3_get get = simple_get();
	struct s3_info info;
	struct str body;
	struct err err = ERR_INIT;

	get.object.regions = regions;
	fake_answer(f, 301, "x-amz-bucket-region: us-west-2\nLocation: https://evil.example.com/\n",
		    "<Error><Code>PermanentRedirect</Code><Region>eu-west-1</Region></Error>");
	fake_answer(f, 200, "Content-Length: 1\n", "a");
	if (s3_get(&f->client, &get, f->arena, &info, &body, &err))
		fail_msg("%s", err.text);
	assert_string_equal(fake_sent(f, 1)->url,
			    "https://artifacts.s3.us-west-2.amazonaws.com/web/Build/x.zip");
	assert_non_null(strstr(str_dup(f->arena, fake_header(f, 1, "Authorization")),
			       "/us-west-2/s3/aws4_request"));
	assert_true(fake_done(f));

	/* remembered: the next one goes there at once */
	fake_again(f);
	fake_answer(f, 200, "Content-Length: 1\n", "a");
	assert_int_equal(s3_get(&f->client, &get, f->arena, &info, &body, &err), 0);
	assert_string_equal(fake_sent(f, 0)->url,
			    "https://artifacts.s3.us-west-2.amazonaws.com/web/Build/x.zip");

	/* and unlearnt when the bucket moved */
	fake_again(f);
	fake_answer(f, 400, NULL,
		    "<Error><Code>AuthorizationHeaderMalformed</Code>"
		    "<Region>ap-south-1</Region></Error>");
	fake_answer(f, 200, "Content-Length: 1\n", "a");
	assert_int_equal(s3_get(&f->client, &get, f->arena, &info, &body, &err), 0);
	assert_string_equal(s3_regions_get(regions, "artifacts", f->arena), "ap-south-1");
	s3_regions_free(regions);
}

static void test_region_of_a_head_without_body(void **state)
{
	struct fake *f = *state;
	struct s3_object o = {.bucket = "artifacts", .key = "k"};
	struct s3_info info;
	struct err err = ERR_INIT;

	/* 400 without a hint: HeadBucket tells, though it refuses as well */
	fake_answer(f, 400, NULL, "");
	fake_answer(f, 403, "x-amz-bucket-region: us-east-1\n", "");
	fake_answer(f, 200, "Content-Length: 3\n", "");
	if (s3_head(&f->client, &o, f->arena, &info, &err))
		fail_msg("%s", err.text);
	api_check(f, 1, "s3", "HeadBucket");
	assert_string_equal(fake_sent(f, 1)->url, HOST "/");
	assert_string_equal(fake_sent(f, 2)->url, "https://artifacts.s3.us-east-1.amazonaws.com/k");
	assert_int_equal(info.size, 3);
	assert_true(fake_done(f));
}

static void test_regions_that_lead_nowhere(void **state)
{
	static const char *const hints[] = {
		"x-amz-bucket-region: eu-central-1\n", /* where we are already */
		"x-amz-bucket-region: evil.example.com/\n",
		"x-amz-bucket-region: -\n",
		"",
	};
	struct fake *f = *state;

	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
		struct s3_get get = simple_get();
		struct s3_info info;
		struct str body;
		struct err err = ERR_INIT;

		fake_again(f);
		fake_answer(f, 301, hints[i], "");
		if (i > 0)
			fake_answer(f, 404, NULL, "");
		assert_int_equal(s3_get(&f->client, &get, f->arena, &info, &body, &err), -1);
		assert_int_equal(err.code, ERR_REJECTED);
		assert_int_equal(err.http, 301);
		assert_true(fake_done(f));
	}
}

/* Once, not for ever. */
static void test_two_regions_that_name_each_other(void **state)
{
	struct fake *f = *state;
	struct s3_regions *regions = s3_regions_new();
	struct s3_get get = simple_get();
	struct s3_info info;
	struct str body;
	struct err err = ERR_INIT;

	get.object.regions = regions;
	fake_answer(f, 307, "x-amz-bucket-region: us-west-2\n", "");
	fake_answer(f, 307, "x-amz-bucket-region: eu-central-1\n", "");
	assert_int_equal(s3_get(&f->client, &get, f->arena, &info, &body, &err), -1);
	assert_int_equal(err.http, 307);
	assert_true(fake_done(f));
	assert_null(s3_regions_get(regions, "artifacts", f->arena));
	s3_regions_free(regions);
}

static void test_no_answer_is_no_wrong_region(void **state)
{
	struct fake *f = *state;
	struct s3_object o = {.bucket = "artifacts", .key = "k"};
	struct s3_info info;
	struct err err = ERR_INIT;

	for (int i = 0; i < 3; i++)
		fake_fail(f, ERR_NETWORK, false);
	assert_int_equal(s3_head(&f->client, &o, f->arena, &info, &err), -1);
	assert_int_equal(err.code, ERR_NETWORK);
	assert_true(fake_done(f));
}

static void test_the_table_of_regions(void **state)
{
	struct fake *f = *state;
	struct s3_regions *r = s3_regions_new();
	char *long_name = arena_alloc(f->arena, 101);

	memset(long_name, 'b', 100);
	assert_null(s3_regions_get(NULL, "b", f->arena));
	s3_regions_put(NULL, "b", "r");
	assert_null(s3_regions_get(r, "b", f->arena));
	assert_null(s3_regions_get(r, "", f->arena));
	s3_regions_put(r, "b", "r1");
	s3_regions_put(r, "b", "r2");
	assert_string_equal(s3_regions_get(r, "b", f->arena), "r2");
	s3_regions_put(r, long_name, "r");
	assert_null(s3_regions_get(r, long_name, f->arena));
	s3_regions_put(r, "c", long_name);
	assert_null(s3_regions_get(r, "c", f->arena));
	for (int i = 0; i < 40; i++)
		s3_regions_put(r, arena_printf(f->arena, "bucket-%d", i), "r3");
	assert_null(s3_regions_get(r, "b", f->arena));
	assert_string_equal(s3_regions_get(r, "bucket-39", f->arena), "r3");
	s3_regions_free(r);
	s3_regions_free(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_get),
		TEST(test_keys_are_taken_literally),
		TEST(test_get_a_range_in_pieces),
		TEST(test_the_taker_can_refuse),
		TEST(test_hostile_lengths_and_ranges),
		TEST(test_errors),
		TEST(test_a_large_object_in_pieces),
		TEST(test_too_large_a_body),
		TEST(test_bad_objects_are_not_asked_for),
		TEST(test_head_of_a_version),
		TEST(test_region_from_the_header),
		TEST(test_region_of_a_head_without_body),
		TEST(test_regions_that_lead_nowhere),
		TEST(test_two_regions_that_name_each_other),
		TEST(test_no_answer_is_no_wrong_region),
		TEST(test_the_table_of_regions),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
