#ifndef TESTS_SCENARIOS_PEOPLE_H
#define TESTS_SCENARIOS_PEOPLE_H

#include "tests/scenarios/scene.h"

/*
 * A pipeline with people in it, for tests of actions that start, promote and take back: the stage
 * Deploy of pipeline "checkout" has the actions Start (Mode: start), Approve (a manual approval,
 * an hour long) and Promote (Mode: promote). The same scenes run on several kinds of target.
 */
#define PEOPLE_PIPELINE "checkout"
#define PEOPLE_CANARY "canary 5% 3m, 25% 3m bake 5m"

struct people_target {
	const char *name;
	/* the target itself, and an alarm checkout-errors on it */
	void (*make)(struct world *w);
	const char *(*target)(struct world *w);	  /* the value of the property Target */
	const char *(*resource)(struct world *w); /* in the record of splits */
	struct world_live (*live)(struct world *w);
	void (*turn_bad)(struct world *w); /* the candidate, from now on */
	void (*lose_old)(struct world *w); /* what served before cannot serve any more; NULL */
	/* somebody deploys something else */
	void (*deploy_else)(struct world *w);
};
extern const struct people_target people_lambda, people_load_balancer;

struct people {
	struct world w; /* first: a scene's world is its own */
	const struct people_target *t;
};

/* Set-up and tear-down; *state comes in as the kind of target, and is the struct people then. */
int people_set_up(void **state);
int people_tear_down(void **state);

/* A test for each kind of target. */
#define PEOPLE(f)                                                                                \
	{#f " (lambda)", f, people_set_up, people_tear_down, (void *)(uintptr_t)&people_lambda}, \
	{                                                                                        \
#f " (load balancer)", f, people_set_up, people_tear_down,                       \
			(void *)(uintptr_t)&people_load_balancer                                 \
	}

/* Make target and pipeline, start worker 0, and push a good release. */
void people_begin(struct people *p, const char *strategy);
/* The same without the worker and the push. */
void people_make(struct people *p, const char *strategy);
/* Begin, and run until the start action has handed over: the candidate has 25 % then. */
void people_park(struct people *p);
/* Park, approve, and run until the promotion has succeeded. */
void people_promote(struct people *p);

/* What a person decides. */
void people_approve(struct people *p);
void people_reject(struct people *p);

/* The latest run of this action; it has to be there. */
const struct sim_action *people_action(struct people *p, const char *action);
/* Run until this action is over, three hours at most. */
const struct sim_action *people_end(struct people *p, const char *action);

/* An output variable of this action's success. */
const char *people_variable(struct people *p, const char *action, const char *name);
/*
 * Another pipeline of one action (Mode: mode) for this handle; it is started at once. name: of
 * pipeline and action.
 */
void people_other(struct people *p, const char *name, const char *mode, const char *handle);
/* Run until the action of such a pipeline is over. */
const struct sim_action *people_other_end(struct people *p, const char *name);
/* The action Promote of the pipeline takes this handle. */
void people_promote_takes(struct people *p, const char *handle, const char *target);

/* The candidate has this share, and there is no weight left when that is 0 or 100. */
void people_expect_share(struct people *p, double percent);
/* Within max_ms it comes to have it. */
void people_expect_share_within(struct people *p, double percent, int64_t max_ms);
/* Worker i knows no open rollout, in memory or on disk, and has nothing left to report. */
void people_expect_nothing_left(struct people *p, int i);
/* The rollout in worker 0's ledger, or NULL. */
const struct ledger_rollout *people_row(struct people *p);

#endif
