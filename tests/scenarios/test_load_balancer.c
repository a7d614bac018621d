#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/scenarios/scene.h"

/* Rollouts by the weights of a load balancer, strategy by strategy, good and bad. */

#define CANARY "canary 5% 10m, 25% 10m, 50% 10m bake 5m"

static const struct sim_action *release(struct world *w, const char *strategy, bool bad)
{
	world_load_balancer(w, "web", strategy, bad);
	world_start(w);
	world_push(w, "web", "ignored");
	return scene_end(w, "web");
}

static void expect_live(struct world *w, double candidate)
{
	struct world_live live = world_load_balancer_live(w, "web");

	assert_true(live.is_one);
	assert_true(live.candidate == candidate);
}

static void a_good_candidate_goes_out_by_canary(void **state)
{
	struct world *w = *state;
	const struct sim_action *a = release(w, CANARY, false);

	scene_expect(a, "Succeeded", NULL, "serves everything", NULL);
	scene_expect_shares(w, world_rule(w, "web"), a, 5., 25., 50., 100., -1.);
	scene_expect_only_reads_before_token(w, a);
	expect_live(w, 100);
	assert_non_null(strstr(a->output_variables_json, "\"Candidate\":\"targetgroup/web-green/"));
	assert_non_null(strstr(a->output_variables_json, "\"Baseline\":\"targetgroup/web-blue/"));
}

static void a_bad_candidate_is_rolled_back(void **state)
{
	struct world *w = *state;
	const struct sim_action *a = release(w, CANARY, true);

	scene_expect(a, "Failed", "JobFailed", "web-errors", "with 5% on the candidate",
		     "The baseline carries all traffic", "read back", NULL);
	scene_expect_shares(w, world_rule(w, "web"), a, 5., 0., -1.);
	expect_live(w, 0);
}

static void blue_green_switches_and_bakes(void **state)
{
	struct world *w = *state;
	const struct sim_action *a = release(w, "blue-green bake 10m", false);

	scene_expect(a, "Succeeded", NULL, NULL);
	scene_expect_shares(w, world_rule(w, "web"), a, 100., -1.);
	expect_live(w, 100);
}

static void a_bad_candidate_is_taken_back_while_it_bakes(void **state)
{
	struct world *w = *state;
	const struct sim_action *a = release(w, "blue-green bake 10m", true);

	scene_expect(a, "Failed", "JobFailed", "web-errors", "100% on the candidate", NULL);
	scene_expect_shares(w, world_rule(w, "web"), a, 100., 0., -1.);
	expect_live(w, 0);
}

static void linear_rises_step_by_step(void **state)
{
	struct world *w = *state;
	const struct sim_action *a = release(w, "linear 25% every 3m bake 3m", false);

	scene_expect(a, "Succeeded", NULL, NULL);
	scene_expect_shares(w, world_rule(w, "web"), a, 25., 50., 75., 100., -1.);
	expect_live(w, 100);
}

/* A candidate whose targets are not healthy gets no traffic at all. */
static void an_unhealthy_candidate_gets_no_traffic(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	world_load_balancer(w, "web", CANARY, false);
	world_control(w, "elbv2 target-group web-green health=unhealthy");
	world_run(w, 2 * MINUTE_MS);
	world_start(w);
	world_push(w, "web", "ignored");
	a = scene_end(w, "web");
	scene_expect(a, "Failed", "JobFailed", "unhealthy", NULL);
	scene_expect_shares(w, world_rule(w, "web"), a, -1.);
	expect_live(w, 0);
}

/* Nobody serves the candidate's share: no metric of its group says so, and no alarm. */
static void a_candidate_that_loses_its_targets_goes_back_at_once(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;
	struct utc lost;

	world_load_balancer(w, "web", CANARY, false);
	world_start(w);
	world_push(w, "web", "ignored");
	scene_run_until_share(w, world_rule(w, "web"), 25);
	lost = sim_now(w->sim);
	world_control(w, "elbv2 target-group web-green targets=0");
	a = scene_end(w, "web");
	scene_expect(a, "Failed", "JobFailed", "none of its targets is healthy",
		     "with 25% on the candidate", NULL);
	scene_expect_shares(w, world_rule(w, "web"), a, 5., 25., 0., -1.);
	assert_true(a->updated.ms - lost.ms < 2 * MINUTE_MS);
}

static void a_baseline_that_is_not_healthy_is_refused(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	world_load_balancer(w, "web", CANARY, false);
	for (int i = 1; i <= 3; i++)
		world_control(w, "elbv2 target web-blue i-web-blue-%d state=unhealthy", i);
	world_control(w, "cloudwatch set-state web-errors OK");
	world_start(w);
	world_push(w, "web", "ignored");
	a = scene_end(w, "web");
	scene_expect(a, "Failed", "ConfigurationError", "nothing to go back to", NULL);
	scene_expect_no_writes(w, a);
}

