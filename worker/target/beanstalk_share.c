#include "worker/target/beanstalk_share.h"

#include <string.h>

#include "aws/elbv2.h"

/*
 * What share of an environment's traffic a version gets, read where it is decided: in the weights
 * of the load balancer's actions, and in who is registered in the groups they name. While Beanstalk
 * splits traffic there is a second, temporary group; when it moves everybody, instances of both
 * versions may be in one group for a while.
 */
struct counting {
	const struct target_env *env;
	const struct bean_fleet *fleet;
	const char *label;
	double share; /* the largest seen */
	bool found;   /* some action names the environment's instances */
};

/* NULL: no instance of this environment. */
static const struct beanstalk_instance *instance(const struct bean_fleet *f, const char *id)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->instances[i].id, id) == 0)
			return &f->instances[i];
	return NULL;
}

/* Of the targets that take requests: how many are this environment's, how many run the version. */
static int count_targets(const struct counting *c, const char *group, size_t *all, size_t *with,
			 struct err *err)
{
	const struct target_env *env = c->env;
	struct elbv2_target_health *targets;
	size_t n;

	*all = *with = 0;
	if (elbv2_describe_target_health(&env->client, group, env->arena, &targets, &n, err))
		return -1;
	for (size_t i = 0; i < n; i++) {
		const struct beanstalk_instance *one = instance(c->fleet, targets[i].id);

		if (!one || targets[i].state == ELBV2_DRAINING ||
		    targets[i].state == ELBV2_UNHEALTHY_DRAINING)
			continue;
		(*all)++;
		*with += one->version_label && strcmp(one->version_label, c->label) == 0;
	}
	return 0;
}

static int count_action(struct counting *c, const struct elbv2_action *action, struct err *err)
{
	double sum = 0, ours = 0;

	if (!elbv2_action_is_forward(action))
		return 0;
	for (size_t i = 0; i < action->n_groups; i++) {
		const struct elbv2_group *g = &action->groups[i];
		/* a single group takes everything, whatever its weight */
		double weight = action->n_groups == 1 ? 1 : (double)g->weight;
		size_t all, with;

		if (weight <= 0)
			continue;
		if (count_targets(c, g->arn, &all, &with, err))
			return -1;
		if (!all)
			continue;
		sum += weight;
		ours += weight * (double)with / (double)all;
	}
	if (sum <= 0)
		return 0;
	c->found = true;
	if (ours / sum > c->share)
		c->share = ours / sum;
	return 0;
}

static int count_actions(struct counting *c, const struct elbv2_action *actions, size_t n,
			 struct err *err)
{
	for (size_t i = 0; i < n; i++)
		if (count_action(c, &actions[i], err))
			return -1;
	return 0;
}

static int count_listener(struct counting *c, const struct elbv2_listener *listener,
			  struct err *err)
{
	const struct target_env *env = c->env;
	struct elbv2_rule *rules;
	size_t n;

	if (count_actions(c, listener->actions, listener->n_actions, err) ||
	    elbv2_describe_rules(&env->client, listener->arn, env->arena, &rules, &n, err))
		return -1;
	for (size_t i = 0; i < n; i++)
		if (!rules[i].is_default &&
		    count_actions(c, rules[i].actions, rules[i].n_actions, err))
			return -1;
	return 0;
}

int bean_share_read(const struct target_env *env, const char *environment_id, const char *label,
		    const struct bean_fleet *fleet, double *share, struct err *err)
{
	struct counting c = {.env = env, .fleet = fleet, .label = label};
	struct beanstalk_resources resources;

	if (beanstalk_describe_resources(&env->client, environment_id, env->arena, &resources, err))
		return -1;
	for (size_t i = 0; i < resources.load_balancers.n; i++) {
		struct elbv2_listener *listeners;
		size_t n;

		if (elbv2_describe_listeners(&env->client, resources.load_balancers.names[i],
					     env->arena, &listeners, &n, err))
			return -1;
		for (size_t k = 0; k < n; k++)
			if (count_listener(&c, &listeners[k], err))
				return -1;
	}
	if (!c.found)
		return err_set(err, ERR_MALFORMED,
			       "no load balancer of %s forwards to any of its instances",
			       environment_id);
	*share = c.share;
	return 0;
}
