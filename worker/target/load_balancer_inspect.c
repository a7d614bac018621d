#include "worker/target/load_balancer.h"
#include "worker/target/load_balancer_segments.h"

#include <stdio.h>
#include <string.h>

/*
 * The first, checking look: whatever would make the load balancer refuse a later step, send traffic
 * where nobody serves, or leave nothing to go back to, is said now, while nothing has been touched.
 */

/* --- which groups ---------------------------------------------------------------------------- */

static bool is_said(const char *arn, const struct elbv2_group *g)
{
	return arn && !strcmp(arn, g->arn);
}

/* Which groups are baseline and candidate: as the plan says, or what the weights say. */
static void find_groups(const struct plan_load_balancer *t, const struct lb_forward *f,
			struct lb_record *r, struct problems *p)
{
	size_t live = 0, idle = 0;

	r->baseline = t->baseline_arn;
	r->candidate = t->candidate_arn;
	for (size_t i = 0; i < f->n_groups; i++) {
		const struct elbv2_group *g = &f->groups[i];
		/* a single group forwards everything, whatever its weight */
		bool has_traffic = g->weight > 0 || f->n_groups == 1;

		if (is_said(t->baseline_arn, g) || is_said(t->candidate_arn, g))
			continue;
		live += has_traffic;
		idle += !has_traffic;
		if (has_traffic && !t->baseline_arn)
			r->baseline = g->arn;
		if (!has_traffic && !t->candidate_arn)
			r->candidate = g->arn;
	}
	/* the baseline and the candidate of somebody who is on the way from one to the other */
	if ((!t->candidate_arn && idle == 0 && live == (t->baseline_arn ? 1 : 2)) &&
	    f->n_groups == 2) {
		problem_busy(p, "Target", r->resource,
			     "both target groups have traffic already: somebody else is "
			     "deploying, or left it so; set the weight of the idle one to 0 "
			     "first");
		return;
	}
	if (!t->baseline_arn && live != 1)
		problem_add(p, "Target", r->resource,
			    "%zu target groups have traffic: say in the plan file which is the "
			    "baseline",
			    live);
	if (!t->candidate_arn && idle != 1)
		problem_add(p, "Target", r->resource,
			    "%zu target groups are in the action at weight 0: say in the plan file "
			    "which is the candidate",
			    idle);
}

static void check_choice(const struct lb_forward *f, const struct lb_record *r, struct problems *p)
{
	if (!lb_has_group(f, r->baseline))
		problem_add(p, "Target", r->baseline,
			    "the listener or rule does not forward to this baseline");
	else if (lb_weight(f, r->baseline) == 0 && f->n_groups > 1)
		problem_add(p, "Target", r->baseline, "the baseline has no traffic now");
	if (!strcmp(r->baseline, r->candidate))
		problem_add(p, "Target", r->candidate, "baseline and candidate are the same group");
	else if (lb_weight(f, r->candidate) > 0)
		problem_busy(p, "Target", r->candidate,
			     "the candidate has traffic already: somebody else is deploying, or "
			     "left it so; set its weight to 0 first");
	if (!lb_has_group(f, r->candidate) && f->n_groups == LB_GROUPS_MAX)
		problem_add(p, "Target", r->resource,
			    "%d target groups already: no room for another", LB_GROUPS_MAX);
}

/* --- what the groups are --------------------------------------------------------------------- */

/* A group serves one load balancer. */
static void check_attached(const struct target_env *env, const struct lb_record *r,
			   const struct elbv2_target_group *g, struct problems *p)
{
	const char *ours = lb_load_balancer_dimension(env->arena, r->resource);

	for (size_t i = 0; i < g->n_load_balancer_arns; i++)
		if (!str_is(elbv2_load_balancer_dimension(g->load_balancer_arns[i]), ours))
			problem_add(p, "Target", g->arn,
				    "the group belongs to another load balancer already: %s",
				    g->load_balancer_arns[i]);
}

static int check_attributes(const struct target_env *env, const struct lb_record *r,
			    const char *arn, struct problems *p, struct err *err)
{
	struct elbv2_attribute *attributes;
	const char *sticky, *type;
	size_t n;

	if (elbv2_describe_target_group_attributes(&env->client, arn, env->arena, &attributes, &n,
						   err))
		return -1;
	sticky = elbv2_attribute_get(attributes, n, "stickiness.enabled");
	type = elbv2_attribute_get(attributes, n, "stickiness.type");
	if (!sticky || strcmp(sticky, "true") != 0)
		return 0;
	if (type && !strcmp(type, "app_cookie"))
		problem_add(p, "Target", arn,
			    "the group has application-based stickiness, which does not go with "
			    "weights: turn it off");
	else if (!r->stickiness.enabled)
		problem_add(p, "Target", arn,
			    "the group has stickiness of its own; a weighted action needs group "
			    "stickiness then: turn one on or the other off");
	return 0;
}

