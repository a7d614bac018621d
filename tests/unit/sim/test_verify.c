#include "tests/unit/sim/simtest.h"

/* One signed call of each protocol that must be refused in its own words. */
struct refusal {
	const char *json, *query, *s3;
	int query_status, s3_status;
};

static int list_buckets_key(struct world *w)
{
	struct ask q = {.n = 0};

	return s3(w, &q, "GET", "/files/k");
}

static void check(struct world *w, const struct refusal *r)
{
	assert_int_equal(cp(w, "PollForJobs", "{}"), 400);
	assert_string_equal(code(w), r->json);
	assert_int_equal(sts(w, "Action=GetCallerIdentity&Version=2011-06-15"), r->query_status);
	assert_string_equal(code(w), r->query);
	assert_int_equal(list_buckets_key(w), r->s3_status);
	assert_string_equal(code(w), r->s3);
}

static struct world *with_object(void)
{
	struct world *w = world_new(NULL);

	ctl(w, "s3 put files k text=hello");
	return w;
}

static void test_good_signatures_pass(void **state)
{
	struct world *w = with_object();
	struct ask odd = {.query = "prefix=a%20b&list-type=2"};

	(void)state;
	assert_int_equal(list_buckets_key(w), 200);
	assert_int_equal(s3(w, &odd, "GET", "/files"), 200);
	assert_int_equal(sts(w, "Action=GetCallerIdentity&Version=2011-06-15"), 200);
	assert_int_equal(cp(w, "PollForJobs", "{}"), 400);
	assert_string_equal(code(w), "ValidationException"); /* past the door */
	world_free(w);
}

static void test_wrong_secret(void **state)
{
	struct world *w = with_object();

	(void)state;
	w->secret = "not-the-secret";
	check(w, &(struct refusal){"InvalidSignatureException", "SignatureDoesNotMatch",
				   "SignatureDoesNotMatch", 403, 403});
	world_free(w);
}

static void test_unknown_key(void **state)
{
	struct world *w = with_object();

	(void)state;
	w->key = "AKIANOBODY";
	check(w, &(struct refusal){"UnrecognizedClientException", "InvalidClientTokenId",
				   "InvalidAccessKeyId", 403, 403});
	world_free(w);
}

static void test_wrong_session_token(void **state)
{
	struct world *w = with_object();

	(void)state;
	w->token = "made-up"; /* the worker's key has none */
	check(w, &(struct refusal){"UnrecognizedClientException", "InvalidClientTokenId",
				   "InvalidAccessKeyId", 403, 403});
	world_free(w);
}

static void test_expired_key(void **state)
{
	struct world *w = with_object();

	(void)state;
	ctl(w, "sts key ASIATEMP secret=s token=t life=5m");
	w->key = "ASIATEMP";
	w->secret = "s";
	w->token = "t";
	assert_int_equal(list_buckets_key(w), 200);
	sim_advance(w->sim, 300000);
	check(w,
	      &(struct refusal){"ExpiredTokenException", "ExpiredToken", "ExpiredToken", 403, 400});
	world_free(w);
}

static void test_wrong_clock(void **state)
{
	struct world *w = with_object();

	(void)state;
	w->skew_ms = 4 * 60000; /* within every limit */
	assert_int_equal(list_buckets_key(w), 200);
	assert_int_equal(cp(w, "PollForJobs", "{}"), 400);
	assert_string_equal(code(w), "ValidationException");
	w->skew_ms = -6 * 60000; /* S3 and STS are more patient */
	assert_int_equal(list_buckets_key(w), 200);
	assert_int_equal(cp(w, "PollForJobs", "{}"), 400);
	assert_string_equal(code(w), "InvalidSignatureException");
	assert_true(memmem(w->res.body.p, w->res.body.n,
			   "Signature expired: 20260105T095400Z is now earlier than "
			   "20260105T095500Z (20260105T100000Z - 5 min.)",
			   100) != NULL);
	w->skew_ms = 16 * 60000;
	check(w, &(struct refusal){"InvalidSignatureException", "SignatureDoesNotMatch",
				   "RequestTimeTooSkewed", 403, 403});
	world_free(w);
}

static void test_unsigned(void **state)
{
	struct world *w = with_object();
	struct ask q = {.method = "POST",
			.host = "codepipeline.eu-central-1.amazonaws.com",
			.path = "/",
			.body = STR("{}")};
	struct ask file = {
		.method = "GET", .host = "s3.eu-central-1.amazonaws.com", .path = "/files/k"};
	struct ask form = {.method = "POST",
			   .host = "sts.eu-central-1.amazonaws.com",
			   .path = "/",
			   .body = STR("Action=GetCallerIdentity")};

	(void)state;
	ask_header(&q, "X-Amz-Target", "CodePipeline_20150709.PollForJobs");
	assert_int_equal(ask_send(w, &q), 400);
	assert_string_equal(code(w), "MissingAuthenticationTokenException");
	assert_int_equal(ask_send(w, &file), 403);
	assert_string_equal(code(w), "AccessDenied");
	ask_header(&form, "Content-Type", "application/x-www-form-urlencoded");
	assert_int_equal(ask_send(w, &form), 403);
	assert_string_equal(code(w), "MissingAuthenticationToken");
	ask_header(&q, "Authorization", "Basic Zm9v");
	assert_int_equal(ask_send(w, &q), 400);
	assert_string_equal(code(w), "IncompleteSignatureException");
	world_free(w);
}

