#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/scenarios/scene.h"
#include "tests/scenarios/world_beanstalk.h"

/* A clone is probed by its own address, which nobody knows when the plan is written. */

#define PLAN                                                                                    \
	"rollout: 1\n"                                                                          \
	"target:\n"                                                                             \
	"  beanstalk: { application: shop, cname: shop-prod.eu-central-1.elasticbeanstalk.com," \
	" retire: terminate }\n"                                                                \
	"strategy: blue-green bake 5m\n"                                                        \
	"guards:\n"                                                                             \
	"  - { probe: \"http://{candidate}/health\", in: verify, failures: 2 }\n"               \
	"  - { alarm: shop-errors }\n"

static const struct sim_action *release(struct world *w, int status)
{
	world_beanstalk(w, "shop", "");
	world_beanstalk_pipeline(w, "shop");
	world_control(w, "web page * /health status=%d", status);
	world_start(w);
	world_beanstalk_push(w, "shop", PLAN, "errors=0.001");
	return scene_end(w, "shop");
}

static int64_t hits(struct world *w)
{
	const struct json *page = world_ask(w, "web show");
	int64_t n = -1;

	while (page && page->type != JSON_OBJECT)
		page = page->first;
	assert_true(json_i64(json_get(page, "hits"), &n));
	return n;
}

static void one_that_answers_goes_out(void **state)
{
	struct world *w = *state;
	const struct sim_action *a = release(w, 200);

	scene_expect(a, "Succeeded", NULL, "serves everything", NULL);
	assert_string_not_equal(world_beanstalk_holder(w, "shop-prod"), "shop-blue");
	assert_true(hits(w) > 0);
}

static void one_that_does_not_gets_no_traffic(void **state)
{
	struct world *w = *state;
	const struct sim_action *a = release(w, 500);

	scene_expect(a, "Failed", "JobFailed", "probe http://{candidate}/health failed 2 times",
		     "no traffic on the candidate", NULL);
	assert_string_equal(world_beanstalk_holder(w, "shop-prod"), "shop-blue");
	assert_true(hits(w) >= 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_set_up, scene_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(one_that_answers_goes_out),
		TEST(one_that_does_not_gets_no_traffic),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
