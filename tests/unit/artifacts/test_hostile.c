#include "tests/unit/artifacts/unpacked.h"

#include <sys/inotify.h>

#include "artifacts/zip_directory.h"
#include "tests/unit/artifacts/hostile_tar.h"
#include "tests/unit/artifacts/hostile_zip.h"

/*
 * Every hostile archive that the generators make must be refused for its own reason, and leave
 * nothing: neither in the directory, nor beside it. A zip must be refused before the first write,
 * unless nothing but content is wrong; the kernel is asked whether anything was ever made.
 */

struct place {
	struct temp parent;
	int dir_fd; /* "parent/in"; beside it lies "parent/beside" */
	int watch;
	size_t n;
};

static void place_make(struct place *p)
{
	char path[80];

	temp_make(&p->parent);
	assert_int_equal(mkdirat(p->parent.fd, "in", 0755), 0);
	put_file(p->parent.fd, "beside", STR("untouched"), 0644);
	p->dir_fd = openat(p->parent.fd, "in", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(p->dir_fd >= 0);
	p->watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	assert_true(p->watch >= 0);
	snprintf(path, sizeof(path), "%s/in", p->parent.path);
	assert_true(inotify_add_watch(p->watch, path, IN_CREATE | IN_MOVED_TO) >= 0);
	p->n = 0;
}

static void place_remove(struct place *p)
{
	check_file(p->parent.fd, "beside", STR("untouched"), 0644);
	assert_int_equal(count_in(p->parent.fd), 2);
	close(p->watch);
	close(p->dir_fd);
	temp_remove(&p->parent);
}

/* Was anything made in the directory since this was asked last? */
static bool was_written(struct place *p)
{
	char events[4096];
	bool written = false;

	while (read(p->watch, events, sizeof(events)) > 0)
		written = true;
	return written;
}

static void refuse_one(void *arg, const char *what, struct str archive, enum err_code code,
		       const char *text, bool late)
{
	struct unpack_limits l = unpack_limits_default();
	struct place *p = arg;

	for (int plain = 0; plain < 2; plain++) {
		struct unpack_stats stats;
		struct err err = ERR_INIT;

		l.no_openat2 = plain;
		if (!unpack_str(archive, p->dir_fd, &l, &stats, &err))
			fail_msg("%s: was accepted", what);
		if (err.code != code || !strstr(err.text, text))
			fail_msg("%s: %s \"%s\", want %s \"%s\"", what, err_code_name(err.code),
				 err.text, err_code_name(code), text);
		if (count_in(p->dir_fd))
			fail_msg("%s: something was left behind", what);
		if (count_in(p->parent.fd) != 2)
			fail_msg("%s: something was left beside the directory", what);
		if (was_written(p) && !late)
			fail_msg("%s: something was written before it was refused", what);
	}
	p->n++;
}

static void test_zips(void **state)
{
	struct place p;

	(void)state;
	place_make(&p);
	hostile_zips(refuse_one, &p);
	printf("# %zu hostile zips\n", p.n);
	place_remove(&p);
}

static void test_tars(void **state)
{
	struct place p;

	(void)state;
	place_make(&p);
	hostile_tars(refuse_one, &p);
	printf("# %zu hostile tars\n", p.n);
	place_remove(&p);
}

/* The watch works: what is good is written, and what is found late was preceded by something. */
static void test_watch(void **state)
{
	struct unpack_limits l = unpack_limits_default();
	struct unpack_stats stats;
	struct err err = ERR_INIT;
	struct place p;
	struct zm z;

	(void)state;
	place_make(&p);
	assert_false(was_written(&p));
	zm_begin(&z);
	zm_add(&z, &(struct zm_entry){.name = "a", .text = "a"});
	zm_add(&z, &(struct zm_entry){.name = "b", .text = "b", .both_crc = 1});
	zm_end(&z, NULL);
	assert_int_equal(unpack_str(buf_str(&z.out), p.dir_fd, &l, &stats, &err), -1);
	assert_true(was_written(&p));
	assert_int_equal(count_in(p.dir_fd), 0);
	zm_release(&z);
	place_remove(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zips),
		cmocka_unit_test(test_tars),
		cmocka_unit_test(test_watch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
