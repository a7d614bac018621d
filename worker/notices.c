#include "worker/notices.h"

#include <string.h>

#include "aws/core/json.h"
#include "worker/rollout/notice.h"
#include "worker/slice.h"

/*
 * Making notices. What a rollout has to tell and could not write yet waits in the rollout, for as
 * long as the disk refuses; its texts live as long as the rollout does. There are few: a rollout
 * has some edges a step.
 */
#define DETAIL_MAX (32u << 10)

unsigned notices_sinks(const struct worker *w)
{
	return (w->config->notify_topic_arn ? NOTICE_TOPIC : 0u) |
	       (w->config->notify_event_bus ? NOTICE_BUS : 0u);
}

/* --- the message ------------------------------------------------------------------------------ */

struct telling {
	struct turn *t;
	enum notice n;
	uint64_t seq;
	const struct rollout_state *state;
	const char *reason; /* or "" */
	const char *id, *head, *text;
	struct utc at;
};

static bool is_about_failure(enum notice n)
{
	return n == NOTICE_ROLLING_BACK || n == NOTICE_ROLLED_BACK || n == NOTICE_FAILED ||
	       n == NOTICE_NOT_RESTORED;
}

static void add_step(struct json_out *o, const struct rollout *r, const struct rollout_state *s)
{
	if (!r->plan || (size_t)s->step >= r->plan->n_steps)
		return;
	json_member_i64(o, "step", s->step + 1);
	json_member_i64(o, "steps", (int64_t)r->plan->n_steps);
	json_member_double(o, "weight", (double)rollout_traffic(r->plan, s->step).weight_bp / 100);
	json_member_cstr(o, "strategy", r->plan->strategy);
}

static const char *detail_of(const struct telling *x)
{
	const struct rollout *r = x->t->r;
	const struct rollout_state *s = x->state;
	struct arena *a = x->t->arena;
	char at[UTC_ISO_SIZE];
	struct json_out o;
	const char *text;
	struct buf b;

	utc_format_iso(x->at, at);
	buf_init(&b, DETAIL_MAX);
	json_out_init(&o, &b);
	json_out_object(&o);
	json_member_cstr(
		&o, "message",
		arena_printf(a, "%s: %s%s%s", x->head, x->text, *x->reason ? ": " : "", x->reason));
	json_member_i64(&o, "version", 1);
	json_member_cstr(&o, "event", notice_name(x->n));
	json_member_cstr(&o, "id", x->id);
	json_member_cstr(&o, "rollout", r->id);
	json_member_i64(&o, "sequence", (int64_t)x->seq);
	json_member_cstr(&o, "time", at);
	json_member_cstr(&o, "pipeline", r->pipeline);
	json_member_cstr(&o, "execution", r->execution_id);
	json_member_cstr(&o, "action", r->action);
	json_member_cstr(&o, "actionExecution", r->action_execution_id);
	json_member_cstr(&o, "target", r->target);
	json_member_cstr(&o, "region", x->t->w->client.region);
	json_member_cstr(&o, "account", x->t->w->account);
	json_member_cstr(&o, "phase", phase_name(s->phase));
	add_step(&o, r, s);
	json_member_cstr(&o, "reason", x->reason);
	if (x->n == NOTICE_WAITING)
		json_member_cstr(&o, "waitsFor", notice_waits_for(s));
	if (is_about_failure(x->n) && s->cause != CAUSE_NONE)
		json_member_cstr(&o, "cause", cause_name(s->cause));
	if (s->ending != ENDING_NONE)
		json_member_cstr(&o, "ending", ending_name(s->ending));
	json_member_cstr(&o, "candidate", s->candidate);
	json_out_end(&o);
	text = arena_strdup(r->arena, b.p);
	buf_release(&b);
	return text;
}

static const char *copy(struct rollout *r, const char *text)
{
	return arena_strdup(r->arena, text ? text : "");
}

