/*
 * Which rights the calls of Elastic Beanstalk need: its own, and those that it uses on its caller's
 * behalf for what an environment is made of ("Managing Elastic Beanstalk user policies", Developer
 * Guide). AWS does not say which operation uses which of these: the list follows AWS's policy for
 * what does the same, AWSElasticBeanstalkManagedUpdatesCustomerRolePolicy (v8).
 */
#include "tests/sim/sim_beanstalk.h"
#include "tests/sim/sim_iam.h"

#define EB SIM_ARN("elasticbeanstalk")

static struct str form(const struct sim_iam_call *c, const char *key)
{
	return c->x->form ? sim_form_get(c->x->form, key) : STR("");
}

/* kind/APPLICATION/NAME of two parameters; arg: "kind NameParameter", or "application" alone */
static const char *named(struct sim_iam_call *c, const char *arg)
{
	struct str rest = str_from(arg), kind, key = STR("");
	struct str app = form(c, "ApplicationName");

	str_next(&rest, ' ', &kind);
	str_next(&rest, ' ', &key);
	sim_iam_request_tags(c);
	if (!key.n)
		return arena_printf(c->a, EB STR_FMT "/" STR_FMT, STR_ARG(kind), STR_ARG(app));
	return arena_printf(c->a, EB STR_FMT "/" STR_FMT "/" STR_FMT, STR_ARG(kind), STR_ARG(app),
			    STR_ARG(form(c, str_dup(c->a, key))));
}

/* arg: the parameter with the id of an environment */
static const char *environment(struct sim_iam_call *c, const char *arg)
{
	const struct sim_eb_state *b = sim_state(c->s, &sim_beanstalk);
	struct str id = form(c, arg);

	for (const struct sim_eb_environment *e = b->environments; e; e = e->next) {
		if (!str_is(id, e->id))
			continue;
		for (size_t i = 0; i < e->tags.n; i++)
			sim_iam_context(
				c, arena_printf(c->a, "aws:ResourceTag/%s", e->tags.t[i].key),
				str_from(e->tags.t[i].value));
		return arena_printf(c->a, EB "environment/%s/%s", e->app, e->name);
	}
	return arena_printf(c->a, EB "environment/unknown/" STR_FMT, STR_ARG(id));
}

static const char *new_tags(struct sim_iam_call *c, const char *arg)
{
	return form(c, "Tags.member.1.Key").n ? named(c, arg) : NULL;
}

static const char *bundle(struct sim_iam_call *c, const char *arg)
{
	struct str bucket = form(c, "SourceBundle.S3Bucket");

	(void)arg;
	return bucket.n ? arena_printf(c->a, "arn:aws:s3:::" STR_FMT "/" STR_FMT, STR_ARG(bucket),
				       STR_ARG(form(c, "SourceBundle.S3Key")))
			: NULL;
}

static const char *launch(struct sim_iam_call *c, const char *arg)
{
	sim_iam_context(c, "ec2:LaunchTemplate", STR(SIM_ARN("ec2") "launch-template/lt-0"));
	return arg;
}

static const char *tags(struct sim_iam_call *c, const char *arg)
{
	sim_iam_context(c, "ec2:CreateAction", str_from(arg));
	return SIM_ARN("ec2") "instance/*";
}

static const char *end(struct sim_iam_call *c, const char *arg)
{
	sim_iam_context(c, "ec2:ResourceTag/aws:cloudformation:stack-id",
			STR(SIM_ARN("cloudformation") "stack/awseb-e-0-stack/0"));
	return arg;
}

/* arg: whom it is handed to */
static const char *role(struct sim_iam_call *c, const char *arg)
{
	sim_iam_context(c, "iam:PassedToService", str_from(arg));
	return "arn:aws:iam::" SIM_ACCOUNT ":role/aws-elasticbeanstalk";
}

#define STACK SIM_ARN("cloudformation") "stack/awseb-e-0-stack/0"
#define GROUP SIM_ARN("autoscaling") "autoScalingGroup:0:autoScalingGroupName/awseb-e-0-stack"
#define CONFIGURATION \
	SIM_ARN("autoscaling") "launchConfiguration:0:launchConfigurationName/awseb-e-0-stack"
