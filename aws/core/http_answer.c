#include "aws/core/http_answer.h"

#include <stdarg.h>
#include <stdio.h>

#include "aws/core/limits.h"

/*
 * Taking in an answer. Nothing here knows which library reads the socket. Only the origin of a URL
 * is named in messages: paths and queries can be credentials (presigned URLs, container
 * credential endpoints).
 */

static struct str origin_of(struct str url)
{
	size_t n = sizeof("https://") - 1;

	while (n < url.n && url.p[n] != '/' && url.p[n] != '?')
		n++;
	return str_sub(url, 0, n);
}

void http_answer_init(struct http_answer *x, const struct http_request *req,
		      struct http_response *res, struct arena *arena, struct err *err)
{
	*x = (struct http_answer){.req = req, .res = res, .arena = arena, .err = err};
	x->origin = origin_of(str_from(req->url));
	x->body_max = req->body_max ? req->body_max : LIMIT_API_BODY;
	buf_init(&x->body, SIZE_MAX / 4); /* http_answer_body() keeps to body_max */
}

void http_answer_release(struct http_answer *x)
{
	buf_release(&x->body);
}

int http_answer_fail(struct http_answer *x, enum err_code code, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	x->failed = true;
	return err_set(x->err, code, "%s " STR_FMT ": %s", x->req->method, STR_ARG(x->origin),
		       text);
}

static int fail_too_long(struct http_answer *x)
{
	return http_answer_fail(x, ERR_LIMIT, "the answer is larger than %llu bytes",
				(unsigned long long)x->body_max);
}

static bool is_streamed(const struct http_answer *x)
{
	return x->req->on_body && x->res->status / 100 == 2;
}

static void add_header(struct http_answer *x, struct str name, struct str value)
{
	struct http_response *res = x->res;

	if (res->n_headers == x->cap_headers) {
		size_t cap = x->cap_headers ? 2 * x->cap_headers : 16;
		struct http_header *grown = arena_array(x->arena, struct http_header, cap);

		for (size_t i = 0; i < res->n_headers; i++)
			grown[i] = res->headers[i];
		res->headers = grown;
		x->cap_headers = cap;
	}
	res->headers[res->n_headers++] = (struct http_header){
		{str_dup(x->arena, name), name.n},
		{str_dup(x->arena, value), value.n},
	};
}

/* "HTTP/1.1 200 OK". What an interim answer brought is forgotten. */
static int begin_block(struct http_answer *x, struct str line)
{
	struct str rest = line;
	struct str version, code;
	uint64_t status;

	if (!str_starts(line, "HTTP/") || !str_next(&rest, ' ', &version) ||
	    !str_next(&rest, ' ', &code) || !str_parse_u64(code, 100, 599, &status))
		return http_answer_fail(x, ERR_NETWORK, "malformed status line in the answer");
	x->res->status = (int)status;
	x->res->n_headers = 0;
	x->in_block = true;
	return 0;
}

/* Something, and without blanks and control characters. */
static bool is_name(struct str name)
{
	for (size_t i = 0; i < name.n; i++)
		if ((unsigned char)name.p[i] <= ' ' || name.p[i] == 0x7f)
			return false;
	return name.n > 0;
}

static int add_line(struct http_answer *x, struct str line)
{
	const char *colon = memchr(line.p, ':', line.n);
	size_t n = colon ? (size_t)(colon - line.p) : 0;
	struct str name = str_trim(str_sub(line, 0, n));

	/* a line that starts with white space continues the one before: long obsolete */
	if (line.p[0] == ' ' || line.p[0] == '\t' || !is_name(name))
		return http_answer_fail(x, ERR_NETWORK, "malformed header in the answer");
	add_header(x, name, str_trim(str_sub(line, n + 1, line.n)));
	return 0;
}

/* The empty line after the headers. */
static int end_block(struct http_answer *x)
{
	const struct http_request *req = x->req;
	struct http_response *res = x->res;
	struct str length;
	uint64_t n;

	x->in_block = false;
	if (res->status < 200)
		return 0;
	x->headers_done = true;
	/* the limit of a download is not meant for an error message that is kept in memory */
	if (req->on_body && !is_streamed(x) && x->body_max > LIMIT_API_BODY)
		x->body_max = LIMIT_API_BODY;
	length = http_header_get(res->headers, res->n_headers, "Content-Length");
	if (strcmp(req->method, "HEAD") != 0 && res->status != 304 &&
	    str_parse_u64(length, 0, UINT64_MAX, &n) && n > x->body_max)
		return fail_too_long(x);
	if (req->on_start && res->status / 100 == 2 &&
	    req->on_start(req->on_arg, res->status, res->headers, res->n_headers, x->err)) {
		x->failed = true;
		return -1;
	}
	return 0;
}

bool http_answer_header(struct http_answer *x, struct str line)
{
	x->received += line.n;
	x->header_bytes += line.n;
	if (x->header_bytes > LIMIT_HTTP_HEADERS) {
		http_answer_fail(x, ERR_LIMIT, "headers are larger than %u bytes",
				 LIMIT_HTTP_HEADERS);
		return false;
	}
	while (line.n > 0 && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r'))
		line.n--;
	if (x->headers_done)
		return true;
	if (!x->in_block)
		return begin_block(x, line) == 0;
	return (line.n > 0 ? add_line(x, line) : end_block(x)) == 0;
}

bool http_answer_body(struct http_answer *x, const char *p, size_t n)
{
	x->received += n;
	x->res->body_bytes += n;
	if (x->res->body_bytes > x->body_max) {
		fail_too_long(x);
		return false;
	}
	if (!is_streamed(x)) {
		buf_add(&x->body, p, n);
		return true;
	}
	if (x->req->on_body(x->req->on_arg, p, n, x->err)) {
		x->failed = true;
		return false;
	}
	return true;
}

void http_answer_end(struct http_answer *x)
{
	x->res->body = (struct str){str_dup(x->arena, buf_str(&x->body)), x->body.n};
}
