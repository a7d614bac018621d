#include "worker/notify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A manager that listens, and an environment that says where. */
struct manager {
	char dir[32], path[64], got[512];
	const char *socket, *usec, *pid;
	int fd;
};

static const char *get(void *arg, const char *name)
{
	const struct manager *m = arg;

	return !strcmp(name, "NOTIFY_SOCKET")	? m->socket
	       : !strcmp(name, "WATCHDOG_USEC") ? m->usec
	       : !strcmp(name, "WATCHDOG_PID")	? m->pid
						: NULL;
}

static struct notify *connect_to(struct manager *m)
{
	struct aws_env env = {.get = get, .arg = m};

	return notify_new(&env);
}

static void listen_at(struct manager *m, const char *name, size_t n)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	memcpy(at.sun_path, name, n);
	m->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_true(m->fd >= 0);
	assert_int_equal(bind(m->fd, (struct sockaddr *)&at,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)),
			 0);
}

static int set_up(void **state)
{
	struct manager *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	*state = m;
	snprintf(m->dir, sizeof(m->dir), "/tmp/test-notify-XXXXXX");
	assert_non_null(mkdtemp(m->dir));
	snprintf(m->path, sizeof(m->path), "%s/notify", m->dir);
	m->socket = m->path;
	m->fd = -1;
	return 0;
}

static int tear_down(void **state)
{
	struct manager *m = *state;

	if (m->fd >= 0)
		close(m->fd);
	unlink(m->path);
	rmdir(m->dir);
	free(m);
	return 0;
}

/* The next datagram; "" when there is none. */
static const char *got(struct manager *m)
{
	ssize_t n = recv(m->fd, m->got, sizeof(m->got) - 1, 0);

	m->got[n > 0 ? n : 0] = '\0';
	return m->got;
}

static void test_says_what_it_is_told(void **state)
{
	struct manager *m = *state;
	struct notify *n;

	listen_at(m, m->path, strlen(m->path) + 1);
	n = connect_to(m);
	assert_non_null(n);
	assert_string_equal(got(m), "");
	notify_ready(n);
	assert_string_equal(got(m), "READY=1");
	notify_status(n, "%d rollouts\nWATCHDOG=1", 3);
	assert_string_equal(got(m), "STATUS=3 rollouts?WATCHDOG=1");
	notify_watchdog(n);
	assert_string_equal(got(m), "WATCHDOG=1");
	notify_stopping(n);
	assert_string_equal(got(m), "STOPPING=1");
	assert_string_equal(got(m), "");
	assert_int_equal(notify_watchdog_ms(n), 0);
	notify_free(n);
}

static void test_long_status_is_cut(void **state)
{
	struct manager *m = *state;
	char text[400];
	struct notify *n;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	listen_at(m, m->path, strlen(m->path) + 1);
	n = connect_to(m);
	notify_status(n, "%s", text);
	assert_true(str_starts(str_from(got(m)), "STATUS=xxx"));
	assert_in_range(strlen(m->got), 150, 200);
	notify_free(n);
}

static void test_abstract_name(void **state)
{
	struct manager *m = *state;
	char name[64], at[65];
	struct notify *n;

	snprintf(name, sizeof(name), "@test-notify-%ld", (long)getpid());
	memcpy(at, name, sizeof(name));
	at[0] = '\0';
	m->socket = name;
	listen_at(m, at, strlen(name));
	n = connect_to(m);
	notify_ready(n);
	assert_string_equal(got(m), "READY=1");
	notify_free(n);
}

static void test_nobody_supervises(void **state)
{
	static const char *const none[] = {NULL, "", "relative", "/", "@", "vsock:2:1"};
	struct manager *m = *state;
	char longest[200];

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		m->socket = none[i];
		assert_null(connect_to(m));
	}
	memset(longest, '/', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	m->socket = longest;
	assert_null(connect_to(m));
	notify_ready(NULL);
	notify_stopping(NULL);
	notify_status(NULL, "x");
	notify_watchdog(NULL);
	assert_int_equal(notify_watchdog_ms(NULL), 0);
	notify_free(NULL);
}

/* A manager that is gone, or takes nothing, holds nobody up. */
static void test_nobody_listens(void **state)
{
	struct manager *m = *state;
	struct notify *n = connect_to(m);

	assert_non_null(n);
	notify_ready(n);
	listen_at(m, m->path, strlen(m->path) + 1);
	for (int i = 0; i < 10000; i++)
		notify_watchdog(n);
	assert_string_equal(got(m), "WATCHDOG=1");
	notify_free(n);
}

static void test_watchdog_interval(void **state)
{
	static const struct {
		const char *usec, *pid;
		int64_t want;
	} cases[] = {
		{"60000000", NULL, 60000}, {"1", NULL, 1},    {"0", NULL, 0},
		{"-5", NULL, 0},	   {"soon", NULL, 0}, {"60000000", "1", 0},
		{"60000000", "x", 0},
	};
	struct manager *m = *state;
	char self[32];
	struct notify *n;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		m->usec = cases[i].usec;
		m->pid = cases[i].pid;
		n = connect_to(m);
		assert_int_equal(notify_watchdog_ms(n), cases[i].want);
		notify_free(n);
	}
	snprintf(self, sizeof(self), "%ld", (long)getpid());
	m->usec = "2000000";
	m->pid = self;
	n = connect_to(m);
	assert_int_equal(notify_watchdog_ms(n), 2000);
	notify_free(n);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_says_what_it_is_told), TEST(test_long_status_is_cut),
		TEST(test_abstract_name),	 TEST(test_nobody_supervises),
		TEST(test_nobody_listens),	 TEST(test_watchdog_interval),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
