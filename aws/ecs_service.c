#include "aws/ecs.h"

#include <string.h>

#include "aws/answer.h"
#include "aws/ecs_wire.h"

/*
 * Services. What is written back is what was read, with the members that shall change: ECS replaces
 * a deploymentConfiguration as a whole, and a second service must be like the first in everything
 * that nobody named.
 */

/* --- reading ---------------------------------------------------------------------------------- */

static const char * or (const char *text, const char *fallback)
{
	return text ? text : fallback;
}

static void read_load_balancers(const struct json *list, struct arena *a, struct ecs_service *out)
{
	struct ecs_load_balancer *all;

	if (!list || list->type != JSON_ARRAY)
		return;
	all = arena_array(a, struct ecs_load_balancer, list->n);
	json_each(node, list) {
		const struct json *more = json_get(node, "advancedConfiguration");

		all[out->n_load_balancers++] = (struct ecs_load_balancer){
			.target_group_arn = aws_json_text(node, "targetGroupArn"),
			.container_name = aws_json_text(node, "containerName"),
			.container_port = ecs_number(node, "containerPort"),
			.alternate_target_group_arn =
				aws_json_text(more, "alternateTargetGroupArn"),
			.production_rule = aws_json_text(more, "productionListenerRule"),
			.test_rule = aws_json_text(more, "testListenerRule"),
			.role_arn = aws_json_text(more, "roleArn"),
		};
	}
	out->load_balancers = all;
}

static void read_deployments(const struct json *list, struct arena *a, struct ecs_service *out)
{
	struct ecs_deployment *all;

	if (!list || list->type != JSON_ARRAY)
		return;
	all = arena_array(a, struct ecs_deployment, list->n);
	json_each(node, list) {
		struct ecs_deployment *d = &all[out->n_deployments++];

		*d = (struct ecs_deployment){
			.id = aws_json_text(node, "id"),
			.status = or (aws_json_text(node, "status"), ""),
			.task_definition = aws_json_text(node, "taskDefinition"),
			.desired = ecs_number(node, "desiredCount"),
			.running = ecs_number(node, "runningCount"),
			.pending = ecs_number(node, "pendingCount"),
			.failed_tasks = ecs_number(node, "failedTasks"),
			.rollout_state = aws_json_text(node, "rolloutState"),
			.rollout_state_reason = aws_json_text(node, "rolloutStateReason"),
		};
		if (!strcmp(d->status, "PRIMARY"))
			out->has_service_connect = json_bool(
				json_at(node, "serviceConnectConfiguration.enabled"), false);
	}
	out->deployments = all;
}

static void read_revisions(const struct json *list, struct arena *a, struct ecs_service *out)
{
	const char **all;

	if (!list || list->type != JSON_ARRAY)
		return;
	all = arena_array(a, const char *, list->n);
	json_each(node, list) {
		const char *arn = aws_json_text(node, "arn");

		if (arn)
			all[out->n_current_revisions++] = arn;
	}
	out->current_revisions = all;
}

static bool is_pause(const struct json *hook)
{
	return str_is(json_text(json_get(hook, "targetType")), "PAUSE");
}

int ecs_read_service(const char *operation, const struct json *node, struct arena *a,
		     struct ecs_service *out, struct err *err)
{
	const struct json *events = json_get(node, "events");

	*out = (struct ecs_service){
		.arn = aws_json_text(node, "serviceArn"),
		.name = aws_json_text(node, "serviceName"),
		.cluster_arn = aws_json_text(node, "clusterArn"),
		.status = aws_json_text(node, "status"),
		.task_definition = aws_json_text(node, "taskDefinition"),
		.desired = ecs_number(node, "desiredCount"),
		.running = ecs_number(node, "runningCount"),
		.pending = ecs_number(node, "pendingCount"),
		.controller = or (json_cstr(json_at(node, "deploymentController.type")), "ECS"),
		.strategy = or (json_cstr(json_at(node, "deploymentConfiguration.strategy")),
				"ROLLING"),
		.scheduling = or (aws_json_text(node, "schedulingStrategy"), "REPLICA"),
		.current_deployment = aws_json_text(node, "currentServiceDeployment"),
		.raw = node,
	};
	if (!out->arn || !out->name || !out->status)
		return err_set(err, ERR_MALFORMED, "ECS.%s: the answer describes no service",
			       operation);
	read_load_balancers(json_get(node, "loadBalancers"), a, out);
	read_deployments(json_get(node, "deployments"), a, out);
	read_revisions(json_get(node, "currentServiceRevisions"), a, out);
	out->tags = ecs_read_tags(json_get(node, "tags"), a, &out->n_tags);
	json_each(hook, json_at(node, "deploymentConfiguration.lifecycleHooks"))
		out->n_pause_hooks += is_pause(hook);
	out->has_discovery =
		json_get(node, "serviceRegistries") && json_get(node, "serviceRegistries")->n > 0;
	if (events && events->type == JSON_ARRAY)
		out->last_event = aws_json_text(events->first, "message");
	return 0;
}

