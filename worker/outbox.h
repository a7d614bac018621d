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

/* The standing task that sends again what is left, every few seconds while there is anything. */
struct task *outbox_task_new(struct worker *w);
void outbox_task_free(struct task *t);

#endif
