#include "tests/sim/sim_elbv2.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "aws/core/digest.h"
#include "tests/sim/sim_wire.h"

/*
 * The simulated Elastic Load Balancing: its model, and the dispatch of calls. Two clocks matter:
 * weights that were accepted reach the data plane a little later, and a target group is health
 * checked only while some rule refers to it.
 */

#define XMLNS "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"

/* --- looking things up --------------------------------------------------------------------- */

struct sim_lb *sim_lb_find(struct sim_elbv2_state *e, struct str what)
{
	for (struct sim_lb *lb = e->lbs; lb; lb = lb->next)
		if (str_is(what, lb->arn) || str_is(what, lb->name))
			return lb;
	return NULL;
}

struct sim_target_group *sim_tg_find(struct sim_elbv2_state *e, struct str what)
{
	for (struct sim_target_group *tg = e->tgs; tg; tg = tg->next)
		if (str_is(what, tg->arn) || str_is(what, tg->name))
			return tg;
	return NULL;
}

struct sim_listener *sim_listener_find(struct sim_elbv2_state *e, struct str what)
{
	char name[80];
	for (struct sim_listener *l = e->listeners; l; l = l->next) {
		snprintf(name, sizeof(name), "%s:%lld", l->lb->name, (long long)l->port);
		if (str_is(what, l->arn) || str_is(what, name))
			return l;
	}
	return NULL;
}

struct sim_lb_rule *sim_lb_rule_find(struct sim_elbv2_state *e, struct str what)
{
	char name[120];
	for (struct sim_listener *l = e->listeners; l; l = l->next) {
		for (struct sim_lb_rule *r = l->rules; r; r = r->next) {
			if (r->priority)
				snprintf(name, sizeof(name), "%s:%lld:%lld", l->lb->name,
					 (long long)l->port, (long long)r->priority);
			else
				snprintf(name, sizeof(name), "%s:%lld:default", l->lb->name,
					 (long long)l->port);
			if (str_is(what, r->arn) || str_is(what, name))
				return r;
		}
	}
	return NULL;
}

struct sim_lb_rule *sim_default_rule(const struct sim_listener *l)
{
	struct sim_lb_rule *r = l->rules;
	while (r && r->priority)
		r = r->next;
	return r;
}

void sim_hex_id(const char *text, char out[17])
{
	char hex[SHA256_HEX_SIZE];
	sha256_hex(str_from(text), hex);
	memcpy(out, hex, 16);
	out[16] = '\0';
}

/* --- rules --------------------------------------------------------------------------------- */

void sim_actions_release(struct sim_lb_actions *a)
{
	for (size_t i = 0; i < a->n; i++) {
		free(a->a[i].config);
		free(a->a[i].secret);
	}
	*a = (struct sim_lb_actions){.n = 0};
}

const struct sim_forward *sim_forward_of(const struct sim_lb_actions *a)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->a[i].forward.n)
			return &a->a[i].forward;
	return NULL;
}

static void insert_rule(struct sim_lb_rule *r)
{
	struct sim_lb_rule **at = &r->listener->rules;
	while (*at && (*at)->priority && (!r->priority || (*at)->priority < r->priority))
		at = &(*at)->next;
	r->next = *at;
	*at = r;
}

static void unlink_rule(struct sim_lb_rule *r)
{
	struct sim_lb_rule **at = &r->listener->rules;
	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
}

struct sim_lb_rule *sim_lb_rule_new(struct sim_elbv2_state *e, struct sim_listener *l,
				    int64_t priority)
{
	struct sim_lb_rule *r = xcalloc(1, sizeof(*r));
	char text[SIM_ARN_SIZE + 32], id[17];
	r->listener = l;
	r->priority = priority;
	snprintf(text, sizeof(text), "%s/%llu", l->arn, (unsigned long long)e->n_made++);
	sim_hex_id(text, id);
	snprintf(r->arn, sizeof(r->arn),
		 "arn:aws:elasticloadbalancing:" SIM_REGION ":" SIM_ACCOUNT
		 ":listener-rule/%s/%s/%s",
		 l->lb->tail, l->id, id);
	insert_rule(r);
	return r;
}

void sim_lb_rule_move(struct sim_lb_rule *r, int64_t priority)
{
	unlink_rule(r);
	r->priority = priority;
	insert_rule(r);
}

static bool refers(const struct sim_elbv2_state *e, const struct sim_target_group *tg,
		   struct sim_lb **lb)
{
	for (const struct sim_listener *l = e->listeners; l; l = l->next)
		for (const struct sim_lb_rule *r = l->rules; r; r = r->next)
			for (size_t i = 0; i < r->actions.n; i++)
				for (size_t k = 0; k < r->actions.a[i].forward.n; k++)
					if (r->actions.a[i].forward.tg[k] == tg) {
						*lb = l->lb;
						return true;
					}
	return false;
}

static void update_references(struct sim_elbv2_state *e, struct utc now)
{
	for (struct sim_target_group *tg = e->tgs; tg; tg = tg->next) {
		struct sim_lb *lb = NULL;
		bool is = refers(e, tg, &lb);
		if (is && !tg->referenced.ms) {
			tg->referenced = now;
			if (tg->lb != lb) /* its metrics are named after the load balancer */
				tg->m_requests = NULL;
		}
		if (!is)
			tg->referenced.ms = 0;
		tg->lb = is ? lb : NULL;
	}
}

