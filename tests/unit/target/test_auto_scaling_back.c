#include "tests/unit/target/asg_world.h"

/* Going back, retiring the old group, and removing a candidate that failed. */

static struct target_observation look(struct world *w, enum phase phase, const struct a_group *live,
				      const struct a_group *candidate, const char *weights)
{
	return look_at(w, phase, live, candidate, weights, "healthy healthy");
}

/* The world for an act: these groups, these weights, and everything works. */
static void scene(struct world *w, const struct a_group *live, const struct a_group *candidate,
		  const char *weights)
{
	forget_routes(w);
	no_parts(w);
	all_works(w);
	groups_are(w, live, candidate);
	rule_is(w, weights);
	health_is(w, GROUP_URI("blue"), "healthy");
	health_is(w, GROUP_URI("green"), "healthy healthy");
	w->err = ERR_INIT;
}

static int restore(struct world *w, const struct target_observation *o)
{
	w->err = ERR_INIT;
	w->state.phase = PHASE_RESTORE;
	return target_auto_scaling.restore(&w->env, &w->state, o, &w->err);
}

static size_t writes(const struct world *w)
{
	return sent(w, "POST", "Action=Modify") + sent(w, "POST", "Action=Update") +
	       sent(w, "POST", "Action=Resume") + sent(w, "POST", "Action=Delete") +
	       sent(w, "POST", "Action=Suspend") + sent(w, "POST", "Action=Create");
}

/* --- restore --------------------------------------------------------------------------------- */

static void weights_go_back_first_then_the_rest(void **state)
{
	struct world *w = *state;
	struct a_group live = blue(), c = copy(2, "InService InService");
	struct target_observation o;

	live.suspended = HELD;
	o = look(w, PHASE_RESTORE, &live, &c, "blue=95 green=5");
	assert_int_equal(o.live, LIVE_SPLIT);
	scene(w, &live, &c, "blue=95 green=5");
	if (restore(w, &o))
		fail_msg("%s", w->err.text);
	assert_int_equal(sent(w, "POST", "Action=ModifyRule"), 1);
	assert_int_equal(sent(w, "POST", "Action=ResumeProcesses"), 2);
	for (size_t i = 0, moved = 0; i < w->f->n_requests; i++) {
		moved += strstr(w->f->requests[i].body.p, "Action=ModifyRule") != NULL;
		if (strstr(w->f->requests[i].body.p, "Action=ResumeProcesses"))
			assert_int_equal(moved, 1);
	}
	/* the weights are back: it is not restored before all the rest is */
	o = look(w, PHASE_RESTORE, &live, &c, "blue=100 green=0");
	assert_int_equal(o.live, LIVE_SPLIT);
	assert_int_equal(o.traffic.weight_bp, 0);
	assert_non_null(strstr(o.detail, "sizes or processes"));
	live.suspended = NULL;
	o = look(w, PHASE_RESTORE, &live, &c, "blue=100 green=0");
	assert_int_equal(o.live, LIVE_SPLIT);
	c.suspended = NULL;
	o = look(w, PHASE_RESTORE, &live, &c, "blue=100 green=0");
	assert_int_equal(o.live, LIVE_BASELINE);
	assert_true(o.leftover);
	assert_int_equal(look(w, PHASE_RESTORE, &live, NULL, "blue=100 green=0").live,
			 LIVE_BASELINE);
	/* without a candidate the baseline alone has to be */
	live.suspended = HELD;
	scene(w, &live, NULL, "blue=100 green=0");
	assert_int_equal(restore(w, &o), 0);
	assert_int_equal(sent(w, "POST", "Action=ResumeProcesses"), 1);
	live.suspended = NULL;
	/* nothing is left to be done */
	scene(w, &live, &c, "blue=100 green=0");
	assert_int_equal(restore(w, &o), 0);
	assert_int_equal(writes(w), 0);
}

