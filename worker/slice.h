#ifndef WORKER_SLICE_H
#define WORKER_SLICE_H

#include "worker/artifact.h"
#include "worker/clients.h"
#include "worker/notices.h"
#include "worker/recorder.h"
#include "worker/rollout/decide.h"
#include "worker/worker.h"

/*
 * A rollout as this worker knows it, and its turns. It is a task of the scheduler: one turn
 * restores what is needed, then goes round observe, decide, act until it has to wait, and says
 * when to come back. While a job is held that is a slice of the rollout; between jobs the rollout
 * is parked: its guards go on being asked and a Fail restores the baseline, but nothing moves
 * forward.
 *
 * Everything but what worker->lock guards belongs to the running turn.
 */
#define SLICE_KEYS_MAX 24 /* more than TARGET_CLAIMS_MAX: roles may change between two looks */

struct rollout {
	struct task task; /* first */
	struct worker *worker;
	struct rollout *next; /* worker->rollouts; under worker->lock */
	struct job *incoming; /* a job given to it, not yet taken up; under worker->lock */
	bool abandoned;	      /* its action execution is over; under worker->lock */
	bool succeeded;	      /* the same, and well, reported by another; under worker->lock */
	bool holds_job;	      /* counted in worker->n_jobs; under worker->lock */

	char id[ROLLOUT_ID_MAX + 1];
	struct log *log;
	struct arena *arena; /* identity and plan: as long as the rollout */
	const char *pipeline, *execution_id, *action, *action_execution_id, *action_type;
	const char *configuration; /* JSON, for the ledger */
	const char *target;	   /* as the action's configuration names it, or NULL */
	const char *role_arn;	   /* to assume for the target when there is no plan, or NULL */
	char handle[HANDLE_SIZE];  /* the last one given out, or "" */
	bool handed_over;	   /* parked, and its action has ended by giving it out */
	struct job *job;	   /* the job held, or NULL */
	const struct plan *plan;   /* NULL until the first job has been opened */
	struct artifact *artifact; /* of the job held; NULL until it was needed */

	struct rollout_state state;
	bool has_state;
	bool known;  /* its state and plan have been taken up here: not only a job that names it */
	bool opened; /* state and plan are those of the job held */
	bool attached;	    /* the job held is of another action, which goes on with this rollout */
	bool token_held;    /* CodePipeline has the undo record */
	char *told;	    /* the token that was last reported from here, or NULL */
	bool contested;	    /* it failed here, and the job held was on its way forward elsewhere */
	bool moved;	    /* phase or step changed since the job was taken */
	struct err act_err; /* of the last act, when it failed for good */
	bool has_act_err;
	/* the lock per target (slice_lock.c) */
	const char *keys[SLICE_KEYS_MAX]; /* what it may change, as far as is known */
	size_t n_keys;
	bool has_row;	  /* it is in the ledger */
	bool row_held;	  /* its row says that a job is held */
	bool locked;	  /* it holds them all, as far as it knows */
	struct held held; /* who else is at work, as this turn found; its texts: */
	char holder_id[ROLLOUT_ID_MAX + 1], holder_pipeline[101], holder_text[OBSERVATION_TEXT_MAX];
	struct utc trying_since; /* since when the target could not be inspected; 0: it could */
	struct utc job_seen;		/* when a job was last held */
	struct utc closed_since;	/* since when a job could not be opened; 0: it could */
	struct target_observation seen; /* the last look */
	struct verdict verdicts[LIMIT_GUARDS]; /* the last answers */
	struct observation last;
	struct decision decision; /* the last one */
	enum phase counted;	  /* where worker->metrics has it */
	struct recorder *recorder; /* for its report */
	bool ended;		   /* its row says that it is final */
	/* told with the next state that is saved (notices.c) */
	struct ledger_notice notices[NOTICES_PENDING_MAX];
	size_t n_notices;
};

/* A turn: what scheduler_add() runs. */
bool slice_run(struct task *t, struct mono now, struct mono *next);

/* rollouts.c: make one that knows its id only, and free one that is in no list any more. */
struct rollout *rollout_new(struct worker *w, const char *id);
void rollout_free(struct rollout *r);
/* Its log names pipeline, action, execution and target, as they are now. */
void rollout_name_log(struct rollout *r);

/* One turn's surroundings. */
struct turn {
	struct rollout *r;
	struct worker *w;
	struct arena *arena; /* vanishes with the turn */
	struct target_env env;
	const struct target_ops *ops;
	struct aws_client client;
	struct utc began;
	bool has_acted; /* in this turn, and what it was */
	enum decision_kind acted;
	struct traffic acted_for;
};

/* --- slice_open.c: what stands before the first look ---------------------------------------- */

/*
 * Read the newest state there is: of the job's token, the ledger, memory; or begin one. What comes
 * before everything else, and enough to hand the job back. Does not block on the network.
 */
int slice_take_state(struct turn *t, struct err *err) MUST_CHECK;

/*
 * Take up the job held: read state (token, ledger, memory: the newest), artifact and plan. 0 when
 * the rollout can go on; -1 when it cannot, with *failure and err for the report, unless err is
 * retryable or canceled: then the next turn tries again.
 */
int slice_open(struct turn *t, enum failure *failure, struct buf *message,
	       struct err *err) MUST_CHECK;

/*
 * Take the plan that can only go back: for a rollout that has touched its target and whose plan
 * cannot be read any more. why: for the people who will read the failure.
 */
