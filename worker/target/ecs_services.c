#include <stdio.h>
#include <string.h>

#include "worker/target/ecs.h"
#include "worker/target/record.h"

/*
 * Two services on one load balancer. Weights are load_balancer's; here is how many tasks the
 * candidate's service has: enough for the weight that comes next before it comes, as many as the
 * baseline before it gets everything. The baseline keeps its own until it is retired, and is
 * brought back to them first when it has to take over again.
 *
 * The candidate's service is rolled by ECS from whatever it ran before, without traffic, and does
 * not go back by itself: the circuit breaker only says that the tasks do not stay up.
 */

struct pair {
	struct ecs_record r;
	struct ecs_candidate c;
};

static int load(const struct target_env *env, const struct rollout_state *s, struct pair *p,
		struct err *err)
{
	if (ecs_record_load(env->arena, s->undo, &p->r, err))
		return -1;
	return ecs_candidate_load(env->arena, s->candidate, &p->c, err);
}

/* A service that ECS still shows after it was deleted is not there. */
static int describe(const struct target_env *env, const char *cluster, const char *name,
		    struct ecs_service *out, bool *there, struct err *err)
{
	struct err e = ERR_INIT;

	*there = false;
	if (ecs_describe_service(&env->client, cluster, name, env->arena, out, &e)) {
		/* a cluster that is gone is another matter than a service */
		if (e.code == ERR_NOT_FOUND && strcmp(e.aws, "ClusterNotFoundException") != 0)
			return 0;
		*err = e;
		return -1;
	}
	*there = strcmp(out->status, "INACTIVE") != 0;
	return 0;
}

static bool is_active(const struct ecs_service *s)
{
	return !strcmp(s->status, "ACTIVE");
}

/* Tasks for this share of what the baseline has, rounded up. */
static int64_t tasks_for(const struct target_env *env, int64_t full, int weight_bp)
{
	int64_t n = (full * weight_bp + 9999) / 10000, least = env->plan->target.lb.min_healthy;

	return n > least ? n : least;
}

/* Nobody knows how many users a segment has: there must be room for all. */
static int capacity_bp(const struct traffic *t)
{
	return t->segments ? 10000 : t->weight_bp;
}

/* The share the candidate must be able to take now. */
static int share_of(const struct plan *plan, const struct rollout_state *s)
{
	struct traffic t;

	if (s->phase == PHASE_PROMOTE || s->phase == PHASE_BAKE || plan->n_steps == 0)
		return 10000;
	if (s->phase == PHASE_SHIFT || s->phase == PHASE_WATCH)
		t = rollout_traffic(plan, (size_t)s->step < plan->n_steps ? s->step : 0);
	else
		t = rollout_traffic(plan, 0);
	return capacity_bp(&t);
}

/*
 * How many tasks that are; the baseline's own count may have grown since the first look. What is to
 * be gone back to must be what it was.
 */
static int wanted(const struct target_env *env, const struct pair *p, int share_bp, int64_t *out,
		  struct err *err)
{
	struct ecs_service baseline;
	bool there;

	if (describe(env, p->r.cluster, p->r.service, &baseline, &there, err))
		return -1;
	if (!there || !is_active(&baseline) ||
	    !ecs_same_definition(baseline.task_definition, p->r.definition))
		return err_set(err, ERR_REJECTED, "service %s, the baseline, %s %s", p->r.service,
			       there && is_active(&baseline) ? "runs" : "is",
			       !there ? "gone"
			       : !is_active(&baseline)
				       ? baseline.status
				       : ecs_definition_name(baseline.task_definition));
	*out = tasks_for(env, baseline.desired > p->r.desired ? baseline.desired : p->r.desired,
			 share_bp);
	return 0;
}

/* --- observe ---------------------------------------------------------------------------------- */

static bool has_failed(const struct ecs_service *s)
{
	const struct ecs_deployment *d = ecs_primary(s);

	return d && d->rollout_state && !strcmp(d->rollout_state, "FAILED");
}

