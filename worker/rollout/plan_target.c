#include "worker/rollout/plan_reader.h"

#include <string.h>

/* Which target, from the one-line form of the action's configuration or from the plan file. */

#define ALB_PROPAGATION_MS 10000	     /* "within seconds"; with room for the slowest */
#define KINDS "lambda:FUNCTION:ALIAS or load-balancer:LISTENER-OR-RULE-ARN"

const char *target_kind_name(enum target_kind k)
{
	return k == TARGET_LAMBDA ? "lambda" : "load-balancer";
}

static void set_defaults(struct plan_target *t)
{
	t->min_healthy = 1;
	t->propagation_ms = ALB_PROPAGATION_MS;
}

/* Listener or rule of an Application or Network Load Balancer. */
static bool is_listener_or_rule(struct str arn)
{
	return str_starts(arn, "arn:") &&
	       (memmem(arn.p, arn.n, ":listener/", 10) || memmem(arn.p, arn.n, ":listener-rule/", 15));
}

static bool is_target_group(const char *arn)
{
	return !strncmp(arn, "arn:", 4) && strstr(arn, ":targetgroup/");
}

static bool is_name(struct str s)
{
	if (s.n == 0 || s.n > 128)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '-' || c == '_'))
			return false;
	}
	return true;
}

/* The part after the last ':' is the alias, so that a function may be given by its ARN. */
static void parse_lambda(struct plan_reader *r, struct str text, const char *place,
			 const char *whole)
{
	const char *colon = text.n ? memrchr(text.p, ':', text.n) : NULL;
	size_t at = colon ? (size_t)(colon - text.p) : 0;

	if (!colon || at == 0 || !is_name(str_sub(text, at + 1, text.n))) {
		problem_add(r->problems, place, whole,
			    "write lambda:FUNCTION:ALIAS, for example lambda:checkout:live");
		return;
	}
	r->plan->target.function = str_dup(r->a, str_sub(text, 0, at));
	r->plan->target.alias = str_dup(r->a, str_sub(text, at + 1, text.n));
}

void plan_target_parse(struct plan_reader *r, struct str text, const char *place)
{
	struct plan_target *t = &r->plan->target;
	const char *whole = str_dup(r->a, text);
	const char *colon = text.n ? memchr(text.p, ':', text.n) : NULL;
	struct str kind = colon ? str_sub(text, 0, (size_t)(colon - text.p)) : text;
	struct str rest = str_sub(text, kind.n + 1, text.n);

	r->has_target = true;
	*t = (struct plan_target){0};
	set_defaults(t);
	if (str_is(kind, "lambda")) {
		t->kind = TARGET_LAMBDA;
		parse_lambda(r, rest, place, whole);
	} else if (str_is(kind, "load-balancer")) {
		t->kind = TARGET_LOAD_BALANCER;
		t->resource_arn = str_dup(r->a, rest);
		if (!is_listener_or_rule(rest))
			problem_add(r->problems, place, whole,
				    "write load-balancer: and the ARN of a listener or a rule");
	} else if (str_is(kind, "beanstalk") || str_is(kind, "auto-scaling") ||
		   str_is(kind, "ecs")) {
		problem_add(r->problems, place, whole,
			    "this version deploys to Lambda and load balancers only; write " KINDS);
	} else {
		problem_add(r->problems, place, whole, "unknown kind of target; write " KINDS);
	}
}

static void read_lambda(struct plan_reader *r, const struct yaml *map)
{
	struct plan_target *t = &r->plan->target;

	t->kind = TARGET_LAMBDA;
	if (!plan_keys(r, map, "target.lambda", "function alias code"))
		return;
	plan_text(r, yaml_get(map, "function"), "target.lambda.function", &t->function);
	plan_text(r, yaml_get(map, "alias"), "target.lambda.alias", &t->alias);
	plan_text(r, yaml_get(map, "code"), "target.lambda.code", &t->code);
	if (!t->function || !t->alias)
		problem_add(r->problems, plan_place(r, map, "target.lambda"), NULL,
			    "function and alias are both needed");
	else if (!is_name(str_from(t->alias)))
		problem_add(r->problems, plan_place(r, yaml_get(map, "alias"), "target.lambda.alias"),
			    t->alias, "an alias has letters, digits, - and _ only");
}

static void read_group(struct plan_reader *r, const struct yaml *map, const char *key,
		       const char **out)
{
	const struct yaml *node = yaml_get(map, key);
	const char *path = arena_printf(r->a, "target.load_balancer.%s", key);

	if (plan_text(r, node, path, out) && node && *out && !is_target_group(*out))
		problem_add(r->problems, plan_place(r, node, path), *out,
			    "the ARN of a target group is needed");
}

static void read_load_balancer(struct plan_reader *r, const struct yaml *map)
{
	struct plan_target *t = &r->plan->target;
	const char *base = "target.load_balancer";
	const struct yaml *at;

	t->kind = TARGET_LOAD_BALANCER;
	if (!plan_keys(r, map, base, "listener rule baseline candidate min_healthy propagation"))
		return;
	at = yaml_get(map, "rule") ? yaml_get(map, "rule") : yaml_get(map, "listener");
	plan_text(r, at, "target.load_balancer.rule", &t->resource_arn);
	if (!t->resource_arn)
		problem_add(r->problems, plan_place(r, map, base), NULL,
			    "rule or listener is needed: the ARN whose weights are to move");
	else if (!is_listener_or_rule(str_from(t->resource_arn)))
		problem_add(r->problems, plan_place(r, at, base), t->resource_arn,
			    "not the ARN of a listener or a rule");
	read_group(r, map, "baseline", &t->baseline_arn);
	read_group(r, map, "candidate", &t->candidate_arn);
	if (t->baseline_arn && t->candidate_arn && !strcmp(t->baseline_arn, t->candidate_arn))
		problem_add(r->problems, plan_place(r, yaml_get(map, "candidate"), base),
			    t->candidate_arn, "baseline and candidate must be two target groups");
	plan_integer(r, yaml_get(map, "min_healthy"), "target.load_balancer.min_healthy", 1, 1000,
		     &t->min_healthy);
	plan_duration(r, yaml_get(map, "propagation"), "target.load_balancer.propagation", 0,
		      &t->propagation_ms);
}

void plan_target_read(struct plan_reader *r, const struct yaml *map)
{
	struct plan_target *t = &r->plan->target;

	if (!map || !plan_keys(r, map, "target", "lambda load_balancer"))
		return;
	if (map->n != 1) {
		problem_add(r->problems, plan_place(r, map, "target"), NULL,
			    "exactly one target: lambda or load_balancer");
		return;
	}
	r->has_target = true;
	*t = (struct plan_target){0};
	set_defaults(t);
	if (yaml_get(map, "lambda"))
		read_lambda(r, yaml_get(map, "lambda"));
	else if (yaml_get(map, "load_balancer"))
		read_load_balancer(r, yaml_get(map, "load_balancer"));
	else
		problem_add(r->problems, plan_place(r, map, "target"), NULL,
			    "the target is empty");
}
