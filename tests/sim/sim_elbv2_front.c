#include "tests/sim/sim_elbv2.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/sim_wire.h"

/*
 * Load balancers, rules and groups that another service manages for its users: how such a service
 * makes them, moves their weights, sends traffic through them, and takes them away again.
 */

static struct sim_elbv2_state *state_of(struct sim *s)
{
	return sim_state(s, &sim_elbv2);
}

static void set_forward(struct sim *s, struct sim_lb_rule *r, const struct sim_forward *f,
			bool at_once)
{
	struct sim_lb_actions actions = {.n = 1};
	(void)str_copy(actions.a[0].type, sizeof(actions.a[0].type), STR("forward"));
	actions.a[0].forward = *f;
	sim_lb_rule_set(s, state_of(s), r, &actions, at_once);
}

static void set_host(struct sim_lb_rule *r, struct str host)
{
	struct buf b;
	buf_init(&b, 64u << 10);
	buf_adds(&b, "<member><Field>host-header</Field><Values>");
	sim_xml_text(&b, "member", host);
	buf_adds(&b, "</Values><HostHeaderConfig><Values>");
	sim_xml_text(&b, "member", host);
	buf_adds(&b, "</Values></HostHeaderConfig></member>");
	free(r->conditions);
	r->conditions = buf_take(&b);
}

bool sim_elbv2_front_new(struct sim *s, struct str name, bool network, struct str group_arn,
			 struct sim_front *out)
{
	struct sim_elbv2_state *e = state_of(s);
	const struct sim_lb_rule *r;
	char line[256];
	struct err err = ERR_INIT;
	struct buf answer;
	int rc;
	if (sim_lb_find(e, name) || !sim_tg_find(e, group_arn))
		return false;
	buf_init(&answer, 64u << 10);
	snprintf(line, sizeof(line), "elbv2 load-balancer " STR_FMT " type=%s", STR_ARG(name),
		 network ? "network" : "application");
	rc = sim_control(s, str_from(line), &answer, &err);
	snprintf(line, sizeof(line), "elbv2 listener " STR_FMT " port=80 forward=%s", STR_ARG(name),
		 sim_tg_find(e, group_arn)->name);
	if (rc == 0)
		rc = sim_control(s, str_from(line), &answer, &err);
	buf_release(&answer);
	if (rc)
		return false;
	snprintf(line, sizeof(line), STR_FMT ":80", STR_ARG(name));
	r = sim_default_rule(sim_listener_find(e, str_from(line)));
	(void)str_copy(out->rule, sizeof(out->rule), str_from(r->arn));
	(void)str_copy(out->lb, sizeof(out->lb), str_from(r->listener->lb->arn));
	return true;
}

bool sim_elbv2_front_rule(struct sim *s, struct str lb, struct str host, struct str group_arn,
			  struct sim_front *out)
{
	struct sim_elbv2_state *e = state_of(s);
	struct sim_lb *balancer = sim_lb_find(e, lb);
	struct sim_listener *l = e->listeners;
	struct sim_forward f = {.n = 1, .tg = {sim_tg_find(e, group_arn)}, .weight = {1}};
	struct sim_lb_rule *r;
	int64_t priority = 1000;
	while (l && l->lb != balancer)
		l = l->next;
	if (!l || !f.tg[0])
		return false;
	for (const struct sim_lb_rule *each = l->rules; each; each = each->next)
		if (each->priority >= priority)
			priority = each->priority + 1;
	r = sim_lb_rule_new(e, l, priority);
	set_host(r, host);
	set_forward(s, r, &f, true);
	(void)str_copy(out->rule, sizeof(out->rule), str_from(r->arn));
	(void)str_copy(out->lb, sizeof(out->lb), str_from(balancer->arn));
	return true;
}

bool sim_elbv2_front_forward(struct sim *s, struct str rule, struct str group_arn,
			     struct str other_arn, int64_t other_percent)
{
	struct sim_elbv2_state *e = state_of(s);
	struct sim_lb_rule *r = sim_lb_rule_find(e, rule);
	struct sim_forward f = {.n = 1, .tg = {sim_tg_find(e, group_arn)}};
	if (!r || !f.tg[0])
		return false;
	f.weight[0] = 100 - other_percent;
	if (other_arn.n) {
		f.tg[f.n] = sim_tg_find(e, other_arn);
		f.weight[f.n] = other_percent;
		if (!f.tg[f.n++])
			return false;
	}
	set_forward(s, r, &f, false);
	return true;
}

bool sim_elbv2_front_host(struct sim *s, struct str rule, struct str host)
{
	struct sim_lb_rule *r = sim_lb_rule_find(state_of(s), rule);
	if (r && r->priority)
		set_host(r, host);
	return r != NULL;
}

