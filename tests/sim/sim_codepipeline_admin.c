/*
 * What people and tools may ask CodePipeline for: action types, starting, stopping, retrying and
 * rolling back.
 */
#include "tests/sim/sim_codepipeline.h"

static void reply_execution(const struct sim_exchange *x, const char *id)
{
	sim_reply_json(x, 200,
		       str_from(arena_printf(x->arena, "{\"pipelineExecutionId\":\"%s\"}", id)));
}

/* --- action types ----------------------------------------------------------------------------- */

/* The name of the one property that has this flag, or "". */
static const char *flagged(const struct json *properties, const char *flag)
{
	const char *name = "";

	json_each (p, properties) {
		if (json_bool(json_get(p, flag), false))
			name = json_cstr(json_get(p, "name"));
	}
	return name ? name : "";
}

/* A type is named at the top level of these two calls; the owner is always Custom. */
static bool read_name(const struct sim_exchange *x, struct simcp_type *out)
{
	struct str category, provider, version;

	if (!simcp_need(x, "category", 20, &category) ||
	    !simcp_need(x, "provider", 35, &provider) || !simcp_need(x, "version", 9, &version))
		return false;
	*out = (struct simcp_type){.category = category.p,
				   .owner = "Custom",
				   .provider = provider.p,
				   .version = version.p};
	return true;
}

void simcp_create_action_type(struct simcp *cp, const struct sim_exchange *x)
{
	const struct json *properties = json_get(x->json, "configurationProperties");
	const struct simcp_type *old;
	struct simcp_type like;
	struct json_out o;
	struct buf b;

	if (!read_name(x, &like))
		return;
	if (!json_get(x->json, "inputArtifactDetails") ||
	    !json_get(x->json, "outputArtifactDetails") ||
	    (properties && properties->n > SIMCP_CONFIG_MAX)) {
		simcp_error(x, "ValidationException", "the action type is not complete");
		return;
	}
	like.queryable = flagged(properties, "queryable");
	like.secret = flagged(properties, "secret");
	old = simcp_type_find(cp, &like);
	if (old && (!old->deleted || strcmp(old->queryable, like.queryable) != 0)) {
		simcp_error(x, "ActionTypeAlreadyExistsException",
			    "the action type exists; a changed definition needs a new version");
		return;
	}
	buf_init(&b, 65536);
	json_out_init(&o, &b);
	json_out_object(&o);
	json_out_key(&o, "actionType");
	json_out_object(&o);
	simcp_out_type(&o, "id", simcp_type_add(cp, &like), false);
	json_out_key(&o, "inputArtifactDetails");
	json_out_node(&o, json_get(x->json, "inputArtifactDetails"));
	json_out_key(&o, "outputArtifactDetails");
	json_out_node(&o, json_get(x->json, "outputArtifactDetails"));
	json_out_end(&o);
	json_out_end(&o);
	sim_reply_json(x, 200, buf_str(&b));
	buf_release(&b);
}

void simcp_delete_action_type(struct simcp *cp, const struct sim_exchange *x)
{
	struct simcp_type like;
	struct simcp_type *t;

	if (!read_name(x, &like))
		return;
	t = simcp_type_find(cp, &like);
	if (t)
		t->deleted = true;
	sim_reply_json(x, 200, STR(""));
}

/* --- executions ------------------------------------------------------------------------------- */

/* The execution named by `key`, of this pipeline; the refusal is written otherwise. */
static struct simcp_execution *need_execution(struct simcp *cp, const struct sim_exchange *x,
					      const struct simcp_pipeline *p, const char *key)
{
	struct simcp_execution *e;
	struct str id;

	if (!simcp_need(x, key, 36, &id))
		return NULL;
	e = simcp_execution_find(cp, id);
	if (e && e->pipeline == p)
		return e;
	simcp_error(x, "PipelineExecutionNotFoundException",
		    "The pipeline execution '" STR_FMT "' does not exist", STR_ARG(id));
	return NULL;
}

static struct simcp_stage *need_stage(const struct sim_exchange *x, struct simcp_pipeline *p)
{
	struct simcp_stage *st;
	struct str name;

	if (!simcp_need(x, "stageName", 100, &name))
		return NULL;
	st = simcp_stage_find(p, name);
	if (!st)
		simcp_error(x, "StageNotFoundException", "The pipeline %s has no stage " STR_FMT,
			    p->name, STR_ARG(name));
	return st;
}

static const struct simcp_execution *latest_of(struct simcp *cp, const struct simcp_pipeline *p)
{
	const struct simcp_execution *latest = NULL;

	for (const struct simcp_execution *e = cp->executions; e; e = e->next)
		if (e->pipeline == p && !e->rollback_of)
			latest = e;
	return latest;
}

