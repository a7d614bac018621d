#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/scenarios/scene.h"
#include "tests/scenarios/world_beanstalk.h"

/* Canaries on Elastic Beanstalk: its own traffic splitting, and two environments on one ALB. */

#define PROD "beanstalk:web/web-prod"
#define GOOD "errors=0.001"
#define BAD "errors=0.4"
#define COMMAND "aws:elasticbeanstalk:command"
#define SPLITTING "aws:elasticbeanstalk:trafficsplitting"

static const char CANARY[] =
	"rollout: 1\n"
	"target: { beanstalk: { application: web, environment: web-blue,"
	" method: traffic_splitting } }\n"
	"strategy: { canary: { steps: [ { weight: 20, for: 10m } ], bake: 5m } }\n"
	"guards:\n"
	"  - { alarm: web-errors }\n"
	"  - { health: candidate }\n";

/* The environment's own options, as somebody set them. */
#define OPTIONS \
	"policy=Rolling option." COMMAND "/BatchSizeType=Fixed option." COMMAND "/BatchSize=1"

static const struct sim_action *release(struct world *w, const char *plan, const char *behaviour)
{
	if (!w->workers[0].worker)
		world_start(w);
	world_beanstalk_push(w, "web", plan, behaviour);
	return scene_end(w, "web");
}

static void expect_same(struct world *w, const char *before)
{
	const char *after = world_beanstalk_snapshot(w, "web");

	if (strcmp(before, after) != 0)
		fail_msg("it was\n%sand is\n%s", before, after);
}

static const char *option(struct world *w, const char *environment, const char *key)
{
	const struct json *e = world_ask(w, "beanstalk show %s", environment);
	const char *value = json_cstr(json_get(json_get(e, "options"), key));

	return value ? value : "";
}

/* --- traffic splitting ---------------------------------------------------------------------- */

static void a_good_version_is_split_and_promoted(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	world_beanstalk(w, "web", OPTIONS);
	a = release(w, CANARY, GOOD);
	scene_expect(a, "Succeeded", NULL, NULL);
	scene_expect_shares(w, PROD, a, 20., 100., -1.);
	scene_expect_only_reads_before_token(w, a);
	assert_null(strstr(world_beanstalk_fleet(w, "web-blue"), "v1"));
	/* the options are those of before, the version is not */
	assert_string_equal(option(w, "web-blue", COMMAND "/DeploymentPolicy"), "Rolling");
	assert_string_equal(option(w, "web-blue", SPLITTING "/NewVersionPercent"), "");
	assert_string_equal(world_beanstalk_get(w, "web-blue", "status"), "Ready");
}

static void a_bad_version_is_taken_back(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;
	const char *before;

	world_beanstalk(w, "web", OPTIONS);
	before = world_beanstalk_snapshot(w, "web");
	a = release(w, CANARY, BAD);
	scene_expect(a, "Failed", "JobFailed", "The baseline carries all traffic", NULL);
	scene_expect_shares(w, PROD, a, 20., 0., -1.);
	world_run(w, 10 * MINUTE_MS);
	expect_same(w, before);
}

/* What Beanstalk does not mind, our guards may: it is aborted. */
static void slow_is_bad_too(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;
	const char *before;

	world_beanstalk(w, "web", "");
	world_control(w, "cloudwatch alarm web-errors namespace=AWS/ElasticBeanstalk "
			 "metric=ApplicationLatencyP99 dimensions=EnvironmentName=web-blue "
			 "stat=Maximum period=60 threshold=1 missing=notBreaching state=OK");
	before = world_beanstalk_snapshot(w, "web");
	a = release(w, CANARY, "errors=0.001 latency_ms=4000");
	scene_expect(a, "Failed", "JobFailed", "web-errors", "The baseline carries all traffic",
		     NULL);
	scene_expect_shares(w, PROD, a, 20., 0., -1.);
	assert_int_equal(sim_call_count(w->sim, "elasticbeanstalk", "AbortEnvironmentUpdate"), 1);
	world_run(w, 10 * MINUTE_MS);
	expect_same(w, before);
}

