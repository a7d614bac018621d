#include "aws/sigv4.h"

#include <stdlib.h>

/*
 * Signature Version 4. Canonicalisation starts from what is on the wire, for signer and verifier
 * alike: percent-escapes of the query are decoded and encoded again, so that any spelling of the
 * same request gives the same text. Presigned URLs and SigV4a are not here: the worker needs
 * neither.
 */

#define ALGORITHM "AWS4-HMAC-SHA256"
#define TERMINATOR "aws4_request"
/* A verifier meets strangers' requests; no service takes this many headers or parameters. */
#define PARTS_MAX 1024

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\v' || c == '\f';
}

bool sigv4_is_signed_header(struct str name)
{
	/* The list SDKs share; authorization is what is being made. */
	static const char *const unsigned_headers[] = {
		"authorization",
		"connection",
		"expect",
		"keep-alive",
		"te",
		"proxy-authenticate",
		"proxy-authorization",
		"trailer",
		"transfer-encoding",
		"upgrade",
		"user-agent",
		"x-amzn-trace-id",
	};

	for (size_t i = 0; i < sizeof(unsigned_headers) / sizeof(unsigned_headers[0]); i++)
		if (str_is_nocase(name, unsigned_headers[i]))
			return false;
	return true;
}

/* --- canonical URI ------------------------------------------------------------------------- */

/* Drop empty and "." segments, let ".." take its parent away, keep one trailing slash. */
static void normalize_path(struct str path, struct buf *out)
{
	struct str rest = path, segment;

	while (str_next(&rest, '/', &segment)) {
		if (!segment.n || str_is(segment, "."))
			continue;
		if (str_is(segment, "..")) {
			while (out->n && out->p[out->n - 1] != '/')
				out->n--;
			if (out->n)
				out->n--;
			continue;
		}
		buf_addc(out, '/');
		buf_add_str(out, segment);
	}
	if (!out->n || path.p[path.n - 1] == '/')
		buf_addc(out, '/');
}

static void add_canonical_uri(const struct sigv4_request *r, struct buf *out)
{
	struct str path = r->path.n ? r->path : STR("/");
	struct buf clean;

	buf_init(&clean, SIGV4_TEXT_MAX);
	if (r->normalize) {
		normalize_path(path, &clean);
		path = buf_str(&clean);
	}
	if (r->double_encode)
		buf_add_uri(out, path, true);
	else
		buf_add_str(out, path);
	out->over |= clean.over;
	buf_release(&clean);
}

/* --- canonical query string ---------------------------------------------------------------- */

struct parameter {
	struct str name, value; /* encoded, in a buffer */
	size_t name_at, value_at;
};

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Append text with its percent-escapes brought into the one canonical spelling. */
static void add_reencoded(struct buf *out, struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (c == '%' && text.n - i > 2 && hex_value(text.p[i + 1]) >= 0 &&
		    hex_value(text.p[i + 2]) >= 0) {
			c = (char)(hex_value(text.p[i + 1]) * 16 + hex_value(text.p[i + 2]));
			i += 2;
		}
		buf_add_uri(out, (struct str){&c, 1}, false);
	}
}

static int parameter_cmp(const void *a, const void *b)
{
	const struct parameter *x = a, *y = b;
	int order = str_cmp(x->name, y->name);

	return order ? order : str_cmp(x->value, y->value);
}

static size_t count_char(struct str s, char c)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == c;
	return n;
}

