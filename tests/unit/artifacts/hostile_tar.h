#ifndef TESTS_UNIT_ARTIFACTS_HOSTILE_TAR_H
#define TESTS_UNIT_ARTIFACTS_HOSTILE_TAR_H

#include "tests/unit/artifacts/hostile.h"
#include "tests/unit/artifacts/tar_maker.h"

/* Tars that no honest tool makes. */

/* --- one entry that lies, between two that do not --------------------------------------------- */

static const struct {
	const char *what;
	struct tm_entry e;
	enum err_code code;
	const char *text;
} ht_lies[] = {
	{"traversal", {.name = "../x", .text = "x"}, ERR_UNSAFE, "\"../x\": \"..\""},
	{"traversal by prefix", {.prefix = "..", .name = "x", .text = "x"}, ERR_UNSAFE,
	 "leads out"},
	{"absolute by prefix", {.prefix = "/etc", .name = "x", .text = "x"}, ERR_UNSAFE,
	 "absolute"},
	{"absolute", {.name = "/x", .text = "x"}, ERR_UNSAFE, "absolute"},
	{"no name", {.name = "", .text = "x"}, ERR_UNSAFE, "without a name"},
	{"the root as a file", {.name = ".", .text = "x"}, ERR_UNSAFE, "directory by its name"},
	{"duplicate", {.name = "./first", .text = "x"}, ERR_UNSAFE, "is there twice"},
	{"case", {.name = "First", .text = "x"}, ERR_UNSAFE, "by case only"},
	{"long s", {.name = "fir\xc5\xbft", .text = "x"}, ERR_UNSAFE, "by case only"},
	{"file below a file", {.name = "first/x", .text = "x"}, ERR_UNSAFE, "is both"},
	{"hard link", {.name = "h", .type = '1', .link = "first"}, ERR_UNSAFE, "hard link"},
	{"hard link with content",
	 {.name = "h", .type = '1', .link = "first", .text = "x"},
	 ERR_UNSAFE,
	 "hard link"},
	{"link", {.name = "l", .type = '2', .link = "/etc"}, ERR_UNSAFE, "symbolic link"},
	{"character device", {.name = "d", .type = '3'}, ERR_UNSAFE, "neither"},
	{"block device", {.name = "d", .type = '4'}, ERR_UNSAFE, "neither"},
	{"pipe", {.name = "d", .type = '6'}, ERR_UNSAFE, "neither"},
	{"contiguous", {.name = "c", .type = '7', .text = "x"}, ERR_REJECTED, "not supported"},
	{"sparse", {.name = "s", .type = 'S', .format = TM_GNU}, ERR_REJECTED, "sparse"},
	{"multi-volume", {.name = "m", .type = 'M', .text = "x"}, ERR_REJECTED, "not supported"},
	{"volume label", {.name = "v", .type = 'V'}, ERR_REJECTED, "not supported"},
	{"incremental", {.name = "d/", .type = 'D', .text = "Yx"}, ERR_REJECTED, "not supported"},
	{"old long names", {.name = "n", .type = 'N', .text = "x"}, ERR_REJECTED,
	 "not supported"},
	{"unknown kind", {.name = "z", .type = 'Z', .text = "x"}, ERR_REJECTED, "not supported"},
	{"Solaris header", {.name = "z", .type = 'X', .text = "x"}, ERR_REJECTED,
	 "not supported"},
	{"setuid", {.name = "s", .text = "x", .mode = 04755}, ERR_UNSAFE, "set-user-id"},
	{"setgid", {.name = "s", .text = "x", .mode = 02755}, ERR_UNSAFE, "set-user-id"},
	{"file with a slash", {.name = "d/", .text = "x"}, ERR_UNSAFE, "directory by its name"},
	{"old file with a slash",
	 {.name = "d/", .text = "x", .old_type = true, .format = TM_OLD},
	 ERR_UNSAFE,
	 "with content"},
	{"directory with content", {.name = "d/", .type = '5', .text = "x"}, ERR_UNSAFE,
	 "content"},
	{"wrong checksum", {.name = "c", .checksum = true}, ERR_MALFORMED,
	 "checksum of a header"},
	{"negative size",
	 {.name = "n", .number = {"\377\377\377\377\377\377\377\377\377\377\377\376", 12}},
	 ERR_UNSAFE,
	 "negative"},
	{"negative mode",
	 {.name = "n", .mode_number = {"\377\377\377\377\377\377\377\376", 8}},
	 ERR_UNSAFE,
	 "negative"},
	{"size beyond 64 bits",
	 {.name = "n", .number = {"\200\1\0\0\0\0\0\0\0\0\0\0", 12}},
	 ERR_MALFORMED,
	 "a number in a header"},
	{"size of 2^63",
	 {.name = "n", .number = {"\200\0\0\0\200\0\0\0\0\0\0\0", 12}},
	 ERR_LIMIT,
	 "larger than one file"},
	{"size with another first byte",
	 {.name = "n", .number = {"\201\0\0\0\0\0\0\0\0\0\0\0", 12}},
	 ERR_MALFORMED,
	 "a number in a header"},
	{"size with a sign",
	 {.name = "n", .number = {"-0000000001\0", 12}},
	 ERR_MALFORMED,
	 "a number in a header"},
	{"size not octal",
	 {.name = "n", .number = {"00000000008\0", 12}},
	 ERR_MALFORMED,
	 "a number in a header"},
	{"size in two parts",
	 {.name = "n", .number = {"0000 000001\0", 12}},
	 ERR_MALFORMED,
	 "a number in a header"},
	{"damaged owner",
	 {.name = "n", .patch_at = 108, .patch = {"x", 1}},
	 ERR_MALFORMED,
	 "a number in a header"},
	{"huge", {.name = "n", .text = "x", .number = {"77777777777", 11}}, ERR_MALFORMED,
	 "cut off"},
	{"too huge",
	 {.name = "n", .number = {"\200\0\0\0\0\0\0\10\0\0\0\0", 12}},
	 ERR_LIMIT,
	 "larger than one file"},
	{"size too small: content is a header",
	 {.name = "n", .text = "content", .size = -7},
	 ERR_MALFORMED,
	 "checksum of a header"},
	{"size too large: the next header is content",
	 {.name = "n", .text = "content", .size = 512},
	 ERR_MALFORMED,
	 "checksum of a header"},
	{"prefix in GNU's format",
	 {.name = "n", .text = "x", .format = TM_GNU, .prefix = "p"},
	 ERR_UNSAFE,
	 "whose name ends here or there"},
	{"prefix in the old format",
	 {.name = "n", .text = "x", .format = TM_OLD, .prefix = "p"},
	 ERR_UNSAFE,
	 "whose name ends here or there"},
	{"unknown format",
	 {.name = "n", .text = "x", .patch_at = 257, .patch = {"other", 5}},
	 ERR_MALFORMED,
	 "unknown format"},
	{"not UTF-8", {.name = "\xe4", .text = "x"}, ERR_UNSAFE, "not UTF-8"},
	{"backslash", {.name = "..\\x", .text = "x"}, ERR_UNSAFE, "backslash"},
	{"control", {.name = "a\033[2J", .text = "x"}, ERR_UNSAFE, "a\\x1b[2J"},
};

