#include "tests/unit/artifacts/child_bench.h"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>

/*
 * The process that unpacks says the same as unpack() does of every archive, whatever the machine
 * lacks.
 */

/* --- it says the same ------------------------------------------------------------------------- */

static void unpacks(void **state)
{
	struct bench *b = *state;
	struct str zip = small_zip();

	small_must_unpack(b, zip);
	if (!CONFINE_SANITIZED && has_landlock()) {
		assert_string_equal(confine_mode(&b->report), "full");
		b->how.confinement = UNPACK_CONFINEMENT_REQUIRE;
		small_must_unpack(b, zip);
	}
	free((void *)(uintptr_t)zip.p);
}

static struct str read_all(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *p;

	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	p = xmalloc((size_t)st.st_size + 1);
	assert_int_equal(read(fd, p, (size_t)st.st_size), st.st_size);
	close(fd);
	return (struct str){p, (size_t)st.st_size};
}

static void compare(struct bench *b, struct str archive, const char *name)
{
	struct unpack_limits limits = b->limits;
	struct err err = ERR_INIT;
	struct unpack_stats stats;
	size_t n;
	int rc;

	limits.no_openat2 = true;
	rc = unpack_str(archive, b->temp.fd, &limits, &stats, &err);
	n = count_in(b->temp.fd);
	empty(b);
	if (unpack_text(b, archive) != rc || b->err.code != err.code ||
	    strcmp(b->err.text, err.text) != 0 || b->err.sys != err.sys)
		fail_msg("%s: apart \"%s\", here \"%s\"", name, b->err.text, err.text);
	if (!rc) {
		assert_string_equal(b->stats.format, stats.format);
		assert_int_equal(b->stats.files, stats.files);
		assert_int_equal(b->stats.directories, stats.directories);
		assert_int_equal(b->stats.bytes, stats.bytes);
	}
	assert_int_equal(count_in(b->temp.fd), n);
	empty(b);
}

/* What fuzzing has kept is a good spread of archives and of half archives. */
static void says_the_same_of_the_corpus(void **state)
{
	static const char dir[] = "tests/fuzz/corpus/archive";
	struct bench *b = *state;
	DIR *d = opendir(dir);
	struct dirent *e;
	int n = 0;

	assert_non_null(d); /* from the top directory */
	b->limits.max_bytes = b->limits.max_entry_bytes = 1 << 20;
	b->limits.max_entries = 100;
	while ((e = readdir(d))) {
		char path[512];
		struct str archive;

		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		archive = read_all(path);
		compare(b, archive, e->d_name);
		free((void *)(uintptr_t)archive.p);
		n++;
	}
	closedir(d);
	assert_true(n > 20);
}

static struct str make_tar(int (*filter)(struct archive *), const char *name)
{
	struct archive *a = archive_write_new();
	struct archive_entry *e = archive_entry_new();
	static char out[1 << 20], content[100000];
	size_t n = 0;

	assert_int_equal(archive_write_set_format_pax(a), ARCHIVE_OK);
	if (filter)
		assert_int_equal(filter(a), ARCHIVE_OK);
	assert_int_equal(archive_write_open_memory(a, out, sizeof(out), &n), ARCHIVE_OK);
	archive_entry_set_pathname_utf8(e, name);
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_perm(e, 0644);
	archive_entry_set_size(e, sizeof(content));
	assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
	for (size_t i = 0; i < sizeof(content); i++)
		content[i] = (char)(i * i >> 7);
	assert_int_equal(archive_write_data(a, content, sizeof(content)), sizeof(content));
	assert_int_equal(archive_write_close(a), ARCHIVE_OK);
	archive_write_free(a);
	archive_entry_free(e);
	return (struct str){out, n};
}

