#include <stdio.h>
#include <string.h>

#include "worker/target/ecs.h"

/*
 * The native controller. Its service deployment pauses before each shift of production traffic and
 * after the last; at a pause the candidate is "ready", and going on is the answer CONTINUE to that
 * very pause. How much traffic goes where is read from the listener rule, and must be what the
 * deployment says it asked for: the controller has its own idea of the weights.
 *
 *   weight 0, paused     PREPARE is over; the test listener, where there is one, leads to the
 * candidate
 *   weight w, paused     a step of the plan is in effect
 *   weight 100, paused   promoted; letting it go on is RETIRE: the old tasks are stopped
 *
 * Pauses and strategy stay in the service's configuration when the deployment is over, where they
 * would stop, or shape, the next one of anybody: what was there is put back in RETIRE, and on the
 * way back.
 */
#define TOLERANCE_BP 10 /* ECS and the rule round differently */

static const char *const pauses[] = {"PRE_PRODUCTION_TRAFFIC_SHIFT",
				     "POST_PRODUCTION_TRAFFIC_SHIFT"};

struct native {
	struct ecs_record r;
	struct ecs_candidate c;
	struct ecs_service service;
	bool has_deployment;
	struct ecs_service_deployment d; /* ours */
	const struct ecs_hook *pause;	 /* that awaits our answer, or NULL */
	bool is_redeploying;		 /* the baseline, by a deployment of its own */
	struct lb_forward f;
	int requested_bp, live_bp; /* what the deployment asked for, and what the rule says */
};

/* --- looking ---------------------------------------------------------------------------------- */

static bool is_over(enum ecs_deployment_status s)
{
	return s == ECS_DEPLOYMENT_SUCCESSFUL || s == ECS_DEPLOYMENT_STOPPED ||
	       s == ECS_DEPLOYMENT_ROLLBACK_SUCCESSFUL || s == ECS_DEPLOYMENT_ROLLBACK_FAILED;
}

static bool is_rolling_back(enum ecs_deployment_status s)
{
	return s == ECS_DEPLOYMENT_STOP_REQUESTED || s == ECS_DEPLOYMENT_ROLLBACK_REQUESTED ||
	       s == ECS_DEPLOYMENT_ROLLBACK_IN_PROGRESS;
}

/* ...:cluster/prod becomes ...:service-deployment/prod/web/ID. */
static const char *deployment_arn(struct arena *a, const struct ecs_service *s, const char *id)
{
	const char *at = s->cluster_arn ? strstr(s->cluster_arn, ":cluster/") : NULL;

	if (!at)
		return id;
	return arena_printf(a, "%.*s:service-deployment/%s/%s/%s", (int)(at - s->cluster_arn),
			    s->cluster_arn, at + strlen(":cluster/"), s->name, id);
}

static const char *id_of(const char *arn)
{
	const char *slash = strrchr(arn, '/');

	return slash ? slash + 1 : arn;
}

static int foreign(struct err *err, const struct ecs_service *s, const char *what)
{
	/* of our own saying: lb_unreadable() takes it for somebody else's change */
	return err_set(err, ERR_REJECTED, "service %s: another deployment is going on: %s", s->name,
		       what);
}

/* Which task definition a deployment brings. */
static int brings(const struct target_env *env, const struct ecs_service_deployment *d,
		  const char **definition, struct err *err)
{
	struct ecs_service_revision revision;

	if (!d->revision_arn)
		return err_set(err, ERR_MALFORMED, "deployment %s names no target revision",
			       d->arn);
	if (ecs_describe_service_revision(&env->client, d->revision_arn, env->arena, &revision,
					  err))
		return -1;
	*definition = revision.task_definition;
	return 0;
}

/* The service's current deployment, when it is not the one we know. */
static int look_at_current(const struct target_env *env, const struct rollout_state *s,
			   struct native *n, struct err *err)
{
	const char *arn = n->service.current_deployment, *definition;
	struct ecs_service_deployment d;

