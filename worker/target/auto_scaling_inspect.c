#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "aws/ec2.h"
#include "worker/target/auto_scaling.h"

/*
 * The first look: whatever would stop the rollout half-way, start the wrong version on one side, or
 * leave nothing to go back to is said before anything is touched.
 */
#define DRAIN_MOST_S (20 * 60) /* retiring as a whole has 30 minutes */

struct looking {
	const struct target_env *env;
	const struct plan_auto_scaling *t;
	struct problems *p;
	struct as_found *found;
};

static void PRINTF_LIKE(3, 4) say(const struct looking *l, const char *value, const char *fmt, ...)
{
	va_list ap;
	char text[400];

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	problem_add(l->p, "Target", value, "%s", text);
}

/* --- any of the two groups ------------------------------------------------------------------- */

static void check_processes(const struct looking *l, const struct asg_group *g)
{
	static const char *const needed[] = {"Launch", "Terminate", "AddToLoadBalancer"};

	for (size_t i = 0; i < 3; i++)
		if (asg_is_suspended(g, needed[i]))
			say(l, g->name,
			    "its process %s is suspended, without which no instance would come or "
			    "go: resume it first",
			    needed[i]);
}

static bool is_number(const char *version)
{
	int64_t n;

	return version && str_parse_i64(str_from(version), 1, INT64_MAX, &n);
}

/*
 * The newest version is the candidate's as soon as there is one: a group that follows it would
 * start the new release among the old.
 */
static void check_template(const struct looking *l, const struct asg_group *g)
{
	const struct asg_template *t = &g->launch_template;

	if (g->launch_configuration || (!t->id && !t->name))
		say(l, g->name,
		    "it has no launch template, of which a new version could be made; give it one "
		    "in the place of its launch configuration");
	else if (!is_number(t->version))
		say(l, g->name,
		    "it starts version %s of its launch template: the new release would start "
		    "among the old, and nothing could be gone back to; give it a version number",
		    t->version ? t->version : "$Default");
	if (g->overrides_template && l->t->install != ASG_INSTALL_COMMAND)
		say(l, g->name,
		    "an override of its mixed instances policy has a launch template or an image "
		    "of its own, which the new version would not reach");
}

static void check_group(const struct looking *l, const struct asg_group *g)
{
	if (g->operator_principal)
		say(l, g->name, "it is managed by %s, which refuses changes by others",
		    g->operator_principal);
	if (g->capacity_type && strcmp(g->capacity_type, "units") != 0)
		say(l, g->name, "its capacity is counted in %s; only units can be sized by weight",
		    g->capacity_type);
	if (g->n_other_sources)
		say(l, g->name,
		    "it is attached to a Classic Load Balancer or VPC Lattice as well, whose "
		    "traffic could not be moved");
	if (g->has_warm_pool)
		say(l, g->name,
		    "it has a warm pool, whose instances would be of another version; delete it");
	check_processes(l, g);
	check_template(l, g);
}

static int check_refresh(const struct looking *l, const struct asg_group *g, struct err *err)
{
	bool is;

	if (asg_is_refreshing(&l->env->client, g->name, l->env->arena, &is, err))
		return -1;
	if (is)
		problem_busy(l->p, "Target", g->name,
			     "an instance refresh is going on; wait for it, or cancel it");
	return 0;
}

/* --- the live one ---------------------------------------------------------------------------- */

static void check_protection(const struct looking *l, const struct asg_group *g)
{
	bool protected = g->protects_new;

	for (size_t i = 0; i < g->n_instances; i++)
	protected = protected || g->instances[i].is_protected;
	if (protected && (l->t->retire != ASG_RETIRE_KEEP || g->protects_new))
		say(l, g->name,
		    "instances of it are protected from scale-in, so that it could not be scaled "
		    "in, nor a copy of it; take that away, or choose retire: keep with protection "
		    "for single instances only");
	if (l->t->retire == ASG_RETIRE_DELETE && g->deletion_protection &&
	    !strcmp(g->deletion_protection, AS_NO_DELETION))
		say(l, g->name, "it is protected from deletion; choose retire: scale_in or keep");
}

static void check_instances(const struct looking *l, const struct asg_group *g)
{
	int64_t least = l->env->plan->target.lb.min_healthy;
	size_t others = 0;

	for (size_t i = 0; i < g->n_instances; i++) {
		const char *version = g->instances[i].launch_template.version;

		others += !version || (g->launch_template.version &&
				       strcmp(version, g->launch_template.version) != 0);
	}
	if (others)
		problem_warn(l->p, "Target", g->name,
			     "%zu of its %zu instances run another version than the group starts: "
			     "the baseline is mixed",
			     others, g->n_instances);
	if (g->desired == 0)
		say(l, g->name, "it has no capacity: there would be nothing to go back to");
	else if (least > g->desired)
		say(l, g->name, "min_healthy is %lld, more than its capacity of %lld",
		    (long long)least, (long long)g->desired);
	if (g->n_target_groups > 1)
		say(l, g->name,
		    "it is attached to %zu target groups; the traffic of one can be moved",
		    g->n_target_groups);
}

