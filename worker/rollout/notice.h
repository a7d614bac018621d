#ifndef WORKER_ROLLOUT_NOTICE_H
#define WORKER_ROLLOUT_NOTICE_H

#include "worker/rollout/decide.h"

/*
 * What is told to those who listen, derived from a change of state and from nothing else: one table
 * of events, and the words for people. Pure.
 */
#define NOTICES(X)                                                                       \
	X(STARTED, "started")		/* it is known here; nothing is changed yet */   \
	X(WAITING, "waiting")		/* for an approval, or for its target */         \
	X(STEP, "step")			/* the split of a step was read back */          \
	X(PROMOTED, "promoted")		/* the candidate is the baseline, read back */   \
	X(ROLLING_BACK, "rolling_back") /* it begins to go back */                       \
	X(ROLLED_BACK, "rolled_back")	/* proved: the baseline carries everything */    \
	X(SUCCEEDED, "succeeded")                                                        \
	X(FAILED, "failed")		/* and what was left is said by `ending` */      \
	X(NOT_RESTORED, "not_restored") /* failed without proof: somebody must look now */

enum notice {
#define X(name, text) NOTICE_##name,
	NOTICES(X)
#undef X
	NOTICE_COUNT
};

#define NOTICE_ALL ((1u << NOTICE_COUNT) - 1)

const char *notice_name(enum notice n); /* "rolled_back" */
bool notice_parse(struct str s, enum notice *out);

/*
 * What this change of state tells; false: nothing. from NULL: the rollout is new. Steps that were
 * left out between the two are not made up.
 */
bool notice_of(const struct rollout_state *from, const struct rollout_state *to, enum notice *out);

/* What is waited for: "approval" or "target". */
const char *notice_waits_for(const struct rollout_state *to);

/*
 * A few words, as in "checkout/Canary: step 2 of 3: 25%" (whose first part is the caller's). plan
 * may be NULL.
 */
#define NOTICE_TEXT_SIZE 480
void notice_text(enum notice n, const struct plan *plan, const struct rollout_state *to,
		 char out[NOTICE_TEXT_SIZE]);

/*
 * The subject of a message: `head`, a colon and `text`, printable ASCII without control characters,
 * shorter than 100 characters, the end cut.
 */
#define NOTICE_SUBJECT_SIZE 100
void notice_subject(const char *head, const char *text, char out[NOTICE_SUBJECT_SIZE]);

#endif
