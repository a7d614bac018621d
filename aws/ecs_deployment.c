#include "aws/ecs.h"

#include <string.h>

#include "aws/answer.h"
#include "aws/ecs_wire.h"

/*
 * Service deployments and service revisions. Words that no model lists are taken as they come: ECS
 * reports stages that the enumeration of its own model lacks.
 */

static const char *const status_names[] = {
	[ECS_DEPLOYMENT_PENDING] = "PENDING",
	[ECS_DEPLOYMENT_IN_PROGRESS] = "IN_PROGRESS",
	[ECS_DEPLOYMENT_SUCCESSFUL] = "SUCCESSFUL",
	[ECS_DEPLOYMENT_STOP_REQUESTED] = "STOP_REQUESTED",
	[ECS_DEPLOYMENT_STOPPED] = "STOPPED",
	[ECS_DEPLOYMENT_ROLLBACK_REQUESTED] = "ROLLBACK_REQUESTED",
	[ECS_DEPLOYMENT_ROLLBACK_IN_PROGRESS] = "ROLLBACK_IN_PROGRESS",
	[ECS_DEPLOYMENT_ROLLBACK_SUCCESSFUL] = "ROLLBACK_SUCCESSFUL",
	[ECS_DEPLOYMENT_ROLLBACK_FAILED] = "ROLLBACK_FAILED",
	[ECS_DEPLOYMENT_OTHER] = "unknown",
};

const char *ecs_deployment_status_name(enum ecs_deployment_status s)
{
	return (unsigned)s <= ECS_DEPLOYMENT_OTHER ? status_names[s] : "unknown";
}

static enum ecs_deployment_status status_of(const struct json *node)
{
	struct str text = json_text(json_get(node, "status"));
	unsigned i = 0;

	while (i < ECS_DEPLOYMENT_OTHER && !str_is(text, status_names[i]))
		i++;
	return (enum ecs_deployment_status)i;
}

/* "<member>": [arn] */
static void arn_list(struct buf *body, const char *member, const char *arn)
{
	struct json_out o;

	buf_init(body, ECS_REQUEST_MAX);
	json_out_init(&o, body);
	json_out_object(&o);
	json_out_key(&o, member);
	json_out_array(&o);
	json_out_cstr(&o, arn);
	json_out_end(&o);
	json_out_end(&o);
}

static void read_hooks(const struct json *list, struct arena *a, struct ecs_service_deployment *out)
{
	struct ecs_hook *all;

	if (!list || list->type != JSON_ARRAY)
		return;
	all = arena_array(a, struct ecs_hook, list->n);
	json_each(node, list) {
		const char *type = aws_json_text(node, "targetType");
		const char *status = aws_json_text(node, "status");

		all[out->n_hooks++] = (struct ecs_hook){.id = aws_json_text(node, "hookId"),
							.target_type = type ? type : "",
							.status = status ? status : ""};
	}
	out->hooks = all;
}

static int read_deployment(const struct json *node, struct arena *a,
			   struct ecs_service_deployment *out, struct err *err)
{
	const struct json *target = json_get(node, "targetServiceRevision");
	const struct json *alarms = json_at(node, "alarms.triggeredAlarmNames");

	*out = (struct ecs_service_deployment){
		.arn = aws_json_text(node, "serviceDeploymentArn"),
		.service_arn = aws_json_text(node, "serviceArn"),
		.status = status_of(node),
		.status_reason = aws_json_text(node, "statusReason"),
		.stage = aws_json_text(node, "lifecycleStage"),
		.revision_arn = aws_json_text(target, "arn"),
		.requested_tasks = ecs_number(target, "requestedTaskCount"),
		.running_tasks = ecs_number(target, "runningTaskCount"),
		.pending_tasks = ecs_number(target, "pendingTaskCount"),
		.rollback_reason = json_cstr(json_at(node, "rollback.reason")),
		.rollback_revision_arn = json_cstr(json_at(node, "rollback.serviceRevisionArn")),
		.triggered_alarm = alarms ? json_cstr(alarms->first) : NULL,
	};
	if (!out->arn)
		return err_set(
			err, ERR_MALFORMED,
			"ECS.DescribeServiceDeployments: the answer describes no deployment");
	out->has_weight =
		json_double(json_get(target, "requestedProductionTrafficWeight"), &out->weight);
	if (out->has_weight && !(out->weight >= 0 && out->weight <= 100))
		return err_set(err, ERR_MALFORMED,
			       "ECS.DescribeServiceDeployments: a traffic weight of %g is no "
			       "percentage",
			       out->weight);
	aws_json_time(json_get(node, "createdAt"), &out->created);
	read_hooks(json_get(node, "lifecycleHookDetails"), a, out);
	return 0;
}

int ecs_describe_service_deployment(const struct aws_client *c, const char *arn, struct arena *a,
				    struct ecs_service_deployment *out, struct err *err)
{
	static const char operation[] = "DescribeServiceDeployments";
	const struct json *node;
	struct aws_response res;
	struct buf body;

