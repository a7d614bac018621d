#include "tests/unit/artifacts/unpacked.h"

#include <archive.h>
#include <archive_entry.h>

#include "artifacts/writer.h"
#include "aws/core/cancel.h"
#include "tests/unit/artifacts/odd_archives.h"

/* Archives that are odd and right must be unpacked; and what no table of hostile ones can have. */

/* --- zip -------------------------------------------------------------------------------------- */

static void check_odd_zip(void *arg, const char *what, struct str archive)
{
	struct unpack_stats stats;
	struct temp *t = arg;

	printf("  %s\n", what);
	unpack_good(archive, t, &stats);
	check_file(t->fd, "s", STR(ODD_TEXT), 0644);
	check_file(t->fd, "last", STR("last"), 0644);
	assert_int_equal(count_in(t->fd), 2);
}

static void test_odd_zips(void **state)
{
	struct temp t;

	(void)state;
	temp_make(&t);
	each_odd_zip(check_odd_zip, &t);
	temp_remove(&t);
}

/* The directory names entries in another order than that in which they lie in the file. */
static void test_other_order(void **state)
{
	struct temp t;
	struct zm z;
	size_t first;
	char *p;

	(void)state;
	temp_make(&t);
	zm_begin(&z);
	zm_add(&z, &(struct zm_entry){.name = "s", .text = ODD_TEXT});
	first = z.directory.n;
	zm_add(&z, &(struct zm_entry){.name = "last", .text = "last"});
	p = xstrndup(z.directory.p, z.directory.n);
	memcpy(z.directory.p, p + first, z.directory.n - first);
	memcpy(z.directory.p + z.directory.n - first, p, first);
	free(p);
	zm_end(&z, NULL);
	check_odd_zip(&t, "other order", buf_str(&z.out));
	zm_release(&z);
	temp_remove(&t);
}

/* A zip in a zip, stored and last, so that two end records are in reach. */
static void test_zip_in_zip(void **state)
{
	struct unpack_stats stats;
	struct zm inner, z;
	struct temp t;

	(void)state;
	temp_make(&t);
	zm_begin(&inner);
	zm_add(&inner, &(struct zm_entry){.name = "x", .text = ODD_TEXT});
	zm_end(&inner, NULL);
	zm_begin(&z);
	zm_add(&z, &(struct zm_entry){.name = "in.zip", .content = buf_str(&inner.out)});
	zm_end(&z, NULL);
	unpack_good(buf_str(&z.out), &t, &stats);
	check_file(t.fd, "in.zip", buf_str(&inner.out), 0644);
	zm_release(&inner);
	zm_release(&z);
	temp_remove(&t);
}

/* --- tar -------------------------------------------------------------------------------------- */

static void check_odd_tar(void *arg, const char *what, struct str archive)
{
	struct unpack_stats stats;
	struct temp *t = arg;

	printf("  %s\n", what);
	unpack_good(archive, t, &stats);
	check_file(t->fd, "s", STR(ODD_TEXT), 0644);
	check_dir(t->fd, "d");
	assert_int_equal(count_in(t->fd), 2);
}

static void test_odd_tars(void **state)
{
	struct temp t;

	(void)state;
	temp_make(&t);
	each_odd_tar(check_odd_tar, &t);
	temp_remove(&t);
}

/* --- what is neither -------------------------------------------------------------------------- */

static la_ssize_t on_write(struct archive *a, void *arg, const void *p, size_t n)
{
	(void)a;
	buf_add(arg, p, n);
	return (la_ssize_t)n;
}

/* Replace what the buffer holds by itself in xz. */
static void xz(struct buf *b)
{
	struct archive *a = archive_write_new();
	struct archive_entry *e = archive_entry_new();
	struct buf out;

	buf_init(&out, 1 << 20);
	archive_write_set_format_raw(a);
	assert_int_equal(archive_write_add_filter_xz(a), ARCHIVE_OK);
	archive_write_set_bytes_in_last_block(a, 1);
	assert_int_equal(archive_write_open(a, &out, NULL, on_write, NULL), ARCHIVE_OK);
	archive_entry_set_filetype(e, AE_IFREG);
	assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
	assert_int_equal(archive_write_data(a, b->p, b->n), b->n);
	archive_entry_free(e);
	assert_int_equal(archive_write_close(a), ARCHIVE_OK);
	archive_write_free(a);
	buf_clear(b);
	buf_add_str(b, buf_str(&out));
	buf_release(&out);
}

static void test_xz(void **state)
{
	struct unpack_limits l = unpack_limits_default();
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	tm_add(&b, &(struct tm_entry){.name = "a", .text = "a"});
	tm_end(&b);
	tm_gzip(&b);
	xz(&b);
	unpack_bad("gzip in xz", buf_str(&b), NULL, ERR_UNSAFE, "more than once");

	buf_clear(&b);
	tm_add(&b, &(struct tm_entry){.name = "a", .text = "a"});
	tm_end(&b);
	xz(&b);
	xz(&b);
	unpack_bad("xz in xz", buf_str(&b), NULL, ERR_UNSAFE, "more than once");

	buf_clear(&b);
	tm_add(&b, &(struct tm_entry){.name = "a", .text = "a"});
	tm_end(&b);
	xz(&b);
	l.cancel = cancel_new();
	cancel_fire(l.cancel);
	unpack_bad("canceled", buf_str(&b), &l, ERR_CANCELED, "canceled");
	cancel_free(l.cancel);
	buf_release(&b);
}

/* A file that is shorter than it says: the kernel has such. */
static void test_shorter(void **state)
{
	struct unpack_limits l = unpack_limits_default();
	int fd = open("/sys/kernel/mm/transparent_hugepage/enabled", O_RDONLY | O_CLOEXEC);
	struct unpack_stats stats;
	struct err err = ERR_INIT;
	struct temp t;

	(void)state;
	if (fd < 0)
		skip();
	temp_make(&t);
	assert_int_equal(unpack(fd, t.fd, &l, &stats, &err), -1);
	assert_int_equal(err.code, ERR_SYSTEM);
	assert_non_null(strstr(err.text, "became shorter"));
	assert_int_equal(count_in(t.fd), 0);
	close(fd);
	temp_remove(&t);
}

static void test_no_writer(void **state)
{
	(void)state;
	writer_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_odd_zips),   cmocka_unit_test(test_other_order),
		cmocka_unit_test(test_zip_in_zip), cmocka_unit_test(test_odd_tars),
		cmocka_unit_test(test_xz),	   cmocka_unit_test(test_shorter),
		cmocka_unit_test(test_no_writer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
