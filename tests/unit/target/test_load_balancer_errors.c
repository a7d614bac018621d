#include "tests/unit/target/lb_segments_world.h"
#include "tests/unit/target/walk_records.h"

/* Everything that can go wrong with a call to Elastic Load Balancing, in every state. */

#define N(list) (sizeof(list) / sizeof((list)[0]))

/* What is gone is somebody else's change, in words of its own. */
static const struct walk looks[] = {
	{WALK(OBSERVE, PREPARE)}, {WALK(OBSERVE, VERIFY)},  {WALK(OBSERVE, SHIFT)},
	{WALK(OBSERVE, WATCH)},	  {WALK(OBSERVE, PROMOTE)}, {WALK(OBSERVE, BAKE)},
	{WALK(OBSERVE, RETIRE)},  {WALK(OBSERVE, RESTORE)}, {WALK(OBSERVE, PROVE)},
};

static const struct walk acts[] = {
	{WALK(PREPARE, PREPARE)}, {WALK(SPLIT, SHIFT), .want = {.weight_bp = 500}},
	{WALK(PROMOTE, PROMOTE)}, {WALK(RESTORE, RESTORE)},
	{WALK(RETIRE, RETIRE)},
};

static void alb_at(struct world *w, const char *groups)
{
	forget_routes(w);
	rule_is(w, groups);
	health_is(w, GROUP_URI("blue"), "healthy healthy");
	health_is(w, GROUP_URI("green"), "healthy unhealthy initial");
	modify_works(w);
}

static void a_rule_fails_closed(void **state)
{
	static const char *const states[] = {"blue=100", "blue=100 green=0", "blue=95 green=5",
					     "blue=0 green=100"};
	struct world *w = *state;

	recorded(w, "blue=100 green=0");
	for (size_t i = 0; i < N(states); i++) {
		alb_at(w, states[i]);
		walk_each(w, &target_load_balancer, looks, N(looks));
		walk_each(w, &target_load_balancer, acts, N(acts));
	}
}

static void a_listener_fails_closed(void **state)
{
	struct lb_record r = {.resource = LISTENER,
			      .baseline = GROUP("blue"),
			      .candidate = GROUP("green"),
			      .network = true,
			      .groups = {{GROUP("blue"), 100, true}},
			      .n_groups = 1};
	struct world *w = *state;

	assert_int_equal(lb_record_store(&r, w->state.undo, &w->err), 0);
	alb_at(w, "blue=100");
	route(w, "POST", "Action=DescribeListeners", 200,
	      listener(w, forward(w, "blue=95 green=5", "")));
	walk_each(w, &target_load_balancer, looks, N(looks));
	walk_each(w, &target_load_balancer, acts, N(acts));
}

/* --- the first look --------------------------------------------------------------------------- */

static const char *group_xml(struct world *w, const char *name)
{
	return arena_printf(w->f->arena,
			    "<member><TargetGroupArn>" GROUP(
				    "%s") "</TargetGroupArn><Protocol>HTTP</Protocol><VpcId>v"
					  "</VpcId><LoadBalancerArns><member>" ALB
					  "</member></LoadBalancerArns></member>",
			    name);
}

static void inspectable(struct world *w)
{
	route(w, "POST", "Action=DescribeTargetGroups&", 200,
	      answer(w, "DescribeTargetGroups",
		     arena_printf(w->f->arena, "<TargetGroups>%s%s</TargetGroups>",
				  group_xml(w, "blue"), group_xml(w, "green"))));
	route(w, "POST", "Action=DescribeTargetGroupAttributes", 200,
	      answer(w, "DescribeTargetGroupAttributes",
		     "<Attributes><member><Key>stickiness.enabled</Key><Value>true</Value></member>"
		     "<member><Key>stickiness.type</Key><Value>lb_cookie</Value></member>"
		     "</Attributes>"));
}

static void the_first_look_fails_closed(void **state)
{
	static const struct walk first[] = {{WALK(INSPECT, INSPECT)}};
	struct world *w = *state;

	alb_at(w, "blue=100 green=0");
	inspectable(w);
	walk_each(w, &target_load_balancer, first, 1);
	forget_routes(w);
	route(w, "POST", "Action=DescribeRules", 200,
	      rule(w, forward(w, "blue=100 green=0",
			      "<TargetGroupStickinessConfig><Enabled>true</Enabled>"
			      "<DurationSeconds>60</DurationSeconds>"
			      "</TargetGroupStickinessConfig>")));
	inspectable(w);
	health_is(w, GROUP_URI("blue"), "healthy healthy");
	walk_each(w, &target_load_balancer, first, 1);
}

