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
 * Elastic Beanstalk, with every write gone wrong in every way once, and some of the reads: the
 * answer lost or nonsense, the worker dead before or after. Each case is a world of its own.
 */

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
static const char TERMINATED[] = SWAP(", retire: terminate");
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

/* --- one call goes wrong -------------------------------------------------------------------- */

/* One world a case: this kind of fault at the first call of this operation. */
static void one_fault(const char *plan, const char *behaviour, const char *operation,
		      const char *kind, bool good)
{
	void *state;
	const struct sim_action *a;
	const char *what, *before;
	struct world *w;

	scene_set_up(&state);
	w = state;
	what = arena_printf(w->arena, "%s at %s", kind, operation);
	world_beanstalk(w, "web", "");
	world_control(w, "beanstalk environment web-blue instances=3");
	before = snapshot(w);
	world_control(w, "sim fault kind=%s service=elasticbeanstalk operation=%s", kind,
		      operation);
	push(w, plan, behaviour);
	a = scene_end(w, "web");
	if (!sim_fault_hit(w->sim))
		fail_msg("%s: was never called", what);
	if (strcmp(a->status, good ? "Succeeded" : "Failed") != 0)
		fail_msg("%s: %s: %s", what, a->status, a->message);
	world_run(w, 10 * MINUTE_MS);
	if (!good)
		expect_same(w, what, before);
	else if (!strcmp(world_beanstalk_get(w, world_beanstalk_holder(w, "web-prod"), "version"),
			 "v1"))
		fail_msg("%s: the old version is live", what);
	if (strstr(snapshot(w), "template"))
		fail_msg("%s: a template is left", what);
	scene_tear_down(&state);
}

static const char *const kinds[] = {"timeout-before", "timeout-after", "500-after",  "throttled",
				    "garbage",	      "crash-before",  "crash-after"};
#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void a_clone_survives_any_fault(void **state)
{
	static const char *const writes[] = {
		"CreateApplicationVersion", "CreateConfigurationTemplate",
		"CreateEnvironment",	    "SwapEnvironmentCNAMEs",
		"UpdateEnvironment",	    "DeleteConfigurationTemplate",
		"TerminateEnvironment"};
	static const char *const reads[] = {"DescribeEnvironments", "DescribeInstancesHealth",
					    "DescribeEvents", "DescribeConfigurationSettings",
					    "ListTagsForResource"};

	(void)state;
	for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++)
		for (size_t k = 0; k < N_KINDS; k++)
			one_fault(TERMINATED, GOOD, writes[i], kinds[k], true);
	for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++)
		one_fault(TERMINATED, GOOD, reads[i], i % 2 ? "throttled" : "garbage", true);
}

static void the_way_back_survives_any_fault(void **state)
{
	static const char *const operations[] = {"CreateEnvironment", "SwapEnvironmentCNAMEs",
						 "TerminateEnvironment",
						 "DeleteConfigurationTemplate"};

	(void)state;
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
		for (size_t k = 0; k < N_KINDS; k++)
			one_fault(CLONE, BAD, operations[i], kinds[k], false);
}

static void splitting_survives_any_fault(void **state)
{
	(void)state;
	for (size_t k = 0; k < N_KINDS; k++) {
		one_fault(SPLITTING, GOOD, "UpdateEnvironment", kinds[k], true);
		one_fault(SPLITTING, BAD, "UpdateEnvironment", kinds[k], false);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_clone_survives_any_fault),
		cmocka_unit_test(the_way_back_survives_any_fault),
		cmocka_unit_test(splitting_survives_any_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
