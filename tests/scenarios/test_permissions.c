#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/scenarios/scene.h"
#include "tests/scenarios/world_auto_scaling.h"
#include "tests/scenarios/world_beanstalk.h"
#include "tests/scenarios/world_ecs.h"

/*
 * What every policy grants is needed by somebody (tests/iam): releases of each kind of target with
 * each kind of guard, and what else no other scenario has a reason to do.
 */
static const char *with_guards(struct world *w, const char *head)
{
	world_control(w, "lambda function smoke code=\"sim: smoke=ok\"");
	return arena_printf(w->arena,
			    "%sguards:\n"
			    "  - { alarm: web-errors }\n"
			    "  - { metric: Shop/Errors, at_most: 100000, missing: zero }\n"
			    "  - { invoke: smoke, in: verify }\n",
			    head);
}

static void expect_asked(struct world *w, const char *purpose, const char *action)
{
	const struct sim_right *rights;
	size_t n = sim_rights(w->sim, &rights);

	for (size_t i = 0; i < n; i++)
		if (!strcmp(rights[i].purpose, purpose) && !strcmp(rights[i].action, action))
			return;
	fail_msg("nobody needed %s for %s", action, purpose);
}

static void expect_guards(struct world *w, const char *purpose)
{
	scene_expect(sim_action_find(w->sim, "web", NULL), "Succeeded", NULL, NULL);
	expect_asked(w, purpose, "cloudwatch:DescribeAlarms");
	expect_asked(w, purpose, "cloudwatch:GetMetricData");
	expect_asked(w, purpose, "lambda:GetFunctionConfiguration");
	expect_asked(w, purpose, "lambda:InvokeFunction");
}

static void a_load_balancer_with_every_guard(void **state)
{
	struct world *w = *state;
	struct pack_entry file = {.name = "rollout.yaml"};

	world_load_balancer(w, "web", "canary 25% 5m bake 5m", false);
	file.bytes = str_from(with_guards(w, "rollout: 1\n"));
	world_start(w);
	world_push_files(w, "web", &file, 1);
	scene_end(w, "web");
	expect_guards(w, "load_balancer");
}

static void an_ecs_service_with_every_guard(void **state)
{
	struct world *w = *state;

	world_ecs(w, "web", "blue-green bake 5m");
	world_start(w);
	world_ecs_push(w, "web", "v2", "errors=0", with_guards(w, "rollout: 1\n"));
	scene_end(w, "web");
	expect_guards(w, "ecs");
}

static void a_beanstalk_environment_with_every_guard(void **state)
{
	struct world *w = *state;

	world_beanstalk(w, "web", "");
	world_beanstalk_pipeline(w, "web");
	world_start(w);
	world_beanstalk_push(w, "web",
			     with_guards(w, "rollout: 1\n"
					    "target: { beanstalk: { application: web, "
					    "environment: web-blue, method: swap } }\n"
					    "strategy: { blue_green: { bake: 5m } }\n"),
			     "errors=0");
	scene_end(w, "web");
	expect_guards(w, "beanstalk");
}

/* A copy takes over the notifications of its original. */
static void a_group_that_notifies(void **state)
{
	struct world *w = *state;
	const struct world_asg g = {
		.name = "web",
		.strategy = "canary 25% 5m bake 5m",
		.plan = "  - { metric: Shop/Errors, at_most: 100000, missing: zero }\n"
			"  - { invoke: smoke, in: verify }\n"};

	world_control(w, "lambda function smoke code=\"sim: smoke=ok\"");
	world_auto_scaling(w, &g);
	world_control(w, "autoscaling notify web topic=arn:aws:sns:eu-central-1:111122223333:ops "
			 "type=autoscaling:EC2_INSTANCE_LAUNCH");
	world_start(w);
	world_auto_scaling_push(w, &g, false);
	scene_end(w, "web");
	expect_guards(w, "auto_scaling");
	expect_asked(w, "auto_scaling", "autoscaling:PutNotificationConfiguration");
}

/* A twin whose target group was taken off it gets that back. */
static void a_twin_without_its_targets(void **state)
{
	struct world *w = *state;
	const struct world_asg g = {
		.name = "web", .strategy = "canary 25% 5m bake 5m", .twin = true};

	world_auto_scaling(w, &g);
	world_control(w, "autoscaling detach web-2 web-green");
	world_run(w, 10 * MINUTE_MS);
	world_start(w);
	world_auto_scaling_push(w, &g, false);
	scene_expect(scene_end(w, "web"), "Succeeded", NULL, NULL);
	expect_asked(w, "auto_scaling", "autoscaling:AttachTrafficSources");
}

int main(void)
{
#define SCENE(name) cmocka_unit_test_setup_teardown(name, scene_set_up, scene_tear_down)
	const struct CMUnitTest tests[] = {
		SCENE(a_load_balancer_with_every_guard),
		SCENE(an_ecs_service_with_every_guard),
		SCENE(a_beanstalk_environment_with_every_guard),
		SCENE(a_group_that_notifies),
		SCENE(a_twin_without_its_targets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
