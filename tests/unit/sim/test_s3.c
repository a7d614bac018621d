#include "tests/unit/sim/simtest.h"

#include <unistd.h>

#include "tests/sim/sim_internal.h"

#define STORE "/codepipeline-eu-central-1-111122223333"
#define KMS "aws:kms"

static int get(struct world *w, const char *path, const char *header, const char *value)
{
	struct ask q = {.n = 0};

	if (header)
		ask_header(&q, header, value);
	return s3(w, &q, "GET", path);
}

static int put(struct world *w, const char *path, const char *body, const char *sse)
{
	struct ask q = {.body = str_from(body)};

	if (sse)
		ask_header(&q, "x-amz-server-side-encryption", sse);
	return s3(w, &q, "PUT", path);
}

static int plain(struct world *w, const char *method, const char *path)
{
	struct ask q = {.n = 0};

	return s3(w, &q, method, path);
}

static struct world *with_bucket(void)
{
	struct world *w = world_new(NULL);

	ctl(w, "s3 bucket files");
	return w;
}

static void test_put_get_head_delete(void **state)
{
	struct world *w = with_bucket();
	const char *etag;
	struct ask q = {.body = STR("hello")};

	(void)state;
	ask_header(&q, "Content-Type", "application/zip");
	assert_int_equal(s3(w, &q, "PUT", "/files/a%20b/c.zip"), 200);
	etag = str_dup(w->arena, res_header(w, "etag"));
	assert_int_equal(strlen(etag), 34);
	assert_int_equal(get(w, "/files/a%20b/c.zip", NULL, NULL), 200);
	assert_true(str_is(w->res.body, "hello"));
	assert_true(str_is(res_header(w, "etag"), etag));
	assert_true(str_is(res_header(w, "content-type"), "application/zip"));
	assert_true(str_is(res_header(w, "content-length"), "5"));
	assert_int_equal(plain(w, "HEAD", "/files/a%20b/c.zip"), 200);
	assert_int_equal(w->res.body.n, 0);
	assert_true(str_is(res_header(w, "content-length"), "5"));
	assert_true(res_header(w, "last-modified").n > 0);
	assert_int_equal(plain(w, "HEAD", "/files/none"), 404);
	assert_int_equal(w->res.body.n, 0);
	assert_int_equal(get(w, "/files/none", NULL, NULL), 404);
	assert_string_equal(code(w), "NoSuchKey");
	assert_int_equal(get(w, "/none/x", NULL, NULL), 404);
	assert_string_equal(code(w), "NoSuchBucket");
	assert_int_equal(plain(w, "DELETE", "/files/a%20b/c.zip"), 204);
	assert_int_equal(get(w, "/files/a%20b/c.zip", NULL, NULL), 404);
	assert_int_equal(plain(w, "PATCH", "/files/x"), 405);
	world_free(w);
}

static void test_virtual_host(void **state)
{
	struct world *w = with_bucket();
	struct ask q = {.method = "GET",
			.host = "files.s3.eu-central-1.amazonaws.com",
			.path = "/dir/x",
			.service = "s3"};

	(void)state;
	ctl(w, "s3 put files dir/x text=hello");
	assert_int_equal(ask_send(w, &q), 200);
	assert_true(str_is(w->res.body, "hello"));
	world_free(w);
}

static void test_ranges(void **state)
{
	static const struct {
		const char *range;
		int status;
		const char *body, *content_range;
	} cases[] = {
		{"bytes=2-5", 206, "2345", "bytes 2-5/10"},
		{"bytes=7-", 206, "789", "bytes 7-9/10"},
		{"bytes=0-99", 206, "0123456789", "bytes 0-9/10"},
		{"bytes=-3", 206, "789", "bytes 7-9/10"},
		{"bytes=-99", 206, "0123456789", "bytes 0-9/10"},
		{"bytes=10-", 416, NULL, ""},
		{"bytes=5-2", 416, NULL, ""},
		{"bytes=x-2", 416, NULL, ""},
		{"bytes=-0", 416, NULL, ""},
		{"lines=1-2", 200, "0123456789", ""},
	};
	struct world *w = with_bucket();

	(void)state;
	ctl(w, "s3 put files k text=0123456789");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(get(w, "/files/k", "Range", cases[i].range), cases[i].status);
		assert_true(str_is(res_header(w, "content-range"), cases[i].content_range));
		if (cases[i].body)
			assert_true(str_is(w->res.body, cases[i].body));
		else
			assert_string_equal(code(w), "InvalidRange");
	}
	ctl(w, "s3 put files empty text=");
	assert_int_equal(get(w, "/files/empty", "Range", "bytes=0-"), 416);
	world_free(w);
}

