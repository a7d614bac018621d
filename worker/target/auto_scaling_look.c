#include "worker/target/auto_scaling.h"

#include <stdio.h>
#include <string.h>

/* What the two groups are like now, and whether the candidate can serve. */

/* A copy is known by its name and by the rollout it says it is of. */
static void take_candidate(struct as_world *w, const struct asg_group *g, const char *rollout_id)
{
	const char *id = g->name ? asg_tag_get(g, AS_TAG_ROLLOUT) : NULL;

	w->is_taken = g->name && !w->r.twin && (!id || strcmp(id, rollout_id) != 0);
	w->candidate = w->is_taken ? (struct asg_group){0} : *g;
}

int as_read(const struct target_env *env, const struct rollout_state *s, struct as_world *w,
	    struct err *err)
{
	const char *names[2];
	struct asg_group *groups;

	*w = (struct as_world){0};
	if (as_record_load(env->arena, s->undo, &w->r, err) ||
	    as_candidate_load(env->arena, s->candidate, &w->c, err))
		return -1;
	w->name = as_candidate_name(env->arena, &w->r, s->id);
	names[0] = w->r.live;
	names[1] = w->name;
	if (asg_describe_groups(&env->client, names, 2, env->arena, &groups, err))
		return -1;
	w->live = groups[0];
	take_candidate(w, &groups[1], s->id);
	return 0;
}

int as_read_candidate(const struct target_env *env, const struct rollout_state *s,
		      struct as_world *w, struct err *err)
{
	struct asg_group *g;

	if (asg_describe_groups(&env->client, &w->name, 1, env->arena, &g, err))
		return -1;
	take_candidate(w, g, s->id);
	return 0;
}

/* --- how much is needed ---------------------------------------------------------------------- */

/* The baseline as it is now; when it has been scaled in after the promotion, as it was. */
int64_t as_full(const struct as_world *w)
{
	int64_t now = w->live.name && w->live.max > 0 ? w->live.desired : 0;

	return now > 0 ? now : w->r.size.desired;
}

int64_t as_need(const struct plan *plan, const struct as_world *w, int step)
{
	int64_t full = as_full(w), need = full, least = plan->target.lb.min_healthy;

	/* nobody knows how many users a segment has */
	if (step >= 0 && (size_t)step < plan->n_steps && !rollout_traffic(plan, step).segments &&
	    plan->steps[step].weight_bp < 10000)
		need = (full * plan->steps[step].weight_bp + 9999) / 10000 +
		       plan->target.auto_scaling.headroom;
	if (need < least)
		need = least;
	/* never more than the baseline needs for everything */
	return need > full ? full : need;
}

/* --- health ---------------------------------------------------------------------------------- */

static const struct elbv2_target_health *target_of_instance(const struct elbv2_target_health *t,
							    size_t n, const char *id)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(t[i].id, id))
			return &t[i];
	return NULL;
}

static bool runs_version(const struct asg_instance *i, int64_t version)
{
	int64_t n;

	return i->launch_template.version &&
	       str_parse_i64(str_from(i->launch_template.version), 1, INT64_MAX, &n) &&
	       n == version;
}

/* What keeps this instance from counting; NULL: nothing. */
static const char *lacks(struct arena *a, const struct as_world *w, const struct asg_instance *i,
			 enum as_command command, const struct elbv2_target_health *target)
{
	if (!i->in_service)
		return arena_printf(a, "is %s", i->lifecycle);
	if (!runs_version(i, w->c.version))
		return "runs another version of the launch template";
	if (command == AS_COMMAND_NONE)
		return "has not got its command yet";
	if (command == AS_COMMAND_RUNNING)
		return "is running its command";
	if (command == AS_COMMAND_FAILED)
		return "failed its command";
	if (!target)
		return "is not registered with the target group";
	if (target->state == ELBV2_HEALTHY)
		return NULL;
	return arena_printf(a, "is %s%s%s in the target group", elbv2_health_name(target->state),
			    target->reason ? ": " : "", target->reason ? target->reason : "");
}

/* Where instances are missing, Auto Scaling may know why. */
static int say_launches(const struct target_env *env, const struct as_world *w, struct as_health *h,
			struct err *err)
{
	const char *why;

	if (asg_last_failure(&env->client, w->name, env->arena, &why, err))
		return -1;
	snprintf(h->text, sizeof(h->text), "%zu instances of %lld%s%.120s",
		 w->candidate.n_instances, (long long)w->candidate.desired,
		 why ? "; a launch failed: " : "", why ? why : "");
	return 0;
}

int as_read_health(const struct target_env *env, const struct rollout_state *s,
		   const struct as_world *w, struct as_health *h, struct err *err)
{
	const struct asg_group *g = &w->candidate;
	struct elbv2_target_health *targets;
	const char *why = NULL, *first = NULL;
	enum as_command *commands;
	size_t n;

	*h = (struct as_health){0};
	if (as_command_look(env, s, g, &commands, &why, err) ||
	    elbv2_describe_target_health(&env->client, w->r.lb.candidate, env->arena, &targets, &n,
					 err))
		return -1;
	for (size_t i = 0; i < g->n_instances; i++) {
		const struct asg_instance *x = &g->instances[i];
		const char *missing =
			lacks(env->arena, w, x, commands[i], target_of_instance(targets, n, x->id));

		h->failed = h->failed || commands[i] == AS_COMMAND_FAILED;
		h->n_uninstalled += x->in_service && commands[i] == AS_COMMAND_NONE;
		if (!missing)
			h->units += x->weight;
		else if (!first)
			first = arena_printf(env->arena, "%s %s", x->id, missing);
	}
	if (h->failed)
		snprintf(h->text, sizeof(h->text), "%.190s", why);
	else if (first)
		snprintf(h->text, sizeof(h->text), "%.190s", first);
	else if ((int64_t)g->n_instances < g->desired)
		return say_launches(env, w, h, err);
	return 0;
}