/* What was suspended before the rollout stays suspended. */
static void exactly_what_was_suspended_is_resumed(void **state)
{
	struct world *w = *state;
	struct as_record r = a_record();
	struct a_group live = blue(), c = copy(2, "InService InService");
	struct target_observation o;

	r.suspended = 1; /* AZRebalance */
	is_recorded(w, &r);
	live.suspended = HELD " Launch";
	c.suspended = "AZRebalance";
	o = look(w, PHASE_RESTORE, &live, &c, "blue=95 green=5");
	scene(w, &live, &c, "blue=95 green=5");
	assert_int_equal(restore(w, &o), 0);
	assert_non_null(strstr(last_body(w, "POST", "Action=ResumeProcesses"),
			       "AutoScalingGroupName=blue&ScalingProcesses.member.1="
			       "AlarmNotification&ScalingProcesses.member.2=ScheduledActions"));
	assert_int_equal(sent(w, "POST", "Action=ResumeProcesses"), 1);
	live.suspended = "AZRebalance Launch";
	assert_int_equal(look(w, PHASE_RESTORE, &live, &c, "blue=100 green=0").live, LIVE_BASELINE);
}

/* Rolled back while the old group was retired already: nobody is sent where nothing serves. */
static void capacity_that_was_scaled_in_comes_back_first(void **state)
{
	struct world *w = *state;
	struct a_group live = blue(), c = copy(4, IN4);
	struct target_observation o;

	live.min = live.max = live.desired = 0;
	live.instances = NULL;
	o = look(w, PHASE_RESTORE, &live, &c, "blue=0 green=100");
	scene(w, &live, &c, "blue=0 green=100");
	w->n_routes -= 2;
	health_is(w, GROUP_URI("blue"), "");
	health_is(w, GROUP_URI("green"), "healthy");
	assert_int_equal(restore(w, &o), 0);
	assert_non_null(strstr(last_body(w, "POST", "Action=UpdateAutoScalingGroup"),
			       "AutoScalingGroupName=blue&MinSize=2&MaxSize=8&DesiredCapacity=4"));
	assert_int_equal(sent(w, "POST", "Action=Modify"), 0);
	/* they start */
	live = blue();
	scene(w, &live, &c, "blue=0 green=100");
	w->n_routes -= 2;
	health_is(w, GROUP_URI("blue"), "initial initial");
	health_is(w, GROUP_URI("green"), "healthy");
	assert_int_equal(restore(w, &o), 0);
	assert_int_equal(writes(w), 0);
	/* one serves */
	w->n_routes -= 2;
	health_is(w, GROUP_URI("blue"), "healthy initial");
	health_is(w, GROUP_URI("green"), "healthy");
	assert_int_equal(restore(w, &o), 0);
	assert_int_equal(sent(w, "POST", "Action=ModifyRule"), 1);
	/* a baseline that is merely not healthy is gone back to at once */
	scene(w, &live, &c, "blue=0 green=100");
	w->n_routes -= 2;
	health_is(w, GROUP_URI("blue"), "unhealthy unhealthy");
	health_is(w, GROUP_URI("green"), "healthy");
	assert_int_equal(restore(w, &o), 0);
	assert_int_equal(sent(w, "POST", "Action=ModifyRule"), 1);
	/* and when that cannot be told */
	scene(w, &live, &c, "blue=0 green=100");
	refuses(w, "DescribeTargetHealth", 403, "AccessDenied");
	assert_int_equal(restore(w, &o), 0);
	assert_int_equal(sent(w, "POST", "Action=ModifyRule"), 1);
	/* scaled in, but the weights are back */
	live.max = live.min = live.desired = 0;
	assert_int_equal(look(w, PHASE_RESTORE, &live, &c, "blue=100 green=0").live, LIVE_SPLIT);
	scene(w, &live, &c, "blue=100 green=0");
	assert_int_equal(restore(w, &o), 0);
	assert_int_equal(sent(w, "POST", "Action=UpdateAutoScalingGroup"), 1);
}

