#include "worker/report/snapshot.h"

#include <sys/stat.h>

#include "worker/worker.h"

static int64_t bytes_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (int64_t)st.st_size : -1;
}

int64_t snapshot_ledger_bytes(const char *path, struct arena *a)
{
	int64_t bytes = bytes_of(path), log = bytes_of(arena_printf(a, "%s-wal", path));

	return bytes < 0 ? -1 : bytes + (log > 0 ? log : 0);
}

static void read_ledger(const char *path, struct arena *a, struct snapshot *out)
{
	struct ledger_rollout *rollouts = NULL;
	struct ledger_wait *waits = NULL;
	struct err err = ERR_INIT;
	struct ledger *l = ledger_open_read(path, &err);

	out->ledger_bytes = snapshot_ledger_bytes(path, a);
	if (!l ||
	    ledger_rollouts(l, true, SNAPSHOT_ROLLOUTS_MAX, a, &rollouts, &out->n_open, &err) ||
	    ledger_waits(l, a, &waits, &out->n_waits, &err) ||
	    ledger_backlog(l, a, &out->backlog, &err)) {
		out->n_open = out->n_waits = 0;
		out->problem = arena_strdup(a, err.text);
	}
	out->rollouts = rollouts;
	out->waits = waits;
	ledger_close(l);
}

void snapshot_take(struct worker *w, struct utc started, const char *ledger_path, struct arena *a,
		   struct snapshot *out)
{
	*out = (struct snapshot){.version = ROLLOUT_WORKER_VERSION,
				 .region = w->client.region,
				 .now = clock_utc(w->clock),
				 .started = started,
				 .slots = w->config->slots,
				 .threads = w->config->threads,
				 .ledger_bytes = -1,
				 .metrics = &w->metrics};
	lock_take(&w->lock);
	out->n_rollouts = w->n_rollouts;
	out->n_jobs = w->n_jobs;
	out->stopping = w->stopping;
	lock_drop(&w->lock);
	out->alive = scheduler_is_alive(w->scheduler);
	out->turns_running = scheduler_running(w->scheduler);
	out->turns_waiting = scheduler_waiting(w->scheduler);
	out->n_calls = aws_stats(w->aws, out->calls, AWS_STATS_MAX);
	if (ledger_path)
		read_ledger(ledger_path, a, out);
}
