#include "tests/sim/sim_beanstalk.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * Instances of an environment and how traffic reaches them: a target group for each fleet, behind a
 * load balancer of the environment's own or a rule on a shared one.
 */

#define NO_STR ((struct str){"", 0})

static void random_hex(struct sim *s, char *out, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < n; i++)
		out[i] = digits[rng_below(sim_dice(s), 16)];
	out[n] = '\0';
}

/* --- load balancers ------------------------------------------------------------------------- */

static bool group_make(struct sim *s, struct sim_eb_environment *e, int fleet)
{
	struct sim_eb_fleet *f = &e->fleet[fleet];
	char name[33];
	snprintf(name, sizeof(name), "awseb-%s%s", e->id, fleet ? "-new" : "");
	*f = (struct sim_eb_fleet){.seen = 0};
	if (!sim_elbv2_group_new(s, str_from(name), STR("instance"), f->group, sizeof(f->group)))
		return false;
	sim_elbv2_tag_add(s, f->group, "elasticbeanstalk:environment-id", e->id);
	sim_elbv2_tag_add(s, f->group, "elasticbeanstalk:environment-name", e->name);
	sim_elbv2_tag_add(s, f->group, "Name", e->name);
	return true;
}

bool sim_eb_front_make(struct sim *s, struct sim_eb_environment *e)
{
	const char *type = sim_eb_option_get(&e->options, "aws:elasticbeanstalk:environment",
					     "LoadBalancerType");
	const char *shared =
		sim_eb_option_get(&e->options, "aws:elbv2:loadbalancer", "SharedLoadBalancer");
	struct sim_front front;
	char name[33];
	bool made;
	e->network = strcmp(type, "network") == 0;
	if (!sim_eb_is_balanced(&e->options) || strcmp(e->tier, "Worker") == 0 ||
	    (strcmp(type, "application") != 0 && !e->network))
		return true;
	if (!group_make(s, e, 0))
		return false;
	snprintf(name, sizeof(name), "awseb-%s", e->id);
	made = sim_eb_is_shared(&e->options)
		       ? sim_elbv2_front_rule(s, str_from(shared), str_from(e->cname),
					      str_from(e->fleet[0].group), &front)
		       : sim_elbv2_front_new(s, str_from(name), e->network,
					     str_from(e->fleet[0].group), &front);
	if (!made) {
		(void)sim_elbv2_group_delete(s, str_from(e->fleet[0].group));
		e->fleet[0].group[0] = '\0';
		return false;
	}
	(void)str_copy(e->lb, sizeof(e->lb), str_from(front.lb));
	(void)str_copy(e->rule, sizeof(e->rule), str_from(front.rule));
	(void)str_copy(e->lb_name, sizeof(e->lb_name),
		       sim_eb_is_shared(&e->options)
			       ? str_from(strstr(front.lb, "loadbalancer/") + 17)
			       : str_from(name));
	if (strchr(e->lb_name, '/'))
		*strchr(e->lb_name, '/') = '\0';
	return true;
}

void sim_eb_front_remove(struct sim *s, struct sim_eb_environment *e)
{
	if (!e->rule[0])
		return;
	sim_elbv2_front_remove(s, str_from(e->rule));
	e->rule[0] = e->lb[0] = '\0';
}

/* --- instances ------------------------------------------------------------------------------ */

/* Where an instance takes traffic: new ones of an immutable deployment stand among the old ones. */
static const char *group_of(const struct sim_eb_environment *e, const struct sim_eb_instance *i)
{
	return e->fleet[i->fleet && e->op.policy == EB_SPLITTING ? 1 : 0].group;
}

void sim_eb_instance_target(struct sim *s, struct sim_eb_environment *e, struct sim_eb_instance *i,
			    bool in)
{
	const char *group = group_of(e, i);
	if (group[0] && in)
		(void)sim_elbv2_target_add(s, str_from(group), str_from(i->id), 0, &i->does);
	else if (group[0])
		(void)sim_elbv2_target_remove(s, str_from(group), str_from(i->id));
	i->target = in;
}

void sim_eb_instance_add(struct sim *s, struct sim_eb_environment *e,
			 const struct sim_eb_version *v, int fleet, enum sim_eb_deployed status)
{
	struct sim_eb_instance *i;
	e->instances = xrealloc(e->instances, (e->n_instances + 1) * sizeof(*i));
	i = &e->instances[e->n_instances++];
	*i = (struct sim_eb_instance){.fleet = fleet,
				      .launched = sim_now(s),
				      .deployed = sim_now(s),
				      .deployment = e->deployments,
				      .status = status,
				      .does = {.latency_ms = 20}};
	memcpy(i->id, "i-", 2);
	random_hex(s, i->id + 2, 17);
	if (v) {
		memcpy(i->label, v->label, sizeof(i->label));
		i->does = v->does;
	}
}

