#ifndef TESTS_UNIT_AWS_FAKE_H
#define TESTS_UNIT_AWS_FAKE_H

/*
 * What the tests of aws/ share: a transport that plays a script and records what it was asked, a
 * clock that only sleeping moves, an environment made of pairs, and readers for files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "aws/call.h"
#include "aws/core/buf.h"
#include "aws/core/cancel.h"
#include "aws/readfile.h"

#define FAKE_NOW_MS 1767323045000 /* 2026-01-02T03:04:05Z */
#define FAKE_MAX 32

/* --- the clock: wall and monotonic time move together, by sleeping ------------------------ */
struct fake_clock {
	struct clock clock;
	int64_t now_ms, slept_ms;
	int64_t last_sleep_ms;
	int sleeps;
};

static inline struct utc fake_utc(struct clock *c)
{
	return (struct utc){((struct fake_clock *)c)->now_ms};
}

static inline struct mono fake_mono(struct clock *c)
{
	return (struct mono){((struct fake_clock *)c)->now_ms - FAKE_NOW_MS + 1000};
}

static inline int fake_sleep(struct clock *c, int64_t ms, struct cancel *cancel, struct err *err)
{
	struct fake_clock *f = (struct fake_clock *)c;

	if (cancel_is_fired(cancel))
		return err_set(err, ERR_CANCELED, "canceled");
	f->now_ms += ms;
	f->slept_ms += ms;
	f->last_sleep_ms = ms;
	f->sleeps++;
	return 0;
}

/* --- the transport ------------------------------------------------------------------------ */
struct fake_reply {
	int status; /* 0: the transport fails with these */
	enum err_code code;
	bool sent;
	const char *headers[8]; /* name, value, ... NULL */
	const char *body;
	void (*before)(void *arg); /* called when the request arrives */
	void *arg;
};

struct fake_request {
	char *method, *url, *body;
	char *headers; /* "name: value\n" ... */
	bool no_proxy;
	int64_t total_ms;
};

struct fake_http {
	struct http http;
	struct fake_clock *clock;
	struct fake_reply script[FAKE_MAX];
	size_t n_script, n_asked;
	struct fake_request asked[FAKE_MAX];
	int64_t takes_ms; /* each exchange */
};

static inline void fake_record(struct fake_http *f, const struct http_request *req)
{
	struct fake_request *r = &f->asked[f->n_asked++];
	struct buf b;

	buf_init(&b, 1u << 20);
	for (size_t i = 0; i < req->n_headers; i++)
		buf_addf(&b, STR_FMT ": " STR_FMT "\n", STR_ARG(req->headers[i].name),
			 STR_ARG(req->headers[i].value));
	*r = (struct fake_request){.method = xstrdup(req->method),
				   .url = xstrdup(req->url),
				   .body = xstrndup(req->body.n ? req->body.p : "", req->body.n),
				   .headers = buf_take(&b),
				   .no_proxy = req->no_proxy,
				   .total_ms = req->total_ms};
}

static inline int fake_answer(const struct fake_reply *r, const struct http_request *req,
			      struct arena *a, struct http_response *res, struct err *err)
{
	size_t n = 0;

	res->status = r->status;
	res->headers = arena_array(a, struct http_header, 8);
	for (; r->headers[2 * n]; n++)
		res->headers[n] = (struct http_header){str_from(r->headers[2 * n]),
						       str_from(r->headers[2 * n + 1])};
	res->n_headers = n;
	res->body = str_from(arena_strdup(a, r->body ? r->body : ""));
	res->body_bytes = res->body.n;
	if (r->status / 100 == 2 && req->on_start &&
	    req->on_start(req->on_arg, r->status, res->headers, n, err))
		return -1;
	if (r->status / 100 == 2 && req->on_body) {
		if (req->on_body(req->on_arg, res->body.p, res->body.n, err))
			return -1;
		res->body.n = 0;
	}
	return 0;
}

static inline int fake_send(struct http *h, const struct http_request *req, struct arena *a,
			    struct http_response *res, struct cancel *cancel, struct err *err)
{
	struct fake_http *f = (struct fake_http *)h;
	const struct fake_reply *r;

