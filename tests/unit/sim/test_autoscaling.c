#include "tests/unit/sim/asg_shop.h"

/* The simulated Auto Scaling over time: launches, target groups, health, scale-in, hooks, ends. */

static void test_a_group_is_described(void **state)
{
	struct shop s = asg_shop_new();
	const struct xml *g = described(s.w, "shop-blue");
	(void)state;
	assert_xml(g, "AutoScalingGroupName", "shop-blue");
	assert_xml(g, "LaunchTemplate/LaunchTemplateName", "shop-lt");
	assert_xml(g, "LaunchTemplate/Version", "1");
	assert_xml(g, "MinSize", "2");
	assert_xml(g, "MaxSize", "6");
	assert_xml(g, "DesiredCapacity", "3");
	assert_xml(g, "HealthCheckType", "EC2");
	assert_xml(g, "TargetGroupARNs/member", s.blue);
	assert_xml(g, "TrafficSources/member/Identifier", s.blue);
	assert_xml(g, "TrafficSources/member/Type", "elbv2");
	assert_xml(g, "Instances/member/LifecycleState", "InService");
	assert_xml(g, "Instances/member/HealthStatus", "Healthy");
	assert_xml(g, "Instances/member/LaunchTemplate/Version", "1");
	assert_xml(g, "Instances/member/ProtectedFromScaleIn", "false");
	assert_null(xml_at(g, "Status"));
	asg(s.w, "DescribeAutoScalingGroups&AutoScalingGroupNames.member.1=nobody");
	assert_null(xml_first(result(s.w, "DescribeAutoScalingGroupsResult/AutoScalingGroups"),
			      "member"));
	ctl(s.w, "autoscaling tag shop-blue key=rollout value=r1");
	ctl(s.w, "autoscaling group shop-other template=shop-lt size=0");
	asg(s.w, "DescribeAutoScalingGroups&Filters.member.1.Name=tag:rollout&Filters.member.1."
		 "Values.member.1=r1");
	g = result(s.w, "DescribeAutoScalingGroupsResult/AutoScalingGroups");
	assert_xml(xml_first(g, "member"), "Tags/member/Value", "r1");
	assert_null(xml_next(xml_first(g, "member"), "member"));
	asg(s.w, "DescribeAutoScalingGroups&MaxRecords=1");
	assert_xml(result(s.w, "DescribeAutoScalingGroupsResult"), "NextToken", "1");
	asg(s.w, "DescribeAutoScalingGroups&MaxRecords=1&NextToken=1");
	g = result(s.w, "DescribeAutoScalingGroupsResult");
	assert_xml(g, "AutoScalingGroups/member/AutoScalingGroupName", "shop-other");
	assert_null(xml_at(g, "NextToken"));
	world_free(s.w);
}

static void test_instances_come_into_service_over_time(void **state)
{
	struct shop s = asg_shop_new();
	struct world *w = s.w;
	(void)state;
	sim_advance(w->sim, 60000);
	assert_int_equal(targets_in(w, "tg-blue", "healthy"), 3);
	asg(w, "SetDesiredCapacity&AutoScalingGroupName=shop-blue&DesiredCapacity=5");
	assert_status(w, 200);
	assert_int_equal(in_state(w, "shop-blue", ""), 3); /* not at once */
	sim_advance(w->sim, 2000);
	assert_int_equal(in_state(w, "shop-blue", "Pending"), 2);
	assert_int_equal(targets_in(w, "tg-blue", "initial"), 0);
	sim_advance(w->sim, 30000);
	assert_int_equal(shown(w, "shop-blue", "inService"), 5);
	assert_int_equal(targets_in(w, "tg-blue", "initial"), 2);
	sim_advance(w->sim, 30000);
	assert_int_equal(targets_in(w, "tg-blue", "healthy"), 5);
	asg(w, "DescribeScalingActivities&AutoScalingGroupName=shop-blue");
	assert_xml(result(w, "DescribeScalingActivitiesResult/Activities/member"), "StatusCode",
		   "Successful");
	world_free(w);
}

