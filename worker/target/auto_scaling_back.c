#include <string.h>

#include "worker/target/auto_scaling.h"

/*
 * The way back, and what is cleared up at either end. All of it is level-triggered: each call makes
 * the next change that is still missing, and a call that finds nothing to do does nothing.
 */

static const struct as_size nothing = {0, 0, 0};

/* Scaled in by us: nobody else leaves a group that served with room for nothing. */
static bool is_scaled_in(const struct asg_group *g)
{
	return g->max == 0;
}

/* --- restore --------------------------------------------------------------------------------- */

static unsigned candidate_suspended(const struct as_record *r)
{
	return r->twin ? r->twin_suspended : r->suspended;
}

bool as_is_restored(const struct as_world *w)
{
	if (w->live.name && (is_scaled_in(&w->live) || !as_is_released(&w->live, w->r.suspended)))
		return false;
	return !w->candidate.name || w->candidate.status ||
	       as_is_released(&w->candidate, candidate_suspended(&w->r));
}

/*
 * Nobody is to be sent where nothing serves: a baseline that was scaled in is brought back first,
 * and waited for while it starts and the candidate can serve. In any other case the weights go back
 * at once. That it cannot be told keeps nobody from going back.
 */
static bool is_starting(const struct target_env *env, const struct as_world *w)
{
	struct lb_health baseline, candidate;
	struct err err = ERR_INIT;

	if (!w->live.name || lb_read_health(env, w->r.lb.baseline, &baseline, &err) ||
	    lb_read_health(env, w->r.lb.candidate, &candidate, &err))
		return false;
	return baseline.healthy == 0 && candidate.healthy > 0 &&
	       (baseline.initial > 0 || baseline.unhealthy == 0);
}

/*
 * All traffic comes back: the baseline gets the size it had with it, where it has less now. That it
 * was scaled in is seen by its bounds; or it scaled in by itself, kept without traffic.
 */
static int give_size_back(const struct target_env *env, const struct as_world *w, bool undone,
			  struct err *err)
{
	const struct asg_group *g = &w->live;
	struct as_size size = w->r.size;

	if (!g->name || (!is_scaled_in(g) && (undone || g->desired >= size.desired)))
		return 0;
	if (!is_scaled_in(g)) {
		size.min = g->min;
		size.max = g->max > size.desired ? g->max : size.desired;
	}
	return as_resize(env, g->name, &size, err);
}

int as_restore(const struct target_env *env, const struct as_world *w,
	       const struct target_observation *o, struct err *err)
{
	struct lb_forward f;
	bool undone;

	if (lb_read_forward(env, w->r.lb.resource, &f, err))
		return -1;
	undone = lb_is_undone(&w->r.lb, &f);
	if (give_size_back(env, w, undone, err))
		return -1;
	/* a segment may be apart though the weights are back */
	if (w->r.lb.segments || !undone) {
		if (is_starting(env, w))
			return 0;
		if (lb_restore(env, &w->r.lb, o, err))
			return -1;
	}
	if (w->live.name && as_release(env, &w->live, w->r.suspended, err))
		return -1;
	if (w->candidate.name && !w->candidate.status)
		return as_release(env, &w->candidate, candidate_suspended(&w->r), err);
	return 0;
}

/* --- clearing up ----------------------------------------------------------------------------- */

/* Down to nothing; true in *done when nothing is left. Auto Scaling takes instances out of their
 * target group and waits for its deregistration delay before it ends them. */
static int scale_in(const struct target_env *env, const struct asg_group *g, bool *done,
		    struct err *err)
{
	*done = as_is_empty(g);
	if (g->max > 0 || g->desired > 0)
		return as_resize(env, g->name, &nothing, err);
	return 0;
}

/* Without force, so that nothing that still runs is cut off. Busy is no failure: the next look. */
static int delete_empty(const struct target_env *env, const struct asg_group *g, struct err *err)
{
	if (asg_delete_group(&env->client, g->name, env->arena, err) == 0)
		return 0;
	if (err->code != ERR_CONFLICT && err->code != ERR_NOT_FOUND)
		return -1;
	*err = ERR_INIT;
	return 0;
}

