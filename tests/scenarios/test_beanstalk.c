#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/scenarios/scene.h"
#include "tests/scenarios/world_beanstalk.h"

/* Blue/green on Elastic Beanstalk by an exchange of CNAMEs: cloned environments and twins. */

#define PROD "beanstalk:web/web-prod"
#define GOOD "errors=0.001"
#define BAD "errors=0.4"
#define CNAME "web-prod.eu-central-1.elasticbeanstalk.com"

#define STRATEGY "strategy: { blue_green: { bake: 10m } }\n"
#define GUARDS                                                                                  \
	"guards:\n"                                                                             \
	"  - { health: candidate }\n"                                                           \
	"  - { metric: AWS/ElasticBeanstalk/ApplicationRequests5xx, stat: Sum, missing: zero, " \
	"below: 60 }\n"

static const char CLONE[] =
	"rollout: 1\n"
	"target: { beanstalk: { application: web, cname: " CNAME " } }\n" STRATEGY GUARDS;
static const char CLONE_TERMINATED[] = "rollout: 1\n"
				       "target: { beanstalk: { application: web, cname: " CNAME
				       ", retire: terminate } }\n" STRATEGY GUARDS;
static const char CLONE_SCALED_IN[] = "rollout: 1\n"
				      "target: { beanstalk: { application: web, cname: " CNAME
				      ", retire: scale_in } }\n" STRATEGY GUARDS;
static const char TWIN[] =
	"rollout: 1\n"
	"target: { beanstalk: { application: web, environment: web-blue, cname: " CNAME
	", twin: web-green } }\n" STRATEGY GUARDS;

static const struct sim_action *release(struct world *w, const char *plan, const char *behaviour)
{
	if (!w->workers[0].worker)
		world_start(w);
	world_beanstalk_push(w, "web", plan, behaviour);
	return scene_end(w, "web");
}

static void expect_same(struct world *w, const char *before)
{
	const char *after = world_beanstalk_snapshot(w, "web");

	if (strcmp(before, after) != 0)
		fail_msg("it was\n%sand is\n%s", before, after);
}

/* What stands in the snapshot: the clone's name cannot be known beforehand. */
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

/* --- clones --------------------------------------------------------------------------------- */

static void a_good_release_is_cloned_and_exchanged(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	world_beanstalk(w, "web", "option.aws:elasticbeanstalk:application:environment/A=b");
	world_control(w, "beanstalk environment web-blue instances=3");
	a = release(w, CLONE, GOOD);
	scene_expect(a, "Succeeded", NULL, NULL);
	scene_expect_shares(w, PROD, a, 100., -1.);
	scene_expect_only_reads_before_token(w, a);
	assert_string_equal(world_beanstalk_holder(w, "web-prod"), the_clone(w));
	assert_string_equal(world_beanstalk_get(w, "web-blue", "status"), "Ready");
	assert_string_equal(world_beanstalk_get(w, "web-blue", "version"), "v1");
	/* as many instances as were live, all of them with the new version; sizes as before */
	assert_int_equal(strlen(world_beanstalk_fleet(w, the_clone(w))),
			 3 * strlen(world_beanstalk_get(w, the_clone(w), "version")) + 2);
	assert_non_null(strstr(world_beanstalk_snapshot(w, "web"), "environment/A=b"));
	assert_null(strstr(world_beanstalk_snapshot(w, "web"), "template"));
	assert_null(strstr(world_beanstalk_snapshot(w, "web"), "MinSize=3"));
}

static void a_bad_release_is_exchanged_back(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;
	const char *before;

	world_beanstalk(w, "web", "");
	before = world_beanstalk_snapshot(w, "web");
	a = release(w, CLONE, BAD);
	scene_expect(a, "Failed", "JobFailed", "The baseline carries all traffic", NULL);
	scene_expect_shares(w, PROD, a, 100., 0., -1.);
	/* and what was made for it is gone */
	world_run(w, 20 * MINUTE_MS);
	expect_same(w, before);
}

