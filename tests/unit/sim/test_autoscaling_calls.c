#include "tests/unit/sim/asg_shop.h"

/* The simulated Auto Scaling: what its calls take, refuse, and tell again. */

#define CREATE "CreateAutoScalingGroup&AutoScalingGroupName=shop-green"
#define SIZES "&MinSize=1&MaxSize=6&DesiredCapacity=3"
#define LT "&LaunchTemplate.LaunchTemplateName=shop-lt&LaunchTemplate.Version=1"
#define ZONES "&VPCZoneIdentifier=subnet-1,subnet-2"

static void test_a_group_is_made_like_another(void **state)
{
	struct shop s = asg_shop_new();
	struct world *w = s.w;
	const struct xml *g;
	(void)state;
	asg(w,
	    arena_printf(w->arena,
			 CREATE SIZES LT ZONES
			 "&HealthCheckType=EC2&HealthCheckGracePeriod=90&DefaultInstanceWarmup=30"
			 "&TargetGroupARNs.member.1=%s&TerminationPolicies.member.1=OldestInstance"
			 "&Tags.member.1.Key=team&Tags.member.1.Value=shop&Tags.member.1."
			 "ResourceId=shop-green&Tags.member.1.ResourceType=auto-scaling-group"
			 "&InstanceMaintenancePolicy.MinHealthyPercentage=90"
			 "&InstanceMaintenancePolicy.MaxHealthyPercentage=120"
			 "&LifecycleHookSpecificationList.member.1.LifecycleHookName=install"
			 "&LifecycleHookSpecificationList.member.1.LifecycleTransition="
			 "autoscaling:EC2_INSTANCE_LAUNCHING",
			 s.green));
	assert_status(w, 200);
	assert_null(xml_at(body_xml(w), "CreateAutoScalingGroupResult"));
	g = described(w, "shop-green");
	assert_xml(g, "HealthCheckGracePeriod", "90");
	assert_xml(g, "DefaultInstanceWarmup", "30");
	assert_xml(g, "TerminationPolicies/member", "OldestInstance");
	assert_xml(g, "InstanceMaintenancePolicy/MaxHealthyPercentage", "120");
	assert_xml(g, "VPCZoneIdentifier", "subnet-1,subnet-2");
	assert_xml(g, "Tags/member/Key", "team");
	assert_xml(g, "Tags/member/PropagateAtLaunch", "true");
	assert_xml(g, "Tags/member/ResourceId", "shop-green");
	assert_xml(g, "TargetGroupARNs/member", s.green);
	assert_xml(g, "DefaultCooldown", "300");
	sim_advance(w->sim, 32000);
	assert_int_equal(in_state(w, "shop-green", "Pending:Wait"), 3); /* by the hook given */
	sim_advance(w->sim, 60000);
	assert_int_equal(targets_in(w, "tg-green", "healthy"), 3);
	ec2(w, "DescribeInstances&Filter.1.Name=tag:aws:autoscaling:groupName&Filter.1.Value.1="
	       "shop-green&Filter.2.Name=tag:team&Filter.2.Value.1=shop");
	assert_xml(result(w, "reservationSet/item/instancesSet/item"), "imageId", "ami-1");
	asg(w, CREATE SIZES LT ZONES);
	assert_error(w, 400, "AlreadyExists");
	world_free(w);
}