#define LB SIM_ARN("elasticloadbalancing")
#define BUCKET "arn:aws:s3:::elasticbeanstalk-" SIM_REGION "-" SIM_ACCOUNT
#define ALARM SIM_ARN("cloudwatch") "alarm:awseb-e-0-stack"
#define LOGS SIM_ARN("logs") "log-group:/aws/elasticbeanstalk/shop/var/log"
#define TOPIC SIM_ARN("sns") "ElasticBeanstalkNotifications-shop"
#define DOES(op, action, resource) {"elasticbeanstalk", op, action, sim_iam_any, resource}
#define EACH_EC2(op, X)                                                                         \
	X(op, "ec2:AllocateAddress"), X(op, "ec2:AssociateAddress"),                            \
		X(op, "ec2:AuthorizeSecurityGroupEgress"),                                      \
		X(op, "ec2:AuthorizeSecurityGroupIngress"), X(op, "ec2:CreateLaunchTemplate"),  \
		X(op, "ec2:CreateLaunchTemplateVersion"), X(op, "ec2:CreateSecurityGroup"),     \
		X(op, "ec2:DeleteLaunchTemplate"), X(op, "ec2:DeleteLaunchTemplateVersions"),   \
		X(op, "ec2:DeleteSecurityGroup"), X(op, "ec2:DisassociateAddress"),             \
		X(op, "ec2:ReleaseAddress"), X(op, "ec2:RevokeSecurityGroupEgress"),            \
		X(op, "ec2:RevokeSecurityGroupIngress")
#define ON_ALL(op, action) DOES(op, action, NULL)

/* Whatever happens to an environment. */
#define ENVIRONMENT(op)                                                                        \
	EACH_EC2(op, ON_ALL), DOES(op, "autoscaling:DescribeAutoScalingGroups", NULL),         \
		DOES(op, "cloudformation:ValidateTemplate", NULL),                             \
		DOES(op, "ec2:DescribeInstances", NULL),                                       \
		DOES(op, "elasticloadbalancing:DescribeLoadBalancers", NULL),                  \
		DOES(op, "logs:DescribeLogGroups", NULL),                                      \
		DOES(op, "sns:ListSubscriptionsByTopic", NULL),                                \
		DOES(op, "cloudformation:CancelUpdateStack", STACK),                           \
		DOES(op, "cloudformation:CreateStack", STACK),                                 \
		DOES(op, "cloudformation:DeleteStack", STACK),                                 \
		DOES(op, "cloudformation:DescribeStacks", STACK),                              \
		DOES(op, "cloudformation:GetTemplate", STACK),                                 \
		DOES(op, "cloudformation:ListStackResources", STACK),                          \
		DOES(op, "cloudformation:TagResource", STACK),                                 \
		DOES(op, "cloudformation:UpdateStack", STACK),                                 \
		DOES(op, "autoscaling:UpdateAutoScalingGroup", GROUP),                         \
		DOES(op, "autoscaling:CreateLaunchConfiguration", CONFIGURATION),              \
		DOES(op, "elasticloadbalancing:RegisterTargets", LB "targetgroup/awseb-0/0"),  \
		DOES(op, "elasticloadbalancing:CreateLoadBalancer",                            \
		     LB "loadbalancer/app/awseb-0/0"),                                         \
		DOES(op, "elasticloadbalancing:CreateLoadBalancer", LB "loadbalancer/awseb-0"),\
		DOES(op, "elasticloadbalancing:CreateListener", LB "listener/app/awseb-0/0/0"),\
		DOES(op, "elasticloadbalancing:ModifyRule",                                    \
		     LB "listener-rule/app/awseb-0/0/0/0"),                                    \
		DOES(op, "elasticloadbalancing:CreateRule", LB "listener/app/shared/0/0"),     \
		DOES(op, "elasticloadbalancing:ModifyRule", LB "listener-rule/app/shared/0/0/0"),\
		DOES(op, "elasticloadbalancing:DeleteRule", LB "listener-rule/app/shared/0/0/0"),\
		DOES(op, "elasticloadbalancing:AddTags", LB "listener-rule/app/shared/0/0/0"), \
		DOES(op, "elasticloadbalancing:SetRulePriorities",                             \
		     LB "listener-rule/app/shared/0/0/0"),                                     \
		{"elasticbeanstalk", op, "ec2:RunInstances", launch,                           \
		 SIM_ARN("ec2") "instance/*"},                                                 \
		{"elasticbeanstalk", op, "ec2:CreateTags", tags, "RunInstances"},              \
		{"elasticbeanstalk", op, "ec2:CreateTags", tags, "CreateLaunchTemplate"},      \
		{"elasticbeanstalk", op, "ec2:CreateTags", tags, "CreateSecurityGroup"},       \
		{"elasticbeanstalk", op, "ec2:CreateTags", tags, "AllocateAddress"},           \
		{"elasticbeanstalk", op, "ec2:TerminateInstances", end,                        \
		 SIM_ARN("ec2") "instance/i-0"},                                               \
		{"elasticbeanstalk", op, "iam:PassRole", role, "ec2.amazonaws.com"},           \
		{"elasticbeanstalk", op, "iam:PassRole", role, "elasticbeanstalk.amazonaws.com"},\
		DOES(op, "s3:GetBucketLocation", BUCKET), DOES(op, "s3:GetBucketPolicy", BUCKET),\
		DOES(op, "s3:ListBucket", BUCKET), DOES(op, "s3:DeleteObject", BUCKET "/x"),   \
		DOES(op, "s3:GetObject", BUCKET "/x"), DOES(op, "s3:GetObjectAcl", BUCKET "/x"),\
		DOES(op, "s3:GetObjectVersion", BUCKET "/x"),                                  \
		DOES(op, "s3:PutObject", BUCKET "/x"), DOES(op, "s3:PutObjectAcl", BUCKET "/x"),\
		DOES(op, "cloudwatch:DeleteAlarms", ALARM),                                    \
		DOES(op, "cloudwatch:PutMetricAlarm", ALARM),                                  \
		DOES(op, "logs:CreateLogGroup", LOGS), DOES(op, "logs:DeleteLogGroup", LOGS),  \
		DOES(op, "logs:PutRetentionPolicy", LOGS), DOES(op, "sns:CreateTopic", TOPIC), \
		DOES(op, "sns:GetTopicAttributes", TOPIC),                                     \
		DOES(op, "sns:SetTopicAttributes", TOPIC), DOES(op, "sns:Subscribe", TOPIC)

