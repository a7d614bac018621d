#include "artifacts/confine.h"

#include <dirent.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "artifacts/confine_parts.h"
#include "aws/core/str.h"

/*
 * The order: what needs /proc or opens something comes before Landlock, and the filter of calls is
 * the last, since it forbids all that stands here.
 */

#ifndef SYS_close_range /* Linux 5.9; the same on every processor */
#define SYS_close_range 436
#endif

struct confinement {
	const struct confine_without *without;
	struct confine_report *report;
};

static void note(struct confinement *c, unsigned part, int rc)
{
	if (!rc)
		c->report->applied |= part;
	else if (!c->report->sys)
		c->report->sys = errno;
}

/* --- descriptors ------------------------------------------------------------------------------ */

/* A number of at least `from` that is no descriptor of the listing itself; -1: none. */
static int next_open(DIR *d, int from)
{
	struct dirent *e;
	uint64_t fd;

	while ((e = readdir(d)))
		if (str_parse_u64(str_from(e->d_name), (uint64_t)from, INT32_MAX, &fd) &&
		    (int)fd != dirfd(d))
			return (int)fd;
	return -1;
}

static int close_listed(int from)
{
	DIR *d = opendir("/proc/self/fd");
	int fd;

	if (!d)
		return -1;
	while ((fd = next_open(d, from)) >= 0)
		close(fd); /* the kernel lists by number: closing one hides no other */
	closedir(d);
	return 0;
}

/* One number after the other, as far as descriptors could be open. */
static int close_counted(int from)
{
	struct rlimit r;

	errno = EOVERFLOW; /* unless getrlimit() has another reason */
	if (getrlimit(RLIMIT_NOFILE, &r) || r.rlim_max > INT32_MAX)
		return -1;
	for (int fd = from; fd < (int)r.rlim_max; fd++)
		close(fd);
	return 0;
}

static int close_from(int from, const struct confine_without *without)
{
	if (!without->close_range && !syscall(SYS_close_range, (unsigned)from, ~0u, 0))
		return 0;
	if (!without->proc && !close_listed(from))
		return 0;
	return close_counted(from);
}

/* --- privileges and limits -------------------------------------------------------------------- */

static int drop_privileges(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) ||
			       syscall(SYS_capset, &head, none)
		       ? -1
		       : 0;
}

/* A limit that is stricter already stays. */
static int set_limit(__rlimit_resource_t what, uint64_t soft, uint64_t hard)
{
	struct rlimit now, r;

	if (getrlimit(what, &now))
		return -1;
	r.rlim_cur = soft < now.rlim_cur ? soft : now.rlim_cur;
	r.rlim_max = hard < now.rlim_max ? hard : now.rlim_max;
	return setrlimit(what, &r);
}

static int set_limits(const struct confine_limits *l)
{
	/* the softer limit's SIGXCPU says more than SIGKILL */
	if (set_limit(RLIMIT_CPU, l->cpu_s, l->cpu_s + 1) || set_limit(RLIMIT_CORE, 0, 0) ||
	    set_limit(RLIMIT_NPROC, 0, 0) ||
	    set_limit(RLIMIT_FSIZE, l->file_bytes, l->file_bytes) ||
	    set_limit(RLIMIT_NOFILE, l->descriptors, l->descriptors))
		return -1;
	if (CONFINE_SANITIZED) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return set_limit(RLIMIT_AS, l->memory_bytes, l->memory_bytes);
}

/* --- all of it -------------------------------------------------------------------------------- */

static void restrict_files(struct confinement *c, int dir_fd)
{
	int abi = -1;

	if (c->without->landlock)
		errno = ENOSYS;
	else
		abi = confine_landlock(dir_fd, c->without->landlock_abi);
	note(c, CONFINE_FILES, abi < 0);
	if (abi < 0)
		return;
	c->report->landlock_abi = abi;
	if (abi >= LANDLOCK_ABI_NETWORK)
		note(c, CONFINE_NETWORK, 0);
}

static void restrict_calls(struct confinement *c)
{
	int rc = -1;

	if (c->without->seccomp || CONFINE_SANITIZED)
		errno = CONFINE_SANITIZED ? EOPNOTSUPP : ENOSYS;
	else
		rc = confine_seccomp();
	note(c, CONFINE_CALLS | CONFINE_NETWORK, rc);
}

void confine(int dir_fd, int keep, const struct confine_limits *limits,
	     const struct confine_without *without, struct confine_report *report)
{
	struct confinement c = {without, report};

	*report = (struct confine_report){0};
	note(&c, CONFINE_PROCESS, close_from(keep, without));
	note(&c, CONFINE_PRIVILEGES, drop_privileges());
	note(&c, CONFINE_LIMITS, set_limits(limits));
	restrict_files(&c, dir_fd);
	restrict_calls(&c);
}

/* --- in words --------------------------------------------------------------------------------- */

const char *confine_mode(const struct confine_report *r)
{
	if ((r->applied & CONFINE_ALL) == CONFINE_ALL)
		return "full";
	return r->applied ? "degraded" : "none";
}

const char *confine_missing(const struct confine_report *r, char out[CONFINE_MISSING_SIZE])
{
	static const char *const NAMES[] = {"process", "privileges", "limits",
					    "files",   "network",    "calls"};
	size_t n = 0;

	out[0] = 0;
	for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++)
		if (!(r->applied & (1u << i)))
			n += (size_t)snprintf(out + n, CONFINE_MISSING_SIZE - n, "%s%s",
					      n ? ", " : "", NAMES[i]);
	return out;
}
