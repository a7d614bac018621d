#include "artifacts/unpack_parts.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "artifacts/names.h"
#include "artifacts/path.h"
#include "aws/core/limits.h"
#include "aws/core/mem.h"

/*
 * Tar, compressed or not: libarchive reads, we write. A tar has no directory, so it is checked as
 * it comes, and refused at the first thing that is wrong.
 *
 * Of libarchive only the tar reader and four decompressors are switched on: what is not there
 * cannot be attacked. It is told to read on behind the end mark, so that every checksum of the
 * compression is reached, and nothing is hidden there.
 */

struct untar {
	struct unpacking *u;
	struct archive *archive;
	struct names *names;
	unsigned char *in, *out; /* UNPACK_BLOCK each */
	uint64_t at;		 /* offset in the file */
	struct gunzip *gunzip;	 /* when it is compressed with gzip */
	la_int64_t end;		 /* of the last entry, in the unpacked tar */
	uint64_t max_unpacked;	 /* what headers, content and padding may come to */
	struct err read_err;	 /* of the callback, when it failed */
	char path[PATH_SIZE];
};

static int refuse(struct err *err, enum err_code code, const char *name, const char *why)
{
	char shown[PATH_SHOWN_SIZE];

	return err_set(err, code, "tar entry %s: %s", path_show(str_from(name), shown), why);
}

/* --- reading ---------------------------------------------------------------------------------- */

static int read_more(struct untar *t, size_t *n, struct err *err)
{
	uint64_t rest = t->u->size - t->at;

	if (unpack_check_cancel(t->u, err))
		return -1;
	if (archive_filter_bytes(t->archive, 0) > (la_int64_t)t->max_unpacked)
		return err_set(err, ERR_LIMIT, "tar: larger than it may be unpacked");
	if (t->gunzip)
		return gunzip_read(t->gunzip, t->in, n, err);
	*n = rest < *n ? (size_t)rest : *n;
	if (unpack_read(t->u, t->at, t->in, *n, err))
		return -1;
	t->at += *n;
	return 0;
}

static la_ssize_t on_read(struct archive *a, void *arg, const void **p)
{
	struct untar *t = arg;
	size_t n = UNPACK_BLOCK;

	if (read_more(t, &n, &t->read_err)) {
		archive_set_error(a, EIO, "reading failed");
		return -1;
	}
	*p = t->in;
	return (la_ssize_t)n;
}

/* libarchive failed: its own words, or those of our callback. */
static int failed(struct untar *t, const char *what, struct err *err)
{
	const char *why = archive_error_string(t->archive);
	char shown[PATH_SHOWN_SIZE];

	if (t->read_err.code != ERR_OK) {
		*err = t->read_err;
		return -1;
	}
	return err_set(err, ERR_MALFORMED, "%s: damaged archive: %s", what,
		       path_show(str_from(why ? why : "no reason given"), shown));
}

static const char *format_of(const struct untar *t)
{
	switch (archive_filter_code(t->archive, 0)) {
	case ARCHIVE_FILTER_NONE:
		return t->gunzip ? "tar + gzip" : "tar";
	case ARCHIVE_FILTER_BZIP2:
		return "tar + bzip2";
	case ARCHIVE_FILTER_XZ:
		return "tar + xz";
	case ARCHIVE_FILTER_LZMA:
		return "tar + lzma";
	case ARCHIVE_FILTER_ZSTD:
		return "tar + zstd";
	default:
		return "tar + other";
	}
}

/*
 * Blocks of zeros end a tar; libarchive also takes one that simply stops, which is how a tar looks
 * like that was cut between two entries. What it does not take is anything but zeros behind the
 * last entry.
 */
static int check_end(const struct untar *t, struct err *err)
{
	if (archive_filter_bytes(t->archive, 0) >= t->end + 512)
		return 0;
	return err_set(err, ERR_MALFORMED, "tar: the mark at its end is missing: it was cut off");
}

