#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stddef.h>

#include "tests/torture/wrap.h"

#define FAMILY TORTURE_OPENSSL

CODE(int, EVP_Digest,
     (const void *data, size_t n, unsigned char *out, unsigned *size, const EVP_MD *type,
      ENGINE *engine),
     (data, n, out, size, type, engine), 0)
CODE(int, EVP_DigestInit_ex, (EVP_MD_CTX * c, const EVP_MD *type, ENGINE *engine),
     (c, type, engine), 0)
CODE(int, EVP_DigestUpdate, (EVP_MD_CTX * c, const void *data, size_t n), (c, data, n), 0)
CODE(int, EVP_DigestFinal_ex, (EVP_MD_CTX * c, unsigned char *out, unsigned *size), (c, out, size),
     0)
CODE(int, RAND_bytes, (unsigned char *out, int n), (out, n), 0, -1)
CALL(EVP_MD_CTX *, EVP_MD_CTX_new, (void), (), NULL, ENOMEM)
CALL(unsigned char *, HMAC,
     (const EVP_MD *type, const void *key, int key_n, const unsigned char *data, size_t n,
      unsigned char *out, unsigned *size),
     (type, key, key_n, data, n, out, size), NULL, ENOMEM)
