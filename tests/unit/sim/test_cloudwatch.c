#include "tests/unit/sim/services.h"

#include "tests/sim/sim_math.h"

/* The simulated CloudWatch: metrics and metric math, over the wire; see test_alarm.c for alarms. */

#define START INT64_C(1767607200) /* 2026-01-05T10:00:00Z */

static const struct json *data(struct world *w, const char *queries, const char *more)
{
	cw(w, "GetMetricData",
	   arena_printf(w->arena,
			"{\"StartTime\":%lld,\"EndTime\":%lld,\"MetricDataQueries\":[%s]%s}",
			(long long)START, (long long)START + 600, queries, more));
	assert_status(w, 200);
	return json_get(body_json(w), "MetricDataResults");
}

/* One query over a metric of the namespace Shop with the dimensions a=1, b=2. */
static const char *query(struct world *w, const char *id, const char *name, const char *stat)
{
	return arena_printf(
		w->arena,
		"{\"Id\":\"%s\",\"MetricStat\":{\"Metric\":{\"Namespace\":\"Shop\","
		"\"MetricName\":\"%s\",\"Dimensions\":[{\"Name\":\"b\",\"Value\":\"2\"},"
		"{\"Name\":\"a\",\"Value\":\"1\"}]},\"Period\":60,\"Stat\":\"%s\"}}",
		id, name, stat);
}

static void at_second(struct world *w, int64_t s, const char *line)
{
	int64_t ms = (START + s) * 1000 - sim_now(w->sim).ms;
	assert_true(ms >= 0);
	sim_advance(w->sim, ms);
	ctl(w, line);
}

static double value(const struct json *results, size_t row, size_t i)
{
	const struct json *r = results->first;
	while (row--)
		r = r->next;
	const struct json *v = json_get(r, "Values")->first;
	while (i-- && v)
		v = v->next;
	assert_non_null(v);
	return number(v, "");
}

static void test_statistics_come_from_the_values(void **state)
{
	static const char *const stats[] = {"Sum",     "SampleCount", "Average", "Minimum",
					    "Maximum", "p50",	      "p95",	 "p99.9"};
	const char *queries = "";
	struct world *w = world_new(NULL);
	const struct json *r;
	(void)state;
	at_second(w, 5, "cloudwatch metric Shop Time dimensions=a=1,b=2 value=10 count=90");
	at_second(w, 55, "cloudwatch metric Shop Time dimensions=b=2,a=1 value=100 count=9");
	at_second(w, 59, "cloudwatch metric Shop Time dimensions=b=2,a=1 value=1000");
	at_second(w, 61, "cloudwatch metric Shop Time dimensions=b=2,a=1 value=7");
	for (size_t i = 0; i < sizeof(stats) / sizeof(stats[0]); i++)
		queries =
			arena_printf(w->arena, "%s%s%s", queries, i ? "," : "",
				     query(w, arena_printf(w->arena, "m%zu", i), "Time", stats[i]));
	r = data(w, queries, "");
	/* newest first */
	assert_near(value(r, 0, 0), 7, 1e-9);
	assert_near(value(r, 0, 1), 2800, 1e-9);
	assert_near(value(r, 1, 1), 100, 1e-9);
	assert_near(value(r, 2, 1), 28, 1e-9);
	assert_near(value(r, 3, 1), 10, 1e-9);
	assert_near(value(r, 4, 1), 1000, 1e-9);
	assert_near(value(r, 5, 1), 10, 1e-9);
	assert_near(value(r, 6, 1), 100, 1e-9);
	assert_near(value(r, 7, 1), 1000, 1e-9);
	assert_near(number(json_get(r->first, "Timestamps")->first, ""), START + 60, 0);
	assert_text(r->first, "StatusCode", "Complete");
	assert_text(r->first, "Label", "Time");
	world_free(w);
}

static void test_no_data_is_empty_not_zero(void **state)
{
	struct world *w = world_new(NULL);
	const struct json *r = data(w, query(w, "m", "Nothing", "Sum"), "");
	(void)state;
	assert_int_equal(json_get(r->first, "Values")->n, 0);
	assert_int_equal(json_get(r->first, "Timestamps")->n, 0);
	assert_text(r->first, "StatusCode", "Complete");
	world_free(w);
}

#define HIDDEN(id, name)                                         \
	"{\"ReturnData\":false,\"Id\":\"" id                     \
	"\",\"MetricStat\":{\"Metric\":{\"Namespace\":\"Shop\"," \
	"\"MetricName\":\"" name "\"},\"Period\":60,\"Stat\":\"Sum\"}}"

