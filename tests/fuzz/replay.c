#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * Feed every file of tests/fuzz/corpus/<name> to the harness this is linked with, as the program
 * replay_<name>. Each file has a process of its own, so that one that breaks is counted and the
 * rest still run. An empty corpus is a failure: it proves nothing.
 */

#define FILE_MAX ((size_t)16 << 20)

#ifdef COVERAGE
void __gcov_dump(void);
#endif

/* In the child: does not come back. */
static void run_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = malloc(FILE_MAX);
	uint8_t *exact;
	size_t n;

	if (!f || !data)
		_exit(2);
	n = fread(data, 1, FILE_MAX, f);
	if (ferror(f) || n == FILE_MAX)
		_exit(2);
	fclose(f);
	/* no byte more, so that a sanitizer sees reads past the end */
	exact = malloc(n ? n : 1);
	if (!exact)
		_exit(2);
	memcpy(exact, data, n);
	free(data);
	LLVMFuzzerTestOneInput(exact, n);
	free(exact);
#ifdef COVERAGE
	__gcov_dump(); /* _exit() does not */
#endif
	_exit(0);
}

static int passes(const char *path)
{
	int status = 0;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0)
		run_file(path);
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static int is_file_name(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

int main(int argc, char **argv)
{
	static const char prefix[] = "replay_";
	const char *slash = strrchr(argv[0], '/');
	const char *name = slash ? slash + 1 : argv[0];
	struct dirent **files = NULL;
	char dir[256], path[1024];
	int n, passed = 0;

	if (argc != 1 || strncmp(name, prefix, sizeof(prefix) - 1) != 0) {
		fprintf(stderr, "usage: replay_<harness>, from the top directory\n");
		return 2;
	}
	snprintf(dir, sizeof(dir), "tests/fuzz/corpus/%s", name + sizeof(prefix) - 1);
	n = scandir(dir, &files, is_file_name, alphasort);
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]->d_name);
		if (passes(path)) {
			passed++;
			printf("ok %s\n", files[i]->d_name);
		} else {
			printf("not ok %s\n", files[i]->d_name);
		}
		free(files[i]);
	}
	free(files);
	if (n <= 0)
		printf("%s has no files\n", dir);
	printf("%d passed, %d failed\n", passed, n > 0 ? n - passed : 0);
	return n > 0 && passed == n ? 0 : 1;
}
