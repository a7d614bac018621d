#include "aws/codepipeline.h"

#include <assert.h>
#include <string.h>

#include "aws/answer.h"

/*
 * The job protocol of CodePipeline. Documents are read the way the service really writes them:
 * members missing, null, or of names nobody announced ("__type"). A document that is worse than
 * that is not an error of the whole poll, since the other jobs in it are good: the job carries a
 * `problem` and its holder can still report it as failed.
 */

const struct aws_service codepipeline_service = {
	.id = "CodePipeline",
	.endpoint_prefix = "codepipeline",
	.signing_name = "codepipeline",
	.target_prefix = "CodePipeline_20150709",
	.api_version = "2015-07-09",
	.protocol = AWS_JSON_1_1,
	.double_encode = true,
};

static int call(const struct aws_client *c, const char *operation, const struct buf *body,
		bool resend_safe, struct arena *a, struct aws_response *res, struct err *err)
{
	if (buf_check(body, "request", err))
		return err_wrap(err, "CodePipeline.%s", operation);

	struct aws_request r = {
		.service = &codepipeline_service,
		.operation = operation,
		.body = buf_str(body),
		.resend_safe = resend_safe,
	};

	return aws_call(c, &r, a, res, err);
}

static const struct json *object_of(const struct json *node)
{
	return node && node->type == JSON_OBJECT ? node : NULL;
}

static const struct json *array_of(const struct json *node)
{
	return node && node->type == JSON_ARRAY ? node : NULL;
}

/* --- reading a job --------------------------------------------------------------------------- */

static void complain(struct cp_job *job, const char *problem)
{
	if (!job->problem)
		job->problem = problem;
}

static void read_action_type(const struct json *t, struct cp_action_type *out)
{
	out->category = aws_json_text(t, "category");
	out->owner = aws_json_text(t, "owner");
	out->provider = aws_json_text(t, "provider");
	out->version = aws_json_text(t, "version");
}

static void read_configuration(const struct json *map, struct arena *a, struct cp_job *job)
{
	if (!map || map->type == JSON_NULL)
		return;
	if (map->type != JSON_OBJECT) {
		complain(job, "the action's configuration is not a map");
		return;
	}

	struct cp_property *p = arena_array(a, struct cp_property, map->n);
	size_t n = 0;

	json_each (m, map) {
		if (m->type == JSON_NULL || str_is(m->key, "__type"))
			continue;
		if (m->type != JSON_STRING) {
			complain(job,
				 arena_printf(a, "configuration property " STR_FMT " is not text",
					      STR_ARG(str_sub(m->key, 0, 50))));
			continue;
		}
		p[n].name = m->key.p;
		p[n].value = m->text.p;
		n++;
	}
	job->configuration = p;
	job->n_configuration = n;
}

static const char *artifact_problem(const struct json *node, struct cp_artifact *out)
{
	const struct json *location = json_get(node, "location");
	const char *type = aws_json_text(location, "type");

	out->name = aws_json_text(node, "name");
	out->revision = aws_json_text(node, "revision");
	out->bucket = json_cstr(json_at(location, "s3Location.bucketName"));
	out->key = json_cstr(json_at(location, "s3Location.objectKey"));
	if (!object_of(node) || !out->name)
		return "an artifact has no name";
	if (type && strcmp(type, "S3") != 0)
		return "an artifact is not in S3";
	if (!out->bucket != !out->key)
		return "the location of an artifact is incomplete";
	return NULL;
}

static void read_artifacts(const struct json *list, struct arena *a, struct cp_job *job,
			   const struct cp_artifact **out, size_t *n)
{
	if (!list || list->type == JSON_NULL)
		return;
	if (!array_of(list) || list->n > LIMIT_ARTIFACTS) {
		complain(job, arena_printf(a, "the artifacts are not a list of at most %d",
					   LIMIT_ARTIFACTS));
		return;
	}

	struct cp_artifact *all = arena_array(a, struct cp_artifact, list->n);

	json_each (item, list) {
		const char *problem = artifact_problem(item, &all[*n]);

		if (problem)
			complain(job, problem);
		else
			(*n)++;
	}
	*out = all;
}

