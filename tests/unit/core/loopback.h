#ifndef TESTS_UNIT_CORE_LOOPBACK_H
#define TESTS_UNIT_CORE_LOOPBACK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <assert.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "aws/core/buf.h"
#include "aws/core/http.h"
#include "aws/core/limits.h"
#include "aws/core/lock.h"

/*
 * The libcurl transport against a server on loopback whose paths misbehave in one way each. A
 * thread serves each connection; waiting is done on sockets and conditions only.
 */

#define CONNECTIONS_MAX 64
#define PLENTY_MS 20000 /* far more than anything here takes */

struct server {
	int listener;
	uint16_t port;
	pthread_t acceptor;
	struct lock lock;
	struct cond changed;
	pthread_t threads[CONNECTIONS_MAX];
	int fds[CONNECTIONS_MAX];
	int n_connections;
	int n_requests;
	char latest[8192]; /* head of the latest request */
};

struct connection {
	struct server *server;
	int fd;
};

/* --- the server ------------------------------------------------------------------------------ */

static inline bool put(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t k = send(fd, p, n, MSG_NOSIGNAL);

		if (k <= 0)
			return false;
		p += k;
		n -= (size_t)k;
	}
	return true;
}

static inline bool puts_to(int fd, const char *s)
{
	return put(fd, s, strlen(s));
}

/* Wait until the client goes away. */
static inline void wait_for_close(int fd)
{
	char c[256];

	while (recv(fd, c, sizeof(c), 0) > 0)
		;
}

/* Up to ms of silence; false when the client went away. */
static inline bool pause_ms(int fd, int ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, ms) == 0;
}