static inline void ht_each_lie(hostile_fn *fn, void *arg)
{
	for (size_t i = 0; i < sizeof(ht_lies) / sizeof(ht_lies[0]); i++) {
		struct buf b;

		buf_init(&b, 1 << 20);
		tm_add(&b, &(struct tm_entry){.name = "first", .text = "first"});
		tm_add(&b, &ht_lies[i].e);
		tm_add(&b, &(struct tm_entry){.name = "last", .text = "last"});
		tm_end(&b);
		fn(arg, ht_lies[i].what, buf_str(&b), ht_lies[i].code, ht_lies[i].text, true);
		buf_release(&b);
	}
}

/* --- extended headers in front of an honest entry "e" ----------------------------------------- */

static const struct {
	const char *what;
	char type;
	const char *key, *value;
	struct str raw; /* records instead of a key */
	const char *long_name, *long_link;
	enum err_code code;
	const char *text;
} ht_extended[] = {
	{"pax traversal", 'x', "path", "a/../../x", {0}, NULL, NULL, ERR_UNSAFE, "leads out"},
	{"pax absolute", 'x', "path", "/x", {0}, NULL, NULL, ERR_UNSAFE, "absolute"},
	{"pax without a name", 'x', "path", "", {0}, NULL, NULL, ERR_UNSAFE, "without a name"},
	{"pax directory", 'x', "path", "d/", {0}, NULL, NULL, ERR_UNSAFE,
	 "directory by its name"},
	{"pax duplicate", 'x', "path", "first", {0}, NULL, NULL, ERR_UNSAFE, "is there twice"},
	{"pax link", 'x', "linkpath", "/etc/passwd", {0}, NULL, NULL, ERR_UNSAFE,
	 "target of a link"},
	{"pax size too small", 'x', "size", "0", {0}, NULL, NULL, ERR_UNSAFE,
	 "two different sizes"},
	{"pax size too large", 'x', "size", "1536", {0}, NULL, NULL, ERR_UNSAFE,
	 "different sizes"},
	{"pax size huge", 'x', "size", "99999999999", {0}, NULL, NULL, ERR_UNSAFE,
	 "different sizes"},
	{"pax size negative", 'x', "size", "-1", {0}, NULL, NULL, ERR_MALFORMED,
	 "not well-formed"},
	{"pax size no number", 'x', "size", "7x", {0}, NULL, NULL, ERR_MALFORMED,
	 "not well-formed"},
	{"pax charset", 'x', "hdrcharset", "KOI8-R", {0}, NULL, NULL, ERR_UNSAFE, "not UTF-8"},
	{"pax old charset", 'x', "charset", "x", {0}, NULL, NULL, ERR_UNSAFE, "changes what"},
	{"pax key of two lines", 'x', NULL, NULL, {"9 pa\nh=a\n", 9}, NULL, NULL,
	 ERR_MALFORMED, "well"},
	{"pax sparse", 'x', "GNU.sparse.major", "1", {0}, NULL, NULL, ERR_REJECTED, "sparse"},
	{"pax sparse name", 'x', "GNU.sparse.name", "x", {0}, NULL, NULL, ERR_REJECTED, "sparse"},
	{"star sparse", 'x', "SCHILY.realsize", "9", {0}, NULL, NULL, ERR_REJECTED, "sparse"},
	{"star kind", 'x', "SCHILY.filetype", "dir", {0}, NULL, NULL, ERR_UNSAFE, "changes what"},
	{"global path", 'g', "path", "x", {0}, NULL, NULL, ERR_UNSAFE, "a global extended"},
	{"global size", 'g', "size", "0", {0}, NULL, NULL, ERR_UNSAFE, "a global extended"},
	{"global link", 'g', "linkpath", "x", {0}, NULL, NULL, ERR_UNSAFE, "a global extended"},
	{"global sparse", 'g', "GNU.sparse.size", "1", {0}, NULL, NULL, ERR_UNSAFE, "a global"},
	{"global charset", 'g', "hdrcharset", "BINARY", {0}, NULL, NULL, ERR_UNSAFE, "a global"},
	{"pax NUL in the name", 'x', NULL, NULL, {"12 path=a\0b\n", 12}, NULL, NULL, ERR_UNSAFE,
	 "NUL"},
	{"pax NUL in the key", 'x', NULL, NULL, {"12 path\0=ab\n", 12}, NULL, NULL,
	 ERR_MALFORMED, "well"},
	{"pax two names", 'x', NULL, NULL, {"10 path=a\n10 path=b\n", 20}, NULL, NULL, ERR_UNSAFE,
	 "gives two names"},
	{"pax two sizes", 'x', NULL, NULL, {"10 size=7\n10 size=7\n", 20}, NULL, NULL, ERR_UNSAFE,
	 "gives two sizes"},
	{"pax no length", 'x', NULL, NULL, {"path=a\n", 7}, NULL, NULL, ERR_MALFORMED,
	 "well-formed"},
	{"pax length 0", 'x', NULL, NULL, {"0 path=a\n", 9}, NULL, NULL, ERR_MALFORMED,
	 "well-formed"},
	{"pax length too small", 'x', NULL, NULL, {"8 path=a\n", 9}, NULL, NULL, ERR_MALFORMED,
	 "well"},
	{"pax length too large", 'x', NULL, NULL, {"99 path=a\n", 10}, NULL, NULL,
	 ERR_MALFORMED, "well"},
	{"pax no value", 'x', NULL, NULL, {"8 patha\n", 8}, NULL, NULL, ERR_MALFORMED,
	 "well-formed"},
	{"pax no key", 'x', NULL, NULL, {"6 =ab\n", 6}, NULL, NULL, ERR_MALFORMED, "well-formed"},
	{"pax no newline", 'x', NULL, NULL, {"9 path=ab", 9}, NULL, NULL, ERR_MALFORMED,
	 "well-formed"},
	{"global not well-formed", 'g', NULL, NULL, {"x", 1}, NULL, NULL, ERR_MALFORMED,
	 "well-formed"},
	{"long name traversal", 0, NULL, NULL, {0}, "../x", NULL, ERR_UNSAFE, "leads out"},
	{"long name absolute", 0, NULL, NULL, {0}, "/x", NULL, ERR_UNSAFE, "absolute"},
	{"long link", 0, NULL, NULL, {0}, NULL, "/etc/passwd", ERR_UNSAFE, "target of a link"},
	{"both long names", 'x', "path", "a", {0}, "b", NULL, ERR_UNSAFE, "two different names"},
};