/* Some traffic is on the candidate already: whose, nobody knows. */
static void weights_of_somebody_else_are_refused(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	world_load_balancer(w, "web", CANARY, false);
	world_control(w, "elbv2 rule web:443:10 forward=web-blue:90,web-green:10");
	world_start(w);
	world_push(w, "web", "ignored");
	a = scene_end(w, "web");
	scene_expect(a, "Failed", "ConfigurationError", NULL);
	scene_expect_no_writes(w, a);
}

static void a_weight_set_by_hand_ends_the_rollout(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	world_load_balancer(w, "web", CANARY, false);
	world_start(w);
	world_push(w, "web", "ignored");
	scene_run_until_share(w, world_rule(w, "web"), 5);
	world_run(w, 3 * MINUTE_MS);
	world_control(w, "elbv2 rule web:443:10 forward=web-blue:83,web-green:17");
	a = scene_end(w, "web");
	scene_expect(a, "Failed", "RevisionOutOfSync", "17%", "The baseline carries all traffic",
		     NULL);
	expect_live(w, 0);
}

/* A group that is neither side: what somebody else put there stays there. */
static void a_foreign_group_is_left_alone(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;
	uint64_t writes;

	world_load_balancer(w, "web", CANARY, false);
	world_control(w, "elbv2 target-group web-third targets=3 errors=0.001");
	world_start(w);
	world_push(w, "web", "ignored");
	scene_run_until_share(w, world_rule(w, "web"), 5);
	world_run(w, 3 * MINUTE_MS);
	writes = sim_call_count(w->sim, "elasticloadbalancing", "ModifyRule");
	world_control(w, "elbv2 rule web:443:10 forward=web-third:100");
	a = scene_end(w, "web");
	scene_expect(a, "Failed", "RevisionOutOfSync", NULL);
	world_run(w, 30 * MINUTE_MS);
	assert_int_equal(sim_call_count(w->sim, "elasticloadbalancing", "ModifyRule"), writes);
}

/* The candidate's targets die while it has traffic: it gets no more. */
static void a_candidate_that_dies_gets_no_more_traffic(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	world_load_balancer(w, "web", CANARY, false);
	world_start(w);
	world_push(w, "web", "ignored");
	scene_run_until_share(w, world_rule(w, "web"), 5);
	world_control(w, "elbv2 target-group web-green health=unhealthy");
	a = scene_end(w, "web");
	assert_string_equal(a->status, "Failed");
	scene_expect_shares(w, world_rule(w, "web"), a, 5., 0., -1.);
	expect_live(w, 0);
}

/* A Network Load Balancer takes minutes to follow: each step waits for that. */
static void a_network_load_balancer_is_waited_for(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;
	const char *listener;

	world_control(w, "elbv2 load-balancer net type=network propagation_ms=300000");
	world_control(w, "elbv2 target-group net-blue targets=3 protocol=TCP");
	world_control(w, "elbv2 target-group net-green targets=3 protocol=TCP");
	listener = json_cstr(json_get(world_ask(w, "elbv2 listener net port=443 protocol=TCP "
						   "forward=net-blue:100,net-green:0"),
				      "listener"));
	assert_non_null(listener);
	sim_advance(w->sim, 2 * MINUTE_MS);
	world_control(w, "elbv2 listener net port=443 protocol=TCP "
			 "forward=net-blue:100,net-green:0 rps=20");
	world_control(w,
		      "cloudwatch alarm net-errors namespace=Shop metric=Errors stat=Sum period=60 "
		      "threshold=30 missing=notBreaching state=OK");
	world_control(
		w,
		"codepipeline pipeline net action=Canary type=Deploy/Rollout/1 "
		"config.Target=\"load-balancer:%s\" config.Strategy=\"canary 50%% 5m bake 5m\" "
		"config.Alarms=net-errors",
		listener);
	world_start(w);
	world_push(w, "net", "ignored");
	a = scene_end(w, "net");
	scene_expect(a, "Succeeded", NULL, NULL);
	scene_expect_shares(w, listener, a, 50., 100., -1.);
	/* two changes that take ten minutes each to be believed, and what is watched */
	assert_true(a->updated.ms - a->started.ms >= 30 * MINUTE_MS);
}

#define SCENE(f) cmocka_unit_test_setup_teardown(f, scene_set_up, scene_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(a_good_candidate_goes_out_by_canary),
		SCENE(a_bad_candidate_is_rolled_back),
		SCENE(blue_green_switches_and_bakes),
		SCENE(a_bad_candidate_is_taken_back_while_it_bakes),
		SCENE(linear_rises_step_by_step),
		SCENE(an_unhealthy_candidate_gets_no_traffic),
		SCENE(a_candidate_that_loses_its_targets_goes_back_at_once),
		SCENE(a_baseline_that_is_not_healthy_is_refused),
		SCENE(weights_of_somebody_else_are_refused),
		SCENE(a_weight_set_by_hand_ends_the_rollout),
		SCENE(a_foreign_group_is_left_alone),
		SCENE(a_candidate_that_dies_gets_no_more_traffic),
		SCENE(a_network_load_balancer_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
