#include "tests/unit/artifacts/files.h"

#include <archive.h>
#include <archive_entry.h>

#include "artifacts/fetch.h"
#include "artifacts/pack.h"
#include "artifacts/publish.h"
#include "artifacts/unpack.h"
#include "artifacts/unpack_child.h"
#include "artifacts/workspace.h"
#include "tests/torture/torture.h"
#include "tests/unit/artifacts/zip_maker.h"
#include "tests/unit/aws/fake_http.h"

/*
 * Artifacts in and out: fetched into a workspace, unpacked there, and the workspace removed; a
 * folder packed and published. What succeeds has to be complete, what fails says what was
 * attempted, and nothing is left that the sweep at the next start does not find.
 */
#define LARGE (400u << 10) /* more than one block of everything, packed, too */

static char large[LARGE];
static struct err err;

/* Text that deflates, but not to nothing. */
static void fill_large(void)
{
	struct rng_seeded rng;

	rng_seeded_init(&rng, 5);
	for (size_t i = 0; i < LARGE; i++)
		large[i] = (char)('a' + rng_below(&rng.rng, 16));
}

static const struct file {
	const char *name;
	bool executable, is_large;
} files[] = {
	{"rollout.yaml", false, false},
	{"bin/run", true, false},
	{"lib/data/large.txt", false, true},
};
#define N_FILES (sizeof(files) / sizeof(files[0]))

static struct str content_of(const struct file *f)
{
	return f->is_large ? (struct str){large, LARGE} : str_from(f->name);
}

/* --- archives --------------------------------------------------------------------------------- */

static void make_zip(struct buf *out)
{
	struct pack_entry entries[N_FILES];

	for (size_t i = 0; i < N_FILES; i++)
		entries[i] = (struct pack_entry){.name = files[i].name,
						 .bytes = content_of(&files[i]),
						 .executable = files[i].executable};
	assert_int_equal(pack_entries(entries, N_FILES, out, &err), 0);
}

static void make_tar(struct buf *out, int (*compress)(struct archive *a))
{
	static char room[2 * LARGE];
	struct archive *a = archive_write_new();
	size_t n = 0;

	assert_int_equal(archive_write_set_format_ustar(a), ARCHIVE_OK);
	assert_int_equal(compress(a), ARCHIVE_OK);
	assert_int_equal(archive_write_open_memory(a, room, sizeof(room), &n), ARCHIVE_OK);
	for (size_t i = 0; i < N_FILES; i++) {
		struct archive_entry *e = archive_entry_new();
		struct str s = content_of(&files[i]);

		archive_entry_set_pathname(e, files[i].name);
		archive_entry_set_filetype(e, AE_IFREG);
		archive_entry_set_perm(e, files[i].executable ? 0755 : 0644);
		archive_entry_set_size(e, (la_int64_t)s.n);
		assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
		assert_int_equal(archive_write_data(a, s.p, s.n), (la_ssize_t)s.n);
		archive_entry_free(e);
	}
	assert_int_equal(archive_write_close(a), ARCHIVE_OK);
	archive_write_free(a);
	buf_add(out, room, n);
}

enum format { ZIP, TAR_GZIP, TAR_XZ };
static struct buf archives[TAR_XZ + 1];

static void make_archives(void)
{
	fill_large();
	for (int i = ZIP; i <= TAR_XZ; i++)
		buf_init(&archives[i], 4 * LARGE);
	make_zip(&archives[ZIP]);
	make_tar(&archives[TAR_GZIP], archive_write_add_filter_gzip);
	make_tar(&archives[TAR_XZ], archive_write_add_filter_xz);
}

/* --- in --------------------------------------------------------------------------------------- */

static bool is_there(int dir_fd, const struct file *f)
{
	struct str want = content_of(f);
	static char got[LARGE + 1];
	int fd = openat(dir_fd, f->name, O_RDONLY | O_CLOEXEC);
	struct stat st;
	bool same;

	if (fd < 0)
		return false;
	same = !fstat(fd, &st) && (st.st_mode & 07777) == (f->executable ? 0755 : 0644) &&
	       read(fd, got, sizeof(got)) == (ssize_t)want.n && !memcmp(got, want.p, want.n);
	close(fd);
	return same;
}

