#ifndef WORKER_REPORT_REPORT_H
#define WORKER_REPORT_REPORT_H

#include "aws/core/buf.h"
#include "worker/report/model.h"

/*
 * The report in its forms. Pure; whatever comes from outside is escaped for the format it stands
 * in. What does not fit into the buffer leaves it `over`.
 */
#define REPORT_BYTES_MAX (4u << 20) /* far more than a history within its limits makes */

void report_json(const struct report *r, struct buf *out);
void report_markdown(const struct report *r, struct buf *out);
void report_text(const struct report *r, struct buf *out); /* for a terminal */
/* One self-contained page without script: styles and plots are inside. */
void report_html(const struct report *r, struct buf *out);

/*
 * Inline SVG, as wide as viewBox says; the page scales it. id: makes the ids inside unique in the
 * page.
 */
struct plot_size {
	int width, label; /* of the whole, and room for labels at the left */
	int ticks;	  /* of time, at most */
	const char *id;
};
void plot_traffic(const struct report *r, const struct plot_size *size, struct buf *out);
void plot_guard(const struct report *r, size_t guard, const struct plot_size *size,
		struct buf *out);

/* The forms: as the command line names them, and how the files end that keep them. */
struct report_form {
	const char *name, *ending; /* ending NULL: never kept in a file */
	void (*render)(const struct report *r, struct buf *out);
};
#define REPORT_FORM_COUNT 4
#define REPORT_FILE_COUNT 3 /* the first of them, kept on disk and in output artifacts */
extern const struct report_form REPORT_FORMS[REPORT_FORM_COUNT];

#endif
