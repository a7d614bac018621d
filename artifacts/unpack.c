#include "artifacts/unpack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "artifacts/beneath.h"
#include "artifacts/path.h"
#include "artifacts/remove.h"
#include "artifacts/tar_header.h"
#include "artifacts/unpack_parts.h"
#include "aws/core/cancel.h"
#include "aws/core/json.h"
#include "aws/core/limits.h"
#include "aws/core/mem.h"

/*
 * Which format it is, who unpacks it, and nothing left behind when that fails. The directory has to
 * be empty at the start, so that everything in it is ours to remove. unpack_archive() is the part
 * that looks at the archive: it needs no right but to read it and to make files and directories.
 */

enum {
	BEGINNING = TAR_BLOCK,
	REFERENCE_MAX = 64 << 10, /* a full-clone reference is a few hundred bytes */
};

struct unpack_limits unpack_limits_default(void)
{
	return (struct unpack_limits){
		.max_bytes = LIMIT_UNPACKED_BYTES,
		.max_entries = LIMIT_UNPACKED_ENTRIES,
		.max_entry_bytes = LIMIT_UNPACKED_ENTRY_BYTES,
		.max_depth = LIMIT_UNPACKED_DEPTH,
	};
}

int unpack_read(const struct unpacking *u, uint64_t at, void *p, size_t n, struct err *err)
{
	char *to = p;

	while (n) {
		ssize_t got = pread(u->fd, to, n, (off_t)at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set_sys(err, ERR_SYSTEM, errno, "read the archive");
		if (!got)
			return err_set(err, ERR_SYSTEM,
				       "the archive became shorter while it was read");
		to += got;
		at += (uint64_t)got;
		n -= (size_t)got;
	}
	return 0;
}

int unpack_check_cancel(const struct unpacking *u, struct err *err)
{
	if (!cancel_is_fired(u->limits->cancel))
		return 0;
	return err_set(err, ERR_CANCELED, "unpacking was canceled");
}

/* --- what it is ------------------------------------------------------------------------------- */

static int read_beginning(const struct unpacking *u, char p[BEGINNING], struct str *out,
			  struct err *err)
{
	*out = (struct str){p, u->size < BEGINNING ? (size_t)u->size : BEGINNING};
	return unpack_read(u, 0, p, out->n, err);
}

int unpack_not_an_archive(const struct unpacking *u, struct err *err)
{
	char p[BEGINNING], shown[PATH_SHOWN_SIZE];
	struct str begin;

	if (read_beginning(u, p, &begin, err))
		return -1;
	return err_set(err, ERR_MALFORMED,
		       "not an archive: its %llu bytes begin with %s; a zip, a tar, or a tar "
		       "compressed with gzip, bzip2, xz or zstd is needed",
		       (unsigned long long)u->size, path_show(str_sub(begin, 0, 16), shown));
}

/*
 * Source actions with the output format "full clone" hand over a small JSON document that names a
 * repository and a commit; only CodeBuild may follow it. (CodePipeline User Guide, CodeCommit and
 * CodeStarSourceConnection action reference, OutputArtifactFormat CODEBUILD_CLONE_REF.)
 */
static int check_not_reference(const struct unpacking *u, struct str begin, struct err *err)
{
	struct err ignored = ERR_INIT;
	struct arena *a;
	struct json *root;
	bool is_json;
	char *text;

	if (u->size >= REFERENCE_MAX || !str_starts(str_trim(begin), "{"))
		return 0;
	text = xmalloc((size_t)u->size);
	if (unpack_read(u, 0, text, (size_t)u->size, err)) {
		free(text);
		return -1;
	}
	a = arena_new();
	is_json = !json_parse(a, (struct str){text, (size_t)u->size}, &root, &ignored);
	arena_free(a);
	free(text);
	if (!is_json)
		return 0;
	return err_set(err, ERR_REJECTED,
		       "the artifact is a JSON document, not an archive: a source action with "
		       "\"Full clone\" (OutputArtifactFormat CODEBUILD_CLONE_REF) makes such a "
		       "reference, which only CodeBuild can read; choose CODE_ZIP, \"CodePipeline "
		       "default\", in the source action");
}

static bool is_zeros(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i])
			return false;
	return true;
}

static int unpack_any(struct unpacking *u, struct err *err)
{
	char p[BEGINNING];
	struct str begin;

	if (!u->size)
		return err_set(err, ERR_MALFORMED, "not an archive: it is empty");
	if (read_beginning(u, p, &begin, err))
		return -1;
	if (str_starts(begin, "PK")) {
		if (begin.n == TAR_BLOCK && tar_is_header((const unsigned char *)begin.p))
			return err_set(err, ERR_UNSAFE, "it is a zip and a tar at once");
		return unpack_zip(u, err);
	}
	if (check_not_reference(u, begin, err))
		return -1;
	/* an empty tar to some, but rather a file that was never written */
	if (is_zeros(begin))
		return unpack_not_an_archive(u, err);
	return unpack_tar(u, begin, err);
}

/* --- the directory ---------------------------------------------------------------------------- */

int unpack_check_empty(int dir_fd, struct err *err)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	bool empty;

	if (!d) {
		err_set_sys(err, ERR_SYSTEM, errno, "open the directory to unpack into");
		if (fd >= 0)
			close(fd);
		return -1;
	}
	empty = !beneath_next(d);
	if (empty && errno) {
		err_set_sys(err, ERR_SYSTEM, errno, "read the directory to unpack into");
		closedir(d);
		return -1;
	}
	closedir(d);
	return empty ? 0 : err_set(err, ERR_CONFLICT, "the directory to unpack into is not empty");
}

int unpack_archive(int fd_in, int dir_fd, const struct unpack_limits *limits,
		   struct unpack_stats *stats, struct err *err)
{
	struct unpacking u = {.fd = fd_in, .limits = limits, .stats = stats};
	struct stat st;
	int rc;

	*stats = (struct unpack_stats){.format = ""};
	if (fstat(fd_in, &st))
		return err_set_sys(err, ERR_SYSTEM, errno, "read the archive");
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_SYSTEM, "the archive is not a regular file");
	u.size = (uint64_t)st.st_size;
	u.writer = writer_new(dir_fd, limits->no_openat2);
	rc = unpack_any(&u, err);
	writer_free(u.writer);
	return rc;
}

void unpack_undo(int dir_fd, struct err *err)
{
	struct err left = ERR_INIT;

	if (remove_content(dir_fd, &left))
		err_wrap(err, "(and it could not be removed: %s)", left.text);
}

int unpack(int fd_in, int dir_fd, const struct unpack_limits *limits, struct unpack_stats *stats,
	   struct err *err)
{
	int rc;

	*stats = (struct unpack_stats){.format = ""};
	if (unpack_check_empty(dir_fd, err))
		return -1;
	rc = unpack_archive(fd_in, dir_fd, limits, stats, err);
	if (rc)
		unpack_undo(dir_fd, err);
	return rc;
}