int ecs_describe_service(const struct aws_client *c, const char *cluster, const char *service,
			 struct arena *a, struct ecs_service *out, struct err *err)
{
	static const char operation[] = "DescribeServices";
	const struct json *node;
	struct aws_response res;
	struct json_out o;
	struct buf body;

	buf_init(&body, ECS_REQUEST_MAX);
	json_out_init(&o, &body);
	json_out_object(&o);
	json_member_cstr(&o, "cluster", cluster);
	json_out_key(&o, "services");
	json_out_array(&o);
	json_out_cstr(&o, service);
	json_out_end(&o);
	json_out_key(&o, "include");
	json_out_array(&o);
	json_out_cstr(&o, "TAGS");
	json_out_end(&o);
	json_out_end(&o);
	if (ecs_call(c, operation, &body, true, a, &res, err) ||
	    ecs_one_of(res.json, operation, "services", service, &node, err))
		return -1;
	return ecs_read_service(operation, node, a, out, err);
}

const struct ecs_deployment *ecs_primary(const struct ecs_service *s)
{
	for (size_t i = 0; i < s->n_deployments; i++)
		if (!strcmp(s->deployments[i].status, "PRIMARY"))
			return &s->deployments[i];
	return NULL;
}

/* --- deploymentConfiguration ------------------------------------------------------------------ */

static bool is_of_strategy(struct str member)
{
	return str_is(member, "strategy") || str_is(member, "bakeTimeInMinutes") ||
	       str_is(member, "canaryConfiguration") || str_is(member, "linearConfiguration");
}

/* Is this member written anew? */
static bool is_replaced(const struct ecs_deployment_configuration *d, struct str member)
{
	if (json_get(d->instead, member.p) ||
	    (json_get(d->instead, "strategy") && is_of_strategy(member)))
		return true;
	if (str_is(member, "lifecycleHooks"))
		return true;
	if (str_is(member, "alarms"))
		return d->set_alarms;
	if (str_is(member, "deploymentCircuitBreaker"))
		return d->breaker_count > 0 || (d->strategy && strcmp(d->strategy, "ROLLING") != 0);
	return is_of_strategy(member) && d->strategy;
}

/* The pauses between steps are ours to end: ECS itself waits no time. */
static void write_strategy(struct json_out *o, const struct ecs_deployment_configuration *d)
{
	bool canary = !strcmp(d->strategy, "CANARY"), linear = !strcmp(d->strategy, "LINEAR");

	json_member_cstr(o, "strategy", d->strategy);
	if (strcmp(d->strategy, "ROLLING") != 0)
		json_member_i64(o, "bakeTimeInMinutes", 0);
	if (!canary && !linear)
		return;
	json_out_key(o, canary ? "canaryConfiguration" : "linearConfiguration");
	json_out_object(o);
	json_member_double(o, canary ? "canaryPercent" : "stepPercent", d->percent);
	json_member_i64(o, canary ? "canaryBakeTimeInMinutes" : "stepBakeTimeInMinutes", 0);
	json_out_end(o);
}

static void write_hooks(struct json_out *o, const struct ecs_deployment_configuration *d)
{
	json_out_key(o, "lifecycleHooks");
	json_out_array(o);
	json_each(hook, json_get(d->base, "lifecycleHooks"))
		if (!is_pause(hook))
			json_out_node(o, hook);
	if (d->n_pause_stages) {
		json_out_object(o);
		json_member_cstr(o, "targetType", "PAUSE");
		json_out_key(o, "lifecycleStages");
		json_out_array(o);
		for (size_t i = 0; i < d->n_pause_stages; i++)
			json_out_cstr(o, d->pause_stages[i]);
		json_out_end(o);
		json_out_key(o, "timeoutConfiguration");
		json_out_object(o);
		json_member_i64(o, "timeoutInMinutes", d->pause_timeout_minutes);
		json_member_cstr(o, "action", "ROLLBACK");
		json_out_end(o);
		json_out_end(o);
	}
	json_out_end(o);
}