/* "Release change": the source as it was last pushed goes through again. */
void simcp_start_execution(struct simcp *cp, const struct sim_exchange *x)
{
	struct simcp_pipeline *p = simcp_need_pipeline(cp, x, "name");
	const struct simcp_execution *last;
	struct simcp_artifact *source = NULL;
	const struct simcp_artifact *f;

	if (!p)
		return;
	last = latest_of(cp, p);
	f = last ? simcp_artifact_find(last->artifacts, p->source) : NULL;
	if (!f) {
		simcp_error(x, "ConflictException", "nothing has been pushed to pipeline %s yet",
			    p->name);
		return;
	}
	simcp_artifact_add(cp, &source, f->name, f->key, f->revision);
	last = simcp_execution_start(cp, p, source, NULL);
	simcp_settle(cp);
	reply_execution(x, last->id);
}

void simcp_stop_execution(struct simcp *cp, const struct sim_exchange *x)
{
	struct simcp_pipeline *p = simcp_need_pipeline(cp, x, "pipelineName");
	struct simcp_execution *e = p ? need_execution(cp, x, p, "pipelineExecutionId") : NULL;
	const char *reason = json_cstr(json_get(x->json, "reason"));
	const char *refusal;

	if (!e || !simcp_length_ok(x, json_get(x->json, "reason"), "reason", 200))
		return;
	refusal = simcp_stop(cp, e, json_bool(json_get(x->json, "abandon"), false),
			     reason ? reason : "");
	if (refusal)
		simcp_error(x, refusal, "The pipeline execution %s is %s", e->id,
			    simcp_status_name(e->status));
	else
		reply_execution(x, e->id);
}

void simcp_retry_stage(struct simcp *cp, const struct sim_exchange *x)
{
	struct simcp_pipeline *p = simcp_need_pipeline(cp, x, "pipelineName");
	struct simcp_stage *st = p ? need_stage(x, p) : NULL;
	struct simcp_execution *e = st ? need_execution(cp, x, p, "pipelineExecutionId") : NULL;
	struct str mode;
	const char *refusal;

	if (!e || !simcp_need(x, "retryMode", 20, &mode))
		return;
	if (!str_is(mode, "FAILED_ACTIONS") && !str_is(mode, "ALL_ACTIONS")) {
		simcp_error(x, "ValidationException",
			    "retryMode must be FAILED_ACTIONS or ALL_ACTIONS");
		return;
	}
	refusal = simcp_retry(cp, e, st, str_is(mode, "ALL_ACTIONS"));
	if (refusal)
		simcp_error(x, refusal, "The stage %s of execution %s cannot be retried", st->name,
			    e->id);
	else
		reply_execution(x, e->id);
}

void simcp_rollback_stage(struct simcp *cp, const struct sim_exchange *x)
{
	struct simcp_pipeline *p = simcp_need_pipeline(cp, x, "pipelineName");
	struct simcp_stage *st = p ? need_stage(x, p) : NULL;
	struct simcp_execution *target =
		st ? need_execution(cp, x, p, "targetPipelineExecutionId") : NULL;
	struct simcp_execution *made = NULL;
	const char *refusal;

	if (!target)
		return;
	refusal = simcp_rollback(cp, st, p, target, &made);
	if (refusal)
		simcp_error(x, refusal, "The stage %s cannot be rolled back to execution %s",
			    st->name, target->id);
	else
		reply_execution(x, made->id);
}

void simcp_put_approval(struct simcp *cp, const struct sim_exchange *x)
{
	struct simcp_pipeline *p = simcp_need_pipeline(cp, x, "pipelineName");
	struct simcp_stage *st = p ? need_stage(x, p) : NULL;
	struct str token, status = json_text(json_at(x->json, "result.status"));
	const char *summary = json_cstr(json_at(x->json, "result.summary"));
	struct simcp_run *r;
	const char *refusal;
	struct json_out o;
	struct buf b;

	if (!st || !simcp_need(x, "token", 36, &token))
		return;
	if (!str_is(status, "Approved") && !str_is(status, "Rejected")) {
		simcp_error(x, "ValidationException", "result.status must be Approved or Rejected");
		return;
	}
	for (r = cp->runs; r; r = r->next)
		if (r->action->stage == st && str_is(token, r->approval_token))
			break;
	if (!r) {
		simcp_error(x, "InvalidApprovalTokenException", "The approval token is not valid");
		return;
	}
	refusal = simcp_approve(cp, r, str_is(status, "Approved"), summary ? summary : "");
	if (refusal) {
		simcp_error(x, refusal, "The approval has been given already");
		return;
	}
	buf_init(&b, 256);
	json_out_init(&o, &b);
	json_out_object(&o);
	simcp_out_time(&o, "approvedAt", x->now);
	json_out_end(&o);
	sim_reply_json(x, 200, buf_str(&b));
	buf_release(&b);
}
