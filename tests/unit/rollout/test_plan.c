#include "tests/unit/rollout/plan_fixture.h"

/* Properties of the action, overrides, what the whole plan shows, and the fallback. */

static void least(struct plan_fixture *f)
{
	forget(f);
	prop(f, "Target", "lambda:checkout:live");
	prop(f, "Strategy", "canary 5% 10m, 25% 10m bake 5m");
	prop(f, "Alarms", "checkout-errors");
}

static void properties_alone_make_a_plan(void **state)
{
	struct plan_fixture *f = *state;

	least(f);
	read_ok(f);
	assert_int_equal(f->plan->target.kind, TARGET_LAMBDA);
	assert_string_equal(f->plan->target.lambda.function, "checkout");
	assert_string_equal(f->plan->target.lambda.alias, "live");
	assert_null(f->plan->target.lambda.code);
	assert_string_equal(f->plan->strategy, "canary");
	assert_int_equal(f->plan->n_steps, 2);
	assert_int_equal(f->plan->steps[1].weight_bp, 2500);
	assert_int_equal(f->plan->bake_ms, 5 * MINUTE_MS);
	assert_int_equal(f->plan->n_guards, 1);
	assert_int_equal(f->plan->guards[0].kind, GUARD_ALARM);
	assert_string_equal(f->plan->guards[0].name, "checkout-errors");
	assert_string_equal(f->plan->guards[0].place, "Alarms");
	assert_int_equal(f->plan->guards[0].in, GUARD_IN_WATCH | GUARD_IN_BAKE);
	assert_int_equal(f->plan->guards[0].failures, 1);
	assert_int_equal(f->plan->unknown_hold_ms, 20 * MINUTE_MS);
	assert_int_equal(f->plan->unknown_then, UNKNOWN_ROLLBACK);
	assert_true(f->plan->rollback_on_guard && f->plan->rollback_on_timeout &&
		    f->plan->rollback_on_abandon);
	assert_int_equal(f->plan->max_duration_ms, 23 * 60 * MINUTE_MS);
	assert_int_equal(f->plan->prepare_ms, 60 * MINUTE_MS);
	assert_int_equal(f->plan->verify_ms, 30 * MINUTE_MS);
	assert_int_equal(f->plan->mode, MODE_DEPLOY);
	assert_null(f->plan->role_arn);
	assert_int_equal(plan_least_ms(f->plan), 25 * MINUTE_MS);
	assert_int_equal(strlen(f->plan->digest), 64);
	/* only that nothing verifies the candidate */
	assert_int_equal(f->problems.n_warnings, 1);
	expect_problem(f, "guards: nothing verifies the candidate before it gets traffic");
}

static void every_property_is_taken(void **state)
{
	struct plan_fixture *f = *state;

	least(f);
	prop(f, "Alarms", " a , b,c ");
	prop(f, "MaxDuration", " 2h ");
	prop(f, "Mode", "deploy");
	prop(f, "RoleArn", "arn:aws:iam::111122223333:role/deploy");
	prop(f, "Pool", "prod");
	prop(f, "Plan", "x.yaml");
	prop(f, "Handle", "");
	prop(f, "Overrides", "");
	read_ok(f);
	assert_int_equal(f->plan->n_guards, 3);
	assert_string_equal(f->plan->guards[1].name, "b");
	assert_string_equal(f->plan->guards[2].name, "c");
	assert_int_equal(f->plan->max_duration_ms, 120 * MINUTE_MS);
	assert_string_equal(f->plan->role_arn, "arn:aws:iam::111122223333:role/deploy");
	assert_string_equal(plan_file_of(f->arena, f->properties, f->n), "x.yaml");
	prop(f, "Plan", "  ");
	assert_null(plan_file_of(f->arena, f->properties, f->n));
	prop(f, "Target", "load-balancer:" RULE);
	read_ok(f);
	assert_int_equal(f->plan->target.kind, TARGET_LOAD_BALANCER);
	assert_string_equal(f->plan->target.lb.resource_arn, RULE);
	assert_int_equal(f->plan->target.lb.min_healthy, 1);
	assert_int_equal(f->plan->target.lb.propagation_ms, 10000);
	prop(f, "Target",
	     "lambda:arn:aws-us-gov:lambda:us-gov-west-1:111122223333:function:checkout:live");
	read_ok(f);
	assert_string_equal(f->plan->target.lambda.function,
			    "arn:aws-us-gov:lambda:us-gov-west-1:111122223333:function:checkout");
}

