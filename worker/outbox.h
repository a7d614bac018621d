#ifndef WORKER_OUTBOX_H
#define WORKER_OUTBOX_H

#include "worker/ledger.h"
#include "worker/scheduler.h"

struct worker;

/*
 * Reports on their way to CodePipeline. Each is in the ledger before it is sent and leaves it when
 * CodePipeline has accepted it or can never accept it; so a report survives a crash, a lost answer
 * and an hour without network, and is sent until then, with the same bytes.
 */

/*
 * Send one report now. True when nothing is left to say about its job; else it stays in the ledger
 * for the outbox task. Blocks.
 */
bool outbox_send(struct worker *w, const struct ledger_report *r);

/*
 * Nothing is left to say about this job: strike it and its report out of the ledger. When the disk
 * has no room even for that, it is remembered, and done by the task as soon as there is some.
 */
void outbox_strike(struct worker *w, const char *job_id);

/*
 * Was that to be done for this job, and the ledger has it still? Then it is as good as gone: ask
 * before the ledger is read, as it may be struck out in between.
 */
bool outbox_is_told(struct worker *w, const char *job_id);

/* No report waits to be sent. So says a ledger that cannot be read, too: nothing can be sent. */
bool outbox_is_empty(struct worker *w);

/*
 * The standing task that sends again what is left, every few seconds while there is anything. It is
 * worker->outbox from before the first report until after the last.
 */
struct task *outbox_task_new(struct worker *w);
void outbox_task_free(struct task *t);

#endif
