#include "tests/unit/artifacts/unpacked.h"

#include "artifacts/zip_directory.h"
#include "tests/unit/artifacts/zip_maker.h"

/* Zips that contradict themselves, or mean harm. Each must be refused for its own reason. */

/* --- what must be refused: one entry that lies, between two that do not ----------------------- */

#define SIX "123456"
static const struct {
	const char *what;
	struct zm_entry e;
	enum err_code code;
	const char *text;
} lies[] = {
	{"traversal", {.name = "../x", .text = "x"}, ERR_UNSAFE, "\"../x\": \"..\""},
	{"inner traversal", {.name = "a/../../x", .text = "x"}, ERR_UNSAFE, "leads out"},
	{"absolute", {.name = "/tmp/x", .text = "x"}, ERR_UNSAFE, "\"/tmp/x\": an absolute"},
	{"drive", {.name = "C:/x", .text = "x"}, ERR_UNSAFE, "drive letter"},
	{"backslash", {.name = "..\\x", .text = "x"}, ERR_UNSAFE, "backslash"},
	{"NUL", {.name_str = {"x\0y", 3}, .text = "x"}, ERR_UNSAFE, "x\\x00y"},
	{"no name", {.name = "", .text = "x"}, ERR_UNSAFE, "without a name"},
	{"not UTF-8", {.name = "\xe4", .text = "x"}, ERR_UNSAFE, "\"\\xe4\": the name is not"},
	{"duplicate", {.name = "first", .text = "x"}, ERR_UNSAFE, "\"first\": is there twice"},
	{"hidden duplicate", {.name = "./first", .text = "x"}, ERR_UNSAFE, "is there twice"},
	{"case", {.name = "FIRST", .text = "x"}, ERR_UNSAFE, "differs from \"first\" by case"},
	{"file as directory", {.name = "first/x", .text = "x"}, ERR_UNSAFE, "is both"},
	{"link",
	 {.name = "l", .text = "/etc", .mode = S_IFLNK | 0777},
	 ERR_UNSAFE,
	 "\"l\": is a symbolic link"},
	{"device", {.name = "d", .text = "", .mode = S_IFCHR | 0666}, ERR_UNSAFE, "neither"},
	{"pipe", {.name = "d", .text = "", .mode = S_IFIFO | 0666}, ERR_UNSAFE, "neither"},
	{"setuid", {.name = "s", .text = "x", .mode = S_IFREG | 04755}, ERR_UNSAFE, "set-user-id"},
	{"setgid", {.name = "s", .text = "x", .mode = S_IFREG | 02755}, ERR_UNSAFE, "set-user-id"},
	{"directory by mode",
	 {.name = "d", .text = "", .mode = S_IFDIR | 0755},
	 ERR_UNSAFE,
	 "directory by its mode"},
	{"directory with content", {.name = "d/", .text = "x"}, ERR_UNSAFE, "with content"},
	{"encrypted", {.name = "e", .text = "x", .flags = 1}, ERR_REJECTED, "\"e\": is encrypted"},
	{"strongly encrypted",
	 {.name = "e", .text = "x", .flags = 0x41},
	 ERR_REJECTED,
	 "encrypted"},
	{"masked headers", {.name = "e", .text = "x", .flags = 0x2000}, ERR_REJECTED, "encrypted"},
	{"patch data", {.name = "e", .text = "x", .flags = 0x20}, ERR_REJECTED, "deflate"},
	{"lzma", {.name = "m", .text = "x", .method = 14}, ERR_REJECTED, "other than deflate"},
	{"deflate64",
	 {.name = "m", .text = "x", .deflate = true, .method = 1},
	 ERR_REJECTED,
	 "other than deflate"},
	{"other local name",
	 {.name = "good", .local_name = "evil", .text = "x"},
	 ERR_UNSAFE,
	 "\"good\": its local header has another name"},
	{"longer local name",
	 {.name = "good", .local_name = "good2", .text = "x"},
	 ERR_UNSAFE,
	 "another name"},
	{"other local method",
	 {.name = "m", .text = SIX, .local_method = 8},
	 ERR_UNSAFE,
	 "other flags"},
	{"other local flags",
	 {.name = "m", .text = SIX, .local_flags = 1},
	 ERR_UNSAFE,
	 "other flags"},
	{"local UTF-8 flag",
	 {.name = "m", .text = SIX, .local_flags = 1 << 11},
	 ERR_UNSAFE,
	 "other flags"},
	{"local descriptor flag",
	 {.name = "m", .text = SIX, .local_flags = 8},
	 ERR_UNSAFE,
	 "other flags"},
	{"other local size",
	 {.name = "s", .text = SIX, .deflate = true, .local_size = 1},
	 ERR_UNSAFE,
	 "other sizes"},
	{"other local packed size",
	 {.name = "s", .text = SIX, .deflate = true, .local_packed = -1},
	 ERR_UNSAFE,
	 "other sizes"},
	{"other local CRC", {.name = "s", .text = SIX, .local_crc = 1}, ERR_UNSAFE, "other sizes"},
	{"local size wrong besides descriptor",
	 {.name = "s", .text = SIX, .descriptor = 16, .local_size = 7},
	 ERR_UNSAFE,
	 "other sizes"},
	{"zip64 local sizes lie",
	 {.name = "s", .text = SIX, .zip64 = true, .local_size = 1},
	 ERR_UNSAFE,
	 "other sizes"},
	{"no local signature",
	 {.name = "s", .text = SIX, .local_signature = 1},
	 ERR_MALFORMED,
	 "local header is damaged"},
	{"zip64 field missing",
	 {.name = "s", .text = SIX, .no_zip64_field = true},
	 ERR_MALFORMED,
	 "zip64 field is missing"},
	{"zip64 field twice",
	 {.name = "s", .text = SIX, .zip64 = true, .extra = {"\1\0\0\0", 4}},
	 ERR_MALFORMED,
	 "damaged extra"},
	{"extra field too long",
	 {.name = "s", .text = SIX, .extra = {"xx\5\0abcd", 8}},
	 ERR_MALFORMED,
	 "damaged extra"},
	{"two names",
	 {.name = "s", .text = SIX, .extra = {"\x75\x70\6\0\1\0\0\0\0t", 10}},
	 ERR_UNSAFE,
	 "two different names"},
	{"second name twice",
	 {.name = "s", .text = SIX, .extra = {"\x75\x70\0\0\x75\x70\0\0", 8}},
	 ERR_MALFORMED,
	 "damaged extra"},
	{"local sizes in a field that is missing",
	 {.name = "s", .text = SIX, .local_wide = true},
	 ERR_UNSAFE,
	 "other sizes"},
	{"short second name",
	 {.name = "s", .text = SIX, .extra = {"\x75\x70\1\0\1", 5}},
	 ERR_UNSAFE,
	 "two different names"},
	{"on another disk", {.name = "s", .text = SIX, .disk = 1}, ERR_MALFORMED, "split"},
	{"descriptor with other sizes",
	 {.name = "s", .text = SIX, .descriptor = 12, .descriptor_size = 1},
	 ERR_UNSAFE,
	 "data descriptor has other sizes"},
	{"wide descriptor with other sizes",
	 {.name = "s", .text = SIX, .descriptor = 24, .descriptor_size = 1},
	 ERR_UNSAFE,
	 "data descriptor has other sizes"},
	{"descriptor missing",
	 {.name = "s", .text = SIX, .no_descriptor = true, .local_size = -6, .local_packed = -6},
	 ERR_UNSAFE,
	 "descriptor is missing"},
	{"descriptor that is none",
	 {.name = "s", .text = SIX, .no_descriptor = true, .hidden = {"0123456789abcdef", 16}},
	 ERR_UNSAFE,
	 "hidden behind"},
	{"bytes between entries",
	 {.name = "s", .text = SIX, .hidden = {"x", 1}},
	 ERR_UNSAFE,
	 "hidden behind its data"},
	{"bytes behind a descriptor",
	 {.name = "s", .text = SIX, .descriptor = 16, .hidden = {"x", 1}},
	 ERR_UNSAFE,
	 "hidden behind its data"},
	{"a whole entry between entries",
	 {.name = "s", .text = SIX, .hidden = {"PK\3\4hidden entry", 16}},
	 ERR_UNSAFE,
	 "hidden behind"},
	{"data longer than it is",
	 {.name = "s", .text = SIX, .packed = 1, .size = 1, .local_packed = 1, .local_size = 1},
	 ERR_UNSAFE,
	 "overlaps the entry behind"},
	{"stored with two sizes",
	 {.name = "s", .text = SIX, .both_size = 1},
	 ERR_UNSAFE,
	 "two different sizes"},
	{"starts in the middle of its header",
	 {.name = "s", .text = SIX, .header = 1},
	 ERR_UNSAFE,
	 "\"first\": something is hidden behind"},
	{"starts behind everything",
	 {.name = "s", .text = SIX, .header = 1 << 20},
	 ERR_MALFORMED,
	 "in front of the directory"},
	{"data reaches beyond everything",
	 {.name = "s", .text = SIX, .packed = 1 << 20, .size = 1 << 20},
	 ERR_MALFORMED,
	 "in front of the directory"},
	{"wrong CRC",
	 {.name = "s", .text = SIX, .both_crc = 1},
	 ERR_MALFORMED,
	 "\"s\": its checksum is wrong"},
	{"wrong CRC, deflated",
	 {.name = "s", .text = SIX, .deflate = true, .both_crc = 1},
	 ERR_MALFORMED,
	 "checksum"},
	{"more content than declared",
	 {.name = "s", .text = SIX, .deflate = true, .both_size = -1},
	 ERR_UNSAFE,
	 "more content than it declares"},
	{"less content than declared",
	 {.name = "s", .text = SIX, .deflate = true, .both_size = 1},
	 ERR_UNSAFE,
	 "less content than it declares"},
	{"ratio",
	 {.name = "s", .text = SIX, .deflate = true, .both_size = 1 << 20},
	 ERR_UNSAFE,
	 "more content than its data can hold"},
	{"not deflated at all",
	 {.name = "s", .content = {"\377\377\377\377", 4}, .method = 8},
	 ERR_MALFORMED,
	 "data is damaged"},
	{"deflate stream cut off",
	 {.name = "s", .content = {"\0\5\0\372\377ab", 7}, .method = 8},
	 ERR_MALFORMED,
	 "ends too early"},
	{"bytes behind the deflate stream",
	 {.name = "s", .content = {"\3\0x", 3}, .method = 8, .both_size = -3},
	 ERR_UNSAFE,
	 "hidden behind its data"},
};

