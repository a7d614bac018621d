#include "tests/fuzz/support.h"

#include <string.h>

#include "aws/endpoint.h"

/*
 * Two lines: a URL and a bucket. The parts of a URL that was taken are pieces of it, and put
 * together again they are the same URL. An endpoint that was configured with it is one that
 * can be sent to, over TLS unless it is this machine.
 *
 * Layers: aws core
 */

static void check_part(struct str url, struct str part)
{
	FUZZ_CHECK(!part.n || str_is(part, "/") ||
		   (part.p >= url.p && part.p + part.n <= url.p + url.n));
	for (size_t i = 0; i < part.n; i++)
		FUZZ_CHECK((unsigned char)part.p[i] > 0x20 && part.p[i] != 0x7f);
}

static void check_url(struct arena *a, struct str s)
{
	struct http_url u, again;
	const char *text, *brackets;

	if (!http_url_parse(s, &u))
		return;
	FUZZ_CHECK(u.host.n && u.path.n && u.path.p[0] == '/');
	FUZZ_CHECK(u.port_given || u.port == (u.https ? 443 : 80));
	check_part(s, u.host);
	check_part(s, u.path);
	check_part(s, u.query);
	brackets = memchr(u.host.p, ':', u.host.n) ? "[]" : "";
	text = arena_printf(a, "%s://%.1s" STR_FMT "%s:%d" STR_FMT "%s" STR_FMT,
			    u.https ? "https" : "http", brackets, STR_ARG(u.host),
			    *brackets ? brackets + 1 : "", u.port, STR_ARG(u.path),
			    u.query.n ? "?" : "", STR_ARG(u.query));
	FUZZ_CHECK(http_url_parse(str_from(text), &again));
	FUZZ_CHECK(again.https == u.https && again.port == u.port && again.port_given);
	FUZZ_CHECK(str_eq(again.host, u.host) && str_eq(again.path, u.path) &&
		   str_eq(again.query, u.query));
}

static void check_endpoint(struct arena *a, const char *url, const char *bucket)
{
	static const struct aws_service s3 = {.id = "S3",
					      .endpoint_prefix = "s3",
					      .signing_name = "s3",
					      .protocol = AWS_REST_XML};
	const struct aws_settings settings = {.endpoint_url = *url ? url : NULL};
	struct endpoint e;
	struct http_url u;
	struct err err = ERR_INIT;
	int rc =
		endpoint_resolve(&settings, &s3, "eu-west-1", *bucket ? bucket : NULL, a, &e, &err);

	fuzz_check_err(rc, &err);
	if (rc)
		return;
	FUZZ_CHECK(http_url_parse(str_from(e.origin), &u) && u.path.n == 1 && !u.query.n);
	FUZZ_CHECK(u.https || http_host_is_loopback(u.host));
	FUZZ_CHECK(e.host[0] && !strpbrk(e.host, "/?#@ \r\n") && e.configured == (*url != '\0'));
	FUZZ_CHECK(!e.base_path[0] || e.base_path[0] == '/');
	FUZZ_CHECK(!strcmp(e.region, "eu-west-1"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str input = {(const char *)data, size}, url = fuzz_line(&input);
	struct arena *a = arena_new();

	check_url(a, url);
	http_host_is_loopback(url);
	check_endpoint(a, str_dup(a, url), str_dup(a, fuzz_line(&input)));
	arena_free(a);
	return 0;
}
