#include "aws/ec2.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/aws/api_model.h"

static int set_up(void **state)
{
	*state = fake_new();
	return 0;
}

static int tear_down(void **state)
{
	fake_free(*state);
	return 0;
}

static void expect_form(struct fake *f, size_t i, const char *operation, const char *rest)
{
	assert_string_equal(
		fake_sent(f, i)->body.p,
		arena_printf(f->arena, "Action=%s&Version=2016-11-15&%s", operation, rest));
	api_check(f, i, "ec2", operation);
}

#define DESCRIBED(item)                                                                 \
	"<DescribeLaunchTemplateVersionsResponse xmlns=\"http://ec2.amazonaws.com/doc/" \
	"2016-11-15/\"><requestId>r</requestId><launchTemplateVersionSet>" item         \
	"</launchTemplateVersionSet></DescribeLaunchTemplateVersionsResponse>"
#define CREATED(inner)                                                        \
	"<CreateLaunchTemplateVersionResponse><requestId>r</requestId>" inner \
	"</CreateLaunchTemplateVersionResponse>"
#define NUMBER(n) \
	"<launchTemplateVersion><versionNumber>" n "</versionNumber></launchTemplateVersion>"

static void test_describe(void **state)
{
	struct ec2_template by_id = {.id = "lt-1"}, by_name = {.name = "shop"};
	struct fake *f = *state;
	struct ec2_template_version v;
	struct err err = ERR_INIT;

	fake_answer(f, 200, NULL,
		    DESCRIBED("<item><launchTemplateId>lt-1</launchTemplateId><launchTemplateName>"
			      "shop</launchTemplateName><versionNumber>7</versionNumber>"
			      "<versionDescription>d</versionDescription><defaultVersion>true"
			      "</defaultVersion><launchTemplateData><imageId>ami-1</imageId>"
			      "<userData>eA==</userData></launchTemplateData></item>"));
	if (ec2_describe_template_version(&f->client, &by_id, "$Latest", f->arena, &v, &err))
		fail_msg("%s", err.text);
	expect_form(f, 0, "DescribeLaunchTemplateVersions",
		    "LaunchTemplateId=lt-1&LaunchTemplateVersion.1=%24Latest");
	assert_int_equal(v.number, 7);
	assert_string_equal(v.id, "lt-1");
	assert_string_equal(v.name, "shop");
	assert_string_equal(v.image_id, "ami-1");
	assert_string_equal(v.description, "d");

	fake_again(f);
	fake_answer(f, 200, NULL, DESCRIBED(""));
	assert_int_equal(
		ec2_describe_template_version(&f->client, &by_name, "3", f->arena, &v, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_non_null(strstr(err.text, "version 3 of shop"));
	expect_form(f, 0, "DescribeLaunchTemplateVersions",
		    "LaunchTemplateName=shop&LaunchTemplateVersion.1=3");
}

static void test_describe_errors(void **state)
{
	struct ec2_template t = {.id = "lt-1"}, none = {.name = ""};
	struct fake *f = *state;
	struct ec2_template_version v;
	struct err err = ERR_INIT;

	assert_int_equal(ec2_describe_template_version(&f->client, &none, "1", f->arena, &v, &err),
			 -1);
	assert_int_equal(err.code, ERR_REJECTED);
	assert_int_equal(f->n_requests, 0);
	fake_answer(f, 200, NULL, DESCRIBED("<item><versionNumber>0</versionNumber></item>"));
	err = ERR_INIT;
	assert_int_equal(ec2_describe_template_version(&f->client, &t, "1", f->arena, &v, &err),
			 -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	fake_answer(f, 200, NULL, "<R/>");
	err = ERR_INIT;
	assert_int_equal(ec2_describe_template_version(&f->client, &t, "1", f->arena, &v, &err),
			 -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_true(fake_done(f));
}

static void test_create(void **state)
{
	struct ec2_new_version v = {.of = {.id = "lt-1"},
				    .source = 7,
				    .image_id = "ami-2",
				    .user_data = STR("#!/bin/sh\n"),
				    .description = "r-1",
				    .token = "r-1.asg"};
	struct fake *f = *state;
	struct err err = ERR_INIT;
	int64_t number = 0;

	fake_fail(f, ERR_TIMEOUT, true); /* the token makes it the same version */
	fake_answer(f, 200, NULL, CREATED(NUMBER("8")));
	if (ec2_create_template_version(&f->client, &v, f->arena, &number, &err))
		fail_msg("%s", err.text);
	assert_int_equal(number, 8);
	expect_form(f, 1, "CreateLaunchTemplateVersion",
		    "LaunchTemplateId=lt-1&SourceVersion=7&VersionDescription=r-1"
		    "&ClientToken=r-1.asg&LaunchTemplateData.ImageId=ami-2"
		    "&LaunchTemplateData.UserData=IyEvYmluL3NoCg%3D%3D");

	/* stored, but it would not launch */
	fake_again(f);
	fake_answer(
		f, 200, NULL,
		CREATED(NUMBER("9") "<warning><errorSet><item><code>InvalidAMIID.NotFound</code>"
				    "<message>no such image</message></item></errorSet>"
				    "</warning>"));
	assert_int_equal(ec2_create_template_version(&f->client, &v, f->arena, &number, &err), -1);
	assert_int_equal(err.code, ERR_REJECTED);
	assert_non_null(strstr(err.text, "InvalidAMIID.NotFound: no such image"));

	fake_answer(f, 200, NULL, CREATED(""));
	err = ERR_INIT;
	assert_int_equal(ec2_create_template_version(&f->client, &v, f->arena, &number, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	assert_true(err.sent);
}

static void test_create_refusals(void **state)
{
	struct ec2_new_version v = {.of = {.id = "lt-1"}, .source = 7};
	struct fake *f = *state;
	struct err err = ERR_INIT;
	int64_t number;

	assert_int_equal(ec2_create_template_version(&f->client, &v, f->arena, &number, &err), -1);
	assert_int_equal(err.code, ERR_REJECTED);
	v.user_data.p = fake_repeat(f->arena, "x", EC2_USER_DATA_MAX + 1);
	v.user_data.n = EC2_USER_DATA_MAX + 1;
	err = ERR_INIT;
	assert_int_equal(ec2_create_template_version(&f->client, &v, f->arena, &number, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_null(strstr(err.text, "xxx")); /* user data is nobody's to read */
	v.user_data.n = 1;
	v.of.id = NULL;
	assert_int_equal(ec2_create_template_version(&f->client, &v, f->arena, &number, &err), -1);
	v.of.id = fake_repeat(f->arena, "x", 200u << 10);
	err = ERR_INIT;
	assert_int_equal(ec2_create_template_version(&f->client, &v, f->arena, &number, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_int_equal(f->n_requests, 0);
}

static void test_errors(void **state)
{
	static const struct {
		int status;
		const char *name;
		enum err_code code;
		size_t attempts;
	} cases[] = {
		{400, "InvalidLaunchTemplateId.NotFound", ERR_NOT_FOUND, 1},
		{400, "InvalidLaunchTemplateName.NotFoundException", ERR_NOT_FOUND, 1},
		{400, "InvalidLaunchTemplateId.VersionNotFound", ERR_NOT_FOUND, 1},
		{400, "IdempotentParameterMismatch", ERR_REJECTED, 1},
		{400, "InvalidParameterValue", ERR_REJECTED, 1},
		{403, "UnauthorizedOperation", ERR_DENIED, 1},
		{503, "RequestLimitExceeded", ERR_THROTTLED, 3},
	};
	struct ec2_template t = {.id = "lt-1"};
	struct fake *f = *state;
	struct ec2_template_version v;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = ERR_INIT;

		fake_again(f);
		for (size_t k = 0; k < cases[i].attempts; k++)
			fake_answer(
				f, cases[i].status, NULL,
				arena_printf(f->arena,
					     "<Response><Errors><Error><Code>%s</Code><Message>m"
					     "</Message></Error></Errors><RequestID>q</RequestID>"
					     "</Response>",
					     cases[i].name));
		assert_int_equal(
			ec2_describe_template_version(&f->client, &t, "1", f->arena, &v, &err), -1);
		if (err.code != cases[i].code)
			fail_msg("%s: %s", cases[i].name, err.text);
		assert_string_equal(err.aws, cases[i].name);
		assert_true(fake_done(f));
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_describe),	 T(test_describe_errors), T(test_create),
		T(test_create_refusals), T(test_errors),
	};

	return cmocka_run_group_tests_name("ec2", tests, NULL, NULL);
}
