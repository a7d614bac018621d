#include "worker/guard/guard.h"

#include <string.h>

#include "aws/cloudwatch.h"

/*
 * A threshold on a CloudWatch metric, over whole periods that began in this phase. The newest are
 * judged together, as their values may still change for a minute or two: any that breaks the
 * threshold is a Fail. What is older was judged in its time, and is no evidence of how it is now.
 *
 * Without dimensions of its own the guard looks at the candidate's series, as the target names it.
 * No data is Unknown, unless the plan says that it means zero (a count that is not written when it
 * is 0); and then only once CloudWatch has had the time to publish it.
 */
#define PUBLISH_LAG_MS 5000	    /* what CloudWatch needs at least before a period can be read */
#define PUBLISH_MOST_MS (2 * 60000) /* and after which what is not there will hardly come */
#define PERIODS_JUDGED 3

static struct rollout_state as_watch(const struct rollout_state *s)
{
	struct rollout_state w = *s;

	w.phase = PHASE_WATCH; /* when the target's series tells versions apart */
	return w;
}

/*
 * What "{candidate}" and "{baseline}" stand for in a dimension: what tells the two apart in the
 * target's own series, a version, a target group or an environment. NULL when it is not known.
 */
static const char *identity(const struct guard_env *env, const struct rollout_state *s,
			    const char *word)
{
	const char *names[PLAN_DIMENSIONS_MAX], *values[PLAN_DIMENSIONS_MAX], *ns;
	const struct rollout_state w = as_watch(s);
	size_t n =
		env->ops->series(env->target, &w, !strcmp(word, "{candidate}"), &ns, names, values);

	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i], "ExecutedVersion") || !strcmp(names[i], "TargetGroup") ||
		    !strcmp(names[i], "EnvironmentName"))
			return values[i];
	return NULL;
}

