/*
 * STS, and the one table of keys: the worker's own, those of assumed roles, of the instance and of
 * CodePipeline's artifact credentials. Every service asks here whose key a request was signed with.
 */
#include "tests/sim/sim_internal.h"

#include <stdlib.h>

#define WORKER_KEY "AKIASIMWORKER000001"
#define WORKER_SECRET "sim-secret"
#define WORKER_ARN "arn:aws:iam::" SIM_ACCOUNT ":user/rollout-worker"
#define KEYS_KEPT_MS INT64_C(3600000) /* an expired key says so for an hour, then is unknown */

struct sts_key {
	struct sim_key key;
	char principal[512];
};

struct sts_role {
	char arn[512], external_id[256];
	int64_t max_duration_s;
	bool deny;
	struct sts_role *next;
};

struct sts {
	struct sts_key *keys;
	size_t n, cap;
	struct sts_role *roles;
	struct arena *arena;
	char web_identity_error[64]; /* what AssumeRoleWithWebIdentity fails with, "" for nothing */
};

/* --- keys ------------------------------------------------------------------------------------- */

static struct sts_key *key_add(struct sts *t)
{
	if (t->n == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 16;
		t->keys = xrealloc(t->keys, t->cap * sizeof(*t->keys));
	}
	memset(&t->keys[t->n], 0, sizeof(t->keys[t->n]));
	return &t->keys[t->n++];
}

static struct sts_key *key_find(struct sts *t, struct str id)
{
	for (size_t i = t->n; i > 0; i--) /* the newest are asked for most */
		if (str_is(id, t->keys[i - 1].key.access_key_id))
			return &t->keys[i - 1];
	return NULL;
}

static void keys_prune(struct sts *t, struct utc now)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->n; i++) {
		if (t->keys[i].key.expires.ms != SIM_NEVER &&
		    t->keys[i].key.expires.ms + KEYS_KEPT_MS < now.ms)
			continue;
		if (kept != i)
			t->keys[kept] = t->keys[i];
		kept++;
	}
	t->n = kept;
}

static void random_text(struct rng *r, char *out, size_t n, const char *alphabet)
{
	size_t letters = strlen(alphabet);

	for (size_t i = 0; i < n; i++)
		out[i] = alphabet[rng_below(r, letters)];
	out[n] = '\0';
}

void sim_key_issue(struct sim *s, const char *principal, int64_t life_ms, struct sim_key *out)
{
	static const char base32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	static const char base64[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	struct sts *t = sim_state(s, &sim_sts);
	struct rng *r = sim_dice(s);
	struct sts_key *k;

	if (t->n % 64 == 63)
		keys_prune(t, sim_now(s));
	k = key_add(t);
	memcpy(k->key.access_key_id, "ASIA", 4);
	random_text(r, k->key.access_key_id + 4, 16, base32);
	random_text(r, k->key.secret, 40, base64);
	random_text(r, k->key.token, 60, base64);
	k->key.expires.ms = sim_now(s).ms + life_ms;
	(void)str_copy(k->principal, sizeof(k->principal), str_from(principal));
	*out = k->key;
}

bool sim_key_lookup(struct sim *s, struct str access_key_id, struct str *secret, struct str *token,
		    struct utc *expires)
{
	const struct sts_key *k = key_find(sim_state(s, &sim_sts), access_key_id);

	if (!k)
		return false;
	*secret = str_from(k->key.secret);
	*token = str_from(k->key.token);
	*expires = k->key.expires;
	return true;
}

struct str sim_key_principal(struct sim *s, struct str access_key_id)
{
	const struct sts_key *k = key_find(sim_state(s, &sim_sts), access_key_id);

	return k ? str_from(k->principal) : (struct str){"", 0};
}

static void *sts_create(struct sim *s)
{
	struct sts *t = xcalloc(1, sizeof(*t));
	struct sts_key *k = key_add(t);

	(void)s;
	t->arena = arena_new();
	(void)str_copy(k->key.access_key_id, sizeof(k->key.access_key_id), STR(WORKER_KEY));
	(void)str_copy(k->key.secret, sizeof(k->key.secret), STR(WORKER_SECRET));
	(void)str_copy(k->principal, sizeof(k->principal), STR(WORKER_ARN));
	k->key.expires.ms = SIM_NEVER;
	return t;
}

static void sts_destroy(void *state)
{
	struct sts *t = state;

	free(t->keys);
	arena_free(t->arena);
	free(t);
}

/* --- the wire --------------------------------------------------------------------------------- */

static void error(const struct sim_exchange *x, int status, const char *code, const char *text)
{
	sim_reply_error(x, SIM_WIRE_QUERY, status, code, "%s", text);
}

static struct sts_role *role_find(struct sts *t, struct str arn)
{
	for (struct sts_role *r = t->roles; r; r = r->next)
		if (str_is(arn, r->arn))
			return r;
	return NULL;
}

static bool is_session_name(struct str s)
{
	static const char extra[] = "_+=,.@-";

	if (s.n < 2 || s.n > 64)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      memchr(extra, c, sizeof(extra) - 1)))
			return false;
	}
	return true;
}

