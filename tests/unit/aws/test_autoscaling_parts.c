#include "tests/unit/aws/autoscaling_world.h"

/* --- what belongs to a group ----------------------------------------------------------------- */

static void test_policies(void **state)
{
	static const struct form_swap swaps[] = {
		{"targetgroup/blue/1", "targetgroup/green/2", true}, {"blue", "green", false}};
	static const struct form_swaps all = {swaps, 2};
	struct fake *f = *state;
	struct err err = ERR_INIT;
	struct asg_part *p;
	size_t n;

	say(f, "DescribePolicies",
	    "<ScalingPolicies><member><AutoScalingGroupName>blue</AutoScalingGroupName><PolicyName>"
	    "requests</PolicyName><PolicyARN>arn:p</PolicyARN><PolicyType>TargetTrackingScaling"
	    "</PolicyType><StepAdjustments/><Alarms><member><AlarmName>a</AlarmName></member></"
	    "Alarms>"
	    "<TargetTrackingConfiguration><PredefinedMetricSpecification><PredefinedMetricType>"
	    "ALBRequestCountPerTarget</PredefinedMetricType><ResourceLabel>"
	    "app/shop/9/targetgroup/blue/1</ResourceLabel></PredefinedMetricSpecification>"
	    "<CustomizedMetricSpecification><Dimensions><member><Name>AutoScalingGroupName</Name>"
	    "<Value>blue</Value></member></Dimensions></CustomizedMetricSpecification><TargetValue>"
	    "100.0</TargetValue></TargetTrackingConfiguration><Enabled>false</Enabled></member>"
	    "<member><PolicyName>simple</PolicyName></member></ScalingPolicies>");
	assert_int_equal(asg_describe_policies(&f->client, "blue", f->arena, &p, &n, &err), 0);
	expect_form(f, 0, "DescribePolicies", "AutoScalingGroupName=blue");
	assert_int_equal(n, 2);
	assert_string_equal(p[0].name, "requests");
	assert_string_equal(p[0].type, "TargetTrackingScaling");
	assert_true(p[0].has_alarms && !p[0].is_enabled);
	assert_string_equal(p[1].type, "SimpleScaling");
	assert_true(p[1].is_enabled && !p[1].has_alarms);

	fake_again(f);
	say(f, "PutScalingPolicy", "<PolicyARN>arn:q</PolicyARN>");
	assert_int_equal(asg_put_policy(&f->client, "green", &p[0], &all, f->arena, &err), 0);
	expect_form(f, 0, "PutScalingPolicy",
		    "AutoScalingGroupName=green&PolicyName=requests"
		    "&PolicyType=TargetTrackingScaling"
		    "&TargetTrackingConfiguration.PredefinedMetricSpecification"
		    ".PredefinedMetricType=ALBRequestCountPerTarget"
		    "&TargetTrackingConfiguration.PredefinedMetricSpecification.ResourceLabel="
		    "app%2Fshop%2F9%2Ftargetgroup%2Fgreen%2F2"
		    "&TargetTrackingConfiguration.CustomizedMetricSpecification.Dimensions.member.1"
		    ".Name=AutoScalingGroupName&TargetTrackingConfiguration"
		    ".CustomizedMetricSpecification.Dimensions.member.1.Value=green"
		    "&TargetTrackingConfiguration.TargetValue=100.0&Enabled=false");
	fake_again(f);
	say(f, "DescribePolicies", "<ScalingPolicies><member/></ScalingPolicies>");
	assert_int_equal(asg_describe_policies(&f->client, "blue", f->arena, &p, &n, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
}

static void test_schedules(void **state)
{
	struct fake *f = *state;
	struct err err = ERR_INIT;
	struct asg_part *p;
	size_t n;

	say(f, "DescribeScheduledActions",
	    "<ScheduledUpdateGroupActions><member><ScheduledActionName>day</ScheduledActionName>"
	    "<Time>2026-01-02T08:00:00Z</Time><StartTime>2026-01-02T08:00:00Z</"
	    "StartTime><Recurrence>"
	    "0 8 * * *</Recurrence><MinSize>2</MinSize><TimeZone>Europe/Berlin</TimeZone></member>"
	    "<member><ScheduledActionName>once</ScheduledActionName></member>"
	    "</ScheduledUpdateGroupActions>");
	assert_int_equal(asg_describe_schedules(&f->client, "blue", f->arena, &p, &n, &err), 0);
	expect_form(f, 0, "DescribeScheduledActions", "AutoScalingGroupName=blue");
	assert_int_equal(n, 2);
	assert_true(p[0].is_recurring && !p[1].is_recurring);
	assert_string_equal(p[0].start, "2026-01-02T08:00:00Z");
	assert_null(p[1].start);

	fake_again(f);
	fake_answer(f, 200, NULL, "<R/>");
	f->repeat_last = true;
	assert_int_equal(asg_put_schedule(&f->client, "green", &p[0], false, f->arena, &err), 0);
	expect_form(f, 0, "PutScheduledUpdateGroupAction",
		    "AutoScalingGroupName=green&ScheduledActionName=day"
		    "&Recurrence=0%208%20%2A%20%2A%20%2A&MinSize=2&TimeZone=Europe%2FBerlin");
	assert_int_equal(asg_put_schedule(&f->client, "green", &p[0], true, f->arena, &err), 0);
	expect_part(f, 1, "&StartTime=2026-01-02T08%3A00%3A00Z");
	f->repeat_last = false;
	fake_again(f);
	say(f, "DescribeScheduledActions",
	    "<ScheduledUpdateGroupActions><member/></ScheduledUpdateGroupActions>");
	assert_int_equal(asg_describe_schedules(&f->client, "blue", f->arena, &p, &n, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
}

static void test_notifications(void **state)
{
	struct fake *f = *state;
	struct err err = ERR_INIT;
	struct asg_part *p;
	size_t n;

#define NOTE(topic, type)                                                        \
	"<member><AutoScalingGroupName>b</AutoScalingGroupName><TopicARN>" topic \
	"</TopicARN><NotificationType>" type "</NotificationType></member>"
	say(f, "DescribeNotificationConfigurations",
	    "<NotificationConfigurations>" NOTE("t1", "launch") NOTE("t2", "launch")
		    NOTE("t1", "terminate") "</NotificationConfigurations>");
	assert_int_equal(asg_describe_notifications(&f->client, "b", f->arena, &p, &n, &err), 0);
	expect_form(f, 0, "DescribeNotificationConfigurations", "AutoScalingGroupNames.member.1=b");
	assert_int_equal(n, 3);
	fake_again(f);
	fake_answer(f, 200, NULL, "<R/>");
	fake_answer(f, 200, NULL, "<R/>");
	assert_int_equal(asg_put_notifications(&f->client, "g", p, n, f->arena, &err), 0);
	expect_form(f, 0, "PutNotificationConfiguration",
		    "AutoScalingGroupName=g&TopicARN=t1&NotificationTypes.member.1=launch"
		    "&NotificationTypes.member.2=terminate");
	expect_form(f, 1, "PutNotificationConfiguration",
		    "AutoScalingGroupName=g&TopicARN=t2&NotificationTypes.member.1=launch");
	assert_true(fake_done(f));

	fake_again(f);
	fake_fail(f, ERR_DENIED, false);
	assert_int_equal(asg_put_notifications(&f->client, "g", p, n, f->arena, &err), -1);
	fake_again(f);
	say(f, "DescribeNotificationConfigurations",
	    "<NotificationConfigurations><member/></NotificationConfigurations>");
	assert_int_equal(asg_describe_notifications(&f->client, "b", f->arena, &p, &n, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
}

static void test_metrics_and_hooks(void **state)
{
	struct fake *f = *state;
	struct asg_group *from = read_one(f, whole, "blue");
	const struct xml *hooks;
	struct err err = ERR_INIT;

	fake_answer(f, 200, NULL, "<R/>");
	assert_int_equal(asg_copy_metrics(&f->client, "g", from, f->arena, &err), 0);
	expect_form(f, 0, "EnableMetricsCollection",
		    "AutoScalingGroupName=g&Metrics.member.1=GroupDesiredCapacity"
		    "&Metrics.member.2=GroupInServiceInstances&Granularity=1Minute");
	from = read_one(f, PLAIN("b"), "b");
	assert_int_equal(asg_copy_metrics(&f->client, "g", from, f->arena, &err), 0);
	assert_int_equal(f->n_requests, 0); /* without a list it would enable all */

	fake_answer(f, 200, NULL, "<DescribeLifecycleHooksResponse/>");
	assert_int_equal(asg_describe_hooks(&f->client, "b", f->arena, &hooks, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	fake_fail(f, ERR_DENIED, false);
	assert_int_equal(asg_describe_hooks(&f->client, "b", f->arena, &hooks, &err), -1);
	assert_int_equal(asg_describe_policies(&f->client, "", f->arena, NULL, NULL, &err), -1);
	assert_int_equal(err.code, ERR_REJECTED);
}

static void test_activities(void **state)
{
	struct fake *f = *state;
	struct err err = ERR_INIT;
	const char *why;
	bool is;

	say(f, "DescribeScalingActivities",
	    "<Activities><member><StatusCode>Failed</StatusCode><StatusMessage>no capacity"
	    "</StatusMessage></member><member><StatusCode>Successful</StatusCode></member>"
	    "</Activities><NextToken>more</NextToken>");
	assert_int_equal(asg_last_failure(&f->client, "g", f->arena, &why, &err), 0);
	assert_string_equal(why, "no capacity");
	expect_form(f, 0, "DescribeScalingActivities", "AutoScalingGroupName=g");
	assert_true(fake_done(f)); /* the newest page is enough */
	say(f, "DescribeScalingActivities",
	    "<Activities><member><StatusCode>Cancelled</StatusCode></member></Activities>");
	assert_int_equal(asg_last_failure(&f->client, "g", f->arena, &why, &err), 0);
	assert_string_equal(why, "no reason was given");
	say(f, "DescribeScalingActivities",
	    "<Activities><member><StatusCode>Successful</StatusCode></member><member><StatusCode>"
	    "Failed</StatusCode></member></Activities>");
	assert_int_equal(asg_last_failure(&f->client, "g", f->arena, &why, &err), 0);
	assert_null(why);
	say(f, "DescribeScalingActivities", "<Activities/>");
	assert_int_equal(asg_last_failure(&f->client, "g", f->arena, &why, &err), 0);
	assert_null(why);

	fake_again(f);
	say(f, "DescribeInstanceRefreshes",
	    "<InstanceRefreshes><member><Status>Baking</Status></member><member><Status>Failed"
	    "</Status></member></InstanceRefreshes>");
	assert_int_equal(asg_is_refreshing(&f->client, "g", f->arena, &is, &err), 0);
	assert_true(is);
	expect_form(f, 0, "DescribeInstanceRefreshes", "AutoScalingGroupName=g");
	say(f, "DescribeInstanceRefreshes",
	    "<InstanceRefreshes><member><Status>RollbackSuccessful</Status></member>"
	    "</InstanceRefreshes>");
	assert_int_equal(asg_is_refreshing(&f->client, "g", f->arena, &is, &err), 0);
	assert_false(is);
	fake_fail(f, ERR_DENIED, false);
	assert_int_equal(asg_is_refreshing(&f->client, "g", f->arena, &is, &err), -1);
	fake_fail(f, ERR_DENIED, false);
	assert_int_equal(asg_last_failure(&f->client, "g", f->arena, &why, &err), -1);
}

static const char *nested(struct fake *f, int depth)
{
	return arena_printf(
		f->arena, "%s%s", fake_repeat(f->arena, "<A>", (size_t)depth),
		arena_printf(f->arena, "x%s", fake_repeat(f->arena, "</A>", (size_t)depth)));
}

static void test_too_deep(void **state)
{
	struct fake *f = *state;
	const char *deep = nested(f, 40);
	struct asg_group *from =
		read_one(f,
			 arena_printf(f->arena,
				      "<member>" NAME("b") SIZES TEMPLATE(
					      "1") "<CapacityReservationSpecification>%s"
						   "</CapacityReservationSpecification></member>",
				      deep),
			 "b");
	struct asg_create create = {
		.name = "g", .from = from, .launch_template = {.id = "lt-1", .version = "8"}};
	struct asg_update update = {.launch_template = {.id = "lt-1", .version = "8"}};
	struct err err = ERR_INIT;
	struct asg_part *policy;
	size_t n;

	assert_int_equal(asg_create_group(&f->client, &create, f->arena, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	update.of = create.from =
		read_one(f,
			 arena_printf(f->arena,
				      "<member>" NAME("b") SIZES
				      "<MixedInstancesPolicy><LaunchTemplate><Overrides>"
				      "<member>%s</member></Overrides></LaunchTemplate>"
				      "</MixedInstancesPolicy></member>",
				      deep),
			 "b");
	assert_int_equal(asg_create_group(&f->client, &create, f->arena, &err), -1);
	assert_int_equal(asg_update_group(&f->client, "b", &update, f->arena, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	create.from = read_one(
		f,
		arena_printf(f->arena,
			     "<member>" NAME("b") SIZES
			     "<MixedInstancesPolicy><LaunchTemplate/><InstancesDistribution>%s"
			     "</InstancesDistribution></MixedInstancesPolicy></member>",
			     deep),
		"b");
	assert_int_equal(asg_create_group(&f->client, &create, f->arena, &err), -1);
	assert_int_equal(f->n_requests, 0);

	say(f, "DescribePolicies",
	    arena_printf(f->arena,
			 "<ScalingPolicies><member><PolicyName>p</PolicyName>"
			 "<TargetTrackingConfiguration>%s</TargetTrackingConfiguration></member>"
			 "</ScalingPolicies>",
			 deep));
	assert_int_equal(asg_describe_policies(&f->client, "b", f->arena, &policy, &n, &err), 0);
	err = ERR_INIT;
	assert_int_equal(asg_put_policy(&f->client, "g", policy, NULL, f->arena, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_non_null(strstr(err.text, "PutScalingPolicy p"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_too_deep),      T(test_policies),	  T(test_schedules),
		T(test_notifications), T(test_metrics_and_hooks), T(test_activities),
	};

	return cmocka_run_group_tests_name("autoscaling_parts", tests, NULL, NULL);
}
