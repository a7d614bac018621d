#include "tests/unit/artifacts/unpacked.h"

#include "aws/core/cancel.h"
#include "tests/unit/artifacts/zip_maker.h"

/* --- what must work --------------------------------------------------------------------------- */

static void test_plain(void **state)
{
	struct unpack_stats stats;
	struct temp t;
	struct zm z;

	(void)state;
	temp_make(&t);
	zm_begin(&z);
	zm_add(&z, &(struct zm_entry){.name = "./"});
	zm_add(&z, &(struct zm_entry){.name = "./bin/", .mode = S_IFDIR | 02775});
	zm_add(&z, &(struct zm_entry){
			   .name = "./bin/run", .text = "#!/bin/sh\n", .mode = S_IFREG | 0711});
	zm_add(&z, &(struct zm_entry){.name = "none", .text = "", .mode = S_IFREG | 0666});
	zm_add(&z, &(struct zm_entry){
			   .name = "a/b/c/deep", .text = "no directory entries", .deflate = true});
	zm_add(&z, &(struct zm_entry){.name = "\xc3\xa4", .text = "utf-8", .flags = 1 << 11});
	zm_add(&z, &(struct zm_entry){.name = "deflated-dir/", .text = "", .deflate = true});
	zm_end(&z, &(struct zm_end){.comment = "a comment"});
	unpack_good(buf_str(&z.out), &t, &stats);
	assert_string_equal(stats.format, "zip");
	assert_int_equal(stats.files, 4);
	assert_int_equal(stats.directories, 3);
	assert_int_equal(stats.bytes, 10 + 20 + 5);
	assert_int_equal(count_in(t.fd), 5);
	check_dir(t.fd, "bin");
	check_dir(t.fd, "deflated-dir");
	check_dir(t.fd, "a/b/c");
	check_file(t.fd, "bin/run", STR("#!/bin/sh\n"), 0755);
	check_file(t.fd, "none", STR(""), 0644);
	check_file(t.fd, "a/b/c/deep", STR("no directory entries"), 0644);
	check_file(t.fd, "\xc3\xa4", STR("utf-8"), 0644);
	zm_release(&z);
	temp_remove(&t);
}

/* As streaming producers make them: every form of a data descriptor, stored entries included. */
static void test_streamed(void **state)
{
	static const int forms[] = {12, 16, 20, 24};
	struct unpack_stats stats;
	struct temp t;

	(void)state;
	temp_make(&t);
	for (size_t i = 0; i < 4; i++) {
		struct zm z;

		zm_begin(&z);
		zm_add(&z,
		       &(struct zm_entry){.name = "a", .text = "stored", .descriptor = forms[i]});
		zm_add(&z, &(struct zm_entry){.name = "b",
					      .text = "deflated",
					      .deflate = true,
					      .descriptor = forms[i]});
		zm_add(&z, &(struct zm_entry){.name = "c", .text = "", .descriptor = forms[i]});
		zm_add(&z, &(struct zm_entry){.name = "d",
					      .text = "known before",
					      .local_sizes = true,
					      .descriptor = forms[i]});
		/* the flag, and nothing behind the data, but all sizes in front of it */
		zm_add(&z,
		       &(struct zm_entry){.name = "e", .text = "no more", .no_descriptor = true});
		zm_end(&z, NULL);
		unpack_good(buf_str(&z.out), &t, &stats);
		check_file(t.fd, "a", STR("stored"), 0644);
		check_file(t.fd, "b", STR("deflated"), 0644);
		check_file(t.fd, "c", STR(""), 0644);
		check_file(t.fd, "d", STR("known before"), 0644);
		check_file(t.fd, "e", STR("no more"), 0644);
		zm_release(&z);
	}
	temp_remove(&t);
}

