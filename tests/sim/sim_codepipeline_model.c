/*
 * What pipelines are made of, and how each thing is found. No behaviour: that is in the engine.
 */
#include "tests/sim/sim_codepipeline.h"

struct simcp_type *simcp_type_find(struct simcp *cp, const struct simcp_type *like)
{
	for (struct simcp_type *t = cp->types; t; t = t->next)
		if (strcmp(t->category, like->category) == 0 &&
		    strcmp(t->owner, like->owner) == 0 &&
		    strcmp(t->provider, like->provider) == 0 &&
		    strcmp(t->version, like->version) == 0)
			return t;
	return NULL;
}

struct simcp_type *simcp_type_add(struct simcp *cp, const struct simcp_type *like)
{
	struct simcp_type *t = simcp_type_find(cp, like), **end = &cp->types;

	if (!t) {
		while (*end)
			end = &(*end)->next;
		t = *end = arena_new_of(cp->arena, struct simcp_type);
		t->category = arena_strdup(cp->arena, like->category);
		t->owner = arena_strdup(cp->arena, like->owner);
		t->provider = arena_strdup(cp->arena, like->provider);
		t->version = arena_strdup(cp->arena, like->version);
	}
	t->queryable = arena_strdup(cp->arena, like->queryable ? like->queryable : "");
	t->secret = arena_strdup(cp->arena, like->secret ? like->secret : "");
	t->deleted = false;
	return t;
}

bool simcp_type_is_approval(const struct simcp_type *t)
{
	return strcmp(t->category, "Approval") == 0;
}

struct simcp_pipeline *simcp_pipeline_find(struct simcp *cp, struct str name)
{
	for (struct simcp_pipeline *p = cp->pipelines; p; p = p->next)
		if (str_is(name, p->name))
			return p;
	return NULL;
}

struct simcp_pipeline *simcp_pipeline_add(struct simcp *cp, struct str name)
{
	struct simcp_pipeline *p, **end = &cp->pipelines;

	while (*end)
		end = &(*end)->next;
	p = *end = arena_new_of(cp->arena, struct simcp_pipeline);
	p->name = str_dup(cp->arena, name);
	p->bucket = SIM_ARTIFACT_BUCKET;
	p->kms_key = "";
	p->source = "Source";
	return p;
}

struct simcp_stage *simcp_stage_find(struct simcp_pipeline *p, struct str name)
{
	for (struct simcp_stage *st = p->stages; st; st = st->next)
		if (str_is(name, st->name))
			return st;
	return NULL;
}

struct simcp_stage *simcp_stage_add(struct simcp *cp, struct simcp_pipeline *p, struct str name)
{
	struct simcp_stage *st = simcp_stage_find(p, name), **end = &p->stages;
	size_t index = 0;

	if (st)
		return st;
	for (; *end; index++)
		end = &(*end)->next;
	st = *end = arena_new_of(cp->arena, struct simcp_stage);
	st->name = str_dup(cp->arena, name);
	st->index = index;
	return st;
}

struct simcp_action *simcp_action_find(struct simcp_stage *st, struct str name)
{
	for (struct simcp_action *a = st->actions; a; a = a->next)
		if (str_is(name, a->name))
			return a;
	return NULL;
}

struct simcp_action *simcp_action_add(struct simcp *cp, struct simcp_stage *st, struct str name)
{
	struct simcp_action *a, **end = &st->actions;

	while (*end)
		end = &(*end)->next;
	a = *end = arena_new_of(cp->arena, struct simcp_action);
	a->name = str_dup(cp->arena, name);
	a->ns = "";
	a->stage = st;
	a->run_order = 1;
	return a;
}

struct simcp_execution *simcp_execution_find(struct simcp *cp, struct str id)
{
	for (struct simcp_execution *e = cp->executions; e; e = e->next)
		if (str_is(id, e->id))
			return e;
	return NULL;
}

struct simcp_run *simcp_run_find(struct simcp *cp, struct str id)
{
	for (struct simcp_run *r = cp->runs; r; r = r->next)
		if (str_is(id, r->id))
			return r;
	return NULL;
}

struct simcp_run *simcp_run_latest(struct simcp *cp, const struct simcp_execution *e,
				   const struct simcp_action *a)
{
	struct simcp_run *latest = NULL;

	for (struct simcp_run *r = cp->runs; r; r = r->next)
		if (r->execution == e && r->action == a)
			latest = r;
	return latest;
}

