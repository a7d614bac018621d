#include "tests/unit/sim/eb_shop.h"

/* The simulated Elastic Beanstalk over time: deployments, exchange of CNAMEs, traffic. */

#define COMMAND "aws:elasticbeanstalk:command"
#define PROD "beanstalk:shop/shop-prod"
#define MINUTE INT64_C(60000)

static void deploy(struct world *w, const char *label)
{
	eb(w, "UpdateEnvironment&EnvironmentName=shop-blue&VersionLabel=%s", label);
	assert_true(
		str_is(xml_text(eb_result(w, "UpdateEnvironmentResult"), "VersionLabel"), label));
	eb_is(w, "shop-blue", "Status", "Updating");
}

static void assert_split(struct world *w, const char *candidate, double weight,
			 const char *baseline)
{
	const struct sim_split *p = eb_split(w, PROD);
	assert_string_equal(p->candidate, candidate);
	assert_near(p->weight, weight, 0.01);
	assert_string_equal(p->baseline, baseline);
}

static int64_t count(struct world *w, const char *name, const char *what)
{
	int64_t v = 0;
	(void)json_i64(json_get(ctl(w, arena_printf(w->arena, "beanstalk show %s", name)), what),
		       &v);
	return v;
}

/* --- in place ------------------------------------------------------------------------------- */

static void all_at_once(void **state)
{
	(void)state;
	struct world *w = eb_shop("");
	ctl(w, "beanstalk version shop v2");
	assert_split(w, "", 0, "v1");
	deploy(w, "v2");
	assert_int_equal(eb_instances(w, "shop-blue", "v2", "In Progress"), 2);
	eb_until(w, "shop-blue", "Ready", 2 * MINUTE);
	assert_int_equal(eb_instances(w, "shop-blue", "v2", "Deployed"), 2);
	eb_is(w, "shop-blue", "VersionLabel", "v2");
	assert_split(w, "", 0, "v2");
	/* it ends as Ready whatever came of it */
	ctl(w, "beanstalk version shop v3 state=Failed");
	deploy(w, "v3");
	eb_until(w, "shop-blue", "Ready", 2 * MINUTE);
	assert_int_equal(eb_instances(w, "shop-blue", "v3", "Failed"), 2);
	assert_int_equal(eb_events(w, "shop-blue", "ERROR", "Failed to deploy application."), 1);
	eb_is(w, "shop-blue", "VersionLabel", "v2");
	eb_is(w, "shop-blue", "Health", "Red");
	world_free(w);
}

static void rolling_leaves_a_mixture(void **state)
{
	(void)state;
	struct world *w = eb_shop("policy=Rolling option." COMMAND
				  "/BatchSizeType=Fixed option." COMMAND "/BatchSize=1");
	ctl(w, "beanstalk environment shop-blue instances=3");
	ctl(w, "beanstalk version shop v2 errors=0.001");
	deploy(w, "v2");
	assert_int_equal(eb_instances(w, "shop-blue", "v2", "In Progress"), 1);
	sim_advance(w->sim, 2 * MINUTE);
	assert_int_equal(eb_instances(w, "shop-blue", "v2", "Deployed"), 1);
	assert_split(w, "v2", 100.0 / 3, "v1");
	eb_until(w, "shop-blue", "Ready", 20 * MINUTE);
	assert_int_equal(eb_instances(w, "shop-blue", "v2", "Deployed"), 3);
	/* a batch that does not get well: the command's time, and its slack, must be over */
	ctl(w, "beanstalk version shop v3 health=unhealthy");
	deploy(w, "v3");
	sim_advance(w->sim, 10 * MINUTE);
	eb_is(w, "shop-blue", "Status", "Updating");
	eb_until(w, "shop-blue", "Ready", 10 * MINUTE);
	assert_int_equal(eb_instances(w, "shop-blue", "v3", "Failed"), 1);
	assert_int_equal(eb_instances(w, "shop-blue", "v2", "Deployed"), 2);
	assert_split(w, "v3", 100.0 / 3, "v2");
	eb(w, "DescribeEnvironmentHealth&EnvironmentName=shop-blue&AttributeNames.member.1=Causes");
	assert_non_null(strstr(str_dup(w->arena, w->res.body), "Incorrect application version"));
	world_free(w);
}

