#include "worker/target/ecs_native.h"

#include <string.h>

/* What the native controller is told. */

static const char *const pauses[] = {"PRE_PRODUCTION_TRAFFIC_SHIFT",
				     "POST_PRODUCTION_TRAFFIC_SHIFT"};

/* --- going forward ---------------------------------------------------------------------------- */

/* A deployment of ours that was begun and is over again, before it was written down. */
static int find_past(const struct target_env *env, const struct rollout_state *s,
		     const struct ecs_native *n, struct ecs_candidate *c, struct err *err)
{
	struct ecs_deployment_row *rows;
	size_t count;

	if (ecs_list_service_deployments(&env->client, n->r.cluster, n->r.service, s->started, 10,
					 env->arena, &rows, &count, err))
		return -1;
	for (size_t i = 0; i < count && !c->deployment[0]; i++) {
		struct ecs_service_revision revision;

		if (!rows[i].revision_arn)
			continue;
		if (ecs_describe_service_revision(&env->client, rows[i].revision_arn, env->arena,
						  &revision, err))
			return -1;
		if (ecs_same_definition(revision.task_definition, c->definition))
			c->deployment = ecs_native_id(rows[i].arn);
	}
	return 0;
}

static int begin(const struct target_env *env, const struct ecs_native *n, struct err *err)
{
	const struct plan_ecs *e = &env->plan->target.ecs;
	const char *why = "";
	int percent_bp;
	struct ecs_deployment_configuration d = {
		.base = json_get(n->service.raw, "deploymentConfiguration"),
		.strategy = plan_ecs_strategy(env->plan, &percent_bp, &why),
		.pause_stages = {pauses[0], pauses[1]},
		.n_pause_stages = 2,
		.pause_timeout_minutes = plan_ecs_pause_minutes(env->plan),
		.set_alarms = e->n_alarms > 0,
		.alarms = e->alarms,
		.n_alarms = e->n_alarms,
	};
	struct ecs_service_update u = {.cluster = n->r.cluster,
				       .service = n->r.service,
				       .task_definition = n->c.definition,
				       .desired = -1,
				       .configuration = &d};
	struct ecs_service after;

	if (!d.strategy)
		return err_set(err, ERR_REJECTED, "%s", why);
	d.percent = percent_bp / 100.0;
	return ecs_update_service(&env->client, &u, env->arena, &after, err);
}

static int prepare(const struct target_env *env, const struct rollout_state *s,
		   char candidate[LIMIT_CANDIDATE + 1], struct err *err)
{
	struct ecs_native n;

	if (ecs_candidate_load(env->arena, s->candidate, &n.c, err))
		return -1;
	if (n.c.deployment[0])
		return 0; /* it comes up by itself */
	if (ecs_native_look(env, s, &n, err))
		return -1;
	if (!n.c.definition[0]) {
		if (ecs_definition_register(env, s, n.r.definition, &n.c.definition, err))
			return -1;
		return ecs_candidate_store(&n.c, candidate, err);
	}
	if (n.has_deployment)
		n.c.deployment = ecs_native_id(n.d.arn);
	else if (find_past(env, s, &n, &n.c, err))
		return -1;
	if (n.c.deployment[0])
		return ecs_candidate_store(&n.c, candidate, err);
	/* accepted, but its deployment is not there to be seen yet: not a second time */
	if (ecs_same_definition(n.service.task_definition, n.c.definition))
		return 0;
	return begin(env, &n, err);
}

/* Where the controller goes from here. */
static int next_bp(const struct plan *p, int now_bp)
{
	const char *why = "", *strategy;
	int percent_bp;

	strategy = plan_ecs_strategy(p, &percent_bp, &why);
	if (!strategy)
		return -1;
	if (!strcmp(strategy, "CANARY"))
		return now_bp == 0 ? percent_bp : 10000;
	return now_bp + percent_bp < 10000 ? now_bp + percent_bp : 10000;
}

/*
 * The answer to a pause, which ECS takes once: a look may show a pause for a while that has been
 * answered, so a refusal is no reason to go back; looking again is. Going back has another way.
 */
static int answer(const struct target_env *env, const struct ecs_native *n, bool roll_back,
		  struct err *err)
{
	struct err e = ERR_INIT;

	if (!ecs_continue_service_deployment(&env->client, n->d.arn, n->pause->id, roll_back,
					     env->arena, &e))
		return 0;
	if (e.code == ERR_REJECTED && roll_back)
		return ecs_roll_back_service_deployment(&env->client, n->d.arn, env->arena, err);
	if (e.code == ERR_REJECTED)
		e.code = ERR_CONFLICT;
	*err = e;
	return -1;
}