static void write_alarms(struct json_out *o, const struct ecs_deployment_configuration *d)
{
	json_out_key(o, "alarms");
	json_out_object(o);
	json_out_key(o, "alarmNames");
	json_out_array(o);
	for (size_t i = 0; i < d->n_alarms; i++)
		json_out_cstr(o, d->alarms[i]);
	json_out_end(o);
	json_member_bool(o, "enable", d->n_alarms > 0);
	json_member_bool(o, "rollback", d->n_alarms > 0);
	json_out_end(o);
}

/*
 * The threshold is said outright: ECS's own is at least ten failed tasks, and more for a large
 * service. ECS does not go back by itself: what it would go back to is not what we know.
 */
static void write_breaker(struct json_out *o, int64_t count)
{
	json_out_key(o, "deploymentCircuitBreaker");
	json_out_object(o);
	json_member_bool(o, "enable", true);
	json_member_bool(o, "rollback", false);
	json_out_key(o, "thresholdConfiguration");
	json_out_object(o);
	json_member_cstr(o, "type", "COUNT");
	json_member_i64(o, "value", count);
	json_out_end(o);
	json_out_end(o);
}

/* Rolling only: one that is left on from before would be refused. */
static void write_no_breaker(struct json_out *o)
{
	json_out_key(o, "deploymentCircuitBreaker");
	json_out_object(o);
	json_member_bool(o, "enable", false);
	json_member_bool(o, "rollback", false);
	json_out_end(o);
}

void ecs_write_configuration(struct json_out *o, const struct ecs_deployment_configuration *d)
{
	bool rolling = d->strategy && !strcmp(d->strategy, "ROLLING");

	json_out_key(o, "deploymentConfiguration");
	json_out_object(o);
	json_each(member, d->base) {
		if (member->type == JSON_NULL || is_replaced(d, member->key))
			continue;
		json_out_key(o, member->key.p);
		json_out_node(o, member);
	}
	json_each(member, d->instead) {
		json_out_key(o, member->key.p);
		json_out_node(o, member);
	}
	if (d->strategy)
		write_strategy(o, d);
	/* functions called between the stages of a shift mean nothing to a rolling update */
	if (!rolling)
		write_hooks(o, d);
	if (d->set_alarms)
		write_alarms(o, d);
	if (d->breaker_count > 0)
		write_breaker(o, d->breaker_count);
	else if (d->strategy && !rolling)
		write_no_breaker(o);
	json_out_end(o);
}

/* --- writing ---------------------------------------------------------------------------------- */

/* A service in the answer to a write: when it cannot be read, the write may have had its effect. */
static int read_written(const char *operation, const struct json *answer, struct arena *a,
			struct ecs_service *out, struct err *err)
{
	if (ecs_read_service(operation, json_get(answer, "service"), a, out, err)) {
		err->sent = true;
		return -1;
	}
	return 0;
}

int ecs_update_service(const struct aws_client *c, const struct ecs_service_update *u,
		       struct arena *a, struct ecs_service *out, struct err *err)
{
	static const char operation[] = "UpdateService";
	struct aws_response res;
	struct json_out o;
	struct buf body;

	buf_init(&body, ECS_REQUEST_MAX);
	json_out_init(&o, &body);
	json_out_object(&o);
	json_member_cstr(&o, "cluster", u->cluster);
	json_member_cstr(&o, "service", u->service);
	json_member_cstr(&o, "taskDefinition", u->task_definition);
	if (u->desired >= 0)
		json_member_i64(&o, "desiredCount", u->desired);
	if (u->configuration)
		ecs_write_configuration(&o, u->configuration);
	json_out_end(&o);
	if (ecs_call(c, operation, &body, !u->task_definition, a, &res, err))
		return -1;
	return read_written(operation, res.json, a, out, err);
}

