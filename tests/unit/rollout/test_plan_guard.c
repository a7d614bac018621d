#include "tests/unit/rollout/plan_fixture.h"

/* The guards of a plan file, kind by kind. */

#define HEAD                                                                    \
	"rollout: 1\ntarget: { lambda: { function: checkout, alias: live } }\n" \
	"strategy: canary 5 10m\nguards:\n"

static const struct plan_guard *guard(struct plan_fixture *f, const char *text)
{
	file(f, arena_printf(f->arena, HEAD "  - { alarm: other }\n  - %s\n", text));
	read_ok(f);
	assert_int_equal(f->plan->n_guards, 2);
	return &f->plan->guards[1];
}

static void alarms(void **state)
{
	struct plan_fixture *f = *state;
	const struct plan_guard *g = guard(f, "{ alarm: checkout-errors }");

	assert_int_equal(g->kind, GUARD_ALARM);
	assert_string_equal(g->name, "checkout-errors");
	assert_int_equal(g->in, GUARD_IN_WATCH | GUARD_IN_BAKE);
	assert_string_equal(g->place, "rollout.yaml:6: guards[1]");
	g = guard(f, "{ alarm: \"a, b / \xc3\xa4\", in: [verify, watch] }");
	assert_string_equal(g->name, "a, b / \xc3\xa4");
	assert_int_equal(g->in, GUARD_IN_VERIFY | GUARD_IN_WATCH);
	assert_int_equal(guard(f, "{ alarm: x, in: bake }")->in, GUARD_IN_BAKE);
}

static void metrics(void **state)
{
	static const struct {
		const char *word;
		enum compare compare;
	} words[] = {{"below", COMPARE_LT},
		     {"at_most", COMPARE_LE},
		     {"above", COMPARE_GT},
		     {"at_least", COMPARE_GE}};
	struct plan_fixture *f = *state;
	const struct plan_guard *g = guard(f, "{ metric: AWS/Lambda/Errors, at_most: 5 }");

	assert_int_equal(g->kind, GUARD_METRIC);
	assert_string_equal(g->ns, "AWS/Lambda");
	assert_string_equal(g->metric, "Errors");
	assert_string_equal(g->stat, "Sum");
	assert_int_equal(g->period_ms, 60000);
	assert_true(g->candidate_series);
	assert_int_equal(g->n_dimensions, 0);
	assert_false(g->missing_is_zero);
	assert_int_equal(g->in, GUARD_IN_WATCH | GUARD_IN_BAKE);
	for (size_t i = 0; i < 4; i++) {
		g = guard(f, arena_printf(f->arena, "{ metric: My/Own/App/Rate, %s: -1.5e-3 }",
					  words[i].word));
		assert_int_equal(g->compare, words[i].compare);
		assert_true(g->threshold < -0.00149 && g->threshold > -0.00151);
		assert_string_equal(g->ns, "My/Own/App");
		assert_string_equal(g->metric, "Rate");
	}
	g = guard(f, "{ metric: A/B, below: 1, stat: p99.9, period: 5m, missing: zero,"
		     " dimensions: { Service: checkout, Version: \"{candidate}\" } }");
	assert_string_equal(g->stat, "p99.9");
	assert_int_equal(g->period_ms, 300000);
	assert_true(g->missing_is_zero);
	assert_false(g->candidate_series);
	assert_int_equal(g->n_dimensions, 2);
	assert_string_equal(g->dimensions[0].name, "Service");
	assert_string_equal(g->dimensions[0].value, "checkout");
	assert_string_equal(g->dimensions[1].name, "Version");
	assert_string_equal(g->dimensions[1].value, "{candidate}");
	g = guard(f, "{ probe: \"http://{candidate}/health?x=1\" }");
	assert_string_equal(g->url, "http://{candidate}/health?x=1");
	g = guard(f, "{ probe: \"https://{candidate}:8443/health\" }");
	assert_string_equal(g->name, "https://{candidate}:8443/health");
	g = guard(f, "{ metric: A/B, below: 1, missing: unknown, dimensions: {}, period: 10s }");
	assert_false(g->missing_is_zero);
	assert_false(g->candidate_series);
	assert_int_equal(g->n_dimensions, 0);
}

