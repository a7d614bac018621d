#ifndef TESTS_UNIT_ARTIFACTS_TAR_MAKER_H
#define TESTS_UNIT_ARTIFACTS_TAR_MAKER_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "aws/core/buf.h"

/*
 * Makes tars block by block, honest ones and all kinds of lies, into a buffer.
 *
 *   tm_add(&b, &(struct tm_entry){.name = "a", .text = "content"});
 *   tm_end(&b);
 */
enum tm_format { TM_POSIX, TM_GNU, TM_OLD };

struct tm_entry {
	const char *name;
	const char *prefix;
	const char *text;
	struct str content; /* when it is no text */
	char type;	    /* 0: '0' */
	bool old_type;	    /* a file of Seventh Edition: the type is NUL */
	unsigned mode;	    /* 0: 0644 */
	enum tm_format format;
	const char *link;
	/* lies */
	int64_t size;	   /* added to the truth */
	struct str number; /* in place of the size, as it is */
	struct str mode_number;
	bool checksum;	 /* a wrong one */
	size_t patch_at; /* bytes put anywhere in the header, before the checksum is made */
	struct str patch;
	struct str padding; /* what fills the last block, in part */
};

static inline void tm_pad(struct buf *b, struct str padding)
{
	if (b->n % 512)
		buf_add_str(b, padding);
	while (b->n % 512)
		buf_addc(b, 0);
}

static inline void tm_checksum(char *header, unsigned lie)
{
	unsigned sum = lie;

	memset(header + 148, ' ', 8);
	for (int i = 0; i < 512; i++)
		sum += (unsigned char)header[i];
	snprintf(header + 148, 8, "%06o", sum & 0777777);
}

static inline void tm_copy(char *to, struct str s)
{
	if (s.n)
		memcpy(to, s.p, s.n);
}

static inline void tm_add(struct buf *b, const struct tm_entry *e)
{
	struct str content = e->text ? str_from(e->text) : e->content;
	char h[512] = {0};

	if (e->name)
		memcpy(h, e->name, strnlen(e->name, 100));
	snprintf(h + 100, 8, "%07o", (e->mode ? e->mode : 0644) & 07777777);
	snprintf(h + 108, 8, "%07o", 0u);
	snprintf(h + 116, 8, "%07o", 0u);
	snprintf(h + 124, 12, "%011llo",
		 ((unsigned long long)content.n + (unsigned long long)e->size) & 077777777777ull);
	snprintf(h + 136, 12, "%011o", 0u);
	h[156] = (char)(e->old_type ? 0 : e->type ? e->type : '0');
	if (e->link)
		memcpy(h + 157, e->link, strnlen(e->link, 100));
	if (e->format == TM_POSIX)
		memcpy(h + 257, "ustar\00000", 8);
	if (e->format == TM_GNU)
		memcpy(h + 257, "ustar  \0", 8);
	if (e->prefix)
		memcpy(h + 345, e->prefix, strnlen(e->prefix, 155));
	tm_copy(h + 124, e->number);
	tm_copy(h + 100, e->mode_number);
	tm_copy(h + e->patch_at, e->patch);
	tm_checksum(h, e->checksum);
	buf_add(b, h, sizeof(h));
	buf_add_str(b, content);
	tm_pad(b, e->padding);
}

/* "LENGTH key=value\n", the length counting itself. */
static inline void tm_record(struct buf *b, const char *key, struct str value)
{
	size_t n = strlen(key) + value.n + 3, digits = n < 9 ? 1 : n < 98 ? 2 : n < 997 ? 3 : 4;

	buf_addf(b, "%zu %s=", n + digits, key);
	buf_add_str(b, value);
	buf_addc(b, '\n');
}

/* An extended header of one record; type: 'x' or 'g'. */
static inline void tm_pax(struct buf *b, char type, const char *key, const char *value)
{
	struct buf records;

	buf_init(&records, 1 << 20);
	tm_record(&records, key, str_from(value));
	tm_add(b, &(struct tm_entry){.name = "pax", .type = type, .content = buf_str(&records)});
	buf_release(&records);
}

/* The same of bytes as they are. */
static inline void tm_pax_raw(struct buf *b, char type, struct str records)
{
	tm_add(b, &(struct tm_entry){.name = "pax", .type = type, .content = records});
}

/* GNU's long name, or with type 'K' long link. */
static inline void tm_long(struct buf *b, char type, const char *name)
{
	tm_add(b, &(struct tm_entry){.name = "././@LongLink",
				     .type = type,
				     .format = TM_GNU,
				     .content = {name, strlen(name) + 1}});
}

static inline void tm_end(struct buf *b)
{
	for (int i = 0; i < 1024; i++)
		buf_addc(b, 0);
}

/* Replace what the buffer holds by itself as one member of gzip. */
static inline void tm_gzip(struct buf *b)
{
	uLong room = compressBound(b->n) + 64;
	char *p = malloc(room);
	z_stream z = {0};

	if (!p || deflateInit2(&z, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
	z.next_in = (unsigned char *)b->p;
	z.avail_in = (uInt)b->n;
	z.next_out = (unsigned char *)p;
	z.avail_out = (uInt)room;
	if (deflate(&z, Z_FINISH) != Z_STREAM_END)
		abort();
	buf_clear(b);
	buf_add(b, p, z.total_out);
	deflateEnd(&z);
	free(p);
}

#endif