/* After the first header has been looked for. */
static int check_format(struct untar *t, struct err *err)
{
	/* the file itself counts as a filter */
	int layers = archive_filter_count(t->archive) - 1 + (t->gunzip ? 1 : 0);

	if (layers > 1)
		return err_set(err, ERR_UNSAFE, "tar: compressed more than once");
	t->u->stats->format = format_of(t);
	return 0;
}

/* No tar was found, below whatever it is compressed with. */
static int unrecognised(struct untar *t, struct err *err)
{
	bool is_plain = archive_filter_code(t->archive, 0) == ARCHIVE_FILTER_NONE && !t->gunzip;

	if (t->read_err.code != ERR_OK)
		return failed(t, "archive", err);
	if (is_plain)
		return unpack_not_an_archive(t->u, err);
	return err_set(err, ERR_MALFORMED, "not an archive: compressed, but damaged or not a tar");
}

/* --- entries ---------------------------------------------------------------------------------- */

static int check_kind(struct archive_entry *e, const char *name, struct err *err)
{
	mode_t type = archive_entry_filetype(e);

	/* in every spelling: one that cannot be converted is NULL in the others */
	if (archive_entry_hardlink(e) || archive_entry_hardlink_utf8(e) ||
	    archive_entry_hardlink_w(e))
		return refuse(err, ERR_UNSAFE, name, "is a hard link; links are refused");
	if (type == AE_IFLNK || archive_entry_symlink(e))
		return refuse(err, ERR_UNSAFE, name, "is a symbolic link; links are refused");
	if (type != AE_IFREG && type != AE_IFDIR)
		return refuse(err, ERR_UNSAFE, name, "is neither a file nor a directory");
	if (type == AE_IFREG && archive_entry_perm(e) & (S_ISUID | S_ISGID))
		return refuse(err, ERR_UNSAFE, name, "is set-user-id or set-group-id");
	return 0;
}

static int check_sizes(const struct untar *t, const char *name, uint64_t size, struct err *err)
{
	if (size > (uint64_t)t->u->limits->max_entry_bytes)
		return refuse(err, ERR_LIMIT, name, "is larger than one file may be");
	if (size > (uint64_t)t->u->limits->max_bytes - t->u->stats->bytes)
		return refuse(err, ERR_LIMIT, name,
			      "with it the archive is larger than it may be unpacked");
	return 0;
}

static int write_content(struct untar *t, const char *name, struct err *err)
{
	uint64_t size = 0;

	for (;;) {
		la_ssize_t n = archive_read_data(t->archive, t->out, UNPACK_BLOCK);

		if (n < 0)
			return failed(t, "tar", err);
		if (!n)
			break;
		size += (uint64_t)n;
		if (unpack_check_cancel(t->u, err) || check_sizes(t, name, size, err) ||
		    writer_write(t->u->writer, t->out, (size_t)n, err))
			return -1;
	}
	t->u->stats->bytes += size;
	return 0;
}

static int write_entry(struct untar *t, struct archive_entry *e, struct err *err)
{
	const char *name = archive_entry_pathname(e);
	bool directory = archive_entry_filetype(e) == AE_IFDIR;
	struct path path;

	if (!name)
		return err_set(err, ERR_UNSAFE, "tar: an entry's name is missing or not UTF-8");
	if (path_normalize(str_from(name), (size_t)t->u->limits->max_depth, t->path, &path, err))
		return err_wrap(err, "tar");
	if (check_kind(e, name, err))
		return -1;
	if (path.directory && !directory)
		return refuse(err, ERR_UNSAFE, name,
			      "is a file by its type and a directory by its name");
	if (archive_entry_size_is_set(e) && archive_entry_size(e) > 0) {
		if (directory)
			return refuse(err, ERR_UNSAFE, name, "is a directory with content");
		if (check_sizes(t, name, (uint64_t)archive_entry_size(e), err))
			return -1;
	}
	if (names_add(t->names, &path, directory, err))
		return err_wrap(err, "tar");
	if (directory) {
		t->u->stats->directories++;
		return path.text.n ? writer_dir(t->u->writer, path.text, err) : 0;
	}
	t->u->stats->files++;
	if (writer_open(t->u->writer, path.text, archive_entry_perm(e) & S_IXUSR, err) ||
	    write_content(t, name, err))
		return -1;
	return writer_close(t->u->writer, err);
}

