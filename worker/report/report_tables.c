#include "worker/report/report_html.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "worker/report/markup.h"

/* The tables of the page. On a narrow screen each row is a block, whose cells say what they are. */

#define HTTP_NOT_FOUND 404

/* What stands under it is numbers. */
static bool is_of_numbers(const char *head)
{
	static const char *const heads[] = {"looks", "took", "calls", "failed", "longest"};

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		if (!strcmp(head, heads[i]))
			return true;
	return false;
}

static void begin_table(struct buf *out, const char *caption, const char *const *heads)
{
	buf_addf(out, "<table>\n<caption>%s</caption>\n<thead><tr>", caption);
	for (size_t i = 0; heads[i]; i++)
		buf_addf(out, "<th scope=\"col\"%s>%s</th>",
			 is_of_numbers(heads[i]) ? " class=\"num\"" : "", heads[i]);
	buf_adds(out, "</tr></thead>\n<tbody>\n");
}

static void end_table(struct buf *out)
{
	buf_adds(out, "</tbody></table>\n");
}

static void cell_as(struct buf *out, const char *class, const char *head, const char *text)
{
	buf_addf(out, "<td class=\"%s\" data-h=\"%s\">", class, head);
	markup_html(out, text && *text ? text : "-");
	buf_adds(out, "</td>");
}

static void cell(struct buf *out, const char *head, const char *text)
{
	buf_addf(out, "<td data-h=\"%s\">", head);
	markup_html(out, text && *text ? text : "-");
	buf_adds(out, "</td>");
}

static void cell_time(struct buf *out, struct utc t)
{
	char text[MARKUP_TIME_SIZE];

	markup_time(t, text);
	buf_addf(out, "<td class=\"time\">%s</td>", text + 11);
}

static void cell_number(struct buf *out, const char *head, int64_t n)
{
	buf_addf(out, "<td class=\"num\" data-h=\"%s\">%lld</td>", head, (long long)n);
}

static void cell_share(struct buf *out, const char *head, int64_t bp, const char *text)
{
	char share[WEIGHT_TEXT_SIZE];

	if (bp < 0 || (text && *text)) {
		cell(out, head, text && *text ? text : "-");
		return;
	}
	weight_format((int)bp, share);
	cell(out, head, share);
}

/* tone: "good", "bad", or "" */
static void cell_outcome(struct buf *out, const char *text, const char *tone)
{
	buf_addf(out, "<td data-h=\"outcome\"><span class=\"chip %s\">", tone);
	markup_html(out, text && *text ? text : "unknown");
	buf_adds(out, "</span></td>");
}

/* --- decisions -------------------------------------------------------------------------------- */

static void add_move(const struct history_row *row, struct buf *out)
{
	buf_adds(out, "<tr>");
	cell_time(out, row->at);
	buf_adds(out, "<td class=\"call\"><span class=\"chip\">");
	markup_html(out, row->word);
	buf_addf(out, "</span> step %lld</td>", (long long)row->a + 1);
	cell_as(out, "text", "why", row->text);
	buf_adds(out, "</tr>\n");
}

static void add_note(struct utc at, const char *event, const char *text, struct buf *out)
{
	buf_adds(out, "<tr>");
	cell_time(out, at);
	cell(out, "event", event);
	cell_as(out, "text", "said", text);
	buf_adds(out, "</tr>\n");
}

static void add_worker(const struct history_row *row, struct buf *out)
{
	static const char *const words[][2] = {
		{"new", "begun by this worker"},
		{"again", "taken up again by this worker"},
		{"joined", "taken up by this worker; what came before is not recorded here"},
		{"other", "another worker went on with it"}};
	const char *text = row->word;

	for (size_t i = 0; row->word && i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(row->word, words[i][0]))
			text = words[i][1];
	buf_adds(out, "<tr>");
	cell_time(out, row->at);
	cell(out, "event", "worker");
	buf_adds(out, "<td class=\"text\">");
	markup_html(out, text);
	if (row->text && strcmp(row->text, "new") != 0) {
		buf_adds(out, ": ");
		markup_html(out, row->text);
	}
	buf_adds(out, "</td></tr>\n");
}

static void add_decisions(const struct report *r, struct buf *out)
{
	static const char *const heads[] = {"UTC", "phase", "why", NULL};
	const struct report_rows *moves = &r->of[HISTORY_MOVE], *workers = &r->of[HISTORY_WORKER];
	size_t m = 0, n = 0, w = 0;

	buf_adds(out, "<h2>Decisions</h2>\n<div class=\"card\">\n");
	begin_table(out, "Every change of phase or step, with the reason.", heads);
	while (m < moves->n || n < r->n_notes || w < workers->n) {
		int64_t move = m < moves->n ? moves->p[m]->at.ms : INT64_MAX;
		int64_t note = n < r->n_notes ? r->notes[n].at.ms : INT64_MAX;
		int64_t worker = w < workers->n ? workers->p[w]->at.ms : INT64_MAX;

		if (w < workers->n && worker <= move && worker <= note)
			add_worker(workers->p[w++], out);
		else if (n < r->n_notes && note <= move) {
			add_note(r->notes[n].at, r->notes[n].event, r->notes[n].text, out);
			n++;
		} else {
			add_move(moves->p[m++], out);
		}
	}
	end_table(out);
	buf_adds(out, "</div>\n");
}

