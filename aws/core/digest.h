#ifndef AWS_CORE_DIGEST_H
#define AWS_CORE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/core/buf.h"
#include "aws/core/str.h"

/*
 * Digests and encodings. The only module that includes OpenSSL. Nothing here can fail for a reason
 * that a caller could handle: a library failure aborts. Pure and thread-safe.
 */
#define SHA256_SIZE 32
#define SHA256_HEX_SIZE 65 /* with NUL */

void sha256(struct str data, uint8_t out[SHA256_SIZE]);
void sha256_hex(struct str data, char out[SHA256_HEX_SIZE]); /* lower case */

/* Streaming form. The context is heap-held; end() writes the digest and frees it. */
struct sha256_ctx;
struct sha256_ctx *sha256_begin(void);
void sha256_add(struct sha256_ctx *c, const void *p, size_t n);
void sha256_end(struct sha256_ctx *c, uint8_t out[SHA256_SIZE]); /* out may be NULL: just free */

void hmac_sha256(const void *key, size_t key_n, struct str data, uint8_t out[SHA256_SIZE]);

void hex_encode(const uint8_t *p, size_t n, char *out /* 2n+1 */); /* lower case */
bool hex_decode(struct str s, uint8_t *out, size_t n);		   /* exactly 2n digits */

void base64_encode(struct buf *out, const void *p, size_t n); /* with padding */
/* Strict RFC 4648 with padding; false on anything else or when more than cap bytes come out. */
bool base64_decode(struct str s, uint8_t *out, size_t cap, size_t *n);

bool digest_equal(const void *a, const void *b, size_t n); /* in constant time */

#endif
