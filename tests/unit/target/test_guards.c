#include "tests/unit/target/guard_world.h"

/*
 * Alarms, probes, invocations and health, and all of them together: what they answer to what, and
 * what is said before anything is touched. Metrics are in test_metric.c.
 */

/* --- alarms ---------------------------------------------------------------------------------- */

static const struct plan_guard ALARM = {.kind = GUARD_ALARM,
					.in = GUARD_IN_WATCH | GUARD_IN_BAKE,
					.name = "errors",
					.place = "Alarms",
					.failures = 1};

static void alarm_is(struct world *w, const char *state, int periods, const char *more)
{
	forget_routes(w);
	route(w, "POST", "\"AlarmNames\"", 200,
	      arena_printf(
		      w->f->arena,
		      "{\"MetricAlarms\":[{\"AlarmName\":\"errors\",\"StateValue\":\"%s\","
		      "\"StateReason\":\"2 of 2 over 5\",\"Period\":60,\"EvaluationPeriods\":%d"
		      "%s}]}",
		      state, periods, more));
}

static void an_alarm_says_how_it_is(void **state)
{
	struct world *w = *state;
	uint8_t failures = 0;
	struct verdict v;

	alarm_is(w, "OK", 2, "");
	expect(ask(w, &ALARM, &failures), VERDICT_PASS, "alarm errors is OK");
	v = ask(w, &ALARM, NULL);
	assert_int_equal(v.at.ms, w->f->now.ms); /* when CloudWatch was asked */
	alarm_is(w, "ALARM", 2, "");
	expect(ask(w, &ALARM, &failures), VERDICT_FAIL, "alarm errors is in ALARM: 2 of 2 over 5");
	alarm_is(w, "INSUFFICIENT_DATA", 2, "");
	expect(ask(w, &ALARM, &failures), VERDICT_UNKNOWN, "alarm errors has not enough data");
	alarm_is(w, "SLEEPY", 2, "");
	expect(ask(w, &ALARM, &failures), VERDICT_UNKNOWN, "alarm errors has not enough data");
	alarm_is(w, "OK", 2, ",\"EvaluationState\":\"EVALUATION_ERROR\"");
	expect(ask(w, &ALARM, &failures), VERDICT_ERROR, "could not be evaluated fully");
	alarm_is(w, "ALARM", 2, ",\"EvaluationState\":\"PARTIAL_DATA\"");
	expect(ask(w, &ALARM, &failures), VERDICT_FAIL, "is in ALARM");
	forget_routes(w);
	route(w, "POST", "\"AlarmNames\"", 200, "{\"MetricAlarms\":[]}");
	expect(ask(w, &ALARM, &failures), VERDICT_ERROR, "alarm errors does not exist");
	forget_routes(w);
	route(w, "POST", "\"AlarmNames\"", 500, "{}");
	expect(ask(w, &ALARM, &failures), VERDICT_ERROR, "alarm errors: CloudWatch.DescribeAlarms");
	expect_canceled(w, &ALARM);
}

static void an_alarm_is_checked_beforehand(void **state)
{
	struct world *w = *state;

	alarm_is(w, "OK", 10, "");
	check(w, &ALARM);
	assert_null(w->problems.first);
	alarm_is(w, "ALARM", 2, "");
	check(w, &ALARM);
	expect_said(w, "Alarms: \"errors\": the alarm is red already, so it could not tell");
	assert_int_equal(w->problems.n_errors, 1);
	forget_routes(w);
	route(w, "POST", "\"AlarmNames\"", 200, "{\"MetricAlarms\":[]}");
	check(w, &ALARM);
	expect_said(w, "Alarms: \"errors\": there is no such alarm in eu-central-1");
	assert_int_equal(w->problems.n_errors, 1);
	forget_routes(w);
	route(w, "POST", "\"AlarmNames\"", 403, "{}");
	check(w, &ALARM);
	expect_said(w, "Alarms: \"errors\": the alarm cannot be read: CloudWatch.DescribeAlarms");
	assert_int_equal(w->problems.n_errors, 1);
	alarm_is(w, "INSUFFICIENT_DATA", 2, "");
	check(w, &ALARM);
	assert_int_equal(w->problems.n_errors, 0);
	expect_said(w, "the alarm is not OK now: 2 of 2 over 5; a step is held until it is");
	alarm_is(w, "OK", 2, ",\"EvaluationState\":\"PARTIAL_DATA\"");
	check(w, &ALARM);
	assert_int_equal(w->problems.n_errors, 0);
	assert_int_equal(w->problems.n_warnings, 1);
}

