#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "artifacts/fold.h"
#include "artifacts/names.h"
#include "artifacts/path.h"
#include "aws/core/mem.h"
#include "aws/core/rng.h"

static const struct {
	const char *name, *normal;
	size_t depth;
	bool directory;
} accepted[] = {
	{"a", "a", 1, false},
	{"a/b", "a/b", 2, false},
	{"./a", "a", 1, false},
	{"././a/./b", "a/b", 2, false},
	{"a/", "a", 1, true},
	{"a/.", "a", 1, true},
	{"a//b", "a/b", 2, false},
	{".//a/b//", "a/b", 2, true},
	{".", "", 0, true},
	{"./", "", 0, true},
	{".//.", "", 0, true},
	{"...", "...", 1, false},
	{"..a", "..a", 1, false},
	{"a..", "a..", 1, false},
	{".hidden", ".hidden", 1, false},
	{"a b/c", "a b/c", 2, false},
	{"12:30", "12:30", 1, false},
	{"ab:c", "ab:c", 1, false},
	{"x/c:", "x/c:", 2, false},
	{"\xc3\xa4/\xe2\x82\xac", "\xc3\xa4/\xe2\x82\xac", 2, false},
	{"\xc2\xa0", "\xc2\xa0", 1, false}, /* the first that is no C1 control */
};

static void test_accepts(void **state)
{
	char buf[PATH_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
		struct err err = ERR_INIT;
		struct path p;

		if (path_normalize(str_from(accepted[i].name), 64, buf, &p, &err))
			fail_msg("%s: %s", accepted[i].name, err.text);
		assert_string_equal(p.text.p, accepted[i].normal);
		assert_int_equal(p.text.n, strlen(accepted[i].normal));
		assert_int_equal(p.depth, accepted[i].depth);
		assert_int_equal(p.directory, accepted[i].directory);
	}
}

static const struct {
	struct str name;
	enum err_code code;
	const char *text;
} refused[] = {
	{{"", 0}, ERR_UNSAFE, "entry \"\": an entry without a name"},
	{{"/", 1}, ERR_UNSAFE, "absolute"},
	{{"/etc/passwd", 11}, ERR_UNSAFE, "entry \"/etc/passwd\": an absolute name"},
	{{"//x", 3}, ERR_UNSAFE, "absolute"},
	{{"..", 2}, ERR_UNSAFE, "leads out"},
	{{"../x", 4}, ERR_UNSAFE, "leads out"},
	{{"a/..", 4}, ERR_UNSAFE, "leads out"},
	{{"a/../b", 6}, ERR_UNSAFE, "leads out"},
	{{"./../b", 6}, ERR_UNSAFE, "leads out"},
	{{"a\0b", 3}, ERR_UNSAFE, "entry \"a\\x00b\": a NUL byte"},
	{{"a\\b", 3}, ERR_UNSAFE, "entry \"a\\x5cb\": a backslash"},
	{{"..\\x", 4}, ERR_UNSAFE, "backslash"},
	{{"C:", 2}, ERR_UNSAFE, "drive letter"},
	{{"c:/x", 4}, ERR_UNSAFE, "drive letter"},
	{{"./c:x", 5}, ERR_UNSAFE, "drive letter"},
	{{"a\nb", 3}, ERR_UNSAFE, "\"a\\x0ab\": control"},
	{{"a\x7f", 2}, ERR_UNSAFE, "control"},
	{{"a\xc2\x9b", 3}, ERR_UNSAFE, "control"},
	{{"\xe4.txt", 5}, ERR_UNSAFE, "entry \"\\xe4.txt\": the name is not UTF-8"},
	{{"\xc0\xaf", 2}, ERR_UNSAFE, "not UTF-8"},
	{{"\xed\xa0\x80", 3}, ERR_UNSAFE, "not UTF-8"},
	{{"1/2/3/4/5", 9}, ERR_LIMIT, "too deep"},
};

static void test_refuses(void **state)
{
	char buf[PATH_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct err err = ERR_INIT;
		struct path p;

		assert_int_equal(path_normalize(refused[i].name, 4, buf, &p, &err), -1);
		assert_int_equal(err.code, refused[i].code);
		if (!strstr(err.text, refused[i].text))
			fail_msg("\"%s\" does not say \"%s\"", err.text, refused[i].text);
	}
}

