#include "worker/rollout/plan_reader.h"

#include <string.h>

/* Target groups that somebody else filled, behind a listener or rule: load-balancer:ARN. */

#define ALB_PROPAGATION_MS 10000	     /* "within seconds"; with room for the slowest */
#define PROPAGATION_MOST_MS (20 * 60 * 1000) /* the shift as a whole has 30 minutes */
#define ARN_MAX 512

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
	       str_is(f[2], "elasticloadbalancing") && f[3].n && plan_is_account(f[4]) &&
	       str_starts(rest, resource);
}

bool plan_is_listener(struct str arn)
{
	return is_elb_arn(arn, "listener/app/") || is_elb_arn(arn, "listener/net/");
}

bool plan_is_rule(struct str arn)
{
	return is_elb_arn(arn, "listener-rule/app/") || is_elb_arn(arn, "listener-rule/net/");
}

bool plan_is_target_group(struct str arn)
{
	return is_elb_arn(arn, "targetgroup/");
}

/* --- for every kind that moves weights -------------------------------------------------------- */

void plan_lb_defaults(struct plan_load_balancer *lb)
{
	*lb = (struct plan_load_balancer){.min_healthy = 1, .propagation_ms = ALB_PROPAGATION_MS};
}

static void read_group(struct plan_reader *r, const struct yaml *map, const char *base,
		       const char *key, const char **out)
{
	const struct yaml *node = yaml_get(map, key);
	const char *path = arena_printf(r->a, "%s.%s", base, key);

	if (plan_text(r, node, path, out) && node && *out && !plan_is_target_group(str_from(*out)))
		problem_add(r->problems, plan_place(r, node, path), *out,
			    "write the ARN of a target group");
}

static void read_resource(struct plan_reader *r, const struct yaml *map, const char *base,
			  struct plan_load_balancer *lb)
{
	const struct yaml *rule = yaml_get(map, "rule"), *listener = yaml_get(map, "listener");
	const char *path = arena_printf(r->a, "%s.%s", base, rule ? "rule" : "listener");

	if (plan_text(r, rule, path, &lb->resource_arn) && rule &&
	    !plan_is_rule(str_from(lb->resource_arn)))
		problem_add(r->problems, plan_place(r, rule, path), lb->resource_arn,
			    "write the ARN of a listener's rule");
	if (!rule && plan_text(r, listener, path, &lb->resource_arn) && listener &&
	    !plan_is_listener(str_from(lb->resource_arn)))
		problem_add(r->problems, plan_place(r, listener, path), lb->resource_arn,
			    "write the ARN of a listener of an Application or Network Load "
			    "Balancer");
}

void plan_lb_read(struct plan_reader *r, const struct yaml *map, const char *base,
		  struct plan_load_balancer *lb)
{
	const char *path = arena_printf(r->a, "%s.candidate", base);

	read_resource(r, map, base, lb);
	read_group(r, map, base, "baseline", &lb->baseline_arn);
	read_group(r, map, base, "candidate", &lb->candidate_arn);
	if (lb->baseline_arn && plan_same_text(lb->baseline_arn, lb->candidate_arn))
		problem_add(r->problems, plan_place(r, yaml_get(map, "candidate"), path),
			    lb->candidate_arn, "baseline and candidate must be two target groups");
	plan_integer(r, yaml_get(map, "min_healthy"), arena_printf(r->a, "%s.min_healthy", base), 1,
		     1000, &lb->min_healthy);
	plan_duration(r, yaml_get(map, "propagation"), arena_printf(r->a, "%s.propagation", base),
		      0, PROPAGATION_MOST_MS, &lb->propagation_ms);
}

void plan_lb_digest(struct json_out *o, const struct plan_load_balancer *lb)
{
	json_member_cstr(o, "resource", lb->resource_arn);
	json_member_cstr(o, "baseline", lb->baseline_arn);
	json_member_cstr(o, "candidate", lb->candidate_arn);
	json_member_i64(o, "min_healthy", lb->min_healthy);
	json_member_i64(o, "propagation", lb->propagation_ms);
}

/* --- the kind itself -------------------------------------------------------------------------- */

static void defaults(struct plan_target *t)
{
	plan_lb_defaults(&t->lb);
}

static bool parse(struct plan_reader *r, struct str text, const char *place, const char *whole,
		  struct plan_target *t)
{
	t->lb.resource_arn = str_dup(r->a, text);
	if (plan_is_listener(text) || plan_is_rule(text))
		return true;
	problem_add(r->problems, place, whole,
		    "write load-balancer: and the ARN of a listener or a rule of an Application "
		    "or Network Load Balancer");
	return false;
}

static void read(struct plan_reader *r, const struct yaml *map)
{
	static const char base[] = "target.load_balancer";

	if (!plan_keys(r, map, base, PLAN_LB_KEYS))
		return;
	if (!yaml_get(map, "rule") == !yaml_get(map, "listener"))
		problem_add(r->problems, plan_place(r, map, base), NULL,
			    "exactly one of rule and listener is needed: the ARN whose weights are "
			    "to move");
	plan_lb_read(r, map, base, &r->plan->target.lb);
}

static bool same(const struct plan_target *a, const struct plan_target *b)
{
	return plan_same_text(a->lb.resource_arn, b->lb.resource_arn);
}

static const char *text(struct arena *a, const struct plan_target *t)
{
	(void)a;
	return t->lb.resource_arn ? t->lb.resource_arn : "";
}

static void digest(struct json_out *o, const struct plan_target *t)
{
	plan_lb_digest(o, &t->lb);
}

const struct plan_target_kind plan_kind_load_balancer = {
	.word = "load-balancer",
	.key = "load_balancer",
	.form = "load-balancer:LISTENER-OR-RULE-ARN",
	.defaults = defaults,
	.parse = parse,
	.read = read,
	.same = same,
	.text = text,
	.digest = digest,
};
