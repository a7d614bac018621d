/*
 * Artifacts in: what the worker does with an input artifact, as a program, so that its time and
 * memory can be measured beside those of other programs.
 *
 *   bench_unpack serve DIR                 GET /bucket/NAME answers with DIR/NAME; prints the port
 *   bench_unpack fetch PORT NAME DIR       s3 GET, SHA-256 and all, then unpack into DIR/out
 *   bench_unpack inside PORT NAME DIR      the same, but unpack in this process
 *   bench_unpack file PATH DIR             unpack alone
 *   bench_unpack turns PATH DIR ROUNDS     unpack alone, in a process of its own and in this one by
 *                                          turns; prints the milliseconds of each, a round a line
 *
 * The server is as thin as can be (sendfile), for it runs on the same processors as those measured.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "artifacts/fetch.h"
#include "artifacts/remove.h"
#include "artifacts/unpack_child.h"
#include "artifacts/workspace.h"

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

static _Noreturn void die_err(const struct err *err)
{
	fprintf(stderr, "bench_unpack: %s\n", err->text);
	exit(1);
}

/* --- serve ------------------------------------------------------------------------------------ */

static void send_all(int to, const char *p, size_t n)
{
	while (n) {
		ssize_t m = send(to, p, n, MSG_NOSIGNAL | MSG_MORE);

		if (m <= 0)
			return;
		p += m;
		n -= (size_t)m;
	}
}

static void answer(int to, const char *dir, const char *name)
{
	char path[4096], head[256];
	struct stat st;
	off_t at = 0;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st)) {
		static const char none[] = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";

		send_all(to, none, sizeof(none) - 1);
		return;
	}
	snprintf(head, sizeof(head),
		 "HTTP/1.1 200 OK\r\nContent-Length: %lld\r\nETag: \"%llx\"\r\n\r\n",
		 (long long)st.st_size, (unsigned long long)st.st_ino);
	send_all(to, head, strlen(head));
	while (at < st.st_size && sendfile(to, fd, &at, (size_t)(st.st_size - at)) > 0)
		;
	close(fd);
}

/* One request: the name is what follows the bucket. */
static void serve_one(int to, const char *dir)
{
	char text[16384], *name, *end;
	size_t n = 0;

	while (n < sizeof(text) - 1) {
		ssize_t m = recv(to, text + n, sizeof(text) - 1 - n, 0);

		if (m <= 0)
			return;
		n += (size_t)m;
		text[n] = 0;
		if (strstr(text, "\r\n\r\n"))
			break;
	}
	name = strchr(text, '/');
	name = name ? strchr(name + 1, '/') : NULL;
	if (!name)
		return;
	name++;
	end = name + strcspn(name, " ?/");
	*end = 0;
	answer(to, dir, name);
}

static int serve(const char *dir)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t n = sizeof(a);

	signal(SIGPIPE, SIG_IGN);
	if (s < 0 || bind(s, (struct sockaddr *)&a, n) || listen(s, 16) ||
	    getsockname(s, (struct sockaddr *)&a, &n))
		die("listen");
	printf("%d\n", ntohs(a.sin_port));
	fflush(stdout);
	for (;;) {
		int to = accept4(s, NULL, NULL, SOCK_CLOEXEC);

		if (to < 0)
			continue;
		serve_one(to, dir);
		close(to);
	}
}

/* --- measured --------------------------------------------------------------------------------- */

static void unpack_by(const char *program, int fd, int out, struct unpack_stats *stats)
{
	const struct unpack_child how = {.confinement = program ? UNPACK_CONFINEMENT_PREFER
								: UNPACK_CONFINEMENT_OFF,
					 .program = program,
					 .clock = clock_system()};
	struct unpack_limits limits = unpack_limits_default();
	struct confine_report report;
	struct err err = ERR_INIT;

	if (unpack_in_child(&how, fd, out, &limits, stats, &report, &err))
		die_err(&err);
}

