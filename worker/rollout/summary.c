#include "worker/rollout/decide.h"

#include <string.h>

/*
 * What people are told: a share of 100, one line while it runs, a paragraph when it failed. All of
 * it is made from the state, so that it reads the same after a crash; the look adds details where
 * there is one. A text never claims more than the state's ending says was seen.
 */

/* --- traffic ---------------------------------------------------------------------------------- */

struct traffic rollout_traffic(const struct plan *plan, int step)
{
	struct traffic t = {.weight_bp = plan->steps[step].weight_bp};

	for (int i = 0; i <= step; i++)
		if (plan->steps[i].segment >= 0)
			t.segments |= 1u << plan->steps[i].segment;
	return t;
}

void rollout_traffic_text(const struct plan *plan, const struct traffic *t,
			  char out[TRAFFIC_TEXT_SIZE])
{
	char weight[WEIGHT_TEXT_SIZE];
	size_t n = 0;
	struct buf b;

	buf_init(&b, TRAFFIC_TEXT_SIZE - 1);
	weight_format(t->weight_bp, weight);
	if (t->weight_bp || !t->segments)
		buf_adds(&b, weight);
	for (size_t i = 0; i < plan->n_segments; i++)
		n += (t->segments >> i) & 1u;
	if (n > 0)
		buf_addf(&b, "%ssegment%s ", t->weight_bp ? " and " : "", n == 1 ? "" : "s");
	for (size_t i = 0, said = 0; i < plan->n_segments; i++)
		if ((t->segments >> i) & 1u)
			buf_addf(&b, "%s%s", said++ ? ", " : "", plan->segments[i].name);
	(void)str_copy(out, TRAFFIC_TEXT_SIZE, buf_str(&b));
	buf_release(&b);
}

/* --- percent ---------------------------------------------------------------------------------- */

/* Watching and baking share 10 to 95 by their time; the rest is short. */
#define PERCENT_SHIFTING 10
#define PERCENT_RETIRING 96

static int64_t at_most(int64_t v, int64_t most)
{
	return v < most ? (v > 0 ? v : 0) : most;
}

static int by_time(const struct plan *plan, const struct rollout_state *s, struct utc now)
{
	int64_t in_phase_ms = now.ms - s->phase_since.ms, total = plan->bake_ms, done = 0;

	for (size_t i = 0; i < plan->n_steps; i++) {
		int64_t watch_ms = plan->steps[i].watch_ms;

		total += watch_ms;
		if (s->phase > PHASE_PARKED || (int)i < s->step)
			done += watch_ms;
		else if (s->phase == PHASE_PARKED && (int)i == s->step)
			done += rollout_is_before_traffic(plan, s) ? 0 : watch_ms;
		else if (s->phase == PHASE_WATCH && (int)i == s->step)
			done += at_most(in_phase_ms, watch_ms);
	}
	if (s->phase == PHASE_BAKE)
		done += at_most(in_phase_ms, plan->bake_ms);
	if (total <= 0)
		return s->phase > PHASE_PARKED ? 80 : 40;
	return PERCENT_SHIFTING + (int)(done * (PERCENT_RETIRING - 1 - PERCENT_SHIFTING) / total);
}

int rollout_percent(const struct plan *plan, const struct rollout_state *s, struct utc now)
{
	int percent = 0;

	switch (s->phase) {
	case PHASE_INSPECT:
		percent = 1;
		break;
	case PHASE_PREPARE:
		percent = 3;
		break;
	case PHASE_VERIFY:
		percent = 6;
		break;
	case PHASE_SHIFT:
	case PHASE_WATCH:
	case PHASE_PARKED:
	case PHASE_PROMOTE:
	case PHASE_BAKE:
		percent = by_time(plan, s, now);
		break;
	case PHASE_RETIRE:
		percent = PERCENT_RETIRING;
		break;
	case PHASE_SUCCEEDED:
		percent = 100;
		break;
	case PHASE_RESTORE: /* going back is no progress */
	case PHASE_PROVE:
	case PHASE_FAILED:
	case PHASE_COUNT:
		break;
	}
	return percent > s->percent ? percent : s->percent;
}

/* --- endings ---------------------------------------------------------------------------------- */

static const char *how_left(const struct rollout_state *s)
{
	switch (s->ending) {
	case ENDING_UNTOUCHED:
		return "Nothing was changed.";
	case ENDING_RESTORED:
		return s->first ? "What was there before is there again, read back and healthy."
				: "The baseline carries all traffic; that was read back, and it is "
				  "healthy.";
	case ENDING_UNHEALTHY:
		return "The baseline carries all traffic, which was read back, but it is NOT "
		       "healthy: somebody must look.";
	case ENDING_UNPROVEN:
		return "It could NOT be proved that the baseline carries the traffic: somebody "
		       "must "
		       "look at the target now.";
	case ENDING_FOREIGN:
		return "Somebody else changed the target; it was left as found.";
	case ENDING_LEFT:
		return "Traffic was left where it was, as the plan says.";
	case ENDING_PROMOTED:
		return "The candidate was promoted when the target was last read, and was left so; "
		       "the "
		       "old version is not retired.";
	case ENDING_NONE:
	case ENDING_SERVES:
	case ENDING_SAME:
	case ENDING_COUNT:
		break;
	}
	return "How the target was left is not known: somebody must look.";
}

