#include "artifacts/unpack_parts.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "aws/core/mem.h"

/*
 * Gzip (RFC 1952), because libarchive does not verify its checksums. Members may follow each other
 * and count as one; zeros behind the last are the padding of tapes and pipes.
 */
struct gunzip {
	const struct unpacking *u;
	z_stream z;
	unsigned char *in; /* UNPACK_BLOCK */
	uint64_t at;	   /* offset in the file of what is not in the window yet */
	bool ready;	   /* zlib found the memory to start */
	bool inside;	   /* of a member */
};

struct gunzip *gunzip_new(const struct unpacking *u)
{
	struct gunzip *g = xcalloc(1, sizeof(*g));

	g->u = u;
	g->in = xmalloc(UNPACK_BLOCK);
	g->ready = inflateInit2(&g->z, MAX_WBITS + 16) == Z_OK;
	return g;
}

void gunzip_free(struct gunzip *g)
{
	if (!g)
		return;
	if (g->ready)
		inflateEnd(&g->z);
	free(g->in);
	free(g);
}

static int refill(struct gunzip *g, struct err *err)
{
	uint64_t rest = g->u->size - g->at;
	size_t n = rest < UNPACK_BLOCK ? (size_t)rest : UNPACK_BLOCK;

	if (unpack_read(g->u, g->at, g->in, n, err))
		return -1;
	g->z.next_in = g->in;
	g->z.avail_in = (uInt)n;
	g->at += n;
	return 0;
}

/* At the end of a member: true when another one follows. */
static int next_member(struct gunzip *g, bool *more, struct err *err)
{
	*more = false;
	do {
		if (!g->z.avail_in && refill(g, err))
			return -1;
		while (g->z.avail_in && !*g->z.next_in) {
			g->z.next_in++;
			g->z.avail_in--;
		}
	} while (!g->z.avail_in && g->at < g->u->size);
	if (!g->z.avail_in)
		return 0;
	*more = true;
	inflateReset(&g->z); /* what is no member it says itself */
	return 0;
}

int gunzip_read(struct gunzip *g, void *p, size_t *n, struct err *err)
{
	size_t cap = *n;
	int rc;

	if (!g->ready)
		return err_set(err, ERR_SYSTEM, "gzip: zlib finds no memory");
	g->z.next_out = p;
	g->z.avail_out = (uInt)cap;
	while (g->z.avail_out == cap) {
		if (!g->inside) {
			if (next_member(g, &g->inside, err))
				return -1;
			if (!g->inside)
				break;
		}
		if (!g->z.avail_in && refill(g, err))
			return -1;
		if (!g->z.avail_in)
			return err_set(err, ERR_MALFORMED, "gzip: the data end too early: cut off");
		rc = inflate(&g->z, Z_NO_FLUSH);
		if (rc == Z_STREAM_END)
			g->inside = false;
		else if (rc == Z_MEM_ERROR || rc == Z_STREAM_ERROR)
			return err_set(err, ERR_SYSTEM, "gzip: zlib finds no memory");
		else if (rc != Z_OK)
			return err_set(err, ERR_MALFORMED, "gzip: the data are damaged: %s",
				       g->z.msg ? g->z.msg : "no reason given");
	}
	*n = cap - g->z.avail_out;
	return 0;
}
