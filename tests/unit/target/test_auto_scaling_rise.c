#include "tests/unit/target/asg_world.h"

/* Bringing a candidate up, and moving traffic to it. */

#define NOW_S(w) ((w)->f->now.ms / 1000)

static struct target_observation look(struct world *w, enum phase phase,
				      const struct a_group *candidate, const char *states)
{
	struct a_group live = blue();

	return look_at(w, phase, &live, candidate, "blue=100 green=0", states);
}

/* --- bringing it up -------------------------------------------------------------------------- */

static int prepare(struct world *w)
{
	w->state.phase = PHASE_PREPARE;
	w->err = ERR_INIT;
	return target_auto_scaling.prepare(&w->env, &w->state, w->state.candidate, &w->err);
}

static struct as_candidate noted(struct world *w)
{
	struct as_candidate c;

	assert_int_equal(as_candidate_load(w->f->arena, w->state.candidate, &c, &w->err), 0);
	return c;
}

static void version_is_made(struct world *w, const char *number)
{
	route(w, "POST", "Action=CreateLaunchTemplateVersion", 200,
	      arena_printf(w->f->arena,
			   "<R><launchTemplateVersion><versionNumber>%s</versionNumber>"
			   "</launchTemplateVersion></R>",
			   number));
}

static void the_version_is_written_down_before_it_is_used(void **state)
{
	struct world *w = *state;

	w->state.candidate[0] = '\0';
	set_scene(w, NULL, "blue=100");
	version_is_made(w, "8");
	if (prepare(w))
		fail_msg("%s", w->err.text);
	assert_int_equal(noted(w).version, 8);
	/* in the rule first, and nothing to disturb it; the group itself at the next look */
	assert_int_equal(sent(w, "POST", "Action=ModifyRule"), 1);
	assert_non_null(strstr(last_body(w, "POST", "Action=SuspendProcesses"),
			       "AutoScalingGroupName=blue&ScalingProcesses.member.1=AZRebalance"
			       "&ScalingProcesses.member.2=AlarmNotification"
			       "&ScalingProcesses.member.3=ScheduledActions"));
	assert_non_null(strstr(last_body(w, "POST", "CreateLaunchTemplateVersion"),
			       "LaunchTemplateId=" TEMPLATE_ID
			       "&SourceVersion=7&VersionDescription="
			       "rollout-worker%20r-1&ClientToken=rollout-worker-r-1"
			       "&LaunchTemplateData.ImageId=" IMAGE));
	assert_int_equal(sent(w, "POST", "Action=CreateAutoScalingGroup"), 0);

	/* lost: the group that is there says which version it was */
	struct a_group c = copy(0, NULL);

	w->state.candidate[0] = '\0';
	set_scene(w, &c, "blue=100 green=0");
	assert_int_equal(prepare(w), 0);
	assert_int_equal(noted(w).version, 8);
	assert_int_equal(sent(w, "POST", "CreateLaunchTemplateVersion"), 0);
	assert_int_equal(sent(w, "POST", "Action=ModifyRule"), 0);
}

