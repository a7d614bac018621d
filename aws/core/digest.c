#include "aws/core/digest.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/core/rng.h"

/*
 * OpenSSL behind six functions, and the encodings that go with digests. A failure of the library
 * here means that it is broken or out of memory: there is nothing to handle, so it aborts.
 */
static void must(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "rollout-worker: %s failed in the TLS library\n", what);
	abort();
}

void sha256(struct str data, uint8_t out[SHA256_SIZE])
{
	unsigned n = 0;

	must(EVP_Digest(data.n ? data.p : "", data.n, out, &n, EVP_sha256(), NULL) == 1 &&
		     n == SHA256_SIZE,
	     "SHA-256");
}

void sha256_hex(struct str data, char out[SHA256_HEX_SIZE])
{
	uint8_t digest[SHA256_SIZE];

	sha256(data, digest);
	hex_encode(digest, sizeof(digest), out);
}

struct sha256_ctx *sha256_begin(void)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();

	must(c && EVP_DigestInit_ex(c, EVP_sha256(), NULL) == 1, "SHA-256");
	return (struct sha256_ctx *)c;
}

void sha256_add(struct sha256_ctx *c, const void *p, size_t n)
{
	must(EVP_DigestUpdate((EVP_MD_CTX *)c, p, n) == 1, "SHA-256");
}

void sha256_end(struct sha256_ctx *c, uint8_t out[SHA256_SIZE])
{
	uint8_t unused[SHA256_SIZE];

	must(EVP_DigestFinal_ex((EVP_MD_CTX *)c, out ? out : unused, NULL) == 1, "SHA-256");
	EVP_MD_CTX_free((EVP_MD_CTX *)c);
}

void hmac_sha256(const void *key, size_t key_n, struct str data, uint8_t out[SHA256_SIZE])
{
	unsigned n = 0;

	must(key_n <= INT_MAX &&
		     HMAC(EVP_sha256(), key_n ? key : "", (int)key_n,
			  (const unsigned char *)(data.n ? data.p : ""), data.n, out, &n) &&
		     n == SHA256_SIZE,
	     "HMAC");
}

bool digest_equal(const void *a, const void *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}

static void system_fill(struct rng *r, void *out, size_t n)
{
	(void)r;
	must(n <= INT_MAX && RAND_bytes(out, (int)n) == 1, "the random generator");
}

struct rng *rng_system(void)
{
	static struct rng r = {.fill = system_fill};

	return &r;
}

/* --- encodings ------------------------------------------------------------------------------- */

void hex_encode(const uint8_t *p, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[p[i] >> 4];
		out[2 * i + 1] = digits[p[i] & 15];
	}
	out[2 * n] = '\0';
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool hex_decode(struct str s, uint8_t *out, size_t n)
{
	if (s.n != 2 * n)
		return false;
	for (size_t i = 0; i < n; i++) {
		int high = hex_digit(s.p[2 * i]), low = hex_digit(s.p[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct buf *out, const void *p, size_t n)
{
	const uint8_t *u = p;
	char four[4];

	for (; n >= 3; u += 3, n -= 3) {
		four[0] = ALPHABET[u[0] >> 2];
		four[1] = ALPHABET[(u[0] & 3) << 4 | u[1] >> 4];
		four[2] = ALPHABET[(u[1] & 15) << 2 | u[2] >> 6];
		four[3] = ALPHABET[u[2] & 63];
		buf_add(out, four, 4);
	}
	if (n == 0)
		return;
	four[0] = ALPHABET[u[0] >> 2];
	four[1] = ALPHABET[(u[0] & 3) << 4 | (n > 1 ? u[1] >> 4 : 0)];
	four[2] = n > 1 ? ALPHABET[(u[1] & 15) << 2] : '=';
	four[3] = '=';
	buf_add(out, four, 4);
}

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool base64_decode(struct str s, uint8_t *out, size_t cap, size_t *n)
{
	size_t done = 0;

	if (s.n % 4)
		return false;
	for (size_t i = 0; i < s.n; i += 4) {
		bool is_last = i + 4 == s.n;
		size_t pad = !is_last || s.p[i + 3] != '=' ? 0 : s.p[i + 2] == '=' ? 2 : 1;
		uint32_t v = 0;

		for (size_t k = 0; k < 4; k++) {
			int d = k >= 4 - pad ? 0 : base64_digit(s.p[i + k]);

			if (d < 0)
				return false;
			v = v << 6 | (uint32_t)d;
		}
		if ((pad == 1 && (v & 0xff)) || (pad == 2 && (v & 0xffff)) || cap - done < 3 - pad)
			return false; /* bits that nobody encodes, or no room */
		for (size_t k = 0; k < 3 - pad; k++)
			out[done++] = (uint8_t)(v >> (16 - 8 * k));
	}
	*n = done;
	return true;
}
