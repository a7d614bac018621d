#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/scenarios/scene.h"
#include "tests/scenarios/world_auto_scaling.h"
#include "tests/scenarios/world_ecs.h"

/*
 * Segments for what stands behind an Application Load Balancer of its own: EC2 Auto Scaling groups
 * and two services of ECS. Nobody knows how many users a segment has, so there is room for all of
 * them before the first one comes.
 */
#define STAFF "segments: { staff: { header: { name: X-Team, values: [staff] } } }\n"
#define FULL 4 /* instances, or tasks, of what serves */

static size_t rules_of_ours(struct world *w, const char *balancer)
{
	size_t n = 0;

	json_each(rule, json_get(world_ask(w, "elbv2 show %s", balancer), "rules")) {
		n += json_get(rule, "tags")->n > 0;
	}
	return n;
}

static int healthy(struct world *w, const char *group)
{
	int n = 0;

	json_each(t, json_get(world_ask(w, "elbv2 show %s", group), "targets")) {
		n += str_is(json_text(json_get(t, "state")), "healthy");
	}
	return n;
}

struct look {
	const char *balancer, *group;
	size_t most; /* rules of ours there were at once */
};

/* The room first, then the rule. */
static void watch(struct world *w, void *arg)
{
	struct look *l = arg;
	size_t n = rules_of_ours(w, l->balancer);

	if (n > l->most && healthy(w, l->group) < FULL)
		fail_msg("a segment came to %d healthy targets", healthy(w, l->group));
	l->most = n > l->most ? n : l->most;
}

/* --- EC2 Auto Scaling ----------------------------------------------------------------------- */

static const struct sim_action *to_groups(struct world *w, struct world_asg *g, bool bad,
					  struct look *l)
{
	g->name = "fleet";
	g->strategy = "canary @staff 5m, 10% 5m bake 5m";
	g->plan = STAFF;
	world_auto_scaling(w, g);
	world_control(w, "elbv2 listener fleet port=443 segment_rps=20");
	*l = (struct look){"fleet", "fleet-green", 0};
	w->watch = watch;
	w->watch_arg = l;
	world_start(w);
	world_auto_scaling_push(w, g, bad);
	return scene_end(w, "fleet");
}

static void a_segment_meets_a_new_group_first(void **state)
{
	struct world *w = *state;
	struct world_asg g = {.install = WORLD_INSTALL_IMAGE};
	const struct sim_action *a;
	struct look l;

	a = to_groups(w, &g, false, &l);
	scene_expect(a, "Succeeded", NULL, "serves everything", NULL);
	scene_expect_shares(w, world_auto_scaling_listener(w, "fleet"), a, 10., 100., -1.);
	assert_int_equal(l.most, 1);
	assert_int_equal(rules_of_ours(w, "fleet"), 0);
	assert_true(world_auto_scaling_live(w, "fleet").candidate == 100);
}

static void a_bad_group_meets_its_segment_alone(void **state)
{
	struct world *w = *state;
	struct world_asg g = {.install = WORLD_INSTALL_USER_DATA, .twin = true};
	const struct sim_action *a;
	struct look l;

	a = to_groups(w, &g, true, &l);
	scene_expect(a, "Failed", "JobFailed", "with segment staff on the candidate",
		     "The baseline carries all traffic", NULL);
	scene_expect_shares(w, world_auto_scaling_listener(w, "fleet"), a, -1.);
	assert_int_equal(l.most, 1);
	assert_int_equal(rules_of_ours(w, "fleet"), 0);
	assert_true(world_auto_scaling_live(w, "fleet").candidate == 0);
}

/* --- ECS, two services ---------------------------------------------------------------------- */

static const struct sim_action *to_services(struct world *w, const char *does, struct look *l)
{
	static const char strategy[] = "canary: { steps: [ { segment: staff, for: 5m }, "
				       "{ weight: 25, for: 5m } ], bake: 5m }";

	world_ecs_balancer(w, "web", "application");
	world_ecs_service(w, "web", "desired=4");
	world_control(w, "elbv2 listener web port=443 segment_rps=20");
	world_ecs_pipeline(w, "web", "");
	*l = (struct look){"web", "web-green", 0};
	w->watch = watch;
	w->watch_arg = l;
	world_start(w);
	world_ecs_push(w, "web", "2", does, world_ecs_two(w, "web", strategy, "", STAFF));
	return scene_end(w, "web");
}

static void a_segment_meets_a_second_service_first(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;
	struct look l;

	a = to_services(w, "errors=0.001", &l);
	scene_expect(a, "Succeeded", NULL, NULL);
	scene_expect_shares(w, world_rule(w, "web"), a, 25., 100., -1.);
	assert_int_equal(l.most, 1);
	assert_int_equal(rules_of_ours(w, "web"), 0);
	assert_true(world_load_balancer_live(w, "web").candidate == 100);
}

static void a_bad_service_meets_its_segment_alone(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;
	struct look l;

	a = to_services(w, "errors=0.4", &l);
	scene_expect(a, "Failed", "JobFailed", "with segment staff on the candidate",
		     "The baseline carries all traffic", NULL);
	scene_expect_shares(w, world_rule(w, "web"), a, -1.);
	assert_int_equal(l.most, 1);
	assert_int_equal(rules_of_ours(w, "web"), 0);
	assert_true(world_load_balancer_live(w, "web").candidate == 0);
}

/* ECS's own controller moves percentages; who the users are it does not know. */
static void a_service_of_its_own_controller_knows_no_segments(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	world_ecs(w, "web", "canary @staff 5m, 10% 5m");
	world_start(w);
	world_ecs_push(w, "web", "2", "errors=0.001",
		       "rollout: 1\n" STAFF "guards: [ { alarm: web-errors } ]\n");
	a = scene_end(w, "web");
	scene_expect(a, "Failed", "ConfigurationError", "knows no segments", NULL);
	scene_expect_no_writes(w, a);
}

#define SCENE(f) cmocka_unit_test_setup_teardown(f, scene_set_up, scene_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(a_segment_meets_a_new_group_first),
		SCENE(a_bad_group_meets_its_segment_alone),
		SCENE(a_segment_meets_a_second_service_first),
		SCENE(a_bad_service_meets_its_segment_alone),
		SCENE(a_service_of_its_own_controller_knows_no_segments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
