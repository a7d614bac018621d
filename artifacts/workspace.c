#include "artifacts/workspace.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "artifacts/beneath.h"
#include "artifacts/remove.h"
#include "aws/core/str.h"

/*
 * The lock is flock(2) on the directory: it belongs to the open descriptor and the kernel drops it
 * when the process dies, however that happens.
 */

#define PREFIX "workspace-"
enum { DIGITS = 16, ATTEMPTS = 16 };

static bool is_workspace_name(const char *name)
{
	struct str s = str_from(name);

	if (!str_starts(s, PREFIX) || s.n != sizeof(PREFIX) - 1 + DIGITS)
		return false;
	return strspn(name + sizeof(PREFIX) - 1, "0123456789abcdef") == DIGITS;
}

static int open_dir(int at, const char *name)
{
	return openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/*
 * Open and lock a directory; -1 with errno. A sweep may have removed it between its making and its
 * locking: ENOENT then.
 */
static int open_locked(int root_fd, const char *name)
{
	int fd = open_dir(root_fd, name);
	struct stat st;

	if (fd < 0)
		return -1;
	if (!flock(fd, LOCK_EX | LOCK_NB) && !fstat(fd, &st)) {
		if (st.st_nlink)
			return fd;
		errno = ENOENT;
	}
	int saved = errno;

	close(fd);
	errno = saved;
	return -1;
}

int workspace_create(int root_fd, struct rng *rng, struct workspace *ws, struct err *err)
{
	*ws = WORKSPACE_INIT;
	for (int i = 0; i < ATTEMPTS; i++) {
		snprintf(ws->name, sizeof(ws->name), PREFIX "%016" PRIx64, rng_u64(rng));
		if (mkdirat(root_fd, ws->name, 0700)) {
			if (errno == EEXIST)
				continue;
			break;
		}
		ws->fd = open_locked(root_fd, ws->name);
		if (ws->fd >= 0) {
			ws->root_fd = root_fd;
			return 0;
		}
		if (errno != ENOENT && errno != EWOULDBLOCK) {
			err_set_sys(err, ERR_SYSTEM, errno, "create a workspace");
			unlinkat(root_fd, ws->name, AT_REMOVEDIR);
			return -1;
		}
	}
	return err_set_sys(err, ERR_SYSTEM, errno, "create a workspace");
}

int workspace_subdir(const struct workspace *ws, const char *name, struct err *err)
{
	int fd;

	if (mkdirat(ws->fd, name, 0700))
		return err_set_sys(err, ERR_SYSTEM, errno, "create %s in the workspace", name);
	fd = open_dir(ws->fd, name);
	return fd >= 0 ? fd : err_set_sys(err, ERR_SYSTEM, errno, "open %s in the workspace", name);
}

int workspace_temp_file(const struct workspace *ws, struct err *err)
{
	const char *name = ".temporary";
	int fd = openat(ws->fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	/* not every file system has O_TMPFILE */
	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT)) {
		fd = openat(ws->fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd >= 0 && unlinkat(ws->fd, name, 0)) {
			close(fd);
			fd = -1;
		}
	}
	return fd >= 0 ? fd : err_set_sys(err, ERR_SYSTEM, errno, "create a file in the workspace");
}

/* The descriptor is open and locked, and is closed here. */
static int remove_one(int root_fd, int fd, const char *name, struct err *err)
{
	int rc = remove_content(fd, err);

	if (!rc && unlinkat(root_fd, name, AT_REMOVEDIR))
		rc = err_set_sys(err, ERR_SYSTEM, errno, "remove the directory");
	close(fd);
	return rc ? err_wrap(err, "workspace %s", name) : 0;
}

int workspace_remove(struct workspace *ws, struct err *err)
{
	int fd = ws->fd;

	if (fd < 0)
		return 0;
	ws->fd = -1;
	return remove_one(ws->root_fd, fd, ws->name, err);
}

int workspace_sweep(int root_fd, struct err *err)
{
	int fd = open_dir(root_fd, "."), rc = 0;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d) {
		err_set_sys(err, ERR_SYSTEM, errno, "read the work directory");
		if (fd >= 0)
			close(fd);
		return -1;
	}
	while ((e = beneath_next(d))) {
		struct err one = ERR_INIT;

		if (!is_workspace_name(e->d_name))
			continue;
		fd = open_locked(root_fd, e->d_name);
		/* in use, not a directory, or removed by another sweep */
		if (fd < 0 || !remove_one(root_fd, fd, e->d_name, &one))
			continue;
		if (!rc)
			*err = one;
		rc = -1;
	}
	if (errno && !rc)
		rc = err_set_sys(err, ERR_SYSTEM, errno, "read the work directory");
	closedir(d);
	return rc;
}