static void test_creation_is_refused(void **state)
{
	static const char *const cases[] = {
		"CreateAutoScalingGroup&MinSize=1&MaxSize=2" LT ZONES,
		CREATE "&MinSize=1" LT ZONES,
		CREATE "&MinSize=3&MaxSize=2" LT ZONES,
		CREATE "&MinSize=x&MaxSize=2" LT ZONES,
		CREATE "&MinSize=1&MaxSize=2&DesiredCapacity=3" LT ZONES,
		CREATE SIZES ZONES,
		CREATE SIZES LT,
		CREATE SIZES ZONES "&LaunchTemplate.LaunchTemplateName=none",
		CREATE SIZES ZONES "&LaunchTemplate.LaunchTemplateName=shop-lt"
				   "&LaunchTemplate.LaunchTemplateId=lt-1",
		CREATE SIZES ZONES
		"&LaunchTemplate.LaunchTemplateName=shop-lt&LaunchTemplate.Version=9",
		CREATE SIZES LT ZONES "&MixedInstancesPolicy.LaunchTemplate."
				      "LaunchTemplateSpecification.LaunchTemplateName=shop-lt",
		CREATE SIZES LT ZONES "&HealthCheckType=HOPE",
		CREATE SIZES LT ZONES "&TargetGroupARNs.member.1=arn:none",
		CREATE SIZES LT ZONES "&TrafficSources.member.1.Identifier=arn:none",
		CREATE SIZES LT ZONES "&Tags.member.1.Key=aws:cloudformation:stack-name",
		CREATE SIZES LT ZONES "&Tags.member.1.Key=a&Tags.member.1.ResourceId=other",
		CREATE SIZES LT ZONES "&CreatedTime=2026-01-01", /* in the description only */
		CREATE SIZES LT ZONES "&AutoScalingGroupARN=arn",
		CREATE SIZES LT ZONES
		"&LifecycleHookSpecificationList.member.1.LifecycleHookName=x",
	};
	struct shop s = asg_shop_new();
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		asg(s.w, cases[i]);
		assert_error(s.w, 400, "ValidationError");
	}
	ctl_refused(s.w, "autoscaling show shop-green", "shop-green");
	world_free(s.w);
}

static void test_groups_are_changed(void **state)
{
	struct shop s = asg_shop_new();
	struct world *w = s.w;
	(void)state;
	asg(w, "UpdateAutoScalingGroup&AutoScalingGroupName=shop-blue&MinSize=4");
	assert_status(w, 200);
	assert_int_equal(shown(w, "shop-blue", "desired"), 4); /* taken along */
	asg(w, "UpdateAutoScalingGroup&AutoScalingGroupName=shop-blue&MinSize=0&MaxSize=2");
	assert_int_equal(shown(w, "shop-blue", "desired"), 2);
	asg(w, "UpdateAutoScalingGroup&AutoScalingGroupName=shop-blue&DesiredCapacity=5");
	assert_error(w, 400, "ValidationError");
	asg(w, "SetDesiredCapacity&AutoScalingGroupName=shop-blue&DesiredCapacity=1"
	       "&HonorCooldown=true");
	assert_error(w, 400, "ScalingActivityInProgress");
	asg(w, "SetDesiredCapacity&AutoScalingGroupName=shop-blue&DesiredCapacity=9");
	assert_error(w, 400, "ValidationError");
	asg(w, "SetDesiredCapacity&AutoScalingGroupName=shop-blue");
	assert_error(w, 400, "ValidationError");
	asg(w, "UpdateAutoScalingGroup&AutoScalingGroupName=shop-blue&HealthCheckType=ELB"
	       "&LaunchTemplate.LaunchTemplateName=shop-lt&LaunchTemplate.Version=$Latest");
	assert_status(w, 200);
	assert_xml(described(w, "shop-blue"), "HealthCheckType", "ELB");
	assert_xml(described(w, "shop-blue"), "LaunchTemplate/Version", "$Latest");
	asg(w, "UpdateAutoScalingGroup&AutoScalingGroupName=shop-blue&TargetGroupARNs.member.1=x");
	assert_error(w, 400, "ValidationError"); /* not a parameter of an update */
	asg(w, "UpdateAutoScalingGroup&AutoScalingGroupName=nobody&MinSize=1");
	assert_error(w, 400, "ValidationError");
	asg(w, "UpdateAutoScalingGroup&AutoScalingGroupName=shop-blue&LaunchConfigurationName=x");
	assert_error(w, 400, "ValidationError");
	ctl(w, "autoscaling group shop-blue operator=ecs.amazonaws.com");
	asg(w, "SetDesiredCapacity&AutoScalingGroupName=shop-blue&DesiredCapacity=1");
	assert_error(w, 400, "ValidationError");
	assert_xml(described(w, "shop-blue"), "Operator/Principal", "ecs.amazonaws.com");
	world_free(w);
}

