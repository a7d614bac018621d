#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/scenarios/locks.h"
#include "tests/scenarios/world_auto_scaling.h"
#include "tests/scenarios/world_beanstalk.h"
#include "tests/scenarios/world_ecs.h"

/*
 * Two workers, each with a rollout of the same target, which know nothing of each other but what
 * the target shows: for every kind of target, and for every moment at which the second one may
 * come. Whoever comes late waits and deploys on top, or fails and leaves the other's alone.
 */
struct kind {
	const char *name;
	void (*make)(struct world *w);
	/* a release of pipeline a or b, each of its own code */
	void (*push)(struct world *w, const char *pipeline);
	/* how often the writers may take turns; more than 2 where both prepare before either is
	 * seen, and clear up after themselves */
	unsigned turns_most;
};

/* --- the kinds -------------------------------------------------------------------------------- */

static void pipelines(struct world *w, const char *words)
{
	locks_pipeline((struct locks *)w, "a", "1", words);
	locks_pipeline((struct locks *)w, "b", "2", words);
}

static void push_plan(struct world *w, const char *pipeline, const char *plan, const char *name,
		      const char *bytes)
{
	const struct pack_entry files[] = {{.name = "rollout.yaml", .bytes = str_from(plan)},
					   {.name = name, .bytes = str_from(bytes)}};

	world_push_files(w, pipeline, files, 2);
}

static void make_lambda(struct world *w)
{
	world_lambda_function(w, "shop");
	pipelines(w, "config.Target=lambda:shop:live config.Strategy=\"canary 10% 3m, 50% 3m bake "
		     "3m\" config.Alarms=shop-errors");
}

static void push_lambda(struct world *w, const char *pipeline)
{
	world_push(w, pipeline, pipeline[0] == 'a' ? "errors=0.001" : "errors=0.001 latency_ms=9");
}

static void make_load_balancer(struct world *w)
{
	world_load_balancer(w, "shop", "canary 10% 3m", false);
	pipelines(w, arena_printf(w->arena,
				  "config.Target=load-balancer:%s config.Strategy=\"canary 10%% "
				  "3m, 50%% 3m bake 3m\" config.Alarms=shop-errors",
				  world_rule(w, "shop")));
}

static void push_nothing(struct world *w, const char *pipeline)
{
	world_push(w, pipeline, "errors=0");
}

static void make_copies(struct world *w)
{
	world_auto_scaling(w, &(struct world_asg){.name = "shop"});
	pipelines(w, "");
}

static void make_twins(struct world *w)
{
	world_auto_scaling(w, &(struct world_asg){.name = "shop", .twin = true});
	pipelines(w, "");
}

static void push_group(struct world *w, const char *pipeline, const char *twin)
{
	push_plan(w, pipeline,
		  arena_printf(w->arena,
			       "rollout: 1\ntarget:\n  auto_scaling:\n    group: shop\n%s"
			       "    install: { image: imageDetail.json }\n"
			       "strategy: \"canary 10%% 3m, 50%% 3m bake 3m\"\n"
			       "guards: [ { alarm: shop-errors } ]\n",
			       twin),
		  "imageDetail.json", "{\"ImageId\":\"ami-0123456789abcdef1\"}");
}

static void push_copy(struct world *w, const char *pipeline)
{
	push_group(w, pipeline, "");
}

static void push_twin(struct world *w, const char *pipeline)
{
	push_group(w, pipeline, "    twin: shop-2\n");
}

static void make_swap(struct world *w)
{
	world_beanstalk(w, "web", "");
	pipelines(w, "");
}

static void make_swap_twin(struct world *w)
{
	world_beanstalk(w, "web", "");
	world_beanstalk_twin(w, "web", "");
	pipelines(w, "");
}

static void make_shared(struct world *w)
{
	world_beanstalk_shared(w, "web");
	pipelines(w, "");
}

static void push_bean(struct world *w, const char *pipeline, const char *target,
		      const char *strategy)
{
	push_plan(w, pipeline,
		  arena_printf(w->arena,
			       "rollout: 1\ntarget: { beanstalk: { application: web, %s } }\n"
			       "strategy: { %s }\nguards: [ { alarm: web-errors } ]\n",
			       target, strategy),
		  "app.py", arena_printf(w->arena, "# %s\n# sim: errors=0.001\n", pipeline));
}

#define CNAME "cname: web-prod.eu-central-1.elasticbeanstalk.com"

static void push_swap(struct world *w, const char *pipeline)
{
	push_bean(w, pipeline, CNAME, "blue_green: { bake: 5m }");
}

static void push_swap_twin(struct world *w, const char *pipeline)
{
	push_bean(w, pipeline, "environment: web-blue, twin: web-green, " CNAME,
		  "blue_green: { bake: 5m }");
}

static void push_splitting(struct world *w, const char *pipeline)
{
	push_bean(w, pipeline, "environment: web-blue, method: traffic_splitting",
		  "canary: { steps: [ { weight: 20, for: 6m } ], bake: 3m }");
}

static void push_shared(struct world *w, const char *pipeline)
{
	push_bean(w, pipeline,
		  arena_printf(w->arena,
			       "environment: web-blue, twin: web-green, method: load_balancer, "
			       "rule: \"%s\"",
			       world_beanstalk_rule(w, "web")),
		  "canary: { steps: [ { weight: 10, for: 3m } ], bake: 3m }");
}

