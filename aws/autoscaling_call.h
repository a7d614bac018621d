#ifndef AWS_AUTOSCALING_CALL_H
#define AWS_AUTOSCALING_CALL_H

#include "aws/call.h"
#include "aws/core/buf.h"
#include "aws/core/err.h"
#include "aws/core/mem.h"
#include "aws/core/xml.h"

/*
 * How a call to Auto Scaling is made: for aws/autoscaling*.c only.
 */
#define AUTOSCALING_REQUEST_MAX (256u << 10)

/* A list over all pages; or its first one. */
struct autoscaling_list {
	const char *operation, *result, *list; /* "DescribeX", "DescribeXResult", "Xs" */
	void *items;
	size_t n, cap;
	size_t size; /* of an item */
	int (*read)(const struct xml *node, struct arena *a, void *item, struct err *err);
	bool one_page;
};

int autoscaling_call(const struct aws_client *c, const char *operation, const struct buf *body,
		     bool resend_safe, struct arena *a, const struct xml **root,
		     struct err *err) MUST_CHECK;
/* base: the parameters of every page. */
int autoscaling_describe(const struct aws_client *c, struct autoscaling_list *l, struct str base,
			 struct arena *a, struct err *err) MUST_CHECK;
/* A call whose answer says nothing. Releases body. */
int autoscaling_write(const struct aws_client *c, const char *operation, struct buf *body,
		      bool resend_safe, struct arena *a, struct err *err) MUST_CHECK;

#endif
