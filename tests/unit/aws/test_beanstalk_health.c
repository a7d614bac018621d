#include "tests/unit/aws/beanstalk_world.h"

static void test_events(void **state)
{
	const struct utc since = {1767323045000};
	struct beanstalk_event *e;
	struct fake *f = *state;
	struct err err = ERR_INIT;
	size_t n;

	eb_answer(f, "DescribeEvents",
		  "<Events><member><EventDate>2026-01-02T03:05:00Z</EventDate><Severity>ERROR"
		  "</Severity><Message>Failed to deploy application.</Message><VersionLabel>v2"
		  "</VersionLabel></member></Events><NextToken>n</NextToken>");
	eb_answer(f, "DescribeEvents",
		  "<Events><member><EventDate>2026-01-02T03:04:06Z</EventDate><Severity>FATAL"
		  "</Severity><Message>m</Message></member></Events>");
	if (beanstalk_describe_events(&f->client, "e-1", since, "ERROR", f->arena, &e, &n, &err))
		fail_msg("%s", err.text);
	eb_expect(f, 0, "DescribeEvents",
		  "EnvironmentId=e-1&Severity=ERROR&StartTime=2026-01-02T03%3A04%3A05Z");
	assert_int_equal(n, 2);
	assert_int_equal(e[0].at.ms, 1767323100000);
	assert_string_equal(e[0].severity, "ERROR");
	assert_string_equal(e[0].message, "Failed to deploy application.");
	assert_string_equal(e[0].version_label, "v2");
	assert_null(e[1].version_label);

	eb_answer(f, "DescribeEvents",
		  "<Events><member><EventDate>yesterday</EventDate><Severity>INFO</Severity>"
		  "<Message>m</Message></member></Events>");
	assert_int_equal(
		beanstalk_describe_events(&f->client, "e-1", since, NULL, f->arena, &e, &n, &err),
		-1);
	assert_int_equal(err.code, ERR_MALFORMED);
	assert_int_equal(
		beanstalk_describe_events(&f->client, "", since, NULL, f->arena, &e, &n, &err), -1);
	assert_int_equal(err.code, ERR_REJECTED);
	assert_true(fake_done(f));
}