/* "arn:aws:iam::123456789012:role/path/name": the account, and the name without its path. */
static bool role_parts(struct str arn, struct str *account, struct str *name)
{
	struct str rest = arn, field;
	int colons = 0;

	*account = (struct str){"", 0};
	if (arn.n < 20 || arn.n > 2048)
		return false;
	while (colons < 5 && str_next(&rest, ':', &field)) {
		if (colons == 4)
			*account = field;
		colons++;
	}
	if (!str_starts(arn, "arn:") || account->n != 12 || !str_starts(rest, "role/"))
		return false;
	while (str_next(&rest, '/', &field))
		*name = field;
	return name->n > 0;
}

static void write_credentials(struct buf *b, const struct sim_key *k)
{
	char iso[UTC_ISO_SIZE];

	/* STS tells whole seconds */
	utc_format_iso((struct utc){k->expires.ms / 1000 * 1000}, iso);
	buf_addf(b,
		 "<Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>%s</SecretAccessKey>"
		 "<SessionToken>%s</SessionToken><Expiration>%s</Expiration></Credentials>",
		 k->access_key_id, k->secret, k->token, iso);
}

static void reply_assumed(struct sim *s, const struct sim_exchange *x, int64_t life_s)
{
	struct str account, name = {"", 0}, session = sim_form_get(x->form, "RoleSessionName");
	struct sim_key k;
	struct buf b;
	char *arn;

	if (!role_parts(sim_form_get(x->form, "RoleArn"), &account, &name)) {
		error(x, 400, "ValidationError", "RoleArn is not the ARN of a role");
		return;
	}
	arn = arena_printf(x->arena, "arn:aws:sts::" STR_FMT ":assumed-role/" STR_FMT "/" STR_FMT,
			   STR_ARG(account), STR_ARG(name), STR_ARG(session));
	sim_key_issue(s, arn, life_s * 1000, &k);
	buf_init(&b, 64u << 10);
	buf_addf(&b, "<%sResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><%sResult>",
		 x->operation, x->operation);
	write_credentials(&b, &k);
	buf_addf(&b,
		 "<AssumedRoleUser><Arn>%s</Arn><AssumedRoleId>AROASIMULATED:" STR_FMT
		 "</AssumedRoleId></AssumedRoleUser></%sResult><ResponseMetadata><RequestId>%s"
		 "</RequestId></ResponseMetadata></%sResponse>",
		 arn, STR_ARG(session), x->operation, x->request_id, x->operation);
	sim_reply_xml(x, 200, buf_str(&b));
	buf_release(&b);
}

