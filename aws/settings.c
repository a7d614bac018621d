#include "aws/settings.h"

#include <stdlib.h>
#include <sys/utsname.h>

#include "aws/core/http.h"
#include "aws/core/limits.h"
#include "aws/profile.h"
#include "aws/readfile.h"

/*
 * Resolving settings is a chain of "the first that says something": what the program was told, the
 * environment, the profile, the default. A value that says something wrong is an error that names
 * where it stands; it is never skipped in favour of the next.
 */
#define IMDS_IPV4 "http://169.254.169.254"
#define IMDS_IPV6 "http://[fd00:ec2::254]"
#define ATTEMPTS_MAX 10

static const char *process_get(void *arg, const char *name)
{
	(void)arg;
	return getenv(name);
}

struct aws_env aws_env_process(void)
{
	return (struct aws_env){.get = process_get, .home = getenv("HOME")};
}

const char *aws_env_get(const struct aws_env *env, const char *name)
{
	const char *value = env->get ? env->get(env->arg, name) : NULL;

	return value && *value ? value : NULL;
}

bool aws_parse_bool(struct str text, bool *out)
{
	if (!str_is_nocase(text, "true") && !str_is_nocase(text, "false"))
		return false;
	*out = str_is_nocase(text, "true");
	return true;
}

/* --- files ----------------------------------------------------------------------------------- */

struct loader {
	struct arena *arena;
	struct aws_settings *out;
	struct err *err;
};

static const char *file_path(struct loader *l, const char *variable, const char *below_home,
			     bool *told)
{
	const char *path = aws_env_get(&l->out->env, variable), *home = l->out->env.home;

	*told = path != NULL;
	if (!path)
		return home ? arena_printf(l->arena, "%s/%s", home, below_home) : NULL;
	if (home && path[0] == '~' && path[1] == '/')
		return arena_printf(l->arena, "%s%s", home, path + 1);
	return arena_strdup(l->arena, path);
}

static int load_file(struct loader *l, struct profile_set *set, enum profile_file kind,
		     const char *variable, const char *below_home)
{
	bool told;
	const char *path = file_path(l, variable, below_home, &told);
	struct buf text;
	int ret;

	if (!path)
		return 0;
	buf_init(&text, LIMIT_CONFIG_BYTES);
	ret = aws_read_file(path, &text, l->err);
	if (!ret)
		ret = profile_parse(set, l->arena, kind, path, buf_str(&text), l->err);
	else if (l->err->code == ERR_NOT_FOUND || (l->err->code == ERR_SYSTEM && !told))
		ret = 0; /* a missing file is an empty one; the default may be out of reach */
	mem_wipe(text.p, text.n);
	buf_release(&text);
	return ret;
}

static int load_profiles(struct loader *l, const struct aws_overrides *told)
{
	struct profile_set *set = arena_new_of(l->arena, struct profile_set);
	struct aws_settings *s = l->out;
	const char *name = told ? told->profile : NULL;

	if (load_file(l, set, PROFILE_CONFIG, "AWS_CONFIG_FILE", ".aws/config") ||
	    load_file(l, set, PROFILE_CREDENTIALS, "AWS_SHARED_CREDENTIALS_FILE",
		      ".aws/credentials"))
		return -1;
	if (!name)
		name = aws_env_get(&s->env, "AWS_PROFILE");
	s->profiles = set;
	s->profile_named = name != NULL;
	s->profile_name = arena_strdup(l->arena, name ? name : "default");
	s->profile = profile_find(set, PROFILE_SECTION, s->profile_name);
	if (s->profile_named && !s->profile)
		return err_set(l->err, ERR_NOT_FOUND,
			       "profile \"%s\" is in neither of the shared AWS files",
			       s->profile_name);
	return 0;
}

/* --- values ---------------------------------------------------------------------------------- */

struct setting {
	const char *value;  /* NULL: nobody says */
	const char *source; /* "AWS_REGION", "profile default: region": for errors */
};

static struct setting lookup(struct loader *l, const char *told, const char *variable,
			     const char *key)
{
	struct setting x = {told, "option"};

	if (!x.value && variable) {
		x.value = aws_env_get(&l->out->env, variable);
		x.source = variable;
	}
	if (!x.value && key) {
		x.value = profile_get(l->out->profile, key);
		x.source = arena_printf(l->arena, "profile %s: %s", l->out->profile_name, key);
	}
	if (x.value)
		x.value = arena_strdup(l->arena, x.value);
	return x;
}

