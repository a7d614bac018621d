#include "artifacts/zip_directory.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "artifacts/names.h"
#include "artifacts/path.h"
#include "artifacts/zip_end.h"

/*
 * Two passes: over the records of the directory with what they declare; then over the local headers
 * in the order in which they lie in the file. These are read through a window, since in an archive
 * of many small files they lie close together.
 *
 * Entry must follow entry without a gap: what lies in a gap is seen by readers that go from header
 * to header, and by nobody else.
 */

enum {
	CENTRAL_SIZE = 46,
	LOCAL_SIZE = 30,
	FLAG_ENCRYPTED = 1 << 0,
	FLAG_DESCRIBED = 1 << 3,
	FLAG_PATCH = 1 << 5,
	FLAG_STRONG = 1 << 6,
	FLAG_UTF8 = 1 << 11,
	FLAG_MASKED = 1 << 13,
	EXTRA_ZIP64 = 0x0001,
	EXTRA_NAME = 0x7075, /* Info-ZIP: the name once more, in UTF-8 */
	DOS_LABEL = 0x08,
	DOS_DIRECTORY = 0x10,
	DOS_REPARSE = 0x400, /* a link, on Windows */
	EMPTY_PACKED = 5,    /* nothing, deflated: Java does that to directories */
	DESCRIPTOR_MAX = 24,
	WINDOW = 128 << 10, /* more than the longest local header */
	FEW = 512,	    /* a local header with most names, and no more */
	SMALL = 16 << 10,   /* an entry that leaves the next header within reach */
};

struct record {
	struct str name, extra;
	uint16_t flags;
	uint32_t attributes;
};

struct reader {
	const struct zip_source *src;
	const struct unpack_limits *limits;
	struct arena *a;
	struct zip_end end;
	unsigned char *records; /* the directory */
	struct record *raw;	/* in the order of the directory */
	struct zip_directory *out;
	struct names *names;
	char path[PATH_SIZE];
	/* the window */
	unsigned char *window;
	uint64_t window_at;
	size_t window_n;
};

static int refuse(struct err *err, enum err_code code, struct str name, const char *why)
{
	char shown[PATH_SHOWN_SIZE];

	return err_set(err, code, "zip entry %s: %s", path_show(name, shown), why);
}

/* --- what the directory declares -------------------------------------------------------------- */

/* Take a value from the zip64 field when the record's own is full. */
static bool take64(uint64_t *value, struct str *field)
{
	if (*value != ZIP_FULL32)
		return true;
	if (field->n < 8)
		return false;
	*value = zip_u64((const unsigned char *)field->p);
	field->p += 8;
	field->n -= 8;
	return true;
}

/* Some writers give values that the record has room for, and some readers take them. */
static bool values_agree(const struct zip_entry *e, struct str field)
{
	const uint64_t values[] = {e->size, e->packed, e->header};
	size_t i = 0;

	for (; i < 3 && field.n >= 8; i++) {
		if (zip_u64((const unsigned char *)field.p) != values[i])
			return false;
		field = str_sub(field, 8, field.n);
	}
	/* the number of the disk, which is the first */
	return !field.n || (i == 3 && field.n == 4 && !zip_u32((const unsigned char *)field.p));
}

static int read_zip64(const struct record *r, struct zip_entry *e, struct err *err)
{
	struct str all = {0}, field;

	if (zip_extra((const unsigned char *)r->extra.p, r->extra.n, EXTRA_ZIP64, &all) < 0)
		return refuse(err, ERR_MALFORMED, r->name, "damaged extra fields");
	field = all;
	if (!take64(&e->size, &field) || !take64(&e->packed, &field) || !take64(&e->header, &field))
		return refuse(err, ERR_MALFORMED, r->name, "its zip64 field is missing or short");
	if (field.n && !values_agree(e, all))
		return refuse(err, ERR_UNSAFE, r->name, "its zip64 field contradicts its record");
	return 0;
}

