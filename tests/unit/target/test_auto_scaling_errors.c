#include "tests/unit/target/asg_shop.h"
#include "tests/unit/target/broken_disk.h"
#include "tests/unit/target/walk_records.h"

/* Everything that can go wrong with a call, in every state of two groups. */

#define N(list) (sizeof(list) / sizeof((list)[0]))
#define OUR "rollout-worker r-1"
#define INVOCATION(instance, status)                                                \
	"{\"CommandId\":\"c-1\",\"InstanceId\":\"" instance "\",\"Comment\":\"" OUR \
	"\",\"Status\":\"" status "\",\"StatusDetails\":\"" status "\",\"RequestedDateTime\":10}"

/* One look in each phase. */
static const struct walk looks[] = {
	{WALK(OBSERVE, PREPARE)}, {WALK(OBSERVE, VERIFY)},  {WALK(OBSERVE, SHIFT)},
	{WALK(OBSERVE, WATCH)},	  {WALK(OBSERVE, PROMOTE)}, {WALK(OBSERVE, RETIRE)},
	{WALK(OBSERVE, RESTORE)}, {WALK(OBSERVE, PROVE)},
};

/* Baseline and candidate as they are, all that belongs to a group, and everything works. */
static void world_at(struct world *w, const struct a_group *live, const struct a_group *candidate,
		     const char *weights, const char *green)
{
	forget_routes(w);
	list_is(w, "DescribePolicies",
		"<ScalingPolicies><member><PolicyName>p</PolicyName><PolicyType>"
		"TargetTrackingScaling</PolicyType></member></ScalingPolicies>");
	list_is(w, "DescribeScheduledActions",
		"<ScheduledUpdateGroupActions><member><ScheduledActionName>a"
		"</ScheduledActionName><Recurrence>r</Recurrence></member>"
		"</ScheduledUpdateGroupActions>");
	list_is(w, "DescribeNotificationConfigurations",
		"<NotificationConfigurations><member><TopicARN>t</TopicARN><NotificationType>n"
		"</NotificationType></member></NotificationConfigurations>");
	list_is(w, "DescribeLifecycleHooks",
		"<LifecycleHooks><member><LifecycleHookName>h</LifecycleHookName>"
		"<LifecycleTransition>autoscaling:EC2_INSTANCE_LAUNCHING</LifecycleTransition>"
		"</member></LifecycleHooks>");
	list_is(w, "DescribeScalingActivities",
		"<Activities><member><StatusCode>Failed</StatusCode><StatusMessage>none left"
		"</StatusMessage></member></Activities>");
	all_works(w);
	works(w, "PutScheduledUpdateGroupAction");
	works(w, "PutNotificationConfiguration");
	works(w, "DeleteAutoScalingGroup");
	groups_are(w, live, candidate);
	rule_is(w, weights);
	health_is(w, GROUP_URI("blue"), "healthy");
	health_is(w, GROUP_URI("green"), green);
	route(w, "POST", "Action=CreateLaunchTemplateVersion", 200,
	      "<R><launchTemplateVersion><versionNumber>8</versionNumber></launchTemplateVersion>"
	      "</R>");
	route(w, "POST", "\"Key\":\"InstanceIds\"", 200,
	      "{\"InstanceInformationList\":[{\"InstanceId\":\"i-0\",\"PingStatus\":\"Online\"}]}");
	route(w, "POST", "AWS-RunShellScript", 200,
	      "{\"Command\":{\"CommandId\":\"c-9\",\"TargetCount\":1}}");
}

static void looking_fails_closed(void **state)
{
	struct world *w = *state;
	struct a_group live = blue(), starting = copy(4, "InService Pending");
	struct a_group up = copy(4, IN4), theirs = copy(1, "InService");
	const char *const weights[] = {"blue=100 green=0", "blue=50 green=50", "blue=0 green=100"};

	theirs.tags = AS_TAG_ROLLOUT "=r-2";
	for (size_t i = 0; i < N(weights); i++) {
		world_at(w, &live, &starting, weights[i], "healthy initial");
		walk_faults(w, &target_auto_scaling, looks, N(looks));
		world_at(w, &live, &up, weights[i], "healthy healthy healthy healthy");
		walk_faults(w, &target_auto_scaling, looks, N(looks));
	}
	walk_each(w, &target_auto_scaling, looks, N(looks));
	world_at(w, &live, &theirs, "blue=100 green=0", "healthy");
	walk_each(w, &target_auto_scaling, looks, 2);
	world_at(w, &live, NULL, "blue=100 green=0", "");
	walk_each(w, &target_auto_scaling, looks, 2);
}

/* Deleting is tried again; what is to go may be gone. */
#define BUSY_OR_GONE "DeleteAutoScalingGroup=busy DeleteAutoScalingGroup=missing"

