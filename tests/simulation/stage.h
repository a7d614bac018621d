#ifndef TESTS_SIMULATION_STAGE_H
#define TESTS_SIMULATION_STAGE_H

#include "tests/faults/disk.h"
#include "tests/simulation/fleet.h"
#include "tests/simulation/run.h"

/*
 * A run from inside; for run.c, weather.c and witness.c and secrets.c alone. run.c drives,
 * weather.c is what goes wrong, the others tell the judge what happened.
 */
#define STAGE_ACTIONS_MAX 3 /* of a pipeline, that are ours */
#define STAGE_SECRETS_MAX 400
#define STAGE_OWNERS_MAX 1024

struct stage_site {
	const struct site *site;
	const char *resource, *alarm, *belongings;
	int number; /* the judge's */
	struct {
		uint64_t who;
		char name[200];
	} sides[JUDGE_SIDES_MAX]; /* what the record of splits calls them */
	int n_sides;
	int64_t silent_until_ms;
	bool retired; /* a rollout has begun to remove what served before */
};

struct stage_pipe {
	const struct script_pipe *script;
	const char *actions[STAGE_ACTIONS_MAX];
	int n_actions;
	size_t n_reports[STAGE_ACTIONS_MAX]; /* seen */
	char execution[RNG_UUID_SIZE];
	bool pushed, over, stopped, turned, decided;
	int64_t approval_asked_ms; /* 0: not yet */
};

struct stage {
	struct script script;
	struct run_options o;
	struct world w;
	struct fleet *fleet;
	struct judge judge;
	int64_t begin_ms;
	struct rng_seeded order, dice; /* of turns; of faults */
	struct stage_site sites[SCRIPT_SITES_MAX];
	struct stage_pipe pipes[SCRIPT_PIPES_MAX];
	struct arena *arena;
	struct log *log;
	int log_fd;
	uint64_t digest, calls;
	size_t n_splits; /* seen */

	/* weather */
	bool clear; /* nothing goes wrong any more */
	int64_t next_ms, storm_until_ms, full_until_ms[WORLD_WORKERS_MAX];
	bool lose[WORLD_WORKERS_MAX]; /* its ledger, when it dies */
	bool long_outage, lost_ledger, disk_was_full, lost_job;
	struct disk *disks[WORLD_WORKERS_MAX]; /* NULL: a disk that works */
	uint64_t faults[FAULT_SORTS];

	/* witness */
	struct {
		char job[RNG_UUID_SIZE];
		int worker;
	} owners[STAGE_OWNERS_MAX];
	int n_owners;
	char *secrets[STAGE_SECRETS_MAX];
	int n_secrets;
};

int64_t stage_now(const struct stage *s);
/* A line of the trace, and a part of the digest. */
void stage_trace(struct stage *s, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* A command of the simulator that may be refused: what it is about may be gone. */
bool stage_try(struct stage *s, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* --- weather.c ------------------------------------------------------------------------------ */
void weather_begin(struct stage *s);
/* What happens between calls; when something may next. */
void weather_tick(struct stage *s);
int64_t weather_next(const struct stage *s);
void weather_clear(struct stage *s);
void weather_end(struct stage *s); /* every worker is dead */
void weather_before(struct stage *s, struct fleet_call *c);
void weather_after(struct stage *s, const struct fleet_call *c);
void weather_killed(struct stage *s, int worker);
void weather_died(struct stage *s, int worker);

/* --- witness.c ------------------------------------------------------------------------------ */
void witness_begin(struct stage *s);
/* Splits that were recorded and not looked at yet: who changed them. */
void witness_splits(struct stage *s, enum judge_cause cause);
void witness_call(struct stage *s, const struct fleet_call *c);
void witness_step(struct stage *s);
void witness_died(struct stage *s, int worker);
/* When all is over: what is left, and what was written. */
void witness_end(struct stage *s);
/* The candidate of a target has this share, and this name. */
double witness_candidate(struct stage *s, int site, const char **name);

/* --- secrets.c ------------------------------------------------------------------------------ */
void secrets_learn(struct stage *s, const struct fleet_call *c);
void secrets_check_file(struct stage *s, const char *where, int fd);
void secrets_check_ledger(struct stage *s, int worker);
void secrets_check_reports(struct stage *s, const struct sim_action *a);

#endif