static void make_native(struct world *w)
{
	world_ecs(w, "web", "canary 10% 3m");
	pipelines(w, "config.Target=ecs:prod/web config.Strategy=\"canary 10% 3m bake 3m\" "
		     "config.Alarms=web-errors");
}

static void push_task(struct world *w, const char *pipeline, const char *plan)
{
	const char *tag = pipeline[0] == 'a' ? "2" : "3";
	const char *definition =
		"{\"family\":\"web\",\"networkMode\":\"awsvpc\",\"requiresCompatibilities\":["
		"\"FARGATE\"],\"cpu\":\"256\",\"memory\":\"512\",\"executionRoleArn\":"
		"\"arn:aws:iam::111122223333:role/ecs-execution\",\"containerDefinitions\":[{"
		"\"name\":\"app\",\"image\":\"<IMAGE1_NAME>\",\"essential\":true,"
		"\"portMappings\":[{\"containerPort\":8080,\"protocol\":\"tcp\"}]}]}";
	const char *detail = arena_printf(w->arena, "{\"ImageURI\":\"web:%s\"}", tag);
	const struct pack_entry files[] = {
		{.name = "taskdef.json", .bytes = str_from(definition)},
		{.name = "imageDetail.json", .bytes = str_from(detail)},
		{.name = "rollout.yaml", .bytes = plan ? str_from(plan) : (struct str){0}},
	};

	world_control(w, "ecs image web:%s errors=0.001", tag);
	world_push_files(w, pipeline, files, plan ? 3 : 2);
}

static void push_native(struct world *w, const char *pipeline)
{
	push_task(w, pipeline, NULL);
}

static void make_two(struct world *w)
{
	world_ecs_balancer(w, "web", "application");
	world_ecs_service(w, "web", "desired=4");
	pipelines(w, "config.Alarms=web-errors");
}

static void push_two(struct world *w, const char *pipeline)
{
	push_task(w, pipeline,
		  world_ecs_two(w, "web",
				"canary: { steps: [ { weight: 10, for: 3m } ], bake: 3m }", "",
				""));
}

static const struct kind KINDS[] = {
	{"lambda", make_lambda, push_lambda, 2},
	{"load balancer", make_load_balancer, push_nothing, 2},
	{"copies of a group", make_copies, push_copy, 4},
	{"twin groups", make_twins, push_twin, 3},
	{"clones of an environment", make_swap, push_swap, 4},
	{"twin environments", make_swap_twin, push_swap_twin, 2},
	{"traffic splitting", make_swap, push_splitting, 2},
	{"environments and weights", make_shared, push_shared, 2},
	{"ECS's own controller", make_native, push_native, 2},
	{"two services", make_two, push_two, 4},
};

/* --- at every moment -------------------------------------------------------------------------- */

/* Over, and well, or because of the other one, or of what that has made of the target. */
static bool has_ended_well(const struct sim_action *a)
{
	if (strcmp(a->status, "Succeeded") != 0 &&
	    strcmp(a->failure_type, "RevisionOutOfSync") != 0 &&
	    strcmp(a->failure_type, "ConfigurationError") != 0)
		fail_msg("%s: %s %s: %s", a->pipeline, a->status, a->failure_type, a->message);
	return !strcmp(a->status, "Succeeded");
}

static void run(const struct kind *k, int64_t after_ms)
{
	const struct sim_action *a, *b;
	struct locks *l;
	struct world *w;
	void *state;
	bool good;

	assert_int_equal(locks_set_up(&state), 0);
	l = state;
	w = &l->w;
	locks_own_type(l, 1, "2");
	k->make(w);
	world_start_worker(w, 0);
	world_start_worker(w, 1);
	k->push(w, "a");
	world_run(w, after_ms);
	k->push(w, "b");
	a = scene_end(w, "a");
	b = scene_end(w, "b");
	good = has_ended_well(a);
	good = has_ended_well(b) || good;
	if (!good)
		fail_msg("%s, %llds: neither: %s / %s", k->name, (long long)(after_ms / 1000),
			 a->message, b->message);
	world_run(w, 30 * MINUTE_MS); /* what is left of the loser does nothing more */
	if (l->traffic_turns > 2 || l->turns > k->turns_most)
		fail_msg("%s, %llds: written in turns:%s", k->name, (long long)(after_ms / 1000),
			 l->trace);
	assert_int_equal(locks_tear_down(&state), 0);
}

/* Before the first one is seen, while it is, while it bakes, and when it is over. */
static void at_every_moment(void **state)
{
	static const int seconds[] = {0, 40, 100, 240, 480, 900};

	for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++)
		run(*state, seconds[i] * 1000);
}

#define N_KINDS (sizeof(KINDS) / sizeof(KINDS[0]))

int main(void)
{
	struct CMUnitTest tests[N_KINDS];

	for (size_t i = 0; i < N_KINDS; i++)
		tests[i] = (struct CMUnitTest){KINDS[i].name, at_every_moment, NULL, NULL,
					       (void *)(uintptr_t)&KINDS[i]};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