/* Undone long after: the baseline was kept, and has scaled itself in without traffic. */
static void a_baseline_gets_the_size_it_had_with_its_traffic(void **state)
{
	struct world *w = *state;
	struct a_group live = blue(), c = copy(4, IN4);
	struct target_observation o;

	live.desired = 2;
	live.max = 3;
	live.instances = "InService InService";
	o = look(w, PHASE_RESTORE, &live, &c, "blue=0 green=100");
	scene(w, &live, &c, "blue=0 green=100");
	assert_int_equal(restore(w, &o), 0);
	assert_non_null(strstr(last_body(w, "POST", "Action=UpdateAutoScalingGroup"),
			       "AutoScalingGroupName=blue&MinSize=2&MaxSize=4&DesiredCapacity=4"));
	assert_int_equal(sent(w, "POST", "Action=ModifyRule"), 1); /* at once all the same */
	refuses(w, "UpdateAutoScalingGroup", 403, "AccessDenied");
	assert_int_equal(restore(w, &o), -1);
	/* once it has its traffic its size is its own again */
	scene(w, &live, &c, "blue=100 green=0");
	assert_int_equal(restore(w, &o), 0);
	assert_int_equal(sent(w, "POST", "Action=UpdateAutoScalingGroup"), 0);
	/* more than it had is no reason to shrink it */
	live.desired = 6;
	live.max = 8;
	scene(w, &live, &c, "blue=0 green=100");
	assert_int_equal(restore(w, &o), 0);
	assert_int_equal(sent(w, "POST", "Action=UpdateAutoScalingGroup"), 0);
}

static void every_step_back_can_fail(void **state)
{
	static const char *const calls[] = {"DescribeAutoScalingGroups", "DescribeRules",
					    "ModifyRule", "ResumeProcesses",
					    "UpdateAutoScalingGroup"};
	struct world *w = *state;
	struct a_group live = blue(), c = copy(2, "InService InService");
	struct target_observation o;

	live.suspended = HELD;
	live.max = live.desired = 0;
	o = look(w, PHASE_RESTORE, &live, &c, "blue=95 green=5");
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		scene(w, &live, &c, "blue=95 green=5");
		refuses(w, calls[i], 403, "AccessDenied");
		if (restore(w, &o) == 0 || w->err.code != ERR_DENIED)
			fail_msg("%s: %s", calls[i], w->err.text);
	}
	/* somebody has changed the weights since the look */
	scene(w, &live, &c, "blue=90 green=10");
	assert_int_equal(restore(w, &o), -1);
	assert_int_equal(w->err.code, ERR_CONFLICT);
}

/* --- retire ---------------------------------------------------------------------------------- */

static int retire(struct world *w)
{
	struct target_observation o = {.live = LIVE_PROMOTED};

	w->err = ERR_INIT;
	w->state.phase = PHASE_RETIRE;
	return target_auto_scaling.retire(&w->env, &w->state, &o, &w->err);
}

static bool is_retired(struct world *w, const struct a_group *live, const struct a_group *c)
{
	return look(w, PHASE_RETIRE, live, c, "blue=0 green=100").retired;
}

