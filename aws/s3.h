#ifndef AWS_S3_H
#define AWS_S3_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/call.h"
#include "aws/core/clock.h"
#include "aws/core/err.h"
#include "aws/core/mem.h"
#include "aws/core/str.h"

/*
 * S3: objects in, objects out. REST with XML, API version 2006-03-01.
 *
 * Everything returned lives in the arena given. Each function blocks, retries included, and can be
 * called from any thread. A key is given as it is and percent-encoded here, segment by segment;
 * "//" and "." in it are kept, as S3 takes keys literally.
 *
 * Errors everywhere: ERR_NOT_FOUND (404: no such object, version, bucket or upload), ERR_DENIED
 * (403, also for a missing object when the caller may not list the bucket, and for a KMS key it may
 * not use), ERR_CONFLICT (412: a condition did not hold; 409), ERR_REJECTED (the rest of the 4xx).
 *
 * A bucket that lives in another region than the client says answers so; the region is then learnt
 * from the answer, or from HeadBucket, and the request is made once more, there. `regions`
 * remembers it. What a bucket answers is never followed as a URL: only a region's name is taken
 * from it.
 */
extern const struct aws_service s3_service;

/* Bucket to region, for the whole process: a few dozen buckets, the oldest is forgotten. */
struct s3_regions;

struct s3_regions *s3_regions_new(void);
void s3_regions_free(struct s3_regions *r); /* NULL does nothing */
/* The region remembered for the bucket, a copy in the arena; NULL when there is none. r may be
 * NULL. */
const char *s3_regions_get(struct s3_regions *r, const char *bucket, struct arena *a);
void s3_regions_put(struct s3_regions *r, const char *bucket, const char *region);

/* Which object. Access point ARNs are refused (ERR_REJECTED), as are an empty bucket or key. */
struct s3_object {
	const char *bucket, *key;
	const char *version_id;	    /* NULL: the current one; reads only */
	const char *expected_owner; /* account id the bucket must belong to; NULL: any */
	struct s3_regions *regions; /* NULL: nothing is remembered */
};

/* What is known about an object. Absent text is NULL. */
struct s3_info {
	uint64_t size;	  /* of the whole object, in bytes */
	uint64_t start;	  /* offset of the first byte of this answer's body */
	uint64_t length;  /* of this answer's body; of HEAD: as size */
	const char *etag; /* with its quotes; opaque, never a digest */
	const char *version_id, *content_type, *content_encoding;
	const char *encryption; /* "AES256", "aws:kms" */
	bool has_modified;
	struct utc modified;
};

struct s3_get {
	struct s3_object object;
	uint64_t start;	      /* first byte wanted; 0 asks for the whole object */
	const char *if_match; /* ETag that the object must still have; NULL: any */
	size_t body_max;      /* a longer body is ERR_LIMIT; 0: the transport's default; ignored
			       * when on_body is given */
	int64_t total_ms, stall_ms; /* as in struct aws_request */
	/*
	 * Takes the body in pieces. on_start comes first, with what the answer says; it comes again
	 * when an attempt is repeated: the body then starts over at info->start, which is `start`.
	 * -1 with err set ends the call with that error.
	 */
	int (*on_start)(void *arg, const struct s3_info *info, struct err *err);
	int (*on_body)(void *arg, const char *p, size_t n, struct err *err);
	void *on_arg;
};

/*
 * GetObject. *body is the content when there is no on_body (may be NULL otherwise). An answer that
 * is not the range asked for, or does not say its length, is ERR_MALFORMED. start beyond the end is
 * ERR_REJECTED with aws "InvalidRange".
 */
int s3_get(const struct aws_client *c, const struct s3_get *get, struct arena *a,
	   struct s3_info *info, struct str *body, struct err *err) MUST_CHECK;

/* HeadObject. */
int s3_head(const struct aws_client *c, const struct s3_object *object, struct arena *a,
	    struct s3_info *info, struct err *err) MUST_CHECK;

struct s3_put {
	struct s3_object object;
	struct str body; /* s3_put() alone: at most 5 GiB; multipart above some tens of MiB */
	const char *content_type; /* NULL: none is sent */
	bool sse_kms; /* send x-amz-server-side-encryption: aws:kms, as artifact buckets demand */
	const char *kms_key_id; /* with sse_kms; NULL: the account's default key */
	bool if_none_match;	/* only when there is no such object: ERR_CONFLICT otherwise */
	int64_t total_ms, stall_ms;
};

/* What a write left behind; NULL where the answer does not say. */
struct s3_written {
	const char *etag, *version_id;
};

/*
 * PutObject. The signature covers the SHA-256 of the body, so what arrives is what was sent. Sent
 * again when the outcome is unknown, except with if_none_match: then our own first attempt would
 * look like somebody else's object; err->sent tells, HeadObject decides.
 */
int s3_put(const struct aws_client *c, const struct s3_put *put, struct arena *a,
	   struct s3_written *out, struct err *err) MUST_CHECK;

/* --- multipart -------------------------------------------------------------------------------- */

/* Parts are at least 5 MiB, except the last, and at most 10,000. */
#define S3_PART_MIN (5u << 20)
#define S3_PARTS_MAX 10000

struct s3_part {
	int number;	  /* 1 to S3_PARTS_MAX */
	const char *etag; /* as s3_upload_part() returned it */
};

/* CreateMultipartUpload; put->body is not used. A lost answer leaves an upload without parts. */
int s3_upload_create(const struct aws_client *c, const struct s3_put *put, struct arena *a,
		     const char **upload_id, struct err *err) MUST_CHECK;

struct s3_upload_part {
	struct s3_object object;
	const char *upload_id;
	int number;
	struct str body;
	int64_t total_ms, stall_ms;
};
/* UploadPart: the same number again replaces it; sent again when the outcome is unknown. */
int s3_upload_part(const struct aws_client *c, const struct s3_upload_part *part, struct arena *a,
		   const char **etag, struct err *err) MUST_CHECK;

struct s3_upload_complete {
	struct s3_object object;
	const char *upload_id;
	const struct s3_part *parts; /* ascending by number */
	size_t n;
};
/*
 * CompleteMultipartUpload. S3 may take minutes and may say 200 before it knows: an error inside
 * such an answer is an error here. Not sent again when the outcome is unknown: HeadObject decides.
 */
int s3_upload_complete(const struct aws_client *c, const struct s3_upload_complete *up,
		       struct arena *a, struct s3_written *out, struct err *err) MUST_CHECK;

/* AbortMultipartUpload; on every path that does not complete, as parts cost money. An upload that
 * is gone already is success. */
int s3_upload_abort(const struct aws_client *c, const struct s3_object *object,
		    const char *upload_id, struct arena *a, struct err *err) MUST_CHECK;

#endif
