#include "tests/unit/aws/beanstalk_world.h"

/* --- reading environments -------------------------------------------------------------------- */

#define ROW                                                                                    \
	"<ApplicationName>shop</ApplicationName><EnvironmentName>shop-prod</EnvironmentName>"  \
	"<EnvironmentId>e-1</EnvironmentId><EnvironmentArn>arn:e1</EnvironmentArn>"            \
	"<VersionLabel>v1</VersionLabel><CNAME>Shop.eu-central-1.elasticbeanstalk.com</CNAME>" \
	"<EndpointURL>awseb-1.elb.amazonaws.com</EndpointURL>"                                 \
	"<Tier><Name>WebServer</Name><Type>Standard</Type><Version>1.0</Version></Tier>"       \
	"<PlatformArn>arn:p</PlatformArn><SolutionStackName>stack</SolutionStackName>"         \
	"<Status>Ready</Status><Health>Green</Health><HealthStatus>Ok</HealthStatus>"          \
	"<AbortableOperationInProgress>false</AbortableOperationInProgress>"                   \
	"<DateUpdated>2026-01-02T03:04:05.250Z</DateUpdated>"

static const struct beanstalk_filter everything;

static void test_environments(void **state)
{
	static const char *const ids[] = {"e-1", "e-2"}, *const names[] = {"a b"};
	const struct beanstalk_filter filter = {"shop", ids, names, 2, 1};
	struct beanstalk_environment *e;
	struct fake *f = *state;
	struct err err = ERR_INIT;
	size_t n;

	eb_answer(f, "DescribeEnvironments",
		  "<Environments><member>" ROW
		  "</member></Environments><NextToken>t/1</NextToken>");
	eb_answer(f, "DescribeEnvironments",
		  "<Environments><member><EnvironmentName>gone</EnvironmentName><EnvironmentId>e-9"
		  "</EnvironmentId><Status>Terminated</Status></member><member><EnvironmentName>"
		  "shop-two</EnvironmentName><EnvironmentId>e-2</EnvironmentId><Status>Dancing"
		  "</Status><Health>Blue</Health><AbortableOperationInProgress>true"
		  "</AbortableOperationInProgress></member></Environments>");
	if (beanstalk_describe_environments(&f->client, &filter, f->arena, &e, &n, &err))
		fail_msg("%s", err.text);
	eb_expect(f, 0, "DescribeEnvironments",
		  "ApplicationName=shop&EnvironmentIds.member.1=e-1&EnvironmentIds.member.2=e-2"
		  "&EnvironmentNames.member.1=a%20b&IncludeDeleted=false");
	assert_non_null(strstr(fake_sent(f, 1)->body.p, "&NextToken=t%2F1"));
	assert_int_equal(n, 2);
	assert_string_equal(e[0].application, "shop");
	assert_string_equal(e[0].name, "shop-prod");
	assert_string_equal(e[0].id, "e-1");
	assert_string_equal(e[0].arn, "arn:e1");
	assert_string_equal(e[0].version_label, "v1");
	assert_string_equal(e[0].endpoint_url, "awseb-1.elb.amazonaws.com");
	assert_string_equal(e[0].tier_name, "WebServer");
	assert_string_equal(e[0].tier_type, "Standard");
	assert_string_equal(e[0].platform_arn, "arn:p");
	assert_string_equal(e[0].solution_stack, "stack");
	assert_int_equal(e[0].status, BEANSTALK_READY);
	assert_int_equal(e[0].color, BEANSTALK_GREEN);
	assert_int_equal(e[0].health, BEANSTALK_OK);
	assert_false(e[0].is_abortable);
	assert_true(e[0].has_updated);
	assert_int_equal(e[0].updated.ms, 1767323045250);
	assert_int_equal(e[1].status, BEANSTALK_STATUS_OTHER);
	assert_int_equal(e[1].color, BEANSTALK_COLOR_NONE);
	assert_int_equal(e[1].health, BEANSTALK_HEALTH_NONE);
	assert_true(e[1].is_abortable);
	assert_false(e[1].has_updated);
	assert_null(e[1].cname);
	assert_true(fake_done(f));

	assert_ptr_equal(beanstalk_find_id(e, n, "e-2"), &e[1]);
	assert_null(beanstalk_find_id(e, n, "e-9"));
	assert_ptr_equal(beanstalk_find_name(e, n, "shop-two"), &e[1]);
	assert_null(beanstalk_find_name(e, n, "gone"));
	assert_ptr_equal(beanstalk_find_cname(e, n, "shop.EU-central-1.elasticbeanstalk.com"),
			 &e[0]);
	assert_null(beanstalk_find_cname(e, n, "other"));
}