	arn_list(&body, "serviceDeploymentArns", arn);
	if (ecs_call(c, operation, &body, true, a, &res, err) ||
	    ecs_one_of(res.json, operation, "serviceDeployments", arn, &node, err))
		return -1;
	return read_deployment(node, a, out, err);
}

static void list_body(struct buf *body, const char *cluster, const char *service, struct utc after,
		      const char *next)
{
	struct json_out o;

	buf_init(body, ECS_REQUEST_MAX);
	json_out_init(&o, body);
	json_out_object(&o);
	json_member_cstr(&o, "cluster", cluster);
	json_member_cstr(&o, "service", service);
	if (after.ms) {
		json_out_key(&o, "createdAt");
		json_out_object(&o);
		json_member_double(&o, "after", (double)after.ms / 1000);
		json_out_end(&o);
	}
	json_member_cstr(&o, "nextToken", next);
	json_out_end(&o);
}

int ecs_list_service_deployments(const struct aws_client *c, const char *cluster,
				 const char *service, struct utc after, size_t max, struct arena *a,
				 struct ecs_deployment_row **out, size_t *n, struct err *err)
{
	static const char operation[] = "ListServiceDeployments";
	struct ecs_deployment_row *all = NULL;
	const char *next = NULL;
	size_t count = 0, cap = 0;

	for (int page = 0; page < AWS_PAGES_MAX; page++) {
		const struct json *list;
		struct aws_response res;
		struct buf body;

		list_body(&body, cluster, service, after, next);
		if (ecs_call(c, operation, &body, true, a, &res, err))
			return -1;
		list = json_get(res.json, "serviceDeployments");
		if (!list || list->type != JSON_ARRAY)
			return err_set(err, ERR_MALFORMED, "ECS.%s: the answer has no list",
				       operation);
		json_each(node, list) {
			if (count == max)
				break;
			all = aws_grow(a, all, count, &cap, sizeof(*all));
			all[count] = (struct ecs_deployment_row){
				.arn = aws_json_text(node, "serviceDeploymentArn"),
				.revision_arn = aws_json_text(node, "targetServiceRevisionArn"),
				.status = status_of(node)};
			aws_json_time(json_get(node, "createdAt"), &all[count].created);
			count += all[count].arn != NULL;
		}
		next = aws_json_text(res.json, "nextToken");
		if (!next || count == max) {
			*out = all;
			*n = count;
			return 0;
		}
	}
	return err_set(err, ERR_LIMIT, "ECS.%s: more than %d pages", operation, AWS_PAGES_MAX);
}

int ecs_continue_service_deployment(const struct aws_client *c, const char *arn,
				    const char *hook_id, bool roll_back, struct arena *a,
				    struct err *err)
{
	struct aws_response res;
	struct json_out o;
	struct buf body;

	buf_init(&body, ECS_REQUEST_MAX);
	json_out_init(&o, &body);
	json_out_object(&o);
	json_member_cstr(&o, "serviceDeploymentArn", arn);
	json_member_cstr(&o, "hookId", hook_id);
	json_member_cstr(&o, "action", roll_back ? "ROLLBACK" : "CONTINUE");
	json_out_end(&o);
	return ecs_call(c, "ContinueServiceDeployment", &body, false, a, &res, err);
}

int ecs_roll_back_service_deployment(const struct aws_client *c, const char *arn, struct arena *a,
				     struct err *err)
{
	struct aws_response res;
	struct json_out o;
	struct buf body;

	buf_init(&body, ECS_REQUEST_MAX);
	json_out_init(&o, &body);
	json_out_object(&o);
	json_member_cstr(&o, "serviceDeploymentArn", arn);
	json_member_cstr(&o, "stopType", "ROLLBACK");
	json_out_end(&o);
	return ecs_call(c, "StopServiceDeployment", &body, false, a, &res, err);
}

int ecs_describe_service_revision(const struct aws_client *c, const char *arn, struct arena *a,
				  struct ecs_service_revision *out, struct err *err)
{
	static const char operation[] = "DescribeServiceRevisions";
	const struct json *node, *groups;
	struct aws_response res;
	struct buf body;

	arn_list(&body, "serviceRevisionArns", arn);
	if (ecs_call(c, operation, &body, true, a, &res, err) ||
	    ecs_one_of(res.json, operation, "serviceRevisions", arn, &node, err))
		return -1;
	groups = json_at(node, "resolvedConfiguration.loadBalancers");
	groups = groups && groups->type == JSON_ARRAY ? groups->first : NULL;
	*out = (struct ecs_service_revision){
		.arn = aws_json_text(node, "serviceRevisionArn"),
		.task_definition = aws_json_text(node, "taskDefinition"),
		.target_group_arn = aws_json_text(groups, "targetGroupArn"),
		.production_rule = aws_json_text(groups, "productionListenerRule"),
	};
	if (!out->arn || !out->task_definition)
		return err_set(err, ERR_MALFORMED, "ECS.%s: the answer describes no revision",
			       operation);
	return 0;
}
