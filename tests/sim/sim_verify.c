/*
 * Who is calling: the key, its session token and life, and, when asked for, the signature itself.
 * Each protocol spells its refusals in its own way; that table is here.
 */
#include "tests/sim/sim_private.h"

#include <strings.h>

#include "aws/core/digest.h"
#include "aws/sigv4.h"

#define MINUTE INT64_C(60000)

enum refusal {
	REFUSE_MISSING,	  /* no signature at all */
	REFUSE_MALFORMED, /* not a SigV4 header */
	REFUSE_KEY,	  /* no such access key, or not with this session token */
	REFUSE_EXPIRED,
	REFUSE_SIGNATURE,
	REFUSE_SKEW,
	REFUSE_COUNT
};

static const struct {
	const char *json, *query, *s3; /* codes; REST JSON has those of JSON */
	int query_status, s3_status;
	const char *text;
} refusals[REFUSE_COUNT] = {
	[REFUSE_MISSING] = {"MissingAuthenticationTokenException", "MissingAuthenticationToken",
			    "AccessDenied", 403, 403, "Missing Authentication Token"},
	[REFUSE_MALFORMED] = {"IncompleteSignatureException", "IncompleteSignature",
			      "AuthorizationHeaderMalformed", 400, 400,
			      "The authorization header is malformed"},
	[REFUSE_KEY] = {"UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId",
			403, 403, "The security token included in the request is invalid."},
	[REFUSE_EXPIRED] = {"ExpiredTokenException", "ExpiredToken", "ExpiredToken", 403, 400,
			    "The security token included in the request is expired"},
	[REFUSE_SIGNATURE] = {"InvalidSignatureException", "SignatureDoesNotMatch",
			      "SignatureDoesNotMatch", 403, 403,
			      "The request signature we calculated does not match the signature "
			      "you provided. Check your AWS Secret Access Key and signing method."},
	[REFUSE_SKEW] = {"InvalidSignatureException", "SignatureDoesNotMatch",
			 "RequestTimeTooSkewed", 403, 403, "Signature expired"},
};

static bool refuse(const struct sim_exchange *x, enum sim_wire wire, enum refusal why,
		   const char *text)
{
	const char *message = text ? text : refusals[why].text;

	switch (wire) {
	case SIM_WIRE_JSON:
		sim_reply_error(x, wire, 400, refusals[why].json, "%s", message);
		break;
	case SIM_WIRE_REST_JSON:
		sim_reply_error(x, wire, 403, refusals[why].json, "%s", message);
		break;
	case SIM_WIRE_QUERY:
		sim_reply_error(x, wire, refusals[why].query_status, refusals[why].query, "%s",
				message);
		break;
	case SIM_WIRE_EC2: /* AuthFailure, RequestExpired: 4xx with the query names */
		sim_reply_error(x, wire, why == REFUSE_EXPIRED ? 400 : 401,
				why == REFUSE_EXPIRED ? "RequestExpired" : "AuthFailure", "%s",
				message);
		break;
	case SIM_WIRE_S3:
		sim_reply_error(x, wire, refusals[why].s3_status, refusals[why].s3, "%s", message);
		break;
	}
	return false;
}

void sim_refuse_expired(const struct sim_exchange *x, enum sim_wire wire)
{
	(void)refuse(x, wire, REFUSE_EXPIRED, NULL);
}

static struct str header(const struct sim_exchange *x, const char *name)
{
	return http_header_get(x->req->headers, x->req->n_headers, name);
}

static bool is_open(const struct sim_exchange *x, const struct sim_route *r)
{
	if (r->service == &sim_imds || r->service == &sim_web)
		return true;
	return r->service == &sim_sts && strcmp(x->operation, "AssumeRoleWithWebIdentity") == 0;
}

/* The key is known, goes with this session token, and lives. */
static bool check_key(struct sim *s, const struct sim_exchange *x, const struct sim_route *r,
		      struct secret *secret)
{
	struct str text, token;
	struct utc expires;
	struct str given = header(x, "x-amz-security-token");

	if (!sim_key_lookup(s, str_from(x->principal), &text, &token, &expires)) {
		/* without signatures to check, any key is as good as the worker's */
		return !s->o.check_signatures || refuse(x, r->wire, REFUSE_KEY, NULL);
	}
	if (!str_eq(token, given) && (s->o.check_signatures || given.n))
		return refuse(x, r->wire, REFUSE_KEY, NULL);
	if (expires.ms != SIM_NEVER && expires.ms <= s->now.ms)
		return refuse(x, r->wire, REFUSE_EXPIRED, NULL);
	secret_set(secret, text.p, text.n);
	return true;
}

static bool has_signed(struct str list, struct str name)
{
	struct str rest = list, field;

	while (str_next(&rest, ';', &field))
		if (field.n == name.n && strncasecmp(field.p, name.p, name.n) == 0)
			return true;
	return false;
}

