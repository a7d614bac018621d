#include "tests/unit/target/beanstalk_artifact.h"

#include "worker/target/record.h"

/* Bringing a second environment up: a clone, or a standing twin. */

static int set_up(void **state)
{
	struct world *w;

	artifact_set_up(state);
	w = *state;
	remember(w, &clone_record, LABEL, 0);
	version_is(w, LABEL, "PROCESSED");
	environments(w, &live_row, NULL);
	no_events(w, "e-clone");
	no_events(w, "e-twin");
	fleet(w, "e-clone", LABEL " " LABEL " " LABEL);
	fleet(w, "e-twin", "v0");
	settings(w, "shop-green", "deployed", SIZES("1", "1"));
	has_template(w, true);
	says(w, "Action=ListTagsForResource&", 200,
	     eb_answer(w, "ListTagsForResource",
		       "<ResourceTags><member><Key>team</Key><Value>a</Value></member><member><Key>"
		       "rollout-worker</Key><Value>r-0</Value></member></ResourceTags>"));
	answers(w, "CreateEnvironment", eb_row(w, &clone_row));
	answers(w, "CreateConfigurationTemplate", "");
	answers(w, "UpdateEnvironment", eb_row(w, &twin_row));
	return 0;
}

/* --- the version first ----------------------------------------------------------------------- */

static void the_label_is_the_first_that_is_known(void **state)
{
	struct world *w = *state;

	w->state.candidate[0] = '\0';
	expect_candidate(w, PHASE_PREPARE, CANDIDATE_ABSENT, "no version of the artifact yet");
	forget_requests(w);
	prepare_ok(w);
	assert_non_null(strstr(w->state.candidate, label_of(w, zip_of(w, "v2"))));
	assert_int_equal(w->f->n_requests, 0); /* it may be what serves already */
	w->state.candidate[0] = '\0';
	w->env.artifact = NULL;
	expect_error(w, prepare(w), ERR_REJECTED, "no input artifact");
	assert_string_equal(w->state.candidate, "");
}

static void what_serves_already_is_the_same(void **state)
{
	struct bean_record r = clone_record;
	struct row live = live_row;
	struct world *w = *state;

	r.label = LABEL;
	live.label = LABEL;
	remember(w, &r, LABEL, 0);
	environments(w, &live, NULL);
	expect_candidate(w, PHASE_PREPARE, CANDIDATE_SAME, "");
}

static void nothing_is_created_before_the_version_is_there(void **state)
{
	struct world *w = *state;

	version_is(w, LABEL, "PROCESSING");
	prepare_ok(w);
	assert_int_equal(called(w, "CreateEnvironment"), 0);
	version_is(w, LABEL, "FAILED");
	expect_error(w, prepare(w), ERR_REJECTED, "could not process version");
}

/* --- a clone --------------------------------------------------------------------------------- */

static void a_clone_is_created_from_a_template(void **state)
{
	struct world *w = *state;

	expect_candidate(w, PHASE_PREPARE, CANDIDATE_ABSENT, "no environment " CLONE " yet");
	has_template(w, false);
	prepare_ok(w);
	assert_string_equal(last_body(w, "POST", "Action=CreateConfigurationTemplate"),
			    "Action=CreateConfigurationTemplate&Version=2010-12-01&"
			    "ApplicationName=shop&TemplateName=" CLONE "&EnvironmentId=e-live");
	assert_int_equal(called(w, "CreateEnvironment"), 0);
	has_template(w, true);
	prepare_ok(w);
	assert_string_equal(
		last_body(w, "POST", "Action=CreateEnvironment"),
		"Action=CreateEnvironment&Version=2010-12-01&ApplicationName=shop&"
		"EnvironmentName=" CLONE
		"&Description=candidate%20beside%20shop-prod&CNAMEPrefix=" CLONE
		"&Tier.Name=WebServer&Tier.Type=Standard&VersionLabel=" LABEL "&TemplateName=" CLONE
		"&OptionSettings.member.1.Namespace=aws%3Aautoscaling%3Aasg"
		"&OptionSettings.member.1.OptionName=MinSize&OptionSettings.member.1.Value=3"
		"&OptionSettings.member.2.Namespace=aws%3Aautoscaling%3Aasg"
		"&OptionSettings.member.2.OptionName=MaxSize&OptionSettings.member.2.Value=4"
		"&Tags.member.1.Key=team&Tags.member.1.Value=a&Tags.member.2.Key=rollout-worker"
		"&Tags.member.2.Value=r-1");
	assert_int_equal(called(w, "CreateConfigurationTemplate"), 1);
}