	if (!arn || (n->has_deployment && !strcmp(arn, n->d.arn)))
		return 0;
	if (ecs_describe_service_deployment(&env->client, arn, env->arena, &d, err))
		return -1;
	if (is_over(d.status))
		return 0;
	if (brings(env, &d, &definition, err))
		return -1;
	if (!n->has_deployment && ecs_same_definition(definition, n->c.definition)) {
		n->has_deployment = true; /* begun, and not written down */
		n->d = d;
		return 0;
	}
	if (!ecs_is_going_back(s->phase) || !ecs_same_definition(definition, n->r.definition))
		return foreign(err, &n->service, ecs_definition_name(definition));
	n->is_redeploying = true;
	return 0;
}

static void read_weights(struct native *n)
{
	int64_t baseline = lb_weight(&n->f, n->r.lb.baseline);
	int64_t candidate = lb_weight(&n->f, n->r.lb.candidate);
	int64_t sum = baseline + candidate;
	int difference;

	if (n->has_deployment && n->d.status == ECS_DEPLOYMENT_SUCCESSFUL)
		n->requested_bp = 10000;
	else if (n->has_deployment && n->d.has_weight)
		n->requested_bp = (int)(n->d.weight * 100 + 0.5);
	n->live_bp = sum > 0 ? (int)((candidate * 10000 + sum / 2) / sum) : 0;
	difference = n->live_bp - n->requested_bp;
	if (n->live_bp != 0 && n->live_bp != 10000 && difference >= -TOLERANCE_BP &&
	    difference <= TOLERANCE_BP)
		n->live_bp = n->requested_bp;
}

static int look(const struct target_env *env, const struct rollout_state *s, struct native *n,
		struct err *err)
{
	*n = (struct native){0};
	if (ecs_record_load(env->arena, s->undo, &n->r, err) ||
	    ecs_candidate_load(env->arena, s->candidate, &n->c, err) ||
	    ecs_describe_service(&env->client, n->r.cluster, n->r.service, env->arena, &n->service,
				 err))
		return -1;
	if (strcmp(n->service.status, "ACTIVE") != 0)
		return err_set(err, ERR_REJECTED, "service %s is %s", n->service.name,
			       n->service.status);
	if (n->c.deployment[0]) {
		if (ecs_describe_service_deployment(
			    &env->client, deployment_arn(env->arena, &n->service, n->c.deployment),
			    env->arena, &n->d, err))
			return -1;
		n->has_deployment = true;
	}
	if (look_at_current(env, s, n, err) || lb_read_forward(env, n->r.lb.resource, &n->f, err))
		return -1;
	read_weights(n);
	for (size_t i = 0; n->has_deployment && !is_over(n->d.status) && i < n->d.n_hooks; i++)
		if (!strcmp(n->d.hooks[i].target_type, "PAUSE") &&
		    !strcmp(n->d.hooks[i].status, "AWAITING_ACTION") && n->d.hooks[i].id)
			n->pause = &n->d.hooks[i];
	return 0;
}

/* --- what was seen ---------------------------------------------------------------------------- */

static const char *stage_text(struct arena *a, const struct native *n)
{
	return arena_printf(a, "deployment %s is %s%s%s%s", id_of(n->d.arn),
			    ecs_deployment_status_name(n->d.status), n->d.stage ? " at " : "",
			    n->d.stage ? n->d.stage : "", n->pause ? ", paused" : "");
}

static bool nothing_is_going_on(const struct native *n)
{
	return !n->is_redeploying && (!n->has_deployment || is_over(n->d.status));
}

/* Before its promotion a candidate with all traffic is only a step of 100 %. */
static enum live everything_on_candidate(enum phase p)
{
	return p == PHASE_PROMOTE || p == PHASE_BAKE || p == PHASE_RETIRE ? LIVE_PROMOTED
									  : LIVE_CANDIDATE;
}

