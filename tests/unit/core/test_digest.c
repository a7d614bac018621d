#include "aws/core/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "aws/core/rng.h"

/* FIPS 180-2, appendix B, and the empty message. */
static const struct {
	const char *text, *hex;
} known[] = {
	{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
	{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
};

static void test_sha256(void **state)
{
	char hex[SHA256_HEX_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		sha256_hex(str_from(known[i].text), hex);
		assert_string_equal(hex, known[i].hex);
	}
	sha256_hex((struct str){NULL, 0}, hex);
	assert_string_equal(hex, known[0].hex);
}

static void test_sha256_streamed(void **state)
{
	uint8_t out[SHA256_SIZE], whole[SHA256_SIZE];
	char hex[SHA256_HEX_SIZE];
	struct sha256_ctx *c;

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		c = sha256_begin();
		for (const char *p = known[i].text; *p; p++)
			sha256_add(c, p, 1);
		sha256_add(c, NULL, 0);
		sha256_end(c, out);
		hex_encode(out, sizeof(out), hex);
		assert_string_equal(hex, known[i].hex);
	}
	c = sha256_begin(); /* a million 'a' (FIPS 180-2) */
	for (int i = 0; i < 1000; i++) {
		char a[1000];

		memset(a, 'a', sizeof(a));
		sha256_add(c, a, sizeof(a));
	}
	sha256_end(c, out);
	assert_true(
		hex_decode(STR("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
			   whole, sizeof(whole)));
	assert_memory_equal(out, whole, sizeof(out));
	c = sha256_begin();
	sha256_add(c, "abandoned", 9);
	sha256_end(c, NULL);
}

/* RFC 4231, test cases 1, 2, 6; and the empty key. */
static void test_hmac(void **state)
{
	uint8_t out[SHA256_SIZE], key[131];
	char hex[SHA256_HEX_SIZE];

	(void)state;
	memset(key, 0x0b, 20);
	hmac_sha256(key, 20, STR("Hi There"), out);
	hex_encode(out, sizeof(out), hex);
	assert_string_equal(hex,
			    "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	hmac_sha256("Jefe", 4, STR("what do ya want for nothing?"), out);
	hex_encode(out, sizeof(out), hex);
	assert_string_equal(hex,
			    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof(key));
	hmac_sha256(key, sizeof(key), STR("Test Using Larger Than Block-Size Key - Hash Key First"),
		    out);
	hex_encode(out, sizeof(out), hex);
	assert_string_equal(hex,
			    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
	hmac_sha256(NULL, 0, (struct str){NULL, 0}, out);
	hex_encode(out, sizeof(out), hex);
	assert_string_equal(hex,
			    "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void test_hex(void **state)
{
	uint8_t out[4] = {9, 9, 9, 9};
	char text[9];

	(void)state;
	hex_encode((const uint8_t *)"\x00\x7f\xAB\xff", 4, text);
	assert_string_equal(text, "007fabff");
	hex_encode(NULL, 0, text);
	assert_string_equal(text, "");
	assert_true(hex_decode(STR("007FabfF"), out, 4));
	assert_memory_equal(out, "\x00\x7f\xab\xff", 4);
	assert_true(hex_decode(STR(""), out, 0));
	assert_false(hex_decode(STR("007fab"), out, 4));
	assert_false(hex_decode(STR("007fabf"), out, 4));
	assert_false(hex_decode(STR("007fabff00"), out, 4));
	assert_false(hex_decode(STR("007fabfg"), out, 4));
	assert_false(hex_decode(STR("007fab f"), out, 4));
	assert_false(hex_decode(STR("007fab:f"), out, 4));
	assert_false(hex_decode(STR("007fab@f"), out, 4));
}

/* RFC 4648, section 10. */
static void test_base64(void **state)
{
	static const struct {
		const char *plain, *text;
	} pairs[] = {{"", ""},
		     {"f", "Zg=="},
		     {"fo", "Zm8="},
		     {"foo", "Zm9v"},
		     {"foob", "Zm9vYg=="},
		     {"fooba", "Zm9vYmE="},
		     {"foobar", "Zm9vYmFy"}};
	uint8_t out[16];
	struct buf b;
	size_t n;

	(void)state;
	buf_init(&b, 100);
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		size_t want = strlen(pairs[i].plain);

		buf_clear(&b);
		base64_encode(&b, pairs[i].plain, want);
		assert_string_equal(b.p, pairs[i].text);
		assert_true(base64_decode(str_from(pairs[i].text), out, want, &n));
		assert_int_equal(n, want);
		assert_memory_equal(out, pairs[i].plain, want);
		if (want > 0)
			assert_false(base64_decode(str_from(pairs[i].text), out, want - 1, &n));
	}
	buf_clear(&b);
	base64_encode(&b, "\xfb\xff\xfe", 3);
	assert_string_equal(b.p, "+//+");
	buf_release(&b);
}

static void test_base64_strict(void **state)
{
	static const char *const bad[] = {
		"Z",	"Zg",	 "Zg=",	     "Zg===",	 "====",	"Z===",	 "=g==",
		"Zh==", "Zm9=",	 "Zg==Zg==", "Zm8=Zm8=", "Zm9v\n",	"Zm9\n", " m9v",
		"Zm-_", "Zm9v=", "Zg=g",     "Z=g=",	 "Zm9vZg==AAAA"};
	uint8_t out[64];
	size_t n = 77;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (base64_decode(str_from(bad[i]), out, sizeof(out), &n))
			fail_msg("accepted \"%s\"", bad[i]);
	assert_false(base64_decode((struct str){"Zm9\0", 4}, out, sizeof(out), &n));
	assert_int_equal(n, 77);
}

static void test_base64_round_trip(void **state)
{
	struct rng_seeded r;
	uint8_t in[200], out[200];

	(void)state;
	rng_seeded_init(&r, 4648);
	for (size_t n = 0; n <= sizeof(in); n++) {
		struct buf b;
		size_t got;

		r.rng.fill(&r.rng, in, n);
		buf_init(&b, 400);
		base64_encode(&b, in, n);
		assert_int_equal(b.n, (n + 2) / 3 * 4);
		assert_true(base64_decode(buf_str(&b), out, n, &got));
		assert_int_equal(got, n);
		assert_int_equal(n ? memcmp(in, out, n) : 0, 0);
		buf_release(&b);
	}
}

static void test_equal(void **state)
{
	(void)state;
	assert_true(digest_equal("abc", "abc", 3));
	assert_false(digest_equal("abc", "abd", 3));
	assert_false(digest_equal("xbc", "abc", 3));
	assert_true(digest_equal("abX", "abY", 2));
	assert_true(digest_equal("a", "b", 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sha256),
		cmocka_unit_test(test_sha256_streamed),
		cmocka_unit_test(test_hmac),
		cmocka_unit_test(test_hex),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_base64_strict),
		cmocka_unit_test(test_base64_round_trip),
		cmocka_unit_test(test_equal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