/* Its header has just been read, and nothing of its content. */
static void find_end(struct untar *t, struct archive_entry *e)
{
	la_int64_t at = archive_filter_bytes(t->archive, 0), size = archive_entry_size(e);

	/* a sparse file takes less than its size; how much less is not known here */
	if (size > 0 && size <= INT64_MAX - 1024 - at && !archive_entry_sparse_count(e))
		at += (size + 511) / 512 * 512;
	t->end = at;
}

static int read_entries(struct untar *t, struct err *err)
{
	for (int64_t n = 0;; n++) {
		struct archive_entry *e;
		int rc;

		if (unpack_check_cancel(t->u, err))
			return -1;
		rc = archive_read_next_header(t->archive, &e);
		if (rc == ARCHIVE_FATAL && !archive_format(t->archive))
			return unrecognised(t, err);
		if (!n && (rc == ARCHIVE_OK || rc == ARCHIVE_EOF) && check_format(t, err))
			return -1;
		if (rc == ARCHIVE_EOF)
			return check_end(t, err);
		/* a warning means that something of the entry could not be understood */
		if (rc != ARCHIVE_OK)
			return failed(t, "tar", err);
		if (n >= t->u->limits->max_entries)
			return err_set(err, ERR_LIMIT, "tar: more than %lld entries",
				       (long long)t->u->limits->max_entries);
		find_end(t, e);
		if (write_entry(t, e, err))
			return -1;
	}
}

static int open_archive(struct untar *t, struct err *err)
{
	struct archive *a = t->archive;

	if (!a || archive_read_support_format_tar(a) != ARCHIVE_OK)
		return err_set(err, ERR_SYSTEM, "libarchive cannot read tar");
	archive_read_set_option(a, "tar", "read_concatenated_archives", "1");
	archive_read_support_filter_gzip(a); /* in something else: then it is refused */
	archive_read_support_filter_bzip2(a);
	archive_read_support_filter_xz(a);
	archive_read_support_filter_lzma(a);
	archive_read_support_filter_zstd(a);
	if (archive_read_open(a, t, NULL, on_read, NULL) == ARCHIVE_OK)
		return 0;
	return unrecognised(t, err);
}

/*
 * Each entry has a header and padding, and may have as much again for a long name; then there is
 * padding at the end.
 */
static uint64_t max_unpacked(const struct unpack_limits *l)
{
	return (uint64_t)l->max_bytes + (uint64_t)l->max_entries * 8192 + (16u << 20);
}

int unpack_tar(struct unpacking *u, struct err *err)
{
	/* libarchive converts names to the locale's charset; this thread's shall be UTF-8 */
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0), before = (locale_t)0;
	struct untar *t = xcalloc(1, sizeof(*t));
	int rc;

	if (utf8)
		before = uselocale(utf8);
	t->u = u;
	t->archive = archive_read_new();
	t->names = names_new();
	t->max_unpacked = max_unpacked(u->limits);
	if (u->gzip)
		t->gunzip = gunzip_new(u);
	t->in = xmalloc(UNPACK_BLOCK);
	t->out = xmalloc(UNPACK_BLOCK);
	rc = open_archive(t, err);
	if (!rc)
		rc = read_entries(t, err);
	archive_read_free(t->archive);
	gunzip_free(t->gunzip);
	names_free(t->names);
	free(t->in);
	free(t->out);
	free(t);
	if (utf8) {
		uselocale(before);
		freelocale(utf8);
	}
	return rc;
}
