/*
 * What CodePipeline tells about pipelines, executions and actions: the calls by which a worker
 * learns that its action is over, and by which people look.
 */
#include "tests/sim/sim_codepipeline.h"

#define MASK "****" /* what is shown instead of a secret property */

static void reply_and_release(const struct sim_exchange *x, struct buf *b)
{
	sim_reply_json(x, 200, buf_str(b));
	buf_release(b);
}

static void out_s3_artifacts(struct json_out *o, const char *key, const struct simcp_run *r,
			     const struct simcp_artifact *list)
{
	json_out_key(o, key);
	json_out_array(o);
	for (; list; list = list->next) {
		json_out_object(o);
		json_member_cstr(o, "name", list->name);
		json_out_key(o, "s3location");
		json_out_object(o);
		json_member_cstr(o, "bucket", r->execution->pipeline->bucket);
		json_member_cstr(o, "key", list->key);
		json_out_end(o);
		json_out_end(o);
	}
	json_out_end(o);
}

static void out_config(struct json_out *o, const char *key, const struct simcp_pair *pairs,
		       size_t n, const struct simcp_type *t)
{
	json_out_key(o, key);
	json_out_object(o);
	for (size_t i = 0; i < n; i++)
		json_member_cstr(o, pairs[i].key,
				 strcmp(pairs[i].key, t->secret) == 0 ? MASK : pairs[i].value);
	json_out_end(o);
}

static void out_error_details(struct json_out *o, const struct simcp_run *r)
{
	if (!r->pub.failure_type[0])
		return;
	json_out_key(o, "errorDetails");
	json_out_object(o);
	json_member_cstr(o, "code", r->pub.failure_type);
	json_member_cstr(o, "message", r->pub.message);
	json_out_end(o);
}

static void out_output(struct json_out *o, const struct sim_exchange *x, const struct simcp_run *r)
{
	struct err err = ERR_INIT;
	struct json *variables = NULL;

	json_out_key(o, "output");
	json_out_object(o);
	out_s3_artifacts(o, "outputArtifacts", r, r->outputs);
	json_out_key(o, "executionResult");
	json_out_object(o);
	json_member_cstr(o, "externalExecutionId", r->pub.external_execution_id);
	json_member_cstr(o, "externalExecutionSummary", r->pub.summary);
	out_error_details(o, r);
	json_out_end(o);
	json_out_key(o, "outputVariables");
	if (r->variables[0] &&
	    json_parse(x->arena, str_from(r->variables), &variables, &err) == 0) {
		json_out_node(o, variables);
	} else {
		json_out_object(o);
		json_out_end(o);
	}
	json_out_end(o);
}

static void out_run(struct json_out *o, const struct sim_exchange *x, const struct simcp_run *r)
{
	json_out_object(o);
	json_member_cstr(o, "pipelineExecutionId", r->execution->id);
	json_member_cstr(o, "actionExecutionId", r->id);
	json_member_i64(o, "pipelineVersion", 1);
	json_member_cstr(o, "stageName", r->pub.stage);
	json_member_cstr(o, "actionName", r->pub.action);
	simcp_out_time(o, "startTime", r->pub.started);
	simcp_out_time(o, "lastUpdateTime", r->pub.updated);
	json_member_cstr(o, "status", r->pub.status);
	json_out_key(o, "input");
	json_out_object(o);
	simcp_out_type(o, "actionTypeId", r->action->type, false);
	out_config(o, "configuration", r->action->config, r->action->n_config, r->action->type);
	out_config(o, "resolvedConfiguration", r->config, r->n_config, r->action->type);
	json_member_cstr(o, "region", SIM_REGION);
	out_s3_artifacts(o, "inputArtifacts", r, r->inputs);
	json_member_cstr(o, "namespace", r->action->ns);
	json_out_end(o);
	out_output(o, x, r);
	json_out_end(o);
}

/* Which runs are asked for: filter, page size, and where the page starts. */
struct page {
	const struct simcp_execution *execution; /* NULL: all */
	int64_t size, from;
};