static void add_canonical_query(struct str query, struct buf *out)
{
	size_t n = 0, max = count_char(query, '&') + 1;
	struct parameter *list;
	struct str field;
	struct buf text;

	if (max > PARTS_MAX) {
		out->over = true;
		return;
	}
	list = xcalloc(max, sizeof(*list));
	buf_init(&text, SIGV4_TEXT_MAX);
	while (str_next(&query, '&', &field)) {
		const char *eq = field.n ? memchr(field.p, '=', field.n) : NULL;
		size_t at = eq ? (size_t)(eq - field.p) : field.n;

		if (!field.n)
			continue;
		list[n].name_at = text.n;
		add_reencoded(&text, str_sub(field, 0, at));
		list[n].value_at = text.n;
		add_reencoded(&text, str_sub(field, at + 1, field.n));
		list[n].name.n = list[n].value_at - list[n].name_at;
		list[n].value.n = text.n - list[n].value_at;
		n++;
	}
	for (size_t i = 0; i < n; i++) { /* the buffer has stopped moving */
		list[i].name.p = text.p + list[i].name_at;
		list[i].value.p = text.p + list[i].value_at;
	}
	qsort(list, n, sizeof(*list), parameter_cmp);
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_addc(out, '&');
		buf_add_str(out, list[i].name);
		buf_addc(out, '=');
		buf_add_str(out, list[i].value);
	}
	out->over |= text.over;
	buf_release(&text);
	free(list);
}

/* --- canonical headers --------------------------------------------------------------------- */

struct indexed_header {
	struct str name, value;
	size_t index; /* keeps repeated headers in the order of arrival */
};

static int name_cmp(struct str a, struct str b)
{
	for (size_t i = 0; i < a.n && i < b.n; i++) {
		unsigned char x = (unsigned char)lower(a.p[i]), y = (unsigned char)lower(b.p[i]);

		if (x != y)
			return x < y ? -1 : 1;
	}
	return a.n == b.n ? 0 : a.n < b.n ? -1 : 1;
}

static int header_cmp(const void *a, const void *b)
{
	const struct indexed_header *x = a, *y = b;
	int order = name_cmp(x->name, y->name);

	if (order)
		return order;
	return x->index < y->index ? -1 : 1;
}

static bool is_listed(struct str list, struct str name)
{
	struct str item;

	while (str_next(&list, ';', &item))
		if (!name_cmp(item, name))
			return true;
	return false;
}

/* Trimmed, with every inner run of white space (folded lines too) squeezed to one space. */
static void add_header_value(struct buf *out, struct str value)
{
	bool space = false;

	value = str_trim(value);
	for (size_t i = 0; i < value.n; i++) {
		if (is_space(value.p[i])) {
			space = true;
			continue;
		}
		if (space)
			buf_addc(out, ' ');
		space = false;
		buf_addc(out, value.p[i]);
	}
}

static void add_lower(struct buf *out, struct str name)
{
	for (size_t i = 0; i < name.n; i++)
		buf_addc(out, lower(name.p[i]));
}

static void add_canonical_headers(const struct sigv4_request *r, struct str only, struct buf *out,
				  struct buf *signed_headers)
{
	struct indexed_header *list;
	size_t n = 0;

	if (r->n_headers > PARTS_MAX) {
		out->over = true;
		return;
	}
	list = xcalloc(r->n_headers + 1, sizeof(*list));
	for (size_t i = 0; i < r->n_headers; i++) {
		struct str name = str_trim(r->headers[i].name);

		if (only.n ? !is_listed(only, name) : !sigv4_is_signed_header(name))
			continue;
		list[n++] = (struct indexed_header){name, r->headers[i].value, i};
	}
	qsort(list, n, sizeof(*list), header_cmp);
	for (size_t i = 0; i < n; i++) {
		bool repeated = i && !name_cmp(list[i].name, list[i - 1].name);

		if (repeated) {
			buf_addc(out, ',');
		} else {
			if (i)
				buf_addc(signed_headers, ';');
			add_lower(signed_headers, list[i].name);
			add_lower(out, list[i].name);
			buf_addc(out, ':');
		}
		add_header_value(out, list[i].value);
		if (i + 1 == n || name_cmp(list[i].name, list[i + 1].name))
			buf_addc(out, '\n');
	}
	free(list);
}

/* --- the stages ------------------------------------------------------------------------------ */

