#ifndef TESTS_SCENARIOS_WORLD_H
#define TESTS_SCENARIOS_WORLD_H

#include "artifacts/pack.h"
#include "aws/core/json.h"
#include "tests/sim/sim.h"
#include "worker/worker.h"

/*
 * A world in one thread and virtual time: the simulator, and one or more workers with their whole
 * code (poller, scheduler, slices, ledger, targets, guards) behind the three seams. Each ledger
 * is a real file in a private directory, so a worker can be killed and started again. Everything
 * fails loudly: a helper that cannot do what it says ends the test.
 */
#define WORLD_WORKERS_MAX 3

/* One worker: its process, so to speak, and the disk that outlives it. */
struct world_worker {
	struct world *world;
	struct config config;
	struct cancel *cancel;
	struct aws *aws;
	struct credentials_provider *credentials; /* of the instance's role, refreshed as in EC2 */
	struct ledger *ledger;
	struct worker *worker; /* NULL while it is dead */
	bool crashed;	       /* a crash fault has struck it since it was started */
	bool wanted;	       /* it is started again after a crash */
	struct utc restart_at;
	char dir[80], ledger_path[96], work_dir[96];
	/* seams and log of its own, when set; NULL: the simulator's and the world's */
	struct http *http;
	struct clock *clock;
	struct log *log;
};

struct world {
	struct sim *sim;
	struct aws_settings settings;
	struct log *log;
	struct arena *arena;
	char dir[64];
	struct world_worker workers[WORLD_WORKERS_MAX];
	struct world_worker *running; /* whose code runs now */
	struct world_worker *ran;     /* whose task the last step was; NULL: time moved */

	/* what a crash fault means; may be changed at any time */
	int64_t restart_after_ms; /* 20 s */
	bool lose_ledger;	  /* and the disk is gone, too */

	/* looked at after every step of time or task, when set */
	void (*watch)(struct world *w, void *arg);
	void *watch_arg;
};

/* seed decides everything random; log_fd -1: silent, 2: what a person wants to read, any other: at
 * debug level. No worker is started yet. */
void world_init(struct world *w, uint64_t seed, int log_fd);
void world_release(struct world *w);

/*
 * Worker i starts, with the ledger that is there; it is killed as if by SIGKILL; its ledger is
 * lost, while it is dead.
 */
void world_start_worker(struct world *w, int i);
/* The same, but a ledger that cannot be opened leaves it dead: -1. */
int world_try_worker(struct world *w, int i, struct err *err) MUST_CHECK;
void world_kill_worker(struct world *w, int i);
void world_lose_ledger_of(struct world *w, int i);
/*
 * It is asked to stop as by SIGTERM, and has as long as it takes, at most max_ms; then it is
 * gone.
 */
bool world_stop_worker(struct world *w, int i, int64_t max_ms);
/* The same for the first one. */
void world_start(struct world *w);
void world_kill(struct world *w);
void world_lose_ledger(struct world *w);

/* One command of the simulator's control language; the answer is in the world's arena. */
const char *world_control(struct world *w, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The same, read as JSON. */
const struct json *world_ask(struct world *w, const char *fmt, ...) PRINTF_LIKE(2, 3);

/*
 * Run until the action execution of this pipeline's action is over, or for max_ms of simulated
 * time. A worker that crashed is started again after a pause. Returns the action, or NULL when
 * time is up.
 */
const struct sim_action *world_run_action(struct world *w, const char *pipeline, int64_t max_ms);
/* Run for so long. */
void world_run(struct world *w, int64_t ms);
/* Run until done(arg) or max_ms; true when done. */
bool world_run_until(struct world *w, bool (*done)(struct world *w, void *arg), void *arg,
		     int64_t max_ms);

/* --- ready-made pipelines ------------------------------------------------------------------- */

/* Lambda function NAME with alias live at version 1, traffic, and an alarm NAME-errors on its
 * errors; pipeline NAME deploys to it with this strategy.
 */
void world_lambda(struct world *w, const char *name, const char *strategy);
/* Its parts: function with alias, and alarm; the alarm alone; the pipeline. */
void world_lambda_function(struct world *w, const char *name);
void world_alarm(struct world *w, const char *name);
void world_lambda_pipeline(struct world *w, const char *name, const char *strategy);
/* Load balancer, rule, two target groups with traffic and an alarm; pipeline NAME likewise. bad:
 * the candidate group answers with errors.
 */
void world_load_balancer(struct world *w, const char *name, const char *strategy, bool bad);

/* Push a release whose code says how it behaves: "errors=0.001" or "errors=0.4". */
void world_push(struct world *w, const char *pipeline, const char *behaviour);
/* Push a release of these files. */
void world_push_files(struct world *w, const char *pipeline, const struct pack_entry *files,
		      size_t n);

/* Overwrite a source artifact by its key, as nobody should. */
void world_replace_files(struct world *w, const char *key, const struct pack_entry *files,
			 size_t n);

/* How traffic is split now, as the service itself says. */
struct world_live {
	double candidate; /* the candidate's share in percent */
	bool is_one;	  /* everything goes to one side, and no weight is left beside it */
	int version;	  /* lambda: what the alias points at, 0 when there is no alias */
	int additional;	  /* lambda: the version with the additional weight, or 0 */
};
/* Alias live of a function made by world_lambda(): the candidate is anything but version 1. */
struct world_live world_lambda_live(struct world *w, const char *name);
/* The rule made by world_load_balancer(): the candidate is the green group. */
struct world_live world_load_balancer_live(struct world *w, const char *name);

/* The first ARN in an answer. */
const char *world_arn(struct world *w, const char *answer);
/* The ARN of that rule. */
const char *world_rule(struct world *w, const char *name);

#endif
