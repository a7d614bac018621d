#include "tests/sim/sim_ecs.h"

/*
 * Deployments of the simulated ECS: how one begins, a rolling one from tick to tick, the circuit
 * breaker and alarms, and how one ends or goes back to the revision that completed last.
 */

/* With alarms a rolling deployment is watched for so long; ECS decides how long. */
#define ALARM_BAKE_MS (INT64_C(5) * 60 * 1000)

bool sim_ecs_is_over(const struct sim_ecs_deployment *d)
{
	return d->status == SIM_ECS_SUCCESSFUL || d->status == SIM_ECS_STOPPED ||
	       d->status == SIM_ECS_ROLLBACK_SUCCESSFUL || d->status == SIM_ECS_ROLLBACK_FAILED;
}

bool sim_ecs_is_rolling_back(const struct sim_ecs_deployment *d)
{
	return d->status == SIM_ECS_ROLLBACK_REQUESTED || d->status == SIM_ECS_ROLLBACK_IN_PROGRESS;
}

/* --- how one begins ------------------------------------------------------------------------ */

/* Where the tasks of a new revision go: beside the ones that serve, or into the same group. */
static const char *group_for(struct sim_ecs_state *e, const struct sim_ecs_service *v, bool native,
			     const struct sim_ecs_revision *source)
{
	struct sim_ecs_route r = sim_ecs_route_of(v->member[SIM_ECS_LOAD_BALANCERS]);
	struct str serving = str_from(source ? source->group : NULL);
	bool known = str_eq(serving, r.group) || (r.alternate.n && str_eq(serving, r.alternate));
	if (!r.group.n)
		return NULL;
	if (!native)
		return str_dup(e->arena, known && serving.n ? serving : r.group);
	return str_dup(e->arena, str_eq(serving, r.group) ? r.alternate : r.group);
}

static struct sim_ecs_revision *revision_new(struct sim *s, struct sim_ecs_state *e,
					     struct sim_ecs_service *v)
{
	struct sim_ecs_revision *r = arena_new_of(e->arena, struct sim_ecs_revision);
	long long number = (long long)(INT64_C(4200000000000000000) + (int64_t)++e->n_ids * 7919);
	r->arn = arena_printf(
		e->arena, "arn:aws:ecs:" SIM_REGION ":" SIM_ACCOUNT ":service-revision/%s/%s/%lld",
		v->cluster->name, v->name, number);
	r->id = arena_printf(e->arena, "ecs-svc/%lld", number + 1);
	r->def = v->def;
	memcpy(r->member, v->member, sizeof(r->member));
	r->created = r->updated = sim_now(s);
	r->rollout_state = "IN_PROGRESS";
	r->rollout_reason = "ECS deployment in progress.";
	r->next = v->revisions;
	v->revisions = r;
	return r;
}

static void end_deployment(struct sim *s, struct sim_ecs_deployment *d, enum sim_ecs_status status,
			   const char *reason)
{
	d->status = status;
	d->reason = reason;
	d->updated = sim_now(s);
	if (status == SIM_ECS_STOPPED)
		d->stopped = sim_now(s);
	d->finished = sim_now(s);
}

/* Alarms that are red already would stop every deployment: ECS leaves them out. */
static const struct json *watched_alarms(struct sim *s, struct sim_ecs_state *e,
					 const struct sim_ecs_config *config)
{
	struct json_out o;
	struct buf b;
	struct json *list = NULL;
	struct err err = ERR_INIT;
	if (!json_bool(json_get(config->alarms, "enable"), false))
		return NULL;
	buf_init(&b, 64u << 10);
	json_out_init(&o, &b);
	json_out_array(&o);
	json_each(n, json_get(config->alarms, "alarmNames")) {
		const char *state = sim_cloudwatch_alarm(s, json_text(n));
		if (!state || strcmp(state, "ALARM") != 0)
			json_out_str(&o, json_text(n));
	}
	json_out_end(&o);
	if (json_parse(e->arena, buf_str(&b), &list, &err))
		list = NULL;
	buf_release(&b);
	return list;
}

