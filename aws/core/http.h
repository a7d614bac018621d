#ifndef AWS_CORE_HTTP_H
#define AWS_CORE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/core/err.h"
#include "aws/core/mem.h"
#include "aws/core/str.h"

struct cancel;

/*
 * The transport seam: one of the three. One blocking, interruptible HTTP exchange. The real
 * transport is libcurl (http_curl_new); the simulator is another. Nothing above knows which.
 *
 * The transport adds no header of its own except Host, Content-Length and, over HTTP/1.1,
 * Connection; it follows no redirect, keeps no cookie, retries nothing and decodes nothing.
 */
struct http_header {
	struct str name, value; /* the name as sent or received; compare without case */
};

struct http_request {
	const char *method;		   /* "GET", "POST" ... */
	const char *url;		   /* absolute, http or https, already encoded */
	/* "Host" and "Content-Length" may be given and must equal the URL's and the body's */
	const struct http_header *headers;
	size_t n_headers;
	struct str body;	/* sent with Content-Length; empty for none */
	int64_t connect_ms;	/* limit for name, TCP and TLS; 0: default 3,100 ms */
	int64_t total_ms;	/* limit for the whole exchange; 0: default 30 s */
	int64_t stall_ms;	/* fail when nothing arrives for so long; 0: no such limit */
	size_t body_max;	/* a longer answer, also one that on_body takes, is ERR_LIMIT;
				   0: default 8 MiB */
	bool no_proxy;		/* never through a proxy, whatever the host */
	/*
	 * Nothing in it needs protection: plain http to any host, save the metadata and credential
	 * endpoints, by whatever name: who asked for it may not be meant to learn what they say.
	 */
	bool is_plain_ok;

	/*
	 * Takes the body of a 2xx answer piece by piece instead of collecting it; other answers
	 * are still collected. -1 with err set ends the exchange with that error. on_start is
	 * called once before, with status and headers (may be NULL).
	 */
	int (*on_start)(void *arg, int status, const struct http_header *headers, size_t n,
			struct err *err);
	int (*on_body)(void *arg, const char *p, size_t n, struct err *err);
	void *on_arg;
};

struct http_response {
	int status; /* 100 to 599 */
	struct http_header *headers;
	size_t n_headers;
	struct str body;	 /* NUL-terminated too; empty when on_body took it */
	uint64_t body_bytes;	 /* received, streamed or collected */
};

struct http {
	/*
	 * Headers and body of the answer live in the arena. 0 when an answer arrived, whatever its
	 * status. ERR_NETWORK, ERR_TIMEOUT, ERR_LIMIT, ERR_CANCELED otherwise; err->sent says
	 * whether the request may have reached the server. A body shorter than its Content-Length
	 * is ERR_NETWORK. The calling thread must hold no lock. Callable from any thread.
	 */
	int (*send)(struct http *h, const struct http_request *req, struct arena *a,
		    struct http_response *res, struct cancel *cancel, struct err *err);
	void (*free)(struct http *h);
};

/*
 * Check a request and send it. Refused before any transport sees it: ERR_UNSAFE for plain http to
 * a host that is neither loopback nor one of the link-local metadata and credential endpoints,
 * unless is_plain_ok, and for headers that could smuggle others in; ERR_REJECTED for what is no
 * proper request.
 */
int http_send(struct http *h, const struct http_request *req, struct arena *a,
	      struct http_response *res, struct cancel *cancel, struct err *err) MUST_CHECK;
void http_free(struct http *h); /* NULL does nothing */

/* Value of the first header of that name (no case), the empty slice when absent. */
struct str http_header_get(const struct http_header *h, size_t n, const char *name);

/*
 * The libcurl transport: a pool of handles, each with its own connection cache, TLS verified
 * always, HTTP/1.1 and 2, proxies from the environment unless no_proxy, address resolution that
 * can be interrupted. Plain http never goes through a proxy, nor does what is for this machine or a
 * metadata endpoint. ca_bundle: a PEM file that replaces the system's, or NULL. user_agent may be
 * NULL: none is sent, unless the request has one. Fails when libcurl lacks TLS or an asynchronous
 * resolver. http_global_init() comes first, before any thread is started; it also has SIGPIPE
 * ignored. http_free() must not overlap a call.
 */
void http_global_init(void);
struct http *http_curl_new(const char *ca_bundle, const char *user_agent, struct err *err);

/*
 * Parts of an absolute URL, borrowed from it. host has no brackets around an IPv6 address; port is
 * explicit or the scheme's; path starts with '/' (or is "/"); query is without '?', may be empty.
 * User information and fragments are refused.
 */
struct http_url {
	bool https;
	struct str host;
	uint16_t port;
	bool port_given;
	struct str path, query;
};
bool http_url_parse(struct str url, struct http_url *out);

/* True for 127.0.0.0/8, ::1 and "localhost": the hosts plain http is allowed for. */
bool http_host_is_loopback(struct str host);

/* True for the link-local addresses of instance metadata and of the credentials of ECS and EKS. */
bool http_host_is_metadata(struct str host);

#endif