struct simcp_artifact *simcp_artifact_add(struct simcp *cp, struct simcp_artifact **list,
					  const char *name, const char *key, const char *revision)
{
	struct simcp_artifact *f = arena_new_of(cp->arena, struct simcp_artifact);

	f->name = arena_strdup(cp->arena, name);
	f->key = arena_strdup(cp->arena, key);
	f->revision = arena_strdup(cp->arena, revision);
	f->next = *list;
	*list = f;
	return f;
}

const struct simcp_artifact *simcp_artifact_find(const struct simcp_artifact *list,
						 const char *name)
{
	for (; list; list = list->next)
		if (strcmp(list->name, name) == 0)
			return list;
	return NULL;
}

const char *simcp_artifact_key(struct simcp *cp, const char *pipeline, const char *artifact)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	char random[8];

	for (size_t i = 0; i < 7; i++)
		random[i] = letters[rng_below(sim_dice(cp->sim), sizeof(letters) - 1)];
	random[7] = '\0';
	return arena_printf(cp->arena, "%.20s/%.10s/%s", pipeline, artifact, random);
}

const char *simcp_status_name(enum simcp_status s)
{
	static const char *const names[] = {
		[SIMCP_IN_PROGRESS] = "InProgress", [SIMCP_STOPPING] = "Stopping",
		[SIMCP_STOPPED] = "Stopped",	    [SIMCP_SUCCEEDED] = "Succeeded",
		[SIMCP_FAILED] = "Failed",	    [SIMCP_SUPERSEDED_STATUS] = "Superseded",
		[SIMCP_CANCELLED] = "Cancelled",
	};

	return names[s];
}

const char *simcp_mode_name(enum simcp_mode m)
{
	static const char *const names[] = {
		[SIMCP_SUPERSEDED] = "SUPERSEDED",
		[SIMCP_QUEUED] = "QUEUED",
		[SIMCP_PARALLEL] = "PARALLEL",
	};

	return names[m];
}

/* --- what the world may ask ------------------------------------------------------------------- */

const struct sim_action *sim_action_find(struct sim *s, const char *pipeline, const char *action)
{
	struct simcp *cp = sim_state(s, &sim_codepipeline);
	const struct sim_action *latest = NULL;

	simcp_settle(cp);
	for (const struct simcp_run *r = cp->runs; r; r = r->next)
		if (strcmp(r->pub.pipeline, pipeline) == 0 &&
		    (!action || strcmp(r->pub.action, action) == 0))
			latest = &r->pub;
	return latest;
}

const struct sim_action *sim_action_by_id(struct sim *s, const char *action_execution_id)
{
	struct simcp *cp = sim_state(s, &sim_codepipeline);
	const struct simcp_run *r;

	simcp_settle(cp);
	r = simcp_run_find(cp, str_from(action_execution_id));
	return r ? &r->pub : NULL;
}

const char *sim_execution_status(struct sim *s, const char *execution_id)
{
	struct simcp *cp = sim_state(s, &sim_codepipeline);
	const struct simcp_execution *e;

	simcp_settle(cp);
	e = simcp_execution_find(cp, str_from(execution_id));
	return e ? simcp_status_name(e->status) : NULL;
}

int sim_push(struct sim *s, const char *pipeline, struct str zip, char execution_id[RNG_UUID_SIZE],
	     struct err *err)
{
	struct simcp *cp = sim_state(s, &sim_codepipeline);
	struct simcp_pipeline *p = simcp_pipeline_find(cp, str_from(pipeline));
	const struct simcp_execution *e;

	if (!p)
		return err_set(err, ERR_NOT_FOUND, "codepipeline push: no pipeline '%s'", pipeline);
	if (!p->stages)
		return err_set(err, ERR_CONFLICT, "codepipeline push: '%s' has no action",
			       pipeline);
	e = simcp_push(cp, p, zip);
	memcpy(execution_id, e->id, sizeof(e->id));
	return 0;
}

bool sim_artifact_allowed(struct sim *s, struct str principal, bool write, struct str bucket,
			  struct str key)
{
	struct simcp *cp = sim_state(s, &sim_codepipeline);
	struct str id = str_sub(principal, sizeof(SIM_ARTIFACT_PRINCIPAL) - 1, principal.n);
	const struct simcp_run *r = simcp_run_find(cp, id);

	if (!r || !str_is(bucket, r->execution->pipeline->bucket))
		return false;
	for (const struct simcp_artifact *f = r->outputs; f; f = f->next)
		if (str_is(key, f->key))
			return true;
	for (const struct simcp_artifact *f = r->inputs; f && !write; f = f->next)
		if (str_is(key, f->key))
			return true;
	return false;
}
