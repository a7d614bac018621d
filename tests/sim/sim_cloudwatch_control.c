#include "tests/sim/sim_cloudwatch.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * Control of the simulated CloudWatch: alarms and metrics as tests want them. The commands are
 * described in tests/sim/README-services.md.
 */

static char *copy(struct str s)
{
	return xstrndup(s.n ? s.p : "", s.n);
}

static struct sim_alarm *find(struct sim_cloudwatch_state *cw, struct str name)
{
	for (struct sim_alarm *a = cw->alarms; a; a = a->next)
		if (str_is(name, a->name))
			return a;
	return NULL;
}

static int need(struct sim_cloudwatch_state *cw, struct str name, struct sim_alarm **out,
		struct err *err)
{
	*out = find(cw, name);
	return *out ? 0 : err_set(err, ERR_NOT_FOUND, "no alarm '" STR_FMT "'", STR_ARG(name));
}

/* Insert by name, in place of one of the same name. */
static void insert(struct sim_cloudwatch_state *cw, struct sim_alarm *a)
{
	struct sim_alarm **at = &cw->alarms;
	while (*at && strcmp((*at)->name, a->name) < 0)
		at = &(*at)->next;
	if (*at && strcmp((*at)->name, a->name) == 0) {
		struct sim_alarm *old = *at;
		*at = old->next;
		sim_alarm_free(old);
	}
	a->next = *at;
	*at = a;
}

static struct sim_alarm *new_alarm(struct sim *s, const struct sim_words *w, struct err *err)
{
	struct sim_alarm *a = xcalloc(1, sizeof(*a));
	struct str state = sim_word_value(w, "state");
	a->state = SIM_ALARM_INSUFFICIENT;
	if (!sim_word(w, 2).n || !str_copy(a->name, sizeof(a->name), sim_word(w, 2))) {
		err_set(err, ERR_REJECTED, "alarm: a name of up to 255 bytes is missing");
		sim_alarm_free(a);
		return NULL;
	}
	if (state.n && !sim_alarm_state_parse(state, &a->state)) {
		err_set(err, ERR_REJECTED, "state=" STR_FMT ": OK, ALARM or INSUFFICIENT_DATA",
			STR_ARG(state));
		sim_alarm_free(a);
		return NULL;
	}
	snprintf(a->arn, sizeof(a->arn),
		 "arn:aws:cloudwatch:" SIM_REGION ":" SIM_ACCOUNT ":alarm:%s", a->name);
	(void)str_copy(a->reason, sizeof(a->reason), STR("Unchecked: Initial alarm creation"));
	a->configured = a->updated = a->transitioned = sim_now(s);
	return a;
}

/* Numbers of a metric alarm. */
static int set_numbers(struct sim_alarm *a, const struct sim_words *w, struct err *err)
{
	static const char *const keys[] = {"period", "evaluation_periods", "datapoints"};
	int64_t *const to[] = {&a->period_s, &a->evaluation_periods, &a->datapoints};
	a->period_s = 60;
	a->evaluation_periods = 1;
	for (size_t i = 0; i < 3; i++)
		if (sim_word_value(w, keys[i]).n && !sim_word_i64(w, keys[i], to[i]))
			return err_set(err, ERR_REJECTED, "%s: not a number", keys[i]);
	if (a->period_s != 10 && a->period_s != 20 && a->period_s != 30 &&
	    (a->period_s < 60 || a->period_s % 60))
		return err_set(err, ERR_REJECTED, "period: must be 10, 20, 30 or a multiple of 60");
	if (a->evaluation_periods < 1 || a->evaluation_periods > SIM_ALARM_PERIODS_MAX)
		return err_set(err, ERR_REJECTED, "evaluation_periods: must be 1 to %d",
			       SIM_ALARM_PERIODS_MAX);
	if (a->datapoints < 0 || a->datapoints > a->evaluation_periods)
		return err_set(err, ERR_REJECTED, "datapoints: more than the evaluation periods");
	if (!sim_word_double(w, "threshold", &a->threshold))
		return err_set(err, ERR_REJECTED, "threshold: missing or not a number");
	return 0;
}

