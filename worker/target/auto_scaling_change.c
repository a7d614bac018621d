#include <string.h>

#include "worker/target/auto_scaling.h"

/* Small changes of a group. Each is made only where it is not so yet. */

unsigned as_suspended(const struct asg_group *g)
{
	unsigned bits = 0;

	for (unsigned i = 0; i < AS_PROCESSES; i++)
		if (asg_is_suspended(g, as_processes[i]))
			bits |= 1u << i;
	return bits;
}

static size_t names_of(unsigned bits, const char *names[AS_PROCESSES])
{
	size_t n = 0;

	for (unsigned i = 0; i < AS_PROCESSES; i++)
		if (bits & (1u << i))
			names[n++] = as_processes[i];
	return n;
}

int as_hold(const struct target_env *env, const struct asg_group *g, struct err *err)
{
	unsigned all = (1u << AS_PROCESSES) - 1;
	const char *names[AS_PROCESSES];
	size_t n = names_of(all & ~as_suspended(g), names);

	return n ? asg_suspend(&env->client, g->name, names, n, env->arena, err) : 0;
}

bool as_is_released(const struct asg_group *g, unsigned before)
{
	return (as_suspended(g) & ~before) == 0;
}

int as_release(const struct target_env *env, const struct asg_group *g, unsigned before,
	       struct err *err)
{
	const char *names[AS_PROCESSES];
	size_t n = names_of(as_suspended(g) & ~before, names);

	return n ? asg_resume(&env->client, g->name, names, n, env->arena, err) : 0;
}

/* --- sizes ----------------------------------------------------------------------------------- */

int as_resize(const struct target_env *env, const char *name, const struct as_size *size,
	      struct err *err)
{
	struct asg_update u = {.min = size->min, .max = size->max, .desired = size->desired};

	return asg_update_group(&env->client, name, &u, env->arena, err);
}

int as_raise(const struct target_env *env, const struct as_world *w, int64_t need, bool *changed,
	     struct err *err)
{
	const struct asg_group *g = &w->candidate;
	int64_t max = w->r.size.max > need ? w->r.size.max : need;
	struct as_size size = {.min = g->min < need ? g->min : need,
			       .max = g->max > max ? g->max : max,
			       .desired = need};

	*changed = g->desired < need;
	return *changed ? as_resize(env, w->name, &size, err) : 0;
}

bool as_is_empty(const struct asg_group *g)
{
	return g->max == 0 && g->desired == 0 && g->n_instances == 0;
}

/* --- what the candidate takes over with the traffic ------------------------------------------ */

const char *as_health_check(const struct asg_group *g)
{
	return g->health_check_type ? g->health_check_type : "EC2";
}

static const char *protection_of(const struct asg_group *g)
{
	return g->deletion_protection ? g->deletion_protection : "none";
}

/* The baseline's own bounds; when it has been scaled in already, those it had. */
static struct as_size bounds_of(const struct as_world *w)
{
	if (!w->live.name || w->live.max == 0)
		return w->r.size;
	return (struct as_size){.min = w->live.min, .max = w->live.max};
}

/* A twin keeps its own protection from deletion. */
bool as_is_finished(const struct as_world *w)
{
	const struct asg_group *g = &w->candidate;
	struct as_size size = bounds_of(w);

	if (!g->name || g->min != size.min || g->max != size.max)
		return false;
	return !w->live.name || (!strcmp(as_health_check(g), as_health_check(&w->live)) &&
				 (w->r.twin || !strcmp(protection_of(g), protection_of(&w->live))));
}

int as_finish(const struct target_env *env, const struct as_world *w, struct err *err)
{
	struct as_size size = bounds_of(w);
	struct asg_update u = {.min = size.min, .max = size.max, .desired = -1};

	if (w->live.name) {
		u.health_check_type = as_health_check(&w->live);
		u.deletion_protection = w->r.twin ? NULL : protection_of(&w->live);
	}
	return asg_update_group(&env->client, w->name, &u, env->arena, err);
}