static inline void ht_each_extended(hostile_fn *fn, void *arg)
{
	for (size_t i = 0; i < sizeof(ht_extended) / sizeof(ht_extended[0]); i++) {
		struct buf b;

		buf_init(&b, 1 << 20);
		tm_add(&b, &(struct tm_entry){.name = "first", .text = "first"});
		if (ht_extended[i].long_name)
			tm_long(&b, 'L', ht_extended[i].long_name);
		if (ht_extended[i].long_link)
			tm_long(&b, 'K', ht_extended[i].long_link);
		if (ht_extended[i].key)
			tm_pax(&b, ht_extended[i].type, ht_extended[i].key, ht_extended[i].value);
		else if (ht_extended[i].type)
			tm_pax_raw(&b, ht_extended[i].type, ht_extended[i].raw);
		tm_add(&b, &(struct tm_entry){.name = "e", .text = "content"});
		tm_end(&b);
		fn(arg, ht_extended[i].what, buf_str(&b), ht_extended[i].code, ht_extended[i].text,
		   true);
		buf_release(&b);
	}
}

/* --- tricks ----------------------------------------------------------------------------------- */

static inline void ht_one(struct buf *b)
{
	tm_add(b, &(struct tm_entry){.name = "a", .text = "a"});
}

/* A second archive behind the first: some readers go on. */
static inline void ht_concatenated(struct buf *b)
{
	ht_one(b);
	tm_end(b);
	tm_add(b, &(struct tm_entry){.name = "b", .text = "b"});
	tm_end(b);
}

