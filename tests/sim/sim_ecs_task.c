#include "tests/sim/sim_ecs.h"

#include <stdio.h>

/*
 * Tasks of the simulated ECS: provisioned, pending while the image is pulled, running and then a
 * target of the service's target group; stopped by draining first. The scheduler keeps as many as
 * each service revision wants, and backs off from those that fail.
 */

#define KEPT_MS (INT64_C(3600) * 1000) /* a stopped task can be described for so long */
#define BACK_OFF_MS INT64_C(10000)
#define BACK_OFF_MAX_MS INT64_C(300000)

/* --- counting ------------------------------------------------------------------------------ */

static const char *target_state(struct sim *s, const struct sim_ecs_task *t)
{
	return sim_elbv2_target_state(s, str_from(t->revision->group), str_from(t->ip));
}

static bool is_healthy(struct sim *s, const struct sim_ecs_task *t)
{
	if (t->status != SIM_ECS_RUNNING || t->stop)
		return false;
	return !t->revision->group || strcmp(target_state(s, t), "healthy") == 0;
}

struct sim_ecs_counts sim_ecs_count(struct sim *s, const struct sim_ecs_state *e,
				    const struct sim_ecs_service *v,
				    const struct sim_ecs_revision *r)
{
	struct sim_ecs_counts n = {0};
	for (const struct sim_ecs_task *t = e->tasks; t; t = t->next) {
		if (t->service != v || (r && t->revision != r) || t->status == SIM_ECS_TASK_STOPPED)
			continue;
		n.left++;
		if (t->stop)
			continue;
		n.live++;
		n.running += t->status == SIM_ECS_RUNNING;
		n.pending += t->status != SIM_ECS_RUNNING;
		n.healthy += is_healthy(s, t);
	}
	return n;
}

/* --- one task over time -------------------------------------------------------------------- */

static struct sim_ecs_task *task_new(struct sim *s, struct sim_ecs_state *e,
				     struct sim_ecs_service *v, struct sim_ecs_revision *r)
{
	struct sim_ecs_task *t = arena_new_of(e->arena, struct sim_ecs_task);
	char uuid[RNG_UUID_SIZE], id[33];
	size_t n = 0;
	uint64_t k = ++e->n_ids;
	rng_uuid(sim_dice(s), uuid);
	for (size_t i = 0; uuid[i]; i++)
		if (uuid[i] != '-')
			id[n++] = uuid[i];
	id[n] = '\0';
	t->id = arena_strdup(e->arena, id);
	t->arn = arena_printf(e->arena, "arn:aws:ecs:" SIM_REGION ":" SIM_ACCOUNT ":task/%s/%s",
			      v->cluster->name, id);
	t->ip = arena_printf(e->arena, "10.%u.%u.%u", (unsigned)(k >> 16 & 255),
			     (unsigned)(k >> 8 & 255), (unsigned)(k & 255));
	t->service = v;
	t->revision = r;
	t->does = sim_ecs_does_of(e, r->def);
	t->created = t->since = sim_now(s);
	t->exit_code = -1;
	t->next = e->tasks;
	e->tasks = t;
	return t;
}

static void enter(struct sim_ecs_task *t, enum sim_ecs_task_status status, struct utc now)
{
	t->status = status;
	t->since = now;
	if (status == SIM_ECS_RUNNING)
		t->started = now;
	if (status == SIM_ECS_TASK_STOPPED)
		t->stopped = now;
}

static void add_target(struct sim *s, const struct sim_ecs_task *t)
{
	struct sim_ecs_route route = sim_ecs_route_of(t->revision->member[SIM_ECS_LOAD_BALANCERS]);
	if (t->revision->group)
		(void)sim_elbv2_target_add(s, str_from(t->revision->group), str_from(t->ip),
					   route.port, &t->does.b);
}

