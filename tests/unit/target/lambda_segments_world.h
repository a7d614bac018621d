#ifndef TESTS_UNIT_TARGET_LAMBDA_SEGMENTS_WORLD_H
#define TESTS_UNIT_TARGET_LAMBDA_SEGMENTS_WORLD_H

#include "tests/unit/target/lambda_world.h"
#include "worker/target/lambda_segments.h"

/* Aliases of segments, as Lambda tells of them. */

#define ALIASES "/functions/checkout/aliases"
#define POLICY "/functions/checkout/policy?Qualifier=live-staff"
#define UNDO_SEGMENTS "{\"t\":\"lambda\",\"f\":\"checkout\",\"a\":\"live\",\"v\":\"7\",\"s\":true}"
#define STAFF 1u
#define ROLE "arn:aws:iam::111122223333:role/staff"
#define USER "arn:aws:iam::111122223333:user/robot"
#define OURS "rollout-worker r-1 segment staff"

static inline int segments_set_up(void **state)
{
	struct world *w;

	lambda_world_set_up(state);
	w = *state;
	w->env.rollout_id = "r-1";
	w->plan.n_segments = 1;
	w->plan.segments[0] = (struct plan_segment){
		.name = "staff", .place = "staff", .principals = {ROLE, USER}, .n_principals = 2};
	w->plan.n_steps = 2;
	w->plan.steps[0] = (struct plan_step){.segment = 0, .watch_ms = 600000};
	w->plan.steps[1] = (struct plan_step){.segment = -1, .weight_bp = 500};
	str_copy(w->state.undo, sizeof(w->state.undo), STR(UNDO_SEGMENTS));
	set_candidate(w, CANDIDATE_8);
	w->state.phase = PHASE_WATCH;
	return 0;
}

static inline const char *one_alias(struct world *w, const char *name, const char *version,
				    const char *description)
{
	return arena_printf(w->f->arena,
			    "{\"Name\":\"%s\",\"FunctionVersion\":\"%s\",\"Description\":\"%s\","
			    "\"RevisionId\":\"x\"}",
			    name, version, description);
}

/* A policy with these statements, "id=principal id=principal". */
static inline const char *policy(struct world *w, const char *statements)
{
	struct str rest = str_from(statements), item, id;
	const char *text = "", *separator = "";

	while (str_next(&rest, ' ', &item)) {
		assert_true(str_next(&item, '=', &id));
		text = arena_printf(w->f->arena,
				    "%s%s{\\\"Sid\\\":\\\"" STR_FMT
				    "\\\",\\\"Effect\\\":\\\"Allow\\\",\\\"Principal\\\":{"
				    "\\\"AWS\\\":\\\"" STR_FMT
				    "\\\"},\\\"Action\\\":\\\"lambda:InvokeFunction\\\","
				    "\\\"Resource\\\":\\\"x\\\"}",
				    text, separator, STR_ARG(id), STR_ARG(item));
		separator = ",";
	}
	return arena_printf(w->f->arena, "{\"Policy\":\"{\\\"Statement\\\":[%s]}\"}", text);
}

#define WHOLE "r-1-0=" ROLE " r-1-1=" USER

/* The alias live, with these weights; the alias of the segment, NULL for none; its policy. */
static inline void lambda_is(struct world *w, const char *version, const char *weights,
			     const char *other, const char *statements)
{
	forget_routes(w);
	route(w, "GET", ALIASES "/live", 200, alias(w, version, weights));
	route(w, "GET", ALIASES "?", 200,
	      arena_printf(w->f->arena, "{\"Aliases\":[%s%s%s]}", alias(w, version, weights),
			   other ? "," : "", other ? other : ""));
	if (statements[0])
		route(w, "GET", POLICY, 200, policy(w, statements));
	else
		not_found(w, POLICY);
	route(w, "GET", CONFIGURATION, 200, configuration(w, "7", ",\"State\":\"Active\""));
	route(w, "PUT", ALIASES "/live", 200, alias(w, version, weights));
	route(w, "POST", ALIASES, 201, one_alias(w, "live-staff", "8", OURS));
	route(w, "POST", "/policy", 201, "{\"Statement\":\"{}\"}");
	route(w, "DELETE", "/policy/", 204, "");
	route(w, "DELETE", ALIASES "/live-staff", 204, "");
}

#endif
