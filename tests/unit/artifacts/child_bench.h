#ifndef TESTS_UNIT_ARTIFACTS_CHILD_BENCH_H
#define TESTS_UNIT_ARTIFACTS_CHILD_BENCH_H

#include <sys/syscall.h>

#include "artifacts/confine_parts.h"
#include "artifacts/unpack_child_parts.h"
#include "tests/unit/artifacts/dump_counters.h"
#include "tests/unit/artifacts/unpacked.h"
#include "tests/unit/artifacts/zip_maker.h"

/*
 * What the tests of the process that unpacks share: its caller, an archive, and looks at the end.
 * The process is the test program itself, whose main() has to ask for UNPACK_CHILD_COMMAND.
 */
struct bench {
	struct temp temp;
	struct unpack_child how;
	struct unpack_limits limits;
	struct unpack_stats stats;
	struct confine_report report;
	struct err err;
};

static inline int set_up(void **state)
{
	struct bench *b = xcalloc(1, sizeof(*b));

	temp_make(&b->temp);
	b->how = (struct unpack_child){.confinement = UNPACK_CONFINEMENT_PREFER,
				       .program = UNPACK_CHILD_SELF,
				       .clock = clock_system()};
	b->limits = unpack_limits_default();
	*state = b;
	return 0;
}

static inline int tear_down(void **state)
{
	struct bench *b = *state;

	temp_remove(&b->temp);
	free(b);
	return 0;
}

static inline int unpack_fd(struct bench *b, int fd)
{
	b->err = ERR_INIT;
	return unpack_in_child(&b->how, fd, b->temp.fd, &b->limits, &b->stats, &b->report, &b->err);
}

static inline int unpack_text(struct bench *b, struct str archive)
{
	int fd = file_of(archive), rc = unpack_fd(b, fd);

	close(fd);
	return rc;
}

static inline void empty(struct bench *b)
{
	struct err err = ERR_INIT;

	assert_int_equal(remove_content(b->temp.fd, &err), 0);
}

static inline void must_fail(struct bench *b, struct str archive, enum err_code code,
			     const char *text)
{
	if (!unpack_text(b, archive))
		fail_msg("want %s: it went well", text);
	if (b->err.code != code || !strstr(b->err.text, text))
		fail_msg("%s: %s; want %s: %s", err_code_name(b->err.code), b->err.text,
			 err_code_name(code), text);
	assert_int_equal(count_in(b->temp.fd), 0);
}

static inline struct str small_zip(void)
{
	static struct zm z;

	zm_begin(&z);
	zm_add(&z, &(struct zm_entry){.name = "dir/", .text = ""});
	zm_add(&z, &(struct zm_entry){.name = "dir/a.txt", .text = "text", .deflate = true});
	zm_add(&z, &(struct zm_entry){.name = "run", .text = "#!", .mode = 0100755});
	zm_end(&z, NULL);
	buf_release(&z.directory);
	return buf_str(&z.out);
}

static inline void check_small(struct bench *b)
{
	assert_string_equal(b->stats.format, "zip");
	assert_int_equal(b->stats.files, 2);
	assert_int_equal(b->stats.directories, 1);
	assert_int_equal(b->stats.bytes, 6);
	check_file(b->temp.fd, "dir/a.txt", STR("text"), 0644);
	check_file(b->temp.fd, "run", STR("#!"), 0755);
	check_dir(b->temp.fd, "dir");
}

static inline void small_must_unpack(struct bench *b, struct str zip)
{
	if (unpack_text(b, zip))
		fail_msg("%s", b->err.text);
	check_small(b);
	empty(b);
}

static inline bool has_landlock(void)
{
	return syscall(444 /* landlock_create_ruleset */, NULL, 0, 1) >= 1;
}

#define WITH_BENCH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

#endif
