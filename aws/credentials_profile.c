#include "aws/credentials_profile.h"

#include "aws/call.h"
#include "aws/credentials.h"

/*
 * Profiles. A profile either has credentials of its own or names where they come from and which
 * role to assume with them; source_profile may go on so for a few steps. Inside a chain a profile's
 * own keys win over its role; a profile may name itself to use its own keys.
 */
static const char *value(const struct profile *p, const char *key)
{
	const char *v = profile_get(p, key);

	return v && *v ? v : NULL;
}

static int refuse_interactive(const struct profile *p, struct err *err)
{
	static const char *const keys[] = {"sso_session",   "sso_start_url", "sso_account_id",
					   "sso_role_name", "sso_region",    "login_session"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (value(p, keys[i]))
			return err_set(err, ERR_REJECTED,
				       "profile %s: %s needs a person to sign in, which a worker "
				       "cannot: use a role, or let credential_process run \"aws "
				       "configure export-credentials\"",
				       p->name, keys[i]);
	if (value(p, "mfa_serial"))
		return err_set(err, ERR_REJECTED,
			       "profile %s: mfa_serial needs a person to type a code, which a "
			       "worker cannot: use a role that does without",
			       p->name);
	return 0;
}

static bool has_keys(const struct profile *p)
{
	return value(p, "aws_access_key_id") || value(p, "aws_secret_access_key");
}

static int base_keys(const struct profile *p, struct credentials_chain *out, struct err *err)
{
	const char *missing = !value(p, "aws_access_key_id")	   ? "aws_access_key_id"
			      : !value(p, "aws_secret_access_key") ? "aws_secret_access_key"
								   : NULL;

	if (missing)
		return err_set(err, ERR_REJECTED, "profile %s: %s is missing", p->name, missing);
	out->base = BASE_KEYS;
	out->base_profile = p;
	return 0;
}

/* The credentials of a profile without looking at its role. */
static int base_of(const struct profile *p, struct credentials_chain *out, struct err *err)
{
	if (has_keys(p))
		return base_keys(p, out, err);
	out->base_profile = p;
	if (value(p, "web_identity_token_file")) {
		if (!value(p, "role_arn"))
			return err_set(err, ERR_REJECTED,
				       "profile %s: web_identity_token_file without role_arn",
				       p->name);
		out->base = BASE_WEB_IDENTITY;
		return 0;
	}
	if (refuse_interactive(p, err))
		return -1;
	out->base = value(p, "credential_process") ? BASE_PROCESS : BASE_NONE;
	return 0;
}

static int credential_source(const struct profile *p, struct credentials_chain *out,
			     struct err *err)
{
	static const struct {
		const char *name;
		enum credentials_base base;
	} sources[] = {{"Environment", BASE_ENVIRONMENT},
		       {"Ec2InstanceMetadata", BASE_INSTANCE},
		       {"EcsContainer", BASE_CONTAINER}};
	const char *name = value(p, "credential_source");

	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
		if (str_is_nocase(str_from(name), sources[i].name)) {
			out->base = sources[i].base;
			out->base_profile = p;
			return 0;
		}
	return err_set(err, ERR_REJECTED,
		       "profile %s: credential_source \"%s\" is none of Environment, "
		       "Ec2InstanceMetadata, EcsContainer",
		       p->name, name);
}

static int add_role(const struct profile *p, struct credentials_chain *out, struct err *err)
{
	const char *source = value(p, "source_profile");

	for (size_t i = 0; i < out->n_roles; i++)
		if (out->roles[i] == p)
			return err_set(err, ERR_REJECTED,
				       "profile %s: source_profile goes in a loop", p->name);
	if (out->n_roles == ROLE_CHAIN_MAX)
		return err_set(err, ERR_REJECTED, "profile %s: more than %d roles in a chain",
			       p->name, ROLE_CHAIN_MAX);
	if (refuse_interactive(p, err))
		return -1;
	if (source && value(p, "credential_source"))
		return err_set(err, ERR_REJECTED,
			       "profile %s: both source_profile and credential_source", p->name);
	if (!source && !value(p, "credential_source"))
		return err_set(err, ERR_REJECTED,
			       "profile %s: role_arn needs source_profile or credential_source",
			       p->name);
	out->roles[out->n_roles++] = p;
	return 0;
}

static bool is_role(const struct profile *p)
{
	return value(p, "role_arn") && !value(p, "web_identity_token_file");
}

static bool was_visited(const struct credentials_chain *out, const struct profile *p)
{
	for (size_t i = 0; i < out->n_roles; i++)
		if (out->roles[i] == p)
			return true;
	return false;
}

/* From the selected profile down to the base; roles are collected last one first. */
static int follow(const struct profile_set *set, const struct profile *p,
		  struct credentials_chain *out, struct err *err)
{
	while (is_role(p) && (!out->n_roles || !has_keys(p) || was_visited(out, p))) {
		const char *source = value(p, "source_profile");
		const struct profile *next;

		if (add_role(p, out, err))
			return -1;
		if (!source)
			return credential_source(p, out, err);
		next = profile_find(set, PROFILE_SECTION, source);
		if (!next)
			return err_set(err, ERR_REJECTED,
				       "profile %s: source_profile %s does not exist", p->name,
				       source);
		if (next == p)
			return base_keys(p, out, err);
		p = next;
	}
	if (base_of(p, out, err))
		return -1;
	if (out->n_roles && out->base == BASE_NONE)
		return err_set(err, ERR_REJECTED,
			       "profile %s is a source_profile but has no credentials", p->name);
	return 0;
}

int credentials_chain_read(const struct profile_set *set, const char *name,
			   struct credentials_chain *out, struct err *err)
{
	const struct profile *p = profile_find(set, PROFILE_SECTION, name);

	*out = (struct credentials_chain){.base = BASE_NONE};
	if (!p)
		return 0;
	if (follow(set, p, out, err))
		return -1;
	for (size_t i = 0; i < out->n_roles / 2; i++) { /* first to assume comes first */
		const struct profile *other = out->roles[out->n_roles - 1 - i];

		out->roles[out->n_roles - 1 - i] = out->roles[i];
		out->roles[i] = other;
	}
	return 0;
}

/* --- acting on it --------------------------------------------------------------------------- */

static int keys_provider(const struct profile *p, struct credentials_provider **out,
			 struct err *err)
{
	struct credentials_parts parts = {
		.access_key_id = str_from(value(p, "aws_access_key_id")),
		.secret_access_key = str_from(value(p, "aws_secret_access_key")),
		.session_token = str_from(value(p, "aws_session_token")),
		.account_id = str_from(value(p, "aws_account_id")),
		.source = "profile",
	};

	*out = credentials_static_new(&parts, err);
	return *out ? 0 : err_wrap(err, "profile %s", p->name);
}

static int base_provider(struct aws *aws, const struct credentials_chain *chain,
			 struct credentials_provider **out, struct err *err)
{
	const struct profile *p = chain->base_profile;
	struct credentials_web_identity web;

	switch (chain->base) {
	case BASE_NONE:
		*out = NULL;
		return 0;
	case BASE_KEYS:
		return keys_provider(p, out, err);
	case BASE_PROCESS:
		*out = credentials_process_new(aws, value(p, "credential_process"));
		return 0;
	case BASE_WEB_IDENTITY:
		web = (struct credentials_web_identity){value(p, "web_identity_token_file"),
							value(p, "role_arn"),
							value(p, "role_session_name")};
		*out = credentials_web_identity_new(aws, &web);
		return 0;
	case BASE_INSTANCE:
		*out = credentials_imds_new(aws);
		return 0;
	case BASE_ENVIRONMENT:
		if (credentials_env_new(aws->settings, out, err))
			return -1;
		break;
	case BASE_CONTAINER:
		if (credentials_container_new(aws, out, err))
			return -1;
		break;
	}
	if (*out)
		return 0;
	return err_set(err, ERR_REJECTED, "profile %s: credential_source has no credentials",
		       p->name);
}

static int role_provider(struct aws *aws, const struct profile *p,
			 struct credentials_provider **source, struct err *err)
{
	const char *duration = value(p, "duration_seconds");
	struct credentials_assume_role o = {.role_arn = value(p, "role_arn"),
					    .session_name = value(p, "role_session_name"),
					    .external_id = value(p, "external_id"),
					    .source_take = true};

	if (duration && !str_parse_i64(str_from(duration), 900, 43200, &o.duration_s))
		return err_set(err, ERR_REJECTED,
			       "profile %s: duration_seconds \"%s\" is not a number from 900 to "
			       "43200",
			       p->name, duration);
	/* each link has a cache: expired source credentials are not asked for at each refresh */
	o.source = credentials_cached_new(*source, aws->clock, aws->log);
	*source = credentials_assume_role_new(aws, &o);
	return 0;
}

int credentials_profile_new(struct aws *aws, struct credentials_provider **out, struct err *err)
{
	const struct aws_settings *s = aws->settings;
	struct credentials_provider *p = NULL;
	struct credentials_chain chain;

	*out = NULL;
	if (credentials_chain_read(s->profiles, s->profile_name, &chain, err) ||
	    base_provider(aws, &chain, &p, err))
		return -1;
	for (size_t i = 0; p && i < chain.n_roles; i++)
		if (role_provider(aws, chain.roles[i], &p, err)) {
			credentials_provider_free(p);
			return -1;
		}
	*out = p;
	return 0;
}
