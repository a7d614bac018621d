#include "worker/report/plot.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "worker/report/markup.h"
#include "worker/rollout/verdict.h"

/*
 * One guard on the time axis of the traffic: its values, where it has any, with the threshold; and
 * below them what it answered, as a strip that is the taller the worse the answer.
 */
#define VALUES 110 /* height of the values */
#define STRIP 16   /* and of the strip */
#define TOP 14
#define SPOTS_LABELLED 6

static int verdict_of(const char *word)
{
	for (int k = VERDICT_PASS; word && k <= VERDICT_FAIL; k++)
		if (!strcmp(word, verdict_name((enum verdict_kind)k)))
			return k;
	return VERDICT_UNKNOWN;
}

static void add_strip(const struct plot *p, const struct report_guard *g, int bottom)
{
	static const char *const classes[] = {"v-pass", "v-unknown", "v-error", "v-fail"};
	static const int heights[] = {5, 8, 11, STRIP};

	for (size_t i = 0; i < g->rows.n; i++) {
		const struct history_row *row = g->rows.p[i];
		double x = plot_x(p, row->at), to = plot_x(p, row->until);
		int v = verdict_of(row->word);

		/* up to the next answer, as long as somebody was looking */
		if (i + 1 < g->rows.n && g->rows.p[i + 1]->at.ms - row->until.ms < 90000 &&
		    !plot_is_apart(p->r, row->until, g->rows.p[i + 1]->at))
			to = plot_x(p, g->rows.p[i + 1]->at);
		buf_addf(p->out,
			 "<rect class=\"%s\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\"/>\n",
			 classes[v], x, bottom - heights[v], to - x < 2 ? 2 : to - x, heights[v]);
	}
}

static void add_line(const struct plot *p, const struct report_guard *g)
{
	bool has_before = false;
	struct utc before = {0};

	buf_adds(p->out, "<path class=\"value\" d=\"");
	for (size_t i = 0; i < g->rows.n; i++) {
		const struct history_row *row = g->rows.p[i];

		if (isnan(row->last) || row->b) {
			has_before = false;
			continue;
		}
		buf_addf(p->out, "%c%.1f %.1f",
			 has_before && !plot_is_apart(p->r, before, row->at) ? 'L' : 'M',
			 plot_x(p, row->at), plot_y(p, row->low));
		if (row->high != row->low)
			buf_addf(p->out, "V%.1f", plot_y(p, row->high));
		buf_addf(p->out, "L%.1f %.1f", plot_x(p, row->until), plot_y(p, row->last));
		has_before = true;
		before = row->until;
	}
	buf_adds(p->out, "\"/>\n");
}

/* Values of one moment each; the first ones of each run are enough to be labelled. */
static void add_spots(const struct plot *p, const struct report_guard *g)
{
	double last = (double)NAN;
	int n = 0;

	for (size_t i = 0; i < g->rows.n; i++) {
		const struct history_row *row = g->rows.p[i];
		double x = plot_x(p, row->at), y = plot_y(p, row->last);
		bool left = x > p->size->width * 0.7;

		if (isnan(row->last) || !row->b || row->last == last)
			continue;
		last = row->last;
		buf_addf(p->out, "<circle class=\"spot\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/>\n", x,
			 y);
		if (n++ >= SPOTS_LABELLED)
			continue;
		buf_addf(p->out,
			 "<text class=\"note\" x=\"%.1f\" y=\"%.1f\" "
			 "text-anchor=\"%s\">%.6g</text>\n",
			 left ? x - 8 : x + 8, y < TOP + 8 ? y + 10 : y - 2, left ? "end" : "start",
			 row->last);
	}
}

static void set_values(struct plot *p, const struct report_guard *g)
{
	p->low = 0;
	p->high = g->has_limit ? g->limit : 0;
	for (size_t i = 0; i < g->rows.n; i++) {
		const struct history_row *row = g->rows.p[i];

		if (isnan(row->last))
			continue;
		p->low = row->low < p->low ? row->low : p->low;
		p->high = row->high > p->high ? row->high : p->high;
	}
	if (g->has_limit && g->limit < p->low)
		p->low = g->limit;
	if (!(p->high > p->low))
		p->high = p->low + 1;
	p->high += (p->high - p->low) * 0.12;
}

static void add_threshold(const struct plot *p, const struct report_guard *g)
{
	double y = plot_y(p, g->limit);

	buf_addf(p->out,
		 "<line class=\"limit\" x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\"/>"
		 "<text class=\"limit-text\" x=\"%d\" y=\"%.1f\" text-anchor=\"end\">fails ",
		 p->size->label, y, p->size->width - PLOT_RIGHT, y, p->size->width - PLOT_RIGHT - 4,
		 y < TOP + 14 ? y + 14 : y - 5);
	markup_html(p->out, g->fails && *g->fails ? g->fails : "at");
	buf_addf(p->out, " %.6g</text>\n", g->limit);
}

static void add_values(struct plot *p, const struct report_guard *g)
{
	char label[32];

	set_values(p, g);
	plot_mark(p, p->low, p->low == 0 ? "0" : "");
	if (g->has_limit) {
		snprintf(label, sizeof(label), "%.4g", g->limit);
		/* not where it would stand on the zero */
		if (plot_y(p, p->low) - plot_y(p, g->limit) > 12)
			plot_mark(p, g->limit, label);
	}
	if (!g->has_value) {
		buf_addf(p->out, "<text class=\"tick\" x=\"%d\" y=\"%d\">%s</text>\n",
			 p->size->label + 8, p->bottom - 10,
			 g->about->kind && !strcmp(g->about->kind, "alarm")
				 ? "no value: an alarm tells it on a change"
				 : "no value was recorded");
	} else {
		add_line(p, g);
		add_spots(p, g);
	}
	if (g->has_limit)
		add_threshold(p, g);
}

void plot_guard(const struct report *r, size_t guard, const struct plot_size *size, struct buf *out)
{
	const struct report_guard *g = &r->guards[guard];
	bool values = g->has_limit || g->has_value;
	int strip = TOP + (values ? VALUES + 6 : 0) + STRIP;
	struct plot p = {.r = r, .size = size, .out = out, .top = TOP, .bottom = TOP + VALUES};

	plot_begin(&p, strip + PLOT_AXIS, g->about->name ? g->about->name : "guard",
		   "Above, the values that were read, with the threshold; below, the answers: the "
		   "taller the worse. The counts stand in the text in front.");
	if (values)
		add_values(&p, g);
	p.bottom = strip;
	plot_gaps(&p);
	add_strip(&p, g, strip);
	plot_time_axis(&p);
	buf_adds(out, "</svg>\n");
}
