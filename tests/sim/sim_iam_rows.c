/*
 * Which right each call needs, for every service but Elastic Beanstalk.
 */
#include "aws/core/json.h"
#include "tests/sim/sim_autoscaling.h"
#include "tests/sim/sim_ecs.h"
#include "tests/sim/sim_elbv2.h"
#include "tests/sim/sim_iam.h"
#include "tests/sim/sim_s3.h"

static struct str form(const struct sim_iam_call *c, const char *key)
{
	return c->x->form ? sim_form_get(c->x->form, key) : STR("");
}

static struct str member(const struct sim_iam_call *c, const char *key)
{
	return json_text(json_get(c->x->json, key));
}

/* What stands behind the last '/' of an ARN; a name is itself. */
static struct str last_part(struct str s)
{
	size_t at = s.n;

	while (at > 0 && s.p[at - 1] != '/')
		at--;
	return str_sub(s, at, s.n);
}

/* --- CodePipeline, STS, notifications --------------------------------------------------------- */

static const char *action_type(struct sim_iam_call *c, const char *arg)
{
	const struct json *t = json_get(c->x->json, "actionTypeId");

	(void)arg;
	return arena_printf(c->a,
			    SIM_ARN("codepipeline") "actiontype:" STR_FMT "/" STR_FMT "/" STR_FMT
						    "/" STR_FMT,
			    STR_ARG(json_text(json_get(t, "owner"))),
			    STR_ARG(json_text(json_get(t, "category"))),
			    STR_ARG(json_text(json_get(t, "provider"))),
			    STR_ARG(json_text(json_get(t, "version"))));
}

static const char *pipeline(struct sim_iam_call *c, const char *arg)
{
	(void)arg;
	return arena_printf(c->a, SIM_ARN("codepipeline") STR_FMT,
			    STR_ARG(member(c, "pipelineName")));
}

static const char *form_arn(struct sim_iam_call *c, const char *arg)
{
	return str_dup(c->a, form(c, arg));
}

static const char *event_bus(struct sim_iam_call *c, const char *arg)
{
	const struct json *entry = json_get(c->x->json, "Entries");
	struct str bus;

	(void)arg;
	entry = entry ? entry->first : NULL;
	bus = json_text(json_get(entry, "EventBusName"));
	sim_iam_context(c, "events:source", json_text(json_get(entry, "Source")));
	sim_iam_context(c, "events:detail-type", json_text(json_get(entry, "DetailType")));
	if (str_starts(bus, "arn:"))
		return str_dup(c->a, bus);
	return arena_printf(c->a, SIM_ARN("events") "event-bus/" STR_FMT,
			    STR_ARG(bus.n ? bus : STR("default")));
}

/* --- S3, Route 53 ----------------------------------------------------------------------------- */

static const char *object(struct sim_iam_call *c, const char *arg)
{
	struct str bucket, key;

	(void)arg;
	sims3_split_path(c->x, &bucket, &key);
	return arena_printf(c->a, "arn:aws:s3:::" STR_FMT "/" STR_FMT, STR_ARG(bucket),
			    STR_ARG(key));
}

static const char *hosted_zone(struct sim_iam_call *c, const char *arg)
{
	struct str rest = c->x->req->path, part, zone = STR("");

	(void)arg;
	while (str_next(&rest, '/', &part))
		if (str_is(part, "hostedzone"))
			str_next(&rest, '/', &zone);
	return arena_printf(c->a, "arn:aws:route53:::hostedzone/" STR_FMT, STR_ARG(zone));
}

/* --- Lambda ----------------------------------------------------------------------------------- */

/* arg "q": a qualifier, in the name or in the query, is part of the resource */
static const char *function(struct sim_iam_call *c, const char *arg)
{
	struct str rest = c->x->req->path, part, name = STR(""), field, function_name = STR("");
	struct str q = sim_form_get(sim_form_parse(c->a, c->x->req->query), "Qualifier");
	struct str principal = member(c, "Principal");

	while (str_next(&rest, '/', &part))
		if (str_is(part, "functions"))
			str_next(&rest, '/', &name);
	name = str_from(sim_uri_decode(c->a, name));
	for (struct str left = name; str_starts(name, "arn:") && str_next(&left, ':', &field);)
		if (str_is(field, "function"))
			name = left;
	str_next(&name, ':', &function_name);
	if (name.n && !q.n)
		q = name;
	if (principal.n)
		sim_iam_context(c, "lambda:Principal", principal);
	return arena_printf(c->a, SIM_ARN("lambda") "function:" STR_FMT "%s" STR_FMT,
			    STR_ARG(function_name), arg && q.n ? ":" : "",
			    STR_ARG(arg ? q : STR("")));
}

