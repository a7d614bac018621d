#ifndef WORKER_JOB_H
#define WORKER_JOB_H

#include <stdbool.h>

#include "aws/codepipeline.h"
#include "aws/core/clock.h"
#include "aws/credentials.h"
#include "worker/rollout/decide.h"
#include "worker/rollout/handle.h"
#include "worker/rollout/plan.h"

struct worker;

/*
 * A CodePipeline job this worker holds: a copy of what the poll or GetJobDetails said, owned by the
 * rollout it belongs to. The job id is the only handle for reporting. Configuration values and
 * credentials are secrets: nothing here is logged but ids and names.
 */
struct job {
	struct arena *arena; /* everything below lives here */
	const char *id, *action_type;
	const char *problem; /* NULL for a usable job; else what is wrong with its document */
	const char *pipeline, *execution_id, *stage, *action, *action_execution_id;
	const char *account_id; /* of the pipeline, and of the worker that is asked */
	/*
	 * What the action is for. Of promote and rollback the rollout is the handle's, which has
	 * the id "" when the property Handle is none; else the rollout is the action execution's.
	 */
	enum mode mode;
	struct handle handle;
	char rollout_id[ROLLOUT_ID_MAX + 1];
	struct plan_property *properties;
	size_t n_properties;
	const struct cp_artifact *inputs, *outputs;
	size_t n_inputs, n_outputs;
	const char *token;	       /* continuation token, or NULL on a first job */
	const char *encryption_key_id; /* or NULL */
	struct credentials_provider *artifact_credentials; /* or NULL */
	struct utc credentials_at;			   /* when they were issued to us */
	struct mono taken;				   /* when it became ours */
	const struct aws_watch *watch; /* who wants to know of the calls made for it, or NULL */
};

/* Copy a job; NULL with err set when it is unusable (no ids, bad credentials). */
struct job *job_new(const struct cp_job *cp, struct clock *clock, struct err *err);
void job_free(struct job *j); /* NULL does nothing */

/* Is it for another action's rollout: promote or rollback? */
static inline bool job_attaches(const struct job *j)
{
	return j->mode == MODE_PROMOTE || j->mode == MODE_ROLLBACK;
}

/* The value of a property of the action's configuration; the empty slice when absent. */
struct str job_property(const struct job *j, const char *name);

/* Fresh artifact credentials through GetJobDetails, when they are older than max_age_ms. Blocks. */
int job_refresh(struct worker *w, struct job *j, int64_t max_age_ms, struct err *err) MUST_CHECK;

/*
 * Reports. Each is written to the ledger's outbox first and then sent once; when that fails in a
 * way that can be repeated, the outbox sends it again later. So 0 means "will be reported", and the
 * job is out of our hands. -1 only when neither could be done: the ledger cannot be written, and
 * CodePipeline did not answer.
 */
struct job_details {
	const char *summary;
	const char *rollout_id; /* externalExecutionId */
	int percent;
};
int job_report_token(struct worker *w, const struct job *j, const char *token,
		     const struct job_details *d, struct err *err) MUST_CHECK;
/* With a token that says nothing: the rollout has begun, and nothing of it has been looked at. */
int job_report_blank(struct worker *w, const struct job *j, const char *summary,
		     struct err *err) MUST_CHECK;
int job_report_success(struct worker *w, const struct job *j, const struct job_details *d,
		       const struct cp_variable *variables, size_t n_variables,
		       struct err *err) MUST_CHECK;
int job_report_failure(struct worker *w, const struct job *j, enum failure failure,
		       const char *message, const char *rollout_id, struct err *err) MUST_CHECK;

#endif