void sigv4_canonical_request(const struct sigv4_request *r, struct str only, struct buf *out,
			     struct buf *signed_headers)
{
	size_t from = signed_headers->n;

	buf_adds(out, r->method);
	buf_addc(out, '\n');
	add_canonical_uri(r, out);
	buf_addc(out, '\n');
	add_canonical_query(r->query, out);
	buf_addc(out, '\n');
	add_canonical_headers(r, only, out, signed_headers);
	buf_addc(out, '\n');
	buf_add_str(out, str_sub(buf_str(signed_headers), from, signed_headers->n));
	buf_addc(out, '\n');
	buf_adds(out, r->payload_hash ? r->payload_hash : SIGV4_EMPTY_HASH);
}

void sigv4_credential_scope(const struct sigv4_scope *s, struct buf *out)
{
	char time[UTC_AMZ_SIZE];

	utc_format_amz(s->time, time);
	buf_addf(out, "%.8s/%s/%s/" TERMINATOR, time, s->region, s->service);
}

void sigv4_string_to_sign(const struct sigv4_scope *s, struct str canonical_request,
			  struct buf *out)
{
	char time[UTC_AMZ_SIZE], hash[SHA256_HEX_SIZE];

	utc_format_amz(s->time, time);
	sha256_hex(canonical_request, hash);
	buf_addf(out, ALGORITHM "\n%s\n", time);
	sigv4_credential_scope(s, out);
	buf_addf(out, "\n%s", hash);
}

void sigv4_signing_key(const struct sigv4_scope *s, uint8_t key[SHA256_SIZE])
{
	size_t n = s->secret_access_key->n;
	char time[UTC_AMZ_SIZE], *start = xmalloc(n + 5);
	uint8_t step[SHA256_SIZE];

	utc_format_amz(s->time, time);
	memcpy(start, "AWS4", 4);
	memcpy(start + 4, secret_reveal(s->secret_access_key), n);
	hmac_sha256(start, n + 4, (struct str){time, 8}, key);
	hmac_sha256(key, SHA256_SIZE, str_from(s->region), step);
	hmac_sha256(step, SHA256_SIZE, str_from(s->service), key);
	hmac_sha256(key, SHA256_SIZE, STR(TERMINATOR), step);
	memcpy(key, step, SHA256_SIZE);
	mem_wipe(step, sizeof(step));
	mem_wipe(start, n + 4);
	free(start);
}

#define DAY_MS (INT64_C(24) * 60 * 60 * 1000)

static bool holds(const struct sigv4_key_cache *c, const struct sigv4_scope *s)
{
	const struct secret *secret = s->secret_access_key;

	return c->region && c->day == s->time.ms / DAY_MS && !strcmp(c->region, s->region) &&
	       !strcmp(c->service, s->service) && c->secret.n == secret->n &&
	       digest_equal(secret_reveal(&c->secret), secret_reveal(secret), secret->n);
}

void sigv4_key_cache_get(struct sigv4_key_cache *c, const struct sigv4_scope *s,
			 uint8_t key[SHA256_SIZE])
{
	if (!holds(c, s)) {
		sigv4_key_cache_release(c);
		secret_copy(&c->secret, s->secret_access_key);
		c->region = xstrdup(s->region);
		c->service = xstrdup(s->service);
		c->day = s->time.ms / DAY_MS;
		sigv4_signing_key(s, c->key);
	}
	memcpy(key, c->key, SHA256_SIZE);
}

void sigv4_key_cache_release(struct sigv4_key_cache *c)
{
	secret_release(&c->secret);
	free(c->region);
	free(c->service);
	mem_wipe(c, sizeof(*c));
}

void sigv4_signature(const struct sigv4_scope *s, struct str string_to_sign,
		     char out[SIGV4_SIGNATURE_SIZE])
{
	uint8_t key[SHA256_SIZE], mac[SHA256_SIZE];

	if (s->signing_key)
		memcpy(key, s->signing_key, SHA256_SIZE);
	else
		sigv4_signing_key(s, key);
	hmac_sha256(key, SHA256_SIZE, string_to_sign, mac);
	hex_encode(mac, SHA256_SIZE, out);
	mem_wipe(key, sizeof(key));
}

