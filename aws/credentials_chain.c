#include "aws/call.h"
#include "aws/credentials.h"

/*
 * Which source is meant is decided once, at start: a source that is configured is the one, and its
 * failures are errors. Only instance metadata is taken on trust, when nothing else is configured.
 */
static int web_identity_env(struct aws *aws, struct credentials_provider **out, struct err *err)
{
	const struct aws_env *env = &aws->settings->env;
	struct credentials_web_identity o = {
		.token_file = aws_env_get(env, "AWS_WEB_IDENTITY_TOKEN_FILE"),
		.role_arn = aws_env_get(env, "AWS_ROLE_ARN"),
		.session_name = aws_env_get(env, "AWS_ROLE_SESSION_NAME"),
	};

	*out = NULL;
	if (!o.token_file)
		return 0;
	if (!o.role_arn)
		return err_set(err, ERR_REJECTED,
			       "AWS_WEB_IDENTITY_TOKEN_FILE is set, but AWS_ROLE_ARN is not");
	*out = credentials_web_identity_new(aws, &o);
	return 0;
}

static int choose(struct aws *aws, struct credentials_provider **out, struct err *err)
{
	const struct aws_settings *s = aws->settings;

	*out = NULL;
	if (!s->profile_named && (credentials_env_new(s, out, err) || *out))
		return *out ? 0 : -1;
	if (credentials_profile_new(aws, out, err) || *out)
		return *out ? 0 : -1;
	if (web_identity_env(aws, out, err) || *out)
		return *out ? 0 : -1;
	if (credentials_container_new(aws, out, err) || *out)
		return *out ? 0 : -1;
	if (s->imds_disabled)
		return err_set(err, ERR_DENIED,
			       "no credentials: neither the environment, the profile %s, nor a "
			       "container has any, and instance metadata is switched off",
			       s->profile_name ? s->profile_name : "default");
	*out = credentials_imds_new(aws);
	return 0;
}

struct credentials_provider *credentials_chain_new(struct aws *aws, struct err *err)
{
	struct credentials_provider *p;

	if (choose(aws, &p, err))
		return NULL;
	return credentials_cached_new(p, aws->clock, aws->log);
}
