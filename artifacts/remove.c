#include "artifacts/remove.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "artifacts/beneath.h"

/*
 * Flattening instead of descending: a directory inside a directory is moved up to the top under a
 * new name, so that the tree is never looked at more than two levels deep. The top is read again
 * until it is empty or a pass gets nowhere.
 */

struct removal {
	int top;
	unsigned moved;	 /* names given so far */
	bool progress;	 /* this pass removed or moved something */
	bool failed;	 /* this pass could not do everything */
	struct err *err; /* its first failure */
};

static void failed(struct removal *r, const char *what)
{
	if (!r->failed)
		err_set_sys(r->err, ERR_SYSTEM, errno, "%s", what);
	r->failed = true;
}

/* A directory that is open for reading, on a descriptor of its own; NULL: not a directory any more,
 * or the failure is noted. */
static DIR *open_dir(struct removal *r, int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (d)
		return d;
	failed(r, "read a directory to remove it");
	if (fd >= 0)
		close(fd);
	return NULL;
}

/* True when name was not a directory, whether it could be removed or not. */
static bool remove_file(struct removal *r, int at, const struct dirent *e)
{
	if (e->d_type == DT_DIR)
		return false;
	if (!unlinkat(at, e->d_name, 0)) {
		r->progress = true;
		return true;
	}
	if (e->d_type == DT_UNKNOWN && (errno == EISDIR || errno == EPERM))
		return false;
	failed(r, "remove a file");
	return true;
}

/* Bring a directory up to the top, where a later pass finds it. */
static void move_up(struct removal *r, int at, const char *name)
{
	char to[32];
	int rc;

	do {
		snprintf(to, sizeof(to), ".removed-%u", r->moved++);
		rc = renameat(at, name, r->top, to);
	} while (rc && (errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR));
	if (rc && errno != ENOENT)
		failed(r, "move a directory to remove it");
	else
		r->progress = true;
}

/* Empty a directory of the top and remove it. */
static void remove_dir(struct removal *r, const char *name)
{
	struct dirent *e;
	DIR *d;

	if (!unlinkat(r->top, name, AT_REMOVEDIR)) {
		r->progress = true;
		return;
	}
	d = open_dir(r, r->top, name);
	if (!d)
		return;
	while ((e = beneath_next(d))) {
		if (remove_file(r, dirfd(d), e))
			continue;
		if (!unlinkat(dirfd(d), e->d_name, AT_REMOVEDIR))
			r->progress = true;
		else
			move_up(r, dirfd(d), e->d_name);
	}
	if (errno)
		failed(r, "read a directory to remove it");
	closedir(d);
	if (!unlinkat(r->top, name, AT_REMOVEDIR))
		r->progress = true;
	else
		failed(r, "remove a directory");
}

int remove_content(int dir_fd, struct err *err)
{
	struct removal r = {.top = dir_fd, .err = err, .progress = true};
	bool found = true;

	while (found && r.progress) {
		struct dirent *e;
		DIR *d;

		found = r.progress = r.failed = false;
		d = open_dir(&r, dir_fd, ".");
		if (!d)
			return -1;
		while ((e = beneath_next(d))) {
			found = true;
			if (!remove_file(&r, dir_fd, e))
				remove_dir(&r, e->d_name);
		}
		if (errno)
			failed(&r, "read a directory to remove it");
		closedir(d);
	}
	return r.failed ? -1 : 0;
}