static void every_bad_property_is_said(void **state)
{
	static const struct {
		const char *name, *value, *words;
	} bad[] = {
		{"Target", "lamda:checkout:live",
		 "Target: \"lamda:checkout:live\": unknown kind of target; write lambda:FUNCTION"},
		{"Target", "checkout", "Target: \"checkout\": unknown kind of target"},
		{"Target", "lambda:checkout", "Target: \"lambda:checkout\": write lambda:FUNCTION"},
		{"Target", "lambda::live", "Target: \"lambda::live\": write lambda:FUNCTION:ALIAS"},
		{"Target", "lambda:checkout:", "Target: \"lambda:checkout:\": write lambda:"},
		{"Target", "lambda:checkout:$LATEST", "Target: \"lambda:checkout:$LATEST\": write"},
		{"Target", "lambda:checkout:7", "Target: \"lambda:checkout:7\": write lambda:"},
		{"Target", "lambda:check out:live", "Target: \"lambda:check out:live\": write"},
		{"Target", "lambda:arn:aws:lambda:eu-west-1:111122223333:function:live",
		 "Target: \"lambda:arn:aws:lambda:eu-west-1:111122223333:function:live\": write"},
		{"Target", "load-balancer:web", "Target: \"load-balancer:web\": write load-bal"},
		{"Target", "load-balancer:" GROUP("a"), "Target: \"load-balancer:arn:aws:elastic"},
		{"Strategy", "canary 5%",
		 "Strategy: \"canary 5%\": something is missing: write how"},
		{"Alarms", "a,,b", "Alarms: \"\": write names of alarms, separated by commas"},
		{"Alarms", "a\x01", "Alarms: \"a?\": write names of alarms"},
		{"MaxDuration", "1x", "MaxDuration: \"1x\": not a duration; write 90s, 10m, 2h or"},
		{"MaxDuration", "4m", "MaxDuration: \"4m\": write 5m to 24h: CodePipeline ends"},
		{"MaxDuration", "25h", "MaxDuration: \"25h\": write 5m to 24h"},
		{"Mode", "promote", "Mode: \"promote\": such an action has no plan of its own"},
		{"Mode", "rollback", "Mode: \"rollback\": such an action has no plan of its own"},
		{"Mode", "Deploy", "Mode: \"Deploy\": write deploy, start, promote or rollback"},
		{"Handle", "h1.r-1.0", "Handle: only with Mode: promote or rollback"},
		{"RoleArn", "deploy", "RoleArn: \"deploy\": write the ARN of an IAM role"},
		{"RoleArn", "arn:aws:iam::1:user/x", "RoleArn: \"arn:aws:iam::1:user/x\": write"},
		{"Alarm", "secret-value", "Alarm: unknown property; known are Target, Strategy"},
	};
	struct plan_fixture *f = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		least(f);
		if (!strcmp(bad[i].value, "4m"))
			prop(f, "Strategy", "canary 5% 1m");
		prop(f, bad[i].name, bad[i].value);
		expect_only(f, bad[i].words);
		expect_no_problem(f, "secret-value");
	}
}

static void all_problems_are_said_at_once(void **state)
{
	struct plan_fixture *f = *state;

	prop(f, "Target", "lambda:checkout");
	prop(f, "Strategy", "canary 5 10");
	prop(f, "MaxDuration", "soon");
	prop(f, "Mode", "later");
	prop(f, "RoleArn", "me");
	prop(f, "Colour", "blue");
	prop(f, "Overrides", "bake=long\nfoo=bar\n");
	file(f, "rollout: 2\nguards: none\n");
	read_bad(f);
	expect_problem(f, "Target: ");
	expect_problem(f, "Strategy: ");
	expect_problem(f, "MaxDuration: ");
	expect_problem(f, "Mode: ");
	expect_problem(f, "RoleArn: ");
	expect_problem(f, "Colour: ");
	expect_problem(f, "Overrides: bake: \"long\"");
	expect_problem(f, "Overrides: foo: unknown; known are strategy, alarms, bake");
	expect_problem(f, "rollout.yaml:1: rollout: \"2\": an unknown version");
	expect_problem(f, "rollout.yaml:2: guards: write a list");
	assert_int_equal(f->problems.n_errors, 10);
}

