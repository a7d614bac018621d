#ifndef TESTS_SCENARIOS_SCENE_H
#define TESTS_SCENARIOS_SCENE_H

#include "tests/scenarios/world.h"

/*
 * What the scenario tests share: a world a test, and checks that say what they saw. Include after
 * cmocka's headers' own needs; VERBOSE=1 in the environment logs what the workers do.
 */
#define MINUTE_MS 60000ll
#define HOUR_MS (60 * MINUTE_MS)

/*
 * Set-up and tear-down of a cmocka test; *state is the struct world. The tear-down checks that
 * every call made was one that the plans announce (calls.h).
 */
int scene_set_up(void **state);
int scene_tear_down(void **state);

/* Run the pipeline's action to its end, within half a day. */
const struct sim_action *scene_end(struct world *w, const char *pipeline);

/*
 * How it ended: status, failure type (NULL for a success), and words that stand in the message, or
 * in the summary of a success; the list ends with NULL.
 */
void scene_expect(const struct sim_action *a, const char *status, const char *failure, ...)
	__attribute__((sentinel));

/*
 * The shares the candidate got, in order, since the action began; percents, the list ends with
 * -1.
 */
void scene_expect_shares(struct world *w, const char *resource, const struct sim_action *a, ...);
/* The key of the source artifact of the pipeline's latest execution. */
const char *scene_source_key(struct world *w, const char *pipeline);
/* "lambda:NAME:live" */
const char *scene_alias(struct world *w, const char *name);

/* Nothing but reading before the first token was accepted; nothing at all when there was none. */
void scene_expect_only_reads_before_token(struct world *w, const struct sim_action *a);
/* No call that writes was made before this moment. */
void scene_expect_no_writes_before(struct world *w, struct utc at);
/* No call that writes was ever made since the action began. */
void scene_expect_no_writes(struct world *w, const struct sim_action *a);

/* Until the candidate has at least this share of the alias or rule. */
void scene_run_until_share(struct world *w, const char *resource, double percent);
/* Until the latest action of the pipeline has this word in its summary. */
void scene_run_until_summary(struct world *w, const char *pipeline, const char *word);

/* The report of the only rollout that a worker knows; it lives in the world's arena. */
struct report;
void scene_report(struct world *w, int worker, struct report *out);

#endif