static void an_alarm_must_be_fast_enough(void **state)
{
	struct plan_guard g = ALARM;
	struct world *w = *state;

	/* one step of ten minutes, no bake */
	alarm_is(w, "OK", 10, "");
	check(w, &g);
	assert_null(w->problems.first);
	alarm_is(w, "OK", 11, "");
	check(w, &g);
	expect_said(w, "Alarms: \"errors\": the alarm looks at 11m, the longest step or bake time "
		       "that relies on it is 10m: it could not go off in time; watch longer");
	assert_int_equal(w->problems.n_errors, 1);
	/* a bake time that relies on it helps */
	w->plan.bake_ms = 15 * MINUTE_MS;
	check(w, &g);
	assert_int_equal(w->problems.n_errors, 0);
	expect_said(w, "the alarm looks at 11m: step 1 is over after 10m, before it could go off");
	assert_int_equal(w->problems.n_warnings, 1);
	g.in = GUARD_IN_WATCH;
	check(w, &g);
	assert_int_equal(w->problems.n_errors, 1);
	g.in = GUARD_IN_BAKE;
	check(w, &g);
	assert_null(w->problems.first);
	/* a composite alarm has no window */
	forget_routes(w);
	route(w, "POST", "\"AlarmNames\"", 200,
	      "{\"CompositeAlarms\":[{\"AlarmName\":\"errors\",\"StateValue\":\"OK\"}]}");
	w->plan.bake_ms = 0;
	w->plan.steps[0].watch_ms = 0;
	check(w, &ALARM);
	assert_null(w->problems.first);
	alarm_is(w, "OK", 1, "");
	check(w, &ALARM);
	expect_said(w,
		    "the alarm looks at 1m, the longest step or bake time that relies on it is 0s");
}

/* --- probes ---------------------------------------------------------------------------------- */

static struct plan_guard probe(void)
{
	return (struct plan_guard){.kind = GUARD_PROBE,
				   .in = GUARD_IN_VERIFY,
				   .name = "https://test.example.com/health",
				   .url = "https://test.example.com/health",
				   .method = "GET",
				   .expect_status = 200,
				   .timeout_ms = 7000,
				   .failures = 1};
}

static void a_probe_answers_for_itself(void **state)
{
	struct world *w = *state;
	struct plan_guard g = probe();
	struct route *r;

	route(w, "GET", "test.example.com/health", 200, "all is ok");
	expect(ask(w, &g, NULL), VERDICT_PASS,
	       "probe https://test.example.com/health answered 200");
	assert_int_equal(w->f->requests[0].total_ms, 7000);
	g.body_contains = "is ok";
	expect(ask(w, &g, NULL), VERDICT_PASS, "answered 200");
	g.body_contains = "is fine";
	expect(ask(w, &g, NULL), VERDICT_FAIL, "the answer does not contain \"is fine\"");
	g.expect_status = 503;
	expect(ask(w, &g, NULL), VERDICT_FAIL, "HTTP 200, expected 503");
	forget_routes(w);
	route(w, "GET", "health", 503, "this is fine");
	expect(ask(w, &g, NULL), VERDICT_PASS, "answered 503");
	forget_routes(w);
	r = route(w, "GET", "health", 0, "");
	r->fail = ERR_TIMEOUT;
	expect(ask(w, &g, NULL), VERDICT_FAIL, "failed 1 times in a row: no answer");
	expect_canceled(w, &g);
	check(w, &g);
	assert_null(w->problems.first);
}

static const char *own_address; /* of the candidate; NULL: none yet */
static enum err_code address_fails;

static int give_address(const struct target_env *env, const struct rollout_state *s,
			const char **host, struct err *err)
{
	(void)env;
	(void)s;
	*host = own_address;
	return address_fails ? err_set(err, address_fails, "cannot be read") : 0;
}