static void a_clone_has_the_prefix_and_the_size_of_the_plan(void **state)
{
	struct bean_record r = clone_record;
	struct world *w = *state;

	w->plan.target.beanstalk.cname_prefix = "shop-next";
	r.instances = 6; /* scaled beyond what the options say */
	remember(w, &r, LABEL, 0);
	prepare_ok(w);
	assert_non_null(
		strstr(last_body(w, "POST", "Action=CreateEnvironment"), "CNAMEPrefix=shop-next"));
	assert_non_null(strstr(last_body(w, "POST", "Action=CreateEnvironment"),
			       "OptionName=MaxSize&OptionSettings.member.2.Value=6"));
	w->plan.target.beanstalk.match_capacity = false;
	prepare_ok(w);
	assert_non_null(strstr(last_body(w, "POST", "Action=CreateEnvironment"),
			       "OptionName=MinSize&OptionSettings.member.1.Value=2"));
	r.max = r.min = 0; /* a single instance has no sizes */
	remember(w, &r, LABEL, 0);
	prepare_ok(w);
	assert_null(strstr(last_body(w, "POST", "Action=CreateEnvironment"), "OptionSettings"));
}

/* Lost answers and second workers: a name that is taken is ours when it is in our application. */
static void a_repeated_creation_finds_the_first(void **state)
{
	struct world *w = *state;
	const char *row;

	refuses(w, "CreateEnvironment", 400, "InvalidParameterValue",
		"Environment " CLONE " already exists.");
	row = eb_answer(w, "DescribeEnvironments",
			arena_printf(w->f->arena,
				     "<Environments><member>%s</member></Environments>",
				     eb_row(w, &live_row)));
	once(w, "POST", "Action=DescribeEnvironments", 200, row);
	environments(w, &live_row, &clone_row);
	prepare_ok(w);
	/* and somebody else's when it is not */
	environments(w, &live_row, NULL);
	expect_error(w, prepare(w), ERR_REJECTED, "already exists");
	refuses(w, "CreateEnvironment", 400, "InvalidParameterValue",
		"DNS name (" CLONE DOMAIN ") is not available.");
	expect_error(w, prepare(w), ERR_REJECTED, "is not available");
	once(w, "POST", "Action=DescribeEnvironments", 200, row);
	denied(w, "DescribeEnvironments");
	expect_error(w, prepare(w), ERR_DENIED, "DescribeEnvironments");
	environments(w, &live_row, NULL);
	busy(w, "CreateEnvironment");
	prepare_ok(w);
	refuses(w, "CreateEnvironment", 400, "TooManyEnvironmentsException", "m");
	expect_error(w, prepare(w), ERR_REJECTED, "TooManyEnvironments");

	has_template(w, false);
	refuses(w, "CreateConfigurationTemplate", 400, "InvalidParameterValue",
		"Configuration Template " CLONE " already exists.");
	prepare_ok(w);
	busy(w, "CreateConfigurationTemplate");
	prepare_ok(w);
	denied(w, "CreateConfigurationTemplate");
	expect_error(w, prepare(w), ERR_DENIED, "CreateConfigurationTemplate");
}

static void a_clone_needs_what_it_is_made_from(void **state)
{
	struct row live = live_row;
	struct world *w = *state;

	live.status = "Updating";
	environments(w, &live, NULL);
	prepare_ok(w);
	assert_int_equal(called(w, "CreateEnvironment"), 0);
	environments(w, NULL, NULL);
	expect_error(w, prepare(w), ERR_REJECTED,
		     "the live environment shop-prod (e-live) is gone");
	environments(w, &live_row, NULL);
	denied(w, "ListTagsForResource");
	expect_error(w, prepare(w), ERR_DENIED, "ListTagsForResource");
	says(w, "TemplateName=" CLONE, 403, "<ErrorResponse/>");
	denied(w, "DescribeConfigurationSettings");
	expect_error(w, prepare(w), ERR_DENIED, "DescribeConfigurationSettings");
	denied(w, "DescribeEnvironments");
	expect_error(w, prepare(w), ERR_DENIED, "DescribeEnvironments");
}

