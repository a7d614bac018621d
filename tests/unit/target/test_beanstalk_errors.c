#include "tests/unit/target/beanstalk_balancer_world.h"
#include "tests/unit/target/beanstalk_split.h"
#include "tests/unit/target/broken_disk.h"
#include "tests/unit/target/walk_records.h"

/* Everything that can go wrong with a call, in every state of one environment or two. */

#define N(list) (sizeof(list) / sizeof((list)[0]))

/* A version or a template that is not there is made; and what is to go may be gone. */
#define TEMPLATE "DescribeConfigurationSettings=missing"
#define MADE "DescribeApplicationVersions=missing " TEMPLATE
#define GONE TEMPLATE " DeleteConfigurationTemplate=missing TerminateEnvironment=missing"

static const struct walk looks[] = {
	{WALK(OBSERVE, PREPARE), .forgiven = MADE},
	{WALK(OBSERVE, VERIFY), .forgiven = MADE},
	{WALK(OBSERVE, SHIFT)},
	{WALK(OBSERVE, WATCH)},
	{WALK(OBSERVE, PROMOTE)},
	{WALK(OBSERVE, RETIRE), .forgiven = TEMPLATE},
	{WALK(OBSERVE, RESTORE)},
	{WALK(OBSERVE, PROVE), .forgiven = TEMPLATE},
};

static struct row row_of(const struct row *base, const char *label, const char *cname,
			 const char *status)
{
	struct row r = *base;

	r.label = label;
	r.cname = cname;
	r.status = status;
	r.abortable = status && !strcmp(status, "Updating") ? "true" : NULL;
	return r;
}

/* All that two environments are asked, and everything works. */
static void all_works(struct world *w)
{
	static const char *const writes[] = {"SwapEnvironmentCNAMEs", "CreateConfigurationTemplate",
					     "DeleteConfigurationTemplate",
					     "AbortEnvironmentUpdate"};
	static const char *const rows[] = {"UpdateEnvironment", "TerminateEnvironment",
					   "CreateEnvironment"};

	for (size_t i = 0; i < N(writes); i++)
		answers(w, writes[i], "");
	for (size_t i = 0; i < N(rows); i++)
		answers(w, rows[i], eb_row(w, &clone_row));
	fleet(w, "e-live", "v1 v1 v1");
	fleet(w, "e-clone", LABEL " " LABEL " " LABEL);
	fleet(w, "e-twin", "v0");
	no_events(w, "e-live");
	no_events(w, "e-clone");
	no_events(w, "e-twin");
	settings(w, "shop-prod", "deployed", SIZES("2", "4"));
	settings(w, CLONE, "deployed", SIZES("2", "4"));
	settings(w, "shop-green", "deployed", SIZES("1", "1"));
	instances(w, "e-live", 3);
	instances(w, "e-clone", 3);
	has_template(w, true);
	answers(w, "CreateApplicationVersion",
		"<ApplicationVersion><VersionLabel>" LABEL "</VersionLabel></ApplicationVersion>");
	version_is(w, LABEL, "PROCESSED");
	says(w, "Action=ListTagsForResource&", 200,
	     eb_answer(w, "ListTagsForResource",
		       "<ResourceTags><member><Key>team</Key><Value>a</Value></member>"
		       "</ResourceTags>"));
}

static int set_up(void **state)
{
	struct world *w;

	artifact_set_up(state);
	w = *state;
	all_works(w);
	remember(w, &clone_record, LABEL, AT(-60) / 1000);
	return 0;
}

static const struct walk acts[] = {
	{WALK(PREPARE, PREPARE), .forgiven = MADE},
	{WALK(SPLIT, SHIFT), .want = {.weight_bp = 10000}},
	{WALK(SPLIT, SHIFT), .want = {.weight_bp = 500}},
	{WALK(PROMOTE, PROMOTE)},
	{WALK(RESTORE, RESTORE)},
	{WALK(RETIRE, RETIRE), .forgiven = GONE},
	{WALK(DISCARD, PROVE), .forgiven = GONE},
	{WALK(ADDRESS, VERIFY)},
};

static void a_clone_fails_closed(void **state)
{
	struct world *w = *state;
	struct row live = live_row, clone = clone_row;

	environments(w, &live, NULL);
	walk_each(w, &target_beanstalk, looks, 2);
	walk_each(w, &target_beanstalk, acts, N(acts));
	has_template(w, false);
	walk_each(w, &target_beanstalk, acts, 1);
	has_template(w, true);
	environments(w, &live, &clone);
	walk_each(w, &target_beanstalk, looks, N(looks));
	walk_each(w, &target_beanstalk, acts, N(acts));
	/* after the exchange */
	live = row_of(&live_row, "v1", CLONE DOMAIN, NULL);
	clone = row_of(&clone_row, LABEL, CNAME, NULL);
	environments(w, &live, &clone);
	walk_each(w, &target_beanstalk, looks, N(looks));
	walk_each(w, &target_beanstalk, acts, N(acts));
	/* in the middle of it */
	clone.status = "Updating";
	clone.abortable = "true";
	environments(w, &live, &clone);
	walk_faults(w, &target_beanstalk, looks, N(looks));
	walk_each(w, &target_beanstalk, acts, N(acts));
	/* the sizes are to be those of before, and the old one is to go */
	clone.status = NULL;
	environments(w, &live, &clone);
	settings(w, CLONE, "deployed", SIZES("3", "4"));
	walk_faults(w, &target_beanstalk, acts, N(acts));
	settings(w, CLONE, "deployed", SIZES("2", "4"));
	has_template(w, false);
	w->plan.target.beanstalk.retire = BEANSTALK_TERMINATE;
	walk_faults(w, &target_beanstalk, acts, N(acts));
	w->plan.target.beanstalk.retire = BEANSTALK_SCALE_IN;
	walk_faults(w, &target_beanstalk, looks, N(looks));
	walk_faults(w, &target_beanstalk, acts, N(acts));
}