/* --- summary ---------------------------------------------------------------------------------- */

static const struct plan_step *step_of(const struct plan *plan, const struct rollout_state *s)
{
	return (size_t)s->step < plan->n_steps ? &plan->steps[s->step] : NULL;
}

static void add_step(const struct plan *plan, const struct rollout_state *s, struct buf *out)
{
	char text[TRAFFIC_TEXT_SIZE];
	struct traffic traffic;

	if (!step_of(plan, s))
		return;
	traffic = rollout_traffic(plan, s->step);
	rollout_traffic_text(plan, &traffic, text);
	buf_addf(out, "step %d of %zu: %s %s the candidate", s->step + 1, plan->n_steps, text,
		 s->phase == PHASE_SHIFT ? "to" : "on");
}

static void add_parked(const struct plan *plan, const struct rollout_state *s, struct buf *out)
{
	char text[TRAFFIC_TEXT_SIZE];
	struct traffic traffic;

	if (!step_of(plan, s) || rollout_is_before_traffic(plan, s)) {
		buf_adds(out, "parked before any traffic");
		return;
	}
	traffic = rollout_traffic(plan, s->step);
	rollout_traffic_text(plan, &traffic, text);
	buf_addf(out, "parked at %s", text);
}

static void add_position(const struct plan *plan, const struct rollout_state *s, struct buf *out)
{
	switch (s->phase) {
	case PHASE_INSPECT:
		buf_adds(out, "inspecting the target, nothing is touched yet");
		return;
	case PHASE_PREPARE:
		buf_adds(out, "bringing the candidate up, no traffic yet");
		return;
	case PHASE_VERIFY:
		buf_adds(out, "verifying the candidate, no traffic yet");
		return;
	case PHASE_SHIFT:
	case PHASE_WATCH:
		add_step(plan, s, out);
		return;
	case PHASE_PARKED:
		add_parked(plan, s, out);
		return;
	case PHASE_PROMOTE:
		buf_adds(out, "making the candidate the baseline");
		return;
	case PHASE_BAKE:
		buf_adds(out, "100% on the candidate, baking");
		return;
	case PHASE_RETIRE:
		buf_adds(out, "100% on the candidate, retiring the old version");
		return;
	case PHASE_RESTORE:
		buf_adds(out, "going back to the baseline");
		return;
	case PHASE_PROVE:
		buf_adds(out, "the baseline has all traffic again, proving that it is healthy");
		return;
	case PHASE_SUCCEEDED:
		buf_adds(out,
			 s->ending == ENDING_SAME
				 ? "done: nothing to shift, what the artifact brings served already"
				 : "done: the candidate serves everything");
		return;
	case PHASE_FAILED:
		buf_adds(out, "failed");
		return;
	case PHASE_COUNT:
		return;
	}
}

static size_t guards_counted(const struct plan *plan, const struct rollout_state *s, enum mode mode)
{
	unsigned in = rollout_guards_of(plan, s, mode);
	size_t n = 0;

	for (size_t i = 0; i < plan->n_guards; i++)
		n += (plan->guards[i].in & in) != 0;
	return n;
}

static void add_verdict(const struct plan *plan, const struct rollout_state *s,
			const struct observation *o, struct utc now, struct buf *out)
{
	size_t n = guards_counted(plan, s, o->mode);
	char held[DURATION_TEXT_SIZE];

	if (!o->has_guards || n == 0)
		return;
	buf_addf(out, "; %s (%zu guard%s)", verdict_name(o->guards.kind), n, n == 1 ? "" : "s");
	if (o->guards.kind == VERDICT_PASS)
		return;
	if (s->hold_since.ms) {
		duration_format(now.ms - s->hold_since.ms, held);
		buf_addf(out, " for %s", held);
	}
	buf_addf(out, ": %s", o->guards.text);
}

/* "next: 50% in 6m40s": what follows when all goes well. */
static void add_next(const struct plan *plan, const struct rollout_state *s, struct utc now,
		     struct buf *out)
{
	const struct plan_step *step = step_of(plan, s);
	char what[WEIGHT_TEXT_SIZE], left[DURATION_TEXT_SIZE];
	int64_t end_ms = s->phase_since.ms;

	if (s->phase == PHASE_BAKE) {
		end_ms += plan->bake_ms;
		buf_adds(out, "; next: done");
	} else if (s->phase == PHASE_WATCH && step) {
		end_ms += step->watch_ms;
		if ((size_t)s->step + 1 < plan->n_steps) {
			weight_format(step[1].weight_bp, what);
			buf_addf(out, "; next: %s%s", step[1].segment >= 0 ? "segment " : "",
				 step[1].segment >= 0 ? plan->segments[step[1].segment].name
						      : what);
		} else {
			buf_adds(out, "; next: promotion");
		}
		if (step->approve)
			buf_adds(out, ", when approved,");
	} else {
		return;
	}
	if (end_ms > now.ms) {
		duration_format(end_ms - now.ms + 999, left);
		buf_addf(out, " in %s", left);
	} else {
		buf_adds(out, " as soon as all is well");
	}
}

