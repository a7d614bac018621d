#include "tests/unit/target/beanstalk_split.h"

/* Canary by Beanstalk's own traffic splitting; the way back is in test_beanstalk_split_back.c. */

/* --- preparing ------------------------------------------------------------------------------- */

static void first_the_options_then_the_version(void **state)
{
	struct world *w = *state;

	expect_candidate(w, PHASE_PREPARE, CANDIDATE_PENDING, "options of shop-prod");
	prepare_ok(w);
	assert_string_equal(
		last_body(w, "POST", "Action=UpdateEnvironment"),
		"Action=UpdateEnvironment&Version=2010-12-01&EnvironmentId=e-live"
		"&OptionSettings.member.1.Namespace=aws%3Aelasticbeanstalk%3Acommand"
		"&OptionSettings.member.1.OptionName=DeploymentPolicy"
		"&OptionSettings.member.1.Value=TrafficSplitting"
		"&OptionSettings.member.2.Namespace=aws%3Aelasticbeanstalk%3Atrafficsplitting"
		"&OptionSettings.member.2.OptionName=NewVersionPercent"
		"&OptionSettings.member.2.Value=10"
		"&OptionSettings.member.3.Namespace=aws%3Aelasticbeanstalk%3Atrafficsplitting"
		"&OptionSettings.member.3.OptionName=EvaluationTime"
		"&OptionSettings.member.3.Value=23");
	settings(w, "shop-prod", "deployed", DURING);
	prepare_ok(w);
	assert_int_equal(called(w, "UpdateEnvironment"), 1);
	expect_candidate(w, PHASE_PREPARE, CANDIDATE_READY, "");
	assert_int_equal(look(w, PHASE_PREPARE).live, LIVE_BASELINE);
	expect_candidate(w, PHASE_VERIFY, CANDIDATE_READY, "");
	shop(w, "v1", "Updating", "v1 v1");
	expect_candidate(w, PHASE_PREPARE, CANDIDATE_PENDING, "are being set");
}

static void the_evaluation_is_longer_than_the_watch(void **state)
{
	static const struct {
		int64_t watch_ms, hold_ms;
		const char *minutes;
	} cases[] = {
		{0, 0, "=3&"},
		{61000, 0, "=5"},
		{600000, 60000, "=14"},
		{600000, 3600000, "=23"},
		{36000000, 3600000, "=600"},
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		w->plan.steps[0].watch_ms = cases[i].watch_ms;
		w->plan.unknown_hold_ms = cases[i].hold_ms;
		prepare_ok(w);
		assert_non_null(
			strstr(arena_printf(w->f->arena, "%s&",
					    last_body(w, "POST", "Action=UpdateEnvironment")),
			       arena_printf(w->f->arena,
					    "EvaluationTime&"
					    "OptionSettings.member.3.Value%s",
					    cases[i].minutes)));
	}
}

static void what_can_hinder_the_preparation(void **state)
{
	struct bean_record same = record;
	struct world *w = *state;
	struct row sick = live_row;

	w->state.candidate[0] = '\0';
	expect_candidate(w, PHASE_PREPARE, CANDIDATE_ABSENT, "");
	prepare_ok(w);
	assert_non_null(strstr(w->state.candidate, label_of(w, zip_of(w, "v2"))));
	w->state.candidate[0] = '\0';
	w->env.artifact = NULL;
	expect_error(w, prepare(w), ERR_REJECTED, "no input artifact");
	remember(w, &record, V2, 0);
	version_is(w, V2, NULL);
	expect_candidate(w, PHASE_PREPARE, CANDIDATE_ABSENT, "");
	expect_error(w, prepare(w), ERR_REJECTED, "no input artifact");
	version_is(w, V2, "PROCESSING");
	expect_candidate(w, PHASE_PREPARE, CANDIDATE_PENDING, "is being processed");
	prepare_ok(w);
	denied(w, "DescribeApplicationVersions");
	assert_int_equal(look(w, PHASE_PREPARE).live, LIVE_UNREADABLE);
	version_is(w, V2, "PROCESSED");
	busy(w, "UpdateEnvironment");
	prepare_ok(w);
	denied(w, "UpdateEnvironment");
	expect_error(w, prepare(w), ERR_DENIED, "UpdateEnvironment");
	settings(w, "shop-prod", "deployed", DURING);
	sick.health = "Degraded";
	environments(w, &sick, NULL);
	expect_candidate(w, PHASE_PREPARE, CANDIDATE_PENDING, "is not healthy");
	denied(w, "DescribeConfigurationSettings");
	expect_error(w, prepare(w), ERR_DENIED, "DescribeConfigurationSettings");
	assert_int_equal(look(w, PHASE_PREPARE).live, LIVE_UNREADABLE);
	same.label = V2;
	remember(w, &same, V2, 0);
	shop(w, V2, "Ready", V2 " " V2);
	expect_candidate(w, PHASE_PREPARE, CANDIDATE_SAME, "");
	assert_int_equal(look(w, PHASE_PREPARE).live, LIVE_BASELINE);
	prepare_ok(w); /* and nothing is set for it */
}

