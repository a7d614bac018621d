#include "tests/unit/artifacts/unpacked.h"

#include <archive.h>
#include <archive_entry.h>

#include "aws/core/cancel.h"

/* --- tars, made by libarchive's writer -------------------------------------------------------- */

struct tar_entry {
	const char *name;
	const char *text;
	mode_t mode; /* with type; 0: a file, or a directory when the name ends in '/' */
	const char *symlink, *hardlink;
	size_t zeros; /* content instead of text */
};

enum how { USTAR, PAX, GNU, V7 };

struct tar_out {
	struct buf b;
};

static la_ssize_t on_write(struct archive *a, void *arg, const void *p, size_t n)
{
	struct buf *b = arg;

	(void)a;
	buf_add(b, p, n);
	return (la_ssize_t)n;
}

static struct archive *tar_begin(enum how how, int filter, struct buf *b)
{
	struct archive *a = archive_write_new();

	if (how == USTAR)
		archive_write_set_format_ustar(a);
	else if (how == PAX)
		archive_write_set_format_pax(a);
	else if (how == GNU)
		archive_write_set_format_gnutar(a);
	else
		archive_write_set_format_v7tar(a);
	if (filter && archive_write_add_filter(a, filter) != ARCHIVE_OK)
		fail_msg("%s", archive_error_string(a));
	archive_write_set_options(a, "hdrcharset=BINARY");
	archive_write_set_bytes_in_last_block(a, 1);
	assert_int_equal(archive_write_open(a, b, NULL, on_write, NULL), ARCHIVE_OK);
	return a;
}

static void tar_add(struct archive *a, const struct tar_entry *e)
{
	struct archive_entry *ae = archive_entry_new();
	size_t n = e->text ? strlen(e->text) : e->zeros;
	bool dir = e->name[strlen(e->name) - 1] == '/';
	char zeros[4096] = {0};

	archive_entry_set_pathname(ae, e->name);
	archive_entry_set_mode(ae, e->mode ? e->mode : dir ? S_IFDIR | 0755 : S_IFREG | 0644);
	archive_entry_set_size(ae, e->symlink || e->hardlink ? 0 : (la_int64_t)n);
	if (e->symlink)
		archive_entry_set_symlink(ae, e->symlink);
	if (e->hardlink)
		archive_entry_set_hardlink(ae, e->hardlink);
	if (archive_write_header(a, ae) < ARCHIVE_WARN)
		fail_msg("%s", archive_error_string(a));
	if (e->text && n)
		assert_int_equal(archive_write_data(a, e->text, n), n);
	for (size_t at = 0; !e->text && at < n; at += sizeof(zeros))
		archive_write_data(a, zeros, n - at < sizeof(zeros) ? n - at : sizeof(zeros));
	archive_entry_free(ae);
}

static void tar_end(struct archive *a)
{
	assert_int_equal(archive_write_close(a), ARCHIVE_OK);
	archive_write_free(a);
}

static void tar_make(const struct tar_entry *e, enum how how, int filter, struct buf *b)
{
	struct archive *a = tar_begin(how, filter, b);

	for (; e->name; e++)
		tar_add(a, e);
	tar_end(a);
}

/* --- what must work --------------------------------------------------------------------------- */

static const struct tar_entry plain[] = {
	{.name = "./"},
	{.name = "./bin/"},
	{.name = "./bin/run", .text = "#!/bin/sh\n", .mode = S_IFREG | 0500},
	{.name = "a/b/c", .text = "no directory entries"},
	{.name = "a/empty", .text = ""},
	{.name = "a/large", .zeros = 300000},
	{.name = NULL},
};

