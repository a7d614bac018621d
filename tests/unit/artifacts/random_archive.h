#ifndef TESTS_UNIT_ARTIFACTS_RANDOM_ARCHIVE_H
#define TESTS_UNIT_ARTIFACTS_RANDOM_ARCHIVE_H

#include <stdio.h>

#include "aws/core/mem.h"
#include "aws/core/rng.h"
#include "tests/unit/artifacts/tar_maker.h"
#include "tests/unit/artifacts/zip_maker.h"

/*
 * Archives that are right, of everything that archives may have, decided by a seed: a few files
 * with names and contents of many shapes, as zip or tar in one of their forms.
 */
#define RA_FILES 8

struct ra_file {
	char name[400];
	char content[1600];
	size_t n;
	bool executable, directory;
};

struct ra_tree {
	struct ra_file files[RA_FILES];
	size_t n;
};

static inline size_t ra_below(struct rng_seeded *r, size_t n)
{
	return (size_t)rng_below(&r->rng, n);
}

static inline void ra_name(struct rng_seeded *r, size_t i, char *out, size_t size)
{
	static const char *const segments[] = {"a",
					       "src/main",
					       "d\xc3\xa9j\xc3\xa0 vu",
					       "..x/...",
					       "node_modules/@scope",
					       "x y",
					       "con",
					       "trail./ .",
					       "~/$HOME",
					       "C",
					       "\xe6\xbc\xa2\xe5\xad\x97"};
	static const char long_one[] = "a_long_directory_name_of_fifty_characters_in_a_row";
	size_t n = 0;

	for (size_t k = ra_below(r, 4); k > 0; k--)
		n += (size_t)snprintf(out + n, size - n, "%s/",
				      ra_below(r, 6) ? segments[ra_below(r, 11)] : long_one);
	snprintf(out + n, size - n, "%s-%zu", segments[ra_below(r, 11)], i);
}

static inline void ra_make_tree(struct rng_seeded *r, struct ra_tree *t)
{
	static const size_t sizes[] = {0, 1, 2, 511, 512, 513, 1024, 1600};

	t->n = ra_below(r, RA_FILES + 1);
	for (size_t i = 0; i < t->n; i++) {
		struct ra_file *f = &t->files[i];
		bool noise = ra_below(r, 2);

		ra_name(r, i, f->name, sizeof(f->name));
		f->directory = !ra_below(r, 6);
		f->executable = !f->directory && !ra_below(r, 3);
		f->n = f->directory ? 0 : sizes[ra_below(r, 8)];
		for (size_t k = 0; k < f->n; k++)
			f->content[k] = (char)(noise ? ra_below(r, 256) : (k / 7) % 5 + 'a');
	}
}

static inline void ra_zip(struct rng_seeded *r, const struct ra_tree *t, struct buf *out)
{
	static const int descriptors[] = {0, 0, 12, 16, 20, 24};
	bool dots = !ra_below(r, 4), wide = !ra_below(r, 4), full = wide && ra_below(r, 2);
	struct zm z;

	zm_begin(&z);
	for (size_t i = 0; i < t->n; i++) {
		const struct ra_file *f = &t->files[i];
		char name[410];
		int descriptor = f->directory ? 0 : descriptors[ra_below(r, 6)];
		uint32_t mode =
			f->directory ? S_IFDIR | 0755u : S_IFREG | (f->executable ? 0755u : 0644u);

		snprintf(name, sizeof(name), "%s%s%s", dots ? "./" : "", f->name,
			 f->directory ? "/" : "");
		zm_add(&z, &(struct zm_entry){.name = name,
					      .content = {f->content, f->n},
					      .deflate = ra_below(r, 2),
					      .flags = 1 << 11,
					      .mode = mode,
					      .zip64 = descriptor != 12 && descriptor != 16 &&
						       !ra_below(r, 4),
					      .descriptor = descriptor,
					      .local_sizes = ra_below(r, 2)});
	}
	zm_end(&z, &(struct zm_end){.zip64 = wide,
				    .full = full,
				    .comment = ra_below(r, 2) ? "a comment" : NULL});
	buf_add_str(out, buf_str(&z.out));
	zm_release(&z);
}

/* In ustar's two fields, if it fits there. */
static inline bool ra_split(const char *name, char prefix[156], char rest[101])
{
	size_t n = strlen(name), at = n > 100 ? n - 101 : 0;

	if (n <= 100) {
		prefix[0] = 0;
		memcpy(rest, name, n + 1);
		return true;
	}
	while (name[at] && name[at] != '/')
		at++;
	if (!name[at] || at > 155 || !name[at + 1])
		return false;
	memcpy(prefix, name, at);
	prefix[at] = 0;
	memcpy(rest, name + at + 1, n - at);
	return true;
}

static inline void ra_tar_entry(struct rng_seeded *r, const struct ra_file *f,
				enum tm_format format, bool dots, struct buf *out)
{
	char name[410], prefix[156], rest[101];

	snprintf(name, sizeof(name), "%s%s%s", dots ? "./" : "", f->name, f->directory ? "/" : "");
	if (format == TM_POSIX && ra_below(r, 2) && ra_split(name, prefix, rest)) {
		/* its two fields are enough */
	} else if (format == TM_GNU ? strlen(name) > 100 || !ra_below(r, 4) : format == TM_POSIX) {
		if (format == TM_GNU)
			tm_long(out, 'L', name);
		else
			tm_pax(out, 'x', "path", name);
		prefix[0] = 0;
		snprintf(rest, sizeof(rest), "cut%s", f->directory ? "/" : "");
	} else {
		prefix[0] = 0;
		snprintf(rest, sizeof(rest), "%.100s", name);
	}
	tm_add(out, &(struct tm_entry){.name = rest,
				       .prefix = prefix[0] ? prefix : NULL,
				       .content = {f->content, f->n},
				       .type = f->directory ? '5' : '0',
				       .mode = f->executable || f->directory ? 0755 : 0644,
				       .format = format});
}

static inline void ra_tar(struct rng_seeded *r, const struct ra_tree *t, struct buf *out)
{
	bool dots = !ra_below(r, 4);
	enum tm_format format = ra_below(r, 2) ? TM_POSIX : TM_GNU;

	if (!ra_below(r, 4))
		tm_pax(out, 'g', "comment", "0123456789abcdef");
	/* without any entry it would be nothing but zeros, which is refused */
	if (!t->n || dots)
		tm_add(out, &(struct tm_entry){.name = "./", .type = '5', .mode = 0755});
	for (size_t i = 0; i < t->n; i++)
		ra_tar_entry(r, &t->files[i], format, dots, out);
	tm_end(out);
}

enum ra_kind { RA_ZIP, RA_TAR, RA_TAR_GZIP, RA_KINDS };

/* The tree and the archive of a seed; out is empty at first. */
static inline void ra_make(uint64_t seed, struct ra_tree *t, enum ra_kind kind, struct buf *out)
{
	struct rng_seeded r;

	rng_seeded_init(&r, seed);
	ra_make_tree(&r, t);
	if (kind == RA_ZIP) {
		ra_zip(&r, t, out);
		return;
	}
	ra_tar(&r, t, out);
	if (kind == RA_TAR_GZIP)
		tm_gzip(out);
}

/* Change one byte to something else. */
static inline void ra_mutate(uint64_t seed, struct buf *b)
{
	struct rng_seeded r;

	rng_seeded_init(&r, seed);
	b->p[ra_below(&r, b->n)] ^= (char)(1 + ra_below(&r, 255));
}

#endif