/* How many, or -1 when one of them is not known yet. */
static int dimensions(const struct guard_env *env, const struct plan_guard *g,
		      const struct rollout_state *s, struct cw_dimension out[PLAN_DIMENSIONS_MAX])
{
	const char *names[PLAN_DIMENSIONS_MAX], *values[PLAN_DIMENSIONS_MAX], *ns;
	size_t n;

	if (g->candidate_series) {
		n = env->ops->series(env->target, s, true, &ns, names, values);
		for (size_t i = 0; i < n; i++)
			out[i] = (struct cw_dimension){names[i], values[i]};
		return n ? (int)n : -1;
	}
	for (size_t i = 0; i < g->n_dimensions; i++) {
		const char *value = g->dimensions[i].value;

		if (!strcmp(value, "{candidate}") || !strcmp(value, "{baseline}"))
			value = identity(env, s, value);
		if (!value)
			return -1;
		out[i] = (struct cw_dimension){g->dimensions[i].name, value};
	}
	return (int)g->n_dimensions;
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

static struct verdict say(const struct plan_guard *g, double value, const char *note,
			  struct utc now)
{
	struct verdict v = verdict_make(holds(g, value) ? VERDICT_PASS : VERDICT_FAIL, now,
					"metric %.140s %s is %.6g%s; it must be %s %.6g", g->name,
					g->stat, value, note, compare_text(g->compare),
					g->threshold);

	v.measured.has_value = true;
	v.measured.value = value;
	return v;
}

/* waited: since the end of the oldest period asked for. */
static struct verdict judge(const struct plan_guard *g, const struct cw_series *series,
			    int64_t waited_ms, struct utc now)
{
	if (series->status != CW_COMPLETE)
		return verdict_make(VERDICT_ERROR, now, "metric %.140s: CloudWatch answered %s%s%s",
				    g->name, cw_status_name(series->status),
				    series->message ? ": " : "",
				    series->message ? series->message : "");
	for (size_t i = 0; i < series->n; i++)
		if (!holds(g, series->values[i]))
			return say(g, series->values[i], "", now);
	if (series->n > 0)
		return say(g, series->values[series->n - 1], "", now);
	if (g->missing_is_zero && waited_ms >= PUBLISH_MOST_MS)
		return say(g, 0, " (no data counts as zero)", now);
	return verdict_make(VERDICT_UNKNOWN, now, "metric %.140s has no data yet", g->name);
}

static int64_t round_up(int64_t ms, int64_t step)
{
	return (ms + step - 1) / step * step;
}

/* From the first period that began in this phase, of the newest, to the last that is over. */
static void set_range(const struct plan_guard *g, const struct rollout_state *s, struct utc now,
		      struct cw_metric_query *q)
{
	int64_t least;

	q->end.ms = (now.ms - PUBLISH_LAG_MS) / g->period_ms * g->period_ms;
	q->start.ms = round_up(s->phase_since.ms, g->period_ms);
	least = q->end.ms - PERIODS_JUDGED * g->period_ms - round_up(PUBLISH_MOST_MS, g->period_ms);
	if (q->start.ms < least)
		q->start.ms = least;
}

static int ask(const struct guard_env *env, const struct plan_guard *g,
	       const struct rollout_state *s, const struct target_observation *o, uint8_t *failures,
	       struct verdict *out, struct err *err)
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
	int n_dims = dimensions(env, g, s, dims);
	size_t n;

	(void)o;
	(void)failures;
	set_range(g, s, now, &query);
	if (n_dims < 0) {
		*out = verdict_make(VERDICT_UNKNOWN, now,
				    "metric %.140s: what its dimensions name is not known yet",
				    g->name);
		return 0;
	}
	if (query.start.ms >= query.end.ms) {
		*out = verdict_make(VERDICT_UNKNOWN, now, "metric %.140s: no whole period yet",
				    g->name);
		return 0;
	}
	q.n_dimensions = (size_t)n_dims;
	if (cloudwatch_get_metric_data(&env->target->client, &query, env->target->arena, &series,
				       &n, err)) {
		if (err->code == ERR_CANCELED)
			return -1;
		*out = verdict_make(VERDICT_ERROR, now, "metric %.140s: %s", g->name, err->text);
		*err = ERR_INIT;
		return 0;
	}
	*out = judge(g, &series[0], now.ms - query.start.ms - g->period_ms, now);
	return 0;
}

static int ask_and_limit(const struct guard_env *env, const struct plan_guard *g,
			 const struct rollout_state *s, const struct target_observation *o,
			 uint8_t *failures, struct verdict *out, struct err *err)
{
	static const char *const fails[] = {[COMPARE_LT] = "at or above",
					    [COMPARE_LE] = "above",
					    [COMPARE_GT] = "at or below",
					    [COMPARE_GE] = "below"};

	if (ask(env, g, s, o, failures, out, err))
		return -1;
	out->measured.has_limit = true;
	out->measured.limit = g->threshold;
	out->measured.fails = fails[g->compare];
	return 0;
}

static int check(const struct guard_env *env, const struct plan_guard *g, struct problems *p,
		 struct err *err)
{
	const struct plan *plan = env->target->plan;
	char period[DURATION_TEXT_SIZE];
	int64_t longest = g->in & GUARD_IN_BAKE ? plan->bake_ms : 0;

	(void)err;
	if ((g->in & GUARD_IN_VERIFY) && plan->verify_ms > longest)
		longest = plan->verify_ms;
	for (size_t i = 0; i < plan->n_steps && (g->in & GUARD_IN_WATCH); i++)
		if (plan->steps[i].watch_ms > longest)
			longest = plan->steps[i].watch_ms;
	if (longest >= g->period_ms * 2)
		return 0;
	duration_format(g->period_ms, period);
	problem_add(
		p, g->place, g->name,
		"no step or bake time holds a whole period of %s for sure: watch at least twice "
		"as long, or take a shorter period",
		period);
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

const struct guard_ops guard_metric = {"metric", check, ask_and_limit, calls};