static void test_body_that_was_not_signed(void **state)
{
	struct world *w = with_object();
	struct ask q = {.method = "PUT",
			.host = "s3.eu-central-1.amazonaws.com",
			.path = "/files/k",
			.service = "s3",
			.body = STR("evil"),
			.payload_hash = SIGV4_EMPTY_HASH};
	struct ask free_body = q;

	(void)state;
	assert_int_equal(ask_send(w, &q), 400);
	assert_string_equal(code(w), "XAmzContentSHA256Mismatch");
	free_body.payload_hash = "UNSIGNED-PAYLOAD";
	free_body.n = 0;
	assert_int_equal(ask_send(w, &free_body), 200);
	{
		/* another service takes no promise about the body */
		struct ask j = {.method = "POST",
				.host = "codepipeline.eu-central-1.amazonaws.com",
				.path = "/",
				.service = "codepipeline",
				.body = STR("{}"),
				.payload_hash = "UNSIGNED-PAYLOAD"};

		ask_header(&j, "X-Amz-Target", "CodePipeline_20150709.PollForJobs");
		assert_int_equal(ask_send(w, &j), 400);
		assert_string_equal(code(w), "InvalidSignatureException");
	}
	world_free(w);
}

/* Change a request after it was signed. */
static int tampered(struct world *w, struct ask *q, void (*change)(struct ask *q))
{
	struct http_request r = {.method = q->method};

	ask_sign(w, q);
	change(q);
	r.headers = q->headers;
	r.n_headers = q->n;
	r.method = q->method;
	r.body = q->body;
	r.url = arena_printf(w->arena, "https://%s%s%s%s", q->host, q->path, q->query ? "?" : "",
			     q->query ? q->query : "");
	assert_int_equal(http_send(sim_http(w->sim), &r, w->arena, &w->res, NULL, &w->err), 0);
	return w->res.status;
}

static void other_path(struct ask *q)
{
	q->path = "/files/other";
}

static void other_method(struct ask *q)
{
	q->method = "DELETE";
}

static void more_query(struct ask *q)
{
	q->query = "versionId=1";
}

static void more_amz(struct ask *q)
{
	ask_header(q, "x-amz-server-side-encryption", "AES256");
}

static void drop_hash(struct ask *q)
{
	for (size_t i = 0; i < q->n; i++)
		if (str_is(q->headers[i].name, "x-amz-content-sha256"))
			q->headers[i].name = STR("x-other");
}

static void test_tampering(void **state)
{
	static const struct {
		void (*change)(struct ask *q);
		const char *code;
		int status;
	} cases[] = {
		{other_path, "SignatureDoesNotMatch", 403},
		{other_method, "SignatureDoesNotMatch", 403},
		{more_query, "SignatureDoesNotMatch", 403},
		{more_amz, "SignatureDoesNotMatch", 403},
		{drop_hash, "InvalidRequest", 400},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world *w = with_object();
		struct ask q = {.method = "GET",
				.host = "s3.eu-central-1.amazonaws.com",
				.path = "/files/k",
				.service = "s3"};

		assert_int_equal(tampered(w, &q, cases[i].change), cases[i].status);
		assert_string_equal(code(w), cases[i].code);
		world_free(w);
	}
}

static void test_scope_of_another_service(void **state)
{
	struct world *w = with_object();
	struct ask q = {.method = "POST",
			.host = "codepipeline.eu-central-1.amazonaws.com",
			.path = "/",
			.service = "sts",
			.body = STR("{}")};

	(void)state;
	assert_int_equal(ask_send(w, &q), 403);
	assert_string_equal(code(w), "SignatureDoesNotMatch");
	world_free(w);
}

static void test_without_checks_life_still_counts(void **state)
{
	struct sim_options o = sim_options_default();
	struct world *w = world_new(&o); /* signatures are not checked */

	(void)state;
	ctl(w, "s3 put files k text=hello");
	w->secret = "whatever";
	assert_int_equal(list_buckets_key(w), 200);
	w->key = "AKIANOBODY";
	assert_int_equal(list_buckets_key(w), 200);
	ctl(w, "sts key ASIATEMP secret=s token=t life=5m");
	w->key = "ASIATEMP";
	w->token = "other";
	assert_int_equal(list_buckets_key(w), 403);
	w->token = "t";
	assert_int_equal(list_buckets_key(w), 200);
	sim_advance(w->sim, 300000);
	assert_int_equal(list_buckets_key(w), 400);
	assert_string_equal(code(w), "ExpiredToken");
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_signatures_pass),
		cmocka_unit_test(test_wrong_secret),
		cmocka_unit_test(test_unknown_key),
		cmocka_unit_test(test_wrong_session_token),
		cmocka_unit_test(test_expired_key),
		cmocka_unit_test(test_wrong_clock),
		cmocka_unit_test(test_unsigned),
		cmocka_unit_test(test_body_that_was_not_signed),
		cmocka_unit_test(test_tampering),
		cmocka_unit_test(test_scope_of_another_service),
		cmocka_unit_test(test_without_checks_life_still_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