/* What both ways of assuming a role demand; false when the answer has been written. */
static bool check_role(struct sts *t, const struct sim_exchange *x, int64_t *life_s)
{
	struct str duration = sim_form_get(x->form, "DurationSeconds");
	const struct sts_role *role = role_find(t, sim_form_get(x->form, "RoleArn"));
	int64_t max = role && role->max_duration_s ? role->max_duration_s : 43200;

	*life_s = 3600;
	if (!is_session_name(sim_form_get(x->form, "RoleSessionName"))) {
		error(x, 400, "ValidationError",
		      "1 validation error detected: Value at 'roleSessionName' failed to satisfy "
		      "constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*");
		return false;
	}
	if (duration.n && !str_parse_i64(duration, 900, 43200, life_s)) {
		error(x, 400, "ValidationError",
		      "1 validation error detected: Value at 'durationSeconds' failed to satisfy "
		      "constraint: Member must have value between 900 and 43200");
		return false;
	}
	if (*life_s > max) {
		error(x, 400, "ValidationError",
		      "The requested DurationSeconds exceeds the MaxSessionDuration set for this "
		      "role.");
		return false;
	}
	if (role &&
	    (role->deny || (role->external_id[0] &&
			    !str_is(sim_form_get(x->form, "ExternalId"), role->external_id)))) {
		sim_reply_error(x, SIM_WIRE_QUERY, 403, "AccessDenied",
				"User is not authorized to perform: sts:%s on resource: %s",
				x->operation, role->arn);
		return false;
	}
	return true;
}

static void assume_role(struct sim *s, struct sts *t, const struct sim_exchange *x)
{
	struct str who = sim_key_principal(s, str_from(x->principal));
	int64_t life_s;

	if (!check_role(t, x, &life_s))
		return;
	if (str_starts(who, "arn:aws:sts:") && life_s > 3600) {
		error(x, 400, "ValidationError",
		      "The requested DurationSeconds exceeds the 1 hour session limit for roles "
		      "assumed by role chaining");
		return;
	}
	reply_assumed(s, x, life_s);
}

static void assume_role_with_web_identity(struct sim *s, struct sts *t,
					  const struct sim_exchange *x)
{
	struct str token = sim_form_get(x->form, "WebIdentityToken");
	int64_t life_s;

	if (token.n < 4 || token.n > 20000) {
		error(x, 400, "InvalidIdentityToken", "The ID Token provided is not a valid JWT.");
		return;
	}
	if (t->web_identity_error[0]) {
		error(x, 400, t->web_identity_error, "The identity provider refused the token.");
		return;
	}
	if (check_role(t, x, &life_s))
		reply_assumed(s, x, life_s);
}

static void get_caller_identity(struct sim *s, struct sts *t, const struct sim_exchange *x)
{
	struct str who = sim_key_principal(s, str_from(x->principal)), rest, field;
	struct str account = STR(SIM_ACCOUNT);
	struct buf b;

	(void)t;
	if (!str_starts(who, "arn:"))
		who = STR(WORKER_ARN);
	rest = who;
	for (int i = 0; i < 5 && str_next(&rest, ':', &field); i++)
		account = field;
	buf_init(&b, 16u << 10);
	buf_adds(&b,
		 "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"
		 "<GetCallerIdentityResult><Arn>");
	xml_escape(&b, who);
	buf_addf(&b,
		 "</Arn><UserId>AIDASIMULATED</UserId><Account>" STR_FMT
		 "</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>%s</RequestId>"
		 "</ResponseMetadata></GetCallerIdentityResponse>",
		 STR_ARG(account), x->request_id);
	sim_reply_xml(x, 200, buf_str(&b));
	buf_release(&b);
}

static void sts_handle(struct sim *s, void *state, const struct sim_exchange *x)
{
	if (strcmp(x->operation, "AssumeRole") == 0)
		assume_role(s, state, x);
	else if (strcmp(x->operation, "AssumeRoleWithWebIdentity") == 0)
		assume_role_with_web_identity(s, state, x);
	else if (strcmp(x->operation, "GetCallerIdentity") == 0)
		get_caller_identity(s, state, x);
	else
		sim_reply_error(x, SIM_WIRE_QUERY, 400, "InvalidAction",
				"Could not find operation %s for version 2011-06-15", x->operation);
}

/* --- control ---------------------------------------------------------------------------------- */

