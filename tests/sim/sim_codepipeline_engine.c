/*
 * How executions move: into a stage when it is free, through its actions by runOrder, on to the
 * next stage; and what stops them: failure, stop, abandon, time-outs. simcp_settle() is called
 * before anything looks, and computes what has become due from the states alone.
 */
#include "tests/sim/sim_codepipeline.h"

/* --- runs ------------------------------------------------------------------------------------- */

/* The value of "#{ns.key}" in an execution, NULL when nothing has set it. */
static const char *variable(struct simcp *cp, const struct simcp_execution *e, struct str name)
{
	struct str rest = name, ns;
	const char *value = NULL;

	if (str_is(name, "codepipeline.PipelineExecutionId"))
		return e->id;
	if (!str_next(&rest, '.', &ns))
		return NULL;
	for (const struct simcp_run *r = cp->runs; r; r = r->next) {
		struct err err = ERR_INIT;
		struct json *root;

		if (r->execution != e || !r->action->ns[0] || !str_is(ns, r->action->ns) ||
		    !r->variables[0] ||
		    json_parse(cp->arena, str_from(r->variables), &root, &err) < 0)
			continue;
		value = json_cstr(json_get(root, str_dup(cp->arena, rest)));
	}
	return value;
}

static const char *resolve(struct simcp *cp, const struct simcp_execution *e, const char *text)
{
	const char *result, *p;
	struct buf b;

	if (!strstr(text, "#{"))
		return text;
	buf_init(&b, 256u << 10);
	for (p = text; *p;) {
		const char *end = strncmp(p, "#{", 2) == 0 ? strchr(p, '}') : NULL;
		const char *value =
			end ? variable(cp, e, (struct str){p + 2, (size_t)(end - p - 2)}) : NULL;

		if (value) {
			buf_adds(&b, value);
			p = end + 1;
		} else {
			buf_addc(&b, *p++);
		}
	}
	result = arena_strdup(cp->arena, b.p);
	buf_release(&b);
	return result;
}

void simcp_run_end(struct simcp *cp, struct simcp_run *r, const char *status)
{
	struct simcp_job *j = cp->live;

	r->pub.status = status;
	r->pub.updated = r->execution->updated = sim_now(cp->sim);
	while (j && j->run != r)
		j = j->next_live;
	if (j)
		simcp_job_end(cp, j, SIMCP_JOB_FAILED);
	if (strcmp(status, "Succeeded") != 0)
		return;
	for (const struct simcp_artifact *f = r->outputs; f; f = f->next)
		simcp_artifact_add(cp, &r->execution->artifacts, f->name, f->key, f->revision);
}

static void run_fail(struct simcp *cp, struct simcp_run *r, const char *type, const char *message)
{
	r->pub.failure_type = type;
	r->pub.message = message;
	simcp_run_end(cp, r, "Failed");
}

static struct simcp_run *run_new(struct simcp *cp, struct simcp_execution *e,
				 const struct simcp_action *a)
{
	struct simcp_run *r = arena_new_of(cp->arena, struct simcp_run);

	rng_uuid(sim_dice(cp->sim), r->id);
	r->execution = e;
	r->action = a;
	r->variables = r->approval_token = "";
	r->pub = (struct sim_action){
		.pipeline = e->pipeline->name,
		.stage = a->stage->name,
		.action = a->name,
		.execution_id = e->id,
		.action_execution_id = r->id,
		.status = "InProgress",
		.failure_type = "",
		.message = "",
		.summary = "",
		.external_execution_id = "",
		.percent = -1,
		.output_variables_json = "",
		.started = sim_now(cp->sim),
		.updated = sim_now(cp->sim),
	};
	*cp->runs_end = r;
	cp->runs_end = &r->next;
	return r;
}

static void run_start(struct simcp *cp, struct simcp_execution *e, const struct simcp_action *a)
{
	struct simcp_run *r = run_new(cp, e, a);

	for (size_t i = 0; i < a->n_config; i++)
		r->config[r->n_config++] =
			(struct simcp_pair){a->config[i].key, resolve(cp, e, a->config[i].value)};
	for (size_t i = 0; i < a->n_inputs; i++) {
		const struct simcp_artifact *f = simcp_artifact_find(e->artifacts, a->inputs[i]);

		if (!f) {
			run_fail(cp, r, "ConfigurationError",
				 arena_printf(cp->arena, "no action has made the input artifact %s",
					      a->inputs[i]));
			return;
		}
		simcp_artifact_add(cp, &r->inputs, f->name, f->key, f->revision);
	}
	for (size_t i = 0; i < a->n_outputs; i++)
		simcp_artifact_add(cp, &r->outputs, a->outputs[i],
				   simcp_artifact_key(cp, e->pipeline->name, a->outputs[i]), "");
	if (simcp_type_is_approval(a->type)) {
		char *token = arena_alloc(cp->arena, RNG_UUID_SIZE);

		rng_uuid(sim_dice(cp->sim), token);
		r->approval_token = token;
		cp->has_approvals = true;
		return;
	}
	simcp_job_add(cp, r, "", 0);
}