static void an_additional_batch_comes_and_goes(void **state)
{
	(void)state;
	struct world *w =
		eb_shop("policy=RollingWithAdditionalBatch option." COMMAND "/BatchSize=50");
	ctl(w, "beanstalk version shop v2");
	deploy(w, "v2");
	assert_int_equal(eb_instances(w, "shop-blue", "v1", "Deployed"), 2);
	assert_int_equal(eb_instances(w, "shop-blue", "v2", "In Progress"), 1);
	eb_until(w, "shop-blue", "Ready", 20 * MINUTE);
	assert_int_equal(eb_instances(w, "shop-blue", "v2", "Deployed"), 2);
	assert_int_equal(eb_instances(w, "shop-blue", "v1", "Deployed"), 0);
	world_free(w);
}

static void an_update_is_aborted(void **state)
{
	(void)state;
	struct world *w = eb_shop("policy=Rolling option." COMMAND "/BatchSize=50");
	eb(w, "AbortEnvironmentUpdate&EnvironmentName=shop-blue");
	eb_refused(w, "InvalidParameterValue", "Must be pending deployment.");
	ctl(w, "beanstalk version shop v2");
	deploy(w, "v2");
	eb_is(w, "shop-blue", "AbortableOperationInProgress", "true");
	sim_advance(w->sim, 2 * MINUTE);
	eb(w, "AbortEnvironmentUpdate&EnvironmentName=shop-blue");
	assert_status(w, 200);
	eb_is(w, "shop-blue", "Status", "Aborting");
	eb_is(w, "shop-blue", "AbortableOperationInProgress", "false");
	eb_until(w, "shop-blue", "Ready", 2 * MINUTE);
	eb_is(w, "shop-blue", "VersionLabel", "v1");
	assert_int_equal(eb_instances(w, "shop-blue", "v1", "Deployed"), 2);
	assert_split(w, "", 0, "v1");
	world_free(w);
}

/* --- beside --------------------------------------------------------------------------------- */

static void immutable_leaves_nothing(void **state)
{
	(void)state;
	struct world *w = eb_shop("policy=Immutable");
	ctl(w, "beanstalk version shop v2 state=Failed");
	deploy(w, "v2");
	eb_until(w, "shop-blue", "Ready", 10 * MINUTE);
	assert_int_equal(eb_instances(w, "shop-blue", "v1", "Deployed"), 2);
	assert_int_equal(eb_instances(w, "shop-blue", "v2", "Failed"), 0);
	assert_int_equal(eb_events(w, "shop-blue", "INFO", "reverted to the previous"), 1);
	eb_is(w, "shop-blue", "Health", "Green");
	ctl(w, "beanstalk version shop v3");
	deploy(w, "v3");
	sim_advance(w->sim, 6 * MINUTE);
	assert_int_equal(eb_instances(w, "shop-blue", "v1", "Deployed"), 2);
	eb_until(w, "shop-blue", "Ready", 20 * MINUTE);
	assert_int_equal(eb_instances(w, "shop-blue", "v3", "Deployed"), 2);
	assert_int_equal(eb_instances(w, "shop-blue", "v1", "Deployed"), 0);
	sim_advance(w->sim, 2 * MINUTE);
	eb_is(w, "shop-blue", "Health", "Green");
	world_free(w);
}

static struct world *splitting_shop(void)
{
	return eb_shop("policy=TrafficSplitting option.aws:elasticbeanstalk:trafficsplitting/"
		       "NewVersionPercent=20 option.aws:elasticbeanstalk:trafficsplitting/"
		       "EvaluationTime=10");
}

/* Until the new version gets traffic. */
static void until_split(struct world *w)
{
	for (int i = 0; i < 20 * 60 && !count(w, "shop-blue", "percent"); i++)
		sim_advance(w->sim, 1000);
	assert_split(w, "v2", 20, "v1");
}