/* `sts key ID secret=... [token=...] [life=15m] [principal=ARN]` */
static int control_key(struct sim *s, struct sts *t, const struct sim_words *w, struct err *err)
{
	struct str id = sim_word(w, 2), principal = sim_word_value(w, "principal");
	struct sts_key *k = key_find(t, id);
	int64_t life;

	if (!id.n || id.n >= sizeof(k->key.access_key_id))
		return err_set(err, ERR_REJECTED, "sts key: '" STR_FMT "' is not an access key id",
			       STR_ARG(id));
	if (!sim_word_value(w, "secret").n)
		return err_set(err, ERR_REJECTED, "sts key: secret= is missing");
	if (!k)
		k = key_add(t);
	(void)str_copy(k->key.access_key_id, sizeof(k->key.access_key_id), id);
	(void)str_copy(k->key.secret, sizeof(k->key.secret), sim_word_value(w, "secret"));
	(void)str_copy(k->key.token, sizeof(k->key.token), sim_word_value(w, "token"));
	(void)str_copy(k->principal, sizeof(k->principal),
		       principal.n ? principal : STR(WORKER_ARN));
	k->key.expires.ms = sim_word_ms(w, "life", &life) ? sim_now(s).ms + life : SIM_NEVER;
	return 0;
}

/* `sts expire ID`: from now on the key is an expired one */
static int control_expire(struct sim *s, struct sts *t, const struct sim_words *w, struct err *err)
{
	struct sts_key *k = key_find(t, sim_word(w, 2));

	if (!k)
		return err_set(err, ERR_NOT_FOUND, "sts expire: no key '" STR_FMT "'",
			       STR_ARG(sim_word(w, 2)));
	k->key.expires = sim_now(s);
	return 0;
}

/* `sts role ARN [deny=true] [external_id=...] [max_duration=1h]` */
static int control_role(struct sts *t, const struct sim_words *w, struct err *err)
{
	struct str arn = sim_word(w, 2), account, name = {"", 0};
	struct sts_role *r = role_find(t, arn);
	int64_t ms;

	if (!role_parts(arn, &account, &name) || arn.n >= sizeof(r->arn))
		return err_set(err, ERR_REJECTED, "sts role: '" STR_FMT "' is not a role's ARN",
			       STR_ARG(arn));
	if (!r) {
		r = arena_new_of(t->arena, struct sts_role);
		(void)str_copy(r->arn, sizeof(r->arn), arn);
		r->next = t->roles;
		t->roles = r;
	}
	(void)sim_word_bool(w, "deny", &r->deny);
	(void)str_copy(r->external_id, sizeof(r->external_id), sim_word_value(w, "external_id"));
	if (sim_word_ms(w, "max_duration", &ms))
		r->max_duration_s = ms / 1000;
	return 0;
}

static int sts_control(struct sim *s, void *state, const struct sim_words *w, struct json_out *out,
		       struct err *err)
{
	struct sts *t = state;
	struct str verb = sim_word(w, 1);
	int rc;

	if (str_is(verb, "key")) {
		rc = control_key(s, t, w, err);
	} else if (str_is(verb, "expire")) {
		rc = control_expire(s, t, w, err);
	} else if (str_is(verb, "role")) {
		rc = control_role(t, w, err);
	} else if (str_is(verb, "web-identity")) { /* `sts web-identity error=CODE`, or no error */
		(void)str_copy(t->web_identity_error, sizeof(t->web_identity_error),
			       sim_word_value(w, "error"));
		rc = 0;
	} else {
		return err_set(err, ERR_REJECTED, "sts: no command '" STR_FMT "'", STR_ARG(verb));
	}
	if (rc == 0) {
		json_out_object(out);
		json_member_i64(out, "keys", (int64_t)t->n);
		json_out_end(out);
	}
	return rc;
}

const struct sim_service sim_sts = {
	.name = "sts",
	.create = sts_create,
	.destroy = sts_destroy,
	.handle = sts_handle,
	.control = sts_control,
};