/* Each decompressor has calls of its own, and names need a locale, which is a file. */
static void says_the_same_of_every_format(void **state)
{
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0); /* for the writer */
	static const struct {
		int (*filter)(struct archive *);
		const char *format;
	} formats[] = {
		{NULL, "tar"},
		{archive_write_add_filter_gzip, "tar + gzip"},
		{archive_write_add_filter_bzip2, "tar + bzip2"},
		{archive_write_add_filter_xz, "tar + xz"},
		{archive_write_add_filter_lzma, "tar + lzma"},
		{archive_write_add_filter_zstd, "tar + zstd"},
	};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		locale_t before = uselocale(utf8);
		struct str tar = make_tar(formats[i].filter, "d/\xc3\xbc-\xe6\x97\xa5.bin");

		uselocale(before);
		if (unpack_text(b, tar))
			fail_msg("%s: %s", formats[i].format, b->err.text);
		assert_string_equal(b->stats.format, formats[i].format);
		assert_int_equal(b->stats.bytes, 100000);
		empty(b);
		compare(b, tar, formats[i].format);
		compare(b, str_sub(tar, 0, tar.n / 2), formats[i].format);
	}
	freelocale(utf8);
}

static struct str many_entries_zip(int n)
{
	static struct zm z;

	zm_begin(&z);
	for (int i = 0; i < n; i++) {
		char name[300];

		snprintf(name, sizeof(name), "dir-%d/%d/%0200d.txt", i % 50, i % 7, n - i);
		zm_add(&z, &(struct zm_entry){.name = name, .text = "text", .deflate = i % 2});
	}
	zm_end(&z, NULL);
	buf_release(&z.directory);
	return buf_str(&z.out);
}

static struct str many_entries_tar(int n)
{
	struct archive *a = archive_write_new();
	static char out[16 << 20];
	size_t used = 0;

	assert_int_equal(archive_write_set_format_pax(a), ARCHIVE_OK);
	assert_int_equal(archive_write_open_memory(a, out, sizeof(out), &used), ARCHIVE_OK);
	for (int i = 0; i < n; i++) {
		struct archive_entry *e = archive_entry_new();
		char name[300];

		snprintf(name, sizeof(name), "dir-%d/%d/%0200d.txt", i % 50, i % 7, n - i);
		archive_entry_set_pathname(e, name);
		archive_entry_set_filetype(e, AE_IFREG);
		archive_entry_set_perm(e, 0644);
		archive_entry_set_size(e, 4);
		assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
		assert_int_equal(archive_write_data(a, "text", 4), 4);
		archive_entry_free(e);
	}
	assert_int_equal(archive_write_close(a), ARCHIVE_OK);
	archive_write_free(a);
	return (struct str){out, used};
}

/* The C library does other things with much than with little, qsort() and malloc() first of all. */
static void says_the_same_of_large_archives(void **state)
{
	struct bench *b = *state;
	struct str zip = many_entries_zip(3000), tar = many_entries_tar(3000);

	if (unpack_text(b, zip))
		fail_msg("zip: %s", b->err.text);
	assert_int_equal(b->stats.files, 3000);
	empty(b);
	if (unpack_text(b, tar))
		fail_msg("tar: %s", b->err.text);
	assert_int_equal(b->stats.files, 3000);
	empty(b);
	free((void *)(uintptr_t)zip.p);
}

static void says_the_same_of_what_is_no_archive(void **state)
{
	struct bench *b = *state;
	int ends[2];

	compare(b, STR(""), "empty");
	compare(b, STR("{\"ConnectionArn\": \"x\"}"), "reference");
	assert_int_equal(unpack_fd(b, -1), -1);
	assert_int_equal(b->err.code, ERR_SYSTEM);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(unpack_fd(b, ends[0]), -1);
	assert_string_equal(b->err.text, "the archive is not a regular file");
	close(ends[0]);
	close(ends[1]);
	put_file(b->temp.fd, "mine", STR("x"), 0644);
	assert_int_equal(unpack_text(b, STR("PK")), -1);
	assert_int_equal(b->err.code, ERR_CONFLICT);
	check_file(b->temp.fd, "mine", STR("x"), 0644);
}

/* --- what machines lack ----------------------------------------------------------------------- */