static void test_mixed_instances(void **state)
{
	struct shop s = asg_shop_new();
	struct world *w = s.w;
	const struct xml *g;
	(void)state;
	ctl(w, "autoscaling group mixed template=shop-lt size=1 mixed=t3.large,t3a.large");
	g = described(w, "mixed");
	assert_null(xml_at(g, "LaunchTemplate"));
	assert_xml(g,
		   "MixedInstancesPolicy/LaunchTemplate/LaunchTemplateSpecification/"
		   "LaunchTemplateName",
		   "shop-lt");
	assert_xml(g, "Instances/member/InstanceType", "t3.large");
	ctl(w, "ec2 template shop-lt image=ami-2");
	asg(w, "UpdateAutoScalingGroup&AutoScalingGroupName=mixed&DesiredCapacity=2&"
	       "MixedInstancesPolicy.LaunchTemplate.LaunchTemplateSpecification."
	       "LaunchTemplateName=shop-lt&MixedInstancesPolicy.LaunchTemplate."
	       "LaunchTemplateSpecification.Version=2&MixedInstancesPolicy.LaunchTemplate."
	       "Overrides.member.1.InstanceType=m5.large");
	assert_status(w, 200);
	g = described(w, "mixed");
	assert_xml(g, "MixedInstancesPolicy/LaunchTemplate/Overrides/member/InstanceType",
		   "m5.large");
	sim_advance(w->sim, 60000);
	g = xml_next(xml_first(xml_at(described(w, "mixed"), "Instances"), "member"), "member");
	assert_xml(g, "InstanceType", "m5.large");
	assert_xml(g, "LaunchTemplate/Version", "2");
	asg(w, "UpdateAutoScalingGroup&AutoScalingGroupName=mixed&LaunchTemplate."
	       "LaunchTemplateName=shop-lt");
	assert_null(xml_at(described(w, "mixed"), "MixedInstancesPolicy"));
	assert_xml(described(w, "mixed"), "LaunchTemplate/Version", "$Default");
	world_free(w);
}

