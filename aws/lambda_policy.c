#include "aws/lambda_policy.h"

#include <assert.h>
#include <string.h>

#include "aws/answer.h"

/*
 * Resource policies. The answer of GetPolicy is a JSON document inside a string of a JSON document;
 * IAM writes a principal as {"AWS": arn}, {"Service": name} or as a list of them.
 */

#define PATH_PART_MAX 512 /* an ARN has up to 256 characters */
#define POLICY_ACTION "lambda:InvokeFunction"

static int check(const char *operation, const char *what, const char *name, struct err *err)
{
	struct str s = str_from(name);

	if (!s.n || s.n > PATH_PART_MAX || str_is(s, ".") || str_is(s, ".."))
		return err_set(err, ERR_REJECTED, "Lambda.%s: \"%.60s\" is no %s", operation,
			       name ? name : "", what);
	return 0;
}

/* Path and query of .../functions/<function>/policy[/<statement>]?Qualifier=... */
static int address(struct aws_request *r, const char *function, const char *qualifier,
		   const char *statement, struct arena *a, struct err *err)
{
	struct buf b;

	if (check(r->operation, "function", function, err) ||
	    check(r->operation, "qualifier", qualifier, err) ||
	    (statement && check(r->operation, "statement", statement, err)))
		return -1;
	buf_init(&b, 6 * PATH_PART_MAX + 128);
	buf_adds(&b, "/2015-03-31/functions/");
	buf_add_uri(&b, str_from(function), false);
	buf_adds(&b, "/policy");
	if (statement) {
		buf_addc(&b, '/');
		buf_add_uri(&b, str_from(statement), false);
	}
	assert(!b.over);
	r->path = str_dup(a, buf_str(&b));
	buf_clear(&b);
	buf_adds(&b, "Qualifier=");
	buf_add_uri(&b, str_from(qualifier), false);
	assert(!b.over);
	r->query = str_dup(a, buf_str(&b));
	buf_release(&b);
	return 0;
}

int lambda_add_permission(const struct aws_client *c, const struct lambda_permission *p,
			  struct arena *a, struct err *err)
{
	struct aws_request r = {
		.service = &lambda_service, .operation = "AddPermission", .method = "POST"};
	struct aws_response res;
	struct json_out o;
	struct buf body;
	int ret;

	if (check(r.operation, "statement", p->statement, err) ||
	    check(r.operation, "principal", p->principal, err) ||
	    address(&r, p->function, p->qualifier, NULL, a, err))
		return -1;
	buf_init(&body, 16384);
	json_out_init(&o, &body);
	json_out_object(&o);
	json_member_cstr(&o, "StatementId", p->statement);
	json_member_cstr(&o, "Action", POLICY_ACTION);
	json_member_cstr(&o, "Principal", p->principal);
	json_out_end(&o);
	r.body = buf_str(&body);
	ret = aws_call(c, &r, a, &res, err);
	buf_release(&body);
	return ret;
}

int lambda_remove_permission(const struct aws_client *c, const char *function,
			     const char *qualifier, const char *statement, struct arena *a,
			     struct err *err)
{
	struct aws_request r = {.service = &lambda_service,
				.operation = "RemovePermission",
				.method = "DELETE",
				.resend_safe = true};
	struct aws_response res;
	struct err e = ERR_INIT;

	if (check(r.operation, "statement", statement, err) ||
	    address(&r, function, qualifier, statement, a, err))
		return -1;
	if (aws_call(c, &r, a, &res, &e) == 0 || e.code == ERR_NOT_FOUND)
		return 0;
	*err = e;
	return -1;
}

/* The one text of "x", ["x"]; NULL when it is anything else. */
static const char *only_text(const struct json *node)
{
	if (node && node->type == JSON_ARRAY)
		node = node->n == 1 ? node->first : NULL;
	return json_cstr(node);
}

static const char *principal_of(const struct json *node)
{
	if (node && node->type == JSON_OBJECT)
		return node->n == 1 ? only_text(node->first) : NULL;
	return json_cstr(node);
}

static bool is_known(const struct json *statement)
{
	static const char *const known[] = {"Sid",    "Effect",	  "Principal",
					    "Action", "Resource", NULL};

	json_each(m, statement) {
		bool found = false;

		for (size_t i = 0; known[i]; i++)
			found |= str_is(m->key, known[i]);
		if (!found)
			return false;
	}
	return true;
}

static int read_policy(const char *text, struct arena *a, struct lambda_statement **out, size_t *n,
		       struct err *err)
{
	const struct json *list;
	struct json *root = NULL;

	if (!text)
		return err_set(err, ERR_MALFORMED, "the answer has no policy");
	if (json_parse(a, str_from(text), &root, err))
		return -1;
	list = json_get(root, "Statement");
	if (!list || (list->type != JSON_ARRAY && list->type != JSON_OBJECT))
		return err_set(err, ERR_MALFORMED, "the policy has no statements");
	*out = arena_array(a, struct lambda_statement, list->n + 1);
	*n = 0;
	for (const struct json *s = list->type == JSON_ARRAY ? list->first : list; s;
	     s = list->type == JSON_ARRAY ? s->next : NULL) {
		struct lambda_statement *one = &(*out)[(*n)++];
		const char *action = only_text(json_get(s, "Action"));
		const char *id = json_cstr(json_get(s, "Sid"));

		one->id = id ? id : "";
		one->principal = principal_of(json_get(s, "Principal"));
		one->plain = one->principal && action && strcmp(action, POLICY_ACTION) == 0 &&
			     str_is(json_text(json_get(s, "Effect")), "Allow") && is_known(s);
	}
	return 0;
}

int lambda_get_policy(const struct aws_client *c, const char *function, const char *qualifier,
		      struct arena *a, struct lambda_statement **out, size_t *n, struct err *err)
{
	struct aws_request r = {.service = &lambda_service,
				.operation = "GetPolicy",
				.method = "GET",
				.resend_safe = true};
	struct aws_response res;
	struct err e = ERR_INIT;

	*out = NULL;
	*n = 0;
	if (address(&r, function, qualifier, NULL, a, err))
		return -1;
	if (aws_call(c, &r, a, &res, &e)) {
		if (e.code == ERR_NOT_FOUND)
			return 0;
		*err = e;
		return -1;
	}
	if (read_policy(aws_json_text(res.json, "Policy"), a, out, n, err))
		return err_wrap(err, "Lambda.%s of %.128s", r.operation, qualifier);
	return 0;
}
