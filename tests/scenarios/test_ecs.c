#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/scenarios/scene.h"
#include "tests/scenarios/world_ecs.h"

/* Rollouts by ECS's own controller, which pauses and hears what our guards say. */

#define CANARY "canary 10% 10m bake 5m"
#define LINEAR "linear 25% every 3m bake 3m"
#define GOOD "errors=0.001"
/* How the service itself is deployed: what a rollout needs for a while does not stay. */
#define CONFIGURATION                                                                       \
	"{\"deploymentCircuitBreaker\":{\"enable\":false,\"rollback\":false},"              \
	"\"maximumPercent\":200,\"minimumHealthyPercent\":100,\"strategy\":\"BLUE_GREEN\"," \
	"\"bakeTimeInMinutes\":0}"
#define BAD "errors=0.4"

static const struct sim_action *release(struct world *w, const char *strategy, const char *does)
{
	world_ecs(w, "web", strategy);
	world_start(w);
	world_ecs_push(w, "web", "2", does, NULL);
	return scene_end(w, "web");
}

/* The candidate serves, the old tasks are gone, and nothing of the rollout stays in the service. */
static void expect_released(struct world *w)
{
	struct world_ecs_live l;

	world_ecs_until_quiet(w, "web");
	l = world_ecs_look(w, "web");
	assert_string_equal(l.deployment, "SUCCESSFUL");
	assert_string_equal(l.definition, "web:2");
	assert_true(l.candidate == 100);
	assert_true(l.running == 2);
	assert_string_equal(l.configuration, CONFIGURATION);
}

/* As it was before. */
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

/* --- the strategies, good and bad ----------------------------------------------------------- */

static void a_good_release_by_canary(void **state)
{
	struct world *w = *state;
	const struct sim_action *a = release(w, CANARY, GOOD);

	scene_expect(a, "Succeeded", NULL, NULL);
	scene_expect_shares(w, world_rule(w, "web"), a, 10., 100., -1.);
	scene_expect_only_reads_before_token(w, a);
	expect_released(w);
	assert_int_equal(sim_call_count(w->sim, "elasticloadbalancing", "ModifyRule"), 0);
}

static void a_bad_release_by_canary(void **state)
{
	struct world *w = *state;
	const struct sim_action *a = release(w, CANARY, BAD);

	scene_expect(a, "Failed", "JobFailed", "web-errors", "with 10% on the candidate",
		     "The baseline carries all traffic", NULL);
	scene_expect_shares(w, world_rule(w, "web"), a, 10., 0., -1.);
	expect_restored(w);
}

static void a_good_release_all_at_once(void **state)
{
	struct world *w = *state;
	const struct sim_action *a = release(w, "blue-green bake 10m", GOOD);

	scene_expect(a, "Succeeded", NULL, NULL);
	scene_expect_shares(w, world_rule(w, "web"), a, 100., -1.);
	expect_released(w);
	assert_true(a->updated.ms - a->started.ms >= 10 * MINUTE_MS);
}

static void a_bad_release_all_at_once(void **state)
{
	struct world *w = *state;
	const struct sim_action *a = release(w, "blue-green bake 10m", BAD);

	scene_expect(a, "Failed", "JobFailed", "web-errors", "100% on the candidate", NULL);
	scene_expect_shares(w, world_rule(w, "web"), a, 100., 0., -1.);
	expect_restored(w);
}

static void a_good_release_step_by_step(void **state)
{
	struct world *w = *state;
	const struct sim_action *a = release(w, LINEAR, GOOD);

	scene_expect(a, "Succeeded", NULL, NULL);
	scene_expect_shares(w, world_rule(w, "web"), a, 25., 50., 75., 100., -1.);
	expect_released(w);
}

static void a_bad_release_step_by_step(void **state)
{
	struct world *w = *state;
	const struct sim_action *a = release(w, LINEAR, BAD);

	scene_expect(a, "Failed", "JobFailed", "web-errors", "25% on the candidate", NULL);
	scene_expect_shares(w, world_rule(w, "web"), a, 25., 0., -1.);
	expect_restored(w);
}

