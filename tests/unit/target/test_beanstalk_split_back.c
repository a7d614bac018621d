#include "tests/unit/target/beanstalk_split.h"

/* The way back from Beanstalk's own traffic splitting, and the end of the way on. */

static int restore(struct world *w)
{
	struct target_observation o = look(w, PHASE_RESTORE);

	w->err = ERR_INIT;
	return target_beanstalk.restore(&w->env, &w->state, &o, &w->err);
}

static void restore_ok(struct world *w)
{
	if (restore(w))
		fail_msg("%s", w->err.text);
}

static void an_update_on_its_way_is_aborted(void **state)
{
	static const char *const fleets[] = {
		"v1#1 v1#1",		       /* it has just begun */
		"v1#1 v1#1 " V2 "#2? ~",       /* it launches */
		"v1#1 v1#1 " V2 "#2 " V2 "#2", /* it splits */
	};
	struct world *w = *state;

	settings(w, "shop-prod", "deployed", DURING);
	for (size_t i = 0; i < sizeof(fleets) / sizeof(fleets[0]); i++) {
		forget_requests(w);
		shop(w, V2, "Updating", fleets[i]);
		/* even before there is traffic: it has to be stopped, not waited for */
		expect_live(w, PHASE_RESTORE, LIVE_SPLIT, "");
		restore_ok(w);
		assert_int_equal(called(w, "AbortEnvironmentUpdate"), 1);
		assert_int_equal(called(w, "UpdateEnvironment"), 0);
	}
	denied(w, "AbortEnvironmentUpdate");
	expect_error(w, restore(w), ERR_DENIED, "AbortEnvironmentUpdate");
}

/* Our own way back is an update, too. */
static void the_way_back_is_not_aborted(void **state)
{
	static const char *const fleets[] = {
		V2 "#2 " V2 "#2", /* it has just begun */
		V2 "#2 v1#3",	  /* half of it is back */
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(fleets) / sizeof(fleets[0]); i++) {
		shop(w, "v1", "Updating", fleets[i]);
		weights(w, "100", "0", "i-e-live-0 i-e-live-1", "");
		expect_error(w, restore(w), ERR_CONFLICT, "cannot be told anything now");
		forget_requests(w);
	}
	/* all are back, and it is tidying up */
	shop(w, "v1", "Updating", "v1#3 v1#3");
	assert_false(expect_live(w, PHASE_RESTORE, LIVE_BASELINE, "").settled);
	/* told to run the candidate, but with the options of before: told so by nobody now */
	shop(w, V2, "Updating", "v1#3 v1#3");
	assert_false(expect_live(w, PHASE_RESTORE, LIVE_BASELINE, "").settled);
	assert_int_equal(called(w, "AbortEnvironmentUpdate"), 0);
	denied(w, "DescribeConfigurationSettings");
	assert_true(look(w, PHASE_RESTORE).denied);
}

static void after_the_promotion_the_old_version_is_deployed(void **state)
{
	struct world *w = *state;

	settings(w, "shop-prod", "deployed", DURING);
	shop(w, V2, "Ready", V2 " " V2);
	expect_live(w, PHASE_RESTORE, LIVE_CANDIDATE, "");
	/* first the options, or the way back would be evaluated for minutes */
	restore_ok(w);
	assert_string_equal(
		last_body(w, "POST", "Action=UpdateEnvironment"),
		"Action=UpdateEnvironment&Version=2010-12-01&EnvironmentId=e-live"
		"&OptionSettings.member.1.Namespace=aws%3Aelasticbeanstalk%3Acommand"
		"&OptionSettings.member.1.OptionName=DeploymentPolicy"
		"&OptionSettings.member.1.Value=Rolling"
		"&OptionSettings.member.2.Namespace=aws%3Aelasticbeanstalk%3Atrafficsplitting"
		"&OptionSettings.member.2.OptionName=EvaluationTime"
		"&OptionSettings.member.2.Value=5"
		"&OptionsToRemove.member.1.Namespace=aws%3Aelasticbeanstalk%3Atrafficsplitting"
		"&OptionsToRemove.member.1.OptionName=NewVersionPercent");
	settings(w, "shop-prod", "deployed", BEFORE);
	restore_ok(w);
	assert_string_equal(last_body(w, "POST", "Action=UpdateEnvironment"),
			    "Action=UpdateEnvironment&Version=2010-12-01&EnvironmentId=e-live"
			    "&VersionLabel=v1");
	shop(w, "v1", "Ready", "v1 v1");
	assert_true(expect_live(w, PHASE_RESTORE, LIVE_BASELINE, "").settled);
	assert_int_equal(look(w, PHASE_PROVE).baseline_health.kind, VERDICT_PASS);
	assert_false(look(w, PHASE_PROVE).leftover);
}

