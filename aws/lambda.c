#include "aws/lambda.h"

#include <assert.h>
#include <string.h>

#include "aws/answer.h"
#include "aws/core/digest.h"

/*
 * Lambda's code, versions, invocations and provisioned concurrency; aliases are in lambda_alias.c.
 * Everything that goes into a path is checked first: an empty or dotted name would make another,
 * valid path of it, and DELETE of a function is one forgotten qualifier away from DELETE of a
 * version.
 */

#define FUNCTIONS "/2015-03-31/functions/"
#define PROVISIONED "/2019-09-30/functions/"

const struct aws_service lambda_service = {
	.id = "Lambda",
	.endpoint_prefix = "lambda",
	.signing_name = "lambda",
	.api_version = "2015-03-31",
	.protocol = AWS_REST_JSON,
	.double_encode = true,
};

/* The longest thing in a path is an ARN of 256 characters. */
#define NAME_MAX_BYTES 512

/* --- requests -------------------------------------------------------------------------------- */

static int check_name(const char *operation, const char *what, const char *name, struct err *err)
{
	struct str s = str_from(name);

	if (!s.n || s.n > NAME_MAX_BYTES || str_is(s, ".") || str_is(s, ".."))
		return err_set(err, ERR_REJECTED, "Lambda.%s: \"%.60s\" is no %s", operation,
			       name ? name : "", what);
	return 0;
}

/* prefix + function + suffix, the function encoded. NULL with err set when it is none. */
static const char *path_of(struct arena *a, const char *operation, const char *prefix,
			   const char *function, const char *suffix, struct err *err)
{
	const char *path;
	struct buf b;

	if (check_name(operation, "function", function, err))
		return NULL;
	buf_init(&b, 3 * NAME_MAX_BYTES + 128);
	buf_adds(&b, prefix);
	buf_add_uri(&b, str_from(function), false);
	buf_adds(&b, suffix);
	assert(!b.over);
	path = str_dup(a, buf_str(&b));
	buf_release(&b);
	return path;
}

/* "Qualifier=...", or NULL for none. */
static int qualifier_of(struct arena *a, const char *operation, const char *qualifier,
			const char **query, struct err *err)
{
	struct buf b;

	*query = NULL;
	if (!qualifier)
		return 0;
	if (check_name(operation, "qualifier", qualifier, err))
		return -1;
	buf_init(&b, 3 * NAME_MAX_BYTES + 16);
	buf_adds(&b, "Qualifier=");
	buf_add_uri(&b, str_from(qualifier), false);
	assert(!b.over);
	*query = str_dup(a, buf_str(&b));
	buf_release(&b);
	return 0;
}

static struct aws_request request(const char *operation, const char *method)
{
	return (struct aws_request){
		.service = &lambda_service, .operation = operation, .method = method};
}

/* --- reading a configuration ----------------------------------------------------------------- */

static enum lambda_state state_of(struct str s)
{
	return !s.n		       ? LAMBDA_STATE_NONE
	       : str_is(s, "Pending")  ? LAMBDA_PENDING
	       : str_is(s, "Active")   ? LAMBDA_ACTIVE
	       : str_is(s, "Inactive") ? LAMBDA_INACTIVE
	       : str_is(s, "Failed")   ? LAMBDA_FAILED
				       : LAMBDA_STATE_OTHER;
}

static enum lambda_update update_of(struct str s)
{
	return !s.n			 ? LAMBDA_UPDATE_NONE
	       : str_is(s, "Successful") ? LAMBDA_UPDATE_SUCCESSFUL
	       : str_is(s, "Failed")	 ? LAMBDA_UPDATE_FAILED
	       : str_is(s, "InProgress") ? LAMBDA_UPDATE_IN_PROGRESS
					 : LAMBDA_UPDATE_OTHER;
}

static int64_t number(const struct json *object, const char *key)
{
	int64_t n;

	return json_i64(json_get(object, key), &n) && n >= 0 ? n : 0;
}