/* The end of an action that wanted the rollout back, and has it back. */
static void add_taken_back(const struct rollout_state *s, struct buf *out)
{
	if (s->ending == ENDING_SAME)
		buf_adds(out, "nothing to take back: this rollout shifted nothing");
	else if (s->ending == ENDING_UNTOUCHED)
		buf_adds(out, "nothing to take back: this rollout changed nothing");
	else if (rollout_ended_before(s))
		buf_addf(out, "rolled back already, because (%s): %s", cause_name(s->cause),
			 s->cause_text);
	else
		buf_addf(out, "rolled back. %s", how_left(s));
}

void rollout_summary(const struct plan *plan, const struct rollout_state *s,
		     const struct observation *o, const struct decision *d, struct utc now,
		     struct buf *out)
{
	bool waits = s->phase == PHASE_WATCH || s->phase == PHASE_BAKE;

	if (o->mode == MODE_ROLLBACK && d->kind == DECIDE_SUCCEED) {
		add_taken_back(s, out);
		return;
	}
	add_position(plan, s, out);
	if (s->cause != CAUSE_NONE)
		buf_addf(out, ", because (%s): %s", cause_name(s->cause), s->cause_text);
	else
		add_verdict(plan, s, o, now, out);
	if (s->phase == PHASE_FAILED)
		buf_addf(out, ". %s", how_left(s));
	/* an end that is to be undone may have to wait */
	if (phase_is_final(s->phase) && (o->mode != MODE_ROLLBACK || d->kind != DECIDE_WAIT))
		return;
	/* while it waits as planned, what comes next says more than why it waits */
	if (waits && (d->kind == DECIDE_AGAIN ||
		      (o->guards.kind == VERDICT_PASS && o->operator_command != OPERATOR_HOLD)))
		add_next(plan, s, now, out);
	else if (d->reason[0] && d->kind != DECIDE_AGAIN)
		buf_addf(out, "; %s", d->reason);
}

/* --- failure ---------------------------------------------------------------------------------- */

static const char *headline(enum cause c)
{
	switch (c) {
	case CAUSE_GUARD:
		return "A guard failed";
	case CAUSE_UNKNOWN:
		return "There was no evidence to go on with";
	case CAUSE_TIMEOUT:
		return "Out of time";
	case CAUSE_CANDIDATE:
		return "The candidate failed";
	case CAUSE_DRIFT:
		return "The target is not as this rollout left it";
	case CAUSE_ABANDON:
		return "Abandoned";
	case CAUSE_OPERATOR:
		return "Taken back by a person";
	case CAUSE_PLAN:
		return "The plan cannot be followed";
	case CAUSE_DENIED:
		return "A permission is missing";
	case CAUSE_SYSTEM:
		return "Something failed for good";
	case CAUSE_BUSY:
		return "The target is not free";
	case CAUSE_NONE:
	case CAUSE_COUNT:
		break;
	}
	return "It failed";
}

/* What the last look said, where it is about the ending. */
static const char *details_of(const struct rollout_state *s, const struct observation *o)
{
	switch (s->ending) {
	case ENDING_RESTORED:
	case ENDING_UNHEALTHY:
		return o->target.baseline_health.text;
	case ENDING_UNPROVEN:
	case ENDING_FOREIGN:
	case ENDING_LEFT:
		return o->target.detail;
	case ENDING_NONE:
	case ENDING_UNTOUCHED:
	case ENDING_PROMOTED:
	case ENDING_SERVES:
	case ENDING_SAME:
	case ENDING_COUNT:
		break;
	}
	return "";
}

void rollout_failure_message(const struct plan *plan, const struct rollout_state *s,
			     const struct observation *o, const struct decision *d, struct buf *out)
{
	const char *why = s->cause_text[0] ? s->cause_text : d->reason;
	const char *details = details_of(s, o);
	const struct plan_step *step = step_of(plan, s);
	char text[TRAFFIC_TEXT_SIZE];

	buf_addf(out, "%s: %s. %s", headline(s->cause), why, how_left(s));
	if (details[0])
		buf_addf(out, " The last look: %s.", details);
	if (s->ending == ENDING_RESTORED && o->target.leftover && plan->keep_candidate_ms > 0)
		buf_adds(out, " The candidate is kept, as the plan says.");
	buf_addf(out, " Rollout %s", s->id);
	if (plan->strategy && s->touched && step) {
		struct traffic traffic = rollout_traffic(plan, s->step);

		rollout_traffic_text(plan, &traffic, text);
		buf_addf(out, ", strategy %s, step %d of %zu (%s)", plan->strategy, s->step + 1,
			 plan->n_steps, text);
	}
	if (s->candidate[0])
		buf_addf(out, ", candidate %s", s->candidate);
	if (s->undo[0])
		buf_addf(out, ", baseline %s", s->undo);
	buf_addc(out, '.');
}
