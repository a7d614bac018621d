#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/scenarios/scene.h"
#include "tests/scenarios/world_beanstalk.h"

/*
 * Elastic Beanstalk, when somebody else has a hand in it: exchanges, deployments, aborts and
 * terminations that are not this rollout's. What is not its own is left as it is.
 */

#define PROD "beanstalk:web/web-prod"
#define GOOD "errors=0.001"

static const char CLONE[] =
	"rollout: 1\n"
	"target: { beanstalk: { application: web,"
	" cname: web-prod.eu-central-1.elasticbeanstalk.com, retire: terminate } }\n"
	"strategy: { blue_green: { bake: 10m } }\n"
	"guards:\n"
	"  - { metric: AWS/ElasticBeanstalk/ApplicationRequests5xx, stat: Sum, missing: zero,"
	" below: 60 }\n";
static const char SPLITTING[] =
	"rollout: 1\n"
	"target: { beanstalk: { application: web, environment: web-blue,"
	" method: traffic_splitting } }\n"
	"strategy: { canary: { steps: [ { weight: 20, for: 10m } ], bake: 5m } }\n"
	"guards: [ { alarm: web-errors } ]\n";

static void push(struct world *w, const char *plan)
{
	world_start(w);
	world_beanstalk_push(w, "web", plan, GOOD);
}

static uint64_t calls(struct world *w, const char *operation)
{
	return sim_call_count(w->sim, "elasticbeanstalk", operation);
}

static const char *the_clone(struct world *w)
{
	json_each(e, world_ask(w, "beanstalk show")) {
		const char *name = json_cstr(json_get(e, "name"));

		if (strncmp(name, "web-blue-", 9) == 0 &&
		    !str_is(json_text(json_get(e, "status")), "Terminated"))
			return name;
	}
	return "";
}

static bool has_clone(struct world *w, void *arg)
{
	(void)arg;
	return the_clone(w)[0] != '\0';
}

/* --- two environments ----------------------------------------------------------------------- */

static void run_to_bake(struct world *w)
{
	world_beanstalk(w, "web", "");
	push(w, CLONE);
	scene_run_until_share(w, PROD, 100);
	world_run(w, 3 * MINUTE_MS);
}

static void somebody_exchanges_the_names_back(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	run_to_bake(w);
	world_control(w, "beanstalk swap web-blue %s", the_clone(w));
	a = scene_end(w, "web");
	scene_expect(a, "Failed", "RevisionOutOfSync", NULL);
	world_run(w, 30 * MINUTE_MS);
	assert_string_equal(world_beanstalk_holder(w, "web-prod"), "web-blue");
	assert_string_equal(world_beanstalk_get(w, "web-blue", "status"), "Ready");
	assert_int_equal(calls(w, "SwapEnvironmentCNAMEs"), 1);
}

/* A third one has the name now: it is nobody's to give or to take. */
static void somebody_gives_the_name_to_a_third_one(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;
	const char *clone;

	run_to_bake(w);
	clone = the_clone(w);
	world_control(w, "beanstalk environment web-third app=web cname=web-third version=v1");
	world_control(w, "beanstalk swap %s web-third", clone);
	a = scene_end(w, "web");
	scene_expect(a, "Failed", "RevisionOutOfSync", NULL);
	world_run(w, 30 * MINUTE_MS);
	assert_string_equal(world_beanstalk_holder(w, "web-prod"), "web-third");
	assert_int_equal(calls(w, "SwapEnvironmentCNAMEs"), 1);
	assert_int_equal(calls(w, "TerminateEnvironment"), 0);
}

static void somebody_terminates_the_clone_on_its_way(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	world_beanstalk(w, "web", "");
	push(w, CLONE);
	assert_true(world_run_until(w, has_clone, NULL, 10 * MINUTE_MS));
	world_run(w, 2 * MINUTE_MS + 10000);
	assert_string_equal(world_beanstalk_get(w, the_clone(w), "status"), "Ready");
	world_control(w, "beanstalk terminate %s", the_clone(w));
	a = scene_end(w, "web");
	world_run(w, 30 * MINUTE_MS);
	if (!strcmp(a->status, "Failed")) {
		assert_string_equal(world_beanstalk_holder(w, "web-prod"), "web-blue");
		assert_string_equal(the_clone(w), "");
	} else { /* it was made again */
		assert_string_equal(world_beanstalk_holder(w, "web-prod"), the_clone(w));
	}
}

