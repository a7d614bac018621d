#include "tests/unit/artifacts/files.h"

#include <sys/wait.h>

#include "artifacts/beneath.h"
#include "artifacts/workspace.h"
#include "artifacts/writer.h"
#include "aws/core/rng.h"

/* --- workspaces ------------------------------------------------------------------------------- */

static void test_create_and_remove(void **state)
{
	struct workspace ws = WORKSPACE_INIT, other;
	struct err err = ERR_INIT;
	struct stat st;
	struct temp t;
	int sub, file;

	(void)state;
	temp_make(&t);
	assert_int_equal(workspace_remove(&ws, &err), 0); /* there is none */
	assert_int_equal(workspace_create(t.fd, rng_system(), &ws, &err), 0);
	assert_int_equal(workspace_create(t.fd, rng_system(), &other, &err), 0);
	assert_int_equal(count_in(t.fd), 2);
	assert_int_equal(fstatat(t.fd, ws.name, &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0700);

	sub = workspace_subdir(&ws, "artifact", &err);
	assert_true(sub >= 0);
	put_file(sub, "x", STR("x"), 0600);
	close(sub);
	assert_int_equal(workspace_subdir(&ws, "artifact", &err), -1);
	assert_int_equal(err.sys, EEXIST);
	file = workspace_temp_file(&ws, &err);
	assert_true(file >= 0);
	assert_int_equal(write(file, "abc", 3), 3);
	assert_int_equal(count_in(ws.fd), 1); /* the file has no name */
	close(file);

	assert_int_equal(workspace_remove(&ws, &err), 0);
	assert_int_equal(count_in(t.fd), 1);
	assert_int_equal(workspace_remove(&ws, &err), 0);
	assert_int_equal(workspace_remove(&other, &err), 0);
	assert_int_equal(count_in(t.fd), 0);
	temp_remove(&t);
}

static void test_create_fails(void **state)
{
	struct err err = ERR_INIT;
	struct workspace ws;

	(void)state;
	assert_int_equal(workspace_create(-1, rng_system(), &ws, &err), -1);
	assert_int_equal(err.code, ERR_SYSTEM);
	assert_int_equal(ws.fd, -1);
	assert_int_equal(workspace_subdir(&ws, "x", &err), -1);
	assert_int_equal(workspace_temp_file(&ws, &err), -1);
	assert_int_equal(err.sys, EBADF);
	assert_int_equal(workspace_sweep(-1, &err), -1);
	assert_int_equal(err.code, ERR_SYSTEM);
}

static void fill_zero(struct rng *r, void *out, size_t n)
{
	(void)r;
	memset(out, 0, n);
}

/* A name that is taken is not used twice. */
static void test_names_taken(void **state)
{
	struct rng zero = {fill_zero};
	struct workspace one, two;
	struct err err = ERR_INIT;
	struct temp t;

	(void)state;
	temp_make(&t);
	assert_int_equal(workspace_create(t.fd, &zero, &one, &err), 0);
	assert_int_equal(workspace_create(t.fd, &zero, &two, &err), -1);
	assert_int_equal(err.sys, EEXIST);
	assert_int_equal(workspace_remove(&one, &err), 0);
	temp_remove(&t);
}

static void test_sweep(void **state)
{
	struct err err = ERR_INIT;
	struct workspace mine;
	struct temp t;
	int status;
	pid_t pid;

	(void)state;
	temp_make(&t);
	assert_int_equal(workspace_create(t.fd, rng_system(), &mine, &err), 0);
	/* a process that dies without removing its own */
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		struct workspace dead;

		if (workspace_create(t.fd, rng_system(), &dead, &err) ||
		    mkdirat(dead.fd, "d", 0700) || mkdirat(dead.fd, "d/e", 0700))
			_exit(1);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(count_in(t.fd), 2);

	/* and much that is not a workspace, or only looks like one */
	assert_int_equal(mkdirat(t.fd, "workspace-mine", 0700), 0);
	assert_int_equal(mkdirat(t.fd, "workspace-0123456789abcde", 0700), 0);
	assert_int_equal(mkdirat(t.fd, "workspace-0123456789abcdef0", 0700), 0);
	assert_int_equal(mkdirat(t.fd, "workspace-0123456789abcdeF", 0700), 0);
	assert_int_equal(mkdirat(t.fd, "other", 0700), 0);
	put_file(t.fd, "workspace-0123456789abcdef", STR("a file"), 0600);
	assert_int_equal(symlinkat("other", t.fd, "workspace-fedcba9876543210"), 0);
	put_file(t.fd, "other/precious", STR("p"), 0600);
	assert_int_equal(workspace_sweep(t.fd, &err), 0);
	assert_int_equal(count_in(t.fd), 1 + 7);
	check_file(t.fd, "other/precious", STR("p"), 0600);
	assert_int_equal(faccessat(t.fd, mine.name, F_OK, 0), 0);
	assert_int_equal(workspace_remove(&mine, &err), 0);
	temp_remove(&t);
}

/* --- removing --------------------------------------------------------------------------------- */

static void test_remove_links(void **state)
{
	struct temp t, outside;
	struct err err = ERR_INIT;
	char target[128];

	(void)state;
	temp_make(&t);
	temp_make(&outside);
	put_file(outside.fd, "precious", STR("p"), 0600);
	snprintf(target, sizeof(target), "%s/precious", outside.path);
	assert_int_equal(symlinkat(outside.path, t.fd, "dir-link"), 0);
	assert_int_equal(symlinkat(target, t.fd, "file-link"), 0);
	assert_int_equal(mkdirat(t.fd, "d", 0700), 0);
	assert_int_equal(symlinkat(outside.path, t.fd, "d/dir-link"), 0);
	assert_int_equal(mkfifoat(t.fd, "d/pipe", 0600), 0);
	assert_int_equal(remove_content(t.fd, &err), 0);
	assert_int_equal(count_in(t.fd), 0);
	check_file(outside.fd, "precious", STR("p"), 0600);
	temp_remove(&outside);
	temp_remove(&t);
}

/* Far deeper than descriptors or PATH_MAX reach, and wide. */
static void test_remove_deep(void **state)
{
	struct err err = ERR_INIT;
	char name[256];
	struct temp t;
	int at;

	(void)state;
	temp_make(&t);
	memset(name, 'd', 200);
	name[200] = 0;
	at = dup(t.fd);
	for (int i = 0; i < 600; i++) {
		int next;

		assert_int_equal(mkdirat(at, name, 0700), 0);
		put_file(at, "f", STR("f"), 0600);
		assert_int_equal(mkdirat(at, ".removed-1", 0700), 0);
		put_file(at, ".removed-0", STR("f"), 0600);
		next = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(next >= 0);
		close(at);
		at = next;
	}
	close(at);
	assert_int_equal(remove_content(t.fd, &err), 0);
	assert_int_equal(count_in(t.fd), 0);
	temp_remove(&t);
}

static void test_remove_fails(void **state)
{
	struct err err = ERR_INIT;
	struct temp t;
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(remove_content(-1, &err), -1);
	assert_int_equal(err.sys, EBADF);

	/* a directory that may not be changed; root may change all, so it is tried as nobody */
	temp_make(&t);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		struct err e = ERR_INIT;

		if (fchmod(t.fd, 0777) || (!geteuid() && setresuid(65534, 65534, 65534)))
			_exit(2);
		if (mkdirat(t.fd, "locked", 0700) || mkdirat(t.fd, "locked/d", 0700) ||
		    mkdirat(t.fd, "free", 0700) || mkdirat(t.fd, "free/d", 0700) ||
		    mknodat(t.fd, "locked/file", S_IFREG | 0600, 0) ||
		    fchmodat(t.fd, "locked", 0500, 0))
			_exit(3);
		if (!remove_content(t.fd, &e) || e.code != ERR_SYSTEM || e.sys != EACCES)
			_exit(4);
		/* the rest is gone nevertheless */
		_exit(faccessat(t.fd, "free", F_OK, 0) ? 0 : 5);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(fchmodat(t.fd, "locked", 0700, 0), 0);
	temp_remove(&t);
}

static void test_sweep_fails(void **state)
{
	struct temp t;
	int status;
	pid_t pid;

	(void)state;
	temp_make(&t);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		struct err e = ERR_INIT;

		if (fchmod(t.fd, 0777) || (!geteuid() && setresuid(65534, 65534, 65534)))
			_exit(2);
		if (mkdirat(t.fd, "workspace-0000000000000001", 0700) ||
		    mkdirat(t.fd, "workspace-0000000000000001/d", 0700) ||
		    mkdirat(t.fd, "workspace-0000000000000001/d/e", 0700) ||
		    fchmodat(t.fd, "workspace-0000000000000001/d", 0500, 0) ||
		    mkdirat(t.fd, "workspace-0000000000000002", 0700))
			_exit(3);
		if (!workspace_sweep(t.fd, &e) || e.code != ERR_SYSTEM ||
		    !strstr(e.text, "workspace-0000000000000001"))
			_exit(4);
		_exit(faccessat(t.fd, "workspace-0000000000000002", F_OK, 0) ? 0 : 5);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 0);
	temp_remove(&t);
}