/* No pause that would stop the next deployment of anybody, and the strategy it had before. */
static bool is_tidy(const struct native *n)
{
	struct str before = json_text(json_get(n->r.configuration, "strategy"));

	return n->service.n_pause_hooks == 0 && (!before.n || str_is(before, n->service.strategy));
}

/*
 * On the way back: the traffic, that the deployment goes back too, for it would shift later when
 * its tasks come up at last, and that its configuration is as it was.
 */
static void read_way_back(const struct native *n, struct target_observation *o)
{
	bool quiet = nothing_is_going_on(n);
	bool goes_on = n->has_deployment && !is_over(n->d.status) && !is_rolling_back(n->d.status);
	bool again = n->has_deployment && n->d.status == ECS_DEPLOYMENT_SUCCESSFUL &&
		     !ecs_same_definition(n->service.task_definition, n->r.definition);

	o->settled = quiet;
	if (n->live_bp == 0 && !goes_on && !again && !(quiet && !is_tidy(n)))
		o->live = LIVE_BASELINE;
	else if (n->live_bp == 0)
		ecs_detail(o, "%s",
			   goes_on ? "the deployment goes on still"
			   : again ? "the service still wants the candidate"
				   : "the service's configuration is the rollout's still");
}

static void read_live(const struct target_env *env, const struct rollout_state *s,
		      const struct native *n, struct target_observation *o)
{
	bool in_effect = n->live_bp == n->requested_bp;

	if (n->pause)
		str_copy(o->lock, sizeof(o->lock), str_from(n->pause->id));
	o->live = LIVE_SPLIT;
	o->traffic.weight_bp = n->live_bp;
	/* a step is in effect at the pause behind it; the last one also when all is over */
	o->settled = in_effect && (n->pause || nothing_is_going_on(n));
	if (!lb_others_agree(&n->r.lb, &n->f) ||
	    lb_weight(&n->f, n->r.lb.baseline) + lb_weight(&n->f, n->r.lb.candidate) == 0) {
		o->live = LIVE_FOREIGN;
		ecs_detail(o, "%s forwards to other target groups than it did", n->r.lb.resource);
		return;
	}
	if (ecs_is_going_back(s->phase))
		read_way_back(n, o);
	else if (n->live_bp == 0)
		o->live = LIVE_BASELINE;
	else if (n->live_bp == 10000)
		o->live = everything_on_candidate(s->phase);
	if (!o->detail[0] && n->has_deployment)
		ecs_detail(o, "%s; %d.%02d%% asked for", stage_text(env->arena, n),
			   n->requested_bp / 100, n->requested_bp % 100);
}

/* It was stopped, or goes back by itself: an alarm, a pause nobody answered, somebody's hand. */
static void say_failed(const struct target_env *env, const struct native *n,
		       struct target_observation *o)
{
	const char *why = n->d.rollback_reason ? n->d.rollback_reason : n->d.status_reason;

	o->candidate = CANDIDATE_FAILED;
	o->detail[0] = '\0';
	ecs_detail(o, "%s%s%s%s%s", stage_text(env->arena, n), why ? ": " : "", why ? why : "",
		   n->d.triggered_alarm ? ": alarm " : "",
		   n->d.triggered_alarm ? n->d.triggered_alarm : "");
}

static const struct ecs_deployment *tasks_of(const struct native *n)
{
	for (size_t i = 0; i < n->service.n_deployments; i++)
		if (ecs_same_definition(n->service.deployments[i].task_definition, n->c.definition))
			return &n->service.deployments[i];
	return NULL;
}

/* Coming up; the controller itself tries for ever when tasks do not stay up. */
static int read_starting(const struct target_env *env, const struct native *n,
			 struct target_observation *o, struct err *err)
{
	const struct ecs_deployment *tasks = tasks_of(n);
	const char *why;

