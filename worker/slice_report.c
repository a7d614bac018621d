#include "worker/slice.h"

#include <stdlib.h>
#include <string.h>

#include "artifacts/publish.h"
#include "aws/core/json.h"
#include "worker/report_files.h"

/*
 * What is told to CodePipeline and kept on disk. Everything people read is made by the core
 * (rollout_summary, rollout_failure_message); here it is put where it belongs.
 */

static const char *summary_text(const struct turn *t)
{
	const struct rollout *r = t->r;
	struct buf b;
	const char *text;

	buf_init(&b, LIMIT_SUMMARY);
	if (r->plan)
		rollout_summary(r->plan, &r->state, &r->last, &r->decision, clock_utc(t->w->clock),
				&b);
	else
		buf_adds(&b, "opening the job");
	text = arena_strdup(t->arena, b.p);
	buf_release(&b);
	return text;
}

int slice_save(struct turn *t, bool final, struct err *err)
{
	struct rollout *r = t->r;
	struct utc now = clock_utc(t->w->clock);
	struct ledger_rollout row = {.id = r->id,
				     .pipeline = r->pipeline,
				     .execution_id = r->execution_id,
				     .action = r->action,
				     .action_execution_id = r->action_execution_id,
				     .action_type = r->action_type,
				     .target = r->target,
				     .seq = r->state.seq,
				     .phase = phase_name(r->state.phase),
				     .summary = summary_text(t),
				     .final = final,
				     .parked = r->job == NULL,
				     .started = r->state.started,
				     .updated = now,
				     .job_seen = r->job_seen,
				     .region = t->w->client.region,
				     .role_arn = r->plan ? r->plan->role_arn : r->role_arn,
				     .configuration = r->configuration,
				     .handle = r->handle[0] ? r->handle : NULL,
				     .handed_over = r->handed_over,
				     .touched = r->state.touched || r->state.phase > PHASE_PREPARE};
	size_t dropped = 0;
	bool whole = false;
	struct buf token;
	int rc;

	/* an end needs its target no more, but to be undone */
	row.lets_go = phase_is_final(r->state.phase) && !(r->job && r->job->mode == MODE_ROLLBACK);
	buf_init(&token, LIMIT_TOKEN);
	rc = token_encode(&r->state, &token, err);
	row.token = token.p;
	row.history = recorder_collect(r->recorder, t->arena);
	row.notices = r->notices;
	row.n_notices = r->n_notices;
	if (rc == 0)
		rc = ledger_rollout_save(t->w->ledger, &row, &whole, &dropped, err);
	if (row.history)
		recorder_written(r->recorder, whole);
	notices_written(t, whole, dropped);
	buf_release(&token);
	r->has_row |= rc == 0;
	r->ended |= rc == 0 && final;
	if (rc == 0)
		r->row_held = !row.parked;
	if (rc == 0 && (final || row.lets_go))
		r->locked = false;
	return rc ? err_wrap(err, "save rollout %s", r->id) : 0;
}

void slice_note_held(struct turn *t)
{
	struct rollout *r = t->r;
	struct err err = ERR_INIT;

	if (r->row_held == (r->job != NULL))
		return;
	if (ledger_rollout_held(t->w->ledger, r->id, r->job != NULL, r->job_seen, &err))
		log_event(r->log, LOG_ERROR, "ledger.failed", LOG_E(&err));
	r->row_held = r->job != NULL; /* what failed waits for the next change of state */
}

static struct job_details details_of(struct turn *t)
{
	struct rollout *r = t->r;

	if (r->plan)
		r->state.percent = rollout_percent(r->plan, &r->state, clock_utc(t->w->clock));
	return (struct job_details){
		.summary = summary_text(t), .rollout_id = r->id, .percent = r->state.percent};
}

/*
 * A job whose handle has not been checked yet: its token says nothing but that, and the rollout,
 * which is another action's, stays as it is.
 */
static int report_unattached(struct turn *t, struct err *err)
{
	struct rollout *r = t->r;

	if (job_report_blank(t->w, r->job, "looking for the rollout of the handle", err))
		return -1;
	slice_drop_job(r);
	return 0;
}

