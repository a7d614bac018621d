#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "artifacts/fold.h"

static const struct {
	const char *name, *key;
} cases[] = {
	{"", ""},
	{"AbC-Z@[1", "abc-z@[1"},
	{"\xc3\x80\xc3\x96\xc3\x9e",
	 "a\xcc\x80o\xcc\x88\xc3\xbe"},		  /* A grave, O diaeresis, thorn */
	{"\xc3\x97\xc3\xb7", "\xc3\x97\xc3\xb7"}, /* no letters */
	{"stra\xc3\x9f"
	 "e",
	 "strasse"},
	{"\xe1\xba\x9e", "ss"},		/* capital sharp s */
	{"\xc4\xb0", "i\xcc\x87"},	/* I with a dot */
	{"\xc4\xb1", "\xc4\xb1"},	/* i without one is a letter of its own */
	{"\xe2\x84\xaa\xc5\xbf", "ks"}, /* Kelvin sign, long s */
	{"\xe2\x84\xab", "a\xcc\x8a"},	/* Angstrom sign */
	{"\xef\xac\x83", "ffi"},	/* a ligature */
	{"\xc4\x80\xc4\x81", "a\xcc\x84"
			     "a\xcc\x84"},
	{"\xc4\x81x", "a\xcc\x84x"},
	{"\xce\xa3\xcf\x83\xcf\x82", "\xcf\x83\xcf\x83\xcf\x83"}, /* sigmas */
	{"\xd0\x90\xd1\x8f", "\xd0\xb0\xd1\x8f"},		  /* Cyrillic */
	{"\xf0\x90\x90\x80", "\xf0\x90\x90\xa8"},		  /* Deseret: four bytes */
	{"\xf0\x9d\x85\xa0", "\xf0\x9d\x85\x98\xf0\x9d\x85\xa5\xf0\x9d\x85\xae"}, /* growth of 3 */
	{"\xea\xb0\x80\xed\x9e\xa3", /* first and last syllable of Hangul */
	 "\xe1\x84\x80\xe1\x85\xa1\xe1\x84\x92\xe1\x85\xb5\xe1\x87\x82"},
	{"q\xcc\x87\xcc\xa3", "q\xcc\xa3\xcc\x87"},		    /* marks in order of class */
	{"q\xcc\x87\xcc\x81\xcc\xa3", "q\xcc\xa3\xcc\x87\xcc\x81"}, /* and else as they were */
	/* alpha with iota below, and grave: one character, or two, or three in either order */
	{"\xe1\xbe\xb2", "\xce\xb1\xcc\x80\xce\xb9"},
	{"\xe1\xbe\xb3\xcc\x80", "\xce\xb1\xcc\x80\xce\xb9"},
	{"\xce\xb1\xcd\x85\xcc\x80", "\xce\xb1\xcc\x80\xce\xb9"},
	{"\xce\x91\xcc\x80\xcd\x85", "\xce\xb1\xcc\x80\xce\xb9"},
	{"\xef\xa4\x80", "\xef\xa4\x80"}, /* a compatibility ideograph */
	{"\xe6\xbc\xa2\xf0\x9f\x98\x80", "\xe6\xbc\xa2\xf0\x9f\x98\x80"},
};

static void test_cases(void **state)
{
	char out[256];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t n = fold(str_from(cases[i].name), out);

		out[n] = 0;
		assert_string_equal(out, cases[i].key);
		assert_true(n <= FOLD_GROWTH * strlen(cases[i].name));
	}
}

/* Far more marks than any text has: all of them come out, and in the same order every time. */
static void test_many_marks(void **state)
{
	char name[3 * 1000], once[FOLD_GROWTH * sizeof(name)], twice[FOLD_GROWTH * sizeof(once)];
	size_t n;

	(void)state;
	for (size_t i = 0; i + 1 < sizeof(name); i += 2)
		memcpy(name + i, i % 4 ? "\xcc\x87" : "\xcc\xa3", 2);
	n = fold((struct str){name, sizeof(name)}, once);
	assert_int_equal(n, sizeof(name));
	assert_int_equal(fold((struct str){once, n}, twice), n);
	assert_memory_equal(once, twice, n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_many_marks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