void sim_ecs_task_stop(struct sim *s, struct sim_ecs_task *t, const char *code, const char *reason)
{
	if (t->stop || t->status == SIM_ECS_TASK_STOPPED)
		return;
	t->stop = true;
	t->stop_code = code;
	t->stop_reason = reason;
	t->stopping = sim_now(s);
	if (t->status == SIM_ECS_RUNNING && t->revision->group) {
		(void)sim_elbv2_target_remove(s, str_from(t->revision->group), str_from(t->ip));
		enter(t, SIM_ECS_DEACTIVATING, sim_now(s));
	} else {
		enter(t, SIM_ECS_STOPPING, sim_now(s));
	}
}

/* A task that counts against its deployment. */
static void failed(struct sim *s, struct sim_ecs_task *t)
{
	struct sim_ecs_revision *r = t->revision;
	int64_t wait = BACK_OFF_MS;
	r->failed++;
	for (int64_t i = 0; i < r->failing && wait < BACK_OFF_MAX_MS; i++)
		wait *= 2;
	r->failing++;
	r->next_start.ms = sim_now(s).ms + (wait < BACK_OFF_MAX_MS ? wait : BACK_OFF_MAX_MS);
}

static void cannot_pull(struct sim *s, struct sim_ecs_state *e, struct sim_ecs_task *t)
{
	const struct json *first = json_get(t->revision->def->doc, "containerDefinitions")->first;
	struct str image = json_text(json_get(first, "image"));
	t->stop_code = "TaskFailedToStart";
	t->stop_reason =
		arena_printf(e->arena,
			     "CannotPullContainerError: pull image manifest has been "
			     "retried 1 time(s): failed to resolve ref " STR_FMT ": not found",
			     STR_ARG(image));
	t->stop = true;
	t->stopping = sim_now(s);
	enter(t, SIM_ECS_TASK_STOPPED, sim_now(s));
	failed(s, t);
	sim_ecs_event(s, e, t->service, "was unable to start a task: %s", t->stop_reason);
}

/* The container exits. It ran before that, so the circuit breaker does not count it. */
static void crash(struct sim *s, struct sim_ecs_state *e, struct sim_ecs_task *t)
{
	struct sim_ecs_revision *r = t->revision;
	sim_ecs_task_stop(s, t, "EssentialContainerExited", "Essential container in task exited");
	t->exit_code = 1;
	if (!t->was_healthy)
		failed(s, t);
	else if (r->next_start.ms < sim_now(s).ms + BACK_OFF_MS)
		r->next_start.ms = sim_now(s).ms + BACK_OFF_MS;
	sim_ecs_event(s, e, t->service, "has stopped 1 running tasks: (task %s).", t->id);
}

static void watch_running(struct sim *s, struct sim_ecs_state *e, struct sim_ecs_task *t)
{
	int64_t grace = 0, age = sim_now(s).ms - t->started.ms;
	const char *state = t->revision->group ? target_state(s, t) : "";
	(void)json_i64(t->service->member[SIM_ECS_GRACE_PERIOD], &grace);
	if (t->does.crash_after_ms && age >= t->does.crash_after_ms) {
		crash(s, e, t);
		return;
	}
	if (is_healthy(s, t) && !t->was_healthy) {
		t->was_healthy = true;
		t->revision->failing = 0;
		if (t->service->config.breaker_reset)
			t->revision->failed = 0;
	}
	if (strcmp(state, "unhealthy") == 0 && age >= grace * 1000) {
		failed(s, t);
		sim_ecs_event(s, e, t->service, "(task %s) (target-group %s) failed health checks",
			      t->id, t->revision->group);
		sim_ecs_task_stop(s, t, "ServiceSchedulerInitiated",
				  arena_printf(e->arena,
					       "Task failed ELB health checks in (target-group %s)",
					       t->revision->group));
	}
}

