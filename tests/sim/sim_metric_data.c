#include "tests/sim/sim_cloudwatch.h"

#include "tests/sim/sim_math.h"

/*
 * GetMetricData and PutMetricData. Every query becomes a row of slots, one a period; expressions
 * are computed slot by slot over the rows they name, in as many passes as it takes for their inputs
 * to be there.
 */

#define QUERIES_MAX 500
#define POINTS_MAX 100800

struct row {
	struct str id, label;
	const struct json *query;
	int64_t period_s;
	int64_t from_ms; /* of slot 0 */
	size_t n;
	double *values;
	bool *have;
	bool done, wanted;
};

struct table {
	struct sim_cloudwatch_call *c;
	struct utc from, to;
	struct row *rows;
	size_t n;
};

static int bad(const struct table *t, const char *code, struct str id, const char *what)
{
	return sim_cloudwatch_error(
		t->c, code,
		arena_printf(t->c->x->arena, "query '" STR_FMT "': %s", STR_ARG(id), what));
}

static bool valid_period(int64_t s)
{
	return s == 1 || s == 5 || s == 10 || s == 20 || s == 30 || (s > 0 && s % 60 == 0);
}

static int size_row(struct table *t, struct row *r)
{
	int64_t p = r->period_s * 1000;
	r->from_ms = t->from.ms - t->from.ms % p;
	int64_t n = (t->to.ms - r->from_ms + p - 1) / p;
	if (n > POINTS_MAX)
		return bad(t, "InvalidParameterValue", r->id, "too many datapoints requested");
	r->n = (size_t)n;
	r->values = arena_array(t->c->x->arena, double, r->n);
	r->have = arena_array(t->c->x->arena, bool, r->n);
	return 0;
}

static int fill_stat(struct table *t, struct row *r, const struct json *ms)
{
	const struct json *metric = json_get(ms, "Metric");
	struct arena *a = t->c->x->arena;
	struct str stat = json_text(json_get(ms, "Stat"));
	if (!json_i64(json_get(ms, "Period"), &r->period_s) || !valid_period(r->period_s))
		return bad(t, "InvalidParameterValue", r->id,
			   "Period must be 1, 5, 10, 20, 30 or a multiple of 60");
	if (!sim_stat_valid(stat))
		return bad(t, "InvalidParameterValue", r->id, "unknown Stat");
	struct str name = json_text(json_get(metric, "MetricName")),
		   ns = json_text(json_get(metric, "Namespace"));
	if (!name.n || !ns.n)
		return bad(t, "MissingParameter", r->id, "Namespace and MetricName are required");
	if (size_row(t, r))
		return -1;
	const struct sim_metric *m = sim_metric_find(
		t->c->cw->metrics, ns, name, sim_dimensions_of(a, json_get(metric, "Dimensions")));
	for (size_t i = 0; i < r->n; i++) {
		int64_t at = r->from_ms + (int64_t)i * r->period_s * 1000;
		r->have[i] = sim_stat(m, stat, (struct utc){at},
				      (struct utc){at + r->period_s * 1000}, &r->values[i]);
	}
	if (!r->label.n)
		r->label = name;
	r->done = true;
	return 0;
}

static struct row *find_row(struct table *t, const char *id)
{
	for (size_t i = 0; i < t->n; i++)
		if (str_is(t->rows[i].id, id))
			return &t->rows[i];
	return NULL;
}

/* 1: computed, 0: an input is not there yet, -1: refused. */
static int fill_expression(struct table *t, struct row *r, struct str text)
{
	struct sim_math m;
	struct err err = ERR_INIT;
	struct row *in[SIM_MATH_IDS];
	if (sim_math_parse(&m, text, &err))
		return sim_cloudwatch_error(t->c, "InvalidParameterValue", err.text);
	r->period_s = 0;
	for (size_t i = 0; i < m.n_ids; i++) {
		in[i] = find_row(t, m.id[i]);
		if (!in[i])
			return sim_cloudwatch_error(
				t->c, "InvalidParameterValue",
				arena_printf(t->c->x->arena, "no query has the id %s", m.id[i]));
		if (!in[i]->done)
			return 0;
		if (r->period_s && r->period_s != in[i]->period_s)
			return bad(t, "InvalidParameterValue", r->id,
				   "inputs have different periods");
		r->period_s = in[i]->period_s;
	}
	if (!r->period_s)
		return bad(t, "InvalidParameterValue", r->id, "the expression names no metric");
	if (size_row(t, r))
		return -1;
	for (size_t k = 0; k < r->n; k++) {
		bool have[SIM_MATH_IDS] = {false};
		double v[SIM_MATH_IDS] = {0};
		for (size_t i = 0; i < m.n_ids; i++) {
			have[i] = in[i]->have[k];
			v[i] = in[i]->values[k];
		}
		r->have[k] = sim_math_eval(&m, have, v, &r->values[k]);
	}
	r->done = true;
	return 1;
}

