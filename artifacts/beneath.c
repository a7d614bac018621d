#include "artifacts/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "aws/core/str.h"

/*
 * The kernel does it in one step and without races. The walk does the same with older means: since
 * every segment is opened with O_NOFOLLOW and none is "..", it cannot leave the directory either.
 * Where openat2 is missing is found out at each call: one cheap system call more on old kernels,
 * and no state to keep.
 */

static int open_kernel(int dir_fd, const char *path, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (unsigned)flags,
		.mode = flags & O_CREAT ? mode : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));
}

static int open_walking(int dir_fd, const char *path, int flags, mode_t mode)
{
	struct str rest = str_from(path), segment;
	char name[NAME_MAX + 1];
	int at = dir_fd;

	while (str_next(&rest, '/', &segment)) {
		int next;

		if (segment.n > NAME_MAX) {
			next = -1;
			errno = ENAMETOOLONG;
		} else if (!segment.n || str_is(segment, "..")) {
			next = -1; /* an absolute path begins with an empty segment */
			errno = EXDEV;
		} else {
			memcpy(name, segment.p, segment.n);
			name[segment.n] = 0;
			next = rest.n ? openat(at, name,
					       O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
				      : openat(at, name, flags, mode);
		}
		if (at != dir_fd) {
			int saved = errno;

			close(at);
			errno = saved;
		}
		if (next < 0)
			return -1;
		at = next;
	}
	return at;
}

int beneath_open(int dir_fd, const char *path, int flags, mode_t mode, bool plain)
{
	int fd;

	flags |= O_CLOEXEC | O_NOFOLLOW | O_NOCTTY;
	if (!*path)
		path = ".";
	if (flags & O_PATH)
		flags &= ~O_NOCTTY; /* openat2 refuses what has no meaning together */
	if (!plain) {
		fd = open_kernel(dir_fd, path, flags, mode);
		if (fd >= 0 || (errno != ENOSYS && errno != EPERM))
			return fd;
	}
	return open_walking(dir_fd, path, flags, mode);
}

bool beneath_blames_path(int errnum)
{
	return errnum == ENOENT || errnum == ENOTDIR || errnum == ELOOP || errnum == EXDEV ||
	       errnum == ENAMETOOLONG || errnum == ENXIO || errnum == EINVAL;
}

struct dirent *beneath_next(DIR *d)
{
	struct dirent *e;

	do {
		errno = 0;
		e = readdir(d);
	} while (e && (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")));
	return e;
}
