#ifndef WORKER_ROLLOUT_PROBLEM_H
#define WORKER_ROLLOUT_PROBLEM_H

#include <stdbool.h>
#include <stddef.h>

#include "aws/core/attr.h"
#include "aws/core/buf.h"
#include "aws/core/mem.h"

/*
 * A list of what is wrong with a plan, a configuration or a target, so that people see every
 * problem at once. Each names the place, the value and what would be right:
 *
 *   rollout.yaml:9: steps[1].weight: "0": a weight is over 0 and at most 100 percent
 *   Target: "lamda:checkout:live": unknown kind of target; write lambda:FUNCTION:ALIAS, ...
 *
 * A warning does not stop anything.
 */
struct problem {
	const char *text; /* one line, complete */
	bool is_warning;
	struct problem *next;
};

struct problems {
	struct arena *arena; /* texts live here */
	struct problem *first, **last;
	size_t n_errors, n_warnings;
	size_t n_busy; /* of the errors: what may be over soon, as somebody seems to be at work */
};

void problems_init(struct problems *p, struct arena *a);

/* place: "rollout.yaml:9: steps[1].weight" or "Target"; value: what stands there, or NULL. */
void problem_add(struct problems *p, const char *place, const char *value, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
void problem_busy(struct problems *p, const char *place, const char *value, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
void problem_warn(struct problems *p, const char *place, const char *value, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

/* There is nothing wrong but what may be over soon. */
static inline bool problems_are_busy(const struct problems *p)
{
	return p->n_busy > 0 && p->n_busy == p->n_errors;
}

/* All errors, one a line, for a failure message; then warnings marked "warning: ". */
void problems_format(const struct problems *p, struct buf *out);

#endif
