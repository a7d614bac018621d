#ifndef TESTS_SIMULATION_SCRIPT_H
#define TESTS_SIMULATION_SCRIPT_H

#include <stdio.h>

#include "aws/core/rng.h"
#include "tests/simulation/site.h"

/*
 * What a run is about, drawn from its seed: workers, targets, pipelines with their releases, and
 * which faults are on. Nothing is decided later but the moments at which faults strike.
 */
#define SCRIPT_SITES_MAX 3
#define SCRIPT_PIPES_MAX 4

/* How a release goes. */
enum goodness {
	RELEASE_GOOD,
	RELEASE_BAD,	  /* from its first request */
	RELEASE_BAD_STEP, /* once it has the share of its second step */
	RELEASE_BAD_BAKE, /* once it has everything */
	RELEASE_COUNT
};

/* What a pipeline consists of. */
enum shape {
	SHAPE_DEPLOY,
	SHAPE_PROMOTE,	/* start, an approval, promote */
	SHAPE_REJECT,	/* the same, and the approval is not given */
	SHAPE_ROLLBACK, /* start, an approval, roll back */
	SHAPE_COUNT
};

struct script_pipe {
	char name[16];
	int site;
	enum shape shape;
	enum goodness goodness;
	char strategy[96];    /* in one line */
	double first, second; /* percent: its first two steps; 100 where there is no second */
	bool metric, health, short_hold; /* further guards; unknown is held for 3 minutes only */
	int64_t push_ms;		 /* after the run's begin */
	int64_t approve_ms;		 /* after the approval is asked for */
};

/* Sorts of faults. Those of calls have a probability for each call, others one for each minute. */
#define FAULTS(X)                                             \
	/* of calls */                                        \
	X(LOST_REQUEST, "lost request", 0.10)                 \
	X(LOST_REPLY, "lost reply after the effect", 0.10)    \
	X(DUPLICATE, "duplicate delivery", 0.10)              \
	X(DELAY, "delay", 0.30)                               \
	X(SERVER_ERROR, "server error", 0.15)                 \
	X(GARBAGE, "answer that is nonsense", 0.02)           \
	X(EXPIRED, "credentials expired mid-call", 0.05)      \
	X(CRASH, "SIGKILL in a call", 0.02)                   \
	X(STALE, "stale read after write", 0.30)              \
	/* of minutes */                                      \
	X(STORM, "throttle storm", 0.20)                      \
	X(CLOCK, "clock step", 0.30)                          \
	X(FLAP, "alarm flaps", 0.20)                          \
	X(SILENT, "alarm goes silent", 0.25)                  \
	X(HAND, "weights changed by hand", 0.10)              \
	X(DELETED, "target deleted", 0.04)                    \
	X(STOPPED, "execution stopped", 0.08)                 \
	X(ABANDONED, "execution abandoned", 0.08)             \
	X(KILL, "SIGKILL between calls", 0.20)                \
	X(RESTART, "graceful restart", 0.15)                  \
	X(LOST_LEDGER, "instance lost with its ledger", 0.10) \
	X(DISK_FULL, "disk full", 0.20)                       \
	X(TORN, "torn ledger write", 0.50)                    \
	/* of the service, all the time: on or off */         \
	X(REDELIVERED, "jobs redelivered", 1)                 \
	X(LATE, "continuations late", 1)

enum fault_sort {
#define X(name, text, most) FAULT_##name,
	FAULTS(X)
#undef X
		FAULT_SORTS
};
const char *fault_sort_name(enum fault_sort f);

struct script {
	uint64_t seed;
	int n_workers, n_sites, n_pipes;
	struct site sites[SCRIPT_SITES_MAX];
	struct script_pipe pipes[SCRIPT_PIPES_MAX];
	double rate[FAULT_SORTS]; /* 0: off in this run */
	bool calm;		  /* all of them are off */
	int64_t skew_ms[3];	  /* of each worker's clock, to begin with */
	double yields;		  /* share of calls at which other workers may come first */
	int64_t clears_ms;	  /* from then on nothing goes wrong any more */
	bool signatures, debug;	  /* signatures are checked; the log has every call */
	int64_t tick_ms, hold_ms, poll_ms;
};

void script_draw(struct script *s, uint64_t seed);
/* For people, in a few lines. */
void script_print(const struct script *s, FILE *to);
bool script_is_on(const struct script *s, enum fault_sort f);

#endif
