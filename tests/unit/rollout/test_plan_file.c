#include "tests/unit/rollout/plan_fixture.h"

/* The plan file, key by key: target, strategy, limits; and the digest. */

#define ALARM "guards:\n  - { alarm: a }\n"
#define LAMBDA "target:\n  lambda: { function: checkout, alias: live }\n"
/* of FULL, as every version of this program has it */
#define DIGEST_OF_FULL "f342d7d99e013e480925e82d18d8ca1d6c5a1b8ddc718a5b08bf29aed8104a94"
#define CANARY "strategy: \"canary 5% 10m\"\n"

static const char FULL[] =
	"rollout: 1\n"
	"target:\n"
	"  lambda: { function: checkout, alias: live, code: build/function.zip }\n"
	"strategy:\n"
	"  canary:\n"
	"    steps:\n"
	"      - { weight: 5,  for: 10m }\n"
	"      - { weight: 25.5%, for: 20m, approve: true }\n"
	"      - { weight: \"50\", for: 0s, approve: no }\n"
	"    bake: 15m\n"
	"guards:\n"
	"  - { alarm: checkout-errors }\n"
	"  - { probe: \"https://test.example.com/health\", expect: 204, failures: 3 }\n"
	"  - { invoke: checkout-smoke, in: verify }\n"
	"unknown: { hold_at_most: 5m, then: hold }\n"
	"rollback: { on: [guard, abandon], keep_candidate: 1h }\n"
	"limits: { prepare: 30m, verify: 10m }\n"
	"max_duration: 4h\n";

static const char FULL_JSON[] =
	"{ \"max_duration\": \"4h\", \"limits\": {\"verify\": \"600s\", \"prepare\": \"1800s\"},\n"
	"\"rollback\": {\"keep_candidate\": \"60m\", \"on\": [\"abandon\", \"guard\"]},\n"
	"\"unknown\": {\"then\": \"hold\", \"hold_at_most\": \"300s\"},\n"
	"\"guards\": [{\"alarm\": \"checkout-errors\"},\n"
	"  {\"failures\": 3, \"expect\": 204, \"probe\": \"https://test.example.com/health\"},\n"
	"  {\"in\": [\"verify\"], \"invoke\": \"checkout-smoke\"}],\n"
	"\"strategy\": {\"canary\": {\"bake\": \"900s\", \"steps\": [\n"
	"  {\"for\": \"600s\", \"weight\": 5.00}, {\"approve\": true, \"weight\": \"25.50 %\",\n"
	"  \"for\": \"20m0s\"}, {\"weight\": 50, \"for\": \"0\"}]}},\n"
	"\"target\": {\"lambda\": {\"alias\": \"live\", \"code\": \"build/function.zip\",\n"
	"  \"function\": \"checkout\"}}, \"rollout\": 1}\n";

static void check_full(const struct plan *p)
{
	assert_string_equal(p->target.lambda.function, "checkout");
	assert_string_equal(p->target.lambda.alias, "live");
	assert_string_equal(p->target.lambda.code, "build/function.zip");
	assert_string_equal(p->strategy, "canary");
	assert_int_equal(p->n_steps, 3);
	assert_int_equal(p->steps[0].weight_bp, 500);
	assert_int_equal(p->steps[0].watch_ms, 10 * MINUTE_MS);
	assert_int_equal(p->steps[0].segment, -1);
	assert_false(p->steps[0].approve);
	assert_int_equal(p->steps[1].weight_bp, 2550);
	assert_true(p->steps[1].approve);
	assert_int_equal(p->steps[2].weight_bp, 5000);
	assert_int_equal(p->steps[2].watch_ms, 0);
	assert_false(p->steps[2].approve);
	assert_int_equal(p->bake_ms, 15 * MINUTE_MS);
	assert_int_equal(p->n_guards, 3);
	assert_int_equal(p->unknown_hold_ms, 5 * MINUTE_MS);
	assert_int_equal(p->unknown_then, UNKNOWN_HOLD);
	assert_true(p->rollback_on_guard && p->rollback_on_abandon);
	assert_false(p->rollback_on_timeout);
	assert_int_equal(p->keep_candidate_ms, 60 * MINUTE_MS);
	assert_int_equal(p->prepare_ms, 30 * MINUTE_MS);
	assert_int_equal(p->verify_ms, 10 * MINUTE_MS);
	assert_int_equal(p->max_duration_ms, 240 * MINUTE_MS);
}

