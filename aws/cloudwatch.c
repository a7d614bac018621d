#include "aws/cloudwatch.h"

#include <stdlib.h>
#include <string.h>

#include "aws/answer.h"

/*
 * Alarm states; metric data is in cloudwatch_data.c. Names are sorted and made unique first: that
 * gives the calls, filters what was not asked for, and keeps an alarm that moves between two pages
 * from being counted twice.
 */

#define ALARM_NAME_MAX 255
#define REASON_DATA_MAX 4000 /* StateReasonData: as long as the service model lets it be */

const struct aws_service cloudwatch_service = {
	.id = "CloudWatch",
	.endpoint_prefix = "monitoring",
	.signing_name = "monitoring",
	.target_prefix = "GraniteServiceVersion20100801",
	.api_version = "2010-08-01",
	.protocol = AWS_JSON_1_0,
	.double_encode = true,
	.query_compatible = true,
};

static const char *const state_names[] = {
	[CW_OK] = "OK",
	[CW_ALARM] = "ALARM",
	[CW_INSUFFICIENT_DATA] = "INSUFFICIENT_DATA",
	[CW_STATE_OTHER] = "unknown",
};

const char *cw_alarm_state_name(enum cw_alarm_state s)
{
	return (unsigned)s <= CW_STATE_OTHER ? state_names[s] : "unknown";
}

const struct cw_alarm *cw_alarm_find(const struct cw_alarm *alarms, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(alarms[i].name, name) == 0)
			return &alarms[i];
	}
	return NULL;
}

/* --- which ones ------------------------------------------------------------------------------ */

struct wanted {
	const char **names; /* sorted, all different */
	size_t n;
	bool *seen; /* which of them have been found */
};

