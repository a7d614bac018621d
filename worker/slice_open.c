#include "worker/slice.h"

#include <string.h>

#include "aws/core/json.h"
#include "worker/kept_plan.h"

/*
 * What stands before the first look of a slice: the newest state, the plan it belongs to, the
 * target. The state may come from the job's token, from the ledger or from memory; the one with the
 * highest seq is the newest, as each change of state counts up.
 */
#define CREDENTIALS_FRESH_MS (5 * 60 * 1000) /* they live about 15 minutes */
#define UNWATCHED_MAX_MS (10 * 60 * 1000)    /* then going back is the safer thing */

/* --- identity ------------------------------------------------------------------------------- */

static const char *configuration_json(struct arena *a, const struct job *j)
{
	struct buf b;
	struct json_out o;
	const char *text;

	/* only what says where the target is: other values may be secrets */
	buf_init(&b, LIMIT_PLAN_BYTES);
	json_out_init(&o, &b);
	json_out_object(&o);
	json_member_str(&o, "Target", job_property(j, "Target"));
	json_member_str(&o, "RoleArn", job_property(j, "RoleArn"));
	json_out_end(&o);
	text = arena_strdup(a, b.over ? "{}" : b.p);
	buf_release(&b);
	return text;
}

static void take_identity(struct rollout *r, const struct job *j)
{
	if (r->action_type)
		return;
	r->pipeline = j->pipeline ? arena_strdup(r->arena, j->pipeline) : NULL;
	r->execution_id = j->execution_id ? arena_strdup(r->arena, j->execution_id) : NULL;
	r->action = j->action ? arena_strdup(r->arena, j->action) : NULL;
	r->action_execution_id =
		j->action_execution_id ? arena_strdup(r->arena, j->action_execution_id) : NULL;
	r->action_type = arena_strdup(r->arena, j->action_type);
	r->target = str_dup(r->arena, job_property(j, "Target"));
	r->configuration = configuration_json(r->arena, j);
	rollout_name_log(r);
}

/* --- state ---------------------------------------------------------------------------------- */

bool slice_is_blank(const struct rollout_state *s)
{
	return s->phase == PHASE_INSPECT && !s->undo[0];
}

void slice_take_newer(struct rollout *r, const struct rollout_state *s)
{
	if (strcmp(s->id, r->id) != 0)
		return;
	if (r->has_state && s->seq > r->state.seq)
		slice_record_newer(r, s);
	if (!r->has_state || s->seq > r->state.seq)
		r->state = *s;
	r->has_state = true;
}

static int take_token(struct turn *t, struct err *err)
{
	struct rollout *r = t->r;
	struct rollout_state s;

	if (token_decode(t->arena, str_from(r->job->token), &s, err))
		return err_wrap(err, "continuation token");
	if (strcmp(s.id, r->id) != 0)
		return err_set(err, ERR_REJECTED,
			       "continuation token: it belongs to rollout %s, not to %s", s.id,
			       r->id);
	slice_take_newer(r, &s);
	r->token_held = s.undo[0] != '\0';
	r->contested = r->state.phase == PHASE_FAILED && !phase_goes_back(s.phase) &&
		       !(r->told && !strcmp(r->told, r->job->token));
	return 0;
}

/* A row that cannot be read is as good as a ledger that was lost: memory and token do without. */
static void take_row(struct turn *t)
{
	struct rollout *r = t->r;
	struct err err = ERR_INIT;
	struct ledger_rollout *row;
	struct rollout_state s;

	if (ledger_rollout_get(t->w->ledger, r->id, t->arena, &row, &err)) {
		log_event(r->log, LOG_ERROR, "ledger.failed", LOG_E(&err));
		return;
	}
	if (!row || !row->token)
		return;
	if (!r->role_arn && row->role_arn)
		r->role_arn = arena_strdup(r->arena, row->role_arn);
	if (!r->handle[0] && row->handle)
		str_copy(r->handle, sizeof(r->handle), str_from(row->handle));
	if (token_decode(t->arena, str_from(row->token), &s, &err)) {
		log_event(r->log, LOG_WARN, "ledger.state_unreadable", LOG_E(&err));
		return;
	}
	slice_take_newer(r, &s);
}

int slice_take_state(struct turn *t, struct err *err)
{
	struct rollout *r = t->r;
	struct err token_err = ERR_INIT;
	static const struct plan no_plan;

	take_identity(r, r->job);
	take_row(t);
	if (r->job->token && take_token(t, &token_err)) {
		/* what this worker knows itself is enough to go back by */
		log_event(r->log, LOG_ERROR, "token.unreadable", LOG_E(&token_err));
		if (!r->has_state) {
			*err = token_err;
			return -1;
		}
	}
	if (!r->has_state) {
		rollout_begin(&no_plan, r->id, clock_utc(t->w->clock), &r->state);
		r->has_state = true;
		if (!job_attaches(r->job))
			notices_note(t, NULL);
	}
	return 0;
}

