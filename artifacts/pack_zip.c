#include "artifacts/pack_parts.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "artifacts/path.h"
#include "aws/core/cancel.h"
#include "aws/core/mem.h"

/*
 * Source of the format: PKWARE's APPNOTE.TXT 6.3.10. A local header is written with empty sizes and
 * completed when the data is there. Input reaches zlib in pieces of one fixed size, whatever it
 * comes from: its output may depend on how the input is cut.
 */

enum {
	PIECE = 64 << 10,
	LOCAL_SIZE = 30,
	LOCAL_CRC = 14, /* offset of CRC and sizes in it */
	CENTRAL_SIZE = 46,
	END_SIZE = 22,
	VERSION = 20, /* 2.0: deflate and directories */
	MADE_BY_UNIX = 3 << 8,
	FLAG_UTF8 = 1 << 11,
	DATE_1980 = 1 << 5 | 1, /* the first day DOS knows */
	DOS_DIRECTORY = 0x10,
	ENTRIES_MAX = 65534,
};
#define SIZE_MAX_ZIP 0xfffffffeu /* one more means zip64 */

struct pack_zip {
	struct pack_sink *sink;
	struct buf directory;
	size_t n;
	z_stream z;
	bool z_ready;
	unsigned char *in, *out; /* PIECE each */
};

struct added {
	struct str name;
	uint64_t header; /* offset */
	uint64_t packed, size;
	uint32_t crc;
	uint16_t method, flags;
	uint32_t mode;
};

struct pack_zip *pack_zip_new(struct pack_sink *sink)
{
	struct pack_zip *z = xcalloc(1, sizeof(*z));

	z->sink = sink;
	z->in = xmalloc(PIECE);
	z->out = xmalloc(PIECE);
	/* ENTRIES_MAX records of the longest name, and the '/' of a directory */
	buf_init(&z->directory, (size_t)ENTRIES_MAX * (CENTRAL_SIZE + LIMIT_ENTRY_NAME + 1));
	return z;
}

void pack_zip_free(struct pack_zip *z)
{
	if (!z)
		return;
	if (z->z_ready)
		deflateEnd(&z->z);
	buf_release(&z->directory);
	free(z->in);
	free(z->out);
	free(z);
}

static unsigned char *put16(unsigned char *p, unsigned v)
{
	p[0] = (unsigned char)v;
	p[1] = (unsigned char)(v >> 8);
	return p + 2;
}

static unsigned char *put32(unsigned char *p, uint64_t v)
{
	put16(p, (unsigned)v & 0xffff);
	return put16(p + 2, (unsigned)(v >> 16) & 0xffff);
}

static uint64_t position(const struct pack_zip *z)
{
	return z->sink->at + z->sink->n;
}

static int refuse(struct err *err, enum err_code code, struct str name, const char *why)
{
	char shown[PATH_SHOWN_SIZE];

	return err_set(err, code, "zip entry %s: %s", path_show(name, shown), why);
}

/* --- records ---------------------------------------------------------------------------------- */

/* What local headers and the directory have in common, from "version needed" to the name. */
static unsigned char *put_common(unsigned char *p, const struct added *e)
{
	p = put16(p, VERSION);
	p = put16(p, e->flags);
	p = put16(p, e->method);
	p = put16(p, 0); /* time */
	p = put16(p, DATE_1980);
	p = put32(p, e->crc);
	p = put32(p, e->packed);
	p = put32(p, e->size);
	p = put16(p, (unsigned)e->name.n);
	return put16(p, 0); /* no extra field */
}

static int add_local(struct pack_zip *z, const struct added *e, struct err *err)
{
	unsigned char p[LOCAL_SIZE];

	memcpy(p, "PK\3\4", 4);
	put_common(p + 4, e);
	return pack_sink_add(z->sink, p, sizeof(p), err) ||
			       pack_sink_add(z->sink, e->name.p, e->name.n, err)
		       ? -1
		       : 0;
}

static int complete_local(struct pack_zip *z, const struct added *e, struct err *err)
{
	unsigned char p[12];

	put32(put32(put32(p, e->crc), e->packed), e->size);
	return pack_sink_patch(z->sink, e->header + LOCAL_CRC, p, sizeof(p), err);
}

static void add_central(struct pack_zip *z, const struct added *e)
{
	unsigned char p[CENTRAL_SIZE] = {0}, *rest;

	memcpy(p, "PK\1\2", 4);
	rest = put_common(put16(p + 4, MADE_BY_UNIX | VERSION), e);
	rest = put16(rest, 0); /* comment */
	rest = put16(rest, 0); /* disk */
	rest = put16(rest, 0); /* internal attributes */
	rest = put32(rest, (uint64_t)e->mode << 16 | (S_ISDIR(e->mode) ? DOS_DIRECTORY : 0));
	put32(rest, e->header);
	buf_add(&z->directory, p, sizeof(p));
	buf_add_str(&z->directory, e->name);
}