static void splitting_gives_a_share(void **state)
{
	(void)state;
	struct world *w = splitting_shop();
	ctl(w, "beanstalk version shop v2 errors=0.002");
	deploy(w, "v2");
	until_split(w);
	assert_int_equal(eb_instances(w, "shop-blue", "v2", "Deployed"), 2);
	int64_t errors = count(w, "shop-blue", "errors"), n = count(w, "shop-blue", "requests");
	ctl(w, "beanstalk version shop v2 errors=0.009"); /* under what Beanstalk minds */
	sim_advance(w->sim, 8 * MINUTE);
	n = count(w, "shop-blue", "requests") - n;
	errors = count(w, "shop-blue", "errors") - errors;
	assert_near((double)n, 8 * 60 * 50, 300);
	assert_near((double)errors / (double)n, 0.2 * 0.009, 0.0012);
	eb_is(w, "shop-blue", "Status", "Updating");
	/* nobody is turned away while it moves */
	ctl(w, "beanstalk version shop v2 errors=0");
	errors = count(w, "shop-blue", "errors");
	eb_until(w, "shop-blue", "Ready", 6 * MINUTE);
	eb_is(w, "shop-blue", "VersionLabel", "v2");
	assert_split(w, "", 0, "v2");
	assert_int_equal(eb_instances(w, "shop-blue", "v1", "Deployed"), 0);
	sim_advance(w->sim, 10 * MINUTE);
	assert_int_equal(count(w, "shop-blue", "errors"), errors);
	world_free(w);
}

static void splitting_judges_by_itself(void **state)
{
	(void)state;
	struct world *w = splitting_shop();
	ctl(w, "beanstalk version shop v2 errors=0.4");
	deploy(w, "v2");
	until_split(w);
	eb_until(w, "shop-blue", "Ready", 3 * MINUTE);
	eb_is(w, "shop-blue", "VersionLabel", "v1");
	assert_split(w, "", 0, "v1");
	assert_int_equal(eb_events(w, "shop-blue", "ERROR", "Failed to deploy application."), 1);
	assert_int_equal(eb_instances(w, "shop-blue", "v1", "Deployed"), 2);
	int64_t errors = count(w, "shop-blue", "errors");
	sim_advance(w->sim, 2 * MINUTE);
	assert_int_equal(count(w, "shop-blue", "errors"), errors);
	world_free(w);
}

static void splitting_is_aborted(void **state)
{
	(void)state;
	struct world *w = splitting_shop();
	ctl(w, "beanstalk version shop v2");
	deploy(w, "v2");
	until_split(w);
	int64_t errors = count(w, "shop-blue", "errors");
	eb(w, "AbortEnvironmentUpdate&EnvironmentName=shop-blue");
	assert_status(w, 200);
	assert_split(w, "", 0, "v1");
	eb_until(w, "shop-blue", "Ready", 3 * MINUTE);
	assert_int_equal(eb_instances(w, "shop-blue", "v2", "Deployed"), 0);
	assert_int_equal(count(w, "shop-blue", "errors"), errors);
	/* and can be done again: the group of the first time is gone */
	deploy(w, "v2");
	until_split(w);
	/* too late once everything is on the new version */
	for (int i = 0; i < 15 * 60 && count(w, "shop-blue", "percent") < 100; i++)
		sim_advance(w->sim, 1000);
	eb(w, "AbortEnvironmentUpdate&EnvironmentName=shop-blue");
	eb_refused(w, "InvalidParameterValue", "Must be pending deployment.");
	world_free(w);
}

/* --- two environments ----------------------------------------------------------------------- */

static struct world *twins(void)
{
	struct world *w = eb_shop("");
	ctl(w, "beanstalk version shop v2");
	ctl(w, "beanstalk environment shop-green app=shop cname=shop-next version=v2 min=2");
	return w;
}

static int swap(struct world *w)
{
	return eb(w, "SwapEnvironmentCNAMEs&SourceEnvironmentName=shop-blue"
		     "&DestinationEnvironmentName=shop-green");
}

