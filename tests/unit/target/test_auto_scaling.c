#include "tests/unit/target/asg_world.h"

/* Looking at two groups; bringing one up is in test_auto_scaling_rise.c. */

#define NOW_S(w) ((w)->f->now.ms / 1000)

static struct target_observation look(struct world *w, enum phase phase,
				      const struct a_group *candidate, const char *states)
{
	struct a_group live = blue();

	return look_at(w, phase, &live, candidate, "blue=100 green=0", states);
}

static void expect_state(const struct target_observation *o, enum candidate_state state,
			 const char *words)
{
	if (o->candidate != state || !strstr(o->detail, words))
		fail_msg("%d, expected %d: %s", o->candidate, state, o->detail);
}

/* --- looking --------------------------------------------------------------------------------- */

static void a_candidate_counts_when_all_of_it_is_well(void **state)
{
	struct world *w = *state;
	struct a_group c = copy(2, "InService InService");
	struct target_observation o = look(w, PHASE_PREPARE, NULL, "");

	expect_state(&o, CANDIDATE_ABSENT, "there is no group " COPY);
	assert_int_equal(o.live, LIVE_BASELINE);
	/* healthy, but that has not been written down yet */
	o = look(w, PHASE_PREPARE, &c, "healthy healthy");
	expect_state(&o, CANDIDATE_PENDING, "watched whether it stays so");
	candidate_is(w, 8, NOW_S(w) - 29, 0);
	o = look(w, PHASE_PREPARE, &c, "healthy healthy");
	expect_state(&o, CANDIDATE_PENDING, "watched whether it stays so");
	candidate_is(w, 8, NOW_S(w) - 30, 0);
	o = look(w, PHASE_PREPARE, &c, "healthy healthy");
	expect_state(&o, CANDIDATE_READY, "");

	/* and at this look still is */
	o = look(w, PHASE_PREPARE, &c, "healthy initial");
	expect_state(&o, CANDIDATE_PENDING, "1 of 2 ready: i-1 is initial: Target.Timeout in the");
	o = look(w, PHASE_PREPARE, &c, "healthy");
	expect_state(&o, CANDIDATE_PENDING, "i-1 is not registered with the target group");
	c.instances = "InService Pending:Wait";
	o = look(w, PHASE_PREPARE, &c, "healthy healthy");
	expect_state(&o, CANDIDATE_PENDING, "i-1 is Pending:Wait");
	c.instances = "InService InService";
	c.running = "7";
	o = look(w, PHASE_PREPARE, &c, "healthy healthy");
	expect_state(&o, CANDIDATE_PENDING, "i-0 runs another version of the launch template");
	assert_int_equal(sent(w, "POST", "Action=Update"), 0);
}

static void missing_instances_are_explained(void **state)
{
	struct world *w = *state;
	struct a_group c = copy(2, "InService"), live = blue();
	struct target_observation o = look(w, PHASE_PREPARE, &c, "healthy");

	expect_state(&o, CANDIDATE_PENDING, "1 of 2 ready: 1 instances of 2");
	forget_routes(w);
	list_is(w, "DescribeScalingActivities",
		"<Activities><member><StatusCode>Failed</StatusCode><StatusMessage>no capacity"
		"</StatusMessage></member></Activities>");
	groups_are(w, &live, &c);
	rule_is(w, "blue=100 green=0");
	health_is(w, GROUP_URI("green"), "healthy");
	assert_int_equal(target_auto_scaling.observe(&w->env, &w->state, &o, &w->err), 0);
	expect_state(&o, CANDIDATE_PENDING, "a launch failed: no capacity");
	/* not even that can be read */
	refuses(w, "DescribeScalingActivities", 403, "AccessDenied");
	assert_int_equal(target_auto_scaling.observe(&w->env, &w->state, &o, &w->err), 0);
	assert_int_equal(o.live, LIVE_UNREADABLE);
	assert_true(o.denied);
}

