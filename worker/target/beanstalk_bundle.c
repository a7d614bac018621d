#include "worker/target/beanstalk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "artifacts/beneath.h"
#include "artifacts/pack.h"
#include "artifacts/publish.h"
#include "aws/core/digest.h"
#include "worker/target/artifact.h"

/*
 * The source bundle of a version. A label stands for the bundle's content: a repeated creation, by
 * whomever, finds the same version, and the release that is live is recognised.
 */
#define PLACE "target.beanstalk.bundle"
#define LABEL_DIGITS 24

/* --- the bundle as a file -------------------------------------------------------------------- */

struct bundle {
	int fd;
	bool is_own; /* opened here, to be closed */
	uint64_t size;
};

static void check_zip(int fd, uint64_t size, const char *place, const char *name,
		      struct problems *p)
{
	if (size > BEAN_BUNDLE_MAX)
		problem_add(p, place, name, "%llu bytes; Elastic Beanstalk takes %u at most",
			    (unsigned long long)size, BEAN_BUNDLE_MAX);
	else if (!target_artifact_is_zip(fd))
		problem_add(p, place, name,
			    "no zip: a source bundle is one; name a zip or a folder in " PLACE);
}

int bean_bundle_check(const struct target_env *env, struct problems *p, struct err *err)
{
	const char *path = env->plan->target.beanstalk.bundle;
	const struct target_artifact *artifact;
	struct stat st;
	int fd;

	if (target_artifact_get(env, &artifact, err))
		return -1;
	if (!path) {
		check_zip(artifact->file_fd, artifact->file_size, "input artifact", artifact->key,
			  p);
		return 0;
	}
	if (target_artifact_open(artifact, path, &fd, &st, err))
		return -1;
	if (fd < 0)
		problem_add(p, PLACE, path,
			    "there is no such file or folder in the input artifact");
	else if (S_ISREG(st.st_mode))
		check_zip(fd, (uint64_t)st.st_size, PLACE, path, p);
	else if (!S_ISDIR(st.st_mode))
		problem_add(p, PLACE, path, "neither a file nor a folder");
	if (fd >= 0)
		close(fd);
	return 0;
}

