#ifndef TESTS_SIMULATION_FLEET_H
#define TESTS_SIMULATION_FLEET_H

#include "tests/scenarios/world.h"
#include "tests/simulation/fiber.h"

/*
 * The workers of a world, whose turns overlap: each turn runs on a stack of its own, and wherever
 * it calls out it may have to wait while others go on. What is due at the same moment comes in an
 * order that the seed decides. Every worker has seams of its own: its clock may be wrong, its
 * calls may meet a fault, and it can be killed in the middle of one.
 */
struct fleet;
struct rollout;

/* One call to AWS on its way. */
struct fleet_call {
	int worker;
	const struct rollout *rollout; /* whose turn it is; NULL: nobody's */
	const struct http_request *request;
	/* what becomes of it: decided by before() */
	enum sim_fault fault;
	int64_t wait_before_ms, wait_after_ms; /* on its way there, and back */
	bool yields;			       /* others may come first though no time passes */
	/* what was seen of it, for after() */
	const struct sim_call *call; /* NULL: it never arrived */
	const struct http_response *response;
	size_t first_split; /* splits recorded from here on are this call's */
	int rc;
};

struct fleet_ops {
	/* A call is about to leave. */
	void (*before)(void *arg, struct fleet_call *c);
	/* It has been delivered, or lost; its answer is still on its way. */
	void (*after)(void *arg, const struct fleet_call *c);
	/* A worker is being killed: what it does from here on reaches nobody and nothing. */
	void (*killed)(void *arg, int worker);
	/* A worker has died, and its files lie there: what becomes of them. */
	void (*died)(void *arg, int worker);
	/* Its ledger could not be opened. */
	void (*unstartable)(void *arg, int worker, const struct err *why);
	void *arg;
};

struct fleet *fleet_new(struct world *w, int n, struct rng *order, const struct fleet_ops *ops);
void fleet_free(struct fleet *f); /* every worker is dead then */

/* Worker i is started at this moment. */
void fleet_start_at(struct fleet *f, int i, int64_t at_ms);
/* SIGKILL, wherever it is, also in the middle of a call; it comes back at that moment. */
void fleet_kill(struct fleet *f, int i, int64_t back_at_ms);
/* SIGTERM; then as after a kill. What has not ended after its stop_ms is killed. */
void fleet_stop(struct fleet *f, int i, int64_t back_at_ms);
bool fleet_is_up(const struct fleet *f, int i);
/* Its clock is wrong by so much from now on. */
void fleet_set_skew(struct fleet *f, int i, int64_t ms);
int64_t fleet_skew(const struct fleet *f, int i);

/*
 * One thing happens: a turn begins or goes on, a worker dies or comes back, or time moves to the
 * next such moment, never beyond end_ms.
 */
void fleet_step(struct fleet *f, int64_t end_ms);
/* The last step only moved time. */
bool fleet_was_quiet(const struct fleet *f);

#endif