static void test_lies(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct zm z;

		zm_begin(&z);
		zm_add(&z, &(struct zm_entry){.name = "first", .text = "first", .deflate = true});
		zm_add(&z, &lies[i].e);
		zm_add(&z, &(struct zm_entry){.name = "last", .text = "last", .deflate = true});
		zm_end(&z, NULL);
		unpack_bad(lies[i].what, buf_str(&z.out), NULL, lies[i].code, lies[i].text);
		zm_release(&z);
	}
}

/* --- what must be refused: lies about the whole ----------------------------------------------- */

static const struct {
	const char *what;
	struct zm_end e;
	enum err_code code;
	const char *text;
} end_lies[] = {
	{"one entry too few", {.n = -1, .n_here = -1}, ERR_UNSAFE, "more in it than the 2"},
	{"one entry too many", {.n = 1, .n_here = 1}, ERR_MALFORMED, "record 4 of the directory"},
	{"far too many", {.n = 60000, .n_here = 60000}, ERR_MALFORMED, "room for"},
	{"split", {.n_here = -1}, ERR_MALFORMED, "split"},
	{"disk", {.disk = 1}, ERR_MALFORMED, "split"},
	{"directory too late", {.at = 1}, ERR_MALFORMED, "not where the end record says"},
	{"directory too early", {.at = -1}, ERR_MALFORMED, "not where the end record says"},
	{"directory too long", {.size = 1}, ERR_MALFORMED, "not where the end record says"},
	{"directory shifted", {.size = -1, .at = 1}, ERR_MALFORMED, "record 1 of the directory"},
	{"directory larger than the file", {.size = 1 << 30}, ERR_MALFORMED, "not where"},
	{"behind the directory", {.behind = {"x", 1}}, ERR_MALFORMED, "not where"},
	{"zip64 announced, missing", {.full = true}, ERR_MALFORMED, "not where"},
	{"zip64: other count", {.zip64 = true, .n64 = -1}, ERR_UNSAFE, "contradict"},
	{"zip64: other count, old full",
	 {.zip64 = true, .full = true, .n64 = -1},
	 ERR_UNSAFE,
	 "more in it than the 2"},
	{"zip64: huge count",
	 {.zip64 = true, .full = true, .n64 = 1ll << 60},
	 ERR_LIMIT,
	 "entries; at most"},
	{"zip64: other size", {.zip64 = true, .size64 = 1}, ERR_UNSAFE, "contradict"},
	{"zip64: huge size",
	 {.zip64 = true, .full = true, .size64 = 1ll << 60},
	 ERR_MALFORMED,
	 "not where"},
	{"zip64: other place", {.zip64 = true, .at64 = 1}, ERR_UNSAFE, "contradict"},
	{"zip64: place before 0",
	 {.zip64 = true, .full = true, .at64 = -(1ll << 40)},
	 ERR_MALFORMED,
	 "not where"},
	{"zip64: locator wrong", {.zip64 = true, .locator = 1}, ERR_MALFORMED, "locator"},
	{"zip64: locator too early", {.zip64 = true, .locator = -4}, ERR_MALFORMED, "locator"},
	{"zip64: locator far off", {.zip64 = true, .locator = 1ll << 50}, ERR_MALFORMED, "locator"},
	{"zip64: record length", {.zip64 = true, .record = 1}, ERR_MALFORMED, "locator"},
	{"zip64: locator of several", {.zip64 = true, .disks = 1}, ERR_MALFORMED, "split"},
	{"zip64: disks", {.zip64 = true, .disks64 = 1}, ERR_MALFORMED, "split"},
};