/* Canonical request, string to sign, signature; only as in sigv4_canonical_request(). */
static int sign(const struct sigv4_request *r, const struct sigv4_scope *s, struct str only,
		struct buf *signed_headers, char signature[SIGV4_SIGNATURE_SIZE], struct err *err)
{
	struct buf canonical, to_sign;
	int ret = -1;

	buf_init(&canonical, SIGV4_TEXT_MAX);
	buf_init(&to_sign, SIGV4_TEXT_MAX);
	sigv4_canonical_request(r, only, &canonical, signed_headers);
	if (!buf_check(&canonical, "request to sign", err) &&
	    !buf_check(signed_headers, "list of signed headers", err)) {
		sigv4_string_to_sign(s, buf_str(&canonical), &to_sign);
		ret = buf_check(&to_sign, "string to sign", err);
		if (!ret)
			sigv4_signature(s, buf_str(&to_sign), signature);
	}
	mem_wipe(canonical.p, canonical.n); /* it has the session token in it */
	buf_release(&canonical);
	buf_release(&to_sign);
	return ret;
}

int sigv4_authorization(const struct sigv4_request *r, const struct sigv4_scope *s, struct buf *out,
			struct err *err)
{
	char signature[SIGV4_SIGNATURE_SIZE];
	struct buf names;
	int ret;

	buf_init(&names, SIGV4_TEXT_MAX);
	ret = sign(r, s, (struct str){NULL, 0}, &names, signature, err);
	if (!ret) {
		buf_addf(out, ALGORITHM " Credential=%s/", s->access_key_id);
		sigv4_credential_scope(s, out);
		buf_addf(out, ", SignedHeaders=%s, Signature=%s", names.p, signature);
		ret = buf_check(out, "Authorization header", err);
	}
	buf_release(&names);
	return ret;
}

/* --- the verifier ---------------------------------------------------------------------------- */

static int incomplete(struct err *err, const char *what)
{
	err_set(err, ERR_MALFORMED, "Authorization header: %s", what);
	str_copy(err->aws, sizeof(err->aws), STR("IncompleteSignature"));
	return -1;
}

static int parse_scope(struct str credential, struct sigv4_header *out, struct err *err)
{
	struct str end;

	/* access key ids have no slash: five fields, no more */
	if (!str_next(&credential, '/', &out->access_key_id) ||
	    !str_next(&credential, '/', &out->date) || !str_next(&credential, '/', &out->region) ||
	    !str_next(&credential, '/', &out->service) || !str_next(&credential, '/', &end) ||
	    credential.n || !str_is(end, TERMINATOR) || !out->access_key_id.n)
		return incomplete(err, "the credential is not key/date/region/service/" TERMINATOR);
	return 0;
}

int sigv4_header_parse(struct str value, struct sigv4_header *out, struct err *err)
{
	struct str credential = {NULL, 0}, field;

	*out = (struct sigv4_header){.service = {NULL, 0}};
	value = str_trim(value);
	if (!str_starts(value, ALGORITHM " "))
		return incomplete(err, "the algorithm is not " ALGORITHM);
	value = str_sub(value, sizeof(ALGORITHM), value.n);
	while (str_next(&value, ',', &field)) {
		field = str_trim(field);
		if (str_starts(field, "Credential="))
			credential = str_sub(field, 11, field.n);
		else if (str_starts(field, "SignedHeaders="))
			out->signed_headers = str_sub(field, 14, field.n);
		else if (str_starts(field, "Signature="))
			out->signature = str_sub(field, 10, field.n);
		else
			return incomplete(err, "unknown part");
	}
	if (!out->signed_headers.n || out->signature.n != SHA256_SIZE * 2)
		return incomplete(err, "SignedHeaders or Signature is missing");
	return parse_scope(credential, out, err);
}