/* Every task of the old definition gone, and every one of the new there. */
static bool is_rolled(const struct ecs_service *s)
{
	const struct ecs_deployment *d = ecs_primary(s);

	return d && s->n_deployments == 1 && d->running >= d->desired && d->pending == 0 &&
	       (!d->rollout_state || strcmp(d->rollout_state, "IN_PROGRESS") != 0);
}

static int say_failed(const struct target_env *env, const struct ecs_service *s,
		      struct target_observation *o, struct err *err)
{
	const char *why = ecs_why(env, s, err);
	const struct ecs_deployment *d = ecs_primary(s);

	if (!why)
		return -1;
	o->candidate = CANDIDATE_FAILED;
	o->detail[0] = '\0';
	ecs_detail(o, "service %s: %s%s%s", s->name,
		   d->rollout_state_reason ? d->rollout_state_reason : "its deployment failed",
		   *why ? ": " : "", why);
	return 0;
}

/* Running, and healthy in the target group, in the number that is wanted. */
static int read_capacity(const struct target_env *env, const struct rollout_state *s,
			 const struct pair *p, const struct ecs_service *candidate,
			 struct target_observation *o, struct err *err)
{
	struct lb_health h;
	int64_t want;

	if (wanted(env, p, share_of(env->plan, s), &want, err) ||
	    lb_read_health(env, p->r.lb.candidate, &h, err))
		return -1;
	/* the baseline may have grown since PREPARE; nothing makes tasks in VERIFY, SHIFT does */
	if (s->phase == PHASE_VERIFY && candidate->desired < want)
		want = candidate->desired;
	/* PREPARE and the next change make it more; until then it is no reason to wait */
	if (candidate->desired < want) {
		o->candidate = s->phase == PHASE_SHIFT || s->phase == PHASE_PROMOTE
				       ? CANDIDATE_READY
				       : CANDIDATE_PENDING;
		if (o->candidate == CANDIDATE_PENDING)
			ecs_detail(o, "service %s wants %lld tasks, %lld are needed",
				   candidate->name, (long long)candidate->desired, (long long)want);
		return 0;
	}
	/* once it has been up, more tasks that start are no illness: the health guard asks so */
	if (h.healthy >= want && (s->phase == PHASE_VERIFY || is_rolled(candidate)))
		return 0;
	o->candidate = CANDIDATE_PENDING;
	o->detail[0] = '\0';
	ecs_detail(o, "service %s: %lld of %lld tasks run, %lld of %lld targets are healthy%s%s",
		   candidate->name, (long long)candidate->running, (long long)candidate->desired,
		   (long long)h.healthy, (long long)want, h.reason[0] ? ": " : "", h.reason);
	return 0;
}

/*
 * The other service was given this rollout's definition, and has neither that nor what it had
 * before: another rollout has given it something else. One that is told twice would be for ever.
 */
static bool is_told_otherwise(const struct pair *p, const struct ecs_service *other)
{
	char mark[RECORD_MARK_SIZE];

	if (!p->c.before[0] || ecs_same_definition(other->task_definition, p->c.definition))
		return false;
	record_mark(ecs_definition_name(other->task_definition), mark);
	return strcmp(mark, p->c.before) != 0;
}

static int read_candidate(const struct target_env *env, const struct rollout_state *s,
			  const struct pair *p, struct target_observation *o, struct err *err)
{
	struct ecs_service candidate;
	bool there;

	if (s->phase == PHASE_PREPARE && ecs_same_definition(p->c.definition, p->r.definition)) {
		o->candidate = CANDIDATE_SAME;
		return 0;
	}
	if (!p->c.definition[0]) {
		o->candidate = CANDIDATE_ABSENT;
		return 0;
	}
	if (describe(env, p->r.cluster, p->r.other, &candidate, &there, err))
		return -1;
	if (!there || !is_active(&candidate) ||
	    !ecs_same_definition(candidate.task_definition, p->c.definition)) {
		if (s->phase == PHASE_PREPARE &&
		    !(there && is_told_otherwise(p, &candidate))) {
			o->candidate = CANDIDATE_PENDING;
			return 0;
		}
		return err_set(err, ERR_REJECTED, "service %s %s %s", p->r.other,
			       there && is_active(&candidate) ? "runs" : "is",
			       !there ? "gone"
			       : !is_active(&candidate)
				       ? candidate.status
				       : ecs_definition_name(candidate.task_definition));
	}
	if (has_failed(&candidate))
		return say_failed(env, &candidate, o, err);
	/* the group has to be in the action first, and says so */
	if (o->candidate == CANDIDATE_ABSENT)
		return 0;
	return read_capacity(env, s, p, &candidate, o, err);
}

