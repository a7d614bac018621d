#ifndef WORKER_ROLLOUT_DECIDE_H
#define WORKER_ROLLOUT_DECIDE_H

#include <stdbool.h>

#include "aws/core/clock.h"
#include "worker/rollout/plan.h"
#include "worker/rollout/token.h"
#include "worker/rollout/verdict.h"

/*
 * The heart: one pure function. A turn observes the world, calls rollout_decide(), makes the one
 * change decided by a call that is safe to repeat, and observes again. Nothing is assumed from last
 * time: state behind reality (a crash after a write, a token older than the last step) is brought
 * to agree by going back, never by going forward without a fresh Pass.
 */

/*
 * What was seen of the target in this turn, by reading only. The candidate's state is looked at in
 * every phase up to PROMOTE, not only while it is prepared: traffic rises onto one that is up only.
 */
enum candidate_state {
	CANDIDATE_ABSENT,  /* nothing there yet */
	CANDIDATE_PENDING, /* being brought up */
	CANDIDATE_READY,   /* up and healthy, takes traffic when asked */
	CANDIDATE_FAILED,  /* will not come up; detail says why */
	CANDIDATE_SAME,	   /* what the artifact brings is what serves already */
};

/* How traffic is split now. */
enum live {
	LIVE_UNREADABLE, /* could not be read; detail says why */
	/* exactly as the undo record: everything on the baseline, no segment apart */
	LIVE_BASELINE,
	LIVE_SPLIT,	/* between baseline and candidate; traffic says how */
	LIVE_CANDIDATE, /* everything on the candidate, but not promoted yet (weights), or with
			   segments still apart */
	LIVE_PROMOTED,	/* the candidate is the baseline now, no segment apart */
	LIVE_FOREIGN,	/* neither ours nor the undo record's: somebody changed the target */
};

/*
 * How traffic is, or is to be, divided: the candidate's share of all that no segment takes, in
 * basis points, and the segments of users that go to the candidate whole: bit i is
 * plan->segments[i].
 */
struct traffic {
	int weight_bp;
	unsigned segments;
};

/* What a step asks for: its weight, and every segment up to it. */
struct traffic rollout_traffic(const struct plan *plan, int step);
/* "5%", "segment staff", "5% and segments staff, beta": for people. */
#define TRAFFIC_TEXT_SIZE 320
void rollout_traffic_text(const struct plan *plan, const struct traffic *t,
			  char out[TRAFFIC_TEXT_SIZE]);

#define OBSERVATION_TEXT_MAX 320
#define OBSERVATION_LOCK_MAX 128

struct target_observation {
	enum live live;
	struct traffic traffic; /* with LIVE_SPLIT; its segments with LIVE_CANDIDATE, too */
	bool settled;		/* the split is in effect: propagated, counts healthy */
	/* traffic on the candidate does not say by whose doing: weights bear no rollout's name */
	bool unnamed;
	enum candidate_state candidate;
	bool denied;   /* unreadable because a permission is missing */
	bool retired;  /* nothing is left to remove or scale in */
	bool leftover; /* what was made for the candidate is there still */
	/* is what the undo record names able to serve; at: when that was read in this turn */
	struct verdict baseline_health;
	char lock[OBSERVATION_LOCK_MAX]; /* optimistic lock for the next write, or "" */
	char detail[OBSERVATION_TEXT_MAX];
};

/* Who else is at work on the target; see decide_held.c for what that means. */
enum held_by {
	HELD_BY_NOBODY,	 /* it is this rollout's alone */
	HELD_BY_ROLLOUT, /* one that this worker knows */
	HELD_BY_OTHERS,	 /* whom the target itself shows, whoever that is */
};

struct held {
	enum held_by by;
	/* of HELD_BY_ROLLOUT; they live as long as the observation */
	const char *rollout, *pipeline;
	const char *target; /* what it holds: "lambda:checkout:live" */
	struct utc since;
	bool waits;	  /* it has not got the target either, but was there first */
	const char *text; /* of HELD_BY_OTHERS: what was seen, complete */
};

enum operator_command { OPERATOR_NONE, OPERATOR_PROMOTE, OPERATOR_ROLLBACK, OPERATOR_HOLD };

struct observation {
	struct target_observation target;
	/* what the action whose job is held is for; MODE_DEPLOY also when no job is held */
	enum mode mode;
	/* joined, of the guards that count in this phase: see rollout_guards_in() */
	struct verdict guards;
	bool has_guards; /* false: no guard is to be asked in this phase */
	bool looked; /* false: target was not looked at, as in the turn that has decided an end */
	bool token_held; /* the state came back from CodePipeline: the undo record is safe */
	bool abandoned;	 /* the action execution is over */
	/* no job is held: another worker may be going on with this very rollout */
	bool between_jobs;
	enum operator_command operator_command;
	const char *operator_name;
	/* the last act of this turn failed for good (not retryable): what and why; else NULL. In
	 * INSPECT, why the target could not be inspected */
	const struct err *act_error;
	/* asked as long as nothing is changed, and before an end is undone */
	struct held held;
};