/* program NULL: in this process */
static void unpack_into(const char *program, int fd, const char *dir)
{
	struct unpack_stats stats;
	char path[4096];
	int out;

	snprintf(path, sizeof(path), "%s/out", dir);
	if (mkdir(path, 0700))
		die(path);
	out = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (out < 0)
		die(path);
	unpack_by(program, fd, out, &stats);
	close(out);
	printf("%llu files, %llu bytes\n", (unsigned long long)stats.files,
	       (unsigned long long)stats.bytes);
}

static int fetch_and_unpack(const char *program, const char *port, const char *name,
			    const char *dir)
{
	struct credentials_parts parts = {.access_key_id = STR("AKIASIMWORKER000001"),
					  .secret_access_key = STR("sim-secret"),
					  .source = "bench"};
	struct aws_settings settings = {.region = "eu-central-1"};
	struct workspace ws = WORKSPACE_INIT;
	struct arena *a = arena_new();
	struct err err = ERR_INIT;
	struct fetched fetched;
	struct aws_deps deps = {.clock = clock_system(), .rng = rng_system()};
	struct fetch f = {.bucket = "bucket", .key = name, .workspace = &ws};
	struct aws_client client = {.region = settings.region};
	int root = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		die(dir);
	http_global_init();
	settings.endpoint_url = arena_printf(a, "http://127.0.0.1:%s", port);
	settings.s3_force_path_style = true;
	deps.settings = &settings;
	deps.http = http_curl_new(NULL, "bench", &err);
	client.credentials = credentials_static_new(&parts, &err);
	if (!deps.http || !client.credentials ||
	    workspace_create(root, deps.rng, &ws, &err))
		die_err(&err);
	client.aws = aws_new(&deps);
	if (fetch(&client, &f, a, &fetched, &err))
		die_err(&err);
	unpack_into(program, fetched.fd, dir);
	close(fetched.fd);
	if (workspace_remove(&ws, &err))
		die_err(&err);
	aws_free(client.aws);
	credentials_provider_free(client.credentials);
	http_free(deps.http);
	arena_free(a);
	close(root);
	return 0;
}

static int unpack_file(const char *path, const char *dir)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		die(path);
	unpack_into(UNPACK_CHILD_SELF, fd, dir);
	close(fd);
	return 0;
}

static double timed(const char *program, int fd, int out)
{
	struct unpack_stats stats;
	struct err err = ERR_INIT;
	struct timespec from, to;

	clock_gettime(CLOCK_MONOTONIC, &from);
	unpack_by(program, fd, out, &stats);
	clock_gettime(CLOCK_MONOTONIC, &to);
	if (remove_content(out, &err))
		die_err(&err);
	return (double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6;
}

static int unpack_by_turns(const char *path, const char *dir, int rounds)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int out = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || out < 0)
		die(path);
	for (int i = 0; i < rounds; i++) {
		double apart = timed(UNPACK_CHILD_SELF, fd, out);

		printf("%.3f %.3f\n", apart, timed(NULL, fd, out));
	}
	close(fd);
	close(out);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], UNPACK_CHILD_COMMAND))
		unpack_child_main(argc, argv);
	if (argc == 3 && !strcmp(argv[1], "serve"))
		return serve(argv[2]);
	if (argc == 5 && !strcmp(argv[1], "fetch"))
		return fetch_and_unpack(UNPACK_CHILD_SELF, argv[2], argv[3], argv[4]);
	if (argc == 5 && !strcmp(argv[1], "inside"))
		return fetch_and_unpack(NULL, argv[2], argv[3], argv[4]);
	if (argc == 5 && !strcmp(argv[1], "turns"))
		return unpack_by_turns(argv[2], argv[3], atoi(argv[4]));
	if (argc == 4 && !strcmp(argv[1], "file"))
		return unpack_file(argv[2], argv[3]);
	fprintf(stderr, "usage: bench_unpack serve DIR | fetch PORT NAME DIR | inside PORT NAME DIR"
			" | file PATH DIR | turns PATH DIR ROUNDS\n");
	return 2;
}
