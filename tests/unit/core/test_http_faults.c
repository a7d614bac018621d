#include "aws/core/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "aws/core/cancel.h"
#include "aws/core/clock.h"
#include "tests/unit/core/loopback.h"

/* --- limits of time -------------------------------------------------------------------------- */

static void test_time_limits(void **state)
{
	struct fixture *f = *state;
	struct http_request req = {
		.method = "GET", .url = url_of(f, "/silence?secret"), .total_ms = 200};
	int64_t start = clock_mono(clock_system()).ms, took;

	fails(f, &req, ERR_TIMEOUT, "no complete answer in time");
	req = (struct http_request){.method = "GET", .url = url_of(f, "/half"), .total_ms = 200};
	fails(f, &req, ERR_TIMEOUT, "no complete answer in time");
	req = (struct http_request){.method = "GET", .url = url_of(f, "/silence"), .stall_ms = 200};
	fails(f, &req, ERR_TIMEOUT, "nothing arrived for 200 ms");
	req = (struct http_request){.method = "GET", .url = url_of(f, "/half"), .stall_ms = 200};
	fails(f, &req, ERR_TIMEOUT, "nothing arrived for 200 ms");
	took = clock_mono(clock_system()).ms - start;
	assert_true(took >= 800 && took < PLENTY_MS);
	/* slow, but never silent for so long */
	req = (struct http_request){
		.method = "GET", .url = url_of(f, "/trickle"), .stall_ms = 1000};
	assert_int_equal(exchange(f, &req), 0);
	assert_int_equal(f->res.body.n, 8);
}

/* A listener whose queue is full does not answer any more. */
static void test_connect_limit(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct http_request req = {.method = "GET", .url = f->url, .connect_ms = 200};
	struct pollfd fds[16];
	uint16_t port;
	int listener = bind_loopback(&port), n = 0;

	assert_int_equal(listen(listener, 0), 0);
	a.sin_port = htons(port);
	do {
		fds[n].fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		fds[n].events = POLLOUT;
		assert_true(fds[n].fd >= 0);
		connect(fds[n].fd, (struct sockaddr *)&a, sizeof(a));
	} while (poll(&fds[n++], 1, 200) == 1 && n < 16);
	assert_true(n < 16);

	snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%d/", port);
	assert_int_equal(exchange(f, &req), -1);
	assert_failed(f, ERR_TIMEOUT, false, "GET http://127.0.0.1:");
	while (n > 0)
		close(fds[--n].fd);
	close(listener);
}

/* --- what goes wrong ------------------------------------------------------------------------- */

static void test_broken_answers(void **state)
{
	static const char *const paths[] = {"/truncated", "/truncated-chunks", "/bad-chunks",
					    "/vanish",	  "/garbage",	       "/status-999",
					    "/folded"};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		get_fails(f, paths[i], ERR_NETWORK, "GET http://127.0.0.1:");
}

static void test_connection_refused(void **state)
{
	struct fixture *f = *state;
	struct http_request req = {.method = "GET", .url = f->url};
	uint16_t port;
	int fd = bind_loopback(&port); /* but not listening */

	snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%d/secret", port);
	assert_int_equal(exchange(f, &req), -1);
	assert_failed(f, ERR_NETWORK, false, "Failed to connect");
	assert_int_equal(f->err.sys, ECONNREFUSED);
	close(fd);
}

static void test_unknown_name(void **state)
{
	struct fixture *f = *state;
	struct http_request req = {.method = "GET", .url = "https://name.invalid/"};

	assert_int_equal(exchange(f, &req), -1);
	assert_false(f->err.sent);
	assert_true(f->err.code == ERR_NETWORK || f->err.code == ERR_TIMEOUT);
}

/*
 * The server closes a kept connection when the second request is on it. libcurl would send the
 * request again on a new connection; a POST that took effect would take effect twice.
 */
