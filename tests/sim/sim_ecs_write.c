#include "tests/sim/sim_ecs.h"

/*
 * What the simulated ECS answers about services, their deployments and revisions. Shapes: model
 * 2014-11-13.
 */

#define BAD "InvalidParameterException"

/* --- services ------------------------------------------------------------------------------ */

static bool is_there(const struct sim_ecs_call *c, const struct sim_ecs_service *v,
		     const struct sim_ecs_revision *r)
{
	return r == v->primary || r->desired || sim_ecs_count(c->s, c->e, v, r).live;
}

static void write_deployment_row(const struct sim_ecs_call *c, const struct sim_ecs_service *v,
				 const struct sim_ecs_revision *r)
{
	struct sim_ecs_counts n = sim_ecs_count(c->s, c->e, v, r);
	struct json_out *o = c->out;
	json_out_object(o);
	json_member_cstr(o, "id", r->id);
	json_member_cstr(o, "status", r == v->primary ? "PRIMARY" : "ACTIVE");
	json_member_cstr(o, "taskDefinition", r->def->arn);
	json_member_i64(o, "desiredCount", r->desired);
	json_member_i64(o, "pendingCount", n.pending);
	json_member_i64(o, "runningCount", n.running);
	json_member_i64(o, "failedTasks", r->failed);
	sim_ecs_time(o, "createdAt", r->created);
	sim_ecs_time(o, "updatedAt", r->updated);
	if (v->member[SIM_ECS_LAUNCH_TYPE]) {
		json_out_key(o, "launchType");
		json_out_node(o, v->member[SIM_ECS_LAUNCH_TYPE]);
	}
	if (r->member[SIM_ECS_NETWORK]) {
		json_out_key(o, "networkConfiguration");
		json_out_node(o, r->member[SIM_ECS_NETWORK]);
	}
	json_member_cstr(o, "rolloutState", r->rollout_state);
	json_member_cstr(o, "rolloutStateReason", r->rollout_reason);
	json_out_end(o);
}

static void write_rows(const struct sim_ecs_call *c, const struct sim_ecs_service *v)
{
	const struct sim_ecs_deployment *d = v->deployments;
	struct json_out *o = c->out;
	json_out_key(o, "deployments");
	json_out_array(o);
	if (v->primary && v->controller == SIM_ECS_NATIVE && v->status != SIM_ECS_INACTIVE) {
		write_deployment_row(c, v, v->primary);
		for (const struct sim_ecs_revision *r = v->revisions; r; r = r->next)
			if (r != v->primary && is_there(c, v, r))
				write_deployment_row(c, v, r);
	}
	json_out_end(o);
	if (v->controller != SIM_ECS_NATIVE)
		return;
	while (d && !sim_ecs_is_seen(c, d))
		d = d->next;
	if (d)
		json_member_cstr(o, "currentServiceDeployment", d->arn);
	json_out_key(o, "currentServiceRevisions");
	json_out_array(o);
	for (const struct sim_ecs_revision *r = v->revisions; r; r = r->next) {
		struct sim_ecs_counts n = sim_ecs_count(c->s, c->e, v, r);
		if (!is_there(c, v, r))
			continue;
		json_out_object(o);
		json_member_cstr(o, "arn", r->arn);
		json_member_i64(o, "requestedTaskCount", r->desired);
		json_member_i64(o, "runningTaskCount", n.running);
		json_member_i64(o, "pendingTaskCount", n.pending);
		json_out_end(o);
	}
	json_out_end(o);
}

static void write_events(struct json_out *o, const struct sim_ecs_service *v)
{
	json_out_key(o, "events");
	json_out_array(o);
	for (size_t i = 0; i < v->n_events; i++) {
		json_out_object(o);
		json_member_cstr(o, "id", v->events[i].id);
		sim_ecs_time(o, "createdAt", v->events[i].at);
		json_member_cstr(o, "message", v->events[i].message);
		json_out_end(o);
	}
	json_out_end(o);
}

static void write_lists(struct json_out *o, const struct sim_ecs_service *v)
{
	static const enum sim_ecs_member lists[] = {
		SIM_ECS_LOAD_BALANCERS, SIM_ECS_SERVICE_REGISTRIES, SIM_ECS_PLACEMENT_CONSTRAINTS,
		SIM_ECS_PLACEMENT_STRATEGY};
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		if (v->member[lists[i]])
			continue;
		json_out_key(o, sim_ecs_members[lists[i]].answer); /* never absent */
		json_out_array(o);
		json_out_end(o);
	}
}

