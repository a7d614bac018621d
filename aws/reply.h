#ifndef AWS_REPLY_H
#define AWS_REPLY_H

#include <stdbool.h>

#include "aws/call.h"

/*
 * What a reply of AWS means: for aws/call only. Pure.
 */
struct reply_class {
	enum err_code code;
	bool retry;   /* a later attempt may succeed */
	bool refused; /* certainly without effect: may be repeated whatever the request was */
	bool expired; /* the credentials have expired: refresh them and repeat */
	bool skewed;  /* refused in a way that a wrong clock explains */
	bool unknown; /* the credentials are none that AWS knows */
};

/* By AWS error code (may be empty) and HTTP status; service decides what is ambiguous. */
struct reply_class reply_classify(const struct aws_service *service, struct str code, int status);

/*
 * Read a reply into out (its status, headers and body are there already): request id, parsed body,
 * error. 0 for a success. Otherwise err has code, text, aws, http, request_id and sent, and *how
 * says what can be done about it.
 */
int reply_read(const struct aws_request *r, struct arena *a, struct aws_response *out,
	       struct reply_class *how, struct err *err) MUST_CHECK;

/* Milliseconds the reply asks to wait (Retry-After in s, x-amz-retry-after in ms); 0: none. */
int64_t reply_retry_after_ms(const struct aws_response *out);

#endif
