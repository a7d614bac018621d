#include "tests/unit/artifacts/unpacked.h"

#include "artifacts/zip_directory.h"
#include "tests/unit/artifacts/zip_maker.h"

/* Zips with something around them or cut off, and sources that fail; lies are in test_hostile. */

/* Something in front, behind, or another archive in the comment. */
static void test_junk(void **state)
{
	struct buf b;
	struct zm z;

	(void)state;
	zm_begin(&z);
	zm_add(&z, &(struct zm_entry){.name = "a", .text = "a"});
	zm_end(&z, NULL);
	buf_init(&b, 1 << 20);

	buf_add_str(&b, buf_str(&z.out));
	buf_addc(&b, '\n');
	unpack_bad("one byte behind", buf_str(&b), NULL, ERR_MALFORMED, "appended");

	buf_clear(&b);
	buf_adds(&b, "#!/bin/sh\n");
	buf_add_str(&b, buf_str(&z.out));
	unpack_bad("self-extracting", buf_str(&b), NULL, ERR_MALFORMED, "not an archive");

	buf_clear(&b);
	buf_adds(&b, "PK\3\4");
	buf_add_str(&b, buf_str(&z.out));
	unpack_bad("another header in front", buf_str(&b), NULL, ERR_MALFORMED, "put in front");

	for (size_t n = 2; n < z.out.n; n++)
		unpack_bad("cut off", str_sub(buf_str(&z.out), 0, n), NULL, ERR_MALFORMED,
			   n < 22 ? "too short" : "cut off");
	zm_release(&z);

	/* the directory says where everything is, and still there is something in front */
	zm_begin(&z);
	buf_adds(&z.out, "PK\3\4hidden");
	zm_add(&z, &(struct zm_entry){.name = "a", .text = "a"});
	zm_end(&z, NULL);
	unpack_bad("hidden in front", buf_str(&z.out), NULL, ERR_UNSAFE, "front of the first");
	zm_release(&z);

	zm_begin(&z);
	buf_adds(&z.out, "PK\3\4hidden");
	zm_end(&z, NULL);
	unpack_bad("hidden in an empty one", buf_str(&z.out), NULL, ERR_UNSAFE, "hidden");
	zm_release(&z);
	buf_release(&b);
}

/* A record of the directory that ends in the middle of its name. */
static void test_directory_cut(void **state)
{
	struct zm z;

	(void)state;
	zm_begin(&z);
	zm_add(&z, &(struct zm_entry){.name = "a", .text = "a"});
	z.directory.p[28] = 2; /* a name of two bytes, where there is one */
	zm_end(&z, NULL);
	unpack_bad("record cut off", buf_str(&z.out), NULL, ERR_MALFORMED, "record 1 of the");
	zm_release(&z);

	/* data that leave no room for the header they belong to */
	zm_begin(&z);
	zm_add(&z, &(struct zm_entry){.name = "a", .text = "abc", .packed = 29, .size = 29});
	zm_end(&z, NULL);
	unpack_bad("no room for a header", buf_str(&z.out), NULL, ERR_MALFORMED, "cut off");
	zm_release(&z);

	/* an extra field in the local header that reaches into the directory */
	zm_begin(&z);
	zm_add(&z, &(struct zm_entry){.name = "a", .text = "abc"});
	z.out.p[28] = 1;
	zm_end(&z, NULL);
	unpack_bad("extra field too long", buf_str(&z.out), NULL, ERR_MALFORMED, "cut off");
	zm_release(&z);
}

/* --- the directory alone, from a source that fails --- */

struct failing {
	struct str s;
	uint64_t size; /* zeros in front of s make it up */
	int left;      /* reads that succeed */
};

static int failing_read(void *arg, uint64_t at, void *p, size_t n, struct err *err)
{
	struct failing *f = arg;
	uint64_t zeros = f->size - f->s.n;
	char *to = p;

	assert_true(at <= f->size && n <= f->size - at);
	if (!f->left--)
		return err_set(err, ERR_SYSTEM, "reading fails");
	for (; n; n--, at++)
		*to++ = at < zeros ? 0 : f->s.p[at - zeros];
	return 0;
}

static int read_failing(struct failing *f, struct err *err)
{
	struct zip_source source = {.read = failing_read, .arg = f, .size = f->size};
	struct unpack_limits l = unpack_limits_default();
	struct arena *a = arena_new();
	struct zip_directory d;
	int rc = zip_directory_read(&source, &l, a, &d, err);

	arena_free(a);
	return rc;
}

/* Every read fails once: each failure is told as it is. */
static void test_read_fails(void **state)
{
	struct failing f = {.s = {NULL, 0}};
	struct err err = ERR_INIT;
	char *extra = xcalloc(1, 2000), *zeros = xcalloc(1, 20000);
	struct zm z;
	int n = 0;

	(void)state;
	extra[0] = 'x';
	extra[2] = (char)((2000 - 4) & 0xff);
	extra[3] = (char)((2000 - 4) >> 8);
	zm_begin(&z);
	for (int i = 0; i < 3; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%d", i);
		zm_add(&z, &(struct zm_entry){.name = name,
					      .content = {zeros, 20000},
					      .local_extra = {extra, 2000},
					      .descriptor = 16});
	}
	zm_end(&z, &(struct zm_end){.zip64 = true});
	f.s = buf_str(&z.out);
	f.size = z.out.n;
	do {
		f.left = n++;
		err = ERR_INIT;
		if (read_failing(&f, &err)) {
			assert_int_equal(err.code, ERR_SYSTEM);
			assert_string_equal(err.text, "reading fails");
		}
	} while (err.code != ERR_OK);
	assert_int_equal(n - 1, 3 + 3 + 2 + 2); /* the ends, and what each entry needs */
	free(extra);
	free(zeros);
	zm_release(&z);
}

static void test_huge_directory(void **state)
{
	struct failing f = {.size = 70u << 20, .left = 1};
	struct err err = ERR_INIT;
	struct zm z;

	(void)state;
	zm_begin(&z);
	zm_end(&z, &(struct zm_end){.size = (70 << 20) - 22});
	f.s = buf_str(&z.out);
	assert_int_equal(read_failing(&f, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_non_null(strstr(err.text, "its directory takes"));
	zm_release(&z);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_junk),
		cmocka_unit_test(test_directory_cut),
		cmocka_unit_test(test_read_fails),
		cmocka_unit_test(test_huge_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