static void somebody_deploys_to_the_live_one_meanwhile(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	world_beanstalk(w, "web", "");
	world_control(w, "beanstalk version web hotfix errors=0.001");
	push(w, CLONE);
	assert_true(world_run_until(w, has_clone, NULL, 10 * MINUTE_MS));
	world_control(w, "beanstalk update web-blue version=hotfix");
	a = scene_end(w, "web");
	scene_expect(a, "Failed", "RevisionOutOfSync", "hotfix", NULL);
	world_run(w, 30 * MINUTE_MS);
	assert_string_equal(world_beanstalk_holder(w, "web-prod"), "web-blue");
	assert_string_equal(world_beanstalk_get(w, "web-blue", "version"), "hotfix");
	assert_int_equal(calls(w, "SwapEnvironmentCNAMEs"), 0);
}

static void somebody_deploys_to_the_new_one_meanwhile(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	run_to_bake(w);
	world_control(w, "beanstalk version web hotfix errors=0.001");
	world_control(w, "beanstalk update %s version=hotfix", the_clone(w));
	a = scene_end(w, "web");
	scene_expect(a, "Failed", "RevisionOutOfSync", "hotfix", NULL);
	assert_int_equal(calls(w, "SwapEnvironmentCNAMEs"), 1);
	assert_int_equal(calls(w, "TerminateEnvironment"), 0);
}

/* The old one is gone before the bake time is over: there is nothing to go back to, nor to end. */
static void somebody_terminates_the_old_one(void **state)
{
	struct world *w = *state;
	const char *clone;

	run_to_bake(w);
	clone = the_clone(w);
	world_control(w, "beanstalk terminate web-blue");
	scene_end(w, "web");
	world_run(w, 30 * MINUTE_MS);
	assert_string_equal(world_beanstalk_holder(w, "web-prod"), clone);
	assert_string_equal(world_beanstalk_get(w, clone, "status"), "Ready");
}

/* --- one environment ------------------------------------------------------------------------ */

static void run_to_split(struct world *w)
{
	world_beanstalk(w, "web", "");
	push(w, SPLITTING);
	scene_run_until_share(w, PROD, 20);
	world_run(w, 2 * MINUTE_MS);
}

/* As if somebody had pressed the button in the console. */
static void somebody_aborts_the_split(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	run_to_split(w);
	world_control(w, "beanstalk abort web-blue");
	a = scene_end(w, "web");
	scene_expect(a, "Failed", "RevisionOutOfSync", "The baseline carries all traffic", NULL);
	world_run(w, 10 * MINUTE_MS);
	assert_string_equal(world_beanstalk_fleet(w, "web-blue"), "v1 v1");
	assert_int_equal(calls(w, "AbortEnvironmentUpdate"), 0);
}

static void somebody_deploys_while_it_bakes(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	world_beanstalk(w, "web", "");
	push(w, SPLITTING);
	scene_run_until_share(w, PROD, 100);
	scene_run_until_summary(w, "web", "baking");
	world_control(w, "beanstalk version web hotfix errors=0.001");
	world_control(w, "beanstalk environment web-blue version=hotfix");
	a = scene_end(w, "web");
	scene_expect(a, "Failed", "RevisionOutOfSync", "hotfix", NULL);
	world_run(w, 30 * MINUTE_MS);
	assert_string_equal(world_beanstalk_fleet(w, "web-blue"), "hotfix hotfix");
}

#define SCENE(f) cmocka_unit_test_setup_teardown(f, scene_set_up, scene_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(somebody_exchanges_the_names_back),
		SCENE(somebody_gives_the_name_to_a_third_one),
		SCENE(somebody_terminates_the_clone_on_its_way),
		SCENE(somebody_deploys_to_the_live_one_meanwhile),
		SCENE(somebody_deploys_to_the_new_one_meanwhile),
		SCENE(somebody_terminates_the_old_one),
		SCENE(somebody_aborts_the_split),
		SCENE(somebody_deploys_while_it_bakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
