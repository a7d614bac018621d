#ifndef WORKER_REPORT_ABOUT_H
#define WORKER_REPORT_ABOUT_H

#include "aws/core/buf.h"
#include "worker/rollout/plan.h"

/*
 * What a rollout is, as its report keeps it when plan and artifact are gone: one JSON document,
 * written by the worker and read by the report. It has names and numbers of the plan, never a value
 * that may be a secret: no payload, no header, no parameter. Pure.
 */
struct about_step {
	const char *text; /* "25% and segment staff" */
	int64_t weight_bp, watch_ms;
	bool approve;
};

struct about_guard {
	const char *kind, *name, *in; /* "alarm", "checkout-errors", "watch, bake" */
	/* of its values: "Sum", "failures in a row"; NULL: the alarm's */
	const char *unit;
};

struct about {
	const char *version; /* of the worker that wrote it */
	const char *kind, *target, *strategy, *mode, *digest;
	const char *baseline, *candidate; /* as people call them; NULL: not known yet */
	const char *undo;		  /* the target's own record */
	const char *account;		  /* the worker's; NULL: not known */
	const char *unknown_then, *rollback_on;
	int64_t bake_ms, unknown_hold_ms, max_ms, keep_candidate_ms, tick_ms;
	struct about_step *steps;
	size_t n_steps;
	struct about_guard *guards;
	size_t n_guards;
	const char **segments; /* "staff: header X-Team: staff" */
	size_t n_segments;
};

/* What the plan says; everything else is the caller's. Texts live in the arena. */
void about_plan(const struct plan *plan, struct arena *a, struct about *out);

void about_write(const struct about *about, struct buf *out);
/* What is missing or of the wrong type is left out: *out is empty when the text is no JSON. */
void about_read(struct arena *a, struct str text, struct about *out);

#endif