/* Members of a described service that CreateService takes as they are. */
static bool is_copied(struct str member)
{
	static const char *const list[] = {"availabilityZoneRebalancing",
					   "capacityProviderStrategy",
					   "platformVersion",
					   "placementConstraints",
					   "placementStrategy",
					   "networkConfiguration",
					   "healthCheckGracePeriodSeconds",
					   "schedulingStrategy",
					   "enableECSManagedTags",
					   "propagateTags",
					   "enableExecuteCommand",
					   "monitoring"};

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		if (str_is(member, list[i]))
			return true;
	return false;
}

static void copy_members(struct json_out *o, const struct json *service)
{
	const struct json *providers = json_get(service, "capacityProviderStrategy");

	json_each(member, service) {
		bool is_empty = (member->type == JSON_ARRAY || member->type == JSON_OBJECT) &&
				member->n == 0;
		/* a launch type beside a capacity provider strategy is refused */
		bool launch = str_is(member->key, "launchType") && (!providers || !providers->n);

		if (member->type == JSON_NULL || is_empty || !(launch || is_copied(member->key)))
			continue;
		json_out_key(o, member->key.p);
		json_out_node(o, member);
	}
	/* these are described with the deployment, not with the service */
	json_each(deployment, json_get(service, "deployments")) {
		const struct json *volumes = json_get(deployment, "volumeConfigurations");

		if (!str_is(json_text(json_get(deployment, "status")), "PRIMARY") || !volumes ||
		    !volumes->n)
			continue;
		json_out_key(o, "volumeConfigurations");
		json_out_node(o, volumes);
	}
}

static void write_load_balancer(struct json_out *o, const struct ecs_load_balancer *lb,
				const char *group)
{
	json_out_key(o, "loadBalancers");
	json_out_array(o);
	json_out_object(o);
	json_member_cstr(o, "targetGroupArn", group);
	json_member_cstr(o, "containerName", lb->container_name);
	json_member_i64(o, "containerPort", lb->container_port);
	json_out_end(o);
	json_out_end(o);
}

int ecs_create_service(const struct aws_client *c, const struct ecs_service_create *in,
		       struct arena *a, struct ecs_service *out, struct err *err)
{
	static const char operation[] = "CreateService";
	struct ecs_deployment_configuration d = {
		.base = json_get(in->like->raw, "deploymentConfiguration"),
		.strategy = "ROLLING",
		.breaker_count = in->breaker_count,
		.set_alarms = true,
	};
	struct aws_response res;
	struct json_out o;
	struct buf body;

	if (in->like->n_load_balancers != 1)
		return err_set(err, ERR_REJECTED,
			       "ECS.CreateService: %s has %zu load balancers, not one",
			       in->like->name, in->like->n_load_balancers);
	buf_init(&body, ECS_REQUEST_MAX);
	json_out_init(&o, &body);
	json_out_object(&o);
	json_member_cstr(&o, "cluster", in->like->cluster_arn);
	json_member_cstr(&o, "serviceName", in->name);
	json_member_cstr(&o, "clientToken", in->client_token);
	json_member_cstr(&o, "taskDefinition", in->task_definition);
	json_member_i64(&o, "desiredCount", in->desired);
	write_load_balancer(&o, &in->like->load_balancers[0], in->target_group_arn);
	copy_members(&o, in->like->raw);
	ecs_write_configuration(&o, &d);
	ecs_write_tags(&o, json_get(in->like->raw, "tags"), in->tags, in->n_tags);
	json_out_end(&o);
	if (ecs_call(c, operation, &body, true, a, &res, err))
		return -1;
	return read_written(operation, res.json, a, out, err);
}

int ecs_delete_service(const struct aws_client *c, const char *cluster, const char *service,
		       struct arena *a, struct err *err)
{
	struct err e = ERR_INIT;
	struct aws_response res;
	struct json_out o;
	struct buf body;

	buf_init(&body, ECS_REQUEST_MAX);
	json_out_init(&o, &body);
	json_out_object(&o);
	json_member_cstr(&o, "cluster", cluster);
	json_member_cstr(&o, "service", service);
	json_member_bool(&o, "force", true);
	json_out_end(&o);
	if (ecs_call(c, "DeleteService", &body, true, a, &res, &e) == 0)
		return 0;
	if (!strcmp(e.aws, "ServiceNotFoundException") ||
	    !strcmp(e.aws, "ServiceNotActiveException"))
		return 0;
	*err = e;
	return -1;
}
