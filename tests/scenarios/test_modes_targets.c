#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/scenarios/calls.h"
#include "tests/scenarios/scene.h"
#include "tests/scenarios/world_auto_scaling.h"
#include "tests/scenarios/world_beanstalk.h"
#include "tests/scenarios/world_ecs.h"

/*
 * People in the loop on targets that bring instances and tasks up: the same few scenes on each,
 * what is special about the modes being tested on Lambda and load balancers.
 */
#define NAME "checkout"

struct kind {
	const char *name;
	void (*make)(struct world *w);
	void (*push)(struct world *w);
	double (*share)(struct world *w);
	const char *(*belongings)(struct world *w); /* what a way back has to bring back */
	const char *configuration;		    /* of the action that starts */
	double parked;				    /* percent of the candidate */
};

struct scene {
	struct world w; /* first */
	const struct kind *k;
};

/* --- kinds ---------------------------------------------------------------------------------- */

static double ecs_share(struct world *w)
{
	return world_ecs_look(w, NAME).candidate;
}

static const char *ecs_belongings(struct world *w)
{
	struct world_ecs_live live = world_ecs_look(w, NAME);
	const char *twin = world_ecs_status(w, NAME "-twin");

	return arena_printf(w->arena, "%s, %g tasks, %s, twin %s", live.definition, live.running,
			    live.configuration, strcmp(twin, "ACTIVE") == 0 ? "there" : "none");
}

static void make_native(struct world *w)
{
	world_ecs(w, NAME, "canary 20% 5m bake 5m");
}

static void push_native(struct world *w)
{
	world_ecs_push(w, NAME, "2", "errors=0.001", NULL);
}

static void make_two(struct world *w)
{
	world_ecs_balancer(w, NAME, "application");
	world_ecs_service(w, NAME, "");
	world_ecs_pipeline(w, NAME, "");
}

static void push_two_as(struct world *w, const char *more)
{
	world_ecs_push(w, NAME, "2", "errors=0.001",
		       world_ecs_two(w, NAME,
				     "canary: { steps: [ { weight: 10, for: 3m }, { weight: 40, "
				     "for: 3m } ], bake: 5m }",
				     more, ""));
}

static void push_two(struct world *w)
{
	push_two_as(w, "");
}

static void push_two_kept(struct world *w)
{
	push_two_as(w, ", retire: keep");
}

#define KEEP "    retire: keep\n"
static const struct world_asg COPY = {
	.name = NAME, .strategy = "canary 25% 5m bake 5m", .install = WORLD_INSTALL_USER_DATA};
static const struct world_asg COPY_KEPT = {.name = NAME,
					   .strategy = "canary 25% 5m bake 5m",
					   .install = WORLD_INSTALL_USER_DATA,
					   .target = KEEP};
static const struct world_asg TWIN = {.name = NAME,
				      .strategy = "canary 25% 5m bake 5m",
				      .install = WORLD_INSTALL_IMAGE,
				      .twin = true};
static const struct world_asg TWIN_KEPT = {.name = NAME,
					   .strategy = "canary 25% 5m bake 5m",
					   .install = WORLD_INSTALL_IMAGE,
					   .twin = true,
					   .target = KEEP};

static void make_copy(struct world *w)
{
	world_auto_scaling(w, &COPY);
}

static void push_copy(struct world *w)
{
	world_auto_scaling_push(w, &COPY, false);
}

static void push_copy_kept(struct world *w)
{
	world_auto_scaling_push(w, &COPY_KEPT, false);
}

static void make_twin(struct world *w)
{
	world_auto_scaling(w, &TWIN);
}

static void push_twin(struct world *w)
{
	world_auto_scaling_push(w, &TWIN, false);
}

static void push_twin_kept(struct world *w)
{
	world_auto_scaling_push(w, &TWIN_KEPT, false);
}

static double asg_share(struct world *w)
{
	return world_auto_scaling_live(w, NAME).candidate;
}

static const char *asg_belongings(struct world *w)
{
	return world_auto_scaling_belongings(w);
}

#define BEANSTALK "rollout: 1\ntarget: { beanstalk: { application: " NAME ", "
#define WATCHED "guards: [ { alarm: " NAME "-errors }, { health: candidate } ]\n"

static void make_swap(struct world *w)
{
	world_beanstalk(w, NAME, "");
}

static void push_swap(struct world *w)
{
	world_beanstalk_push(w, NAME,
			     BEANSTALK "cname: " NAME
				       "-prod.eu-central-1.elasticbeanstalk.com } }\n"
				       "strategy: { blue_green: { bake: 10m } }\n" WATCHED,
			     "errors=0.001");
}

static double swap_share(struct world *w)
{
	return strcmp(world_beanstalk_holder(w, NAME "-prod"), NAME "-blue") == 0 ? 0 : 100;
}

static void make_shared(struct world *w)
{
	world_beanstalk_shared(w, NAME);
}

