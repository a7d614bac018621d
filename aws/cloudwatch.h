#ifndef AWS_CLOUDWATCH_H
#define AWS_CLOUDWATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/call.h"
#include "aws/core/clock.h"
#include "aws/core/err.h"
#include "aws/core/limits.h"
#include "aws/core/mem.h"

/*
 * CloudWatch: alarm states and metric data. awsJson1_0 (query-compatible), API version 2010-08-01.
 *
 * Everything returned lives in the arena given, NUL-terminated; absent text is NULL. Each function
 * blocks, retries included, and can be called from any thread. All calls read only.
 */
extern const struct aws_service cloudwatch_service;

enum cw_alarm_type { CW_METRIC_ALARM, CW_COMPOSITE_ALARM, CW_LOG_ALARM };

enum cw_alarm_state {
	CW_OK,
	CW_ALARM,
	CW_INSUFFICIENT_DATA,
	CW_STATE_OTHER /* absent, or a word we do not know: conclude nothing */
};

struct cw_alarm {
	const char *name;
	enum cw_alarm_type type;
	enum cw_alarm_state state;
	const char *reason;
	/*
	 * What the reason is made of (StateReasonData): the newest datapoint that was judged when
	 * the alarm was updated last. A metric alarm's own threshold.
	 */
	bool has_value, has_threshold;
	double value, threshold;
	const char *comparison; /* "GreaterThanThreshold"; NULL: it does not say */
	const char *evaluation_state; /* NULL: fine; "PARTIAL_DATA" "EVALUATION_FAILURE" ... */
	bool has_updated, has_transitioned;
	struct utc updated;	 /* StateUpdatedTimestamp */
	struct utc transitioned; /* since when it has this state */
	/*
	 * Seconds and counts of a metric alarm; 0 where the alarm does not say. With metric math
	 * the period is the longest of its metrics.
	 */
	int64_t period_s, evaluation_periods, datapoints_to_alarm;
	const char *metric_namespace, *metric_name; /* NULL with metric math */
	const char *treat_missing_data;
	const char *actions_suppressed_by; /* composite alarms */
};

/*
 * DescribeAlarms by name: any number of names, LIMIT_ALARMS_PER_CALL a call, metric, composite and
 * log alarms alike (the service leaves the last two out unless asked), all pages. A name that does
 * not exist is simply not in the result: compare, and treat it as trouble. The result is in no
 * order and has no alarm twice. A name that is empty or has more than 255 characters is
 * ERR_REJECTED.
 */
int cloudwatch_describe_alarms(const struct aws_client *c, const char *const *names, size_t n_names,
			       struct arena *a, struct cw_alarm **out, size_t *n,
			       struct err *err) MUST_CHECK;

/* The alarm of that name, NULL when it is not there. */
const struct cw_alarm *cw_alarm_find(const struct cw_alarm *alarms, size_t n, const char *name);

struct cw_dimension {
	const char *name, *value;
};

/* Either a metric (namespace, name, period, stat) or an expression over other queries. */
struct cw_query {
	const char *id;		/* lower-case letter, then [A-Za-z0-9_]; all different */
	const char *expression; /* NULL: a metric */
	const char *metric_namespace, *metric_name;
	const struct cw_dimension *dimensions;
	size_t n_dimensions;
	int64_t period_s;
	const char *stat; /* "Sum", "Average", "p99" ... */
	const char *unit; /* NULL: any */
	bool hidden;	  /* ReturnData false: only an input of an expression */
};

enum cw_status {
	CW_COMPLETE,
	CW_PARTIAL_DATA, /* also when a query has no result at all in the answer */
	CW_INTERNAL_ERROR,
	CW_FORBIDDEN,
	CW_STATUS_OTHER
};

struct cw_series {
	const char *id;
	enum cw_status status;
	const char *message;	      /* first message about it; NULL: none */
	const struct utc *timestamps; /* ascending */
	const double *values;
	size_t n; /* 0: no data, which is neither zero nor an error */
};

struct cw_metric_query {
	const struct cw_query *queries;
	size_t n;	       /* 1 to LIMIT_QUERIES_PER_CALL; more is ERR_LIMIT */
	struct utc start, end; /* [start, end); whole seconds are sent */
};

/*
 * GetMetricData, all pages put together. *out has one series for each query that is not hidden, in
 * the order of the queries. Oldest point first. More than CW_POINTS_MAX points in all is ERR_LIMIT.
 * ERR_MALFORMED: points without values, or values that are no numbers.
 */
#define CW_POINTS_MAX 100800
int cloudwatch_get_metric_data(const struct aws_client *c, const struct cw_metric_query *q,
			       struct arena *a, struct cw_series **out, size_t *n,
			       struct err *err) MUST_CHECK;

const char *cw_alarm_state_name(enum cw_alarm_state s); /* "OK" "ALARM" ...; never NULL */
const char *cw_status_name(enum cw_status s);

#endif