static void a_full_plan_is_read_from_yaml_and_json(void **state)
{
	struct plan_fixture *f = *state;
	char digest[SHA256_HEX_SIZE];

	file(f, FULL);
	read_ok(f);
	check_full(f->plan);
	assert_string_equal(f->plan->guards[0].place, "rollout.yaml:12: guards[0]");
	assert_int_equal(f->problems.n_warnings, 0);
	memcpy(digest, f->plan->digest, sizeof(digest));
	file(f, FULL_JSON);
	f->file_name = "rollout.json";
	read_ok(f);
	check_full(f->plan);
	assert_string_equal(f->plan->digest, digest); /* only spelt in another way */
}

static void properties_complete_a_file(void **state)
{
	struct plan_fixture *f = *state;

	file(f, FULL);
	prop(f, "Strategy", "linear 50% every 5m");
	prop(f, "MaxDuration", "1h");
	prop(f, "Target", "lambda:checkout:live");
	read_ok(f);
	assert_int_equal(f->plan->n_steps, 1);
	assert_int_equal(f->plan->steps[0].weight_bp, 5000);
	assert_false(f->plan->steps[0].approve);
	assert_int_equal(f->plan->bake_ms, 0); /* it belonged to the other strategy */
	assert_int_equal(f->plan->max_duration_ms, 60 * MINUTE_MS);
	assert_string_equal(f->plan->target.lambda.code, "build/function.zip");
}

static void strategies_have_a_short_and_a_long_form(void **state)
{
	static const struct {
		const char *text, *name;
		size_t n;
		int first_bp;
		int64_t bake_ms;
	} good[] = {
		{"strategy: canary 5% 10m, 50% 1m bake 2m\n", "canary", 2, 500, 120000},
		{"strategy: LambdaCanary10Percent5Minutes\n", "LambdaCanary10Percent5Minutes", 1,
		 1000, 0},
		{"strategy: { linear: { step: 20, every: 2m, bake: 5m } }\n", "linear", 4, 2000,
		 300000},
		{"strategy: { blue_green: { bake: 30m } }\n", "blue-green", 1, 10000, 1800000},
		{"strategy: { all_at_once: { bake: 30m } }\n", "all-at-once", 1, 10000, 1800000},
		{"strategy: { blue_green: ~ }\n", "blue-green", 1, 10000, 0},
		{"strategy: { blue_green: {} }\n", "blue-green", 1, 10000, 0},
	};
	struct plan_fixture *f = *state;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		file(f, arena_printf(f->arena, "rollout: 1\n" LAMBDA ALARM "%s", good[i].text));
		read_ok(f);
		assert_string_equal(f->plan->strategy, good[i].name);
		assert_int_equal(f->plan->n_steps, good[i].n);
		assert_int_equal(f->plan->steps[0].weight_bp, good[i].first_bp);
		assert_int_equal(f->plan->bake_ms, good[i].bake_ms);
	}
}

static void load_balancers_are_read(void **state)
{
	struct plan_fixture *f = *state;

	file(f, "rollout: 1\n" CANARY ALARM "target:\n  load_balancer:\n    rule: \"" RULE "\"\n"
		"    baseline: \"" GROUP("blue") "\"\n    candidate: \"" GROUP(
			"green") "\"\n"
				 "    min_healthy: 2\n    propagation: 30s\n");
	read_ok(f);
	assert_int_equal(f->plan->target.kind, TARGET_LOAD_BALANCER);
	assert_string_equal(f->plan->target.lb.resource_arn, RULE);
	assert_string_equal(f->plan->target.lb.baseline_arn, GROUP("blue"));
	assert_string_equal(f->plan->target.lb.candidate_arn, GROUP("green"));
	assert_int_equal(f->plan->target.lb.min_healthy, 2);
	assert_int_equal(f->plan->target.lb.propagation_ms, 30000);
	file(f, "rollout: 1\n" CANARY ALARM "target: { load_balancer: { listener: \"" LISTENER
		"\" } }\n");
	read_ok(f);
	assert_string_equal(f->plan->target.lb.resource_arn, LISTENER);
	assert_null(f->plan->target.lb.baseline_arn);
	assert_null(f->plan->target.lb.candidate_arn);
	assert_int_equal(f->plan->target.lb.min_healthy, 1);
}