static void test_conditions(void **state)
{
	struct world *w = with_bucket();
	struct ask none = {.body = STR("2")}, match = {.body = STR("3")},
		   stale = {.body = STR("4")}, absent = {.body = STR("5")};
	const char *etag, *version;

	(void)state;
	assert_int_equal(put(w, "/files/k", "1", NULL), 200);
	etag = str_dup(w->arena, res_header(w, "etag"));
	version = str_dup(w->arena, res_header(w, "x-amz-version-id"));
	assert_int_equal(get(w, "/files/k", "If-Match", etag), 200);
	assert_int_equal(get(w, "/files/k", "If-Match", "\"x\""), 412);
	assert_string_equal(code(w), "PreconditionFailed");
	assert_int_equal(get(w, "/files/k", "If-None-Match", etag), 304);
	assert_int_equal(w->res.body.n, 0);
	assert_int_equal(get(w, "/files/k", "If-None-Match", "\"x\""), 200);
	ask_header(&none, "If-None-Match", "*");
	assert_int_equal(s3(w, &none, "PUT", "/files/k"), 412);
	ask_header(&match, "If-Match", etag);
	assert_int_equal(s3(w, &match, "PUT", "/files/k"), 200);
	ask_header(&stale, "If-Match", etag);
	assert_int_equal(s3(w, &stale, "PUT", "/files/k"), 412);
	ask_header(&absent, "If-Match", etag);
	assert_int_equal(s3(w, &absent, "PUT", "/files/new"), 404);
	{
		struct ask q = {.query = arena_printf(w->arena, "versionId=%s", version)};

		assert_int_equal(s3(w, &q, "GET", "/files/k"), 404);
		assert_string_equal(code(w), "NoSuchVersion");
	}
	world_free(w);
}

static void test_checksums(void **state)
{
	struct world *w = with_bucket();
	struct ask good = {.body = STR("123456789")}, bad = {.body = STR("123456780")},
		   sha = {.body = STR("x")};

	(void)state;
	ask_header(&good, "x-amz-checksum-crc32", "y/Q5Jg=="); /* cbf43926 */
	assert_int_equal(s3(w, &good, "PUT", "/files/k"), 200);
	assert_true(str_is(res_header(w, "x-amz-checksum-crc32"), "y/Q5Jg=="));
	assert_int_equal(get(w, "/files/k", "x-amz-checksum-mode", "ENABLED"), 200);
	assert_true(str_is(res_header(w, "x-amz-checksum-crc32"), "y/Q5Jg=="));
	ask_header(&bad, "x-amz-checksum-crc32", "y/Q5Jg==");
	assert_int_equal(s3(w, &bad, "PUT", "/files/k"), 400);
	assert_string_equal(code(w), "BadDigest");
	ask_header(&sha, "x-amz-checksum-sha256", "AAAA");
	assert_int_equal(s3(w, &sha, "PUT", "/files/k"), 400);
	assert_string_equal(code(w), "BadDigest");
	world_free(w);
}

static void test_chunked_bodies(void **state)
{
	static const struct {
		const char *body, *content; /* NULL: refused */
	} cases[] = {
		{"5\r\nhello\r\n6;chunk-signature=x\r\n world\r\n0\r\n\r\n", "hello world"},
		{"B\r\nhello world\r\n0\r\nx-amz-checksum-crc32:AAAA==\r\n\r\n", "hello world"},
		{"0\r\n\r\n", ""},
		{"9\r\nhello\r\n", NULL},
		{"hello", NULL},
		{"ffffffffffffffff\r\nx\r\n", NULL},
		{"5\r\nhello\r\n", NULL},
	};
	struct world *w = with_bucket();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ask q = {.body = str_from(cases[i].body),
				.payload_hash = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"};
		int status = s3(w, &q, "PUT", "/files/k");

		assert_int_equal(status, cases[i].content ? 200 : 400);
		if (!cases[i].content) {
			assert_string_equal(code(w), "IncompleteBody");
			continue;
		}
		assert_int_equal(get(w, "/files/k", NULL, NULL), 200);
		assert_true(str_is(w->res.body, cases[i].content));
	}
	world_free(w);
}

