#include "tests/unit/target/lb_world.h"

/* The first look at a listener or rule: what it must be like, and the undo record. */

#define NOT_STICKY "<member><Key>stickiness.enabled</Key><Value>false</Value></member>"

static const char *group(struct world *w, const char *name, const char *protocol, const char *lb)
{
	return arena_printf(w->f->arena,
			    "<member><TargetGroupArn>" GROUP(
				    "%s") "</TargetGroupArn><Protocol>%s"
					  "</Protocol><VpcId>vpc-1</VpcId><LoadBalancerArns>%s"
					  "</LoadBalancerArns></member>",
			    name, protocol,
			    lb ? arena_printf(w->f->arena, "<member>%s</member>", lb) : "");
}

static void groups_are(struct world *w, const char *one, const char *two)
{
	route(w, "POST", "Action=DescribeTargetGroups&", 200,
	      answer(w, "DescribeTargetGroups",
		     arena_printf(w->f->arena, "<TargetGroups>%s%s</TargetGroups>", one, two)));
}

static const char *attributes(struct world *w, const char *members)
{
	return answer(w, "DescribeTargetGroupAttributes",
		      arena_printf(w->f->arena, "<Attributes>%s</Attributes>", members));
}

/* Everything but the rule itself, as it should be. */
static void good_rest(struct world *w)
{
	forget_routes(w);
	problems_init(&w->problems, w->f->arena);
	groups_are(w, group(w, "blue", "HTTP", ALB), group(w, "green", "HTTP", NULL));
	route(w, "POST", "Action=DescribeTargetGroupAttributes", 200, attributes(w, NOT_STICKY));
	health_is(w, GROUP_URI("blue"), "healthy healthy");
}

static void good(struct world *w, const char *groups)
{
	good_rest(w);
	rule_is(w, groups);
}

static int inspect(struct world *w, char undo[LIMIT_UNDO + 1])
{
	bool first = true;
	int rc;

	undo[0] = '\0';
	rc = target_load_balancer.inspect(&w->env, undo, &first, &w->problems, &w->err);
	assert_false(first);
	assert_int_equal(sent(w, "POST", "Action=Modify"), 0);
	return rc;
}

static void expect_problem(struct world *w, const char *words)
{
	char undo[LIMIT_UNDO + 1];

	if (inspect(w, undo))
		fail_msg("%s", w->err.text);
	expect_said(w, words);
	if (w->problems.n_errors != 1)
		fail_msg("%s", world_problems(w));
	assert_string_equal(undo, "");
}

static void expect_record(struct world *w, const char *baseline, const char *candidate)
{
	char undo[LIMIT_UNDO + 1];
	struct lb_record r;

	if (inspect(w, undo) || w->problems.n_errors)
		fail_msg("%s\n%s", w->err.text, world_problems(w));
	assert_int_equal(lb_record_load(w->f->arena, undo, &r, &w->err), 0);
	assert_string_equal(r.baseline, baseline);
	assert_string_equal(r.candidate, candidate);
	assert_string_equal(r.resource, w->plan.target.lb.resource_arn);
}

static void the_weights_say_who_is_who(void **state)
{
	struct world *w = *state;
	char undo[LIMIT_UNDO + 1];
	struct lb_record r;

	good(w, "blue=100 green=0");
	expect_record(w, GROUP("blue"), GROUP("green"));
	assert_null(w->problems.first);
	good(w, "green=0 blue=7");
	expect_record(w, GROUP("blue"), GROUP("green"));
	/* a single group has everything; the candidate must be said then */
	w->plan.target.lb.candidate_arn = GROUP("green");
	good(w, "blue");
	expect_record(w, GROUP("blue"), GROUP("green"));
	good(w, "blue=0");
	assert_int_equal(inspect(w, undo), 0);
	assert_int_equal(lb_record_load(w->f->arena, undo, &r, &w->err), 0);
	assert_int_equal(r.groups[0].weight, 1);
	/* the plan says it where the weights do not */
	w->plan.target.lb.baseline_arn = GROUP("blue");
	good(w, "blue=50 red=50 grey=0");
	expect_record(w, GROUP("blue"), GROUP("green"));
	w->plan.target.lb.candidate_arn = NULL;
	good(w, "blue=50 red=50 green=0");
	expect_record(w, GROUP("blue"), GROUP("green"));
}

static void what_the_weights_do_not_say_must_be_said(void **state)
{
	struct world *w = *state;
	char undo[LIMIT_UNDO + 1];

	good(w, "blue=100");
	expect_problem(w, "0 target groups are in the action at weight 0: say in the plan file");
	good(w, "blue=100 green=0 grey=0");
	expect_problem(w, "2 target groups are in the action at weight 0: say in the plan file");
	good(w, "blue=50 red=50 green=0");
	expect_problem(w, "2 target groups have traffic: say in the plan file which is the base");
	good(w, "blue=0 green=0");
	assert_int_equal(inspect(w, undo), 0);
	expect_said(w, "0 target groups have traffic");
	expect_said(w, "2 target groups are in the action at weight 0");
}

