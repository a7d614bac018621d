#ifndef WORKER_ROLLOUT_PHASE_H
#define WORKER_ROLLOUT_PHASE_H

#include <stdbool.h>
#include <stdint.h>

#include "aws/core/buf.h"
#include "aws/core/str.h"

/*
 * The phases of a rollout. This list is the only place where a phase exists: the enum, the names in
 * tokens, logs and reports, the table of allowed edges, the time limits and the graph come from it.
 * A limit of 0 means that the plan says how long (watch and bake times, the preparation), or that
 * people do (PARKED). An end is left again only to be undone, by an action that asks for it.
 */
#define PHASE_BIT(p) (1u << PHASE_##p)
#define PHASES(X)                                                                                  \
	/* name      may go to                                                     limit, s */     \
	X(INSPECT,   PHASE_BIT(PREPARE) | PHASE_BIT(FAILED),                            3600)      \
	X(PREPARE,   PHASE_BIT(INSPECT) | PHASE_BIT(VERIFY) | PHASE_BIT(RESTORE) |                 \
		     PHASE_BIT(SUCCEEDED) | PHASE_BIT(FAILED),                             0)      \
	X(VERIFY,    PHASE_BIT(SHIFT) | PHASE_BIT(PARKED) | PHASE_BIT(PROMOTE) |                   \
		     PHASE_BIT(RESTORE) | PHASE_BIT(FAILED),                               0)      \
	X(SHIFT,     PHASE_BIT(WATCH) | PHASE_BIT(RESTORE) | PHASE_BIT(FAILED),          1800)     \
	X(WATCH,     PHASE_BIT(SHIFT) | PHASE_BIT(PARKED) | PHASE_BIT(PROMOTE) |                   \
		     PHASE_BIT(RESTORE) | PHASE_BIT(FAILED),                               0)      \
	X(PARKED,    PHASE_BIT(SHIFT) | PHASE_BIT(PROMOTE) | PHASE_BIT(RESTORE) |                  \
		     PHASE_BIT(FAILED),                                                    0)      \
	X(PROMOTE,   PHASE_BIT(BAKE) | PHASE_BIT(RESTORE) | PHASE_BIT(FAILED),            1800)    \
	X(BAKE,      PHASE_BIT(PROMOTE) | PHASE_BIT(RETIRE) | PHASE_BIT(RESTORE) |                 \
		     PHASE_BIT(FAILED),                                                    0)      \
	X(RETIRE,    PHASE_BIT(SUCCEEDED) | PHASE_BIT(RESTORE) | PHASE_BIT(FAILED),      1800)     \
	X(RESTORE,   PHASE_BIT(PROVE) | PHASE_BIT(FAILED),                               3600)     \
	X(PROVE,     PHASE_BIT(RESTORE) | PHASE_BIT(FAILED),                             1800)     \
	X(SUCCEEDED, PHASE_BIT(RESTORE),                                                    0)     \
	X(FAILED,    PHASE_BIT(RESTORE),                                                    0)

enum phase {
#define X(name, to, limit) PHASE_##name,
	PHASES(X)
#undef X
	PHASE_COUNT
};

const char *phase_name(enum phase p); /* "WATCH" */
bool phase_parse(struct str s, enum phase *out);
bool phase_may_go(enum phase from, enum phase to);
int64_t phase_limit_ms(enum phase p); /* 0: none of its own */
static inline bool phase_is_final(enum phase p)
{
	return p == PHASE_SUCCEEDED || p == PHASE_FAILED;
}

/* On the way back, or at its end. */
static inline bool phase_goes_back(enum phase p)
{
	return p == PHASE_RESTORE || p == PHASE_PROVE || p == PHASE_FAILED;
}

/* The machine as a Graphviz graph. */
void phase_dot(struct buf *out);

#endif
