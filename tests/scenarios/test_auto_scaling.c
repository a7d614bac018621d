#include "tests/scenarios/asg_scene.h"

/*
 * EC2 Auto Scaling groups, end to end: every strategy, both kinds of candidate, all ways of
 * installing, each with a good and a bad release; abandoned and killed at any time.
 */

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
		assert_int_equal(shown(w, "shop", "inService"), 0);
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
	const char *sanitized = getenv("SAN");
	int64_t every = sanitized && *sanitized ? 420 : 90;
	bool over = false;

	for (int64_t at = 30; !over; at += every) {
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
		cmocka_unit_test(abandoned_at_any_time_with_a_copy),
		cmocka_unit_test(abandoned_at_any_time_with_a_twin),
		cmocka_unit_test(a_worker_killed_all_the_time_gets_there),
	};

	return cmocka_run_group_tests_name("auto_scaling", tests, NULL, NULL);
}
