#ifndef AWS_SSM_H
#define AWS_SSM_H

#include <stddef.h>
#include <stdint.h>

#include "aws/call.h"
#include "aws/core/err.h"
#include "aws/core/mem.h"

/*
 * Systems Manager: run a script on instances, and see how it went. JSON 1.1, AmazonSSM.
 *
 * Everything returned lives in the arena given, NUL-terminated; absent text is NULL. Lists are read
 * over all pages. Each function blocks, retries included, and can be called from any thread.
 *
 * Errors everywhere: ERR_REJECTED (InvalidInstanceId: one of them is not known to Systems Manager;
 * InvalidDocument ...), ERR_DENIED, ERR_THROTTLED; ERR_MALFORMED for an answer that lacks what was
 * asked for.
 */
extern const struct aws_service ssm_service;

#define SSM_TARGETS_MAX 50	  /* instances a call */
#define SSM_COMMENT_MAX 100	  /* characters */
#define SSM_SCRIPT_MAX (48 << 10) /* bytes; a document with its parameters has 64 KiB */

struct ssm_command {
	const char *const *instances; /* 1 to SSM_TARGETS_MAX ids */
	size_t n_instances;
	struct str script;   /* lines for sh, at most SSM_SCRIPT_MAX bytes */
	const char *comment; /* how it is found again: a command has no idempotency token */
	int64_t delivery_s;  /* 30 and up: how long an instance may take to fetch it */
	int64_t execution_s; /* how long the script may run */
};

/*
 * SendCommand of AWS-RunShellScript. *id gets the command's. Not idempotent: after err->sent look
 * for invocations with its comment. ERR_REJECTED also when the command has no target.
 */
int ssm_send_command(const struct aws_client *c, const struct ssm_command *cmd, struct arena *a,
		     const char **id, struct err *err) MUST_CHECK;

enum ssm_status {
	SSM_RUNNING, /* Pending, InProgress, Delayed, Cancelling, or a word we do not know */
	SSM_SUCCESS,
	SSM_FAILED, /* Failed, TimedOut, Cancelled */
};

struct ssm_invocation {
	const char *command, *instance, *comment;
	enum ssm_status status;
	const char *details;  /* "Success" "ExecutionTimedOut" "Undeliverable" ...; never NULL */
	int64_t requested_ms; /* since 1970; 0 when absent */
};

/*
 * What was sent to which instance, of all commands requested after `since`, whoever sent them. What
 * was sent a moment ago may be missing.
 */
int ssm_list_invocations(const struct aws_client *c, struct utc since, struct arena *a,
			 struct ssm_invocation **out, size_t *n, struct err *err) MUST_CHECK;

/*
 * Which of these instances (1 to SSM_TARGETS_MAX) have an agent that answers: online[i] for
 * instances[i]. A command to another one would only wait.
 */
int ssm_are_online(const struct aws_client *c, const char *const *instances, size_t n,
		   struct arena *a, bool *online, struct err *err) MUST_CHECK;

#endif
