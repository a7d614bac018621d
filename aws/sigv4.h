#ifndef AWS_SIGV4_H
#define AWS_SIGV4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/core/buf.h"
#include "aws/core/clock.h"
#include "aws/core/digest.h"
#include "aws/core/err.h"
#include "aws/core/http.h"
#include "aws/core/mem.h"
#include "aws/core/str.h"

/*
 * AWS Signature Version 4, header form. Pure: no clock, no I/O, no state; thread-safe. Each stage
 * is a function of its own, so that a wrong signature shows at which stage it went wrong.
 *
 * Wire: "Create a signed AWS API request", IAM User Guide.
 *
 * The traps, in one place:
 *  - every service but S3 signs the path encoded once more than it is sent, with dot segments and
 *    empty segments removed; S3 signs it exactly as sent;
 *  - headers that hops change are not signed (sigv4_is_signed_header());
 *  - the session token is a header like any other and has to be in the list before signing.
 */
struct sigv4_request {
	const char *method;		   /* upper case */
	struct str path;		   /* as on the wire; empty counts as "/" */
	struct str query;		   /* as on the wire, without '?' */
	const struct http_header *headers; /* all that are sent, with Host and X-Amz-Date */
	size_t n_headers;
	const char *payload_hash; /* hex SHA-256 of the body, or a special value such as
				     UNSIGNED-PAYLOAD; NULL: the hash of no body */
	bool double_encode;	  /* encode the path once more: true but for S3 */
	bool normalize;		  /* remove dot and empty segments: true but for S3 */
};

/* Who signs, for which service and region, and when. All borrowed. */
struct sigv4_scope {
	const char *access_key_id;
	const struct secret *secret_access_key;
	const char *region, *service; /* the signing name: "monitoring" for CloudWatch */
	struct utc time;	      /* must be the moment X-Amz-Date says */
	/* The SHA256_SIZE bytes of sigv4_signing_key() for this very scope; NULL: derived anew */
	const uint8_t *signing_key;
};

#define SIGV4_EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define SIGV4_SIGNATURE_SIZE SHA256_HEX_SIZE
/* Ceiling for any text made here: headers are small, and no service takes URLs near this. */
#define SIGV4_TEXT_MAX (1u << 20)

/* False for the headers that proxies and libraries may change: they are sent but not signed. */
bool sigv4_is_signed_header(struct str name);

/*
 * Append the canonical request to out, and the list "a;b;c" of signed headers to signed_headers.
 * `only` limits the headers to such a list (as a verifier must); empty: all that
 * sigv4_is_signed_header() names. The caller checks the buffers for overflow; out contains the
 * session token and should be wiped by whoever lets it out of his hands.
 */
void sigv4_canonical_request(const struct sigv4_request *r, struct str only, struct buf *out,
			     struct buf *signed_headers);

/* Append "20260102/eu-west-1/ecs/aws4_request". */
void sigv4_credential_scope(const struct sigv4_scope *s, struct buf *out);

/* Append the string to sign for a canonical request. */
void sigv4_string_to_sign(const struct sigv4_scope *s, struct str canonical_request,
			  struct buf *out);

/* The signing key of that day, region and service. The caller wipes it. */
void sigv4_signing_key(const struct sigv4_scope *s, uint8_t key[SHA256_SIZE]);

/*
 * The last signing key that was derived: deriving one is four HMACs, near half of the work of a
 * signature, and it is the same all day. The caller's, who sees to it that one thread uses it at a
 * time. Zeroed is empty. It holds secrets: release it, which wipes them.
 */
struct sigv4_key_cache {
	struct secret secret;
	char *region, *service;
	int64_t day; /* since 1970 */
	uint8_t key[SHA256_SIZE];
};

/* As sigv4_signing_key(); derives only when secret, day, region or service is another than last. */
void sigv4_key_cache_get(struct sigv4_key_cache *c, const struct sigv4_scope *s,
			 uint8_t key[SHA256_SIZE]);
void sigv4_key_cache_release(struct sigv4_key_cache *c); /* empty again; twice is harmless */

/* HMAC of the string to sign with the signing key, in hex. */
void sigv4_signature(const struct sigv4_scope *s, struct str string_to_sign,
		     char out[SIGV4_SIGNATURE_SIZE]);

/*
 * All of it: append the value of the Authorization header to out. ERR_LIMIT when the request's
 * path, query and headers together are larger than SIGV4_TEXT_MAX.
 */
int sigv4_authorization(const struct sigv4_request *r, const struct sigv4_scope *s,
			struct buf *out, struct err *err) MUST_CHECK;

/*
 * The other side of the wire. Parts of an Authorization header, borrowed from its value.
 * ERR_MALFORMED when it is not a SigV4 header.
 */
struct sigv4_header {
	struct str access_key_id, date, region, service; /* of the credential scope */
	struct str signed_headers, signature;
};
int sigv4_header_parse(struct str value, struct sigv4_header *out, struct err *err) MUST_CHECK;

/*
 * Verify a received request: the signature over the headers it lists, with the secret that belongs
 * to its access key id, in constant time. The headers of r are those received, Authorization
 * included; payload_hash is the hash the service computed from the body (for S3 the value of
 * x-amz-content-sha256). Whether double_encode and normalize apply is taken from the service name
 * of the credential scope, whatever r says. `now` and max_skew_ms bound X-Amz-Date; 0: not checked.
 *
 * ERR_MALFORMED: no or unreadable header. ERR_DENIED: does not verify; err->aws is then the code
 * a service answers ("SignatureDoesNotMatch", "RequestTimeTooSkewed", "MissingAuthenticationToken",
 * "IncompleteSignature").
 */
int sigv4_verify(const struct sigv4_request *r, const struct secret *secret_access_key,
		 struct utc now, int64_t max_skew_ms, struct err *err) MUST_CHECK;

#endif
