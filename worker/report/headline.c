#include "worker/report/model.h"

#include <math.h>
#include <string.h>

#include "worker/report/markup.h"

/* What happened, in one sentence, and how that is known. Never more than was recorded. */

static const char *percent(struct arena *a, int64_t bp)
{
	char text[WEIGHT_TEXT_SIZE];

	weight_format((int)bp, text);
	return arena_strdup(a, text);
}

static const char *span(struct arena *a, int64_t ms)
{
	char text[MARKUP_SPAN_SIZE];

	markup_span(ms, text);
	return arena_strdup(a, text);
}

const char *report_name(struct arena *a, const struct report *r, const char *name)
{
	bool is_version = name && *name && strspn(name, "0123456789") == strlen(name);

	if (!name)
		return NULL;
	return is_version && r->about.kind && !strcmp(r->about.kind, "lambda")
		       ? arena_printf(a, "version %s", name)
		       : name;
}

/* A sentence's inner part: no full stop at its end, of which there will be one. */
static const char *part(struct arena *a, const char *text)
{
	struct str s = str_trim(str_from(text));

	while (s.n && (s.p[s.n - 1] == '.' || s.p[s.n - 1] == ' '))
		s.n--;
	return str_dup(a, s);
}

/* "checkout-errors was 412 (threshold 30)" */
static const char *why(struct arena *a, const struct report *r)
{
	const struct report_guard *g = r->failed ? &r->guards[r->failed_guard] : NULL;
	const char *cause = r->has_state && r->state.cause_text[0] ? r->state.cause_text : NULL;

	if (r->has_state && r->state.cause != CAUSE_GUARD)
		return cause ? part(a, cause) : "why is not recorded";
	if (g && g->about->name && !isnan(r->failed->last) && !isnan(r->failed->limit) &&
	    (!g->about->unit || strcmp(g->about->unit, "failures in a row") != 0))
		return arena_printf(a, "%s was %.6g (threshold %.6g)", g->about->name,
				    r->failed->last, r->failed->limit);
	if (g && r->failed->text)
		return part(a, r->failed->text);
	return cause ? part(a, cause) : "why is not recorded";
}

static const char *again(struct arena *a, const struct report *r)
{
	if (r->baseline_at.ms && r->back_at.ms)
		return arena_printf(a, "the baseline had all traffic again %s later",
				    span(a, r->baseline_at.ms - r->back_at.ms));
	return "the baseline has all traffic again";
}

static const char *at_share(struct arena *a, const struct report *r)
{
	if (r->back_from_bp <= 0)
		return "";
	return arena_printf(a, " at %s", percent(a, r->back_from_bp));
}

static void failed(struct arena *a, struct report *r)
{
	const char *cause = why(a, r), *share = at_share(a, r);

	r->tone = REPORT_BAD;
	switch (r->state.ending) {
	case ENDING_RESTORED:
		r->headline = arena_printf(a, "Rolled back: %s%s; %s and was healthy.", cause,
					   share, again(a, r));
		r->proof = "The split was read back and gave the baseline everything; the "
			   "baseline was then seen healthy.";
		return;
	case ENDING_UNHEALTHY:
		r->headline = arena_printf(a, "Rolled back: %s%s; %s but is NOT healthy.", cause,
					   share, again(a, r));
		r->proof = "The split was read back. The baseline was not seen healthy: somebody "
			   "must look.";
		return;
	case ENDING_UNTOUCHED:
		r->headline = arena_printf(a, "Refused before anything was changed: %s.", cause);
		r->proof = "It ended while the target was only read.";
		return;
	case ENDING_UNPROVEN:
		r->headline = arena_printf(a,
					   "Failed: %s%s; it could NOT be proved that the baseline "
					   "has all traffic.",
					   cause, share);
		r->proof = "Nothing proves how the target was left: somebody must look now.";
		return;
	case ENDING_FOREIGN:
		r->headline = arena_printf(
			a, "Failed: %s; somebody else changed the target, it was left as found.",
			cause);
		r->proof = "The target was read and was neither as before nor as made here.";
		return;
	case ENDING_LEFT:
		r->headline = arena_printf(
			a, "Failed: %s%s; traffic was left as it was, as the plan says.", cause,
			share);
		r->proof = "No way back was tried: the plan says so.";
		return;
	case ENDING_PROMOTED:
		r->headline = arena_printf(
			a, "Failed after the promotion: %s; the candidate was left promoted.",
			cause);
		r->proof = "The promotion was read back; the old version is not retired.";
		return;
	case ENDING_NONE:
	case ENDING_SERVES:
	case ENDING_SAME:
	case ENDING_COUNT:
		break;
	}
	r->headline = arena_printf(a, "Failed: %s.", cause);
	r->proof = "How the target was left is not recorded.";
}