static int load_bool(struct loader *l, const char *variable, const char *key, bool *out)
{
	struct setting x = lookup(l, NULL, variable, key);

	if (x.value && !aws_parse_bool(str_from(x.value), out))
		return err_set(l->err, ERR_MALFORMED, "%s: \"%s\" is neither true nor false",
			       x.source, x.value);
	return 0;
}

static int load_number(struct loader *l, const char *variable, const char *key, uint64_t max,
		       uint64_t *out)
{
	struct setting x = lookup(l, NULL, variable, key);

	if (x.value && !str_parse_u64(str_from(x.value), 1, max, out))
		return err_set(l->err, ERR_MALFORMED, "%s: \"%s\" is not a number from 1 to %llu",
			       x.source, x.value, (unsigned long long)max);
	return 0;
}

static int load_region(struct loader *l, const struct aws_overrides *told)
{
	struct setting x = lookup(l, told ? told->region : NULL, "AWS_REGION", NULL);

	if (!x.value)
		x = lookup(l, NULL, "AWS_DEFAULT_REGION", "region");
	l->out->region = x.value && *x.value ? x.value : NULL;
	return 0;
}

static int load_imds_endpoint(struct loader *l, const struct aws_overrides *told)
{
	struct setting url =
		lookup(l, told ? told->imds_endpoint : NULL, "AWS_EC2_METADATA_SERVICE_ENDPOINT",
		       "ec2_metadata_service_endpoint");
	struct setting mode = lookup(l, told ? told->imds_endpoint_mode : NULL,
				     "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
				     "ec2_metadata_service_endpoint_mode");
	struct http_url parts;
	char *text;

	if (!url.value) {
		struct str m = str_from(mode.value ? mode.value : "ipv4");

		if (!str_is_nocase(m, "ipv4") && !str_is_nocase(m, "ipv6"))
			return err_set(l->err, ERR_MALFORMED, "%s: \"%s\" is neither IPv4 nor IPv6",
				       mode.source, mode.value);
		l->out->imds_endpoint = str_is_nocase(m, "ipv6") ? IMDS_IPV6 : IMDS_IPV4;
		return 0;
	}
	if (!http_url_parse(str_from(url.value), &parts) || parts.query.n)
		return err_set(l->err, ERR_MALFORMED, "%s: \"%s\" is not an http or https URL",
			       url.source, url.value);
	text = arena_strdup(l->arena, url.value);
	for (size_t n = strlen(text); n && text[n - 1] == '/'; n--)
		text[n - 1] = '\0';
	l->out->imds_endpoint = text;
	return 0;
}

static int load_numbers(struct loader *l)
{
	uint64_t attempts = 0, timeout_s = 0, imds_attempts = 0;
	struct aws_settings *s = l->out;

	if (load_number(l, "AWS_MAX_ATTEMPTS", "max_attempts", ATTEMPTS_MAX, &attempts) ||
	    load_number(l, "AWS_METADATA_SERVICE_TIMEOUT", "metadata_service_timeout", 60,
			&timeout_s) ||
	    load_number(l, "AWS_METADATA_SERVICE_NUM_ATTEMPTS", "metadata_service_num_attempts",
			ATTEMPTS_MAX, &imds_attempts))
		return -1;
	s->max_attempts = (int)attempts;
	s->imds_timeout_ms = (int64_t)timeout_s * 1000;
	s->imds_attempts = (int)imds_attempts;
	return 0;
}