static void a_version_that_does_not_start_gets_no_traffic(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;
	const char *before;

	world_beanstalk(w, "web", OPTIONS);
	before = world_beanstalk_snapshot(w, "web");
	a = release(w, CANARY, "state=Failed");
	scene_expect(a, "Failed", "JobFailed", NULL);
	scene_expect_shares(w, PROD, a, -1.);
	world_run(w, 10 * MINUTE_MS);
	expect_same(w, before);
}

/* Too late for an abort: the old version is deployed again. */
static void bad_at_last_is_deployed_back(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	world_beanstalk(w, "web", "");
	world_start(w);
	world_beanstalk_push(w, "web", CANARY, GOOD);
	scene_run_until_share(w, PROD, 100);
	world_run(w, 5 * MINUTE_MS);
	world_control(w, "cloudwatch set-state web-errors ALARM reason=seen");
	world_control(w, "beanstalk version web %s errors=0.3",
		      world_beanstalk_get(w, "web-blue", "version"));
	a = scene_end(w, "web");
	scene_expect(a, "Failed", "JobFailed", "The baseline carries all traffic", NULL);
	world_run(w, 10 * MINUTE_MS);
	assert_string_equal(world_beanstalk_fleet(w, "web-blue"), "v1 v1");
	assert_string_equal(option(w, "web-blue", COMMAND "/DeploymentPolicy"), "AllAtOnce");
}

static void splitting_needs_what_it_needs(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	world_beanstalk(w, "web", "type=network");
	a = release(w, CANARY, GOOD);
	scene_expect(a, "Failed", "ConfigurationError", "Application Load Balancer", NULL);
	scene_expect_no_writes(w, a);
}

static void splitting_needs_enhanced_health(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	world_beanstalk(w, "web", "health=basic");
	world_control(w, "cloudwatch set-state web-errors OK");
	a = release(w, CANARY, GOOD);
	scene_expect(a, "Failed", "ConfigurationError", "enhanced health", NULL);
	scene_expect_no_writes(w, a);
}

/* --- a shared load balancer ----------------------------------------------------------------- */

static const char *shared_plan(struct world *w)
{
	return arena_printf(w->arena,
			    "rollout: 1\n"
			    "target: { beanstalk: { application: web, environment: web-blue,"
			    " twin: web-green, method: load_balancer, rule: \"%s\" } }\n"
			    "strategy: { canary: { steps: [ { weight: 10, for: 5m },"
			    " { weight: 50, for: 5m } ], bake: 5m } }\n"
			    "guards:\n"
			    "  - { alarm: web-errors }\n"
			    "  - { health: candidate }\n",
			    world_beanstalk_rule(w, "web"));
}

/* The shares of the green environment's group, in order. */
static void expect_green(struct world *w, const char *group, const struct sim_action *a,
			 const char *wanted)
{
	const char *rule = world_beanstalk_rule(w, "web"), *seen = "";
	const struct sim_split *splits;
	size_t n = sim_split_log(w->sim, &splits);
	double last = 0;

	for (size_t i = 0; i < n; i++) {
		if (strcmp(splits[i].resource, rule) != 0 ||
		    strcmp(splits[i].candidate, group) != 0 || splits[i].at.ms < a->started.ms ||
		    splits[i].weight == last)
			continue;
		last = splits[i].weight;
		seen = arena_printf(w->arena, "%s %g", seen, last);
	}
	if (strcmp(seen, wanted) != 0)
		fail_msg("the shares were%s, not%s", seen, wanted);
}

