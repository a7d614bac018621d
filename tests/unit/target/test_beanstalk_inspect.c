#include "tests/unit/target/beanstalk_artifact.h"

/* The first look, by swap: every trap is said before anything is touched. */

static void no_managed_actions(struct world *w)
{
	answers(w, "DescribeEnvironmentManagedActions", "");
}

/* All is well: nothing is said but the warning about aliases. */
static void good(struct world *w)
{
	environments(w, &live_row, &twin_row);
	settings(w, "shop-prod", "deployed", SIZES("2", "4"));
	settings(w, "shop-green", "deployed", SIZES("1", "2"));
	fleet(w, "e-live", "v1 v1 v1");
	instances(w, "e-live", 3);
	no_managed_actions(w);
	/* looked for by its name: names are unique in the region */
	says(w, "EnvironmentNames.member.1=", 200,
	     eb_answer(w, "DescribeEnvironments", "<Environments/>"));
	answers(w, "CheckDNSAvailability",
		"<Available>true</Available><FullyQualifiedCNAME>x" DOMAIN
		"</FullyQualifiedCNAME>");
}

static int set_up(void **state)
{
	artifact_set_up(state);
	good(*state);
	return 0;
}

static int inspect(struct world *w)
{
	bool first = true;
	int rc;

	problems_init(&w->problems, w->f->arena);
	w->err = ERR_INIT;
	w->state.undo[0] = '\0';
	rc = target_beanstalk.inspect(&w->env, w->state.undo, &first, &w->problems, &w->err);
	assert_false(rc == 0 && first);
	for (size_t i = 0; i < w->f->n_requests; i++)
		if (strcmp(w->f->requests[i].method, "GET") != 0 &&
		    !strstr(w->f->requests[i].body.p, "Action=Describe") &&
		    !strstr(w->f->requests[i].body.p, "Action=CheckDNS"))
			fail_msg("not a read: %s", w->f->requests[i].body.p);
	return rc;
}

static void accepted(struct world *w)
{
	if (inspect(w))
		fail_msg("%s", w->err.text);
	if (w->problems.n_errors)
		fail_msg("%s", world_problems(w));
	assert_true(w->state.undo[0]);
}

static void refused(struct world *w, const char *words)
{
	forget_requests(w);
	if (inspect(w))
		fail_msg("%s", w->err.text);
	expect_said(w, words);
	if (!w->problems.n_errors)
		fail_msg("accepted; not refused for %s", words);
	assert_false(w->state.undo[0]);
}

static void the_record_says_what_was_live(void **state)
{
	struct world *w = *state;
	struct bean_record r;

	accepted(w);
	assert_int_equal(bean_record_load(w->f->arena, w->state.undo, &r, &w->err), 0);
	assert_int_equal(r.method, BEANSTALK_BY_SWAP);
	assert_string_equal(r.application, "shop");
	assert_string_equal(r.baseline, "e-live");
	assert_string_equal(r.name, "shop-prod");
	assert_string_equal(r.label, "v1");
	assert_string_equal(r.cname, CNAME);
	assert_string_equal(r.candidate, CLONE);
	assert_string_equal(r.twin, "");
	assert_int_equal(r.instances, 3);
	assert_int_equal(r.min, 2);
	assert_int_equal(r.max, 4);
	expect_said(w, "Route 53 alias");
	/* by its name, too; a CNAME in any case */
	w->plan.target.beanstalk.cname = NULL;
	w->plan.target.beanstalk.environment = "shop-prod";
	accepted(w);
	w->plan.target.beanstalk.environment = NULL;
	w->plan.target.beanstalk.cname = "SHOP" DOMAIN;
	accepted(w);
}

static void a_single_instance_has_no_sizes(void **state)
{
	struct world *w = *state;
	struct bean_record r;

	settings(w, "shop-prod", "deployed",
		 "aws:elasticbeanstalk:environment/EnvironmentType=SingleInstance");
	w->plan.target.beanstalk.retire = BEANSTALK_SCALE_IN;
	accepted(w);
	expect_said(w, "cannot be scaled in");
	assert_int_equal(bean_record_load(w->f->arena, w->state.undo, &r, &w->err), 0);
	assert_int_equal(r.max, 0);
	assert_int_equal(r.instances, 0);
}

