#include "aws/credentials.h"
#include "aws/settings.h"

/*
 * Keys in the environment: whoever sets them means them, so they are read once and never refreshed.
 */
static int read_expiration(const struct aws_env *env, struct credentials_parts *p, struct err *err)
{
	const char *text = aws_env_get(env, "AWS_CREDENTIAL_EXPIRATION");

	if (!text)
		return 0;
	p->expires = true;
	if (!utc_parse_iso(str_from(text), &p->expires_utc))
		return err_set(err, ERR_REJECTED,
			       "AWS_CREDENTIAL_EXPIRATION: \"%s\" is not a time in ISO 8601", text);
	return 0;
}

int credentials_env_new(const struct aws_settings *s, struct credentials_provider **out,
			struct err *err)
{
	const struct aws_env *env = &s->env;
	const char *token = aws_env_get(env, "AWS_SESSION_TOKEN");
	struct credentials_parts p = {
		.access_key_id = str_from(aws_env_get(env, "AWS_ACCESS_KEY_ID")),
		.secret_access_key = str_from(aws_env_get(env, "AWS_SECRET_ACCESS_KEY")),
		.account_id = str_from(aws_env_get(env, "AWS_ACCOUNT_ID")),
		.source = "environment",
	};

	*out = NULL;
	if (!p.access_key_id.n && !p.secret_access_key.n)
		return 0;
	if (!p.access_key_id.n || !p.secret_access_key.n)
		return err_set(err, ERR_REJECTED, "%s is set, but %s is not",
			       p.access_key_id.n ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY",
			       p.access_key_id.n ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID");
	p.session_token = str_from(token ? token : aws_env_get(env, "AWS_SECURITY_TOKEN"));
	if (read_expiration(env, &p, err))
		return -1;
	*out = credentials_static_new(&p, err);
	return *out ? 0 : -1;
}
