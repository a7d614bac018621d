#ifndef WORKER_GUARD_GUARD_H
#define WORKER_GUARD_GUARD_H

#include "aws/call.h"
#include "worker/rollout/plan.h"
#include "worker/rollout/token.h"
#include "worker/rollout/verdict.h"
#include "worker/target/target.h"

/*
 * How each kind of guard is asked. Asking reads only (an invoke guard runs the user's own test).
 * Every answer is a verdict; what could not be asked is Error, never a missing answer. The moment
 * in the verdict is when the evidence was obtained.
 */
struct alarm_board;

struct guard_env {
	const struct target_env *target; /* client, arena, log, plan */
	const struct target_ops *ops;	 /* for series and health */
	struct alarm_board *alarms;	 /* shared by all rollouts of the account and region */
	int64_t max_age_ms;		 /* how old a shared answer may be: the tick */
};

struct guard_ops {
	const char *name; /* "alarm" */
	/*
	 * Check the guard against the world before anything is touched: does it exist, is it red
	 * already, can it answer within the steps that rely on it. -1 only for ERR_CANCELED and
	 * for what may work later, which is no problem of the plan.
	 */
	int (*check)(const struct guard_env *env, const struct plan_guard *g, struct problems *p,
		     struct err *err);
	/*
	 * Ask. failures is the count in a row so far, updated. `o` is this turn's look at the
	 * target. -1 only for ERR_CANCELED.
	 */
	int (*ask)(const struct guard_env *env, const struct plan_guard *g,
		   const struct rollout_state *s, const struct target_observation *o,
		   uint8_t *failures, struct verdict *out, struct err *err);
	/* the calls it makes, for `plan` */
	void (*calls)(const struct plan_guard *g, const struct plan *plan, struct arena *a,
		      void (*add)(void *arg, const struct target_call *c), void *arg);
};

extern const struct guard_ops guard_alarm, guard_metric, guard_probe, guard_invoke, guard_health;

const struct guard_ops *guard_of(enum guard_kind k);

/*
 * Ask all guards that count in this phase (a set of enum guard_phase) and join them. verdicts, when
 * not NULL, has room for plan->n_guards and gets each answer (kind VERDICT_UNKNOWN, empty text, for
 * those not asked). failures is s->failures of the next state.
 */
int guards_ask(const struct guard_env *env, const struct rollout_state *s,
	       const struct target_observation *o, unsigned in, uint8_t failures[LIMIT_GUARDS],
	       struct verdict *joined, struct verdict *verdicts, struct err *err);

/* A guard of failures in a row: what is counted, and at how many it fails. */
void guard_count(struct verdict *v, unsigned failures, int64_t limit);

/*
 * The board of alarms: every rollout that shares an account and region reads alarm states from one
 * place, which asks DescribeAlarms for all wanted names at once, 100 a call, at most once in
 * max_age_ms. So the calls do not grow with the number of rollouts. Thread-safe; single flight: one
 * thread asks, the others wait for its answer.
 */
struct alarm_state {
	const char *name;
	bool found;
	enum { ALARM_OK, ALARM_ALARM, ALARM_INSUFFICIENT_DATA, ALARM_OTHER } state;
	bool has_value, has_threshold;
	double value; /* the newest datapoint of when it was updated last */
	double threshold;
	const char *fails; /* "above": where from the threshold a value breaches it; static */
	bool evaluation_trouble; /* EvaluationState is set: partial data, failure or error */
	const char *reason;	 /* StateReason, in the arena given */
	struct utc transitioned, updated;
	int64_t window_ms; /* period times evaluation periods; 0 for composite alarms */
	struct utc asked;  /* when this was read from CloudWatch */
};

struct alarm_board *alarm_board_new(void);
void alarm_board_free(struct alarm_board *b);
/*
 * The states of n named alarms, in the order of names, asked for at most max_age_ms ago, or during
 * this call where CloudWatch takes longer than that to answer. A name wanted once stays on the
 * board for ten minutes after it was last wanted. account tells accounts apart (role ARN, or "").
 * Blocks; errors are those of DescribeAlarms, also when it was another thread that asked;
 * ERR_REJECTED for what is no name of an alarm.
 */
int alarm_board_read(struct alarm_board *b, const struct aws_client *c, const char *account,
		     const char *const *names, size_t n, int64_t max_age_ms, struct arena *a,
		     struct alarm_state *out, struct err *err) MUST_CHECK;

#endif
