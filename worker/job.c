#include "worker/job.h"

#include <assert.h>

#include "worker/outbox.h"
#include "worker/rollout/token.h"
#include "worker/worker.h"

/*
 * A job is copied out of the poll's arena into one of its own, because it outlives the turn.
 * Reports go through the outbox; what is said in them is the caller's.
 */

static const char *copy(struct arena *a, const char *s)
{
	return s ? arena_strdup(a, s) : NULL;
}

static const struct cp_artifact *copy_artifacts(struct arena *a, const struct cp_artifact *from,
						size_t n)
{
	struct cp_artifact *to = arena_array(a, struct cp_artifact, n ? n : 1);

	for (size_t i = 0; i < n; i++) {
		to[i].name = copy(a, from[i].name);
		to[i].revision = copy(a, from[i].revision);
		to[i].bucket = copy(a, from[i].bucket);
		to[i].key = copy(a, from[i].key);
	}
	return to;
}

static int set_credentials(struct job *j, const struct cp_job *cp, struct utc now, struct err *err)
{
	struct credentials_parts parts = {
		.access_key_id = str_from(cp->credentials.access_key_id),
		.secret_access_key = str_from(cp->credentials.secret_access_key),
		.session_token = str_from(cp->credentials.session_token),
		.source = "artifact credentials",
	};
	struct credentials_provider *p = NULL;

	if (cp->has_credentials) {
		p = credentials_static_new(&parts, err);
		if (!p)
			return err_wrap(err, "artifact credentials of job %s", cp->id);
	}
	credentials_provider_free(j->artifact_credentials);
	j->artifact_credentials = p;
	j->credentials_at = now;
	return 0;
}

/* Whose rollout it is. What is wrong with mode or handle is said when the job is opened. */
static void set_rollout(struct job *j)
{
	struct err err = ERR_INIT;

	(void)mode_of(j->properties, j->n_properties, &j->mode);
	rollout_id_from(str_from(j->action_execution_id ? j->action_execution_id : j->id),
			j->rollout_id);
	if (job_attaches(j) && handle_parse(job_property(j, "Handle"), &j->handle, &err) == 0)
		str_copy(j->rollout_id, sizeof(j->rollout_id), str_from(j->handle.id));
}

struct job *job_new(const struct cp_job *cp, struct clock *clock, struct err *err)
{
	struct arena *a = arena_new();
	struct job *j = arena_new_of(a, struct job);
	const struct cp_action_type *t = &cp->action_type;

	j->arena = a;
	j->id = copy(a, cp->id);
	j->problem = copy(a, cp->problem);
	j->action_type =
		arena_printf(a, "%s/%s/%s", t->category ? t->category : "?",
			     t->provider ? t->provider : "?", t->version ? t->version : "?");
	j->pipeline = copy(a, cp->pipeline_name);
	j->account_id = copy(a, cp->account_id);
	j->execution_id = copy(a, cp->pipeline_execution_id);
	j->stage = copy(a, cp->stage_name);
	j->action = copy(a, cp->action_name);
	j->action_execution_id = copy(a, cp->action_execution_id);
	j->n_properties = cp->n_configuration;
	j->properties = arena_array(a, struct plan_property, cp->n_configuration + 1);
	for (size_t i = 0; i < cp->n_configuration; i++) {
		j->properties[i].name = str_from(copy(a, cp->configuration[i].name));
		j->properties[i].value = str_from(copy(a, cp->configuration[i].value));
	}
	set_rollout(j);
	j->inputs = copy_artifacts(a, cp->inputs, cp->n_inputs);
	j->n_inputs = cp->n_inputs;
	j->outputs = copy_artifacts(a, cp->outputs, cp->n_outputs);
	j->n_outputs = cp->n_outputs;
	j->token = copy(a, cp->continuation_token);
	j->encryption_key_id = copy(a, cp->encryption_key_id);
	j->taken = clock_mono(clock);
	if (set_credentials(j, cp, clock_utc(clock), err)) {
		job_free(j);
		return NULL;
	}
	return j;
}

void job_free(struct job *j)
{
	if (!j)
		return;
	credentials_provider_free(j->artifact_credentials);
	arena_free(j->arena); /* with j in it */
}

struct str job_property(const struct job *j, const char *name)
{
	for (size_t i = 0; i < j->n_properties; i++)
		if (str_is(j->properties[i].name, name))
			return j->properties[i].value;
	return STR("");
}

int job_refresh(struct worker *w, struct job *j, int64_t max_age_ms, struct err *err)
{
	struct utc now = clock_utc(w->clock);
	struct aws_client client = w->client;
	struct arena *a;
	struct cp_job cp;
	int rc;

	if (j->artifact_credentials && now.ms - j->credentials_at.ms < max_age_ms)
		return 0;
	a = arena_new();
	client.watch = j->watch;
	rc = codepipeline_job_details(&client, j->id, a, &cp, err);
	if (rc == 0)
		rc = set_credentials(j, &cp, clock_utc(w->clock), err);
	arena_free(a);
	return rc;
}

