#include "tests/unit/artifacts/files.h"

#include "artifacts/publish.h"
#include "aws/core/digest.h"
#include "tests/unit/aws/fake_http.h"

#define ETAG "ETag: \"e\"\n"
#define CREATED \
	"<InitiateMultipartUploadResult><UploadId>up1</UploadId></InitiateMultipartUploadResult>"
#define COMPLETED \
	"<CompleteMultipartUploadResult><ETag>\"e-3\"</ETag></CompleteMultipartUploadResult>"
#define ERROR(code) "<Error><Code>" code "</Code><Message>test</Message></Error>"
#define LARGE (20u << 20) /* two parts of 8 MiB and one of 4 */

struct world {
	struct fake *f;
	struct publish p;
	struct err err;
	int refreshes;
};

static int refresh(void *arg, struct aws_client *client, struct err *err)
{
	struct world *w = arg;

	(void)client;
	if (w->refreshes < 0)
		return err_set(err, ERR_UNAVAILABLE, "GetJobDetails failed");
	w->refreshes++;
	return 0;
}

static void begin(struct world *w)
{
	*w = (struct world){.f = fake_new()};
	w->p = (struct publish){.bucket = "artifacts",
				.key = "pipe/out/x.zip",
				.refresh = refresh,
				.refresh_arg = w};
}

static void end(struct world *w)
{
	assert_true(fake_done(w->f));
	fake_free(w->f);
}

static void check_failed(struct world *w, int rc, enum err_code code, const char *text)
{
	assert_int_equal(rc, -1);
	if (w->err.code != code || !strstr(w->err.text, text))
		fail_msg("%s \"%s\", want %s \"%s\"", err_code_name(w->err.code), w->err.text,
			 err_code_name(code), text);
	assert_non_null(strstr(w->err.text, "s3://artifacts/pipe/out/x.zip"));
	end(w);
}

static void check_encrypted(struct world *w, size_t i, const char *key)
{
	assert_true(str_is(fake_header(w->f, i, "x-amz-server-side-encryption"), "aws:kms"));
	assert_true(
		str_is(fake_header(w->f, i, "x-amz-server-side-encryption-aws-kms-key-id"), key));
	assert_true(str_is(fake_header(w->f, i, "Content-Type"), "application/zip"));
}

/* --- one request ------------------------------------------------------------------------------ */

static void test_single(void **state)
{
	struct world w;
	int fd;

	(void)state;
	for (int i = 0; i < 2; i++) {
		const char *key = i ? "arn:aws:kms:eu-central-1:111122223333:key/k" : "";

		begin(&w);
		w.p.kms_key_id = i ? key : NULL;
		fake_answer(w.f, 200, ETAG, "");
		fake_answer(w.f, 200, ETAG, "");
		assert_int_equal(publish_bytes(&w.f->client, &w.p, STR("content"), &w.err), 0);
		fd = file_of(STR("content, and more"));
		assert_int_equal(publish_file(&w.f->client, &w.p, fd, 7, &w.err), 0);
		close(fd);
		for (size_t j = 0; j < 2; j++) {
			assert_string_equal(fake_sent(w.f, j)->method, "PUT");
			assert_non_null(strstr(fake_sent(w.f, j)->url, "/pipe/out/x.zip"));
			assert_true(str_is(fake_sent(w.f, j)->body, "content"));
			check_encrypted(&w, j, key);
		}
		end(&w);
	}
}

static void test_entries(void **state)
{
	const struct pack_entry e = {.name = "rollout.json", .bytes = STR("{}")};
	const struct pack_entry bad = {.name = "../x"};
	struct buf want;
	struct world w;

	(void)state;
	begin(&w);
	buf_init(&want, 1 << 20);
	assert_int_equal(pack_entries(&e, 1, &want, &w.err), 0);
	fake_answer(w.f, 200, ETAG, "");
	assert_int_equal(publish_entries(&w.f->client, &w.p, &e, 1, &w.err), 0);
	assert_true(str_eq(fake_sent(w.f, 0)->body, buf_str(&want)));
	assert_int_equal(publish_entries(&w.f->client, &w.p, &bad, 1, &w.err), -1);
	assert_int_equal(w.err.code, ERR_UNSAFE);
	end(&w);
	buf_release(&want);
}

