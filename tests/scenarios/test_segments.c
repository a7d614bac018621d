#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/scenarios/scene.h"

/*
 * Segments of the users behind an Application Load Balancer: rules of our own in front of the one
 * that is deployed to. However a rollout ends, and whatever happened to it, none of them is left.
 */
#define HEADER "header: { name: X-Team, values: [staff] }"
#define STAFF "{ segment: staff, for: 5m }"
#define FIVE "{ weight: 5, for: 5m }"

/* Rule 10 of load balancer web, with 50 requests a second, and 20 of each segment. */
static void make_web(struct world *w, bool bad)
{
	world_load_balancer(w, "web", "canary 5% 5m", bad);
	world_control(w, "elbv2 listener web port=443 segment_rps=20");
	world_control(w, "codepipeline pipeline shop action=Canary type=Deploy/Rollout/1");
}

/* A release to a rule, with segments staff (as given) and beta, and these steps. */
static void push(struct world *w, const char *target, const char *staff, const char *steps)
{
	const char *plan = arena_printf(
		w->arena,
		"rollout: 1\ntarget: { load_balancer: { %s } }\n"
		"segments:\n  staff: { %s }\n  beta: { query: { key: beta, value: \"1\" } }\n"
		"strategy: { canary: { steps: [ %s ], bake: 5m } }\n"
		"guards: [ { alarm: web-errors } ]\n",
		target, staff, steps);
	const struct pack_entry file = {.name = "rollout.yaml", .bytes = str_from(plan)};

	world_push_files(w, "shop", &file, 1);
}

static void push_to_rule(struct world *w, const char *staff, const char *steps)
{
	push(w, arena_printf(w->arena, "rule: \"%s\"", world_rule(w, "web")), staff, steps);
}

static const struct sim_action *release(struct world *w, const char *staff, const char *steps,
					bool bad)
{
	make_web(w, bad);
	world_start(w);
	push_to_rule(w, staff, steps);
	return scene_end(w, "shop");
}

/* Rules of ours: those that have the tag. */
static size_t rules_of_ours(struct world *w)
{
	size_t n = 0;

	json_each(rule, json_get(world_ask(w, "elbv2 show web"), "rules")) {
		n += json_get(json_get(rule, "tags"), "rollout-worker:rollout") != NULL;
	}
	return n;
}

static void expect_nothing_left(struct world *w, double candidate)
{
	struct world_live live = world_load_balancer_live(w, "web");

	assert_int_equal(rules_of_ours(w), 0);
	assert_true(live.is_one);
	assert_true(live.candidate == candidate);
}

static double requests_of(struct world *w, const char *group)
{
	double n = 0;

	json_double(json_get(world_ask(w, "elbv2 show %s", group), "requests"), &n);
	return n;
}

static bool has_rules(struct world *w, void *arg)
{
	return rules_of_ours(w) == *(size_t *)arg;
}

static void run_until_rules(struct world *w, size_t n)
{
	if (!world_run_until(w, has_rules, &n, 2 * HOUR_MS))
		fail_msg("there were never %zu rules", n);
}

/* --- good and bad --------------------------------------------------------------------------- */

static void a_segment_goes_before_everybody(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	make_web(w, false);
	world_start(w);
	push_to_rule(w, HEADER, STAFF ", " FIVE ", { weight: 50, for: 5m }");
	run_until_rules(w, 1);
	scene_run_until_summary(w, "shop", "step 1 of 3: segment staff on the candidate");
	assert_true(world_load_balancer_live(w, "web").candidate == 0);
	assert_true(requests_of(w, "web-green") > 100); /* theirs alone */
	scene_run_until_share(w, world_rule(w, "web"), 5);
	assert_int_equal(rules_of_ours(w), 1);
	a = scene_end(w, "shop");
	scene_expect(a, "Succeeded", NULL, "serves everything", NULL);
	scene_expect_shares(w, world_rule(w, "web"), a, 5., 50., 100., -1.);
	scene_expect_only_reads_before_token(w, a);
	assert_int_equal(sim_call_count(w->sim, "elasticloadbalancing", "CreateRule"), 1);
	expect_nothing_left(w, 100);
}