static int ask_own(struct world *w, const struct plan_guard *g, const struct target_ops *ops,
		   struct verdict *v)
{
	struct guard_env env = env_of(w);
	struct target_observation o = {.live = LIVE_SPLIT};
	uint8_t none = 0;

	env.ops = ops;
	return guard_of(g->kind)->ask(&env, g, &w->state, &o, &none, v, &w->err);
}

static void a_probe_reaches_the_candidate_by_its_own_address(void **state)
{
	struct target_ops ops = target_lambda;
	struct world *w = *state;
	struct plan_guard g = probe();
	struct verdict v;

	g.url = g.name = "http://{candidate}/health?of=it";
	/* a version of a function has none */
	check(w, &g);
	expect_said(w, "has no address of its own");
	assert_int_equal(ask_own(w, &g, &target_lambda, &v), 0);
	expect(v, VERDICT_UNKNOWN, "no address yet");
	ops.address = give_address;
	own_address = NULL;
	assert_int_equal(ask_own(w, &g, &ops, &v), 0);
	expect(v, VERDICT_UNKNOWN, "no address yet");
	assert_int_equal(w->f->n_requests, 0);
	own_address = "green.example.com";
	route(w, "GET", "http://green.example.com/health?of=it", 200, "");
	assert_int_equal(ask_own(w, &g, &ops, &v), 0);
	expect(v, VERDICT_PASS, "answered 200");
	address_fails = ERR_DENIED;
	assert_int_equal(ask_own(w, &g, &ops, &v), 0);
	expect(v, VERDICT_ERROR, "cannot be read");
	address_fails = ERR_CANCELED;
	assert_int_equal(ask_own(w, &g, &ops, &v), -1);
	address_fails = ERR_OK;
}

static void a_probe_looks_into_the_beginning_of_a_long_answer(void **state)
{
	struct world *w = *state;
	struct plan_guard g = probe();
	char *body = fake_repeat(w->f->arena, "0123456789abcdef", 1u << 16); /* 1 MiB */

	memcpy(body + 1000, "needle", 6);
	route(w, "GET", "health", 200, body);
	g.body_contains = "needle";
	expect(ask(w, &g, NULL), VERDICT_PASS, "answered 200");
}

static void a_probe_fails_after_so_many_failures_in_a_row(void **state)
{
	struct world *w = *state;
	struct plan_guard g = probe();
	uint8_t failures = 0;

	g.failures = 3;
	for (int round = 0; round < 2; round++) {
		forget_routes(w);
		route(w, "GET", "health", 500, "");
		expect(ask(w, &g, &failures), VERDICT_UNKNOWN, "failed 1 of 3 times: HTTP 500");
		expect(ask(w, &g, &failures), VERDICT_UNKNOWN, "failed 2 of 3 times");
		assert_int_equal(failures, 2);
		forget_routes(w);
		route(w, "GET", "health", 200, "");
		expect(ask(w, &g, &failures), VERDICT_PASS, "answered 200");
		assert_int_equal(failures, 0); /* in a row, not in all */
	}
	forget_routes(w);
	route(w, "GET", "health", 500, "");
	ask(w, &g, &failures);
	ask(w, &g, &failures);
	expect(ask(w, &g, &failures), VERDICT_FAIL, "failed 3 times in a row: HTTP 500, expected");
	expect(ask(w, &g, &failures), VERDICT_FAIL, "failed 4 times in a row");
	failures = 255; /* and never comes round */
	expect(ask(w, &g, &failures), VERDICT_FAIL, "failed 255 times in a row");
	assert_int_equal(failures, 255);
}

/* --- invocations ----------------------------------------------------------------------------- */

static struct plan_guard invoke(const char *function)
{
	return (struct plan_guard){.kind = GUARD_INVOKE,
				   .in = GUARD_IN_VERIFY,
				   .name = function,
				   .place = "rollout.yaml:7: guards[1]",
				   .function = function,
				   .timeout_ms = 10000,
				   .failures = 1};
}

static void returns(struct world *w, const char *headers, const char *payload)
{
	forget_routes(w);
	route(w, "POST", "/invocations", 200, payload)->headers = headers;
}

