#include "tests/unit/sim/services.h"

#include "tests/sim/sim_metrics.h"
#include "tests/sim/sim_traffic.h"

/* The traffic model: its arithmetic, and the metrics that come out of it. */

static void test_arrivals_keep_what_is_left(void **state)
{
	double carry = 0;
	uint64_t n = 0;
	(void)state;
	for (int i = 0; i < 1000; i++)
		n += sim_traffic_arrivals(&carry, 0.3, 1000);
	assert_in_range(n, 299, 300);
	carry = 0;
	assert_int_equal(sim_traffic_arrivals(&carry, 50, 100), 5);
	assert_int_equal(sim_traffic_arrivals(&carry, 0, 100), 0);
}

/* Mean and variance of many draws, within five standard errors. */
static void check_binomial(struct rng *r, uint64_t n, double p)
{
	const int draws = 4000;
	double sum = 0, squares = 0, mean = (double)n * p, variance = mean * (1 - p);
	for (int i = 0; i < draws; i++) {
		double k = (double)sim_traffic_binomial(r, n, p);
		assert_true(k >= 0 && k <= (double)n);
		sum += k;
		squares += (k - mean) * (k - mean);
	}
	/* the standard error of the mean is sqrt(variance / 4000); 5 of them squared is 25/4000 */
	double off = sum / draws - mean;
	if (off * off > variance * 25 / draws)
		fail_msg("binomial(%d, %g): mean %g, not %g", (int)n, p, sum / draws, mean);
	if (variance > 1)
		assert_near(squares / draws / variance, 1, 0.15);
}

static void test_binomial_draws_are_binomial(void **state)
{
	static const struct {
		uint64_t n;
		double p;
	} cases[] = {{1, 0.3},	  {50, 0.001},	{50, 0.5},	  {100, 0.25}, {1000, 0.01},
		     {1000, 0.4}, {10000, 0.9}, {100000, 0.0001}, {3, 0.99}};
	struct rng_seeded r;
	(void)state;
	rng_seeded_init(&r, 7);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_binomial(&r.rng, cases[i].n, cases[i].p);
	assert_int_equal(sim_traffic_binomial(&r.rng, 10, 0), 0);
	assert_int_equal(sim_traffic_binomial(&r.rng, 10, 1), 10);
	assert_int_equal(sim_traffic_binomial(&r.rng, 0, 0.5), 0);
}

static void test_dividing_loses_nothing(void **state)
{
	struct rng_seeded r;
	uint64_t out[3];
	(void)state;
	rng_seeded_init(&r, 7);
	for (uint64_t n = 0; n < 500; n++) {
		assert_true(sim_traffic_divide(&r.rng, n, (double[]){90, 0, 10}, 3, out));
		assert_int_equal(out[0] + out[2], n);
		assert_int_equal(out[1], 0);
	}
	assert_true(sim_traffic_divide(&r.rng, 9, (double[]){0, 0, 5}, 3, out));
	assert_int_equal(out[2], 9);
	assert_false(sim_traffic_divide(&r.rng, 9, (double[]){0, 0, 0}, 3, out));
}

static void test_behaviour_is_read_from_code(void **state)
{
	struct arena *a = arena_new();
	struct sim_behaviour b = {.latency_ms = 20};
	struct str zip = make_zip(
		a, "main.go", "package main\n// sim: errors=0.25 latency_ms=40 bogus=1 errors=7\n",
		true);
	struct err err = ERR_INIT;
	(void)state;
	sim_behaviour_code(&b, zip);
	assert_near(b.errors, 0.25, 1e-9);
	assert_near(b.latency_ms, 40, 1e-9);
	sim_behaviour_code(&b, STR("simulate: errors=1\nsim: smoke=fail state=Failed\r\n"));
	assert_near(b.errors, 0.25, 1e-9);
	assert_int_equal(b.smoke, SIM_SMOKE_FAIL);
	assert_true(b.never_starts);
	assert_int_equal(sim_behaviour_set(&b, STR("latency_ms"), STR("-1"), &err), -1);
	assert_int_equal(sim_behaviour_set(&b, STR("health"), STR("so-so"), &err), -1);
	assert_int_equal(sim_behaviour_set(&b, STR("colour"), STR("red"), &err), -1);
	arena_free(a);
}

static void count_entry(void *arg, struct str name, struct str content)
{
	(void)name;
	(void)content;
	++*(int *)arg;
}

