#include "tests/unit/artifacts/unpacked.h"

#include "artifacts/pack.h"
#include "artifacts/pack_parts.h"
#include "aws/core/cancel.h"
#include "aws/core/digest.h"
#include "aws/core/limits.h"

static char *noise(size_t n)
{
	char *p = xmalloc(n);
	uint32_t seed = 7;

	for (size_t i = 0; i < n; i++) {
		seed = seed * 1103515245 + 12345;
		/* half of it repeats, so that deflate has something to do */
		p[i] = (char)(i % 2 ? seed >> 16 : i >> 9);
	}
	return p;
}

#define LARGE 300001

static void make_entries(struct pack_entry e[6], const char *large)
{
	const struct pack_entry all[6] = {
		{.name = "z/run", .bytes = STR("#!/bin/sh\n"), .executable = true},
		{.name = "a.txt", .bytes = STR("a")},
		{.name = "z/\xc3\xa4", .bytes = STR("umlaut")},
		{.name = "a/empty", .bytes = STR("")},
		{.name = "a/large", .bytes = {large, LARGE}},
		{.name = "hollow/", .bytes = STR("")},
	};

	memcpy(e, all, sizeof(all));
}

static void make_tree(int dir_fd, const char *large)
{
	assert_int_equal(mkdirat(dir_fd, "z", 0700), 0);
	assert_int_equal(mkdirat(dir_fd, "a", 0755), 0);
	assert_int_equal(mkdirat(dir_fd, "hollow", 0755), 0);
	put_file(dir_fd, "z/run", STR("#!/bin/sh\n"), 0700);
	put_file(dir_fd, "a.txt", STR("a"), 0666);
	put_file(dir_fd, "z/\xc3\xa4", STR("umlaut"), 0400);
	put_file(dir_fd, "a/empty", STR(""), 0600);
	put_file(dir_fd, "a/large", (struct str){large, LARGE}, 0600);
}

static void check_tree(int dir_fd, const char *large)
{
	assert_int_equal(count_in(dir_fd), 4);
	assert_int_equal(faccessat(dir_fd, "hollow", F_OK, 0), 0);
	check_file(dir_fd, "z/run", STR("#!/bin/sh\n"), 0755);
	check_file(dir_fd, "a.txt", STR("a"), 0644);
	check_file(dir_fd, "z/\xc3\xa4", STR("umlaut"), 0644);
	check_file(dir_fd, "a/empty", STR(""), 0644);
	check_file(dir_fd, "a/large", (struct str){large, LARGE}, 0644);
}

static void check_same(const struct buf *b, const struct buf *want)
{
	assert_int_equal(b->n, want->n);
	assert_memory_equal(b->p, want->p, want->n);
}

/* From memory, in two orders, and behind something that was there. */
static void test_same_from_memory(void **state)
{
	struct buf one, two;
	struct pack_entry e[6], swap;
	struct err err = ERR_INIT;
	char *large = noise(LARGE);

	(void)state;
	buf_init(&one, 1 << 24);
	buf_init(&two, 1 << 24);
	make_entries(e, large);
	assert_int_equal(pack_entries(e, 6, &one, &err), 0);
	for (int i = 0; i < 3; i++) {
		swap = e[i];
		e[i] = e[5 - i];
		e[5 - i] = swap;
	}
	buf_adds(&two, "kept");
	assert_int_equal(pack_entries(e, 6, &two, &err), 0);
	assert_int_equal(two.n, one.n + 4);
	assert_memory_equal(two.p, "kept", 4);
	assert_memory_equal(two.p + 4, one.p, one.n);
	free(large);
	buf_release(&one);
	buf_release(&two);
}

