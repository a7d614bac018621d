#ifndef TESTS_UNIT_ARTIFACTS_ZIP_MAKER_H
#define TESTS_UNIT_ARTIFACTS_ZIP_MAKER_H

#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <zlib.h>

#include "aws/core/buf.h"
#include "aws/core/mem.h"

/*
 * Makes zips byte by byte, honest ones and all kinds of lies: every number of every record can be
 * moved away from the truth.
 *
 *   struct zm z;
 *   zm_begin(&z);
 *   zm_add(&z, &(struct zm_entry){.name = "a", .text = "content"});
 *   zm_end(&z, NULL);        z.out holds the zip
 *   zm_release(&z);
 */
struct zm_entry {
	const char *name;
	struct str name_str; /* when it has bytes no C string can have */
	const char *text;
	struct str content; /* when it is no text */
	bool deflate;
	uint16_t flags;	     /* in both records */
	uint16_t method;     /* added to the true one, in both records */
	uint32_t mode;	     /* the upper half of the external attributes */
	uint32_t dos;	     /* and the lower */
	struct str comment;
	bool zip64;	     /* sizes in zip64 fields, in both records */
	bool no_zip64_field; /* sizes say "see zip64", and the field is missing */
	int descriptor;	     /* 12, 16, 20 or 24 bytes; local sizes are 0 then */
	bool local_sizes;    /* with a descriptor: give them all the same */
	bool no_descriptor;  /* announce it by flag only */
	struct str extra;    /* in the directory */
	struct str local_extra;
	struct str hidden; /* bytes behind data and descriptor */
	/* lies in the directory; added to the truth */
	int64_t size, packed, header, disk;
	uint32_t crc;
	/* lies in the local header */
	const char *local_name;
	uint16_t local_flags, local_method;
	int64_t local_size, local_packed, local_signature;
	uint32_t local_crc;
	bool local_wide; /* sizes say "see zip64", and there is no such field */
	int64_t descriptor_size;
	/* lies in both */
	int64_t both_size;
	uint32_t both_crc;
};

struct zm_end {
	const char *comment;
	int64_t n, n_here, at, size, disk; /* added to the truth, in the old record */
	bool zip64;
	int64_t n64, at64, size64, locator, record, disks64,
		disks;	   /* likewise, in the new records */
	bool full;	   /* the old record says "see zip64" everywhere */
	struct str behind; /* the directory */
};

struct zm {
	struct buf out, directory;
	uint64_t n;
};

static inline void zm_begin(struct zm *z)
{
	buf_init(&z->out, 1u << 30);
	buf_init(&z->directory, 1u << 30);
	z->n = 0;
}

static inline void zm_release(struct zm *z)
{
	buf_release(&z->out);
	buf_release(&z->directory);
}

static inline void zm_put(struct buf *b, int bytes, uint64_t v)
{
	for (int i = 0; i < bytes; i++)
		buf_addc(b, (char)(unsigned char)(v >> (8 * i)));
}

