#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/scenarios/scene.h"
#include "tests/scenarios/world_ecs.h"

/* What goes wrong in a rollout by ECS's own controller: tasks, people, silence, dead workers. */

#define CANARY "canary 10% 10m bake 10m"
#define GOOD "errors=0.001"
/* How the service itself is deployed: what a rollout needs for a while does not stay. */
#define CONFIGURATION                                                                       \
	"{\"deploymentCircuitBreaker\":{\"enable\":false,\"rollback\":false},"              \
	"\"maximumPercent\":200,\"minimumHealthyPercent\":100,\"strategy\":\"BLUE_GREEN\"," \
	"\"bakeTimeInMinutes\":0}"

static void start_with(struct world *w, const char *does)
{
	world_ecs(w, "web", CANARY);
	world_start(w);
	world_ecs_push(w, "web", "2", does, NULL);
}

static void to_first_step(struct world *w)
{
	scene_run_until_share(w, world_rule(w, "web"), 10);
	world_run(w, 3 * MINUTE_MS);
}

static void expect_restored(struct world *w)
{
	struct world_ecs_live l;

	world_ecs_until_quiet(w, "web");
	l = world_ecs_look(w, "web");
	assert_string_equal(l.definition, "web:1");
	assert_true(l.candidate == 0);
	assert_true(l.running == 2);
	assert_string_equal(l.configuration, CONFIGURATION);
}

static void expect_released(struct world *w, const struct sim_action *a)
{
	scene_expect(a, "Succeeded", NULL, NULL);
	world_ecs_until_quiet(w, "web");
	assert_string_equal(world_ecs_look(w, "web").definition, "web:2");
	assert_true(world_ecs_look(w, "web").candidate == 100);
	assert_string_equal(world_ecs_look(w, "web").configuration, CONFIGURATION);
}

/* --- tasks ---------------------------------------------------------------------------------- */

/* ECS would try for ever. */
static void an_image_that_does_not_exist(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	start_with(w, "state=Failed");
	a = scene_end(w, "web");
	scene_expect(a, "Failed", "JobFailed", "CannotPullContainerError", "web:2", NULL);
	scene_expect_shares(w, world_rule(w, "web"), a, -1.);
	expect_restored(w);
}

static void tasks_that_crash_at_once(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	start_with(w, "crash=5s");
	a = scene_end(w, "web");
	scene_expect(a, "Failed", "JobFailed", "exit code 1", NULL);
	scene_expect_shares(w, world_rule(w, "web"), a, -1.);
	expect_restored(w);
}

static void tasks_that_fail_their_health_checks(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	start_with(w, "health=unhealthy");
	a = scene_end(w, "web");
	scene_expect(a, "Failed", "JobFailed", "ELB health checks", NULL);
	scene_expect_shares(w, world_rule(w, "web"), a, -1.);
	expect_restored(w);
}

/* They were healthy once, so that neither ECS nor anybody else counts them. */
static void tasks_that_crash_under_traffic(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	start_with(w, GOOD);
	to_first_step(w);
	world_control(w, "ecs image web:2 errors=1 crash=10s");
	a = scene_end(w, "web");
	scene_expect(a, "Failed", "JobFailed", "The baseline carries all traffic", NULL);
	expect_restored(w);
}

/* --- ECS itself ------------------------------------------------------------------------------ */

/* UpdateService was answered, and its deployment is not to be seen yet: no second one. */
static void a_deployment_that_is_seen_late(void **state)
{
	struct world *w = *state;

	world_ecs(w, "web", CANARY);
	world_control(w, "ecs settings hidden=30s");
	world_start(w);
	world_ecs_push(w, "web", "2", GOOD, NULL);
	expect_released(w, scene_end(w, "web"));
	/* one for the candidate, and one that puts the configuration back */
	assert_int_equal(sim_call_count(w->sim, "ecs", "UpdateService"), 2);
	assert_int_equal(sim_call_count(w->sim, "ecs", "RegisterTaskDefinition"), 1);
}

