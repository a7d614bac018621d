#include "aws/credentials.h"

#include <stdlib.h>

#include "aws/core/buf.h"

/*
 * Snapshots, the provider table, and the provider that always has the same one.
 */

/* --- snapshots ------------------------------------------------------------------------------ */

static bool is_printable_word(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return false;
	return true;
}

static int check_parts(const struct credentials_parts *p, struct err *err)
{
	if (!p->access_key_id.n || !p->secret_access_key.n)
		return err_set(
			err, ERR_MALFORMED,
			"credentials from %s lack the access key id or the secret access key",
			p->source);
	/* an access key id of "a/b" would change the meaning of the credential scope */
	if (!is_printable_word(p->access_key_id) ||
	    memchr(p->access_key_id.p, '/', p->access_key_id.n) ||
	    !is_printable_word(p->secret_access_key) || !is_printable_word(p->session_token))
		return err_set(
			err, ERR_MALFORMED,
			"credentials from %s contain blanks, control or non-ASCII characters",
			p->source);
	return 0;
}

struct credentials *credentials_new(const struct credentials_parts *p, struct err *err)
{
	struct credentials *c;

	if (check_parts(p, err))
		return NULL;
	c = xcalloc(1, sizeof(*c));
	c->access_key_id = xstrndup(p->access_key_id.p, p->access_key_id.n);
	secret_set(&c->secret_access_key, p->secret_access_key.p, p->secret_access_key.n);
	if (p->session_token.n)
		secret_set(&c->session_token, p->session_token.p, p->session_token.n);
	if (p->account_id.n)
		c->account_id = xstrndup(p->account_id.p, p->account_id.n);
	c->expires = p->expires;
	c->expires_utc = p->expires_utc;
	c->source = p->source;
	c->refs = 1;
	return c;
}

struct credentials *credentials_get(struct credentials *c)
{
	__atomic_add_fetch(&c->refs, 1, __ATOMIC_RELAXED);
	return c;
}

void credentials_put(struct credentials *c)
{
	if (!c || __atomic_sub_fetch(&c->refs, 1, __ATOMIC_ACQ_REL))
		return;
	free(c->access_key_id);
	free(c->account_id);
	secret_release(&c->secret_access_key);
	secret_release(&c->session_token);
	free(c);
}

struct credentials *credentials_from_json(const struct json *doc, const char *source,
					  struct err *err)
{
	struct str expires = json_text(json_get(doc, "Expiration"));
	struct credentials_parts p = {
		.access_key_id = json_text(json_get(doc, "AccessKeyId")),
		.secret_access_key = json_text(json_get(doc, "SecretAccessKey")),
		.session_token = json_text(json_get(doc, "SessionToken")),
		.account_id = json_text(json_get(doc, "AccountId")),
		.source = source,
	};

	if (!p.session_token.n)
		p.session_token = json_text(json_get(doc, "Token"));
	if (expires.n) {
		p.expires = true;
		if (!utc_parse_iso(expires, &p.expires_utc)) {
			err_set(err, ERR_MALFORMED,
				"credentials from %s: Expiration is not a time in ISO 8601",
				source);
			return NULL;
		}
	}
	return credentials_new(&p, err);
}

void credentials_session_name(struct utc now, char out[CREDENTIALS_SESSION_SIZE])
{
	struct buf b;

	buf_init(&b, CREDENTIALS_SESSION_SIZE - 1);
	buf_addf(&b, "rollout-worker-%lld", (long long)now.ms);
	memcpy(out, b.p, b.n + 1);
	buf_release(&b);
}

/* --- providers ------------------------------------------------------------------------------ */

struct credentials *credentials_provider_get(struct credentials_provider *p, struct cancel *cancel,
					     struct err *err)
{
	return p->get(p, cancel, err);
}

void credentials_provider_invalidate(struct credentials_provider *p,
				     const struct credentials *snapshot)
{
	if (p->invalidate)
		p->invalidate(p, snapshot);
}

void credentials_provider_free(struct credentials_provider *p)
{
	if (p)
		p->free(p);
}

struct static_provider {
	struct credentials_provider base;
	struct credentials *snapshot;
};

static struct credentials *static_get(struct credentials_provider *p, struct cancel *cancel,
				      struct err *err)
{
	struct static_provider *s = (struct static_provider *)p;

	(void)cancel;
	(void)err;
	return credentials_get(s->snapshot);
}

static void static_free(struct credentials_provider *p)
{
	struct static_provider *s = (struct static_provider *)p;

	credentials_put(s->snapshot);
	free(s);
}

struct credentials_provider *credentials_static_new(const struct credentials_parts *parts,
						    struct err *err)
{
	struct credentials *snapshot = credentials_new(parts, err);
	struct static_provider *s;

	if (!snapshot)
		return NULL;
	s = xcalloc(1, sizeof(*s));
	s->base.get = static_get;
	s->base.free = static_free;
	s->snapshot = snapshot;
	return &s->base;
}