static void a_copy_is_made_with_all_that_belongs_to_it(void **state)
{
	struct world *w = *state;
	struct a_group live = blue(), c = copy(0, NULL);
	const char *both;

	live.tags = "team=shop";
	live.more = "<EnabledMetrics><member><Metric>GroupDesiredCapacity</Metric><Granularity>"
		    "1Minute</Granularity></member></EnabledMetrics><HealthCheckGracePeriod>60"
		    "</HealthCheckGracePeriod>";
	c.suspended = NULL;
	forget_routes(w);
	list_is(w, "DescribePolicies",
		"<ScalingPolicies><member><PolicyName>requests</PolicyName><PolicyType>"
		"TargetTrackingScaling</PolicyType><TargetTrackingConfiguration>"
		"<PredefinedMetricSpecification><ResourceLabel>app/web/50dc/targetgroup/blue/73e2"
		"</ResourceLabel></PredefinedMetricSpecification></TargetTrackingConfiguration>"
		"</member></ScalingPolicies>");
	list_is(w, "DescribeScheduledActions",
		"<ScheduledUpdateGroupActions><member><ScheduledActionName>daily"
		"</ScheduledActionName><StartTime>2020-01-01T00:00:00Z</StartTime><Recurrence>0 8 "
		"* "
		"* *</Recurrence></member><member><ScheduledActionName>past</ScheduledActionName>"
		"<StartTime>2020-01-01T00:00:00Z</StartTime></member><member><ScheduledActionName>"
		"later</ScheduledActionName><StartTime>2030-01-01T00:00:00Z</StartTime></member>"
		"</ScheduledUpdateGroupActions>");
	list_is(w, "DescribeNotificationConfigurations",
		"<NotificationConfigurations><member><TopicARN>t</TopicARN><NotificationType>n"
		"</NotificationType></member></NotificationConfigurations>");
	no_parts(w);
	all_works(w);
	works(w, "PutScheduledUpdateGroupAction");
	works(w, "PutNotificationConfiguration");
	rule_is(w, "blue=100 green=0");
	/* the copy is there as soon as it has been made */
	both = arena_printf(w->f->arena, "<AutoScalingGroups>%s</AutoScalingGroups>",
			    group_xml(w, &live));
	once(w, "POST", "Action=DescribeAutoScalingGroups", 200,
	     answer(w, "DescribeAutoScalingGroups", both));
	groups_are(w, &live, &c);
	if (prepare(w))
		fail_msg("%s", w->err.text);
	assert_non_null(
		strstr(last_body(w, "POST", "Action=CreateAutoScalingGroup"),
		       "AutoScalingGroupName=" COPY
		       "&MinSize=0&MaxSize=8&DesiredCapacity=0&HealthCheckType=EC2&TargetGroupARNs."
		       "member.1=" GROUP_URI("green") "&Tags.member.1.ResourceId=" COPY
						      "&Tags.member.1.ResourceType=auto-scaling-"
						      "group&Tags.member.1.Key=team"));
	assert_non_null(strstr(last_body(w, "POST", "Action=CreateAutoScalingGroup"),
			       "LaunchTemplate.Version=8&HealthCheckGracePeriod=60"));
	assert_int_equal(sent(w, "POST", "Action=SuspendProcesses"), 2);
	/* counts requests of its own target group */
	assert_non_null(strstr(last_body(w, "POST", "Action=PutScalingPolicy"),
			       "ResourceLabel=app%2Fweb%2F50dc%2Ftargetgroup%2Fgreen%2F73e2"));
	assert_int_equal(sent(w, "POST", "Action=PutScheduledUpdateGroupAction"), 2);
	assert_int_equal(sent(w, "POST", "ScheduledActionName=past"), 0);
	assert_null(strstr(last_body(w, "POST", "ScheduledActionName=daily"), "StartTime"));
	assert_non_null(
		strstr(last_body(w, "POST", "ScheduledActionName=later"), "StartTime=2030"));
	assert_int_equal(sent(w, "POST", "Action=PutNotificationConfiguration"), 1);
	assert_int_equal(sent(w, "POST", "Action=EnableMetricsCollection"), 1);
	/* and then it is scaled up for the first step */
	assert_non_null(strstr(last_body(w, "POST", "Action=UpdateAutoScalingGroup"),
			       "AutoScalingGroupName=" COPY
			       "&MinSize=0&MaxSize=8&DesiredCapacity=2"));
}

static void a_copy_that_is_not_to_be_seen_yet_is_waited_for(void **state)
{
	struct world *w = *state;

	set_scene(w, NULL, "blue=100 green=0");
	assert_int_equal(prepare(w), 0);
	assert_int_equal(sent(w, "POST", "Action=CreateAutoScalingGroup"), 1);
	assert_int_equal(sent(w, "POST", "Action=UpdateAutoScalingGroup"), 0);
	/* created, but the answer said nothing of it: the same name once more is no failure */
	refuses(w, "CreateAutoScalingGroup", 400, "AlreadyExists");
	assert_int_equal(prepare(w), 0);
	refuses(w, "CreateAutoScalingGroup", 400, "LimitExceeded");
	assert_int_equal(prepare(w), -1);
	assert_int_equal(w->err.code, ERR_REJECTED);
	/* made, but it cannot be looked at */
	route(w, "POST", "AutoScalingGroupNames.member.1=" COPY "&", 200, "");
	once(w, "POST", "AutoScalingGroupNames.member.1=" COPY, 403, "<E/>");
	assert_int_equal(prepare(w), -1);
	/* and no version without the artifact */
	w->state.candidate[0] = '\0';
	w->artifact.bucket = NULL;
	assert_int_equal(prepare(w), -1);
	assert_int_equal(w->err.code, ERR_NOT_FOUND);
}

