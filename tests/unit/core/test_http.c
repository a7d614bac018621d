#include "aws/core/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "aws/core/buf.h"
#include "aws/core/http_answer.h"
#include "aws/core/limits.h"

static int set_up(void **state)
{
	*state = arena_new();
	return 0;
}

static int tear_down(void **state)
{
	arena_free(*state);
	return 0;
}

static void assert_str(struct str got, const char *want)
{
	if (!str_is(got, want))
		fail_msg("\"" STR_FMT "\" is not \"%s\"", STR_ARG(got), want);
}

/* --- URLs ------------------------------------------------------------------------------------ */

static void test_parses_urls(void **state)
{
	static const struct {
		const char *url;
		bool https;
		const char *host;
		uint16_t port;
		bool port_given;
		const char *path, *query;
	} cases[] = {
		{"https://sts.amazonaws.com", true, "sts.amazonaws.com", 443, false, "/", ""},
		{"https://h/", true, "h", 443, false, "/", ""},
		{"http://h:8080/a/b?c=d&e", false, "h", 8080, true, "/a/b", "c=d&e"},
		{"http://h?x=/y", false, "h", 80, false, "/", "x=/y"},
		{"https://h:443/%2F/a%20b/../c?", true, "h", 443, true, "/%2F/a%20b/../c", ""},
		{"http://[fd00:ec2::254]/latest", false, "fd00:ec2::254", 80, false, "/latest", ""},
		{"http://[::1]:9000", false, "::1", 9000, true, "/", ""},
		{"https://b_x.s3.eu-west-1.amazonaws.com/k?a=b?c", true,
		 "b_x.s3.eu-west-1.amazonaws.com", 443, false, "/k", "a=b?c"},
		{"https://h/~!$&'()*+,;=:@-._", true, "h", 443, false, "/~!$&'()*+,;=:@-._", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct http_url u;

		if (!http_url_parse(str_from(cases[i].url), &u))
			fail_msg("refused: %s", cases[i].url);
		assert_int_equal(u.https, cases[i].https);
		assert_str(u.host, cases[i].host);
		assert_int_equal(u.port, cases[i].port);
		assert_int_equal(u.port_given, cases[i].port_given);
		assert_str(u.path, cases[i].path);
		assert_str(u.query, cases[i].query);
	}
}

static void test_refuses_urls(void **state)
{
	static const char *const bad[] = {
		"",
		"h",
		"/a",
		"ftp://h/",
		"HTTP:/h",
		"https:/h",
		"https://",
		"https:///a",
		"https://:80/",
		"https://user@h/",
		"https://user:pw@h/",
		"https://h@evil/",
		"https://h/a#f",
		"https://h#f",
		"https://h?q#f",
		"https://h:/",
		"https://h:0/",
		"https://h:65536/",
		"https://h:8o/",
		"https://h:+1/",
		"https://h:80:80/",
		"https://h x/",
		"https://h\\evil/",
		"https://h%2f/",
		"https://h/a b",
		"https://h/a\r\nX: y",
		"https://h/\xC3\xA9",
		"https://h/%",
		"https://h/%2",
		"https://h/%zz",
		"https://h/<a>",
		"https://h/a\\b",
		"https://[::1",
		"https://[::1]x",
		"https://[::1]x:80",
		"https://[]/",
		"https://[h]/",
		"https://[::1%25eth0]/",
		"https://[1.2.3.4]/",
		"https://::1/",
		"https://[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]/",
	};
	struct http_url u = {.port = 7};
	struct buf b;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (http_url_parse(str_from(bad[i]), &u))
			fail_msg("accepted: %s", bad[i]);
	}
	assert_false(http_url_parse((struct str){"https://h/\0", 11}, &u));
	assert_false(http_url_parse((struct str){"https://h\0x", 11}, &u));
	assert_false(http_url_parse((struct str){"https://[::1\0]", 14}, &u));
	assert_int_equal(u.port, 7);

	buf_init(&b, 1024);
	buf_adds(&b, "https://");
	for (int i = 0; i < 254; i++)
		buf_addc(&b, 'a');
	assert_false(http_url_parse(buf_str(&b), &u));
	b.n--;
	assert_true(http_url_parse(buf_str(&b), &u));
	buf_release(&b);
}