static void test_zip64(void **state)
{
	struct unpack_stats stats;
	struct temp t;

	(void)state;
	temp_make(&t);
	for (int full = 0; full < 2; full++) {
		struct zm z;

		zm_begin(&z);
		zm_add(&z, &(struct zm_entry){.name = "a", .text = "wide", .zip64 = true});
		zm_add(&z, &(struct zm_entry){.name = "b",
					      .text = "wide and late",
					      .deflate = true,
					      .zip64 = true,
					      .descriptor = 24});
		zm_add(&z, &(struct zm_entry){.name = "c", .text = "narrow"});
		zm_end(&z, &(struct zm_end){.zip64 = true, .full = full});
		unpack_good(buf_str(&z.out), &t, &stats);
		check_file(t.fd, "a", STR("wide"), 0644);
		check_file(t.fd, "b", STR("wide and late"), 0644);
		check_file(t.fd, "c", STR("narrow"), 0644);
		zm_release(&z);
	}
	temp_remove(&t);
}

/* Filled up with zeros, as bsdtar does into a pipe. */
static void test_padded(void **state)
{
	struct unpack_stats stats;
	struct temp t;
	struct zm z;

	(void)state;
	temp_make(&t);
	zm_begin(&z);
	zm_add(&z, &(struct zm_entry){.name = "a", .text = "a"});
	zm_end(&z, NULL);
	while (z.out.n < 10240)
		buf_addc(&z.out, 0);
	unpack_good(buf_str(&z.out), &t, &stats);
	check_file(t.fd, "a", STR("a"), 0644);
	zm_release(&z);
	temp_remove(&t);
}

static void test_empty(void **state)
{
	struct unpack_stats stats;
	struct temp t;
	struct zm z;

	(void)state;
	temp_make(&t);
	zm_begin(&z);
	zm_end(&z, NULL);
	unpack_good(buf_str(&z.out), &t, &stats);
	assert_int_equal(count_in(t.fd), 0);
	zm_release(&z);
	temp_remove(&t);
}

static char *noise(size_t n, unsigned seed)
{
	char *p = xmalloc(n);

	for (size_t i = 0; i < n; i++) {
		seed = seed * 1103515245 + 12345;
		p[i] = (char)(seed >> 16);
	}
	return p;
}

/* Contents around the size of a block, which do and do not compress; executables by other hosts. */
static void test_large(void **state)
{
	static const size_t sizes[] = {131071, 131072, 131073, 262144, 1000003};
	struct unpack_stats stats;
	struct temp t;
	struct zm z;
	char *p = noise(1000003, 1), *q = xcalloc(1, 1000003), name[32];

	(void)state;
	temp_make(&t);
	zm_begin(&z);
	for (size_t i = 0; i < 5; i++) {
		for (int kind = 0; kind < 4; kind++) {
			struct str s = {kind & 1 ? p : q, sizes[i]};

			snprintf(name, sizeof(name), "%zu-%d", i, kind);
			zm_add(&z, &(struct zm_entry){.name = name,
						      .content = s,
						      .deflate = kind & 2,
						      .mode = S_IFREG | 0700,
						      .descriptor = kind == 3 ? 16 : 0});
		}
	}
	zm_end(&z, NULL);
	unpack_good(buf_str(&z.out), &t, &stats);
	for (size_t i = 0; i < 5; i++) {
		for (int kind = 0; kind < 4; kind++) {
			snprintf(name, sizeof(name), "%zu-%d", i, kind);
			check_file(t.fd, name, (struct str){kind & 1 ? p : q, sizes[i]}, 0755);
		}
	}
	zm_release(&z);
	free(p);
	free(q);
	temp_remove(&t);
}

/* More directories than the writer keeps open, visited in turns, and long extra fields. */
static void test_many_directories(void **state)
{
	struct unpack_stats stats;
	struct temp t;
	struct zm z;
	char name[64], *extra = xcalloc(1, 65000);

	(void)state;
	temp_make(&t);
	extra[0] = extra[1] = 'x';
	extra[2] = (char)((65000 - 4) & 0xff);
	extra[3] = (char)((65000 - 4) >> 8);
	zm_begin(&z);
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "d%d/e%d/f/%d", i % 40, i % 3, i);
		zm_add(&z, &(struct zm_entry){.name = name,
					      .text = name,
					      .local_extra = {extra, i % 50 ? 0 : 65000},
					      .extra = {extra, i % 60 ? 0 : 65000}});
	}
	zm_end(&z, NULL);
	unpack_good(buf_str(&z.out), &t, &stats);
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "d%d/e%d/f/%d", i % 40, i % 3, i);
		check_file(t.fd, name, str_from(name), 0644);
	}
	zm_release(&z);
	free(extra);
	temp_remove(&t);
}