static void an_invocation_passes_by_returning(void **state)
{
	static const struct {
		const char *payload;
		enum verdict_kind kind;
		const char *words;
	} cases[] = {
		{"", VERDICT_PASS, "smoke passed"},
		{"null", VERDICT_PASS, "smoke passed"},
		{"{\"fine\":true}", VERDICT_PASS, "smoke passed"},
		{"not JSON", VERDICT_PASS, "smoke passed"},
		{"{\"verdict\":\"Pass\",\"text\":\"12 of 12\"}", VERDICT_PASS,
		 "smoke says Pass: 12 of 12"},
		{"{\"verdict\":\"pass\"}", VERDICT_PASS, "smoke says Pass"},
		{"{\"verdict\":\"Fail\",\"text\":\"3 of 12\"}", VERDICT_FAIL,
		 "smoke says Fail: 3 of 12"},
		{"{\"verdict\":\"FAIL\"}", VERDICT_FAIL, "smoke says Fail"},
		{"{\"verdict\":\"Unknown\",\"text\":\"later\"}", VERDICT_UNKNOWN,
		 "smoke says Unknown: later"},
		{"{\"verdict\":\"Failed\"}", VERDICT_ERROR,
		 "gives the verdict \"Failed\", which is"},
		{"{\"verdict\":false}", VERDICT_ERROR, "gives the verdict \"\", which is none of"},
	};
	struct world *w = *state;
	struct plan_guard g = invoke("smoke");

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		returns(w, "", cases[i].payload);
		expect(ask(w, &g, NULL), cases[i].kind, cases[i].words);
	}
	returns(w, "X-Amz-Function-Error: Unhandled\n", "{\"errorMessage\":\"boom\"}");
	expect(ask(w, &g, NULL), VERDICT_FAIL,
	       "smoke threw (Unhandled): {\"errorMessage\":\"boom\"}");
	forget_routes(w);
	route(w, "POST", "/invocations", 403, "{}");
	expect(ask(w, &g, NULL), VERDICT_ERROR, "smoke could not be invoked: Lambda.Invoke");
	expect_canceled(w, &g);
}

static void an_invocation_that_threw_may_be_tolerated(void **state)
{
	struct world *w = *state;
	struct plan_guard g = invoke("smoke");
	uint8_t failures = 0;

	g.failures = 2;
	returns(w, "X-Amz-Function-Error: Unhandled\n", "{}");
	expect(ask(w, &g, &failures), VERDICT_UNKNOWN, "failed 1 of 2 times: smoke threw");
	expect(ask(w, &g, &failures), VERDICT_FAIL, "smoke threw");
	failures = 255;
	expect(ask(w, &g, &failures), VERDICT_FAIL, "smoke threw");
	assert_int_equal(failures, 255);
	returns(w, "", "{}");
	expect(ask(w, &g, &failures), VERDICT_PASS, "smoke passed");
	assert_int_equal(failures, 0);
}

static void an_invocation_gets_what_it_needs(void **state)
{
	struct world *w = *state;
	struct plan_guard g = invoke("smoke");
	const char *body;

	w->state.phase = PHASE_VERIFY;
	returns(w, "", "{}");
	ask(w, &g, NULL);
	assert_int_equal(sent(w, "POST", "/functions/smoke/invocations"), 1);
	assert_int_equal(sent(w, "POST", "Qualifier"), 0);
	body = last_body(w, "POST", "/invocations");
	assert_non_null(strstr(body, "\"rollout\":\"r-1\""));
	assert_non_null(strstr(body, "\"phase\":\"VERIFY\""));
	assert_non_null(strstr(body, "\"step\":1"));
	assert_non_null(strstr(body, "\"target\":\"lambda\""));
	g.payload = "{\"mine\":1}";
	ask(w, &g, NULL);
	assert_string_equal(last_body(w, "POST", "/invocations"), "{\"mine\":1}");
	/* the function that is deployed: the candidate's version of it, in every phase */
	g = invoke("checkout");
	ask(w, &g, NULL);
	assert_int_equal(sent(w, "POST", "/functions/checkout/invocations?Qualifier=8"), 1);
	w->state.phase = PHASE_BAKE;
	ask(w, &g, NULL);
	assert_int_equal(sent(w, "POST", "/functions/checkout/invocations?Qualifier=8"), 2);
	g = invoke(FUNCTION);
	ask(w, &g, NULL);
	assert_int_equal(sent(w, "POST", "invocations?Qualifier=8"), 3);
}

