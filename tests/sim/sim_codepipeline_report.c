/*
 * What workers report: PutJobSuccessResult, with a continuation token or as the end, and
 * PutJobFailureResult. Both answer with an empty body. Everything accepted is kept for tests.
 */
#include "tests/sim/sim_codepipeline.h"

#include "aws/core/limits.h"

#define VARIABLES_MAX 122880 /* bytes of names and values together */

/* The job to report on; the refusal is written when it is unknown or not in progress. */
static struct simcp_job *need_open_job(struct simcp *cp, const struct sim_exchange *x)
{
	struct simcp_job *j;
	struct str id;

	if (!simcp_need(x, "jobId", 36, &id))
		return NULL;
	j = simcp_job_find(cp, id);
	if (!j || (j->state >= SIMCP_JOB_TIMED_OUT &&
		   x->now.ms - j->finished.ms > sim_opts(cp->sim)->job_retention_ms)) {
		simcp_error(x, "JobNotFoundException", "Job with id " STR_FMT " not found",
			    STR_ARG(id));
		return NULL;
	}
	if (j->state != SIMCP_JOB_IN_PROGRESS) {
		simcp_error(x, "InvalidJobStateException", "Job %s is in state %s", j->id,
			    simcp_job_state_name(j->state));
		return NULL;
	}
	return j;
}

static const char *keep(struct simcp *cp, const struct json *node)
{
	return str_dup(cp->arena, json_text(node));
}

static void add_report(struct simcp *cp, struct simcp_run *r, const struct sim_report *report)
{
	struct sim_action *pub = &r->pub;

	if (pub->n_reports == r->cap_reports) {
		struct sim_report *bigger;

		r->cap_reports = r->cap_reports ? r->cap_reports * 2 : 16;
		bigger = arena_array(cp->arena, struct sim_report, r->cap_reports);
		if (pub->n_reports)
			memcpy(bigger, r->reports, pub->n_reports * sizeof(*bigger));
		pub->reports = r->reports = bigger;
	}
	r->reports[pub->n_reports++] = *report;
	pub->updated = report->at;
	if (report->summary[0])
		pub->summary = report->summary;
	if (report->external_execution_id[0])
		pub->external_execution_id = report->external_execution_id;
	if (report->percent >= 0)
		pub->percent = report->percent;
}

/* executionDetails, each member optional and limited; false when refused. */
static bool read_details(struct simcp *cp, const struct sim_exchange *x, struct sim_report *out)
{
	const struct json *d = json_get(x->json, "executionDetails");
	const struct json *percent = json_get(d, "percentComplete");
	int64_t p = -1;

	if (!simcp_length_ok(x, json_get(d, "summary"), "executionDetails.summary",
			     LIMIT_SUMMARY) ||
	    !simcp_length_ok(x, json_get(d, "externalExecutionId"),
			     "executionDetails.externalExecutionId", 1500))
		return false;
	if (percent && (!json_i64(percent, &p) || p < 0 || p > 100)) {
		simcp_error(
			x, "ValidationException",
			"1 validation error detected: Value at "
			"'executionDetails.percentComplete' failed to satisfy constraint: Member "
			"must have value between 0 and 100");
		return false;
	}
	out->summary = keep(cp, json_get(d, "summary"));
	out->external_execution_id = keep(cp, json_get(d, "externalExecutionId"));
	out->percent = (int)p;
	return true;
}

static bool read_revision(struct simcp *cp, const struct sim_exchange *x, struct sim_report *out)
{
	const struct json *r = json_get(x->json, "currentRevision");

	if (!r)
		return true;
	if (!json_get(r, "revision") || !json_get(r, "changeIdentifier")) {
		simcp_error(x, "ValidationException",
			    "currentRevision needs both revision and changeIdentifier");
		return false;
	}
	if (!simcp_length_ok(x, json_get(r, "revision"), "currentRevision.revision", 1500) ||
	    !simcp_length_ok(x, json_get(r, "changeIdentifier"), "currentRevision.changeIdentifier",
			     100) ||
	    !simcp_length_ok(x, json_get(r, "revisionSummary"), "currentRevision.revisionSummary",
			     2048))
		return false;
	out->revision = keep(cp, json_get(r, "revision"));
	out->change_identifier = keep(cp, json_get(r, "changeIdentifier"));
	return true;
}

static bool is_variable_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '@' || c == '-' || c == '_'))
			return false;
	}
	return s.n > 0;
}