static void push_shared(struct world *w)
{
	world_beanstalk_push(
		w, NAME,
		arena_printf(w->arena,
			     BEANSTALK "environment: " NAME "-blue, twin: " NAME "-green, "
				       "method: load_balancer, rule: \"%s\" } }\n"
				       "strategy: { canary: { steps: [ { weight: 10, for: 5m } ], "
				       "bake: 5m } }\n" WATCHED,
			     world_beanstalk_rule(w, NAME)),
		"errors=0.001");
}

/* Of the green environment's group, as the rule was set last. */
static double shared_share(struct world *w)
{
	const char *rule = world_beanstalk_rule(w, NAME);
	const char *green = world_beanstalk_get(w, NAME "-green", "targetGroup");
	const struct sim_split *splits;
	size_t n = sim_split_log(w->sim, &splits);

	while (n-- > 0)
		if (!strcmp(splits[n].resource, rule) && !strcmp(splits[n].candidate, green))
			return splits[n].weight;
	return 0;
}

static const char *beanstalk_belongings(struct world *w)
{
	return world_beanstalk_snapshot(w, NAME);
}

#define NATIVE                                                                       \
	"config.Target=ecs:prod/" NAME " config.Strategy=\"canary 20% 5m bake 5m\" " \
	"config.Alarms=" NAME "-errors"

static const struct kind native = {"ECS native",   make_native, push_native, ecs_share,
				   ecs_belongings, NATIVE,	20};
static const struct kind two = {"ECS two services", make_two, push_two, ecs_share,
				ecs_belongings,	    "",	      40};
static const struct kind two_kept = {
	"ECS two services, kept", make_two, push_two_kept, ecs_share, ecs_belongings, "", 40};
static const struct kind copy = {"EC2 copy", make_copy, push_copy, asg_share, NULL, "", 25};
static const struct kind copy_kept = {
	"EC2 copy, kept", make_copy, push_copy_kept, asg_share, NULL, "", 25};
static const struct kind twin = {"EC2 twin",	 make_twin, push_twin, asg_share,
				 asg_belongings, "",	    25};
static const struct kind twin_kept = {
	"EC2 twin, kept", make_twin, push_twin_kept, asg_share, asg_belongings, "", 25};

static const struct kind swap = {"Beanstalk swap",     make_swap, push_swap, swap_share,
				 beanstalk_belongings, "",	  0};
static const struct kind shared = {
	"Beanstalk, shared balancer", make_shared, push_shared, shared_share, NULL, "", 10};

/* --- the scene ------------------------------------------------------------------------------ */

static int set_up(void **state)
{
	struct scene *s = xcalloc(1, sizeof(*s));

	s->k = *state;
	world_init(&s->w, 23, getenv("VERBOSE") ? 2 : -1);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *s = *state;

	calls_check_announced(&s->w);
	world_release(&s->w);
	free(s);
	return 0;
}

struct wish {
	const struct scene *s;
	const char *action;
	double percent;
};

static bool is_over(struct world *w, void *arg)
{
	const struct wish *wish = arg;
	const struct sim_action *a = sim_action_find(w->sim, NAME, wish->action);

	return a && strcmp(a->status, "InProgress") != 0;
}

static const struct sim_action *end_of(struct scene *s, const char *action)
{
	struct wish wish = {.action = action};

	if (!world_run_until(&s->w, is_over, &wish, 4 * HOUR_MS))
		fail_msg("%s never ended: %s", action,
			 world_control(&s->w, "codepipeline show " NAME));
	return sim_action_find(s->w.sim, NAME, action);
}

static bool has_share(struct world *w, void *arg)
{
	const struct wish *wish = arg;

	return wish->s->k->share(w) == wish->percent;
}

static void expect_share_within(struct scene *s, double percent, int64_t max_ms)
{
	struct wish wish = {.s = s, .percent = percent};

	if (!world_run_until(&s->w, has_share, &wish, max_ms))
		fail_msg("the candidate has %g %%, not %g %%", s->k->share(&s->w), percent);
}

static void park(struct scene *s)
{
	struct world *w = &s->w;

	s->k->make(w);
	world_control(w, "codepipeline delete " NAME);
	world_control(w, "codepipeline pipeline " NAME);
	world_control(w,
		      "codepipeline action " NAME " Deploy Canary type=Deploy/Rollout/1 "
		      "namespace=Canary config.Mode=start %s",
		      s->k->configuration);
	world_control(w, "codepipeline action " NAME " Deploy Approve type=AWS:Approval/Manual/1 "
			 "run-order=2");
	world_control(w, "codepipeline action " NAME " Deploy Promote type=Deploy/Rollout/1 "
			 "run-order=3 config.Mode=promote config.Handle=#{Canary.RolloutHandle}");
	world_start(w);
	s->k->push(w);
	scene_expect(end_of(s, "Canary"), "Succeeded", NULL, "parked", NULL);
	world_run(w, 10 * MINUTE_MS);
	expect_share_within(s, s->k->parked, 1);
}

static void approve(struct scene *s)
{
	world_control(&s->w, "codepipeline approve " NAME " Approve");
}