/* --- plan ----------------------------------------------------------------------------------- */

/* The text of the plan file: the one named, or the first of the defaults that exists. */
int slice_plan_text(struct turn *t, struct plan_source *src, struct err *err)
{
	struct rollout *r = t->r;
	const struct job *j = r->job;
	const char *named = plan_file_of(t->arena, src->properties, src->n_properties);
	const char *const names[] = {named ? named : "rollout.yaml", named ? NULL : "rollout.json"};

	if (j->n_inputs == 0)
		return named ? err_set(err, ERR_REJECTED,
				       "Plan: \"%s\": the action has no input artifact to read it "
				       "from",
				       named)
			     : 0;
	r->artifact = r->artifact ? r->artifact : artifact_open(t->w, r->job, err);
	if (!r->artifact)
		return -1;
	for (size_t i = 0; i < 2 && names[i]; i++) {
		if (artifact_read(r->artifact, names[i], LIMIT_PLAN_BYTES, t->arena,
				  &src->file_text, err) == 0) {
			src->file_name = names[i];
			return 0;
		}
		if (err->code != ERR_NOT_FOUND)
			return -1;
	}
	if (named)
		return err_set(err, ERR_REJECTED,
			       "Plan: \"%s\": there is no such file in the input artifact", named);
	*err = ERR_INIT;
	return 0;
}

int slice_fall_back(struct turn *t, const char *why, struct err *err)
{
	struct rollout *r = t->r;
	struct str role = {0};
	struct plan *plan;

	if (r->job)
		role = job_property(r->job, "RoleArn");
	if (role.n)
		r->role_arn = str_dup(r->arena, role);
	if (plan_fallback(r->arena, r->state.undo, r->role_arn, &plan, err))
		return -1;
	r->plan = plan;
	r->has_act_err = true;
	err_set(&r->act_err, ERR_REJECTED, "%s", why);
	log_event(r->log, LOG_WARN, "rollout.plan_lost", LOG_S("why", why));
	return 0;
}

/* So that its guards can be asked after a restart, when no job is held. */
static void keep_plan(struct turn *t, const struct plan_source *src)
{
	struct err err = ERR_INIT;
	struct buf text;

	buf_init(&text, KEPT_PLAN_MAX);
	if (kept_plan_write(&text, src) && ledger_plan_put(t->w->ledger, t->r->id, text.p, &err))
		log_event(t->r->log, LOG_ERROR, "ledger.failed", LOG_E(&err));
	buf_release(&text);
}

int slice_plan_from(struct turn *t, const struct plan_source *src, struct buf *message,
		    struct err *err)
{
	struct rollout *r = t->r;
	struct problems problems;
	struct plan *plan;

	problems_init(&problems, r->arena); /* the plan's own texts live there, too */
	if (plan_read(r->arena, src, &plan, &problems)) {
		problems_format(&problems, message);
		return err_set(err, ERR_REJECTED, "the plan has %zu problems", problems.n_errors);
	}
	if (r->state.plan_digest[0] &&
	    strncmp(r->state.plan_digest, plan->digest, sizeof(r->state.plan_digest) - 1) != 0)
		return err_set(err, ERR_REJECTED,
			       "the plan is not the one this rollout started with: digest %.12s, "
			       "now %.12s",
			       r->state.plan_digest, plan->digest);
	str_copy(r->state.plan_digest, sizeof(r->state.plan_digest), str_from(plan->digest));
	r->plan = plan;
	keep_plan(t, src);
	return 0;
}

static int read_plan(struct turn *t, struct buf *message, struct err *err)
{
	struct plan_source src = {.properties = t->r->job->properties,
				  .n_properties = t->r->job->n_properties};

	if (slice_plan_text(t, &src, err))
		return -1;
	return slice_plan_from(t, &src, message, err);
}

enum failure slice_failure_of(const struct err *err)
{
	if (err->code == ERR_DENIED)
		return FAILURE_PERMISSION_ERROR;
	if (err->code == ERR_NOT_FOUND)
		return FAILURE_REVISION_UNAVAILABLE;
	if (err->code == ERR_SYSTEM || err_is_retryable(err))
		return FAILURE_SYSTEM_UNAVAILABLE;
	return FAILURE_CONFIGURATION_ERROR;
}

