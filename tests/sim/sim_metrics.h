#ifndef TESTS_SIM_SIM_METRICS_H
#define TESTS_SIM_SIM_METRICS_H

#include "tests/sim/sim_internal.h"

/*
 * The metric store of the simulated CloudWatch. A metric is a series of buckets: one minute each in
 * the namespaces AWS/..., ten seconds each in all others. A bucket keeps the values it was given
 * with their counts, so that every statistic, percentiles included, comes from the data itself.
 */
struct sim_metric_store;
struct sim_metric;

struct sim_metric_store *sim_metric_store_new(void);
void sim_metric_store_free(struct sim_metric_store *st); /* NULL does nothing */

/*
 * The series of that name; created empty when it is new. The pointer is good for the life of the
 * store. dimensions: "Name=value,Name=value" in name order; "" for none.
 */
struct sim_metric *sim_metric_get(struct sim_metric_store *st, struct str ns, struct str name,
				  struct str dimensions);
const struct sim_metric *sim_metric_find(const struct sim_metric_store *st, struct str ns,
					 struct str name, struct str dimensions);
struct sim_metric *sim_metric_open(struct sim *s, const char *ns, const char *name,
				   const char *dimensions); /* in the simulator's own store */

/* Add count samples of value; or count samples spread as a lognormal with this median. */
void sim_metric_record(struct sim_metric *m, struct utc at, double value, double count);
void sim_metric_record_spread(struct sim_metric *m, struct utc at, double median, double count);

/* What arrived in [from, to). False when nothing did. */
struct sim_sample {
	double value, count;
};
struct sim_summary {
	double count, sum, min, max;
	size_t n; /* samples, sorted by value; filled when asked for */
	struct sim_sample samples[512];
};
bool sim_metric_window(const struct sim_metric *m, struct utc from, struct utc to, bool samples,
		       struct sim_summary *out);

/*
 * A statistic as CloudWatch names it: Sum, Average, SampleCount, Minimum, Maximum, p0 to p100.
 * sim_stat_valid() tells whether the name is one; sim_stat() is false when there is no data.
 */
bool sim_stat_valid(struct str stat);
bool sim_stat(const struct sim_metric *m, struct str stat, struct utc from, struct utc to,
	      double *out);

#endif