	if (cancel_is_fired(cancel))
		return err_set(err, ERR_CANCELED, "canceled");
	if (f->n_asked >= f->n_script)
		fail_msg("unexpected request %zu: %s %s", f->n_asked + 1, req->method, req->url);
	r = &f->script[f->n_asked];
	fake_record(f, req);
	if (r->before)
		r->before(r->arg);
	f->clock->now_ms += f->takes_ms;
	if (!r->status) {
		err_set(err, r->code, "no answer");
		err->sent = r->sent;
		return -1;
	}
	return fake_answer(r, req, a, res, err);
}

/* --- an environment: name, value, ... NULL ------------------------------------------------ */
static inline const char *fake_getenv(void *arg, const char *name)
{
	const char *const *pairs = arg;

	for (; pairs && *pairs; pairs += 2)
		if (!strcmp(pairs[0], name))
			return pairs[1];
	return NULL;
}

/* --- all of it ---------------------------------------------------------------------------- */
struct fake {
	struct fake_clock clock;
	struct fake_http http;
	struct rng_seeded rng;
	struct aws_settings settings;
	struct aws *aws;
	struct arena *arena;
};

static inline struct fake *fake_new(void)
{
	struct fake *f = xcalloc(1, sizeof(*f));

	f->clock.clock = (struct clock){.utc = fake_utc, .mono = fake_mono, .sleep = fake_sleep};
	f->clock.now_ms = FAKE_NOW_MS;
	f->http.http.send = fake_send;
	f->http.clock = &f->clock;
	rng_seeded_init(&f->rng, 1);
	f->settings.region = "eu-west-1";
	f->arena = arena_new();
	f->aws = aws_new(&(struct aws_deps){.http = &f->http.http,
					    .clock = &f->clock.clock,
					    .rng = &f->rng.rng,
					    .settings = &f->settings});
	return f;
}

static inline void fake_free(struct fake *f)
{
	assert_int_equal(f->http.n_asked, f->http.n_script); /* the whole script was played */
	for (size_t i = 0; i < f->http.n_asked; i++) {
		free(f->http.asked[i].method);
		free(f->http.asked[i].url);
		free(f->http.asked[i].body);
		free(f->http.asked[i].headers);
	}
	aws_free(f->aws);
	arena_free(f->arena);
	free(f);
}

static inline void fake_reply(struct fake *f, const struct fake_reply *r)
{
	assert_true(f->http.n_script < FAKE_MAX);
	f->http.script[f->http.n_script++] = *r;
}

static inline void fake_body(struct fake *f, int status, const char *body)
{
	fake_reply(f, &(struct fake_reply){.status = status, .body = body});
}

static inline void fake_failure(struct fake *f, enum err_code code, bool sent)
{
	fake_reply(f, &(struct fake_reply){.code = code, .sent = sent});
}

/* Value of a header of request i, in the arena; NULL when it was not sent. */
static inline const char *fake_header(struct fake *f, size_t i, const char *name)
{
	struct str rest = str_from(f->http.asked[i].headers), line;
	size_t n = strlen(name);

	while (str_next(&rest, '\n', &line))
		if (line.n > n + 1 && str_is_nocase(str_sub(line, 0, n), name) && line.p[n] == ':')
			return str_dup(f->arena, str_sub(line, n + 2, line.n));
	return NULL;
}

static inline struct credentials_provider *fake_credentials(const char *key)
{
	struct err err = ERR_INIT;
	struct credentials_provider *p = credentials_static_new(
		&(struct credentials_parts){.access_key_id = str_from(key),
					    .secret_access_key = STR("SECRET"),
					    .session_token = STR("TOKEN"),
					    .source = "test"},
		&err);

	assert_non_null(p);
	return p;
}

/* --- files -------------------------------------------------------------------------------- */
static inline const struct json *fake_vectors(struct arena *a, const char *path)
{
	struct err err = ERR_INIT;
	struct json *root;
	struct buf b;

	buf_init(&b, 1u << 20);
	if (aws_read_file(path, &b, &err) || json_parse(a, buf_str(&b), &root, &err))
		fail_msg("%s: %s", path, err.text);
	buf_release(&b);
	return json_get(root, "cases");
}

static inline void fake_write(const char *path, struct str text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text.n ? text.p : "", 1, text.n, f), text.n);
	assert_int_equal(fclose(f), 0);
}

#endif
