#ifndef TESTS_SIM_SIM_CODEPIPELINE_H
#define TESTS_SIM_SIM_CODEPIPELINE_H

#include "tests/sim/sim_internal.h"

/*
 * CodePipeline's model, shared by the files sim_codepipeline*.c:
 *
 *   type      an action type that workers poll for
 *   pipeline  stages of actions; its source is an object in the artifact bucket
 *   execution one trip of one source through the stages
 *   run       one execution of one action (AWS: action execution)
 *   job       what a worker gets; a run is one job, or many by continuation tokens
 *
 * Everything lives in one arena until the simulator ends: a run is a few hundred bytes and nobody
 * simulates long enough to mind. Lists are oldest first.
 */
#define SIMCP_CONFIG_MAX 10
#define SIMCP_ARTIFACTS_MAX 5

struct simcp_pair {
	const char *key, *value;
};

struct simcp_type {
	const char *category, *owner, *provider, *version;
	const char *queryable; /* name of the queryable property, or "" */
	const char *secret;    /* name of the secret property, or "" */
	bool deleted;
	struct simcp_type *next;
};

struct simcp_stage;
struct simcp_pipeline;

struct simcp_action {
	const char *name, *ns; /* ns: the namespace of its output variables, or "" */
	const struct simcp_type *type;
	struct simcp_stage *stage;
	int64_t run_order;
	int64_t timeout_ms; /* of an approval */
	struct simcp_pair config[SIMCP_CONFIG_MAX];
	size_t n_config;
	const char *inputs[SIMCP_ARTIFACTS_MAX], *outputs[SIMCP_ARTIFACTS_MAX];
	size_t n_inputs, n_outputs;
	struct simcp_action *next;
};

struct simcp_stage {
	const char *name;
	size_t index; /* in the pipeline */
	struct simcp_action *actions;
	struct simcp_stage *next;
};

enum simcp_mode { SIMCP_SUPERSEDED, SIMCP_QUEUED, SIMCP_PARALLEL };

struct simcp_pipeline {
	const char *name, *bucket, *kms_key, *source; /* source: name of the source artifact */
	enum simcp_mode mode;
	struct simcp_stage *stages;
	struct simcp_pipeline *next;
};

struct simcp_artifact {
	const char *name, *key, *revision;
	struct simcp_artifact *next;
};

enum simcp_status {
	SIMCP_IN_PROGRESS,
	SIMCP_STOPPING,
	SIMCP_STOPPED,
	SIMCP_SUCCEEDED,
	SIMCP_FAILED,
	SIMCP_SUPERSEDED_STATUS,
	SIMCP_CANCELLED
};

struct simcp_execution {
	char id[RNG_UUID_SIZE];
	struct simcp_pipeline *pipeline;
	enum simcp_status status;
	const struct simcp_execution *rollback_of; /* NULL for an ordinary one */
	struct simcp_artifact *artifacts;	   /* newest first */
	struct simcp_stage *stage;		   /* where it is, or waits to enter */
	bool entered;				   /* it is in the stage, not before it */
	bool only_stage;			   /* a stage rollback ends with its stage */
	int64_t order;				   /* runOrder of the actions that run now */
	const char *stop_reason;
	struct utc started, updated;
	struct simcp_execution *next;
};

struct simcp_job;

struct simcp_run {
	struct sim_action pub; /* what the world may read */
	char id[RNG_UUID_SIZE];
	struct simcp_execution *execution;
	const struct simcp_action *action;
	struct simcp_pair config[SIMCP_CONFIG_MAX]; /* resolved */
	size_t n_config;
	struct simcp_artifact *inputs, *outputs;
	struct sim_report *reports;
	size_t cap_reports;
	const char *variables; /* output variables of the success, JSON object, or "" */
	const char *approval_token;
	struct simcp_run *next;
};

