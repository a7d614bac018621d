#include <string.h>

#include "worker/target/auto_scaling.h"

/*
 * The candidate's group, ready to be scaled up. A copy is created empty: what a description does
 * not hold (policies, schedules, notifications, metrics) is there before its first instance starts,
 * and nothing of it can act yet. All of that is written again until the group is scaled up: the
 * same once more changes nothing.
 */

static const char *number(struct arena *a, int64_t n)
{
	return arena_printf(a, "%lld", (long long)n);
}

static struct asg_template template_of(struct arena *a, const struct as_world *w)
{
	return (struct asg_template){.id = w->r.template_id, .version = number(a, w->c.version)};
}

/* --- a copy ---------------------------------------------------------------------------------- */

static int create(const struct target_env *env, const struct rollout_state *s, struct as_world *w,
		  struct err *err)
{
	const struct asg_tag tags[] = {{AS_TAG_GROUP, w->r.base, false},
				       {AS_TAG_ROLLOUT, s->id, false}};
	struct asg_create c = {.name = w->name,
			       .from = &w->live,
			       .launch_template = template_of(env->arena, w),
			       .max = w->r.size.max,
			       /* with "ELB" it would end its own instances while they start */
			       .health_check_type = "EC2",
			       .target_group = w->r.lb.candidate,
			       .more_tags = tags,
			       .n_more_tags = 2};

	if (asg_describe_hooks(&env->client, w->live.name, env->arena, &c.hooks, err))
		return -1;
	/* somebody was faster, this rollout itself most likely: the look says whose it is */
	if (asg_create_group(&env->client, &c, env->arena, err) && err->code != ERR_CONFLICT)
		return -1;
	*err = ERR_INIT;
	return as_read_candidate(env, s, w, err);
}

static int copy_policies(const struct target_env *env, const struct as_world *w, struct err *err)
{
	const struct form_swap swaps[] = {
		{str_dup(env->arena, elbv2_target_group_dimension(w->r.lb.baseline)),
		 str_dup(env->arena, elbv2_target_group_dimension(w->r.lb.candidate)), true},
		{w->live.name, w->name, false},
	};
	const struct form_swaps all = {swaps, 2};
	struct asg_part *policies;
	size_t n;

	if (asg_describe_policies(&env->client, w->live.name, env->arena, &policies, &n, err))
		return -1;
	for (size_t i = 0; i < n; i++)
		if (asg_put_policy(&env->client, w->name, &policies[i], &all, env->arena, err))
			return -1;
	return 0;
}

static int copy_schedules(const struct target_env *env, const struct as_world *w, struct err *err)
{
	struct utc now = clock_utc(env->client.aws->clock), start;
	struct asg_part *actions;
	size_t n;

	if (asg_describe_schedules(&env->client, w->live.name, env->arena, &actions, &n, err))
		return -1;
	for (size_t i = 0; i < n; i++) {
		const struct asg_part *x = &actions[i];
		bool later =
			x->start && utc_parse_iso(str_from(x->start), &start) && start.ms > now.ms;

		/* a start in the past is refused: one time only is over, others go on */
		if (!later && !x->is_recurring)
			continue;
		if (asg_put_schedule(&env->client, w->name, x, later, env->arena, err))
			return -1;
	}
	return 0;
}

static int copy_parts(const struct target_env *env, const struct as_world *w, struct err *err)
{
	struct asg_part *notes;
	size_t n;

	if (copy_policies(env, w, err) || copy_schedules(env, w, err) ||
	    asg_describe_notifications(&env->client, w->live.name, env->arena, &notes, &n, err))
		return -1;
	if (asg_put_notifications(&env->client, w->name, notes, n, env->arena, err))
		return -1;
	return asg_copy_metrics(&env->client, w->name, &w->live, env->arena, err);
}

static int make_copy(const struct target_env *env, const struct rollout_state *s,
		     struct as_world *w, struct err *err)
{
	if (!w->candidate.name && create(env, s, w, err))
		return -1;
	if (!w->candidate.name)
		return 0; /* created, but not to be seen yet */
	if (w->candidate.desired > 0)
		return 0; /* all of it was there before that */
	if (as_hold(env, &w->candidate, err))
		return -1;
	return copy_parts(env, w, err);
}

/* --- a twin ---------------------------------------------------------------------------------- */

static bool has_target_group(const struct asg_group *g, const char *arn)
{
	for (size_t i = 0; i < g->n_target_groups; i++)
		if (!strcmp(g->target_groups[i], arn))
			return true;
	return false;
}

static int make_twin(const struct target_env *env, struct as_world *w, struct err *err)
{
	struct asg_update u = {.min = -1,
			       .max = -1,
			       .desired = -1,
			       .health_check_type = "EC2",
			       .launch_template = template_of(env->arena, w),
			       .of = &w->candidate};
	struct asg_group *g = &w->candidate;

	if (!g->name)
		return err_set(err, ERR_REJECTED, "the twin %s is not there any more", w->name);
	if (g->desired > 0)
		return 0;
	if (as_hold(env, g, err))
		return -1;
	if (!has_target_group(g, w->r.lb.candidate) &&
	    asg_attach_target_group(&env->client, g->name, w->r.lb.candidate, env->arena, err))
		return -1;
	return asg_update_group(&env->client, g->name, &u, env->arena, err);
}

int as_make_ready(const struct target_env *env, const struct rollout_state *s, struct as_world *w,
		  struct err *err)
{
	return w->r.twin ? make_twin(env, w, err) : make_copy(env, s, w, err);
}