static void basic_reporting_fails_closed(void **state)
{
	struct world *w = *state;

	environments(w, &live_row, &clone_row);
	basic_reporting(w);
	walk_faults(w, &target_beanstalk, looks, N(looks));
}

static void a_twin_fails_closed(void **state)
{
	struct bean_record r = twin_record();
	struct world *w = *state;
	struct row twin = twin_row;

	remember(w, &r, LABEL, 0);
	environments(w, &live_row, &twin);
	walk_each(w, &target_beanstalk, looks, N(looks));
	walk_each(w, &target_beanstalk, acts, N(acts));
	settings(w, "shop-green", "deployed", SIZES("3", "4"));
	walk_faults(w, &target_beanstalk, acts, N(acts));
	walk_records(w, &target_beanstalk);
	w->state.candidate[0] = '\0';
	walk_each(w, &target_beanstalk, acts, 1);
}

/* --- a version -------------------------------------------------------------------------------- */

static void a_version_fails_closed(void **state)
{
	/* a copy is made of what Beanstalk may not read, or what is not current */
	static const struct walk list[] = {
		{WALK(PREPARE, PREPARE),
		 .forgiven = MADE " HeadObject CreateApplicationVersion=denied"},
		{WALK(CHECK, INSPECT)},
	};
	struct world *w = *state;

	version_is(w, LABEL, NULL);
	answers(w, "CreateStorageLocation", "<S3Bucket>eb-bucket</S3Bucket>");
	route(w, "PUT", "", 200, "");
	route(w, "HEAD", "", 200, "")->headers = "x-amz-version-id: v1\n";
	environments(w, &live_row, NULL);
	walk_each(w, &target_beanstalk, list, N(list));
	w->artifact.version_id = "v1";
	walk_each(w, &target_beanstalk, list, N(list));
	w->artifact.version_id = "v0";
	walk_each(w, &target_beanstalk, list, N(list));
	assert_int_equal(mkdirat(w->artifact.dir_fd, "dir", 0700), 0);
	w->plan.target.beanstalk.bundle = "dir";
	walk_each(w, &target_beanstalk, list, N(list));
}

/* --- traffic splitting ------------------------------------------------------------------------ */

/* Beanstalk goes on by itself: there is nothing to be asked for. */
static const struct walk split_acts[] = {
	{WALK(PREPARE, PREPARE), .forgiven = MADE},
	{WALK(SPLIT, SHIFT), .want = {.weight_bp = 1000}},
	{WALK(RESTORE, RESTORE)},
	{WALK(RETIRE, RETIRE)},
};

static void splitting_fails_closed(void **state)
{
	static const struct {
		const char *label, *status, *labels, *options;
	} list[] = {
		{"v1", "Ready", "v1 v1", BEFORE},
		{"v1", "Ready", "v1 v1", DURING},
		{V2, "Updating", "v1 v1 " V2 "?#2 " V2 "?#2", DURING},
		{V2, "Updating", "v1 v1 " V2 "#2 " V2 "#2", DURING},
		{V2, "Updating", "v1 v1", DURING},
		{V2, "Ready", V2 " " V2, DURING},
		{"v1", "Ready", "v1 v1 " V2, BEFORE},
	};
	struct world *w = *state;

	for (size_t i = 0; i < N(list); i++) {
		shop(w, list[i].label, list[i].status, list[i].labels);
		settings(w, "shop-prod", "deployed", list[i].options);
		w->state.changed_at.ms = i > 2 ? AT(-60) : 0;
		walk_each(w, &target_beanstalk, looks, N(looks));
		walk_each(w, &target_beanstalk, split_acts, N(split_acts));
	}
	walk_records(w, &target_beanstalk);
}

/* --- weights ---------------------------------------------------------------------------------- */