	o->candidate = CANDIDATE_PENDING;
	if (!tasks || tasks->failed_tasks == 0)
		return 0;
	why = ecs_why(env, &n->service, err);
	if (!why)
		return -1;
	if (tasks->failed_tasks >= env->plan->target.ecs.failed_tasks)
		o->candidate = CANDIDATE_FAILED;
	o->detail[0] = '\0';
	ecs_detail(o, "%lld tasks of %s failed: %s", (long long)tasks->failed_tasks,
		   n->c.definition, why);
	return 0;
}

static int read_candidate(const struct target_env *env, const struct rollout_state *s,
			  const struct native *n, struct target_observation *o, struct err *err)
{
	if (s->phase == PHASE_PREPARE && ecs_same_definition(n->c.definition, n->r.definition)) {
		o->candidate = CANDIDATE_SAME;
		return 0;
	}
	if (!n->has_deployment) {
		o->candidate = n->c.definition[0] ? CANDIDATE_PENDING : CANDIDATE_ABSENT;
		return 0;
	}
	if (is_rolling_back(n->d.status) ||
	    (is_over(n->d.status) && n->d.status != ECS_DEPLOYMENT_SUCCESSFUL)) {
		say_failed(env, n, o);
		return 0;
	}
	/* somebody went on at our pause: seen by what is live */
	if (n->pause || n->d.status == ECS_DEPLOYMENT_SUCCESSFUL)
		return 0;
	return read_starting(env, n, o, err);
}

static int observe_baseline(const struct target_env *env, const struct native *n,
			    struct target_observation *o, struct err *err)
{
	struct utc now = clock_utc(env->client.aws->clock);
	struct lb_health h;

	if (lb_read_health(env, n->r.lb.baseline, &h, err)) {
		if (err->code == ERR_CANCELED)
			return -1;
		o->baseline_health = verdict_make(VERDICT_ERROR, now, "%s", err->text);
		*err = ERR_INIT;
		return 0;
	}
	o->baseline_health =
		verdict_make(h.healthy > 0 ? VERDICT_PASS : VERDICT_FAIL, now,
			     "%s: %lld healthy targets, %lld not", n->r.definition,
			     (long long)h.healthy, (long long)(h.unhealthy + h.initial));
	return 0;
}

static int observe(const struct target_env *env, const struct rollout_state *s,
		   struct target_observation *o, struct err *err)
{
	struct native n;

	*o = (struct target_observation){.candidate = CANDIDATE_READY,
					 .retired = true,
					 .baseline_health.kind = VERDICT_UNKNOWN};
	if (look(env, s, &n, err))
		return lb_unreadable(o, err);
	read_live(env, s, &n, o);
	if (o->live == LIVE_FOREIGN)
		return 0;
	if (ecs_is_going_back(s->phase))
		return observe_baseline(env, &n, o, err);
	if (read_candidate(env, s, &n, o, err))
		return lb_unreadable(o, err);
	o->retired = n.has_deployment && n.d.status == ECS_DEPLOYMENT_SUCCESSFUL && is_tidy(&n);
	return 0;
}

/* --- going forward ---------------------------------------------------------------------------- */

/* A deployment of ours that was begun and is over again, before it was written down. */
static int find_past(const struct target_env *env, const struct rollout_state *s,
		     const struct native *n, struct ecs_candidate *c, struct err *err)
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
			c->deployment = id_of(rows[i].arn);
	}
	return 0;
}

static int begin(const struct target_env *env, const struct native *n, struct err *err)
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
	struct native n;

	if (look(env, s, &n, err))
		return -1;
	if (!n.c.definition[0]) {
		if (ecs_definition_register(env, s, n.r.definition, &n.c.definition, err))
			return -1;
		return ecs_candidate_store(&n.c, candidate, err);
	}
	if (n.c.deployment[0])
		return 0; /* it comes up by itself */
	if (n.has_deployment)
		n.c.deployment = id_of(n.d.arn);
	else if (find_past(env, s, &n, &n.c, err))
		return -1;
	if (n.c.deployment[0])
		return ecs_candidate_store(&n.c, candidate, err);
	if (!ecs_same_definition(n.service.task_definition, n.r.definition) &&
	    !ecs_same_definition(n.service.task_definition, n.c.definition))
		return foreign(err, &n.service, ecs_definition_name(n.service.task_definition));
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