static void step(struct sim *s, struct sim_ecs_state *e, struct sim_ecs_task *t)
{
	struct utc now = sim_now(s);
	int64_t age = now.ms - t->since.ms;
	switch (t->status) {
	case SIM_ECS_PROVISIONING:
		if (age >= e->provision_ms)
			enter(t, SIM_ECS_TASK_PENDING, now);
		break;
	case SIM_ECS_TASK_PENDING:
		if (age < e->pull_ms)
			break;
		if (t->does.b.never_starts) {
			cannot_pull(s, e, t);
			break;
		}
		enter(t, SIM_ECS_RUNNING, now);
		add_target(s, t);
		break;
	case SIM_ECS_RUNNING:
		watch_running(s, e, t);
		break;
	case SIM_ECS_DEACTIVATING:
		if (strcmp(target_state(s, t), "draining") != 0)
			enter(t, SIM_ECS_STOPPING, now);
		break;
	case SIM_ECS_STOPPING:
		if (age >= e->stop_ms)
			enter(t, SIM_ECS_TASK_STOPPED, now);
		break;
	case SIM_ECS_TASK_STOPPED:
		break;
	}
}

void sim_ecs_tasks_step(struct sim *s, struct sim_ecs_state *e)
{
	struct sim_ecs_task **at = &e->tasks;
	while (*at) {
		struct sim_ecs_task *t = *at;
		step(s, e, t);
		if (t->status == SIM_ECS_TASK_STOPPED && sim_now(s).ms - t->stopped.ms > KEPT_MS)
			*at = t->next;
		else
			at = &t->next;
	}
}

/* --- the scheduler ------------------------------------------------------------------------- */

/* The newest go first, those that are not healthy before all. */
static void stop_some(struct sim *s, struct sim_ecs_state *e, struct sim_ecs_service *v,
		      const struct sim_ecs_revision *r, int64_t n)
{
	for (int pass = 0; pass < 2 && n > 0; pass++)
		for (struct sim_ecs_task *t = e->tasks; t && n > 0; t = t->next) {
			if (t->service != v || t->revision != r || t->stop ||
			    (pass == 0 && is_healthy(s, t)))
				continue;
			sim_ecs_task_stop(s, t, "ServiceSchedulerInitiated",
					  arena_printf(e->arena,
						       "Scaling activity initiated by (deployment "
						       "%s)",
						       r->id));
			n--;
		}
}

void sim_ecs_schedule(struct sim *s, struct sim_ecs_state *e, struct sim_ecs_service *v)
{
	struct sim_ecs_counts all;
	bool steady;
	for (struct sim_ecs_revision *r = v->revisions; r; r = r->next) {
		int64_t live = sim_ecs_count(s, e, v, r).live, started = 0;
		if (live > r->desired)
			stop_some(s, e, v, r, live - r->desired);
		if (sim_now(s).ms < r->next_start.ms)
			continue;
		for (; live < r->desired; live++, started++)
			(void)task_new(s, e, v, r);
		if (started)
			sim_ecs_event(s, e, v, "has started %lld tasks of %s:%lld.",
				      (long long)started, r->def->family,
				      (long long)r->def->revision);
	}
	all = sim_ecs_count(s, e, v, NULL);
	if (v->status == SIM_ECS_DRAINING && !all.left)
		v->status = SIM_ECS_INACTIVE;
	steady = all.healthy == v->desired && all.live == v->desired;
	if (steady && !v->steady)
		sim_ecs_event(s, e, v, "has reached a steady state.");
	v->steady = steady;
}

void sim_ecs_tasks_at_once(struct sim *s, struct sim_ecs_state *e, struct sim_ecs_service *v)
{
	sim_ecs_schedule(s, e, v);
	for (struct sim_ecs_task *t = e->tasks; t; t = t->next) {
		if (t->service != v || t->stop || t->status == SIM_ECS_RUNNING)
			continue;
		enter(t, SIM_ECS_RUNNING, sim_now(s));
		add_target(s, t);
	}
}

