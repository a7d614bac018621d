#include "tests/sim/sim_alarm.h"

#include <stdio.h>
#include <stdlib.h>

#include "aws/core/json.h"

/*
 * Evaluation of metric alarms. A turn collects the evaluation range, which is a little longer than
 * the evaluation periods, so that late or missing datapoints can be made up for by older ones; what
 * is still missing is treated as the alarm says. The reasons are worded as CloudWatch words them.
 */

/* How many more periods than asked for are looked at when some are missing. */
#define EXTRA_PERIODS 2

void sim_alarm_free(struct sim_alarm *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < SIM_MATH_IDS; i++) {
		free(a->inputs[i].ns);
		free(a->inputs[i].name);
		free(a->inputs[i].dimensions);
		free(a->inputs[i].stat);
	}
	free(a->rule);
	free(a->rule_text);
	free(a->expression);
	free(a);
}

static const char *const state_names[] = {"OK", "ALARM", "INSUFFICIENT_DATA"};
static const char *const missing_names[] = {"missing", "notBreaching", "breaching", "ignore"};
static const char *const compare_names[] = {"GreaterThanThreshold", "GreaterThanOrEqualToThreshold",
					    "LessThanThreshold", "LessThanOrEqualToThreshold"};

static bool parse_name(struct str s, const char *const *names, size_t n, size_t *out)
{
	for (size_t i = 0; i < n; i++) {
		if (str_is(s, names[i])) {
			*out = i;
			return true;
		}
	}
	return false;
}

const char *sim_alarm_state_name(enum sim_alarm_state st)
{
	return state_names[st];
}

bool sim_alarm_state_parse(struct str s, enum sim_alarm_state *out)
{
	size_t i;
	if (!parse_name(s, state_names, 3, &i))
		return false;
	*out = (enum sim_alarm_state)i;
	return true;
}

const char *sim_missing_name(enum sim_missing m)
{
	return missing_names[m];
}

bool sim_missing_parse(struct str s, enum sim_missing *out)
{
	size_t i;
	if (!parse_name(s, missing_names, 4, &i))
		return false;
	*out = (enum sim_missing)i;
	return true;
}

const char *sim_compare_name(enum sim_compare c)
{
	return compare_names[c];
}

bool sim_compare_parse(struct str s, enum sim_compare *out)
{
	size_t i;
	if (!parse_name(s, compare_names, 4, &i))
		return false;
	*out = (enum sim_compare)i;
	return true;
}

void sim_alarm_enter(struct sim_alarm *a, enum sim_alarm_state st, const char *reason,
		     struct utc now)
{
	(void)str_copy(a->reason, sizeof(a->reason), str_from(reason));
	a->reason_data[0] = '\0';
	if (a->state == st)
		return;
	a->state = st;
	a->updated = now;
	a->transitioned = now;
}

/* --- datapoints ---------------------------------------------------------------------------- */

struct point {
	struct utc at;
	double value;
	bool there, breaching;
};

static bool breaches(const struct sim_alarm *a, double v)
{
	switch (a->compare) {
	case SIM_GREATER:
		return v > a->threshold;
	case SIM_GREATER_EQUAL:
		return v >= a->threshold;
	case SIM_LESS:
		return v < a->threshold;
	case SIM_LESS_EQUAL:
		return v <= a->threshold;
	}
	return false;
}

/* The datapoint of [from, from + period). */
static struct point read_point(const struct sim_alarm *a, const struct sim_metric_store *st,
			       struct utc from)
{
	struct point p = {.at = from};
	struct utc to = {from.ms + a->period_s * 1000};
	bool have[SIM_MATH_IDS] = {false};
	double v[SIM_MATH_IDS] = {0};
	for (size_t i = 0; i < a->math.n_ids; i++) {
		const struct sim_alarm_input *in = &a->inputs[i];
		const struct sim_metric *m = sim_metric_find(
			st, str_from(in->ns), str_from(in->name), str_from(in->dimensions));
		have[i] = sim_stat(m, str_from(in->stat), from, to, &v[i]);
	}
	p.there = sim_math_eval(&a->math, have, v, &p.value);
	p.breaching = p.there && breaches(a, p.value);
	return p;
}

