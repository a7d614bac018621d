#include "tests/simulation/stage.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/scenarios/calls.h"
#include "tests/sim/sim_internal.h"
#include "worker/ledger_lock.h"
#include "worker/slice.h"

/*
 * Tells the judge what happened. What a call did is read from the simulator's record, what it was
 * made for from the rollout whose turn it is: its decision stands in memory while the act is under
 * way.
 */
#define TEXTS_MAX (16u << 20)

static const char ROLLOUT_PREFIX[] = "r-"; /* and the id of the action's execution */

/* --- who serves ----------------------------------------------------------------------------- */

static uint64_t number_of(const char *text)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (const char *c = text; *c; c++)
		h = (h ^ (unsigned char)*c) * UINT64_C(1099511628211);
	return h;
}

static uint64_t who_of(struct stage_site *site, const char *name)
{
	uint64_t h = number_of(name);

	for (int i = 0; i < site->n_sides; i++)
		if (site->sides[i].who == h)
			return h;
	if (site->n_sides < JUDGE_SIDES_MAX) {
		site->sides[site->n_sides].who = h;
		str_copy(site->sides[site->n_sides++].name, sizeof(site->sides[0].name),
			 str_from(name));
	}
	return h;
}

static void add_side(struct judge_shares *shares, uint64_t who, double percent)
{
	if (shares->n < JUDGE_SIDES_MAX) {
		shares->of[shares->n].who = who;
		shares->of[shares->n++].percent = percent;
	}
}

/*
 * The shares that one change left behind, from the record: an alias has one entry that says all of
 * it, a rule has one for each target group. *at is moved behind it.
 */
static struct judge_shares read_change(struct stage_site *site, const struct sim_split *splits,
				       size_t *at, size_t end)
{
	const struct sim_split *first = &splits[*at];
	struct judge_shares shares = {0};

	if (first->baseline[0]) {
		add_side(&shares, who_of(site, first->baseline), 100 - first->weight);
		if (first->candidate[0])
			add_side(&shares, who_of(site, first->candidate), first->weight);
		++*at;
		return shares;
	}
	for (; *at < end && !strcmp(splits[*at].resource, first->resource); ++*at) {
		uint64_t who = who_of(site, splits[*at].candidate);

		for (int i = 0; i < shares.n; i++)
			if (shares.of[i].who == who)
				return shares; /* the next change of the same rule */
		add_side(&shares, who, splits[*at].weight);
	}
	return shares;
}

static void tell_splits(struct stage *s, size_t end, enum judge_cause cause,
			struct judge_rollout *r, const struct judge_act *act)
{
	const struct sim_split *splits;

	(void)sim_split_log(s->w.sim, &splits);
	while (s->n_splits < end) {
		struct stage_site *site = NULL;
		struct judge_shares shares;

		for (int i = 0; i < s->script.n_sites; i++)
			if (!strcmp(splits[s->n_splits].resource, s->sites[i].resource))
				site = &s->sites[i];
		if (!site) { /* a segment's own rule or alias */
			s->n_splits++;
			continue;
		}
		shares = read_change(site, splits, &s->n_splits, end);
		judge_split(&s->judge, stage_now(s), site->number, cause, r, act, &shares);
		for (int i = 0; i < shares.n; i++)
			stage_trace(s, "      == %s: %g %% to %s", site->site->name,
				    shares.of[i].percent,
				    site->sides[i < site->n_sides ? i : 0].name);
	}
}

void witness_splits(struct stage *s, enum judge_cause cause)
{
	const struct sim_split *splits;

	tell_splits(s, sim_split_log(s->w.sim, &splits), cause, NULL, NULL);
}

double witness_candidate(struct stage *s, int site, const char **name)
{
	const struct stage_site *at = &s->sites[site];
	const struct judge_shares *shares = &s->judge.sites[at->number].shares;
	double best = 0;

	*name = "";
	/* what stood there from the begin is the first side that was seen */
	for (int i = 1; i < at->n_sides; i++) {
		double percent = judge_share(shares, at->sides[i].who);

		if (percent > best) {
			best = percent;
			*name = at->sides[i].name;
		}
	}
	return best;
}

