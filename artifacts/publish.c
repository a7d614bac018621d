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

struct upload {
	const struct publish *publish;
	struct aws_client client; /* with the credentials as they are now */
	struct arena *arena;
	int refreshes;
};

static struct s3_put put_of(const struct upload *u)
{
	const struct publish *p = u->publish;

	return (struct s3_put){.object = {.bucket = p->bucket, .key = p->key, .regions = p->regions},
			       .content_type = "application/zip",
			       .sse_kms = true,
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
	if (err->code == ERR_DENIED)
		return err_wrap(err,
				"put s3://%s/%s: the pipeline's role must allow s3:PutObject and, on the "
				"artifact's key, kms:GenerateDataKey and kms:Decrypt",
				p->bucket, p->key);
	return err_wrap(err, "put s3://%s/%s", p->bucket, p->key);
}

static int put_single(struct upload *u, struct str bytes, struct err *err)
{
	struct s3_put put = put_of(u);
	struct s3_written written;

	put.body = bytes;
	while (s3_put(&u->client, &put, u->arena, &written, err))
		if (!refreshed(u, err))
			return -1;
	return 0;
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

static int put_parts(struct upload *u, const struct source *s, const char *id, struct err *err)
{
	size_t n = (size_t)((s->size + PART_BYTES - 1) / PART_BYTES);
	struct s3_part *parts = arena_array(u->arena, struct s3_part, n);
	struct s3_put put = put_of(u);
	struct s3_upload_complete complete = {
		.object = put.object, .upload_id = id, .parts = parts, .n = n};
	struct s3_written written;
	char *block = xmalloc(PART_BYTES);
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		uint64_t at = (uint64_t)i * PART_BYTES, left = s->size - at;
		size_t size = left < PART_BYTES ? (size_t)left : PART_BYTES;
		struct s3_upload_part part = {.object = put.object,
					      .upload_id = id,
					      .number = (int)i + 1,
					      .body = {block, size},
					      .total_ms = TOTAL_MS,
					      .stall_ms = STALL_MS};

		rc = read_part(s, at, block, size, err);
		parts[i].number = part.number;
		while (rc == 0 && s3_upload_part(&u->client, &part, u->arena, &parts[i].etag, err))
			rc = refreshed(u, err) ? 0 : -1;
	}
	free(block);
	if (rc == 0)
		rc = s3_upload_complete(&u->client, &complete, u->arena, &written, err);
	return rc;
}

static int put_multipart(struct upload *u, const struct source *s, struct err *err)
{
	struct s3_put put = put_of(u);
	struct err ignored = ERR_INIT;
	struct s3_info info;
	const char *id;

	while (s3_upload_create(&u->client, &put, u->arena, &id, err))
		if (!refreshed(u, err))
			return -1;
	if (put_parts(u, s, id, err) == 0)
		return 0;
	/* a lost answer to the completion: the object tells */
	if (err->sent && s3_head(&u->client, &put.object, u->arena, &info, &ignored) == 0 &&
	    info.size == s->size)
		return 0;
	if (s3_upload_abort(&u->client, &put.object, id, u->arena, &ignored))
		return -1; /* the credentials may not abort: a lifecycle rule has to */
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
