#include "worker/slice.h"

#include <string.h>

#include "worker/kept_plan.h"

/*
 * An action that goes on with another one's rollout. CodePipeline is asked what the action that
 * started it gave out, because any worker may get this job and another one may have gone on with
 * the rollout meanwhile: the newest state counts, as always. Where CodePipeline cannot be asked,
 * what this worker knows itself is enough, if it knows the very handle.
 *
 * Until all is checked nothing is changed, and the rollout stays whose it was.
 */
#define PAGES_MAX 50 /* of a hundred actions: what has run since the rollout was started */

/* What CodePipeline says about the rollout of a handle. */
struct found {
	const struct cp_action_execution *start; /* NULL: it does not know it */
	bool fits;				 /* the handle is of something that was given out */
	bool has_state;
	struct rollout_state state; /* the newest */
};

/* --- what CodePipeline keeps ------------------------------------------------------------------ */

static bool is_same(const char *a, const char *b)
{
	return a && b && !strcmp(a, b);
}

/* Of our action type, whatever its version: only these are believed what they give out. */
static bool is_ours(const struct turn *t, const struct cp_action_execution *e)
{
	const char *type = t->r->job->action_type;
	size_t n = strlen(type);
	const char *version = strrchr(type, '/');
	const char *name;

	if (!e->type.category || !e->type.provider || !is_same(e->type.owner, "Custom"))
		return false;
	if (version)
		n = (size_t)(version - type);
	name = arena_printf(t->arena, "%s/%s", e->type.category, e->type.provider);
	return strlen(name) == n && !strncmp(name, type, n);
}

static bool has_started(const struct cp_action_execution *e, const char *rollout_id)
{
	char id[ROLLOUT_ID_MAX + 1];

	if (!e->action_execution_id)
		return false;
	rollout_id_from(str_from(e->action_execution_id), id);
	return !strcmp(id, rollout_id);
}

static void take_action(struct turn *t, const struct cp_action_execution *e, struct found *f)
{
	const struct handle *h = &t->r->job->handle;
	const char *text = cp_action_variable(e, "RolloutState");
	struct err err = ERR_INIT;
	struct rollout_state s;
	bool starts = has_started(e, h->id);

	if (!is_ours(t, e) || (!starts && !is_same(e->external_execution_id, h->id)))
		return;
	if (starts)
		f->start = e;
	if (!text || e->status != CP_ACTION_SUCCEEDED)
		return;
	f->fits |= handle_fits(h, str_from(text));
	if (token_decode(t->arena, str_from(text), &s, &err)) {
		log_event(t->r->log, LOG_WARN, "attach.state_unreadable", LOG_E(&err));
	} else if (!strcmp(s.id, h->id) && (!f->has_state || s.seq > f->state.seq)) {
		f->state = s;
		f->has_state = true;
	}
}

/* Newest first, as far back as the action that started it: what came after it counts, too. */
static int find(struct turn *t, struct found *f, struct err *err)
{
	struct cp_action_query q = {.pipeline_name = t->r->job->pipeline};

	*f = (struct found){.start = NULL};
	if (!q.pipeline_name)
		return err_set(err, ERR_REJECTED, "the job names no pipeline");
	for (int page = 0; page < PAGES_MAX && !f->start; page++) {
		struct cp_action_list list;

		if (codepipeline_list_action_executions(&t->w->client, &q, t->arena, &list, err))
			return -1;
		for (size_t i = 0; i < list.n; i++)
			take_action(t, &list.actions[i], f);
		q.next_token = list.next_token;
		if (!q.next_token)
			break;
	}
	return 0;
}

/* It is a handle that this worker gave out itself, and it still has the rollout. */
static bool is_known_here(const struct turn *t)
{
	struct rollout *r = t->r;
	const char *handle = str_dup(t->arena, str_trim(job_property(r->job, "Handle")));
	struct err err = ERR_INIT;
	const char *id;

	if (slice_is_blank(&r->state))
		return false;
	if (!strcmp(handle, r->handle))
		return true;
	if (ledger_handle_get(t->w->ledger, handle, t->arena, &id, &err)) {
		log_event(r->log, LOG_ERROR, "ledger.failed", LOG_E(&err));
		return false;
	}
	return is_same(id, r->id);
}

/* The handle is good: by what CodePipeline keeps, or by what is known here. */
static int check_handle(struct turn *t, const struct found *f, const struct err *asked,
			struct err *err)
{
	struct rollout *r = t->r;
	const struct job *j = r->job;
	bool known = is_known_here(t);

