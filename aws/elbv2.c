#include "aws/elbv2.h"

#include <string.h>

#include "aws/answer.h"
#include "aws/elbv2_call.h"

/*
 * Calls to Elastic Load Balancing. An answer that lacks the result it belongs to is an error, never
 * an empty list: "no rules" and "no answer" lead to opposite decisions.
 */

#define TARGET_GROUPS_PER_CALL 20 /* as many as DescribeTags takes; the page size is 400 */
#define REQUEST_MAX ELBV2_REQUEST_MAX

const struct aws_service elbv2_service = {
	.id = "Elastic Load Balancing v2",
	.endpoint_prefix = "elasticloadbalancing",
	.signing_name = "elasticloadbalancing",
	.api_version = "2015-12-01",
	.protocol = AWS_QUERY,
	.double_encode = true,
};

/* --- one call, all pages --------------------------------------------------------------------- */

void elbv2_add(struct buf *b, const char *name, const char *value)
{
	if (b->n)
		buf_addc(b, '&');
	buf_adds(b, name);
	buf_addc(b, '=');
	buf_add_uri(b, str_from(value), false);
}

int elbv2_call(const struct aws_client *c, const struct elbv2_op *op, const struct buf *body,
	       struct arena *a, const struct xml **result, struct err *err)
{
	struct aws_request r = {.service = &elbv2_service,
				.operation = op->name,
				.resend_safe = !str_starts(str_from(op->name), "Create")};
	struct aws_response res;

	if (buf_check(body, "request", err))
		return err_wrap(err, "ELBv2.%s", op->name);
	r.body = buf_str(body);
	if (aws_call(c, &r, a, &res, err))
		return -1;
	*result = xml_at(res.xml, op->result);
	if (!*result) {
		err_set(err, ERR_MALFORMED, "ELBv2.%s: the answer has no %s", op->name, op->result);
		err->sent = !str_starts(str_from(op->name), "Describe");
		return -1;
	}
	return 0;
}

struct list {
	void *items;
	size_t n, cap;
	size_t size; /* of an item */
	int (*read)(const struct xml *node, struct arena *a, void *item, struct err *err);
};

static int add_page(const struct elbv2_op *op, const struct xml *result, struct arena *a,
		    struct list *l, struct err *err)
{
	xml_each (node, xml_at(result, op->list), "member") {
		l->items = aws_grow(a, l->items, l->n, &l->cap, l->size);
		if (l->read(node, a, (char *)l->items + l->n * l->size, err))
			return err_wrap(err, "ELBv2.%s", op->name);
		l->n++;
	}
	return 0;
}

/* Read all pages of what `base` asks for into the list. */
static int describe(const struct aws_client *c, const struct elbv2_op *op, struct str base,
		    struct arena *a, struct list *l, struct err *err)
{
	const char *marker = NULL;

	for (int page = 0; page < AWS_PAGES_MAX; page++) {
		const struct xml *result = NULL;
		struct buf body;
		int ret;

		buf_init(&body, REQUEST_MAX);
		buf_add_str(&body, base);
		if (marker)
			elbv2_add(&body, "Marker", marker);
		ret = elbv2_call(c, op, &body, a, &result, err);
		buf_release(&body);
		if (ret || add_page(op, result, a, l, err))
			return -1;
		marker = aws_xml_text(result, "NextMarker");
		if (!marker)
			return 0;
	}
	return err_set(err, ERR_LIMIT, "ELBv2.%s: more than %d pages", op->name, AWS_PAGES_MAX);
}

/* The same with one parameter, the usual case. */
static int describe_by(const struct aws_client *c, const struct elbv2_op *op, const char *name,
		       const char *value, struct arena *a, struct list *l, struct err *err)
{
	struct buf base;
	int ret;

	/* Without its filter the call would list everything there is. */
	if (!str_from(value).n)
		return err_set(err, ERR_REJECTED, "ELBv2.%s: no ARN", op->name);
	buf_init(&base, REQUEST_MAX);
	elbv2_add(&base, name, value);
	ret = describe(c, op, buf_str(&base), a, l, err);
	buf_release(&base);
	return ret;
}

/* Exactly the one thing that was asked for. */
static int only(const struct elbv2_op *op, const struct list *l, const char *arn, struct err *err)
{
	if (l->n == 1)
		return 0;
	return err_set(err, l->n ? ERR_MALFORMED : ERR_NOT_FOUND,
		       "ELBv2.%s: asked for %.300s, got %zu of them", op->name, arn, l->n);
}

/* --- listeners and rules --------------------------------------------------------------------- */

static const struct elbv2_op describe_listeners = {"DescribeListeners", "DescribeListenersResult",
						   "Listeners"};
