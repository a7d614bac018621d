#include "worker/target/artifact.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "artifacts/beneath.h"

int target_artifact_get(const struct target_env *env, const struct target_artifact **out,
			struct err *err)
{
	if (!env->artifact)
		return err_set(err, ERR_REJECTED, "the action has no input artifact to deploy");
	return env->artifact(env->artifact_arg, out, err);
}

int target_artifact_open(const struct target_artifact *artifact, const char *path, int *fd,
			 struct stat *st, struct err *err)
{
	*fd = beneath_open(artifact->dir_fd, path, O_RDONLY | O_NONBLOCK, 0, false);
	if (*fd < 0 && beneath_blames_path(errno))
		return 0;
	if (*fd >= 0 && !fstat(*fd, st))
		return 0;
	err_set_sys(err, ERR_SYSTEM, errno, "open %s of the input artifact", path);
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	return -1;
}

int target_artifact_read(int fd, uint64_t at, void *p, size_t n, const char *what, struct err *err)
{
	char *to = p;

	while (n) {
		ssize_t got = pread(fd, to, n, (off_t)at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return err_set_sys(err, ERR_SYSTEM, got < 0 ? errno : EIO, "read %s", what);
		to += got;
		at += (uint64_t)got;
		n -= (size_t)got;
	}
	return 0;
}

/* A zip begins with an entry, or with its end when it is empty (APPNOTE 4.3.7, 4.3.16). */
bool target_artifact_is_zip(int fd)
{
	struct err unread = ERR_INIT; /* too short, most likely */
	char magic[4];

	return !target_artifact_read(fd, 0, magic, sizeof(magic), "its beginning", &unread) &&
	       (!memcmp(magic, "PK\3\4", 4) || !memcmp(magic, "PK\5\6", 4));
}
