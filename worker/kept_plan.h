#ifndef WORKER_KEPT_PLAN_H
#define WORKER_KEPT_PLAN_H

#include "aws/core/buf.h"
#include "worker/rollout/plan.h"

/*
 * What a plan was read from, as one text for the ledger: the action's properties and the plan file.
 * With it the guards of a parked rollout can be asked after a restart, when there is no job to read
 * the artifact with.
 *
 * Parameters (lines param.NAME of Overrides) may be secrets, and a ledger holds none: a plan that
 * has any is not kept.
 */
#define KEPT_PLAN_MAX LIMIT_API_BODY /* a plan file with every character escaped */

/* False when it must not be kept, or does not fit. out: initialised by the caller. */
bool kept_plan_write(struct buf *out, const struct plan_source *src);

/* Read it back; texts live in the arena. ERR_MALFORMED: it was not written by this program. */
int kept_plan_read(struct arena *a, struct str text, struct plan_source *src,
		   struct err *err) MUST_CHECK;

#endif