static void a_release_that_does_not_start_gets_nothing(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;
	const char *before;

	world_beanstalk(w, "web", "");
	before = world_beanstalk_snapshot(w, "web");
	a = release(w, CLONE, "state=Failed");
	scene_expect(a, "Failed", "JobFailed", NULL);
	scene_expect_shares(w, PROD, a, -1.);
	world_run(w, 20 * MINUTE_MS);
	expect_same(w, before);
}

static void a_bundle_that_is_no_zip_is_refused(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;
	const struct pack_entry files[] = {
		{.name = "rollout.yaml",
		 .bytes = STR("rollout: 1\n"
			      "target: { beanstalk: { application: web, cname: " CNAME
			      ", bundle: app.zip } }\n" STRATEGY GUARDS)},
		{.name = "app.zip", .bytes = STR("no zip at all")}};

	world_beanstalk(w, "web", "");
	world_start(w);
	world_push_files(w, "web", files, 2);
	a = scene_end(w, "web");
	scene_expect(a, "Failed", "ConfigurationError", "app.zip", "no zip", NULL);
	scene_expect_no_writes(w, a);
}

static void a_folder_of_the_artifact_is_the_bundle(void **state)
{
	struct world *w = *state;
	const struct pack_entry files[] = {
		{.name = "rollout.yaml",
		 .bytes = STR("rollout: 1\n"
			      "target: { beanstalk: { application: web, cname: " CNAME
			      ", bundle: build } }\n" STRATEGY GUARDS)},
		{.name = "notes.txt", .bytes = STR("# sim: state=Failed\n")},
		{.name = "build/app.py", .bytes = STR("# sim: errors=0.001\n")}};

	world_beanstalk(w, "web", "");
	world_start(w);
	world_push_files(w, "web", files, 3);
	scene_expect(scene_end(w, "web"), "Succeeded", NULL, NULL);
}

/* The artifact's bucket is none that Beanstalk may read: a copy is made where it can. */
static void a_bundle_is_copied_where_it_must_be(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	world_beanstalk(w, "web", "");
	world_control(w, "beanstalk bucket codepipeline-eu-central-1-111122223333 elsewhere");
	a = release(w, CLONE, GOOD);
	scene_expect(a, "Succeeded", NULL, NULL);
	assert_int_equal(sim_call_count(w->sim, "elasticbeanstalk", "CreateStorageLocation"), 1);
}

static void the_same_code_again_changes_nothing(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;
	const char *before;

	world_beanstalk(w, "web", "");
	scene_expect(release(w, CLONE_TERMINATED, GOOD), "Succeeded", NULL, NULL);
	world_run(w, 30 * MINUTE_MS);
	before = world_beanstalk_snapshot(w, "web");
	a = release(w, CLONE_TERMINATED, GOOD);
	scene_expect(a, "Succeeded", NULL, NULL);
	expect_same(w, before);
}

/* What does not answer at its own address gets no traffic at all. */
static void a_clone_is_probed_before_it_gets_traffic(void **state)
{
	static const char plan[] =
		"rollout: 1\n"
		"target: { beanstalk: { application: web, cname: " CNAME " } }\n" STRATEGY GUARDS
		"  - { probe: \"http://{candidate}/health\", in: verify, failures: 3 }\n";
	struct world *w = *state;
	const struct sim_action *a;
	const char *before;

	world_beanstalk(w, "web", "");
	before = world_beanstalk_snapshot(w, "web");
	a = release(w, plan, "smoke=fail");
	scene_expect(a, "Failed", "JobFailed", "/health", NULL);
	scene_expect_shares(w, PROD, a, -1.);
	world_run(w, 20 * MINUTE_MS);
	expect_same(w, before);
	a = release(w, plan, "errors=0.001 smoke=ok");
	scene_expect(a, "Succeeded", NULL, NULL);
	scene_expect_shares(w, PROD, a, 100., -1.);
}