static void read_credentials(const struct json *node, struct cp_job *job)
{
	struct cp_credentials *c = &job->credentials;
	double ms;

	if (!node || node->type == JSON_NULL)
		return;
	c->access_key_id = aws_json_text(node, "accessKeyId");
	c->secret_access_key = aws_json_text(node, "secretAccessKey");
	c->session_token = aws_json_text(node, "sessionToken");
	if (!c->session_token)
		c->session_token = "";
	if (!c->access_key_id || !c->secret_access_key) {
		complain(job, "the artifact credentials are incomplete");
		return;
	}
	job->has_credentials = true;

	/* Not in the model; seen in milliseconds, unlike every other moment of this service. */
	if (json_double(json_get(node, "expirationTime"), &ms) && ms >= 1e12 && ms < 2.5e14) {
		c->has_expiry = true;
		c->expires.ms = (int64_t)ms;
	}
}

static void read_job(const struct json *node, struct arena *a, struct cp_job *job)
{
	const struct json *data = json_get(node, "data");
	const struct json *context = json_get(data, "pipelineContext");
	const struct json *action = json_get(context, "action");

	*job = (struct cp_job){
		.id = aws_json_text(node, "id"),
		.nonce = aws_json_text(node, "nonce"),
		.account_id = aws_json_text(node, "accountId"),
	};
	if (!object_of(data)) {
		complain(job, "the job has no data");
		return;
	}
	read_action_type(json_get(data, "actionTypeId"), &job->action_type);
	read_configuration(json_at(data, "actionConfiguration.configuration"), a, job);
	job->pipeline_name = aws_json_text(context, "pipelineName");
	job->stage_name = json_cstr(json_at(context, "stage.name"));
	job->action_name = aws_json_text(action, "name");
	job->pipeline_arn = aws_json_text(context, "pipelineArn");
	job->pipeline_execution_id = aws_json_text(context, "pipelineExecutionId");
	job->action_execution_id = aws_json_text(action, "actionExecutionId");
	read_artifacts(json_get(data, "inputArtifacts"), a, job, &job->inputs, &job->n_inputs);
	read_artifacts(json_get(data, "outputArtifacts"), a, job, &job->outputs, &job->n_outputs);
	read_credentials(json_get(data, "artifactCredentials"), job);
	job->continuation_token = aws_json_text(data, "continuationToken");
	job->encryption_key_id = json_cstr(json_at(data, "encryptionKey.id"));
}

const char *cp_job_property(const struct cp_job *job, const char *name)
{
	for (size_t i = 0; i < job->n_configuration; i++) {
		if (strcmp(job->configuration[i].name, name) == 0)
			return job->configuration[i].value;
	}
	return NULL;
}

/* --- calls about jobs ------------------------------------------------------------------------ */

int codepipeline_poll(const struct aws_client *c, const struct cp_poll *poll, struct arena *a,
		      struct cp_job_list *out, struct err *err)
{
	struct aws_response res;
	struct json_out o;
	struct buf body;
	int ret;

	assert(poll->n_max >= 1);
	buf_init(&body, 4096);
	json_out_init(&o, &body);
	json_out_object(&o);
	json_out_key(&o, "actionTypeId");
	json_out_object(&o);
	json_member_cstr(&o, "category", poll->type.category);
	json_member_cstr(&o, "owner", poll->type.owner);
	json_member_cstr(&o, "provider", poll->type.provider);
	json_member_cstr(&o, "version", poll->type.version);
	json_out_end(&o);
	json_member_i64(&o, "maxBatchSize", poll->n_max);
	if (poll->query_name && poll->query_value) {
		json_out_key(&o, "queryParam");
		json_out_object(&o);
		json_member_cstr(&o, poll->query_name, poll->query_value);
		json_out_end(&o);
	}
	json_out_end(&o);
	ret = call(c, "PollForJobs", &body, true, a, &res, err);
	buf_release(&body);
	if (ret)
		return -1;

