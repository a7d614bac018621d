#include "worker/rollout/decide.h"

#include <string.h>

/* What people are told: one line while it runs, a paragraph when it failed, a share of 100. */

int rollout_percent(const struct plan *plan, const struct rollout_state *s, struct utc now)
{
	int64_t total = plan_least_ms(plan), done = 0, in_phase = now.ms - s->phase_since.ms;
	int percent = 0;

	for (int i = 0; i < s->step && (size_t)i < plan->n_steps; i++)
		done += plan->steps[i].watch_ms;
	switch (s->phase) {
	case PHASE_INSPECT:
		percent = 0;
		break;
	case PHASE_PREPARE:
		percent = 2;
		break;
	case PHASE_VERIFY:
		percent = 5;
		break;
	case PHASE_WATCH:
		if ((size_t)s->step < plan->n_steps && in_phase < plan->steps[s->step].watch_ms)
			done += in_phase;
		else if ((size_t)s->step < plan->n_steps)
			done += plan->steps[s->step].watch_ms;
		percent = total ? 8 + (int)(done * 85 / total) : 50;
		break;
	case PHASE_SHIFT:
		percent = total ? 8 + (int)(done * 85 / total) : 30;
		break;
	case PHASE_PROMOTE:
		percent = total ? 8 + (int)((total - plan->bake_ms) * 85 / total) : 60;
		break;
	case PHASE_BAKE:
		done = total - plan->bake_ms +
		       (in_phase < plan->bake_ms ? in_phase : plan->bake_ms);
		percent = total ? 8 + (int)(done * 85 / total) : 80;
		break;
	case PHASE_RETIRE:
	case PHASE_RESTORE:
	case PHASE_PROVE:
		percent = 95;
		break;
	case PHASE_SUCCEEDED:
	case PHASE_FAILED:
		percent = 100;
		break;
	case PHASE_COUNT:
		break;
	}
	return percent > s->percent ? percent : s->percent;
}

/* What is on the candidate now, as the state says. */
static void add_position(const struct plan *plan, const struct rollout_state *s, struct buf *out)
{
	char weight[WEIGHT_TEXT_SIZE];

	switch (s->phase) {
	case PHASE_INSPECT:
		buf_adds(out, "inspecting the target");
		return;
	case PHASE_PREPARE:
		buf_adds(out, "bringing the candidate up");
		return;
	case PHASE_VERIFY:
		buf_adds(out, "verifying the candidate");
		return;
	case PHASE_SHIFT:
	case PHASE_WATCH:
		if ((size_t)s->step >= plan->n_steps)
			return;
		weight_format(plan->steps[s->step].weight_bp, weight);
		buf_addf(out, "step %d of %zu: %s%s on the candidate", s->step + 1, plan->n_steps,
			 s->phase == PHASE_SHIFT ? "setting " : "", weight);
		return;
	case PHASE_PROMOTE:
		buf_adds(out, "promoting the candidate");
		return;
	case PHASE_BAKE:
		buf_adds(out, "promoted: 100% on the candidate, baking");
		return;
	case PHASE_RETIRE:
		buf_adds(out, "retiring the old version");
		return;
	case PHASE_RESTORE:
		buf_adds(out, "ROLLING BACK");
		return;
	case PHASE_PROVE:
		buf_adds(out, "rolled back, proving the baseline");
		return;
	case PHASE_SUCCEEDED:
		buf_adds(out, "succeeded");
		return;
	case PHASE_FAILED:
		buf_adds(out, "failed");
		return;
	case PHASE_COUNT:
		return;
	}
}

static void add_next(const struct plan *plan, const struct rollout_state *s, struct utc now,
		     struct buf *out)
{
	char weight[WEIGHT_TEXT_SIZE], left[DURATION_TEXT_SIZE];
	int64_t end;

	if (s->phase != PHASE_WATCH && s->phase != PHASE_BAKE)
		return;
	end = s->phase_since.ms;
	if (s->phase == PHASE_BAKE) {
		end += plan->bake_ms;
		buf_adds(out, "; next: done");
	} else {
		end += plan->steps[s->step].watch_ms;
		if ((size_t)s->step + 1 < plan->n_steps) {
			weight_format(plan->steps[s->step + 1].weight_bp, weight);
			buf_addf(out, "; next: %s", weight);
		} else {
			buf_adds(out, "; next: promotion");
		}
		if (plan->steps[s->step].approve)
			buf_adds(out, " after approval");
	}
	if (end > now.ms) {
		duration_format(end - now.ms + 999, left);
		buf_addf(out, " in %s", left);
	}
}

void rollout_summary(const struct plan *plan, const struct rollout_state *s,
		     const struct observation *o, const struct decision *d, struct utc now,
		     struct buf *out)
{
	add_position(plan, s, out);
	if (s->cause != CAUSE_NONE && s->cause_text[0])
		buf_addf(out, "; because (%s): %s", cause_name(s->cause), s->cause_text);
	else if (o && o->has_guards && rollout_guards_in(s->phase))
		buf_addf(out, "; %s: %s", verdict_name(o->guards.kind), o->guards.text);
	add_next(plan, s, now, out);
	if (s->phase == PHASE_SUCCEEDED && d->reason[0])
		buf_addf(out, ": %s", d->reason);
}

void rollout_failure_message(const struct plan *plan, const struct rollout_state *s,
			     const struct observation *o, const struct decision *d, struct buf *out)
{
	char weight[WEIGHT_TEXT_SIZE];

	(void)o;
	(void)d;
	buf_addf(out, "Rollout %s failed (%s): %s.", s->id, cause_name(s->cause), s->cause_text);
	if ((size_t)s->step < plan->n_steps) {
		weight_format(plan->steps[s->step].weight_bp, weight);
		buf_addf(out, " It had come to step %d of %zu (%s) of strategy %s.", s->step + 1,
			 plan->n_steps, weight, plan->strategy);
	}
	if (s->undo[0])
		buf_addf(out, " Baseline: %s.", s->undo);
	if (s->candidate[0])
		buf_addf(out, " Candidate: %s.", s->candidate);
}