/* --- limits ----------------------------------------------------------------------------------- */

static void test_limits(void **state)
{
	struct unpack_limits l = unpack_limits_default();
	struct unpack_stats stats;
	struct err err = ERR_INIT;
	struct temp t;
	struct zm z;

	(void)state;
	zm_begin(&z);
	zm_add(&z, &(struct zm_entry){.name = "a", .text = "12345"});
	zm_add(&z, &(struct zm_entry){.name = "b/c/d", .text = "123456", .deflate = true});
	zm_end(&z, NULL);

	l.max_entries = 1;
	unpack_bad("entries", buf_str(&z.out), &l, ERR_LIMIT, "2 entries; at most 1");
	l.max_entries = 2;
	l.max_bytes = 10;
	unpack_bad("bytes", buf_str(&z.out), &l, ERR_LIMIT, "\"b/c/d\": with it the archive");
	l.max_bytes = 11;
	l.max_entry_bytes = 5;
	unpack_bad("entry bytes", buf_str(&z.out), &l, ERR_LIMIT, "\"b/c/d\": is larger than");
	l.max_entry_bytes = 6;
	l.max_depth = 2;
	unpack_bad("depth", buf_str(&z.out), &l, ERR_LIMIT, "\"b/c/d\": too deep");
	l.max_depth = 3;
	temp_make(&t);
	if (unpack_str(buf_str(&z.out), t.fd, &l, &stats, &err))
		fail_msg("%s", err.text);
	temp_remove(&t);
	zm_release(&z);
}

/* A bomb that is honest about its size: refused for it, before anything is written. */
static void test_bomb(void **state)
{
	struct unpack_limits l = unpack_limits_default();
	char *zeros = xcalloc(1, 64 << 20);
	struct zm z;

	(void)state;
	zm_begin(&z);
	zm_add(&z,
	       &(struct zm_entry){.name = "zeros", .content = {zeros, 64 << 20}, .deflate = true});
	zm_end(&z, NULL);
	assert_true(z.out.n < 80000);
	l.max_bytes = (64 << 20) - 1;
	unpack_bad("bomb", buf_str(&z.out), &l, ERR_LIMIT, "\"zeros\"");
	zm_release(&z);
	free(zeros);
}

static void test_cancel(void **state)
{
	struct unpack_limits l = unpack_limits_default();
	struct zm z;

	(void)state;
	zm_begin(&z);
	zm_add(&z, &(struct zm_entry){.name = "a", .text = "12345"});
	zm_end(&z, NULL);
	l.cancel = cancel_new();
	cancel_fire(l.cancel);
	unpack_bad("canceled", buf_str(&z.out), &l, ERR_CANCELED, "canceled");
	cancel_free(l.cancel);
	zm_release(&z);
}

/* --- the directory ---------------------------------------------------------------------------- */

static void test_not_empty(void **state)
{
	struct unpack_limits l = unpack_limits_default();
	struct unpack_stats stats;
	struct err err = ERR_INIT;
	struct temp t;
	struct zm z;

	(void)state;
	temp_make(&t);
	put_file(t.fd, "mine", STR("mine"), 0644);
	zm_begin(&z);
	zm_add(&z, &(struct zm_entry){.name = "a", .text = "12345"});
	zm_end(&z, NULL);
	assert_int_equal(unpack_str(buf_str(&z.out), t.fd, &l, &stats, &err), -1);
	assert_int_equal(err.code, ERR_CONFLICT);
	check_file(t.fd, "mine", STR("mine"), 0644);
	zm_release(&z);
	temp_remove(&t);
}