/* What is not recorded is neither that there was none nor that none failed. */
static const char *of_guards(const struct report *r, int64_t fails)
{
	if (!r->n_guards)
		return r->about.n_steps ? "; it had no guard"
					: "; what its guards said is not recorded here";
	if (fails)
		return "";
	return r->n_gaps ? ", and no guard failed as far as is recorded here"
			 : ", and no guard ever failed";
}

static void succeeded(struct arena *a, struct report *r)
{
	const char *name = r->candidate ? r->candidate : "the candidate";
	int64_t fails = 0;

	r->tone = REPORT_GOOD;
	if (r->state.ending == ENDING_SAME) {
		r->headline = "Succeeded: what the artifact brings served already, nothing was "
			      "moved.";
		r->proof = "The target was read and serves what the artifact brings.";
		return;
	}
	for (size_t g = 0; g < r->n_guards; g++)
		fails += r->guards[g].answers[VERDICT_FAIL];
	r->headline = arena_printf(a, "Succeeded: %s serves everything, %s after the start%s.",
				   name, span(a, r->to.ms - r->from.ms), of_guards(r, fails));
	r->proof = "The promotion was read back before the success was reported.";
}

static void running(struct arena *a, struct report *r)
{
	const char *summary = r->rollout->summary;

	r->tone = REPORT_OPEN;
	r->headline = arena_printf(a, "Under way: %s.",
				   summary && *summary ? part(a, summary) : "nothing is known yet");
	if (r->rollout->final)
		r->headline = arena_printf(a, "Ended elsewhere: this worker knew last: %s.",
					   summary && *summary ? part(a, summary) : "nothing");
	r->proof = r->rollout->final ? "Another worker, or nobody, reported its end: it is not "
				       "recorded here."
				     : "It has not ended: this is how it stood when it was last "
				       "looked at.";
}

static const char *missing(struct arena *a, const struct report *r)
{
	const struct report_rows *lost = &r->of[HISTORY_LOST];
	const char *of_time = "", *of_rows = "";
	int64_t ms = 0, rows = 0;

	for (size_t i = 0; i < r->n_gaps; i++)
		ms += r->gaps[i].to.ms - r->gaps[i].from.ms;
	for (size_t i = 0; i < lost->n; i++)
		if (lost->p[i]->count > 0 && lost->p[i]->count < INT32_MAX)
			rows += lost->p[i]->count;
	if (r->n_gaps)
		of_time = arena_printf(a, " nothing is known of %s of %s", span(a, ms),
				       span(a, r->to.ms - r->from.ms));
	if (rows)
		of_rows = arena_printf(a, "%s %lld rows were left out, as there were too many",
				       r->n_gaps ? "," : "", (long long)rows);
	if (!r->n_gaps && !rows)
		return NULL;
	return arena_printf(a, "Not all of it is recorded here:%s%s.", of_time, of_rows);
}

void report_headline(struct arena *a, struct report *r)
{
	r->missing = missing(a, r);
	if (r->has_state && r->state.phase == PHASE_FAILED)
		failed(a, r);
	else if (r->has_state && r->state.phase == PHASE_SUCCEEDED)
		succeeded(a, r);
	else if (r->back_at.ms && !r->rollout->final) {
		r->tone = REPORT_BAD;
		r->headline = arena_printf(a, "Going back: %s%s.", why(a, r), at_share(a, r));
		r->proof = "It has not ended: the way back is not proved yet.";
	} else {
		running(a, r);
	}
}