static void expect_back(struct scene *s, const char *before)
{
	expect_share_within(s, 0, 30 * MINUTE_MS);
	world_run(&s->w, 30 * MINUTE_MS);
	expect_share_within(s, 0, 1);
	if (s->k->belongings)
		assert_string_equal(s->k->belongings(&s->w), before);
}

static const char *before_of(struct scene *s)
{
	struct world w;
	const char *text = "";

	if (!s->k->belongings)
		return text;
	world_init(&w, 23, -1);
	s->k->make(&w);
	text = arena_strdup(s->w.arena, s->k->belongings(&w));
	world_release(&w);
	return text;
}

/* --- the scenes ----------------------------------------------------------------------------- */

static void it_is_promoted_when_it_is_approved(void **state)
{
	struct scene *s = *state;

	park(s);
	world_run(&s->w, HOUR_MS);
	expect_share_within(s, s->k->parked, 1);
	approve(s);
	scene_expect(end_of(s, "Promote"), "Succeeded", NULL, "the candidate serves everything",
		     NULL);
	expect_share_within(s, 100, 1);
	world_run(&s->w, 30 * MINUTE_MS);
	expect_share_within(s, 100, 1);
}

static void it_goes_back_when_it_is_rejected(void **state)
{
	struct scene *s = *state;
	const char *before = before_of(s);

	park(s);
	world_control(&s->w, "codepipeline approve " NAME " Approve rejected");
	expect_back(s, before);
}

static void it_goes_back_when_it_turns_bad(void **state)
{
	struct scene *s = *state;
	const char *before = before_of(s);

	park(s);
	world_control(&s->w, "cloudwatch set-state " NAME "-errors ALARM reason=red");
	expect_back(s, before);
	approve(s);
	scene_expect(end_of(s, "Promote"), "Failed", "JobFailed", "A guard failed",
		     "The baseline carries all traffic", NULL);
}

static void another_worker_promotes_it(void **state)
{
	struct scene *s = *state;

	park(s);
	world_kill(&s->w);
	world_lose_ledger(&s->w);
	world_start_worker(&s->w, 1);
	approve(s);
	scene_expect(end_of(s, "Promote"), "Succeeded", NULL, NULL);
	expect_share_within(s, 100, 1);
}

/* Promoted, and an action of the pipeline's next stage wants it back. */
static const struct sim_action *promote_and_undo(struct scene *s)
{
	park(s);
	world_control(&s->w, "codepipeline action " NAME " After Ask type=AWS:Approval/Manual/1");
	world_control(&s->w, "codepipeline action " NAME " After Undo type=Deploy/Rollout/1 "
			     "run-order=2 config.Mode=rollback "
			     "config.Handle=#{Canary.RolloutHandle}");
	approve(s);
	scene_expect(end_of(s, "Promote"), "Succeeded", NULL, NULL);
	expect_share_within(s, 100, 1);
	world_run(&s->w, 10 * MINUTE_MS);
	world_control(&s->w, "codepipeline approve " NAME " Ask");
	return end_of(s, "Undo");
}

static void what_was_kept_can_be_undone(void **state)
{
	struct scene *s = *state;
	const char *before = before_of(s);

	scene_expect(promote_and_undo(s), "Succeeded", NULL, "rolled back",
		     "The baseline carries all traffic", NULL);
	expect_back(s, before);
}

/* What has retired is gone: an undo says so, and touches nothing. */
static void what_was_retired_cannot_be_undone(void **state)
{
	struct scene *s = *state;
	const struct sim_action *a = promote_and_undo(s);

	scene_expect(a, "Failed", "ConfigurationError", "it cannot be undone", NULL);
	scene_expect_no_writes(&s->w, a);
	expect_share_within(s, 100, 1);
}

#define ONE(f, k)                                                               \
	{                                                                       \
#f " (" #k ")", f, set_up, tear_down, (void *)(uintptr_t) & (k) \
	}
#define EACH(f) \
	ONE(f, native), ONE(f, two), ONE(f, copy), ONE(f, twin), ONE(f, swap), ONE(f, shared)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EACH(it_is_promoted_when_it_is_approved),
		EACH(it_goes_back_when_it_is_rejected),
		/* before the exchange nobody uses the candidate, so nothing can turn bad by it */
		ONE(it_goes_back_when_it_turns_bad, native),
		ONE(it_goes_back_when_it_turns_bad, two),
		ONE(it_goes_back_when_it_turns_bad, copy),
		ONE(it_goes_back_when_it_turns_bad, twin),
		ONE(it_goes_back_when_it_turns_bad, shared),
		EACH(another_worker_promotes_it),
		ONE(what_was_kept_can_be_undone, two_kept),
		ONE(what_was_kept_can_be_undone, copy_kept),
		ONE(what_was_kept_can_be_undone, twin_kept),
		ONE(what_was_kept_can_be_undone, swap),
		ONE(what_was_kept_can_be_undone, shared),
		ONE(what_was_retired_cannot_be_undone, native),
		ONE(what_was_retired_cannot_be_undone, two),
		ONE(what_was_retired_cannot_be_undone, copy),
		ONE(what_was_retired_cannot_be_undone, twin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
