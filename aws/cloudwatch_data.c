#include "aws/cloudwatch.h"

#include <stdlib.h>
#include <string.h>

#include "aws/answer.h"

/*
 * Metric data. Points of one query may be spread over pages in any portions; they are gathered for
 * each id, and what comes out is checked to be in order whatever the service did.
 */

/* 500 queries of 8 KiB; AWS takes less. */
#define REQUEST_MAX (4u << 20)

struct point {
	struct utc at;
	double value;
};

struct gather {
	const char *id;
	enum cw_status status;
	bool has_status;
	const char *message;
	struct point *points;
	size_t n, cap;
};

struct result {
	struct gather *series;
	size_t n_series, n_points;
	const char *message; /* first one about the whole request */
};

static const char *const status_names[] = {
	[CW_COMPLETE] = "Complete",
	[CW_PARTIAL_DATA] = "PartialData",
	[CW_INTERNAL_ERROR] = "InternalError",
	[CW_FORBIDDEN] = "Forbidden",
	[CW_STATUS_OTHER] = "unknown",
};

const char *cw_status_name(enum cw_status s)
{
	return (unsigned)s <= CW_STATUS_OTHER ? status_names[s] : "unknown";
}

/* --- the request ----------------------------------------------------------------------------- */

static bool is_id(const char *id)
{
	struct str s = str_from(id);

	if (!s.n || s.n > 255 || s.p[0] < 'a' || s.p[0] > 'z')
		return false;
	for (size_t i = 1; i < s.n; i++) {
		char ch = s.p[i];

		if (!(ch >= 'a' && ch <= 'z') && !(ch >= 'A' && ch <= 'Z') &&
		    !(ch >= '0' && ch <= '9') && ch != '_')
			return false;
	}
	return true;
}

static int check(const struct cw_metric_query *q, struct err *err)
{
	if (!q->n)
		return err_set(err, ERR_REJECTED, "CloudWatch.GetMetricData: no queries");
	if (q->n > LIMIT_QUERIES_PER_CALL)
		return err_set(err, ERR_LIMIT, "CloudWatch.GetMetricData: %zu queries, at most %d",
			       q->n, LIMIT_QUERIES_PER_CALL);
	for (size_t i = 0; i < q->n; i++) {
		const struct cw_query *x = &q->queries[i];

		if (!is_id(x->id))
			return err_set(err, ERR_REJECTED,
				       "CloudWatch.GetMetricData: \"%.60s\" is no query id",
				       x->id ? x->id : "");
		for (size_t k = 0; k < i; k++) {
			if (strcmp(q->queries[k].id, x->id) == 0)
				return err_set(err, ERR_REJECTED,
					       "CloudWatch.GetMetricData: two queries \"%.60s\"",
					       x->id);
		}
	}
	return 0;
}

static void add_query(struct json_out *o, const struct cw_query *q)
{
	json_out_object(o);
	json_member_cstr(o, "Id", q->id);
	if (q->expression) {
		json_member_cstr(o, "Expression", q->expression);
		if (q->period_s)
			json_member_i64(o, "Period", q->period_s);
	} else {
		json_out_key(o, "MetricStat");
		json_out_object(o);
		json_out_key(o, "Metric");
		json_out_object(o);
		json_member_cstr(o, "Namespace", q->metric_namespace);
		json_member_cstr(o, "MetricName", q->metric_name);
		json_out_key(o, "Dimensions");
		json_out_array(o);
		for (size_t i = 0; i < q->n_dimensions; i++) {
			json_out_object(o);
			json_member_cstr(o, "Name", q->dimensions[i].name);
			json_member_cstr(o, "Value", q->dimensions[i].value);
			json_out_end(o);
		}
		json_out_end(o);
		json_out_end(o);
		json_member_i64(o, "Period", q->period_s);
		json_member_cstr(o, "Stat", q->stat);
		json_member_cstr(o, "Unit", q->unit);
		json_out_end(o);
	}
	json_member_bool(o, "ReturnData", !q->hidden);
	json_out_end(o);
}

static int ask(const struct aws_client *c, const struct cw_metric_query *q, const char *token,
	       struct arena *a, struct aws_response *res, struct err *err)
{
	struct aws_request r = {
		.service = &cloudwatch_service, .operation = "GetMetricData", .resend_safe = true};
	struct json_out o;
	struct buf body;
	int ret;

	buf_init(&body, REQUEST_MAX);
	json_out_init(&o, &body);
	json_out_object(&o);
	json_out_key(&o, "MetricDataQueries");
	json_out_array(&o);
	for (size_t i = 0; i < q->n; i++)
		add_query(&o, &q->queries[i]);
	json_out_end(&o);
	json_member_i64(&o, "StartTime", q->start.ms / 1000);
	json_member_i64(&o, "EndTime", q->end.ms / 1000);
	json_member_cstr(&o, "ScanBy", "TimestampAscending");
	json_member_cstr(&o, "NextToken", token);
	json_out_end(&o);
	r.body = buf_str(&body);
	ret = buf_check(&body, "request", err) || aws_call(c, &r, a, res, err) ? -1 : 0;
	buf_release(&body);
	return ret;
}