static bool valid_id(struct str id)
{
	if (!id.n || id.n > 255 || id.p[0] < 'a' || id.p[0] > 'z')
		return false;
	for (size_t i = 0; i < id.n; i++) {
		char c = id.p[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '_'))
			return false;
	}
	return true;
}

static int read_queries(struct table *t)
{
	const struct json *list = json_get(t->c->in, "MetricDataQueries");
	bool any = false;
	if (!list || !list->n)
		return sim_cloudwatch_error(t->c, "MissingParameter",
					    "MetricDataQueries is required");
	if (list->n > QUERIES_MAX)
		return sim_cloudwatch_error(t->c, "InvalidParameterValue",
					    "MetricDataQueries: at most 500 members");
	t->rows = arena_array(t->c->x->arena, struct row, list->n);
	json_each(q, list) {
		struct row *r = &t->rows[t->n];
		r->query = q;
		r->id = json_text(json_get(q, "Id"));
		r->label = json_text(json_get(q, "Label"));
		r->wanted = json_bool(json_get(q, "ReturnData"), true);
		any = any || r->wanted;
		if (!valid_id(r->id) || find_row(t, r->id.p))
			return bad(t, "InvalidParameterValue", r->id,
				   "the id is not valid or not unique");
		if (!json_get(q, "MetricStat") == !json_get(q, "Expression"))
			return bad(t, "InvalidParameterCombination", r->id,
				   "one of MetricStat and Expression");
		t->n++;
	}
	if (!any)
		return sim_cloudwatch_error(t->c, "InvalidParameterValue",
					    "at least one query must return data");
	return 0;
}

static int compute(struct table *t)
{
	size_t left = 0;
	for (size_t i = 0; i < t->n; i++) {
		const struct json *ms = json_get(t->rows[i].query, "MetricStat");
		if (ms && fill_stat(t, &t->rows[i], ms))
			return -1;
		left += !ms;
	}
	while (left) {
		size_t before = left;
		for (size_t i = 0; i < t->n; i++) {
			struct row *r = &t->rows[i];
			if (r->done)
				continue;
			int rc = fill_expression(t, r, json_text(json_get(r->query, "Expression")));
			if (rc < 0)
				return -1;
			left -= rc > 0;
			if (!r->label.n)
				r->label = r->id;
		}
		if (left == before)
			return sim_cloudwatch_error(t->c, "InvalidParameterValue",
						    "expressions refer to each other in a circle");
	}
	return 0;
}

/* --- the answer, page by page -------------------------------------------------------------- */

struct page {
	int64_t skip, max; /* datapoints of earlier pages; of this one */
	int64_t seen;
	bool ascending;
};

/* Slot of the k-th datapoint in the order asked for. */
static size_t slot(const struct row *r, const struct page *p, size_t k)
{
	return p->ascending ? k : r->n - 1 - k;
}

static bool on_page(const struct page *p, int64_t number)
{
	return number >= p->skip && number < p->skip + p->max;
}

static void write_row(struct json_out *o, const struct row *r, struct page *p)
{
	int64_t first = p->seen, total = 0;
	for (size_t k = 0; k < r->n; k++)
		total += r->have[k];
	p->seen += total;
	/* a row whose points were all on earlier pages is not repeated */
	if (total && first + total <= p->skip)
		return;
	/* nor does one appear before its page, unless it has nothing to wait for */
	if (first >= p->skip + p->max && total)
		return;
	if (!total && p->skip && first < p->skip)
		return;
	json_out_object(o);
	json_member_str(o, "Id", r->id);
	json_member_str(o, "Label", r->label);
	for (int pass = 0; pass < 2; pass++) {
		int64_t number = first;
		json_out_key(o, pass ? "Values" : "Timestamps");
		json_out_array(o);
		for (size_t k = 0; k < r->n; k++) {
			size_t i = slot(r, p, k);
			if (!r->have[i] || !on_page(p, number++))
				continue;
			if (pass)
				json_out_double(o, r->values[i]);
			else
				json_out_i64(o, r->from_ms / 1000 + (int64_t)i * r->period_s);
		}
		json_out_end(o);
	}
	json_member_cstr(o, "StatusCode",
			 first + total > p->skip + p->max ? "PartialData" : "Complete");
	json_out_end(o);
}

