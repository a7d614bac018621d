#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

#include "aws/call.h"
#include "aws/core/cancel.h"
#include "aws/core/lock.h"
#include "worker/config.h"
#include "worker/guard/guard.h"
#include "worker/job.h"
#include "worker/ledger.h"
#include "worker/report/metrics.h"
#include "worker/scheduler.h"

/*
 * The worker as a whole: what every turn needs, and the list of rollouts it knows. One per process
 * (several in one simulation). Everything it is built from comes in from outside, the three seams
 * among it; so the same code runs as a daemon and inside the simulator.
 */
struct worker_deps {
	const struct config *config;
	struct aws *aws;			  /* http, clock, rng, log, cancel inside */
	struct credentials_provider *credentials; /* the worker's own */
	const char *region;
	struct ledger *ledger;
	int threads; /* 0: driven by the caller through worker->scheduler */
	/* ourselves, to unpack artifacts in a process of its own; NULL: unpack in this one */
	const char *program;
};

struct rollout;

struct worker {
	const struct config *config;
	struct aws *aws;
	struct clock *clock;
	struct log *log;
	struct cancel *cancel;	  /* fires at a hard stop: blocked calls return */
	struct aws_client client; /* the worker's own account and region: CodePipeline */
	struct ledger *ledger;
	struct scheduler *scheduler;
	struct alarm_board *alarms;
	struct metrics metrics; /* what is counted for whoever looks */
	struct clients *clients;		    /* roles assumed for targets, cached */
	int work_fd;				    /* root of the workspaces */
	struct unpack_child unpack_child;	    /* where artifacts are unpacked */
	struct task *pollers, *outbox, *reconciler, *figures, *notices; /* standing */

	struct lock lock;	   /* LOCK_ROLLOUTS: what follows */
	struct rollout *rollouts;  /* list */
	size_t n_rollouts, n_jobs; /* known; with a job held */
	size_t n_taking;	   /* jobs being acknowledged just now */
	bool started;		   /* worker_start() has been called */
	bool stopping;		   /* no more polls; every turn reports its job and leaves */
	char account[13];	   /* its own, as its jobs say; "" until the first one */
};

/*
 * Build, open the workspace root, read the ledger: jobs held when the last process died are read
 * again by GetJobDetails, unsent reports are sent. Nothing runs before worker_start().
 */
struct worker *worker_new(const struct worker_deps *d, struct err *err);
int worker_start(struct worker *w, struct err *err) MUST_CHECK;

/*
 * Graceful stop, in order: no more polls; every rollout that holds a job reports it with a token at
 * its next safe point; the outbox is flushed. worker_stop_begin() starts that; worker_stopped()
 * tells when it is done. worker_free() stops what still runs.
 */
void worker_stop_begin(struct worker *w);
bool worker_stopped(struct worker *w);
void worker_free(struct worker *w);

/* --- rollouts ------------------------------------------------------------------------------- */

/* Give a job that is ours to its rollout, which is made when it is new; takes the job. */
void rollouts_attach(struct worker *w, struct job *job_take);
/* Put a rollout that was made from the ledger into the list, unless it is there; takes it. */
void rollouts_adopt(struct worker *w, struct rollout *r_take);
bool rollouts_knows(struct worker *w, const char *rollout_id);
/* Jobs that could be taken now: slots less those held; 0 while stopping. */
size_t rollouts_free_slots(struct worker *w);
/* Wake the rollout with this id, if it is known: an operator's command, an abandoned execution. */
void rollouts_wake(struct worker *w, const char *rollout_id);
/*
 * The action execution of this rollout is over: by a success that another worker reported, which
 * leaves everything as it is, or in any other way.
 */
void rollouts_end(struct worker *w, const char *rollout_id, bool succeeded);

#endif