static void a_function_to_invoke_is_checked_beforehand(void **state)
{
	struct world *w = *state;
	struct plan_guard g = invoke("smoke");

	route(w, "GET", "/functions/smoke/configuration", 200, configuration(w, "$LATEST", ""));
	check(w, &g);
	assert_null(w->problems.first);
	forget_routes(w);
	not_found(w, "/functions/smoke/configuration");
	check(w, &g);
	expect_said(w,
		    "rollout.yaml:7: guards[1]: \"smoke\": the function cannot be read: Lambda.");
}

/* --- health ---------------------------------------------------------------------------------- */

static void health_is_the_targets_own_view(void **state)
{
	struct plan_guard g = {
		.kind = GUARD_HEALTH, .in = GUARD_IN_WATCH, .name = "candidate", .failures = 2};
	struct world *w = *state;
	uint8_t failures = 0;

	route(w, "GET", ALIAS, 200, alias(w, "7", "\"8\":0.05"));
	route(w, "GET", CONFIGURATION "?Qualifier=8", 200,
	      configuration(w, "8", ",\"State\":\"Active\""));
	expect(ask(w, &g, &failures), VERDICT_PASS, "the candidate is healthy");
	once(w, "GET", CONFIGURATION, 200, configuration(w, "8", ",\"State\":\"Failed\""));
	expect(ask(w, &g, &failures), VERDICT_UNKNOWN, "the candidate is not healthy, 1 looks in");
	once(w, "GET", CONFIGURATION, 200, configuration(w, "8", ",\"State\":\"Pending\""));
	expect(ask(w, &g, &failures), VERDICT_FAIL,
	       "not healthy, 2 looks in a row: version 8 is not");
	expect(ask(w, &g, &failures), VERDICT_PASS, "the candidate is healthy");
	assert_int_equal(failures, 0);
	/* what cannot be read is not unhealthy */
	forget_routes(w);
	route(w, "GET", ALIAS, 200, alias(w, "7", "\"8\":0.05"));
	route(w, "GET", CONFIGURATION, 500, "{}");
	expect(ask(w, &g, &failures), VERDICT_ERROR, "health: Lambda.GetFunctionConfiguration");
	assert_int_equal(failures, 0);
	forget_routes(w);
	route(w, "GET", ALIAS, 500, "{}");
	expect(ask(w, &g, &failures), VERDICT_ERROR, "health: Lambda.GetAlias");
	expect_canceled(w, &g);
	check(w, &g);
	assert_null(w->problems.first);
}

/* --- all of them ----------------------------------------------------------------------------- */

static void guards_are_joined_by_the_worst(void **state)
{
	struct world *w = *state;
	struct guard_env env = env_of(w);
	struct target_observation o = {.live = LIVE_SPLIT};
	struct verdict joined, each[LIMIT_GUARDS];
	uint8_t failures[LIMIT_GUARDS] = {0};

	w->plan.guards[0] = ALARM;
	w->plan.guards[1] = probe();
	w->plan.guards[1].in = GUARD_IN_WATCH | GUARD_IN_VERIFY;
	w->plan.guards[1].failures = 2;
	w->plan.guards[2] = invoke("smoke");
	w->plan.n_guards = 3;
	alarm_is(w, "OK", 2, "");
	route(w, "GET", "health", 500, "");
	route(w, "POST", "/invocations", 200, "{}");
	assert_int_equal(
		guards_ask(&env, &w->state, &o, GUARD_IN_WATCH, failures, &joined, each, &w->err),
		0);
	expect(joined, VERDICT_UNKNOWN, "failed 1 of 2 times");
	expect(each[0], VERDICT_PASS, "alarm errors is OK");
	assert_int_equal(each[1].kind, VERDICT_UNKNOWN);
	assert_int_equal(each[2].kind, VERDICT_UNKNOWN); /* not asked in this phase */
	assert_string_equal(each[2].text, "");
	assert_int_equal(sent(w, "POST", "/invocations"), 0);
	assert_int_equal(failures[1], 1);
	assert_int_equal(
		guards_ask(&env, &w->state, &o, GUARD_IN_WATCH, failures, &joined, NULL, &w->err),
		0);
	expect(joined, VERDICT_FAIL, "failed 2 times in a row");
	assert_int_equal(
		guards_ask(&env, &w->state, &o, GUARD_IN_BAKE, failures, &joined, each, &w->err),
		0);
	expect(joined, VERDICT_PASS, "alarm errors is OK");
	/* no guard is no evidence */
	w->plan.n_guards = 0;
	assert_int_equal(
		guards_ask(&env, &w->state, &o, GUARD_IN_BAKE, failures, &joined, each, &w->err),
		0);
	assert_int_equal(joined.kind, VERDICT_UNKNOWN);
}

