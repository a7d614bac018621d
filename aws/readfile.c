#include "aws/readfile.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "aws/core/mem.h"

/*
 * Small text files that the operator names: shared configuration and token files. Read in one go,
 * so that a file replaced by rename is either the old one or the new one.
 */
int aws_read_file(const char *path, struct buf *out, struct err *err)
{
	char chunk[4096];
	ssize_t n;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		bool absent = errno == ENOENT || errno == ENOTDIR;

		return err_set_sys(err, absent ? ERR_NOT_FOUND : ERR_SYSTEM, errno, "open %s",
				   path);
	}
	do {
		n = read(fd, chunk, sizeof(chunk));
		if (n > 0)
			buf_add(out, chunk, (size_t)n);
	} while ((n > 0 && !out->over) || (n < 0 && errno == EINTR));
	if (n < 0)
		err_set_sys(err, ERR_SYSTEM, errno, "read %s", path);
	close(fd);
	mem_wipe(chunk, sizeof(chunk));
	return n < 0 ? -1 : buf_check(out, path, err);
}
