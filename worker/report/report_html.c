#include "worker/report/report.h"

#include <math.h>
#include <string.h>

#include "worker/report/markup.h"
#include "worker/report/report_html.h"
#include "worker/report/report_style.h"
#include "worker/rollout/verdict.h"

/* The page, from what happened to what it was made of; its tables are in report_tables.c. */

static const struct plot_size WIDE = {960, 54, 8, ""}, NARROW = {340, 52, 3, ""};

void html_item(struct buf *out, const char *name, const char *text)
{
	if (!text || !*text)
		return;
	buf_addf(out, "<dt>%s</dt><dd>", name);
	markup_html(out, text);
	buf_adds(out, "</dd>\n");
}

void html_item_time(struct buf *out, const char *name, struct utc t)
{
	char text[MARKUP_TIME_SIZE];

	if (t.ms <= 0 || !markup_is_time(t))
		return;
	markup_time(t, text);
	buf_addf(out, "<dt>%s</dt><dd>%s UTC</dd>\n", name, text);
}

static void add_head(const struct report *r, struct buf *out)
{
	buf_adds(out,
		 "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		 "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		 "<meta name=\"generator\" content=\"rollout-worker\">\n"
		 "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		 "style-src 'unsafe-inline'\">\n\n<title>");
	markup_html(out, r->headline);
	buf_adds(out, "</title>\n<style>\n");
	buf_adds(out, REPORT_STYLE);
	buf_adds(out, REPORT_STYLE_PLOTS);
	buf_adds(out, "</style>\n</head>\n<body>\n<main>\n");
}

static void add_headline(const struct report *r, struct buf *out)
{
	static const char *const classes[] = {"good", "bad", "open"};

	buf_adds(out, "<h1>Rollout of ");
	markup_html(out, r->rollout->target && *r->rollout->target ? r->rollout->target
			 : r->about.target			   ? r->about.target
								   : "an unknown target");
	if (r->rollout->pipeline) {
		buf_adds(out, ", pipeline ");
		markup_html(out, r->rollout->pipeline);
	}
	buf_addf(out, "</h1>\n<div class=\"verdict %s\"><p class=\"say\">", classes[r->tone]);
	markup_html(out, r->headline);
	buf_adds(out, "</p><p class=\"proof\">");
	markup_html(out, r->proof);
	if (r->missing) {
		buf_adds(out, "</p><p class=\"proof\">");
		markup_html(out, r->missing);
	}
	buf_adds(out, "</p></div>\n");
}

static void add_facts(const struct report *r, struct buf *out)
{
	const struct ledger_rollout *row = r->rollout;
	char text[MARKUP_SPAN_SIZE];

	buf_adds(out, "<div class=\"card\"><dl>\n");
	html_item(out, "Target", row->target && *row->target ? row->target : r->about.target);
	html_item(out, "Baseline", r->baseline ? r->baseline : "not known here");
	html_item(out, "Candidate", r->candidate ? r->candidate : "not known here");
	html_item(out, "Strategy", r->about.strategy);
	html_item_time(out, "Started", row->started);
	html_item_time(out, row->final && r->ended.ms ? "Ended" : "Last seen", row->updated);
	if (markup_is_time(row->started) && markup_is_time(row->updated) &&
	    row->updated.ms >= row->started.ms) {
		markup_span(row->updated.ms - row->started.ms, text);
		html_item(out, "Took", text);
	}
	if (r->back_at.ms && r->baseline_at.ms) {
		markup_span(r->baseline_at.ms - r->back_at.ms, text);
		html_item(out, "Way back", text);
	}
	buf_adds(out, "</dl></div>\n");
}

/* --- plots ------------------------------------------------------------------------------------ */

#define SWATCH(name, inner) "<li><svg viewBox=\"0 0 26 14\" aria-hidden=\"true\">" inner \
			    "</svg>" name "</li>\n"

static const char TRAFFIC_LEGEND[] =
	"<ul class=\"legend\">\n"
	SWATCH("read back", "<path class=\"read\" d=\"M0 7H26\"/>")
	SWATCH("asked", "<path class=\"asked\" d=\"M0 7H26\"/>")
	SWATCH("shifting, promoting", "<rect class=\"b-move\" width=\"26\" height=\"14\"/>")
	SWATCH("watching", "<rect class=\"b-watch\" width=\"26\" height=\"14\"/>")
	SWATCH("baking", "<rect class=\"b-bake\" width=\"26\" height=\"14\"/>")
	SWATCH("going back", "<rect class=\"b-back\" width=\"26\" height=\"14\"/>")
	SWATCH("preparing, parked, retiring", "<rect class=\"band\" width=\"26\" height=\"14\"/>");

