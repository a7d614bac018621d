#include "tests/unit/target/beanstalk_world.h"

/* What is left of two environments: after the bake time, and after a way back. */

static struct row after(const struct row *base, const char *cname, const char *status)
{
	struct row r = *base;

	r.cname = cname;
	r.status = status;
	return r;
}

/* The clone serves, the old one is there still. */
static int set_up(void **state)
{
	const struct row live = after(&live_row, CLONE DOMAIN, NULL);
	const struct row clone = after(&clone_row, CNAME, NULL);
	struct world *w;

	eb_world_set_up(state);
	w = *state;
	remember(w, &clone_record, LABEL, 1);
	environments(w, &live, &clone);
	settings(w, "shop-prod", "deployed", SIZES("2", "4"));
	settings(w, CLONE, "deployed", SIZES("2", "4"));
	has_template(w, false);
	fleet(w, "e-live", "v1 v1");
	answers(w, "UpdateEnvironment", eb_row(w, &live_row));
	answers(w, "TerminateEnvironment", eb_row(w, &live_row));
	answers(w, "DeleteConfigurationTemplate", "");
	return 0;
}

static void expect_retired(struct world *w, bool want, const char *words)
{
	struct target_observation o = look(w, PHASE_RETIRE);

	assert_int_equal(o.live, LIVE_PROMOTED);
	if (o.retired != want || !strstr(o.detail, words))
		fail_msg("retired %d: \"%s\", not \"%s\"", o.retired, o.detail, words);
}

static int retire(struct world *w)
{
	struct target_observation o = look(w, PHASE_RETIRE);

	w->err = ERR_INIT;
	return target_beanstalk.retire(&w->env, &w->state, &o, &w->err);
}

static void retire_ok(struct world *w)
{
	if (retire(w))
		fail_msg("%s", w->err.text);
}

static void expect_left(struct world *w, bool want, const char *words)
{
	struct target_observation o = look(w, PHASE_PROVE);

	if (o.leftover != want || !strstr(o.detail, words))
		fail_msg("leftover %d: \"%s\", not \"%s\"", o.leftover, o.detail, words);
}

static int discard(struct world *w)
{
	struct target_observation o = look(w, PHASE_PROVE);

	w->err = ERR_INIT;
	return target_beanstalk.discard(&w->env, &w->state, &o, &w->err);
}

static void discard_ok(struct world *w)
{
	if (discard(w))
		fail_msg("%s", w->err.text);
}

/* --- after the bake time --------------------------------------------------------------------- */

static void what_is_kept_is_left_alone(void **state)
{
	struct world *w = *state;

	expect_retired(w, true, "");
	retire_ok(w);
	assert_int_equal(called(w, "UpdateEnvironment"), 0);
	assert_int_equal(called(w, "TerminateEnvironment"), 0);
}

static void sizes_and_template_go_first(void **state)
{
	const struct row live = after(&live_row, CLONE DOMAIN, NULL);
	struct row clone = after(&clone_row, CNAME, "Updating");
	struct world *w = *state;

	settings(w, CLONE, "deployed", SIZES("3", "4"));
	has_template(w, true);
	expect_retired(w, false, "sizes are still those of the rollout");
	retire_ok(w);
	assert_non_null(strstr(last_body(w, "POST", "Action=UpdateEnvironment"),
			       "EnvironmentId=e-clone&OptionSettings.member.1.Namespace="
			       "aws%3Aautoscaling%3Aasg&OptionSettings.member.1.OptionName=MinSize&"
			       "OptionSettings.member.1.Value=2"));
	environments(w, &live, &clone);
	expect_retired(w, false, "not Ready yet");
	retire_ok(w);
	assert_int_equal(called(w, "UpdateEnvironment"), 1);
	clone.status = NULL;
	environments(w, &live, &clone);
	settings(w, CLONE, "deployed", SIZES("2", "4"));
	expect_retired(w, false, "template of the clone");
	retire_ok(w);
	assert_non_null(strstr(last_body(w, "POST", "Action=DeleteConfigurationTemplate"),
			       "ApplicationName=shop&TemplateName=" CLONE));
	/* gone meanwhile */
	refuses(w, "DeleteConfigurationTemplate", 400, "InvalidParameterValue",
		"No Configuration Template named x found.");
	retire_ok(w);
	denied(w, "DeleteConfigurationTemplate");
	expect_error(w, retire(w), ERR_DENIED, "DeleteConfigurationTemplate");
}