static void probes(void **state)
{
	struct plan_fixture *f = *state;
	const struct plan_guard *g = guard(f, "{ probe: \"https://test.example.com/health\" }");

	assert_int_equal(g->kind, GUARD_PROBE);
	assert_string_equal(g->url, "https://test.example.com/health");
	assert_string_equal(g->method, "GET");
	assert_int_equal(g->expect_status, 200);
	assert_int_equal(g->timeout_ms, 10000);
	assert_int_equal(g->failures, 1);
	assert_null(g->body_contains);
	assert_int_equal(g->in, GUARD_IN_VERIFY | GUARD_IN_WATCH | GUARD_IN_BAKE);
	g = guard(f, "{ probe: \"https://x.example.com/health?key=secret\" }");
	assert_string_equal(g->url, "https://x.example.com/health?key=secret");
	assert_string_equal(g->name, "https://x.example.com/health"); /* what people are told */
	g = guard(f, "{ probe: \"http://127.0.0.1:8080/\", method: HEAD, expect: 404, timeout: 1s,"
		     " failures: 100 }");
	assert_string_equal(g->method, "HEAD");
	assert_int_equal(g->expect_status, 404);
	assert_int_equal(g->timeout_ms, 1000);
	assert_int_equal(g->failures, 100);
	assert_string_equal(guard(f, "{ probe: \"https://x/\", contains: ok }")->body_contains,
			    "ok");
}

static void invocations(void **state)
{
	struct plan_fixture *f = *state;
	const struct plan_guard *g = guard(f, "{ invoke: smoke }");

	assert_int_equal(g->kind, GUARD_INVOKE);
	assert_string_equal(g->function, "smoke");
	assert_null(g->payload);
	assert_int_equal(g->in, GUARD_IN_VERIFY);
	assert_int_equal(g->timeout_ms, 10000);
	g = guard(f, "{ invoke: \"arn:aws:lambda:eu-west-1:111122223333:function:smoke\","
		     " payload: '{\"test\": [1, \"x\"]}', timeout: 900s, failures: 2 }");
	assert_string_equal(g->function, "arn:aws:lambda:eu-west-1:111122223333:function:smoke");
	assert_string_equal(g->payload, "{\"test\": [1, \"x\"]}");
	assert_int_equal(g->timeout_ms, 900000);
	assert_int_equal(g->failures, 2);
}

static void health(void **state)
{
	struct plan_fixture *f = *state;
	const struct plan_guard *g = guard(f, "{ health: candidate, failures: 2 }");

	assert_int_equal(g->kind, GUARD_HEALTH);
	assert_int_equal(g->failures, 2);
	assert_int_equal(g->in, GUARD_IN_WATCH | GUARD_IN_BAKE);
}