static void what_cannot_be_read_is_said_so(void **state)
{
	struct world *w = *state;
	struct a_group live = blue(), c = copy(2, "InService InService");
	struct target_observation o;

	forget_routes(w);
	refuses(w, "DescribeAutoScalingGroups", 400, "Oops");
	w->state.phase = PHASE_SHIFT;
	assert_int_equal(target_auto_scaling.observe(&w->env, &w->state, &o, &w->err), 0);
	assert_int_equal(o.live, LIVE_UNREADABLE);
	groups_are(w, &live, &c);
	refuses(w, "DescribeRules", 403, "AccessDenied");
	assert_int_equal(target_auto_scaling.observe(&w->env, &w->state, &o, &w->err), 0);
	assert_int_equal(o.live, LIVE_UNREADABLE);
	assert_true(o.denied);
	rule_is(w, "blue=100 green=0");
	refuses(w, "DescribeTargetHealth", 403, "AccessDenied");
	assert_int_equal(target_auto_scaling.observe(&w->env, &w->state, &o, &w->err), 0);
	assert_int_equal(o.live, LIVE_UNREADABLE);

	w->f->client.aws->cancel = cancel_new();
	cancel_fire(w->f->client.aws->cancel);
	assert_int_equal(target_auto_scaling.observe(&w->env, &w->state, &o, &w->err), -1);
	assert_int_equal(w->err.code, ERR_CANCELED);
	cancel_free(w->f->client.aws->cancel);
	w->f->client.aws->cancel = NULL;

	/* interrupted in the middle */
	w->err = ERR_INIT;
	once(w, "POST", "Action=DescribeRules", 0, "")->fail = ERR_CANCELED;
	assert_int_equal(target_auto_scaling.observe(&w->env, &w->state, &o, &w->err), -1);
	assert_int_equal(w->err.code, ERR_CANCELED);

	str_copy(w->state.undo, sizeof(w->state.undo), STR("{}"));
	w->err = ERR_INIT;
	assert_int_equal(target_auto_scaling.observe(&w->env, &w->state, &o, &w->err), 0);
	assert_int_equal(o.live, LIVE_UNREADABLE);
}

static void a_baseline_that_is_gone_is_somebody_elses_doing(void **state)
{
	struct world *w = *state;
	struct a_group c = copy(2, "InService InService"), live = blue();
	struct target_observation o;

	o = look_at(w, PHASE_WATCH, NULL, &c, "blue=95 green=5", "healthy healthy");
	assert_int_equal(o.live, LIVE_FOREIGN);
	assert_non_null(strstr(o.detail, "the group blue is not there any more"));
	live.more = "<Status>Delete in progress</Status>";
	o = look_at(w, PHASE_WATCH, &live, &c, "blue=95 green=5", "healthy healthy");
	assert_int_equal(o.live, LIVE_FOREIGN);
	/* but for what retires it */
	o = look_at(w, PHASE_RETIRE, &live, &c, "blue=0 green=100", "healthy healthy");
	assert_int_equal(o.live, LIVE_PROMOTED);
	w->plan.target.auto_scaling.retire = ASG_RETIRE_SCALE_IN;
	o = look_at(w, PHASE_RETIRE, &live, &c, "blue=0 green=100", "healthy healthy");
	assert_int_equal(o.live, LIVE_FOREIGN);
	o = look_at(w, PHASE_WATCH, &live, &c, "red=1", "healthy healthy");
	assert_int_equal(o.live, LIVE_FOREIGN);
	assert_non_null(strstr(o.detail, "target groups"));
}

static void a_candidate_that_is_gone_has_failed(void **state)
{
	static const enum phase phases[] = {PHASE_VERIFY, PHASE_SHIFT, PHASE_WATCH, PHASE_PROMOTE,
					    PHASE_BAKE};
	struct world *w = *state;
	struct a_group c = copy(2, "InService InService");
	struct target_observation o;

	for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]); i++) {
		o = look(w, phases[i], NULL, "");
		expect_state(&o, CANDIDATE_FAILED, "there is no group " COPY);
	}
	/* the name is taken by a group that is not ours */
	c.tags = AS_TAG_ROLLOUT "=r-2";
	o = look(w, PHASE_PREPARE, &c, "healthy healthy");
	expect_state(&o, CANDIDATE_FAILED, "a group " COPY " is there, and not of this rollout");
	c.tags = "";
	o = look(w, PHASE_PREPARE, &c, "healthy healthy");
	expect_state(&o, CANDIDATE_FAILED, "not of this rollout");
	c.tags = OURS;
	c.more = "<Status>Delete in progress</Status>";
	o = look(w, PHASE_WATCH, &c, "healthy healthy");
	expect_state(&o, CANDIDATE_FAILED, "there is no group");
}

