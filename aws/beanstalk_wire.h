#ifndef AWS_BEANSTALK_WIRE_H
#define AWS_BEANSTALK_WIRE_H

#include <stdbool.h>
#include <stddef.h>

#include "aws/beanstalk.h"
#include "aws/core/buf.h"
#include "aws/core/xml.h"

/*
 * How the files of beanstalk speak: for use by aws/beanstalk*.c only.
 */
struct beanstalk_op {
	const char *name;
	const char *result; /* "DescribeEventsResult"; NULL: the operation answers nothing */
	const char *list;   /* "Events": the list in it; NULL: none */
	bool is_write;	    /* never sent again by itself, and its errors may have been sent */
};

/* Append "&Name=value"; a NULL value is left out. */
void beanstalk_add(struct buf *b, const char *name, const char *value);
void beanstalk_add_options(struct buf *b, struct arena *a, const char *list,
			   const struct beanstalk_option *options, size_t n);

/* ERR_REJECTED when the first of what a call cannot do without is missing. */
int beanstalk_require(const struct beanstalk_op *op, const char *name, const char *value,
		      struct err *err) MUST_CHECK;

void beanstalk_body_init(struct buf *b);

/* Send the body, which is released, and find the result in the answer (NULL result: out untouched).
 */
int beanstalk_call(const struct aws_client *c, const struct beanstalk_op *op, struct buf *body,
		   struct arena *a, const struct xml **result, struct err *err) MUST_CHECK;

struct beanstalk_list {
	void *items;
	size_t n, cap;
	size_t size; /* of an item */
	int (*read)(const struct xml *node, struct arena *a, void *item, struct err *err);
};

/* Read all pages of what `body` asks for, which is released. */
int beanstalk_describe(const struct aws_client *c, const struct beanstalk_op *op, struct buf *body,
		       struct arena *a, struct beanstalk_list *l, struct err *err) MUST_CHECK;

enum beanstalk_health beanstalk_health_parse(struct str s);
enum beanstalk_color beanstalk_color_parse(struct str s);

#endif