/* --- is it up? ------------------------------------------------------------------------------- */

static void ready_means_more_than_ready(void **state)
{
	struct row r = clone_row;
	struct world *w = *state;

	remember(w, &clone_record, LABEL, AT(0) / 1000);
	w->f->now.ms = AT(30);
	environments(w, &live_row, &r);
	expect_candidate(w, PHASE_PREPARE, CANDIDATE_READY, "");
	r.status = "Launching";
	environments(w, &live_row, &r);
	expect_candidate(w, PHASE_PREPARE, CANDIDATE_PENDING, "is Launching");
	r.status = "Terminating";
	environments(w, &live_row, &r);
	expect_candidate(w, PHASE_PREPARE, CANDIDATE_FAILED, "is being terminated");
	r = clone_row;
	r.health = "Warning";
	environments(w, &live_row, &r);
	expect_candidate(w, PHASE_PREPARE, CANDIDATE_PENDING, "is not healthy: Ready, Warning");
	r.health = "Info";
	environments(w, &live_row, &r);
	expect_candidate(w, PHASE_PREPARE, CANDIDATE_READY, "");
	r.label = "v0";
	environments(w, &live_row, &r);
	expect_candidate(w, PHASE_PREPARE, CANDIDATE_PENDING, "runs v0, not yet " LABEL);
	r.label = NULL;
	environments(w, &live_row, &r);
	expect_candidate(w, PHASE_PREPARE, CANDIDATE_PENDING, "runs the sample application");
}

static void every_instance_has_to_run_it(void **state)
{
	static const struct {
		const char *fleet;
		enum candidate_state prepare, later;
		const char *words;
	} cases[] = {
		{LABEL " " LABEL " " LABEL, CANDIDATE_READY, CANDIDATE_READY, ""},
		{LABEL " " LABEL, CANDIDATE_PENDING, CANDIDATE_READY, "3 are wanted"},
		{LABEL " " LABEL " " LABEL "?", CANDIDATE_PENDING, CANDIDATE_READY,
		 "2 of 3 instances"},
		{LABEL " " LABEL " " LABEL " ~", CANDIDATE_PENDING, CANDIDATE_READY,
		 "3 of 4 instances"},
		{LABEL " " LABEL " v1", CANDIDATE_PENDING, CANDIDATE_PENDING, "2 of 3 instances"},
		{LABEL " " LABEL " " LABEL "!", CANDIDATE_FAILED, CANDIDATE_FAILED,
		 "failed on 1 of 3"},
		{LABEL "#4 " LABEL "#4 " LABEL "#5", CANDIDATE_PENDING, CANDIDATE_READY,
		 "of different deployments"},
		{"", CANDIDATE_PENDING, CANDIDATE_PENDING, "0 of 0 instances"},
	};
	struct world *w = *state;

	remember(w, &clone_record, LABEL, AT(0) / 1000);
	w->f->now.ms = AT(30);
	environments(w, &live_row, &clone_row);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fleet(w, "e-clone", cases[i].fleet);
		expect_candidate(w, PHASE_PREPARE, cases[i].prepare, cases[i].words);
		assert_int_equal(look(w, PHASE_VERIFY).candidate, cases[i].later);
		forget_requests(w);
	}
	denied(w, "DescribeInstancesHealth");
	assert_int_equal(look(w, PHASE_PREPARE).live, LIVE_UNREADABLE);
}

static void basic_reporting_counts_instances(void **state)
{
	struct row r = clone_row;
	struct world *w = *state;

	remember(w, &clone_record, LABEL, AT(0) / 1000);
	w->f->now.ms = AT(30);
	r.color = "Green";
	environments(w, &live_row, &r);
	basic_reporting(w);
	instances(w, "e-clone", 3);
	expect_candidate(w, PHASE_PREPARE, CANDIDATE_READY, "");
	instances(w, "e-clone", 2);
	expect_candidate(w, PHASE_PREPARE, CANDIDATE_PENDING, "2 of 2 instances");
	denied(w, "DescribeEnvironmentResources");
	assert_int_equal(look(w, PHASE_PREPARE).live, LIVE_UNREADABLE);
	r.color = "Grey";
	environments(w, &live_row, &r);
	expect_candidate(w, PHASE_PREPARE, CANDIDATE_PENDING, "Ready, Grey");
}

