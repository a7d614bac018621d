#include "aws/cloudwatch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/aws/api_model.h"

static int set_up(void **state)
{
	*state = fake_new();
	return 0;
}

static int tear_down(void **state)
{
	fake_free(*state);
	return 0;
}

/* --- DescribeAlarms -------------------------------------------------------------------------- */

static const char every_type[] =
	"{\"MetricAlarms\":["
	"{\"AlarmName\":\"errors\",\"StateValue\":\"ALARM\",\"StateReason\":\"too many\","
	"\"StateUpdatedTimestamp\":1.767323045123E9,"
	"\"StateTransitionedTimestamp\":1767323000,\"Period\":60,\"EvaluationPeriods\":3,"
	"\"DatapointsToAlarm\":2,\"EvaluationState\":\"PARTIAL_DATA\","
	"\"Namespace\":\"AWS/Lambda\",\"MetricName\":\"Errors\","
	"\"TreatMissingData\":\"breaching\"},"
	"{\"AlarmName\":\"p99\",\"StateValue\":\"OK\",\"StateUpdatedTimestamp\":null,"
	"\"StateTransitionedTimestamp\":-1,\"Period\":\"60\"},"
	"{\"AlarmName\":\"math\",\"StateValue\":\"INSUFFICIENT_DATA\","
	"\"Metrics\":[{\"Id\":\"e\",\"Expression\":\"m/2\",\"Period\":60},"
	"{\"Id\":\"m\",\"MetricStat\":{\"Period\":300}}],\"EvaluationPeriods\":1},"
	"{\"AlarmName\":\"not asked for\",\"StateValue\":\"OK\"},{},null],"
	"\"CompositeAlarms\":[{\"AlarmName\":\"all\",\"StateValue\":\"SLEEPING\","
	"\"ActionsSuppressedBy\":\"Alarm\"},{\"AlarmName\":\"p99\",\"StateValue\":"
	"\"ALARM\"}],"
	"\"LogAlarms\":[{\"AlarmName\":\"log\"}],\"NextToken\":null}";

static void test_alarms_of_every_type(void **state)
{
	struct fake *f = *state;
	const char *const names[] = {"p99", "errors", "all", "log", "gone", "math", "errors"};
	const struct cw_alarm *al;
	struct cw_alarm *alarms;
	size_t n;
	struct err err = ERR_INIT;

	fake_answer(f, 200, NULL, every_type);
	if (cloudwatch_describe_alarms(&f->client, names, 7, f->arena, &alarms, &n, &err))
		fail_msg("%s", err.text);
	assert_string_equal(
		fake_sent(f, 0)->body.p,
		"{\"AlarmNames\":[\"all\",\"errors\",\"gone\",\"log\",\"math\",\"p99\"],"
		"\"AlarmTypes\":[\"MetricAlarm\",\"CompositeAlarm\",\"LogAlarm\"],"
		"\"MaxRecords\":100}");
	api_check(f, 0, "cloudwatch", "DescribeAlarms");
	assert_true(str_is(fake_header(f, 0, "x-amz-target"),
			   "GraniteServiceVersion20100801.DescribeAlarms"));
	assert_true(str_is(fake_header(f, 0, "content-type"), "application/x-amz-json-1.0"));
	assert_true(str_is(fake_header(f, 0, "x-amzn-query-mode"), "true"));
	assert_string_equal(fake_sent(f, 0)->url, "https://monitoring.eu-central-1.amazonaws.com/");

	assert_int_equal(n, 5);
	al = cw_alarm_find(alarms, n, "errors");
	assert_non_null(al);
	assert_int_equal(al->type, CW_METRIC_ALARM);
	assert_int_equal(al->state, CW_ALARM);
	assert_string_equal(al->reason, "too many");
	assert_string_equal(al->evaluation_state, "PARTIAL_DATA");
	assert_true(al->has_updated && al->has_transitioned);
	assert_int_equal(al->updated.ms, 1767323045123);
	assert_int_equal(al->transitioned.ms, 1767323000000);
	assert_int_equal(al->period_s, 60);
	assert_int_equal(al->evaluation_periods, 3);
	assert_int_equal(al->datapoints_to_alarm, 2);
	assert_string_equal(al->metric_namespace, "AWS/Lambda");
	assert_string_equal(al->metric_name, "Errors");
	assert_string_equal(al->treat_missing_data, "breaching");

	al = cw_alarm_find(alarms, n, "p99");
	assert_int_equal(al->state, CW_OK); /* the first one of that name counts */
	assert_false(al->has_updated);
	assert_false(al->has_transitioned);
	assert_int_equal(al->period_s, 0);
	al = cw_alarm_find(alarms, n, "math");
	assert_int_equal(al->state, CW_INSUFFICIENT_DATA);
	assert_int_equal(al->period_s, 300);
	al = cw_alarm_find(alarms, n, "all");
	assert_int_equal(al->type, CW_COMPOSITE_ALARM);
	assert_int_equal(al->state, CW_STATE_OTHER);
	assert_string_equal(al->actions_suppressed_by, "Alarm");
	al = cw_alarm_find(alarms, n, "log");
	assert_int_equal(al->type, CW_LOG_ALARM);
	assert_int_equal(al->state, CW_STATE_OTHER);
	assert_null(cw_alarm_find(alarms, n, "gone"));
	assert_null(cw_alarm_find(alarms, n, "not asked for"));
	assert_string_equal(cw_alarm_state_name(CW_INSUFFICIENT_DATA), "INSUFFICIENT_DATA");
	assert_string_equal(cw_alarm_state_name(CW_STATE_OTHER), "unknown");
}