static void begin_site(struct stage *s, int i)
{
	struct stage_site *site = &s->sites[i];
	struct judge_shares shares = {0};
	const struct sim_split *splits;
	size_t n = sim_split_log(s->w.sim, &splits);

	site->site = &s->script.sites[i];
	site->resource = site_resource(&s->w, site->site);
	site->alarm = arena_printf(s->arena, "%s-errors", site->site->name);
	site->belongings = arena_strdup(s->arena, site_belongings(&s->w, site->site));
	for (size_t at = 0; at < n;) {
		if (strcmp(splits[at].resource, site->resource) != 0)
			at++;
		else
			shares = read_change(site, splits, &at, n);
	}
	if (shares.n == 0) /* an alias or a domain name is recorded when it changes */
		add_side(&shares, who_of(site, site_first(site->site)), 100);
	site->number = judge_add_site(&s->judge, site_traits(site->site->kind)->by_itself, &shares);
}

void witness_begin(struct stage *s)
{
	const struct sim_split *splits;

	for (int i = 0; i < s->script.n_sites; i++)
		begin_site(s, i);
	s->n_splits = sim_split_log(s->w.sim, &splits);
}

/* --- jobs and reports ----------------------------------------------------------------------- */

static int owner_of(const struct stage *s, const char *job)
{
	for (int i = 0; i < s->n_owners; i++)
		if (!strcmp(s->owners[i].job, job))
			return s->owners[i].worker;
	return -1;
}

/* A job is acknowledged once; who came first has it. */
static void acknowledged(struct stage *s, const struct fleet_call *c)
{
	static const char key[] = "\"jobId\":\"";
	const char *at = strstr(c->request->body.p, key);
	char job[RNG_UUID_SIZE] = "";

	if (!at)
		return;
	at += sizeof(key) - 1;
	str_copy(job, sizeof(job), (struct str){at, strcspn(at, "\"")});
	if (owner_of(s, job) >= 0 || s->n_owners == STAGE_OWNERS_MAX)
		return;
	memcpy(s->owners[s->n_owners].job, job, sizeof(job));
	s->owners[s->n_owners++].worker = c->worker;
}

static struct stage_pipe *pipe_of(struct stage *s, const char *name)
{
	for (int i = 0; i < s->script.n_pipes; i++)
		if (name && !strcmp(s->script.pipes[i].name, name))
			return &s->pipes[i];
	return NULL;
}

/* How long the steps of this strategy watch at least. */
static int64_t watch_ms(const struct stage_pipe *p)
{
	return strstr(p->script->strategy, "3m") && !strstr(p->script->strategy, "2m") ? 180000
										       : 120000;
}

static struct judge_rollout *rollout_of(struct stage *s, const struct stage_pipe *p, const char *id)
{
	return judge_rollout(&s->judge, id, s->sites[p->script->site].number, watch_ms(p));
}

static void tell_report(struct stage *s, struct stage_pipe *p, const struct sim_action *a, size_t n)
{
	const struct sim_report *report = &a->reports[n];
	const char *id = report->external_execution_id[0] ? report->external_execution_id
							  : a->external_execution_id;
	bool final = report->kind != SIM_REPORT_CONTINUE;
	struct judge_report told = {.now_ms = stage_now(s),
				    .final = final,
				    .good = report->kind == SIM_REPORT_SUCCESS,
				    .back = !strcmp(a->action, "Rollback"),
				    .parked = !strcmp(a->action, "Start"),
				    .message = report->message};

	for (size_t i = 0; i <= n; i++) {
		told.of_job += !strcmp(a->reports[i].job_id, report->job_id);
		told.of_action += a->reports[i].kind != SIM_REPORT_CONTINUE;
	}
	if (!id[0]) /* a refusal before there was a rollout */
		id = arena_printf(s->arena, "%s%s", ROLLOUT_PREFIX, a->action_execution_id);
	judge_reported(&s->judge, rollout_of(s, p, id), &told);
	stage_trace(s, "      >> %s/%s: %s %s", p->script->name, a->action,
		    !final	? "continues:"
		    : told.good ? "SUCCEEDED:"
				: "FAILED:",
		    final && !told.good ? report->message : report->summary);
}

static void look_for_reports(struct stage *s)
{
	for (int i = 0; i < s->script.n_pipes; i++) {
		struct stage_pipe *p = &s->pipes[i];

		for (int k = 0; k < p->n_actions && p->pushed; k++) {
			const struct sim_action *a =
				sim_action_find(s->w.sim, p->script->name, p->actions[k]);

			for (; a && p->n_reports[k] < a->n_reports; p->n_reports[k]++)
				tell_report(s, p, a, p->n_reports[k]);
		}
	}
}

/* --- calls ---------------------------------------------------------------------------------- */