static void test_loopback(void **state)
{
	static const char *const yes[] = {"localhost", "LocalHost", "127.0.0.1",
					  "127.9.9.9", "::1",	    "0:0:0:0:0:0:0:1"};
	static const char *const no[] = {"",
					 "localhost.evil",
					 "127.0.0.1.evil.com",
					 "127.1",
					 "2130706433",
					 "0x7f.0.0.1",
					 "128.0.0.1",
					 "0.0.0.0",
					 "::",
					 "::2",
					 "::ffff:127.0.0.1",
					 "10.0.0.1",
					 "localhost.",
					 "[::1]"};

	(void)state;
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		assert_true(http_host_is_loopback(str_from(yes[i])));
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		assert_false(http_host_is_loopback(str_from(no[i])));
	assert_false(http_host_is_loopback((struct str){"127.0.0.1\0.x", 12}));
	assert_false(http_host_is_loopback((struct str){"::1\0", 4}));
}

static void test_header_get(void **state)
{
	const struct http_header h[] = {
		{STR("Content-Type"), STR("text/xml")},
		{STR("ETag"), STR("\"a\"")},
		{STR("etag"), STR("\"b\"")},
	};

	(void)state;
	assert_str(http_header_get(h, 3, "content-type"), "text/xml");
	assert_str(http_header_get(h, 3, "ETAG"), "\"a\"");
	assert_int_equal(http_header_get(h, 3, "Date").n, 0);
	assert_int_equal(http_header_get(NULL, 0, "Date").n, 0);
}

/* --- sending: what is refused before a transport sees it ------------------------------------- */

struct fake {
	struct http http;
	int sent, freed;
};

static int fake_send(struct http *h, const struct http_request *req, struct arena *a,
		     struct http_response *res, struct cancel *cancel, struct err *err)
{
	(void)req;
	(void)a;
	(void)cancel;
	(void)err;
	((struct fake *)h)->sent++;
	res->status = 204;
	return 0;
}

static void fake_free(struct http *h)
{
	((struct fake *)h)->freed++;
}

static void expect_send(struct arena *a, const struct http_request *req, enum err_code code,
			const char *words)
{
	struct fake fake = {.http = {fake_send, fake_free}};
	struct http_response res = {.status = 7};
	struct err err = ERR_INIT;
	int rc = http_send(&fake.http, req, a, &res, NULL, &err);

	if (err.code != code || !strstr(err.text, words))
		fail_msg("%s: %s: %s", req->url, err_code_name(err.code), err.text);
	assert_int_equal(rc, code == ERR_OK ? 0 : -1);
	assert_int_equal(fake.sent, code == ERR_OK ? 1 : 0);
	assert_int_equal(res.status, code == ERR_OK ? 204 : 0);
	assert_false(err.sent);
}

static void test_plain_http_stays_at_home(void **state)
{
	static const char *const fine[] = {
		"http://localhost:4566/",    "http://127.0.0.1/",
		"http://[::1]:80/",	     "http://169.254.169.254/latest/api/token",
		"http://169.254.170.2/v2/x", "http://169.254.170.23/v1/credentials",
		"http://[fd00:ec2::254]/",   "http://[FD00:EC2:0:0:0:0:0:23]/v1",
		"https://example.com/",
	};
	static const char *const bad[] = {
		"http://example.com/",	      "http://10.0.0.1/",
		"http://169.254.169.253/",    "http://169.254.169.254.evil.com/",
		"http://[fd00:ec2::255]/",    "http://[::ffff:169.254.169.254]/",
		"http://[::ffff:127.0.0.1]/", "http://0.0.0.0/",
	};

	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
		struct http_request req = {.method = "GET", .url = fine[i]};

		expect_send(*state, &req, ERR_OK, "");
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct http_request req = {.method = "GET", .url = bad[i]};

		expect_send(*state, &req, ERR_UNSAFE, "plain http");
		/* unless the caller says that nothing in it needs protection */
		req.is_plain_ok = true;
		expect_send(*state, &req, ERR_OK, "");
	}
}

/* What a plan may have asked for must not learn what the metadata endpoints say. */
static void test_plain_leads_to_no_metadata(void **state)
{
	static const char *const urls[] = {
		"http://169.254.169.254/latest/meta-data/iam/", "http://169.254.170.2/v2",
		"https://169.254.169.254/",			 "http://[fd00:ec2::254]/",
		"http://[fd00:ec2:0::0:254]:80/",
	};

	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		struct http_request req = {.method = "GET", .url = urls[i], .is_plain_ok = true};

		expect_send(*state, &req, ERR_UNSAFE, "metadata");
	}
}

