#include "worker/report/report.h"

#include <math.h>
#include <string.h>

#include "worker/report/markup.h"
#include "worker/rollout/verdict.h"

/* CommonMark with tables, and the same as plain text for a terminal. */

static void field(struct buf *out, const char *name, const char *text)
{
	if (!text || !*text)
		return;
	buf_addf(out, "- %s: ", name);
	markup_markdown(out, text);
	buf_addc(out, '\n');
}

static void cell(struct buf *out, const char *text)
{
	buf_adds(out, " ");
	markup_markdown(out, text && *text ? text : "-");
	buf_adds(out, " |");
}

static void cell_time(struct buf *out, struct utc t)
{
	char text[MARKUP_TIME_SIZE];

	markup_time(t, text);
	buf_addf(out, "| %s |", text);
}

static void add_guards(const struct report *r, struct buf *out)
{
	buf_adds(out,
		 "\n## Guards\n\n| guard | kind | fails | last answer | Pass | Unknown | Error "
		 "| Fail |\n| --- | --- | --- | --- | ---: | ---: | ---: | ---: |\n");
	for (size_t i = 0; i < r->n_guards; i++) {
		const struct report_guard *g = &r->guards[i];

		buf_addc(out, '|');
		cell(out, g->about->name);
		cell(out, g->about->kind);
		if (g->has_limit) {
			buf_addc(out, ' ');
			markup_markdown(out, g->fails);
			buf_addf(out, " %.6g |", g->limit);
		} else {
			cell(out, NULL);
		}
		cell(out, g->last_text);
		for (int k = VERDICT_PASS; k <= VERDICT_FAIL; k++)
			buf_addf(out, " %lld |", (long long)g->answers[k]);
		buf_addc(out, '\n');
	}
}

static void add_rows(const struct report *r, struct buf *out)
{
	const struct report_rows *moves = &r->of[HISTORY_MOVE], *splits = &r->of[HISTORY_SPLIT];
	const struct report_rows *lost = &r->of[HISTORY_LOST];

	buf_adds(out, "\n## Decisions\n\n| UTC | phase | why |\n| --- | --- | --- |\n");
	for (size_t i = 0; i < r->n_notes; i++) {
		cell_time(out, r->notes[i].at);
		cell(out, r->notes[i].event);
		cell(out, r->notes[i].text);
		buf_addc(out, '\n');
	}
	for (size_t i = 0; i < moves->n; i++) {
		cell_time(out, moves->p[i]->at);
		cell(out, moves->p[i]->word);
		cell(out, moves->p[i]->text);
		buf_addc(out, '\n');
	}
	buf_adds(out, "\n## Weights\n\n| from | asked | read back | looks |\n| --- | --- | --- | "
		      "---: |\n");
	for (size_t i = 0; i < splits->n; i++) {
		cell_time(out, splits->p[i]->at);
		cell(out, splits->p[i]->a < 0 ? "nothing" : splits->p[i]->text);
		cell(out, splits->p[i]->extra && *splits->p[i]->extra ? splits->p[i]->extra
								      : splits->p[i]->word);
		buf_addf(out, " %lld |\n", (long long)splits->p[i]->count);
	}
	for (size_t i = 0; i < r->n_gaps; i++) {
		char from[MARKUP_TIME_SIZE], to[MARKUP_TIME_SIZE];

		markup_time(r->gaps[i].from, from);
		markup_time(r->gaps[i].to, to);
		buf_addf(out, "%sFrom %s to %s nobody looked from here, or it was not kept.\n",
			 i ? "" : "\n", from, to);
	}
	for (size_t i = 0; i < lost->n; i++) {
		buf_addf(out, "\n%lld rows were left out: there were too many of kind ",
			 (long long)lost->p[i]->count);
		markup_markdown(out, lost->p[i]->word);
		buf_addc(out, '\n');
	}
}

static void add_calls(const struct report *r, struct buf *out)
{
	const struct report_rows *calls = &r->of[HISTORY_CALL], *all = &r->of[HISTORY_CALLS];

	buf_adds(out,
		 "\n## Changes and failed calls\n\n| UTC | call | about | outcome | request id "
		 "|\n| --- | --- | --- | --- | --- |\n");
	for (size_t i = 0; i < calls->n; i++) {
		cell_time(out, calls->p[i]->at);
		cell(out, calls->p[i]->name);
		cell(out, calls->p[i]->text);
		cell(out, calls->p[i]->word);
		cell(out, calls->p[i]->extra);
		buf_addc(out, '\n');
	}
	buf_adds(out, "\n## All calls\n\n| call | about | calls | failed |\n| --- | --- | ---: | "
		      "---: |\n");
	for (size_t i = 0; i < all->n; i++) {
		buf_addc(out, '|');
		cell(out, all->p[i]->name);
		cell(out, all->p[i]->text);
		buf_addf(out, " %lld | %.0f |\n", (long long)all->p[i]->count,
			 isnan(all->p[i]->low) ? 0. : all->p[i]->low);
	}
}

