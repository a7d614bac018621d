#ifndef AWS_CREDENTIALS_H
#define AWS_CREDENTIALS_H

#include <stdbool.h>
#include <stdint.h>

#include "aws/core/clock.h"
#include "aws/core/err.h"
#include "aws/core/json.h"
#include "aws/core/mem.h"
#include "aws/core/str.h"

struct aws;
struct aws_settings;
struct cancel;
struct log;

/*
 * Credentials: immutable snapshots with a reference count. Who signs holds one snapshot for the
 * whole request, so key, secret and token always belong together, however often they are refreshed
 * meanwhile.
 */
struct credentials {
	char *access_key_id;
	struct secret secret_access_key;
	struct secret session_token; /* empty when there is none */
	char *account_id;	     /* NULL when the source does not say */
	bool expires;
	struct utc expires_utc; /* only when expires */
	const char *source;	/* "environment", "assume role" ...: for logs; static text */
	int refs;		/* private, atomic */
};

/* What a snapshot is made of; all borrowed and copied. */
struct credentials_parts {
	struct str access_key_id, secret_access_key, session_token, account_id;
	bool expires;
	struct utc expires_utc;
	const char *source; /* static text */
};

/* One reference, for the caller. ERR_MALFORMED when key or secret is empty or has control or
 * non-ASCII characters (they would end up in a header). */
struct credentials *credentials_new(const struct credentials_parts *p, struct err *err);
struct credentials *credentials_get(struct credentials *c); /* one more reference; returns c */
void credentials_put(struct credentials *c);		    /* one less; NULL does nothing */

/*
 * A provider. Thread-safe. get() returns a snapshot with a reference for the caller, or NULL with
 * err set; it may block on I/O and is interrupted by cancel (ERR_CANCELED). invalidate() says that
 * AWS called this snapshot expired: the next get() should not return it again if it can help it.
 */
struct credentials_provider {
	struct credentials *(*get)(struct credentials_provider *p, struct cancel *cancel,
				   struct err *err);
	void (*invalidate)(struct credentials_provider *p, const struct credentials *snapshot);
	void (*free)(struct credentials_provider *p);
};

struct credentials *credentials_provider_get(struct credentials_provider *p, struct cancel *cancel,
					     struct err *err) MUST_CHECK;
void credentials_provider_invalidate(struct credentials_provider *p,
				     const struct credentials *snapshot);
void credentials_provider_free(struct credentials_provider *p); /* NULL does nothing */

/* Always the same snapshot: artifact credentials of a job. NULL with err when the parts are bad. */
struct credentials_provider *credentials_static_new(const struct credentials_parts *parts,
						    struct err *err);

/*
 * A cache around another provider, which it takes. Expiring credentials are refreshed 15 minutes
 * before their end, by one thread, while everybody else goes on with the old ones; from 10 minutes
 * before the end on the refresh is mandatory: callers wait for it and get its error. No lock is
 * held while refreshing. After a failed early refresh the next try comes a minute later.
 */
struct credentials_provider *credentials_cached_new(struct credentials_provider *inner_take,
						    struct clock *clock, struct log *log);
#define CREDENTIALS_DUE_MS (15 * 60 * 1000)
#define CREDENTIALS_MANDATORY_MS (10 * 60 * 1000)
#define CREDENTIALS_RETRY_MS (60 * 1000)

/* --- the sources ------------------------------------------------------------------------------ */

/* AWS_ACCESS_KEY_ID and friends, read once. *out is NULL and 0 returned when they are not set;
 * ERR_REJECTED when only one of the two is. */
int credentials_env_new(const struct aws_settings *s, struct credentials_provider **out,
			struct err *err) MUST_CHECK;

/*
 * Run a command, split as a shell would but without one, and read its JSON answer. 60 s, at most
 * 64 KiB; its stdout is never logged, its stderr is quoted in the error.
 */
struct credentials_provider *credentials_process_new(struct aws *aws, const char *command);

/* STS AssumeRoleWithWebIdentity. The token file is read again at each refresh. */
struct credentials_web_identity {
	const char *token_file, *role_arn, *session_name; /* session_name NULL: one is made up */
};
struct credentials_provider *
credentials_web_identity_new(struct aws *aws, const struct credentials_web_identity *o);

/* ECS and EKS Pod Identity. *out is NULL when neither variable is set. ERR_UNSAFE for a URL that
 * is neither https nor one of the hosts AWS documents. */
int credentials_container_new(struct aws *aws, struct credentials_provider **out,
			      struct err *err) MUST_CHECK;

/* The role of the EC2 instance, by IMDSv2 (aws/imds.h). */
struct credentials_provider *credentials_imds_new(struct aws *aws);

/*
 * STS AssumeRole with the credentials of `source`, which is borrowed unless source_take is true.
 * Not cached: wrap it. Strings are copied.
 */
struct credentials_assume_role {
	const char *role_arn;
	const char *session_name; /* 2 to 64 of [\w+=,.@-]; NULL: one is made up */
	const char *external_id;  /* NULL: none */
	const char *region;	  /* of STS; NULL: the settings' */
	const char *purpose;	  /* as in struct aws_client, a string that lasts; NULL: none */
	int64_t duration_s;	  /* 900 to 43,200; 0: 3,600 */
	struct credentials_provider *source;
	bool source_take;
};
struct credentials_provider *
credentials_assume_role_new(struct aws *aws, const struct credentials_assume_role *o);

/*
 * What the selected profile says, role chains included. *out is NULL when the profile has no
 * credential keys or does not exist. ERR_REJECTED for loops, half-configured and interactive (SSO,
 * MFA, login) profiles, with a text that says what to do instead.
 */
int credentials_profile_new(struct aws *aws, struct credentials_provider **out,
			    struct err *err) MUST_CHECK;

/*
 * The chain: environment, profile, web identity, container, instance. It stops at the first source
 * that is configured; a configured source that fails is an error, never a reason to try the next,
 * and a profile that somebody named disables the environment keys. Cached. NULL with err set when
 * a source is configured wrongly. Instance metadata is assumed to be there when nothing else is.
 */
struct credentials_provider *credentials_chain_new(struct aws *aws, struct err *err) MUST_CHECK;

/* --- shared by the sources -------------------------------------------------------------------- */

/*
 * Read the JSON object that processes, containers and instances answer: AccessKeyId,
 * SecretAccessKey, Token or SessionToken, Expiration (RFC 3339), AccountId.
 */
struct credentials *credentials_from_json(const struct json *doc, const char *source,
					  struct err *err) MUST_CHECK;

/* "rollout-worker-<milliseconds>": a session name for roles when none is configured. */
#define CREDENTIALS_SESSION_SIZE 65
void credentials_session_name(struct utc now, char out[CREDENTIALS_SESSION_SIZE]);

#endif