static void check_files(int dir_fd)
{
	int depth = torture_pause();

	for (size_t i = 0; i < N_FILES; i++)
		if (!is_there(dir_fd, &files[i]))
			torture_problem("%s is not as it was packed", files[i].name);
	torture_resume(depth);
}

static void unpack_into(struct workspace *ws, int file_fd)
{
	struct unpack_limits limits = unpack_limits_default();
	struct unpack_stats stats;
	int dir_fd = workspace_subdir(ws, "artifact", &err);

	if (!torture_verdict("workspace_subdir", dir_fd < 0, &err, "in the workspace"))
		return;
	if (torture_verdict("unpack", unpack(file_fd, dir_fd, &limits, &stats, &err), &err,
			    "entry |archive|to unpack into|zlib|zip|tar"))
		check_files(dir_fd);
	else if (count_in(dir_fd) && !strstr(err.text, "could not be removed"))
		torture_problem("unpack leaves something behind: %s", err.text);
	close(dir_fd);
}

static void fetch_into(struct workspace *ws, struct fake *f, const struct buf *archive)
{
	const struct fetch what = {.bucket = "bucket", .key = "key", .workspace = ws};
	struct fetched got;
	int rc;

	fake_answer_str(f, 200,
			arena_printf(f->arena, "ETag: \"e\"\nContent-Length: %zu\n", archive->n),
			buf_str(archive));
	rc = fetch(&f->client, &what, f->arena, &got, &err);
	if (!torture_verdict("fetch", rc, &err, "get s3://|in the workspace"))
		return;
	if (got.size != archive->n)
		torture_problem("fetch: %llu bytes", (unsigned long long)got.size);
	unpack_into(ws, got.fd);
	close(got.fd);
}

/* --- one step alone, every call of it in every way -------------------------------------------- */

static struct str stored_zip(void)
{
	static struct zm z;

	zm_begin(&z);
	zm_add(&z, &(struct zm_entry){.name = "stored", .text = "text"});
	zm_end(&z, NULL);
	buf_release(&z.directory);
	return buf_str(&z.out);
}

static void judge_unpacked(const char *what, int rc, int dir_fd, bool complete)
{
	if (torture_verdict(what, rc, &err,
			    "entry |archive|to unpack into|zlib|zip|tar|pipe|eventfd|poll|"
			    "the process that unpacks")) {
		if (complete)
			check_files(dir_fd);
	} else if (count_in(dir_fd) && !strstr(err.text, "could not be removed")) {
		torture_problem("%s leaves something behind: %s", what, err.text);
	}
}

static void unpack_here(struct str archive, bool complete)
{
	struct unpack_limits limits = unpack_limits_default();
	int fd = file_of(archive), rc;
	struct unpack_stats stats;
	struct temp t;

	temp_make(&t);
	torture_in();
	rc = unpack(fd, t.fd, &limits, &stats, &err);
	torture_out();
	judge_unpacked("unpack", rc, t.fd, complete);
	close(fd);
	temp_remove(&t);
}

static void unpack_large(void *arg)
{
	unpack_here(buf_str(arg), true);
}

static void unpack_stored(void *arg)
{
	struct str zip = stored_zip();

	(void)arg;
	unpack_here(zip, false);
	free((void *)(uintptr_t)zip.p);
}

/* What is refused in the end: the error is another one when it could not be read. */
static void unpack_refused(void *arg)
{
	const struct str *text = arg;
	struct unpack_limits limits = unpack_limits_default();
	int fd = file_of(*text), rc;
	struct unpack_stats stats;
	struct temp t;

	temp_make(&t);
	torture_in();
	rc = unpack(fd, t.fd, &limits, &stats, &err);
	torture_out();
	if (!rc)
		torture_problem("it was unpacked");
	else if (torture_hit_softly() && err.code == ERR_SYSTEM)
		torture_problem("does not survive: %s", err.text);
	else if (!strstr(err.text, "archive") && !strstr(err.text, "to unpack into"))
		torture_problem("says only: %s", err.text);
	close(fd);
	temp_remove(&t);
}