int slice_fall_back(struct turn *t, const char *why, struct err *err) MUST_CHECK;

/*
 * The same for a job of another action (Mode promote or rollback): its handle is checked against
 * what CodePipeline keeps, the newest state is taken, and the rollout belongs to that action from
 * here on. What is wrong leaves rollout and target as they are. slice_attach.c
 */
int slice_attach(struct turn *t, enum failure *failure, struct buf *message,
		 struct err *err) MUST_CHECK;

/* Take this state over when it is newer than the one there is, and of this rollout. */
void slice_take_newer(struct rollout *r, const struct rollout_state *s);
/* There is nothing in this state: it was begun, and no target inspected. */
bool slice_is_blank(const struct rollout_state *s);
/* Read the plan file that these properties name from the job's artifact, if there is one. */
int slice_plan_text(struct turn *t, struct plan_source *src, struct err *err) MUST_CHECK;
/*
 * Make the plan of this source the rollout's. It must have the digest that the rollout began with.
 */
int slice_plan_from(struct turn *t, const struct plan_source *src, struct buf *message,
		    struct err *err) MUST_CHECK;
/* What stands in the artifact cannot be read just now. False when that lasts too long. */
bool slice_may_wait(struct turn *t, const struct err *err);
enum failure slice_failure_of(const struct err *err);

/* Fill in t->ops, t->client, t->env for the plan. May block: a role is assumed. */
int slice_target(struct turn *t, struct err *err) MUST_CHECK;

/*
 * The first, reading look: check plan, guards and target against the world. Problems make it fail
 * as ConfigurationError; unless all of them may be over soon, because somebody seems to be at work:
 * then *in says so, and message what was seen. Writes nothing down.
 */
struct inspected {
	char undo[LIMIT_UNDO + 1];
	bool first, is_busy;
};
int slice_inspect(struct turn *t, struct inspected *in, enum failure *failure, struct buf *message,
		  struct err *err) MUST_CHECK;

/* --- slice_lock.c: the lock per target ------------------------------------------------------ */

/*
 * Have the target to itself, and inspect it where that has not been done since: r->held says
 * whether it may go on, or who else is at work, which is the core's to decide about. -1 as
 * slice_open().
 */
int slice_begin(struct turn *t, enum failure *failure, struct buf *message,
		struct err *err) MUST_CHECK;
/* It has changed its target, or is past the point where it could as well begin again. */
bool slice_is_bound(const struct rollout_state *s);
/* Before it gets there: hold the target for good. False: it was lost, or that is not known. */
bool slice_bind(struct turn *t, const struct rollout_state *next);
/* Let go of the target, of a rollout that ends without a last word in the ledger. */
void slice_unlock(struct turn *t);

/* --- slice_look.c ---------------------------------------------------------------------------- */

/* Everything a decision needs, by reading only. -1 when the call was canceled. */
int slice_look(struct turn *t, struct observation *o, struct err *err) MUST_CHECK;

/* --- slice_act.c: the change decided ------------------------------------------------------- */

/* Make it. d must be a decision to act. What the target says of the candidate is saved at once. */
int slice_act(struct turn *t, const struct decision *d, const struct observation *o,
	      struct err *err) MUST_CHECK;
const char *slice_act_name(enum decision_kind k); /* "split"; "none" when it is no act */

/* --- slice_record.c: what the recorder is told, for the report ------------------------------- */

/* Before anything else is recorded of it: state and plan have been taken up. */
void slice_record_begin(struct turn *t);
/* Plan, baseline and candidate, when any of it has changed. */
void slice_record_about(struct turn *t);
void slice_record_look(struct turn *t, const struct observation *o, unsigned guards_in);
void slice_record_act(struct turn *t, const struct decision *d, const struct err *err);
/* This state is about to be taken over, and is not of our making. */
void slice_record_newer(struct rollout *r, const struct rollout_state *s);
/* It has ended, and that is in the ledger: its report goes to disk, and what is old goes. */
void slice_record_end(struct turn *t);
/* Write what has waited long enough; everything when it leaves. */
void slice_record_flush(struct turn *t, bool leaves);

/* --- slice_report.c: what is told ----------------------------------------------------------- */

/* Write the rollout's newest state into the ledger. */
int slice_save(struct turn *t, bool final, struct err *err) MUST_CHECK;

/* Whether a job of it is held: in the ledger, too, where that has changed with no state. */
void slice_note_held(struct turn *t);

/* Report the job with a token; the rollout is parked then. */
int slice_report_token(struct turn *t, struct err *err) MUST_CHECK;

/* Report the end, as the decision says; outputs are uploaded before a success is reported. */
int slice_report_end(struct turn *t, struct err *err) MUST_CHECK;

/*
 * Report success of an action that started the rollout: with the handle, by which another action
 * goes on. The rollout lives on, parked.
 */
int slice_report_hand_over(struct turn *t, struct err *err) MUST_CHECK;

/* Report a failure of the job held alone; the rollout, if it is known, stays as it is. */
int slice_report_job_failure(struct turn *t, enum failure failure, const char *message,
			     struct err *err) MUST_CHECK;

/* Report a failure that came before there was anything to decide. */
int slice_report_refusal(struct turn *t, enum failure failure, const char *message,
			 struct err *err) MUST_CHECK;

/* What people call them: "7", a target group, an environment; "none". */
const char *slice_baseline_name(const struct turn *t);
const char *slice_candidate_name(const struct turn *t);

/* The job is out of our hands: forget it here. */
void slice_drop_job(struct rollout *r);

#endif