static int check_groups(const struct target_env *env, const struct lb_record *r, struct problems *p,
			struct err *err)
{
	const char *arns[] = {r->baseline, r->candidate};
	struct elbv2_target_group *groups;

	if (elbv2_describe_target_groups(&env->client, arns, 2, env->arena, &groups, err))
		return -1;
	if (r->network && groups[0].protocol && groups[1].protocol &&
	    strcmp(groups[0].protocol, groups[1].protocol) != 0)
		problem_add(p, "Target", r->candidate,
			    "its protocol is %s, the baseline's %s: they cannot share an action of "
			    "a Network Load Balancer",
			    groups[1].protocol, groups[0].protocol);
	if (groups[0].vpc_id && groups[1].vpc_id && strcmp(groups[0].vpc_id, groups[1].vpc_id) != 0)
		problem_add(p, "Target", r->candidate, "it is in %s, the baseline in %s",
			    groups[1].vpc_id, groups[0].vpc_id);
	for (int i = 0; i < 2; i++) {
		check_attached(env, r, &groups[i], p);
		if (!r->network && check_attributes(env, r, arns[i], p, err))
			return -1;
	}
	return 0;
}

static int check_baseline(const struct target_env *env, const struct lb_record *r,
			  struct problems *p, struct err *err)
{
	struct lb_health h;

	if (lb_read_health(env, r->baseline, &h, err))
		return -1;
	if (h.healthy == 0)
		problem_add(p, "Target", r->baseline,
			    "no healthy target: there would be nothing to go back to (%s)",
			    h.reason);
	return 0;
}

static void check_weights(const struct target_env *env, const struct lb_record *r,
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
			     "group stickiness is on: clients once on the candidate stay there for "
			     "up to %llds; going back takes the candidate out of the action for "
			     "that reason",
			     (long long)r->stickiness.duration_s);
}

/* --- all of it ------------------------------------------------------------------------------- */

static struct str region_of(const char *arn)
{
	struct str rest = str_from(arn), field = {0};

	for (int i = 0; i < 4; i++)
		if (!str_next(&rest, ':', &field))
			return (struct str){0};
	return field;
}

/* Names that lead nowhere are the plan's problem, not a failure to read. */
static int as_problem(const char *place, struct problems *p, struct err *err)
{
	if (err->code != ERR_REJECTED && err->code != ERR_NOT_FOUND)
		return -1;
	problem_add(p, "Target", place, "%s", err->text);
	*err = ERR_INIT;
	return 0;
}

static void take_forward(const struct target_env *env, const struct lb_forward *f,
			 struct lb_record *r)
{
	r->network = !strncmp(lb_load_balancer_dimension(env->arena, r->resource), "net/", 4);
	r->stickiness = f->actions[f->at].stickiness;
	for (size_t i = 0; i < f->n_groups; i++)
		r->groups[r->n_groups++] = f->groups[i];
	if (f->n_groups == 1 && r->groups[0].weight == 0)
		r->groups[0].weight = 1;
}

int lb_inspect(const struct target_env *env, const struct plan_load_balancer *choice,
	       struct lb_record *r, struct problems *p, struct err *err)
{
	const char *resource = choice->resource_arn;
	size_t before = p->n_errors;
	struct lb_forward f;

	*r = (struct lb_record){.resource = resource};
	if (!str_is(region_of(resource), env->client.region)) {
		problem_add(p, "Target", resource, "it is not in %s, where this worker deploys",
			    env->client.region);
		return 0;
	}
	if (lb_read_forward(env, resource, &f, err))
		return as_problem(resource, p, err);
	if (f.is_default)
		problem_add(p, "Target", resource,
			    "the default rule cannot be changed; give the ARN of its listener");
	take_forward(env, &f, r);
	find_groups(choice, &f, r, p);
	if (!r->baseline || !r->candidate)
		return 0;
	check_choice(&f, r, p);
	if (p->n_errors > before)
		return 0;
	if (check_groups(env, r, p, err) || check_baseline(env, r, p, err))
		return as_problem(resource, p, err);
	check_weights(env, r, p);
	r->segments = plan_segments_used(env->plan) != 0;
	return lb_segments_inspect(env, r, &f, p, err);
}
