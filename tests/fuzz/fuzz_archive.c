#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "artifacts/pack.h"
#include "artifacts/remove.h"
#include "artifacts/unpack.h"
#include "aws/core/mem.h"

/*
 * Whatever the archive: either it is unpacked within the limits, or nothing is left. What was
 * unpacked can be packed, and unpacks again to the same.
 *
 * Layers: artifacts aws core
 */

static size_t count(int dir_fd)
{
	DIR *d = fdopendir(openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	size_t n = 0;

	FUZZ_CHECK(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static int unpack_bytes(struct str s, int dir_fd, const struct unpack_limits *limits,
			struct unpack_stats *stats, struct err *err)
{
	int fd = memfd_create("archive", MFD_CLOEXEC), rc;

	FUZZ_CHECK(fd >= 0 && write(fd, s.n ? s.p : "", s.n) == (ssize_t)s.n);
	rc = unpack(fd, dir_fd, limits, stats, err);
	close(fd);
	return rc;
}

static void check_unpacked(int dir_fd, const struct unpack_limits *limits,
			   const struct unpack_stats *stats)
{
	struct err err = ERR_INIT;
	struct unpack_stats again;
	struct buf zip;

	FUZZ_CHECK(stats->files + stats->directories <= (uint64_t)limits->max_entries);
	FUZZ_CHECK(stats->bytes <= (uint64_t)limits->max_bytes);
	buf_init(&zip, 64u << 20);
	FUZZ_CHECK(pack_dir(&(struct pack_dir){.dir_fd = dir_fd}, &zip, &err) == 0);
	FUZZ_CHECK(remove_content(dir_fd, &err) == 0);
	FUZZ_CHECK(unpack_bytes(buf_str(&zip), dir_fd, limits, &again, &err) == 0);
	FUZZ_CHECK(again.files == stats->files && again.bytes == stats->bytes);
	buf_release(&zip);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct unpack_limits limits = {.max_bytes = 4 << 20,
					     .max_entries = 64,
					     .max_entry_bytes = 2 << 20,
					     .max_depth = 12,
					     .no_openat2 = size & 1};
	char path[] = "/dev/shm/rollout-fuzz-XXXXXX", *dir = mkdtemp(path);
	char other[] = "/tmp/rollout-fuzz-XXXXXX";
	struct unpack_stats stats;
	struct err err = ERR_INIT;
	int fd;

	if (!dir)
		dir = mkdtemp(other);
	FUZZ_CHECK(dir);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	FUZZ_CHECK(fd >= 0);
	if (unpack_bytes((struct str){(const char *)data, size}, fd, &limits, &stats, &err)) {
		FUZZ_CHECK(err.text[0] && err.code != ERR_OK && err.code != ERR_SYSTEM);
		FUZZ_CHECK(count(fd) == 0);
	} else {
		check_unpacked(fd, &limits, &stats);
	}
	FUZZ_CHECK(remove_content(fd, &err) == 0);
	close(fd);
	FUZZ_CHECK(rmdir(dir) == 0);
	return 0;
}
