#include "tests/unit/artifacts/files.h"

#include "artifacts/fetch.h"
#include "aws/core/cancel.h"
#include "tests/unit/aws/fake_http.h"
#include "tests/unit/broken_call.h"

/*
 * A server with one object, which answers GET as S3 does, Range and If-Match included, and does at
 * each request what the script says.
 */
enum action {
	SERVE,
	BREAK,	/* the connection, after `bytes` of the body */
	REFUSE, /* no connection */
	DENY,
	EXPIRE,
	MISSING,
	INTERNAL,
	REPLACE,      /* the object gets other content first, then as SERVE */
	IGNORE_BOTH,  /* the server knows no If-Match and Range, and has other content */
	IGNORE_MATCH, /* no If-Match, and other content */
	NO_ETAG,      /* broken off after `bytes`, and without ETag */
	TOO_MUCH,     /* sends more than it said */
	TOO_LITTLE,   /* ends after `bytes`, as if nothing had happened */
	SHORT_RANGE,  /* answers with `bytes` of the rest, and says so */
};

struct step {
	enum action action;
	size_t bytes;
};

#define SIZE 3000000

static struct server {
	char *content;
	size_t n;
	const char *etag;
	const struct step *steps;
	size_t at;
	char ranges[32][64]; /* "range|if-match" as asked */
	bool chunk_cancel;
	struct cancel *cancel;
} server;

static int answer_error(struct arena *a, struct http_response *res, int status, const char *code)
{
	res->status = status;
	res->body = str_from(
		arena_printf(a, "<Error><Code>%s</Code><Message>test</Message></Error>", code));
	res->body_bytes = res->body.n;
	return 0;
}

static void add_header(struct http_response *res, const char *name, const char *value)
{
	res->headers[res->n_headers++] = (struct http_header){str_from(name), str_from(value)};
}

static int give(const struct http_request *req, struct http_response *res, size_t from, size_t n,
		struct err *err)
{
	if (req->on_start(req->on_arg, res->status, res->headers, res->n_headers, err))
		return -1;
	while (n) {
		size_t now = n < 16384 ? n : 16384;

		if (req->on_body(req->on_arg, server.content + from, now, err))
			return -1;
		from += now;
		n -= now;
		res->body_bytes += now;
		if (cancel_is_fired(server.cancel))
			return err_set(err, ERR_CANCELED, "canceled");
	}
	return 0;
}

static int serve(const struct http_request *req, const struct step *s, struct arena *a,
		 struct http_response *res, struct err *err)
{
	struct str range = http_header_get(req->headers, req->n_headers, "Range");
	struct str match = http_header_get(req->headers, req->n_headers, "If-Match");
	bool ignore = s->action == IGNORE_BOTH, cut = s->action == BREAK || s->action == NO_ETAG;
	uint64_t from = 0;
	size_t n;

	if (range.n && !ignore)
		assert_true(str_parse_u64(str_sub(range, 6, range.n - 1), 0, SIZE, &from));
	if (match.n && !ignore && s->action != IGNORE_MATCH && !str_is(match, server.etag))
		return answer_error(a, res, 412, "PreconditionFailed");
	n = server.n - (size_t)from;
	if (s->action == SHORT_RANGE)
		n = s->bytes;
	res->status = from ? 206 : 200;
	res->headers = arena_array(a, struct http_header, 8);
	add_header(res, "Content-Length", arena_printf(a, "%zu", n));
	if (s->action != NO_ETAG)
		add_header(res, "ETag", server.etag);
	add_header(res, "x-amz-version-id", "v1");
	if (from)
		add_header(
			res, "Content-Range",
			arena_printf(a, "bytes %zu-%zu/%zu", (size_t)from,
				     (size_t)from + n - 1, server.n));
	if (s->action == TOO_MUCH)
		return give(req, res, 0, n, err) || req->on_body(req->on_arg, "more", 4, err) ? -1
											      : 0;
	if (s->action == TOO_LITTLE)
		return give(req, res, 0, s->bytes, err);
	if (give(req, res, (size_t)from, cut && s->bytes < n ? s->bytes : n, err))
		return -1;
	if (!cut)
		return 0;
	err_set(err, ERR_NETWORK, "the connection broke");
	err->sent = true;
	return -1;
}