/* --- executions ------------------------------------------------------------------------------- */

struct simcp_execution *simcp_execution_start(struct simcp *cp, struct simcp_pipeline *p,
					      const struct simcp_artifact *artifacts,
					      struct simcp_stage *from)
{
	struct simcp_execution *e = arena_new_of(cp->arena, struct simcp_execution);

	rng_uuid(sim_dice(cp->sim), e->id);
	e->pipeline = p;
	e->stage = from ? from : p->stages;
	e->stop_reason = "";
	e->started = e->updated = sim_now(cp->sim);
	for (; artifacts; artifacts = artifacts->next)
		simcp_artifact_add(cp, &e->artifacts, artifacts->name, artifacts->key,
				   artifacts->revision);
	*cp->executions_end = e;
	cp->executions_end = &e->next;
	return e;
}

struct simcp_execution *simcp_push(struct simcp *cp, struct simcp_pipeline *p, struct str bytes)
{
	struct simcp_artifact *source = NULL;
	struct simcp_execution *e;
	const char *key = simcp_artifact_key(cp, p->name, p->source);
	const char *revision =
		arena_printf(cp->arena, "%016llx", (unsigned long long)rng_u64(sim_dice(cp->sim)));

	sim_s3_put_object(cp->sim, str_from(p->bucket), str_from(key), bytes);
	simcp_artifact_add(cp, &source, p->source, key, revision);
	e = simcp_execution_start(cp, p, source, NULL);
	simcp_settle(cp);
	return e;
}

static bool is_active(const struct simcp_execution *e)
{
	return e->status == SIMCP_IN_PROGRESS || e->status == SIMCP_STOPPING;
}

static void execution_end(struct simcp *cp, struct simcp_execution *e, enum simcp_status status)
{
	e->status = status;
	e->updated = sim_now(cp->sim);
}

/* Whether another execution holds the stage; in PARALLEL mode none ever does. */
static bool is_locked(const struct simcp *cp, const struct simcp_execution *e,
		      const struct simcp_stage *st)
{
	if (e->pipeline->mode == SIMCP_PARALLEL)
		return false;
	for (const struct simcp_execution *o = cp->executions; o; o = o->next)
		if (o != e && o->pipeline == e->pipeline && o->stage == st && o->entered &&
		    is_active(o))
			return true;
	return false;
}

/* A newer execution waits for the same stage. */
static bool is_overtaken(const struct simcp_execution *e)
{
	for (const struct simcp_execution *o = e->next; o; o = o->next)
		if (o->pipeline == e->pipeline && o->stage == e->stage && !o->entered &&
		    o->status == SIMCP_IN_PROGRESS)
			return true;
	return false;
}

/* The smallest runOrder above `after` in the stage; false when there is none. */
static bool next_order(const struct simcp_stage *st, int64_t after, int64_t *out)
{
	bool found = false;

	for (const struct simcp_action *a = st->actions; a; a = a->next)
		if (a->run_order > after && (!found || a->run_order < *out)) {
			*out = a->run_order;
			found = true;
		}
	return found;
}

static void start_group(struct simcp *cp, struct simcp_execution *e)
{
	for (const struct simcp_action *a = e->stage->actions; a; a = a->next)
		if (a->run_order == e->order)
			run_start(cp, e, a);
}

static bool try_enter(struct simcp *cp, struct simcp_execution *e)
{
	if (e->status == SIMCP_STOPPING) {
		execution_end(cp, e, SIMCP_STOPPED);
		return true;
	}
	if (is_locked(cp, e, e->stage)) {
		if (e->pipeline->mode != SIMCP_SUPERSEDED || !is_overtaken(e))
			return false;
		execution_end(cp, e, SIMCP_SUPERSEDED_STATUS);
		return true;
	}
	e->entered = true;
	e->updated = sim_now(cp->sim);
	if (next_order(e->stage, INT64_MIN, &e->order))
		start_group(cp, e);
	return true;
}