static int read_page(struct sim_cloudwatch_call *c, struct page *p)
{
	struct str token = json_text(json_get(c->in, "NextToken")),
		   scan = json_text(json_get(c->in, "ScanBy"));
	*p = (struct page){.max = POINTS_MAX, .ascending = str_is(scan, "TimestampAscending")};
	if (scan.n && !p->ascending && !str_is(scan, "TimestampDescending"))
		return sim_cloudwatch_error(c, "InvalidParameterValue", "ScanBy is unknown");
	if (json_i64(json_get(c->in, "MaxDatapoints"), &p->max) &&
	    (p->max < 1 || p->max > POINTS_MAX))
		return sim_cloudwatch_error(c, "InvalidParameterValue",
					    "MaxDatapoints must be 1 to 100800");
	if (token.n && (!str_starts(token, "points-") ||
			!str_parse_i64(str_sub(token, 7, token.n), 1, INT32_MAX, &p->skip)))
		return sim_cloudwatch_error(c, "InvalidNextToken", "NextToken is not valid");
	return 0;
}

static bool read_moment(const struct json *in, const char *key, struct utc *out)
{
	double seconds;
	if (!json_double(json_get(in, key), &seconds) || seconds < 0 || seconds > 1e11)
		return false;
	out->ms = (int64_t)(seconds * 1000);
	return true;
}

int sim_get_metric_data(struct sim_cloudwatch_call *c)
{
	struct table t = {.c = c};
	struct page p;
	if (!read_moment(c->in, "StartTime", &t.from) || !read_moment(c->in, "EndTime", &t.to))
		return sim_cloudwatch_error(c, "MissingParameter",
					    "StartTime and EndTime are required");
	if (t.from.ms >= t.to.ms)
		return sim_cloudwatch_error(c, "InvalidParameterValue",
					    "StartTime must be before EndTime");
	if (read_page(c, &p) || read_queries(&t) || compute(&t))
		return -1;
	json_out_key(&c->out, "MetricDataResults");
	json_out_array(&c->out);
	for (size_t i = 0; i < t.n; i++)
		if (t.rows[i].wanted)
			write_row(&c->out, &t.rows[i], &p);
	json_out_end(&c->out);
	json_out_key(&c->out, "Messages");
	json_out_array(&c->out);
	json_out_end(&c->out);
	if (p.seen > p.skip + p.max)
		json_member_cstr(
			&c->out, "NextToken",
			arena_printf(c->x->arena, "points-%lld", (long long)(p.skip + p.max)));
	return 0;
}

/* --- PutMetricData ------------------------------------------------------------------------- */

static void put_values(struct sim_metric *m, const struct json *d, struct utc at)
{
	const struct json *set = json_get(d, "StatisticValues"), *count;
	double v, n, sum;
	if (json_double(json_get(d, "Value"), &v))
		sim_metric_record(m, at, v, 1);
	if (json_double(json_get(set, "SampleCount"), &n) &&
	    json_double(json_get(set, "Sum"), &sum) && n > 0)
		sim_metric_record(m, at, sum / n, n);
	count = json_get(d, "Counts") ? json_get(d, "Counts")->first : NULL;
	json_each(value, json_get(d, "Values")) {
		n = 1;
		if (count && json_double(count, &n))
			count = count->next;
		if (json_double(value, &v))
			sim_metric_record(m, at, v, n);
	}
}

int sim_put_metric_data(struct sim_cloudwatch_call *c)
{
	struct str ns = json_text(json_get(c->in, "Namespace"));
	const struct json *data = json_get(c->in, "MetricData");
	if (!ns.n || str_starts(ns, "AWS/"))
		return sim_cloudwatch_error(c, "InvalidParameterValue",
					    "Namespace must be given and not begin with AWS/");
	if (!data || data->n > 1000)
		return sim_cloudwatch_error(c, "InvalidParameterValue",
					    "MetricData: 1 to 1000 members");
	json_each(d, data) {
		struct utc at = c->x->now;
		struct str name = json_text(json_get(d, "MetricName"));
		if (!name.n)
			return sim_cloudwatch_error(c, "MissingParameter",
						    "MetricName is required");
		(void)read_moment(d, "Timestamp", &at);
		put_values(
			sim_metric_get(c->cw->metrics, ns, name,
				       sim_dimensions_of(c->x->arena, json_get(d, "Dimensions"))),
			d, at);
	}
	return 0;
}
