#include "tests/simulation/judge.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NEAR 0.6 /* percent: weights are whole numbers */
/* A Pass older than that says nothing; as rule 1 of the rollout core has it, without metrics. */
#define EVIDENCE_MS (5 * 60 * 1000ll + 2 * 60 * 1000ll)
/*
 * A red alarm is a Fail once a worker could have looked: twice the longest tick, and a shared
 * look.
 */
#define VISIBLE_MS 50000
#define MINUTE_MS 60000

static const struct {
	const char *name, *text;
} texts[INVARIANT_COUNT] = {
#define X(name, text) [INVARIANT_##name] = {#name, text},
	INVARIANTS(X)
#undef X
};

const char *invariant_name(enum invariant i)
{
	return texts[i].name;
}

const char *invariant_text(enum invariant i)
{
	return texts[i].text;
}

/* Checked once more; ok false: it is broken. The first finding is the one that counts. */
static bool PRINTF_LIKE(5, 6)
	check(struct judge *j, int64_t now_ms, enum invariant i, bool ok, const char *fmt, ...)
{
	va_list ap;

	j->checks[i]++;
	if (ok || j->failed)
		return ok;
	j->failed = true;
	j->broken = i;
	j->problem_ms = now_ms;
	va_start(ap, fmt);
	vsnprintf(j->problem, sizeof(j->problem), fmt, ap);
	va_end(ap);
	return false;
}

void judge_init(struct judge *j, const struct judge_options *o)
{
	*j = (struct judge){.o = *o};
}

double judge_share(const struct judge_shares *s, uint64_t who)
{
	double percent = 0;

	for (int i = 0; i < s->n; i++)
		if (s->of[i].who == who)
			percent += s->of[i].percent;
	return percent;
}

static uint64_t leader(const struct judge_shares *s)
{
	int best = 0;

	for (int i = 1; i < s->n; i++)
		if (s->of[i].percent > s->of[best].percent)
			best = i;
	return s->n ? s->of[best].who : 0;
}

/* What the rollout's candidate has: all that its baseline has not. */
static double candidate(const struct judge *j, const struct judge_rollout *r)
{
	const struct judge_shares *s = &j->sites[r->site].shares;

	return s->n ? 100 - judge_share(s, r->baseline) : 0;
}

static bool is_near(double a, double b)
{
	return fabs(a - b) <= NEAR;
}

int judge_add_site(struct judge *j, bool by_itself, const struct judge_shares *now)
{
	j->sites[j->n_sites] = (struct judge_site){.by_itself = by_itself, .shares = *now};
	return j->n_sites++;
}

struct judge_rollout *judge_rollout(struct judge *j, const char *id, int site, int64_t watch_ms)
{
	struct judge_rollout *r;

	for (int i = 0; i < j->n_rollouts; i++)
		if (!strcmp(j->rollouts[i].id, id))
			return &j->rollouts[i];
	if (j->n_rollouts == JUDGE_ROLLOUTS_MAX)
		return &j->rollouts[JUDGE_ROLLOUTS_MAX - 1];
	r = &j->rollouts[j->n_rollouts++];
	*r = (struct judge_rollout){.site = site, .watch_ms = watch_ms};
	snprintf(r->id, sizeof(r->id), "%s", id);
	return r;
}

void judge_inspected(struct judge *j, struct judge_rollout *r, bool has_undo)
{
	if (r->has_undo)
		return;
	r->undo = j->sites[r->site].shares;
	r->baseline = leader(&r->undo);
	r->has_undo = has_undo;
}

void judge_met(struct judge_rollout *r, int worker)
{
	r->workers |= 1u << worker;
}

void judge_left(struct judge *j, struct judge_rollout *r)
{
	if (!r->left)
		r->left_behind = j->sites[r->site].shares;
	r->left = true;
}

bool judge_apart(const struct judge_rollout *a, const struct judge_rollout *b)
{
	unsigned workers = a->workers | b->workers;

	return !(workers & (workers - 1)) && !a->excused && !b->excused;
}

void judge_read(struct judge *j, struct judge_rollout *r)
{
	r->last_read = ++j->events;
}

void judge_hand(struct judge *j, int site)
{
	j->sites[site].hand = true;
}

void judge_excuse(struct judge_rollout *r)
{
	r->excused = true;
}

/* --- acts ----------------------------------------------------------------------------------- */

