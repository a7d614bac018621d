#ifndef AWS_SNS_H
#define AWS_SNS_H

#include "aws/call.h"
#include "aws/core/err.h"
#include "aws/core/mem.h"

/*
 * SNS: publish a message to a topic. Query protocol, API version 2010-03-31. Blocks; callable from
 * any thread.
 */
extern const struct aws_service sns_service;

#define SNS_MESSAGE_MAX (256u << 10) /* bytes, with the attributes */
#define SNS_SUBJECT_MAX 99	     /* characters: fewer than 100 */

struct sns_attribute {
	const char *name, *value; /* a String; the value is not empty */
};

struct sns_message {
	const char *topic_arn; /* its region has to be the client's */
	const char *subject;   /* ASCII, no control characters, at most SNS_SUBJECT_MAX */
	const char *body;
	const struct sns_attribute *attributes; /* for filter policies of subscriptions */
	size_t n_attributes;
	/* of a topic whose name ends with ".fifo": order within, and what is the same message */
	const char *group, *deduplication;
};

/*
 * Publish. Not idempotent but on FIFO topics, so after err->sent the message may have gone out. A
 * single attempt is made: whoever calls keeps the message and comes again.
 * ERR_NOT_FOUND: no such topic; ERR_DENIED, ERR_REJECTED, ERR_THROTTLED as in aws_call().
 */
int sns_publish(const struct aws_client *c, const struct sns_message *m, struct arena *a,
		struct err *err) MUST_CHECK;

/* The region in the ARN of a topic; false when this is no such ARN. */
bool sns_topic_region(struct str topic_arn, struct str *region);

#endif
