#include "tests/sim/sim_elbv2.h"

#include <stdlib.h>

#include "tests/sim/sim_wire.h"

/*
 * Actions and conditions as requests spell them. What the simulator understands (forwards, and the
 * secret of authenticate-oidc) is taken apart; everything else is kept as it came and answered so.
 */

static bool is_true(const struct json *node)
{
	return str_is(json_text(node), "true");
}

/* --- forward ------------------------------------------------------------------------------- */

static bool protocol_fits(const struct sim_listener *l, const struct sim_target_group *tg)
{
	bool http = strcmp(tg->protocol, "HTTP") == 0 || strcmp(tg->protocol, "HTTPS") == 0;
	return l->lb->network ? !http : http;
}

static int add_group(struct sim_elbv2_call *c, const struct sim_listener *l, struct str arn,
		     int64_t weight, struct sim_forward *f)
{
	struct sim_target_group *tg = sim_tg_find(c->e, arn);
	if (!tg || !str_is(arn, tg->arn))
		return sim_elbv2_error(c, "TargetGroupNotFound",
				       "Target groups '" STR_FMT "' not found", STR_ARG(arn));
	if (tg->referenced.ms && tg->lb && tg->lb != l->lb)
		return sim_elbv2_error(c, "TargetGroupAssociationLimit",
				       "The following target groups cannot be associated with more "
				       "than one load balancer: %s",
				       tg->arn);
	if (!protocol_fits(l, tg))
		return sim_elbv2_error(
			c, "IncompatibleProtocols",
			"The protocol of target group '%s' does not fit the listener", tg->name);
	for (size_t i = 0; i < f->n; i++)
		if (f->tg[i] == tg)
			return sim_elbv2_error(c, "InvalidLoadBalancerAction",
					       "Target group '%s' is specified more than once",
					       tg->arn);
	if (f->n == SIM_FORWARD_MAX)
		return sim_elbv2_error(c, "TooManyTargetGroups",
				       "An action forwards to at most %d target groups",
				       SIM_FORWARD_MAX);
	f->tg[f->n] = tg;
	f->weight[f->n++] = weight;
	return 0;
}

static int read_stickiness(struct sim_elbv2_call *c, const struct json *sticky,
			   const struct sim_listener *l, struct sim_forward *f)
{
	struct str duration = json_text(json_get(sticky, "DurationSeconds"));
	f->sticky = is_true(json_get(sticky, "Enabled"));
	if (duration.n && !str_parse_i64(duration, 1, 604800, &f->sticky_s))
		return sim_elbv2_error(c, "ValidationError", "DurationSeconds must be 1 to 604800");
	if (f->sticky && !l->lb->network && !f->sticky_s)
		return sim_elbv2_error(c, "InvalidLoadBalancerAction",
				       "Target group stickiness duration must be specified when "
				       "stickiness is enabled");
	if (f->sticky && l->lb->network && f->sticky_s)
		return sim_elbv2_error(c, "InvalidLoadBalancerAction",
				       "Target group stickiness duration is not supported here");
	for (size_t i = 0; f->n > 1 && i < f->n; i++)
		if (f->tg[i]->sticky && !f->sticky)
			return sim_elbv2_error(
				c, "InvalidConfigurationRequest",
				"You must enable group-level stickiness on a rule if "
				"you enabled target-level stickiness on one of its "
				"target groups");
	return 0;
}

static int read_forward(struct sim_elbv2_call *c, const struct json *action,
			const struct sim_listener *l, struct sim_forward *f)
{
	const struct json *config = json_get(action, "ForwardConfig"),
			  *groups = json_get(config, "TargetGroups");
	struct str single = json_text(json_get(action, "TargetGroupArn"));
	json_each(g, groups) {
		struct str weight = json_text(json_get(g, "Weight"));
		int64_t w = 1;
		if (weight.n && !str_parse_i64(weight, 0, 999, &w))
			return sim_elbv2_error(c, "ValidationError",
					       "Weight '" STR_FMT "' must be 0 to 999",
					       STR_ARG(weight));
		if (add_group(c, l, json_text(json_get(g, "TargetGroupArn")), w, f))
			return -1;
	}
	if (single.n && f->n && (f->n > 1 || !str_is(single, f->tg[0]->arn)))
		return sim_elbv2_error(c, "InvalidLoadBalancerAction",
				       "TargetGroupArn and ForwardConfig must name the same single "
				       "target group");
	if (single.n && !f->n && add_group(c, l, single, 1, f))
		return -1;
	if (!f->n)
		return sim_elbv2_error(c, "ValidationError",
				       "A forward action needs a target group");
	return read_stickiness(c, json_get(config, "TargetGroupStickinessConfig"), l, f);
}

/* --- the other kinds ----------------------------------------------------------------------- */

/* Copy the members, without those named; the tree is only walked, so links may be shared. */
static struct json *without(struct arena *a, const struct json *node, const char *const *names,
			    size_t n)
{
	struct json *copy = arena_new_of(a, struct json), **at;
	*copy = *node;
	copy->first = NULL;
	at = &copy->first;
	json_each(child, node) {
		bool drop = false;
		for (size_t i = 0; i < n; i++)
			drop = drop || str_is(child->key, names[i]);
		if (drop)
			continue;
		*at = arena_new_of(a, struct json);
		**at = *child;
		(*at)->next = NULL;
		at = &(*at)->next;
	}
	return copy;
}