static void test_end_lies(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(end_lies) / sizeof(end_lies[0]); i++) {
		struct zm z;

		zm_begin(&z);
		zm_add(&z, &(struct zm_entry){.name = "first", .text = "first", .deflate = true});
		zm_add(&z,
		       &(struct zm_entry){.name = "a second one, with a name longer than a record",
					  .text = "second"});
		zm_add(&z, &(struct zm_entry){.name = "last", .text = "last", .deflate = true});
		zm_end(&z, &end_lies[i].e);
		unpack_bad(end_lies[i].what, buf_str(&z.out), NULL, end_lies[i].code,
			   end_lies[i].text);
		zm_release(&z);
	}
}

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

/* A comment that is an end record by itself: some readers see one archive, others the other. */
static void test_two_archives(void **state)
{
	struct buf comment;
	struct zm z;

	(void)state;
	buf_init(&comment, 1 << 16);
	zm_put(&comment, 4, 0x06054b50);
	for (int i = 0; i < 18; i++)
		buf_addc(&comment, 0);
	zm_begin(&z);
	zm_add(&z, &(struct zm_entry){.name = "a", .text = "a"});
	zm_end(&z, NULL);
	z.out.p[z.out.n - 2] = (char)comment.n;
	buf_add_str(&z.out, buf_str(&comment));
	unpack_bad("two end records", buf_str(&z.out), NULL, ERR_UNSAFE, "two archives at once");
	zm_release(&z);
	buf_release(&comment);
}

