#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/scenarios/scene.h"
#include "tests/scenarios/world_beanstalk.h"

/* What is refused of Elastic Beanstalk before anything is touched, and what people are told. */

#define GOOD "errors=0.001"
#define DOMAIN ".eu-central-1.elasticbeanstalk.com"
#define PLAN(target)                                                \
	"rollout: 1\n"                                              \
	"target: { beanstalk: { application: web, " target " } }\n" \
	"strategy: { blue_green: { bake: 10m } }\n"                 \
	"guards: [ { alarm: web-errors } ]\n"

static const char CLONE[] = PLAN("cname: web-prod" DOMAIN);
static const char TWIN[] = PLAN("environment: web-blue, twin: web-green, cname: web-prod" DOMAIN);

static const struct sim_action *refused(struct world *w, const char *plan)
{
	const struct sim_action *a;

	world_start(w);
	world_beanstalk_push(w, "web", plan, GOOD);
	a = scene_end(w, "web");
	scene_expect(a, "Failed", "ConfigurationError", NULL);
	world_run(w, 20 * MINUTE_MS);
	scene_expect_no_writes(w, a);
	assert_string_equal(world_beanstalk_holder(w, "web-prod"), "web-blue");
	return a;
}

static void an_own_database_is_refused(void **state)
{
	struct world *w = *state;

	world_beanstalk(w, "web", "rds=true");
	scene_expect(refused(w, CLONE), "Failed", "ConfigurationError", "web-blue", "RDS database",
		     "decouple", NULL);
}

static void a_twin_with_a_database_is_refused(void **state)
{
	struct world *w = *state;

	world_beanstalk(w, "web", "");
	world_beanstalk_twin(w, "web", "rds=true");
	scene_expect(refused(w, TWIN), "Failed", "ConfigurationError", "web-green", "RDS database",
		     NULL);
}

/* One environment alone keeps its database: splitting traffic is no reason to refuse it. */
static void a_database_does_not_mind_splitting(void **state)
{
	struct world *w = *state;

	world_beanstalk(w, "web", "rds=true");
	world_start(w);
	world_beanstalk_push(w, "web",
			     "rollout: 1\n"
			     "target: { beanstalk: { application: web, environment: web-blue,"
			     " method: traffic_splitting } }\n"
			     "strategy: { canary: { steps: [ { weight: 20, for: 5m } ] } }\n"
			     "guards: [ { alarm: web-errors } ]\n",
			     GOOD);
	scene_expect(scene_end(w, "web"), "Succeeded", NULL, NULL);
}

static void a_taken_prefix_is_refused(void **state)
{
	struct world *w = *state;

	world_beanstalk(w, "web", "");
	world_control(w, "beanstalk environment other-app app=other cname=web-next");
	scene_expect(refused(w, PLAN("cname: web-prod" DOMAIN ", cname_prefix: web-next")),
		     "Failed", "ConfigurationError", "web-next", "taken", NULL);
}

static void an_environment_that_is_busy_is_refused(void **state)
{
	struct world *w = *state;

	world_beanstalk(w, "web", "");
	world_control(w, "beanstalk stuck web-blue");
	world_control(w, "beanstalk update web-blue");
	scene_expect(refused(w, CLONE), "Failed", "ConfigurationError", "web-blue", "Updating",
		     "Ready", NULL);
}

static void a_twin_that_is_busy_is_refused(void **state)
{
	struct world *w = *state;

	world_beanstalk(w, "web", "");
	world_beanstalk_twin(w, "web", "");
	world_control(w, "beanstalk stuck web-green");
	world_control(w, "beanstalk update web-green");
	scene_expect(refused(w, TWIN), "Failed", "ConfigurationError", "web-green", "Updating",
		     NULL);
}

static void an_environment_that_is_ill_is_refused(void **state)
{
	struct world *w = *state;

	world_beanstalk(w, "web", "");
	world_control(w, "beanstalk health web-blue Severe");
	scene_expect(refused(w, CLONE), "Failed", "ConfigurationError", "web-blue", "Severe",
		     "nothing to go back to", NULL);
}

static void a_managed_update_that_would_come_is_refused(void **state)
{
	struct world *w = *state;

	world_beanstalk(w, "web", "");
	world_control(w, "beanstalk managed web-blue in=10m");
	scene_expect(refused(w, CLONE), "Failed", "ConfigurationError", "web-blue",
		     "managed update", "PlatformUpdate", NULL);
}

static void one_that_comes_much_later_is_not(void **state)
{
	struct world *w = *state;

	world_beanstalk(w, "web", "");
	world_control(w, "beanstalk managed web-blue in=7d");
	world_start(w);
	world_beanstalk_push(w, "web", CLONE, GOOD);
	scene_expect(scene_end(w, "web"), "Succeeded", NULL, NULL);
}

/* Beanstalk leaves a mixture behind a rolling deployment that failed. */
static void a_mixed_fleet_is_refused(void **state)
{
	struct world *w = *state;

	world_beanstalk(w, "web",
			"policy=Rolling option.aws:elasticbeanstalk:command/BatchSize=50");
	world_control(w, "beanstalk version web v2 errors=0.001");
	world_control(w, "beanstalk fail web-blue deploy");
	world_control(w, "beanstalk update web-blue version=v2");
	world_run(w, 5 * MINUTE_MS);
	world_control(w, "beanstalk health web-blue Ok"); /* say it did not mind */
	scene_expect(refused(w, CLONE), "Failed", "ConfigurationError",
		     "1 of its 2 instances do not run v1", NULL);
}

