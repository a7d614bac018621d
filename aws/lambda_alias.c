#include "aws/lambda.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "aws/answer.h"

/*
 * Aliases: the traffic switch of Lambda. What is sent is only what shall change, with one exception
 * that is the point of the whole file: weights are always spelled out when they are set, also when
 * there are none, because Lambda keeps the old ones when they are left out.
 */

/* An ARN has up to 256 characters, an alias 128. */
#define PATH_PART_MAX 512

static int check(const char *operation, const char *what, const char *name, struct err *err)
{
	struct str s = str_from(name);

	if (!s.n || s.n > PATH_PART_MAX || str_is(s, ".") || str_is(s, ".."))
		return err_set(err, ERR_REJECTED, "Lambda.%s: \"%.60s\" is no %s", operation,
			       name ? name : "", what);
	return 0;
}

/* .../functions/<function>/aliases[/<name>]; NULL with err set when a part of it is none. */
static const char *path_of(struct arena *a, const char *operation, const char *function,
			   const char *name, struct err *err)
{
	const char *path;
	struct buf b;

	if (check(operation, "function", function, err) ||
	    (name && check(operation, "alias", name, err)))
		return NULL;
	buf_init(&b, 6 * PATH_PART_MAX + 128);
	buf_adds(&b, "/2015-03-31/functions/");
	buf_add_uri(&b, str_from(function), false);
	buf_adds(&b, "/aliases");
	if (name) {
		buf_addc(&b, '/');
		buf_add_uri(&b, str_from(name), false);
	}
	assert(!b.over);
	path = str_dup(a, buf_str(&b));
	buf_release(&b);
	return path;
}

static int read_weights(const struct json *map, struct arena *a, struct lambda_alias *out)
{
	struct lambda_weight *w;

	if (!map || map->type == JSON_NULL)
		return 0;
	if (map->type != JSON_OBJECT)
		return -1;
	w = arena_array(a, struct lambda_weight, map->n);
	json_each (m, map) {
		if (!json_double(m, &w[out->n_weights].weight) ||
		    !(w[out->n_weights].weight >= 0 && w[out->n_weights].weight <= 1))
			return -1;
		w[out->n_weights++].version = m->key.p;
	}
	out->weights = w;
	return 0;
}

static int read_alias(const char *operation, const struct json *j, struct arena *a,
		      struct lambda_alias *out, struct err *err)
{
	*out = (struct lambda_alias){
		.name = aws_json_text(j, "Name"),
		.alias_arn = aws_json_text(j, "AliasArn"),
		.function_version = aws_json_text(j, "FunctionVersion"),
		.description = aws_json_text(j, "Description"),
		.revision_id = aws_json_text(j, "RevisionId"),
	};
	if (!out->name || !out->function_version)
		return err_set(err, ERR_MALFORMED, "Lambda.%s: the answer describes no alias",
			       operation);
	/* Weights that cannot be read must not look like no weights. */
	if (read_weights(json_at(j, "RoutingConfig.AdditionalVersionWeights"), a, out))
		return err_set(err, ERR_MALFORMED,
			       "Lambda.%s: the weights of alias %.128s are not shares from 0 to 1",
			       operation, out->name);
	return 0;
}

int lambda_get_alias(const struct aws_client *c, const char *function, const char *name,
		     struct arena *a, struct lambda_alias *out, struct err *err)
{
	struct aws_request r = {.service = &lambda_service,
				.operation = "GetAlias",
				.method = "GET",
				.resend_safe = true};
	struct aws_response res;

	if (check(r.operation, "alias", name, err))
		return -1;
	r.path = path_of(a, r.operation, function, name, err);
	if (!r.path || aws_call(c, &r, a, &res, err))
		return -1;
	return read_alias(r.operation, res.json, a, out, err);
}

static int check_weights(const char *operation, const struct lambda_alias_update *u,
			 struct err *err)
{
	double sum = 0;

	for (size_t i = 0; u->set_weights && i < u->n_weights; i++) {
		const struct lambda_weight *w = &u->weights[i];
		uint64_t n;

		if (!isfinite(w->weight) || w->weight < 0 || w->weight > 1)
			return err_set(err, ERR_REJECTED, "Lambda.%s: a weight of %g is no share",
				       operation, w->weight);
		if (!str_parse_u64(str_from(w->version), 1, INT64_MAX, &n))
			return err_set(err, ERR_REJECTED,
				       "Lambda.%s: \"%.60s\" is no published version", operation,
				       w->version ? w->version : "");
		sum += w->weight;
	}
	if (sum > 1)
		return err_set(err, ERR_REJECTED, "Lambda.%s: the weights add up to %g", operation,
			       sum);
	return 0;
}

