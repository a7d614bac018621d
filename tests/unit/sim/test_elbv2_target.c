#include "tests/sim/sim_internal.h"
#include "tests/sim/sim_traffic.h"
#include "tests/unit/sim/elb_shop.h"

/* Targets that another simulated service puts into target groups: the way to do it, and traffic. */

static const struct sim_behaviour good = {.latency_ms = 20}, bad = {.errors = 1, .latency_ms = 400},
				  sick = {.latency_ms = 20, .unhealthy = true};

/* One member of one target of a group, as control shows it. */
static const struct json *target(struct world *w, const char *group, const char *id)
{
	const struct json *shown = ctl(w, arena_printf(w->arena, "elbv2 show %s", group));
	json_each(t, json_get(shown, "targets")) {
		if (str_is(json_text(json_get(t, "id")), id))
			return t;
	}
	fail_msg("no target %s in %s", id, group);
	return NULL;
}

static const char *state_of(const struct shop *s, const char *id)
{
	return sim_elbv2_target_state(s->w->sim, str_from(s->blue), str_from(id));
}

static bool add(const struct shop *s, const char *id, const struct sim_behaviour *does)
{
	return sim_elbv2_target_add(s->w->sim, str_from(s->blue), str_from(id), 0, does);
}

static void test_a_target_comes_and_goes(void **state)
{
	struct shop s = shop_new();
	(void)state;
	ctl(s.w, "elbv2 target-group tg-blue deregistration_s=60");
	assert_string_equal(state_of(&s, "i-own"), "");
	assert_true(add(&s, "i-own", &good));
	assert_string_equal(state_of(&s, "i-own"), "initial");
	sim_advance(s.w->sim, 30000);
	assert_string_equal(state_of(&s, "i-own"), "healthy");
	assert_true(add(&s, "i-own", &sick)); /* again: the same target, with what runs now */
	assert_string_equal(state_of(&s, "i-own"), "unhealthy");
	assert_true(add(&s, "i-own", NULL));
	assert_string_equal(state_of(&s, "i-own"), "healthy");
	assert_true(sim_elbv2_target_remove(s.w->sim, str_from(s.blue), STR("i-own")));
	assert_string_equal(state_of(&s, "i-own"), "draining");
	sim_advance(s.w->sim, 30000);
	assert_true(sim_elbv2_target_remove(s.w->sim, str_from(s.blue), STR("i-own")));
	sim_advance(s.w->sim, 30000); /* the second removal did not begin anew */
	assert_string_equal(state_of(&s, "i-own"), "");
	assert_true(sim_elbv2_target_remove(s.w->sim, str_from(s.blue), STR("i-own")));
	assert_true(add(&s, "i-own", &good)); /* and it comes back from the start */
	assert_string_equal(state_of(&s, "i-own"), "initial");
	assert_false(sim_elbv2_target_add(s.w->sim, STR("none"), STR("i-own"), 0, NULL));
	assert_false(sim_elbv2_target_remove(s.w->sim, STR("none"), STR("i-own")));
	assert_string_equal(sim_elbv2_target_state(s.w->sim, STR("none"), STR("i-own")), "");
	world_free(s.w);
}

static void test_one_id_under_two_ports(void **state)
{
	struct shop s = shop_new();
	(void)state;
	assert_true(sim_elbv2_target_add(s.w->sim, str_from(s.blue), STR("i-two"), 8080, &good));
	assert_true(sim_elbv2_target_remove(s.w->sim, str_from(s.blue), STR("i-two")));
	assert_true(sim_elbv2_target_add(s.w->sim, str_from(s.blue), STR("i-two"), 8081, &good));
	sim_advance(s.w->sim, 30000);
	assert_string_equal(state_of(&s, "i-two"), "healthy"); /* though 8080 drains */
	world_free(s.w);
}

static void test_requests_are_divided_over_healthy_targets(void **state)
{
	struct shop s = shop_new();
	struct world *w = s.w;
	const struct json *t, *before;
	(void)state;
	ctl(w, "elbv2 target-group tg-blue targets=0");
	ctl(w, "elbv2 listener shop port=443 rps=100");
	add(&s, "i-good", &good);
	add(&s, "i-bad", &bad);
	add(&s, "i-sick", &sick);
	sim_advance(w->sim, 60000);
	before = ctl(w, "elbv2 show tg-blue"); /* nobody was healthy for 30 s: fail open */
	sim_advance(w->sim, 60000);
	t = target(w, "tg-blue", "i-good");
	assert_near(number(t, "requests"), 4500, 250);
	assert_near(number(t, "errors"), 0, 0);
	t = target(w, "tg-blue", "i-bad");
	assert_near(number(t, "requests"), 4500, 250);
	assert_near(number(t, "errors"), number(t, "requests"), 0);
	assert_near(number(target(w, "tg-blue", "i-sick"), "requests"), 0, 0);
	t = ctl(w, "elbv2 show tg-blue");
	assert_near(number(t, "requests") - number(before, "requests"), 6000, 1);
	assert_near(number(t, "errors") - number(before, "errors"), 3000, 200);
	world_free(w);
}