enum simcp_job_state {
	SIMCP_JOB_CREATED,
	SIMCP_JOB_QUEUED,
	SIMCP_JOB_DISPATCHED,
	SIMCP_JOB_IN_PROGRESS,
	SIMCP_JOB_TIMED_OUT,
	SIMCP_JOB_SUCCEEDED,
	SIMCP_JOB_FAILED
};

struct simcp_job {
	char id[RNG_UUID_SIZE];
	struct simcp_run *run;
	enum simcp_job_state state;
	int64_t nonce;
	const char *token; /* continuation token it carries, or "" */
	struct utc visible, dispatched, acknowledged, finished;
	struct simcp_job *next_live; /* live jobs only */
	struct simcp_job *older;     /* all jobs, newest first */
};

struct simcp {
	struct sim *sim;
	struct arena *arena;
	struct simcp_type *types;
	struct simcp_pipeline *pipelines;
	struct simcp_execution *executions, **executions_end;
	struct simcp_run *runs, **runs_end;
	struct simcp_job *live, **live_end;
	struct simcp_job *newest;
	bool has_approvals; /* there ever was one */
};

/* --- sim_codepipeline_model.c ----------------------------------------------------------------- */

struct simcp_type *simcp_type_find(struct simcp *cp, const struct simcp_type *like);
struct simcp_type *simcp_type_add(struct simcp *cp,
				  const struct simcp_type *like); /* copies; revives */
struct simcp_pipeline *simcp_pipeline_find(struct simcp *cp, struct str name);
struct simcp_pipeline *simcp_pipeline_add(struct simcp *cp, struct str name);
struct simcp_stage *simcp_stage_find(struct simcp_pipeline *p, struct str name);
struct simcp_stage *simcp_stage_add(struct simcp *cp, struct simcp_pipeline *p, struct str name);
struct simcp_action *simcp_action_find(struct simcp_stage *st, struct str name);
struct simcp_action *simcp_action_add(struct simcp *cp, struct simcp_stage *st, struct str name);
struct simcp_execution *simcp_execution_find(struct simcp *cp, struct str id);
struct simcp_run *simcp_run_find(struct simcp *cp, struct str id);
/* The latest run of an action in an execution, or NULL. */
struct simcp_run *simcp_run_latest(struct simcp *cp, const struct simcp_execution *e,
				   const struct simcp_action *a);
struct simcp_artifact *simcp_artifact_add(struct simcp *cp, struct simcp_artifact **list,
					  const char *name, const char *key, const char *revision);
const struct simcp_artifact *simcp_artifact_find(const struct simcp_artifact *list,
						 const char *name);
/* A new object key "<pipeline>/<artifact>/<random>", cut as CodePipeline cuts it. */
const char *simcp_artifact_key(struct simcp *cp, const char *pipeline, const char *artifact);
const char *simcp_status_name(enum simcp_status s);
const char *simcp_mode_name(enum simcp_mode m);
bool simcp_type_is_approval(const struct simcp_type *t);

/* --- sim_codepipeline_engine.c: executions move ----------------------------------------------- */

/* A new execution over these artifacts, from this stage on. */
struct simcp_execution *simcp_execution_start(struct simcp *cp, struct simcp_pipeline *p,
					      const struct simcp_artifact *artifacts,
					      struct simcp_stage *from);
/* Store the source artifact (empty bytes: keep what is at key) and start. */
struct simcp_execution *simcp_push(struct simcp *cp, struct simcp_pipeline *p, struct str bytes);
/* Everything that is due by now: redelivery, time-outs, next actions, next stages. */
void simcp_settle(struct simcp *cp);
/* End a run; its failure type and message are in pub already. */
void simcp_run_end(struct simcp *cp, struct simcp_run *r, const char *status);
/* These answer NULL, or the name of the exception that AWS would throw. */
const char *simcp_stop(struct simcp *cp, struct simcp_execution *e, bool abandon,
		       const char *reason);
