#ifndef TESTS_UNIT_ARTIFACTS_UNPACKED_H
#define TESTS_UNIT_ARTIFACTS_UNPACKED_H

#include "artifacts/unpack.h"
#include "tests/unit/artifacts/files.h"

/* Unpack archives and look at what came of it: good ones, and bad ones that must leave nothing. */

static inline int unpack_str(struct str archive, int dir_fd, const struct unpack_limits *limits,
			     struct unpack_stats *stats, struct err *err)
{
	int fd = file_of(archive), rc;

	rc = unpack(fd, dir_fd, limits, stats, err);
	close(fd);
	return rc;
}

/* Both with the kernel's openat2() and without; t has the result. */
static inline void unpack_good(struct str archive, struct temp *t, struct unpack_stats *stats)
{
	struct unpack_limits limits = unpack_limits_default();

	for (int plain = 1; plain >= 0; plain--) {
		struct err err = ERR_INIT;

		assert_int_equal(remove_content(t->fd, &err), 0);
		limits.no_openat2 = plain;
		if (unpack_str(archive, t->fd, &limits, stats, &err))
			fail_msg("%s", err.text);
	}
}

/* It must be refused with this code and these words, and nothing may be left. */
static inline void unpack_bad(const char *what, struct str archive,
			      const struct unpack_limits *limits, enum err_code code,
			      const char *text)
{
	struct unpack_limits l = limits ? *limits : unpack_limits_default();
	struct temp t;

	temp_make(&t);
	for (int plain = 0; plain < 2; plain++) {
		struct err err = ERR_INIT;
		struct unpack_stats stats;

		l.no_openat2 = plain;
		if (!unpack_str(archive, t.fd, &l, &stats, &err))
			fail_msg("%s: was accepted", what);
		if (err.code != code || !strstr(err.text, text))
			fail_msg("%s: %s \"%s\", want %s \"%s\"", what, err_code_name(err.code),
				 err.text, err_code_name(code), text);
		if (count_in(t.fd))
			fail_msg("%s: something was left behind", what);
	}
	temp_remove(&t);
}

#endif
