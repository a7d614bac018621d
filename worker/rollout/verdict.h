#ifndef WORKER_ROLLOUT_VERDICT_H
#define WORKER_ROLLOUT_VERDICT_H

#include <stdbool.h>
#include <stddef.h>

#include "aws/core/clock.h"

/*
 * What a guard answers. Only Pass advances a rollout. Unknown: no or too little data. Error: could
 * not ask. They are joined by the worst: Fail over Error over Unknown over Pass. The join of
 * nothing is Unknown, never Pass: no evidence is not good evidence.
 */
enum verdict_kind { VERDICT_PASS, VERDICT_UNKNOWN, VERDICT_ERROR, VERDICT_FAIL };

#define VERDICT_TEXT_MAX 320

struct verdict {
	enum verdict_kind kind;
	struct utc at; /* the moment the evidence was obtained, not when it was used */
	char text[VERDICT_TEXT_MAX]; /* one line for people: which guard, what value, what limit */
	/* the same as numbers, for plots, where the guard has any; what decides is kind alone */
	struct {
		bool has_value, has_limit;
		bool is_spot; /* the value of one moment: nothing is known of those between */
		double value, limit;
		const char *fails; /* "above": where from the limit a value must not be; static */
	} measured;
};

/* A verdict with a text, cut to fit. */
struct verdict verdict_make(enum verdict_kind kind, struct utc at, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

/*
 * Join n verdicts. Kind: the worst; n 0 is Unknown. Time: the oldest, so that a joined Pass is as
 * fresh as its stalest part. Text: of the first of the worst kind, with "(and K more)".
 */
struct verdict verdict_join(const struct verdict *v, size_t n, struct utc now);

const char *verdict_name(enum verdict_kind k); /* "Pass" "Unknown" "Error" "Fail" */

#endif
