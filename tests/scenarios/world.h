#ifndef TESTS_SCENARIOS_WORLD_H
#define TESTS_SCENARIOS_WORLD_H

#include "tests/sim/sim.h"
#include "worker/worker.h"

/*
 * A world in one thread and virtual time: the simulator, and the worker's whole code (poller,
 * scheduler, slices, ledger, targets, guards) behind the three seams. The ledger is a real file in a
 * private directory, so a worker can be killed and started again. Everything fails loudly: a helper
 * that cannot do what it says ends the test.
 */
struct world {
	struct sim *sim;
	struct config config;
	struct aws_settings settings;
	struct log *log;
	struct cancel *cancel;
	struct credentials_provider *credentials;
	struct aws *aws;
	struct ledger *ledger;
	struct worker *worker; /* NULL between kill and start */
	struct arena *arena;
	char dir[64], ledger_path[96], work_dir[96];
	bool crashed; /* a crash fault has struck the worker since it was started */
};

/* seed decides everything random; log_fd -1: silent. No worker is started yet. */
void world_init(struct world *w, uint64_t seed, int log_fd);
void world_release(struct world *w);

/* The worker starts, with the ledger that is there; it is killed as if by SIGKILL. */
void world_start(struct world *w);
void world_kill(struct world *w);
void world_lose_ledger(struct world *w); /* while no worker runs: the disk is gone */

/* One command of the simulator's control language; the answer is in the world's arena. */
const char *world_control(struct world *w, const char *fmt, ...) PRINTF_LIKE(2, 3);

/*
 * Run until the action execution of this pipeline's action is over, or for max_ms of simulated time.
 * A crash fault restarts the worker after a pause. Returns the action, or NULL when time is up.
 */
const struct sim_action *world_run_action(struct world *w, const char *pipeline, int64_t max_ms);
/* Run for so long. */
void world_run(struct world *w, int64_t ms);
/* Run until done(arg) or max_ms; true when done. */
bool world_run_until(struct world *w, bool (*done)(struct world *w, void *arg), void *arg,
		     int64_t max_ms);

/* --- ready-made pipelines ------------------------------------------------------------------------ */

/* Lambda function NAME with alias live at version 1, traffic, and an alarm NAME-errors on its errors;
 * pipeline NAME deploys to it with this strategy. */
void world_lambda(struct world *w, const char *name, const char *strategy);
/* Load balancer, rule, two target groups with traffic and an alarm; pipeline NAME likewise. bad: the
 * candidate group answers with errors. */
void world_load_balancer(struct world *w, const char *name, const char *strategy, bool bad);

/* Push a release whose code says how it behaves: "errors=0.001" or "errors=0.4". */
void world_push(struct world *w, const char *pipeline, const char *behaviour);

/* The last recorded split of a resource: the candidate's share in percent, -1 when there is none. */
double world_weight(struct world *w, const char *resource);

#endif
