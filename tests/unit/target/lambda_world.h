#ifndef TESTS_UNIT_TARGET_LAMBDA_WORLD_H
#define TESTS_UNIT_TARGET_LAMBDA_WORLD_H

#include "tests/unit/target/routes.h"

/* A function "checkout" whose alias "live" stands at version 7, and what Lambda says about it. */

#define FUNCTION "arn:aws:lambda:eu-central-1:111122223333:function:checkout"
#define CONFIGURATION "/functions/checkout/configuration"
#define ALIAS "/functions/checkout/aliases/live"
#define UNDO_7 "{\"t\":\"lambda\",\"f\":\"checkout\",\"a\":\"live\",\"v\":\"7\"}"
#define UNDO_FIRST "{\"t\":\"lambda\",\"f\":\"checkout\",\"a\":\"live\"}"
#define CANDIDATE_8 "{\"s\":\"c2hh\",\"v\":\"8\"}"
#define NO_ALIAS "{\"Message\":\"Alias not found: live\"}"
#define NOT_FOUND "x-amzn-ErrorType: ResourceNotFoundException\n"

/* version, and more members: ",\"State\":\"Active\"". */
static inline const char *configuration(struct world *w, const char *version, const char *more)
{
	return arena_printf(w->f->arena,
			    "{\"FunctionName\":\"checkout\",\"FunctionArn\":\"" FUNCTION
			    ":%s\",\"Version\":\"%s\",\"PackageType\":\"Zip\",\"Role\":\"arn:r\","
			    "\"RevisionId\":\"function-1\"%s}",
			    version, version, more);
}

static inline const char *alias(struct world *w, const char *version, const char *weights)
{
	return arena_printf(w->f->arena,
			    "{\"Name\":\"live\",\"AliasArn\":\"" FUNCTION
			    ":live\",\"FunctionVersion\":\"%s\",\"RevisionId\":\"rev-1\","
			    "\"RoutingConfig\":{\"AdditionalVersionWeights\":{%s}}}",
			    version, weights);
}

static inline struct route *not_found(struct world *w, const char *words)
{
	struct route *r = route(w, "GET", words, 404, NO_ALIAS);

	r->headers = NOT_FOUND;
	return r;
}

static inline int lambda_world_set_up(void **state)
{
	struct world *w;

	world_set_up(state);
	w = *state;
	w->plan.target = (struct plan_target){.kind = TARGET_LAMBDA,
					      .lambda = {.function = "checkout", .alias = "live"}};
	w->plan.n_steps = 1;
	w->plan.steps[0] = (struct plan_step){.segment = -1, .weight_bp = 500, .watch_ms = 600000};
	str_copy(w->state.id, sizeof(w->state.id), STR("r-1"));
	str_copy(w->state.undo, sizeof(w->state.undo), STR(UNDO_7));
	return 0;
}

static inline void set_candidate(struct world *w, const char *text)
{
	str_copy(w->state.candidate, sizeof(w->state.candidate), str_from(text));
}

#endif
