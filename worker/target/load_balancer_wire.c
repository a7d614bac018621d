#include "worker/target/load_balancer.h"

#include <stdio.h>
#include <string.h>

/* Reading and writing the action list; and the first, checking look. */

static bool is_rule(const char *resource)
{
	return strstr(resource, ":listener-rule/") != NULL;
}

static int read_actions(const struct target_env *env, const char *resource,
			const struct elbv2_action **actions, size_t *n, struct err *err)
{
	struct elbv2_listener listener;
	struct elbv2_rule rule;

	if (is_rule(resource)) {
		if (elbv2_describe_rule(&env->client, resource, env->arena, &rule, err))
			return -1;
		*actions = rule.actions;
		*n = rule.n_actions;
	} else {
		if (elbv2_describe_listener(&env->client, resource, env->arena, &listener, err))
			return -1;
		*actions = listener.actions;
		*n = listener.n_actions;
	}
	return 0;
}

int lb_read_forward(const struct target_env *env, const char *resource, struct lb_forward *f,
		    struct err *err)
{
	const struct elbv2_action *actions;
	size_t forwards = 0;

	*f = (struct lb_forward){0};
	if (read_actions(env, resource, &actions, &f->n_actions, err))
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
	list[f->at].stickiness = r->stickiness;
	if (is_rule(r->resource))
		return elbv2_modify_rule(&env->client, r->resource, &actions, env->arena, NULL, err);
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
	return write_groups(env, r, f, r->groups, r->n_groups, err);
}

/* --- the first look ---------------------------------------------------------------------------- */

/* Which groups are baseline and candidate: as the plan says, or what the weights say. */
static void find_groups(const struct target_env *env, const struct lb_forward *f,
			struct lb_record *r, struct problems *p)
{
	const struct plan_target *t = &env->plan->target;
	size_t live = 0, idle = 0;

	r->baseline = t->baseline_arn;
	r->candidate = t->candidate_arn;
	for (size_t i = 0; i < f->n_groups; i++) {
		const struct elbv2_group *g = &f->groups[i];
		/* a single group forwards everything, whatever its weight */
		bool has_traffic = g->weight > 0 || f->n_groups == 1;

		live += has_traffic;
		idle += !has_traffic;
		if (has_traffic && !t->baseline_arn)
			r->baseline = g->arn;
		if (!has_traffic && !t->candidate_arn)
			r->candidate = g->arn;
	}
	if (!t->baseline_arn && live != 1)
		problem_add(p, "Target", r->resource,
			    "%zu target groups have traffic: say in the plan which is the baseline",
			    live);
	if (!t->candidate_arn && idle != 1)
		problem_add(p, "Target", r->resource,
			    "%zu target groups are in the action at weight 0: say in the plan which "
			    "is the candidate", idle);
	if (p->n_errors)
		return;
	if (!lb_has_group(f, r->baseline))
		problem_add(p, "Target", r->baseline,
			    "the listener or rule does not forward to this baseline");
	else if (lb_weight(f, r->baseline) == 0 && f->n_groups > 1)
		problem_add(p, "Target", r->baseline, "the baseline has no traffic now");
	if (lb_weight(f, r->candidate) > 0)
		problem_add(p, "Target", r->candidate,
			    "the candidate has traffic already: somebody else is deploying, or left "
			    "it so; set its weight to 0 first");
	if (!strcmp(r->baseline, r->candidate))
		problem_add(p, "Target", r->candidate, "baseline and candidate are the same group");
}

static int check_groups(const struct target_env *env, struct lb_record *r, struct problems *p,
			struct err *err)
{
	const char *arns[] = {r->baseline, r->candidate};
	struct elbv2_target_group *groups;
	struct elbv2_attribute *attributes;
	const char *sticky;
	size_t n;

	if (elbv2_describe_target_groups(&env->client, arns, 2, env->arena, &groups, err))
		return -1;
	if (groups[0].protocol && groups[1].protocol &&
	    strcmp(groups[0].protocol, groups[1].protocol) != 0)
		problem_add(p, "Target", r->candidate,
			    "its protocol is %s, the baseline's %s: they cannot share an action",
			    groups[1].protocol, groups[0].protocol);
	for (int i = 0; i < 2; i++) {
		if (elbv2_describe_target_group_attributes(&env->client, arns[i], env->arena,
							   &attributes, &n, err))
			return -1;
		sticky = elbv2_attribute_get(attributes, n, "stickiness.enabled");
		if (sticky && !strcmp(sticky, "true") && !r->stickiness.enabled)
			problem_add(p, "Target", arns[i],
				    "the group has stickiness of its own; a weighted action needs group "
				    "stickiness then: turn one on or the other off");
	}
	return 0;
}

static void check_steps(const struct target_env *env, const struct lb_record *r,
			struct problems *p)
{
	struct elbv2_group groups[LB_GROUPS_MAX + 1];
	struct err err = ERR_INIT;
	size_t n;

	for (size_t i = 0; i < env->plan->n_steps; i++) {
		char place[64];

		snprintf(place, sizeof(place), "strategy, step %zu", i + 1);
		if (lb_weights(r, env->plan->steps[i].weight_bp, groups, &n, &err))
			problem_add(p, place, NULL, "%s", err.text);
	}
	if (r->stickiness.enabled)
		problem_warn(p, "Target", r->resource,
			     "group stickiness is on: clients once on the candidate stay there for up to "
			     "%llds after a rollback unless the candidate leaves the action",
			     (long long)r->stickiness.duration_s);
}

int lb_inspect(const struct target_env *env, struct lb_record *r, struct problems *p,
	       struct err *err)
{
	const char *resource = env->plan->target.resource_arn;
	struct lb_health h;
	struct lb_forward f;

	*r = (struct lb_record){.resource = resource};
	if (lb_read_forward(env, resource, &f, err)) {
		if (err->code != ERR_REJECTED && err->code != ERR_NOT_FOUND)
			return -1;
		problem_add(p, "Target", resource, "%s", err->text);
		*err = ERR_INIT;
		return 0;
	}
	r->network = !strncmp(lb_load_balancer_dimension(env->arena, resource), "net/", 4);
	r->stickiness = f.actions[f.at].stickiness;
	for (size_t i = 0; i < f.n_groups; i++)
		r->groups[r->n_groups++] = f.groups[i];
	if (f.n_groups == 1 && r->groups[0].weight == 0)
		r->groups[0].weight = 1;
	find_groups(env, &f, r, p);
	if (p->n_errors)
		return 0;
	if (!lb_has_group(&f, r->candidate) && f.n_groups == LB_GROUPS_MAX)
		problem_add(p, "Target", resource, "%d target groups already: no room for another",
			    LB_GROUPS_MAX);
	if (check_groups(env, r, p, err)) {
		if (err->code != ERR_NOT_FOUND)
			return -1;
		problem_add(p, "Target", resource, "%s", err->text);
		*err = ERR_INIT;
		return 0;
	}
	if (lb_read_health(env, r->baseline, &h, err))
		return -1;
	if (h.healthy == 0)
		problem_add(p, "Target", r->baseline,
			    "no healthy target: there would be nothing to go back to (%s)", h.reason);
	check_steps(env, r, p);
	return 0;
}