#define ROW(operation, ...) \
	{"elasticbeanstalk", operation, "elasticbeanstalk:" operation, __VA_ARGS__}
#define READ(operation) ROW(operation, sim_iam_any, NULL)

const struct sim_iam_row sim_iam_beanstalk_rows[] = {
	READ("CheckDNSAvailability"),
	READ("CreateStorageLocation"),
	READ("DescribeApplicationVersions"),
	READ("DescribeConfigurationSettings"),
	READ("DescribeEnvironmentManagedActions"),
	READ("DescribeEnvironmentResources"),
	READ("DescribeEnvironments"),
	READ("DescribeEvents"),
	READ("DescribeInstancesHealth"),
	READ("ListTagsForResource"),
	ROW("CreateApplicationVersion", named, "application"),
	ROW("CreateApplicationVersion", named, "applicationversion VersionLabel"),
	{"elasticbeanstalk", "CreateApplicationVersion", "s3:GetObject", bundle, NULL},
	ROW("CreateConfigurationTemplate", named, "configurationtemplate TemplateName"),
	ROW("DeleteConfigurationTemplate", named, "configurationtemplate TemplateName"),
	ROW("CreateEnvironment", named, "environment EnvironmentName"),
	{"elasticbeanstalk", "CreateEnvironment", "elasticbeanstalk:AddTags", new_tags,
	 "environment EnvironmentName"},
	ROW("UpdateEnvironment", environment, "EnvironmentId"),
	ROW("TerminateEnvironment", environment, "EnvironmentId"),
	ROW("AbortEnvironmentUpdate", environment, "EnvironmentId"),
	ROW("SwapEnvironmentCNAMEs", environment, "SourceEnvironmentId"),
	ROW("SwapEnvironmentCNAMEs", environment, "DestinationEnvironmentId"),
};
const size_t sim_iam_n_beanstalk_rows =
	sizeof(sim_iam_beanstalk_rows) / sizeof(sim_iam_beanstalk_rows[0]);

const struct sim_iam_row sim_iam_behalf_rows[] = {
	ENVIRONMENT("CreateEnvironment"),
	ENVIRONMENT("UpdateEnvironment"),
	ENVIRONMENT("TerminateEnvironment"),
	ENVIRONMENT("AbortEnvironmentUpdate"),
};
const size_t sim_iam_n_behalf_rows = sizeof(sim_iam_behalf_rows) / sizeof(sim_iam_behalf_rows[0]);