static void names_are_exchanged(void **state)
{
	(void)state;
	struct world *w = twins();
	swap(w);
	assert_status(w, 200);
	assert_null(xml_at(body_xml(w), "SwapEnvironmentCNAMEsResult"));
	/* accepted is not done */
	eb_is(w, "shop-blue", "Status", "Updating");
	eb_is(w, "shop-green", "Status", "Updating");
	eb_is(w, "shop-green", "CNAME", "shop-next.eu-central-1.elasticbeanstalk.com");
	swap(w);
	eb_refused(w, "InvalidParameterValue", "Must be Ready.");
	eb(w, "AbortEnvironmentUpdate&EnvironmentName=shop-blue");
	eb_refused(w, "InvalidParameterValue", "Must be pending deployment.");
	eb_until(w, "shop-green", "Ready", MINUTE);
	eb_is(w, "shop-blue", "Status", "Ready");
	eb_is(w, "shop-green", "CNAME", "shop-prod.eu-central-1.elasticbeanstalk.com");
	eb_is(w, "shop-blue", "CNAME", "shop-next.eu-central-1.elasticbeanstalk.com");
	assert_split(w, "", 0, "v2");
	/* a second one undoes the first */
	swap(w);
	eb_until(w, "shop-green", "Ready", MINUTE);
	eb_is(w, "shop-blue", "CNAME", "shop-prod.eu-central-1.elasticbeanstalk.com");
	assert_split(w, "", 0, "v1");
	assert_int_equal(eb_events(w, "shop-blue", "INFO", "Completed swapping CNAMEs"), 2);
	/* one that fails ends as Ready, too */
	ctl(w, "beanstalk fail shop-blue swap");
	swap(w);
	eb_until(w, "shop-blue", "Ready", MINUTE);
	eb_is(w, "shop-blue", "CNAME", "shop-prod.eu-central-1.elasticbeanstalk.com");
	assert_int_equal(eb_events(w, "shop-blue", "ERROR", "Failed to swap"), 1);
	world_free(w);
}

static void an_exchange_is_refused(void **state)
{
	(void)state;
	struct world *w = twins();
	ctl(w, "beanstalk environment other-app app=other cname=other");
	ctl(w, "beanstalk environment shop-work app=shop tier=worker");
	eb(w, "SwapEnvironmentCNAMEs&SourceEnvironmentName=shop-blue");
	eb_refused(w, "MissingParameter", "Destination");
	eb(w, "SwapEnvironmentCNAMEs&SourceEnvironmentName=shop-blue"
	      "&DestinationEnvironmentName=none-such");
	eb_refused(w, "InvalidParameterValue", "No Environment found");
	eb(w, "SwapEnvironmentCNAMEs&SourceEnvironmentName=shop-blue"
	      "&DestinationEnvironmentName=other-app");
	eb_refused(w, "InvalidParameterValue", "one application");
	eb(w, "SwapEnvironmentCNAMEs&SourceEnvironmentName=shop-blue"
	      "&DestinationEnvironmentName=shop-work");
	eb_refused(w, "InvalidParameterValue", "no CNAME");
	/* one that hangs blocks the exchange, and the way back */
	ctl(w, "beanstalk stuck shop-green");
	swap(w);
	sim_advance(w->sim, 30 * MINUTE);
	eb_is(w, "shop-blue", "Status", "Updating");
	ctl(w, "beanstalk stuck shop-green off");
	sim_advance(w->sim, 2000);
	eb_is(w, "shop-blue", "Status", "Ready");
	ctl(w, "beanstalk stuck shop-green");
	ctl(w, "beanstalk update shop-green");
	sim_advance(w->sim, 30 * MINUTE);
	swap(w);
	eb_refused(w, "InvalidParameterValue", "shop-green is in an invalid state");
	eb(w, "TerminateEnvironment&EnvironmentName=shop-green&ForceTerminate=true");
	assert_status(w, 200);
	world_free(w);
}

