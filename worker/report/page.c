#include "worker/report/page.h"

#include "aws/core/json.h"
#include "worker/report/markup.h"

/* --- health ----------------------------------------------------------------------------------- */

static const char *state_of(const struct snapshot *s)
{
	return !s->alive ? "stuck: work that is due is not done" : s->stopping ? "stopping" : "ok";
}

bool page_health(const struct snapshot *s, struct buf *out)
{
	buf_addf(out, "%s\n", state_of(s));
	return s->alive && !s->stopping;
}

/* --- JSON ------------------------------------------------------------------------------------- */

static void member_utc(struct json_out *o, const char *key, struct utc t)
{
	char text[UTC_ISO_SIZE];

	utc_format_iso(t, text);
	json_member_cstr(o, key, text);
}

static void add_rollout(struct json_out *o, const struct ledger_rollout *r)
{
	json_out_object(o);
	json_member_cstr(o, "rollout", r->id);
	json_member_cstr(o, "pipeline", r->pipeline);
	json_member_cstr(o, "action", r->action);
	json_member_cstr(o, "target", r->target);
	json_member_cstr(o, "phase", r->phase);
	json_member_bool(o, "parked", r->parked);
	json_member_cstr(o, "summary", r->summary);
	member_utc(o, "started", r->started);
	member_utc(o, "updated", r->updated);
	json_out_end(o);
}

static void add_backlog(struct json_out *o, const struct snapshot *s)
{
	const struct ledger_backlog *b = &s->backlog;

	json_member_i64(o, "reportsWaiting", b->reports);
	if (b->oldest_report.ms)
		member_utc(o, "oldestReport", b->oldest_report);
	json_member_i64(o, "noticesWaiting", b->notices);
	if (b->oldest_notice.ms)
		member_utc(o, "oldestNotice", b->oldest_notice);
	json_member_cstr(o, "noticesProblem", b->problem);
	json_out_key(o, "waits");
	json_out_array(o);
	for (size_t i = 0; i < s->n_waits; i++) {
		json_out_object(o);
		json_member_cstr(o, "rollout", s->waits[i].rollout_id);
		json_member_cstr(o, "for", s->waits[i].key);
		json_member_cstr(o, "after", s->waits[i].holder);
		member_utc(o, "since", s->waits[i].since);
		json_out_end(o);
	}
	json_out_end(o);
}

void page_json(const struct snapshot *s, struct buf *out)
{
	struct json_out o;

	json_out_init(&o, out);
	json_out_object(&o);
	json_member_cstr(&o, "state", state_of(s));
	json_member_cstr(&o, "version", s->version);
	json_member_cstr(&o, "region", s->region);
	member_utc(&o, "now", s->now);
	member_utc(&o, "started", s->started);
	json_member_i64(&o, "jobsHeld", (int64_t)s->n_jobs);
	json_member_i64(&o, "slots", s->slots);
	json_member_i64(&o, "rolloutsKnown", (int64_t)s->n_rollouts);
	json_member_i64(&o, "turnsRunning", (int64_t)s->turns_running);
	json_member_i64(&o, "outboxReports", atomic_load(&s->metrics->outbox));
	if (s->ledger_bytes >= 0)
		json_member_i64(&o, "ledgerBytes", s->ledger_bytes);
	json_member_cstr(&o, "problem", s->problem);
	if (!s->problem)
		add_backlog(&o, s);
	json_out_key(&o, "rollouts");
	json_out_array(&o);
	for (size_t i = 0; i < s->n_open; i++)
		add_rollout(&o, &s->rollouts[i]);
	json_out_end(&o);
	json_out_end(&o);
	buf_addc(out, '\n');
}

/* --- HTML ------------------------------------------------------------------------------------- */

static const char HEAD[] =
	"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	"<title>rollout-worker</title>\n<style>\n"
	":root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }\n"
	"body { margin: 2rem auto; max-width: 72rem; padding: 0 1rem; }\n"
	"dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 0 1rem; }\n"
	"dd { margin: 0; overflow-wrap: anywhere; }\n"
	".scroll { overflow-x: auto; }\n"
	"table { border-collapse: collapse; width: 100%; }\n"
	"th, td { border-bottom: 1px solid #8886; padding: .3rem .6rem .3rem 0; text-align: left;\n"
	"  vertical-align: top; }\n"
	/* on a phone a row is a block of lines, which say by themselves what they are */
	"@media (max-width: 40rem) { thead { position: absolute; left: -9999px; }\n"
	"  table, tbody, tr, td { display: block; } td { border: 0; padding: 0; }\n"
	"  td { overflow-wrap: anywhere; } td:first-child { font-weight: 600; }\n"
	"  tr { border-bottom: 1px solid #8886; padding: .6rem 0; } }\n"
	"</style>\n</head>\n<body>\n<h1>rollout-worker</h1>\n";