/* --- traffic and changes ---------------------------------------------------------------------- */

static void add_traffic(const struct report *r, struct buf *out)
{
	static const char *const heads[] = {"from", "to", "asked", "read back", "looks", NULL};
	const struct report_rows *rows = &r->of[HISTORY_SPLIT];

	if (!rows->n)
		return;
	buf_adds(out, "<h2>Weights asked and read back</h2>\n<div class=\"card\">\n");
	begin_table(out, "The candidate's share, each line as long as nothing changed.", heads);
	for (size_t i = 0; i < rows->n; i++) {
		const struct history_row *row = rows->p[i];

		buf_adds(out, "<tr>");
		cell_time(out, row->at);
		cell_time(out, row->until);
		cell_share(out, "asked", row->a, row->a < 0 ? "nothing" : row->text);
		cell_share(out, "read back", row->b,
			   row->b < 0 && !(row->extra && *row->extra) ? row->word : row->extra);
		cell_number(out, "looks", row->count);
		buf_adds(out, "</tr>\n");
	}
	end_table(out);
	buf_adds(out, "</div>\n");
}

static void add_acts(const struct report *r, struct buf *out)
{
	static const char *const heads[] = {"UTC", "change", "outcome", "why", NULL};
	const struct report_rows *rows = &r->of[HISTORY_ACT];

	if (!rows->n)
		return;
	buf_adds(out, "<h2>Changes made</h2>\n<div class=\"card\">\n");
	begin_table(out, "What was done to the target, by which reason.", heads);
	for (size_t i = 0; i < rows->n; i++) {
		const struct history_row *row = rows->p[i];
		char share[WEIGHT_TEXT_SIZE];

		buf_adds(out, "<tr>");
		cell_time(out, row->at);
		buf_adds(out, "<td data-h=\"change\">");
		markup_html(out, row->name);
		if (row->a >= 0) {
			weight_format((int)row->a, share);
			buf_addf(out, " %s", share);
		}
		if (row->count > 1)
			buf_addf(out, " (%lld times)", (long long)row->count);
		buf_adds(out, "</td>");
		cell_outcome(out, row->word,
			     row->word && !strcmp(row->word, "done") ? "good" : "bad");
		buf_adds(out, "<td class=\"text\" data-h=\"why\">");
		markup_html(out, row->text);
		if (row->extra) {
			buf_adds(out, "<br>");
			markup_html(out, row->extra);
		}
		buf_adds(out, "</td></tr>\n");
	}
	end_table(out);
	buf_adds(out, "</div>\n");
}

/* --- calls ------------------------------------------------------------------------------------ */

static void add_call(const struct history_row *row, struct buf *out)
{
	char took[MARKUP_SPAN_SIZE];

	buf_adds(out, "<tr>");
	cell_time(out, row->at);
	cell_as(out, "call", "call", row->name);
	cell_as(out, "about", "resource", row->text);
	/* that something is not there is an answer like others */
	cell_outcome(out, row->word,
		     row->word && !strcmp(row->word, "ok") ? "good"
		     : row->b == HTTP_NOT_FOUND		   ? ""
							   : "bad");
	markup_span(row->until.ms - row->at.ms, took);
	if (row->count > 1)
		buf_addf(out, "<td class=\"num\" data-h=\"times\">%lld times</td>",
			 (long long)row->count);
	else
		buf_addf(out, "<td class=\"num\" data-h=\"took\">%s</td>", took);
	buf_adds(out, "<td class=\"id\" data-h=\"request id\"><code>");
	markup_html(out, row->extra && *row->extra ? row->extra : "-");
	buf_adds(out, "</code></td></tr>\n");
}

static void add_calls(const struct report *r, struct buf *out)
{
	static const char *const heads[] = {"UTC",  "call",	  "about", "outcome",
					    "took", "request id", NULL};
	static const char *const sums[] = {"call", "about", "calls", "failed", "longest", NULL};
	const struct report_rows *calls = &r->of[HISTORY_CALL], *all = &r->of[HISTORY_CALLS];

	buf_adds(out, "<h2>Calls</h2>\n<div class=\"card\">\n");
	begin_table(out, "Calls that change something, and calls that failed.", heads);
	for (size_t i = 0; i < calls->n; i++)
		add_call(calls->p[i], out);
	end_table(out);
	buf_adds(out, "</div>\n<div class=\"card\">\n");
	begin_table(out,
		    "All calls of this rollout's own turns, counted. Polls and reports of jobs are "
		    "the worker's and are not among them.",
		    sums);
	for (size_t i = 0; i < all->n; i++) {
		const struct history_row *row = all->p[i];
		char took[MARKUP_SPAN_SIZE];

		buf_adds(out, "<tr>");
		cell_as(out, "call", "call", row->name);
		cell(out, "about", row->text);
		cell_number(out, "calls", row->count);
		cell_number(out, "failed", isnan(row->low) ? 0 : (int64_t)row->low);
		markup_span(row->b, took);
		cell_as(out, "num", "longest", took);
		buf_adds(out, "</tr>\n");
	}
	end_table(out);
	buf_adds(out, "</div>\n");
}

