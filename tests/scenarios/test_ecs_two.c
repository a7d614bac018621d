#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/scenarios/scene.h"
#include "tests/scenarios/world_ecs.h"

/* Rollouts to two services of ECS on one load balancer, whose weights are ours. */

#define CANARY "canary: { steps: [ { weight: 5, for: 5m }, { weight: 50, for: 5m } ], bake: 5m }"
#define GOOD "errors=0.001"
#define BAD "errors=0.4"

/* Service web behind the rule; web-twin is not there yet. */
static void world_two(struct world *w)
{
	world_ecs_balancer(w, "web", "application");
	world_ecs_service(w, "web", "desired=4");
	world_ecs_pipeline(w, "web", "");
	world_start(w);
}

static const struct sim_action *release(struct world *w, const char *strategy, const char *more,
					const char *sections, const char *does)
{
	world_two(w);
	world_ecs_push(w, "web", "2", does, world_ecs_two(w, "web", strategy, more, sections));
	return scene_end(w, "web");
}

static struct str twin(struct world *w, const char *member)
{
	return json_text(json_at(world_ask(w, "ecs show prod/web-twin"), member));
}

static double tasks(struct world *w, const char *service)
{
	double n = -1;

	json_double(json_get(world_ask(w, "ecs show prod/%s", service), "running"), &n);
	return n;
}

static void expect_live(struct world *w, double candidate)
{
	struct world_live live = world_load_balancer_live(w, "web");

	assert_true(live.is_one);
	assert_true(live.candidate == candidate);
}

/* Tasks for the next weight are there before it comes: the candidate never has too few. */
static void watch_capacity(struct world *w, void *arg)
{
	double share = world_load_balancer_live(w, "web").candidate, healthy = 0;
	bool *moved = arg;

	*moved = *moved || share > 0;
	if (share <= 0 || !*moved)
		return;
	json_double(json_get(world_ask(w, "ecs show prod/web-twin"), "healthy"), &healthy);
	if (healthy < 4 * share / 100)
		fail_msg("%g healthy tasks for %g %%", healthy, share);
}

static void a_good_release_makes_the_second_service(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;
	bool moved = false;

	world_two(w);
	world_ecs_push(w, "web", "2", GOOD, world_ecs_two(w, "web", CANARY, "", ""));
	w->watch = watch_capacity;
	w->watch_arg = &moved;
	a = scene_end(w, "web");
	w->watch = NULL;
	scene_expect(a, "Succeeded", NULL, NULL);
	assert_true(moved);
	scene_expect_shares(w, world_rule(w, "web"), a, 5., 50., 100., -1.);
	scene_expect_only_reads_before_token(w, a);
	expect_live(w, 100);
	assert_true(tasks(w, "web-twin") == 4);
	assert_true(tasks(w, "web") == 0); /* scaled in */
	assert_true(str_is(twin(w, "status"), "ACTIVE"));
	assert_true(str_ends(twin(w, "taskDefinition"), "/web:2"));
	assert_int_equal(sim_call_count(w->sim, "ecs", "CreateService"), 1);
}

/* A service that was made for a release that is taken back goes with it. */
static void a_bad_release_leaves_no_second_service(void **state)
{
	struct world *w = *state;
	const struct sim_action *a = release(w, CANARY, "", "", BAD);

	scene_expect(a, "Failed", "JobFailed", "web-errors", "5% on the candidate",
		     "The baseline carries all traffic", NULL);
	scene_expect_shares(w, world_rule(w, "web"), a, 5., 0., -1.);
	expect_live(w, 0);
	assert_true(tasks(w, "web") == 4);
	world_run(w, 5 * MINUTE_MS);
	assert_true(str_is(twin(w, "status"), "INACTIVE"));
}

static void the_plan_may_keep_it(void **state)
{
	struct world *w = *state;
	const struct sim_action *a =
		release(w, CANARY, "", "rollback: { keep_candidate: 1h }\n", BAD);

	scene_expect(a, "Failed", "JobFailed", NULL);
	expect_live(w, 0);
	assert_true(str_is(twin(w, "status"), "ACTIVE"));
}

static void all_at_once(void **state)
{
	struct world *w = *state;
	const struct sim_action *a = release(w, "blue_green: { bake: 10m }", "", "", GOOD);

	scene_expect(a, "Succeeded", NULL, NULL);
	scene_expect_shares(w, world_rule(w, "web"), a, 100., -1.);
	expect_live(w, 100);
}