static int check_kind(const struct record *r, struct zip_entry *e, struct err *err)
{
	mode_t mode = r->attributes >> 16; /* 0 from systems that have none */

	if (r->flags & (FLAG_ENCRYPTED | FLAG_STRONG | FLAG_MASKED))
		return refuse(err, ERR_REJECTED, r->name,
			      "is encrypted; make the archive without a password");
	if ((e->method != ZIP_STORED && e->method != ZIP_DEFLATED) || r->flags & FLAG_PATCH)
		return refuse(
			err, ERR_REJECTED, r->name,
			"is compressed in a way other than deflate, which alone is supported");
	if (S_ISLNK(mode) || r->attributes & DOS_REPARSE)
		return refuse(err, ERR_UNSAFE, r->name, "is a symbolic link; links are refused");
	if ((mode & S_IFMT && !S_ISREG(mode) && !S_ISDIR(mode)) || r->attributes & DOS_LABEL)
		return refuse(err, ERR_UNSAFE, r->name, "is neither a file nor a directory");
	if ((S_ISDIR(mode) || r->attributes & DOS_DIRECTORY) && !e->directory)
		return refuse(err, ERR_UNSAFE, r->name,
			      "is a directory by its mode and a file by its name");
	if (e->directory && r->name.p[r->name.n - 1] != '/')
		return refuse(err, ERR_UNSAFE, r->name,
			      "ends in \".\" without a slash, and is a file to some readers");
	if (mode & (S_ISUID | S_ISGID) && !e->directory)
		return refuse(err, ERR_UNSAFE, r->name, "is set-user-id or set-group-id");
	if (e->directory && (e->size || e->crc || e->packed > EMPTY_PACKED))
		return refuse(err, ERR_UNSAFE, r->name, "is a directory with content");
	e->executable = !e->directory && mode & S_IXUSR;
	return 0;
}

static int check_sizes(struct reader *z, const struct record *r, struct zip_entry *e,
		       struct err *err)
{
	if (e->size > (uint64_t)z->limits->max_entry_bytes)
		return refuse(err, ERR_LIMIT, r->name, "is larger than one file may be");
	if (e->size > (uint64_t)z->limits->max_bytes - z->out->bytes)
		return refuse(err, ERR_LIMIT, r->name,
			      "with it the archive is larger than it may be unpacked");
	z->out->bytes += e->size;
	if (e->method == ZIP_STORED && e->size != e->packed)
		return refuse(err, ERR_UNSAFE, r->name, "is stored, yet has two different sizes");
	if (e->size / LIMIT_ENTRY_RATIO > e->packed)
		return refuse(err, ERR_UNSAFE, r->name,
			      "declares more content than its data can hold");
	if (e->packed > z->end.at || e->header > z->end.at - e->packed)
		return refuse(err, ERR_MALFORMED, r->name,
			      "does not lie in front of the directory");
	return 0;
}

/* Readers that know the field use its name, from one header or the other. */
static int check_name(const struct record *r, struct str extra, struct err *err)
{
	struct str field;
	int found = zip_extra((const unsigned char *)extra.p, extra.n, EXTRA_NAME, &field);

	if (found < 0)
		return refuse(err, ERR_MALFORMED, r->name, "damaged extra fields");
	if (found && (field.n < 5 || !str_eq(str_sub(field, 5, field.n), r->name)))
		return refuse(err, ERR_UNSAFE, r->name, "has two different names");
	return 0;
}

static int add_entry(struct reader *z, const struct record *r, struct zip_entry *e, struct err *err)
{
	struct path path;

	if (path_normalize(r->name, (size_t)z->limits->max_depth, z->path, &path, err))
		return err_wrap(err, "zip");
	e->directory = path.directory;
	e->path = (struct str){arena_strndup(z->a, path.text.p, path.text.n), path.text.n};
	if (read_zip64(r, e, err) || check_name(r, r->extra, err) || check_kind(r, e, err) ||
	    check_sizes(z, r, e, err))
		return -1;
	if (names_add(z->names, &path, path.directory, err))
		return err_wrap(err, "zip");
	return 0;
}

/* The record at p, of at most n bytes. Its whole length, or 0 with err. */
static size_t read_record(struct reader *z, size_t i, const unsigned char *p, size_t n,
			  struct err *err)
{
	struct zip_entry *e = &z->out->entries[i];
	struct record *r = &z->raw[i];
	size_t name_n, extra_n, whole;

	if (n < CENTRAL_SIZE || memcmp(p, "PK\1\2", 4) != 0) {
		err_set(err, ERR_MALFORMED, "zip: record %zu of the directory is damaged", i + 1);
		return 0;
	}
	name_n = zip_u16(p + 28);
	extra_n = zip_u16(p + 30);
	whole = CENTRAL_SIZE + name_n + extra_n + zip_u16(p + 32);
	if (whole > n) {
		err_set(err, ERR_MALFORMED, "zip: record %zu of the directory is cut off", i + 1);
		return 0;
	}
	*r = (struct record){
		.name = {(const char *)p + CENTRAL_SIZE, name_n},
		.extra = {(const char *)p + CENTRAL_SIZE + name_n, extra_n},
		.flags = zip_u16(p + 8),
		.attributes = zip_u32(p + 38),
	};
	*e = (struct zip_entry){
		.header = zip_u32(p + 42),
		.packed = zip_u32(p + 20),
		.size = zip_u32(p + 24),
		.crc = zip_u32(p + 16),
		.method = zip_u16(p + 10),
		.described = r->flags & FLAG_DESCRIBED,
		.record = (uint32_t)i,
	};
	if (zip_u16(p + 34) != 0) {
		refuse(err, ERR_MALFORMED, r->name, "lies in another file of a split archive");
		return 0;
	}
	return whole;
}

