#ifndef AWS_CORE_HTTP_ANSWER_H
#define AWS_CORE_HTTP_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/core/buf.h"
#include "aws/core/err.h"
#include "aws/core/http.h"
#include "aws/core/mem.h"
#include "aws/core/str.h"

/*
 * For transports only: an answer on its way in, line by line and piece by piece. It keeps to the
 * limits of the request, forgets interim (1xx) answers, ignores trailers, and either collects the
 * body or passes it on.
 */
struct http_answer {
	const struct http_request *req;
	struct http_response *res;
	struct arena *arena;
	struct err *err;
	struct str origin; /* scheme, host and port: what messages name; borrowed from the URL */
	struct buf body;   /* what is collected */
	uint64_t body_max;
	size_t cap_headers;
	uint64_t received; /* bytes of headers and body */
	size_t header_bytes;
	bool in_block;	   /* between a status line and the empty line */
	bool headers_done; /* of the final answer; what follows are trailers */
	bool failed;	   /* err says why, and nothing more is wanted */
};

void http_answer_init(struct http_answer *x, const struct http_request *req,
		      struct http_response *res, struct arena *arena, struct err *err);
void http_answer_release(struct http_answer *x);

/* A status line, header line or the empty line after them, with or without its line end. */
bool http_answer_header(struct http_answer *x, struct str line);       /* false: failed */
bool http_answer_body(struct http_answer *x, const char *p, size_t n); /* false: failed */
void http_answer_end(struct http_answer *x); /* all has arrived: hand the body over */

/* Set err to "<method> <origin>: <text>" and mark the answer failed. -1. */
int http_answer_fail(struct http_answer *x, enum err_code code, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

#endif