static void a_bad_release_all_at_once(void **state)
{
	struct world *w = *state;
	const struct sim_action *a = release(w, "blue_green: { bake: 10m }", "", "", BAD);

	scene_expect(a, "Failed", "JobFailed", "100% on the candidate", NULL);
	scene_expect_shares(w, world_rule(w, "web"), a, 100., 0., -1.);
	expect_live(w, 0);
	assert_true(tasks(w, "web") == 4);
}

static void step_by_step(void **state)
{
	struct world *w = *state;
	const struct sim_action *a =
		release(w, "linear: { step: 20, every: 3m, bake: 3m }", "", "", GOOD);

	scene_expect(a, "Succeeded", NULL, NULL);
	scene_expect_shares(w, world_rule(w, "web"), a, 20., 40., 60., 80., 100., -1.);
	expect_live(w, 100);
}

static void a_bad_release_step_by_step(void **state)
{
	struct world *w = *state;
	const struct sim_action *a =
		release(w, "linear: { step: 20, every: 3m, bake: 3m }", "", "", BAD);

	scene_expect(a, "Failed", "JobFailed", "20% on the candidate", NULL);
	scene_expect_shares(w, world_rule(w, "web"), a, 20., 0., -1.);
	expect_live(w, 0);
}

/* After a release the two have changed roles; the next one goes the other way. */
static void the_next_release_goes_to_the_first_service(void **state)
{
	struct world *w = *state;
	const struct sim_action *a = release(w, CANARY, "", "", GOOD);
	const char *plan;

	scene_expect(a, "Succeeded", NULL, NULL);
	/* the groups have changed roles too: nothing is said about them */
	plan = arena_printf(w->arena,
			    "rollout: 1\ntarget: { ecs: { cluster: prod, service: web, method: "
			    "two_services, rule: \"%s\" } }\nstrategy: { " CANARY " }\n"
			    "guards: [ { alarm: web-errors } ]\n",
			    world_rule(w, "web"));
	world_ecs_push(w, "web", "3", GOOD, plan);
	a = scene_end(w, "web");
	scene_expect(a, "Succeeded", NULL, NULL);
	expect_live(w, 0);
	assert_true(tasks(w, "web") == 4);
	assert_true(tasks(w, "web-twin") == 0);
	world_ecs_push(w, "web", "4", BAD, plan);
	a = scene_end(w, "web");
	scene_expect(a, "Failed", "JobFailed", NULL);
	expect_live(w, 0);
	assert_true(tasks(w, "web") == 4);
	world_run(w, 5 * MINUTE_MS);
	assert_true(tasks(w, "web-twin") == 0); /* as many as it had before */
}

static void how_the_old_one_ends(void **state)
{
	static const struct {
		const char *more, *status;
		double tasks;
	} cases[] = {{", retire: keep", "ACTIVE", 4},
		     {", retire: scale_in", "ACTIVE", 0},
		     {", retire: delete", "INACTIVE", 0}};

	for (size_t i = 0; i < 3; i++) {
		struct world *w = *state;
		const struct sim_action *a = release(w, CANARY, cases[i].more, "", GOOD);

		scene_expect(a, "Succeeded", NULL, NULL);
		world_run(w, 5 * MINUTE_MS);
		assert_true(tasks(w, "web") == cases[i].tasks);
		assert_true(str_is(json_text(json_get(world_ask(w, "ecs show prod/web"), "status")),
				   cases[i].status));
		if (i == 2)
			break;
		scene_tear_down(state);
		scene_set_up(state);
	}
}

/* --- trouble -------------------------------------------------------------------------------- */

static void tasks_that_do_not_stay_up(void **state)
{
	static const char *const does[] = {"state=Failed", "crash=5s", "health=unhealthy"};
	static const char *const says[] = {"CannotPull", "exit code 1", "health checks"};

	for (size_t i = 0; i < 3; i++) {
		struct world *w = *state;
		const struct sim_action *a = release(w, CANARY, "", "", does[i]);

		scene_expect(a, "Failed", "JobFailed", says[i], NULL);
		scene_expect_shares(w, world_rule(w, "web"), a, -1.);
		expect_live(w, 0);
		world_run(w, 10 * MINUTE_MS);
		assert_true(str_is(twin(w, "status"), "INACTIVE"));
		if (i == 2)
			break;
		scene_tear_down(state);
		scene_set_up(state);
	}
}

static void to_first_step(struct world *w)
{
	world_two(w);
	world_ecs_push(w, "web", "2", GOOD, world_ecs_two(w, "web", CANARY, "", ""));
	scene_run_until_share(w, world_rule(w, "web"), 5);
	world_run(w, 2 * MINUTE_MS);
}

