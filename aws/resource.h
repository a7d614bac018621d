#ifndef AWS_RESOURCE_H
#define AWS_RESOURCE_H

#include "aws/call.h"

/*
 * What a request is about, for people: "functions/checkout/aliases/live", "pipeline-bucket/key", an
 * ARN or a name. Taken from the path of REST services and from the parameters that name things in
 * the others; "" when the request names nothing. In the arena; at most RESOURCE_MAX bytes, cut
 * where it is longer, nothing in it but what shows as itself. Never a value that is no name.
 */
#define RESOURCE_MAX 200

const char *aws_resource(const struct aws_request *r, struct arena *a);

#endif
