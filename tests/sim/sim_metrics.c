#include "tests/sim/sim_metrics.h"

#include <stdlib.h>

/*
 * The metric store. Series are few and looked up rarely, because whoever records often keeps the
 * pointer; so a plain list does. Recording is the hot path: it touches the last bucket and a
 * handful of distinct values. A lognormal spread is kept as one entry (its median and count) and is
 * expanded into its quantiles only when a percentile is asked for.
 */

struct entry {
	double value; /* or the median of a spread */
	double count;
	bool spread;
};

struct bucket {
	int64_t start_ms;
	size_t n, cap;
	struct entry *entries;
};

struct sim_metric {
	struct sim_metric *next;
	char *ns, *name, *dimensions;
	int64_t bucket_ms;
	size_t n, cap;
	struct bucket *buckets; /* by start */
};

struct sim_metric_store {
	struct sim_metric *first;
};

/* Quantiles of a lognormal with median 1 and sigma 0.5, and the probability each stands for. */
static const struct {
	double factor, share;
} spread_shape[] = {
	{0.4394, 0.1},	{0.5956, 0.1},	{0.7137, 0.1},	 {0.8248, 0.1},	  {0.9391, 0.1},
	{1.0648, 0.1},	{1.2125, 0.1},	{1.4011, 0.1},	 {1.6790, 0.1},	  {2.0540, 0.05},
	{2.4743, 0.03}, {2.9596, 0.01}, {3.5657, 0.009}, {5.1824, 0.001},
};
#define N_SHAPE (sizeof(spread_shape) / sizeof(spread_shape[0]))

/* Different values one bucket tells apart; further ones join the nearest. */
#define ENTRIES_MAX 64

struct sim_metric_store *sim_metric_store_new(void)
{
	return xcalloc(1, sizeof(struct sim_metric_store));
}

void sim_metric_store_free(struct sim_metric_store *st)
{
	if (!st)
		return;
	while (st->first) {
		struct sim_metric *m = st->first;
		st->first = m->next;
		for (size_t i = 0; i < m->n; i++)
			free(m->buckets[i].entries);
		free(m->buckets);
		free(m->ns);
		free(m->name);
		free(m->dimensions);
		free(m);
	}
	free(st);
}

static struct sim_metric *find(const struct sim_metric_store *st, struct str ns, struct str name,
			       struct str dimensions)
{
	for (struct sim_metric *m = st->first; m; m = m->next)
		if (str_is(name, m->name) && str_is(dimensions, m->dimensions) && str_is(ns, m->ns))
			return m;
	return NULL;
}

const struct sim_metric *sim_metric_find(const struct sim_metric_store *st, struct str ns,
					 struct str name, struct str dimensions)
{
	return find(st, ns, name, dimensions);
}

static char *copy(struct str s)
{
	return xstrndup(s.n ? s.p : "", s.n);
}

struct sim_metric *sim_metric_get(struct sim_metric_store *st, struct str ns, struct str name,
				  struct str dimensions)
{
	struct sim_metric *m = find(st, ns, name, dimensions);
	if (m)
		return m;
	m = xcalloc(1, sizeof(*m));
	m->ns = copy(ns);
	m->name = copy(name);
	m->dimensions = copy(dimensions);
	m->bucket_ms = str_starts(ns, "AWS/") ? 60000 : 10000;
	m->next = st->first;
	st->first = m;
	return m;
}

/* The bucket that holds this moment, made when it is missing. Nearly always the last one. */
static struct bucket *bucket_at(struct sim_metric *m, struct utc at)
{
	int64_t start = at.ms - at.ms % m->bucket_ms;
	size_t i = m->n;
	while (i > 0 && m->buckets[i - 1].start_ms > start)
		i--;
	if (i > 0 && m->buckets[i - 1].start_ms == start)
		return &m->buckets[i - 1];
	if (m->n == m->cap) {
		m->cap = m->cap ? 2 * m->cap : 16;
		m->buckets = xrealloc(m->buckets, m->cap * sizeof(*m->buckets));
	}
	memmove(m->buckets + i + 1, m->buckets + i, (m->n - i) * sizeof(*m->buckets));
	m->n++;
	m->buckets[i] = (struct bucket){.start_ms = start};
	return &m->buckets[i];
}

static void add(struct bucket *b, double value, double count, bool spread)
{
	struct entry *nearest = NULL;
	double distance = 0;
	for (size_t i = 0; i < b->n; i++) {
		struct entry *e = &b->entries[i];
		double d = e->value > value ? e->value - value : value - e->value;
		if (e->spread != spread)
			continue;
		if (!(d > 0)) {
			e->count += count;
			return;
		}
		if (!nearest || d < distance) {
			nearest = e;
			distance = d;
		}
	}
	if (b->n >= ENTRIES_MAX && nearest) {
		/* the sum stays right; only the shape becomes coarser */
		nearest->value = (nearest->value * nearest->count + value * count) /
				 (nearest->count + count);
		nearest->count += count;
		return;
	}
	if (b->n == b->cap) {
		b->cap = b->cap ? 2 * b->cap : 2;
		b->entries = xrealloc(b->entries, b->cap * sizeof(*b->entries));
	}
	b->entries[b->n++] = (struct entry){value, count, spread};
}