bool slice_may_wait(struct turn *t, const struct err *err)
{
	struct rollout *r = t->r;
	struct utc now = clock_utc(t->w->clock);

	if (err->code == ERR_CANCELED)
		return true;
	if (!err_is_retryable(err) || phase_is_final(r->state.phase))
		return false;
	if (!r->closed_since.ms)
		r->closed_since = now;
	/* with traffic on the candidate nobody watches it meanwhile */
	return !r->state.touched || now.ms - r->closed_since.ms < UNWATCHED_MAX_MS;
}

int slice_open(struct turn *t, enum failure *failure, struct buf *message, struct err *err)
{
	struct rollout *r = t->r;
	int rc;

	*failure = FAILURE_CONFIGURATION_ERROR;
	if (slice_take_state(t, err)) {
		buf_adds(message, err->text);
		return -1;
	}
	if (!r->job->problem && job_attaches(r->job))
		return slice_attach(t, failure, message, err);
	if (r->job->problem)
		rc = err_set(err, ERR_REJECTED, "%s", r->job->problem);
	else
		rc = r->plan ? 0 : read_plan(t, message, err);
	if (rc && slice_may_wait(t, err))
		return -1;
	/* with the undo record the way back can be gone; and an end needs only to be told */
	if (rc && r->state.touched) {
		struct err why = *err;

		rc = slice_fall_back(t, message->n ? message->p : why.text, err);
	}
	if (rc) {
		*failure = slice_failure_of(err);
		if (!message->n)
			buf_adds(message, err->text);
		return -1;
	}
	r->opened = true;
	r->closed_since.ms = 0;
	return 0;
}

/* --- target --------------------------------------------------------------------------------- */

static int get_artifact(void *arg, const struct target_artifact **out, struct err *err)
{
	struct rollout *r = arg;

	if (!r->job)
		return err_set(err, ERR_CONFLICT,
			       "no job is held: the artifact cannot be read now");
	if (!r->artifact) {
		if (job_refresh(r->worker, r->job, CREDENTIALS_FRESH_MS, err))
			return -1;
		r->artifact = artifact_open(r->worker, r->job, err);
	}
	if (!r->artifact)
		return -1;
	*out = artifact_view(r->artifact);
	return 0;
}

/* The worker's own: its jobs say it. */
static const char *account_of(struct turn *t)
{
	struct worker *w = t->w;
	const char *account = NULL;

	lock_take(&w->lock);
	if (w->account[0])
		account = arena_strdup(t->arena, w->account);
	lock_drop(&w->lock);
	return account;
}

int slice_target(struct turn *t, struct err *err)
{
	struct rollout *r = t->r;

	(void)err;
	t->ops = target_of(r->plan->target.kind);
	t->client = clients_get(t->w->clients, r->plan->role_arn);
	t->client.log = r->log;
	t->client.purpose = t->ops->name;
	t->client.watch = recorder_watch(r->recorder);
	t->env = (struct target_env){.client = t->client,
				     .arena = t->arena,
				     .log = r->log,
				     .plan = r->plan,
				     .rollout_id = r->id,
				     .account = account_of(t),
				     .artifact = get_artifact,
				     .artifact_arg = r};
	return 0;
}

int slice_inspect(struct turn *t, struct inspected *in, enum failure *failure, struct buf *message,
		  struct err *err)
{
	struct rollout *r = t->r;
	struct guard_env guards = {.target = &t->env,
				   .ops = t->ops,
				   .alarms = t->w->alarms,
				   .max_age_ms = t->w->config->tick_ms};
	struct problems problems;

	*in = (struct inspected){.first = false};
	problems_init(&problems, t->arena);
	if (t->ops->inspect(&t->env, in->undo, &in->first, &problems, err)) {
		err_wrap(err, "inspect the target");
		buf_adds(message, err->text);
		*failure = err->code == ERR_NOT_FOUND ? FAILURE_CONFIGURATION_ERROR
						      : slice_failure_of(err);
		return -1;
	}
	for (size_t i = 0; i < r->plan->n_guards; i++) {
		const struct plan_guard *g = &r->plan->guards[i];

		if (guard_of(g->kind)->check(&guards, g, &problems, err)) {
			err_wrap(err, "check guard %s", g->name);
			buf_adds(message, err->text);
			*failure = slice_failure_of(err);
			return -1;
		}
	}
	if (in->first && r->plan->mode == MODE_START)
		problem_add(&problems, "Mode", "start",
			    "there is no baseline yet to share traffic with, nor to go back to; "
			    "deploy the first time with Mode: deploy");
	if (!problems.n_errors)
		return 0;
	problems_format(&problems, message);
	in->is_busy = problems_are_busy(&problems);
	if (in->is_busy)
		return 0;
	*failure = FAILURE_CONFIGURATION_ERROR;
	return err_set(err, ERR_REJECTED, "the plan does not fit the target: %zu problems",
		       problems.n_errors);
}
