#include "tests/faults/disk_platter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aws/core/mem.h"
#include "aws/core/rng.h"

struct change {
	struct change *next;
	bool truncate; /* to size `at`; else n bytes at `at` */
	size_t at, n;
	unsigned char *bytes;
};

struct platter_file {
	struct platter_file *next;
	unsigned char *bytes; /* those that are certain */
	size_t n, cap;
	struct change *first, **last;
	unsigned users;
};

struct name {
	struct name *next;
	char *path;
	struct platter_file *now;  /* what it means; NULL: there is no such file */
	struct platter_file *kept; /* and what it means after a power cut */
};

struct platter {
	struct name *names;
	struct platter_file *files;
};

static void die(const char *what, const char *path)
{
	fprintf(stderr, "disk: %s %s: %s\n", what, path, strerror(errno));
	abort();
}

/* --- bytes ---------------------------------------------------------------------------------- */

static void resize(struct platter_file *f, size_t n)
{
	if (n > f->cap) {
		f->cap = n * 2;
		f->bytes = xrealloc(f->bytes, f->cap);
	}
	if (n > f->n)
		memset(f->bytes + f->n, 0, n - f->n);
	f->n = n;
}

static void put(struct platter_file *f, const struct change *c, size_t from, size_t to)
{
	if (f->n < c->at + to)
		resize(f, c->at + to);
	memcpy(f->bytes + c->at + from, c->bytes + from, to - from);
}

/* The sectors of a write: each whole one of the disk that it touches, or a part at its ends. */
static void put_torn(struct platter_file *f, const struct change *c, struct rng *rng)
{
	for (size_t from = 0, to; from < c->n; from = to) {
		to = ((c->at + from) / DISK_SECTOR + 1) * DISK_SECTOR - c->at;
		if (to > c->n)
			to = c->n;
		if (rng_below(rng, 2))
			put(f, c, from, to);
	}
}

static void apply(struct platter_file *f, const struct change *c, enum disk_left left,
		  struct rng *rng)
{
	if (left == DISK_LEFT_NONE || (left == DISK_LEFT_SOME && rng_below(rng, 2)))
		return;
	if (left == DISK_LEFT_TORN && !c->truncate)
		put_torn(f, c, rng);
	else if (left == DISK_LEFT_TORN && rng_below(rng, 2))
		return;
	else if (c->truncate)
		resize(f, c->at);
	else
		put(f, c, 0, c->n);
}

/* Every change is over: done, or, after a power cut, as luck would have it. */
static void settle(struct platter_file *f, enum disk_left left, struct rng *rng)
{
	for (struct change *c = f->first, *next; c; c = next) {
		next = c->next;
		apply(f, c, left, rng);
		free(c->bytes);
		free(c);
	}
	f->first = NULL;
	f->last = &f->first;
}

static struct change *change(struct platter_file *f, size_t at)
{
	struct change *c = xcalloc(1, sizeof(*c));

	c->at = at;
	*f->last = c;
	f->last = &c->next;
	return c;
}

void platter_write(struct platter_file *f, const void *bytes, size_t n, int64_t at)
{
	struct change *c = change(f, (size_t)at);

	c->n = n;
	c->bytes = xmalloc(n ? n : 1);
	memcpy(c->bytes, bytes, n);
}

void platter_truncate(struct platter_file *f, int64_t size)
{
	change(f, (size_t)size)->truncate = true;
}

/* --- real files ----------------------------------------------------------------------------- */

/* What the real file says is certain. False: there is none. */
static bool load(struct platter_file *f, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t got;

	if (fd < 0 && errno == ENOENT)
		return false;
	if (fd < 0 || fstat(fd, &st))
		die("open", path);
	resize(f, (size_t)st.st_size);
	for (size_t done = 0; done < f->n; done += (size_t)got) {
		got = pread(fd, f->bytes + done, f->n - done, (off_t)done);
		if (got <= 0)
			die("read", path);
	}
	close(fd);
	return true;
}