static void every_kind_of_condition_makes_a_rule(void **state)
{
	static const char *const kinds[] = {
		HEADER,
		"cookie: { name: team, value: staff }",
		"query: { key: team, value: staff }",
		"query: { value: \"staff*\" }",
		"source_ip: [10.0.0.0/8, \"2001:db8::/32\"]",
		"cookie: { name: team, value: staff }, source_ip: 10.0.0.0/8",
	};
	struct world *w = *state;

	make_web(w, false);
	world_start(w);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const struct sim_action *a;

		world_control(w, "elbv2 rule web:443:10 forward=web-blue:100,web-green:0");
		world_run(w, MINUTE_MS);
		push_to_rule(w, kinds[i], STAFF);
		run_until_rules(w, 1);
		a = scene_end(w, "shop");
		scene_expect(a, "Succeeded", NULL, NULL);
		expect_nothing_left(w, 100);
	}
}

static void a_bad_candidate_meets_its_segment_alone(void **state)
{
	struct world *w = *state;
	const struct sim_action *a = release(w, HEADER, STAFF ", " FIVE, true);

	scene_expect(a, "Failed", "JobFailed", "with segment staff on the candidate", "web-errors",
		     "The baseline carries all traffic", "read back", NULL);
	scene_expect_shares(w, world_rule(w, "web"), a, -1.);
	expect_nothing_left(w, 0);
}

static void segments_may_stand_between_percentages(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	make_web(w, false);
	world_start(w);
	push_to_rule(w, HEADER,
		     FIVE ", " STAFF ", { weight: 25, for: 5m }, { segment: beta, for: 5m }");
	run_until_rules(w, 1);
	assert_true(world_load_balancer_live(w, "web").candidate > 0);
	run_until_rules(w, 2);
	scene_run_until_summary(w, "shop", "25% and segments staff, beta on the candidate");
	a = scene_end(w, "shop");
	scene_expect(a, "Succeeded", NULL, NULL);
	scene_expect_shares(w, world_rule(w, "web"), a, 5., 25., 100., -1.);
	expect_nothing_left(w, 100);
}

/* Well for 5 % of everybody, and not for those who come by themselves. */
static void a_release_may_be_bad_for_a_segment_only(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	make_web(w, false);
	world_start(w);
	push_to_rule(w, HEADER, FIVE ", " STAFF);
	run_until_rules(w, 1);
	world_control(w, "elbv2 target-group web-green errors=0.4");
	a = scene_end(w, "shop");
	scene_expect(a, "Failed", "JobFailed", "with 5% and segment staff on the candidate", NULL);
	scene_expect_shares(w, world_rule(w, "web"), a, 5., 0., -1.);
	expect_nothing_left(w, 0);
}

/* The default action of a listener: behind every other rule. */
static void a_listener_has_segments_too(void **state)
{
	struct world *w = *state;
	const struct json *listener;
	const struct sim_action *a;
	double priority = 0;

	make_web(w, false);
	world_control(w, "elbv2 listener web port=443 forward=web-blue:100,web-green:0");
	listener = json_get(world_ask(w, "elbv2 show web:443"), "listener");
	world_start(w);
	push(w, arena_printf(w->arena, "listener: \"%s\"", json_cstr(listener)), HEADER, STAFF);
	run_until_rules(w, 1);
	json_each(rule, json_get(world_ask(w, "elbv2 show web"), "rules")) {
		json_double(json_get(rule, "priority"), &priority);
	}
	assert_true(priority == 11); /* nobody behind rule 10 loses traffic */
	a = scene_end(w, "shop");
	scene_expect(a, "Succeeded", NULL, NULL);
	assert_int_equal(rules_of_ours(w), 0);
}

/* --- crashes and lost answers --------------------------------------------------------------- */

static void at_most_one_rule(struct world *w, void *arg)
{
	(void)arg;
	assert_true(rules_of_ours(w) <= 1);
}

/* Sanitizers take their time: every fourth kind is enough for them. */
static size_t stride(void)
{
	const char *sanitizers = getenv("SAN");

	return sanitizers && *sanitizers ? 4 : 1;
}

/* A rollout in a world of its own, with one fault at one call. */
static void with_fault(const char *kind, const char *operation, int nth, bool bad)
{
	const struct sim_action *a;
	struct world *w;
	void *state;

	scene_set_up(&state);
	w = state;
	make_web(w, bad);
	world_start(w);
	w->watch = at_most_one_rule;
	world_control(w, "sim fault kind=%s n=%d service=elasticloadbalancing operation=%s", kind,
		      nth, operation);
	push_to_rule(w, HEADER, STAFF ", " FIVE);
	a = scene_end(w, "shop");
	if (!sim_fault_hit(w->sim))
		fail_msg("%s at %s never happened", kind, operation);
	if (bad)
		scene_expect(a, "Failed", "JobFailed", "read back", NULL);
	else
		scene_expect(a, "Succeeded", NULL, NULL);
	expect_nothing_left(w, bad ? 0 : 100);
	scene_tear_down(&state);
}