static void clients_follow_slowly(void **state)
{
	(void)state;
	struct world *w = twins();
	swap(w);
	eb_until(w, "shop-green", "Ready", MINUTE);
	int64_t green = count(w, "shop-green", "requests");
	sim_advance(w->sim, MINUTE);
	/* over the time to live, half of them on the whole */
	assert_near((double)(count(w, "shop-green", "requests") - green), 50 * 60 / 2, 400);
	int64_t blue = count(w, "shop-blue", "requests");
	sim_advance(w->sim, MINUTE);
	assert_near((double)(count(w, "shop-blue", "requests") - blue), 50 * 60 * 0.017, 30);
	/* terminating it now leaves those without an answer */
	eb(w, "TerminateEnvironment&EnvironmentName=shop-blue");
	eb_until(w, "shop-green", "Ready", 0);
	sim_advance(w->sim, 5 * MINUTE);
	assert_true(count(w, "shop-green", "lost") > 20);
	sim_advance(w->sim, 10 * MINUTE);
	int64_t lost = count(w, "shop-green", "lost");
	sim_advance(w->sim, 10 * MINUTE);
	assert_int_equal(count(w, "shop-green", "lost"), lost);
	world_free(w);
}

static int probe(struct world *w, const char *prefix)
{
	struct ask q = {
		.method = "GET",
		.host = arena_printf(w->arena, "%s.eu-central-1.elasticbeanstalk.com", prefix),
		.path = "/health"};
	ask_header(&q, "Host", q.host);
	return ask_send(w, &q);
}

static void environments_answer_probes(void **state)
{
	(void)state;
	struct world *w = twins();
	assert_int_equal(probe(w, "shop-prod"), 200);
	assert_int_equal(probe(w, "shop-next"), 200);
	assert_int_equal(probe(w, "nobody"), 404);
	ctl(w, "beanstalk version shop v2 smoke=fail");
	assert_int_equal(probe(w, "shop-prod"), 200);
	assert_int_equal(probe(w, "shop-next"), 500);
	swap(w);
	eb_until(w, "shop-green", "Ready", MINUTE);
	assert_int_equal(probe(w, "shop-prod"), 500);
	assert_int_equal(probe(w, "shop-next"), 200);
	eb(w, "TerminateEnvironment&EnvironmentName=shop-green");
	assert_int_equal(probe(w, "shop-prod"), 503);
	world_free(w);
}

static void a_single_instance_serves_by_itself(void **state)
{
	(void)state;
	struct world *w = eb_shop("type=single");
	eb(w, "DescribeEnvironmentResources&EnvironmentName=shop-blue");
	const struct xml *r =
		eb_result(w, "DescribeEnvironmentResourcesResult/EnvironmentResources");
	assert_null(xml_at(r, "LoadBalancers")->first);
	assert_int_equal(eb_instances(w, "shop-blue", "v1", "Deployed"), 1);
	assert_near((double)count(w, "shop-blue", "requests"), 3000, 100);
	assert_int_equal(count(w, "shop-blue", "errors"), 0);
	ctl(w, "beanstalk version shop v1 errors=0.5");
	sim_advance(w->sim, MINUTE);
	assert_near((double)count(w, "shop-blue", "errors"), 1500, 150);
	world_free(w);
}

