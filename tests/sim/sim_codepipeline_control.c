/*
 * The commands that make action types, pipelines and executions, and show them with all that was
 * reported.
 */
#include "tests/sim/sim_codepipeline.h"

#include <stdio.h>

#define ARTIFACT_MAX (256u << 20)
#define APPROVAL_TIMEOUT_MS (7 * 24 * 3600 * 1000ll) /* AWS's default, and the most */

static int wrong(struct err *err, const char *command, const char *what, struct str value)
{
	return err_set(err, ERR_REJECTED, "codepipeline %s: %s '" STR_FMT "'", command, what,
		       STR_ARG(value));
}

static void out_ok(struct json_out *out, const char *key, const char *value)
{
	json_out_object(out);
	json_member_cstr(out, key, value);
	json_out_end(out);
}

/* --- types and pipelines ---------------------------------------------------------------------- */

/* `codepipeline action-type CATEGORY PROVIDER VERSION [queryable=Name] [secret=Name]` */
static int cmd_action_type(struct simcp *cp, const struct sim_words *w, struct json_out *out,
			   struct err *err)
{
	struct simcp_type like = {
		.category = sim_word(w, 2).p,
		.owner = "Custom",
		.provider = sim_word(w, 3).p,
		.version = sim_word(w, 4).p,
		.queryable = str_dup(cp->arena, sim_word_value(w, "queryable")),
		.secret = str_dup(cp->arena, sim_word_value(w, "secret")),
	};

	if (w->n < 5)
		return wrong(err, "action-type", "wants category, provider and version, not",
			     sim_word(w, 2));
	(void)simcp_type_add(cp, &like);
	out_ok(out, "provider", like.provider);
	return 0;
}

/* "Deploy/Rollout/1", or "AWS:Approval/Manual/1". */
static struct simcp_type *parse_type(struct simcp *cp, struct str text)
{
	struct str rest = text, part[3];
	struct simcp_type like = {.owner = "Custom"};

	if (str_starts(rest, "AWS:")) {
		like.owner = "AWS";
		rest = str_sub(rest, 4, rest.n);
	}
	for (size_t i = 0; i < 3; i++)
		if (!str_next(&rest, '/', &part[i]))
			return NULL;
	like.category = str_dup(cp->arena, part[0]);
	like.provider = str_dup(cp->arena, part[1]);
	like.version = str_dup(cp->arena, part[2]);
	return simcp_type_find(cp, &like);
}

static int add_names(struct simcp *cp, struct str list, const char **names, size_t *n,
		     struct err *err)
{
	struct str rest = list, name;

	*n = 0;
	while (str_next(&rest, ',', &name)) {
		if (*n == SIMCP_ARTIFACTS_MAX)
			return wrong(err, "action", "more than 5 artifacts in", list);
		names[(*n)++] = str_dup(cp->arena, name);
	}
	return 0;
}

/* Everything of an action that is said by key=value. */
static int action_fill(struct simcp *cp, struct simcp_action *a, const struct sim_words *w,
		       struct err *err)
{
	a->type = parse_type(cp, sim_word_value(w, "type"));
	if (!a->type || a->type->deleted)
		return wrong(err, "action", "no action type", sim_word_value(w, "type"));
	if (sim_word_value(w, "run-order").n &&
	    (!sim_word_i64(w, "run-order", &a->run_order) || a->run_order < 1))
		return wrong(err, "action", "run-order is not a number from 1 up:",
			     sim_word_value(w, "run-order"));
	a->timeout_ms = APPROVAL_TIMEOUT_MS;
	if (sim_word_value(w, "timeout").n && !sim_word_ms(w, "timeout", &a->timeout_ms))
		return wrong(err, "action", "not a time:", sim_word_value(w, "timeout"));
	a->ns = str_dup(cp->arena, sim_word_value(w, "namespace"));
	if (add_names(cp, sim_word_value(w, "input"), a->inputs, &a->n_inputs, err) < 0 ||
	    add_names(cp, sim_word_value(w, "output"), a->outputs, &a->n_outputs, err) < 0)
		return -1;
	a->n_config = 0;
	for (size_t i = 0; i < w->n; i++) {
		struct str rest = w->word[i], key;

		if (!str_starts(rest, "config.") || !str_next(&rest, '=', &key))
			continue;
		if (a->n_config == SIMCP_CONFIG_MAX)
			return wrong(err, "action", "more than 10 properties:", w->word[i]);
		a->config[a->n_config++] = (struct simcp_pair){
			str_dup(cp->arena, str_sub(key, 7, key.n)), str_dup(cp->arena, rest)};
	}
	return 0;
}