int slice_report_token(struct turn *t, struct err *err)
{
	struct rollout *r = t->r;
	struct job_details d;
	struct buf token;
	int rc;

	if (job_attaches(r->job) && !r->attached)
		return report_unattached(t, err);
	d = details_of(t);
	buf_init(&token, LIMIT_TOKEN);
	rc = token_encode(&r->state, &token, err);
	if (rc == 0)
		rc = job_report_token(t->w, r->job, token.p, &d, err);
	if (rc == 0) {
		free(r->told);
		r->told = xstrdup(token.p);
	}
	buf_release(&token);
	if (rc)
		return -1;
	log_event(r->log, LOG_INFO, "job.continued", LOG_S("job", r->job->id),
		  LOG_S("phase", phase_name(r->state.phase)), LOG_S("summary", d.summary));
	slice_drop_job(r);
	if (slice_save(t, false, err)) {
		log_event(r->log, LOG_ERROR, "ledger.failed", LOG_E(err));
		*err = ERR_INIT; /* the report is out: CodePipeline has the state */
	}
	return 0;
}

/* --- outputs -------------------------------------------------------------------------------- */

/*
 * Write one output; once more with fresh keys when these are refused: they may have just expired.
 */
static int publish_output(struct turn *t, const struct cp_artifact *out,
			  const struct pack_entry *entries, struct err *err)
{
	struct rollout *r = t->r;
	struct aws_client client = t->w->client;
	struct publish p = {
		.bucket = out->bucket, .key = out->key, .kms_key_id = r->job->encryption_key_id};
	int rc;

	client.watch = r->job->watch;
	client.credentials = r->job->artifact_credentials;
	rc = publish_entries(&client, &p, entries, REPORT_FILE_COUNT, err);
	if (rc && err->code == ERR_DENIED) {
		if (job_refresh(t->w, r->job, 0, err))
			return -1;
		client.credentials = r->job->artifact_credentials;
		rc = publish_entries(&client, &p, entries, REPORT_FILE_COUNT, err);
	}
	return rc ? err_wrap(err, "output artifact %s", out->name) : 0;
}

/* What the ledger has of it so far; without it, what is known here. */
static void read_report(struct turn *t, struct report *out)
{
	struct rollout *r = t->r;
	struct ledger_rollout *row = arena_new_of(t->arena, struct ledger_rollout);
	struct report_source src = {.rollout = row, .now = clock_utc(t->w->clock)};
	struct err err = ERR_INIT;

	recorder_write(r->recorder, t->w->ledger, t->arena, r->log);
	if (report_read(t->w->ledger, r->id, src.now, t->arena, out, &err) == 0)
		return;
	log_event(r->log, LOG_ERROR, "ledger.failed", LOG_E(&err));
	*row = (struct ledger_rollout){.id = r->id,
				       .pipeline = r->pipeline,
				       .execution_id = r->execution_id,
				       .action = r->action,
				       .target = r->target,
				       .phase = phase_name(r->state.phase),
				       .started = r->state.started,
				       .updated = src.now};
	report_build(&src, t->arena, out);
}

static int write_forms(struct turn *t, struct pack_entry entries[REPORT_FILE_COUNT],
		       struct err *err)
{
	struct report report;
	int rc = 0;

	read_report(t, &report);
	for (int i = 0; i < REPORT_FILE_COUNT && rc == 0; i++) {
		const struct report_form *form = &REPORT_FORMS[i];
		struct buf text;

		buf_init(&text, REPORT_BYTES_MAX);
		form->render(&report, &text);
		rc = buf_check(&text, "the output artifact", err);
		entries[i] = (struct pack_entry){
			.name = arena_printf(t->arena, "rollout.%s", form->ending)};
		entries[i].bytes = str_from(str_dup(t->arena, buf_str(&text)));
		buf_release(&text);
	}
	return rc;
}

/* CodePipeline does not check that declared outputs exist: the next action would find nothing. */
static int publish_outputs(struct turn *t, struct err *err)
{
	struct rollout *r = t->r;
	struct pack_entry entries[REPORT_FILE_COUNT];

	if (r->job->n_outputs == 0)
		return 0;
	if (job_refresh(t->w, r->job, 5 * 60 * 1000, err) || write_forms(t, entries, err))
		return -1;
	for (size_t i = 0; i < r->job->n_outputs; i++)
		if (publish_output(t, &r->job->outputs[i], entries, err))
			return -1;
	return 0;
}