/* --- the answer ------------------------------------------------------------------------------ */

static int malformed(const char *id, const char *what, struct err *err)
{
	return err_set(err, ERR_MALFORMED, "CloudWatch.GetMetricData: %s of %.60s", what, id);
}

static int read_points(const struct json *node, struct gather *g, struct result *r, struct arena *a,
		       struct err *err)
{
	const struct json *times = json_get(node, "Timestamps"), *values = json_get(node, "Values");
	const struct json *v = values ? values->first : NULL;

	if ((times ? times->n : 0) != (values ? values->n : 0))
		return malformed(g->id, "not as many values as timestamps", err);
	json_each (t, times) {
		if (++r->n_points > CW_POINTS_MAX)
			return err_set(err, ERR_LIMIT,
				       "CloudWatch.GetMetricData: more than %d points",
				       CW_POINTS_MAX);
		g->points = aws_grow(a, g->points, g->n, &g->cap, sizeof(*g->points));
		if (!aws_json_time(t, &g->points[g->n].at))
			return malformed(g->id, "a timestamp that is none", err);
		if (!v || !json_double(v, &g->points[g->n].value))
			return malformed(g->id, "a value that is no number", err);
		v = v->next;
		g->n++;
	}
	return 0;
}

static const char *first_message(const struct json *list)
{
	const struct json *m = list && list->type == JSON_ARRAY ? list->first : NULL;
	const char *text = aws_json_text(m, "Value");

	return text ? text : aws_json_text(m, "Code");
}

/* A page may be partial because the next one goes on; an error of any page stays. */
static void note_status(struct gather *g, struct str status)
{
	int i = 0;

	while (i < CW_STATUS_OTHER && !str_is(status, status_names[i]))
		i++;
	if (!g->has_status || g->status == CW_COMPLETE || g->status == CW_PARTIAL_DATA)
		g->status = (enum cw_status)i;
	g->has_status = true;
}

static int read_page(const struct json *doc, struct result *r, struct arena *a, struct err *err)
{
	if (!doc || doc->type != JSON_OBJECT)
		return err_set(err, ERR_MALFORMED,
			       "CloudWatch.GetMetricData: the answer is no document");
	json_each (node, json_get(doc, "MetricDataResults")) {
		struct str id = json_text(json_get(node, "Id"));
		size_t i = 0;

		while (i < r->n_series && !str_is(id, r->series[i].id))
			i++;
		if (i == r->n_series)
			continue;
		note_status(&r->series[i], json_text(json_get(node, "StatusCode")));
		if (!r->series[i].message)
			r->series[i].message = first_message(json_get(node, "Messages"));
		if (read_points(node, &r->series[i], r, a, err))
			return -1;
	}
	if (!r->message)
		r->message = first_message(json_get(doc, "Messages"));
	return 0;
}

static int by_time(const void *a, const void *b)
{
	const struct point *x = a, *y = b;

	return x->at.ms < y->at.ms ? -1 : x->at.ms > y->at.ms;
}

static void finish(struct gather *g, const struct result *r, struct arena *a, struct cw_series *out)
{
	struct utc *times = arena_array(a, struct utc, g->n + 1);
	double *values = arena_array(a, double, g->n + 1);
	bool sorted = true;

	for (size_t i = 1; i < g->n; i++)
		sorted = sorted && g->points[i - 1].at.ms <= g->points[i].at.ms;
	if (!sorted)
		qsort(g->points, g->n, sizeof(*g->points), by_time);
	for (size_t i = 0; i < g->n; i++) {
		times[i] = g->points[i].at;
		values[i] = g->points[i].value;
	}
	*out = (struct cw_series){
		.id = g->id,
		.status = g->has_status ? g->status : CW_PARTIAL_DATA,
		.message = g->message,
		.timestamps = times,
		.values = values,
		.n = g->n,
	};
	if (!out->message && out->status != CW_COMPLETE)
		out->message = r->message;
}

int cloudwatch_get_metric_data(const struct aws_client *c, const struct cw_metric_query *q,
			       struct arena *a, struct cw_series **out, size_t *n, struct err *err)
{
	struct result r = {.n_series = 0};
	const char *token = NULL;
	struct cw_series *all;
	int page = 0;

	if (check(q, err))
		return -1;
	r.series = arena_array(a, struct gather, q->n);
	for (size_t i = 0; i < q->n; i++) {
		if (!q->queries[i].hidden)
			r.series[r.n_series++].id = q->queries[i].id;
	}
	do {
		struct aws_response res;

		if (page++ == AWS_PAGES_MAX)
			return err_set(err, ERR_LIMIT,
				       "CloudWatch.GetMetricData: more than %d pages",
				       AWS_PAGES_MAX);
		if (ask(c, q, token, a, &res, err) || read_page(res.json, &r, a, err))
			return -1;
		token = aws_json_text(res.json, "NextToken");
	} while (token);
	all = arena_array(a, struct cw_series, r.n_series + 1);
	for (size_t i = 0; i < r.n_series; i++)
		finish(&r.series[i], &r, a, &all[i]);
	*out = all;
	*n = r.n_series;
	return 0;
}
