#include "tests/unit/sim/asg_shop.h"

/* The simulated EC2: launch templates and their versions, instances and tags. */

static const struct xml *version_of(struct world *w, const char *version)
{
	ec2(w, arena_printf(w->arena,
			    "DescribeLaunchTemplateVersions&LaunchTemplateName=shop-lt"
			    "&LaunchTemplateVersion.1=%s",
			    version));
	return result(w, "launchTemplateVersionSet/item");
}

static void test_versions_are_numbered(void **state)
{
	struct shop s = asg_shop_new();
	struct world *w = s.w;
	const struct xml *v;
	(void)state;
	ctl(w, "ec2 template shop-lt image=ami-2 type=m5.large default=true");
	ctl(w, "ec2 template shop-lt image=ami-3 user_data=\"#!/bin/sh\"");
	v = version_of(w, "1");
	assert_xml(v, "launchTemplateData/imageId", "ami-1");
	assert_xml(v, "launchTemplateData/instanceType", "t3.small");
	assert_xml(v, "defaultVersion", "false");
	assert_xml(version_of(w, "$Default"), "versionNumber", "2");
	assert_xml(version_of(w, "$Default"), "defaultVersion", "true");
	v = version_of(w, "$Latest");
	assert_xml(v, "versionNumber", "3");
	assert_xml(v, "launchTemplateData/userData", "IyEvYmluL3No");
	ec2(w, "DescribeLaunchTemplateVersions&LaunchTemplateName=shop-lt&MaxResults=2");
	assert_xml(result(w, "launchTemplateVersionSet/item"), "versionNumber", "3");
	assert_true(str_is(xml_text(body_xml(w), "nextToken"), "2"));
	ec2(w, "DescribeLaunchTemplateVersions&LaunchTemplateName=shop-lt&MaxResults=2"
	       "&NextToken=2");
	assert_xml(result(w, "launchTemplateVersionSet/item"), "versionNumber", "1");
	ec2(w, "ModifyLaunchTemplate&LaunchTemplateName=shop-lt&SetDefaultVersion=3");
	assert_xml(result(w, "launchTemplate"), "defaultVersionNumber", "3");
	ec2(w, "DescribeLaunchTemplates&LaunchTemplateName.1=shop-lt");
	assert_xml(result(w, "launchTemplates/item"), "latestVersionNumber", "3");
	ec2(w, "DeleteLaunchTemplateVersions&LaunchTemplateName=shop-lt&LaunchTemplateVersion.1=1"
	       "&LaunchTemplateVersion.2=3&LaunchTemplateVersion.3=8");
	assert_xml(result(w, "successfullyDeletedLaunchTemplateVersionSet/item"), "versionNumber",
		   "1");
	v = xml_first(result(w, "unsuccessfullyDeletedLaunchTemplateVersionSet"), "item");
	assert_xml(v, "responseError/code", "unexpectedError"); /* the default one */
	assert_xml(xml_next(v, "item"), "responseError/code", "launchTemplateVersionDoesNotExist");
	ec2(w,
	    "DescribeLaunchTemplateVersions&LaunchTemplateName=shop-lt&LaunchTemplateVersion.1=1");
	assert_error(w, 400, "InvalidLaunchTemplateId.VersionNotFound");
	world_free(w);
}

static void test_a_version_is_made_from_another(void **state)
{
	static const char create[] =
		"CreateLaunchTemplateVersion&LaunchTemplateName=shop-lt&SourceVersion=1"
		"&ClientToken=token-1&VersionDescription=rollout%20r1&LaunchTemplateData.ImageId="
		"ami-2&LaunchTemplateData.BlockDeviceMapping.1.DeviceName=/dev/xvda"
		"&LaunchTemplateData.BlockDeviceMapping.1.Ebs.VolumeSize=20"
		"&LaunchTemplateData.NetworkInterface.1.SecurityGroupId.1=sg-1"
		"&LaunchTemplateData.SecurityGroupId.1=sg-2";
	struct shop s = asg_shop_new();
	struct world *w = s.w;
	const struct xml *v;
	(void)state;
	ec2(w, create);
	v = result(w, "launchTemplateVersion");
	assert_xml(v, "versionNumber", "2");
	assert_xml(v, "versionDescription", "rollout r1");
	assert_xml(v, "launchTemplateData/imageId", "ami-2");
	assert_xml(v, "launchTemplateData/instanceType", "t3.small"); /* of its source */
	assert_xml(v, "launchTemplateData/blockDeviceMappingSet/item/ebs/volumeSize", "20");
	assert_xml(v, "launchTemplateData/networkInterfaceSet/item/groupSet/groupId", "sg-1");
	assert_xml(v, "launchTemplateData/securityGroupIdSet/item", "sg-2");
	assert_null(xml_at(body_xml(w), "warning"));
	ec2(w, create); /* the same token: the same version */
	assert_xml(result(w, "launchTemplateVersion"), "versionNumber", "2");
	ec2(w, "CreateLaunchTemplateVersion&LaunchTemplateName=shop-lt&ClientToken=token-1"
	       "&LaunchTemplateData.ImageId=ami-9");
	assert_error(w, 400, "IdempotentParameterMismatch");
	ctl(w, "ec2 image ami-7 missing=true");
	ec2(w, "CreateLaunchTemplateVersion&LaunchTemplateName=shop-lt&SourceVersion=2"
	       "&LaunchTemplateData.ImageId=ami-7");
	assert_xml(result(w, "warning/errorSet/item"), "code", "InvalidAMIID.NotFound");
	assert_int_equal((int)number(ctl(w, "ec2 show shop-lt"), "latest"), 3);
	world_free(w);
}

