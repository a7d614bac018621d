/*
 * Objects of S3 one by one: reading with ranges and conditions, writing with the refusals that an
 * artifact bucket's policy and wrong checksums bring.
 */
#include "tests/sim/sim_s3.h"

#include "aws/core/digest.h"

/* --- what calls share ------------------------------------------------------------------------- */

struct str sims3_header(const struct sims3_call *c, const char *name)
{
	return http_header_get(c->x->req->headers, c->x->req->n_headers, name);
}

void sims3_error(const struct sims3_call *c, int status, const char *code, const char *text)
{
	sim_reply_error(c->x, SIM_WIRE_S3, status, code, "%s", text);
}

/* One frame "<hex size>[;extension]\r\n<bytes>\r\n" from *rest; size 0 ends the body. */
static bool take_chunk(struct str *rest, struct str *chunk)
{
	const char *eol = memchr(rest->p, '\n', rest->n);
	size_t size = 0, head;

	if (!rest->n || !eol)
		return false;
	head = (size_t)(eol - rest->p) + 1;
	for (size_t i = 0; i < head; i++) {
		char c = rest->p[i];
		int digit = c >= '0' && c <= '9'   ? c - '0'
			    : c >= 'a' && c <= 'f' ? c - 'a' + 10
			    : c >= 'A' && c <= 'F' ? c - 'A' + 10
						   : -1;
		if (digit < 0)
			break;
		if (size > SIMS3_OBJECT_MAX)
			return false;
		size = size * 16 + (size_t)digit;
	}
	if (rest->n - head < size)
		return false;
	*chunk = str_sub(*rest, head, head + size);
	*rest = str_sub(*rest, head + size, rest->n);
	if (size && str_starts(*rest, "\r\n"))
		*rest = str_sub(*rest, 2, rest->n);
	return true;
}

bool sims3_body(const struct sims3_call *c, struct str *out)
{
	struct str rest = c->x->req->body, chunk;
	char *joined;
	size_t n = 0;

	*out = rest;
	if (!str_starts(sims3_header(c, "x-amz-content-sha256"), "STREAMING-"))
		return true;
	joined = arena_alloc(c->x->arena, rest.n + 1);
	do {
		if (!take_chunk(&rest, &chunk)) {
			sims3_error(c, 400, "IncompleteBody",
				    "The request body terminated unexpectedly");
			return false;
		}
		if (chunk.n)
			memcpy(joined + n, chunk.p, chunk.n);
		n += chunk.n;
	} while (chunk.n);
	*out = (struct str){joined, n};
	return true;
}

bool sims3_check_encryption(const struct sims3_call *c)
{
	const struct sims3_bucket *b = sims3_bucket_find(c->store, c->bucket);
	struct str sse = sims3_header(c, "x-amz-server-side-encryption");

	if (b && b->is_artifact_store && !str_is(sse, "aws:kms")) {
		sims3_error(c, 403, "AccessDenied",
			    "Access Denied: the bucket policy denies PutObject without "
			    "x-amz-server-side-encryption: aws:kms");
		return false;
	}
	return true;
}

/* Whether a checksum header, when there is one, is that of these digest bytes. */
static bool sum_is(struct str header, const void *digest, size_t n)
{
	struct buf b;
	bool ok;

	buf_init(&b, 128);
	base64_encode(&b, digest, n);
	ok = str_eq(header, buf_str(&b));
	buf_release(&b);
	return ok;
}

bool sims3_check_sums(const struct sims3_call *c, struct str body)
{
	struct str crc = sims3_header(c, "x-amz-checksum-crc32");
	struct str sha = sims3_header(c, "x-amz-checksum-sha256");
	bool ok = true;

	if (crc.n) {
		uint32_t sum = sim_crc32(body);
		uint8_t be[4] = {(uint8_t)(sum >> 24), (uint8_t)(sum >> 16), (uint8_t)(sum >> 8),
				 (uint8_t)sum};

		ok = sum_is(crc, be, sizeof(be));
	}
	if (ok && sha.n) {
		uint8_t digest[SHA256_SIZE];

		sha256(body, digest);
		ok = sum_is(sha, digest, sizeof(digest));
	}
	if (!ok)
		sims3_error(c, 400, "BadDigest",
			    "The checksum you specified did not match the calculated checksum.");
	return ok;
}

