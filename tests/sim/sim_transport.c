/*
 * The three seams over a simulator: a transport that answers at once, a clock whose sleep moves the
 * world, and a seeded source of randomness.
 */
#include <string.h>

#include "aws/core/cancel.h"
#include "aws/core/limits.h"
#include "aws/core/lock.h"
#include "tests/sim/sim_private.h"

#define PIECE 16384 /* bytes a streamed body comes in; about what a TLS record holds */

/* --- transport -------------------------------------------------------------------------------- */

struct seam {
	const struct http_request *req;
	struct http_response *res;
	struct err *err;
};

/* As the real transport tells it: the origin only, since paths and queries may hold secrets. */
static int failed(const struct http_request *q, struct err *err, enum err_code code, bool sent,
		  const char *what)
{
	const char *path = strstr(q->url, "://");

	path = path ? path + 3 : q->url;
	path += strcspn(path, "/?#");
	err_set(err, code, "%s %.*s: %s", q->method, (int)(path - q->url), q->url, what);
	err->sent = sent;
	return -1;
}

static int deliver_streamed(const struct seam *t, struct str body, bool cut)
{
	const struct http_request *q = t->req;
	size_t end = cut ? body.n / 2 : body.n;

	if (q->on_start &&
	    q->on_start(q->on_arg, t->res->status, t->res->headers, t->res->n_headers, t->err) < 0)
		return -1;
	for (size_t at = 0; at < end; at += PIECE) {
		size_t n = end - at < PIECE ? end - at : PIECE;

		if (q->on_body(q->on_arg, body.p + at, n, t->err) < 0)
			return -1;
	}
	t->res->body = (struct str){"", 0};
	t->res->body_bytes = end;
	return 0;
}

static int deliver_answer(const struct seam *t, bool cut)
{
	struct str body = t->res->body;
	size_t max = t->req->body_max ? t->req->body_max : LIMIT_API_BODY;
	bool streamed = t->req->on_body && t->res->status >= 200 && t->res->status < 300;

	if (body.n > max) {
		err_set(t->err, ERR_LIMIT, "the answer is larger than %zu bytes", max);
		t->err->sent = true;
		return -1;
	}
	if (streamed && deliver_streamed(t, body, cut) < 0)
		return -1;
	return cut ? failed(t->req, t->err, ERR_NETWORK, true,
			    "connection closed in the middle of the answer")
		   : 0;
}

static int make_request(const struct http_request *q, struct arena *a, struct sim_request *out,
			struct err *err)
{
	struct http_url u;
	struct str host = http_header_get(q->headers, q->n_headers, "host");
	struct http_header *h;

	if (!http_url_parse(str_from(q->url), &u))
		return err_set(err, ERR_REJECTED, "not a URL: %s", q->url);
	if (!host.n)
		host = str_from(u.port_given ? arena_printf(a, STR_FMT ":%u", STR_ARG(u.host),
							    (unsigned)u.port)
					     : str_dup(a, u.host));
	/* the transport sends Host itself when the caller did not */
	h = arena_array(a, struct http_header, q->n_headers + 1);
	for (size_t i = 0; i < q->n_headers; i++)
		h[i] = q->headers[i];
	*out = (struct sim_request){
		.method = q->method,
		.path = u.path,
		.query = u.query,
		.host = host,
		.headers = h,
		.n_headers = q->n_headers,
		.body = q->body,
	};
	if (!http_header_get(q->headers, q->n_headers, "host").n)
		h[out->n_headers++] = (struct http_header){STR("Host"), host};
	return 0;
}

static int sim_send(struct http *http, const struct http_request *q, struct arena *a,
		    struct http_response *res, struct cancel *cancel, struct err *err)
{
	struct sim *s = ((struct sim_http *)(void *)http)->sim;
	struct seam t = {q, res, err};
	struct sim_request req;

	lock_assert_none();
	if (cancel_is_fired(cancel))
		return failed(q, err, ERR_CANCELED, false, "canceled");
	if (make_request(q, a, &req, err) < 0)
		return -1;
	switch (sim_deliver(s, &req, a, res)) {
	case SIM_ANSWERED:
		return deliver_answer(&t, false);
	case SIM_CUT:
		return deliver_answer(&t, true);
	case SIM_REFUSED:
		return failed(q, err, ERR_NETWORK, false, "connection refused");
	case SIM_LOST:
		return failed(q, err, ERR_TIMEOUT, true, "no answer in time");
	case SIM_CRASHED:
		break;
	}
	return failed(q, err, ERR_CANCELED, true, "the caller has crashed");
}

static void http_nothing(struct http *http)
{
	(void)http; /* lives and dies with the simulator */
}

/* --- clock ------------------------------------------------------------------------------------ */

static struct sim *of_clock(struct clock *c)
{
	return ((struct sim_clock *)(void *)c)->sim;
}

static struct utc clock_now(struct clock *c)
{
	return of_clock(c)->now;
}

static struct mono clock_since_start(struct clock *c)
{
	struct sim *s = of_clock(c);

	return (struct mono){s->now.ms - s->o.start.ms};
}

static int clock_wait(struct clock *c, int64_t ms, struct cancel *cancel, struct err *err)
{
	if (cancel_is_fired(cancel))
		return err_set(err, ERR_CANCELED, "sleep: canceled");
	sim_advance(of_clock(c), ms);
	return 0;
}

static int64_t clock_takes(struct clock *c, int64_t ms)
{
	(void)c;
	return ms > 0 ? 1 : 0;
}

void sim_transport_init(struct sim *s)
{
	s->http = (struct sim_http){{.send = sim_send, .free = http_nothing}, s};
	s->clock = (struct sim_clock){{.utc = clock_now,
				       .mono = clock_since_start,
				       .sleep = clock_wait,
				       .real_ms = clock_takes},
				      s};
}

struct http *sim_http(struct sim *s)
{
	return &s->http.http;
}

struct clock *sim_clock(struct sim *s)
{
	return &s->clock.clock;
}
