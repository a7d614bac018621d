/*
 * Jobs, and three of the worker's calls: PollForJobs, AcknowledgeJob, GetJobDetails. A job is
 * handed out again when nobody acknowledges it; who acknowledges first has it.
 */
#include "tests/sim/sim_codepipeline.h"

#define POLL_MAX 100

const char *simcp_job_state_name(enum simcp_job_state s)
{
	static const char *const names[] = {
		[SIMCP_JOB_CREATED] = "Created",       [SIMCP_JOB_QUEUED] = "Queued",
		[SIMCP_JOB_DISPATCHED] = "Dispatched", [SIMCP_JOB_IN_PROGRESS] = "InProgress",
		[SIMCP_JOB_TIMED_OUT] = "TimedOut",    [SIMCP_JOB_SUCCEEDED] = "Succeeded",
		[SIMCP_JOB_FAILED] = "Failed",
	};

	return names[s];
}

struct simcp_job *simcp_job_add(struct simcp *cp, struct simcp_run *r, const char *token,
				int64_t delay_ms)
{
	struct simcp_job *j = arena_new_of(cp->arena, struct simcp_job);

	rng_uuid(sim_dice(cp->sim), j->id);
	j->run = r;
	j->token = token;
	j->nonce = 1 + (int64_t)rng_below(sim_dice(cp->sim), 9);
	j->visible.ms = sim_now(cp->sim).ms + delay_ms;
	j->state = delay_ms > 0 ? SIMCP_JOB_CREATED : SIMCP_JOB_QUEUED;
	j->older = cp->newest;
	cp->newest = j;
	*cp->live_end = j;
	cp->live_end = &j->next_live;
	r->pub.n_jobs++;
	return j;
}

struct simcp_job *simcp_job_find(struct simcp *cp, struct str id)
{
	for (struct simcp_job *j = cp->newest; j; j = j->older)
		if (str_is(id, j->id))
			return j;
	return NULL;
}

void simcp_job_end(struct simcp *cp, struct simcp_job *j, enum simcp_job_state state)
{
	struct simcp_job **at = &cp->live;

	j->state = state;
	j->finished = sim_now(cp->sim);
	while (*at && *at != j)
		at = &(*at)->next_live;
	if (!*at)
		return;
	*at = j->next_live;
	if (cp->live_end == &j->next_live)
		cp->live_end = at;
}

/* A job with that id which has not been purged; the refusal is written otherwise. */
static struct simcp_job *need_job(struct simcp *cp, const struct sim_exchange *x)
{
	struct simcp_job *j;
	struct str id;

	if (!simcp_need(x, "jobId", 36, &id))
		return NULL;
	j = simcp_job_find(cp, id);
	if (j && j->state >= SIMCP_JOB_TIMED_OUT &&
	    x->now.ms - j->finished.ms > sim_opts(cp->sim)->job_retention_ms)
		j = NULL;
	if (!j)
		simcp_error(x, "JobNotFoundException", "Job with id " STR_FMT " not found",
			    STR_ARG(id));
	return j;
}

/* --- the job document ------------------------------------------------------------------------- */

static void out_artifacts(struct json_out *o, const char *key, const char *bucket,
			  const struct simcp_artifact *list, bool noise)
{
	json_out_key(o, key);
	json_out_array(o);
	for (; list; list = list->next) {
		json_out_object(o);
		if (noise)
			json_member_cstr(o, "__type", "Artifact");
		json_member_cstr(o, "name", list->name);
		if (list->revision[0]) {
			json_member_cstr(o, "revision", list->revision);
		} else if (noise) {
			json_out_key(o, "revision");
			json_out_null(o);
		}
		json_out_key(o, "location");
		json_out_object(o);
		json_member_cstr(o, "type", "S3");
		json_out_key(o, "s3Location");
		json_out_object(o);
		json_member_cstr(o, "bucketName", bucket);
		json_member_cstr(o, "objectKey", list->key);
		json_out_end(o);
		json_out_end(o);
		json_out_end(o);
	}
	json_out_end(o);
}

static void out_credentials(struct simcp *cp, struct json_out *o, const struct simcp_job *j)
{
	const struct sim_options *opts = sim_opts(cp->sim);
	char principal[sizeof(SIM_ARTIFACT_PRINCIPAL) + RNG_UUID_SIZE] = SIM_ARTIFACT_PRINCIPAL;
	struct sim_key k;

	memcpy(principal + sizeof(SIM_ARTIFACT_PRINCIPAL) - 1, j->run->id, RNG_UUID_SIZE);
	sim_key_issue(cp->sim, principal, opts->artifact_credentials_ms, &k);
	json_out_key(o, "artifactCredentials");
	json_out_object(o);
	if (opts->noise)
		json_member_cstr(o, "__type", "AWSSessionCredentials");
	json_member_cstr(o, "accessKeyId", k.access_key_id);
	json_member_cstr(o, "secretAccessKey", k.secret);
	json_member_cstr(o, "sessionToken", k.token);
	if (opts->noise) /* seen in Lambda's form of the job document */
		json_member_i64(o, "expirationTime", k.expires.ms);
	json_out_end(o);
}

