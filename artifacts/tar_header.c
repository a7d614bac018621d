#include "artifacts/tar_header.h"

#include <string.h>

/* --- blocks ----------------------------------------------------------------------------------- */

enum {
	NAME = 0,
	MODE = 100,
	SIZE = 124,
	CHECKSUM = 148,
	TYPE = 156,
	MAGIC = 257,
	PREFIX = 345,
	NAME_N = 100,
	PREFIX_N = 155,
	NUMBER_N = 8, /* of the short ones */
	LONG_N = 12,
};

struct number {
	bool negative;
	uint64_t value;
};

/* GNU: the first bit is set, and the rest is a big-endian number in two's complement. */
static bool read_base256(const unsigned char *p, size_t n, struct number *out)
{
	unsigned char fill = p[0] == 0xff ? 0xff : 0;
	size_t low = n < 8 ? 1 : n - 8;

	if (p[0] != 0x80 && p[0] != 0xff)
		return false;
	for (size_t i = 1; i < low; i++)
		if (p[i] != fill)
			return false;
	*out = (struct number){.negative = fill != 0};
	for (size_t i = low; i < n; i++)
		out->value = out->value << 8 | p[i];
	return true;
}

/* Octal, with spaces in front and spaces or NULs behind; nothing at all is 0. */
static bool read_number(const unsigned char *p, size_t n, struct number *out)
{
	size_t i = 0;

	if (p[0] & 0x80)
		return read_base256(p, n, out);
	*out = (struct number){0};
	while (i < n && p[i] == ' ')
		i++;
	while (i < n && p[i] >= '0' && p[i] <= '7')
		out->value = out->value << 3 | (uint64_t)(p[i++] - '0');
	while (i < n && (p[i] == ' ' || !p[i]))
		i++;
	return i == n;
}

bool tar_is_header(const unsigned char p[TAR_BLOCK])
{
	struct number said;
	uint64_t sum = 8 * ' '; /* of its own field */

	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += i < CHECKSUM || i >= CHECKSUM + NUMBER_N ? p[i] : 0;
	return read_number(p + CHECKSUM, NUMBER_N, &said) && !said.negative && said.value == sum;
}

static enum tar_kind kind_of(unsigned char type, bool slash)
{
	switch (type) {
	case 0:
		return slash ? TAR_DIRECTORY : TAR_FILE; /* Seventh Edition has no other way */
	case '0':
		return TAR_FILE;
	case '1':
		return TAR_HARD_LINK;
	case '2':
		return TAR_SYMLINK;
	case '3':
	case '4':
	case '6':
		return TAR_SPECIAL;
	case '5':
		return TAR_DIRECTORY;
	case 'x':
		return TAR_PAX;
	case 'g':
		return TAR_PAX_GLOBAL;
	case 'L':
		return TAR_LONG_NAME;
	case 'K':
		return TAR_LONG_LINK;
	case 'S':
		return TAR_SPARSE;
	default:
		return TAR_UNKNOWN;
	}
}

/* Every number is looked at, those that are not needed too: a reader may refuse the entry for one
 * of them, or stop there. */
static int read_numbers(const unsigned char *p, struct tar_header *out, struct err *err)
{
	static const struct {
		size_t at, n;
	} others[] = {
		{108, NUMBER_N}, {116, NUMBER_N}, {136, LONG_N}, {329, NUMBER_N}, {337, NUMBER_N}};
	struct number mode, size, other;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (!read_number(p + others[i].at, others[i].n, &other))
			return err_set(err, ERR_MALFORMED, "tar: a number in a header is damaged");
	if (!read_number(p + MODE, NUMBER_N, &mode) || !read_number(p + SIZE, LONG_N, &size))
		return err_set(err, ERR_MALFORMED, "tar: a number in a header is damaged");
	if (size.negative || mode.negative)
		return err_set(err, ERR_UNSAFE, "tar: a number in a header is negative");
	out->mode = (uint32_t)(mode.value & 07777);
	out->size = size.value;
	return 0;
}