/* An alarm that the plan gives to ECS: it goes back by itself, also when we are slow. */
static void an_alarm_of_ecs(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	world_ecs(w, "web", CANARY);
	world_control(w, "cloudwatch alarm other namespace=X metric=Y threshold=1 "
			 "missing=notBreaching state=OK");
	world_ecs_pipeline(w, "web", "");
	world_start(w);
	world_ecs_push(
		w, "web", "2", GOOD,
		"rollout: 1\ntarget: { ecs: { cluster: prod, service: web, alarms: [other] } "
		"}\nstrategy: { canary: { steps: [ { weight: 10, for: 10m } ], bake: 5m } }\n"
		"guards: [ { alarm: web-errors } ]\n");
	to_first_step(w);
	world_control(w, "cloudwatch set-state other ALARM");
	a = scene_end(w, "web");
	scene_expect(a, "Failed", "JobFailed", "other", "The baseline carries all traffic", NULL);
	world_ecs_until_quiet(w, "web");
	assert_string_equal(world_ecs_look(w, "web").definition, "web:1");
	assert_false(world_ecs_look(w, "web").has_pauses);
}

/* --- people --------------------------------------------------------------------------------- */

static void somebody_stops_the_deployment(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	start_with(w, GOOD);
	to_first_step(w);
	world_control(w, "ecs stop prod/web");
	a = scene_end(w, "web");
	scene_expect(a, "Failed", NULL, "user-initiated", NULL);
	expect_restored(w);
}

/* An abort leaves everything as it is: what ECS does not take back, the rollout does. */
static void somebody_aborts_the_deployment(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	start_with(w, GOOD);
	to_first_step(w);
	world_control(w, "ecs stop prod/web type=ABORT");
	a = scene_end(w, "web");
	scene_expect(a, "Failed", NULL, NULL);
	assert_true(world_ecs_look(w, "web").candidate == 0);
}

/* Somebody is faster than the plan and says CONTINUE: everything is on the candidate too early. */
static void somebody_goes_on(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	start_with(w, GOOD);
	to_first_step(w);
	world_control(w, "ecs continue prod/web");
	a = scene_end(w, "web");
	assert_string_not_equal(a->status, "InProgress");
	world_ecs_until_quiet(w, "web");
	/* on one side, whichever; and no pause is left to stop the next deployment */
	assert_true(world_ecs_look(w, "web").candidate == 0 ||
		    world_ecs_look(w, "web").candidate == 100);
	assert_false(world_ecs_look(w, "web").has_pauses);
}

static void somebody_deploys_something_else(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	start_with(w, GOOD);
	to_first_step(w);
	world_control(w, "ecs image web:9 " GOOD);
	world_control(w, "ecs update prod/web \"deploymentConfiguration={\\\"lifecycleHooks\\\":"
			 "[]}\"");
	world_control(w, "ecs deploy prod/web image=web:9");
	a = scene_end(w, "web");
	scene_expect(a, "Failed", "RevisionOutOfSync", "web:3", NULL);
	world_ecs_until_quiet(w, "web");
	assert_string_equal(world_ecs_look(w, "web").definition, "web:3"); /* left as found */
}

/* The controller never reads the rule: it would shift by what it believes. */
static void somebody_moves_the_weights(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	start_with(w, GOOD);
	to_first_step(w);
	world_control(w, "elbv2 rule web:443:10 forward=web-blue:60,web-green:40");
	a = scene_end(w, "web");
	scene_expect(a, "Failed", "RevisionOutOfSync", "40%", NULL);
	expect_restored(w);
}

static void somebody_deletes_the_service(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	start_with(w, GOOD);
	to_first_step(w);
	world_control(w, "ecs delete prod/web");
	a = scene_end(w, "web");
	scene_expect(a, "Failed", NULL, NULL);
}

/* Scaling while it goes on is nobody's harm. */
static void somebody_scales_the_service(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	start_with(w, GOOD);
	to_first_step(w);
	world_control(w, "ecs update prod/web desiredCount=4");
	a = scene_end(w, "web");
	expect_released(w, a);
	assert_true(world_ecs_look(w, "web").running == 4);
}

