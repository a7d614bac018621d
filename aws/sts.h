#ifndef AWS_STS_H
#define AWS_STS_H

#include "aws/call.h"

/*
 * Security Token Service, API version 2011-06-15, at the regional endpoint.
 */
extern const struct aws_service sts_service;

struct sts_identity {
	const char *account, *arn, *user_id;
};

/* GetCallerIdentity: needs no permission; a self-test at start. Text lives in the arena. */
int sts_get_caller_identity(const struct aws_client *c, struct arena *a, struct sts_identity *out,
			    struct err *err) MUST_CHECK;

struct sts_assume_role {
	const char *role_arn, *session_name;
	const char *external_id; /* NULL: none */
	int64_t duration_s;	 /* 0: the service's default of an hour */
	const char *web_identity_token; /* a secret; only for the web identity form */
};

/* AssumeRole. A new snapshot, or NULL with err set: ERR_DENIED when the role may not be assumed. */
struct credentials *sts_assume_role(const struct aws_client *c, const struct sts_assume_role *in,
				    struct err *err) MUST_CHECK;

/* AssumeRoleWithWebIdentity: unsigned, the client's credentials are not used. */
struct credentials *sts_assume_role_with_web_identity(const struct aws_client *c,
						      const struct sts_assume_role *in,
						      struct err *err) MUST_CHECK;

#endif
