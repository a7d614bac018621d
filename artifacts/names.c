#include "artifacts/names.h"

#include <stdlib.h>

#include "artifacts/fold.h"
#include "aws/core/mem.h"

/*
 * A crit-bit tree (D. J. Bernstein, https://cr.yp.to/critbit.html) keyed by the folded name: each
 * node names the bit in which the keys below it differ first. To find a name costs no more than its
 * bits, whatever the other names are: there is no hash that somebody could make collide.
 *
 * One pool of characters holds the names as they are, and their keys where these are different;
 * offsets into it stay valid when it grows. The directory of the last name is remembered, since
 * neighbours usually share it.
 */

struct leaf {
	uint32_t name, key; /* in the pool */
	uint16_t name_n;    /* at most LIMIT_ENTRY_NAME */
	uint16_t key_n;
	bool is_dir;
};

struct node {
	uint32_t child[2];
	uint16_t byte; /* of the key */
	uint8_t mask;  /* all bits of it but the one that counts */
};

#define LEAF 0x80000000u /* a child that is no node */

struct names {
	struct leaf *leaves;
	struct node *nodes; /* one less than leaves */
	size_t n, cap;
	uint32_t root;
	char *pool;
	size_t pool_n, pool_cap;
	size_t names_n;	      /* of it, what the names take without their keys */
	char last[PATH_SIZE]; /* directory of the last name */
	size_t last_n;
	char key[FOLD_GROWTH * PATH_SIZE]; /* of the name at hand */
};

struct names *names_new(void)
{
	return xcalloc(1, sizeof(struct names));
}

void names_free(struct names *n)
{
	if (!n)
		return;
	free(n->leaves);
	free(n->nodes);
	free(n->pool);
	free(n);
}

static struct str name_of(const struct names *n, const struct leaf *l)
{
	return (struct str){n->pool + l->name, l->name_n};
}

static struct str key_of(const struct names *n, const struct leaf *l)
{
	return (struct str){n->pool + l->key, l->key_n};
}

/* A key goes on with zeros behind its end: there are none in it. */
static unsigned byte_of(struct str key, size_t at)
{
	return at < key.n ? (unsigned char)key.p[at] : 0;
}

static unsigned side(const struct node *d, struct str key)
{
	return (1u + (d->mask | byte_of(key, d->byte))) >> 8;
}

/* The only name that can have this key, if any has; there is one at least. */
static struct leaf *closest(const struct names *n, struct str key)
{
	uint32_t at = n->root;

	while (!(at & LEAF))
		at = n->nodes[at].child[side(&n->nodes[at], key)];
	return &n->leaves[at & ~LEAF];
}

/* The name that folds to the key, or NULL. */
static struct leaf *find(const struct names *n, struct str key)
{
	struct leaf *l = n->n ? closest(n, key) : NULL;

	return l && str_eq(key_of(n, l), key) ? l : NULL;
}

static uint32_t keep(struct names *n, struct str s)
{
	size_t at = n->pool_n, need = at + s.n;

	if (need > n->pool_cap) {
		n->pool_cap = need > 32768 ? 2 * need : 65536;
		n->pool = xrealloc(n->pool, n->pool_cap);
	}
	memcpy(n->pool + at, s.p, s.n);
	n->pool_n = need;
	return (uint32_t)at;
}

static void make_room(struct names *n)
{
	if (n->n < n->cap)
		return;
	n->cap = n->cap ? 2 * n->cap : 512;
	n->leaves = xrealloc(n->leaves, n->cap * sizeof(*n->leaves));
	n->nodes = xrealloc(n->nodes, n->cap * sizeof(*n->nodes));
}

/* Put the last leaf into the tree, next to the one that is closest to it. */
static void link_leaf(struct names *n, struct str key, struct str other)
{
	uint32_t *at = &n->root, leaf = (uint32_t)n->n - 1;
	struct node d = {.byte = 0};
	unsigned differ;

	while (byte_of(key, d.byte) == byte_of(other, d.byte))
		d.byte++;
	differ = byte_of(key, d.byte) ^ byte_of(other, d.byte);
	while (differ & (differ - 1))
		differ &= differ - 1; /* the highest bit stays */
	d.mask = (uint8_t)~differ;
	while (!(*at & LEAF)) {
		const struct node *o = &n->nodes[*at];

		if (o->byte > d.byte || (o->byte == d.byte && o->mask > d.mask))
			break;
		at = &n->nodes[*at].child[side(o, key)];
	}
	d.child[side(&d, key)] = leaf | LEAF;
	d.child[!side(&d, key)] = *at;
	n->nodes[leaf - 1] = d;
	*at = leaf - 1;
}

static int insert(struct names *n, struct str name, struct str key, bool directory, struct err *err)
{
	struct leaf l = {.name_n = (uint16_t)name.n, .key_n = (uint16_t)key.n, .is_dir = directory};
	struct leaf *other = n->n ? closest(n, key) : NULL;
	size_t next = other ? (size_t)(other - n->leaves) : 0;

	n->names_n += name.n;
	if (n->names_n > LIMIT_ARCHIVE_DIRECTORY)
		return err_set(err, ERR_LIMIT, "the names of the archive take more than %u bytes",
			       LIMIT_ARCHIVE_DIRECTORY);
	l.name = keep(n, name);
	l.key = str_eq(name, key) ? l.name : keep(n, key);
	make_room(n);
	n->leaves[n->n++] = l;
	if (n->n == 1)
		n->root = LEAF;
	else
		link_leaf(n, key, key_of(n, &n->leaves[next]));
	return 0;
}

static int in_the_way(const struct names *n, const struct leaf *l, struct str name, bool directory,
		      struct err *err)
{
	char shown[PATH_SHOWN_SIZE], other[PATH_SHOWN_SIZE];

	path_show(name, shown);
	if (!str_eq(name_of(n, l), name))
		return err_set(err, ERR_UNSAFE, "entry %s: differs from %s by case only", shown,
			       path_show(name_of(n, l), other));
	if (l->is_dir != directory)
		return err_set(err, ERR_UNSAFE, "entry %s: is both a file and a directory", shown);
	return err_set(err, ERR_UNSAFE, "entry %s: is there twice", shown);
}

static int add(struct names *n, struct str name, bool directory, struct err *err)
{
	struct str key = {n->key, fold(name, n->key)};
	const struct leaf *l = find(n, key);

	if (!l)
		return insert(n, name, key, directory, err);
	if (directory && l->is_dir && str_eq(name_of(n, l), name))
		return 0;
	return in_the_way(n, l, name, directory, err);
}

static bool is_known_directory(struct names *n, struct str name)
{
	const struct leaf *l = find(n, (struct str){n->key, fold(name, n->key)});

	return l && l->is_dir && str_eq(name_of(n, l), name);
}

/* The directories that a name implies. One that is known was here with all of its own. */
static int add_parents(struct names *n, struct str parent, struct err *err)
{
	if (!parent.n || (parent.n == n->last_n && !memcmp(parent.p, n->last, parent.n)))
		return 0;
	if (!is_known_directory(n, parent))
		for (size_t i = 1; i <= parent.n; i++)
			if ((i == parent.n || parent.p[i] == '/') &&
			    add(n, str_sub(parent, 0, i), true, err))
				return -1;
	memcpy(n->last, parent.p, parent.n);
	n->last_n = parent.n;
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
	if (add_parents(n, str_sub(name, 0, parent), err))
		return -1;
	return add(n, name, directory, err);
}
