#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/torture/wrap.h"

#define FAMILY TORTURE_FILE

/*
 * The file system. What is opened may also be missing, and what is to be locked may be somebody
 * else's, but that says something else.
 */

CALL(int, mkdir, (const char *path, mode_t mode), (path, mode), -1, ENOSPC, EACCES, EROFS)
CALL(int, mkdirat, (int at, const char *path, mode_t mode), (at, path, mode), -1, ENOSPC, EACCES)
CALL(char *, mkdtemp, (char *template), (template), NULL, ENOSPC, EACCES)
CALL(int, rmdir, (const char *path), (path), -1, EIO, EBUSY)
CALL(int, renameat, (int from, const char *a, int to, const char *b), (from, a, to, b), -1, EIO,
     ENOSPC)
CALL(int, unlinkat, (int at, const char *path, int flags), (at, path, flags), -1, EIO, EBUSY)
CALL(int, fstat, (int fd, struct stat *st), (fd, st), -1, EIO)
CALL(int, stat, (const char *path, struct stat *st), (path, st), -1, EACCES, EIO)
CALL(int, fstatat, (int at, const char *path, struct stat *st, int flags), (at, path, st, flags),
     -1, EIO, EACCES)
CALL(int, access, (const char *path, int mode), (path, mode), -1, EACCES, EIO)
CALL(int, fchmod, (int fd, mode_t mode), (fd, mode), -1, EPERM, EIO)
CALL(int, ftruncate, (int fd, off_t size), (fd, size), -1, EIO, EFBIG)
CALL(int, flock, (int fd, int operation), (fd, operation), -1, ENOLCK, EINTR)
CALL(DIR *, opendir, (const char *path), (path), NULL, ENOMEM, EMFILE)
CALL(DIR *, fdopendir, (int fd), (fd), NULL, ENOMEM, EMFILE)
CALL(struct dirent *, readdir, (DIR * d), (d), NULL, EIO)
CALL(int, memfd_create, (const char *name, unsigned flags), (name, flags), -1, EMFILE, ENOSPC)

CALL(size_t, fwrite, (const void *p, size_t size, size_t n, FILE *f), (p, size, n, f), 0, EPIPE,
     ENOSPC)
CALL(int, fflush, (FILE * f), (f), EOF, ENOSPC)

static const int not_opened[] = {EMFILE, EACCES, EIO, ENFILE};

static mode_t mode_of(int flags, va_list ap)
{
	bool makes = flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE;

	return makes ? va_arg(ap, mode_t) : 0;
}

WRAP(int, open, (const char *path, int flags, ...))
{
	unsigned way = torture_strike(FAMILY, "open", WAYS(not_opened));
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = mode_of(flags, ap);
	va_end(ap);
	if (!way)
		return REAL(open)(path, flags, mode);
	errno = not_opened[way - 1];
	return -1;
}

/* A file without a name is something that not every file system has. */
WRAP(int, openat, (int at, const char *path, int flags, ...))
{
	bool unnamed = (flags & O_TMPFILE) == O_TMPFILE;
	unsigned way = torture_strike(FAMILY, "openat", WAYS(not_opened) + (unnamed ? 1 : 0));
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = mode_of(flags, ap);
	va_end(ap);
	if (!way)
		return REAL(openat)(at, path, flags, mode);
	errno = way > WAYS(not_opened) ? wrap_code(-EOPNOTSUPP) : not_opened[way - 1];
	return -1;
}

/* openat2(2) may be missing, or be forbidden; then there is another way. */
WRAP(long, syscall, (long number, ...))
{
	static const int codes[] = {EMFILE, -ENOSYS, EIO, -EPERM};
	long a[4];
	unsigned way;
	va_list ap;

	va_start(ap, number);
	for (int i = 0; i < 4; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (number == SYS_openat2)
		way = torture_strike(FAMILY, "openat2", WAYS(codes));
	else if (number == SYS_pidfd_open)
		way = torture_strike(TORTURE_PROCESS, "pidfd_open", 1);
	else
		way = torture_strike(TORTURE_PROCESS, "syscall", 1);
	if (!way)
		return REAL(syscall)(number, a[0], a[1], a[2], a[3]);
	errno = wrap_code(codes[way - 1]);
	return -1;
}

/* --- bytes ---------------------------------------------------------------------------------- */

enum { INTERRUPTED = 1, SHORT, BROKEN, TRANSFER_WAYS };

/* How much is to be moved after all; -1: nothing, and errno says why. */
static ssize_t transfer(const char *name, size_t n, int broken)
{
	switch (torture_strike(FAMILY, name, TRANSFER_WAYS)) {
	case 0:
		return (ssize_t)n;
	case INTERRUPTED:
		errno = wrap_code(-EINTR);
		return -1;
	case SHORT:
		torture_soft();
		return (ssize_t)(n > 1 ? n / 2 : n);
	case BROKEN:
		errno = broken;
		return -1;
	default:
		errno = EIO;
		return -1;
	}
}

WRAP(ssize_t, read, (int fd, void *p, size_t n))
{
	ssize_t some = transfer("read", n, EIO);

	return some < 0 ? -1 : REAL(read)(fd, p, (size_t)some);
}

WRAP(ssize_t, pread, (int fd, void *p, size_t n, off_t at))
{
	ssize_t some = transfer("pread", n, EIO);

	return some < 0 ? -1 : REAL(pread)(fd, p, (size_t)some, at);
}

WRAP(ssize_t, write, (int fd, const void *p, size_t n))
{
	ssize_t some = transfer("write", n, ENOSPC);

	return some < 0 ? -1 : REAL(write)(fd, p, (size_t)some);
}

WRAP(ssize_t, pwrite, (int fd, const void *p, size_t n, off_t at))
{
	ssize_t some = transfer("pwrite", n, ENOSPC);

	return some < 0 ? -1 : REAL(pwrite)(fd, p, (size_t)some, at);
}

/* Closed it is in any case. */
WRAP(int, close, (int fd))
{
	static const int codes[] = {EIO, -EINTR, ENOSPC};
	unsigned way = torture_strike(FAMILY, "close", WAYS(codes));
	int rc = REAL(close)(fd);

	if (!way)
		return rc;
	errno = wrap_code(codes[way - 1]);
	return -1;
}

WRAP(int, closedir, (DIR * d))
{
	unsigned way = torture_strike(FAMILY, "closedir", 1);
	int rc = REAL(closedir)(d);

	if (!way)
		return rc;
	errno = wrap_code(-EIO);
	return -1;
}