static void test_expressions(void **state)
{
	struct world *w = world_new(NULL);
	const struct json *r;
	(void)state;
	at_second(w, 1, "cloudwatch metric Shop Requests count=200");
	at_second(w, 1, "cloudwatch metric Shop Errors count=10");
	at_second(w, 61, "cloudwatch metric Shop Requests count=100");
	r = data(w,
		 HIDDEN("e", "Errors") "," HIDDEN(
			 "r",
			 "Requests") ","
				     "{\"Id\":\"rate\",\"Expression\":\"e/r\"},"
				     "{\"Id\":\"filled\",\"Expression\":\"100 * FILL(e,0) / "
				     "r\",\"Label\":\"percent\"},"
				     "{\"Id\":\"twice\",\"Expression\":\"-(rate + rate) * -1\"}",
		 ",\"ScanBy\":\"TimestampAscending\"");
	assert_int_equal(r->n, 3);
	assert_int_equal(json_get(r->first, "Values")->n, 1); /* no errors in the second minute */
	assert_near(value(r, 0, 0), 0.05, 1e-9);
	assert_int_equal(json_get(r->first->next, "Values")->n, 2);
	assert_text(r->first->next, "Label", "percent");
	assert_near(value(r, 1, 0), 5, 1e-9);
	assert_near(value(r, 1, 1), 0, 1e-9);
	assert_near(value(r, 2, 0), 0.1, 1e-9);
	world_free(w);
}

static void test_results_come_in_pages(void **state)
{
	struct world *w = world_new(NULL);
	const char *q = arena_printf(w->arena, "%s,%s", query(w, "a", "A", "Sum"),
				     query(w, "b", "B", "Sum"));
	const struct json *r;
	(void)state;
	for (int i = 0; i < 3; i++) {
		at_second(w, 60 * i, "cloudwatch metric Shop A dimensions=a=1,b=2");
		at_second(w, 60 * i, "cloudwatch metric Shop B dimensions=a=1,b=2 value=5");
	}
	r = data(w, q, ",\"MaxDatapoints\":4");
	assert_text(body_json(w), "NextToken", "points-4");
	assert_int_equal(r->n, 2);
	assert_text(r->first, "StatusCode", "Complete");
	assert_int_equal(json_get(r->first->next, "Values")->n, 1);
	assert_text(r->first->next, "StatusCode", "PartialData");
	r = data(w, q, ",\"MaxDatapoints\":4,\"NextToken\":\"points-4\"");
	assert_null(json_get(body_json(w), "NextToken"));
	assert_int_equal(r->n, 1);
	assert_text(r->first, "Id", "b");
	assert_int_equal(json_get(r->first, "Values")->n, 2);
	assert_text(r->first, "StatusCode", "Complete");
	world_free(w);
}

static void test_bad_queries_are_refused(void **state)
{
#define MINUTE "{\"StartTime\":0,\"EndTime\":60"
#define ASKING(queries) MINUTE ",\"MetricDataQueries\":[" queries "]}"
#define STAT_OF(period, metric, stat)                                              \
	"{\"Id\":\"a\",\"MetricStat\":{\"Metric\":{" metric "},\"Period\":" period \
	",\"Stat\":\"" stat "\"}}"
#define METRIC "\"Namespace\":\"S\",\"MetricName\":\"M\""
	static const struct {
		const char *body, *code;
	} cases[] = {
		{"{}", "MissingParameter"},
		{"{\"StartTime\":10,\"EndTime\":5}", "InvalidParameterValue"},
		{MINUTE "}", "MissingParameter"},
		{MINUTE ",\"ScanBy\":\"x\"}", "InvalidParameterValue"},
		{MINUTE ",\"MaxDatapoints\":0}", "InvalidParameterValue"},
		{MINUTE ",\"NextToken\":\"x\"}", "InvalidNextToken"},
		{ASKING("{\"Id\":\"A\",\"Expression\":\"1\"}"), "InvalidParameterValue"},
		{ASKING("{\"Id\":\"a\"}"), "InvalidParameterCombination"},
		{ASKING("{\"Id\":\"a\",\"Expression\":\"b+1\"}"), "InvalidParameterValue"},
		{ASKING("{\"Id\":\"a\",\"Expression\":\"a+1\"}"), "InvalidParameterValue"},
		{ASKING("{\"Id\":\"a\",\"Expression\":\"1+\"}"), "InvalidParameterValue"},
		{ASKING("{\"Id\":\"a\",\"Expression\":\"1\"}"), "InvalidParameterValue"},
		{ASKING("{\"Id\":\"a\",\"Expression\":\"1\",\"ReturnData\":false}"),
		 "InvalidParameterValue"},
		{ASKING(STAT_OF("60", METRIC, "Sum") "," STAT_OF("60", METRIC, "Sum")),
		 "InvalidParameterValue"},
		{ASKING(STAT_OF("60", METRIC, "Mode")), "InvalidParameterValue"},
		{ASKING(STAT_OF("61", METRIC, "Sum")), "InvalidParameterValue"},
		{ASKING(STAT_OF("60", "", "Sum")), "MissingParameter"},
		{"{\"StartTime\":0,\"EndTime\":60000000000,\"MetricDataQueries\":[" STAT_OF(
			 "60", METRIC, "Sum") "]}",
		 "InvalidParameterValue"},
	};
	struct world *w = world_new(NULL);
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cw(w, "GetMetricData", cases[i].body);
		assert_error(w, 400, cases[i].code);
	}
	cw(w, "GetMetricData", "{}");
	assert_true(str_is(res_header(w, "x-amzn-query-error"), "MissingParameter;Sender"));
	cw(w, "PutDashboard", "{}");
	assert_error(w, 400, "InvalidAction");
	world_free(w);
}

