#ifndef TESTS_UNIT_TARGET_BROKEN_DISK_H
#define TESTS_UNIT_TARGET_BROKEN_DISK_H

#include <fcntl.h>

#include "tests/unit/broken_call.h"

/* A disk that fails, for what is read from a real one. */
enum broken {
	BROKEN_READ,	 /* pread() of so many bytes; of any number when size is 0 */
	BROKEN_STAT,	 /* fstat() */
	BROKEN_NEW_FILE, /* a file without a name, on disk or in memory */
};

/* fn(arg) on such a disk: its result. It may not use cmocka's assertions. */
static inline int on_broken_disk(enum broken what, size_t size, int (*fn)(void *arg), void *arg)
{
	const struct broken_call calls[][2] = {
		[BROKEN_READ] = {{SYS_pread64, size ? BROKEN_EQUAL : BROKEN_ALWAYS, 2,
				  (uint32_t)size}},
		[BROKEN_STAT] = {{.nr = SYS_fstat}, {.nr = SYS_newfstatat}},
		[BROKEN_NEW_FILE] = {{.nr = SYS_memfd_create},
				     {SYS_openat, BROKEN_BITS, 2, O_TMPFILE & ~O_DIRECTORY}},
	};

	return with_broken_calls(calls[what], what == BROKEN_READ ? 1 : 2, fn, arg);
}

#endif