static int read_retired(const struct target_env *env, const struct pair *p,
			struct target_observation *o, struct err *err)
{
	enum ecs_retire end = env->plan->target.ecs.retire;
	struct ecs_service old;
	bool there;

	if (end == ECS_KEEP)
		return 0;
	if (describe(env, p->r.cluster, p->r.service, &old, &there, err))
		return -1;
	o->retired = !there || !is_active(&old) ||
		     (end == ECS_SCALE_IN && old.desired == 0 && old.running == 0);
	if (!o->retired)
		ecs_detail(o, "service %s has %lld tasks still", old.name, (long long)old.running);
	return 0;
}

static bool is_ours(const struct ecs_service *s, const struct rollout_state *state)
{
	const char *id = ecs_tag_get(s->tags, s->n_tags, ECS_ROLLOUT_TAG);

	return id && !strcmp(id, state->id);
}

/* What this rollout made of the other service: the service itself, or more tasks than it had. */
static int read_leftover(const struct target_env *env, const struct rollout_state *s,
			 const struct pair *p, struct target_observation *o, struct err *err)
{
	struct ecs_service other;
	bool there;

	if (describe(env, p->r.cluster, p->r.other, &other, &there, err))
		return -1;
	if (!there || !is_active(&other) || !p->c.definition[0])
		return 0;
	o->leftover = p->r.other_desired < 0
			      ? is_ours(&other, s)
			      : ecs_same_definition(other.task_definition, p->c.definition) &&
					other.desired > p->r.other_desired;
	if (o->leftover)
		ecs_detail(o, "service %s has %lld tasks", other.name, (long long)other.desired);
	return 0;
}

static int observe(const struct target_env *env, const struct rollout_state *s,
		   struct target_observation *o, struct err *err)
{
	struct pair p;
	int rc = 0;

	*o = (struct target_observation){.candidate = CANDIDATE_READY,
					 .retired = true,
					 .baseline_health.kind = VERDICT_UNKNOWN};
	if (load(env, s, &p, err))
		return lb_unreadable(o, err);
	if (lb_observe(env, s, &p.r.lb, o, err))
		return -1;
	if (o->live == LIVE_UNREADABLE || o->live == LIVE_FOREIGN)
		return 0;
	if (s->phase == PHASE_RETIRE)
		rc = read_retired(env, &p, o, err);
	else if (s->phase == PHASE_PROVE)
		rc = read_leftover(env, s, &p, o, err);
	else if (s->phase != PHASE_RESTORE && o->candidate != CANDIDATE_FAILED)
		rc = read_candidate(env, s, &p, o, err);
	return rc ? lb_unreadable(o, err) : 0;
}

/* --- prepare ---------------------------------------------------------------------------------- */

/* 36 characters of the rollout's id and the service's name: the same for the same request. */
static const char *client_token(struct arena *a, const struct rollout_state *s, const char *name)
{
	char hex[SHA256_HEX_SIZE];

	sha256_hex(str_from(arena_printf(a, "%s/%s", s->id, name)), hex);
	return arena_printf(a, "%.36s", hex);
}

