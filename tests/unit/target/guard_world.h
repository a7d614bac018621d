#ifndef TESTS_UNIT_TARGET_GUARD_WORLD_H
#define TESTS_UNIT_TARGET_GUARD_WORLD_H

#include "tests/unit/target/lambda_world.h"
#include "worker/guard/guard.h"

/* A rollout of a Lambda function at version 8, and guards asked about it. */

#define MINUTE_MS 60000ll

static struct alarm_board *board; /* of the test that runs */

static inline int guard_set_up(void **state)
{
	struct world *w;

	lambda_world_set_up(state);
	w = *state;
	board = alarm_board_new();
	set_candidate(w, CANDIDATE_8);
	w->plan.verify_ms = 30 * MINUTE_MS;
	w->state.phase = PHASE_WATCH;
	return 0;
}

static inline int guard_tear_down(void **state)
{
	alarm_board_free(board);
	return world_tear_down(state);
}

static inline struct guard_env env_of(struct world *w)
{
	return (struct guard_env){
		.target = &w->env, .ops = &target_lambda, .alarms = board, .max_age_ms = 0};
}

static inline struct verdict ask(struct world *w, const struct plan_guard *g, uint8_t *failures)
{
	struct guard_env env = env_of(w);
	struct target_observation o = {.live = LIVE_SPLIT};
	struct verdict v = {.kind = VERDICT_ERROR};
	uint8_t none = 0;

	w->f->now.ms += 1000; /* no look is like another */
	if (guard_of(g->kind)->ask(&env, g, &w->state, &o, failures ? failures : &none, &v,
				   &w->err))
		fail_msg("%s", w->err.text);
	return v;
}

static inline void check(struct world *w, const struct plan_guard *g)
{
	struct guard_env env = env_of(w);

	problems_init(&w->problems, w->f->arena);
	w->f->now.ms += 1000;
	if (guard_of(g->kind)->check(&env, g, &w->problems, &w->err))
		fail_msg("%s", w->err.text);
}

static inline void expect(struct verdict v, enum verdict_kind kind, const char *words)
{
	if (v.kind != kind || !strstr(v.text, words))
		fail_msg("%s: %s, not %s: %s", verdict_name(v.kind), v.text, verdict_name(kind),
			 words);
	assert_in_range(v.at.ms, 1767323045000, 1767323045000 + 86400000);
}

static inline void expect_canceled(struct world *w, const struct plan_guard *g)
{
	struct guard_env env = env_of(w);
	struct cancel *cancel = cancel_new();
	struct target_observation o = {.live = LIVE_SPLIT};
	struct verdict v;
	uint8_t none = 0;

	cancel_fire(cancel);
	w->env.client.cancel = cancel;
	assert_int_equal(guard_of(g->kind)->ask(&env, g, &w->state, &o, &none, &v, &w->err), -1);
	assert_int_equal(w->err.code, ERR_CANCELED);
	w->env.client.cancel = NULL;
	cancel_free(cancel);
}

#endif
