#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "artifacts/fold.h"
#include "artifacts/remove.h"
#include "artifacts/unpack.h"
#include "tests/unit/artifacts/hostile_tar.h"
#include "tests/unit/artifacts/hostile_zip.h"
#include "tests/unit/artifacts/listing.h"
#include "tests/unit/artifacts/odd_archives.h"
#include "tests/unit/artifacts/random_archive.h"

/*
 * The C side of archives.test, which says what for:
 *
 *   archives generate DIR    write what the generators make into files
 *   archives read            for each path on the input: what we see in it, and what libarchive
 *   archives fold            for each name on the input, in hex: its key (fold.h), in hex
 *
 * "read" prints lines of fields with spaces between:
 *
 *   archive PATH
 *   ours|libarchive accepted
 *   ours|libarchive refused REASON
 *   ours|libarchive KIND SIZE SHA256 PATH-IN-HEX
 */

static void die(const char *what)
{
	perror(what);
	exit(2);
}

/* --- generate --------------------------------------------------------------------------------- */

static void write_file(const char *dir, const char *kind, const char *what, struct str s)
{
	char path[512];
	size_t n;
	FILE *f;

	n = (size_t)snprintf(path, sizeof(path), "%s/", dir);
	snprintf(path + n, sizeof(path) - n, "%s-%s", kind, what);
	for (char *c = path + n; *c; c++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", *c))
			*c = '-';
	f = fopen(path, "wb");
	if (!f || fwrite(s.p, 1, s.n, f) != s.n || fclose(f))
		die(path);
}

struct to {
	const char *dir, *kind;
};

static void write_hostile(void *arg, const char *what, struct str archive, enum err_code code,
			  const char *text, bool late)
{
	const struct to *to = arg;

	(void)code;
	(void)text;
	(void)late;
	write_file(to->dir, to->kind, what, archive);
}

static void write_odd(void *arg, const char *what, struct str archive)
{
	const struct to *to = arg;

	write_file(to->dir, to->kind, what, archive);
}

static void generate(const char *dir)
{
	static const char *const kinds[] = {"zip", "tar", "tgz"};
	struct ra_tree *tree = xmalloc(sizeof(*tree));
	char what[64];
	struct buf b;

	hostile_zips(write_hostile, &(struct to){dir, "hostile-zip"});
	hostile_tars(write_hostile, &(struct to){dir, "hostile-tar"});
	each_odd_zip(write_odd, &(struct to){dir, "odd-zip"});
	each_odd_tar(write_odd, &(struct to){dir, "odd-tar"});
	buf_init(&b, 1 << 24);
	for (uint64_t seed = 0; seed < 600; seed++) {
		enum ra_kind kind = (enum ra_kind)(seed % RA_KINDS);

		buf_clear(&b);
		ra_make(seed / 5, tree, kind, &b);
		snprintf(what, sizeof(what), "%s-%d", kinds[kind], (int)seed);
		write_file(dir, "right", what, buf_str(&b));
		ra_mutate(seed, &b);
		write_file(dir, "changed", what, buf_str(&b));
	}
	buf_release(&b);
	free(tree);
}

/* --- read ------------------------------------------------------------------------------------- */

static void print_reason(const char *who, const char *why)
{
	printf("%s refused ", who);
	for (; *why; why++)
		putchar(*why == '\n' ? ' ' : *why);
	putchar('\n');
}

static void print_listing(const char *who, const struct listing *l)
{
	printf("%s accepted\n", who);
	for (size_t i = 0; i < l->n; i++) {
		const struct listed *e = &l->e[i];

		printf("%s %c %llu %s ", who, e->kind, (unsigned long long)e->size,
		       e->sha[0] ? e->sha : "-");
		for (const char *c = e->path; *c; c++)
			printf("%02x", (unsigned char)*c);
		putchar('\n');
	}
}

static void read_one(const char *path, int dir_fd)
{
	struct unpack_limits limits = unpack_limits_default();
	struct unpack_stats stats;
	struct err err = ERR_INIT;
	struct listing l = {0};
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		die(path);
	printf("archive %s\n", path);
	if (unpack(fd, dir_fd, &limits, &stats, &err)) {
		print_reason("ours", err.text);
	} else {
		listing_of_tree(&l, dir_fd);
		print_listing("ours", &l);
		listing_free(&l);
	}
	if (listing_of_archive(&l, fd))
		print_reason("libarchive", l.why);
	else
		print_listing("libarchive", &l);
	listing_free(&l);
	if (remove_content(dir_fd, &err)) {
		fprintf(stderr, "%s\n", err.text);
		exit(2);
	}
	close(fd);
}

static void read_all(void)
{
	char memory[] = "/dev/shm/rollout-archives-XXXXXX", disk[] = "/tmp/rollout-archives-XXXXXX";
	char line[4096], *dir = mkdtemp(memory);
	int fd;

	if (!dir)
		dir = mkdtemp(disk);
	if (!dir)
		die("mkdtemp");
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		die(dir);
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = 0;
		read_one(line, fd);
	}
	close(fd);
	if (rmdir(dir))
		die(dir);
}

/* --- fold ------------------------------------------------------------------------------------- */

static void fold_all(void)
{
	static char line[20000], name[10000], key[FOLD_GROWTH * sizeof(name)];

	while (fgets(line, sizeof(line), stdin)) {
		size_t n = 0;
		unsigned byte;

		for (const char *c = line; sscanf(c, "%2x", &byte) == 1; c += 2)
			name[n++] = (char)byte;
		n = fold((struct str){name, n}, key);
		for (size_t i = 0; i < n; i++)
			printf("%02x", (unsigned char)key[i]);
		putchar('\n');
	}
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "generate"))
		generate(argv[2]);
	else if (argc == 2 && !strcmp(argv[1], "read"))
		read_all();
	else if (argc == 2 && !strcmp(argv[1], "fold"))
		fold_all();
	else
		return 2;
	return ferror(stdout) || fflush(stdout) ? 2 : 0;
}
