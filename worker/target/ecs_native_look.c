#include "worker/target/ecs_native.h"

#include <string.h>

/* What is seen of a deployment of the native controller, and what it means. */
#define TOLERANCE_BP 10 /* ECS and the rule round differently */

/* --- looking ---------------------------------------------------------------------------------- */

bool ecs_native_is_over(enum ecs_deployment_status s)
{
	return s == ECS_DEPLOYMENT_SUCCESSFUL || s == ECS_DEPLOYMENT_STOPPED ||
	       s == ECS_DEPLOYMENT_ROLLBACK_SUCCESSFUL || s == ECS_DEPLOYMENT_ROLLBACK_FAILED;
}

bool ecs_native_is_rolling_back(enum ecs_deployment_status s)
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

const char *ecs_native_id(const char *arn)
{
	const char *slash = strrchr(arn, '/');

	return slash ? slash + 1 : arn;
}

/* Of our own saying: lb_unreadable() takes it for somebody else's change. */
static int foreign(struct err *err, const struct ecs_service *s, const char *what,
		   const char *definition)
{
	return err_set(err, ERR_REJECTED, "service %s: %s: %s", s->name, what,
		       ecs_definition_name(definition));
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
			   struct ecs_native *n, struct err *err)
{
	const char *arn = n->service.current_deployment, *definition = NULL;
	struct ecs_service_deployment d;

	if (!arn || (n->has_deployment && !strcmp(arn, n->d.arn)))
		return 0;
	if (ecs_describe_service_deployment(&env->client, arn, env->arena, &d, err))
		return -1;
	if (ecs_native_is_over(d.status))
		return 0;
	if (brings(env, &d, &definition, err))
		return -1;
	if (!n->has_deployment && ecs_same_definition(definition, n->c.definition)) {
		n->has_deployment = true; /* begun, and not written down */
		n->d = d;
		return 0;
	}
	if (!ecs_is_going_back(s->phase) || !ecs_same_definition(definition, n->r.definition))
		return foreign(err, &n->service, "another deployment is going on", definition);
	n->is_redeploying = true;
	return 0;
}

static void read_weights(struct ecs_native *n)
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

int ecs_native_look(const struct target_env *env, const struct rollout_state *s,
		    struct ecs_native *n, struct err *err)
{
	*n = (struct ecs_native){0};
	if (ecs_record_load(env->arena, s->undo, &n->r, err) ||
	    ecs_candidate_load(env->arena, s->candidate, &n->c, err) ||
	    ecs_describe_service(&env->client, n->r.cluster, n->r.service, env->arena, &n->service,
				 err))
		return -1;
	if (strcmp(n->service.status, "ACTIVE") != 0)
		return err_set(err, ERR_REJECTED, "service %s is %s", n->service.name,
			       n->service.status);
	if (n->service.task_definition &&
	    !ecs_same_definition(n->service.task_definition, n->r.definition) &&
	    !ecs_same_definition(n->service.task_definition, n->c.definition))
		return foreign(err, &n->service, "somebody deployed", n->service.task_definition);
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
	for (size_t i = 0;
	     n->has_deployment && !ecs_native_is_over(n->d.status) && i < n->d.n_hooks; i++)
		if (!strcmp(n->d.hooks[i].target_type, "PAUSE") &&
		    !strcmp(n->d.hooks[i].status, "AWAITING_ACTION") && n->d.hooks[i].id)
			n->pause = &n->d.hooks[i];
	return 0;
}

/* --- what was seen ---------------------------------------------------------------------------- */

const char *ecs_native_stage(struct arena *a, const struct ecs_native *n)
{
	return arena_printf(a, "deployment %s is %s%s%s%s", ecs_native_id(n->d.arn),
			    ecs_deployment_status_name(n->d.status), n->d.stage ? " at " : "",
			    n->d.stage ? n->d.stage : "", n->pause ? ", paused" : "");
}

bool ecs_native_is_quiet(const struct ecs_native *n)
{
	return !n->is_redeploying && (!n->has_deployment || ecs_native_is_over(n->d.status));
}