/* --- opening beneath -------------------------------------------------------------------------- */

static void check_open(int dir_fd, const char *path, int flags, int want)
{
	for (int plain = 0; plain < 2; plain++) {
		int fd = beneath_open(dir_fd, path, flags, 0600, plain);

		if (want) {
			assert_int_equal(fd, -1);
			if (errno != want)
				fail_msg("%s, plain %d: %d, not %d", path, plain, errno, want);
		} else {
			if (fd < 0)
				fail_msg("%s, plain %d: %d", path, plain, errno);
			assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
			close(fd);
		}
	}
}

static void test_beneath(void **state)
{
	char longer[400];
	struct temp t;

	(void)state;
	temp_make(&t);
	assert_int_equal(mkdirat(t.fd, "a", 0700), 0);
	assert_int_equal(mkdirat(t.fd, "a/b", 0700), 0);
	put_file(t.fd, "a/b/c", STR("c"), 0600);
	assert_int_equal(symlinkat("/etc/passwd", t.fd, "out"), 0);
	assert_int_equal(symlinkat("c", t.fd, "a/b/in"), 0);
	assert_int_equal(symlinkat("b", t.fd, "a/l"), 0);
	check_open(t.fd, "a/b/c", O_RDONLY, 0);
	check_open(t.fd, "", O_RDONLY | O_DIRECTORY, 0);
	check_open(t.fd, "a/b", O_PATH | O_DIRECTORY, 0);
	check_open(t.fd, "a/./b/", O_RDONLY | O_DIRECTORY, 0);
	check_open(t.fd, "a/b/none", O_RDONLY, ENOENT);
	check_open(t.fd, "a/none/c", O_RDONLY, ENOENT);
	check_open(t.fd, "a/b/c/d", O_RDONLY, ENOTDIR);
	check_open(t.fd, "a/b/c", O_RDONLY | O_DIRECTORY, ENOTDIR);
	check_open(t.fd, "out", O_RDONLY, ELOOP);
	check_open(t.fd, "a/b/in", O_RDONLY, ELOOP);
	check_open(t.fd, "/etc/passwd", O_RDONLY, EXDEV);
	check_open(t.fd, "../x", O_RDONLY, EXDEV);
	check_open(t.fd, "a/b/c", O_WRONLY | O_CREAT | O_EXCL, EEXIST);
	memset(longer, 'x', sizeof(longer));
	longer[399] = 0;
	check_open(t.fd, longer, O_RDONLY, ENAMETOOLONG);
	/* the kernel says ELOOP for a link in between, the walk ENOTDIR */
	assert_int_equal(beneath_open(t.fd, "a/l/c", O_RDONLY, 0, false), -1);
	assert_int_equal(errno, ELOOP);
	assert_int_equal(beneath_open(t.fd, "a/l/c", O_RDONLY, 0, true), -1);
	assert_int_equal(errno, ENOTDIR);
	temp_remove(&t);
}