static bool is_forward(const struct judge_rollout *r, const struct judge_act *a)
{
	if (a->kind == DECIDE_PROMOTE)
		return !r->promoted && r->asked.weight_bp < 10000;
	return a->kind == DECIDE_SPLIT && (a->traffic.weight_bp > r->asked.weight_bp ||
					   (a->traffic.segments & ~r->asked.segments));
}

/*
 * ONE_WRITER: from a rollout's first write until its worker lets go of the target, no other rollout
 * of that worker writes to it; who writes again has it again. Two workers lock nothing for each
 * other: where a job has moved between them, or a ledger was lost, each is a stranger to the other,
 * and what they may make of each other's target is DECIDED's and RESTORED's business. And forward
 * goes only the worker that holds its job, as CodePipeline sees it: others may take it back, which
 * is the same whoever does it.
 */
static void check_writer(struct judge *j, const struct judge_rollout *r, const struct judge_act *a,
			 bool forward)
{
	for (int i = 0; i < j->n_rollouts; i++) {
		const struct judge_rollout *q = &j->rollouts[i];

		if (q != r && q->site == r->site && judge_apart(q, r))
			check(j, a->now_ms, INVARIANT_ONE_WRITER, !q->touched || q->left,
			      "rollout %s writes to the target while %s has it", r->id, q->id);
	}
	if (forward)
		check(j, a->now_ms, INVARIANT_ONE_WRITER, a->holds,
		      "rollout %s goes forward by worker %d, which does not hold its job", r->id,
		      a->worker);
}

/*
 * FRESH: a step forward that is not the first needs an OK of its alarm that somebody was told after
 * the time of the step before was over, and not longer ago than evidence lasts; no step, not even
 * the first, is taken by a worker whose last word about the alarm was ALARM. When wall clocks jump,
 * times of steps are what the clock says: then the OK has to be of after the step before.
 */
static void check_fresh(struct judge *j, const struct judge_rollout *r, const struct judge_act *a)
{
	const struct judge_site *s = &j->sites[r->site];
	int64_t since = r->risen_ms + (j->o.clock_steps ? 0 : r->watch_ms);
	bool first = !r->asked.weight_bp && !r->asked.segments;

	check(j, a->now_ms, INVARIANT_FRESH, !s->told_fail_to[a->worker],
	      "rollout %s goes forward after worker %d was told %lld s ago that the alarm is red",
	      r->id, a->worker, (long long)(a->now_ms - s->told_fail_to[a->worker]) / 1000);
	if (first)
		return;
	check(j, a->now_ms, INVARIANT_FRESH, s->ok_told_ms >= since,
	      "rollout %s goes forward without an OK of after its last step (last OK %lld s after "
	      "it, the step takes %lld s)",
	      r->id, (long long)(s->ok_told_ms - r->risen_ms) / 1000,
	      (long long)r->watch_ms / 1000);
	check(j, a->now_ms, INVARIANT_FRESH, a->now_ms - s->ok_told_ms <= EVIDENCE_MS,
	      "rollout %s goes forward on an OK that is %lld s old", r->id,
	      (long long)(a->now_ms - s->ok_told_ms) / 1000);
}

void judge_act(struct judge *j, struct judge_rollout *r, const struct judge_act *a)
{
	bool forward = is_forward(r, a);

	/* TOKEN_FIRST: whatever is to be undone is in CodePipeline's hands before it is done */
	check(j, a->now_ms, INVARIANT_TOKEN_FIRST, a->token,
	      "rollout %s writes to the target before its first token was accepted", r->id);
	check_writer(j, r, a, forward);
	if (forward)
		check_fresh(j, r, a);
	r->touched = true;
	r->left = false;
	r->n_writes++;
	r->last_write = ++j->events;
	if (a->kind == DECIDE_RESTORE) {
		r->asked = (struct traffic){0};
		r->promoted = false;
	} else if (a->kind == DECIDE_PROMOTE) {
		r->promoted = true;
		r->asked.weight_bp = 10000;
	} else if (a->kind == DECIDE_SPLIT) {
		r->asked = a->traffic;
	}
	if (r->asked.weight_bp > r->most_bp)
		r->most_bp = r->asked.weight_bp;
}

/* --- splits --------------------------------------------------------------------------------- */

