#ifndef TESTS_UNIT_ARTIFACTS_HOSTILE_ZIP_H
#define TESTS_UNIT_ARTIFACTS_HOSTILE_ZIP_H

#include <stdio.h>

#include "tests/unit/artifacts/hostile.h"
#include "tests/unit/artifacts/hostile_zip_lies.h"

/* Zips that no honest tool makes. Those where one record lies are in hostile_zip_lies.h. */

/* --- tricks with more than one record --------------------------------------------------------- */

static inline void hz_one(struct zm *z, const struct zm_end *e)
{
	zm_add(z, &(struct zm_entry){.name = "a", .text = "a"});
	zm_end(z, e);
}

/* A comment that is an end record by itself: some readers see one archive, others the other. */
static inline void hz_end_in_comment(struct zm *z)
{
	char comment[22] = "PK\5\6";

	hz_one(z, NULL);
	z->out.p[z->out.n - 2] = (char)sizeof(comment);
	buf_add(&z->out, comment, sizeof(comment));
}

/* The same, whose own comment would reach beyond the end: readers that look no further take it. */
static inline void hz_end_with_lie_in_comment(struct zm *z)
{
	hz_end_in_comment(z);
	z->out.p[z->out.n - 2] = 100;
}

static inline void hz_signature_in_comment(struct zm *z)
{
	hz_one(z, NULL);
	z->out.p[z->out.n - 2] = 4;
	buf_adds(&z->out, "PK\5\6");
}

/* Overlapping files (Fifield, "A better zip bomb", 2019): every entry uses the same data. */
static inline void hz_full_overlap(struct zm *z)
{
	zm_add(z, &(struct zm_entry){.name = "a", .text = "kernel"});
	for (int i = 0; i < 3; i++) {
		struct zm_truth t = {.data = STR("kernel"), .size = 6};
		char name[16];

		t.crc = (uint32_t)crc32(0, (const unsigned char *)"kernel", 6);
		snprintf(name, sizeof(name), "b%d", i);
		t.name = str_from(name);
		zm_central(z, &(struct zm_entry){0}, &t);
	}
	zm_end(z, NULL);
}

/* The same, with local headers of their own: a stored deflate block quotes the next header. */
static inline void hz_quoted_overlap(struct zm *z)
{
	struct zm_truth inner = {.name = STR("b"), .data = STR("kernel"), .size = 6}, outer;
	unsigned char quote[5] = {0};
	struct buf data;
	struct zm y;

	inner.crc = (uint32_t)crc32(0, (const unsigned char *)"kernel", 6);
	zm_begin(&y);
	zm_local(&y, &(struct zm_entry){0}, &inner);
	buf_adds(&y.out, "kernel");

	/* one stored block that is not the last, with the inner entry in it, and an empty last */
	quote[1] = (unsigned char)y.out.n;
	quote[3] = (unsigned char)~quote[1];
	quote[4] = 0xff;
	buf_init(&data, 1 << 16);
	buf_add(&data, quote, sizeof(quote));
	buf_add_str(&data, buf_str(&y.out));
	buf_add(&data, "\3\0", 2);
	outer = (struct zm_truth){
		.name = STR("a"),
		.data = buf_str(&data),
		.size = y.out.n,
		.method = 8,
		.crc = (uint32_t)crc32(0, (unsigned char *)y.out.p, (uInt)y.out.n)};
	zm_local(z, &(struct zm_entry){0}, &outer);
	inner.header = z->out.n + sizeof(quote);
	buf_add_str(&z->out, buf_str(&data));
	zm_central(z, &(struct zm_entry){0}, &outer);
	zm_central(z, &(struct zm_entry){0}, &inner);
	zm_end(z, NULL);
	zm_release(&y);
	buf_release(&data);
}

/* One entry that lies in the descriptor's room of another. */
static inline void hz_overlap_by_one(struct zm *z)
{
	zm_add(z, &(struct zm_entry){.name = "a", .text = "kernel"});
	z->out.n--; /* its last byte is the first of the next header, by what is declared */
	zm_add(z, &(struct zm_entry){.name = "b", .text = "kernel"});
	zm_end(z, NULL);
}

/* The zip64 end record has room for more behind it. There stands another one, right in front of the
 * locator, where some readers look for it; its directory is another, too. */