static void the_old_one_is_terminated(void **state)
{
	const struct row clone = after(&clone_row, CNAME, NULL);
	struct row live = after(&live_row, CLONE DOMAIN, "Updating");
	struct world *w = *state;

	w->plan.target.beanstalk.retire = BEANSTALK_TERMINATE;
	environments(w, &live, &clone);
	expect_retired(w, false, "not Ready yet");
	live.status = "Ready";
	environments(w, &live, &clone);
	expect_retired(w, false, "there still");
	retire_ok(w);
	assert_non_null(strstr(last_body(w, "POST", "Action=TerminateEnvironment"),
			       "EnvironmentId=e-live"));
	live.status = "Terminating";
	environments(w, &live, &clone);
	expect_retired(w, true, "");
	retire_ok(w);
	environments(w, NULL, &clone);
	expect_retired(w, true, "");
	assert_int_equal(called(w, "TerminateEnvironment"), 1);
	live.status = "Ready";
	environments(w, &live, &clone);
	refuses(w, "TerminateEnvironment", 400, "InvalidParameterValue",
		"No Environment found for EnvironmentId = e-live");
	retire_ok(w);
	denied(w, "TerminateEnvironment");
	expect_error(w, retire(w), ERR_DENIED, "TerminateEnvironment");
}

static void the_old_one_is_scaled_in(void **state)
{
	struct bean_record r = clone_record;
	struct world *w = *state;

	w->plan.target.beanstalk.retire = BEANSTALK_SCALE_IN;
	expect_retired(w, false, "not scaled in yet");
	retire_ok(w);
	assert_non_null(strstr(last_body(w, "POST", "Action=UpdateEnvironment"),
			       "EnvironmentId=e-live&OptionSettings.member.1.Namespace="
			       "aws%3Aautoscaling%3Aasg&OptionSettings.member.1.OptionName=MinSize&"
			       "OptionSettings.member.1.Value=1"));
	settings(w, "shop-prod", "deployed", SIZES("1", "1"));
	settings(w, CLONE, "deployed", SIZES("2", "4")); /* its name begins like the other's */
	expect_retired(w, true, "");
	r.min = r.max = 0; /* a single instance */
	remember(w, &r, LABEL, 1);
	expect_retired(w, true, "");
}

/* The trap of traps: what serves must not be retired. */
static void what_serves_is_never_retired(void **state)
{
	struct target_observation o;
	struct world *w = *state;

	w->plan.target.beanstalk.retire = BEANSTALK_TERMINATE;
	o = look(w, PHASE_RETIRE);
	environments(w, &live_row, &clone_row); /* exchanged back since */
	w->err = ERR_INIT;
	expect_error(w, target_beanstalk.retire(&w->env, &w->state, &o, &w->err), ERR_CONFLICT,
		     "does not have " CNAME " any more");
	environments(w, &live_row, NULL);
	expect_error(w, target_beanstalk.retire(&w->env, &w->state, &o, &w->err), ERR_NOT_FOUND,
		     "is gone");
	denied(w, "DescribeEnvironments");
	expect_error(w, target_beanstalk.retire(&w->env, &w->state, &o, &w->err), ERR_DENIED,
		     "DescribeEnvironments");
	assert_int_equal(called(w, "TerminateEnvironment"), 0);
}

static void what_cannot_be_read_is_not_retired(void **state)
{
	struct world *w = *state;

	denied(w, "DescribeConfigurationSettings");
	assert_int_equal(look(w, PHASE_RETIRE).live, LIVE_UNREADABLE);
	expect_error(w, retire(w), ERR_DENIED, "DescribeConfigurationSettings");
	settings(w, CLONE, "deployed", SIZES("2", "4"));
	assert_int_equal(look(w, PHASE_RETIRE).live, LIVE_UNREADABLE);
	has_template(w, false);
	w->plan.target.beanstalk.retire = BEANSTALK_SCALE_IN;
	assert_int_equal(look(w, PHASE_RETIRE).live, LIVE_UNREADABLE);
	w->plan.target.beanstalk.match_capacity = false;
	w->plan.target.beanstalk.retire = BEANSTALK_KEEP;
	expect_retired(w, true, "");
}

/* --- after a way back ------------------------------------------------------------------------ */