/* The groups have changed roles: the next release goes into the first one. */
static void releases_follow_each_other(void **state)
{
	struct world *w = *state;
	const struct sim_action *a = release(w, CANARY, GOOD);

	scene_expect(a, "Succeeded", NULL, NULL);
	expect_released(w);
	world_ecs_push(w, "web", "3", GOOD, NULL);
	a = scene_end(w, "web");
	scene_expect(a, "Succeeded", NULL, NULL);
	world_ecs_until_quiet(w, "web");
	assert_string_equal(world_ecs_look(w, "web").definition, "web:3");
	assert_true(world_ecs_look(w, "web").candidate == 0); /* blue again */
	world_ecs_push(w, "web", "4", BAD, NULL);
	a = scene_end(w, "web");
	scene_expect(a, "Failed", "JobFailed", NULL);
	world_ecs_until_quiet(w, "web");
	assert_string_equal(world_ecs_look(w, "web").definition, "web:3");
}

/* However a service is deployed otherwise: after a rollout, good or bad, it is so again. */
static void the_service_keeps_its_own_configuration(void **state)
{
	static const char *const own[] = {
		"{\\\"strategy\\\":\\\"ROLLING\\\",\\\"maximumPercent\\\":150,"
		"\\\"deploymentCircuitBreaker\\\":{\\\"enable\\\":true,\\\"rollback\\\":true,"
		"\\\"thresholdConfiguration\\\":{\\\"type\\\":\\\"COUNT\\\",\\\"value\\\":9}}}",
		"{\\\"strategy\\\":\\\"LINEAR\\\",\\\"bakeTimeInMinutes\\\":7,"
		"\\\"linearConfiguration\\\":{\\\"stepPercent\\\":20,"
		"\\\"stepBakeTimeInMinutes\\\":4}}",
	};

	for (size_t i = 0; i < 4; i++) {
		struct world *w = *state;
		const struct sim_action *a;
		const char *before;
		bool bad = i % 2;

		world_ecs(w, "web", CANARY);
		world_control(w, "ecs update prod/web \"deploymentConfiguration=%s\"", own[i / 2]);
		before = world_ecs_look(w, "web").configuration;
		world_start(w);
		world_ecs_push(w, "web", "2", bad ? BAD : GOOD, NULL);
		a = scene_end(w, "web");
		scene_expect(a, bad ? "Failed" : "Succeeded", NULL, NULL);
		assert_string_equal(world_ecs_look(w, "web").configuration, before);
		if (i == 3)
			break;
		scene_tear_down(state);
		scene_set_up(state);
	}
}

static double test_share(struct world *w)
{
	double green = 0;

	json_each(g, json_get(world_ask(w, "elbv2 show web:443:5"), "live")) {
		if (str_is(json_text(json_get(g, "targetGroup")), "web-green"))
			json_double(json_get(g, "share"), &green);
	}
	return green;
}

/* Test traffic reaches the candidate before production traffic does, and goes back with it. */
static void a_rule_for_tests_leads_to_the_candidate(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	world_ecs_balancer(w, "web", "application");
	world_control(w, "elbv2 rule web:443 priority=5 header=x-test:1 forward=web-blue:1");
	world_ecs_service(w, "web",
			  "alternate=web-green rule=web:443:10 test_rule=web:443:5 "
			  "strategy=BLUE_GREEN");
	world_ecs_pipeline(w, "web", "config.Target=ecs:prod/web config.Strategy=\"" CANARY "\"");
	world_start(w);
	world_ecs_push(w, "web", "2", BAD, NULL);
	world_ecs_until(w, "web", "pause");
	assert_true(test_share(w) == 1);
	assert_true(world_ecs_look(w, "web").candidate == 0);
	a = scene_end(w, "web");
	scene_expect(a, "Failed", "JobFailed", NULL);
	expect_restored(w);
	assert_true(test_share(w) == 0);
}

