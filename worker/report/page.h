#ifndef WORKER_REPORT_PAGE_H
#define WORKER_REPORT_PAGE_H

#include "aws/core/buf.h"
#include "worker/report/snapshot.h"

/*
 * The pages of the status endpoint, as text. Pure: nothing is asked, nothing is counted. Whatever
 * comes from outside is escaped for the format it stands in.
 */

/*
 * Prometheus' text format, version 0.0.4 ("Exposition formats" of its documentation): families
 * rollout_worker_*, of a bounded number of series.
 */
void page_metrics(const struct snapshot *s, struct buf *out);
/* One JSON object. */
void page_json(const struct snapshot *s, struct buf *out);
/* One self-contained HTML page without any script. */
void page_html(const struct snapshot *s, struct buf *out);
/* One line that begins with "ok" when the worker is well. True then. */
bool page_health(const struct snapshot *s, struct buf *out);

#endif