/* It may have had its effect, as far as the service is concerned. */
static bool may_have_worked(const struct fleet_call *c)
{
	switch (c->fault) {
	case SIM_FAULT_REFUSED:
	case SIM_FAULT_TIMEOUT_BEFORE:
	case SIM_FAULT_500:
	case SIM_FAULT_THROTTLED:
	case SIM_FAULT_EXPIRED_TOKEN:
	case SIM_FAULT_CRASH_BEFORE:
		return false;
	case SIM_FAULT_NONE:
	case SIM_FAULT_DUPLICATED:
		return c->call->status < 400 || c->fault == SIM_FAULT_DUPLICATED;
	case SIM_FAULT_TIMEOUT_AFTER:
	case SIM_FAULT_500_AFTER:
	case SIM_FAULT_TRUNCATED:
	case SIM_FAULT_GARBAGE:
	case SIM_FAULT_CRASH_AFTER:
	case SIM_FAULT_COUNT:
		break;
	}
	return true;
}

static bool is_answered(const struct fleet_call *c)
{
	return c->call->status == 200 &&
	       (c->fault == SIM_FAULT_NONE || c->fault == SIM_FAULT_DUPLICATED);
}

/* Alarms that this answer was about. */
static void tell_alarms(struct stage *s, const struct fleet_call *c)
{
	for (int i = 0; i < s->script.n_sites; i++) {
		const char *state;

		if (!memmem(c->request->body.p, c->request->body.n, s->sites[i].alarm,
			    strlen(s->sites[i].alarm)))
			continue;
		state = sim_cloudwatch_alarm(s->w.sim, str_from(s->sites[i].alarm));
		judge_told(&s->judge, stage_now(s), s->sites[i].number, c->worker,
			   state && !strcmp(state, "OK"), state && !strcmp(state, "ALARM"));
	}
}

/* CodePipeline has accepted a token of this rollout's own action. */
static bool has_token(struct stage *s, const struct rollout *r)
{
	const struct sim_action *a =
		strlen(r->id) > 2 ? sim_action_by_id(s->w.sim, r->id + 2) : NULL;

	return a && a->n_reports > 0 && a->reports[0].kind != SIM_REPORT_FAILURE;
}

/* Has this one the target yet, by this worker's ledger? */
static bool has_lock(struct stage *s, int worker, const char *id)
{
	struct arena *a = arena_new();
	struct ledger_holder *locks = NULL;
	struct err err = ERR_INIT;
	size_t n = 0;
	bool has = ledger_locks(s->w.workers[worker].ledger, a, &locks, &n, &err) != 0;

	for (size_t i = 0; i < n && !has; i++)
		has = !strcmp(locks[i].rollout_id, id);
	arena_free(a);
	return has;
}

/*
 * The other rollouts of its target. This worker's own it keeps apart, by its lock. Those that
 * another worker has to do with are strangers' hands to it, and it is one to them.
 */
static void look_for_others(struct stage *s, const struct judge_rollout *mine, int worker)
{
	struct judge *j = &s->judge;

	for (int i = 0; i < j->n_rollouts; i++) {
		struct judge_rollout *q = &j->rollouts[i];

		if (q == mine || q->site != mine->site || !q->workers)
			continue;
		if (!judge_apart(q, mine)) {
			if (!q->over)
				judge_hand(j, mine->site);
		} else if (q->touched && !q->left && !has_lock(s, worker, q->id)) {
			judge_left(j, q);
		}
	}
}

static void tell_target_call(struct stage *s, const struct fleet_call *c, struct stage_pipe *p)
{
	const struct rollout *r = c->rollout;
	struct judge_rollout *told = rollout_of(s, p, r->id);
	const struct sim_split *splits;
	struct judge_act act = {.now_ms = stage_now(s),
				.worker = c->worker,
				.kind = r->decision.kind,
				.traffic = r->decision.traffic};

	/* nothing is touched yet: a target that others had meanwhile is inspected again */
	if (!told->touched && told->record != number_of(r->state.undo))
		told->has_undo = false;
	if (!told->touched)
		told->record = number_of(r->state.undo);
	judge_inspected(&s->judge, told, r->state.undo[0] != '\0');
	judge_met(told, c->worker);
	look_for_others(s, told, c->worker);
	if (!calls_is_write(&s->w, c->call)) {
		if (is_answered(c))
			judge_read(&s->judge, told);
	} else if (may_have_worked(c)) {
		act.token = has_token(s, r);
		act.holds = r->job && owner_of(s, r->job->id) == c->worker;
		judge_act(&s->judge, told, &act);
		s->sites[p->script->site].retired |= act.kind == DECIDE_RETIRE;
		/* Beanstalk's own splitting is asked for once, and finishes by itself */
		if (s->script.sites[p->script->site].kind == SITE_BEANSTALK_SPLITTING &&
		    act.kind == DECIDE_SPLIT)
			told->most_bp = 10000;
	}
	tell_splits(s, sim_split_log(s->w.sim, &splits), CAUSED_BY_WORKER, told, &act);
}