/* RANGE: always. */
static void check_range(struct judge *j, int64_t now_ms, int site, const struct judge_shares *s)
{
	double total = 0;

	for (int i = 0; i < s->n; i++) {
		check(j, now_ms, INVARIANT_RANGE, s->of[i].percent >= 0 && s->of[i].percent <= 100,
		      "site %d: a share of %g %%", site, s->of[i].percent);
		total += s->of[i].percent;
	}
	check(j, now_ms, INVARIANT_RANGE, is_near(total, 100), "site %d: shares make up %g %%",
	      site, total);
}

/* Are they as the undo record has them? */
static bool is_undo(const struct judge_rollout *r, const struct judge_shares *s)
{
	for (int i = 0; i < s->n; i++)
		if (!is_near(s->of[i].percent, judge_share(&r->undo, s->of[i].who)))
			return false;
	return true;
}

/*
 * DECIDED: what a worker's call made of the split is what the decision asked for that it was made
 * for: this weight, everything, or what the undo record says; other acts leave it as it was. What
 * a service does by itself is never more than was ever asked for: what it has begun it may finish
 * before it goes back. What somebody does by hand is not judged; what a worker makes of it
 * afterwards is.
 */
static void check_decided(struct judge *j, int64_t now_ms, const struct judge_rollout *r,
			  const struct judge_act *a, double before)
{
	double now = candidate(j, r);

	switch (a->kind) {
	case DECIDE_SPLIT:
		check(j, now_ms, INVARIANT_DECIDED, is_near(now, a->traffic.weight_bp / 100.0),
		      "rollout %s asked for %g %% and made it %g %%", r->id,
		      a->traffic.weight_bp / 100.0, now);
		return;
	case DECIDE_PROMOTE:
		check(j, now_ms, INVARIANT_DECIDED, is_near(now, 100),
		      "rollout %s promoted its candidate to %g %%", r->id, now);
		return;
	case DECIDE_RESTORE:
		check(j, now_ms, INVARIANT_DECIDED, is_undo(r, &j->sites[r->site].shares),
		      "rollout %s restored the target, and the candidate has %g %%", r->id, now);
		return;
	case DECIDE_WAIT:
	case DECIDE_AGAIN:
	case DECIDE_CHECKPOINT:
	case DECIDE_PREPARE:
	case DECIDE_RETIRE:
	case DECIDE_SUCCEED:
	case DECIDE_FAIL:
	case DECIDE_DISCARD:
	case DECIDE_HAND_OVER:
	case DECIDE_REFUSE:
		break;
	}
	check(j, now_ms, INVARIANT_DECIDED, is_near(now, before),
	      "rollout %s changed the split from %g to %g %% by an act that is not for that", r->id,
	      before, now);
}

/* The most that any rollout may have asked of the service. */
static void check_by_itself(struct judge *j, int64_t now_ms, int site,
			    const struct judge_shares *before)
{
	struct judge_site *s = &j->sites[site];

	for (int i = 0; i < j->n_rollouts; i++) {
		const struct judge_rollout *r = &j->rollouts[i];
		double was = 100 - judge_share(before, r->baseline), is = candidate(j, r);

		if (r->site != site || !r->touched || r->over || s->hand || r->excused)
			continue;
		check(j, now_ms, INVARIANT_DECIDED,
		      is <= was + NEAR || is <= r->most_bp / 100.0 + NEAR,
		      "the service gave the candidate of rollout %s %g %%, when %g %% was asked "
		      "for",
		      r->id, is, r->most_bp / 100.0);
	}
}

void judge_split(struct judge *j, int64_t now_ms, int site, enum judge_cause cause,
		 struct judge_rollout *r, const struct judge_act *a,
		 const struct judge_shares *shares)
{
	struct judge_site *s = &j->sites[site];
	struct judge_shares before = s->shares;

	check_range(j, now_ms, site, shares);
	s->shares = *shares;
	if (cause == CAUSED_BY_HAND)
		s->hand = true;
	else if (cause == CAUSED_BY_SERVICE)
		check_by_itself(j, now_ms, site, &before);
	else if (!r || !a)
		check(j, now_ms, INVARIANT_DECIDED, false,
		      "site %d: a worker changed the split, and no rollout of it was at work",
		      site);
	else
		check_decided(j, now_ms, r, a, 100 - judge_share(&before, r->baseline));
	for (int i = 0; i < j->n_rollouts; i++) {
		struct judge_rollout *q = &j->rollouts[i];

		if (q->site == site && q->has_undo && (cause == CAUSED_BY_SERVICE || q == r) &&
		    candidate(j, q) > 100 - judge_share(&before, q->baseline) + NEAR)
			q->risen_ms = now_ms;
	}
	judge_time(j, now_ms);
}

