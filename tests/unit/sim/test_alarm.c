#include "tests/unit/sim/services.h"

#include "tests/sim/sim_alarm.h"

/* The alarms of the simulated CloudWatch. */

#define START INT64_C(1767607200) /* 2026-01-05T10:00:00Z */

static void at_second(struct world *w, int64_t s, const char *line)
{
	int64_t ms = (START + s) * 1000 - sim_now(w->sim).ms;
	assert_true(ms >= 0);
	sim_advance(w->sim, ms);
	ctl(w, line);
}

static const struct json *describe(struct world *w, const char *body)
{
	cw(w, "DescribeAlarms", body);
	assert_status(w, 200);
	return body_json(w);
}

static const char *state_of(struct world *w, const char *name)
{
	return json_cstr(
		json_get(ctl(w, arena_printf(w->arena, "cloudwatch show %s", name)), "state"));
}

static void test_an_alarm_goes_off_and_recovers(void **state)
{
	struct world *w = world_new(NULL);
	const struct json *a;
	(void)state;
	ctl(w, "cloudwatch alarm errors namespace=Shop metric=Errors dimensions=a=1 stat=Sum "
	       "period=60 "
	       "threshold=5 comparison=GreaterThanThreshold missing=notBreaching");
	assert_string_equal(state_of(w, "errors"), "INSUFFICIENT_DATA");
	at_second(w, 30, "cloudwatch metric Shop Errors dimensions=a=1 count=12");
	sim_advance(w->sim, 34000);
	assert_string_equal(state_of(w, "errors"), "OK"); /* judged at 10:00:05: nothing there */
	sim_advance(w->sim, 1000); /* 10:01:05: the first whole minute is judged */
	assert_string_equal(state_of(w, "errors"), "ALARM");
	a = json_get(describe(w, "{\"AlarmNames\":[\"errors\",\"nobody\"]}"), "MetricAlarms");
	assert_int_equal(a->n, 1); /* an unknown name is left out */
	a = a->first;
	assert_text(
		a, "StateReason",
		"Threshold Crossed: 1 datapoint [12.0 (05/01/26 10:00:00)] was greater than the "
		"threshold (5.0).");
	assert_text(a, "StateValue", "ALARM");
	assert_near(number(a, "StateTransitionedTimestamp"), START + 65, 0);
	assert_near(number(a, "Threshold"), 5, 0);
	assert_text(a, "MetricName", "Errors");
	assert_text(a, "Statistic", "Sum");
	assert_text(json_get(a, "Dimensions")->first, "Name", "a");
	/* the evaluation range reaches two periods further back: the last real point counts on */
	sim_advance(w->sim, 120000);
	assert_string_equal(state_of(w, "errors"), "ALARM");
	sim_advance(w->sim, 60000);
	assert_string_equal(state_of(w, "errors"), "OK");
	a = json_get(describe(w, "{}"), "MetricAlarms")->first;
	assert_text(a, "StateReason",
		    "Threshold Crossed: no datapoints were received for 1 period and 1 missing "
		    "datapoint was treated as [NonBreaching].");
	world_free(w);
}

static void test_fast_alarms_are_judged_every_ten_seconds(void **state)
{
	struct world *w = world_new(NULL);
	(void)state;
	ctl(w,
	    "cloudwatch alarm fast namespace=Shop metric=Load stat=Average period=10 threshold=0.5 "
	    "comparison=GreaterThanOrEqualToThreshold datapoints=2 evaluation_periods=3");
	at_second(w, 1, "cloudwatch metric Shop Load value=0.5");
	at_second(w, 11, "cloudwatch metric Shop Load value=0.4");
	at_second(w, 21, "cloudwatch metric Shop Load value=0.9");
	at_second(w, 31, "cloudwatch metric Shop Load value=0.1");
	assert_string_equal(state_of(w, "fast"), "OK");
	sim_advance(w->sim, 1000);
	assert_string_equal(state_of(w, "fast"), "ALARM");
	assert_text(
		ctl(w, "cloudwatch show fast"), "reason",
		"Threshold Crossed: 2 out of the last 3 datapoints [0.9 (05/01/26 10:00:20), 0.4 "
		"(05/01/26 10:00:10), 0.5 (05/01/26 10:00:00)] were greater than or equal to the "
		"threshold (0.5) (minimum 2 datapoints for OK -> ALARM transition).");
	sim_advance(w->sim, 10000);
	assert_string_equal(state_of(w, "fast"), "OK");
	world_free(w);
}

/*
 * The tables of "How alarm state is evaluated when data is missing": oldest first, X breaching,
 * 0 not, - missing; expected states with missing, ignore, breaching, notBreaching. The alarm is in
 * the state R (INSUFFICIENT_DATA) before, so R means that the state is kept.
 */