void sim_ecs_deploy(struct sim *s, struct sim_ecs_state *e, struct sim_ecs_service *v)
{
	struct sim_ecs_deployment *d = arena_new_of(e->arena, struct sim_ecs_deployment),
				  *before = v->deployments;
	/* what was aborted is still there */
	bool replaces = before && (!sim_ecs_is_over(before) ||
				   (before->status == SIM_ECS_STOPPED && before->target->desired));
	d->config = v->config;
	d->source = v->completed;
	d->native = v->controller == SIM_ECS_NATIVE && d->config.strategy != SIM_ECS_ROLLING &&
		    d->source;
	if (replaces) {
		d->other = before->target != d->source ? before->target : NULL;
		if (!sim_ecs_is_over(before))
			end_deployment(s, before, SIM_ECS_STOPPED,
				       "The service deployment was replaced by a newer one.");
	}
	d->target = revision_new(s, e, v);
	d->target->group = group_for(e, v, d->native, d->source);
	d->arn = arena_printf(
		e->arena, "arn:aws:ecs:" SIM_REGION ":" SIM_ACCOUNT ":service-deployment/%s/%s/%s",
		v->cluster->name, v->name, sim_ecs_word(s, e, 21));
	d->created = d->started = d->updated = sim_now(s);
	d->status = SIM_ECS_PENDING;
	d->watched = watched_alarms(s, e, &d->config);
	d->next = before;
	v->deployments = d;
	v->primary = d->target;
	sim_ecs_stage_enter(s, d, d->other ? SIM_ECS_RECONCILE : SIM_ECS_PRE_SCALE_UP);
}

/* --- how one ends -------------------------------------------------------------------------- */

void sim_ecs_complete(struct sim *s, struct sim_ecs_state *e, struct sim_ecs_service *v,
		      struct sim_ecs_deployment *d)
{
	end_deployment(s, d, SIM_ECS_SUCCESSFUL, NULL);
	d->target->rollout_state = "COMPLETED";
	d->target->rollout_reason =
		arena_printf(e->arena, "ECS deployment %s completed.", d->target->id);
	d->target->updated = sim_now(s);
	v->completed = v->primary = d->target;
	sim_ecs_event(s, e, v, "(deployment %s) deployment completed.", d->target->id);
}

void sim_ecs_roll_back(struct sim *s, struct sim_ecs_service *v, struct sim_ecs_deployment *d,
		       const char *reason)
{
	d->status = SIM_ECS_ROLLBACK_REQUESTED;
	d->reason = reason;
	d->rollback_reason = reason;
	d->rollback_at = d->updated = sim_now(s);
	d->target->rollout_state = "FAILED";
	d->target->rollout_reason = reason;
	v->primary = d->source;
	v->def = d->source->def;
	for (size_t i = 0; i < SIM_ECS_MEMBERS; i++)
		if (sim_ecs_members[i].deploys)
			v->member[i] = d->source->member[i];
	d->source->desired = v->desired;
	d->source->next_start.ms = 0;
	sim_ecs_stage_enter(s, d, SIM_ECS_SHIFT);
}

/* Not to be rescued: it stops where it is. */
static void give_up(struct sim *s, struct sim_ecs_deployment *d, const char *reason)
{
	d->target->rollout_state = "FAILED";
	d->target->rollout_reason = reason;
	end_deployment(s, d, SIM_ECS_STOPPED, reason);
}

/* --- the circuit breaker and alarms -------------------------------------------------------- */

int64_t sim_ecs_breaker_threshold(const struct sim_ecs_deployment *d, int64_t desired)
{
	const char *type = d->config.threshold_type;
	int64_t value = d->config.threshold_value, half = (desired + 1) / 2;
	if (!type)
		return half < 3 ? 3 : half > 200 ? 200 : half;
	if (strcmp(type, "COUNT") == 0)
		return value;
	half = (desired * value + 99) / 100;
	if (strcmp(type, "BOUNDED_PERCENT") == 0)
		return half < 3 ? 3 : half > 200 ? 200 : half;
	return half < 1 ? 1 : half;
}

static bool fail(struct sim *s, struct sim_ecs_service *v, struct sim_ecs_deployment *d,
		 bool rollback, const char *reason)
{
	if (rollback && d->source)
		sim_ecs_roll_back(s, v, d, reason);
	else
		give_up(s, d, reason);
	return true;
}

/* True when the deployment has been stopped by one of them. */
static bool check_guards(struct sim *s, struct sim_ecs_state *e, struct sim_ecs_service *v,
			 struct sim_ecs_deployment *d)
{
	bool rollback = json_bool(json_get(d->config.alarms, "rollback"), false);
	struct buf b;
	if (d->config.breaker && !d->native &&
	    d->target->failed >= sim_ecs_breaker_threshold(d, v->desired)) {
		d->breaker_open = true;
		return fail(s, v, d, d->config.breaker_rollback,
			    "Service deployment rolled back because the circuit breaker threshold "
			    "was exceeded.");
	}
	buf_init(&b, 64u << 10);
	json_each(n, d->watched) {
		const char *state = sim_cloudwatch_alarm(s, json_text(n));
		if (!state || strcmp(state, "ALARM") != 0)
			continue;
		if (b.n)
			buf_addc(&b, ',');
		buf_add_str(&b, json_text(n));
	}
	if (b.n)
		d->triggered_alarms = str_dup(e->arena, buf_str(&b));
	buf_release(&b);
	if (!d->triggered_alarms)
		return false;
	return fail(s, v, d, rollback,
		    arena_printf(e->arena,
				 "Service deployment rolled back because the following alarms "
				 "were in ALARM: %s",
				 d->triggered_alarms));
}