/* A copy gets policies, but not the alarms that people made to point at them. */
static int check_parts(const struct looking *l, const struct asg_group *g, struct err *err)
{
	const struct target_env *env = l->env;
	struct asg_part *policies, *schedules;
	size_t n, n_schedules;

	if (asg_describe_policies(&env->client, g->name, env->arena, &policies, &n, err) ||
	    asg_describe_schedules(&env->client, g->name, env->arena, &schedules, &n_schedules,
				   err))
		return -1;
	for (size_t i = 0; i < n && !l->t->twin; i++)
		if (policies[i].has_alarms && (!strcmp(policies[i].type, "StepScaling") ||
					       !strcmp(policies[i].type, "SimpleScaling")))
			say(l, g->name,
			    "its policy %s (%s) is driven by alarms, which a copy would not have; "
			    "use target tracking, or a standing twin",
			    policies[i].name, policies[i].type);
	if (l->t->install != ASG_INSTALL_COMMAND || l->t->later_without)
		return 0;
	if (n + n_schedules > 0)
		say(l, g->name,
		    "it scales by itself, and instances that start after the rollout would not get "
		    "the command: use an image or user data, or say later_instances: without");
	else
		problem_warn(l->p, "Target", g->name,
			     "an instance that is replaced after the rollout does not get the "
			     "command");
	return 0;
}

static int check_live(const struct looking *l, struct err *err)
{
	const struct asg_group *g = &l->found->live;

	check_group(l, g);
	check_protection(l, g);
	check_instances(l, g);
	return check_parts(l, g, err) || check_refresh(l, g, err) ? -1 : 0;
}

/* --- the twin -------------------------------------------------------------------------------- */

static int check_twin(const struct looking *l, const struct lb_record *lb, struct err *err)
{
	const struct asg_group *g = &l->found->twin;
	struct asg_part *schedules;
	size_t n;

	if (!g->name)
		return 0;
	check_group(l, g);
	if (g->desired > 0 || g->n_instances > 0)
		say(l, g->name,
		    "the twin has %zu instances and wants %lld; it must be empty, as its instances "
		    "are of another version: scale it in first (retire: scale_in does)",
		    g->n_instances, (long long)g->desired);
	if (g->protects_new)
		say(l, g->name, "its instances are protected from scale-in; take that away");
	for (size_t i = 0; i < g->n_target_groups; i++)
		if (strcmp(g->target_groups[i], lb->candidate) != 0)
			say(l, g->name, "the twin is attached to %s, and %s is the candidate's",
			    g->target_groups[i], lb->candidate);
	if (asg_describe_schedules(&l->env->client, g->name, l->env->arena, &schedules, &n, err))
		return -1;
	if (n > 0)
		problem_warn(l->p, "Target", g->name,
			     "the twin has scheduled actions; they start instances in it whether "
			     "or not it serves");
	return check_refresh(l, g, err);
}

/* --- what is around them --------------------------------------------------------------------- */

static int64_t seconds_of(const struct elbv2_attribute *attributes, size_t n, const char *key)
{
	const char *text = elbv2_attribute_get(attributes, n, key);
	int64_t s = 0;

	return text && str_parse_i64(str_from(text), 0, INT32_MAX, &s) ? s : 0;
}

static int check_baseline_group(const struct looking *l, const struct lb_record *lb,
				struct err *err)
{
	struct elbv2_attribute *attributes;
	int64_t drain;
	size_t n;

	if (l->t->retire == ASG_RETIRE_KEEP)
		return 0;
	if (elbv2_describe_target_group_attributes(&l->env->client, lb->baseline, l->env->arena,
						   &attributes, &n, err))
		return -1;
	drain = seconds_of(attributes, n, "deregistration_delay.timeout_seconds");
	if (drain > DRAIN_MOST_S)
		say(l, lb->baseline,
		    "its deregistration delay is %llds; the old group is waited for %ds at most: "
		    "make it shorter, or choose retire: keep",
		    (long long)drain, DRAIN_MOST_S);
	if (lb->stickiness.enabled && lb->stickiness.duration_s * 1000 > l->env->plan->bake_ms)
		say(l, lb->resource,
		    "group stickiness keeps clients on the old group for up to %llds after its "
		    "weight is 0: bake as long, or choose retire: keep",
		    (long long)lb->stickiness.duration_s);
	return 0;
}

/* A target that slowly gets its share is no measure for the whole. */
static void check_slow_start(const struct looking *l, const char *group, int64_t slow_s)
{
	const struct plan *plan = l->env->plan;

	for (size_t i = 0; slow_s > 0 && i < plan->n_steps; i++) {
		int64_t watched = plan->steps[i].watch_ms;

		if (i + 1 == plan->n_steps)
			watched += plan->bake_ms;
		if (watched < slow_s * 1000)
			say(l, group,
			    "new targets get their share over %llds (slow start), longer than step "
			    "%zu is watched",
			    (long long)slow_s, i + 1);
	}
}