static int create(const struct target_env *env, const struct rollout_state *s, const struct pair *p,
		  int64_t desired, struct err *err)
{
	const struct ecs_tag tag = {ECS_ROLLOUT_TAG, s->id};
	struct ecs_service like, after;
	struct ecs_service_create in = {
		.like = &like,
		.name = p->r.other,
		.task_definition = p->c.definition,
		.desired = desired,
		.target_group_arn = p->r.lb.candidate,
		.tags = &tag,
		.n_tags = 1,
		.breaker_count = env->plan->target.ecs.failed_tasks,
		.client_token = client_token(env->arena, s, p->r.other),
	};

	if (ecs_describe_service(&env->client, p->r.cluster, p->r.service, env->arena, &like, err))
		return -1;
	return ecs_create_service(&env->client, &in, env->arena, &after, err);
}

static int scale(const struct target_env *env, const char *cluster, const char *service,
		 int64_t desired, struct err *err)
{
	struct ecs_service_update u = {.cluster = cluster, .service = service, .desired = desired};
	struct ecs_service after;

	return ecs_update_service(&env->client, &u, env->arena, &after, err);
}

/* The service that stands there gets the new definition, and tasks enough for the first weight. */
static int roll(const struct target_env *env, const struct pair *p, const struct ecs_service *now,
		int64_t desired, struct err *err)
{
	struct ecs_deployment_configuration d = {
		.base = json_get(now->raw, "deploymentConfiguration"),
		.strategy = "ROLLING",
		.breaker_count = env->plan->target.ecs.failed_tasks,
	};
	struct ecs_service_update u = {.cluster = p->r.cluster,
				       .service = p->r.other,
				       .task_definition = p->c.definition,
				       .desired = now->desired > desired ? now->desired : desired,
				       .configuration = &d};
	struct ecs_service after;

	return ecs_update_service(&env->client, &u, env->arena, &after, err);
}

static int prepare(const struct target_env *env, const struct rollout_state *s,
		   char candidate[LIMIT_CANDIDATE + 1], struct err *err)
{
	char before[RECORD_MARK_SIZE];
	struct ecs_service other;
	struct pair p;
	int64_t want;
	bool there;

	if (load(env, s, &p, err))
		return -1;
	if (!p.c.definition[0]) {
		if (ecs_definition_register(env, s, p.r.definition, &p.c.definition, err))
			return -1;
		return ecs_candidate_store(&p.c, candidate, err);
	}
	/* a service is refused a target group that no load balancer knows */
	if (lb_prepare(env, &p.r.lb, err) ||
	    describe(env, p.r.cluster, p.r.other, &other, &there, err) ||
	    wanted(env, &p, share_of(env->plan, s), &want, err))
		return -1;
	if (there && !is_active(&other))
		return 0; /* its name is free when it has drained */
	if (!there || !ecs_same_definition(other.task_definition, p.c.definition)) {
		if (there ? roll(env, &p, &other, want, err) : create(env, s, &p, want, err))
			return -1;
		record_mark(there ? ecs_definition_name(other.task_definition) : "", before);
		p.c.before = before;
		return ecs_candidate_store(&p.c, candidate, err);
	}
	return other.desired < want ? scale(env, p.r.cluster, p.r.other, want, err) : 0;
}

/* --- traffic ---------------------------------------------------------------------------------- */

/* Capacity first: when there is some to add this is all that happens, and the next look decides. */
static int split(const struct target_env *env, const struct rollout_state *s,
		 const struct target_observation *o, const struct traffic *want, struct err *err)
{
	struct ecs_service other;
	struct lb_health h;
	struct pair p;
	int64_t tasks;
	bool there;

	if (load(env, s, &p, err) || wanted(env, &p, capacity_bp(want), &tasks, err) ||
	    describe(env, p.r.cluster, p.r.other, &other, &there, err))
		return -1;
	if (!there || !is_active(&other) ||
	    !ecs_same_definition(other.task_definition, p.c.definition))
		return err_set(err, ERR_CONFLICT, "service %s is not as it was looked at",
			       p.r.other);
	if (other.desired < tasks)
		return scale(env, p.r.cluster, p.r.other, tasks, err);
	if (lb_read_health(env, p.r.lb.candidate, &h, err))
		return -1;
	if (h.healthy < tasks)
		return err_set(err, ERR_CONFLICT,
			       "service %s has %lld healthy targets; %lld are needed for "
			       "%d.%02d%% (%s)",
			       p.r.other, (long long)h.healthy, (long long)tasks,
			       want->weight_bp / 100, want->weight_bp % 100, h.reason);
	return lb_split(env, &p.r.lb, o, want, err);
}

