#include "worker/report/figures.h"

#include <stdlib.h>
#include <string.h>

#include "worker/ledger_notice.h"
#include "worker/report/snapshot.h"
#include "worker/worker.h"

/*
 * Everything that is counted stands in one array, as it is now; the line tells the difference to
 * the one before. What a process has counted never gets less, so no difference is negative.
 */
#define COUNTED(X)                                                           \
	X(polls, count(m, METRIC_POLLS_JOBS) + count(m, METRIC_POLLS_EMPTY)) \
	X(polls_failed, count(m, METRIC_POLLS_FAILED))                       \
	X(jobs_taken, count(m, METRIC_JOBS_TAKEN))                           \
	X(jobs_missed, count(m, METRIC_JOBS_MISSED))                         \
	X(reports_accepted, count(m, METRIC_REPORTS_ACCEPTED))               \
	X(reports_refused, count(m, METRIC_REPORTS_REFUSED))                 \
	X(reports_delayed, count(m, METRIC_REPORTS_DELAYED))                 \
	X(turns, count(m, METRIC_TURNS))                                     \
	X(turn_ms, count(m, METRIC_TURN_MS))                                 \
	X(ended_succeeded, count(m, METRIC_ENDED_SUCCEEDED))                 \
	X(ended_failed, count(m, METRIC_ENDED_FAILED))                       \
	X(ended_refused, count(m, METRIC_ENDED_REFUSED))                     \
	X(rollbacks, count(m, METRIC_ROLLBACKS))                             \
	X(not_restored, count(m, METRIC_NOT_RESTORED))                       \
	X(reactions, reactions(m))                                           \
	X(reaction_ms, loaded(&m->reaction_ms))                              \
	X(verdicts_pass, verdicts(m, VERDICT_PASS))                          \
	X(verdicts_fail, verdicts(m, VERDICT_FAIL))                          \
	X(verdicts_unknown, verdicts(m, VERDICT_UNKNOWN))                    \
	X(verdicts_error, verdicts(m, VERDICT_ERROR))                        \
	X(calls, c->calls)                                                   \
	X(calls_failed, c->failed)                                           \
	X(throttled, c->throttled)                                           \
	X(retries, c->retries)                                               \
	X(credentials_failed, c->no_credentials)                             \
	X(notices_sent, count(m, METRIC_NOTICES_SENT))                       \
	X(notices_failed, count(m, METRIC_NOTICES_FAILED))                   \
	X(notices_dropped, count(m, METRIC_NOTICES_DROPPED))

enum counted {
#define X(name, value) COUNTED_##name,
	COUNTED(X)
#undef X
		N_COUNTED
};

#define FIELDS_MAX 64
_Static_assert(N_COUNTED + PHASE_COUNT + 20 < FIELDS_MAX, "one line has room for all of them");

struct figures {
	struct task task; /* first */
	struct worker *worker;
	struct mono started, last;
	bool has_last;
	uint64_t before[N_COUNTED];
};

/* --- what is counted -------------------------------------------------------------------------- */

struct calls {
	uint64_t calls, failed, throttled, retries;
	uint64_t no_credentials; /* of the worker's own, which it polls with all the time */
};

static void count_calls(struct aws *aws, struct arena *a, struct calls *c)
{
	struct aws_stat *stats = arena_array(a, struct aws_stat, AWS_STATS_MAX);
	size_t n = aws_stats(aws, stats, AWS_STATS_MAX);

	*c = (struct calls){.calls = 0};
	for (size_t i = 0; i < n && i < AWS_STATS_MAX; i++) {
		c->calls += stats[i].calls;
		c->failed += stats[i].failed;
		c->throttled += stats[i].throttled;
		c->retries +=
			stats[i].attempts > stats[i].calls ? stats[i].attempts - stats[i].calls : 0;
		if (!strcmp(stats[i].service, codepipeline_service.id))
			c->no_credentials += stats[i].no_credentials;
	}
}

static uint64_t count(const struct metrics *m, enum metric what)
{
	return metrics_get(m, what);
}

static uint64_t loaded(const atomic_uint_fast64_t *n)
{
	return atomic_load_explicit(n, memory_order_relaxed);
}

static uint64_t reactions(const struct metrics *m)
{
	uint64_t n = 0;

	for (int i = 0; i < REACTION_CLASSES; i++)
		n += loaded(&m->reactions[i]);
	return n;
}

static uint64_t verdicts(const struct metrics *m, enum verdict_kind verdict)
{
	uint64_t n = 0;

	for (int g = 0; g < GUARD_KIND_COUNT; g++)
		n += loaded(&m->verdicts[g][verdict]);
	return n;
}

static void count_all(const struct metrics *m, const struct calls *c, uint64_t now[N_COUNTED])
{
#define X(name, value) now[COUNTED_##name] = (value);
	COUNTED(X)
#undef X
}

/* --- the line --------------------------------------------------------------------------------- */

