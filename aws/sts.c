#include "aws/sts.h"

/*
 * AssumeRole and its like may be sent again whenever the outcome is unknown: a session nobody uses
 * costs nothing. What they return is a secret, so it goes from the answer into a snapshot and the
 * answer is wiped.
 */
#define PARAMETERS_MAX (64u << 10) /* a web identity token has at most 20,000 characters */

const struct aws_service sts_service = {
	.id = "STS",
	.endpoint_prefix = "sts",
	.signing_name = "sts",
	.api_version = "2011-06-15",
	.protocol = AWS_QUERY,
	.double_encode = true,
};

int sts_get_caller_identity(const struct aws_client *c, struct arena *a, struct sts_identity *out,
			    struct err *err)
{
	const struct aws_request r = {
		.service = &sts_service, .operation = "GetCallerIdentity", .resend_safe = true};
	const struct xml *result;
	struct aws_response res;

	if (aws_call(c, &r, a, &res, err))
		return -1;
	result = xml_at(res.xml, "GetCallerIdentityResult");
	out->account = xml_cstr(result, "Account");
	out->arn = xml_cstr(result, "Arn");
	out->user_id = xml_cstr(result, "UserId");
	if (!out->account || !out->arn || !out->user_id)
		return err_set(err, ERR_MALFORMED,
			       "STS.GetCallerIdentity: the answer lacks account, ARN or user");
	return 0;
}

static void add_parameter(struct buf *b, const char *name, const char *value)
{
	if (!value)
		return;
	buf_addf(b, "%s%s=", b->n ? "&" : "", name);
	buf_add_uri(b, str_from(value), false);
}

static struct credentials *read_credentials(const struct xml *result, struct err *err)
{
	const struct xml *x = xml_at(result, "Credentials");
	struct credentials_parts p = {
		.access_key_id = xml_text(x, "AccessKeyId"),
		.secret_access_key = xml_text(x, "SecretAccessKey"),
		.session_token = xml_text(x, "SessionToken"),
		.expires = true,
		.source = "assumed role",
	};

	if (!utc_parse_iso(xml_text(x, "Expiration"), &p.expires_utc)) {
		err_set(err, ERR_MALFORMED,
			"credentials from STS: Expiration is not a time in ISO 8601");
		return NULL;
	}
	return credentials_new(&p, err);
}

/* The answer's text was ours alone: nobody else has a pointer into this arena. */
static void wipe(struct str s)
{
	union {
		const char *in;
		char *out;
	} p = {.in = s.p};

	if (s.n)
		mem_wipe(p.out, s.n);
}

static struct credentials *assume(const struct aws_client *c, const struct sts_assume_role *in,
				  bool web_identity, struct err *err)
{
	struct aws_request r = {.service = &sts_service,
				.operation =
					web_identity ? "AssumeRoleWithWebIdentity" : "AssumeRole",
				.resend_safe = true,
				.unsigned_ = web_identity};
	const char *result = web_identity ? "AssumeRoleWithWebIdentityResult" : "AssumeRoleResult";
	struct arena *a = arena_new();
	struct credentials *got = NULL;
	struct aws_response res;
	struct buf b;

	buf_init(&b, PARAMETERS_MAX);
	add_parameter(&b, "RoleArn", in->role_arn);
	add_parameter(&b, "RoleSessionName", in->session_name);
	if (in->duration_s)
		buf_addf(&b, "&DurationSeconds=%lld", (long long)in->duration_s);
	if (!web_identity)
		add_parameter(&b, "ExternalId", in->external_id);
	else
		add_parameter(&b, "WebIdentityToken", in->web_identity_token);
	r.body = buf_str(&b);
	if (!buf_check(&b, "parameters of AssumeRole", err) && !aws_call(c, &r, a, &res, err)) {
		got = read_credentials(xml_at(res.xml, result), err);
		wipe(res.body);
	}
	mem_wipe(b.p, b.n);
	buf_release(&b);
	arena_free(a);
	if (!got)
		err_wrap(err, "assume role %s", in->role_arn);
	return got;
}

struct credentials *sts_assume_role(const struct aws_client *c, const struct sts_assume_role *in,
				    struct err *err)
{
	return assume(c, in, false, err);
}

struct credentials *sts_assume_role_with_web_identity(const struct aws_client *c,
						      const struct sts_assume_role *in,
						      struct err *err)
{
	return assume(c, in, true, err);
}
