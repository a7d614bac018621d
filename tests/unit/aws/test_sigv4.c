#include "aws/sigv4.h"

#include "tests/unit/aws/fake.h"

/* --- the signing suite: every stage against the known answer ------------------------------ */

struct parsed {
	struct http_header headers[16];
	size_t n;
	const char *method;
	struct str path, query, body;
};

static void add_header(struct parsed *p, const char *name, struct str value)
{
	assert_true(p->n < 16);
	p->headers[p->n++] = (struct http_header){str_from(name), value};
}

/* "GET /path?query HTTP/1.1", headers (folded ones too), blank line, body */
static void parse_request(struct arena *a, struct str text, struct parsed *p)
{
	struct str line, target;
	size_t space;

	assert_true(str_next(&text, '\n', &line));
	space = (size_t)((const char *)memchr(line.p, ' ', line.n) - line.p);
	p->method = str_dup(a, str_sub(line, 0, space));
	target = str_sub(line, space + 1, line.n - strlen(" HTTP/1.1"));
	p->path = target;
	for (size_t i = 0; i < target.n; i++)
		if (target.p[i] == '?') {
			p->path = str_sub(target, 0, i);
			p->query = str_sub(target, i + 1, target.n);
			break;
		}
	while (str_next(&text, '\n', &line) && line.n) {
		struct str name;

		if (line.p[0] == ' ') { /* folded: belongs to the value before */
			struct str *v = &p->headers[p->n - 1].value;

			*v = str_from(
				arena_printf(a, STR_FMT "\n" STR_FMT, STR_ARG(*v), STR_ARG(line)));
			continue;
		}
		assert_true(str_next(&line, ':', &name));
		add_header(p, str_dup(a, name), line);
	}
	p->body = text;
}

static void check_stages(const struct sigv4_request *r, const struct sigv4_scope *s,
			 const struct json *c)
{
	char signature[SIGV4_SIGNATURE_SIZE];
	struct buf canonical, names, to_sign, value;
	struct err err = ERR_INIT;
	char expected[256];

	buf_init(&canonical, SIGV4_TEXT_MAX);
	buf_init(&names, SIGV4_TEXT_MAX);
	buf_init(&to_sign, SIGV4_TEXT_MAX);
	buf_init(&value, SIGV4_TEXT_MAX);
	sigv4_canonical_request(r, (struct str){NULL, 0}, &canonical, &names);
	assert_string_equal(canonical.p, json_cstr(json_get(c, "canonical_request")));
	sigv4_string_to_sign(s, buf_str(&canonical), &to_sign);
	assert_string_equal(to_sign.p, json_cstr(json_get(c, "string_to_sign")));
	sigv4_signature(s, buf_str(&to_sign), signature);
	assert_string_equal(signature, json_cstr(json_get(c, "signature")));
	assert_int_equal(sigv4_authorization(r, s, &value, &err), 0);
	assert_true(snprintf(expected, sizeof(expected), "Signature=%s", signature) > 0);
	assert_non_null(strstr(value.p, expected));
	assert_non_null(strstr(value.p, names.p));
	if (json_get(c, "authorization"))
		assert_string_equal(value.p, json_cstr(json_get(c, "authorization")));
	buf_release(&canonical);
	buf_release(&names);
	buf_release(&to_sign);
	buf_release(&value);
}

static void scope_of(const struct json *c, struct secret *secret, struct sigv4_scope *s)
{
	struct str key = json_text(json_get(c, "secret_access_key"));
	struct str time = json_text(json_get(c, "time"));

	secret_set(secret, key.p, key.n);
	*s = (struct sigv4_scope){.access_key_id = json_cstr(json_get(c, "access_key_id")),
				  .secret_access_key = secret,
				  .region = json_cstr(json_get(c, "region")),
				  .service = json_cstr(json_get(c, "service"))};
	assert_true(utc_parse_iso(time, &s->time) || utc_parse_amz(time, &s->time));
}