static int server_send(struct http *h, const struct http_request *req, struct arena *a,
		       struct http_response *res, struct cancel *cancel, struct err *err)
{
	const struct step *s = &server.steps[server.at];

	(void)h;
	(void)cancel;
	assert_string_equal(req->method, "GET");
	assert_true(server.at < 32);
	snprintf(server.ranges[server.at++], sizeof(server.ranges[0]), STR_FMT "|" STR_FMT,
		 STR_ARG(http_header_get(req->headers, req->n_headers, "Range")),
		 STR_ARG(http_header_get(req->headers, req->n_headers, "If-Match")));
	switch (s->action) {
	case REFUSE:
		return err_set(err, ERR_NETWORK, "connection refused");
	case DENY:
		return answer_error(a, res, 403, "AccessDenied");
	case EXPIRE:
		return answer_error(a, res, 400, "ExpiredToken");
	case MISSING:
		return answer_error(a, res, 404, "NoSuchKey");
	case INTERNAL:
		return answer_error(a, res, 500, "InternalError");
	case REPLACE:
	case IGNORE_BOTH:
	case IGNORE_MATCH:
		server.content[SIZE / 2] ^= 1;
		server.etag = "\"two\"";
		break;
	case SERVE:
	case BREAK:
	case NO_ETAG:
	case TOO_MUCH:
	case TOO_LITTLE:
	case SHORT_RANGE:
		break;
	}
	return serve(req, s, a, res, err);
}