static int set_words(struct sim_alarm *a, const struct sim_words *w, struct err *err)
{
	struct str compare = sim_word_value(w, "comparison"),
		   missing = sim_word_value(w, "missing");
	if (compare.n && !sim_compare_parse(compare, &a->compare))
		return err_set(err, ERR_REJECTED, "comparison=" STR_FMT ": unknown",
			       STR_ARG(compare));
	if (missing.n && !sim_missing_parse(missing, &a->missing))
		return err_set(err, ERR_REJECTED, "missing=" STR_FMT ": unknown", STR_ARG(missing));
	return 0;
}

static int set_input(struct sim_alarm_input *in, struct str ns, struct str name,
		     struct str dimensions, struct str stat, struct err *err)
{
	struct arena *a;
	if (!ns.n || !name.n)
		return err_set(err, ERR_REJECTED, "namespace and metric are both needed");
	if (!stat.n)
		stat = STR("Sum");
	if (!sim_stat_valid(stat))
		return err_set(err, ERR_REJECTED, "stat=" STR_FMT ": unknown", STR_ARG(stat));
	a = arena_new();
	in->ns = copy(ns);
	in->name = copy(name);
	in->dimensions = copy(sim_dimensions_sorted(a, dimensions));
	in->stat = copy(stat);
	arena_free(a);
	return 0;
}

/* metric.<id>="Namespace Name Dimensions Stat" for every id; "-": no dimensions */
static int set_math(struct sim_alarm *a, const struct sim_words *w, struct err *err)
{
	a->expression = copy(sim_word_value(w, "expression"));
	if (sim_math_parse(&a->math, str_from(a->expression), err))
		return -1;
	for (size_t i = 0; i < a->math.n_ids; i++) {
		char key[SIM_MATH_ID_SIZE + 8];
		struct str part[4] = {{NULL, 0}};
		snprintf(key, sizeof(key), "metric.%s", a->math.id[i]);
		struct str rest = sim_word_value(w, key);
		for (size_t k = 0; k < 4 && str_next(&rest, ' ', &part[k]);)
			k++;
		if (str_is(part[2], "-"))
			part[2] = STR("");
		if (set_input(&a->inputs[i], part[0], part[1], part[2], part[3], err))
			return err_wrap(err, "%s", key);
	}
	return 0;
}

static int set_alarm(struct sim_alarm *a, const struct sim_words *w, struct err *err)
{
	if (set_numbers(a, w, err) || set_words(a, w, err))
		return -1;
	if (sim_word_value(w, "expression").n)
		return set_math(a, w, err);
	if (sim_math_parse(&a->math, STR("m1"), err))
		return -1;
	return set_input(&a->inputs[0], sim_word_value(w, "namespace"), sim_word_value(w, "metric"),
			 sim_word_value(w, "dimensions"), sim_word_value(w, "stat"), err);
}

static void show(struct json_out *o, const struct sim_alarm *a)
{
	char at[UTC_ISO_SIZE];
	utc_format_iso(a->transitioned, at);
	json_out_object(o);
	json_member_cstr(o, "name", a->name);
	json_member_cstr(o, "arn", a->arn);
	json_member_cstr(o, "state", sim_alarm_state_name(a->state));
	json_member_cstr(o, "reason", a->reason);
	json_member_cstr(o, "transitioned", at);
	json_out_end(o);
}

static int add_alarm(struct sim *s, struct sim_cloudwatch_state *cw, const struct sim_words *w,
		     struct json_out *out, struct err *err)
{
	struct sim_alarm *a = new_alarm(s, w, err);
	if (!a)
		return -1;
	if (set_alarm(a, w, err)) {
		err_wrap(err, "alarm %s", a->name);
		sim_alarm_free(a);
		return -1;
	}
	insert(cw, a);
	show(out, a);
	return 0;
}

