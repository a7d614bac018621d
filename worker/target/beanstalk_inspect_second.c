#include "worker/target/beanstalk.h"

#include <string.h>

#include "aws/route53.h"

/*
 * The first look at the second environment: the standing twin, or the name and CNAME of the clone
 * that will be created.
 */

/* What follows the first label: two formats exist, with and without the region. */
static struct str domain_of(const char *cname)
{
	struct str rest = str_from(cname), label;

	str_next(&rest, '.', &label);
	return rest;
}

static void check_formats(const struct target_env *env, const struct beanstalk_environment *live,
			  const char *other, const char *name, struct problems *p)
{
	if (!str_is_nocase(domain_of(other), str_dup(env->arena, domain_of(live->cname))))
		problem_add(p, "Target", name,
			    "its CNAME %s and the live one's %s are of different formats, which "
			    "cannot be exchanged: create an environment anew in the newer format",
			    other, live->cname);
}

/* --- a clone --------------------------------------------------------------------------------- */

/* Names are unique in a region and account, whatever the application. */
static int check_name(const struct target_env *env, const char *name, struct problems *p,
		      struct err *err)
{
	const char *const names[] = {name};
	const struct beanstalk_filter filter = {.names = names, .n_names = 1};
	struct beanstalk_environment *list;
	size_t n;

	if (beanstalk_describe_environments(&env->client, &filter, env->arena, &list, &n, err))
		return -1;
	if (beanstalk_find_name(list, n, name))
		problem_add(p, "Target", name,
			    "an environment of this name, which the candidate would get, exists "
			    "already: terminate it first");
	return 0;
}

/* One that is being launched beside the live one is another rollout's candidate. */
static void check_launching(const struct bean_look *l, struct problems *p)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->all[i].status == BEANSTALK_LAUNCHING &&
		    bean_is_clone_name(str_from(l->all[i].name)))
			problem_busy(p, "Target", l->all[i].name,
				     "this environment is being launched, by another rollout as "
				     "its name says: wait until that is over");
}

static int inspect_clone(const struct target_env *env, const struct beanstalk_environment *live,
			 struct bean_record *r, struct problems *p, struct err *err)
{
	const char *prefix = env->plan->target.beanstalk.cname_prefix, *fqdn = NULL;
	char name[BEAN_NAME_SIZE];
	bool is_available;

	bean_clone_name(live->name, env->rollout_id ? env->rollout_id : "", name);
	r->candidate = arena_strdup(env->arena, name);
	if (!prefix)
		prefix = r->candidate;
	if (check_name(env, r->candidate, p, err) ||
	    beanstalk_check_dns(&env->client, prefix, env->arena, &is_available, &fqdn, err))
		return -1;
	if (!is_available)
		problem_add(p, "Target", prefix,
			    "this CNAME prefix is taken, perhaps by the environment that was live "
			    "before: write another cname_prefix, or leave it out");
	else if (fqdn)
		check_formats(env, live, fqdn, r->candidate, p);
	return 0;
}

/* --- a twin ---------------------------------------------------------------------------------- */

static const struct beanstalk_environment *find_twin(const struct target_env *env,
						     const struct beanstalk_environment *live,
						     const struct bean_look *l,
						     const struct bean_record *r)
{
	const struct plan_beanstalk *t = &env->plan->target.beanstalk;

	if (r->method == BEANSTALK_BY_LOAD_BALANCER)
		return beanstalk_find_id(l->all, l->n, r->twin);
	/* whichever of the two is not live */
	return beanstalk_find_name(l->all, l->n,
				   strcmp(live->name, t->twin) == 0 ? t->environment : t->twin);
}

static void check_alike(const struct target_env *env, const struct beanstalk_environment *live,
			const struct beanstalk_environment *twin, struct problems *p)
{
	const char *a = live->solution_stack ? live->solution_stack : "";
	const char *b = twin->solution_stack ? twin->solution_stack : "";

	if (env->plan->target.beanstalk.method == BEANSTALK_BY_SWAP) {
		if (!twin->cname)
			problem_add(p, "Target", twin->name,
				    "it has no CNAME that could be exchanged");
		else
			check_formats(env, live, twin->cname, twin->name, p);
	}
	if (strcmp(a, b) != 0)
		problem_warn(p, "Target", twin->name,
			     "its platform is %s, the live one's %s: more than the version differs",
			     b, a);
}

