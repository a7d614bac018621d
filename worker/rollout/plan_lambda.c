#include "worker/rollout/plan_reader.h"

#include <string.h>

/* A Lambda alias: lambda:FUNCTION:ALIAS. */

#define FUNCTION_NAME_MAX 140 /* Lambda's own limits of a name */
#define ALIAS_NAME_MAX 128

/* Digits alone would be a version. */
static bool is_alias(struct str s)
{
	size_t digits = 0;

	while (digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9')
		digits++;
	return plan_is_name(s, ALIAS_NAME_MAX) && digits < s.n;
}

bool plan_is_function(struct str s)
{
	struct str rest = s, f[7];
	size_t n = 0;

	if (!str_starts(s, "arn:"))
		return plan_is_name(s, FUNCTION_NAME_MAX);
	while (n < 7 && str_next(&rest, ':', &f[n]))
		n++;
	return n == 7 && rest.n == 0 && !str_ends(s, ":") && str_starts(f[1], "aws") &&
	       str_is(f[2], "lambda") && f[3].n && plan_is_account(f[4]) &&
	       str_is(f[5], "function") && plan_is_name(f[6], FUNCTION_NAME_MAX);
}

static void defaults(struct plan_target *t)
{
	(void)t;
}

/* The part after the last ':' is the alias, so that a function may be given by its ARN. */
static bool parse(struct plan_reader *r, struct str text, const char *place, const char *whole,
		  struct plan_target *t)
{
	const char *colon = text.n ? memrchr(text.p, ':', text.n) : NULL;
	size_t at = colon ? (size_t)(colon - text.p) : 0;
	struct str function = str_sub(text, 0, at), alias = str_sub(text, at + 1, text.n);

	if (!colon || !plan_is_function(function) || !is_alias(alias)) {
		problem_add(r->problems, place, whole,
			    "write lambda:FUNCTION:ALIAS, for example lambda:checkout:live; the "
			    "function is a name or an ARN, the alias no version and not $LATEST");
		return false;
	}
	t->lambda.function = str_dup(r->a, function);
	t->lambda.alias = str_dup(r->a, alias);
	return true;
}

static void read(struct plan_reader *r, const struct yaml *map)
{
	struct plan_lambda *t = &r->plan->target.lambda;
	const struct yaml *function = yaml_get(map, "function"), *alias = yaml_get(map, "alias");

	if (!plan_keys(r, map, "target.lambda", "function alias code"))
		return;
	if (!function || !alias)
		problem_add(r->problems, plan_place(r, map, "target.lambda"), NULL,
			    "function and alias are both needed: { function: checkout, alias: live "
			    "}");
	if (plan_text(r, function, "target.lambda.function", &t->function) && t->function &&
	    !plan_is_function(str_from(t->function)))
		problem_add(r->problems, plan_place(r, function, "target.lambda.function"),
			    t->function, "write a function's name or its ARN without qualifier");
	if (plan_text(r, alias, "target.lambda.alias", &t->alias) && t->alias &&
	    !is_alias(str_from(t->alias)))
		problem_add(r->problems, plan_place(r, alias, "target.lambda.alias"), t->alias,
			    "an alias has 1 to 128 letters, digits, - and _, and not digits alone");
	plan_text(r, yaml_get(map, "code"), "target.lambda.code", &t->code);
}

static bool same(const struct plan_target *a, const struct plan_target *b)
{
	return plan_same_text(a->lambda.function, b->lambda.function) &&
	       plan_same_text(a->lambda.alias, b->lambda.alias);
}

static const char *text(struct arena *a, const struct plan_target *t)
{
	const char *function = t->lambda.function ? t->lambda.function : "";

	return t->lambda.alias ? arena_printf(a, "%s:%s", function, t->lambda.alias) : function;
}

static void digest(struct json_out *o, const struct plan_target *t)
{
	json_member_cstr(o, "function", t->lambda.function);
	json_member_cstr(o, "alias", t->lambda.alias);
	json_member_cstr(o, "code", t->lambda.code);
}

const struct plan_target_kind plan_kind_lambda = {
	.word = "lambda",
	.key = "lambda",
	.form = "lambda:FUNCTION:ALIAS",
	.defaults = defaults,
	.parse = parse,
	.read = read,
	.same = same,
	.text = text,
	.digest = digest,
};