static void whatever_happens_to_a_call_there_is_one_rule(void **state)
{
	static const char *const kinds[] = {"crash-before",  "crash-after",  "timeout-before",
					    "timeout-after", "500",	     "500-after",
					    "truncated",     "garbage",	     "refused",
					    "throttled",     "expired-token"};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i += stride()) {
		with_fault(kinds[i], "CreateRule", 1, false);
		with_fault(kinds[i], "DeleteRule", 1, false);
		with_fault(kinds[i], "DescribeTags", 12, false);
		with_fault(kinds[i], "DescribeRules", 12, false);
		with_fault(kinds[i], "CreateRule", 1, true);
		with_fault(kinds[i], "DeleteRule", 1, true); /* on the way back */
	}
}

/* --- other people --------------------------------------------------------------------------- */

static void a_rule_removed_by_hand_is_made_again(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	make_web(w, false);
	world_start(w);
	push_to_rule(w, HEADER, FIVE ", " STAFF);
	run_until_rules(w, 1);
	world_run(w, 2 * MINUTE_MS);
	world_control(w, "elbv2 delete web:443:9");
	a = scene_end(w, "shop");
	scene_expect(a, "Succeeded", NULL, NULL);
	assert_int_equal(sim_call_count(w->sim, "elasticloadbalancing", "CreateRule"), 2);
	expect_nothing_left(w, 100);
}

/* With nothing else on the candidate that is what going back looks like, whoever did it. */
static void the_only_rule_removed_by_hand_takes_it_back(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	make_web(w, false);
	world_start(w);
	push_to_rule(w, HEADER, STAFF ", " FIVE);
	run_until_rules(w, 1);
	world_run(w, 2 * MINUTE_MS);
	world_control(w, "elbv2 delete web:443:9");
	a = scene_end(w, "shop");
	scene_expect(a, "Failed", "RevisionOutOfSync", "back on the baseline", NULL);
	expect_nothing_left(w, 0);
}

static void a_rule_changed_by_hand_is_left_alone(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	make_web(w, false);
	world_start(w);
	push_to_rule(w, HEADER, STAFF ", " FIVE);
	run_until_rules(w, 1);
	world_run(w, 2 * MINUTE_MS);
	world_control(w, "elbv2 rule web:443:9 forward=web-blue:100");
	a = scene_end(w, "shop");
	scene_expect(a, "Failed", "RevisionOutOfSync", "segment staff was changed", "left as found",
		     NULL);
	assert_int_equal(rules_of_ours(w), 1);
	/* and the next rollout says whose it is, before it touches anything */
	push_to_rule(w, HEADER, STAFF);
	a = scene_end(w, "shop");
	scene_expect(a, "Failed", "ConfigurationError", "was made by rollout", NULL);
	scene_expect_no_writes(w, a);
}

static void an_abandoned_rollout_leaves_no_rule(void **state)
{
	struct world *w = *state;
	size_t none = 0;

	make_web(w, false);
	world_start(w);
	push_to_rule(w, HEADER, STAFF ", { weight: 5, for: 3h }");
	run_until_rules(w, 1);
	world_control(w, "codepipeline stop shop abandon");
	if (!world_run_until(w, has_rules, &none, HOUR_MS))
		fail_msg("the rule is still there");
	world_run(w, MINUTE_MS);
	expect_nothing_left(w, 0);
}

/* Nobody knows the plan any more: the undo record and the tags are enough to go back. */
static void a_lost_plan_leaves_no_rule(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	make_web(w, false);
	world_start(w);
	push_to_rule(w, HEADER, FIVE ", " STAFF);
	run_until_rules(w, 1);
	world_kill(w);
	world_replace_files(w, scene_source_key(w, "shop"), NULL, 0);
	world_start(w);
	a = scene_end(w, "shop");
	scene_expect(a, "Failed", NULL, "The baseline carries all traffic", NULL);
	expect_nothing_left(w, 0);
}

/* --- refusals ------------------------------------------------------------------------------- */

