#include "tests/unit/target/asg_shop.h"

/* Everything that would go wrong later is said before anything is touched. */

static void what_a_group_is_can_rule_it_out(void **state)
{
	static const struct {
		const char *more, *version, *target_group, *suspended, *words;
	} cases[] = {
		{"<Operator><Principal>eks.amazonaws.com</Principal></Operator>", "7", "blue", NULL,
		 "it is managed by eks.amazonaws.com"},
		{"<DesiredCapacityType>vcpu</DesiredCapacityType>", "7", "blue", NULL,
		 "its capacity is counted in vcpu"},
		{"<LoadBalancerNames><member>classic</member></LoadBalancerNames>", "7", "blue",
		 NULL, "it is attached to a Classic Load Balancer or VPC Lattice"},
		{"<WarmPoolConfiguration><MinSize>1</MinSize></WarmPoolConfiguration>", "7", "blue",
		 NULL, "it has a warm pool"},
		{"", "$Latest", "blue", NULL, "it starts version $Latest of its launch template"},
		{"", "$Default", "blue", NULL, "it starts version $Default of its launch template"},
		{"<LaunchConfigurationName>lc</LaunchConfigurationName>", "", "blue", NULL,
		 "it has no launch template"},
		{"<MixedInstancesPolicy><LaunchTemplate><LaunchTemplateSpecification>"
		 "<LaunchTemplateId>lt-1</LaunchTemplateId><Version>1</Version>"
		 "</LaunchTemplateSpecification><Overrides><member><LaunchTemplateSpecification>"
		 "<LaunchTemplateId>lt-2</LaunchTemplateId></LaunchTemplateSpecification></member>"
		 "</Overrides></LaunchTemplate></MixedInstancesPolicy>",
		 "", "blue", NULL,
		 "an override of its mixed instances policy has a launch template"},
		{"", "7", "blue", "Launch", "its process Launch is suspended"},
		{"", "7", "blue", "Terminate", "its process Terminate is suspended"},
		{"", "7", "blue", "AddToLoadBalancer",
		 "its process AddToLoadBalancer is suspended"},
		{"<TrafficSources><member><Identifier>" GROUP(
			 "red") "</Identifier><Type>elbv2</Type>"
				"</member></TrafficSources>",
		 "7", "blue", NULL, "it is attached to 2 target groups; the traffic of one"},
		{"<NewInstancesProtectedFromScaleIn>true</NewInstancesProtectedFromScaleIn>", "7",
		 "blue", NULL, "instances of it are protected from scale-in"},
		{"<DeletionProtection>prevent-all-deletion</DeletionProtection>", "7", "blue", NULL,
		 "it is protected from deletion; choose retire: scale_in or keep"},
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct shop s = a_shop();

		s.live.more = cases[i].more;
		s.live.version = cases[i].version;
		s.live.suspended = cases[i].suspended;
		expect_refused(w, &s, cases[i].words);
	}
}

static void what_a_group_has_can_rule_it_out(void **state)
{
	struct world *w = *state;
	struct shop s = a_shop();

	s.live.desired = s.live.min = 0;
	s.live.instances = NULL;
	expect_refused(w, &s, "it has no capacity: there would be nothing to go back to");
	s = a_shop();
	w->plan.target.lb.min_healthy = 5;
	expect_refused(w, &s, "min_healthy is 5, more than its capacity of 4");
	w->plan.target.lb.min_healthy = 1;
	s.live.running = "6";
	expect_warned(w, &s, "4 of its 4 instances run another version than the group starts");
	s = a_shop();
	s.refreshes = "<member><Status>InProgress</Status></member>";
	expect_refused(w, &s, "an instance refresh is going on");
	s = a_shop();
	s.policies =
		"<member><PolicyName>up</PolicyName><PolicyType>StepScaling</PolicyType><Alarms>"
		"<member><AlarmName>a</AlarmName></member></Alarms></member>";
	expect_refused(w, &s, "its policy up (StepScaling) is driven by alarms");
	s.policies =
		"<member><PolicyName>up</PolicyName><PolicyType>StepScaling</PolicyType>"
		"</member><member><PolicyName>t</PolicyName><PolicyType>TargetTrackingScaling"
		"</PolicyType><Alarms><member><AlarmName>a</AlarmName></member></Alarms></member>";
	expect_good(w, &s);
	s = a_shop();
	s.image = "resolve:ssm:/image";
	expect_warned(w, &s, "its image is read from a parameter (resolve:ssm:/image)");
}