static int remove_group(const struct target_env *env, const struct asg_group *g, struct err *err)
{
	bool done;

	if (!g->name || g->status)
		return 0;
	if (scale_in(env, g, &done, err))
		return -1;
	return done ? delete_empty(env, g, err) : 0;
}

/* --- the old group, after a success ---------------------------------------------------------- */

/* Deleting what somebody else made, from a template perhaps, is for them to say. */
enum asg_retire as_retire_of(const struct plan *plan, const struct asg_group *live)
{
	enum asg_retire retire = plan->target.auto_scaling.retire;

	if (retire != ASG_RETIRE_AUTO)
		return retire;
	if (live->deletion_protection && !strcmp(live->deletion_protection, AS_NO_DELETION))
		return ASG_RETIRE_SCALE_IN;
	return asg_tag_get(live, AS_TAG_ROLLOUT) ? ASG_RETIRE_DELETE : ASG_RETIRE_SCALE_IN;
}

bool as_is_retired(const struct plan *plan, const struct as_world *w)
{
	if (!w->candidate.name || !as_is_released(&w->candidate, w->r.suspended))
		return false;
	if (!w->live.name)
		return true;
	switch (as_retire_of(plan, &w->live)) {
	case ASG_RETIRE_KEEP:
	case ASG_RETIRE_AUTO:
		break;
	case ASG_RETIRE_SCALE_IN:
		if (!as_is_empty(&w->live))
			return false;
		break;
	case ASG_RETIRE_DELETE:
		return false;
	}
	return as_is_released(&w->live, w->r.suspended);
}

int as_retire(const struct target_env *env, const struct as_world *w, struct err *err)
{
	enum asg_retire retire;
	bool done = true;

	if (!w->candidate.name)
		return err_set(err, ERR_NOT_FOUND, "the group %s is not there any more", w->name);
	if (as_release(env, &w->candidate, w->r.suspended, err))
		return -1;
	if (!w->live.name)
		return 0;
	retire = as_retire_of(env->plan, &w->live);
	if (retire == ASG_RETIRE_DELETE)
		return remove_group(env, &w->live, err);
	if (retire == ASG_RETIRE_SCALE_IN && scale_in(env, &w->live, &done, err))
		return -1;
	return done ? as_release(env, &w->live, w->r.suspended, err) : 0;
}

/* --- the candidate, after a rollback --------------------------------------------------------- */

static bool has_size(const struct asg_group *g, const struct as_size *size)
{
	return g->min == size->min && g->max == size->max && g->desired == size->desired;
}

static bool has_version(const struct asg_group *g, int64_t version)
{
	int64_t n;

	return g->launch_template.version &&
	       str_parse_i64(str_from(g->launch_template.version), 1, INT64_MAX, &n) &&
	       n == version;
}

static bool is_twin_as_it_was(const struct as_world *w)
{
	const struct asg_group *g = &w->candidate;

	return has_size(g, &w->r.twin_size) && has_version(g, w->r.template_version) &&
	       !strcmp(as_health_check(g), w->r.twin_health_check);
}

bool as_is_discarded(const struct as_world *w)
{
	if (!w->candidate.name)
		return true;
	return w->r.twin && is_twin_as_it_was(w) && w->candidate.n_instances == 0;
}

static int give_twin_back(const struct target_env *env, const struct as_world *w, struct err *err)
{
	struct asg_update u = {
		.min = w->r.twin_size.min,
		.max = w->r.twin_size.max,
		.desired = w->r.twin_size.desired,
		.health_check_type = w->r.twin_health_check,
		.launch_template = {.id = w->r.template_id,
				    .version = arena_printf(env->arena, "%lld",
							    (long long)w->r.template_version)},
		.of = &w->candidate};

	if (is_twin_as_it_was(w))
		return 0; /* its instances are on their way out */
	return asg_update_group(&env->client, w->name, &u, env->arena, err);
}

int as_discard(const struct target_env *env, const struct as_world *w, struct err *err)
{
	if (!w->candidate.name)
		return 0;
	return w->r.twin ? give_twin_back(env, w, err) : remove_group(env, &w->candidate, err);
}