static void check_plain(int dir_fd)
{
	char *zeros = xcalloc(1, 300000);

	assert_int_equal(count_in(dir_fd), 2);
	check_dir(dir_fd, "bin");
	check_dir(dir_fd, "a/b");
	check_file(dir_fd, "bin/run", STR("#!/bin/sh\n"), 0755);
	check_file(dir_fd, "a/b/c", STR("no directory entries"), 0644);
	check_file(dir_fd, "a/empty", STR(""), 0644);
	check_file(dir_fd, "a/large", (struct str){zeros, 300000}, 0644);
	free(zeros);
}

static void test_formats(void **state)
{
	static const struct {
		int filter;
		const char *format;
	} filters[] = {
		{0, "tar"},
		{ARCHIVE_FILTER_GZIP, "tar + gzip"},
		{ARCHIVE_FILTER_BZIP2, "tar + bzip2"},
		{ARCHIVE_FILTER_XZ, "tar + xz"},
		{ARCHIVE_FILTER_LZMA, "tar + lzma"},
		{ARCHIVE_FILTER_ZSTD, "tar + zstd"},
	};
	struct unpack_stats stats;
	struct temp t;
	struct buf b;

	(void)state;
	temp_make(&t);
	buf_init(&b, 1 << 24);
	for (enum how how = USTAR; how <= V7; how++) {
		for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
			buf_clear(&b);
			tar_make(plain, how, filters[i].filter, &b);
			unpack_good(buf_str(&b), &t, &stats);
			assert_string_equal(stats.format, filters[i].format);
			assert_int_equal(stats.files, 4);
			assert_int_equal(stats.directories, 2);
			assert_int_equal(stats.bytes, 300030);
			check_plain(t.fd);
		}
	}
	buf_release(&b);
	temp_remove(&t);
}

/* Names that need extensions, and characters that the "C" locale does not have. */
static void test_names(void **state)
{
	char name[600];
	struct tar_entry entries[] = {{.name = name, .text = "x"}, {.name = NULL}};
	struct unpack_stats stats;
	struct temp t;
	struct buf b;

	(void)state;
	temp_make(&t);
	buf_init(&b, 1 << 24);
	memset(name, 'n', sizeof(name));
	for (size_t i = 100; i < sizeof(name); i += 100)
		name[i] = '/';
	memcpy(name, "\xc3\xa4\xe2\x82\xac", 5);
	name[sizeof(name) - 1] = 0;
	for (enum how how = PAX; how <= GNU; how++) {
		buf_clear(&b);
		tar_make(entries, how, 0, &b);
		unpack_good(buf_str(&b), &t, &stats);
		check_file(t.fd, name, STR("x"), 0644);
	}
	buf_release(&b);
	temp_remove(&t);
}

/* A pax header whose path is UTF-8, as GNU tar and Python write it, in a process without locale. */
static void test_pax_utf8(void **state)
{
	struct unpack_stats stats;
	struct archive *a;
	struct temp t;
	struct buf b;
	size_t at;

	(void)state;
	temp_make(&t);
	buf_init(&b, 1 << 24);
	a = tar_begin(PAX, 0, &b);
	tar_add(a, &(struct tar_entry){.name = "r\xc3\xa9sum\xc3\xa9/\xe2\x82\xac", .text = "x"});
	tar_end(a);
	/* the writer marked it as binary: such a record is made void, so that UTF-8 is assumed */
	for (at = 0; at + 30 < b.n; at++)
		if (!memcmp(b.p + at, "hdrcharset=BINARY", 17))
			memcpy(b.p + at, "hdrcharsex", 10);
	unpack_good(buf_str(&b), &t, &stats);
	check_file(t.fd, "r\xc3\xa9sum\xc3\xa9/\xe2\x82\xac", STR("x"), 0644);
	buf_release(&b);
	temp_remove(&t);
}

/* --- what must be refused --------------------------------------------------------------------- */

