#include "worker/slice.h"

#include <stdio.h>
#include <string.h>

#include "worker/ledger_history.h"
#include "worker/report/about.h"
#include "worker/report_files.h"

/* What the recorder is told of a turn, for the rollout's report. */
#define GAP_TICKS 4 /* longer between two looks, and nobody is said to have looked meanwhile */
#define GAP_MS 30000
#define PRUNE_MAX 20 /* rollouts whose history is forgotten at the end of one */

void slice_record_begin(struct turn *t)
{
	struct rollout *r = t->r;
	const struct rollout_state *s = &r->state;
	const char *how = "new";

	if (recorder_has_begun(r->recorder))
		return;
	if (!slice_is_blank(s))
		how = arena_printf(t->arena, "taken up in %s, step %d", phase_name(s->phase),
				   s->step + 1);
	recorder_begin(r->recorder, t->w->ledger, r->id, t->began, how, r->log);
}

void slice_record_about(struct turn *t)
{
	struct rollout *r = t->r;
	struct about about;
	struct buf text;

	/* one that can only go back says nothing of what was planned */
	if (!r->plan || r->plan->n_steps == 0)
		return;
	about_plan(r->plan, t->arena, &about);
	about.version = ROLLOUT_WORKER_VERSION;
	about.account = t->env.account;
	about.tick_ms = t->w->config->tick_ms;
	about.undo = r->state.undo;
	if (r->state.undo[0])
		about.baseline = slice_baseline_name(t);
	if (r->state.candidate[0])
		about.candidate = slice_candidate_name(t);
	buf_init(&text, HISTORY_ABOUT_MAX);
	about_write(&about, &text);
	if (!text.over)
		recorder_about(r->recorder, t->began, text.p);
	buf_release(&text);
}

void slice_record_look(struct turn *t, const struct observation *o, unsigned in)
{
	struct rollout *r = t->r;
	struct recorder_look look = {.now = clock_utc(t->w->clock),
				     .gap_ms = GAP_TICKS * t->w->config->tick_ms + GAP_MS,
				     .plan = r->plan,
				     .state = &r->state,
				     .seen = o,
				     .guards_in = in,
				     .verdicts = r->verdicts};

	recorder_look(r->recorder, &look);
}

void slice_record_act(struct turn *t, const struct decision *d, const struct err *err)
{
	bool splits = d->kind == DECIDE_SPLIT || d->kind == DECIDE_PROMOTE;
	struct recorder_act act = {.now = clock_utc(t->w->clock),
				   .act = slice_act_name(d->kind),
				   .reason = d->reason,
				   .asked_bp = splits ? d->traffic.weight_bp : -1,
				   .err = err};

	recorder_act(t->r->recorder, &act);
}

void slice_record_newer(struct rollout *r, const struct rollout_state *s)
{
	char text[160];

	if (!r->known || (s->phase == r->state.phase && s->step == r->state.step))
		return;
	snprintf(text, sizeof(text),
		 "%s, step %d, comes from elsewhere; this worker knew of %s, step %d",
		 phase_name(s->phase), s->step + 1, phase_name(r->state.phase), r->state.step + 1);
	recorder_taken_over(r->recorder, clock_utc(r->worker->clock), text);
}

void slice_record_end(struct turn *t)
{
	struct rollout *r = t->r;
	struct config const *c = t->w->config;
	struct err err = ERR_INIT;
	struct report report;
	size_t n = 0;

	if (!r->has_row)
		return;
	recorder_write(r->recorder, t->w->ledger, t->arena, r->log);
	if (c->reports > 0 &&
	    (report_read(t->w->ledger, r->id, clock_utc(t->w->clock), t->arena, &report, &err) ||
	     report_files_write(c, &report, &err)))
		log_event(r->log, LOG_WARN, "rollout.report_failed", LOG_E(&err));
	err = ERR_INIT;
	if (ledger_history_prune(t->w->ledger, c->reports, PRUNE_MAX, &n, &err))
		log_event(r->log, LOG_ERROR, "ledger.failed", LOG_E(&err));
}

void slice_record_flush(struct turn *t, bool leaves)
{
	struct rollout *r = t->r;

	if (leaves && r->ended)
		slice_record_end(t);
	if (r->has_row && (leaves || recorder_is_due(r->recorder, clock_utc(t->w->clock))))
		recorder_write(r->recorder, t->w->ledger, t->arena, r->log);
}
