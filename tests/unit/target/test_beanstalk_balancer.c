#include "tests/unit/target/beanstalk_balancer_world.h"

/* Two environments behind one rule: which is which, and that all else is the load balancer's. */

static struct row told(const struct row *base, const char *label)
{
	struct row r = *base;

	r.label = label;
	return r;
}

/* --- the first look -------------------------------------------------------------------------- */

static int inspect(struct world *w)
{
	bool first;

	problems_init(&w->problems, w->f->arena);
	w->err = ERR_INIT;
	forget_requests(w);
	return target_beanstalk.inspect(&w->env, w->state.undo, &first, &w->problems, &w->err);
}

static struct bean_record accepted(struct world *w)
{
	struct bean_record r = clone_record;

	if (inspect(w) || bean_record_load(w->f->arena, w->state.undo, &r, &w->err))
		fail_msg("%s %s", w->err.text, world_problems(w));
	if (w->problems.n_errors)
		fail_msg("%s", world_problems(w));
	return r;
}

static void refused(struct world *w, const char *words)
{
	if (inspect(w))
		fail_msg("%s", w->err.text);
	expect_said(w, words);
	assert_true(w->problems.n_errors > 0);
}

static void the_weights_say_which_is_live(void **state)
{
	struct world *w = *state;
	struct bean_record r = accepted(w);

	assert_int_equal(r.method, BEANSTALK_BY_LOAD_BALANCER);
	assert_string_equal(r.baseline, "e-live");
	assert_string_equal(r.twin, "e-twin");
	assert_string_equal(r.candidate, "shop-green");
	assert_string_equal(r.label, "v1");
	assert_string_equal(r.lb.baseline, GROUP("blue"));
	assert_int_equal(r.twin_max, 1);
	/* after the next rollout it is the other way round */
	rule_forwards(w, "blue=0 green=100");
	fleet(w, "e-twin", "v0 v0 v0");
	r = accepted(w);
	assert_string_equal(r.baseline, "e-twin");
	assert_string_equal(r.name, "shop-green");
	assert_string_equal(r.twin, "e-live");
	assert_string_equal(r.candidate, "shop-prod");
	/* scaled in to nothing, or what is on its way out */
	rule_forwards(w, "blue=100 green=0");
	group_holds(w, GROUP_URI("green"), "");
	accepted(w);
	group_holds(w, GROUP_URI("green"), "e-other~");
	accepted(w);
}

static void groups_and_environments_have_to_agree(void **state)
{
	struct world *w = *state;

	group_holds(w, GROUP_URI("blue"), "e-live e-twin");
	refused(w, "it holds 2 targets, 1 of shop-prod and 1 of shop-green");
	group_holds(w, GROUP_URI("blue"), "e-other");
	refused(w, "it holds 1 targets, 0 of shop-prod and 0 of shop-green");
	group_holds(w, GROUP_URI("blue"), "e-live e-live");
	group_holds(w, GROUP_URI("green"), "e-twin e-other");
	refused(w, "it holds 2 targets, 0 of shop-prod and 1 of shop-green");
	group_holds(w, GROUP_URI("green"), "e-live");
	refused(w, "1 of shop-prod and 0 of shop-green");
}

/* The trap: a rule that Beanstalk made is Beanstalk's. */
static void a_rule_of_one_environment_is_not_ours(void **state)
{
	struct world *w = *state;

	rule_forwards(w, "blue=100");
	w->plan.target.lb.candidate_arn = GROUP("green");
	refused(w, "Beanstalk's to change; make one of your own");
}

/* What is wrong with the plan does not hide that the rest could not be read. */
static void a_problem_hides_no_failure(void **state)
{
	struct world *w = *state;

	rule_forwards(w, "blue=100");
	w->plan.target.lb.candidate_arn = GROUP("green");
	says(w, "Action=DescribeEnvironmentResources&", 0, "")->fail = ERR_CANCELED;
	assert_int_equal(inspect(w), -1);
	assert_int_equal(w->err.code, ERR_CANCELED);
	denied(w, "DescribeEnvironmentResources");
	expect_error(w, inspect(w), ERR_DENIED, "DescribeEnvironmentResources");
}