static int check_candidate_group(const struct looking *l, const struct lb_record *lb,
				 struct err *err)
{
	const struct target_env *env = l->env;
	struct elbv2_target_health *targets;
	struct elbv2_attribute *attributes;
	struct elbv2_target_group *group;
	size_t n, n_attributes, used = 0;

	if (elbv2_describe_target_groups(&env->client, &lb->candidate, 1, env->arena, &group,
					 err) ||
	    elbv2_describe_target_health(&env->client, lb->candidate, env->arena, &targets, &n,
					 err) ||
	    elbv2_describe_target_group_attributes(&env->client, lb->candidate, env->arena,
						   &attributes, &n_attributes, err))
		return -1;
	if (group->target_type && strcmp(group->target_type, "instance") != 0)
		say(l, lb->candidate,
		    "its targets are of type %s; Auto Scaling registers instances",
		    group->target_type);
	if (!group->health_check_enabled)
		say(l, lb->candidate, "its health checks are off: nothing would ever be healthy");
	for (size_t i = 0; i < n; i++)
		used += targets[i].state != ELBV2_DRAINING;
	if (used)
		say(l, lb->candidate,
		    "%zu targets are registered with it already, %s for one; the candidate's alone "
		    "may be in it: take them out (retire: scale_in or delete does)",
		    used, targets[0].id);
	check_slow_start(l, lb->candidate,
			 seconds_of(attributes, n_attributes, "slow_start.duration_seconds"));
	return 0;
}

/* Does the version exist; and by which id is its template known. */
static int read_template(const struct looking *l, struct as_record *r, struct err *err)
{
	const struct asg_group *g = l->found->twin.name ? &l->found->twin : &l->found->live;
	struct ec2_template t = {.id = g->launch_template.id, .name = g->launch_template.name};
	struct ec2_template_version v;

	if (!is_number(g->launch_template.version) || (!t.id && !t.name))
		return 0; /* said already */
	if (ec2_describe_template_version(&l->env->client, &t, g->launch_template.version,
					  l->env->arena, &v, err)) {
		if (err->code != ERR_NOT_FOUND && err->code != ERR_REJECTED)
			return -1;
		say(l, g->name, "its launch template: %s", err->text);
		*err = ERR_INIT;
		return 0;
	}
	r->template_id = v.id ? v.id : t.id;
	r->template_version = v.number;
	if (!r->template_id)
		say(l, g->name, "its launch template %s has no id", t.name);
	if (v.image_id && str_starts(str_from(v.image_id), "resolve:ssm:"))
		problem_warn(l->p, "Target", g->name,
			     "its image is read from a parameter (%s) at each start: what starts "
			     "may change without a new version",
			     v.image_id);
	return 0;
}

/* --- all of it ------------------------------------------------------------------------------- */

static struct as_size size_of(const struct asg_group *g)
{
	return (struct as_size){.min = g->min, .max = g->max, .desired = g->desired};
}

static void fill_in(const struct looking *l, struct as_record *r)
{
	const struct asg_group *live = &l->found->live, *twin = &l->found->twin;

	r->live = live->name;
	r->base = l->t->group;
	r->size = size_of(live);
	r->suspended = as_suspended(live);
	if (!twin->name)
		return;
	r->twin = twin->name;
	r->twin_size = size_of(twin);
	r->twin_suspended = as_suspended(twin);
	r->twin_health_check = as_health_check(twin);
}

/* Names that lead nowhere are the plan's problem, not a failure to read. */
static int as_problem(const struct looking *l, struct err *err)
{
	if (err->code != ERR_REJECTED && err->code != ERR_NOT_FOUND)
		return -1;
	say(l, l->t->group, "%s", err->text);
	*err = ERR_INIT;
	return 0;
}

int as_inspect(const struct target_env *env, char undo[LIMIT_UNDO + 1], bool *first,
	       struct problems *p, struct err *err)
{
	struct as_found found;
	struct looking l = {env, &env->plan->target.auto_scaling, p, &found};
	size_t before = p->n_errors;
	struct as_record r = {0};
	bool is_found;

	*first = false;
	if (as_install_check(env, p, err))
		return -1;
	if (as_find(env, &found, &is_found, p, err))
		return as_problem(&l, err);
	if (!is_found)
		return 0;
	if (found.busy) {
		problem_busy(p, "Target", found.live.name, "%s: wait until that is over",
			     found.busy);
		return 0;
	}
	fill_in(&l, &r);
	if (check_live(&l, err) || lb_inspect(env, &found.choice, &r.lb, p, err) ||
	    read_template(&l, &r, err))
		return as_problem(&l, err);
	/* without a candidate's target group there is no more to be looked at */
	if (!r.lb.candidate)
		return 0;
	if (check_twin(&l, &r.lb, err) || check_baseline_group(&l, &r.lb, err) ||
	    check_candidate_group(&l, &r.lb, err))
		return as_problem(&l, err);
	return p->n_errors > before ? 0 : as_record_store(&r, undo, err);
}
