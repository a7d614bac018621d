/*
 * Signs what it is told to, for a second opinion (differential_sign.py): a request a line on stdin,
 * as JSON; its canonical request and Authorization header a line on stdout, as JSON.
 */
#include <stdio.h>
#include <stdlib.h>

#include "aws/core/json.h"
#include "aws/sigv4.h"

#define HEADERS_MAX 64
#define TEXT_MAX (4u << 20)

static const char *text(const struct json *j, const char *key)
{
	const char *s = json_cstr(json_get(j, key));

	return s ? s : "";
}

static size_t read_headers(const struct json *list, struct http_header *h)
{
	size_t n = 0;

	json_each(item, list) {
		if (n == HEADERS_MAX)
			abort();
		h[n++] = (struct http_header){json_text(item->first), json_text(item->first->next)};
	}
	return n;
}

static void answer(const struct json *j, struct err *err)
{
	struct http_header headers[HEADERS_MAX];
	struct sigv4_request r = {.method = text(j, "method"),
				  .path = json_text(json_get(j, "path")),
				  .query = json_text(json_get(j, "query")),
				  .headers = headers,
				  .payload_hash = text(j, "payload_hash"),
				  .double_encode = !json_bool(json_get(j, "s3"), false)};
	struct secret secret = {0};
	struct sigv4_scope scope = {.access_key_id = text(j, "key"),
				    .secret_access_key = &secret,
				    .region = text(j, "region"),
				    .service = text(j, "service")};
	struct buf canonical, names, authorization, out;
	struct json_out o;

	buf_init(&canonical, TEXT_MAX);
	buf_init(&names, TEXT_MAX);
	buf_init(&authorization, TEXT_MAX);
	buf_init(&out, TEXT_MAX);
	r.normalize = r.double_encode;
	r.n_headers = read_headers(json_get(j, "headers"), headers);
	secret_set(&secret, text(j, "secret"), strlen(text(j, "secret")));
	if (!utc_parse_amz(str_from(text(j, "time")), &scope.time))
		abort();
	sigv4_canonical_request(&r, STR(""), &canonical, &names);
	if (sigv4_authorization(&r, &scope, &authorization, err))
		buf_adds(&authorization, err->text);
	json_out_init(&o, &out);
	json_out_object(&o);
	json_member_str(&o, "canonical", buf_str(&canonical));
	json_member_str(&o, "authorization", buf_str(&authorization));
	json_out_end(&o);
	printf("%.*s\n", (int)out.n, out.p);
	fflush(stdout);
	secret_release(&secret);
	buf_release(&canonical);
	buf_release(&names);
	buf_release(&authorization);
	buf_release(&out);
}

int main(void)
{
	struct err err = ERR_INIT;
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	while ((n = getline(&line, &size, stdin)) > 0) {
		struct arena *a = arena_new();
		struct json *j;

		if (json_parse(a, (struct str){line, (size_t)n}, &j, &err)) {
			fprintf(stderr, "%s\n", err.text);
			return 1;
		}
		answer(j, &err);
		arena_free(a);
	}
	free(line);
	return 0;
}