/* A file of three good parts, one of which is replaced by text. The part begins in line 2. */
struct bad {
	char part; /* 't', 's', 'g' or 'x': one more */
	const char *text, *words;
};

static void expect_bad(struct plan_fixture *f, const struct bad *bad, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char part = bad[i].part;

		forget(f);
		file(f, arena_printf(f->arena, "rollout: 1\n%s%s%s%s", bad[i].text,
				     part == 't' ? "" : LAMBDA, part == 's' ? "" : CANARY,
				     part == 'g' ? "" : ALARM));
		expect_only(f, bad[i].words);
	}
}

static void bad_targets_are_said_with_their_place(void **state)
{
	static const struct bad bad[] = {
		{'t', "target: lambda\n",
		 "rollout.yaml:2: target: a map belongs here, with some of: lambda load_balancer"},
		{'t', "target: {}\n", "rollout.yaml:2: target: exactly one target is needed"},
		{'t', "target: { lambda: ~ }\n", "rollout.yaml:2: target: exactly one target"},
		{'t', "target: { nomad: { job: x } }\n",
		 "rollout.yaml:2: target: \"nomad\": unknown here; known are: lambda load_balancer "
		 "auto_scaling beanstalk ecs"},
		{'t', "target:\n  lambda: { function: a, alias: b }\n  load_balancer: {}\n",
		 "rollout.yaml:2: target: exactly one target is needed: lambda, load_balancer"},
		{'t', "target: { lambda: x }\n", "rollout.yaml:2: target.lambda: a map belongs"},
		{'t', "target:\n  lambda:\n    function: checkout\n",
		 "rollout.yaml:3: target.lambda: function and alias are both needed"},
		{'t', "target: { lambda: { function: a, alias: b, version: 3 } }\n",
		 "rollout.yaml:2: target.lambda: \"version\": unknown here; known are: function"},
		{'t', "target:\n  lambda:\n    function: checkout:live\n    alias: live\n",
		 "rollout.yaml:4: target.lambda.function: \"checkout:live\": write a function's"},
		{'t', "target:\n  lambda:\n    function: checkout\n    alias: 12\n",
		 "rollout.yaml:5: target.lambda.alias: \"12\": an alias has 1 to 128 letters"},
		{'t', "target: { lambda: { function: a, alias: b, code: [x] } }\n",
		 "rollout.yaml:2: target.lambda.code: a single value belongs here, not a list"},
		{'t', "target: { lambda: { function: a, alias: \"\" } }\n",
		 "rollout.yaml:2: target.lambda.alias: \"\": it must not be empty"},
		{'t', "target: { load_balancer: {} }\n",
		 "rollout.yaml:2: target.load_balancer: exactly one of rule and listener"},
		{'t',
		 "target: { load_balancer: { rule: \"" RULE "\", listener: \"" LISTENER "\" } }\n",
		 "rollout.yaml:2: target.load_balancer: exactly one of rule and listener"},
		{'t', "target:\n  load_balancer:\n    rule: \"" LISTENER "\"\n",
		 "rollout.yaml:4: target.load_balancer.rule: \"arn:aws:elasticloadbalancing:eu"},
		{'t', "target:\n  load_balancer:\n    listener: \"" RULE "\"\n",
		 "rollout.yaml:4: target.load_balancer.listener: \"arn:aws:elasticloadbalancing"},
		{'t', "target:\n  load_balancer:\n    rule: \"" RULE "\"\n    candidate: green\n",
		 "rollout.yaml:5: target.load_balancer.candidate: \"green\": write the ARN of a"},
		{'t',
		 "target:\n  load_balancer:\n    rule: \"" RULE
		 "\"\n    baseline: \"" GROUP("a") "\"\n    candidate: \"" GROUP("a") "\"\n",
		 "rollout.yaml:6: target.load_balancer.candidate: \"arn:aws:elasticloadbalanc"},
		{'t', "target:\n  load_balancer:\n    rule: \"" RULE "\"\n    min_healthy: 0\n",
		 "rollout.yaml:5: target.load_balancer.min_healthy: \"0\": write a whole number "
		 "from 1 to 1000"},
		{'t', "target:\n  load_balancer:\n    rule: \"" RULE "\"\n    propagation: 21m\n",
		 "rollout.yaml:5: target.load_balancer.propagation: \"21m\": write 0s to 20m"},
		{'t', "", "rollout.yaml: Target: no target; write lambda:FUNCTION:ALIAS"},
		{'t', "target: ~\n", "rollout.yaml: Target: no target"},
	};

	expect_bad(*state, bad, sizeof(bad) / sizeof(bad[0]));
}