/* The modes are those promised, whatever the umask. */
static void test_umask(void **state)
{
	struct unpack_stats stats;
	struct temp t;
	struct zm z;
	mode_t before = umask(077);

	(void)state;
	temp_make(&t);
	zm_begin(&z);
	zm_add(&z, &(struct zm_entry){.name = "d/a", .text = "1"});
	zm_add(&z, &(struct zm_entry){.name = "d/b", .text = "2"});
	zm_add(&z, &(struct zm_entry){.name = "d/x", .text = "3", .mode = S_IFREG | 0744});
	zm_add(&z, &(struct zm_entry){.name = "e/y", .text = "4", .mode = S_IFREG | 0744});
	zm_end(&z, NULL);
	unpack_good(buf_str(&z.out), &t, &stats);
	check_dir(t.fd, "d");
	check_dir(t.fd, "e");
	check_file(t.fd, "d/a", STR("1"), 0644);
	check_file(t.fd, "d/b", STR("2"), 0644);
	check_file(t.fd, "d/x", STR("3"), 0755);
	check_file(t.fd, "e/y", STR("4"), 0755);
	zm_release(&z);
	temp_remove(&t);
	umask(before);
}

/* --- other people's zips ---------------------------------------------------------------------- */

/* Run a shell command that writes t/x.zip from t/in; false when the tool is not there. */
static bool make_with(const struct temp *t, const char *command)
{
	char line[512];
	int rc;

	snprintf(line, sizeof(line), "cd %s && %s >/dev/null 2>&1", t->path, command);
	rc = system(line);
	return rc == 0;
}

static void test_other_tools(void **state)
{
	static const char *const commands[] = {
		"(cd in && zip -qr ../x.zip .)",
		"command -v zip && (cd in && zip -qr - . | cat >../x.zip)",
		"(cd in && zip -qrD ../x.zip .)",
		"(cd in && zip -qr -fz ../x.zip .)",
		"(cd in && zip -q ../x.zip - <a && zip -q ../x.zip d/run a)",
		"(cd in && python3 -m zipfile -c ../x.zip a d)",
		"(cd in && bsdtar -a -cf ../x.zip .)",
		"command -v bsdtar && (cd in && bsdtar --format zip -cf - a d | cat >../x.zip)",
		"(cd in && jar cfM ../x.zip a d)",
		"(cd in && 7z a ../x.zip a d)",
	};
	struct unpack_limits l = unpack_limits_default();
	struct temp t;
	int made = 0;

	(void)state;
	temp_make(&t);
	assert_int_equal(mkdirat(t.fd, "in", 0755), 0);
	assert_int_equal(mkdirat(t.fd, "in/d", 0755), 0);
	put_file(t.fd, "in/a", STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), 0644);
	put_file(t.fd, "in/d/run", STR("#!/bin/sh\nexit 0\n"), 0755);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		struct unpack_stats stats;
		struct err err = ERR_INIT;
		int in, out;

		if (!make_with(&t, commands[i])) {
			(void)make_with(&t, "rm -f x.zip");
			continue;
		}
		made++;
		assert_int_equal(mkdirat(t.fd, "out", 0755), 0);
		in = openat(t.fd, "x.zip", O_RDONLY | O_CLOEXEC);
		out = openat(t.fd, "out", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (unpack(in, out, &l, &stats, &err))
			fail_msg("%s: %s", commands[i], err.text);
		check_file(out, "a", STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), 0644);
		check_file(out, "d/run", STR("#!/bin/sh\nexit 0\n"),
			   strstr(commands[i], "jar") ? 0644 : 0755);
		close(in);
		close(out);
		assert_true(make_with(&t, "rm -rf out x.zip"));
	}
	printf("# %d of %zu ways to make a zip were at hand\n", made,
	       sizeof(commands) / sizeof(commands[0]));
	temp_remove(&t);
	if (!made)
		skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_streamed),
		cmocka_unit_test(test_zip64),
		cmocka_unit_test(test_padded),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_many_directories),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_bomb),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_not_empty),
		cmocka_unit_test(test_umask),
		cmocka_unit_test(test_other_tools),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