static void test_scale_in_drains_first(void **state)
{
	struct shop s = asg_shop_new();
	struct world *w = s.w;
	const char *gone;
	(void)state;
	sim_advance(w->sim, 60000);
	ctl(w, "ec2 template shop-lt image=ami-2");
	asg(w, "UpdateAutoScalingGroup&AutoScalingGroupName=shop-blue&LaunchTemplate."
	       "LaunchTemplateName=shop-lt&LaunchTemplate.Version=2&DesiredCapacity=4");
	assert_status(w, 200);
	sim_advance(w->sim, 60000);
	gone = instance_at(w, "shop-blue", 0);
	asg(w, "SetDesiredCapacity&AutoScalingGroupName=shop-blue&DesiredCapacity=3");
	sim_advance(w->sim, 1000);
	assert_int_equal(in_state(w, "shop-blue", "Terminating"), 1);
	assert_int_equal(targets_in(w, "tg-blue", "draining"), 1);
	asg(w, "DescribeScalingActivities&AutoScalingGroupName=shop-blue&MaxRecords=1");
	assert_xml(result(w, "DescribeScalingActivitiesResult/Activities/member"), "StatusCode",
		   "InProgress");
	sim_advance(w->sim, 20000);
	assert_string_equal(
		json_cstr(json_get(ctl(w, arena_printf(w->arena, "ec2 show %s", gone)), "state")),
		"running");
	sim_advance(w->sim, 30000);
	assert_int_equal(in_state(w, "shop-blue", ""), 3);
	/* the oldest version of the template went */
	assert_string_equal(
		json_cstr(json_get(ctl(w, arena_printf(w->arena, "ec2 show %s", gone)), "state")),
		"terminated");
	world_free(w);
}

static void test_launch_failures_are_told_and_tried_again(void **state)
{
	struct shop s = asg_shop_new();
	struct world *w = s.w;
	const struct xml *a;
	(void)state;
	ctl(w, "ec2 launches error=InsufficientInstanceCapacity n=2");
	asg(w, "SetDesiredCapacity&AutoScalingGroupName=shop-blue&DesiredCapacity=4");
	sim_advance(w->sim, 2000);
	asg(w, "DescribeScalingActivities&AutoScalingGroupName=shop-blue");
	a = result(w, "DescribeScalingActivitiesResult/Activities/member");
	assert_xml(a, "StatusCode", "Failed");
	assert_non_null(strstr(xml_cstr(a, "StatusMessage"), "sufficient t3.small capacity"));
	assert_int_equal(in_state(w, "shop-blue", ""), 3);
	sim_advance(w->sim, 60000); /* fails once more */
	assert_int_equal(in_state(w, "shop-blue", ""), 3);
	sim_advance(w->sim, 60000);
	assert_int_equal(in_state(w, "shop-blue", ""), 4);
	/* an image that never starts */
	ctl(w, "ec2 image ami-9 state=Failed");
	ctl(w, "ec2 template shop-lt image=ami-9");
	asg(w, "UpdateAutoScalingGroup&AutoScalingGroupName=shop-blue&LaunchTemplate."
	       "LaunchTemplateName=shop-lt&LaunchTemplate.Version=$Latest&DesiredCapacity=5");
	sim_advance(w->sim, 33000);
	assert_int_equal(in_state(w, "shop-blue", "Terminating:Proceed"), 1);
	asg(w, "DescribeScalingActivities&AutoScalingGroupName=shop-blue");
	a = result(w, "DescribeScalingActivitiesResult/Activities/member");
	assert_xml(a, "StatusCode", "Failed");
	assert_non_null(strstr(xml_cstr(a, "StatusMessage"), "Client.InternalError"));
	/* an image that does not exist, and one whose launches fail */
	ctl(w, "ec2 image ami-9 missing=true");
	sim_advance(w->sim, 70000);
	asg(w, "DescribeScalingActivities&AutoScalingGroupName=shop-blue");
	a = result(w, "DescribeScalingActivitiesResult/Activities/member");
	assert_non_null(strstr(xml_cstr(a, "StatusMessage"), "[ami-9]' does not exist"));
	ctl(w, "ec2 image ami-9 launch_error=VcpuLimitExceeded");
	sim_advance(w->sim, 70000);
	asg(w, "DescribeScalingActivities&AutoScalingGroupName=shop-blue");
	a = result(w, "DescribeScalingActivitiesResult/Activities/member");
	assert_non_null(strstr(xml_cstr(a, "StatusMessage"), "VcpuLimitExceeded"));
	world_free(w);
}