/* A launch that fails ends in Ready, too. */
static void an_error_since_it_was_begun_is_a_failure(void **state)
{
	struct world *w = *state;

	remember(w, &clone_record, LABEL, AT(0) / 1000);
	environments(w, &live_row, &clone_row);
	event(w, "e-clone", AT(1), "ERROR",
	      "Create environment operation is complete, but with errors.");
	expect_candidate(w, PHASE_PREPARE, CANDIDATE_FAILED, "but with errors");
	event(w, "e-clone", AT(1), "FATAL", "worse");
	expect_candidate(w, PHASE_VERIFY, CANDIDATE_FAILED, "worse");
	/* the service is asked for errors alone, and not believed */
	event(w, "e-clone", AT(1), "WARN", "a bit warm");
	assert_int_equal(look(w, PHASE_VERIFY).candidate, CANDIDATE_READY);
	/* clocks differ; a clone has no past */
	assert_non_null(strstr(last_body(w, "POST", "Action=DescribeEvents"),
			       "Severity=ERROR&StartTime=2026-01-02T02%3A04%3A05Z"));
	denied(w, "DescribeEvents");
	assert_int_equal(look(w, PHASE_VERIFY).live, LIVE_UNREADABLE);
	expect_error(w, prepare(w), ERR_DENIED, "DescribeEvents");
}

static void it_has_to_be_well_for_a_while(void **state)
{
	struct row r = clone_row;
	struct world *w = *state;

	environments(w, &live_row, &r);
	expect_candidate(w, PHASE_PREPARE, CANDIDATE_PENDING, "has to hold for 30 s");
	prepare_ok(w);
	assert_non_null(strstr(w->state.candidate, "\"h\":1767323045"));
	w->f->now.ms = AT(29);
	expect_candidate(w, PHASE_PREPARE, CANDIDATE_PENDING, "has to hold");
	prepare_ok(w);
	assert_non_null(strstr(w->state.candidate, "\"h\":1767323045"));
	/* a relapse begins anew */
	r.health = "Degraded";
	environments(w, &live_row, &r);
	prepare_ok(w);
	assert_null(strstr(w->state.candidate, "\"h\""));
	r.health = "Ok";
	environments(w, &live_row, &r);
	prepare_ok(w);
	w->f->now.ms = AT(59);
	expect_candidate(w, PHASE_PREPARE, CANDIDATE_READY, "");
	/* later it is up from one look to the next */
	remember(w, &clone_record, LABEL, 0);
	expect_candidate(w, PHASE_SHIFT, CANDIDATE_READY, "");
}

/* The health guard asks while it serves: an exchange that keeps it busy is no illness. */
static void being_busy_is_no_illness(void **state)
{
	struct row r = clone_row;
	struct world *w = *state;

	r.status = "Updating";
	environments(w, &live_row, &r);
	expect_candidate(w, PHASE_VERIFY, CANDIDATE_READY, "");
	expect_candidate(w, PHASE_SHIFT, CANDIDATE_PENDING, "is Updating");
	r.health = "Severe";
	environments(w, &live_row, &r);
	expect_candidate(w, PHASE_VERIFY, CANDIDATE_PENDING, "Severe");
}

/* --- a twin ---------------------------------------------------------------------------------- */

static void a_twin_is_scaled_and_then_told_the_version(void **state)
{
	const struct bean_record r = twin_record();
	struct row twin = twin_row;
	struct world *w = *state;

	remember(w, &r, LABEL, 0);
	environments(w, &live_row, &twin);
	expect_candidate(w, PHASE_PREPARE, CANDIDATE_PENDING, "runs v0, not yet");
	prepare_ok(w);
	assert_string_equal(
		last_body(w, "POST", "Action=UpdateEnvironment"),
		"Action=UpdateEnvironment&Version=2010-12-01&EnvironmentId=e-twin"
		"&OptionSettings.member.1.Namespace=aws%3Aautoscaling%3Aasg"
		"&OptionSettings.member.1.OptionName=MinSize&OptionSettings.member.1.Value=3"
		"&OptionSettings.member.2.Namespace=aws%3Aautoscaling%3Aasg"
		"&OptionSettings.member.2.OptionName=MaxSize&OptionSettings.member.2.Value=4");
	/* while that lasts nothing more is asked of it */
	twin.status = "Updating";
	environments(w, &live_row, &twin);
	prepare_ok(w);
	assert_int_equal(called(w, "UpdateEnvironment"), 1);
	twin.status = "Ready";
	environments(w, &live_row, &twin);
	settings(w, "shop-green", "deployed", SIZES("3", "4"));
	prepare_ok(w);
	assert_string_equal(last_body(w, "POST", "Action=UpdateEnvironment"),
			    "Action=UpdateEnvironment&Version=2010-12-01&EnvironmentId=e-twin"
			    "&VersionLabel=" LABEL);
	/* told already */
	twin.label = LABEL;
	environments(w, &live_row, &twin);
	prepare_ok(w);
	assert_int_equal(called(w, "UpdateEnvironment"), 2);
	w->plan.target.beanstalk.match_capacity = false;
	twin.label = "v0";
	environments(w, &live_row, &twin);
	settings(w, "shop-green", "deployed", SIZES("1", "1"));
	prepare_ok(w);
	assert_non_null(strstr(last_body(w, "POST", "Action=UpdateEnvironment"), "VersionLabel"));
}

