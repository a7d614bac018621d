#ifndef TESTS_FAULTS_DISK_H
#define TESTS_FAULTS_DISK_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A faulty disk beneath SQLite: an sqlite3_vfs that stands in front of the system's and becomes the
 * default, so that a ledger is opened on it without knowing. Every file that SQLite opens beneath
 * the disk's directory is on it; all others, and other disks, are untouched. Reads and writes go to
 * the real files; in memory stands what a power cut would leave of them.
 *
 * What is kept: a write, a change of size or a new name is certain once xSync of that file has
 * returned. Until then each one may be there, not be there, or be there in part: sectors of 512
 * bytes within a write, each for itself. Names that were removed may come back until the directory
 * is synchronised, which the system's VFS does with the first xSync of a journal it has made.
 *
 * Deterministic: SQLite's random numbers come from a fixed seed after disk_new(), and it never
 * sleeps while it waits for a lock. Not thread-safe. What cannot be done (memory, the real file)
 * ends the program.
 */
struct disk;

#define DISK_SECTOR 512

/* dir: exists, and is no other disk's. Files that are in it already are certain. */
struct disk *disk_new(const char *dir);
/* Connections to it are closed. The real files stay as they are. */
void disk_free(struct disk *d);

/* --- faults --------------------------------------------------------------------------------- */

enum disk_fault {
	DISK_WORKS,
	DISK_FULL,  /* SQLITE_FULL; half of the write is done. Counts writes */
	DISK_IOERR, /* SQLITE_IOERR_* (SQLITE_CANTOPEN for an open). Counts every call that can
		       fail: open, delete, access, read, write, truncate, sync, size, lock, and the
		       shared memory of the WAL; not close and unlock */
	DISK_BUSY,  /* SQLITE_BUSY. Counts locks that are taken */
	DISK_CUT,   /* power is cut: it happens to this call. Counts writes, truncates, deletes and
		       syncs */
	DISK_FAULTS
};

/*
 * The n-th call from now (1 is the next) fails, and the times - 1 after it. It takes the place of
 * what was asked for before. n 0: no fault. For DISK_CUT times does not count.
 */
void disk_fail(struct disk *d, enum disk_fault fault, uint64_t n, uint64_t times);
/* The same as DISK_FULL for every write, until it is switched off; beside the one above. */
void disk_full(struct disk *d, bool full);
/* Calls that the n of this fault counted, and how many failed, since the last disk_fail(). */
uint64_t disk_calls(const struct disk *d, enum disk_fault fault);
uint64_t disk_failures(const struct disk *d);

/* --- power ---------------------------------------------------------------------------------- */

/* From now on every call of connections that are open fails and changes nothing. */
void disk_cut(struct disk *d);
bool disk_is_cut(const struct disk *d);

enum disk_left {
	DISK_LEFT_ALL,	/* the process was killed, not the machine: everything it wrote is there */
	DISK_LEFT_NONE, /* what is not certain is not there */
	DISK_LEFT_SOME, /* whole writes are there or not, by the seed */
	DISK_LEFT_TORN, /* sectors are there or not, by the seed */
	DISK_LEFT_KINDS
};

/*
 * Power is back: the real files become what is left, by the seed, and that is certain now. Cuts
 * first if nobody has; faults that were asked for are forgotten, and the disk is not full. The old
 * connections are to be closed before new ones are opened, before or after this.
 */
void disk_restart(struct disk *d, enum disk_left left, uint64_t seed);
/* The machine is lost with its disk: no file is left. Otherwise the same. */
void disk_wipe(struct disk *d);

#endif