static void both_have_to_be_there(void **state)
{
	struct world *w = *state;

	environments(w, &prod, NULL);
	refused(w, "no such environment");
	environments(w, NULL, &twin_row);
	refused(w, "no such environment");
	rule_forwards(w, "blue=50 green=50");
	environments(w, &prod, &twin_row);
	refused(w, "both target groups have traffic already");
	rule_forwards(w, "blue=100 green=0");
	settings(w, "shop-green", "deployed", "aws:rds:dbinstance/DBEngine=mysql");
	refused(w, "owns an RDS database");
}

static void what_cannot_be_read_is_an_error(void **state)
{
	struct world *w = *state;

	says(w, "DescribeEnvironmentResources&Version=2010-12-01&EnvironmentId=e-twin", 403,
	     "<ErrorResponse/>");
	expect_error(w, inspect(w), ERR_DENIED, "DescribeEnvironmentResources");
	denied(w, "DescribeEnvironmentResources");
	expect_error(w, inspect(w), ERR_DENIED, "DescribeEnvironmentResources");
	instances(w, "e-live", 3);
	instances(w, "e-twin", 3);
	says(w, "Action=DescribeTargetHealth&Version=2015-12-01&TargetGroupArn=" GROUP_URI("green"),
	     403, "<ErrorResponse/>");
	expect_error(w, inspect(w), ERR_DENIED, "DescribeTargetHealth");
	denied(w, "DescribeRules");
	expect_error(w, inspect(w), ERR_DENIED, "DescribeRules");
}

/* --- the rollout ----------------------------------------------------------------------------- */

static void the_candidate_is_up_when_both_say_so(void **state)
{
	const struct row ready = told(&twin_row, LABEL);
	struct world *w = *state;

	environments(w, &prod, &ready);
	expect_candidate(w, PHASE_PREPARE, CANDIDATE_READY, "");
	/* the targets are well, but run the version of before */
	environments(w, &prod, &twin_row);
	expect_candidate(w, PHASE_PREPARE, CANDIDATE_PENDING, "runs v0, not yet");
	environments(w, &prod, &ready);
	group_holds(w, GROUP_URI("green"), "e-twin e-twin!");
	expect_candidate(w, PHASE_PREPARE, CANDIDATE_PENDING, "unhealthy");
	expect_candidate(w, PHASE_VERIFY, CANDIDATE_PENDING, "unhealthy");
	denied(w, "DescribeEvents");
	assert_true(look(w, PHASE_VERIFY).denied);
	assert_int_equal(look(w, PHASE_VERIFY).live, LIVE_UNREADABLE);
	denied(w, "DescribeEnvironments");
	assert_true(look(w, PHASE_VERIFY).denied);
	denied(w, "DescribeRules");
	assert_true(look(w, PHASE_WATCH).denied);
	canceled_in(w, PHASE_WATCH, "DescribeRules");
	rule_forwards(w, "blue=100 green=0");
	environments(w, &prod, &ready);
	canceled_in(w, PHASE_VERIFY, "DescribeEvents");
}

static void preparing_is_of_the_twin_and_of_the_rule(void **state)
{
	struct world *w = *state;

	settings(w, "shop-green", "deployed", SIZES("3", "4"));
	prepare_ok(w);
	assert_non_null(strstr(last_body(w, "POST", "Action=UpdateEnvironment"),
			       "EnvironmentId=e-twin&VersionLabel=" LABEL));
	assert_int_equal(called(w, "ModifyRule"), 0);
	rule_forwards(w, "blue=100"); /* taken out by somebody */
	prepare_ok(w);
	assert_int_equal(called(w, "ModifyRule"), 1);
	denied(w, "DescribeRules");
	expect_error(w, prepare(w), ERR_DENIED, "DescribeRules");
	denied(w, "DescribeApplicationVersions");
	expect_error(w, prepare(w), ERR_DENIED, "DescribeApplicationVersions");
}