static char *copy_text(struct str s)
{
	return xstrndup(s.n ? s.p : "", s.n);
}

/* The secret an earlier action of the rule has for the same client. */
static const char *known_secret(const struct sim_lb_actions *old)
{
	for (size_t i = 0; old && i < old->n; i++)
		if (old->a[i].secret)
			return old->a[i].secret;
	return NULL;
}

static int read_oidc(struct sim_elbv2_call *c, const struct json *config,
		     const struct sim_lb_actions *old, struct sim_lb_action *out)
{
	static const char *const required[] = {"Issuer", "AuthorizationEndpoint", "TokenEndpoint",
					       "UserInfoEndpoint", "ClientId"};
	const char *secret = json_cstr(json_get(config, "ClientSecret")), *kept = known_secret(old);
	bool keep = is_true(json_get(config, "UseExistingClientSecret"));
	for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++)
		if (!json_text(json_get(config, required[i])).n)
			return sim_elbv2_error(c, "ValidationError",
					       "AuthenticateOidcConfig: %s is required",
					       required[i]);
	if (keep && secret)
		return sim_elbv2_error(
			c, "ValidationError",
			"ClientSecret and UseExistingClientSecret exclude each other");
	if (keep && !kept)
		return sim_elbv2_error(c, "InvalidLoadBalancerAction",
				       "There is no existing client secret to use");
	if (!keep && !secret)
		return sim_elbv2_error(c, "InvalidLoadBalancerAction",
				       "You must either specify a client secret or set "
				       "UseExistingClientSecret to true");
	out->secret = xstrdup(keep ? kept : secret);
	return 0;
}

/* Keep what is not a forward as XML, without what AWS never tells. */
static int read_other(struct sim_elbv2_call *c, const struct json *action,
		      const struct sim_lb_actions *old, struct sim_lb_action *out)
{
	static const char *const own[] = {"Type", "Order", "TargetGroupArn", "ForwardConfig"};
	static const char *const hidden[] = {"ClientSecret", "UseExistingClientSecret"};
	struct json *rest = without(c->x->arena, action, own, 4);
	struct buf b;
	for (struct json **at = &rest->first; *at; at = &(*at)->next) {
		if (!str_is((*at)->key, "AuthenticateOidcConfig"))
			continue;
		struct json *next = (*at)->next;
		if (read_oidc(c, *at, old, out))
			return -1;
		*at = without(c->x->arena, *at, hidden, 2);
		(*at)->next = next;
	}
	if (str_is(str_from(out->type), "authenticate-oidc") && !out->secret)
		return sim_elbv2_error(c, "ValidationError", "AuthenticateOidcConfig is required");
	if (!rest->first)
		return 0;
	buf_init(&b, 64u << 10);
	sim_tree_xml(&b, rest);
	out->config = copy_text(buf_str(&b));
	buf_release(&b);
	return 0;
}

static bool is_terminal(const char *type)
{
	return strcmp(type, "forward") == 0 || strcmp(type, "redirect") == 0 ||
	       strcmp(type, "fixed-response") == 0;
}

static int read_action(struct sim_elbv2_call *c, const struct json *action,
		       const struct sim_listener *l, const struct sim_lb_actions *old,
		       struct sim_lb_action *out)
{
	struct str type = json_text(json_get(action, "Type")),
		   order = json_text(json_get(action, "Order"));
	if (!str_copy(out->type, sizeof(out->type), type) ||
	    (!is_terminal(out->type) && !str_starts(type, "authenticate-") &&
	     !str_is(type, "jwt-validation")))
		return sim_elbv2_error(c, "ValidationError", "Action type '" STR_FMT "' is unknown",
				       STR_ARG(type));
	if (order.n && !str_parse_i64(order, 1, 50000, &out->order))
		return sim_elbv2_error(c, "ValidationError", "Order must be 1 to 50000");
	if (str_is(type, "forward") && read_forward(c, action, l, &out->forward))
		return -1;
	return read_other(c, action, old, out);
}

/* In the order of Order, where it is given. */
static void sort_actions(struct sim_lb_actions *a)
{
	for (size_t i = 1; i < a->n; i++) {
		struct sim_lb_action one = a->a[i];
		size_t k = i;
		for (; k > 0 && one.order && a->a[k - 1].order > one.order; k--)
			a->a[k] = a->a[k - 1];
		a->a[k] = one;
	}
}

