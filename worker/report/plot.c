#include "worker/report/plot.h"

#include <math.h>
#include <string.h>

#include "worker/report/markup.h"
#include "worker/rollout/plan.h"

double plot_x(const struct plot *p, struct utc t)
{
	double left = p->size->label, right = p->size->width - PLOT_RIGHT;
	double share = (double)(t.ms - p->r->from.ms) / (double)(p->r->to.ms - p->r->from.ms);

	if (share < 0)
		share = 0;
	return left + (right - left) * (share > 1 ? 1 : share);
}

double plot_y(const struct plot *p, double value)
{
	double share = (value - p->low) / (p->high - p->low);

	if (!(share > 0))
		share = 0;
	return p->bottom - (p->bottom - p->top) * (share > 1 ? 1 : share);
}

void plot_begin(const struct plot *p, int height, const char *title, const char *description)
{
	const char *id = p->size->id;

	buf_addf(p->out,
		 "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-labelledby=\"%s-t %s-d\">\n"
		 "<title id=\"%s-t\">",
		 p->size->width, height, id, id, id);
	markup_html(p->out, title);
	buf_addf(p->out, "</title><desc id=\"%s-d\">", id);
	markup_html(p->out, description);
	buf_addf(p->out,
		 "</desc>\n<defs><pattern id=\"%s-g\" width=\"6\" height=\"6\" "
		 "patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">"
		 "<rect class=\"hatch\" width=\"2\" height=\"6\"/></pattern></defs>\n",
		 id);
}

/* Round steps of time that people read at a glance. */
static int64_t step_of(int64_t range_ms, int ticks)
{
	static const int64_t seconds[] = {1,	 2,	5,     10,    15,     30,     60,
					  120,	 300,	600,   900,   1800,   3600,   7200,
					  10800, 21600, 43200, 86400, 172800, 604800, 2592000};
	size_t n = sizeof(seconds) / sizeof(seconds[0]);
	int64_t most = ticks > 1 ? ticks : 1;

	for (size_t i = 0; i < n; i++)
		if (range_ms / (seconds[i] * 1000) <= most)
			return seconds[i] * 1000;
	return range_ms / most + 1;
}

void plot_time_axis(const struct plot *p)
{
	int64_t range = p->r->to.ms - p->r->from.ms, step = step_of(range, p->size->ticks);
	char label[DURATION_TEXT_SIZE];

	buf_addf(p->out, "<line class=\"axis\" x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>\n",
		 p->size->label, p->bottom, p->size->width - PLOT_RIGHT, p->bottom);
	for (int64_t t = 0; t <= range; t += step) {
		double x = plot_x(p, (struct utc){p->r->from.ms + t});
		bool is_last = x > p->size->width - 3 * PLOT_RIGHT;

		duration_format(t, label);
		buf_addf(p->out,
			 "<line class=\"axis\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\"/>"
			 "<text class=\"tick\" x=\"%.1f\" y=\"%d\" text-anchor=\"%s\">%s</text>\n",
			 x, p->bottom, x, p->bottom + 5, is_last ? p->size->width - 2.0 : x,
			 p->bottom + 20, is_last ? "end" : "middle", t ? label : "0");
	}
}

void plot_gaps(const struct plot *p)
{
	for (size_t i = 0; i < p->r->n_gaps; i++) {
		double x = plot_x(p, p->r->gaps[i].from), to = plot_x(p, p->r->gaps[i].to);

		buf_addf(p->out,
			 "<rect class=\"gap\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" "
			 "fill=\"url(#%s-g)\"/>\n",
			 x, p->top, to - x < 1 ? 1 : to - x, p->bottom - p->top, p->size->id);
	}
}

void plot_mark(const struct plot *p, double value, const char *label)
{
	double y = plot_y(p, value);

	buf_addf(p->out,
		 "<line class=\"grid\" x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\"/>"
		 "<text class=\"tick\" x=\"%d\" y=\"%.1f\" text-anchor=\"end\">",
		 p->size->label, y, p->size->width - PLOT_RIGHT, y, p->size->label - 6, y + 4);
	markup_html(p->out, label);
	buf_adds(p->out, "</text>\n");
}

bool plot_is_apart(const struct report *r, struct utc a, struct utc b)
{
	for (size_t i = 0; i < r->n_gaps; i++)
		if (r->gaps[i].from.ms >= a.ms && r->gaps[i].to.ms <= b.ms)
			return true;
	return false;
}

/* --- traffic ---------------------------------------------------------------------------------- */

#define BANDS 26    /* room for the names of the phases */
#define TRAFFIC 210 /* height of the plot */
#define LETTER 7.6  /* width of one, of a name */