static void trace_call(struct stage *s, const struct fleet_call *c)
{
	const struct rollout *r = c->rollout;
	bool write = calls_is_write(&s->w, c->call) && r;

	stage_trace(s, "w%d %s %s %s %d%s%s%s%s%s", c->worker,
		    r && r->pipeline ? r->pipeline : "--", c->call->service, c->call->operation,
		    c->call->status, c->fault ? " *" : "", c->fault ? sim_fault_name(c->fault) : "",
		    c->wait_before_ms + c->wait_after_ms > 0 ? " *delay" : "", write ? " for " : "",
		    write ? slice_act_name(r->decision.kind) : "");
}

void witness_call(struct stage *s, const struct fleet_call *c)
{
	const struct sim_split *splits;
	struct stage_pipe *p = c->rollout ? pipe_of(s, c->rollout->pipeline) : NULL;
	const char *op;

	s->calls++;
	judge_called(&s->judge, stage_now(s), c->worker);
	tell_splits(s, c->first_split, CAUSED_BY_SERVICE, NULL, NULL);
	if (!c->call)
		return;
	trace_call(s, c);
	op = c->call->operation;
	secrets_learn(s, c);
	if (!strcmp(c->call->service, "codepipeline")) {
		if (!strcmp(op, "AcknowledgeJob") && may_have_worked(c))
			acknowledged(s, c);
		/* told that it came too late, by the answer to its own request's twin */
		s->lost_job |= !strcmp(op, "AcknowledgeJob") && c->call->status >= 400 &&
			       c->fault == SIM_FAULT_DUPLICATED;
		/* whether it is ours is told by times, and those by two clocks */
		s->lost_job |= !strcmp(op, "AcknowledgeJob") && may_have_worked(c) &&
			       !is_answered(c) && script_is_on(&s->script, FAULT_CLOCK);
		if (!strncmp(op, "PutJob", 6))
			look_for_reports(s);
	} else if (!strcmp(c->call->service, "monitoring")) {
		if (!strcmp(op, "DescribeAlarms") && is_answered(c))
			tell_alarms(s, c);
	} else if (p && calls_is_of_target(&s->w, c->call)) {
		tell_target_call(s, c, p);
	}
	tell_splits(s, sim_split_log(s->w.sim, &splits), CAUSED_BY_WORKER, NULL, NULL);
}

/* --- as time goes by ------------------------------------------------------------------------ */

static void tell_over(struct stage *s, struct stage_pipe *p)
{
	const char *status;

	if (!p->pushed || p->over)
		return;
	status = sim_execution_status(s->w.sim, p->execution);
	if (!strcmp(status, "InProgress") || !strcmp(status, "Stopping"))
		return;
	p->over = true;
	stage_trace(s, "      >> %s is over: %s", p->script->name, status);
	look_for_reports(s);
	for (int k = 0; k < p->n_actions; k++) {
		const struct sim_action *a =
			sim_action_find(s->w.sim, p->script->name, p->actions[k]);

		if (a && !k) /* the rollout is that of the first action */
			judge_over(&s->judge,
				   rollout_of(s, p,
					      arena_printf(s->arena, "%s%s", ROLLOUT_PREFIX,
							   a->action_execution_id)));
	}
}

void witness_step(struct stage *s)
{
	witness_splits(s, CAUSED_BY_SERVICE);
	for (int i = 0; i < s->script.n_sites; i++) {
		const char *state = sim_cloudwatch_alarm(s->w.sim, str_from(s->sites[i].alarm));

		judge_alarm(&s->judge, stage_now(s), s->sites[i].number,
			    state && !strcmp(state, "ALARM"));
	}
	for (int i = 0; i < s->script.n_pipes; i++)
		tell_over(s, &s->pipes[i]);
	judge_time(&s->judge, stage_now(s));
}

void witness_died(struct stage *s, int worker)
{
	for (int i = 0; i < s->script.n_sites; i++)
		s->judge.sites[s->sites[i].number].told_fail_to[worker] = 0;
	if (!s->lose[worker])
		return;
	/* what only that one knew, nobody knows any more */
	for (int i = 0; i < s->judge.n_rollouts; i++)
		judge_excuse(&s->judge.rollouts[i]);
}

/* --- the end -------------------------------------------------------------------------------- */

