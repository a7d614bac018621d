#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <wchar.h>

#include "artifacts/unpack_child_parts.h"
#include "artifacts/unpack_parts.h"
#include "aws/core/limits.h"

/*
 * The process that unpacks. Nothing here is undone or released: it ends by _exit(), whatever
 * happens, and the kernel takes everything back.
 */

/*
 * The calling thread's death kills us; if it was over before we asked for that, somebody else is
 * our parent already.
 */
static bool tie_to_parent(int64_t parent)
{
	return !prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) && getppid() == parent;
}

/*
 * What the C library reads from files on first use has to be there before files cannot be read any
 * more: unpack_tar() converts names by this locale. It stays this thread's, for the case that the
 * same locale cannot be had a second time.
 */
static void load_locale(void)
{
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	mbstate_t state;
	wchar_t c;

	if (!utf8)
		return; /* as in the other process */
	uselocale(utf8);
	memset(&state, 0, sizeof(state));
	if (mbrtowc(&c, "\xc3\xa9", 2, &state) != 2)
		return;
}

static void answer(const void *p, size_t n)
{
	/* shorter than what a pipe takes at once; if nobody reads, nobody needs us */
	if (write(CHILD_ANSWER, p, n) != (ssize_t)n)
		_exit(CHILD_ORPHANED);
}

static void lock_in(const struct unpack_request *r, struct confine_report *report)
{
	const struct confine_without without = {
		.landlock = r->n[REQUEST_NO_LANDLOCK] != 0,
		.landlock_abi = (int)r->n[REQUEST_LANDLOCK_ABI],
		.seccomp = r->n[REQUEST_NO_SECCOMP] != 0,
		.close_range = r->n[REQUEST_NO_CLOSE_RANGE] != 0,
		.proc = r->n[REQUEST_NO_PROC] != 0,
	};
	const struct confine_limits limits = {
		.file_bytes = (uint64_t)r->n[REQUEST_MAX_ENTRY_BYTES],
		.memory_bytes = LIMIT_UNPACK_MEMORY,
		.cpu_s = (uint64_t)r->n[REQUEST_CPU_S],
		.descriptors = LIMIT_UNPACK_DESCRIPTORS,
	};

	load_locale();
	confine(CHILD_DIR, CHILD_DESCRIPTORS, &limits, &without, report);
}

static int check_report(const struct unpack_request *r, const struct confine_report *report,
			struct err *err)
{
	char missing[CONFINE_MISSING_SIZE];

	if (!r->n[REQUEST_REQUIRE] || (report->applied & CONFINE_ALL) == CONFINE_ALL)
		return 0;
	return err_set_sys(err, ERR_REJECTED, report->sys,
			   "the process that unpacks cannot be confined as it must be here "
			   "(missing: %s)",
			   confine_missing(report, missing));
}

void unpack_child_run(int argc, char *const argv[], unpack_archive_fn work)
{
	struct unpack_stats stats = {.format = ""};
	struct unpack_limits limits = {.no_openat2 = true}; /* its flags could not be looked at */
	struct unpack_greeting greeting;
	struct unpack_outcome outcome;
	struct confine_report report;
	struct unpack_request r;
	struct err err = ERR_INIT;
	int rc;

	if (argc != 3 || !unpack_request_read(str_from(argv[2]), &r))
		_exit(CHILD_USAGE);
	if (!tie_to_parent(r.n[REQUEST_PARENT]))
		_exit(CHILD_ORPHANED);
	limits.max_bytes = r.n[REQUEST_MAX_BYTES];
	limits.max_entries = r.n[REQUEST_MAX_ENTRIES];
	limits.max_entry_bytes = r.n[REQUEST_MAX_ENTRY_BYTES];
	limits.max_depth = r.n[REQUEST_MAX_DEPTH];
	lock_in(&r, &report);
	unpack_greeting_make(&report, &greeting);
	answer(&greeting, sizeof(greeting));
	rc = check_report(&r, &report, &err);
	if (!rc && !r.n[REQUEST_PROBE])
		rc = work(CHILD_ARCHIVE, CHILD_DIR, &limits, &stats, &err);
	unpack_outcome_make(&stats, rc ? &err : NULL, &outcome);
	answer(&outcome, sizeof(outcome));
	_exit(CHILD_OK);
}

void unpack_child_main(int argc, char *const argv[])
{
	unpack_child_run(argc, argv, unpack_archive);
}