static int by_text(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

static int collect(const char *const *names, size_t n, struct arena *a, struct wanted *w,
		   struct err *err)
{
	size_t unique = 0;

	w->names = arena_array(a, const char *, n + 1);
	for (size_t i = 0; i < n; i++) {
		size_t points = 0;

		for (const char *p = names[i]; p && *p; p++)
			points += ((unsigned char)*p & 0xc0) != 0x80;
		if (!points || points > ALARM_NAME_MAX)
			return err_set(err, ERR_REJECTED,
				       "CloudWatch.DescribeAlarms: \"%.60s\" is no name of 1 to "
				       "%d characters",
				       names[i] ? names[i] : "", ALARM_NAME_MAX);
		w->names[i] = names[i];
	}
	qsort(w->names, n, sizeof(*w->names), by_text);
	for (size_t i = 0; i < n; i++) {
		if (!unique || strcmp(w->names[i], w->names[unique - 1]) != 0)
			w->names[unique++] = w->names[i];
	}
	w->n = unique;
	w->seen = arena_array(a, bool, unique + 1);
	return 0;
}

/* --- reading an alarm ------------------------------------------------------------------------ */

static int64_t number(const struct json *object, const char *key)
{
	int64_t n;

	return json_i64(json_get(object, key), &n) && n >= 0 ? n : 0;
}

static int64_t longest_period(const struct json *alarm)
{
	const struct json *metrics = json_get(alarm, "Metrics");
	int64_t longest = number(alarm, "Period");

	json_each (m, metrics) {
		int64_t own = number(m, "Period");
		int64_t stat = number(json_get(m, "MetricStat"), "Period");

		longest = own > longest ? own : longest;
		longest = stat > longest ? stat : longest;
	}
	return longest;
}

/* CloudWatch's own JSON in a text: what is not as documented is as good as not there. */
static bool newest_point(const struct json *alarm, struct arena *a, double *value)
{
	struct str text = json_text(json_get(alarm, "StateReasonData"));
	const struct json *points;
	struct err err = ERR_INIT;
	struct json *data;

	if (!text.n || text.n > REASON_DATA_MAX || json_parse(a, text, &data, &err))
		return false;
	points = json_get(data, "recentDatapoints");
	return points && json_double(points->first, value);
}

static void read_alarm(const struct json *j, enum cw_alarm_type type, struct arena *a,
		       struct cw_alarm *out)
{
	struct str state = json_text(json_get(j, "StateValue"));
	int i = 0;

	while (i < CW_STATE_OTHER && !str_is(state, state_names[i]))
		i++;
	*out = (struct cw_alarm){
		.name = aws_json_text(j, "AlarmName"),
		.type = type,
		.state = (enum cw_alarm_state)i,
		.reason = aws_json_text(j, "StateReason"),
		.comparison = aws_json_text(j, "ComparisonOperator"),
		.evaluation_state = aws_json_text(j, "EvaluationState"),
		.period_s = longest_period(j),
		.evaluation_periods = number(j, "EvaluationPeriods"),
		.datapoints_to_alarm = number(j, "DatapointsToAlarm"),
		.metric_namespace = aws_json_text(j, "Namespace"),
		.metric_name = aws_json_text(j, "MetricName"),
		.treat_missing_data = aws_json_text(j, "TreatMissingData"),
		.actions_suppressed_by = aws_json_text(j, "ActionsSuppressedBy"),
	};
	out->has_value = newest_point(j, a, &out->value);
	out->has_threshold = json_double(json_get(j, "Threshold"), &out->threshold);
	out->has_updated = aws_json_time(json_get(j, "StateUpdatedTimestamp"), &out->updated);
	out->has_transitioned =
		aws_json_time(json_get(j, "StateTransitionedTimestamp"), &out->transitioned);
}

struct found {
	struct cw_alarm *alarms;
	size_t n;
};

static void read_alarms(const struct json *list, enum cw_alarm_type type, struct wanted *w,
			struct arena *a, struct found *f)
{
	json_each (node, list) {
		const char *name = aws_json_text(node, "AlarmName");
		const char **at =
			name ? bsearch(&name, w->names, w->n, sizeof(name), by_text) : NULL;

		if (!at || w->seen[at - w->names])
			continue;
		w->seen[at - w->names] = true;
		read_alarm(node, type, a, &f->alarms[f->n++]);
	}
}

/* --- asking ---------------------------------------------------------------------------------- */

static int ask(const struct aws_client *c, const char *const *names, size_t n, const char *token,
	       struct arena *a, struct aws_response *res, struct err *err)
{
	static const char *const types[] = {"MetricAlarm", "CompositeAlarm", "LogAlarm"};
	struct aws_request r = {
		.service = &cloudwatch_service, .operation = "DescribeAlarms", .resend_safe = true};
	struct json_out o;
	struct buf body;
	int ret;

	buf_init(&body, 1u << 20);
	json_out_init(&o, &body);
	json_out_object(&o);
	json_out_key(&o, "AlarmNames");
	json_out_array(&o);
	for (size_t i = 0; i < n; i++)
		json_out_cstr(&o, names[i]);
	json_out_end(&o);
	json_out_key(&o, "AlarmTypes");
	json_out_array(&o);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		json_out_cstr(&o, types[i]);
	json_out_end(&o);
	json_member_i64(&o, "MaxRecords", LIMIT_ALARMS_PER_CALL);
	json_member_cstr(&o, "NextToken", token);
	json_out_end(&o);
	r.body = buf_str(&body);
	ret = buf_check(&body, "request", err) || aws_call(c, &r, a, res, err) ? -1 : 0;
	buf_release(&body);
	return ret;
}

static int ask_all(const struct aws_client *c, const char *const *names, size_t n, struct wanted *w,
		   struct arena *a, struct found *f, struct err *err)
{
	const char *token = NULL;

	for (int page = 0; page < AWS_PAGES_MAX; page++) {
		struct aws_response res;

		if (ask(c, names, n, token, a, &res, err))
			return -1;
		if (!res.json || res.json->type != JSON_OBJECT)
			return err_set(err, ERR_MALFORMED,
				       "CloudWatch.DescribeAlarms: the answer is no document");
		read_alarms(json_get(res.json, "MetricAlarms"), CW_METRIC_ALARM, w, a, f);
		read_alarms(json_get(res.json, "CompositeAlarms"), CW_COMPOSITE_ALARM, w, a, f);
		read_alarms(json_get(res.json, "LogAlarms"), CW_LOG_ALARM, w, a, f);
		token = aws_json_text(res.json, "NextToken");
		if (!token)
			return 0;
	}
	return err_set(err, ERR_LIMIT, "CloudWatch.DescribeAlarms: more than %d pages",
		       AWS_PAGES_MAX);
}

int cloudwatch_describe_alarms(const struct aws_client *c, const char *const *names, size_t n_names,
			       struct arena *a, struct cw_alarm **out, size_t *n, struct err *err)
{
	struct wanted w = {.n = 0};
	struct found f;

	if (collect(names, n_names, a, &w, err))
		return -1;
	f = (struct found){.alarms = arena_array(a, struct cw_alarm, w.n + 1)};
	for (size_t at = 0; at < w.n; at += LIMIT_ALARMS_PER_CALL) {
		size_t left = w.n - at;

		if (left > LIMIT_ALARMS_PER_CALL)
			left = LIMIT_ALARMS_PER_CALL;
		if (ask_all(c, w.names + at, left, &w, a, &f, err))
			return -1;
	}
	*out = f.alarms;
	*n = f.n;
	return 0;
}