static const struct elbv2_op describe_rules = {"DescribeRules", "DescribeRulesResult", "Rules"};

static int read_listener(const struct xml *node, struct arena *a, void *item, struct err *err)
{
	struct elbv2_listener *out = item;
	struct elbv2_action *actions;

	*out = (struct elbv2_listener){
		.arn = aws_xml_text(node, "ListenerArn"),
		.load_balancer_arn = aws_xml_text(node, "LoadBalancerArn"),
		.protocol = aws_xml_text(node, "Protocol"),
	};
	(void)xml_i64(node, "Port", &out->port);
	if (!out->arn)
		return err_set(err, ERR_MALFORMED, "a listener has no ARN");
	if (elbv2_actions_parse(xml_at(node, "DefaultActions"), a, &actions, &out->n_actions, err))
		return err_wrap(err, "listener %.300s", out->arn);
	out->actions = actions;
	return 0;
}

int elbv2_describe_listener(const struct aws_client *c, const char *listener_arn, struct arena *a,
			    struct elbv2_listener *out, struct err *err)
{
	struct list l = {.size = sizeof(*out), .read = read_listener};

	if (describe_by(c, &describe_listeners, "ListenerArns.member.1", listener_arn, a, &l,
			err) ||
	    only(&describe_listeners, &l, listener_arn, err))
		return -1;
	*out = *(struct elbv2_listener *)l.items;
	return 0;
}

int elbv2_describe_listeners(const struct aws_client *c, const char *load_balancer_arn,
			     struct arena *a, struct elbv2_listener **out, size_t *n,
			     struct err *err)
{
	struct list l = {.size = sizeof(**out), .read = read_listener};

	if (describe_by(c, &describe_listeners, "LoadBalancerArn", load_balancer_arn, a, &l, err))
		return -1;
	*out = l.items;
	*n = l.n;
	return 0;
}

static int read_rule(const struct xml *node, struct arena *a, void *item, struct err *err)
{
	return elbv2_rule_parse(node, a, item, err);
}

int elbv2_describe_rule(const struct aws_client *c, const char *rule_arn, struct arena *a,
			struct elbv2_rule *out, struct err *err)
{
	struct list l = {.size = sizeof(*out), .read = read_rule};

	if (describe_by(c, &describe_rules, "RuleArns.member.1", rule_arn, a, &l, err) ||
	    only(&describe_rules, &l, rule_arn, err))
		return -1;
	*out = *(struct elbv2_rule *)l.items;
	return 0;
}

int elbv2_describe_rules(const struct aws_client *c, const char *listener_arn, struct arena *a,
			 struct elbv2_rule **out, size_t *n, struct err *err)
{
	struct list l = {.size = sizeof(**out), .read = read_rule};

	if (describe_by(c, &describe_rules, "ListenerArn", listener_arn, a, &l, err))
		return -1;
	*out = l.items;
	*n = l.n;
	return 0;
}

/* --- changing actions ------------------------------------------------------------------------ */

struct modify {
	struct elbv2_op op;
	const char *arn_key; /* "RuleArn" */
	const char *prefix;  /* "Actions" */
};

static int modify(const struct aws_client *c, const struct modify *m, const char *arn,
		  const struct elbv2_actions *actions, struct arena *a, const struct xml **item,
		  struct err *err)
{
	const struct xml *result = NULL;
	struct buf body;
	int ret;

	if (!str_from(arn).n || !actions->n)
		return err_set(err, ERR_REJECTED, "ELBv2.%s: no ARN or no actions", m->op.name);
	buf_init(&body, REQUEST_MAX);
	elbv2_add(&body, m->arn_key, arn);
	if (elbv2_actions_format(&body, m->prefix, actions->actions, actions->n, err))
		ret = err_wrap(err, "ELBv2.%s of %.300s", m->op.name, arn);
	else
		ret = elbv2_call(c, &m->op, &body, a, &result, err);
	buf_release(&body);
	if (ret)
		return -1;
	*item = xml_first(xml_at(result, m->op.list), "member");
	return 0;
}

static int read_echo(const struct modify *m, const struct xml *item, struct arena *a,
		     struct elbv2_actions *echo, struct err *err)
{
	struct elbv2_action *actions;

	if (!echo)
		return 0;
	if (elbv2_actions_parse(xml_at(item, m->prefix), a, &actions, &echo->n, err)) {
		err->sent = true;
		return err_wrap(err, "ELBv2.%s", m->op.name);
	}
	echo->actions = actions;
	return 0;
}

int elbv2_modify_listener(const struct aws_client *c, const char *listener_arn,
			  const struct elbv2_actions *actions, struct arena *a,
			  struct elbv2_actions *echo, struct err *err)
{
	static const struct modify m = {{"ModifyListener", "ModifyListenerResult", "Listeners"},
					"ListenerArn",
					"DefaultActions"};
	const struct xml *item;