	if (f->fits && f->has_state)
		return 0;
	if (known && asked->code)
		log_event(r->log, LOG_WARN, "attach.not_asked", LOG_E(asked));
	if (known)
		return 0;
	if (asked->code)
		/* it was tried for long enough: what is retryable is not any more */
		return err_set(err, asked->code == ERR_DENIED ? ERR_DENIED : ERR_SYSTEM,
			       "Handle: what rollout %s gave out could not be read from "
			       "CodePipeline: %s",
			       j->handle.id, asked->text);
	if (!f->start)
		return err_set(err, ERR_REJECTED,
			       "Handle: rollout %s is unknown: no action of pipeline %s has "
			       "started it, nor does this worker know it",
			       j->handle.id, j->pipeline);
	return err_set(err, ERR_REJECTED,
		       "Handle: it is not the one that rollout %s gave out: it was changed, or "
		       "that action has not succeeded",
		       j->handle.id);
}

/* Another worker has ended it, and how is not known here: nothing goes forward on that. */
static int check_open(struct turn *t, const struct ledger_rollout *row, struct err *err)
{
	struct rollout *r = t->r;

	if (!row || !row->final || phase_is_final(r->state.phase) || r->job->mode != MODE_PROMOTE)
		return 0;
	return err_set(
		err, ERR_REJECTED,
		"there is nothing to promote: rollout %s has ended, by the action of another "
		"worker",
		r->id);
}

/* --- target ----------------------------------------------------------------------------------- */

static struct str started_property(const struct found *f, const char *name)
{
	for (size_t i = 0; f->start && i < f->start->n_configuration; i++)
		if (!strcmp(f->start->configuration[i].name, name))
			return str_trim(str_from(f->start->configuration[i].value));
	return STR("");
}

/* As the action that started it named the target; "" when it did not, or nobody knows. */
static struct str target_of_rollout(const struct found *f, const struct ledger_rollout *row)
{
	struct str was = started_property(f, "Target");

	return was.n || !row || !row->target ? was : str_trim(str_from(row->target));
}

/* The target need not be said again; when it is, it must be the same. */
static int check_target(struct turn *t, const struct found *f, const struct ledger_rollout *row,
			struct err *err)
{
	struct rollout *r = t->r;
	struct str said = str_trim(job_property(r->job, "Target"));
	struct str was = target_of_rollout(f, row);
	struct problems problems;

	if (!said.n || str_eq(said, was))
		return 0;
	problems_init(&problems, t->arena);
	if (r->plan && r->plan->n_steps > 0) {
		if (plan_has_target(t->arena, r->plan, said, &problems))
			return 0;
		return err_set(err, ERR_REJECTED, "%s", problems.first->text);
	}
	if (!was.n)
		return 0; /* nobody knows how it was written */
	problem_add(&problems, "Target", str_dup(t->arena, said),
		    "rollout %s is one of %s; write the same here", r->id, str_dup(t->arena, was));
	return err_set(err, ERR_REJECTED, "%s", problems.first->text);
}

/* --- plan ------------------------------------------------------------------------------------- */

/* The plan that this worker keeps, if it does. */
static bool take_kept_plan(struct turn *t)
{
	struct err err = ERR_INIT;
	struct plan_source src;
	struct buf message;
	const char *text;
	bool taken;

	if (ledger_plan_get(t->w->ledger, t->r->id, t->arena, &text, &err)) {
		log_event(t->r->log, LOG_ERROR, "ledger.failed", LOG_E(&err));
		return false;
	}
	if (!text)
		return false;
	buf_init(&message, LIMIT_FAILURE_MESSAGE);
	taken = kept_plan_read(t->r->arena, str_from(text), &src, &err) == 0 &&
		slice_plan_from(t, &src, &message, &err) == 0;
	if (!taken)
		log_event(t->r->log, LOG_WARN, "plan.not_kept", LOG_E(&err));
	buf_release(&message);
	return taken;
}

/* The plan of the action that started it: its properties, and the artifact of this job. */
static int take_started_plan(struct turn *t, const struct found *f, struct buf *message,
			     struct err *err)
{
	struct rollout *r = t->r;
	struct plan_source src = {.n_properties = 0};
	struct plan_property *p;

	if (!f->start)
		return err_set(err, ERR_REJECTED,
			       "the plan of the action that started the rollout cannot be read");
	p = arena_array(r->arena, struct plan_property, f->start->n_configuration + 1);
	for (size_t i = 0; i < f->start->n_configuration; i++) {
		const struct cp_property *c = &f->start->configuration[i];

		p[src.n_properties++] =
			(struct plan_property){.name = str_from(arena_strdup(r->arena, c->name)),
					       .value = str_from(arena_strdup(r->arena, c->value))};
	}
	src.properties = p;
	if (slice_plan_text(t, &src, err))
		return -1;
	return slice_plan_from(t, &src, message, err);
}