/* --- the split ------------------------------------------------------------------------------- */

static int split(struct world *w, int weight_bp)
{
	struct target_observation o = look(w, PHASE_SHIFT);

	w->err = ERR_INIT;
	return target_beanstalk.split(&w->env, &w->state, &o, SHARE(weight_bp), &w->err);
}

static void the_shift_is_the_version(void **state)
{
	struct target_observation o;
	struct world *w = *state;

	assert_int_equal(split(w, 1000), 0);
	assert_string_equal(last_body(w, "POST", "Action=UpdateEnvironment"),
			    "Action=UpdateEnvironment&Version=2010-12-01&EnvironmentId=e-live"
			    "&VersionLabel=" V2);
	expect_error(w, split(w, 10000), ERR_REJECTED, "splits once");
	o = look(w, PHASE_SHIFT);
	expect_error(w,
		     target_beanstalk.split(&w->env, &w->state, &o,
					    &(struct traffic){.weight_bp = 1000, .segments = 1},
					    &w->err),
		     ERR_REJECTED, "splits once");
	/* somebody was faster */
	o = look(w, PHASE_SHIFT);
	shop(w, V2, "Updating", "v1 v1");
	expect_error(w, target_beanstalk.split(&w->env, &w->state, &o, SHARE(1000), &w->err),
		     ERR_CONFLICT, "and is Updating " V2 " now");
	expect_error(w, split(w, 1000), ERR_CONFLICT, "is Updating");
	environments(w, NULL, NULL);
	w->err = ERR_INIT;
	expect_error(w, target_beanstalk.split(&w->env, &w->state, &o, SHARE(1000), &w->err),
		     ERR_REJECTED, "is gone");
	denied(w, "DescribeEnvironments");
	expect_error(w, target_beanstalk.split(&w->env, &w->state, &o, SHARE(1000), &w->err),
		     ERR_DENIED, "DescribeEnvironments");
	assert_int_equal(called(w, "UpdateEnvironment"), 1);
}

/* The split is what the load balancer does, not what was asked for. */
static void the_share_is_read_where_it_is_decided(void **state)
{
#define OLD "i-e-live-0 i-e-live-1"
#define NEW "i-e-live-2 i-e-live-3"
	static const struct {
		const char *first, *second, *in_first, *in_second;
		enum live live;
		int weight_bp;
	} cases[] = {
		{"90", "10", OLD, NEW, LIVE_SPLIT, 1000},
		{"900", "101", OLD, NEW, LIVE_SPLIT, 1000}, /* near enough */
		{"50", "50", OLD, NEW, LIVE_SPLIT, 5000},
		{"100", "0", OLD, NEW, LIVE_BASELINE, 0},
		{"0", "100", OLD, NEW, LIVE_CANDIDATE, 10000},
		/* moving everybody: both versions are in one group */
		{"100", "0", OLD " " NEW, "", LIVE_SPLIT, 5000},
		{"100", "0", "i-e-live-0=draining i-e-live-1=unhealthy.draining " NEW, "",
		 LIVE_CANDIDATE, 10000},
		/* what is somebody else's does not count */
		{"50", "50", OLD " i-other", "i-another", LIVE_BASELINE, 0},
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct target_observation o;

		shop(w, V2, "Updating", "v1 v1 " V2 "#2 " V2 "#2");
		weights(w, cases[i].first, cases[i].second, cases[i].in_first, cases[i].in_second);
		o = look(w, PHASE_WATCH);
		if (o.live != cases[i].live || o.traffic.weight_bp != cases[i].weight_bp)
			fail_msg("case %zu: live %d, %d", i, o.live, o.traffic.weight_bp);
		forget_requests(w);
	}
}