static void weights_fail_closed(void **state)
{
	static const struct walk list[] = {
		{WALK(PREPARE, PREPARE), .forgiven = MADE},
		{WALK(SPLIT, SHIFT), .want = {.weight_bp = 1000}},
		{WALK(PROMOTE, PROMOTE)},
		{WALK(RESTORE, RESTORE)},
		{WALK(RETIRE, RETIRE)},
		{WALK(DISCARD, PROVE)},
	};
	struct world *w = *state;
	struct row twin = row_of(&twin_row, LABEL, "green" DOMAIN, NULL);

	walk_faults(w, &target_beanstalk, looks, N(looks));
	walk_faults(w, &target_beanstalk, list, N(list));
	environments(w, &prod, &twin);
	rule_forwards(w, "blue=50 green=50");
	walk_each(w, &target_beanstalk, looks, N(looks));
	walk_each(w, &target_beanstalk, list, N(list));
	walk_records(w, &target_beanstalk);
}

/* --- the first look --------------------------------------------------------------------------- */

static const struct walk first[] = {{WALK(INSPECT, INSPECT)}};

static void a_first_look_at_weights_fails_closed(void **state)
{
	struct world *w = *state;

	group_holds(w, GROUP_URI("green"), "");
	walk_each(w, &target_beanstalk, first, 1);
	/* what is wrong besides does not hide that something could not be read */
	group_holds(w, GROUP_URI("green"), "e-live");
	walk_each(w, &target_beanstalk, first, 1);
	rule_forwards(w, "blue=100");
	w->plan.target.lb.candidate_arn = GROUP("green");
	walk_each(w, &target_beanstalk, first, 1);
}

static void the_first_look_fails_closed(void **state)
{
	struct world *w = *state;

	answers(w, "DescribeEnvironmentManagedActions",
		"<ManagedActions><member><ActionId>a</ActionId><Status>Scheduled</Status>"
		"<WindowStartTime>2030-01-01T00:00:00Z</WindowStartTime></member></"
		"ManagedActions>");
	answers(w, "CheckDNSAvailability",
		"<Available>true</Available><FullyQualifiedCNAME>x" DOMAIN
		"</FullyQualifiedCNAME>");
	environments(w, &live_row, NULL);
	says(w, "EnvironmentNames.member.1=", 200,
	     eb_answer(w, "DescribeEnvironments", "<Environments/>"));
	route(w, "GET", "/hostedzone/", 200,
	      "<R><ResourceRecordSets><ResourceRecordSet><Name>a.example.com.</Name><Type>CNAME"
	      "</Type><ResourceRecords><ResourceRecord><Value>b</Value></ResourceRecord>"
	      "</ResourceRecords></ResourceRecordSet></ResourceRecordSets></R>");
	walk_each(w, &target_beanstalk, first, 1);
	w->plan.target.beanstalk.hosted_zone = "Z1";
	walk_each(w, &target_beanstalk, first, 1);
	w->plan.target.beanstalk.twin = "shop-green";
	w->plan.target.beanstalk.environment = "shop-prod";
	environments(w, &live_row, &twin_row);
	walk_each(w, &target_beanstalk, first, 1);
	w->plan.target.beanstalk.method = BEANSTALK_BY_TRAFFIC_SPLITTING;
	settings(w, "shop-prod", "deployed", BEFORE);
	walk_each(w, &target_beanstalk, first, 1);
}

static int make_label(void *arg)
{
	struct world *w = arg;

	w->state.phase = PHASE_PREPARE;
	return target_beanstalk.prepare(&w->env, &w->state, w->state.candidate, &w->err);
}

static int check_bundle(void *arg)
{
	struct world *w = arg;

	return target_beanstalk.check_artifact(&w->env, &w->problems, &w->err);
}

static void a_disk_that_fails_makes_no_label(void **state)
{
	struct world *w = *state;

	w->state.candidate[0] = '\0';
	expect_error(w, on_broken_disk(BROKEN_READ, 0, make_label, w), ERR_SYSTEM, "read");
	assert_int_equal(mkdirat(w->artifact.dir_fd, "dir", 0700), 0);
	w->plan.target.beanstalk.bundle = "dir";
	expect_error(w, on_broken_disk(BROKEN_NEW_FILE, 0, make_label, w), ERR_SYSTEM,
		     "make a file for the bundle");
	expect_error(w, on_broken_disk(BROKEN_STAT, 0, make_label, w), ERR_SYSTEM, "dir");
	expect_error(w, on_broken_disk(BROKEN_STAT, 0, check_bundle, w), ERR_SYSTEM, "dir");
	assert_null(w->problems.first);
	assert_string_equal(w->state.candidate, "");
	assert_int_equal(w->f->n_requests, 0);
}

static void tampered_records_get_no_further(void **state)
{
	struct world *w = *state;

	environments(w, &live_row, &clone_row);
	walk_records(w, &target_beanstalk);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, artifact_tear_down)
#define S(name) cmocka_unit_test_setup_teardown(name, split_set_up, artifact_tear_down)
#define B(name) cmocka_unit_test_setup_teardown(name, balancer_set_up, artifact_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_clone_fails_closed),
		T(basic_reporting_fails_closed),
		T(a_twin_fails_closed),
		T(a_version_fails_closed),
		S(splitting_fails_closed),
		B(weights_fail_closed),
		B(a_first_look_at_weights_fails_closed),
		T(the_first_look_fails_closed),
		T(a_disk_that_fails_makes_no_label),
		T(tampered_records_get_no_further),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
