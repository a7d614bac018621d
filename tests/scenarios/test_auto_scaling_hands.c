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
 * What people, silence and death do to a rollout on Auto Scaling groups in the middle of it: either
 * it gets there, or everything is what it was.
 */
#define CANARY "canary 10% 5m, 50% 5m bake 5m"

static const struct world_asg plain = {.name = "shop", .strategy = CANARY};

/* --- people -------------------------------------------------------------------------------- */

/* To the first step of a good release, and a little into it. */
static const char *to_first_step(struct world *w, struct asg_look *l, const struct world_asg *g)
{
	const char *before;

	asg_begin(w, l, g);
	before = world_auto_scaling_belongings(w);
	world_start(w);
	world_auto_scaling_push(w, g, false);
	scene_run_until_share(w, world_auto_scaling_listener(w, "shop"), 10);
	world_run(w, MINUTE_MS);
	return before;
}

static void a_copy_deleted_by_hand_takes_it_back(void **state)
{
	struct world *w = *state;
	struct asg_look l;
	const char *before = to_first_step(w, &l, &plain);

	world_control(w, "autoscaling delete %s", world_asg_copy(w, "shop"));
	scene_expect(scene_end(w, "shop"), "Failed", NULL, "there is no group",
		     "The baseline carries all traffic", NULL);
	world_run(w, 5 * MINUTE_MS);
	asg_expect_as_before(w, &plain, before);
}

static void a_baseline_deleted_by_hand_is_nobody_s_to_repair(void **state)
{
	struct world *w = *state;
	struct asg_look l;

	(void)to_first_step(w, &l, &plain);
	world_control(w, "autoscaling delete shop");
	scene_expect(scene_end(w, "shop"), "Failed", "RevisionOutOfSync", "is not there any more",
		     NULL);
	assert_non_null(world_asg_copy(w, "shop")); /* what is left to serve is left */
}

static void an_instance_lost_on_the_way_is_replaced(void **state)
{
	struct world *w = *state;
	const struct json *first;
	struct asg_look l;

	(void)to_first_step(w, &l, &plain);
	first = world_asg_show(w, world_asg_copy(w, "shop"), "instances")->first;
	world_control(w, "ec2 terminate " STR_FMT, STR_ARG(json_text(json_get(first, "id"))));
	scene_expect(scene_end(w, "shop"), "Succeeded", NULL, NULL);
	asg_expect_promoted(w, &plain);
}

static void weights_moved_by_hand_take_it_back(void **state)
{
	struct world *w = *state;
	struct asg_look l;
	const char *before = to_first_step(w, &l, &plain);

	world_control(w, "elbv2 listener shop port=443 forward=shop-blue:70,shop-green:30");
	scene_expect(scene_end(w, "shop"), "Failed", "RevisionOutOfSync", "30%", NULL);
	asg_expect_as_before(w, &plain, before);
}

static void a_baseline_resized_by_hand_is_followed(void **state)
{
	struct world *w = *state;
	struct asg_look l;

	(void)to_first_step(w, &l, &plain);
	world_control(w, "autoscaling group shop desired=6");
	scene_expect(scene_end(w, "shop"), "Succeeded", NULL, NULL);
	assert_int_equal(asg_shown(w, world_asg_copy(w, "shop"), "inService"), 6);
}

static void a_new_version_of_the_template_changes_nothing(void **state)
{
	struct world *w = *state;
	struct asg_look l;

	(void)to_first_step(w, &l, &plain);
	world_control(w, "ec2 template shop-lt image=ami-0123456789abcdef2 default=true");
	scene_expect(scene_end(w, "shop"), "Succeeded", NULL, NULL);
	asg_expect_promoted(w, &plain);
	json_each(i, world_asg_show(w, world_asg_copy(w, "shop"), "instances")) {
		assert_true(str_is(json_text(json_get(i, "image")), "ami-0123456789abcdef1"));
	}
}

static bool is_back(struct world *w, void *arg)
{
	(void)arg;
	return world_auto_scaling_live(w, "shop").candidate < 0.1;
}

/* Nobody can serve what the candidate gets, and no metric of its group says so: at once. */
static void a_copy_taken_out_of_its_target_group_takes_it_back(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;
	struct asg_look l;
	const char *before = to_first_step(w, &l, &plain);
	struct utc since = sim_now(w->sim);

	world_control(w, "autoscaling detach %s shop-green", world_asg_copy(w, "shop"));
	assert_true(world_run_until(w, is_back, NULL, 20000));
	a = scene_end(w, "shop");
	scene_expect(a, "Failed", "JobFailed", "none of its targets is healthy", NULL);
	assert_int_equal(l.rises, 1);
	asg_expect_as_before(w, &plain, before);
	assert_true(a->updated.ms - since.ms < 5 * MINUTE_MS);
}

static void a_twin_resized_by_hand_is_given_back_as_it_was(void **state)
{
	struct world *w = *state;
	struct world_asg g = plain;
	struct asg_look l;
	const char *before;

	g.twin = true;
	before = to_first_step(w, &l, &g);
	world_control(w, "autoscaling group shop-2 desired=1 min=1 max=9");
	world_control(w, "ec2 image ami-0123456789abcdef1 errors=0.5");
	scene_expect(scene_end(w, "shop"), "Failed", "JobFailed", "shop-errors", NULL);
	asg_expect_as_before(w, &g, before);
}

