#include "tests/sim/sim_elbv2.h"

#include <stdio.h>

#include "tests/sim/sim_wire.h"

/*
 * The Describe calls. Lists are cut into pages by Marker and PageSize; a marker is the number of
 * items that earlier pages had.
 */

struct page {
	int64_t skip, max, seen;
};

static int page_begin(const struct sim_elbv2_call *c, struct page *p)
{
	struct str marker = sim_elbv2_arg(c, "Marker"), size = sim_elbv2_arg(c, "PageSize");
	*p = (struct page){.max = 400};
	if (size.n && !str_parse_i64(size, 1, 400, &p->max))
		return sim_elbv2_error(c, "ValidationError", "PageSize must be 1 to 400");
	if (marker.n && !str_parse_i64(marker, 1, INT32_MAX, &p->skip))
		return sim_elbv2_error(c, "ValidationError", "Marker is not valid");
	return 0;
}

static bool page_take(struct page *p)
{
	int64_t number = p->seen++;
	return number >= p->skip && number < p->skip + p->max;
}

static void page_end(struct buf *b, const struct page *p)
{
	if (p->seen > p->skip + p->max)
		sim_xml_i64(b, "NextMarker", p->skip + p->max);
}

static bool lists(const struct json *list, const char *what)
{
	json_each(e, list) {
		if (str_is(json_text(e), what))
			return true;
	}
	return false;
}

/* True when the list is absent or names this thing. */
static bool wanted(const struct json *list, const char *what)
{
	return !list || !list->first || lists(list, what);
}

/* --- load balancers ------------------------------------------------------------------------ */

static void write_lb(struct buf *b, const struct sim_lb *lb, struct utc now)
{
	buf_adds(b, "<member>");
	sim_xml_text(b, "LoadBalancerArn", str_from(lb->arn));
	buf_addf(b, "<DNSName>%s-1234567890." SIM_REGION ".elb.amazonaws.com</DNSName>", lb->name);
	buf_adds(b, "<CanonicalHostedZoneId>Z215JYRZR1TBD5</CanonicalHostedZoneId>");
	sim_xml_text(b, "LoadBalancerName", str_from(lb->name));
	buf_adds(b, "<Scheme>internet-facing</Scheme><VpcId>vpc-0123456789abcdef0</VpcId>");
	buf_addf(b, "<State><Code>%s</Code></State>",
		 now.ms < lb->active_at.ms ? "provisioning" : "active");
	sim_xml_text(b, "Type", lb->network ? STR("network") : STR("application"));
	buf_adds(b, "<IpAddressType>ipv4</IpAddressType></member>");
}

int sim_describe_load_balancers(struct sim_elbv2_call *c)
{
	const struct json *arns = json_get(c->in, "LoadBalancerArns"),
			  *names = json_get(c->in, "Names");
	struct page p;
	json_each(e, arns) {
		if (!sim_lb_find(c->e, json_text(e)))
			return sim_elbv2_error(c, "LoadBalancerNotFound",
					       "One or more load balancers not found");
	}
	json_each(e, names) {
		if (!sim_lb_find(c->e, json_text(e)))
			return sim_elbv2_error(c, "LoadBalancerNotFound",
					       "Load balancers '[" STR_FMT "]' not found",
					       STR_ARG(json_text(e)));
	}
	if (page_begin(c, &p))
		return -1;
	buf_adds(c->out, "<LoadBalancers>");
	for (const struct sim_lb *lb = c->e->lbs; lb; lb = lb->next)
		if (wanted(arns, lb->arn) && wanted(names, lb->name) && page_take(&p))
			write_lb(c->out, lb, c->x->now);
	buf_adds(c->out, "</LoadBalancers>");
	page_end(c->out, &p);
	return 0;
}

/* --- actions, listeners, rules ------------------------------------------------------------- */

static void write_forward(struct buf *b, const struct sim_forward *f)
{
	buf_adds(b, "<ForwardConfig><TargetGroups>");
	for (size_t i = 0; i < f->n; i++) {
		buf_adds(b, "<member>");
		sim_xml_text(b, "TargetGroupArn", str_from(f->tg[i]->arn));
		sim_xml_i64(b, "Weight", f->weight[i]);
		buf_adds(b, "</member>");
	}
	buf_adds(b, "</TargetGroups><TargetGroupStickinessConfig>");
	sim_xml_text(b, "Enabled", f->sticky ? STR("true") : STR("false"));
	if (f->sticky_s)
		sim_xml_i64(b, "DurationSeconds", f->sticky_s);
	buf_adds(b, "</TargetGroupStickinessConfig></ForwardConfig>");
}