static void add_plan(const struct report *r, struct buf *out)
{
	char text[DURATION_TEXT_SIZE];

	buf_adds(out, "\n## Plan\n\n");
	if (!r->about.n_steps)
		buf_adds(out, "The plan is not recorded here.\n");
	for (size_t i = 0; i < r->about.n_steps; i++) {
		duration_format(r->about.steps[i].watch_ms, text);
		buf_addf(out, "%zu. ", i + 1);
		markup_markdown(out, r->about.steps[i].text);
		buf_addf(out, ", watched for %s%s\n", text,
			 r->about.steps[i].approve ? ", then a person" : "");
	}
	buf_adds(out, "\n## Undo record\n\n");
	field(out, "What was live before", r->about.undo ? r->about.undo : "not recorded here");
}

static void add_fields(const struct report *r, struct buf *out,
		       void (*add)(struct buf *out, const char *name, const char *text))
{
	const struct ledger_rollout *row = r->rollout;
	char started[MARKUP_TIME_SIZE], updated[MARKUP_TIME_SIZE];

	markup_time(row->started, started);
	markup_time(row->updated, updated);
	add(out, "pipeline", row->pipeline);
	add(out, "execution", row->execution_id);
	add(out, "action", row->action);
	add(out, "target", row->target && *row->target ? row->target : r->about.target);
	add(out, "baseline", r->baseline);
	add(out, "candidate", r->candidate);
	add(out, "strategy", r->about.strategy);
	add(out, "region", row->region);
	add(out, "role", row->role_arn);
	add(out, "phase", row->phase);
	add(out, "summary", row->summary);
	add(out, "handle", row->handle);
	add(out, "started", started);
	add(out, row->final && r->ended.ms ? "ended" : "updated", updated);
}

void report_markdown(const struct report *r, struct buf *out)
{
	buf_adds(out, "# Rollout ");
	markup_markdown(out, r->rollout->id);
	buf_adds(out, "\n\n**");
	markup_markdown(out, r->headline);
	buf_adds(out, "**\n\n");
	markup_markdown(out, r->proof);
	buf_adds(out, "\n\n");
	if (r->missing) {
		markup_markdown(out, r->missing);
		buf_adds(out, "\n\n");
	}
	add_fields(r, out, field);
	add_guards(r, out);
	add_rows(r, out);
	add_plan(r, out);
	add_calls(r, out);
	buf_adds(out, "\nAll times are UTC. Only what this worker recorded is in it.\n");
}

/* --- for a terminal --------------------------------------------------------------------------- */

static void line(struct buf *out, const char *name, const char *text)
{
	if (!text || !*text)
		return;
	buf_addf(out, "  %-10s ", name);
	markup_plain(out, text);
	buf_addc(out, '\n');
}

static void event(struct buf *out, struct utc at, const char *name, const char *text)
{
	char time[MARKUP_TIME_SIZE];

	markup_time(at, time);
	buf_addf(out, "  %s  ", time);
	markup_plain(out, name);
	for (size_t n = name ? strlen(name) : 1; n < 10; n++)
		buf_addc(out, ' ');
	buf_addc(out, ' ');
	markup_plain(out, text);
	buf_addc(out, '\n');
}

static void text_guards(const struct report *r, struct buf *out)
{
	if (r->n_guards)
		buf_adds(out, "\nGuards\n");
	for (size_t i = 0; i < r->n_guards; i++) {
		const struct report_guard *g = &r->guards[i];

		buf_adds(out, "  ");
		markup_plain(out, g->about->name);
		for (int k = VERDICT_PASS; k <= VERDICT_FAIL; k++)
			if (g->answers[k])
				buf_addf(out, ", %s %lld", verdict_name((enum verdict_kind)k),
					 (long long)g->answers[k]);
		buf_adds(out, "; last: ");
		markup_plain(out, g->last_text);
		buf_addc(out, '\n');
	}
}

void report_text(const struct report *r, struct buf *out)
{
	const struct report_rows *moves = &r->of[HISTORY_MOVE];
	size_t m = 0, n = 0;

	buf_adds(out, "Rollout ");
	markup_plain(out, r->rollout->id);
	buf_addc(out, '\n');
	markup_plain(out, r->headline);
	buf_addc(out, '\n');
	if (r->missing) {
		markup_plain(out, r->missing);
		buf_addc(out, '\n');
	}
	add_fields(r, out, line);
	buf_adds(out, moves->n || r->n_notes ? "\nHistory\n" : "\nNo history\n");
	while (m < moves->n || n < r->n_notes) {
		if (n < r->n_notes && (m == moves->n || r->notes[n].at.ms <= moves->p[m]->at.ms)) {
			event(out, r->notes[n].at, r->notes[n].event, r->notes[n].text);
			n++;
		} else {
			event(out, moves->p[m]->at, moves->p[m]->word, moves->p[m]->text);
			m++;
		}
	}
	text_guards(r, out);
}