static void test_artifact_bucket_wants_kms(void **state)
{
	struct world *w = with_bucket();
	struct ask q = {.body = STR("x")}, up = {.query = "uploads="};

	(void)state;
	assert_int_equal(put(w, STORE "/k", "x", NULL), 403);
	assert_string_equal(code(w), "AccessDenied");
	assert_int_equal(put(w, STORE "/k", "x", "AES256"), 403);
	assert_int_equal(put(w, STORE "/k", "x", "aws:kms:dsse"), 403);
	assert_int_equal(put(w, STORE "/k", "x", KMS), 200);
	assert_true(str_is(res_header(w, "x-amz-server-side-encryption"), KMS));
	ask_header(&q, "x-amz-server-side-encryption", KMS);
	ask_header(&q, "x-amz-server-side-encryption-aws-kms-key-id", "key-1");
	assert_int_equal(s3(w, &q, "PUT", STORE "/k"), 200);
	assert_int_equal(plain(w, "HEAD", STORE "/k"), 200);
	assert_true(str_is(res_header(w, "x-amz-server-side-encryption-aws-kms-key-id"), "key-1"));
	assert_int_equal(s3(w, &up, "POST", STORE "/k"), 403);
	ctl(w, "s3 bucket files artifacts=true");
	assert_int_equal(put(w, "/files/k", "x", NULL), 403);
	world_free(w);
}

/* --- in parts --------------------------------------------------------------------------------- */

static const char *begin(struct world *w, const char *path)
{
	struct ask q = {.query = "uploads="};

	ask_header(&q, "x-amz-server-side-encryption", KMS);
	ask_header(&q, "Content-Type", "application/zip");
	assert_int_equal(s3(w, &q, "POST", path), 200);
	return xml_cstr(body_xml(w), "UploadId");
}

/* Upload n bytes of a letter; the ETag, or "" when refused. */
static const char *part(struct world *w, const char *path, const char *id, int number, size_t n)
{
	struct ask q = {.query = arena_printf(w->arena, "partNumber=%d&uploadId=%s", number, id)};
	char *bytes = arena_alloc(w->arena, n + 1);

	memset(bytes, 'a' + number, n);
	q.body = (struct str){bytes, n};
	if (s3(w, &q, "PUT", path) != 200)
		return "";
	return str_dup(w->arena, res_header(w, "etag"));
}

static int finish(struct world *w, const char *path, const char *id, const char *parts)
{
	struct ask q = {.query = arena_printf(w->arena, "uploadId=%s", id)};

	q.body = str_from(arena_printf(
		w->arena, "<CompleteMultipartUpload>%s</CompleteMultipartUpload>", parts));
	return s3(w, &q, "POST", path);
}

static const char *listed(struct world *w, int number, const char *etag)
{
	return arena_printf(w->arena, "<Part><ETag>%s</ETag><PartNumber>%d</PartNumber></Part>",
			    etag, number);
}

#define FIVE_MIB (5u << 20)

static void test_multipart(void **state)
{
	struct world *w = with_bucket();
	const char *id = begin(w, STORE "/big"), *one, *two, *both;
	const struct buf *o;

	(void)state;
	two = part(w, STORE "/big", id, 2, 10);
	one = part(w, STORE "/big", id, 1, FIVE_MIB);
	{
		struct ask q = {.query = arena_printf(w->arena, "uploadId=%s", id)};

		assert_int_equal(s3(w, &q, "GET", STORE "/big"), 200);
		assert_string_equal(xml_cstr(body_xml(w), "Part/PartNumber"), "1");
	}
	both = arena_printf(w->arena, "%s%s", listed(w, 1, one), listed(w, 2, two));
	assert_int_equal(finish(w, STORE "/big", id, both), 200);
	assert_memory_equal(xml_cstr(body_xml(w), "ETag") + 33, "-2\"", 3);
	o = sim_s3_object(w->sim, STR("codepipeline-eu-central-1-111122223333"), STR("big"));
	assert_int_equal(o->n, FIVE_MIB + 10);
	assert_int_equal(o->p[0], 'b');
	assert_int_equal(o->p[FIVE_MIB], 'c');
	assert_int_equal(plain(w, "HEAD", STORE "/big"), 200);
	assert_true(str_is(res_header(w, "x-amz-server-side-encryption"), KMS));
	assert_true(str_is(res_header(w, "content-type"), "application/zip"));
	assert_int_equal(finish(w, STORE "/big", id, both), 404);
	assert_string_equal(code(w), "NoSuchUpload");
	world_free(w);
}

