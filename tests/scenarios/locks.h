#ifndef TESTS_SCENARIOS_LOCKS_H
#define TESTS_SCENARIOS_LOCKS_H

#include "tests/scenarios/scene.h"

/*
 * For scenes with several rollouts of one target: after every step none of the workers is at work
 * on it with two of them, and what was written to it was written by one rollout after the other.
 * All rollouts of the world have to be of the same target.
 */
struct locks {
	struct world w; /* first: a scene's world is its own */
	size_t n_calls; /* looked at so far */
	int writer;	/* the worker that wrote last; -1: none did */
	unsigned turns; /* how often another one began to write */
	/* the same of live traffic alone */
	int traffic_writer;
	unsigned traffic_turns;
	size_t n_splits;
	char trace[2000];
};

/* Set-up and tear-down; *state is the struct locks, which is also the world. */
int locks_set_up(void **state);
int locks_tear_down(void **state);
#define LOCKS(f) cmocka_unit_test_setup_teardown(f, locks_set_up, locks_tear_down)

/* No worker began to write again after another one had. n: how many have written at all. */
void locks_expect_turns(struct locks *l, unsigned n);

/* The second one began, beyond looking, only when the first was over; both have ended. */
void locks_expect_after(const struct sim_action *first, const struct sim_action *second);

/* An action type Deploy/Rollout/VERSION that worker i alone is asked for, or asks for, too. */
void locks_own_type(struct locks *l, int i, const char *version);
void locks_add_type(struct locks *l, int i, const char *version);
/* A pipeline of one action of that type, with these words of configuration. */
void locks_pipeline(struct locks *l, const char *name, const char *version, const char *words);

/* The last token of an action, and whether it has this text in it. */
bool locks_token_has(const struct sim_action *a, const char *text);

#endif