enum group { GROUP_RUNNING, GROUP_DONE, GROUP_FAILED };

static enum group group_state(struct simcp *cp, const struct simcp_execution *e)
{
	enum group g = GROUP_DONE;

	for (const struct simcp_action *a = e->stage->actions; a; a = a->next) {
		const struct simcp_run *r;

		if (a->run_order != e->order || !(r = simcp_run_latest(cp, e, a)))
			continue;
		if (strcmp(r->pub.status, "InProgress") == 0)
			return GROUP_RUNNING; /* the others of the group may end first */
		if (strcmp(r->pub.status, "Succeeded") != 0)
			g = GROUP_FAILED;
	}
	return g;
}

/* One move of one execution; false when it cannot move now. */
static bool execution_step(struct simcp *cp, struct simcp_execution *e)
{
	enum group g;

	if (!is_active(e))
		return false;
	if (!e->entered)
		return try_enter(cp, e);
	g = group_state(cp, e);
	if (g == GROUP_RUNNING)
		return false;
	if (g == GROUP_FAILED) {
		execution_end(cp, e, SIMCP_FAILED);
	} else if (e->status == SIMCP_STOPPING) {
		execution_end(cp, e, SIMCP_STOPPED);
	} else if (next_order(e->stage, e->order, &e->order)) {
		start_group(cp, e);
	} else if (e->only_stage || !e->stage->next) {
		execution_end(cp, e, SIMCP_SUCCEEDED);
	} else {
		e->stage = e->stage->next;
		e->entered = false;
	}
	return true;
}

static bool is_due(struct utc from, int64_t after_ms, struct utc now)
{
	return from.ms + after_ms <= now.ms;
}

static void settle_jobs(struct simcp *cp, struct utc now)
{
	const struct sim_options *o = sim_opts(cp->sim);
	struct simcp_job *next;

	for (struct simcp_job *j = cp->live; j; j = next) {
		next = j->next_live;
		if (j->state == SIMCP_JOB_CREATED && j->visible.ms <= now.ms)
			j->state = SIMCP_JOB_QUEUED;
		if (j->state == SIMCP_JOB_DISPATCHED &&
		    is_due(j->dispatched, o->redelivery_ms, now))
			j->state = SIMCP_JOB_QUEUED;
		if (j->state == SIMCP_JOB_IN_PROGRESS && o->job_timeout_ms > 0 &&
		    is_due(j->acknowledged, o->job_timeout_ms, now)) {
			simcp_job_end(cp, j, SIMCP_JOB_TIMED_OUT);
			run_fail(cp, j->run, "JobTimedOut",
				 "the worker did not report on the job in time");
		}
	}
}

/* Approvals wait for a person, but not for ever. */
static void settle_approvals(struct simcp *cp, struct utc now)
{
	for (struct simcp_run *r = cp->has_approvals ? cp->runs : NULL; r; r = r->next)
		if (r->approval_token[0] && strcmp(r->pub.status, "InProgress") == 0 &&
		    is_due(r->pub.started, r->action->timeout_ms, now))
			run_fail(cp, r, "ApprovalTimedOut", "nobody has decided in time");
}

static void settle_runs(struct simcp *cp, struct utc now)
{
	int64_t limit = sim_opts(cp->sim)->action_timeout_ms;
	struct simcp_job *next;

	if (limit <= 0)
		return;
	/* every run with a worker has a live job; approvals have neither job nor this limit */
	for (struct simcp_job *j = cp->live; j; j = next) {
		next = j->next_live;
		if (!is_due(j->run->pub.started, limit, now))
			continue;
		simcp_job_end(cp, j, SIMCP_JOB_TIMED_OUT);
		run_fail(cp, j->run, "ActionTimedOut", "the action did not finish in time");
	}
}

void simcp_settle(struct simcp *cp)
{
	struct utc now = sim_now(cp->sim);
	bool moved;

	settle_jobs(cp, now);
	settle_runs(cp, now);
	settle_approvals(cp, now);
	do {
		moved = false;
		for (struct simcp_execution *e = cp->executions; e; e = e->next)
			while (execution_step(cp, e))
				moved = true;
	} while (moved);
}

/* --- what people do --------------------------------------------------------------------------- */

