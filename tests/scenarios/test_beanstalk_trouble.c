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
 * Elastic Beanstalk when things go wrong: an exchange whose answer is lost, a disk that is lost,
 * environments that hang, executions that are abandoned.
 */

#define PROD "beanstalk:web/web-prod"
#define GOOD "errors=0.001"
#define BAD "errors=0.4"
#define SWAP(more)                                                                             \
	"rollout: 1\n"                                                                         \
	"target: { beanstalk: { application: web,"                                             \
	" cname: web-prod.eu-central-1.elasticbeanstalk.com" more " } }\n"                     \
	"strategy: { blue_green: { bake: 10m } }\n"                                            \
	"guards:\n"                                                                            \
	"  - { metric: AWS/ElasticBeanstalk/ApplicationRequests5xx, stat: Sum, missing: zero," \
	" below: 60 }\n"

static const char CLONE[] = SWAP("");
static const char SPLITTING[] =
	"rollout: 1\n"
	"target: { beanstalk: { application: web, environment: web-blue,"
	" method: traffic_splitting } }\n"
	"strategy: { canary: { steps: [ { weight: 20, for: 10m } ], bake: 5m } }\n"
	"guards: [ { alarm: web-errors } ]\n";

static const char *snapshot(struct world *w)
{
	return world_beanstalk_snapshot(w, "web");
}

static void expect_same(struct world *w, const char *what, const char *before)
{
	if (strcmp(before, snapshot(w)) != 0)
		fail_msg("%s: it was\n%sand is\n%s", what, before, snapshot(w));
}

static void push(struct world *w, const char *plan, const char *behaviour)
{
	if (!w->workers[0].worker)
		world_start(w);
	world_beanstalk_push(w, "web", plan, behaviour);
}

static uint64_t calls(struct world *w, const char *operation)
{
	return sim_call_count(w->sim, "elasticbeanstalk", operation);
}

/* --- lost answers ---------------------------------------------------------------------------- */

/* The answer to the exchange is lost: it is looked for, not asked for again. */
static void a_lost_answer_to_the_exchange_is_no_second_one(void **state)
{
	struct world *w = *state;

	world_beanstalk(w, "web", "");
	world_control(w, "sim fault kind=timeout-after service=elasticbeanstalk "
			 "operation=SwapEnvironmentCNAMEs");
	push(w, CLONE, GOOD);
	scene_expect(scene_end(w, "web"), "Succeeded", NULL, NULL);
	assert_int_equal(calls(w, "SwapEnvironmentCNAMEs"), 1);
}

/* Nor when the exchange back is the one whose answer is lost. */
static void a_lost_answer_on_the_way_back(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	world_beanstalk(w, "web", "");
	world_control(w, "sim fault kind=timeout-after n=2 service=elasticbeanstalk "
			 "operation=SwapEnvironmentCNAMEs");
	push(w, CLONE, BAD);
	a = scene_end(w, "web");
	scene_expect(a, "Failed", "JobFailed", "The baseline carries all traffic", NULL);
	scene_expect_shares(w, PROD, a, 100., 0., -1.);
	assert_int_equal(calls(w, "SwapEnvironmentCNAMEs"), 2);
}

/* It failed, and said so in an event only: it may be asked for again. */
static void an_exchange_that_fails_is_asked_for_again(void **state)
{
	struct world *w = *state;

	world_beanstalk(w, "web", "");
	world_control(w, "beanstalk fail web-blue swap");
	push(w, CLONE, GOOD);
	scene_expect(scene_end(w, "web"), "Succeeded", NULL, NULL);
	assert_int_equal(calls(w, "SwapEnvironmentCNAMEs"), 2);
}

static bool has_reports(struct world *w, void *arg)
{
	return sim_action_find(w->sim, "web", NULL)->n_reports >= *(const size_t *)arg;
}

/* Between two jobs the disk is worth nothing: what was before is in the token. */
static void the_disk_is_lost_after_the_exchange(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;
	const char *before;
	size_t next;

	world_beanstalk(w, "web", "");
	before = snapshot(w);
	push(w, CLONE, BAD);
	scene_run_until_share(w, PROD, 100);
	next = sim_action_find(w->sim, "web", NULL)->n_reports + 1;
	assert_true(world_run_until(w, has_reports, &next, 30 * MINUTE_MS));
	world_kill(w);
	world_lose_ledger(w);
	world_start(w);
	a = scene_end(w, "web");
	scene_expect(a, "Failed", "JobFailed", "The baseline carries all traffic", NULL);
	world_run(w, 30 * MINUTE_MS);
	expect_same(w, "a lost disk", before);
}

/* --- environments that hang ----------------------------------------------------------------- */

