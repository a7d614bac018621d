#ifndef ARTIFACTS_ZIP_END_H
#define ARTIFACTS_ZIP_END_H

#include <stdint.h>

#include "artifacts/zip_directory.h"

/*
 * Inside of zip_directory: the records at the end of a zip that say where its directory is, and the
 * numbers and extra fields that all records are made of.
 */
struct zip_end {
	uint64_t at, size; /* of the directory, which ends where the first end record begins */
	uint64_t n;	   /* entries */
};
int zip_end_read(const struct zip_source *src, struct zip_end *out, struct err *err) MUST_CHECK;

static inline uint16_t zip_u16(const unsigned char *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t zip_u32(const unsigned char *p)
{
	return (uint32_t)zip_u16(p) | (uint32_t)zip_u16(p + 2) << 16;
}

static inline uint64_t zip_u64(const unsigned char *p)
{
	return (uint64_t)zip_u32(p) | (uint64_t)zip_u32(p + 4) << 32;
}

/*
 * Find an extra field. 1: found, 0: not there, -1: the fields do not fit their room, or it is there
 * twice. Up to three bytes at the end are padding (zipalign leaves them).
 */
int zip_extra(const unsigned char *p, size_t n, uint16_t id, struct str *out);

#define ZIP_FULL32 0xffffffffu /* the value stands in a zip64 field */
#define ZIP_FULL16 0xffffu

#endif