static void test_refuses_improper_requests(void **state)
{
	struct http_request req = {.method = "GET", .url = "https://h/a b"};

	expect_send(*state, &req, ERR_REJECTED, "malformed URL");
	req = (struct http_request){.method = "GET", .url = "file:///etc/passwd"};
	expect_send(*state, &req, ERR_REJECTED, "malformed URL");
	req = (struct http_request){.method = "", .url = "https://h/"};
	expect_send(*state, &req, ERR_REJECTED, "method");
	req = (struct http_request){.method = "GET /x HTTP/1.1\r\nA:", .url = "https://h/"};
	expect_send(*state, &req, ERR_REJECTED, "method");
	req = (struct http_request){.method = "HEAD", .url = "https://h/", .body = STR("x")};
	expect_send(*state, &req, ERR_REJECTED, "HEAD");
}

static void expect_header(struct arena *a, const char *url, struct http_header h,
			  enum err_code code, const char *words)
{
	struct http_request req = {.method = "POST", .url = url, .body = STR("abc")};

	req.headers = &h;
	req.n_headers = 1;
	expect_send(a, &req, code, words);
}

static void test_checks_headers(void **state)
{
	static const char *const bad_names[] = {"", "a b", "a:", "a\n", "\xC3\xA9", "a\r\nb"};
	static const char *const bad_values[] = {"x\r\nEvil: 1", "x\ny", "x\ry", "\x7F", "\x01"};

	for (size_t i = 0; i < sizeof(bad_names) / sizeof(bad_names[0]); i++)
		expect_header(*state, "https://h/",
			      (struct http_header){str_from(bad_names[i]), STR("x")}, ERR_UNSAFE,
			      "not allowed");
	for (size_t i = 0; i < sizeof(bad_values) / sizeof(bad_values[0]); i++)
		expect_header(*state, "https://h/",
			      (struct http_header){STR("x"), str_from(bad_values[i])}, ERR_UNSAFE,
			      "not allowed");
	expect_header(*state, "https://h/", (struct http_header){STR("x"), {"a\0b", 3}}, ERR_UNSAFE,
		      "not allowed");
	expect_header(*state, "https://h/",
		      (struct http_header){STR("x-amz-meta-1"), STR("t\tab \xC3\xA9")}, ERR_OK, "");
	expect_header(*state, "https://h/",
		      (struct http_header){STR("transfer-encoding"), STR("chunked")}, ERR_REJECTED,
		      "Transfer-Encoding");
	expect_header(*state, "https://h/", (struct http_header){STR("content-length"), STR("3")},
		      ERR_OK, "");
	expect_header(*state, "https://h/", (struct http_header){STR("content-length"), STR("4")},
		      ERR_REJECTED, "Content-Length");
	expect_header(*state, "https://h/", (struct http_header){STR("content-length"), STR("+3")},
		      ERR_REJECTED, "Content-Length");
}

