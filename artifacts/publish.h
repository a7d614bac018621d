#ifndef ARTIFACTS_PUBLISH_H
#define ARTIFACTS_PUBLISH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "artifacts/pack.h"
#include "aws/call.h"
#include "aws/core/err.h"
#include "aws/s3.h"

/*
 * Put an output artifact where the job wants it: a zip, encrypted with KMS as the bucket policies
 * of CodePipeline demand; or a zip into another bucket, encrypted as that bucket is set up.
 */
struct publish {
	const char *bucket, *key;
	const char *kms_key_id; /* encryptionKey.id of the job, unchanged; NULL: account's own */
	bool is_plain;		/* no pipeline's bucket: encryption is left to it */
	struct s3_regions *regions; /* NULL: nothing is remembered */
	/* As in struct fetch; may be NULL. */
	int (*refresh)(void *arg, struct aws_client *client, struct err *err);
	void *refresh_arg;
};

/* Up to this size in one request; above it in parts. */
#define PUBLISH_SINGLE_MAX (16u << 20)

/*
 * All of these write the whole object or nothing (parts of a failed upload are given up), block
 * with the retries of aws/call, and may be repeated: the object is simply replaced.
 * Errors, the text naming bucket and key: ERR_DENIED, with what the pipeline's role must allow;
 * those of S3. err->sent: the object may have been written nevertheless.
 */
int publish_entries(const struct aws_client *client, const struct publish *p,
		    const struct pack_entry *entries, size_t n, struct err *err) MUST_CHECK;
int publish_bytes(const struct aws_client *client, const struct publish *p, struct str bytes,
		  struct err *err) MUST_CHECK;
/* The first size bytes of fd_in, read with pread. */
int publish_file(const struct aws_client *client, const struct publish *p, int fd_in, uint64_t size,
		 struct err *err) MUST_CHECK;

#endif
