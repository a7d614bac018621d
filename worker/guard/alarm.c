#include "worker/guard/guard.h"

/*
 * A CloudWatch alarm: OK is Pass, ALARM is Fail, INSUFFICIENT_DATA is Unknown. A missing alarm and
 * one that CloudWatch could not evaluate are Errors: CloudWatch leaves unknown names out of its
 * answer without a word.
 */
static int read_one(const struct guard_env *env, const char *name, struct alarm_state *out,
		    struct err *err)
{
	const struct target_env *t = env->target;

	return alarm_board_read(env->alarms, &t->client, t->plan->role_arn ? t->plan->role_arn : "",
				&name, 1, env->max_age_ms, t->arena, out, err);
}

static void too_slow_for_a_step(const struct plan_guard *g, size_t step, int64_t window_ms,
				int64_t watch_ms, struct problems *p)
{
	char window[DURATION_TEXT_SIZE], watch[DURATION_TEXT_SIZE];

	duration_format(window_ms, window);
	duration_format(watch_ms, watch);
	problem_warn(p, g->place, g->name,
		     "the alarm looks at %s: step %zu is over after %s, before it could go off",
		     window, step, watch);
}

/* How long a state of the alarm may lag behind: its window must fit into what relies on it. */
static void check_window(const struct plan *plan, const struct plan_guard *g,
			 const struct alarm_state *s, struct problems *p)
{
	char window[DURATION_TEXT_SIZE], step[DURATION_TEXT_SIZE];
	int64_t longest = 0;

	if (g->in & GUARD_IN_BAKE)
		longest = plan->bake_ms;
	if ((g->in & GUARD_IN_VERIFY) && plan->verify_ms > longest)
		longest = plan->verify_ms;
	for (size_t i = 0; i < plan->n_steps && (g->in & GUARD_IN_WATCH); i++)
		if (plan->steps[i].watch_ms > longest)
			longest = plan->steps[i].watch_ms;
	for (size_t i = 0; i < plan->n_steps && (g->in & GUARD_IN_WATCH); i++)
		if (s->window_ms <= longest && s->window_ms > plan->steps[i].watch_ms &&
		    plan->steps[i].watch_ms > 0)
			too_slow_for_a_step(g, i + 1, s->window_ms, plan->steps[i].watch_ms, p);
	if (s->window_ms <= longest || s->window_ms == 0)
		return;
	duration_format(s->window_ms, window);
	duration_format(longest, step);
	problem_add(
		p, g->place, g->name,
		"the alarm looks at %s, the longest step or bake time that relies on it is %s: it "
		"could not go off in time; watch longer, or use a faster alarm",
		window, step);
}

static int check(const struct guard_env *env, const struct plan_guard *g, struct problems *p,
		 struct err *err)
{
	struct alarm_state s;

	if (read_one(env, g->name, &s, err)) {
		if (err->code == ERR_CANCELED || err_is_retryable(err))
			return -1;
		problem_add(p, g->place, g->name, "the alarm cannot be read: %s", err->text);
		*err = ERR_INIT;
		return 0;
	}
	if (!s.found)
		problem_add(p, g->place, g->name, "there is no such alarm in %s",
			    env->target->client.region);
	else if (s.state == ALARM_ALARM)
		problem_add(
			p, g->place, g->name,
			"the alarm is red already, so it could not tell whether this release is "
			"bad: %s",
			s.reason);
	else
		check_window(env->target->plan, g, &s, p);
	if (s.found && s.state != ALARM_ALARM && (s.state != ALARM_OK || s.evaluation_trouble))
		problem_warn(p, g->place, g->name,
			     "the alarm is not OK now: %s; a step is held until it is",
			     s.reason[0] ? s.reason : "it could not be evaluated fully");
	return 0;
}

/* The value is that of when the alarm was updated last: one of before this rollout says nothing. */
static void add_measured(const struct alarm_state *s, const struct rollout_state *state,
			 struct verdict *out)
{
	out->measured.has_limit = s->has_threshold && s->fails;
	out->measured.limit = s->threshold;
	out->measured.fails = s->fails;
	out->measured.has_value = s->has_value && s->updated.ms >= state->started.ms;
	out->measured.value = s->value;
	out->measured.is_spot = true;
}

static int ask(const struct guard_env *env, const struct plan_guard *g,
	       const struct rollout_state *state, const struct target_observation *o,
	       uint8_t *failures, struct verdict *out, struct err *err)
{
	struct alarm_state s;

	(void)o;
	if (read_one(env, g->name, &s, err)) {
		if (err->code == ERR_CANCELED)
			return -1;
		*out = verdict_make(VERDICT_ERROR, clock_utc(env->target->client.aws->clock),
				    "alarm %s: %s", g->name, err->text);
		*err = ERR_INIT;
		return 0;
	}
	if (!s.found)
		*out = verdict_make(VERDICT_ERROR, s.asked, "alarm %s does not exist", g->name);
	else if (s.state == ALARM_ALARM)
		*out = verdict_make(VERDICT_FAIL, s.asked, "alarm %s is in ALARM: %s", g->name,
				    s.reason);
	else if (s.evaluation_trouble)
		*out = verdict_make(VERDICT_ERROR, s.asked, "alarm %s could not be evaluated fully",
				    g->name);
	else if (s.state == ALARM_OK)
		*out = verdict_make(VERDICT_PASS, s.asked, "alarm %s is OK", g->name);
	else
		*out = verdict_make(VERDICT_UNKNOWN, s.asked, "alarm %s has not enough data: %s",
				    g->name, s.reason);
	add_measured(&s, state, out);
	*failures = s.found && s.state == ALARM_ALARM;
	return 0;
}

static void calls(const struct plan_guard *g, const struct plan *plan, struct arena *a,
		  void (*add)(void *arg, const struct target_call *c), void *arg)
{
	(void)g;
	(void)plan;
	(void)a;
	add(arg, &(struct target_call){PHASE_WATCH, "monitoring", "DescribeAlarms",
				       "cloudwatch:DescribeAlarms", "*", false});
}

const struct guard_ops guard_alarm = {"alarm", check, ask, calls};