static void test_multipart_refusals(void **state)
{
	struct world *w = with_bucket();
	const char *id = begin(w, "/files/big");
	const char *one = part(w, "/files/big", id, 1, 10), *two = part(w, "/files/big", id, 2, 10);
	struct ask abort_it = {.query = arena_printf(w->arena, "uploadId=%s", id)},
		   again = {.query = arena_printf(w->arena, "uploadId=%s", id)};

	(void)state;
	assert_string_equal(part(w, "/files/big", id, 0, 1), "");
	assert_string_equal(part(w, "/files/big", id, 10001, 1), "");
	assert_string_equal(part(w, "/files/other", id, 1, 1), "");
	assert_int_equal(
		finish(w, "/files/big", id,
		       arena_printf(w->arena, "%s%s", listed(w, 1, one), listed(w, 2, two))),
		400);
	assert_string_equal(code(w), "EntityTooSmall");
	assert_int_equal(
		finish(w, "/files/big", id,
		       arena_printf(w->arena, "%s%s", listed(w, 2, two), listed(w, 1, one))),
		400);
	assert_string_equal(code(w), "InvalidPartOrder");
	assert_int_equal(finish(w, "/files/big", id, listed(w, 1, "\"wrong\"")), 400);
	assert_string_equal(code(w), "InvalidPart");
	assert_int_equal(finish(w, "/files/big", id, listed(w, 3, one)), 400);
	assert_string_equal(code(w), "InvalidPart");
	assert_int_equal(finish(w, "/files/big", id, ""), 400);
	assert_string_equal(code(w), "MalformedXML");
	assert_int_equal(finish(w, "/files/big", id, "<Part>"), 400);
	assert_string_equal(code(w), "MalformedXML");
	assert_int_equal(s3(w, &abort_it, "DELETE", "/files/big"), 204);
	assert_int_equal(s3(w, &again, "DELETE", "/files/big"), 404);
	(void)begin(w, "/files/left-over"); /* freed with the simulator */
	world_free(w);
}

/* --- artifact credentials --------------------------------------------------------------------- */

static const char *text(const struct json *j, const char *path)
{
	return json_cstr(json_at(j, path));
}

/* A job of a pipeline; the client signs with its artifact credentials from now on. */
static const struct json *as_job(struct world *w)
{
	char e[RNG_UUID_SIZE];
	const struct json *job;

	ctl(w, "codepipeline action-type Deploy Rollout 1");
	ctl(w, "codepipeline pipeline web action=A type=Deploy/Rollout/1 output=Report");
	assert_int_equal(sim_push(w->sim, "web", STR("zip"), e, &w->err), 0);
	assert_int_equal(cp(w, "PollForJobs",
			    "{\"actionTypeId\":{\"category\":\"Deploy\",\"owner\":\"Custom\","
			    "\"provider\":\"Rollout\",\"version\":\"1\"}}"),
			 200);
	job = json_get(body_json(w), "jobs")->first;
	w->key = text(job, "data.artifactCredentials.accessKeyId");
	w->secret = text(job, "data.artifactCredentials.secretAccessKey");
	w->token = text(job, "data.artifactCredentials.sessionToken");
	return job;
}

static const char *path_of(struct world *w, const struct json *job, const char *list)
{
	return arena_printf(w->arena, STORE "/%s",
			    text(json_at(job, list)->first, "location.s3Location.objectKey"));
}

static void test_artifact_credentials_are_scoped(void **state)
{
	struct world *w = with_bucket();
	const struct json *job = as_job(w);
	const char *in = path_of(w, job, "data.inputArtifacts");
	const char *out = path_of(w, job, "data.outputArtifacts");
	const char *id, *etag;

	(void)state;
	ctl(w, "s3 put files secret text=x");
	assert_int_equal(get(w, in, NULL, NULL), 200);
	assert_true(str_is(w->res.body, "zip"));
	assert_int_equal(plain(w, "HEAD", in), 200);
	assert_int_equal(put(w, in, "x", KMS), 403);
	assert_int_equal(get(w, out, NULL, NULL), 403); /* not there yet; cannot be told apart */
	assert_string_equal(code(w), "AccessDenied");
	assert_int_equal(put(w, out, "report", KMS), 200);
	assert_int_equal(get(w, out, NULL, NULL), 200);
	assert_int_equal(get(w, "/files/secret", NULL, NULL), 403);
	assert_int_equal(get(w, STORE "/other/Source/key", NULL, NULL), 403);
	assert_int_equal(plain(w, "DELETE", in), 403);
	assert_int_equal(plain(w, "HEAD", STORE), 403);
	id = begin(w, out);
	etag = part(w, out, id, 1, 10);
	assert_int_equal(finish(w, out, id, listed(w, 1, etag)), 200);
	world_free(w);
}