static void test_single_fails(void **state)
{
	struct world w;
	int fd;

	(void)state;
	begin(&w);
	fake_answer(w.f, 403, NULL, ERROR("AccessDenied"));
	check_failed(&w, publish_bytes(&w.f->client, &w.p, STR("x"), &w.err), ERR_DENIED,
		     "must allow s3:PutObject and, on the artifact's key, kms:GenerateDataKey");

	begin(&w); /* not an artifact of CodePipeline: no key is asked for */
	w.p.is_plain = true;
	fake_answer(w.f, 403, NULL, ERROR("AccessDenied"));
	check_failed(&w, publish_bytes(&w.f->client, &w.p, STR("x"), &w.err), ERR_DENIED,
		     "x.zip: the role must allow s3:PutObject: ");

	begin(&w);
	fake_answer(w.f, 200, NULL, "");
	check_failed(&w, publish_bytes(&w.f->client, &w.p, STR("x"), &w.err), ERR_MALFORMED,
		     "does not confirm");

	begin(&w);
	for (int i = 0; i < 3; i++)
		fake_fail(w.f, ERR_NETWORK, true);
	check_failed(&w, publish_bytes(&w.f->client, &w.p, STR("x"), &w.err), ERR_NETWORK, "put");

	begin(&w); /* shorter than it was said to be */
	fd = file_of(STR("x"));
	check_failed(&w, publish_file(&w.f->client, &w.p, fd, 2, &w.err), ERR_SYSTEM, "read the");
	close(fd);

	begin(&w);
	fake_fail(w.f, ERR_CANCELED, false);
	assert_int_equal(publish_bytes(&w.f->client, &w.p, STR("x"), &w.err), -1);
	assert_int_equal(w.err.code, ERR_CANCELED);
	end(&w);
}

static void test_expired(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	fake_answer(w.f, 400, NULL, ERROR("ExpiredToken"));
	fake_answer(w.f, 200, ETAG, "");
	assert_int_equal(publish_bytes(&w.f->client, &w.p, STR("x"), &w.err), 0);
	assert_int_equal(w.refreshes, 1);
	assert_int_equal(w.err.code, ERR_OK);
	end(&w);

	begin(&w);
	for (int i = 0; i < 3; i++)
		fake_answer(w.f, 400, NULL, ERROR("ExpiredToken"));
	check_failed(&w, publish_bytes(&w.f->client, &w.p, STR("x"), &w.err), ERR_DENIED,
		     "ExpiredToken");

	begin(&w);
	w.refreshes = -1;
	fake_answer(w.f, 400, NULL, ERROR("ExpiredToken"));
	check_failed(&w, publish_bytes(&w.f->client, &w.p, STR("x"), &w.err), ERR_UNAVAILABLE,
		     "GetJobDetails failed");
}

/* --- in parts --------------------------------------------------------------------------------- */

static char *large(void)
{
	char *p = xmalloc(LARGE);

	for (size_t i = 0; i < LARGE; i++)
		p[i] = (char)(i * 5 + (i >> 13));
	return p;
}

static void answer_parts(struct world *w)
{
	fake_answer(w->f, 200, NULL, CREATED);
	fake_answer(w->f, 200, "ETag: \"p1\"\n", "");
	fake_answer(w->f, 200, "ETag: \"p2\"\n", "");
	fake_answer(w->f, 200, "ETag: \"p3\"\n", "");
}

static void test_parts(void **state)
{
	static const size_t sizes[] = {8u << 20, 8u << 20, 4u << 20};
	char *p = large();
	struct world w;

	(void)state;
	for (int i = 0; i < 2; i++) {
		size_t at = 0;
		int fd;

		begin(&w);
		w.p.kms_key_id = "key";
		answer_parts(&w);
		fake_answer(w.f, 200, NULL, COMPLETED);
		if (i) {
			fd = file_of((struct str){p, LARGE});
			assert_int_equal(publish_file(&w.f->client, &w.p, fd, LARGE, &w.err), 0);
			close(fd);
		} else {
			assert_int_equal(
				publish_bytes(&w.f->client, &w.p, (struct str){p, LARGE}, &w.err),
				0);
		}
		assert_non_null(strstr(fake_sent(w.f, 0)->url, "?uploads="));
		check_encrypted(&w, 0, "key");
		for (size_t j = 0; j < 3; j++) {
			const struct fake_request *r = fake_sent(w.f, 1 + j);
			char want[64];

			snprintf(want, sizeof(want), "partNumber=%zu&uploadId=up1", j + 1);
			assert_non_null(strstr(r->url, want));
			assert_true(str_eq(r->body, (struct str){p + at, sizes[j]}));
			/* the headers belong to the upload, not to its parts */
			assert_int_equal(fake_header(w.f, 1 + j, "x-amz-server-side-encryption").n,
					 0);
			at += sizes[j];
		}
		assert_non_null(strstr(fake_sent(w.f, 4)->body.p, "<PartNumber>3</PartNumber>"));
		assert_non_null(strstr(fake_sent(w.f, 4)->body.p, "p2"));
		end(&w);
	}
	free(p);
}

static int put_large(struct world *w, char *p)
{
	return publish_bytes(&w->f->client, &w->p, (struct str){p, LARGE}, &w->err);
}