static void write_actions(struct buf *b, const char *tag, const struct sim_lb_actions *a)
{
	buf_addf(b, "<%s>", tag);
	for (size_t i = 0; i < a->n; i++) {
		const struct sim_lb_action *one = &a->a[i];
		buf_adds(b, "<member>");
		sim_xml_text(b, "Type", str_from(one->type));
		/* a forward to a single group is told in both forms */
		if (one->forward.n == 1)
			sim_xml_text(b, "TargetGroupArn", str_from(one->forward.tg[0]->arn));
		if (one->order || a->n > 1)
			sim_xml_i64(b, "Order", one->order ? one->order : (int64_t)i + 1);
		if (one->forward.n)
			write_forward(b, &one->forward);
		if (one->config)
			buf_adds(b, one->config);
		buf_adds(b, "</member>");
	}
	buf_addf(b, "</%s>", tag);
}

void sim_write_listener(struct buf *b, const struct sim_listener *l)
{
	buf_adds(b, "<member>");
	sim_xml_text(b, "ListenerArn", str_from(l->arn));
	sim_xml_text(b, "LoadBalancerArn", str_from(l->lb->arn));
	sim_xml_i64(b, "Port", l->port);
	sim_xml_text(b, "Protocol", str_from(l->protocol));
	write_actions(b, "DefaultActions", &sim_default_rule(l)->actions);
	buf_adds(b, "</member>");
}

void sim_write_rule(struct buf *b, const struct sim_lb_rule *r)
{
	char priority[24] = "default";
	if (r->priority)
		snprintf(priority, sizeof(priority), "%lld", (long long)r->priority);
	buf_adds(b, "<member>");
	sim_xml_text(b, "RuleArn", str_from(r->arn));
	sim_xml_text(b, "Priority", str_from(priority));
	buf_addf(b, "<Conditions>%s</Conditions>", r->conditions ? r->conditions : "");
	write_actions(b, "Actions", &r->actions);
	sim_xml_text(b, "IsDefault", r->priority ? STR("false") : STR("true"));
	buf_adds(b, "</member>");
}

int sim_describe_listeners(struct sim_elbv2_call *c)
{
	const struct json *arns = json_get(c->in, "ListenerArns");
	struct str lb_arn = sim_elbv2_arg(c, "LoadBalancerArn");
	const struct sim_lb *lb = lb_arn.n ? sim_lb_find(c->e, lb_arn) : NULL;
	struct page p;
	if (lb_arn.n && !lb)
		return sim_elbv2_error(c, "LoadBalancerNotFound",
				       "Load balancer '" STR_FMT "' not found", STR_ARG(lb_arn));
	if (!lb && (!arns || !arns->first))
		return sim_elbv2_error(c, "ValidationError",
				       "Either listener ARNs or a load balancer ARN is required");
	json_each(e, arns) {
		if (!sim_listener_find(c->e, json_text(e)))
			return sim_elbv2_error(c, "ListenerNotFound",
					       "One or more listeners not found");
	}
	if (page_begin(c, &p))
		return -1;
	buf_adds(c->out, "<Listeners>");
	for (const struct sim_listener *l = c->e->listeners; l; l = l->next)
		if ((!lb || l->lb == lb) && wanted(arns, l->arn) && page_take(&p))
			sim_write_listener(c->out, l);
	buf_adds(c->out, "</Listeners>");
	page_end(c->out, &p);
	return 0;
}

int sim_describe_rules(struct sim_elbv2_call *c)
{
	const struct json *arns = json_get(c->in, "RuleArns");
	struct str arn = sim_elbv2_arg(c, "ListenerArn");
	const struct sim_listener *listener = arn.n ? sim_listener_find(c->e, arn) : NULL;
	struct page p;
	bool by_arn = arns && arns->first;
	if (arn.n && !listener)
		return sim_elbv2_error(c, "ListenerNotFound", "Listener '" STR_FMT "' not found",
				       STR_ARG(arn));
	if (by_arn == (arn.n != 0))
		return sim_elbv2_error(c, "ValidationError",
				       "Exactly one of rule ARNs and a listener ARN is required");
	json_each(e, arns) {
		if (!sim_lb_rule_find(c->e, json_text(e)))
			return sim_elbv2_error(c, "RuleNotFound", "One or more rules not found");
	}
	if (page_begin(c, &p))
		return -1;
	buf_adds(c->out, "<Rules>");
	for (const struct sim_listener *l = c->e->listeners; l; l = l->next)
		for (const struct sim_lb_rule *r = l->rules; r; r = r->next)
			if ((!listener || l == listener) && wanted(arns, r->arn) && page_take(&p))
				sim_write_rule(c->out, r);
	buf_adds(c->out, "</Rules>");
	page_end(c->out, &p);
	return 0;
}

