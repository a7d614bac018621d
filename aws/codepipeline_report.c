#include "aws/codepipeline.h"

#include <string.h>

/*
 * The bytes of a report. A report must not be lost because somebody's error message is long, so
 * text for people is cut; what machines read is never cut, because half of it would be wrong.
 */

#define EXECUTION_ID_MAX 1500
#define REVISION_MAX 1500
#define CHANGE_ID_MAX 100
#define REVISION_SUMMARY_MAX 2048

/*
 * Length as the service may count it: in UTF-16 units, which is never less than in code points.
 * Returns how many bytes of s fit into max, whole sequences only. A byte that is not UTF-8 counts
 * as the U+FFFD it will be replaced by.
 */
static size_t fitting(struct str s, size_t max)
{
	size_t at = 0, units = 0;

	while (at < s.n) {
		size_t n = str_utf8_length(s, at);

		units += n == 4 ? 2 : 1;
		if (units > max)
			break;
		at += n ? n : 1;
	}
	return at;
}

/*
 * Text for people: cut, and without what does not show as itself, so that nothing a service or an
 * artifact says can look like words of ours on the console. Lines are kept: problems are a list.
 */
static void member_cut(struct json_out *o, const char *key, const char *text, size_t max)
{
	struct str s = str_from(text);
	struct buf clean;

	if (!s.n)
		return;
	buf_init(&clean, s.n);
	buf_add_shown(&clean, s);
	json_member_str(o, key, str_sub(buf_str(&clean), 0, fitting(buf_str(&clean), max)));
	buf_release(&clean);
}

static int check_length(const char *what, const char *text, size_t max, struct err *err)
{
	struct str s = str_from(text);

	if (fitting(s, max) < s.n)
		return err_set(err, ERR_LIMIT, "report: %s is longer than %zu characters", what,
			       max);
	return 0;
}

static int check_variables(const struct cp_success *s, struct err *err)
{
	size_t bytes = 0;

	if (s->n_variables && s->continuation_token)
		return err_set(err, ERR_REJECTED,
			       "report: output variables go with the last report only");
	for (size_t i = 0; i < s->n_variables; i++) {
		struct str name = str_from(s->variables[i].name);
		bool good = name.n > 0;

		for (size_t k = 0; k < name.n; k++)
			good = good && strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					      "0123456789@-_",
					      name.p[k]);
		if (!good)
			return err_set(err, ERR_REJECTED,
				       "report: \"" STR_FMT "\" is no name for an output variable",
				       STR_ARG(str_sub(name, 0, 60)));
		for (size_t k = 0; k < i; k++) {
			if (str_is(name, s->variables[k].name))
				return err_set(err, ERR_REJECTED,
					       "report: two output variables \"%.60s\"",
					       s->variables[k].name);
		}
		bytes += name.n + str_from(s->variables[i].value).n;
	}
	if (bytes > CP_VARIABLES_MAX)
		return err_set(err, ERR_LIMIT,
			       "report: output variables take %zu bytes, more than %d", bytes,
			       CP_VARIABLES_MAX);
	return 0;
}

static int check_success(const struct cp_success *s, struct err *err)
{
	const struct cp_revision *r = &s->current_revision;

	if (!str_from(s->job_id).n)
		return err_set(err, ERR_REJECTED, "report: no job id");
	/* Left out it would mean "done": the one thing an empty token must not say. */
	if (s->continuation_token && !*s->continuation_token)
		return err_set(err, ERR_REJECTED, "report: the continuation token is empty");
	if (s->percent_complete < -1 || s->percent_complete > 100)
		return err_set(err, ERR_REJECTED, "report: %d is no percentage",
			       s->percent_complete);
	if (!str_from(r->revision).n != !str_from(r->change_identifier).n)
		return err_set(err, ERR_REJECTED,
			       "report: revision and change identifier come together");
	if (check_length("the continuation token", s->continuation_token, LIMIT_TOKEN, err) ||
	    check_length("the external execution id", s->external_execution_id, EXECUTION_ID_MAX,
			 err) ||
	    check_length("the revision", r->revision, REVISION_MAX, err) ||
	    check_length("the change identifier", r->change_identifier, CHANGE_ID_MAX, err))
		return -1;
	return check_variables(s, err);
}

