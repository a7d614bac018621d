#include "tests/unit/rollout/plan_fixture.h"

/* Plans of an Elastic Beanstalk environment: one line, the map, and what goes with what. */

#define CNAME "shop.eu-central-1.elasticbeanstalk.com"
#define ALARM "guards:\n  - { alarm: a }\n"
#define BLUE_GREEN "strategy: blue-green bake 10m\n"
#define CANARY "strategy: \"canary 10% 10m\"\n"

static const struct plan_beanstalk *target(struct plan_fixture *f)
{
	assert_int_equal(f->plan->target.kind, TARGET_BEANSTALK);
	return &f->plan->target.beanstalk;
}

static void line(struct plan_fixture *f, const char *text)
{
	forget(f);
	prop(f, "Target", text);
	prop(f, "Strategy", "blue-green bake 10m");
	prop(f, "Alarms", "a");
}

static void map(struct plan_fixture *f, const char *members, const char *rest)
{
	forget(f);
	file(f,
	     arena_printf(f->arena, "rollout: 1\ntarget:\n  beanstalk: { %s }\n%s", members, rest));
}

/* A plan of this target that is right but for what the words say. */
static void expect_wrong(struct plan_fixture *f, const char *members, const char *rest,
			 const char *words)
{
	map(f, members, rest);
	read_bad(f);
	for (const struct problem *p = f->problems.first; p; p = p->next)
		if (strstr(p->text, words))
			return;
	fail_msg("not said: %s\nbut:\n%s", words, all_problems(f));
}

static void one_line_names_an_environment_or_its_cname(void **state)
{
	struct plan_fixture *f = *state;

	line(f, "beanstalk:shop/shop-prod");
	read_ok(f);
	assert_string_equal(target(f)->application, "shop");
	assert_string_equal(target(f)->environment, "shop-prod");
	assert_null(target(f)->cname);
	assert_int_equal(target(f)->method, BEANSTALK_BY_SWAP);
	assert_int_equal(target(f)->retire, BEANSTALK_KEEP);
	assert_int_equal(target(f)->dns_ttl_ms, 60000);
	assert_true(target(f)->match_capacity);
	assert_null(target(f)->bundle);
	assert_string_equal(target_text(f->arena, &f->plan->target), "beanstalk:shop/shop-prod");
	line(f, "beanstalk:My shop (old)/" CNAME);
	read_ok(f);
	assert_string_equal(target(f)->application, "My shop (old)");
	assert_string_equal(target(f)->cname, CNAME);
	assert_null(target(f)->environment);
	assert_string_equal(target_text(f->arena, &f->plan->target),
			    "beanstalk:My shop (old)/" CNAME);
}

static void lines_that_are_none(void **state)
{
	static const char *const bad[] = {
		"beanstalk:",
		"beanstalk:shop",
		"beanstalk:/shop-prod",
		"beanstalk:shop/",
		"beanstalk:shop/abc",
		"beanstalk:shop/-prod",
		"beanstalk:shop/prod-",
		"beanstalk:shop/shop_prod",
		"beanstalk:shop/a-name-of-forty-one-characters-is-too-long",
		"beanstalk:sh\"op/shop-prod",
		"beanstalk:a/b/shop-prod",
		"beanstalk:sh\xc3\xb6p/shop-prod",
		"beanstalk:shop/shop.prod",
		"beanstalk:shop/a..elasticbeanstalk.com",
		"beanstalk:shop/shop.eu_central.elasticbeanstalk.com",
		"beanstalk:shop/shop.elasticbeanstalk.com.",
	};
	struct plan_fixture *f = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		line(f, bad[i]);
		expect_only(f, arena_printf(f->arena, "Target: \"%s\": write beanstalk:", bad[i]));
	}
}

