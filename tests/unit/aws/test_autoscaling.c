#include "tests/unit/aws/autoscaling_world.h"

/* --- reading --------------------------------------------------------------------------------- */

static void test_group(void **state)
{
	struct fake *f = *state;
	struct asg_group *g = read_one(f, whole, "blue");

	assert_string_equal(g->arn, "arn:blue");
	assert_int_equal(g->min, 1);
	assert_int_equal(g->max, 6);
	assert_int_equal(g->desired, 3);
	assert_string_equal(g->launch_template.id, "lt-1");
	assert_string_equal(g->launch_template.name, "shop");
	assert_string_equal(g->launch_template.version, "7");
	assert_false(g->is_mixed || g->overrides_template);
	assert_null(g->launch_configuration);
	assert_string_equal(g->health_check_type, "ELB");
	assert_string_equal(g->capacity_type, "units");
	assert_string_equal(g->deletion_protection, "prevent-force-deletion");
	assert_string_equal(g->operator_principal, "x.amazonaws.com");
	assert_null(g->status);
	assert_true(g->has_warm_pool && g->protects_new);
	assert_int_equal(g->n_target_groups, 2); /* the one that stands in both lists once */
	assert_string_equal(g->target_groups[1], "tg-2");
	assert_int_equal(g->n_other_sources, 0);
	assert_true(asg_is_suspended(g, "AZRebalance"));
	assert_false(asg_is_suspended(g, "Launch"));
	assert_int_equal(g->n_instances, 3);
	assert_true(g->instances[0].in_service && g->instances[0].is_protected);
	assert_int_equal(g->instances[0].weight, 2);
	assert_string_equal(g->instances[0].launch_template.version, "7");
	assert_string_equal(g->instances[0].zone, "eu-central-1a");
	assert_false(g->instances[1].in_service); /* InService, but not Healthy */
	assert_int_equal(g->instances[1].weight, 1);
	assert_null(g->instances[1].launch_template.version);
	assert_false(g->instances[2].in_service);
	assert_int_equal(g->n_tags, 3); /* one without a key is none */
	assert_string_equal(asg_tag_get(g, "team"), "shop & co");
	assert_true(g->tags[0].propagate);
	assert_null(asg_tag_get(g, "other"));
}

static void test_group_of_other_kinds(void **state)
{
	struct fake *f = *state;
	struct asg_group *g = read_one(
		f,
		"<member>" NAME("old") SIZES
		"<LaunchConfigurationName>lc</LaunchConfigurationName><LoadBalancerNames><member>c"
		"</member></LoadBalancerNames><Status>Delete in progress</Status>"
		"<WarmPoolConfiguration/></member>",
		"old");

	assert_string_equal(g->launch_configuration, "lc");
	assert_null(g->launch_template.id);
	assert_int_equal(g->n_other_sources, 1);
	assert_string_equal(g->status, "Delete in progress");
	assert_false(g->has_warm_pool);

	g = read_one(
		f,
		"<member>" NAME("mixed") SIZES
		"<TrafficSources><member><Identifier>v</Identifier><Type>vpc-lattice</Type>"
		"</member></TrafficSources><MixedInstancesPolicy><LaunchTemplate>"
		"<LaunchTemplateSpecification><LaunchTemplateId>lt-2</LaunchTemplateId><Version>"
		"$Latest</Version></LaunchTemplateSpecification><Overrides><member>"
		"<InstanceType>m6i.large</InstanceType></member><member><ImageId>ami-1</ImageId>"
		"</member></Overrides></LaunchTemplate></MixedInstancesPolicy></member>",
		"mixed");
	assert_true(g->is_mixed && g->overrides_template);
	assert_string_equal(g->launch_template.id, "lt-2");
	assert_string_equal(g->launch_template.version, "$Latest");
	assert_int_equal(g->n_other_sources, 1);
}