static void what_the_load_balancer_does_not_say_is_unreadable(void **state)
{
	static const char *const reads[] = {"DescribeEnvironmentResources", "DescribeListeners",
					    "DescribeRules"};
	struct world *w = *state;

	shop(w, V2, "Updating", "v1 v1 " V2 " " V2);
	weights(w, "90", "10", "", "");
	expect_live(w, PHASE_WATCH, LIVE_UNREADABLE, "forwards to any of its instances");
	for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
		weights(w, "90", "10", OLD, NEW);
		instances(w, "e-live", 4);
		denied(w, reads[i]);
		assert_true(look(w, PHASE_WATCH).denied);
	}
	instances(w, "e-live", 4);
	weights(w, "90", "10", OLD, NEW);
	says(w, "TargetGroupArn=two", 403, "<ErrorResponse/>");
	assert_int_equal(look(w, PHASE_WATCH).live, LIVE_UNREADABLE);
}

/* An action of a rule counts like that of a listener. */
static void rules_are_read_too(void **state)
{
	struct world *w = *state;

	shop(w, V2, "Updating", "v1 v1 " V2 " " V2);
	weights(w, "90", "10", OLD, NEW);
	answers(w, "DescribeListeners",
		"<Listeners><member><ListenerArn>l</ListenerArn><DefaultActions><member><Type>"
		"fixed-response</Type></member></DefaultActions></member></Listeners>");
	answers(w, "DescribeRules",
		"<Rules><member><RuleArn>d</RuleArn><Priority>default</Priority><Actions><member>"
		"<Type>forward</Type><TargetGroupArn>two</TargetGroupArn></member></Actions>"
		"</member><member><RuleArn>r</RuleArn><Priority>1</Priority><Actions><member><Type>"
		"forward</Type><TargetGroupArn>one</TargetGroupArn></member></Actions></member>"
		"</Rules>");
	assert_int_equal(look(w, PHASE_WATCH).live, LIVE_BASELINE);
	says(w, "TargetGroupArn=one", 403, "<ErrorResponse/>");
	assert_int_equal(look(w, PHASE_WATCH).live, LIVE_UNREADABLE);
}

static void while_it_launches_the_shift_waits(void **state)
{
	struct world *w = *state;

	shop(w, V2, "Updating", "v1 v1 " V2 "? ~");
	assert_int_equal(look(w, PHASE_SHIFT).live, LIVE_BASELINE);
	expect_candidate(w, PHASE_SHIFT, CANDIDATE_PENDING, "is Updating");
	shop(w, V2, "Updating", "v1 v1 " V2 " " V2 "!");
	weights(w, "100", "0", OLD, NEW);
	expect_candidate(w, PHASE_SHIFT, CANDIDATE_FAILED, "failed on 1 instances");
}

/* The trap: a failed deployment ends in Ready, with the old version. */
static void an_update_that_beanstalk_gave_up_is_a_failure(void **state)
{
	struct world *w = *state;

	w->state.changed_at.ms = AT(0);
	expect_candidate(w, PHASE_SHIFT, CANDIDATE_READY, "");
	event(w, "e-live", AT(60), "ERROR", "Failed to deploy application.");
	expect_candidate(w, PHASE_SHIFT, CANDIDATE_FAILED, "Failed to deploy");
	expect_candidate(w, PHASE_WATCH, CANDIDATE_FAILED, "Failed to deploy");
	denied(w, "DescribeEvents");
	assert_int_equal(look(w, PHASE_WATCH).live, LIVE_UNREADABLE);
	w->state.changed_at.ms = 0; /* nothing was asked of it yet */
	expect_candidate(w, PHASE_SHIFT, CANDIDATE_READY, "");
}

/* The trap: Beanstalk goes on by itself when its time is over. */
static void a_promotion_before_its_time_goes_back(void **state)
{
	struct world *w = *state;

	shop(w, V2, "Ready", V2 " " V2);
	assert_int_equal(look(w, PHASE_WATCH).live, LIVE_CANDIDATE);
	expect_error(w, split(w, 1000), ERR_REJECTED, "by itself before the plan said so");
}

static void the_promotion_is_beanstalks(void **state)
{
	struct target_observation o;
	struct world *w = *state;

	shop(w, V2, "Updating", "v1 v1 " V2 " " V2);
	o = expect_live(w, PHASE_PROMOTE, LIVE_SPLIT, "");
	assert_int_equal(target_beanstalk.promote(&w->env, &w->state, &o, &w->err), 0);
	/* everybody is there, but it is tidying up */
	weights(w, "0", "100", OLD, NEW);
	o = expect_live(w, PHASE_PROMOTE, LIVE_SPLIT, "");
	assert_int_equal(o.traffic.weight_bp, 1000);
	shop(w, V2, "Updating", V2 " " V2);
	expect_live(w, PHASE_PROMOTE, LIVE_SPLIT, "");
	shop(w, V2, "Ready", V2 " " V2);
	expect_live(w, PHASE_PROMOTE, LIVE_PROMOTED, "");
	expect_live(w, PHASE_BAKE, LIVE_PROMOTED, "");
	assert_int_equal(called(w, "UpdateEnvironment"), 0);
}

