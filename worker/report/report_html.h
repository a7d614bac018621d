#ifndef WORKER_REPORT_REPORT_HTML_H
#define WORKER_REPORT_REPORT_HTML_H

#include "worker/report/report.h"

/* Between the files of the page. name is ours, text is escaped; nothing is written for nothing. */
void html_item(struct buf *out, const char *name, const char *text);
void html_item_time(struct buf *out, const char *name, struct utc t);
/* Everything below the plots. */
void html_tables(const struct report *r, struct buf *out);

#endif
