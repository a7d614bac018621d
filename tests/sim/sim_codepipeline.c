/*
 * CodePipeline's front: which call is which, throttling, and what the calls share in reading
 * requests and writing answers.
 *
 * Wire: CodePipeline API, version 2015-07-09, AWS JSON 1.1.
 */
#include "tests/sim/sim_codepipeline.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void simcp_error(const struct sim_exchange *x, const char *code, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sim_reply_error(x, SIM_WIRE_JSON, 400, code, "%s", text);
}

size_t simcp_characters(struct str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return n;
}

bool simcp_need(const struct sim_exchange *x, const char *key, size_t max, struct str *out)
{
	const struct json *node = json_get(x->json, key);

	if (!node || node->type != JSON_STRING) {
		simcp_error(x, "ValidationException",
			    "1 validation error detected: Value null at '%s' failed to satisfy "
			    "constraint: Member must not be null",
			    key);
		return false;
	}
	*out = json_text(node);
	return simcp_length_ok(x, node, key, max);
}

bool simcp_length_ok(const struct sim_exchange *x, const struct json *node, const char *name,
		     size_t max)
{
	size_t n;

	if (!node)
		return true;
	n = simcp_characters(json_text(node));
	if (node->type == JSON_STRING && n >= 1 && n <= max)
		return true;
	simcp_error(
		x, "ValidationException",
		"1 validation error detected: Value at '%s' failed to satisfy constraint: Member "
		"must have length between 1 and %zu",
		name, max);
	return false;
}

struct simcp_pipeline *simcp_need_pipeline(struct simcp *cp, const struct sim_exchange *x,
					   const char *key)
{
	struct simcp_pipeline *p;
	struct str name;

	if (!simcp_need(x, key, 100, &name))
		return NULL;
	p = simcp_pipeline_find(cp, name);
	if (!p)
		simcp_error(x, "PipelineNotFoundException",
			    "Account '" SIM_ACCOUNT "' does not have a pipeline with name '" STR_FMT
			    "'",
			    STR_ARG(name));
	return p;
}

void simcp_out_time(struct json_out *o, const char *key, struct utc t)
{
	json_member_double(o, key, (double)t.ms / 1000.0);
}

bool simcp_need_type(const struct sim_exchange *x, const struct json *id, struct simcp_type *out)
{
	*out = (struct simcp_type){
		.category = json_cstr(json_get(id, "category")),
		.owner = json_cstr(json_get(id, "owner")),
		.provider = json_cstr(json_get(id, "provider")),
		.version = json_cstr(json_get(id, "version")),
	};
	if (out->category && out->owner && out->provider && out->version)
		return true;
	simcp_error(x, "ValidationException",
		    "1 validation error detected: Value at 'actionTypeId' failed to satisfy "
		    "constraint: Member must not be null");
	return false;
}

void simcp_out_type(struct json_out *o, const char *key, const struct simcp_type *t, bool noise)
{
	json_out_key(o, key);
	json_out_object(o);
	if (noise)
		json_member_cstr(o, "__type", "ActionTypeId");
	json_member_cstr(o, "category", t->category);
	json_member_cstr(o, "owner", t->owner);
	json_member_cstr(o, "provider", t->provider);
	json_member_cstr(o, "version", t->version);
	json_out_end(o);
}

/* --- the service ------------------------------------------------------------------------------ */

static void *simcp_create(struct sim *s)
{
	struct simcp *cp = xcalloc(1, sizeof(*cp));
	struct simcp_type approval = {
		.category = "Approval", .owner = "AWS", .provider = "Manual", .version = "1"};

	cp->sim = s;
	cp->arena = arena_new();
	cp->executions_end = &cp->executions;
	cp->runs_end = &cp->runs;
	cp->live_end = &cp->live;
	(void)simcp_type_add(cp, &approval);
	return cp;
}

static void simcp_destroy(void *state)
{
	struct simcp *cp = state;

	arena_free(cp->arena);
	free(cp);
}

static void simcp_advance(struct sim *s, void *state, struct utc now)
{
	(void)s;
	(void)now;
	simcp_settle(state);
}

static const struct {
	const char *name;
	void (*run)(struct simcp *cp, const struct sim_exchange *x);
} operations[] = {
	{"PollForJobs", simcp_poll_for_jobs},
	{"AcknowledgeJob", simcp_acknowledge_job},
	{"GetJobDetails", simcp_get_job_details},
	{"PutJobSuccessResult", simcp_put_job_success},
	{"PutJobFailureResult", simcp_put_job_failure},
	{"ListActionExecutions", simcp_list_action_executions},
	{"GetPipelineState", simcp_get_pipeline_state},
	{"GetPipelineExecution", simcp_get_pipeline_execution},
	{"ListPipelineExecutions", simcp_list_pipeline_executions},
	{"ListActionTypes", simcp_list_action_types},
	{"CreateCustomActionType", simcp_create_action_type},
	{"DeleteCustomActionType", simcp_delete_action_type},
	{"StartPipelineExecution", simcp_start_execution},
	{"StopPipelineExecution", simcp_stop_execution},
	{"RetryStageExecution", simcp_retry_stage},
	{"RollbackStage", simcp_rollback_stage},
	{"PutApprovalResult", simcp_put_approval},
};

static void simcp_handle(struct sim *s, void *state, const struct sim_exchange *x)
{
	struct simcp *cp = state;
	double rate = sim_opts(s)->throttle_rate;

	if (rate > 0 && rng_unit(sim_dice(s)) < rate) {
		simcp_error(x, "ThrottlingException", "Rate exceeded");
		return;
	}
	simcp_settle(cp);
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
		if (strcmp(operations[i].name, x->operation) == 0) {
			operations[i].run(cp, x);
			return;
		}
	sim_reply_error(x, SIM_WIRE_JSON, 404, "UnknownOperationException", "%s", x->operation);
}

const struct sim_service sim_codepipeline = {
	.name = "codepipeline",
	.create = simcp_create,
	.destroy = simcp_destroy,
	.advance = simcp_advance,
	.handle = simcp_handle,
	.control = simcp_control,
};