	const struct json *jobs = json_get(res.json, "jobs");

	*out = (struct cp_job_list){.jobs = NULL};
	if (!jobs || jobs->type == JSON_NULL)
		return 0;
	if (jobs->type != JSON_ARRAY)
		return err_set(err, ERR_MALFORMED, "CodePipeline.PollForJobs: jobs is not a list");
	out->jobs = arena_array(a, struct cp_job, jobs->n);
	json_each (node, jobs) {
		read_job(node, a, &out->jobs[out->n]);
		if (out->jobs[out->n].id && out->jobs[out->n].nonce)
			out->n++;
		else
			out->n_skipped++;
	}
	return 0;
}

static const char *const job_status_names[] = {
	[CP_JOB_CREATED] = "Created",	    [CP_JOB_QUEUED] = "Queued",
	[CP_JOB_DISPATCHED] = "Dispatched", [CP_JOB_IN_PROGRESS] = "InProgress",
	[CP_JOB_TIMED_OUT] = "TimedOut",    [CP_JOB_SUCCEEDED] = "Succeeded",
	[CP_JOB_FAILED] = "Failed",	    [CP_JOB_UNKNOWN] = "unknown",
};

const char *cp_job_status_name(enum cp_job_status s)
{
	return (unsigned)s <= CP_JOB_UNKNOWN ? job_status_names[s] : "unknown";
}

/* The position of text in names, or `other`. */
static int word_of(const char *const *names, int other, struct str text)
{
	for (int i = 0; i < other; i++) {
		if (str_is(text, names[i]))
			return i;
	}
	return other;
}

int codepipeline_acknowledge(const struct aws_client *c, const char *job_id, const char *nonce,
			     struct arena *a, enum cp_job_status *status, struct err *err)
{
	struct aws_response res;
	struct json_out o;
	struct buf body;
	int ret;

	buf_init(&body, 1024);
	json_out_init(&o, &body);
	json_out_object(&o);
	json_member_cstr(&o, "jobId", job_id);
	json_member_cstr(&o, "nonce", nonce);
	json_out_end(&o);
	ret = call(c, "AcknowledgeJob", &body, false, a, &res, err);
	buf_release(&body);
	if (ret)
		return -1;
	*status = (enum cp_job_status)word_of(job_status_names, CP_JOB_UNKNOWN,
					      json_text(json_get(res.json, "status")));
	return 0;
}

int codepipeline_job_details(const struct aws_client *c, const char *job_id, struct arena *a,
			     struct cp_job *out, struct err *err)
{
	struct aws_response res;
	struct json_out o;
	struct buf body;
	struct cp_job job;
	int ret;

	buf_init(&body, 1024);
	json_out_init(&o, &body);
	json_out_object(&o);
	json_member_cstr(&o, "jobId", job_id);
	json_out_end(&o);
	ret = call(c, "GetJobDetails", &body, true, a, &res, err);
	buf_release(&body);
	if (ret)
		return -1;
	read_job(json_get(res.json, "jobDetails"), a, &job);
	if (!job.id || strcmp(job.id, job_id) != 0)
		return err_set(err, ERR_MALFORMED,
			       "CodePipeline.GetJobDetails: asked for job %s, got job %.40s",
			       job_id, job.id ? job.id : "without id");
	*out = job;
	return 0;
}

/* --- reports --------------------------------------------------------------------------------- */

int codepipeline_put_raw(const struct aws_client *c, const char *operation, struct str body,
			 struct arena *a, struct err *err)
{
	const char *known = strcmp(operation, CP_PUT_SUCCESS) == 0   ? CP_PUT_SUCCESS
			    : strcmp(operation, CP_PUT_FAILURE) == 0 ? CP_PUT_FAILURE
								     : NULL;
	struct aws_response res;
	struct aws_request r = {
		.service = &codepipeline_service,
		.operation = known, /* static: it outlives the counters that name it */
		.body = body,
		.resend_safe = true,
		.raw_body = true, /* empty, or {}: nothing to read either way */
	};

