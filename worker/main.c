#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "artifacts/unpack_child.h"
#include "worker/cli.h"
#include "worker/run.h"

/* Who does it: nothing else is decided here. */

static enum exit_status dispatch(const struct options *o)
{
	switch (o->command) {
	case COMMAND_RUN:
		return run_worker(o);
	case COMMAND_CHECK:
		return cli_check(o);
	case COMMAND_PLAN:
		return cli_plan(o);
	case COMMAND_STATUS:
		return cli_status(o);
	case COMMAND_REPORT:
		return cli_report(o);
	case COMMAND_PROMOTE:
	case COMMAND_ROLLBACK:
	case COMMAND_HOLD:
	case COMMAND_RESUME:
		return cli_operate(o);
	case COMMAND_EXAMPLE:
		return cli_example();
	case COMMAND_VERSION:
		return cli_version();
	case COMMAND_HELP:
	case COMMAND_COUNT:
		break;
	}
	return cli_help();
}

int main(int argc, char **argv)
{
	struct err err = ERR_INIT;
	struct options o;
	enum exit_status status;
	struct arena *a;

	if (argc > 1 && !strcmp(argv[1], UNPACK_CHILD_COMMAND))
		unpack_child_main(argc, argv); /* for ourselves, not for people */
	signal(SIGCHLD, SIG_DFL); /* whoever ignores it sees no child's end, and it is inherited */
	a = arena_new();
	umask(077); /* whatever is made here is for this user alone */
	if (options_parse(a, argc, argv, &o, &err))
		status = cli_say(CLI_USAGE, "%s; see rollout-worker --help", err.text);
	else
		status = dispatch(&o);
	arena_free(a);
	return (int)status;
}
