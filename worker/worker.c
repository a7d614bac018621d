#include "worker/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "artifacts/workspace.h"
#include "worker/artifact.h"
#include "worker/notices.h"
#include "worker/outbox.h"
#include "worker/poller.h"
#include "worker/reconciler.h"
#include "worker/report/figures.h"
#include "worker/slice.h"

/*
 * Puts the worker together. What depends on what reads top to bottom in worker_new(); everything is
 * taken apart in the opposite order.
 */

static int open_work_dir(struct worker *w, struct err *err)
{
	const char *path = w->config->work_dir;

	if (mkdir(path, 0700) && errno != EEXIST)
		return err_set_sys(err, ERR_SYSTEM, errno, "create the work directory %s", path);
	w->work_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (w->work_fd < 0)
		return err_set_sys(err, ERR_SYSTEM, errno, "open the work directory %s", path);
	return workspace_sweep(w->work_fd, err);
}

struct worker *worker_new(const struct worker_deps *d, struct err *err)
{
	struct worker *w = xcalloc(1, sizeof(*w));
	struct scheduler_options options = {.clock = d->aws->clock,
					    .n_threads = d->threads,
					    .heavy_max = (int)d->config->unpacks};

	w->config = d->config;
	w->aws = d->aws;
	w->clock = d->aws->clock;
	w->log = d->aws->log;
	w->cancel = d->aws->cancel;
	w->client = (struct aws_client){
		.aws = d->aws,
		.credentials = d->credentials,
		.region = d->region,
		.purpose = "worker"};
	w->ledger = d->ledger;
	w->unpack_child = (struct unpack_child){
		.confinement = d->program ? d->config->unpack_confinement
					  : UNPACK_CONFINEMENT_OFF,
		.program = d->program,
		.clock = clock_system()};
	w->work_fd = -1;
	lock_init(&w->lock, LOCK_ROLLOUTS);
	w->scheduler = scheduler_new(&options);
	w->alarms = alarm_board_new();
	w->clients = clients_new(&w->client);
	w->pollers = poller_new(w);
	w->outbox = outbox_task_new(w);
	w->reconciler = reconciler_new(w);
	w->figures = figures_task_new(w);
	w->notices = notices_task_new(w);
	if (open_work_dir(w, err) || artifact_probe(w, err)) {
		worker_free(w);
		return NULL;
	}
	return w;
}

int worker_start(struct worker *w, struct err *err)
{
	struct mono now = clock_mono(w->clock);

	reconciler_recover(w); /* before the first poll: what we hold comes first */
	scheduler_add(w->scheduler, w->outbox, now);
	scheduler_add(w->scheduler, w->pollers, now);
	scheduler_add(w->scheduler, w->reconciler, (struct mono){now.ms + 5000});
	scheduler_add(w->scheduler, w->figures, now);
	scheduler_add(w->scheduler, w->notices, now);
	w->started = true;
	log_event(w->log, LOG_INFO, "worker.started", LOG_S("version", ROLLOUT_WORKER_VERSION),
		  LOG_S("region", w->client.region),
		  LOG_I("action_types", (int64_t)w->config->n_action_types),
		  LOG_I("slots", w->config->slots));
	if (scheduler_has_threads(w->scheduler))
		return scheduler_start(w->scheduler, err);
	return 0;
}

void worker_stop_begin(struct worker *w)
{
	lock_take(&w->lock);
	if (!w->stopping) {
		w->stopping = true;
		for (struct rollout *r = w->rollouts; r; r = r->next)
			scheduler_wake(w->scheduler, &r->task);
	}
	lock_drop(&w->lock);
}

bool worker_stopped(struct worker *w)
{
	bool idle;

	lock_take(&w->lock);
	idle = w->stopping && w->n_rollouts == 0 && w->n_taking == 0;
	lock_drop(&w->lock);
	return idle && outbox_is_empty(w);
}

void worker_free(struct worker *w)
{
	struct rollout *r, *next;

	if (!w)
		return;
	scheduler_stop(w->scheduler);
	if (w->started && w->stopping) /* not of one that was never at work */
		figures_last(w->figures);
	for (r = w->rollouts; r; r = next) {
		next = r->next;
		rollout_free(r);
	}
	scheduler_free(w->scheduler);
	poller_free(w->pollers);
	outbox_task_free(w->outbox);
	reconciler_free(w->reconciler);
	figures_task_free(w->figures);
	notices_task_free(w->notices);
	clients_free(w->clients);
	alarm_board_free(w->alarms);
	if (w->work_fd >= 0)
		close(w->work_fd);
	lock_release(&w->lock);
	free(w);
}
