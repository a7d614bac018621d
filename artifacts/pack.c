#include "artifacts/pack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "artifacts/beneath.h"
#include "artifacts/pack_parts.h"
#include "artifacts/path.h"
#include "aws/core/cancel.h"
#include "aws/core/limits.h"
#include "aws/core/mem.h"

/*
 * What goes into a zip, and in which order. A directory is listed whole first, iteratively, and
 * sorted; then the files are opened one by one.
 */

struct item {
	const char *name;		/* ends in '/': an empty directory */
	const struct pack_entry *entry; /* from memory; NULL: below the directory */
};

struct list {
	struct item *items;
	size_t n, cap;
	char **pending; /* directories not listed yet */
	size_t n_pending, cap_pending;
	struct arena *a;
	int root;
	struct cancel *cancel;
};

static void list_release(struct list *l)
{
	free(l->items);
	free(l->pending);
	arena_free(l->a);
	if (l->root >= 0)
		close(l->root);
}

static void add_item(struct list *l, const char *name, const struct pack_entry *entry)
{
	if (l->n == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 64;
		l->items = xrealloc(l->items, l->cap * sizeof(*l->items));
	}
	l->items[l->n++] = (struct item){name, entry};
}

static int by_name(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int refuse(struct err *err, enum err_code code, const char *name, const char *why)
{
	char shown[PATH_SHOWN_SIZE];

	return err_set(err, code, "pack %s: %s", path_show(str_from(name), shown), why);
}

/* Only names that unpack() would take, as they are. */
static int check_name(const char *name, struct err *err)
{
	char buf[PATH_SIZE];
	struct path path;
	struct str s = str_from(name);

	if (path_normalize(s, LIMIT_UNPACKED_DEPTH, buf, &path, err))
		return err_wrap(err, "pack");
	if (s.n && s.p[s.n - 1] == '/')
		s.n--;
	if (!path.text.n || !str_eq(path.text, s))
		return refuse(err, ERR_UNSAFE, name, "is not in normal form");
	return 0;
}

/* --- listing a directory ---------------------------------------------------------------------- */

static void add_pending(struct list *l, char *path)
{
	if (l->n_pending == l->cap_pending) {
		l->cap_pending = l->cap_pending ? 2 * l->cap_pending : 64;
		l->pending = xrealloc(l->pending, l->cap_pending * sizeof(*l->pending));
	}
	l->pending[l->n_pending++] = path;
}

static int list_one(struct list *l, DIR *d, const char *dir, const char *leaf, struct err *err)
{
	char *name = *dir ? arena_printf(l->a, "%s/%s", dir, leaf) : arena_strdup(l->a, leaf);
	struct stat st;

	if (l->n + l->n_pending >= LIMIT_UNPACKED_ENTRIES)
		return err_set(err, ERR_LIMIT, "pack: more than %d files", LIMIT_UNPACKED_ENTRIES);
	if (check_name(name, err))
		return -1;
	if (fstatat(dirfd(d), leaf, &st, AT_SYMLINK_NOFOLLOW))
		return err_set_sys(err, ERR_SYSTEM, errno, "pack %s", name);
	if (S_ISDIR(st.st_mode))
		add_pending(l, name);
	else if (S_ISREG(st.st_mode))
		add_item(l, name, NULL);
	else if (S_ISLNK(st.st_mode))
		return refuse(err, ERR_UNSAFE, name, "is a symbolic link; links are refused");
	else
		return refuse(err, ERR_UNSAFE, name, "is neither a file nor a directory");
	return 0;
}

static int list_dir(struct list *l, const char *path, struct err *err)
{
	int fd = beneath_open(l->root, path, O_RDONLY | O_DIRECTORY, 0, false), rc = 0;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	bool empty = true;

	if (!d) {
		err_set_sys(err, ERR_SYSTEM, errno, "pack: read the directory %s", path);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	while (!rc && (e = beneath_next(d))) {
		empty = false;
		rc = list_one(l, d, path, e->d_name, err);
	}
	if (!rc && errno)
		rc = err_set_sys(err, ERR_SYSTEM, errno, "pack: read the directory %s", path);
	closedir(d);
	if (!rc && empty && *path)
		add_item(l, arena_printf(l->a, "%s/", path), NULL);
	return rc;
}

static int list_tree(struct list *l, struct err *err)
{
	add_pending(l, arena_strdup(l->a, ""));
	while (l->n_pending) {
		if (cancel_is_fired(l->cancel))
			return err_set(err, ERR_CANCELED, "packing was canceled");
		if (list_dir(l, l->pending[--l->n_pending], err))
			return -1;
	}
	return 0;
}

/* --- packing ---------------------------------------------------------------------------------- */

static int pack_file(struct list *l, struct pack_zip *z, const char *name, struct err *err)
{
	/* should it have become a pipe meanwhile, opening must not wait for its other end */
	int fd = beneath_open(l->root, name, O_RDONLY | O_NONBLOCK, 0, false), rc;
	struct pack_source source = {.fd = fd, .cancel = l->cancel};
	struct stat st;

	if (fd < 0 || fstat(fd, &st)) {
		rc = err_set_sys(err, ERR_SYSTEM, errno, "pack %s", name);
	} else if (!S_ISREG(st.st_mode)) {
		rc = refuse(err, ERR_CONFLICT, name, "changed while it was packed");
	} else {
		source.size = (uint64_t)st.st_size;
		rc = pack_zip_add(z, str_from(name), st.st_mode & S_IXUSR, &source, err);
	}
	if (fd >= 0)
		close(fd);
	return rc;
}

static int pack_item(struct list *l, struct pack_zip *z, const struct item *item, struct err *err)
{
	struct str name = str_from(item->name);

	if (name.p[name.n - 1] == '/') {
		if (item->entry && item->entry->bytes.n)
			return refuse(err, ERR_REJECTED, item->name, "is a directory with content");
		return pack_zip_add(z, name, false, NULL, err);
	}
	if (!item->entry)
		return pack_file(l, z, item->name, err);

	struct pack_source source = {.bytes = item->entry->bytes, .fd = -1, .cancel = l->cancel};

	return pack_zip_add(z, name, item->entry->executable, &source, err);
}

static int pack_list(struct list *l, struct pack_sink *sink, uint64_t *size, struct err *err)
{
	struct pack_zip *z = pack_zip_new(sink);
	int rc = 0;

	if (l->n)
		qsort(l->items, l->n, sizeof(*l->items), by_name);
	for (size_t i = 0; i < l->n && !rc; i++) {
		if (i && !strcmp(l->items[i].name, l->items[i - 1].name))
			rc = refuse(err, ERR_REJECTED, l->items[i].name, "is there twice");
		else
			rc = pack_item(l, z, &l->items[i], err);
	}
	if (!rc)
		rc = pack_zip_end(z, size, err);
	pack_zip_free(z);
	return rc;
}

static int pack_to(struct list *l, struct buf *out, int fd_out, uint64_t *size, struct err *err)
{
	struct pack_sink sink;
	int rc;

	pack_sink_init(&sink, out, fd_out);
	rc = pack_list(l, &sink, size, err);
	pack_sink_release(&sink);
	return rc;
}

int pack_entries(const struct pack_entry *entries, size_t n, struct buf *out, struct err *err)
{
	struct list l = {.a = arena_new(), .root = -1};
	uint64_t size;
	int rc = 0;

	for (size_t i = 0; i < n && !rc; i++) {
		rc = check_name(entries[i].name, err);
		add_item(&l, entries[i].name, &entries[i]);
	}
	if (!rc)
		rc = pack_to(&l, out, -1, &size, err);
	list_release(&l);
	return rc;
}

static int pack_directory(const struct pack_dir *dir, struct buf *out, int fd_out, uint64_t *size,
			  struct err *err)
{
	const char *sub = dir->subfolder ? dir->subfolder : "";
	struct list l = {.a = arena_new(), .cancel = dir->cancel};
	int rc;

	l.root = beneath_open(dir->dir_fd, sub, O_RDONLY | O_DIRECTORY, 0, false);
	if (l.root < 0)
		rc = err_set_sys(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_UNSAFE, errno,
				 "pack the folder \"%s\"", sub);
	else
		rc = list_tree(&l, err);
	if (!rc)
		rc = pack_to(&l, out, fd_out, size, err);
	list_release(&l);
	return rc;
}

int pack_dir(const struct pack_dir *dir, struct buf *out, struct err *err)
{
	uint64_t size;

	return pack_directory(dir, out, -1, &size, err);
}

int pack_dir_file(const struct pack_dir *dir, int fd_out, uint64_t *size, struct err *err)
{
	return pack_directory(dir, NULL, fd_out, size, err);
}