static void store(const struct platter_file *f, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ssize_t got;

	if (fd < 0)
		die("open", path);
	for (size_t done = 0; done < f->n; done += (size_t)got) {
		got = write(fd, f->bytes + done, f->n - done);
		if (got <= 0)
			die("write", path);
	}
	close(fd);
}

static void drop(const char *path)
{
	if (unlink(path) && errno != ENOENT)
		die("remove", path);
}

/* The index of a WAL is memory that looks like a file: gone with the processes that shared it. */
static void drop_shared_memory(const char *path)
{
	char *shm = xasprintf("%s-shm", path);

	drop(shm);
	free(shm);
}

/* --- names ---------------------------------------------------------------------------------- */

static struct name *name_of(struct platter *p, const char *path)
{
	struct name *n;

	for (n = p->names; n; n = n->next)
		if (!strcmp(n->path, path))
			return n;
	n = xcalloc(1, sizeof(*n));
	n->path = xstrdup(path);
	n->next = p->names;
	p->names = n;
	return n;
}

static struct platter_file *file_new(struct platter *p)
{
	struct platter_file *f = xcalloc(1, sizeof(*f));

	f->last = &f->first;
	f->next = p->files;
	p->files = f;
	return f;
}

struct platter_file *platter_open(struct platter *p, const char *path, bool create)
{
	struct name *name = name_of(p, path);
	struct platter_file *f = name->now ? name->now : file_new(p);

	if (!f->users && !f->first) {
		if (load(f, path))
			name->now = name->kept = f;
		else if (name->now) /* somebody removed it behind our back */
			name->now = name->kept = NULL;
	}
	if (!name->now && create) {
		resize(f, 0);
		name->now = f; /* what the name meant before may come back */
	}
	if (!name->now)
		return NULL;
	f->users++;
	return f;
}

void platter_close(struct platter_file *f)
{
	f->users--;
}

void platter_sync(struct platter *p, struct platter_file *f, bool directory)
{
	settle(f, DISK_LEFT_ALL, NULL);
	for (struct name *n = p->names; n; n = n->next)
		if (n->now == f || directory)
			n->kept = n->now;
}

void platter_delete(struct platter *p, const char *path, bool sync)
{
	name_of(p, path)->now = NULL;
	for (struct name *n = p->names; sync && n; n = n->next)
		n->kept = n->now;
}

/* --- power ---------------------------------------------------------------------------------- */

static struct platter_file *meant(const struct name *n, enum disk_left left, struct rng *rng)
{
	if (n->now == n->kept || left == DISK_LEFT_ALL)
		return n->now;
	if (left == DISK_LEFT_NONE)
		return n->kept;
	return rng_below(rng, 2) ? n->now : n->kept;
}

void platter_settle(struct platter *p, enum disk_left left, uint64_t seed)
{
	struct rng_seeded rng;

	rng_seeded_init(&rng, seed);
	for (struct platter_file *f = p->files; f; f = f->next) {
		settle(f, left, &rng.rng);
		f->users = 0; /* connections from before use nothing any more */
	}
	for (struct name *n = p->names; n; n = n->next) {
		n->now = n->kept = meant(n, left, &rng.rng);
		if (n->now)
			store(n->now, n->path);
		else
			drop(n->path);
		drop_shared_memory(n->path);
	}
}

void platter_wipe(struct platter *p)
{
	for (struct platter_file *f = p->files; f; f = f->next) {
		settle(f, DISK_LEFT_NONE, NULL);
		f->users = 0;
	}
	for (struct name *n = p->names; n; n = n->next) {
		n->now = n->kept = NULL;
		drop(n->path);
		drop_shared_memory(n->path);
	}
}

struct platter *platter_new(void)
{
	return xcalloc(1, sizeof(struct platter));
}

void platter_free(struct platter *p)
{
	for (struct name *n = p->names, *next; n; n = next) {
		next = n->next;
		free(n->path);
		free(n);
	}
	for (struct platter_file *f = p->files, *next; f; f = next) {
		next = f->next;
		settle(f, DISK_LEFT_NONE, NULL);
		free(f->bytes);
		free(f);
	}
	free(p);
}