	if (!known)
		return err_set(err, ERR_REJECTED, "\"%.60s\" is not a report", operation);
	return aws_call(c, &r, a, &res, err);
}

int codepipeline_put_success(const struct aws_client *c, const struct cp_success *s,
			     struct arena *a, struct err *err)
{
	struct buf body;
	int ret;

	buf_init(&body, CP_REPORT_BODY_MAX);
	ret = codepipeline_success_body(&body, s, err);
	if (!ret)
		ret = codepipeline_put_raw(c, CP_PUT_SUCCESS, buf_str(&body), a, err);
	buf_release(&body);
	return ret;
}

int codepipeline_put_failure(const struct aws_client *c, const struct cp_failure *f,
			     struct arena *a, struct err *err)
{
	struct buf body;
	int ret;

	buf_init(&body, CP_REPORT_BODY_MAX);
	ret = codepipeline_failure_body(&body, f, err);
	if (!ret)
		ret = codepipeline_put_raw(c, CP_PUT_FAILURE, buf_str(&body), a, err);
	buf_release(&body);
	return ret;
}

/* --- action executions ----------------------------------------------------------------------- */

static const char *const action_status_names[] = {
	[CP_ACTION_IN_PROGRESS] = "InProgress", [CP_ACTION_ABANDONED] = "Abandoned",
	[CP_ACTION_SUCCEEDED] = "Succeeded",	[CP_ACTION_FAILED] = "Failed",
	[CP_ACTION_UNKNOWN] = "unknown",
};

const char *cp_action_status_name(enum cp_action_status s)
{
	return (unsigned)s <= CP_ACTION_UNKNOWN ? action_status_names[s] : "unknown";
}

/* Pairs of text out of a map; what is no text is left out. */
static size_t read_pairs(const struct json *map, struct arena *a, const struct cp_property **out)
{
	struct cp_property *p;
	size_t n = 0;

	if (!object_of(map))
		return 0;
	p = arena_array(a, struct cp_property, map->n + 1);
	json_each(m, map) {
		if (m->type != JSON_STRING || str_is(m->key, "__type"))
			continue;
		p[n++] = (struct cp_property){m->key.p, m->text.p};
	}
	*out = p;
	return n;
}

static void read_variables(const struct json *map, struct arena *a, struct cp_action_execution *out)
{
	const struct cp_property *pairs = NULL;
	size_t n = read_pairs(map, a, &pairs);
	struct cp_variable *v = arena_array(a, struct cp_variable, n + 1);

	for (size_t i = 0; i < n; i++)
		v[i] = (struct cp_variable){pairs[i].name, pairs[i].value};
	out->variables = v;
	out->n_variables = n;
}

const char *cp_action_variable(const struct cp_action_execution *e, const char *name)
{
	for (size_t i = 0; i < e->n_variables; i++)
		if (!strcmp(e->variables[i].name, name))
			return e->variables[i].value;
	return NULL;
}

#define UPDATED_MAX_S 253402300800.0 /* the year 10000: no later moment has a text */

static void read_action(const struct json *node, struct arena *a, struct cp_action_execution *out)
{
	const struct json *result = json_at(node, "output.executionResult");
	const struct json *resolved = json_at(node, "input.resolvedConfiguration");
	double updated; /* seconds */

	read_action_type(json_at(node, "input.actionTypeId"), &out->type);
	out->n_configuration =
		read_pairs(object_of(resolved) ? resolved : json_at(node, "input.configuration"), a,
			   &out->configuration);
	read_variables(json_at(node, "output.outputVariables"), a, out);
	out->action_execution_id = aws_json_text(node, "actionExecutionId");
	out->pipeline_execution_id = aws_json_text(node, "pipelineExecutionId");
	out->stage_name = aws_json_text(node, "stageName");
	out->action_name = aws_json_text(node, "actionName");
	out->external_execution_id = aws_json_text(result, "externalExecutionId");
	out->summary = aws_json_text(result, "externalExecutionSummary");
	out->status = (enum cp_action_status)word_of(action_status_names, CP_ACTION_UNKNOWN,
						     json_text(json_get(node, "status")));
	if (json_double(json_get(node, "lastUpdateTime"), &updated) && updated >= 0 &&
	    updated < UPDATED_MAX_S)
		out->updated.ms = (int64_t)(updated * 1000);
}

