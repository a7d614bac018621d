#include "tests/unit/aws/beanstalk_world.h"

/* --- application versions -------------------------------------------------------------------- */

static void test_version(void **state)
{
	static const struct {
		const char *word;
		enum beanstalk_version_status status;
	} cases[] = {
		{"Unprocessed", BEANSTALK_UNPROCESSED}, {"PROCESSING", BEANSTALK_PROCESSING},
		{"building", BEANSTALK_BUILDING},	{"PROCESSED", BEANSTALK_PROCESSED},
		{"FAILED", BEANSTALK_VERSION_FAILED},	{"new word", BEANSTALK_VERSION_OTHER},
		{"", BEANSTALK_VERSION_OTHER},
	};
	struct beanstalk_version v;
	struct fake *f = *state;
	struct err err = ERR_INIT;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fake_again(f);
		eb_answer(f, "DescribeApplicationVersions",
			  arena_printf(f->arena,
				       "<ApplicationVersions><member><VersionLabel>other"
				       "</VersionLabel></member><member><VersionLabel>v2"
				       "</VersionLabel><Description>d</Description><SourceBundle>"
				       "<S3Bucket>b</S3Bucket><S3Key>k</S3Key></SourceBundle>"
				       "<Status>%s</Status></member></ApplicationVersions>",
				       cases[i].word));
		if (beanstalk_describe_version(&f->client, "shop", "v2", f->arena, &v, &err))
			fail_msg("%s", err.text);
		assert_int_equal(v.status, cases[i].status);
	}
	eb_expect(f, 0, "DescribeApplicationVersions",
		  "ApplicationName=shop&VersionLabels.member.1=v2");
	assert_string_equal(v.label, "v2");
	assert_string_equal(v.description, "d");
	assert_string_equal(v.bucket, "b");
	assert_string_equal(v.key, "k");

	eb_answer(f, "DescribeApplicationVersions", "<ApplicationVersions/>");
	assert_int_equal(beanstalk_describe_version(&f->client, "shop", "v2", f->arena, &v, &err),
			 -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	eb_answer(f, "DescribeApplicationVersions",
		  "<ApplicationVersions><member/></ApplicationVersions>");
	assert_int_equal(beanstalk_describe_version(&f->client, "shop", "v2", f->arena, &v, &err),
			 -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	assert_int_equal(beanstalk_describe_version(&f->client, "", "v2", f->arena, &v, &err), -1);
	assert_int_equal(beanstalk_describe_version(&f->client, "shop", NULL, f->arena, &v, &err),
			 -1);
	assert_int_equal(err.code, ERR_REJECTED);
	assert_true(fake_done(f));
}

static void test_create_version(void **state)
{
	const struct beanstalk_create_version whole = {"shop", "v2", "d", "bucket", "a/b c"};
	struct beanstalk_version v;
	struct fake *f = *state;
	struct err err = ERR_INIT;

	eb_answer(f, "CreateApplicationVersion",
		  "<ApplicationVersion><VersionLabel>v2</VersionLabel><Status>PROCESSING</Status>"
		  "</ApplicationVersion>");
	if (beanstalk_create_version(&f->client, &whole, f->arena, &v, &err))
		fail_msg("%s", err.text);
	eb_expect(f, 0, "CreateApplicationVersion",
		  "ApplicationName=shop&VersionLabel=v2&Description=d&SourceBundle.S3Bucket=bucket"
		  "&SourceBundle.S3Key=a%2Fb%20c&AutoCreateApplication=false&Process=true");
	assert_int_equal(v.status, BEANSTALK_PROCESSING);

	eb_answer(f, "CreateApplicationVersion", "<ApplicationVersion/>");
	assert_int_equal(beanstalk_create_version(&f->client, &whole, f->arena, &v, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	assert_true(err.sent);

	fake_fail(f, ERR_TIMEOUT, true);
	err = ERR_INIT;
	assert_int_equal(beanstalk_create_version(&f->client, &whole, f->arena, &v, &err), -1);
	assert_true(err.sent);

	eb_refuse(f, 400, "InvalidParameterValue", "Application Version v2 already exists.");
	assert_int_equal(beanstalk_create_version(&f->client, &whole, f->arena, &v, &err), -1);
	assert_int_equal(beanstalk_refusal_of(&err), BEANSTALK_REFUSAL_TAKEN);
	eb_refuse(f, 400, "S3LocationNotInServiceRegionException", "m");
	assert_int_equal(beanstalk_create_version(&f->client, &whole, f->arena, &v, &err), -1);
	assert_int_equal(err.code, ERR_REJECTED);
	assert_true(fake_done(f));

	for (int i = 0; i < 4; i++) {
		struct beanstalk_create_version c = whole;
		const char **const members[] = {&c.application, &c.label, &c.bucket, &c.key};

		*members[i] = "";
		assert_int_equal(beanstalk_create_version(&f->client, &c, f->arena, &v, &err), -1);
		assert_int_equal(err.code, ERR_REJECTED);
	}
	assert_true(fake_done(f));
}

static void test_storage(void **state)
{
	struct fake *f = *state;
	struct err err = ERR_INIT;
	const char *bucket;

	fake_fail(f, ERR_TIMEOUT, true); /* creating it again is what it is for */
	eb_answer(f, "CreateStorageLocation", "<S3Bucket>elasticbeanstalk-eu-1</S3Bucket>");
	assert_int_equal(beanstalk_storage_location(&f->client, f->arena, &bucket, &err), 0);
	eb_expect(f, 1, "CreateStorageLocation", "");
	assert_string_equal(bucket, "elasticbeanstalk-eu-1");
	eb_answer(f, "CreateStorageLocation", "");
	assert_int_equal(beanstalk_storage_location(&f->client, f->arena, &bucket, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	eb_refuse(f, 403, "InsufficientPrivilegesException", "m");
	assert_int_equal(beanstalk_storage_location(&f->client, f->arena, &bucket, &err), -1);
	assert_int_equal(err.code, ERR_DENIED);
	assert_true(fake_done(f));
}

/* --- templates and settings ------------------------------------------------------------------ */

static void test_templates(void **state)
{
	struct fake *f = *state;
	struct err err = ERR_INIT;
	bool there = false;

	eb_answer(f, "CreateConfigurationTemplate", "<TemplateName>t</TemplateName>");
	assert_int_equal(beanstalk_create_template(&f->client, "shop", "t", "e-1", f->arena, &err),
			 0);
	eb_expect(f, 0, "CreateConfigurationTemplate",
		  "ApplicationName=shop&TemplateName=t&EnvironmentId=e-1");
	eb_answer(f, "DeleteConfigurationTemplate", NULL);
	assert_int_equal(beanstalk_delete_template(&f->client, "shop", "t", f->arena, &err), 0);
	eb_expect(f, 1, "DeleteConfigurationTemplate", "ApplicationName=shop&TemplateName=t");

	eb_answer(f, "DescribeConfigurationSettings",
		  "<ConfigurationSettings><member><TemplateName>t</TemplateName></member>"
		  "</ConfigurationSettings>");
	assert_int_equal(beanstalk_has_template(&f->client, "shop", "t", f->arena, &there, &err),
			 0);
	eb_expect(f, 2, "DescribeConfigurationSettings", "ApplicationName=shop&TemplateName=t");
	assert_true(there);
	eb_refuse(f, 400, "InvalidParameterValue",
		  "No Configuration Template named 'shop/t' found.");
	assert_int_equal(beanstalk_has_template(&f->client, "shop", "t", f->arena, &there, &err),
			 0);
	assert_false(there);
	eb_refuse(f, 403, "InsufficientPrivilegesException", "m");
	assert_int_equal(beanstalk_has_template(&f->client, "shop", "t", f->arena, &there, &err),
			 -1);
	assert_int_equal(err.code, ERR_DENIED);
	eb_refuse(f, 400, "InvalidParameterValue", "Configuration Template t already exists.");
	assert_int_equal(beanstalk_create_template(&f->client, "shop", "t", "e-1", f->arena, &err),
			 -1);
	assert_int_equal(beanstalk_refusal_of(&err), BEANSTALK_REFUSAL_TAKEN);
	assert_true(fake_done(f));

	assert_int_equal(beanstalk_create_template(&f->client, "", "t", "e-1", f->arena, &err), -1);
	assert_int_equal(beanstalk_create_template(&f->client, "s", "", "e-1", f->arena, &err), -1);
	assert_int_equal(beanstalk_create_template(&f->client, "s", "t", "", f->arena, &err), -1);
	assert_int_equal(beanstalk_delete_template(&f->client, "", "t", f->arena, &err), -1);
	assert_int_equal(beanstalk_delete_template(&f->client, "s", "", f->arena, &err), -1);
	assert_int_equal(err.code, ERR_REJECTED);
	assert_true(fake_done(f));
}

static void test_settings(void **state)
{
	struct beanstalk_settings *s;
	struct fake *f = *state;
	struct err err = ERR_INIT;
	size_t n;

	eb_answer(f, "DescribeConfigurationSettings",
		  "<ConfigurationSettings><member><DeploymentStatus>deployed</DeploymentStatus>"
		  "<PlatformArn>p</PlatformArn><SolutionStackName>s</SolutionStackName>"
		  "<OptionSettings><member><Namespace>aws:autoscaling:scheduledaction</Namespace>"
		  "<OptionName>MinSize</OptionName><ResourceName>night</ResourceName><Value>1"
		  "</Value></member><member><Namespace>aws:autoscaling:asg</Namespace><OptionName>"
		  "MinSize</OptionName><ResourceName>AWSEBAutoScalingGroup</ResourceName><Value>2"
		  "</Value></member><member><Namespace>aws:elasticbeanstalk:command</Namespace>"
		  "<OptionName>DeploymentPolicy</OptionName></member></OptionSettings></member>"
		  "<member><DeploymentStatus>pending</DeploymentStatus></member>"
		  "</ConfigurationSettings>");
	if (beanstalk_describe_settings(&f->client, "shop", "prod", f->arena, &s, &n, &err))
		fail_msg("%s", err.text);
	eb_expect(f, 0, "DescribeConfigurationSettings",
		  "ApplicationName=shop&EnvironmentName=prod");
	assert_int_equal(n, 2);
	assert_string_equal(s[0].deployment_status, "deployed");
	assert_string_equal(s[0].platform_arn, "p");
	assert_string_equal(s[0].solution_stack, "s");
	assert_string_equal(s[1].deployment_status, "pending");
	assert_int_equal(s[0].n_options, 3);
	assert_string_equal(s[0].options[0].resource, "night");
	/* a scheduled action's size is not the group's */
	assert_null(beanstalk_option_get(&s[0], "aws:autoscaling:scheduledaction", "MinSize"));
	assert_string_equal(beanstalk_option_get(&s[0], "aws:autoscaling:asg", "MinSize"), "2");
	assert_null(
		beanstalk_option_get(&s[0], "aws:elasticbeanstalk:command", "DeploymentPolicy"));
	assert_null(beanstalk_option_get(&s[1], "aws:autoscaling:asg", "MinSize"));

	eb_answer(f, "DescribeConfigurationSettings", "<ConfigurationSettings/>");
	assert_int_equal(
		beanstalk_describe_settings(&f->client, "shop", "prod", f->arena, &s, &n, &err),
		-1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	eb_answer(f, "DescribeConfigurationSettings",
		  "<ConfigurationSettings><member><OptionSettings><member><Namespace>x</Namespace>"
		  "</member></OptionSettings></member></ConfigurationSettings>");
	assert_int_equal(
		beanstalk_describe_settings(&f->client, "shop", "prod", f->arena, &s, &n, &err),
		-1);
	assert_int_equal(err.code, ERR_MALFORMED);
	assert_int_equal(
		beanstalk_describe_settings(&f->client, "", "prod", f->arena, &s, &n, &err), -1);
	assert_int_equal(
		beanstalk_describe_settings(&f->client, "shop", "", f->arena, &s, &n, &err), -1);
	assert_int_equal(err.code, ERR_REJECTED);
	assert_true(fake_done(f));
}

static void test_tags(void **state)
{
	struct beanstalk_tag *tags;
	struct fake *f = *state;
	struct err err = ERR_INIT;
	size_t n;

	eb_answer(f, "ListTagsForResource",
		  "<ResourceArn>arn:e</ResourceArn><ResourceTags><member><Key>team</Key><Value>a"
		  "</Value></member><member><Key>empty</Key></member></ResourceTags>");
	assert_int_equal(beanstalk_list_tags(&f->client, "arn:e", f->arena, &tags, &n, &err), 0);
	eb_expect(f, 0, "ListTagsForResource", "ResourceArn=arn%3Ae");
	assert_int_equal(n, 2);
	assert_string_equal(tags[0].key, "team");
	assert_string_equal(tags[0].value, "a");
	assert_string_equal(tags[1].value, "");
	eb_answer(f, "ListTagsForResource", "<ResourceTags><member/></ResourceTags>");
	assert_int_equal(beanstalk_list_tags(&f->client, "arn:e", f->arena, &tags, &n, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	assert_int_equal(beanstalk_list_tags(&f->client, NULL, f->arena, &tags, &n, &err), -1);
	assert_int_equal(err.code, ERR_REJECTED);
	assert_true(fake_done(f));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, eb_set_up, eb_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_version),   TEST(test_create_version), TEST(test_storage),
		TEST(test_templates), TEST(test_settings),	 TEST(test_tags),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