static void the_first_look_at_segments_fails_closed(void **state)
{
	static const struct walk first[] = {{WALK(INSPECT, INSPECT)}};
	struct world *w = *state;

	w->plan.target.lb.candidate_arn = GROUP("green");
	rules_are(w, "blue=100", NULL, 0);
	inspectable(w);
	walk_each(w, &target_load_balancer, first, 1);
}

/* --- segments --------------------------------------------------------------------------------- */

/* Each rule is tried; one that is to go may be gone. */
#define EACH_RULE .forgiven = "DeleteRule=missing", .goes_on = "CreateRule DeleteRule"

static const struct walk segment_acts[] = {
	{WALK(SPLIT, SHIFT), .want = {.segments = STAFF}, EACH_RULE},
	{WALK(SPLIT, SHIFT), .want = {.segments = STAFF | BETA}, EACH_RULE},
	{WALK(SPLIT, SHIFT), .want = {.weight_bp = 500, .segments = STAFF}, EACH_RULE},
	{WALK(SPLIT, SHIFT), .want = {.weight_bp = 0}, EACH_RULE},
	{WALK(PREPARE, PREPARE), EACH_RULE},
	{WALK(PROMOTE, PROMOTE), EACH_RULE},
	/* what does not go with a segment does not keep the weights from going back */
	{WALK(RESTORE, RESTORE), EACH_RULE},
};

static void segments_fail_closed(void **state)
{
	const struct line both[] = {ours, beta};
	struct world *w = *state;

	record(w);
	rules_are(w, "blue=100", NULL, 0);
	walk_each(w, &target_load_balancer, looks, N(looks));
	walk_each(w, &target_load_balancer, segment_acts, N(segment_acts));
	rules_are(w, "blue=95 green=5", both, 2);
	walk_each(w, &target_load_balancer, looks, N(looks));
	walk_each(w, &target_load_balancer, segment_acts, N(segment_acts));
	rules_are(w, "blue=0 green=100", both, 1);
	walk_each(w, &target_load_balancer, segment_acts, N(segment_acts));
}

/* More than Elastic Load Balancing has; and what belongs to somebody else altogether. */
static void more_groups_than_there_can_be_are_foreign(void **state)
{
	struct target_observation o;
	struct world *w = *state;
	char undo[LIMIT_UNDO + 1] = "";
	bool first;

	recorded(w, "blue=100 green=0");
	w->state.phase = PHASE_WATCH;
	rule_is(w, "blue=1 green=1 a=1 b=1 c=1 d=1");
	assert_int_equal(target_load_balancer.observe(&w->env, &w->state, &o, &w->err), 0);
	assert_int_equal(o.live, LIVE_FOREIGN);
	assert_non_null(strstr(o.detail, "forwards to 6 target groups; at most 5"));
	assert_int_equal(target_load_balancer.inspect(&w->env, undo, &first, &w->problems, &w->err),
			 0);
	expect_said(w, "forwards to 6 target groups; at most 5");
	assert_string_equal(undo, "");
}

static void tampered_records_get_no_further(void **state)
{
	struct world *w = *state;

	recorded(w, "blue=90 red=10 green=0");
	str_copy(w->state.candidate, sizeof(w->state.candidate),
		 STR("{\"g\":\"targetgroup/green/73e2\"}"));
	alb_at(w, "blue=81 red=10 green=9");
	walk_records(w, &target_load_balancer);
}

static void tampered_records_of_segments_get_no_further(void **state)
{
	struct world *w = *state;

	record(w);
	rules_are(w, "blue=95 green=5", &ours, 1);
	walk_records(w, &target_load_balancer);
}

#define T(name) cmocka_unit_test_setup_teardown(name, lb_world_set_up, world_tear_down)
#define S(name) cmocka_unit_test_setup_teardown(name, set_up, world_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_rule_fails_closed),
		T(a_listener_fails_closed),
		T(the_first_look_fails_closed),
		S(the_first_look_at_segments_fails_closed),
		S(segments_fail_closed),
		T(more_groups_than_there_can_be_are_foreign),
		T(tampered_records_get_no_further),
		S(tampered_records_of_segments_get_no_further),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