/* What the points, newest first, amount to. */
struct tally {
	const struct point *points[SIM_ALARM_PERIODS_MAX + EXTRA_PERIODS]; /* that count */
	int64_t n, breaching, missing;
};

static struct tally count_points(const struct point *p, int64_t range, int64_t periods)
{
	struct tally t = {.n = 0};
	for (int64_t i = 0; i < range && t.n < periods; i++) {
		if (!p[i].there)
			continue;
		t.points[t.n++] = &p[i];
		t.breaching += p[i].breaching;
	}
	t.missing = periods - t.n;
	return t;
}

static enum sim_alarm_state judge(const struct sim_alarm *a, const struct tally *t)
{
	int64_t needed = a->datapoints ? a->datapoints : a->evaluation_periods;
	if (t->breaching >= needed)
		return SIM_ALARM_ALARM;
	if (t->missing <= 0)
		return SIM_ALARM_OK;
	switch (a->missing) {
	case SIM_MISSING_BREACHING:
		return t->breaching + t->missing >= needed ? SIM_ALARM_ALARM : SIM_ALARM_OK;
	case SIM_MISSING_NOT_BREACHING:
		return SIM_ALARM_OK;
	case SIM_MISSING_IGNORE:
		return t->breaching == t->n ? a->state : SIM_ALARM_OK;
	case SIM_MISSING_MISSING:
		break;
	}
	if (t->n == 0)
		return SIM_ALARM_INSUFFICIENT;
	return SIM_ALARM_OK;
}

/*
 * With missing data left missing, an alarm goes off early when its oldest breaching point is as old
 * as the datapoints to alarm and everything since is breaching or missing.
 */
static bool premature(const struct sim_alarm *a, const struct point *p, int64_t range)
{
	int64_t needed = a->datapoints ? a->datapoints : a->evaluation_periods, oldest = -1;
	for (int64_t i = 0; i < range; i++) {
		if (p[i].there && !p[i].breaching)
			return false;
		if (p[i].breaching)
			oldest = i;
	}
	return oldest + 1 >= needed;
}

/* --- reasons ------------------------------------------------------------------------------- */

static void add_number(struct buf *b, double v)
{
	char text[40];
	snprintf(text, sizeof(text), "%.12g", v);
	buf_adds(b, text);
	if (!strpbrk(text, ".en"))
		buf_adds(b, ".0");
}

/* "12.0 (05/01/26 10:01:00)" */
static void add_point(struct buf *b, const struct point *p)
{
	char iso[UTC_ISO_SIZE];
	add_number(b, p->value);
	utc_format_iso(p->at, iso);
	buf_addf(b, " (%.2s/%.2s/%.2s %.8s)", iso + 8, iso + 5, iso + 2, iso + 11);
}

static void add_points(struct buf *b, const struct tally *t)
{
	buf_addc(b, '[');
	for (int64_t i = 0; i < t->n; i++) {
		if (i)
			buf_adds(b, ", ");
		add_point(b, t->points[i]);
	}
	buf_addc(b, ']');
}

static const char *plural(int64_t n)
{
	return n == 1 ? "" : "s";
}

static void add_comparison(struct buf *b, const struct sim_alarm *a, int64_t n, bool crossed)
{
	static const char *const words[] = {"greater than", "greater than or equal to", "less than",
					    "less than or equal to"};
	buf_addf(b, " %s %s%s the threshold (", n == 1 ? "was" : "were", crossed ? "" : "not ",
		 words[a->compare]);
	add_number(b, a->threshold);
	buf_addc(b, ')');
}

static void reason_missing(struct buf *b, const struct sim_alarm *a, const struct tally *t,
			   enum sim_alarm_state st)
{
	long long n = (long long)t->missing;
	if (st == SIM_ALARM_INSUFFICIENT || a->missing == SIM_MISSING_MISSING ||
	    a->missing == SIM_MISSING_IGNORE) {
		buf_addf(b, "Insufficient Data: %lld datapoint%s %s unknown.", n, plural(n),
			 n == 1 ? "was" : "were");
		return;
	}
	buf_addf(
		b,
		"Threshold Crossed: no datapoints were received for %lld period%s and %lld missing "
		"datapoint%s %s treated as [%s].",
		n, plural(n), n, plural(n), n == 1 ? "was" : "were",
		a->missing == SIM_MISSING_BREACHING ? "Breaching" : "NonBreaching");
}