/* What stands as the second guard, and what is said about it. */
static const struct {
	const char *text, *words;
} BAD[] = {
	{"checkout-errors", "\"checkout-errors\": a guard is one of alarm, metric, probe"},
	{"~", "a guard is one of alarm, metric, probe, invoke, health: { alarm: checkout-"},
	{"{}", "a guard is one of alarm"},
	{"{ alarms: x }", "a guard is one of alarm"},
	{"{ alarm: ~ }", "a guard is one of alarm"},
	{"{ alarm: x, probe: \"https://x/\" }", "\"probe\": unknown here; known are: alarm "},
	{"{ alarm: x, failures: 3 }", "\"failures\": unknown here; known are: alarm in"},
	{"{ alarm: [x] }", "a single value belongs here, not a list"},
	{"{ alarm: \"\" }", "\"\": it must not be empty"},
	{"{ alarm: \"a\\nb\" }", "\"a?b\": write an alarm's name, of 1 to 255 characters"},
	{"{ alarm: x, in: deploy }", ".in: \"deploy\": write verify, watch or bake"},
	{"{ alarm: x, in: [] }", ".in: in: is empty; write verify, watch or bake"},
	{"{ alarm: x, in: [watch, [bake]] }", ".in: write verify, watch or bake"},
	{"{ alarm: x, in: { watch: yes } }", ".in: write verify, watch or bake, or a list"},
	{"{ metric: Errors, below: 1 }", "\"Errors\": write namespace/name, for example AWS"},
	{"{ metric: /Errors, below: 1 }", "\"/Errors\": write namespace/name"},
	{"{ metric: AWS/, below: 1 }", "\"AWS/\": write namespace/name"},
	{"{ metric: A/B }", "a metric guard needs exactly one of below, at_most, above, at"},
	{"{ metric: A/B, below: 1, above: 0 }", "a metric guard needs exactly one of"},
	{"{ metric: A/B, below: few }", ".below: \"few\": not a number; write one such as 5"},
	{"{ metric: A/B, below: nan }", ".below: \"nan\": not a number"},
	{"{ metric: A/B, below: 1, period: 5s }", ".period: \"5s\": write 10s to 24h"},
	{"{ metric: A/B, below: 1, period: 40s }",
	 ".period: \"40s\": CloudWatch has periods of 10s, 20s, 30s, and multiples of 1m"},
	{"{ metric: A/B, below: 1, period: 90s }", ".period: \"90s\": CloudWatch has periods"},
	{"{ metric: A/B, below: 1, missing: ok }", ".missing: \"ok\": write zero or unknown"},
	{"{ metric: A/B, below: 1, dimensions: [x] }",
	 ".dimensions: write a map of at most 10 dimensions: { Name: value }"},
	{"{ metric: A/B, below: 1, dimensions: { a: ~ } }",
	 ".dimensions: \"\": it must not be empty"},
	{"{ metric: A/B, below: 1, dimensions: { \"\": x } }",
	 ".dimensions: \"\": a dimension needs a name"},
	{"{ metric: A/B, below: 1, dimensions: {a: 1, b: 1, c: 1, d: 1, e: 1, f: 1, g: 1,"
	 " h: 1, i: 1, j: 1, k: 1} }",
	 ".dimensions: write a map of at most 10"},
	{"{ metric: A/B, below: 1, failures: 2 }", "\"failures\": unknown here"},
	{"{ probe: /health }", "\"/health\": write an absolute https URL (http for loopback"},
	{"{ probe: \"http://{candidate}.example.com/\" }", "write an absolute https URL"},
	{"{ probe: \"http://x.example.com/{candidate}\" }", "write an absolute https URL"},
	{"{ probe: \"https://{baseline}/\" }", "write an absolute https URL"},
	{"{ probe: \"http://example.com/\" }", "\"http://example.com/\": write an absolute"},
	{"{ probe: \"https://user@example.com/\" }", ": write an absolute https URL"},
	{"{ probe: \"http://x.example.com/?key=secret\" }",
	 "\"http://x.example.com/\": write an absolute https URL"},
	{"{ probe: \"https://x/\", method: POST }",
	 ".method: \"POST\": a probe reads only: write GET or HEAD"},
	{"{ probe: \"https://x/\", expect: ok }",
	 ".expect: \"ok\": write a whole number from 100 to 599"},
	{"{ probe: \"https://x/\", expect: 99 }", ".expect: \"99\": write a whole number"},
	{"{ probe: \"https://x/\", timeout: 3m }", ".timeout: \"3m\": write 1s to 2m"},
	{"{ probe: \"https://x/\", failures: 0 }",
	 ".failures: \"0\": write a whole number from 1 to 100"},
	{"{ probe: \"https://x/\", method: HEAD, contains: ok }",
	 "\"ok\": the answer to HEAD has no body; write method: GET"},
	{"{ invoke: \"smoke:live\" }", "\"smoke:live\": write a function's name or its ARN"},
	{"{ invoke: smoke, payload: \"{test: 1}\" }",
	 ".payload: \"{test: 1}\": a payload is JSON, in quotes: '{\"test\":true}' ("},
	{"{ invoke: smoke, payload: { test: 1 } }", ".payload: a single value belongs here"},
	{"{ invoke: smoke, timeout: 20m }", ".timeout: \"20m\": write 1s to 15m10s"},
	{"{ health: yes }", "\"yes\": write health: candidate"},
};

static void what_is_wrong_with_a_guard_is_said(void **state)
{
	struct plan_fixture *f = *state;

	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
		const char *text;

		file(f, arena_printf(f->arena, HEAD "  - { alarm: other }\n  - %s\n", BAD[i].text));
		expect_only(f, "rollout.yaml:6: guards[1]");
		text = f->problems.first->is_warning ? f->problems.first->next->text
						     : f->problems.first->text;
		if (strncmp(text + strlen("rollout.yaml:6: guards[1]"),
			    BAD[i].words[0] == '.' ? "" : ": ",
			    BAD[i].words[0] == '.' ? 0 : 2) != 0 ||
		    !strstr(text, BAD[i].words))
			fail_msg("%s:\n%s", BAD[i].text, all_problems(f));
	}
}

