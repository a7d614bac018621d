#include "artifacts/pack_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "aws/core/mem.h"

/* Small pieces are gathered, so that a small file costs no system call of its own. */
#define ROOM (128u << 10)

void pack_sink_init(struct pack_sink *s, struct buf *buf, int fd)
{
	*s = (struct pack_sink){.buf = buf, .base = buf ? buf->n : 0, .fd = fd, .p = xmalloc(ROOM)};
}

void pack_sink_release(struct pack_sink *s)
{
	free(s->p);
	s->p = NULL;
}

static int write_at(const struct pack_sink *s, uint64_t at, const void *p, size_t n,
		    struct err *err)
{
	const char *from = p;

	while (n) {
		ssize_t done = pwrite(s->fd, from, n, (off_t)at);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return err_set_sys(err, ERR_SYSTEM, errno, "write the zip");
		from += done;
		at += (uint64_t)done;
		n -= (size_t)done;
	}
	return 0;
}

int pack_sink_flush(struct pack_sink *s, struct err *err)
{
	if (s->buf) {
		buf_add(s->buf, s->p, s->n);
		if (buf_check(s->buf, "the zip", err))
			return -1;
	} else if (write_at(s, s->at, s->p, s->n, err)) {
		return -1;
	}
	s->at += s->n;
	s->n = 0;
	return 0;
}

int pack_sink_add(struct pack_sink *s, const void *p, size_t n, struct err *err)
{
	const unsigned char *from = p;

	while (n) {
		size_t now = n < ROOM - s->n ? n : ROOM - s->n;

		memcpy(s->p + s->n, from, now);
		s->n += now;
		from += now;
		n -= now;
		if (s->n == ROOM && pack_sink_flush(s, err))
			return -1;
	}
	return 0;
}

int pack_sink_patch(struct pack_sink *s, uint64_t at, const void *p, size_t n, struct err *err)
{
	const unsigned char *from = p;

	/* the part that was handed on */
	if (at < s->at) {
		size_t old = s->at - at < n ? (size_t)(s->at - at) : n;

		if (s->buf)
			memcpy(s->buf->p + s->base + at, from, old);
		else if (write_at(s, at, from, old, err))
			return -1;
		at += old;
		from += old;
		n -= old;
	}
	if (n)
		memcpy(s->p + (at - s->at), from, n);
	return 0;
}