/* Sized for the next weight before the shift: a share of it, and headroom. */
static void the_need_grows_with_the_weight(void **state)
{
	struct world *w = *state;
	struct as_world x = {.r = a_record(), .live = {.name = "blue", .max = 80, .desired = 40}};
	static const struct {
		int weight_bp, segment;
		int64_t headroom, least, need;
	} cases[] = {
		{500, -1, 1, 1, 3},    {500, -1, 0, 1, 2},    {1, -1, 0, 1, 1},
		{250, -1, 0, 1, 1},    {251, -1, 0, 1, 2},    {5000, -1, 3, 1, 23},
		{9999, -1, 5, 1, 40},  {10000, -1, 5, 1, 40}, {100, -1, 0, 7, 7},
		{100, -1, 0, 100, 40}, {100, 0, 0, 1, 40}, /* a segment's share is not known */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		w->plan.steps[0] = (struct plan_step){.segment = cases[i].segment,
						      .weight_bp = cases[i].weight_bp};
		w->plan.target.auto_scaling.headroom = cases[i].headroom;
		w->plan.target.lb.min_healthy = cases[i].least;
		assert_int_equal(as_need(&w->plan, &x, 0), cases[i].need);
	}
	/* it stays through the percentages after it */
	w->plan.n_steps = 2;
	w->plan.steps[1] = (struct plan_step){.segment = -1, .weight_bp = 500};
	assert_int_equal(as_need(&w->plan, &x, 1), 40);
	w->plan.steps[0].segment = -1;
	assert_int_equal(as_need(&w->plan, &x, 1), 2);
	/* like the baseline is now; when that is scaled in, like it was */
	assert_int_equal(as_full(&x), 40);
	x.live.max = 0;
	x.live.desired = 0;
	assert_int_equal(as_full(&x), 4);
	x.live.name = NULL;
	assert_int_equal(as_full(&x), 4);
	w->plan.n_steps = 0; /* a plan that can only go back */
	assert_int_equal(as_need(&w->plan, &x, 0), 4);
}

static void in_a_shift_it_is_ready_when_there_is_something_to_do(void **state)
{
	struct world *w = *state;
	struct a_group c = copy(2, "InService InService");
	struct target_observation o;

	w->state.step = 1; /* 50 % of 4, and one more */
	o = look(w, PHASE_SHIFT, &c, "healthy healthy");
	expect_state(&o, CANDIDATE_READY, ""); /* to be raised */
	c.desired = 3;
	o = look(w, PHASE_SHIFT, &c, "healthy healthy");
	expect_state(&o, CANDIDATE_PENDING, "2 of 3 ready");
	c.instances = "InService InService InService";
	o = look(w, PHASE_SHIFT, &c, "healthy healthy unhealthy");
	expect_state(&o, CANDIDATE_PENDING, "2 of 3 ready");
	o = look(w, PHASE_SHIFT, &c, "healthy healthy healthy");
	expect_state(&o, CANDIDATE_READY, "");
	/* all traffic needs all of it */
	o = look(w, PHASE_PROMOTE, &c, "healthy healthy healthy");
	expect_state(&o, CANDIDATE_READY, "");
	c.desired = 4;
	o = look(w, PHASE_PROMOTE, &c, "healthy healthy healthy");
	expect_state(&o, CANDIDATE_PENDING, "3 of 4 ready");
	o = look(w, PHASE_VERIFY, &c, "healthy");
	expect_state(&o, CANDIDATE_PENDING, "1 of 2 ready");
	o = look(w, PHASE_VERIFY, &c, "healthy healthy");
	expect_state(&o, CANDIDATE_READY, "");
	o = look(w, PHASE_WATCH, &c, "unhealthy");
	expect_state(&o, CANDIDATE_READY, ""); /* that is the guards' to judge */
}

/* In whatever phase: requests go there, and nobody answers them. */
static void traffic_that_nobody_serves_has_failed(void **state)
{
	static const enum phase phases[] = {PHASE_SHIFT, PHASE_WATCH, PHASE_PROMOTE, PHASE_BAKE};
	static const char *const weights[] = {"blue=95 green=5", "blue=0 green=100"};
	struct world *w = *state;
	struct a_group c = copy(4, IN4), live = blue();
	struct target_observation o;

	for (size_t i = 0; i < 8; i++) {
		o = look_at(w, phases[i / 2], &live, &c, weights[i % 2], "unhealthy draining");
		expect_state(&o, CANDIDATE_FAILED, "none of its targets is healthy: i-");
	}
	o = look_at(w, PHASE_WATCH, &live, &c, weights[0], "");
	expect_state(&o, CANDIDATE_FAILED, "no target is registered");
	o = look_at(w, PHASE_WATCH, &live, &c, weights[0], "healthy unhealthy");
	expect_state(&o, CANDIDATE_READY, ""); /* the guards judge that */
	o = look_at(w, PHASE_RETIRE, &live, &c, weights[1], "unhealthy");
	assert_int_not_equal(o.candidate, CANDIDATE_FAILED); /* nothing is left to go back to */
	rule_is(w, weights[0]);
	w->state.phase = PHASE_WATCH;
	refuses(w, "DescribeTargetHealth", 403, "AccessDenied");
	assert_int_equal(target_auto_scaling.observe(&w->env, &w->state, &o, &w->err), 0);
	assert_int_equal(o.live, LIVE_UNREADABLE);
	once(w, "POST", "Action=DescribeTargetHealth", 0, "")->fail = ERR_CANCELED;
	assert_int_equal(target_auto_scaling.observe(&w->env, &w->state, &o, &w->err), -1);
	assert_int_equal(w->err.code, ERR_CANCELED);
}

