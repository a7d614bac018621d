#include "worker/rollout/plan_reader.h"

#include <assert.h>
#include <string.h>

#include "aws/core/json.h"

/*
 * The canonical form: everything that decides, in a fixed order, as JSON. Its digest is in every
 * token, so that a rollout never goes on under another plan than the one it started with. Places
 * and spelling do not count, values do.
 */

/* By name: the order in which dimensions are written is spelling. */
static void add_dimensions(struct json_out *o, const struct plan_guard *g)
{
	const char *last = "";

	json_out_object(o);
	for (size_t i = 0; i < g->n_dimensions; i++) {
		size_t next = g->n_dimensions;

		for (size_t j = 0; j < g->n_dimensions; j++)
			if (strcmp(g->dimensions[j].name, last) > 0 &&
			    (next == g->n_dimensions ||
			     strcmp(g->dimensions[j].name, g->dimensions[next].name) < 0))
				next = j;
		if (next == g->n_dimensions)
			break;
		json_member_cstr(o, g->dimensions[next].name, g->dimensions[next].value);
		last = g->dimensions[next].name;
	}
	json_out_end(o);
}

static void add_guard(struct json_out *o, const struct plan_guard *g)
{
	json_out_object(o);
	json_member_i64(o, "kind", g->kind);
	json_member_i64(o, "in", g->in);
	json_member_cstr(o, "name", g->name);
	json_member_i64(o, "failures", g->failures);
	json_member_cstr(o, "stat", g->stat);
	json_member_i64(o, "period", g->period_ms);
	json_member_i64(o, "compare", g->compare);
	json_member_double(o, "threshold", g->threshold);
	json_member_bool(o, "missing_is_zero", g->missing_is_zero);
	json_member_bool(o, "candidate_series", g->candidate_series);
	json_out_key(o, "dimensions");
	add_dimensions(o, g);
	json_member_cstr(o, "url", g->url); /* its name has no query */
	json_member_cstr(o, "method", g->method);
	json_member_cstr(o, "contains", g->body_contains);
	json_member_i64(o, "expect", g->expect_status);
	json_member_i64(o, "timeout", g->timeout_ms);
	json_member_cstr(o, "payload", g->payload);
	json_out_end(o);
}

static void add_steps(struct json_out *o, const struct plan *p)
{
	json_out_array(o);
	for (size_t i = 0; i < p->n_steps; i++) {
		json_out_array(o);
		json_out_i64(o, p->steps[i].segment);
		json_out_i64(o, p->steps[i].weight_bp);
		json_out_i64(o, p->steps[i].watch_ms);
		json_out_bool(o, p->steps[i].approve);
		json_out_end(o);
	}
	json_out_end(o);
}

static void add_limits(struct json_out *o, const struct plan *p)
{
	json_member_i64(o, "bake", p->bake_ms);
	json_member_i64(o, "unknown_hold", p->unknown_hold_ms);
	json_member_i64(o, "unknown_then", p->unknown_then);
	json_member_bool(o, "on_guard", p->rollback_on_guard);
	json_member_bool(o, "on_timeout", p->rollback_on_timeout);
	json_member_bool(o, "on_abandon", p->rollback_on_abandon);
	json_member_i64(o, "keep_candidate", p->keep_candidate_ms);
	json_member_i64(o, "max_duration", p->max_duration_ms);
	json_member_i64(o, "prepare", p->prepare_ms);
	json_member_i64(o, "verify", p->verify_ms);
	json_member_i64(o, "mode", p->mode);
	json_member_cstr(o, "role", p->role_arn);
	/* said only where it is: rollouts that began before there was such a key keep theirs */
	if (p->busy_then != BUSY_WAIT)
		json_member_i64(o, "busy_then", p->busy_then);
	if (p->busy_wait_ms > 0)
		json_member_i64(o, "busy_wait", p->busy_wait_ms);
}

void plan_digest(struct plan *p)
{
	struct buf b;
	struct json_out o;

	/* the file's texts are LIMIT_PLAN_BYTES at most, and six times that when escaped */
	buf_init(&b, LIMIT_API_BODY);
	json_out_init(&o, &b);
	json_out_object(&o);
	json_out_key(&o, "target");
	plan_target_digest(&o, &p->target);
	json_out_key(&o, "steps");
	add_steps(&o, p);
	plan_segments_digest(&o, p);
	json_out_key(&o, "guards");
	json_out_array(&o);
	for (size_t i = 0; i < p->n_guards; i++)
		add_guard(&o, &p->guards[i]);
	json_out_end(&o);
	add_limits(&o, p);
	json_out_end(&o);
	assert(!b.over);
	sha256_hex(buf_str(&b), p->digest);
	buf_release(&b);
}