static void refused(struct world *w, const char *staff, const char *says)
{
	const struct sim_action *a;

	push_to_rule(w, staff, STAFF ", { segment: beta, for: 5m }");
	a = scene_end(w, "shop");
	scene_expect(a, "Failed", "ConfigurationError", says, NULL);
	scene_expect_no_writes(w, a);
}

static void what_cannot_be_is_refused_before_anything_is_touched(void **state)
{
	struct world *w = *state;

	make_web(w, false);
	world_start(w);
	/* one place in front of rule 10 is free, two are needed */
	world_control(w, "elbv2 rule web:443 priority=8 path=/y forward=web-blue:100");
	refused(w, HEADER, "2 free priorities are needed in front of it, after 8");
	world_control(w, "elbv2 delete web:443:8");
	/* the path of rule 10 is a value, too */
	refused(w, "header: { name: X, values: [a, b, c, d, e] }", "there are 6 values");
	world_control(w, "elbv2 rule web:443:10 forward=web-blue:100,web-green:0 auth=oidc");
	refused(w, HEADER, "client secret");
}

/* The staff have it, and a quarter of everybody; people look at that before it goes on. */
static void a_segment_stays_apart_while_it_is_parked(void **state)
{
	struct world *w = *state;
	const struct sim_action *a;

	make_web(w, false);
	world_control(w, "codepipeline action shop Deploy Canary type=Deploy/Rollout/1 "
			 "namespace=Canary config.Mode=start");
	world_control(w, "codepipeline action shop Deploy Promote type=Deploy/Rollout/1 "
			 "run-order=3 config.Mode=promote config.Handle=#{Canary.RolloutHandle}");
	world_control(w, "codepipeline action shop Deploy Ask type=AWS:Approval/Manual/1 "
			 "run-order=2");
	world_start(w);
	push_to_rule(w, HEADER, STAFF ", { weight: 25, for: 5m }");
	world_run(w, 20 * MINUTE_MS);
	a = sim_action_find(w->sim, "shop", "Canary");
	scene_expect(a, "Succeeded", NULL, "parked at 25% and segment staff", NULL);
	assert_int_equal(rules_of_ours(w), 1);
	world_control(w, "codepipeline approve shop Ask");
	world_run(w, 1000);
	a = scene_end(w, "shop");
	assert_string_equal(a->action, "Promote");
	scene_expect(a, "Succeeded", NULL, NULL);
	expect_nothing_left(w, 100);
}

/* Nobody wants it: the segment is taken apart on the way back. */
static void a_segment_that_is_rejected_is_taken_back(void **state)
{
	struct world *w = *state;

	make_web(w, false);
	world_control(w, "codepipeline action shop Deploy Canary type=Deploy/Rollout/1 "
			 "namespace=Canary config.Mode=start");
	world_control(w, "codepipeline action shop Deploy Ask type=AWS:Approval/Manual/1 "
			 "run-order=2");
	world_start(w);
	push_to_rule(w, HEADER, STAFF);
	world_run(w, 20 * MINUTE_MS);
	scene_expect(sim_action_find(w->sim, "shop", "Canary"), "Succeeded", NULL,
		     "parked at segment staff", NULL);
	assert_int_equal(rules_of_ours(w), 1);
	world_control(w, "codepipeline approve shop Ask rejected");
	world_run(w, 3 * MINUTE_MS);
	expect_nothing_left(w, 0);
}

#define SCENE(f) cmocka_unit_test_setup_teardown(f, scene_set_up, scene_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(a_segment_goes_before_everybody),
		SCENE(every_kind_of_condition_makes_a_rule),
		SCENE(a_bad_candidate_meets_its_segment_alone),
		SCENE(segments_may_stand_between_percentages),
		SCENE(a_release_may_be_bad_for_a_segment_only),
		SCENE(a_listener_has_segments_too),
		cmocka_unit_test(whatever_happens_to_a_call_there_is_one_rule),
		SCENE(a_rule_removed_by_hand_is_made_again),
		SCENE(the_only_rule_removed_by_hand_takes_it_back),
		SCENE(a_rule_changed_by_hand_is_left_alone),
		SCENE(an_abandoned_rollout_leaves_no_rule),
		SCENE(a_lost_plan_leaves_no_rule),
		SCENE(what_cannot_be_is_refused_before_anything_is_touched),
		SCENE(a_segment_stays_apart_while_it_is_parked),
		SCENE(a_segment_that_is_rejected_is_taken_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
