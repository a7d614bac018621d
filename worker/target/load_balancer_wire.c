#include "worker/target/load_balancer.h"

#include <stdio.h>
#include <string.h>

/* Reading and writing the action list. */

static bool is_rule(const char *resource)
{
	return strstr(resource, ":listener-rule/") != NULL;
}

static int read_actions(const struct target_env *env, const char *resource, struct lb_forward *f,
			const struct elbv2_action **actions, struct err *err)
{
	struct elbv2_listener listener;
	struct elbv2_rule rule;

	if (is_rule(resource)) {
		if (elbv2_describe_rule(&env->client, resource, env->arena, &rule, err))
			return -1;
		*actions = rule.actions;
		f->n_actions = rule.n_actions;
		f->is_default = rule.is_default;
	} else {
		if (elbv2_describe_listener(&env->client, resource, env->arena, &listener, err))
			return -1;
		*actions = listener.actions;
		f->n_actions = listener.n_actions;
	}
	return 0;
}

int lb_read_forward(const struct target_env *env, const char *resource, struct lb_forward *f,
		    struct err *err)
{
	const struct elbv2_action *actions;
	size_t forwards = 0;

	*f = (struct lb_forward){0};
	if (read_actions(env, resource, f, &actions, err))
		return -1;
	f->actions = arena_array(env->arena, struct elbv2_action, f->n_actions + 1);
	for (size_t i = 0; i < f->n_actions; i++) {
		f->actions[i] = actions[i];
		if (!elbv2_action_is_forward(&actions[i]))
			continue;
		forwards++;
		f->at = i;
		f->groups = actions[i].groups;
		f->n_groups = actions[i].n_groups;
	}
	if (forwards != 1)
		return err_set(err, ERR_REJECTED,
			       "%s has %zu forward actions; exactly one is needed to split traffic",
			       resource, forwards);
	if (f->n_groups > LB_GROUPS_MAX)
		return err_set(err, ERR_REJECTED, "%s forwards to %zu target groups; at most %d",
			       resource, f->n_groups, LB_GROUPS_MAX);
	return 0;
}

int lb_read_health(const struct target_env *env, const char *group, struct lb_health *h,
		   struct err *err)
{
	struct elbv2_target_health *targets;
	size_t n;

	*h = (struct lb_health){0};
	if (elbv2_describe_target_health(&env->client, group, env->arena, &targets, &n, err))
		return -1;
	for (size_t i = 0; i < n; i++) {
		const struct elbv2_target_health *t = &targets[i];
		/* Lambda functions and groups without health checks are never called healthy */
		bool unchecked = t->state == ELBV2_UNAVAILABLE && t->reason &&
				 !strcmp(t->reason, "Target.HealthCheckDisabled");

		if (t->state == ELBV2_HEALTHY || unchecked)
			h->healthy++;
		else if (t->state == ELBV2_INITIAL)
			h->initial++;
		else if (t->state == ELBV2_UNHEALTHY || t->state == ELBV2_UNAVAILABLE ||
			 t->state == ELBV2_HEALTH_OTHER)
			h->unhealthy++;
		if (t->state != ELBV2_HEALTHY && !unchecked && !h->reason[0])
			snprintf(h->reason, sizeof(h->reason), "%s is %s%s%s", t->id,
				 elbv2_health_name(t->state), t->reason ? ", " : "",
				 t->reason ? t->reason : "");
	}
	if (n == 0)
		snprintf(h->reason, sizeof(h->reason), "no target is registered");
	return 0;
}

/* The list as it was read, with other groups in its forward action. */
static int write_groups(const struct target_env *env, const struct lb_record *r,
			const struct lb_forward *f, const struct elbv2_group *groups, size_t n,
			struct err *err)
{
	struct elbv2_action *list = arena_array(env->arena, struct elbv2_action, f->n_actions);
	struct elbv2_actions actions = {.actions = list, .n = f->n_actions};

	for (size_t i = 0; i < f->n_actions; i++)
		list[i] = f->actions[i];
	list[f->at].groups = groups;
	list[f->at].n_groups = n;
	if (is_rule(r->resource))
		return elbv2_modify_rule(&env->client, r->resource, &actions, env->arena, NULL,
					 err);
	return elbv2_modify_listener(&env->client, r->resource, &actions, env->arena, NULL, err);
}

int lb_write_weights(const struct target_env *env, const struct lb_record *r,
		     const struct lb_forward *f, int weight_bp, struct err *err)
{
	struct elbv2_group groups[LB_GROUPS_MAX + 1];
	size_t n;

	if (lb_weights(r, weight_bp, groups, &n, err))
		return -1;
	return write_groups(env, r, f, groups, n, err);
}

int lb_write_undo(const struct target_env *env, const struct lb_record *r,
		  const struct lb_forward *f, struct err *err)
{
	struct elbv2_group groups[LB_GROUPS_MAX];
	size_t n;

	lb_undo_groups(r, f, groups, &n);
	return write_groups(env, r, f, groups, n, err);
}
