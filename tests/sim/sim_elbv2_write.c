#include "tests/sim/sim_elbv2.h"

#include <stdlib.h>

/*
 * The calls that change something. A list of actions is replaced as a whole; accepted weights reach
 * traffic after the propagation time. Nothing changes when anything about a request is wrong.
 */

#define RULES_MAX 100

static struct sim_listener *need_listener(struct sim_elbv2_call *c)
{
	struct str arn = sim_elbv2_arg(c, "ListenerArn");
	struct sim_listener *l = sim_listener_find(c->e, arn);
	if (l && str_is(arn, l->arn))
		return l;
	(void)sim_elbv2_error(c, "ListenerNotFound", "Listener '" STR_FMT "' not found",
			      STR_ARG(arn));
	return NULL;
}

/* A rule that may be changed; the default rule may not. */
static struct sim_lb_rule *need_rule(struct sim_elbv2_call *c, struct str arn)
{
	struct sim_lb_rule *r = sim_lb_rule_find(c->e, arn);
	if (!r || !str_is(arn, r->arn)) {
		(void)sim_elbv2_error(c, "RuleNotFound", "One or more rules not found");
		return NULL;
	}
	if (!r->priority) {
		(void)sim_elbv2_error(c, "OperationNotPermitted",
				      "Default rule '%s' cannot be modified", r->arn);
		return NULL;
	}
	return r;
}

static bool is_given(const struct json *list)
{
	return list && list->first;
}

int sim_modify_listener(struct sim_elbv2_call *c)
{
	struct sim_listener *l = need_listener(c);
	const struct json *list = json_get(c->in, "DefaultActions");
	struct sim_lb_actions actions;
	struct sim_lb_rule *r;
	if (!l)
		return -1;
	r = sim_default_rule(l);
	if (is_given(list)) {
		if (sim_actions_read(c, list, l, &r->actions, &actions))
			return -1;
		sim_lb_rule_set(c->s, c->e, r, &actions, false);
	}
	buf_adds(c->out, "<Listeners>");
	sim_write_listener(c->out, l);
	buf_adds(c->out, "</Listeners>");
	return 0;
}

static void write_one_rule(struct sim_elbv2_call *c, const struct sim_lb_rule *r)
{
	buf_adds(c->out, "<Rules>");
	sim_write_rule(c->out, r);
	buf_adds(c->out, "</Rules>");
}

int sim_modify_rule(struct sim_elbv2_call *c)
{
	struct sim_lb_rule *r = need_rule(c, sim_elbv2_arg(c, "RuleArn"));
	const struct json *actions = json_get(c->in, "Actions"),
			  *conditions = json_get(c->in, "Conditions");
	struct sim_lb_actions next;
	char *xml = NULL;
	if (!r)
		return -1;
	if (!is_given(actions) && !is_given(conditions))
		return sim_elbv2_error(c, "ValidationError",
				       "Either conditions or actions must be specified");
	if (is_given(conditions) && sim_conditions_read(c, conditions, r->listener, &xml))
		return -1;
	if (is_given(actions)) {
		if (sim_actions_read(c, actions, r->listener, &r->actions, &next)) {
			free(xml);
			return -1;
		}
		sim_lb_rule_set(c->s, c->e, r, &next, false);
	}
	if (xml) {
		free(r->conditions);
		r->conditions = xml;
	}
	write_one_rule(c, r);
	return 0;
}

static const struct sim_lb_rule *rule_at(const struct sim_listener *l, int64_t priority)
{
	for (const struct sim_lb_rule *r = l->rules; r; r = r->next)
		if (r->priority == priority)
			return r;
	return NULL;
}

/* Priority and place for a new rule. */
static int check_new_rule(struct sim_elbv2_call *c, const struct sim_listener *l, int64_t *priority)
{
	size_t n = 0;
	if (!str_parse_i64(sim_elbv2_arg(c, "Priority"), 1, 50000, priority))
		return sim_elbv2_error(c, "ValidationError", "Priority must be 1 to 50000");
	if (rule_at(l, *priority))
		return sim_elbv2_error(c, "PriorityInUse", "Priority '%lld' is currently in use",
				       (long long)*priority);
	for (const struct sim_lb_rule *r = l->rules; r; r = r->next)
		n += r->priority != 0;
	if (n >= RULES_MAX)
		return sim_elbv2_error(c, "TooManyRules",
				       "The maximum number of rules has been "
				       "reached");
	if (!is_given(json_get(c->in, "Conditions")) || !is_given(json_get(c->in, "Actions")))
		return sim_elbv2_error(c, "ValidationError", "Conditions and Actions are required");
	return 0;
}

static void add_tags(struct sim_elbv2_state *e, const char *arn, const struct json *tags)
{
	json_each(t, tags) {
		struct sim_tag *tag;
		e->tags = xrealloc(e->tags, (e->n_tags + 1) * sizeof(*tag));
		tag = &e->tags[e->n_tags++];
		(void)str_copy(tag->arn, sizeof(tag->arn), str_from(arn));
		(void)str_copy(tag->key, sizeof(tag->key), json_text(json_get(t, "Key")));
		(void)str_copy(tag->value, sizeof(tag->value), json_text(json_get(t, "Value")));
	}
}

