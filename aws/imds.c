#include "aws/imds.h"

#include <stdlib.h>

#include "aws/core/lock.h"

/*
 * The token is kept until shortly before it ends and replaced when the service calls it expired.
 * All requests are short, never go through a proxy, and are tried a few times.
 */
#define ENDPOINT_DEFAULT "http://169.254.169.254"
#define TOKEN_TTL_S 21600
#define TOKEN_TTL_TEXT "21600"
#define TOKEN_RENEW_MS (120 * 1000) /* before its end */
#define VERSION_1_MS (10 * 60 * 1000)
#define TIMEOUT_DEFAULT_MS 1000
#define TRIES_DEFAULT 3
#define TRIES_WAIT_MS 200
#define BODY_MAX (64u << 10)
#define TOKEN_MAX 1024

struct imds {
	struct aws *aws;
	struct lock lock; /* of the token */
	struct secret token;
	struct mono token_until;
	struct mono version_1_until; /* tokens were not to be had: do not ask again before */
};

struct imds *imds_new(struct aws *aws)
{
	struct imds *m = xcalloc(1, sizeof(*m));

	m->aws = aws;
	lock_init(&m->lock, LOCK_CREDENTIALS);
	return m;
}

void imds_free(struct imds *m)
{
	if (!m)
		return;
	secret_release(&m->token);
	lock_release(&m->lock);
	free(m);
}

/* One request, tried again while the transport fails or the service does. */
static int request(struct imds *m, struct http_request *req, const char *path, struct arena *a,
		   struct http_response *res, struct cancel *cancel, struct err *err)
{
	const struct aws_settings *s = m->aws->settings;
	int tries = s->imds_attempts ? s->imds_attempts : TRIES_DEFAULT;

	req->url = arena_printf(a, "%s%s", s->imds_endpoint ? s->imds_endpoint : ENDPOINT_DEFAULT,
				path);
	req->total_ms = s->imds_timeout_ms ? s->imds_timeout_ms : TIMEOUT_DEFAULT_MS;
	req->connect_ms = req->total_ms;
	req->body_max = BODY_MAX;
	req->no_proxy = true;
	for (int i = 0; i < tries; i++) {
		if (i && clock_sleep(m->aws->clock, TRIES_WAIT_MS << i, cancel, err))
			return -1;
		if (!http_send(m->aws->http, req, a, res, cancel, err)) {
			if (res->status < 500 && res->status != 429)
				return 0;
			err_set(err, res->status == 429 ? ERR_THROTTLED : ERR_UNAVAILABLE,
				"HTTP %d", res->status);
			err->http = res->status;
		} else if (!err_is_retryable(err)) {
			return -1;
		}
	}
	return -1;
}

static void keep_token(struct imds *m, struct str token)
{
	lock_take(&m->lock);
	secret_set(&m->token, token.p, token.n);
	m->token_until.ms = clock_mono(m->aws->clock).ms + TOKEN_TTL_S * 1000 - TOKEN_RENEW_MS;
	lock_drop(&m->lock);
}

static int no_tokens_here(struct imds *m)
{
	lock_take(&m->lock);
	m->version_1_until.ms = clock_mono(m->aws->clock).ms + VERSION_1_MS;
	lock_drop(&m->lock);
	return 0;
}

static int token_refused(struct imds *m, int status, struct err *err)
{
	if (status == 404 || status == 405)
		return no_tokens_here(m);
	err_set(err, status == 403 ? ERR_DENIED : ERR_REJECTED, "no session token: %s (HTTP %d)",
		status == 403 ? "the service is switched off for this instance" : "refused",
		status);
	err->http = status;
	return -1;
}

