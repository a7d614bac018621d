#ifndef WORKER_REPORT_PLOT_H
#define WORKER_REPORT_PLOT_H

#include "worker/report/report.h"

/* Between the files of the plots: time and values to places. */
#define PLOT_RIGHT 14
#define PLOT_AXIS 34 /* room for the axis of time below */

struct plot {
	const struct report *r;
	const struct plot_size *size;
	struct buf *out;
	int top, bottom; /* of what is drawn */
	double low, high; /* values at bottom and top; high > low */
};

double plot_x(const struct plot *p, struct utc t); /* clamped to the time-line */
double plot_y(const struct plot *p, double value); /* clamped to low and high */

/* <svg>, title and description, and the pattern of gaps. */
void plot_begin(const struct plot *p, int height, const char *title, const char *description);
void plot_time_axis(const struct plot *p);
void plot_gaps(const struct plot *p);
/* A mark of the value axis: line and label. */
void plot_mark(const struct plot *p, double value, const char *label);
/* Did nobody look at some time between the two? */
bool plot_is_apart(const struct report *r, struct utc a, struct utc b);

#endif
