#include "artifacts/publish.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Small outputs in one request, large ones in parts. Every part is held in memory while it is sent,
 * so that it can be signed and sent again.
 */
#define PART_BYTES (8u << 20)
#define PACK_MAX (64u << 20) /* of outputs packed in memory: reports, not builds */
#define TOTAL_MS (10 * 60 * 1000)
#define STALL_MS 30000
#define REFRESHES_MAX 2
#define COMPLETE_ATTEMPTS 3

struct upload {
	const struct publish *publish;
	struct aws_client client; /* with the credentials as they are now */
	struct arena *arena;
	int refreshes;
};

static struct s3_put put_of(const struct upload *u)
{
	const struct publish *p = u->publish;

	return (struct s3_put){
		.object = {.bucket = p->bucket, .key = p->key, .regions = p->regions},
		.content_type = "application/zip",
		.sse_kms = !p->is_plain,
		.kms_key_id = p->kms_key_id,
		.total_ms = TOTAL_MS,
		.stall_ms = STALL_MS};
}

/* True when the credentials had expired and are fresh now: try again. */
static bool refreshed(struct upload *u, struct err *err)
{
	const struct publish *p = u->publish;

	if ((strcmp(err->aws, "ExpiredToken") != 0 && strcmp(err->aws, "InvalidToken") != 0) ||
	    !p->refresh || u->refreshes++ >= REFRESHES_MAX)
		return false;
	return p->refresh(p->refresh_arg, &u->client, err) == 0;
}

static int explain(const struct publish *p, struct err *err)
{
	if (err->code == ERR_DENIED && p->is_plain)
		return err_wrap(err, "put s3://%s/%s: the role must allow s3:PutObject", p->bucket,
				p->key);
	if (err->code == ERR_DENIED)
		return err_wrap(
			err,
			"put s3://%s/%s: the pipeline's role must allow s3:PutObject and, on the "
			"artifact's key, kms:GenerateDataKey and kms:Decrypt",
			p->bucket, p->key);
	return err_wrap(err, "put s3://%s/%s", p->bucket, p->key);
}

static int check_written(const struct s3_written *written, struct err *err)
{
	if (written->etag)
		return 0;
	return err_set(err, ERR_MALFORMED, "S3 does not confirm the object: no ETag");
}

static int put_single(struct upload *u, struct str bytes, struct err *err)
{
	struct s3_put put = put_of(u);
	struct s3_written written;
	struct err last;

	put.body = bytes;
	while (s3_put(&u->client, &put, u->arena, &written, &last)) {
		if (!refreshed(u, &last)) {
			*err = last;
			return -1;
		}
	}
	return check_written(&written, err);
}

/* Bytes of the object from either source. */
struct source {
	struct str bytes; /* when fd is -1 */
	int fd;
	uint64_t size;
};

static int read_part(const struct source *s, uint64_t at, char *to, size_t n, struct err *err)
{
	size_t done = 0;

	if (s->fd < 0) {
		memcpy(to, s->bytes.p + at, n);
		return 0;
	}
	while (done < n) {
		ssize_t m = pread(s->fd, to + done, n - done, (off_t)(at + done));

		if (m < 0 && errno == EINTR)
			continue;
		if (m <= 0)
			return err_set_sys(err, ERR_SYSTEM, m < 0 ? errno : EIO,
					   "read the output artifact");
		done += (size_t)m;
	}
	return 0;
}

static int put_part(struct upload *u, const struct s3_upload_part *part, const char **etag,
		    struct err *err)
{
	struct err last;

	while (s3_upload_part(&u->client, part, u->arena, etag, &last)) {
		if (!refreshed(u, &last)) {
			*err = last;
			return -1;
		}
	}
	return 0;
}

static int put_parts(struct upload *u, const struct source *s, const char *id,
		     struct s3_part *parts, struct err *err)
{
	char *block = xmalloc(PART_BYTES);
	int rc = 0;

	for (uint64_t at = 0; at < s->size && rc == 0; at += PART_BYTES) {
		uint64_t left = s->size - at;
		struct s3_part *p = &parts[at / PART_BYTES];
		struct s3_upload_part part = {
			.object = put_of(u).object,
			.upload_id = id,
			.number = (int)(at / PART_BYTES) + 1,
			.body = {block, left < PART_BYTES ? (size_t)left : PART_BYTES},
			.total_ms = TOTAL_MS,
			.stall_ms = STALL_MS,
		};

		p->number = part.number;
		rc = read_part(s, at, block, part.body.n, err);
		if (rc == 0)
			rc = put_part(u, &part, &p->etag, err);
	}
	free(block);
	return rc;
}