static void end_of_worker(struct stage *s, int i)
{
	struct ledger *l = s->w.workers[i].ledger;
	struct ledger_report *reports;
	struct ledger_rollout *rollouts;
	struct ledger_job *jobs;
	size_t n_reports = 0, n_rollouts = 0, n_jobs = 0;
	struct err err = ERR_INIT;
	const char *left = "";

	if (!l || ledger_reports(l, s->arena, &reports, &n_reports, &err) ||
	    ledger_jobs(l, s->arena, &jobs, &n_jobs, &err) ||
	    ledger_rollouts(l, true, 10, s->arena, &rollouts, &n_rollouts, &err))
		left = arena_printf(s->arena, "the ledger of worker %d cannot be read: %s", i,
				    err.text);
	else if (n_reports || n_jobs || n_rollouts)
		left = arena_printf(s->arena,
				    "worker %d: %zu jobs, %zu reports and %zu open rollouts are "
				    "left in the ledger (%s)",
				    i, n_jobs, n_reports, n_rollouts,
				    n_rollouts ? rollouts[0].phase : "");
	judge_end_of_worker(&s->judge, stage_now(s), left);
	secrets_check_ledger(s, i);
}

static void end_of_pipe(struct stage *s, struct stage_pipe *p)
{
	bool excused =
		p->stopped || s->lost_ledger || s->disk_was_full || s->long_outage || s->lost_job;

	for (int k = 0; k < p->n_actions; k++) {
		const struct sim_action *a =
			sim_action_find(s->w.sim, p->script->name, p->actions[k]);

		if (!a)
			continue;
		judge_end_of_action(&s->judge, stage_now(s),
				    arena_printf(s->arena, "%s/%s", p->script->name, a->action),
				    a->status,
				    a->n_reports > 0 && a->reports[a->n_reports - 1].kind !=
								SIM_REPORT_CONTINUE,
				    excused);
		secrets_check_reports(s, a);
	}
}

/* A rollout that could not clear up says so, and is then allowed to leave it. */
#define LEFTOVER "what was made for the candidate is there still"

static bool has_left_something(struct stage *s, const struct stage_pipe *p)
{
	for (int k = 0; k < p->n_actions; k++) {
		const struct sim_action *a =
			sim_action_find(s->w.sim, p->script->name, p->actions[k]);

		if (a && strstr(a->message, LEFTOVER))
			return true;
		/* stopped after its last action had succeeded */
		if (a && k + 1 == p->n_actions && !strcmp(a->status, "Succeeded"))
			return true;
	}
	return false;
}

/* A worker has told CodePipeline the end of one of its actions. */
static bool has_end(struct stage *s, const struct stage_pipe *p)
{
	for (int k = 0; k < p->n_actions; k++) {
		const struct sim_action *a =
			sim_action_find(s->w.sim, p->script->name, p->actions[k]);

		if (a && a->n_reports > 0 &&
		    a->reports[a->n_reports - 1].kind != SIM_REPORT_CONTINUE)
			return true;
	}
	return false;
}

/* Where one pipeline alone had to do with a target, and nobody else took hold of it. */
static void end_of_belongings(struct stage *s, int i)
{
	const struct stage_site *site = &s->sites[i];
	const struct stage_pipe *only = NULL;
	int n = 0;

	for (int k = 0; k < s->script.n_pipes; k++)
		if (s->pipes[k].script->site == i) {
			only = &s->pipes[k];
			n++;
		}
	/* a success that it did not know to be too late is logged, and stays */
	if (n != 1 || !only->pushed || s->lost_ledger || (s->lost_job && !has_end(s, only)) ||
	    s->judge.sites[site->number].hand ||
	    !strcmp(sim_execution_status(s->w.sim, only->execution), "Succeeded") ||
	    has_left_something(s, only))
		return;
	judge_end_of_belongings(
		&s->judge, stage_now(s), only->script->name,
		site_comparable(&s->w, site->belongings, site->retired),
		site_comparable(&s->w, site_belongings(&s->w, site->site), site->retired));
}

void witness_end(struct stage *s)
{
	bool left = s->lost_ledger;

	for (int i = 0; i < s->script.n_pipes; i++)
		end_of_pipe(s, &s->pipes[i]);
	for (int i = 0; i < s->script.n_sites; i++) {
		judge_end_of_site(&s->judge, stage_now(s), s->sites[i].number, left);
		end_of_belongings(s, i);
	}
	for (int i = 0; i < s->script.n_workers; i++)
		end_of_worker(s, i);
	secrets_check_file(s, "the log", s->log_fd);
}