static void test_targets_without_their_own_do_what_the_group_does(void **state)
{
	struct shop s = shop_new();
	struct world *w = s.w;
	double errors;
	(void)state;
	ctl(w, "elbv2 target-group tg-blue targets=1 errors=0.5");
	ctl(w, "elbv2 listener shop port=443 rps=100");
	add(&s, "i-good", &good);
	sim_advance(w->sim, 60000); /* all are healthy */
	errors = number(ctl(w, "elbv2 show tg-blue"), "errors");
	sim_advance(w->sim, 60000);
	errors = number(ctl(w, "elbv2 show tg-blue"), "errors") - errors;
	assert_near(errors, 1500, 150); /* half of what the one without its own gets */
	/* without checks every target serves */
	ctl(w, "elbv2 target-group tg-blue errors=1 checks=off");
	add(&s, "i-sick", &sick);
	errors = number(ctl(w, "elbv2 show tg-blue"), "errors");
	sim_advance(w->sim, 60000);
	errors = number(ctl(w, "elbv2 show tg-blue"), "errors") - errors;
	assert_near(errors, 2000, 150);
	assert_true(number(target(w, "tg-blue", "i-sick"), "requests") > 1800);
	/* what control says of the group holds for all of it */
	ctl(w, "elbv2 target-group tg-blue checks=on health=unhealthy");
	assert_string_equal(state_of(&s, "i-good"), "unhealthy");
	world_free(w);
}

/* A statistic of the group's response time over the last full minute, in seconds. */
static double response_time(const struct shop *s, const char *stat)
{
	struct world *w = s->w;
	long long minute = (long long)(sim_now(w->sim).ms / 60000 - 1) * 60;
	const struct json *found;
	cw(w, "GetMetricData",
	   arena_printf(w->arena,
			"{\"StartTime\":%lld,\"EndTime\":%lld,\"MetricDataQueries\":[{\"Id\":\"t\","
			"\"MetricStat\":{\"Metric\":{\"Namespace\":\"AWS/ApplicationELB\","
			"\"MetricName\":\"TargetResponseTime\",\"Dimensions\":[{\"Name\":"
			"\"LoadBalancer\",\"Value\":\"%s\"},{\"Name\":\"TargetGroup\",\"Value\":"
			"\"%s\"}]},\"Period\":60,\"Stat\":\"%s\"}}]}",
			minute, minute + 60,
			json_cstr(json_get(ctl(w, "elbv2 show shop"), "dimension")),
			strstr(s->blue, "targetgroup/"), stat));
	assert_status(w, 200);
	found = json_get(json_at(body_json(w), "MetricDataResults")->first, "Values");
	assert_int_equal(found->n, 1);
	return number(found->first, "");
}

static void test_metrics_tell_what_each_target_did(void **state)
{
	struct shop s = shop_new();
	struct world *w = s.w;
	(void)state;
	ctl(w, "elbv2 target-group tg-blue targets=0");
	ctl(w, "elbv2 listener shop port=443 rps=100");
	add(&s, "i-good", &good);
	add(&s, "i-bad", &bad);
	sim_advance(w->sim, 180000);
	assert_near(response_time(&s, "p90"), 0.8, 0.25); /* half of them around 0.4 s */
	assert_near(response_time(&s, "p25"), 0.02, 0.01);
	world_free(w);
}

static void test_a_service_makes_its_own_group(void **state)
{
	struct shop s = shop_new();
	struct world *w = s.w;
	char arn[256], small[16];
	(void)state;
	assert_true(sim_elbv2_group_new(w->sim, STR("awseb-AWSEB-1"), STR("ip"), arn, sizeof(arn)));
	elb(w, "DescribeTargetGroups&Names.member.1=awseb-AWSEB-1");
	assert_xml(result(w, "DescribeTargetGroupsResult/TargetGroups/member"), "TargetGroupArn",
		   arn);
	assert_xml(result(w, "DescribeTargetGroupsResult/TargetGroups/member"), "TargetType", "ip");
	assert_true(sim_elbv2_target_add(w->sim, str_from(arn), STR("10.0.0.7"), 0, &good));
	assert_string_equal(sim_elbv2_target_state(w->sim, str_from(arn), STR("10.0.0.7")),
			    "unused");
	assert_false(sim_elbv2_group_new(w->sim, STR("tg-blue"), STR("ip"), arn, sizeof(arn)));
	assert_false(sim_elbv2_group_new(w->sim, STR(""), STR("ip"), arn, sizeof(arn)));
	assert_false(sim_elbv2_group_new(w->sim, STR("x"), STR("ip"), small, sizeof(small)));
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_target_comes_and_goes),
		cmocka_unit_test(test_one_id_under_two_ports),
		cmocka_unit_test(test_requests_are_divided_over_healthy_targets),
		cmocka_unit_test(test_targets_without_their_own_do_what_the_group_does),
		cmocka_unit_test(test_metrics_tell_what_each_target_did),
		cmocka_unit_test(test_a_service_makes_its_own_group),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