static void test_metric_math_parser(void **state)
{
	static const struct {
		const char *text;
		double result; /* with a = 6, b = 3, c missing */
	} good[] = {
		{"a/b", 2},	      {"a - b - 1", 2},	    {"a+b*2", 12},    {"(a+b)*2", 18},
		{"-a + -(-b)", -3},   {"FILL(c, 4)", 4},    {"FILL(a,4)", 6}, {"1.5*b", 4.5},
		{"FILL(c+a,-1)", -1}, {"a*FILL(b/c,0)", 0},
	};
	static const char *const bad[] = {"",	    "a+",  "(a",     "a)",    "a b",  "FILL(a)",
					  "FILL a", "a,b", "SUM(a)", "1.2.3", "a $ b"};
	struct sim_math m;
	struct err err = ERR_INIT;
	double out;
	char deep[200];
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		bool have[SIM_MATH_IDS] = {false};
		double v[SIM_MATH_IDS] = {0};
		assert_int_equal(sim_math_parse(&m, str_from(good[i].text), &err), 0);
		for (size_t k = 0; k < m.n_ids; k++) {
			have[k] = m.id[k][0] != 'c';
			v[k] = m.id[k][0] == 'a' ? 6 : 3;
		}
		assert_true(sim_math_eval(&m, have, v, &out));
		assert_near(out, good[i].result, 1e-9);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (sim_math_parse(&m, str_from(bad[i]), &err) == 0)
			fail_msg("'%s' was accepted", bad[i]);
		assert_int_equal(err.code, ERR_REJECTED);
	}
	memset(deep, '(', sizeof(deep));
	assert_int_equal(sim_math_parse(&m, (struct str){deep, sizeof(deep)}, &err), -1);
	/* division by zero is no datapoint */
	assert_int_equal(sim_math_parse(&m, STR("1/a"), &err), 0);
	assert_false(
		sim_math_eval(&m, (bool[SIM_MATH_IDS]){true}, (double[SIM_MATH_IDS]){0}, &out));
}

static void test_metrics_can_be_put(void **state)
{
	struct world *w = world_new(NULL);
	const struct json *r;
	(void)state;
	cw(w, "PutMetricData",
	   "{\"Namespace\":\"Shop\",\"MetricData\":[{\"MetricName\":\"P\",\"Dimensions\":"
	   "[{\"Name\":\"a\",\"Value\":\"1\"},{\"Name\":\"b\",\"Value\":\"2\"}],"
	   "\"Values\":[1,2],\"Counts\":[3,4]},{\"MetricName\":\"P\",\"Timestamp\":1767607260,"
	   "\"Dimensions\":[{\"Name\":\"a\",\"Value\":\"1\"},{\"Name\":\"b\",\"Value\":\"2\"}],"
	   "\"Value\":5},{\"MetricName\":\"P\",\"Timestamp\":1767607260,\"Dimensions\":"
	   "[{\"Name\":\"a\",\"Value\":\"1\"},{\"Name\":\"b\",\"Value\":\"2\"}],"
	   "\"StatisticValues\":{\"SampleCount\":2,\"Sum\":6,\"Minimum\":1,\"Maximum\":5}}]}");
	assert_status(w, 200);
	r = data(w, query(w, "s", "P", "Sum"), "");
	assert_near(value(r, 0, 0), 11, 1e-9);
	assert_near(value(r, 0, 1), 11, 1e-9);
	cw(w, "PutMetricData", "{\"Namespace\":\"AWS/Lambda\",\"MetricData\":[]}");
	assert_error(w, 400, "InvalidParameterValue");
	cw(w, "PutMetricData", "{\"Namespace\":\"Shop\"}");
	assert_error(w, 400, "InvalidParameterValue");
	cw(w, "PutMetricData", "{\"Namespace\":\"Shop\",\"MetricData\":[{\"Value\":1}]}");
	assert_error(w, 400, "MissingParameter");
	world_free(w);
}