static int load_flags(struct loader *l)
{
	struct aws_settings *s = l->out;

	return load_bool(l, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint", &s->use_fips) ||
			       load_bool(l, "AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint",
					 &s->use_dualstack) ||
			       load_bool(l, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
					 "ignore_configured_endpoint_urls",
					 &s->ignore_configured_endpoints) ||
			       load_bool(l, "AWS_EC2_METADATA_DISABLED", NULL, &s->imds_disabled) ||
			       load_bool(l, "AWS_EC2_METADATA_V1_DISABLED",
					 "ec2_metadata_v1_disabled", &s->imds_v1_disabled)
		       ? -1
		       : 0;
}

static int load_s3(struct loader *l, const struct aws_overrides *told)
{
	const char *style = profile_get_sub(l->out->profile, "s3", "addressing_style", l->arena);

	l->out->s3_force_path_style = (told && told->s3_force_path_style) ||
				      (style && str_is_nocase(str_from(style), "path"));
	return 0;
}

static int load_ca_bundle(struct loader *l, const struct aws_overrides *told)
{
	struct setting x = lookup(l, told ? told->ca_bundle : NULL, "AWS_CA_BUNDLE", "ca_bundle");

	if (x.value && !*x.value)
		return err_set(l->err, ERR_MALFORMED, "%s: no file is named", x.source);
	l->out->ca_bundle = x.value;
	return 0;
}

int aws_settings_load(struct arena *a, const struct aws_env *env, const struct aws_overrides *told,
		      struct aws_settings *out, struct err *err)
{
	struct loader l = {a, out, err};

	*out = (struct aws_settings){.env = *env};
	if (told && told->endpoint_url)
		out->endpoint_url = arena_strdup(a, told->endpoint_url);
	if (load_profiles(&l, told) || load_region(&l, told) || load_flags(&l) ||
	    load_numbers(&l) || load_imds_endpoint(&l, told) || load_ca_bundle(&l, told) ||
	    load_s3(&l, told))
		return err_wrap(err, "AWS settings");
	out->app_id = lookup(&l, NULL, "AWS_SDK_UA_APP_ID", "sdk_ua_app_id").value;
	return 0;
}

/* --- endpoints and the user agent ------------------------------------------------------------ */

/* The service id as it appears in names: letters of one case, '_' for blanks and hyphens. */
static char *service_word(struct arena *a, const char *prefix, const char *id, bool upper)
{
	char *word = arena_printf(a, "%s%s", prefix, id);

	for (char *c = word + strlen(prefix); *c; c++) {
		if (*c == ' ' || *c == '-')
			*c = '_';
		else if (upper && *c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
		else if (!upper && *c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	}
	return word;
}

const char *aws_settings_endpoint_url(const struct aws_settings *s, const char *service_id,
				      struct arena *a)
{
	const struct profile *services;
	const char *url;

	if (s->endpoint_url)
		return s->endpoint_url;
	if (s->ignore_configured_endpoints)
		return NULL;
	url = aws_env_get(&s->env, service_word(a, "AWS_ENDPOINT_URL_", service_id, true));
	if (!url)
		url = aws_env_get(&s->env, "AWS_ENDPOINT_URL");
	if (url)
		return url;
	services = profile_find(s->profiles, PROFILE_SERVICES, profile_get(s->profile, "services"));
	url = profile_get_sub(services, service_word(a, "", service_id, false), "endpoint_url", a);
	if (!url)
		url = profile_get(s->profile, "endpoint_url");
	return url && *url ? url : NULL;
}

/* Whatever is no token character of RFC 9110 becomes '-'. */
static void add_token(struct buf *b, const char *prefix, const char *text)
{
	buf_adds(b, prefix);
	for (; *text; text++) {
		bool ok = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
			  (*text >= '0' && *text <= '9') || strchr("!#$%&'*+-.^_`|~", *text);

		buf_addc(b, ok ? *text : '-');
	}
}

char *aws_settings_user_agent(const struct aws_settings *s, struct arena *a, const char *name,
			      const char *version)
{
	const char *where = aws_env_get(&s->env, "AWS_EXECUTION_ENV");
	struct utsname u = {.release = "unknown", .machine = "unknown"};
	struct buf b;
	char *text;

	uname(&u); /* cannot fail on a valid pointer; the defaults stand if it does */
	buf_init(&b, 1024);
	add_token(&b, "", name);
	add_token(&b, "/", version);
	add_token(&b, " ua/2.1 os/linux#", u.release);
	add_token(&b, " md/arch#", u.machine);
	buf_adds(&b, " lang/c#11");
	if (where)
		add_token(&b, " exec-env/", where);
	if (s->app_id)
		add_token(&b, " app/", s->app_id);
	text = str_dup(a, buf_str(&b));
	buf_release(&b);
	return text;
}
