#include "aws/reply.h"

/*
 * Every protocol has its own place for the error code, message and request id. Codes decide; the
 * status helps out where there is none (HEAD, proxies, load balancers). The lists are those the
 * SDKs share and the service models name; what a list leaves open follows from how AWS spells codes
 * ("...NotFound...", "NoSuch...", "Duplicate...").
 */
struct failure {
	struct str code, message, request_id;
};

/* --- classification -------------------------------------------------------------------------- */

static bool is_one_of(struct str code, const char *const *list)
{
	for (; *list; list++)
		if (str_is(code, *list))
			return true;
	return false;
}

static bool contains(struct str s, const char *needle)
{
	size_t n = strlen(needle);

	for (size_t i = 0; s.n >= n && i <= s.n - n; i++)
		if (!memcmp(s.p + i, needle, n))
			return true;
	return false;
}

static bool is_throttling(const struct aws_service *service, struct str code)
{
	static const char *const list[] = {"Throttling",
					   "ThrottlingException",
					   "ThrottledException",
					   "RequestThrottled",
					   "RequestThrottledException",
					   "TooManyRequestsException",
					   "ProvisionedThroughputExceededException",
					   "TransactionInProgressException",
					   "RequestLimitExceeded",
					   "BandwidthLimitExceeded",
					   "SlowDown",
					   "PriorRequestNotComplete",
					   "EC2ThrottledException",
					   NULL};

	if (is_one_of(code, list))
		return true;
	/* a hard quota for these two, a rate for everybody else */
	return str_is(code, "LimitExceededException") && strcmp(service->id, "ECS") != 0 &&
	       strcmp(service->id, "CodePipeline") != 0;
}

static bool is_expired(struct str code)
{
	static const char *const list[] = {"ExpiredToken", "ExpiredTokenException",
					   "TokenRefreshRequired", "RequestExpired", NULL};

	return is_one_of(code, list);
}

static bool is_skewed(struct str code)
{
	/* the five that the SDKs' clock-skew rule of 2026 names */
	static const char *const list[] = {
		"InvalidSignatureException", "SignatureDoesNotMatch", "AuthFailure",
		"RequestTimeTooSkewed",	     "AccessDeniedException", NULL};

	return is_one_of(code, list);
}

static bool is_unknown(struct str code)
{
	static const char *const list[] = {"UnrecognizedClientException", "InvalidClientTokenId",
					   "InvalidAccessKeyId", "InvalidToken", NULL};

	return is_one_of(code, list);
}

static bool is_denied(struct str code)
{
	static const char *const list[] = {"AccessDenied",
					   "UnauthorizedOperation",
					   "UnauthorizedAccess",
					   "UnrecognizedClientException",
					   "InvalidClientTokenId",
					   "InvalidAccessKeyId",
					   "InvalidToken",
					   "MissingAuthenticationToken",
					   "MissingAuthenticationTokenException",
					   "IncompleteSignature",
					   "IncompleteSignatureException",
					   "OptInRequired",
					   "NotAuthorized",
					   "AuthorizationError",
					   "InsufficientPrivilegesException",
					   "KMSAccessDenied",
					   "KMSAccessDeniedException",
					   "AccountProblem",
					   NULL};

	return is_expired(code) || is_skewed(code) || is_one_of(code, list);
}

static bool is_not_found(struct str code)
{
	return str_starts(code, "NoSuch") || contains(code, "NotFound") ||
	       contains(code, "DoesNotExist");
}

static bool is_conflict(struct str code)
{
	static const char *const list[] = {"PreconditionFailed",
					   "PreconditionFailedException",
					   "ConditionalCheckFailedException",
					   "InvalidJobStateException",
					   "InvalidNonceException",
					   "ApprovalAlreadyCompletedException",
					   "NotLatestPipelineExecutionException",
					   "PriorityInUse",
					   "ScalingActivityInProgress",
					   "InstanceRefreshInProgress",
					   "UpdateInProgressException",
					   "ServiceNotActiveException",
					   "OperationInProgressFailure",
					   "IncorrectState",
					   "IncorrectInstanceState",
					   NULL};

	return is_one_of(code, list) || contains(code, "Conflict") ||
	       contains(code, "ResourceInUse") || contains(code, "AlreadyExist") ||
	       str_starts(code, "Duplicate");
}