/* A folder is packed into a file without a name: beside the artifact, or in memory. */
static int pack_folder(const struct target_env *env, const struct target_artifact *artifact,
		       const char *path, struct bundle *b, struct err *err)
{
	const struct pack_dir dir = {.dir_fd = artifact->dir_fd,
				     .subfolder = path,
				     .cancel = env->client.cancel ? env->client.cancel
								  : env->client.aws->cancel};

	b->fd = openat(artifact->dir_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (b->fd < 0)
		b->fd = memfd_create("bundle", MFD_CLOEXEC);
	if (b->fd < 0)
		return err_set_sys(err, ERR_SYSTEM, errno, "make a file for the bundle");
	b->is_own = true;
	if (pack_dir_file(&dir, b->fd, &b->size, err)) {
		close(b->fd);
		return err_wrap(err, PLACE);
	}
	return 0;
}

static int open_bundle(const struct target_env *env, struct bundle *b, struct err *err)
{
	const char *path = env->plan->target.beanstalk.bundle;
	const struct target_artifact *artifact;
	struct stat st;

	if (target_artifact_get(env, &artifact, err))
		return -1;
	*b = (struct bundle){.fd = artifact->file_fd, .size = artifact->file_size};
	if (!path)
		return 0;
	if (target_artifact_open(artifact, path, &b->fd, &st, err))
		return -1;
	if (b->fd < 0)
		return err_set_sys(err, ERR_REJECTED, errno, PLACE ": %s", path);
	if (S_ISDIR(st.st_mode)) {
		close(b->fd);
		return pack_folder(env, artifact, path, b, err);
	}
	b->is_own = true;
	b->size = (uint64_t)st.st_size;
	return 0;
}

static void close_bundle(struct bundle *b)
{
	if (b->is_own)
		close(b->fd);
}

/* --- its label ------------------------------------------------------------------------------- */

static int digest_of(const struct bundle *b, char hex[SHA256_HEX_SIZE], struct err *err)
{
	struct sha256_ctx *ctx = sha256_begin();
	uint8_t digest[SHA256_SIZE];
	char block[65536];
	uint64_t at = 0;

	while (at < b->size) {
		size_t want = b->size - at < sizeof(block) ? (size_t)(b->size - at) : sizeof(block);

		if (target_artifact_read(b->fd, at, block, want, "the bundle", err)) {
			sha256_end(ctx, NULL);
			return -1;
		}
		sha256_add(ctx, block, want);
		at += want;
	}
	sha256_end(ctx, digest);
	hex_encode(digest, sizeof(digest), hex);
	return 0;
}

int bean_bundle_label(const struct target_env *env, char label[BEAN_LABEL_SIZE], struct err *err)
{
	char hex[SHA256_HEX_SIZE];
	struct bundle b;
	int rc;

	if (open_bundle(env, &b, err))
		return -1;
	rc = digest_of(&b, hex, err);
	close_bundle(&b);
	if (rc == 0)
		snprintf(label, BEAN_LABEL_SIZE, "rw-%.*s", LABEL_DIGITS, hex);
	return rc;
}

/* --- its version ----------------------------------------------------------------------------- */

/* Beanstalk may not read that bucket, or it is in another region: then a copy is made. */
static bool wants_a_copy(const struct err *err)
{
	return strcmp(err->aws, "S3LocationNotInServiceRegionException") == 0 ||
	       err->code == ERR_DENIED ||
	       (err->code == ERR_REJECTED && strcmp(err->aws, "InvalidParameterValue") == 0 &&
		strstr(err->text, "S3"));
}

static int create(const struct target_env *env, const char *application, const char *label,
		  const char *bucket, const char *key, struct err *err)
{
	const struct beanstalk_create_version v = {
		.application = application,
		.label = label,
		.description = arena_printf(env->arena, "rollout-worker %.100s",
					    env->rollout_id ? env->rollout_id : ""),
		.bucket = bucket,
		.key = key};
	struct beanstalk_version made;

	if (beanstalk_create_version(&env->client, &v, env->arena, &made, err) == 0)
		return 0;
	/* somebody was faster with the same content, or an answer of ours was lost */
	if (beanstalk_refusal_of(err) != BEANSTALK_REFUSAL_TAKEN)
		return -1;
	*err = ERR_INIT;
	return 0;
}

/* Into Beanstalk's own bucket, under a name that says what it is. */
static int create_from_copy(const struct target_env *env, const char *application,
			    const char *label, struct err *err)
{
	struct publish to = {
		.key = arena_printf(env->arena, "rollout-worker/%s/%s.zip", application, label),
		.is_plain = true};
	struct bundle b;
	int rc;

	if (beanstalk_storage_location(&env->client, env->arena, &to.bucket, err) ||
	    open_bundle(env, &b, err))
		return -1;
	rc = publish_file(&env->client, &to, b.fd, b.size, err);
	close_bundle(&b);
	return rc ? -1 : create(env, application, label, to.bucket, to.key, err);
}

/* Beanstalk takes an object as it is now: that must be the one we were given. */
static bool is_current(const struct target_env *env, const struct target_artifact *artifact)
{
	struct err ignored = ERR_INIT; /* then a copy is made */
	struct s3_object object = {.bucket = artifact->bucket, .key = artifact->key};
	struct s3_info info;

	if (!artifact->bucket || !artifact->key)
		return false;
	if (!artifact->version_id || !artifact->version_id[0])
		return true;
	return s3_head(&env->client, &object, env->arena, &info, &ignored) == 0 &&
	       info.version_id && strcmp(info.version_id, artifact->version_id) == 0;
}

static int create_version(const struct target_env *env, const char *application, const char *label,
			  struct err *err)
{
	const struct target_artifact *artifact;

	if (target_artifact_get(env, &artifact, err))
		return -1;
	if (!env->plan->target.beanstalk.bundle && is_current(env, artifact)) {
		if (create(env, application, label, artifact->bucket, artifact->key, err) == 0)
			return 0;
		if (!wants_a_copy(err))
			return -1;
		*err = ERR_INIT;
	}
	return create_from_copy(env, application, label, err);
}

int bean_version_make(const struct target_env *env, const char *application, const char *label,
		      bool *is_there, struct err *err)
{
	struct beanstalk_version v;

	*is_there = false;
	if (beanstalk_describe_version(&env->client, application, label, env->arena, &v, err)) {
		if (err->code != ERR_NOT_FOUND)
			return -1;
		*err = ERR_INIT;
		return create_version(env, application, label, err);
	}
	if (v.status == BEANSTALK_VERSION_FAILED)
		return err_set(err, ERR_REJECTED,
			       "Elastic Beanstalk could not process version %s of %s: its source "
			       "bundle is no good (see the application's events)",
			       label, application);
	/* one that was never validated can be deployed as it is */
	*is_there = v.status == BEANSTALK_PROCESSED || v.status == BEANSTALK_UNPROCESSED;
	return 0;
}