static void test_damaged_zips_are_refused(void **state)
{
	struct arena *a = arena_new();
	struct str zip = make_zip(a, "x", "hello hello hello hello", true);
	char *bad;
	struct err err = ERR_INIT;
	int n = 0;
	(void)state;
	assert_int_equal(sim_zip_each(zip, count_entry, &n, &err), 0);
	assert_int_equal(n, 1);
	for (size_t cut = 0; cut < zip.n; cut++)
		assert_int_equal(sim_zip_each(str_sub(zip, 0, cut), count_entry, &n, &err), -1);
	/* every single byte may be wrong: nothing is read out of bounds, whatever the answer */
	for (size_t i = 0; i < zip.n; i++) {
		bad = arena_strndup(a, zip.p, zip.n);
		bad[i] = (char)(bad[i] ^ 0x5a);
		if (sim_zip_each((struct str){bad, zip.n}, count_entry, &n, &err))
			assert_true(err.code == ERR_MALFORMED || err.code == ERR_LIMIT);
	}
	arena_free(a);
}

static void test_many_values_share_entries(void **state)
{
	struct sim_metric_store *st = sim_metric_store_new();
	struct sim_metric *m = sim_metric_get(st, STR("S"), STR("M"), STR(""));
	double v;
	(void)state;
	for (int i = 1; i <= 1000; i++)
		sim_metric_record(m, (struct utc){5}, i, 1);
	assert_true(sim_stat(m, STR("Sum"), (struct utc){0}, (struct utc){60000}, &v));
	assert_near(v, 500500, 1e-6);
	assert_true(sim_stat(m, STR("SampleCount"), (struct utc){0}, (struct utc){60000}, &v));
	assert_near(v, 1000, 1e-6);
	for (int64_t i = 1; i <= 30; i++)
		for (int k = 0; k < 40; k++)
			sim_metric_record(m, (struct utc){i * 3600000}, k + (double)i / 100, 1);
	/* more values than a percentile keeps apart */
	assert_true(sim_stat(m, STR("p50"), (struct utc){3600000}, (struct utc){200000000}, &v));
	assert_near(v, 19.5, 1);
	assert_true(sim_stat(m, STR("p100"), (struct utc){3600000}, (struct utc){200000000}, &v));
	assert_near(v, 39.3, 0.5);
	/* late data finds its bucket */
	sim_metric_record(m, (struct utc){120000}, 1, 1);
	sim_metric_record(m, (struct utc){60000}, 2, 1);
	assert_true(sim_stat(m, STR("Sum"), (struct utc){60000}, (struct utc){120000}, &v));
	assert_near(v, 2, 1e-9);
	assert_false(sim_stat(m, STR("Mode"), (struct utc){0}, (struct utc){60000}, &v));
	assert_false(sim_stat(m, STR("Sum"), (struct utc){180000}, (struct utc){240000}, &v));
	assert_false(sim_stat(NULL, STR("Sum"), (struct utc){0}, (struct utc){60000}, &v));
	sim_metric_store_free(st);
}

/* --- through the services ------------------------------------------------------------------ */

static double metric(struct world *w, const char *ns, const char *name, const char *dimensions,
		     const char *stat)
{
	struct utc now = sim_now(w->sim);
	double v = -1;
	(void)sim_stat(sim_metric_open(w->sim, ns, name, dimensions), str_from(stat),
		       (struct utc){now.ms - 600000}, now, &v);
	return v;
}

#define LIVE "FunctionName=checkout,Resource=checkout:live"

static void test_a_canary_shows_in_the_metrics(void **state)
{
	struct world *w = world_new(NULL);
	double n, n2;
	(void)state;
	ctl(w, "lambda function checkout alias=live rps=50 latency_ms=20");
	ctl(w, "lambda publish checkout code=\"sim: errors=0.3 latency_ms=200\"");
	ctl(w, "lambda alias checkout live additional=2 weight=0.1");
	sim_advance(w->sim, 600000);
	n = metric(w, "AWS/Lambda", "Invocations", LIVE, "Sum");
	n2 = metric(w, "AWS/Lambda", "Invocations", "ExecutedVersion=2," LIVE, "Sum");
	assert_near(n, 30000, 1);
	assert_near(metric(w, "AWS/Lambda", "Invocations", "FunctionName=checkout", "Sum"), n, 0);
	assert_near(n2, 3000, 260); /* 5 sigma */
	assert_near(metric(w, "AWS/Lambda", "Errors", "ExecutedVersion=2," LIVE, "Average"), 0.3,
		    0.05);
	assert_near(metric(w, "AWS/Lambda", "Errors", "ExecutedVersion=1," LIVE, "Sum"), 0, 0);
	assert_near(metric(w, "AWS/Lambda", "Duration", "ExecutedVersion=1," LIVE, "p50"), 20, 3);
	assert_near(metric(w, "AWS/Lambda", "Duration", "ExecutedVersion=2," LIVE, "p50"), 200, 30);
	assert_true(metric(w, "AWS/Lambda", "Duration", LIVE, "p99") > 200);
	assert_near(number(json_get(ctl(w, "lambda show checkout"), "versions")->first->next->next,
			   "requests"),
		    n2, 0);
	world_free(w);
}