static void test_policies_schedules_and_the_rest_are_told_again(void **state)
{
	struct shop s = asg_shop_new();
	struct world *w = s.w;
	const struct xml *x;
	(void)state;
	asg(w, "PutScalingPolicy&AutoScalingGroupName=shop-blue&PolicyName=cpu&PolicyType="
	       "TargetTrackingScaling&TargetTrackingConfiguration.PredefinedMetricSpecification."
	       "PredefinedMetricType=ASGAverageCPUUtilization&TargetTrackingConfiguration."
	       "TargetValue=50.0");
	assert_xml(result(w, "PutScalingPolicyResult"), "Alarms/member/AlarmName",
		   "TargetTracking-shop-blue-AlarmHigh-cpu");
	asg(w, "PutScalingPolicy&AutoScalingGroupName=shop-blue&PolicyName=out&AdjustmentType="
	       "ChangeInCapacity&ScalingAdjustment=1&Cooldown=60");
	assert_status(w, 200);
	asg(w, "DescribePolicies&AutoScalingGroupName=shop-blue");
	x = xml_first(result(w, "DescribePoliciesResult/ScalingPolicies"), "member");
	assert_xml(x, "AutoScalingGroupName", "shop-blue");
	assert_xml(x, "PolicyType", "TargetTrackingScaling");
	assert_xml(x, "TargetTrackingConfiguration/TargetValue", "50.0");
	assert_xml(x, "Enabled", "true");
	assert_true(xml_text(x, "PolicyARN").n > 0);
	x = xml_next(x, "member");
	assert_xml(x, "PolicyType", "SimpleScaling");
	assert_xml(x, "ScalingAdjustment", "1");
	asg(w, "DescribePolicies&AutoScalingGroupName=shop-blue&PolicyNames.member.1=out");
	x = xml_first(result(w, "DescribePoliciesResult/ScalingPolicies"), "member");
	assert_xml(x, "PolicyName", "out");
	assert_null(xml_next(x, "member"));
	asg(w, "PutScheduledUpdateGroupAction&AutoScalingGroupName=shop-blue&ScheduledActionName="
	       "morning&Recurrence=0%208%20*%20*%20*&DesiredCapacity=5");
	assert_status(w, 200);
	asg(w, "DescribeScheduledActions&AutoScalingGroupName=shop-blue");
	x = result(w, "DescribeScheduledActionsResult/ScheduledUpdateGroupActions/member");
	assert_xml(x, "Recurrence", "0 8 * * *");
	assert_xml(x, "DesiredCapacity", "5");
	asg(w, "PutNotificationConfiguration&AutoScalingGroupName=shop-blue&TopicARN=arn:t"
	       "&NotificationTypes.member.1=autoscaling:EC2_INSTANCE_LAUNCH"
	       "&NotificationTypes.member.2=autoscaling:EC2_INSTANCE_TERMINATE");
	assert_status(w, 200);
	asg(w, "PutNotificationConfiguration&AutoScalingGroupName=shop-blue&TopicARN=arn:t"
	       "&NotificationTypes.member.1=autoscaling:EC2_INSTANCE_LAUNCH_ERROR");
	asg(w, "DescribeNotificationConfigurations&AutoScalingGroupNames.member.1=shop-blue");
	x = xml_first(result(w, "DescribeNotificationConfigurationsResult/"
				"NotificationConfigurations"),
		      "member");
	assert_xml(x, "NotificationType", "autoscaling:EC2_INSTANCE_LAUNCH_ERROR");
	assert_null(xml_next(x, "member")); /* the types of a topic are replaced */
	asg(w, "EnableMetricsCollection&AutoScalingGroupName=shop-blue&Granularity=1Minute"
	       "&Metrics.member.1=GroupMinSize");
	assert_xml(described(w, "shop-blue"), "EnabledMetrics/member/Metric", "GroupMinSize");
	ctl(w, "autoscaling hook shop-blue install heartbeat=120 default=CONTINUE");
	asg(w, "DescribeLifecycleHooks&AutoScalingGroupName=shop-blue");
	x = result(w, "DescribeLifecycleHooksResult/LifecycleHooks/member");
	assert_xml(x, "HeartbeatTimeout", "120");
	assert_xml(x, "DefaultResult", "CONTINUE");
	assert_xml(x, "GlobalTimeout", "172800");
	asg(w, "DescribeWarmPool&AutoScalingGroupName=shop-blue");
	assert_null(xml_at(result(w, "DescribeWarmPoolResult"), "WarmPoolConfiguration"));
	asg(w, "DescribeInstanceRefreshes&AutoScalingGroupName=shop-blue");
	assert_null(xml_first(result(w, "DescribeInstanceRefreshesResult/InstanceRefreshes"),
			      "member"));
	ctl(w, "autoscaling group shop-blue refreshing=true");
	asg(w, "DescribeInstanceRefreshes&AutoScalingGroupName=shop-blue");
	assert_xml(result(w, "DescribeInstanceRefreshesResult/InstanceRefreshes/member"), "Status",
		   "InProgress");
	world_free(w);
}