/* From a directory into memory, and from a subfolder into a file: the same bytes again. */
static void test_same_from_directory(void **state)
{
	struct buf want, b;
	struct pack_entry e[6];
	struct err err = ERR_INIT;
	struct pack_dir sub = {.subfolder = "sub/tree"};
	char *large = noise(LARGE);
	struct temp t;
	uint64_t size;
	int tree, fd;

	(void)state;
	temp_make(&t);
	buf_init(&want, 1 << 24);
	buf_init(&b, 1 << 24);
	make_entries(e, large);
	assert_int_equal(pack_entries(e, 6, &want, &err), 0);
	assert_int_equal(mkdirat(t.fd, "sub", 0755), 0);
	assert_int_equal(mkdirat(t.fd, "sub/tree", 0755), 0);
	put_file(t.fd, "outside", STR("not packed"), 0644);
	tree = openat(t.fd, "sub/tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	make_tree(tree, large);
	assert_int_equal(pack_dir(&(struct pack_dir){.dir_fd = tree}, &b, &err), 0);
	check_same(&b, &want);

	fd = file_of(STR(""));
	sub.dir_fd = t.fd;
	assert_int_equal(pack_dir_file(&sub, fd, &size, &err), 0);
	assert_int_equal(size, want.n);
	assert_int_equal(lseek(fd, 0, SEEK_END), want.n);
	assert_int_equal(pread(fd, b.p, b.n, 0), want.n);
	check_same(&b, &want);
	close(fd);
	close(tree);
	free(large);
	buf_release(&want);
	buf_release(&b);
	temp_remove(&t);
}

/* Our own unpack gives back what went in, and packed again it is the same. */
static void test_round_trip(void **state)
{
	struct buf b, again;
	struct pack_entry e[6];
	struct unpack_stats stats;
	struct err err = ERR_INIT;
	char *large = noise(LARGE);
	struct temp out;

	(void)state;
	temp_make(&out);
	buf_init(&b, 1 << 24);
	buf_init(&again, 1 << 24);
	make_entries(e, large);
	assert_int_equal(pack_entries(e, 6, &b, &err), 0);
	unpack_good(buf_str(&b), &out, &stats);
	assert_int_equal(stats.files, 5);
	assert_int_equal(stats.directories, 1);
	check_tree(out.fd, large);
	assert_int_equal(pack_dir(&(struct pack_dir){.dir_fd = out.fd}, &again, &err), 0);
	check_same(&again, &b);
	free(large);
	buf_release(&b);
	buf_release(&again);
	temp_remove(&out);
}

/* clang-format off */
static const char exact[] =
	"504b0304" "1400" "0000" "0800" "0000" "2100" "43beb7e8" "03000000" "01000000" "0100" "0000"
	"61" "4b0400"
	"504b0304" "1400" "0008" "0000" "0000" "2100" "00000000" "00000000" "00000000" "0200" "0000"
	"c3a4"
	"504b0102" "1403" "1400" "0000" "0800" "0000" "2100" "43beb7e8" "03000000" "01000000" "0100"
	"0000" "0000" "0000" "0000" "0000ed81" "00000000" "61"
	"504b0102" "1403" "1400" "0008" "0000" "0000" "2100" "00000000" "00000000" "00000000" "0200"
	"0000" "0000" "0000" "0000" "0000a481" "22000000" "c3a4"
	"504b0506" "0000" "0000" "0200" "0200" "5f000000" "42000000" "0000";
/* clang-format on */

/* Every byte of a small one, so that a change of the format does not go unnoticed. */
static void test_exact(void **state)
{
	const struct pack_entry e[] = {
		{.name = "\xc3\xa4", .bytes = STR("")},
		{.name = "a", .bytes = STR("a"), .executable = true},
	};
	struct err err = ERR_INIT;
	struct buf b;
	char hex[1024];

	(void)state;
	buf_init(&b, 1 << 20);
	assert_int_equal(pack_entries(e, 2, &b, &err), 0);
	assert_true(2 * b.n < sizeof(hex));
	hex_encode((const uint8_t *)b.p, b.n, hex);
	assert_string_equal(hex, exact);
	buf_clear(&b);
	assert_int_equal(pack_entries(NULL, 0, &b, &err), 0);
	hex_encode((const uint8_t *)b.p, b.n, hex);
	assert_string_equal(hex, "504b0506000000000000000000000000000000000000");
	buf_release(&b);
}

static void check_refused(const struct pack_entry *e, size_t n, enum err_code code,
			  const char *text)
{
	struct err err = ERR_INIT;
	struct buf b;

	buf_init(&b, 1 << 20);
	assert_int_equal(pack_entries(e, n, &b, &err), -1);
	if (err.code != code || !strstr(err.text, text))
		fail_msg("%s \"%s\", want \"%s\"", err_code_name(err.code), err.text, text);
	buf_release(&b);
}

static void test_refused_entries(void **state)
{
	static const struct {
		const char *name;
		const char *text;
	} names[] = {
		{"", "without a name"}, {"/a", "absolute"},	 {"../a", "leads out"},
		{"./a", "normal form"}, {"a//b", "normal form"}, {"a\\b", "backslash"},
		{"/", "absolute"},	{"./", "normal form"},	 {"a//", "normal form"},
	};
	const struct pack_entry twice[] = {{.name = "a"}, {.name = "b"}, {.name = "a"}};
	const struct pack_entry dir = {.name = "a/", .bytes = STR("x")};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		check_refused(&(struct pack_entry){.name = names[i].name}, 1, ERR_UNSAFE,
			      names[i].text);
	check_refused(twice, 3, ERR_REJECTED, "\"a\": is there twice");
	check_refused(&dir, 1, ERR_REJECTED, "directory with content");
}

static void test_limits(void **state)
{
	struct pack_entry *e = xcalloc(65535, sizeof(*e));
	char(*names)[8] = xcalloc(65535, sizeof(*names)), *large = noise(LARGE);
	const struct pack_entry one = {.name = "a", .bytes = {large, LARGE}};
	struct err err = ERR_INIT;
	struct buf b;

	(void)state;
	for (unsigned i = 0; i < 65535; i++) {
		snprintf(names[i], sizeof(names[i]), "%05u", i % 100000);
		e[i].name = names[i];
	}
	buf_init(&b, 1 << 24);
	if (pack_entries(e, 65534, &b, &err))
		fail_msg("%s", err.text);
	buf_clear(&b);
	assert_int_equal(pack_entries(e, 65535, &b, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	buf_release(&b);

	/* the ceiling of the buffer, hit at every point: never written beyond */
	for (size_t max = 0; max < 150000; max += 4999) {
		buf_init(&b, max);
		assert_int_equal(pack_entries(&one, 1, &b, &err), -1);
		assert_int_equal(err.code, ERR_LIMIT);
		buf_release(&b);
	}
	free(large);
	free(names);
	free(e);
}

/* As many entries as an archive may have, and one more; all are the same file by its links. */
static void test_too_many_files(void **state)
{
	struct err err = ERR_INIT;
	struct temp t;
	struct buf b;
	char name[16];

	(void)state;
	temp_make(&t);
	buf_init(&b, 1 << 20);
	put_file(t.fd, "0", STR(""), 0644);
	for (int i = 1; i <= LIMIT_UNPACKED_ENTRIES; i++) {
		snprintf(name, sizeof(name), "%d", i);
		if (linkat(t.fd, "0", t.fd, name, 0)) {
			/* some file systems have a limit for them */
			assert_int_equal(errno, EMLINK);
			put_file(t.fd, name, STR(""), 0644);
		}
	}
	assert_int_equal(pack_dir(&(struct pack_dir){.dir_fd = t.fd}, &b, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_non_null(strstr(err.text, "more than 200000 files"));
	buf_release(&b);
	temp_remove(&t);
}

/* In the middle of a file. */
static void test_cancel(void **state)
{
	struct pack_source source = {.fd = -1, .bytes = STR("a"), .cancel = cancel_new()};
	struct err err = ERR_INIT;
	struct pack_sink sink;
	struct pack_zip *z;
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	pack_sink_init(&sink, &b, -1);
	z = pack_zip_new(&sink);
	cancel_fire(source.cancel);
	assert_int_equal(pack_zip_add(z, STR("a"), false, &source, &err), -1);
	assert_int_equal(err.code, ERR_CANCELED);
	pack_zip_free(z);
	pack_zip_free(NULL);
	pack_sink_release(&sink);
	cancel_free(source.cancel);
	buf_release(&b);
}

static void check_dir_refused(int dir_fd, const char *sub, enum err_code code, const char *text)
{
	struct err err = ERR_INIT;
	struct buf b;

	buf_init(&b, 1 << 20);
	assert_int_equal(pack_dir(&(struct pack_dir){.dir_fd = dir_fd, .subfolder = sub}, &b, &err),
			 -1);
	if (err.code != code || !strstr(err.text, text))
		fail_msg("%s \"%s\", want \"%s\"", err_code_name(err.code), err.text, text);
	buf_release(&b);
}

static void test_refused_trees(void **state)
{
	struct cancel *cancel = cancel_new();
	struct err err = ERR_INIT;
	struct temp t;
	struct buf b;
	int fd;

	(void)state;
	temp_make(&t);
	put_file(t.fd, "file", STR("x"), 0644);
	assert_int_equal(symlinkat("link", t.fd, "link"), 0);
	check_dir_refused(t.fd, NULL, ERR_UNSAFE, "\"link\": is a symbolic link");
	check_dir_refused(t.fd, "link", ERR_UNSAFE, "the folder \"link\"");
	check_dir_refused(t.fd, "none", ERR_NOT_FOUND, "the folder \"none\"");
	check_dir_refused(t.fd, "../x", ERR_UNSAFE, "the folder \"../x\"");
	check_dir_refused(t.fd, "file", ERR_UNSAFE, "the folder \"file\"");
	assert_int_equal(unlinkat(t.fd, "link", 0), 0);

	assert_int_equal(mkdirat(t.fd, "d", 0755), 0);
	assert_int_equal(mkfifoat(t.fd, "d/pipe", 0644), 0);
	check_dir_refused(t.fd, "", ERR_UNSAFE, "\"d/pipe\": is neither");
	assert_int_equal(unlinkat(t.fd, "d/pipe", 0), 0);
	put_file(t.fd, "d/\xe4", STR("x"), 0644);
	check_dir_refused(t.fd, "", ERR_UNSAFE, "\"d/\\xe4\": the name is not UTF-8");
	assert_int_equal(unlinkat(t.fd, "d/\xe4", 0), 0);

	buf_init(&b, 1 << 20);
	cancel_fire(cancel);
	assert_int_equal(pack_dir(&(struct pack_dir){.dir_fd = t.fd, .cancel = cancel}, &b, &err),
			 -1);
	assert_int_equal(err.code, ERR_CANCELED);
	buf_release(&b);
	cancel_free(cancel);

	fd = openat(t.fd, "huge", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(fd, 0xffffffff), 0);
	check_dir_refused(t.fd, "", ERR_LIMIT, "\"huge\": is larger than 4 GiB");
	close(fd);
	assert_int_equal(unlinkat(t.fd, "huge", 0), 0);

	/* nowhere to write to */
	fd = openat(t.fd, "file", O_RDONLY | O_CLOEXEC);
	assert_int_equal(
		pack_dir_file(&(struct pack_dir){.dir_fd = t.fd}, fd, &(uint64_t){0}, &err), -1);
	assert_int_equal(err.code, ERR_SYSTEM);
	close(fd);
	temp_remove(&t);
}

/* Deeper than an artifact may be. */
static void test_deep(void **state)
{
	char path[256] = "d";
	struct temp t;

	(void)state;
	temp_make(&t);
	assert_int_equal(mkdirat(t.fd, path, 0755), 0);
	for (int i = 1; i < 65; i++) {
		memcpy(path + strlen(path), "/d", 3);
		assert_int_equal(mkdirat(t.fd, path, 0755), 0);
	}
	check_dir_refused(t.fd, NULL, ERR_LIMIT, "too deep");
	temp_remove(&t);
}

/* A file that is not as long as it said. Those of sysfs all claim to be a page. */
static void test_changing(void **state)
{
	int fd = open("/sys/devices/system/cpu/cpu0/topology", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	if (fd < 0)
		skip();
	check_dir_refused(fd, NULL, ERR_CONFLICT, "changed while it was packed");
	close(fd);
}

/* What others think of our zips. */
static void test_other_tools(void **state)
{
	static const char *const commands[] = {
		"unzip -qt x.zip",  "zip -T x.zip", "python3 -m zipfile -t x.zip",
		"bsdtar -tf x.zip", "7z t x.zip",
	};
	struct err err = ERR_INIT;
	struct pack_entry e[6];
	char *large = noise(LARGE), line[256];
	struct temp t;
	struct buf b;
	int tried = 0;

	(void)state;
	temp_make(&t);
	buf_init(&b, 1 << 24);
	make_entries(e, large);
	assert_int_equal(pack_entries(e, 6, &b, &err), 0);
	put_file(t.fd, "x.zip", buf_str(&b), 0644);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		snprintf(line, sizeof(line), "command -v %.*s >/dev/null",
			 (int)strcspn(commands[i], " "), commands[i]);
		if (system(line))
			continue;
		tried++;
		snprintf(line, sizeof(line), "cd %s && %s >/dev/null", t.path, commands[i]);
		if (system(line))
			fail_msg("%s", commands[i]);
	}
	free(large);
	buf_release(&b);
	temp_remove(&t);
	if (!tried)
		skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_from_memory), cmocka_unit_test(test_same_from_directory),
		cmocka_unit_test(test_round_trip),	 cmocka_unit_test(test_exact),
		cmocka_unit_test(test_refused_entries),	 cmocka_unit_test(test_too_many_files),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_refused_trees),	 cmocka_unit_test(test_deep),
		cmocka_unit_test(test_changing),	 cmocka_unit_test(test_other_tools),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