static void test_many_alarms_in_calls_and_pages(void **state)
{
	struct fake *f = *state;
	const char *names[230];
	struct cw_alarm *alarms;
	size_t n;
	struct err err = ERR_INIT;

	for (size_t i = 0; i < 230; i++)
		names[i] = arena_printf(f->arena, "alarm-%03zu", i);
	fake_answer(f, 200, NULL,
		    "{\"MetricAlarms\":[{\"AlarmName\":\"alarm-000\",\"StateValue\":\"OK\"}],"
		    "\"NextToken\":\"t1\"}");
	fake_answer(f, 200, NULL,
		    "{\"CompositeAlarms\":[{\"AlarmName\":\"alarm-001\",\"StateValue\":\"OK\"}]}");
	fake_answer(f, 200, NULL,
		    "{\"MetricAlarms\":[{\"AlarmName\":\"alarm-100\",\"StateValue\":\"OK\"},"
		    "{\"AlarmName\":\"alarm-000\",\"StateValue\":\"ALARM\"}]}");
	fake_answer(f, 200, NULL,
		    "{\"MetricAlarms\":[{\"AlarmName\":\"alarm-229\",\"StateValue\":\"OK\"}]}");
	if (cloudwatch_describe_alarms(&f->client, names, 230, f->arena, &alarms, &n, &err))
		fail_msg("%s", err.text);
	assert_int_equal(n, 4);
	assert_true(fake_done(f));
	assert_non_null(strstr(fake_sent(f, 1)->body.p, "\"NextToken\":\"t1\""));
	assert_null(strstr(fake_sent(f, 2)->body.p, "NextToken"));
	assert_non_null(strstr(fake_sent(f, 0)->body.p, "\"alarm-099\"]"));
	assert_non_null(strstr(fake_sent(f, 2)->body.p, "[\"alarm-100\""));
	assert_non_null(strstr(fake_sent(f, 3)->body.p, "[\"alarm-200\""));
	api_check(f, 1, "cloudwatch", "DescribeAlarms");

	fake_again(f);
	assert_int_equal(
		cloudwatch_describe_alarms(&f->client, NULL, 0, f->arena, &alarms, &n, &err), 0);
	assert_int_equal(n, 0);
	assert_int_equal(f->n_requests, 0);
}

static void test_alarm_names_that_cannot_be(void **state)
{
	struct fake *f = *state;
	char *wide = arena_alloc(f->arena, 2 * 256 + 1);
	const char *name = NULL;
	struct cw_alarm *alarms;
	size_t n;
	struct err err = ERR_INIT;

	assert_int_equal(
		cloudwatch_describe_alarms(&f->client, &name, 1, f->arena, &alarms, &n, &err), -1);
	name = "";
	assert_int_equal(
		cloudwatch_describe_alarms(&f->client, &name, 1, f->arena, &alarms, &n, &err), -1);
	for (size_t i = 0; i < 256; i++)
		memcpy(wide + 2 * i, "\xc3\xa4", 2);
	name = wide;
	assert_int_equal(
		cloudwatch_describe_alarms(&f->client, &name, 1, f->arena, &alarms, &n, &err), -1);
	assert_int_equal(err.code, ERR_REJECTED);
	assert_int_equal(f->n_requests, 0);
	wide[2 * 255] = '\0'; /* 255 characters, 510 bytes */
	fake_answer(f, 200, NULL, "{}");
	assert_int_equal(
		cloudwatch_describe_alarms(&f->client, &name, 1, f->arena, &alarms, &n, &err), 0);
	assert_int_equal(n, 0);
}