static void a_weight_set_by_hand_takes_it_back(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	to_first_step(w);
	world_control(w, "elbv2 rule web:443:10 forward=web-blue:83,web-green:17");
	a = scene_end(w, "web");
	scene_expect(a, "Failed", "RevisionOutOfSync", "17%", NULL);
	expect_live(w, 0);
	assert_true(tasks(w, "web") == 4);
}

/* Whose release that is nobody knows: it is left as found, and said. */
static void somebody_deploys_to_the_second_service(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	to_first_step(w);
	world_control(w, "ecs deploy prod/web-twin image=web:9");
	a = scene_end(w, "web");
	scene_expect(a, "Failed", "RevisionOutOfSync", "web-twin runs web:3", NULL);
	assert_true(world_load_balancer_live(w, "web").candidate == 5);
	assert_true(str_ends(twin(w, "taskDefinition"), "/web:3"));
}

static void the_baseline_is_scaled_in_by_its_own_scaling(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	world_two(w);
	world_ecs_push(w, "web", "2", GOOD, world_ecs_two(w, "web", CANARY, "", ""));
	scene_run_until_share(w, world_rule(w, "web"), 100);
	world_control(w, "ecs update prod/web desiredCount=1");
	world_run(w, MINUTE_MS);
	world_control(w, "ecs image web:2 " BAD);
	a = scene_end(w, "web");
	scene_expect(a, "Failed", "JobFailed", NULL);
	expect_live(w, 0);
	assert_true(tasks(w, "web") == 4); /* as many as it had, before the traffic */
}

static void a_worker_that_is_killed_again_and_again(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	world_two(w);
	world_ecs_push(w, "web", "2", GOOD, world_ecs_two(w, "web", CANARY, "", ""));
	for (int i = 0; i < 10; i++) {
		world_run(w, 67 * 1000);
		world_kill(w);
		world_run(w, 15 * 1000);
		world_start(w);
	}
	a = scene_end(w, "web");
	scene_expect(a, "Succeeded", NULL, NULL);
	scene_expect_shares(w, world_rule(w, "web"), a, 5., 50., 100., -1.);
	assert_int_equal(sim_call_count(w->sim, "ecs", "CreateService"), 1);
	assert_int_equal(sim_call_count(w->sim, "ecs", "RegisterTaskDefinition"), 1);
}

static bool has_twin(struct world *w, void *arg)
{
	(void)arg;
	return sim_call_count(w->sim, "ecs", "CreateService") > 0;
}

static bool is_over(struct world *w, void *arg)
{
	(void)arg;
	return world_load_balancer_live(w, "web").candidate == 0;
}

/* Before any traffic, at each step, in the bake: abandoned, it goes back to what was. */
static void abandoned_at_every_step(void **state)
{
	static const double at[] = {0, 5, 50, 100};

	for (size_t i = 0; i < 4; i++) {
		struct world *w = *state;

		world_two(w);
		world_ecs_push(w, "web", "2", GOOD, world_ecs_two(w, "web", CANARY, "", ""));
		if (i == 0)
			assert_true(world_run_until(w, has_twin, NULL, HOUR_MS));
		else
			scene_run_until_share(w, world_rule(w, "web"), at[i]);
		world_run(w, 10 * 1000);
		world_control(w, "codepipeline stop web abandon");
		assert_true(world_run_until(w, is_over, NULL, HOUR_MS));
		world_run(w, 40 * MINUTE_MS);
		expect_live(w, 0);
		assert_true(tasks(w, "web") == 4);
		assert_true(str_is(twin(w, "status"), "INACTIVE"));
		if (i == 3)
			break;
		scene_tear_down(state);
		scene_set_up(state);
	}
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, scene_set_up, scene_tear_down)
	const struct CMUnitTest tests[] = {
		CASE(a_good_release_makes_the_second_service),
		CASE(a_bad_release_leaves_no_second_service),
		CASE(the_plan_may_keep_it),
		CASE(all_at_once),
		CASE(a_bad_release_all_at_once),
		CASE(step_by_step),
		CASE(a_bad_release_step_by_step),
		CASE(the_next_release_goes_to_the_first_service),
		CASE(how_the_old_one_ends),
		CASE(tasks_that_do_not_stay_up),
		CASE(a_weight_set_by_hand_takes_it_back),
		CASE(somebody_deploys_to_the_second_service),
		CASE(the_baseline_is_scaled_in_by_its_own_scaling),
		CASE(a_worker_that_is_killed_again_and_again),
		CASE(abandoned_at_every_step),
	};
	return cmocka_run_group_tests_name("ecs_two", tests, NULL, NULL);
}
