#ifndef AWS_RETRY_H
#define AWS_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "aws/call.h"
#include "aws/core/lock.h"
#include "aws/sigv4.h"

/*
 * What calls of one process share: retry tokens, clock skew and the last signing key for each
 * service and region, and counters. For aws/call only. Thread-safe.
 *
 * Source: "Retry behavior", standard mode, of the AWS SDKs and Tools Reference Guide, and botocore.
 */
#define RETRY_CAPACITY 500
#define RETRY_COST 5
#define RETRY_COST_TIMEOUT 10
#define RETRY_REFUND_FIRST 1 /* a success without a retry gives back a little */
#define RETRY_ATTEMPTS 3
#define RETRY_WAIT_MAX_MS 20000

struct aws_private;

struct aws_private *aws_private_new(void);
void aws_private_free(struct aws_private *p);

/* The shared state of one service in one region: stays valid as long as p. */
struct retry_scope;
struct retry_scope *retry_scope_get(struct aws_private *p, const char *service, const char *region);

/* Take tokens for a retry; false when the bucket has not so many. */
bool retry_take(struct aws_private *p, struct retry_scope *s, int cost);
void retry_refund(struct aws_private *p, struct retry_scope *s, int amount);

/* Milliseconds to add to the local time so that it agrees with the service's. */
int64_t retry_skew(struct aws_private *p, struct retry_scope *s);
void retry_skew_set(struct aws_private *p, struct retry_scope *s, int64_t skew_ms);

/* sigv4_signing_key(), from memory when it was the last one there; the caller wipes it. */
void retry_signing_key(struct aws_private *p, struct retry_scope *s,
		       const struct sigv4_scope *sign, uint8_t key[SHA256_SIZE]);

/*
 * Milliseconds to wait before retry n (0 for the first): unit x min(2^n, 20) seconds, unit being
 * uniform in [0, 1), and not less than what the answer asked for, up to 20 s.
 */
int64_t retry_wait_ms(int n, double unit, int64_t asked_ms);

struct aws_outcome {
	const char *service, *operation;
	bool failed, no_credentials;
	int attempts, throttled;
	int64_t ms;
};
void retry_count(struct aws_private *p, const struct aws_outcome *o);
size_t retry_stats(struct aws_private *p, struct aws_stat *out, size_t max);

#endif
