#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/scenarios/scene.h"
#include "tests/scenarios/world_ecs.h"

/* What ECS would refuse later, or what could not be taken back: said before anything is touched. */

#define CANARY "canary 10% 10m bake 5m"
#define ADVANCED "alternate=web-green rule=web:443:10 strategy=BLUE_GREEN"
#define GOOD "errors=0.001"

/* Refused with these words, and nothing was written. */
static void refused(struct world *w, const char *word, const char *other)
{
	const struct sim_action *a = scene_end(w, "web");

	scene_expect(a, "Failed", "ConfigurationError", word, other, NULL);
	scene_expect_no_writes(w, a);
}

static void world_of(struct world *w, const char *words, const char *strategy)
{
	world_ecs_balancer(w, "web", "application");
	world_ecs_service(w, "web", words);
	world_ecs_pipeline(w, "web",
			   arena_printf(w->arena,
					"config.Target=ecs:prod/web config.Strategy=\"%s\"",
					strategy));
	world_start(w);
}

static void service_refused(struct world *w, const char *words, const char *word, const char *other)
{
	world_of(w, words, CANARY);
	world_ecs_push(w, "web", "2", GOOD, NULL);
	refused(w, word, other);
}

/* --- the service ---------------------------------------------------------------------------- */

static void a_service_of_codedeploy(void **state)
{
	service_refused(*state, "controller=CODE_DEPLOY", "CodeDeploy", "web");
}

static void a_service_of_task_sets(void **state)
{
	service_refused(*state, "controller=EXTERNAL", "EXTERNAL", "ECS is needed");
}

static void a_service_without_a_second_group(void **state)
{
	service_refused(*state, "", "no alternate target group", "two_services");
}

static void a_service_that_wants_no_task(void **state)
{
	service_refused(*state, "desired=0 " ADVANCED, "wants no task", NULL);
}

static void a_service_that_is_not_there(void **state)
{
	struct world *w = *state;

	world_ecs(w, "web", CANARY);
	world_control(w, "ecs service prod/other image=other:1");
	world_ecs_pipeline(w, "web",
			   "config.Target=ecs:prod/nothing config.Strategy=\"" CANARY "\"");
	world_start(w);
	world_ecs_push(w, "web", "2", GOOD, NULL);
	refused(w, "nothing", "no such service");
}

static void a_cluster_that_is_not_there(void **state)
{
	struct world *w = *state;

	world_ecs(w, "web", CANARY);
	world_ecs_pipeline(w, "web",
			   "config.Target=ecs:nowhere/web config.Strategy=\"" CANARY "\"");
	world_start(w);
	world_ecs_push(w, "web", "2", GOOD, NULL);
	refused(w, "nowhere", "no such cluster");
}

static void a_service_that_was_deleted(void **state)
{
	struct world *w = *state;

	world_of(w, ADVANCED, CANARY);
	world_control(w, "ecs delete prod/web");
	world_ecs_push(w, "web", "2", GOOD, NULL);
	refused(w, "web", NULL);
}

static void a_deployment_in_progress(void **state)
{
	struct world *w = *state;

	world_of(w, ADVANCED, CANARY);
	world_control(w, "ecs image web:7 state=Failed"); /* it never ends */
	world_control(w, "ecs deploy prod/web image=web:7");
	world_run(w, MINUTE_MS);
	world_ecs_push(w, "web", "2", GOOD, NULL);
	refused(w, "a deployment is going on", NULL);
}

/* Also one that ECS itself has not begun yet. */
static void a_deployment_just_asked_for(void **state)
{
	struct world *w = *state;

	world_of(w, ADVANCED, CANARY);
	world_ecs_push(w, "web", "2", GOOD, NULL);
	world_control(w, "ecs deploy prod/web image=web:7");
	scene_run_until_summary(w, "web", "a deployment is going on");
	scene_expect_no_writes(w, sim_action_find(w->sim, "web", NULL));
	/* that is over soon, and what it brought is what this one goes back to */
	scene_expect(scene_end(w, "web"), "Succeeded", NULL, NULL);
}

static void tasks_that_are_not_healthy(void **state)
{
	struct world *w = *state;

	world_of(w, ADVANCED, CANARY);
	world_control(w, "ecs update prod/web healthCheckGracePeriodSeconds=7200");
	world_control(w, "ecs image web:1 health=unhealthy");
	world_control(w, "cloudwatch set-state web-errors OK");
	world_ecs_push(w, "web", "2", GOOD, NULL);
	refused(w, "nothing to go back to", NULL);
}