/* --- alarms --------------------------------------------------------------------------------- */

void judge_alarm(struct judge *j, int64_t now_ms, int site, bool red)
{
	struct judge_site *s = &j->sites[site];

	if (red && !s->red)
		s->red_since_ms = now_ms;
	s->red = red;
}

void judge_told(struct judge *j, int64_t now_ms, int site, int worker, bool ok, bool red)
{
	struct judge_site *s = &j->sites[site];

	if (ok)
		s->ok_told_ms = now_ms;
	s->told_fail_to[worker] = red ? now_ms : 0;
	if (!red)
		return;
	s->fail_told_ms = now_ms;
	for (int i = 0; i < j->n_rollouts; i++)
		if (j->rollouts[i].site == site && j->rollouts[i].due_since_ms)
			j->rollouts[i].due_told = true;
}

/* --- reaction ------------------------------------------------------------------------------- */

static void reacted(struct judge *j, struct judge_rollout *r, int64_t now_ms)
{
	if (j->n_reactions < JUDGE_SAMPLES_MAX) {
		j->reaction_slow[j->n_reactions] = j->sites[r->site].by_itself;
		j->reactions_ms[j->n_reactions++] = now_ms - r->due_since_ms;
	}
	r->due_since_ms = 0;
	r->due_told = false;
}

/*
 * REACTION: from the moment at which an alarm is red while the candidate has traffic, until the
 * baseline has everything again: not longer than the bound. What has turned well again before any
 * worker could have seen it obliges nobody. Somebody's hand on the target, and a rollout that
 * nobody is left to know about, end the obligation: CodePipeline has told, or will tell, that the
 * action failed.
 */
static void check_due(struct judge *j, struct judge_rollout *r, int64_t now_ms)
{
	const struct judge_site *s = &j->sites[r->site];
	int64_t bound = s->by_itself ? j->o.slow_ms : j->o.bound_ms;
	bool apart = r->touched && !r->over && !r->excused && !s->hand && candidate(j, r) > NEAR;

	if (!apart) {
		if (r->due_since_ms && !s->hand && !r->excused)
			reacted(j, r, now_ms);
		r->due_since_ms = 0;
		return;
	}
	if (s->red && !r->due_since_ms) {
		r->due_since_ms = now_ms;
		r->due_told = s->fail_told_ms >= now_ms;
	} else if (!s->red && r->due_since_ms && !r->due_told &&
		   now_ms - r->due_since_ms < VISIBLE_MS) {
		r->due_since_ms = 0;
	}
	if (r->due_since_ms)
		check(j, now_ms, INVARIANT_REACTION, now_ms - r->due_since_ms <= bound,
		      "the candidate of rollout %s has %g %% %lld s after its alarm turned red",
		      r->id, candidate(j, r), (long long)(now_ms - r->due_since_ms) / 1000);
}

void judge_time(struct judge *j, int64_t now_ms)
{
	for (int i = 0; i < j->n_rollouts; i++)
		check_due(j, &j->rollouts[i], now_ms);
}

/* --- reports -------------------------------------------------------------------------------- */

/*
 * READ_BACK: when success is accepted, the candidate has everything (or the baseline, where going
 * back was wanted), and the target was read after the last write to it. Where nothing was ever
 * asked for there was nothing to shift; a way back that came too late, and moved nothing, is not
 * that. Somebody's hand after the read-back makes the first part
 * impossible; the second one holds.
 */
static void check_success(struct judge *j, const struct judge_rollout *r,
			  const struct judge_report *p)
{
	const struct judge_site *s = &j->sites[r->site];
	bool none = !r->most_bp && !r->asked.segments;
	double want = p->back || none ? 0 : 100;

	check(j, p->now_ms, INVARIANT_READ_BACK, !r->n_writes || r->last_read > r->last_write,
	      "rollout %s reports success, and has not read its target since it wrote last", r->id);
	if (!s->hand && !p->parked)
		check(j, p->now_ms, INVARIANT_READ_BACK, is_near(candidate(j, r), want),
		      "rollout %s reports success, and its candidate has %g %%", r->id,
		      candidate(j, r));
}

/*
 * RESTORED: a failure that says that the baseline carries all traffic is true: the shares are those
 * of the undo record. Somebody's hand since then is the only excuse. It may be told long after the
 * way back was proved, when there is no job to tell it by; the target is free with the proof, and
 * what the next rollout of it makes is that one's: then what this one left behind counts.
 */