static void guards_are_limited(void **state)
{
	struct plan_fixture *f = *state;
	struct buf b;

	buf_init(&b, LIMIT_PLAN_BYTES);
	buf_adds(&b, HEAD);
	for (int i = 0; i < LIMIT_GUARDS; i++)
		buf_addf(&b, "  - { alarm: a%d }\n", i);
	file(f, b.p);
	read_ok(f);
	assert_int_equal(f->plan->n_guards, LIMIT_GUARDS);
	prop(f, "Alarms", "one, more");
	read_ok(f);
	assert_int_equal(f->plan->n_guards, 2);
	forget(f);
	buf_adds(&b, "  - { health: candidate }\n");
	file(f, b.p);
	expect_only(f, "rollout.yaml:37: guards[32]: at most 32 guards");
	buf_release(&b);
}

static void alarm_names_may_be_long(void **state)
{
	struct plan_fixture *f = *state;
	struct buf b;

	prop(f, "Target", "lambda:checkout:live");
	prop(f, "Strategy", "canary 5% 10m");
	buf_init(&b, 4096);
	for (int i = 0; i < 255; i++)
		buf_adds(&b, "\xc3\xa4");
	prop(f, "Alarms", b.p);
	read_ok(f);
	buf_adds(&b, "x");
	prop(f, "Alarms", b.p);
	expect_only(f, "Alarms: \"");
	buf_release(&b);
}

static void dimensions_decide_but_not_their_order(void **state)
{
	struct plan_fixture *f = *state;
	const char *const same[] = {"dimensions: { a: 1, b: 2, c: 3 }",
				    "dimensions: { c: 3, b: 2, a: 1 }"};
	const char *const other[] = {
		"dimensions: { a: 1, b: 2 }", "dimensions: { a: 1, b: 3, c: 3 }",
		"dimensions: { a: 2, b: 1, c: 3 }", "dimensions: {}", "stat: Sum"};
	char first[SHA256_HEX_SIZE];

	guard(f, arena_printf(f->arena, "{ metric: A/B, below: 1, %s }", same[0]));
	memcpy(first, f->plan->digest, sizeof(first));
	guard(f, arena_printf(f->arena, "{ metric: A/B, below: 1, %s }", same[1]));
	assert_string_equal(f->plan->digest, first);
	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
		guard(f, arena_printf(f->arena, "{ metric: A/B, below: 1, %s }", other[i]));
		assert_string_not_equal(f->plan->digest, first);
	}
	/* no dimensions at all is another thing than none given */
	guard(f, "{ metric: A/B, below: 1, dimensions: {} }");
	memcpy(first, f->plan->digest, sizeof(first));
	guard(f, "{ metric: A/B, below: 1 }");
	assert_string_not_equal(f->plan->digest, first);
	guard(f, "{ metric: A/B, at_most: 1, dimensions: {} }");
	assert_string_not_equal(f->plan->digest, first);
	guard(f, "{ metric: A/B, below: 1.0000001, dimensions: {} }");
	assert_string_not_equal(f->plan->digest, first);
	guard(f, "{ metric: A/B, below: 1, dimensions: {}, period: 2m }");
	assert_string_not_equal(f->plan->digest, first);
	guard(f, "{ metric: A/B, below: 1, dimensions: {}, missing: zero }");
	assert_string_not_equal(f->plan->digest, first);
	guard(f, "{ metric: A/B, below: 1, dimensions: {}, stat: Average }");
	assert_string_not_equal(f->plan->digest, first);
	guard(f, "{ metric: A/B, below: 1.0, dimensions: {}, period: 60s, missing: unknown }");
	assert_string_equal(f->plan->digest, first);
}

#define T(name) cmocka_unit_test_setup_teardown(name, plan_set_up, plan_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(alarms),
		T(metrics),
		T(probes),
		T(invocations),
		T(health),
		T(what_is_wrong_with_a_guard_is_said),
		T(guards_are_limited),
		T(alarm_names_may_be_long),
		T(dimensions_decide_but_not_their_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