static void an_environment_has_to_be_there(void **state)
{
	struct world *w = *state;

	w->plan.target.beanstalk.cname = "other" DOMAIN;
	refused(w, "no environment of this CNAME");
	w->plan.target.beanstalk.cname = NULL;
	w->plan.target.beanstalk.environment = "shop-old";
	refused(w, "no environment of this name; after an exchange");
	w->plan.target.beanstalk.cname = CNAME;
	refused(w, "it belongs to shop-prod, not to shop-old");
	refuses(w, "DescribeEnvironments", 400, "InvalidParameterValue",
		"No Application named 'shop' found.");
	refused(w, "No Application named");
}

/* The trap: named by its name, what gave its address away would be deployed to for nothing. */
static void one_that_gave_its_address_away_is_refused(void **state)
{
	struct row old = live_row;
	struct world *w = *state;

	old.cname = CLONE DOMAIN;
	environments(w, &old, NULL);
	w->plan.target.beanstalk.cname = NULL;
	w->plan.target.beanstalk.environment = "shop-prod";
	refused(w, "gave its own away in a rollout before");
}

static void the_live_one_has_to_be_ready_and_well(void **state)
{
	struct row r = live_row;
	struct world *w = *state;

	r.status = "Updating";
	environments(w, &r, NULL);
	refused(w, "the environment is Updating");
	r.status = "Ready";
	r.abortable = "true";
	environments(w, &r, NULL);
	refused(w, "no update runs");
	r.abortable = NULL;
	r.health = "Severe";
	environments(w, &r, NULL);
	refused(w, "nothing to go back to");
	r.health = NULL;
	r.color = "Green";
	environments(w, &r, NULL);
	basic_reporting(w);
	accepted(w);
	r.color = "Red";
	environments(w, &r, NULL);
	refused(w, "nothing to go back to");
	r = live_row;
	r.label = "v\xc3\xa9";
	environments(w, &r, NULL);
	fleet(w, "e-live", "v1 v1");
	refused(w, "not plain ASCII");
}

static void what_has_no_cname_cannot_be_exchanged(void **state)
{
	struct row r = live_row;
	struct world *w = *state;

	w->plan.target.beanstalk.cname = NULL;
	w->plan.target.beanstalk.environment = "shop-prod";
	r.tier = "Worker";
	r.cname = NULL;
	environments(w, &r, NULL);
	refused(w, "of tier Worker");
	expect_said(w, "no CNAME that could be exchanged");
}

/* The trap: an environment's own database dies with it. */
static void an_own_database_is_refused(void **state)
{
	struct world *w = *state;

	settings(w, "shop-prod", "deployed",
		 SIZES("2", "4") "|aws:rds:dbinstance/DBEngine=postgres");
	refused(w, "owns an RDS database");
	settings(w, "shop-prod", "deployed",
		 SIZES("2", "4") "|aws:rds:dbinstance/HasCoupledDatabase=true");
	refused(w, "owns an RDS database");
	settings(w, "shop-prod", "deployed",
		 SIZES("2", "4") "|aws:rds:dbinstance/HasCoupledDatabase=false|"
				 "aws:rds:dbinstance/DBEngine=postgres");
	accepted(w);
	settings(w, "shop-prod", "deployed", SIZES("2", "4") "|aws:rds:dbinstance/DBEngine=");
	accepted(w);
}

/* The trap: a managed update may begin in the middle. */
static void a_managed_update_that_comes_in_between_is_refused(void **state)
{
	static const struct {
		const char *action;
		bool refused;
	} cases[] = {
		{"<Status>Running</Status>", true},
		{"<Status>Pending</Status><WindowStartTime>2030-01-01T00:00:00Z</WindowStartTime>",
		 true},
		{"<Status>Scheduled</Status>", true},
		/* an hour of preparation, ten minutes of baking */
		{"<Status>Scheduled</Status><WindowStartTime>2026-01-02T04:14:00Z</"
		 "WindowStartTime>",
		 true},
		{"<Status>Scheduled</Status><WindowStartTime>2026-01-02T04:15:00Z</"
		 "WindowStartTime>",
		 false},
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		answers(w, "DescribeEnvironmentManagedActions",
			arena_printf(w->f->arena,
				     "<ManagedActions><member><ActionId>a</ActionId><ActionType>"
				     "PlatformUpdate</ActionType>%s</member></ManagedActions>",
				     cases[i].action));
		if (cases[i].refused)
			refused(w, "a managed update (PlatformUpdate");
		else
			accepted(w);
		forget_requests(w);
	}
	denied(w, "DescribeEnvironmentManagedActions");
	accepted(w);
	expect_said(w, "whether a managed update comes in between cannot be read");
	refuses(w, "DescribeEnvironmentManagedActions", 503, "ServiceUnavailable", "m");
	expect_error(w, inspect(w), ERR_UNAVAILABLE, "ManagedActions");
}

