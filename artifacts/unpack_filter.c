#include "artifacts/unpack_parts.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>

#include "artifacts/path.h"
#include "aws/core/mem.h"

/*
 * What lies beneath a compression. Gzip is ours (unpack_gzip.c); of libarchive the other
 * decompressors alone are switched on, over content without a format: what is not there cannot be
 * attacked.
 */
struct filter {
	const struct unpacking *u;
	struct gunzip *gunzip;
	struct archive *archive;
	uint64_t at;	     /* offset in the file of what has not been read yet */
	unsigned char *in;   /* UNPACK_BLOCK, for libarchive */
	struct err read_err; /* of the callback, when it failed */
	const char *format;
};

bool filter_is_compressed(struct str begin)
{
	return str_starts(begin, "\x1f\x8b") || str_starts(begin, "BZh") ||
	       str_starts(begin, "\xfd"
				 "7zXZ") ||
	       str_starts(begin, "\x28\xb5\x2f\xfd");
}

/* The file as it is: at most *n bytes, none at its end. */
static int read_file(struct filter *f, void *p, size_t *n, struct err *err)
{
	uint64_t rest = f->u->size - f->at;

	*n = rest < *n ? (size_t)rest : *n;
	if (unpack_read(f->u, f->at, p, *n, err))
		return -1;
	f->at += *n;
	return 0;
}

static la_ssize_t on_read(struct archive *a, void *arg, const void **p)
{
	struct filter *f = arg;
	size_t n = UNPACK_BLOCK;

	/* a decompressor may go on for long without giving anything */
	if (unpack_check_cancel(f->u, &f->read_err) || read_file(f, f->in, &n, &f->read_err)) {
		archive_set_error(a, EIO, "reading failed");
		return -1;
	}
	*p = f->in;
	return (la_ssize_t)n;
}

/* libarchive failed: its own words, or those of our callback. */
static int failed(struct filter *f, struct err *err)
{
	const char *why = archive_error_string(f->archive);
	char shown[PATH_SHOWN_SIZE];

	if (f->read_err.code != ERR_OK) {
		*err = f->read_err;
		return -1;
	}
	return err_set(err, ERR_MALFORMED, "tar: damaged archive: %s",
		       path_show(str_from(why ? why : "no reason given"), shown));
}

static const char *format_of(struct filter *f)
{
	switch (archive_filter_code(f->archive, 0)) {
	case ARCHIVE_FILTER_BZIP2:
		return "tar + bzip2";
	case ARCHIVE_FILTER_XZ:
		return "tar + xz";
	case ARCHIVE_FILTER_LZMA:
		return "tar + lzma";
	case ARCHIVE_FILTER_ZSTD:
	default: /* no other is switched on, and gzip is not left to libarchive */
		return "tar + zstd";
	}
}

static int open_archive(struct filter *f, struct err *err)
{
	struct archive *a = archive_read_new();
	struct archive_entry *e;
	int layers;

	f->archive = a;
	f->in = xmalloc(UNPACK_BLOCK);
	if (!a || archive_read_support_format_raw(a) != ARCHIVE_OK)
		return err_set(err, ERR_SYSTEM, "libarchive cannot be started");
	archive_read_support_filter_gzip(a); /* in something else: then it is refused */
	archive_read_support_filter_bzip2(a);
	archive_read_support_filter_xz(a);
	archive_read_support_filter_lzma(a);
	archive_read_support_filter_zstd(a);
	if (archive_read_open(a, f, NULL, on_read, NULL) != ARCHIVE_OK ||
	    archive_read_next_header(a, &e) != ARCHIVE_OK)
		return failed(f, err);
	layers = archive_filter_count(a) - 1; /* the file itself counts as one */
	if (!layers)
		return unpack_not_an_archive(f->u, err);
	if (layers > 1)
		return err_set(err, ERR_UNSAFE, "tar: compressed more than once");
	f->format = format_of(f);
	return 0;
}

int filter_open(const struct unpacking *u, struct str begin, bool plain, struct filter **out,
		struct err *err)
{
	struct filter *f = xcalloc(1, sizeof(*f));

	*out = f;
	f->u = u;
	f->format = "tar";
	if (plain)
		return 0;
	if (!str_starts(begin, "\x1f\x8b"))
		return open_archive(f, err);
	f->gunzip = gunzip_new(u);
	f->format = "tar + gzip";
	return 0;
}

void filter_free(struct filter *f)
{
	if (!f)
		return;
	if (f->archive)
		archive_read_free(f->archive);
	gunzip_free(f->gunzip);
	free(f->in);
	free(f);
}

const char *filter_format(const struct filter *f)
{
	return f->format;
}

static bool is_zeros(const unsigned char *p, size_t n)
{
	while (n && !*p) {
		p++;
		n--;
	}
	return !n;
}

/* Some decompressors stop at the end of what is theirs, and keep silent about what follows. Zeros
 * may, as behind gzip: bsdtar fills up what it writes into a pipe. */
static int check_end(struct filter *f, struct err *err)
{
	f->at = (uint64_t)archive_filter_bytes(f->archive, -1);
	for (;;) {
		size_t n = UNPACK_BLOCK;

		if (unpack_check_cancel(f->u, err) || read_file(f, f->in, &n, err))
			return -1;
		if (!n)
			return 0;
		if (!is_zeros(f->in, n))
			return err_set(err, ERR_MALFORMED,
				       "tar: damaged archive: something follows the compressed "
				       "data");
	}
}

int filter_read(struct filter *f, void *p, size_t *n, struct err *err)
{
	la_ssize_t got;

	if (f->gunzip)
		return gunzip_read(f->gunzip, p, n, err);
	if (!f->archive)
		return read_file(f, p, n, err);
	got = archive_read_data(f->archive, p, *n);
	if (got < 0)
		return failed(f, err);
	*n = (size_t)got;
	return got ? 0 : check_end(f, err);
}
