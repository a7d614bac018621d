#include "artifacts/unpack_parts.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "artifacts/path.h"
#include "artifacts/zip_directory.h"
#include "aws/core/mem.h"

/*
 * Zip: the directory is read and checked whole, then the entries are written in the order in which
 * they lie in the file. Input goes through a window that reaches over many small entries, and a
 * small entry is inflated in one call, so that a file costs little more than its own open, write
 * and close.
 */

struct unzip {
	struct unpacking *u;
	z_stream z;
	unsigned char *in, *out; /* UNPACK_BLOCK each */
	uint64_t in_at;		 /* offset of the window in the archive */
	size_t in_n;
};

static int refuse(struct err *err, enum err_code code, const struct zip_entry *e, const char *why)
{
	char shown[PATH_SHOWN_SIZE];

	return err_set(err, code, "zip entry %s: %s", path_show(e->path, shown), why);
}

static int read_source(void *arg, uint64_t at, void *p, size_t n, struct err *err)
{
	return unpack_read(arg, at, p, n, err);
}

/* Some bytes of the archive at `at`: at most n, as many as the window has room for. */
static int feed(struct unzip *z, uint64_t at, uint64_t n, unsigned char **p, size_t *got,
		struct err *err)
{
	size_t want = n < UNPACK_BLOCK ? (size_t)n : UNPACK_BLOCK;

	if (at < z->in_at || at + want > z->in_at + z->in_n) {
		uint64_t rest = z->u->size - at;

		z->in_n = 0;
		want = rest < UNPACK_BLOCK ? (size_t)rest : UNPACK_BLOCK;
		if (unpack_read(z->u, at, z->in, want, err))
			return -1;
		z->in_at = at;
		z->in_n = want;
	}
	*p = z->in + (at - z->in_at);
	*got = z->in_n - (size_t)(at - z->in_at);
	if (*got > n)
		*got = (size_t)n;
	return 0;
}

/* What an entry has been so far. */
struct actual {
	uint64_t size;
	uint32_t crc;
};

static int put(struct unzip *z, const struct zip_entry *e, struct actual *actual,
	       const unsigned char *p, size_t n, struct err *err)
{
	actual->size += n;
	if (actual->size > e->size)
		return refuse(err, ERR_UNSAFE, e, "has more content than it declares");
	actual->crc = (uint32_t)crc32_z(actual->crc, p, n);
	return writer_write(z->u->writer, p, n, err);
}

static int copy(struct unzip *z, const struct zip_entry *e, struct actual *actual, struct err *err)
{
	uint64_t at = e->data, left = e->packed;

	while (left) {
		unsigned char *p;
		size_t n;

		if (unpack_check_cancel(z->u, err) || feed(z, at, left, &p, &n, err) ||
		    put(z, e, actual, p, n, err))
			return -1;
		at += n;
		left -= n;
	}
	return 0;
}

static int inflate_entry(struct unzip *z, const struct zip_entry *e, struct actual *actual,
			 struct err *err)
{
	uint64_t at = e->data, left = e->packed; /* not yet given to zlib */
	z_stream *s = &z->z;
	int rc = Z_OK;

	if (inflateReset(s) != Z_OK)
		return refuse(err, ERR_SYSTEM, e, "zlib cannot be reset");
	s->avail_in = 0;
	while (rc != Z_STREAM_END) {
		size_t n, had;

		if (unpack_check_cancel(z->u, err))
			return -1;
		if (!s->avail_in && left) {
			if (feed(z, at, left, &s->next_in, &n, err))
				return -1;
			s->avail_in = (uInt)n;
			at += n;
			left -= n;
		}
		had = s->avail_in;
		s->next_out = z->out;
		s->avail_out = UNPACK_BLOCK;
		/* with all input at hand zlib need not keep a history of the output */
		rc = inflate(s, left || e->size > UNPACK_BLOCK ? Z_NO_FLUSH : Z_FINISH);
		n = UNPACK_BLOCK - s->avail_out;
		if (rc == Z_BUF_ERROR && (n || had != s->avail_in))
			rc = Z_OK;
		if (rc == Z_BUF_ERROR)
			return refuse(err, ERR_MALFORMED, e, "its data ends too early");
		if (rc == Z_MEM_ERROR || rc == Z_STREAM_ERROR)
			return err_set(err, ERR_SYSTEM, "unpack a zip: zlib finds no memory");
		if (rc != Z_OK && rc != Z_STREAM_END)
			return refuse(err, ERR_MALFORMED, e, "its data is damaged");
		if (put(z, e, actual, z->out, n, err))
			return -1;
	}
	if (s->avail_in || left)
		return refuse(err, ERR_UNSAFE, e, "something is hidden behind its data");
	return 0;
}

static int write_file(struct unzip *z, const struct zip_entry *e, struct err *err)
{
	struct actual actual = {0};

	if (writer_open(z->u->writer, e->path, e->executable, err))
		return -1;
	if (e->method == ZIP_STORED ? copy(z, e, &actual, err) : inflate_entry(z, e, &actual, err))
		return -1;
	if (actual.size != e->size)
		return refuse(err, ERR_UNSAFE, e, "has less content than it declares");
	if (actual.crc != e->crc)
		return refuse(err, ERR_MALFORMED, e,
			      "its checksum is wrong: the archive is damaged");
	z->u->stats->files++;
	z->u->stats->bytes += actual.size;
	return writer_close(z->u->writer, err);
}

static int write_entry(struct unzip *z, const struct zip_entry *e, struct err *err)
{
	if (!e->directory)
		return write_file(z, e, err);
	z->u->stats->directories++;
	return e->path.n ? writer_dir(z->u->writer, e->path, err) : 0;
}

static int write_entries(struct unzip *z, const struct zip_directory *d, struct err *err)
{
	for (size_t i = 0; i < d->n; i++)
		if (unpack_check_cancel(z->u, err) || write_entry(z, &d->entries[i], err))
			return -1;
	return 0;
}

int unpack_zip(struct unpacking *u, struct err *err)
{
	struct zip_source source = {.read = read_source, .arg = u, .size = u->size};
	struct unzip z = {.u = u};
	struct zip_directory directory;
	struct arena *a = arena_new();
	int rc = -1;

	u->stats->format = "zip";
	z.in = xmalloc(UNPACK_BLOCK);
	z.out = xmalloc(UNPACK_BLOCK);
	if (inflateInit2(&z.z, -MAX_WBITS) != Z_OK) {
		err_set(err, ERR_SYSTEM, "zlib cannot be started");
	} else {
		rc = zip_directory_read(&source, u->limits, a, &directory, err);
		if (!rc)
			rc = write_entries(&z, &directory, err);
		inflateEnd(&z.z);
	}
	free(z.in);
	free(z.out);
	arena_free(a);
	return rc;
}