static void every_step_of_a_copy_can_fail(void **state)
{
	static const char *const calls[] = {"DescribeAutoScalingGroups",
					    "DescribeRules",
					    "SuspendProcesses",
					    "DescribePolicies",
					    "PutScalingPolicy",
					    "DescribeScheduledActions",
					    "PutScheduledUpdateGroupAction",
					    "DescribeNotificationConfigurations",
					    "PutNotificationConfiguration",
					    "EnableMetricsCollection",
					    "UpdateAutoScalingGroup"};
	struct world *w = *state;
	struct a_group live = blue(), c = copy(0, NULL);

	c.suspended = NULL;
	live.suspended = HELD;
	live.more = "<EnabledMetrics><member><Metric>M</Metric></member></EnabledMetrics>";
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		forget_routes(w);
		list_is(w, "DescribePolicies",
			"<ScalingPolicies><member><PolicyName>p</PolicyName></member>"
			"</ScalingPolicies>");
		list_is(w, "DescribeScheduledActions",
			"<ScheduledUpdateGroupActions><member><ScheduledActionName>a"
			"</ScheduledActionName><Recurrence>r</Recurrence></member>"
			"</ScheduledUpdateGroupActions>");
		list_is(w, "DescribeNotificationConfigurations",
			"<NotificationConfigurations><member><TopicARN>t</TopicARN>"
			"<NotificationType>n</NotificationType></member>"
			"</NotificationConfigurations>");
		all_works(w);
		works(w, "PutScheduledUpdateGroupAction");
		works(w, "PutNotificationConfiguration");
		groups_are(w, &live, &c);
		rule_is(w, "blue=100 green=0");
		refuses(w, calls[i], 403, "AccessDenied");
		if (prepare(w) == 0 || w->err.code != ERR_DENIED)
			fail_msg("%s: %s", calls[i], w->err.text);
	}
	set_scene(w, NULL, "blue=100 green=0");
	refuses(w, "DescribeLifecycleHooks", 403, "AccessDenied");
	assert_int_equal(prepare(w), -1);
	assert_int_equal(sent(w, "POST", "Action=CreateAutoScalingGroup"), 0);
}

static void health_is_noted_while_it_lasts(void **state)
{
	struct world *w = *state;
	struct a_group c = copy(2, "InService InService");

	set_scene(w, &c, "blue=100 green=0");
	assert_int_equal(prepare(w), 0);
	assert_int_equal(noted(w).healthy_since.ms / 1000, NOW_S(w));
	assert_int_equal(sent(w, "POST", "Action=Put"),
			 0); /* what belongs to it was there before */
	w->f->now.ms += 10000;
	assert_int_equal(prepare(w), 0);
	assert_int_equal(noted(w).healthy_since.ms / 1000, NOW_S(w) - 10);
	c.instances = "InService Pending";
	set_scene(w, &c, "blue=100 green=0");
	assert_int_equal(prepare(w), 0);
	assert_int_equal(noted(w).healthy_since.ms, 0);
	refuses(w, "DescribeTargetHealth", 403, "AccessDenied");
	assert_int_equal(prepare(w), -1);

	groups_are(w, NULL, NULL);
	forget_routes(w);
	groups_are(w, NULL, &c);
	assert_int_equal(prepare(w), -1);
	assert_int_equal(w->err.code, ERR_NOT_FOUND);
}