static const struct {
	const char *what;
	struct tar_entry e;
	enum err_code code;
	const char *text;
} lies[] = {
	{"traversal", {.name = "../x", .text = "x"}, ERR_UNSAFE, "\"../x\": \"..\""},
	{"inner traversal", {.name = "a/../../x", .text = "x"}, ERR_UNSAFE, "leads out"},
	{"absolute", {.name = "/tmp/x", .text = "x"}, ERR_UNSAFE, "absolute"},
	{"backslash", {.name = "..\\x", .text = "x"}, ERR_UNSAFE, "backslash"},
	{"control", {.name = "a\nb", .text = "x"}, ERR_UNSAFE, "a\\x0ab"},
	{"duplicate", {.name = "./first", .text = "x"}, ERR_UNSAFE, "is there twice"},
	{"case", {.name = "FIRST", .text = "x"}, ERR_UNSAFE, "by case only"},
	{"file as directory", {.name = "first/x", .text = "x"}, ERR_UNSAFE, "is both"},
	{"symbolic link",
	 {.name = "l", .mode = S_IFLNK | 0777, .symlink = "/etc"},
	 ERR_UNSAFE,
	 "\"l\": is a symbolic link"},
	{"hard link", {.name = "h", .hardlink = "first"}, ERR_UNSAFE, "\"h\": is a hard link"},
	{"hard link outside", {.name = "h", .hardlink = "/etc/passwd"}, ERR_UNSAFE, "hard link"},
	{"hard link, not UTF-8", {.name = "h", .hardlink = "\xe4"}, ERR_UNSAFE, "hard link"},
	{"device", {.name = "d", .mode = S_IFCHR | 0666}, ERR_UNSAFE, "neither"},
	{"block device", {.name = "d", .mode = S_IFBLK | 0666}, ERR_UNSAFE, "neither"},
	{"pipe", {.name = "d", .mode = S_IFIFO | 0666}, ERR_UNSAFE, "neither"},
	{"setuid", {.name = "s", .text = "x", .mode = S_IFREG | 04755}, ERR_UNSAFE, "set-user-id"},
	{"setgid", {.name = "s", .text = "x", .mode = S_IFREG | 02755}, ERR_UNSAFE, "set-user-id"},
};

static void test_lies(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 24);
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		for (enum how how = PAX; how <= GNU; how++) {
			const struct tar_entry entries[] = {{.name = "d1/", .text = NULL},
							    {.name = "first", .text = "first"},
							    lies[i].e,
							    {.name = "last", .text = "last"},
							    {.name = NULL}};

			buf_clear(&b);
			tar_make(entries, how, how == GNU ? ARCHIVE_FILTER_GZIP : 0, &b);
			unpack_bad(lies[i].what, buf_str(&b), NULL, lies[i].code, lies[i].text);
		}
	}
	buf_release(&b);
}

static void test_not_utf8(void **state)
{
	static const struct tar_entry entries[] = {{.name = "\xe4", .text = "x"}, {.name = NULL}};
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 24);
	tar_make(entries, GNU, 0, &b);
	unpack_bad("name in Latin-1", buf_str(&b), NULL, ERR_UNSAFE, "not UTF-8");
	buf_release(&b);
}

/* Changes to a plain tar, whose header checksum is then made right again. */
static void fix_checksum(char *header)
{
	unsigned sum = 0;

	memset(header + 148, ' ', 8);
	for (int i = 0; i < 512; i++)
		sum += (unsigned char)header[i];
	snprintf(header + 148, 8, "%06o", sum);
}

static void test_headers(void **state)
{
	static const struct tar_entry entries[] = {{.name = "a", .text = "x"}, {.name = NULL}};
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 24);
	tar_make(entries, USTAR, 0, &b);

	b.p[156] = '5'; /* a directory with content */
	b.p[1] = '/';
	fix_checksum(b.p);
	unpack_bad("directory with content", buf_str(&b), NULL, ERR_UNSAFE, "with content");

	b.p[156] = '0'; /* a file whose name ends in a slash: a directory to old readers */
	fix_checksum(b.p);
	unpack_bad("file or directory", buf_str(&b), NULL, ERR_UNSAFE, "");

	b.p[1] = 0;
	memcpy(b.p + 124, "77777777777", 11);
	fix_checksum(b.p);
	unpack_bad("huge size", buf_str(&b), NULL, ERR_MALFORMED, "");
	buf_release(&b);
}

