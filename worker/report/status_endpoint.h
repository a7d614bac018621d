#ifndef WORKER_REPORT_STATUS_ENDPOINT_H
#define WORKER_REPORT_STATUS_ENDPOINT_H

#include "aws/core/err.h"

struct worker;

/*
 * The status endpoint of a worker, as its configuration wants it: looks, pages and the server put
 * together. An address that other machines reach is logged as a warning: the pages name pipelines
 * and targets, and nobody is asked who they are.
 */
struct status_endpoint;

/* *out NULL: it is switched off. ledger_path and the worker are borrowed until it is freed. */
int status_endpoint_new(struct worker *w, const char *ledger_path, struct status_endpoint **out,
			struct err *err) MUST_CHECK;
void status_endpoint_free(struct status_endpoint *e); /* NULL does nothing; before the worker */

#endif
