#include "worker/rollout/plan_reader.h"

#include <string.h>

/* Which target, from the one-line form of the action's configuration or from the plan file. */

#define ALB_PROPAGATION_MS 10000	     /* "within seconds"; with room for the slowest */
#define PROPAGATION_MOST_MS (20 * 60 * 1000) /* the shift as a whole has 30 minutes */
#define FUNCTION_NAME_MAX 140		     /* Lambda's own limits of a name */
#define ALIAS_NAME_MAX 128
#define ARN_MAX 512
#define KINDS "lambda:FUNCTION:ALIAS or load-balancer:LISTENER-OR-RULE-ARN"

const char *target_kind_name(enum target_kind k)
{
	return k == TARGET_LAMBDA ? "lambda" : "load-balancer";
}

void plan_target_defaults(struct plan_target *t)
{
	*t = (struct plan_target){.min_healthy = 1, .propagation_ms = ALB_PROPAGATION_MS};
}

/* --- names ----------------------------------------------------------------------------------- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_name(struct str s, size_t max)
{
	if (s.n == 0 || s.n > max)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!is_digit(c) && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    c != '-' && c != '_')
			return false;
	}
	return true;
}

/* Digits alone would be a version. */
static bool is_alias(struct str s)
{
	size_t digits = 0;

	while (digits < s.n && is_digit(s.p[digits]))
		digits++;
	return is_name(s, ALIAS_NAME_MAX) && digits < s.n;
}

static bool is_account(struct str s)
{
	uint64_t n;

	return s.n == 12 && str_parse_u64(s, 0, 999999999999, &n);
}

bool plan_is_function(struct str s)
{
	struct str rest = s, f[7];
	size_t n = 0;

	if (!str_starts(s, "arn:"))
		return is_name(s, FUNCTION_NAME_MAX);
	while (n < 7 && str_next(&rest, ':', &f[n]))
		n++;
	return n == 7 && rest.n == 0 && !str_ends(s, ":") && str_starts(f[1], "aws") &&
	       str_is(f[2], "lambda") && f[3].n && is_account(f[4]) && str_is(f[5], "function") &&
	       is_name(f[6], FUNCTION_NAME_MAX);
}

/* arn:aws:elasticloadbalancing:REGION:ACCOUNT:RESOURCE, where the resource begins so. */
static bool is_elb_arn(struct str s, const char *resource)
{
	struct str rest = s, f[5];
	size_t n = 0;

	if (s.n > ARN_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == '"' || s.p[i] == '\\')
			return false;
	while (n < 5 && str_next(&rest, ':', &f[n]))
		n++;
	return n == 5 && str_is(f[0], "arn") && str_starts(f[1], "aws") &&
	       str_is(f[2], "elasticloadbalancing") && f[3].n && is_account(f[4]) &&
	       str_starts(rest, resource);
}

/* Listener or rule of an Application or Network Load Balancer. */
static bool is_listener(struct str arn)
{
	return is_elb_arn(arn, "listener/app/") || is_elb_arn(arn, "listener/net/");
}

static bool is_rule(struct str arn)
{
	return is_elb_arn(arn, "listener-rule/app/") || is_elb_arn(arn, "listener-rule/net/");
}

/* --- one line -------------------------------------------------------------------------------- */

/* The part after the last ':' is the alias, so that a function may be given by its ARN. */
static bool parse_lambda(struct plan_reader *r, struct str text, const char *place,
			 const char *whole, struct plan_target *t)
{
	const char *colon = text.n ? memrchr(text.p, ':', text.n) : NULL;
	size_t at = colon ? (size_t)(colon - text.p) : 0;
	struct str function = str_sub(text, 0, at), alias = str_sub(text, at + 1, text.n);

	t->kind = TARGET_LAMBDA;
	if (!colon || !plan_is_function(function) || !is_alias(alias)) {
		problem_add(r->problems, place, whole,
			    "write lambda:FUNCTION:ALIAS, for example lambda:checkout:live; the "
			    "function is a name or an ARN, the alias no version and not $LATEST");
		return false;
	}
	t->function = str_dup(r->a, function);
	t->alias = str_dup(r->a, alias);
	return true;
}

static bool parse_load_balancer(struct plan_reader *r, struct str text, const char *place,
				const char *whole, struct plan_target *t)
{
	t->kind = TARGET_LOAD_BALANCER;
	t->resource_arn = str_dup(r->a, text);
	if (is_listener(text) || is_rule(text))
		return true;
	problem_add(r->problems, place, whole,
		    "write load-balancer: and the ARN of a listener or a rule of an Application "
		    "or Network Load Balancer");
	return false;
}

static bool parse(struct plan_reader *r, struct str text, const char *place, struct plan_target *t)
{
	const char *whole = str_dup(r->a, text);
	const char *colon = text.n ? memchr(text.p, ':', text.n) : NULL;
	struct str kind = colon ? str_sub(text, 0, (size_t)(colon - text.p)) : text;
	struct str rest = str_trim(str_sub(text, kind.n + 1, text.n));

	plan_target_defaults(t);
	if (str_is(kind, "lambda"))
		return parse_lambda(r, rest, place, whole, t);
	if (str_is(kind, "load-balancer"))
		return parse_load_balancer(r, rest, place, whole, t);
	if (str_is(kind, "beanstalk") || str_is(kind, "auto-scaling") || str_is(kind, "ecs"))
		problem_add(r->problems, place, whole,
			    "this version deploys to Lambda and load balancers only; write " KINDS);
	else
		problem_add(r->problems, place, whole, "unknown kind of target; write " KINDS);
	return false;
}