static void test_sends_once(void **state)
{
	struct fixture *f = *state;
	struct http_request req = {.method = "POST", .url = f->url, .body = STR("x")};

	get(f, "/hello");
	url_of(f, "/vanish");
	assert_int_equal(exchange(f, &req), -1);
	assert_failed(f, ERR_NETWORK, true, "closed without an answer");
	assert_int_equal(n_requests(f->server), 2);
	get(f, "/hello");
	assert_int_equal(n_requests(f->server), 3);
}

static void test_https_is_not_http(void **state)
{
	struct fixture *f = *state;
	struct http_request req = {.method = "GET", .url = f->url};

	snprintf(f->url, sizeof(f->url), "https://127.0.0.1:%d/", f->server->port);
	req.total_ms = 5000;
	req.connect_ms = 500; /* the server waits for the end of what it takes for a request */
	assert_int_equal(exchange(f, &req), -1);
	assert_false(f->err.sent);
	assert_int_equal(n_requests(f->server), 0);
}

/* --- cancel and threads ---------------------------------------------------------------------- */

struct canceler {
	struct server *server;
	struct cancel *cancel;
	int64_t fired_ms;
};

static void *fire_when_asked(void *arg)
{
	struct canceler *c = arg;

	await_requests(c->server, 1);
	c->fired_ms = clock_mono(clock_system()).ms;
	cancel_fire(c->cancel);
	return NULL;
}

static void test_cancel_interrupts(void **state)
{
	struct fixture *f = *state;
	struct canceler c = {.server = f->server, .cancel = cancel_new()};
	struct http_request req = {.method = "GET", .url = url_of(f, "/silence")};
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, fire_when_asked, &c), 0);
	f->err = ERR_INIT;
	assert_int_equal(http_send(f->http, &req, f->arena, &f->res, c.cancel, &f->err), -1);
	pthread_join(thread, NULL);
	assert_failed(f, ERR_CANCELED, true, "canceled");
	assert_true(clock_mono(clock_system()).ms - c.fired_ms < 1000);

	/* one that has fired lets nothing out */
	assert_int_equal(http_send(f->http, &req, f->arena, &f->res, c.cancel, &f->err), -1);
	assert_failed(f, ERR_CANCELED, false, "canceled");
	assert_int_equal(n_requests(f->server), 1);
	cancel_free(c.cancel);
	get(f, "/hello");
}

struct caller {
	struct fixture *f;
	int failures;
};

static void *call_often(void *arg)
{
	struct caller *c = arg;
	struct arena *a = arena_new();
	char url[64];

	snprintf(url, sizeof(url), "http://127.0.0.1:%d/hello", c->f->server->port);
	for (int i = 0; i < 25; i++) {
		struct http_request req = {.method = "GET", .url = url};
		struct http_response res;
		struct err err = ERR_INIT;

		if (http_send(c->f->http, &req, a, &res, NULL, &err) || !str_is(res.body, "hello"))
			c->failures++;
		arena_clear(a);
	}
	arena_free(a);
	return NULL;
}

static void test_threads_share_the_pool(void **state)
{
	enum { N = 8 };
	struct fixture *f = *state;
	struct caller callers[N];
	pthread_t threads[N];

	for (int i = 0; i < N; i++) {
		callers[i] = (struct caller){f, 0};
		assert_int_equal(pthread_create(&threads[i], NULL, call_often, &callers[i]), 0);
	}
	for (int i = 0; i < N; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(callers[i].failures, 0);
	}
	assert_int_equal(n_requests(f->server), N * 25);
	/* handles come back to the pool with their connections */
	assert_true(n_connections(f->server) <= N);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_time_limits, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_connect_limit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_broken_answers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_connection_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unknown_name, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_sends_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_https_is_not_http, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_cancel_interrupts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_threads_share_the_pool, set_up, tear_down),
	};

	http_global_init();
	return cmocka_run_group_tests_name("http_faults", tests, NULL, NULL);
}
