#ifndef WORKER_REPORT_STATUS_H
#define WORKER_REPORT_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "aws/core/buf.h"
#include "aws/core/err.h"
#include "worker/report/status_address.h"

/*
 * The status endpoint: HTTP, reading only. It answers GET and HEAD of four paths and nothing else,
 * reads no body, takes no parameter, follows no request longer than a few seconds, and has room for
 * a few connections only, of which the oldest gives way. It has one thread of its own, which takes
 * no part in the work. The only module of the worker that includes libmicrohttpd.
 *
 *   /             a page for people
 *   /status.json  the same for programs
 *   /metrics      for Prometheus
 *   /healthz      200 while it works, else 503
 */
enum status_page { STATUS_HTML, STATUS_JSON, STATUS_METRICS, STATUS_HEALTH };

struct status_options {
	struct status_address address;
	const char *names; /* further host names that requests may name; NULL: none */
	/*
	 * Append a page. False: it says that something is wrong (503). Called in the endpoint's
	 * thread, one at a time.
	 */
	bool (*page)(void *arg, enum status_page page, struct buf *out);
	void *arg;
};

struct status;

/* Listen and answer. ERR_SYSTEM when the address is taken or is not ours. */
struct status *status_new(const struct status_options *o, struct err *err);
uint16_t status_port(const struct status *s);
/* Stop, without waiting for clients. NULL does nothing. */
void status_free(struct status *s);

#endif