static void test_unhealthy_instances_are_replaced(void **state)
{
	struct shop s = asg_shop_new();
	struct world *w = s.w;
	const char *first;
	(void)state;
	ctl(w, "autoscaling group shop-blue health=ELB grace=60");
	sim_advance(w->sim, 120000);
	assert_int_equal(shown(w, "shop-blue", "inService"), 3);
	first = instance_at(w, "shop-blue", 0);
	ctl(w, arena_printf(w->arena, "ec2 instance %s health=unhealthy", first));
	sim_advance(w->sim, 2000);
	assert_int_equal(in_state(w, "shop-blue", "Terminating"), 1);
	sim_advance(w->sim, 1000);
	assert_int_equal(in_state(w, "shop-blue", "Pending"), 1);
	sim_advance(w->sim, 60000);
	assert_int_equal(shown(w, "shop-blue", "inService"), 3);
	assert_string_not_equal(instance_at(w, "shop-blue", 0), first);
	/* suspended, it only says so */
	ctl(w, "autoscaling group shop-blue suspend=ReplaceUnhealthy");
	first = instance_at(w, "shop-blue", 0);
	ctl(w, arena_printf(w->arena, "ec2 terminate %s", first));
	sim_advance(w->sim, 5000);
	assert_int_equal(in_state(w, "shop-blue", "InService"), 3);
	assert_int_equal(shown(w, "shop-blue", "inService"), 2);
	assert_xml(described(w, "shop-blue"), "Instances/member/HealthStatus", "Unhealthy");
	ctl(w, "autoscaling group shop-blue resume=ReplaceUnhealthy");
	sim_advance(w->sim, 90000);
	assert_int_equal(shown(w, "shop-blue", "inService"), 3);
	world_free(w);
}

static void test_a_target_group_nobody_refers_to_kills_with_elb_checks(void **state)
{
	struct shop s = asg_shop_new();
	struct world *w = s.w;
	const char *first;
	(void)state;
	ctl(w, "elbv2 target-group tg-lost deregistration_s=0");
	ctl(w, "autoscaling group lost template=shop-lt size=1 targets=tg-lost health=EC2");
	first = instance_at(w, "lost", 0);
	sim_advance(w->sim, 300000);
	assert_string_equal(instance_at(w, "lost", 0), first); /* EC2 checks do not mind */
	ctl(w, "autoscaling group lost health=ELB grace=60");
	sim_advance(w->sim, 120000);
	assert_string_not_equal(instance_at(w, "lost", 0), first);
	world_free(w);
}

static void test_processes_are_suspended_and_resumed(void **state)
{
	struct shop s = asg_shop_new();
	struct world *w = s.w;
	(void)state;
	asg(w, "SuspendProcesses&AutoScalingGroupName=shop-blue&ScalingProcesses.member.1=Launch"
	       "&ScalingProcesses.member.2=AlarmNotification");
	assert_status(w, 200);
	assert_xml(described(w, "shop-blue"), "SuspendedProcesses/member/ProcessName", "Launch");
	ctl(w, "autoscaling alarm shop-blue desired=6"); /* not let */
	assert_int_equal(shown(w, "shop-blue", "desired"), 3);
	asg(w, "SetDesiredCapacity&AutoScalingGroupName=shop-blue&DesiredCapacity=4");
	sim_advance(w->sim, 60000);
	assert_int_equal(in_state(w, "shop-blue", ""), 3);
	asg(w, "ResumeProcesses&AutoScalingGroupName=shop-blue&ScalingProcesses.member.1=Launch");
	sim_advance(w->sim, 60000);
	assert_int_equal(in_state(w, "shop-blue", ""), 4);
	asg(w, "ResumeProcesses&AutoScalingGroupName=shop-blue"); /* none given: all */
	assert_null(xml_first(xml_at(described(w, "shop-blue"), "SuspendedProcesses"), "member"));
	ctl(w, "autoscaling alarm shop-blue desired=60");
	assert_int_equal(shown(w, "shop-blue", "desired"), 6); /* within the bounds */
	/* what is launched without registration is not registered on resume */
	asg(w, "SuspendProcesses&AutoScalingGroupName=shop-blue&ScalingProcesses.member.1="
	       "AddToLoadBalancer");
	sim_advance(w->sim, 60000);
	assert_int_equal(in_state(w, "shop-blue", "InService"), 6);
	asg(w, "ResumeProcesses&AutoScalingGroupName=shop-blue");
	sim_advance(w->sim, 60000);
	assert_int_equal(targets_in(w, "tg-blue", "healthy"), 4);
	asg(w, "SuspendProcesses&AutoScalingGroupName=shop-blue&ScalingProcesses.member.1=Dance");
	assert_error(w, 400, "ValidationError");
	world_free(w);
}