int sim_create_rule(struct sim_elbv2_call *c)
{
	struct sim_listener *l = need_listener(c);
	struct sim_lb_actions actions;
	struct sim_lb_rule *r;
	int64_t priority;
	char *xml = NULL;
	if (!l || check_new_rule(c, l, &priority) ||
	    sim_conditions_read(c, json_get(c->in, "Conditions"), l, &xml))
		return -1;
	if (sim_actions_read(c, json_get(c->in, "Actions"), l, NULL, &actions)) {
		free(xml);
		return -1;
	}
	r = sim_lb_rule_new(c->e, l, priority);
	r->conditions = xml;
	r->rps = l->segment_rps;
	sim_lb_rule_set(c->s, c->e, r, &actions, false);
	add_tags(c->e, r->arn, json_get(c->in, "Tags"));
	write_one_rule(c, r);
	return 0;
}

int sim_delete_rule(struct sim_elbv2_call *c)
{
	struct sim_lb_rule *r = need_rule(c, sim_elbv2_arg(c, "RuleArn"));
	if (!r)
		return -1;
	sim_lb_rule_delete(c->s, c->e, r);
	return 0;
}

int sim_set_rule_priorities(struct sim_elbv2_call *c)
{
	const struct json *list = json_get(c->in, "RulePriorities");
	int64_t priority;
	if (!is_given(list))
		return sim_elbv2_error(c, "ValidationError", "RulePriorities is required");
	json_each(e, list) {
		const struct sim_lb_rule *r = need_rule(c, json_text(json_get(e, "RuleArn"))),
					 *other;
		bool moves_too = false;
		if (!r)
			return -1;
		if (!str_parse_i64(json_text(json_get(e, "Priority")), 1, 50000, &priority))
			return sim_elbv2_error(c, "ValidationError", "Priority must be 1 to 50000");
		other = rule_at(r->listener, priority);
		json_each(k, list) {
			moves_too = moves_too || (other && str_is(json_text(json_get(k, "RuleArn")),
								  other->arn));
		}
		if (other && !moves_too)
			return sim_elbv2_error(c, "PriorityInUse",
					       "Priority '%lld' is currently in use",
					       (long long)priority);
	}
	buf_adds(c->out, "<Rules>");
	json_each(e, list) {
		struct sim_lb_rule *r = sim_lb_rule_find(c->e, json_text(json_get(e, "RuleArn")));
		if (r && str_parse_i64(json_text(json_get(e, "Priority")), 1, 50000, &priority)) {
			sim_lb_rule_move(r, priority);
			sim_write_rule(c->out, r);
		}
	}
	buf_adds(c->out, "</Rules>");
	return 0;
}

/* --- targets ------------------------------------------------------------------------------- */

static struct sim_target_group *need_tg(struct sim_elbv2_call *c)
{
	struct sim_target_group *tg = sim_tg_find(c->e, sim_elbv2_arg(c, "TargetGroupArn"));
	if (!tg)
		(void)sim_elbv2_error(c, "TargetGroupNotFound",
				      "One or more target groups not found");
	return tg;
}

static int64_t target_port(const struct sim_target_group *tg, const struct json *target)
{
	int64_t port = tg->port;
	(void)str_parse_i64(json_text(json_get(target, "Port")), 1, 65535, &port);
	return port;
}

int sim_register_targets(struct sim_elbv2_call *c)
{
	struct sim_target_group *tg = need_tg(c);
	const struct json *list = json_get(c->in, "Targets");
	if (!tg)
		return -1;
	if (!is_given(list))
		return sim_elbv2_error(c, "ValidationError", "Targets is required");
	json_each(t, list) {
		if (!json_text(json_get(t, "Id")).n)
			return sim_elbv2_error(c, "InvalidTarget", "A target needs an Id");
	}
	json_each(t, list) {
		sim_target_register(tg, json_text(json_get(t, "Id")), target_port(tg, t),
				    c->x->now);
	}
	return 0;
}

int sim_deregister_targets(struct sim_elbv2_call *c)
{
	struct sim_target_group *tg = need_tg(c);
	const struct json *list = json_get(c->in, "Targets");
	if (!tg)
		return -1;
	json_each(t, list) {
		struct str id = json_text(json_get(t, "Id"));
		bool known = false;
		for (size_t i = 0; i < tg->n_targets; i++) {
			if (!str_is(id, tg->targets[i].id))
				continue;
			known = true;
			sim_target_deregister(tg, &tg->targets[i], c->x->now);
		}
		if (!known)
			return sim_elbv2_error(c, "InvalidTarget",
					       "Target '" STR_FMT "' is not registered",
					       STR_ARG(id));
	}
	return 0;
}
