#ifndef AWS_CORE_ERR_H
#define AWS_CORE_ERR_H

#include <stdbool.h>

#include "aws/core/attr.h"

/*
 * The error value. It lives on the caller's stack, needs no release, and travels as the last
 * argument of every fallible function. A function returns 0 on success and -1 on failure; it writes
 * the error only on failure, so that calls can be chained in one `if`.
 *
 * A code says what the caller does next, not who failed:
 *
 *   try again later   ERR_TIMEOUT ERR_NETWORK ERR_THROTTLED ERR_UNAVAILABLE
 *   stop and tell     ERR_DENIED ERR_REJECTED ERR_MALFORMED ERR_LIMIT ERR_UNSAFE ERR_SYSTEM
 *   look and decide   ERR_NOT_FOUND ERR_CONFLICT
 *   unwind            ERR_CANCELED
 *
 * ERR_UNKNOWN_OUTCOME of a write that was sent and not answered is said by `sent`: when it is true
 * the effect may have taken place, and the caller must read before it writes again.
 */
enum err_code {
	ERR_OK,
	ERR_CANCELED,	 /* the cancel of this call fired */
	ERR_TIMEOUT,	 /* no complete answer in time */
	ERR_NETWORK,	 /* name, connection, TLS or transfer failed */
	ERR_THROTTLED,	 /* the service asks to slow down, retries are used up */
	ERR_UNAVAILABLE, /* the service failed on its side (5xx), retries are used up */
	ERR_DENIED,	 /* not authenticated or not authorised */
	ERR_NOT_FOUND,	 /* the named thing does not exist */
	ERR_CONFLICT,	 /* the thing is not as the caller believed, or is busy */
	ERR_REJECTED,	 /* the request itself is wrong; repeating it is pointless */
	ERR_MALFORMED,	 /* input from outside does not parse */
	ERR_LIMIT,	 /* input from outside is larger than we accept */
	ERR_UNSAFE,	 /* input from outside is hostile */
	ERR_SYSTEM,	 /* the operating system or a library refused */
	ERR_CODE_COUNT
};

struct err {
	enum err_code code;
	int sys;	     /* errno, 0 if none */
	int http;	     /* HTTP status, 0 if none */
	bool sent;	     /* the request may have taken effect although it failed */
	char aws[64];	     /* AWS error name, for example "ThrottlingException"; or "" */
	char request_id[80]; /* request id of the failing answer; or "" */
	char text[640];	     /* one line, complete, without secrets */
};

/* An error that says nothing yet: `struct err err = ERR_INIT;` */
#define ERR_INIT ((struct err){.code = ERR_OK})

/*
 * Overwrite err with this code and text; sys, http, aws, request_id and sent become empty. Control
 * characters and bytes that are not UTF-8 become '?', here and below. -1.
 */
int err_set(struct err *err, enum err_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* The same, keeping errnum in sys and appending ": " and its description. Always returns -1. */
int err_set_sys(struct err *err, enum err_code code, int errnum, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

/*
 * Prefix the text with context and ": ", keep everything else, return -1. When the sum does not
 * fit, the tail is cut, never the head.
 */
int err_wrap(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* "throttled", "not_found", ...: the lower-case name used in logs. Never NULL. */
const char *err_code_name(enum err_code code);

/* True for the codes after which the same call may succeed later without anybody acting. */
bool err_is_retryable(const struct err *err);

#endif
