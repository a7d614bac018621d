#ifndef TESTS_SIMULATION_COURT_H
#define TESTS_SIMULATION_COURT_H

#include "tests/simulation/judge.h"

/*
 * A judge with one target and one rollout that has its undo record, and what may happen to them:
 * for the tests of the judge. Times are milliseconds, shares percent. Include after cmocka.h.
 */
#define BLUE 1u /* serves when it begins */
#define GREEN 2u
#define S 1000ll
#define M (60 * S)

struct court {
	struct judge j;
	struct judge_rollout *r;
	int site;
	int64_t now;
};

/* A new case; there is one at a time. */
struct court *court_convene(void);

/* GREEN has so much, and BLUE the rest. */
struct judge_shares court_shares(double green);
/* An act for this decision, which asks for so much, with nothing wrong about it. */
struct judge_act court_act(const struct court *c, enum decision_kind kind, double percent);

/* The alarm is red or not, and worker 0 was told: OK, ALARM, or neither. */
void court_told(struct court *c, bool ok, bool red);
/* Act, and what came of it; then it is read back. */
void court_make(struct court *c, const struct judge_act *a, double green);
void court_step(struct court *c, double percent);
void court_promote(struct court *c);
void court_restore(struct court *c);
/* A watch with an alarm that is OK all the time. */
void court_watch(struct court *c, int64_t ms);
/* The end, as CodePipeline accepts it. */
void court_report(struct court *c, bool good, const char *message);

/* This one was found broken first; or none. */
void court_expect(const struct court *c, enum invariant i);
void court_expect_nothing(const struct court *c);

#endif
