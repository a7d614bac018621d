#ifndef WORKER_REPORT_MARKUP_H
#define WORKER_REPORT_MARKUP_H

#include <stdbool.h>

#include "aws/core/buf.h"
#include "aws/core/clock.h"

/*
 * Text from outside, made harmless for the format it stands in. What does not show as itself is
 * replaced in all of them. NULL is nothing. Pure.
 */
void markup_html(struct buf *out, const char *text); /* between tags, and in quoted attributes */
void markup_markdown(struct buf *out, const char *text); /* in a paragraph, a heading or a cell */
void markup_plain(struct buf *out, const char *text);	 /* one line for a terminal; "-" for none */

/* "2026-01-02 03:04:05": UTC. */
#define MARKUP_TIME_SIZE 20
#define MARKUP_TIME_MAX 253402300799999ll /* the end of year 9999; others are shown as unknown */
bool markup_is_time(struct utc t);
void markup_time(struct utc t, char out[MARKUP_TIME_SIZE]);
/* "1h30m", "14s", "0.4s": how long, with a fraction under ten seconds. */
#define MARKUP_SPAN_SIZE 32
void markup_span(int64_t ms, char out[MARKUP_SPAN_SIZE]);

#endif