static void test_missing_data_is_treated_as_documented(void **state)
{
	static const struct {
		const char *points;
		int n, m;
		const char *expect;
	} cases[] = {
		{"0-X-X", 3, 3, "OOOO"}, {"0----", 3, 3, "OOOO"}, {"-----", 3, 3, "RRAO"},
		{"0XX-X", 3, 3, "AAAA"}, {"--X--", 3, 3, "ARAO"}, {"0-X-X", 3, 2, "AAAA"},
		{"00X0X", 3, 2, "AAAA"}, {"0-X--", 3, 2, "OOAO"}, {"----0", 3, 2, "OOAO"},
		{"---X-", 3, 2, "ARAO"},
	};
	static const enum sim_missing kinds[] = {SIM_MISSING_MISSING, SIM_MISSING_IGNORE,
						 SIM_MISSING_BREACHING, SIM_MISSING_NOT_BREACHING};
	struct err err = ERR_INIT;
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]) * 4; i++) {
		struct sim_metric_store *st = sim_metric_store_new();
		struct sim_metric *m = sim_metric_get(st, STR("Shop"), STR("M"), STR(""));
		struct sim_alarm *a = xcalloc(1, sizeof(*a));
		char want = cases[i / 4].expect[i % 4];
		const char *name = want == 'O' ? "OK" : want == 'A' ? "ALARM" : "INSUFFICIENT_DATA";
		assert_int_equal(sim_math_parse(&a->math, STR("m1"), &err), 0);
		a->state = SIM_ALARM_INSUFFICIENT;
		a->inputs[0] = (struct sim_alarm_input){xstrdup("Shop"), xstrdup("M"), xstrdup(""),
							xstrdup("Sum")};
		a->period_s = 60;
		a->evaluation_periods = cases[i / 4].n;
		a->datapoints = cases[i / 4].m;
		a->threshold = 1;
		a->missing = kinds[i % 4];
		for (int k = 0; k < 5; k++)
			if (cases[i / 4].points[k] != '-')
				sim_metric_record(m, (struct utc){60000 * k + 5},
						  cases[i / 4].points[k] == 'X' ? 9 : 0, 1);
		a->next_evaluation.ms = 1;
		sim_alarm_evaluate(a, st, (struct utc){300000 + SIM_ALARM_DELAY_MS});
		if (strcmp(sim_alarm_state_name(a->state), name) != 0)
			fail_msg("%s, %s: %s, not %s", cases[i / 4].points,
				 sim_missing_name(a->missing), sim_alarm_state_name(a->state),
				 name);
		sim_alarm_free(a);
		sim_metric_store_free(st);
	}
}

static void test_math_alarms_watch_a_rate(void **state)
{
	struct world *w = world_new(NULL);
	const struct json *a;
	(void)state;
	ctl(w,
	    "cloudwatch alarm rate expression=errors/requests metric.errors=\"Shop Errors - Sum\" "
	    "metric.requests=\"Shop Requests - Sum\" threshold=0.05");
	at_second(w, 10, "cloudwatch metric Shop Requests count=100");
	at_second(w, 20, "cloudwatch metric Shop Errors count=6");
	sim_advance(w->sim, 60000);
	assert_string_equal(state_of(w, "rate"), "ALARM");
	a = json_get(describe(w, "{}"), "MetricAlarms")->first;
	assert_null(json_get(a, "MetricName"));
	a = json_get(a, "Metrics");
	assert_int_equal(a->n, 3);
	assert_text(a->first, "MetricStat.Metric.MetricName", "Errors");
	assert_text(a->first->next->next, "Expression", "errors/requests");
	sim_advance(w->sim, 180000);
	assert_string_equal(state_of(w, "rate"), "INSUFFICIENT_DATA");
	assert_text(ctl(w, "cloudwatch show rate"), "reason",
		    "Insufficient Data: 1 datapoint was unknown.");
	world_free(w);
}

static void test_composite_alarms_follow_their_rule(void **state)
{
	struct world *w = world_new(NULL);
	const struct json *j;
	(void)state;
	ctl(w, "cloudwatch alarm a namespace=S metric=A threshold=1 state=OK");
	ctl(w, "cloudwatch alarm b namespace=S metric=B threshold=1 state=OK");
	ctl(w, "cloudwatch composite any rule=\"ALARM(a) OR ALARM(\\\"b\\\")\"");
	ctl(w, "cloudwatch composite both rule=\"ALARM(a) AND NOT (OK(b) OR FALSE)\"");
	sim_advance(w->sim, 1000);
	assert_string_equal(state_of(w, "any"), "OK");
	ctl(w, "cloudwatch set-state a ALARM reason=test");
	sim_advance(w->sim, 1000);
	assert_string_equal(state_of(w, "any"), "ALARM");
	assert_string_equal(state_of(w, "both"), "OK");
	ctl(w, "cloudwatch set-state b ALARM");
	sim_advance(w->sim, 1000);
	assert_string_equal(state_of(w, "both"), "ALARM");
	/* without AlarmTypes only metric alarms are told */
	j = describe(w, "{}");
	assert_int_equal(json_get(j, "CompositeAlarms")->n, 0);
	assert_int_equal(json_get(j, "MetricAlarms")->n, 2);
	j = describe(w, "{\"AlarmTypes\":[\"CompositeAlarm\"]}");
	assert_int_equal(json_get(j, "MetricAlarms")->n, 0);
	assert_int_equal(json_get(j, "CompositeAlarms")->n, 2);
	assert_text(json_get(j, "CompositeAlarms")->first, "AlarmRule", "ALARM(a) OR ALARM(\"b\")");
	ctl(w, "cloudwatch delete a");
	ctl(w, "cloudwatch delete b");
	sim_advance(w->sim, 1000);
	assert_string_equal(state_of(w, "any"), "OK");
	world_free(w);
}