static void a_twin_gets_the_version_and_its_target_group(void **state)
{
	struct world *w = *state;
	struct as_record r = a_record();
	struct a_group twin = {.name = "green", .max = 3, .health = "ELB", .target_group = ""};

	r.twin = "green";
	r.twin_size = (struct as_size){0, 3, 0};
	r.twin_health_check = "ELB";
	is_recorded(w, &r);
	set_scene(w, &twin, "blue=100 green=0");
	if (prepare(w))
		fail_msg("%s", w->err.text);
	assert_int_equal(sent(w, "POST", "Action=SuspendProcesses"), 2);
	assert_non_null(
		strstr(last_body(w, "POST", "Action=AttachTrafficSources"),
		       "AutoScalingGroupName=green&TrafficSources.member.1.Identifier=" GROUP_URI(
			       "green")));
	assert_int_equal(sent(w, "POST",
			      "HealthCheckType=EC2&LaunchTemplate.LaunchTemplateId=" TEMPLATE_ID
			      "&LaunchTemplate.Version=8"),
			 1);
	assert_non_null(strstr(last_body(w, "POST", "Action=UpdateAutoScalingGroup"),
			       "AutoScalingGroupName=green&MinSize=0&MaxSize=8&DesiredCapacity=2"));

	static const char *const calls[] = {"SuspendProcesses", "AttachTrafficSources",
					    "UpdateAutoScalingGroup"};

	for (size_t i = 0; i < 3; i++) {
		set_scene(w, &twin, "blue=100 green=0");
		if (i == 0) { /* the baseline's works */
			works(w, "SuspendProcesses");
			once(w, "POST",
			     "SuspendProcesses&Version=2011-01-01&AutoScalingGroupName=green", 403,
			     "<E/>");
		} else {
			refuses(w, calls[i], 403, "AccessDenied");
		}
		assert_int_equal(prepare(w), -1);
	}
	/* attached already */
	twin.target_group = "green";
	set_scene(w, &twin, "blue=100 green=0");
	assert_int_equal(prepare(w), 0);
	assert_int_equal(sent(w, "POST", "Action=AttachTrafficSources"), 0);
	/* it is on its way already */
	twin.desired = 2;
	twin.version = "8";
	twin.target_group = "green";
	twin.suspended = HELD;
	set_scene(w, &twin, "blue=100 green=0");
	assert_int_equal(prepare(w), 0);
	assert_int_equal(sent(w, "POST", "Action=UpdateAutoScalingGroup"), 0);
	set_scene(w, NULL, "blue=100 green=0");
	assert_int_equal(prepare(w), -1);
	assert_non_null(strstr(w->err.text, "the twin green is not there any more"));
}

/* --- moving traffic -------------------------------------------------------------------------- */

static int split(struct world *w, int weight_bp, const struct target_observation *o)
{
	w->state.phase = PHASE_SHIFT;
	w->err = ERR_INIT;
	return target_auto_scaling.split(&w->env, &w->state, o, SHARE(weight_bp), &w->err);
}

static void capacity_comes_before_weight(void **state)
{
	struct world *w = *state;
	struct a_group c = copy(2, "InService InService");
	struct target_observation o = look(w, PHASE_SHIFT, &c, "healthy healthy");

	w->state.step = 1;
	set_scene(w, &c, "blue=100 green=0");
	assert_int_equal(split(w, 5000, &o), 0);
	assert_non_null(strstr(last_body(w, "POST", "Action=UpdateAutoScalingGroup"),
			       "MinSize=0&MaxSize=8&DesiredCapacity=3"));
	assert_int_equal(sent(w, "POST", "Action=ModifyRule"), 0);
	/* asked for, but not there yet */
	c.desired = 3;
	set_scene(w, &c, "blue=100 green=0");
	assert_int_equal(split(w, 5000, &o), 0);
	assert_int_equal(sent(w, "POST", "Action=Modify"), 0);
	c.instances = "InService InService InService";
	set_scene(w, &c, "blue=100 green=0");
	assert_int_equal(split(w, 5000, &o), 0); /* the third is not healthy */
	assert_int_equal(sent(w, "POST", "Action=Modify"), 0);
	w->n_routes--;
	health_is(w, GROUP_URI("green"), "healthy healthy healthy");
	assert_int_equal(split(w, 5000, &o), 0);
	assert_int_equal(sent(w, "POST", "Action=ModifyRule"), 1);

	static const char *const calls[] = {"DescribeAutoScalingGroups", "DescribeTargetHealth",
					    "DescribeRules", "ModifyRule"};

	for (size_t i = 0; i < 4; i++) {
		refuses(w, calls[i], 403, "AccessDenied");
		assert_int_equal(split(w, 5000, &o), -1);
		assert_int_equal(w->err.code, ERR_DENIED);
	}
	c.desired = 1;
	set_scene(w, &c, "blue=100 green=0");
	refuses(w, "UpdateAutoScalingGroup", 403, "AccessDenied");
	assert_int_equal(split(w, 5000, &o), -1);
	set_scene(w, NULL, "blue=100 green=0");
	assert_int_equal(split(w, 5000, &o), -1);
	assert_int_equal(w->err.code, ERR_CONFLICT);
}