/* An action takes the source artifact unless it says input=NAME, or input=none. */
static void default_input(const struct simcp_pipeline *p, struct simcp_action *a)
{
	if (a->n_inputs == 0 && !simcp_type_is_approval(a->type))
		a->inputs[a->n_inputs++] = p->source;
	else if (a->n_inputs == 1 && strcmp(a->inputs[0], "none") == 0)
		a->n_inputs = 0;
}

static int action_put(struct simcp *cp, const struct simcp_pipeline *p, struct simcp_stage *st,
		      struct str name, const struct sim_words *w, struct err *err)
{
	struct simcp_action *a = simcp_action_find(st, name);
	struct simcp_action filled = {.stage = st, .run_order = 1};

	/* nothing is changed when a word is wrong */
	if (action_fill(cp, &filled, w, err) < 0)
		return -1;
	default_input(p, &filled);
	if (!a)
		a = simcp_action_add(cp, st, name);
	filled.name = a->name;
	filled.next = a->next;
	*a = filled;
	return 0;
}

/*
 * `codepipeline pipeline NAME [mode=queued] [bucket=B] [kms=ARN] [source=Artifact]
 *  [stage=Deploy] [action=Name type=... ...]`
 */
static int cmd_pipeline(struct simcp *cp, const struct sim_words *w, struct json_out *out,
			struct err *err)
{
	static const char *const modes[] = {"superseded", "queued", "parallel"};
	struct str name = sim_word(w, 2), mode = sim_word_value(w, "mode");
	struct str stage = sim_word_value(w, "stage"), action = sim_word_value(w, "action");
	struct simcp_pipeline *p = simcp_pipeline_find(cp, name);
	size_t m = 0;

	if (!name.n || name.n > 100)
		return wrong(err, "pipeline", "not a name:", name);
	while (mode.n && m < 3 && !str_is(mode, modes[m]))
		m++;
	if (m == 3)
		return wrong(err, "pipeline", "mode must be superseded, queued or parallel, not",
			     mode);
	if (action.n && !parse_type(cp, sim_word_value(w, "type")))
		return wrong(err, "pipeline", "no action type", sim_word_value(w, "type"));
	if (!p)
		p = simcp_pipeline_add(cp, name);
	if (mode.n)
		p->mode = (enum simcp_mode)m;
	if (sim_word_value(w, "bucket").n)
		p->bucket = str_dup(cp->arena, sim_word_value(w, "bucket"));
	if (sim_word_value(w, "kms").n)
		p->kms_key = str_dup(cp->arena, sim_word_value(w, "kms"));
	if (sim_word_value(w, "source").n)
		p->source = str_dup(cp->arena, sim_word_value(w, "source"));
	if (action.n && action_put(cp, p, simcp_stage_add(cp, p, stage.n ? stage : STR("Deploy")),
				   action, w, err) < 0)
		return -1;
	out_ok(out, "pipeline", p->name);
	return 0;
}

/* `codepipeline action PIPELINE STAGE NAME type=... [run-order=N] [namespace=NS] ...` */
static int cmd_action(struct simcp *cp, const struct sim_words *w, struct json_out *out,
		      struct err *err)
{
	struct simcp_pipeline *p = simcp_pipeline_find(cp, sim_word(w, 2));

	if (!p)
		return wrong(err, "action", "no pipeline", sim_word(w, 2));
	if (!sim_word(w, 3).n || !sim_word(w, 4).n)
		return wrong(err, "action", "wants pipeline, stage and name, not", sim_word(w, 2));
	if (!parse_type(cp, sim_word_value(w, "type")))
		return wrong(err, "action", "no action type", sim_word_value(w, "type"));
	if (action_put(cp, p, simcp_stage_add(cp, p, sim_word(w, 3)), sim_word(w, 4), w, err) < 0)
		return -1;
	out_ok(out, "action", str_dup(cp->arena, sim_word(w, 4)));
	return 0;
}

/* --- executions ------------------------------------------------------------------------------- */

static int read_file(struct str path, struct buf *out, struct err *err)
{
	char name[4096], piece[65536];
	FILE *f;
	size_t n;

	if (!str_copy(name, sizeof(name), path))
		return wrong(err, "push", "the path is too long:", path);
	f = fopen(name, "rb");
	if (!f)
		return wrong(err, "push", "cannot read", path);
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		buf_add(out, piece, n);
	fclose(f);
	return buf_check(out, name, err);
}