static inline struct str zm_deflate(struct str s)
{
	uLong room = compressBound(s.n) + 64;
	z_stream z = {0};
	char *p = xmalloc(room);

	if (deflateInit2(&z, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
	z.next_in = (unsigned char *)(uintptr_t)s.p;
	z.avail_in = (uInt)s.n;
	z.next_out = (unsigned char *)p;
	z.avail_out = (uInt)room;
	if (deflate(&z, Z_FINISH) != Z_STREAM_END)
		abort();
	deflateEnd(&z);
	return (struct str){p, z.total_out};
}

struct zm_truth {
	struct str name, data;
	uint64_t size, header;
	uint32_t crc;
	uint16_t method, flags;
};

static inline void zm_zip64_field(struct buf *b, uint64_t size, uint64_t packed)
{
	zm_put(b, 2, 1);
	zm_put(b, 2, 16);
	zm_put(b, 8, size);
	zm_put(b, 8, packed);
}

static inline void zm_local(struct zm *z, const struct zm_entry *e, const struct zm_truth *t)
{
	struct str name = e->local_name ? str_from(e->local_name) : t->name;
	bool later = e->descriptor && !e->local_sizes;
	uint64_t packed = later ? 0 : t->data.n, size = later ? 0 : t->size;
	bool wide = e->zip64 || e->no_zip64_field || e->local_wide;

	packed += (uint64_t)e->local_packed;
	size += (uint64_t)(e->local_size + e->both_size);
	zm_put(&z->out, 4, 0x04034b50 + (uint64_t)e->local_signature);
	zm_put(&z->out, 2, 20);
	zm_put(&z->out, 2, t->flags ^ e->local_flags);
	zm_put(&z->out, 2, (uint64_t)t->method + e->local_method);
	zm_put(&z->out, 4, 0x21u << 16);
	zm_put(&z->out, 4, (later ? 0 : t->crc) + e->local_crc);
	zm_put(&z->out, 4, wide ? 0xffffffffu : packed);
	zm_put(&z->out, 4, wide ? 0xffffffffu : size);
	zm_put(&z->out, 2, name.n);
	zm_put(&z->out, 2, e->local_extra.n + (e->zip64 ? 20 : 0));
	buf_add_str(&z->out, name);
	if (e->zip64)
		zm_zip64_field(&z->out, size, packed);
	buf_add_str(&z->out, e->local_extra);
}

static inline void zm_descriptor(struct zm *z, const struct zm_entry *e, const struct zm_truth *t)
{
	int wide = e->descriptor == 20 || e->descriptor == 24 ? 8 : 4;

	if (e->descriptor == 16 || e->descriptor == 24)
		zm_put(&z->out, 4, 0x08074b50);
	zm_put(&z->out, 4, t->crc);
	zm_put(&z->out, wide, t->data.n);
	zm_put(&z->out, wide, t->size + (uint64_t)e->descriptor_size);
}

static inline void zm_central(struct zm *z, const struct zm_entry *e, const struct zm_truth *t)
{
	bool wide = e->zip64 || e->no_zip64_field;
	uint64_t packed = t->data.n + (uint64_t)e->packed;
	uint64_t size = t->size + (uint64_t)(e->size + e->both_size);

	zm_put(&z->directory, 4, 0x02014b50);
	zm_put(&z->directory, 2, 0x031e);
	zm_put(&z->directory, 2, 20);
	zm_put(&z->directory, 2, t->flags);
	zm_put(&z->directory, 2, t->method);
	zm_put(&z->directory, 4, 0x21u << 16);
	zm_put(&z->directory, 4, t->crc + e->crc);
	zm_put(&z->directory, 4, wide ? 0xffffffffu : packed);
	zm_put(&z->directory, 4, wide ? 0xffffffffu : size);
	zm_put(&z->directory, 2, t->name.n);
	zm_put(&z->directory, 2, e->extra.n + (e->zip64 ? 20 : 0));
	zm_put(&z->directory, 2, e->comment.n);
	zm_put(&z->directory, 2, (uint64_t)e->disk);
	zm_put(&z->directory, 2, 0);
	zm_put(&z->directory, 4, (uint64_t)e->mode << 16 | e->dos);
	zm_put(&z->directory, 4, t->header + (uint64_t)e->header);
	buf_add_str(&z->directory, t->name);
	if (e->zip64)
		zm_zip64_field(&z->directory, size, packed);
	buf_add_str(&z->directory, e->extra);
	buf_add_str(&z->directory, e->comment);
	z->n++;
}

static inline void zm_add(struct zm *z, const struct zm_entry *e)
{
	struct zm_truth t = {.name = e->name ? str_from(e->name) : e->name_str, .header = z->out.n};
	struct str content = e->text ? str_from(e->text) : e->content;
	const unsigned char *p = (const unsigned char *)(content.n ? content.p : "");

	t.size = content.n;
	t.crc = (uint32_t)crc32(0, p, (uInt)content.n) + e->both_crc;
	t.flags = e->flags;
	if (e->descriptor || e->no_descriptor)
		t.flags |= 8;
	t.method = (uint16_t)((e->deflate ? 8 : 0) + e->method);
	t.data = e->deflate ? zm_deflate(content) : content;
	zm_local(z, e, &t);
	buf_add_str(&z->out, t.data);
	if (e->descriptor)
		zm_descriptor(z, e, &t);
	buf_add_str(&z->out, e->hidden);
	zm_central(z, e, &t);
	if (e->deflate)
		free((void *)(uintptr_t)t.data.p);
}

static inline void zm_end64(struct zm *z, const struct zm_end *e, uint64_t at, uint64_t size)
{
	uint64_t record = z->out.n;

	zm_put(&z->out, 4, 0x06064b50);
	zm_put(&z->out, 8, 44 + (uint64_t)e->record);
	zm_put(&z->out, 4, 45u << 16 | 45);
	zm_put(&z->out, 8, (uint64_t)e->disks64);
	zm_put(&z->out, 8, z->n + (uint64_t)e->n64);
	zm_put(&z->out, 8, z->n + (uint64_t)e->n64);
	zm_put(&z->out, 8, size + (uint64_t)e->size64);
	zm_put(&z->out, 8, at + (uint64_t)e->at64);
	zm_put(&z->out, 4, 0x07064b50);
	zm_put(&z->out, 4, (uint64_t)e->disks);
	zm_put(&z->out, 8, record + (uint64_t)e->locator);
	zm_put(&z->out, 4, 1);
}

/* e may be NULL: the truth. */
static inline void zm_end(struct zm *z, const struct zm_end *e)
{
	const struct zm_end truth = {0};
	uint64_t at = z->out.n, size = z->directory.n;
	struct str comment;

	if (!e)
		e = &truth;
	comment = str_from(e->comment);
	buf_add(&z->out, z->directory.p, z->directory.n);
	buf_add_str(&z->out, e->behind);
	if (e->zip64)
		zm_end64(z, e, at, size);
	zm_put(&z->out, 4, 0x06054b50);
	zm_put(&z->out, 4, (uint64_t)e->disk);
	zm_put(&z->out, 2, e->full ? 0xffff : z->n + (uint64_t)e->n_here);
	zm_put(&z->out, 2, e->full ? 0xffff : z->n + (uint64_t)e->n);
	zm_put(&z->out, 4, e->full ? 0xffffffffu : size + (uint64_t)e->size);
	zm_put(&z->out, 4, e->full ? 0xffffffffu : at + (uint64_t)e->at);
	zm_put(&z->out, 2, comment.n);
	buf_add_str(&z->out, comment);
}

#endif
