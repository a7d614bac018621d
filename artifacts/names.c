#include "artifacts/names.h"

#include <stdlib.h>

#include "aws/core/mem.h"

/*
 * A hash table with open addressing, keyed by the folded name. One pool of characters holds the
 * names as they are, in their own case; offsets into it stay valid when it grows. The directory of
 * the last name is remembered, since neighbours usually share it.
 */

struct slot {
	uint32_t at; /* in the pool, plus one; 0: free */
	uint16_t n;  /* length: at most LIMIT_ENTRY_NAME */
	bool is_dir;
	uint32_t hash;
};

struct names {
	struct slot *slots;
	size_t n_slots, used; /* n_slots is a power of two */
	char *pool;
	size_t pool_n, pool_cap;
	char last[PATH_SIZE]; /* directory of the last name */
	size_t last_n;
	char folded[PATH_SIZE], other[PATH_SIZE];
};

struct names *names_new(void)
{
	struct names *n = xcalloc(1, sizeof(*n));

	n->n_slots = 1024;
	n->slots = xcalloc(n->n_slots, sizeof(*n->slots));
	return n;
}

void names_free(struct names *n)
{
	if (!n)
		return;
	free(n->slots);
	free(n->pool);
	free(n);
}

static uint32_t hash_of(const char *p, size_t n)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)p[i]) * 16777619u;
	return h;
}

static void grow(struct names *n)
{
	size_t old_n = n->n_slots;
	struct slot *old = n->slots;

	n->n_slots *= 2;
	n->slots = xcalloc(n->n_slots, sizeof(*n->slots));
	for (size_t i = 0; i < old_n; i++) {
		size_t at = old[i].hash & (n->n_slots - 1);

		if (!old[i].at)
			continue;
		while (n->slots[at].at)
			at = (at + 1) & (n->n_slots - 1);
		n->slots[at] = old[i];
	}
	free(old);
}

static struct str name_of(const struct names *n, const struct slot *s)
{
	return (struct str){n->pool + s->at - 1, s->n};
}

/* The slot of a name that folds to n->folded, or the free one where it belongs. */
static struct slot *find(struct names *n, size_t len, uint32_t hash)
{
	size_t at = hash & (n->n_slots - 1);

	for (;; at = (at + 1) & (n->n_slots - 1)) {
		struct slot *s = &n->slots[at];

		if (!s->at)
			return s;
		if (s->hash != hash || s->n != len)
			continue;
		path_fold(name_of(n, s), n->other);
		if (!memcmp(n->other, n->folded, len))
			return s;
	}
}

static int keep(struct names *n, struct slot *s, struct str name, struct err *err)
{
	size_t need = n->pool_n + name.n;

	if (need > LIMIT_ARCHIVE_DIRECTORY)
		return err_set(err, ERR_LIMIT, "the names of the archive take more than %u bytes",
			       LIMIT_ARCHIVE_DIRECTORY);
	if (need > n->pool_cap) {
		n->pool_cap = need > 32768 ? 2 * need : 65536;
		n->pool = xrealloc(n->pool, n->pool_cap);
	}
	memcpy(n->pool + n->pool_n, name.p, name.n);
	s->at = (uint32_t)n->pool_n + 1;
	s->n = (uint16_t)name.n;
	n->pool_n = need;
	return 0;
}

static int in_the_way(const struct names *n, const struct slot *s, struct str name, bool directory,
		      struct err *err)
{
	char shown[PATH_SHOWN_SIZE], other[PATH_SHOWN_SIZE];

	path_show(name, shown);
	if (!str_eq(name_of(n, s), name))
		return err_set(err, ERR_UNSAFE, "entry %s: differs from %s by case only", shown,
			       path_show(name_of(n, s), other));
	if (s->is_dir != directory)
		return err_set(err, ERR_UNSAFE, "entry %s: is both a file and a directory", shown);
	return err_set(err, ERR_UNSAFE, "entry %s: is there twice", shown);
}

static int add(struct names *n, struct str name, bool directory, struct err *err)
{
	struct slot *s;
	uint32_t hash;

	path_fold(name, n->folded);
	hash = hash_of(n->folded, name.n);
	s = find(n, name.n, hash);
	if (s->at) {
		if (directory && s->is_dir && str_eq(name_of(n, s), name))
			return 0;
		return in_the_way(n, s, name, directory, err);
	}
	if (keep(n, s, name, err))
		return -1;
	s->hash = hash;
	s->is_dir = directory;
	if (++n->used > n->n_slots / 2)
		grow(n);
	return 0;
}

int names_add(struct names *n, const struct path *path, bool directory, struct err *err)
{
	struct str name = path->text;
	size_t parent = name.n;

	if (!name.n)
		return 0;
	while (parent && name.p[parent - 1] != '/')
		parent--;
	parent -= parent > 0;
	if (parent != n->last_n || memcmp(name.p, n->last, parent) != 0) {
		for (size_t i = 1; i <= parent; i++)
			if ((i == parent || name.p[i] == '/') &&
			    add(n, str_sub(name, 0, i), true, err))
				return -1;
		memcpy(n->last, name.p, parent);
		n->last_n = parent;
	}
	return add(n, name, directory, err);
}