static void test_no_environment(void **state)
{
	struct beanstalk_environment *e;
	struct fake *f = *state;
	struct err err = ERR_INIT;
	size_t n = 7;

	eb_answer(f, "DescribeEnvironments", "<Environments/>");
	assert_int_equal(
		beanstalk_describe_environments(&f->client, &everything, f->arena, &e, &n, &err),
		0);
	eb_expect(f, 0, "DescribeEnvironments", "IncludeDeleted=false");
	assert_int_equal(n, 0);

	/* no answer is not no environment */
	fake_answer(f, 200, NULL, "<Other/>");
	assert_int_equal(
		beanstalk_describe_environments(&f->client, &everything, f->arena, &e, &n, &err),
		-1);
	assert_int_equal(err.code, ERR_MALFORMED);
	assert_false(err.sent);
	eb_answer(f, "DescribeEnvironments",
		  "<Environments><member><EnvironmentId>e-1</EnvironmentId></member>"
		  "</Environments>");
	assert_int_equal(
		beanstalk_describe_environments(&f->client, &everything, f->arena, &e, &n, &err),
		-1);
	assert_int_equal(err.code, ERR_MALFORMED);
	assert_true(fake_done(f));
}

static void test_endless_pages(void **state)
{
	struct beanstalk_environment *e;
	struct fake *f = *state;
	struct err err = ERR_INIT;
	size_t n;

	eb_answer(f, "DescribeEnvironments", "<Environments/><NextToken>t</NextToken>");
	f->repeat_last = true;
	assert_int_equal(
		beanstalk_describe_environments(&f->client, &everything, f->arena, &e, &n, &err),
		-1);
	assert_int_equal(err.code, ERR_LIMIT);
}

