#include "tests/unit/target/asg_shop.h"

/* Which group serves, by which rule, and what comes next. */

static void the_record_says_how_it_was(void **state)
{
	struct world *w = *state;
	struct shop s = a_shop();
	struct as_record r;

	s.live.suspended = "AlarmNotification HealthCheck";
	r = expect_good(w, &s);
	assert_string_equal(r.live, "blue");
	assert_string_equal(r.base, "blue");
	assert_int_equal(r.size.min, 2);
	assert_int_equal(r.size.max, 8);
	assert_int_equal(r.size.desired, 4);
	assert_int_equal(r.suspended, 2);
	assert_string_equal(r.template_id, TEMPLATE_ID);
	assert_int_equal(r.template_version, 7);
	assert_null(r.twin);
	assert_string_equal(r.lb.baseline, GROUP("blue"));
	assert_string_equal(r.lb.candidate, GROUP("green"));
	assert_string_equal(as_candidate_name(w->f->arena, &r, "r-1"), COPY);
	assert_int_equal(w->problems.n_warnings, 0);
}

static void the_copy_that_serves_is_found(void **state)
{
	struct world *w = *state;
	struct shop s = a_shop();
	struct as_record r;

	s.copy = s.live;
	s.copy.name = "blue-1";
	s.copy.target_group = "blue";
	s.live = (struct a_group){.name = NULL};
	r = expect_good(w, &s);
	assert_string_equal(r.live, "blue-1");
	assert_string_equal(r.base, "blue");
	assert_string_equal(as_candidate_name(w->f->arena, &r, "r-1"), COPY);
	/* the old one was kept, behind the other target group */
	s.live = (struct a_group){.name = "blue", .target_group = "green"};
	assert_string_equal(expect_good(w, &s).live, "blue-1");
	/* both serve: which one is it? */
	s.live = blue();
	expect_refused(w, &s,
		       "2 groups of this name, their twins and copies counted, have traffic");
	w->plan.target.auto_scaling.twin = "green";
	s.twin = blue();
	s.twin.name = "green";
	s.twin.target_group = "blue";
	expect_refused(w, &s,
		       "3 groups of this name, their twins and copies counted, have traffic");
	w->plan.target.auto_scaling.twin = NULL;
	s.twin.name = NULL;
	s.live.target_group = "green";
	s.copy.target_group = "green";
	expect_refused(w, &s, "neither this group nor its twin or a copy of it has traffic");
	s.copy.name = s.live.name = NULL;
	expect_refused(w, &s, "there is no such Auto Scaling group, nor a copy of it");
	/* one that is being deleted is none */
	s.live = blue();
	s.live.more = "<Status>Delete in progress</Status>";
	expect_refused(w, &s, "there is no such Auto Scaling group");
}

static void a_twin_takes_turns(void **state)
{
	struct world *w = *state;
	struct shop s = a_shop();
	struct as_record r;

	w->plan.target.auto_scaling.twin = "green";
	w->plan.target.auto_scaling.retire = ASG_RETIRE_SCALE_IN;
	s.twin = (struct a_group){.name = "green", .max = 3, .health = "ELB", .suspended = HELD};
	r = expect_good(w, &s);
	assert_string_equal(r.live, "blue");
	assert_string_equal(r.twin, "green");
	assert_int_equal(r.twin_size.max, 3);
	assert_int_equal(r.twin_suspended, 7);
	assert_string_equal(r.twin_health_check, "ELB");
	assert_string_equal(as_candidate_name(w->f->arena, &r, "r-1"), "green");
	/* the other way round: the twin has the traffic */
	s.weights = "blue=0 green=100";
	s.live = (struct a_group){.name = "blue"};
	s.twin = (struct a_group){
		.name = "green", .min = 2, .max = 8, .desired = 4, .instances = IN4};
	set_up_shop(w, &s);
	once(w, "POST",
	     "DescribeTargetHealth&Version=2015-12-01&TargetGroupArn=" GROUP_URI("green"), 200,
	     targets(w, "healthy"));
	once(w, "POST", "DescribeTargetHealth&Version=2015-12-01&TargetGroupArn=" GROUP_URI("blue"),
	     200, targets(w, ""));
	{
		char undo[LIMIT_UNDO + 1];

		if (inspect(w, undo) || w->problems.n_errors)
			fail_msg("%s%s", w->err.text, world_problems(w));
		assert_int_equal(as_record_load(w->f->arena, undo, &r, &w->err), 0);
	}
	assert_string_equal(r.live, "green");
	assert_string_equal(r.twin, "blue");
	assert_string_equal(r.lb.candidate, GROUP("blue"));
}

