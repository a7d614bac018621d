#include "worker/recorder_rows.h"

#include <math.h>

/* What is told, put into rows: what has not changed extends the row that is there. */

#define SEQ_MAX (INT64_MAX / 2) /* no row of ours is beyond: there is room above */

/* One that an earlier process has left: what counts goes on counting. */
static void take_kept(struct recorder *r, const struct history_row *row)
{
	r->rows[row->kind]++;
	if (row->kind == HISTORY_GUARD && row->a >= 0 && row->a < LIMIT_GUARDS)
		r->guard_rows[row->a]++;
	if (row->kind == HISTORY_ABOUT)
		r->about_seq = row->seq;
	if (row->kind == HISTORY_CALLS)
		(void)recorder_keep(r, row);
	for (int k = 0; k < HISTORY_KIND_COUNT && row->kind == HISTORY_LOST; k++)
		if (!r->lost[k] && recorder_is_same(row->word, history_kind_name(k)))
			r->lost[k] = recorder_keep(r, row);
}

/*
 * What the ledger has of it: the last place that is taken. In a ledger that cannot be read no place
 * is known to be free; those of this moment have not been given to anything before.
 */
static int64_t take_history(struct recorder *r, struct ledger *l, struct utc now, struct log *log)
{
	struct arena *a = arena_new();
	struct history_row *rows;
	struct err err = ERR_INIT;
	int64_t last = 0;
	size_t n = 0;

	if (ledger_history_get(l, r->rollout_id, HISTORY_KIND_COUNT, a, &rows, &n, &err)) {
		log_event(log, LOG_ERROR, "ledger.failed", LOG_E(&err));
		last = now.ms;
	}
	for (size_t i = 0; i < n; i++) {
		if (rows[i].seq <= 0 || rows[i].seq > SEQ_MAX)
			continue;
		last = rows[i].seq;
		take_kept(r, &rows[i]);
	}
	r->rows[HISTORY_ABOUT] = 0; /* it is written over */
	arena_free(a);
	return last;
}

void recorder_begin(struct recorder *r, struct ledger *l, const char *rollout_id, struct utc now,
		    const char *how, struct log *log)
{
	struct history_row row = recorder_row(HISTORY_WORKER, now);
	struct entry **early;
	int64_t last;

	if (!r || r->begun)
		return;
	r->begun = true;
	str_copy(r->rollout_id, sizeof(r->rollout_id), str_from(rollout_id));
	early = r->last;
	last = take_history(r, l, now, log);
	/* the calls that opened its job have been recorded before */
	for (struct entry *e = r->first; e && e != *early; e = e->next)
		e->row.seq += last;
	r->seq += last;
	row.name = ROLLOUT_WORKER_VERSION;
	row.word = !strcmp(how, "new") ? "new" : last ? "again" : "joined";
	row.text = how;
	(void)recorder_add(r, &row);
}

bool recorder_has_begun(const struct recorder *r)
{
	return !r || r->begun;
}

void recorder_taken_over(struct recorder *r, struct utc now, const char *text)
{
	struct history_row row = recorder_row(HISTORY_WORKER, now);

	if (!r)
		return;
	row.word = "other";
	row.text = text;
	(void)recorder_add(r, &row);
}

void recorder_about(struct recorder *r, struct utc now, const char *text)
{
	struct history_row row = recorder_row(HISTORY_ABOUT, now);

	if (!r || (r->about && recorder_is_same(r->about->text, text)))
		return;
	if (r->about) {
		recorder_replace(&r->about->text, &r->about->row.text, text, HISTORY_ABOUT_MAX);
		recorder_touch(r, r->about, now);
		return;
	}
	row.text = text;
	r->about = recorder_add(r, &row);
	if (!r->about)
		return;
	r->about->open = true;
	if (r->about_seq)
		r->about->row.seq = r->about_seq;
}

int64_t recorder_asked(const struct plan *plan, const struct rollout_state *s)
{
	switch (s->phase) {
	case PHASE_SHIFT:
	case PHASE_WATCH:
	case PHASE_PARKED:
		if ((size_t)s->step >= plan->n_steps)
			return -1;
		return rollout_is_before_traffic(plan, s) ? 0 : plan->steps[s->step].weight_bp;
	case PHASE_PROMOTE:
	case PHASE_BAKE:
	case PHASE_RETIRE:
		return 10000;
	case PHASE_INSPECT:
	case PHASE_PREPARE:
	case PHASE_VERIFY:
	case PHASE_RESTORE:
	case PHASE_PROVE:
		return 0;
	case PHASE_SUCCEEDED:
	case PHASE_FAILED:
	case PHASE_COUNT:
		break;
	}
	return -1;
}

static void text_of_asked(const struct recorder_look *k, int64_t asked, char out[TRAFFIC_TEXT_SIZE])
{
	struct traffic traffic = {.weight_bp = (int)asked};

	if (asked > 0 && asked < 10000)
		traffic = rollout_traffic(k->plan, k->state->step);
	else if (asked == 0 && k->state->phase == PHASE_SHIFT)
		traffic = rollout_traffic(k->plan, k->state->step); /* segments alone */
	rollout_traffic_text(k->plan, &traffic, out);
}

static int64_t bp_read(const struct target_observation *o)
{
	switch (o->live) {
	case LIVE_BASELINE:
		return 0;
	case LIVE_SPLIT:
		return o->traffic.weight_bp;
	case LIVE_CANDIDATE:
	case LIVE_PROMOTED:
		return 10000;
	case LIVE_UNREADABLE:
	case LIVE_FOREIGN:
		break;
	}
	return -1;
}