static void the_health_guard_looks_at_the_new_instances(void **state)
{
	struct world *w = *state;

	shop(w, V2, "Updating", "v1* v1 " V2 " " V2);
	expect_candidate(w, PHASE_VERIFY, CANDIDATE_READY, "");
	shop(w, V2, "Updating", "v1 v1 " V2 " " V2 "*");
	expect_candidate(w, PHASE_VERIFY, CANDIDATE_PENDING, "i-e-live-3 is Severe");
}

static void what_somebody_else_did_is_foreign(void **state)
{
	struct world *w = *state;

	shop(w, "v9", "Ready", "v9 v9");
	expect_live(w, PHASE_WATCH, LIVE_FOREIGN, "runs v9, which somebody else deployed");
	shop(w, V2, "Updating", "v1 v9");
	expect_live(w, PHASE_WATCH, LIVE_FOREIGN, "1 instances of shop-prod run another version");
	shop(w, "v1", "Terminating", "v1");
	expect_live(w, PHASE_WATCH, LIVE_FOREIGN, "being terminated");
	environments(w, NULL, NULL);
	expect_live(w, PHASE_RESTORE, LIVE_FOREIGN, "is gone");
	denied(w, "DescribeEnvironments");
	assert_true(look(w, PHASE_WATCH).denied);
	shop(w, "v1", "Ready", "v1");
	denied(w, "DescribeInstancesHealth");
	assert_true(look(w, PHASE_WATCH).denied);
}

/* --- the ends -------------------------------------------------------------------------------- */

static void one_environment_has_one_series(void **state)
{
	const char *ns, *names[PLAN_DIMENSIONS_MAX], *values[PLAN_DIMENSIONS_MAX];
	struct world *w = *state;

	assert_int_equal(target_beanstalk.series(&w->env, &w->state, true, &ns, names, values), 0);
	assert_int_equal(target_beanstalk.series(&w->env, &w->state, false, &ns, names, values), 1);
	assert_string_equal(values[0], "shop-prod");
}

static void the_first_look_asks_for_what_splitting_needs(void **state)
{
	struct row sample = live_row, basic = live_row;
	struct world *w = *state;
	struct bean_record r;
	bool first;

	answers(w, "DescribeEnvironmentManagedActions", "");
	assert_int_equal(
		target_beanstalk.inspect(&w->env, w->state.undo, &first, &w->problems, &w->err), 0);
	assert_int_equal(w->problems.n_errors, 0);
	assert_int_equal(bean_record_load(w->f->arena, w->state.undo, &r, &w->err), 0);
	assert_string_equal(r.policy, "Rolling");
	assert_string_equal(r.percent, "");
	assert_string_equal(r.minutes, "5");
	assert_string_equal(r.label, "v1");

	settings(w, "shop-prod", "deployed",
		 "aws:elasticbeanstalk:environment/LoadBalancerType=network");
	assert_int_equal(
		target_beanstalk.inspect(&w->env, w->state.undo, &first, &w->problems, &w->err), 0);
	expect_said(w, "needs an Application Load Balancer, not network");
	settings(w, "shop-prod", "deployed", "");
	basic.color = "Green";
	environments(w, &basic, NULL);
	assert_int_equal(
		target_beanstalk.inspect(&w->env, w->state.undo, &first, &w->problems, &w->err), 0);
	expect_said(w, "not one of another kind, or none");
	expect_said(w, "needs enhanced health");
	sample.label = NULL;
	environments(w, &sample, NULL);
	assert_int_equal(
		target_beanstalk.inspect(&w->env, w->state.undo, &first, &w->problems, &w->err), 0);
	expect_said(w, "runs the sample application");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, split_set_up, artifact_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(first_the_options_then_the_version),
		TEST(the_evaluation_is_longer_than_the_watch),
		TEST(what_can_hinder_the_preparation),
		TEST(the_shift_is_the_version),
		TEST(the_share_is_read_where_it_is_decided),
		TEST(what_the_load_balancer_does_not_say_is_unreadable),
		TEST(rules_are_read_too),
		TEST(while_it_launches_the_shift_waits),
		TEST(an_update_that_beanstalk_gave_up_is_a_failure),
		TEST(a_promotion_before_its_time_goes_back),
		TEST(the_promotion_is_beanstalks),
		TEST(the_health_guard_looks_at_the_new_instances),
		TEST(what_somebody_else_did_is_foreign),
		TEST(one_environment_has_one_series),
		TEST(the_first_look_asks_for_what_splitting_needs),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
