#include "tests/faults/sweep.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tests/scenarios/calls.h"

/*
 * A short canary, so that a run has about 150 calls, and the promises that hold after every fault.
 * They are checked against the simulator's own record of what happened, never against what the
 * worker says about itself.
 */
#define STRATEGY "canary 10% 2m, 50% 2m bake 2m"
#define TICK_MS 20000 /* twice the usual: half the calls, and nothing else changes */
#define STEP_WATCH_MS (2 * 60 * 1000)
#define MINUTE_MS 60000ll
#define HOUR_MS (60 * MINUTE_MS)
#define NAME SWEEP_NAME
/* Longer than CodePipeline waits for a report, and while it still knows the job. */
#define LATE_MS (25 * MINUTE_MS)

/* A rollout that could not clear up says so, and is then allowed to leave it. */
#define LEFTOVER "what was made for the candidate is there still"

struct trial {
	const struct sweep_run *run;
	struct sweep_result *out;
	struct world w;
	const struct sim_action *a;
	size_t n_splits; /* looked at so far */
	double share;	 /* of the candidate, after the last of them */
	const char *resource, *belongings;
	struct rng_seeded seeded;
	struct rng *chaos; /* NULL, or what decides the next fault: seeded's */
};

const char *sweep_kind_name(int kind)
{
	static const char *const names[] = {"late-crash-before", "late-crash-after",
					    "lost-crash-before", "lost-crash-after", "chaos"};

	if (kind < SIM_FAULT_COUNT)
		return sim_fault_name((enum sim_fault)kind);
	return kind < SWEEP_KIND_COUNT ? names[kind - SIM_FAULT_COUNT] : "unknown";
}

/* The first problem is the one that is told. */
static void PRINTF_LIKE(2, 3) problem(struct trial *t, const char *fmt, ...)
{
	va_list ap;

	if (t->out->problem[0])
		return;
	va_start(ap, fmt);
	vsnprintf(t->out->problem, sizeof(t->out->problem), fmt, ap);
	va_end(ap);
}

/* --- while it runs -------------------------------------------------------------------------- */

/* The candidate's share after this change; negative when it is not about our resource. */
static double share_of(const struct trial *t, const struct sim_split *s)
{
	return strcmp(s->resource, t->resource) == 0 ? t->run->c->target->share_of(s) : -1;
}

/* Once the last fault has struck, the next one: in a while, of any kind, once or some times. */
static void stir(struct trial *t)
{
	int kind = 1 + (int)rng_below(t->chaos, SIM_FAULT_COUNT - 1);
	uint64_t n = 1 + rng_below(t->chaos, 25);
	int times = 1 + (int)rng_below(t->chaos, 8);

	sim_fault_at(t->w.sim, n, (enum sim_fault)kind, times);
}

/* Was the action over by then? */
static bool is_over(struct world *w, struct utc at)
{
	const struct sim_action *a = sim_action_find(w->sim, NAME, NULL);

	return strcmp(a->status, "InProgress") != 0 && a->updated.ms <= at.ms;
}

/*
 * What is seen only later, because a service took the step by itself while the worker was dead, the
 * alarm of today says nothing about.
 */
static void check_alarm(struct trial *t, const struct sim_split *s, double share)
{
	const struct json *alarm = world_ask(&t->w, "cloudwatch show " NAME "-errors");

	if (sim_now(t->w.sim).ms - s->at.ms < TICK_MS &&
	    !str_is(json_text(json_get(alarm, "state")), "OK"))
		problem(t, "the candidate got %g %% while the alarm was not OK", share);
}

/* No step forward while the alarm is not OK, and none of a bad release beyond the first. */
static void watch(struct world *w, void *arg)
{
	struct trial *t = arg;
	const struct sim_split *splits;
	size_t n = sim_split_log(w->sim, &splits);

	if (t->chaos && sim_fault_hit(w->sim) && !w->workers[0].crashed)
		stir(t);
	for (; t->n_splits < n; t->n_splits++) {
		double share = share_of(t, &splits[t->n_splits]);

		if (share < 0)
			continue;
		if (share > t->share + 0.01) {
			check_alarm(t, &splits[t->n_splits], share);
			if (is_over(w, splits[t->n_splits].at))
				problem(t, "the candidate got %g %% after the action was over",
					share);
			if (t->run->c->bad && share > t->run->c->first_step + 0.01)
				problem(t, "a bad release got %g %%", share);
		}
		t->share = share;
	}
}

/* --- afterwards ----------------------------------------------------------------------------- */

/* Nothing is written before CodePipeline has the undo record. */
static void check_first_token(struct trial *t)
{
	const struct sim_call *calls;
	size_t n = sim_call_log(t->w.sim, &calls);
	bool token = false;

	for (size_t i = 0; i < n; i++) {
		if (t->a->n_reports > 0 && t->a->reports[0].kind == SIM_REPORT_CONTINUE &&
		    calls[i].at.ms >= t->a->reports[0].at.ms)
			token = true;
		if (calls_is_write(&t->w, &calls[i]) && !token)
			problem(t, "%s before the first token was accepted", calls[i].operation);
	}
}