static void test_the_same_seed_is_the_same_world(void **state)
{
	double n[3];
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct sim_options o = sim_options_default();
		struct world *w;
		o.seed = i == 2 ? 99 : 5;
		w = world_new(&o);
		ctl(w, "lambda function checkout alias=live rps=50 errors=0.1");
		sim_advance(w->sim, 600000);
		n[i] = metric(w, "AWS/Lambda", "Errors", LIVE, "Sum");
		world_free(w);
	}
	assert_near(n[0], n[1], 0);
	assert_true(n[0] < n[2] || n[0] > n[2]);
}

static void test_load_balancer_metrics_leave_out_what_did_not_happen(void **state)
{
	struct world *w = world_new(NULL);
	const char *lb, *d;
	(void)state;
	ctl(w, "elbv2 load-balancer shop");
	lb = json_cstr(json_get(ctl(w, "elbv2 show shop"), "dimension"));
	ctl(w, "elbv2 target-group a targets=2 latency_ms=50 healthy_after_ms=0");
	ctl(w, "elbv2 listener shop port=80 forward=a rps=10");
	d = arena_printf(
		w->arena, "LoadBalancer=%s,TargetGroup=%s", lb,
		strstr(json_cstr(json_get(ctl(w, "elbv2 show a"), "arn")), "targetgroup/"));
	sim_advance(w->sim, 300000);
	assert_near(metric(w, "AWS/ApplicationELB", "RequestCount", d, "Sum"), 3000, 1);
	assert_near(metric(w, "AWS/ApplicationELB", "HTTPCode_Target_2XX_Count", d, "Sum"), 3000,
		    1);
	/* -1: no datapoint */
	assert_near(metric(w, "AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", d, "Sum"), -1, 0);
	assert_near(metric(w, "AWS/ApplicationELB", "TargetResponseTime", d, "p50"), 0.05, 0.01);
	assert_near(metric(w, "AWS/ApplicationELB", "HealthyHostCount", d, "Minimum"), 2, 0);
	ctl(w, "elbv2 target-group a errors=0.5");
	sim_advance(w->sim, 60000);
	assert_true(metric(w, "AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", d, "Sum") > 200);
	/* all weights 0: the load balancer itself answers */
	ctl(w, "elbv2 listener shop port=80 forward=a:0");
	sim_advance(w->sim, 60000);
	assert_true(metric(w, "AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count",
			   arena_printf(w->arena, "LoadBalancer=%s", lb), "Sum") > 500);
	world_free(w);
}

static void test_an_alarm_sees_a_bad_version(void **state)
{
	struct world *w = world_new(NULL);
	(void)state;
	ctl(w, "lambda function checkout alias=live rps=50 errors=0.001");
	ctl(w,
	    "cloudwatch alarm canary expression=\"100 * e / n\" threshold=5 evaluation_periods=1 "
	    "metric.e=\"AWS/Lambda Errors Resource=checkout:live,FunctionName=checkout Sum\" "
	    "metric.n=\"AWS/Lambda Invocations FunctionName=checkout,Resource=checkout:live Sum\"");
	sim_advance(w->sim, 300000);
	assert_text(ctl(w, "cloudwatch show canary"), "state", "OK");
	ctl(w, "lambda publish checkout code=\"sim: errors=0.5\"");
	ctl(w, "lambda alias checkout live additional=2 weight=0.25");
	sim_advance(w->sim, 130000);
	assert_text(ctl(w, "cloudwatch show canary"), "state", "ALARM");
	ctl(w, "lambda alias checkout live additional=0");
	sim_advance(w->sim, 130000);
	assert_text(ctl(w, "cloudwatch show canary"), "state", "OK");
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arrivals_keep_what_is_left),
		cmocka_unit_test(test_binomial_draws_are_binomial),
		cmocka_unit_test(test_dividing_loses_nothing),
		cmocka_unit_test(test_behaviour_is_read_from_code),
		cmocka_unit_test(test_damaged_zips_are_refused),
		cmocka_unit_test(test_many_values_share_entries),
		cmocka_unit_test(test_a_canary_shows_in_the_metrics),
		cmocka_unit_test(test_the_same_seed_is_the_same_world),
		cmocka_unit_test(test_load_balancer_metrics_leave_out_what_did_not_happen),
		cmocka_unit_test(test_an_alarm_sees_a_bad_version),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