static void nothing_at_all_says_what_is_needed(void **state)
{
	struct plan_fixture *f = *state;

	read_bad(f);
	expect_problem(f, "Target: no target; write lambda:FUNCTION:ALIAS or load-balancer:ARN");
	expect_problem(f, "Strategy: no strategy; for example canary 5% 10m, 25% 10m, 50% 10m");
	expect_problem(f, "guards: no guard at all: nothing would notice a bad release");
	assert_int_equal(f->problems.n_errors, 3);
}

static void the_whole_plan_is_checked(void **state)
{
	struct plan_fixture *f = *state;

	least(f);
	prop(f, "Strategy", "canary 5% 10m, 5% 10m");
	expect_only(f, "Strategy, step 2: \"5%\": the weight must rise; a step before has 5%");
	prop(f, "Strategy", "canary 25% 10m, 5% 10m, 10% 1m, 30% 1m");
	read_bad(f);
	assert_int_equal(f->problems.n_errors, 2);
	expect_problem(f, "Strategy, step 3: \"10%\": the weight must rise; a step before has 25%");
	/* the budget, with what is kept of it for going back: a tenth, ten minutes at most */
	prop(f, "Strategy", "canary 5% 54m");
	prop(f, "MaxDuration", "1h");
	read_ok(f);
	prop(f, "Strategy", "canary 5% 54m1s");
	expect_only(f, "Strategy: \"54m1s\": the steps take longer than the budget of 1h, of which "
		       "6m are kept for going back; shorten them or raise MaxDuration");
	prop(f, "Strategy", "linear 25% every 5h bake 7h50m");
	prop(f, "MaxDuration", "23h");
	read_ok(f);
	prop(f, "Strategy", "linear 25% every 5h bake 7h50m1s");
	expect_only(f, "Strategy: \"22h50m1s\": the steps take longer than the budget of 23h, of "
		       "which 10m are kept");
	prop(f, "Strategy", "all-at-once");
	read_ok(f);
	expect_problem(f, "Strategy: no step is watched and there is no bake time: guards get a");
}

static void guards_must_be_asked_where_it_matters(void **state)
{
	struct plan_fixture *f = *state;

	prop(f, "Target", "lambda:checkout:live");
	prop(f, "Strategy", "canary 5% 10m bake 5m");
	file(f, "rollout: 1\nguards:\n  - { invoke: smoke }\n");
	read_bad(f);
	expect_problem(f, "rollout.yaml: guards: no guard is asked while traffic moves; give one");
	expect_problem(f,
		       "rollout.yaml: guards: there is a bake time, but no guard is asked in it");
	expect_no_problem(f, "nothing verifies");
	file(f, "rollout: 1\nguards:\n  - { alarm: a, in: watch }\n");
	expect_only(f, "rollout.yaml: guards: there is a bake time, but no guard");
	file(f, "rollout: 1\nguards:\n  - { alarm: a, in: [watch, bake] }\n");
	read_ok(f);
	expect_problem(f, "rollout.yaml: guards: nothing verifies the candidate");
	file(f, "rollout: 1\nguards: []\n");
	expect_only(f, "rollout.yaml: guards: no guard at all");
}

static void alarms_replace_those_of_the_file(void **state)
{
	struct plan_fixture *f = *state;

	prop(f, "Target", "lambda:checkout:live");
	prop(f, "Strategy", "canary 5% 10m");
	prop(f, "Alarms", "x, y");
	file(f, "rollout: 1\nguards:\n  - { alarm: a }\n  - { invoke: smoke }\n  - { alarm: b }\n");
	read_ok(f);
	assert_int_equal(f->plan->n_guards, 3);
	assert_string_equal(f->plan->guards[0].name, "smoke");
	assert_string_equal(f->plan->guards[1].name, "x");
	assert_string_equal(f->plan->guards[2].name, "y");
	prop(f, "Overrides", "alarms=z");
	read_ok(f);
	assert_int_equal(f->plan->n_guards, 2);
	assert_string_equal(f->plan->guards[1].name, "z");
	assert_string_equal(f->plan->guards[1].place, "Overrides: alarms");
}