static void a_configuration_that_failed_is_refused(void **state)
{
	struct world *w = *state;

	world_beanstalk(w, "web", "");
	world_control(w, "beanstalk fail web-blue config");
	world_control(w, "beanstalk update web-blue");
	world_run(w, 2 * MINUTE_MS);
	scene_expect(refused(w, CLONE), "Failed", "ConfigurationError", "web-blue",
		     "configuration is failed", NULL);
}

static void who_is_not_there_is_refused(void **state)
{
	struct world *w = *state;

	world_beanstalk(w, "web", "");
	scene_expect(refused(w, PLAN("cname: web-nowhere" DOMAIN)), "Failed", "ConfigurationError",
		     "web-nowhere", "no environment", NULL);
}

static void a_twin_that_is_not_there_is_refused(void **state)
{
	struct world *w = *state;

	world_beanstalk(w, "web", "");
	world_control(w, "beanstalk environment web-green app=other cname=web-next");
	scene_expect(refused(w, TWIN), "Failed", "ConfigurationError", "web-green",
		     "no such environment", NULL);
}

/* One has a CNAME in the newer form, with a part of chance, the other one has not. */
static void names_of_two_forms_are_refused(void **state)
{
	struct world *w = *state;

	world_beanstalk(w, "web", "");
	world_control(w, "beanstalk environment web-green app=web version=v1 min=2");
	scene_expect(refused(w, TWIN), "Failed", "ConfigurationError", "web-green",
		     "different formats", NULL);
}

static void a_worker_tier_is_refused(void **state)
{
	struct world *w = *state;

	world_beanstalk(w, "web", "");
	world_control(w, "beanstalk environment web-jobs app=web version=v1 tier=worker");
	scene_expect(refused(w, PLAN("environment: web-jobs")), "Failed", "ConfigurationError",
		     "web-jobs", "Worker", "CNAME", NULL);
}

/* An alias that names the load balancer would stay behind, and its users with it. */
static void an_alias_that_would_not_move_is_refused(void **state)
{
	static const char plan[] = PLAN("cname: web-prod" DOMAIN ", hosted_zone: Z0SHOP");
	struct world *w = *state;
	const char *id;

	world_beanstalk(w, "web", "");
	id = world_beanstalk_get(w, "web-blue", "id");
	world_control(w,
		      "route53 record Z0SHOP www.example.com. "
		      "alias=dualstack.awseb-%s-1234567890.eu-central-1.elb.amazonaws.com.",
		      id);
	scene_expect(refused(w, plan), "Failed", "ConfigurationError", "www.example.com",
		     "web-blue", "does not move", NULL);
}

static void an_alias_that_moves_is_fine(void **state)
{
	static const char plan[] = PLAN("cname: web-prod" DOMAIN ", hosted_zone: Z0SHOP");
	struct world *w = *state;

	world_beanstalk(w, "web", "");
	world_control(w, "route53 record Z0SHOP www.example.com. cname=web-prod" DOMAIN);
	world_start(w);
	world_beanstalk_push(w, "web", plan, GOOD);
	scene_expect(scene_end(w, "web"), "Succeeded", NULL, NULL);
}

static void a_zone_that_is_not_there_is_refused(void **state)
{
	static const char plan[] = PLAN("cname: web-prod" DOMAIN ", hosted_zone: Z0NONE");
	struct world *w = *state;

	world_beanstalk(w, "web", "");
	scene_expect(refused(w, plan), "Failed", "ConfigurationError", "Z0NONE", NULL);
}

static void all_problems_are_told_at_once(void **state)
{
	struct world *w = *state;

	world_beanstalk(w, "web", "rds=true");
	world_control(w, "beanstalk managed web-blue in=10m");
	world_control(w, "beanstalk health web-blue Degraded");
	world_control(w, "cloudwatch set-state web-errors ALARM");
	scene_expect(refused(w, CLONE), "Failed", "ConfigurationError", "RDS database",
		     "managed update", "nothing to go back to", "red already", NULL);
}

static void who_may_not_is_told_so(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	world_beanstalk(w, "web", "");
	world_control(w, "beanstalk set environments_max=1");
	world_start(w);
	world_beanstalk_push(w, "web", CLONE, GOOD);
	a = scene_end(w, "web");
	scene_expect(a, "Failed", NULL, "more than 1 Environments", NULL);
	world_run(w, 20 * MINUTE_MS);
	assert_null(strstr(world_beanstalk_snapshot(w, "web"), "template"));
	assert_string_equal(world_beanstalk_holder(w, "web-prod"), "web-blue");
}

#define SCENE(f) cmocka_unit_test_setup_teardown(f, scene_set_up, scene_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(an_own_database_is_refused),
		SCENE(a_twin_with_a_database_is_refused),
		SCENE(a_database_does_not_mind_splitting),
		SCENE(a_taken_prefix_is_refused),
		SCENE(an_environment_that_is_busy_is_refused),
		SCENE(a_twin_that_is_busy_is_refused),
		SCENE(an_environment_that_is_ill_is_refused),
		SCENE(a_managed_update_that_would_come_is_refused),
		SCENE(one_that_comes_much_later_is_not),
		SCENE(a_mixed_fleet_is_refused),
		SCENE(a_configuration_that_failed_is_refused),
		SCENE(who_is_not_there_is_refused),
		SCENE(a_twin_that_is_not_there_is_refused),
		SCENE(names_of_two_forms_are_refused),
		SCENE(a_worker_tier_is_refused),
		SCENE(an_alias_that_would_not_move_is_refused),
		SCENE(an_alias_that_moves_is_fine),
		SCENE(a_zone_that_is_not_there_is_refused),
		SCENE(all_problems_are_told_at_once),
		SCENE(who_may_not_is_told_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