static const struct walk acts[] = {
	{WALK(SPLIT, SHIFT), .want = {.weight_bp = 500}},
	{WALK(SPLIT, SHIFT), .want = {.weight_bp = 10000}},
	{WALK(SPLIT, SHIFT), .want = {.segments = 1}},
	{WALK(PROMOTE, PROMOTE)},
	/* whether the baseline is starting keeps nobody from going back */
	{WALK(RESTORE, RESTORE), .forgiven = "DescribeTargetHealth"},
	{WALK(RETIRE, RETIRE), .forgiven = BUSY_OR_GONE},
	{WALK(DISCARD, PROVE), .forgiven = BUSY_OR_GONE},
};

static void bringing_it_up_fails_closed(void **state)
{
	/* somebody was faster: this rollout itself, most likely */
	static const struct walk prepare[] = {
		{WALK(PREPARE, PREPARE), .forgiven = "CreateAutoScalingGroup=busy"},
	};
	struct world *w = *state;
	struct a_group live = blue(), fresh = copy(0, NULL), up = copy(4, IN4);

	fresh.suspended = NULL;
	live.more = "<EnabledMetrics><member><Metric>M</Metric></member></EnabledMetrics>";
	world_at(w, &live, NULL, "blue=100", "");
	walk_each(w, &target_auto_scaling, prepare, 1);
	world_at(w, &live, &fresh, "blue=100 green=0", "");
	walk_each(w, &target_auto_scaling, prepare, 1);
	world_at(w, &live, &up, "blue=100 green=0", "healthy healthy healthy healthy");
	walk_each(w, &target_auto_scaling, prepare, 1);
	world_at(w, &live, NULL, "blue=100", "");
	w->state.candidate[0] = '\0';
	walk_each(w, &target_auto_scaling, prepare, 1);
	w->plan.target.auto_scaling.install = ASG_INSTALL_USER_DATA;
	walk_each(w, &target_auto_scaling, prepare, 1);
}

static void acts_fail_closed(void **state)
{
	struct world *w = *state;
	struct a_group live = blue(), up = copy(4, IN4), small = copy(1, "InService");
	struct a_group old = blue();

	old.max = old.min = old.desired = 0;
	old.instances = NULL;
	old.suspended = HELD;
	world_at(w, &live, &up, "blue=100 green=0", "healthy healthy healthy healthy");
	walk_each(w, &target_auto_scaling, acts, N(acts));
	world_at(w, &live, &small, "blue=50 green=50", "healthy");
	walk_faults(w, &target_auto_scaling, acts, N(acts));
	world_at(w, &old, &up, "blue=0 green=100", "healthy healthy healthy healthy");
	walk_each(w, &target_auto_scaling, acts, N(acts));
	/* what is empty can be deleted */
	small.max = small.desired = 0;
	small.instances = NULL;
	world_at(w, &live, &small, "blue=100 green=0", "");
	walk_faults(w, &target_auto_scaling, acts, N(acts));
}

static void a_twin_fails_closed(void **state)
{
	static const struct walk prepare[] = {{WALK(PREPARE, PREPARE)}};
	struct world *w = *state;
	struct as_record r = a_record();
	struct a_group live = blue(), twin = {.name = "green", .max = 3, .target_group = ""};

	r.twin = "green";
	r.twin_size = (struct as_size){0, 3, 0};
	r.twin_health_check = "ELB";
	is_recorded(w, &r);
	world_at(w, &live, &twin, "blue=100 green=0", "");
	walk_each(w, &target_auto_scaling, prepare, 1);
	walk_faults(w, &target_auto_scaling, looks, N(looks));
	walk_faults(w, &target_auto_scaling, acts, N(acts));
	twin.suspended = HELD;
	twin.desired = 4;
	twin.instances = IN4;
	twin.version = "8";
	twin.target_group = "green";
	world_at(w, &live, &twin, "blue=0 green=100", "healthy healthy healthy healthy");
	walk_each(w, &target_auto_scaling, prepare, 1);
	walk_each(w, &target_auto_scaling, looks, N(looks));
	walk_each(w, &target_auto_scaling, acts, N(acts));
	walk_records(w, &target_auto_scaling);
}

static void commands_fail_closed(void **state)
{
	static const char *const invocations[] = {"", INVOCATION("i-0", "InProgress"),
						  INVOCATION("i-0", "Success"),
						  INVOCATION("i-0", "Failed")};
	static const struct walk list[] = {
		{WALK(OBSERVE, PREPARE)}, {WALK(OBSERVE, SHIFT)},
		{WALK(PREPARE, PREPARE)}, {WALK(SPLIT, SHIFT), .want = {.weight_bp = 500}},
		{WALK(PROMOTE, PROMOTE)}, {WALK(CHECK, INSPECT)},
	};
	struct world *w = *state;
	struct a_group live = blue(), c = copy(4, "InService InService");

	c.version = "7";
	w->plan.target.auto_scaling.install = ASG_INSTALL_COMMAND;
	w->plan.target.auto_scaling.install_path = "install.sh";
	put_text(w, "install.sh", "#!/bin/sh\n");
	candidate_is(w, 7, 0, 0);
	for (size_t i = 0; i < N(invocations); i++) {
		world_at(w, &live, &c, "blue=100 green=0", "healthy healthy");
		route(w, "POST", "\"InvokedAfter\"", 200,
		      arena_printf(w->f->arena, "{\"CommandInvocations\":[%s]}", invocations[i]));
		walk_faults(w, &target_auto_scaling, list, N(list));
	}
	walk_each(w, &target_auto_scaling, list, N(list));
}

