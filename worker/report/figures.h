#ifndef WORKER_REPORT_FIGURES_H
#define WORKER_REPORT_FIGURES_H

#include "worker/scheduler.h"

struct worker;

/*
 * Once a minute, and when the worker starts and stops, one line in the log that says where it
 * stands: event worker.figures, level info. It is made for whoever reads logs only, CloudWatch's
 * metric filters for one. What is counted is told as it grew since the line before, so that a sum
 * over lines is what happened in that time; the rest is how it is now. Fields that are not known
 * (the ledger could not be read) are left out. Names are stable; worker/EVENTS.md has them all.
 *
 * A turn of it reads a few counters and asks the ledger once; it makes no call.
 */
#define FIGURES_EVERY_MS 60000

struct task *figures_task_new(struct worker *w);
void figures_task_free(struct task *t); /* NULL does nothing */

/* Write the last line. The task is not in the scheduler any more. */
void figures_last(struct task *t);

#endif