static void a_file_says_everything(void **state)
{
	struct plan_fixture *f = *state;

	map(f,
	    "application: shop, environment: shop-prod, cname: " CNAME ", method: swap, bundle: "
	    "build, twin: shop-green, capacity: as_is, retire: scale_in, dns_ttl: 5m, "
	    "hosted_zone: Z1D633PJN98FT9",
	    BLUE_GREEN ALARM);
	read_ok(f);
	assert_string_equal(target(f)->application, "shop");
	assert_string_equal(target(f)->environment, "shop-prod");
	assert_string_equal(target(f)->cname, CNAME);
	assert_string_equal(target(f)->bundle, "build");
	assert_string_equal(target(f)->twin, "shop-green");
	assert_false(target(f)->match_capacity);
	assert_int_equal(target(f)->retire, BEANSTALK_SCALE_IN);
	assert_int_equal(target(f)->dns_ttl_ms, 300000);
	assert_string_equal(target(f)->hosted_zone, "Z1D633PJN98FT9");
	map(f,
	    "application: shop, cname: " CNAME
	    ", cname_prefix: shop-next, capacity: match, retire: terminate",
	    BLUE_GREEN ALARM);
	read_ok(f);
	assert_string_equal(target(f)->cname_prefix, "shop-next");
	assert_true(target(f)->match_capacity);
	assert_int_equal(target(f)->retire, BEANSTALK_TERMINATE);
	map(f, "application: shop, environment: shop-prod, method: traffic_splitting",
	    CANARY ALARM);
	read_ok(f);
	assert_int_equal(target(f)->method, BEANSTALK_BY_TRAFFIC_SPLITTING);
	map(f,
	    "application: shop, environment: shop-prod, twin: shop-green, method: load_balancer, "
	    "rule: \"" RULE "\", min_healthy: 2",
	    "strategy: \"canary 5% 10m, 50% 10m\"\n" ALARM);
	read_ok(f);
	assert_int_equal(target(f)->method, BEANSTALK_BY_LOAD_BALANCER);
	assert_string_equal(f->plan->target.lb.resource_arn, RULE);
	assert_int_equal(f->plan->target.lb.min_healthy, 2);
}

static void members_that_are_wrong(void **state)
{
	static const struct {
		const char *members, *words;
	} bad[] = {
		{"environment: shop-prod", "application and one of environment and cname"},
		{"application: shop", "application and one of environment and cname"},
		{"application: a/b, environment: shop-prod", "1 to 100 printable ASCII"},
		{"application: shop, environment: x", "4 to 40 letters"},
		{"application: shop, cname: shop", "write it whole"},
		{"application: shop, cname: " CNAME ", cname_prefix: a.b", "a prefix has 4 to 63"},
		{"application: shop, environment: shop-prod, method: canary",
		 "write swap, traffic_splitting or load_balancer"},
		{"application: shop, environment: shop-prod, retire: drop",
		 "write keep, scale_in or terminate"},
		{"application: shop, environment: shop-prod, capacity: half",
		 "write match (as many"},
		{"application: shop, environment: shop-prod, dns_ttl: 2h", "dns_ttl"},
		{"application: shop, environment: shop-prod, hosted_zone: example.com",
		 "the id of a hosted zone"},
		{"application: shop, environment: shop-prod, size: 3", "unknown here"},
		{"application: shop, environment: shop-prod, twin: x",
		 "name of the second environment"},
		{"application: [a], environment: shop-prod", "target.beanstalk.application"},
	};
	struct plan_fixture *f = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		expect_wrong(f, bad[i].members, BLUE_GREEN ALARM, bad[i].words);
}

#define PROD "application: shop, environment: shop-prod"
#define LIVE "application: shop, cname: " CNAME

static void a_swap_moves_everybody_and_bakes(void **state)
{
	struct plan_fixture *f = *state;

	expect_wrong(f, LIVE, CANARY ALARM, "moves everybody at once; write blue-green");
	expect_wrong(f, LIVE, "strategy: linear 50% every 5m bake 5m\n" ALARM, "at once");
	expect_wrong(f, LIVE ", retire: terminate", "strategy: blue-green bake 59s\n" ALARM,
		     "go on to the old environment for 1m");
	expect_wrong(f, LIVE ", retire: scale_in, dns_ttl: 11m", BLUE_GREEN ALARM,
		     "go on to the old environment for 11m");
	map(f, LIVE, "strategy: blue-green bake 30s\n" ALARM);
	read_ok(f);
	assert_int_equal(f->problems.n_warnings, 2); /* and that nothing verifies it */
	expect_wrong(f, LIVE ", rule: \"" RULE "\"", BLUE_GREEN ALARM, "is not for method swap");
}