static int go_on(const struct target_env *env, const struct rollout_state *s,
		 const struct target_observation *o, int want_bp, struct err *err)
{
	int64_t wanted = env->plan->target.lb.min_healthy;
	struct lb_health h;
	struct ecs_native n;
	int next;

	if (ecs_native_look(env, s, &n, err))
		return -1;
	if (!n.pause || strcmp(n.pause->id, o->lock) != 0)
		return err_set(err, ERR_CONFLICT, "%s, not at the pause that was looked at",
			       n.has_deployment ? ecs_native_stage(env->arena, &n)
						: "there is no deployment");
	if (n.live_bp != n.requested_bp)
		return err_set(err, ERR_CONFLICT,
			       "%s gives the candidate %d.%02d%%, the deployment asked for "
			       "%d.%02d%%: it shifts by what it believes, not by what is",
			       n.r.lb.resource, n.live_bp / 100, n.live_bp % 100,
			       n.requested_bp / 100, n.requested_bp % 100);
	next = next_bp(env->plan, n.live_bp);
	if (next != want_bp)
		return err_set(err, ERR_REJECTED,
			       "the controller's next step from %d.%02d%% is %d.%02d%%, not "
			       "%d.%02d%%",
			       n.live_bp / 100, n.live_bp % 100, next / 100, next % 100,
			       want_bp / 100, want_bp % 100);
	if (lb_read_health(env, n.r.lb.candidate, &h, err))
		return -1;
	if (h.healthy < wanted)
		return err_set(err, ERR_CONFLICT,
			       "the candidate has %lld healthy targets; %lld are needed before it "
			       "gets more traffic (%s)",
			       (long long)h.healthy, (long long)wanted, h.reason);
	return answer(env, &n, false, err);
}

static int split(const struct target_env *env, const struct rollout_state *s,
		 const struct target_observation *o, const struct traffic *want, struct err *err)
{
	return go_on(env, s, o, want->weight_bp, err);
}

static int promote(const struct target_env *env, const struct rollout_state *s,
		   const struct target_observation *o, struct err *err)
{
	return go_on(env, s, o, 10000, err);
}

static int tidy_up(const struct target_env *env, const struct ecs_native *n, struct err *err)
{
	struct ecs_deployment_configuration d = {
		.base = json_get(n->service.raw, "deploymentConfiguration"),
		.instead = n->r.configuration};
	struct ecs_service_update u = {.cluster = n->r.cluster,
				       .service = n->r.service,
				       .desired = -1,
				       .configuration = &d};
	struct ecs_service after;

	return ecs_update_service(&env->client, &u, env->arena, &after, err);
}

/* The last pause is let go, and the old tasks stop; then the configuration is put back. */
static int retire(const struct target_env *env, const struct rollout_state *s,
		  const struct target_observation *o, struct err *err)
{
	struct ecs_native n;

	(void)o;
	if (ecs_native_look(env, s, &n, err))
		return -1;
	if (n.live_bp != 10000)
		return err_set(err, ERR_CONFLICT, "the candidate has %d.%02d%% of the traffic only",
			       n.live_bp / 100, n.live_bp % 100);
	if (n.pause)
		return answer(env, &n, false, err);
	if (ecs_native_is_quiet(&n) && !ecs_native_is_tidy(&n))
		return tidy_up(env, &n, err);
	return 0;
}

/* --- going back ------------------------------------------------------------------------------- */

/*
 * The deployment had ended well: its old tasks are gone, and only a deployment of the baseline's
 * task definition brings them back. No pauses: nothing is to be judged on the way back.
 */
static int redeploy(const struct target_env *env, const struct ecs_native *n, struct err *err)
{
	struct ecs_deployment_configuration d = {
		.base = json_get(n->service.raw, "deploymentConfiguration"),
		.strategy = "BLUE_GREEN"};
	struct ecs_service_update u = {.cluster = n->r.cluster,
				       .service = n->r.service,
				       .task_definition = n->r.definition,
				       .desired = -1,
				       .configuration = &d};
	struct ecs_service after;

	return ecs_update_service(&env->client, &u, env->arena, &after, err);
}

/* ECS is done and left the rule: while the baseline has targets, that can be put right. */
static int put_weights_back(const struct target_env *env, const struct ecs_native *n,
			    struct err *err)
{
	struct lb_health h;

	if (lb_read_health(env, n->r.lb.baseline, &h, err))
		return -1;
	if (h.healthy == 0)
		return err_set(err, ERR_REJECTED,
			       "%s did not go back, and the baseline has no healthy target (%s)",
			       ecs_native_stage(env->arena, n), h.reason);
	return lb_write_undo(env, &n->r.lb, &n->f, err);
}

static int restore(const struct target_env *env, const struct rollout_state *s,
		   const struct target_observation *o, struct err *err)
{
	struct ecs_native n;

	(void)o;
	if (ecs_native_look(env, s, &n, err))
		return -1;
	if (n.is_redeploying || (n.has_deployment && ecs_native_is_rolling_back(n.d.status)))
		return 0; /* on its way */
	if (n.has_deployment && n.pause)
		return answer(env, &n, true, err);
	if (n.has_deployment && !ecs_native_is_over(n.d.status))
		return ecs_roll_back_service_deployment(&env->client, n.d.arn, env->arena, err);
	if (n.has_deployment && n.d.status == ECS_DEPLOYMENT_SUCCESSFUL &&
	    !ecs_same_definition(n.service.task_definition, n.r.definition))
		return redeploy(env, &n, err);
	if (n.live_bp != 0 && !n.has_deployment)
		return err_set(err, ERR_CONFLICT,
			       "%s was changed by somebody since it was looked at",
			       n.r.lb.resource);
	if (n.live_bp != 0)
		return put_weights_back(env, &n, err);
	return ecs_native_is_tidy(&n) ? 0 : tidy_up(env, &n, err);
}

const struct target_ops ecs_native_ops = {
	.name = "ecs",
	.observe = ecs_native_observe,
	.prepare = prepare,
	.split = split,
	.promote = promote,
	.restore = restore,
	.retire = retire,
};