/* Overlapping files (Fifield, "A better zip bomb", 2019): every entry uses the same data. */
static void test_overlap(void **state)
{
	struct zm z;

	(void)state;
	zm_begin(&z);
	zm_add(&z, &(struct zm_entry){.name = "a", .text = "kernel"});
	for (int i = 0; i < 3; i++) {
		struct zm_truth t = {.name = STR("a"), .data = STR("kernel"), .size = 6};
		char name[16];

		t.crc = (uint32_t)crc32(0, (const unsigned char *)"kernel", 6);
		snprintf(name, sizeof(name), "b%d", i);
		t.name = str_from(name);
		zm_central(&z, &(struct zm_entry){0}, &t);
	}
	zm_end(&z, NULL);
	unpack_bad("full overlap", buf_str(&z.out), NULL, ERR_UNSAFE, "overlaps");
	zm_release(&z);
}

/* The same, with local headers of their own: a stored deflate block quotes the next header. */
static void test_quoted_overlap(void **state)
{
	struct zm_truth inner = {.name = STR("b"), .data = STR("kernel"), .size = 6}, outer;
	unsigned char quote[5] = {0};
	struct buf data, content;
	struct zm z, y;

	(void)state;
	inner.crc = (uint32_t)crc32(0, (const unsigned char *)"kernel", 6);
	zm_begin(&y);
	zm_local(&y, &(struct zm_entry){0}, &inner);
	buf_adds(&y.out, "kernel");

	/* one stored block that is not the last, with the inner entry in it, and an empty last */
	quote[1] = (unsigned char)y.out.n;
	quote[3] = (unsigned char)~quote[1];
	quote[4] = 0xff;
	buf_init(&data, 1 << 16);
	buf_init(&content, 1 << 16);
	buf_add(&data, quote, sizeof(quote));
	buf_add_str(&data, buf_str(&y.out));
	buf_add(&data, "\3\0", 2);
	buf_add_str(&content, buf_str(&y.out));

	outer = (struct zm_truth){
		.name = STR("a"),
		.data = buf_str(&data),
		.size = content.n,
		.method = 8,
		.crc = (uint32_t)crc32(0, (unsigned char *)content.p, (uInt)content.n)};
	zm_begin(&z);
	zm_local(&z, &(struct zm_entry){0}, &outer);
	inner.header = z.out.n + sizeof(quote);
	buf_add_str(&z.out, buf_str(&data));
	zm_central(&z, &(struct zm_entry){0}, &outer);
	zm_central(&z, &(struct zm_entry){0}, &inner);
	zm_end(&z, NULL);
	unpack_bad("quoted overlap", buf_str(&z.out), NULL, ERR_UNSAFE,
		   "\"a\": overlaps the entry behind it");
	zm_release(&z);
	zm_release(&y);
	buf_release(&data);
	buf_release(&content);
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
		cmocka_unit_test(test_lies),	       cmocka_unit_test(test_end_lies),
		cmocka_unit_test(test_junk),	       cmocka_unit_test(test_two_archives),
		cmocka_unit_test(test_overlap),	       cmocka_unit_test(test_quoted_overlap),
		cmocka_unit_test(test_directory_cut),  cmocka_unit_test(test_read_fails),
		cmocka_unit_test(test_huge_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
