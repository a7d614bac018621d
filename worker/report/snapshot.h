#ifndef WORKER_REPORT_SNAPSHOT_H
#define WORKER_REPORT_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/call.h"
#include "aws/core/clock.h"
#include "worker/ledger_lock.h"
#include "worker/ledger_notice.h"
#include "worker/report/metrics.h"

struct worker;

/*
 * Where the worker stands at one moment, as the pages show it: numbers, and the rollouts that are
 * open. No secret is in it: the ledger has none.
 */
#define SNAPSHOT_ROLLOUTS_MAX 200

struct snapshot {
	const char *version, *region;
	struct utc now, started;
	bool alive, stopping;
	size_t n_rollouts, n_jobs, turns_running, turns_waiting;
	int64_t slots, threads;
	int64_t ledger_bytes; /* -1: not known */
	const struct metrics *metrics;
	struct aws_stat calls[AWS_STATS_MAX];
	size_t n_calls;
	const struct ledger_rollout *rollouts; /* newest first */
	size_t n_open;
	const struct ledger_wait *waits; /* for a target that is not free, longest first */
	size_t n_waits;
	struct ledger_backlog backlog;
	const char *problem; /* why nothing of the ledger is here; NULL: there is no reason */
};

/*
 * Look. The ledger is opened for reading, apart from the worker's own handle: a reader does not
 * hold up who writes. ledger_path may be NULL: then there are no rollouts in it. Takes the worker's
 * locks one at a time and briefly, and reads a file: not for a turn.
 */
void snapshot_take(struct worker *w, struct utc started, const char *ledger_path, struct arena *a,
		   struct snapshot *out);

/* Size of a ledger, with what SQLite keeps beside its file, which belongs to it; -1: not known. */
int64_t snapshot_ledger_bytes(const char *path, struct arena *a);

#endif
