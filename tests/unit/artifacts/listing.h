#ifndef TESTS_UNIT_ARTIFACTS_LISTING_H
#define TESTS_UNIT_ARTIFACTS_LISTING_H

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <fcntl.h>
#include <locale.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aws/core/digest.h"
#include "aws/core/mem.h"
#include "aws/core/str.h"

/*
 * What is in a directory tree, and what libarchive sees in an archive, in a form in which the two
 * can be compared: files with size and SHA-256, and directories, those that names imply included.
 */
struct listed {
	char *path;
	char kind; /* 'f', 'd', or 'o' for anything else */
	uint64_t size;
	char sha[SHA256_HEX_SIZE];
};

struct listing {
	struct listed *e;
	size_t n, cap;
	char why[256]; /* when it could not be made: in whose words ever */
};

static inline void listing_free(struct listing *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->e[i].path);
	free(l->e);
	*l = (struct listing){0};
}

static inline struct listed *listing_add(struct listing *l, struct str path, char kind)
{
	if (l->n == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 64;
		l->e = xrealloc(l->e, l->cap * sizeof(*l->e));
	}
	l->e[l->n] = (struct listed){.path = xstrndup(path.p, path.n), .kind = kind};
	return &l->e[l->n++];
}

static inline int listing_order(const void *a, const void *b)
{
	const struct listed *x = a, *y = b;
	int order = strcmp(x->path, y->path);

	return order ? order : (x->kind > y->kind) - (x->kind < y->kind);
}

/* Sort, and leave out directories that are there twice. */
static inline void listing_finish(struct listing *l)
{
	size_t n = 0;

	if (l->n)
		qsort(l->e, l->n, sizeof(*l->e), listing_order);
	for (size_t i = 0; i < l->n; i++) {
		if (n && l->e[i].kind == 'd' && !listing_order(&l->e[n - 1], &l->e[i]))
			free(l->e[i].path);
		else
			l->e[n++] = l->e[i];
	}
	l->n = n;
}

static inline bool listing_same(const struct listing *a, const struct listing *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		const struct listed *x = &a->e[i], *y = &b->e[i];

		if (strcmp(x->path, y->path) || x->kind != y->kind || x->size != y->size ||
		    strcmp(x->sha, y->sha))
			return false;
	}
	return true;
}

/* --- a tree ----------------------------------------------------------------------------------- */

static inline void listing_hash(struct listed *e, int fd)
{
	struct sha256_ctx *c = sha256_begin();
	uint8_t digest[SHA256_SIZE];
	char block[4096];
	ssize_t n;

	while ((n = read(fd, block, sizeof(block))) > 0) {
		sha256_add(c, block, (size_t)n);
		e->size += (uint64_t)n;
	}
	sha256_end(c, digest);
	for (size_t i = 0; i < SHA256_SIZE; i++)
		snprintf(e->sha + 2 * i, 3, "%02x", digest[i]);
}

static inline void listing_walk(struct listing *l, int dir_fd, const char *prefix)
{
	DIR *d = fdopendir(openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	struct dirent *de;

	if (!d)
		abort();
	while ((de = readdir(d))) {
		size_t n = strlen(prefix) + strlen(de->d_name) + 2;
		char *path = xmalloc(n);
		struct stat st;
		int fd;

		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, "..")) {
			free(path);
			continue;
		}
		snprintf(path, n, "%s%s%s", prefix, *prefix ? "/" : "", de->d_name);
		if (fstatat(dir_fd, de->d_name, &st, AT_SYMLINK_NOFOLLOW))
			abort();
		fd = S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)
			     ? openat(dir_fd, de->d_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
			     : -1;
		if (S_ISDIR(st.st_mode)) {
			listing_add(l, str_from(path), 'd');
			listing_walk(l, fd, path);
		} else {
			struct listed *e = listing_add(l, str_from(path), fd < 0 ? 'o' : 'f');

			if (fd >= 0)
				listing_hash(e, fd);
		}
		if (fd >= 0)
			close(fd);
		free(path);
	}
	closedir(d);
}

static inline void listing_of_tree(struct listing *l, int dir_fd)
{
	*l = (struct listing){0};
	listing_walk(l, dir_fd, "");
	listing_finish(l);
}

/* --- libarchive's opinion --------------------------------------------------------------------- */

/* Without what a name may have too much: "." and empty segments. Others stay as they are. */
static inline char *listing_normal(const char *name)
{
	char *out = xmalloc(strlen(name) + 1);
	struct str rest = str_from(name), segment;
	size_t n = 0;

	if (rest.n && rest.p[0] == '/')
		out[n++] = '/';
	while (str_next(&rest, '/', &segment)) {
		if (!segment.n || str_is(segment, "."))
			continue;
		if (n && out[n - 1] != '/')
			out[n++] = '/';
		memcpy(out + n, segment.p, segment.n);
		n += segment.n;
	}
	out[n] = 0;
	return out;
}

static inline int listing_content(struct archive *a, struct listed *e)
{
	int fd = memfd_create("content", MFD_CLOEXEC), rc;

	if (fd < 0)
		abort();
	rc = archive_read_data_into_fd(a, fd);
	if (lseek(fd, 0, SEEK_SET) == 0)
		listing_hash(e, fd);
	close(fd);
	return rc;
}

static inline int listing_entry(struct listing *l, struct archive *a, struct archive_entry *ae)
{
	const char *name = archive_entry_pathname(ae);
	char *path = listing_normal(name ? name : "");
	char kind = archive_entry_filetype(ae) == AE_IFDIR   ? 'd'
		    : archive_entry_filetype(ae) == AE_IFREG ? 'f'
							     : 'o';
	int rc = ARCHIVE_OK;

	if (archive_entry_hardlink(ae))
		kind = 'o';
	for (size_t i = 1; path[i ? i - 1 : 0] && path[i]; i++)
		if (path[i] == '/')
			listing_add(l, (struct str){path, i}, 'd');
	if (*path || kind != 'd') {
		struct listed *e = listing_add(l, str_from(path), kind);

		if (kind == 'f')
			rc = listing_content(a, e);
	}
	free(path);
	return rc;
}

/* 0, or -1 with the reason in l->why. The fd is read from its beginning. */
static inline int listing_of_archive(struct listing *l, int fd)
{
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0), before = uselocale(utf8);
	struct archive *a = archive_read_new();
	struct archive_entry *e;
	int rc;

	*l = (struct listing){0};
	archive_read_support_filter_all(a);
	archive_read_support_format_tar(a);
	archive_read_support_format_zip(a);
	if (lseek(fd, 0, SEEK_SET) != 0)
		abort();
	rc = archive_read_open_fd(a, fd, 4096);
	if (rc == ARCHIVE_OK)
		while ((rc = archive_read_next_header(a, &e)) == ARCHIVE_OK || rc == ARCHIVE_WARN) {
			rc = listing_entry(l, a, e);
			if (rc != ARCHIVE_OK)
				break;
		}
	if (rc != ARCHIVE_EOF)
		snprintf(l->why, sizeof(l->why), "%s",
			 archive_error_string(a) ? archive_error_string(a) : "no reason given");
	archive_read_free(a);
	uselocale(before);
	freelocale(utf8);
	listing_finish(l);
	return rc == ARCHIVE_EOF ? 0 : -1;
}

#endif
