#include "worker/rollout/plan_reader.h"

/*
 * What only the whole plan can show: the mistakes people make most, caught before anything is
 * touched.
 */

#define MAX_DURATION_MS (24 * 3600000ll) /* CodePipeline ends a custom action after 24 hours */
#define LEAST_DURATION_MS 300000ll
#define RESERVE_MOST_MS 600000ll /* as rollout_decide() keeps it */

static const char *place_of(const struct plan_reader *r, const char *what)
{
	return r->file ? arena_printf(r->a, "%s: %s", r->file, what) : what;
}

static void check_steps(struct plan_reader *r)
{
	const struct plan *p = r->plan;
	char before[WEIGHT_TEXT_SIZE], weight[WEIGHT_TEXT_SIZE];
	int highest = 0;

	for (size_t i = 0; i < p->n_steps; i++) {
		/* a segment's is not its own; and what is 0 has its problem already */
		if (p->steps[i].segment >= 0 || p->steps[i].weight_bp == 0)
			continue;
		if (p->steps[i].weight_bp <= highest) {
			weight_format(highest, before);
			weight_format(p->steps[i].weight_bp, weight);
			problem_add(r->problems,
				    arena_printf(r->a, "%s, step %zu", r->strategy_place, i + 1),
				    weight, "the weight must rise; a step before has %s", before);
		} else {
			highest = p->steps[i].weight_bp;
		}
	}
}

static void check_coverage(struct plan_reader *r, unsigned in)
{
	const struct plan *p = r->plan;
	int64_t watched = p->bake_ms;

	for (size_t i = 0; i < p->n_steps; i++)
		watched += p->steps[i].watch_ms;
	if (!(in & GUARD_IN_WATCH))
		problem_add(r->problems, place_of(r, "guards"), NULL,
			    "no guard is asked while traffic moves; give one of them in: [watch, "
			    "bake]");
	if (p->bake_ms > 0 && !(in & GUARD_IN_BAKE))
		problem_add(r->problems, place_of(r, "guards"), NULL,
			    "there is a bake time, but no guard is asked in it; give one in: "
			    "[bake]");
	if (!(in & GUARD_IN_VERIFY))
		problem_warn(r->problems, place_of(r, "guards"), NULL,
			     "nothing verifies the candidate before it gets traffic; add a probe "
			     "or an invoke guard in: verify");
	if (p->n_steps > 0 && watched == 0)
		problem_warn(r->problems, r->strategy_place, NULL,
			     "no step is watched and there is no bake time: guards get a single "
			     "look; add bake 15m, say");
}

static void check_guards(struct plan_reader *r)
{
	const struct plan *p = r->plan;
	unsigned in = 0;

	for (size_t i = 0; i < p->n_guards; i++)
		in |= p->guards[i].in;
	if (p->n_guards > 0)
		check_coverage(r, in);
	else if (!r->has_bad_guard && !r->is_unreadable)
		problem_add(r->problems, place_of(r, "guards"), NULL,
			    "no guard at all: nothing would notice a bad release; name at least "
			    "one alarm in Alarms, or guards in the plan");
}

static void check_time(struct plan_reader *r)
{
	const struct plan *p = r->plan;
	int64_t least = plan_longest_action_ms(p), reserve = p->max_duration_ms / 10;
	char needs[DURATION_TEXT_SIZE], has[DURATION_TEXT_SIZE], kept[DURATION_TEXT_SIZE];

	duration_format(p->max_duration_ms, has);
	if (p->max_duration_ms < LEAST_DURATION_MS || p->max_duration_ms > MAX_DURATION_MS)
		problem_add(r->problems, r->budget_place, has,
			    "write 5m to 24h: CodePipeline ends a custom action after 24 hours");
	if (reserve > RESERVE_MOST_MS)
		reserve = RESERVE_MOST_MS;
	if (least > p->max_duration_ms - reserve) {
		duration_format(least, needs);
		duration_format(reserve, kept);
		problem_add(r->problems, r->strategy_place, needs,
			    "the steps take longer than the budget of %s, of which %s are kept for "
			    "going back; shorten them or raise MaxDuration",
			    has, kept);
	}
}

static void check_busy(struct plan_reader *r)
{
	const struct plan *p = r->plan;
	char wait[DURATION_TEXT_SIZE], has[DURATION_TEXT_SIZE];

	if (p->busy_wait_ms == 0)
		return;
	duration_format(p->busy_wait_ms, wait);
	duration_format(p->max_duration_ms, has);
	if (p->busy_then == BUSY_FAIL)
		problem_warn(r->problems, r->busy_place, wait,
			     "with then: fail nothing is waited for; leave wait_at_most out");
	else if (p->busy_wait_ms > p->max_duration_ms)
		problem_warn(r->problems, r->busy_place, wait,
			     "longer than the action's budget of %s, which counts waiting, too",
			     has);
}

void plan_check(struct plan_reader *r)
{
	if (!r->has_target && !r->is_unreadable)
		problem_add(
			r->problems, place_of(r, "Target"), NULL,
			"no target; write lambda:FUNCTION:ALIAS or load-balancer:ARN, say, or a "
			"target in the plan file");
	if (!r->has_strategy && !r->is_unreadable)
		problem_add(r->problems, place_of(r, "Strategy"), NULL,
			    "no strategy; for example canary 5%% 10m, 25%% 10m, 50%% 10m");
	check_steps(r);
	plan_segments_check(r);
	check_guards(r);
	check_time(r);
	check_busy(r);
	plan_target_check(r);
}