static int take_plan(struct turn *t, const struct found *f, struct buf *message, struct err *err)
{
	struct rollout *r = t->r;
	struct str role = started_property(f, "RoleArn");
	struct err why;

	if (role.n)
		r->role_arn = str_dup(r->arena, role);
	if (r->plan || take_kept_plan(t))
		return 0;
	if (take_started_plan(t, f, message, err) == 0)
		return 0;
	if (slice_may_wait(t, err))
		return -1;
	/* to go back, and to tell an end, the undo record is enough */
	if (!r->state.undo[0] ||
	    (r->job->mode == MODE_PROMOTE && !r->state.touched && !phase_is_final(r->state.phase)))
		return -1;
	why = *err;
	return slice_fall_back(t,
			       arena_printf(t->arena,
					    "%s; an action with Mode: %s needs the input artifact "
					    "of the action that started the rollout",
					    message->n ? message->p : why.text,
					    mode_name(r->job->mode)),
			       err);
}

/* --- the whole -------------------------------------------------------------------------------- */

/* Was this action attached already, by an earlier job or before a crash? */
static bool is_attached(struct turn *t, const struct ledger_rollout *row)
{
	struct rollout *r = t->r;
	struct err err = ERR_INIT;
	struct rollout_state s;

	if (row && is_same(row->action_execution_id, r->job->action_execution_id))
		return true;
	return r->job->token && token_decode(t->arena, str_from(r->job->token), &s, &err) == 0 &&
	       !slice_is_blank(&s);
}

static void take_over(struct turn *t, const struct found *f, const struct ledger_rollout *row)
{
	struct rollout *r = t->r;
	const struct job *j = r->job;
	struct err err = ERR_INIT;
	/* it failed while it was parked, and nobody has been told: this action is */
	bool is_news = r->state.phase == PHASE_FAILED && j->mode == MODE_PROMOTE &&
		       !(row && row->final) && !(f->has_state && phase_is_final(f->state.phase));

	if (target_of_rollout(f, row).n)
		r->target = str_dup(r->arena, target_of_rollout(f, row));
	r->pipeline = j->pipeline ? arena_strdup(r->arena, j->pipeline) : NULL;
	r->execution_id = j->execution_id ? arena_strdup(r->arena, j->execution_id) : NULL;
	r->action = j->action ? arena_strdup(r->arena, j->action) : NULL;
	r->action_execution_id =
		j->action_execution_id ? arena_strdup(r->arena, j->action_execution_id) : NULL;
	r->action_type = arena_strdup(r->arena, j->action_type);
	r->handed_over = false;
	if (!is_news)
		rollout_attach(&r->state, clock_utc(t->w->clock));
	rollout_name_log(r);
	log_event(r->log, LOG_INFO, "rollout.attached", LOG_S("mode", mode_name(j->mode)),
		  LOG_S("phase", phase_name(r->state.phase)));
	if (slice_save(t, false, &err))
		log_event(r->log, LOG_ERROR, "ledger.failed", LOG_E(&err));
}

static int refuse(struct buf *message, const struct err *err)
{
	buf_clear(message);
	buf_adds(message, err->text);
	return -1;
}

static int check_properties(struct turn *t, struct buf *message, struct err *err)
{
	const struct job *j = t->r->job;
	struct problems problems;

	problems_init(&problems, t->arena);
	handle_check(j->properties, j->n_properties, &problems);
	if (!problems.n_errors)
		return 0;
	problems_format(&problems, message);
	return err_set(err, ERR_REJECTED, "%zu problems of the action's configuration",
		       problems.n_errors);
}

static int attach(struct turn *t, struct buf *message, struct err *err)
{
	struct rollout *r = t->r;
	struct found found = {.start = NULL};
	struct err asked = ERR_INIT;
	struct ledger_rollout *row;
	bool attached;

	if (check_properties(t, message, err))
		return -1;
	if (ledger_rollout_get(t->w->ledger, r->id, t->arena, &row, err))
		return refuse(message, err);
	attached = is_attached(t, row);
	if (!attached || !r->plan) {
		if (find(t, &found, &asked) && (asked.code == ERR_CANCELED ||
						(!is_known_here(t) && slice_may_wait(t, &asked)))) {
			*err = asked;
			return refuse(message, err);
		}
		if (found.has_state)
			slice_take_newer(r, &found.state);
	}
	if (!attached && (check_handle(t, &found, &asked, err) || check_open(t, row, err)))
		return refuse(message, err);
	if (take_plan(t, &found, message, err))
		return message->n ? -1 : refuse(message, err);
	if (!attached && check_target(t, &found, row, err))
		return refuse(message, err);
	if (!attached)
		take_over(t, &found, row);
	r->attached = true;
	return 0;
}

int slice_attach(struct turn *t, enum failure *failure, struct buf *message, struct err *err)
{
	struct rollout *r = t->r;

	if (attach(t, message, err)) {
		*failure = slice_failure_of(err);
		return -1;
	}
	r->opened = true;
	r->closed_since.ms = 0;
	return 0;
}