static void test_refusals(void **state)
{
	static const struct {
		const char *form, *code;
	} cases[] = {
		{"DescribeLaunchTemplateVersions", "MissingParameter"},
		{"DescribeLaunchTemplateVersions&LaunchTemplateId=lt-1&LaunchTemplateName=a",
		 "InvalidParameterCombination"},
		{"DescribeLaunchTemplateVersions&LaunchTemplateId=lt-1",
		 "InvalidLaunchTemplateId.NotFound"},
		{"DescribeLaunchTemplateVersions&LaunchTemplateName=none",
		 "InvalidLaunchTemplateName.NotFoundException"},
		{"DescribeLaunchTemplateVersions&LaunchTemplateName=shop-lt"
		 "&LaunchTemplateVersion.1=7",
		 "InvalidLaunchTemplateId.VersionNotFound"},
		{"DescribeLaunchTemplateVersions&LaunchTemplateName=shop-lt&MaxResults=0",
		 "InvalidParameterValue"},
		{"DescribeLaunchTemplateVersions&LaunchTemplateName=shop-lt&NextToken=x",
		 "InvalidNextToken"},
		{"DescribeLaunchTemplates&LaunchTemplateId.1=lt-1",
		 "InvalidLaunchTemplateId.NotFound"},
		{"DescribeLaunchTemplates&LaunchTemplateName.1=none",
		 "InvalidLaunchTemplateName.NotFoundException"},
		{"CreateLaunchTemplateVersion&LaunchTemplateName=shop-lt", "MissingParameter"},
		{"CreateLaunchTemplateVersion&LaunchTemplateName=shop-lt&SourceVersion=9"
		 "&LaunchTemplateData.ImageId=ami-1",
		 "InvalidLaunchTemplateId.VersionNotFound"},
		{"CreateLaunchTemplateVersion&LaunchTemplateName=shop-lt"
		 "&LaunchTemplateData.UserData=%25",
		 "InvalidUserData.Malformed"},
		{"CreateLaunchTemplateVersion&LaunchTemplateName=shop-lt&Colour=red"
		 "&LaunchTemplateData.ImageId=ami-1",
		 "UnknownParameter"},
		{"ModifyLaunchTemplate&LaunchTemplateName=shop-lt&SetDefaultVersion=9",
		 "InvalidLaunchTemplateId.VersionNotFound"},
		{"DeleteLaunchTemplateVersions&LaunchTemplateName=shop-lt", "MissingParameter"},
		{"DescribeInstances&InstanceId.1=i-none", "InvalidInstanceID.NotFound"},
		{"DescribeInstances&Filter.1.Name=colour", "InvalidParameterValue"},
		{"DescribeInstances&Filters.1.Name=instance-id", "UnknownParameter"},
		{"CreateTags", "MissingParameter"},
		{"CreateTags&ResourceId.1=i-none&Tag.1.Key=a", "InvalidInstanceID.NotFound"},
		{"Dance", "InvalidAction"},
	};
	struct shop s = asg_shop_new();
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ec2(s.w, cases[i].form);
		assert_error(s.w, 400, cases[i].code);
	}
	ec2(s.w, arena_printf(s.w->arena, "CreateTags&ResourceId.1=%s&Tag.1.Key=aws:x",
			      instance_at(s.w, "shop-blue", 0)));
	assert_error(s.w, 400, "InvalidParameterValue");
	world_free(s.w);
}

