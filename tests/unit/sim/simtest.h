#ifndef TESTS_UNIT_SIM_SIMTEST_H
#define TESTS_UNIT_SIM_SIMTEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "aws/core/json.h"
#include "aws/core/xml.h"
#include "aws/sigv4.h"
#include "tests/sim/sim.h"

/*
 * What the simulator's tests share: a simulator with an arena, a client that signs by itself, and
 * the control language with checked answers. Functions are inline so that a test may leave some
 * unused.
 */
struct world {
	struct sim *sim;
	struct arena *arena;
	const char *key, *secret, *token; /* what call() signs with */
	int64_t skew_ms;		  /* of the client's clock */
	struct http_response res;	  /* of the last call */
	struct err err;
};

#define WORLD_REGION "eu-central-1"

static inline struct world *world_new(const struct sim_options *o)
{
	struct world *w = xcalloc(1, sizeof(*w));
	struct sim_options d = sim_options_default();

	d.check_signatures = true;
	d.continuation_delay_max_ms = 0;
	w->sim = sim_new(o ? o : &d);
	w->arena = arena_new();
	w->key = "AKIASIMWORKER000001";
	w->secret = "sim-secret";
	w->token = "";
	return w;
}

static inline void world_free(struct world *w)
{
	sim_free(w->sim);
	arena_free(w->arena);
	free(w);
}

/* One request in the making. */
struct ask {
	const char *method, *host, *path, *query;
	const char *service; /* NULL: not signed */
	struct http_header headers[12];
	size_t n;
	struct str body;
	const char *payload_hash; /* NULL: of the body */
};

static inline void ask_header(struct ask *q, const char *name, const char *value)
{
	assert_true(q->n < sizeof(q->headers) / sizeof(q->headers[0]));
	q->headers[q->n++] = (struct http_header){str_from(name), str_from(value)};
}

static inline void ask_sign(struct world *w, struct ask *q)
{
	struct utc now = {sim_now(w->sim).ms + w->skew_ms};
	char *hash = arena_alloc(w->arena, SHA256_HEX_SIZE);
	char *date = arena_alloc(w->arena, UTC_AMZ_SIZE);
	bool s3 = strcmp(q->service, "s3") == 0;
	struct secret secret = {0};
	struct sigv4_scope scope = {.access_key_id = w->key,
				    .secret_access_key = &secret,
				    .region = WORLD_REGION,
				    .service = q->service};
	struct sigv4_request r = {.method = q->method,
				  .path = str_from(q->path),
				  .query = str_from(q->query),
				  .double_encode = !s3,
				  .normalize = !s3};
	struct buf b;

	if (q->payload_hash)
		hash = arena_strdup(w->arena, q->payload_hash);
	else
		sha256_hex(q->body, hash);
	utc_format_amz(now, date);
	scope.time.ms = now.ms / 1000 * 1000;
	ask_header(q, "Host", q->host);
	ask_header(q, "X-Amz-Date", date);
	if (w->token[0])
		ask_header(q, "X-Amz-Security-Token", w->token);
	if (s3)
		ask_header(q, "x-amz-content-sha256", hash);
	r.payload_hash = hash;
	r.headers = q->headers;
	r.n_headers = q->n;
	secret_set(&secret, w->secret, strlen(w->secret));
	buf_init(&b, 65536);
	assert_int_equal(sigv4_authorization(&r, &scope, &b, &w->err), 0);
	ask_header(q, "Authorization", arena_strdup(w->arena, b.p));
	buf_release(&b);
	secret_release(&secret);
}

/* Send over the transport seam. The answer is in w->res, its status is returned; -1: w->err. */
static inline int ask_send(struct world *w, struct ask *q)
{
	struct http_request r = {.method = q->method, .headers = q->headers, .body = q->body};

	if (!q->query)
		q->query = "";
	if (q->service)
		ask_sign(w, q);
	r.n_headers = q->n;
	r.url = arena_printf(w->arena, "https://%s%s%s%s", q->host, q->path, q->query[0] ? "?" : "",
			     q->query);
	w->err = ERR_INIT;
	if (http_send(sim_http(w->sim), &r, w->arena, &w->res, NULL, &w->err) < 0)
		return -1;
	return w->res.status;
}

/* A call of CodePipeline. */
static inline int cp(struct world *w, const char *operation, const char *json)
{
	struct ask q = {.method = "POST",
			.host = "codepipeline." WORLD_REGION ".amazonaws.com",
			.path = "/",
			.service = "codepipeline",
			.body = str_from(json)};

	ask_header(&q, "Content-Type", "application/x-amz-json-1.1");
	ask_header(&q, "X-Amz-Target",
		   arena_printf(w->arena, "CodePipeline_20150709.%s", operation));
	return ask_send(w, &q);
}

static inline int sts(struct world *w, const char *form)
{
	struct ask q = {.method = "POST",
			.host = "sts." WORLD_REGION ".amazonaws.com",
			.path = "/",
			.service = strstr(form, "WebIdentity") ? NULL : "sts",
			.body = str_from(form)};

	ask_header(&q, "Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
	return ask_send(w, &q);
}

/* A call of S3 in path style; more headers may be in q already. */
static inline int s3(struct world *w, struct ask *q, const char *method, const char *path)
{
	q->method = method;
	q->path = path;
	q->host = "s3." WORLD_REGION ".amazonaws.com";
	q->service = "s3";
	return ask_send(w, q);
}

static inline const struct json *body_json(struct world *w)
{
	struct json *root = NULL;

	assert_int_equal(json_parse(w->arena, w->res.body, &root, &w->err), 0);
	return root;
}

static inline const struct xml *body_xml(struct world *w)
{
	struct xml *root = NULL;

	assert_int_equal(xml_parse(w->arena, w->res.body, &root, &w->err), 0);
	return root;
}

/* The error code of the last answer, in whichever protocol. */
static inline const char *code(struct world *w)
{
	struct json *j = NULL;
	struct xml *x = NULL;
	struct err err = ERR_INIT;
	const char *text = NULL;

	if (json_parse(w->arena, w->res.body, &j, &err) == 0) {
		text = json_cstr(json_get(j, "__type"));
	} else if (xml_parse(w->arena, w->res.body, &x, &err) == 0) {
		text = xml_cstr(x, "Code");
		if (!text)
			text = xml_cstr(x, "Error/Code");
		if (!text)
			text = xml_cstr(x, "Errors/Error/Code");
	}
	return text ? text : "";
}

static inline struct str res_header(struct world *w, const char *name)
{
	return http_header_get(w->res.headers, w->res.n_headers, name);
}

/* A control command that must work, and its answer. */
static inline const struct json *ctl(struct world *w, const char *line)
{
	struct json *root = NULL;
	struct buf b;

	buf_init(&b, 64u << 20);
	w->err = ERR_INIT;
	if (sim_control(w->sim, str_from(line), &b, &w->err) < 0)
		fail_msg("%s: %s", line, w->err.text);
	if (b.n)
		assert_int_equal(json_parse(w->arena, buf_str(&b), &root, &w->err), 0);
	buf_release(&b);
	return root;
}

/* A control command that must be refused with a message that has this word. */
static inline void ctl_refused(struct world *w, const char *line, const char *word)
{
	struct buf b;

	buf_init(&b, 65536);
	w->err = ERR_INIT;
	assert_int_equal(sim_control(w->sim, str_from(line), &b, &w->err), -1);
	assert_int_equal(b.n, 0);
	if (!strstr(w->err.text, word))
		fail_msg("%s: \"%s\" does not say \"%s\"", line, w->err.text, word);
	buf_release(&b);
}

#endif
