#include "worker/target/beanstalk.h"
#include "worker/target/claims.h"

#include <string.h>

/*
 * Elastic Beanstalk: the candidate is a second environment, or the same one while Beanstalk splits
 * its traffic. Here is what the three ways have in common: the record is read, the way is the
 * record's, and what is learnt is written down.
 */
struct known {
	struct bean_record record;
	struct bean_candidate candidate;
	const struct bean_way *way;
};

static int know(const struct target_env *env, const struct rollout_state *s, struct known *k,
		struct err *err)
{
	static const struct bean_way *const ways[] = {
		[BEANSTALK_BY_SWAP] = &bean_by_swap,
		[BEANSTALK_BY_TRAFFIC_SPLITTING] = &bean_by_splitting,
		[BEANSTALK_BY_LOAD_BALANCER] = &bean_by_balancer,
	};

	if (bean_record_load(env->arena, s->undo, &k->record, err) ||
	    bean_candidate_load(env->arena, s->candidate, &k->candidate, err))
		return -1;
	k->way = ways[k->record.method];
	return 0;
}

/* CNAMEs are of any case. */
static void claim_cname(const struct target_env *env, struct target_claims *c, const char *cname)
{
	char *lower = cname ? arena_strdup(env->arena, cname) : NULL;

	if (!lower || !lower[0])
		return;
	for (char *p = lower; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	claims_add_name(env, c, "beanstalk", arena_printf(env->arena, "cname/%s", lower));
}

/* Names of environments are unique in an account and region; a clone's is the rollout's own. */
static int claims(const struct target_env *env, const char *undo, struct target_claims *c,
		  struct err *err)
{
	const struct plan_beanstalk *t = &env->plan->target.beanstalk;
	struct bean_record r;

	claims_add_name(env, c, "beanstalk", t->environment);
	claims_add_name(env, c, "beanstalk", t->twin);
	claim_cname(env, c, t->cname);
	claims_add(env, c, env->plan->target.lb.resource_arn);
	if (!undo[0])
		return 0;
	if (bean_record_load(env->arena, undo, &r, err))
		return -1;
	claims_add_name(env, c, "beanstalk", r.name);
	claims_add_name(env, c, "beanstalk", r.twin[0] ? r.candidate : NULL);
	claim_cname(env, c, r.method == BEANSTALK_BY_SWAP ? r.cname : NULL);
	if (r.method == BEANSTALK_BY_LOAD_BALANCER)
		claims_add(env, c, r.lb.resource);
	return 0;
}

static int inspect(const struct target_env *env, char undo[LIMIT_UNDO + 1], bool *first,
		   struct problems *p, struct err *err)
{
	size_t before = p->n_errors;
	struct bean_record r;

	*first = false;
	if (bean_inspect(env, &r, p, err))
		return -1;
	if (p->n_errors > before)
		return 0;
	if (bean_record_store(&r, undo, err)) {
		problem_add(p, "Target", r.name, "%s: shorten the names of application or version",
			    err->text);
		*err = ERR_INIT;
	}
	return 0;
}

static int observe(const struct target_env *env, const struct rollout_state *s,
		   struct target_observation *o, struct err *err)
{
	struct known k;

	*o = (struct target_observation){.candidate = CANDIDATE_READY,
					 .retired = true,
					 .baseline_health.kind = VERDICT_UNKNOWN};
	if (know(env, s, &k, err))
		return bean_unreadable(o, err);
	return k.way->observe(env, s, &k.record, &k.candidate, o, err);
}

static int prepare(const struct target_env *env, const struct rollout_state *s,
		   char candidate[LIMIT_CANDIDATE + 1], struct err *err)
{
	struct known k;

	if (know(env, s, &k, err) || k.way->prepare(env, s, &k.record, &k.candidate, err))
		return -1;
	return k.candidate.label[0] ? bean_candidate_store(&k.candidate, candidate, err) : 0;
}

static int split(const struct target_env *env, const struct rollout_state *s,
		 const struct target_observation *o, const struct traffic *want, struct err *err)
{
	struct known k;

	if (know(env, s, &k, err))
		return -1;
	return k.way->split(env, s, &k.record, &k.candidate, o, want, err);
}

static int promote(const struct target_env *env, const struct rollout_state *s,
		   const struct target_observation *o, struct err *err)
{
	struct known k;

	if (know(env, s, &k, err))
		return -1;
	return k.way->promote(env, s, &k.record, &k.candidate, o, err);
}

static int restore(const struct target_env *env, const struct rollout_state *s,
		   const struct target_observation *o, struct err *err)
{
	struct known k;

	if (know(env, s, &k, err))
		return -1;
	return k.way->restore(env, s, &k.record, &k.candidate, o, err);
}

static int retire(const struct target_env *env, const struct rollout_state *s,
		  const struct target_observation *o, struct err *err)
{
	struct known k;

	(void)o;
	if (know(env, s, &k, err))
		return -1;
	return k.way->retire(env, &k.record, err);
}

static int discard(const struct target_env *env, const struct rollout_state *s,
		   const struct target_observation *o, struct err *err)
{
	struct known k;

	(void)o;
	if (know(env, s, &k, err))
		return -1;
	return bean_discard(env, &k.record, err);
}

/* One environment has one series, which does not tell its two versions apart. */
static size_t series(const struct target_env *env, const struct rollout_state *s, bool candidate,
		     const char **ns, const char *names[PLAN_DIMENSIONS_MAX],
		     const char *values[PLAN_DIMENSIONS_MAX])
{
	struct err err = ERR_INIT;
	struct known k;

	if (know(env, s, &k, &err))
		return 0;
	if (k.record.method == BEANSTALK_BY_LOAD_BALANCER)
		return lb_series(env, &k.record.lb, candidate, ns, names, values);
	if (candidate && k.record.method == BEANSTALK_BY_TRAFFIC_SPLITTING)
		return 0;
	*ns = "AWS/ElasticBeanstalk";
	names[0] = "EnvironmentName";
	values[0] = candidate ? k.record.candidate : k.record.name;
	return 1;
}

/* An environment has a CNAME of its own, which an exchange gives another one to. */
static int address(const struct target_env *env, const struct rollout_state *s, const char **host,
		   struct err *err)
{
	struct bean_look l;
	struct known k;

	*host = NULL;
	if (know(env, s, &k, err) || bean_look(env, &k.record, &l, err))
		return -1;
	if (l.candidate)
		*host = l.candidate->cname ? l.candidate->cname : l.candidate->endpoint_url;
	return 0;
}

const struct target_ops target_beanstalk = {
	.name = "beanstalk",
	.claims = claims,
	.inspect = inspect,
	.check_artifact = bean_bundle_check,
	.observe = observe,
	.prepare = prepare,
	.split = split,
	.promote = promote,
	.restore = restore,
	.retire = retire,
	.discard = discard,
	.series = series,
	.address = address,
	.calls = bean_calls,
};
