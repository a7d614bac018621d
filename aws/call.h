#ifndef AWS_CALL_H
#define AWS_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/core/clock.h"
#include "aws/core/err.h"
#include "aws/core/http.h"
#include "aws/core/json.h"
#include "aws/core/log.h"
#include "aws/core/mem.h"
#include "aws/core/rng.h"
#include "aws/core/str.h"
#include "aws/core/xml.h"
#include "aws/credentials.h"
#include "aws/endpoint.h"
#include "aws/settings.h"

/*
 * Speak to AWS: sign, send, classify, retry. One loop for every service; nobody else retries.
 */
struct aws_deps {
	struct http *http;
	struct clock *clock;
	struct rng *rng;
	struct log *log;       /* NULL: silent */
	struct cancel *cancel; /* of the whole process; NULL: none */
	const struct aws_settings *settings;
	const char *user_agent; /* what calls with a purpose name themselves by; NULL: nothing */
};

/* Everything a call needs from its surroundings; one per process, borrowed everywhere. */
struct aws {
	struct http *http;
	struct clock *clock;
	struct rng *rng;
	struct log *log;
	struct cancel *cancel;
	const struct aws_settings *settings;
	const char *user_agent;
	struct aws_private *priv; /* retry tokens, clock skew, counters: under a lock */
};

struct aws *aws_new(const struct aws_deps *deps);
void aws_free(struct aws *aws); /* NULL does nothing */

/*
 * An account's view: which credentials, which region. Cheap, by value; everything borrowed.
 *
 * purpose: one word that says in the service's own records (CloudTrail's userAgent) what a call was
 * for. It follows the product of the user agent, "rollout-worker/1.2 (lambda) ua/2.1 ...". NULL:
 * the call sends no User-Agent of its own, and the transport names the program alone.
 */
struct aws_client {
	struct aws *aws;
	struct credentials_provider *credentials;
	const char *region;
	const char *purpose;
	struct cancel *cancel; /* NULL: the process's */
	struct log *log;       /* NULL: the process's */
};

struct aws_request {
	const struct aws_service *service;
	const char *operation; /* "UpdateAlias" */
	const char *method;    /* NULL: POST */
	const char *path;      /* percent-encoded once, starting with '/'; NULL: "/" */
	const char *query;     /* percent-encoded, without '?'; NULL: none */
	/*
	 * S3: the bucket to address; path is then that of the key alone. The call puts the bucket
	 * into the host or in front of the path.
	 */
	const char *bucket;
	/*
	 * Headers besides those the call makes itself: Host, X-Amz-Date, Authorization,
	 * X-Amz-Security-Token, X-Amz-Target, x-amz-content-sha256, x-amzn-query-mode,
	 * amz-sdk-*, User-Agent, and Content-Type where the protocol fixes it (given here, it
	 * wins).
	 */
	const struct http_header *headers;
	size_t n_headers;
	/*
	 * JSON protocols: the document; empty is sent as "{}". Query: the parameters alone,
	 * "A=1&B=2", without Action and Version, which the call puts in front. REST: as is.
	 */
	struct str body;
	const char *body_sha256; /* hex, when the caller knows it already; else NULL */

	/*
	 * Reads and idempotent writes: may be sent again when the outcome is unknown. Anything else
	 * is sent again only when it certainly had no effect.
	 */
	bool resend_safe;
	bool unsigned_;	  /* AssumeRoleWithWebIdentity; also when the client has no credentials */
	bool raw_body;	  /* the answer is data: do not parse it */
	int max_attempts; /* 0: the settings' */
	int64_t total_ms; /* limit for one attempt; 0: the transport's default */
	int64_t stall_ms; /* 0: none */
	size_t body_max;  /* also of what on_body takes; 0: the transport's default */

	/*
	 * As in struct http_request; an answer taken in pieces is not parsed. on_start is called
	 * again when an attempt is repeated: the taker starts over.
	 */
	int (*on_start)(void *arg, int status, const struct http_header *headers, size_t n,
			struct err *err);
	int (*on_body)(void *arg, const char *p, size_t n, struct err *err);
	void *on_arg;
};

struct aws_response {
	int status; /* 0 when no answer arrived */
	struct http_header *headers;
	size_t n_headers;
	struct str body;
	uint64_t body_bytes;
	struct str request_id;
	const struct json *json; /* parsed when the protocol says so and the body is not empty */
	const struct xml *xml;	 /* the root element; likewise */
};

/*
 * Make one call. 0 on a 2xx answer, whose parts live in the arena. -1 otherwise: out then holds the
 * last answer as far as there was one (S3 names a bucket's region in the headers of its refusals),
 * and err says, with aws, http and request_id set where known:
 *
 *   ERR_THROTTLED ERR_UNAVAILABLE ERR_NETWORK ERR_TIMEOUT   attempts, or retry tokens, are used up
 *   ERR_DENIED ERR_NOT_FOUND ERR_CONFLICT ERR_REJECTED      what AWS answered
 *   ERR_MALFORMED   a success whose body does not parse
 *   ERR_CANCELED    the cancel fired, while sending or between attempts
 *   ERR_DENIED ERR_UNAVAILABLE   also when there are no credentials to be had, for good or just now
 *   err->sent       some attempt may have had its effect: read before writing again
 *
 * Text: "Lambda.UpdateAlias: PreconditionFailedException: ... (HTTP 412, request abc)".
 *
 * Attempts and waits follow the SDKs' standard mode: 3 attempts, retry tokens per service and
 * region, full jitter up to 20 s, Retry-After honoured up to that. Each attempt is signed afresh
 * from one snapshot of the credentials. Expired credentials are refreshed and a wrong clock is
 * corrected, once, and the request sent again. Blocks. Callable from any thread.
 */
int aws_call(const struct aws_client *c, const struct aws_request *r, struct arena *a,
	     struct aws_response *out, struct err *err) MUST_CHECK;

/* --- what has been called: for metrics -------------------------------------------------------- */
struct aws_stat {
	const char *service, *operation; /* static text of the callers */
	uint64_t calls;			 /* ended, one way or the other */
	uint64_t failed;		 /* ended with an error */
	uint64_t attempts;		 /* requests sent or tried */
	uint64_t throttled;		 /* attempts answered with throttling */
	int64_t total_ms;		 /* spent in calls, waits included */
};

/* Copy the counters, at most max; returns how many there are. Operations beyond a limit of
 * AWS_STATS_MAX are counted together as "other". */
#define AWS_STATS_MAX 128
size_t aws_stats(struct aws *aws, struct aws_stat *out, size_t max);

#endif