static bool is_same(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

/* The file may say more about a target than one line can, but nothing else. */
void plan_target_property(struct plan_reader *r, struct str text, const char *place)
{
	struct plan_target *have = &r->plan->target, said;
	bool had = r->has_target, ok;

	r->has_target = true;
	ok = parse(r, text, place, &said);
	if (!had) {
		*have = said;
		r->target_place = place;
		return;
	}
	if (!ok ||
	    (said.kind == have->kind && is_same(said.function, have->function) &&
	     is_same(said.alias, have->alias) && is_same(said.resource_arn, have->resource_arn)))
		return;
	problem_add(r->problems, place, str_dup(r->a, text),
		    "%s names another target, %s%s%s%s; write the same in both, or leave one out",
		    r->target_place, target_kind_name(have->kind),
		    have->kind == TARGET_LAMBDA ? ":" : "",
		    have->kind == TARGET_LAMBDA && have->function ? have->function : "",
		    have->kind == TARGET_LAMBDA && have->alias
			    ? arena_printf(r->a, ":%s", have->alias)
			    : "");
}

/* --- the file -------------------------------------------------------------------------------- */

static void read_lambda(struct plan_reader *r, const struct yaml *map)
{
	struct plan_target *t = &r->plan->target;
	const struct yaml *function = yaml_get(map, "function"), *alias = yaml_get(map, "alias");

	t->kind = TARGET_LAMBDA;
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

static void read_group(struct plan_reader *r, const struct yaml *map, const char *key,
		       const char **out)
{
	const struct yaml *node = yaml_get(map, key);
	const char *path = arena_printf(r->a, "target.load_balancer.%s", key);

	if (plan_text(r, node, path, out) && node && *out &&
	    !is_elb_arn(str_from(*out), "targetgroup/"))
		problem_add(r->problems, plan_place(r, node, path), *out,
			    "write the ARN of a target group");
}

static void read_resource(struct plan_reader *r, const struct yaml *map, const char *base)
{
	struct plan_target *t = &r->plan->target;
	const struct yaml *rule = yaml_get(map, "rule"), *listener = yaml_get(map, "listener");

	if (!rule == !listener) {
		problem_add(r->problems, plan_place(r, map, base), NULL,
			    "exactly one of rule and listener is needed: the ARN whose weights are "
			    "to move");
		return;
	}
	if (plan_text(r, rule, "target.load_balancer.rule", &t->resource_arn) && rule &&
	    !is_rule(str_from(t->resource_arn)))
		problem_add(r->problems, plan_place(r, rule, "target.load_balancer.rule"),
			    t->resource_arn, "write the ARN of a listener's rule");
	if (plan_text(r, listener, "target.load_balancer.listener", &t->resource_arn) && listener &&
	    !is_listener(str_from(t->resource_arn)))
		problem_add(r->problems, plan_place(r, listener, "target.load_balancer.listener"),
			    t->resource_arn,
			    "write the ARN of a listener of an Application or Network Load "
			    "Balancer");
}

static void read_load_balancer(struct plan_reader *r, const struct yaml *map)
{
	struct plan_target *t = &r->plan->target;
	const char *base = "target.load_balancer";

	t->kind = TARGET_LOAD_BALANCER;
	if (!plan_keys(r, map, base, "listener rule baseline candidate min_healthy propagation"))
		return;
	read_resource(r, map, base);
	read_group(r, map, "baseline", &t->baseline_arn);
	read_group(r, map, "candidate", &t->candidate_arn);
	if (t->baseline_arn && is_same(t->baseline_arn, t->candidate_arn))
		problem_add(
			r->problems,
			plan_place(r, yaml_get(map, "candidate"), "target.load_balancer.candidate"),
			t->candidate_arn, "baseline and candidate must be two target groups");
	plan_integer(r, yaml_get(map, "min_healthy"), "target.load_balancer.min_healthy", 1, 1000,
		     &t->min_healthy);
	plan_duration(r, yaml_get(map, "propagation"), "target.load_balancer.propagation", 0,
		      PROPAGATION_MOST_MS, &t->propagation_ms);
}

void plan_target_read(struct plan_reader *r, const struct yaml *map)
{
	if (!map)
		return;
	r->has_target = true;
	r->target_place = plan_place(r, map, "target");
	plan_target_defaults(&r->plan->target);
	if (!plan_keys(r, map, "target", "lambda load_balancer"))
		return;
	if (map->n == 1 && yaml_get(map, "lambda"))
		read_lambda(r, yaml_get(map, "lambda"));
	else if (map->n == 1 && yaml_get(map, "load_balancer"))
		read_load_balancer(r, yaml_get(map, "load_balancer"));
	else if (map->n != 1 || map->first->type == YAML_NULL)
		problem_add(r->problems, r->target_place, NULL,
			    "exactly one target is needed: lambda or load_balancer, with what "
			    "belongs to it");
}