static bool is_transient(struct str code)
{
	static const char *const list[] = {"RequestTimeout", "RequestTimeoutException",
					   "IDPCommunicationError", NULL};

	return is_one_of(code, list);
}

static enum err_code code_of(struct str code, int status)
{
	if (is_denied(code))
		return ERR_DENIED;
	if (is_not_found(code))
		return ERR_NOT_FOUND;
	if (is_conflict(code))
		return ERR_CONFLICT;
	switch (status) {
	case 401:
	case 403:
		return ERR_DENIED;
	case 404:
		return ERR_NOT_FOUND;
	case 409:
	case 412:
		return ERR_CONFLICT;
	default:
		return ERR_REJECTED;
	}
}

struct reply_class reply_classify(const struct aws_service *service, struct str code, int status)
{
	struct reply_class c = {.code = ERR_UNAVAILABLE};

	if (is_throttling(service, code) || status == 429) {
		c = (struct reply_class){.code = ERR_THROTTLED, .retry = true, .refused = true};
	} else if (is_transient(code) || status >= 500) {
		c.retry = is_transient(code) || status == 500 || (status >= 502 && status <= 504);
	} else {
		c.code = code_of(code, status);
		c.refused = true;
		c.expired = is_expired(code);
		c.skewed = is_skewed(code);
		c.unknown = is_unknown(code);
	}
	return c;
}

/* --- reading ---------------------------------------------------------------------------------- */

static struct str header(const struct aws_response *out, const char *name)
{
	return str_trim(http_header_get(out->headers, out->n_headers, name));
}

/* "aws.protocoltests#FooError:http://internal/" is FooError. */
static struct str clean_code(struct str code)
{
	for (size_t i = 0; i < code.n; i++)
		if (code.p[i] == ':')
			code = str_sub(code, 0, i);
	for (size_t i = code.n; i > 0; i--)
		if (code.p[i - 1] == '#')
			return str_sub(code, i, code.n);
	return str_trim(code);
}

static struct str first_of(struct str a, struct str b)
{
	return a.n ? a : b;
}

static void json_failure(const struct aws_response *out, struct failure *f)
{
	const struct json *j = out->json;
	struct str query_error = header(out, "x-amzn-query-error"), code;

	f->message = first_of(json_text(json_get(j, "message")), json_text(json_get(j, "Message")));
	f->message = first_of(f->message, json_text(json_get(j, "errorMessage")));
	f->code = header(out, "x-amzn-errortype");
	f->code = first_of(f->code, json_text(json_get(j, "code")));
	f->code = first_of(f->code, json_text(json_get(j, "Code")));
	f->code = clean_code(first_of(f->code, json_text(json_get(j, "__type"))));
	if (str_next(&query_error, ';', &code) && code.n)
		f->code = code;
}

static void xml_failure(const struct aws_response *out, struct failure *f)
{
	const struct xml *root = out->xml, *e;

	if (!root)
		return;
	e = str_is(root->name, "Error") ? root : xml_at(root, "Error");
	if (!e)
		e = xml_at(root, "Errors/Error");
	f->code = xml_text(e, "Code");
	f->message = xml_text(e, "Message");
	f->request_id = first_of(xml_text(root, "RequestId"), xml_text(root, "RequestID"));
}

static bool is_xml_protocol(const struct aws_service *s)
{
	return s->protocol == AWS_QUERY || s->protocol == AWS_REST_XML;
}

static int parse_body(const struct aws_request *r, struct arena *a, struct aws_response *out,
		      struct err *err)
{
	struct json *json;
	struct xml *xml;