const char *simcp_stop(struct simcp *cp, struct simcp_execution *e, bool abandon,
		       const char *reason)
{
	simcp_settle(cp);
	if (!is_active(e))
		return "PipelineExecutionNotStoppableException";
	if (e->status == SIMCP_STOPPING && !abandon)
		return "DuplicatedStopRequestException";
	e->stop_reason = arena_strdup(cp->arena, reason);
	execution_end(cp, e, SIMCP_STOPPING);
	for (struct simcp_run *r = cp->runs; r && abandon; r = r->next)
		if (r->execution == e && strcmp(r->pub.status, "InProgress") == 0)
			simcp_run_end(cp, r, "Abandoned");
	if (abandon)
		execution_end(cp, e, SIMCP_STOPPED);
	simcp_settle(cp);
	return NULL;
}

void simcp_edit(struct simcp *cp, struct simcp_pipeline *p)
{
	simcp_settle(cp);
	for (struct simcp_execution *e = cp->executions; e; e = e->next) {
		if (e->pipeline != p || !is_active(e))
			continue;
		execution_end(cp, e, SIMCP_CANCELLED);
		for (struct simcp_run *r = cp->runs; r; r = r->next)
			if (r->execution == e && strcmp(r->pub.status, "InProgress") == 0)
				simcp_run_end(cp, r, "Abandoned");
	}
	simcp_settle(cp);
}

/* A newer execution has been in this stage: its older ones are history. */
static bool is_outdated(const struct simcp *cp, const struct simcp_execution *e,
			const struct simcp_stage *st)
{
	for (const struct simcp_execution *o = e->next; o; o = o->next) {
		if (o->pipeline != e->pipeline)
			continue;
		for (const struct simcp_run *r = cp->runs; r; r = r->next)
			if (r->execution == o && r->action->stage == st)
				return true;
	}
	return false;
}

const char *simcp_retry(struct simcp *cp, struct simcp_execution *e, struct simcp_stage *st,
			bool all)
{
	simcp_settle(cp);
	if ((e->status != SIMCP_FAILED && e->status != SIMCP_STOPPED) || e->stage != st ||
	    !e->entered)
		return "StageNotRetryableException";
	if (e->pipeline->mode != SIMCP_PARALLEL && is_outdated(cp, e, st))
		return "NotLatestPipelineExecutionException";
	if (is_locked(cp, e, st))
		return "ConflictException";
	e->updated = sim_now(cp->sim);
	if (all) {
		(void)next_order(st, INT64_MIN, &e->order);
		start_group(cp, e);
	} else {
		for (const struct simcp_action *a = st->actions; a; a = a->next) {
			const struct simcp_run *r = simcp_run_latest(cp, e, a);

			if (a->run_order == e->order && r &&
			    strcmp(r->pub.status, "Succeeded") != 0)
				run_start(cp, e, a);
		}
	}
	e->status = SIMCP_IN_PROGRESS;
	simcp_settle(cp);
	return NULL;
}

static bool has_succeeded_in(struct simcp *cp, const struct simcp_execution *e,
			     const struct simcp_stage *st)
{
	for (const struct simcp_action *a = st->actions; a; a = a->next) {
		const struct simcp_run *r = simcp_run_latest(cp, e, a);

		if (!r || strcmp(r->pub.status, "Succeeded") != 0)
			return false;
	}
	return true;
}

const char *simcp_rollback(struct simcp *cp, struct simcp_stage *st, struct simcp_pipeline *p,
			   struct simcp_execution *target, struct simcp_execution **out)
{
	struct simcp_execution *e;

	simcp_settle(cp);
	if (p->mode == SIMCP_PARALLEL || target->rollback_of || target->pipeline != p ||
	    !has_succeeded_in(cp, target, st))
		return "UnableToRollbackStageException";
	e = simcp_execution_start(cp, p, target->artifacts, st);
	e->rollback_of = target;
	e->only_stage = true;
	simcp_settle(cp);
	*out = e;
	return NULL;
}

const char *simcp_approve(struct simcp *cp, struct simcp_run *r, bool approved, const char *summary)
{
	simcp_settle(cp);
	if (strcmp(r->pub.status, "InProgress") != 0)
		return "ApprovalAlreadyCompletedException";
	r->pub.summary = arena_strdup(cp->arena, summary);
	if (approved)
		simcp_run_end(cp, r, "Succeeded");
	else
		run_fail(cp, r, "ApprovalRejected", arena_strdup(cp->arena, summary));
	simcp_settle(cp);
	return NULL;
}