/* --- target groups ------------------------------------------------------------------------- */

static void write_tg(struct buf *b, const struct sim_target_group *tg)
{
	buf_adds(b, "<member>");
	sim_xml_text(b, "TargetGroupArn", str_from(tg->arn));
	sim_xml_text(b, "TargetGroupName", str_from(tg->name));
	sim_xml_text(b, "Protocol", str_from(tg->protocol));
	sim_xml_i64(b, "Port", tg->port);
	buf_adds(b, "<VpcId>vpc-0123456789abcdef0</VpcId>");
	sim_xml_text(b, "HealthCheckProtocol", str_from(tg->protocol));
	buf_adds(b, "<HealthCheckPort>traffic-port</HealthCheckPort>");
	sim_xml_text(b, "HealthCheckEnabled", tg->checks_disabled ? STR("false") : STR("true"));
	sim_xml_i64(b, "HealthCheckIntervalSeconds", tg->interval_s);
	buf_adds(b, "<HealthCheckTimeoutSeconds>5</HealthCheckTimeoutSeconds>");
	sim_xml_i64(b, "HealthyThresholdCount", tg->threshold);
	sim_xml_i64(b, "UnhealthyThresholdCount", tg->unhealthy_threshold);
	buf_adds(b,
		 "<HealthCheckPath>/</HealthCheckPath><Matcher><HttpCode>200</HttpCode></Matcher>");
	buf_adds(b, "<LoadBalancerArns>");
	if (tg->referenced.ms && tg->lb)
		sim_xml_text(b, "member", str_from(tg->lb->arn));
	buf_adds(b, "</LoadBalancerArns>");
	sim_xml_text(b, "TargetType", str_from(tg->target_type));
	buf_adds(b, "<IpAddressType>ipv4</IpAddressType></member>");
}

int sim_describe_target_groups(struct sim_elbv2_call *c)
{
	const struct json *arns = json_get(c->in, "TargetGroupArns"),
			  *names = json_get(c->in, "Names");
	struct str lb_arn = sim_elbv2_arg(c, "LoadBalancerArn");
	const struct sim_lb *lb = lb_arn.n ? sim_lb_find(c->e, lb_arn) : NULL;
	struct page p;
	if (lb_arn.n && !lb)
		return sim_elbv2_error(c, "LoadBalancerNotFound", "Load balancer not found");
	json_each(e, arns) {
		if (!sim_tg_find(c->e, json_text(e)))
			return sim_elbv2_error(c, "TargetGroupNotFound",
					       "One or more target groups not found");
	}
	json_each(e, names) {
		if (!sim_tg_find(c->e, json_text(e)))
			return sim_elbv2_error(c, "TargetGroupNotFound",
					       "One or more target groups not found");
	}
	if (page_begin(c, &p))
		return -1;
	buf_adds(c->out, "<TargetGroups>");
	for (const struct sim_target_group *tg = c->e->tgs; tg; tg = tg->next)
		if (wanted(arns, tg->arn) && wanted(names, tg->name) && (!lb || tg->lb == lb) &&
		    page_take(&p))
			write_tg(c->out, tg);
	buf_adds(c->out, "</TargetGroups>");
	page_end(c->out, &p);
	return 0;
}

static void write_attribute(struct buf *b, const char *key, struct str value)
{
	buf_adds(b, "<member>");
	sim_xml_text(b, "Key", str_from(key));
	sim_xml_text(b, "Value", value);
	buf_adds(b, "</member>");
}

static const struct sim_target_group *need_tg(struct sim_elbv2_call *c)
{
	const struct sim_target_group *tg = sim_tg_find(c->e, sim_elbv2_arg(c, "TargetGroupArn"));
	if (!tg)
		(void)sim_elbv2_error(c, "TargetGroupNotFound",
				      "One or more target groups not found");
	return tg;
}