	if (modify(c, &m, listener_arn, actions, a, &item, err))
		return -1;
	return read_echo(&m, item, a, echo, err);
}

int elbv2_modify_rule(const struct aws_client *c, const char *rule_arn,
		      const struct elbv2_actions *actions, struct arena *a,
		      struct elbv2_actions *echo, struct err *err)
{
	static const struct modify m = {
		{"ModifyRule", "ModifyRuleResult", "Rules"}, "RuleArn", "Actions"};
	const struct xml *item;

	if (modify(c, &m, rule_arn, actions, a, &item, err))
		return -1;
	return read_echo(&m, item, a, echo, err);
}

/* --- target groups --------------------------------------------------------------------------- */

static const struct elbv2_op describe_groups = {"DescribeTargetGroups",
						"DescribeTargetGroupsResult", "TargetGroups"};

static int read_target_group(const struct xml *node, struct arena *a, void *item, struct err *err)
{
	struct elbv2_target_group *out = item;
	const char **arns = NULL;
	size_t cap = 0;

	*out = (struct elbv2_target_group){
		.arn = aws_xml_text(node, "TargetGroupArn"),
		.name = aws_xml_text(node, "TargetGroupName"),
		.protocol = aws_xml_text(node, "Protocol"),
		.target_type = aws_xml_text(node, "TargetType"),
		.vpc_id = aws_xml_text(node, "VpcId"),
		.health_check_enabled = !str_is(xml_text(node, "HealthCheckEnabled"), "false"),
	};
	(void)xml_i64(node, "Port", &out->port);
	(void)xml_i64(node, "HealthCheckIntervalSeconds", &out->health_check_interval_s);
	(void)xml_i64(node, "HealthyThresholdCount", &out->healthy_threshold);
	if (!out->arn)
		return err_set(err, ERR_MALFORMED, "a target group has no ARN");
	xml_each (lb, xml_at(node, "LoadBalancerArns"), "member") {
		arns = aws_grow(a, arns, out->n_load_balancer_arns, &cap, sizeof(*arns));
		arns[out->n_load_balancer_arns++] = xml_cstr(lb, "");
	}
	out->load_balancer_arns = arns;
	return 0;
}

/* Put what was found into the order of arns. */
static int in_order(const struct list *found, const char *const *arns, size_t n,
		    struct elbv2_target_group *out, struct err *err)
{
	const struct elbv2_target_group *all = found->items;

	for (size_t i = 0; i < n; i++) {
		size_t k = 0;

		while (k < found->n && strcmp(all[k].arn, arns[i]) != 0)
			k++;
		if (k == found->n)
			return err_set(err, ERR_NOT_FOUND,
				       "ELBv2.DescribeTargetGroups: there is no %.300s", arns[i]);
		out[i] = all[k];
	}
	return 0;
}

int elbv2_describe_target_groups(const struct aws_client *c, const char *const *arns, size_t n_arns,
				 struct arena *a, struct elbv2_target_group **out, struct err *err)
{
	struct list found = {.size = sizeof(**out), .read = read_target_group};
	struct elbv2_target_group *sorted = arena_array(a, struct elbv2_target_group, n_arns);

	for (size_t at = 0; at < n_arns; at += TARGET_GROUPS_PER_CALL) {
		struct buf base;
		int ret;

		buf_init(&base, REQUEST_MAX);
		for (size_t i = at; i < n_arns && i < at + TARGET_GROUPS_PER_CALL; i++)
			elbv2_add(&base, arena_printf(a, "TargetGroupArns.member.%zu", i - at + 1),
				  arns[i]);
		ret = describe(c, &describe_groups, buf_str(&base), a, &found, err);
		buf_release(&base);
		if (ret)
			return -1;
	}
	if (in_order(&found, arns, n_arns, sorted, err))
		return -1;
	*out = sorted;
	return 0;
}

/* --- health ---------------------------------------------------------------------------------- */

static const char *const health_names[] = {
	[ELBV2_INITIAL] = "initial",	     [ELBV2_HEALTHY] = "healthy",
	[ELBV2_UNHEALTHY] = "unhealthy",     [ELBV2_UNHEALTHY_DRAINING] = "unhealthy.draining",
	[ELBV2_UNUSED] = "unused",	     [ELBV2_DRAINING] = "draining",
	[ELBV2_UNAVAILABLE] = "unavailable", [ELBV2_HEALTH_OTHER] = "unknown",
};