static const char *the_clone(struct world *w)
{
	json_each(e, world_ask(w, "beanstalk show")) {
		const char *name = json_cstr(json_get(e, "name"));

		if (strcmp(name, "web-blue") != 0 &&
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

static bool is_swapping(struct world *w, void *arg)
{
	(void)arg;
	return !strcmp(world_beanstalk_get(w, "web-blue", "operation"), "swap");
}

static void a_clone_that_hangs_is_given_up(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;
	const char *before, *name;

	world_beanstalk(w, "web", "");
	before = snapshot(w);
	push(w, SWAP("") "limits: { prepare: 30m }\n", GOOD);
	assert_true(world_run_until(w, has_clone, NULL, 10 * MINUTE_MS));
	name = the_clone(w);
	world_control(w, "beanstalk stuck %s", name);
	a = scene_end(w, "web");
	scene_expect(a, "Failed", NULL, "The baseline carries all traffic", NULL);
	scene_expect_shares(w, PROD, a, -1.);
	assert_string_equal(world_beanstalk_holder(w, "web-prod"), "web-blue");
	if (strcmp(snapshot(w), before) == 0)
		fail_msg("a clone that hangs cannot be gone");
}

/* Both hang in the exchange: nothing can be done until they do not. */
static void an_exchange_that_hangs_is_waited_for(void **state)
{
	struct world *w = *state;

	world_beanstalk(w, "web", "");
	push(w, CLONE, GOOD);
	assert_true(world_run_until(w, is_swapping, NULL, HOUR_MS));
	world_control(w, "beanstalk stuck web-blue");
	world_run(w, 5 * MINUTE_MS);
	assert_string_equal(sim_action_find(w->sim, "web", NULL)->status, "InProgress");
	world_control(w, "beanstalk stuck web-blue off");
	scene_end(w, "web");
	world_run(w, 30 * MINUTE_MS);
	assert_true(calls(w, "SwapEnvironmentCNAMEs") <= 2);
	/* whoever it was given to in the end: one of them has it, and is well */
	assert_string_equal(world_beanstalk_get(w, world_beanstalk_holder(w, "web-prod"), "status"),
			    "Ready");
}

/* An update that somebody began on the candidate blocks the way back: it is aborted. */
static void an_update_that_blocks_the_way_back_is_aborted(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;
	const char *name;

	world_beanstalk(w, "web", "");
	push(w, CLONE, GOOD);
	scene_run_until_share(w, PROD, 100);
	world_run(w, 2 * MINUTE_MS);
	name = the_clone(w);
	world_control(w, "beanstalk version web %s errors=0.4",
		      world_beanstalk_get(w, name, "version"));
	world_control(w, "beanstalk set config=3h");
	world_control(w, "beanstalk update %s", name);
	a = scene_end(w, "web");
	assert_string_equal(a->status, "Failed");
	world_run(w, 30 * MINUTE_MS);
	assert_string_equal(world_beanstalk_holder(w, "web-prod"), "web-blue");
	assert_int_equal(calls(w, "AbortEnvironmentUpdate"), 1);
}

/* --- abandoned ------------------------------------------------------------------------------ */

static void abandon(struct world *w, const char *before)
{
	world_control(w, "codepipeline stop web abandon");
	world_run(w, 3 * HOUR_MS);
	expect_same(w, "abandoned", before);
}

static void abandoned_before_anything_was_touched(void **state)
{
	struct world *w = *state;
	const char *before;

	world_beanstalk(w, "web", "");
	before = snapshot(w);
	push(w, CLONE, GOOD);
	world_run(w, 1000);
	abandon(w, before);
}

static void abandoned_while_the_clone_comes_up(void **state)
{
	struct world *w = *state;
	const char *before;

	world_beanstalk(w, "web", "");
	before = snapshot(w);
	push(w, CLONE, GOOD);
	assert_true(world_run_until(w, has_clone, NULL, 10 * MINUTE_MS));
	abandon(w, before);
}

static void abandoned_in_the_exchange(void **state)
{
	struct world *w = *state;
	const char *before;

	world_beanstalk(w, "web", "");
	before = snapshot(w);
	push(w, CLONE, GOOD);
	assert_true(world_run_until(w, is_swapping, NULL, HOUR_MS));
	abandon(w, before);
}

static void abandoned_while_it_bakes(void **state)
{
	struct world *w = *state;
	const char *before;

	world_beanstalk(w, "web", "");
	before = snapshot(w);
	push(w, CLONE, GOOD);
	scene_run_until_share(w, PROD, 100);
	world_run(w, 3 * MINUTE_MS);
	abandon(w, before);
}

static void abandoned_while_it_splits(void **state)
{
	struct world *w = *state;
	const char *before;

	world_beanstalk(w, "web", "");
	before = snapshot(w);
	push(w, SPLITTING, GOOD);
	scene_run_until_share(w, PROD, 20);
	world_run(w, MINUTE_MS);
	abandon(w, before);
}

static void abandoned_before_it_splits(void **state)
{
	struct world *w = *state;
	const char *before;

	world_beanstalk(w, "web", "");
	before = snapshot(w);
	push(w, SPLITTING, GOOD);
	scene_run_until_summary(w, "web", "20%");
	abandon(w, before);
}

/* The worker is dead when it is abandoned, and knows the rollout from its disk only. */
static void abandoned_while_the_worker_was_dead(void **state)
{
	struct world *w = *state;
	const char *before;

	world_beanstalk(w, "web", "");
	before = snapshot(w);
	push(w, CLONE, GOOD);
	scene_run_until_share(w, PROD, 100);
	world_run(w, 3 * MINUTE_MS);
	world_kill(w);
	world_control(w, "codepipeline stop web abandon");
	world_run(w, MINUTE_MS);
	world_start(w);
	world_run(w, 3 * HOUR_MS);
	expect_same(w, "abandoned", before);
}

#define SCENE(f) cmocka_unit_test_setup_teardown(f, scene_set_up, scene_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(a_lost_answer_to_the_exchange_is_no_second_one),
		SCENE(a_lost_answer_on_the_way_back),
		SCENE(an_exchange_that_fails_is_asked_for_again),
		SCENE(the_disk_is_lost_after_the_exchange),
		SCENE(a_clone_that_hangs_is_given_up),
		SCENE(an_exchange_that_hangs_is_waited_for),
		SCENE(an_update_that_blocks_the_way_back_is_aborted),
		SCENE(abandoned_before_anything_was_touched),
		SCENE(abandoned_while_the_clone_comes_up),
		SCENE(abandoned_in_the_exchange),
		SCENE(abandoned_while_it_bakes),
		SCENE(abandoned_while_it_splits),
		SCENE(abandoned_before_it_splits),
		SCENE(abandoned_while_the_worker_was_dead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
