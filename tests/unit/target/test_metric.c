#include "tests/unit/target/guard_world.h"

/* Metric guards: what is asked of CloudWatch, and what is made of its answer. */

static struct plan_guard metric(void)
{
	return (struct plan_guard){.kind = GUARD_METRIC,
				   .in = GUARD_IN_WATCH,
				   .name = "AWS/Lambda/Errors",
				   .place = "rollout.yaml:9: guards[0]",
				   .failures = 1,
				   .ns = "AWS/Lambda",
				   .metric = "Errors",
				   .stat = "Sum",
				   .period_ms = MINUTE_MS,
				   .compare = COMPARE_LE,
				   .threshold = 5,
				   .candidate_series = true};
}

/* "[1,2]": values of the newest minutes, the last one first, as CloudWatch gives them. */
static void values_are(struct world *w, const char *values, size_t n, const char *status)
{
	struct buf b;

	forget_routes(w);
	buf_init(&b, 4096);
	for (size_t i = 0; i < n; i++)
		buf_addf(&b, "%s%lld", i ? "," : "",
			 (long long)(w->f->now.ms / 60000 * 60 - 60 * (int64_t)(i + 1)));
	route(w, "POST", "\"MetricDataQueries\"", 200,
	      arena_printf(w->f->arena,
			   "{\"MetricDataResults\":[{\"Id\":\"m\",\"StatusCode\":\"%s\","
			   "\"Timestamps\":[%s],\"Values\":%s}]}",
			   status, b.p, values));
	buf_release(&b);
}

static void a_metric_is_held_against_its_threshold(void **state)
{
	static const struct {
		enum compare compare;
		const char *values;
		enum verdict_kind kind;
		const char *words;
	} cases[] = {
		{COMPARE_LE, "[5]", VERDICT_PASS, "Sum is 5; it must be at most 5"},
		{COMPARE_LE, "[6]", VERDICT_FAIL, "Sum is 6; it must be at most 5"},
		{COMPARE_LT, "[5]", VERDICT_FAIL, "Sum is 5; it must be below 5"},
		{COMPARE_LT, "[4.5]", VERDICT_PASS, "Sum is 4.5; it must be below 5"},
		{COMPARE_GE, "[5]", VERDICT_PASS, "Sum is 5; it must be at least 5"},
		{COMPARE_GE, "[4]", VERDICT_FAIL, "Sum is 4; it must be at least 5"},
		{COMPARE_GT, "[5]", VERDICT_FAIL, "Sum is 5; it must be above 5"},
		{COMPARE_GT, "[6]", VERDICT_PASS, "Sum is 6; it must be above 5"},
	};
	struct world *w = *state;
	struct plan_guard g = metric();

	w->f->now.ms += 20 * MINUTE_MS;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		g.compare = cases[i].compare;
		values_are(w, cases[i].values, 1, "Complete");
		expect(ask(w, &g, NULL), cases[i].kind, cases[i].words);
	}
	/* a value that came late, or changed, is still judged */
	g.compare = COMPARE_LE;
	values_are(w, "[1,9,1]", 3, "Complete");
	expect(ask(w, &g, NULL), VERDICT_FAIL, "Sum is 9; it must be at most 5");
	values_are(w, "[1,2,3]", 3, "Complete");
	expect(ask(w, &g, NULL), VERDICT_PASS, "Sum is 1; it must be at most 5");
}

static void no_data_is_not_good_data(void **state)
{
	struct world *w = *state;
	struct plan_guard g = metric();

	/* no whole period of this phase yet */
	expect(ask(w, &g, NULL), VERDICT_UNKNOWN, "no whole period yet");
	assert_int_equal(w->f->n_requests, 0);
	w->f->now.ms += 20 * MINUTE_MS;
	values_are(w, "[]", 0, "Complete");
	expect(ask(w, &g, NULL), VERDICT_UNKNOWN, "metric AWS/Lambda/Errors has no data yet");
	g.missing_is_zero = true;
	expect(ask(w, &g, NULL), VERDICT_PASS, "Sum is 0 (no data counts as zero); it must be at");
	g.compare = COMPARE_GE;
	expect(ask(w, &g, NULL), VERDICT_FAIL, "Sum is 0 (no data counts as zero)");
	/* not before CloudWatch had the time to publish it */
	w->state.phase_since.ms = w->f->now.ms / 60000 * 60000 - 2 * MINUTE_MS;
	expect(ask(w, &g, NULL), VERDICT_UNKNOWN, "has no data yet");
	w->f->now.ms += MINUTE_MS;
	expect(ask(w, &g, NULL), VERDICT_FAIL, "Sum is 0");
	/* what CloudWatch could not give whole is an Error */
	values_are(w, "[1]", 1, "PartialData");
	expect(ask(w, &g, NULL), VERDICT_ERROR, "CloudWatch answered PartialData");
	values_are(w, "[1]", 1, "Forbidden");
	expect(ask(w, &g, NULL), VERDICT_ERROR, "CloudWatch answered Forbidden");
	forget_routes(w);
	route(w, "POST", "\"MetricDataQueries\"", 500, "{}");
	expect(ask(w, &g, NULL), VERDICT_ERROR, "CloudWatch.GetMetricData");
	expect_canceled(w, &g);
}

