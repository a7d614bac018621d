#include "tests/faults/disk.h"

#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/core/mem.h"
#include "aws/core/rng.h"
#include "tests/faults/disk_platter.h"

/*
 * An SQLite file of ours is followed in memory by the system's, to which every call goes on. There
 * is no xFetch, so nothing is read or written past us but the shared memory of the WAL's index,
 * which no power cut leaves.
 */
struct disk {
	struct disk *next;
	char dir[PATH_MAX];
	struct platter *platter;
	uint64_t generation; /* of connections: those before a restart are dead */
	bool off, full;

	enum disk_fault fault;
	uint64_t n, times;
	uint64_t calls[DISK_FAULTS], failures;
};

struct file {
	sqlite3_file base;
	struct disk *disk; /* NULL: on none */
	uint64_t generation;
	struct platter_file *on;
	bool new_journal; /* the system synchronises its directory with it, once */
	sqlite3_file *real;
};

#define JOURNALS (SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL)

static struct disk *disks;
static sqlite3_vfs *system_vfs;
static struct rng_seeded noise;

/* --- what is asked of a call ---------------------------------------------------------------- */

enum {
	CALL = 1 << DISK_IOERR,
	LOCK = 1 << DISK_BUSY,
	WRITE = 1 << DISK_FULL,
	CHANGE = 1 << DISK_CUT
};

/* The fault that strikes this call, which counts as these. */
static enum disk_fault strikes(struct disk *d, unsigned counted)
{
	enum disk_fault hit = DISK_WORKS;

	if (d->off)
		return DISK_CUT;
	for (int f = DISK_WORKS + 1; f < DISK_FAULTS; f++) {
		if (!(counted & 1u << f))
			continue;
		d->calls[f]++;
		if (d->n && (int)d->fault == f && d->calls[f] >= d->n &&
		    d->calls[f] - d->n < d->times)
			hit = d->fault;
	}
	if (hit == DISK_WORKS && d->full && counted & WRITE)
		hit = DISK_FULL;
	d->failures += hit != DISK_WORKS;
	return hit;
}

/* The same for a call on an open file; the result code, SQLITE_OK to go on. */
static int fails(struct file *f, unsigned counted, int ioerr)
{
	struct disk *d = f->disk;
	enum disk_fault hit;

	if (!d)
		return SQLITE_OK;
	if (f->generation != d->generation)
		return ioerr;
	hit = strikes(d, counted | CALL);
	if (hit == DISK_CUT)
		disk_cut(d);
	if (hit == DISK_FULL)
		return SQLITE_FULL;
	if (hit == DISK_BUSY)
		return SQLITE_BUSY;
	return hit == DISK_WORKS ? SQLITE_OK : ioerr;
}

/* --- files ---------------------------------------------------------------------------------- */

static struct file *file_of(sqlite3_file *base)
{
	return (struct file *)base;
}

static int file_close(sqlite3_file *base)
{
	struct file *f = file_of(base);

	if (f->on && f->generation == f->disk->generation)
		platter_close(f->on);
	return f->real->pMethods->xClose(f->real);
}

static int file_read(sqlite3_file *base, void *to, int n, sqlite3_int64 at)
{
	struct file *f = file_of(base);
	int rc = fails(f, 0, SQLITE_IOERR_READ);

	return rc ? rc : f->real->pMethods->xRead(f->real, to, n, at);
}

static void write_through(struct file *f, const void *from, int n, sqlite3_int64 at)
{
	if (n && f->real->pMethods->xWrite(f->real, from, n, at)) {
		fprintf(stderr, "disk: cannot write the real file\n");
		abort();
	}
	platter_write(f->on, from, (size_t)n, at);
}

static int file_write(sqlite3_file *base, const void *from, int n, sqlite3_int64 at)
{
	struct file *f = file_of(base);
	bool was_off = f->disk && f->disk->off;
	int rc = fails(f, WRITE | CHANGE, SQLITE_IOERR_WRITE);

	if (!f->disk)
		return f->real->pMethods->xWrite(f->real, from, n, at);
	if (rc == SQLITE_OK)
		write_through(f, from, n, at);
	else if (rc == SQLITE_FULL)
		write_through(f, from, n / 2, at);
	else if (f->disk->off && !was_off)
		platter_write(f->on, from, (size_t)n, at); /* on its way when power went */
	return rc;
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 size)
{
	struct file *f = file_of(base);
	bool was_off = f->disk && f->disk->off;
	int rc = fails(f, CHANGE, SQLITE_IOERR_TRUNCATE);

	if (f->disk && (rc == SQLITE_OK || (f->disk->off && !was_off)))
		platter_truncate(f->on, size);
	return rc ? rc : f->real->pMethods->xTruncate(f->real, size);
}