static void suite_case(struct arena *a, const struct json *c)
{
	bool sign_body = json_bool(json_get(c, "sign_body"), false);
	struct str token = json_text(json_get(c, "session_token"));
	char time[UTC_AMZ_SIZE], hash[SHA256_HEX_SIZE];
	struct secret secret = {NULL, 0};
	struct parsed p = {.n = 0};
	struct sigv4_scope scope;

	scope_of(c, &secret, &scope);
	parse_request(a, json_text(json_get(c, "request")), &p);
	utc_format_amz(scope.time, time);
	add_header(&p, "X-Amz-Date", str_from(time));
	if (token.n && !json_bool(json_get(c, "omit_session_token"), false))
		add_header(&p, "X-Amz-Security-Token", token);
	sha256_hex(p.body, hash);
	if (sign_body)
		add_header(&p, "x-amz-content-sha256", str_from(hash));
	check_stages(
		&(struct sigv4_request){.method = p.method,
					.path = p.path,
					.query = p.query,
					.headers = p.headers,
					.n_headers = p.n,
					.payload_hash = sign_body ? hash : NULL,
					.double_encode = true,
					.normalize = json_bool(json_get(c, "normalize"), true)},
		&scope, c);
	secret_release(&secret);
}

static void test_suite(void **state)
{
	struct arena *a = arena_new();
	const struct json *cases = fake_vectors(a, "tests/vectors/sigv4.json");

	(void)state;
	assert_int_equal(cases->n, 38);
	json_each (c, cases) {
		print_message("case %s\n", json_cstr(json_get(c, "name")));
		suite_case(a, c);
	}
	arena_free(a);
}

/* --- requests like ours, and the verifier's view of them ---------------------------------- */

struct worker_case {
	struct secret secret;
	struct sigv4_scope scope;
	struct sigv4_request request;
	struct http_header headers[16];
	char hash[SHA256_HEX_SIZE];
};

/* The payload hash stands in the canonical request: its last line. */
static void worker_case(struct arena *a, const struct json *c, struct worker_case *w)
{
	struct str canonical = json_text(json_get(c, "canonical_request"));
	struct str token = json_text(json_get(c, "session_token"));
	const char *service = json_cstr(json_get(c, "service"));
	const char *hash = strrchr(canonical.p, '\n') + 1;
	struct parsed p = {.n = 0};
	struct http_url u;
	const char *host;

	*w = (struct worker_case){.secret = {NULL, 0}};
	scope_of(c, &w->secret, &w->scope);
	assert_true(http_url_parse(json_text(json_get(c, "url")), &u));
	host = u.port_given ? arena_printf(a, STR_FMT ":%d", STR_ARG(u.host), u.port)
			    : str_dup(a, u.host);
	add_header(&p, "Host", str_from(host));
	json_each (h, json_get(c, "headers"))
		add_header(&p, h->key.p, json_text(h));
	add_header(&p, "X-Amz-Date", json_text(json_get(c, "time")));
	add_header(&p, "User-Agent", STR("test")); /* sent, but not signed */
	if (token.n)
		add_header(&p, "X-Amz-Security-Token", token);
	if (!strcmp(service, "s3"))
		add_header(&p, "x-amz-content-sha256", str_from(hash));
	memcpy(w->headers, p.headers, sizeof(p.headers));
	w->request = (struct sigv4_request){.method = json_cstr(json_get(c, "method")),
					    .path = u.path,
					    .query = u.query,
					    .headers = w->headers,
					    .n_headers = p.n,
					    .payload_hash = hash,
					    .double_encode = strcmp(service, "s3") != 0,
					    .normalize = strcmp(service, "s3") != 0};
}

static void test_worker_shaped(void **state)
{
	struct arena *a = arena_new();
	const struct json *cases = fake_vectors(a, "tests/vectors/sigv4_worker.json");
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(cases->n, 8);
	json_each (c, cases) {
		struct worker_case w;

		print_message("case %s\n", json_cstr(json_get(c, "name")));
		worker_case(a, c, &w);
		check_stages(&w.request, &w.scope, c);
		w.headers[w.request.n_headers++] = (struct http_header){
			STR("authorization"), json_text(json_get(c, "authorization"))};
		w.request.double_encode = w.request.normalize = false; /* decided by the scope */
		assert_int_equal(sigv4_verify(&w.request, &w.secret, w.scope.time, 300000, &err),
				 0);
		secret_release(&w.secret);
	}
	arena_free(a);
}

/* A signed request to spoil: the first worker case. */
static struct worker_case signed_case(struct arena *a)
{
	const struct json *c = fake_vectors(a, "tests/vectors/sigv4_worker.json")->first;
	struct worker_case w;

