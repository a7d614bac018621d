#include "artifacts/fetch.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "aws/core/limits.h"

/*
 * One GET, streamed into the file and hashed on the way. When the connection breaks, what has
 * arrived stays, and the rest is asked for on condition that the object is still the same. The call
 * loop below would ask for everything again: it is stopped when it begins to, after its wait.
 * Attempts that brought little are counted; a few of those in a row end the fetch.
 */
#define IDLE_ATTEMPTS_MAX 5
#define PROGRESS_MIN (256u << 10) /* less does not count: nobody keeps us busy byte by byte */
#define REFRESHES_MAX 2
#define STALL_MS 30000
#define TOTAL_MS (60 * 60 * 1000) /* 5 GiB on a slow line; a stall ends it sooner */

struct transfer {
	const struct fetch *fetch;
	struct arena *a;
	struct aws_client client; /* with the credentials as they are now */
	int refreshes;
	struct sha256_ctx *sha;
	int fd;
	uint64_t done;	  /* bytes in the file and in the digest */
	uint64_t size;	  /* of the whole object, once it is known */
	const char *etag; /* NULL: not known; then nothing can be resumed */
	const char *version_id;
	bool resume; /* stopped only to ask for the rest */
};

static uint64_t limit_of(const struct fetch *f)
{
	return f->max_bytes > 0 ? (uint64_t)f->max_bytes : LIMIT_ARTIFACT_BYTES;
}

static int start_over(struct transfer *t, struct err *err)
{
	if (t->done && ftruncate(t->fd, 0))
		return err_set_sys(err, ERR_SYSTEM, errno, "write the artifact to disk");
	sha256_end(t->sha, NULL);
	t->sha = sha256_begin();
	t->done = 0;
	return 0;
}

static int on_start(void *arg, const struct s3_info *info, struct err *err)
{
	struct transfer *t = arg;

	if (info->size > limit_of(t->fetch))
		return err_set(err, ERR_LIMIT, "%llu bytes; artifacts of up to %llu are accepted",
			       (unsigned long long)info->size,
			       (unsigned long long)limit_of(t->fetch));
	if (t->done > info->start && t->etag) {
		t->resume = true;
		return err_set(err, ERR_CONFLICT, "interrupted, to ask for the rest only");
	}
	if (t->done > info->start && start_over(t, err))
		return -1;
	/* the condition was held by S3; this is for those who only look like it */
	if (t->done && (info->size != t->size || !info->etag || strcmp(info->etag, t->etag) != 0))
		return err_set(err, ERR_CONFLICT, "the object was replaced while it was read");
	t->size = info->size;
	t->etag = info->etag ? arena_strdup(t->a, info->etag) : NULL;
	t->version_id = info->version_id ? arena_strdup(t->a, info->version_id) : NULL;
	return 0;
}

static int on_body(void *arg, const char *p, size_t n, struct err *err)
{
	struct transfer *t = arg;
	uint64_t at = t->done;

	if (n > t->size - t->done)
		return err_set(err, ERR_MALFORMED, "more bytes arrive than the object has");
	sha256_add(t->sha, p, n);
	t->done += n;
	while (n) {
		ssize_t m = pwrite(t->fd, p, n, (off_t)at);

		if (m < 0 && errno == EINTR)
			continue;
		if (m < 0)
			return err_set_sys(err, ERR_SYSTEM, errno, "write the artifact to disk");
		p += m;
		at += (uint64_t)m;
		n -= (size_t)m;
	}
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
				"get s3://%s/%s: the object is not there, or the pipeline's role "
				"may not read it; it must allow s3:GetObject and, for an encrypted "
				"artifact, kms:Decrypt",
				f->bucket, f->key);
	if (err->code == ERR_NOT_FOUND)
		return err_wrap(err, "get s3://%s/%s: the artifact is not there", f->bucket,
				f->key);
	if (!strcmp(err->aws, "PreconditionFailed"))
		return err_wrap(err, "get s3://%s/%s: the object was replaced while it was read",
				f->bucket, f->key);
	return err_wrap(err, "get s3://%s/%s", f->bucket, f->key);
}

static int get_rest(struct transfer *t, struct err *err)
{
	const struct fetch *f = t->fetch;
	const struct s3_get get = {
		.object = {.bucket = f->bucket, .key = f->key, .regions = f->regions},
		.start = t->done,
		.if_match = t->done ? t->etag : NULL,
		.total_ms = TOTAL_MS,
		.stall_ms = STALL_MS,
		.on_start = on_start,
		.on_body = on_body,
		.on_arg = t,
	};
	struct s3_info info;

	t->resume = false;
	return s3_get(&t->client, &get, t->a, &info, NULL, err);
}

/* True when another attempt may do better. */
static bool again(struct transfer *t, struct err *err)
{
	if (t->resume)
		return true;
	if (is_expired(err) && t->fetch->refresh && t->refreshes < REFRESHES_MAX) {
		t->refreshes++;
		return t->fetch->refresh(t->fetch->refresh_arg, &t->client, err) == 0;
	}
	/* what never began has been tried often enough below */
	return t->done && t->etag && err_is_retryable(err);
}

static int run(struct transfer *t, struct err *err)
{
	struct err last;
	int idle = 0;

	/* with everything there, it was only the end of the answer that got lost */
	while (!t->done || t->done < t->size) {
		uint64_t before = t->done;

		if (!get_rest(t, &last))
			break;
		idle = t->done >= before + PROGRESS_MIN ? 0 : idle + 1;
		if (idle == IDLE_ATTEMPTS_MAX || !again(t, &last)) {
			*err = last;
			return -1;
		}
	}
	if (t->done != t->size)
		return err_set(err, ERR_NETWORK, "only %llu of %llu bytes arrived",
			       (unsigned long long)t->done, (unsigned long long)t->size);
	return 0;
}

int fetch(const struct aws_client *client, const struct fetch *f, struct arena *a,
	  struct fetched *out, struct err *err)
{
	struct transfer t = {.fetch = f, .a = a, .client = *client};
	uint8_t digest[SHA256_SIZE];
	int rc;

	*out = (struct fetched){.fd = -1};
	t.fd = workspace_temp_file(f->workspace, err);
	if (t.fd < 0)
		return -1;
	t.sha = sha256_begin();
	rc = run(&t, err);
	sha256_end(t.sha, digest);
	if (rc) {
		close(t.fd);
		return err->code == ERR_CANCELED ? -1 : explain(f, err);
	}
	out->fd = t.fd;
	out->size = t.size;
	out->etag = t.etag;
	out->version_id = t.version_id;
	hex_encode(digest, sizeof(digest), out->sha256);
	return 0;
}