/* AWS wants host and every x-amz-* header under the signature. */
static bool check_signed_headers(const struct sim_exchange *x, const struct sim_route *r,
				 struct str list)
{
	if (!has_signed(list, STR("host")))
		return refuse(x, r->wire, REFUSE_SIGNATURE, "'Host' must be a signed header");
	for (size_t i = 0; i < x->req->n_headers; i++) {
		struct str name = x->req->headers[i].name;

		if (name.n > 6 && strncasecmp(name.p, "x-amz-", 6) == 0 && !has_signed(list, name))
			return refuse(x, r->wire, REFUSE_SIGNATURE,
				      arena_printf(x->arena, "'" STR_FMT "' must be signed",
						   STR_ARG(name)));
	}
	return true;
}

/* The hash that was signed is the hash of what came. */
static const char *check_payload(const struct sim_exchange *x, const struct sim_route *r)
{
	struct str stated = header(x, "x-amz-content-sha256");
	char *hex = arena_alloc(x->arena, SHA256_HEX_SIZE);

	sha256_hex(x->req->body, hex);
	if (r->service != &sim_s3) {
		if (stated.n && !str_is(stated, hex)) {
			(void)refuse(x, r->wire, REFUSE_SIGNATURE, NULL);
			return NULL;
		}
		return hex;
	}
	if (!stated.n) {
		sim_reply_error(x, r->wire, 400, "InvalidRequest",
				"Missing required header for this request: x-amz-content-sha256");
		return NULL;
	}
	if (stated.n == 64 && !str_is(stated, hex)) {
		sim_reply_error(x, r->wire, 400, "XAmzContentSHA256Mismatch",
				"The provided 'x-amz-content-sha256' header does not match what "
				"was computed.");
		return NULL;
	}
	return str_dup(x->arena, stated);
}

/* Which of the two times is the earlier one, as AWS tells it. */
static const char *skew_text(const struct sim_exchange *x, const struct sim_route *r, int minutes)
{
	struct str stated = header(x, "x-amz-date");
	char now[UTC_AMZ_SIZE], edge[UTC_AMZ_SIZE];
	struct utc t = x->now;
	bool late = utc_parse_amz(stated, &t) && t.ms > x->now.ms;

	if (r->wire == SIM_WIRE_S3)
		return "The difference between the request time and the current time is too large.";
	utc_format_amz(x->now, now);
	utc_format_amz((struct utc){x->now.ms + (late ? minutes : -minutes) * MINUTE}, edge);
	return arena_printf(x->arena, "Signature %s: " STR_FMT " is %s than %s (%s %c %d min.)",
			    late ? "not yet current" : "expired", STR_ARG(stated),
			    late ? "still later" : "now earlier", edge, now, late ? '+' : '-',
			    minutes);
}

static bool check_signature(struct sim *s, const struct sim_exchange *x, const struct sim_route *r,
			    const struct secret *secret)
{
	bool lenient = r->service == &sim_s3 || r->service == &sim_sts;
	struct err err = ERR_INIT;
	struct sigv4_header h;
	struct sigv4_request q = {
		.method = x->req->method,
		.path = x->req->path,
		.query = x->req->query,
		.headers = x->req->headers,
		.n_headers = x->req->n_headers,
		.double_encode = r->service != &sim_s3,
		.normalize = r->service != &sim_s3,
	};

	if (sigv4_header_parse(header(x, "authorization"), &h, &err) < 0)
		return refuse(x, r->wire, REFUSE_MALFORMED, err.text);
	if (!str_is(h.service, r->service->name) ||
	    (sim_service_of_host(x->req->host) && sim_service_of_host(x->req->host) != r->service))
		return refuse(x, r->wire, REFUSE_SIGNATURE,
			      arena_printf(x->arena,
					   "Credential should be scoped to correct service: '%s'.",
					   r->service->name));
	if (!check_signed_headers(x, r, h.signed_headers))
		return false;
	q.payload_hash = check_payload(x, r);
	if (!q.payload_hash)
		return false;
	if (sigv4_verify(&q, secret, s->now, (lenient ? 15 : 5) * MINUTE, &err) == 0)
		return true;
	if (strcmp(err.aws, "RequestTimeTooSkewed") == 0)
		return refuse(x, r->wire, REFUSE_SKEW, skew_text(x, r, lenient ? 15 : 5));
	if (err.code == ERR_MALFORMED || strcmp(err.aws, "IncompleteSignature") == 0)
		return refuse(x, r->wire, REFUSE_MALFORMED, err.text);
	return refuse(x, r->wire, REFUSE_SIGNATURE, NULL);
}

bool sim_verify(struct sim *s, const struct sim_exchange *x, const struct sim_route *r)
{
	struct secret secret = {0};
	bool ok;

	if (is_open(x, r))
		return true;
	if (!x->principal[0]) {
		if (!s->o.check_signatures)
			return true;
		return refuse(x, r->wire,
			      header(x, "authorization").n ? REFUSE_MALFORMED : REFUSE_MISSING,
			      NULL);
	}
	ok = check_key(s, x, r, &secret) &&
	     (!s->o.check_signatures || check_signature(s, x, r, &secret));
	secret_release(&secret);
	return ok;
}