/* The pipeline's definition is changed: what runs is not carried on. */
void simcp_edit(struct simcp *cp, struct simcp_pipeline *p);
const char *simcp_retry(struct simcp *cp, struct simcp_execution *e, struct simcp_stage *st,
			bool all);
const char *simcp_rollback(struct simcp *cp, struct simcp_stage *st, struct simcp_pipeline *p,
			   struct simcp_execution *target, struct simcp_execution **out);
const char *simcp_approve(struct simcp *cp, struct simcp_run *r, bool approved,
			  const char *summary);

/* --- sim_codepipeline_jobs.c: the worker's five calls ----------------------------------------- */

struct simcp_job *simcp_job_add(struct simcp *cp, struct simcp_run *r, const char *token,
				int64_t delay_ms);
struct simcp_job *simcp_job_find(struct simcp *cp, struct str id);
void simcp_job_end(struct simcp *cp, struct simcp_job *j, enum simcp_job_state state);
const char *simcp_job_state_name(enum simcp_job_state s);
void simcp_poll_for_jobs(struct simcp *cp, const struct sim_exchange *x);
void simcp_acknowledge_job(struct simcp *cp, const struct sim_exchange *x);
void simcp_get_job_details(struct simcp *cp, const struct sim_exchange *x);

/* --- sim_codepipeline_report.c ---------------------------------------------------------------- */
void simcp_put_job_success(struct simcp *cp, const struct sim_exchange *x);
void simcp_put_job_failure(struct simcp *cp, const struct sim_exchange *x);

/* --- sim_codepipeline_read.c: what may be asked ----------------------------------------------- */
void simcp_list_action_executions(struct simcp *cp, const struct sim_exchange *x);
void simcp_get_pipeline_state(struct simcp *cp, const struct sim_exchange *x);
void simcp_get_pipeline_execution(struct simcp *cp, const struct sim_exchange *x);
void simcp_list_pipeline_executions(struct simcp *cp, const struct sim_exchange *x);
void simcp_list_action_types(struct simcp *cp, const struct sim_exchange *x);

/* --- sim_codepipeline_admin.c: what may be asked for ------------------------------------------ */
void simcp_create_action_type(struct simcp *cp, const struct sim_exchange *x);
void simcp_delete_action_type(struct simcp *cp, const struct sim_exchange *x);
void simcp_start_execution(struct simcp *cp, const struct sim_exchange *x);
void simcp_stop_execution(struct simcp *cp, const struct sim_exchange *x);
void simcp_retry_stage(struct simcp *cp, const struct sim_exchange *x);
void simcp_rollback_stage(struct simcp *cp, const struct sim_exchange *x);
void simcp_put_approval(struct simcp *cp, const struct sim_exchange *x);

/* --- sim_codepipeline_control.c --------------------------------------------------------------- */
int simcp_control(struct sim *s, void *state, const struct sim_words *w, struct json_out *out,
		  struct err *err);

/* --- sim_codepipeline.c: shared by the wire files --------------------------------------------- */

void simcp_error(const struct sim_exchange *x, const char *code, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
/* The text member of that name; when it is missing or out of range, the refusal is written. */
bool simcp_need(const struct sim_exchange *x, const char *key, size_t max, struct str *out);
/* An optional text member; false (refused) when present and not 1 to max characters. */
bool simcp_length_ok(const struct sim_exchange *x, const struct json *node, const char *name,
		     size_t max);
struct simcp_pipeline *simcp_need_pipeline(struct simcp *cp, const struct sim_exchange *x,
					   const char *key);
void simcp_out_time(struct json_out *o, const char *key, struct utc t); /* epoch seconds */
/* Read an actionTypeId; false (refused) when a part is missing. */
bool simcp_need_type(const struct sim_exchange *x, const struct json *id, struct simcp_type *out);
void simcp_out_type(struct json_out *o, const char *key, const struct simcp_type *t, bool noise);
size_t simcp_characters(struct str s); /* Unicode code points */

#endif
