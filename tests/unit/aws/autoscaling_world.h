#ifndef TESTS_UNIT_AWS_AUTOSCALING_WORLD_H
#define TESTS_UNIT_AWS_AUTOSCALING_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "aws/autoscaling.h"
#include "tests/unit/aws/api_model.h"

/* What the tests of Auto Scaling share: answers, and requests checked against the model. */

static inline int set_up(void **state)
{
	*state = fake_new();
	return 0;
}

static inline int tear_down(void **state)
{
	fake_free(*state);
	return 0;
}

static inline const char *answer(struct fake *f, const char *operation, const char *result)
{
	return arena_printf(
		f->arena,
		"<%sResponse xmlns=\"http://autoscaling.amazonaws.com/doc/2011-01-01/\">"
		"<%sResult>%s</%sResult><ResponseMetadata><RequestId>r1</RequestId>"
		"</ResponseMetadata></%sResponse>",
		operation, operation, result, operation, operation);
}

static inline void say(struct fake *f, const char *operation, const char *result)
{
	fake_answer(f, 200, NULL, answer(f, operation, result));
}

static inline void expect_form(struct fake *f, size_t i, const char *operation, const char *rest)
{
	assert_string_equal(
		fake_sent(f, i)->body.p,
		arena_printf(f->arena, "Action=%s&Version=2011-01-01&%s", operation, rest));
	api_check(f, i, "autoscaling", operation);
}

static inline void expect_part(struct fake *f, size_t i, const char *part)
{
	if (!strstr(fake_sent(f, i)->body.p, part))
		fail_msg("%s is not in %s", part, fake_sent(f, i)->body.p);
}

#define SIZES "<MinSize>1</MinSize><MaxSize>6</MaxSize><DesiredCapacity>3</DesiredCapacity>"
#define NAME(x) "<AutoScalingGroupName>" x "</AutoScalingGroupName>"
#define TEMPLATE(version)                                                \
	"<LaunchTemplate><LaunchTemplateId>lt-1</LaunchTemplateId>"      \
	"<LaunchTemplateName>shop</LaunchTemplateName><Version>" version \
	"</Version></LaunchTemplate>"
#define GROUPS(x) "<AutoScalingGroups>" x "</AutoScalingGroups>"
#define PLAIN(x) "<member>" NAME(x) SIZES TEMPLATE("7") "</member>"

/* Everything a description can say. */
static const char whole[] = "<member>" NAME("blue") SIZES TEMPLATE(
	"7") "<AutoScalingGroupARN>arn:blue</AutoScalingGroupARN><DefaultCooldown>300</"
	     "DefaultCooldown>"
	     "<AvailabilityZones><member>eu-central-1a</member></AvailabilityZones>"
	     "<TargetGroupARNs><member>tg-blue</member></TargetGroupARNs>"
	     "<TrafficSources><member><Identifier>tg-blue</Identifier><Type>elbv2</Type></member>"
	     "<member><Identifier>tg-2</Identifier><Type>elbv2</Type></member></TrafficSources>"
	     "<HealthCheckType>ELB</HealthCheckType><HealthCheckGracePeriod>60</"
	     "HealthCheckGracePeriod>"
	     "<Instances><member><InstanceId>i-1</InstanceId><AvailabilityZone>eu-central-1a"
	     "</AvailabilityZone><LifecycleState>InService</LifecycleState><HealthStatus>Healthy"
	     "</HealthStatus>" TEMPLATE(
		     "7") "<ProtectedFromScaleIn>true</ProtectedFromScaleIn>"
			  "<WeightedCapacity>2</WeightedCapacity></member><member><InstanceId>i-2</"
			  "InstanceId>"
			  "<LifecycleState>InService</LifecycleState><HealthStatus>Unhealthy</"
			  "HealthStatus></member>"
			  "<member><InstanceId>i-3</InstanceId><LifecycleState>Pending:Wait</"
			  "LifecycleState>"
			  "<HealthStatus>Healthy</HealthStatus></member></Instances>"
			  "<CreatedTime>2026-01-01T00:00:00Z</"
			  "CreatedTime><SuspendedProcesses><member/><member><ProcessName>"
			  "AZRebalance</ProcessName><SuspensionReason>User</SuspensionReason></"
			  "member>"
			  "</SuspendedProcesses><PlacementGroup></PlacementGroup>"
			  "<VPCZoneIdentifier>subnet-1,subnet-2</VPCZoneIdentifier>"
			  "<EnabledMetrics><member><Metric>GroupDesiredCapacity</"
			  "Metric><Granularity>1Minute"
			  "</Granularity></member><member><Metric>GroupInServiceInstances</"
			  "Metric><Granularity>1Minute"
			  "</Granularity></member></EnabledMetrics><Tags><member><ResourceId>blue</"
			  "ResourceId>"
			  "<Key>team</Key><Value>shop &amp; "
			  "co</Value><PropagateAtLaunch>true</PropagateAtLaunch>"
			  "</member><member><Key>aws:cloudformation:stack-name</Key><Value>s</"
			  "Value></member><member>"
			  "<Key>mark</Key><Value>old</Value></member><member><Value>none</Value></"
			  "member></Tags>"
			  "<TerminationPolicies><member>OldestInstance</member><member>Default</"
			  "member>"
			  "</TerminationPolicies><NewInstancesProtectedFromScaleIn>true"
			  "</NewInstancesProtectedFromScaleIn><ServiceLinkedRoleARN>arn:role</"
			  "ServiceLinkedRoleARN>"
			  "<DesiredCapacityType>units</DesiredCapacityType><DeletionProtection>"
			  "prevent-force-deletion</"
			  "DeletionProtection><Operator><Principal>x.amazonaws.com</Principal>"
			  "</Operator><WarmPoolConfiguration><MinSize>1</MinSize></"
			  "WarmPoolConfiguration>"
			  "<InstanceMaintenancePolicy><MinHealthyPercentage>90</"
			  "MinHealthyPercentage>"
			  "</InstanceMaintenancePolicy></member>";

static inline struct asg_group *read_one(struct fake *f, const char *xml, const char *name)
{
	struct asg_group *g;
	struct err err = ERR_INIT;

	fake_again(f);
	say(f, "DescribeAutoScalingGroups",
	    arena_printf(f->arena, "<AutoScalingGroups>%s</AutoScalingGroups>", xml));
	if (asg_describe_groups(&f->client, &name, 1, f->arena, &g, &err))
		fail_msg("%s", err.text);
	fake_again(f);
	return g;
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
