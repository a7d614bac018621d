#ifndef ARTIFACTS_FETCH_H
#define ARTIFACTS_FETCH_H

#include <stdint.h>

#include "artifacts/workspace.h"
#include "aws/call.h"
#include "aws/core/digest.h"
#include "aws/core/err.h"
#include "aws/s3.h"

/*
 * Get an artifact from S3 into a file without a name in the workspace.
 */
struct fetch {
	const char *bucket, *key;
	const struct workspace *workspace;
	int64_t max_bytes;	    /* 0: LIMIT_ARTIFACT_BYTES */
	struct s3_regions *regions; /* NULL: nothing is remembered */
	/*
	 * Called when S3 says that the credentials have expired, at most twice: make client's
	 * credentials fresh (GetJobDetails). NULL: expired credentials end the fetch.
	 */
	int (*refresh)(void *arg, struct aws_client *client, struct err *err);
	void *refresh_arg;
};

struct fetched {
	int fd; /* for reading and writing; the caller closes it */
	uint64_t size;
	char sha256[SHA256_HEX_SIZE];  /* of what was received */
	const char *etag, *version_id; /* in the arena; NULL where S3 does not say */
};

/*
 * Blocks, with the retries of aws/call. A connection that breaks in the middle is resumed where it
 * broke, on condition that the object is still the same (If-Match), as long as attempts make
 * progress. On failure nothing is left and out->fd is -1.
 *
 * Errors, the text naming bucket and key: ERR_NOT_FOUND; ERR_DENIED, with what the pipeline's role
 * must allow; ERR_LIMIT, before anything is received; ERR_CONFLICT when the object was replaced
 * meanwhile; those of S3.
 */
int fetch(const struct aws_client *client, const struct fetch *f, struct arena *a,
	  struct fetched *out, struct err *err) MUST_CHECK;

#endif