static void test_artifact_credentials_expire_and_are_renewed(void **state)
{
	struct world *w = with_bucket();
	const struct json *job = as_job(w), *again;
	const char *in = path_of(w, job, "data.inputArtifacts");

	(void)state;
	sim_advance(w->sim, 15 * 60000 - 1);
	assert_int_equal(get(w, in, NULL, NULL), 200);
	sim_advance(w->sim, 1);
	assert_int_equal(get(w, in, NULL, NULL), 400);
	assert_string_equal(code(w), "ExpiredToken");
	w->key = "AKIASIMWORKER000001";
	w->secret = "sim-secret";
	w->token = "";
	assert_int_equal(cp(w, "GetJobDetails",
			    arena_printf(w->arena, "{\"jobId\":\"%s\"}", text(job, "id"))),
			 200);
	again = json_get(body_json(w), "jobDetails");
	assert_null(json_get(again, "nonce"));
	w->key = text(again, "data.artifactCredentials.accessKeyId");
	w->secret = text(again, "data.artifactCredentials.secretAccessKey");
	w->token = text(again, "data.artifactCredentials.sessionToken");
	assert_int_equal(get(w, in, NULL, NULL), 200);
	world_free(w);
}

static void test_buckets(void **state)
{
	struct world *w = with_bucket();
	struct ask location = {.query = "location"}, list = {.query = "list-type=2&prefix=a%2F"};

	(void)state;
	ctl(w, "s3 put files a/1 text=x");
	ctl(w, "s3 put files b/2 text=x");
	assert_int_equal(plain(w, "HEAD", "/files"), 200);
	assert_true(str_is(res_header(w, "x-amz-bucket-region"), SIM_REGION));
	assert_int_equal(s3(w, &location, "GET", "/files"), 200);
	assert_true(str_is(str_trim(body_xml(w)->text), SIM_REGION));
	assert_int_equal(s3(w, &list, "GET", "/files"), 200);
	assert_string_equal(xml_cstr(body_xml(w), "KeyCount"), "1");
	assert_string_equal(xml_cstr(body_xml(w), "Contents/Key"), "a/1");
	assert_int_equal(plain(w, "PUT", "/new-bucket"), 200);
	assert_int_equal(put(w, "/new-bucket/k", "x", NULL), 200);
	assert_int_equal(plain(w, "DELETE", "/files"), 405);
	world_free(w);
}

static void test_commands(void **state)
{
	char path[] = "/tmp/sim-s3-XXXXXX";
	struct world *w = with_bucket();
	int fd = mkstemp(path);
	const struct json *a;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "\xff\xfe", 2), 2);
	close(fd);
	ctl(w, arena_printf(w->arena, "s3 put files bin file=%s", path));
	unlink(path);
	a = ctl(w, "s3 get files bin");
	assert_null(json_get(a, "text"));
	ctl(w, "s3 put files t text=\"two words\"");
	assert_string_equal(text(ctl(w, "s3 get files t"), "text"), "two words");
	assert_int_equal(ctl(w, "s3 show")->n, 2);
	ctl(w, "s3 delete files t");
	ctl_refused(w, "s3 get files t", "files/t");
	ctl_refused(w, "s3 put files", "key");
	ctl_refused(w, "s3 put files k file=/nonexistent", "/nonexistent");
	ctl_refused(w, "s3 dance", "dance");
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_put_get_head_delete),
		cmocka_unit_test(test_virtual_host),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_checksums),
		cmocka_unit_test(test_chunked_bodies),
		cmocka_unit_test(test_artifact_bucket_wants_kms),
		cmocka_unit_test(test_multipart),
		cmocka_unit_test(test_multipart_refusals),
		cmocka_unit_test(test_artifact_credentials_are_scoped),
		cmocka_unit_test(test_artifact_credentials_expire_and_are_renewed),
		cmocka_unit_test(test_buckets),
		cmocka_unit_test(test_commands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