/* --- retiring ------------------------------------------------------------------------------- */

static void the_old_one_is_terminated_when_nobody_comes(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;
	int64_t lost;

	world_beanstalk(w, "web", "");
	world_control(w, "beanstalk set dns_tail=0");
	a = release(w, CLONE_TERMINATED, GOOD);
	scene_expect(a, "Succeeded", NULL, NULL);
	world_run(w, 10 * MINUTE_MS);
	assert_string_equal(world_beanstalk_get(w, "web-blue", "status"), "");
	/* nobody was turned away */
	assert_true(
		json_i64(json_get(world_ask(w, "beanstalk show %s", the_clone(w)), "lost"), &lost));
	assert_int_equal(lost, 0);
}

static void the_old_one_is_scaled_in(void **state)
{
	struct world *w = *state;

	world_beanstalk(w, "web", "");
	world_control(w, "beanstalk environment web-blue instances=3");
	scene_expect(release(w, CLONE_SCALED_IN, GOOD), "Succeeded", NULL, NULL);
	world_run(w, 10 * MINUTE_MS);
	assert_string_equal(world_beanstalk_fleet(w, "web-blue"), "v1");
	assert_string_equal(world_beanstalk_get(w, "web-blue", "status"), "Ready");
}

/* --- twins ---------------------------------------------------------------------------------- */

static void twins_take_turns(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	world_beanstalk(w, "web", "");
	world_beanstalk_twin(w, "web", "");
	scene_expect(release(w, TWIN, "errors=0.001 latency_ms=21"), "Succeeded", NULL, NULL);
	assert_string_equal(world_beanstalk_holder(w, "web-prod"), "web-green");
	/* and back again: which one is live, the CNAME tells */
	a = release(w, TWIN, "errors=0.001 latency_ms=22");
	scene_expect(a, "Succeeded", NULL, NULL);
	scene_expect_shares(w, PROD, a, 100., -1.);
	assert_string_equal(world_beanstalk_holder(w, "web-prod"), "web-blue");
	assert_null(strstr(world_beanstalk_fleet(w, "web-blue"), "v1"));
}

static void a_bad_twin_gives_the_name_back(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	world_beanstalk(w, "web", "");
	world_beanstalk_twin(w, "web", "min=1");
	a = release(w, TWIN, BAD);
	scene_expect(a, "Failed", "JobFailed", "The baseline carries all traffic", NULL);
	scene_expect_shares(w, PROD, a, 100., 0., -1.);
	assert_string_equal(world_beanstalk_holder(w, "web-prod"), "web-blue");
	assert_string_equal(world_beanstalk_get(w, "web-green", "cname"),
			    "web-next.eu-central-1.elasticbeanstalk.com");
	/* its sizes are its own again */
	world_run(w, 10 * MINUTE_MS);
	assert_string_equal(
		json_cstr(json_get(json_get(world_ask(w, "beanstalk show web-green"), "options"),
				   "aws:autoscaling:asg/MinSize")),
		"1");
}

#define SCENE(f) cmocka_unit_test_setup_teardown(f, scene_set_up, scene_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(a_good_release_is_cloned_and_exchanged),
		SCENE(a_bad_release_is_exchanged_back),
		SCENE(a_release_that_does_not_start_gets_nothing),
		SCENE(a_bundle_that_is_no_zip_is_refused),
		SCENE(a_folder_of_the_artifact_is_the_bundle),
		SCENE(a_bundle_is_copied_where_it_must_be),
		SCENE(the_same_code_again_changes_nothing),
		SCENE(a_clone_is_probed_before_it_gets_traffic),
		SCENE(the_old_one_is_terminated_when_nobody_comes),
		SCENE(the_old_one_is_scaled_in),
		SCENE(twins_take_turns),
		SCENE(a_bad_twin_gives_the_name_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