int codepipeline_list_action_executions(const struct aws_client *c, const struct cp_action_query *q,
					struct arena *a, struct cp_action_list *out,
					struct err *err)
{
	struct aws_response res;
	struct json_out o;
	struct buf body;
	int ret;

	assert(q->max_results >= 0 && q->max_results <= 100);
	buf_init(&body, 16384);
	json_out_init(&o, &body);
	json_out_object(&o);
	json_member_cstr(&o, "pipelineName", q->pipeline_name);
	if (q->pipeline_execution_id) {
		json_out_key(&o, "filter");
		json_out_object(&o);
		json_member_cstr(&o, "pipelineExecutionId", q->pipeline_execution_id);
		json_out_end(&o);
	}
	json_member_i64(&o, "maxResults", q->max_results ? q->max_results : 100);
	json_member_cstr(&o, "nextToken", q->next_token);
	json_out_end(&o);
	ret = call(c, "ListActionExecutions", &body, true, a, &res, err);
	buf_release(&body);
	if (ret)
		return -1;

	const struct json *list = json_get(res.json, "actionExecutionDetails");

	*out = (struct cp_action_list){.next_token = aws_json_text(res.json, "nextToken")};
	if (!list || list->type == JSON_NULL)
		return 0;
	if (list->type != JSON_ARRAY)
		return err_set(err, ERR_MALFORMED,
			       "CodePipeline.ListActionExecutions: the list is none");

	struct cp_action_execution *all = arena_array(a, struct cp_action_execution, list->n);

	json_each (node, list)
		read_action(node, a, &all[out->n++]);
	out->actions = all;
	return 0;
}

/* --- pipeline executions --------------------------------------------------------------------- */

static const char *const execution_status_names[] = {
	[CP_EXECUTION_IN_PROGRESS] = "InProgress", [CP_EXECUTION_STOPPING] = "Stopping",
	[CP_EXECUTION_STOPPED] = "Stopped",	   [CP_EXECUTION_SUCCEEDED] = "Succeeded",
	[CP_EXECUTION_SUPERSEDED] = "Superseded",  [CP_EXECUTION_FAILED] = "Failed",
	[CP_EXECUTION_CANCELLED] = "Cancelled",	   [CP_EXECUTION_UNKNOWN] = "unknown",
};

const char *cp_execution_status_name(enum cp_execution_status s)
{
	return (unsigned)s <= CP_EXECUTION_UNKNOWN ? execution_status_names[s] : "unknown";
}

int codepipeline_execution(const struct aws_client *c, const char *pipeline_name,
			   const char *pipeline_execution_id, struct arena *a,
			   enum cp_execution_status *out, struct err *err)
{
	const struct json *execution;
	struct aws_response res;
	struct json_out o;
	struct buf body;
	const char *id;
	int ret;

	buf_init(&body, 1024);
	json_out_init(&o, &body);
	json_out_object(&o);
	json_member_cstr(&o, "pipelineName", pipeline_name);
	json_member_cstr(&o, "pipelineExecutionId", pipeline_execution_id);
	json_out_end(&o);
	ret = call(c, "GetPipelineExecution", &body, true, a, &res, err);
	buf_release(&body);
	if (ret)
		return -1;
	execution = json_get(res.json, "pipelineExecution");
	id = aws_json_text(execution, "pipelineExecutionId");
	if (!id || strcmp(id, pipeline_execution_id) != 0)
		return err_set(err, ERR_MALFORMED,
			       "CodePipeline.GetPipelineExecution: asked for execution %s, got "
			       "%.40s",
			       pipeline_execution_id, id ? id : "one without id");
	*out = (enum cp_execution_status)word_of(execution_status_names, CP_EXECUTION_UNKNOWN,
						 json_text(json_get(execution, "status")));
	return 0;
}
