#include <stdlib.h>

#include "aws/call.h"
#include "aws/credentials.h"
#include "aws/readfile.h"

/*
 * The endpoint that ECS and EKS put beside a container. The URL comes from the environment, so it
 * is held to the hosts AWS documents before anything is sent: a token goes with the request.
 *
 * Source: "Container credential provider", AWS SDKs and Tools Reference Guide.
 */
#define RELATIVE_HOST "http://169.254.170.2"
#define TRIES 3
#define BETWEEN_TRIES_MS 1000
#define TIMEOUT_MS 2000
#define TOKEN_MAX (16u << 10)
#define BODY_MAX (64u << 10)

struct container_provider {
	struct credentials_provider base;
	struct aws *aws;
	char *url;
};

static bool is_allowed(const struct http_url *u)
{
	return u->https || http_host_is_loopback(u->host) || str_is(u->host, "169.254.170.2") ||
	       str_is(u->host, "169.254.170.23") || str_is_nocase(u->host, "fd00:ec2::23");
}

/* The value of the Authorization header, if any: the file wins and is read each time. */
static int read_token(const struct aws_env *env, struct buf *token, struct err *err)
{
	const char *file = aws_env_get(env, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	const char *text = aws_env_get(env, "AWS_CONTAINER_AUTHORIZATION_TOKEN");

	if (file) {
		if (aws_read_file(file, token, err))
			return -1;
	} else if (text) {
		buf_adds(token, text);
	}
	if (buf_check(token, "container authorization token", err))
		return -1;
	for (size_t i = 0; i < token->n; i++)
		if ((unsigned char)token->p[i] < ' ')
			return err_set(err, ERR_UNSAFE,
				       "the container authorization token (%s) has line breaks or "
				       "control characters in it",
				       file ? file : "AWS_CONTAINER_AUTHORIZATION_TOKEN");
	return 0;
}

static struct credentials *read_answer(const struct http_response *res, struct arena *a,
				       struct err *err)
{
	char code[64], message[200];
	struct json *doc = NULL;

	if (res->status == 200)
		return json_parse(a, res->body, &doc, err)
			       ? NULL
			       : credentials_from_json(doc, "container", err);
	if (json_parse(a, res->body, &doc, err))
		doc = NULL;
	str_copy_clean(code, sizeof(code), json_text(json_get(doc, "code")));
	str_copy_clean(message, sizeof(message), json_text(json_get(doc, "message")));
	err_set(err, res->status >= 500 ? ERR_UNAVAILABLE : ERR_DENIED, "HTTP %d %s %s",
		res->status, code, message);
	err->http = res->status;
	return NULL;
}

static struct credentials *ask(struct container_provider *c, struct str token,
			       struct cancel *cancel, struct err *err)
{
	struct http_header headers[] = {{STR("Accept"), STR("application/json")},
					{STR("Authorization"), token}};
	struct http_request req = {.method = "GET",
				   .url = c->url,
				   .headers = headers,
				   .n_headers = token.n ? 2 : 1,
				   .connect_ms = TIMEOUT_MS,
				   .total_ms = TIMEOUT_MS,
				   .body_max = BODY_MAX,
				   .no_proxy = true};
	struct arena *a = arena_new();
	struct credentials *got = NULL;
	struct http_response res;

	if (!http_send(c->aws->http, &req, a, &res, cancel, err))
		got = read_answer(&res, a, err);
	arena_free(a);
	return got;
}

static struct credentials *container_get(struct credentials_provider *p, struct cancel *cancel,
					 struct err *err)
{
	struct container_provider *c = (struct container_provider *)p;
	struct credentials *got = NULL;
	struct buf token;

	buf_init(&token, TOKEN_MAX);
	if (read_token(&c->aws->settings->env, &token, err))
		goto out;
	for (int i = 0; i < TRIES; i++) {
		if (i && clock_sleep(c->aws->clock, BETWEEN_TRIES_MS, cancel, err))
			break;
		got = ask(c, buf_str(&token), cancel, err);
		if (got || !err_is_retryable(err))
			break;
	}
out:
	mem_wipe(token.p, token.n);
	buf_release(&token);
	if (!got)
		err_wrap(err, "container credentials from %s", c->url);
	return got;
}

static void container_free(struct credentials_provider *p)
{
	struct container_provider *c = (struct container_provider *)p;

	free(c->url);
	free(c);
}

int credentials_container_new(struct aws *aws, struct credentials_provider **out, struct err *err)
{
	const struct aws_env *env = &aws->settings->env;
	const char *relative = aws_env_get(env, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *full = aws_env_get(env, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
	struct container_provider *c;
	struct http_url u;
	char *url;

	*out = NULL;
	if (!relative && !full)
		return 0;
	url = relative ? xasprintf(RELATIVE_HOST "%s", relative) : xstrdup(full);
	if ((relative && relative[0] != '/') || !http_url_parse(str_from(url), &u)) {
		err_set(err, ERR_MALFORMED, "container credentials: \"%s\" is not a URL", url);
		goto fail;
	}
	if (!is_allowed(&u)) {
		err_set(err, ERR_UNSAFE,
			"container credentials: \"%s\" is neither https, this machine, nor an "
			"address of ECS or EKS",
			url);
		goto fail;
	}
	c = xcalloc(1, sizeof(*c));
	c->base.get = container_get;
	c->base.free = container_free;
	c->aws = aws;
	c->url = url;
	*out = &c->base;
	return 0;
fail:
	free(url);
	return -1;
}
