#include <string.h>

#include "aws/cloudwatch.h"
#include "worker/guard/guard.h"

/*
 * A threshold on a CloudWatch metric: the newest complete period since the step began. Without
 * dimensions of its own the guard looks at the candidate's series, as the target names it. No data
 * is Unknown, unless the plan says that it means zero (a count that is not written when it is 0).
 */
#define PUBLISH_LAG_MS 5000 /* what CloudWatch needs at least before a period can be read */

static size_t dimensions(const struct guard_env *env, const struct plan_guard *g,
			 const struct rollout_state *s, struct cw_dimension out[PLAN_DIMENSIONS_MAX])
{
	const char *names[PLAN_DIMENSIONS_MAX], *values[PLAN_DIMENSIONS_MAX], *ns;
	size_t n;

	if (!g->candidate_series) {
		for (size_t i = 0; i < g->n_dimensions; i++)
			out[i] = (struct cw_dimension){g->dimensions[i].name, g->dimensions[i].value};
		return g->n_dimensions;
	}
	n = env->ops->series(env->target, s, true, &ns, names, values);
	for (size_t i = 0; i < n; i++)
		out[i] = (struct cw_dimension){names[i], values[i]};
	return n;
}

static const char *compare_text(enum compare c)
{
	static const char *const texts[] = {[COMPARE_LT] = "below",
					    [COMPARE_LE] = "at most",
					    [COMPARE_GT] = "above",
					    [COMPARE_GE] = "at least"};

	return texts[c];
}

static bool holds(const struct plan_guard *g, double value)
{
	switch (g->compare) {
	case COMPARE_LT:
		return value < g->threshold;
	case COMPARE_LE:
		return value <= g->threshold;
	case COMPARE_GT:
		return value > g->threshold;
	case COMPARE_GE:
		return value >= g->threshold;
	}
	return false;
}

/* The newest period that is over, and began after the phase did. */
static struct verdict judge(const struct plan_guard *g, const struct cw_series *series,
			    struct utc now)
{
	double value = 0;

	if (series->status != CW_COMPLETE)
		return verdict_make(VERDICT_ERROR, now, "metric %s: CloudWatch answered %s%s%s", g->name,
				    cw_status_name(series->status), series->message ? ": " : "",
				    series->message ? series->message : "");
	if (series->n == 0 && !g->missing_is_zero)
		return verdict_make(VERDICT_UNKNOWN, now, "metric %s has no data yet", g->name);
	if (series->n > 0)
		value = series->values[series->n - 1];
	return verdict_make(holds(g, value) ? VERDICT_PASS : VERDICT_FAIL, now,
			    "metric %s %s is %.6g; it must be %s %.6g", g->name, g->stat, value,
			    compare_text(g->compare), g->threshold);
}

static int ask(const struct guard_env *env, const struct plan_guard *g,
	       const struct rollout_state *s, const struct target_observation *o,
	       uint8_t *failures, struct verdict *out, struct err *err)
{
	struct utc now = clock_utc(env->target->client.aws->clock);
	struct cw_dimension dims[PLAN_DIMENSIONS_MAX];
	struct cw_query q = {.id = "m",
			     .metric_namespace = g->ns,
			     .metric_name = g->metric,
			     .dimensions = dims,
			     .period_s = g->period_ms / 1000,
			     .stat = g->stat};
	struct cw_metric_query query = {.queries = &q, .n = 1};
	struct cw_series *series;
	size_t n;

	(void)o;
	q.n_dimensions = dimensions(env, g, s, dims);
	if (g->candidate_series && q.n_dimensions == 0) {
		*out = verdict_make(VERDICT_UNKNOWN, now, "metric %s: no candidate yet", g->name);
		return 0;
	}
	/* whole periods only: from the first that began in this phase to the last that is over */
	query.end.ms = (now.ms - PUBLISH_LAG_MS) / g->period_ms * g->period_ms;
	query.start.ms = (s->phase_since.ms + g->period_ms - 1) / g->period_ms * g->period_ms;
	if (query.start.ms >= query.end.ms) {
		*out = verdict_make(VERDICT_UNKNOWN, now, "metric %s: no whole period yet", g->name);
		return 0;
	}
	if (query.end.ms - query.start.ms > 60 * g->period_ms)
		query.start.ms = query.end.ms - 60 * g->period_ms;
	if (cloudwatch_get_metric_data(&env->target->client, &query, env->target->arena, &series, &n,
				       err)) {
		if (err->code == ERR_CANCELED)
			return -1;
		*out = verdict_make(VERDICT_ERROR, now, "metric %s: %s", g->name, err->text);
		*err = ERR_INIT;
		return 0;
	}
	*out = judge(g, &series[0], now);
	*failures = out->kind == VERDICT_FAIL;
	return 0;
}

static int check(const struct guard_env *env, const struct plan_guard *g, struct problems *p,
		 struct err *err)
{
	const struct plan *plan = env->target->plan;
	char period[DURATION_TEXT_SIZE];
	int64_t longest = plan->bake_ms;

	(void)err;
	for (size_t i = 0; i < plan->n_steps; i++)
		if (plan->steps[i].watch_ms > longest)
			longest = plan->steps[i].watch_ms;
	if (longest >= g->period_ms * 2)
		return 0;
	duration_format(g->period_ms, period);
	problem_add(p, g->place, g->name,
		    "no step or bake time holds a whole period of %s for sure: watch at least twice "
		    "as long, or take a shorter period", period);
	return 0;
}

static void calls(const struct plan_guard *g, const struct plan *plan, struct arena *a,
		  void (*add)(void *arg, const struct target_call *c), void *arg)
{
	(void)g;
	(void)plan;
	(void)a;
	add(arg, &(struct target_call){PHASE_WATCH, "monitoring", "GetMetricData",
				       "cloudwatch:GetMetricData", "*", false});
}

const struct guard_ops guard_metric = {"metric", check, ask, calls};