	worker_case(a, c, &w);
	w.headers[w.request.n_headers++] =
		(struct http_header){STR("Authorization"), json_text(json_get(c, "authorization"))};
	return w;
}

static void expect_verify(struct worker_case *w, struct utc now, enum err_code code,
			  const char *aws)
{
	struct err err = ERR_INIT;

	w->request.headers = w->headers;
	assert_int_equal(sigv4_verify(&w->request, &w->secret, now, 300000, &err), -1);
	assert_int_equal(err.code, code);
	assert_string_equal(err.aws, aws);
	secret_release(&w->secret);
}

static void test_verify_refuses(void **state)
{
	struct arena *a = arena_new();
	struct worker_case w = signed_case(a);
	struct utc now = w.scope.time;

	(void)state;
	w.request.method = "GET";
	expect_verify(&w, now, ERR_DENIED, "SignatureDoesNotMatch");
	w = signed_case(a);
	w.request.payload_hash = SIGV4_EMPTY_HASH;
	expect_verify(&w, now, ERR_DENIED, "SignatureDoesNotMatch");
	w = signed_case(a);
	w.request.query = STR("a=1");
	expect_verify(&w, now, ERR_DENIED, "SignatureDoesNotMatch");
	w = signed_case(a);
	secret_set(&w.secret, "other", 5);
	expect_verify(&w, now, ERR_DENIED, "SignatureDoesNotMatch");
	w = signed_case(a); /* an x-amz header that the signature does not cover */
	w.headers[w.request.n_headers++] = (struct http_header){STR("X-Amz-Extra"), STR("1")};
	expect_verify(&w, now, ERR_DENIED, "SignatureDoesNotMatch");
	w = signed_case(a); /* a signed header that did not arrive: x-amz-target */
	w.headers[2].name = STR("other");
	expect_verify(&w, now, ERR_DENIED, "SignatureDoesNotMatch");
	w = signed_case(a);
	expect_verify(&w, (struct utc){now.ms + 300001}, ERR_DENIED, "RequestTimeTooSkewed");
	w = signed_case(a);
	expect_verify(&w, (struct utc){now.ms - 300001}, ERR_DENIED, "RequestTimeTooSkewed");
	w = signed_case(a);
	w.request.n_headers--;
	expect_verify(&w, now, ERR_MALFORMED, "MissingAuthenticationToken");
	w = signed_case(a);
	w.headers[3].value = STR("yesterday");
	expect_verify(&w, now, ERR_MALFORMED, "IncompleteSignature");
	w = signed_case(a); /* another day than the credential's */
	w.headers[3].value = STR("20260103T000000Z");
	expect_verify(&w, (struct utc){now.ms + 80000000}, ERR_DENIED, "SignatureDoesNotMatch");
	arena_free(a);
}

static void test_header_parse(void **state)
{
	static const char good[] =
		"AWS4-HMAC-SHA256 Credential=AK/20260102/eu-west-1/ecs/aws4_request, "
		"SignedHeaders=host;x-amz-date, "
		"Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
	static const char *const bad[] = {
		"",
		"Basic abc",
		"AWS4-HMAC-SHA256",
		"AWS4-HMAC-SHA256 ",
		"AWS4-HMAC-SHA256 Credential=AK/20260102/eu-west-1/ecs/aws4_request",
		"AWS4-HMAC-SHA256 Credential=AK/20260102/eu-west-1/ecs, SignedHeaders=host, "
		"Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
		"AWS4-HMAC-SHA256 Credential=AK/20260102/eu-west-1/ecs/aws4_request/x, "
		"SignedHeaders=host, "
		"Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
		"AWS4-HMAC-SHA256 Credential=AK/20260102/eu-west-1/ecs/aws4_request, "
		"SignedHeaders=host, Signature=5fa0",
		"AWS4-HMAC-SHA256 Credential=AK/20260102/eu-west-1/ecs/aws4_request, "
		"SignedHeaders=, "
		"Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
		"AWS4-HMAC-SHA256 Credential=/20260102/eu-west-1/ecs/aws4_request, "
		"SignedHeaders=host, "
		"Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
		"AWS4-HMAC-SHA256 Nonsense=1",
	};
	struct sigv4_header h;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(sigv4_header_parse(str_from(good), &h, &err), 0);
	assert_true(str_is(h.access_key_id, "AK"));
	assert_true(str_is(h.date, "20260102"));
	assert_true(str_is(h.region, "eu-west-1"));
	assert_true(str_is(h.service, "ecs"));
	assert_true(str_is(h.signed_headers, "host;x-amz-date"));
	assert_int_equal(h.signature.n, 64);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err = ERR_INIT;
		assert_int_equal(sigv4_header_parse(str_from(bad[i]), &h, &err), -1);
		assert_int_equal(err.code, ERR_MALFORMED);
	}
}

