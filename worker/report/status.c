#include "worker/report/status.h"

#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "aws/core/clock.h"
#include "aws/core/mem.h"

/*
 * libmicrohttpd is driven by a thread of ours instead of its own: its time limit is one for
 * silence, which a client that sends a byte now and then never reaches, so connections are closed
 * here when their time is over. Each carries one request.
 */
#define CONNECTIONS_MAX 16
#define CONNECTION_MS 5000	 /* from accept to the last byte; pages are small */
#define MEMORY_BYTES (16u << 10) /* of a connection: request line, headers, answer's head */
#define PAGE_MAX (4u << 20)
#define BACKLOG 16

struct connection {
	struct connection *next; /* newest first */
	int fd;
	struct mono until;
};

struct status {
	struct status_options o;
	struct MHD_Daemon *daemon;
	int listen_fd, wake_fd;
	uint16_t port;
	pthread_t thread;
	bool started;
	struct connection *open; /* of the thread alone */
};

static const struct path {
	const char *path, *type;
	enum status_page page;
} PATHS[] = {
	{"/", "text/html; charset=utf-8", STATUS_HTML},
	{"/status.json", "application/json", STATUS_JSON},
	{"/metrics", "text/plain; version=0.0.4; charset=utf-8", STATUS_METRICS},
	{"/healthz", "text/plain; charset=utf-8", STATUS_HEALTH},
};
static const struct path NO_PATH;

/* --- answering -------------------------------------------------------------------------------- */

static void add_headers(struct MHD_Response *r, const char *type)
{
	static const char *const headers[][2] = {
		{"Connection", "close"},
		{"Cache-Control", "no-store"},
		{"X-Content-Type-Options", "nosniff"},
		{"X-Frame-Options", "DENY"},
		{"Referrer-Policy", "no-referrer"},
		{"Cross-Origin-Resource-Policy", "same-origin"},
		{"Content-Security-Policy",
		 "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
		 "form-action 'none'; frame-ancestors 'none'"},
	};

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		(void)MHD_add_response_header(r, headers[i][0], headers[i][1]);
	(void)MHD_add_response_header(r, "Content-Type", type);
}

static enum MHD_Result answer(struct MHD_Connection *c, unsigned status, const char *type,
			      struct str body)
{
	struct MHD_Response *r;
	enum MHD_Result ok;

	/* the library copies; its parameter is not const for the modes in which it frees */
	r = MHD_create_response_from_buffer(body.n, (void *)(uintptr_t)body.p,
					    MHD_RESPMEM_MUST_COPY);
	if (!r)
		return MHD_NO;
	add_headers(r, type);
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		(void)MHD_add_response_header(r, "Allow", "GET, HEAD");
	ok = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return ok;
}

static enum MHD_Result refuse(struct MHD_Connection *c, unsigned status, struct str why)
{
	return answer(c, status, "text/plain; charset=utf-8", why);
}

static enum MHD_Result answer_page(struct status *s, struct MHD_Connection *c, const struct path *p)
{
	enum MHD_Result ok;
	struct buf out;
	bool good;

	buf_init(&out, PAGE_MAX);
	good = s->o.page(s->o.arg, p->page, &out);
	if (out.over)
		ok = refuse(c, MHD_HTTP_INTERNAL_SERVER_ERROR, STR("the page is too large\n"));
	else
		ok = answer(c, good ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE, p->type,
			    buf_str(&out));
	buf_release(&out);
	return ok;
}

/* The path as it was sent: nothing is decoded, so there is one way to write each. */
static void *on_uri(void *arg, const char *uri, struct MHD_Connection *c)
{
	const struct path *found = &NO_PATH;

	(void)arg;
	(void)c;
	for (size_t i = 0; i < sizeof(PATHS) / sizeof(PATHS[0]); i++)
		if (strcmp(uri, PATHS[i].path) == 0)
			found = &PATHS[i];
	return (void *)(uintptr_t)found;
}

struct hosts {
	size_t n;
	const char *last;
};

static enum MHD_Result count_host(void *arg, enum MHD_ValueKind kind, const char *key,
				  const char *value)
{
	struct hosts *h = arg;

	(void)kind;
	if (str_is_nocase(str_from(key), MHD_HTTP_HEADER_HOST)) {
		h->n++;
		h->last = value;
	}
	return MHD_YES;
}

/* Called with the headers; the answer is given then, and what else comes is not read. */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *c, const char *url,
				  const char *method, const char *version, const char *data,
				  size_t *size, void **state)
{
	const struct path *p = *state;
	struct hosts hosts = {0, NULL};
	struct status *s = arg;

	(void)url;
	(void)version;
	(void)data;
	(void)size;
	(void)MHD_get_connection_values(c, MHD_HEADER_KIND, count_host, &hosts);
	if (hosts.n != 1 || !status_host_is_ours(str_from(hosts.last), s->o.names))
		return refuse(
			c, MHD_HTTP_MISDIRECTED_REQUEST,
			STR("this host name is not one of this worker's; see status_names\n"));
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return refuse(c, MHD_HTTP_METHOD_NOT_ALLOWED, STR("GET and HEAD only\n"));
	if (!p || !p->path)
		return refuse(c, MHD_HTTP_NOT_FOUND, STR("there is no such page\n"));
	return answer_page(s, c, p);
}