bool sim_elbv2_front_rps(struct sim *s, struct str rule, double rps)
{
	struct sim_lb_rule *r = sim_lb_rule_find(state_of(s), rule);
	if (r)
		r->rps = rps;
	return r != NULL;
}

static void lb_delete(struct sim *s, struct sim_elbv2_state *e, struct sim_lb *lb)
{
	struct sim_listener **at = &e->listeners;
	while (*at) {
		struct sim_listener *l = *at;
		if (l->lb != lb) {
			at = &l->next;
			continue;
		}
		while (l->rules)
			sim_lb_rule_delete(s, e, l->rules);
		*at = l->next;
		free(l);
	}
	for (struct sim_target_group *tg = e->tgs; tg; tg = tg->next)
		if (tg->lb == lb)
			tg->lb = NULL;
	for (struct sim_lb **p = &e->lbs; *p; p = &(*p)->next)
		if (*p == lb) {
			*p = lb->next;
			free(lb);
			return;
		}
}

void sim_elbv2_front_remove(struct sim *s, struct str rule)
{
	struct sim_elbv2_state *e = state_of(s);
	struct sim_lb_rule *r = sim_lb_rule_find(e, rule);
	if (r && r->priority)
		sim_lb_rule_delete(s, e, r);
	else if (r)
		lb_delete(s, e, r->listener->lb);
}

/* --- groups --------------------------------------------------------------------------------- */

bool sim_elbv2_group_counts(struct sim *s, struct str group_arn, uint64_t *requests,
			    uint64_t *errors)
{
	const struct sim_target_group *tg = sim_tg_find(state_of(s), group_arn);
	*requests = tg ? tg->requests : 0;
	*errors = tg ? tg->errors : 0;
	return tg != NULL;
}

static bool forwards_to(const struct sim_forward *f, const struct sim_target_group *tg)
{
	for (size_t i = 0; f && i < f->n; i++)
		if (f->tg[i] == tg)
			return true;
	return false;
}

bool sim_elbv2_group_shared(struct sim *s, struct str group_arn, struct str but_rule)
{
	struct sim_elbv2_state *e = state_of(s);
	const struct sim_target_group *tg = sim_tg_find(e, group_arn);
	for (const struct sim_listener *l = e->listeners; tg && l; l = l->next)
		for (const struct sim_lb_rule *r = l->rules; r; r = r->next)
			if (!str_is(but_rule, r->arn) &&
			    forwards_to(sim_forward_of(&r->actions), tg))
				return true;
	return false;
}

bool sim_elbv2_group_delete(struct sim *s, struct str group_arn)
{
	struct sim_elbv2_state *e = state_of(s);
	struct sim_target_group *tg = sim_tg_find(e, group_arn), **at = &e->tgs;
	for (const struct sim_listener *l = e->listeners; tg && l; l = l->next)
		for (struct sim_lb_rule *r = l->rules; r; r = r->next) {
			if (!r->live.sticky) /* nobody is kept there */
				r->before = r->live;
			bool used = forwards_to(&r->live, tg) || forwards_to(&r->before, tg) ||
				    forwards_to(sim_forward_of(&r->actions), tg);
			for (size_t i = 0; i < r->n_pending; i++)
				used = used || forwards_to(&r->pending[i].forward, tg);
			if (used)
				return false;
		}
	while (*at && *at != tg)
		at = &(*at)->next;
	if (*at) {
		*at = tg->next;
		free(tg->targets);
		free(tg);
	}
	return true;
}

bool sim_elbv2_group_settle(struct sim *s, struct str group_arn)
{
	struct sim_target_group *tg = sim_tg_find(state_of(s), group_arn);
	int64_t long_ago = sim_now(s).ms - INT64_C(3600000);
	if (!tg)
		return false;
	if (tg->referenced.ms)
		tg->referenced.ms = long_ago;
	for (size_t i = 0; i < tg->n_targets; i++)
		tg->targets[i].registered.ms = long_ago;
	return true;
}

void sim_elbv2_tag_add(struct sim *s, const char *arn, const char *key, const char *value)
{
	struct sim_elbv2_state *e = state_of(s);
	struct sim_tag *t;
	e->tags = xrealloc(e->tags, (e->n_tags + 1) * sizeof(*t));
	t = &e->tags[e->n_tags++];
	(void)str_copy(t->arn, sizeof(t->arn), str_from(arn));
	(void)str_copy(t->key, sizeof(t->key), str_from(key));
	(void)str_copy(t->value, sizeof(t->value), str_from(value));
}
