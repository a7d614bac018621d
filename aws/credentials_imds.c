#include <stdlib.h>

#include "aws/credentials.h"
#include "aws/imds.h"

/*
 * The role of the EC2 instance. When the service that rotates its credentials is in trouble,
 * instance metadata hands out expired ones, and services go on accepting them for a while: they are
 * then used on, as the SDKs do ("static stability"), and asked for again a little later.
 */
#define ROLE_PATH "/latest/meta-data/iam/security-credentials/"
#define STABLE_MS (CREDENTIALS_DUE_MS + 15 * 60 * 1000)
#define STABLE_JITTER_MS (8 * 60 * 1000)

struct imds_provider {
	struct credentials_provider base;
	struct aws *aws;
	struct imds *imds;
};

/* The first line, when it can be part of a path. */
static int role_name(struct str body, struct str *role, struct err *err)
{
	if (!str_next(&body, '\n', role) || !(*role = str_trim(*role)).n)
		return err_set(err, ERR_NOT_FOUND, "the instance has no role");
	for (size_t i = 0; i < role->n; i++) {
		char c = role->p[i];

		/* what IAM allows in names of roles */
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      memchr("+=,.@_-", c, 7)))
			return err_set(err, ERR_MALFORMED, "the name of the role is no name");
	}
	return 0;
}

static struct credentials *read_document(struct imds_provider *p, struct arena *a, struct str body,
					 struct err *err)
{
	struct credentials *got;
	struct json *doc;
	struct str code;

	if (json_parse(a, body, &doc, err))
		return NULL;
	code = json_text(json_get(doc, "Code"));
	if (code.n && !str_is(code, "Success")) {
		char name[64], message[200];

		str_copy_clean(name, sizeof(name), code);
		str_copy_clean(message, sizeof(message), json_text(json_get(doc, "Message")));
		err_set(err, ERR_DENIED, "%s: %s", name, message);
		str_copy(err->aws, sizeof(err->aws), str_from(name));
		return NULL;
	}
	got = credentials_from_json(doc, "instance role", err);
	if (got && got->expires && got->expires_utc.ms <= clock_utc(p->aws->clock).ms) {
		log_event(p->aws->log, LOG_WARN, "credentials.expired",
			  LOG_S("source", got->source));
		got->expires_utc.ms = clock_utc(p->aws->clock).ms + STABLE_MS +
				      (int64_t)rng_below(p->aws->rng, STABLE_JITTER_MS);
	}
	return got;
}

static struct credentials *imds_provider_get(struct credentials_provider *base,
					     struct cancel *cancel, struct err *err)
{
	struct imds_provider *p = (struct imds_provider *)base;
	struct arena *a = arena_new();
	struct credentials *got = NULL;
	struct str body, role;
	const char *path;

	if (imds_get(p->imds, ROLE_PATH, a, &body, cancel, err) || role_name(body, &role, err))
		goto out;
	path = arena_printf(a, ROLE_PATH STR_FMT, STR_ARG(role));
	if (!imds_get(p->imds, path, a, &body, cancel, err))
		got = read_document(p, a, body, err);
out:
	arena_free(a);
	if (!got)
		err_wrap(err, "credentials of the instance role");
	return got;
}

static void imds_provider_free(struct credentials_provider *base)
{
	struct imds_provider *p = (struct imds_provider *)base;

	imds_free(p->imds);
	free(p);
}

struct credentials_provider *credentials_imds_new(struct aws *aws)
{
	struct imds_provider *p = xcalloc(1, sizeof(*p));

	p->base.get = imds_provider_get;
	p->base.free = imds_provider_free;
	p->aws = aws;
	p->imds = imds_new(aws);
	return &p->base;
}
