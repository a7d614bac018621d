#include <string.h>

#include "aws/ssm.h"
#include "worker/target/auto_scaling.h"
#include "worker/target/auto_scaling_file.h"

/*
 * A script on every instance of the candidate, through Run Command. Instances are named one by one,
 * so that a command without a target cannot pass for a success, and found again by the comment: a
 * command whose answer was lost is seen, not sent again.
 */
#define DELIVERY_S 600	     /* an instance that answers fetches its command in seconds */
#define CLOCK_MS (5 * 60000) /* how far our clock may be from theirs */

static const char *comment_of(struct arena *a, const struct rollout_state *s)
{
	return arena_printf(a, "rollout-worker %s", s->id);
}

static enum as_command command_of(enum ssm_status status)
{
	if (status == SSM_SUCCESS)
		return AS_COMMAND_DONE;
	return status == SSM_FAILED ? AS_COMMAND_FAILED : AS_COMMAND_RUNNING;
}

/* The newest of ours for this instance; NULL: there is none. */
static const struct ssm_invocation *newest(const struct ssm_invocation *all, size_t n,
					   const char *comment, const char *instance)
{
	const struct ssm_invocation *found = NULL;

	for (size_t i = 0; i < n; i++)
		if (all[i].comment && !strcmp(all[i].comment, comment) &&
		    !strcmp(all[i].instance, instance) &&
		    (!found || all[i].requested_ms > found->requested_ms))
			found = &all[i];
	return found;
}

int as_command_look(const struct target_env *env, const struct rollout_state *s,
		    const struct asg_group *g, enum as_command **states, const char **why,
		    struct err *err)
{
	const char *comment = comment_of(env->arena, s);
	struct utc since = {s->started.ms > CLOCK_MS ? s->started.ms - CLOCK_MS : 0};
	struct ssm_invocation *all;
	size_t n;

	*states = arena_array(env->arena, enum as_command, g->n_instances + 1);
	if (env->plan->target.auto_scaling.install != ASG_INSTALL_COMMAND) {
		for (size_t i = 0; i < g->n_instances; i++)
			(*states)[i] = AS_COMMAND_DONE;
		return 0;
	}
	if (g->n_instances == 0)
		return 0;
	if (ssm_list_invocations(&env->client, since, env->arena, &all, &n, err))
		return -1;
	for (size_t i = 0; i < g->n_instances; i++) {
		const struct ssm_invocation *v = newest(all, n, comment, g->instances[i].id);

		(*states)[i] = v ? command_of(v->status) : AS_COMMAND_NONE;
		if (v && v->status == SSM_FAILED)
			*why = arena_printf(env->arena, "command %s failed on %s: %s", v->command,
					    v->instance, v->details);
	}
	return 0;
}

/* --- sending --------------------------------------------------------------------------------- */

static int send(const struct target_env *env, const struct rollout_state *s, const char *script,
		const char *const *ids, size_t n, struct err *err)
{
	struct ssm_command cmd = {
		.instances = ids,
		.n_instances = n,
		.script = str_from(script),
		.comment = comment_of(env->arena, s),
		.delivery_s = DELIVERY_S,
		.execution_s = env->plan->target.auto_scaling.install_timeout_ms / 1000,
	};
	const char *id;

	return ssm_send_command(&env->client, &cmd, env->arena, &id, err);
}

/* Those of ids[0..n) that can be reached come first; returns how many. */
static int keep_online(const struct target_env *env, const char **ids, size_t *n, struct err *err)
{
	bool online[SSM_TARGETS_MAX];
	size_t kept = 0;

	if (ssm_are_online(&env->client, ids, *n, env->arena, online, err))
		return -1;
	for (size_t i = 0; i < *n; i++)
		if (online[i])
			ids[kept++] = ids[i];
	*n = kept;
	return 0;
}

int as_command_send(const struct target_env *env, const struct rollout_state *s,
		    const struct asg_group *g, size_t *n, struct err *err)
{
	const char *script, *ids[SSM_TARGETS_MAX], *why;
	enum as_command *states;
	size_t at = 0;

	*n = 0;
	if (as_command_look(env, s, g, &states, &why, err))
		return -1;
	while (at < g->n_instances) {
		size_t count = 0;

		for (; at < g->n_instances && count < SSM_TARGETS_MAX; at++)
			if (g->instances[at].in_service && states[at] == AS_COMMAND_NONE)
				ids[count++] = g->instances[at].id;
		if (count == 0)
			return 0;
		if (keep_online(env, ids, &count, err))
			return -1;
		if (count == 0)
			continue;
		if (as_file_need(env, &script, err))
			return -1;
		if (send(env, s, script, ids, count, err)) {
			*n += err->sent ? count : 0;
			return -1;
		}
		*n += count;
	}
	return 0;
}
