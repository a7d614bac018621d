#include "artifacts/unpack_parts.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "artifacts/names.h"
#include "artifacts/path.h"
#include "artifacts/tar_header.h"
#include "aws/core/buf.h"
#include "aws/core/limits.h"
#include "aws/core/mem.h"

/*
 * Tar, compressed or not. A tar has no directory, so it is checked as it comes, and refused at the
 * first thing that is wrong. Every block is looked at once and in order: headers, content, and the
 * zeros from the first block of zeros to the end, where nothing else may stand.
 */

enum {
	EXTENDED_MAX = 1 << 20, /* an extended header; they hold attributes besides names */
};

struct untar {
	struct unpacking *u;
	struct filter *filter;
	struct names *names;
	unsigned char *in;     /* UNPACK_BLOCK */
	size_t at, n;	       /* what of it has not been used, and its end */
	uint64_t unpacked;     /* has come so far */
	uint64_t max_unpacked; /* what headers, content and padding may come to */
	/* about the entry that comes next */
	struct tar_extension extension;
	struct buf pax, long_name;
	bool has_long_name, has_long_link;
	char path[PATH_SIZE];
};

static int refuse(struct err *err, enum err_code code, struct str name, const char *why)
{
	char shown[PATH_SHOWN_SIZE];

	return err_set(err, code, "tar entry %s: %s", path_show(name, shown), why);
}

/* --- reading ---------------------------------------------------------------------------------- */

/* More, when nothing is left; *more is false at the end. */
static int refill(struct untar *t, bool *more, struct err *err)
{
	size_t n = UNPACK_BLOCK;

	*more = true;
	if (t->at < t->n)
		return 0;
	if (unpack_check_cancel(t->u, err))
		return -1;
	if (filter_read(t->filter, t->in, &n, err))
		return -1;
	t->at = 0;
	t->n = n;
	t->unpacked += n;
	*more = n > 0;
	if (t->unpacked > t->max_unpacked)
		return err_set(err, ERR_LIMIT, "tar: larger than it may be unpacked");
	return 0;
}

static int cut_off(struct err *err)
{
	return err_set(err, ERR_MALFORMED, "tar: damaged archive: it was cut off");
}

/* The next bytes, some but at most n. */
static int take(struct untar *t, uint64_t n, const unsigned char **p, size_t *got, struct err *err)
{
	bool more;

	if (refill(t, &more, err))
		return -1;
	if (!more)
		return cut_off(err);
	*p = t->in + t->at;
	*got = t->n - t->at;
	if (*got > n)
		*got = (size_t)n;
	t->at += *got;
	return 0;
}

static int take_block(struct untar *t, unsigned char out[TAR_BLOCK], struct err *err)
{
	for (size_t have = 0, n; have < TAR_BLOCK; have += n) {
		const unsigned char *p;

		if (take(t, TAR_BLOCK - have, &p, &n, err))
			return -1;
		memcpy(out + have, p, n);
	}
	return 0;
}

static bool is_zeros(const unsigned char *p, size_t n)
{
	while (n && !*p) {
		p++;
		n--;
	}
	return !n;
}

static size_t padding_of(uint64_t size)
{
	return (size_t)(-size % TAR_BLOCK);
}

/* What fills the last block. That of an extended header is read as part of it by some readers; that
 * of a file is looked at by nobody, and old writers leave there what they had at hand. */
static int skip_padding(struct untar *t, uint64_t size, bool extended, struct err *err)
{
	for (size_t left = padding_of(size), n; left; left -= n) {
		const unsigned char *p;

		if (take(t, left, &p, &n, err))
			return -1;
		if (extended && !is_zeros(p, n))
			return err_set(err, ERR_UNSAFE,
				       "tar: something is hidden behind an extended header");
	}
	return 0;
}

/* The mark has come: nothing but zeros up to the end. */
static int read_end(struct untar *t, struct err *err)
{
	for (;;) {
		bool more;

		if (refill(t, &more, err))
			return -1;
		if (!more)
			return 0;
		if (!is_zeros(t->in + t->at, t->n - t->at))
			return err_set(err, ERR_MALFORMED,
				       "tar: something follows the mark at its end");
		t->at = t->n;
	}
}

/* --- headers ---------------------------------------------------------------------------------- */

/* The content of a header that describes the entry behind it. */
static int read_extended(struct untar *t, const struct tar_header *h, struct buf *out,
			 struct err *err)
{
	buf_clear(out);
	if (h->size > EXTENDED_MAX)
		return err_set(err, ERR_LIMIT, "tar: an extended header of %llu bytes",
			       (unsigned long long)h->size);
	for (uint64_t left = h->size; left;) {
		const unsigned char *p;
		size_t n;

		if (take(t, left, &p, &n, err))
			return -1;
		buf_add(out, p, n);
		left -= n;
	}
	return skip_padding(t, h->size, true, err);
}