static struct unpack_child apart(void)
{
	return (struct unpack_child){.confinement = UNPACK_CONFINEMENT_PREFER,
				     .program = UNPACK_CHILD_SELF,
				     .clock = clock_system()};
}

static void unpack_apart(void *arg)
{
	const struct unpack_child how = apart();
	struct unpack_limits limits = unpack_limits_default();
	int fd = file_of(buf_str(arg)), rc;
	struct confine_report report;
	struct unpack_stats stats;
	struct temp t;

	temp_make(&t);
	torture_in();
	rc = unpack_in_child(&how, fd, t.fd, &limits, &stats, &report, &err);
	torture_out();
	judge_unpacked("unpack_in_child", rc, t.fd, true);
	/* without them it would have had ours */
	if (strstr(torture_hit_name(), "adddup2") && !strstr(err.text, "start the process"))
		torture_problem("it was started without its descriptors: %s", err.text);
	close(fd);
	temp_remove(&t);
}

static void probe_apart(void *arg)
{
	const struct unpack_child how = apart();
	struct confine_report report;
	struct temp t;
	int rc;

	(void)arg;
	temp_make(&t);
	torture_in();
	rc = unpack_child_probe(&how, t.fd, &report, &err);
	torture_out();
	torture_verdict("unpack_child_probe", rc, &err,
			"archive|to unpack into|pipe|eventfd|poll|the process that unpacks|"
			"/dev/null");
	temp_remove(&t);
}

/* The next start finds what was left. */
static void check_swept(struct temp *root, bool removed)
{
	if (removed && count_in(root->fd))
		torture_problem("a workspace was removed and is there");
	if (workspace_sweep(root->fd, &err))
		torture_problem("cannot be swept: %s", err.text);
	if (count_in(root->fd))
		torture_problem("something is left that no sweep finds");
}

static void bring_in(void *arg)
{
	struct workspace ws = WORKSPACE_INIT;
	struct fake *f = fake_new();
	bool removed = false;
	struct temp root;
	int rc;

	temp_make(&root);
	torture_in();
	rc = workspace_create(root.fd, &f->rng.rng, &ws, &err);
	if (torture_verdict("workspace_create", rc, &err, "create a workspace")) {
		fetch_into(&ws, f, arg);
		rc = workspace_remove(&ws, &err);
		removed = torture_verdict("workspace_remove", rc, &err, "workspace ");
	}
	torture_out();
	check_swept(&root, removed);
	temp_remove(&root);
	fake_free(f);
}

/* What dead processes left is swept, at once or at the next start. */
static void sweep_workspaces(void *arg)
{
	struct workspace ws = WORKSPACE_INIT;
	struct rng_seeded rng;
	struct temp root;
	int rc;

	(void)arg;
	rng_seeded_init(&rng, 3);
	temp_make(&root);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(workspace_create(root.fd, &rng.rng, &ws, &err), 0);
		mkdirat(ws.fd, "deep", 0700);
		mkdirat(ws.fd, "deep/deeper", 0700);
		put_file(ws.fd, "deep/deeper/file", STR("x"), 0600);
		close(ws.fd); /* as when the process dies */
	}
	torture_in();
	rc = workspace_sweep(root.fd, &err);
	torture_out();
	if (torture_verdict("workspace_sweep", rc, &err, "workspace |work directory") &&
	    !torture_hit_any() && count_in(root.fd))
		torture_problem("not swept");
	check_swept(&root, false);
	temp_remove(&root);
}

/* --- out -------------------------------------------------------------------------------------- */

static void check_zip(struct str zip)
{
	struct unpack_limits limits = unpack_limits_default();
	int depth = torture_pause(), fd = file_of(zip);
	struct unpack_stats stats;
	struct temp t;

	temp_make(&t);
	if (unpack(fd, t.fd, &limits, &stats, &err))
		torture_problem("the zip that was made is damaged: %s", err.text);
	else
		check_files(t.fd);
	close(fd);
	temp_remove(&t);
	torture_resume(depth);
}

