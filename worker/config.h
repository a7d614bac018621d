#ifndef WORKER_CONFIG_H
#define WORKER_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "artifacts/unpack_child.h"
#include "aws/codepipeline.h"
#include "aws/core/log.h"
#include "aws/settings.h"
#include "worker/rollout/problem.h"

/*
 * What the worker was told: a file in the grammar of the AWS shared config files, then environment
 * variables, then flags; each setting has one name in all three (`hold`, ROLLOUT_WORKER_HOLD,
 * --hold). One table in config.c is the only list of settings: parsing, --help, the example file
 * and the tests come from it.
 */
#define CONFIG_ACTION_TYPES_MAX 16

struct config_action_type {
	struct cp_action_type type;
	const char *query_name, *query_value; /* queryable property to filter on; NULL: none */
};

struct config {
	struct config_action_type action_types[CONFIG_ACTION_TYPES_MAX];
	size_t n_action_types;
	int64_t threads;   /* 1 to 64: turns that run at once */
	int64_t slots;	   /* 1 to 1,000: jobs held at once; waiting ones occupy no thread */
	int64_t unpacks;   /* 1 to 64: artifacts unpacked at once */
	int64_t hold_ms;   /* 15 s to 10 min: how long a job is held before it is reported */
	int64_t tick_ms;   /* 1 s to 60 s: how often target and guards are looked at */
	int64_t poll_ms;   /* 1 s to 5 min: pause after an empty poll, jittered by half */
	int64_t stop_ms;   /* limit for a graceful stop; 30 s */
	const char *state_dir; /* ledger; default /var/lib/rollout-worker */
	const char *work_dir;  /* workspaces; default <state_dir>/work */
	int64_t reports;       /* 0 to 10,000: ended rollouts whose reports and history are kept */
	enum log_level log_level;
	enum log_format log_format;
	bool log_systemd;
	const char *status_address; /* "off", or as worker/report/status_address.h has it */
	const char *status_names;   /* further host names of it, or NULL */
	/* who is told about rollouts; NULL: nobody */
	const char *notify_topic_arn, *notify_event_bus;
	unsigned notify_on; /* set of enum notice */
	struct unpack_limits unpack;
	enum unpack_confinement unpack_confinement;
	int64_t artifact_max_bytes;
	struct aws_overrides aws;      /* profile, region, endpoint_url, ca_bundle ... */
	const char *test_clock;	       /* "<origin ms>x<speed>": loopback endpoints only */
};

/* Where a setting came from, for messages: "worker.conf:12", "ROLLOUT_WORKER_HOLD", "--hold". */
struct config_flag {
	const char *name, *value; /* without the dashes; "_" and "-" are alike */
};

/*
 * Resolve everything into *c; texts live in the arena. path NULL: no file. Problems are collected;
 * 0 when none is an error. Reads the file and the environment, nothing else. On -1, *c holds what
 * was sound, and defaults; err is ERR_REJECTED when problems say why, else that of reading the
 * file: ERR_NOT_FOUND when there is none.
 */
int config_load(struct arena *a, const char *path, const struct aws_env *env,
		const struct config_flag *flags, size_t n_flags, struct config *c,
		struct problems *problems, struct err *err) MUST_CHECK;

/* Is there a setting of that name ("-" and "_" are alike)? */
bool config_knows(const char *name);
/* Read "<origin ms>x<speed>", the value of test_clock. */
bool config_clock_parse(struct str text, struct utc *origin, double *speed);

/* The table of settings as text: for --help, and as an example file with every key explained. */
void config_help(struct buf *out);
void config_example(struct buf *out);
/* The effective configuration, one `key = value` a line. It has no secrets. */
void config_format(const struct config *c, struct buf *out);

#endif
