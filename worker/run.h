#ifndef WORKER_RUN_H
#define WORKER_RUN_H

#include "worker/cli.h"

/*
 * The daemon: sets up what a worker is built from, runs it, and stops it. Blocks until a signal
 * (SIGTERM, or SIGINT and SIGHUP unless they were ignored) asks for a graceful stop; a second one
 * breaks calls off at once, as does the configured limit of a stop: CLI_FAILED when something was
 * still held then. Logs to standard error.
 *
 * With --once it stops by itself when each action type has been polled and no job is held any more;
 * CLI_FAILED when a poll was refused.
 */
enum exit_status run_worker(const struct options *o);

#endif