void sim_metric_record(struct sim_metric *m, struct utc at, double value, double count)
{
	if (count > 0)
		add(bucket_at(m, at), value, count, false);
}

void sim_metric_record_spread(struct sim_metric *m, struct utc at, double median, double count)
{
	if (count > 0)
		add(bucket_at(m, at), median, count, true);
}

static int by_value(const void *a, const void *b)
{
	const struct sim_sample *x = a, *y = b;
	return (x->value > y->value) - (x->value < y->value);
}

/* Make room: equal values become one, and neighbours too when that is not enough. */
static void compact(struct sim_summary *w)
{
	size_t before = w->n;
	for (double within = 0; w->n > before / 2; within = within * 2 + (w->max - w->min) / 1e4) {
		size_t n = 0;
		qsort(w->samples, w->n, sizeof(w->samples[0]), by_value);
		for (size_t i = 0; i < w->n; i++) {
			struct sim_sample *last = n ? &w->samples[n - 1] : NULL,
					  *s = &w->samples[i];
			if (!last || s->value - last->value > within) {
				w->samples[n++] = *s;
				continue;
			}
			last->value = (last->value * last->count + s->value * s->count) /
				      (last->count + s->count);
			last->count += s->count;
		}
		w->n = n;
	}
}

static void summarise(struct sim_summary *out, double value, double count, bool samples)
{
	if (!(out->count > 0) || value < out->min)
		out->min = value;
	if (!(out->count > 0) || value > out->max)
		out->max = value;
	out->count += count;
	out->sum += value * count;
	if (!samples)
		return;
	if (out->n == sizeof(out->samples) / sizeof(out->samples[0]))
		compact(out);
	out->samples[out->n++] = (struct sim_sample){value, count};
}

static void summarise_spread(struct sim_summary *out, double median, double count, bool samples)
{
	for (size_t i = 0; i < N_SHAPE; i++)
		summarise(out, median * spread_shape[i].factor, count * spread_shape[i].share,
			  samples);
}

bool sim_metric_window(const struct sim_metric *m, struct utc from, struct utc to, bool samples,
		       struct sim_summary *out)
{
	out->n = 0;
	out->count = out->sum = out->min = out->max = 0;
	if (!m)
		return false;
	size_t lo = 0, hi = m->n; /* first bucket that starts at or after from */
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (m->buckets[mid].start_ms < from.ms)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < m->n && m->buckets[lo].start_ms < to.ms; lo++) {
		const struct bucket *b = &m->buckets[lo];
		for (size_t i = 0; i < b->n; i++) {
			const struct entry *e = &b->entries[i];
			if (e->spread)
				summarise_spread(out, e->value, e->count, samples);
			else
				summarise(out, e->value, e->count, samples);
		}
	}
	if (samples)
		qsort(out->samples, out->n, sizeof(out->samples[0]), by_value);
	return out->count > 0;
}

static bool percentile(struct str stat, double *p)
{
	return stat.n >= 2 && stat.p[0] == 'p' && stat.p[1] >= '0' && stat.p[1] <= '9' &&
	       str_parse_double(str_sub(stat, 1, stat.n), p) && *p >= 0 && *p <= 100;
}

bool sim_stat_valid(struct str stat)
{
	double p;
	return str_is(stat, "Sum") || str_is(stat, "Average") || str_is(stat, "SampleCount") ||
	       str_is(stat, "Minimum") || str_is(stat, "Maximum") || percentile(stat, &p);
}

bool sim_stat(const struct sim_metric *m, struct str stat, struct utc from, struct utc to,
	      double *out)
{
	struct sim_summary w;
	double p = 0;
	bool is_percentile = percentile(stat, &p);
	if (!sim_metric_window(m, from, to, is_percentile, &w))
		return false;
	if (is_percentile) {
		double rank = w.count * p / 100, below = 0;
		*out = w.max;
		for (size_t i = 0; i < w.n; i++) {
			below += w.samples[i].count;
			if (below >= rank * (1 - 1e-9)) {
				*out = w.samples[i].value;
				break;
			}
		}
	} else if (str_is(stat, "Sum")) {
		*out = w.sum;
	} else if (str_is(stat, "Average")) {
		*out = w.sum / w.count;
	} else if (str_is(stat, "SampleCount")) {
		*out = w.count;
	} else if (str_is(stat, "Minimum")) {
		*out = w.min;
	} else if (str_is(stat, "Maximum")) {
		*out = w.max;
	} else {
		return false;
	}
	return true;
}