static void the_weights_are_the_load_balancers(void **state)
{
	struct target_observation o;
	struct world *w = *state;

	o = expect_live(w, PHASE_SHIFT, LIVE_BASELINE, "");
	assert_int_equal(target_beanstalk.split(&w->env, &w->state, &o, SHARE(1000), &w->err), 0);
	assert_non_null(strstr(last_body(w, "POST", "Action=ModifyRule"), ".Weight=10"));
	rule_forwards(w, "blue=90 green=10");
	o = expect_live(w, PHASE_WATCH, LIVE_SPLIT, "");
	assert_int_equal(o.traffic.weight_bp, 1000);
	assert_int_equal(target_beanstalk.promote(&w->env, &w->state, &o, &w->err), 0);
	assert_non_null(strstr(last_body(w, "POST", "Action=ModifyRule"), ".Weight=100"));
	assert_int_equal(target_beanstalk.restore(&w->env, &w->state, &o, &w->err), 0);
	rule_forwards(w, "blue=0 green=100");
	assert_int_equal(expect_live(w, PHASE_BAKE, LIVE_PROMOTED, "").candidate, CANDIDATE_READY);
	assert_int_equal(called(w, "ModifyRule"), 3);
}

static void the_ends_are_those_of_two_environments(void **state)
{
	const struct row serves = told(&twin_row, LABEL);
	struct target_observation o;
	struct world *w = *state;

	w->plan.target.beanstalk.retire = BEANSTALK_SCALE_IN;
	environments(w, &prod, &serves);
	settings(w, "shop-green", "deployed", SIZES("3", "4"));
	rule_forwards(w, "blue=0 green=100");
	o = expect_live(w, PHASE_RETIRE, LIVE_PROMOTED, "sizes");
	assert_false(o.retired);
	assert_int_equal(target_beanstalk.retire(&w->env, &w->state, &o, &w->err), 0);
	assert_non_null(strstr(last_body(w, "POST", "Action=UpdateEnvironment"), "e-twin"));
	settings(w, "shop-green", "deployed", SIZES("2", "4"));
	expect_live(w, PHASE_RETIRE, LIVE_PROMOTED, "not scaled in yet");
	assert_int_equal(target_beanstalk.retire(&w->env, &w->state, &o, &w->err), 0);
	assert_non_null(strstr(last_body(w, "POST", "Action=UpdateEnvironment"), "e-live"));
	settings(w, "shop-prod", "deployed", SIZES("1", "1"));
	assert_true(look(w, PHASE_RETIRE).retired);
	/* back: the twin gets its own sizes */
	rule_forwards(w, "blue=100 green=0");
	assert_true(look(w, PHASE_PROVE).leftover);
	assert_int_equal(target_beanstalk.discard(&w->env, &w->state, &o, &w->err), 0);
	settings(w, "shop-green", "deployed", SIZES("1", "1"));
	assert_false(look(w, PHASE_PROVE).leftover);
	assert_int_equal(look(w, PHASE_PROVE).baseline_health.kind, VERDICT_PASS);
	assert_int_equal(called(w, "TerminateEnvironment"), 0);
}

static void series_are_those_of_the_groups(void **state)
{
	const char *ns, *names[PLAN_DIMENSIONS_MAX], *values[PLAN_DIMENSIONS_MAX];
	struct world *w = *state;

	assert_int_equal(target_beanstalk.series(&w->env, &w->state, true, &ns, names, values), 2);
	assert_string_equal(ns, "AWS/ApplicationELB");
	assert_string_equal(values[0], "targetgroup/green/73e2");
}