	if (!str_trim(out->body).n)
		return 0;
	if (is_xml_protocol(r->service)) {
		if (xml_parse(a, out->body, &xml, err))
			return -1;
		out->xml = xml;
		return 0;
	}
	if (json_parse(a, out->body, &json, err))
		return -1;
	out->json = json;
	return 0;
}

/* Fill err from what AWS said; the caller puts service and operation in front. */
static void describe(const struct aws_response *out, const struct failure *f, enum err_code code,
		     struct err *err)
{
	char message[400], name[64], id[80];

	str_copy_clean(name, sizeof(name), f->code);
	str_copy_clean(message, sizeof(message), str_trim(f->message));
	str_copy_clean(id, sizeof(id), out->request_id);
	err_set(err, code, "%s%s%s (HTTP %d%s%s)", name[0] ? name : "no AWS error code",
		message[0] ? ": " : "", message, out->status, id[0] ? ", request " : "", id);
	str_copy(err->aws, sizeof(err->aws), str_from(name));
	str_copy(err->request_id, sizeof(err->request_id), str_from(id));
	err->http = out->status;
}

static int read_failure(const struct aws_request *r, struct arena *a, struct aws_response *out,
			struct reply_class *how, struct err *err)
{
	struct failure f = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
	struct err ignored;

	/* an unreadable body (a proxy's page, say) leaves the status to go by */
	if (!out->json && !out->xml && parse_body(r, a, out, &ignored))
		out->json = NULL;
	if (is_xml_protocol(r->service))
		xml_failure(out, &f);
	else
		json_failure(out, &f);
	if (!out->request_id.n)
		out->request_id = f.request_id;
	*how = reply_classify(r->service, f.code, out->status);
	describe(out, &f, how->code, err);
	err->sent = !how->refused;
	return -1;
}

/* The effect took place; a read can be repeated as after a broken connection. */
static int unreadable(struct aws_response *out, struct reply_class *how, struct err *err)
{
	char id[80];

	*how = (struct reply_class){.code = ERR_MALFORMED, .retry = true};
	str_copy_clean(id, sizeof(id), out->request_id);
	err_wrap(err, "the answer (HTTP %d%s%s) does not parse", out->status,
		 id[0] ? ", request " : "", id);
	str_copy(err->request_id, sizeof(err->request_id), str_from(id));
	err->code = ERR_MALFORMED;
	err->http = out->status;
	err->sent = true;
	return -1;
}

static int read_success(const struct aws_request *r, struct arena *a, struct aws_response *out,
			struct reply_class *how, struct err *err)
{
	if (r->raw_body || r->on_body)
		return 0;
	if (parse_body(r, a, out, err))
		return unreadable(out, how, err);
	if (!out->xml || !str_is(out->xml->name, "Error"))
		return 0;
	/* S3 may say 200 before it knows, and the error in the body: as bad as a 500 */
	read_failure(r, a, out, how, err);
	if (how->code == ERR_REJECTED)
		*how = (struct reply_class){.code = ERR_UNAVAILABLE, .retry = true};
	err->code = how->code;
	err->sent = !how->refused;
	return -1;
}

int reply_read(const struct aws_request *r, struct arena *a, struct aws_response *out,
	       struct reply_class *how, struct err *err)
{
	*how = (struct reply_class){.code = ERR_OK};
	out->request_id =
		first_of(header(out, "x-amzn-requestid"), header(out, "x-amz-request-id"));
	if (out->status >= 200 && out->status < 300)
		return read_success(r, a, out, how, err);
	return read_failure(r, a, out, how, err);
}

int64_t reply_retry_after_ms(const struct aws_response *out)
{
	uint64_t n;

	if (str_parse_u64(header(out, "x-amz-retry-after"), 0, 86400000, &n))
		return (int64_t)n;
	if (str_parse_u64(header(out, "retry-after"), 0, 86400, &n))
		return (int64_t)n * 1000;
	return 0;
}