static void add_details(struct json_out *o, const struct cp_success *s)
{
	if (!str_from(s->summary).n && !str_from(s->external_execution_id).n &&
	    s->percent_complete < 0)
		return;
	json_out_key(o, "executionDetails");
	json_out_object(o);
	member_cut(o, "summary", s->summary, LIMIT_SUMMARY);
	json_member_cstr(o, "externalExecutionId", s->external_execution_id);
	if (s->percent_complete >= 0)
		json_member_i64(o, "percentComplete", s->percent_complete);
	json_out_end(o);
}

static void add_revision(struct json_out *o, const struct cp_revision *r)
{
	if (!str_from(r->revision).n)
		return;
	json_out_key(o, "currentRevision");
	json_out_object(o);
	json_member_cstr(o, "revision", r->revision);
	json_member_cstr(o, "changeIdentifier", r->change_identifier);
	if (r->has_created && r->created.ms % 1000 == 0)
		json_member_i64(o, "created", r->created.ms / 1000);
	else if (r->has_created)
		json_member_double(o, "created", (double)r->created.ms / 1000);
	member_cut(o, "revisionSummary", r->summary, REVISION_SUMMARY_MAX);
	json_out_end(o);
}

int codepipeline_success_body(struct buf *out, const struct cp_success *s, struct err *err)
{
	struct json_out o;

	if (check_success(s, err))
		return -1;
	json_out_init(&o, out);
	json_out_object(&o);
	json_member_cstr(&o, "jobId", s->job_id);
	json_member_cstr(&o, "continuationToken", s->continuation_token);
	add_details(&o, s);
	add_revision(&o, &s->current_revision);
	if (s->n_variables) {
		json_out_key(&o, "outputVariables");
		json_out_object(&o);
		for (size_t i = 0; i < s->n_variables; i++)
			json_member_str(&o, s->variables[i].name, str_from(s->variables[i].value));
		json_out_end(&o);
	}
	json_out_end(&o);
	return buf_check(out, "report", err);
}

const char *cp_failure_type_name(enum cp_failure_type t)
{
	switch (t) {
	case CP_FAILURE_JOB_FAILED:
		return "JobFailed";
	case CP_FAILURE_CONFIGURATION_ERROR:
		return "ConfigurationError";
	case CP_FAILURE_PERMISSION_ERROR:
		return "PermissionError";
	case CP_FAILURE_REVISION_OUT_OF_SYNC:
		return "RevisionOutOfSync";
	case CP_FAILURE_REVISION_UNAVAILABLE:
		return "RevisionUnavailable";
	case CP_FAILURE_SYSTEM_UNAVAILABLE:
		return "SystemUnavailable";
	}
	return "JobFailed";
}

int codepipeline_failure_body(struct buf *out, const struct cp_failure *f, struct err *err)
{
	const char *message = str_from(f->message).n ? f->message : "no reason given";
	struct json_out o;

	if (!str_from(f->job_id).n)
		return err_set(err, ERR_REJECTED, "report: no job id");
	if (check_length("the external execution id", f->external_execution_id, EXECUTION_ID_MAX,
			 err))
		return -1;
	json_out_init(&o, out);
	json_out_object(&o);
	json_member_cstr(&o, "jobId", f->job_id);
	json_out_key(&o, "failureDetails");
	json_out_object(&o);
	json_member_cstr(&o, "type", cp_failure_type_name(f->type));
	member_cut(&o, "message", message, LIMIT_FAILURE_MESSAGE);
	json_member_cstr(&o, "externalExecutionId", f->external_execution_id);
	json_out_end(&o);
	json_out_end(&o);
	return buf_check(out, "report", err);
}
