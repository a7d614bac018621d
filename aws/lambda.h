#ifndef AWS_LAMBDA_H
#define AWS_LAMBDA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/call.h"
#include "aws/core/err.h"
#include "aws/core/mem.h"
#include "aws/core/str.h"

/*
 * Lambda: code, versions, aliases, test invocations. REST with JSON, API version 2015-03-31 and the
 * dated paths of later parts.
 *
 * Everything returned lives in the arena given, NUL-terminated; absent text is NULL. Each function
 * blocks, retries included, and can be called from any thread. `function` is a name or an ARN, in
 * any form Lambda takes.
 *
 * Errors everywhere: ERR_NOT_FOUND (ResourceNotFoundException), ERR_CONFLICT
 * (ResourceConflictException: an update is running, wait; PreconditionFailedException: the
 * revision id is not the current one, somebody else was here), ERR_REJECTED, ERR_DENIED.
 */
extern const struct aws_service lambda_service;

enum lambda_state {
	LAMBDA_STATE_NONE, /* absent: only very old functions; counts as active */
	LAMBDA_PENDING,
	LAMBDA_ACTIVE,
	LAMBDA_INACTIVE, /* idle: the next invocation wakes it; no failure */
	LAMBDA_FAILED,
	LAMBDA_STATE_OTHER /* Deactivating, Deleting, or a word we do not know: go on waiting */
};

enum lambda_update {
	LAMBDA_UPDATE_NONE, /* absent: of published versions, or never updated */
	LAMBDA_UPDATE_SUCCESSFUL,
	LAMBDA_UPDATE_FAILED,
	LAMBDA_UPDATE_IN_PROGRESS,
	LAMBDA_UPDATE_OTHER
};

struct lambda_configuration {
	const char *function_name, *function_arn;
	const char *version;	 /* "$LATEST" or a number */
	const char *code_sha256; /* base64 of the SHA-256 of the package */
	const char *revision_id;
	const char *package_type; /* "Zip", "Image" */
	const char *runtime, *handler, *role, *description, *last_modified;
	const char *dead_letter_arn; /* an alias cannot weigh two versions that differ in it */
	const char *architecture;    /* "x86_64", "arm64" */
	bool snap_start;	     /* published versions take minutes to become active */
	int64_t code_size, timeout_s, memory_mb; /* 0 when absent */
	enum lambda_state state;
	const char *state_reason, *state_reason_code;
	enum lambda_update update; /* LastUpdateStatus */
	const char *update_reason, *update_reason_code;
};

/* GetFunctionConfiguration. qualifier: version or alias; NULL: $LATEST. */
int lambda_get_function_configuration(const struct aws_client *c, const char *function,
				      const char *qualifier, struct arena *a,
				      struct lambda_configuration *out, struct err *err) MUST_CHECK;

/* GetFunction: the same by another way, which has a rate limit of its own (100 a second). The
 * presigned location of the code is not returned: it is a secret. */
int lambda_get_function(const struct aws_client *c, const char *function, const char *qualifier,
			struct arena *a, struct lambda_configuration *out,
			struct err *err) MUST_CHECK;

/* Packages sent directly are at most 50 MB; larger ones go by S3. */
#define LAMBDA_ZIP_MAX (50u * 1000 * 1000)

struct lambda_code {
	const char *function;
	struct str zip; /* the package itself; or, when empty: */
	const char *s3_bucket, *s3_key, *s3_object_version; /* in the function's region */
	const char *revision_id; /* $LATEST must still be this; NULL: whatever it is */
	bool dry_run;		 /* check rights and parameters, change nothing */
};

/*
 * UpdateFunctionCode of $LATEST; nothing is published, architectures stay. The answer is usually
 * LAMBDA_UPDATE_IN_PROGRESS. Without revision_id the same code twice is the same as once, so it is
 * sent again when the outcome is unknown. With it, it is not: our own first attempt would look like
 * somebody else's change (412); err->sent tells, and code_sha256 read back decides.
 */
int lambda_update_function_code(const struct aws_client *c, const struct lambda_code *code,
				struct arena *a, struct lambda_configuration *out,
				struct err *err) MUST_CHECK;

struct lambda_publish {
	const char *function;
	const char *code_sha256; /* $LATEST must have this code; NULL: any */
	const char *revision_id; /* $LATEST must be this; NULL: any */
	const char *description; /* at most 256; NULL: the function's */
};

/*
 * PublishVersion. Nothing new since the last version: that one is returned. So it is sent again
 * when the outcome is unknown, provided that code_sha256 is given.
 */
int lambda_publish_version(const struct aws_client *c, const struct lambda_publish *p,
			   struct arena *a, struct lambda_configuration *out,
			   struct err *err) MUST_CHECK;

/*
 * DeleteFunction of one published version. version must be a number: without it Lambda would delete
 * the function, so anything else is ERR_REJECTED and nothing is sent. ERR_CONFLICT: an alias still
 * refers to it. A version that is gone already is success.
 */