/* --- a rolling deployment ------------------------------------------------------------------ */

static int64_t most(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* How many of each revision, within maximumPercent and minimumHealthyPercent. */
static void roll(struct sim *s, struct sim_ecs_state *e, struct sim_ecs_service *v,
		 struct sim_ecs_revision *to, const struct sim_ecs_config *config)
{
	struct sim_ecs_counts all = sim_ecs_count(s, e, v, NULL), now = sim_ecs_count(s, e, v, to);
	int64_t ceiling = most(v->desired * config->maximum_percent / 100, 1),
		floor = (v->desired * config->minimum_percent + 99) / 100, old = 0;
	to->desired = least(v->desired, most(ceiling - (all.live - now.live), now.live));
	for (struct sim_ecs_revision *r = v->revisions; r; r = r->next) {
		int64_t need = most(floor - now.healthy - old, 0);
		if (r == to)
			continue;
		r->desired = least(r->desired, need);
		old += r->desired;
	}
}

static bool rolled(struct sim *s, struct sim_ecs_state *e, const struct sim_ecs_service *v,
		   const struct sim_ecs_revision *to)
{
	struct sim_ecs_counts all = sim_ecs_count(s, e, v, NULL), now = sim_ecs_count(s, e, v, to);
	return now.healthy >= v->desired && now.live == all.live;
}

static void first_weights(struct sim *s, struct sim_ecs_service *v, struct sim_ecs_deployment *d)
{
	if (!d->source && !d->entered && d->config.strategy != SIM_ECS_ROLLING)
		(void)sim_ecs_shift(s, v, d, 100);
	d->entered = true;
}

static void step_rolling(struct sim *s, struct sim_ecs_state *e, struct sim_ecs_service *v,
			 struct sim_ecs_deployment *d)
{
	bool watched = d->watched && d->watched->n;
	first_weights(s, v, d);
	roll(s, e, v, d->target, &d->config);
	if (!rolled(s, e, v, d->target)) {
		d->steady_since.ms = 0;
		return;
	}
	if (!d->steady_since.ms)
		d->steady_since = sim_now(s);
	if (!watched || !d->source || sim_now(s).ms - d->steady_since.ms >= ALARM_BAKE_MS)
		sim_ecs_complete(s, e, v, d);
}

/* --- any deployment ------------------------------------------------------------------------ */

static void step_back(struct sim *s, struct sim_ecs_state *e, struct sim_ecs_service *v,
		      struct sim_ecs_deployment *d)
{
	if (d->status == SIM_ECS_ROLLBACK_REQUESTED) {
		d->status = SIM_ECS_ROLLBACK_IN_PROGRESS;
		return;
	}
	if (d->native) {
		sim_ecs_stage_back(s, e, v, d);
		return;
	}
	roll(s, e, v, d->source, &d->config);
	if (rolled(s, e, v, d->source))
		end_deployment(s, d, SIM_ECS_ROLLBACK_SUCCESSFUL, d->rollback_reason);
}

static void step_forward(struct sim *s, struct sim_ecs_state *e, struct sim_ecs_service *v,
			 struct sim_ecs_deployment *d)
{
	if (d->native)
		sim_ecs_stage_step(s, e, v, d);
	else
		step_rolling(s, e, v, d);
}

void sim_ecs_deployment_step(struct sim *s, struct sim_ecs_state *e, struct sim_ecs_service *v)
{
	struct sim_ecs_deployment *d = v->deployments;
	if (!d || sim_ecs_is_over(d) || v->status != SIM_ECS_ACTIVE)
		return;
	if (d->status == SIM_ECS_PENDING)
		d->status = SIM_ECS_IN_PROGRESS;
	else if (d->status == SIM_ECS_STOP_REQUESTED)
		give_up(s, d, "Service deployment stopped by request.");
	else if (sim_ecs_is_rolling_back(d))
		step_back(s, e, v, d);
	else if (!check_guards(s, e, v, d))
		step_forward(s, e, v, d);
	d->updated = sim_now(s);
}
