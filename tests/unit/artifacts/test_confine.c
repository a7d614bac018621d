#include "tests/unit/artifacts/confine_inside.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* What is locked in, tried from inside; the filter of calls is in test_confine_seccomp.c. */

/* --- Landlock's rights, by themselves --------------------------------------------------------- */

static void rights_follow_the_abi(void **state)
{
	static const struct {
		int abi;
		uint64_t files, network, scoped;
	} want[] = {{0, 0, 0, 0},	{1, 0x1fff, 0, 0}, {2, 0x3fff, 0, 0}, {3, 0x7fff, 0, 0},
		    {4, 0x7fff, 3, 0},	{5, 0xffff, 3, 0}, {6, 0xffff, 3, 3}, {7, 0xffff, 3, 3},
		    {99, 0xffff, 3, 3}, {-1, 0, 0, 0}};

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		struct landlock_rights r = landlock_rights_of(want[i].abi);

		assert_int_equal(r.files, want[i].files);
		assert_int_equal(r.network, want[i].network);
		assert_int_equal(r.scoped, want[i].scoped);
		assert_int_equal(r.beneath, want[i].files ? 0x18a : 0);
		assert_int_equal(r.beneath & ~r.files, 0);
	}
}

/* --- in words --------------------------------------------------------------------------------- */

static void reports_are_told(void **state)
{
	struct confine_report r = {.applied = CONFINE_ALL};
	char text[CONFINE_MISSING_SIZE];

	(void)state;
	assert_string_equal(confine_mode(&r), "full");
	assert_string_equal(confine_missing(&r, text), "");
	r.applied = CONFINE_ALL & ~(CONFINE_FILES | CONFINE_CALLS);
	assert_string_equal(confine_mode(&r), "degraded");
	assert_string_equal(confine_missing(&r, text), "files, calls");
	r.applied = 0;
	assert_string_equal(confine_mode(&r), "none");
	assert_string_equal(confine_missing(&r, text),
			    "process, privileges, limits, files, network, calls");
}

/* --- Landlock and the filter in a thread ------------------------------------------------------ */

static int file_attempts(struct inside *in)
{
	char path[128];
	int fd;

	TRY(denied(AT_FDCWD, "/etc/passwd", O_RDONLY));
	TRY(denied(AT_FDCWD, "/", O_RDONLY | O_DIRECTORY));
	TRY(denied(AT_FDCWD, "/proc/self/environ", O_RDONLY));
	TRY(denied(in->next.fd, "file", O_RDONLY));
	TRY(denied(in->next.fd, "file", O_WRONLY));
	TRY(denied(in->next.fd, "new", O_WRONLY | O_CREAT | O_EXCL));
	snprintf(path, sizeof(path), "../%s/file", strrchr(in->next.path, '/') + 1);
	TRY(denied(in->temp.fd, path, O_RDONLY));
	TRY(denied(in->temp.fd, "..", O_RDONLY | O_DIRECTORY));
	TRY(denied(in->temp.fd, "own", O_RDONLY)); /* even its own */
	TRY(mkdirat(in->next.fd, "dir", 0755) < 0 && errno == EACCES);
	/* and what it is for */
	TRY(mkdirat(in->temp.fd, "dir", 0755) == 0);
	fd = open_inside(in->temp.fd, "dir", O_RDONLY | O_DIRECTORY);
	TRY(fd >= 0);
	close(fd);
	fd = open_inside(in->temp.fd, "dir/new", O_WRONLY | O_CREAT | O_EXCL);
	TRY(fd >= 0 && write(fd, "x", 1) == 1);
	close(fd);
	return 0;
}

/* What the filter kills for, and Landlock refuses by itself. */
static int change_attempts(struct inside *in)
{
	TRY(unlinkat(in->temp.fd, "own", 0) < 0 && errno == EACCES);
	TRY(unlinkat(in->next.fd, "file", 0) < 0 && errno == EACCES);
	TRY(symlinkat("/etc", in->temp.fd, "link") < 0 && errno == EACCES);
	TRY(mkfifoat(in->temp.fd, "fifo", 0600) < 0 && errno == EACCES);
	TRY(linkat(in->next.fd, "file", in->temp.fd, "stolen", 0) < 0 &&
	    (errno == EACCES || errno == EXDEV));
	TRY(renameat(in->next.fd, "file", in->temp.fd, "stolen") < 0 &&
	    (errno == EACCES || errno == EXDEV));
	return 0;
}