int lambda_delete_function_version(const struct aws_client *c, const char *function,
				   const char *version, struct arena *a,
				   struct err *err) MUST_CHECK;

/* --- aliases ---------------------------------------------------------------------------------- */

struct lambda_weight {
	const char *version;
	double weight; /* 0 to 1: the share of this version; the rest is the alias's own */
};

struct lambda_alias {
	const char *name, *alias_arn, *function_version, *description, *revision_id;
	const struct lambda_weight *weights; /* AdditionalVersionWeights; Lambda keeps at most 1 */
	size_t n_weights;
};

int lambda_get_alias(const struct aws_client *c, const char *function, const char *name,
		     struct arena *a, struct lambda_alias *out, struct err *err) MUST_CHECK;

struct lambda_alias_update {
	const char *function, *name;
	const char *function_version; /* NULL: unchanged (not for create) */
	const char *description;      /* NULL: unchanged */
	/*
	 * Weights: with set_weights the map becomes exactly these, and empty when n_weights is 0.
	 * Without it Lambda keeps the ones it has: also when function_version changes.
	 */
	bool set_weights;
	const struct lambda_weight *weights;
	size_t n_weights;
	const char *revision_id; /* the alias must still be this; NULL: whatever it is */
};

/* CreateAlias. ERR_CONFLICT: it exists; also, then, after an attempt whose answer was lost. Not
 * sent again when the outcome is unknown. revision_id is not used. */
int lambda_create_alias(const struct aws_client *c, const struct lambda_alias_update *u,
			struct arena *a, struct lambda_alias *out, struct err *err) MUST_CHECK;

/*
 * UpdateAlias. The revision id changes with every update: carry the one of the answer on. With a
 * revision_id it is not sent again when the outcome is unknown (see lambda_update_function_code):
 * read the alias back. ERR_CONFLICT: somebody else moved it. A weight that is no share is
 * ERR_REJECTED and nothing is sent.
 */
int lambda_update_alias(const struct aws_client *c, const struct lambda_alias_update *u,
			struct arena *a, struct lambda_alias *out, struct err *err) MUST_CHECK;

/* DeleteAlias. One that is gone already is success. */
int lambda_delete_alias(const struct aws_client *c, const char *function, const char *name,
			struct arena *a, struct err *err) MUST_CHECK;

/* ListAliases, all pages; version NULL: those of every version. Weighted versions do not count. */
int lambda_list_aliases(const struct aws_client *c, const char *function, const char *version,
			struct arena *a, struct lambda_alias **out, size_t *n,
			struct err *err) MUST_CHECK;

/* --- invoking --------------------------------------------------------------------------------- */

struct lambda_invoke {
	const char *function, *qualifier; /* NULL: $LATEST */
	struct str payload;		  /* JSON, at most 6 MB; empty: none */
	int64_t timeout_ms; /* must exceed the function's own; 0: the transport's default */
	bool resend_safe;   /* running it twice does no harm */
	bool dry_run;	    /* only check that it may be invoked: status 204 */
};

struct lambda_invoked {
	int status;		      /* 200, or 204 of a dry run */
	const char *function_error;   /* NULL: it returned; "Unhandled", "Handled": it threw */
	const char *executed_version; /* which version ran */
	struct str payload;	      /* what it returned, or the error as JSON */
	const char *log_tail;	      /* last 4 KB of its log, cleaned; NULL: none */
};

/*
 * Invoke and wait. A function that threw is success with function_error set. Sent again only when
 * it certainly did not run, unless resend_safe: a repeated attempt runs the function again.
 */
int lambda_invoke(const struct aws_client *c, const struct lambda_invoke *in, struct arena *a,
		  struct lambda_invoked *out, struct err *err) MUST_CHECK;

/* --- provisioned concurrency -------------------------------------------------------------------
 */

enum lambda_provisioned_status {
	LAMBDA_PROVISIONED_IN_PROGRESS,
	LAMBDA_PROVISIONED_READY,
	LAMBDA_PROVISIONED_FAILED,
	LAMBDA_PROVISIONED_OTHER /* a word we do not know: go on waiting */
};

struct lambda_provisioned {
	enum lambda_provisioned_status status;
	const char *reason;
	int64_t requested, available, allocated;
};

/* qualifier: a version or an alias, never NULL, "" or $LATEST (ERR_REJECTED). put and delete are
 * idempotent and sent again; get of none is ERR_NOT_FOUND; delete of none is success. */
int lambda_put_provisioned(const struct aws_client *c, const char *function, const char *qualifier,
			   int64_t executions, struct arena *a, struct err *err) MUST_CHECK;
int lambda_get_provisioned(const struct aws_client *c, const char *function, const char *qualifier,
			   struct arena *a, struct lambda_provisioned *out,
			   struct err *err) MUST_CHECK;
int lambda_delete_provisioned(const struct aws_client *c, const char *function,
			      const char *qualifier, struct arena *a, struct err *err) MUST_CHECK;

#endif