static void test_groups_in_order_over_pages(void **state)
{
	static const char *const names[] = {"b", "gone", "a"};
	struct fake *f = *state;
	struct err err = ERR_INIT;
	struct asg_group *g;
	size_t n;

	say(f, "DescribeAutoScalingGroups", GROUPS(PLAIN("a")) "<NextToken>x+y</NextToken>");
	say(f, "DescribeAutoScalingGroups", GROUPS(PLAIN("b")));
	assert_int_equal(asg_describe_groups(&f->client, names, 3, f->arena, &g, &err), 0);
	assert_string_equal(g[0].name, "b");
	assert_null(g[1].name);
	assert_string_equal(g[2].name, "a");
	expect_form(f, 0, "DescribeAutoScalingGroups",
		    "AutoScalingGroupNames.member.1=b&AutoScalingGroupNames.member.2=gone"
		    "&AutoScalingGroupNames.member.3=a");
	expect_part(f, 1, "&NextToken=x%2By");
	api_check(f, 1, "autoscaling", "DescribeAutoScalingGroups");

	fake_again(f);
	say(f, "DescribeAutoScalingGroups", GROUPS(PLAIN("a") PLAIN("b")));
	assert_int_equal(asg_describe_tagged(&f->client, "k:x", "v", f->arena, &g, &n, &err), 0);
	assert_int_equal(n, 2);
	expect_form(f, 0, "DescribeAutoScalingGroups",
		    "Filters.member.1.Name=tag%3Ak%3Ax&Filters.member.1.Values.member.1=v");

	/* without names it would list everything */
	fake_again(f);
	assert_int_equal(asg_describe_groups(&f->client, names, 0, f->arena, &g, &err), -1);
	assert_int_equal(err.code, ERR_REJECTED);
	assert_int_equal(f->n_requests, 0);
}

