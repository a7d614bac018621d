#include "worker/target/claims.h"
#include "worker/target/load_balancer.h"

/*
 * A load balancer's listener or rule: traffic is split by the weights of its forward action between
 * two target groups that somebody else filled. All of it is what every kind of target that moves
 * weights does (load_balancer_traffic.c); here is only whose record it is.
 */

static int claims(const struct target_env *env, const char *undo, struct target_claims *c,
		  struct err *err)
{
	struct lb_record r;

	claims_add(env, c, env->plan->target.lb.resource_arn);
	if (!undo[0])
		return 0;
	if (lb_record_load(env->arena, undo, &r, err))
		return -1;
	claims_add(env, c, r.resource);
	return 0;
}

static int inspect(const struct target_env *env, char undo[LIMIT_UNDO + 1], bool *first,
		   struct problems *p, struct err *err)
{
	size_t before = p->n_errors;
	struct lb_record r;

	*first = false;
	if (lb_inspect(env, &env->plan->target.lb, &r, p, err))
		return -1;
	return p->n_errors > before ? 0 : lb_record_store(&r, undo, err);
}

static int observe(const struct target_env *env, const struct rollout_state *s,
		   struct target_observation *o, struct err *err)
{
	struct lb_record r;

	*o = (struct target_observation){.baseline_health.kind = VERDICT_UNKNOWN, .retired = true};
	if (lb_record_load(env->arena, s->undo, &r, err))
		return lb_unreadable(o, err);
	return lb_observe(env, s, &r, o, err);
}

static int prepare(const struct target_env *env, const struct rollout_state *s,
		   char candidate[LIMIT_CANDIDATE + 1], struct err *err)
{
	struct lb_record r;

	if (lb_record_load(env->arena, s->undo, &r, err) || lb_prepare(env, &r, err))
		return -1;
	/* the group's own name; its ARN is in the undo record */
	return lb_candidate_store(&r, candidate, err);
}

static int split(const struct target_env *env, const struct rollout_state *s,
		 const struct target_observation *o, const struct traffic *want, struct err *err)
{
	struct lb_record r;

	if (lb_record_load(env->arena, s->undo, &r, err))
		return -1;
	return lb_split(env, &r, o, want, err);
}

static int promote(const struct target_env *env, const struct rollout_state *s,
		   const struct target_observation *o, struct err *err)
{
	return split(env, s, o, &(struct traffic){.weight_bp = 10000}, err);
}

static int restore(const struct target_env *env, const struct rollout_state *s,
		   const struct target_observation *o, struct err *err)
{
	struct lb_record r;

	if (lb_record_load(env->arena, s->undo, &r, err))
		return -1;
	return lb_restore(env, &r, o, err);
}

/* The target groups are somebody else's: both stay, the old one reachable at weight 0. */
static int retire(const struct target_env *env, const struct rollout_state *s,
		  const struct target_observation *o, struct err *err)
{
	(void)env;
	(void)s;
	(void)o;
	(void)err;
	return 0;
}

static size_t series(const struct target_env *env, const struct rollout_state *s, bool candidate,
		     const char **ns, const char *names[PLAN_DIMENSIONS_MAX],
		     const char *values[PLAN_DIMENSIONS_MAX])
{
	struct err err = ERR_INIT;
	struct lb_record r;

	if (lb_record_load(env->arena, s->undo, &r, &err))
		return 0;
	return lb_series(env, &r, candidate, ns, names, values);
}

static void calls(const struct plan *plan, struct arena *a,
		  void (*add)(void *arg, const struct target_call *c), void *arg)
{
	lb_calls(plan->target.lb.resource_arn, a, add, arg);
	lb_segment_calls(plan, a, add, arg);
}

const struct target_ops target_load_balancer = {
	.name = "load_balancer",
	.claims = claims,
	.inspect = inspect,
	.observe = observe,
	.prepare = prepare,
	.split = split,
	.promote = promote,
	.restore = restore,
	.retire = retire,
	.series = series,
	.calls = calls,
};
