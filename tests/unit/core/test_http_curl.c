#include "aws/core/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "aws/core/limits.h"
#include "tests/unit/core/loopback.h"

/* --- what goes right ------------------------------------------------------------------------- */

static void test_gets(void **state)
{
	struct fixture *f = *state;

	get(f, "/echo?a=b");
	assert_int_equal(f->res.status, 200);
	get(f, "/hello");
	assert_int_equal(f->res.status, 200);
	assert_int_equal(f->res.n_headers, 2);
	assert_str(answer_header(f, "x-two"), "a b");
	assert_str(f->res.body, "hello");
	assert_string_equal(f->res.body.p, "hello");
	assert_int_equal(f->res.body_bytes, 5);
	get(f, "/empty");
	assert_int_equal(f->res.status, 204);
	assert_int_equal(f->res.body.n, 0);
	get(f, "/chunked");
	assert_str(f->res.body, "abcde");
	assert_int_equal(answer_header(f, "X-Trailer").n, 0);
	get(f, "/interim");
	assert_int_equal(f->res.status, 200);
	assert_str(f->res.body, "ok");
	assert_str(answer_header(f, "X-Late"), "2");
	assert_int_equal(answer_header(f, "X-Early").n, 0);
	/* all of it over one connection */
	assert_int_equal(n_connections(f->server), 1);
	get(f, "/until-close");
	assert_str(f->res.body, "all there is");
}

static void test_leaves_answers_alone(void **state)
{
	struct fixture *f = *state;

	get(f, "/redirect");
	assert_int_equal(f->res.status, 302);
	assert_str(answer_header(f, "Location"), "/hello");
	assert_int_equal(n_requests(f->server), 1);
	get(f, "/error");
	assert_int_equal(f->res.status, 500);
	assert_str(f->res.body, "oops");
	get(f, "/gzip");
	assert_str(f->res.body, "\x1F\x8B\x08!");
	get(f, "/cookie");
	get(f, "/echo");
	assert_null(strstr(f->res.body.p, "Cookie"));
}

/* What has become an address is looked at once more, whatever name led to it. */
static void test_no_way_to_this_link(void **state)
{
	static const char *const urls[] = {"http://169.254.169.254/", "http://169.254.0.1:8080/x",
					   "http://[fe80::1]/", "http://[fd00:ec2::254]/",
					   "http://[::ffff:169.254.169.254]/"};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		struct http_request req = {.method = "GET", .url = urls[i], .is_plain_ok = true};

		f->err = ERR_INIT;
		/* past http_send(), as a name would be */
		assert_int_equal(f->http->send(f->http, &req, f->arena, &f->res, NULL, &f->err),
				 -1);
		assert_failed(f, ERR_UNSAFE, false, "refused to connect");
	}
	for (int plain_ok = 0; plain_ok < 2; plain_ok++) {
		struct http_request req = {
			.method = "GET", .url = url_of(f, "/hello"), .is_plain_ok = plain_ok};

		assert_int_equal(exchange(f, &req), 0);
		assert_int_equal(f->res.status, 200);
	}
}

/* Exactly the headers asked for, and the three that are the transport's. */
static void test_sends_what_it_is_told(void **state)
{
	static const char *const want[] = {"X-A: b\r\n", "X-Empty:\r\n", "User-Agent: tester/1\r\n",
					   "Content-Length: 3\r\n", "\r\n\r\nabc"};
	const struct http_header headers[] = {
		{STR("X-A"), STR(" b ")},
		{STR("X-Empty"), STR("")},
		{STR("content-length"), STR("3")},
	};
	struct fixture *f = *state;
	struct http_request req = {.method = "POST",
				   .url = url_of(f, "/a/../b/./c%2F?x=1&y"),
				   .headers = headers,
				   .n_headers = 3,
				   .body = STR("abc")};
	char host[64];
	int lines = 0;

	assert_int_equal(exchange(f, &req), 0);
	assert_true(str_starts(f->res.body, "POST /a/../b/./c%2F?x=1&y HTTP/1.1\r\n"));
	snprintf(host, sizeof(host), "Host: 127.0.0.1:%d\r\n", f->server->port);
	assert_non_null(strstr(f->res.body.p, host));
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		if (!strstr(f->res.body.p, want[i]))
			fail_msg("no %s in %s", want[i], f->res.body.p);
	}
	for (const char *p = f->res.body.p; (p = strchr(p, '\n')); p++)
		lines++;
	assert_int_equal(lines, 7);
}