/* If-Match and If-None-Match of a write. */
bool sims3_check_preconditions(const struct sims3_call *c, const struct sims3_object *o)
{
	struct str match = sims3_header(c, "if-match"), none = sims3_header(c, "if-none-match");

	if (match.n && !o) {
		sims3_error(c, 404, "NoSuchKey", "The specified key does not exist.");
		return false;
	}
	if ((match.n && !str_is(match, o->etag)) || (none.n && o)) {
		sims3_error(c, 412, "PreconditionFailed",
			    "At least one of the pre-conditions you specified did not hold");
		return false;
	}
	return true;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* "bytes=2-5", "bytes=2-", "bytes=-3" of n bytes. False when it cannot be satisfied. */
static bool parse_range(struct str range, size_t n, size_t *from, size_t *to)
{
	struct str rest = str_sub(range, 6, range.n), first;
	uint64_t a, b = UINT64_MAX;

	if (!str_next(&rest, '-', &first) || n == 0)
		return false;
	if (!first.n) {
		if (!str_parse_u64(rest, 1, UINT64_MAX, &b))
			return false;
		*from = b > n ? 0 : n - (size_t)b;
		*to = n;
		return true;
	}
	if (!str_parse_u64(first, 0, UINT64_MAX - 1, &a) || a >= n)
		return false;
	if (rest.n && (!str_parse_u64(rest, 0, UINT64_MAX - 1, &b) || b < a))
		return false;
	*from = (size_t)a;
	*to = b >= n ? n : (size_t)b + 1;
	return true;
}

static size_t object_headers(const struct sims3_call *c, const struct sims3_object *o,
			     struct http_header h[9])
{
	char *date = arena_alloc(c->x->arena, 32);
	size_t n = 0;

	sim_http_date(o->modified, date);
	h[n++] = (struct http_header){STR("ETag"), str_from(o->etag)};
	h[n++] = (struct http_header){STR("Last-Modified"), str_from(date)};
	h[n++] = (struct http_header){STR("Accept-Ranges"), STR("bytes")};
	h[n++] = (struct http_header){STR("x-amz-request-id"), str_from(c->x->request_id)};
	h[n++] = (struct http_header){STR("x-amz-version-id"), str_from(o->version)};
	h[n++] = (struct http_header){STR("x-amz-server-side-encryption"), str_from(o->sse)};
	if (o->kms_key[0])
		h[n++] = (struct http_header){STR("x-amz-server-side-encryption-aws-kms-key-id"),
					      str_from(o->kms_key)};
	return n;
}

static void not_found(const struct sims3_call *c)
{
	/* without s3:ListBucket a missing object cannot be told from a forbidden one */
	if (c->restricted)
		sims3_error(c, 403, "AccessDenied", "Access Denied");
	else
		sims3_error(c, 404, "NoSuchKey", "The specified key does not exist.");
}

void sims3_get_object(const struct sims3_call *c)
{
	const struct sims3_object *o = sims3_object_find(c->store, c->bucket, c->key);
	struct str match = sims3_header(c, "if-match"), none = sims3_header(c, "if-none-match");
	struct str range = sims3_header(c, "range"), version = sim_form_get(c->query, "versionId");
	struct http_header h[9];
	size_t n, from = 0, to;
	int status = 200;

	if (!o) {
		not_found(c);
		return;
	}
	if (version.n && !str_is(version, o->version)) {
		sims3_error(c, 404, "NoSuchVersion", "The specified version does not exist.");
		return;
	}
	if (match.n && !str_is(match, o->etag) && !str_is(match, "*")) {
		sims3_error(c, 412, "PreconditionFailed",
			    "At least one of the pre-conditions you specified did not hold");
		return;
	}
	n = object_headers(c, o, h);
	if (none.n && (str_is(none, o->etag) || str_is(none, "*"))) {
		sim_reply_raw(c->x, 304, NULL, STR(""), h, n);
		return;
	}
	to = o->bytes.n;
	if (str_starts(range, "bytes=")) {
		if (!parse_range(range, o->bytes.n, &from, &to)) {
			sims3_error(c, 416, "InvalidRange",
				    "The requested range is not satisfiable");
			return;
		}
		status = 206;
		h[n++] =
			(struct http_header){STR("Content-Range"),
					     str_from(arena_printf(c->x->arena, "bytes %zu-%zu/%zu",
								   from, to - 1, o->bytes.n))};
	} else if (o->checksum[0] && sims3_header(c, "x-amz-checksum-mode").n) {
		h[n++] = (struct http_header){str_from(o->checksum_name), str_from(o->checksum)};
	}
	sim_reply_raw(c->x, status, o->content_type, str_sub(buf_str(&o->bytes), from, to), h, n);
}

/* --- writing ---------------------------------------------------------------------------------- */

static void keep_headers(const struct sims3_call *c, struct sims3_object *o)
{
	struct arena *a = c->store->arena;
	struct str type = sims3_header(c, "content-type");
	struct str sse = sims3_header(c, "x-amz-server-side-encryption");
	struct str crc = sims3_header(c, "x-amz-checksum-crc32");
	struct str sha = sims3_header(c, "x-amz-checksum-sha256");

	if (type.n)
		o->content_type = str_dup(a, type);
	if (sse.n)
		o->sse = str_dup(a, sse);
	o->kms_key = str_dup(a, sims3_header(c, "x-amz-server-side-encryption-aws-kms-key-id"));
	o->checksum_name = crc.n ? "x-amz-checksum-crc32" : "x-amz-checksum-sha256";
	o->checksum = str_dup(a, crc.n ? crc : sha);
}

void sims3_put_object(const struct sims3_call *c)
{
	struct http_header h[9];
	struct sims3_object *o;
	struct str body;
	size_t n;

	if (!sims3_check_encryption(c) || !sims3_body(c, &body) || !sims3_check_sums(c, body) ||
	    !sims3_check_preconditions(c, sims3_object_find(c->store, c->bucket, c->key)))
		return;
	o = sims3_object_put(c->sim, c->store, c->bucket, c->key, body);
	keep_headers(c, o);
	n = object_headers(c, o, h);
	if (o->checksum[0])
		h[n++] = (struct http_header){str_from(o->checksum_name), str_from(o->checksum)};
	sim_reply_raw(c->x, 200, NULL, STR(""), h, n);
}

void sims3_delete_object(const struct sims3_call *c)
{
	sims3_object_remove(c->store, c->bucket, c->key);
	sim_reply_raw(c->x, 204, NULL, STR(""), NULL, 0);
}