int sim_actions_read(struct sim_elbv2_call *c, const struct json *list,
		     const struct sim_listener *l, const struct sim_lb_actions *old,
		     struct sim_lb_actions *out)
{
	size_t terminal = 0;
	*out = (struct sim_lb_actions){.n = 0};
	if (list && list->n > SIM_ACTIONS_MAX)
		return sim_elbv2_error(c, "TooManyActions", "At most %d actions", SIM_ACTIONS_MAX);
	json_each(action, list) {
		struct sim_lb_action *one = &out->a[out->n++];
		if (read_action(c, action, l, old, one)) {
			sim_actions_release(out);
			return -1;
		}
		terminal += is_terminal(one->type);
	}
	sort_actions(out);
	if (terminal != 1 || !is_terminal(out->a[out->n - 1].type)) {
		sim_actions_release(out);
		return sim_elbv2_error(c, "InvalidLoadBalancerAction",
				       "Exactly one forward, redirect or fixed-response action is "
				       "required, as the last");
	}
	return 0;
}

/* --- conditions ---------------------------------------------------------------------------- */

static const struct {
	const char *field, *config;
} fields[] = {
	{"host-header", "HostHeaderConfig"}, {"path-pattern", "PathPatternConfig"},
	{"http-header", "HttpHeaderConfig"}, {"query-string", "QueryStringConfig"},
	{"source-ip", "SourceIpConfig"},     {"http-request-method", "HttpRequestMethodConfig"},
};

/* What a rule's conditions add up to. */
struct condition_sum {
	size_t values, wildcards;
};

static int check_text(struct sim_elbv2_call *c, struct str text, struct condition_sum *sum)
{
	if (text.n > 128)
		return sim_elbv2_error(c, "ValidationError",
				       "A condition value can have at most 128 characters");
	for (size_t i = 0; i < text.n; i++)
		sum->wildcards += text.p[i] == '*' || text.p[i] == '?';
	return 0;
}

/* Texts, or pairs of Key and Value. */
static int check_values(struct sim_elbv2_call *c, const struct json *values, bool count,
			struct condition_sum *sum)
{
	struct condition_sum ignored = {0};
	json_each(v, values) {
		struct condition_sum *to = count ? sum : &ignored;
		sum->values++;
		if (check_text(c, json_text(v), to) ||
		    check_text(c, json_text(json_get(v, "Key")), to) ||
		    check_text(c, json_text(json_get(v, "Value")), to))
			return -1;
	}
	return 0;
}

static int check_header(struct sim_elbv2_call *c, const struct json *config)
{
	struct str name = json_text(json_get(config, "HttpHeaderName"));
	if (name.n > 0 && name.n <= 40 && !str_is_nocase(name, "host"))
		return 0;
	return sim_elbv2_error(c, "ValidationError",
			       "HttpHeaderName must have 1 to 40 characters, and not be Host");
}

static int read_condition(struct sim_elbv2_call *c, const struct json *cond,
			  const struct sim_listener *l, struct buf *b, struct condition_sum *sum)
{
	struct str field = json_text(json_get(cond, "Field"));
	const struct json *values = json_get(cond, "Values"), *config;
	size_t i = 0;
	while (i < sizeof(fields) / sizeof(fields[0]) && !str_is(field, fields[i].field))
		i++;
	if (i == sizeof(fields) / sizeof(fields[0]))
		return sim_elbv2_error(c, "ValidationError",
				       "Condition field '" STR_FMT
				       "' must be one of the known ones",
				       STR_ARG(field));
	if (l->lb->network && !str_is(field, "source-ip"))
		return sim_elbv2_error(c, "InvalidConfigurationRequest",
				       "Rules of this load balancer support source-ip only");
	config = json_get(cond, fields[i].config);
	if (!config && (!values || !values->first))
		return sim_elbv2_error(c, "ValidationError", "A condition value must be specified");
	if (config && values && values->first)
		return sim_elbv2_error(c, "ValidationError", "Values and %s exclude each other",
				       fields[i].config);
	if (config && !values)
		values = json_get(config, "Values") ? json_get(config, "Values")
						    : json_get(config, "RegexValues");
	if (check_values(c, values, !json_get(config, "RegexValues"), sum) ||
	    (str_is(field, "http-header") && check_header(c, config)))
		return -1;
	buf_adds(b, "<member>");
	sim_xml_text(b, "Field", field);
	if (i < 2) { /* told in both forms */
		buf_adds(b, "<Values>");
		sim_tree_xml(b, values);
		buf_adds(b, "</Values>");
	}
	buf_addf(b, "<%s>", fields[i].config);
	if (config) {
		sim_tree_xml(b, config);
	} else {
		buf_adds(b, "<Values>");
		sim_tree_xml(b, values);
		buf_adds(b, "</Values>");
	}
	buf_addf(b, "</%s></member>", fields[i].config);
	return 0;
}

int sim_conditions_read(struct sim_elbv2_call *c, const struct json *list,
			const struct sim_listener *l, char **xml)
{
	struct buf b;
	struct condition_sum sum = {0};
	buf_init(&b, 64u << 10);
	json_each(cond, list) {
		if (read_condition(c, cond, l, &b, &sum)) {
			buf_release(&b);
			return -1;
		}
	}
	if (sum.values > 5 || sum.wildcards > 5) {
		buf_release(&b);
		return sim_elbv2_error(c, "ValidationError",
				       "A rule can have at most 5 condition values and wildcards");
	}
	*xml = copy_text(buf_str(&b));
	buf_release(&b);
	return 0;
}