static void test_host_is_the_urls(void **state)
{
	static const struct {
		const char *url, *host;
		enum err_code code;
	} cases[] = {
		{"https://h.example/", "h.example", ERR_OK},
		{"https://h.example/", "H.Example", ERR_OK},
		{"https://h.example/", "h.example:443", ERR_OK},
		{"https://h.example:443/", "h.example", ERR_OK},
		{"http://[::1]:8080/", "[::1]:8080", ERR_OK},
		{"https://h.example/", "h.example:80", ERR_REJECTED},
		{"https://h.example/", "h.exampl", ERR_REJECTED},
		{"https://h.example/", "g.example", ERR_REJECTED},
		{"https://h.example/", "", ERR_REJECTED},
		{"http://127.0.0.1:8080/", "127.0.0.1", ERR_REJECTED},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_header(*state, cases[i].url,
			      (struct http_header){STR("host"), str_from(cases[i].host)},
			      cases[i].code, cases[i].code == ERR_OK ? "" : "Host header");
}

static void test_frees(void **state)
{
	struct fake fake = {.http = {fake_send, fake_free}};

	(void)state;
	http_free(&fake.http);
	assert_int_equal(fake.freed, 1);
	http_free(NULL);
}

/* --- taking in an answer --------------------------------------------------------------------- */

static void test_answer_forgets_interim_and_trailers(void **state)
{
	struct http_request req = {.method = "GET", .url = "https://h:1/secret?token"};
	struct http_response res = {.status = 0};
	struct err err = ERR_INIT;
	struct http_answer x;

	http_answer_init(&x, &req, &res, *state, &err);
	assert_str(x.origin, "https://h:1");
	assert_true(http_answer_header(&x, STR("HTTP/1.1 103 Early Hints\r\n")));
	assert_true(http_answer_header(&x, STR("X-Early: 1\r\n")));
	assert_true(http_answer_header(&x, STR("\r\n")));
	assert_false(x.headers_done);
	assert_true(http_answer_header(&x, STR("HTTP/2 200 \r\n")));
	for (int i = 0; i < 40; i++)
		assert_true(http_answer_header(&x, STR("x-many:  a: b \r\n")));
	assert_true(http_answer_header(&x, STR("\n")));
	assert_true(x.headers_done);
	assert_true(http_answer_body(&x, "ab", 2));
	assert_true(http_answer_body(&x, "c", 1));
	assert_true(http_answer_header(&x, STR("X-Trailer: 1\r\n")));
	http_answer_end(&x);
	assert_int_equal(res.status, 200);
	assert_int_equal(res.n_headers, 40);
	assert_string_equal(res.headers[39].name.p, "x-many");
	assert_string_equal(res.headers[39].value.p, "a: b");
	assert_str(res.body, "abc");
	assert_string_equal(res.body.p, "abc");
	assert_int_equal(res.body_bytes, 3);
	http_answer_release(&x);
}

static void test_answer_refuses_malformed(void **state)
{
	static const char *const bad[][2] = {
		{"ICY 200 OK", NULL},	      {"HTTP/1.1", NULL},
		{"HTTP/1.1 99 x", NULL},      {"HTTP/1.1 600 x", NULL},
		{"HTTP/1.1 2x0 OK", NULL},    {"", NULL},
		{"HTTP/1.1 200 OK", "x"},     {"HTTP/1.1 200 OK", ": x"},
		{"HTTP/1.1 200 OK", " x: y"}, {"HTTP/1.1 200 OK", "\tx: y"},
		{"HTTP/1.1 200 OK", "\r: y"}, {"HTTP/1.1 200 OK", "a b: y"},
		{"HTTP/1.1 200 OK", "a\x7f: y"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct http_request req = {.method = "GET", .url = "https://h/"};
		struct http_response res = {.status = 0};
		struct err err = ERR_INIT;
		struct http_answer x;
		bool ok;

		http_answer_init(&x, &req, &res, *state, &err);
		ok = http_answer_header(&x, str_from(bad[i][0]));
		assert_int_equal(ok, bad[i][1] != NULL);
		if (ok)
			assert_false(http_answer_header(&x, str_from(bad[i][1])));
		assert_int_equal(err.code, ERR_NETWORK);
		assert_non_null(strstr(err.text, "GET https://h: malformed"));
		assert_true(x.failed);
		http_answer_release(&x);
	}
}

static void test_answer_limits_headers(void **state)
{
	struct http_request req = {.method = "GET", .url = "https://h/"};
	struct http_response res = {.status = 0};
	struct err err = ERR_INIT;
	struct http_answer x;
	size_t bytes = 0;

	http_answer_init(&x, &req, &res, *state, &err);
	assert_true(http_answer_header(&x, STR("HTTP/1.1 200 OK\r\n")));
	/* interim answers and trailers count as well: the sum is what costs */
	while (http_answer_header(&x, STR("x: 0123456789012345678901234567890123456789\r\n")))
		bytes += 45;
	assert_true(bytes > LIMIT_HTTP_HEADERS - 100 && bytes < LIMIT_HTTP_HEADERS);
	assert_int_equal(err.code, ERR_LIMIT);
	http_answer_release(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parses_urls),
		cmocka_unit_test(test_refuses_urls),
		cmocka_unit_test(test_loopback),
		cmocka_unit_test(test_header_get),
		cmocka_unit_test_setup_teardown(test_plain_http_stays_at_home, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_plain_leads_to_no_metadata, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refuses_improper_requests, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_checks_headers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_host_is_the_urls, set_up, tear_down),
		cmocka_unit_test(test_frees),
		cmocka_unit_test_setup_teardown(test_answer_forgets_interim_and_trailers, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_answer_refuses_malformed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_answer_limits_headers, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