/* Known intermediate keys, from the documentation's example. */
static void test_signing_key(void **state)
{
	struct secret secret = {NULL, 0};
	struct sigv4_scope s = {
		.secret_access_key = &secret, .region = "us-east-1", .service = "service"};
	uint8_t key[SHA256_SIZE];
	char hex[SHA256_HEX_SIZE];

	(void)state;
	secret_set(&secret, "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", 40);
	assert_true(utc_parse_iso(STR("2015-08-30T12:36:00Z"), &s.time));
	sigv4_signing_key(&s, key);
	hex_encode(key, SHA256_SIZE, hex);
	assert_string_equal(hex,
			    "938127b5336810ddb6a5d6af445fcac9e371f9ed418ed386b022aed82901be75");
	secret_release(&secret);
}

/* Whatever is asked for, the cache answers what deriving would. */
static void expect_same(struct sigv4_key_cache *c, const struct sigv4_scope *s)
{
	uint8_t derived[SHA256_SIZE], cached[SHA256_SIZE];

	sigv4_signing_key(s, derived);
	sigv4_key_cache_get(c, s, cached);
	assert_memory_equal(cached, derived, SHA256_SIZE);
	assert_memory_equal(c->key, derived, SHA256_SIZE);
}

static void test_key_cache_follows_its_scope(void **state)
{
	struct secret secret = {NULL, 0}, other = {NULL, 0}, shorter = {NULL, 0};
	struct sigv4_scope s = {
		.secret_access_key = &secret, .region = "us-east-1", .service = "s3"};
	struct sigv4_key_cache c = {.region = NULL};

	(void)state;
	secret_set(&secret, "secret-a", 8);
	secret_set(&other, "secret-b", 8);
	secret_set(&shorter, "secret-", 7);
	assert_true(utc_parse_iso(STR("2026-01-02T23:59:59Z"), &s.time));
	for (int twice = 0; twice < 2; twice++) {
		expect_same(&c, &s);
		s.time.ms += 1000; /* midnight: another key */
		expect_same(&c, &s);
		s.time.ms += 1000;
		expect_same(&c, &s);
		s.region = "eu-west-1";
		expect_same(&c, &s);
		s.service = "ecs";
		expect_same(&c, &s);
		s.secret_access_key = &other;
		expect_same(&c, &s);
		s.secret_access_key = &shorter;
		expect_same(&c, &s);
		sigv4_key_cache_release(&c);
	}
	secret_release(&secret);
	secret_release(&other);
	secret_release(&shorter);
}

/* It must be a cache: what was derived once is taken as it is, and gone after the release. */
static void test_key_cache_keeps_and_wipes(void **state)
{
	struct secret secret = {NULL, 0};
	struct sigv4_scope s = {.secret_access_key = &secret,
				.region = "us-east-1",
				.service = "s3",
				.time = {1767323045000}};
	struct sigv4_key_cache c = {.region = NULL}, empty;
	uint8_t key[SHA256_SIZE], nothing[SHA256_SIZE] = {0};

	(void)state;
	memset(&empty, 0, sizeof(empty));
	secret_set(&secret, "secret", 6);
	sigv4_key_cache_get(&c, &s, key);
	memset(c.key, 'x', sizeof(c.key));
	s.time.ms += 60000;
	sigv4_key_cache_get(&c, &s, key);
	assert_int_equal(key[0], 'x');
	sigv4_key_cache_release(&c);
	assert_memory_equal(&c, &empty, sizeof(c));
	assert_memory_equal(c.key, nothing, sizeof(nothing));
	sigv4_key_cache_release(&c);
	sigv4_key_cache_get(&c, &s, key);
	assert_int_not_equal(key[0], 'x');
	sigv4_key_cache_release(&c);
	secret_release(&secret);
}