void sim_ecs_tasks_refresh(struct sim *s, struct sim_ecs_state *e)
{
	for (struct sim_ecs_task *t = e->tasks; t; t = t->next) {
		int64_t crash_after = t->does.crash_after_ms;
		t->does = sim_ecs_does_of(e, t->revision->def);
		if (t->status != SIM_ECS_RUNNING || t->stop)
			continue;
		if (t->does.crash_after_ms && t->does.crash_after_ms != crash_after)
			t->does.crash_after_ms += sim_now(s).ms - t->started.ms;
		add_target(s, t);
	}
}

/* --- reading ------------------------------------------------------------------------------- */

static const char *last_status(const struct sim_ecs_task *t)
{
	static const char *const names[] = {"PROVISIONING", "PENDING",	"RUNNING",
					    "DEACTIVATING", "STOPPING", "STOPPED"};
	return names[t->status];
}

static bool is_listed(const struct sim_ecs_call *c, const struct sim_ecs_cluster *k,
		      const struct sim_ecs_task *t)
{
	struct str service = json_text(json_get(c->in, "serviceName")),
		   family = json_text(json_get(c->in, "family")),
		   desired = json_text(json_get(c->in, "desiredStatus"));
	bool stopped = str_is(desired, "STOPPED");
	if (t->service->cluster != k || t->stop != stopped)
		return false;
	if (service.n && !str_is(service, t->service->name) && !str_is(service, t->service->arn))
		return false;
	return !family.n || str_is(family, t->revision->def->family);
}

int sim_ecs_list_tasks(struct sim_ecs_call *c)
{
	const struct sim_ecs_cluster *k = sim_ecs_need_cluster(c);
	struct str service = json_text(json_get(c->in, "serviceName")),
		   token = json_text(json_get(c->in, "nextToken"));
	int64_t most = 100, from = 0, at = 0;
	if (!k)
		return -1;
	if (service.n && !sim_ecs_service_find(c->e, k, service))
		return sim_ecs_error(c, "ServiceNotFoundException", "Service not found.");
	if (json_get(c->in, "maxResults") &&
	    (!json_i64(json_get(c->in, "maxResults"), &most) || most < 1 || most > 100))
		return sim_ecs_error(c, "InvalidParameterException", "maxResults must be 1 to 100");
	if (token.n && !str_parse_i64(token, 0, INT32_MAX, &from))
		return sim_ecs_error(c, "InvalidParameterException", "Invalid token");
	json_out_key(c->out, "taskArns");
	json_out_array(c->out);
	for (const struct sim_ecs_task *t = c->e->tasks; t; t = t->next) {
		if (!is_listed(c, k, t))
			continue;
		if (at >= from && at < from + most)
			json_out_cstr(c->out, t->arn);
		at++;
	}
	json_out_end(c->out);
	if (at > from + most)
		json_member_cstr(c->out, "nextToken",
				 arena_printf(c->arena, "%lld", (long long)(from + most)));
	return 0;
}

static void write_containers(struct json_out *o, const struct sim_ecs_task *t)
{
	bool up = t->status == SIM_ECS_RUNNING || t->status == SIM_ECS_DEACTIVATING;
	json_out_key(o, "containers");
	json_out_array(o);
	json_each(k, json_get(t->revision->def->doc, "containerDefinitions")) {
		json_out_object(o);
		json_member_cstr(o, "taskArn", t->arn);
		json_member_str(o, "name", json_text(json_get(k, "name")));
		json_member_str(o, "image", json_text(json_get(k, "image")));
		json_member_cstr(o, "lastStatus",
				 t->status == SIM_ECS_TASK_STOPPED ? "STOPPED"
				 : up				   ? "RUNNING"
								   : "PENDING");
		if (t->exit_code >= 0)
			json_member_i64(o, "exitCode", t->exit_code);
		if (t->stop_code && strcmp(t->stop_code, "TaskFailedToStart") == 0)
			json_member_cstr(o, "reason", t->stop_reason);
		json_member_cstr(o, "healthStatus", "UNKNOWN");
		json_out_end(o);
	}
	json_out_end(o);
}

