#ifndef WORKER_CLI_H
#define WORKER_CLI_H

#include "worker/config.h"
#include "worker/ledger.h"
#include "worker/options.h"
#include "worker/target/target.h"

/*
 * What a person types: everything but the daemon. Each command prints its result on standard
 * output, messages on standard error, and returns the exit status of the process.
 */
enum exit_status { CLI_OK, CLI_FAILED, CLI_USAGE, CLI_CONFIG, CLI_CREDENTIALS };

enum exit_status cli_check(const struct options *o);
enum exit_status cli_plan(const struct options *o);
enum exit_status cli_status(const struct options *o);
enum exit_status cli_report(const struct options *o);
enum exit_status cli_operate(const struct options *o); /* promote, rollback, hold, resume */
enum exit_status cli_help(void);
enum exit_status cli_version(void);
enum exit_status cli_example(void);

/* --- cli.c: shared by them and by run --------------------------------------------------------- */

/* The default; read only when it exists, unless --config names another. */
#define CLI_CONFIG_PATH "/etc/rollout-worker/rollout-worker.conf"
#define CLI_OUTPUT_MAX (64u << 20)

/* Load the configuration. Problems are collected, as config_load() does. */
int cli_config(const struct options *o, struct arena *a, struct config *c,
	       struct problems *problems, struct err *err) MUST_CHECK;

/* The same, and print on standard error why it is not valid. */
int cli_config_or_say(const struct options *o, struct arena *a, struct config *c) MUST_CHECK;

/*
 * Write a result; in its lines, what does not show as itself is replaced. CLI_FAILED when standard
 * output does not take it.
 */
enum exit_status cli_print(const struct buf *b);

/* "rollout-worker: ..." on standard error, control characters replaced. Returns status. */
enum exit_status cli_say(enum exit_status status, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Text for a terminal: control characters and what is not UTF-8 replaced. "-" for none. */
void cli_add_clean(struct buf *out, const char *text);

/* For reading; NULL: it has been said why, and *status is what to exit with. */
struct ledger *cli_ledger_open(const struct options *o, struct arena *a, struct config *c,
			       enum exit_status *status);
const char *cli_ledger_path(struct arena *a, const struct config *c);

/* The clock of the configuration; free it with cli_clock_free(). */
struct clock *cli_clock_new(const struct config *c);
void cli_clock_free(struct clock *clock);

/* --- cli_check.c: shared with cli_plan ---------------------------------------------------- */

/* What --plan, --property and --artifact say. */
struct cli_input {
	struct arena *arena;
	const struct config *config;
	bool given;	   /* any of them */
	struct plan *plan; /* NULL unless it was read and is sound */
	char *temp_dir;	   /* of an artifact that was unpacked, or NULL */
	int temp_fd;
	struct workspace *workspace;
	struct target_artifact artifact;
	bool has_artifact;
};

/*
 * Read and check. Problems are added; -1 with err only for what is no problem of the input: a file
 * that cannot be read, a full disk. cli_input_release() removes what was unpacked.
 */
int cli_input_read(struct cli_input *in, const struct options *o, struct problems *problems,
		   struct err *err) MUST_CHECK;
void cli_input_release(struct cli_input *in);

/* --- cli_plan.c: shared with cli_iam -------------------------------------------------------- */

/* What a plan's rollout calls, each once; calls is malloc'ed, the texts live in the arena. */
struct cli_calls {
	struct arena *arena;
	struct target_call *calls;
	size_t n, cap;
};

/* Made by the worker's own role, also when a plan names another for the target. */
bool cli_call_is_own(const struct target_call *c);

/* --- cli_iam.c -------------------------------------------------------------------------------- */

/*
 * The IAM policy document of these calls, which all have an iam_action and are sorted by it and
 * their resource: JSON, one statement a line. Where the plan has a role_arn, an object of two:
 * "worker" for the worker's own role, "target" for that one.
 */
void cli_iam(struct buf *out, const struct cli_calls *l, const struct plan *p);

#endif
