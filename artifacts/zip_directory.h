#ifndef ARTIFACTS_ZIP_DIRECTORY_H
#define ARTIFACTS_ZIP_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "artifacts/unpack.h"
#include "aws/core/err.h"
#include "aws/core/mem.h"
#include "aws/core/str.h"

/*
 * The directory of a zip, read from its end, and every check that can be made without inflating
 * anything. Source of the format: PKWARE's APPNOTE.TXT 6.3.10.
 *
 * A zip says everything two or three times (directory, local headers, data descriptors, zip64
 * records), and readers differ in whom they believe. So a zip is accepted only when everything it
 * says agrees: the directory lies right in front of the end record, which ends the file; entries
 * and records are as many and as long as announced; each local header has the same name, method,
 * flags, sizes and CRC as the directory, or leaves sizes and CRC to a descriptor that has them; the
 * entries fill the file up to the directory, sharing no byte and leaving none out. Stored and
 * deflated regular files and directories only, without encryption; sizes, counts and names within
 * the limits; names as names.h wants them.
 */
struct zip_source {
	/* Read exactly n bytes, at + n being at most size. */
	int (*read)(void *arg, uint64_t at, void *p, size_t n, struct err *err);
	void *arg;
	uint64_t size;
};

enum { ZIP_STORED = 0, ZIP_DEFLATED = 8 };

struct zip_entry {
	struct str path; /* normal form; empty: the root itself */
	uint64_t header; /* offset of the local header */
	uint64_t data;	 /* offset of the data */
	uint64_t packed; /* bytes of data */
	uint64_t size;	 /* bytes unpacked */
	uint32_t crc;
	uint16_t method;
	bool directory, executable;
	bool described;	 /* sizes and CRC follow the data */
	uint32_t record; /* its number in the directory, from 0 */
};

struct zip_directory {
	struct zip_entry *entries; /* by offset: the order in which to read them */
	size_t n;
	uint64_t bytes; /* sum of the sizes */
};

/*
 * Read and check. The result lives in the arena. The only I/O is by src->read. Errors as unpack()
 * has them.
 */
int zip_directory_read(const struct zip_source *src, const struct unpack_limits *limits,
		       struct arena *a, struct zip_directory *out, struct err *err) MUST_CHECK;

#endif