/* Each of the two actions has a budget of its own. */
static void a_start_has_two_budgets(void **state)
{
	struct plan_fixture *f = *state;
	char digest[SHA256_HEX_SIZE];

	least(f);
	read_ok(f);
	memcpy(digest, f->plan->digest, sizeof(digest));
	prop(f, "Mode", "start");
	read_ok(f);
	assert_int_equal(f->plan->mode, MODE_START);
	assert_string_not_equal(f->plan->digest, digest);
	prop(f, "Strategy", "canary 5% 40m bake 40m");
	prop(f, "MaxDuration", "1h");
	read_ok(f);
	prop(f, "Mode", "deploy");
	read_bad(f);
	expect_problem(f, "Strategy: \"1h20m\"");
	prop(f, "Mode", "start");
	prop(f, "Strategy", "canary 5% 10m, 100% 20m bake 40m");
	read_bad(f);
	expect_problem(f, "Strategy: \"1h\"");
}

static void the_target_of_a_plan_is_known_again(void **state)
{
	struct plan_fixture *f = *state;
	struct problems problems;

	least(f);
	read_ok(f);
	problems_init(&problems, f->arena);
	assert_true(plan_has_target(f->arena, f->plan, STR(" lambda:checkout:live "), &problems));
	assert_int_equal(problems.n_errors, 0);
	assert_false(plan_has_target(f->arena, f->plan, STR("lambda:checkout:test"), &problems));
	assert_non_null(strstr(problems.first->text, "the plan of the rollout names another"));
	assert_false(plan_has_target(f->arena, f->plan, STR("moon"), &problems));
	assert_int_equal(problems.n_errors, 2);
}

static void overrides_come_last_in_any_order(void **state)
{
	struct plan_fixture *f = *state;
	char digest[SHA256_HEX_SIZE];

	prop(f, "Overrides",
	     " bake = 7m\r\n\n strategy=canary 10% 5m bake 1m\nmax_duration=3h\nalarms=z\n"
	     "unknown.hold_at_most=1m\nbusy.then=fail\nbusy.wait_at_most=2m\n"
	     "limits.prepare=2m\nlimits.verify=3m\n"
	     "target.lambda.code=build/x.zip\n");
	prop(f, "Strategy", "canary 5% 10m, 25% 10m bake 5m");
	prop(f, "Alarms", "a");
	prop(f, "MaxDuration", "1h");
	prop(f, "Target", "lambda:checkout:live");
	read_ok(f);
	assert_int_equal(f->plan->n_steps, 1);
	assert_int_equal(f->plan->steps[0].weight_bp, 1000);
	assert_int_equal(f->plan->bake_ms, 7 * MINUTE_MS);
	assert_int_equal(f->plan->max_duration_ms, 180 * MINUTE_MS);
	assert_int_equal(f->plan->n_guards, 1);
	assert_string_equal(f->plan->guards[0].name, "z");
	assert_int_equal(f->plan->unknown_hold_ms, MINUTE_MS);
	assert_int_equal(f->plan->busy_then, BUSY_FAIL);
	assert_int_equal(f->plan->busy_wait_ms, 2 * MINUTE_MS);
	assert_int_equal(f->plan->prepare_ms, 2 * MINUTE_MS);
	assert_int_equal(f->plan->verify_ms, 3 * MINUTE_MS);
	assert_string_equal(f->plan->target.lambda.code, "build/x.zip");
	memcpy(digest, f->plan->digest, sizeof(digest));
	/* the same properties the other way round */
	for (size_t i = 0; i < f->n / 2; i++) {
		struct plan_property p = f->properties[i];

		f->properties[i] = f->properties[f->n - 1 - i];
		f->properties[f->n - 1 - i] = p;
	}
	read_ok(f);
	assert_string_equal(f->plan->digest, digest);
}

