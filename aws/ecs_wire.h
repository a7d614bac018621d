#ifndef AWS_ECS_WIRE_H
#define AWS_ECS_WIRE_H

#include "aws/core/buf.h"
#include "aws/ecs.h"

/* Between the files of ECS; nobody else includes this. */

#define ECS_REQUEST_MAX (256u << 10) /* a task definition is at most 64 KiB */

/* Send a request whose body ends here; the buffer is released, whatever comes of it. */
int ecs_call(const struct aws_client *c, const char *operation, struct buf *body, bool resend_safe,
	     struct arena *a, struct aws_response *res, struct err *err) MUST_CHECK;

/*
 * The one thing described, from the list in the answer; ERR_NOT_FOUND or ERR_UNAVAILABLE as the
 * failures say, ERR_MALFORMED when there is neither.
 */
int ecs_one_of(const struct json *answer, const char *operation, const char *list,
	       const char *wanted, const struct json **out, struct err *err) MUST_CHECK;

int64_t ecs_number(const struct json *object, const char *key); /* 0 when absent */

/* tags of the object, as a list of key and value. */
const struct ecs_tag *ecs_read_tags(const struct json *list, struct arena *a, size_t *n);

/* "tags": those of the list, without aws:, and more, which win; nothing when there are none. */
void ecs_write_tags(struct json_out *o, const struct json *list, const struct ecs_tag *more,
		    size_t n);

/* Read one service; ERR_MALFORMED when it is none. */
int ecs_read_service(const char *operation, const struct json *node, struct arena *a,
		     struct ecs_service *out, struct err *err) MUST_CHECK;

/* "deploymentConfiguration". */
void ecs_write_configuration(struct json_out *o, const struct ecs_deployment_configuration *d);

#endif