static void a_choice_that_does_not_fit_is_said(void **state)
{
	struct world *w = *state;

	w->plan.target.lb.candidate_arn = GROUP("green");
	good(w, "blue=95 green=5");
	expect_problem(w, "targetgroup/green/73e2\": the candidate has traffic already: somebody");
	w->plan.target.lb.baseline_arn = GROUP("gone");
	good(w, "blue=100 green=0");
	expect_problem(w, "targetgroup/gone/73e2\": the listener or rule does not forward to this");
	w->plan.target.lb.baseline_arn = GROUP("red");
	good(w, "blue=100 green=0 red=0");
	expect_problem(w, "targetgroup/red/73e2\": the baseline has no traffic now");
	w->plan.target.lb.baseline_arn = GROUP("green");
	good(w, "green=100");
	expect_problem(w, "targetgroup/green/73e2\": baseline and candidate are the same group");
	w->plan.target.lb.baseline_arn = NULL;
	good(w, "blue=1 a=0 b=0 c=0 d=0");
	expect_problem(w, "5 target groups already: no room for another");
}

static void what_is_no_weighted_forward_is_said(void **state)
{
	struct world *w = *state;

	good_rest(w);
	route(w, "POST", "Action=DescribeRules", 200,
	      rule(w, "<member><Type>redirect</Type></member>"));
	expect_problem(w, "has 0 forward actions; exactly one is needed to split traffic");
	good_rest(w);
	route(w, "POST", "Action=DescribeRules", 200,
	      rule(w, arena_printf(w->f->arena, "%s%s", forward(w, "a=1", ""),
				   forward(w, "b=1", ""))));
	expect_problem(w, "has 2 forward actions; exactly one is needed");
	good_rest(w);
	route(w, "POST", "Action=DescribeRules", 400,
	      "<ErrorResponse><Error><Code>RuleNotFound</Code><Message>no such rule</Message>"
	      "</Error></ErrorResponse>");
	expect_problem(w, "RuleNotFound");
	good_rest(w);
	route(w, "POST", "Action=DescribeRules", 200,
	      answer(w, "DescribeRules",
		     arena_printf(w->f->arena,
				  "<Rules><member><RuleArn>" RULE "</RuleArn><Priority>default"
				  "</Priority><IsDefault>true</IsDefault><Actions>%s</Actions>"
				  "</member></Rules>",
				  forward(w, "blue=1 green=0", ""))));
	expect_problem(w, "the default rule cannot be changed; give the ARN of its listener");
	good(w, "blue=1 green=0");
	w->env.client.region = "us-east-1";
	expect_problem(w, "it is not in us-east-1, where this worker deploys");
	assert_int_equal(w->f->n_requests, 0);
}

static void groups_must_go_together(void **state)
{
	static const char mine[] =
		"<member><Key>stickiness.enabled</Key><Value>true</Value></member>"
		"<member><Key>stickiness.type</Key><Value>lb_cookie</Value>"
		"</member>";
	static const char app[] =
		"<member><Key>stickiness.enabled</Key><Value>true</Value></member>"
		"<member><Key>stickiness.type</Key><Value>app_cookie</Value>"
		"</member>";
	struct world *w = *state;

	good(w, "blue=1 green=0");
	once(w, "POST", "Action=DescribeTargetGroupAttributes", 200, attributes(w, mine));
	expect_problem(w,
		       "targetgroup/blue/73e2\": the group has stickiness of its own; a weighted");
	good(w, "blue=1 green=0");
	once(w, "POST", "Action=DescribeTargetGroupAttributes", 200, attributes(w, app));
	expect_problem(w, "the group has application-based stickiness, which does not go with");
	good(w, "blue=1 green=0");
	w->n_routes = 0;
	groups_are(w, group(w, "blue", "HTTP", ALB),
		   group(w, "green", "HTTP", ELB "loadbalancer/app/other/1"));
	route(w, "POST", "Action=DescribeTargetGroupAttributes", 200, attributes(w, NOT_STICKY));
	health_is(w, GROUP_URI("blue"), "healthy");
	rule_is(w, "blue=1 green=0");
	expect_problem(w, "the group belongs to another load balancer already: " ELB "loadbal");
	good(w, "blue=1 green=0");
	once(w, "POST", "Action=DescribeTargetGroups&", 200,
	     answer(w, "DescribeTargetGroups",
		    arena_printf(w->f->arena, "<TargetGroups>%s</TargetGroups>",
				 group(w, "blue", "HTTP", ALB))));
	expect_problem(w, "TargetGroup");
	good_rest(w);
	w->n_routes = 0;
	groups_are(w, group(w, "blue", "HTTP", ALB), group(w, "green", "HTTP", ALB));
	route(w, "POST", "Action=DescribeTargetGroupAttributes", 200, attributes(w, NOT_STICKY));
	health_is(w, GROUP_URI("blue"), "unhealthy");
	rule_is(w, "blue=1 green=0");
	expect_problem(w, "no healthy target: there would be nothing to go back to (i-0 is unhe");
}

