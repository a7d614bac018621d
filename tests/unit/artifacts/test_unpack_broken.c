#include "tests/unit/artifacts/unpacked.h"

#include "tests/unit/artifacts/zip_maker.h"
#include "tests/unit/broken_call.h"

/* Unpacking where the system refuses a call. */
struct job {
	int fd;
	struct temp temp;
	struct err err;
};

static int run(void *arg)
{
	struct unpack_limits limits = unpack_limits_default();
	struct unpack_stats stats;
	struct job *j = arg;

	return unpack(j->fd, j->temp.fd, &limits, &stats, &j->err);
}

/* The first entry is written when the second is found to be damaged. */
static struct str half_a_zip(void)
{
	static struct zm z;

	zm_begin(&z);
	zm_add(&z, &(struct zm_entry){.name = "good", .text = "text"});
	zm_add(&z, &(struct zm_entry){.name = "bad", .text = "text", .both_crc = 1});
	zm_end(&z, NULL);
	buf_release(&z.directory);
	return buf_str(&z.out);
}

static void what_cannot_be_removed_is_said(void **state)
{
	struct job j = {.err = ERR_INIT};
	struct str zip = half_a_zip();

	(void)state;
	temp_make(&j.temp);
	j.fd = file_of(zip);
	assert_int_equal(run(&j), -1);
	assert_int_equal(count_in(j.temp.fd), 0);
	assert_null(strstr(j.err.text, "removed"));
	j.err = ERR_INIT;
	assert_int_equal(with_broken_call((struct broken_call){.nr = SYS_unlinkat}, run, &j), -1);
	/* why it was refused is still the first thing to know */
	assert_int_equal(j.err.code, ERR_MALFORMED);
	assert_non_null(strstr(j.err.text, "could not be removed: "));
	assert_non_null(strstr(j.err.text, "\"bad\": its checksum is wrong"));
	assert_true(count_in(j.temp.fd) > 0);
	close(j.fd);
	temp_remove(&j.temp);
	free((void *)(uintptr_t)zip.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_cannot_be_removed_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