static void test_hooks_hold_instances(void **state)
{
	struct shop s = asg_shop_new();
	struct world *w = s.w;
	(void)state;
	asg(w, "PutLifecycleHook&AutoScalingGroupName=shop-blue&LifecycleHookName=install"
	       "&LifecycleTransition=autoscaling:EC2_INSTANCE_LAUNCHING&HeartbeatTimeout=300");
	assert_status(w, 200);
	ctl(w, "autoscaling answer install after=20s");
	asg(w, "SetDesiredCapacity&AutoScalingGroupName=shop-blue&DesiredCapacity=4");
	sim_advance(w->sim, 32000);
	assert_int_equal(in_state(w, "shop-blue", "Pending:Wait"), 1);
	sim_advance(w->sim, 20000);
	assert_int_equal(in_state(w, "shop-blue", "InService"), 4);
	/* stuck: the heartbeat ends it, and by default it is abandoned and tried again */
	ctl(w, "autoscaling answer install stuck=true");
	asg(w, "SetDesiredCapacity&AutoScalingGroupName=shop-blue&DesiredCapacity=5");
	sim_advance(w->sim, 300000);
	assert_int_equal(in_state(w, "shop-blue", "Pending:Wait"), 1);
	sim_advance(w->sim, 35000);
	asg(w, "DescribeScalingActivities&AutoScalingGroupName=shop-blue");
	assert_xml(result(w, "DescribeScalingActivitiesResult/Activities/member"), "StatusCode",
		   "Cancelled");
	/* somebody answers */
	sim_advance(w->sim, 110000);
	assert_int_equal(in_state(w, "shop-blue", "Pending:Wait"), 1);
	asg(w,
	    arena_printf(w->arena,
			 "CompleteLifecycleAction&AutoScalingGroupName=shop-blue"
			 "&LifecycleHookName=install&LifecycleActionResult=CONTINUE&InstanceId=%s",
			 instance_at(w, "shop-blue", 4)));
	assert_status(w, 200);
	sim_advance(w->sim, 1000);
	assert_int_equal(in_state(w, "shop-blue", "InService"), 5);
	asg(w, "CompleteLifecycleAction&AutoScalingGroupName=shop-blue&LifecycleHookName=install"
	       "&LifecycleActionResult=CONTINUE&InstanceId=i-none");
	assert_error(w, 400, "ValidationError");
	/* at the end of life as well */
	ctl(w, "autoscaling hook shop-blue goodbye on=terminating");
	asg(w, "SetDesiredCapacity&AutoScalingGroupName=shop-blue&DesiredCapacity=4");
	sim_advance(w->sim, 35000);
	assert_int_equal(in_state(w, "shop-blue", "Terminating:Wait"), 1);
	sim_advance(w->sim, 30000);
	assert_int_equal(in_state(w, "shop-blue", ""), 4);
	world_free(w);
}