static bool read_page(struct simcp *cp, const struct sim_exchange *x,
		      const struct simcp_pipeline *p, struct page *page)
{
	const struct json *max = json_get(x->json, "maxResults");
	struct str id = json_text(json_at(x->json, "filter.pipelineExecutionId"));
	struct str token = json_text(json_get(x->json, "nextToken"));

	*page = (struct page){.size = 100};
	if (!id.n)
		id = json_text(
			json_at(x->json, "filter.latestInPipelineExecution.pipelineExecutionId"));
	if (max && (!json_i64(max, &page->size) || page->size < 1 || page->size > 100)) {
		simcp_error(x, "ValidationException",
			    "1 validation error detected: Value at 'maxResults' failed to satisfy "
			    "constraint: Member must have value between 1 and 100");
		return false;
	}
	if (token.n && !str_parse_i64(token, 1, INT64_MAX, &page->from)) {
		simcp_error(x, "InvalidNextTokenException", "The next token is not valid");
		return false;
	}
	if (!id.n)
		return true;
	page->execution = simcp_execution_find(cp, id);
	if (!page->execution || page->execution->pipeline != p) {
		simcp_error(x, "PipelineExecutionNotFoundException",
			    "The pipeline execution '" STR_FMT "' does not exist", STR_ARG(id));
		return false;
	}
	return true;
}

/* Runs of a pipeline, newest first, as AWS lists them. The array lives in the exchange's arena. */
static const struct simcp_run **newest_first(struct simcp *cp, const struct sim_exchange *x,
					     const struct simcp_pipeline *p,
					     const struct page *page, int64_t *n)
{
	const struct simcp_run **list;
	int64_t count = 0;

	for (const struct simcp_run *r = cp->runs; r; r = r->next)
		count += r->execution->pipeline == p &&
			 (!page->execution || r->execution == page->execution);
	list = arena_array(x->arena, const struct simcp_run *, (size_t)count + 1);
	*n = count;
	for (const struct simcp_run *r = cp->runs; r; r = r->next)
		if (r->execution->pipeline == p &&
		    (!page->execution || r->execution == page->execution))
			list[--count] = r;
	return list;
}

void simcp_list_action_executions(struct simcp *cp, const struct sim_exchange *x)
{
	const struct simcp_pipeline *p = simcp_need_pipeline(cp, x, "pipelineName");
	const struct simcp_run **list;
	struct page page;
	struct json_out o;
	struct buf b;
	int64_t n, i;

	if (!p || !read_page(cp, x, p, &page))
		return;
	list = newest_first(cp, x, p, &page, &n);
	buf_init(&b, 16u << 20);
	json_out_init(&o, &b);
	json_out_object(&o);
	json_out_key(&o, "actionExecutionDetails");
	json_out_array(&o);
	for (i = page.from; i < n && i < page.from + page.size; i++)
		out_run(&o, x, list[i]);
	json_out_end(&o);
	if (i < n)
		json_member_cstr(&o, "nextToken", arena_printf(x->arena, "%lld", (long long)i));
	json_out_end(&o);
	reply_and_release(x, &b);
}

/* --- GetPipelineState ------------------------------------------------------------------------- */

static void out_revision(struct json_out *o, const struct simcp_run *r)
{
	const struct sim_report *last;

	if (!r->pub.n_reports || !r->reports[r->pub.n_reports - 1].revision[0])
		return;
	last = &r->reports[r->pub.n_reports - 1];
	json_out_key(o, "currentRevision");
	json_out_object(o);
	json_member_cstr(o, "revisionId", last->revision);
	json_member_cstr(o, "revisionChangeId", last->change_identifier);
	simcp_out_time(o, "created", last->at);
	json_out_end(o);
}