static int twice(struct err *err)
{
	return err_set(err, ERR_UNSAFE, "tar: two extended headers describe the same entry");
}

static int read_pax(struct untar *t, const struct tar_header *h, struct err *err)
{
	struct tar_extension ignored = {0};
	struct buf global;
	int rc;

	if (h->kind == TAR_PAX) {
		if (t->extension.seen)
			return twice(err);
		t->extension.seen = true;
		return read_extended(t, h, &t->pax, err) ||
				       tar_pax_read(buf_str(&t->pax), false, &t->extension, err)
			       ? -1
			       : 0;
	}
	buf_init(&global, EXTENDED_MAX);
	rc = read_extended(t, h, &global, err) ||
			     tar_pax_read(buf_str(&global), true, &ignored, err)
		     ? -1
		     : 0;
	buf_release(&global);
	return rc;
}

/* GNU's: the name, and a NUL or more behind it. */
static int read_long_name(struct untar *t, const struct tar_header *h, struct err *err)
{
	bool *seen = h->kind == TAR_LONG_NAME ? &t->has_long_name : &t->has_long_link;
	struct buf ignored, *to = h->kind == TAR_LONG_NAME ? &t->long_name : &ignored;
	int rc;

	if (*seen)
		return twice(err);
	*seen = true;
	buf_init(&ignored, EXTENDED_MAX);
	rc = read_extended(t, h, to, err);
	while (!rc && to->n && !to->p[to->n - 1])
		to->n--;
	buf_release(&ignored);
	return rc;
}

/* --- entries ---------------------------------------------------------------------------------- */

static int check_kind(const struct untar *t, const struct tar_header *h, struct str name,
		      struct err *err)
{
	if (h->kind == TAR_HARD_LINK)
		return refuse(err, ERR_UNSAFE, name, "is a hard link; links are refused");
	if (h->kind == TAR_SYMLINK)
		return refuse(err, ERR_UNSAFE, name, "is a symbolic link; links are refused");
	if (h->kind == TAR_SPECIAL)
		return refuse(err, ERR_UNSAFE, name, "is neither a file nor a directory");
	if (h->kind == TAR_SPARSE || t->extension.is_sparse)
		return refuse(err, ERR_REJECTED, name,
			      "is sparse; make the archive without tar's --sparse");
	if (h->kind == TAR_UNKNOWN)
		return refuse(err, ERR_REJECTED, name, "is of a kind that is not supported");
	if (t->extension.is_link || t->has_long_link)
		return refuse(err, ERR_UNSAFE, name, "has the target of a link; links are refused");
	if (h->kind == TAR_FILE && h->mode & (S_ISUID | S_ISGID))
		return refuse(err, ERR_UNSAFE, name, "is set-user-id or set-group-id");
	return 0;
}

static int check_sizes(const struct untar *t, const struct tar_header *h, struct str name,
		       struct err *err)
{
	if (h->kind == TAR_DIRECTORY && h->size)
		return refuse(err, ERR_UNSAFE, name, "is a directory with content");
	if (h->size > (uint64_t)t->u->limits->max_entry_bytes)
		return refuse(err, ERR_LIMIT, name, "is larger than one file may be");
	if (h->size > (uint64_t)t->u->limits->max_bytes - t->u->stats->bytes)
		return refuse(err, ERR_LIMIT, name,
			      "with it the archive is larger than it may be unpacked");
	return 0;
}

/* Name and size, which extended headers may give in place of the header. */
static int apply_extended(const struct untar *t, struct tar_header *h, struct str *name,
			  struct err *err)
{
	const struct tar_extension *x = &t->extension;

	*name = str_from(h->name);
	if (x->path.p && t->has_long_name)
		return refuse(err, ERR_UNSAFE, x->path, "has two different names");
	if (x->path.p)
		*name = x->path;
	else if (t->has_long_name)
		*name = buf_str(&t->long_name);
	/* what the header has no room for it leaves out; else a reader that knows no extended
	 * headers would find the next one elsewhere */
	if (x->has_size && x->size != h->size && (h->size || x->size < 1ull << 33))
		return refuse(err, ERR_UNSAFE, *name, "has two different sizes");
	if (x->has_size)
		h->size = x->size;
	return 0;
}

static int write_content(struct untar *t, uint64_t size, struct err *err)
{
	for (uint64_t left = size; left;) {
		const unsigned char *p;
		size_t n;

		if (take(t, left, &p, &n, err) || writer_write(t->u->writer, p, n, err))
			return -1;
		left -= n;
	}
	t->u->stats->bytes += size;
	return skip_padding(t, size, false, err);
}

