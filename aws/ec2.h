#ifndef AWS_EC2_H
#define AWS_EC2_H

#include <stddef.h>
#include <stdint.h>

#include "aws/call.h"
#include "aws/core/err.h"
#include "aws/core/mem.h"

/*
 * EC2: versions of launch templates. EC2's query protocol, API version 2016-11-15.
 *
 * Everything returned lives in the arena given, NUL-terminated; absent text is NULL. Each function
 * blocks, retries included, and can be called from any thread.
 *
 * Errors everywhere: ERR_NOT_FOUND (InvalidLaunchTemplateId.NotFound,
 * InvalidLaunchTemplateName.NotFoundException, InvalidLaunchTemplateId.VersionNotFound),
 * ERR_REJECTED, ERR_DENIED, ERR_THROTTLED; ERR_MALFORMED for an answer that lacks what was asked
 * for.
 */
extern const struct aws_service ec2_service;

/* Which template: by id, else by name. */
struct ec2_template {
	const char *id, *name;
};

struct ec2_template_version {
	const char *id, *name;
	int64_t number;	      /* 1 and up */
	const char *image_id; /* NULL where it says none; may be "resolve:ssm:..." */
	const char *description;
};

/* version: a number, "$Latest" or "$Default". */
int ec2_describe_template_version(const struct aws_client *c, const struct ec2_template *t,
				  const char *version, struct arena *a,
				  struct ec2_template_version *out, struct err *err) MUST_CHECK;

#define EC2_TOKEN_MAX 128	     /* characters of a client token */
#define EC2_USER_DATA_MAX (16 << 10) /* bytes, before base64 */

struct ec2_new_version {
	struct ec2_template of;
	int64_t source;	      /* everything not said here is as in this version */
	const char *image_id; /* NULL: as in source */
	struct str user_data; /* as it is, at most EC2_USER_DATA_MAX bytes; empty: as in source */
	const char *description;
	const char *token; /* the same token: the same version, however often it is asked for */
};

/*
 * A new version of a template; never the default by itself. Sent again when the outcome is unknown,
 * as the token makes it the same one. ERR_REJECTED also when AWS stored it with a warning: it would
 * not launch. User data never reaches an error's text.
 */
int ec2_create_template_version(const struct aws_client *c, const struct ec2_new_version *v,
				struct arena *a, int64_t *number, struct err *err) MUST_CHECK;

#endif
