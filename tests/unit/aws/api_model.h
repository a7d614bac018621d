#ifndef TESTS_UNIT_AWS_API_MODEL_H
#define TESTS_UNIT_AWS_API_MODEL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/aws/fake_http.h"

#include "aws/core/buf.h"
#include "aws/core/json.h"

/*
 * Check requests against the service models: every parameter that was sent must exist in the model
 * under exactly that name and in that place, every required one must be there, and method and path
 * must fit. The models are the subset in tests/vectors/api; their `source` says where from.
 *
 * Names look like "body:Actions.member.N.Type", "query:Qualifier", "header:If-Match", "uri:Key";
 * in JSON "[]" is an item of a list and "{}" a value of a map.
 */

static inline const struct json *api_load(struct fake *f, const char *service)
{
	const char *path = arena_printf(f->arena, "tests/vectors/api/%s.json", service);
	FILE *file = fopen(path, "rb");
	struct json *root = NULL;
	struct err err = ERR_INIT;
	size_t n, max = 256 << 10;
	char *text;

	if (!file)
		fail_msg("%s cannot be opened", path);
	text = arena_alloc(f->arena, max);
	n = fread(text, 1, max, file);
	fclose(file);
	if (n == max || json_parse(f->arena, (struct str){text, n}, &root, &err))
		fail_msg("%s: %s", path, err.text);
	return root;
}

static inline bool api_has(const struct json *list, const char *name)
{
	json_each(item, list) {
		if (str_is_nocase(item->text, name))
			return true;
	}
	return false;
}

struct api_check {
	struct fake *f;
	const struct json *in; /* the names there are */
	const char *seen[512];
	size_t n_seen;
	const char *operation;
};

static inline void api_saw(struct api_check *k, const char *place, const char *name)
{
	const char *full = arena_printf(k->f->arena, "%s:%s", place, name);

	if (!api_has(k->in, full))
		fail_msg("%s has no %s", k->operation, full);
	assert_true(k->n_seen < 512);
	k->seen[k->n_seen++] = full;
}

/* Every member of a JSON document; only the nodes still to be walked are kept, no recursion. */
static inline void api_walk_json(struct api_check *k, const struct json *root)
{
	struct {
		const struct json *node;
		const char *name;
	} todo[512];
	size_t n = 0;

	todo[n].node = root;
	todo[n++].name = "";
	while (n) {
		const struct json *node = todo[--n].node;
		const char *name = todo[n].name;

		json_each(child, node) {
			const char *dot = *name ? "." : "";
			const char *map = arena_printf(k->f->arena, "body:%s{}", name);
			const char *full;

			if (node->type == JSON_ARRAY)
				full = arena_printf(k->f->arena, "%s[]", name);
			else if (api_has(k->in, map))
				full = arena_printf(k->f->arena, "%s{}", name);
			else
				full = arena_printf(k->f->arena, "%s%s" STR_FMT, name, dot,
						    STR_ARG(child->key));
			api_saw(k, "body", full);
			assert_true(n < 512);
			todo[n].node = child;
			todo[n++].name = full;
		}
	}
}

/* "Actions.member.12.Type" becomes "Actions.member.N.Type". */
static inline const char *api_numberless(struct fake *f, struct str key)
{
	struct str part;
	const char *out = "";

	while (str_next(&key, '.', &part)) {
		bool number = part.n > 0;

		for (size_t i = 0; i < part.n; i++)
			number = number && part.p[i] >= '0' && part.p[i] <= '9';
		out = arena_printf(f->arena, "%s%s" STR_FMT, out, *out ? "." : "",
				   STR_ARG(number ? STR("N") : part));
	}
	return out;
}

static inline void api_walk_pairs(struct api_check *k, const char *place, struct str pairs)
{
	struct str pair, key;

	while (str_next(&pairs, '&', &pair)) {
		str_next(&pair, '=', &key);
		if (strcmp(place, "body") == 0 && (str_is(key, "Action") || str_is(key, "Version")))
			continue;
		api_saw(k, place, api_numberless(k->f, key));
	}
}