static int write_entry(struct untar *t, struct tar_header *h, struct err *err)
{
	bool directory = h->kind == TAR_DIRECTORY;
	struct path path;
	struct str name;

	if (apply_extended(t, h, &name, err))
		return -1;
	if (path_normalize(name, (size_t)t->u->limits->max_depth, t->path, &path, err))
		return err_wrap(err, "tar");
	if (check_kind(t, h, name, err))
		return -1;
	if (path.directory && !directory)
		return refuse(err, ERR_UNSAFE, name,
			      "is a file by its type and a directory by its name");
	if (check_sizes(t, h, name, err))
		return -1;
	if (names_add(t->names, &path, directory, err))
		return err_wrap(err, "tar");
	if (directory) {
		t->u->stats->directories++;
		return path.text.n ? writer_dir(t->u->writer, path.text, err) : 0;
	}
	t->u->stats->files++;
	if (writer_open(t->u->writer, path.text, h->mode & S_IXUSR, err) ||
	    write_content(t, h->size, err))
		return -1;
	return writer_close(t->u->writer, err);
}

static int read_entry(struct untar *t, struct tar_header *h, int64_t *n, struct err *err)
{
	if (++*n > t->u->limits->max_entries)
		return err_set(err, ERR_LIMIT, "tar: more than %lld entries",
			       (long long)t->u->limits->max_entries);
	if (write_entry(t, h, err))
		return -1;
	t->extension = (struct tar_extension){0};
	t->has_long_name = t->has_long_link = false;
	return 0;
}

static int read_entries(struct untar *t, struct err *err)
{
	unsigned char block[TAR_BLOCK];
	int64_t n = 0;

	for (;;) {
		struct tar_header h;
		bool more;
		int rc;

		if (refill(t, &more, err))
			return -1;
		if (!more)
			return err_set(err, ERR_MALFORMED,
				       "tar: the mark at its end is missing: it was cut off");
		if (take_block(t, block, err))
			return -1;
		if (is_zeros(block, sizeof(block)))
			break;
		if (tar_header_read(block, &h, err))
			return -1;
		if (h.kind == TAR_PAX || h.kind == TAR_PAX_GLOBAL)
			rc = read_pax(t, &h, err);
		else if (h.kind == TAR_LONG_NAME || h.kind == TAR_LONG_LINK)
			rc = read_long_name(t, &h, err);
		else
			rc = read_entry(t, &h, &n, err);
		if (rc)
			return -1;
	}
	if (t->extension.seen || t->has_long_name || t->has_long_link)
		return err_set(err, ERR_MALFORMED, "tar: an extended header describes no entry");
	return read_end(t, err);
}

/* Is it a tar at all? */
static int check_begin(struct untar *t, struct err *err)
{
	struct str begin;
	bool more;

	if (refill(t, &more, err))
		return -1;
	begin = (struct str){(const char *)t->in, t->n};
	if (begin.n >= TAR_BLOCK && (tar_is_header(t->in) || is_zeros(t->in, TAR_BLOCK)))
		return 0;
	if (filter_is_compressed(begin))
		return err_set(err, ERR_UNSAFE, "tar: compressed more than once");
	return err_set(err, ERR_MALFORMED, "not an archive: compressed, but damaged or not a tar");
}

/*
 * Each entry has a header and padding, and may have as much again for a long name; then there is
 * padding at the end.
 */
static uint64_t max_unpacked(const struct unpack_limits *l)
{
	return (uint64_t)l->max_bytes + (uint64_t)l->max_entries * 8192 + (16u << 20);
}

static int read_tar(struct untar *t, struct str begin, struct err *err)
{
	bool plain = begin.n == TAR_BLOCK && tar_is_header((const unsigned char *)begin.p);

	if (!plain && !filter_is_compressed(begin) && !str_starts(begin, "\x5d"))
		return unpack_not_an_archive(t->u, err);
	if (filter_open(t->u, begin, plain, &t->filter, err))
		return -1;
	if (check_begin(t, err))
		return -1;
	t->u->stats->format = filter_format(t->filter);
	return read_entries(t, err);
}

int unpack_tar(struct unpacking *u, struct str begin, struct err *err)
{
	struct untar *t = xcalloc(1, sizeof(*t));
	int rc;

	t->u = u;
	t->names = names_new();
	t->max_unpacked = max_unpacked(u->limits);
	t->in = xmalloc(UNPACK_BLOCK);
	buf_init(&t->pax, EXTENDED_MAX);
	buf_init(&t->long_name, EXTENDED_MAX);
	rc = read_tar(t, begin, err);
	filter_free(t->filter);
	names_free(t->names);
	buf_release(&t->pax);
	buf_release(&t->long_name);
	free(t->in);
	free(t);
	return rc;
}