/* --- what `plan` prints ---------------------------------------------------------------------- */

struct printed {
	char text[65536];
	size_t n;
};

static void print(void *arg, const struct target_call *c)
{
	struct printed *p = arg;

	assert_non_null(c->iam_action);
	assert_non_null(c->resource);
	p->n += (size_t)snprintf(p->text + p->n, sizeof(p->text) - p->n, "%s %s:%s %s %s\n",
				 phase_name(c->phase), c->service, c->operation, c->iam_action,
				 c->resource);
	assert_true(p->n < sizeof(p->text));
}

static const char *printed(struct world *w, struct printed *p)
{
	p->n = 0;
	p->text[0] = '\0';
	target_beanstalk.calls(&w->plan, w->f->arena, print, p);
	return p->text;
}

static void the_plan_prints_every_call(void **state)
{
	struct printed *p = xcalloc(1, sizeof(*p));
	struct world *w = *state;

	assert_non_null(strstr(printed(w, p), "ModifyRule elasticloadbalancing:ModifyRule " RULE));
	assert_null(strstr(p->text, "CreateEnvironment"));
	assert_non_null(strstr(p->text, "HeadObject s3:GetObject arn:aws:s3:::*/*"));
	w->plan.target.beanstalk = (struct plan_beanstalk){
		.application = "shop", .cname = CNAME, .retire = BEANSTALK_TERMINATE};
	printed(w, p);
	assert_non_null(strstr(p->text, "SHIFT elasticbeanstalk:SwapEnvironmentCNAMEs "
					"elasticbeanstalk:SwapEnvironmentCNAMEs "
					"arn:aws:elasticbeanstalk:*:*:environment/shop/*\n"));
	assert_non_null(strstr(p->text, "PREPARE elasticbeanstalk:CreateEnvironment"));
	assert_non_null(strstr(p->text, "RETIRE elasticbeanstalk:TerminateEnvironment"));
	assert_non_null(strstr(p->text, "PROVE elasticbeanstalk:TerminateEnvironment"));
	assert_non_null(strstr(p->text, "INSPECT elasticbeanstalk:CheckDNSAvailability"));
	assert_null(strstr(p->text, "ModifyRule"));
	w->plan.target.beanstalk.hosted_zone = "Z1";
	assert_non_null(strstr(printed(w, p), "route53:ListResourceRecordSets "
					      "arn:aws:route53:::hostedzone/Z1\n"));
	w->plan.keep_candidate_ms = 1;
	assert_null(strstr(printed(w, p), "PROVE"));
	w->plan.target.beanstalk.bundle = "build";
	assert_null(strstr(printed(w, p), "HeadObject"));
	w->plan.target.beanstalk.method = BEANSTALK_BY_TRAFFIC_SPLITTING;
	printed(w, p);
	assert_non_null(strstr(p->text, "SHIFT elasticbeanstalk:UpdateEnvironment"));
	assert_non_null(strstr(p->text, "RESTORE elasticbeanstalk:AbortEnvironmentUpdate"));
	assert_non_null(strstr(p->text, "SHIFT elasticloadbalancing:DescribeTargetHealth"));
	assert_null(strstr(p->text, "Swap"));
	free(p);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, balancer_set_up, artifact_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_weights_say_which_is_live),
		TEST(groups_and_environments_have_to_agree),
		TEST(a_rule_of_one_environment_is_not_ours),
		TEST(a_problem_hides_no_failure),
		TEST(both_have_to_be_there),
		TEST(what_cannot_be_read_is_an_error),
		TEST(the_candidate_is_up_when_both_say_so),
		TEST(preparing_is_of_the_twin_and_of_the_rule),
		TEST(the_weights_are_the_load_balancers),
		TEST(the_ends_are_those_of_two_environments),
		TEST(series_are_those_of_the_groups),
		TEST(the_plan_prints_every_call),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