static void write_task(struct json_out *o, const struct sim_ecs_task *t)
{
	char group[270];
	snprintf(group, sizeof(group), "service:%s", t->service->name);
	json_out_object(o);
	json_member_cstr(o, "taskArn", t->arn);
	json_member_cstr(o, "clusterArn", t->service->cluster->arn);
	json_member_cstr(o, "taskDefinitionArn", t->revision->def->arn);
	json_member_cstr(o, "group", group);
	json_member_cstr(o, "startedBy", t->revision->id);
	json_member_cstr(o, "lastStatus", last_status(t));
	json_member_cstr(o, "desiredStatus", t->stop ? "STOPPED" : "RUNNING");
	json_member_cstr(o, "healthStatus", "UNKNOWN");
	json_member_cstr(o, "launchType", "FARGATE");
	sim_ecs_time(o, "createdAt", t->created);
	sim_ecs_time(o, "startedAt", t->started);
	sim_ecs_time(o, "stoppingAt", t->stopping);
	sim_ecs_time(o, "stoppedAt", t->stopped);
	json_member_cstr(o, "stopCode", t->stop_code);
	json_member_cstr(o, "stoppedReason", t->stop_reason);
	json_out_key(o, "attachments");
	json_out_array(o);
	json_out_object(o);
	json_member_cstr(o, "type", "ElasticNetworkInterface");
	json_member_cstr(o, "status", t->status == SIM_ECS_PROVISIONING ? "ATTACHING" : "ATTACHED");
	json_out_key(o, "details");
	json_out_array(o);
	json_out_object(o);
	json_member_cstr(o, "name", "privateIPv4Address");
	json_member_cstr(o, "value", t->ip);
	json_out_end(o);
	json_out_end(o);
	json_out_end(o);
	json_out_end(o);
	write_containers(o, t);
	json_out_end(o);
}

static struct sim_ecs_task *find_task(const struct sim_ecs_state *e,
				      const struct sim_ecs_cluster *k, struct str what)
{
	for (struct sim_ecs_task *t = e->tasks; t; t = t->next)
		if (t->service->cluster == k && (str_is(what, t->arn) || str_is(what, t->id)))
			return t;
	return NULL;
}

int sim_ecs_describe_tasks(struct sim_ecs_call *c)
{
	const struct sim_ecs_cluster *k = sim_ecs_need_cluster(c);
	const struct json *list = json_get(c->in, "tasks");
	if (!k)
		return -1;
	if (!list || !list->n || list->n > 100)
		return sim_ecs_error(c, "InvalidParameterException",
				     "Tasks must have 1 to 100 "
				     "items.");
	json_out_key(c->out, "tasks");
	json_out_array(c->out);
	json_each(a, list) {
		const struct sim_ecs_task *t = find_task(c->e, k, json_text(a));
		if (t)
			write_task(c->out, t);
	}
	json_out_end(c->out);
	json_out_key(c->out, "failures");
	json_out_array(c->out);
	json_each(a, list) {
		if (!find_task(c->e, k, json_text(a)))
			sim_ecs_failure(c->out, json_text(a));
	}
	json_out_end(c->out);
	return 0;
}

int sim_ecs_stop_task(struct sim_ecs_call *c)
{
	const struct sim_ecs_cluster *k = sim_ecs_need_cluster(c);
	struct str reason = json_text(json_get(c->in, "reason"));
	struct sim_ecs_task *t = k ? find_task(c->e, k, json_text(json_get(c->in, "task"))) : NULL;
	if (!k)
		return -1;
	if (!t)
		return sim_ecs_error(c, "InvalidParameterException",
				     "The referenced task was not found.");
	sim_ecs_task_stop(c->s, t, "UserInitiated",
			  reason.n ? str_dup(c->e->arena, reason) : "Task stopped by user");
	json_out_key(c->out, "task");
	write_task(c->out, t);
	return 0;
}
