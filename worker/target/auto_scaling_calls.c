#include "worker/target/auto_scaling.h"

#include <string.h>

/* What `plan` prints: the calls in order, with the permissions that they need. */

#define GROUPS "arn:aws:autoscaling:*:*:autoScalingGroup:*"
#define NAME_MAX_BASE 100 /* of a name, before what tells copies apart */
#define ASG(phase, name, write)                                                             \
	{                                                                                   \
		PHASE_##phase, "autoscaling", name, "autoscaling:" name,                    \
			(write) ? GROUPS : "*", write                               \
	}

static const struct target_call first_look[] = {
	ASG(INSPECT, "DescribeAutoScalingGroups", false),
	ASG(INSPECT, "DescribePolicies", false),
	ASG(INSPECT, "DescribeScheduledActions", false),
	ASG(INSPECT, "DescribeInstanceRefreshes", false),
	{PHASE_INSPECT, "ec2", "DescribeLaunchTemplateVersions",
	 "ec2:DescribeLaunchTemplateVersions", "*", false},
};

static const struct target_call version[] = {
	{PHASE_PREPARE, "ec2", "CreateLaunchTemplateVersion", "ec2:CreateLaunchTemplateVersion",
	 "arn:aws:ec2:*:*:launch-template/*", true},
};

/* Who makes a group start instances from a template must be allowed to start them himself. */
static const struct target_call template_use[] = {
	{PHASE_PREPARE, "ec2", "RunInstances", "ec2:RunInstances", "*", true},
	{PHASE_PREPARE, "ec2", "CreateTags", "ec2:CreateTags", "arn:aws:ec2:*:*:*", true},
	{PHASE_PREPARE, "iam", "PassRole", "iam:PassRole", "arn:aws:iam::*:role/*", true},
};

static const struct target_call hold[] = {
	ASG(PREPARE, "SuspendProcesses", true),
};

static const struct target_call copy[] = {
	ASG(PREPARE, "DescribeLifecycleHooks", false),
	ASG(PREPARE, "CreateAutoScalingGroup", true),
	/* no call of its own: the tags of a new group */
	ASG(PREPARE, "CreateOrUpdateTags", true),
	ASG(PREPARE, "PutScalingPolicy", true),
	ASG(PREPARE, "PutScheduledUpdateGroupAction", true),
	ASG(PREPARE, "DescribeNotificationConfigurations", false),
	ASG(PREPARE, "PutNotificationConfiguration", true),
	ASG(PREPARE, "EnableMetricsCollection", true),
};

static const struct target_call twin[] = {
	ASG(PREPARE, "AttachTrafficSources", true),
};

static const struct target_call bring_up[] = {
	ASG(PREPARE, "UpdateAutoScalingGroup", true),
	ASG(PREPARE, "DescribeScalingActivities", false),
};

static const struct target_call command[] = {
	{PHASE_PREPARE, "ssm", "DescribeInstanceInformation", "ssm:DescribeInstanceInformation",
	 "*", false},
	{PHASE_PREPARE, "ssm", "ListCommandInvocations", "ssm:ListCommandInvocations", "*", false},
	{PHASE_PREPARE, "ssm", "SendCommand", "ssm:SendCommand",
	 "arn:aws:ssm:*:*:document/AWS-RunShellScript", true},
	{PHASE_PREPARE, "ssm", "SendCommand", "ssm:SendCommand", "arn:aws:ec2:*:*:instance/*",
	 true},
};

static const struct target_call rising[] = {
	ASG(SHIFT, "UpdateAutoScalingGroup", true),
	ASG(PROMOTE, "UpdateAutoScalingGroup", true),
};

static const struct target_call retiring[] = {
	ASG(RETIRE, "ResumeProcesses", true),
	ASG(RETIRE, "UpdateAutoScalingGroup", true),
};

static const struct target_call removing[] = {
	ASG(RETIRE, "DeleteAutoScalingGroup", true),
};

static const struct target_call back[] = {
	ASG(RESTORE, "ResumeProcesses", true),
	ASG(RESTORE, "UpdateAutoScalingGroup", true),
	ASG(PROVE, "UpdateAutoScalingGroup", true),
};

static const struct target_call discarding[] = {
	ASG(PROVE, "DeleteAutoScalingGroup", true),
};

struct out {
	const struct plan_auto_scaling *t;
	struct arena *a;
	void (*add)(void *arg, const struct target_call *c);
	void *arg;
};

/* On the group itself, and on its copies or its twin: who is who only the look tells. */
static void put_groups(const struct out *o, const struct target_call *row)
{
	struct target_call c = *row;
	const char *group = o->t->group;

	c.resource = arena_printf(o->a, GROUPS ":autoScalingGroupName/%s", group);
	o->add(o->arg, &c);
	c.resource = o->t->twin ? arena_printf(o->a, GROUPS ":autoScalingGroupName/%s", o->t->twin)
				: arena_printf(o->a, GROUPS ":autoScalingGroupName/%.*s-*",
					       NAME_MAX_BASE, group);
	o->add(o->arg, &c);
}

static void put(const struct out *o, const struct target_call *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(list[i].resource, GROUPS))
			put_groups(o, &list[i]);
		else
			o->add(o->arg, &list[i]);
	}
}

#define PUT(o, list) put(o, list, sizeof(list) / sizeof((list)[0]))

void as_calls(const struct plan *plan, struct arena *a,
	      void (*add)(void *arg, const struct target_call *c), void *arg)
{
	const struct plan_auto_scaling *t = &plan->target.auto_scaling;
	const struct out o = {t, a, add, arg};

	PUT(&o, first_look);
	lb_calls(plan->target.lb.resource_arn, a, add, arg);
	lb_segment_calls(plan, a, add, arg);
	PUT(&o, hold);
	if (t->install != ASG_INSTALL_COMMAND)
		PUT(&o, version);
	PUT(&o, template_use);
	if (t->twin)
		PUT(&o, twin);
	else
		PUT(&o, copy);
	PUT(&o, bring_up);
	if (t->install == ASG_INSTALL_COMMAND)
		PUT(&o, command);
	PUT(&o, rising);
	PUT(&o, retiring);
	if (t->retire == ASG_RETIRE_DELETE || t->retire == ASG_RETIRE_AUTO)
		PUT(&o, removing);
	PUT(&o, back);
	if (!t->twin)
		PUT(&o, discarding);
}
