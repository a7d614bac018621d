#ifndef TESTS_UNIT_TARGET_ROUTES_H
#define TESTS_UNIT_TARGET_ROUTES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/aws/fake_http.h"
#include "worker/target/target.h"

/* A split of percentages alone, for split(). */
#define SHARE(bp) (&(const struct traffic){.weight_bp = (bp)})

/*
 * A transport that answers by what is asked, not by when: the first route whose words are in
 * "METHOD url\nbody" answers, as often as it may. So tests say what the world is like, and then
 * look at what was sent. A request without a route fails with ERR_SYSTEM, which no code retries.
 *
 *   route(w, "GET", "/aliases/live", 200, "{...}");
 *   once(w, ...);  the same for one request only, before the others
 */
#define ROUTES_MAX 40

struct route {
	const char *method, *words;
	int status; /* 0: no answer, `fail` instead */
	enum err_code fail;
	bool sent;
	const char *headers, *body;
	bool once, used;
};

struct world {
	struct fake *f;
	struct route routes[ROUTES_MAX];
	size_t n_routes;
	struct plan plan;
	struct rollout_state state;
	struct problems problems;
	struct target_artifact artifact;
	struct target_env env;
	struct err err;
	char dir[32]; /* "" until an artifact is made */
};

static struct world *routed_world; /* of the test that runs; one thread */

static inline bool routes_match(const struct route *r, const struct http_request *req)
{
	struct str url = str_from(req->url);

	if (r->used || strcmp(r->method, req->method) != 0)
		return false;
	return memmem(url.p, url.n, r->words, strlen(r->words)) ||
	       (req->body.n && memmem(req->body.p, req->body.n, r->words, strlen(r->words)));
}

static inline int routes_send(struct http *h, const struct http_request *req, struct arena *a,
			      struct http_response *res, struct cancel *cancel, struct err *err)
{
	struct world *w = routed_world;
	struct route *r = NULL;

	(void)h;
	fake_record(w->f, req);
	if (cancel_is_fired(cancel))
		return err_set(err, ERR_CANCELED, "canceled");
	for (int pass = 0; pass < 2 && !r; pass++)
		for (size_t i = 0; i < w->n_routes && !r; i++)
			if (w->routes[i].once == (pass == 0) && routes_match(&w->routes[i], req))
				r = &w->routes[i];
	if (!r)
		return err_set(err, ERR_SYSTEM, "no route for %s %s " STR_FMT, req->method,
			       req->url, STR_ARG(str_sub(req->body, 0, 200)));
	r->used = r->once;
	if (!r->status) {
		err_set(err, r->fail, "no answer");
		err->sent = r->sent;
		return -1;
	}
	*res = (struct http_response){.status = r->status, .body_bytes = strlen(r->body)};
	fake_headers(r->headers, a, res);
	if (req->on_body && r->status / 100 == 2)
		return req->on_body(req->on_arg, r->body, strlen(r->body), err);
	res->body = str_from(arena_strdup(a, r->body));
	return 0;
}

static inline struct route *route(struct world *w, const char *method, const char *words,
				  int status, const char *body)
{
	assert_true(w->n_routes < ROUTES_MAX);
	w->routes[w->n_routes] = (struct route){
		.method = method, .words = words, .status = status, .headers = "", .body = body};
	return &w->routes[w->n_routes++];
}

static inline struct route *once(struct world *w, const char *method, const char *words, int status,
				 const char *body)
{
	struct route *r = route(w, method, words, status, body);

	r->once = true;
	return r;
}

/* Requests with these words in method, URL or body; and the body of the last of them. */
static inline size_t sent(const struct world *w, const char *method, const char *words)
{
	size_t n = 0;

	assert_true(w->f->n_requests < FAKE_MAX); /* or some were not recorded */
	for (size_t i = 0; i < w->f->n_requests; i++)
		n += !strcmp(w->f->requests[i].method, method) &&
		     (strstr(w->f->requests[i].url, words) ||
		      (w->f->requests[i].body.n && strstr(w->f->requests[i].body.p, words)));
	return n;
}

static inline const char *last_body(const struct world *w, const char *method, const char *words)
{
	const char *body = "";

	for (size_t i = 0; i < w->f->n_requests; i++)
		if (!strcmp(w->f->requests[i].method, method) &&
		    (strstr(w->f->requests[i].url, words) ||
		     (w->f->requests[i].body.n && strstr(w->f->requests[i].body.p, words))))
			body = w->f->requests[i].body.p;
	return body;
}

static inline void forget_requests(struct world *w)
{
	w->f->n_requests = 0;
}

static inline void forget_routes(struct world *w)
{
	w->n_routes = 0;
	forget_requests(w);
}

static inline const char *world_problems(struct world *w)
{
	const char *text;
	struct buf b;

	buf_init(&b, 1u << 20);
	problems_format(&w->problems, &b);
	text = arena_strdup(w->f->arena, b.p);
	buf_release(&b);
	return text;
}

static inline void expect_said(struct world *w, const char *words)
{
	for (const struct problem *p = w->problems.first; p; p = p->next)
		if (strstr(p->text, words))
			return;
	fail_msg("not said: %s\nbut:\n%s", words, world_problems(w));
}

static inline int world_set_up(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	w->f = fake_new();
	w->f->http.send = routes_send;
	w->artifact = (struct target_artifact){.dir_fd = -1, .file_fd = -1};
	w->env =
		(struct target_env){.client = w->f->client, .arena = w->f->arena, .plan = &w->plan};
	problems_init(&w->problems, w->f->arena);
	w->state.phase_since = w->f->now;
	routed_world = w;
	*state = w;
	return 0;
}

static inline int world_tear_down(void **state)
{
	struct world *w = *state;

	fake_free(w->f);
	free(w);
	routed_world = NULL;
	return 0;
}

#endif
