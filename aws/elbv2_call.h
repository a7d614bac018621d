#ifndef AWS_ELBV2_CALL_H
#define AWS_ELBV2_CALL_H

#include <stdbool.h>

#include "aws/call.h"
#include "aws/core/buf.h"
#include "aws/elbv2.h"

/*
 * One call to Elastic Load Balancing: for the elbv2 files only.
 */
#define ELBV2_REQUEST_MAX (256u << 10)

struct elbv2_op {
	const char *name;
	const char *result; /* "DescribeRulesResult" */
	const char *list;   /* "Rules": the list in it */
};

/* Append "name=value", the value encoded, with '&' where it is needed. */
void elbv2_add(struct buf *b, const char *name, const char *value);

/* Send body and find the result element in the answer; ERR_MALFORMED when there is none, with
 * err->sent where the call changes something. One that makes something is not sent again when the
 * outcome is unknown; all others are idempotent. */
int elbv2_call(const struct aws_client *c, const struct elbv2_op *op, const struct buf *body,
	       struct arena *a, const struct xml **result, struct err *err) MUST_CHECK;

/* Read the <member> of a list of rules. */
int elbv2_rule_parse(const struct xml *node, struct arena *a, struct elbv2_rule *out,
		     struct err *err) MUST_CHECK;

#endif