/* --- the writer, where something is in its way ------------------------------------------------ */

static void test_writer(void **state)
{
	struct temp t, outside;

	(void)state;
	temp_make(&t);
	temp_make(&outside);
	for (int plain = 0; plain < 2; plain++) {
		struct err err = ERR_INIT;
		struct writer *w = writer_new(t.fd, plain);

		put_file(t.fd, "file", STR("old"), 0600);
		assert_int_equal(symlinkat(outside.path, t.fd, "link"), 0);
		assert_int_equal(symlinkat("nowhere", t.fd, "dangling"), 0);

		assert_int_equal(writer_open(w, STR("file"), false, &err), -1);
		assert_int_equal(err.code, ERR_UNSAFE);
		assert_non_null(strstr(err.text, "\"file\""));
		assert_int_equal(writer_open(w, STR("dangling"), false, &err), -1);
		assert_int_equal(err.code, ERR_UNSAFE);
		assert_int_equal(writer_open(w, STR("link/x"), false, &err), -1);
		assert_int_equal(err.code, ERR_UNSAFE);
		assert_int_equal(writer_open(w, STR("file/x"), false, &err), -1);
		assert_int_equal(err.code, ERR_UNSAFE);
		assert_int_equal(writer_dir(w, STR("link/y"), &err), -1);
		assert_int_equal(err.code, ERR_UNSAFE);
		assert_int_equal(writer_dir(w, STR("file"), &err), -1);
		assert_int_equal(err.code, ERR_UNSAFE);
		assert_int_equal(count_in(outside.fd), 0);
		check_file(t.fd, "file", STR("old"), 0600);

		assert_int_equal(writer_open(w, STR("d/e/new"), true, &err), 0);
		assert_int_equal(writer_write(w, "new", 3, &err), 0);
		assert_int_equal(writer_close(w, &err), 0);
		check_file(t.fd, "d/e/new", STR("new"), 0755);
		assert_int_equal(writer_open(w, STR("left-open"), false, &err), 0);
		writer_free(w);
		assert_int_equal(remove_content(t.fd, &err), 0);
	}
	temp_remove(&outside);
	temp_remove(&t);
}