static void bad_overrides_are_said(void **state)
{
	static const struct {
		const char *text, *words;
	} bad[] = {
		{"strategy=", "Overrides: strategy: \"\": something is missing: write canary"},
		{"strategy", "Overrides: strategy: \"\": something is missing"},
		{"alarms=", "Overrides: alarms: \"\": write names of alarms"},
		{"bake=5", "Overrides: bake: \"5\": not a duration"},
		{"bake", "Overrides: bake: \"\": not a duration"},
		{"max_duration=1m", "Overrides: max_duration: \"1m\": write 5m to 24h"},
		{"unknown.hold_at_most=x",
		 "Overrides: unknown.hold_at_most: \"x\": not a duration"},
		{"busy.then=hold", "Overrides: busy.then: \"hold\": write wait or fail"},
		{"busy.wait_at_most=0", "Overrides: busy.wait_at_most: \"0\": at least 1s"},
		{"limits.prepare=0", "Overrides: limits.prepare: \"0\": at least 1s"},
		{"limits.verify=0s", "Overrides: limits.verify: \"0s\": at least 1s"},
		{"target.lambda.code=", "Overrides: target.lambda.code: \"\": write a path"},
		{"weight=5", "Overrides: weight: unknown; known are strategy, alarms, bake"},
		{"=5", "Overrides: : unknown; known are"},
		{"bake=5m\nbake=6m", "Overrides: bake: given twice; write it once"},
		{"\x01=5", "Overrides: ?: unknown"},
	};
	struct plan_fixture *f = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		least(f);
		prop(f, "Strategy", "canary 5% 20s");
		prop(f, "Overrides", bad[i].text);
		expect_only(f, bad[i].words);
	}
	least(f);
	prop(f, "Target", "load-balancer:" RULE);
	prop(f, "Overrides", "target.lambda.code=x");
	expect_only(f, "Overrides: target.lambda.code: \"x\": the target is no Lambda function");
	least(f);
	prop(f, "Overrides", "param.UNUSED=1\n");
	read_ok(f);
	expect_problem(f, "Overrides: param.UNUSED: nothing in the plan file uses ${UNUSED}");
}

static void the_target_may_be_said_twice_but_not_differently(void **state)
{
	struct plan_fixture *f = *state;

	least(f);
	file(f,
	     "rollout: 1\ntarget:\n  lambda: { function: checkout, alias: live, code: a.zip }\n");
	read_ok(f);
	assert_string_equal(f->plan->target.lambda.code, "a.zip");
	prop(f, "Target", "lambda:checkout:prod");
	expect_only(f, "Target: \"lambda:checkout:prod\": rollout.yaml:2: target names another "
		       "target, lambda:checkout:live; write the same in both, or leave one out");
	prop(f, "Target", "lambda:other:live");
	expect_only(f,
		    "Target: \"lambda:other:live\": rollout.yaml:2: target names another target");
	prop(f, "Target", "load-balancer:" RULE);
	expect_only(f, "Target: \"load-balancer:");
	prop(f, "Target", "nonsense");
	expect_only(f, "Target: \"nonsense\": unknown kind");
	file(f, "rollout: 1\ntarget:\n  load_balancer: { rule: \"" RULE "\", min_healthy: 3 }\n");
	prop(f, "Target", "load-balancer:" RULE);
	read_ok(f);
	assert_int_equal(f->plan->target.lb.min_healthy, 3);
	prop(f, "Target", "load-balancer:" LISTENER);
	expect_only(f, "Target: \"load-balancer:");
	prop(f, "Target", "");
	read_ok(f);
}

static void parameters_are_filled_in(void **state)
{
	struct plan_fixture *f = *state;

	prop(f, "Target", "lambda:checkout:live");
	prop(f, "Strategy", "canary 5% 10m");
	prop(f, "Overrides", "param.ENV=prod\nparam.N=3\nparam.WORD=${ENV}\nparam.EMPTY=\n");
	file(f, "rollout: 1\nguards:\n"
		"  - { alarm: \"${ENV}-errors-${N}${EMPTY}\" }\n"
		"  - { probe: \"https://${ENV}.example.com/\", failures: \"${N}\" }\n"
		"  - { alarm: \"${WORD}$ {ENV} ${ENV\" }\n");
	read_ok(f);
	assert_string_equal(f->plan->guards[0].name, "prod-errors-3");
	assert_string_equal(f->plan->guards[1].url, "https://prod.example.com/");
	assert_int_equal(f->plan->guards[1].failures, 3);
	assert_string_equal(f->plan->guards[2].name, "${ENV}$ {ENV} ${ENV");
	prop(f, "Overrides", "param.N=3\nparam.WORD=x\nparam.EMPTY=\n");
	read_bad(f);
	expect_problem(f, "rollout.yaml:3: guards[0]: \"${ENV}-errors-${N}${EMPTY}\": there is no "
			  "parameter ENV; give it as a line param.ENV=VALUE in Overrides");
	expect_problem(f, "rollout.yaml:4: guards[1]: \"https://${ENV}.example.com/\": there is");
}

