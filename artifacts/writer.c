#include "artifacts/writer.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "artifacts/beneath.h"
#include "artifacts/path.h"
#include "aws/core/mem.h"

/*
 * Every name is opened relative to the descriptor of its own directory, so that what the kernel
 * resolves is a single segment. A few directories stay open; an archive's entries usually come
 * grouped, so that a file costs three system calls: open, write, close.
 *
 * Modes must not depend on the umask, and the umask belongs to the whole process. So the mode of
 * the first file, executable and directory is looked at; only when the umask is in the way is every
 * mode set by hand.
 */

#define CACHE 16

struct dir {
	char *path; /* NULL: free */
	size_t n;
	int fd;
	unsigned long used; /* when, by the writer's count */
};

enum mode_check { MODE_UNKNOWN, MODE_AS_ASKED, MODE_MASKED };

struct writer {
	int root;
	bool plain;
	struct dir dirs[CACHE];
	unsigned long now;
	enum mode_check file_mode, exec_mode, dir_mode;
	int fd; /* the open file; -1: none */
	char name[PATH_SHOWN_SIZE];
};

struct writer *writer_new(int dir_fd, bool plain)
{
	struct writer *w = xcalloc(1, sizeof(*w));

	w->root = dir_fd;
	w->plain = plain;
	w->fd = -1;
	return w;
}

static void forget(struct dir *d)
{
	if (!d->path)
		return;
	close(d->fd);
	free(d->path);
	*d = (struct dir){.fd = -1};
}

void writer_free(struct writer *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < CACHE; i++)
		forget(&w->dirs[i]);
	if (w->fd >= 0)
		close(w->fd);
	free(w);
}

static int failed(const struct writer *w, const char *what, struct err *err)
{
	if (errno == EEXIST || errno == ELOOP || errno == ENOTDIR || errno == EXDEV)
		return err_set_sys(err, ERR_UNSAFE, errno, "entry %s: %s", w->name, what);
	return err_set_sys(err, ERR_SYSTEM, errno, "entry %s: %s", w->name, what);
}

/* fd has just been made with this mode. */
static int ensure_mode(int fd, mode_t mode, enum mode_check *known)
{
	struct stat st;

	if (*known == MODE_UNKNOWN) {
		if (fstat(fd, &st))
			return -1;
		*known = (st.st_mode & 07777) == mode ? MODE_AS_ASKED : MODE_MASKED;
	}
	return *known == MODE_MASKED ? fchmod(fd, mode) : 0;
}

/* --- directories ------------------------------------------------------------------------------ */

static struct dir *cached(struct writer *w, struct str path)
{
	for (size_t i = 0; i < CACHE; i++) {
		struct dir *d = &w->dirs[i];

		if (d->path && d->n == path.n && !memcmp(d->path, path.p, path.n)) {
			d->used = ++w->now;
			return d;
		}
	}
	return NULL;
}

static void remember(struct writer *w, struct str path, int fd)
{
	struct dir *oldest = &w->dirs[0];

	for (size_t i = 0; i < CACHE && oldest->path; i++)
		if (!w->dirs[i].path || w->dirs[i].used < oldest->used)
			oldest = &w->dirs[i];
	forget(oldest);
	*oldest = (struct dir){
		.path = xstrndup(path.p, path.n), .n = path.n, .fd = fd, .used = ++w->now};
}

/* name is a single segment. The descriptor, or -1. */
static int make_dir(struct writer *w, int at, const char *name, struct err *err)
{
	bool made = !mkdirat(at, name, 0755);
	int fd;

	if (!made && errno != EEXIST)
		return failed(w, "make its directory", err);
	fd = beneath_open(at, name, O_RDONLY | O_DIRECTORY, 0, w->plain);
	if (fd < 0)
		return failed(w, "open its directory", err);
	if (made && ensure_mode(fd, 0755, &w->dir_mode)) {
		failed(w, "set its directory's mode", err);
		close(fd);
		return -1;
	}
	return fd;
}

/* The descriptor of a directory, which is made if need be; the cache keeps it. -1 on error. */
static int dir_of(struct writer *w, struct str path, struct err *err)
{
	char name[PATH_SEGMENT_MAX + 1];
	struct dir *known = NULL;
	size_t at = path.n;
	int fd = w->root;

	while (at && !(known = cached(w, str_sub(path, 0, at))))
		while (--at && path.p[at] != '/')
			;
	if (known)
		fd = known->fd;
	while (at < path.n) {
		size_t from = at ? at + 1 : 0, to = from;

		while (to < path.n && path.p[to] != '/')
			to++;
		assert(to > from && to - from <= PATH_SEGMENT_MAX);
		memcpy(name, path.p + from, to - from);
		name[to - from] = 0;
		fd = make_dir(w, fd, name, err);
		if (fd < 0)
			return -1;
		remember(w, str_sub(path, 0, to), fd);
		at = to;
	}
	return fd;
}

int writer_dir(struct writer *w, struct str path, struct err *err)
{
	path_show(path, w->name);
	return dir_of(w, path, err) < 0 ? -1 : 0;
}

/* --- files ------------------------------------------------------------------------------------ */

int writer_open(struct writer *w, struct str path, bool executable, struct err *err)
{
	mode_t mode = executable ? 0755 : 0644;
	char name[PATH_SEGMENT_MAX + 1];
	size_t from = path.n;
	int at;

	assert(w->fd < 0);
	path_show(path, w->name);
	while (from && path.p[from - 1] != '/')
		from--;
	assert(path.n > from && path.n - from <= PATH_SEGMENT_MAX);
	memcpy(name, path.p + from, path.n - from);
	name[path.n - from] = 0;
	at = from ? dir_of(w, str_sub(path, 0, from - 1), err) : w->root;
	if (at < 0)
		return -1;
	w->fd = beneath_open(at, name, O_WRONLY | O_CREAT | O_EXCL, mode, w->plain);
	if (w->fd < 0)
		return failed(w, "create the file", err);
	if (ensure_mode(w->fd, mode, executable ? &w->exec_mode : &w->file_mode))
		return failed(w, "set the file's mode", err);
	return 0;
}

int writer_write(struct writer *w, const void *p, size_t n, struct err *err)
{
	const char *at = p;

	while (n) {
		ssize_t done = write(w->fd, at, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return failed(w, "write the file", err);
		at += done;
		n -= (size_t)done;
	}
	return 0;
}

int writer_close(struct writer *w, struct err *err)
{
	int fd = w->fd;

	w->fd = -1;
	/* a delayed write error (quota, network file system) is told here */
	if (close(fd) && errno != EINTR)
		return failed(w, "write the file", err);
	return 0;
}