static void single_instances_may_be_protected_where_the_old_group_stays(void **state)
{
	struct world *w = *state;
	struct shop s = a_shop();

	s.live.protected_ = true;
	expect_refused(w, &s, "instances of it are protected from scale-in");
	w->plan.target.auto_scaling.retire = ASG_RETIRE_KEEP;
	expect_good(w, &s);
	s.live.more = "<DeletionProtection>prevent-all-deletion</DeletionProtection>";
	expect_good(w, &s);
}

static void a_command_reaches_no_later_instances(void **state)
{
	struct world *w = *state;
	struct shop s = a_shop();

	put_text(w, "image.json", "#!/bin/sh\ntrue\n");
	w->plan.target.auto_scaling.install = ASG_INSTALL_COMMAND;
	expect_warned(w, &s, "an instance that is replaced after the rollout does not get the");
	s.policies = "<member><PolicyName>t</PolicyName><PolicyType>TargetTrackingScaling"
		     "</PolicyType></member>";
	expect_refused(w, &s, "instances that start after the rollout would not get the command");
	w->plan.target.auto_scaling.later_without = true;
	expect_good(w, &s);
	assert_int_equal(w->problems.n_warnings, 0);
	s = a_shop();
	s.schedules = "<member><ScheduledActionName>a</ScheduledActionName></member>";
	w->plan.target.auto_scaling.later_without = false;
	expect_refused(w, &s, "it scales by itself");
}

static void the_target_groups_must_be_fit(void **state)
{
	struct world *w = *state;
	struct shop s = a_shop();

	s.green_targets = "draining";
	expect_good(w, &s);
	s.green_targets = "unused";
	expect_refused(w, &s, "1 targets are registered with it already, i-0 for one");
	s = a_shop();
	s.green_type = "ip";
	expect_refused(w, &s, "its targets are of type ip; Auto Scaling registers instances");
	s = a_shop();
	s.green_checks = "false";
	expect_refused(w, &s, "its health checks are off");
	s = a_shop();
	s.green_attributes = "slow_start.duration_seconds=900";
	expect_refused(w, &s,
		       "new targets get their share over 900s (slow start), longer than step 1");
	s.green_attributes = "slow_start.duration_seconds=600";
	expect_good(w, &s);
	s = a_shop();
	s.blue_attributes = "deregistration_delay.timeout_seconds=3600";
	expect_refused(w, &s, "its deregistration delay is 3600s");
	w->plan.target.auto_scaling.retire = ASG_RETIRE_KEEP;
	expect_good(w, &s);
	s = a_shop();
	s.sticky = "<TargetGroupStickinessConfig><Enabled>true</Enabled><DurationSeconds>600"
		   "</DurationSeconds></TargetGroupStickinessConfig>";
	expect_good(w, &s);
	w->plan.target.auto_scaling.retire = ASG_RETIRE_SCALE_IN;
	expect_refused(w, &s, "group stickiness keeps clients on the old group for up to 600s");
	w->plan.bake_ms = 600000;
	expect_good(w, &s);
}

static void a_template_that_is_not_there(void **state)
{
	struct world *w = *state;
	struct shop s = a_shop();
	char undo[LIMIT_UNDO + 1];

	set_up_shop(w, &s);
	once(w, "POST", "Action=DescribeLaunchTemplateVersions", 400,
	     "<Response><Errors><Error><Code>InvalidLaunchTemplateId.NotFound</Code><Message>m"
	     "</Message></Error></Errors></Response>");
	assert_int_equal(inspect(w, undo), 0);
	expect_said(w, "its launch template: ");
	assert_string_equal(undo, "");
	set_up_shop(w, &s);
	once(w, "POST", "Action=DescribeLaunchTemplateVersions", 403,
	     "<Response><Errors><Error><Code>UnauthorizedOperation</Code></Error></Errors></"
	     "Response>");
	assert_int_equal(inspect(w, undo), -1);
	assert_int_equal(w->err.code, ERR_DENIED);
	/* named by its name, and answered without an id */
	s.live.version = "";
	s.live.more = "<LaunchTemplate><LaunchTemplateName>shop</LaunchTemplateName><Version>7"
		      "</Version></LaunchTemplate>";
	assert_string_equal(expect_good(w, &s).template_id, TEMPLATE_ID);
	set_up_shop(w, &s);
	once(w, "POST", "Action=DescribeLaunchTemplateVersions", 200,
	     "<R><launchTemplateVersionSet><item><versionNumber>7</versionNumber></item>"
	     "</launchTemplateVersionSet></R>");
	assert_int_equal(inspect(w, undo), 0);
	expect_said(w, "its launch template shop has no id");
}