struct world {
	struct fake *f;
	struct temp temp;
	struct workspace ws;
	struct fetch fetch;
	struct fetched got;
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

static void begin(struct world *w, const struct step *steps)
{
	*w = (struct world){.f = fake_new()};
	temp_make(&w->temp);
	assert_int_equal(workspace_create(w->temp.fd, rng_system(), &w->ws, &w->err), 0);
	w->f->http.send = server_send;
	server = (struct server){
		.content = xmalloc(SIZE), .n = SIZE, .etag = "\"one\"", .steps = steps};
	for (size_t i = 0; i < SIZE; i++)
		server.content[i] = (char)(i * 7 + (i >> 11));
	w->fetch = (struct fetch){.bucket = "artifacts",
				  .key = "pipe/in/x.zip",
				  .workspace = &w->ws,
				  .refresh = refresh,
				  .refresh_arg = w};
}

static void end(struct world *w)
{
	if (w->got.fd >= 0)
		close(w->got.fd);
	assert_int_equal(count_in(w->ws.fd), 0);
	assert_int_equal(workspace_remove(&w->ws, &w->err), 0);
	temp_remove(&w->temp);
	free(server.content);
	fake_free(w->f);
}

static int run(struct world *w)
{
	return fetch(&w->f->client, &w->fetch, w->f->arena, &w->got, &w->err);
}

static void check_good(const struct step *steps, size_t asked)
{
	char want[SHA256_HEX_SIZE], *p = xmalloc(SIZE + 1);
	struct world w;

	begin(&w, steps);
	if (run(&w))
		fail_msg("%s", w.err.text);
	assert_int_equal(server.at, asked);
	assert_int_equal(w.err.code, ERR_OK);
	assert_int_equal(w.got.size, server.n);
	assert_string_equal(w.got.etag, server.etag);
	assert_string_equal(w.got.version_id, "v1");
	assert_int_equal(pread(w.got.fd, p, SIZE + 1, 0), server.n);
	assert_memory_equal(p, server.content, server.n);
	sha256_hex((struct str){server.content, server.n}, want);
	assert_string_equal(w.got.sha256, want);
	end(&w);
	free(p);
}

static void check_bad(const struct step *steps, size_t asked, enum err_code code, const char *text)
{
	struct world w;

	begin(&w, steps);
	assert_int_equal(run(&w), -1);
	assert_int_equal(w.got.fd, -1);
	assert_int_equal(server.at, asked);
	if (w.err.code != code || !strstr(w.err.text, text))
		fail_msg("%s \"%s\", want %s \"%s\"", err_code_name(w.err.code), w.err.text,
			 err_code_name(code), text);
	assert_non_null(strstr(w.err.text, "s3://artifacts/pipe/in/x.zip"));
	end(&w);
}

static void test_whole(void **state)
{
	static const struct step once[] = {{SERVE, 0}};
	static const struct step later[] = {{REFUSE, 0}, {INTERNAL, 0}, {SERVE, 0}};

	(void)state;
	check_good(once, 1);
	assert_string_equal(server.ranges[0], "|");
	check_good(later, 3);
}

/* The rest only, on condition that it is the same object. */
static void test_resume(void **state)
{
	static const struct step steps[] = {
		{BREAK, 1000000}, {BREAK, 0}, {BREAK, 1000000}, {SERVE, 0}, {SERVE, 0}};

	(void)state;
	/* what repeats an attempt from its start is stopped and replaced by one for the rest */
	check_good(steps, 5);
	assert_string_equal(server.ranges[0], "|");
	assert_string_equal(server.ranges[1], "|");
	assert_string_equal(server.ranges[2], "bytes=1000000-|\"one\"");
	assert_string_equal(server.ranges[4], "bytes=2000000-|\"one\"");
}

static void test_end_lost(void **state)
{
	static const struct step steps[] = {{BREAK, SIZE}, {SERVE, 0}};

	(void)state;
	check_good(steps, 2);
}

/* Nothing can be resumed without an ETag: the digest starts anew with the content. */
static void test_no_etag(void **state)
{
	static const struct step steps[] = {{NO_ETAG, 500000}, {SERVE, 0}};
	static const struct step never[] = {{NO_ETAG, 500000}, {NO_ETAG, 500000}, {NO_ETAG, 1}};

	(void)state;
	check_good(steps, 2);
	check_bad(never, 3, ERR_NETWORK, "the connection broke");
}

static int run_in_thread(void *w)
{
	return run(w);
}

static void test_no_etag_and_no_truncating(void **state)
{
	static const struct step steps[] = {{NO_ETAG, 500000}, {SERVE, 0}};
	struct world w;

	(void)state;
	begin(&w, steps);
	assert_int_equal(
		with_broken_call((struct broken_call){.nr = SYS_ftruncate}, run_in_thread, &w), -1);
	assert_int_equal(w.err.code, ERR_SYSTEM);
	assert_int_equal(w.err.sys, EIO);
	assert_non_null(strstr(w.err.text, "write the artifact to disk"));
	end(&w);
}

static void test_replaced(void **state)
{
	static const struct step steps[] = {{BREAK, 1000000}, {REPLACE, 0}, {SERVE, 0}};
	static const struct step quietly[] = {{BREAK, 1000000}, {SERVE, 0}, {IGNORE_BOTH, 0}};
	static const struct step half[] = {{BREAK, 1000000}, {SERVE, 0}, {IGNORE_MATCH, 0}};

	(void)state;
	check_bad(steps, 3, ERR_CONFLICT, "the object was replaced while it was read");
	/* a server that does not do ranges answers with what was not asked for */
	check_bad(quietly, 3, ERR_MALFORMED, "asked for bytes from 1000000 on");
	check_bad(half, 3, ERR_CONFLICT, "the object was replaced while it was read");
}

static void test_gives_up(void **state)
{
	static const struct step refused[] = {{REFUSE, 0}, {REFUSE, 0}, {REFUSE, 0}};
	static const struct step bytes[] = {{BREAK, 9}, {SERVE, 0}, {BREAK, 9}, {SERVE, 0},
					    {BREAK, 9}, {SERVE, 0}, {BREAK, 9}, {SERVE, 0},
					    {BREAK, 9}, {SERVE, 0}};
	struct world w;

	(void)state;
	check_bad(refused, 3, ERR_NETWORK, "connection refused");
	begin(&w, bytes);
	assert_int_equal(run(&w), -1); /* little comes each time */
	assert_in_range(server.at, 5, 10);
	end(&w);
}

static void test_refused(void **state)
{
	static const struct step deny[] = {{DENY, 0}}, missing[] = {{MISSING, 0}};

	(void)state;
	check_bad(deny, 1, ERR_DENIED,
		  "must allow s3:GetObject and, for an encrypted artifact, kms");
	check_bad(deny, 1, ERR_DENIED, "the object is not there, or");
	check_bad(missing, 1, ERR_NOT_FOUND, "the artifact is not there");
}

static void test_expired(void **state)
{
	static const struct step twice[] = {
		{EXPIRE, 0}, {BREAK, 2000000}, {SERVE, 0}, {EXPIRE, 0}, {SERVE, 0}};
	static const struct step always[] = {{EXPIRE, 0}, {EXPIRE, 0}, {EXPIRE, 0}};
	struct world w;

	(void)state;
	check_good(twice, 5);
	assert_string_equal(server.ranges[4], "bytes=2000000-|\"one\"");
	check_bad(always, 3, ERR_DENIED, "ExpiredToken");

	begin(&w, always);
	w.fetch.refresh = NULL;
	assert_int_equal(run(&w), -1);
	assert_int_equal(server.at, 1);
	end(&w);

	begin(&w, always);
	w.refreshes = -1;
	assert_int_equal(run(&w), -1);
	assert_non_null(strstr(w.err.text, "GetJobDetails failed"));
	end(&w);
}

static void test_limit(void **state)
{
	static const struct step steps[] = {{SERVE, 0}};
	struct world w;

	(void)state;
	begin(&w, steps);
	w.fetch.max_bytes = SIZE;
	assert_int_equal(run(&w), 0);
	end(&w);

	begin(&w, steps);
	w.fetch.max_bytes = SIZE - 1;
	assert_int_equal(run(&w), -1);
	assert_int_equal(server.at, 1);
	assert_int_equal(w.err.code, ERR_LIMIT);
	assert_non_null(strstr(w.err.text, "3000000 bytes; artifacts of up to 2999999"));
	end(&w);
}

/* What is missing at the end is asked for, as if the connection had broken. */
static void test_too_little(void **state)
{
	static const struct step steps[] = {{TOO_LITTLE, 1000}, {SERVE, 0}};

	(void)state;
	check_good(steps, 2);
}

static void test_lying_server(void **state)
{
	static const struct step steps[] = {{TOO_MUCH, 0}};
	static const struct step range[] = {
		{BREAK, 1000000}, {SERVE, 0}, {SHORT_RANGE, 1000}};

	(void)state;
	check_bad(steps, 1, ERR_MALFORMED, "more bytes arrive than the object has");
	check_bad(range, 3, ERR_NETWORK, "only 1001000 of 3000000 bytes arrived");
}

static void test_empty(void **state)
{
	static const struct step steps[] = {{SERVE, 0}};
	struct world w;

	(void)state;
	begin(&w, steps);
	server.n = 0;
	assert_int_equal(run(&w), 0);
	assert_int_equal(w.got.size, 0);
	assert_string_equal(w.got.sha256,
			    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	end(&w);
}

static void test_cancel(void **state)
{
	static const struct step steps[] = {{SERVE, 0}};
	struct world w;

	(void)state;
	begin(&w, steps);
	server.cancel = cancel_new();
	cancel_fire(server.cancel);
	assert_int_equal(run(&w), -1);
	assert_int_equal(w.err.code, ERR_CANCELED);
	cancel_free(server.cancel);
	end(&w);
}

static void test_no_workspace(void **state)
{
	struct workspace none = WORKSPACE_INIT;
	static const struct step steps[] = {{SERVE, 0}};
	struct world w;

	(void)state;
	begin(&w, steps);
	w.fetch.workspace = &none;
	assert_int_equal(run(&w), -1);
	assert_int_equal(w.err.code, ERR_SYSTEM);
	assert_int_equal(server.at, 0);
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),	     cmocka_unit_test(test_resume),
		cmocka_unit_test(test_end_lost),     cmocka_unit_test(test_no_etag),
		cmocka_unit_test(test_no_etag_and_no_truncating),
		cmocka_unit_test(test_replaced),     cmocka_unit_test(test_gives_up),
		cmocka_unit_test(test_refused),	     cmocka_unit_test(test_expired),
		cmocka_unit_test(test_limit),	     cmocka_unit_test(test_too_little),
		cmocka_unit_test(test_lying_server),
		cmocka_unit_test(test_empty),	     cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_no_workspace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
