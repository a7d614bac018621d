/*
 * The simulator behind libmicrohttpd. The library's one thread reads a request whole; then, under
 * the lock, time catches up and the request is delivered as over any network: an armed fault may
 * drop the connection before the answer or in the middle of it.
 */
#include "tests/sim/serve.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "aws/core/json.h"
#include "aws/core/lock.h"

#define BODY_MAX (256u << 20)
#define CONTROL_MAX (64u << 20)
#define HEADERS_MAX 100

struct sim_server {
	struct sim *sim;
	struct clock *clock;
	struct lock lock; /* the simulator and its time */
	struct MHD_Daemon *daemon;
	uint16_t port;
};

/* One request while it comes in. */
struct incoming {
	struct arena *arena;
	const char *uri; /* as on the wire: libmicrohttpd hands out a decoded one */
	struct buf body;
	struct http_header headers[HEADERS_MAX];
	size_t n_headers;
	bool started;
};

void sim_server_tick(struct sim_server *v)
{
	lock_take(&v->lock);
	sim_advance(v->sim, clock_utc(v->clock).ms - sim_now(v->sim).ms);
	lock_drop(&v->lock);
}

/* --- control ---------------------------------------------------------------------------------- */

int sim_server_control(struct sim_server *v, struct str lines, struct buf *out, struct err *err)
{
	struct str rest = lines, line;
	unsigned n = 0;
	int rc = 0;

	while (rc == 0 && str_next(&rest, '\n', &line)) {
		size_t before = out->n;

		n++;
		line = str_trim(line);
		if (str_starts(line, "sim advance"))
			return err_set(err, ERR_REJECTED, "line %u: served time follows the clock",
				       n);
		lock_take(&v->lock);
		sim_advance(v->sim, clock_utc(v->clock).ms - sim_now(v->sim).ms);
		rc = sim_control(v->sim, line, out, err);
		lock_drop(&v->lock);
		if (rc == 0 && out->n > before)
			buf_addc(out, '\n');
	}
	return rc == 0 ? 0 : err_wrap(err, "line %u", n);
}

static enum MHD_Result send_text(struct MHD_Connection *c, unsigned status, const char *type,
				 struct str body)
{
	struct MHD_Response *r;
	enum MHD_Result ok;

	/* the library copies; its parameter is not const for the modes in which it frees */
	r = MHD_create_response_from_buffer(body.n, (void *)(uintptr_t)body.p,
					    MHD_RESPMEM_MUST_COPY);
	if (!r)
		return MHD_NO;
	(void)MHD_add_response_header(r, "Content-Type", type);
	ok = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return ok;
}

static enum MHD_Result serve_control(struct sim_server *v, struct MHD_Connection *c,
				     struct str lines)
{
	struct err err = ERR_INIT;
	enum MHD_Result ok;
	unsigned status = 200;
	struct buf out;

	buf_init(&out, CONTROL_MAX);
	if (sim_server_control(v, lines, &out, &err) < 0) {
		struct json_out o;

		status = 400;
		json_out_init(&o, &out);
		json_out_object(&o);
		json_member_cstr(&o, "error", err.text);
		json_out_end(&o);
		buf_addc(&out, '\n');
	}
	ok = send_text(c, status, "application/json", buf_str(&out));
	buf_release(&out);
	return ok;
}

/* The simulator's own pages; NULL when the path is none of them. */
static const char *page_command(const char *uri)
{
	static const struct {
		const char *path, *command;
	} pages[] = {
		{"/_sim/calls", "sim calls"},
		{"/_sim/splits", "sim splits"},
		{"/_sim/pipelines", "codepipeline show"},
		{"/_sim/now", "sim now"},
	};

	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		if (strcmp(uri, pages[i].path) == 0)
			return pages[i].command;
	return NULL;
}

static enum MHD_Result serve_own(struct sim_server *v, struct MHD_Connection *c, const char *method,
				 const struct incoming *in)
{
	const char *command = page_command(in->uri);

	if (strcmp(method, "POST") == 0 && strcmp(in->uri, "/_sim/control") == 0)
		return serve_control(v, c, buf_str(&in->body));
	if (strcmp(method, "GET") == 0 && command)
		return serve_control(v, c, str_from(command));
	return send_text(c, 404, "text/plain", STR("no such page of the simulator\n"));
}

/* --- AWS -------------------------------------------------------------------------------------- */

/* The body of an answer that is cut, or of a HEAD that has none. */
struct partial {
	char *p;
	size_t n;
};

static ssize_t partial_read(void *arg, uint64_t at, char *out, size_t max)
{
	const struct partial *p = arg;
	size_t left = at < p->n ? p->n - (size_t)at : 0;
	size_t n = left < max ? left : max;

	if (n == 0)
		return MHD_CONTENT_READER_END_WITH_ERROR; /* the connection is closed */
	memcpy(out, p->p + at, n);
	return (ssize_t)n;
}

static void partial_free(void *arg)
{
	struct partial *p = arg;

	free(p->p);
	free(p);
}

/* An answer of `length` bytes of which only the first n exist. */
static struct MHD_Response *partial_response(struct str body, size_t n, uint64_t length)
{
	struct partial *p = xcalloc(1, sizeof(*p));

	p->n = n;
	p->p = xstrndup(body.n ? body.p : "", 0);
	if (n) {
		p->p = xrealloc(p->p, n);
		memcpy(p->p, body.p, n);
	}
	return MHD_create_response_from_callback(length, 65536, partial_read, p, partial_free);
}