static size_t denied_after; /* so many requests pass, the next one is refused */

static int send_until(struct http *h, const struct http_request *req, struct arena *a,
		      struct http_response *res, struct cancel *cancel, struct err *err)
{
	if (denied_after-- > 0)
		return routes_send(h, req, a, res, cancel, err);
	err_set(err, ERR_SYSTEM, "the line is cut");
	return -1;
}

/* Whichever call it is that fails: no record, no word of a plan that would be good. */
static void every_read_can_fail(void **state)
{
	struct world *w = *state;
	struct shop s = a_shop();
	char undo[LIMIT_UNDO + 1];
	size_t n;

	for (int twin = 0; twin < 2; twin++) {
		w->plan.target.auto_scaling.twin = twin ? "green" : NULL;
		w->plan.target.lb.resource_arn = twin ? RULE : NULL;
		s.twin = (struct a_group){.name = twin ? "green" : NULL, .max = 3};
		expect_good(w, &s);
		n = w->f->n_requests;
		assert_true(n > 10);
		for (size_t i = 0; i < n; i++) {
			set_up_shop(w, &s);
			denied_after = i;
			w->f->http.send = send_until;
			if (inspect(w, undo) == 0 || w->err.code != ERR_SYSTEM || undo[0])
				fail_msg("call %zu: %s", i, w->err.text);
			w->f->http.send = routes_send;
		}
	}
	w->artifact.bucket = NULL;
	set_up_shop(w, &s);
	assert_int_equal(inspect(w, undo), -1);
	assert_int_equal(w->err.code, ERR_NOT_FOUND);
}

static void what_leads_nowhere_is_the_plans_problem(void **state)
{
	struct world *w = *state;
	struct shop s = a_shop();
	char undo[LIMIT_UNDO + 1];

	set_up_shop(w, &s);
	refuses(w, "DescribeRules", 400, "RuleNotFound");
	assert_int_equal(inspect(w, undo), 0);
	expect_said(w, "RuleNotFound");
	set_up_shop(w, &s);
	refuses(w, "DescribePolicies", 400, "ValidationError");
	assert_int_equal(inspect(w, undo), 0);
	expect_said(w, "ValidationError");
	/* several problems at once */
	put_text(w, "image.json", "{}");
	s.live.suspended = "Launch";
	s.live.desired = 0;
	set_up_shop(w, &s);
	assert_int_equal(inspect(w, undo), 0);
	expect_said(w, "it names no machine image");
	expect_said(w, "its process Launch is suspended");
	expect_said(w, "it has no capacity");
}

static void names_too_long_for_the_token_are_refused(void **state)
{
	struct world *w = *state;
	struct shop s = a_shop();
	char undo[LIMIT_UNDO + 1];

	s.live.name = fake_repeat(w->f->arena, "b", 160);
	s.live.target_group = "blue";
	w->plan.target.auto_scaling.group = "b";
	s.copy = s.live;
	s.copy.name = fake_repeat(w->f->arena, "c", 400);
	s.live = (struct a_group){.name = NULL};
	set_up_shop(w, &s);
	assert_int_equal(inspect(w, undo), -1);
	assert_int_equal(w->err.code, ERR_LIMIT);
	assert_non_null(strstr(w->err.text, "undo record"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_a_group_is_can_rule_it_out),
		T(what_a_group_has_can_rule_it_out),
		T(single_instances_may_be_protected_where_the_old_group_stays),
		T(a_command_reaches_no_later_instances),
		T(the_target_groups_must_be_fit),
		T(a_template_that_is_not_there),
		T(every_read_can_fail),
		T(what_leads_nowhere_is_the_plans_problem),
		T(names_too_long_for_the_token_are_refused),
	};

	return cmocka_run_group_tests_name("auto_scaling_inspect", tests, NULL, NULL);
}