int sim_describe_target_group_attributes(struct sim_elbv2_call *c)
{
	const struct sim_target_group *tg = need_tg(c);
	struct arena *a = c->x->arena;
	if (!tg)
		return -1;
	buf_adds(c->out, "<Attributes>");
	write_attribute(c->out, "deregistration_delay.timeout_seconds",
			str_from(arena_printf(a, "%lld", (long long)tg->deregistration_s)));
	write_attribute(c->out, "slow_start.duration_seconds",
			str_from(arena_printf(a, "%lld", (long long)tg->slow_start_s)));
	write_attribute(c->out, "stickiness.enabled", tg->sticky ? STR("true") : STR("false"));
	write_attribute(c->out, "stickiness.type", STR("lb_cookie"));
	write_attribute(c->out, "load_balancing.algorithm.type", STR("round_robin"));
	buf_adds(c->out, "</Attributes>");
	return 0;
}

/* --- target health ------------------------------------------------------------------------- */

static void write_health(struct buf *b, const char *id, int64_t port, struct sim_health h)
{
	buf_adds(b, "<member><Target>");
	sim_xml_text(b, "Id", str_from(id));
	sim_xml_i64(b, "Port", port);
	buf_adds(b, "</Target>");
	sim_xml_i64(b, "HealthCheckPort", port);
	buf_adds(b, "<TargetHealth>");
	sim_xml_text(b, "State", str_from(h.state));
	if (h.reason[0]) {
		sim_xml_text(b, "Reason", str_from(h.reason));
		sim_xml_text(b, "Description", str_from(h.description));
	}
	buf_adds(b, "</TargetHealth></member>");
}

static const struct sim_target *find_target(const struct sim_target_group *tg, struct str id)
{
	for (size_t i = 0; i < tg->n_targets; i++)
		if (str_is(id, tg->targets[i].id))
			return &tg->targets[i];
	return NULL;
}

int sim_describe_target_health(struct sim_elbv2_call *c)
{
	static const struct sim_health gone = {"unused", "Target.NotRegistered",
					       "Target is not registered to the target group"};
	const struct sim_target_group *tg = need_tg(c);
	const struct json *asked = json_get(c->in, "Targets");
	if (!tg)
		return -1;
	buf_adds(c->out, "<TargetHealthDescriptions>");
	json_each(e, asked) {
		const char *id = json_cstr(json_get(e, "Id"));
		const struct sim_target *t = id ? find_target(tg, str_from(id)) : NULL;
		if (t)
			write_health(c->out, t->id, t->port, sim_target_health(tg, t, c->x->now));
		else
			write_health(c->out, id ? id : "", tg->port, gone);
	}
	for (size_t i = 0; (!asked || !asked->first) && i < tg->n_targets; i++)
		write_health(c->out, tg->targets[i].id, tg->targets[i].port,
			     sim_target_health(tg, &tg->targets[i], c->x->now));
	buf_adds(c->out, "</TargetHealthDescriptions>");
	return 0;
}

/* --- tags ---------------------------------------------------------------------------------- */

static const char *not_found(struct sim_elbv2_state *e, struct str arn)
{
	if (sim_lb_find(e, arn) || sim_tg_find(e, arn) || sim_listener_find(e, arn) ||
	    sim_lb_rule_find(e, arn))
		return NULL;
	for (size_t i = 0; i < arn.n; i++) {
		struct str from = str_sub(arn, i, arn.n);
		if (str_starts(from, ":targetgroup/"))
			return "TargetGroupNotFound";
		if (str_starts(from, ":listener-rule/"))
			return "RuleNotFound";
		if (str_starts(from, ":listener/"))
			return "ListenerNotFound";
	}
	return "LoadBalancerNotFound";
}

int sim_describe_tags(struct sim_elbv2_call *c)
{
	const struct json *arns = json_get(c->in, "ResourceArns");
	if (!arns || !arns->n || arns->n > 20)
		return sim_elbv2_error(c, "ValidationError", "ResourceArns: 1 to 20 members");
	json_each(e, arns) {
		const char *code = not_found(c->e, json_text(e));
		if (code)
			return sim_elbv2_error(c, code, "'" STR_FMT "' not found",
					       STR_ARG(json_text(e)));
	}
	buf_adds(c->out, "<TagDescriptions>");
	json_each(e, arns) {
		buf_adds(c->out, "<member>");
		sim_xml_text(c->out, "ResourceArn", json_text(e));
		buf_adds(c->out, "<Tags>");
		for (size_t i = 0; i < c->e->n_tags; i++)
			if (str_is(json_text(e), c->e->tags[i].arn))
				write_attribute(c->out, c->e->tags[i].key,
						str_from(c->e->tags[i].value));
		buf_adds(c->out, "</Tags></member>");
	}
	buf_adds(c->out, "</TagDescriptions>");
	return 0;
}
