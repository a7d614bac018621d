#ifndef WORKER_LEDGER_H
#define WORKER_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "aws/core/clock.h"
#include "aws/core/err.h"
#include "aws/core/mem.h"

/*
 * The crash journal: an SQLite database on local disk (WAL, synchronous FULL). It holds the jobs
 * this worker has claimed, the newest state of every rollout, the write in progress, reports that
 * CodePipeline has not accepted yet, commands of operators, and the history of rollouts. The only
 * module that includes SQLite. Thread-safe; each call is one transaction and is on disk when it
 * returns. No secret is ever written. Losing the file while no job is held costs history only.
 *
 * Times are simulated or real wall time in milliseconds, as the caller's clock says.
 */
struct ledger;
struct ledger_history;
struct ledger_notice;

/* path ":memory:" for tests. Creates the file 0600 and the schema; a newer schema is refused, an
 * older one is brought up to date. ERR_SYSTEM with the path and SQLite's words. */
struct ledger *ledger_open(const char *path, struct err *err);
/* For `status` and `report`: read-only, also while a worker has it open. */
struct ledger *ledger_open_read(const char *path, struct err *err);
void ledger_close(struct ledger *l); /* NULL does nothing */

/* --- jobs ----------------------------------------------------------------------------------- */
enum ledger_job_state {
	LEDGER_CLAIMED, /* polled; AcknowledgeJob is about to be sent or was sent */
	LEDGER_OWNED,	/* acknowledged: ours to report */
	LEDGER_MAYBE,	/* acknowledged perhaps: the answer was lost, then InvalidNonce */
};

struct ledger_job {
	const char *job_id, *rollout_id;
	enum ledger_job_state state;
	const char *action_type; /* "Deploy/Rollout/1" */
	const char *pipeline, *execution_id, *action, *action_execution_id;
	struct utc claimed;
};

int ledger_job_put(struct ledger *l, const struct ledger_job *j, struct err *err) MUST_CHECK;
int ledger_job_forget(struct ledger *l, const char *job_id, struct err *err) MUST_CHECK;
/* All jobs, oldest first, in the arena. */
int ledger_jobs(struct ledger *l, struct arena *a, struct ledger_job **jobs, size_t *n,
		struct err *err) MUST_CHECK;

/* --- rollouts ------------------------------------------------------------------------------- */
struct ledger_rollout {
	const char *id;
	const char *pipeline, *execution_id, *action, *action_execution_id;
	const char *action_type;
	const char *target; /* "lambda:checkout:live" */
	const char *token;  /* newest state, as token_encode writes it */
	uint64_t seq;
	const char *phase, *summary;
	bool final;			       /* succeeded or failed, and reported */
	bool parked;			       /* between jobs: nobody holds it */
	struct utc started, updated, job_seen; /* job_seen: when a job of it was last held */
	const char *region, *role_arn;	       /* how to reach the target without the job */
	const char *configuration; /* the action's configuration as JSON, secrets left out */
	const char *handle;	   /* the last one given out for it, or NULL */
	/* its action has succeeded by giving out the handle: another one is to come for it */
	bool handed_over;
	bool touched; /* something of its target has been changed; that does not become untrue */
	/* not kept: it has left its target, which is free with this; so is that of a final one */
	bool lets_go;
	/*
	 * Not kept in this row but written with it: history, or NULL (ledger_history.h), and what
	 * is to be told (ledger_notice.h).
	 */
	const struct ledger_history *history;
	const struct ledger_notice *notices;
	size_t n_notices;
};

/* Insert or update; a row with a higher seq is never overwritten by a lower one. */
int ledger_rollout_put(struct ledger *l, const struct ledger_rollout *r,
		       struct err *err) MUST_CHECK;
/*
 * The same, and says what became of history and notices, which never stop a state from being
 * written: where it cannot be with them it is without, and *whole is false. *dropped: older notices
 * that had to make room.
 */
int ledger_rollout_save(struct ledger *l, const struct ledger_rollout *r, bool *whole,
			size_t *dropped, struct err *err) MUST_CHECK;
/* Whether a job of an open one is held, and when one was last seen; nothing else changes. */
int ledger_rollout_held(struct ledger *l, const char *id, bool held, struct utc seen,
			struct err *err) MUST_CHECK;
/* *r NULL when there is none. */
int ledger_rollout_get(struct ledger *l, const char *id, struct arena *a, struct ledger_rollout **r,
		       struct err *err) MUST_CHECK;
/* Newest first; only those not final when open_only. */
int ledger_rollouts(struct ledger *l, bool open_only, size_t max, struct arena *a,
		    struct ledger_rollout **r, size_t *n, struct err *err) MUST_CHECK;

/*
 * What the plan of an open rollout is read from (see kept_plan.h), so that its guards can be asked
 * after a restart without a job. Forgotten when the rollout is final. *text NULL: there is none.
 */
int ledger_plan_put(struct ledger *l, const char *rollout_id, const char *text,
		    struct err *err) MUST_CHECK;
int ledger_plan_get(struct ledger *l, const char *rollout_id, struct arena *a, const char **text,
		    struct err *err) MUST_CHECK;

/* Handles that were given out, of whatever rollout; *rollout_id NULL: not by this worker. */
int ledger_handle_put(struct ledger *l, const char *handle, const char *rollout_id,
		      struct err *err) MUST_CHECK;
int ledger_handle_get(struct ledger *l, const char *handle, struct arena *a,
		      const char **rollout_id, struct err *err) MUST_CHECK;

/* --- history: what happened, for people ----------------------------------------------------- */
int ledger_note(struct ledger *l, const char *rollout_id, struct utc at, const char *event,
		const char *text, struct err *err) MUST_CHECK;
struct ledger_note {
	struct utc at;
	const char *event, *text;
};
int ledger_notes(struct ledger *l, const char *rollout_id, struct arena *a,
		 struct ledger_note **notes, size_t *n, struct err *err) MUST_CHECK;

/* --- outbox: reports not yet accepted, as the exact bytes to send --------------------------- */
struct ledger_report {
	const char *job_id, *rollout_id;
	const char *operation; /* "PutJobSuccessResult" or "PutJobFailureResult" */
	const char *body;      /* JSON */
	bool final;	       /* no token in it: the action ends with it */
	struct utc written;
	int64_t attempts;
};

/* Write the report; one per job: a second, different one is ERR_CONFLICT. */
int ledger_report_put(struct ledger *l, const struct ledger_report *r, struct err *err) MUST_CHECK;
/* The report was accepted, or can never be: forget it and its job, in one transaction. */
int ledger_report_done(struct ledger *l, const char *job_id, struct err *err) MUST_CHECK;
int ledger_report_tried(struct ledger *l, const char *job_id, struct err *err) MUST_CHECK;
int ledger_reports(struct ledger *l, struct arena *a, struct ledger_report **r, size_t *n,
		   struct err *err) MUST_CHECK;

/* --- operators ------------------------------------------------------------------------------ */
struct ledger_command {
	int64_t id;
	const char *rollout_id, *command; /* "promote" "rollback" "hold" "resume" */
	const char *user;
	struct utc at;
};
int ledger_command_put(struct ledger *l, const struct ledger_command *c,
		       struct err *err) MUST_CHECK;
/* The newest command for this rollout, or *c NULL. */
int ledger_command_get(struct ledger *l, const char *rollout_id, struct arena *a,
		       struct ledger_command **c, struct err *err) MUST_CHECK;

/*
 * For crash tests: from now on nothing is written any more (every write is ERR_SYSTEM), as if the
 * process had died at this moment.
 */
void ledger_freeze(struct ledger *l);

#endif
