#include "artifacts/fetch.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "aws/core/limits.h"

/*
 * One GET, streamed into the file and hashed on the way. When the connection breaks, what has
 * arrived stays, and the rest is asked for on condition that the object is still the same. An
 * attempt that brought nothing new counts; a few of those in a row end the fetch.
 */
#define IDLE_ATTEMPTS_MAX 3
#define REFRESHES_MAX 2
#define STALL_MS 30000
#define TOTAL_MS (60 * 60 * 1000) /* 5 GiB on a slow line; a stall ends it sooner */

struct transfer {
	const struct fetch *fetch;
	struct sha256_ctx *sha;
	int fd;
	uint64_t done;	    /* bytes in the file and in the digest */
	uint64_t skip;	    /* bytes of a repeated body that are there already */
	uint64_t size;	    /* of the whole object; 0 until known */
	char etag[256];	    /* "" until known */
	bool known;
};

static int64_t limit_of(const struct fetch *f)
{
	return f->max_bytes > 0 ? f->max_bytes : (int64_t)LIMIT_ARTIFACT_BYTES;
}

static int on_start(void *arg, const struct s3_info *info, struct err *err)
{
	struct transfer *t = arg;

	if (info->size > (uint64_t)limit_of(t->fetch))
		return err_set(err, ERR_LIMIT, "%llu bytes; artifacts of up to %lld are accepted",
			       (unsigned long long)info->size, (long long)limit_of(t->fetch));
	if (t->known && info->size != t->size)
		return err_set(err, ERR_CONFLICT, "the object was replaced while it was read");
	t->size = info->size;
	t->known = true;
	/* the same attempt may be repeated from an earlier byte */
	t->skip = t->done - info->start;
	if (!t->etag[0] && info->etag)
		str_copy(t->etag, sizeof(t->etag), str_from(info->etag));
	return 0;
}

static int write_all(int fd, const char *p, size_t n, struct err *err)
{
	while (n > 0) {
		ssize_t m = write(fd, p, n);

		if (m < 0 && errno == EINTR)
			continue;
		if (m < 0)
			return err_set_sys(err, ERR_SYSTEM, errno, "write the artifact to disk");
		p += m;
		n -= (size_t)m;
	}
	return 0;
}

static int on_body(void *arg, const char *p, size_t n, struct err *err)
{
	struct transfer *t = arg;

	if (t->skip >= n) {
		t->skip -= n;
		return 0;
	}
	p += t->skip;
	n -= (size_t)t->skip;
	t->skip = 0;
	if (n > t->size - t->done)
		return err_set(err, ERR_MALFORMED, "more bytes arrive than the object has");
	if (write_all(t->fd, p, n, err))
		return -1;
	sha256_add(t->sha, p, n);
	t->done += n;
	return 0;
}

static bool is_expired(const struct err *err)
{
	return !strcmp(err->aws, "ExpiredToken") || !strcmp(err->aws, "InvalidToken") ||
	       !strcmp(err->aws, "ExpiredTokenException");
}

/* What a refusal means to people: the credentials are the job's, so the pipeline's role decides. */
static int explain(const struct fetch *f, struct err *err)
{
	if (err->code == ERR_DENIED)
		return err_wrap(err,
				"get s3://%s/%s: the object is not there, or the pipeline's role may "
				"not read it; it must allow s3:GetObject and, for an encrypted "
				"artifact, kms:Decrypt", f->bucket, f->key);
	return err_wrap(err, "get s3://%s/%s", f->bucket, f->key);
}

/* Attempts until everything is there. */
static int run(const struct aws_client *client, struct transfer *t, struct arena *a,
	       struct fetched *out, struct err *err)
{
	const struct fetch *f = t->fetch;
	struct aws_client c = *client;
	int idle = 0, refreshes = 0;

	for (;;) {
		struct s3_get get = {.object = {.bucket = f->bucket,
						.key = f->key,
						.regions = f->regions},
				     .start = t->done,
				     .if_match = t->done ? t->etag : NULL,
				     .total_ms = TOTAL_MS,
				     .stall_ms = STALL_MS,
				     .on_start = on_start,
				     .on_body = on_body,
				     .on_arg = t};
		uint64_t before = t->done;
		struct s3_info info = {0};
		int rc = s3_get(&c, &get, a, &info, NULL, err);

		if (rc == 0 && t->done == t->size) {
			out->version_id = info.version_id;
			return 0;
		}
		if (rc && is_expired(err) && f->refresh && refreshes++ < REFRESHES_MAX) {
			if (f->refresh(f->refresh_arg, &c, err))
				return -1;
			continue;
		}
		if (rc && (!err_is_retryable(err) || !t->known))
			return -1;
		idle = t->done > before ? 0 : idle + 1;
		if (idle == IDLE_ATTEMPTS_MAX || (t->done && !t->etag[0]))
			return rc ? -1
				  : err_set(err, ERR_NETWORK, "only %llu of %llu bytes arrived",
					    (unsigned long long)t->done,
					    (unsigned long long)t->size);
	}
}

int fetch(const struct aws_client *client, const struct fetch *f, struct arena *a,
	  struct fetched *out, struct err *err)
{
	struct transfer t = {.fetch = f};
	uint8_t digest[SHA256_SIZE];
	int rc;

	*out = (struct fetched){.fd = -1};
	t.fd = workspace_temp_file(f->workspace, err);
	if (t.fd < 0)
		return -1;
	t.sha = sha256_begin();
	rc = run(client, &t, a, out, err);
	sha256_end(t.sha, digest);
	if (rc) {
		close(t.fd);
		return err->code == ERR_CANCELED ? -1 : explain(f, err);
	}
	out->fd = t.fd;
	out->size = t.size;
	out->etag = t.etag[0] ? arena_strdup(a, t.etag) : NULL;
	hex_encode(digest, sizeof(digest), out->sha256);
	return 0;
}