/* The trap: after a rolling deployment that failed the fleet is mixed. */
static void a_mixed_fleet_is_refused(void **state)
{
	struct row sample = live_row;
	struct world *w = *state;

	fleet(w, "e-live", "v1 v0 v1");
	refused(w, "1 of its 3 instances do not run v1");
	settings(w, "shop-prod", "pending", SIZES("2", "4"));
	fleet(w, "e-live", "v1 v1 v1");
	refused(w, "its newest configuration is pending");
	settings(w, "shop-prod", "failed", SIZES("2", "4"));
	refused(w, "its newest configuration is failed");
	settings(w, "shop-prod", "deployed", SIZES("2", "4"));
	sample.label = NULL;
	environments(w, &sample, NULL);
	accepted(w);
}

/* --- a clone --------------------------------------------------------------------------------- */

static void names_that_are_taken_are_refused(void **state)
{
	struct world *w = *state;

	answers(w, "CheckDNSAvailability", "<Available>false</Available>");
	refused(w, "CNAME prefix is taken");
	w->plan.target.beanstalk.cname_prefix = "shop-next";
	refused(w, "shop-next");
	assert_non_null(strstr(last_body(w, "POST", "Action=CheckDNS"), "CNAMEPrefix=shop-next"));
	says(w, "EnvironmentNames.member.1=", 200,
	     eb_answer(w, "DescribeEnvironments",
		       arena_printf(w->f->arena, "<Environments><member>%s</member></Environments>",
				    eb_row(w, &clone_row))));
	refused(w, "which the candidate would get, exists already");
}

/* The trap: mixed old and new formats of URLs broke exchanges. */
static void mixed_formats_are_refused(void **state)
{
	struct row old = live_row;
	struct world *w = *state;

	old.cname = "shop.elasticbeanstalk.com";
	environments(w, &old, NULL);
	w->plan.target.beanstalk.cname = old.cname;
	refused(w, "of different formats");
	answers(w, "CheckDNSAvailability", "<Available>true</Available>");
	accepted(w); /* nobody knows */
}

/* The trap: an alias to the load balancer stays where it is. */
static void an_alias_that_would_not_move_is_refused(void **state)
{
	static const struct {
		const char *record;
		bool refused;
	} cases[] = {
		{"<Type>A</Type><AliasTarget><DNSName>dualstack.AWSEB-1.elb.amazonaws.com."
		 "</DNSName></AliasTarget>",
		 true},
		{"<Type>CNAME</Type><ResourceRecords><ResourceRecord><Value>awseb-1.elb.amazonaws."
		 "com</Value></ResourceRecord></ResourceRecords>",
		 true},
		{"<Type>A</Type><AliasTarget><DNSName>" CNAME ".</DNSName></AliasTarget>", false},
		{"<Type>TXT</Type><ResourceRecords><ResourceRecord><Value>x</Value>"
		 "</ResourceRecord></ResourceRecords>",
		 false},
	};
	struct row live = live_row;
	struct world *w = *state;
	struct route *zone;

	w->plan.target.beanstalk.hosted_zone = "Z1";
	live.endpoint = "awseb-1.elb.amazonaws.com";
	environments(w, &live, NULL);
	zone = route(w, "GET", "/2013-04-01/hostedzone/Z1/rrset", 200, "");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		zone->body = arena_printf(w->f->arena,
					  "<R><ResourceRecordSets><ResourceRecordSet><Name>www."
					  "</Name>%s</ResourceRecordSet></ResourceRecordSets></R>",
					  cases[i].record);
		if (cases[i].refused)
			refused(w, "which an exchange of CNAMEs does not move");
		else
			accepted(w);
		for (const struct problem *p = w->problems.first; p; p = p->next)
			assert_null(strstr(p->text, "say hosted_zone"));
	}
	zone->status = 404;
	zone->body = "<E><Error><Code>NoSuchHostedZone</Code></Error></E>";
	refused(w, "NoSuchHostedZone");
	zone->status = 403;
	zone->body = "<E><Error><Code>AccessDenied</Code></Error></E>";
	expect_error(w, inspect(w), ERR_DENIED, "ListResourceRecordSets");
}

/* --- a twin ---------------------------------------------------------------------------------- */

static void with_twin(struct world *w)
{
	w->plan.target.beanstalk.environment = "shop-prod";
	w->plan.target.beanstalk.twin = "shop-green";
}