static struct ledger_notice make(struct turn *t, enum notice n, uint64_t seq,
				 const struct rollout_state *s, const char *reason)
{
	struct rollout *r = t->r;
	char text[NOTICE_TEXT_SIZE], subject[NOTICE_SUBJECT_SIZE];
	struct telling x = {.t = t, .n = n, .seq = seq, .state = s, .reason = reason};

	notice_text(n, r->plan, s, text);
	x.text = text;
	x.at = clock_utc(t->w->clock);
	x.head = arena_printf(t->arena, "%s/%s", r->pipeline ? r->pipeline : "?",
			      r->action ? r->action : "?");
	x.id = copy(r, arena_printf(t->arena, "%s/%llu/%s", r->id, (unsigned long long)seq,
				    notice_name(n)));
	notice_subject(x.head, text, subject);
	return (struct ledger_notice){.id = x.id,
				      .rollout_id = r->id,
				      .event = notice_name(n),
				      .pipeline = copy(r, r->pipeline),
				      .target = copy(r, r->target),
				      .subject = copy(r, subject),
				      .detail = detail_of(&x),
				      .at = x.at,
				      .sinks = notices_sinks(t->w)};
}

/* --- what is to be told ----------------------------------------------------------------------- */

static bool is_wanted(const struct worker *w, enum notice n)
{
	return notices_sinks(w) && (w->config->notify_on & 1u << n);
}

static void log_dropped(struct worker *w, size_t n)
{
	if (!n)
		return;
	metrics_add(&w->metrics, METRIC_NOTICES_DROPPED, n);
	log_event(w->log, LOG_WARN, "notice.dropped", LOG_S("why", "too many wait"),
		  LOG_I("notices", (int64_t)n));
}

void notices_note(struct turn *t, const struct rollout_state *from)
{
	struct rollout *r = t->r;
	const struct rollout_state *s = &r->state;
	const char *reason;
	enum notice n;

	if (!notices_sinks(t->w) || !notice_of(from, s, &n) || !is_wanted(t->w, n))
		return;
	if (r->n_notices == NOTICES_PENDING_MAX) {
		memmove(r->notices, r->notices + 1, sizeof(r->notices) - sizeof(r->notices[0]));
		r->n_notices--;
		log_dropped(t->w, 1);
	}
	reason = !from					   ? ""
		 : is_about_failure(n) && s->cause_text[0] ? s->cause_text
							   : r->decision.reason;
	r->notices[r->n_notices++] = make(t, n, s->seq, s, reason);
}

static void failed(struct turn *t, const struct err *err)
{
	log_event(t->r->log, LOG_ERROR, "ledger.failed", LOG_E(err));
}

static void wake(struct worker *w)
{
	scheduler_wake(w->scheduler, w->notices);
}

void notices_note_refusal(struct turn *t, const char *message)
{
	struct rollout *r = t->r;
	struct rollout_state blank = {.phase = PHASE_INSPECT};
	const struct rollout_state *s = r->has_state ? &r->state : &blank;
	struct ledger_notice last;
	struct err err = ERR_INIT;
	size_t dropped, i = 0;

	if (!is_wanted(t->w, NOTICE_FAILED))
		return;
	/* those that were to be written with a state come before */
	for (; i < r->n_notices; i++) {
		if (ledger_notice_put(t->w->ledger, &r->notices[i], &dropped, &err)) {
			failed(t, &err);
			break;
		}
		log_dropped(t->w, dropped);
	}
	if (i == r->n_notices)
		r->n_notices = 0;
	last = make(t, NOTICE_FAILED, s->seq + 1, s, message);
	if (ledger_notice_put(t->w->ledger, &last, &dropped, &err))
		failed(t, &err);
	else
		log_dropped(t->w, dropped);
	wake(t->w);
}

void notices_written(struct turn *t, bool written, size_t dropped)
{
	struct rollout *r = t->r;

	log_dropped(t->w, dropped);
	if (written && r->n_notices) {
		r->n_notices = 0;
		wake(t->w);
	}
}