/* What serves came by a deployment that was aborted: ECS would go back further than that. */
static void what_serves_was_never_completed(void **state)
{
	struct world *w = *state;

	world_of(w, ADVANCED, CANARY);
	world_control(w, "cloudwatch alarm other namespace=X metric=Y threshold=1 "
			 "missing=notBreaching state=OK");
	world_control(w, "ecs image web:7 " GOOD);
	world_control(w, "ecs update prod/web \"deploymentConfiguration={\\\"strategy\\\":"
			 "\\\"ROLLING\\\",\\\"alarms\\\":{\\\"alarmNames\\\":[\\\"other\\\"],"
			 "\\\"enable\\\":true,\\\"rollback\\\":false}}\"");
	world_control(w, "ecs deploy prod/web image=web:7");
	world_run(w, 3 * MINUTE_MS); /* all tasks are new, and still watched */
	world_control(w, "ecs stop prod/web type=ABORT");
	world_run(w, MINUTE_MS);
	assert_string_equal(world_ecs_look(w, "web").deployment, "STOPPED");
	world_ecs_push(w, "web", "2", GOOD, NULL);
	refused(w, "goes back to its last completed deployment", NULL);
}

/* What has to travel in the token has a limit. */
static void names_that_are_too_long(void **state)
{
	struct world *w = *state;
	char name[200];

	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	world_ecs_balancer(w, "web", "application");
	world_control(w,
		      "ecs service prod/%s image=web:1 group=web-blue alternate=web-green "
		      "rule=web:443:10 strategy=BLUE_GREEN",
		      name);
	world_run(w, 2 * MINUTE_MS);
	world_control(w, "cloudwatch set-state web-errors OK");
	world_ecs_pipeline(w, "web",
			   arena_printf(w->arena,
					"config.Target=ecs:prod/%s config.Strategy=\"%s\"", name,
					CANARY));
	world_start(w);
	world_ecs_push(w, "web", "2", GOOD, NULL);
	refused(w, "undo record", "640");
}

/* --- the rule ------------------------------------------------------------------------------- */

/* Somebody moved the weights by hand: the controller would shift towards what it believes. */
static void weights_that_ecs_did_not_write(void **state)
{
	struct world *w = *state;

	world_of(w, ADVANCED, CANARY);
	world_control(w, "elbv2 rule web:443:10 forward=web-blue:70,web-green:30");
	world_ecs_push(w, "web", "2", GOOD, NULL);
	refused(w, "the candidate has traffic already", NULL);
}

/* Everything goes to a group in which ECS has no task. */
static void traffic_that_goes_where_no_task_is(void **state)
{
	struct world *w = *state;

	world_of(w, ADVANCED, CANARY);
	world_control(w, "elbv2 rule web:443:10 forward=web-blue:0,web-green:100");
	world_ecs_push(w, "web", "2", GOOD, NULL);
	refused(w, "web-green", NULL);
}

static void a_rule_that_does_more_than_forward(void **state)
{
	struct world *w = *state;

	world_of(w, ADVANCED, CANARY);
	world_control(w, "elbv2 rule web:443:10 forward=web-blue:100,web-green:0 auth=oidc");
	world_ecs_push(w, "web", "2", GOOD, NULL);
	refused(w, "other actions beside its forward", NULL);
}

/* --- the strategy --------------------------------------------------------------------------- */

static void steps_that_the_controller_cannot_do(void **state)
{
	static const char *const strategies[] = {"canary 5% 10m, 25% 10m, 50% 10m",
						 "linear 2% every 1m"};
	static const char *const says[] = {"one percentage", "3%"};

	for (size_t i = 0; i < 2; i++) {
		struct world *w = *state;

		world_of(w, ADVANCED, strategies[i]);
		world_ecs_push(w, "web", "2", GOOD, NULL);
		refused(w, says[i], "two_services");
		if (i == 1)
			break;
		scene_tear_down(state);
		scene_set_up(state);
	}
}

/* --- the artifact --------------------------------------------------------------------------- */

#define CONTAINER(rest) "{\"family\":\"web\",\"containerDefinitions\":[{" rest "}]}"
#define PORT ",\"portMappings\":[{\"containerPort\":8080}]"

