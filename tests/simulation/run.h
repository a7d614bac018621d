#ifndef TESTS_SIMULATION_RUN_H
#define TESTS_SIMULATION_RUN_H

#include "tests/simulation/judge.h"
#include "tests/simulation/script.h"

/*
 * One run: the world that its seed draws, from its first push until every pipeline is over and had
 * time to settle, under the eyes of the judge.
 */
enum run_end { RUN_SUCCEEDED, RUN_FAILED, RUN_STOPPED, RUN_OTHER, RUN_ENDS };

struct run_pipe {
	enum site_kind kind;
	enum run_end end;
};

struct run_result {
	bool failed;
	enum invariant broken;
	char problem[400];
	int64_t problem_ms; /* after the begin */
	uint64_t digest;    /* of everything that happened, in order */
	struct run_pipe pipes[SCRIPT_PIPES_MAX];
	int n_pipes;
	bool calm;
	uint64_t checks[INVARIANT_COUNT], faults[FAULT_SORTS];
	uint64_t calls;
	int64_t virtual_ms;
	int most_calls;
	int64_t reactions_ms[JUDGE_SAMPLES_MAX];
	bool reaction_slow[JUDGE_SAMPLES_MAX];
	int n_reactions;
};

struct run_options {
	bool verbose; /* every event to standard error */
};

void run_seed(uint64_t seed, const struct run_options *o, struct run_result *out);

#endif