static void test_endless_pages(void **state)
{
	struct fake *f = *state;
	struct err err = ERR_INIT;
	struct asg_part *parts;
	size_t n;

	say(f, "DescribePolicies", "<ScalingPolicies/><NextToken>again</NextToken>");
	f->repeat_last = true;
	assert_int_equal(asg_describe_policies(&f->client, "g", f->arena, &parts, &n, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
}

static void test_malformed_groups(void **state)
{
	static const char *const cases[] = {
		"<member>" SIZES "</member>",
		"<member>" NAME("a") "</member>",
		"<member>" NAME("a") SIZES "<Instances><member/></Instances></member>",
	};
	const char *name = "a";
	struct fake *f = *state;
	struct err err = ERR_INIT;
	struct asg_group *g;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		say(f, "DescribeAutoScalingGroups",
		    arena_printf(f->arena, "<AutoScalingGroups>%s</AutoScalingGroups>", cases[i]));
		err = ERR_INIT;
		assert_int_equal(asg_describe_groups(&f->client, &name, 1, f->arena, &g, &err), -1);
		assert_int_equal(err.code, ERR_MALFORMED);
	}
	fake_answer(f, 200, NULL, "<Other/>");
	err = ERR_INIT;
	assert_int_equal(asg_describe_groups(&f->client, &name, 1, f->arena, &g, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	assert_true(fake_done(f));
}

/* --- writing --------------------------------------------------------------------------------- */

static void test_create(void **state)
{
	static const struct asg_tag marks[] = {{"mark", "new", false}};
	struct fake *f = *state;
	struct asg_group *from = read_one(f, whole, "blue");
	struct asg_create create = {.name = "green",
				    .from = from,
				    .launch_template = {.id = "lt-1", .version = "8"},
				    .max = 6,
				    .health_check_type = "EC2",
				    .target_group = "tg-green",
				    .more_tags = marks,
				    .n_more_tags = 1};
	struct err err = ERR_INIT;

	say(f, "DescribeLifecycleHooks",
	    "<LifecycleHooks><member><LifecycleHookName>warm</LifecycleHookName>"
	    "<AutoScalingGroupName>blue</AutoScalingGroupName><LifecycleTransition>"
	    "autoscaling:EC2_INSTANCE_LAUNCHING</LifecycleTransition><HeartbeatTimeout>30"
	    "</HeartbeatTimeout><GlobalTimeout>3000</GlobalTimeout><DefaultResult>ABANDON"
	    "</DefaultResult></member></LifecycleHooks>");
	assert_int_equal(asg_describe_hooks(&f->client, "blue", f->arena, &create.hooks, &err), 0);
	expect_form(f, 0, "DescribeLifecycleHooks", "AutoScalingGroupName=blue");
	fake_again(f);
	fake_answer(f, 200, NULL, "<CreateAutoScalingGroupResponse/>");
	if (asg_create_group(&f->client, &create, f->arena, &err))
		fail_msg("%s", err.text);
	expect_form(f, 0, "CreateAutoScalingGroup",
		    "AutoScalingGroupName=green&MinSize=0&MaxSize=6&DesiredCapacity=0"
		    "&HealthCheckType=EC2&TargetGroupARNs.member.1=tg-green"
		    "&Tags.member.1.ResourceId=green&Tags.member.1.ResourceType=auto-scaling-group"
		    "&Tags.member.1.Key=team&Tags.member.1.Value=shop%20%26%20co"
		    "&Tags.member.1.PropagateAtLaunch=true&Tags.member.2.ResourceId=green"
		    "&Tags.member.2.ResourceType=auto-scaling-group&Tags.member.2.Key=mark"
		    "&Tags.member.2.Value=new&Tags.member.2.PropagateAtLaunch=false"
		    "&LifecycleHookSpecificationList.member.1.LifecycleHookName=warm"
		    "&LifecycleHookSpecificationList.member.1.LifecycleTransition="
		    "autoscaling%3AEC2_INSTANCE_LAUNCHING"
		    "&LifecycleHookSpecificationList.member.1.HeartbeatTimeout=30"
		    "&LifecycleHookSpecificationList.member.1.DefaultResult=ABANDON"
		    "&LaunchTemplate.LaunchTemplateId=lt-1&LaunchTemplate.Version=8"
		    "&DefaultCooldown=300&HealthCheckGracePeriod=60"
		    "&VPCZoneIdentifier=subnet-1%2Csubnet-2&TerminationPolicies.member.1="
		    "OldestInstance&TerminationPolicies.member.2=Default"
		    "&NewInstancesProtectedFromScaleIn=true&ServiceLinkedRoleARN=arn%3Arole"
		    "&DesiredCapacityType=units&InstanceMaintenancePolicy.MinHealthyPercentage=90");
}

static void test_create_mixed(void **state)
{
	struct fake *f = *state;
	struct asg_group *from = read_one(
		f,
		"<member>" NAME("mixed") SIZES
		"<AvailabilityZones><member>z1</member></AvailabilityZones><MixedInstancesPolicy>"
		"<LaunchTemplate><LaunchTemplateSpecification><LaunchTemplateId>lt-2"
		"</LaunchTemplateId><LaunchTemplateName>shop</LaunchTemplateName><Version>3</"
		"Version>"
		"</LaunchTemplateSpecification><Overrides><member><InstanceType>m6i.large"
		"</InstanceType><WeightedCapacity>2</WeightedCapacity></member><member>"
		"<InstanceRequirements><VCpuCount><Min>2</Min></"
		"VCpuCount><CpuManufacturers><member>"
		"amd</member></CpuManufacturers></InstanceRequirements></member></Overrides>"
		"</LaunchTemplate><InstancesDistribution><OnDemandBaseCapacity>1"
		"</OnDemandBaseCapacity></InstancesDistribution></MixedInstancesPolicy></member>",
		"mixed");
	struct asg_create create = {.name = "green",
				    .from = from,
				    .launch_template = {.name = "shop", .version = "4"},
				    .max = 6};
	struct asg_update update = {.min = -1, .max = -1, .desired = -1};
	struct err err = ERR_INIT;

	fake_answer(f, 200, NULL, "<R/>");
	assert_int_equal(asg_create_group(&f->client, &create, f->arena, &err), 0);
	expect_form(f, 0, "CreateAutoScalingGroup",
		    "AutoScalingGroupName=green&MinSize=0&MaxSize=6&DesiredCapacity=0"
		    "&MixedInstancesPolicy.LaunchTemplate.LaunchTemplateSpecification"
		    ".LaunchTemplateName=shop&MixedInstancesPolicy.LaunchTemplate"
		    ".LaunchTemplateSpecification.Version=4"
		    "&MixedInstancesPolicy.LaunchTemplate.Overrides.member.1.InstanceType=m6i.large"
		    "&MixedInstancesPolicy.LaunchTemplate.Overrides.member.1.WeightedCapacity=2"
		    "&MixedInstancesPolicy.LaunchTemplate.Overrides.member.2.InstanceRequirements"
		    ".VCpuCount.Min=2&MixedInstancesPolicy.LaunchTemplate.Overrides.member.2"
		    ".InstanceRequirements.CpuManufacturers.member.1=amd"
		    "&MixedInstancesPolicy.InstancesDistribution.OnDemandBaseCapacity=1"
		    "&AvailabilityZones.member.1=z1");

	fake_again(f);
	fake_answer(f, 200, NULL, "<R/>");
	update.launch_template = create.launch_template;
	update.of = from;
	assert_int_equal(asg_update_group(&f->client, "mixed", &update, f->arena, &err), 0);
	expect_part(f, 0, "&MixedInstancesPolicy.LaunchTemplate.Overrides.member.1.InstanceType=");
	api_check(f, 0, "autoscaling", "UpdateAutoScalingGroup");
}

/* A creation whose answer is lost is never sent again blindly; the name tells afterwards. */
static void test_create_is_not_repeated(void **state)
{
	struct fake *f = *state;
	struct asg_group *from = read_one(f, PLAIN("blue"), "blue");
	struct asg_create create = {
		.name = "green", .from = from, .launch_template = {.id = "lt-1", .version = "8"}};
	struct err err = ERR_INIT;

	fake_fail(f, ERR_TIMEOUT, true);
	assert_int_equal(asg_create_group(&f->client, &create, f->arena, &err), -1);
	assert_true(err.sent);
	assert_int_equal(f->n_requests, 1);

	create.launch_template.version = NULL;
	err = ERR_INIT;
	assert_int_equal(asg_create_group(&f->client, &create, f->arena, &err), -1);
	assert_int_equal(err.code, ERR_REJECTED);
	create.launch_template = (struct asg_template){.version = "1"};
	assert_int_equal(asg_create_group(&f->client, &create, f->arena, &err), -1);
	assert_int_equal(f->n_requests, 1);
}

static void test_update(void **state)
{
	struct fake *f = *state;
	struct asg_update update = {.min = 1, .max = 6, .desired = 3, .health_check_type = "ELB"};
	struct err err = ERR_INIT;

	fake_fail(f, ERR_TIMEOUT, true); /* idempotent by content */
	fake_answer(f, 200, NULL, "<R/>");
	assert_int_equal(asg_update_group(&f->client, "g", &update, f->arena, &err), 0);
	expect_form(f, 1, "UpdateAutoScalingGroup",
		    "AutoScalingGroupName=g&MinSize=1&MaxSize=6&DesiredCapacity=3"
		    "&HealthCheckType=ELB");

	fake_again(f);
	fake_answer(f, 200, NULL, "<R/>");
	update = (struct asg_update){.min = -1,
				     .max = -1,
				     .desired = -1,
				     .deletion_protection = "none",
				     .launch_template = {.id = "lt-1", .version = "8"},
				     .of = read_one(f, PLAIN("g"), "g")};
	fake_answer(f, 200, NULL, "<R/>");
	assert_int_equal(asg_update_group(&f->client, "g", &update, f->arena, &err), 0);
	expect_form(f, 0, "UpdateAutoScalingGroup",
		    "AutoScalingGroupName=g&DeletionProtection=none"
		    "&LaunchTemplate.LaunchTemplateId=lt-1&LaunchTemplate.Version=8");

	update.of = NULL;
	assert_int_equal(asg_update_group(&f->client, "g", &update, f->arena, &err), -1);
	assert_int_equal(err.code, ERR_REJECTED);
}

static void test_small_writes(void **state)
{
	static const char *const both[] = {"AZRebalance", "ScheduledActions"};
	struct fake *f = *state;
	struct err err = ERR_INIT;

	fake_answer(f, 200, NULL, "<R/>");
	f->repeat_last = true;
	assert_int_equal(asg_delete_group(&f->client, "g", f->arena, &err), 0);
	expect_form(f, 0, "DeleteAutoScalingGroup", "AutoScalingGroupName=g");
	assert_int_equal(asg_attach_target_group(&f->client, "g", "t", f->arena, &err), 0);
	expect_form(f, 1, "AttachTrafficSources",
		    "AutoScalingGroupName=g&TrafficSources.member.1.Identifier=t"
		    "&TrafficSources.member.1.Type=elbv2");
	assert_int_equal(asg_suspend(&f->client, "g", both, 2, f->arena, &err), 0);
	expect_form(f, 2, "SuspendProcesses",
		    "AutoScalingGroupName=g&ScalingProcesses.member.1=AZRebalance"
		    "&ScalingProcesses.member.2=ScheduledActions");
	assert_int_equal(asg_resume(&f->client, "g", both, 1, f->arena, &err), 0);
	expect_form(f, 3, "ResumeProcesses",
		    "AutoScalingGroupName=g&ScalingProcesses.member.1=AZRebalance");

	/* none would mean all */
	assert_int_equal(asg_resume(&f->client, "g", both, 0, f->arena, &err), -1);
	assert_int_equal(err.code, ERR_REJECTED);
	assert_int_equal(f->n_requests, 4);
}

static void test_too_long(void **state)
{
	struct fake *f = *state;
	const char *name = fake_repeat(f->arena, "x", 300u << 10);
	struct err err = ERR_INIT;

	assert_int_equal(asg_delete_group(&f->client, name, f->arena, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_int_equal(f->n_requests, 0);
}

/* --- errors ---------------------------------------------------------------------------------- */

static void test_errors(void **state)
{
	static const struct {
		int status;
		const char *name, *message;
		enum err_code code;
		size_t attempts;
	} cases[] = {
		{400, "ValidationError", "AutoScalingGroup name not found - no such group",
		 ERR_NOT_FOUND, 1},
		{400, "ValidationError", "1 validation error detected", ERR_REJECTED, 1},
		{400, "AlreadyExists", "m", ERR_CONFLICT, 1},
		{400, "ScalingActivityInProgress", "m", ERR_CONFLICT, 1},
		{400, "ResourceInUse", "m", ERR_CONFLICT, 1},
		{400, "InstanceRefreshInProgress", "m", ERR_CONFLICT, 1},
		{400, "LimitExceeded", "m", ERR_REJECTED, 1},
		{403, "AccessDenied", "m", ERR_DENIED, 1},
		{400, "Throttling", "m", ERR_THROTTLED, 3},
		{500, "ResourceContention", "m", ERR_UNAVAILABLE, 3},
	};
	struct fake *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err err = ERR_INIT;

		fake_again(f);
		for (size_t k = 0; k < cases[i].attempts; k++)
			fake_answer(f, cases[i].status, NULL,
				    arena_printf(f->arena,
						 "<ErrorResponse><Error><Type>Sender</Type><Code>%s"
						 "</Code><Message>%s</Message></Error><RequestId>q"
						 "</RequestId></ErrorResponse>",
						 cases[i].name, cases[i].message));
		assert_int_equal(asg_delete_group(&f->client, "g", f->arena, &err), -1);
		if (err.code != cases[i].code)
			fail_msg("%s: %s", cases[i].name, err.text);
		assert_string_equal(err.aws, cases[i].name);
		assert_true(fake_done(f));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_group),
		T(test_group_of_other_kinds),
		T(test_groups_in_order_over_pages),
		T(test_endless_pages),
		T(test_malformed_groups),
		T(test_create),
		T(test_create_mixed),
		T(test_create_is_not_repeated),
		T(test_update),
		T(test_small_writes),
		T(test_too_long),
		T(test_errors),
	};

	return cmocka_run_group_tests_name("autoscaling", tests, NULL, NULL);
}