/* One block of zeros, where two are the end. */
static inline void ht_lone_zeros(struct buf *b)
{
	ht_one(b);
	buf_add(b, (char[512]){0}, 512);
	tm_add(b, &(struct tm_entry){.name = "b", .text = "b"});
	tm_end(b);
}

static inline void ht_no_end(struct buf *b)
{
	ht_one(b);
}

static inline void ht_cut_in_header(struct buf *b)
{
	ht_one(b);
	ht_one(b);
	b->n -= 600;
}

static inline void ht_cut_in_content(struct buf *b)
{
	tm_add(b, &(struct tm_entry){.name = "a", .text = "a", .size = 512});
}

static inline void ht_cut_in_padding(struct buf *b)
{
	ht_one(b);
	b->n -= 500;
}

static inline void ht_cut_in_pax(struct buf *b)
{
	ht_one(b);
	tm_pax(b, 'x', "path", "b");
	b->n -= 510;
}

static inline void ht_garbage(struct buf *b)
{
	ht_one(b);
	tm_end(b);
	buf_adds(b, "x");
}

/* A link to a directory, a link through it, and a file through both. */
static inline void ht_link_chain(struct buf *b)
{
	tm_add(b, &(struct tm_entry){.name = "d/", .type = '5'});
	tm_add(b, &(struct tm_entry){.name = "l", .type = '2', .link = "d"});
	tm_add(b, &(struct tm_entry){.name = "l/m", .type = '2', .link = ".."});
	tm_add(b, &(struct tm_entry){.name = "l/m/x", .text = "x"});
	tm_end(b);
}

