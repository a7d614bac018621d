#include "worker/report/about.h"

#include "aws/core/json.h"
#include "worker/report/metrics.h"
#include "worker/rollout/decide.h"

/* --- from the plan ---------------------------------------------------------------------------- */

static const char *in_text(struct arena *a, unsigned in)
{
	static const char *const words[] = {"verify", "watch", "bake"};
	struct buf b;
	const char *text;

	buf_init(&b, 64);
	for (unsigned i = 0; i < 3; i++)
		if (in & (1u << i))
			buf_addf(&b, "%s%s", b.n ? ", " : "", words[i]);
	text = arena_strdup(a, b.p);
	buf_release(&b);
	return text;
}

static const char *on_text(struct arena *a, const struct plan *p)
{
	return arena_printf(a, "%s%s%s", p->rollback_on_guard ? "guard " : "",
			    p->rollback_on_timeout ? "timeout " : "",
			    p->rollback_on_abandon ? "abandon" : "");
}

static const char *step_text(struct arena *a, const struct plan *p, size_t i)
{
	struct traffic traffic = rollout_traffic(p, (int)i);
	char text[TRAFFIC_TEXT_SIZE];

	rollout_traffic_text(p, &traffic, text);
	return arena_strdup(a, text);
}

void about_plan(const struct plan *p, struct arena *a, struct about *out)
{
	static const char *const modes[] = {"deploy", "start", "promote", "rollback"};

	*out = (struct about){.kind = target_kind_name(p->target.kind),
			      .target = target_text(a, &p->target),
			      .strategy = p->strategy,
			      .mode = modes[p->mode],
			      .digest = p->digest,
			      .bake_ms = p->bake_ms,
			      .unknown_hold_ms = p->unknown_hold_ms,
			      .unknown_then = p->unknown_then == UNKNOWN_HOLD ? "hold" : "rollback",
			      .rollback_on = on_text(a, p),
			      .max_ms = p->max_duration_ms,
			      .keep_candidate_ms = p->keep_candidate_ms,
			      .n_steps = p->n_steps,
			      .n_guards = p->n_guards,
			      .n_segments = p->n_segments};
	out->steps = arena_array(a, struct about_step, p->n_steps + 1);
	for (size_t i = 0; i < p->n_steps; i++)
		out->steps[i] = (struct about_step){.text = step_text(a, p, i),
						    .weight_bp = p->steps[i].weight_bp,
						    .watch_ms = p->steps[i].watch_ms,
						    .approve = p->steps[i].approve};
	out->guards = arena_array(a, struct about_guard, p->n_guards + 1);
	for (size_t i = 0; i < p->n_guards; i++) {
		const struct plan_guard *g = &p->guards[i];

		out->guards[i] = (struct about_guard){.kind = metrics_guard_name(g->kind),
						      .name = g->name,
						      .in = in_text(a, g->in)};
		if (g->kind == GUARD_METRIC)
			out->guards[i].unit = g->stat;
		else if (g->kind != GUARD_ALARM)
			out->guards[i].unit = "failures in a row";
	}
	out->segments = arena_array(a, const char *, p->n_segments + 1);
	for (size_t i = 0; i < p->n_segments; i++)
		out->segments[i] = arena_printf(a, "%s: %s", p->segments[i].name,
						plan_segment_text(a, &p->segments[i]));
}

/* --- as text ---------------------------------------------------------------------------------- */

static void write_lists(struct json_out *o, const struct about *about)
{
	json_out_key(o, "steps");
	json_out_array(o);
	for (size_t i = 0; i < about->n_steps; i++) {
		const struct about_step *s = &about->steps[i];

		json_out_object(o);
		json_member_cstr(o, "text", s->text);
		json_member_i64(o, "weightBp", s->weight_bp);
		json_member_i64(o, "watchMs", s->watch_ms);
		json_member_bool(o, "approve", s->approve);
		json_out_end(o);
	}
	json_out_end(o);
	json_out_key(o, "guards");
	json_out_array(o);
	for (size_t i = 0; i < about->n_guards; i++) {
		json_out_object(o);
		json_member_cstr(o, "kind", about->guards[i].kind);
		json_member_cstr(o, "name", about->guards[i].name);
		json_member_cstr(o, "in", about->guards[i].in);
		json_member_cstr(o, "unit", about->guards[i].unit);
		json_out_end(o);
	}
	json_out_end(o);
	json_out_key(o, "segments");
	json_out_array(o);
	for (size_t i = 0; i < about->n_segments; i++)
		json_out_cstr(o, about->segments[i]);
	json_out_end(o);
}