static void test_too_long(void **state)
{
	struct fake *f = *state;
	const char *name = fake_repeat(f->arena, "x", 300u << 10);
	const struct beanstalk_filter filter = {.application = name};
	struct beanstalk_environment *e;
	struct err err = ERR_INIT;
	bool is_available;
	size_t n;

	assert_int_equal(
		beanstalk_describe_environments(&f->client, &filter, f->arena, &e, &n, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_int_equal(beanstalk_check_dns(&f->client, name, f->arena, &is_available, NULL, &err),
			 -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_int_equal(f->n_requests, 0);
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(beanstalk_status_name(BEANSTALK_LAUNCHING), "Launching");
	assert_string_equal(beanstalk_status_name(BEANSTALK_LINKING_TO), "LinkingTo");
	assert_string_equal(beanstalk_status_name((enum beanstalk_status)99), "unknown");
	assert_string_equal(beanstalk_health_name(BEANSTALK_SEVERE), "Severe");
	assert_string_equal(beanstalk_health_name((enum beanstalk_health) - 1), "none");
	assert_string_equal(beanstalk_color_name(BEANSTALK_GREY), "Grey");
	assert_string_equal(beanstalk_color_name((enum beanstalk_color)99), "none");
}

static void test_dns(void **state)
{
	struct fake *f = *state;
	struct err err = ERR_INIT;
	const char *fqdn = NULL;
	bool is_available = false;

	eb_answer(f, "CheckDNSAvailability",
		  "<Available>true</Available><FullyQualifiedCNAME>green.x</FullyQualifiedCNAME>");
	assert_int_equal(
		beanstalk_check_dns(&f->client, "green", f->arena, &is_available, &fqdn, &err), 0);
	eb_expect(f, 0, "CheckDNSAvailability", "CNAMEPrefix=green");
	assert_true(is_available);
	assert_string_equal(fqdn, "green.x");
	eb_answer(f, "CheckDNSAvailability", "<Available>false</Available>");
	assert_int_equal(
		beanstalk_check_dns(&f->client, "green", f->arena, &is_available, NULL, &err), 0);
	assert_false(is_available);
	eb_answer(f, "CheckDNSAvailability", "<Available>maybe</Available>");
	assert_int_equal(
		beanstalk_check_dns(&f->client, "green", f->arena, &is_available, NULL, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	assert_int_equal(beanstalk_check_dns(&f->client, "", f->arena, &is_available, NULL, &err),
			 -1);
	assert_int_equal(err.code, ERR_REJECTED);
	assert_true(fake_done(f));
}

/* --- changing environments ------------------------------------------------------------------- */

static void test_create(void **state)
{
	static const struct beanstalk_option options[] = {
		{"aws:autoscaling:asg", "MinSize", "4", NULL},
		{"aws:autoscaling:scheduledaction", "MaxSize", NULL, "night"}};
	static const struct beanstalk_tag tags[] = {{"aws:cloudformation:stack-name", "x"},
						    {"team", "a&b"},
						    {"elasticbeanstalk:environment-id", "e-1"},
						    {"Name", "shop-prod"},
						    {"stage", "prod"}};
	const struct beanstalk_create create = {.application = "shop",
						.name = "shop-green",
						.description = "d",
						.cname_prefix = "shop-green",
						.version_label = "v2",
						.template_name = "t",
						.tier_name = "WebServer",
						.tier_type = "Standard",
						.options = options,
						.n_options = 2,
						.tags = tags,
						.n_tags = 5};
	struct beanstalk_environment e;
	struct fake *f = *state;
	struct err err = ERR_INIT;

	eb_answer(f, "CreateEnvironment", ROW);
	if (beanstalk_create_environment(&f->client, &create, f->arena, &e, &err))
		fail_msg("%s", err.text);
	eb_expect(f, 0, "CreateEnvironment",
		  "ApplicationName=shop&EnvironmentName=shop-green&Description=d"
		  "&CNAMEPrefix=shop-green&Tier.Name=WebServer&Tier.Type=Standard&VersionLabel=v2"
		  "&TemplateName=t&OptionSettings.member.1.Namespace=aws%3Aautoscaling%3Aasg"
		  "&OptionSettings.member.1.OptionName=MinSize&OptionSettings.member.1.Value=4"
		  "&OptionSettings.member.2.Namespace=aws%3Aautoscaling%3Ascheduledaction"
		  "&OptionSettings.member.2.OptionName=MaxSize"
		  "&OptionSettings.member.2.ResourceName=night&OptionSettings.member.2.Value="
		  "&Tags.member.1.Key=team&Tags.member.1.Value=a%26b&Tags.member.2.Key=stage"
		  "&Tags.member.2.Value=prod");
	assert_string_equal(e.id, "e-1");

	/* accepted, but which one is not said */
	eb_answer(f, "CreateEnvironment", "<EnvironmentName>shop-green</EnvironmentName>");
	assert_int_equal(beanstalk_create_environment(&f->client, &create, f->arena, &e, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	assert_true(err.sent);
	assert_true(fake_done(f));
}

static void test_update(void **state)
{
	static const struct beanstalk_option set[] = {
		{"aws:elasticbeanstalk:command", "DeploymentPolicy", "TrafficSplitting", NULL}};
	static const struct beanstalk_option gone[] = {
		{"aws:elasticbeanstalk:trafficsplitting", "NewVersionPercent", "10", NULL}};
	struct beanstalk_update u = {.environment_id = "e-1", .version_label = "v2"};
	struct fake *f = *state;
	struct err err = ERR_INIT;

	eb_answer(f, "UpdateEnvironment", ROW);
	assert_int_equal(beanstalk_update_environment(&f->client, &u, f->arena, &err), 0);
	eb_expect(f, 0, "UpdateEnvironment", "EnvironmentId=e-1&VersionLabel=v2");

	u = (struct beanstalk_update){.environment_id = "e-1",
				      .options = set,
				      .n_options = 1,
				      .remove = gone,
				      .n_remove = 1};
	eb_answer(f, "UpdateEnvironment", ROW);
	assert_int_equal(beanstalk_update_environment(&f->client, &u, f->arena, &err), 0);
	eb_expect(f, 1, "UpdateEnvironment",
		  "EnvironmentId=e-1"
		  "&OptionSettings.member.1.Namespace=aws%3Aelasticbeanstalk%3Acommand"
		  "&OptionSettings.member.1.OptionName=DeploymentPolicy"
		  "&OptionSettings.member.1.Value=TrafficSplitting"
		  "&OptionsToRemove.member.1.Namespace=aws%3Aelasticbeanstalk%3Atrafficsplitting"
		  "&OptionsToRemove.member.1.OptionName=NewVersionPercent");

	/* both in one call are refused by AWS; neither does nothing */
	u.version_label = "v2";
	assert_int_equal(beanstalk_update_environment(&f->client, &u, f->arena, &err), -1);
	assert_non_null(strstr(err.text, "both"));
	u = (struct beanstalk_update){.environment_id = "e-1"};
	assert_int_equal(beanstalk_update_environment(&f->client, &u, f->arena, &err), -1);
	assert_non_null(strstr(err.text, "neither"));
	assert_int_equal(err.code, ERR_REJECTED);
	assert_true(fake_done(f));
}

/* The answer to a swap was lost: sent once, never again, and said to have been sent. */
static void test_lost_answers(void **state)
{
	struct beanstalk_update u = {.environment_id = "e-1", .version_label = "v2"};
	struct fake *f = *state;
	struct err err = ERR_INIT;

	fake_fail(f, ERR_TIMEOUT, true);
	assert_int_equal(beanstalk_swap_cnames(&f->client, "e-1", "e-2", f->arena, &err), -1);
	eb_expect(f, 0, "SwapEnvironmentCNAMEs",
		  "SourceEnvironmentId=e-1&DestinationEnvironmentId=e-2");
	assert_true(err.sent);
	fake_answer(f, 500, NULL, "");
	err = ERR_INIT;
	assert_int_equal(beanstalk_swap_cnames(&f->client, "e-1", "e-2", f->arena, &err), -1);
	assert_true(err.sent);
	fake_fail(f, ERR_NETWORK, true);
	err = ERR_INIT;
	assert_int_equal(beanstalk_update_environment(&f->client, &u, f->arena, &err), -1);
	assert_true(err.sent);
	fake_fail(f, ERR_NETWORK, true);
	err = ERR_INIT;
	assert_int_equal(beanstalk_abort_update(&f->client, "e-1", f->arena, &err), -1);
	assert_true(err.sent);
	fake_answer(f, 200, NULL, "<Other/>");
	err = ERR_INIT;
	assert_int_equal(beanstalk_update_environment(&f->client, &u, f->arena, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	assert_true(err.sent);
	assert_true(fake_done(f));
}

static void test_one_environment(void **state)
{
	struct fake *f = *state;
	struct err err = ERR_INIT;

	eb_answer(f, "SwapEnvironmentCNAMEs", NULL);
	assert_int_equal(beanstalk_swap_cnames(&f->client, "e-1", "e-2", f->arena, &err), 0);
	eb_answer(f, "AbortEnvironmentUpdate", NULL);
	assert_int_equal(beanstalk_abort_update(&f->client, "e-1", f->arena, &err), 0);
	eb_expect(f, 1, "AbortEnvironmentUpdate", "EnvironmentId=e-1");
	eb_answer(f, "TerminateEnvironment", ROW);
	assert_int_equal(beanstalk_terminate_environment(&f->client, "e-1", f->arena, &err), 0);
	eb_expect(f, 2, "TerminateEnvironment", "EnvironmentId=e-1");
	assert_true(fake_done(f));

	/* whoever names no environment must not hit another one */
	assert_int_equal(beanstalk_swap_cnames(&f->client, "", "e-2", f->arena, &err), -1);
	assert_int_equal(beanstalk_swap_cnames(&f->client, "e-1", NULL, f->arena, &err), -1);
	assert_int_equal(beanstalk_abort_update(&f->client, NULL, f->arena, &err), -1);
	assert_int_equal(beanstalk_terminate_environment(&f->client, "", f->arena, &err), -1);
	assert_int_equal(beanstalk_update_environment(&f->client, &(struct beanstalk_update){0},
						      f->arena, &err),
			 -1);
	assert_int_equal(err.code, ERR_REJECTED);
	assert_true(fake_done(f));
}

static void test_create_needs(void **state)
{
	const struct beanstalk_create whole = {
		.application = "shop", .name = "green", .version_label = "v", .template_name = "t"};
	struct beanstalk_environment e;
	struct fake *f = *state;

	for (int i = 0; i < 4; i++) {
		struct beanstalk_create c = whole;
		const char **const members[] = {&c.application, &c.name, &c.version_label,
						&c.template_name};
		struct err err = ERR_INIT;

		*members[i] = NULL;
		assert_int_equal(beanstalk_create_environment(&f->client, &c, f->arena, &e, &err),
				 -1);
		assert_int_equal(err.code, ERR_REJECTED);
	}
	assert_int_equal(f->n_requests, 0);
}

/* --- refusals -------------------------------------------------------------------------------- */

static void test_refusals(void **state)
{
	static const struct {
		int status;
		const char *name, *message;
		enum err_code code;
		enum beanstalk_refusal refusal;
		size_t attempts;
	} cases[] = {
		{400, "InvalidParameterValue",
		 "Environment named shop-prod is in an invalid state for this operation. Must be "
		 "Ready.",
		 ERR_CONFLICT, BEANSTALK_REFUSAL_BUSY, 1},
		{400, "OperationInProgressFailure", "m", ERR_CONFLICT, BEANSTALK_REFUSAL_BUSY, 1},
		{400, "InvalidParameterValue", "Environment shop-green already exists.",
		 ERR_CONFLICT, BEANSTALK_REFUSAL_TAKEN, 1},
		{400, "InvalidParameterValue",
		 "DNS name (x.elasticbeanstalk.com) is not available.", ERR_CONFLICT,
		 BEANSTALK_REFUSAL_TAKEN, 1},
		{400, "InvalidParameterValue", "No Application named shop found.", ERR_NOT_FOUND,
		 BEANSTALK_REFUSAL_OTHER, 1},
		{400, "InvalidParameterValue", "No Environment found for EnvironmentId = e-1",
		 ERR_NOT_FOUND, BEANSTALK_REFUSAL_OTHER, 1},
		{400, "InvalidParameterValue", "No Application Version named v2 found.",
		 ERR_NOT_FOUND, BEANSTALK_REFUSAL_OTHER, 1},
		{400, "InvalidParameterValue", "Invalid option value", ERR_REJECTED,
		 BEANSTALK_REFUSAL_OTHER, 1},
		{400, "InvalidParameterCombination", "m", ERR_REJECTED, BEANSTALK_REFUSAL_OTHER, 1},
		{400, "TooManyEnvironmentsException", "m", ERR_REJECTED, BEANSTALK_REFUSAL_OTHER,
		 1},
		{403, "InsufficientPrivilegesException", "m", ERR_DENIED, BEANSTALK_REFUSAL_OTHER,
		 1},
		{400, "Throttling", "Rate exceeded", ERR_THROTTLED, BEANSTALK_REFUSAL_OTHER, 3},
		{503, "ServiceUnavailable", "m", ERR_UNAVAILABLE, BEANSTALK_REFUSAL_OTHER, 1},
	};
	struct beanstalk_update u = {.environment_id = "e-1", .version_label = "v2"};
	struct fake *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = ERR_INIT;

		fake_again(f);
		for (size_t k = 0; k < cases[i].attempts; k++)
			eb_refuse(f, cases[i].status, cases[i].name, cases[i].message);
		assert_int_equal(beanstalk_update_environment(&f->client, &u, f->arena, &err), -1);
		assert_int_equal(err.code, cases[i].code);
		assert_string_equal(err.aws, cases[i].name);
		assert_int_equal(beanstalk_refusal_of(&err), cases[i].refusal);
		assert_true(fake_done(f));
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, eb_set_up, eb_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_environments), TEST(test_no_environment),    TEST(test_endless_pages),
		TEST(test_too_long),	 cmocka_unit_test(test_names), TEST(test_dns),
		TEST(test_create),	 TEST(test_create_needs),      TEST(test_update),
		TEST(test_lost_answers), TEST(test_one_environment),   TEST(test_refusals),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