/*
 * What people call it, out of a target's record: the version, or the target group. Records are the
 * targets' own; one that has neither is given as it is.
 */
static const char *name_in(const struct turn *t, const char *record, const char *key,
			   const char *other)
{
	struct err err = ERR_INIT;
	struct json *root;
	const char *name;
	int64_t at;

	if (!record[0])
		return "none";
	if (json_parse(t->arena, str_from(record), &root, &err))
		return record;
	name = json_cstr(json_get(root, key));
	if (!name)
		name = json_cstr(json_get(root, other));
	if (!name && json_i64(json_get(root, "b"), &at)) {
		json_each(group, json_get(root, "g")) {
			if (at-- == 0)
				name = json_cstr(group->first);
		}
	}
	return name ? name[0] ? name : "none" : record;
}

const char *slice_baseline_name(const struct turn *t)
{
	return name_in(t, t->r->state.undo, "v", "v");
}

/* A candidate that somebody else brought up stands in the undo record alone. */
const char *slice_candidate_name(const struct turn *t)
{
	const struct rollout_state *s = &t->r->state;

	return s->candidate[0] ? name_in(t, s->candidate, "v", "g") : name_in(t, s->undo, "c", "c");
}

/*
 * What another action needs to go on: the state's text, and the handle made of it. The state may
 * not change between this and the report.
 */
static int make_handle(struct turn *t, const char **state_text, struct err *err)
{
	struct rollout *r = t->r;
	struct buf text;
	int rc;

	(void)details_of(t); /* with the percentage that is about to be told */
	buf_init(&text, LIMIT_TOKEN);
	rc = token_encode(&r->state, &text, err);
	if (rc == 0) {
		*state_text = arena_strdup(t->arena, text.p);
		handle_make(r->id, buf_str(&text), r->handle);
	}
	buf_release(&text);
	if (rc == 0 && ledger_handle_put(t->w->ledger, r->handle, r->id, err)) {
		/* CodePipeline has it as well */
		log_event(r->log, LOG_ERROR, "ledger.failed", LOG_E(err));
		*err = ERR_INIT;
	}
	return rc;
}

/* What the success that could not be told in full was. */
static const char *good_of(const struct rollout *r)
{
	if (r->state.phase == PHASE_PARKED)
		return "The rollout is parked";
	return r->job->mode == MODE_ROLLBACK
		       ? "The baseline carries all traffic"
		       : "The rollout succeeded and the candidate serves everything";
}

static int report_success(struct turn *t, const char *state_text, struct err *err)
{
	struct rollout *r = t->r;
	struct job_details d = details_of(t);
	const struct cp_variable variables[] = {
		{"RolloutId", r->id},
		{"RolloutHandle", r->handle},
		{"RolloutState", state_text},
		{"Candidate", slice_candidate_name(t)},
		{"Baseline", slice_baseline_name(t)},
		{"Strategy", r->plan->strategy},
	};

	d.percent = 100;
	if (publish_outputs(t, err)) {
		const char *message;

		if (err_is_retryable(err) || err->code == ERR_CANCELED || err->sent ||
		    err->code == ERR_MALFORMED)
			return -1;
		message = arena_printf(t->arena,
				       "%s, but the output artifact could not be written: %s",
				       good_of(r), err->text);
		return job_report_failure(t->w, r->job,
					  err->code == ERR_DENIED ? FAILURE_PERMISSION_ERROR
								  : FAILURE_JOB_FAILED,
					  message, r->id, err);
	}
	return job_report_success(t->w, r->job, &d, variables,
				  sizeof(variables) / sizeof(variables[0]), err);
}

static int report_failure(struct turn *t, struct err *err)
{
	struct rollout *r = t->r;
	struct buf message;
	int rc;

	buf_init(&message, LIMIT_FAILURE_MESSAGE);
	rollout_failure_message(r->plan, &r->state, &r->last, &r->decision, &message);
	rc = job_report_failure(t->w, r->job, r->decision.failure, message.p, r->id, err);
	if (rc == 0)
		log_event(r->log, LOG_WARN, "rollout.failed",
			  LOG_S("cause", cause_name(r->state.cause)),
			  LOG_STR("message", buf_str(&message)));
	buf_release(&message);
	return rc;
}