/* --- silence -------------------------------------------------------------------------------- */

/* Nobody answers the pause any more: ECS goes back by itself, whoever is dead. */
static void a_dead_worker_strands_nothing(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	start_with(w, GOOD);
	to_first_step(w);
	world_kill(w);
	world_ecs_until(w, "web", "ROLLBACK_SUCCESSFUL");
	assert_true(world_ecs_look(w, "web").candidate == 0);
	/* CodePipeline has given up by then; what is left in the service is tidied up */
	world_start(w);
	a = scene_end(w, "web");
	scene_expect(a, "Failed", NULL, NULL);
	world_run(w, 40 * MINUTE_MS);
	expect_restored(w);
}

/* A worker dies wherever it is, and comes back: nothing is done twice. */
static void a_worker_that_is_killed_again_and_again(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	start_with(w, GOOD);
	for (int i = 0; i < 12; i++) {
		world_run(w, 83 * 1000);
		world_kill(w);
		world_run(w, 15 * 1000);
		world_start(w);
	}
	a = scene_end(w, "web");
	expect_released(w, a);
	scene_expect_shares(w, world_rule(w, "web"), a, 10., 100., -1.);
	assert_int_equal(sim_call_count(w->sim, "ecs", "RegisterTaskDefinition"), 1);
}

static bool has_begun(struct world *w, void *arg)
{
	(void)arg;
	return sim_call_count(w->sim, "ecs", "UpdateService") > 0;
}

/* Dead right after the deployment was begun, and back when it is up: it is ours to its end. */
static void a_deployment_that_is_up_before_it_is_known(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	start_with(w, GOOD);
	assert_true(world_run_until(w, has_begun, NULL, 10 * MINUTE_MS));
	world_kill(w);
	world_run(w, 5 * MINUTE_MS);
	assert_true(world_ecs_look(w, "web").waits);
	world_start(w);
	a = scene_end(w, "web");
	expect_released(w, a);
	scene_expect_shares(w, world_rule(w, "web"), a, 10., 100., -1.);
}

/* In whichever phase the execution is abandoned, the baseline comes back. */
static void abandoned_at_every_stage(void **state)
{
	static const char *const at[] = {"PRE_SCALE_UP", "SCALE_UP", "POST_TEST_TRAFFIC_SHIFT",
					 "PRODUCTION_TRAFFIC_SHIFT",
					 "POST_PRODUCTION_TRAFFIC_SHIFT"};

	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		struct world *w = *state;

		start_with(w, GOOD);
		world_ecs_until(w, "web", at[i]);
		world_control(w, "codepipeline stop web abandon");
		world_ecs_until(w, "web", "ROLLBACK_SUCCESSFUL");
		world_run(w, 40 * MINUTE_MS);
		expect_restored(w);
		if (i + 1 == sizeof(at) / sizeof(at[0]))
			break;
		scene_tear_down(state);
		scene_set_up(state);
	}
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, scene_set_up, scene_tear_down)
	const struct CMUnitTest tests[] = {
		CASE(an_image_that_does_not_exist),
		CASE(tasks_that_crash_at_once),
		CASE(tasks_that_fail_their_health_checks),
		CASE(tasks_that_crash_under_traffic),
		CASE(a_deployment_that_is_seen_late),
		CASE(an_alarm_of_ecs),
		CASE(somebody_stops_the_deployment),
		CASE(somebody_aborts_the_deployment),
		CASE(somebody_goes_on),
		CASE(somebody_deploys_something_else),
		CASE(somebody_moves_the_weights),
		CASE(somebody_deletes_the_service),
		CASE(somebody_scales_the_service),
		CASE(a_dead_worker_strands_nothing),
		CASE(a_worker_that_is_killed_again_and_again),
		CASE(a_deployment_that_is_up_before_it_is_known),
		CASE(abandoned_at_every_stage),
	};
	return cmocka_run_group_tests_name("ecs_trouble", tests, NULL, NULL);
}
