#include "worker/report/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "worker/report/markup.h"
#include "worker/rollout/verdict.h"

/* Rows sorted into what a reader asks for. */

static const struct about_guard NAMELESS;

static int by_time(const void *a, const void *b)
{
	const struct history_row *x = *(const struct history_row *const *)a;
	const struct history_row *y = *(const struct history_row *const *)b;

	if (x->at.ms != y->at.ms)
		return x->at.ms < y->at.ms ? -1 : 1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* A moment that people could have seen, and no time that runs backwards. */
static bool is_sound(const struct history_row *r)
{
	return markup_is_time(r->at) && markup_is_time(r->until) && r->until.ms >= r->at.ms;
}

static void sort_rows(const struct report_source *src, struct arena *a, struct report *out)
{
	for (int k = 0; k < HISTORY_KIND_COUNT; k++) {
		struct report_rows *rows = &out->of[k];

		for (size_t i = 0; i < src->n_rows; i++)
			rows->n += src->rows[i].kind == (enum history_kind)k;
		rows->p = arena_array(a, const struct history_row *, rows->n + 1);
		rows->n = 0;
		for (size_t i = 0; i < src->n_rows; i++)
			if (src->rows[i].kind == (enum history_kind)k && is_sound(&src->rows[i]))
				rows->p[rows->n++] = &src->rows[i];
		qsort(rows->p, rows->n, sizeof(*rows->p), by_time);
	}
}

static void take_state(struct arena *a, struct report *out)
{
	const char *token = out->rollout->token;
	struct err err = ERR_INIT;

	out->has_state = token && token_decode(a, str_from(token), &out->state, &err) == 0;
}

static void take_about(struct arena *a, struct report *out)
{
	const struct report_rows *rows = &out->of[HISTORY_ABOUT];

	about_read(a, str_from(rows->n ? rows->p[rows->n - 1]->text : NULL), &out->about);
}

static bool is_word(const struct history_row *r, const char *word)
{
	return r->word && !strcmp(r->word, word);
}

/* When its end was decided; where that is not recorded, when it was written down. */
static void take_end(struct report *out)
{
	const struct report_rows *moves = &out->of[HISTORY_MOVE];

	if (!out->has_state || !phase_is_final(out->state.phase))
		return;
	if (markup_is_time(out->rollout->updated))
		out->ended = out->rollout->updated;
	for (size_t i = 0; i < moves->n; i++)
		if (is_word(moves->p[i], phase_name(out->state.phase)))
			out->ended = moves->p[i]->at;
}

/* The time-line: from the start to the last thing that is known. */
static void take_range(const struct report_source *src, struct report *out)
{
	const struct ledger_rollout *r = out->rollout;

	out->from = r->started.ms > 0 ? r->started : r->updated;
	if (!markup_is_time(out->from))
		out->from.ms = 0;
	out->to = out->ended.ms > out->from.ms ? out->ended : out->from;
	for (size_t i = 0; i < src->n_rows; i++) {
		if (src->rows[i].kind == HISTORY_ABOUT || !is_sound(&src->rows[i]))
			continue;
		if (src->rows[i].at.ms > 0 && src->rows[i].at.ms < out->from.ms)
			out->from = src->rows[i].at;
		if (src->rows[i].until.ms > out->to.ms)
			out->to = src->rows[i].until;
	}
	if (out->to.ms - out->from.ms < 1000)
		out->to.ms = out->from.ms + 1000;
}

static int verdict_of(const char *word)
{
	for (int k = VERDICT_PASS; word && k <= VERDICT_FAIL; k++)
		if (!strcmp(word, verdict_name((enum verdict_kind)k)))
			return k;
	return VERDICT_UNKNOWN;
}

static void take_guards(struct arena *a, struct report *out)
{
	const struct report_rows *rows = &out->of[HISTORY_GUARD];

	out->n_guards = out->about.n_guards;
	for (size_t i = 0; i < rows->n; i++)
		if (rows->p[i]->a >= (int64_t)out->n_guards && rows->p[i]->a < LIMIT_GUARDS)
			out->n_guards = (size_t)rows->p[i]->a + 1;
	out->guards = arena_array(a, struct report_guard, out->n_guards + 1);
	for (size_t g = 0; g < out->n_guards; g++) {
		struct report_guard *guard = &out->guards[g];

		guard->about = g < out->about.n_guards ? &out->about.guards[g] : &NAMELESS;
		guard->rows.p = arena_array(a, const struct history_row *, rows->n + 1);
		for (size_t i = 0; i < rows->n; i++) {
			const struct history_row *row = rows->p[i];

			if (row->a != (int64_t)g)
				continue;
			guard->rows.p[guard->rows.n++] = row;
			guard->answers[verdict_of(row->word)] += row->count;
			guard->last_text = row->text;
			guard->has_value |= !isnan(row->last);
			if (isnan(row->limit))
				continue;
			guard->has_limit = true;
			guard->limit = row->limit;
			guard->fails = row->name;
		}
	}
}

static void take_phases(struct arena *a, struct report *out)
{
	const struct report_rows *moves = &out->of[HISTORY_MOVE];
	struct report_span *p = arena_array(a, struct report_span, moves->n + 2);
	size_t n = 0;

	p[n++] = (struct report_span){.from = out->from,
				      .name = moves->n ? moves->p[0]->name : out->rollout->phase,
				      .step = 0};
	for (size_t i = 0; i < moves->n; i++) {
		p[n - 1].to = moves->p[i]->at;
		p[n++] = (struct report_span){
			.from = moves->p[i]->at, .name = moves->p[i]->word, .step = moves->p[i]->a};
	}
	p[n - 1].to = out->to;
	out->phases = p;
	out->n_phases = n;
}

static void add_gap(struct report *out, struct utc from, struct utc to, int64_t longer_than)
{
	if (to.ms - from.ms > longer_than)
		out->gaps[out->n_gaps++] =
			(struct report_span){.from = from, .to = to, .name = "gap"};
}

/* Before the first look and after the last one a while without one is as it should be. */
static void take_gaps(struct arena *a, struct report *out)
{
	const struct report_rows *w = &out->of[HISTORY_WATCHED], *who = &out->of[HISTORY_WORKER];
	int64_t tick = out->about.tick_ms, usual = 30000 + 4 * (tick > 0 && tick < 600000 ? tick
											   : 10000);
	bool from_start = false;

	for (size_t i = 0; i < who->n; i++)
		from_start |= is_word(who->p[i], "new");
	out->gaps = arena_array(a, struct report_span, w->n + 2);
	if (w->n == 0) { /* one that nobody had to look at, or one of which nothing is left */
		if (out->ended.ms && !from_start)
			add_gap(out, out->from, out->to, 0);
		return;
	}
	if (!from_start)
		add_gap(out, out->from, w->p[0]->at, usual);
	for (size_t i = 0; i + 1 < w->n; i++)
		add_gap(out, w->p[i]->until, w->p[i + 1]->at, 0);
	if (out->ended.ms)
		add_gap(out, w->p[w->n - 1]->until, out->ended, usual);
}

/* The newest way back, and what led to it. */
static void take_way_back(struct report *out)
{
	const struct report_rows *moves = &out->of[HISTORY_MOVE], *splits = &out->of[HISTORY_SPLIT];

	out->back_from_bp = -1;
	for (size_t i = 0; i < moves->n; i++)
		if (is_word(moves->p[i], phase_name(PHASE_RESTORE)))
			out->back_at = moves->p[i]->at;
	if (!out->back_at.ms)
		return;
	for (size_t i = 0; i < splits->n; i++) {
		const struct history_row *s = splits->p[i];

		if (s->at.ms <= out->back_at.ms && s->b > 0)
			out->back_from_bp = s->b;
		if (s->until.ms >= out->back_at.ms && is_word(s, "baseline") &&
		    !out->baseline_at.ms)
			out->baseline_at = s->at.ms > out->back_at.ms ? s->at : out->back_at;
	}
	for (size_t g = 0; g < out->n_guards; g++)
		for (size_t i = 0; i < out->guards[g].rows.n; i++) {
			const struct history_row *row = out->guards[g].rows.p[i];

			if (!is_word(row, "Fail") || row->at.ms > out->back_at.ms ||
			    (out->failed && row->at.ms < out->failed->at.ms))
				continue;
			out->failed = row;
			out->failed_guard = g;
		}
}

void report_build(const struct report_source *src, struct arena *a, struct report *out)
{
	*out = (struct report){.rollout = src->rollout,
			       .made = src->now,
			       .notes = src->notes,
			       .n_notes = src->n_notes};
	sort_rows(src, a, out);
	take_state(a, out);
	take_about(a, out);
	take_end(out);
	take_range(src, out);
	take_guards(a, out);
	take_phases(a, out);
	take_gaps(a, out);
	take_way_back(out);
	out->baseline = report_name(a, out, out->about.baseline);
	out->candidate = report_name(a, out, out->about.candidate);
	report_headline(a, out);
}
