#ifndef AWS_SETTINGS_H
#define AWS_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "aws/core/err.h"
#include "aws/core/mem.h"
#include "aws/core/str.h"

struct profile;
struct profile_set;

/*
 * Where settings come from, in the order all AWS tools share: what the program was told, then the
 * environment, then the profile in the shared files, then the default.
 *
 * Source: "Configuration and credential file settings" and "Environment variables" of the AWS SDKs
 * and Tools Reference Guide.
 */

/* The environment, as a parameter: tests bring their own. get() returns NULL when unset. */
struct aws_env {
	const char *(*get)(void *arg, const char *name);
	void *arg;
	const char *home; /* directory that "~" stands for; NULL: unknown */
};

/* The real environment of the process. */
struct aws_env aws_env_process(void);

/* Value of a variable; NULL when unset or empty (AWS treats both alike). */
const char *aws_env_get(const struct aws_env *env, const char *name);

/* What the program was told on its command line or in its own configuration; NULL: nothing. */
struct aws_overrides {
	const char *profile, *region, *endpoint_url, *ca_bundle;
	const char *imds_endpoint, *imds_endpoint_mode;
	bool s3_force_path_style;
};

/*
 * Settings as resolved. Immutable after loading, shared by all threads; the text lives in the arena
 * that aws_settings_load() was given. A zeroed struct with only region and endpoint_url set is
 * valid: that is what tests use.
 */
struct aws_settings {
	struct aws_env env; /* asked later for what depends on the service or the source */
	const struct profile_set *profiles; /* the shared files; NULL: none */
	const struct profile *profile;	    /* the selected one; NULL: it does not exist */
	const char *profile_name;	    /* selected name, "default" unless said otherwise */
	bool profile_named;		    /* somebody chose it: the environment keys are off */

	const char *region; /* NULL: not configured; ask the instance metadata */
	bool use_fips, use_dualstack;
	const char *endpoint_url; /* told: beats every configured one; NULL: not told */
	bool ignore_configured_endpoints; /* those of environment and profile */
	bool s3_force_path_style;
	int max_attempts; /* in total, 1 to 10; 0 counts as 3 */
	const char *app_id, *ca_bundle;

	bool imds_disabled;
	bool imds_v1_disabled;
	const char *imds_endpoint; /* no trailing slash; NULL counts as http://169.254.169.254 */
	int64_t imds_timeout_ms;   /* of one attempt; 0 counts as 1,000 */
	int imds_attempts;	   /* 0 counts as 3 */
};

/*
 * Load the shared files and resolve. The files are read now and not again.
 * ERR_MALFORMED: a file does not parse or a value is not what it must be (the text names it);
 * ERR_NOT_FOUND: a profile was named that no file has. Reads files.
 */
int aws_settings_load(struct arena *a, const struct aws_env *env, const struct aws_overrides *told,
		      struct aws_settings *out, struct err *err) MUST_CHECK;

/*
 * The endpoint URL configured for a service, by its id ("Elastic Load Balancing v2"): told, from
 * the environment (AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL), or from the profile (its services
 * section, then itself). NULL when there is none. Lives as long as the arena and the settings.
 */
const char *aws_settings_endpoint_url(const struct aws_settings *s, const char *service_id,
				      struct arena *a);

/* "name/version ua/2.1 os/linux ... app/id": for the transport. */
char *aws_settings_user_agent(const struct aws_settings *s, struct arena *a, const char *name,
			      const char *version);

/* "true" and "false" in any case; false when it is neither. */
bool aws_parse_bool(struct str text, bool *out);

#endif