static int refuse(struct err *err, const char *code, const char *why)
{
	err_set(err, ERR_DENIED, "request signature: %s", why);
	str_copy(err->aws, sizeof(err->aws), str_from(code));
	return -1;
}

/* What must be covered for a signature to mean anything: host, date, and all x-amz headers. */
static bool covers_enough(const struct sigv4_request *r, struct str signed_headers)
{
	if (!is_listed(signed_headers, STR("host")))
		return false;
	for (size_t i = 0; i < r->n_headers; i++) {
		struct str name = r->headers[i].name;

		if (name.n > 6 && str_is_nocase(str_sub(name, 0, 6), "x-amz-") &&
		    !is_listed(signed_headers, name))
			return false;
	}
	return true;
}

static int check_time(const struct sigv4_request *r, const struct sigv4_header *h, struct utc now,
		      int64_t max_skew_ms, struct utc *signed_at, struct err *err)
{
	struct str date = http_header_get(r->headers, r->n_headers, "x-amz-date");
	int64_t skew;

	if (!utc_parse_amz(date, signed_at))
		return incomplete(err, "X-Amz-Date is missing or not a time");
	if (!str_eq(str_sub(date, 0, 8), h->date))
		return refuse(err, "SignatureDoesNotMatch",
			      "the date of the credential is not that of X-Amz-Date");
	skew = now.ms > signed_at->ms ? now.ms - signed_at->ms : signed_at->ms - now.ms;
	if (max_skew_ms && skew > max_skew_ms)
		return refuse(err, "RequestTimeTooSkewed",
			      "the time of the request is too far from the time here");
	return 0;
}

static int check_signature(const struct sigv4_request *r, const struct sigv4_scope *scope,
			   const struct sigv4_header *h, struct err *err)
{
	struct sigv4_request canonical = *r;
	char signature[SIGV4_SIGNATURE_SIZE];
	struct buf names;
	int ret;

	canonical.double_encode = canonical.normalize = strcmp(scope->service, "s3") != 0;
	buf_init(&names, SIGV4_TEXT_MAX);
	ret = sign(&canonical, scope, h->signed_headers, &names, signature, err);
	if (!ret && !str_eq(buf_str(&names), h->signed_headers))
		ret = refuse(err, "SignatureDoesNotMatch",
			     "the list of signed headers names some that were not sent");
	if (!ret && !digest_equal(signature, h->signature.p, h->signature.n))
		ret = refuse(err, "SignatureDoesNotMatch", "it is not the one we compute");
	buf_release(&names);
	return ret;
}

int sigv4_verify(const struct sigv4_request *r, const struct secret *secret_access_key,
		 struct utc now, int64_t max_skew_ms, struct err *err)
{
	struct str value = http_header_get(r->headers, r->n_headers, "authorization");
	struct sigv4_scope scope = {.secret_access_key = secret_access_key};
	char *region, *service;
	struct sigv4_header h;
	int ret;

	if (!value.n) {
		err_set(err, ERR_MALFORMED, "request signature: no Authorization header");
		str_copy(err->aws, sizeof(err->aws), STR("MissingAuthenticationToken"));
		return -1;
	}
	if (sigv4_header_parse(value, &h, err) ||
	    check_time(r, &h, now, max_skew_ms, &scope.time, err))
		return -1;
	if (!covers_enough(r, h.signed_headers))
		return refuse(err, "SignatureDoesNotMatch",
			      "host and every x-amz header must be signed");
	scope.region = region = xstrndup(h.region.p ? h.region.p : "", h.region.n);
	scope.service = service = xstrndup(h.service.p ? h.service.p : "", h.service.n);
	scope.access_key_id = "";
	ret = check_signature(r, &scope, &h, err);
	free(region);
	free(service);
	return ret;
}
