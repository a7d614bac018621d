#include "tests/sim/sim_traffic.h"

#include <stdlib.h>
#include <zlib.h>

/*
 * A reader of zip files, small because it needs only what function code looks like: the central
 * directory is walked, entries are stored or deflated, no ZIP64, no encryption. Format: PKWARE
 * APPNOTE.TXT, sections 4.3.7, 4.3.12 and 4.3.16.
 */

/* Ceiling for one unpacked entry: a test artifact is far smaller. */
#define ENTRY_MAX (16u << 20)

static uint32_t le16(const char *p)
{
	const unsigned char *u = (const unsigned char *)p;
	return (uint32_t)u[0] | (uint32_t)u[1] << 8;
}

static uint32_t le32(const char *p)
{
	return le16(p) | le16(p + 2) << 16;
}

static int inflate_entry(struct str packed, size_t size, char *out, struct err *err)
{
	z_stream z = {0};
	Bytef *in = xmalloc(packed.n + 1);
	int rc;
	if (packed.n)
		memcpy(in, packed.p, packed.n);
	if (inflateInit2(&z, -MAX_WBITS) != Z_OK) {
		free(in);
		return err_set(err, ERR_SYSTEM, "start inflating");
	}
	z.next_in = in;
	z.avail_in = (uInt)packed.n;
	z.next_out = (Bytef *)out;
	z.avail_out = (uInt)size + 1; /* one more shows an entry that is longer than it says */
	rc = inflate(&z, Z_FINISH);
	inflateEnd(&z);
	free(in);
	if (rc != Z_STREAM_END || z.total_out != size)
		return err_set(err, ERR_MALFORMED, "zip entry does not inflate to its size");
	return 0;
}

/* Content of the entry that this header describes; the caller frees *out, which may be NULL. */
static int read_entry(struct str zip, struct str header, char **out, size_t *size, struct err *err)
{
	size_t packed = le32(header.p + 20), local = le32(header.p + 42);
	uint32_t method = le16(header.p + 10);
	*size = le32(header.p + 24);
	*out = NULL;
	if (*size > ENTRY_MAX)
		return err_set(err, ERR_LIMIT, "zip entry is larger than %u bytes", ENTRY_MAX);
	if (local > zip.n || zip.n - local < 30 || memcmp(zip.p + local, "PK\3\4", 4) != 0)
		return err_set(err, ERR_MALFORMED, "zip entry has no local header");
	size_t data = local + 30 + le16(zip.p + local + 26) + le16(zip.p + local + 28);
	if (data > zip.n || zip.n - data < packed)
		return err_set(err, ERR_MALFORMED, "zip entry reaches past the end");
	*out = xmalloc(*size + 2);
	if (method == 8)
		return inflate_entry(str_sub(zip, data, data + packed), *size, *out, err);
	if (method != 0 || packed != *size)
		return err_set(err, ERR_MALFORMED, "zip entry has method %u", method);
	memcpy(*out, zip.p + data, packed);
	return 0;
}

/* Offset of the end record, which a comment of up to 64 KiB may follow. */
static int find_end(struct str zip, size_t *end, struct err *err)
{
	for (size_t back = 22; back <= zip.n && back <= 22 + 65535; back++) {
		if (memcmp(zip.p + zip.n - back, "PK\5\6", 4) == 0) {
			*end = zip.n - back;
			return 0;
		}
	}
	return err_set(err, ERR_MALFORMED, "not a zip file");
}

int sim_zip_each(struct str zip, void (*fn)(void *arg, struct str name, struct str content),
		 void *arg, struct err *err)
{
	size_t end = 0;
	if (find_end(zip, &end, err))
		return -1;
	size_t n = le16(zip.p + end + 10), at = le32(zip.p + end + 16);
	for (size_t i = 0; i < n; i++) {
		if (at > end || end - at < 46 || memcmp(zip.p + at, "PK\1\2", 4) != 0)
			return err_set(err, ERR_MALFORMED, "zip directory is damaged");
		struct str header = str_sub(zip, at, end);
		size_t name_n = le16(header.p + 28), size;
		size_t all = 46 + name_n + le16(header.p + 30) + le16(header.p + 32);
		char *content;
		if (all > header.n)
			return err_set(err, ERR_MALFORMED, "zip directory is damaged");
		int rc = read_entry(zip, header, &content, &size, err);
		if (rc == 0)
			fn(arg, str_sub(header, 46, 46 + name_n), (struct str){content, size});
		free(content);
		if (rc)
			return -1;
		at += all;
	}
	return 0;
}