static void bad_strategies_are_said_with_their_place(void **state)
{
	static const struct bad bad[] = {
		{'s', "", "rollout.yaml: Strategy: no strategy; for example canary 5% 10m"},
		{'s', "strategy: often\n", "rollout.yaml:2: strategy: \"often\": \"often\" does"},
		{'s', "strategy: [canary]\n", "rollout.yaml:2: strategy: a map belongs here, with"},
		{'s', "strategy: {}\n", "rollout.yaml:2: strategy: write exactly one of canary"},
		{'s', "strategy: { canary: ~ }\n", "rollout.yaml:2: strategy.canary: a map bel"},
		{'s', "strategy: { rolling: {} }\n",
		 "rollout.yaml:2: strategy: \"rolling\": unknown here; known are: canary linear"},
		{'s', "strategy:\n  canary: { steps: [] }\n",
		 "rollout.yaml:3: strategy.canary.steps: write a list of 1 to 64 steps: - { "
		 "weight"},
		{'s', "strategy:\n  canary:\n    bake: 5m\n",
		 "rollout.yaml:3: strategy.canary.steps: write a list of 1 to 64 steps"},
		{'s', "strategy:\n  canary:\n    steps:\n      - 5\n",
		 "rollout.yaml:5: strategy.canary.steps[0]: a map belongs here, with some of: seg"},
		{'s',
		 "strategy:\n  canary:\n    steps:\n      - { weight: 5, for: 1m }\n"
		 "      - { for: 1m }\n",
		 "rollout.yaml:6: strategy.canary.steps[1]: a step needs a weight or a "
		 "segment, and not both"},
		{'s', "strategy: { canary: { steps: [ { weight: 5 } ] } }\n",
		 "rollout.yaml:2: strategy.canary.steps[0]: a step needs to know how long it is"},
		{'s',
		 "strategy:\n  canary:\n    steps:\n      - { weight: 1, for: 1m }\n      - {\n"
		 "        weight: 0, for: 1m }\n      - { weight: 2, for: 1m }\n",
		 "rollout.yaml:7: strategy.canary.steps[1].weight: \"0\": a weight is over 0 and "
		 "at "
		 "most 100 percent"},
		{'s', "strategy: { canary: { steps: [ { weight: 101, for: 1m } ] } }\n",
		 "rollout.yaml:2: strategy.canary.steps[0].weight: \"101\": a weight is over 0"},
		{'s', "strategy: { canary: { steps: [ { weight: 0.001, for: 1m } ] } }\n",
		 "rollout.yaml:2: strategy.canary.steps[0].weight: \"0.001\": a weight is over 0"},
		{'s', "strategy: { canary: { steps: [ { weight: 5, for: soon } ] } }\n",
		 "rollout.yaml:2: strategy.canary.steps[0].for: \"soon\": not a duration; write "
		 "90s"},
		{'s',
		 "strategy: { canary: { steps: [ { weight: 5, for: 1m, approve: maybe } ] } }\n",
		 "rollout.yaml:2: strategy.canary.steps[0].approve: \"maybe\": write true or "
		 "false"},
		{'s', "strategy: { canary: { steps: [ { weight: 5, for: 1m, until: x } ] } }\n",
		 "rollout.yaml:2: strategy.canary.steps[0]: \"until\": unknown here"},
		{'s', "strategy: { canary: { steps: [ { segment: staff, for: 1m } ] } }\n",
		 "rollout.yaml:2: strategy.canary.steps[0].segment: \"staff\": there is no"},
		{'s', "strategy: { canary: { steps: [ { weight: 5, for: 1m } ], bake: x } }\n",
		 "rollout.yaml:2: strategy.canary.bake: \"x\": not a duration"},
		{'s', "strategy: { linear: { step: 10 } }\n",
		 "rollout.yaml:2: strategy.linear: step and every are needed: { step: 10, every: "},
		{'s', "strategy: { linear: { step: 1, every: 2m } }\n",
		 "rollout.yaml:2: strategy.linear.step: \"1\": more than 64 steps; take larger"},
		{'s', "strategy: { linear: { step: ten, every: 2m } }\n",
		 "rollout.yaml:2: strategy.linear.step: \"ten\": a weight is over 0"},
		{'s', "strategy: { linear: { step: 10, every: ten } }\n",
		 "rollout.yaml:2: strategy.linear.every: \"ten\": not a duration"},
		{'s', "strategy: { blue_green: { steps: [] } }\n",
		 "rollout.yaml:2: strategy.blue_green: \"steps\": unknown here; known are: bake"},
		{'s', "strategy: { blue_green: { bake: no } }\n",
		 "rollout.yaml:2: strategy.blue_green.bake: \"no\": not a duration"},
		{'s', "strategy: { blue_green: 5m }\n",
		 "rollout.yaml:2: strategy.blue_green: a map belongs here, with some of: bake"},
		{'s',
		 "strategy:\n  canary:\n    steps:\n      - { weight: 5, for: 1m }\n"
		 "      - { weight: 5, for: 1m }\n",
		 "rollout.yaml:2: strategy, step 2: \"5%\": the weight must rise"},
		{'s', "strategy: canary 5% 23h\n",
		 "rollout.yaml:2: strategy: \"23h\": the steps take longer than the budget of 23h"},
	};

	expect_bad(*state, bad, sizeof(bad) / sizeof(bad[0]));
}