/* --- Elastic Load Balancing ------------------------------------------------------------------- */

/* Of a rule that is gone, by a request that came twice, there is no tag to ask for. */
static const char *rule(struct sim_iam_call *c, const char *arg)
{
	struct sim_elbv2_state *e = sim_state(c->s, &sim_elbv2);
	struct str arn = form(c, arg);

	if (!sim_lb_rule_find(e, arn))
		return NULL;
	for (size_t i = 0; i < e->n_tags; i++)
		if (str_is(arn, e->tags[i].arn))
			sim_iam_context(c, arena_printf(c->a, "aws:ResourceTag/%s", e->tags[i].key),
					str_from(e->tags[i].value));
	return str_dup(c->a, arn);
}

static const char *new_rule_of(struct sim_iam_call *c, const char *arg)
{
	sim_iam_request_tags(c);
	return str_dup(c->a, form(c, arg));
}

/* Its tags: a right to AddTags on what does not exist yet. arn:...:listener/app/NAME/ID/ID */
static const char *tags_of_new_rule(struct sim_iam_call *c, const char *arg)
{
	const char *listener = str_dup(c->a, form(c, arg)), *tail = strstr(listener, ":listener/");

	if (!tail || !form(c, "Tags.member.1.Key").n)
		return NULL;
	sim_iam_context(c, "elasticloadbalancing:CreateAction", STR("CreateRule"));
	sim_iam_request_tags(c);
	return arena_printf(c->a, "%.*s:listener-rule/%s/0", (int)(tail - listener), listener,
			    tail + strlen(":listener/"));
}

/* --- EC2 Auto Scaling, EC2, Systems Manager --------------------------------------------------- */

static const char *group(struct sim_iam_call *c, const char *arg)
{
	struct str name = form(c, "AutoScalingGroupName");
	const struct sim_asg *g = sim_asg_find(sim_state(c->s, &sim_autoscaling), name);

	(void)arg;
	if (!g && strcmp(c->x->operation, "CreateAutoScalingGroup") != 0)
		return NULL;
	for (size_t i = 0; g && i < g->n_tags; i++)
		sim_iam_context(c, arena_printf(c->a, "aws:ResourceTag/%s", g->tags[i].key),
				str_from(g->tags[i].value));
	sim_iam_request_tags(c);
	return arena_printf(c->a,
			    SIM_ARN("autoscaling") "autoScalingGroup:"
						   "0a1b2c3d-0000-0000-0000-000000000000:"
						   "autoScalingGroupName/" STR_FMT,
			    STR_ARG(name));
}

static const char *tags_of_new_group(struct sim_iam_call *c, const char *arg)
{
	return form(c, "Tags.member.1.Key").n ? group(c, arg) : NULL;
}

#define MIXED "MixedInstancesPolicy.LaunchTemplate.LaunchTemplateSpecification."

/* The template that a group is told to launch from; "" when the call says nothing about it. */
static struct str template_in(const struct sim_iam_call *c)
{
	static const char *const keys[] = {
		"LaunchTemplate.LaunchTemplateId", "LaunchTemplate.LaunchTemplateName",
		MIXED "LaunchTemplateId", MIXED "LaunchTemplateName"};
	struct str id = STR("");

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]) && !id.n; i++)
		id = form(c, keys[i]);
	return id;
}

/*
 * Who makes a group start instances from a template must be allowed to start them himself ("Launch
 * template support", EC2 Auto Scaling User Guide). arg: one of the resources of RunInstances.
 */
static const char *launch(struct sim_iam_call *c, const char *arg)
{
	struct str id = template_in(c);

	if (!id.n)
		return NULL;
	sim_iam_context(c, "ec2:LaunchTemplate",
			str_from(arena_printf(c->a, SIM_ARN("ec2") "launch-template/" STR_FMT,
					      STR_ARG(id))));
	sim_iam_context(c, "ec2:IsLaunchTemplateResource", STR("true"));
	return arg;
}

static const char *launch_tags(struct sim_iam_call *c, const char *arg)
{
	if (!template_in(c).n)
		return NULL;
	sim_iam_context(c, "ec2:CreateAction", STR("RunInstances"));
	return arg;
}

static const char *launch_role(struct sim_iam_call *c, const char *arg)
{
	if (!template_in(c).n)
		return NULL;
	sim_iam_context(c, "iam:PassedToService", STR("ec2.amazonaws.com"));
	return arg;
}