static void a_twin_is_whichever_is_not_live(void **state)
{
	struct row green = twin_row, prod = live_row;
	struct world *w = *state;
	struct bean_record r;

	with_twin(w);
	accepted(w);
	assert_int_equal(bean_record_load(w->f->arena, w->state.undo, &r, &w->err), 0);
	assert_string_equal(r.baseline, "e-live");
	assert_string_equal(r.twin, "e-twin");
	assert_string_equal(r.candidate, "shop-green");
	assert_int_equal(r.twin_min, 1);
	assert_int_equal(r.twin_max, 2);
	assert_int_equal(called(w, "CheckDNSAvailability"), 0);
	/* after the next exchange it is the other way round */
	green.cname = CNAME;
	prod.cname = "green" DOMAIN;
	environments(w, &prod, &green);
	fleet(w, "e-twin", "v0");
	instances(w, "e-twin", 2);
	accepted(w);
	assert_int_equal(bean_record_load(w->f->arena, w->state.undo, &r, &w->err), 0);
	assert_string_equal(r.baseline, "e-twin");
	assert_string_equal(r.label, "v0");
	assert_string_equal(r.twin, "e-live");
	assert_string_equal(r.candidate, "shop-prod");
}

static void a_twin_has_its_own_traps(void **state)
{
	struct row twin = twin_row;
	struct world *w = *state;

	with_twin(w);
	twin.status = "Updating";
	twin.stack = "Node 18";
	environments(w, &live_row, &twin);
	refused(w, "the environment is Updating");
	expect_said(w, "its platform is Node 18");
	twin = twin_row;
	twin.cname = "green.elasticbeanstalk.com";
	environments(w, &live_row, &twin);
	refused(w, "of different formats");
	twin.cname = NULL;
	environments(w, &live_row, &twin);
	refused(w, "no CNAME that could be exchanged");
	environments(w, &live_row, &twin_row);
	settings(w, "shop-green", "deployed", "aws:rds:dbinstance/DBEngine=mysql");
	refused(w, "owns an RDS database");
	environments(w, &live_row, NULL);
	refused(w, "no such environment beside shop-prod");
}

/* --- what cannot be read --------------------------------------------------------------------- */

static void what_cannot_be_read_is_an_error(void **state)
{
	static const char *const reads[] = {"DescribeEnvironments", "DescribeConfigurationSettings",
					    "DescribeInstancesHealth",
					    "DescribeEnvironmentResources", "CheckDNSAvailability"};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
		forget_routes(w);
		good(w);
		denied(w, reads[i]);
		expect_error(w, inspect(w), ERR_DENIED, reads[i]);
	}
	forget_routes(w);
	good(w);
	says(w, "EnvironmentNames.member.1=", 403, "<ErrorResponse/>");
	expect_error(w, inspect(w), ERR_DENIED, "DescribeEnvironments");
	with_twin(w);
	settings(w, "shop-green", "deployed", "");
	says(w,
	     "DescribeConfigurationSettings&Version=2010-12-01&ApplicationName=shop&"
	     "EnvironmentName=shop-green",
	     403, "<ErrorResponse/>");
	expect_error(w, inspect(w), ERR_DENIED, "DescribeConfigurationSettings");
	w->env.artifact = NULL;
	expect_error(w, inspect(w), ERR_REJECTED, "no input artifact");
}

static void a_record_that_does_not_fit_is_refused(void **state)
{
	struct row r = live_row;
	struct world *w = *state;

	r.label = fake_repeat(w->f->arena, "v", 500); /* nobody keeps to limits for ever */
	environments(w, &r, NULL);
	fleet(w, "e-live", "");
	refused(w, "undo record");
	w->plan.target.beanstalk.bundle = "nowhere";
	refused(w, "no such file or folder");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, artifact_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_record_says_what_was_live),
		TEST(a_single_instance_has_no_sizes),
		TEST(an_environment_has_to_be_there),
		TEST(one_that_gave_its_address_away_is_refused),
		TEST(the_live_one_has_to_be_ready_and_well),
		TEST(what_has_no_cname_cannot_be_exchanged),
		TEST(an_own_database_is_refused),
		TEST(a_managed_update_that_comes_in_between_is_refused),
		TEST(a_mixed_fleet_is_refused),
		TEST(names_that_are_taken_are_refused),
		TEST(mixed_formats_are_refused),
		TEST(an_alias_that_would_not_move_is_refused),
		TEST(a_twin_is_whichever_is_not_live),
		TEST(a_twin_has_its_own_traps),
		TEST(what_cannot_be_read_is_an_error),
		TEST(a_record_that_does_not_fit_is_refused),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
