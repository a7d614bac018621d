#ifndef TESTS_UNIT_SIM_SERVICES_H
#define TESTS_UNIT_SIM_SERVICES_H

#include <zlib.h>

#include "aws/core/digest.h"
#include "tests/unit/sim/simtest.h"

/* Calls of the simulated target services, for their tests. */

#define FUNCTIONS "/2015-03-31/functions/"

/* A call of Lambda; body "" for none. */
static inline int lambda(struct world *w, const char *method, const char *path, const char *query,
			 const char *body)
{
	struct ask q = {.method = method,
			.host = "lambda." WORLD_REGION ".amazonaws.com",
			.path = path,
			.query = query,
			.service = "lambda",
			.body = str_from(body)};

	if (body[0])
		ask_header(&q, "Content-Type", "application/json");
	return ask_send(w, &q);
}

static inline int elb(struct world *w, const char *form)
{
	struct ask q = {
		.method = "POST",
		.host = "elasticloadbalancing." WORLD_REGION ".amazonaws.com",
		.path = "/",
		.service = "elasticloadbalancing",
		.body = str_from(arena_printf(w->arena, "Version=2015-12-01&Action=%s", form))};

	ask_header(&q, "Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
	return ask_send(w, &q);
}

static inline int asg(struct world *w, const char *form)
{
	struct ask q = {
		.method = "POST",
		.host = "autoscaling." WORLD_REGION ".amazonaws.com",
		.path = "/",
		.service = "autoscaling",
		.body = str_from(arena_printf(w->arena, "Version=2011-01-01&Action=%s", form))};

	ask_header(&q, "Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
	return ask_send(w, &q);
}

static inline int ec2(struct world *w, const char *form)
{
	struct ask q = {
		.method = "POST",
		.host = "ec2." WORLD_REGION ".amazonaws.com",
		.path = "/",
		.service = "ec2",
		.body = str_from(arena_printf(w->arena, "Version=2016-11-15&Action=%s", form))};

	ask_header(&q, "Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
	return ask_send(w, &q);
}

static inline int ssm(struct world *w, const char *operation, const char *json)
{
	struct ask q = {.method = "POST",
			.host = "ssm." WORLD_REGION ".amazonaws.com",
			.path = "/",
			.service = "ssm",
			.body = str_from(json)};

	ask_header(&q, "Content-Type", "application/x-amz-json-1.1");
	ask_header(&q, "X-Amz-Target", arena_printf(w->arena, "AmazonSSM.%s", operation));
	return ask_send(w, &q);
}

static inline int cw(struct world *w, const char *operation, const char *json)
{
	struct ask q = {.method = "POST",
			.host = "monitoring." WORLD_REGION ".amazonaws.com",
			.path = "/",
			.service = "monitoring",
			.body = str_from(json)};

	ask_header(&q, "Content-Type", "application/x-amz-json-1.0");
	ask_header(&q, "X-Amzn-Query-Mode", "true");
	ask_header(&q, "X-Amz-Target",
		   arena_printf(w->arena, "GraniteServiceVersion20100801.%s", operation));
	return ask_send(w, &q);
}

/* The same in the query protocol. */
static inline int cw_query(struct world *w, const char *form)
{
	struct ask q = {
		.method = "POST",
		.host = "monitoring." WORLD_REGION ".amazonaws.com",
		.path = "/",
		.service = "monitoring",
		.body = str_from(arena_printf(w->arena, "Version=2010-08-01&Action=%s", form))};

	ask_header(&q, "Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
	return ask_send(w, &q);
}

/* The error of a REST JSON answer. */
static inline void assert_error(struct world *w, int status, const char *name)
{
	if (w->res.status != status)
		fail_msg("status %d, not %d: " STR_FMT, w->res.status, status,
			 STR_ARG(w->res.body));
	struct str type = res_header(w, "x-amzn-errortype");
	if (!str_is(type, name) && strcmp(code(w), name) != 0)
		fail_msg("%s expected: " STR_FMT " " STR_FMT, name, STR_ARG(type),
			 STR_ARG(w->res.body));
}

static inline void assert_status(struct world *w, int status)
{
	if (w->res.status != status)
		fail_msg("status %d, not %d: " STR_FMT, w->res.status, status,
			 STR_ARG(w->res.body));
}

static inline void assert_text(const struct json *node, const char *path, const char *text)
{
	struct str have = json_text(json_at(node, path));
	if (!str_is(have, text))
		fail_msg("%s is \"" STR_FMT "\", not \"%s\"", path, STR_ARG(have), text);
}

static inline double number(const struct json *node, const char *path)
{
	double v;
	if (!json_double(path[0] ? json_at(node, path) : node, &v))
		fail_msg("%s is not a number", path);
	return v;
}

static inline void assert_near(double have, double want, double by)
{
	if (have < want - by || have > want + by)
		fail_msg("%g is not %g +- %g", have, want, by);
}

/* --- zip files ----------------------------------------------------------------------------- */

static inline void put16(struct buf *b, size_t v)
{
	buf_addc(b, (char)(v & 0xff));
	buf_addc(b, (char)(v >> 8 & 0xff));
}

static inline void put32(struct buf *b, size_t v)
{
	put16(b, v & 0xffff);
	put16(b, v >> 16 & 0xffff);
}

/* A zip file with one entry, stored or deflated, in the arena. */
static inline struct str make_zip(struct arena *a, const char *name, const char *text,
				  bool deflated)
{
	size_t n = strlen(text), packed = n + 64;
	Bytef *data = arena_alloc(a, packed);
	struct buf b, local;
	uLong crc = crc32(crc32(0, NULL, 0), (const Bytef *)text, (uInt)n);

	memcpy(data, text, n);
	if (deflated) {
		z_stream z = {0};
		Bytef *in = arena_alloc(a, n + 1);
		memcpy(in, text, n);
		assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY),
				 Z_OK);
		z.next_in = in;
		z.avail_in = (uInt)n;
		z.next_out = data;
		z.avail_out = (uInt)packed;
		assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
		packed = z.total_out;
		deflateEnd(&z);
	} else {
		packed = n;
	}
	buf_init(&local, 4096);
	put16(&local, 20); /* version needed */
	put16(&local, 0);
	put16(&local, deflated ? 8 : 0);
	put32(&local, 0); /* time and date */
	put32(&local, crc);
	put32(&local, packed);
	put32(&local, n);
	put16(&local, strlen(name));
	put16(&local, 0); /* extra */
	buf_init(&b, 1u << 20);
	buf_adds(&b, "PK\3\4");
	buf_add_str(&b, buf_str(&local));
	buf_adds(&b, name);
	buf_add(&b, data, packed);
	size_t directory = b.n;
	buf_adds(&b, "PK\1\2");
	put16(&b, 20);
	buf_add_str(&b, buf_str(&local));
	put16(&b, 0); /* comment */
	put32(&b, 0); /* disk, internal attributes */
	put32(&b, 0);
	put32(&b, 0); /* offset of the local header */
	buf_adds(&b, name);
	size_t size = b.n - directory;
	buf_adds(&b, "PK\5\6");
	put32(&b, 0);
	put16(&b, 1);
	put16(&b, 1);
	put32(&b, size);
	put32(&b, directory);
	put16(&b, 0);
	struct str zip = {str_dup(a, buf_str(&b)), b.n};
	buf_release(&local);
	buf_release(&b);
	return zip;
}

static inline const char *base64(struct arena *a, struct str s)
{
	struct buf b;
	buf_init(&b, 4u << 20);
	base64_encode(&b, s.p, s.n);
	const char *text = str_dup(a, buf_str(&b));
	buf_release(&b);
	return text;
}

#endif