static inline void ht_hard_link_chain(struct buf *b)
{
	tm_add(b, &(struct tm_entry){.name = "l", .type = '2', .link = "/etc/passwd"});
	tm_add(b, &(struct tm_entry){.name = "h", .type = '1', .link = "l"});
	tm_add(b, &(struct tm_entry){.name = "h", .text = "x"});
	tm_end(b);
}

static inline void ht_two_pax(struct buf *b)
{
	tm_pax(b, 'x', "path", "b");
	tm_pax(b, 'x', "comment", "b");
	ht_one(b);
	tm_end(b);
}

static inline void ht_two_long_names(struct buf *b)
{
	tm_long(b, 'L', "b");
	tm_long(b, 'L', "c");
	ht_one(b);
	tm_end(b);
}

static inline void ht_two_long_links(struct buf *b)
{
	tm_long(b, 'K', "b");
	tm_long(b, 'K', "c");
	ht_one(b);
	tm_end(b);
}

/* The name goes on in what only fills the block: some readers read on there. */
static inline void ht_long_name_in_padding(struct buf *b)
{
	tm_add(b, &(struct tm_entry){.name = "././@LongLink",
				     .type = 'L',
				     .format = TM_GNU,
				     .text = "a",
				     .padding = {"bcd", 3}});
	ht_one(b);
	tm_end(b);
}

static inline void ht_pax_in_padding(struct buf *b)
{
	tm_add(b, &(struct tm_entry){.name = "pax",
				     .type = 'x',
				     .text = "12 comment=\n",
				     .padding = {"10 path=b\n", 10}});
	ht_one(b);
	tm_end(b);
}

static inline void ht_pax_alone(struct buf *b)
{
	ht_one(b);
	tm_pax(b, 'x', "path", "b");
	tm_end(b);
}

static inline void ht_long_name_alone(struct buf *b)
{
	ht_one(b);
	tm_long(b, 'L', "b");
	tm_end(b);
}

static inline void ht_long_link_alone(struct buf *b)
{
	ht_one(b);
	tm_long(b, 'K', "b");
	tm_end(b);
}

/* More than the header has room for; none of it is there. */
static inline void ht_pax_large_size(struct buf *b)
{
	tm_pax(b, 'x', "size", "8589934592");
	tm_add(b, &(struct tm_entry){.name = "a"});
}

static inline void ht_pax_too_large_size(struct buf *b)
{
	tm_pax(b, 'x', "size", "99999999999");
	tm_add(b, &(struct tm_entry){.name = "a"});
	tm_end(b);
}

static inline void ht_gzip_of_less(struct buf *b)
{
	ht_one(b);
	b->n = 511;
	tm_gzip(b);
}

static inline void ht_not_lzma(struct buf *b)
{
	buf_adds(b, "] that is no archive, though it begins as lzma does");
}

static inline void ht_pax_too_large(struct buf *b)
{
	tm_add(b, &(struct tm_entry){.name = "pax", .type = 'x', .size = 2 << 20});
	ht_one(b);
	tm_end(b);
}

static inline void ht_long_name_too_long(struct buf *b)
{
	char name[4200];

	for (size_t i = 0; i < sizeof(name); i++)
		name[i] = i % 100 == 99 ? '/' : 'n';
	name[sizeof(name) - 1] = 0;
	tm_long(b, 'L', name);
	ht_one(b);
	tm_end(b);
}

static inline void ht_nested_gzip(struct buf *b)
{
	ht_one(b);
	tm_end(b);
	tm_gzip(b);
	tm_gzip(b);
}

static inline void ht_gzip_garbage(struct buf *b)
{
	ht_one(b);
	tm_end(b);
	tm_gzip(b);
	buf_adds(b, "garbage");
}