static void add_item(struct buf *out, const char *name, const char *text)
{
	buf_addf(out, "<dt>%s</dt><dd>", name);
	markup_html(out, text);
	buf_adds(out, "</dd>\n");
}

static void add_number(struct buf *out, const char *name, int64_t n)
{
	buf_addf(out, "<dt>%s</dt><dd>%lld</dd>\n", name, (long long)n);
}

static void add_since(struct buf *out, const char *name, struct utc since)
{
	char text[UTC_ISO_SIZE];

	if (!since.ms)
		return;
	utc_format_iso(since, text);
	add_item(out, name, text);
}

static void add_cell(struct buf *out, const char *text)
{
	buf_adds(out, "<td>");
	markup_html(out, text && *text ? text : "-");
	buf_adds(out, "</td>");
}

static void add_table(const struct snapshot *s, struct buf *out)
{
	char updated[UTC_ISO_SIZE];

	buf_adds(out, "<div class=\"scroll\"><table>\n<thead><tr><th>Rollout</th><th>Pipeline</th>"
		      "<th>Action</th><th>Target</th><th>Phase</th><th>Updated</th>"
		      "<th>Summary</th></tr></thead>\n<tbody>\n");
	for (size_t i = 0; i < s->n_open; i++) {
		const struct ledger_rollout *r = &s->rollouts[i];

		utc_format_iso(r->updated, updated);
		buf_adds(out, "<tr>");
		add_cell(out, r->id);
		add_cell(out, r->pipeline);
		add_cell(out, r->action);
		add_cell(out, r->target);
		add_cell(out, r->phase);
		add_cell(out, updated);
		add_cell(out, r->summary);
		buf_adds(out, "</tr>\n");
	}
	buf_adds(out, "</tbody>\n</table></div>\n");
}

/* Who waits for whom. */
static void add_waits(const struct snapshot *s, struct buf *out)
{
	char since[UTC_ISO_SIZE];

	if (s->n_waits == 0)
		return;
	buf_adds(out, "<h2>Waiting for a target</h2>\n<div class=\"scroll\"><table>\n<thead><tr>"
		      "<th>Rollout</th><th>Target</th><th>After</th><th>Since</th></tr></thead>\n"
		      "<tbody>\n");
	for (size_t i = 0; i < s->n_waits; i++) {
		const struct ledger_wait *w = &s->waits[i];

		utc_format_iso(w->since, since);
		buf_adds(out, "<tr>");
		add_cell(out, w->rollout_id);
		add_cell(out, w->key);
		add_cell(out, w->holder ? w->holder : "somebody whom no rollout here names");
		add_cell(out, since);
		buf_adds(out, "</tr>\n");
	}
	buf_adds(out, "</tbody>\n</table></div>\n");
}

void page_html(const struct snapshot *s, struct buf *out)
{
	char started[UTC_ISO_SIZE], now[UTC_ISO_SIZE];

	utc_format_iso(s->started, started);
	utc_format_iso(s->now, now);
	buf_adds(out, HEAD);
	buf_adds(out, "<dl>\n");
	add_item(out, "State", state_of(s));
	add_item(out, "Version", s->version);
	add_item(out, "Region", s->region);
	add_item(out, "Started", started);
	add_item(out, "Now", now);
	buf_addf(out, "<dt>Jobs held</dt><dd>%zu of %lld</dd>\n", s->n_jobs, (long long)s->slots);
	add_number(out, "Reports waiting", atomic_load(&s->metrics->outbox));
	add_since(out, "Oldest report", s->backlog.oldest_report);
	add_number(out, "Notices waiting", s->backlog.notices);
	add_since(out, "Oldest notice", s->backlog.oldest_notice);
	if (s->backlog.problem)
		add_item(out, "Why", s->backlog.problem);
	buf_adds(out, "</dl>\n<h2>Open rollouts</h2>\n");
	if (s->problem) {
		buf_adds(out, "<p>They cannot be read: ");
		markup_html(out, s->problem);
		buf_adds(out, "</p>\n");
	} else if (s->n_open == 0) {
		buf_adds(out, "<p>None.</p>\n");
	} else {
		add_table(s, out);
	}
	add_waits(s, out);
	buf_adds(out, "<p><a href=\"/metrics\">metrics</a>, <a href=\"/status.json\">JSON</a>, "
		      "<a href=\"/healthz\">health</a></p>\n</body>\n</html>\n");
}
