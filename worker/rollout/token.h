#ifndef WORKER_ROLLOUT_TOKEN_H
#define WORKER_ROLLOUT_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "aws/core/buf.h"
#include "aws/core/clock.h"
#include "aws/core/err.h"
#include "aws/core/limits.h"
#include "aws/core/mem.h"
#include "worker/rollout/phase.h"
#include "worker/rollout/verdict.h"

/*
 * The state of a rollout: plain data, all of it in the continuation token. What is not in it does
 * not survive the turn. CodePipeline's copy is the state of record; the ledger keeps the newest
 * one on disk besides, told apart by seq.
 */
enum cause { /* why a rollout went back or failed */
	CAUSE_NONE,
	CAUSE_GUARD,	 /* a guard answered Fail */
	CAUSE_UNKNOWN,	 /* Unknown or Error for longer than the plan holds */
	CAUSE_TIMEOUT,	 /* a phase or the whole action ran out of time */
	CAUSE_CANDIDATE, /* the candidate did not come up, or stay up */
	CAUSE_DRIFT,	 /* somebody changed the target */
	CAUSE_ABANDON,	 /* the pipeline execution is over */
	CAUSE_OPERATOR,	 /* a person asked for it */
	CAUSE_PLAN,	 /* the plan does not fit the target, or is not the one we started with */
	CAUSE_DENIED,	 /* a permission is missing */
	CAUSE_SYSTEM,	 /* something of AWS or of ours failed for good */
	CAUSE_BUSY,	 /* another rollout, or somebody, is at work on the target */
	CAUSE_COUNT
};

/* How a rollout left its target when it ended. */
enum ending {
	ENDING_NONE,	  /* it has not ended */
	ENDING_UNTOUCHED, /* it ended in INSPECT, which changes nothing */
	ENDING_RESTORED,  /* the baseline carries everything, read back, and is healthy */
	ENDING_UNHEALTHY, /* the baseline carries everything, read back, but is not healthy */
	ENDING_UNPROVEN,  /* it could not be proved that the baseline carries the traffic */
	ENDING_FOREIGN,	  /* left as found: somebody else changed it */
	ENDING_LEFT,	  /* left as it was, because the plan says so */
	ENDING_PROMOTED,  /* promoted when last read, but what was to be retired is not */
	ENDING_SERVES,	  /* success: the candidate serves everything */
	ENDING_SAME,	  /* success: what the artifact brings served already */
	ENDING_COUNT
};

#define ROLLOUT_ID_MAX 64
#define CAUSE_TEXT_MAX 480

struct rollout_state {
	char id[ROLLOUT_ID_MAX + 1];		  /* from actionExecutionId; URL-safe */
	char plan_digest[33];			  /* the first 32 hex digits of the plan's */
	uint64_t seq;				  /* grows with every change of state */
	enum phase phase;
	int step;				  /* index into plan->steps */
	struct utc started, phase_since;
	struct utc hold_since;			  /* 0: the last look was a Pass; in INSPECT:
						     since when the target is waited for */
	struct utc changed_at;			  /* when the last change of the split was decided;
						     0: none was */
	bool touched;				  /* something of the target has been changed */
	bool first;				  /* there was no baseline: first deployment */
	int percent;				  /* what was reported last; never falls */
	uint8_t failures[LIMIT_GUARDS];		  /* guards: failures in a row */
	char undo[LIMIT_UNDO + 1];		  /* the target's own record of what was live */
	char candidate[LIMIT_CANDIDATE + 1];	  /* the target's name of the candidate, or "" */
	enum cause cause;
	char cause_text[CAUSE_TEXT_MAX + 1];	  /* printable ASCII */
	enum ending ending;
};

const char *cause_name(enum cause c);
bool cause_parse(struct str s, enum cause *out);

const char *ending_name(enum ending e);
bool ending_parse(struct str s, enum ending *out);

/*
 * Encode as compact ASCII JSON of at most LIMIT_TOKEN characters into out (initialised by the
 * caller), and cut cause_text to what room there is. undo and candidate are printable ASCII, else
 * ERR_MALFORMED. ERR_LIMIT when quotes and backslashes, which take two characters, make them more
 * than half as long again as they may be: refused at the first token already, before anything is
 * touched, because every later state of a rollout whose first one fits does fit.
 */
int token_encode(const struct rollout_state *s, struct buf *out, struct err *err) MUST_CHECK;

/*
 * Decode, trusting nothing: version, members, ranges, lengths, enum names and character sets are
 * checked. ERR_MALFORMED says what is wrong; an unknown version says so. *s is written on success
 * only. Nothing in *s points into the arena.
 */
int token_decode(struct arena *a, struct str text, struct rollout_state *s, struct err *err)
	MUST_CHECK;

/*
 * A rollout id from an actionExecutionId (or a job id, where there is none): "r-" and the id, with
 * anything but [A-Za-z0-9-] replaced by '-', at most ROLLOUT_ID_MAX characters.
 */
void rollout_id_from(struct str action_execution_id, char out[ROLLOUT_ID_MAX + 1]);

#endif