static void test_target_groups_are_attached_and_detached(void **state)
{
	struct shop s = asg_shop_new();
	struct world *w = s.w;
	(void)state;
	asg(w, arena_printf(w->arena,
			    "AttachLoadBalancerTargetGroups&AutoScalingGroupName=shop-blue"
			    "&TargetGroupARNs.member.1=%s",
			    s.green));
	assert_status(w, 200);
	assert_int_equal(targets_in(w, "tg-green", "initial"), 3);
	asg(w, "DescribeTrafficSources&AutoScalingGroupName=shop-blue");
	assert_xml(result(w, "DescribeTrafficSourcesResult/TrafficSources/member"), "State",
		   "Adding");
	sim_advance(w->sim, 60000);
	asg(w, "DescribeTrafficSources&AutoScalingGroupName=shop-blue");
	assert_xml(result(w, "DescribeTrafficSourcesResult/TrafficSources/member"), "State",
		   "Added");
	ctl(w, "autoscaling group shop-blue health=ELB");
	asg(w, "DescribeLoadBalancerTargetGroups&AutoScalingGroupName=shop-blue");
	assert_xml(
		result(w, "DescribeLoadBalancerTargetGroupsResult/LoadBalancerTargetGroups/member"),
		"State", "InService");
	asg(w, arena_printf(w->arena,
			    "DetachTrafficSources&AutoScalingGroupName=shop-blue"
			    "&TrafficSources.member.1.Identifier=%s",
			    s.green));
	assert_status(w, 200);
	assert_int_equal(targets_in(w, "tg-green", "draining"), 3);
	assert_null(
		xml_next(xml_first(xml_at(described(w, "shop-blue"), "TrafficSources"), "member"),
			 "member"));
	sim_advance(w->sim, 40000);
	asg(w, "DescribeLoadBalancerTargetGroups&AutoScalingGroupName=shop-blue");
	assert_null(xml_next(xml_first(result(w, "DescribeLoadBalancerTargetGroupsResult/"
						 "LoadBalancerTargetGroups"),
				       "member"),
			     "member"));
	asg(w, arena_printf(w->arena,
			    "DetachLoadBalancerTargetGroups&AutoScalingGroupName=shop-blue"
			    "&TargetGroupARNs.member.1=%s",
			    s.green));
	assert_error(w, 400, "ValidationError");
	asg(w, "AttachTrafficSources&AutoScalingGroupName=shop-blue"
	       "&TrafficSources.member.1.Identifier=arn:none");
	assert_error(w, 400, "ValidationError");
	world_free(w);
}

static void test_groups_are_deleted(void **state)
{
	struct shop s = asg_shop_new();
	struct world *w = s.w;
	(void)state;
	asg(w, "DeleteAutoScalingGroup&AutoScalingGroupName=shop-blue");
	assert_error(w, 400, "ResourceInUse");
	asg(w, "UpdateAutoScalingGroup&AutoScalingGroupName=shop-blue&MinSize=0&DesiredCapacity=0");
	sim_advance(w->sim, 2000);
	asg(w, "DeleteAutoScalingGroup&AutoScalingGroupName=shop-blue");
	assert_error(w, 400, "ScalingActivityInProgress");
	sim_advance(w->sim, 60000);
	assert_int_equal(in_state(w, "shop-blue", ""), 0);
	asg(w, "DeleteAutoScalingGroup&AutoScalingGroupName=shop-blue");
	assert_status(w, 200);
	assert_xml(described(w, "shop-blue"), "Status", "Delete in progress");
	sim_advance(w->sim, 2000);
	ctl_refused(w, "autoscaling show shop-blue", "shop-blue");
	/* by force: with its instances */
	ctl(w, "autoscaling group shop-green template=shop-lt size=2 targets=tg-green");
	asg(w, "DeleteAutoScalingGroup&AutoScalingGroupName=shop-green&ForceDelete=true");
	assert_status(w, 200);
	asg(w, "SetDesiredCapacity&AutoScalingGroupName=shop-green&DesiredCapacity=1");
	assert_error(w, 400, "ValidationError");
	sim_advance(w->sim, 15000);
	ctl_refused(w, "autoscaling show shop-green", "shop-green");
	/* protection */
	ctl(w, "autoscaling group kept template=shop-lt size=0 "
	       "delete_protection=prevent-all-deletion");
	asg(w, "DeleteAutoScalingGroup&AutoScalingGroupName=kept");
	assert_error(w, 400, "ValidationError");
	ctl(w, "autoscaling group kept delete_protection=prevent-force-deletion");
	asg(w, "DeleteAutoScalingGroup&AutoScalingGroupName=kept&ForceDelete=true");
	assert_error(w, 400, "ValidationError");
	asg(w, "DeleteAutoScalingGroup&AutoScalingGroupName=kept");
	assert_status(w, 200);
	world_free(w);
}