const char *elbv2_health_name(enum elbv2_health h)
{
	return (unsigned)h <= ELBV2_HEALTH_OTHER ? health_names[h] : "unknown";
}

static int read_health(const struct xml *node, struct arena *a, void *item, struct err *err)
{
	struct elbv2_target_health *out = item;
	struct str state = xml_text(node, "TargetHealth/State");
	int i = 0;

	(void)a;
	while (i < ELBV2_HEALTH_OTHER && !str_is(state, health_names[i]))
		i++;
	*out = (struct elbv2_target_health){
		.id = aws_xml_text(node, "Target/Id"),
		.state = (enum elbv2_health)i,
		.reason = aws_xml_text(node, "TargetHealth/Reason"),
		.description = aws_xml_text(node, "TargetHealth/Description"),
	};
	(void)xml_i64(node, "Target/Port", &out->port);
	if (!out->id)
		return err_set(err, ERR_MALFORMED, "a target has no id");
	return 0;
}

int elbv2_describe_target_health(const struct aws_client *c, const char *target_group_arn,
				 struct arena *a, struct elbv2_target_health **out, size_t *n,
				 struct err *err)
{
	static const struct elbv2_op op = {"DescribeTargetHealth", "DescribeTargetHealthResult",
					   "TargetHealthDescriptions"};
	struct list l = {.size = sizeof(**out), .read = read_health};

	if (describe_by(c, &op, "TargetGroupArn", target_group_arn, a, &l, err))
		return -1;
	*out = l.items;
	*n = l.n;
	return 0;
}

static int read_attribute(const struct xml *node, struct arena *a, void *item, struct err *err)
{
	struct elbv2_attribute *out = item;

	(void)a;
	out->key = aws_xml_text(node, "Key");
	out->value = xml_cstr(node, "Value");
	if (!out->key)
		return err_set(err, ERR_MALFORMED, "an attribute has no key");
	if (!out->value)
		out->value = "";
	return 0;
}

int elbv2_describe_target_group_attributes(const struct aws_client *c, const char *target_group_arn,
					   struct arena *a, struct elbv2_attribute **out, size_t *n,
					   struct err *err)
{
	static const struct elbv2_op op = {"DescribeTargetGroupAttributes",
					   "DescribeTargetGroupAttributesResult", "Attributes"};
	struct list l = {.size = sizeof(**out), .read = read_attribute};

	if (describe_by(c, &op, "TargetGroupArn", target_group_arn, a, &l, err))
		return -1;
	*out = l.items;
	*n = l.n;
	return 0;
}

const char *elbv2_attribute_get(const struct elbv2_attribute *attributes, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(attributes[i].key, key) == 0)
			return attributes[i].value;
	}
	return NULL;
}

/* --- load balancers -------------------------------------------------------------------------- */

static int read_load_balancer(const struct xml *node, struct arena *a, void *item, struct err *err)
{
	struct elbv2_load_balancer *out = item;

	(void)a;
	*out = (struct elbv2_load_balancer){
		.arn = aws_xml_text(node, "LoadBalancerArn"),
		.name = aws_xml_text(node, "LoadBalancerName"),
		.dns_name = aws_xml_text(node, "DNSName"),
		.type = aws_xml_text(node, "Type"),
		.state = aws_xml_text(node, "State/Code"),
	};
	if (!out->arn)
		return err_set(err, ERR_MALFORMED, "a load balancer has no ARN");
	return 0;
}

int elbv2_describe_load_balancer(const struct aws_client *c, const char *arn, struct arena *a,
				 struct elbv2_load_balancer *out, struct err *err)
{
	static const struct elbv2_op op = {"DescribeLoadBalancers", "DescribeLoadBalancersResult",
					   "LoadBalancers"};
	struct list l = {.size = sizeof(*out), .read = read_load_balancer};

	if (describe_by(c, &op, "LoadBalancerArns.member.1", arn, a, &l, err) ||
	    only(&op, &l, arn, err))
		return -1;
	*out = *(struct elbv2_load_balancer *)l.items;
	return 0;
}

/* What follows `after` in the last part of an ARN: "...:loadbalancer/app/name/id". */
static struct str tail(const char *arn, const char *head, size_t skip)
{
	struct str s = str_from(arn), field = {NULL, 0};

	if (!str_starts(s, "arn:"))
		return STR("");
	while (str_next(&s, ':', &field))
		;
	if (!str_starts(field, head) || field.n == strlen(head))
		return STR("");
	return str_sub(field, skip, field.n);
}

struct str elbv2_load_balancer_dimension(const char *arn)
{
	return tail(arn, "loadbalancer/", strlen("loadbalancer/"));
}

struct str elbv2_target_group_dimension(const char *arn)
{
	return tail(arn, "targetgroup/", 0);
}
