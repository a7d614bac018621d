#include <archive.h>
#include <archive_entry.h>
#include <zlib.h>

#include "tests/torture/wrap.h"

#define FAMILY TORTURE_ARCHIVE

/* --- zlib ----------------------------------------------------------------------------------- */

CODE(int, inflateInit2_, (z_stream * z, int bits, const char *version, int size),
     (z, bits, version, size), Z_MEM_ERROR)
CODE(int, inflate, (z_stream * z, int flush), (z, flush), Z_DATA_ERROR, Z_MEM_ERROR, Z_STREAM_ERROR)
CODE(int, inflateReset, (z_stream * z), (z), Z_STREAM_ERROR)
CODE(int, deflateInit2_,
     (z_stream * z, int level, int method, int bits, int memory, int strategy, const char *version,
      int size),
     (z, level, method, bits, memory, strategy, version, size), Z_MEM_ERROR)
CODE(int, deflate, (z_stream * z, int flush), (z, flush), Z_STREAM_ERROR)
CODE(int, deflateReset, (z_stream * z), (z), Z_STREAM_ERROR)

/* --- libarchive: when it fails, it leaves words --------------------------------------------- */

#define LEAVE_WORDS(name, args, failed)                              \
	{                                                            \
		if (!torture_strike(FAMILY, #name, 1))               \
			return REAL(name) args;                      \
		archive_set_error(a, ENOMEM, "no memory in " #name); \
		return failed;                                       \
	}

CALL(struct archive *, archive_read_new, (void), (), NULL, ENOMEM)
WRAP(int, archive_read_open,
     (struct archive * a, void *arg, archive_open_callback *open, archive_read_callback *read,
      archive_close_callback *close))
LEAVE_WORDS(archive_read_open, (a, arg, open, read, close), ARCHIVE_FATAL)
WRAP(int, archive_read_next_header, (struct archive * a, struct archive_entry **e))
LEAVE_WORDS(archive_read_next_header, (a, e), ARCHIVE_FATAL)
WRAP(la_ssize_t, archive_read_data, (struct archive * a, void *p, size_t n))
LEAVE_WORDS(archive_read_data, (a, p, n), ARCHIVE_FATAL)
WRAP(int, archive_read_set_option,
     (struct archive * a, const char *module, const char *option, const char *value))
LEAVE_WORDS(archive_read_set_option, (a, module, option, value), ARCHIVE_FATAL)
WRAP(int, archive_read_support_format_raw, (struct archive * a))
LEAVE_WORDS(archive_read_support_format_raw, (a), ARCHIVE_FATAL)
WRAP(int, archive_read_support_filter_gzip, (struct archive * a))
LEAVE_WORDS(archive_read_support_filter_gzip, (a), ARCHIVE_FATAL)
WRAP(int, archive_read_support_filter_bzip2, (struct archive * a))
LEAVE_WORDS(archive_read_support_filter_bzip2, (a), ARCHIVE_FATAL)
WRAP(int, archive_read_support_filter_lzma, (struct archive * a))
LEAVE_WORDS(archive_read_support_filter_lzma, (a), ARCHIVE_FATAL)
WRAP(int, archive_read_support_filter_xz, (struct archive * a))
LEAVE_WORDS(archive_read_support_filter_xz, (a), ARCHIVE_FATAL)
WRAP(int, archive_read_support_filter_zstd, (struct archive * a))
LEAVE_WORDS(archive_read_support_filter_zstd, (a), ARCHIVE_FATAL)
