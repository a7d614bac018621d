#include <stdlib.h>

#include "aws/call.h"
#include "aws/credentials.h"
#include "aws/sts.h"

/*
 * A role assumed with other credentials. One call at each get(): wrapped in a cache, that is once
 * an hour or so. Expired source credentials are the call's business: it refreshes them and goes on.
 */
struct role_provider {
	struct credentials_provider base;
	struct aws *aws;
	struct credentials_provider *source;
	bool source_owned;
	char *role_arn, *session_name, *external_id, *region;
	const char *purpose;
	int64_t duration_s;
};

static struct credentials *role_get(struct credentials_provider *p, struct cancel *cancel,
				    struct err *err)
{
	struct role_provider *r = (struct role_provider *)p;
	struct aws_client client = {.aws = r->aws,
				    .credentials = r->source,
				    .region = r->region,
				    .purpose = r->purpose,
				    .cancel = cancel};
	char made_up[CREDENTIALS_SESSION_SIZE];
	struct sts_assume_role in = {.role_arn = r->role_arn,
				     .session_name = r->session_name,
				     .external_id = r->external_id,
				     .duration_s = r->duration_s};

	if (!in.session_name) {
		credentials_session_name(clock_utc(r->aws->clock), made_up);
		in.session_name = made_up;
	}
	return sts_assume_role(&client, &in, err);
}

static void role_free(struct credentials_provider *p)
{
	struct role_provider *r = (struct role_provider *)p;

	if (r->source_owned)
		credentials_provider_free(r->source);
	free(r->role_arn);
	free(r->session_name);
	free(r->external_id);
	free(r->region);
	free(r);
}

static char *dup_or_null(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

struct credentials_provider *credentials_assume_role_new(struct aws *aws,
							 const struct credentials_assume_role *o)
{
	struct role_provider *r = xcalloc(1, sizeof(*r));

	r->base.get = role_get;
	r->base.free = role_free;
	r->aws = aws;
	r->source = o->source;
	r->source_owned = o->source_take;
	r->role_arn = xstrdup(o->role_arn);
	r->session_name = dup_or_null(o->session_name);
	r->external_id = dup_or_null(o->external_id);
	r->region = dup_or_null(o->region);
	r->purpose = o->purpose;
	r->duration_s = o->duration_s;
	return &r->base;
}
