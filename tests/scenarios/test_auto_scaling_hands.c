#include "tests/scenarios/asg_scene.h"

/* EC2 Auto Scaling groups, end to end: what fails on the way, and what people do meanwhile. */

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
	struct look l;
	const char *before = to_first_step(w, &l, &plain);
	struct utc since = sim_now(w->sim);

	world_control(w, "autoscaling detach %s shop-green", world_asg_copy(w, "shop"));
	assert_true(world_run_until(w, is_back, NULL, 20000));
	a = scene_end(w, "shop");
	scene_expect(a, "Failed", "JobFailed", "none of its targets is healthy", NULL);
	assert_int_equal(l.rises, 1);
	expect_as_before(w, &plain, before);
	assert_true(a->updated.ms - since.ms < 5 * MINUTE_MS);
}

static void a_twin_resized_by_hand_is_given_back_as_it_was(void **state)
{
	struct world *w = *state;
	struct world_asg g = plain;
	struct look l;
	const char *before;

	g.twin = true;
	before = to_first_step(w, &l, &g);
	world_control(w, "autoscaling group shop-2 desired=1 min=1 max=9");
	world_control(w, "ec2 image ami-0123456789abcdef1 errors=0.5");
	scene_expect(scene_end(w, "shop"), "Failed", "JobFailed", "shop-errors", NULL);
	expect_as_before(w, &g, before);
}

/* A group that launches by a policy for mixed instances is copied with it. */
static void a_group_of_mixed_instances_is_copied(void **state)
{
	struct world *w = *state;
	const char *copy;
	struct look l;

	begin(w, &l, &plain);
	world_control(w, "autoscaling group shop mixed=t3.large,t3a.large");
	world_start(w);
	world_auto_scaling_push(w, &plain, false);
	scene_expect(scene_end(w, "shop"), "Succeeded", NULL, NULL);
	expect_promoted(w, &plain);
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
	struct look l;

	g.install = WORLD_INSTALL_COMMAND;
	begin(w, &l, &g);
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
	expect_as_before(w, &g, before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
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
		T(a_copy_taken_out_of_its_target_group_takes_it_back),
		T(a_twin_resized_by_hand_is_given_back_as_it_was),
		T(a_group_of_mixed_instances_is_copied),
		T(an_instance_that_cannot_be_told_holds_it_up),
	};

	return cmocka_run_group_tests_name("auto_scaling_hands", tests, NULL, NULL);
}