static void test_writer_full_disk(void **state)
{
	struct err err = ERR_INIT;
	struct writer *w;
	struct temp t;

	(void)state;
	/* the root is no directory any more, and a file that takes nothing */
	w = writer_new(-1, false);
	assert_int_equal(writer_dir(w, STR("d"), &err), -1);
	assert_int_equal(err.code, ERR_SYSTEM);
	assert_int_equal(writer_open(w, STR("f"), false, &err), -1);
	assert_int_equal(err.sys, EBADF);
	writer_free(w);

	temp_make(&t);
	w = writer_new(t.fd, false);
	assert_int_equal(writer_open(w, STR("f"), false, &err), 0);
	/* a write the kernel refuses: from memory that is not there */
	assert_int_equal(writer_write(w, NULL, 1, &err), -1);
	assert_int_equal(err.code, ERR_SYSTEM);
	assert_int_equal(err.sys, EFAULT);
	writer_free(w);
	temp_remove(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create_and_remove), cmocka_unit_test(test_create_fails),
		cmocka_unit_test(test_names_taken),	  cmocka_unit_test(test_sweep),
		cmocka_unit_test(test_remove_links),	  cmocka_unit_test(test_remove_deep),
		cmocka_unit_test(test_remove_fails),	  cmocka_unit_test(test_sweep_fails),
		cmocka_unit_test(test_beneath),		  cmocka_unit_test(test_writer),
		cmocka_unit_test(test_writer_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