static inline void hz_two_zip64_ends(struct zm *z)
{
	size_t at, directory_n;
	struct buf inner;

	zm_add(z, &(struct zm_entry){.name = "a", .text = "a"});
	at = z->out.n;
	directory_n = z->directory.n;
	buf_add(&z->out, z->directory.p, directory_n);
	buf_init(&inner, 1 << 16);
	for (int hidden = 0; hidden < 2; hidden++) {
		struct buf *b = hidden ? &inner : &z->out;

		zm_put(b, 4, 0x06064b50);
		zm_put(b, 8, hidden ? 44 : 44 + 56);
		zm_put(b, 4, 45u << 16 | 45);
		zm_put(b, 8, 0);
		zm_put(b, 8, hidden ? 0 : 1);
		zm_put(b, 8, hidden ? 0 : 1);
		zm_put(b, 8, hidden ? 0 : directory_n);
		zm_put(b, 8, at + (hidden ? directory_n + 56 : 0));
	}
	buf_add_str(&z->out, buf_str(&inner));
	buf_release(&inner);
	zm_put(&z->out, 4, 0x07064b50);
	zm_put(&z->out, 4, 0);
	zm_put(&z->out, 8, at + directory_n);
	zm_put(&z->out, 4, 1);
	zm_put(&z->out, 4, 0x06054b50);
	zm_put(&z->out, 4, 0);
	zm_put(&z->out, 4, 0xffffffffu);
	zm_put(&z->out, 8, UINT64_MAX);
	zm_put(&z->out, 2, 0);
}

/* A record's comment that looks like the zip64 records: those who look see a shorter directory. */
static inline void hz_zip64_in_comment(struct zm *z)
{
	struct zm y;

	zm_begin(&y);
	zm_end64(&y, &(struct zm_end){0}, 32, 48);
	zm_add(z, &(struct zm_entry){.name = "a", .text = "a", .comment = buf_str(&y.out)});
	zm_end(z, NULL);
	/* the locator, as if the record stood where it does */
	z->out.p[z->out.n - 22 - 12] = (char)(z->out.n - 22 - 20 - 56);
	zm_release(&y);
}

/* The first local header is a tar's header as well, by an extra field with the right bytes. */
static inline void hz_zip_and_tar(struct zm *z)
{
	char extra[600] = "xx", name[] = "a";
	unsigned sum = 0;

	extra[2] = (char)(596 & 0xff);
	extra[3] = (char)(596 >> 8);
	memcpy(extra + 257 - 31, "ustar\00000", 8);
	memcpy(extra + 124 - 31, "00000000000", 11);
	zm_add(z, &(struct zm_entry){.name = name, .text = "a", .local_extra = {extra, 600}});
	memset(z->out.p + 148, ' ', 8);
	for (int i = 0; i < 512; i++)
		sum += (unsigned char)z->out.p[i];
	snprintf(z->out.p + 148, 8, "%06o", sum);
	zm_end(z, NULL);
}

static inline void hz_deep(struct zm *z)
{
	char name[2 * 65 + 1];

	for (size_t i = 0; i < sizeof(name) - 1; i++)
		name[i] = i % 2 ? '/' : 'd';
	name[sizeof(name) - 1] = 0;
	zm_add(z, &(struct zm_entry){.name = name, .text = ""});
	zm_end(z, NULL);
}

static inline void hz_long_segment(struct zm *z)
{
	char name[257];

	memset(name, 'n', 256);
	name[256] = 0;
	zm_add(z, &(struct zm_entry){.name = name, .text = "x"});
	zm_end(z, NULL);
}

static inline void hz_long_name(struct zm *z)
{
	char name[4097];

	for (size_t i = 0; i < 4096; i++)
		name[i] = i % 128 == 127 ? '/' : 'n';
	name[4095] = 'n';
	name[4096] = 0;
	zm_add(z, &(struct zm_entry){.name = name, .text = "x"});
	zm_end(z, NULL);
}

static inline void hz_pair(struct zm *z, const char *a, const char *b)
{
	zm_add(z, &(struct zm_entry){.name = a, .text = "one", .flags = 1 << 11});
	zm_add(z, &(struct zm_entry){.name = b, .text = "two", .flags = 1 << 11});
	zm_end(z, NULL);
}

static inline void hz_sharp_s(struct zm *z)
{
	hz_pair(z,
		"stra\xc3\x9f"
		"e",
		"STRASSE");
}

static inline void hz_composed(struct zm *z)
{
	hz_pair(z, "caf\xc3\xa9", "cafe\xcc\x81");
}

static inline void hz_dotted_i(struct zm *z)
{
	hz_pair(z, "\xc4\xb0stanbul", "i\xcc\x87stanbul");
}

