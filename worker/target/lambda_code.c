#include "worker/target/lambda_code.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "artifacts/beneath.h"
#include "artifacts/pack.h"
#include "aws/lambda.h"
#include "worker/target/artifact.h"

static void check_zip(int fd, uint64_t size, const char *place, const char *name,
		      struct problems *p)
{
	if (size > LAMBDA_ZIP_MAX)
		problem_add(p, place, name,
			    "%llu bytes; Lambda takes %u at most as a direct upload",
			    (unsigned long long)size, LAMBDA_ZIP_MAX);
	else if (!target_artifact_is_zip(fd))
		problem_add(p, place, name,
			    "no zip, and Lambda takes nothing else; name a zip or "
			    "a folder in target.lambda.code");
}

int lambda_code_check(const struct target_env *env, struct problems *p, struct err *err)
{
	const char *place = "target.lambda.code", *code = env->plan->target.lambda.code;
	const struct target_artifact *artifact;
	struct stat st;
	int fd;

	if (target_artifact_get(env, &artifact, err))
		return -1;
	if (!code) {
		check_zip(artifact->file_fd, artifact->file_size, "input artifact", artifact->key,
			  p);
		return 0;
	}
	if (target_artifact_open(artifact, code, &fd, &st, err))
		return -1;
	if (fd < 0)
		problem_add(p, place, code,
			    "there is no such file or folder in the input artifact");
	else if (S_ISREG(st.st_mode))
		check_zip(fd, (uint64_t)st.st_size, place, code, p);
	else if (!S_ISDIR(st.st_mode))
		problem_add(p, place, code, "neither a file nor a folder");
	if (fd >= 0)
		close(fd);
	return 0;
}

static int read_file(int fd, uint64_t size, struct buf *out, struct err *err)
{
	char block[65536];
	uint64_t at = 0;

	while (at < size) {
		size_t want = size - at < sizeof(block) ? (size_t)(size - at) : sizeof(block);

		if (target_artifact_read(fd, at, block, want, "the package", err))
			return -1;
		buf_add(out, block, want);
		at += want;
	}
	return buf_check(out, "the package for Lambda", err);
}

/* The bytes of the package. */
static int load(const struct target_env *env, struct buf *out, struct err *err)
{
	const char *code = env->plan->target.lambda.code;
	const struct target_artifact *artifact;
	struct stat st;
	int fd, rc;

	if (target_artifact_get(env, &artifact, err))
		return -1;
	if (!code)
		return read_file(artifact->file_fd, artifact->file_size, out, err);
	if (target_artifact_open(artifact, code, &fd, &st, err))
		return -1;
	if (fd < 0) {
		rc = err_set_sys(err, ERR_REJECTED, errno, "target.lambda.code: %s", code);
	} else if (S_ISDIR(st.st_mode)) {
		rc = pack_dir(&(struct pack_dir){.dir_fd = artifact->dir_fd,
						 .subfolder = code,
						 .cancel = env->client.cancel
								   ? env->client.cancel
								   : env->client.aws->cancel},
			      out, err);
	} else {
		rc = read_file(fd, (uint64_t)st.st_size, out, err);
	}
	if (fd >= 0)
		close(fd);
	return rc;
}

static const char *digest_text(struct arena *a, struct str bytes)
{
	uint8_t digest[SHA256_SIZE];
	struct buf b;
	const char *text;

	sha256(bytes, digest);
	buf_init(&b, 64);
	base64_encode(&b, digest, sizeof(digest));
	text = arena_strdup(a, b.p);
	buf_release(&b);
	return text;
}

static int upload(const struct target_env *env, const char *function, struct str zip,
		  const char *digest, const char **sha, struct err *err)
{
	struct lambda_configuration c;
	struct lambda_code code = {.function = function, .zip = zip};

	if (lambda_get_function_configuration(&env->client, function, NULL, env->arena, &c, err))
		return -1;
	if (c.update == LAMBDA_UPDATE_IN_PROGRESS || c.update == LAMBDA_UPDATE_OTHER ||
	    c.state == LAMBDA_PENDING)
		return 0; /* an update now would be refused: ask again soon */
	if (!c.code_sha256 || strcmp(c.code_sha256, digest) != 0) {
		code.revision_id = c.revision_id;
		if (lambda_update_function_code(&env->client, &code, env->arena, &c, err))
			return -1;
		if (c.code_sha256 && strcmp(c.code_sha256, digest) != 0)
			return err_set(
				err, ERR_REJECTED,
				"Lambda holds other code than was sent: expected %s, found %s",
				digest, c.code_sha256);
	}
	*sha = digest;
	return 0;
}

int lambda_code_upload(const struct target_env *env, const char *function, const char **sha,
		       struct err *err)
{
	struct buf zip;
	int rc;

	*sha = NULL;
	buf_init(&zip, LAMBDA_ZIP_MAX);
	rc = load(env, &zip, err);
	if (rc == 0)
		rc = upload(env, function, buf_str(&zip), digest_text(env->arena, buf_str(&zip)),
			    sha, err);
	buf_release(&zip);
	return rc;
}
