#ifndef WORKER_ROLLOUT_DECIDE_STEP_H
#define WORKER_ROLLOUT_DECIDE_STEP_H

#include "worker/rollout/decide.h"

/*
 * Between the files of the machine (decide.c, decide_forward.c, decide_back.c); nobody else
 * includes this. A step looks at what was seen and ends by calling one of the outcomes below,
 * exactly once.
 */
struct deciding {
	const struct plan *plan;
	const struct rollout_state *s; /* as it was */
	const struct observation *o;
	struct utc now;
	struct rollout_state *next; /* as it becomes */
	struct decision *d;
};

void step_forward(struct deciding *x); /* INSPECT to RETIRE */
void step_parked(struct deciding *x);  /* of these PARKED */
void step_back(struct deciding *x);    /* RESTORE, PROVE */
void step_ended(struct deciding *x);   /* SUCCEEDED, FAILED */

/* --- outcomes --------------------------------------------------------------------------------- */

/* Go to another phase, and look again at once. */
void decide_go(struct deciding *x, enum phase to, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The same to SHIFT, for this step of the plan. */
void decide_go_step(struct deciding *x, int step, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Stay; until is the next moment at which time alone changes something. */
void decide_wait(struct deciding *x, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Stay and act: the target counts as touched from here on. */
void decide_act(struct deciding *x, enum decision_kind kind, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
/* Go back to the baseline. From INSPECT, where nothing was touched, that is the end. */
void decide_restore(struct deciding *x, enum cause cause, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* End as failed. CAUSE_NONE keeps the cause and the text there are. */
void decide_fail(struct deciding *x, enum cause cause, enum ending ending, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
/*
 * Add to the text that is kept about the cause, which is cut where both do not fit; nothing when
 * there is none, as the reason of the end is told then.
 */
void decide_add(struct deciding *x, const char *text);
void decide_succeed(struct deciding *x, enum ending ending, const char *fmt, ...) PRINTF_LIKE(3, 4);

/*
 * The last look was no Pass: wait, but no longer than the plan holds; then its policy says. `kind`
 * and `what` say what the look was.
 */
void decide_hold(struct deciding *x, enum verdict_kind kind, const char *what);

/* Fail the job held and leave the rollout as it is. */
void decide_refuse(struct deciding *x, enum failure failure, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
/* The end there is, once more. */
void decide_repeat_end(struct deciding *x);

/*
 * decide_held.c: the target is not this rollout's alone. True: wait, or the end, as the plan says.
 * As long as nothing is changed; and before an end is undone, which is refused where the other one
 * fails.
 */
bool decide_is_held(struct deciding *x);
bool decide_undo_is_held(struct deciding *x);
/*
 * Where traffic does not say whose it is (unnamed): there is some that this rollout has never given
 * to its candidate; or what it has promoted has lost some. Both end as foreign, true then.
 */
bool decide_sees_anothers(const struct deciding *x);
bool decide_is_anothers(struct deciding *x);
bool decide_is_promoted_over(struct deciding *x);
void decide_leave_to_next(struct deciding *x);

/* --- changes of the state that are no move ---------------------------------------------------- */

void decide_clear_hold(struct deciding *x);
/* The target is waited for; a rollout that is known is in the way. */
void decide_note_wait(struct deciding *x, bool is_known);
/* Remember why it is not going on, as long as there is no cause yet. */
void decide_note(struct deciding *x, const char *text);

/* --- questions -------------------------------------------------------------------------------- */

/* Limit of this phase in milliseconds, 0 when it has none. */
int64_t decide_limit_ms(const struct plan *plan, enum phase p);
bool decide_limit_is_over(const struct deciding *x);
/* When the action has to turn back to be back in time; 0 when the plan has no budget. */
int64_t decide_budget_end_ms(const struct plan *plan, const struct rollout_state *s);
/* The last act failed for good. A conflict is not for good: somebody moved, look again. */
bool decide_act_failed(const struct deciding *x);
/* What the candidate has; of an unreadable target it says nothing. */
struct traffic decide_live_traffic(const struct target_observation *t);
int decide_live_weight(const struct target_observation *t); /* its share alone, 0 to 10,000 */
bool decide_is_same_traffic(const struct traffic *a, const struct traffic *b);
/* Does the candidate get more than it has, of everybody or a segment? */
bool decide_rises(const struct traffic *from, const struct traffic *to);
bool decide_is_plan_weight(const struct plan *plan, int weight_bp);

/* --- rules that several phases share; true: one has decided (decide_forward.c) ----- */

enum look {
	LOOK_PASS, /* evidence since the moment asked for */
	LOOK_SOON, /* a Pass, but of before that moment: a look or two more and there will be one */
	LOOK_HOLD, /* Unknown, Error, or a Pass that is too old to mean anything */
	LOOK_FAIL,
};
enum look decide_look(const struct deciding *x, int64_t since_ms, const char **text);
enum verdict_kind decide_hold_kind(const struct deciding *x);
/* The Pass that this phase began on means nothing any more: a newer one is waited for. */
bool decide_is_held_by_age(struct deciding *x);
bool decide_failed_a_guard(struct deciding *x);
bool decide_is_held_by_guard(struct deciding *x);
bool decide_candidate_failed(struct deciding *x);
bool decide_candidate_is_up(const struct deciding *x);
bool decide_is_unreadable(struct deciding *x);
bool decide_is_drifted(struct deciding *x);
const char *decide_operator(const struct deciding *x);

#endif