/* The real file needs no fsync: the power that is cut is ours. */
static int file_sync(sqlite3_file *base, int flags)
{
	struct file *f = file_of(base);
	int rc = fails(f, CHANGE, SQLITE_IOERR_FSYNC);

	if (!f->disk)
		return f->real->pMethods->xSync(f->real, flags);
	if (rc == SQLITE_OK) {
		platter_sync(f->disk->platter, f->on, f->new_journal);
		f->new_journal = false;
	}
	return rc;
}

static int file_size(sqlite3_file *base, sqlite3_int64 *size)
{
	struct file *f = file_of(base);
	int rc = fails(f, 0, SQLITE_IOERR_FSTAT);

	return rc ? rc : f->real->pMethods->xFileSize(f->real, size);
}

static int file_lock(sqlite3_file *base, int level)
{
	struct file *f = file_of(base);
	int rc = fails(f, LOCK, SQLITE_IOERR_LOCK);

	return rc ? rc : f->real->pMethods->xLock(f->real, level);
}

static int file_unlock(sqlite3_file *base, int level)
{
	struct file *f = file_of(base);

	return f->real->pMethods->xUnlock(f->real, level);
}

static int file_check_reserved(sqlite3_file *base, int *out)
{
	struct file *f = file_of(base);
	int rc = fails(f, 0, SQLITE_IOERR_CHECKRESERVEDLOCK);

	return rc ? rc : f->real->pMethods->xCheckReservedLock(f->real, out);
}

/* What would change the real file past us is not there. */
static int file_control(sqlite3_file *base, int op, void *arg)
{
	struct file *f = file_of(base);

	if (op == SQLITE_FCNTL_SIZE_HINT || op == SQLITE_FCNTL_CHUNK_SIZE)
		return SQLITE_NOTFOUND;
	return f->real->pMethods->xFileControl(f->real, op, arg);
}

static int file_sector_size(sqlite3_file *base)
{
	struct file *f = file_of(base);

	return f->disk ? DISK_SECTOR : f->real->pMethods->xSectorSize(f->real);
}

static int file_characteristics(sqlite3_file *base)
{
	struct file *f = file_of(base);

	/* a write that is torn leaves the bytes beside it as they were: that is all we promise */
	return f->disk ? SQLITE_IOCAP_POWERSAFE_OVERWRITE
		       : f->real->pMethods->xDeviceCharacteristics(f->real);
}

static int shm_map(sqlite3_file *base, int page, int size, int extend, void volatile **out)
{
	struct file *f = file_of(base);
	int rc = fails(f, 0, SQLITE_IOERR_SHMMAP);

	return rc ? rc : f->real->pMethods->xShmMap(f->real, page, size, extend, out);
}

static int shm_lock(sqlite3_file *base, int offset, int n, int flags)
{
	struct file *f = file_of(base);
	int rc = flags & SQLITE_SHM_LOCK ? fails(f, LOCK, SQLITE_IOERR_SHMLOCK) : SQLITE_OK;

	return rc ? rc : f->real->pMethods->xShmLock(f->real, offset, n, flags);
}

static void shm_barrier(sqlite3_file *base)
{
	struct file *f = file_of(base);

	f->real->pMethods->xShmBarrier(f->real);
}

static int shm_unmap(sqlite3_file *base, int delete)
{
	struct file *f = file_of(base);

	return f->real->pMethods->xShmUnmap(f->real, delete);
}

static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_unlock,
	.xCheckReservedLock = file_check_reserved,
	.xFileControl = file_control,
	.xSectorSize = file_sector_size,
	.xDeviceCharacteristics = file_characteristics,
	.xShmMap = shm_map,
	.xShmLock = shm_lock,
	.xShmBarrier = shm_barrier,
	.xShmUnmap = shm_unmap,
};

/* --- the file system ------------------------------------------------------------------------ */