static void test_damaged(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 24);
	tar_make(plain, PAX, 0, &b);
	/* cut within an entry, and between entries, where libarchive alone sees no harm */
	for (size_t n = 512; n + 1024 <= b.n; n += 512)
		unpack_bad("cut off", str_sub(buf_str(&b), 0, n), NULL, ERR_MALFORMED, "");
	unpack_bad("after the last entry", str_sub(buf_str(&b), 0, b.n - 1024), NULL, ERR_MALFORMED,
		   "mark at its end is missing");
	buf_adds(&b, "appended");
	unpack_bad("appended", buf_str(&b), NULL, ERR_MALFORMED, "");

	for (int i = 0; i < 2; i++) {
		int filter = i ? ARCHIVE_FILTER_XZ : ARCHIVE_FILTER_GZIP;

		buf_clear(&b);
		tar_make(plain, PAX, filter, &b);
		for (size_t n = 20; n < b.n; n += n + 40 < b.n ? 29 : 1) {
			char what[64];

			snprintf(what, sizeof(what), "%s cut to %zu of %zu", i ? "xz" : "gzip", n,
				 b.n);
			unpack_bad(what, str_sub(buf_str(&b), 0, n), NULL, ERR_MALFORMED, "");
		}
		b.p[b.n / 2] ^= 0x55;
		unpack_bad("damaged", buf_str(&b), NULL, ERR_MALFORMED, "damaged");
	}
	buf_release(&b);
}

static void gzip_bytes(struct str s, struct buf *out)
{
	struct archive *a = archive_write_new();
	struct archive_entry *e = archive_entry_new();

	archive_write_set_format_raw(a);
	archive_write_add_filter_gzip(a);
	archive_write_set_bytes_in_last_block(a, 1);
	assert_int_equal(archive_write_open(a, out, NULL, on_write, NULL), ARCHIVE_OK);
	archive_entry_set_filetype(e, AE_IFREG);
	assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
	assert_int_equal(archive_write_data(a, s.p, s.n), s.n);
	archive_entry_free(e);
	tar_end(a);
}

static void gzip_again(struct buf *b)
{
	struct buf out;

	buf_init(&out, 1 << 24);
	gzip_bytes(buf_str(b), &out);
	buf_clear(b);
	buf_add_str(b, buf_str(&out));
	buf_release(&out);
}

/* The plain tar again, as two members. */
static void gzip_split(struct buf *b)
{
	struct buf tar;

	buf_init(&tar, 1 << 24);
	tar_make(plain, PAX, 0, &tar);
	buf_clear(b);
	gzip_bytes(str_sub(buf_str(&tar), 0, 1000), b);
	gzip_bytes(str_sub(buf_str(&tar), 1000, tar.n), b);
	buf_release(&tar);
}

/* libarchive does not look at gzip's checksum and length; we do. */
static void test_gzip_checksum(void **state)
{
	struct unpack_stats stats;
	struct temp t;
	struct buf b;

	(void)state;
	temp_make(&t);
	buf_init(&b, 1 << 24);
	tar_make(plain, PAX, ARCHIVE_FILTER_GZIP, &b);
	for (size_t i = 1; i <= 8; i++) {
		b.p[b.n - i] ^= 1;
		unpack_bad("trailer", buf_str(&b), NULL, ERR_MALFORMED, "gzip: the data are dam");
		b.p[b.n - i] ^= 1;
	}
	/* in several members, and padded */
	gzip_split(&b);
	buf_add(&b, "\0\0\0\0\0\0\0", 7);
	unpack_good(buf_str(&b), &t, &stats);
	check_plain(t.fd);
	buf_adds(&b, "garbage");
	unpack_bad("garbage", buf_str(&b), NULL, ERR_MALFORMED, "gzip: the data are damaged");
	buf_release(&b);
	temp_remove(&t);
}