/* As {"service": {...}}, or as an element when c->in is NULL. */
void sim_ecs_write_service(const struct sim_ecs_call *c, const struct sim_ecs_service *v, bool tags)
{
	static const char *const status[] = {"ACTIVE", "DRAINING", "INACTIVE"};
	struct sim_ecs_counts n = sim_ecs_count(c->s, c->e, v, NULL);
	struct json_out *o = c->out;
	if (c->in)
		json_out_key(o, "service");
	json_out_object(o);
	json_member_cstr(o, "serviceArn", v->arn);
	json_member_cstr(o, "serviceName", v->name);
	json_member_cstr(o, "clusterArn", v->cluster->arn);
	json_member_cstr(o, "status", status[v->status]);
	json_member_i64(o, "desiredCount", v->desired);
	json_member_i64(o, "runningCount", n.running);
	json_member_i64(o, "pendingCount", n.pending);
	if (v->def)
		json_member_cstr(o, "taskDefinition", v->def->arn);
	sim_ecs_config_write(o, &v->config);
	for (size_t i = 0; i < SIM_ECS_MEMBERS; i++) {
		if (!v->member[i] || !sim_ecs_members[i].answer)
			continue;
		json_out_key(o, sim_ecs_members[i].answer);
		json_out_node(o, v->member[i]);
	}
	write_lists(o, v);
	write_rows(c, v);
	write_events(o, v);
	sim_ecs_time(o, "createdAt", v->created);
	json_out_key(o, "deploymentController");
	json_out_object(o);
	json_member_cstr(o, "type", sim_ecs_controller_name(v->controller));
	json_out_end(o);
	json_member_cstr(o, "createdBy", "arn:aws:iam::" SIM_ACCOUNT ":role/deployer");
	if (tags)
		sim_ecs_write_tags(o, c->e, v->arn);
	json_out_end(o);
}

/* --- service deployments ------------------------------------------------------------------- */

static void write_revision_summary(const struct sim_ecs_call *c, const struct sim_ecs_service *v,
				   const struct sim_ecs_revision *r, double weight, double test)
{
	struct sim_ecs_counts n = sim_ecs_count(c->s, c->e, v, r);
	struct json_out *o = c->out;
	json_out_object(o);
	json_member_cstr(o, "arn", r->arn);
	json_member_i64(o, "requestedTaskCount", r->desired);
	json_member_i64(o, "runningTaskCount", n.running);
	json_member_i64(o, "pendingTaskCount", n.pending);
	if (weight >= 0) {
		json_member_double(o, "requestedTestTrafficWeight", test);
		json_member_double(o, "requestedProductionTrafficWeight", weight);
	}
	json_out_end(o);
}

static void write_hooks(struct json_out *o, const struct sim_ecs_deployment *d)
{
	json_out_key(o, "lifecycleHookDetails");
	json_out_array(o);
	for (size_t i = 0; i < d->n_hooks; i++) {
		const struct sim_ecs_hook *h = &d->hooks[i];
		json_out_object(o);
		json_member_cstr(o, "hookId", h->id);
		json_member_cstr(o, "targetType", h->target_type);
		json_member_cstr(o, "targetArn", h->target_arn);
		json_member_cstr(o, "status", h->status);
		sim_ecs_time(o, "expiresAt", h->expires);
		json_member_cstr(o, "timeoutAction", h->timeout_action);
		json_out_end(o);
	}
	json_out_end(o);
}

static void write_breaker(const struct sim_ecs_call *c, const struct sim_ecs_service *v,
			  const struct sim_ecs_deployment *d)
{
	struct json_out *o = c->out;
	const char *status = !d->config.breaker	  ? "DISABLED"
			     : d->breaker_open	  ? "TRIGGERED"
			     : sim_ecs_is_over(d) ? "MONITORING_COMPLETE"
						  : "MONITORING";
	json_out_key(o, "deploymentCircuitBreaker");
	json_out_object(o);
	json_member_cstr(o, "status", status);
	json_member_i64(o, "failureCount", d->target->failed);
	json_member_i64(o, "threshold", sim_ecs_breaker_threshold(d, v->desired));
	json_out_end(o);
}

static void write_alarms(struct json_out *o, const struct sim_ecs_deployment *d)
{
	const struct json *names = json_get(d->config.alarms, "alarmNames");
	struct str rest = str_from(d->triggered_alarms), one;
	bool on = json_bool(json_get(d->config.alarms, "enable"), false);
	json_out_key(o, "alarms");
	json_out_object(o);
	json_member_cstr(o, "status",
			 !on		       ? "DISABLED"
			 : d->triggered_alarms ? "TRIGGERED"
			 : sim_ecs_is_over(d)  ? "MONITORING_COMPLETE"
					       : "MONITORING");
	json_out_key(o, "alarmNames");
	json_out_array(o);
	json_each(n, names) {
		json_out_str(o, json_text(n));
	}
	json_out_end(o);
	json_out_key(o, "triggeredAlarmNames");
	json_out_array(o);
	while (str_next(&rest, ',', &one))
		json_out_str(o, one);
	json_out_end(o);
	json_out_end(o);
}