static const char GUARD_LEGEND[] =
	"<ul class=\"legend\">\n"
	SWATCH("value read", "<path class=\"value\" d=\"M0 7H26\"/>")
	SWATCH("threshold", "<path class=\"limit\" d=\"M0 7H26\"/>")
	SWATCH("Pass", "<rect class=\"v-pass\" y=\"9\" width=\"26\" height=\"5\"/>")
	SWATCH("Unknown", "<rect class=\"v-unknown\" y=\"6\" width=\"26\" height=\"8\"/>")
	SWATCH("Error", "<rect class=\"v-error\" y=\"3\" width=\"26\" height=\"11\"/>")
	SWATCH("Fail", "<rect class=\"v-fail\" width=\"26\" height=\"14\"/>")
	"</ul>\n";

static void add_both(const struct report *r, int guard, struct buf *out)
{
	const struct plot_size *const sizes[] = {&WIDE, &NARROW};
	static const char *const names[] = {"wide", "narrow"};

	for (int i = 0; i < 2; i++) {
		struct plot_size size = *sizes[i];
		struct buf id;

		buf_init(&id, 32);
		buf_addf(&id, "%c%d", names[i][0], guard);
		size.id = id.p;
		buf_addf(out, "<div class=\"%s\">", names[i]);
		if (guard < 0)
			plot_traffic(r, &size, out);
		else
			plot_guard(r, (size_t)guard, &size, out);
		buf_adds(out, "</div>\n");
		buf_release(&id);
	}
}

static void add_guard(const struct report *r, size_t i, struct buf *out)
{
	const struct report_guard *g = &r->guards[i];
	int64_t asked = 0;

	buf_adds(out, "<div class=\"card\"><h3>");
	markup_html(out, g->about->name ? g->about->name : "a guard whose name is not known here");
	buf_adds(out, "</h3>\n<p class=\"soft\">");
	markup_html(out, g->about->kind ? g->about->kind : "guard");
	if (g->about->in) {
		buf_adds(out, ", asked in ");
		markup_html(out, g->about->in);
	}
	if (g->has_limit) {
		buf_adds(out, ", fails ");
		markup_html(out, g->fails && *g->fails ? g->fails : "at");
		buf_addf(out, " %.6g", g->limit);
	}
	if (g->about->unit) {
		buf_adds(out, ", value: ");
		markup_html(out, g->about->unit);
	}
	buf_adds(out, ". Answers: ");
	for (int k = VERDICT_PASS; k <= VERDICT_FAIL; k++) {
		if (g->answers[k])
			buf_addf(out, "%s%s %lld", asked ? ", " : "",
				 verdict_name((enum verdict_kind)k), (long long)g->answers[k]);
		asked += g->answers[k];
	}
	buf_adds(out, asked ? ".</p>\n" : "none: it was not asked here.</p>\n");
	if (r->failed && r->failed_guard == i && r->failed->text) {
		buf_adds(out, "<p class=\"soft\">It said: ");
		markup_html(out, r->failed->text);
		buf_adds(out, "</p>\n");
	}
	if (asked)
		add_both(r, (int)i, out);
	buf_adds(out, "</div>\n");
}

static void add_plots(const struct report *r, struct buf *out)
{
	buf_adds(out, "<h2>Traffic on the candidate</h2>\n<div class=\"card\">\n");
	if (r->of[HISTORY_SPLIT].n)
		add_both(r, -1, out);
	else
		buf_adds(out, "<p>No look at the traffic is recorded here.</p>\n");
	buf_adds(out, TRAFFIC_LEGEND);
	if (r->n_gaps)
		buf_adds(out, "<li>hatched: nobody looked from here, or it was not kept</li>\n");
	buf_adds(out, "</ul></div>\n<h2>Guards</h2>\n");
	if (r->n_guards == 0)
		buf_adds(out, "<p>This rollout had no guard, or its plan is not known here.</p>\n");
	else
		buf_adds(out, GUARD_LEGEND);
	for (size_t i = 0; i < r->n_guards; i++)
		add_guard(r, i, out);
}

void report_html(const struct report *r, struct buf *out)
{
	char made[MARKUP_TIME_SIZE];

	add_head(r, out);
	add_headline(r, out);
	add_facts(r, out);
	add_plots(r, out);
	html_tables(r, out);
	markup_time(r->made, made);
	buf_addf(out,
		 "<p class=\"soft\">Made by rollout-worker %s on %s UTC from what this worker "
		 "recorded. All times are UTC.</p>\n</main>\n</body>\n</html>\n",
		 ROLLOUT_WORKER_VERSION, made);
}