static int read_records(struct reader *z, struct err *err)
{
	size_t at = 0, n = (size_t)z->end.size;

	for (size_t i = 0; i < z->out->n; i++) {
		size_t whole = read_record(z, i, z->records + at, n - at, err);

		if (!whole || add_entry(z, &z->raw[i], &z->out->entries[i], err))
			return -1;
		at += whole;
	}
	if (at != n)
		return err_set(err, ERR_UNSAFE,
			       "zip: the directory has more in it than the %zu entries announced",
			       z->out->n);
	return 0;
}

/* --- what the local headers say --------------------------------------------------------------- */

/* n bytes at `at`, valid until the next call; NULL with err. More is read ahead when that pays. */
static const unsigned char *view(struct reader *z, uint64_t at, size_t n, bool small,
				 struct err *err)
{
	size_t want = small ? WINDOW : FEW;

	if (at >= z->window_at && at + n <= z->window_at + z->window_n)
		return z->window + (at - z->window_at);
	if (want < n)
		want = n;
	if (want > z->src->size - at)
		want = (size_t)(z->src->size - at);
	if (z->src->read(z->src->arg, at, z->window, want, err))
		return NULL;
	z->window_at = at;
	z->window_n = want;
	return z->window;
}

/* Sizes and CRC of a local header: those of the directory, or left to a descriptor. */
static bool local_sizes_agree(const struct zip_entry *e, const unsigned char *p, struct str extra,
			      bool *complete)
{
	uint32_t crc = zip_u32(p + 14);
	uint64_t packed = zip_u32(p + 18), size = zip_u32(p + 22);
	struct str field = {0};
	int found = zip_extra((const unsigned char *)extra.p, extra.n, EXTRA_ZIP64, &field);

	if (found) {
		uint64_t size64, packed64;

		if (found < 0 || field.n < 16)
			return false;
		size64 = zip_u64((const unsigned char *)field.p);
		packed64 = zip_u64((const unsigned char *)field.p + 8);
		/* given twice: the two must agree, or the field leaves it to the descriptor */
		if ((size != ZIP_FULL32 && size64 && size64 != size) ||
		    (packed != ZIP_FULL32 && packed64 && packed64 != packed))
			return false;
		size = size == ZIP_FULL32 ? size64 : size;
		packed = packed == ZIP_FULL32 ? packed64 : packed;
	}
	*complete = crc == e->crc && packed == e->packed && size == e->size;
	if (*complete)
		return true;
	return e->described && (!crc || crc == e->crc) && (!packed || packed == e->packed) &&
	       (!size || size == e->size);
}

static int check_local(struct reader *z, struct zip_entry *e, bool *complete, struct err *err)
{
	const unsigned flags = FLAG_ENCRYPTED | FLAG_DESCRIBED | FLAG_PATCH | FLAG_STRONG |
			       FLAG_UTF8 | FLAG_MASKED;
	const struct record *r = &z->raw[e->record];
	bool small = e->packed < SMALL;
	const unsigned char *p;
	struct str extra;
	size_t whole;

	/* what is left in front of the directory has room for it: check_sizes() left that open */
	if (z->end.at - e->header - e->packed < LOCAL_SIZE + r->name.n)
		return refuse(err, ERR_MALFORMED, r->name, "its local header is cut off");
	p = view(z, e->header, LOCAL_SIZE + r->name.n, small, err);
	if (!p)
		return -1;
	if (memcmp(p, "PK\3\4", 4) != 0)
		return refuse(err, ERR_MALFORMED, r->name, "its local header is damaged");
	if (zip_u16(p + 26) != r->name.n || memcmp(p + LOCAL_SIZE, r->name.p, r->name.n) != 0)
		return refuse(err, ERR_UNSAFE, r->name, "its local header has another name");
	if ((zip_u16(p + 6) ^ r->flags) & flags || zip_u16(p + 8) != e->method)
		return refuse(err, ERR_UNSAFE, r->name, "its local header has other flags");
	whole = LOCAL_SIZE + r->name.n + zip_u16(p + 28);
	if (z->end.at - e->header - e->packed < whole)
		return refuse(err, ERR_MALFORMED, r->name, "its local header is cut off");
	p = view(z, e->header, whole, small, err);
	if (!p)
		return -1;
	extra = (struct str){(const char *)p + LOCAL_SIZE + r->name.n, zip_u16(p + 28)};
	if (check_name(r, extra, err))
		return -1;
	if (!local_sizes_agree(e, p, extra, complete))
		return refuse(err, ERR_UNSAFE, r->name, "its local header has other sizes");
	e->data = e->header + whole;
	return 0;
}