/* The other compressions, too, end where the file ends; behind those that libarchive reads no
 * further than to their end there may be zeros. */
static void test_behind_compression(void **state)
{
	static const int filters[] = {ARCHIVE_FILTER_BZIP2, ARCHIVE_FILTER_XZ, ARCHIVE_FILTER_LZMA,
				      ARCHIVE_FILTER_ZSTD};
	struct unpack_stats stats;
	struct temp t;
	struct buf b;

	(void)state;
	temp_make(&t);
	buf_init(&b, 1 << 24);
	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		buf_clear(&b);
		tar_make(plain, PAX, filters[i], &b);
		buf_adds(&b, "garbage");
		unpack_bad("garbage", buf_str(&b), NULL, ERR_MALFORMED, "damaged archive");
		b.n -= 7;
		if (filters[i] == ARCHIVE_FILTER_BZIP2) {
			buf_add(&b, (char[1000]){0}, 1000);
			unpack_good(buf_str(&b), &t, &stats);
			b.n -= 1000;
		}
		for (size_t n = 20; n < b.n; n += n + 40 < b.n ? 29 : 1)
			unpack_bad("cut off", str_sub(buf_str(&b), 0, n), NULL, ERR_MALFORMED, "");
		gzip_again(&b);
		unpack_bad("in gzip", buf_str(&b), NULL,
			   filters[i] == ARCHIVE_FILTER_LZMA ? ERR_MALFORMED : ERR_UNSAFE, "");
	}
	buf_release(&b);
	temp_remove(&t);
}

/* Zeros without end behind the end: they have a limit too. */
static void test_endless_padding(void **state)
{
	struct unpack_limits l = unpack_limits_default();
	struct buf b;

	(void)state;
	buf_init(&b, 64u << 20);
	tar_make(plain, PAX, 0, &b);
	while (b.n < 40u << 20)
		buf_add(&b, (char[1024]){0}, 1024);
	gzip_again(&b);
	l.max_bytes = 1 << 20;
	l.max_entries = 100;
	unpack_bad("padding", buf_str(&b), &l, ERR_LIMIT, "larger than it may be unpacked");
	buf_release(&b);
}

static void test_layers(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 24);
	tar_make(plain, PAX, ARCHIVE_FILTER_GZIP, &b);
	gzip_again(&b);
	unpack_bad("gzip in gzip", buf_str(&b), NULL, ERR_UNSAFE, "more than once");

	buf_clear(&b);
	buf_adds(&b, "just text");
	gzip_again(&b);
	unpack_bad("gzip of a text", buf_str(&b), NULL, ERR_MALFORMED, "not a tar");
	buf_release(&b);
}

static void test_limits(void **state)
{
	struct unpack_limits l = unpack_limits_default();
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 24);
	tar_make(plain, PAX, ARCHIVE_FILTER_GZIP, &b);
	l.max_entries = 5;
	unpack_bad("entries", buf_str(&b), &l, ERR_LIMIT, "more than 5 entries");
	l.max_entries = 6;
	l.max_bytes = 300029;
	unpack_bad("bytes", buf_str(&b), &l, ERR_LIMIT, "\"a/large\": with it the archive");
	l.max_bytes = 300030;
	l.max_entry_bytes = 299999;
	unpack_bad("entry", buf_str(&b), &l, ERR_LIMIT, "\"a/large\": is larger");
	l.max_entry_bytes = 300000;
	l.max_depth = 2;
	unpack_bad("depth", buf_str(&b), &l, ERR_LIMIT, "\"a/b/c\": too deep");
	l.max_depth = 3;
	l.cancel = cancel_new();
	cancel_fire(l.cancel);
	unpack_bad("cancel", buf_str(&b), &l, ERR_CANCELED, "canceled");
	cancel_free(l.cancel);
	buf_release(&b);
}