static int fetch_token(struct imds *m, struct arena *a, struct cancel *cancel, struct err *err)
{
	struct http_header header = {STR("x-aws-ec2-metadata-token-ttl-seconds"),
				     STR(TOKEN_TTL_TEXT)};
	struct http_request req = {.method = "PUT", .headers = &header, .n_headers = 1};
	struct http_response res;
	struct str token;

	if (request(m, &req, "/latest/api/token", a, &res, cancel, err)) {
		/* behind a hop limit of 1 the answer to PUT is lost, and version 1 may work */
		return err->code == ERR_TIMEOUT ? no_tokens_here(m) : -1;
	}
	if (res.status != 200)
		return token_refused(m, res.status, err);
	token = str_trim(res.body);
	if (!token.n || token.n > TOKEN_MAX)
		return err_set(err, ERR_MALFORMED, "the session token is empty or too long");
	for (size_t i = 0; i < token.n; i++)
		if (token.p[i] <= ' ' || token.p[i] > '~')
			return err_set(err, ERR_MALFORMED, "the session token is no token");
	keep_token(m, token);
	return 0;
}

/* A copy of the token in *out: empty when version 1 is to be used. */
static int take_token(struct imds *m, struct arena *a, struct secret *out, struct cancel *cancel,
		      struct err *err)
{
	bool version_1 = false;

	for (int round = 0; round < 2 && !version_1; round++) {
		int64_t now = clock_mono(m->aws->clock).ms;

		lock_take(&m->lock);
		if (m->token.n && now < m->token_until.ms)
			secret_copy(out, &m->token);
		version_1 = now < m->version_1_until.ms;
		lock_drop(&m->lock);
		if (out->n)
			return 0;
		if (!round && !version_1 && fetch_token(m, a, cancel, err))
			return -1;
	}
	if (m->aws->settings->imds_v1_disabled)
		return err_set(err, ERR_TIMEOUT,
			       "no session token, and version 1 is switched off: in a container, "
			       "raise the instance's hop limit or use a container role");
	return 0;
}

static int get_once(struct imds *m, const char *path, struct arena *a, struct http_response *res,
		    struct cancel *cancel, struct err *err)
{
	struct secret token = {NULL, 0};
	struct http_header header = {.name = STR("x-aws-ec2-metadata-token")};
	struct http_request req = {.method = "GET", .headers = &header};
	int ret;

	if (take_token(m, a, &token, cancel, err))
		return -1;
	if (token.n) {
		header.value = (struct str){secret_reveal(&token), token.n};
		req.n_headers = 1;
	}
	ret = request(m, &req, path, a, res, cancel, err);
	secret_release(&token);
	return ret;
}

static int get(struct imds *m, const char *path, struct arena *a, struct str *body,
	       struct cancel *cancel, struct err *err)
{
	struct http_response res;

	if (m->aws->settings->imds_disabled)
		return err_set(err, ERR_DENIED, "switched off by AWS_EC2_METADATA_DISABLED");
	if (get_once(m, path, a, &res, cancel, err))
		return -1;
	if (res.status == 401) { /* the token has expired on their side: once more */
		lock_take(&m->lock);
		secret_release(&m->token);
		lock_drop(&m->lock);
		if (get_once(m, path, a, &res, cancel, err))
			return -1;
	}
	if (res.status != 200) {
		err_set(err,
			res.status == 404			 ? ERR_NOT_FOUND
			: res.status == 401 || res.status == 403 ? ERR_DENIED
								 : ERR_REJECTED,
			"HTTP %d", res.status);
		err->http = res.status;
		return -1;
	}
	*body = res.body;
	return 0;
}

int imds_get(struct imds *m, const char *path, struct arena *a, struct str *body,
	     struct cancel *cancel, struct err *err)
{
	if (!get(m, path, a, body, cancel, err))
		return 0;
	return err_wrap(err, "instance metadata %s", path);
}

int imds_region(struct aws *aws, struct arena *a, const char **region, struct cancel *cancel,
		struct err *err)
{
	struct imds *m = imds_new(aws);
	struct str body;
	int ret;

	ret = imds_get(m, "/latest/meta-data/placement/region", a, &body, cancel, err);
	imds_free(m);
	if (ret)
		return -1;
	body = str_trim(body);
	if (!aws_is_host_label(body))
		return err_set(err, ERR_MALFORMED,
			       "instance metadata: the region is not the name of a region");
	*region = str_dup(a, body);
	return 0;
}