static void a_canceled_guard_ends_the_asking(void **state)
{
	struct world *w = *state;
	struct guard_env env = env_of(w);
	struct target_observation o = {.live = LIVE_SPLIT};
	struct cancel *cancel = cancel_new();
	struct verdict joined;
	uint8_t failures[LIMIT_GUARDS] = {0};

	w->plan.guards[0] = ALARM;
	w->plan.n_guards = 1;
	w->env.client.cancel = cancel;
	cancel_fire(cancel);
	assert_int_equal(
		guards_ask(&env, &w->state, &o, GUARD_IN_WATCH, failures, &joined, NULL, &w->err),
		-1);
	assert_int_equal(w->err.code, ERR_CANCELED);
	cancel_free(cancel);
}

static void note_call(void *arg, const struct target_call *c)
{
	buf_addf(arg, "%s %s %s\n", phase_name(c->phase), c->iam_action, c->resource);
	assert_false(c->is_write);
}

static void their_calls_can_be_told_beforehand(void **state)
{
	struct plan_guard guards[] = {
		ALARM,		 {.kind = GUARD_METRIC}, probe(),
		invoke("smoke"), invoke("checkout"),	 {.kind = GUARD_HEALTH}};
	struct world *w = *state;
	struct buf b;

	buf_init(&b, 65536);
	for (size_t i = 0; i < 6; i++)
		guard_of(guards[i].kind)->calls(&guards[i], &w->plan, w->f->arena, note_call, &b);
	assert_string_equal(
		b.p,
		"WATCH cloudwatch:DescribeAlarms *\nWATCH cloudwatch:GetMetricData *\n"
		"INSPECT lambda:GetFunctionConfiguration arn:aws:lambda:*:*:function:smoke\n"
		"VERIFY lambda:InvokeFunction arn:aws:lambda:*:*:function:smoke\n"
		"INSPECT lambda:GetFunctionConfiguration arn:aws:lambda:*:*:function:checkout\n"
		"VERIFY lambda:InvokeFunction arn:aws:lambda:*:*:function:checkout:*\n");
	buf_release(&b);
	for (int k = 0; k < GUARD_KIND_COUNT; k++)
		assert_true(guard_of((enum guard_kind)k)->name[0]);
}

#define T(name) cmocka_unit_test_setup_teardown(name, guard_set_up, guard_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(an_alarm_says_how_it_is),
		T(an_alarm_is_checked_beforehand),
		T(an_alarm_must_be_fast_enough),
		T(a_probe_answers_for_itself),
		T(a_probe_reaches_the_candidate_by_its_own_address),
		T(a_probe_looks_into_the_beginning_of_a_long_answer),
		T(a_probe_fails_after_so_many_failures_in_a_row),
		T(an_invocation_passes_by_returning),
		T(an_invocation_that_threw_may_be_tolerated),
		T(an_invocation_gets_what_it_needs),
		T(a_function_to_invoke_is_checked_beforehand),
		T(health_is_the_targets_own_view),
		T(guards_are_joined_by_the_worst),
		T(a_canceled_guard_ends_the_asking),
		T(their_calls_can_be_told_beforehand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