static void write_stage(const struct sim_ecs_call *c, const struct sim_ecs_deployment *d)
{
	enum sim_ecs_stage stage = d->stage;
	if (!d->native || sim_ecs_is_over(d))
		return;
	/* the model's list of stages that are told lacks this one */
	if (stage == SIM_ECS_PRE_SHIFT && !c->e->pre_stage_told)
		stage = SIM_ECS_SHIFT;
	json_member_cstr(c->out, "lifecycleStage", sim_ecs_stage_name(stage));
}

static void write_rollback(struct json_out *o, const struct sim_ecs_deployment *d)
{
	if (!d->rollback_at.ms)
		return;
	json_out_key(o, "rollback");
	json_out_object(o);
	json_member_cstr(o, "reason", d->rollback_reason);
	sim_ecs_time(o, "startedAt", d->rollback_at);
	if (d->source)
		json_member_cstr(o, "serviceRevisionArn", d->source->arn);
	json_out_end(o);
}

static void write_deployment(const struct sim_ecs_call *c, const struct sim_ecs_service *v,
			     const struct sim_ecs_deployment *d)
{
	struct json_out *o = c->out;
	double none = d->native ? 0 : -1;
	json_out_object(o);
	json_member_cstr(o, "serviceDeploymentArn", d->arn);
	json_member_cstr(o, "serviceArn", v->arn);
	json_member_cstr(o, "clusterArn", v->cluster->arn);
	sim_ecs_time(o, "createdAt", d->created);
	sim_ecs_time(o, "startedAt", d->started);
	sim_ecs_time(o, "finishedAt", d->finished);
	sim_ecs_time(o, "stoppedAt", d->stopped);
	sim_ecs_time(o, "updatedAt", d->updated);
	json_out_key(o, "sourceServiceRevisions");
	json_out_array(o);
	if (d->source)
		write_revision_summary(c, v, d->source, d->native ? 100 - d->weight : none,
				       100 - d->test_weight);
	if (d->other)
		write_revision_summary(c, v, d->other, none, 0);
	json_out_end(o);
	json_out_key(o, "targetServiceRevision");
	write_revision_summary(c, v, d->target, d->native ? d->weight : none, d->test_weight);
	json_member_cstr(o, "status", sim_ecs_status_name(d->status));
	json_member_cstr(o, "statusReason", d->reason);
	write_stage(c, d);
	write_hooks(o, d);
	sim_ecs_config_write(o, &d->config);
	write_rollback(o, d);
	write_breaker(c, v, d);
	write_alarms(o, d);
	json_out_end(o);
}

static const struct sim_ecs_deployment *find_seen(const struct sim_ecs_call *c, struct str arn,
						  struct sim_ecs_service **v)
{
	const struct sim_ecs_deployment *d = sim_ecs_deployment_find(c->e, arn, v);
	return d && sim_ecs_is_seen(c, d) ? d : NULL;
}

int sim_ecs_describe_deployments(struct sim_ecs_call *c)
{
	const struct json *arns = json_get(c->in, "serviceDeploymentArns");
	struct sim_ecs_service *v;
	if (!arns || !arns->n || arns->n > 20)
		return sim_ecs_error(c, BAD, "serviceDeploymentArns must have 1 to 20 items");
	json_out_key(c->out, "serviceDeployments");
	json_out_array(c->out);
	json_each(a, arns) {
		const struct sim_ecs_deployment *d = find_seen(c, json_text(a), &v);
		if (d)
			write_deployment(c, v, d);
	}
	json_out_end(c->out);
	json_out_key(c->out, "failures");
	json_out_array(c->out);
	json_each(a, arns) {
		if (!find_seen(c, json_text(a), &v))
			sim_ecs_failure(c->out, json_text(a));
	}
	json_out_end(c->out);
	return 0;
}

static bool is_listed(const struct sim_ecs_call *c, const struct sim_ecs_deployment *d)
{
	const struct json *status = json_get(c->in, "status");
	double before, after;
	bool wanted = !status || !status->n;
	if (!sim_ecs_is_seen(c, d))
		return false;
	json_each(s, status) {
		wanted = wanted || str_is(json_text(s), sim_ecs_status_name(d->status));
	}
	if (json_double(json_at(c->in, "createdAt.before"), &before) &&
	    (double)d->created.ms / 1000 > before)
		return false;
	if (json_double(json_at(c->in, "createdAt.after"), &after) &&
	    (double)d->created.ms / 1000 < after)
		return false;
	return wanted;
}