static int landlocked(struct thread *t)
{
	int error;

	TRY(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	TRY(confine_landlock(t->in->temp.fd, t->abi) == t->want_abi);
	TRY(file_attempts(t->in) == 0);
	TRY(change_attempts(t->in) == 0);
	error = connect_to_nobody();
	TRY(error == (t->want_abi >= LANDLOCK_ABI_NETWORK ? EACCES : ECONNREFUSED));
	return 0;
}

static void *landlocked_thread(void *arg)
{
	struct thread *t = arg;

	t->line = landlocked(t);
	return NULL;
}

static void every_landlock_confines_files(void **state)
{
	struct inside *in = *state;
	int have = kernel_abi();

	if (have < 1) {
		print_message("skipped: this kernel has no Landlock\n");
		return;
	}
	for (int abi = 0; abi <= have; abi++) {
		struct thread t = {in, abi, abi ? abi : have, 0};
		struct err err = ERR_INIT;

		in_thread(landlocked_thread, &t);
		assert_int_equal(remove_content(in->temp.fd, &err), 0);
		put_file(in->temp.fd, "own", STR("own"), 0644);
	}
}

static void *no_directory_thread(void *arg)
{
	struct thread *t = arg;
	int saved;

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	t->line = confine_landlock(-1, 0) < 0 ? 0 : __LINE__;
	saved = errno;
	if (kernel_abi() >= 1 && saved != EBADF)
		t->line = __LINE__;
	return NULL;
}

static void landlock_wants_a_directory(void **state)
{
	struct thread t = {*state, 0, 0, 0};

	in_thread(no_directory_thread, &t);
}

static int landlock_here(void *arg)
{
	struct inside *in = arg;

	return confine_landlock(in->temp.fd, 0) < 0 ? errno : 0;
}

static void landlock_says_what_is_refused(void **state)
{
	struct broken_call call = {444 /* landlock_create_ruleset */, BROKEN_EQUAL, 2, 1};
	struct inside *in = *state;

	assert_int_equal(with_broken_call(call, landlock_here, in), EIO); /* which is there? */
	call.value = 0;
	if (in->kernel >= 1)
		assert_int_equal(with_broken_call(call, landlock_here, in), EIO);
}

/* --- all of it, in a process ------------------------------------------------------------------ */

static int is_full(struct inside *in)
{
	TRY(in->report.applied == CONFINE_ALL);
	TRY(in->report.landlock_abi == in->kernel && in->report.sys == 0);
	return file_attempts(in);
}

static int is_sanitized(struct inside *in)
{
	TRY(in->report.applied == (CONFINE_ALL & ~(CONFINE_LIMITS | CONFINE_CALLS)));
	TRY(in->report.sys == EOPNOTSUPP);
	return file_attempts(in);
}

static void all_of_it(void **state)
{
	struct inside *in = *state;

	if (kernel_abi() < LANDLOCK_ABI_NETWORK) {
		print_message("skipped: this kernel has no Landlock, or an early one\n");
		return;
	}
	must_pass(in, CONFINE_SANITIZED ? is_sanitized : is_full);
	assert_int_equal(count_in(in->next.fd), 1);
}

/* --- degraded --------------------------------------------------------------------------------- */

static int misses_files(struct inside *in)
{
	TRY(!(in->report.applied & CONFINE_FILES) && in->report.landlock_abi == 0);
	TRY(in->report.sys == ENOSYS || CONFINE_SANITIZED);
	TRY(CONFINE_SANITIZED ||
	    (in->report.applied & CONFINE_CALLS && in->report.applied & CONFINE_NETWORK));
	TRY(!denied(in->next.fd, "file", O_RDONLY)); /* so it is */
	return 0;
}

static int misses_calls(struct inside *in)
{
	TRY(!(in->report.applied & CONFINE_CALLS));
	TRY(in->report.applied & CONFINE_FILES && in->report.applied & CONFINE_NETWORK);
	TRY(connect_to_nobody() == EACCES);
	return file_attempts(in) || change_attempts(in);
}

static int misses_calls_and_network(struct inside *in)
{
	TRY(in->report.landlock_abi == in->without.landlock_abi);
	TRY(!(in->report.applied & (CONFINE_CALLS | CONFINE_NETWORK)));
	TRY(in->report.applied & CONFINE_FILES);
	TRY(connect_to_nobody() == ECONNREFUSED);
	return file_attempts(in) || change_attempts(in);
}

static int is_killed_for_a_socket(struct inside *in)
{
	TRY(in->report.landlock_abi == 1 && in->report.applied & CONFINE_NETWORK);
	return connect_to_nobody();
}

static void degraded_kernels(void **state)
{
	struct inside *in = *state;

	in->without = (struct confine_without){.landlock = true};
	must_pass(in, misses_files);
	if (kernel_abi() < LANDLOCK_ABI_NETWORK) {
		print_message("skipped: this kernel has no Landlock, or an early one\n");
		return;
	}
	in->without = (struct confine_without){.seccomp = true};
	must_pass(in, misses_calls);
	for (int abi = 1; abi <= 3; abi += 2) {
		struct err err = ERR_INIT;

		assert_int_equal(remove_content(in->temp.fd, &err), 0);
		put_file(in->temp.fd, "own", STR("own"), 0644);
		in->without = (struct confine_without){.seccomp = true, .landlock_abi = abi};
		must_pass(in, misses_calls_and_network);
	}
	in->without = (struct confine_without){.landlock_abi = 1};
	if (!CONFINE_SANITIZED) /* the older Landlock leaves it to the filter */
		must_die(in, is_killed_for_a_socket, SIGSYS);
}

static int has_no_descriptors(struct inside *in)
{
	TRY(in->report.applied & CONFINE_PROCESS);
	for (int fd = 0; fd < 100; fd++)
		TRY((fcntl(fd, F_GETFD) >= 0) == (fd <= in->next.fd));
	return 0;
}

/* Newer than the directories, so that confine() has something to close. */
static void descriptors_are_closed(void **state)
{
	struct inside *in = *state;
	int more[20];

	for (int i = 0; i < 20; i++)
		more[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	for (int i = 0; i < 3; i++) {
		in->without = (struct confine_without){
			.landlock = true, .seccomp = true, .close_range = i > 0, .proc = i > 1};
		must_pass(in, has_no_descriptors);
	}
	for (int i = 0; i < 20; i++)
		close(more[i]);
}

static int has_no_privileges(struct inside *in)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];
	struct rlimit core;

	TRY(in->report.applied & CONFINE_PRIVILEGES);
	TRY(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	TRY(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
	TRY(syscall(SYS_capget, &head, caps) == 0);
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		TRY(!caps[i].effective && !caps[i].permitted && !caps[i].inheritable);
	TRY(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0);
	return 0;
}

static void privileges_are_dropped(void **state)
{
	struct inside *in = *state;

	in->without = (struct confine_without){.landlock = true, .seccomp = true};
	must_pass(in, has_no_privileges);
}

/* What the kernel refuses is missing, with its reason, and the rest is there. */
static int misses_privileges(struct inside *in)
{
	TRY(!(in->report.applied & CONFINE_PRIVILEGES) && in->report.sys == EIO);
	TRY(in->report.applied & CONFINE_PROCESS);
	return 0;
}

static int misses_process_and_limits(struct inside *in)
{
	TRY(!(in->report.applied & (CONFINE_PROCESS | CONFINE_LIMITS)) && in->report.sys == EIO);
	TRY(in->report.applied & CONFINE_PRIVILEGES);
	return 0;
}

static void refusals_of_the_kernel(void **state)
{
	static const struct {
		struct broken_call call;
		int (*check)(struct inside *in);
	} rows[] = {
		{{SYS_prctl, BROKEN_EQUAL, 0, PR_SET_NO_NEW_PRIVS}, misses_privileges},
		{{SYS_prctl, BROKEN_EQUAL, 0, PR_SET_DUMPABLE}, misses_privileges},
		{{.nr = SYS_capset}, misses_privileges},
		{{.nr = SYS_prlimit64}, misses_process_and_limits},
		{{SYS_openat, BROKEN_BITS, 2, O_DIRECTORY}, has_no_descriptors},
	};
	struct inside *in = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		in->broken = &rows[i].call;
		in->without = (struct confine_without){
			.landlock = true,
			.seccomp = true,
			.close_range = true,
			.proc = rows[i].check == misses_process_and_limits};
		must_pass(in, rows[i].check);
	}
}

/* --- limits ----------------------------------------------------------------------------------- */

static int write_much(struct inside *in)
{
	int fd = open_inside(in->temp.fd, "much", O_WRONLY | O_CREAT | O_EXCL);
	static char block[4096];

	TRY(fd >= 0);
	for (int i = 0; i < 64; i++)
		TRY(write(fd, block, sizeof(block)) == sizeof(block));
	return 0;
}

static int take_memory(struct inside *in)
{
	void *p;

	(void)in;
	p = mmap(NULL, 1ull << 31, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	TRY(p == MAP_FAILED && errno == ENOMEM);
	return 0;
}

static int open_many(struct inside *in)
{
	int fd, last = -1;

	while ((fd = open_inside(in->temp.fd, ".", O_RDONLY | O_DIRECTORY)) >= 0)
		last = fd;
	TRY(errno == EMFILE && last == (int)in->limits.descriptors - 1);
	return 0;
}

static int spin(struct inside *in)
{
	for (volatile unsigned n = 1; n; n += 2)
		;
	return in->report.sys;
}

static int cannot_fork(struct inside *in)
{
	pid_t pid;

	TRY(in->report.applied & CONFINE_PRIVILEGES);
	pid = fork();
	if (!pid)
		_exit(0);
	TRY(pid < 0 && errno == EAGAIN);
	return 0;
}

static int stays_stricter(struct inside *in)
{
	struct rlimit r;

	TRY(in->report.applied & CONFINE_PROCESS);
	TRY(getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur == 50 &&
	    r.rlim_max == WIDE.descriptors);
	return 0;
}

static void limits_hold(void **state)
{
	struct inside *in = *state;

	in->limits.file_bytes = 16 * 4096;
	must_die(in, write_much, SIGXFSZ);
	assert_int_equal(unlinkat(in->temp.fd, "much", 0), 0);
	in->limits.file_bytes = 64 * 4096;
	must_pass(in, write_much);
	in->limits.descriptors = 40;
	must_pass(in, open_many);
	in->limits.cpu_s = 1;
	must_die(in, spin, SIGXCPU);
	if (!CONFINE_SANITIZED) {
		in->limits.memory_bytes = 1ull << 30;
		must_pass(in, take_memory);
	}
}

/* A limit that is there already is not widened. */
static void stricter_limits_stay(void **state)
{
	struct rlimit strict = {50, 50}, now;
	struct inside *in = *state;

	in->without = (struct confine_without){.landlock = true, .seccomp = true};
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &now), 0);
	strict.rlim_max = now.rlim_max; /* the softer one can be taken back */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &strict), 0);
	must_pass(in, stays_stricter);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
}

static void no_processes(void **state)
{
	struct inside *in = *state;

	in->without = (struct confine_without){.landlock = true, .seccomp = true};
	in->nobody = true; /* the kernel lets root have any number */
	must_pass(in, cannot_fork);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rights_follow_the_abi),
		cmocka_unit_test(reports_are_told),
		cmocka_unit_test_setup_teardown(every_landlock_confines_files, set_up, tear_down),
		cmocka_unit_test_setup_teardown(landlock_wants_a_directory, set_up, tear_down),
		cmocka_unit_test_setup_teardown(all_of_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(degraded_kernels, set_up, tear_down),
		cmocka_unit_test_setup_teardown(descriptors_are_closed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(privileges_are_dropped, set_up, tear_down),
		cmocka_unit_test_setup_teardown(refusals_of_the_kernel, set_up, tear_down),
		cmocka_unit_test_setup_teardown(landlock_says_what_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(limits_hold, set_up, tear_down),
		cmocka_unit_test_setup_teardown(stricter_limits_stay, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_processes, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