static const char *live_name(enum live live)
{
	static const char *const names[] = {
		[LIVE_UNREADABLE] = "unreadable", [LIVE_BASELINE] = "baseline",
		[LIVE_SPLIT] = "split",		  [LIVE_CANDIDATE] = "candidate",
		[LIVE_PROMOTED] = "promoted",	  [LIVE_FOREIGN] = "foreign"};

	return names[live];
}

static void record_split(struct recorder *r, const struct recorder_look *k)
{
	const struct target_observation *o = &k->seen->target;
	struct history_row row = recorder_row(HISTORY_SPLIT, k->now);
	char asked[TRAFFIC_TEXT_SIZE] = "", read[TRAFFIC_TEXT_SIZE] = "";
	struct entry *e = r->split;

	row.a = recorder_asked(k->plan, k->state);
	row.b = bp_read(o);
	row.word = live_name(o->live);
	if (row.a >= 0)
		text_of_asked(k, row.a, asked);
	if (row.b >= 0) {
		struct traffic traffic = {.weight_bp = (int)row.b,
					  .segments = row.b < 10000 ? o->traffic.segments : 0};

		rollout_traffic_text(k->plan, &traffic, read);
	}
	row.text = asked;
	row.extra = row.b >= 0 ? read : o->detail;
	if (e && e->row.a == row.a && e->row.b == row.b && recorder_is_same(e->word, row.word) &&
	    recorder_is_same(e->text, row.text) &&
	    (row.b < 0 || recorder_is_same(e->extra, row.extra)) &&
	    k->now.ms - e->row.until.ms <= k->gap_ms) {
		e->row.count++;
		recorder_touch(r, e, k->now);
		return;
	}
	recorder_close(&r->split);
	r->split = recorder_add(r, &row);
	if (r->split)
		r->split->open = true;
}

static bool is_same_number(double a, double b)
{
	return isnan(a) ? isnan(b) : a == b;
}

static bool extends_guard(const struct entry *e, const struct history_row *row, int64_t gap_ms)
{
	bool is_flat = e->row.low == e->row.high || isnan(e->row.low);

	if (!recorder_is_same(e->word, row->word) || !is_same_number(e->row.limit, row->limit) ||
	    row->at.ms - e->row.until.ms > gap_ms)
		return false;
	if (is_flat && is_same_number(e->row.last, row->last))
		return true;
	return !isnan(e->row.last) && !isnan(row->last) && !row->b &&
	       row->at.ms - e->row.at.ms < HISTORY_GUARD_MS;
}

static void record_guard(struct recorder *r, const struct recorder_look *k, size_t i)
{
	struct history_row row = recorder_row(HISTORY_GUARD, k->now);
	const struct verdict *v = &k->verdicts[i];
	struct entry *e = r->guards[i];

	row.a = (int64_t)i;
	row.b = v->measured.is_spot;
	row.name = v->measured.fails;
	row.word = verdict_name(v->kind);
	row.text = v->text;
	if (v->measured.has_value)
		row.low = row.high = row.last = v->measured.value;
	if (v->measured.has_limit)
		row.limit = v->measured.limit;
	if (e && extends_guard(e, &row, k->gap_ms)) {
		e->row.count++;
		e->row.last = row.last;
		if (row.last < e->row.low)
			e->row.low = row.last;
		if (row.last > e->row.high)
			e->row.high = row.last;
		if (!recorder_is_same(e->text, row.text))
			recorder_replace(&e->text, &e->row.text, row.text, HISTORY_TEXT_MAX);
		recorder_touch(r, e, k->now);
		return;
	}
	recorder_close(&r->guards[i]);
	r->guards[i] = recorder_add(r, &row);
	if (!r->guards[i])
		return;
	r->guards[i]->open = true;
	r->guard_rows[i]++;
}

void recorder_look(struct recorder *r, const struct recorder_look *k)
{
	struct history_row row = recorder_row(HISTORY_WATCHED, k->now);

	if (!r)
		return;
	if (r->watched && k->now.ms - r->watched->row.until.ms <= k->gap_ms) {
		r->watched->row.count++;
		recorder_touch(r, r->watched, k->now);
	} else {
		recorder_close(&r->watched);
		r->watched = recorder_add(r, &row);
		if (r->watched)
			r->watched->open = true;
	}
	if (k->seen->looked)
		record_split(r, k);
	r->guard_limit = history_guard_rows(k->plan->n_guards);
	for (size_t i = 0; i < k->plan->n_guards && k->seen->has_guards; i++)
		if (k->plan->guards[i].in & k->guards_in)
			record_guard(r, k, i);
}

void recorder_move(struct recorder *r, struct utc now, const struct rollout_state *from,
		   const struct rollout_state *to, const char *reason)
{
	struct history_row row = recorder_row(HISTORY_MOVE, now);

	if (!r)
		return;
	row.name = phase_name(from->phase);
	row.word = phase_name(to->phase);
	row.a = to->step;
	row.b = -1;
	row.text = reason;
	(void)recorder_add(r, &row);
}

void recorder_act(struct recorder *r, const struct recorder_act *act)
{
	struct history_row row = recorder_row(HISTORY_ACT, act->now);
	struct entry *e = r ? r->act : NULL;

	if (!r)
		return;
	row.name = act->act;
	row.word = !act->err ? "done" : act->err->sent ? "unknown" : "failed";
	row.a = act->asked_bp;
	row.b = -1;
	row.text = act->reason;
	row.extra = act->err ? act->err->text : NULL;
	/* the same again: what takes its time, or is refused each time */
	if (e && recorder_is_same(e->name, row.name) && recorder_is_same(e->word, row.word) &&
	    e->row.a == row.a && recorder_is_same(e->extra, row.extra)) {
		e->row.count++;
		recorder_touch(r, e, act->now);
		return;
	}
	recorder_close(&r->act);
	r->act = recorder_add(r, &row);
	if (r->act)
		r->act->open = true;
}
