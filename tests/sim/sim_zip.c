/*
 * The least of the zip format (APPNOTE 6.3): stored entries with their sizes in front, Unix modes,
 * UTF-8 names. Enough for every reader, and the same bytes each time.
 */
#include "tests/sim/sim_internal.h"

#define ZIP_MAX (256u << 20)
#define DOS_DATE 0x5c21 /* 2026-01-01 */

uint32_t sim_crc32(struct str data)
{
	uint32_t crc = 0xffffffffu;

	for (size_t i = 0; i < data.n; i++) {
		crc ^= (uint8_t)data.p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ (0xedb88320u & (0u - (crc & 1u)));
	}
	return crc ^ 0xffffffffu;
}

static void le16(struct buf *b, unsigned v)
{
	buf_addc(b, (char)(v & 0xff));
	buf_addc(b, (char)(v >> 8 & 0xff));
}

static void le32(struct buf *b, uint32_t v)
{
	le16(b, v & 0xffff);
	le16(b, v >> 16);
}

void sim_zip_begin(struct sim_zip *z, struct buf *out)
{
	*z = (struct sim_zip){.out = out};
	buf_init(&z->directory, ZIP_MAX);
}

/* What a local header and a directory entry have in common. */
static void common(struct buf *b, struct str name, struct str content)
{
	le16(b, 20);	 /* version needed */
	le16(b, 0x0800); /* names are UTF-8 */
	le16(b, 0);	 /* stored */
	le16(b, 0);	 /* midnight */
	le16(b, DOS_DATE);
	le32(b, sim_crc32(content));
	le32(b, (uint32_t)content.n);
	le32(b, (uint32_t)content.n);
	le16(b, (unsigned)name.n);
	le16(b, 0); /* no extra field */
}

void sim_zip_add(struct sim_zip *z, struct str name, struct str content, unsigned mode)
{
	uint32_t at = (uint32_t)z->out->n;

	le32(z->out, 0x04034b50);
	common(z->out, name, content);
	buf_add_str(z->out, name);
	buf_add_str(z->out, content);

	le32(&z->directory, 0x02014b50);
	le16(&z->directory, 3 << 8 | 20); /* made by Unix */
	common(&z->directory, name, content);
	le16(&z->directory, 0); /* comment */
	le16(&z->directory, 0); /* disk */
	le16(&z->directory, 0);
	le32(&z->directory, (0100000u | mode) << 16);
	le32(&z->directory, at);
	buf_add_str(&z->directory, name);
	z->n++;
}

void sim_zip_end(struct sim_zip *z)
{
	uint32_t at = (uint32_t)z->out->n;

	buf_add_str(z->out, buf_str(&z->directory));
	le32(z->out, 0x06054b50);
	le16(z->out, 0);
	le16(z->out, 0);
	le16(z->out, z->n);
	le16(z->out, z->n);
	le32(z->out, (uint32_t)z->directory.n);
	le32(z->out, at);
	le16(z->out, 0);
	buf_release(&z->directory);
}