static void reason(struct buf *b, const struct sim_alarm *a, const struct tally *t,
		   enum sim_alarm_state st)
{
	bool crossed = st == SIM_ALARM_ALARM;
	if (t->n == 0 || st == SIM_ALARM_INSUFFICIENT) {
		reason_missing(b, a, t, st);
		return;
	}
	if (!a->datapoints) {
		buf_addf(b, "Threshold Crossed: %lld datapoint%s ", (long long)t->n, plural(t->n));
		add_points(b, t);
		add_comparison(b, a, t->n, crossed);
		buf_addc(b, '.');
		return;
	}
	int64_t n = crossed ? t->breaching : t->n - t->breaching;
	buf_addf(b, "Threshold Crossed: %lld out of the last %lld datapoints ", (long long)n,
		 (long long)t->n);
	add_points(b, t);
	add_comparison(b, a, n, crossed);
	buf_addf(b, " (minimum %lld datapoint%s for %s transition).", (long long)a->datapoints,
		 plural(a->datapoints), crossed ? "OK -> ALARM" : "ALARM -> OK");
}

/* The same for programs, as CloudWatch writes it: the newest datapoint first. */
static void reason_data(struct buf *b, const struct sim_alarm *a, const struct tally *t,
			struct utc now)
{
	char iso[UTC_ISO_SIZE];
	struct json_out o;

	json_out_init(&o, b);
	json_out_object(&o);
	json_member_cstr(&o, "version", "1.0");
	utc_format_iso(now, iso);
	json_member_cstr(&o, "queryDate", iso);
	json_member_i64(&o, "period", a->period_s);
	json_out_key(&o, "recentDatapoints");
	json_out_array(&o);
	for (int64_t i = 0; i < t->n && i < 5; i++)
		json_out_double(&o, t->points[i]->value);
	json_out_end(&o);
	json_member_double(&o, "threshold", a->threshold);
	json_out_end(&o);
}

/* Judge the periods that ended at this moment. */
static void evaluate(struct sim_alarm *a, const struct sim_metric_store *st, int64_t end,
		     struct utc now)
{
	struct point p[SIM_ALARM_PERIODS_MAX + EXTRA_PERIODS];
	int64_t range = a->evaluation_periods + EXTRA_PERIODS;
	struct buf b;
	for (int64_t i = 0; i < range; i++)
		p[i] = read_point(a, st, (struct utc){end - (i + 1) * a->period_s * 1000});
	struct tally t = count_points(p, range, a->evaluation_periods);
	enum sim_alarm_state next = judge(a, &t);
	if (next == SIM_ALARM_OK && a->missing == SIM_MISSING_MISSING && t.missing > 0 &&
	    premature(a, p, range))
		next = SIM_ALARM_ALARM;
	if (next == a->state)
		return;
	buf_init(&b, 64u << 10);
	reason(&b, a, &t, next);
	sim_alarm_enter(a, next, b.p, now);
	buf_clear(&b);
	reason_data(&b, a, &t, now);
	(void)str_copy(a->reason_data, sizeof(a->reason_data), buf_str(&b));
	buf_release(&b);
}

void sim_alarm_evaluate(struct sim_alarm *a, const struct sim_metric_store *st, struct utc now)
{
	int64_t interval = a->period_s < 60 ? 10000 : 60000;
	int64_t delay = a->period_s < 60 ? SIM_ALARM_DELAY_FAST_MS : SIM_ALARM_DELAY_MS;
	int64_t end = (now.ms - delay) - (now.ms - delay) % interval;
	bool first = a->next_evaluation.ms == 0;
	if (now.ms < a->next_evaluation.ms)
		return;
	a->next_evaluation.ms = end + interval + delay;
	if (!first) /* a new alarm is judged at the next regular moment */
		evaluate(a, st, end, now);
}