static void an_old_group_is_emptied_and_deleted(void **state)
{
	struct world *w = *state;
	struct a_group live = blue(), c = copy(4, IN4);

	live.suspended = HELD;
	assert_false(is_retired(w, &live, &c));
	scene(w, &live, &c, "blue=0 green=100");
	if (retire(w))
		fail_msg("%s", w->err.text);
	/* what serves now scales by itself again; the old one is taken down by its own draining */
	assert_non_null(strstr(last_body(w, "POST", "Action=ResumeProcesses"),
			       "AutoScalingGroupName=" COPY));
	assert_non_null(strstr(last_body(w, "POST", "Action=UpdateAutoScalingGroup"),
			       "AutoScalingGroupName=blue&MinSize=0&MaxSize=0&DesiredCapacity=0"));
	assert_int_equal(sent(w, "POST", "Action=Delete"), 0);
	/* its instances drain */
	live.min = live.max = live.desired = 0;
	live.instances = "Terminating Terminating";
	c.suspended = NULL;
	assert_false(is_retired(w, &live, &c));
	scene(w, &live, &c, "blue=0 green=100");
	assert_int_equal(retire(w), 0);
	assert_int_equal(writes(w), 0);
	/* and are gone */
	live.instances = NULL;
	scene(w, &live, &c, "blue=0 green=100");
	assert_int_equal(retire(w), 0);
	assert_string_equal(last_body(w, "POST", "Action=DeleteAutoScalingGroup"),
			    "Action=DeleteAutoScalingGroup&Version=2011-01-01"
			    "&AutoScalingGroupName=blue");
	/* busy still: looked at again; refused: said */
	scene(w, &live, &c, "blue=0 green=100");
	refuses(w, "DeleteAutoScalingGroup", 400, "ScalingActivityInProgress");
	assert_int_equal(retire(w), 0);
	refuses(w, "DeleteAutoScalingGroup", 403, "AccessDenied");
	assert_int_equal(retire(w), -1);
	/* on its way */
	live.more = "<Status>Delete in progress</Status>";
	assert_false(is_retired(w, &live, &c));
	scene(w, &live, &c, "blue=0 green=100");
	assert_int_equal(retire(w), 0);
	assert_int_equal(writes(w), 0);
	assert_true(is_retired(w, NULL, &c));
	scene(w, NULL, &c, "blue=0 green=100");
	assert_int_equal(retire(w), 0);
	assert_int_equal(writes(w), 0);
}

static void an_old_group_is_scaled_in_or_kept(void **state)
{
	struct world *w = *state;
	struct a_group live = blue(), c = copy(4, IN4);

	c.suspended = NULL;
	live.suspended = HELD;
	w->plan.target.auto_scaling.retire = ASG_RETIRE_SCALE_IN;
	scene(w, &live, &c, "blue=0 green=100");
	assert_int_equal(retire(w), 0);
	assert_int_equal(sent(w, "POST", "Action=UpdateAutoScalingGroup"), 1);
	assert_int_equal(sent(w, "POST", "Action=Resume"), 0); /* not before it is empty */
	live.min = live.max = live.desired = 0;
	assert_false(is_retired(w, &live, &c));
	live.instances = NULL;
	assert_false(is_retired(w, &live, &c));
	scene(w, &live, &c, "blue=0 green=100");
	assert_int_equal(retire(w), 0);
	assert_int_equal(sent(w, "POST", "Action=ResumeProcesses"), 1);
	live.suspended = NULL;
	assert_true(is_retired(w, &live, &c));

	w->plan.target.auto_scaling.retire = ASG_RETIRE_KEEP;
	live = blue();
	live.suspended = HELD;
	assert_false(is_retired(w, &live, &c));
	scene(w, &live, &c, "blue=0 green=100");
	assert_int_equal(retire(w), 0);
	assert_int_equal(writes(w), 1);
	assert_int_equal(sent(w, "POST", "Action=ResumeProcesses"), 1);
	live.suspended = NULL;
	assert_true(is_retired(w, &live, &c));
}

/* What a rollout made is deleted, what people made is theirs: it is emptied. */
static void who_made_it_decides_what_becomes_of_it(void **state)
{
	struct world *w = *state;
	struct a_group live = blue(), c = copy(4, IN4);

	w->plan.target.auto_scaling.retire = ASG_RETIRE_AUTO;
	c.suspended = NULL;
	live.min = live.max = live.desired = 0;
	live.instances = NULL;
	assert_true(is_retired(w, &live, &c));
	scene(w, &live, &c, "blue=0 green=100");
	assert_int_equal(retire(w), 0);
	assert_int_equal(writes(w), 0);
	live.tags = AS_TAG_ROLLOUT "=r-0";
	assert_false(is_retired(w, &live, &c));
	scene(w, &live, &c, "blue=0 green=100");
	assert_int_equal(retire(w), 0);
	assert_int_equal(sent(w, "POST", "Action=DeleteAutoScalingGroup"), 1);
	assert_true(is_retired(w, NULL, &c));
	assert_int_equal(look(w, PHASE_RETIRE, NULL, &c, "blue=0 green=100").live, LIVE_PROMOTED);
	/* one that nothing may delete is left empty, too */
	live.more = "<DeletionProtection>" AS_NO_DELETION "</DeletionProtection>";
	assert_true(is_retired(w, &live, &c));
}