static int read_configuration(const char *operation, const struct json *j,
			      struct lambda_configuration *out, struct err *err)
{
	*out = (struct lambda_configuration){
		.function_name = aws_json_text(j, "FunctionName"),
		.function_arn = aws_json_text(j, "FunctionArn"),
		.version = aws_json_text(j, "Version"),
		.code_sha256 = aws_json_text(j, "CodeSha256"),
		.revision_id = aws_json_text(j, "RevisionId"),
		.package_type = aws_json_text(j, "PackageType"),
		.runtime = aws_json_text(j, "Runtime"),
		.handler = aws_json_text(j, "Handler"),
		.role = aws_json_text(j, "Role"),
		.description = aws_json_text(j, "Description"),
		.last_modified = aws_json_text(j, "LastModified"),
		.dead_letter_arn = json_cstr(json_at(j, "DeadLetterConfig.TargetArn")),
		.snap_start =
			str_is(json_text(json_at(j, "SnapStart.ApplyOn")), "PublishedVersions"),
		.code_size = number(j, "CodeSize"),
		.timeout_s = number(j, "Timeout"),
		.memory_mb = number(j, "MemorySize"),
		.state = state_of(json_text(json_get(j, "State"))),
		.state_reason = aws_json_text(j, "StateReason"),
		.state_reason_code = aws_json_text(j, "StateReasonCode"),
		.update = update_of(json_text(json_get(j, "LastUpdateStatus"))),
		.update_reason = aws_json_text(j, "LastUpdateStatusReason"),
		.update_reason_code = aws_json_text(j, "LastUpdateStatusReasonCode"),
	};

	const struct json *architectures = json_get(j, "Architectures");

	if (architectures && architectures->type == JSON_ARRAY)
		out->architecture = json_cstr(architectures->first);
	if (out->dead_letter_arn && !*out->dead_letter_arn)
		out->dead_letter_arn = NULL;
	if (!out->version || !out->function_arn)
		return err_set(err, ERR_MALFORMED, "Lambda.%s: the answer describes no function",
			       operation);
	return 0;
}

/* A call that answers with a configuration, at `member` of the document or (NULL) at its root. */
static int call_configuration(const struct aws_client *c, const struct aws_request *r,
			      const char *member, struct arena *a, struct lambda_configuration *out,
			      struct err *err)
{
	struct aws_response res;

	if (aws_call(c, r, a, &res, err))
		return -1;
	if (read_configuration(r->operation, member ? json_get(res.json, member) : res.json, out,
			       err)) {
		err->sent = strcmp(r->method, "GET") != 0;
		return -1;
	}
	return 0;
}

int lambda_get_function_configuration(const struct aws_client *c, const char *function,
				      const char *qualifier, struct arena *a,
				      struct lambda_configuration *out, struct err *err)
{
	struct aws_request r = request("GetFunctionConfiguration", "GET");

	r.resend_safe = true;
	r.path = path_of(a, r.operation, FUNCTIONS, function, "/configuration", err);
	if (!r.path || qualifier_of(a, r.operation, qualifier, &r.query, err))
		return -1;
	return call_configuration(c, &r, NULL, a, out, err);
}

int lambda_get_function(const struct aws_client *c, const char *function, const char *qualifier,
			struct arena *a, struct lambda_configuration *out, struct err *err)
{
	struct aws_request r = request("GetFunction", "GET");

	r.resend_safe = true;
	r.path = path_of(a, r.operation, FUNCTIONS, function, "", err);
	if (!r.path || qualifier_of(a, r.operation, qualifier, &r.query, err))
		return -1;
	return call_configuration(c, &r, "Configuration", a, out, err);
}

/* --- code and versions ----------------------------------------------------------------------- */

/*
 * The document of UpdateFunctionCode. A package is large and its base64 goes straight into the
 * buffer, in front of the other members.
 */
static int code_body(struct buf *b, const struct lambda_code *code, struct err *err)
{
	struct json_out o;
	struct buf rest;

	buf_init(&rest, 16384);
	json_out_init(&o, &rest);
	json_out_object(&o);
	if (!code->zip.n) {
		json_member_cstr(&o, "S3Bucket", code->s3_bucket);
		json_member_cstr(&o, "S3Key", code->s3_key);
		json_member_cstr(&o, "S3ObjectVersion", code->s3_object_version);
	}
	if (code->dry_run)
		json_member_bool(&o, "DryRun", true);
	json_member_cstr(&o, "RevisionId", code->revision_id);
	json_out_end(&o);

	struct str others = buf_str(&rest);

	if (code->zip.n) {
		buf_adds(b, "{\"ZipFile\":\"");
		base64_encode(b, code->zip.p, code->zip.n);
		buf_adds(b, others.n > 2 ? "\"," : "\"");
		others = str_sub(others, 1, others.n);
	}
	buf_add_str(b, others);

	int ret = buf_check(&rest, "request", err) || buf_check(b, "package", err) ? -1 : 0;

	buf_release(&rest);
	return ret;
}