/* --- plan, undo, who -------------------------------------------------------------------------- */

static void add_plan(const struct report *r, struct buf *out)
{
	static const char *const heads[] = {"step", "traffic", "watched for", "then", NULL};
	const struct about *p = &r->about;
	char text[DURATION_TEXT_SIZE], number[24];

	buf_adds(out, "<h2>Plan</h2>\n<div class=\"card\">\n");
	if (!p->n_steps)
		buf_adds(out, "<p>The plan is not recorded here.</p>\n");
	if (p->n_steps)
		begin_table(out, "The steps that were planned.", heads);
	for (size_t i = 0; i < p->n_steps; i++) {
		duration_format(p->steps[i].watch_ms, text);
		buf_adds(out, "<tr>");
		snprintf(number, sizeof(number), "%zu", i + 1);
		cell(out, "step", number);
		cell(out, "traffic", p->steps[i].text);
		cell(out, "watched for", text);
		cell(out, "then",
		     p->steps[i].approve  ? "wait for a person"
		     : i + 1 < p->n_steps ? "the next step"
					  : "promote");
		buf_adds(out, "</tr>\n");
	}
	if (p->n_steps)
		end_table(out);
	buf_adds(out, "<dl>\n");
	duration_format(p->bake_ms, text);
	html_item(out, "Bake time", p->n_steps ? text : NULL);
	duration_format(p->unknown_hold_ms, text);
	html_item(out, "Unknown holds for", p->n_steps ? text : NULL);
	html_item(out, "and then", p->unknown_then);
	html_item(out, "Rolls back on", p->rollback_on);
	duration_format(p->max_ms, text);
	html_item(out, "Budget", p->n_steps ? text : NULL);
	for (size_t i = 0; i < p->n_segments; i++)
		html_item(out, "Segment", p->segments[i]);
	html_item(out, "Digest", p->digest);
	buf_adds(out, "</dl></div>\n");
}

static void add_undo(const struct report *r, struct buf *out)
{
	const char *undo = r->has_state && r->state.undo[0] ? r->state.undo : r->about.undo;

	buf_adds(out, "<h2>Undo record</h2>\n<div class=\"card\"><p class=\"soft\">What was live "
		      "before, as the way back uses it.</p><pre>");
	markup_html(out, undo && *undo ? undo : "none: the target was not inspected");
	buf_adds(out, "</pre></div>\n");
}

static void add_who(const struct report *r, struct buf *out)
{
	const struct ledger_rollout *row = r->rollout;
	const struct report_rows *lost = &r->of[HISTORY_LOST];

	buf_adds(out, "<h2>Who, what, where</h2>\n<div class=\"card\"><dl>\n");
	html_item(out, "Rollout", row->id);
	html_item(out, "Pipeline", row->pipeline);
	html_item(out, "Execution", row->execution_id);
	html_item(out, "Action", row->action);
	html_item(out, "Action execution", row->action_execution_id);
	html_item(out, "Action type", row->action_type);
	html_item(out, "Mode", r->about.mode);
	html_item(out, "Region", row->region);
	html_item(out, "Account of the worker", r->about.account);
	html_item(out, "Role for the target", row->role_arn);
	html_item(out, "Handle", row->handle);
	html_item(out, "Phase", row->phase);
	html_item(out, "Summary", row->summary);
	if (r->has_state && r->state.cause != CAUSE_NONE)
		html_item(out, "Cause",
			  r->state.cause_text[0] ? r->state.cause_text
						 : cause_name(r->state.cause));
	html_item(out, "Ending", r->has_state ? ending_name(r->state.ending) : NULL);
	html_item(out, "Worker", r->about.version);
	buf_adds(out, "</dl>\n");
	for (size_t i = 0; i < lost->n; i++) {
		buf_addf(out, "<p class=\"soft\">%lld rows of kind ", (long long)lost->p[i]->count);
		markup_html(out, lost->p[i]->word);
		buf_adds(out, " were left out: there were too many.</p>\n");
	}
	buf_adds(out, "</div>\n");
}

void html_tables(const struct report *r, struct buf *out)
{
	add_decisions(r, out);
	add_traffic(r, out);
	add_acts(r, out);
	add_plan(r, out);
	add_calls(r, out);
	add_undo(r, out);
	add_who(r, out);
}
