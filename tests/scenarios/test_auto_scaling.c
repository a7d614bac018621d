#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/scenarios/scene.h"
#include "tests/scenarios/world_auto_scaling.h"

/*
 * EC2 Auto Scaling groups, end to end: every strategy, both kinds of candidate, all ways of
 * installing, each with a good and a bad release. Whatever goes wrong, afterwards everything is
 * what it was; and no share of the traffic comes before the instances to carry it.
 */
#define CANARY "canary 10% 5m, 50% 5m bake 5m"

/* What one test looks at while time goes by. */
struct look {
	const struct world_asg *g;
	size_t n_splits;
	double share;
	unsigned rises; /* of the candidate's share */
};

static int healthy(struct world *w, const char *name, const char *side)
{
	int n = 0;

	json_each(t, json_get(world_ask(w, "elbv2 show %s-%s", name, side), "targets")) {
		n += str_is(json_text(json_get(t, "state")), "healthy");
	}
	return n;
}

/* Instances first, traffic then; on the way down nobody waits. */
static void watch(struct world *w, void *arg)
{
	struct look *l = arg;
	const struct sim_split *splits;
	size_t n = sim_split_log(w->sim, &splits);

	for (; l->n_splits < n; l->n_splits++) {
		const struct sim_split *s = &splits[l->n_splits];
		double need = WORLD_ASG_SIZE * s->weight / 100;

		if (!strstr(s->candidate, "-green/"))
			continue;
		if (s->weight > l->share + 0.01) {
			if (healthy(w, l->g->name, "green") < need)
				fail_msg("%g %% for %d healthy instances", s->weight,
					 healthy(w, l->g->name, "green"));
			if (s->weight < 100 && healthy(w, l->g->name, "blue") < WORLD_ASG_SIZE)
				fail_msg("the baseline has %d healthy instances at %g %%",
					 healthy(w, l->g->name, "blue"), s->weight);
			l->rises++;
		}
		l->share = s->weight;
	}
}

/* A world with this shop, watched. */
static void begin(struct world *w, struct look *l, const struct world_asg *g)
{
	world_auto_scaling(w, g);
	*l = (struct look){.g = g};
	l->n_splits = 0;
	w->watch = watch;
	w->watch_arg = l;
}

static int64_t shown(struct world *w, const char *group, const char *member)
{
	int64_t n = -1;

	(void)json_i64(world_asg_show(w, group, member), &n);
	return n;
}

static const char *candidate_of(struct world *w, const struct world_asg *g)
{
	return g->twin ? arena_printf(w->arena, "%s-2", g->name) : world_asg_copy(w, g->name);
}

/* The group serves in full, and like the baseline did: sizes, processes. */
static void expect_serves(struct world *w, const char *group)
{
	const struct json *suspended = world_asg_show(w, group, "suspended");

	assert_int_equal(shown(w, group, "inService"), WORLD_ASG_SIZE);
	assert_int_equal(shown(w, group, "desired"), WORLD_ASG_SIZE);
	assert_int_equal(shown(w, group, "min"), 2);
	assert_int_equal(shown(w, group, "max"), 8);
	assert_int_equal(suspended->n, 1); /* as it was before */
	assert_true(str_is(json_text(suspended->first), "AZRebalance"));
}

static void expect_promoted(struct world *w, const struct world_asg *g)
{
	struct world_live l = world_auto_scaling_live(w, g->name);

	assert_true(l.is_one);
	assert_true(l.candidate > 99.9);
	assert_non_null(candidate_of(w, g));
	expect_serves(w, candidate_of(w, g));
}

static void expect_as_before(struct world *w, const struct world_asg *g, const char *before)
{
	struct world_live l = world_auto_scaling_live(w, g->name);
	const char *now = world_auto_scaling_belongings(w);

	assert_true(l.is_one);
	assert_true(l.candidate < 0.1);
	if (strcmp(now, before) != 0)
		fail_msg("it was\n%sand is\n%s", before, now);
}

/* --- every strategy, both candidates, every way of installing -------------------------------- */