static void test_alarm_errors(void **state)
{
	struct fake *f = *state;
	const char *name = "a";
	struct cw_alarm *alarms;
	size_t n;
	struct err err = ERR_INIT;

	fake_answer(f, 200, NULL, "");
	assert_int_equal(
		cloudwatch_describe_alarms(&f->client, &name, 1, f->arena, &alarms, &n, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	fake_answer(f, 200, NULL, "[]");
	assert_int_equal(
		cloudwatch_describe_alarms(&f->client, &name, 1, f->arena, &alarms, &n, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);
	/* the name on the wire is in a header of its own */
	fake_answer(f, 400, "x-amzn-query-error: InvalidNextToken;Sender\n",
		    "{\"__type\":\"com.amazonaws.cloudwatch#InvalidNextTokenException\"}");
	assert_int_equal(
		cloudwatch_describe_alarms(&f->client, &name, 1, f->arena, &alarms, &n, &err), -1);
	assert_int_equal(err.code, ERR_REJECTED);
	assert_string_equal(err.aws, "InvalidNextToken");
	fake_answer(f, 403, NULL, "{\"__type\":\"AccessDeniedException\"}");
	assert_int_equal(
		cloudwatch_describe_alarms(&f->client, &name, 1, f->arena, &alarms, &n, &err), -1);
	assert_int_equal(err.code, ERR_DENIED);

	fake_again(f);
	f->repeat_last = true;
	fake_answer(f, 200, NULL, "{\"NextToken\":\"again\"}");
	assert_int_equal(
		cloudwatch_describe_alarms(&f->client, &name, 1, f->arena, &alarms, &n, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
}

/* --- GetMetricData --------------------------------------------------------------------------- */

static const struct cw_dimension dimensions[] = {{"LoadBalancer", "app/web/1"},
						 {"TargetGroup", "targetgroup/g/2"}};

static const struct cw_query queries[] = {
	{.id = "m1",
	 .metric_namespace = "AWS/ApplicationELB",
	 .metric_name = "RequestCount",
	 .dimensions = dimensions,
	 .n_dimensions = 2,
	 .period_s = 60,
	 .stat = "Sum",
	 .hidden = true},
	{.id = "e1", .expression = "FILL(m1,0)"},
	{.id = "m2",
	 .metric_namespace = "N",
	 .metric_name = "M",
	 .period_s = 10,
	 .stat = "p99",
	 .unit = "Seconds"},
	{.id = "e2", .expression = "m2*2", .period_s = 300},
};

static const struct cw_metric_query query = {
	.queries = queries, .n = 4, .start = {1767322800000}, .end = {1767323100999}};

static void test_metric_data(void **state)
{
	struct fake *f = *state;
	struct cw_series *s;
	size_t n;
	struct err err = ERR_INIT;

	fake_answer(
		f, 200, NULL,
		"{\"MetricDataResults\":["
		"{\"Id\":\"e1\",\"Label\":\"x\",\"Timestamps\":[1767322800,1767322860],"
		"\"Values\":[1,2.5],\"StatusCode\":\"PartialData\"},"
		"{\"Id\":\"m2\",\"Timestamps\":[],\"Values\":[],\"StatusCode\":\"InternalError\","
		"\"Messages\":[{\"Code\":\"c\",\"Value\":\"broken\"}]},"
		"{\"Id\":\"m1\",\"Timestamps\":[1767322800],\"Values\":[9]},"
		"{\"Id\":\"stranger\",\"Timestamps\":[1],\"Values\":[\"x\"]}],"
		"\"NextToken\":\"t1\"}");
	fake_answer(f, 200, NULL,
		    "{\"MetricDataResults\":["
		    "{\"Id\":\"e1\",\"Timestamps\":[1.76732292E9],\"Values\":[-3e-2],"
		    "\"StatusCode\":\"Complete\"},"
		    "{\"Id\":\"m2\",\"Timestamps\":[1767322800],\"Values\":[7],"
		    "\"StatusCode\":\"Complete\"}],\"Messages\":[{\"Code\":\"Late\"}]}");
	if (cloudwatch_get_metric_data(&f->client, &query, f->arena, &s, &n, &err))
		fail_msg("%s", err.text);
	assert_string_equal(
		fake_sent(f, 1)->body.p,
		"{\"MetricDataQueries\":["
		"{\"Id\":\"m1\",\"MetricStat\":{\"Metric\":{\"Namespace\":\"AWS/ApplicationELB\","
		"\"MetricName\":\"RequestCount\",\"Dimensions\":["
		"{\"Name\":\"LoadBalancer\",\"Value\":\"app/web/1\"},"
		"{\"Name\":\"TargetGroup\",\"Value\":\"targetgroup/g/2\"}]},"
		"\"Period\":60,\"Stat\":\"Sum\"},\"ReturnData\":false},"
		"{\"Id\":\"e1\",\"Expression\":\"FILL(m1,0)\",\"ReturnData\":true},"
		"{\"Id\":\"m2\",\"MetricStat\":{\"Metric\":{\"Namespace\":\"N\","
		"\"MetricName\":\"M\",\"Dimensions\":[]},\"Period\":10,\"Stat\":\"p99\","
		"\"Unit\":\"Seconds\"},\"ReturnData\":true},"
		"{\"Id\":\"e2\",\"Expression\":\"m2*2\",\"Period\":300,\"ReturnData\":true}],"
		"\"StartTime\":1767322800,\"EndTime\":1767323100,\"ScanBy\":\"TimestampAscending\","
		"\"NextToken\":\"t1\"}");
	api_check(f, 0, "cloudwatch", "GetMetricData");
	api_check(f, 1, "cloudwatch", "GetMetricData");
	assert_true(fake_done(f));

	/* one series a visible query, in the order asked */
	assert_int_equal(n, 3);
	assert_string_equal(s[0].id, "e1");
	assert_int_equal(s[0].status, CW_COMPLETE);
	assert_null(s[0].message);
	assert_int_equal(s[0].n, 3);
	assert_int_equal(s[0].timestamps[0].ms, 1767322800000);
	assert_int_equal(s[0].timestamps[2].ms, 1767322920000);
	assert_true(s[0].values[1] > 2.49 && s[0].values[1] < 2.51);
	assert_true(s[0].values[2] < 0);
	/* an error of an earlier page stays */
	assert_string_equal(s[1].id, "m2");
	assert_int_equal(s[1].status, CW_INTERNAL_ERROR);
	assert_string_equal(s[1].message, "broken");
	assert_int_equal(s[1].n, 1);
	/* not in the answer at all: not complete */
	assert_string_equal(s[2].id, "e2");
	assert_int_equal(s[2].status, CW_PARTIAL_DATA);
	assert_string_equal(s[2].message, "Late");
	assert_int_equal(s[2].n, 0);
	assert_string_equal(cw_status_name(CW_PARTIAL_DATA), "PartialData");
	assert_string_equal(cw_status_name(CW_STATUS_OTHER), "unknown");
}

static void test_points_out_of_order(void **state)
{
	struct fake *f = *state;
	struct cw_metric_query q = {.queries = &queries[1], .n = 1};
	struct cw_series *s;
	size_t n;
	struct err err = ERR_INIT;

	fake_answer(f, 200, NULL,
		    "{\"MetricDataResults\":[{\"Id\":\"e1\",\"Timestamps\":[30,10,20,10],"
		    "\"Values\":[3,1,2,1],\"StatusCode\":\"Odd\"}]}");
	assert_int_equal(cloudwatch_get_metric_data(&f->client, &q, f->arena, &s, &n, &err), 0);
	assert_int_equal(s[0].status, CW_STATUS_OTHER);
	assert_int_equal(s[0].n, 4);
	assert_int_equal(s[0].timestamps[1].ms, 10000);
	assert_int_equal(s[0].timestamps[2].ms, 20000);
	assert_int_equal(s[0].timestamps[3].ms, 30000);
	assert_true(s[0].values[3] > 2.9);

	fake_answer(f, 200, NULL,
		    "{\"MetricDataResults\":[{\"Id\":\"e1\",\"StatusCode\":\"Forbidden\"}]}");
	assert_int_equal(cloudwatch_get_metric_data(&f->client, &q, f->arena, &s, &n, &err), 0);
	assert_int_equal(s[0].status, CW_FORBIDDEN);
	assert_int_equal(s[0].n, 0);
}

static void test_hostile_points(void **state)
{
	static const char *const bad[] = {
		"\"Timestamps\":[1,2],\"Values\":[1]",
		"\"Timestamps\":[1]",
		"\"Values\":[1]",
		"\"Timestamps\":[1],\"Values\":[null]",
		"\"Timestamps\":[1],\"Values\":[\"NaN\"]",
		"\"Timestamps\":[1],\"Values\":[1e999]",
		"\"Timestamps\":[\"2026\"],\"Values\":[1]",
		"\"Timestamps\":[-5],\"Values\":[1]",
		"\"Timestamps\":[1e18],\"Values\":[1]",
	};
	struct fake *f = *state;
	struct cw_metric_query q = {.queries = &queries[1], .n = 1};
	struct cw_series *s;
	size_t n;
	struct err err = ERR_INIT;
	struct buf b;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err = ERR_INIT;
		fake_again(f);
		for (int k = 0; k < 3; k++) /* what is no JSON is asked for again */
			fake_answer(f, 200, NULL,
				    arena_printf(f->arena,
						 "{\"MetricDataResults\":[{\"Id\":\"e1\",%s}]}",
						 bad[i]));
		assert_int_equal(cloudwatch_get_metric_data(&f->client, &q, f->arena, &s, &n, &err),
				 -1);
		assert_int_equal(err.code, ERR_MALFORMED);
	}
	fake_again(f);
	fake_answer(f, 200, NULL, "[]");
	assert_int_equal(cloudwatch_get_metric_data(&f->client, &q, f->arena, &s, &n, &err), -1);
	assert_int_equal(err.code, ERR_MALFORMED);

	fake_again(f);
	f->repeat_last = true;
	fake_answer(f, 200, NULL, "{\"NextToken\":\"again\"}");
	assert_int_equal(cloudwatch_get_metric_data(&f->client, &q, f->arena, &s, &n, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);

	/* one page after the other, full of points */
	buf_init(&b, 4 << 20);
	buf_adds(&b,
		 "{\"NextToken\":\"more\",\"MetricDataResults\":[{\"Id\":\"e1\",\"Timestamps\":[1");
	for (int i = 1; i < 30000; i++)
		buf_adds(&b, ",1");
	buf_adds(&b, "],\"Values\":[1");
	for (int i = 1; i < 30000; i++)
		buf_adds(&b, ",1");
	buf_adds(&b, "]}]}");
	fake_again(f);
	fake_answer_str(f, 200, NULL, buf_str(&b));
	assert_int_equal(cloudwatch_get_metric_data(&f->client, &q, f->arena, &s, &n, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_int_equal(f->n_requests, 4);
	buf_release(&b);
}

static void test_queries_that_cannot_be(void **state)
{
	static const char *const bad[] = {NULL, "", "M1", "1m", "_m", "m-1", "m 1"};
	struct fake *f = *state;
	struct cw_query twice[2] = {{.id = "a", .expression = "1"}, {.id = "a", .expression = "2"}};
	struct cw_query *many = arena_array(f->arena, struct cw_query, LIMIT_QUERIES_PER_CALL + 1);
	struct cw_metric_query q = {.queries = twice, .n = 2};
	struct cw_series *s;
	size_t n;
	struct err err = ERR_INIT;

	assert_int_equal(cloudwatch_get_metric_data(&f->client, &q, f->arena, &s, &n, &err), -1);
	assert_int_equal(err.code, ERR_REJECTED);
	q.n = 0;
	assert_int_equal(cloudwatch_get_metric_data(&f->client, &q, f->arena, &s, &n, &err), -1);
	assert_int_equal(err.code, ERR_REJECTED);
	q.n = 1;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		twice[0].id = bad[i];
		err = ERR_INIT;
		assert_int_equal(cloudwatch_get_metric_data(&f->client, &q, f->arena, &s, &n, &err),
				 -1);
		assert_int_equal(err.code, ERR_REJECTED);
	}
	for (size_t i = 0; i <= LIMIT_QUERIES_PER_CALL; i++)
		many[i] = (struct cw_query){.id = arena_printf(f->arena, "m%zu", i),
					    .expression = "1"};
	q = (struct cw_metric_query){.queries = many, .n = LIMIT_QUERIES_PER_CALL + 1};
	assert_int_equal(cloudwatch_get_metric_data(&f->client, &q, f->arena, &s, &n, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_int_equal(f->n_requests, 0);
	q.n = LIMIT_QUERIES_PER_CALL;
	fake_answer(f, 200, NULL, "{}");
	assert_int_equal(cloudwatch_get_metric_data(&f->client, &q, f->arena, &s, &n, &err), 0);
	assert_int_equal(n, LIMIT_QUERIES_PER_CALL);

	/* an expression that would make the request too long is not sent */
	char *expression = arena_alloc(f->arena, (5u << 20) + 1);

	memset(expression, 'm', 5u << 20);
	many[0].expression = expression;
	fake_again(f);
	assert_int_equal(cloudwatch_get_metric_data(&f->client, &q, f->arena, &s, &n, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_int_equal(f->n_requests, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_alarms_of_every_type),
		TEST(test_many_alarms_in_calls_and_pages),
		TEST(test_alarm_names_that_cannot_be),
		TEST(test_alarm_errors),
		TEST(test_metric_data),
		TEST(test_points_out_of_order),
		TEST(test_hostile_points),
		TEST(test_queries_that_cannot_be),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