void sim_eb_instance_deploy(struct sim *s, struct sim_eb_environment *e, struct sim_eb_instance *i,
			    const char *label, enum sim_eb_deployed status)
{
	struct sim_eb_state *b = sim_state(s, &sim_beanstalk);
	const struct sim_eb_version *v = sim_eb_version_find(b, str_from(e->app), str_from(label));
	(void)str_copy(i->label, sizeof(i->label), str_from(label));
	if (v)
		i->does = v->does;
	i->status = status;
	i->deployment = e->deployments;
	i->deployed = sim_now(s);
	if (i->target)
		sim_eb_instance_target(s, e, i, true); /* the target does what it does now */
}

size_t sim_eb_fleet_count(const struct sim_eb_environment *e, int fleet)
{
	size_t n = 0;
	for (size_t i = 0; i < e->n_instances; i++)
		n += e->instances[i].fleet == fleet;
	return n;
}

void sim_eb_fleet_shrink(struct sim *s, struct sim_eb_environment *e, int fleet, size_t keep)
{
	size_t n = 0, seen = 0;
	for (size_t i = 0; i < e->n_instances; i++) {
		struct sim_eb_instance *one = &e->instances[i];
		if (one->fleet == fleet && seen++ >= keep) {
			if (one->target)
				sim_eb_instance_target(s, e, one, false);
			continue;
		}
		e->instances[n++] = *one;
	}
	e->n_instances = n;
}

/* --- two fleets ----------------------------------------------------------------------------- */

void sim_eb_fleet_split(struct sim *s, struct sim_eb_environment *e, int64_t percent)
{
	e->op.percent = percent;
	if (!e->rule[0])
		return;
	if (percent && !e->fleet[1].group[0] && !group_make(s, e, 1))
		return;
	for (size_t i = 0; percent && i < e->n_instances; i++)
		if (e->instances[i].fleet == 1 && !e->instances[i].target)
			sim_eb_instance_target(s, e, &e->instances[i], true);
	/* at 0 it stays in the rule: what is on its way there still meets healthy targets */
	if (e->fleet[1].group[0])
		(void)sim_elbv2_front_forward(s, str_from(e->rule), str_from(e->fleet[0].group),
					      str_from(e->fleet[1].group), percent);
	/* they were registered and checked before anything was sent there */
	if (percent)
		(void)sim_elbv2_group_settle(s, str_from(e->fleet[1].group));
}

void sim_eb_fleet_join(struct sim *s, struct sim_eb_environment *e)
{
	for (size_t i = 0; i < e->n_instances; i++)
		if (e->instances[i].fleet == 1 && e->fleet[0].group[0])
			(void)sim_elbv2_target_add(s, str_from(e->fleet[0].group),
						   str_from(e->instances[i].id), 0,
						   &e->instances[i].does);
}

void sim_eb_fleet_merge(struct sim *s, struct sim_eb_environment *e)
{
	for (size_t i = 0; i < e->n_instances; i++) {
		struct sim_eb_instance *one = &e->instances[i];
		if (one->fleet == 1 && e->op.policy == EB_SPLITTING && one->target)
			sim_eb_instance_target(s, e, one, false);
		one->target = true;
		one->fleet = 0;
	}
	/* what was judged apart is the environment's own from now on */
	memcpy(e->fleet[0].window, e->fleet[1].window, sizeof(e->fleet[0].window));
	sim_eb_fleet_drop(s, e);
}

/* Its group leaves the rule; when the data plane has forgotten it, it is deleted. */
void sim_eb_fleet_drop(struct sim *s, struct sim_eb_environment *e)
{
	if (e->fleet[1].group[0])
		(void)sim_elbv2_front_forward(s, str_from(e->rule), str_from(e->fleet[0].group),
					      NO_STR, 0);
	sim_eb_fleet_shrink(s, e, 1, 0);
	sim_eb_group_tidy(s, e);
}

void sim_eb_group_tidy(struct sim *s, struct sim_eb_environment *e)
{
	if (!e->fleet[1].group[0] || sim_elbv2_group_delete(s, str_from(e->fleet[1].group)))
		e->fleet[1] = (struct sim_eb_fleet){.seen = 0};
}

bool sim_eb_instance_well(const struct sim_eb_environment *e, const struct sim_eb_instance *i)
{
	(void)e;
	return !i->does.never_starts && !i->does.unhealthy;
}
