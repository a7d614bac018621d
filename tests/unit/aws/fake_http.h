#ifndef TESTS_UNIT_AWS_FAKE_HTTP_H
#define TESTS_UNIT_AWS_FAKE_HTTP_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/call.h"
#include "aws/core/cancel.h"
#include "aws/core/limits.h"

/*
 * A scripted transport for tests above aws/call: it answers requests from a list and remembers what
 * was sent. With it come a clock that moves when somebody sleeps, seeded randomness, and a client
 * that signs with fixed keys.
 *
 *   struct fake *f = fake_new();
 *   fake_answer(f, 200, "x-amzn-RequestId: r1\n", "{}");
 *   ... call something with &f->client ...
 *   fake_sent(f, 0)->body
 */
#define FAKE_MAX 64

struct fake_step {
	int status; /* 0: no answer, `fail` instead */
	enum err_code fail;
	bool sent;
	const char *headers; /* "Name: value\n" lines */
	struct str body;
};

struct fake_request {
	const char *method, *url;
	struct http_header *headers;
	size_t n_headers;
	struct str body;
	int64_t total_ms, stall_ms;
	size_t body_max;
};

struct fake {
	struct http http; /* first: the transport is cast back to its owner */
	struct clock clock;
	struct rng_seeded rng;
	struct utc now;
	struct arena *arena; /* of the script, the recordings and the calls under test */
	struct fake_step steps[FAKE_MAX];
	size_t n_steps, at;
	bool repeat_last; /* the last answer goes on for ever */
	struct fake_request requests[FAKE_MAX];
	size_t n_requests;
	struct aws_settings settings;
	struct credentials_provider *credentials;
	struct aws_client client;
};

/* --- clock ----------------------------------------------------------------------------------- */

static inline struct fake *fake_of_clock(struct clock *c)
{
	return (struct fake *)(void *)((char *)c - offsetof(struct fake, clock));
}

static inline struct utc fake_clock_utc(struct clock *c)
{
	return fake_of_clock(c)->now;
}

static inline struct mono fake_clock_mono(struct clock *c)
{
	return (struct mono){fake_of_clock(c)->now.ms};
}

static inline int fake_clock_sleep(struct clock *c, int64_t ms, struct cancel *cancel,
				   struct err *err)
{
	if (cancel_is_fired(cancel))
		return err_set(err, ERR_CANCELED, "canceled");
	fake_of_clock(c)->now.ms += ms;
	return 0;
}

/* --- transport ------------------------------------------------------------------------------- */

static inline struct str fake_copy(struct fake *f, struct str s)
{
	return (struct str){arena_strndup(f->arena, s.n ? s.p : "", s.n), s.n};
}

static inline void fake_record(struct fake *f, const struct http_request *req)
{
	struct fake_request *r;

	if (f->n_requests == FAKE_MAX)
		return;
	r = &f->requests[f->n_requests++];
	r->method = arena_strdup(f->arena, req->method);
	r->url = arena_strdup(f->arena, req->url);
	r->headers = arena_array(f->arena, struct http_header, req->n_headers);
	for (size_t i = 0; i < req->n_headers; i++) {
		r->headers[i].name = fake_copy(f, req->headers[i].name);
		r->headers[i].value = fake_copy(f, req->headers[i].value);
	}
	r->n_headers = req->n_headers;
	r->body = fake_copy(f, req->body);
	r->total_ms = req->total_ms;
	r->stall_ms = req->stall_ms;
	r->body_max = req->body_max;
}

static inline void fake_headers(const char *text, struct arena *a, struct http_response *res)
{
	struct str rest = str_from(text), line, name;

	res->headers = arena_array(a, struct http_header, FAKE_MAX);
	while (str_next(&rest, '\n', &line) && res->n_headers < FAKE_MAX) {
		if (!str_next(&line, ':', &name))
			continue;
		res->headers[res->n_headers].name.p = str_dup(a, name);
		res->headers[res->n_headers].name.n = name.n;
		line = str_trim(line);
		res->headers[res->n_headers].value.p = str_dup(a, line);
		res->headers[res->n_headers++].value.n = line.n;
	}
}

static inline int fake_stream(const struct http_request *req, const struct fake_step *s,
			      struct http_response *res, struct err *err)
{
	if (req->on_start &&
	    req->on_start(req->on_arg, res->status, res->headers, res->n_headers, err))
		return -1;
	/* in two pieces: a taker must not rely on getting all at once */
	for (size_t at = 0, n = s->body.n / 2; at < s->body.n; at += n, n = s->body.n - at) {
		if (n && req->on_body(req->on_arg, s->body.p + at, n, err))
			return -1;
	}
	return 0;
}