/* Some readers look for the first part of the name whatever the format. */
static int read_name(const unsigned char *p, struct tar_header *out, struct err *err)
{
	bool posix = !memcmp(p + MAGIC, "ustar\0", 6);
	bool gnu = !memcmp(p + MAGIC, "ustar  \0", 8), old = !memcmp(p + MAGIC, (char[8]){0}, 8);
	size_t prefix = strnlen((const char *)p + PREFIX, PREFIX_N);
	size_t name = strnlen((const char *)p + NAME, NAME_N), at = 0;

	if (!posix && !gnu && !old)
		return err_set(err, ERR_MALFORMED, "tar: a header of an unknown format");
	if (!posix && prefix)
		return err_set(err, ERR_UNSAFE, "tar: a header whose name ends here or there");
	if (prefix) {
		memcpy(out->name, p + PREFIX, prefix);
		out->name[prefix] = '/';
		at = prefix + 1;
	}
	memcpy(out->name + at, p + NAME, name);
	out->name[at + name] = 0;
	return 0;
}

int tar_header_read(const unsigned char p[TAR_BLOCK], struct tar_header *out, struct err *err)
{
	size_t n;

	if (!tar_is_header(p))
		return err_set(err, ERR_MALFORMED,
			       "tar: damaged archive: the checksum of a header is wrong");
	if (read_numbers(p, out, err) || read_name(p, out, err))
		return -1;
	n = strlen(out->name);
	out->kind = kind_of(p[TYPE], n && out->name[n - 1] == '/');
	return 0;
}

/* --- pax -------------------------------------------------------------------------------------- */

static int damaged(struct err *err)
{
	return err_set(err, ERR_MALFORMED,
		       "tar: damaged archive: an extended header is not "
		       "well-formed");
}

/* "LENGTH KEY=VALUE\n", where LENGTH counts all of it. */
static bool next_record(struct str *rest, struct str *key, struct str *value)
{
	const char *space = memchr(rest->p, ' ', rest->n), *equals;
	uint64_t n;
	size_t at;

	if (!space ||
	    !str_parse_u64((struct str){rest->p, (size_t)(space - rest->p)}, 5, rest->n, &n))
		return false;
	at = (size_t)(space - rest->p) + 1;
	if (n < at + 3 || rest->p[n - 1] != '\n')
		return false;
	equals = memchr(rest->p + at, '=', (size_t)n - at);
	if (!equals || equals == rest->p + at)
		return false;
	*key = (struct str){rest->p + at, (size_t)(equals - rest->p) - at};
	*value = (struct str){equals + 1, (size_t)(rest->p + n - 1 - (equals + 1))};
	*rest = str_sub(*rest, (size_t)n, rest->n);
	/* what ends a string early for some readers */
	return !memchr(key->p, 0, key->n) && !memchr(key->p, '\n', key->n);
}

static bool is_sparse_key(struct str key)
{
	return str_starts(key, "GNU.sparse.") || str_is(key, "SCHILY.realsize");
}

/* Keys that change what an entry is; all others are about owners, times and attributes. */
static bool changes_entries(struct str key)
{
	return str_is(key, "path") || str_is(key, "linkpath") || str_is(key, "size") ||
	       str_is(key, "hdrcharset") || str_is(key, "charset") ||
	       str_is(key, "SCHILY.filetype") || is_sparse_key(key);
}

static int take_record(struct str key, struct str value, struct tar_extension *out, struct err *err)
{
	if (str_is(key, "path")) {
		if (out->path.p)
			return err_set(err, ERR_UNSAFE, "tar: an extended header gives two names");
		out->path = value;
	} else if (str_is(key, "size")) {
		if (out->has_size)
			return err_set(err, ERR_UNSAFE, "tar: an extended header gives two sizes");
		if (!str_parse_u64(value, 0, INT64_MAX, &out->size))
			return damaged(err);
		out->has_size = true;
	} else if (str_is(key, "linkpath")) {
		out->is_link = true;
	} else if (str_is(key, "hdrcharset")) {
		/* names have to be UTF-8 in either case */
		if (!str_is(value, "BINARY") && !str_is(value, "ISO-IR 10646 2000 UTF-8"))
			return err_set(err, ERR_UNSAFE, "tar: names are not UTF-8");
	} else if (is_sparse_key(key)) {
		out->is_sparse = true;
	} else if (changes_entries(key)) {
		return err_set(err, ERR_UNSAFE, "tar: an extended header changes what entries are");
	}
	return 0;
}

int tar_pax_read(struct str records, bool global, struct tar_extension *out, struct err *err)
{
	struct str key, value;

	while (records.n) {
		if (!next_record(&records, &key, &value))
			return damaged(err);
		if (global && changes_entries(key))
			return err_set(err, ERR_UNSAFE,
				       "tar: a global extended header changes "
				       "what entries are");
		if (!global && take_record(key, value, out, err))
			return -1;
	}
	return 0;
}
