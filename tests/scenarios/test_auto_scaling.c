#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/scenarios/scene_auto_scaling.h"

/*
 * EC2 Auto Scaling groups, end to end: every strategy, both kinds of candidate, all ways of
 * installing, each with a good and a bad release. Whatever goes wrong, afterwards everything is
 * what it was; and no share of the traffic comes before the instances to carry it.
 */
#define CANARY "canary 10% 5m, 50% 5m bake 5m"

/* --- every strategy, both candidates, every way of installing -------------------------------- */

static void run_case(const struct world_asg *g, bool bad, unsigned rises)
{
	void *state;
	struct world *w;
	const struct sim_action *a;
	const char *before;
	struct asg_look l;

	assert_int_equal(scene_set_up(&state), 0);
	w = state;
	asg_begin(w, &l, g);
	before = world_auto_scaling_belongings(w);
	world_start(w);
	world_auto_scaling_push(w, g, bad);
	a = scene_end(w, g->name);
	if (bad) {
		scene_expect(a, "Failed", "JobFailed", "shop-errors",
			     "The baseline carries all traffic", NULL);
		asg_expect_as_before(w, g, before);
		assert_int_equal(l.rises, 1);
	} else {
		scene_expect(a, "Succeeded", NULL, "serves everything", NULL);
		asg_expect_promoted(w, g);
		assert_int_equal(l.rises, rises);
		assert_int_equal(asg_shown(w, "shop", "inService"), 0);
	}
	scene_expect_only_reads_before_token(w, a);
	assert_int_equal(scene_tear_down(&state), 0);
}

static void run_strategy(const char *strategy, unsigned rises)
{
	for (int i = 0; i < 4; i++) {
		const struct world_asg g = {.name = "shop", .strategy = strategy, .twin = i & 1};

		run_case(&g, i & 2, rises);
	}
}

static void blue_green(void **state)
{
	(void)state;
	run_strategy("blue-green bake 10m", 1);
}

static void canary(void **state)
{
	(void)state;
	run_strategy(CANARY, 3);
}

static void linear(void **state)
{
	(void)state;
	run_strategy("linear 25% every 3m bake 3m", 4);
}

static void run_install(enum world_install install)
{
	for (int i = 0; i < 4; i++) {
		const struct world_asg g = {
			.name = "shop", .strategy = CANARY, .install = install, .twin = i & 1};

		run_case(&g, i & 2, 3);
	}
}

static void by_user_data(void **state)
{
	(void)state;
	run_install(WORLD_INSTALL_USER_DATA);
}

static void by_command(void **state)
{
	(void)state;
	run_install(WORLD_INSTALL_COMMAND);
}

/* --- what becomes of either side ------------------------------------------------------------- */

static const struct world_asg plain = {.name = "shop", .strategy = CANARY};

static void the_old_group_is_kept(void **state)
{
	struct world *w = *state;
	struct world_asg g = plain;
	struct asg_look l;

	g.target = "    retire: keep\n";
	asg_begin(w, &l, &g);
	world_start(w);
	world_auto_scaling_push(w, &g, false);
	scene_expect(scene_end(w, "shop"), "Succeeded", NULL, NULL);
	asg_expect_promoted(w, &g);
	asg_expect_serves(w, "shop");
	assert_int_equal(asg_healthy(w, "shop", "blue"), WORLD_ASG_SIZE);
}

static void the_old_group_is_scaled_in(void **state)
{
	struct world *w = *state;
	struct world_asg g = plain;
	struct asg_look l;

	g.target = "    retire: scale_in\n";
	asg_begin(w, &l, &g);
	world_start(w);
	world_auto_scaling_push(w, &g, false);
	scene_expect(scene_end(w, "shop"), "Succeeded", NULL, NULL);
	asg_expect_promoted(w, &g);
	assert_int_equal(asg_shown(w, "shop", "inService"), 0);
	assert_int_equal(asg_shown(w, "shop", "desired"), 0);
}

static void a_candidate_is_kept_for_a_look(void **state)
{
	struct world *w = *state;
	struct world_asg g = plain;
	struct asg_look l;

	g.plan = "rollback: { keep_candidate: 1h }\n";
	asg_begin(w, &l, &g);
	world_start(w);
	world_auto_scaling_push(w, &g, true);
	scene_expect(scene_end(w, "shop"), "Failed", "JobFailed", "shop-errors", NULL);
	assert_true(world_auto_scaling_live(w, "shop").candidate < 0.1);
	asg_expect_serves(w, "shop");
	assert_non_null(world_asg_copy(w, "shop"));
	assert_true(asg_shown(w, world_asg_copy(w, "shop"), "inService") > 0);
}

