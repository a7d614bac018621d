#include "worker/target/beanstalk.h"

#include <string.h>

/*
 * Two environments behind one rule of ours: the weights of the rule, and all that belongs to them,
 * are the load balancer's (load_balancer.h); here is which environment fills which group, and how
 * the candidate's gets its version.
 */

static int observe(const struct target_env *env, const struct rollout_state *s,
		   const struct bean_record *r, const struct bean_candidate *c,
		   struct target_observation *o, struct err *err)
{
	struct target_observation second = {.live = LIVE_BASELINE};
	struct bean_look l;

	if (lb_observe(env, s, &r->lb, o, err))
		return -1;
	if (o->live == LIVE_UNREADABLE || o->live == LIVE_FOREIGN)
		return 0;
	if (s->phase != PHASE_PREPARE && s->phase != PHASE_VERIFY && s->phase != PHASE_RETIRE &&
	    s->phase != PHASE_PROVE)
		return 0;
	if (bean_look(env, r, &l, err))
		return bean_unreadable(o, err);
	if (s->phase == PHASE_RETIRE)
		return bean_retire_look(env, r, &l, o, err);
	if (s->phase == PHASE_PROVE)
		return bean_leftover_look(env, r, &l, o, err);
	if (bean_candidate_observe(env, s, r, c, &l, &second, err))
		return -1;
	if (second.live == LIVE_UNREADABLE || second.live == LIVE_FOREIGN) {
		o->live = second.live;
		o->denied = second.denied;
	}
	/* the targets may be well while they still run the version of before */
	if (second.candidate != CANDIDATE_READY) {
		o->candidate = second.candidate;
		bean_detail(o, "%s", second.detail);
	}
	return 0;
}

static int prepare(const struct target_env *env, const struct rollout_state *s,
		   const struct bean_record *r, struct bean_candidate *c, struct err *err)
{
	if (bean_candidate_prepare(env, s, r, c, err))
		return -1;
	return lb_prepare(env, &r->lb, err);
}

static int split(const struct target_env *env, const struct rollout_state *s,
		 const struct bean_record *r, const struct bean_candidate *c,
		 const struct target_observation *o, const struct traffic *want, struct err *err)
{
	(void)s;
	(void)c;
	return lb_split(env, &r->lb, o, want, err);
}

static int promote(const struct target_env *env, const struct rollout_state *s,
		   const struct bean_record *r, const struct bean_candidate *c,
		   const struct target_observation *o, struct err *err)
{
	return split(env, s, r, c, o, &(struct traffic){.weight_bp = 10000}, err);
}

static int restore(const struct target_env *env, const struct rollout_state *s,
		   const struct bean_record *r, const struct bean_candidate *c,
		   const struct target_observation *o, struct err *err)
{
	(void)s;
	(void)c;
	return lb_restore(env, &r->lb, o, err);
}

const struct bean_way bean_by_balancer = {
	.observe = observe,
	.prepare = prepare,
	.split = split,
	.promote = promote,
	.restore = restore,
	.retire = bean_retire,
};

/* --- the first look -------------------------------------------------------------------------- */

static bool is_among(const struct beanstalk_names *names, const char *id)
{
	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->names[i], id) == 0)
			return true;
	return false;
}

struct group {
	size_t targets, of_environment, of_twin;
};

static int read_group(const struct target_env *env, const char *arn,
		      const struct beanstalk_resources *environment,
		      const struct beanstalk_resources *twin, struct group *g, struct err *err)
{
	struct elbv2_target_health *list;
	size_t n;

	*g = (struct group){.targets = 0};
	if (elbv2_describe_target_health(&env->client, arn, env->arena, &list, &n, err))
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (list[i].state == ELBV2_DRAINING)
			continue;
		g->targets++;
		g->of_environment += is_among(&environment->instances, list[i].id);
		g->of_twin += is_among(&twin->instances, list[i].id);
	}
	return 0;
}

/* Nothing but one environment's instances; none at all is nobody's. */
static bool is_all(size_t n, const struct group *g)
{
	return g->targets > 0 && n == g->targets;
}

static void check_groups(const struct bean_record *r, const struct group *baseline,
			 const struct group *candidate, const struct beanstalk_environment *e,
			 const struct beanstalk_environment *twin, struct problems *p)
{
	if (!is_all(baseline->of_environment, baseline) && !is_all(baseline->of_twin, baseline))
		problem_add(p, "Target", r->lb.baseline,
			    "it holds %zu targets, %zu of %s and %zu of %s: the group of one "
			    "environment has that one's instances alone",
			    baseline->targets, baseline->of_environment, e->name, baseline->of_twin,
			    twin->name);
	/* scaled in to nothing is fine; anybody else's is not */
	else if (candidate->targets > 0 &&
		 !is_all(is_all(baseline->of_environment, baseline) ? candidate->of_twin
								    : candidate->of_environment,
			 candidate))
		problem_add(p, "Target", r->lb.candidate,
			    "it holds %zu targets, %zu of %s and %zu of %s: the group of one "
			    "environment has that one's instances alone",
			    candidate->targets, candidate->of_environment, e->name,
			    candidate->of_twin, twin->name);
}

static int check_rule(const struct target_env *env, const struct bean_record *r, struct problems *p,
		      struct err *err)
{
	struct lb_forward f;

	if (lb_read_forward(env, r->lb.resource, &f, err))
		return -1;
	if (!lb_has_group(&f, r->lb.candidate))
		problem_add(p, "Target", r->lb.resource,
			    "it does not forward to both environments: one that Beanstalk made is "
			    "Beanstalk's to change; make one of your own, with both groups, the "
			    "idle one at weight 0");
	return 0;
}

int bean_balancer_inspect(const struct target_env *env, const struct bean_look *l,
			  struct bean_record *r, struct problems *p, struct err *err)
{
	const struct plan_beanstalk *t = &env->plan->target.beanstalk;
	const struct beanstalk_environment *e = beanstalk_find_name(l->all, l->n, t->environment);
	const struct beanstalk_environment *twin = beanstalk_find_name(l->all, l->n, t->twin);
	struct beanstalk_resources of_e, of_twin;
	struct group baseline, candidate;
	size_t before = p->n_errors;

	if (!e || !twin)
		problem_add(p, "Target", e ? t->twin : t->environment,
			    "application %s has no such environment", t->application);
	if (!e || !twin || lb_inspect(env, &env->plan->target.lb, &r->lb, p, err))
		return e && twin ? -1 : 0;
	if (p->n_errors > before)
		return 0;
	if (check_rule(env, r, p, err) ||
	    beanstalk_describe_resources(&env->client, e->id, env->arena, &of_e, err) ||
	    beanstalk_describe_resources(&env->client, twin->id, env->arena, &of_twin, err) ||
	    read_group(env, r->lb.baseline, &of_e, &of_twin, &baseline, err) ||
	    read_group(env, r->lb.candidate, &of_e, &of_twin, &candidate, err))
		return -1;
	check_groups(r, &baseline, &candidate, e, twin, p);
	if (is_all(baseline.of_twin, &baseline)) {
		r->baseline = twin->id;
		r->twin = e->id;
	} else {
		r->baseline = e->id;
		r->twin = twin->id;
	}
	return 0;
}