static void test_instances_are_described(void **state)
{
	struct shop s = asg_shop_new();
	struct world *w = s.w;
	const char *id = instance_at(w, "shop-blue", 0);
	const struct xml *i;
	(void)state;
	ec2(w, arena_printf(w->arena, "DescribeInstances&InstanceId.1=%s", id));
	assert_error(w, 400, "InvalidInstanceID.NotFound"); /* a moment after the launch */
	sim_advance(w->sim, 2000);
	ec2(w, arena_printf(w->arena, "DescribeInstances&InstanceId.1=%s", id));
	i = result(w, "reservationSet/item/instancesSet/item");
	assert_xml(i, "instanceId", id);
	assert_xml(i, "instanceState/name", "running");
	assert_xml(i, "imageId", "ami-1");
	assert_xml(i, "placement/availabilityZone", "eu-central-1a");
	ec2(w, arena_printf(w->arena, "DescribeInstances&InstanceId.1=%s&MaxResults=5", id));
	assert_error(w, 400, "InvalidParameterCombination");
	ec2(w, "DescribeInstances&Filter.1.Name=instance-state-name&Filter.1.Value.1=running"
	       "&MaxResults=2");
	assert_true(str_is(xml_text(body_xml(w), "nextToken"), "2"));
	ec2(w, "DescribeInstanceStatus");
	assert_xml(result(w, "instanceStatusSet/item"), "instanceStatus/status", "initializing");
	sim_advance(w->sim, 60000);
	ec2(w, "DescribeInstanceStatus");
	assert_xml(result(w, "instanceStatusSet/item"), "instanceStatus/status", "ok");
	ec2(w, arena_printf(w->arena, "CreateTags&ResourceId.1=%s&Tag.1.Key=role&Tag.1.Value=web",
			    id));
	assert_status(w, 200);
	ec2(w, "DescribeTags&Filter.1.Name=key&Filter.1.Value.1=role");
	assert_xml(result(w, "tagSet/item"), "resourceId", id);
	ec2(w, "DescribeInstances&Filter.1.Name=tag:role&Filter.1.Value.1=web");
	assert_xml(result(w, "reservationSet/item/instancesSet/item"), "instanceId", id);
	ctl(w, arena_printf(w->arena, "ec2 terminate %s", id));
	ec2(w, arena_printf(w->arena, "DescribeInstances&InstanceId.1=%s", id));
	assert_xml(result(w, "reservationSet/item/instancesSet/item"), "instanceState/name",
		   "shutting-down");
	sim_advance(w->sim, 6000);
	ec2(w, arena_printf(w->arena,
			    "DescribeInstanceStatus&InstanceId.1=%s"
			    "&IncludeAllInstances=true",
			    id));
	assert_xml(result(w, "instanceStatusSet/item"), "instanceState/name", "terminated");
	sim_advance(w->sim, 3700000);
	ec2(w, arena_printf(w->arena, "DescribeInstances&InstanceId.1=%s", id));
	assert_error(w, 400, "InvalidInstanceID.NotFound"); /* an hour later */
	world_free(w);
}

static void test_faults_have_the_services_own_form(void **state)
{
	struct shop s = asg_shop_new();
	struct world *w = s.w;
	(void)state;
	ctl(w, "sim fault kind=throttled service=ec2");
	ec2(w, "DescribeInstances");
	assert_error(w, 503, "RequestLimitExceeded");
	ctl(w, "sim fault kind=500 service=ec2");
	ec2(w, "DescribeInstances");
	assert_error(w, 500, "InternalError");
	ctl(w, "sim fault kind=expired-token service=ec2");
	ec2(w, "DescribeInstances");
	assert_error(w, 400, "RequestExpired");
	w->secret = "wrong";
	ec2(w, "DescribeInstances");
	assert_error(w, 401, "AuthFailure");
	world_free(w);
}

static void test_images_in_parameters_are_looked_up_at_launch(void **state)
{
	struct shop s = asg_shop_new();
	struct world *w = s.w;
	const struct xml *a;
	(void)state;
	ctl(w, "ssm parameter /shop/ami value=ami-42");
	ctl(w, "ec2 template param-lt image=resolve:ssm:/shop/ami");
	ctl(w, "autoscaling group param template=param-lt size=1");
	assert_string_equal(json_cstr(json_get(ctl(w, arena_printf(w->arena, "ec2 show %s",
								   instance_at(w, "param", 0))),
					       "image")),
			    "ami-42");
	ctl(w, "ec2 template param-lt image=resolve:ssm:/shop/none");
	ctl(w, "autoscaling group param version=2 desired=2");
	sim_advance(w->sim, 2000);
	asg(w, "DescribeScalingActivities&AutoScalingGroupName=param");
	a = result(w, "DescribeScalingActivitiesResult/Activities/member");
	assert_non_null(strstr(xml_cstr(a, "StatusMessage"), "was not found"));
	world_free(w);
}

static void test_control_refuses_nonsense(void **state)
{
	struct shop s = asg_shop_new();
	struct world *w = s.w;
	(void)state;
	ctl_refused(w, "ec2 template", "name");
	ctl_refused(w, "ec2 template abc", "image");
	ctl_refused(w, "ec2 template abc image=ami-1 default=x", "default");
	ctl_refused(w, "ec2 image", "id");
	ctl_refused(w, "ec2 image ami-1 errors=2", "errors");
	ctl_refused(w, "ec2 image ami-1 missing=x", "missing");
	ctl_refused(w, "ec2 launches n=0", "launches");
	ctl_refused(w, "ec2 launches start_ms=x", "launches");
	ctl_refused(w, "ec2 instance i-none", "i-none");
	ctl_refused(
		w,
		arena_printf(w->arena, "ec2 instance %s agent=x", instance_at(w, "shop-blue", 0)),
		"agent");
	ctl_refused(w, "ec2 show none", "none");
	ctl_refused(w, "ec2 dance", "dance");
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_versions_are_numbered),
		cmocka_unit_test(test_a_version_is_made_from_another),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_instances_are_described),
		cmocka_unit_test(test_faults_have_the_services_own_form),
		cmocka_unit_test(test_images_in_parameters_are_looked_up_at_launch),
		cmocka_unit_test(test_control_refuses_nonsense),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