/* A group that launches by a policy for mixed instances is copied with it. */
static void a_group_of_mixed_instances_is_copied(void **state)
{
	struct world *w = *state;
	const char *copy;
	struct asg_look l;

	asg_begin(w, &l, &plain);
	world_control(w, "autoscaling group shop mixed=t3.large,t3a.large");
	world_start(w);
	world_auto_scaling_push(w, &plain, false);
	scene_expect(scene_end(w, "shop"), "Succeeded", NULL, NULL);
	asg_expect_promoted(w, &plain);
	copy = world_asg_copy(w, "shop");
	json_each(i, world_asg_show(w, copy, "instances")) {
		const struct json *shown =
			world_ask(w, "ec2 show " STR_FMT, STR_ARG(json_text(json_get(i, "id"))));

		assert_true(str_is(json_text(json_get(shown, "type")), "t3.large"));
		assert_true(str_is(json_text(json_get(shown, "image")), "ami-0123456789abcdef1"));
	}
}

/* An agent that does not answer gets no command: the instance never counts. */
static void an_instance_that_cannot_be_told_holds_it_up(void **state)
{
	struct world *w = *state;
	struct world_asg g = plain;
	const struct json *first;
	const char *before;
	struct asg_look l;

	g.install = WORLD_INSTALL_COMMAND;
	asg_begin(w, &l, &g);
	world_control(w, "ssm timing agent=10m");
	before = world_auto_scaling_belongings(w);
	world_start(w);
	world_auto_scaling_push(w, &g, false);
	world_run(w, 4 * MINUTE_MS);
	first = world_asg_show(w, world_asg_copy(w, "shop"), "instances")->first;
	world_control(w, "ec2 instance " STR_FMT " agent=lost",
		      STR_ARG(json_text(json_get(first, "id"))));
	scene_expect(scene_end(w, "shop"), "Failed", "JobFailed", "has not got its command", NULL);
	assert_int_equal(l.rises, 0);
	asg_expect_as_before(w, &g, before);
}

/* --- abandoned, killed ----------------------------------------------------------------------- */

/* Everything on one side, that side whole, and nothing of the other that costs. */
static void expect_one_side(struct world *w, const struct world_asg *g, const char *before)
{
	struct world_live l = world_auto_scaling_live(w, g->name);

	assert_true(l.is_one);
	if (l.candidate > 50) {
		asg_expect_promoted(w, g);
		return;
	}
	asg_expect_as_before(w, g, before);
}

static void run_abandoned(bool twin)
{
	const char *sanitized = getenv("SAN");
	int64_t every = sanitized && *sanitized ? 420 : 150;
	bool over = false;

	for (int64_t at = 30; !over; at += every) {
		struct world_asg g = plain;
		void *state;
		struct world *w;
		const char *before;
		struct asg_look l;

		g.twin = twin;
		assert_int_equal(scene_set_up(&state), 0);
		w = state;
		asg_begin(w, &l, &g);
		before = world_auto_scaling_belongings(w);
		world_start(w);
		world_auto_scaling_push(w, &g, false);
		world_run(w, at * 1000);
		over = strcmp(sim_action_find(w->sim, "shop", NULL)->status, "InProgress") != 0;
		if (!over) {
			world_control(w, "codepipeline stop shop abandon");
			world_run(w, HOUR_MS);
		}
		expect_one_side(w, &g, before);
		assert_int_equal(w->workers[0].worker->n_rollouts, 0);
		assert_int_equal(scene_tear_down(&state), 0);
		assert_true(at < 7200);
	}
}

static void abandoned_at_any_time_with_a_copy(void **state)
{
	(void)state;
	run_abandoned(false);
}

static void abandoned_at_any_time_with_a_twin(void **state)
{
	(void)state;
	run_abandoned(true);
}

/* Killed again and again, good and bad, and each time with nothing but the token to go on. */
static void a_worker_killed_all_the_time_gets_there(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		struct world_asg g = plain;
		const struct sim_action *a;
		void *made;
		struct world *w;
		const char *before;
		struct asg_look l;

		g.twin = i & 1;
		g.install = i & 2 ? WORLD_INSTALL_COMMAND : WORLD_INSTALL_IMAGE;
		assert_int_equal(scene_set_up(&made), 0);
		w = made;
		asg_begin(w, &l, &g);
		before = world_auto_scaling_belongings(w);
		world_start(w);
		world_auto_scaling_push(w, &g, i >= 2);
		do {
			world_run(w, 70000);
			world_kill(w);
			world_run(w, 5000);
			world_start(w);
			a = sim_action_find(w->sim, "shop", NULL);
		} while (strcmp(a->status, "InProgress") == 0);
		if (i >= 2) {
			scene_expect(a, "Failed", "JobFailed", "shop-errors", NULL);
			asg_expect_as_before(w, &g, before);
		} else {
			scene_expect(a, "Succeeded", NULL, NULL);
			asg_expect_promoted(w, &g);
		}
		assert_int_equal(scene_tear_down(&made), 0);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, scene_set_up, scene_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_copy_deleted_by_hand_takes_it_back),
		T(a_baseline_deleted_by_hand_is_nobody_s_to_repair),
		T(an_instance_lost_on_the_way_is_replaced),
		T(weights_moved_by_hand_take_it_back),
		T(a_baseline_resized_by_hand_is_followed),
		T(a_new_version_of_the_template_changes_nothing),
		T(a_copy_taken_out_of_its_target_group_takes_it_back),
		T(a_twin_resized_by_hand_is_given_back_as_it_was),
		T(a_group_of_mixed_instances_is_copied),
		T(an_instance_that_cannot_be_told_holds_it_up),
		cmocka_unit_test(abandoned_at_any_time_with_a_copy),
		cmocka_unit_test(abandoned_at_any_time_with_a_twin),
		cmocka_unit_test(a_worker_killed_all_the_time_gets_there),
	};

	return cmocka_run_group_tests_name("auto_scaling_hands", tests, NULL, NULL);
}
