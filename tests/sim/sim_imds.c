/*
 * The metadata service of an EC2 instance, version 2: a session token by PUT, then plain GETs.
 * Which role the instance has, whether the older version answers, and what goes wrong is set by
 * `imds` commands.
 */
#include "tests/sim/sim_internal.h"

#include <stdlib.h>

#define TOKENS_MAX 32
#define CREDENTIALS_LIFE_MS (INT64_C(6) * 3600 * 1000)
#define CREDENTIALS_RENEW_MS (INT64_C(5) * 60 * 1000) /* before the end a new set is given out */
#define INSTANCE_ID "i-0123456789abcdef0"
#define PREFIX "/latest/meta-data/"

struct imds {
	struct {
		char text[RNG_UUID_SIZE];
		struct utc expires;
	} tokens[TOKENS_MAX];
	size_t next; /* where the next token goes: the oldest is forgotten */
	char role[128];
	char code[64]; /* of the credentials document: "Success", or a failure */
	bool off, v1;
	struct sim_key key;
};

static void *imds_create(struct sim *s)
{
	struct imds *m = xcalloc(1, sizeof(*m));

	(void)s;
	(void)str_copy(m->role, sizeof(m->role), STR("rollout-worker"));
	(void)str_copy(m->code, sizeof(m->code), STR("Success"));
	return m;
}

static void imds_destroy(void *state)
{
	free(state);
}

static const char *imds_operation(const struct sim_exchange *x)
{
	struct str p = x->req->path;

	if (str_is(p, "/latest/api/token"))
		return "Token";
	if (str_starts(p, PREFIX "iam/security-credentials"))
		return "Credentials";
	return "Get";
}

static void text(const struct sim_exchange *x, int status, const char *body)
{
	sim_reply_raw(x, status, "text/plain", str_from(body), NULL, 0);
}

static void give_token(struct sim *s, struct imds *m, const struct sim_exchange *x)
{
	struct str ttl = http_header_get(x->req->headers, x->req->n_headers,
					 "x-aws-ec2-metadata-token-ttl-seconds");
	struct http_header echo = {STR("x-aws-ec2-metadata-token-ttl-seconds"), ttl};
	int64_t seconds;

	if (strcmp(x->req->method, "PUT") != 0) {
		text(x, 405, "Method Not Allowed");
		return;
	}
	if (!str_parse_i64(ttl, 1, 21600, &seconds) ||
	    http_header_get(x->req->headers, x->req->n_headers, "x-forwarded-for").n) {
		text(x, 400, "Bad Request");
		return;
	}
	rng_uuid(sim_dice(s), m->tokens[m->next].text);
	m->tokens[m->next].expires.ms = x->now.ms + seconds * 1000;
	sim_reply_raw(x, 200, "text/plain", str_from(m->tokens[m->next].text), &echo, 1);
	m->next = (m->next + 1) % TOKENS_MAX;
}

static bool is_authorized(const struct imds *m, const struct sim_exchange *x)
{
	struct str token =
		http_header_get(x->req->headers, x->req->n_headers, "x-aws-ec2-metadata-token");

	if (!token.n)
		return m->v1;
	for (size_t i = 0; i < TOKENS_MAX; i++)
		if (str_is(token, m->tokens[i].text) && x->now.ms < m->tokens[i].expires.ms)
			return true;
	return false;
}

static void give_credentials(struct sim *s, struct imds *m, const struct sim_exchange *x)
{
	struct json_out o;
	struct buf b;
	char iso[UTC_ISO_SIZE];

	if (m->key.expires.ms - CREDENTIALS_RENEW_MS <= x->now.ms)
		sim_key_issue(s,
			      arena_printf(x->arena,
					   "arn:aws:sts::" SIM_ACCOUNT ":assumed-role/%s/%s",
					   m->role, INSTANCE_ID),
			      CREDENTIALS_LIFE_MS, &m->key);
	buf_init(&b, 8192);
	json_out_init(&o, &b);
	json_out_object(&o);
	json_member_cstr(&o, "Code", m->code);
	if (strcmp(m->code, "Success") == 0) {
		json_member_cstr(&o, "Type", "AWS-HMAC");
		json_member_cstr(&o, "AccessKeyId", m->key.access_key_id);
		json_member_cstr(&o, "SecretAccessKey", m->key.secret);
		json_member_cstr(&o, "Token", m->key.token);
		utc_format_iso((struct utc){m->key.expires.ms / 1000 * 1000}, iso);
		json_member_cstr(&o, "Expiration", iso);
	} else {
		json_member_cstr(&o, "Message", "the instance profile cannot be used");
	}
	utc_format_iso((struct utc){x->now.ms / 1000 * 1000}, iso);
	json_member_cstr(&o, "LastUpdated", iso);
	json_out_end(&o);
	sim_reply_raw(x, 200, "text/plain", buf_str(&b), NULL, 0);
	buf_release(&b);
}