/* Less for the candidate waits for no capacity. */
static void going_down_waits_for_nothing(void **state)
{
	struct world *w = *state;
	struct a_group c = copy(1, "InService"), live = blue();
	struct target_observation o =
		look_at(w, PHASE_SHIFT, &live, &c, "blue=50 green=50", "healthy");

	w->state.step = 1;
	set_scene(w, &c, "blue=50 green=50");
	assert_int_equal(split(w, 500, &o), 0);
	assert_int_equal(sent(w, "POST", "Action=UpdateAutoScalingGroup"), 0);
	assert_int_equal(sent(w, "POST", "Action=ModifyRule"), 1);
}

static int promote(struct world *w, const struct target_observation *o)
{
	w->state.phase = PHASE_PROMOTE;
	w->err = ERR_INIT;
	return target_auto_scaling.promote(&w->env, &w->state, o, &w->err);
}

static void a_promotion_has_the_whole_capacity(void **state)
{
	struct world *w = *state;
	struct a_group c = copy(3, "InService InService InService");
	struct target_observation o = look(w, PHASE_PROMOTE, &c, "healthy healthy healthy");

	set_scene(w, &c, "blue=100 green=0");
	assert_int_equal(promote(w, &o), 0);
	assert_non_null(
		strstr(last_body(w, "POST", "Action=UpdateAutoScalingGroup"), "DesiredCapacity=4"));
	c = copy(4, IN4);
	set_scene(w, &c, "blue=100 green=0");
	assert_int_equal(promote(w, &o), 0); /* two are not healthy */
	assert_int_equal(sent(w, "POST", "Action=Update"), 0);
	w->n_routes--;
	health_is(w, GROUP_URI("green"), "healthy healthy healthy healthy");
	assert_int_equal(promote(w, &o), 0);
	assert_non_null(strstr(last_body(w, "POST", "Action=UpdateAutoScalingGroup"),
			       "MinSize=2&MaxSize=8&HealthCheckType=ELB&DeletionProtection=none"));
	assert_int_equal(sent(w, "POST", "Action=Modify"), 0);
	c.min = 2;
	c.health = "ELB";
	set_scene(w, &c, "blue=100 green=0");
	w->n_routes--;
	health_is(w, GROUP_URI("green"), "healthy healthy healthy healthy");
	assert_int_equal(promote(w, &o), 0);
	assert_int_equal(sent(w, "POST", "Action=ModifyRule"), 1);
	refuses(w, "DescribeAutoScalingGroups", 403, "AccessDenied");
	assert_int_equal(promote(w, &o), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_version_is_written_down_before_it_is_used),
		T(a_copy_is_made_with_all_that_belongs_to_it),
		T(a_copy_that_is_not_to_be_seen_yet_is_waited_for),
		T(every_step_of_a_copy_can_fail),
		T(health_is_noted_while_it_lasts),
		T(a_twin_gets_the_version_and_its_target_group),
		T(capacity_comes_before_weight),
		T(going_down_waits_for_nothing),
		T(a_promotion_has_the_whole_capacity),
	};

	return cmocka_run_group_tests_name("auto_scaling_rise", tests, NULL, NULL);
}