struct line {
	struct log_field fields[FIELDS_MAX];
	size_t n;
};

static void add(struct line *l, const char *key, int64_t value)
{
	l->fields[l->n++] = LOG_I(key, value);
}

static void add_flag(struct line *l, const char *key, bool value)
{
	l->fields[l->n++] = LOG_B(key, value);
}

static int64_t age_s(struct utc since, struct utc now)
{
	return since.ms && now.ms > since.ms ? (now.ms - since.ms) / 1000 : 0;
}

static void add_worker(struct line *l, struct worker *w)
{
	size_t rollouts, jobs;
	bool stopping;

	lock_take(&w->lock);
	rollouts = w->n_rollouts;
	jobs = w->n_jobs;
	stopping = w->stopping;
	lock_drop(&w->lock);
	add_flag(l, "alive", scheduler_is_alive(w->scheduler));
	add_flag(l, "stopping", stopping);
	add(l, "jobs_held", (int64_t)jobs);
	add(l, "slots", w->config->slots);
	add(l, "rollouts", (int64_t)rollouts);
	add(l, "turns_running", (int64_t)scheduler_running(w->scheduler));
	add(l, "tasks_waiting", (int64_t)scheduler_waiting(w->scheduler));
}

static void add_ledger(struct line *l, struct worker *w, struct arena *a)
{
	struct utc now = clock_utc(w->clock);
	struct ledger_backlog b;
	struct err err = ERR_INIT;
	const char *path = ledger_path(w->ledger);
	int64_t bytes = path ? snapshot_ledger_bytes(path, a) : -1;

	if (bytes >= 0)
		add(l, "ledger_bytes", bytes);
	if (ledger_backlog(w->ledger, a, &b, &err)) {
		log_event(w->log, LOG_ERROR, "ledger.failed", LOG_E(&err));
		return;
	}
	add(l, "rollouts_waiting", b.waiting);
	add(l, "outbox", b.reports);
	add(l, "outbox_oldest_s", age_s(b.oldest_report, now));
	add(l, "notices", b.notices);
	add(l, "notices_oldest_s", age_s(b.oldest_notice, now));
}

static void add_phases(struct line *l, const struct metrics *m)
{
	static const char *const keys[PHASE_COUNT] = {
		[PHASE_INSPECT] = "in_inspect", [PHASE_PREPARE] = "in_prepare",
		[PHASE_VERIFY] = "in_verify",	[PHASE_SHIFT] = "in_shift",
		[PHASE_WATCH] = "in_watch",	[PHASE_PARKED] = "in_parked",
		[PHASE_PROMOTE] = "in_promote", [PHASE_BAKE] = "in_bake",
		[PHASE_RETIRE] = "in_retire",	[PHASE_RESTORE] = "in_restore",
		[PHASE_PROVE] = "in_prove",	[PHASE_SUCCEEDED] = "in_succeeded",
		[PHASE_FAILED] = "in_failed",
	};

	for (int i = 0; i < PHASE_COUNT; i++)
		add(l, keys[i], (int64_t)atomic_load(&m->rollouts[i]));
}

static void write_line(struct figures *f)
{
	static const char *const keys[N_COUNTED] = {
#define X(name, value) #name,
		COUNTED(X)
#undef X
	};
	struct worker *w = f->worker;
	struct arena *a = arena_new();
	struct mono now = clock_mono(w->clock);
	struct line l = {.n = 0};
	uint64_t counted[N_COUNTED];
	struct calls calls;

	count_calls(w->aws, a, &calls);
	count_all(&w->metrics, &calls, counted);
	add(&l, "interval_ms", f->has_last ? now.ms - f->last.ms : 0);
	add(&l, "uptime_s", (now.ms - f->started.ms) / 1000);
	for (int i = 0; i < N_COUNTED; i++)
		add(&l, keys[i], (int64_t)(counted[i] - f->before[i]));
	add_worker(&l, w);
	add_ledger(&l, w, a);
	add_phases(&l, &w->metrics);
	l.fields[l.n] = (struct log_field){.key = NULL};
	log_emit(w->log, LOG_INFO, "worker.figures", l.fields);
	memcpy(f->before, counted, sizeof(counted));
	f->last = now;
	f->has_last = true;
	arena_free(a);
}

/* --- the task --------------------------------------------------------------------------------- */

static bool run(struct task *t, struct mono now, struct mono *next)
{
	struct figures *f = (struct figures *)t;

	write_line(f);
	next->ms = now.ms + FIGURES_EVERY_MS;
	return true;
}

struct task *figures_task_new(struct worker *w)
{
	struct figures *f = xcalloc(1, sizeof(*f));

	f->task.run = run;
	f->task.name = "figures";
	f->worker = w;
	f->started = clock_mono(w->clock);
	return &f->task;
}

void figures_last(struct task *t)
{
	write_line((struct figures *)t);
}

void figures_task_free(struct task *t)
{
	free(t);
}