static inline int fake_send(struct http *h, const struct http_request *req, struct arena *a,
			    struct http_response *res, struct cancel *cancel, struct err *err)
{
	struct fake *f = (struct fake *)(void *)h;
	const struct fake_step *s;

	fake_record(f, req);
	if (cancel_is_fired(cancel))
		return err_set(err, ERR_CANCELED, "canceled");
	if (f->at == f->n_steps)
		return err_set(err, ERR_SYSTEM, "fake: no answer is left for %s %s", req->method,
			       req->url);
	s = &f->steps[f->at];
	if (!f->repeat_last || f->at + 1 < f->n_steps)
		f->at++;
	if (!s->status) {
		err_set(err, s->fail, "fake: %s", err_code_name(s->fail));
		err->sent = s->sent;
		return -1;
	}
	res->status = s->status;
	res->body_bytes = s->body.n;
	fake_headers(s->headers, a, res);
	if (s->body.n > (req->body_max ? req->body_max : LIMIT_API_BODY))
		return err_set(err, ERR_LIMIT, "fake: the answer is too long");
	if (req->on_body && s->status / 100 == 2)
		return fake_stream(req, s, res, err);
	res->body =
		(struct str){arena_strndup(a, s->body.n ? s->body.p : "", s->body.n), s->body.n};
	return 0;
}

static inline void fake_no_free(struct http *h)
{
	(void)h;
}

/* --- the world ------------------------------------------------------------------------------- */

static inline struct fake *fake_new(void)
{
	struct credentials_parts keys = {.access_key_id = STR("AKIDEXAMPLE"),
					 .secret_access_key = STR("not-a-real-secret"),
					 .source = "test"};
	struct fake *f = xcalloc(1, sizeof(*f));
	struct aws_deps deps = {
		.http = &f->http, .clock = &f->clock, .rng = &f->rng.rng, .settings = &f->settings};
	struct err err = ERR_INIT;

	f->http = (struct http){.send = fake_send, .free = fake_no_free};
	f->clock = (struct clock){
		.utc = fake_clock_utc, .mono = fake_clock_mono, .sleep = fake_clock_sleep};
	f->now.ms = 1767323045000; /* 2026-01-02T03:04:05Z */
	rng_seeded_init(&f->rng, 1);
	f->arena = arena_new();
	f->settings.region = "eu-central-1";
	f->credentials = credentials_static_new(&keys, &err);
	f->client = (struct aws_client){
		.aws = aws_new(&deps), .credentials = f->credentials, .region = "eu-central-1"};
	return f;
}

static inline void fake_free(struct fake *f)
{
	aws_free(f->client.aws);
	credentials_provider_free(f->credentials);
	arena_free(f->arena);
	free(f);
}

/* Queue answers. headers may be NULL; the text is borrowed. */
static inline void fake_answer_str(struct fake *f, int status, const char *headers, struct str body)
{
	if (f->n_steps == FAKE_MAX)
		abort();
	f->steps[f->n_steps++] =
		(struct fake_step){.status = status, .headers = headers, .body = body};
}

static inline void fake_answer(struct fake *f, int status, const char *headers, const char *body)
{
	fake_answer_str(f, status, headers, str_from(body));
}

/* Queue a failure of the transport; sent: the request may have arrived. */
static inline void fake_fail(struct fake *f, enum err_code code, bool sent)
{
	if (f->n_steps == FAKE_MAX)
		abort();
	f->steps[f->n_steps++] = (struct fake_step){.fail = code, .sent = sent};
}

/* Forget script and recordings, keep the rest. */
static inline void fake_again(struct fake *f)
{
	f->n_steps = f->at = f->n_requests = 0;
}

/* Request i; an empty one, never NULL, when so many were not made. */
static inline const struct fake_request *fake_sent(const struct fake *f, size_t i)
{
	static const struct fake_request none = {.method = "", .url = "", .body = {"", 0}};

	return i < f->n_requests ? &f->requests[i] : &none;
}

static inline struct str fake_header(const struct fake *f, size_t i, const char *name)
{
	const struct fake_request *r = fake_sent(f, i);

	return http_header_get(r->headers, r->n_headers, name);
}

/* Long text: `what` so many times. */
static inline char *fake_repeat(struct arena *a, const char *what, size_t times)
{
	size_t n = strlen(what);
	char *s = arena_alloc(a, n * times + 1);

	for (size_t i = 0; i < times; i++)
		memcpy(s + i * n, what, n);
	return s;
}

/* True when the whole script was used up and nothing beyond it was asked for. */
static inline bool fake_done(const struct fake *f)
{
	return f->at == f->n_steps && f->n_requests == f->n_steps;
}

#endif