static void the_first_look_fails_closed(void **state)
{
	static const struct walk first[] = {{WALK(INSPECT, INSPECT)}, {WALK(CHECK, INSPECT)}};
	struct world *w = *state;
	struct shop s = a_shop();

	set_up_shop(w, &s);
	walk_each(w, &target_auto_scaling, first, N(first));
	s.twin = (struct a_group){.name = "green", .max = 3, .target_group = "green"};
	w->plan.target.auto_scaling.twin = "green";
	set_up_shop(w, &s);
	walk_each(w, &target_auto_scaling, first, 1);
	/* which rule it is, is said */
	w->plan.target.lb.resource_arn = RULE;
	w->plan.target.auto_scaling.install = ASG_INSTALL_COMMAND;
	w->plan.target.auto_scaling.retire = ASG_RETIRE_KEEP;
	s.policies = "<member><PolicyName>p</PolicyName><PolicyType>StepScaling</PolicyType>"
		     "<Alarms><member><AlarmName>a</AlarmName></member></Alarms></member>";
	set_up_shop(w, &s);
	walk_each(w, &target_auto_scaling, first, 1);
}

static int check(void *arg)
{
	struct world *w = arg;

	return target_auto_scaling.check_artifact(&w->env, &w->problems, &w->err);
}

static void a_disk_that_fails_is_no_fault_of_the_plan(void **state)
{
	static const enum broken ways[] = {BROKEN_READ, BROKEN_STAT};
	struct world *w = *state;

	for (size_t i = 0; i < N(ways); i++) {
		w->err = ERR_INIT;
		assert_int_equal(on_broken_disk(ways[i], 0, check, w), -1);
		assert_int_equal(w->err.code, ERR_SYSTEM);
		assert_int_equal(w->err.sys, EIO);
		assert_null(w->problems.first);
	}
}

/* The name comes from the undo record, which has room for a longer one. */
static void a_candidate_that_does_not_fit_is_an_error(void **state)
{
	struct world *w = *state;
	struct as_record r = a_record();
	struct a_group live = blue(), up;

	r.twin = fake_repeat(w->f->arena, "x", LIMIT_CANDIDATE);
	r.twin_health_check = "EC2";
	is_recorded(w, &r);
	up = (struct a_group){.name = r.twin, .max = 3, .target_group = "green"};
	w->plan.target.auto_scaling.install = ASG_INSTALL_COMMAND;
	w->state.candidate[0] = '\0';
	w->state.phase = PHASE_PREPARE;
	world_at(w, &live, &up, "blue=100 green=0", "");
	assert_int_equal(
		target_auto_scaling.prepare(&w->env, &w->state, w->state.candidate, &w->err), -1);
	assert_int_equal(w->err.code, ERR_LIMIT);
	assert_string_equal(w->state.candidate, "");
}

/* Sizes are multiplied by shares: what would overflow is no size. */
static void sizes_have_bounds(void **state)
{
	static const char *const sizes[] = {"9223372036854775807", "-1", "2147483648"};
	struct world *w = *state;
	const char *names[] = {"blue"};
	struct asg_group *g;

	for (size_t i = 0; i < N(sizes); i++) {
		forget_routes(w);
		list_is(w, "DescribeAutoScalingGroups",
			arena_printf(w->f->arena,
				     "<AutoScalingGroups><member><AutoScalingGroupName>blue"
				     "</AutoScalingGroupName><MinSize>0</MinSize><MaxSize>1"
				     "</MaxSize><DesiredCapacity>%s</DesiredCapacity></member>"
				     "</AutoScalingGroups>",
				     sizes[i]));
		assert_int_equal(
			asg_describe_groups(&w->env.client, names, 1, w->f->arena, &g, &w->err),
			-1);
		assert_int_equal(w->err.code, ERR_MALFORMED);
	}
}

static void tampered_records_get_no_further(void **state)
{
	struct world *w = *state;
	struct a_group live = blue(), up = copy(4, IN4);

	candidate_is(w, 8, 1767323045, 1767323045);
	world_at(w, &live, &up, "blue=50 green=50", "healthy healthy healthy healthy");
	walk_records(w, &target_auto_scaling);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(looking_fails_closed),
		T(bringing_it_up_fails_closed),
		T(acts_fail_closed),
		T(a_twin_fails_closed),
		T(commands_fail_closed),
		T(the_first_look_fails_closed),
		T(a_disk_that_fails_is_no_fault_of_the_plan),
		T(a_candidate_that_does_not_fit_is_an_error),
		T(sizes_have_bounds),
		T(tampered_records_get_no_further),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
