#ifndef WORKER_POLLER_H
#define WORKER_POLLER_H

#include "worker/scheduler.h"

struct worker;

/*
 * From a poll to the acknowledgement of its jobs, at most: CodePipeline hands a job out again that
 * has not been acknowledged for 30 s.
 */
#define POLLER_ACK_MS 20000

/*
 * Asks CodePipeline for work: one action type after another, as many jobs as there are free slots,
 * at once again after a full answer, otherwise after poll_ms, jittered by half either way; backs
 * off when throttled or refused. A job is written into the ledger before it is acknowledged, and
 * given to its rollout when CodePipeline says InProgress.
 */
struct task *poller_new(struct worker *w);
void poller_free(struct task *t);

#endif
