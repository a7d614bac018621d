#ifndef AWS_CODEPIPELINE_H
#define AWS_CODEPIPELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/call.h"
#include "aws/core/buf.h"
#include "aws/core/clock.h"
#include "aws/core/err.h"
#include "aws/core/limits.h"
#include "aws/core/mem.h"
#include "aws/core/str.h"

/*
 * CodePipeline's job protocol for custom actions: awsJson1_1, API version 2015-07-09.
 *
 * Everything returned lives in the arena given and is NUL-terminated. Each function blocks for one
 * call, retries included, and can be called from any thread. A job document carries secrets (the
 * values of secret configuration properties, artifact credentials): they stay out of logs, errors,
 * tokens and files; nothing here puts them there.
 */
extern const struct aws_service codepipeline_service;

struct cp_action_type {
	const char *category, *owner, *provider, *version; /* "Deploy" "Custom" "Rollout" "1" */
};

struct cp_artifact {
	const char *name;
	const char *revision;	  /* NULL when the document has none */
	const char *bucket, *key; /* NULL when it has no S3 location */
};

/* A property of the action's configuration. Any value may be a secret: never log one. */
struct cp_property {
	const char *name, *value;
};

/* Keys to the artifact bucket, good for about 15 minutes. Secrets: never log them. */
struct cp_credentials {
	const char *access_key_id, *secret_access_key;
	const char *session_token; /* "" when there is none */
	bool has_expiry;	   /* the service seldom says */
	struct utc expires;
};

struct cp_job {
	const char *id;
	const char *nonce; /* NULL from GetJobDetails; good for AcknowledgeJob alone */
	const char *account_id;
	/*
	 * NULL for a usable job. Else what is wrong with its document, in words for people: it can
	 * be acknowledged and reported as failed, but nothing below may be relied on.
	 */
	const char *problem;
	struct cp_action_type action_type; /* members NULL when the document leaves them out */
	const struct cp_property *configuration;
	size_t n_configuration;
	const char *pipeline_name, *stage_name, *action_name; /* NULL when absent, as all below */
	const char *pipeline_arn, *pipeline_execution_id, *action_execution_id;
	const struct cp_artifact *inputs, *outputs; /* at most LIMIT_ARTIFACTS each */
	size_t n_inputs, n_outputs;
	bool has_credentials;
	struct cp_credentials credentials;
	const char *continuation_token;
	const char *encryption_key_id; /* NULL: the bucket's default key */
};

/* The value of a property, NULL when the configuration does not have it. */
const char *cp_job_property(const struct cp_job *job, const char *name);

struct cp_poll {
	struct cp_action_type type;
	const char *query_name, *query_value; /* queryable property; NULL: the type has none */
	int n_max;			      /* at least 1: ask for no more than can be run */
};

struct cp_job_list {
	struct cp_job *jobs; /* may be more than were asked for */
	size_t n;
	size_t n_skipped; /* without id or nonce: nobody could acknowledge them */
};

/*
 * PollForJobs: not a long poll, returns at once. No jobs is success with n 0. Sent again when the
 * outcome is unknown: a job whose answer was lost is handed out anew after about 30 seconds.
 * ERR_NOT_FOUND or ERR_REJECTED with aws "ActionTypeNotFoundException": no such action type here.
 * ERR_DENIED: the role may not poll it.
 */
int codepipeline_poll(const struct aws_client *c, const struct cp_poll *poll, struct arena *a,
		      struct cp_job_list *out, struct err *err) MUST_CHECK;

enum cp_job_status {
	CP_JOB_CREATED,
	CP_JOB_QUEUED,
	CP_JOB_DISPATCHED,
	CP_JOB_IN_PROGRESS, /* the only one that means: go ahead */
	CP_JOB_TIMED_OUT,
	CP_JOB_SUCCEEDED,
	CP_JOB_FAILED,
	CP_JOB_UNKNOWN /* absent, or a word we do not know: do not work on it */
};

/*
 * AcknowledgeJob. Not sent again when the outcome is unknown (err->sent): the nonce is used up by
 * the first one that arrives, so a resend could not tell us from another worker.
 * ERR_CONFLICT (InvalidNonceException): somebody has it, which may be this caller, when the request
 * arrived twice.
 * ERR_NOT_FOUND (JobNotFoundException): it is gone.
 */
int codepipeline_acknowledge(const struct aws_client *c, const char *job_id, const char *nonce,
			     struct arena *a, enum cp_job_status *status,
			     struct err *err) MUST_CHECK;

/*
 * GetJobDetails: the document again, with fresh artifact credentials. ERR_NOT_FOUND: it is over.
 * ERR_MALFORMED when the answer is about another job.
 */
int codepipeline_job_details(const struct aws_client *c, const char *job_id, struct arena *a,
			     struct cp_job *out, struct err *err) MUST_CHECK;

/* --- reports ------------------------------------------------------------------------------------
 */

struct cp_variable {
	const char *name; /* [A-Za-z0-9@_-]+ */
	const char *value;
};

struct cp_revision {
	const char *revision, *change_identifier; /* both or neither; at most 1,500 and 100 */
	const char *summary;			  /* NULL: none */
	bool has_created;
	struct utc created;
};

struct cp_success {
	const char *job_id;
	const char *continuation_token; /* NULL: the action is done; else: give me another job */
	const char *summary;		/* NULL or "": none */
	const char *external_execution_id;
	int percent_complete;		     /* 0 to 100; -1: none */
	struct cp_revision current_revision; /* zeroed: none */
	const struct cp_variable *variables; /* only without a continuation token */
	size_t n_variables;
};

