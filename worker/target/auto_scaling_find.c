#include <string.h>

#include "worker/target/auto_scaling.h"

/*
 * Which group serves. After each rollout it is another one: a copy with a name of its own, or the
 * twin. So the name in the plan stands for a family, and the one of them that serves is found by
 * the traffic: its target group has the weight.
 */
#define FAMILY_MAX 64 /* groups; copies that were kept count, too */

struct family {
	const struct asg_group *groups[FAMILY_MAX];
	size_t n;
	const char *leaving; /* one that is being deleted; NULL: none is */
};

static void join(struct family *f, const struct asg_group *g)
{
	if (g->name && g->status)
		f->leaving = g->name;
	if (!g->name || g->status || f->n == FAMILY_MAX)
		return;
	for (size_t i = 0; i < f->n; i++)
		if (!strcmp(f->groups[i]->name, g->name))
			return;
	f->groups[f->n++] = g;
}

/* The group of this name, its twin, and what was copied from it and from its copies. */
static int read_family(const struct target_env *env, struct family *f, struct err *err)
{
	const struct plan_auto_scaling *t = &env->plan->target.auto_scaling;
	const char *names[] = {t->group, t->twin};
	struct asg_group *named, *copies;
	size_t n = 0;

	*f = (struct family){.n = 0};
	if (asg_describe_groups(&env->client, names, t->twin ? 2 : 1, env->arena, &named, err) ||
	    asg_describe_tagged(&env->client, AS_TAG_GROUP, t->group, env->arena, &copies, &n, err))
		return -1;
	for (size_t i = 0; i < (t->twin ? 2 : 1); i++)
		join(f, &named[i]);
	for (size_t i = 0; i < n; i++)
		join(f, &copies[i]);
	return 0;
}

/* --- which rule or listener ------------------------------------------------------------------ */

struct places {
	const char *const *groups; /* target groups looked for */
	size_t n_groups;
	const char *found[2]; /* resources that forward to one; two are too many already */
	size_t n;
};

static bool is_among(const char *const *list, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i], text))
			return true;
	return false;
}

static bool forwards_to(const struct elbv2_action *actions, size_t n, const struct places *p)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < actions[i].n_groups; k++)
			if (is_among(p->groups, p->n_groups, actions[i].groups[k].arn))
				return true;
	return false;
}

static int look_at_listener(const struct target_env *env, const char *listener, struct places *p,
			    struct err *err)
{
	struct elbv2_rule *rules;
	size_t n;

	if (elbv2_describe_rules(&env->client, listener, env->arena, &rules, &n, err))
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (!forwards_to(rules[i].actions, rules[i].n_actions, p))
			continue;
		if (p->n < 2)
			p->found[p->n] = rules[i].is_default ? listener : rules[i].arn;
		p->n++;
	}
	return 0;
}

static int look_at_load_balancer(const struct target_env *env, const char *arn, struct places *p,
				 struct err *err)
{
	struct elbv2_listener *listeners;
	size_t n;

	if (elbv2_describe_listeners(&env->client, arn, env->arena, &listeners, &n, err))
		return -1;
	for (size_t i = 0; i < n; i++)
		if (look_at_listener(env, listeners[i].arn, p, err))
			return -1;
	return 0;
}

static int search(const struct target_env *env, struct places *p, struct err *err)
{
	struct elbv2_target_group *groups;
	const char *seen[FAMILY_MAX];
	size_t n_seen = 0;

	if (elbv2_describe_target_groups(&env->client, p->groups, p->n_groups, env->arena, &groups,
					 err))
		return -1;
	for (size_t i = 0; i < p->n_groups; i++) {
		for (size_t k = 0; k < groups[i].n_load_balancer_arns; k++) {
			const char *arn = groups[i].load_balancer_arns[k];

			if (is_among(seen, n_seen, arn) || n_seen == FAMILY_MAX)
				continue;
			seen[n_seen++] = arn;
			if (look_at_load_balancer(env, arn, p, err))
				return -1;
		}
	}
	return 0;
}

static int find_resource(const struct target_env *env, const struct family *f, const char **out,
			 struct problems *p, struct err *err)
{
	const char *name = env->plan->target.auto_scaling.group;
	const char **groups = arena_array(env->arena, const char *, FAMILY_MAX);
	struct places places = {.groups = groups};

	*out = env->plan->target.lb.resource_arn;
	if (*out)
		return 0;
	for (size_t i = 0; i < f->n; i++)
		for (size_t k = 0; k < f->groups[i]->n_target_groups; k++)
			if (places.n_groups < FAMILY_MAX &&
			    !is_among(groups, places.n_groups, f->groups[i]->target_groups[k]))
				groups[places.n_groups++] = f->groups[i]->target_groups[k];
	if (places.n_groups > 0 && search(env, &places, err))
		return -1;
	if (places.n == 1)
		*out = places.found[0];
	else if (places.n == 0)
		problem_add(p, "Target", name,
			    "no rule or listener forwards to it; say in the plan file which one is "
			    "to: rule or listener");
	else
		problem_add(p, "Target", name,
			    "%zu rules or listeners forward to it, %s and %s among them; say in "
			    "the plan file which one is meant",
			    places.n, places.found[0], places.found[1]);
	return 0;
}

/* --- which group ----------------------------------------------------------------------------- */