static void artifacts_that_are_wrong(void **state)
{
	static const struct {
		const char *name, *text, *says, *also;
	} cases[] = {
		{"readme.txt", "hello", "nothing to deploy", NULL},
		{"taskdef.json", "{", "taskdef.json", "no JSON"},
		{"taskdef.json", "{\"family\":\"web\"}", "containerDefinitions", NULL},
		{"taskdef.json", CONTAINER("\"name\":\"app\",\"image\":\"<IMAGE1_NAME>\"" PORT),
		 "<IMAGE1_NAME>", NULL},
		{"taskdef.json", CONTAINER("\"name\":\"other\",\"image\":\"web:2\"" PORT),
		 "leads to this container", "app"},
		{"taskdef.json", CONTAINER("\"name\":\"app\",\"image\":\"web:2\""), "8080", NULL},
		{"imagedefinitions.json", "[{\"name\":\"none\",\"imageUri\":\"web:2\"}]", "none",
		 NULL},
		{"imagedefinitions.json", "[]", "imagedefinitions.json", NULL},
	};
	size_t n = sizeof(cases) / sizeof(cases[0]);

	for (size_t i = 0; i < n; i++) {
		struct world *w = *state;
		const struct pack_entry file = {.name = cases[i].name,
						.bytes = str_from(cases[i].text)};

		world_of(w, ADVANCED, CANARY);
		world_push_files(w, "web", &file, 1);
		refused(w, cases[i].says, cases[i].also);
		if (i + 1 == n)
			break;
		scene_tear_down(state);
		scene_set_up(state);
	}
}

/* --- two services --------------------------------------------------------------------------- */

static void two_refused(struct world *w, const char *more, const char *word, const char *other)
{
	world_ecs_push(w, "web", "2", GOOD,
		       world_ecs_two(w, "web", "blue_green: { bake: 5m }", more, ""));
	refused(w, word, other);
}

static void world_two(struct world *w, const char *words)
{
	world_ecs_balancer(w, "web", "application");
	world_ecs_service(w, "web", words);
	world_ecs_pipeline(w, "web", "");
	world_start(w);
}

static void two_services_of_codedeploy(void **state)
{
	struct world *w = *state;

	world_two(w, "controller=CODE_DEPLOY");
	two_refused(w, "", "CodeDeploy", NULL);
}

static void two_services_with_the_traffic_on_both(void **state)
{
	struct world *w = *state;

	world_two(w, "");
	world_control(w, "ecs service prod/web-twin image=web:1 family=web group=web-green");
	world_run(w, 2 * MINUTE_MS);
	world_control(w, "elbv2 rule web:443:10 forward=web-blue:50,web-green:50");
	two_refused(w, "", "both", "web-twin");
}

static void a_second_service_in_another_group(void **state)
{
	struct world *w = *state;

	world_two(w, "");
	world_control(w, "elbv2 target-group other targets=0 target_type=ip");
	world_control(w, "elbv2 rule web:443 priority=20 path=/y forward=other:1");
	world_control(w, "ecs service prod/web-twin image=web:1 family=web group=other");
	two_refused(w, "", "web-twin", "not in the candidate");
}

static void a_second_service_that_is_being_deployed(void **state)
{
	struct world *w = *state;

	world_two(w, "");
	world_control(w, "ecs service prod/web-twin image=web:1 family=web group=web-green");
	world_control(w, "ecs image web:7 state=Failed");
	world_control(w, "ecs deploy prod/web-twin image=web:7");
	world_run(w, MINUTE_MS);
	two_refused(w, "", "a deployment is going on", "web-twin");
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, scene_set_up, scene_tear_down)
	const struct CMUnitTest tests[] = {
		CASE(a_service_of_codedeploy),
		CASE(a_service_of_task_sets),
		CASE(a_service_without_a_second_group),
		CASE(a_service_that_wants_no_task),
		CASE(a_service_that_is_not_there),
		CASE(a_cluster_that_is_not_there),
		CASE(a_service_that_was_deleted),
		CASE(a_deployment_in_progress),
		CASE(a_deployment_just_asked_for),
		CASE(tasks_that_are_not_healthy),
		CASE(what_serves_was_never_completed),
		CASE(names_that_are_too_long),
		CASE(weights_that_ecs_did_not_write),
		CASE(traffic_that_goes_where_no_task_is),
		CASE(a_rule_that_does_more_than_forward),
		CASE(steps_that_the_controller_cannot_do),
		CASE(artifacts_that_are_wrong),
		CASE(two_services_of_codedeploy),
		CASE(two_services_with_the_traffic_on_both),
		CASE(a_second_service_in_another_group),
		CASE(a_second_service_that_is_being_deployed),
	};
	return cmocka_run_group_tests_name("ecs_refusals", tests, NULL, NULL);
}