/* --- launches, hooks, commands --------------------------------------------------------------- */

static void a_short_lack_of_capacity_is_waited_for(void **state)
{
	struct world *w = *state;
	struct asg_look l;

	asg_begin(w, &l, &plain);
	world_control(w, "ec2 launches error=InsufficientInstanceCapacity n=3");
	world_start(w);
	world_auto_scaling_push(w, &plain, false);
	scene_expect(scene_end(w, "shop"), "Succeeded", NULL, NULL);
	asg_expect_promoted(w, &plain);
}

/* Capacity is there for the first step, and not for the second. */
static void a_lack_of_capacity_in_the_middle_takes_it_back(void **state)
{
	struct world *w = *state;
	const char *before;
	struct asg_look l;

	asg_begin(w, &l, &plain);
	before = world_auto_scaling_belongings(w);
	world_start(w);
	world_auto_scaling_push(w, &plain, false);
	scene_run_until_share(w, world_auto_scaling_listener(w, "shop"), 10);
	world_control(w, "ec2 launches error=InsufficientInstanceCapacity");
	scene_expect(scene_end(w, "shop"), "Failed", "JobFailed", "a launch failed",
		     "The baseline carries all traffic", NULL);
	assert_int_equal(l.rises, 1);
	asg_expect_as_before(w, &plain, before);
}

static void a_stuck_hook_ends_it(void **state)
{
	struct world *w = *state;
	const char *before;
	struct asg_look l;

	asg_begin(w, &l, &plain);
	world_control(w, "autoscaling hook shop install heartbeat=7200");
	world_control(w, "autoscaling answer install stuck=true");
	before = world_auto_scaling_belongings(w);
	world_start(w);
	world_auto_scaling_push(w, &plain, false);
	scene_expect(scene_end(w, "shop"), "Failed", "JobFailed", "Pending:Wait", NULL);
	assert_int_equal(l.rises, 0);
	asg_expect_as_before(w, &plain, before);
}

static void run_command_case(struct world *w, const char *control, const char *word)
{
	struct world_asg g = plain;
	const char *before;
	struct asg_look l;

	g.install = WORLD_INSTALL_COMMAND;
	asg_begin(w, &l, &g);
	world_control(w, "%s", control);
	before = world_auto_scaling_belongings(w);
	world_start(w);
	world_auto_scaling_push(w, &g, false);
	scene_expect(scene_end(w, "shop"), "Failed", "JobFailed", word, NULL);
	assert_int_equal(l.rises, 0);
	asg_expect_as_before(w, &g, before);
}

static void a_command_that_fails_somewhere_ends_it(void **state)
{
	run_command_case(*state, "ssm outcome Failed n=1", "failed on i-");
}

static void a_command_that_hangs_ends_it(void **state)
{
	run_command_case(*state, "ssm outcome stuck n=1", "i-");
}

/* Instances that come later get the command as well, before they count. */
static void instances_of_later_steps_get_the_command(void **state)
{
	struct world *w = *state;
	struct world_asg g = plain;
	const char *copy;
	struct asg_look l;

	g.install = WORLD_INSTALL_COMMAND;
	asg_begin(w, &l, &g);
	world_start(w);
	world_auto_scaling_push(w, &g, false);
	scene_expect(scene_end(w, "shop"), "Succeeded", NULL, NULL);
	copy = world_asg_copy(w, "shop");
	json_each(i, world_asg_show(w, copy, "instances")) {
		double rate = 1;

		(void)json_double(json_get(i, "errorRate"), &rate);
		assert_true(rate < 0.0001); /* what the script brought */
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, scene_set_up, scene_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blue_green),
		cmocka_unit_test(canary),
		cmocka_unit_test(linear),
		cmocka_unit_test(by_user_data),
		cmocka_unit_test(by_command),
		T(the_old_group_is_kept),
		T(the_old_group_is_scaled_in),
		T(a_candidate_is_kept_for_a_look),
		T(a_short_lack_of_capacity_is_waited_for),
		T(a_lack_of_capacity_in_the_middle_takes_it_back),
		T(a_stuck_hook_ends_it),
		T(a_command_that_fails_somewhere_ends_it),
		T(a_command_that_hangs_ends_it),
		T(instances_of_later_steps_get_the_command),
	};

	return cmocka_run_group_tests_name("auto_scaling", tests, NULL, NULL);
}
