#ifndef TESTS_FAULTS_DISK_PLATTER_H
#define TESTS_FAULTS_DISK_PLATTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/faults/disk.h"

/*
 * What a power cut would leave of a disk: for every file the bytes that are certain, and the
 * changes after them in their order; for every name the file it means and the one it would mean.
 * For disk.c alone; the real files are its business but in platter_settle() and platter_wipe().
 */
struct platter;
struct platter_file; /* lives as long as the platter, also without a name */

struct platter *platter_new(void);
void platter_free(struct platter *p);

/* The file of this name; if the platter does not know it, or nobody uses it and nothing of it is
 * uncertain, what the real file says. NULL when there is none and it is not to be made. */
struct platter_file *platter_open(struct platter *p, const char *path, bool create);
void platter_close(struct platter_file *f);

void platter_write(struct platter_file *f, const void *bytes, size_t n, int64_t at);
void platter_truncate(struct platter_file *f, int64_t size);
/* Its bytes and its name are certain; with the directory, every name that was made or removed. */
void platter_sync(struct platter *p, struct platter_file *f, bool directory);
void platter_delete(struct platter *p, const char *path, bool sync);

/* Make the real files what is left. */
void platter_settle(struct platter *p, enum disk_left left, uint64_t seed);
/* Remove them all, and know of none. */
void platter_wipe(struct platter *p);

#endif