static bool alarm_was_asked(struct trial *t, int64_t after_ms, int64_t until_ms)
{
	const struct sim_call *calls;
	size_t n = sim_call_log(t->w.sim, &calls);

	for (size_t i = 0; i < n; i++)
		if (calls[i].at.ms > after_ms && calls[i].at.ms <= until_ms &&
		    calls[i].status == 200 && !strcmp(calls[i].operation, "DescribeAlarms"))
			return true;
	return false;
}

/* Each step forward has had its time, and an answer about the alarm since the step before. */
static void check_steps(struct trial *t)
{
	const struct sim_split *splits;
	size_t n = sim_split_log(t->w.sim, &splits);
	double share = 0;
	int64_t at = 0;

	for (size_t i = 0; i < n; i++) {
		double now = share_of(t, &splits[i]);

		if (now < 0)
			continue;
		if (now > share + 0.01) {
			if (at && splits[i].at.ms - at < STEP_WATCH_MS)
				problem(t, "%g %% came %lld s after the step before", now,
					(long long)(splits[i].at.ms - at) / 1000);
			if (!alarm_was_asked(t, at, splits[i].at.ms))
				problem(t, "%g %% came without asking the alarm", now);
		}
		if (now > share + 0.01 || now < share - 0.01)
			at = splits[i].at.ms;
		share = now;
	}
}

/* The worker's own record: this rollout passed everything. */
static bool has_passed(struct trial *t)
{
	struct ledger *l = t->w.workers[0].ledger;
	struct arena *a = arena_new();
	struct ledger_rollout *rows;
	struct err err = ERR_INIT;
	size_t n = 0;
	bool passed;

	passed = l && !ledger_rollouts(l, false, 1, a, &rows, &n, &err) && n == 1 &&
		 (!strcmp(rows[0].phase, "SUCCEEDED") ||
		  strstr(rows[0].token, "\"en\":\"promoted\"") != NULL);
	arena_free(a);
	return passed;
}

static void check_live(struct trial *t, const char *when, bool reported)
{
	struct world_live l = t->run->c->target->live(&t->w);
	double wanted = !strcmp(t->a->status, "Succeeded") ? 100 : 0;

	/* all went well and only the last word did not get through in time: it stays */
	if (!reported && !t->run->c->bad && has_passed(t))
		wanted = 100;
	if (!t->run->c->bad &&
	    strstr(t->a->message, "the candidate serves everything, but the output"))
		wanted = 100;
	if (!l.is_one || l.candidate != wanted)
		problem(t, "%s: %s, and the candidate has %g %%%s", when, t->a->status, l.candidate,
			l.is_one ? "" : " (still weighted)");
	if (wanted == 0 && t->belongings && !strstr(t->a->message, LEFTOVER)) {
		const char *now = t->run->c->target->belongings(&t->w);

		if (strcmp(now, t->belongings) != 0)
			problem(t, "%s: it was %s and is %s", when, t->belongings, now);
	}
}

static bool has_written(struct trial *t)
{
	const struct sim_call *calls;
	size_t n = sim_call_log(t->w.sim, &calls);

	for (size_t i = 0; i < n; i++)
		if (calls_is_write(&t->w, &calls[i]))
			return true;
	return false;
}

/* What was reported: one end at most, and it says the truth. */
static void check_reports(struct trial *t)
{
	const struct sim_action *a = t->a;
	size_t ends = 0;

	for (size_t i = 0; i < a->n_reports; i++)
		ends += a->reports[i].kind != SIM_REPORT_CONTINUE;
	if (ends > 1)
		problem(t, "%zu final reports were accepted", ends);
	if (t->run->c->bad && !strcmp(a->status, "Succeeded"))
		problem(t, "a bad release succeeded");
	if (ends == 1 && !strcmp(a->status, "Failed") && has_written(t) &&
	    !strstr(a->message, "baseline carries all traffic") &&
	    !strstr(a->message, "the candidate serves everything, but the output"))
		problem(t, "the failure does not say what was restored: %s", a->message);
	if (ends == 1 && (strstr(a->message, "could NOT be proved") ||
			  strstr(a->message, "it is NOT healthy")))
		problem(t, "not restored: %s", a->message);
}

/* Nothing is left behind in the ledger: no job, no report, no open rollout. */
static void check_ledger(struct trial *t)
{
	struct ledger *l = t->w.workers[0].ledger;
	struct arena *a = arena_new();
	struct ledger_report *reports;
	struct ledger_rollout *rollouts;
	struct ledger_job *jobs;
	size_t n_reports = 0, n_rollouts = 0, n_jobs = 0;
	struct err err = ERR_INIT;

	if (!l || ledger_reports(l, a, &reports, &n_reports, &err) ||
	    ledger_jobs(l, a, &jobs, &n_jobs, &err) ||
	    ledger_rollouts(l, true, 10, a, &rollouts, &n_rollouts, &err))
		problem(t, "the ledger cannot be read: %s", err.text);
	if (n_reports || n_jobs || n_rollouts)
		problem(t, "left in the ledger: %zu jobs, %zu reports, %zu open rollouts (%s)",
			n_jobs, n_reports, n_rollouts, n_rollouts ? rollouts[0].phase : "");
	if (t->w.workers[0].worker && t->w.workers[0].worker->n_rollouts)
		problem(t, "left in memory: %zu rollouts", t->w.workers[0].worker->n_rollouts);
	arena_free(a);
}