/* --- content ---------------------------------------------------------------------------------- */

/* The next piece into z->in: PIECE bytes, or fewer at the end only. */
static int next_piece(struct pack_zip *z, struct pack_source *s, size_t *n, struct err *err)
{
	*n = 0;
	if (cancel_is_fired(s->cancel))
		return err_set(err, ERR_CANCELED, "packing was canceled");
	if (s->fd < 0) {
		*n = s->bytes.n < PIECE ? s->bytes.n : PIECE;
		if (*n)
			memcpy(z->in, s->bytes.p, *n);
		s->bytes = str_sub(s->bytes, *n, s->bytes.n);
		return 0;
	}
	while (*n < PIECE) {
		ssize_t got = read(s->fd, z->in + *n, PIECE - *n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set_sys(err, ERR_SYSTEM, errno, "read the file");
		if (!got)
			break;
		*n += (size_t)got;
	}
	return 0;
}

static int start_deflate(struct pack_zip *z, struct err *err)
{
	int rc;

	if (z->z_ready)
		rc = deflateReset(&z->z);
	else
		rc = deflateInit2(&z->z, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
	if (rc != Z_OK)
		return err_set(err, ERR_SYSTEM, "zlib cannot be started");
	z->z_ready = true;
	return 0;
}

/* Give zlib what is in z->in, and the sink what comes out. */
static int deflate_piece(struct pack_zip *z, struct added *e, size_t n, bool last, struct err *err)
{
	z_stream *s = &z->z;

	s->next_in = z->in;
	s->avail_in = (uInt)n;
	do {
		size_t made;

		s->next_out = z->out;
		s->avail_out = PIECE;
		if (deflate(s, last ? Z_FINISH : Z_NO_FLUSH) == Z_STREAM_ERROR)
			return err_set(err, ERR_SYSTEM, "zlib failed");
		made = PIECE - s->avail_out;
		e->packed += made;
		if (pack_sink_add(z->sink, z->out, made, err))
			return -1;
	} while (!s->avail_out);
	return 0;
}

/* declared: how much there is; a file that goes on is not followed. */
static int add_content(struct pack_zip *z, struct added *e, struct pack_source *s,
		       uint64_t declared, struct err *err)
{
	bool last = false;
	size_t n;

	if (start_deflate(z, err))
		return -1;
	while (!last) {
		if (next_piece(z, s, &n, err))
			return -1;
		last = n < PIECE;
		e->size += n;
		e->crc = (uint32_t)crc32_z(e->crc, z->in, n);
		if (e->size > declared || (last && e->size < declared))
			return refuse(err, ERR_CONFLICT, e->name, "changed while it was packed");
		if (deflate_piece(z, e, n, last, err))
			return -1;
	}
	return 0;
}

static bool is_ascii(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
	return true;
}

int pack_zip_add(struct pack_zip *z, struct str name, bool executable, struct pack_source *source,
		 struct err *err)
{
	uint64_t size = !source ? 0 : source->fd < 0 ? source->bytes.n : source->size;
	struct added e = {
		.name = name,
		.header = position(z),
		.method = size ? Z_DEFLATED : 0,
		.flags = is_ascii(name) ? 0 : FLAG_UTF8,
		.mode = !source ? S_IFDIR | 0755 : S_IFREG | (executable ? 0755 : 0644),
	};

	if (z->n == ENTRIES_MAX)
		return err_set(err, ERR_LIMIT, "zip: more than %d entries", ENTRIES_MAX);
	if (size > SIZE_MAX_ZIP)
		return refuse(err, ERR_LIMIT, name, "is larger than 4 GiB");
	if (add_local(z, &e, err))
		return -1;
	if (size && (add_content(z, &e, source, size, err) || complete_local(z, &e, err)))
		return err_wrap(err, "pack");
	if (position(z) > SIZE_MAX_ZIP)
		return err_set(err, ERR_LIMIT, "zip: larger than 4 GiB");
	add_central(z, &e);
	z->n++;
	return 0;
}

int pack_zip_end(struct pack_zip *z, uint64_t *size, struct err *err)
{
	uint64_t at = position(z);
	unsigned char p[END_SIZE] = {0}, *rest;

	assert(!z->directory.over);
	if (at + z->directory.n > SIZE_MAX_ZIP)
		return err_set(err, ERR_LIMIT, "zip: larger than 4 GiB");
	memcpy(p, "PK\5\6", 4);
	rest = put16(p + 8, (unsigned)z->n);
	rest = put16(rest, (unsigned)z->n);
	rest = put32(rest, z->directory.n);
	put32(rest, at);
	*size = at + z->directory.n + END_SIZE;
	return pack_sink_add(z->sink, z->directory.p, z->directory.n, err) ||
			       pack_sink_add(z->sink, p, sizeof(p), err) ||
			       pack_sink_flush(z->sink, err)
		       ? -1
		       : 0;
}