static void a_network_load_balancer(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	world_ecs_balancer(w, "web", "network");
	world_ecs_service(w, "web", "alternate=web-green rule=web:443 strategy=BLUE_GREEN");
	world_ecs_pipeline(w, "web", "config.Target=ecs:prod/web config.Strategy=\"" CANARY "\"");
	world_start(w);
	world_ecs_push(w, "web", "2", GOOD, NULL);
	a = scene_end(w, "web");
	scene_expect(a, "Succeeded", NULL, NULL);
	assert_true(str_ends(json_text(json_get(world_ask(w, "ecs show prod/web"), "completed")),
			     "/web:2"));
	/* two shifts of production traffic, and one of tests, take ten minutes more each */
	assert_true(a->updated.ms - a->started.ms >= 45 * MINUTE_MS);
}

/* --- what an artifact may be ---------------------------------------------------------------- */

static const struct sim_action *release_files(struct world *w, const struct pack_entry *files,
					      size_t n)
{
	world_ecs(w, "web", CANARY);
	world_control(w, "ecs image web " GOOD);
	world_start(w);
	world_push_files(w, "web", files, n);
	return scene_end(w, "web");
}

/* The images of the definition that serves are exchanged, everything else in it stays. */
static void images_alone_are_enough(void **state)
{
	const struct pack_entry files[] = {
		{.name = "imagedefinitions.json",
		 .bytes = STR("[{\"name\":\"app\",\"imageUri\":\"web@sha256:0123456789abcdef0123456"
			      "789abcdef0123456789abcdef0123456789abcdef\"}]")}};
	struct world *w = *state;
	const struct sim_action *a = release_files(w, files, 1);

	scene_expect(a, "Succeeded", NULL, NULL);
	expect_released(w);
}

static void an_image_detail_is_pinned_by_its_digest(void **state)
{
	const struct pack_entry files[] = {
		{.name = "taskdef.json",
		 .bytes = STR("{\"family\":\"web\",\"containerDefinitions\":[{\"name\":\"app\","
			      "\"image\":\"<IMAGE1_NAME>\",\"portMappings\":[{\"containerPort\":"
			      "8080}]}]}")},
		{.name = "imageDetail.json",
		 .bytes = STR("{\"ImageURI\":\"web:2\",\"ImageDigest\":\"sha256:0123456789abcdef012"
			      "3456789abcdef0123456789abcdef0123456789abcdef\"}")}};
	struct world *w = *state;
	const struct sim_action *a;

	world_control(w, "ecs image web:2 errors=1"); /* what the tag means by then */
	a = release_files(w, files, 2);
	scene_expect(a, "Succeeded", NULL, NULL);
	expect_released(w);
}

/* Nothing is new: the rollout has nothing to do and says so. */
static void the_same_definition_is_no_release(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	world_ecs_balancer(w, "web", "application");
	world_ecs_service(w, "web", "alternate=web-green rule=web:443:10 strategy=BLUE_GREEN");
	world_control(w, "ecs deploy prod/web image=web@sha256:%064d", 7);
	world_ecs_until_quiet(w, "web");
	world_ecs_pipeline(w, "web", "config.Target=ecs:prod/web config.Strategy=\"" CANARY "\"");
	world_start(w);
	world_push_files(w, "web",
			 &(struct pack_entry){
				 .name = "imagedefinitions.json",
				 .bytes = str_from(arena_printf(w->arena,
								"[{\"name\":\"app\",\"imageUri\":"
								"\"web@sha256:%064d\"}]",
								7))},
			 1);
	a = scene_end(w, "web");
	scene_expect(a, "Succeeded", NULL, NULL);
	scene_expect_no_writes(w, a);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, scene_set_up, scene_tear_down)
	const struct CMUnitTest tests[] = {
		CASE(a_good_release_by_canary),
		CASE(a_bad_release_by_canary),
		CASE(a_good_release_all_at_once),
		CASE(a_bad_release_all_at_once),
		CASE(a_good_release_step_by_step),
		CASE(a_bad_release_step_by_step),
		CASE(releases_follow_each_other),
		CASE(the_service_keeps_its_own_configuration),
		CASE(a_rule_for_tests_leads_to_the_candidate),
		CASE(a_network_load_balancer),
		CASE(images_alone_are_enough),
		CASE(an_image_detail_is_pinned_by_its_digest),
		CASE(the_same_definition_is_no_release),
	};
	return cmocka_run_group_tests_name("ecs", tests, NULL, NULL);
}