static int inspect_twin(const struct target_env *env, const struct beanstalk_environment *live,
			const struct bean_look *l, struct bean_record *r, struct problems *p,
			struct err *err)
{
	const struct beanstalk_environment *twin = find_twin(env, live, l, r);
	struct beanstalk_settings settings;

	if (!twin) {
		problem_add(p, "Target", env->plan->target.beanstalk.twin,
			    "application %s has no such environment beside %s", r->application,
			    live->name);
		return 0;
	}
	r->twin = twin->id;
	r->candidate = twin->name;
	check_alike(env, live, twin, p);
	if (bean_inspect_is_busy(env, twin, p))
		return 0;
	if (bean_inspect_settled(env, twin, &settings, p, err))
		return -1;
	bean_inspect_no_database(twin, &settings, p);
	if (r->max > 0) {
		r->twin_min = bean_option_i64(&settings, BEAN_NS_ASG, "MinSize", 1);
		r->twin_max = bean_option_i64(&settings, BEAN_NS_ASG, "MaxSize", 4);
	}
	return 0;
}

/* --- either ---------------------------------------------------------------------------------- */

/* Without what Route 53 puts in front of, and behind, the name of a load balancer. */
static struct str bare(const char *name)
{
	struct str s = str_from(name);

	if (str_starts(s, "dualstack."))
		s = str_sub(s, strlen("dualstack."), s.n);
	return str_ends(s, ".") ? str_sub(s, 0, s.n - 1) : s;
}

static bool names(const struct route53_record *r, const char *endpoint)
{
	bool yes = r->alias && str_is_nocase(bare(r->alias), endpoint);

	for (size_t i = 0; i < r->n_values && !yes; i++)
		yes = str_is_nocase(bare(r->values[i]), endpoint);
	return yes;
}

/* Who names the load balancer itself is not moved by an exchange of CNAMEs. */
static int check_aliases(const struct target_env *env, const struct beanstalk_environment *live,
			 const struct bean_record *r, struct problems *p, struct err *err)
{
	const char *zone = env->plan->target.beanstalk.hosted_zone;
	struct route53_record *records;
	size_t n;

	if (r->method != BEANSTALK_BY_SWAP)
		return 0;
	if (!zone) {
		problem_warn(p, "Target", live->name,
			     "a Route 53 alias that names its load balancer would not move with "
			     "the CNAME; say hosted_zone to have that checked");
		return 0;
	}
	if (route53_list_records(&env->client, zone, env->arena, &records, &n, err))
		return -1;
	for (size_t i = 0; i < n && live->endpoint_url; i++)
		if (names(&records[i], live->endpoint_url))
			problem_add(p, "Target", records[i].name,
				    "this %s record names %s itself, the load balancer or address "
				    "of %s, which an exchange of CNAMEs does not move: let it name "
				    "%s",
				    records[i].type, live->endpoint_url, live->name, live->cname);
	return 0;
}

int bean_inspect_second(const struct target_env *env, const struct beanstalk_environment *live,
			const struct bean_look *l, struct bean_record *r, struct problems *p,
			struct err *err)
{
	if (r->method == BEANSTALK_BY_SWAP && !r->cname[0])
		return 0;
	if (check_aliases(env, live, r, p, err))
		return -1;
	if (r->max == 0 && env->plan->target.beanstalk.retire == BEANSTALK_SCALE_IN)
		problem_warn(p, "Target", live->name,
			     "it is a single instance, which cannot be scaled in: it is kept");
	if (env->plan->target.beanstalk.twin)
		return inspect_twin(env, live, l, r, p, err);
	check_launching(l, p);
	return inspect_clone(env, live, r, p, err);
}
