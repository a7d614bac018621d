#ifndef WORKER_REPORT_MODEL_H
#define WORKER_REPORT_MODEL_H

#include "worker/ledger.h"
#include "worker/report/about.h"
#include "worker/report/history.h"
#include "worker/rollout/token.h"

/*
 * The report of one rollout: what the ledger has of it, put in order. Everything in it was
 * recorded; what is not known says so. Pure: made from rows, and rendered by report.h. Nothing is
 * trusted: rows may be missing, out of order, or of another program.
 */
struct report_source {
	const struct ledger_rollout *rollout;
	const struct history_row *rows;
	size_t n_rows;
	const struct ledger_note *notes;
	size_t n_notes;
	struct utc now;
};

/* Rows of one kind, in order of time. */
struct report_rows {
	const struct history_row **p;
	size_t n;
};

struct report_guard {
	const struct about_guard *about; /* never NULL; its texts may be */
	struct report_rows rows;
	bool has_limit, has_value;
	double limit;
	const char *fails;	   /* "above", or NULL */
	int64_t answers[4];	   /* by verdict */
	const char *last_text;	   /* the last answer, or NULL */
};

struct report_span {
	struct utc from, to;
	const char *name; /* of a phase: "WATCH" */
	int64_t step;	  /* from 0 */
};

enum report_tone { REPORT_GOOD, REPORT_BAD, REPORT_OPEN };

struct report {
	const struct ledger_rollout *rollout;
	struct rollout_state state; /* when has_state */
	bool has_state;
	struct about about;
	struct utc made, from, to; /* when it was made; from and to: of the time-line, to > from */
	struct report_rows of[HISTORY_KIND_COUNT];
	struct report_guard *guards;
	size_t n_guards;
	struct utc ended; /* when it was decided to have ended; 0: that is not known here */
	/* gaps: of which nothing is recorded; also before the first look, and up to the end */
	struct report_span *phases, *gaps;
	size_t n_phases, n_gaps;
	const struct ledger_note *notes;
	size_t n_notes;
	/* of a way back: when it was decided, when the baseline was read to have everything; 0: not
	 * known. And what failed: a row of a guard, with its place; or NULL */
	struct utc back_at, baseline_at;
	const struct history_row *failed;
	size_t failed_guard;
	int64_t back_from_bp; /* the share read last before that; -1: not known */
	enum report_tone tone;
	const char *baseline, *candidate; /* as people call them: "version 7"; NULL: not known */
	const char *headline; /* what happened, in one sentence */
	const char *proof;    /* how that was seen, in one */
	const char *missing;  /* that not all of it is recorded here, in one; NULL: it is */
};

/* Everything lives in the arena, or in the source. */
void report_build(const struct report_source *src, struct arena *a, struct report *out);

/* --- headline.c: for report_build() ----------------------------------------------------------- */
void report_headline(struct arena *a, struct report *r);
/* What people call it; NULL stays NULL. */
const char *report_name(struct arena *a, const struct report *r, const char *name);

#endif