static bool read_variables(struct simcp *cp, const struct sim_exchange *x, struct sim_report *out)
{
	const struct json *v = json_get(x->json, "outputVariables");
	struct json_out o;
	struct buf b;
	size_t total = 0;

	if (!v)
		return true;
	if (json_get(x->json, "continuationToken")) {
		simcp_error(x, "ValidationException",
			    "outputVariables cannot be given together with a continuationToken");
		return false;
	}
	json_each (item, v) {
		if (!is_variable_name(item->key) || item->type != JSON_STRING) {
			simcp_error(
				x, "ValidationException",
				"1 validation error detected: Value at 'outputVariables' failed "
				"to satisfy constraint: Map keys must satisfy constraint: "
				"[A-Za-z0-9@\\-_]+");
			return false;
		}
		total += item->key.n + item->text.n;
	}
	if (total > VARIABLES_MAX) {
		simcp_error(x, "OutputVariablesSizeExceededException",
			    "The total size of the output variables exceeds %d bytes",
			    VARIABLES_MAX);
		return false;
	}
	buf_init(&b, 4u << 20);
	json_out_init(&o, &b);
	json_out_node(&o, v);
	out->output_variables_json = str_dup(cp->arena, buf_str(&b));
	buf_release(&b);
	return true;
}

static void finish(struct simcp *cp, struct simcp_job *j, const struct sim_report *report)
{
	struct simcp_run *r = j->run;

	if (report->output_variables_json[0])
		r->pub.output_variables_json = r->variables = report->output_variables_json;
	simcp_job_end(cp, j, SIMCP_JOB_SUCCEEDED);
	simcp_run_end(cp, r, "Succeeded");
}

static void go_on(struct simcp *cp, struct simcp_job *j, const struct sim_report *report)
{
	const struct sim_options *o = sim_opts(cp->sim);
	int64_t range = o->continuation_delay_max_ms - o->continuation_delay_min_ms;
	int64_t delay = o->continuation_delay_min_ms;

	if (range > 0)
		delay += (int64_t)rng_below(sim_dice(cp->sim), (uint64_t)range + 1);
	j->run->pub.n_tokens++;
	simcp_job_end(cp, j, SIMCP_JOB_SUCCEEDED);
	simcp_job_add(cp, j->run, report->token, delay);
}

static struct sim_report report_empty(const struct sim_exchange *x, enum sim_report_kind kind,
				      const struct simcp_job *j)
{
	return (struct sim_report){
		.at = x->now,
		.kind = kind,
		.job_id = j->id,
		.token = "",
		.summary = "",
		.external_execution_id = "",
		.percent = -1,
		.failure_type = "",
		.message = "",
		.revision = "",
		.change_identifier = "",
		.output_variables_json = "",
	};
}

void simcp_put_job_success(struct simcp *cp, const struct sim_exchange *x)
{
	const struct json *token = json_get(x->json, "continuationToken");
	struct simcp_job *j = need_open_job(cp, x);
	struct sim_report report;

	if (!j)
		return;
	report = report_empty(x, token ? SIM_REPORT_CONTINUE : SIM_REPORT_SUCCESS, j);
	if (!simcp_length_ok(x, token, "continuationToken", LIMIT_TOKEN) ||
	    !read_details(cp, x, &report) || !read_revision(cp, x, &report) ||
	    !read_variables(cp, x, &report))
		return;
	report.token = keep(cp, token);
	add_report(cp, j->run, &report);
	if (token)
		go_on(cp, j, &report);
	else
		finish(cp, j, &report);
	simcp_settle(cp);
	sim_reply_json(x, 200, STR(""));
}

static bool is_failure_type(struct str s)
{
	static const char *const types[] = {
		"JobFailed",	     "ConfigurationError",  "PermissionError",
		"RevisionOutOfSync", "RevisionUnavailable", "SystemUnavailable",
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (str_is(s, types[i]))
			return true;
	return false;
}

void simcp_put_job_failure(struct simcp *cp, const struct sim_exchange *x)
{
	const struct json *d = json_get(x->json, "failureDetails");
	struct simcp_job *j = need_open_job(cp, x);
	struct sim_report report;

	if (!j)
		return;
	if (!is_failure_type(json_text(json_get(d, "type"))) || !json_get(d, "message")) {
		simcp_error(
			x, "ValidationException",
			"1 validation error detected: Value at 'failureDetails' failed to satisfy "
			"constraint: type must be one of the failure types and message must be "
			"given");
		return;
	}
	if (!simcp_length_ok(x, json_get(d, "message"), "failureDetails.message",
			     LIMIT_FAILURE_MESSAGE) ||
	    !simcp_length_ok(x, json_get(d, "externalExecutionId"),
			     "failureDetails.externalExecutionId", 1500))
		return;
	report = report_empty(x, SIM_REPORT_FAILURE, j);
	report.failure_type = keep(cp, json_get(d, "type"));
	report.message = keep(cp, json_get(d, "message"));
	report.external_execution_id = keep(cp, json_get(d, "externalExecutionId"));
	add_report(cp, j->run, &report);
	j->run->pub.failure_type = report.failure_type;
	j->run->pub.message = report.message;
	simcp_job_end(cp, j, SIMCP_JOB_FAILED);
	simcp_run_end(cp, j->run, "Failed");
	simcp_settle(cp);
	sim_reply_json(x, 200, STR(""));
}