/* The target group through which it has traffic; NULL: none. */
static const char *traffic_of(const struct asg_group *g, const struct lb_forward *f)
{
	for (size_t i = 0; i < g->n_target_groups; i++)
		if (lb_weight(f, g->target_groups[i]) > 0 ||
		    (f->n_groups == 1 && lb_has_group(f, g->target_groups[i])))
			return g->target_groups[i];
	return NULL;
}

static bool find_live(const struct target_env *env, const struct family *family,
		      const struct lb_forward *f, struct as_found *out, struct problems *p)
{
	const char *name = env->plan->target.auto_scaling.group;
	size_t n = 0;

	for (size_t i = 0; i < family->n; i++) {
		const char *arn = traffic_of(family->groups[i], f);

		if (!arn)
			continue;
		out->live = *family->groups[i];
		out->choice.baseline_arn = arn;
		n++;
	}
	if (n == 0)
		problem_add(p, "Target", name,
			    "neither this group nor its twin or a copy of it has traffic through "
			    "%s",
			    out->choice.resource_arn);
	else if (n == 2) /* as in the middle of a rollout */
		problem_busy(p, "Target", name,
			     "2 groups of this name, their twins and copies counted, have "
			     "traffic through %s: somebody else is deploying, or left it so; one "
			     "may, so that it can be told which is live",
			     out->choice.resource_arn);
	else if (n > 2)
		problem_add(p, "Target", name,
			    "%zu groups of this name, their twins and copies counted, have traffic "
			    "through %s; one may, so that it can be told which is live",
			    n, out->choice.resource_arn);
	return n == 1;
}

/* The other of the two that take turns. */
static bool find_twin(const struct target_env *env, const struct family *family,
		      struct as_found *out, struct problems *p)
{
	const struct plan_auto_scaling *t = &env->plan->target.auto_scaling;
	size_t before = p->n_errors;
	const char *other;

	if (!t->twin)
		return true;
	other = !strcmp(out->live.name, t->twin) ? t->group : t->twin;
	for (size_t i = 0; i < family->n; i++)
		if (!strcmp(family->groups[i]->name, other))
			out->twin = *family->groups[i];
	if (!out->twin.name)
		problem_add(p, "Target", other,
			    "there is no such Auto Scaling group, or it is being deleted");
	else if (strcmp(out->live.name, t->group) != 0 && strcmp(out->live.name, t->twin) != 0)
		problem_add(
			p, "Target", out->live.name,
			"this copy has the traffic, and it is neither %s nor %s; write its name "
			"as group",
			t->group, t->twin);
	return p->n_errors == before;
}

/*
 * A rollout suspends the processes of both its groups, from PREPARE until it is over; and at last
 * it empties the old one, or deletes it.
 */
static void find_busy(const struct target_env *env, const struct family *family,
		      struct as_found *out)
{
	unsigned all = (1u << AS_PROCESSES) - 1;
	bool is_held = as_suspended(&out->live) == all;

	if (family->leaving)
		out->busy = arena_printf(env->arena, "%s is being deleted", family->leaving);
	for (size_t i = 0; i < family->n; i++) {
		const struct asg_group *g = family->groups[i];

		if (!strcmp(g->name, out->live.name))
			continue;
		if (is_held && as_suspended(g) == all)
			out->busy = arena_printf(env->arena,
						 "its processes and those of %s are suspended, as "
						 "a rollout does it while it runs",
						 g->name);
		else if (g->desired == 0 && g->n_instances > 0)
			out->busy = arena_printf(env->arena, "%s is being scaled in", g->name);
	}
}

static void find_target_group(const struct target_env *env, struct as_found *out,
			      struct problems *p)
{
	const char *const *pair = env->plan->target.auto_scaling.target_groups;

	if (pair[0] && pair[1]) {
		bool first = !strcmp(pair[0], out->choice.baseline_arn);

		out->choice.candidate_arn = pair[first ? 1 : 0];
		if (!first && strcmp(pair[1], out->choice.baseline_arn) != 0)
			problem_add(p, "target.auto_scaling.target_groups",
				    out->choice.baseline_arn,
				    "the live group %s is attached to this one, which is none of "
				    "the two",
				    out->live.name);
	} else if (out->twin.n_target_groups == 1) {
		out->choice.candidate_arn = out->twin.target_groups[0];
	}
}

int as_find(const struct target_env *env, struct as_found *out, bool *found, struct problems *p,
	    struct err *err)
{
	struct family family;
	struct lb_forward f;

	*out = (struct as_found){.choice = env->plan->target.lb};
	*found = false;
	if (read_family(env, &family, err))
		return -1;
	if (family.n == 0) {
		problem_add(p, "Target", env->plan->target.auto_scaling.group,
			    "there is no such Auto Scaling group, nor a copy of it");
		return 0;
	}
	if (find_resource(env, &family, &out->choice.resource_arn, p, err))
		return -1;
	if (!out->choice.resource_arn)
		return 0;
	if (lb_read_forward(env, out->choice.resource_arn, &f, err))
		return -1;
	if (!find_live(env, &family, &f, out, p) || !find_twin(env, &family, out, p))
		return 0;
	find_busy(env, &family, out);
	find_target_group(env, out, p);
	*found = true;
	return 0;
}
