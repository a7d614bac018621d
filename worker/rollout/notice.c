#include "worker/rollout/notice.h"

#include <assert.h>
#include <stdio.h>

/*
 * An end tells how the target was left; an edge tells the rest. States between which a save was
 * lost are one edge here, so nothing but the two ends of it is looked at.
 */
static const char *const NAMES[NOTICE_COUNT] = {
#define X(name, text) text,
	NOTICES(X)
#undef X
};

const char *notice_name(enum notice n)
{
	assert((unsigned)n < NOTICE_COUNT);
	return NAMES[n];
}

bool notice_parse(struct str s, enum notice *out)
{
	for (int i = 0; i < NOTICE_COUNT; i++) {
		if (!str_is(s, NAMES[i]))
			continue;
		*out = (enum notice)i;
		return true;
	}
	return false;
}

static enum notice failed_how(const struct rollout_state *s)
{
	switch (s->ending) {
	case ENDING_RESTORED:
		return NOTICE_ROLLED_BACK;
	case ENDING_UNPROVEN:
	case ENDING_UNHEALTHY:
		return NOTICE_NOT_RESTORED;
	case ENDING_NONE:
	case ENDING_UNTOUCHED:
	case ENDING_FOREIGN:
	case ENDING_LEFT:
	case ENDING_PROMOTED:
	case ENDING_SERVES:
	case ENDING_SAME:
	case ENDING_COUNT:
		break;
	}
	return NOTICE_FAILED;
}

static bool is_going_back(enum phase p)
{
	return p == PHASE_RESTORE || p == PHASE_PROVE;
}

static bool of_edge(const struct rollout_state *from, const struct rollout_state *to,
		    enum notice *out)
{
	switch (to->phase) {
	case PHASE_WATCH:
		*out = NOTICE_STEP;
		return true;
	case PHASE_PARKED:
		*out = NOTICE_WAITING;
		return true;
	case PHASE_BAKE:
		*out = NOTICE_PROMOTED;
		return true;
	case PHASE_RESTORE:
	case PHASE_PROVE:
		*out = NOTICE_ROLLING_BACK;
		return !is_going_back(from->phase);
	case PHASE_SUCCEEDED:
		*out = NOTICE_SUCCEEDED;
		return true;
	case PHASE_FAILED:
		*out = failed_how(to);
		return true;
	case PHASE_INSPECT:
	case PHASE_PREPARE:
	case PHASE_VERIFY:
	case PHASE_SHIFT:
	case PHASE_PROMOTE:
	case PHASE_RETIRE:
	case PHASE_COUNT:
		break;
	}
	return false;
}

bool notice_of(const struct rollout_state *from, const struct rollout_state *to, enum notice *out)
{
	if (!from) {
		*out = NOTICE_STARTED;
		return true;
	}
	if (to->phase != from->phase || to->step != from->step)
		return of_edge(from, to, out);
	/* in INSPECT that is the target itself, which others have */
	*out = NOTICE_WAITING;
	return to->phase == PHASE_INSPECT && to->hold_since.ms && !from->hold_since.ms;
}

const char *notice_waits_for(const struct rollout_state *to)
{
	return to->phase == PHASE_PARKED ? "approval" : "target";
}

/* --- words ------------------------------------------------------------------------------------ */

static void say_step(const struct plan *plan, const struct rollout_state *s,
		     char out[NOTICE_TEXT_SIZE])
{
	char traffic[TRAFFIC_TEXT_SIZE];
	struct traffic t;

	if (!plan || (size_t)s->step >= plan->n_steps) {
		snprintf(out, NOTICE_TEXT_SIZE, "step %d", s->step + 1);
		return;
	}
	t = rollout_traffic(plan, s->step);
	rollout_traffic_text(plan, &t, traffic);
	snprintf(out, NOTICE_TEXT_SIZE, "step %d of %zu: %s on the candidate", s->step + 1,
		 plan->n_steps, traffic);
}

static const char *words_of(enum notice n, const struct rollout_state *s)
{
	switch (n) {
	case NOTICE_STARTED:
		return "started";
	case NOTICE_WAITING:
		return s->phase == PHASE_PARKED ? "waits for approval" : "waits for its target";
	case NOTICE_PROMOTED:
		return "promoted: the candidate serves everything";
	case NOTICE_ROLLING_BACK:
		return "ROLLING BACK";
	case NOTICE_ROLLED_BACK:
		return "rolled back: the baseline carries all traffic and is healthy";
	case NOTICE_SUCCEEDED:
		return "succeeded";
	case NOTICE_FAILED:
		return "FAILED";
	case NOTICE_NOT_RESTORED:
		return "FAILED AND NOT RESTORED: somebody must look now";
	case NOTICE_STEP:
	case NOTICE_COUNT:
		break;
	}
	return "";
}

void notice_text(enum notice n, const struct plan *plan, const struct rollout_state *to,
		 char out[NOTICE_TEXT_SIZE])
{
	if (n == NOTICE_STEP)
		say_step(plan, to, out);
	else
		snprintf(out, NOTICE_TEXT_SIZE, "%s", words_of(n, to));
}

void notice_subject(const char *head, const char *text, char out[NOTICE_SUBJECT_SIZE])
{
	char whole[4 * NOTICE_SUBJECT_SIZE];
	size_t n = 0;

	snprintf(whole, sizeof(whole), "%s: %s", head, text);
	for (const char *p = whole; *p && n < NOTICE_SUBJECT_SIZE - 1; p++) {
		if (((unsigned char)*p & 0xc0) == 0x80)
			continue; /* a character of several bytes is one mark */
		out[n++] = *p >= 0x20 && *p < 0x7f ? *p : '?';
	}
	out[n] = '\0';
	/* SNS: it begins with a letter, a number or a mark */
	if (out[0] == ' ')
		out[0] = '-';
}