enum cp_failure_type {
	CP_FAILURE_JOB_FAILED,
	CP_FAILURE_CONFIGURATION_ERROR,
	CP_FAILURE_PERMISSION_ERROR,
	CP_FAILURE_REVISION_OUT_OF_SYNC,
	CP_FAILURE_REVISION_UNAVAILABLE,
	CP_FAILURE_SYSTEM_UNAVAILABLE
};

struct cp_failure {
	const char *job_id;
	enum cp_failure_type type;
	const char *message; /* NULL or "": "no reason given", the service demands one */
	const char *external_execution_id; /* NULL or "": none */
};

/*
 * The exact bytes of a report: pure, so that they can be written down before they are sent.
 * Summary and message that are too long lose whole code points at their end, as does the revision
 * summary; bytes that are not UTF-8 become U+FFFD. The rest is not cut: a token, an execution id or
 * a revision that is too long is ERR_LIMIT; a missing job id, an empty token, variables together
 * with a token, a bad variable name or one twice, a percentage out of range is ERR_REJECTED.
 * Nothing is appended then.
 */
int codepipeline_success_body(struct buf *out, const struct cp_success *s,
			      struct err *err) MUST_CHECK;
int codepipeline_failure_body(struct buf *out, const struct cp_failure *f,
			      struct err *err) MUST_CHECK;

/* What a body made by these two takes at most: everything escaped, and 100 KB of variables. */
#define CP_REPORT_BODY_MAX (1u << 20)
/* All names and values of variables together; the service takes 122,880. Larger is ERR_LIMIT. */
#define CP_VARIABLES_MAX 100000

#define CP_PUT_SUCCESS "PutJobSuccessResult"
#define CP_PUT_FAILURE "PutJobFailureResult"

/*
 * Send a report made earlier; operation is CP_PUT_SUCCESS or CP_PUT_FAILURE, anything else is
 * ERR_REJECTED. A report is final by its job id, so it is sent again when the outcome is unknown.
 * ERR_CONFLICT (InvalidJobStateException) and ERR_NOT_FOUND (JobNotFoundException) say that this
 * job takes no report any more: after an attempt whose outcome was unknown that attempt may have
 * been the one that counted. Both are terminal. The empty answer of the service is success.
 */
int codepipeline_put_raw(const struct aws_client *c, const char *operation, struct str body,
			 struct arena *a, struct err *err) MUST_CHECK;

/* Build and send in one go; errors of both. */
int codepipeline_put_success(const struct aws_client *c, const struct cp_success *s,
			     struct arena *a, struct err *err) MUST_CHECK;
int codepipeline_put_failure(const struct aws_client *c, const struct cp_failure *f,
			     struct arena *a, struct err *err) MUST_CHECK;

/* --- is our action still alive? ------------------------------------------------------------------
 */

enum cp_action_status {
	CP_ACTION_IN_PROGRESS,
	CP_ACTION_ABANDONED,
	CP_ACTION_SUCCEEDED,
	CP_ACTION_FAILED,
	CP_ACTION_UNKNOWN /* absent, or a word we do not know: conclude nothing */
};

struct cp_action_execution {
	const char *action_execution_id; /* NULL when absent, as all here */
	const char *pipeline_execution_id, *stage_name, *action_name;
	struct cp_action_type type;
	const char *external_execution_id; /* of the last report */
	const char *summary;		   /* likewise */
	enum cp_action_status status;
	struct utc updated; /* begun, or last reported on; 0 when absent */
	/* the action's properties with variables filled in; the service masks secret ones */
	const struct cp_property *configuration;
	size_t n_configuration;
	const struct cp_variable *variables; /* what its success gave out */
	size_t n_variables;
};

/* The value of an output variable, NULL when there is none of that name. */
const char *cp_action_variable(const struct cp_action_execution *e, const char *name);

struct cp_action_query {
	const char *pipeline_name;
	const char *pipeline_execution_id; /* NULL: of all executions, newest first */
	const char *next_token;		   /* of the answer before; NULL: start */
	int max_results;		   /* 1 to 100; 0: 100 */
};

struct cp_action_list {
	const struct cp_action_execution *actions;
	size_t n;
	const char *next_token; /* NULL: that was the last page */
};

/* One page of ListActionExecutions. ERR_NOT_FOUND: no such pipeline or execution. */
int codepipeline_list_action_executions(const struct aws_client *c, const struct cp_action_query *q,
					struct arena *a, struct cp_action_list *out,
					struct err *err) MUST_CHECK;

enum cp_execution_status {
	CP_EXECUTION_IN_PROGRESS,
	CP_EXECUTION_STOPPING, /* actions that run may still end by themselves */
	CP_EXECUTION_STOPPED,
	CP_EXECUTION_SUCCEEDED,
	CP_EXECUTION_SUPERSEDED,
	CP_EXECUTION_FAILED,
	CP_EXECUTION_CANCELLED, /* the pipeline was edited meanwhile */
	CP_EXECUTION_UNKNOWN	/* absent, or a word we do not know: conclude nothing */
};

/*
 * GetPipelineExecution: how one trip through the pipeline stands. ERR_NOT_FOUND: no such pipeline
 * or execution. ERR_MALFORMED when the answer is about another one.
 */
int codepipeline_execution(const struct aws_client *c, const char *pipeline_name,
			   const char *pipeline_execution_id, struct arena *a,
			   enum cp_execution_status *out, struct err *err) MUST_CHECK;

/* "InProgress", "JobFailed" ...: the service's words. Never NULL. */
const char *cp_job_status_name(enum cp_job_status s);
const char *cp_failure_type_name(enum cp_failure_type t);
const char *cp_action_status_name(enum cp_action_status s);
const char *cp_execution_status_name(enum cp_execution_status s);

#endif