static void write_row(struct json_out *o, const struct sim_ecs_service *v,
		      const struct sim_ecs_deployment *d)
{
	json_out_object(o);
	json_member_cstr(o, "serviceDeploymentArn", d->arn);
	json_member_cstr(o, "serviceArn", v->arn);
	json_member_cstr(o, "clusterArn", v->cluster->arn);
	sim_ecs_time(o, "startedAt", d->started);
	sim_ecs_time(o, "createdAt", d->created);
	sim_ecs_time(o, "finishedAt", d->finished);
	json_member_cstr(o, "targetServiceRevisionArn", d->target->arn);
	json_member_cstr(o, "status", sim_ecs_status_name(d->status));
	json_member_cstr(o, "statusReason", d->reason);
	json_out_end(o);
}

int sim_ecs_list_deployments(struct sim_ecs_call *c)
{
	const struct sim_ecs_service *v = sim_ecs_need_service(c);
	int64_t from = 0, most = 100, at = 0;
	struct str token = json_text(json_get(c->in, "nextToken"));
	if (!v)
		return -1;
	if (json_get(c->in, "maxResults") &&
	    (!json_i64(json_get(c->in, "maxResults"), &most) || most < 1 || most > 100))
		return sim_ecs_error(c, BAD, "maxResults must be 1 to 100");
	if (token.n && !str_parse_i64(token, 0, INT32_MAX, &from))
		return sim_ecs_error(c, BAD, "Invalid token");
	json_out_key(c->out, "serviceDeployments");
	json_out_array(c->out);
	for (const struct sim_ecs_deployment *d = v->deployments; d; d = d->next) {
		if (!is_listed(c, d))
			continue;
		if (at >= from && at < from + most)
			write_row(c->out, v, d);
		at++;
	}
	json_out_end(c->out);
	if (at > from + most)
		json_member_cstr(c->out, "nextToken",
				 arena_printf(c->arena, "%lld", (long long)(from + most)));
	return 0;
}

/* --- service revisions --------------------------------------------------------------------- */

static void write_images(struct json_out *o, const struct sim_ecs_taskdef *d)
{
	json_out_key(o, "containerImages");
	json_out_array(o);
	json_each(k, json_get(d->doc, "containerDefinitions")) {
		json_out_object(o);
		json_member_str(o, "containerName", json_text(json_get(k, "name")));
		json_member_str(o, "image", json_text(json_get(k, "image")));
		json_out_end(o);
	}
	json_out_end(o);
}

static void write_revision(struct json_out *o, const struct sim_ecs_service *v,
			   const struct sim_ecs_revision *r)
{
	struct sim_ecs_route route = sim_ecs_route_of(r->member[SIM_ECS_LOAD_BALANCERS]);
	json_out_object(o);
	json_member_cstr(o, "serviceRevisionArn", r->arn);
	json_member_cstr(o, "serviceArn", v->arn);
	json_member_cstr(o, "clusterArn", v->cluster->arn);
	json_member_cstr(o, "taskDefinition", r->def->arn);
	for (size_t i = 0; i < SIM_ECS_ROLE; i++) {
		if (!r->member[i])
			continue;
		json_out_key(o, sim_ecs_members[i].name);
		json_out_node(o, r->member[i]);
	}
	write_images(o, r->def);
	sim_ecs_time(o, "createdAt", r->created);
	if (r->group) {
		json_out_key(o, "resolvedConfiguration");
		json_out_object(o);
		json_out_key(o, "loadBalancers");
		json_out_array(o);
		json_out_object(o);
		json_member_cstr(o, "targetGroupArn", r->group);
		if (route.rule.n)
			json_member_str(o, "productionListenerRule", route.rule);
		json_out_end(o);
		json_out_end(o);
		json_out_end(o);
	}
	json_out_end(o);
}

static const struct sim_ecs_revision *find_revision(const struct sim_ecs_state *e, struct str arn,
						    const struct sim_ecs_service **service)
{
	for (const struct sim_ecs_service *v = e->services; v; v = v->next)
		for (const struct sim_ecs_revision *r = v->revisions; r; r = r->next)
			if (str_is(arn, r->arn)) {
				*service = v;
				return r;
			}
	return NULL;
}

int sim_ecs_describe_revisions(struct sim_ecs_call *c)
{
	const struct json *arns = json_get(c->in, "serviceRevisionArns");
	const struct sim_ecs_service *v;
	if (!arns || !arns->n || arns->n > 20)
		return sim_ecs_error(c, BAD, "serviceRevisionArns must have 1 to 20 items");
	json_out_key(c->out, "serviceRevisions");
	json_out_array(c->out);
	json_each(a, arns) {
		const struct sim_ecs_revision *r = find_revision(c->e, json_text(a), &v);
		if (r)
			write_revision(c->out, v, r);
	}
	json_out_end(c->out);
	json_out_key(c->out, "failures");
	json_out_array(c->out);
	json_each(a, arns) {
		if (!find_revision(c->e, json_text(a), &v))
			sim_ecs_failure(c->out, json_text(a));
	}
	json_out_end(c->out);
	return 0;
}