/* Before its promotion a candidate with all traffic is only a step of 100 %. */
static enum live everything_on_candidate(enum phase p)
{
	return p == PHASE_PROMOTE || p == PHASE_BAKE || p == PHASE_RETIRE ? LIVE_PROMOTED
									  : LIVE_CANDIDATE;
}

bool ecs_native_is_tidy(const struct ecs_native *n)
{
	struct str before = json_text(json_get(n->r.configuration, "strategy"));

	return n->service.n_pause_hooks == 0 && (!before.n || str_is(before, n->service.strategy));
}

/*
 * On the way back: the traffic, that the deployment goes back too, for it would shift later when
 * its tasks come up at last, and that its configuration is as it was.
 */
static void read_way_back(const struct ecs_native *n, struct target_observation *o)
{
	bool quiet = ecs_native_is_quiet(n);
	bool goes_on = n->has_deployment && !ecs_native_is_over(n->d.status) &&
		       !ecs_native_is_rolling_back(n->d.status);
	bool again = n->has_deployment && n->d.status == ECS_DEPLOYMENT_SUCCESSFUL &&
		     !ecs_same_definition(n->service.task_definition, n->r.definition);

	o->settled = quiet;
	if (n->live_bp == 0 && !goes_on && !again && !(quiet && !ecs_native_is_tidy(n)))
		o->live = LIVE_BASELINE;
	else if (n->live_bp == 0)
		ecs_detail(o, "%s",
			   goes_on ? "the deployment goes on still"
			   : again ? "the service still wants the candidate"
				   : "the service's configuration is the rollout's still");
}

static void read_live(const struct target_env *env, const struct rollout_state *s,
		      const struct ecs_native *n, struct target_observation *o)
{
	bool in_effect = n->live_bp == n->requested_bp;

	if (n->pause)
		str_copy(o->lock, sizeof(o->lock), str_from(n->pause->id));
	o->live = LIVE_SPLIT;
	o->traffic.weight_bp = n->live_bp;
	/* a step is in effect at the pause behind it; the last one also when all is over */
	o->settled = in_effect && (n->pause || ecs_native_is_quiet(n));
	if (!lb_others_agree(&n->r.lb, &n->f) ||
	    lb_weight(&n->f, n->r.lb.baseline) + lb_weight(&n->f, n->r.lb.candidate) == 0) {
		o->live = LIVE_FOREIGN;
		ecs_detail(o, "%s forwards to other target groups than it did", n->r.lb.resource);
		return;
	}
	if (n->live_bp != 0 && !n->has_deployment) {
		o->live = LIVE_FOREIGN;
		ecs_detail(o,
			   "%s gives %s %d.%02d%%, and not by this rollout, which has begun no "
			   "deployment",
			   n->r.lb.resource, n->r.lb.candidate, n->live_bp / 100, n->live_bp % 100);
		return;
	}
	if (ecs_is_going_back(s->phase))
		read_way_back(n, o);
	else if (n->live_bp == 0)
		o->live = LIVE_BASELINE;
	else if (n->live_bp == 10000)
		o->live = everything_on_candidate(s->phase);
	if (!o->detail[0] && n->has_deployment)
		ecs_detail(o, "%s; %d.%02d%% asked for", ecs_native_stage(env->arena, n),
			   n->requested_bp / 100, n->requested_bp % 100);
}

/* It was stopped, or goes back by itself: an alarm, a pause nobody answered, somebody's hand. */
static void say_failed(const struct target_env *env, const struct ecs_native *n,
		       struct target_observation *o)
{
	const char *why = n->d.rollback_reason ? n->d.rollback_reason : n->d.status_reason;

	o->candidate = CANDIDATE_FAILED;
	o->detail[0] = '\0';
	ecs_detail(o, "%s%s%s%s%s", ecs_native_stage(env->arena, n), why ? ": " : "",
		   why ? why : "", n->d.triggered_alarm ? ": alarm " : "",
		   n->d.triggered_alarm ? n->d.triggered_alarm : "");
}