static void a_shared_balancer_shifts_step_by_step(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;
	const char *blue, *green;

	world_beanstalk_shared(w, "web");
	blue = world_beanstalk_get(w, "web-blue", "targetGroup");
	green = world_beanstalk_get(w, "web-green", "targetGroup");
	a = release(w, shared_plan(w), "errors=0.001 latency_ms=21");
	scene_expect(a, "Succeeded", NULL, NULL);
	expect_green(w, green, a, " 10 50 100");
	assert_string_equal(world_beanstalk_get(w, "web-blue", "version"), "v1");
	/* the other way round: which one is live, the weights tell */
	a = release(w, shared_plan(w), "errors=0.001 latency_ms=22");
	scene_expect(a, "Succeeded", NULL, NULL);
	expect_green(w, blue, a, " 10 50 100");
}

static void a_shared_balancer_takes_it_back(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;
	const char *green;

	world_beanstalk_shared(w, "web");
	green = world_beanstalk_get(w, "web-green", "targetGroup");
	a = release(w, shared_plan(w), BAD);
	scene_expect(a, "Failed", "JobFailed", "The baseline carries all traffic", NULL);
	expect_green(w, green, a, " 10 0");
	world_run(w, 10 * MINUTE_MS);
	assert_string_equal(world_beanstalk_get(w, "web-blue", "version"), "v1");
	assert_string_equal(world_beanstalk_get(w, "web-blue", "status"), "Ready");
}

/* Staff first, by a rule of their own, which is gone at the end. */
static const char *segment_plan(struct world *w)
{
	return arena_printf(w->arena,
			    "rollout: 1\n"
			    "target: { beanstalk: { application: web, environment: web-blue,"
			    " twin: web-green, method: load_balancer, rule: \"%s\" } }\n"
			    "segments:\n"
			    "  staff: { header: { name: X-Team, values: [staff] } }\n"
			    "strategy: { canary: { steps: [ { segment: staff, for: 5m },"
			    " { weight: 50, for: 5m } ], bake: 5m } }\n"
			    "guards:\n"
			    "  - { alarm: web-errors }\n",
			    world_beanstalk_rule(w, "web"));
}

static int64_t rules_made_and_gone(struct world *w)
{
	uint64_t made = sim_call_count(w->sim, "elasticloadbalancing", "CreateRule");
	uint64_t gone = sim_call_count(w->sim, "elasticloadbalancing", "DeleteRule");

	assert_int_equal(made, 1);
	return (int64_t)made - (int64_t)gone;
}

static void a_segment_goes_before_everybody(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;
	const char *green;

	world_beanstalk_shared(w, "web");
	world_control(w, "elbv2 listener web port=443 segment_rps=20");
	green = world_beanstalk_get(w, "web-green", "targetGroup");
	a = release(w, segment_plan(w), "errors=0.001 latency_ms=21");
	scene_expect(a, "Succeeded", NULL, NULL);
	expect_green(w, green, a, " 50 100");
	assert_int_equal(rules_made_and_gone(w), 0);
}

static void a_bad_release_meets_its_segment_alone(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;
	const char *green;

	world_beanstalk_shared(w, "web");
	world_control(w, "elbv2 listener web port=443 segment_rps=20");
	green = world_beanstalk_get(w, "web-green", "targetGroup");
	a = release(w, segment_plan(w), BAD);
	scene_expect(a, "Failed", "JobFailed", "segment staff", "The baseline carries all traffic",
		     NULL);
	expect_green(w, green, a, "");
	assert_int_equal(rules_made_and_gone(w), 0);
}

#define SCENE(f) cmocka_unit_test_setup_teardown(f, scene_set_up, scene_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(a_good_version_is_split_and_promoted),
		SCENE(a_bad_version_is_taken_back),
		SCENE(slow_is_bad_too),
		SCENE(a_version_that_does_not_start_gets_no_traffic),
		SCENE(bad_at_last_is_deployed_back),
		SCENE(splitting_needs_what_it_needs),
		SCENE(splitting_needs_enhanced_health),
		SCENE(a_shared_balancer_shifts_step_by_step),
		SCENE(a_shared_balancer_takes_it_back),
		SCENE(a_segment_goes_before_everybody),
		SCENE(a_bad_release_meets_its_segment_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