static void a_network_load_balancer_is_read(void **state)
{
	struct world *w = *state;
	char undo[LIMIT_UNDO + 1];
	struct lb_record r;

	w->plan.target.lb.resource_arn = LISTENER;
	forget_routes(w);
	groups_are(w, group(w, "blue", "TCP", NLB), group(w, "green", "TCP", NLB));
	health_is(w, GROUP_URI("blue"), "healthy");
	route(w, "POST", "Action=DescribeListeners", 200,
	      listener(w, forward(w, "blue=1 green=0", "")));
	expect_record(w, GROUP("blue"), GROUP("green"));
	assert_int_equal(inspect(w, undo), 0);
	assert_int_equal(lb_record_load(w->f->arena, undo, &r, &w->err), 0);
	assert_true(r.network);
	/* one action, one protocol */
	w->n_routes = 0;
	groups_are(w, group(w, "blue", "TCP", NLB), group(w, "green", "TLS", NLB));
	health_is(w, GROUP_URI("blue"), "healthy");
	route(w, "POST", "Action=DescribeListeners", 200,
	      listener(w, forward(w, "blue=1 green=0", "")));
	expect_problem(w, "its protocol is TLS, the baseline's TCP: they cannot share an action");
}

static void steps_too_fine_are_said_each(void **state)
{
	struct world *w = *state;
	char undo[LIMIT_UNDO + 1];

	w->plan.steps[0].weight_bp = 1;
	w->plan.steps[1].weight_bp = 1234;
	good(w, "blue=1 green=0");
	assert_int_equal(inspect(w, undo), 0);
	assert_int_equal(w->problems.n_errors, 2);
	expect_said(w, "strategy, step 1: 0.01% is finer than weights of 0 to 999 can say here");
	expect_said(w, "strategy, step 2: 12.34% is finer than");
	assert_string_equal(undo, "");
}

static void sticky_clients_are_a_warning(void **state)
{
	static const char sticky[] = "<TargetGroupStickinessConfig><Enabled>true</Enabled>"
				     "<DurationSeconds>3600</DurationSeconds>"
				     "</TargetGroupStickinessConfig>";
	struct world *w = *state;

	good_rest(w);
	route(w, "POST", "Action=DescribeRules", 200,
	      rule(w, forward(w, "blue=1 green=0", sticky)));
	expect_record(w, GROUP("blue"), GROUP("green"));
	assert_int_equal(w->problems.n_warnings, 1);
	expect_said(w, "clients once on the candidate stay there for up to 3600s");
}

static void what_cannot_be_read_stops_the_look(void **state)
{
	static const char *const words[] = {"Action=DescribeRules", "Action=DescribeTargetGroups&",
					    "Action=DescribeTargetGroupAttributes",
					    "Action=DescribeTargetHealth"};
	struct world *w = *state;
	char undo[LIMIT_UNDO + 1];

	for (size_t i = 0; i < 4; i++) {
		good(w, "blue=1 green=0");
		for (int attempt = 0; attempt < 3; attempt++)
			once(w, "POST", words[i], 503, "<E/>");
		assert_int_equal(inspect(w, undo), -1);
		assert_int_equal(w->err.code, ERR_UNAVAILABLE);
		w->err = ERR_INIT;
	}
	good(w, "blue=1 green=0");
	once(w, "POST", words[0], 403,
	     "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error>"
	     "</ErrorResponse>");
	assert_int_equal(inspect(w, undo), -1);
	assert_int_equal(w->err.code, ERR_DENIED);
}

#define T(name) cmocka_unit_test_setup_teardown(name, lb_world_set_up, world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_weights_say_who_is_who),
		T(what_the_weights_do_not_say_must_be_said),
		T(a_choice_that_does_not_fit_is_said),
		T(what_is_no_weighted_forward_is_said),
		T(groups_must_go_together),
		T(a_network_load_balancer_is_read),
		T(steps_too_fine_are_said_each),
		T(sticky_clients_are_a_warning),
		T(what_cannot_be_read_stops_the_look),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