static void degraded_machines(void **state)
{
	static const struct {
		struct confine_without without;
		const char *missing;
		bool landlock; /* the kernel must have it */
	} rows[] = {
		{{.landlock = true}, "files", false},
		{{.seccomp = true}, "calls", true},
		{{.landlock_abi = 1}, "", true},
		{{.landlock_abi = 3}, "", true},
		{{.landlock_abi = 1, .seccomp = true}, "network, calls", true},
		{{.landlock_abi = 3, .seccomp = true}, "network, calls", true},
		{{.landlock = true, .seccomp = true}, "files, network, calls", false},
		{{.close_range = true}, "", true},
		{{.close_range = true, .proc = true}, "", true},
	};
	struct bench *b = *state;
	struct str zip = small_zip();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char missing[CONFINE_MISSING_SIZE];

		if (rows[i].landlock && !has_landlock())
			continue;
		b->how.confinement = UNPACK_CONFINEMENT_PREFER;
		b->how.without = rows[i].without;
		small_must_unpack(b, zip);
		if (CONFINE_SANITIZED)
			continue;
		assert_string_equal(confine_missing(&b->report, missing), rows[i].missing);
		b->how.confinement = UNPACK_CONFINEMENT_REQUIRE;
		if (!rows[i].missing[0])
			small_must_unpack(b, zip);
		else
			must_fail(b, zip, ERR_REJECTED, rows[i].missing);
	}
	free((void *)(uintptr_t)zip.p);
}

static void without_everything(void **state)
{
	struct bench *b = *state;

	b->how.without = (struct confine_without){.landlock = true, .seccomp = true};
	must_fail(b, STR("PKdump"), ERR_MALFORMED, "");
}

static void no_program(void **state)
{
	static const char *const programs[] = {NULL, "/nonexistent/program", "/etc", "/etc/passwd"};
	struct bench *b = *state;
	struct str zip = small_zip();

	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		b->how.program = programs[i];
		b->how.confinement = UNPACK_CONFINEMENT_PREFER;
		small_must_unpack(b, zip);
		assert_string_equal(confine_mode(&b->report), "none");
		assert_int_equal(unpack_child_probe(&b->how, b->temp.fd, &b->report, &b->err), 0);
		assert_string_equal(confine_mode(&b->report), "none");
		b->how.confinement = UNPACK_CONFINEMENT_REQUIRE;
		must_fail(b, zip, programs[i] ? ERR_SYSTEM : ERR_REJECTED, "process");
		assert_int_equal(unpack_child_probe(&b->how, b->temp.fd, &b->report, &b->err), -1);
	}
	b->how.program = UNPACK_CHILD_SELF;
	b->how.confinement = UNPACK_CONFINEMENT_OFF;
	small_must_unpack(b, zip);
	assert_string_equal(confine_mode(&b->report), "none");
	free((void *)(uintptr_t)zip.p);
}

static void probes(void **state)
{
	struct bench *b = *state;

	assert_int_equal(unpack_child_probe(&b->how, b->temp.fd, &b->report, &b->err), 0);
	if (!CONFINE_SANITIZED && has_landlock())
		assert_string_equal(confine_mode(&b->report), "full");
	b->how.without.seccomp = true;
	assert_int_equal(unpack_child_probe(&b->how, b->temp.fd, &b->report, &b->err), 0);
	assert_false(b->report.applied & CONFINE_CALLS);
	b->how.confinement = UNPACK_CONFINEMENT_REQUIRE;
	assert_int_equal(unpack_child_probe(&b->how, b->temp.fd, &b->report, &b->err), -1);
	assert_non_null(strstr(b->err.text, "calls"));
	assert_int_equal(b->err.code, ERR_REJECTED);
	assert_int_equal(count_in(b->temp.fd), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		WITH_BENCH(unpacks),
		WITH_BENCH(says_the_same_of_the_corpus),
		WITH_BENCH(says_the_same_of_every_format),
		WITH_BENCH(says_the_same_of_large_archives),
		WITH_BENCH(says_the_same_of_what_is_no_archive),
		WITH_BENCH(degraded_machines),
		WITH_BENCH(without_everything),
		WITH_BENCH(no_program),
		WITH_BENCH(probes),
	};

	if (argc > 1 && !strcmp(argv[1], UNPACK_CHILD_COMMAND))
		unpack_child_main(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