enum decision_kind {
	DECIDE_WAIT,  /* nothing to do before `until` (look again at the next tick at latest) */
	DECIDE_AGAIN, /* the state moved; observe again at once */
	DECIDE_CHECKPOINT, /* report a token now; go on when it comes back */
	DECIDE_PREPARE,	   /* take the next step of bringing the candidate up */
	DECIDE_SPLIT,	   /* make the live split `traffic` */
	DECIDE_PROMOTE,
	DECIDE_RETIRE,
	DECIDE_RESTORE,
	DECIDE_DISCARD,	  /* remove what was made for the candidate, after the way back */
	DECIDE_SUCCEED,	  /* report success */
	DECIDE_FAIL,	  /* report failure, of type `failure` */
	DECIDE_HAND_OVER, /* report success of the job held; the rollout lives on, parked */
	DECIDE_REFUSE,	  /* report failure of the job held, of type `failure`; nothing changes */
};

/* CodePipeline's failure types, in its words. */
enum failure {
	FAILURE_JOB_FAILED,
	FAILURE_CONFIGURATION_ERROR,
	FAILURE_PERMISSION_ERROR,
	FAILURE_REVISION_OUT_OF_SYNC,
	FAILURE_REVISION_UNAVAILABLE,
	FAILURE_SYSTEM_UNAVAILABLE,
};

#define REASON_MAX 320

struct decision {
	enum decision_kind kind;
	struct utc until;	 /* 0: nothing changes by time alone */
	struct traffic traffic;	 /* DECIDE_SPLIT, DECIDE_PROMOTE */
	enum failure failure;	 /* DECIDE_FAIL, DECIDE_REFUSE */
	char reason[REASON_MAX]; /* one line: why, and what comes next */
};

/*
 * Decide. next is a copy of s with what changes (seq grows by one when anything does); it may not
 * alias s. Edges not in the phase list cannot be taken (asserted). Pure.
 */
void rollout_decide(const struct plan *plan, const struct rollout_state *s,
		    const struct observation *o, struct utc now, struct rollout_state *next,
		    struct decision *d);

/* The state a new rollout starts with. */
void rollout_begin(const struct plan *plan, const char *id, struct utc now,
		   struct rollout_state *s);

/*
 * Another action goes on with this rollout: it has a budget and a patience of its own, and only
 * evidence of from now on counts. It can be told afterwards whether an end came before this (the
 * rollout had ended already) or after it (it is this action's own).
 */
void rollout_attach(struct rollout_state *s, struct utc now);
bool rollout_ended_before(const struct rollout_state *s);

/* The target has been waited for, and inspected: its phase begins now. */
void rollout_wait_is_over(struct rollout_state *s, struct utc now);

/* Parked with the candidate up and no traffic on it: the step that follows is the first. */
bool rollout_is_before_traffic(const struct plan *plan, const struct rollout_state *s);

/*
 * Which guards count in this phase: a set of enum guard_phase, 0 for none. In SHIFT and PROMOTE,
 * which may take minutes, those of WATCH are asked too; there only a Fail counts. PARKED is watched
 * like a step.
 */
unsigned rollout_guards_in(enum phase p);
/*
 * The same for a state: parked before any traffic it is what verifies a candidate that counts, and
 * nothing at all as long as nobody wants to go on (mode MODE_DEPLOY).
 */
unsigned rollout_guards_of(const struct plan *plan, const struct rollout_state *s, enum mode mode);

/*
 * As in which phase the target is to be looked at: a parked one as before it was parked; one that
 * has ended as on the way back when it may be undone, and as at its end when that is to be told.
 */
enum phase rollout_look_as(const struct plan *plan, const struct rollout_state *s, enum mode mode);

/* How far along, 0 to 100; never less than s->percent. */
int rollout_percent(const struct plan *plan, const struct rollout_state *s, struct utc now);

/*
 * One line for people: step, weight, verdict, next decision; at most LIMIT_SUMMARY bytes.
 *   "step 2 of 4: 25% on the candidate; Pass (3 guards); next: 50% in 6m40s"
 */
void rollout_summary(const struct plan *plan, const struct rollout_state *s,
		     const struct observation *o, const struct decision *d, struct utc now,
		     struct buf *out);

/* The message of a failure: which guard, what value, at what weight, what was restored and how it
 * was proved. At most LIMIT_FAILURE_MESSAGE bytes. */
void rollout_failure_message(const struct plan *plan, const struct rollout_state *s,
			     const struct observation *o, const struct decision *d,
			     struct buf *out);

#endif