static void publish_packed(struct fake *f, int fd, uint64_t size)
{
	const struct publish what = {.bucket = "bucket", .key = "key"};

	fake_answer(f, 200, "ETag: \"e\"\n", "");
	if (torture_verdict("publish_file", publish_file(&f->client, &what, fd, size, &err), &err,
			    "put s3://|read the output"))
		check_zip(fake_sent(f, 0)->body);
}

static void bring_out(void *arg)
{
	struct fake *f = fake_new();
	int fd = memfd_create("zip", MFD_CLOEXEC);
	struct temp t;
	uint64_t size;

	(void)arg;
	temp_make(&t);
	mkdirat(t.fd, "bin", 0755);
	mkdirat(t.fd, "lib", 0755);
	mkdirat(t.fd, "lib/data", 0755);
	for (size_t i = 0; i < N_FILES; i++)
		put_file(t.fd, files[i].name, content_of(&files[i]),
			 files[i].executable ? 0755 : 0644);
	torture_in();
	if (torture_verdict("pack_dir_file",
			    pack_dir_file(&(struct pack_dir){.dir_fd = t.fd}, fd, &size, &err),
			    &err, "pack|the zip|the file|zip entry|zlib"))
		publish_packed(f, fd, size);
	torture_out();
	close(fd);
	temp_remove(&t);
	fake_free(f);
}

#define EVERY(name_, run_, arg_, process)                         \
	{                                                         \
		.name = (name_), .run = (run_), .arg = (arg_),    \
		.stride = {1, process, 0, 0, 0, !(process)},      \
		.every_way = true                                 \
	}

int main(int argc, char **argv)
{
	static char zeros[600], reference[600] = "{\"ConnectionArn\": \"";
	static struct str nothing = {zeros, sizeof(zeros)},
			  json = {reference, sizeof(reference)};
	const struct torture_case cases[] = {
		{.name = "in-zip",
		 .run = bring_in,
		 .arg = &archives[ZIP],
		 .stride = {1, 0, 0, 1, 0, 1}},
		{.name = "in-tar-gzip",
		 .run = bring_in,
		 .arg = &archives[TAR_GZIP],
		 .stride = {1, 0, 0, 7, 0, 1}},
		{.name = "in-tar-xz",
		 .run = bring_in,
		 .arg = &archives[TAR_XZ],
		 .stride = {1, 0, 0, 0, 0, 1}},
		EVERY("unpack-zip", unpack_large, &archives[ZIP], 0),
		EVERY("unpack-tar-gzip", unpack_large, &archives[TAR_GZIP], 0),
		EVERY("unpack-tar-xz", unpack_large, &archives[TAR_XZ], 0),
		EVERY("unpack-stored", unpack_stored, NULL, 0),
		{.name = "unpack-nothing",
		 .run = unpack_refused,
		 .arg = &nothing,
		 .stride = {1, 0, 0, 0, 0, 0},
		 .every_way = true},
		{.name = "unpack-reference",
		 .run = unpack_refused,
		 .arg = &json,
		 .stride = {1, 0, 0, 0, 0, 0},
		 .every_way = true},
		EVERY("unpack-apart", unpack_apart, &archives[ZIP], 1),
		EVERY("probe-apart", probe_apart, NULL, 1),
		{.name = "sweep", .run = sweep_workspaces, .stride = {1, 0, 0, 0, 0, 0}},
		{.name = "out", .run = bring_out, .stride = {1, 0, 0, 1, 0, 1}},
	};
	int rc;

	if (argc > 1 && !strcmp(argv[1], UNPACK_CHILD_COMMAND))
		unpack_child_main(argc, argv);
	memset(reference + strlen(reference), 'a', sizeof(reference) - strlen(reference) - 2);
	memcpy(reference + sizeof(reference) - 2, "\"}", 2);
	make_archives();
	rc = torture_main(cases, sizeof(cases) / sizeof(cases[0]));
	for (int i = ZIP; i <= TAR_XZ; i++)
		buf_release(&archives[i]);
	return rc;
}
