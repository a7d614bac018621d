#ifndef TESTS_FAULTS_SWEEP_H
#define TESTS_FAULTS_SWEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/scenarios/world.h"

/*
 * One rollout with one fault in it: the n-th call to AWS goes wrong in one of many ways, and
 * whatever happens then, the rollout has to end well. A sweep repeats that for every n.
 */

/* The simulator's faults, and what a crash can mean besides a quick restart. */
enum sweep_kind {
	SWEEP_LATE_BEFORE = SIM_FAULT_COUNT, /* crash; the worker comes back after 25 minutes */
	SWEEP_LATE_AFTER,
	SWEEP_LOST_BEFORE, /* crash; the disk with the ledger is gone */
	SWEEP_LOST_AFTER,
	SWEEP_CHAOS, /* one fault of any kind after the other; n decides which and when */
	SWEEP_KIND_COUNT
};

/* What a sweep has to know of one kind of target and one way of moving its traffic. */
struct sweep_target {
	const char *name;
	/* World and pipeline SWEEP_NAME, with this strategy and an alarm SWEEP_NAME-errors. */
	void (*set_up)(struct world *w, const char *strategy, bool bad);
	/* Push the release. */
	void (*push)(struct world *w, bool bad);
	/* Whose splits count, in the simulator's record; in the world's arena. */
	const char *(*resource)(struct world *w);
	/* The candidate's share after this change of it, percent; negative when it says nothing. */
	double (*share_of)(const struct sim_split *s);
	struct world_live (*live)(struct world *w);
	/*
	 * What has to be as it was when a rollout has gone back, as text in the world's arena:
	 * compared before the release and after it. NULL: the live split says it all.
	 */
	const char *(*belongings)(struct world *w);
	/* A rollout of many calls: by default only every n-th of the usual places; 0: all. */
	unsigned sparse;
};
extern const struct sweep_target sweep_lambda, sweep_load_balancer;
extern const struct sweep_target sweep_beanstalk_clone, sweep_beanstalk_splitting;
extern const struct sweep_target sweep_lambda_segments, sweep_load_balancer_segments;
extern const struct sweep_target sweep_auto_scaling_copy, sweep_auto_scaling_twin;
extern const struct sweep_target sweep_ecs_native, sweep_ecs_two;

#define SWEEP_NAME "shop"
#define SWEEP_SEGMENTS "canary @staff 2m, 20% 2m bake 2m" /* the strategy of those with segments */

struct sweep_case {
	const char *name;
	const struct sweep_target *target;
	const char *strategy; /* NULL: the usual short canary */
	double first_step;    /* percent: a bad release never gets more */
	bool bad;	      /* the release is bad */
	unsigned sparse;      /* so much sparser than its target asks for; 0: no more than that */
};

struct sweep_run {
	const struct sweep_case *c;
	uint64_t seed, n; /* n 0: no fault */
	int kind;	  /* enum sim_fault or sweep_kind */
	int times;	  /* that many calls in a row */
};

struct sweep_result {
	bool hit;	    /* the fault has happened */
	uint64_t calls;	    /* calls until the action was over */
	bool succeeded;	    /* the action */
	char problem[4096]; /* "" when everything is as it must be */
	char status[3000];  /* what became of the action, for people */
};

const char *sweep_kind_name(int kind);

/* Run it in a world of its own and check everything. log_fd -1: silent. */
void sweep_run(const struct sweep_run *run, int log_fd, struct sweep_result *out);

#endif