int lambda_update_function_code(const struct aws_client *c, const struct lambda_code *code,
				struct arena *a, struct lambda_configuration *out, struct err *err)
{
	struct aws_request r = request("UpdateFunctionCode", "PUT");
	bool has_object = str_from(code->s3_bucket).n && str_from(code->s3_key).n;
	struct buf body;
	int ret;

	if (!code->zip.n && !has_object)
		return err_set(err, ERR_REJECTED, "Lambda.%s: no code is given", r.operation);
	if (code->zip.n > LAMBDA_ZIP_MAX)
		return err_set(
			err, ERR_LIMIT,
			"Lambda.%s: a package of %zu bytes is too large to be sent directly, "
			"which goes up to %u bytes",
			r.operation, code->zip.n, LAMBDA_ZIP_MAX);
	r.path = path_of(a, r.operation, FUNCTIONS, code->function, "/code", err);
	if (!r.path)
		return -1;
	buf_init(&body, LAMBDA_ZIP_MAX / 3 * 4 + 32768);
	ret = code_body(&body, code, err);
	if (!ret) {
		r.body = buf_str(&body);
		r.resend_safe = !code->revision_id;
		ret = call_configuration(c, &r, NULL, a, out, err);
	}
	buf_release(&body);
	return ret;
}

int lambda_publish_version(const struct aws_client *c, const struct lambda_publish *p,
			   struct arena *a, struct lambda_configuration *out, struct err *err)
{
	struct aws_request r = request("PublishVersion", "POST");
	struct json_out o;
	struct buf body;
	int ret;

	r.path = path_of(a, r.operation, FUNCTIONS, p->function, "/versions", err);
	if (!r.path)
		return -1;
	buf_init(&body, 16384);
	json_out_init(&o, &body);
	json_out_object(&o);
	json_member_cstr(&o, "CodeSha256", p->code_sha256);
	json_member_cstr(&o, "Description", p->description);
	json_member_cstr(&o, "RevisionId", p->revision_id);
	json_out_end(&o);
	ret = buf_check(&body, "request", err);
	if (!ret) {
		r.body = buf_str(&body);
		r.resend_safe = str_from(p->code_sha256).n > 0;
		ret = call_configuration(c, &r, NULL, a, out, err);
	}
	buf_release(&body);
	return ret;
}

int lambda_delete_function_version(const struct aws_client *c, const char *function,
				   const char *version, struct arena *a, struct err *err)
{
	struct aws_request r = request("DeleteFunction", "DELETE");
	struct aws_response res;
	struct err e = ERR_INIT;
	uint64_t n;

	if (!str_parse_u64(str_from(version), 1, INT64_MAX, &n))
		return err_set(err, ERR_REJECTED,
			       "Lambda.%s: \"%.60s\" is no published version; without one the "
			       "whole function would be deleted",
			       r.operation, version ? version : "");
	/* The number is written anew: what was checked is what is sent. */
	r.query = arena_printf(a, "Qualifier=%llu", (unsigned long long)n);
	r.path = path_of(a, r.operation, FUNCTIONS, function, "", err);
	r.resend_safe = true;
	if (!r.path)
		return -1;
	if (aws_call(c, &r, a, &res, &e) == 0 || e.code == ERR_NOT_FOUND)
		return 0;
	*err = e;
	return -1;
}

/* --- invoking -------------------------------------------------------------------------------- */

/* The tail begins wherever 4 KB before the end happens to be: bytes that are no text become '?'. */
static const char *log_tail(struct str encoded, struct arena *a)
{
	uint8_t raw[8192];
	size_t n, from = 0;

	if (!encoded.n || !base64_decode(encoded, raw, sizeof(raw), &n))
		return NULL;
	while (from < n && (raw[from] & 0xc0) == 0x80)
		from++;

	char *text = arena_strndup(a, (const char *)raw + from, n - from);
	bool utf8 = str_is_utf8((struct str){text, n - from});

	for (size_t i = 0; i < n - from; i++) {
		unsigned char ch = (unsigned char)text[i];

		if ((ch < 0x20 && ch != '\n' && ch != '\t') || ch == 0x7f || (ch >= 0x80 && !utf8))
			text[i] = '?';
	}
	return text;
}

static const char *text_of(struct arena *a, const struct aws_response *res, const char *header)
{
	struct str s = http_header_get(res->headers, res->n_headers, header);

	return s.n ? str_dup(a, s) : NULL;
}