static void check_failure(struct judge *j, const struct judge_rollout *r,
			  const struct judge_report *p)
{
	const struct judge_site *s = &j->sites[r->site];
	const struct judge_shares *of = r->left ? &r->left_behind : &s->shares;

	if (r->has_undo && !s->hand && p->message &&
	    strstr(p->message, "baseline carries all traffic"))
		check(j, p->now_ms, INVARIANT_RESTORED, is_undo(r, of),
		      "rollout %s says it has restored its target, and its candidate has %g %%",
		      r->id, 100 - judge_share(of, r->baseline));
}

void judge_reported(struct judge *j, struct judge_rollout *r, const struct judge_report *p)
{
	/* REPORTED: as CodePipeline sees it, one report for each job, one end for each action */
	check(j, p->now_ms, INVARIANT_REPORTED, p->of_job == 1 && p->of_action <= 1,
	      "rollout %s: %d reports of one job, %d ends of one action were accepted",
	      r ? r->id : "?", p->of_job, p->of_action);
	if (!r || !p->final)
		return;
	if (p->good)
		check_success(j, r, p);
	else
		check_failure(j, r, p);
}

void judge_over(struct judge *j, struct judge_rollout *r)
{
	(void)j;
	r->over = true;
}

/* --- calls and texts ------------------------------------------------------------------------ */

/* RATE: whatever goes wrong, no worker makes more calls in a minute than it was given. */
void judge_called(struct judge *j, int64_t now_ms, int worker)
{
	if (now_ms / MINUTE_MS != j->minute[worker]) {
		j->minute[worker] = now_ms / MINUTE_MS;
		j->calls[worker] = 0;
	}
	j->calls[worker]++;
	if (j->calls[worker] > j->most_calls)
		j->most_calls = j->calls[worker];
	check(j, now_ms, INVARIANT_RATE, j->calls[worker] <= j->o.calls_most,
	      "worker %d made %d calls in one minute", worker, j->calls[worker]);
}

/* SECRET: of nothing that a key was ever handed out with. */
void judge_text(struct judge *j, int64_t now_ms, const char *where, const char *secret)
{
	check(j, now_ms, INVARIANT_SECRET, !secret, "%s has a secret in it: %.4s...", where,
	      secret ? secret : "");
}

/* --- the end -------------------------------------------------------------------------------- */

/*
 * ENDS: every action is over when time is up. REPORTED: and it was the worker that ended it,
 * unless people stopped it, the only ledger that knew the job was lost, or the weather kept every
 * worker away for longer than CodePipeline waits.
 */
void judge_end_of_action(struct judge *j, int64_t now_ms, const char *what, const char *status,
			 bool reported, bool excused)
{
	check(j, now_ms, INVARIANT_ENDS, strcmp(status, "InProgress") != 0, "%s never ended", what);
	check(j, now_ms, INVARIANT_REPORTED, reported || excused,
	      "CodePipeline ended %s, and no worker did: %s", what, status);
}

/*
 * CLEAN_END: once everything is over and had its time, all of a target's traffic goes one way, and
 * the candidate keeps it only if its rollout succeeded. may_be_left: nobody was left who could have
 * known.
 */
void judge_end_of_site(struct judge *j, int64_t now_ms, int site, bool may_be_left)
{
	const struct judge_site *s = &j->sites[site];
	double most = 0;

	for (int i = 0; i < s->shares.n; i++)
		if (s->shares.of[i].percent > most)
			most = s->shares.of[i].percent;
	if (!s->hand && !may_be_left)
		check(j, now_ms, INVARIANT_CLEAN_END, is_near(most, 100),
		      "site %d: traffic is left divided, %g %% to the larger part", site, most);
}

/* RESTORED, of everything that is not traffic: groups, environments, rules, statements. */
void judge_end_of_belongings(struct judge *j, int64_t now_ms, const char *what, const char *before,
			     const char *after)
{
	size_t same = 0;

	while (before[same] && before[same] == after[same])
		same++;
	check(j, now_ms, INVARIANT_RESTORED, !strcmp(before, after),
	      "%s did not succeed, and its target is not what it was: at %zu it was \"%.90s\" and "
	      "is \"%.90s\"",
	      what, same, before + same, after + same);
}

void judge_end_of_worker(struct judge *j, int64_t now_ms, const char *left)
{
	check(j, now_ms, INVARIANT_CLEAN_END, !left[0], "%s", left);
}