static inline void hz_kelvin(struct zm *z)
{
	hz_pair(z, "\xe2\x84\xaa", "k");
}

static inline void hz_order_of_marks(struct zm *z)
{
	hz_pair(z, "q\xcc\x87\xcc\xa3", "q\xcc\xa3\xcc\x87");
}

static inline void hz_case_of_directory(struct zm *z)
{
	hz_pair(z, "\xce\xa3/a", "\xcf\x82/b"); /* sigma, and final sigma */
}

static inline void hz_link_chain(struct zm *z)
{
	zm_add(z, &(struct zm_entry){.name = "l", .text = "..", .mode = S_IFLNK | 0777});
	zm_add(z, &(struct zm_entry){.name = "l/m", .text = "..", .mode = S_IFLNK | 0777});
	zm_add(z, &(struct zm_entry){.name = "l/m/x", .text = "x"});
	zm_end(z, NULL);
}

static inline void hz_zip64_of_several(struct zm *z)
{
	hz_one(z, &(struct zm_end){.zip64 = true});
	z->out.p[z->out.n - 22 - 4] = 2; /* disks, as the locator says */
}

/* Fewer entries here than there are altogether. */
static inline void hz_zip64_of_more_entries(struct zm *z)
{
	hz_one(z, &(struct zm_end){.zip64 = true});
	z->out.p[z->out.n - 22 - 20 - 24] = 2;
}

static inline void hz_signature_record(struct zm *z)
{
	hz_one(z, &(struct zm_end){.behind = {"PK\5\5\4\0abcd", 10}});
}

static const struct {
	const char *what;
	void (*make)(struct zm *z);
	enum err_code code;
	const char *text;
} hz_tricks[] = {
	{"two end records", hz_end_in_comment, ERR_UNSAFE, "two archives at once"},
	{"two end records, one lies", hz_end_with_lie_in_comment, ERR_UNSAFE, "two archives"},
	{"signature in the comment", hz_signature_in_comment, ERR_UNSAFE, "two archives"},
	{"full overlap", hz_full_overlap, ERR_UNSAFE, "overlaps"},
	{"quoted overlap", hz_quoted_overlap, ERR_UNSAFE, "\"a\": overlaps the entry behind it"},
	{"overlap by a byte", hz_overlap_by_one, ERR_UNSAFE, "overlaps"},
	{"two zip64 end records", hz_two_zip64_ends, ERR_MALFORMED, "not where the locator says"},
	{"zip64 records in a comment", hz_zip64_in_comment, ERR_UNSAFE, "contradict each other"},
	{"zip and tar", hz_zip_and_tar, ERR_UNSAFE, "a zip and a tar at once"},
	{"deep", hz_deep, ERR_LIMIT, "too deep"},
	{"long segment", hz_long_segment, ERR_LIMIT, "over 255 bytes"},
	{"long name", hz_long_name, ERR_LIMIT, "too long"},
	{"sharp s", hz_sharp_s, ERR_UNSAFE, "by case only"},
	{"composed and decomposed", hz_composed, ERR_UNSAFE, "by case only"},
	{"dotted I", hz_dotted_i, ERR_UNSAFE, "by case only"},
	{"Kelvin sign", hz_kelvin, ERR_UNSAFE, "by case only"},
	{"order of marks", hz_order_of_marks, ERR_UNSAFE, "by case only"},
	{"directory by case", hz_case_of_directory, ERR_UNSAFE, "by case only"},
	{"chain of links", hz_link_chain, ERR_UNSAFE, "symbolic link"},
	{"zip64 of several files", hz_zip64_of_several, ERR_MALFORMED, "split"},
	{"zip64 of more entries", hz_zip64_of_more_entries, ERR_MALFORMED, "split"},
	{"digital signature", hz_signature_record, ERR_MALFORMED, "not where"},
};

static inline void hostile_zips(hostile_fn *fn, void *arg)
{
	hz_each_lie(hz_lies, sizeof(hz_lies) / sizeof(hz_lies[0]), false, fn, arg);
	hz_each_lie(hz_late_lies, sizeof(hz_late_lies) / sizeof(hz_late_lies[0]), true, fn, arg);
	hz_each_end_lie(fn, arg);
	for (size_t i = 0; i < sizeof(hz_tricks) / sizeof(hz_tricks[0]); i++) {
		struct zm z;

		zm_begin(&z);
		hz_tricks[i].make(&z);
		fn(arg, hz_tricks[i].what, buf_str(&z.out), hz_tricks[i].code, hz_tricks[i].text,
		   false);
		zm_release(&z);
	}
}

#endif