static void a_twin_is_told_by_the_cname(void **state)
{
	struct plan_fixture *f = *state;

	expect_wrong(f, PROD ", twin: shop-green", BLUE_GREEN ALARM, "only its CNAME tells");
	expect_wrong(f, LIVE ", twin: shop-green", BLUE_GREEN ALARM, "only its CNAME tells");
	expect_wrong(f, LIVE ", environment: shop-prod, twin: shop-prod", BLUE_GREEN ALARM,
		     "must be two environments");
	expect_wrong(f, LIVE ", environment: shop-prod, twin: shop-green, retire: terminate",
		     BLUE_GREEN ALARM, "a standing twin is not terminated");
	expect_wrong(f, LIVE ", environment: shop-prod, twin: shop-green, cname_prefix: next",
		     BLUE_GREEN ALARM, "a twin has its CNAME already");
}

static void splitting_is_one_percentage(void **state)
{
#define SPLIT PROD ", method: traffic_splitting"
	static const struct {
		const char *members, *rest, *words;
	} bad[] = {
		{SPLIT, BLUE_GREEN ALARM, "splits once, by whole percents"},
		{SPLIT, "strategy: \"canary 5% 10m, 50% 10m\"\n" ALARM, "splits once"},
		{SPLIT, "strategy: \"canary 2.5% 10m\"\n" ALARM, "splits once"},
		{SPLIT,
		 "strategy: { canary: { steps: [ { weight: 10, for: 10m, approve: true } ] } "
		 "}\n" ALARM,
		 "no step can wait for an approval"},
		{SPLIT, "strategy: \"canary 10% 9h48m\"\n" ALARM, "watch for 9h47m or less"},
		{SPLIT, CANARY ALARM "unknown: { hold_at_most: 5m, then: hold }\n",
		 "unknown cannot be held"},
		{SPLIT,
		 CANARY ALARM "  - { probe: \"https://x.example.com/\", in: [verify, watch] }\n",
		 "nothing to verify before it gets traffic"},
		{SPLIT, CANARY ALARM "  - { invoke: smoke, in: verify }\n", "nothing to verify"},
		{SPLIT, CANARY ALARM "  - { metric: Errors, below: 1, in: watch }\n",
		 "give the guard dimensions"},
		{SPLIT, CANARY ALARM "  - { probe: \"http://{candidate}/\", in: watch }\n",
		 "both versions have one address"},
		{SPLIT ", twin: shop-green", CANARY ALARM, "twin is not for method"},
		{SPLIT ", cname_prefix: next", CANARY ALARM, "cname_prefix is not for method"},
		{SPLIT ", retire: scale_in", CANARY ALARM, "retire is not for method"},
		{SPLIT ", rule: \"" RULE "\"", CANARY ALARM, "rule or listener is not for method"},
	};
	struct plan_fixture *f = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		expect_wrong(f, bad[i].members, bad[i].rest, bad[i].words);
	map(f, SPLIT, "strategy: \"canary 10% 9h47m\"\n" ALARM);
	read_ok(f);
}

static void splitting_cannot_be_parked(void **state)
{
	struct plan_fixture *f = *state;

	map(f, SPLIT, CANARY ALARM);
	prop(f, "Mode", "start");
	read_bad(f);
	for (const struct problem *p = f->problems.first; p; p = p->next)
		if (strstr(p->text, "cannot be parked"))
			return;
	fail_msg("%s", all_problems(f));
}

static void weights_need_a_rule_and_two_environments(void **state)
{
#define WEIGHTS PROD ", method: load_balancer"
	struct plan_fixture *f = *state;

	expect_wrong(f, WEIGHTS ", twin: shop-green", CANARY ALARM, "needs rule or listener");
	expect_wrong(f, WEIGHTS ", rule: \"" RULE "\"", CANARY ALARM, "needs environment and twin");
	expect_wrong(f, WEIGHTS ", twin: shop-green, retire: terminate, rule: \"" RULE "\"",
		     CANARY ALARM, "is not terminated");
	expect_wrong(f, WEIGHTS ", twin: shop-green, cname_prefix: next, rule: \"" RULE "\"",
		     CANARY ALARM, "cname_prefix is not for method load_balancer");
	expect_wrong(f, WEIGHTS ", twin: shop-green, hosted_zone: Z1, rule: \"" RULE "\"",
		     CANARY ALARM, "hosted_zone is not for method load_balancer");
	expect_wrong(f, WEIGHTS ", twin: shop-green, rule: x", CANARY ALARM, "rule");
}

