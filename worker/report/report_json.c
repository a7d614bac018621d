#include "worker/report/report.h"

#include <math.h>

#include "aws/core/json.h"
#include "worker/report/markup.h"
#include "worker/rollout/verdict.h"

static void member_utc(struct json_out *o, const char *key, struct utc t)
{
	char text[UTC_ISO_SIZE];

	if (t.ms <= 0 || !markup_is_time(t))
		return;
	utc_format_iso(t, text);
	json_member_cstr(o, key, text);
}

static void member_number(struct json_out *o, const char *key, double v)
{
	if (isfinite(v))
		json_member_double(o, key, v);
}

static void member_bp(struct json_out *o, const char *key, int64_t bp)
{
	if (bp >= 0)
		json_member_double(o, key, (double)bp / 100);
}

static void begin_list(struct json_out *o, const char *key)
{
	json_out_key(o, key);
	json_out_array(o);
}

static void add_who(struct json_out *o, const struct ledger_rollout *r)
{
	json_member_cstr(o, "rollout", r->id);
	json_member_cstr(o, "pipeline", r->pipeline);
	json_member_cstr(o, "execution", r->execution_id);
	json_member_cstr(o, "action", r->action);
	json_member_cstr(o, "actionExecution", r->action_execution_id);
	json_member_cstr(o, "actionType", r->action_type);
	json_member_cstr(o, "target", r->target);
	json_member_cstr(o, "region", r->region);
	json_member_cstr(o, "roleArn", r->role_arn);
	json_member_cstr(o, "phase", r->phase);
	json_member_cstr(o, "summary", r->summary);
	json_member_bool(o, "final", r->final);
	json_member_bool(o, "parked", r->parked);
	json_member_bool(o, "handedOver", r->handed_over);
	json_member_cstr(o, "handle", r->handle);
	json_member_i64(o, "changes", (int64_t)r->seq);
	member_utc(o, "started", r->started);
	member_utc(o, "updated", r->updated);
	member_utc(o, "jobSeen", r->job_seen);
}

static void add_end(struct json_out *o, const struct report *r)
{
	json_member_cstr(o, "headline", r->headline);
	json_member_cstr(o, "proof", r->proof);
	json_member_cstr(o, "missing", r->missing);
	member_utc(o, "ended", r->ended);
	member_utc(o, "reportMade", r->made);
	member_utc(o, "wentBack", r->back_at);
	member_utc(o, "baselineHadAllTraffic", r->baseline_at);
	if (!r->has_state)
		return;
	json_member_cstr(o, "cause", cause_name(r->state.cause));
	json_member_cstr(o, "causeText", r->state.cause_text);
	json_member_cstr(o, "ending", ending_name(r->state.ending));
}

static void add_plan(struct json_out *o, const struct about *p)
{
	json_member_cstr(o, "strategy", p->strategy);
	json_member_cstr(o, "mode", p->mode);
	json_member_cstr(o, "baseline", p->baseline);
	json_member_cstr(o, "candidate", p->candidate);
	json_member_cstr(o, "undo", p->undo);
	json_member_cstr(o, "account", p->account);
	json_member_cstr(o, "version", p->version);
	json_out_key(o, "plan");
	json_out_object(o);
	json_member_cstr(o, "digest", p->digest);
	json_member_cstr(o, "target", p->target);
	json_member_i64(o, "bakeMs", p->bake_ms);
	json_member_i64(o, "unknownHoldMs", p->unknown_hold_ms);
	json_member_cstr(o, "unknownThen", p->unknown_then);
	json_member_i64(o, "maxMs", p->max_ms);
	begin_list(o, "steps");
	for (size_t i = 0; i < p->n_steps; i++) {
		json_out_object(o);
		json_member_cstr(o, "traffic", p->steps[i].text);
		member_bp(o, "weight", p->steps[i].weight_bp);
		json_member_i64(o, "watchMs", p->steps[i].watch_ms);
		json_member_bool(o, "approve", p->steps[i].approve);
		json_out_end(o);
	}
	json_out_end(o);
	begin_list(o, "segments");
	for (size_t i = 0; i < p->n_segments; i++)
		json_out_cstr(o, p->segments[i]);
	json_out_end(o);
	json_out_end(o);
}

static void add_traffic(struct json_out *o, const struct report_rows *rows)
{
	begin_list(o, "traffic");
	for (size_t i = 0; i < rows->n; i++) {
		const struct history_row *row = rows->p[i];

		json_out_object(o);
		member_utc(o, "from", row->at);
		member_utc(o, "to", row->until);
		member_bp(o, "asked", row->a);
		member_bp(o, "read", row->b);
		json_member_cstr(o, "live", row->word);
		json_member_cstr(o, "askedText", row->text);
		json_member_cstr(o, "readText", row->extra);
		json_member_i64(o, "looks", row->count);
		json_out_end(o);
	}
	json_out_end(o);
}

static void add_sample(struct json_out *o, const struct history_row *row)
{
	json_out_object(o);
	member_utc(o, "from", row->at);
	member_utc(o, "to", row->until);
	json_member_cstr(o, "verdict", row->word);
	member_number(o, "value", row->last);
	if (row->low != row->high) {
		member_number(o, "lowest", row->low);
		member_number(o, "highest", row->high);
	}
	json_member_cstr(o, "text", row->text);
	json_member_i64(o, "answers", row->count);
	json_out_end(o);
}

