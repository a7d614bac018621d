/*
 * Web servers that are not AWS: what probes, hooks and notifications reach. A page is a host and a
 * path that answers with a status, from and to a time when wanted. An unknown page is a 404.
 */
#include "tests/sim/sim_internal.h"

#include <stdlib.h>

struct web_page {
	char host[256], path[512];
	int status;
	char *body;			    /* in the arena */
	struct utc fails_from, fails_until; /* answers 500 in between */
	uint64_t hits;
	struct str last_body; /* of the last request with one */
	struct web_page *next;
};

struct web {
	struct arena *arena;
	struct web_page *pages;
};

static void *web_create(struct sim *s)
{
	struct web *t = xcalloc(1, sizeof(*t));

	(void)s;
	t->arena = arena_new();
	return t;
}

static void web_destroy(void *state)
{
	struct web *t = state;

	arena_free(t->arena);
	free(t);
}

/* A page without host ("*") answers at any: the served form has only the loopback address. */
static struct web_page *page_find(struct web *t, struct str host, struct str path)
{
	for (struct web_page *p = t->pages; p; p = p->next)
		if ((str_is(host, p->host) || strcmp(p->host, "*") == 0) && str_is(path, p->path))
			return p;
	return NULL;
}

static const char *web_operation(const struct sim_exchange *x)
{
	return x->req->method;
}

static void web_handle(struct sim *s, void *state, const struct sim_exchange *x)
{
	struct web *t = state;
	struct web_page *p = page_find(t, x->req->host, x->req->path);
	int status;

	if (!p && (status = sim_beanstalk_answer(s, x->req->host))) {
		sim_reply_raw(x, status, "text/plain", STR("the environment\n"), NULL, 0);
		return;
	}
	if (!p) {
		sim_reply_raw(x, 404, "text/plain", STR("no such page\n"), NULL, 0);
		return;
	}
	p->hits++;
	if (x->req->body.n)
		p->last_body = (struct str){str_dup(t->arena, x->req->body), x->req->body.n};
	if (x->now.ms >= p->fails_from.ms && x->now.ms < p->fails_until.ms)
		sim_reply_raw(x, 500, "text/plain", STR("failing\n"), NULL, 0);
	else
		sim_reply_raw(x, p->status, "text/plain", str_from(p->body), NULL, 0);
}

/* `web page HOST PATH [status=200] [body=...] [fails_in=5m] [fails_for=10m]` */
static int control_page(struct sim *s, struct web *t, const struct sim_words *w, struct err *err)
{
	struct str host = sim_word(w, 2), path = sim_word(w, 3);
	struct web_page *p;
	int64_t status = 200, after, length = INT64_C(365) * 86400000;

	if (!host.n || host.n >= sizeof(p->host) || path.n >= sizeof(p->path) ||
	    !str_starts(path, "/"))
		return err_set(err, ERR_REJECTED, "web page: wants a host and a path");
	if (sim_word_value(w, "status").n &&
	    (!sim_word_i64(w, "status", &status) || status < 200 || status > 599))
		return err_set(err, ERR_REJECTED, "web page: status must be 200 to 599");
	p = page_find(t, host, path);
	if (!p || !str_is(host, p->host)) {
		p = arena_new_of(t->arena, struct web_page);
		p->next = t->pages;
		t->pages = p;
		(void)str_copy(p->host, sizeof(p->host), host);
		(void)str_copy(p->path, sizeof(p->path), path);
	}
	p->status = (int)status;
	p->body = str_dup(t->arena, sim_word_value(w, "body"));
	p->fails_from.ms = p->fails_until.ms = 0;
	(void)sim_word_ms(w, "fails_for", &length);
	if (sim_word_ms(w, "fails_in", &after)) {
		p->fails_from.ms = sim_now(s).ms + after;
		p->fails_until.ms = p->fails_from.ms + length;
	}
	return 0;
}

static int web_control(struct sim *s, void *state, const struct sim_words *w, struct json_out *out,
		       struct err *err)
{
	struct web *t = state;

	if (str_is(sim_word(w, 1), "page")) {
		if (control_page(s, t, w, err) < 0)
			return -1;
	} else if (!str_is(sim_word(w, 1), "show")) {
		return err_set(err, ERR_REJECTED, "web: no command '" STR_FMT "'",
			       STR_ARG(sim_word(w, 1)));
	}
	json_out_array(out);
	for (const struct web_page *p = t->pages; p; p = p->next) {
		json_out_object(out);
		json_member_cstr(out, "host", p->host);
		json_member_cstr(out, "path", p->path);
		json_member_i64(out, "status", p->status);
		json_member_i64(out, "hits", (int64_t)p->hits);
		json_member_str(out, "lastBody", p->last_body);
		json_out_end(out);
	}
	json_out_end(out);
	return 0;
}

const struct sim_service sim_web = {
	.name = "web",
	.create = web_create,
	.destroy = web_destroy,
	.operation = web_operation,
	.handle = web_handle,
	.control = web_control,
};