/* Who is told apart, is told apart by a rule. */
static void segments_need_the_load_balancer(void **state)
{
#define STAFF                                                                   \
	"strategy: { canary: { steps: [ { segment: staff, for: 10m }%s ] } }\n" \
	"segments:\n  staff: { header: { name: X-Team, values: [staff] } }\n" ALARM
	struct plan_fixture *f = *state;

	expect_wrong(f, LIVE, arena_printf(f->arena, STAFF, ""),
		     "\"swap\": this method moves nobody apart");
	expect_wrong(f, SPLIT, arena_printf(f->arena, STAFF, ""),
		     "\"traffic_splitting\": this method moves nobody apart");
	expect_wrong(f, SPLIT, arena_printf(f->arena, STAFF, ", { weight: 10, for: 10m }"),
		     "\"traffic_splitting\": this method moves nobody apart");
	map(f, WEIGHTS ", twin: shop-green, rule: \"" RULE "\"",
	    arena_printf(f->arena, STAFF, ", { weight: 10, for: 10m }"));
	read_ok(f);
	assert_int_equal(f->plan->n_steps, 2);
}

static void line_and_file_have_to_agree(void **state)
{
	struct plan_fixture *f = *state;

	map(f, LIVE ", environment: shop-prod", BLUE_GREEN ALARM);
	prop(f, "Target", "beanstalk:shop/shop-prod");
	read_ok(f);
	prop(f, "Target", "beanstalk:shop/" CNAME);
	read_ok(f);
	assert_string_equal(target(f)->environment, "shop-prod");
	prop(f, "Target", "beanstalk:shop/shop-test");
	read_bad(f);
	expect_problem(f, "Target: \"beanstalk:shop/shop-test\": rollout.yaml:2: target names "
			  "another target, beanstalk:shop/shop-prod");
	prop(f, "Target", "beanstalk:other/shop-prod");
	read_bad(f);
}

static void the_digest_covers_every_member(void **state)
{
	static const char *const variants[] = {
		"application: shop, environment: shop-prod, cname: " CNAME,
		"application: shop2, environment: shop-prod, cname: " CNAME,
		"application: shop, environment: shop-prod2, cname: " CNAME,
		"application: shop, cname: " CNAME,
		"application: shop, environment: shop-prod",
		"application: shop, environment: shop-prod, cname: " CNAME ", bundle: x",
		"application: shop, environment: shop-prod, cname: " CNAME ", twin: green",
		"application: shop, environment: shop-prod, cname: " CNAME ", cname_prefix: next",
		"application: shop, environment: shop-prod, cname: " CNAME ", capacity: as_is",
		"application: shop, environment: shop-prod, cname: " CNAME ", retire: scale_in",
		"application: shop, environment: shop-prod, cname: " CNAME ", retire: terminate",
		"application: shop, environment: shop-prod, cname: " CNAME ", dns_ttl: 61s",
		"application: shop, environment: shop-prod, cname: " CNAME ", hosted_zone: Z1",
		"application: shop, environment: shop-prod, cname: " CNAME ", min_healthy: 2",
	};
	enum { N = sizeof(variants) / sizeof(variants[0]) };
	char digests[N][SHA256_HEX_SIZE];
	struct plan_fixture *f = *state;

	for (size_t i = 0; i < N; i++) {
		map(f, variants[i], BLUE_GREEN ALARM);
		read_ok(f);
		memcpy(digests[i], f->plan->digest, sizeof(digests[i]));
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(digests[i], digests[k]);
	}
}

static void a_plan_that_is_lost_can_go_back(void **state)
{
	struct plan_fixture *f = *state;
	struct err err = ERR_INIT;

	assert_int_equal(plan_fallback(f->arena, "{\"t\":\"beanstalk\"}", NULL, &f->plan, &err), 0);
	assert_int_equal(f->plan->target.kind, TARGET_BEANSTALK);
	assert_int_equal(f->plan->target.lb.min_healthy, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, plan_set_up, plan_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(one_line_names_an_environment_or_its_cname),
		TEST(lines_that_are_none),
		TEST(a_file_says_everything),
		TEST(members_that_are_wrong),
		TEST(a_swap_moves_everybody_and_bakes),
		TEST(a_twin_is_told_by_the_cname),
		TEST(splitting_is_one_percentage),
		TEST(splitting_cannot_be_parked),
		TEST(weights_need_a_rule_and_two_environments),
		TEST(segments_need_the_load_balancer),
		TEST(line_and_file_have_to_agree),
		TEST(the_digest_covers_every_member),
		TEST(a_plan_that_is_lost_can_go_back),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