static void add_guards(struct json_out *o, const struct report *r)
{
	begin_list(o, "guards");
	for (size_t g = 0; g < r->n_guards; g++) {
		const struct report_guard *guard = &r->guards[g];

		json_out_object(o);
		json_member_cstr(o, "kind", guard->about->kind);
		json_member_cstr(o, "name", guard->about->name);
		json_member_cstr(o, "in", guard->about->in);
		json_member_cstr(o, "unit", guard->about->unit);
		if (guard->has_limit)
			member_number(o, "threshold", guard->limit);
		json_member_cstr(o, "fails", guard->fails);
		for (int k = VERDICT_PASS; k <= VERDICT_FAIL; k++)
			json_member_i64(o, verdict_name((enum verdict_kind)k), guard->answers[k]);
		begin_list(o, "samples");
		for (size_t i = 0; i < guard->rows.n; i++)
			add_sample(o, guard->rows.p[i]);
		json_out_end(o);
		json_out_end(o);
	}
	json_out_end(o);
}

static void add_acts(struct json_out *o, const struct report_rows *rows)
{
	begin_list(o, "acts");
	for (size_t i = 0; i < rows->n; i++) {
		const struct history_row *row = rows->p[i];

		json_out_object(o);
		member_utc(o, "at", row->at);
		member_utc(o, "last", row->until);
		json_member_cstr(o, "act", row->name);
		member_bp(o, "asked", row->a);
		json_member_cstr(o, "outcome", row->word);
		json_member_cstr(o, "reason", row->text);
		json_member_cstr(o, "error", row->extra);
		json_member_i64(o, "times", row->count);
		json_out_end(o);
	}
	json_out_end(o);
}

static void add_calls(struct json_out *o, const struct report *r)
{
	const struct report_rows *calls = &r->of[HISTORY_CALL], *sums = &r->of[HISTORY_CALLS];

	begin_list(o, "calls");
	for (size_t i = 0; i < calls->n; i++) {
		const struct history_row *row = calls->p[i];

		json_out_object(o);
		member_utc(o, "at", row->at);
		json_member_cstr(o, "call", row->name);
		json_member_cstr(o, "resource", row->text);
		json_member_cstr(o, "outcome", row->word);
		json_member_i64(o, "status", row->b);
		json_member_i64(o, "attempts", row->a);
		json_member_i64(o, "ms", row->count > 1 ? 0 : row->until.ms - row->at.ms);
		json_member_i64(o, "times", row->count);
		json_member_cstr(o, "requestId", row->extra);
		json_out_end(o);
	}
	json_out_end(o);
	begin_list(o, "callCounts");
	for (size_t i = 0; i < sums->n; i++) {
		const struct history_row *row = sums->p[i];

		json_out_object(o);
		json_member_cstr(o, "call", row->name);
		json_member_cstr(o, "resource", row->text);
		json_member_i64(o, "calls", row->count);
		member_number(o, "failed", row->low);
		json_member_i64(o, "totalMs", row->a);
		json_member_i64(o, "longestMs", row->b);
		json_out_end(o);
	}
	json_out_end(o);
}

/* Moves and notes: what `report` has always called the history. */
static void add_history(struct json_out *o, const struct report *r)
{
	const struct report_rows *moves = &r->of[HISTORY_MOVE];
	size_t m = 0, n = 0;

	begin_list(o, "history");
	while (m < moves->n || n < r->n_notes) {
		bool note = n < r->n_notes &&
			    (m == moves->n || r->notes[n].at.ms <= moves->p[m]->at.ms);

		json_out_object(o);
		member_utc(o, "at", note ? r->notes[n].at : moves->p[m]->at);
		json_member_cstr(o, "event", note ? r->notes[n].event : moves->p[m]->word);
		if (!note) {
			json_member_cstr(o, "from", moves->p[m]->name);
			json_member_i64(o, "step", moves->p[m]->a + 1);
		}
		json_member_cstr(o, "text", note ? r->notes[n].text : moves->p[m]->text);
		json_out_end(o);
		n += note;
		m += !note;
	}
	json_out_end(o);
}

static void add_watched(struct json_out *o, const struct report *r)
{
	const struct report_rows *w = &r->of[HISTORY_WORKER], *lost = &r->of[HISTORY_LOST];

	begin_list(o, "workers");
	for (size_t i = 0; i < w->n; i++) {
		json_out_object(o);
		member_utc(o, "at", w->p[i]->at);
		json_member_cstr(o, "event", w->p[i]->word);
		json_member_cstr(o, "version", w->p[i]->name);
		json_member_cstr(o, "text", w->p[i]->text);
		json_out_end(o);
	}
	json_out_end(o);
	begin_list(o, "gaps");
	for (size_t i = 0; i < r->n_gaps; i++) {
		json_out_object(o);
		member_utc(o, "from", r->gaps[i].from);
		member_utc(o, "to", r->gaps[i].to);
		json_out_end(o);
	}
	json_out_end(o);
	begin_list(o, "leftOut");
	for (size_t i = 0; i < lost->n; i++) {
		json_out_object(o);
		json_member_cstr(o, "what", lost->p[i]->word);
		json_member_i64(o, "rows", lost->p[i]->count);
		json_out_end(o);
	}
	json_out_end(o);
}

void report_json(const struct report *r, struct buf *out)
{
	struct json_out o;

	json_out_init(&o, out);
	json_out_object(&o);
	add_who(&o, r->rollout);
	add_end(&o, r);
	add_plan(&o, &r->about);
	add_history(&o, r);
	add_traffic(&o, &r->of[HISTORY_SPLIT]);
	add_guards(&o, r);
	add_acts(&o, &r->of[HISTORY_ACT]);
	add_calls(&o, r);
	add_watched(&o, r);
	json_out_end(&o);
	buf_addc(out, '\n');
}