static void a_promotion_takes_over_the_baselines_limits(void **state)
{
	struct world *w = *state;
	struct a_group c = copy(4, IN4), live = blue();
	struct target_observation o;

	o = look_at(w, PHASE_PROMOTE, &live, &c, "blue=0 green=100",
		    "healthy healthy healthy healthy");
	assert_int_equal(o.live, LIVE_CANDIDATE);
	assert_non_null(strstr(o.detail, "not yet the baseline's limits"));
	c.min = 2;
	o = look_at(w, PHASE_PROMOTE, &live, &c, "blue=0 green=100",
		    "healthy healthy healthy healthy");
	assert_int_equal(o.live, LIVE_CANDIDATE); /* health checks are of another type */
	c.health = "ELB";
	o = look_at(w, PHASE_PROMOTE, &live, &c, "blue=0 green=100",
		    "healthy healthy healthy healthy");
	assert_int_equal(o.live, LIVE_PROMOTED);
	live.more = "<DeletionProtection>prevent-force-deletion</DeletionProtection>";
	o = look_at(w, PHASE_PROMOTE, &live, &c, "blue=0 green=100",
		    "healthy healthy healthy healthy");
	assert_int_equal(o.live, LIVE_CANDIDATE);
	o = look_at(w, PHASE_BAKE, &live, &c, "blue=0 green=100",
		    "healthy healthy healthy healthy");
	assert_int_equal(o.live, LIVE_PROMOTED);
}

/* What the baseline's limits are once it has been scaled in: those it had. */
static void limits_outlive_the_old_group(void **state)
{
	struct world *w = *state;
	struct as_world x = {.r = a_record(),
			     .live = {.name = "blue"},
			     .candidate = {.name = COPY, .min = 2, .max = 8}};

	(void)w;
	assert_true(as_is_finished(&x));
	x.live.name = NULL;
	assert_true(as_is_finished(&x));
	x.candidate.max = 7;
	assert_false(as_is_finished(&x));
	x.candidate.name = NULL;
	assert_false(as_is_finished(&x));
}

static void metrics_are_those_of_the_target_groups(void **state)
{
	const char *ns, *names[PLAN_DIMENSIONS_MAX], *values[PLAN_DIMENSIONS_MAX];
	struct world *w = *state;

	assert_int_equal(target_auto_scaling.series(&w->env, &w->state, true, &ns, names, values),
			 2);
	assert_string_equal(ns, "AWS/ApplicationELB");
	assert_string_equal(values[0], "targetgroup/green/73e2");
	assert_int_equal(target_auto_scaling.series(&w->env, &w->state, false, &ns, names, values),
			 2);
	assert_string_equal(values[0], "targetgroup/blue/73e2");
	w->state.undo[0] = '\0';
	assert_int_equal(target_auto_scaling.series(&w->env, &w->state, true, &ns, names, values),
			 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_candidate_counts_when_all_of_it_is_well),
		T(missing_instances_are_explained),
		T(what_cannot_be_read_is_said_so),
		T(a_baseline_that_is_gone_is_somebody_elses_doing),
		T(a_candidate_that_is_gone_has_failed),
		T(the_need_grows_with_the_weight),
		T(in_a_shift_it_is_ready_when_there_is_something_to_do),
		T(traffic_that_nobody_serves_has_failed),
		T(a_promotion_takes_over_the_baselines_limits),
		T(limits_outlive_the_old_group),
		T(metrics_are_those_of_the_target_groups),
	};

	return cmocka_run_group_tests_name("auto_scaling", tests, NULL, NULL);
}
