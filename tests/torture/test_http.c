#include "tests/unit/core/loopback.h"

#include "aws/core/cancel.h"
#include "tests/torture/torture.h"

/*
 * The libcurl transport against a server on loopback: whatever call of libcurl fails, the exchange
 * fails in words or is complete, it says that it may have been sent when it was, and the next one
 * on the same transport succeeds.
 */
static struct err err;

struct exchange {
	const char *method, *path;
	struct str body;
};

static const struct exchange exchanges[] = {
	{"GET", "/hello", {"", 0}},
	{"POST", "/hello", {"{\"a\":1}", 7}},
	{"PUT", "/empty", {"0123456789", 10}},
	{"HEAD", "/head", {"", 0}},
	{"GET", "/chunked", {"", 0}},
};
#define N_EXCHANGES (sizeof(exchanges) / sizeof(exchanges[0]))

static int requests_so_far(struct server *s)
{
	int n, depth = torture_pause();

	n = n_requests(s);
	torture_resume(depth);
	return n;
}

static void check_answer(const struct exchange *x, const struct http_response *res)
{
	bool is_hello = !strcmp(x->path, "/hello"), is_chunked = !strcmp(x->path, "/chunked");

	if (res->status != (strcmp(x->path, "/empty") ? 200 : 204))
		torture_problem("%s: status %d", x->path, res->status);
	if ((is_hello && !str_is(res->body, "hello")) ||
	    (is_chunked && !str_is(res->body, "abcde")))
		torture_problem("%s: another body", x->path);
}

static bool do_exchange(struct http *h, struct server *s, const struct exchange *x)
{
	const struct http_header headers[] = {{STR("X-Test"), STR("yes")}};
	struct arena *a = arena_new();
	const struct http_request req = {
		.method = x->method,
		.url = arena_printf(a, "http://127.0.0.1:%u%s", (unsigned)s->port, x->path),
		.headers = headers,
		.n_headers = 1,
		.body = x->body,
		.total_ms = PLENTY_MS};
	struct cancel *cancel = cancel_new();
	int before = requests_so_far(s), rc;
	struct http_response res;
	bool succeeded;

	rc = http_send(h, &req, a, &res, cancel, &err);
	succeeded = torture_verdict(x->path, rc, &err, ": ");
	if (succeeded)
		check_answer(x, &res);
	else if (!err.sent && requests_so_far(s) > before)
		torture_problem("%s was sent, and says it was not: %s", x->path, err.text);
	cancel_free(cancel);
	arena_free(a);
	return succeeded;
}

static void exchange_all(void *arg)
{
	struct server *s = server_new();
	struct http *h;

	(void)arg;
	torture_in();
	h = http_curl_new(NULL, "torture", &err);
	if (torture_verdict("http_curl_new", h ? 0 : -1, &err, "CA bundle|libcurl")) {
		for (size_t i = 0; i < N_EXCHANGES; i++)
			do_exchange(h, s, &exchanges[i]);
		torture_out();
		if (!do_exchange(h, s, &exchanges[0]))
			torture_problem("the transport is of no use any more: %s", err.text);
		torture_in();
	}
	http_free(h);
	torture_out();
	server_free(s);
}

int main(void)
{
	const struct torture_case cases[] = {
		{.name = "exchange",
		 .run = exchange_all,
		 .stride = {0, 0, 1, 0, 0, 0},
		 .lasting = 4},
	};

	http_global_init();
	return torture_main(cases, 1);
}