/* --- connections ------------------------------------------------------------------------------ */

/* The library closes it when it finds it shut down. */
static void shut(const struct connection *k)
{
	(void)shutdown(k->fd, SHUT_RDWR);
}

static void make_room(struct status *s)
{
	size_t n = 0;

	for (struct connection *k = s->open; k; k = k->next)
		if (++n >= CONNECTIONS_MAX)
			shut(k);
}

static void on_connection(void *arg, struct MHD_Connection *c, void **context,
			  enum MHD_ConnectionNotificationCode code)
{
	const union MHD_ConnectionInfo *info;
	struct connection *k = *context;
	struct status *s = arg;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
		make_room(s);
		k = xcalloc(1, sizeof(*k));
		k->fd = info->connect_fd;
		k->until.ms = clock_mono(clock_system()).ms + CONNECTION_MS;
		k->next = s->open;
		s->open = k;
		*context = k;
		return;
	}
	for (struct connection **at = &s->open; k && *at; at = &(*at)->next) {
		if (*at == k) {
			*at = k->next;
			break;
		}
	}
	free(k);
	*context = NULL;
}

/* Shut what has taken too long; how long until the next one has, -1: there is none. */
static int64_t shut_late(struct status *s)
{
	int64_t now = clock_mono(clock_system()).ms, least = -1;

	for (struct connection *k = s->open; k; k = k->next) {
		int64_t left = k->until.ms - now;

		if (left <= 0) {
			shut(k);
			left = 100; /* look again, should it not be gone by then */
		}
		if (least < 0 || left < least)
			least = left;
	}
	return least;
}

/* --- the thread ------------------------------------------------------------------------------- */

static void *serve(void *arg)
{
	struct status *s = arg;
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	struct pollfd p[] = {{.fd = info->epoll_fd, .events = POLLIN},
			     {.fd = s->wake_fd, .events = POLLIN}};

	while (!p[1].revents) {
		int64_t wait = shut_late(s);
		MHD_UNSIGNED_LONG_LONG limit;

		if (MHD_get_timeout(s->daemon, &limit) == MHD_YES &&
		    (wait < 0 || (int64_t)limit < wait))
			wait = (int64_t)limit;
		if (poll(p, 2, (int)wait) < 0 && errno != EINTR)
			break;
		(void)MHD_run(s->daemon);
	}
	return NULL;
}

static int listen_at(struct status *s, struct err *err)
{
	const struct status_address *a = &s->o.address;
	struct sockaddr_storage at;
	socklen_t size = sizeof(at);
	int one = 1;

	s->listen_fd = socket(a->at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->listen_fd < 0)
		return err_set_sys(err, ERR_SYSTEM, errno, "open a socket");
	(void)setsockopt(s->listen_fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (a->at.ss_family == AF_INET6)
		(void)setsockopt(s->listen_fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(s->listen_fd, (const struct sockaddr *)&a->at, a->size) ||
	    listen(s->listen_fd, BACKLOG) ||
	    getsockname(s->listen_fd, (struct sockaddr *)&at, &size))
		return err_set_sys(err, ERR_SYSTEM, errno, "listen");
	s->port = ntohs(at.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&at)->sin6_port
						 : ((struct sockaddr_in *)&at)->sin_port);
	return 0;
}

static int start(struct status *s, struct err *err)
{
	int rc;

	if (listen_at(s, err))
		return -1;
	s->wake_fd = eventfd(0, EFD_CLOEXEC);
	if (s->wake_fd < 0)
		return err_set_sys(err, ERR_SYSTEM, errno, "open an event descriptor");
	s->daemon = MHD_start_daemon(
		MHD_USE_EPOLL, 0, NULL, NULL, on_request, s, MHD_OPTION_LISTEN_SOCKET, s->listen_fd,
		MHD_OPTION_URI_LOG_CALLBACK, on_uri, NULL, MHD_OPTION_NOTIFY_CONNECTION,
		on_connection, s, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_BYTES,
		MHD_OPTION_CONNECTION_LIMIT, 2u * CONNECTIONS_MAX, MHD_OPTION_END);
	if (!s->daemon)
		return err_set(err, ERR_SYSTEM, "the HTTP server cannot be started");
	s->listen_fd = -1; /* the daemon's now */
	rc = pthread_create(&s->thread, NULL, serve, s);
	if (rc)
		return err_set_sys(err, ERR_SYSTEM, rc, "start a thread");
	s->started = true;
	return 0;
}

struct status *status_new(const struct status_options *o, struct err *err)
{
	struct status *s = xcalloc(1, sizeof(*s));

	assert(o->address.on && o->page);
	s->o = *o;
	s->listen_fd = s->wake_fd = -1;
	if (start(s, err)) {
		err_wrap(err, "status endpoint");
		status_free(s);
		return NULL;
	}
	return s;
}

uint16_t status_port(const struct status *s)
{
	return s->port;
}

void status_free(struct status *s)
{
	const uint64_t one = 1;

	if (!s)
		return;
	if (s->started) {
		while (write(s->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
			;
		pthread_join(s->thread, NULL);
	}
	if (s->daemon)
		MHD_stop_daemon(s->daemon);
	if (s->listen_fd >= 0)
		close(s->listen_fd);
	if (s->wake_fd >= 0)
		close(s->wake_fd);
	free(s);
}
