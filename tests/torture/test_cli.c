#include "tests/unit/artifacts/files.h"

#include "artifacts/pack.h"
#include "tests/torture/torture.h"
#include "worker/cli.h"

/*
 * `rollout-worker check` on a good configuration, plan and artifact: it says "ok" or, when a call
 * failed, why it cannot tell. It never blames what it was given for what the system did, and leaves
 * nothing behind without a word.
 */
static const char PLAN[] = "rollout: 1\n"
			   "target: { lambda: { function: checkout, alias: live, code: code } }\n"
			   "strategy: { canary: { steps: [ { weight: 10, for: 2m } ] } }\n"
			   "guards: [ { alarm: checkout-errors } ]\n";

/* How the system's reasons read, and what else is no fault of what the command was given. */
static const char REASONS[] =
	"Input/output error|Too many open files|Permission denied|No space left|Read-only|No locks|"
	"Interrupted system call|busy|Cannot allocate|Operation not permitted|Broken pipe|"
	"left behind|cannot be written|File too large|zlib|no memory|data is damaged|cannot be "
	"read|data are damaged";

static char dir[64], config[96], artifact[96], plan[96], tmp[96];
static struct err err;

static void write_file(const char *path, struct str s)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, s.p, s.n), s.n);
	close(fd);
}

static void judge(enum exit_status status)
{
	struct str rest = str_from(REASONS), reason;
	bool explained = false;

	if (status == CLI_OK) {
		if (!torture_has_said("ok\n"))
			torture_problem("success without a word");
		return;
	}
	while (str_next(&rest, '|', &reason)) {
		char text[64];

		str_copy(text, sizeof(text), reason);
		explained = explained || torture_has_said(text);
	}
	if (torture_hit_softly())
		torture_problem("does not survive");
	else if (!explained)
		torture_problem("does not say why");
	if (torture_has_said("ok\n") && !torture_has_said("cannot be written") &&
	    !torture_has_said("left behind") && !torture_has_said("remove"))
		torture_problem("says both");
}

/* Returns how much was there. */
static size_t empty_tmp(void)
{
	int fd = open(tmp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t n;

	assert_true(fd >= 0);
	n = count_in(fd);
	assert_int_equal(remove_content(fd, &err), 0);
	close(fd);
	return n;
}

static void check(void *arg)
{
	char *const *argv = arg;
	struct arena *a = arena_new();
	enum exit_status status;
	struct options o;
	int argc = 0;

	while (argv[argc])
		argc++;
	assert_int_equal(options_parse(a, argc, argv, &o, &err), 0);
	empty_tmp(); /* of what a run left that ended on the way */
	torture_in();
	status = cli_check(&o);
	torture_out();
	fflush(stdout);
	judge(status);
	if (empty_tmp() && status == CLI_OK && !torture_has_said("left behind") &&
	    !torture_has_said("workspace"))
		torture_problem("something is left behind, and nothing was said");
	arena_free(a);
}

static void make_files(void)
{
	const struct pack_entry entries[] = {
		{.name = "rollout.yaml", .bytes = {PLAN, sizeof(PLAN) - 1}},
		{.name = "code/index.py", .bytes = STR("# code\n")},
	};
	struct buf zip;

	snprintf(dir, sizeof(dir), "/tmp/rollout-torture-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(config, sizeof(config), "%s/worker.conf", dir);
	snprintf(artifact, sizeof(artifact), "%s/artifact.zip", dir);
	snprintf(plan, sizeof(plan), "%s/rollout.yaml", dir);
	snprintf(tmp, sizeof(tmp), "%s/tmp", dir);
	assert_int_equal(mkdir(tmp, 0700), 0);
	assert_int_equal(setenv("TMPDIR", tmp, 1), 0);
	/* in this process, where calls are failed; that of its own is tested by itself */
	write_file(config, STR("[worker]\naction_types = Deploy/Rollout/1\n"
			       "unpack_confinement = off\n"));
	write_file(plan, (struct str){PLAN, sizeof(PLAN) - 1});
	buf_init(&zip, 1 << 20);
	assert_int_equal(pack_entries(entries, 2, &zip, &err), 0);
	write_file(artifact, buf_str(&zip));
	buf_release(&zip);
}

static void remove_files(void)
{
	unlink(config);
	unlink(artifact);
	unlink(plan);
	rmdir(tmp);
	rmdir(dir);
}

int main(void)
{
	static char name[] = "rollout-worker", command[] = "check", by_config[] = "--config",
		    by_artifact[] = "--artifact", by_plan[] = "--plan";
	char *of_artifact[] = {name, command, by_config, config, by_artifact, artifact, NULL};
	char *of_plan[] = {name, command, by_config, config, by_plan, plan, NULL};
	const struct torture_case cases[] = {
		{.name = "check-artifact",
		 .run = check,
		 .arg = of_artifact,
		 .stride = {1, 0, 0, 1, 0, 1},
		 .lasting = 5},
		{.name = "check-plan",
		 .run = check,
		 .arg = of_plan,
		 .stride = {1, 0, 0, 1, 0, 0},
		 .lasting = 5},
	};
	int rc;

	make_files();
	rc = torture_main(cases, sizeof(cases) / sizeof(cases[0]));
	remove_files();
	return rc;
}