static int go_on(const struct target_env *env, const struct rollout_state *s,
		 const struct target_observation *o, int want_bp, struct err *err)
{
	int64_t wanted = env->plan->target.lb.min_healthy;
	struct lb_health h;
	struct native n;
	int next;

	if (look(env, s, &n, err))
		return -1;
	if (!n.pause || !o || strcmp(n.pause->id, o->lock) != 0)
		return err_set(err, ERR_CONFLICT, "%s, not at the pause that was looked at",
			       n.has_deployment ? stage_text(env->arena, &n)
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
	return ecs_continue_service_deployment(&env->client, n.d.arn, n.pause->id, false,
					       env->arena, err);
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

static int tidy_up(const struct target_env *env, const struct native *n, struct err *err)
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
	struct native n;

	(void)o;
	if (look(env, s, &n, err))
		return -1;
	if (n.live_bp != 10000)
		return err_set(err, ERR_CONFLICT, "the candidate has %d.%02d%% of the traffic only",
			       n.live_bp / 100, n.live_bp % 100);
	if (n.pause)
		return ecs_continue_service_deployment(&env->client, n.d.arn, n.pause->id, false,
						       env->arena, err);
	if (nothing_is_going_on(&n) && !is_tidy(&n))
		return tidy_up(env, &n, err);
	return 0;
}

/* --- going back ------------------------------------------------------------------------------- */

/*
 * The deployment had ended well: its old tasks are gone, and only a deployment of the baseline's
 * task definition brings them back. No pauses: nothing is to be judged on the way back.
 */
static int redeploy(const struct target_env *env, const struct native *n, struct err *err)
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

	if (ecs_same_definition(n->service.task_definition, n->r.definition))
		return 0; /* asked for already; it takes its time */
	return ecs_update_service(&env->client, &u, env->arena, &after, err);
}

/* ECS is done and left the rule: while the baseline has targets, that can be put right. */
static int put_weights_back(const struct target_env *env, const struct native *n, struct err *err)
{
	struct lb_health h;

	if (lb_read_health(env, n->r.lb.baseline, &h, err))
		return -1;
	if (h.healthy == 0)
		return err_set(err, ERR_REJECTED,
			       "%s did not go back, and the baseline has no healthy target (%s)",
			       stage_text(env->arena, n), h.reason);
	return lb_write_undo(env, &n->r.lb, &n->f, err);
}

static int restore(const struct target_env *env, const struct rollout_state *s,
		   const struct target_observation *o, struct err *err)
{
	struct native n;

	(void)o;
	if (look(env, s, &n, err))
		return -1;
	if (n.is_redeploying || (n.has_deployment && is_rolling_back(n.d.status)))
		return 0; /* on its way */
	if (n.has_deployment && n.pause)
		return ecs_continue_service_deployment(&env->client, n.d.arn, n.pause->id, true,
						       env->arena, err);
	if (n.has_deployment && !is_over(n.d.status))
		return ecs_roll_back_service_deployment(&env->client, n.d.arn, env->arena, err);
	if (n.has_deployment && n.d.status == ECS_DEPLOYMENT_SUCCESSFUL &&
	    !ecs_same_definition(n.service.task_definition, n.r.definition))
		return redeploy(env, &n, err);
	if (n.live_bp != 0)
		return put_weights_back(env, &n, err);
	return is_tidy(&n) ? 0 : tidy_up(env, &n, err);
}

const struct target_ops ecs_native_ops = {
	.name = "ecs",
	.observe = observe,
	.prepare = prepare,
	.split = split,
	.promote = promote,
	.restore = restore,
	.retire = retire,
};
