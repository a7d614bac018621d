#ifndef AWS_IMDS_H
#define AWS_IMDS_H

#include "aws/call.h"

/*
 * The metadata service of an EC2 instance, version 2: a session token first, then GETs that carry
 * it. Falls back to version 1 only when the host does not know version 2, or does not answer its
 * PUT (a container behind a hop limit of 1), and the settings allow it.
 *
 * Source: "Use the Instance Metadata Service", Amazon EC2 User Guide. Thread-safe.
 */
struct imds;

struct imds *imds_new(struct aws *aws);
void imds_free(struct imds *m); /* NULL does nothing */

/*
 * GET a path such as "/latest/meta-data/placement/region". The body lives in the arena. Blocks for
 * seconds at most. ERR_NOT_FOUND: no such item (no role is attached); ERR_DENIED: the service is
 * switched off, here or by the settings; ERR_NETWORK, ERR_TIMEOUT: this is no EC2 instance, or a
 * container that cannot reach it.
 */
int imds_get(struct imds *m, const char *path, struct arena *a, struct str *body,
	     struct cancel *cancel, struct err *err) MUST_CHECK;

/* The instance's region, or -1 when there is no instance metadata. */
int imds_region(struct aws *aws, struct arena *a, const char **region, struct cancel *cancel,
		struct err *err) MUST_CHECK;

#endif
