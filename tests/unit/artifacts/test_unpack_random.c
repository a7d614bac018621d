#include "tests/unit/artifacts/unpacked.h"

#include "tests/unit/artifacts/listing.h"
#include "tests/unit/artifacts/random_archive.h"

/*
 * Random archives that are right must be unpacked exactly. With one byte changed they are either
 * refused, or unpacked to what libarchive sees in them; nothing is ever left when they are refused.
 * A failure names its seed.
 */

static void check_tree(int dir_fd, const struct ra_tree *t)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct ra_file *f = &t->files[i];

		if (f->directory)
			check_dir(dir_fd, f->name);
		else
			check_file(dir_fd, f->name, (struct str){f->content, f->n},
				   f->executable ? 0755 : 0644);
	}
}

static void test_right(void **state)
{
	struct ra_tree *tree = xmalloc(sizeof(*tree));
	struct unpack_stats stats;
	struct temp t;
	struct buf b;

	(void)state;
	temp_make(&t);
	buf_init(&b, 1 << 24);
	for (uint64_t seed = 0; seed < 60; seed++) {
		for (enum ra_kind kind = RA_ZIP; kind < RA_KINDS; kind++) {
			size_t files = 0;

			buf_clear(&b);
			ra_make(seed, tree, kind, &b);
			unpack_good(buf_str(&b), &t, &stats);
			check_tree(t.fd, tree);
			for (size_t i = 0; i < tree->n; i++)
				files += !tree->files[i].directory;
			assert_int_equal(stats.files, files);
		}
	}
	buf_release(&b);
	free(tree);
	temp_remove(&t);
}

struct counts {
	size_t refused, same;
};

static void check_changed(uint64_t seed, struct str archive, struct temp *t, struct counts *counts)
{
	struct unpack_limits l = unpack_limits_default();
	struct listing ours, theirs;
	struct unpack_stats stats;
	struct err err = ERR_INIT;
	int fd = file_of(archive);

	if (unpack(fd, t->fd, &l, &stats, &err)) {
		if (count_in(t->fd))
			fail_msg("seed %d: something was left behind", (int)seed);
		counts->refused++;
		close(fd);
		return;
	}
	listing_of_tree(&ours, t->fd);
	if (listing_of_archive(&theirs, fd))
		fail_msg("seed %d: libarchive refuses it: %s", (int)seed, theirs.why);
	if (!listing_same(&ours, &theirs))
		fail_msg("seed %d: libarchive sees something else", (int)seed);
	counts->same++;
	listing_free(&ours);
	listing_free(&theirs);
	close(fd);
	if (remove_content(t->fd, &err))
		fail_msg("%s", err.text);
}

static void test_changed(void **state)
{
	struct ra_tree *tree = xmalloc(sizeof(*tree));
	struct counts counts = {0};
	struct temp t;
	struct buf b;

	(void)state;
	temp_make(&t);
	buf_init(&b, 1 << 24);
	for (uint64_t seed = 0; seed < 1500; seed++) {
		buf_clear(&b);
		ra_make(seed / 10, tree, (enum ra_kind)(seed % RA_KINDS), &b);
		ra_mutate(seed, &b);
		check_changed(seed, buf_str(&b), &t, &counts);
	}
	printf("# one byte changed: %zu refused, %zu as libarchive sees them\n", counts.refused,
	       counts.same);
	assert_true(counts.refused > 100 && counts.same > 100);
	buf_release(&b);
	free(tree);
	temp_remove(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_right),
		cmocka_unit_test(test_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