void about_write(const struct about *about, struct buf *out)
{
	struct json_out o;

	json_out_init(&o, out);
	json_out_object(&o);
	json_member_cstr(&o, "version", about->version);
	json_member_cstr(&o, "kind", about->kind);
	json_member_cstr(&o, "target", about->target);
	json_member_cstr(&o, "strategy", about->strategy);
	json_member_cstr(&o, "mode", about->mode);
	json_member_cstr(&o, "digest", about->digest);
	json_member_cstr(&o, "baseline", about->baseline);
	json_member_cstr(&o, "candidate", about->candidate);
	json_member_cstr(&o, "undo", about->undo);
	json_member_cstr(&o, "account", about->account);
	json_member_cstr(&o, "unknownThen", about->unknown_then);
	json_member_cstr(&o, "rollbackOn", about->rollback_on);
	json_member_i64(&o, "bakeMs", about->bake_ms);
	json_member_i64(&o, "unknownHoldMs", about->unknown_hold_ms);
	json_member_i64(&o, "maxMs", about->max_ms);
	json_member_i64(&o, "keepCandidateMs", about->keep_candidate_ms);
	json_member_i64(&o, "tickMs", about->tick_ms);
	write_lists(&o, about);
	json_out_end(&o);
}

static int64_t number(const struct json *o, const char *key)
{
	int64_t n;

	return json_i64(json_get(o, key), &n) && n >= 0 ? n : 0;
}

static void read_steps(struct arena *a, const struct json *list, struct about *out)
{
	out->steps = arena_array(a, struct about_step, (list ? list->n : 0) + 1);
	json_each(e, list) {
		out->steps[out->n_steps++] =
			(struct about_step){.text = json_cstr(json_get(e, "text")),
					    .weight_bp = number(e, "weightBp"),
					    .watch_ms = number(e, "watchMs"),
					    .approve = json_bool(json_get(e, "approve"), false)};
	}
}

static void read_guards(struct arena *a, const struct json *list, struct about *out)
{
	out->guards = arena_array(a, struct about_guard, (list ? list->n : 0) + 1);
	json_each(e, list) {
		if (out->n_guards < LIMIT_GUARDS)
			out->guards[out->n_guards++] =
				(struct about_guard){.kind = json_cstr(json_get(e, "kind")),
						     .name = json_cstr(json_get(e, "name")),
						     .in = json_cstr(json_get(e, "in")),
						     .unit = json_cstr(json_get(e, "unit"))};
	}
}

void about_read(struct arena *a, struct str text, struct about *out)
{
	const struct json *list;
	struct err err = ERR_INIT;
	struct json *root;

	*out = (struct about){.n_steps = 0};
	if (!text.n || json_parse(a, text, &root, &err))
		return;
	out->version = json_cstr(json_get(root, "version"));
	out->kind = json_cstr(json_get(root, "kind"));
	out->target = json_cstr(json_get(root, "target"));
	out->strategy = json_cstr(json_get(root, "strategy"));
	out->mode = json_cstr(json_get(root, "mode"));
	out->digest = json_cstr(json_get(root, "digest"));
	out->baseline = json_cstr(json_get(root, "baseline"));
	out->candidate = json_cstr(json_get(root, "candidate"));
	out->undo = json_cstr(json_get(root, "undo"));
	out->account = json_cstr(json_get(root, "account"));
	out->unknown_then = json_cstr(json_get(root, "unknownThen"));
	out->rollback_on = json_cstr(json_get(root, "rollbackOn"));
	out->bake_ms = number(root, "bakeMs");
	out->unknown_hold_ms = number(root, "unknownHoldMs");
	out->max_ms = number(root, "maxMs");
	out->keep_candidate_ms = number(root, "keepCandidateMs");
	out->tick_ms = number(root, "tickMs");
	read_steps(a, json_get(root, "steps"), out);
	read_guards(a, json_get(root, "guards"), out);
	list = json_get(root, "segments");
	out->segments = arena_array(a, const char *, (list ? list->n : 0) + 1);
	json_each(e, list)
		out->segments[out->n_segments++] = json_cstr(e);
}
