#include "tests/fuzz/fuzz.h"

#include "artifacts/fold.h"
#include "artifacts/names.h"
#include "artifacts/path.h"
#include "aws/core/mem.h"

/*
 * A name that is accepted is safe in its normal form, and that form is final. Lines of the input
 * are the names of one archive: what is told to be in the way of another one must be so again.
 *
 * Layers: artifacts aws core
 */

static void check_normal(const struct path *p)
{
	struct str rest = p->text, segment;
	char again[PATH_SIZE], folded[FOLD_GROWTH * PATH_SIZE], twice[FOLD_GROWTH * sizeof(folded)];
	struct err err = ERR_INIT;
	struct path q;
	size_t depth = 0, n;

	FUZZ_CHECK(p->text.n <= LIMIT_ENTRY_NAME && p->text.p[p->text.n] == 0);
	FUZZ_CHECK(str_is_utf8(p->text) && !memchr(p->text.p, '\\', p->text.n));
	while (str_next(&rest, '/', &segment)) {
		FUZZ_CHECK(segment.n && segment.n <= PATH_SEGMENT_MAX);
		FUZZ_CHECK(!str_is(segment, ".") && !str_is(segment, ".."));
		depth++;
	}
	FUZZ_CHECK(depth == p->depth);
	FUZZ_CHECK(!p->text.n || p->text.p[p->text.n - 1] != '/');
	for (size_t i = 0; i < p->text.n; i++)
		FUZZ_CHECK((unsigned char)p->text.p[i] >= 0x20 && p->text.p[i] != 0x7f);
	n = fold(p->text, folded);
	FUZZ_CHECK(n <= FOLD_GROWTH * p->text.n && str_is_utf8((struct str){folded, n}));
	FUZZ_CHECK(fold((struct str){folded, n}, twice) == n && !memcmp(twice, folded, n));
	if (!p->text.n)
		return;
	FUZZ_CHECK(path_normalize(p->text, LIMIT_UNPACKED_DEPTH, again, &q, &err) == 0);
	FUZZ_CHECK(str_eq(q.text, p->text) && q.depth == p->depth && !q.directory);
}

static void check_name(struct names *names, struct str name)
{
	char buf[PATH_SIZE], shown[PATH_SHOWN_SIZE];
	struct err err = ERR_INIT, same = ERR_INIT;
	struct path p;

	path_show(name, shown);
	FUZZ_CHECK(strlen(shown) < PATH_SHOWN_SIZE && str_is_utf8(str_from(shown)));
	for (const char *c = shown; *c; c++)
		FUZZ_CHECK((unsigned char)*c >= 0x20 && *c != 0x7f);
	if (path_normalize(name, LIMIT_UNPACKED_DEPTH, buf, &p, &err)) {
		FUZZ_CHECK(err.code == ERR_UNSAFE || err.code == ERR_LIMIT);
		return;
	}
	check_normal(&p);
	if (names_add(names, &p, p.directory, &err)) {
		FUZZ_CHECK(err.code == ERR_UNSAFE);
		FUZZ_CHECK(names_add(names, &p, p.directory, &same) == -1);
	} else {
		/* a directory may be named again, a file may not */
		FUZZ_CHECK(names_add(names, &p, p.directory, &same) ==
			   (p.directory || !p.text.n ? 0 : -1));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = {(const char *)data, size}, line;
	struct names *names = names_new();

	check_name(names, rest);
	names_free(names);
	names = names_new();
	while (str_next(&rest, '\n', &line))
		check_name(names, line);
	names_free(names);
	return 0;
}