static void the_newest_whole_periods_of_the_phase_are_asked_for(void **state)
{
	struct world *w = *state;
	struct plan_guard g = metric();
	const char *body;

	/* 03:04:05 the phase began; at 03:09:05 the minutes 03:05 to 03:08 are over */
	w->f->now.ms += 5 * MINUTE_MS;
	values_are(w, "[1]", 1, "Complete");
	ask(w, &g, NULL);
	body = last_body(w, "POST", "MetricDataQueries");
	assert_non_null(strstr(body, "\"StartTime\":1767323100,"));
	assert_non_null(strstr(body, "\"EndTime\":1767323340"));
	assert_non_null(strstr(body, "\"Period\":60"));
	assert_non_null(strstr(body, "\"Stat\":\"Sum\""));
	/* an hour later three periods, and what may come late */
	w->f->now.ms += 60 * MINUTE_MS;
	ask(w, &g, NULL);
	body = last_body(w, "POST", "MetricDataQueries");
	assert_non_null(strstr(body, "\"EndTime\":1767326940"));
	assert_non_null(strstr(body, "\"StartTime\":1767326640,"));
	/* in the first seconds of a minute the one before is not there yet */
	w->f->now.ms = 1767326940000 + 2999;
	values_are(w, "[1]", 1, "Complete");
	ask(w, &g, NULL);
	assert_non_null(
		strstr(last_body(w, "POST", "MetricDataQueries"), "\"EndTime\":1767326880"));
}

static size_t series_of_environments(const struct target_env *env, const struct rollout_state *s,
				     bool candidate, const char **ns,
				     const char *names[PLAN_DIMENSIONS_MAX],
				     const char *values[PLAN_DIMENSIONS_MAX])
{
	(void)env;
	(void)s;
	*ns = "AWS/ElasticBeanstalk";
	names[0] = "EnvironmentName";
	values[0] = candidate ? "shop-green" : "shop-blue";
	return 1;
}

/* What tells two environments of Elastic Beanstalk apart is their name. */
static void environments_are_told_apart(struct world *w, const struct plan_guard *g)
{
	struct target_ops ops = target_lambda;
	struct guard_env env = env_of(w);
	struct target_observation o = {.live = LIVE_SPLIT};
	struct verdict v;
	uint8_t none = 0;

	ops.series = series_of_environments;
	env.ops = &ops;
	assert_int_equal(guard_of(g->kind)->ask(&env, g, &w->state, &o, &none, &v, &w->err), 0);
	assert_non_null(strstr(last_body(w, "POST", "MetricDataQueries"),
			       "\"Value\":\"shop-green\"},{\"Name\":\"Than\",\"Value\":\"shop-"
			       "blue\"}"));
}

static void a_metric_looks_at_the_candidate(void **state)
{
	struct world *w = *state;
	struct plan_guard g = metric();
	const char *body;

	w->f->now.ms += 5 * MINUTE_MS;
	values_are(w, "[1]", 1, "Complete");
	ask(w, &g, NULL);
	body = last_body(w, "POST", "MetricDataQueries");
	assert_non_null(strstr(body, "{\"Name\":\"ExecutedVersion\",\"Value\":\"8\"}"));
	assert_non_null(strstr(body, "{\"Name\":\"Resource\",\"Value\":\"checkout:live\"}"));
	/* own dimensions, with what tells the two apart */
	g.candidate_series = false;
	g.n_dimensions = 3;
	g.dimensions[0].name = "Service";
	g.dimensions[0].value = "checkout";
	g.dimensions[1].name = "Version";
	g.dimensions[1].value = "{candidate}";
	g.dimensions[2].name = "Than";
	g.dimensions[2].value = "{baseline}";
	w->state.phase = PHASE_BAKE;
	ask(w, &g, NULL);
	body = last_body(w, "POST", "MetricDataQueries");
	assert_non_null(strstr(body, "[{\"Name\":\"Service\",\"Value\":\"checkout\"},{\"Name\":"
				     "\"Version\",\"Value\":\"8\"},{\"Name\":\"Than\",\"Value\":"
				     "\"7\"}]"));
	environments_are_told_apart(w, &g);
	set_candidate(w, "");
	forget_requests(w);
	expect(ask(w, &g, NULL), VERDICT_UNKNOWN, "what its dimensions name is not known yet");
	g.candidate_series = true;
	expect(ask(w, &g, NULL), VERDICT_UNKNOWN, "what its dimensions name is not known yet");
	assert_int_equal(w->f->n_requests, 0);
}

static void a_metric_needs_a_step_that_holds_its_period(void **state)
{
	struct world *w = *state;
	struct plan_guard g = metric();

	g.period_ms = 5 * MINUTE_MS;
	check(w, &g);
	assert_null(w->problems.first);
	g.period_ms = 6 * MINUTE_MS;
	check(w, &g);
	expect_said(w,
		    "rollout.yaml:9: guards[0]: \"AWS/Lambda/Errors\": no step or bake time holds "
		    "a whole period of 6m for sure");
	w->plan.bake_ms = 12 * MINUTE_MS;
	check(w, &g);
	assert_int_equal(w->problems.n_errors, 1); /* it is not asked in the bake time */
	g.in |= GUARD_IN_BAKE;
	check(w, &g);
	assert_null(w->problems.first);
	g.in = GUARD_IN_VERIFY;
	g.period_ms = 15 * MINUTE_MS;
	check(w, &g);
	assert_null(w->problems.first);
}

#define T(name) cmocka_unit_test_setup_teardown(name, guard_set_up, guard_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_metric_is_held_against_its_threshold),
		T(no_data_is_not_good_data),
		T(the_newest_whole_periods_of_the_phase_are_asked_for),
		T(a_metric_looks_at_the_candidate),
		T(a_metric_needs_a_step_that_holds_its_period),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