static int promote(const struct target_env *env, const struct rollout_state *s,
		   const struct target_observation *o, struct err *err)
{
	return split(env, s, o, &(struct traffic){.weight_bp = 10000}, err);
}

/*
 * The baseline may have been scaled in meanwhile: by us, in RETIRE, or by its own auto scaling when
 * its traffic went. Half of what it had must be there before it gets everything; the rest follows.
 */
static int restore(const struct target_env *env, const struct rollout_state *s,
		   const struct target_observation *o, struct err *err)
{
	struct ecs_service baseline;
	struct lb_health h;
	struct pair p;

	if (load(env, s, &p, err) || ecs_describe_service(&env->client, p.r.cluster, p.r.service,
							  env->arena, &baseline, err))
		return -1;
	if (!is_active(&baseline))
		return err_set(err, ERR_REJECTED,
			       "service %s, which served before, is %s: there is nothing to go "
			       "back to",
			       baseline.name, baseline.status);
	if (baseline.desired < p.r.desired)
		return scale(env, p.r.cluster, p.r.service, p.r.desired, err);
	if (lb_read_health(env, p.r.lb.baseline, &h, err))
		return -1;
	if (h.healthy * 2 < p.r.desired || h.healthy == 0)
		return err_set(err, ERR_CONFLICT,
			       "service %s has %lld healthy targets, half of %lld are needed "
			       "before it gets everything (%s)",
			       baseline.name, (long long)h.healthy, (long long)p.r.desired,
			       h.reason);
	return lb_restore(env, &p.r.lb, o, err);
}

/* --- cleaning up ------------------------------------------------------------------------------ */

static int retire(const struct target_env *env, const struct rollout_state *s,
		  const struct target_observation *o, struct err *err)
{
	enum ecs_retire end = env->plan->target.ecs.retire;
	struct lb_forward f;
	struct pair p;

	(void)o;
	if (load(env, s, &p, err) || lb_read_forward(env, p.r.lb.resource, &f, err))
		return -1;
	if (lb_weight(&f, p.r.lb.baseline) > 0)
		return err_set(err, ERR_CONFLICT, "%s has traffic: not retired", p.r.service);
	if (end == ECS_DELETE)
		return ecs_delete_service(&env->client, p.r.cluster, p.r.service, env->arena, err);
	if (end == ECS_SCALE_IN)
		return scale(env, p.r.cluster, p.r.service, 0, err);
	return 0;
}

/* After a proved way back: the created service goes, a standing one has its tasks as before. */
static int discard(const struct target_env *env, const struct rollout_state *s,
		   const struct target_observation *o, struct err *err)
{
	struct ecs_service other;
	struct lb_forward f;
	struct pair p;
	bool there;

	(void)o;
	if (load(env, s, &p, err) || lb_read_forward(env, p.r.lb.resource, &f, err))
		return -1;
	if (lb_weight(&f, p.r.lb.candidate) > 0)
		return err_set(err, ERR_CONFLICT, "%s has traffic: not removed", p.r.other);
	if (p.r.other_desired >= 0)
		return scale(env, p.r.cluster, p.r.other, p.r.other_desired, err);
	/* only what this rollout has made */
	if (describe(env, p.r.cluster, p.r.other, &other, &there, err))
		return -1;
	if (!there || !is_ours(&other, s))
		return 0;
	return ecs_delete_service(&env->client, p.r.cluster, p.r.other, env->arena, err);
}

const struct target_ops ecs_services_ops = {
	.name = "ecs",
	.observe = observe,
	.prepare = prepare,
	.split = split,
	.promote = promote,
	.restore = restore,
	.retire = retire,
	.discard = discard,
};