/*
 * When the answer to the completion is lost, the upload tells: nobody but us ends it, so that when
 * it is gone it was completed.
 */
static int complete(struct upload *u, const struct s3_upload_complete *c, uint64_t size,
		    struct err *err)
{
	struct s3_written written;
	bool maybe_done = false;
	struct s3_info info;
	struct err last;

	for (int i = 0; i < COMPLETE_ATTEMPTS; i++) {
		if (!s3_upload_complete(&u->client, c, u->arena, &written, &last))
			return check_written(&written, err);
		if (maybe_done && !strcmp(last.aws, "NoSuchUpload")) {
			if (s3_head(&u->client, &c->object, u->arena, &info, err))
				return -1;
			if (info.size == size)
				return 0;
			return err_set(err, ERR_CONFLICT, "the object has %llu bytes, not %llu",
				       (unsigned long long)info.size, (unsigned long long)size);
		}
		maybe_done |= last.sent;
		if (!refreshed(u, &last) && !(last.sent && err_is_retryable(&last)))
			break;
	}
	*err = last;
	return -1;
}

static int put_multipart(struct upload *u, const struct source *s, struct err *err)
{
	size_t n = (size_t)((s->size + PART_BYTES - 1) / PART_BYTES);
	struct s3_upload_complete c = {.object = put_of(u).object, .n = n};
	struct s3_put put = put_of(u);
	struct s3_part *parts;
	struct err last;

	if (n > S3_PARTS_MAX)
		return err_set(err, ERR_LIMIT, "%llu bytes are more than %d parts of %u",
			       (unsigned long long)s->size, S3_PARTS_MAX, PART_BYTES);
	while (s3_upload_create(&u->client, &put, u->arena, &c.upload_id, &last)) {
		if (!refreshed(u, &last)) {
			*err = last;
			return -1;
		}
	}
	c.parts = parts = arena_array(u->arena, struct s3_part, n);
	if (!put_parts(u, s, c.upload_id, parts, err) && !complete(u, &c, s->size, err))
		return 0;
	/* the credentials may not be allowed to abort; then a lifecycle rule has to clean up */
	(void)!s3_upload_abort(&u->client, &c.object, c.upload_id, u->arena, &last);
	return -1;
}

static int publish_source(const struct aws_client *client, const struct publish *p,
			  const struct source *s, struct err *err)
{
	struct upload u = {.publish = p, .client = *client, .arena = arena_new()};
	char *whole = NULL;
	int rc;

	if (s->size > PUBLISH_SINGLE_MAX) {
		rc = put_multipart(&u, s, err);
	} else if (s->fd < 0) {
		rc = put_single(&u, s->bytes, err);
	} else {
		whole = xmalloc((size_t)s->size);
		rc = read_part(s, 0, whole, (size_t)s->size, err);
		if (rc == 0)
			rc = put_single(&u, (struct str){whole, (size_t)s->size}, err);
		free(whole);
	}
	arena_free(u.arena);
	return rc == 0 || err->code == ERR_CANCELED ? rc : explain(p, err);
}

int publish_bytes(const struct aws_client *client, const struct publish *p, struct str bytes,
		  struct err *err)
{
	return publish_source(client, p,
			      &(struct source){.bytes = bytes, .fd = -1, .size = bytes.n}, err);
}

int publish_file(const struct aws_client *client, const struct publish *p, int fd_in, uint64_t size,
		 struct err *err)
{
	return publish_source(client, p, &(struct source){.fd = fd_in, .size = size}, err);
}

int publish_entries(const struct aws_client *client, const struct publish *p,
		    const struct pack_entry *entries, size_t n, struct err *err)
{
	struct buf zip;
	int rc;

	buf_init(&zip, PACK_MAX);
	rc = pack_entries(entries, n, &zip, err);
	if (rc == 0)
		rc = publish_bytes(client, p, buf_str(&zip), err);
	buf_release(&zip);
	return rc;
}