static const char *class_of(const char *phase)
{
	static const char *const classes[][2] = {
		{"INSPECT", "b-quiet"}, {"PREPARE", "b-quiet"}, {"VERIFY", "b-quiet"},
		{"SHIFT", "b-move"},	{"WATCH", "b-watch"},	{"PARKED", "b-quiet"},
		{"PROMOTE", "b-move"},	{"BAKE", "b-bake"},	{"RETIRE", "b-quiet"},
		{"RESTORE", "b-back"},	{"PROVE", "b-back"},	{"FAILED", "b-back"},
		{"SUCCEEDED", "b-bake"}};

	for (size_t i = 0; phase && i < sizeof(classes) / sizeof(classes[0]); i++)
		if (!strcmp(phase, classes[i][0]))
			return classes[i][1];
	return "b-quiet";
}

static void add_bands(const struct plot *p)
{
	for (size_t i = 0; i < p->r->n_phases; i++) {
		const struct report_span *s = &p->r->phases[i];
		double x = plot_x(p, s->from), width = plot_x(p, s->to) - x;
		const char *name = s->name ? s->name : "?";

		if (width < 0.3)
			continue;
		buf_addf(p->out,
			 "<rect class=\"band %s\" x=\"%.1f\" y=\"4\" width=\"%.1f\" "
			 "height=\"%d\"/>\n",
			 class_of(s->name), x, width, p->bottom - 4);
		if (width < (double)strlen(name) * LETTER + 6)
			continue;
		buf_addf(p->out,
			 "<text class=\"phase\" x=\"%.1f\" y=\"19\" text-anchor=\"middle\">",
			 x + width / 2);
		markup_html(p->out, name);
		buf_adds(p->out, "</text>\n");
	}
}

/* A line of steps: what was the same between two rows is one stroke, what nobody saw is none. */
static void add_steps(const struct plot *p, bool asked)
{
	const struct report_rows *rows = &p->r->of[HISTORY_SPLIT];
	bool has_before = false;
	struct utc before = {0};

	buf_addf(p->out, "<path class=\"%s\" d=\"", asked ? "asked" : "read");
	for (size_t i = 0; i < rows->n; i++) {
		const struct history_row *row = rows->p[i];
		int64_t bp = asked ? row->a : row->b;
		double y = plot_y(p, (double)bp / 100);

		if (bp < 0) {
			has_before = false;
			continue;
		}
		if (has_before && !plot_is_apart(p->r, before, row->at))
			buf_addf(p->out, "H%.1fV%.1f", plot_x(p, row->at), y);
		else
			buf_addf(p->out, "M%.1f %.1f", plot_x(p, row->at), y);
		buf_addf(p->out, "H%.1f", plot_x(p, row->until));
		has_before = true;
		before = row->until;
	}
	buf_adds(p->out, "\"/>\n");
}

/* Where the split could not be read, or was somebody else's. */
static void add_unread(const struct plot *p)
{
	const struct report_rows *rows = &p->r->of[HISTORY_SPLIT];

	for (size_t i = 0; i < rows->n; i++) {
		double x = plot_x(p, rows->p[i]->at), to = plot_x(p, rows->p[i]->until);

		if (rows->p[i]->b >= 0)
			continue;
		buf_addf(p->out,
			 "<rect class=\"unread\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" "
			 "height=\"6\"/>\n",
			 x, p->bottom - 6, to - x < 2 ? 2 : to - x);
	}
}

static void add_back_mark(const struct plot *p)
{
	double x = plot_x(p, p->r->back_at);
	bool left = x > p->size->width * 0.6;

	if (!p->r->back_at.ms)
		return;
	buf_addf(p->out,
		 "<line class=\"mark\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\"/>"
		 "<text class=\"note\" x=\"%.1f\" y=\"%d\" text-anchor=\"%s\">went back</text>\n",
		 x, BANDS, x, p->bottom, left ? x - 6 : x + 6, BANDS + 16, left ? "end" : "start");
}

void plot_traffic(const struct report *r, const struct plot_size *size, struct buf *out)
{
	static const char *const labels[] = {"0 %", "25 %", "50 %", "75 %", "100 %"};
	struct plot p = {.r = r,
			 .size = size,
			 .out = out,
			 .top = BANDS + 10,
			 .bottom = BANDS + TRAFFIC,
			 .low = 0,
			 .high = 100};

	plot_begin(&p, p.bottom + PLOT_AXIS, "Share of traffic on the candidate over time",
		   "Dashed: what was asked. Solid: what was read back from the service. The bands "
		   "behind are the phases. The same numbers stand in the table of steps below.");
	add_bands(&p);
	for (int i = 0; i < 5; i++)
		plot_mark(&p, i * 25, labels[i]);
	plot_gaps(&p);
	add_steps(&p, false);
	add_steps(&p, true);
	add_unread(&p);
	add_back_mark(&p);
	plot_time_axis(&p);
	buf_adds(out, "</svg>\n");
}