static void every_step_of_retiring_can_fail(void **state)
{
	static const char *const calls[] = {"DescribeAutoScalingGroups", "ResumeProcesses",
					    "UpdateAutoScalingGroup"};
	struct world *w = *state;
	struct a_group live = blue(), c = copy(4, IN4);

	live.suspended = HELD;
	for (int keep = 0; keep < 2; keep++) {
		w->plan.target.auto_scaling.retire = keep ? ASG_RETIRE_SCALE_IN : ASG_RETIRE_DELETE;
		for (size_t i = 0; i < 3; i++) {
			scene(w, &live, &c, "blue=0 green=100");
			refuses(w, calls[i], 403, "AccessDenied");
			assert_int_equal(retire(w), -1);
			assert_int_equal(w->err.code, ERR_DENIED);
		}
	}
	scene(w, &live, NULL, "blue=0 green=100");
	assert_int_equal(retire(w), -1);
	assert_int_equal(w->err.code, ERR_NOT_FOUND);
	assert_int_equal(writes(w), 0);
	assert_false(is_retired(w, &live, NULL));
}

/* --- discard --------------------------------------------------------------------------------- */

static int discard(struct world *w)
{
	struct target_observation o = {.live = LIVE_BASELINE};

	w->err = ERR_INIT;
	w->state.phase = PHASE_PROVE;
	return target_auto_scaling.discard(&w->env, &w->state, &o, &w->err);
}

static void a_copy_that_failed_is_removed(void **state)
{
	struct world *w = *state;
	struct a_group live = blue(), c = copy(2, "InService InService");
	struct target_observation o;

	c.suspended = NULL;
	o = look(w, PHASE_PROVE, &live, &c, "blue=100 green=0");
	assert_true(o.leftover);
	assert_int_equal(o.baseline_health.kind, VERDICT_PASS);
	scene(w, &live, &c, "blue=100 green=0");
	assert_int_equal(discard(w), 0);
	assert_non_null(strstr(last_body(w, "POST", "Action=UpdateAutoScalingGroup"),
			       "AutoScalingGroupName=" COPY
			       "&MinSize=0&MaxSize=0&DesiredCapacity=0"));
	c.max = c.desired = 0;
	scene(w, &live, &c, "blue=100 green=0");
	assert_int_equal(discard(w), 0);
	assert_int_equal(writes(w), 0);
	c.instances = NULL;
	scene(w, &live, &c, "blue=100 green=0");
	assert_int_equal(discard(w), 0);
	assert_int_equal(sent(w, "POST", "Action=DeleteAutoScalingGroup"), 1);
	assert_true(look(w, PHASE_PROVE, &live, &c, "blue=100 green=0").leftover);
	assert_false(look(w, PHASE_PROVE, &live, NULL, "blue=100 green=0").leftover);
	scene(w, &live, NULL, "blue=100 green=0");
	assert_int_equal(discard(w), 0);
	assert_int_equal(writes(w), 0);
	refuses(w, "DescribeAutoScalingGroups", 403, "AccessDenied");
	assert_int_equal(discard(w), -1);
	/* a group of the same name that is not ours is nobody's to remove */
	c = copy(2, "InService");
	c.tags = AS_TAG_ROLLOUT "=r-2";
	assert_false(look(w, PHASE_PROVE, &live, &c, "blue=100 green=0").leftover);
	scene(w, &live, &c, "blue=100 green=0");
	assert_int_equal(discard(w), 0);
	assert_int_equal(writes(w), 0);
}