static void parameters_cannot_blow_a_plan_up(void **state)
{
	struct plan_fixture *f = *state;
	struct buf text, overrides;

	buf_init(&text, LIMIT_PLAN_BYTES);
	buf_init(&overrides, 4096);
	buf_adds(&overrides, "param.A=");
	for (int i = 0; i < 900; i++)
		buf_addc(&overrides, 'a');
	buf_adds(&text, "rollout: 1\nguards:\n  - { alarm: a }\n  - { invoke: smoke, payload: '\"");
	for (int i = 0; i < 1000; i++)
		buf_adds(&text, "${A}");
	buf_adds(&text, "\"' }\n");
	prop(f, "Target", "lambda:checkout:live");
	prop(f, "Strategy", "canary 5% 10m");
	prop(f, "Overrides", overrides.p);
	file(f, text.p);
	read_bad(f);
	expect_problem(f, "rollout.yaml:4: guards[1].payload: \"\"${A}");
	assert_non_null(strstr(all_problems(f), "with the parameters filled in the plan is over"));
	buf_release(&text);
	buf_release(&overrides);
}

static void there_is_a_plan_to_go_back_by(void **state)
{
	struct plan_fixture *f = *state;
	struct err err = ERR_INIT;
	struct plan *p;

	assert_int_equal(
		plan_fallback(f->arena, "{\"t\":\"lambda\",\"f\":\"x\"}", "role", &p, &err), 0);
	assert_int_equal(p->target.kind, TARGET_LAMBDA);
	assert_string_equal(p->role_arn, "role");
	assert_int_equal(p->n_guards, 0);
	assert_int_equal(p->n_steps, 0); /* nothing leads forward */
	assert_int_equal(plan_least_ms(p), 0);
	assert_true(p->rollback_on_guard && p->max_duration_ms > 0 && p->prepare_ms > 0);
	assert_int_equal(plan_fallback(f->arena, "{\"t\":\"load_balancer\"}", NULL, &p, &err), 0);
	assert_int_equal(p->target.kind, TARGET_LOAD_BALANCER);
	assert_int_equal(p->target.lb.min_healthy, 1);
	assert_int_equal(p->target.lb.propagation_ms, 10000);
	assert_null(p->role_arn);
	assert_int_equal(plan_fallback(f->arena, "{\"t\":\"nomad\"}", NULL, &p, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	assert_int_equal(plan_fallback(f->arena, "{", NULL, &p, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	assert_int_equal(plan_fallback(f->arena, "", NULL, &p, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	assert_string_equal(target_kind_name(TARGET_LAMBDA), "lambda");
	assert_string_equal(target_kind_name(TARGET_LOAD_BALANCER), "load-balancer");
}

#define T(name) cmocka_unit_test_setup_teardown(name, plan_set_up, plan_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(properties_alone_make_a_plan),
		T(every_property_is_taken),
		T(every_bad_property_is_said),
		T(all_problems_are_said_at_once),
		T(nothing_at_all_says_what_is_needed),
		T(the_whole_plan_is_checked),
		T(guards_must_be_asked_where_it_matters),
		T(alarms_replace_those_of_the_file),
		T(a_start_has_two_budgets),
		T(the_target_of_a_plan_is_known_again),
		T(overrides_come_last_in_any_order),
		T(bad_overrides_are_said),
		T(the_target_may_be_said_twice_but_not_differently),
		T(parameters_are_filled_in),
		T(parameters_cannot_blow_a_plan_up),
		T(there_is_a_plan_to_go_back_by),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