/* The artifact of a push: a file, or made of the words zip.NAME=TEXT. */
static int push_content(const struct sim_words *w, struct buf *out, struct err *err)
{
	struct sim_zip z;

	if (sim_word_value(w, "file").n)
		return read_file(sim_word_value(w, "file"), out, err);
	sim_zip_begin(&z, out);
	for (size_t i = 3; i < w->n; i++) {
		struct str rest = w->word[i], key;

		if (!str_starts(rest, "zip.") || !str_next(&rest, '=', &key))
			continue;
		sim_zip_add(&z, str_sub(key, 4, key.n), rest, 0644);
	}
	sim_zip_end(&z);
	return 0;
}

/* `codepipeline push PIPELINE file=PATH`, or `... zip.rollout.yaml="rollout: 1\n" ...` */
static int cmd_push(struct simcp *cp, const struct sim_words *w, struct json_out *out,
		    struct err *err)
{
	struct simcp_pipeline *p = simcp_pipeline_find(cp, sim_word(w, 2));
	char id[RNG_UUID_SIZE];
	struct buf b;
	int rc;

	if (!p)
		return wrong(err, "push", "no pipeline", sim_word(w, 2));
	buf_init(&b, ARTIFACT_MAX);
	rc = push_content(w, &b, err);
	if (rc == 0)
		rc = sim_push(cp->sim, p->name, buf_str(&b), id, err);
	buf_release(&b);
	if (rc == 0)
		out_ok(out, "executionId", id);
	return rc;
}

/* An execution by id, or the latest of a pipeline by its name. */
static struct simcp_execution *execution_of(struct simcp *cp, struct str name)
{
	struct simcp_execution *found = simcp_execution_find(cp, name);

	if (found)
		return found;
	for (struct simcp_execution *e = cp->executions; e; e = e->next)
		if (str_is(name, e->pipeline->name))
			found = e;
	return found;
}

static int refused(struct err *err, const char *command, const char *refusal)
{
	return err_set(err, ERR_CONFLICT, "codepipeline %s: %s", command, refusal);
}

/* `codepipeline stop EXECUTION|PIPELINE [abandon]` */
static int cmd_stop(struct simcp *cp, const struct sim_words *w, struct json_out *out,
		    struct err *err)
{
	struct simcp_execution *e = execution_of(cp, sim_word(w, 2));
	const char *refusal;

	if (!e)
		return wrong(err, "stop", "no execution", sim_word(w, 2));
	refusal = simcp_stop(cp, e, str_is(sim_word(w, 3), "abandon"), "control");
	if (refusal)
		return refused(err, "stop", refusal);
	out_ok(out, "status", simcp_status_name(e->status));
	return 0;
}

/* `codepipeline retry EXECUTION|PIPELINE [all]`: the stage that failed */
static int cmd_retry(struct simcp *cp, const struct sim_words *w, struct json_out *out,
		     struct err *err)
{
	struct simcp_execution *e = execution_of(cp, sim_word(w, 2));
	const char *refusal;

	if (!e)
		return wrong(err, "retry", "no execution", sim_word(w, 2));
	refusal = simcp_retry(cp, e, e->stage, str_is(sim_word(w, 3), "all"));
	if (refusal)
		return refused(err, "retry", refusal);
	out_ok(out, "status", simcp_status_name(e->status));
	return 0;
}

/* `codepipeline rollback PIPELINE STAGE TARGET-EXECUTION` */
static int cmd_rollback(struct simcp *cp, const struct sim_words *w, struct json_out *out,
			struct err *err)
{
	struct simcp_pipeline *p = simcp_pipeline_find(cp, sim_word(w, 2));
	struct simcp_stage *st = p ? simcp_stage_find(p, sim_word(w, 3)) : NULL;
	struct simcp_execution *target = simcp_execution_find(cp, sim_word(w, 4)), *made = NULL;
	const char *refusal;

	if (!st)
		return wrong(err, "rollback", "no pipeline or stage", sim_word(w, 2));
	if (!target)
		return wrong(err, "rollback", "no execution", sim_word(w, 4));
	refusal = simcp_rollback(cp, st, p, target, &made);
	if (refusal)
		return refused(err, "rollback", refusal);
	out_ok(out, "executionId", made->id);
	return 0;
}

/* `codepipeline approve PIPELINE ACTION [rejected] [summary=...]` */
static int cmd_approve(struct simcp *cp, const struct sim_words *w, struct json_out *out,
		       struct err *err)
{
	struct str summary = sim_word_value(w, "summary");
	struct simcp_run *r, *found = NULL;
	const char *refusal;