static void a_twin_becomes_what_it_was(void **state)
{
	struct world *w = *state;
	struct as_record r = a_record();
	struct a_group live = blue(), twin = {.name = "green",
					      .min = 2,
					      .max = 8,
					      .desired = 4,
					      .version = "8",
					      .instances = IN4,
					      .suspended = HELD};

	r.twin = "green";
	r.twin_size = (struct as_size){0, 3, 0};
	r.twin_suspended = 4; /* ScheduledActions */
	r.twin_health_check = "ELB";
	is_recorded(w, &r);
	/* its processes are the way back's to resume: but for what was suspended before */
	assert_int_equal(look(w, PHASE_RESTORE, &live, &twin, "blue=100 green=0").live, LIVE_SPLIT);
	scene(w, &live, &twin, "blue=100 green=0");
	assert_int_equal(restore(w, &(struct target_observation){.lock = "100:0"}), 0);
	assert_null(strstr(last_body(w, "POST", "Action=ResumeProcesses"), "ScheduledActions"));
	twin.suspended = "ScheduledActions";
	assert_int_equal(look(w, PHASE_RESTORE, &live, &twin, "blue=100 green=0").live,
			 LIVE_BASELINE);
	assert_true(look(w, PHASE_PROVE, &live, &twin, "blue=100 green=0").leftover);
	scene(w, &live, &twin, "blue=100 green=0");
	assert_int_equal(discard(w), 0);
	assert_non_null(strstr(last_body(w, "POST", "Action=UpdateAutoScalingGroup"),
			       "AutoScalingGroupName=green&MinSize=0&MaxSize=3&DesiredCapacity=0"
			       "&HealthCheckType=ELB&LaunchTemplate.LaunchTemplateId=" TEMPLATE_ID
			       "&LaunchTemplate.Version=7"));
	/* its instances are on their way out */
	twin = (struct a_group){.name = "green",
				.max = 3,
				.health = "ELB",
				.instances = "Terminating",
				.suspended = "ScheduledActions"};
	assert_true(look(w, PHASE_PROVE, &live, &twin, "blue=100 green=0").leftover);
	scene(w, &live, &twin, "blue=100 green=0");
	assert_int_equal(discard(w), 0);
	assert_int_equal(writes(w), 0);
	twin.instances = NULL;
	assert_false(look(w, PHASE_PROVE, &live, &twin, "blue=100 green=0").leftover);
}

/* The artifact is gone, and the plan with it: the undo record alone is enough to go back. */
static void the_record_alone_leads_back(void **state)
{
	struct world *w = *state;
	struct a_group live = blue(), c = copy(2, "InService InService");
	struct target_observation o;
	struct plan *plan;

	assert_int_equal(plan_fallback(w->f->arena, w->state.undo, NULL, &plan, &w->err), 0);
	assert_int_equal(plan->target.kind, TARGET_AUTO_SCALING);
	w->env.plan = plan;
	live.suspended = HELD;
	o = look(w, PHASE_RESTORE, &live, &c, "blue=95 green=5");
	assert_int_equal(o.live, LIVE_SPLIT);
	scene(w, &live, &c, "blue=95 green=5");
	assert_int_equal(restore(w, &o), 0);
	assert_int_equal(discard(w), 0);
	assert_int_equal(sent(w, "POST", "Action=ModifyRule"), 1);
	assert_int_equal(sent(w, "POST", "Action=UpdateAutoScalingGroup"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(weights_go_back_first_then_the_rest),
		T(exactly_what_was_suspended_is_resumed),
		T(capacity_that_was_scaled_in_comes_back_first),
		T(a_baseline_gets_the_size_it_had_with_its_traffic),
		T(every_step_back_can_fail),
		T(an_old_group_is_emptied_and_deleted),
		T(an_old_group_is_scaled_in_or_kept),
		T(who_made_it_decides_what_becomes_of_it),
		T(every_step_of_retiring_can_fail),
		T(a_copy_that_failed_is_removed),
		T(a_twin_becomes_what_it_was),
		T(the_record_alone_leads_back),
	};

	return cmocka_run_group_tests_name("auto_scaling_back", tests, NULL, NULL);
}