static struct disk *disk_of(const char *path)
{
	for (struct disk *d = disks; path && d; d = d->next) {
		size_t n = strlen(d->dir);

		if (!strncmp(path, d->dir, n) && path[n] == '/')
			return d;
	}
	return NULL;
}

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags, int *out)
{
	struct file *f = file_of(base);
	struct disk *d = disk_of(name);
	int rc;

	(void)vfs;
	*f = (struct file){.disk = d, .real = (sqlite3_file *)(void *)(f + 1)};
	f->real->pMethods = NULL;
	if (d && strikes(d, CALL) != DISK_WORKS)
		return SQLITE_CANTOPEN;
	if (d) {
		/* asked before the real file is made, so that we know who made it */
		f->on = platter_open(d->platter, name, flags & SQLITE_OPEN_CREATE);
		f->generation = d->generation;
		f->new_journal = flags & SQLITE_OPEN_CREATE && flags & JOURNALS;
	}
	rc = system_vfs->xOpen(system_vfs, name, f->real, flags, out);
	if (f->real->pMethods)
		base->pMethods = &methods;
	else if (f->on)
		platter_close(f->on);
	return rc;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
	struct disk *d = disk_of(name);
	enum disk_fault hit = d ? strikes(d, CALL | CHANGE) : DISK_WORKS;
	int rc;

	(void)vfs;
	if (hit != DISK_WORKS && d->off)
		return SQLITE_IOERR_DELETE;
	if (hit == DISK_CUT)
		disk_cut(d);
	if (hit == DISK_IOERR)
		return SQLITE_IOERR_DELETE;
	rc = system_vfs->xDelete(system_vfs, name, d ? 0 : sync);
	if (d && rc == SQLITE_OK)
		platter_delete(d->platter, name, sync && hit == DISK_WORKS);
	return hit == DISK_CUT ? SQLITE_IOERR_DELETE : rc;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
	struct disk *d = disk_of(name);

	(void)vfs;
	if (d && strikes(d, CALL) != DISK_WORKS)
		return SQLITE_IOERR_ACCESS;
	return system_vfs->xAccess(system_vfs, name, flags, out);
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *name, int n, char *out)
{
	(void)vfs;
	return system_vfs->xFullPathname(system_vfs, name, n, out);
}

static int vfs_random(sqlite3_vfs *vfs, int n, char *out)
{
	(void)vfs;
	noise.rng.fill(&noise.rng, out, (size_t)n);
	return n;
}

static int vfs_sleep(sqlite3_vfs *vfs, int us)
{
	(void)vfs;
	return us;
}

static int vfs_time(sqlite3_vfs *vfs, double *out)
{
	(void)vfs;
	return system_vfs->xCurrentTime(system_vfs, out);
}

static int vfs_last_error(sqlite3_vfs *vfs, int n, char *out)
{
	(void)vfs;
	return system_vfs->xGetLastError(system_vfs, n, out);
}

static sqlite3_vfs ours = {
	.iVersion = 1,
	.zName = "faulty",
	.xOpen = vfs_open,
	.xDelete = vfs_delete,
	.xAccess = vfs_access,
	.xFullPathname = vfs_full_path,
	.xRandomness = vfs_random,
	.xSleep = vfs_sleep,
	.xCurrentTime = vfs_time,
	.xGetLastError = vfs_last_error,
};

/* --- disks ---------------------------------------------------------------------------------- */

static void plug_in(void)
{
	if (!system_vfs) {
		system_vfs = sqlite3_vfs_find(NULL);
		ours.szOsFile = (int)sizeof(struct file) + system_vfs->szOsFile;
		ours.mxPathname = system_vfs->mxPathname;
	}
	if (sqlite3_vfs_register(&ours, 1)) {
		fprintf(stderr, "disk: SQLite does not take it\n");
		abort();
	}
}

struct disk *disk_new(const char *dir)
{
	struct disk *d = xcalloc(1, sizeof(*d));

	if (!realpath(dir, d->dir)) {
		perror(dir);
		abort();
	}
	d->platter = platter_new();
	if (!disks)
		plug_in();
	d->next = disks;
	disks = d;
	rng_seeded_init(&noise, 1);
	sqlite3_randomness(0, NULL); /* asks for a new seed the next time */
	return d;
}

void disk_free(struct disk *d)
{
	struct disk **at = &disks;

	while (*at != d)
		at = &(*at)->next;
	*at = d->next;
	if (!disks)
		sqlite3_vfs_unregister(&ours);
	platter_free(d->platter);
	free(d);
}

void disk_fail(struct disk *d, enum disk_fault fault, uint64_t n, uint64_t times)
{
	d->fault = fault;
	d->n = n;
	d->times = times;
	d->failures = 0;
	memset(d->calls, 0, sizeof(d->calls));
}

void disk_full(struct disk *d, bool full)
{
	d->full = full;
}

uint64_t disk_calls(const struct disk *d, enum disk_fault fault)
{
	return d->calls[fault];
}

uint64_t disk_failures(const struct disk *d)
{
	return d->failures;
}

void disk_cut(struct disk *d)
{
	d->off = true;
}

bool disk_is_cut(const struct disk *d)
{
	return d->off;
}

static void power_on(struct disk *d)
{
	d->generation++;
	d->off = d->full = false;
	disk_fail(d, DISK_WORKS, 0, 0);
}

void disk_restart(struct disk *d, enum disk_left left, uint64_t seed)
{
	platter_settle(d->platter, left, seed);
	power_on(d);
}

void disk_wipe(struct disk *d)
{
	platter_wipe(d->platter);
	power_on(d);
}
