#include "tests/sim/sim_elbv2.h"

/*
 * Rules that another service manages: ECS writes the weights of its services' listener rules by
 * itself. What it writes travels to the data plane like everything else and is recorded as a split.
 */

static struct sim_lb_rule *rule_of(struct sim *s, struct str arn)
{
	struct sim_elbv2_state *e = sim_state(s, &sim_elbv2);
	struct sim_lb_rule *r = sim_lb_rule_find(e, arn);
	const struct sim_listener *l = r ? NULL : sim_listener_find(e, arn);
	return l ? sim_default_rule(l) : r;
}

bool sim_elbv2_rule_view(struct sim *s, struct str arn, struct sim_rule_view *view)
{
	const struct sim_lb_rule *r = rule_of(s, arn);
	const struct sim_forward *f;
	*view = (struct sim_rule_view){.n = 0};
	if (!r)
		return false;
	f = sim_forward_of(&r->actions);
	view->network = r->listener->lb->network;
	view->forwards_only = r->actions.n == 1 && f;
	view->n = f ? f->n : 0;
	for (size_t i = 0; i < view->n; i++) {
		view->group[i] = f->tg[i]->arn;
		view->weight[i] = f->weight[i];
	}
	return true;
}

bool sim_elbv2_rule_weights(struct sim *s, struct str arn, struct str group, int64_t weight,
			    struct str other, int64_t other_weight)
{
	struct sim_elbv2_state *e = sim_state(s, &sim_elbv2);
	struct sim_lb_rule *r = rule_of(s, arn);
	struct sim_lb_actions taken = {.n = 1};
	struct sim_forward *f = &taken.a[0].forward;
	const struct sim_forward *old = r ? sim_forward_of(&r->actions) : NULL;
	struct sim_target_group *one = sim_tg_find(e, group), *two = sim_tg_find(e, other);
	if (!r || !one || !two)
		return false;
	if (old) {
		f->sticky = old->sticky;
		f->sticky_s = old->sticky_s;
	}
	(void)str_copy(taken.a[0].type, sizeof(taken.a[0].type), STR("forward"));
	f->n = 2;
	f->tg[0] = one;
	f->weight[0] = weight;
	f->tg[1] = two;
	f->weight[1] = other_weight;
	sim_lb_rule_set(s, e, r, &taken, false);
	return true;
}

bool sim_elbv2_group_used(struct sim *s, struct str group)
{
	const struct sim_target_group *tg = sim_tg_find(sim_state(s, &sim_elbv2), group);
	return tg && tg->referenced.ms;
}

const char *sim_elbv2_arn(struct sim *s, struct str name)
{
	struct sim_elbv2_state *e = sim_state(s, &sim_elbv2);
	const struct sim_target_group *tg = sim_tg_find(e, name);
	const struct sim_lb_rule *r = sim_lb_rule_find(e, name);
	const struct sim_listener *l = sim_listener_find(e, name);
	return tg ? tg->arn : r ? r->arn : l ? l->arn : NULL;
}
