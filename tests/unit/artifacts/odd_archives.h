#ifndef TESTS_UNIT_ARTIFACTS_ODD_ARCHIVES_H
#define TESTS_UNIT_ARTIFACTS_ODD_ARCHIVES_H

#include "tests/unit/artifacts/tar_maker.h"
#include "tests/unit/artifacts/zip_maker.h"

/* Archives that are odd, and right: each of these some tool makes, and all readers take alike. */

#define ODD_TEXT "123456" /* what is in the file "s" */

typedef void odd_fn(void *arg, const char *what, struct str archive);

/* --- zip -------------------------------------------------------------------------------------- */

static const struct {
	const char *what;
	struct zm_entry e; /* the first one */
} odd_zips[] = {
	{"zip64 field with both sizes, where there is room",
	 {.name = "s",
	  .text = ODD_TEXT,
	  .extra = {"\1\0\20\0\6\0\0\0\0\0\0\0\6\0\0\0\0\0\0\0", 20}}},
	{"zip64 field with the place, too",
	 {.name = "s",
	  .text = ODD_TEXT,
	  .extra = {"\1\0\30\0\6\0\0\0\0\0\0\0\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 28}}},
	{"zip64 field with all it may have",
	 {.name = "s",
	  .text = ODD_TEXT,
	  .extra = {"\1\0\34\0\6\0\0\0\0\0\0\0\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 32}}},
	{"empty zip64 field", {.name = "s", .text = ODD_TEXT, .extra = {"\1\0\0\0", 4}}},
	{"local zip64 field where there is room",
	 {.name = "s",
	  .text = ODD_TEXT,
	  .local_extra = {"\1\0\20\0\6\0\0\0\0\0\0\0\6\0\0\0\0\0\0\0", 20}}},
	{"local zip64 field that leaves it to the descriptor",
	 {.name = "s",
	  .text = ODD_TEXT,
	  .descriptor = 24,
	  .local_extra = {"\1\0\20\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20}}},
	{"second name that is the same",
	 {.name = "s",
	  .text = ODD_TEXT,
	  .extra = {"\x75\x70\6\0\1\0\0\0\0s", 10},
	  .local_extra = {"\x75\x70\6\0\1\0\0\0\0s", 10}}},
	{"padding in the local extra fields",
	 {.name = "s", .text = ODD_TEXT, .local_extra = {"\0\0\0", 3}}},
	{"comment", {.name = "s", .text = ODD_TEXT, .comment = {"what it is", 10}}},
	{"DOS attributes", {.name = "s", .text = ODD_TEXT, .dos = 0x21}},
	{"no mode at all", {.name = "s", .text = ODD_TEXT, .mode = 0}},
	{"speed of compression", {.name = "s", .text = ODD_TEXT, .deflate = true, .flags = 1 << 1}},
};

/* Each of them, and a file "last". */
static inline void each_odd_zip(odd_fn *fn, void *arg)
{
	for (size_t i = 0; i < sizeof(odd_zips) / sizeof(odd_zips[0]); i++) {
		struct zm z;

		zm_begin(&z);
		zm_add(&z, &odd_zips[i].e);
		zm_add(&z, &(struct zm_entry){.name = "last", .text = "last", .deflate = true});
		zm_end(&z, NULL);
		fn(arg, odd_zips[i].what, buf_str(&z.out));
		zm_release(&z);
	}
}

/* --- tar -------------------------------------------------------------------------------------- */

static const struct {
	const char *what;
	const char *key, *value; /* of a pax header, if there is one */
	char type;
	struct tm_entry e;
} odd_tars[] = {
	{"size without a NUL",
	 NULL,
	 NULL,
	 0,
	 {.name = "s", .text = ODD_TEXT, .number = {"000000000006", 12}}},
	{"size after spaces",
	 NULL,
	 NULL,
	 0,
	 {.name = "s", .text = ODD_TEXT, .number = {"          6 ", 12}}},
	{"size in binary",
	 NULL,
	 NULL,
	 0,
	 {.name = "s", .text = ODD_TEXT, .number = {"\200\0\0\0\0\0\0\0\0\0\0\6", 12}}},
	{"time before 1970",
	 NULL,
	 NULL,
	 0,
	 {.name = "s",
	  .text = ODD_TEXT,
	  .patch_at = 136,
	  .patch = {"\377\377\377\377\377\377\377\377\377\377\377\376", 12}}},
	{"owner in binary",
	 NULL,
	 NULL,
	 0,
	 {.name = "s", .text = ODD_TEXT, .patch_at = 108, .patch = {"\200\0\0\0\177\0\0\0", 8}}},
	{"Seventh Edition",
	 NULL,
	 NULL,
	 0,
	 {.name = "s", .text = ODD_TEXT, .old_type = true, .format = TM_OLD}},
	{"GNU", NULL, NULL, 0, {.name = "s", .text = ODD_TEXT, .format = TM_GNU}},
	{"padding that is not zero",
	 NULL,
	 NULL,
	 0,
	 {.name = "s", .text = ODD_TEXT, .padding = {"left over", 9}}},
	{"name after name", "path", "./s", 'x', {.name = "other", .text = ODD_TEXT}},
	{"time in pax", "mtime", "1700000000.5", 'x', {.name = "s", .text = ODD_TEXT}},
	{"size in pax", "size", "6", 'x', {.name = "s", .text = ODD_TEXT}},
	{"charset BINARY", "hdrcharset", "BINARY", 'x', {.name = "s", .text = ODD_TEXT}},
	{"charset UTF-8",
	 "hdrcharset",
	 "ISO-IR 10646 2000 UTF-8",
	 'x',
	 {.name = "s", .text = ODD_TEXT}},
	{"extended attribute", "SCHILY.xattr.user.x", "a=b", 'x', {.name = "s", .text = ODD_TEXT}},
	{"what git archive writes",
	 "comment",
	 "0123456789abcdef",
	 'g',
	 {.name = "s", .text = ODD_TEXT}},
};

/* Each of them, and a directory "d". */
static inline void each_odd_tar(odd_fn *fn, void *arg)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < sizeof(odd_tars) / sizeof(odd_tars[0]); i++) {
		buf_clear(&b);
		if (odd_tars[i].key)
			tm_pax(&b, odd_tars[i].type, odd_tars[i].key, odd_tars[i].value);
		tm_add(&b, &odd_tars[i].e);
		tm_add(&b, &(struct tm_entry){.name = "d/", .old_type = true, .format = TM_OLD});
		/* one block of zeros is the least, and there may be any number of them */
		buf_add(&b, (char[700]){0}, i % 2 ? 512 : 700);
		fn(arg, odd_tars[i].what, buf_str(&b));
	}
	buf_release(&b);
}

#endif