/* --- what is no archive at all ---------------------------------------------------------------- */

static void test_not_an_archive(void **state)
{
	static const struct {
		const char *text;
		enum err_code code;
		const char *say;
	} cases[] = {
		{"", ERR_MALFORMED, "it is empty"},
		{"x", ERR_MALFORMED, "its 1 bytes begin with \"x\""},
		{"<!DOCTYPE html><html></html>", ERR_MALFORMED, "begin with \"<!DOCTYPE html><\""},
		{"<?xml version=\"1.0\"?>", ERR_MALFORMED, "a zip, a tar"},
		{"{\"AccountId\":\"1\",\"CloneUrl\":\"https://x\"}", ERR_REJECTED, "CODE_ZIP"},
		{" \n{}", ERR_REJECTED, "CODEBUILD_CLONE_REF"},
		{"{\"broken\":", ERR_MALFORMED, "not an archive"},
		{"[1,2]", ERR_MALFORMED, "not an archive"},
		{"PKzip", ERR_MALFORMED, "too short"},
		{"Rar!\x1a\x07\x01", ERR_MALFORMED, "\"Rar!\\x1a\\x07\\x01\""},
		{"070701", ERR_MALFORMED, "not an archive"},
	};
	char zeros[10240] = {0};
	struct buf b;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		unpack_bad(cases[i].text, str_from(cases[i].text), NULL, cases[i].code,
			   cases[i].say);
	unpack_bad("zeros", (struct str){zeros, sizeof(zeros)}, NULL, ERR_MALFORMED,
		   "begin with \"\\x00");

	/* a large JSON document is no reference */
	buf_init(&b, 1 << 24);
	buf_adds(&b, "{\"a\":\"");
	for (int i = 0; i < 70000; i++)
		buf_addc(&b, 'x');
	buf_adds(&b, "\"}");
	unpack_bad("large JSON", buf_str(&b), NULL, ERR_MALFORMED, "not an archive");
	buf_release(&b);
}

static void test_not_a_file(void **state)
{
	struct unpack_limits l = unpack_limits_default();
	struct unpack_stats stats;
	struct err err = ERR_INIT;
	struct temp t;
	int fds[2], fd;

	(void)state;
	temp_make(&t);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(unpack(fds[0], t.fd, &l, &stats, &err), -1);
	assert_non_null(strstr(err.text, "not a regular file"));
	assert_int_equal(unpack(-1, t.fd, &l, &stats, &err), -1);
	assert_int_equal(err.sys, EBADF);
	close(fds[0]);
	close(fds[1]);

	put_file(t.fd, "x", STR("PK\5\6"), 0600);
	fd = openat(t.fd, "x", O_WRONLY | O_CLOEXEC); /* not readable */
	assert_int_equal(unlinkat(t.fd, "x", 0), 0);
	assert_int_equal(unpack(fd, t.fd, &l, &stats, &err), -1);
	assert_int_equal(err.code, ERR_SYSTEM);
	assert_int_equal(err.sys, EBADF);
	assert_int_equal(unpack(fd, fd, &l, &stats, &err), -1); /* not a directory */
	assert_int_equal(err.sys, ENOTDIR);
	close(fd);
	temp_remove(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats),	      cmocka_unit_test(test_names),
		cmocka_unit_test(test_pax_utf8),      cmocka_unit_test(test_lies),
		cmocka_unit_test(test_not_utf8),      cmocka_unit_test(test_headers),
		cmocka_unit_test(test_damaged),	      cmocka_unit_test(test_layers),
		cmocka_unit_test(test_gzip_checksum), cmocka_unit_test(test_behind_compression),
		cmocka_unit_test(test_endless_padding),
		cmocka_unit_test(test_limits),	      cmocka_unit_test(test_not_an_archive),
		cmocka_unit_test(test_not_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