static void alias_body(struct buf *b, const struct lambda_alias_update *u, bool create)
{
	struct json_out o;

	json_out_init(&o, b);
	json_out_object(&o);
	if (create)
		json_member_cstr(&o, "Name", u->name);
	json_member_cstr(&o, "FunctionVersion", u->function_version);
	if (u->description)
		json_member_str(&o, "Description", str_from(u->description));
	if (u->set_weights && (u->n_weights || !create)) {
		json_out_key(&o, "RoutingConfig");
		json_out_object(&o);
		json_out_key(&o, "AdditionalVersionWeights");
		json_out_object(&o);
		for (size_t i = 0; i < u->n_weights; i++)
			json_member_double(&o, u->weights[i].version, u->weights[i].weight);
		json_out_end(&o);
		json_out_end(&o);
	}
	if (!create)
		json_member_cstr(&o, "RevisionId", u->revision_id);
	json_out_end(&o);
}

static int write_alias(const struct aws_client *c, const struct lambda_alias_update *u,
		       struct aws_request *r, struct arena *a, struct lambda_alias *out,
		       struct err *err)
{
	struct aws_response res;
	struct buf body;
	int ret;

	buf_init(&body, 16384);
	alias_body(&body, u, strcmp(r->method, "POST") == 0);
	ret = buf_check(&body, "request", err);
	r->body = buf_str(&body);
	if (!ret)
		ret = aws_call(c, r, a, &res, err);
	buf_release(&body);
	if (ret)
		return -1;
	if (read_alias(r->operation, res.json, a, out, err)) {
		err->sent = true;
		return -1;
	}
	return 0;
}

int lambda_create_alias(const struct aws_client *c, const struct lambda_alias_update *u,
			struct arena *a, struct lambda_alias *out, struct err *err)
{
	struct aws_request r = {
		.service = &lambda_service, .operation = "CreateAlias", .method = "POST"};

	if (check(r.operation, "alias", u->name, err) ||
	    check(r.operation, "version", u->function_version, err) ||
	    check_weights(r.operation, u, err))
		return -1;
	r.path = path_of(a, r.operation, u->function, NULL, err);
	return r.path ? write_alias(c, u, &r, a, out, err) : -1;
}

int lambda_update_alias(const struct aws_client *c, const struct lambda_alias_update *u,
			struct arena *a, struct lambda_alias *out, struct err *err)
{
	struct aws_request r = {.service = &lambda_service,
				.operation = "UpdateAlias",
				.method = "PUT",
				.resend_safe = !u->revision_id};

	if (check(r.operation, "alias", u->name, err) || check_weights(r.operation, u, err))
		return -1;
	r.path = path_of(a, r.operation, u->function, u->name, err);
	return r.path ? write_alias(c, u, &r, a, out, err) : -1;
}

/* --- lists ----------------------------------------------------------------------------------- */

static const char *list_query(struct arena *a, const char *version, const char *marker,
			      struct err *err)
{
	const char *query = NULL;
	struct buf b;

	buf_init(&b, 16384);
	buf_adds(&b, "MaxItems=50");
	if (version) {
		buf_adds(&b, "&FunctionVersion=");
		buf_add_uri(&b, str_from(version), false);
	}
	if (marker) {
		buf_adds(&b, "&Marker=");
		buf_add_uri(&b, str_from(marker), false);
	}
	if (!buf_check(&b, "query", err))
		query = str_dup(a, buf_str(&b));
	buf_release(&b);
	return query;
}

int lambda_delete_alias(const struct aws_client *c, const char *function, const char *name,
			struct arena *a, struct err *err)
{
	struct aws_request r = {.service = &lambda_service,
				.operation = "DeleteAlias",
				.method = "DELETE",
				.resend_safe = true};
	struct aws_response res;
	struct err e = ERR_INIT;

	if (check(r.operation, "alias", name, err))
		return -1;
	r.path = path_of(a, r.operation, function, name, err);
	if (!r.path)
		return -1;
	if (aws_call(c, &r, a, &res, &e) == 0 || e.code == ERR_NOT_FOUND)
		return 0;
	*err = e;
	return -1;
}

int lambda_list_aliases(const struct aws_client *c, const char *function, const char *version,
			struct arena *a, struct lambda_alias **out, size_t *n, struct err *err)
{
	struct aws_request r = {.service = &lambda_service,
				.operation = "ListAliases",
				.method = "GET",
				.resend_safe = true};
	struct lambda_alias *all = NULL;
	const char *marker = NULL;
	size_t count = 0, cap = 0;

	r.path = path_of(a, r.operation, function, NULL, err);
	if (!r.path)
		return -1;
	for (int page = 0; page < AWS_PAGES_MAX; page++) {
		struct aws_response res;

		r.query = list_query(a, version, marker, err);
		if (!r.query || aws_call(c, &r, a, &res, err))
			return -1;
		json_each (node, json_get(res.json, "Aliases")) {
			all = aws_grow(a, all, count, &cap, sizeof(*all));
			if (read_alias(r.operation, node, a, &all[count], err))
				return -1;
			count++;
		}
		marker = aws_json_text(res.json, "NextMarker");
		if (!marker) {
			*out = all;
			*n = count;
			return 0;
		}
	}
	return err_set(err, ERR_LIMIT, "Lambda.%s: more than %d pages", r.operation, AWS_PAGES_MAX);
}
