#ifndef ARTIFACTS_BENEATH_H
#define ARTIFACTS_BENEATH_H

#include <dirent.h>
#include <stdbool.h>
#include <sys/types.h>

/*
 * Open a path that must not leave a directory: openat2(2) with RESOLVE_BENEATH,
 * RESOLVE_NO_SYMLINKS and RESOLVE_NO_MAGICLINKS. Where the kernel lacks it (before Linux 5.6, or a
 * filter that answers ENOSYS), or when `plain` asks for it, the path is walked one segment at a
 * time with O_NOFOLLOW instead; ".." and absolute paths are refused then as well (EXDEV).
 *
 * O_CLOEXEC, O_NOFOLLOW and O_NOCTTY are added. mode: with O_CREAT. "" opens the directory itself.
 * Returns a descriptor, or -1 with errno: ELOOP or ENOTDIR when a link is in the way.
 */
int beneath_open(int dir_fd, const char *path, int flags, mode_t mode, bool plain);

/* Does this errno of beneath_open() say something of the path? Else the system could not tell. */
bool beneath_blames_path(int errnum);

/*
 * The next entry of a directory but "." and "..". NULL with errno 0 at its end, and with another
 * errno when it could not be read to its end: what was seen is not all there is.
 */
struct dirent *beneath_next(DIR *d);

#endif
