#include <stdio.h>
#include <string.h>

#include "worker/guard/guard.h"

/*
 * An HTTP request from the worker. Its failures count in a row, since one lost packet is no bad
 * release: fewer than the plan tolerates are Unknown, which holds a step but does not end it.
 */
#define PROBE_BODY_MAX (256u << 10)

static struct verdict count(const struct plan_guard *g, uint8_t *failures, struct utc now,
			    const char *why)
{
	if (*failures < 255)
		(*failures)++;
	if (*failures >= g->failures)
		return verdict_make(VERDICT_FAIL, now, "probe %s failed %d times in a row: %s", g->name,
				    *failures, why);
	return verdict_make(VERDICT_UNKNOWN, now, "probe %s failed %d of %d times: %s", g->name,
			    *failures, (int)g->failures, why);
}

static int ask(const struct guard_env *env, const struct plan_guard *g,
	       const struct rollout_state *s, const struct target_observation *o,
	       uint8_t *failures, struct verdict *out, struct err *err)
{
	const struct aws_client *c = &env->target->client;
	const struct http_header headers[] = {{STR("Accept"), STR("*/*")}};
	struct http_request req = {.method = g->method,
				   .url = g->url,
				   .headers = headers,
				   .n_headers = 1,
				   .total_ms = g->timeout_ms,
				   .body_max = PROBE_BODY_MAX};
	struct http_response res;
	struct utc now;
	char why[200];

	(void)s;
	(void)o;
	if (http_send(c->aws->http, &req, env->target->arena, &res, c->aws->cancel, err)) {
		if (err->code == ERR_CANCELED)
			return -1;
		*out = count(g, failures, clock_utc(c->aws->clock), err->text);
		*err = ERR_INIT;
		return 0;
	}
	now = clock_utc(c->aws->clock);
	if (res.status != g->expect_status) {
		snprintf(why, sizeof(why), "HTTP %d, expected %d", res.status, (int)g->expect_status);
		*out = count(g, failures, now, why);
	} else if (g->body_contains &&
		   !(res.body.n && memmem(res.body.p, res.body.n, g->body_contains,
					  strlen(g->body_contains)))) {
		snprintf(why, sizeof(why), "the answer does not contain \"%.80s\"",
			 g->body_contains);
		*out = count(g, failures, now, why);
	} else {
		*failures = 0;
		*out = verdict_make(VERDICT_PASS, now, "probe %s answered %d", g->name, res.status);
	}
	return 0;
}

static int check(const struct guard_env *env, const struct plan_guard *g, struct problems *p,
		 struct err *err)
{
	(void)env;
	(void)g;
	(void)p;
	(void)err;
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
