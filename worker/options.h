#ifndef WORKER_OPTIONS_H
#define WORKER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "aws/core/buf.h"
#include "aws/core/err.h"
#include "aws/core/mem.h"
#include "worker/config.h"
#include "worker/rollout/plan.h"

/*
 * The command line:
 *
 *   rollout-worker [--config FILE] [--SETTING VALUE]... COMMAND [OPTION]...
 *
 * Options stand anywhere; "--name VALUE" and "--name=VALUE" are alike; "--" ends them. Commands and
 * options come from two tables in options.c, settings from the one in config.
 */
enum command {
	COMMAND_RUN,
	COMMAND_CHECK,
	COMMAND_PLAN,
	COMMAND_STATUS,
	COMMAND_REPORT,
	COMMAND_PROMOTE,
	COMMAND_ROLLBACK,
	COMMAND_HOLD,
	COMMAND_RESUME,
	COMMAND_EXAMPLE,
	COMMAND_VERSION,
	COMMAND_HELP,
	COMMAND_COUNT
};

struct options {
	enum command command;
	const char *config;	   /* file that was named, or NULL */
	struct config_flag *flags; /* settings */
	size_t n_flags;
	const char *plan, *artifact;
	struct plan_property *properties;
	size_t n_properties;
	const char *id; /* of a rollout */
	const char *format, *output; /* of a report, or NULL */
	bool once, json, all, iam;
};

/*
 * Read argv. Texts are borrowed from it, lists live in the arena. --help and --version win over
 * everything else that is right. ERR_REJECTED: a usage error, the text says which.
 */
int options_parse(struct arena *a, int argc, char *const argv[], struct options *o,
		  struct err *err) MUST_CHECK;

const char *command_name(enum command c); /* "run" */

void options_help(struct buf *out);

#endif