/* A restored environment equals its undo record. */
static void the_options_are_part_of_it(void **state)
{
	struct world *w = *state;

	settings(w, "shop-prod", "deployed", DURING);
	expect_live(w, PHASE_RESTORE, LIVE_SPLIT, "not yet as they were");
	restore_ok(w);
	assert_non_null(strstr(last_body(w, "POST", "Action=UpdateEnvironment"), "Rolling"));
	settings(w, "shop-prod", "deployed", BEFORE);
	expect_live(w, PHASE_RESTORE, LIVE_BASELINE, "");
	/* one instance was left behind by a deployment that failed */
	shop(w, "v1", "Ready", "v1 " V2);
	weights(w, "100", "0", "i-e-live-0", "");
	expect_live(w, PHASE_RESTORE, LIVE_SPLIT, "is not back on v1");
	restore_ok(w);
	assert_non_null(
		strstr(last_body(w, "POST", "Action=UpdateEnvironment"), "VersionLabel=v1"));
	denied(w, "UpdateEnvironment");
	expect_error(w, restore(w), ERR_DENIED, "UpdateEnvironment");
	denied(w, "DescribeConfigurationSettings");
	expect_error(w, restore(w), ERR_DENIED, "DescribeConfigurationSettings");
	shop(w, "v1", "Ready", "v1 v1");
	assert_true(look(w, PHASE_RESTORE).denied);
	assert_true(look(w, PHASE_RETIRE).denied);
}

static void cancelled_is_no_look(void **state)
{
	struct world *w = *state;

	canceled_in(w, PHASE_RETIRE, "DescribeConfigurationSettings");
	canceled_in(w, PHASE_RESTORE, "DescribeConfigurationSettings");
	canceled_in(w, PHASE_RESTORE, "DescribeInstancesHealth");
	canceled_in(w, PHASE_WATCH, "DescribeEnvironments");
}

static void what_changed_since_the_look_is_not_touched(void **state)
{
	struct target_observation o;
	struct world *w = *state;

	shop(w, V2, "Ready", V2 " " V2);
	o = look(w, PHASE_RESTORE);
	shop(w, V2, "Updating", V2 " " V2);
	expect_error(w, target_beanstalk.restore(&w->env, &w->state, &o, &w->err), ERR_CONFLICT,
		     "is Updating");
	o = look(w, PHASE_RESTORE);
	denied(w, "DescribeInstancesHealth");
	expect_error(w, target_beanstalk.restore(&w->env, &w->state, &o, &w->err), ERR_DENIED,
		     "DescribeInstancesHealth");
	assert_int_equal(called(w, "AbortEnvironmentUpdate"), 0);
}

/* --- the end --------------------------------------------------------------------------------- */

static void retiring_is_restoring_the_options(void **state)
{
	struct target_observation o;
	struct world *w = *state;

	settings(w, "shop-prod", "deployed", DURING);
	shop(w, V2, "Ready", V2 " " V2);
	o = expect_live(w, PHASE_RETIRE, LIVE_PROMOTED, "not yet as they were");
	assert_false(o.retired);
	assert_int_equal(target_beanstalk.retire(&w->env, &w->state, &o, &w->err), 0);
	assert_non_null(strstr(last_body(w, "POST", "Action=UpdateEnvironment"), "Rolling"));
	/* that takes a minute, in which it is promoted still */
	shop(w, V2, "Updating", V2 " " V2);
	settings(w, "shop-prod", "deployed", BEFORE);
	o = expect_live(w, PHASE_RETIRE, LIVE_PROMOTED, "");
	assert_false(o.retired);
	shop(w, V2, "Ready", V2 " " V2);
	assert_true(look(w, PHASE_RETIRE).retired);
	assert_int_equal(target_beanstalk.retire(&w->env, &w->state, &o, &w->err), 0);
	assert_int_equal(called(w, "UpdateEnvironment"), 1);
	settings(w, "shop-prod", "deployed", DURING);
	busy(w, "UpdateEnvironment");
	assert_int_equal(target_beanstalk.retire(&w->env, &w->state, &o, &w->err), 0);
	denied(w, "UpdateEnvironment");
	expect_error(w, target_beanstalk.retire(&w->env, &w->state, &o, &w->err), ERR_DENIED,
		     "UpdateEnvironment");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, split_set_up, artifact_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(an_update_on_its_way_is_aborted),
		TEST(the_way_back_is_not_aborted),
		TEST(after_the_promotion_the_old_version_is_deployed),
		TEST(the_options_are_part_of_it),
		TEST(cancelled_is_no_look),
		TEST(what_changed_since_the_look_is_not_touched),
		TEST(retiring_is_restoring_the_options),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