static void test_the_query_protocol_says_the_same(void **state)
{
	struct world *w = world_new(NULL);
	const struct xml *x;
	(void)state;
	ctl(w, "cloudwatch alarm errors namespace=Shop metric=Errors threshold=5 state=OK");
	cw_query(w, "DescribeAlarms&AlarmNames.member.1=errors&MaxRecords=5");
	assert_status(w, 200);
	x = xml_at(body_xml(w), "DescribeAlarmsResult/MetricAlarms/member");
	assert_true(str_is(xml_text(x, "StateValue"), "OK"));
	assert_true(str_is(xml_text(x, "StateTransitionedTimestamp"), "2026-01-05T10:00:00Z"));
	assert_true(str_is(xml_text(x, "Threshold"), "5"));
	cw_query(w, "PutMetricData&Namespace=Shop&MetricData.member.1.MetricName=Q"
		    "&MetricData.member.1.Dimensions.member.1.Name=n"
		    "&MetricData.member.1.Dimensions.member.1.Value=7&MetricData.member.1.Value=3");
	assert_status(w, 200);
	cw_query(w, "GetMetricData&StartTime=2026-01-05T10:00:00Z&EndTime=2026-01-05T10:10:00Z"
		    "&MetricDataQueries.member.1.Id=q"
		    "&MetricDataQueries.member.1.MetricStat.Metric.Namespace=Shop"
		    "&MetricDataQueries.member.1.MetricStat.Metric.MetricName=Q"
		    "&MetricDataQueries.member.1.MetricStat.Metric.Dimensions.member.1.Name=n"
		    "&MetricDataQueries.member.1.MetricStat.Metric.Dimensions.member.1.Value=7"
		    "&MetricDataQueries.member.1.MetricStat.Period=60"
		    "&MetricDataQueries.member.1.MetricStat.Stat=Sum"
		    "&MetricDataQueries.member.1.ReturnData=true");
	assert_status(w, 200);
	x = xml_at(body_xml(w), "GetMetricDataResult/MetricDataResults/member");
	assert_true(str_is(xml_text(x, "Values/member"), "3"));
	assert_true(str_is(xml_text(x, "Timestamps/member"), "2026-01-05T10:00:00Z"));
	cw_query(w, "GetMetricData");
	assert_error(w, 400, "MissingParameter");
	world_free(w);
}

static void test_control_refuses_nonsense(void **state)
{
	struct world *w = world_new(NULL);
	(void)state;
	ctl_refused(w, "cloudwatch alarm", "name");
	ctl_refused(w, "cloudwatch alarm a state=RED", "RED");
	ctl_refused(w, "cloudwatch alarm a", "threshold");
	ctl_refused(w, "cloudwatch alarm a threshold=1", "namespace");
	ctl_refused(w, "cloudwatch alarm a threshold=1 namespace=S metric=M stat=Mode", "stat");
	ctl_refused(w, "cloudwatch alarm a threshold=1 period=7", "period");
	ctl_refused(w, "cloudwatch alarm a threshold=1 period=x", "period");
	ctl_refused(w, "cloudwatch alarm a threshold=1 evaluation_periods=0", "evaluation_periods");
	ctl_refused(w, "cloudwatch alarm a threshold=1 datapoints=2", "datapoints");
	ctl_refused(w, "cloudwatch alarm a threshold=1 comparison=About", "About");
	ctl_refused(w, "cloudwatch alarm a threshold=1 missing=maybe", "maybe");
	ctl_refused(w, "cloudwatch alarm a threshold=1 expression=e/", "value expected");
	ctl_refused(w, "cloudwatch alarm a threshold=1 expression=e", "metric.e");
	ctl_refused(w, "cloudwatch composite c rule=WHAT", "rule");
	ctl_refused(w, "cloudwatch set-state nobody OK", "nobody");
	ctl_refused(w, "cloudwatch show nobody", "nobody");
	ctl_refused(w, "cloudwatch delete nobody", "nobody");
	ctl_refused(w, "cloudwatch metric Shop", "name");
	ctl_refused(w, "cloudwatch metric Shop M value=x", "value");
	ctl_refused(w, "cloudwatch dance", "dance");
	ctl(w, "cloudwatch alarm a threshold=1 namespace=S metric=M");
	ctl_refused(w, "cloudwatch set-state a RED", "RED");
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_statistics_come_from_the_values),
		cmocka_unit_test(test_no_data_is_empty_not_zero),
		cmocka_unit_test(test_expressions),
		cmocka_unit_test(test_results_come_in_pages),
		cmocka_unit_test(test_bad_queries_are_refused),
		cmocka_unit_test(test_metric_math_parser),
		cmocka_unit_test(test_metrics_can_be_put),
		cmocka_unit_test(test_the_query_protocol_says_the_same),
		cmocka_unit_test(test_control_refuses_nonsense),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