static void run_case(const struct world_asg *g, bool bad, unsigned rises)
{
	void *state;
	struct world *w;
	const struct sim_action *a;
	const char *before;
	struct look l;

	assert_int_equal(scene_set_up(&state), 0);
	w = state;
	begin(w, &l, g);
	before = world_auto_scaling_belongings(w);
	world_start(w);
	world_auto_scaling_push(w, g, bad);
	a = scene_end(w, g->name);
	if (bad) {
		scene_expect(a, "Failed", "JobFailed", "shop-errors",
			     "The baseline carries all traffic", NULL);
		expect_as_before(w, g, before);
		assert_int_equal(l.rises, 1);
	} else {
		scene_expect(a, "Succeeded", NULL, "serves everything", NULL);
		expect_promoted(w, g);
		assert_int_equal(l.rises, rises);
		assert_int_equal(shown(w, "shop", "inService"), g->twin ? 0 : -1);
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
	struct look l;

	g.target = "    retire: keep\n";
	begin(w, &l, &g);
	world_start(w);
	world_auto_scaling_push(w, &g, false);
	scene_expect(scene_end(w, "shop"), "Succeeded", NULL, NULL);
	expect_promoted(w, &g);
	expect_serves(w, "shop");
	assert_int_equal(healthy(w, "shop", "blue"), WORLD_ASG_SIZE);
}

static void the_old_group_is_scaled_in(void **state)
{
	struct world *w = *state;
	struct world_asg g = plain;
	struct look l;

	g.target = "    retire: scale_in\n";
	begin(w, &l, &g);
	world_start(w);
	world_auto_scaling_push(w, &g, false);
	scene_expect(scene_end(w, "shop"), "Succeeded", NULL, NULL);
	expect_promoted(w, &g);
	assert_int_equal(shown(w, "shop", "inService"), 0);
	assert_int_equal(shown(w, "shop", "desired"), 0);
}

static void a_candidate_is_kept_for_a_look(void **state)
{
	struct world *w = *state;
	struct world_asg g = plain;
	struct look l;

	g.plan = "rollback: { keep_candidate: 1h }\n";
	begin(w, &l, &g);
	world_start(w);
	world_auto_scaling_push(w, &g, true);
	scene_expect(scene_end(w, "shop"), "Failed", "JobFailed", "shop-errors", NULL);
	assert_true(world_auto_scaling_live(w, "shop").candidate < 0.1);
	expect_serves(w, "shop");
	assert_non_null(world_asg_copy(w, "shop"));
	assert_true(shown(w, world_asg_copy(w, "shop"), "inService") > 0);
}

/* --- launches, hooks, commands --------------------------------------------------------------- */

static void a_short_lack_of_capacity_is_waited_for(void **state)
{
	struct world *w = *state;
	struct look l;

	begin(w, &l, &plain);
	world_control(w, "ec2 launches error=InsufficientInstanceCapacity n=3");
	world_start(w);
	world_auto_scaling_push(w, &plain, false);
	scene_expect(scene_end(w, "shop"), "Succeeded", NULL, NULL);
	expect_promoted(w, &plain);
}

/* Capacity is there for the first step, and not for the second. */
static void a_lack_of_capacity_in_the_middle_takes_it_back(void **state)
{
	struct world *w = *state;
	const char *before;
	struct look l;

	begin(w, &l, &plain);
	before = world_auto_scaling_belongings(w);
	world_start(w);
	world_auto_scaling_push(w, &plain, false);
	scene_run_until_share(w, world_auto_scaling_listener(w, "shop"), 10);
	world_control(w, "ec2 launches error=InsufficientInstanceCapacity");
	scene_expect(scene_end(w, "shop"), "Failed", "JobFailed", "a launch failed",
		     "The baseline carries all traffic", NULL);
	assert_int_equal(l.rises, 1);
	expect_as_before(w, &plain, before);
}

static void a_stuck_hook_ends_it(void **state)
{
	struct world *w = *state;
	const char *before;
	struct look l;

	begin(w, &l, &plain);
	world_control(w, "autoscaling hook shop install heartbeat=7200");
	world_control(w, "autoscaling answer install stuck=true");
	before = world_auto_scaling_belongings(w);
	world_start(w);
	world_auto_scaling_push(w, &plain, false);
	scene_expect(scene_end(w, "shop"), "Failed", "JobFailed", "Pending:Wait", NULL);
	assert_int_equal(l.rises, 0);
	expect_as_before(w, &plain, before);
}

static void run_command_case(struct world *w, const char *control, const char *word)
{
	struct world_asg g = plain;
	const char *before;
	struct look l;

	g.install = WORLD_INSTALL_COMMAND;
	begin(w, &l, &g);
	world_control(w, "%s", control);
	before = world_auto_scaling_belongings(w);
	world_start(w);
	world_auto_scaling_push(w, &g, false);
	scene_expect(scene_end(w, "shop"), "Failed", "JobFailed", word, NULL);
	assert_int_equal(l.rises, 0);
	expect_as_before(w, &g, before);
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
	struct look l;

	g.install = WORLD_INSTALL_COMMAND;
	begin(w, &l, &g);
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

/* --- people -------------------------------------------------------------------------------- */

/* To the first step of a good release, and a little into it. */
static const char *to_first_step(struct world *w, struct look *l, const struct world_asg *g)
{
	const char *before;

	begin(w, l, g);
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
	struct look l;
	const char *before = to_first_step(w, &l, &plain);

	world_control(w, "autoscaling delete %s", world_asg_copy(w, "shop"));
	scene_expect(scene_end(w, "shop"), "Failed", NULL, "there is no group",
		     "The baseline carries all traffic", NULL);
	world_run(w, 5 * MINUTE_MS);
	expect_as_before(w, &plain, before);
}

static void a_baseline_deleted_by_hand_is_nobody_s_to_repair(void **state)
{
	struct world *w = *state;
	struct look l;

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
	struct look l;

	(void)to_first_step(w, &l, &plain);
	first = world_asg_show(w, world_asg_copy(w, "shop"), "instances")->first;
	world_control(w, "ec2 terminate " STR_FMT, STR_ARG(json_text(json_get(first, "id"))));
	scene_expect(scene_end(w, "shop"), "Succeeded", NULL, NULL);
	expect_promoted(w, &plain);
}

static void weights_moved_by_hand_take_it_back(void **state)
{
	struct world *w = *state;
	struct look l;
	const char *before = to_first_step(w, &l, &plain);

	world_control(w, "elbv2 listener shop port=443 forward=shop-blue:70,shop-green:30");
	scene_expect(scene_end(w, "shop"), "Failed", "RevisionOutOfSync", "30%", NULL);
	expect_as_before(w, &plain, before);
}

static void a_baseline_resized_by_hand_is_followed(void **state)
{
	struct world *w = *state;
	struct look l;

	(void)to_first_step(w, &l, &plain);
	world_control(w, "autoscaling group shop desired=6");
	scene_expect(scene_end(w, "shop"), "Succeeded", NULL, NULL);
	assert_int_equal(shown(w, world_asg_copy(w, "shop"), "inService"), 6);
}

static void a_new_version_of_the_template_changes_nothing(void **state)
{
	struct world *w = *state;
	struct look l;

	(void)to_first_step(w, &l, &plain);
	world_control(w, "ec2 template shop-lt image=ami-0123456789abcdef2 default=true");
	scene_expect(scene_end(w, "shop"), "Succeeded", NULL, NULL);
	expect_promoted(w, &plain);
	json_each(i, world_asg_show(w, world_asg_copy(w, "shop"), "instances")) {
		assert_true(str_is(json_text(json_get(i, "image")), "ami-0123456789abcdef1"));
	}
}

/* --- abandoned, killed ----------------------------------------------------------------------- */

/* Everything on one side, that side whole, and nothing of the other that costs. */
static void expect_one_side(struct world *w, const struct world_asg *g, const char *before)
{
	struct world_live l = world_auto_scaling_live(w, g->name);

	assert_true(l.is_one);
	if (l.candidate > 50) {
		expect_promoted(w, g);
		return;
	}
	expect_as_before(w, g, before);
}

static void run_abandoned(bool twin)
{
	bool over = false;

	for (int64_t at = 30; !over; at += 90) {
		struct world_asg g = plain;
		void *state;
		struct world *w;
		const char *before;
		struct look l;

		g.twin = twin;
		assert_int_equal(scene_set_up(&state), 0);
		w = state;
		begin(w, &l, &g);
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
		struct look l;

		g.twin = i & 1;
		g.install = i & 2 ? WORLD_INSTALL_COMMAND : WORLD_INSTALL_IMAGE;
		assert_int_equal(scene_set_up(&made), 0);
		w = made;
		begin(w, &l, &g);
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
			expect_as_before(w, &g, before);
		} else {
			scene_expect(a, "Succeeded", NULL, NULL);
			expect_promoted(w, &g);
		}
		assert_int_equal(scene_tear_down(&made), 0);
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
		T(a_copy_deleted_by_hand_takes_it_back),
		T(a_baseline_deleted_by_hand_is_nobody_s_to_repair),
		T(an_instance_lost_on_the_way_is_replaced),
		T(weights_moved_by_hand_take_it_back),
		T(a_baseline_resized_by_hand_is_followed),
		T(a_new_version_of_the_template_changes_nothing),
		cmocka_unit_test(abandoned_at_any_time_with_a_copy),
		cmocka_unit_test(abandoned_at_any_time_with_a_twin),
		cmocka_unit_test(a_worker_killed_all_the_time_gets_there),
	};

	return cmocka_run_group_tests_name("auto_scaling", tests, NULL, NULL);
}