static struct MHD_Response *make_response(const char *method, const struct http_response *res,
					  bool cut)
{
	struct str length = http_header_get(res->headers, res->n_headers, "content-length");
	uint64_t n = 0;

	if (cut) /* one byte more is promised than an empty body could give */
		return partial_response(res->body, res->body.n / 2, res->body.n + 1);
	if (strcmp(method, "HEAD") == 0 && str_parse_u64(length, 0, UINT64_MAX - 1, &n))
		return partial_response(STR(""), 0, n);
	return MHD_create_response_from_buffer(res->body.n, (void *)(uintptr_t)res->body.p,
					       MHD_RESPMEM_MUST_COPY);
}

static enum MHD_Result send_answer(struct MHD_Connection *c, const char *method, struct arena *a,
				   const struct http_response *res, bool cut)
{
	struct MHD_Response *r = make_response(method, res, cut);
	enum MHD_Result ok;

	if (!r)
		return MHD_NO;
	for (size_t i = 0; i < res->n_headers; i++) {
		const struct http_header *h = &res->headers[i];

		if (!str_is_nocase(h->name, "content-length"))
			(void)MHD_add_response_header(r, str_dup(a, h->name), str_dup(a, h->value));
	}
	ok = MHD_queue_response(c, (unsigned)res->status, r);
	MHD_destroy_response(r);
	return ok;
}

static enum MHD_Result take_header(void *arg, enum MHD_ValueKind kind, const char *key,
				   const char *value)
{
	struct incoming *in = arg;

	(void)kind;
	if (in->n_headers == HEADERS_MAX)
		return MHD_NO;
	in->headers[in->n_headers++] = (struct http_header){str_from(key), str_from(value)};
	return MHD_YES;
}

static enum MHD_Result serve_aws(struct sim_server *v, struct MHD_Connection *c, const char *method,
				 struct incoming *in)
{
	struct str rest = str_from(in->uri), path = {"", 0};
	struct sim_request req = {.method = method, .body = buf_str(&in->body)};
	struct http_response res;
	enum sim_delivery d;

	(void)str_next(&rest, '?', &path);
	(void)MHD_get_connection_values(c, MHD_HEADER_KIND, take_header, in);
	req.path = path;
	req.query = rest;
	req.headers = in->headers;
	req.n_headers = in->n_headers;
	req.host = http_header_get(in->headers, in->n_headers, "host");
	lock_take(&v->lock);
	sim_advance(v->sim, clock_utc(v->clock).ms - sim_now(v->sim).ms);
	d = sim_deliver(v->sim, &req, in->arena, &res);
	lock_drop(&v->lock);
	if (d != SIM_ANSWERED && d != SIM_CUT)
		return MHD_NO; /* close without a word */
	return send_answer(c, method, in->arena, &res, d == SIM_CUT);
}

/* --- libmicrohttpd ---------------------------------------------------------------------------- */

static void *on_uri(void *arg, const char *uri, struct MHD_Connection *c)
{
	struct incoming *in = xcalloc(1, sizeof(*in));

	(void)arg;
	(void)c;
	in->arena = arena_new();
	in->uri = arena_strdup(in->arena, uri);
	buf_init(&in->body, BODY_MAX);
	return in;
}

static void on_completed(void *arg, struct MHD_Connection *c, void **state,
			 enum MHD_RequestTerminationCode why)
{
	struct incoming *in = *state;

	(void)arg;
	(void)c;
	(void)why;
	if (!in)
		return;
	buf_release(&in->body);
	arena_free(in->arena);
	free(in);
	*state = NULL;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *c, const char *url,
				  const char *method, const char *version, const char *data,
				  size_t *size, void **state)
{
	struct sim_server *v = arg;
	struct incoming *in = *state;

	(void)url;
	(void)version;
	if (!in->started) { /* headers only; the body comes next */
		in->started = true;
		return MHD_YES;
	}
	if (*size) {
		buf_add(&in->body, data, *size);
		*size = 0;
		return MHD_YES;
	}
	if (in->body.over)
		return send_text(c, 413, "text/plain", STR("the body is too large\n"));
	if (strncmp(in->uri, "/_sim/", 6) == 0)
		return serve_own(v, c, method, in);
	return serve_aws(v, c, method, in);
}

struct sim_server *sim_server_new(const struct sim_server_options *o, struct err *err)
{
	struct sim_server *v = xcalloc(1, sizeof(*v));
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(o->port)};
	const union MHD_DaemonInfo *info;

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	v->sim = o->sim;
	v->clock = o->clock;
	lock_init(&v->lock, LOCK_STATE);
	/* our answers carry simulated dates, so the library must not add its own */
	v->daemon = MHD_start_daemon(
		MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_SUPPRESS_DATE_NO_CLOCK, 0,
		NULL, NULL, on_request, v, MHD_OPTION_SOCK_ADDR, &addr, MHD_OPTION_URI_LOG_CALLBACK,
		on_uri, NULL, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_END);
	info = v->daemon ? MHD_get_daemon_info(v->daemon, MHD_DAEMON_INFO_BIND_PORT) : NULL;
	if (!info) {
		err_set(err, ERR_SYSTEM, "listen on 127.0.0.1:%u", (unsigned)o->port);
		sim_server_free(v);
		return NULL;
	}
	v->port = info->port;
	return v;
}

void sim_server_free(struct sim_server *v)
{
	if (!v)
		return;
	if (v->daemon)
		MHD_stop_daemon(v->daemon);
	lock_release(&v->lock);
	free(v);
}

uint16_t sim_server_port(const struct sim_server *v)
{
	return v->port;
}