	for (r = cp->runs; r; r = r->next)
		if (r->approval_token[0] && str_is(sim_word(w, 2), r->pub.pipeline) &&
		    str_is(sim_word(w, 3), r->pub.action))
			found = r;
	if (!found)
		return wrong(err, "approve", "no approval waits in", sim_word(w, 2));
	refusal = simcp_approve(cp, found, !str_is(sim_word(w, 4), "rejected"),
				str_dup(cp->arena, summary));
	if (refusal)
		return refused(err, "approve", refusal);
	out_ok(out, "status", found->pub.status);
	return 0;
}

/* `codepipeline delete-type CATEGORY/PROVIDER/VERSION` */
static int cmd_delete_type(struct simcp *cp, const struct sim_words *w, struct json_out *out,
			   struct err *err)
{
	struct simcp_type *t = parse_type(cp, sim_word(w, 2));

	if (!t)
		return wrong(err, "delete-type", "no action type", sim_word(w, 2));
	t->deleted = true;
	out_ok(out, "deleted", t->provider);
	return 0;
}

/* `codepipeline delete PIPELINE`: what runs is abandoned, and nobody answers for it any more */
static int cmd_delete(struct simcp *cp, const struct sim_words *w, struct json_out *out,
		      struct err *err)
{
	struct simcp_pipeline *p = simcp_pipeline_find(cp, sim_word(w, 2)), **at;

	if (!p)
		return wrong(err, "delete", "no pipeline", sim_word(w, 2));
	for (struct simcp_execution *e = cp->executions; e; e = e->next)
		if (e->pipeline == p && e->status == SIMCP_IN_PROGRESS)
			(void)simcp_stop(cp, e, true, "the pipeline is deleted");
	for (at = &cp->pipelines; *at != p; at = &(*at)->next)
		;
	*at = p->next;
	out_ok(out, "deleted", p->name);
	return 0;
}

/* `codepipeline edit PIPELINE`: its definition is changed, what runs is cancelled */
static int cmd_edit(struct simcp *cp, const struct sim_words *w, struct json_out *out,
		    struct err *err)
{
	struct simcp_pipeline *p = simcp_pipeline_find(cp, sim_word(w, 2));

	if (!p)
		return wrong(err, "edit", "no pipeline", sim_word(w, 2));
	simcp_edit(cp, p);
	out_ok(out, "edited", p->name);
	return 0;
}

/* --- show ------------------------------------------------------------------------------------- */

static void out_iso(struct json_out *o, const char *key, struct utc t)
{
	char iso[UTC_ISO_SIZE];

	utc_format_iso(t, iso);
	json_member_cstr(o, key, iso);
}

static void out_raw(struct simcp *cp, struct json_out *o, const char *key, const char *json)
{
	struct err err = ERR_INIT;
	struct arena *a;
	struct json *root;

	(void)cp;
	if (!json[0])
		return;
	a = arena_new();
	if (json_parse(a, str_from(json), &root, &err) == 0) {
		json_out_key(o, key);
		json_out_node(o, root);
	}
	arena_free(a);
}

static void out_report(struct simcp *cp, struct json_out *o, const struct sim_report *r)
{
	static const char *const kinds[] = {"continue", "success", "failure"};

	json_out_object(o);
	out_iso(o, "at", r->at);
	json_member_cstr(o, "kind", kinds[r->kind]);
	json_member_cstr(o, "jobId", r->job_id);
	json_member_cstr(o, "token", r->token);
	json_member_cstr(o, "summary", r->summary);
	json_member_cstr(o, "externalExecutionId", r->external_execution_id);
	if (r->percent >= 0)
		json_member_i64(o, "percentComplete", r->percent);
	json_member_cstr(o, "failureType", r->failure_type);
	json_member_cstr(o, "message", r->message);
	json_member_cstr(o, "revision", r->revision);
	out_raw(cp, o, "outputVariables", r->output_variables_json);
	json_out_end(o);
}

static void out_jobs(struct simcp *cp, struct json_out *o, const struct simcp_run *r)
{
	json_out_key(o, "liveJobs");
	json_out_array(o);
	for (const struct simcp_job *j = cp->live; j; j = j->next_live) {
		if (j->run != r)
			continue;
		json_out_object(o);
		json_member_cstr(o, "id", j->id);
		json_member_cstr(o, "state", simcp_job_state_name(j->state));
		json_out_end(o);
	}
	json_out_end(o);
}