static void out_context(struct json_out *o, const struct simcp_run *r)
{
	char arn[256];
	struct buf b;

	buf_init(&b, sizeof(arn));
	buf_addf(&b, "arn:aws:codepipeline:" SIM_REGION ":" SIM_ACCOUNT ":%s", r->pub.pipeline);
	(void)str_copy(arn, sizeof(arn), buf_str(&b));
	buf_release(&b);
	json_out_key(o, "pipelineContext");
	json_out_object(o);
	json_member_cstr(o, "pipelineName", r->pub.pipeline);
	json_out_key(o, "stage");
	json_out_object(o);
	json_member_cstr(o, "name", r->pub.stage);
	json_out_end(o);
	json_out_key(o, "action");
	json_out_object(o);
	json_member_cstr(o, "name", r->pub.action);
	json_member_cstr(o, "actionExecutionId", r->id);
	json_out_end(o);
	json_member_cstr(o, "pipelineArn", arn);
	json_member_cstr(o, "pipelineExecutionId", r->execution->id);
	json_out_end(o);
}

static void out_optional(struct simcp *cp, struct json_out *o, const struct simcp_job *j)
{
	const struct simcp_pipeline *p = j->run->execution->pipeline;
	bool noise = sim_opts(cp->sim)->noise;

	if (j->token[0]) {
		json_member_cstr(o, "continuationToken", j->token);
	} else if (noise) {
		json_out_key(o, "continuationToken");
		json_out_null(o);
	}
	if (p->kms_key[0]) {
		json_out_key(o, "encryptionKey");
		json_out_object(o);
		json_member_cstr(o, "id", p->kms_key);
		json_member_cstr(o, "type", "KMS");
		json_out_end(o);
	} else if (noise) {
		json_out_key(o, "encryptionKey");
		json_out_null(o);
	}
	if (noise) {
		json_out_key(o, "undeclared");
		json_out_array(o);
		json_out_null(o);
		json_out_i64(o, 1);
		json_out_end(o);
	}
}

static void out_data(struct simcp *cp, struct json_out *o, const struct simcp_job *j)
{
	const struct simcp_run *r = j->run;
	bool noise = sim_opts(cp->sim)->noise;

	json_out_key(o, "data");
	json_out_object(o);
	if (noise)
		json_member_cstr(o, "__type", "JobData");
	simcp_out_type(o, "actionTypeId", r->action->type, noise);
	json_out_key(o, "actionConfiguration");
	json_out_object(o);
	if (noise)
		json_member_cstr(o, "__type", "ActionConfiguration");
	json_out_key(o, "configuration");
	json_out_object(o);
	for (size_t i = 0; i < r->n_config; i++)
		json_member_str(o, r->config[i].key, str_from(r->config[i].value));
	json_out_end(o);
	json_out_end(o);
	out_context(o, r);
	out_artifacts(o, "inputArtifacts", r->execution->pipeline->bucket, r->inputs, noise);
	out_artifacts(o, "outputArtifacts", r->execution->pipeline->bucket, r->outputs, noise);
	if (r->inputs || r->outputs)
		out_credentials(cp, o, j);
	out_optional(cp, o, j);
	json_out_end(o);
}

/* --- calls ------------------------------------------------------------------------------------ */

/* The value that a poll filters on; false (refused) when the filter does not fit the type. */
static bool poll_filter(const struct sim_exchange *x, const struct simcp_type *t, struct str *value)
{
	const struct json *q = json_get(x->json, "queryParam");

	*value = (struct str){"", 0};
	if (!t->queryable[0]) {
		if (q && q->n > 0)
			simcp_error(x, "ValidationException",
				    "the action type has no queryable property");
		return !q || q->n == 0;
	}
	*value = json_text(json_get(q, t->queryable));
	if (!q || q->n != 1 || !value->n || value->n > 50) {
		simcp_error(x, "ValidationException", "queryParam must give the one property %s",
			    t->queryable);
		return false;
	}
	return true;
}

static bool job_matches(const struct simcp_job *j, const struct simcp_type *t, struct str value)
{
	if (j->state != SIMCP_JOB_QUEUED || j->run->action->type != t)
		return false;
	if (!t->queryable[0])
		return true;
	for (size_t i = 0; i < j->run->n_config; i++)
		if (strcmp(j->run->config[i].key, t->queryable) == 0)
			return str_is(value, j->run->config[i].value);
	return false;
}