static void test_own_headers_replace(void **state)
{
	struct fixture *f = *state;
	char host[64];
	struct http_header headers[] = {
		{STR("User-Agent"), STR("other/2")},
		{STR("Accept"), STR("*/*")},
		{STR("Content-Type"), STR("application/x-amz-json-1.1")},
		{STR("Host"), STR("")},
	};
	struct http_request req = {
		.method = "POST", .url = url_of(f, "/echo"), .headers = headers, .n_headers = 4};

	snprintf(host, sizeof(host), "127.0.0.1:%d", f->server->port);
	headers[3].value = str_from(host);
	assert_int_equal(exchange(f, &req), 0);
	assert_non_null(strstr(f->res.body.p, "User-Agent: other/2\r\n"));
	assert_null(strstr(f->res.body.p, "tester/1"));
	assert_non_null(strstr(f->res.body.p, "Accept: */*\r\n"));
	assert_non_null(strstr(f->res.body.p, "Content-Type: application/x-amz-json-1.1\r\n"));
	assert_non_null(strstr(f->res.body.p, host));
	assert_non_null(strstr(f->res.body.p, "Content-Length: 0\r\n"));
}

static void test_methods(void **state)
{
	static const struct {
		const char *method, *line;
		bool has_length;
	} cases[] = {
		{"GET", "GET /echo ", false},	      {"DELETE", "DELETE /echo ", false},
		{"OPTIONS", "OPTIONS /echo ", false}, {"PUT", "PUT /echo ", true},
		{"POST", "POST /echo ", true},	      {"PATCH", "PATCH /echo ", true},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct http_request req = {.method = cases[i].method, .url = url_of(f, "/echo")};

		assert_int_equal(exchange(f, &req), 0);
		assert_true(str_starts(f->res.body, cases[i].line));
		assert_int_equal(strstr(f->res.body.p, "Content-Length: 0\r\n") != NULL,
				 cases[i].has_length);
		assert_null(strstr(f->res.body.p, "Content-Type"));
		/* with a body every method has its length */
		req.body = STR("xy");
		assert_int_equal(exchange(f, &req), 0);
		assert_true(str_starts(f->res.body, cases[i].line));
		assert_non_null(strstr(f->res.body.p, "Content-Length: 2\r\n"));
	}
	assert_int_equal(n_connections(f->server), 1);
}

static void test_head(void **state)
{
	struct fixture *f = *state;
	struct http_request req = {.method = "HEAD", .url = url_of(f, "/head")};

	assert_int_equal(exchange(f, &req), 0);
	assert_int_equal(f->res.status, 200);
	assert_str(answer_header(f, "Content-Length"), "99999999999");
	assert_int_equal(f->res.body.n, 0);
	get(f, "/hello"); /* the handle is a GET handle again */
	assert_str(f->res.body, "hello");
	assert_int_equal(n_connections(f->server), 1);
}

static void test_big_bodies(void **state)
{
	const size_t n = 5 << 20;
	struct fixture *f = *state;
	char *body = xmalloc(n);
	struct http_request req = {
		.method = "PUT", .url = url_of(f, "/echo"), .body = {body, n}, .stall_ms = 5000};

	memset(body, 'x', n);
	assert_int_equal(exchange(f, &req), 0);
	assert_non_null(strstr(f->res.body.p, "Content-Length: 5242880\r\n"));
	assert_null(strstr(f->res.body.p, "Expect"));
	free(body);
}

/* --- streaming ------------------------------------------------------------------------------- */

struct sink {
	int starts, status;
	size_t n_headers, bytes;
	char text[64];
	bool fail_start, fail_body;
};

static int sink_start(void *arg, int status, const struct http_header *headers, size_t n,
		      struct err *err)
{
	struct sink *k = arg;

	assert_int_equal(k->bytes, 0);
	assert_true(n == 0 || headers[0].name.n > 0);
	k->starts++;
	k->status = status;
	k->n_headers = n;
	return k->fail_start ? err_set(err, ERR_CONFLICT, "not this one") : 0;
}

static int sink_body(void *arg, const char *p, size_t n, struct err *err)
{
	struct sink *k = arg;

	if (k->bytes + n < sizeof(k->text))
		memcpy(k->text + k->bytes, p, n);
	k->bytes += n;
	return k->fail_body ? err_set(err, ERR_SYSTEM, "disk full") : 0;
}