static void record_split(struct sim *s, const struct sim_lb_rule *r)
{
	const struct sim_forward *f = sim_forward_of(&r->actions);
	const char *resource = r->priority ? r->arn : r->listener->arn;
	double total = 0;
	for (size_t i = 0; f && i < f->n; i++)
		total += (double)f->weight[i];
	for (size_t i = 0; f && i < f->n; i++)
		sim_record_split(s, resource, f->tg[i]->arn,
				 total > 0 ? 100 * (double)f->weight[i] / total : 0, "");
}

static void queue_weights(struct sim *s, struct sim_lb_rule *r, bool at_once)
{
	const struct sim_forward *f = sim_forward_of(&r->actions);
	const struct sim_lb *lb = r->listener->lb;
	int64_t delay = lb->propagation_ms >= 0 ? lb->propagation_ms : sim_opts(s)->propagation_ms;
	struct sim_pending p = {.at = {sim_now(s).ms + delay}};
	if (f)
		p.forward = *f;
	if (at_once) {
		r->live = r->before = p.forward;
		r->changed = sim_now(s);
		r->n_pending = 0;
		return;
	}
	r->pending = xrealloc(r->pending, (r->n_pending + 1) * sizeof(*r->pending));
	r->pending[r->n_pending++] = p;
}

void sim_lb_rule_set(struct sim *s, struct sim_elbv2_state *e, struct sim_lb_rule *r,
		     struct sim_lb_actions *taken, bool at_once)
{
	sim_actions_release(&r->actions);
	r->actions = *taken;
	*taken = (struct sim_lb_actions){.n = 0};
	update_references(e, sim_now(s));
	queue_weights(s, r, at_once);
	record_split(s, r);
}

static void rule_free(struct sim_lb_rule *r)
{
	sim_actions_release(&r->actions);
	free(r->conditions);
	free(r->pending);
	free(r);
}

void sim_lb_rule_delete(struct sim *s, struct sim_elbv2_state *e, struct sim_lb_rule *r)
{
	size_t n = 0;
	for (size_t i = 0; i < e->n_tags; i++)
		if (strcmp(e->tags[i].arn, r->arn) != 0)
			e->tags[n++] = e->tags[i];
	e->n_tags = n;
	unlink_rule(r);
	rule_free(r);
	update_references(e, sim_now(s));
}

/* --- the service --------------------------------------------------------------------------- */

static void *create(struct sim *s)
{
	struct sim_elbv2_state *e = xcalloc(1, sizeof(*e));
	e->last = sim_now(s);
	return e;
}

static void destroy(void *state)
{
	struct sim_elbv2_state *e = state;
	if (!e)
		return;
	while (e->listeners) {
		struct sim_listener *l = e->listeners;
		e->listeners = l->next;
		while (l->rules) {
			struct sim_lb_rule *r = l->rules;
			l->rules = r->next;
			rule_free(r);
		}
		free(l);
	}
	while (e->tgs) {
		struct sim_target_group *tg = e->tgs;
		e->tgs = tg->next;
		free(tg->targets);
		free(tg);
	}
	while (e->lbs) {
		struct sim_lb *lb = e->lbs;
		e->lbs = lb->next;
		free(lb);
	}
	free(e->tags);
	free(e);
}

static void advance(struct sim *s, void *state, struct utc now)
{
	struct sim_elbv2_state *e = state;
	for (struct sim_target_group *tg = e->tgs; tg; tg = tg->next)
		sim_targets_drain(tg, now);
	sim_elbv2_step(s, e, e->last, now);
	e->last = now;
}

struct str sim_elbv2_arg(const struct sim_elbv2_call *c, const char *key)
{
	return json_text(json_get(c->in, key));
}

int sim_elbv2_error(const struct sim_elbv2_call *c, const char *code, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sim_reply_error(c->x, SIM_WIRE_QUERY, 400, code, "%s", text);
	return -1;
}

static void handle(struct sim *s, void *state, const struct sim_exchange *x)
{
	static const struct {
		const char *name;
		int (*run)(struct sim_elbv2_call *c);
	} operations[] = {
		{"DescribeLoadBalancers", sim_describe_load_balancers},
		{"DescribeListeners", sim_describe_listeners},
		{"DescribeRules", sim_describe_rules},
		{"DescribeTargetGroups", sim_describe_target_groups},
		{"DescribeTargetGroupAttributes", sim_describe_target_group_attributes},
		{"DescribeTargetHealth", sim_describe_target_health},
		{"DescribeTags", sim_describe_tags},
		{"ModifyListener", sim_modify_listener},
		{"ModifyRule", sim_modify_rule},
		{"CreateRule", sim_create_rule},
		{"DeleteRule", sim_delete_rule},
		{"SetRulePriorities", sim_set_rule_priorities},
		{"RegisterTargets", sim_register_targets},
		{"DeregisterTargets", sim_deregister_targets},
	};
	struct buf b;
	struct sim_elbv2_call c = {.s = s, .e = state, .x = x, .out = &b};
	c.in = sim_form_tree(x->arena, x->form, false);
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		if (strcmp(x->operation, operations[i].name) != 0)
			continue;
		buf_init(&b, 8u << 20);
		if (operations[i].run(&c) == 0)
			sim_reply_query(x, XMLNS, buf_str(&b));
		buf_release(&b);
		return;
	}
	(void)sim_elbv2_error(&c, "InvalidAction", "the simulator has no operation %.64s",
			      x->operation);
}

const struct sim_service sim_elbv2 = {
	.name = "elasticloadbalancing",
	.create = create,
	.destroy = destroy,
	.advance = advance,
	.handle = handle,
	.control = sim_elbv2_control,
};
