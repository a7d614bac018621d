#include "worker/guard/guard.h"

#include <stdio.h>
#include <string.h>

/*
 * An HTTP request from the worker. Its failures count in a row, since one lost packet is no bad
 * release: fewer than the plan tolerates are Unknown, which holds a step but does not end it.
 */
#define CANDIDATE "://{candidate}"
#define PROBE_KEPT_MAX (256u << 10) /* of the answer, to look into */
#define PROBE_BODY_MAX (64u << 20)  /* a longer one is no answer to a probe */

static struct verdict count(const struct plan_guard *g, uint8_t *failures, struct utc now,
			    const char *why)
{
	if (*failures < 255)
		(*failures)++;
	if (*failures >= g->failures)
		return verdict_make(VERDICT_FAIL, now, "probe %.140s failed %d times in a row: %s",
				    g->name, *failures, why);
	return verdict_make(VERDICT_UNKNOWN, now, "probe %.140s failed %d of %d times: %s", g->name,
			    *failures, (int)g->failures, why);
}

/* The beginning of the body is enough, and all that is kept. */
static int take_body(void *arg, const char *p, size_t n, struct err *err)
{
	struct buf *b = arg;

	(void)err;
	buf_add(b, p, n < b->max - b->n ? n : b->max - b->n);
	return 0;
}

static bool holds(const struct buf *body, struct str collected, const char *wanted)
{
	struct str text = body->n ? buf_str(body) : collected;

	return text.n && memmem(text.p, text.n, wanted, strlen(wanted));
}

static struct verdict judge(const struct plan_guard *g, const struct http_response *res,
			    const struct buf *body, uint8_t *failures, struct utc now)
{
	char why[200];

	if (res->status != g->expect_status) {
		snprintf(why, sizeof(why), "HTTP %d, expected %d", res->status,
			 (int)g->expect_status);
		return count(g, failures, now, why);
	}
	if (g->body_contains && !holds(body, res->body, g->body_contains)) {
		snprintf(why, sizeof(why), "the answer does not contain \"%.80s\"",
			 g->body_contains);
		return count(g, failures, now, why);
	}
	*failures = 0;
	return verdict_make(VERDICT_PASS, now, "probe %s answered %d", g->name, res->status);
}

/*
 * The URL with the candidate's own address in the place of "{candidate}"; *url NULL while it has
 * none, or when it could not be read (then *out says why).
 */
static int resolve(const struct guard_env *env, const struct plan_guard *g,
		   const struct rollout_state *s, const char **url, struct verdict *out,
		   struct err *err)
{
	struct utc now = clock_utc(env->target->client.aws->clock);
	const char *at = strstr(g->url, CANDIDATE), *host = NULL;

	*url = g->url;
	if (!at)
		return 0;
	*url = NULL;
	*out = verdict_make(VERDICT_UNKNOWN, now, "probe %.140s: the candidate has no address yet",
			    g->name);
	if (!env->ops->address)
		return 0;
	if (env->ops->address(env->target, s, &host, err)) {
		if (err->code == ERR_CANCELED)
			return -1;
		*out = verdict_make(VERDICT_ERROR, now, "probe %.140s: %s", g->name, err->text);
		*err = ERR_INIT;
		return 0;
	}
	if (host)
		*url = arena_printf(env->target->arena, "%.*s://%s%s", (int)(at - g->url), g->url,
				    host, at + strlen(CANDIDATE));
	return 0;
}

static int ask(const struct guard_env *env, const struct plan_guard *g,
	       const struct rollout_state *s, const struct target_observation *o, uint8_t *failures,
	       struct verdict *out, struct err *err)
{
	const struct aws_client *c = &env->target->client;
	const struct http_header headers[] = {{STR("Accept"), STR("*/*")}};
	struct http_response res;
	struct buf body;
	struct http_request req = {.method = g->method,
				   /* such an address need not know TLS, and the plan says so */
				   .is_plain_ok = strstr(g->url, CANDIDATE) != NULL,
				   .headers = headers,
				   .n_headers = 1,
				   .total_ms = g->timeout_ms,
				   .body_max = PROBE_BODY_MAX,
				   .on_body = take_body,
				   .on_arg = &body};
	struct utc now;
	int rc;

	(void)o;
	if (resolve(env, g, s, &req.url, out, err))
		return -1;
	if (!req.url)
		return 0;
	buf_init(&body, PROBE_KEPT_MAX);
	rc = http_send(c->aws->http, &req, env->target->arena, &res,
		       c->cancel ? c->cancel : c->aws->cancel, err);
	now = clock_utc(c->aws->clock);
	if (rc && err->code != ERR_CANCELED) {
		*out = count(g, failures, now, err->text);
		*err = ERR_INIT;
		rc = 0;
	} else if (!rc) {
		*out = judge(g, &res, &body, failures, now);
	}
	if (!rc)
		guard_count(out, *failures, g->failures);
	buf_release(&body);
	return rc;
}

static int check(const struct guard_env *env, const struct plan_guard *g, struct problems *p,
		 struct err *err)
{
	(void)err;
	if (strstr(g->url, CANDIDATE) && !env->ops->address)
		problem_add(p, g->place, g->name,
			    "a candidate of this kind of target has no address of its own: write "
			    "a host name");
	return 0; /* it probes the candidate, which is not there yet */
}

static void calls(const struct plan_guard *g, const struct plan *plan, struct arena *a,
		  void (*add)(void *arg, const struct target_call *c), void *arg)
{
	(void)g;
	(void)plan;
	(void)a;
	(void)add;
	(void)arg; /* no call of AWS */
}

const struct guard_ops guard_probe = {"probe", check, ask, calls};