/* --- reports -------------------------------------------------------------------------------- */

/*
 * Write the report down, then try to send it once. The buffer holds its exact bytes. When the disk
 * refuses, it is sent all the same: a silent job would be worse than one that a crash right now
 * reports twice.
 */
static int report(struct worker *w, const struct job *j, const char *operation, struct buf *body,
		  bool final, struct err *err)
{
	struct ledger_report r = {.job_id = j->id,
				  .rollout_id = j->rollout_id,
				  .operation = operation,
				  .body = body->p,
				  .final = final,
				  .written = clock_utc(w->clock)};

	if (buf_check(body, "the report", err))
		return err_wrap(err, "report job %s", j->id);
	if (ledger_report_put(w->ledger, &r, err)) {
		if (err->code != ERR_SYSTEM || !outbox_send(w, &r))
			return err_wrap(err, "report job %s", j->id);
		log_event(w->log, LOG_ERROR, "ledger.failed", LOG_E(err));
		*err = ERR_INIT;
		return 0;
	}
	(void)outbox_send(w, &r);
	return 0;
}

static int report_success(struct worker *w, const struct job *j, const struct cp_success *s,
			  struct err *err)
{
	struct buf body;
	int rc;

	buf_init(&body, CP_REPORT_BODY_MAX);
	rc = codepipeline_success_body(&body, s, err);
	if (rc == 0)
		rc = report(w, j, CP_PUT_SUCCESS, &body, s->continuation_token == NULL, err);
	buf_release(&body);
	return rc;
}

int job_report_token(struct worker *w, const struct job *j, const char *token,
		     const struct job_details *d, struct err *err)
{
	struct cp_success s = {.job_id = j->id,
			       .continuation_token = token,
			       .summary = d->summary,
			       .external_execution_id = d->rollout_id,
			       .percent_complete = d->percent};

	return report_success(w, j, &s, err);
}

int job_report_blank(struct worker *w, const struct job *j, const char *summary, struct err *err)
{
	struct job_details d = {.summary = summary, .rollout_id = j->rollout_id, .percent = 1};
	static const struct plan no_plan;
	struct rollout_state blank;
	struct buf token;
	int rc;

	rollout_begin(&no_plan, j->rollout_id, clock_utc(w->clock), &blank);
	buf_init(&token, LIMIT_TOKEN);
	rc = token_encode(&blank, &token, err);
	if (rc == 0)
		rc = job_report_token(w, j, token.p, &d, err);
	buf_release(&token);
	return rc;
}

int job_report_success(struct worker *w, const struct job *j, const struct job_details *d,
		       const struct cp_variable *variables, size_t n_variables, struct err *err)
{
	struct cp_success s = {.job_id = j->id,
			       .summary = d->summary,
			       .external_execution_id = d->rollout_id,
			       .percent_complete = d->percent,
			       .variables = variables,
			       .n_variables = n_variables};

	return report_success(w, j, &s, err);
}

static enum cp_failure_type failure_type(enum failure f)
{
	switch (f) {
	case FAILURE_JOB_FAILED:
		return CP_FAILURE_JOB_FAILED;
	case FAILURE_CONFIGURATION_ERROR:
		return CP_FAILURE_CONFIGURATION_ERROR;
	case FAILURE_PERMISSION_ERROR:
		return CP_FAILURE_PERMISSION_ERROR;
	case FAILURE_REVISION_OUT_OF_SYNC:
		return CP_FAILURE_REVISION_OUT_OF_SYNC;
	case FAILURE_REVISION_UNAVAILABLE:
		return CP_FAILURE_REVISION_UNAVAILABLE;
	case FAILURE_SYSTEM_UNAVAILABLE:
		return CP_FAILURE_SYSTEM_UNAVAILABLE;
	}
	assert(0 && "a failure type");
	return CP_FAILURE_JOB_FAILED;
}

int job_report_failure(struct worker *w, const struct job *j, enum failure failure,
		       const char *message, const char *rollout_id, struct err *err)
{
	struct cp_failure f = {.job_id = j->id,
			       .type = failure_type(failure),
			       .message = message,
			       .external_execution_id = rollout_id};
	struct buf body;
	int rc;

	buf_init(&body, CP_REPORT_BODY_MAX);
	rc = codepipeline_failure_body(&body, &f, err);
	if (rc == 0)
		rc = report(w, j, CP_PUT_FAILURE, &body, true, err);
	buf_release(&body);
	return rc;
}
