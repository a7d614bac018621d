#ifndef WORKER_RECONCILER_H
#define WORKER_RECONCILER_H

#include "worker/scheduler.h"

struct worker;

/*
 * Finds out what nobody tells: whether the action execution behind a parked rollout is over
 * (stopped, abandoned, timed out, edited away), and whether a job whose acknowledgement was lost
 * is ours. A rollout that moved traffic and has had no job for three times the expected gap is
 * asked about with ListActionExecutions; when it is over, its baseline is restored. One that is
 * parked for another action is asked about with GetPipelineExecution. After a restart it is taken
 * up again, so that its guards go on being asked.
 */
/*
 * What became of an action execution, asked with ListActionExecutions. Blocks. UNKNOWN when it
 * could not be asked, or CodePipeline does not know it (yet): conclude nothing. An execution
 * whose pipeline has been deleted is over.
 */
enum fate { FATE_UNKNOWN, FATE_IN_PROGRESS, FATE_SUCCEEDED, FATE_OVER };

struct arena;
enum fate reconciler_ask(struct worker *w, const char *pipeline, const char *execution_id,
			 const char *action_execution_id, struct arena *a);

/*
 * The same for a rollout that was handed over, whose own action has succeeded by that: SUCCEEDED
 * when a later action of the execution has named it and succeeded, OVER when none has.
 */
enum fate reconciler_ask_later(struct worker *w, const char *pipeline, const char *execution_id,
			       const char *action_execution_id, const char *rollout_id,
			       struct arena *a);

struct task *reconciler_new(struct worker *w);
void reconciler_free(struct task *t);

/*
 * At the start: jobs that were held when the last process died are read again with GetJobDetails
 * and given to their rollouts. What cannot be read now is tried again by the task.
 */
void reconciler_recover(struct worker *w);

#endif