static const char *launch_template(struct sim_iam_call *c, const char *arg)
{
	(void)arg;
	return arena_printf(c->a, SIM_ARN("ec2") "launch-template/" STR_FMT,
			    STR_ARG(form(c, "LaunchTemplateId")));
}

static const char *document(struct sim_iam_call *c, const char *arg)
{
	(void)arg;
	return arena_printf(c->a, "arn:aws:ssm:" SIM_REGION "::document/" STR_FMT,
			    STR_ARG(member(c, "DocumentName")));
}

static const char *command_instance(struct sim_iam_call *c, const char *arg)
{
	const struct json *ids = json_get(c->x->json, "InstanceIds");
	struct str id = json_text(ids ? ids->first : NULL);
	const struct sim_autoscaling_state *st = sim_state(c->s, &sim_autoscaling);

	(void)arg;
	if (!id.n)
		return NULL;
	for (const struct sim_asg *g = st->groups; g; g = g->next)
		for (size_t i = 0; i < g->n_members; i++)
			if (str_is(id, g->members[i].i->id))
				sim_iam_context(c, "ssm:resourceTag/aws:autoscaling:groupName",
						str_from(g->name));
	return arena_printf(c->a, SIM_ARN("ec2") "instance/" STR_FMT, STR_ARG(id));
}

/* --- ECS -------------------------------------------------------------------------------------- */

/* The service of arn:...:service-deployment/CLUSTER/SERVICE/ID and the like. */
static const char *service_of_arn(struct sim_iam_call *c, struct str arn)
{
	struct str rest = arn, head, cluster = STR(""), service = STR("");

	if (str_next(&rest, '/', &head) && str_next(&rest, '/', &cluster))
		str_next(&rest, '/', &service);
	return arena_printf(c->a, SIM_ARN("ecs") "service/" STR_FMT "/" STR_FMT, STR_ARG(cluster),
			    STR_ARG(service));
}

/* arg: the member that names the service, an ARN or a name, or a list of one */
static const char *service(struct sim_iam_call *c, const char *arg)
{
	const struct sim_ecs_state *e = sim_state(c->s, &sim_ecs);
	const struct json *named = json_get(c->x->json, arg);
	struct str what = json_text(named && named->type == JSON_ARRAY ? named->first : named);
	const char *arn =
		str_starts(what, "arn:")
			? str_dup(c->a, what)
			: arena_printf(c->a, SIM_ARN("ecs") "service/" STR_FMT "/" STR_FMT,
				       STR_ARG(last_part(member(c, "cluster"))), STR_ARG(what));

	for (const struct sim_ecs_tags *t = e->tags; t; t = t->next)
		if (!strcmp(t->arn, arn))
			sim_iam_context(c, arena_printf(c->a, "aws:ResourceTag/%s", t->key),
					str_from(t->value));
	json_each(tag, json_get(c->x->json, "tags")) {
		sim_iam_context(c,
				arena_printf(c->a, "aws:RequestTag/" STR_FMT,
					     STR_ARG(json_text(json_get(tag, "key")))),
				json_text(json_get(tag, "value")));
	}
	return arn;
}

/* arg: the member that holds an ARN, or a list of one */
static const char *ecs_arn(struct sim_iam_call *c, const char *arg)
{
	const struct json *named = json_get(c->x->json, arg);

	return str_dup(c->a, json_text(named && named->type == JSON_ARRAY ? named->first : named));
}

static const char *ecs_arn_service(struct sim_iam_call *c, const char *arg)
{
	return service_of_arn(c, str_from(ecs_arn(c, arg)));
}

static const char *definition(struct sim_iam_call *c, const char *arg)
{
	(void)arg;
	return arena_printf(c->a, SIM_ARN("ecs") "task-definition/" STR_FMT ":1",
			    STR_ARG(member(c, "family")));
}

static const char *definition_tags(struct sim_iam_call *c, const char *arg)
{
	if (!json_get(c->x->json, "tags"))
		return NULL;
	sim_iam_context(c, "ecs:CreateAction", STR("RegisterTaskDefinition"));
	return definition(c, arg);
}

static const char *service_tags(struct sim_iam_call *c, const char *arg)
{
	if (!json_get(c->x->json, "tags"))
		return NULL;
	sim_iam_context(c, "ecs:CreateAction", STR("CreateService"));
	return service(c, arg);
}

/* arg: the member with the role, by name or ARN */
static const char *task_role(struct sim_iam_call *c, const char *arg)
{
	struct str role = member(c, arg);

	if (!role.n)
		return NULL;
	sim_iam_context(c, "iam:PassedToService", STR("ecs-tasks.amazonaws.com"));
	return str_starts(role, "arn:")
		       ? str_dup(c->a, role)
		       : arena_printf(c->a, "arn:aws:iam::" SIM_ACCOUNT ":role/" STR_FMT,
				      STR_ARG(role));
}