static void a_twin_that_would_not_do_is_refused(void **state)
{
	struct world *w = *state;
	struct shop s = a_shop(), good;

	w->plan.target.auto_scaling.twin = "green";
	w->plan.target.auto_scaling.retire = ASG_RETIRE_SCALE_IN;
	expect_refused(w, &s, "\"green\": there is no such Auto Scaling group");
	s.twin = (struct a_group){.name = "green", .max = 3};
	good = s;
	s.twin.desired = 1;
	expect_refused(w, &s, "the twin has 0 instances and wants 1; it must be empty");
	s = good;
	s.twin.instances = "InService";
	expect_refused(w, &s, "green is being scaled in: wait until that is over");
	s = good;
	s.twin.target_group = "red";
	w->plan.target.auto_scaling.target_groups[0] = GROUP("blue");
	w->plan.target.auto_scaling.target_groups[1] = GROUP("green");
	expect_refused(w, &s, "the twin is attached to " GROUP("red"));
	s = good;
	s.twin.version = "$Default";
	expect_refused(w, &s, "it starts version $Default of its launch template");
	s = good;
	s.twin.more = "<NewInstancesProtectedFromScaleIn>true</NewInstancesProtectedFromScaleIn>";
	expect_refused(w, &s, "its instances are protected from scale-in");
	s = good;
	s.schedules = "<member><ScheduledActionName>a</ScheduledActionName></member>";
	expect_warned(w, &s, "the twin has scheduled actions");
	/* a copy of earlier days serves: it is neither of the two */
	s = good;
	s.copy = blue();
	s.copy.name = "blue-1";
	s.copy.target_group = "blue";
	s.live = (struct a_group){.name = "blue", .target_group = ""};
	expect_refused(w, &s, "this copy has the traffic, and it is neither blue nor green");
}

static void the_rule_is_found_by_the_target_group(void **state)
{
	struct world *w = *state;
	struct shop s = a_shop();

	w->plan.target.lb.resource_arn = NULL;
	assert_string_equal(expect_good(w, &s).lb.resource, RULE);
	assert_int_equal(sent(w, "POST", "Action=DescribeListeners"), 1);
	/* two rules forward to it */
	set_up_shop(w, &s);
	once(w, "POST", "Action=DescribeListeners", 200,
	     answer(w, "DescribeListeners",
		    "<Listeners><member><ListenerArn>l1</ListenerArn></"
		    "member><member><ListenerArn>l2"
		    "</ListenerArn></member><member><ListenerArn>l3</ListenerArn></member></"
		    "Listeners>"));
	{
		char undo[LIMIT_UNDO + 1];

		assert_int_equal(inspect(w, undo), 0);
		expect_said(w, "3 rules or listeners forward to it, " RULE " and " RULE);
	}
	/* none does */
	s.weights = "red=1";
	expect_refused(w, &s, "no rule or listener forwards to it");
	s = a_shop();
	s.live.target_group = "";
	expect_refused(w, &s, "no rule or listener forwards to it");

	static const char *const calls[] = {"DescribeTargetGroups", "DescribeListeners",
					    "DescribeRules"};

	s = a_shop();
	for (size_t i = 0; i < 3; i++) {
		char undo[LIMIT_UNDO + 1];

		set_up_shop(w, &s);
		refuses(w, calls[i], 403, "AccessDenied");
		assert_int_equal(inspect(w, undo), -1);
		assert_int_equal(w->err.code, ERR_DENIED);
	}
}

/* Two target groups on one load balancer: that is looked through once. */
static void a_load_balancer_is_looked_through_once(void **state)
{
	struct world *w = *state;
	struct shop s = a_shop();

	w->plan.target.lb.resource_arn = NULL;
	w->plan.target.auto_scaling.twin = "green";
	w->plan.target.auto_scaling.retire = ASG_RETIRE_SCALE_IN;
	s.twin = (struct a_group){.name = "green", .max = 3};
	s.copy = s.live; /* found by its tag as well as by its name */
	assert_string_equal(expect_good(w, &s).lb.resource, RULE);
	assert_int_equal(sent(w, "POST", "LoadBalancerArn="), 1);
}

static void a_default_rule_is_its_listeners(void **state)
{
	struct world *w = *state;
	struct shop s = a_shop();
	char undo[LIMIT_UNDO + 1];

	w->plan.target.lb.resource_arn = NULL;
	set_up_shop(w, &s);
	once(w, "POST", "Action=DescribeRules", 200,
	     answer(w, "DescribeRules",
		    arena_printf(w->f->arena,
				 "<Rules><member><RuleArn>" RULE
				 "</RuleArn><Priority>default</Priority><IsDefault>true</IsDefault>"
				 "<Actions>%s</Actions></member></Rules>",
				 forward(w, s.weights, ""))));
	assert_int_equal(inspect(w, undo), 0);
	assert_int_equal(sent(w, "POST", "ListenerArns.member.1="), 1);
}

static void the_pair_of_target_groups_says_which_is_next(void **state)
{
	struct world *w = *state;
	struct shop s = a_shop();

	w->plan.target.auto_scaling.target_groups[0] = GROUP("green");
	w->plan.target.auto_scaling.target_groups[1] = GROUP("blue");
	s.weights = "blue=100";
	assert_string_equal(expect_good(w, &s).lb.candidate, GROUP("green"));
	w->plan.target.auto_scaling.target_groups[1] = GROUP("red");
	expect_refused(w, &s, "the live group blue is attached to this one, which is none of the");
	w->plan.target.auto_scaling.target_groups[0] = NULL;
	w->plan.target.auto_scaling.target_groups[1] = NULL;
	expect_refused(w, &s, "0 target groups are in the action at weight 0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_record_says_how_it_was),
		T(the_copy_that_serves_is_found),
		T(a_twin_takes_turns),
		T(a_twin_that_would_not_do_is_refused),
		T(the_rule_is_found_by_the_target_group),
		T(a_load_balancer_is_looked_through_once),
		T(a_default_rule_is_its_listeners),
		T(the_pair_of_target_groups_says_which_is_next),
	};

	return cmocka_run_group_tests_name("auto_scaling_find", tests, NULL, NULL);
}