/* What aws/call sends by itself is not in the models. */
static inline bool api_is_own_header(struct str name)
{
	static const char *const own[] = {"host",
					  "x-amz-date",
					  "authorization",
					  "x-amz-target",
					  "x-amz-content-sha256",
					  "x-amz-security-token",
					  "x-amzn-query-mode",
					  "amz-sdk-invocation-id",
					  "amz-sdk-request",
					  "content-type",
					  "content-length",
					  "accept",
					  "user-agent"};

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		if (str_is_nocase(name, own[i]))
			return true;
	}
	return false;
}

/* Path of the URL against "/2015-03-31/functions/{FunctionName}/code", part by part. */
static inline void api_walk_path(struct api_check *k, struct str path, struct str pattern)
{
	struct str p, q;

	while (str_next(&pattern, '/', &q)) {
		if (str_is(q, "{Bucket}")) { /* in the host name: not in the path */
			api_saw(k, "uri", "Bucket");
			continue;
		}
		if (str_is(q, "{Key+}")) {
			assert_true(path.n > 0);
			api_saw(k, "uri", "Key");
			return;
		}
		if (!str_next(&path, '/', &p))
			fail_msg("%s: the path is too short", k->operation);
		if (str_starts(q, "{")) {
			assert_true(p.n > 0);
			api_saw(k, "uri", str_dup(k->f->arena, str_sub(q, 1, q.n - 1)));
		} else if (!str_eq(p, q)) {
			fail_msg("%s: \"" STR_FMT "\" is not in the path", k->operation,
				 STR_ARG(q));
		}
	}
	assert_int_equal(path.n, 0);
}

/* Request i of f was this operation, and is well-formed by the model of the service. */
static inline void api_check(struct fake *f, size_t i, const char *service, const char *operation)
{
	const struct fake_request *r = fake_sent(f, i);
	const struct json *model =
		json_get(json_get(api_load(f, service), "operations"), operation);
	struct api_check k = {.f = f, .in = json_get(model, "in"), .operation = operation};
	struct str http = json_text(json_get(model, "http")), method, pattern;
	struct http_url url;
	struct json *doc = NULL;
	struct err err = ERR_INIT;

	assert_true(i < f->n_requests);
	assert_non_null(model);
	str_next(&http, ' ', &method);
	str_next(&http, '?', &pattern);
	assert_true(str_is(method, r->method));
	assert_true(http_url_parse(str_from(r->url), &url));
	if (!str_is(pattern, "/"))
		api_walk_path(&k, str_sub(url.path, 1, url.path.n), str_sub(pattern, 1, pattern.n));
	if (!str_is(url.query, "uploads="))
		api_walk_pairs(&k, "query", url.query);
	for (size_t h = 0; h < r->n_headers; h++) {
		if (!api_is_own_header(r->headers[h].name))
			api_saw(&k, "header", str_dup(f->arena, r->headers[h].name));
	}
	if (str_starts(fake_header(f, i, "content-type"), "application/x-www-form-urlencoded")) {
		api_walk_pairs(&k, "body", r->body);
	} else if (strcmp(service, "s3") != 0 && strcmp(operation, "Invoke") != 0 && r->body.n) {
		if (json_parse(f->arena, r->body, &doc, &err))
			fail_msg("%s: %s", operation, err.text);
		api_walk_json(&k, doc);
	}
	json_each(need, json_get(model, "required")) {
		bool there = false;

		for (size_t s = 0; s < k.n_seen; s++)
			there = there || strncmp(k.seen[s], need->text.p, need->text.n) == 0;
		if (!there)
			fail_msg("%s lacks " STR_FMT, operation, STR_ARG(need->text));
	}
}

#endif
