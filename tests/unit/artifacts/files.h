#ifndef TESTS_UNIT_ARTIFACTS_FILES_H
#define TESTS_UNIT_ARTIFACTS_FILES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "artifacts/remove.h"
#include "aws/core/buf.h"
#include "aws/core/mem.h"
#include "aws/core/str.h"

/*
 * What the tests of artifacts/ share: a temporary directory, files in memory, and looks at what is
 * in a directory.
 */
struct temp {
	char path[64];
	int fd;
};

static inline void temp_make(struct temp *t)
{
	/* in memory where there is such a place: these tests make tens of thousands of files */
	snprintf(t->path, sizeof(t->path), "/dev/shm/rollout-test-XXXXXX");
	if (!mkdtemp(t->path)) {
		snprintf(t->path, sizeof(t->path), "/tmp/rollout-test-XXXXXX");
		assert_non_null(mkdtemp(t->path));
	}
	t->fd = open(t->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(t->fd >= 0);
}

static inline void temp_remove(struct temp *t)
{
	struct err err = ERR_INIT;

	if (remove_content(t->fd, &err))
		fail_msg("%s", err.text);
	close(t->fd);
	assert_int_equal(rmdir(t->path), 0);
}

/* An unnamed file with this content. */
static inline int file_of(struct str s)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	for (size_t at = 0; at < s.n;) {
		ssize_t n = write(fd, s.p + at, s.n - at);

		assert_true(n > 0);
		at += (size_t)n;
	}
	return fd;
}

static inline size_t count_in(int dir_fd)
{
	DIR *d = fdopendir(openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2; /* "." and ".." */
}

static inline void put_file(int dir_fd, const char *path, struct str s, mode_t mode)
{
	int fd = openat(dir_fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, s.n ? s.p : "", s.n), s.n);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

/* Content and mode of a file that must be there. */
static inline void check_file(int dir_fd, const char *path, struct str want, mode_t mode)
{
	int fd = openat(dir_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	char *p;

	if (fd < 0)
		fail_msg("%s is missing", path);
	assert_int_equal(fstat(fd, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(st.st_mode & 07777, mode);
	assert_int_equal(st.st_size, want.n);
	p = xmalloc(want.n + 1);
	assert_int_equal(read(fd, p, want.n + 1), want.n);
	if (want.n)
		assert_memory_equal(p, want.p, want.n);
	free(p);
	close(fd);
}

static inline void check_dir(int dir_fd, const char *path)
{
	struct stat st;

	if (fstatat(dir_fd, path, &st, AT_SYMLINK_NOFOLLOW))
		fail_msg("%s is missing", path);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0755);
}

#endif