static void test_health(void **state)
{
	struct beanstalk_health_report r;
	struct fake *f = *state;
	struct err err = ERR_INIT;

	eb_answer(f, "DescribeEnvironmentHealth",
		  "<HealthStatus>Degraded</HealthStatus><Color>Red</Color><Causes><member>7 % of "
		  "the requests are failing with HTTP 5xx.</member><member>b</member></Causes>"
		  "<ApplicationMetrics><Duration>10</Duration><RequestCount>100</RequestCount>"
		  "<StatusCodes><Status2xx>80</Status2xx><Status3xx>5</Status3xx><Status4xx>8"
		  "</Status4xx><Status5xx>7</Status5xx></StatusCodes><Latency><P99>0.5</P99>"
		  "<P50>0.02</P50></Latency></ApplicationMetrics><RefreshedAt>2026-01-02T03:04:05Z"
		  "</RefreshedAt>");
	if (beanstalk_describe_health(&f->client, "e-1", f->arena, &r, &err))
		fail_msg("%s", err.text);
	eb_expect(f, 0, "DescribeEnvironmentHealth",
		  "EnvironmentId=e-1&AttributeNames.member.1=All");
	assert_int_equal(r.health, BEANSTALK_DEGRADED);
	assert_int_equal(r.color, BEANSTALK_RED);
	assert_string_equal(r.cause, "7 % of the requests are failing with HTTP 5xx.");
	assert_int_equal(r.duration_s, 10);
	assert_int_equal(r.requests, 100);
	assert_int_equal(r.status_2xx, 80);
	assert_int_equal(r.status_3xx, 5);
	assert_int_equal(r.status_4xx, 8);
	assert_int_equal(r.status_5xx, 7);
	assert_true(r.has_latency);
	assert_true(r.p50_s > 0.019 && r.p50_s < 0.021);
	assert_true(r.p99_s > 0.49 && r.p99_s < 0.51);
	assert_true(r.has_refreshed);
	assert_int_equal(r.refreshed.ms, 1767323045000);

	eb_answer(f, "DescribeEnvironmentHealth", "<Color>Grey</Color>");
	assert_int_equal(beanstalk_describe_health(&f->client, "e-1", f->arena, &r, &err), 0);
	assert_int_equal(r.health, BEANSTALK_HEALTH_NONE);
	assert_int_equal(r.requests, 0);
	assert_false(r.has_latency);
	assert_null(r.cause);
	eb_answer(f, "DescribeEnvironmentHealth", "");
	assert_int_equal(beanstalk_describe_health(&f->client, "e-1", f->arena, &r, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	/* basic reporting */
	eb_refuse(f, 400, "InvalidRequestException", "m");
	assert_int_equal(beanstalk_describe_health(&f->client, "e-1", f->arena, &r, &err), -1);
	assert_int_equal(err.code, ERR_REJECTED);
	assert_int_equal(beanstalk_describe_health(&f->client, NULL, f->arena, &r, &err), -1);
	assert_int_equal(err.code, ERR_REJECTED);
	assert_true(fake_done(f));
}

static void test_instances(void **state)
{
	struct beanstalk_instance *i;
	struct fake *f = *state;
	struct err err = ERR_INIT;
	size_t n;

	eb_answer(f, "DescribeInstancesHealth",
		  "<InstanceHealthList><member><InstanceId>i-1</InstanceId><HealthStatus>Ok"
		  "</HealthStatus><Deployment><VersionLabel>v2</VersionLabel><DeploymentId>7"
		  "</DeploymentId><Status>Deployed</Status></Deployment></member>"
		  "</InstanceHealthList><NextToken>n</NextToken>");
	eb_answer(f, "DescribeInstancesHealth",
		  "<InstanceHealthList><member><InstanceId>i-2</InstanceId><HealthStatus>Severe"
		  "</HealthStatus><Causes><member>c</member></Causes></member>"
		  "</InstanceHealthList>");
	if (beanstalk_describe_instances(&f->client, "e-1", f->arena, &i, &n, &err))
		fail_msg("%s", err.text);
	eb_expect(f, 0, "DescribeInstancesHealth", "EnvironmentId=e-1&AttributeNames.member.1=All");
	eb_expect(f, 1, "DescribeInstancesHealth",
		  "EnvironmentId=e-1&AttributeNames.member.1=All&NextToken=n");
	assert_int_equal(n, 2);
	assert_string_equal(i[0].id, "i-1");
	assert_string_equal(i[0].version_label, "v2");
	assert_string_equal(i[0].deployment_status, "Deployed");
	assert_int_equal(i[0].deployment_id, 7);
	assert_int_equal(i[1].health, BEANSTALK_SEVERE);
	assert_string_equal(i[1].cause, "c");
	assert_null(i[1].version_label);
	assert_null(i[1].deployment_status);
	assert_int_equal(i[1].deployment_id, -1);

	eb_answer(f, "DescribeInstancesHealth",
		  "<InstanceHealthList><member/></InstanceHealthList>");
	assert_int_equal(beanstalk_describe_instances(&f->client, "e-1", f->arena, &i, &n, &err),
			 -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	assert_int_equal(beanstalk_describe_instances(&f->client, "", f->arena, &i, &n, &err), -1);
	assert_int_equal(err.code, ERR_REJECTED);
	assert_true(fake_done(f));
}

static void test_resources(void **state)
{
	struct beanstalk_resources r;
	struct fake *f = *state;
	struct err err = ERR_INIT;

	eb_answer(f, "DescribeEnvironmentResources",
		  "<EnvironmentResources><AutoScalingGroups><member><Name>asg</Name></member>"
		  "</AutoScalingGroups><Instances><member><Id>i-1</Id></member><member><Id>i-2</Id>"
		  "</member></Instances><LoadBalancers><member><Name>arn:lb</Name></member>"
		  "</LoadBalancers></EnvironmentResources>");
	if (beanstalk_describe_resources(&f->client, "e-1", f->arena, &r, &err))
		fail_msg("%s", err.text);
	eb_expect(f, 0, "DescribeEnvironmentResources", "EnvironmentId=e-1");
	assert_int_equal(r.auto_scaling_groups.n, 1);
	assert_string_equal(r.auto_scaling_groups.names[0], "asg");
	assert_int_equal(r.instances.n, 2);
	assert_string_equal(r.instances.names[1], "i-2");
	assert_string_equal(r.load_balancers.names[0], "arn:lb");

	eb_answer(f, "DescribeEnvironmentResources", "<EnvironmentResources/>");
	assert_int_equal(beanstalk_describe_resources(&f->client, "e-1", f->arena, &r, &err), 0);
	assert_int_equal(r.instances.n, 0);
	eb_answer(f, "DescribeEnvironmentResources", "");
	assert_int_equal(beanstalk_describe_resources(&f->client, "e-1", f->arena, &r, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	eb_answer(f, "DescribeEnvironmentResources",
		  "<EnvironmentResources><Instances><member/></Instances></EnvironmentResources>");
	assert_int_equal(beanstalk_describe_resources(&f->client, "e-1", f->arena, &r, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	assert_int_equal(beanstalk_describe_resources(&f->client, "", f->arena, &r, &err), -1);
	assert_int_equal(err.code, ERR_REJECTED);
	assert_true(fake_done(f));
}

static void test_managed_actions(void **state)
{
	struct beanstalk_managed_action *m;
	struct fake *f = *state;
	struct err err = ERR_INIT;
	size_t n;

	eb_answer(
		f, "DescribeEnvironmentManagedActions",
		"<ManagedActions><member><ActionId>a-1</ActionId><ActionDescription>d"
		"</ActionDescription><ActionType>PlatformUpdate</ActionType><Status>Scheduled"
		"</Status><WindowStartTime>2026-01-02T03:04:05Z</WindowStartTime></member><member>"
		"<ActionId>a-2</ActionId><Status>Running</Status></member></ManagedActions>");
	if (beanstalk_managed_actions(&f->client, "e-1", f->arena, &m, &n, &err))
		fail_msg("%s", err.text);
	eb_expect(f, 0, "DescribeEnvironmentManagedActions", "EnvironmentId=e-1");
	assert_int_equal(n, 2);
	assert_string_equal(m[0].id, "a-1");
	assert_string_equal(m[0].description, "d");
	assert_string_equal(m[0].type, "PlatformUpdate");
	assert_string_equal(m[0].status, "Scheduled");
	assert_true(m[0].has_window);
	assert_int_equal(m[0].window.ms, 1767323045000);
	assert_string_equal(m[1].status, "Running");
	assert_false(m[1].has_window);
	eb_answer(f, "DescribeEnvironmentManagedActions", "");
	assert_int_equal(beanstalk_managed_actions(&f->client, "e-1", f->arena, &m, &n, &err), 0);
	assert_int_equal(n, 0);
	eb_answer(f, "DescribeEnvironmentManagedActions",
		  "<ManagedActions><member><ActionId>a-1</ActionId></member></ManagedActions>");
	assert_int_equal(beanstalk_managed_actions(&f->client, "e-1", f->arena, &m, &n, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	assert_int_equal(beanstalk_managed_actions(&f->client, NULL, f->arena, &m, &n, &err), -1);
	assert_int_equal(err.code, ERR_REJECTED);
	assert_true(fake_done(f));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, eb_set_up, eb_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_events),    TEST(test_health),	  TEST(test_instances),
		TEST(test_resources), TEST(test_managed_actions),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