static inline void ht_gzip_cut(struct buf *b)
{
	ht_one(b);
	tm_end(b);
	tm_gzip(b);
	b->n -= 4;
}

static inline void ht_gzip_of_nothing(struct buf *b)
{
	tm_gzip(b);
}

static inline void ht_composed(struct buf *b)
{
	tm_add(b, &(struct tm_entry){.name = "caf\xc3\xa9/a", .text = "a"});
	tm_add(b, &(struct tm_entry){.name = "cafe\xcc\x81/b", .text = "b"});
	tm_end(b);
}

static const struct {
	const char *what;
	void (*make)(struct buf *b);
	enum err_code code;
	const char *text;
} ht_tricks[] = {
	{"concatenated", ht_concatenated, ERR_MALFORMED, "follows the mark at its end"},
	{"lone zeros", ht_lone_zeros, ERR_MALFORMED, "follows the mark at its end"},
	{"no end", ht_no_end, ERR_MALFORMED, "mark at its end is missing"},
	{"cut in a header", ht_cut_in_header, ERR_MALFORMED, "cut off"},
	{"cut in content", ht_cut_in_content, ERR_MALFORMED, "cut off"},
	{"cut in padding", ht_cut_in_padding, ERR_MALFORMED, "cut off"},
	{"cut in an extended header", ht_cut_in_pax, ERR_MALFORMED, "cut off"},
	{"garbage", ht_garbage, ERR_MALFORMED, "follows the mark at its end"},
	{"chain of links", ht_link_chain, ERR_UNSAFE, "symbolic link"},
	{"hard link to a link", ht_hard_link_chain, ERR_UNSAFE, "symbolic link"},
	{"two pax headers", ht_two_pax, ERR_UNSAFE, "two extended headers"},
	{"two long names", ht_two_long_names, ERR_UNSAFE, "two extended headers"},
	{"two long links", ht_two_long_links, ERR_UNSAFE, "two extended headers"},
	{"long name in the padding", ht_long_name_in_padding, ERR_UNSAFE, "behind an extended"},
	{"pax in the padding", ht_pax_in_padding, ERR_UNSAFE, "behind an extended"},
	{"pax alone", ht_pax_alone, ERR_MALFORMED, "describes no entry"},
	{"long name alone", ht_long_name_alone, ERR_MALFORMED, "describes no entry"},
	{"long link alone", ht_long_link_alone, ERR_MALFORMED, "describes no entry"},
	{"pax large size", ht_pax_large_size, ERR_MALFORMED, "cut off"},
	{"pax too large size", ht_pax_too_large_size, ERR_LIMIT, "larger than one file"},
	{"gzip of less than a header", ht_gzip_of_less, ERR_MALFORMED, "not a tar"},
	{"not lzma", ht_not_lzma, ERR_MALFORMED, "not an archive"},
	{"pax too large", ht_pax_too_large, ERR_LIMIT, "extended header of 2097152 bytes"},
	{"long name too long", ht_long_name_too_long, ERR_LIMIT, "too long"},
	{"nested gzip", ht_nested_gzip, ERR_UNSAFE, "more than once"},
	{"gzip and garbage", ht_gzip_garbage, ERR_MALFORMED, "gzip: the data are damaged"},
	{"gzip cut off", ht_gzip_cut, ERR_MALFORMED, "gzip: the data end too early"},
	{"gzip of nothing", ht_gzip_of_nothing, ERR_MALFORMED, "not a tar"},
	{"composed and decomposed", ht_composed, ERR_UNSAFE, "by case only"},
};

static inline void hostile_tars(hostile_fn *fn, void *arg)
{
	ht_each_lie(fn, arg);
	ht_each_extended(fn, arg);
	for (size_t i = 0; i < sizeof(ht_tricks) / sizeof(ht_tricks[0]); i++) {
		struct buf b;

		buf_init(&b, 4 << 20);
		ht_tricks[i].make(&b);
		fn(arg, ht_tricks[i].what, buf_str(&b), ht_tricks[i].code, ht_tricks[i].text, true);
		buf_release(&b);
	}
}

#endif