static void test_control_makes_the_same_parts(void **state)
{
	struct shop s = asg_shop_new();
	struct world *w = s.w;
	const struct xml *x;
	(void)state;
	ctl(w, "autoscaling policy shop-blue requests target=100 metric=ALBRequestCountPerTarget "
	       "label=app/shop/1/targetgroup/tg-blue/2");
	ctl(w, "autoscaling policy shop-blue out adjustment=2");
	asg(w, "DescribePolicies&AutoScalingGroupName=shop-blue");
	x = xml_first(result(w, "DescribePoliciesResult/ScalingPolicies"), "member");
	assert_xml(x, "TargetTrackingConfiguration/PredefinedMetricSpecification/ResourceLabel",
		   "app/shop/1/targetgroup/tg-blue/2");
	assert_xml(xml_next(x, "member"), "ScalingAdjustment", "2");
	ctl(w, "autoscaling schedule shop-blue night recurrence=\"0 22 * * *\" min=0 desired=1");
	asg(w, "DescribeScheduledActions&AutoScalingGroupName=shop-blue");
	x = result(w, "DescribeScheduledActionsResult/ScheduledUpdateGroupActions/member");
	assert_xml(x, "MinSize", "0");
	ctl(w, "autoscaling notify shop-blue topic=arn:t type=autoscaling:TEST_NOTIFICATION");
	asg(w, "DescribeNotificationConfigurations");
	assert_xml(result(w, "DescribeNotificationConfigurationsResult/NotificationConfigurations/"
			     "member"),
		   "TopicARN", "arn:t");
	ctl(w, "autoscaling attach shop-blue tg-green");
	assert_int_equal(targets_in(w, "tg-green", "initial"), 3);
	ctl(w, "autoscaling detach shop-blue tg-green");
	assert_int_equal(targets_in(w, "tg-green", "draining"), 3);
	assert_int_equal(ctl(w, "autoscaling show")->n, 1);
	ctl(w, "autoscaling delete shop-blue");
	assert_xml(described(w, "shop-blue"), "Status", "Delete in progress");
	world_free(w);
}

static void test_parts_are_refused(void **state)
{
	static const char *const cases[] = {
		"PutScalingPolicy&AutoScalingGroupName=shop-blue",
		"PutScalingPolicy&AutoScalingGroupName=shop-blue&PolicyName=a",
		"PutScalingPolicy&AutoScalingGroupName=shop-blue&PolicyName=a&PolicyType="
		"TargetTrackingScaling",
		"PutScalingPolicy&AutoScalingGroupName=shop-blue&PolicyName=a&PolicyARN=b",
		"PutScheduledUpdateGroupAction&AutoScalingGroupName=shop-blue",
		"PutScheduledUpdateGroupAction&AutoScalingGroupName=shop-blue"
		"&ScheduledActionName=a",
		"PutScheduledUpdateGroupAction&AutoScalingGroupName=shop-blue"
		"&ScheduledActionName=a&StartTime=2020-01-01T00:00:00Z",
		"PutLifecycleHook&AutoScalingGroupName=shop-blue&LifecycleHookName=a",
		"PutLifecycleHook&AutoScalingGroupName=shop-blue&LifecycleHookName=a"
		"&LifecycleTransition=autoscaling:EC2_INSTANCE_LAUNCHING&HeartbeatTimeout=5",
		"CompleteLifecycleAction&AutoScalingGroupName=shop-blue&LifecycleHookName=a"
		"&LifecycleActionResult=MAYBE",
		"PutNotificationConfiguration&AutoScalingGroupName=shop-blue",
		"EnableMetricsCollection&AutoScalingGroupName=shop-blue",
		"EnableMetricsCollection&AutoScalingGroupName=shop-blue&Granularity=1Minute"
		"&Metrics.member.1=None",
		"DescribePolicies&AutoScalingGroupName=nobody",
		"DescribeLifecycleHooks&AutoScalingGroupName=nobody",
		"DescribeScalingActivities&AutoScalingGroupName=nobody",
		"DescribeAutoScalingGroups&MaxRecords=101",
		"DescribeAutoScalingGroups&Filters.member.1.Name=colour",
		"AttachLoadBalancerTargetGroups&AutoScalingGroupName=shop-blue",
		"CreateOrUpdateTags",
		"CreateOrUpdateTags&Tags.member.1.Key=a",
		"CreateOrUpdateTags&Tags.member.1.Key=a&Tags.member.1.ResourceId=nobody"
		"&Tags.member.1.ResourceType=auto-scaling-group",
	};
	struct shop s = asg_shop_new();
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		asg(s.w, cases[i]);
		assert_error(s.w, 400, "ValidationError");
	}
	asg(s.w, "DescribeAutoScalingGroups&NextToken=x");
	assert_error(s.w, 400, "InvalidNextToken");
	asg(s.w, "Dance");
	assert_error(s.w, 400, "InvalidAction");
	world_free(s.w);
}