static const char *tasks(struct sim_iam_call *c, const char *arg)
{
	(void)arg;
	sim_iam_context(c, "ecs:cluster",
			str_from(arena_printf(c->a, SIM_ARN("ecs") "cluster/" STR_FMT,
					      STR_ARG(last_part(member(c, "cluster"))))));
	return "*";
}

static const char *task(struct sim_iam_call *c, const char *arg)
{
	(void)arg;
	return arena_printf(c->a, SIM_ARN("ecs") "task/" STR_FMT "/0",
			    STR_ARG(last_part(member(c, "cluster"))));
}

/* --- the table -------------------------------------------------------------------------------- */

#define INSTANCE SIM_ARN("ec2") "instance/*"
#define ROLE "arn:aws:iam::" SIM_ACCOUNT ":role/instance"
#define ROW(service, operation, ...)                                   \
	{                                                              \
		service, operation, service ":" operation, __VA_ARGS__ \
	}
#define ANY(service, operation) ROW(service, operation, sim_iam_any, NULL)
#define ELB(operation) ANY("elasticloadbalancing", operation)
#define ASG(operation) ROW("autoscaling", operation, group, NULL)

const struct sim_iam_row sim_iam_rows[] = {
	ROW("codepipeline", "PollForJobs", action_type, NULL),
	ANY("codepipeline", "AcknowledgeJob"),
	ANY("codepipeline", "GetJobDetails"),
	ANY("codepipeline", "PutJobSuccessResult"),
	ANY("codepipeline", "PutJobFailureResult"),
	ROW("codepipeline", "ListActionExecutions", pipeline, NULL),
	ROW("codepipeline", "GetPipelineExecution", pipeline, NULL),
	ROW("sts", "AssumeRole", form_arn, "RoleArn"),
	{"sts", "GetCallerIdentity", NULL, NULL, NULL},
	ROW("sns", "Publish", form_arn, "TopicArn"),
	ROW("events", "PutEvents", event_bus, NULL),

	/* S3 names its actions after what they do to an object */
	{"s3", "HeadObject", "s3:GetObject", object, NULL},
	{"s3", "GetObject", "s3:GetObject", object, NULL},
	{"s3", "PutObject", "s3:PutObject", object, NULL},
	{"s3", "CreateMultipartUpload", "s3:PutObject", object, NULL},
	{"s3", "UploadPart", "s3:PutObject", object, NULL},
	{"s3", "CompleteMultipartUpload", "s3:PutObject", object, NULL},
	{"s3", "AbortMultipartUpload", "s3:AbortMultipartUpload", object, NULL},
	ROW("route53", "ListResourceRecordSets", hosted_zone, NULL),
	{"monitoring", "DescribeAlarms", "cloudwatch:DescribeAlarms", sim_iam_any, NULL},
	{"monitoring", "GetMetricData", "cloudwatch:GetMetricData", sim_iam_any, NULL},

	ROW("lambda", "GetFunctionConfiguration", function, "q"),
	ROW("lambda", "GetProvisionedConcurrencyConfig", function, "q"),
	ROW("lambda", "GetPolicy", function, "q"),
	ROW("lambda", "AddPermission", function, "q"),
	ROW("lambda", "RemovePermission", function, "q"),
	{"lambda", "Invoke", "lambda:InvokeFunction", function, "q"},
	ROW("lambda", "GetAlias", function, NULL),
	ROW("lambda", "ListAliases", function, NULL),
	ROW("lambda", "CreateAlias", function, NULL),
	ROW("lambda", "UpdateAlias", function, NULL),
	ROW("lambda", "DeleteAlias", function, NULL),
	ROW("lambda", "UpdateFunctionCode", function, NULL),
	ROW("lambda", "PublishVersion", function, NULL),

	ELB("DescribeListeners"),
	ELB("DescribeRules"),
	ELB("DescribeTags"),
	ELB("DescribeTargetGroups"),
	ELB("DescribeTargetGroupAttributes"),
	ELB("DescribeTargetHealth"),
	ROW("elasticloadbalancing", "ModifyListener", form_arn, "ListenerArn"),
	ROW("elasticloadbalancing", "ModifyRule", form_arn, "RuleArn"),
	ROW("elasticloadbalancing", "DeleteRule", rule, "RuleArn"),
	ROW("elasticloadbalancing", "CreateRule", new_rule_of, "ListenerArn"),
	{"elasticloadbalancing", "CreateRule", "elasticloadbalancing:AddTags", tags_of_new_rule,
	 "ListenerArn"},

	ANY("autoscaling", "DescribeAutoScalingGroups"),
	ANY("autoscaling", "DescribePolicies"),
	ANY("autoscaling", "DescribeScheduledActions"),
	ANY("autoscaling", "DescribeInstanceRefreshes"),
	ANY("autoscaling", "DescribeLifecycleHooks"),
	ANY("autoscaling", "DescribeNotificationConfigurations"),
	ANY("autoscaling", "DescribeScalingActivities"),
	ASG("AttachTrafficSources"),
	ASG("CreateAutoScalingGroup"),
	ASG("DeleteAutoScalingGroup"),
	ASG("EnableMetricsCollection"),
	ASG("PutNotificationConfiguration"),
	ASG("PutScalingPolicy"),
	ASG("PutScheduledUpdateGroupAction"),
	ASG("ResumeProcesses"),
	ASG("SuspendProcesses"),
	ASG("UpdateAutoScalingGroup"),
	{"autoscaling", "CreateAutoScalingGroup", "autoscaling:CreateOrUpdateTags",
	 tags_of_new_group, NULL},
	{"autoscaling", "CreateAutoScalingGroup", "ec2:RunInstances", launch, INSTANCE},
	{"autoscaling", "CreateAutoScalingGroup", "ec2:RunInstances", launch,
	 "arn:aws:ec2:" SIM_REGION "::image/ami"},
	{"autoscaling", "CreateAutoScalingGroup", "ec2:CreateTags", launch_tags, INSTANCE},
	{"autoscaling", "CreateAutoScalingGroup", "iam:PassRole", launch_role, ROLE},
	{"autoscaling", "UpdateAutoScalingGroup", "ec2:RunInstances", launch, INSTANCE},
	{"autoscaling", "UpdateAutoScalingGroup", "ec2:RunInstances", launch,
	 "arn:aws:ec2:" SIM_REGION "::image/ami"},
	{"autoscaling", "UpdateAutoScalingGroup", "ec2:CreateTags", launch_tags, INSTANCE},
	{"autoscaling", "UpdateAutoScalingGroup", "iam:PassRole", launch_role, ROLE},
	ANY("ec2", "DescribeLaunchTemplateVersions"),
	ROW("ec2", "CreateLaunchTemplateVersion", launch_template, NULL),
	ANY("ssm", "DescribeInstanceInformation"),
	ANY("ssm", "ListCommandInvocations"),
	ROW("ssm", "SendCommand", document, NULL),
	ROW("ssm", "SendCommand", command_instance, NULL),

	ROW("ecs", "DescribeServices", service, "services"),
	ROW("ecs", "ListServiceDeployments", service, "service"),
	ROW("ecs", "UpdateService", service, "service"),
	ROW("ecs", "DeleteService", service, "service"),
	ROW("ecs", "CreateService", service, "serviceName"),
	{"ecs", "CreateService", "ecs:TagResource", service_tags, "serviceName"},
	/* two resources each: the service and its deployment or revision */
	ROW("ecs", "DescribeServiceDeployments", ecs_arn, "serviceDeploymentArns"),
	ROW("ecs", "DescribeServiceDeployments", ecs_arn_service, "serviceDeploymentArns"),
	ROW("ecs", "DescribeServiceRevisions", ecs_arn, "serviceRevisionArns"),
	ROW("ecs", "DescribeServiceRevisions", ecs_arn_service, "serviceRevisionArns"),
	ROW("ecs", "StopServiceDeployment", ecs_arn, "serviceDeploymentArn"),
	ROW("ecs", "StopServiceDeployment", ecs_arn_service, "serviceDeploymentArn"),
	ROW("ecs", "ContinueServiceDeployment", ecs_arn, "serviceDeploymentArn"),
	ROW("ecs", "ContinueServiceDeployment", ecs_arn_service, "serviceDeploymentArn"),
	ROW("ecs", "ListTasks", tasks, NULL),
	ROW("ecs", "DescribeTasks", task, NULL),
	ANY("ecs", "DescribeTaskDefinition"),
	ROW("ecs", "RegisterTaskDefinition", definition, NULL),
	{"ecs", "RegisterTaskDefinition", "ecs:TagResource", definition_tags, NULL},
	{"ecs", "RegisterTaskDefinition", "iam:PassRole", task_role, "taskRoleArn"},
	{"ecs", "RegisterTaskDefinition", "iam:PassRole", task_role, "executionRoleArn"},
};
const size_t sim_iam_n_rows = sizeof(sim_iam_rows) / sizeof(sim_iam_rows[0]);