int slice_report_job_failure(struct turn *t, enum failure failure, const char *message,
			     struct err *err)
{
	struct rollout *r = t->r;

	if (job_report_failure(t->w, r->job, failure, message, r->id, err))
		return -1;
	log_event(r->log, LOG_WARN, "job.refused", LOG_S("job", r->job->id),
		  LOG_S("message", message));
	slice_drop_job(r);
	return 0;
}

static int report_refusal(struct turn *t, struct err *err)
{
	struct rollout *r = t->r;
	const char *message = arena_printf(t->arena, "%s. Rollout %s.", r->decision.reason, r->id);

	if (slice_report_job_failure(t, r->decision.failure, message, err))
		return -1;
	metrics_count(&t->w->metrics, METRIC_ENDED_REFUSED);
	if (slice_save(t, true, err)) {
		log_event(r->log, LOG_ERROR, "ledger.failed", LOG_E(err));
		*err = ERR_INIT;
	}
	return 0;
}

int slice_report_hand_over(struct turn *t, struct err *err)
{
	struct rollout *r = t->r;
	const char *state_text;

	/* the handle is known here before anybody can come with it */
	if (make_handle(t, &state_text, err))
		return -1;
	r->handed_over = true;
	if (slice_save(t, false, err)) {
		log_event(r->log, LOG_ERROR, "ledger.failed", LOG_E(err));
		*err = ERR_INIT;
	}
	if (report_success(t, state_text, err)) {
		r->handed_over = false;
		return -1;
	}
	log_event(r->log, LOG_INFO, "rollout.parked", LOG_I("step", r->state.step),
		  LOG_S("handle", r->handle));
	slice_drop_job(r);
	if (slice_save(t, false, err)) {
		log_event(r->log, LOG_ERROR, "ledger.failed", LOG_E(err));
		*err = ERR_INIT;
	}
	return 0;
}

int slice_report_end(struct turn *t, struct err *err)
{
	struct rollout *r = t->r;
	bool good = r->decision.kind == DECIDE_SUCCEED;
	const char *state_text = "";

	if (r->decision.kind == DECIDE_REFUSE)
		return report_refusal(t, err);
	if (good && make_handle(t, &state_text, err))
		return -1;
	/* the newest state before the report: a crash in between reports the same end again */
	if (slice_save(t, false, err)) {
		log_event(r->log, LOG_ERROR, "ledger.failed", LOG_E(err));
		*err = ERR_INIT;
	}
	if (good ? report_success(t, state_text, err) : report_failure(t, err))
		return -1;
	metrics_count(&t->w->metrics, good ? METRIC_ENDED_SUCCEEDED : METRIC_ENDED_FAILED);
	if (good)
		log_event(r->log, LOG_INFO, "rollout.succeeded",
			  LOG_S("reason", r->decision.reason));
	slice_drop_job(r);
	if (slice_save(t, true, err)) {
		log_event(r->log, LOG_ERROR, "ledger.failed", LOG_E(err));
		*err = ERR_INIT;
	}
	return 0;
}

int slice_report_refusal(struct turn *t, enum failure failure, const char *message, struct err *err)
{
	struct rollout *r = t->r;

	notices_note_refusal(t, message);
	if (job_report_failure(t->w, r->job, failure, message, r->id, err))
		return -1;
	metrics_count(&t->w->metrics, METRIC_ENDED_REFUSED);
	log_event(r->log, LOG_WARN, "rollout.refused", LOG_S("message", message));
	if (r->has_state)
		r->state.seq++;
	slice_drop_job(r);
	if (r->has_state && slice_save(t, true, err)) {
		log_event(r->log, LOG_ERROR, "ledger.failed", LOG_E(err));
		*err = ERR_INIT;
	}
	return 0;
}

void slice_drop_job(struct rollout *r)
{
	struct worker *w = r->worker;

	if (!r->job)
		return;
	job_free(r->job);
	r->job = NULL;
	r->opened = r->contested = false;
	r->locked = r->locked && slice_is_bound(&r->state);
	artifact_close(r->artifact);
	r->artifact = NULL;
	lock_take(&w->lock);
	w->n_jobs -= r->holds_job;
	r->holds_job = false;
	lock_drop(&w->lock);
}