static void test_alarms_are_filtered_and_paged(void **state)
{
	struct world *w = world_new(NULL);
	const struct json *j;
	struct buf b;
	(void)state;
	for (int i = 0; i < 5; i++)
		ctl(w, arena_printf(
			       w->arena,
			       "cloudwatch alarm shop-%d namespace=S metric=A threshold=1 state=%s",
			       i, i == 3 ? "ALARM" : "OK"));
	ctl(w, "cloudwatch composite zz rule=TRUE");
	j = describe(w, "{\"StateValue\":\"ALARM\"}");
	assert_int_equal(json_get(j, "MetricAlarms")->n, 1);
	j = describe(w, "{\"AlarmNamePrefix\":\"shop-\",\"MaxRecords\":4,"
			"\"AlarmTypes\":[\"MetricAlarm\",\"CompositeAlarm\"]}");
	assert_int_equal(json_get(j, "MetricAlarms")->n, 4);
	j = describe(w, arena_printf(w->arena,
				     "{\"MaxRecords\":4,\"NextToken\":\"%s\","
				     "\"AlarmTypes\":[\"MetricAlarm\",\"CompositeAlarm\"]}",
				     json_cstr(json_get(j, "NextToken"))));
	assert_text(json_get(j, "MetricAlarms")->first, "AlarmName", "shop-4");
	assert_int_equal(json_get(j, "CompositeAlarms")->n, 1);
	assert_null(json_get(j, "NextToken"));
	cw(w, "DescribeAlarms", "{\"AlarmNames\":[\"a\"],\"AlarmNamePrefix\":\"a\"}");
	assert_error(w, 400, "InvalidParameterCombination");
	cw(w, "DescribeAlarms", "{\"MaxRecords\":101}");
	assert_error(w, 400, "InvalidParameterValue");
	cw(w, "DescribeAlarms", "{\"StateValue\":\"RED\"}");
	assert_error(w, 400, "InvalidParameterValue");
	cw(w, "DescribeAlarms", "{\"AlarmTypes\":[\"Fire\"]}");
	assert_error(w, 400, "InvalidParameterValue");
	cw(w, "DescribeAlarms", "{\"NextToken\":\"x\"}");
	assert_error(w, 400, "InvalidNextToken");
	buf_init(&b, 4096);
	for (int i = 0; i < 101; i++)
		buf_addf(&b, "%s\"a%d\"", i ? "," : "", i);
	cw(w, "DescribeAlarms", arena_printf(w->arena, "{\"AlarmNames\":[%s]}", b.p));
	assert_error(w, 400, "InvalidParameterValue");
	buf_release(&b);
	world_free(w);
}

static void test_rules_that_do_not_parse_are_refused(void **state)
{
	static const char *const bad[] = {"",	     "ALARM",  "ALARM(",     "ALARM()",
					  "ALARM(a", "NOT",    "ALARM(a) b", "AND",
					  "(OK(a)",  "OK(a))", "MAYBE(a)"};
	struct sim_rule *r = xcalloc(1, sizeof(*r));
	struct err err = ERR_INIT;
	char deep[200];
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (sim_rule_parse(r, str_from(bad[i]), &err) == 0)
			fail_msg("'%s' was accepted", bad[i]);
	memset(deep, '(', sizeof(deep));
	assert_int_equal(sim_rule_parse(r, (struct str){deep, sizeof(deep)}, &err), -1);
	assert_int_equal(
		sim_rule_parse(r, STR("(TRUE AND NOT FALSE) OR INSUFFICIENT_DATA('x')"), &err), 0);
	free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_alarm_goes_off_and_recovers),
		cmocka_unit_test(test_fast_alarms_are_judged_every_ten_seconds),
		cmocka_unit_test(test_missing_data_is_treated_as_documented),
		cmocka_unit_test(test_math_alarms_watch_a_rate),
		cmocka_unit_test(test_composite_alarms_follow_their_rule),
		cmocka_unit_test(test_alarms_are_filtered_and_paged),
		cmocka_unit_test(test_rules_that_do_not_parse_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