/* Told this rollout's version, it runs neither that nor what it ran when it was told. */
static void a_twin_that_another_told_something_is_foreign(void **state)
{
	const struct bean_record r = twin_record();
	char before[RECORD_MARK_SIZE];
	const struct bean_candidate c = {.label = LABEL, .before = before};
	struct world *w = *state;
	struct row twin = twin_row;

	record_mark("v0", before);
	remember(w, &r, LABEL, 0);
	assert_int_equal(bean_candidate_store(&c, w->state.candidate, &w->err), 0);
	environments(w, &live_row, &twin);
	expect_live(w, PHASE_PREPARE, LIVE_BASELINE, "");
	twin.label = "v9";
	environments(w, &live_row, &twin);
	expect_live(w, PHASE_PREPARE, LIVE_FOREIGN,
		    "shop-green runs v9, which somebody else deployed");
}

static void what_goes_wrong_with_a_twin(void **state)
{
	const struct bean_record r = twin_record();
	struct world *w = *state;

	remember(w, &r, LABEL, 0);
	environments(w, &live_row, &twin_row);
	busy(w, "UpdateEnvironment");
	prepare_ok(w);
	denied(w, "UpdateEnvironment");
	expect_error(w, prepare(w), ERR_DENIED, "UpdateEnvironment");
	settings(w, "shop-green", "deployed", SIZES("3", "4"));
	expect_error(w, prepare(w), ERR_DENIED, "UpdateEnvironment");
	busy(w, "UpdateEnvironment");
	prepare_ok(w);
	denied(w, "DescribeConfigurationSettings");
	expect_error(w, prepare(w), ERR_DENIED, "DescribeConfigurationSettings");
	/* what failed is not told again */
	event(w, "e-twin", AT(1), "ERROR", "Failed to deploy application.");
	prepare_ok(w);
	expect_candidate(w, PHASE_PREPARE, CANDIDATE_FAILED, "Failed to deploy application.");
	/* its past does not count */
	assert_non_null(strstr(last_body(w, "POST", "Action=DescribeEvents"),
			       "StartTime=2026-01-02T03%3A04%3A05Z"));
	environments(w, &live_row, NULL);
	expect_error(w, prepare(w), ERR_REJECTED, "the twin shop-green (e-twin) is gone");
	expect_candidate(w, PHASE_PREPARE, CANDIDATE_FAILED, "no environment shop-green any more");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, artifact_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_label_is_the_first_that_is_known),
		TEST(what_serves_already_is_the_same),
		TEST(nothing_is_created_before_the_version_is_there),
		TEST(a_clone_is_created_from_a_template),
		TEST(a_clone_has_the_prefix_and_the_size_of_the_plan),
		TEST(a_repeated_creation_finds_the_first),
		TEST(a_clone_needs_what_it_is_made_from),
		TEST(ready_means_more_than_ready),
		TEST(every_instance_has_to_run_it),
		TEST(basic_reporting_counts_instances),
		TEST(an_error_since_it_was_begun_is_a_failure),
		TEST(it_has_to_be_well_for_a_while),
		TEST(being_busy_is_no_illness),
		TEST(a_twin_is_scaled_and_then_told_the_version),
		TEST(a_twin_that_another_told_something_is_foreign),
		TEST(what_goes_wrong_with_a_twin),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