static void a_clone_is_discarded(void **state)
{
	struct row clone = after(&clone_row, CLONE DOMAIN, "Launching");
	struct world *w = *state;

	environments(w, &live_row, &clone);
	has_template(w, true);
	expect_left(w, true, "not Ready yet");
	discard_ok(w);
	assert_int_equal(called(w, "TerminateEnvironment"), 0);
	clone.status = "Ready";
	environments(w, &live_row, &clone);
	expect_left(w, true, "not needed any more");
	discard_ok(w);
	assert_non_null(strstr(last_body(w, "POST", "Action=TerminateEnvironment"),
			       "EnvironmentId=e-clone"));
	clone.status = "Terminating";
	environments(w, &live_row, &clone);
	expect_left(w, true, "template");
	discard_ok(w);
	assert_int_equal(called(w, "DeleteConfigurationTemplate"), 1);
	has_template(w, false);
	expect_left(w, false, "");
	discard_ok(w);
	environments(w, &live_row, NULL);
	expect_left(w, false, "");
	assert_int_equal(called(w, "TerminateEnvironment"), 1);
}

static void what_serves_is_never_discarded(void **state)
{
	const struct row live = after(&live_row, CLONE DOMAIN, NULL);
	const struct row clone = after(&clone_row, CNAME, NULL);
	struct target_observation o;
	struct world *w = *state;

	environments(w, &live_row, &clone_row);
	o = look(w, PHASE_PROVE);
	assert_true(o.leftover);
	environments(w, &live, &clone); /* exchanged again since */
	assert_int_equal(target_beanstalk.discard(&w->env, &w->state, &o, &w->err), 0);
	assert_int_equal(called(w, "TerminateEnvironment"), 0);
	assert_false(look(w, PHASE_PROVE).leftover);
}

static void a_twin_gets_its_sizes_back(void **state)
{
	const struct bean_record r = twin_record();
	struct row twin = twin_row;
	struct world *w = *state;

	remember(w, &r, LABEL, 1);
	environments(w, &live_row, &twin);
	settings(w, "shop-green", "deployed", SIZES("3", "4"));
	expect_left(w, true, "sizes");
	discard_ok(w);
	assert_non_null(strstr(last_body(w, "POST", "Action=UpdateEnvironment"),
			       "EnvironmentId=e-twin&OptionSettings.member.1.Namespace="
			       "aws%3Aautoscaling%3Aasg&OptionSettings.member.1.OptionName=MinSize&"
			       "OptionSettings.member.1.Value=1"));
	twin.status = "Updating";
	environments(w, &live_row, &twin);
	expect_left(w, true, "not Ready");
	twin.status = "Ready";
	environments(w, &live_row, &twin);
	settings(w, "shop-green", "deployed", SIZES("1", "1"));
	expect_left(w, false, "");
	environments(w, &live_row, NULL);
	expect_left(w, false, "");
	assert_int_equal(called(w, "TerminateEnvironment"), 0);
	w->plan.target.beanstalk.match_capacity = false;
	environments(w, &live_row, &twin);
	settings(w, "shop-green", "deployed", SIZES("3", "4"));
	expect_left(w, false, "");
}

static void what_cannot_be_read_is_not_discarded(void **state)
{
	const struct bean_record r = twin_record();
	struct world *w = *state;

	environments(w, &live_row, NULL);
	denied(w, "DescribeConfigurationSettings");
	/* what is proved stays proved */
	expect_left(w, true, "DescribeConfigurationSettings");
	assert_int_equal(look(w, PHASE_PROVE).live, LIVE_BASELINE);
	assert_int_equal(look(w, PHASE_PROVE).baseline_health.kind, VERDICT_PASS);
	expect_error(w, discard(w), ERR_DENIED, "DescribeConfigurationSettings");
	remember(w, &r, LABEL, 1);
	environments(w, &live_row, &twin_row);
	expect_left(w, true, "DescribeConfigurationSettings");
	canceled_in(w, PHASE_PROVE, "DescribeConfigurationSettings");
	denied(w, "DescribeEnvironments");
	expect_error(w, discard(w), ERR_DENIED, "DescribeEnvironments");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, world_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(what_is_kept_is_left_alone),   TEST(sizes_and_template_go_first),
		TEST(the_old_one_is_terminated),    TEST(the_old_one_is_scaled_in),
		TEST(what_serves_is_never_retired), TEST(what_cannot_be_read_is_not_retired),
		TEST(a_clone_is_discarded),	    TEST(what_serves_is_never_discarded),
		TEST(a_twin_gets_its_sizes_back),   TEST(what_cannot_be_read_is_not_discarded),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