static void give_document(const struct sim_exchange *x)
{
	struct json_out o;
	struct buf b;

	buf_init(&b, 8192);
	json_out_init(&o, &b);
	json_out_object(&o);
	json_member_cstr(&o, "accountId", SIM_ACCOUNT);
	json_member_cstr(&o, "architecture", "x86_64");
	json_member_cstr(&o, "availabilityZone", SIM_REGION "a");
	json_member_cstr(&o, "imageId", "ami-0123456789abcdef0");
	json_member_cstr(&o, "instanceId", INSTANCE_ID);
	json_member_cstr(&o, "region", SIM_REGION);
	json_out_end(&o);
	sim_reply_raw(x, 200, "text/plain", buf_str(&b), NULL, 0);
	buf_release(&b);
}

static void imds_handle(struct sim *s, void *state, const struct sim_exchange *x)
{
	struct imds *m = state;
	struct str p = x->req->path;
	struct str role = str_sub(p, sizeof(PREFIX "iam/security-credentials/") - 1, p.n);

	if (m->off) {
		text(x, 403, "Forbidden");
	} else if (str_is(p, "/latest/api/token")) {
		give_token(s, m, x);
	} else if (!is_authorized(m, x)) {
		text(x, 401, "Unauthorized");
	} else if (str_is(p, PREFIX "placement/region")) {
		text(x, 200, SIM_REGION);
	} else if (str_is(p, PREFIX "instance-id")) {
		text(x, 200, INSTANCE_ID);
	} else if (str_is(p, "/latest/dynamic/instance-identity/document")) {
		give_document(x);
	} else if (m->role[0] && (str_is(p, PREFIX "iam/security-credentials/") ||
				  str_is(p, PREFIX "iam/security-credentials"))) {
		text(x, 200, m->role);
	} else if (m->role[0] && str_starts(p, PREFIX "iam/security-credentials/") &&
		   str_is(role, m->role)) {
		give_credentials(s, m, x);
	} else {
		text(x, 404, "Not Found");
	}
}

/* `imds set [role=NAME] [off=true] [v1=true] [code=Success]`; role= without a name: no role */
static int imds_control(struct sim *s, void *state, const struct sim_words *w, struct json_out *out,
			struct err *err)
{
	struct imds *m = state;

	(void)s;
	if (!str_is(sim_word(w, 1), "set"))
		return err_set(err, ERR_REJECTED, "imds: no command '" STR_FMT "'",
			       STR_ARG(sim_word(w, 1)));
	for (size_t i = 2; i < w->n; i++) {
		struct str rest = w->word[i], key;

		if (!str_next(&rest, '=', &key))
			continue;
		if (str_is(key, "role"))
			(void)str_copy(m->role, sizeof(m->role), rest);
		else if (str_is(key, "code"))
			(void)str_copy(m->code, sizeof(m->code), rest);
		else if (str_is(key, "off"))
			m->off = str_is(rest, "true");
		else if (str_is(key, "v1"))
			m->v1 = str_is(rest, "true");
		else
			return err_set(err, ERR_REJECTED, "imds set: '" STR_FMT "' is unknown",
				       STR_ARG(key));
	}
	m->key.expires.ms = 0;
	json_out_object(out);
	json_member_str(out, "role", str_from(m->role));
	json_out_end(out);
	return 0;
}

const struct sim_service sim_imds = {
	.name = "imds",
	.create = imds_create,
	.destroy = imds_destroy,
	.operation = imds_operation,
	.handle = imds_handle,
	.control = imds_control,
};