/* One lost disk while a job was held is a job that nobody can report: CodePipeline ends it. */
static bool may_be_stranded(const struct sweep_run *r)
{
	return r->kind == SWEEP_LOST_BEFORE || r->kind == SWEEP_LOST_AFTER;
}

/*
 * What must not make a good release fail: answers lost, refusals, a dead process. Keys that are
 * called expired and answers that are nonsense may, when they go on for longer than one call; and
 * nobody can tell an artifact that is nonsense from one that was downloaded as nonsense.
 */
static bool must_succeed(const struct sweep_run *r, const struct sim_action *a)
{
	bool lasting = r->kind == SIM_FAULT_EXPIRED_TOKEN || r->kind == SIM_FAULT_GARBAGE;

	if (r->kind == SIM_FAULT_GARBAGE && strstr(a->message, "not an archive"))
		return false;
	return !r->c->bad && r->kind < SWEEP_LATE_BEFORE && (!lasting || r->times == 1);
}

static void check(struct trial *t)
{
	bool reported;

	if (!t->a) {
		problem(t, "the action never ended");
		return;
	}
	reported = t->a->n_reports > 0 &&
		   t->a->reports[t->a->n_reports - 1].kind != SIM_REPORT_CONTINUE;
	if (reported)
		check_live(t, "at the report", true);
	else if (t->run->kind < SWEEP_LATE_BEFORE)
		problem(t, "CodePipeline ended the action, not the worker: %s", t->a->message);
	/* nothing may happen now; or a restore, when it was not the worker that ended it */
	world_run(&t->w, t->w.restart_after_ms + 15 * MINUTE_MS);
	/* a crash may strike in this quiet time, too: the worker is back before it is judged */
	if (!t->w.workers[0].worker || t->w.workers[0].crashed)
		world_run(&t->w, t->w.restart_after_ms + 15 * MINUTE_MS);
	if (reported || !may_be_stranded(t->run))
		check_live(t, "later", reported);
	check_first_token(t);
	check_steps(t);
	check_reports(t);
	check_ledger(t);
	if (must_succeed(t->run, t->a) && strcmp(t->a->status, "Succeeded") != 0)
		problem(t, "one fault made a good release fail: %s", t->a->message);
}

static void arm(struct trial *t)
{
	const struct sweep_run *r = t->run;
	int kind = r->kind;

	if (kind == SWEEP_CHAOS) {
		rng_seeded_init(&t->seeded, r->n);
		t->chaos = &t->seeded.rng;
		stir(t);
		return;
	}
	if (kind == SWEEP_LATE_BEFORE || kind == SWEEP_LATE_AFTER)
		t->w.restart_after_ms = LATE_MS;
	t->w.lose_ledger = may_be_stranded(r);
	if (kind == SWEEP_LATE_BEFORE || kind == SWEEP_LOST_BEFORE)
		kind = SIM_FAULT_CRASH_BEFORE;
	if (kind == SWEEP_LATE_AFTER || kind == SWEEP_LOST_AFTER)
		kind = SIM_FAULT_CRASH_AFTER;
	if (r->n)
		sim_fault_at(t->w.sim, r->n, (enum sim_fault)kind, r->times);
}

void sweep_run(const struct sweep_run *run, int log_fd, struct sweep_result *out)
{
	const struct sweep_target *target = run->c->target;
	struct trial t = {.run = run, .out = out};
	uint64_t before;

	*out = (struct sweep_result){0};
	world_init(&t.w, run->seed, log_fd);
	target->set_up(&t.w, run->c->strategy ? run->c->strategy : STRATEGY, run->c->bad);
	t.resource = target->resource(&t.w);
	t.belongings = target->belongings ? target->belongings(&t.w) : NULL;
	t.w.workers[0].config.tick_ms = TICK_MS;
	t.w.watch = watch;
	t.w.watch_arg = &t;
	before = sim_calls(t.w.sim);
	arm(&t);
	target->push(&t.w, run->c->bad);
	world_start(&t.w);
	t.a = world_run_action(&t.w, NAME, 3 * HOUR_MS);
	t.chaos = NULL;
	out->calls = sim_calls(t.w.sim) - before;
	out->hit = run->n && sim_fault_hit(t.w.sim);
	if (run->kind == SWEEP_CHAOS) /* the rest is to be cleared up in peace */
		sim_fault_at(t.w.sim, 1, SIM_FAULT_NONE, 1);
	check(&t);
	if (t.a) {
		out->succeeded = !strcmp(t.a->status, "Succeeded");
		snprintf(out->status, sizeof(out->status), "%s: %s", t.a->status,
			 out->succeeded ? t.a->summary : t.a->message);
	}
	world_release(&t.w);
}