static void out_run(struct simcp *cp, struct json_out *o, const struct simcp_run *r)
{
	json_out_object(o);
	json_member_cstr(o, "stage", r->pub.stage);
	json_member_cstr(o, "action", r->pub.action);
	json_member_cstr(o, "actionExecutionId", r->id);
	json_member_cstr(o, "status", r->pub.status);
	json_member_cstr(o, "failureType", r->pub.failure_type);
	json_member_cstr(o, "message", r->pub.message);
	json_member_cstr(o, "summary", r->pub.summary);
	json_member_cstr(o, "externalExecutionId", r->pub.external_execution_id);
	if (r->pub.percent >= 0)
		json_member_i64(o, "percentComplete", r->pub.percent);
	json_out_key(o, "configuration");
	json_out_object(o);
	for (size_t i = 0; i < r->n_config; i++)
		json_member_cstr(o, r->config[i].key, r->config[i].value);
	json_out_end(o);
	json_member_i64(o, "jobs", r->pub.n_jobs);
	json_member_i64(o, "tokens", r->pub.n_tokens);
	out_iso(o, "started", r->pub.started);
	out_iso(o, "updated", r->pub.updated);
	out_raw(cp, o, "outputVariables", r->pub.output_variables_json);
	out_jobs(cp, o, r);
	json_out_key(o, "reports");
	json_out_array(o);
	for (size_t i = 0; i < r->pub.n_reports; i++)
		out_report(cp, o, &r->reports[i]);
	json_out_end(o);
	json_out_end(o);
}

static void out_execution(struct simcp *cp, struct json_out *o, const struct simcp_execution *e)
{
	json_out_object(o);
	json_member_cstr(o, "executionId", e->id);
	json_member_cstr(o, "status", simcp_status_name(e->status));
	json_member_cstr(o, "type", e->rollback_of ? "ROLLBACK" : "STANDARD");
	json_member_cstr(o, "stage", e->stage->name);
	out_iso(o, "started", e->started);
	out_iso(o, "updated", e->updated);
	json_out_key(o, "artifacts");
	json_out_object(o);
	for (const struct simcp_artifact *f = e->artifacts; f; f = f->next)
		if (simcp_artifact_find(e->artifacts, f->name) == f)
			json_member_cstr(o, f->name, f->key);
	json_out_end(o);
	json_out_key(o, "actions");
	json_out_array(o);
	for (const struct simcp_run *r = cp->runs; r; r = r->next)
		if (r->execution == e)
			out_run(cp, o, r);
	json_out_end(o);
	json_out_end(o);
}

/* `codepipeline show [PIPELINE]` */
static int cmd_show(struct simcp *cp, const struct sim_words *w, struct json_out *out,
		    struct err *err)
{
	struct str name = sim_word(w, 2);

	if (name.n && !simcp_pipeline_find(cp, name))
		return wrong(err, "show", "no pipeline", name);
	json_out_array(out);
	for (const struct simcp_pipeline *p = cp->pipelines; p; p = p->next) {
		if (name.n && !str_is(name, p->name))
			continue;
		json_out_object(out);
		json_member_cstr(out, "pipeline", p->name);
		json_member_cstr(out, "mode", simcp_mode_name(p->mode));
		json_member_cstr(out, "bucket", p->bucket);
		json_out_key(out, "executions");
		json_out_array(out);
		for (const struct simcp_execution *e = cp->executions; e; e = e->next)
			if (e->pipeline == p)
				out_execution(cp, out, e);
		json_out_end(out);
		json_out_end(out);
	}
	json_out_end(out);
	return 0;
}

int simcp_control(struct sim *s, void *state, const struct sim_words *w, struct json_out *out,
		  struct err *err)
{
	static const struct {
		const char *name;
		int (*run)(struct simcp *cp, const struct sim_words *w, struct json_out *out,
			   struct err *err);
	} commands[] = {
		{"action-type", cmd_action_type},
		{"delete-type", cmd_delete_type},
		{"delete", cmd_delete},
		{"edit", cmd_edit},
		{"pipeline", cmd_pipeline},
		{"action", cmd_action},
		{"push", cmd_push},
		{"stop", cmd_stop},
		{"retry", cmd_retry},
		{"rollback", cmd_rollback},
		{"approve", cmd_approve},
		{"show", cmd_show},
	};

	(void)s;
	simcp_settle(state);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (str_is(sim_word(w, 1), commands[i].name))
			return commands[i].run(state, w, out, err);
	return err_set(err, ERR_REJECTED, "codepipeline: no command '" STR_FMT "'",
		       STR_ARG(sim_word(w, 1)));
}