static void out_action_state(struct simcp *cp, struct json_out *o, const struct simcp_action *a)
{
	const struct simcp_run *r = NULL;

	for (const struct simcp_run *i = cp->runs; i; i = i->next)
		if (i->action == a)
			r = i;
	json_out_object(o);
	json_member_cstr(o, "actionName", a->name);
	if (r) {
		out_revision(o, r);
		json_out_key(o, "latestExecution");
		json_out_object(o);
		json_member_cstr(o, "actionExecutionId", r->id);
		json_member_cstr(o, "status", r->pub.status);
		json_member_cstr(o, "summary", r->pub.summary);
		simcp_out_time(o, "lastStatusChange", r->pub.updated);
		json_member_cstr(o, "externalExecutionId", r->pub.external_execution_id);
		if (r->pub.percent >= 0)
			json_member_i64(o, "percentComplete", r->pub.percent);
		if (strcmp(r->pub.status, "InProgress") == 0 &&
		    r->execution->pipeline->mode != SIMCP_PARALLEL)
			json_member_cstr(o, "token", r->approval_token);
		out_error_details(o, r);
		json_out_end(o);
	}
	json_out_end(o);
}

static const char *stage_status(const struct simcp_execution *e, const struct simcp_stage *st)
{
	if (e->stage == st)
		return simcp_status_name(e->status);
	return "Succeeded"; /* it has gone on */
}

static void out_stage_state(struct simcp *cp, struct json_out *o, const struct simcp_pipeline *p,
			    const struct simcp_stage *st)
{
	const struct simcp_execution *latest = NULL, *inbound = NULL;

	for (const struct simcp_execution *e = cp->executions; e; e = e->next) {
		if (e->pipeline != p)
			continue;
		if (e->stage->index > st->index || (e->stage == st && e->entered))
			latest = e;
		if (e->stage == st && !e->entered && e->status == SIMCP_IN_PROGRESS)
			inbound = e;
	}
	json_out_object(o);
	json_member_cstr(o, "stageName", st->name);
	if (inbound) {
		json_out_key(o, "inboundExecution");
		json_out_object(o);
		json_member_cstr(o, "pipelineExecutionId", inbound->id);
		json_member_cstr(o, "status", "InProgress");
		json_out_end(o);
	}
	json_out_key(o, "inboundTransitionState");
	json_out_object(o);
	json_member_bool(o, "enabled", true);
	json_out_end(o);
	json_out_key(o, "actionStates");
	json_out_array(o);
	for (const struct simcp_action *a = st->actions; a; a = a->next)
		out_action_state(cp, o, a);
	json_out_end(o);
	if (latest) {
		json_out_key(o, "latestExecution");
		json_out_object(o);
		json_member_cstr(o, "pipelineExecutionId", latest->id);
		json_member_cstr(o, "status", stage_status(latest, st));
		json_member_cstr(o, "type", latest->rollback_of ? "ROLLBACK" : "STANDARD");
		json_out_end(o);
	}
	json_out_end(o);
}

void simcp_get_pipeline_state(struct simcp *cp, const struct sim_exchange *x)
{
	const struct simcp_pipeline *p = simcp_need_pipeline(cp, x, "name");
	struct json_out o;
	struct buf b;

	if (!p)
		return;
	buf_init(&b, 4u << 20);
	json_out_init(&o, &b);
	json_out_object(&o);
	json_member_cstr(&o, "pipelineName", p->name);
	json_member_i64(&o, "pipelineVersion", 1);
	json_out_key(&o, "stageStates");
	json_out_array(&o);
	for (const struct simcp_stage *st = p->stages; st; st = st->next)
		out_stage_state(cp, &o, p, st);
	json_out_end(&o);
	json_out_end(&o);
	reply_and_release(x, &b);
}

/* --- executions ------------------------------------------------------------------------------- */

static void out_execution(struct json_out *o, const struct simcp_execution *e)
{
	json_member_cstr(o, "pipelineExecutionId", e->id);
	json_member_cstr(o, "status", simcp_status_name(e->status));
	json_member_cstr(o, "executionMode", simcp_mode_name(e->pipeline->mode));
	json_member_cstr(o, "executionType", e->rollback_of ? "ROLLBACK" : "STANDARD");
	if (e->rollback_of) {
		json_out_key(o, "rollbackMetadata");
		json_out_object(o);
		json_member_cstr(o, "rollbackTargetPipelineExecutionId", e->rollback_of->id);
		json_out_end(o);
	}
}

