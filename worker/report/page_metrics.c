#include "worker/report/page.h"

/*
 * A family is announced once and its series stand together, so the table of counters keeps those of
 * one family next to each other.
 */
#define PREFIX "rollout_worker_"

static void family(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_addf(out, "# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n", name, help, name, type);
}

static void gauge(struct buf *out, const char *name, const char *help, int64_t value)
{
	family(out, name, "gauge", help);
	buf_addf(out, PREFIX "%s %lld\n", name, (long long)value);
}

static void add_counters(const struct metrics *m, struct buf *out)
{
	static const struct {
		const char *family, *label, *help;
	} table[METRIC_COUNT] = {
#define X(name, family, label, help) {family, label, help},
		METRICS(X)
#undef X
	};
	for (int i = 0; i < METRIC_COUNT; i++) {
		const char *label = table[i].label;

		if (table[i].help[0])
			family(out, table[i].family, "counter", table[i].help);
		buf_addf(out, PREFIX "%s%s%s%s %llu\n", table[i].family, *label ? "{" : "", label,
			 *label ? "}" : "", (unsigned long long)metrics_get(m, (enum metric)i));
	}
}

static void add_phases(const struct metrics *m, struct buf *out)
{
	family(out, "rollouts", "gauge", "Rollouts that this worker knows, by phase.");
	for (int i = 0; i < PHASE_COUNT; i++)
		buf_addf(out, PREFIX "rollouts{phase=\"%s\"} %lld\n", phase_name((enum phase)i),
			 (long long)atomic_load(&m->rollouts[i]));
}

static void add_verdicts(const struct metrics *m, struct buf *out)
{
	family(out, "guard_verdicts_total", "counter", "Answers of guards.");
	for (int g = 0; g < GUARD_KIND_COUNT; g++)
		for (int v = 0; v < VERDICT_KINDS; v++)
			buf_addf(out,
				 PREFIX "guard_verdicts_total{guard=\"%s\",verdict=\"%s\"} %llu\n",
				 metrics_guard_name((enum guard_kind)g),
				 verdict_name((enum verdict_kind)v),
				 (unsigned long long)atomic_load(&m->verdicts[g][v]));
}

static void add_reactions(const struct metrics *m, struct buf *out)
{
	uint64_t n = 0;

	family(out, "reaction_seconds", "histogram",
	       "From the decision to go back to the baseline that was read back.");
	for (int i = 0; i < REACTION_CLASSES - 1; i++) {
		n += atomic_load(&m->reactions[i]);
		buf_addf(out, PREFIX "reaction_seconds_bucket{le=\"%g\"} %llu\n",
			 (double)REACTION_BOUNDS_MS[i] / 1000, (unsigned long long)n);
	}
	n += atomic_load(&m->reactions[REACTION_CLASSES - 1]);
	buf_addf(out, PREFIX "reaction_seconds_bucket{le=\"+Inf\"} %llu\n", (unsigned long long)n);
	buf_addf(out, PREFIX "reaction_seconds_sum %.3f\n",
		 (double)atomic_load(&m->reaction_ms) / 1000);
	buf_addf(out, PREFIX "reaction_seconds_count %llu\n", (unsigned long long)n);
}

static void call(struct buf *out, const char *name, const struct aws_stat *c, const char *label,
		 uint64_t n)
{
	/* names of services and operations are ours: letters, digits and blanks */
	buf_addf(out, PREFIX "%s{service=\"%s\",operation=\"%s\"%s} %llu\n", name, c->service,
		 c->operation, label, (unsigned long long)n);
}

static void add_calls(const struct snapshot *s, struct buf *out)
{
	family(out, "aws_calls_total", "counter", "Calls of AWS that have ended.");
	for (size_t i = 0; i < s->n_calls; i++) {
		const struct aws_stat *c = &s->calls[i];

		call(out, "aws_calls_total", c, ",outcome=\"ok\"", c->calls - c->failed);
		call(out, "aws_calls_total", c, ",outcome=\"failed\"", c->failed);
	}
	family(out, "aws_retries_total", "counter", "Requests that were sent again.");
	for (size_t i = 0; i < s->n_calls; i++) {
		const struct aws_stat *c = &s->calls[i];

		call(out, "aws_retries_total", c, "",
		     c->attempts > c->calls ? c->attempts - c->calls : 0);
	}
	family(out, "aws_throttled_total", "counter", "Requests that were throttled.");
	for (size_t i = 0; i < s->n_calls; i++)
		call(out, "aws_throttled_total", &s->calls[i], "", s->calls[i].throttled);
	family(out, "aws_credentials_failed_total", "counter",
	       "Calls that ended for want of usable credentials.");
	for (size_t i = 0; i < s->n_calls; i++)
		call(out, "aws_credentials_failed_total", &s->calls[i], "",
		     s->calls[i].no_credentials);
	family(out, "aws_call_milliseconds_total", "counter", "Time spent in calls, with waits.");
	for (size_t i = 0; i < s->n_calls; i++)
		call(out, "aws_call_milliseconds_total", &s->calls[i], "",
		     (uint64_t)(s->calls[i].total_ms > 0 ? s->calls[i].total_ms : 0));
}

static int64_t age_s(struct utc since, struct utc now)
{
	return since.ms && now.ms > since.ms ? (now.ms - since.ms) / 1000 : 0;
}

/* What the ledger says; nothing when it could not be read. */
static void add_backlog(const struct snapshot *s, struct buf *out)
{
	const struct ledger_backlog *b = &s->backlog;

	if (s->problem)
		return;
	gauge(out, "outbox_oldest_seconds", "Age of the oldest of them; 0: there is none.",
	      age_s(b->oldest_report, s->now));
	gauge(out, "notices_waiting", "Notices that somebody has not taken yet.", b->notices);
	gauge(out, "notices_oldest_seconds", "Age of the oldest of them; 0: there is none.",
	      age_s(b->oldest_notice, s->now));
	gauge(out, "rollouts_waiting", "Rollouts that wait for a target that is not free.",
	      b->waiting);
}

void page_metrics(const struct snapshot *s, struct buf *out)
{
	family(out, "info", "gauge", "Version and region.");
	buf_addf(out, PREFIX "info{version=\"%s\",region=\"%s\"} 1\n", s->version, s->region);
	gauge(out, "up", "1 while the worker takes work on.", s->alive && !s->stopping);
	gauge(out, "start_time_seconds", "When it was started, since 1970.", s->started.ms / 1000);
	gauge(out, "jobs_held", "Jobs held now.", (int64_t)s->n_jobs);
	gauge(out, "slots", "Jobs that can be held at once.", s->slots);
	gauge(out, "threads", "Turns that can run at once.", s->threads);
	gauge(out, "turns_running", "Turns that run now.", (int64_t)s->turns_running);
	gauge(out, "tasks_waiting", "Tasks that wait for their time.", (int64_t)s->turns_waiting);
	gauge(out, "outbox_reports", "Reports that CodePipeline does not have yet.",
	      atomic_load(&s->metrics->outbox));
	add_backlog(s, out);
	if (s->ledger_bytes >= 0)
		gauge(out, "ledger_bytes", "Size of the ledger on disk.", s->ledger_bytes);
	add_phases(s->metrics, out);
	add_counters(s->metrics, out);
	add_verdicts(s->metrics, out);
	add_reactions(s->metrics, out);
	add_calls(s, out);
}