static void test_code_decides_how_requests_end(void **state)
{
	struct shop s = asg_shop_new();
	struct world *w = s.w;
	double errors;
	(void)state;
	ctl(w, "elbv2 listener shop port=443 rps=100");
	sim_advance(w->sim, 60000);
	errors = number(ctl(w, "elbv2 show tg-blue"), "errors");
	sim_advance(w->sim, 60000);
	assert_near(number(ctl(w, "elbv2 show tg-blue"), "errors"), errors, 0);
	ctl(w, "ec2 image ami-1 errors=0.5"); /* of instances that run, too */
	sim_advance(w->sim, 60000);
	assert_near(number(ctl(w, "elbv2 show tg-blue"), "errors") - errors, 3000, 200);
	/* what user data says counts more than the image */
	ctl(w, "ec2 template good-lt image=ami-1 user_data=\"#!/bin/sh\\n# sim: errors=0\\n\"");
	ctl(w, "autoscaling group shop-green template=good-lt size=2 targets=tg-green");
	ctl(w, "elbv2 listener shop port=443 forward=tg-green:1");
	sim_advance(w->sim, 60000);
	errors = number(ctl(w, "elbv2 show tg-green"), "errors");
	sim_advance(w->sim, 60000);
	assert_near(number(ctl(w, "elbv2 show tg-green"), "errors"), errors, 0);
	world_free(w);
}

static void test_instances_are_ended_and_protected_one_by_one(void **state)
{
	struct shop s = asg_shop_new();
	struct world *w = s.w;
	const char *first = instance_at(w, "shop-blue", 0);
	(void)state;
	asg(w, arena_printf(w->arena,
			    "SetInstanceProtection&AutoScalingGroupName=shop-blue"
			    "&InstanceIds.member.1=%s&ProtectedFromScaleIn=true",
			    first));
	assert_status(w, 200);
	asg(w, "SetDesiredCapacity&AutoScalingGroupName=shop-blue&DesiredCapacity=2");
	sim_advance(w->sim, 60000);
	assert_string_equal(instance_at(w, "shop-blue", 0), first);
	asg(w, arena_printf(w->arena,
			    "TerminateInstanceInAutoScalingGroup&InstanceId=%s"
			    "&ShouldDecrementDesiredCapacity=true",
			    first));
	assert_error(w, 400, "ValidationError"); /* the group is at its minimum */
	asg(w, arena_printf(w->arena,
			    "TerminateInstanceInAutoScalingGroup&InstanceId=%s"
			    "&ShouldDecrementDesiredCapacity=false",
			    first));
	assert_xml(result(w, "TerminateInstanceInAutoScalingGroupResult/Activity"), "StatusCode",
		   "InProgress");
	asg(w,
	    arena_printf(w->arena, "DescribeAutoScalingInstances&InstanceIds.member.1=%s", first));
	assert_xml(result(w, "DescribeAutoScalingInstancesResult/AutoScalingInstances/member"),
		   "LifecycleState", "Terminating");
	sim_advance(w->sim, 90000);
	assert_int_equal(shown(w, "shop-blue", "inService"), 2);
	assert_string_not_equal(instance_at(w, "shop-blue", 0), first);
	asg(w, "TerminateInstanceInAutoScalingGroup&InstanceId=i-none"
	       "&ShouldDecrementDesiredCapacity=false");
	assert_error(w, 400, "ValidationError");
	asg(w, "SetInstanceProtection&AutoScalingGroupName=shop-blue&InstanceIds.member.1=i-none"
	       "&ProtectedFromScaleIn=true");
	assert_error(w, 400, "ValidationError");
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_group_is_described),
		cmocka_unit_test(test_instances_come_into_service_over_time),
		cmocka_unit_test(test_scale_in_drains_first),
		cmocka_unit_test(test_launch_failures_are_told_and_tried_again),
		cmocka_unit_test(test_unhealthy_instances_are_replaced),
		cmocka_unit_test(test_a_target_group_nobody_refers_to_kills_with_elb_checks),
		cmocka_unit_test(test_processes_are_suspended_and_resumed),
		cmocka_unit_test(test_hooks_hold_instances),
		cmocka_unit_test(test_target_groups_are_attached_and_detached),
		cmocka_unit_test(test_groups_are_deleted),
		cmocka_unit_test(test_code_decides_how_requests_end),
		cmocka_unit_test(test_instances_are_ended_and_protected_one_by_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