static int add_composite(struct sim *s, struct sim_cloudwatch_state *cw, const struct sim_words *w,
			 struct json_out *out, struct err *err)
{
	struct sim_alarm *a = new_alarm(s, w, err);
	if (!a)
		return -1;
	a->rule = xcalloc(1, sizeof(*a->rule));
	a->rule_text = copy(sim_word_value(w, "rule"));
	if (sim_rule_parse(a->rule, str_from(a->rule_text), err)) {
		sim_alarm_free(a);
		return -1;
	}
	insert(cw, a);
	show(out, a);
	return 0;
}

static int set_state(struct sim *s, struct sim_cloudwatch_state *cw, const struct sim_words *w,
		     struct json_out *out, struct err *err)
{
	struct sim_alarm *a;
	enum sim_alarm_state st;
	struct str reason = sim_word_value(w, "reason");
	char text[512];
	if (need(cw, sim_word(w, 2), &a, err))
		return -1;
	if (!sim_alarm_state_parse(sim_word(w, 3), &st))
		return err_set(err, ERR_REJECTED, "set-state: '" STR_FMT "' is not a state",
			       STR_ARG(sim_word(w, 3)));
	(void)str_copy(text, sizeof(text), reason.n ? reason : STR("set by hand"));
	sim_alarm_enter(a, st, text, sim_now(s));
	show(out, a);
	return 0;
}

static int delete_alarm(struct sim_cloudwatch_state *cw, const struct sim_words *w,
			struct json_out *out, struct err *err)
{
	struct sim_alarm *a, **at = &cw->alarms;
	if (need(cw, sim_word(w, 2), &a, err))
		return -1;
	while (*at != a)
		at = &(*at)->next;
	*at = a->next;
	show(out, a);
	sim_alarm_free(a);
	return 0;
}

/* cloudwatch metric NAMESPACE NAME dimensions=... value=1 count=1 */
static int add_metric(struct sim *s, struct sim_cloudwatch_state *cw, const struct sim_words *w,
		      struct json_out *out, struct err *err)
{
	double value = 1, count = 1;
	struct arena *a;
	if (!sim_word(w, 3).n)
		return err_set(err, ERR_REJECTED, "metric: namespace and name are needed");
	if ((sim_word_value(w, "value").n && !sim_word_double(w, "value", &value)) ||
	    (sim_word_value(w, "count").n && !sim_word_double(w, "count", &count)))
		return err_set(err, ERR_REJECTED, "metric: value and count must be numbers");
	a = arena_new();
	struct str dimensions = sim_dimensions_sorted(a, sim_word_value(w, "dimensions"));
	sim_metric_record(sim_metric_get(cw->metrics, sim_word(w, 2), sim_word(w, 3), dimensions),
			  sim_now(s), value, count);
	arena_free(a);
	json_out_bool(out, true);
	return 0;
}

int sim_cloudwatch_control(struct sim *s, void *state, const struct sim_words *w,
			   struct json_out *out, struct err *err)
{
	struct sim_cloudwatch_state *cw = state;
	struct str verb = sim_word(w, 1);
	struct sim_alarm *a;
	if (str_is(verb, "alarm"))
		return add_alarm(s, cw, w, out, err);
	if (str_is(verb, "composite"))
		return add_composite(s, cw, w, out, err);
	if (str_is(verb, "set-state"))
		return set_state(s, cw, w, out, err);
	if (str_is(verb, "delete"))
		return delete_alarm(cw, w, out, err);
	if (str_is(verb, "metric"))
		return add_metric(s, cw, w, out, err);
	if (str_is(verb, "show")) {
		if (need(cw, sim_word(w, 2), &a, err))
			return -1;
		show(out, a);
		return 0;
	}
	return err_set(err, ERR_REJECTED, "cloudwatch: no command '" STR_FMT "'", STR_ARG(verb));
}