static struct http_request streamed(struct fixture *f, const char *path, struct sink *k)
{
	*k = (struct sink){.starts = 0};
	return (struct http_request){.method = "GET",
				     .url = url_of(f, path),
				     .on_start = sink_start,
				     .on_body = sink_body,
				     .on_arg = k};
}

static void test_streams(void **state)
{
	struct fixture *f = *state;
	struct sink k;
	struct http_request req = streamed(f, "/hello", &k);

	assert_int_equal(exchange(f, &req), 0);
	assert_int_equal(k.starts, 1);
	assert_int_equal(k.status, 200);
	assert_int_equal(k.n_headers, 2);
	assert_string_equal(k.text, "hello");
	assert_int_equal(f->res.body.n, 0);
	assert_int_equal(f->res.body_bytes, 5);
	/* an answer without a body is announced as well */
	req = streamed(f, "/empty", &k);
	assert_int_equal(exchange(f, &req), 0);
	assert_int_equal(k.starts, 1);
	assert_int_equal(k.bytes, 0);
	req = streamed(f, "/interim", &k);
	req.on_start = NULL;
	assert_int_equal(exchange(f, &req), 0);
	assert_string_equal(k.text, "ok");
	/* errors and redirects are not what was asked for: collected */
	req = streamed(f, "/error", &k);
	assert_int_equal(exchange(f, &req), 0);
	assert_int_equal(k.starts, 0);
	assert_int_equal(k.bytes, 0);
	assert_str(f->res.body, "oops");
}

static void test_callbacks_can_refuse(void **state)
{
	struct fixture *f = *state;
	struct sink k;
	struct http_request req = streamed(f, "/hello", &k);

	k.fail_start = true;
	fails(f, &req, ERR_CONFLICT, "not this one");
	assert_int_equal(k.bytes, 0);
	req = streamed(f, "/endless", &k);
	k.fail_body = true;
	req.body_max = SIZE_MAX;
	fails(f, &req, ERR_SYSTEM, "disk full");
}

static void test_creation(void **state)
{
	struct err err = ERR_INIT;
	struct http *h;

	(void)state;
	assert_null(http_curl_new("/nonexistent/ca.pem", NULL, &err));
	assert_int_equal(err.code, ERR_SYSTEM);
	assert_int_equal(err.sys, ENOENT);
	assert_non_null(strstr(err.text, "/nonexistent/ca.pem"));
	h = http_curl_new(NULL, NULL, &err);
	assert_non_null(h);
	http_free(h);
}

static void test_no_user_agent(void **state)
{
	struct fixture *f = *state;

	http_free(f->http);
	f->http = http_curl_new(NULL, NULL, &f->err);
	get(f, "/echo");
	assert_null(strstr(f->res.body.p, "User-Agent"));
}

static void test_body_limit(void **state)
{
	struct fixture *f = *state;
	struct sink k;
	struct http_request req;

	get_fails(f, "/announced", ERR_LIMIT, "larger than 8388608 bytes");
	get_fails(f, "/endless", ERR_LIMIT, "larger than 8388608 bytes");
	req = (struct http_request){.method = "GET", .url = url_of(f, "/long"), .body_max = 49};
	fails(f, &req, ERR_LIMIT, "larger than 49 bytes");
	req = (struct http_request){.method = "GET", .url = url_of(f, "/long"), .body_max = 50};
	assert_int_equal(exchange(f, &req), 0);
	assert_int_equal(f->res.body.n, 50);
	req = streamed(f, "/endless", &k);
	req.body_max = 100000;
	fails(f, &req, ERR_LIMIT, "larger than 100000 bytes");
	assert_true(k.bytes <= 100000);
	get_fails(f, "/many-headers", ERR_LIMIT, "headers are larger");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_gets, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_way_to_this_link, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_leaves_answers_alone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_sends_what_it_is_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_own_headers_replace, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_methods, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_head, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_big_bodies, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_streams, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_callbacks_can_refuse, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_body_limit, set_up, tear_down),
		cmocka_unit_test(test_creation),
		cmocka_unit_test_setup_teardown(test_no_user_agent, set_up, tear_down),
	};

	http_global_init();
	return cmocka_run_group_tests_name("http_curl", tests, NULL, NULL);
}
