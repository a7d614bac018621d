#include "worker/rollout/plan_reader.h"

#include <string.h>

/*
 * What only the whole plan can show: the mistakes people make most, caught before anything is
 * touched.
 */

#define MAX_DURATION_MS (24 * 3600000ll) /* CodePipeline ends a custom action after 24 hours */
#define LEAST_DURATION_MS 300000ll

static const char *place_of(const struct plan_reader *r, const char *what)
{
	return r->file ? arena_printf(r->a, "%s: %s", r->file, what) : what;
}

static void check_steps(struct plan_reader *r)
{
	const struct plan *p = r->plan;
	char before[WEIGHT_TEXT_SIZE], weight[WEIGHT_TEXT_SIZE];

	for (size_t i = 1; i < p->n_steps; i++) {
		if (p->steps[i].weight_bp > p->steps[i - 1].weight_bp)
			continue;
		weight_format(p->steps[i - 1].weight_bp, before);
		weight_format(p->steps[i].weight_bp, weight);
		problem_add(r->problems,
			    place_of(r, arena_printf(r->a, "strategy, step %zu", i + 1)), weight,
			    "the weight must rise; the step before has %s", before);
	}
}

static void check_guards(struct plan_reader *r)
{
	const struct plan *p = r->plan;
	unsigned in = 0;
	size_t n_steps_watched = 0;

	for (size_t i = 0; i < p->n_guards; i++)
		in |= p->guards[i].in;
	for (size_t i = 0; i < p->n_steps; i++)
		n_steps_watched += p->steps[i].watch_ms > 0;
	if (p->n_guards == 0) {
		problem_add(r->problems, place_of(r, "guards"), NULL,
			    "no guard at all: nothing would notice a bad release; name at least one "
			    "alarm in Alarms, or guards in the plan");
		return;
	}
	if (!(in & GUARD_IN_WATCH))
		problem_add(r->problems, place_of(r, "guards"), NULL,
			    "no guard is asked while traffic moves; give one of them in: [watch, bake]");
	if (p->bake_ms > 0 && !(in & GUARD_IN_BAKE))
		problem_add(r->problems, place_of(r, "guards"), NULL,
			    "there is a bake time, but no guard is asked in it; give one in: [bake]");
	if (!(in & GUARD_IN_VERIFY))
		problem_warn(r->problems, place_of(r, "guards"), NULL,
			     "nothing verifies the candidate before it gets traffic; add a probe or "
			     "an invoke guard in: verify");
	if (n_steps_watched == 0 && p->bake_ms == 0)
		problem_warn(r->problems, place_of(r, "strategy"), NULL,
			     "no step is watched and there is no bake time: guards get a single look");
}

static void check_time(struct plan_reader *r)
{
	const struct plan *p = r->plan;
	int64_t least = plan_least_ms(p);
	char needs[DURATION_TEXT_SIZE], has[DURATION_TEXT_SIZE];

	duration_format(p->max_duration_ms, has);
	if (p->max_duration_ms < LEAST_DURATION_MS || p->max_duration_ms > MAX_DURATION_MS)
		problem_add(r->problems, place_of(r, "MaxDuration"), has,
			    "from 5m to 24h: CodePipeline ends a custom action after 24 hours");
	/* a tenth is kept for going back */
	if (least > p->max_duration_ms - p->max_duration_ms / 10) {
		duration_format(least, needs);
		problem_add(r->problems, place_of(r, "strategy"), needs,
			    "the steps take longer than the budget of %s leaves after a tenth for "
			    "going back; shorten them or raise MaxDuration", has);
	}
}

void plan_check(struct plan_reader *r)
{
	struct plan *p = r->plan;

	if (!r->has_target)
		problem_add(r->problems, place_of(r, "Target"), NULL,
			    "no target; write lambda:FUNCTION:ALIAS or load-balancer:ARN, or a "
			    "target in the plan file");
	if (!r->has_strategy)
		problem_add(r->problems, place_of(r, "Strategy"), NULL,
			    "no strategy; for example canary 5%% 10m, 25%% 10m, 50%% 10m");
	if (p->mode != MODE_DEPLOY)
		problem_add(r->problems, "Mode", NULL,
			    "only deploy is available in this version");
	check_steps(r);
	check_guards(r);
	check_time(r);
}