void simcp_get_pipeline_execution(struct simcp *cp, const struct sim_exchange *x)
{
	const struct simcp_pipeline *p = simcp_need_pipeline(cp, x, "pipelineName");
	const struct simcp_execution *e;
	struct json_out o;
	struct str id;
	struct buf b;

	if (!p || !simcp_need(x, "pipelineExecutionId", 36, &id))
		return;
	e = simcp_execution_find(cp, id);
	if (!e || e->pipeline != p) {
		simcp_error(x, "PipelineExecutionNotFoundException",
			    "The pipeline execution '" STR_FMT "' does not exist", STR_ARG(id));
		return;
	}
	buf_init(&b, 1u << 20);
	json_out_init(&o, &b);
	json_out_object(&o);
	json_out_key(&o, "pipelineExecution");
	json_out_object(&o);
	json_member_cstr(&o, "pipelineName", p->name);
	json_member_i64(&o, "pipelineVersion", 1);
	out_execution(&o, e);
	json_member_cstr(&o, "statusSummary", e->stop_reason);
	json_out_key(&o, "artifactRevisions");
	json_out_array(&o);
	for (const struct simcp_artifact *f = e->artifacts; f; f = f->next) {
		if (!f->revision[0])
			continue;
		json_out_object(&o);
		json_member_cstr(&o, "name", f->name);
		json_member_cstr(&o, "revisionId", f->revision);
		json_out_end(&o);
	}
	json_out_end(&o);
	json_out_end(&o);
	json_out_end(&o);
	reply_and_release(x, &b);
}

void simcp_list_pipeline_executions(struct simcp *cp, const struct sim_exchange *x)
{
	const struct simcp_pipeline *p = simcp_need_pipeline(cp, x, "pipelineName");
	const struct simcp_execution **list;
	struct json_out o;
	struct buf b;
	size_t n = 0;

	if (!p)
		return;
	for (const struct simcp_execution *e = cp->executions; e; e = e->next)
		n += e->pipeline == p;
	list = arena_array(x->arena, const struct simcp_execution *, n + 1);
	n = 0;
	for (const struct simcp_execution *e = cp->executions; e; e = e->next)
		if (e->pipeline == p)
			list[n++] = e;
	buf_init(&b, 4u << 20);
	json_out_init(&o, &b);
	json_out_object(&o);
	json_out_key(&o, "pipelineExecutionSummaries");
	json_out_array(&o);
	while (n-- > 0) {
		json_out_object(&o);
		out_execution(&o, list[n]);
		simcp_out_time(&o, "startTime", list[n]->started);
		simcp_out_time(&o, "lastUpdateTime", list[n]->updated);
		json_out_end(&o);
	}
	json_out_end(&o);
	json_out_end(&o);
	reply_and_release(x, &b);
}

static void out_limits(struct json_out *o, const char *key)
{
	json_out_key(o, key);
	json_out_object(o);
	json_member_i64(o, "minimumCount", 0);
	json_member_i64(o, "maximumCount", SIMCP_ARTIFACTS_MAX);
	json_out_end(o);
}

void simcp_list_action_types(struct simcp *cp, const struct sim_exchange *x)
{
	struct str owner = json_text(json_get(x->json, "actionOwnerFilter"));
	struct json_out o;
	struct buf b;

	buf_init(&b, 1u << 20);
	json_out_init(&o, &b);
	json_out_object(&o);
	json_out_key(&o, "actionTypes");
	json_out_array(&o);
	for (const struct simcp_type *t = cp->types; t; t = t->next) {
		if (t->deleted || (owner.n && !str_is(owner, t->owner)))
			continue;
		json_out_object(&o);
		simcp_out_type(&o, "id", t, false);
		out_limits(&o, "inputArtifactDetails");
		out_limits(&o, "outputArtifactDetails");
		json_out_end(&o);
	}
	json_out_end(&o);
	json_out_end(&o);
	reply_and_release(x, &b);
}
