#include "tests/unit/target/lb_segments_world.h"

/* The first look: can the segments of the plan's steps be told apart here? */

#define GROUP_XML(name)                                                                     \
	"<member><TargetGroupArn>" GROUP(name) "</TargetGroupArn><Protocol>HTTP</Protocol>" \
					       "<VpcId>vpc-1</VpcId></member>"

static void inspect(struct world *w)
{
	char undo[LIMIT_UNDO + 1] = "";
	bool first;

	route(w, "POST", "Action=DescribeTargetGroups&", 200,
	      answer(w, "DescribeTargetGroups",
		     "<TargetGroups>" GROUP_XML("blue") GROUP_XML("green") "</TargetGroups>"));
	route(w, "POST", "DescribeTargetGroupAttributes", 200,
	      answer(w, "DescribeTargetGroupAttributes", "<Attributes/>"));
	w->plan.target.lb.candidate_arn = GROUP("green");
	w->err = ERR_INIT;
	problems_init(&w->problems, w->f->arena);
	if (target_load_balancer.inspect(&w->env, undo, &first, &w->problems, &w->err))
		fail_msg("%s", w->err.text);
	str_copy(w->state.undo, sizeof(w->state.undo), str_from(undo));
}

static void what_fits_is_recorded(void **state)
{
	struct lb_record r;
	struct world *w = *state;

	rules_are(w, "blue=100", NULL, 0);
	inspect(w);
	if (w->problems.n_errors)
		fail_msg("%s", world_problems(w));
	assert_int_equal(lb_record_load(w->f->arena, w->state.undo, &r, &w->err), 0);
	assert_true(r.segments);
	/* no step, no segment */
	w->plan.n_steps = 0;
	rules_are(w, "blue=100", NULL, 0);
	inspect(w);
	assert_int_equal(lb_record_load(w->f->arena, w->state.undo, &r, &w->err), 0);
	assert_false(r.segments);
	assert_int_equal(sent(w, "POST", "DescribeTags"), 0);
}

static void what_cannot_be_is_said(void **state)
{
	static const struct line before[] = {{OTHER, "8", PATH, TO("blue"), NULL, NULL}};
	static const struct line left[] = {{OTHER, "8", PATH, TO("green"), "r-0", "staff"}};
	struct world *w = *state;
	struct lb_forward f;
	struct line odd = {
		RULE, "10", "<member><Field>moon</Field></member>", forward(w, "blue=100", ""),
		NULL, NULL};

	rules_are(w, "blue=100", before, 1);
	inspect(w);
	expect_said(w, "2 free priorities are needed in front of it, after 8");
	rules_are(w, "blue=100", left, 1);
	inspect(w);
	expect_said(w, "was made by rollout r-0");
	/* conditions, secrets and transforms that no rule of ours could have */
	rules_are(w, "blue=100", NULL, 0);
	once(w, "POST", "ListenerArn=", 200, rules_xml(w, &odd, 1));
	inspect(w);
	expect_said(w, "it has a condition on moon");
	odd.conditions = PATH;
	odd.actions = arena_printf(w->f->arena, AUTH "%s", forward(w, "blue=100", ""));
	rules_are(w, "blue=100", NULL, 0);
	once(w, "POST", "RuleArns.member.1=", 200, rules_xml(w, &odd, 1));
	inspect(w);
	expect_said(w, "it authenticates with a client secret");
	odd.actions =
		arena_printf(w->f->arena, "%s</Actions><Transforms><member/></Transforms><Actions>",
			     forward(w, "blue=100", ""));
	rules_are(w, "blue=100", NULL, 0);
	once(w, "POST", "ListenerArn=", 200, rules_xml(w, &odd, 1));
	inspect(w);
	expect_said(w, "it rewrites requests");
	/* it cannot be read what there is */
	rules_are(w, "blue=100", NULL, 0);
	assert_int_equal(lb_read_forward(&w->env, RULE, &f, &w->err), 0);
	once(w, "POST", "DescribeTags", 403,
	     "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>");
	assert_int_equal(lb_segments_inspect(&w->env,
					     &(struct lb_record){.resource = RULE,
								 .baseline = GROUP("blue"),
								 .candidate = GROUP("green"),
								 .segments = true},
					     &f, &w->problems, &w->err),
			 -1);
	assert_int_equal(w->err.code, ERR_DENIED);
	assert_int_equal(lb_segments_inspect(&w->env,
					     &(struct lb_record){.resource = LISTENER,
								 .network = true,
								 .segments = true},
					     &f, &w->problems, &w->err),
			 0);
	expect_said(w, "a Network Load Balancer does not see requests");
	/* limits of the rule as a whole */
	for (size_t i = 0; i < 5; i++)
		w->plan.segments[0].values[i] = "*";
	w->plan.segments[0].n_values = 5;
	w->plan.segments[0].cookie = "a";
	w->plan.segments[0].cookie_value = "b";
	rules_are(w, "blue=100", NULL, 0);
	inspect(w);
	expect_said(w, "staff: with the conditions of the rule that is deployed to there are 7 "
		       "values");
	expect_said(w, "there are 7 wildcards");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, world_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(what_fits_is_recorded),
		TEST(what_cannot_be_is_said),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