static void the_rest_of_the_file_is_checked(void **state)
{
	static const struct bad bad[] = {
		{'x', "colour: blue\n",
		 "rollout.yaml:2: \"colour\": unknown here; known are: roll"},
		{'x', "unknown: x\n",
		 "rollout.yaml:2: unknown: a map belongs here, with some of: "},
		{'x', "unknown: { hold_at_most: x }\n",
		 "rollout.yaml:2: unknown.hold_at_most: \"x\": not a duration"},
		{'x', "unknown: { then: promote }\n",
		 "rollout.yaml:2: unknown.then: \"promote\": write rollback or hold"},
		{'x', "busy: wait\n", "rollout.yaml:2: busy: a map belongs here, with some of: "},
		{'x', "busy: { then: rollback }\n",
		 "rollout.yaml:2: busy.then: \"rollback\": write wait or fail"},
		{'x', "busy: { wait_at_most: 0s }\n",
		 "rollout.yaml:2: busy.wait_at_most: \"0s\": write 1s to "},
		{'x', "busy: { wait: 1h }\n", "rollout.yaml:2: busy: \"wait\": unknown here"},
		{'x', "unknown: { else: hold }\n",
		 "rollout.yaml:2: unknown: \"else\": unknown here"},
		{'x', "rollback: { on: [guard, alarm] }\n",
		 "rollout.yaml:2: rollback.on: \"alarm\": write a list of guard, timeout, abandon"},
		{'x', "rollback: { on: [guard, [timeout]] }\n",
		 "rollout.yaml:2: rollback.on: write a list of guard, timeout, abandon"},
		{'x', "rollback: { keep_candidate: x }\n",
		 "rollout.yaml:2: rollback.keep_candidate: \"x\": not a duration"},
		{'x', "limits: { prepare: 0s }\n",
		 "rollout.yaml:2: limits.prepare: \"0s\": write 1s to 8784h"},
		{'x', "limits: { verify: 500d }\n",
		 "rollout.yaml:2: limits.verify: \"500d\": not a duration"},
		{'x', "limits: { bake: 1m }\n", "rollout.yaml:2: limits: \"bake\": unknown here"},
		{'x', "max_duration: 25h\n",
		 "rollout.yaml:2: max_duration: \"25h\": write 5m to 24h: CodePipeline ends a"},
		{'x', "max_duration: [1h]\n",
		 "rollout.yaml:2: max_duration: a single value belongs"},
		{'x', "segments: { staff: { principals: [x] } }\n",
		 "rollout.yaml:2: segments.staff.principals[0]: \"x\": write the ARN of a role"},
	};
	struct plan_fixture *f = *state;

	expect_bad(f, bad, sizeof(bad) / sizeof(bad[0]));
	forget(f);
	file(f, "rollout: 1\n" LAMBDA CANARY ALARM "rollback: { on: [abandon] }\n");
	read_ok(f);
	expect_problem(f,
		       "rollout.yaml:7: rollback.on: without guard a guard that fails only holds");
	file(f, "rollout: 1\n" LAMBDA CANARY ALARM "rollback: { on: guard }\nunknown: ~\n");
	read_ok(f);
	assert_true(f->plan->rollback_on_guard);
	assert_false(f->plan->rollback_on_abandon);
}