/* A key that was given is the one that signs. */
static void test_given_key_signs(void **state)
{
	struct secret secret = {NULL, 0};
	struct sigv4_scope s = {.secret_access_key = &secret,
				.region = "us-east-1",
				.service = "s3",
				.time = {1767323045000}};
	char derived[SIGV4_SIGNATURE_SIZE], given[SIGV4_SIGNATURE_SIZE];
	uint8_t key[SHA256_SIZE];

	(void)state;
	secret_set(&secret, "secret", 6);
	sigv4_signature(&s, STR("text"), derived);
	sigv4_signing_key(&s, key);
	s.signing_key = key;
	sigv4_signature(&s, STR("text"), given);
	assert_string_equal(given, derived);
	key[0] ^= 1;
	sigv4_signature(&s, STR("text"), given);
	assert_string_not_equal(given, derived);
	secret_release(&secret);
}

static void canonical(const char *path, const char *query, const char *expect_path,
		      const char *expect_query)
{
	struct sigv4_request r = {.method = "GET",
				  .path = str_from(path),
				  .query = str_from(query),
				  .double_encode = true,
				  .normalize = true};
	struct str text, line;
	struct buf out, names;

	buf_init(&out, SIGV4_TEXT_MAX);
	buf_init(&names, SIGV4_TEXT_MAX);
	sigv4_canonical_request(&r, (struct str){NULL, 0}, &out, &names);
	text = buf_str(&out);
	assert_true(str_next(&text, '\n', &line));
	assert_true(str_next(&text, '\n', &line));
	assert_int_equal(line.n, strlen(expect_path));
	assert_memory_equal(line.p, expect_path, line.n);
	assert_true(str_next(&text, '\n', &line));
	assert_int_equal(line.n, strlen(expect_query));
	assert_memory_equal(line.n ? line.p : "", expect_query, line.n);
	buf_release(&out);
	buf_release(&names);
}

static void test_canonical_forms(void **state)
{
	(void)state;
	canonical("", "", "/", "");
	canonical("/../../a", "", "/a", "");
	canonical("/a/../..", "", "/", "");
	canonical("/a/b/../c/", "", "/a/c/", "");
	canonical("/arn%3Aaws", "", "/arn%253Aaws", "");
	canonical("/", "b&a", "/", "a=&b=");
	canonical("/", "a=2&a=1&a", "/", "a=&a=1&a=2");
	canonical("/", "x=%2f&y=%7e", "/", "x=%2F&y=~"); /* one spelling for all */
	canonical("/", "x=%zz&y=1%2", "/", "x=%25zz&y=1%252");
	canonical("/", "a=b=c&&", "/", "a=b%3Dc");
	canonical("/", "a=x+y", "/", "a=x%2By"); /* '+' is a plus, not a blank */
}

static void test_limits(void **state)
{
	struct secret secret = {NULL, 0};
	struct sigv4_scope s = {
		.access_key_id = "AK", .secret_access_key = &secret, .region = "r", .service = "s"};
	struct sigv4_request r = {.method = "GET", .double_encode = true, .normalize = true};
	size_t n = SIGV4_TEXT_MAX + 10;
	char *big = xmalloc(n);
	struct err err = ERR_INIT;
	struct buf out;

	(void)state;
	memset(big, '&', n);
	buf_init(&out, SIGV4_TEXT_MAX);
	r.query = (struct str){big, n};
	assert_int_equal(sigv4_authorization(&r, &s, &out, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	memset(big, '/', n);
	memset(big + 1, 'a', n - 1);
	r.query = STR("");
	r.path = (struct str){big, n};
	assert_int_equal(sigv4_authorization(&r, &s, &out, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	free(big);
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_suite),	       cmocka_unit_test(test_worker_shaped),
		cmocka_unit_test(test_verify_refuses), cmocka_unit_test(test_header_parse),
		cmocka_unit_test(test_signing_key),    cmocka_unit_test(test_canonical_forms),
		cmocka_unit_test(test_limits),	       cmocka_unit_test(test_given_key_signs),
		cmocka_unit_test(test_key_cache_follows_its_scope),
		cmocka_unit_test(test_key_cache_keeps_and_wipes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