static void two_on_one_load_balancer(void **state)
{
	(void)state;
	struct world *w = world_new(NULL);
	ctl(w, "elbv2 load-balancer front");
	ctl(w, "elbv2 target-group nobody");
	ctl(w, "elbv2 listener front port=80 forward=nobody");
	ctl(w, "beanstalk version shop v2 errors=0.5");
	ctl(w, "beanstalk environment shop-blue app=shop cname=shop-prod min=2 shared=front");
	ctl(w, "beanstalk environment shop-green app=shop cname=shop-next version=v2 min=2 "
	       "shared=front");
	const char *blue = json_cstr(json_get(ctl(w, "beanstalk show shop-blue"), "targetGroup"));
	const char *green = json_cstr(json_get(ctl(w, "beanstalk show shop-green"), "targetGroup"));
	ctl(w, arena_printf(w->arena,
			    "elbv2 rule front:80 priority=10 path=/* "
			    "forward=awseb-%s:3,awseb-%s:1 rps=40",
			    eb_row(w, "shop-blue", "EnvironmentId"),
			    eb_row(w, "shop-green", "EnvironmentId")));
	assert_non_null(blue);
	assert_non_null(green);
	sim_advance(w->sim, 5 * MINUTE);
	assert_near((double)count(w, "shop-blue", "requests"), 0.75 * 40 * 300, 400);
	assert_near((double)count(w, "shop-green", "requests"), 0.25 * 40 * 300, 400);
	eb_is(w, "shop-green", "HealthStatus", "Severe");
	eb_is(w, "shop-blue", "HealthStatus", "Ok");
	/* a group that somebody's rule refers to cannot be deleted: the environment stays */
	eb(w, "TerminateEnvironment&EnvironmentName=shop-green");
	eb_until(w, "shop-green", "Ready", 5 * MINUTE);
	assert_int_equal(eb_events(w, "shop-green", "ERROR", "currently in use"), 1);
	ctl(w, arena_printf(w->arena, "elbv2 rule front:80:10 forward=awseb-%s",
			    eb_row(w, "shop-blue", "EnvironmentId")));
	eb(w, "TerminateEnvironment&EnvironmentName=shop-green");
	assert_status(w, 200);
	sim_advance(w->sim, 5 * MINUTE);
	eb(w, "DescribeEnvironments&EnvironmentNames.member.1=shop-green");
	assert_true(str_is(xml_text(eb_result(w, EB_ROW), "Status"), "Terminated"));
	elb(w, arena_printf(w->arena, "DescribeTargetGroups&TargetGroupArns.member.1=%s", green));
	assert_int_not_equal(w->res.status, 200);
	elb(w, "DescribeLoadBalancers&Names.member.1=front");
	assert_status(w, 200);
	world_free(w);
}

static void a_load_balancer_of_its_own_goes_with_it(void **state)
{
	(void)state;
	struct world *w = eb_shop("");
	const char *lb = json_cstr(json_get(ctl(w, "beanstalk show shop-blue"), "loadBalancer"));
	elb(w, arena_printf(w->arena, "DescribeLoadBalancers&LoadBalancerArns.member.1=%s", lb));
	assert_status(w, 200);
	eb(w, "TerminateEnvironment&EnvironmentName=shop-blue");
	sim_advance(w->sim, 5 * MINUTE);
	elb(w, arena_printf(w->arena, "DescribeLoadBalancers&LoadBalancerArns.member.1=%s", lb));
	assert_int_not_equal(w->res.status, 200);
	/* a launch that fails is Ready, and red */
	ctl(w, "beanstalk version shop v2 state=Failed");
	eb(w, "CreateEnvironment&ApplicationName=shop&EnvironmentName=shop-bad&VersionLabel=v2"
	      "&SolutionStackName=x");
	eb_until(w, "shop-bad", "Ready", 5 * MINUTE);
	eb_is(w, "shop-bad", "Health", "Red");
	assert_int_equal(eb_events(w, "shop-bad", "ERROR", "complete, but with errors"), 1);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_at_once),
		cmocka_unit_test(rolling_leaves_a_mixture),
		cmocka_unit_test(an_additional_batch_comes_and_goes),
		cmocka_unit_test(an_update_is_aborted),
		cmocka_unit_test(immutable_leaves_nothing),
		cmocka_unit_test(splitting_gives_a_share),
		cmocka_unit_test(splitting_judges_by_itself),
		cmocka_unit_test(splitting_is_aborted),
		cmocka_unit_test(names_are_exchanged),
		cmocka_unit_test(an_exchange_is_refused),
		cmocka_unit_test(clients_follow_slowly),
		cmocka_unit_test(environments_answer_probes),
		cmocka_unit_test(a_single_instance_serves_by_itself),
		cmocka_unit_test(two_on_one_load_balancer),
		cmocka_unit_test(a_load_balancer_of_its_own_goes_with_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