static void files_that_are_no_plan_are_refused(void **state)
{
	static const struct {
		const char *text, *words;
	} bad[] = {
		{"", "rollout.yaml: line 1, column 1: the document is empty"},
		{"# nothing\n", "rollout.yaml: line 1, column 1: the document is"},
		{"- a\n", "rollout.yaml:1: a map belongs here, with some of: rollout target"},
		{"hello\n", "rollout.yaml:1: a map belongs here"},
		{"~\n", "rollout.yaml:1: a map belongs here"},
		{"a: [\n", "rollout.yaml: line 2, column 1: "},
		{"a: &x 1\n", "rollout.yaml: line 1, column 4: anchors"},
		{"a: 1\na: 2\n", "rollout.yaml: line 2, column 1: key \"a\" was given before"},
		{LAMBDA,
		 "rollout.yaml:1: rollout: the version is missing; start the file with roll"},
		{"rollout: two\n", "rollout.yaml:1: rollout: \"two\": an unknown version; this"},
		{"rollout: [1]\n",
		 "rollout.yaml:1: rollout: a single value belongs here, not a list"},
	};
	struct plan_fixture *f = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		file(f, bad[i].text);
		read_bad(f);
		expect_problem(f, bad[i].words);
		if (i < 8) /* what it might have said is not missed on top */
			assert_int_equal(f->problems.n_errors, 1);
	}
}

/* --- the digest ------------------------------------------------------------------------------ */

static const char *digest_of(struct plan_fixture *f, const char *from, const char *to)
{
	const char *at = strstr(FULL, from);

	assert_non_null(at);
	file(f, arena_printf(f->arena, "%.*s%s%s", (int)(at - FULL), FULL, to, at + strlen(from)));
	read_ok(f);
	return f->plan->digest;
}

/* Rollouts that began before there was such a key go on: what is the default is not in it. */
static void a_busy_target_is_waited_for_unless_it_is_said(void **state)
{
	struct plan_fixture *f = *state;
	char digest[SHA256_HEX_SIZE];

	memcpy(digest, digest_of(f, "limits:", "limits:"), sizeof(digest));
	assert_string_equal(digest, DIGEST_OF_FULL);
	assert_int_equal(f->plan->busy_then, BUSY_WAIT);
	assert_int_equal(f->plan->busy_wait_ms, 0);
	assert_string_equal(digest_of(f, "limits:", "busy: { then: wait }\nlimits:"), digest);
	digest_of(f, "limits:", "busy: { then: wait, wait_at_most: 90m }\nlimits:");
	assert_int_equal(f->plan->busy_then, BUSY_WAIT);
	assert_int_equal(f->plan->busy_wait_ms, 90 * MINUTE_MS);
	assert_int_equal(f->problems.n_warnings, 0);
	digest_of(f, "limits:", "busy: { then: fail, wait_at_most: 1m }\nlimits:");
	assert_int_equal(f->plan->busy_then, BUSY_FAIL);
	assert_int_equal(f->problems.n_warnings, 1);
	digest_of(f, "limits:", "busy: { wait_at_most: 5h }\nlimits:");
	assert_int_equal(f->problems.n_warnings, 1);
}