static const struct ecs_deployment *tasks_of(const struct ecs_native *n)
{
	for (size_t i = 0; i < n->service.n_deployments; i++)
		if (ecs_same_definition(n->service.deployments[i].task_definition, n->c.definition))
			return &n->service.deployments[i];
	return NULL;
}

/* Coming up; the controller itself tries for ever when tasks do not stay up. */
static int read_starting(const struct target_env *env, const struct ecs_native *n,
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
	ecs_detail(o, "%lld tasks of %s failed%s%s", (long long)tasks->failed_tasks,
		   n->c.definition, *why ? ": " : "", why);
	return 0;
}

/*
 * It has been up: at a pause, or on the way from one to the next. The health guard asks so in every
 * phase, and a shift that is going on is no illness.
 */
static bool is_up(const struct rollout_state *s, const struct ecs_native *n)
{
	return n->pause || n->requested_bp > 0 || n->live_bp > 0 || s->changed_at.ms > 0;
}

static int read_health(const struct target_env *env, const struct ecs_native *n,
		       struct target_observation *o, struct err *err)
{
	int64_t wanted = env->plan->target.lb.min_healthy;
	struct lb_health h;

	if (lb_read_health(env, n->r.lb.candidate, &h, err))
		return -1;
	if (h.healthy >= wanted && h.unhealthy == 0)
		return 0;
	o->candidate = CANDIDATE_PENDING;
	o->detail[0] = '\0';
	ecs_detail(o, "candidate: %lld healthy of at least %lld, %lld unhealthy%s%s",
		   (long long)h.healthy, (long long)wanted, (long long)h.unhealthy,
		   h.reason[0] ? ": " : "", h.reason);
	return 0;
}

static int read_candidate(const struct target_env *env, const struct rollout_state *s,
			  const struct ecs_native *n, struct target_observation *o, struct err *err)
{
	if (s->phase == PHASE_PREPARE && ecs_same_definition(n->c.definition, n->r.definition)) {
		o->candidate = CANDIDATE_SAME;
		return 0;
	}
	if (!n->has_deployment) {
		o->candidate = n->c.definition[0] ? CANDIDATE_PENDING : CANDIDATE_ABSENT;
		return 0;
	}
	/* the service names it only as long as it goes on: prepare() has to write it down first */
	if (s->phase == PHASE_PREPARE && !n->c.deployment[0]) {
		o->candidate = CANDIDATE_PENDING;
		return 0;
	}
	if (ecs_native_is_rolling_back(n->d.status) ||
	    (ecs_native_is_over(n->d.status) && n->d.status != ECS_DEPLOYMENT_SUCCESSFUL)) {
		say_failed(env, n, o);
		return 0;
	}
	if (s->phase == PHASE_VERIFY && is_up(s, n))
		return read_health(env, n, o, err);
	/* somebody went on at our pause: seen by what is live */
	if (n->pause || n->d.status == ECS_DEPLOYMENT_SUCCESSFUL)
		return 0;
	return read_starting(env, n, o, err);
}

static int observe_baseline(const struct target_env *env, const struct ecs_native *n,
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

int ecs_native_observe(const struct target_env *env, const struct rollout_state *s,
		       struct target_observation *o, struct err *err)
{
	struct ecs_native n;

	*o = (struct target_observation){.candidate = CANDIDATE_READY,
					 .retired = true,
					 .baseline_health.kind = VERDICT_UNKNOWN};
	if (ecs_native_look(env, s, &n, err))
		return lb_unreadable(o, err);
	read_live(env, s, &n, o);
	if (o->live == LIVE_FOREIGN)
		return 0;
	if (ecs_is_going_back(s->phase))
		return observe_baseline(env, &n, o, err);
	if (read_candidate(env, s, &n, o, err))
		return lb_unreadable(o, err);
	o->retired = n.has_deployment && n.d.status == ECS_DEPLOYMENT_SUCCESSFUL &&
		     ecs_native_is_tidy(&n);
	return 0;
}