static void dispatch(struct simcp *cp, struct json_out *o, struct simcp_job *j)
{
	char nonce[24];
	struct buf b;

	if (j->dispatched.ms && sim_opts(cp->sim)->nonce_moves)
		j->nonce++;
	j->state = SIMCP_JOB_DISPATCHED;
	j->dispatched = sim_now(cp->sim);
	buf_init(&b, sizeof(nonce));
	buf_addf(&b, "%lld", (long long)j->nonce);
	json_out_object(o);
	json_member_cstr(o, "id", j->id);
	json_member_cstr(o, "nonce", b.p);
	json_member_cstr(o, "accountId", SIM_ACCOUNT);
	out_data(cp, o, j);
	json_out_end(o);
	buf_release(&b);
}

/* The type that is polled for; NULL when refused. */
static const struct simcp_type *polled_type(struct simcp *cp, const struct sim_exchange *x)
{
	struct simcp_type like;
	const struct simcp_type *t;

	if (!simcp_need_type(x, json_get(x->json, "actionTypeId"), &like))
		return NULL;
	if (strcmp(like.owner, "Custom") != 0) {
		simcp_error(x, "ValidationException", "ActionType with owner '%s' is not supported",
			    like.owner);
		return NULL;
	}
	t = simcp_type_find(cp, &like);
	if (!t || t->deleted) {
		simcp_error(x, "ActionTypeNotFoundException",
			    "ActionType (Category: '%s', Owner: 'Custom', Provider: '%s', Version: "
			    "'%s') is not available",
			    like.category, like.provider, like.version);
		return NULL;
	}
	return t;
}

/* Nothing to do is said in any of three ways. */
static void reply_no_jobs(struct simcp *cp, const struct sim_exchange *x)
{
	static const char *const forms[] = {"{\"jobs\":[]}", "{\"jobs\":null}", "{}"};
	uint64_t form = sim_opts(cp->sim)->noise ? rng_below(sim_dice(cp->sim), 3) : 0;

	sim_reply_json(x, 200, str_from(forms[form]));
}

void simcp_poll_for_jobs(struct simcp *cp, const struct sim_exchange *x)
{
	const struct json *batch = json_get(x->json, "maxBatchSize");
	const struct simcp_type *t = polled_type(cp, x);
	int64_t left = 1;
	struct str value;
	struct json_out o;
	struct buf b;
	bool any = false;

	if (!t || !poll_filter(x, t, &value))
		return;
	if (batch && (!json_i64(batch, &left) || left < 1)) {
		simcp_error(
			x, "ValidationException",
			"1 validation error detected: Value at 'maxBatchSize' failed to satisfy "
			"constraint: Member must have value greater than or equal to 1");
		return;
	}
	left = left > POLL_MAX ? POLL_MAX : left;
	buf_init(&b, 16u << 20);
	json_out_init(&o, &b);
	json_out_object(&o);
	json_out_key(&o, "jobs");
	json_out_array(&o);
	for (struct simcp_job *j = cp->live; j && left > 0; j = j->next_live) {
		if (!job_matches(j, t, value))
			continue;
		dispatch(cp, &o, j);
		any = true;
		left--;
	}
	json_out_end(&o);
	json_out_end(&o);
	if (any)
		sim_reply_json(x, 200, buf_str(&b));
	else
		reply_no_jobs(cp, x);
	buf_release(&b);
}

void simcp_acknowledge_job(struct simcp *cp, const struct sim_exchange *x)
{
	struct simcp_job *j = need_job(cp, x);
	struct str nonce;
	int64_t given;
	bool again;

	if (!j || !simcp_need(x, "nonce", 50, &nonce))
		return;
	again = j->state == SIMCP_JOB_IN_PROGRESS;
	if (!str_parse_i64(nonce, 0, INT64_MAX, &given) || given != j->nonce ||
	    (again && !sim_opts(cp->sim)->double_ack_ok)) {
		simcp_error(x, "InvalidNonceException", "The nonce of job %s is not valid", j->id);
		return;
	}
	/* dispatched, or back in the queue after a slow acknowledgement: who asks first has it */
	if (j->dispatched.ms &&
	    (j->state == SIMCP_JOB_DISPATCHED || j->state == SIMCP_JOB_QUEUED)) {
		j->state = SIMCP_JOB_IN_PROGRESS;
		j->acknowledged = x->now;
	}
	sim_reply_json(x, 200,
		       str_from(arena_printf(x->arena, "{\"status\":\"%s\"}",
					     simcp_job_state_name(j->state))));
}

void simcp_get_job_details(struct simcp *cp, const struct sim_exchange *x)
{
	const struct simcp_job *j = need_job(cp, x);
	struct json_out o;
	struct buf b;

	if (!j)
		return;
	buf_init(&b, 1u << 20);
	json_out_init(&o, &b);
	json_out_object(&o);
	json_out_key(&o, "jobDetails");
	json_out_object(&o);
	json_member_cstr(&o, "id", j->id);
	json_member_cstr(&o, "accountId", SIM_ACCOUNT);
	out_data(cp, &o, j);
	json_out_end(&o);
	json_out_end(&o);
	sim_reply_json(x, 200, buf_str(&b));
	buf_release(&b);
}