/* What lies between the data and the next entry must be a descriptor that agrees: with or without
 * signature, of 32 or 64 bits. */
static int check_descriptor(struct reader *z, const struct zip_entry *e, size_t n, struct err *err)
{
	const struct record *r = &z->raw[e->record];
	bool is_signed = n == 16 || n == 24, wide = n == 20 || n == 24;
	uint64_t packed, size;
	const unsigned char *p = view(z, e->data + e->packed, n, e->packed < SMALL, err);

	if (!p)
		return -1;
	/* one that has none must not look as if it had: its length is told from that */
	if (is_signed != !memcmp(p, "PK\7\10", 4))
		return refuse(err, ERR_UNSAFE, r->name, "something is hidden behind its data");
	p += is_signed ? 4 : 0;
	packed = wide ? zip_u64(p + 4) : zip_u32(p + 4);
	size = wide ? zip_u64(p + 12) : zip_u32(p + 8);
	if (zip_u32(p) != e->crc || packed != e->packed || size != e->size)
		return refuse(err, ERR_UNSAFE, r->name, "its data descriptor has other sizes");
	return 0;
}

/* next: where the following entry, or the directory, begins. */
static int check_extent(struct reader *z, struct zip_entry *e, uint64_t next, struct err *err)
{
	const struct record *r = &z->raw[e->record];
	bool complete;
	uint64_t end, n;

	if (check_local(z, e, &complete, err))
		return -1;
	end = e->data + e->packed;
	if (end > next)
		return refuse(err, ERR_UNSAFE, r->name, "overlaps the entry behind it");
	n = next - end;
	if (n == 0 && complete)
		return 0;
	if (!e->described || n < 12 || n > DESCRIPTOR_MAX || n % 4)
		return refuse(err, ERR_UNSAFE, r->name,
			      n ? "something is hidden behind its data"
				: "its data descriptor is missing");
	return check_descriptor(z, e, (size_t)n, err);
}

static int by_header(const void *a, const void *b)
{
	const struct zip_entry *x = a, *y = b;

	return x->header < y->header ? -1 : x->header > y->header;
}

static int check_extents(struct reader *z, struct err *err)
{
	struct zip_entry *e = z->out->entries;
	size_t n = z->out->n;

	qsort(e, n, sizeof(*e), by_header);
	if ((n ? e[0].header : z->end.at) != 0)
		return err_set(err, ERR_UNSAFE,
			       "zip: something is hidden in front of the first entry");
	for (size_t i = 0; i < n; i++)
		if (check_extent(z, &e[i], i + 1 < n ? e[i + 1].header : z->end.at, err))
			return -1;
	return 0;
}

/* --- all of it -------------------------------------------------------------------------------- */

static int check_end(const struct reader *z, struct err *err)
{
	if (z->end.n > (uint64_t)z->limits->max_entries)
		return err_set(err, ERR_LIMIT, "zip: %llu entries; at most %lld are accepted",
			       (unsigned long long)z->end.n, (long long)z->limits->max_entries);
	if (z->end.size > LIMIT_ARCHIVE_DIRECTORY)
		return err_set(err, ERR_LIMIT,
			       "zip: its directory takes %llu bytes; at most %u are "
			       "accepted",
			       (unsigned long long)z->end.size, LIMIT_ARCHIVE_DIRECTORY);
	/* before anything is allocated for them */
	if (z->end.n > z->end.size / CENTRAL_SIZE)
		return err_set(err, ERR_MALFORMED,
			       "zip: announces more entries than its directory "
			       "has room for");
	return 0;
}

static int read_directory(struct reader *z, struct err *err)
{
	if (zip_end_read(z->src, &z->end, err) || check_end(z, err))
		return -1;
	*z->out = (struct zip_directory){.n = (size_t)z->end.n};
	z->out->entries = arena_array(z->a, struct zip_entry, z->out->n + 1);
	z->raw = xcalloc(z->out->n + 1, sizeof(*z->raw));
	z->records = xmalloc((size_t)z->end.size + 1);
	z->window = xmalloc(WINDOW);
	z->names = names_new();
	if (z->src->read(z->src->arg, z->end.at, z->records, (size_t)z->end.size, err))
		return -1;
	return read_records(z, err) || check_extents(z, err) ? -1 : 0;
}

int zip_directory_read(const struct zip_source *src, const struct unpack_limits *limits,
		       struct arena *a, struct zip_directory *out, struct err *err)
{
	struct reader *z = xcalloc(1, sizeof(*z));
	int rc;

	z->src = src;
	z->limits = limits;
	z->a = a;
	z->out = out;
	rc = read_directory(z, err);
	names_free(z->names);
	free(z->window);
	free(z->records);
	free(z->raw);
	free(z);
	return rc;
}