static void test_lengths(void **state)
{
	char name[LIMIT_ENTRY_NAME + 2], buf[PATH_SIZE];
	struct err err = ERR_INIT;
	struct path p;

	(void)state;
	memset(name, 'x', sizeof(name));
	assert_int_equal(path_normalize((struct str){name, 255}, 64, buf, &p, &err), 0);
	assert_int_equal(path_normalize((struct str){name, 256}, 64, buf, &p, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_non_null(strstr(err.text, "255 bytes"));
	for (size_t i = 200; i < sizeof(name); i += 200)
		name[i] = '/';
	assert_int_equal(path_normalize((struct str){name, LIMIT_ENTRY_NAME}, 64, buf, &p, &err),
			 0);
	assert_int_equal(p.text.n, LIMIT_ENTRY_NAME);
	assert_int_equal(
		path_normalize((struct str){name, LIMIT_ENTRY_NAME + 1}, 64, buf, &p, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_non_null(strstr(err.text, "..."));
}

static void test_show(void **state)
{
	char out[PATH_SHOWN_SIZE], longer[400];

	(void)state;
	assert_string_equal(path_show(STR("a\"b"), out), "\"a\\x22b\"");
	assert_string_equal(path_show(STR("\xe2\x82\xac\xe2\x82"), out),
			    "\"\xe2\x82\xac\\xe2\\x82\"");
	assert_string_equal(path_show(STR("\xf0\x9f\x98\x80"), out), "\"\xf0\x9f\x98\x80\"");
	for (size_t n = 150; n < sizeof(longer); n++) {
		memset(longer, n % 3 ? 'x' : 1, n);
		path_show((struct str){longer, n}, out);
		assert_true(strlen(out) < PATH_SHOWN_SIZE);
		assert_int_equal(out[strlen(out) - 1], '"');
	}
	assert_non_null(strstr(out, "...\""));
}

/* --- names ------------------------------------------------------------------------------------ */

static int add(struct names *n, const char *name, struct err *err)
{
	char buf[PATH_SIZE];
	struct path p;

	assert_int_equal(path_normalize(str_from(name), 64, buf, &p, err), 0);
	return names_add(n, &p, p.directory, err);
}

static void check_in_the_way(const char *const *before, const char *name, const char *text)
{
	struct names *n = names_new();
	struct err err = ERR_INIT;

	for (; *before; before++)
		assert_int_equal(add(n, *before, &err), 0);
	assert_int_equal(add(n, name, &err), -1);
	assert_int_equal(err.code, ERR_UNSAFE);
	if (!strstr(err.text, text))
		fail_msg("\"%s\" does not say \"%s\"", err.text, text);
	names_free(n);
}

static void test_names(void **state)
{
	struct names *n = names_new();
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(add(n, "./", &err), 0);
	assert_int_equal(add(n, "a/b/c", &err), 0);
	assert_int_equal(add(n, "a/b/d", &err), 0);
	assert_int_equal(add(n, "a/", &err), 0);
	assert_int_equal(add(n, "a/b/", &err), 0);
	assert_int_equal(add(n, "a/b/", &err), 0);
	assert_int_equal(add(n, "a/bb", &err), 0);
	assert_int_equal(add(n, "a/b/e", &err), 0);
	names_free(n);

	check_in_the_way((const char *[]){"a/b", NULL}, "./a//b", "\"a/b\": is there twice");
	check_in_the_way((const char *[]){"a", NULL}, "a/b", "\"a\": is both a file and a dir");
	check_in_the_way((const char *[]){"a/b/c", NULL}, "a", "is both");
	check_in_the_way((const char *[]){"a/b/c", NULL}, "a/b", "is both");
	check_in_the_way((const char *[]){"a/", NULL}, "a", "is both");
	check_in_the_way((const char *[]){"README", NULL}, "readme",
			 "\"readme\": differs from \"README\" by case only");
	check_in_the_way((const char *[]){"a/x", NULL}, "A/y", "\"A\": differs from \"a\"");
	check_in_the_way((const char *[]){"\xc3\x84", NULL}, "\xc3\xa4", "by case only");
	check_in_the_way((const char *[]){"x", "\xc3\xa9/y", "z", NULL}, "e\xcc\x81/a", "by case");
	check_in_the_way((const char *[]){"stra\xc3\x9f" "e", NULL}, "STRASSE", "by case only");
	/* the parents are not looked at again for a neighbour */
	check_in_the_way((const char *[]){"p/a", "p/b", NULL}, "p/A", "by case only");
}

static void test_many_names(void **state)
{
	struct names *n = names_new();
	struct err err = ERR_INIT;
	char name[64];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		snprintf(name, sizeof(name), "d%d/f%d", i % 100, i);
		assert_int_equal(add(n, name, &err), 0);
	}
	for (int i = 0; i < 20000; i++) {
		snprintf(name, sizeof(name), "d%d/f%d", i % 100, i);
		assert_int_equal(add(n, name, &err), -1);
	}
	names_free(n);
}

/*
 * 2^16 names with one value under FNV-1a, made of pairs of blocks that collide one after the other
 * (A. Joux, "Multicollisions in iterated hash functions", 2004). A table keyed by that hash would
 * compare each name with all others, 2^31 times.
 */
static void test_names_that_collide(void **state)
{
	static const char blocks[16][2][7] = {
		{"m0oe1l", "5aum35"}, {"kh1fii", "fklzzk"}, {"4jai4c", "d2xy8l"},
		{"kb9qxi", "9jav4d"}, {"isw090", "q8h15g"}, {"l13j90", "n4w7sh"},
		{"1aahan", "sgd7pe"}, {"jn5s73", "2uwx6j"}, {"uv0o5m", "dfrm5v"},
		{"3tgb78", "x092j0"}, {"beds3f", "w1dfev"}, {"071qbo", "s8pat4"},
		{"c0lscl", "8vavfb"}, {"vhvjgb", "ck7w5z"}, {"vbn5gj", "ty6rbg"},
		{"alnhr5", "v52h2q"},
	};
	struct names *n = names_new();
	struct err err = ERR_INIT;
	char name[16 * 6 + 1];

	(void)state;
	name[sizeof(name) - 1] = 0;
	for (unsigned i = 0; i < 1u << 16; i++) {
		for (unsigned k = 0; k < 16; k++)
			memcpy(name + (size_t)6 * k, blocks[k][i >> k & 1], 6);
		assert_int_equal(add(n, name, &err), 0);
	}
	names_free(n);
}

/* Long directories that are named in turns, as often as an archive may have entries. */
static void test_directories_in_turns(void **state)
{
	struct names *n = names_new();
	struct err err = ERR_INIT;
	char name[2][1024];

	(void)state;
	for (int k = 0; k < 2; k++) {
		for (size_t i = 0; i < sizeof(name[k]) - 1; i++)
			name[k][i] = (char)(i % 16 ? 'a' + k : '/');
		name[k][0] = 'd';
		name[k][sizeof(name[k]) - 1] = 0;
		strcpy(name[k] + sizeof(name[k]) - 3, "/");
	}
	for (int i = 0; i < 20000; i++)
		assert_int_equal(add(n, name[i % 2], &err), 0);
	names_free(n);
}

struct model {
	char names[400][64];
	bool dirs[400];
	size_t n;
};

/* What names.c promises, by comparing each with each. False: it is in the way of another. */
static bool model_add(struct model *m, struct str name, bool directory)
{
	char key[FOLD_GROWTH * 64], other[FOLD_GROWTH * 64];
	size_t n = fold(name, key);

	for (size_t i = 0; i < m->n; i++) {
		struct str was = str_from(m->names[i]);

		if (fold(was, other) != n || memcmp(key, other, n) != 0)
			continue;
		return directory && m->dirs[i] && str_eq(was, name);
	}
	memcpy(m->names[m->n], name.p, name.n);
	m->names[m->n][name.n] = 0;
	m->dirs[m->n++] = directory;
	return true;
}

static bool model_add_all(struct model *m, struct str name, bool directory)
{
	for (size_t i = 1; i < name.n; i++)
		if (name.p[i] == '/' && !model_add(m, str_sub(name, 0, i), true))
			return false;
	return model_add(m, name, directory);
}

/* Short names of few letters, so that they meet often. An archive ends at the first that is in the
 * way, and so does a round. */
static void test_names_by_model(void **state)
{
	static const char *const letters[] = {"a", "b", "A", "/", "\xc3\xa9",
					     "e\xcc\x81", "aa/b", "cd"};
	struct model *m = xmalloc(sizeof(*m));
	struct rng_seeded r;
	size_t stopped = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 2000; seed++) {
		struct names *n = names_new();
		struct err err = ERR_INIT;
		bool right = true;

		rng_seeded_init(&r, seed);
		m->n = 0;
		for (int i = 0; i < 40 && right; i++) {
			char name[64] = "x", buf[PATH_SIZE];
			struct path p;

			for (size_t k = 1 + rng_below(&r.rng, 8); k > 0; k--)
				strcat(name, letters[rng_below(&r.rng, seed % 2 ? 8 : 2)]);
			assert_int_equal(path_normalize(str_from(name), 64, buf, &p, &err), 0);
			right = model_add_all(m, p.text, p.directory);
			if (right != !names_add(n, &p, p.directory, &err))
				fail_msg("seed %d: \"%s\": %s", (int)seed, name, err.text);
		}
		stopped += !right;
		names_free(n);
	}
	assert_in_range(stopped, 500, 1999);
	free(m);
}

static void test_names_limit(void **state)
{
	struct names *n = names_new();
	struct err err = ERR_INIT;
	char name[LIMIT_ENTRY_NAME + 1];
	unsigned i = 0;

	(void)state;
	memset(name, 'x', sizeof(name));
	for (size_t at = 250; at < sizeof(name); at += 250)
		name[at] = '/';
	name[LIMIT_ENTRY_NAME] = 0;
	do {
		/* the counter comes last, so that the directories are always the same */
		snprintf(name + LIMIT_ENTRY_NAME - 8, 9, "%08u", i++);
	} while (!add(n, name, &err));
	assert_int_equal(err.code, ERR_LIMIT);
	assert_in_range(i, 16000, 17000);
	names_free(n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepts),	   cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_show),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_many_names),
		cmocka_unit_test(test_names_by_model),
		cmocka_unit_test(test_names_that_collide),
		cmocka_unit_test(test_directories_in_turns),
		cmocka_unit_test(test_names_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