int lambda_invoke(const struct aws_client *c, const struct lambda_invoke *in, struct arena *a,
		  struct lambda_invoked *out, struct err *err)
{
	struct http_header headers[] = {
		{STR("X-Amz-Invocation-Type"),
		 str_from(in->dry_run ? "DryRun" : "RequestResponse")},
		{STR("X-Amz-Log-Type"), str_from(in->dry_run ? "None" : "Tail")},
	};
	struct aws_request r = request("Invoke", "POST");
	struct aws_response res;

	r.path = path_of(a, r.operation, FUNCTIONS, in->function, "/invocations", err);
	if (!r.path || qualifier_of(a, r.operation, in->qualifier, &r.query, err))
		return -1;
	r.headers = headers;
	r.n_headers = 2;
	r.body = in->payload;
	r.raw_body = true;
	r.total_ms = in->timeout_ms;
	r.resend_safe = in->resend_safe || in->dry_run;
	if (aws_call(c, &r, a, &res, err))
		return -1;
	*out = (struct lambda_invoked){
		.status = res.status,
		.function_error = text_of(a, &res, "X-Amz-Function-Error"),
		.executed_version = text_of(a, &res, "X-Amz-Executed-Version"),
		.payload = res.body,
		.log_tail = log_tail(
			http_header_get(res.headers, res.n_headers, "X-Amz-Log-Result"), a),
	};
	return 0;
}

/* --- provisioned concurrency ----------------------------------------------------------------- */

static int provisioned_request(const char *function, const char *qualifier, struct arena *a,
			       struct aws_request *r, struct err *err)
{
	if (!qualifier || strcmp(qualifier, "$LATEST") == 0)
		return err_set(err, ERR_REJECTED,
			       "Lambda.%s: provisioned concurrency belongs to a version or an "
			       "alias, and none is named",
			       r->operation);
	r->resend_safe = true;
	r->path = path_of(a, r->operation, PROVISIONED, function, "/provisioned-concurrency", err);
	if (!r->path)
		return -1;
	return qualifier_of(a, r->operation, qualifier, &r->query, err);
}

int lambda_put_provisioned(const struct aws_client *c, const char *function, const char *qualifier,
			   int64_t executions, struct arena *a, struct err *err)
{
	struct aws_request r = request("PutProvisionedConcurrencyConfig", "PUT");
	struct aws_response res;

	if (executions < 1)
		return err_set(err, ERR_REJECTED,
			       "Lambda.%s: at least one execution must be provisioned",
			       r.operation);
	if (provisioned_request(function, qualifier, a, &r, err))
		return -1;
	r.body = str_from(arena_printf(a, "{\"ProvisionedConcurrentExecutions\":%lld}",
				       (long long)executions));
	return aws_call(c, &r, a, &res, err);
}

int lambda_get_provisioned(const struct aws_client *c, const char *function, const char *qualifier,
			   struct arena *a, struct lambda_provisioned *out, struct err *err)
{
	struct aws_request r = request("GetProvisionedConcurrencyConfig", "GET");
	struct aws_response res;

	if (provisioned_request(function, qualifier, a, &r, err) || aws_call(c, &r, a, &res, err))
		return -1;

	struct str status = json_text(json_get(res.json, "Status"));

	*out = (struct lambda_provisioned){
		.status = str_is(status, "IN_PROGRESS") ? LAMBDA_PROVISIONED_IN_PROGRESS
			  : str_is(status, "READY")	? LAMBDA_PROVISIONED_READY
			  : str_is(status, "FAILED")	? LAMBDA_PROVISIONED_FAILED
							: LAMBDA_PROVISIONED_OTHER,
		.reason = aws_json_text(res.json, "StatusReason"),
		.requested = number(res.json, "RequestedProvisionedConcurrentExecutions"),
		.available = number(res.json, "AvailableProvisionedConcurrentExecutions"),
		.allocated = number(res.json, "AllocatedProvisionedConcurrentExecutions"),
	};
	return 0;
}

int lambda_delete_provisioned(const struct aws_client *c, const char *function,
			      const char *qualifier, struct arena *a, struct err *err)
{
	struct aws_request r = request("DeleteProvisionedConcurrencyConfig", "DELETE");
	struct aws_response res;
	struct err e = ERR_INIT;

	if (provisioned_request(function, qualifier, a, &r, err))
		return -1;
	if (aws_call(c, &r, a, &res, &e) == 0 ||
	    strcmp(e.aws, "ProvisionedConcurrencyConfigNotFoundException") == 0)
		return 0;
	*err = e;
	return -1;
}