static inline bool serve_endless(int fd)
{
	static const char block[8192];
	char head[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

	if (!puts_to(fd, head))
		return false;
	while (puts_to(fd, "2000\r\n") && put(fd, block, sizeof(block)) && puts_to(fd, "\r\n"))
		;
	return false;
}

static inline bool serve_trickle(int fd)
{
	bool ok = puts_to(fd, "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n");

	for (int i = 0; i < 8 && ok; i++)
		ok = pause_ms(fd, 150) && puts_to(fd, "x");
	return ok;
}

static inline bool serve_many_headers(int fd)
{
	bool ok = puts_to(fd, "HTTP/1.1 200 OK\r\n");

	for (size_t n = 0; n <= LIMIT_HTTP_HEADERS && ok; n += 20)
		ok = puts_to(fd, "X-Filler: 12345678\r\n");
	return ok && puts_to(fd, "\r\n");
}

static inline bool serve_latest(struct server *s, int fd)
{
	struct buf b;
	bool ok;

	buf_init(&b, sizeof(s->latest) + 256);
	lock_take(&s->lock);
	buf_addf(&b, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(s->latest),
		 s->latest);
	lock_drop(&s->lock);
	ok = put(fd, b.p, b.n);
	buf_release(&b);
	return ok;
}

#define TEN "0123456789"

/* Answers that are the same bytes each time; keep: whether the connection stays open. */
static const struct canned {
	const char *path;
	const char *bytes;
	bool keep;
} canned[] = {
	{"/hello", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Two:  a b \r\n\r\nhello", true},
	{"/empty", "HTTP/1.1 204 No Content\r\n\r\n", true},
	{"/head", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", true},
	{"/chunked",
	 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	 "3\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: t\r\n\r\n",
	 true},
	{"/until-close", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall there is", false},
	{"/interim",
	 "HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n"
	 "HTTP/1.1 200 OK\r\nX-Late: 2\r\nContent-Length: 2\r\n\r\nok",
	 true},
	{"/redirect", "HTTP/1.1 302 Found\r\nLocation: /hello\r\nContent-Length: 0\r\n\r\n", true},
	{"/error", "HTTP/1.1 500 Oh\r\nContent-Length: 4\r\n\r\noops", true},
	{"/gzip",
	 "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1F\x8B\x08!",
	 true},
	{"/cookie", "HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n", true},
	{"/truncated", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" TEN, false},
	{"/truncated-chunks",
	 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n5\r\nde", false},
	{"/bad-chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n", false},
	{"/announced", "HTTP/1.1 200 OK\r\nContent-Length: 8388609\r\n\r\n" TEN, false},
	{"/long", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n" TEN TEN TEN TEN TEN, true},
	{"/vanish", "", false},
	{"/garbage", "* OK IMAP4rev1 ready\r\n", false},
	{"/status-999", "HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n", false},
	{"/folded", "HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\nContent-Length: 0\r\n\r\n", false},
};

/* Answer one request; false ends the connection. */
static inline bool serve(struct server *s, int fd, const char *path)
{
	for (size_t i = 0; i < sizeof(canned) / sizeof(canned[0]); i++) {
		if (strcmp(path, canned[i].path) == 0)
			return puts_to(fd, canned[i].bytes) && canned[i].keep;
	}
	if (strcmp(path, "/endless") == 0)
		return serve_endless(fd);
	if (strcmp(path, "/trickle") == 0)
		return serve_trickle(fd);
	if (strcmp(path, "/many-headers") == 0)
		return serve_many_headers(fd);
	if (strcmp(path, "/silence") == 0) {
		wait_for_close(fd);
		return false;
	}
	if (strcmp(path, "/half") == 0) {
		if (puts_to(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" TEN))
			wait_for_close(fd);
		return false;
	}
	return serve_latest(s, fd);
}

/* Read one request with its body. The head ends up in s->latest, with the body's start. */
static inline bool read_request(struct server *s, int fd, char path[256])
{
	struct str body_length = STR("Content-Length: ");
	char head[sizeof(s->latest)];
	size_t n = 0, body = 0;
	char *end, *length;
	uint64_t want = 0;

	head[0] = '\0';
	while (!(end = strstr(head, "\r\n\r\n"))) {
		ssize_t k = recv(fd, head + n, sizeof(head) - 1 - n, 0);

		if (k <= 0)
			return false;
		n += (size_t)k;
		head[n] = '\0';
	}
	end += 4;
	body = n - (size_t)(end - head);
	length = strstr(head, body_length.p);
	if (length && length < end) {
		size_t digits;

		length += body_length.n;
		digits = strspn(length, "0123456789");
		if (!str_parse_u64((struct str){length, digits}, 0, UINT64_MAX, &want))
			return false;
	}
	while (body < want) {
		char more[65536];
		ssize_t k = recv(fd, more, sizeof(more), 0);

		if (k <= 0)
			return false;
		body += (size_t)k;
	}
	if (sscanf(head, "%*s %255s", path) != 1)
		return false;
	path[strcspn(path, "?")] = '\0';
	lock_take(&s->lock);
	memcpy(s->latest, head, n + 1);
	s->n_requests++;
	cond_broadcast(&s->changed);
	lock_drop(&s->lock);
	return true;
}

static inline void *serve_connection(void *arg)
{
	struct connection *c = arg;
	char path[256];

	while (read_request(c->server, c->fd, path) && serve(c->server, c->fd, path))
		;
	shutdown(c->fd, SHUT_RDWR);
	free(c);
	return NULL;
}

static inline void *accept_connections(void *arg)
{
	struct server *s = arg;
	int fd;

	while ((fd = accept(s->listener, NULL, NULL)) >= 0) {
		struct connection *c = xcalloc(1, sizeof(*c));

		*c = (struct connection){s, fd};
		lock_take(&s->lock);
		assert(s->n_connections < CONNECTIONS_MAX);
		s->fds[s->n_connections] = fd;
		assert_int_equal(
			pthread_create(&s->threads[s->n_connections], NULL, serve_connection, c),
			0);
		s->n_connections++;
		lock_drop(&s->lock);
	}
	return NULL;
}

/* A socket bound to a free port of 127.0.0.1. */
static inline int bind_loopback(uint16_t *port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	*port = ntohs(a.sin_port);
	return fd;
}

static inline struct server *server_new(void)
{
	struct server *s = xcalloc(1, sizeof(*s));

	lock_init(&s->lock, LOCK_STATE);
	cond_init(&s->changed);
	s->listener = bind_loopback(&s->port);
	assert_int_equal(listen(s->listener, 64), 0);
	assert_int_equal(pthread_create(&s->acceptor, NULL, accept_connections, s), 0);
	return s;
}

static inline void server_free(struct server *s)
{
	shutdown(s->listener, SHUT_RDWR);
	pthread_join(s->acceptor, NULL);
	close(s->listener);
	for (int i = 0; i < s->n_connections; i++) {
		shutdown(s->fds[i], SHUT_RDWR);
		pthread_join(s->threads[i], NULL);
		close(s->fds[i]);
	}
	cond_release(&s->changed);
	lock_release(&s->lock);
	free(s);
}

static inline void await_requests(struct server *s, int n)
{
	lock_take(&s->lock);
	while (s->n_requests < n)
		assert(cond_wait_ms(&s->changed, &s->lock, PLENTY_MS));
	lock_drop(&s->lock);
}

static inline int n_requests(struct server *s)
{
	int n;

	lock_take(&s->lock);
	n = s->n_requests;
	lock_drop(&s->lock);
	return n;
}

static inline int n_connections(struct server *s)
{
	int n;

	lock_take(&s->lock);
	n = s->n_connections;
	lock_drop(&s->lock);
	return n;
}

/* --- the fixture ----------------------------------------------------------------------------- */

struct fixture {
	struct server *server;
	struct http *http;
	struct arena *arena;
	struct http_response res;
	struct err err;
	char url[512];
};

static inline int set_up(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	f->server = server_new();
	f->arena = arena_new();
	f->http = http_curl_new(NULL, "tester/1", &f->err);
	assert_non_null(f->http);
	*state = f;
	return 0;
}

static inline int tear_down(void **state)
{
	struct fixture *f = *state;

	http_free(f->http);
	server_free(f->server);
	arena_free(f->arena);
	free(f);
	return 0;
}

static const char *url_of(struct fixture *f, const char *path)
{
	snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%d%s", f->server->port, path);
	return f->url;
}

static inline int exchange(struct fixture *f, struct http_request *req)
{
	f->err = ERR_INIT;
	return http_send(f->http, req, f->arena, &f->res, NULL, &f->err);
}

static inline void get(struct fixture *f, const char *path)
{
	struct http_request req = {.method = "GET", .url = url_of(f, path)};

	if (exchange(f, &req))
		fail_msg("%s: %s", path, f->err.text);
}

static inline void assert_failed(struct fixture *f, enum err_code code, bool sent,
				 const char *words)
{
	if (f->err.code != code || f->err.sent != sent || !strstr(f->err.text, words))
		fail_msg("%s%s: %s", err_code_name(f->err.code), f->err.sent ? " (sent)" : "",
			 f->err.text);
	assert_null(strstr(f->err.text, "secret"));
	assert_int_equal(f->res.status, 0);
	assert_int_equal(f->res.n_headers, 0);
}

/* Send, fail, and see that the pool is none the worse for it. */
static inline void fails(struct fixture *f, struct http_request *req, enum err_code code,
			 const char *words)
{
	if (exchange(f, req) == 0)
		fail_msg("%s: status %d", req->url, f->res.status);
	assert_failed(f, code, true, words);
	get(f, "/hello");
}

static inline void get_fails(struct fixture *f, const char *path, enum err_code code,
			     const char *words)
{
	struct http_request req = {.method = "GET", .url = url_of(f, path)};

	fails(f, &req, code, words);
}

static inline void assert_str(struct str got, const char *want)
{
	if (!str_is(got, want))
		fail_msg("\"" STR_FMT "\" is not \"%s\"", STR_ARG(got), want);
}

static inline struct str answer_header(const struct fixture *f, const char *name)
{
	return http_header_get(f->res.headers, f->res.n_headers, name);
}

#endif
