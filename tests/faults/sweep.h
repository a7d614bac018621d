#ifndef TESTS_FAULTS_SWEEP_H
#define TESTS_FAULTS_SWEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/sim/sim.h"

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

struct sweep_case {
	const char *name;
	bool load_balancer; /* else Lambda */
	bool bad;	    /* the release is bad */
	double first_step;  /* percent: a bad release never gets more */
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
	char problem[1024]; /* "" when everything is as it must be */
	char status[600];   /* what became of the action, for people */
};

const char *sweep_kind_name(int kind);

/* Run it in a world of its own and check everything. log_fd -1: silent. */
void sweep_run(const struct sweep_run *run, int log_fd, struct sweep_result *out);

#endif
