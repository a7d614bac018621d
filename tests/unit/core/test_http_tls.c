#include "aws/core/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/core/loopback.h"

extern char **environ;

/*
 * TLS verification and proxies. The TLS server is openssl s_server with a certificate made for
 * 127.0.0.1 alone; where there is no openssl program, those tests are skipped.
 */

struct tls {
	char dir[32];
	char key[64], cert[64], junk[64];
	pid_t pid; /* of s_server, 0 when there is none */
	int input; /* held open: s_server ends with it */
	uint16_t port;
	struct arena *arena;
};

/*
 * Run a program with these pipe ends as its input and output (-1: /dev/null). 0: no such program.
 */
static pid_t start(char *const *argv, int in, int out)
{
	posix_spawn_file_actions_t actions;
	pid_t pid = 0;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int rc;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in >= 0 ? in : null, 0);
	posix_spawn_file_actions_adddup2(&actions, out >= 0 ? out : null, 1);
	posix_spawn_file_actions_adddup2(&actions, null, 2);
	rc = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(null);
	return rc ? 0 : pid;
}

/* argv of string literals; the interface of exec wants them writable, and leaves them alone */
#define ARGV(...) ((char *const *)(uintptr_t)(const char *const[]){__VA_ARGS__, NULL})

static bool make_certificate(struct tls *t)
{
	int status = -1;
	pid_t pid = start(ARGV("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
			       "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
			       "/CN=tester", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
			       t->key, "-out", t->cert),
			  -1, -1);

	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* s_server says "ACCEPT 127.0.0.1:PORT". */
static bool read_port(int fd, uint16_t *port)
{
	FILE *f = fdopen(fd, "r");
	char line[256];
	bool found = false;

	while (!found && fgets(line, sizeof(line), f)) {
		struct str s = str_trim(str_from(line));
		uint64_t n;

		if (str_starts(s, "ACCEPT 127.0.0.1:") &&
		    str_parse_u64(str_sub(s, sizeof("ACCEPT 127.0.0.1:") - 1, s.n), 1, 65535, &n)) {
			*port = (uint16_t)n;
			found = true;
		}
	}
	fclose(f);
	return found;
}

static int group_set_up(void **state)
{
	struct tls *t = xcalloc(1, sizeof(*t));
	int in[2], out[2];

	*state = t;
	t->arena = arena_new();
	snprintf(t->dir, sizeof(t->dir), "/tmp/test-tls-XXXXXX");
	if (!mkdtemp(t->dir) || pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		return -1;
	snprintf(t->key, sizeof(t->key), "%s/key.pem", t->dir);
	snprintf(t->cert, sizeof(t->cert), "%s/cert.pem", t->dir);
	snprintf(t->junk, sizeof(t->junk), "%s/junk.pem", t->dir);
	t->input = in[1];
	if (make_certificate(t))
		t->pid = start(ARGV("openssl", "s_server", "-accept", "127.0.0.1:0", "-www", "-key",
				    t->key, "-cert", t->cert),
			       in[0], out[1]);
	close(in[0]);
	close(out[1]);
	if (t->pid > 0 && !read_port(out[0], &t->port))
		return -1;
	return 0;
}

static int group_tear_down(void **state)
{
	struct tls *t = *state;

	if (t->pid > 0) {
		kill(t->pid, SIGTERM);
		waitpid(t->pid, NULL, 0);
	}
	close(t->input);
	unlink(t->key);
	unlink(t->cert);
	unlink(t->junk);
	rmdir(t->dir);
	arena_free(t->arena);
	free(t);
	return 0;
}

static int get_tls(struct tls *t, const char *host, const char *ca_bundle,
		   struct http_response *res, struct err *err)
{
	char url[64];
	/* reading the system's authorities takes seconds on a busy machine under a sanitizer */
	struct http_request req = {
		.method = "GET", .url = url, .connect_ms = PLENTY_MS, .no_proxy = true};
	struct http *h = http_curl_new(ca_bundle, NULL, err);
	int rc;

	if (!h)
		return -1;
	snprintf(url, sizeof(url), "https://%s:%d/", host, t->port);
	rc = http_send(h, &req, t->arena, res, NULL, err);
	http_free(h);
	return rc;
}

static void need_server(const struct tls *t)
{
	if (t->pid == 0) {
		print_message("skipped: no openssl program\n");
		skip();
	}
}

static void test_trusts_the_bundle(void **state)
{
	struct tls *t = *state;
	struct http_response res;
	struct err err = ERR_INIT;

	need_server(t);
	if (get_tls(t, "127.0.0.1", t->cert, &res, &err))
		fail_msg("%s", err.text);
	assert_int_equal(res.status, 200);
	assert_true(res.body.n > 0);
}

static void test_refuses_strangers(void **state)
{
	struct tls *t = *state;
	struct http_response res;
	struct err err = ERR_INIT;

	need_server(t);
	assert_int_equal(get_tls(t, "127.0.0.1", NULL, &res, &err), -1);
	assert_int_equal(err.code, ERR_NETWORK);
	assert_false(err.sent);
	assert_non_null(strstr(err.text, "certificate"));
}

static void test_refuses_other_names(void **state)
{
	struct tls *t = *state;
	struct http_response res;
	struct err err = ERR_INIT;

	need_server(t);
	assert_int_equal(get_tls(t, "localhost", t->cert, &res, &err), -1);
	assert_int_equal(err.code, ERR_NETWORK);
	assert_false(err.sent);
	assert_non_null(strstr(err.text, "localhost"));
}

static void test_bad_bundle(void **state)
{
	struct tls *t = *state;
	struct http_response res;
	struct err err = ERR_INIT;
	FILE *f;

	need_server(t);
	f = fopen(t->junk, "w");
	assert_non_null(f);
	fputs("this is no certificate\n", f);
	fclose(f);
	assert_int_equal(get_tls(t, "127.0.0.1", t->junk, &res, &err), -1);
	assert_int_equal(err.code, ERR_SYSTEM);
	assert_false(err.sent);
}

/* --- proxies --------------------------------------------------------------------------------- */

static int proxy_set_up(void **state)
{
	struct fixture *f;
	char proxy[64];

	set_up(state);
	f = *state;
	snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%d", f->server->port);
	setenv("https_proxy", proxy, 1);
	setenv("http_proxy", proxy, 1);
	unsetenv("no_proxy");
	unsetenv("NO_PROXY");
	return 0;
}

static int proxy_tear_down(void **state)
{
	unsetenv("https_proxy");
	unsetenv("http_proxy");
	return tear_down(state);
}

/* The server at hand speaks no CONNECT, so the call fails, but not without having been asked. */
static void test_https_uses_the_proxy(void **state)
{
	const struct http_header key = {STR("Authorization"), STR("top secret")};
	struct fixture *f = *state;
	struct http_request req = {.method = "POST",
				   .url = "https://service.example/",
				   .headers = &key,
				   .n_headers = 1,
				   .connect_ms = 2000};

	assert_int_equal(exchange(f, &req), -1);
	assert_failed(f, f->err.code, false, "POST https://service.example: ");
	assert_int_equal(n_requests(f->server), 1);
	assert_true(str_starts(str_from(f->server->latest), "CONNECT service.example:443 "));
	assert_null(strstr(f->server->latest, "secret"));
}

static void test_no_proxy_means_none(void **state)
{
	struct fixture *f = *state;
	struct http_request req = {.method = "GET", .url = f->url, .no_proxy = true};
	uint16_t port;
	int fd = bind_loopback(&port);

	snprintf(f->url, sizeof(f->url), "https://127.0.0.1:%d/", port);
	assert_int_equal(exchange(f, &req), -1);
	assert_failed(f, ERR_NETWORK, false, "Failed to connect");
	assert_int_equal(n_requests(f->server), 0);
	close(fd);
}

static void test_plain_http_never_does(void **state)
{
	struct fixture *f = *state;

	get(f, "/echo");
	assert_true(str_starts(f->res.body, "GET /echo HTTP/1.1\r\n"));
}

int main(void)
{
	const struct CMUnitTest tls[] = {
		cmocka_unit_test(test_trusts_the_bundle),
		cmocka_unit_test(test_refuses_strangers),
		cmocka_unit_test(test_refuses_other_names),
		cmocka_unit_test(test_bad_bundle),
	};
	const struct CMUnitTest proxies[] = {
		cmocka_unit_test_setup_teardown(test_https_uses_the_proxy, proxy_set_up,
						proxy_tear_down),
		cmocka_unit_test_setup_teardown(test_no_proxy_means_none, proxy_set_up,
						proxy_tear_down),
		cmocka_unit_test_setup_teardown(test_plain_http_never_does, proxy_set_up,
						proxy_tear_down),
	};

	http_global_init();
	return cmocka_run_group_tests_name("tls", tls, group_set_up, group_tear_down) +
	       cmocka_run_group_tests_name("proxies", proxies, NULL, NULL);
}