static void test_part_fails(void **state)
{
	char *p = large();
	struct world w;
	int fd;

	(void)state;
	begin(&w);
	fake_answer(w.f, 403, NULL, ERROR("AccessDenied"));
	check_failed(&w, put_large(&w, p), ERR_DENIED, "s3:PutObject");

	begin(&w);
	fake_answer(w.f, 200, NULL, CREATED);
	fake_answer(w.f, 200, ETAG, "");
	fake_answer(w.f, 403, NULL, ERROR("AccessDenied"));
	fake_answer(w.f, 204, NULL, "");
	assert_int_equal(put_large(&w, p), -1);
	assert_string_equal(fake_sent(w.f, 3)->method, "DELETE");
	assert_non_null(strstr(fake_sent(w.f, 3)->url, "uploadId=up1"));
	check_failed(&w, -1, ERR_DENIED, "s3:PutObject");

	begin(&w); /* the first error stays, though the upload cannot be given up either */
	fake_answer(w.f, 200, NULL, CREATED);
	fake_answer(w.f, 400, NULL, ERROR("EntityTooSmall"));
	fake_answer(w.f, 403, NULL, ERROR("AccessDenied"));
	check_failed(&w, put_large(&w, p), ERR_REJECTED, "EntityTooSmall");

	begin(&w);
	fake_answer(w.f, 200, NULL, CREATED);
	fake_answer(w.f, 200, ETAG, "");
	fake_answer(w.f, 204, NULL, "");
	fd = file_of((struct str){p, 9u << 20});
	check_failed(&w, publish_file(&w.f->client, &w.p, fd, LARGE, &w.err), ERR_SYSTEM,
		     "read the output");
	close(fd);
	free(p);

	begin(&w);
	check_failed(&w, publish_file(&w.f->client, &w.p, -1, 1ull << 40, &w.err), ERR_LIMIT,
		     "more than 10000 parts");
}

static void test_parts_expire(void **state)
{
	char *p = large();
	struct world w;

	(void)state;
	begin(&w);
	fake_answer(w.f, 200, NULL, CREATED);
	fake_answer(w.f, 200, ETAG, "");
	fake_answer(w.f, 400, NULL, ERROR("ExpiredToken"));
	fake_answer(w.f, 200, ETAG, "");
	fake_answer(w.f, 200, ETAG, "");
	fake_answer(w.f, 400, NULL, ERROR("ExpiredToken"));
	fake_answer(w.f, 200, NULL, COMPLETED);
	assert_int_equal(put_large(&w, p), 0);
	assert_int_equal(w.refreshes, 2);
	end(&w);

	begin(&w);
	fake_answer(w.f, 400, NULL, ERROR("ExpiredToken"));
	answer_parts(&w);
	fake_answer(w.f, 200, NULL, COMPLETED);
	assert_int_equal(put_large(&w, p), 0);
	end(&w);
	free(p);
}

/* The answer to the completion is lost: the upload tells what became of it. */
static void test_completion_lost(void **state)
{
	char *p = large();
	struct world w;

	(void)state;
	begin(&w); /* asked again, it answers */
	answer_parts(&w);
	fake_fail(w.f, ERR_TIMEOUT, true);
	fake_answer(w.f, 200, NULL, COMPLETED);
	assert_int_equal(put_large(&w, p), 0);
	end(&w);

	begin(&w); /* it was completed, and is gone */
	answer_parts(&w);
	fake_fail(w.f, ERR_NETWORK, true);
	fake_answer(w.f, 404, NULL, ERROR("NoSuchUpload"));
	fake_answer(w.f, 200, "Content-Length: 20971520\n", "");
	assert_int_equal(put_large(&w, p), 0);
	end(&w);

	begin(&w); /* somebody else's object is there */
	answer_parts(&w);
	fake_fail(w.f, ERR_NETWORK, true);
	fake_answer(w.f, 404, NULL, ERROR("NoSuchUpload"));
	fake_answer(w.f, 200, "Content-Length: 7\n", "");
	fake_answer(w.f, 404, NULL, ERROR("NoSuchUpload"));
	check_failed(&w, put_large(&w, p), ERR_CONFLICT, "has 7 bytes, not 20971520");

	begin(&w); /* or nothing */
	answer_parts(&w);
	fake_fail(w.f, ERR_NETWORK, true);
	fake_answer(w.f, 404, NULL, ERROR("NoSuchUpload"));
	fake_answer(w.f, 404, NULL, "");
	fake_answer(w.f, 404, NULL, ERROR("NoSuchUpload"));
	check_failed(&w, put_large(&w, p), ERR_NOT_FOUND, "put");

	begin(&w); /* never sent by us: then it is no sign of success */
	answer_parts(&w);
	fake_answer(w.f, 404, NULL, ERROR("NoSuchUpload"));
	fake_answer(w.f, 404, NULL, ERROR("NoSuchUpload"));
	check_failed(&w, put_large(&w, p), ERR_NOT_FOUND, "NoSuchUpload");

	begin(&w); /* the error comes inside of a success */
	answer_parts(&w);
	fake_answer(w.f, 200, NULL, ERROR("InvalidPart"));
	fake_answer(w.f, 204, NULL, "");
	check_failed(&w, put_large(&w, p), ERR_REJECTED, "InvalidPart");
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_single),	     cmocka_unit_test(test_entries),
		cmocka_unit_test(test_single_fails), cmocka_unit_test(test_expired),
		cmocka_unit_test(test_parts),	     cmocka_unit_test(test_part_fails),
		cmocka_unit_test(test_parts_expire), cmocka_unit_test(test_completion_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