static void test_tags_are_set_and_deleted(void **state)
{
	struct shop s = asg_shop_new();
	struct world *w = s.w;
	(void)state;
	asg(w, "CreateOrUpdateTags&Tags.member.1.Key=rollout&Tags.member.1.Value=r1"
	       "&Tags.member.1.ResourceId=shop-blue&Tags.member.1.ResourceType="
	       "auto-scaling-group&Tags.member.1.PropagateAtLaunch=false");
	assert_status(w, 200);
	assert_xml(described(w, "shop-blue"), "Tags/member/Value", "r1");
	assert_xml(described(w, "shop-blue"), "Tags/member/PropagateAtLaunch", "false");
	asg(w, "DescribeTags&Filters.member.1.Name=key&Filters.member.1.Values.member.1=rollout");
	assert_xml(result(w, "DescribeTagsResult/Tags/member"), "ResourceId", "shop-blue");
	asg(w, "DescribeTags&Filters.member.1.Name=value&Filters.member.1.Values.member.1=r2");
	assert_null(xml_first(result(w, "DescribeTagsResult/Tags"), "member"));
	asg(w, "DeleteTags&Tags.member.1.Key=rollout&Tags.member.1.ResourceId=shop-blue"
	       "&Tags.member.1.ResourceType=auto-scaling-group");
	assert_null(xml_first(xml_at(described(w, "shop-blue"), "Tags"), "member"));
	world_free(w);
}

static void test_control_refuses_nonsense(void **state)
{
	struct shop s = asg_shop_new();
	struct world *w = s.w;
	(void)state;
	ctl_refused(w, "autoscaling group", "name");
	ctl_refused(w, "autoscaling group x template=none", "none");
	ctl_refused(w, "autoscaling group x template=shop-lt version=7", "7");
	ctl_refused(w, "autoscaling group shop-blue size=-1", "size");
	ctl_refused(w, "autoscaling group shop-blue min=5 max=4", "max");
	ctl_refused(w, "autoscaling group shop-blue health=x", "health");
	ctl_refused(w, "autoscaling group shop-blue launch_ms=soon", "launch_ms");
	ctl_refused(w, "autoscaling group shop-blue targets=none", "none");
	ctl_refused(w, "autoscaling group shop-blue suspend=None", "None");
	ctl_refused(w, "autoscaling group shop-blue protect=x", "protect");
	ctl_refused(w, "autoscaling policy shop-blue a", "target");
	ctl_refused(w, "autoscaling schedule shop-blue", "name");
	ctl_refused(w, "autoscaling hook shop-blue a on=x", "on");
	ctl_refused(w, "autoscaling notify shop-blue", "topic");
	ctl_refused(w, "autoscaling answer", "hook");
	ctl_refused(w, "autoscaling answer a after=x", "after");
	ctl_refused(w, "autoscaling alarm shop-blue desired=x", "desired");
	ctl_refused(w, "autoscaling detach shop-blue tg-green", "tg-green");
	ctl_refused(w, "autoscaling tag shop-blue key=a value=b propagate=x", "propagate");
	ctl_refused(w, "autoscaling dance shop-blue", "dance");
	ctl_refused(w, "autoscaling show nobody", "nobody");
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_group_is_made_like_another),
		cmocka_unit_test(test_creation_is_refused),
		cmocka_unit_test(test_groups_are_changed),
		cmocka_unit_test(test_mixed_instances),
		cmocka_unit_test(test_policies_schedules_and_the_rest_are_told_again),
		cmocka_unit_test(test_control_makes_the_same_parts),
		cmocka_unit_test(test_parts_are_refused),
		cmocka_unit_test(test_tags_are_set_and_deleted),
		cmocka_unit_test(test_control_refuses_nonsense),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
