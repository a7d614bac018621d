#include "artifacts/zip_end.h"

#include <stdlib.h>

/*
 * The end record is found by its signature, and only accepted when its comment reaches exactly to
 * the end of the file, or to the zeros with which bsdtar fills up what it writes into a pipe. A
 * comment can hold another record, which other readers would take: such a file is two archives at
 * once, and refused.
 */

enum {
	END_SIZE = 22,
	END_SEARCH = END_SIZE + 65535, /* the longest comment */
	LOCATOR_SIZE = 20,
	END64_SIZE = 56, /* without the extensible data that nobody writes */
};

static int damaged(struct err *err, const char *why)
{
	return err_set(err, ERR_MALFORMED, "zip: %s", why);
}

static bool is_signature(const unsigned char *p, unsigned char a, unsigned char b)
{
	return p[0] == 'P' && p[1] == 'K' && p[2] == a && p[3] == b;
}

int zip_extra(const unsigned char *p, size_t n, uint16_t id, struct str *out)
{
	int found = 0;

	while (n >= 4) {
		size_t len = zip_u16(p + 2);

		if (len > n - 4)
			return -1;
		if (zip_u16(p) == id) {
			if (found++)
				return -1;
			*out = (struct str){(const char *)p + 4, len};
		}
		p += 4 + len;
		n -= 4 + len;
	}
	return found;
}

/* Readers that search from the end take what they find first, whatever its comment's length. */
static int check_comment(const unsigned char *p, size_t n, struct err *err)
{
	for (size_t i = 0; i + 4 <= n; i++)
		if (is_signature(p + i, 5, 6))
			return err_set(err, ERR_UNSAFE,
				       "zip: there are two end records, so that "
				       "it is two archives at once");
	return 0;
}

/* Offset of the end record within the tail, which ends with the file. */
static int find_end(const unsigned char *tail, size_t n, size_t *at, struct err *err)
{
	size_t used = n;

	while (used && !tail[used - 1])
		used--;
	/* the first, so that any other is in its comment */
	for (size_t i = 0; i + END_SIZE <= n; i++) {
		size_t end = i + END_SIZE + zip_u16(tail + i + 20);

		if (!is_signature(tail + i, 5, 6) || end > n || end < used)
			continue;
		*at = i;
		return check_comment(tail + i + END_SIZE, n - i - END_SIZE, err);
	}
	return damaged(err, "the end record is missing: cut off, or something was appended");
}

struct end32 {
	uint16_t disk, start_disk, n_here, n;
	uint32_t size, at;
};

static void read_end32(const unsigned char *p, struct end32 *e)
{
	*e = (struct end32){
		.disk = zip_u16(p + 4),
		.start_disk = zip_u16(p + 6),
		.n_here = zip_u16(p + 8),
		.n = zip_u16(p + 10),
		.size = zip_u32(p + 12),
		.at = zip_u32(p + 16),
	};
}

/* A value of the old record must be "see zip64" or the same. */
static bool agrees(uint64_t old, uint64_t full, uint64_t value)
{
	return old == full || old == value;
}

/* *end is where the locator stands, and becomes where the zip64 end record begins. */
static int read_end64(const struct zip_source *src, const unsigned char *locator, uint64_t *end,
		      const struct end32 *e, struct zip_end *out, struct err *err)
{
	uint64_t at = zip_u64(locator + 8);
	unsigned char p[END64_SIZE];

	if (zip_u32(locator + 4) || zip_u32(locator + 16) > 1)
		return damaged(err, "it is split over several files");
	/* some readers ask the locator, and some look right in front of it */
	if (at > *end || *end - at != END64_SIZE)
		return damaged(err, "the zip64 end record is not where the locator says");
	if (src->read(src->arg, at, p, sizeof(p), err))
		return -1;
	if (!is_signature(p, 6, 6) || zip_u64(p + 4) != END64_SIZE - 12)
		return damaged(err, "the zip64 end record is not where the locator says");
	if (zip_u32(p + 16) || zip_u32(p + 20) || zip_u64(p + 24) != zip_u64(p + 32))
		return damaged(err, "it is split over several files");
	out->n = zip_u64(p + 32);
	out->size = zip_u64(p + 40);
	out->at = zip_u64(p + 48);
	if (!agrees(e->n, ZIP_FULL16, out->n) || !agrees(e->n_here, ZIP_FULL16, out->n) ||
	    !agrees(e->size, ZIP_FULL32, out->size) || !agrees(e->at, ZIP_FULL32, out->at) ||
	    !agrees(e->disk, ZIP_FULL16, 0) || !agrees(e->start_disk, ZIP_FULL16, 0))
		return err_set(err, ERR_UNSAFE, "zip: the two end records contradict each other");
	*end = at;
	return 0;
}

static int read_ends(const struct zip_source *src, const unsigned char *tail, size_t n,
		     struct zip_end *out, struct err *err)
{
	struct end32 e;
	uint64_t end;
	size_t at = 0;

	if (find_end(tail, n, &at, err))
		return -1;
	end = src->size - n + at;
	read_end32(tail + at, &e);
	if (at >= LOCATOR_SIZE && is_signature(tail + at - LOCATOR_SIZE, 6, 7)) {
		end -= LOCATOR_SIZE;
		if (read_end64(src, tail + at - LOCATOR_SIZE, &end, &e, out, err))
			return -1;
	} else {
		*out = (struct zip_end){.at = e.at, .size = e.size, .n = e.n};
		if (e.disk || e.start_disk || e.n_here != e.n)
			return damaged(err, "it is split over several files");
	}
	if (out->size > end || out->at != end - out->size)
		return damaged(err, "the directory is not where the end record says: damaged, or "
				    "something was put in front");
	return 0;
}

int zip_end_read(const struct zip_source *src, struct zip_end *out, struct err *err)
{
	size_t n = src->size < END_SEARCH + LOCATOR_SIZE ? (size_t)src->size
							 : END_SEARCH + LOCATOR_SIZE;
	unsigned char *tail;
	int rc;

	if (n < END_SIZE)
		return damaged(err, "too short to be one");
	tail = xmalloc(n);
	rc = src->read(src->arg, src->size - n, tail, n, err);
	if (!rc)
		rc = read_ends(src, tail, n, out, err);
	free(tail);
	return rc;
}