static void the_digest_changes_with_what_decides(void **state)
{
	static const struct {
		const char *from, *to;
	} changes[] = {
		{"function: checkout", "function: checkin"},
		{"alias: live", "alias: dead"},
		{"build/function.zip", "build/other.zip"},
		{", code: build/function.zip", ""},
		{"weight: 5,", "weight: 5.01,"},
		{"for: 10m", "for: 11m"},
		{", approve: true", ""},
		{"approve: no", "approve: yes"},
		{"bake: 15m", "bake: 14m"},
		{"alarm: checkout-errors", "alarm: checkout-p99"},
		{"https://test", "https://test2"},
		{"example.com/health", "example.com/health?version=2"},
		{"expect: 204", "expect: 200"},
		{"failures: 3", "failures: 2"},
		{"in: verify", "in: [verify, bake]"},
		{"invoke: checkout-smoke,", "invoke: checkout-smoke, payload: '1',"},
		{"invoke: checkout-smoke,", "invoke: checkout-smoke, timeout: 20s,"},
		{"limits:", "busy: { then: fail }\nlimits:"},
		{"limits:", "busy: { wait_at_most: 1h }\nlimits:"},
		{"limits:", "busy: { wait_at_most: 2h }\nlimits:"},
		{"hold_at_most: 5m", "hold_at_most: 6m"},
		{"then: hold", "then: rollback"},
		{"[guard, abandon]", "[guard]"},
		{"[guard, abandon]", "[guard, abandon, timeout]"},
		{"[guard, abandon]", "[abandon]"},
		{"keep_candidate: 1h", "keep_candidate: 2h"},
		{"prepare: 30m", "prepare: 31m"},
		{"verify: 10m", "verify: 11m"},
		{"max_duration: 4h", "max_duration: 5h"},
		{"  - { alarm: checkout-errors }\n",
		 "  - { alarm: x }\n  - { alarm: checkout-errors }\n"},
		{"probe: \"https://test.example.com/health\"",
		 "contains: ok, probe: \"https://test.example.com/health\""},
		{"probe: \"https://test.example.com/health\"",
		 "method: HEAD, probe: \"https://test.example.com/health\""},
		{"probe: \"https://test.example.com/health\"",
		 "timeout: 3s, probe: \"https://test.example.com/health\""},
	};
	struct plan_fixture *f = *state;
	const char *seen[64];
	size_t n = 0;

	seen[n++] = arena_strdup(f->arena, digest_of(f, "rollout: 1", "rollout: 1"));
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		const char *digest = digest_of(f, changes[i].from, changes[i].to);

		for (size_t j = 0; j < n; j++)
			if (!strcmp(digest, seen[j]))
				fail_msg("%s does not change the digest", changes[i].to);
		seen[n++] = arena_strdup(f->arena, digest);
	}
	/* and with the role, which is no part of the file */
	prop(f, "RoleArn", "arn:aws:iam::111122223333:role/deploy");
	file(f, FULL);
	read_ok(f);
	for (size_t j = 0; j < n; j++)
		assert_string_not_equal(f->plan->digest, seen[j]);
}

static void the_digest_does_not_change_with_spelling(void **state)
{
	static const struct {
		const char *from, *to;
	} changes[] = {
		{"rollout: 1\n", "# a comment\n\nrollout: \"1\"\n"},
		{"for: 10m", "for: 600s"},
		{"weight: 5,", "weight: 5.0%,"},
		{"approve: true", "approve: yes"},
		{"approve: no", "approve: false"},
		{"[guard, abandon]", "[abandon, guard, guard]"},
		{"in: verify", "in: [verify]"},
		{"expect: 204", "expect: 204, method: GET, timeout: 10s"},
		{"alarm: checkout-errors", "alarm: 'checkout-errors', in: [bake, watch]"},
	};
	struct plan_fixture *f = *state;
	const char *digest = arena_strdup(f->arena, digest_of(f, "rollout: 1", "rollout: 1"));

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		if (strcmp(digest, digest_of(f, changes[i].from, changes[i].to)) != 0)
			fail_msg("%s changes the digest", changes[i].to);
}

#define T(name) cmocka_unit_test_setup_teardown(name, plan_set_up, plan_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_full_plan_is_read_from_yaml_and_json),
		T(properties_complete_a_file),
		T(strategies_have_a_short_and_a_long_form),
		T(load_balancers_are_read),
		T(bad_targets_are_said_with_their_place),
		T(bad_strategies_are_said_with_their_place),
		T(the_rest_of_the_file_is_checked),
		T(files_that_are_no_plan_are_refused),
		T(a_busy_target_is_waited_for_unless_it_is_said),
		T(the_digest_changes_with_what_decides),
		T(the_digest_does_not_change_with_spelling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
